//! The swarm: random worlds, each with its own random choice of what can go wrong, judged after every event, and healed
//! in the end to see that they converge. A failure is a [`Case`]: a world and a list of lines, in the language of
//! scripts, cut down to the fewest that still fail.

mod maker;
mod shrink;

use super::action::Action;
use super::cluster::{Cluster, Options};
use super::oracle::Fulls;
use super::oracle::board::Board;
use crate::rng::Rng;
use crate::time::{MILLISECOND_US, SECOND_US};
use maker::Maker;
pub use shrink::shrink;
use std::fmt;

/// A world and what is done to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    pub options: Options,
    pub steps: Vec<Step>,
    /// Machines that stay broken when the others are healed: the rest has to converge without them.
    pub outside: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Act(Action),
    /// Microseconds of virtual time.
    Run(u64),
}

/// A line of a script.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Act(action) => action.fmt(f),
            Self::Run(us) => write!(f, "run {us}us"),
        }
    }
}

/// What came of a case.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Why it failed: the broken law, or what did not converge.
    pub failure: Option<String>,
    pub board: Board,
    /// Full resynchronizations, by their reason.
    pub fulls: Fulls,
    pub events: u64,
    /// Virtual time, in microseconds, and how many nodes there were.
    pub us: u64,
    pub nodes: usize,
    pub writes: usize,
    pub lost: usize,
    pub trace: u64,
    /// All that was done: the steps of the case, and those that healed it.
    pub done: Vec<Step>,
}

/// Makes up a case and plays it.
pub fn explore(seed: u64) -> (Case, Outcome) {
    let mut rng = Rng::new(seed).split("swarm");
    let options = Options {
        seed,
        replicas: 1 + rng.below(3) as usize,
        backlog_size: [64, 150, 400, 1000, 16_384][rng.below(5) as usize] + rng.below(50),
        latency_us: [200, 2_000, 20_000, 100_000][rng.below(4) as usize],
        ..Options::default()
    };
    let mut play = Play::new(&options, true);
    let mut case = Case {
        options,
        steps: Vec::new(),
        outside: Vec::new(),
    };
    let mut maker = Maker::new(rng);
    for line in maker.settings(&play.world) {
        play.line(&line);
    }
    let rounds = 25 + maker.rng.below(50);
    for _ in 0..rounds {
        for _ in 0..1 + maker.rng.below(3) {
            for line in maker.lines(&play.world) {
                play.line(&line);
            }
        }
        play.run(maker.pause(&play.world));
        if let Some(broken) = broken(&play.world) {
            case.steps.clone_from(&play.done);
            return (case, play.outcome(Some(broken)));
        }
    }
    case.steps.clone_from(&play.done);
    if maker.rng.below(4) == 0 && play.world.names().len() > 2 {
        case.outside.extend(play.names().pop());
    }
    let failure = finish(&mut play, &case.outside);
    (case, play.outcome(failure))
}

/// Plays a case again, judged or watched.
pub fn play(case: &Case, judged: bool) -> Outcome {
    play_by_copy(case, judged, |_| None)
}

/// S18, S19: played again, with an onlooker instead of the judge, and from a copy in its middle, a case leaves the same
/// trace. `copy` makes that copy.
pub fn again(case: &Case, outcome: Outcome, copy: impl Fn(&Cluster) -> Cluster) -> Outcome {
    let another = |o: Outcome| outcome.failure.is_none() && o.trace != outcome.trace;
    if !another(play_by_copy(case, false, |world| Some(copy(world)))) {
        return outcome;
    }
    let failure = if another(play(case, false)) {
        "S18: played again, watched and not judged, the trace is another one"
    } else {
        "S19: a copy of the world, made in the middle, went on in another way than the world did"
    };
    Outcome {
        failure: Some(failure.into()),
        ..outcome
    }
}

fn play_by_copy(case: &Case, judged: bool, copy: impl Fn(&Cluster) -> Option<Cluster>) -> Outcome {
    let mut play = Play::new(&case.options, judged);
    for (i, step) in case.steps.iter().enumerate() {
        if i == case.steps.len() / 2
            && let Some(copy) = copy(&play.world)
        {
            play.world = copy;
        }
        play.step(step.clone());
        if let Some(broken) = broken(&play.world) {
            return play.outcome(Some(broken));
        }
    }
    let failure = finish(&mut play, &case.outside);
    play.outcome(failure)
}

