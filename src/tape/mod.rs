//! Time travel: a world, every deed that was ever done to it, and copies of it along the way (keyframes). Going back is
//! a copy of the nearest earlier keyframe, played forward; because seed and deeds are all there is to a world, it is
//! the same world. Who acts in the past begins a branch, and the old future stays.
//!
//! An *event* of the tape is one thing that happens in the world, or one deed of a person; the tape counts both from 1
//! in one row. A deed happens at a time, after everything that is due by then, so that time and deed alone say where
//! it belongs. `head` plays along one branch, `tree` has the branches, `marker` the moments worth finding again.
//! Knows no pace and no page: next comes `player`.

mod head;
mod marker;
mod tree;

use crate::sim::action::BadAction;
use crate::sim::{Action, Cluster, Options};
use crate::time::Instant;
use crate::wire::resp::Reply;
use head::Head;
pub use marker::{Marker, MarkerKind};
use std::rc::Rc;
pub use tree::{BranchId, BranchView, Deed, NoBranch};
use tree::{Frame, Tree};

/// Keyframes of all branches together. When there are more, every second one goes and the distance doubles: memory
/// stays bounded, and a long tape is a little slower to seek.
const FRAMES_MAX: usize = 256;
/// From this distance on, half as many more are kept: what is played from one to the next is what a jump waits for.
const FAR: u64 = 1024;
const FRAMES_FAR: usize = 384;
/// There are fewer of them where much is written between one and the next, of large worlds: as many as cost this many
/// bytes. Some there always are.
const WEIGHT_MAX: u64 = 24 << 20;
const FRAMES_MIN: usize = 6;
/// Events between two keyframes, to begin with.
const SPACING: u64 = 64;
/// A long way forward leaves a keyframe this many events before its goal, because one step back often comes next.
const NEAR: u64 = 48;
const NEAR_MAX: usize = 16;

/// Bytes that are free after every 256 events. In a browser memory grows by as much as is asked for and no more, and each
/// time takes the longer the more there is: so this much is asked for at once.
const ROOM: usize = 1 << 20;

/// A console's reply that came later than its command: after which event, from which node.
#[derive(Clone, Debug, PartialEq)]
pub struct Late {
    pub branch: BranchId,
    pub event: u64,
    pub node: String,
    pub reply: Reply,
}

/// Where two branches part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The first event that differs.
    pub event: u64,
    /// When and what it is on either branch; `None` where the branch ends before it.
    pub left: Option<(Instant, String)>,
    pub right: Option<(Instant, String)>,
}

/// A world with all its pasts and futures.
pub struct Tape {
    head: Head,
    tree: Tree,
    spacing: u64,
    /// Keyframes near places that were looked at lately, on the current path only.
    near: Vec<Frame>,
    late: Vec<Late>,
    /// Bytes for a server outside, of events that were never there before.
    outgoing: Vec<(u64, Vec<u8>)>,
}

impl Tape {
    pub fn new(options: Options) -> Self {
        Self::of(Cluster::ready(options))
    }

    /// A tape that begins with this world.
    pub fn of(world: Cluster) -> Self {
        let tree = Tree::new(Frame::new(0, &world));
        Self {
            head: Head::new(world, 0, &tree, tree.root()),
            tree,
            spacing: SPACING,
            near: Vec::new(),
            late: Vec::new(),
            outgoing: Vec::new(),
        }
    }

    /// Keeps nothing for onlookers from now on, here and wherever it goes; see [`Cluster::unwatched`].
    pub fn unwatched(&mut self) {
        self.near.clear();
        self.tree.worlds().for_each(Cluster::unwatched);
        self.head.world.unwatched();
    }

    /// The world as it is at this moment of the tape.
    pub fn world(&self) -> &Cluster {
        &self.head.world
    }

    /// Number of the event that happened last; 0 at the beginning.
    pub fn event(&self) -> u64 {
        self.head.event
    }

    pub fn now(&self) -> Instant {
        self.head.world.now()
    }

    /// How far the current branch was played: its last event, and the latest moment seen.
    pub fn end(&self) -> (u64, Instant) {
        let branch = self.tree.branch(self.head.branch());
        (branch.end, branch.end_at)
    }

