//! Scenarios as text: what is done, and what came of it, recorded. A script is a story that can be read, run and
//! checked. It is made of blocks; a block is some lines of input, `---`, and the output that they gave.
//!
//! | line | kind | prints |
//! |---|---|---|
//! | `# prose` | the first one is the title | nothing |
//! | `cluster seed=7 replicas=2 backlog=512 latency=100ms` | do; a fresh world | nothing |
//! | `m> SET city Oslo` | do | the reply |
//! | `cut m r1`, and all other [`Action`]s | do | nothing |
//! | `settle` | wait until only heartbeats are left | what happened, a line each |
//! | `run 2s`, `step 3`, `until r1 online` | wait | what happened |
//! | `status`, `digest`, `wire 5`, `backlog m`, `log r1 3` | show | a table |
//!
//! `(silent)` before a line drops its output; `!` before a line says that it has to fail. `latency=` and `backlog=` may
//! be left out.

use crate::sim::snapshot::{NodeView, Phase};
use crate::sim::{Action, Cluster, Options, action};
use crate::time::{Instant, SECOND_US};
use crate::wire::resp::{self, Reply};
use std::fmt::Write;

/// A block that was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Line in the file of its first input, from 1.
    pub line: usize,
    /// Input lines and prose, as they stand.
    pub input: Vec<String>,
    /// The output that is recorded in the file.
    pub recorded: Vec<String>,
}

/// Something in a script that cannot be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadScript {
    pub line: usize,
    pub text: String,
}

impl std::fmt::Display for BadScript {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.text)
    }
}

/// Cuts a script into blocks. An empty line ends a block's output, and separates inputs that print nothing.
pub fn parse(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut block: Option<Block> = None;
    let mut output = false;
    for (i, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            blocks.extend(block.take());
            output = false;
        } else if line == "---" {
            output = true;
        } else {
            let b = block.get_or_insert_with(|| Block {
                line: i + 1,
                input: Vec::new(),
                recorded: Vec::new(),
            });
            if output {
                b.recorded.push(line.into());
            } else {
                b.input.push(line.into());
            }
        }
    }
    blocks.extend(block);
    blocks
}