/// A world, and all that was done to it.
struct Play {
    world: Cluster,
    done: Vec<Step>,
}

impl Play {
    fn new(options: &Options, judged: bool) -> Self {
        let mut world = Cluster::ready(options.clone());
        if judged {
            world.unwatched();
            world.judge();
        }
        let done = Vec::new();
        Self { world, done }
    }

    fn names(&self) -> Vec<String> {
        self.world.names().into_iter().map(String::from).collect()
    }

    /// Does a line; what the world does not allow did not happen.
    fn line(&mut self, line: &str) {
        if let Ok(action) = Action::parse(line) {
            self.step(Step::Act(action));
        }
    }

    fn run(&mut self, us: u64) {
        self.step(Step::Run(us));
    }

    /// What is due at this very moment happens first, as in a script.
    fn step(&mut self, step: Step) {
        match &step {
            Step::Act(action) => {
                self.world.run_until(self.world.now());
                if self.world.act(action).is_err() {
                    return;
                }
            }
            Step::Run(us) => {
                self.world.run_until(self.world.now().after(*us));
                if let Some(Step::Run(before)) = self.done.last_mut() {
                    *before += us;
                    return;
                }
            }
        }
        self.done.push(step);
    }

    fn outcome(self, failure: Option<String>) -> Outcome {
        let world = &self.world;
        let oracle = world.oracle();
        Outcome {
            failure,
            board: oracle.map(|o| o.board().clone()).unwrap_or_default(),
            fulls: oracle.map(|o| *o.fulls()).unwrap_or_default(),
            events: world.events(),
            us: world.now().since(crate::time::Instant::WORLD),
            nodes: world.names().len(),
            writes: oracle.map_or(0, |o| o.writes().len()),
            lost: oracle.map_or(0, |o| o.lost().count()),
            trace: world.trace(),
            done: self.done,
        }
    }
}

fn broken(world: &Cluster) -> Option<String> {
    let violations = world.oracle()?.violations();
    violations.first().map(ToString::to_string)
}

/// Heals all that is not left outside, makes everybody follow the first node that runs, and waits until all are alike
/// (L1, L6, L7); why they are not, or which law was broken.
fn finish(play: &mut Play, outside: &[String]) -> Option<String> {
    heal(play, outside);
    let names = play.names();
    let core: Vec<&String> = names.iter().filter(|n| !outside.contains(n)).collect();
    let loading = |w: &Cluster, name: &str| w.node(name).is_none_or(|n| n.loading().is_some());
    for _ in 0..600 {
        if !core.iter().any(|name| loading(&play.world, name)) {
            break;
        }
        play.run(100 * MILLISECOND_US);
    }
    for name in &core {
        play.line(&format!("interrupt {name}"));
        for command in [
            "CONFIG SET repl-timeout 60",
            "CONFIG SET client-output-buffer-limit \"replica 256mb 64mb 60\"",
            "FAILOVER ABORT",
            "CLIENT UNPAUSE",
        ] {
            play.line(&format!("{name}> {command}"));
        }
    }
    let until = play.world.now().after(200 * SECOND_US);
    loop {
        follow(play, &core);
        for _ in 0..100 {
            if let Some(broken) = broken(&play.world) {
                return Some(broken);
            }
            let Some(why) = unlike(&play.world, &core) else {
                return differs(&play.world, &core);
            };
            if play.world.now() > until {
                return Some(format!("L1: 200 s after all was healed {why}"));
            }
            play.run(50 * MILLISECOND_US);
        }
    }
}

/// The first node is the master of the others. A failover that was under way can still change that afterwards.
fn follow(play: &mut Play, core: &[&String]) {
    let master_of = |play: &Play, name: &str| {
        let upstream = play.world.node(name)?.upstream()?;
        Some(upstream.addr.port)
    };
    let first = core[0];
    if master_of(play, first).is_some() {
        play.line(&format!("{first}> REPLICAOF NO ONE"));
    }
    // With save points, a master whose last save failed answers even PING with -MISCONF.
    if play
        .world
        .node(first)
        .is_some_and(|n| n.stats().bgsave_failed)
    {
        play.line(&format!("{first}> BGSAVE SCHEDULE"));
    }
    let port = play.world.port(first);
    for name in &core[1..] {
        if master_of(play, name) != port {
            play.line(&format!(
                "{name}> REPLICAOF 127.0.0.1 {}",
                port.unwrap_or(0)
            ));
        }
    }
}

