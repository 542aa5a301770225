//! Runs scripts: to the end, line by line, or to a mark.

use super::parse::{BadScript, Block, Line, Script, Verb};
use crate::sim::snapshot::{NodeView, Phase};
use crate::sim::{Action, Cluster, Options};
use crate::time::{Instant, SECOND_US};
use crate::wire::Bytes;
use crate::wire::resp::Reply;
use std::fmt::Write;

/// What `settle` and `until` wait for at most.
const PATIENCE_US: u64 = 300 * SECOND_US;

impl Script {
    /// Runs the script to its end; the output of each block.
    ///
    /// # Errors
    /// The first line that cannot be done, or was expected to fail and did not.
    pub fn run(&self) -> Result<Vec<Vec<String>>, BadScript> {
        let mut runner = Runner::new(Options::default());
        self.blocks
            .iter()
            .map(|block| runner.block(block))
            .collect()
    }

    /// The world at a mark; `None` when there is no such mark.
    ///
    /// # Errors
    /// As [`Script::run`].
    pub fn run_to_mark(&self, name: &str) -> Result<Option<Runner>, BadScript> {
        let mut runner = Runner::new(Options::default());
        for line in self.blocks.iter().flat_map(|b| &b.input) {
            runner.line(line)?;
            if line.verb == Verb::Mark(name.into()) {
                return Ok(Some(runner));
            }
        }
        Ok(None)
    }
}

/// A world that obeys lines.
pub struct Runner {
    pub world: Cluster,
    /// What was done since the world began, and when: what a tape of it needs.
    pub deeds: Vec<(Instant, Action)>,
    /// Replies of the console in the order in which they came, with the node.
    pub replies: Vec<(String, Reply)>,
    told: u64,
    /// Lost writes that were told.
    lost: usize,
}

impl Runner {
    pub fn new(options: Options) -> Self {
        let world = Cluster::ready(options);
        Self {
            told: world.told(),
            world,
            deeds: Vec::new(),
            replies: Vec::new(),
            lost: 0,
        }
    }

    /// Does all lines of a block; what they print.
    ///
    /// # Errors
    /// The first line that cannot be done, or was expected to fail and did not.
    pub fn block(&mut self, block: &Block) -> Result<Vec<String>, BadScript> {
        let mut output = Vec::new();
        for line in &block.input {
            let text = self.line(line)?;
            let lines = text.lines().map(str::trim_end).filter(|l| !l.is_empty());
            output.extend(lines.map(String::from));
        }
        Ok(output)
    }

    /// Does one line; what it prints.
    ///
    /// # Errors
    /// It cannot be done, or was expected to fail and did not.
    pub fn line(&mut self, line: &Line) -> Result<String, BadScript> {
        let mut text = String::new();
        let bad = |text| BadScript::at(line.number, &line.text, text);
        let done = self.verb(&line.verb, &mut text);
        self.losses(&mut text);
        match (done.and_then(|()| self.lawful()), line.fails) {
            (Ok(()), false) => {}
            (Err(error), true) => text = error,
            (Err(error), false) => return Err(bad(error)),
            (Ok(()), true) => return Err(bad("this was expected to fail".into())),
        }
        Ok(if line.silent { String::new() } else { text })
    }

    fn verb(&mut self, verb: &Verb, out: &mut String) -> Result<(), String> {
        match verb {
            Verb::Prose | Verb::Mark(_) => {}
            Verb::Cluster(options) => *self = Self::new(options.clone()),
            Verb::Key(name, value) => {
                if !self.deeds.is_empty() {
                    return Err("a key can be given only right after 'cluster'".into());
                }
                let mut options = self.world.options().clone();
                options.keys.push((name.clone(), value.clone()));
                *self = Self::new(options);
            }
            Verb::Act(action) => self.act(action, out)?,
            Verb::Settle => self.settle(out)?,
            Verb::Run(us) => self.run_until(self.world.now().after(*us), out),
            Verb::Step(n) => {
                for _ in 0..*n {
                    self.step(out);
                }
            }
            Verb::Until { node, phase } => self.until(node, phase, out)?,
            #[cfg(feature = "judge")]
            Verb::Judge => self.world.judge(),
            #[cfg(not(feature = "judge"))]
            Verb::Judge => return Err("there is no judge in this build".into()),
            Verb::Status => self.status(out),
            Verb::Digest => self.digest(out),
            Verb::Wire(n) => self.wire(*n, out),
            Verb::Backlog(node) => self.backlog(node, out)?,
            Verb::Log { node, lines } => self.log(node, *lines, out)?,
        }
        Ok(())
    }