    /// Whether a future is known from here.
    pub fn in_the_past(&self) -> bool {
        self.head.event < self.end().0
    }

    /// The moment at which the tape begins.
    pub fn begin_at(&self) -> Instant {
        self.tree.first().world.now()
    }

    // --- forward -----------------------------------------------------------------------------------------------------

    /// When the next event is due: of the recorded future where there is one, else of the world.
    pub fn next_at(&self) -> Option<Instant> {
        self.head.next_at()
    }

    /// The next event; false when nothing is due ever again.
    pub fn step(&mut self) -> bool {
        let told = self.head.world.told();
        if !self.head.step() {
            return false;
        }
        let late = self.head.world.take_late_replies();
        let mut outgoing = self.head.world.take_outgoing();
        if self.head.event > self.end().0 {
            self.outgoing.append(&mut outgoing);
            let (branch, event) = (self.head.branch(), self.head.event);
            for (node, reply) in late {
                self.late.push(Late {
                    branch,
                    event,
                    node,
                    reply,
                });
            }
            self.grown(told);
        } else if self.head.next_deed_is_past() {
            self.head.look_ahead(&self.tree);
        }
        true
    }

    /// Lets everything happen that is due until `at`, and moves the clock there.
    pub fn run_until(&mut self, at: Instant) {
        while self.next_at().is_some_and(|next| next <= at) {
            self.step();
        }
        self.head.world.run_until(at);
        self.seen_until_now();
    }

    /// Does something now. In the past this begins a branch. What is due at this very moment happens first.
    ///
    /// # Errors
    /// As [`Cluster::act`]; nothing has changed then.
    pub fn act(&mut self, action: Action) -> Result<Vec<Reply>, BadAction> {
        self.act_here(action, false)
    }

    /// Goes to just after event `event` of another branch, lets time pass until `at` without doing what was done there
    /// next, and begins a branch with `action`.
    ///
    /// # Errors
    /// No such branch, or what [`Tape::act`] says, as text.
    pub fn grow(
        &mut self,
        from: BranchId,
        event: u64,
        at: Instant,
        action: Action,
    ) -> Result<Vec<Reply>, String> {
        self.switch(from).map_err(|e| e.to_string())?;
        self.seek(event);
        while self.in_the_past()
            && !self.head.deed_is_next()
            && self.next_at().is_some_and(|next| next <= at)
        {
            self.step();
        }
        if at <= self.end().1 && self.next_at().is_none_or(|next| next >= at) {
            self.head.world.run_until(at);
        }
        if self.now() != at {
            return Err("it comes after the end of the branch that it grew from".into());
        }
        self.act_here(action, true).map_err(|e| e.0)
    }

    fn act_here(&mut self, action: Action, branch: bool) -> Result<Vec<Reply>, BadAction> {
        while !self.head.deed_is_next()
            && self.head.world.next_at().is_some_and(|at| at <= self.now())
        {
            self.step();
        }
        let told = self.head.world.told();
        let replies = self.head.world.act(&action)?;
        self.outgoing.extend(self.head.world.take_outgoing());
        if branch || self.in_the_past() {
            let id = self.tree.fork(&self.head.path, self.head.event);
            self.near.clear();
            self.head.follow(&self.tree, id);
        }
        self.head.event += 1;
        self.head.event_at = self.now();
        let deed = Deed {
            event: self.head.event,
            at: self.now(),
            action,
        };
        self.tree
            .branch_mut(self.head.branch())
            .deeds
            .push(Rc::new(deed));
        self.grown(told);
        Ok(replies)
    }

    /// From here on a new branch, on which nothing was done yet.
    pub fn fork(&mut self) {
        let id = self.tree.fork(&self.head.path, self.head.event);
        self.near.clear();
        self.head.follow(&self.tree, id);
        self.seen_until_now();
    }

