//! The branches of a tape. A branch grew from a place on another one; its own part begins after that event.

use super::marker::Marker;
use crate::sim::{Action, Cluster, Weight};
use crate::time::Instant;
use serde::Serialize;
use std::rc::Rc;

/// Names a branch for as long as the tape lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct BranchId(pub u32);

/// Something that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    pub event: u64,
    pub at: Instant,
    pub action: Action,
}

/// A copy of the world just after an event.
#[derive(Clone)]
pub(super) struct Frame {
    pub event: u64,
    pub world: Cluster,
    pub weight: Weight,
}

impl Frame {
    pub fn new(event: u64, world: &Cluster) -> Self {
        Self {
            event,
            world: world.clone(),
            weight: world.weight(),
        }
    }
}

/// A part of a path: the events of `branch` up to and including `upto`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub branch: BranchId,
    pub upto: u64,
}

pub(super) struct Branch {
    id: BranchId,
    name: String,
    /// The branch from which it grew, and after which event.
    from: Option<(BranchId, u64)>,
    pub deeds: Vec<Rc<Deed>>,
    pub frames: Vec<Frame>,
    pub markers: Vec<Marker>,
    pub end: u64,
    pub end_at: Instant,
    /// Deleted, and kept only because others grew from it.
    stem: bool,
}

/// A branch, for a list or a drawing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BranchView {
    pub id: BranchId,
    pub name: String,
    /// The branch beside which it is drawn, and the event at which it leaves that one; `None` for the first.
    pub from: Option<(BranchId, u64)>,
    /// Its last event so far, and the latest moment.
    pub end: u64,
    pub end_at: Instant,
    /// The deed that began it, as a line.
    pub began_with: Option<String>,
    /// It is the current one.
    pub here: bool,
}

/// Why a branch cannot be had, or not be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoBranch {
    Unknown,
    /// The current one cannot be deleted.
    Here,
}

impl std::fmt::Display for NoBranch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unknown => "there is no such branch",
            Self::Here => "you are on this branch; switch to another one first",
        })
    }
}

pub(super) struct Tree {
    /// In the order in which they began; the first one is never removed.
    branches: Vec<Branch>,
    next: u32,
}

/// A, B, …, Z, then numbers.
fn name(n: u32) -> String {
    match u8::try_from(n) {
        Ok(n @ 0..26) => char::from(b'A' + n).to_string(),
        _ => format!("#{}", n + 1),
    }
}

impl Tree {
    pub fn new(first: Frame) -> Self {
        let end_at = first.world.now();
        Self {
            branches: vec![Branch {
                id: BranchId(0),
                name: name(0),
                from: None,
                deeds: Vec::new(),
                frames: vec![first],
                markers: Vec::new(),
                end: 0,
                end_at,
                stem: false,
            }],
            next: 1,
        }
    }

    pub fn root(&self) -> BranchId {
        self.branches[0].id
    }

    /// The keyframe with which everything begins.
    pub fn first(&self) -> &Frame {
        &self.branches[0].frames[0]
    }

    pub fn branch(&self, id: BranchId) -> &Branch {
        self.find(id).expect("a path names branches that exist")
    }

    pub fn branch_mut(&mut self, id: BranchId) -> &mut Branch {
        self.branches
            .iter_mut()
            .find(|b| b.id == id)
            .expect("a path names branches that exist")
    }

    fn find(&self, id: BranchId) -> Option<&Branch> {
        self.branches.iter().find(|b| b.id == id)
    }

    /// # Errors
    /// The branch does not exist, or was deleted.
    pub fn check(&self, id: BranchId) -> Result<(), NoBranch> {
        match self.find(id) {
            Some(branch) if !branch.stem => Ok(()),
            _ => Err(NoBranch::Unknown),
        }
    }

    /// The way from the beginning of the tape to the end of a branch.
    pub fn path(&self, id: BranchId) -> Vec<Stretch> {
        let mut path = Vec::new();
        let (mut at, mut upto) = (id, u64::MAX);
        loop {
            path.push(Stretch { branch: at, upto });
            match self.branch(at).from {
                Some((parent, event)) => (at, upto) = (parent, event),
                None => break,
            }
        }
        path.reverse();
        path
    }

    /// A new branch after event `event` of a path.
    pub fn fork(&mut self, path: &[Stretch], event: u64) -> BranchId {
        let parent = path.iter().find(|s| event <= s.upto);
        let parent = parent.map_or_else(|| self.root(), |s| s.branch);
        let id = BranchId(self.next);
        self.next += 1;
        self.branches.push(Branch {
            id,
            name: name(id.0),
            from: Some((parent, event)),
            deeds: Vec::new(),
            frames: Vec::new(),
            markers: Vec::new(),
            end: event,
            end_at: Instant::default(),
            stem: false,
        });
        id
    }

    pub fn rename(&mut self, id: BranchId, name: &str) -> Result<(), NoBranch> {
        self.check(id)?;
        let name: String = name.trim().chars().take(40).collect();
        if !name.is_empty() {
            self.branch_mut(id).name = name;
        }
        Ok(())
    }

    /// Forgets a branch; what others grew from stays, without a name.
    pub fn delete(&mut self, id: BranchId) -> Result<(), NoBranch> {
        self.check(id)?;
        self.branch_mut(id).stem = true;
        self.prune();
        Ok(())
    }

