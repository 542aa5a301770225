//! The console: lines that are typed or that buttons stand for, and what they print. Every deed to the world begins
//! here. Next: `help`, which completes lines.

use super::Player;
use crate::sim::action::{BadAction, words};
use crate::sim::{Action, Cluster};
use crate::tape::BranchId;
use crate::wire::Bytes;
use crate::wire::resp::{self, Reply};
use std::rc::Rc;

/// One line of the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// What was typed: where to (`m:6379`), the text, and the stream bytes it became (first, last).
    Input {
        prompt: String,
        text: String,
        offsets: Option<(u64, u64)>,
    },
    /// A reply as redis-cli shows it; `node` is set when several nodes answered, and when it came later than its
    /// command; `behind` bytes tells a stale one.
    Reply {
        node: Option<String>,
        text: String,
        error: bool,
        behind: u64,
    },
    /// The playground's own words, not the server's.
    Note(String),
}

const LINES_KEPT: usize = 500;

/// A line, and the event after which it was printed.
pub(super) struct Said {
    branch: BranchId,
    event: u64,
    line: Line,
}

/// What begins with a colon and is no deed to the world: verb, arguments, meaning, and the line of the page that does it;
/// without one the player does it.
pub const COLON: [(&str, &str, &str, &str); 19] = [
    ("help", "", "all of these", "commands"),
    ("clear", "", "empty the console", ""),
    ("after", "TIME", "let time pass, such as 10s", ""),
    ("step", "", "one event on", ""),
    ("back", "", "one event back", "back"),
    ("undo", "", "as it was before the last deed", "undo"),
    ("redo", "", "and again", "redo"),
    ("live", "", "to the end of what has happened", "live"),
    ("play", "", "let time run, or stop it", "play"),
    ("pace", "auto|0.1|1|10|step", "how fast time runs", "pace "),
    ("focus", "NODE", "put a node on the drum", "select focus:"),
    (
        "page",
        "node|psync|wire|sequence|keys|ring|rdb|charts|config|faults|writes|log",
        "open a page of the inspector",
        "page ",
    ),
    (
        "keys",
        "[PATTERN]",
        "the keys of all nodes that a pattern fits, side by side",
        "keys-find ",
    ),
    (
        "try",
        "[BYTE]",
        "what would the node on the drum answer to a PSYNC for this byte",
        "face-try ",
    ),
    (
        "blocks",
        "",
        "how Redis 7 keeps the ring's bytes, on or off",
        "face blocks",
    ),
    (
        "verdict",
        "",
        "paste two INFO replication texts: would the next reconnect be partial, and why",
        "verdict",
    ),
    ("lesson", "ID", "open a lesson, such as l06", "lesson "),
    ("save", "session|trace|stream|rdb", "as a file", "save "),
    ("share", "", "a link to this moment", "share"),
];

/// The last line of the help.
pub const ELSEWHERE: &str = "@NODE COMMAND — one command for another node; @all asks them all";

impl Player {
    /// Everything that a person does begins here.
    fn touch(&mut self) {
        self.idle_since = None;
        self.changed();
    }

    /// A button: prints the line that does the same.
    pub fn perform(&mut self, action: Action) {
        if let Action::Exec { node, args } = &action {
            let _ = self.run_on(node, &words(args)); // The console tells what came of it.
            return;
        }
        self.print_input(None, format!(":{action}"), None);
        let _ = self.act(&action);
    }

    pub fn promote(&mut self, node: &str) {
        let _ = self.run_on(node, "REPLICAOF NO ONE");
    }

    /// Makes a replica forget its history, so that it has to ask for everything: it becomes a master and a replica
    /// again, as an operator would do it.
    pub fn full_sync(&mut self, replica: &str) {
        let Some(upstream) = self
            .world()
            .node(replica)
            .and_then(|n| n.upstream())
            .map(|u| u.addr.clone())
        else {
            return self.push(Line::Note(format!("'{replica}' has no master")));
        };
        let back = format!("REPLICAOF {} {}", upstream.host, upstream.port);
        for line in ["REPLICAOF NO ONE", "DEBUG CHANGE-REPL-ID", &back] {
            let _ = self.run_on(replica, line);
        }
    }

