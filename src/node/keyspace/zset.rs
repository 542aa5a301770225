//! A sorted set: a map from member to score, and all members in order. The order is a list of short sorted runs, so that
//! ranks are cheap to count and an insertion moves little. Ranges by score or by member are found as ranks.

use std::cmp::Ordering;

use super::{Fresh, Limits, Map};
use crate::wire::Bytes;

/// A run is cut in two above this length.
const RUN_MAX: usize = 256;

type Item = (f64, Bytes);

/// Members by ascending score, and by bytes where scores are equal. Scores are never NaN.
#[derive(Clone, Debug)]
pub struct Zset {
    scores: Map<f64>,
    /// No run is empty.
    runs: Vec<Vec<Item>>,
    packed: bool,
    fresh: Fresh,
    /// A score may be minus zero, which a listpack does not have.
    minus_zero: bool,
}

impl Default for Zset {
    fn default() -> Self {
        Self {
            scores: Map::default(),
            runs: Vec::new(),
            packed: true,
            fresh: Fresh::default(),
            minus_zero: false,
        }
    }
}

impl PartialEq for Zset {
    fn eq(&self, other: &Self) -> bool {
        self.scores == other.scores
    }
}

/// Members with their scores, in any order.
impl From<Map<f64>> for Zset {
    fn from(scores: Map<f64>) -> Self {
        let mut fresh = Fresh::default();
        for member in scores.keys() {
            fresh.note(member.len());
        }
        let minus_zero = scores.values().any(|score| is_minus_zero(*score));
        let mut items = ordered(&scores).into_iter();
        let run = |_| items.by_ref().take(RUN_MAX / 2).collect();
        Self {
            runs: (0..scores.len().div_ceil(RUN_MAX / 2)).map(run).collect(),
            scores,
            packed: true,
            fresh,
            minus_zero,
        }
    }
}

fn is_minus_zero(score: f64) -> bool {
    score == 0.0 && score.is_sign_negative()
}

/// Scores and members in the order of a sorted set.
pub fn ordered(scores: &Map<f64>) -> Vec<(f64, Bytes)> {
    let mut items: Vec<Item> = scores
        .iter()
        .map(|(member, score)| (*score, member.clone()))
        .collect();
    let compare = |a: &Item, b: &Item| order((a.0, &a.1), (b.0, &b.1));
    // A snapshot has them in order, the greatest first where there are many.
    if let [first, .., last] = &items[..]
        && compare(first, last).is_gt()
    {
        items.reverse();
    }
    if !items.is_sorted_by(|a, b| compare(a, b).is_le()) {
        crate::order::sort_by(&mut items, compare);
    }
    items
}

fn order(a: (f64, &[u8]), b: (f64, &[u8])) -> Ordering {
    a.0.partial_cmp(&b.0)
        .unwrap_or(Ordering::Equal)
        .then_with(|| a.1.cmp(b.1))
}

impl Zset {
    pub fn len(&self) -> usize {
        self.scores.len()
    }

    pub fn is_empty(&self) -> bool {
        self.scores.is_empty()
    }

    /// Whether Redis would keep it in one listpack.
    pub fn packed(&self) -> bool {
        self.packed
    }

    pub fn score(&self, member: &[u8]) -> Option<f64> {
        self.scores.get(member).copied()
    }

    /// Sets the score of a member; returns the old one.
    pub fn set(&mut self, member: Bytes, score: f64) -> Option<f64> {
        self.minus_zero |= is_minus_zero(score);
        let old = self.scores.insert(member.clone(), score);
        match old {
            Some(old) => self.take_item(old, &member),
            None => self.fresh.note(member.len()),
        }
        self.put_item(score, member);
        old
    }

    /// What was loaded as one listpack.
    pub(super) fn loaded(scores: Map<f64>) -> Self {
        Self {
            fresh: Fresh::default(),
            ..Self::from(scores)
        }
    }

    pub(super) fn unsettled(&self) -> bool {
        self.packed && (self.minus_zero || self.fresh.any)
    }

    /// Leaves the small form for good.
    pub(super) fn unpack(&mut self) {
        self.packed = false;
    }

