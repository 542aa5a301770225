//! A world with a remote control: play, pause, step, pace, and the console. All behaviour of the page that is not
//! drawing lives here, in plain types with host tests. Wall time comes in as a number (`advance`); nothing here reads
//! a clock.

use crate::node;
use crate::sim::action::VERBS;
use crate::sim::snapshot::{MarkKind, Packet, Phase, Snapshot};
use crate::sim::{Action, Cluster, Options};
use crate::time::{Instant, SECOND_US};
use crate::wire::Bytes;
use crate::wire::resp::{self, Reply};
use std::cell::RefCell;
use std::rc::Rc;

/// How virtual time follows wall time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// Slow while something happens, standing still when only heartbeats are left.
    #[default]
    Auto,
    Tenth,
    Real,
    Tenfold,
}

/// One line of the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// What was typed: where to (`m:6379`), the text, and the stream bytes it became (first, last).
    Input {
        prompt: String,
        text: String,
        offsets: Option<(u64, u64)>,
    },
    /// A reply as redis-cli shows it; `node` is set when several nodes answered; `behind` bytes then tells a stale one.
    Reply {
        node: Option<String>,
        text: String,
        error: bool,
        behind: u64,
    },
    /// The playground's own words, not the server's.
    Note(String),
}

/// A chip beside the prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    pub label: String,
    pub line: String,
}

/// How much of a second passes in a second while packets are on their way: a hop of 100 ms takes 0.7 s of screen time.
const BUSY: f64 = 1.0 / 7.0;
/// Heartbeats that are still shown before the clock stops: two rounds.
const REST_US: u64 = 2 * SECOND_US;
/// A frame never moves the clock further than this much wall time: a page that slept does not rush.
const FRAME_MAX_US: u64 = 100_000;
const LINES_KEPT: usize = 500;

