//! `ringside check`: plays a scenario in the simulated world and, line by line, on real `redis-server` processes, and
//! compares what came of it: every reply, and at every `settle` each node's role, offset, dataset (`DEBUG DIGEST`) and
//! counts of full and partial synchronizations. The real world runs in real time: `real` has its processes, `path` the
//! wires between them, with the scenario's delay. Heartbeats from masters are switched off on both sides, for they
//! count as bytes; replication ids and ports are made alike before the comparison.

mod path;
mod real;

use crate::native::scenario;
use crate::node::FullCause;
use crate::script::{Line, Runner, Script, Verb};
use crate::sim::snapshot::Happening;
use crate::sim::{Action, Options};
use crate::wire::resp::Reply;
use real::Real;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Redis's least `repl-backlog-size`, in bytes.
const BACKLOG_MIN: u64 = 16 * 1024;

/// What a comparison came to.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// So many replies and node states are equal.
    Same {
        replies: usize,
        states: usize,
    },
    /// A real process cannot do this; why.
    Ineligible(String),
    Different(Vec<String>),
}

/// What one node is at a moment, as far as both worlds can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub node: String,
    /// `master` or `slave`; `None` while the process is dead.
    pub role: Option<String>,
    pub offset: u64,
    /// 40 hexadecimal digits.
    pub digest: String,
    pub sync_full: u64,
    pub sync_partial_ok: u64,
    pub sync_partial_err: u64,
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(role) = &self.role else {
            return write!(f, "{} is dead", self.node);
        };
        write!(
            f,
            "{} {role} at byte {}, digest {:.12}, sync_full {}, sync_partial_ok {}, sync_partial_err {}",
            self.node,
            self.offset,
            self.digest,
            self.sync_full,
            self.sync_partial_ok,
            self.sync_partial_err
        )
    }
}

/// What is observed, in either world.
#[derive(Default)]
struct Seen {
    /// Replies by node, each with its command.
    replies: Vec<(String, Reply)>,
    /// Line and states at each `settle`.
    states: Vec<(usize, Vec<State>)>,
}

/// Compares a script in both worlds.
///
/// # Errors
/// The script does not run in the simulated world, or the server cannot be started.
pub fn check(script: &Script, server: &Path) -> Result<Verdict, String> {
    if let Some(why) = lines(script)
        .find_map(|line| unsuitable(line).map(|why| format!("line {}: {why}", line.number)))
    {
        return Ok(Verdict::Ineligible(why));
    }
    let mut virtual_world = Virtual::new();
    for line in lines(script) {
        virtual_world
            .line(line)
            .map_err(|e| format!("in the simulated world: {e}"))?;
    }
    if let Some(why) = virtual_world.small_ring {
        return Ok(Verdict::Ineligible(why));
    }
    let mut real = Real::new(server)?;
    let mut commands = virtual_world.at_once.iter();
    for line in lines(script) {
        let at_once = match &line.verb {
            Verb::Act(Action::Exec { .. }) => commands.next().copied().unwrap_or(0),
            _ => 0,
        };
        if let Err(why) = real.line(line, at_once) {
            return Ok(Verdict::Different(vec![format!(
                "line {}: {why}",
                line.number
            )]));
        }
    }
    let real = real.end();
    Ok(compare(&virtual_world.seen, &real))
}

/// What a script comes to in the simulated world, without heartbeats: replies by node, and every node's state at the end.
/// `None` when that depends on a ring that no real server has.
///
/// # Errors
/// The script does not run.
pub fn simulated(script: &Script) -> Result<Option<Outcome>, String> {
    let mut world = Virtual::new();
    for line in lines(script) {
        world.line(line)?;
    }
    let states = world.states();
    Ok(world
        .small_ring
        .is_none()
        .then_some((world.seen.replies, states)))
}

/// Replies by node, and states.
pub type Outcome = (Vec<(String, Reply)>, Vec<State>);