/// Ends every fault, except for those between what is left outside and the others, which do not hear each other then.
fn heal(play: &mut Play, outside: &[String]) {
    play.line("heal");
    play.line("load m 0/s");
    let usual = play.world.options().latency_us;
    for fault in play.world.faults() {
        let end = match fault {
            Action::Kill { node } => format!("start {node}"),
            Action::Pause { node, .. } => format!("resume {node}"),
            Action::Slow { node, .. } => format!("slow {node} 1"),
            Action::Reads { node, .. } => format!("reads {node} all"),
            Action::Fork { node, .. } => format!("fork {node} ok"),
            Action::Psync { node, .. } => format!("psync {node} ok"),
            Action::Disk { node, .. } => format!("disk {node} ok"),
            Action::Child { node, .. } => format!("child {node} dies after 1gb"),
            Action::Latency { way, .. } => format!("latency {way} {usual}us"),
            Action::Bandwidth { way, .. } => format!("bandwidth {way} 0"),
            Action::Segment { way, .. } => format!("segment {way} 0"),
            _ => continue,
        };
        play.line(&end);
    }
    let names = play.names();
    for a in outside {
        for b in names.iter().filter(|b| *b != a) {
            play.line(&format!("stall {a} -> {b}"));
        }
    }
}

/// How the core is not alike yet.
fn unlike(world: &Cluster, core: &[&String]) -> Option<String> {
    let Some(master) = world.node(core[0]) else {
        return Some(format!("{} does not run", core[0]));
    };
    let (id, offset) = (&master.history().replid, master.history().offset);
    for name in &core[1..] {
        let Some(node) = world.node(name) else {
            return Some(format!("{name} does not run"));
        };
        let linked = node.upstream().is_some_and(|u| u.connected());
        if !linked {
            return Some(format!("{name} is not linked to its master"));
        }
        if node.history().replid != *id || node.history().offset != offset {
            return Some(format!(
                "{name} is at byte {} and its master at byte {offset}",
                node.history().offset
            ));
        }
    }
    None
}

/// What of the core that is in step holds other data than its master.
fn differs(world: &Cluster, core: &[&String]) -> Option<String> {
    let oracle = world.oracle()?;
    let digest = |name: &str| world.node(name).map(|n| n.keyspace().digest());
    let first = world.index(core[0]).ok()?;
    let other = core[1..].iter().find(|name| {
        let excused = world
            .index(name)
            .is_ok_and(|i| oracle.differ_by_file(first, i));
        !excused && digest(name) != digest(core[0])
    });
    other.map(|name| format!("L1: {name} holds other data than its master"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn a_copy_that_is_not_the_world_is_found_out() {
        let (case, outcome) = explore(3);
        let law = |copy: fn(&Cluster) -> Cluster| {
            let failure = again(&case, outcome.clone(), copy).failure;
            failure.map(|text| text[..3].to_string())
        };
        assert_eq!(law(Cluster::clone), None);
        // It forgets what comes last, or all connections.
        let forgets_an_event: fn(&Cluster) -> Cluster = |world| {
            let mut copy = world.clone();
            copy.queue.pop_back();
            copy
        };
        let forgets_the_network: fn(&Cluster) -> Cluster = |world| {
            let mut copy = world.clone();
            copy.network = crate::sim::network::Network::new(0, Rng::new(1));
            copy
        };
        for copy in [forgets_an_event, forgets_the_network] {
            assert_eq!(law(copy).as_deref(), Some("S19"));
        }
    }

    #[test]
    fn another_trace_is_found_out() {
        let (mut case, outcome) = explore(3);
        case.steps.truncate(case.steps.len() / 2);
        let failure = again(&case, outcome, Cluster::clone).failure;
        assert!(failure.is_some_and(|text| text.starts_with("S18")));
    }
}