    /// The newest event is one that was never there before.
    fn grown(&mut self, told: u64) {
        let (event, at) = (self.head.event, self.now());
        if cfg!(target_arch = "wasm32") && event.is_multiple_of(256) {
            std::hint::black_box(Vec::<u8>::with_capacity(ROOM));
        }
        let branch = self.tree.branch_mut(self.head.branch());
        branch.end = event;
        branch.end_at = branch.end_at.max(at);
        if self.head.world.told() > told {
            let stories = self.head.world.stories(told);
            let fresh = stories.filter_map(|story| Marker::of(event, story));
            marker::add(&mut branch.markers, fresh.collect());
        }
        // Far enough from the last keyframe; looked at now and then.
        let due = branch.frames.last().is_none_or(|last| {
            let far = event - last.event;
            far > 0
                && far.is_multiple_of(self.spacing)
                && last.weight.paid(self.head.world.weight())
        });
        if due {
            branch.frames.push(Frame::new(event, &self.head.world));
            let frames = self.tree.frames();
            let most = if self.spacing < FAR {
                FRAMES_MAX
            } else {
                FRAMES_FAR
            };
            if frames > most || frames > FRAMES_MIN && self.tree.weight() > WEIGHT_MAX {
                self.tree.thin();
                self.spacing *= 2;
            }
        }
    }

    /// Time passed at the end of a branch, without an event.
    fn seen_until_now(&mut self) {
        let now = self.now();
        if !self.in_the_past() {
            let branch = self.tree.branch_mut(self.head.branch());
            branch.end_at = branch.end_at.max(now);
        }
    }

    /// Whether [`Tape::take_late`] has something to give.
    pub fn has_late(&self) -> bool {
        !self.late.is_empty()
    }

    /// Replies that came since this was asked last, later than their commands.
    pub fn take_late(&mut self) -> Vec<Late> {
        std::mem::take(&mut self.late)
    }

    /// Bytes for the server outside since this was asked last, by connection; what is only played again is not among
    /// them.
    pub fn take_outgoing(&mut self) -> Vec<(u64, Vec<u8>)> {
        std::mem::take(&mut self.outgoing)
    }

    // --- to and fro --------------------------------------------------------------------------------------------------

    /// Goes to just after event `event`, at most the end of the branch.
    pub fn seek(&mut self, event: u64) {
        let event = event.min(self.end().0);
        let forward =
            self.head.event < event || self.head.event == event && self.now() == self.head.event_at;
        self.go_back(!forward, |f| f.event <= event);
        let far = event - self.head.event > 2 * NEAR;
        while self.head.event < event {
            if far && event - self.head.event == NEAR {
                self.remember_near();
            }
            self.step();
        }
    }

    /// Goes to the moment `at`, after everything that happened until then; at most the end of the branch.
    pub fn seek_time(&mut self, at: Instant) {
        let (end, end_at) = self.end();
        let at = at.min(end_at).max(self.begin_at());
        self.go_back(self.now() > at, |f| f.world.now() <= at);
        while self.head.event < end && self.next_at().is_some_and(|next| next <= at) {
            self.step();
        }
        if self.next_at().is_none_or(|next| next > at) {
            self.head.world.run_until(at);
        }
    }

    /// Goes to a place that was noted as its event and its moment; the moment counts where they do not fit.
    pub fn seek_place(&mut self, event: u64, at: Instant) {
        self.seek(event);
        let waits = self.now() <= at && self.next_at().is_none_or(|next| next >= at);
        if event != self.head.event || !waits {
            return self.seek_time(at);
        }
        if at <= self.end().1 {
            self.head.world.run_until(at);
        }
    }

    /// One event back.
    pub fn step_back(&mut self) {
        self.seek(self.head.event.saturating_sub(1));
    }

    /// Goes to the newest keyframe on the current path that is early enough, if it must, or if that is a way forward.
    fn go_back(&mut self, must: bool, early: impl Fn(&Frame) -> bool) {
        let near = self.near.iter().filter(|f| early(f));
        let near = near.max_by_key(|f| f.event);
        let frame = self.tree.frame_before(&self.head.path, &early);
        let frame = near.filter(|n| n.event > frame.event).unwrap_or(frame);
        if must || frame.event > self.head.event {
            let (world, branch) = (frame.world.clone(), self.head.branch());
            self.head = Head::new(world, frame.event, &self.tree, branch);
        }
    }

