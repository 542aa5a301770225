//! A list that grows at its end and shrinks at its front, in runs behind `Rc`: a copy of a world shares nearly all of
//! it, however long it is.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::rc::Rc;

use serde::{Serialize, Serializer};

/// Elements of one run: what is copied when a shared list grows.
const RUN: usize = 64;

#[derive(Clone, Debug)]
pub struct Trail<T> {
    runs: VecDeque<Rc<Vec<T>>>,
    /// Elements of the first run that are gone.
    gone: usize,
}

impl<T> Default for Trail<T> {
    fn default() -> Self {
        Self {
            runs: VecDeque::new(),
            gone: 0,
        }
    }
}

impl<T: Clone> Trail<T> {
    pub fn push(&mut self, item: T) {
        match self.runs.back_mut().filter(|run| run.len() < RUN) {
            Some(run) => Rc::make_mut(run).push(item),
            None => {
                let mut run = Vec::with_capacity(RUN);
                run.push(item);
                self.runs.push_back(Rc::new(run));
            }
        }
    }

    pub fn front(&self) -> Option<&T> {
        self.runs.front()?.get(self.gone)
    }

    pub fn back(&self) -> Option<&T> {
        self.runs.back()?.last()
    }

    /// An element for which `f` says `Equal`; they are in the order of what it says.
    pub fn search(&self, f: impl Fn(&T) -> Ordering) -> Option<&T> {
        let before = |run: &Rc<Vec<T>>| run.first().is_some_and(|first| f(first).is_le());
        // What is looked for is mostly among the newest.
        let run = self.runs.iter().rev().find(|run| before(run))?;
        Some(&run[run.binary_search_by(&f).ok()?])
    }

    pub fn drop_front(&mut self) {
        self.gone += 1;
        if self.runs.front().is_some_and(|run| run.len() <= self.gone) {
            self.runs.pop_front();
            self.gone = 0;
        }
    }

    pub fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        let old = std::mem::take(self);
        for item in old.iter().filter(|item| keep(item)) {
            self.push(item.clone());
        }
    }

    pub fn len(&self) -> usize {
        // Every run but the last is full.
        let full = self.runs.len().saturating_sub(1) * RUN;
        let last = self.runs.back().map_or(0, |run| run.len());
        full + last - self.gone
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        let runs = self.runs.iter().enumerate();
        runs.flat_map(|(i, run)| &run[if i == 0 { self.gone } else { 0 }..])
    }
}

impl<T: Clone + PartialEq> PartialEq for Trail<T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<T: Clone + Serialize> Serialize for Trail<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_queue_and_a_copy_is_not_disturbed() {
        let (mut trail, mut model) = (Trail::default(), VecDeque::new());
        for n in 0..1000 {
            trail.push(n);
            model.push_back(n);
            if n % 3 == 0 {
                trail.drop_front();
                model.pop_front();
            }
            assert_eq!(trail.front(), model.front());
            assert_eq!(trail.back(), model.back());
            assert_eq!(trail.len(), model.len());
        }
        assert_eq!(trail.search(|n| n.cmp(&777)), Some(&777));
        assert_eq!(trail.search(|n| n.cmp(&1000)), None);
        let copy = trail.clone();
        while trail.front().is_some() {
            trail.drop_front();
        }
        trail.push(7);
        assert!(copy.iter().eq(model.iter()));
        assert!(copy.iter().rev().eq(model.iter().rev()));
        assert!(trail.iter().eq(&[7]));
    }
}