    /// What is due at this very moment happens first, so that a deed's time says where it belongs.
    fn act(&mut self, action: &Action, out: &mut String) -> Result<(), String> {
        let now = self.world.now();
        while self.world.next_at().is_some_and(|at| at <= now) {
            self.world.step();
            self.late(out);
        }
        let replies = self.world.act(action).map_err(|e| e.0)?;
        self.deeds.push((now, action.clone()));
        let (Action::Exec { node, .. } | Action::Pipeline { node, .. }) = action else {
            return Ok(());
        };
        for reply in replies {
            let _ = writeln!(out, "{}", shown(&reply));
            self.replies.push((node.clone(), reply));
        }
        Ok(())
    }

    /// The next event, and what there is to tell of it.
    fn step(&mut self, out: &mut String) -> bool {
        let more = self.world.step();
        self.tell(out);
        self.late(out);
        more
    }

    fn run_until(&mut self, at: Instant, out: &mut String) {
        self.tell(out);
        while self.world.next_at().is_some_and(|next| next <= at) {
            self.step(out);
        }
        self.world.run_until(at);
    }

    fn settle(&mut self, out: &mut String) -> Result<(), String> {
        let limit = self.world.now().after(PATIENCE_US);
        self.tell(out);
        while !self.world.idle() {
            if self.world.now() > limit || !self.step(out) {
                return Err("the world did not come to rest within 300 s".into());
            }
        }
        Ok(())
    }

    fn tell(&mut self, out: &mut String) {
        for story in self.world.stories(self.told) {
            let _ = writeln!(out, "{} {}", seconds(story.at), story.what);
        }
        self.told = self.world.told();
    }

    /// No law is broken, as far as anybody judges.
    fn lawful(&self) -> Result<(), String> {
        let violations = self.world.oracle().map(|o| o.violations());
        let first = violations.and_then(|v| v.first());
        first.map_or(Ok(()), |broken| Err(broken.to_string()))
    }

    /// Tells which acknowledged writes are lost since it was told last.
    fn losses(&mut self, out: &mut String) {
        let Some(oracle) = self.world.oracle() else {
            return;
        };
        let mut lost: Vec<_> = oracle.lost().collect();
        lost.sort_by_key(|write| write.lost.as_ref().map(|(at, _)| *at));
        for write in lost.iter().skip(self.lost) {
            if let Some((at, by)) = &write.lost {
                let (node, text) = (&write.node, &write.text);
                let acked = seconds(write.at);
                let _ = writeln!(
                    out,
                    "{} lost: {text}, which {node} acknowledged at {acked}, by {by}",
                    seconds(*at)
                );
            }
        }
        self.lost = lost.len();
    }

    fn late(&mut self, out: &mut String) {
        for (node, reply) in self.world.take_late_replies() {
            let at = seconds(self.world.now());
            let _ = writeln!(out, "{at} {node} replies {}", shown(&reply));
            self.replies.push((node, reply));
        }
    }

    fn view(&mut self, node: &str) -> Result<std::rc::Rc<NodeView>, String> {
        self.world
            .snapshot()
            .nodes
            .into_iter()
            .find(|n| n.name == node)
            .ok_or_else(|| format!("there is no node '{node}'"))
    }

    fn until(&mut self, node: &str, what: &str, out: &mut String) -> Result<(), String> {
        let limit = self.world.now().after(300 * SECOND_US);
        loop {
            let phase = self.view(node)?.phase.clone();
            if phase_word(&phase) == what {
                break;
            }
            if self.world.now() > limit || !self.step(out) {
                return Err(format!(
                    "{node} is not '{what}' within 300 s, but '{}'",
                    phase_word(&phase)
                ));
            }
        }
        Ok(())
    }

    fn status(&mut self, out: &mut String) {
        let s = self.world.snapshot();
        let _ = writeln!(
            out,
            "node  role     state                 id        offset  keys  full  partial"
        );
        for n in &s.nodes {
            let role = if !n.alive {
                "-"
            } else if n.replica {
                "replica"
            } else {
                "master"
            };
            let _ = writeln!(
                out,
                "{:<5} {role:<8} {:<21} {:<8} {:>7} {:>5} {:>5} {:>8}",
                n.name,
                phase_word(&n.phase),
                n.replid.get(..8).unwrap_or("-"),
                n.offset,
                n.key_count,
                n.sync_full,
                n.sync_partial_ok
            );
        }
    }