/// The world, its remote control and its console.
pub struct Player {
    world: Cluster,
    seen: RefCell<Option<Rc<Snapshot>>>,
    playing: bool,
    pace: Pace,
    /// The clock of the page: runs ahead of the last event.
    clock: Instant,
    /// When nothing but heartbeats was left.
    idle_since: Option<Instant>,
    lines: Rc<Vec<Line>>,
    history: Vec<String>,
    target: String,
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
        let world = Cluster::ready(options);
        let clock = world.now();
        Self {
            world,
            seen: RefCell::new(None),
            playing: true,
            pace: Pace::Auto,
            clock,
            idle_since: Some(clock),
            lines: Rc::default(),
            history: Vec::new(),
            target: "m".into(),
        }
    }

    /// Back to the beginning, with the same seed; what was typed stays in the history.
    pub fn reset(&mut self) {
        let history = std::mem::take(&mut self.history);
        let pace = self.pace;
        *self = Self {
            history,
            pace,
            ..Self::with(self.world.options().clone())
        };
    }

    pub fn world(&self) -> &Cluster {
        &self.world
    }

    /// What a screen shows now; the same `Rc` until something changes.
    pub fn snapshot(&self) -> Rc<Snapshot> {
        let mut seen = self.seen.borrow_mut();
        if let Some(snapshot) = &*seen {
            return snapshot.clone();
        }
        let snapshot = Rc::new(self.world.snapshot());
        *seen = Some(snapshot.clone());
        snapshot
    }

    fn changed(&mut self) {
        *self.seen.borrow_mut() = None;
    }

    /// Virtual time now, between events too.
    pub fn now(&self) -> Instant {
        self.clock
    }

    pub fn in_flight(&self) -> Vec<Rc<Packet>> {
        self.world.in_flight().to_vec()
    }

    pub fn playing(&self) -> bool {
        self.playing
    }

    pub fn play(&mut self, on: bool) {
        self.playing = on;
        self.idle_since = None;
    }

    pub fn pace(&self) -> Pace {
        self.pace
    }

    pub fn set_pace(&mut self, pace: Pace) {
        self.pace = pace;
        self.idle_since = None;
    }

    /// Lets `wall_us` microseconds of the visitor's time pass. False when nothing will move until somebody acts.
    pub fn advance(&mut self, wall_us: u64) -> bool {
        if !self.playing || self.resting() {
            return false;
        }
        let wall = wall_us.min(FRAME_MAX_US) as f64;
        let speed = match self.pace {
            Pace::Tenth => 0.1,
            Pace::Real => 1.0,
            Pace::Tenfold => 10.0,
            Pace::Auto if self.busy() => BUSY,
            Pace::Auto => 1.0,
        };
        let to = self.clock.after((wall * speed) as u64);
        self.run_to(to);
        !self.resting()
    }

    /// Whether something worth watching is under way, rather than waiting for a timer.
    fn busy(&self) -> bool {
        let moving = |p: &Rc<Packet>| p.frames.iter().any(|f| !f.kind.heartbeat());
        let working = |name: &str| {
            self.world
                .node(name)
                .is_some_and(|n| n.child().is_some() || n.loading().is_some())
        };
        self.world.in_flight().iter().any(moving) || self.world.names().into_iter().any(working)
    }

    /// Auto pace stops the clock when two rounds of heartbeats have passed and nothing else is left.
    fn resting(&self) -> bool {
        self.pace == Pace::Auto
            && self
                .idle_since
                .is_some_and(|since| self.clock.since(since) >= REST_US)
    }

    fn run_to(&mut self, to: Instant) {
        let before = self.world.events();
        self.world.run_until(to);
        self.clock = to.max(self.world.now());
        if self.world.events() != before || !self.world.idle() {
            self.changed();
        }
        self.note_idle();
    }

    fn note_idle(&mut self) {
        if !self.world.idle() {
            self.idle_since = None;
        } else if self.idle_since.is_none() {
            self.idle_since = Some(self.clock);
        }
    }

    /// The next event.
    pub fn step(&mut self) {
        self.playing = false;
        if let Some(at) = self.world.next_at() {
            self.world.step();
            self.clock = self.clock.max(at);
        }
        self.changed();
        self.note_idle();
    }

    /// Lets virtual time pass at once.
    pub fn let_pass(&mut self, us: u64) {
        self.run_to(self.clock.after(us));
        self.changed();
    }

    // --- acting ------------------------------------------------------------------------------------------------------

    /// Everything that a person does begins here: the world's clock catches up with the page's.
    fn touch(&mut self) {
        self.world.run_until(self.clock);
        self.idle_since = None;
        self.changed();
    }

    /// A button: prints the line that does the same.
    pub fn perform(&mut self, action: Action) {
        if let Action::Exec { node, args } = &action {
            let line = crate::sim::action::words(args);
            return self.run_on(&node.clone(), &line);
        }
        self.print_input(None, format!(":{action}"), None);
        self.act(&action);
    }

    pub fn promote(&mut self, node: &str) {
        self.run_on(node, "REPLICAOF NO ONE");
    }

    /// Makes a replica forget its history, so that it has to ask for everything: it becomes a master and a replica
    /// again, as an operator would do it.
    pub fn full_sync(&mut self, replica: &str) {
        let Some(upstream) = self
            .world
            .node(replica)
            .and_then(|n| n.upstream())
            .map(|u| u.addr.clone())
        else {
            return self.push(Line::Note(format!("'{replica}' has no master")));
        };
        self.run_on(replica, "REPLICAOF NO ONE");
        self.run_on(replica, "DEBUG CHANGE-REPL-ID");
        self.run_on(
            replica,
            &format!("REPLICAOF {} {}", upstream.host, upstream.port),
        );
    }

    fn act(&mut self, action: &Action) {
        self.touch();
        if let Err(error) = self.world.act(action) {
            self.push(Line::Note(error.0));
        }
    }

    /// A line of the console: a command for the target, `@node command`, `@all command`, or `:action`.
    pub fn submit(&mut self, line: &str) {
        let line = line.trim();
        if line.is_empty() {
            return;
        }
        self.history.retain(|old| old != line);
        self.history.push(line.into());
        if let Some(action) = line.strip_prefix(':') {
            return self.submit_action(line, action.trim());
        }
        let (target, text) = match line.strip_prefix('@') {
            Some(rest) => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
            None => (self.target.as_str(), line),
        };
        let (target, text) = (target.to_string(), text.trim().to_string());
        if text.eq_ignore_ascii_case("clear") {
            return self.lines = Rc::default();
        }
        if target == "all" {
            return self.run_on_all(&text);
        }
        if !self.world.names().contains(&target.as_str()) {
            self.print_input(None, line.into(), None);
            return self.push(Line::Note(format!(
                "there is no node '{target}'; there are {}",
                self.world.names().join(", ")
            )));
        }
        self.run_on(&target, &text);
    }

    fn submit_action(&mut self, line: &str, action: &str) {
        self.print_input(None, line.into(), None);
        match action {
            "help" => {
                for (verb, args, meaning) in VERBS {
                    self.push(Line::Note(format!(":{verb} {args} — {meaning}")));
                }
                self.push(Line::Note(
                    "@NODE COMMAND — one command for another node; @all asks them all".into(),
                ));
            }
            "clear" => self.lines = Rc::default(),
            "step" => self.step(),
            _ => match action
                .strip_prefix("after ")
                .map(crate::sim::action::duration_us)
            {
                Some(Ok(us)) => self.let_pass(us),
                Some(Err(error)) => self.push(Line::Note(error.0)),
                None => match Action::parse(action) {
                    Ok(action) => self.act(&action),
                    Err(error) => self.push(Line::Note(error.0)),
                },
            },
        }
    }

    /// One command on one node, with its line and its reply.
    fn run_on(&mut self, node: &str, text: &str) {
        self.touch();
        let prompt = self.prompt(node);
        let Some(args) = resp::split_args(text.as_bytes()) else {
            self.print_input(Some(prompt), text.into(), None);
            return self.push(Line::Note("Invalid argument(s)".into()));
        };
        if args.is_empty() {
            return;
        }
        let before = self.stream_of(node);
        let result = self.world.act(&Action::Exec {
            node: node.into(),
            args,
        });
        let after = self.stream_of(node);
        let offsets = before
            .zip(after)
            .filter(|(b, a)| b.0 == a.0 && a.1 > b.1)
            .map(|(b, a)| (b.1 + 1, a.1));
        self.print_input(Some(prompt), text.into(), offsets);
        match result {
            Ok(replies) if replies.is_empty() => self.push(Line::Note(
                "no reply: the server has closed the connection".into(),
            )),
            Ok(replies) => {
                for reply in replies {
                    self.push(Line::Reply {
                        node: None,
                        text: pretty(&reply),
                        error: matches!(reply, Reply::Error(_)),
                        behind: 0,
                    });
                }
            }
            Err(error) => self.push(Line::Note(error.0)),
        }
        self.note_idle();
    }

    /// The same command everywhere, to compare.
    fn run_on_all(&mut self, text: &str) {
        self.touch();
        self.print_input(Some("all".into()), text.into(), None);
        let Some(args) = resp::split_args(text.as_bytes()).filter(|args| !args.is_empty()) else {
            return;
        };
        let names: Vec<String> = self.world.names().into_iter().map(String::from).collect();
        for name in names {
            let behind = self
                .snapshot()
                .nodes
                .iter()
                .find(|n| n.name == name)
                .and_then(|n| n.behind)
                .unwrap_or(0);
            match self.world.act(&Action::Exec {
                node: name.clone(),
                args: args.clone(),
            }) {
                Ok(replies) => {
                    for reply in replies {
                        let error = matches!(reply, Reply::Error(_));
                        self.push(Line::Reply {
                            node: Some(name.clone()),
                            text: pretty(&reply),
                            error,
                            behind,
                        });
                    }
                }
                Err(error) => self.push(Line::Reply {
                    node: Some(name.clone()),
                    text: error.0,
                    error: true,
                    behind: 0,
                }),
            }
            self.changed();
        }
    }

    /// Which stream a node writes, and how far it is; replicas write none.
    fn stream_of(&self, node: &str) -> Option<(String, u64)> {
        let node = self.world.node(node).filter(|n| n.upstream().is_none())?;
        Some((node.history().replid.clone(), node.history().offset))
    }

    /// As redis-cli: `m:6379`, and `(ro)` for a replica.
    pub fn prompt(&self, node: &str) -> String {
        let port = self.world.port(node).unwrap_or(0);
        let replica = self
            .world
            .node(node)
            .is_some_and(|n| n.upstream().is_some());
        format!("{node}:{port}{}", if replica { "(ro)" } else { "" })
    }

    fn print_input(&mut self, prompt: Option<String>, text: String, offsets: Option<(u64, u64)>) {
        self.push(Line::Input {
            prompt: prompt.unwrap_or_default(),
            text,
            offsets,
        });
    }

    fn push(&mut self, line: Line) {
        let lines = Rc::make_mut(&mut self.lines);
        lines.push(line);
        if lines.len() > LINES_KEPT {
            lines.drain(..LINES_KEPT / 5);
        }
    }

    pub fn lines(&self) -> Rc<Vec<Line>> {
        self.lines.clone()
    }

    /// Where commands go: a node's name, or `all`.
    pub fn target(&self) -> &str {
        &self.target
    }

    pub fn set_target(&mut self, target: &str) {
        self.target = target.into();
    }

    /// What was submitted, oldest first.
    pub fn history(&self) -> &[String] {
        &self.history
    }

    // --- help while typing -------------------------------------------------------------------------------------------

    /// The text completed by its most likely continuation; `None` when there is none.
    pub fn complete(&self, text: &str) -> Option<String> {
        let start = text.rfind(char::is_whitespace).map_or(0, |i| i + 1);
        let (head, word) = text.split_at(start);
        if word.is_empty() {
            return None;
        }
        let command_place = head.trim().is_empty()
            || (head.starts_with('@') && head.split_whitespace().count() == 1);
        let names = self.world.names();
        let found = if let Some(verb) = word.strip_prefix(':').filter(|_| head.is_empty()) {
            VERBS
                .iter()
                .map(|(v, ..)| *v)
                .find(|v| v.starts_with(verb) && *v != verb)
                .map(|v| format!(":{v}"))
        } else if let Some(name) = word.strip_prefix('@').filter(|_| head.is_empty()) {
            names
                .iter()
                .chain(&["all"])
                .find(|n| n.starts_with(name) && **n != name)
                .map(|n| format!("@{n}"))
        } else if head.starts_with(':') {
            names
                .iter()
                .find(|n| n.starts_with(word) && **n != word)
                .map(|n| n.to_string())
        } else if command_place {
            let lower = word.to_ascii_lowercase();
            let best = node::hints()
                .map(|(name, _)| name)
                .filter(|n| n.starts_with(&lower) && *n != lower)
                .min_by_key(|n| (n.len(), *n));
            let upper = word.starts_with(|c: char| c.is_ascii_uppercase());
            best.map(|n| {
                if upper {
                    n.to_ascii_uppercase()
                } else {
                    n.to_string()
                }
            })
        } else {
            let snapshot = self.snapshot();
            let key = snapshot
                .nodes
                .iter()
                .flat_map(|n| n.keys.iter())
                .map(|k| k.name.as_str())
                .find(|k| k.starts_with(word) && *k != word);
            key.map(String::from)
        };
        found.map(|found| format!("{head}{found}"))
    }

    /// The arguments that the command at the beginning of the text still wants.
    pub fn hint(&self, text: &str) -> String {
        let text = text.trim_start();
        if let Some(action) = text.strip_prefix(':') {
            let verb = action.split_whitespace().next().unwrap_or_default();
            return VERBS
                .iter()
                .find(|(v, ..)| *v == verb)
                .map(|(_, args, _)| rest_of(args, action))
                .unwrap_or_default();
        }
        let text = if text.starts_with('@') {
            text.split_once(' ').map_or("", |(_, rest)| rest)
        } else {
            text
        };
        let name = text
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        node::hints()
            .find(|(n, _)| *n == name)
            .map(|(_, hint)| rest_of(hint, text))
            .unwrap_or_default()
    }

    /// What to try next: the first half minute ends with a partial resynchronization that the visitor caused.
    pub fn suggestions(&self) -> Vec<Suggestion> {
        let s = self.snapshot();
        let lines: Vec<&str> = self
            .lines
            .iter()
            .filter_map(|l| {
                if let Line::Input { text, .. } = l {
                    Some(text.as_str())
                } else {
                    None
                }
            })
            .collect();
        let typed = |part: &str| lines.iter().any(|l| l.contains(part));
        let cut = s.links.iter().find(|l| l.cut);
        let master = s.nodes.iter().find(|n| n.alive && !n.replica);
        let mut out: Vec<String> = Vec::new();
        let healed = s.marks.iter().any(|m| m.kind == MarkKind::Restore);
        match (cut, master) {
            (_, None) => {
                if let Some(best) = s
                    .nodes
                    .iter()
                    .filter(|n| n.alive)
                    .min_by_key(|n| std::cmp::Reverse(n.offset))
                {
                    out.push(format!("@{} REPLICAOF NO ONE", best.name));
                }
            }
            (None, Some(_)) if !typed("SET hello world") => out.push("SET hello world".into()),
            (None, Some(m)) if !healed => {
                if let Some(link) = s.links.iter().find(|l| l.master == m.name) {
                    out.push(format!(":cut {} {}", link.master, link.replica));
                }
            }
            (Some(link), Some(m)) => {
                let fell = m.replicas.iter().any(|r| {
                    r.name == link.replica && r.state == "offline" && r.ack + 1 < m.backlog.first
                });
                let behind = s
                    .nodes
                    .iter()
                    .any(|n| n.name == link.replica && n.behind.is_some_and(|b| b > 0));
                if !behind {
                    out.push("SET city Oslo".into());
                }
                if healed && !fell {
                    out.push(format!(":load {} 20/s", m.name));
                }
                out.push(format!(":restore {} {}", link.master, link.replica));
            }
            (None, Some(m)) => {
                let connected = s
                    .nodes
                    .iter()
                    .all(|n| !n.replica || n.phase == Phase::Online);
                if connected {
                    out.push(format!("SET color blue{}", lines.len()));
                    if let Some(link) = s.links.iter().find(|l| l.master == m.name) {
                        out.push(format!(":cut {} {}", link.master, link.replica));
                        out.push(format!(":kill {}", m.name));
                    }
                }
            }
        }
        if s.load.is_some() {
            let node = s.load.as_ref().map(|l| l.node.clone()).unwrap_or_default();
            out.insert(0, format!(":load {node} 0/s"));
        }
        out.truncate(3);
        out.into_iter()
            .map(|line| Suggestion {
                label: line.clone(),
                line,
            })
            .collect()
    }
}