/// `ringside check FILE`: a sentence, or the differences; of a folder one for each scenario in it, and the sum.
///
/// # Errors
/// The worlds differ, or a script cannot be played.
pub fn run(path: &Path, server: &Path) -> Result<String, String> {
    if !path.is_dir() {
        return run_one(path, server);
    }
    let mut files = Vec::new();
    scenarios(path, &mut files).map_err(|e| format!("{}: {e}", path.display()))?;
    files.sort();
    let (mut text, mut left_out, mut different) = (String::new(), 0, 0);
    for file in &files {
        let line = run_one(file, server).unwrap_or_else(|what| {
            different += 1;
            format!("{what}\n")
        });
        left_out += usize::from(line.contains(LEFT_OUT));
        text.push_str(&line);
    }
    let (all, played) = (files.len(), files.len() - left_out);
    let _ = write!(
        text,
        "\n{played} of {all} scenarios can be played by real servers"
    );
    match different {
        0 => Ok(format!("{text}, and all came out the same\n")),
        n => Err(format!("{text}, and {n} of them differ")),
    }
}

/// The scenarios in a folder and those below it.
fn scenarios(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            scenarios(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "txt") {
            files.push(path);
        }
    }
    Ok(())
}

const LEFT_OUT: &str = "not for real servers";

fn run_one(file: &Path, server: &Path) -> Result<String, String> {
    let name = file.display();
    let script = scenario::read(file, None)?;
    match check(&script, server).map_err(|e| format!("{name}: {e}"))? {
        Verdict::Same { replies, states } => Ok(format!(
            "{name}: {replies} replies and {states} states of nodes are equal\n"
        )),
        Verdict::Ineligible(why) => Ok(format!("{name}: {LEFT_OUT}: {why}\n")),
        Verdict::Different(what) => Err(format!("{name}:\n  {}", what.join("\n  "))),
    }
}

fn lines(script: &Script) -> impl Iterator<Item = &Line> {
    script.blocks.iter().flat_map(|b| &b.input)
}

/// Why a line cannot be played with real processes.
fn unsuitable(line: &Line) -> Option<String> {
    let no = |what: &str| Some(what.to_string());
    match &line.verb {
        Verb::Step(_) => no("real servers cannot be stepped event by event"),
        Verb::Until { phase, .. } if !real::PHASES.contains(&phase.as_str()) => Some(format!(
            "a real server does not stand still in the phase '{phase}'"
        )),
        Verb::Act(Action::Exec { .. }) => None,
        Verb::Act(_) if line.fails => None,
        Verb::Act(action) => unsuitable_fault(&action.to_string()),
        _ => None,
    }
}

/// Why a fault cannot happen to real processes.
fn unsuitable_fault(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let why = match words.as_slice() {
        ["cut", _, _, rest @ ..] => match rest {
            [] | ["told", _] | ["after", _] => return None,
            _ => "a proxy does not know the offsets of the stream",
        },
        ["restore", a, b] if *a != "->" && *b != "->" => return None,
        ["stall" | "segment" | "bandwidth", _, _] | ["segment" | "bandwidth", _, _, _] => {
            return None;
        }
        ["stall", _, "->", _] | ["segment" | "bandwidth", _, "->", _, _] | ["partition", ..] => {
            return None;
        }
        ["kill" | "pause" | "resume" | "start", _] | ["start", _, "empty"] => return None,
        ["add", "of", _] | ["add", _, "of", _] | ["heal"] | ["slow", _, _] => return None,
        ["load", ..] => "how much a load writes depends on the clock",
        ["fork" | "child" | "disk", ..] => {
            "a comparison may not break fork or the disk of the machine"
        }
        ["psync", ..] => "commands are renamed when a server starts",
        _ => "it has no counterpart among real processes",
    };
    Some(format!("'{text}': {why}"))
}

/// The simulated world, observed.
struct Virtual {
    runner: Runner,
    seen: Seen,
    /// For each command, how many replies it had at once.
    at_once: Vec<usize>,
    told: u64,
    small_ring: Option<String>,
}

/// What keeps heartbeats out of the stream.
const NO_PINGS: [&str; 4] = ["CONFIG", "SET", "repl-ping-replica-period", "3600"];

impl Virtual {
    fn new() -> Self {
        let mut new = Self {
            runner: Runner::new(Options::default()),
            seen: Seen::default(),
            at_once: Vec::new(),
            told: 0,
            small_ring: None,
        };
        new.begin();
        new
    }

    /// A fresh world has no heartbeats, and its history is not the script's.
    fn begin(&mut self) {
        let names: Vec<String> = self
            .runner
            .world
            .names()
            .into_iter()
            .map(String::from)
            .collect();
        for name in names {
            self.runner.world.exec(&name, &NO_PINGS);
        }
        self.told = self.runner.world.told();
        self.seen = Seen::default();
        self.at_once.clear();
    }