    fn digest(&mut self, out: &mut String) {
        let names: Vec<String> = self.world.names().into_iter().map(String::from).collect();
        for name in names {
            let digest = self.world.node(&name).map(|n| {
                n.keyspace()
                    .digest()
                    .iter()
                    .take(6)
                    .map(|b| format!("{b:02x}"))
                    .collect::<String>()
            });
            let _ = writeln!(out, "{name} {}", digest.as_deref().unwrap_or("-"));
        }
    }

    fn wire(&mut self, n: usize, out: &mut String) {
        let s = self.world.snapshot();
        for p in s.wire.iter().rev().take(n).rev() {
            let state = match p.delivered {
                None => "in flight",
                Some(true) => "",
                Some(false) => "lost",
            };
            let texts: Vec<&str> = p.frames.iter().map(|f| f.text.as_str()).collect();
            let _ = writeln!(
                out,
                "{} {}→{} {} B  {}  {state}",
                seconds(p.sent),
                p.from,
                p.to,
                p.bytes.len(),
                texts.join(" · ")
            );
        }
    }

    fn backlog(&mut self, node: &str, out: &mut String) -> Result<(), String> {
        let view = self.view(node)?;
        let b = &view.backlog;
        if !b.active {
            let _ = writeln!(out, "no backlog");
            return Ok(());
        }
        let _ = writeln!(
            out,
            "{} of {} bytes, {}–{}",
            b.histlen, b.size, b.first, view.offset
        );
        for c in b.cells.iter() {
            let cut = if c.from < b.first {
                format!("  (its first {} bytes are overwritten)", b.first - c.from)
            } else {
                String::new()
            };
            let _ = writeln!(out, "{}–{} {}{cut}", c.from, c.to, c.text());
        }
        Ok(())
    }

    fn log(&mut self, node: &str, n: usize, out: &mut String) -> Result<(), String> {
        let view = self.view(node)?;
        for line in view.log.iter().rev().take(n).rev() {
            let _ = writeln!(out, "{} {}", line.level, line.text);
        }
        Ok(())
    }
}

fn seconds(at: Instant) -> String {
    let us = at.since(Instant::WORLD);
    format!("{}.{:03}", us / 1_000_000, us % 1_000_000 / 1000)
}

/// A phase in one word, for tables and `until`.
pub fn phase_word(phase: &Phase) -> &'static str {
    match phase {
        Phase::Down { cut: true, .. } => "cut",
        other => other.kind(),
    }
}

/// As redis-cli shows it; texts of many lines (`INFO`) raw.
fn shown(reply: &Reply) -> String {
    match reply {
        Reply::Bulk(bytes) if bytes.contains(&b'\n') => String::from_utf8_lossy(bytes).into_owned(),
        other => other.pretty(),
    }
}

// --- the other way: a script that does what was done -----------------------------------------------------------------

/// The lines that make a world with these options.
pub fn cluster_lines(options: &Options) -> String {
    let standard = options.keys == Options::default().keys;
    let mut text = format!(
        "cluster seed={} replicas={} backlog={} latency={}{}\n",
        options.seed,
        options.replicas,
        options.backlog_size,
        duration(options.latency_us),
        if standard { "" } else { " keys=no" }
    );
    for (name, value) in options.keys.iter().filter(|_| !standard) {
        let args = [name, value].map(|s| Bytes::from(s.as_bytes()));
        let _ = writeln!(text, "key {}", crate::sim::action::words(&args));
    }
    text
}

/// A script of deeds, each with its distance in microseconds from the one before; it ends `end_us` after the beginning.
pub fn of_deeds(options: &Options, deeds: &[(u64, &Action)], end_us: u64) -> String {
    let mut text = format!(
        "# A session, as it was played\n{}\n",
        cluster_lines(options)
    );
    let mut at = 0;
    for (us, action) in deeds {
        if at + us > end_us {
            break;
        }
        if *us > 0 {
            let _ = writeln!(text, "run {}", duration(*us));
        }
        let _ = writeln!(text, "{action}");
        at += us;
    }
    if end_us > at {
        let _ = writeln!(text, "run {}", duration(end_us - at));
    }
    text.push_str("status\n");
    text
}

/// A time in its largest whole unit.
fn duration(us: u64) -> String {
    match us {
        0 => "0s".into(),
        us if us % 1_000_000 == 0 => format!("{}s", us / 1_000_000),
        us if us % 1000 == 0 => format!("{}ms", us / 1000),
        us => format!("{us}us"),
    }
}
