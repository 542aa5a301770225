//! A tape with a remote control: play, pause, step, pace, and the console. All behaviour of the page that is not
//! drawing lives here, in plain types with host tests. Wall time comes in as a number (`advance`); nothing here reads
//! a clock. `travel` goes to and fro in time and between branches, `console` is what is typed and printed, `help`
//! what helps while typing, `outside` where a real server takes part.

mod console;
mod help;
mod outside;
mod share;
mod travel;

use crate::sim::snapshot::{Packet, Snapshot};
use crate::sim::{Action, Cluster, Options};
use crate::tape::{BranchId, Tape};
use crate::time::{Instant, SECOND_US};
use console::Said;
pub use console::{COLON, ELSEWHERE, Line, pretty};
pub use help::{Suggestion, usage};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use travel::Strip;
pub use travel::{Place, Position};

/// How virtual time follows wall time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// Slow while something happens, standing still when only heartbeats are left.
    #[default]
    Auto,
    Tenth,
    Real,
    Tenfold,
    /// Not by itself: an event at a time, when somebody asks for it.
    Step,
}

/// How much of a second passes in a second while packets are on their way: a hop of 100 ms takes 0.7 s of screen time.
const BUSY: f64 = 1.0 / 7.0;
/// Heartbeats that are still shown before the clock stops: two rounds.
const REST_US: u64 = 2 * SECOND_US;
/// A frame never moves the clock further than this much wall time: a page that slept does not rush.
const FRAME_MAX_US: u64 = 100_000;

/// The world with its past and futures, its remote control and its console.
pub struct Player {
    tape: Tape,
    seen: RefCell<Option<Rc<Snapshot>>>,
    playing: bool,
    pace: Pace,
    /// When nothing but heartbeats was left.
    idle_since: Option<Instant>,
    said: Vec<Said>,
    /// Those of `said` that belong to this moment, once they were asked for.
    lines: RefCell<Option<Rc<Vec<Line>>>>,
    strip: RefCell<Option<Strip>>,
    /// After which events a replica that was behind answered a read.
    stale: Vec<(BranchId, u64)>,
    /// Acting in the past began a branch: the old one and the new one.
    branched: Option<(BranchId, BranchId)>,
    history: Vec<String>,
    target: String,
    /// What came from a server outside and has not happened yet, and on which branch it is to.
    heard: VecDeque<(BranchId, Action)>,
    /// Connections to it, and bytes that came on them and have happened since somebody asked.
    credit: Vec<(String, usize)>,
}

impl Player {
    /// The world that the page opens with: `m` and its replicas `r1` and `r2`, in step, with three keys.
    pub fn new(seed: u64) -> Self {
        Self::with(Options {
            seed,
            ..Options::default()
        })
    }

    pub fn with(options: Options) -> Self {
        Self::of(Tape::new(options))
    }

    fn of(tape: Tape) -> Self {
        let now = tape.now();
        // The first node of this world.
        let target = tape.world().outside().map_or("m", |_| "r1").into();
        Self {
            tape,
            seen: RefCell::new(None),
            playing: true,
            pace: Pace::Auto,
            idle_since: Some(now),
            said: Vec::new(),
            lines: RefCell::new(None),
            strip: RefCell::new(None),
            stale: Vec::new(),
            branched: None,
            history: Vec::new(),
            target,
            heard: VecDeque::new(),
            credit: Vec::new(),
        }
    }

    /// Back to the beginning, with the same seed; what was typed stays in the history.
    pub fn reset(&mut self) {
        let history = std::mem::take(&mut self.history);
        let pace = self.pace;
        *self = Self {
            history,
            pace,
            ..Self::with(self.world().options().clone())
        };
    }

    pub fn world(&self) -> &Cluster {
        self.tape.world()
    }

    /// What a screen shows now; the same `Rc` until something changes.
    pub fn snapshot(&self) -> Rc<Snapshot> {
        let mut seen = self.seen.borrow_mut();
        if let Some(snapshot) = &*seen {
            return snapshot.clone();
        }
        let snapshot = Rc::new(self.world().snapshot());
        *seen = Some(snapshot.clone());
        snapshot
    }

