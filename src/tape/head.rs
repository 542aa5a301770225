//! The place that is being looked at: a world, and the way through the branches on which it is played.

use super::tree::{BranchId, Deed, Stretch, Tree};
use crate::sim::Cluster;
use crate::sim::snapshot::Packet;
use crate::time::Instant;
use std::rc::Rc;

/// A world that is played along one branch.
pub(super) struct Head {
    pub world: Cluster,
    /// Number of the last event, and when it was.
    pub event: u64,
    pub event_at: Instant,
    /// From the root to the branch.
    pub path: Vec<Stretch>,
    /// The next deed that is recorded on this path.
    next: Option<Rc<Deed>>,
}

impl Head {
    /// A head at a keyframe of the branch's path.
    pub fn new(world: Cluster, event: u64, tree: &Tree, branch: BranchId) -> Self {
        let path = tree.path(branch);
        let next = tree.deed_after(&path, event);
        Self {
            event_at: world.now(),
            world,
            event,
            path,
            next,
        }
    }

    pub fn branch(&self) -> BranchId {
        self.path
            .last()
            .map_or_else(BranchId::default, |s| s.branch)
    }

    /// Goes on along another branch, on whose path this place lies.
    pub fn follow(&mut self, tree: &Tree, branch: BranchId) {
        self.path = tree.path(branch);
        self.look_ahead(tree);
    }

    pub fn look_ahead(&mut self, tree: &Tree) {
        self.next = tree.deed_after(&self.path, self.event);
    }

    pub fn on_path(&self, branch: BranchId, event: u64) -> bool {
        self.path
            .iter()
            .any(|s| s.branch == branch && event <= s.upto)
    }

    /// The next deed that is recorded on this path.
    pub fn next_deed(&self) -> Option<&Deed> {
        self.next.as_deref()
    }

    /// The very next event is a deed.
    pub fn deed_is_next(&self) -> bool {
        self.next
            .as_ref()
            .is_some_and(|d| d.event == self.event + 1)
    }

    pub fn next_deed_is_past(&self) -> bool {
        self.next.as_ref().is_some_and(|d| d.event <= self.event)
    }

    pub fn next_at(&self) -> Option<Instant> {
        match &self.next {
            Some(deed) if deed.event == self.event + 1 => Some(deed.at),
            _ => self.world.next_at(),
        }
    }

    /// The next event; false when nothing is due ever again.
    pub fn step(&mut self) -> bool {
        let next = self.next.clone();
        match next {
            Some(deed) if deed.event == self.event + 1 => {
                self.world.run_until(deed.at);
                let done = self.world.act(&deed.action);
                assert!(
                    done.is_ok(),
                    "'{}' could be done once and not again",
                    deed.action
                );
            }
            _ => {
                if !self.world.step() {
                    return false;
                }
            }
        }
        self.event += 1;
        self.event_at = self.world.now();
        true
    }

    /// The next event of the recorded path, when and what it was; `None` at the end of the branch.
    pub fn step_told(&mut self, tree: &Tree) -> Option<(Instant, String)> {
        if self.event >= tree.branch(self.branch()).end {
            return None;
        }
        let deed = self.next.clone().filter(|_| self.deed_is_next());
        let told = self.world.told();
        let flying = self.world.in_flight().clone();
        if !self.step() {
            return None;
        }
        self.world.take_late_replies();
        if self.next_deed_is_past() {
            self.look_ahead(tree);
        }
        let what = match (deed, self.world.stories(told).next()) {
            (Some(deed), _) => deed.action.to_string(),
            (None, Some(story)) => story.what.to_string(),
            (None, None) => {
                let still = self.world.in_flight();
                let gone = flying.iter().find(|p| still.iter().all(|s| s.id != p.id));
                gone.map_or_else(|| "a timer".into(), |p| packet(p))
            }
        };
        Some((self.event_at, what))
    }
}

fn packet(p: &Packet) -> String {
    let frames: Vec<&str> = p.frames.iter().map(|f| f.text.as_str()).collect();
    format!("{} → {}: {}", p.from, p.to, frames.join(" · "))
}