    fn line(&mut self, line: &Line) -> Result<(), String> {
        let before = self.runner.replies.len();
        self.runner.line(line).map_err(|e| e.to_string())?;
        match &line.verb {
            Verb::Cluster(_) | Verb::Key(..) => self.begin(),
            Verb::Act(Action::Exec { .. }) => self.at_once.push(self.runner.replies.len() - before),
            Verb::Act(Action::Add { .. }) if !line.fails => {
                let name = self.runner.world.names().last().map(ToString::to_string);
                self.runner.world.exec(&name.unwrap_or_default(), &NO_PINGS);
            }
            Verb::Settle => {
                let states = self.states();
                self.seen.states.push((line.number, states));
            }
            _ => {}
        }
        self.seen.replies.append(&mut self.runner.replies);
        for story in self.runner.world.stories(self.told) {
            if let Happening::FullNeeded {
                master,
                cause: FullCause::TooOld { .. },
                ..
            } = &story.what
            {
                let size = self
                    .runner
                    .world
                    .node(master)
                    .map_or(0, |n| n.config.repl_backlog_size);
                if size < BACKLOG_MIN {
                    self.small_ring = Some(format!(
                        "line {}: it needs a backlog of {size} bytes, and a real one has at least {BACKLOG_MIN}",
                        line.number
                    ));
                }
            }
        }
        self.told = self.runner.world.told();
        Ok(())
    }

    fn states(&self) -> Vec<State> {
        let world = &self.runner.world;
        let state = |name: &&str| {
            let Some(node) = world.node(name) else {
                return dead(name);
            };
            let mut digest = String::new();
            for byte in node.keyspace().digest() {
                let _ = write!(digest, "{byte:02x}");
            }
            State {
                node: (*name).into(),
                role: Some(
                    if node.upstream().is_some() {
                        "slave"
                    } else {
                        "master"
                    }
                    .into(),
                ),
                offset: node.history().offset,
                digest,
                sync_full: node.stats().sync_full,
                sync_partial_ok: node.stats().sync_partial_ok,
                sync_partial_err: node.stats().sync_partial_err,
            }
        };
        world.names().iter().map(state).collect()
    }
}

fn dead(node: &str) -> State {
    State {
        node: node.into(),
        role: None,
        offset: 0,
        digest: String::new(),
        sync_full: 0,
        sync_partial_ok: 0,
        sync_partial_err: 0,
    }
}

fn compare(ours: &Seen, real: &Seen) -> Verdict {
    let mut different = Vec::new();
    let mut nodes: Vec<&String> = ours
        .replies
        .iter()
        .chain(&real.replies)
        .map(|(node, _)| node)
        .collect();
    nodes.sort();
    nodes.dedup();
    for node in nodes {
        let of = |seen: &Seen| -> Vec<String> {
            let mine = seen.replies.iter().filter(|(n, _)| n == node);
            mine.map(|(_, reply)| without_ids(&reply.pretty()))
                .collect()
        };
        let (a, b) = (of(ours), of(real));
        for i in 0..a.len().max(b.len()) {
            let none = "nothing".to_string();
            let (x, y) = (a.get(i).unwrap_or(&none), b.get(i).unwrap_or(&none));
            if x != y {
                different.push(format!(
                    "reply {} of {node}: ours {x}, redis-server {y}",
                    i + 1
                ));
            }
        }
    }
    let mut states = 0;
    for ((line, ours), (_, real)) in ours.states.iter().zip(&real.states) {
        for (x, y) in ours.iter().zip(real) {
            states += 1;
            if x != y {
                different.push(format!("line {line}: ours {x}\n    redis-server {y}"));
            }
        }
    }
    if different.is_empty() {
        Verdict::Same {
            replies: ours.replies.len(),
            states,
        }
    } else {
        Verdict::Different(different)
    }
}

/// Words of 40 hexadecimal digits are replication ids, and differ.
fn without_ids(text: &str) -> String {
    let is_id = |word: &str| word.len() == 40 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let mut out = String::new();
    let mut word = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_alphanumeric() {
            word.push(c);
        } else {
            out.push_str(if is_id(&word) { "<id>" } else { &word });
            word.clear();
            out.push(c);
        }
    }
    out.trim_end().into()
}