    /// Cuts stems down to the last place from which something grows, and removes those from which nothing does.
    fn prune(&mut self) {
        loop {
            let last = |id: BranchId| {
                let children = self.branches.iter().filter_map(|b| b.from);
                children
                    .filter(|(p, _)| *p == id)
                    .map(|(_, event)| event)
                    .max()
            };
            let ends: Vec<_> = self.branches.iter().map(|b| last(b.id)).collect();
            let before = self.branches.len();
            let mut ends = ends.into_iter();
            self.branches.retain_mut(|branch| {
                let end = ends.next().flatten();
                if !branch.stem {
                    return true;
                }
                let Some(end) = end else { return false };
                branch.end = end;
                branch.deeds.retain(|d| d.event <= end);
                branch.markers.retain(|m| m.event <= end);
                branch.frames.retain(|f| f.event <= end);
                true
            });
            if self.branches.len() == before {
                return;
            }
        }
    }

    /// The branch that is drawn as the continuation of a stem: the one that leaves it last.
    fn heir(&self, id: BranchId) -> BranchId {
        let children = self
            .branches
            .iter()
            .filter(|b| b.from.is_some_and(|(p, _)| p == id));
        let last =
            children.max_by_key(|b| (b.from.map(|(_, event)| event), std::cmp::Reverse(b.id)));
        match last {
            Some(child) if self.branch(id).stem => self.heir(child.id),
            _ => id,
        }
    }

    /// Beside which visible branch one is drawn, and where it leaves it.
    fn drawn_from(&self, id: BranchId) -> Option<(BranchId, u64)> {
        let (mut at, mut from) = (id, self.branch(id).from);
        while let Some((parent, event)) = from {
            let heir = self.heir(parent);
            if heir != self.heir(at) {
                return Some((heir, event));
            }
            (at, from) = (parent, self.branch(parent).from);
        }
        None
    }

    pub fn views(&self, here: BranchId) -> Vec<BranchView> {
        let seen = self.branches.iter().filter(|b| !b.stem);
        seen.map(|b| BranchView {
            id: b.id,
            name: b.name.clone(),
            from: self.drawn_from(b.id),
            end: b.end,
            end_at: b.end_at,
            began_with: b
                .from
                .and_then(|_| Some(b.deeds.first()?.action.to_string())),
            here: b.id == here,
        })
        .collect()
    }

    /// The last event that two branches share.
    pub fn common(&self, left: BranchId, right: BranchId) -> u64 {
        let (a, b) = (self.path(left), self.path(right));
        let shared = a.iter().zip(&b).take_while(|(x, y)| x.branch == y.branch);
        shared.last().map_or(0, |(x, y)| {
            x.upto.min(y.upto).min(self.branch(x.branch).end)
        })
    }

    // --- along a path ------------------------------------------------------------------------------------------------

    pub fn deeds(&self, path: &[Stretch]) -> Vec<Rc<Deed>> {
        let part = |s: &Stretch| {
            let upto = s.upto;
            let deeds = self.branch(s.branch).deeds.iter();
            deeds.take_while(move |d| d.event <= upto).cloned()
        };
        path.iter().flat_map(part).collect()
    }

    pub fn deed_after(&self, path: &[Stretch], event: u64) -> Option<Rc<Deed>> {
        path.iter().find_map(|s| {
            let deeds = &self.branch(s.branch).deeds;
            let deed = deeds.get(deeds.partition_point(|d| d.event <= event))?;
            (deed.event <= s.upto).then(|| deed.clone())
        })
    }

    /// The last deed at or before an event.
    pub fn deed_before(&self, path: &[Stretch], event: u64) -> Option<Rc<Deed>> {
        path.iter().rev().find_map(|s| {
            let deeds = &self.branch(s.branch).deeds;
            let at = deeds.partition_point(|d| d.event <= event.min(s.upto));
            deeds.get(at.checked_sub(1)?).cloned()
        })
    }

    pub fn markers(&self, path: &[Stretch]) -> Vec<Marker> {
        let part = |s: &Stretch| {
            let upto = s.upto;
            let markers = self.branch(s.branch).markers.iter();
            markers.take_while(move |m| m.event <= upto).cloned()
        };
        path.iter().flat_map(part).collect()
    }

    /// The newest keyframe of a path for which `early` holds; there is always the first one.
    pub fn frame_before(&self, path: &[Stretch], early: &impl Fn(&Frame) -> bool) -> &Frame {
        let last = path.iter().rev().find_map(|s| {
            let frames = &self.branch(s.branch).frames;
            let at = frames.partition_point(|f| f.event <= s.upto && early(f));
            frames.get(at.checked_sub(1)?)
        });
        last.unwrap_or_else(|| self.first())
    }

    pub fn worlds(&mut self) -> impl Iterator<Item = &mut Cluster> {
        let frames = self.branches.iter_mut().flat_map(|b| &mut b.frames);
        frames.map(|frame| &mut frame.world)
    }

    pub fn frames(&self) -> usize {
        self.branches.iter().map(|b| b.frames.len()).sum()
    }

    /// What the keyframes cost, roughly, in bytes; without the last one of each branch, of which it is not known yet.
    pub fn weight(&self) -> u64 {
        let costs = |branch: &Branch| {
            let pairs = branch.frames.windows(2);
            pairs
                .map(|pair| pair[0].weight.of_copy(pair[1].weight))
                .sum::<u64>()
        };
        self.branches.iter().map(costs).sum()
    }

    /// Forgets every second keyframe; the first one of each branch stays.
    pub fn thin(&mut self) {
        for branch in &mut self.branches {
            let mut keep = false;
            branch.frames.retain(|_| {
                keep = !keep;
                keep
            });
        }
    }
}