    /// Does it to the world; in the past this begins a branch, which [`Player::take_branched`] tells.
    fn do_now(&mut self, action: Action) -> Result<Vec<Reply>, BadAction> {
        let old = self.tape.branch();
        let result = self.tape.act(action);
        self.changed();
        self.tell_late();
        if self.tape.branch() != old {
            self.branched = Some((old, self.tape.branch()));
        }
        result
    }

    fn act(&mut self, action: &Action) -> Result<(), BadAction> {
        self.touch();
        let done = self.do_now(action.clone());
        if let Err(error) = &done {
            self.push(Line::Note(error.0.clone()));
        }
        done.map(drop)
    }

    /// A command on a node by a program: it is printed as if it were typed, and its replies are handed back; none when
    /// they come later.
    ///
    /// # Errors
    /// It cannot be done: no such node, or it does not run.
    pub fn exec(&mut self, node: &str, command: &str) -> Result<Vec<Reply>, BadAction> {
        if !self.world().names().contains(&node) {
            return Err(BadAction(self.stranger(node)));
        }
        self.run_on(node, command)
    }

    /// A line of the script language by a program, printed as if it were typed.
    ///
    /// # Errors
    /// It is no action, or cannot be done now.
    pub fn tell(&mut self, line: &str) -> Result<(), BadAction> {
        let action = Action::parse(line)?;
        self.print_input(None, format!(":{action}"), None);
        self.act(&action)
    }

    fn stranger(&self, node: &str) -> String {
        let names = self.world().names().join(", ");
        format!("there is no node '{node}'; there are {names}")
    }

    /// A line of the console: a command for the target, `@node command`, `@all command`, or `:action`.
    pub fn submit(&mut self, line: &str) {
        let line = line.trim();
        if line.is_empty() {
            return;
        }
        self.remember(line);
        if let Some(action) = line.strip_prefix(':') {
            return self.submit_action(line, action.trim());
        }
        let (target, text) = match line.strip_prefix('@') {
            Some(rest) => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
            None => (self.target.as_str(), line),
        };
        let (target, text) = (target.to_string(), text.trim().to_string());
        if text.eq_ignore_ascii_case("clear") {
            return self.clear();
        }
        if target == "all" {
            return self.run_on_all(&text);
        }
        if !self.world().names().contains(&target.as_str()) {
            self.print_input(None, line.into(), None);
            return self.push(Line::Note(self.stranger(&target)));
        }
        let _ = self.run_on(&target, &text);
    }

    /// The line can be had again with an arrow key.
    pub fn remember(&mut self, line: &str) {
        self.history.retain(|old| old != line);
        self.history.push(line.into());
    }

    fn submit_action(&mut self, line: &str, action: &str) {
        self.print_input(None, line.into(), None);
        match action {
            "help" => {
                for (verb, args, meaning) in super::usage() {
                    self.push(Line::Note(format!(":{verb} {args} — {meaning}")));
                }
                self.push(Line::Note(ELSEWHERE.into()));
            }
            "clear" => self.clear(),
            "step" => self.step(),
            _ => match action
                .strip_prefix("after ")
                .map(crate::sim::action::duration_us)
            {
                Some(Ok(us)) => self.let_pass(us),
                Some(Err(error)) => self.push(Line::Note(error.0)),
                None => match Action::parse(action) {
                    Ok(action) => drop(self.act(&action)),
                    Err(error) => self.push(Line::Note(error.0)),
                },
            },
        }
    }