/// Puts a script together again, with fresh outputs.
pub fn print(blocks: &[Block], outputs: &[Vec<String>]) -> String {
    let mut text = String::new();
    for (i, (block, output)) in blocks.iter().zip(outputs).enumerate() {
        if i > 0 {
            text.push('\n');
        }
        for line in &block.input {
            text.push_str(line);
            text.push('\n');
        }
        if !output.is_empty() {
            text.push_str("---\n");
            for line in output {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
}

/// Runs a script; the output of each block.
///
/// # Errors
/// The first line that is no verb, cannot be done, or was expected to fail and did not.
pub fn run(blocks: &[Block]) -> Result<Vec<Vec<String>>, BadScript> {
    let mut runner = Runner::new(Options::default());
    let mut outputs = Vec::new();
    for block in blocks {
        let mut output = Vec::new();
        for (i, line) in block.input.iter().enumerate() {
            let bad = |text: String| BadScript {
                line: block.line + i,
                text,
            };
            let (silent, line) = line
                .strip_prefix("(silent)")
                .map_or((false, line.as_str()), |rest| (true, rest.trim()));
            let (fails, line) = line
                .strip_prefix('!')
                .map_or((false, line), |rest| (true, rest.trim()));
            let mut text = String::new();
            match (runner.line(line, &mut text), fails) {
                (Ok(()), false) => {}
                (Err(error), true) => text = error,
                (Err(error), false) => return Err(bad(error)),
                (Ok(()), true) => return Err(bad(format!("'{line}' was expected to fail"))),
            }
            if !silent {
                output.extend(
                    text.lines()
                        .map(|l| l.trim_end().to_string())
                        .filter(|l| !l.is_empty()),
                );
            }
        }
        outputs.push(output);
    }
    Ok(outputs)
}

/// A world that obeys lines.
pub struct Runner {
    pub world: Cluster,
    told: u64,
}

impl Runner {
    pub fn new(options: Options) -> Self {
        let world = Cluster::ready(options);
        let told = world.stories(0).last().map_or(0, |s| s.n);
        Self { world, told }
    }

    /// Does one line and appends what it prints.
    ///
    /// # Errors
    /// What is wrong with the line.
    pub fn line(&mut self, line: &str, out: &mut String) -> Result<(), String> {
        if line.starts_with('#') {
            return Ok(());
        }
        if let Some((node, command)) = line.split_once("> ") {
            return self.command(node, command, out);
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["cluster", options @ ..] => *self = Self::new(parse_options(options)?),
            ["settle"] => {
                let calm = self.world.settle(300 * SECOND_US);
                self.tell(out);
                if !calm {
                    return Err("the world did not come to rest within 300 s".into());
                }
            }
            ["run", time] => {
                let us = action::duration_us(time).map_err(|e| e.0)?;
                self.world.run_until(self.world.now().after(us));
                self.tell(out);
            }
            ["step", n] => {
                for _ in 0..n
                    .parse::<u32>()
                    .map_err(|_| format!("step: a number, not '{n}'"))?
                {
                    self.world.step();
                }
                self.tell(out);
            }
            ["until", node, what] => self.until(node, what, out)?,
            ["status"] => self.status(out),
            ["digest"] => self.digest(out),
            ["wire", n] => self.wire(
                n.parse()
                    .map_err(|_| format!("wire: a number, not '{n}'"))?,
                out,
            ),
            ["backlog", node] => self.backlog(node, out)?,
            ["log", node, n] => self.log(
                node,
                n.parse().map_err(|_| format!("log: a number, not '{n}'"))?,
                out,
            )?,
            _ => {
                let action = Action::parse(line).map_err(|e| e.0)?;
                self.world.act(&action).map_err(|e| e.0)?;
            }
        }
        Ok(())
    }

    fn command(&mut self, node: &str, command: &str, out: &mut String) -> Result<(), String> {
        let args = resp::split_args(command.as_bytes()).ok_or("quotes do not balance")?;
        let replies = self
            .world
            .act(&Action::Exec {
                node: node.into(),
                args,
            })
            .map_err(|e| e.0)?;
        for reply in replies {
            let text = match &reply {
                Reply::Bulk(bytes) if bytes.contains(&b'\n') => {
                    String::from_utf8_lossy(bytes).into_owned()
                }
                other => other.pretty(),
            };
            let _ = writeln!(out, "{text}");
        }
        Ok(())
    }

    fn tell(&mut self, out: &mut String) {
        for story in self.world.stories(self.told) {
            let _ = writeln!(out, "{} {}", seconds(story.at), story.what);
            self.told = story.n;
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
            if self.world.now() > limit || !self.world.step() {
                return Err(format!(
                    "{node} is not '{what}' within 300 s, but '{}'",
                    phase_word(&phase)
                ));
            }
        }
        self.tell(out);
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
                n.keys.len(),
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
            let _ = writeln!(out, "{}–{} {}{cut}", c.from, c.to, c.text);
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
        Phase::Master => "master",
        Phase::Dead => "dead",
        Phase::Down { cut: true, .. } => "cut",
        Phase::Down { .. } => "down",
        Phase::Handshake { .. } => "handshake",
        Phase::WaitsForSnapshot => "waits-for-snapshot",
        Phase::Transfer { .. } => "transfer",
        Phase::Storing { .. } => "storing",
        Phase::Loading { .. } => "loading",
        Phase::Starting { .. } => "starting",
        Phase::Online => "online",
    }
}

fn parse_options(words: &[&str]) -> Result<Options, String> {
    let mut options = Options::default();
    for word in words {
        let (name, value) = word
            .split_once('=')
            .ok_or_else(|| format!("cluster: name=value, not '{word}'"))?;
        let number = || {
            value
                .parse::<u64>()
                .map_err(|_| format!("{name}: a number, not '{value}'"))
        };
        match name {
            "seed" => options.seed = number()?,
            "replicas" => options.replicas = number()?.min(7) as usize,
            "backlog" => options.backlog_size = action::size(value).map_err(|e| e.0)?.max(1),
            "latency" => options.latency_us = action::duration_us(value).map_err(|e| e.0)?,
            "keys" if value == "no" => options.keys.clear(),
            _ => {
                return Err(format!(
                    "cluster: seed, replicas, backlog, latency or keys=no, not '{name}'"
                ));
            }
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_prints_back_as_it_was_read() {
        let text = "# Title\ncluster seed=1\n\nm> PING\n---\nPONG\n";
        let blocks = parse(text);
        let outputs = run(&blocks).expect("a good script");
        assert_eq!(print(&blocks, &outputs), text);
    }

    #[test]
    fn a_bad_line_is_named() {
        assert_eq!(
            run(&parse("\n# t\nfly m")).expect_err("it is wrong"),
            BadScript {
                line: 3,
                text: "no such verb: 'fly'; :help lists them".into()
            }
        );
        assert_eq!(
            run(&parse("!m> PING")).expect_err("it is wrong").text,
            "'m> PING' was expected to fail"
        );
    }
}