/// The arguments of a hint that are not typed yet; a group in brackets is one, and one with `…` never ends.
fn rest_of(hint: &str, text: &str) -> String {
    let typed = text.split_whitespace().count().saturating_sub(1);
    let mut groups: Vec<String> = Vec::new();
    let mut depth = 0_i32;
    for word in hint.split_whitespace() {
        match groups.last_mut().filter(|_| depth > 0) {
            Some(group) => {
                group.push(' ');
                group.push_str(word);
            }
            None => groups.push(word.into()),
        }
        depth += word.matches('[').count() as i32 - word.matches(']').count() as i32;
    }
    let endless = groups.last().filter(|g| g.contains('…')).cloned();
    let rest = groups.get(typed..).unwrap_or_default().join(" ");
    if rest.is_empty() {
        endless.unwrap_or_default()
    } else {
        rest
    }
}

/// As redis-cli prints it; texts of many lines (`INFO`) raw.
fn pretty(reply: &Reply) -> String {
    match reply {
        Reply::Bulk(bytes) if is_text(bytes) => String::from_utf8_lossy(bytes)
            .replace("\r\n", "\n")
            .trim_end()
            .to_string(),
        other => other.pretty(),
    }
}

fn is_text(bytes: &Bytes) -> bool {
    bytes.starts_with(b"# ") && bytes.contains(&b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(player: &mut Player) {
        for _ in 0..4000 {
            if !player.advance(50_000) {
                return;
            }
        }
        panic!("the world never comes to rest");
    }

    #[test]
    fn the_page_opens_in_step_and_at_rest() {
        let player = Player::new(7);
        let s = player.snapshot();
        assert!(s.idle);
        assert_eq!(
            s.nodes
                .iter()
                .map(|n| (n.name.as_str(), n.keys.len(), n.behind))
                .collect::<Vec<_>>(),
            [("m", 3, None), ("r1", 3, Some(0)), ("r2", 3, Some(0))]
        );
    }

    #[test]
    fn the_first_half_minute_ends_with_a_partial_resynchronization() {
        let mut player = Player::new(7);
        let mut had = 0;
        for line in [
            "SET hello world",
            ":cut m r1",
            "SET city Oslo",
            ":restore m r1",
        ] {
            assert!(
                player.suggestions().iter().any(|s| s.line == line),
                "{line} is not suggested: {:?}",
                player.suggestions()
            );
            had = player.snapshot().nodes[1].offset;
            player.submit(line);
            wait(&mut player);
        }
        let s = player.snapshot();
        let verdict = s.verdict.as_ref().expect("r1 asked");
        assert_eq!(
            verdict.outcome,
            node::Outcome::Continue {
                bytes: verdict.offset - had
            }
        );
        assert!(
            verdict.offset - had >= 33,
            "SET city Oslo is 33 bytes, a PING may have come after it"
        );
        assert_eq!(s.nodes[1].keys.len(), 5);
        assert_eq!(s.nodes[1].offset, s.nodes[0].offset);
    }

    #[test]
    fn a_write_tells_which_bytes_of_the_stream_it_became() {
        let mut player = Player::new(7);
        let offset = player.snapshot().nodes[0].offset;
        player.submit("SET hello world");
        let Some(Line::Input { offsets, .. }) = player.lines().first().cloned() else {
            panic!("no line")
        };
        assert_eq!(
            offsets,
            Some((offset + 1, offset + 23 + 35)),
            "SELECT 0 is 23 bytes, SET hello world 35"
        );
    }

    #[test]
    fn a_full_synchronization_can_be_forced() {
        let mut player = Player::new(7);
        let before = player.snapshot().nodes[0].sync_full;
        player.full_sync("r2");
        wait(&mut player);
        let s = player.snapshot();
        assert_eq!(s.nodes[0].sync_full, before + 1);
        assert_eq!(
            (s.nodes[2].behind, s.nodes[2].phase.clone()),
            (Some(0), Phase::Online)
        );
    }

    #[test]
    fn a_dead_master_leaves_the_world_at_rest_and_a_promotion_wakes_it() {
        let mut player = Player::new(7);
        player.submit(":kill m");
        wait(&mut player);
        assert!(
            player
                .suggestions()
                .iter()
                .any(|s| s.line == "@r1 REPLICAOF NO ONE")
        );
        player.promote("r1");
        player.submit("@r2 REPLICAOF 127.0.0.1 6380");
        wait(&mut player);
        let s = player.snapshot();
        assert!(!s.nodes[1].replica && s.nodes[2].behind == Some(0));
        assert_eq!(
            s.nodes[1].replid2, s.nodes[2].replid2,
            "both vouch for the old history"
        );
    }

    #[test]
    fn completion_and_hints_come_from_the_command_table() {
        let player = Player::new(7);
        assert_eq!(player.complete("GE"), Some("GET".into()));
        assert_eq!(player.complete("@r1 GET la"), Some("@r1 GET lang".into()));
        assert_eq!(player.complete(":re"), Some(":restore".into()));
        assert_eq!(player.complete(":cut m r"), Some(":cut m r1".into()));
        assert_eq!(player.hint("REPLICAOF "), "host port | NO ONE");
        assert_eq!(player.hint("INFO replication"), "[section …]");
    }
}