    /// One command on one node, with its line and its reply.
    fn run_on(&mut self, node: &str, text: &str) -> Result<Vec<Reply>, BadAction> {
        self.touch();
        let prompt = self.prompt(node);
        let Some(args) = resp::split_args(text.as_bytes()) else {
            let wrong = "Invalid argument(s)";
            self.print_input(Some(prompt), text.into(), None);
            self.push(Line::Note(wrong.into()));
            return Err(BadAction(wrong.into()));
        };
        if args.is_empty() {
            return Ok(Vec::new());
        }
        let before = self.stream_of(node);
        let (behind, reads) = (self.behind(node), crate::node::is_read(&args));
        let result = self.do_now(Action::Exec {
            node: node.into(),
            args,
        });
        let after = self.stream_of(node);
        let offsets = before
            .zip(after)
            .filter(|(b, a)| b.0 == a.0 && a.1 > b.1)
            .map(|(b, a)| (b.1 + 1, a.1));
        self.print_input(Some(prompt), text.into(), offsets);
        match &result {
            Ok(replies) if replies.is_empty() && self.world().console_waits(node) => {}
            Ok(replies) if replies.is_empty() => self.push(Line::Note(
                "no reply: the server has closed the connection".into(),
            )),
            Ok(replies) => {
                self.count_stale(replies, behind, reads);
                for reply in replies {
                    self.push(Line::Reply {
                        node: None,
                        text: pretty(reply),
                        error: matches!(reply, Reply::Error(_)),
                        behind: how_old(reply, behind),
                    });
                }
            }
            Err(error) => self.push(Line::Note(error.0.clone())),
        }
        self.note_idle();
        result
    }

    /// How many bytes a replica is behind its master; 0 where that is not known.
    fn behind(&self, node: &str) -> u64 {
        let nodes = &self.snapshot().nodes;
        let node = nodes.iter().find(|n| n.name == node);
        node.and_then(|n| n.behind).unwrap_or(0)
    }

    /// Notes that a read was answered by a replica that is behind.
    #[inline(never)]
    fn count_stale(&mut self, replies: &[Reply], behind: u64, reads: bool) {
        if reads && replies.iter().any(|r| how_old(r, behind) > 0) {
            self.stale.push((self.tape.branch(), self.tape.event()));
        }
    }

    /// How many reads of the console, up to this moment, were answered by a replica that was behind.
    pub fn stale_reads(&self) -> u64 {
        let here = |at: &&(BranchId, u64)| self.tape.led_here(at.0, at.1);
        self.stale.iter().filter(here).count() as u64
    }

