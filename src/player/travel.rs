//! To and fro in time, and between branches. Every jump pauses the player; playing goes on from where it is, through
//! what is recorded, and at the end of the branch it is live again.

use super::Player;
use crate::tape::{BranchId, BranchView, Deed, Difference, Marker, MarkerKind, NoBranch};
use crate::time::Instant;
use std::rc::Rc;

/// Where the player is on its tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Number of the event that happened last, and of the last one of the branch so far.
    pub event: u64,
    pub end: u64,
    pub at: Instant,
    /// The tape begins and the branch ends here.
    pub begin_at: Instant,
    pub end_at: Instant,
    pub branch: BranchId,
    /// What comes next is recorded; acting here begins a branch.
    pub past: bool,
}

/// A moment of a branch that can be gone back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub branch: BranchId,
    pub event: u64,
    pub at: Instant,
}

/// The markers of a branch, as long as they do not change.
pub(super) struct Strip {
    branch: BranchId,
    end: u64,
    markers: Rc<Vec<Marker>>,
}

impl Player {
    pub fn position(&self) -> Position {
        let (end, end_at) = self.tape.end();
        Position {
            event: self.tape.event(),
            end,
            at: self.now(),
            begin_at: self.tape.begin_at(),
            end_at,
            branch: self.tape.branch(),
            past: self.tape.in_the_past(),
        }
    }

    /// This moment.
    pub fn place(&self) -> Place {
        Place {
            branch: self.tape.branch(),
            event: self.tape.event(),
            at: self.now(),
        }
    }

    /// Back to a place; where its branch is gone, to its moment on this one.
    pub fn go(&mut self, place: &Place) {
        let playing = self.playing;
        self.travel(|p| {
            // A branch that was deleted meanwhile: what is left of it is on this one.
            let _ = p.tape.switch(place.branch);
            p.tape.seek_place(place.event, place.at);
        });
        self.playing = playing;
    }

    /// Back to a place, and from there on a new branch: live, with nothing that was done later.
    pub fn branch_at(&mut self, place: &Place) {
        self.go(place);
        self.tape.fork();
        self.changed();
    }

    /// Goes to just after this event of the current branch; 0 is the beginning.
    pub fn seek(&mut self, event: u64) {
        self.travel(|p| p.tape.seek(event));
    }

    /// Goes to this moment of the current branch, as far as it is known.
    pub fn seek_time(&mut self, at: Instant) {
        self.travel(|p| p.tape.seek_time(at));
    }

    pub fn step_back(&mut self) {
        self.travel(|p| p.tape.step_back());
    }

    pub fn seek_start(&mut self) {
        self.seek(0);
    }

    /// To the newest moment of the branch, where the world goes on by itself.
    pub fn seek_live(&mut self) {
        self.seek_time(Instant(u64::MAX));
    }

    /// To the next moment that is worth a look: a deed, or a marker that is not a write. False when there is none.
    pub fn seek_next_marker(&mut self) -> bool {
        let event = self.tape.event();
        let next = self.stops().into_iter().find(|&stop| stop > event);
        next.is_some_and(|stop| {
            self.seek(stop);
            true
        })
    }

    /// The same backwards.
    pub fn seek_previous_marker(&mut self) -> bool {
        let event = self.tape.event();
        let last = self.stops().into_iter().rfind(|&stop| stop < event);
        last.is_some_and(|stop| {
            self.seek(stop);
            true
        })
    }

    /// Events to stop at, in order.
    fn stops(&self) -> Vec<u64> {
        let markers = self.markers();
        let notable = markers.iter().filter(|m| m.kind != MarkerKind::Write);
        let mut stops: Vec<u64> = notable.map(|m| m.event).collect();
        stops.extend(self.tape.deeds().iter().map(|d| d.event));
        crate::order::sort_by(&mut stops, u64::cmp);
        stops.dedup();
        stops
    }

    /// Every jump: stop, go, and forget what was seen.
    fn travel<T>(&mut self, go: impl FnOnce(&mut Self) -> T) -> T {
        self.playing = false;
        let result = go(self);
        self.tell_late();
        self.idle_since = None;
        self.note_idle();
        self.changed();
        result
    }

    /// Moments to draw on the timeline of the current branch, oldest first; the same `Rc` until there are new ones.
    pub fn markers(&self) -> Rc<Vec<Marker>> {
        let (branch, (end, _)) = (self.tape.branch(), self.tape.end());
        let mut strip = self.strip.borrow_mut();
        match &*strip {
            Some(s) if (s.branch, s.end) == (branch, end) => s.markers.clone(),
            _ => {
                let markers = Rc::new(self.tape.markers());
                *strip = Some(Strip {
                    branch,
                    end,
                    markers: markers.clone(),
                });
                markers
            }
        }
    }

    /// Goes to just before what was done last; false when nothing was done before here.
    pub fn undo(&mut self) -> bool {
        self.travel(|p| p.tape.undo())
    }

    /// Goes to just after the next deed of the branch; false when there is none.
    pub fn redo(&mut self) -> bool {
        self.travel(|p| p.tape.redo())
    }

    /// All that was done on this branch, oldest first.
    pub fn deeds(&self) -> Vec<Rc<Deed>> {
        self.tape.deeds()
    }

    pub fn can_undo(&self) -> bool {
        self.tape.can_undo()
    }

    pub fn can_redo(&self) -> bool {
        self.tape.can_redo()
    }

    /// All branches, oldest first.
    pub fn branches(&self) -> Vec<BranchView> {
        self.tape.branches()
    }

    /// Acting in the past began a branch since this was asked last: the old one, which is kept, and the new one.
    /// To take it back: switch to the old one and delete the new one.
    pub fn take_branched(&mut self) -> Option<(BranchId, BranchId)> {
        self.branched.take()
    }

    /// To the same moment of another branch, or to its end when that is earlier.
    pub fn switch(&mut self, id: BranchId) -> Result<(), NoBranch> {
        self.travel(|p| p.tape.switch(id))
    }

    pub fn rename(&mut self, id: BranchId, name: &str) -> Result<(), NoBranch> {
        self.tape.rename(id, name)
    }

    pub fn delete(&mut self, id: BranchId) -> Result<(), NoBranch> {
        self.tape.delete(id)
    }

    /// The first event in which two branches differ; `None` when they do not, as far as both go.
    pub fn compare(&self, left: BranchId, right: BranchId) -> Result<Option<Difference>, NoBranch> {
        self.tape.compare(left, right)
    }
}