    fn changed(&mut self) {
        *self.seen.borrow_mut() = None;
        *self.lines.borrow_mut() = None;
    }

    /// Virtual time now, between events too.
    pub fn now(&self) -> Instant {
        self.tape.now()
    }

    pub fn in_flight(&self) -> Vec<Rc<Packet>> {
        self.world().in_flight().iter().cloned().collect()
    }

    pub fn playing(&self) -> bool {
        self.playing
    }

    pub fn play(&mut self, on: bool) {
        self.playing = on && self.pace() != Pace::Step;
        self.idle_since = None;
    }

    /// With a real server outside, time is real time.
    pub fn pace(&self) -> Pace {
        match self.world().outside() {
            Some(_) => Pace::Real,
            None => self.pace,
        }
    }

    pub fn set_pace(&mut self, pace: Pace) {
        let stepped = self.pace == Pace::Step;
        self.pace = pace;
        if stepped || pace == Pace::Step {
            self.play(true);
        }
        self.idle_since = None;
    }

    /// Lets `wall_us` microseconds of the visitor's time pass. False when nothing will move until somebody acts.
    pub fn advance(&mut self, wall_us: u64) -> bool {
        if !self.playing || self.resting() {
            return false;
        }
        self.let_in(usize::MAX);
        let wall = wall_us.min(FRAME_MAX_US) as f64;
        let speed = match self.pace() {
            Pace::Tenth => 0.1,
            Pace::Real => 1.0,
            Pace::Tenfold => 10.0,
            Pace::Auto if self.busy() => BUSY,
            Pace::Auto => 1.0,
            Pace::Step => 0.0,
        };
        let mut to = self.now().after((wall * speed) as u64);
        if self.pace() == Pace::Auto && self.quiet() {
            // In the past: nothing happens until the next deed, so that is where it goes on.
            to = self.tape.next_deed_at().unwrap_or(to).max(to);
        }
        self.run_to(to);
        !self.resting()
    }

    /// Whether something worth watching is under way, rather than waiting for a timer.
    fn busy(&self) -> bool {
        let moving = |p: &Rc<Packet>| p.frames.iter().any(|f| !f.kind.heartbeat());
        let working = |name: &str| {
            self.world()
                .node(name)
                .is_some_and(|n| n.child().is_some() || n.loading().is_some())
        };
        self.world().in_flight().iter().any(moving) || self.world().names().into_iter().any(working)
    }

    /// Two rounds of heartbeats have passed and nothing else is left.
    fn quiet(&self) -> bool {
        self.idle_since
            .is_some_and(|since| self.now().since(since) >= REST_US)
    }

    /// Auto pace stops the clock when it is quiet and nothing that was done is still to come.
    fn resting(&self) -> bool {
        self.pace() == Pace::Auto && self.quiet() && self.tape.next_deed_at().is_none()
    }

    /// Time will pass by itself once it plays.
    pub fn waits(&self) -> bool {
        !self.resting()
    }

    fn run_to(&mut self, to: Instant) {
        let before = self.tape.event();
        self.tape.run_until(to);
        self.tell_late();
        if self.tape.event() != before || !self.world().idle() {
            self.changed();
        }
        self.note_idle();
    }

    fn note_idle(&mut self) {
        if !self.world().idle() {
            self.idle_since = None;
        } else if self.idle_since.is_none() {
            self.idle_since = Some(self.now());
        }
    }

    /// The next event.
    pub fn step(&mut self) {
        self.playing = false;
        if self.heard.is_empty() || self.tape.in_the_past() {
            self.tape.step();
        } else {
            self.let_in(1);
        }
        self.tell_late();
        self.changed();
        self.note_idle();
    }

    /// Lets virtual time pass at once; not where a real server is outside, whose time is real.
    pub fn let_pass(&mut self, us: u64) {
        if self.world().outside().is_some() {
            return;
        }
        self.run_to(self.now().after(us));
        self.changed();
    }
}

#[cfg(test)]
mod tests;
