//! Keys as tiles: which ones are drawn, and how a replica's differ from those of the master of its chain.

use super::words::{Words, fill, fill_n};
use crate::sim::snapshot::{KeyView, NodeView};

/// How many tiles a node has.
pub const TILES: usize = 12;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Same,
    Missing,
    Old,
}

/// One tile: the key in the reference, its state here, the bytes that set it here (or, where it is missing, there).
pub struct Tile<'a> {
    pub key: &'a KeyView,
    pub state: State,
    pub set_by: Option<(u64, u64)>,
}

#[derive(Default)]
pub struct Diff<'a> {
    pub tiles: Vec<Tile<'a>>,
    pub count: u64,
    pub missing: usize,
    pub old: usize,
    pub extra: usize,
}

/// The keys that get a tile: all, or the twelve written last, in their own order.
pub fn shown(keys: &[KeyView]) -> Vec<usize> {
    let written = |i: usize| keys[i].set_by.map_or(0, |s| s.1);
    let mut newest: Vec<usize> = Vec::new();
    for i in 0..keys.len() {
        newest.insert(newest.partition_point(|&k| written(k) >= written(i)), i);
        newest.truncate(TILES);
    }
    (0..keys.len()).filter(|i| newest.contains(i)).collect()
}

/// Compares the keys of a node with those of `reference`; none: nothing to compare with.
pub fn diff<'a>(node: &'a NodeView, reference: Option<&'a NodeView>) -> Diff<'a> {
    let own = &node.keys;
    let Some(reference) = reference else {
        let tiles = shown(own)
            .into_iter()
            .map(|i| Tile {
                key: &own[i],
                state: State::Same,
                set_by: own[i].set_by,
            })
            .collect();
        return Diff {
            tiles,
            count: node.key_count,
            ..Diff::default()
        };
    };
    let mut out = Diff {
        count: node.key_count,
        ..Diff::default()
    };
    // Of a large database not all keys are listed: one that is not there may be among the others.
    let all = node.lists_all_keys() && reference.lists_all_keys();
    let draw = shown(&reference.keys);
    let mut hint = 0;
    let mut met = 0;
    for (i, key) in reference.keys.iter().enumerate() {
        let is = |k: &&KeyView| k.name == key.name && k.db == key.db;
        // Both lists have the same order, so the next one mostly fits.
        let found = match own.get(hint).filter(is) {
            Some(k) => Some((hint, k)),
            None => own.iter().enumerate().find(|(_, k)| is(k)),
        };
        let (state, set_by) = match found {
            Some((at, k)) => {
                hint = at + 1;
                met += 1;
                (
                    if k.digest == key.digest {
                        State::Same
                    } else {
                        State::Old
                    },
                    k.set_by,
                )
            }
            None if node.lists_all_keys() => (State::Missing, None),
            None => continue, // nothing is known of it
        };
        match state {
            State::Missing => out.missing += 1,
            State::Old => out.old += 1,
            State::Same => {}
        }
        if draw.binary_search(&i).is_ok() {
            out.tiles.push(Tile { key, state, set_by });
        }
    }
    out.extra = own.len() - met.min(own.len());
    if !all {
        let missing = reference.key_count.saturating_sub(node.key_count);
        let extra = node.key_count.saturating_sub(reference.key_count);
        (out.missing, out.extra) = (missing as usize, extra as usize);
    }
    out
}

impl Diff<'_> {
    /// The difference in words, for a plate whose reference is `name`.
    pub fn words(&self, w: &Words, name: &str, short: bool) -> String {
        let n = (self.missing + self.old + self.extra) as u64;
        match (self.missing, self.old, self.extra) {
            (0, 0, 0) if short => w.same_short.into(),
            (0, 0, 0) => fill(w.same, &[name]),
            (_, 0, 0) => fill_n(w.missing, n),
            (0, _, 0) => fill_n(w.old, n),
            (0, 0, _) => fill_n(w.extra, n),
            _ => fill_n(w.differ, n),
        }
    }
}

pub fn count(w: &Words, n: u64) -> String {
    if n == 1 {
        w.key.into()
    } else {
        fill_n(w.keys, n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    fn node(keys: &[(&str, u64)]) -> NodeView {
        let keys = keys
            .iter()
            .map(|&(name, digest)| KeyView {
                db: 0,
                name: name.into(),
                kind: "string",
                value: String::new(),
                digest,
                expire_at_ms: None,
                set_by: None,
            })
            .collect();
        let keys: Vec<_> = keys;
        NodeView {
            key_count: keys.len() as u64,
            keys: Rc::new(keys),
            ..NodeView::default()
        }
    }

    #[test]
    fn of_keys_that_are_not_listed_only_the_number_is_compared() {
        let (mut m, mut r) = (node(&[("a", 1), ("b", 2)]), node(&[("b", 2), ("c", 3)]));
        (m.key_count, r.key_count) = (700, 700);
        let d = diff(&r, Some(&m));
        assert_eq!((d.missing, d.old, d.extra, d.count), (0, 0, 0, 700));
        r.key_count = 690;
        assert_eq!(diff(&r, Some(&m)).missing, 10);
    }

    #[test]
    fn differences_are_told_apart() {
        let (m, r) = (
            node(&[("a", 1), ("b", 2), ("c", 3)]),
            node(&[("a", 1), ("c", 4), ("d", 5)]),
        );
        let d = diff(&r, Some(&m));
        assert_eq!((d.missing, d.old, d.extra, d.count), (1, 1, 1, 3));
        let states: Vec<State> = d.tiles.iter().map(|t| t.state).collect();
        assert_eq!(states, [State::Same, State::Missing, State::Old]);
    }
}