    /// Leaves the small form if it has outgrown it; while it has it, no zero has a sign. Who adds many members asks for
    /// it after each.
    pub fn settle(&mut self, limits: &Limits) {
        if !self.unsettled() {
            return;
        }
        let len = self.len();
        if self
            .fresh
            .exceeds(len, limits.zset_entries, limits.zset_value)
        {
            return self.unpack();
        }
        if !self.minus_zero {
            return;
        }
        self.minus_zero = false;
        self.scores.values_mut().for_each(|score| *score += 0.0);
        for (score, _) in self.runs.iter_mut().flatten() {
            *score += 0.0;
        }
    }

    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let score = self.scores.swap_remove(member)?;
        self.take_item(score, member);
        Some(score)
    }

    /// How many members come before this one.
    pub fn rank(&self, member: &[u8]) -> Option<usize> {
        let score = self.score(member)?;
        Some(self.leading(&|s, m| order((s, m), (score, member)).is_lt()))
    }

    /// How many members from the first on have a property that, once lost, does not come back: where a range begins.
    pub fn leading(&self, property: &dyn Fn(f64, &[u8]) -> bool) -> usize {
        let full = self.runs.partition_point(|run| {
            run.last()
                .is_some_and(|(score, member)| property(*score, member))
        });
        let part = self.runs.get(full).map_or(0, |run| {
            run.partition_point(|(score, member)| property(*score, member))
        });
        self.runs[..full].iter().map(Vec::len).sum::<usize>() + part
    }

    /// All members in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Bytes, f64)> {
        self.range(0, self.len())
    }

    /// The members of rank `from..to`, in order.
    pub fn range(&self, from: usize, to: usize) -> impl DoubleEndedIterator<Item = (&Bytes, f64)> {
        let to = to.min(self.len());
        let from = from.min(to);
        let (first, skip) = self.place(from);
        let (last, end) = self.place(to);
        let last = if end == 0 { last } else { last + 1 };
        let spare = if end == 0 {
            0
        } else {
            self.runs[last - 1].len() - end
        };
        let mut items = self.runs[first..last.max(first)].iter().flatten();
        if from < to {
            for _ in 0..skip {
                items.next();
            }
            for _ in 0..spare {
                items.next_back();
            }
        } else {
            items = [].iter().flatten();
        }
        items.map(|(score, member)| (member, *score))
    }

    /// A member by its place in the map: any order, but without a search. For scans and random choices.
    pub fn nth_unordered(&self, index: usize) -> Option<(&Bytes, f64)> {
        self.scores
            .get_index(index)
            .map(|(member, score)| (member, *score))
    }

    /// The run of a rank and the place in it; for `len` the end.
    fn place(&self, rank: usize) -> (usize, usize) {
        let mut left = rank;
        for (number, run) in self.runs.iter().enumerate() {
            if left < run.len() {
                return (number, left);
            }
            left -= run.len();
        }
        (self.runs.len(), 0)
    }

    /// The run where an item is or belongs, and the place in it.
    fn find(&self, score: f64, member: &[u8]) -> (usize, Result<usize, usize>) {
        let before = |item: &Item| order((item.0, &item.1), (score, member)).is_lt();
        let run = self
            .runs
            .partition_point(|run| run.last().is_some_and(before))
            .min(self.runs.len().saturating_sub(1));
        let place = self.runs.get(run).map_or(Err(0), |run| {
            run.binary_search_by(|item| order((item.0, &item.1), (score, member)))
        });
        (run, place)
    }

    fn put_item(&mut self, score: f64, member: Bytes) {
        let (run, place) = self.find(score, &member);
        let (Ok(place) | Err(place)) = place;
        let Some(items) = self.runs.get_mut(run) else {
            self.runs.push(vec![(score, member)]);
            return;
        };
        items.insert(place, (score, member));
        if items.len() > RUN_MAX {
            let half = items.split_off(RUN_MAX / 2);
            self.runs.insert(run + 1, half);
        }
    }

    fn take_item(&mut self, score: f64, member: &[u8]) {
        if let (run, Ok(place)) = self.find(score, member) {
            self.runs[run].remove(place);
            if self.runs[run].is_empty() {
                self.runs.remove(run);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    fn bytes(text: &str) -> Bytes {
        Bytes::from(text.as_bytes())
    }

    #[test]
    fn ranks_and_ranges_agree_with_a_sorted_list() {
        let mut rng = Rng::new(3);
        let (mut zset, mut plain) = (Zset::default(), Vec::<(i64, String)>::new());
        for _ in 0..4000 {
            let member = format!("m{}", rng.below(1200));
            plain.retain(|(_, m)| *m != member);
            if rng.below(3) == 0 {
                zset.remove(member.as_bytes());
            } else {
                let score = rng.below(50) as i64;
                zset.set(bytes(&member), score as f64);
                plain.push((score, member));
            }
        }
        plain.sort();
        let listed: Vec<_> = zset
            .iter()
            .map(|(m, s)| (s as i64, String::from_utf8_lossy(m).into_owned()))
            .collect();
        assert_eq!(listed, plain);
        for (rank, (_, member)) in plain.iter().enumerate() {
            assert_eq!(zset.rank(member.as_bytes()), Some(rank));
        }
        for (from, to) in [
            (0, 0),
            (0, 1),
            (5, 700),
            (255, 257),
            (300, 299),
            (plain.len(), 9999),
            (0, 9999),
        ] {
            let part: Vec<_> = zset.range(from, to).map(|(m, _)| m.to_vec()).collect();
            let want: Vec<_> = plain
                .iter()
                .take(to)
                .skip(from)
                .map(|(_, m)| m.clone().into_bytes())
                .collect();
            assert_eq!(part, want, "{from}..{to}");
            let mut back: Vec<_> = zset
                .range(from, to)
                .rev()
                .map(|(m, _)| m.to_vec())
                .collect();
            back.reverse();
            assert_eq!(back, want, "{from}..{to} from the end");
        }
        assert_eq!(
            zset.leading(&|score, _| score < 25.0),
            plain.iter().filter(|(s, _)| *s < 25).count()
        );
    }
}