    fn remember_near(&mut self) {
        if self.near.len() >= NEAR_MAX {
            self.near.remove(0);
        }
        self.near
            .push(Frame::new(self.head.event, &self.head.world));
    }

    // --- undo and redo: moves in the tree ----------------------------------------------------------------------------

    /// Goes to just before the last deed; false when nothing was done before here.
    pub fn undo(&mut self) -> bool {
        let Some(deed) = self.tree.deed_before(&self.head.path, self.head.event) else {
            return false;
        };
        self.seek(deed.event - 1);
        self.head.world.run_until(deed.at);
        true
    }

    /// Goes to just after the next deed of this branch; false when there is none.
    pub fn redo(&mut self) -> bool {
        let Some(event) = self.head.next_deed().map(|deed| deed.event) else {
            return false;
        };
        self.seek(event);
        true
    }

    pub fn can_undo(&self) -> bool {
        self.tree
            .deed_before(&self.head.path, self.head.event)
            .is_some()
    }

    pub fn can_redo(&self) -> bool {
        self.head.next_deed().is_some()
    }

    /// When the next deed of this branch was done; `None` at the end, or when none is left.
    pub fn next_deed_at(&self) -> Option<Instant> {
        self.head.next_deed().map(|deed| deed.at)
    }

    /// All deeds of the current branch, from the beginning of the tape to the end of the branch.
    pub fn deeds(&self) -> Vec<Rc<Deed>> {
        self.tree.deeds(&self.head.path)
    }

    /// The same of any branch.
    pub fn deeds_of(&self, id: BranchId) -> Result<Vec<Rc<Deed>>, NoBranch> {
        self.tree.check(id)?;
        Ok(self.tree.deeds(&self.tree.path(id)))
    }

    // --- branches ----------------------------------------------------------------------------------------------------

    /// The branch on which this moment lies.
    pub fn branch(&self) -> BranchId {
        self.head.branch()
    }

    /// All branches, oldest first.
    pub fn branches(&self) -> Vec<BranchView> {
        self.tree.views(self.head.branch())
    }

    /// Whether an event of a branch lies on the way that led here.
    pub fn led_here(&self, branch: BranchId, event: u64) -> bool {
        event <= self.head.event && self.head.on_path(branch, event)
    }

    /// Goes over to another branch: to the same time there, or to its end where it is shorter.
    pub fn switch(&mut self, id: BranchId) -> Result<(), NoBranch> {
        self.tree.check(id)?;
        let at = self.now();
        self.near.clear();
        let first = self.tree.first().clone();
        self.head = Head::new(first.world, 0, &self.tree, id);
        self.seek_time(at);
        Ok(())
    }

    pub fn rename(&mut self, id: BranchId, name: &str) -> Result<(), NoBranch> {
        self.tree.rename(id, name)
    }

    /// Forgets a branch that is not the current one. What other branches grew from stays with them.
    pub fn delete(&mut self, id: BranchId) -> Result<(), NoBranch> {
        if id == self.head.branch() {
            return Err(NoBranch::Here);
        }
        self.tree.delete(id)
    }

    /// The first event in which two branches differ; `None` when one is the other as far as both go.
    pub fn compare(&self, left: BranchId, right: BranchId) -> Result<Option<Difference>, NoBranch> {
        self.tree.check(left)?;
        self.tree.check(right)?;
        let common = self.tree.common(left, right);
        let begin = |id| {
            let path = self.tree.path(id);
            let frame = self
                .tree
                .frame_before(&path, &|f: &Frame| f.event <= common);
            Head::new(frame.world.clone(), frame.event, &self.tree, id)
        };
        let (mut a, mut b) = (begin(left), begin(right));
        Ok(loop {
            let (x, y) = (a.step_told(&self.tree), b.step_told(&self.tree));
            if x.is_none() && y.is_none() {
                break None;
            }
            if x.is_none() || y.is_none() || a.world.trace() != b.world.trace() {
                break Some(Difference {
                    event: a.event.max(b.event),
                    left: x,
                    right: y,
                });
            }
        })
    }

    /// Moments worth finding again on the current branch, oldest first.
    pub fn markers(&self) -> Vec<Marker> {
        self.tree.markers(&self.head.path)
    }
}

#[cfg(test)]
mod tests;