    /// The same command everywhere, to compare.
    fn run_on_all(&mut self, text: &str) {
        self.touch();
        self.print_input(Some("all".into()), text.into(), None);
        let Some(args) = resp::split_args(text.as_bytes()).filter(|args| !args.is_empty()) else {
            return;
        };
        let names: Vec<String> = self.world().names().into_iter().map(String::from).collect();
        for name in names {
            let (behind, reads) = (self.behind(&name), crate::node::is_read(&args));
            match self.do_now(Action::Exec {
                node: name.clone(),
                args: args.clone(),
            }) {
                Ok(replies) => {
                    self.count_stale(&replies, behind, reads);
                    for reply in replies {
                        let error = matches!(reply, Reply::Error(_));
                        self.push(Line::Reply {
                            node: Some(name.clone()),
                            text: pretty(&reply),
                            error,
                            behind: how_old(&reply, behind),
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
        let node = self.world().node(node).filter(|n| n.upstream().is_none())?;
        Some((node.history().replid.clone(), node.history().offset))
    }

    /// As redis-cli: `m:6379`, and `(ro)` for a replica.
    pub fn prompt(&self, node: &str) -> String {
        prompt(self.world(), node)
    }

    fn print_input(&mut self, prompt: Option<String>, text: String, offsets: Option<(u64, u64)>) {
        self.push(Line::Input {
            prompt: prompt.unwrap_or_default(),
            text,
            offsets,
        });
    }

    /// A line that was typed, and what the page has to say to it.
    pub fn tell_of(&mut self, line: &str, notes: Vec<String>) {
        self.print_input(None, line.into(), None);
        notes.into_iter().for_each(|text| self.note(text));
    }

    /// The lines that can be had again with an arrow key, oldest first: those of another visit.
    pub fn set_history(&mut self, lines: Vec<String>) {
        self.history = lines;
    }

    /// A word of the page in the console.
    pub fn note(&mut self, text: impl Into<String>) {
        self.push(Line::Note(text.into()));
    }

    fn push(&mut self, line: Line) {
        self.push_at(self.tape.branch(), self.tape.event(), line);
    }

    pub(super) fn push_at(&mut self, branch: BranchId, event: u64, line: Line) {
        self.said.push(Said {
            branch,
            event,
            line,
        });
        if self.said.len() > LINES_KEPT {
            self.said.drain(..LINES_KEPT / 5);
        }
        *self.lines.borrow_mut() = None;
    }

    fn clear(&mut self) {
        self.said.clear();
        *self.lines.borrow_mut() = None;
    }

    /// What the console shows at this moment of the tape: going back takes lines away, going forward brings them
    /// again. The same `Rc` until something changes.
    pub fn lines(&self) -> Rc<Vec<Line>> {
        let mut lines = self.lines.borrow_mut();
        if let Some(lines) = &*lines {
            return lines.clone();
        }
        let here = |s: &&Said| self.tape.led_here(s.branch, s.event);
        let mut said: Vec<&Said> = self.said.iter().filter(here).collect();
        crate::order::sort_by(&mut said, |a, b| a.event.cmp(&b.event));
        let fresh = Rc::new(said.into_iter().map(|s| s.line.clone()).collect::<Vec<_>>());
        *lines = Some(fresh.clone());
        fresh
    }

    /// The lines of this moment that were printed after an event.
    pub fn lines_since(&self, event: u64) -> Vec<Line> {
        let here = |s: &&Said| s.event > event && self.tape.led_here(s.branch, s.event);
        let said = self.said.iter().filter(here);
        said.map(|s| s.line.clone()).collect()
    }

    /// Replies that came later than their commands.
    pub(super) fn tell_late(&mut self) {
        for late in self.tape.take_late() {
            let line = Line::Reply {
                text: pretty(&late.reply),
                error: matches!(late.reply, Reply::Error(_)),
                node: Some(late.node),
                behind: 0,
            };
            self.push_at(late.branch, late.event, line);
        }
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
}

/// Bytes that a reply is behind, of a node that is so many behind: only what was read can be old.
fn how_old(reply: &Reply, behind: u64) -> u64 {
    match reply {
        Reply::Error(_) | Reply::Simple(_) => 0,
        _ => behind,
    }
}

fn prompt(world: &Cluster, node: &str) -> String {
    let port = world.port(node).unwrap_or(0);
    let replica = world.node(node).is_some_and(|n| n.upstream().is_some());
    format!("{node}:{port}{}", if replica { "(ro)" } else { "" })
}

/// What the console would have shown of a deed that was done elsewhere.
pub(super) fn heard(world: &Cluster, action: &Action, replies: &[Reply]) -> Vec<Line> {
    let (prompt, text) = match action {
        Action::Exec { node, args } => (prompt(world, node), words(args)),
        other => (String::new(), format!(":{other}")),
    };
    let input = Line::Input {
        prompt,
        text,
        offsets: None,
    };
    let reply = |reply: &Reply| Line::Reply {
        node: None,
        text: pretty(reply),
        error: matches!(reply, Reply::Error(_)),
        behind: 0,
    };
    std::iter::once(input)
        .chain(replies.iter().map(reply))
        .collect()
}

/// As redis-cli prints it; texts of many lines (`INFO`) raw.
pub fn pretty(reply: &Reply) -> String {
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
