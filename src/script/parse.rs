//! Reads scripts. A mistake is told with its line and column, and with what would be right.

use crate::sim::{Action, Options, action};
use crate::wire::resp;

/// What one line wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Verb {
    Prose,
    Cluster(Options),
    Key(String, String),
    Act(Action),
    Settle,
    /// Lets so many microseconds pass.
    Run(u64),
    Step(u64),
    Until {
        node: String,
        phase: String,
    },
    Mark(String),
    /// From now on every event is judged.
    Judge,
    Status,
    Digest,
    Wire(usize),
    Backlog(String),
    Log {
        node: String,
        lines: usize,
    },
}

/// A line of input.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Line in the file, from 1.
    pub number: usize,
    /// As it stands there.
    pub text: String,
    /// Its output is dropped.
    pub silent: bool,
    /// It has to fail.
    pub fails: bool,
    pub verb: Verb,
}

/// Lines of input, and the output that is recorded for them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    pub input: Vec<Line>,
    pub recorded: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    pub blocks: Vec<Block>,
}

/// Something in a script that cannot be read or run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadScript {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    pub text: String,
}

impl std::fmt::Display for BadScript {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "line {}, column {}: {}",
            self.line, self.column, self.text
        )
    }
}

impl BadScript {
    /// The mistake is told in words that quote the wrong one (`not 'x'`, `'x'`); that is where it is, else at the end,
    /// where something is missing.
    pub(super) fn at(number: usize, line: &str, text: String) -> Self {
        // Forwards, for to search backwards is code of its own in the page.
        let wrong = text.split("not '").skip(1).last();
        let quoted = wrong.or_else(|| Some(text.split_once('\'')?.1));
        let word = quoted
            .and_then(|rest| rest.split_once('\''))
            .map(|(word, _)| word);
        let found = word
            .filter(|w| !w.is_empty())
            .and_then(|word| find_word(line, word));
        let bytes = found.unwrap_or_else(|| line.trim_end().len());
        let end = usize::from(found.is_none() && bytes > 0);
        Self {
            line: number,
            column: line[..bytes].chars().count() + 1 + end,
            text,
        }
    }
}

/// Where a word stands in a line, as a word if possible.
fn find_word(line: &str, word: &str) -> Option<usize> {
    let whole = line.match_indices(word).find(|(at, _)| {
        let before = line[..*at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let edge = |c: Option<char>| c.is_none_or(|c| c.is_ascii() && !c.is_ascii_alphanumeric());
        edge(before) && edge(after)
    });
    whole.map(|(at, _)| at).or_else(|| line.find(word))
}

/// As many as a link holds deeds.
const LINES_MAX: usize = 10_000;

impl Script {
    /// An empty line ends a block's output, and separates inputs that print nothing.
    ///
    /// # Errors
    /// The first line that is not understood, or is too many.
    pub fn parse(text: &str) -> Result<Self, BadScript> {
        let mut blocks = Vec::new();
        let mut block: Option<Block> = None;
        let mut output = false;
        for (i, line) in text.lines().enumerate() {
            if i == LINES_MAX {
                let why = format!("a script has at most {LINES_MAX} lines");
                return Err(BadScript::at(i + 1, line, why));
            }
            if line.trim().is_empty() {
                blocks.extend(block.take());
                output = false;
            } else if line == "---" {
                output = true;
            } else {
                let block = block.get_or_insert_with(Block::default);
                if output {
                    block.recorded.push(line.into());
                } else {
                    block.input.push(Line::parse(i + 1, line)?);
                }
            }
        }
        blocks.extend(block);
        Ok(Self { blocks })
    }

    /// The first line of prose.
    pub fn title(&self) -> Option<&str> {
        let lines = self.blocks.iter().flat_map(|b| &b.input);
        let prose = lines.filter_map(|l| l.text.strip_prefix('#'));
        prose.map(str::trim).find(|t| !t.is_empty())
    }

    /// Puts the script together again, with fresh outputs, one for each block.
    pub fn print(&self, outputs: &[Vec<String>]) -> String {
        let mut text = String::new();
        for (i, (block, output)) in self.blocks.iter().zip(outputs).enumerate() {
            if i > 0 {
                text.push('\n');
            }
            let input = block.input.iter().map(|l| l.text.as_str());
            let bar = (!output.is_empty()).then_some("---");
            for line in input.chain(bar).chain(output.iter().map(String::as_str)) {
                text.push_str(line);
                text.push('\n');
            }
        }
        text
    }
}

impl Line {
    /// Reads one line; `number` is its place in the file.
    ///
    /// # Errors
    /// It is not understood.
    pub fn parse(number: usize, text: &str) -> Result<Self, BadScript> {
        let (silent, rest) = match text.strip_prefix("(silent)") {
            Some(rest) => (true, rest.trim_start()),
            None => (false, text),
        };
        let (fails, rest) = match rest.strip_prefix('!') {
            Some(rest) => (true, rest.trim_start()),
            None => (false, rest),
        };
        let verb = parse_verb(rest.trim_end()).map_err(|why| BadScript::at(number, text, why))?;
        Ok(Self {
            number,
            text: text.into(),
            silent,
            fails,
            verb,
        })
    }
}

fn parse_verb(line: &str) -> Result<Verb, String> {
    if line.starts_with('#') {
        return Ok(Verb::Prose);
    }
    let number = |verb: &str, word: &str| {
        let n = word.parse::<u64>().ok().filter(|n| *n <= 1_000_000);
        n.ok_or_else(|| format!("{verb}: a number up to 1000000, not '{word}'"))
    };
    let words: Vec<&str> = line.split_whitespace().collect();
    Ok(match words.as_slice() {
        ["cluster", options @ ..] => Verb::Cluster(parse_options(options)?),
        ["key", ..] => {
            let (name, value) = parse_key(line)?;
            Verb::Key(name, value)
        }
        ["settle"] => Verb::Settle,
        ["run", time] => Verb::Run(action::duration_us(time).map_err(|e| e.0)?),
        ["step", n] => Verb::Step(number("step", n)?),
        ["until", node, phase] => {
            if !PHASES.contains(phase) {
                return Err(format!(
                    "until: one of {}, not '{phase}'",
                    PHASES.join(", ")
                ));
            }
            Verb::Until {
                node: (*node).into(),
                phase: (*phase).into(),
            }
        }
        ["mark", name] => Verb::Mark((*name).into()),
        ["judge"] => Verb::Judge,
        ["status"] => Verb::Status,
        ["digest"] => Verb::Digest,
        ["wire", n] => Verb::Wire(number("wire", n)? as usize),
        ["backlog", node] => Verb::Backlog((*node).into()),
        ["log", node, n] => Verb::Log {
            node: (*node).into(),
            lines: number("log", n)? as usize,
        },
        [verb, ..] => match OWN.iter().find(|(name, _)| name == verb) {
            Some((_, usage)) => return Err(format!("expected: {usage}")),
            None => Verb::Act(parse_action(line)?),
        },
        [] => return Err("a verb or a command is missing".into()),
    })
}

/// The verbs that are no actions, and how they are used.
const OWN: &[(&str, &str)] = &[
    ("settle", "settle"),
    ("run", "run TIME"),
    ("step", "step N"),
    ("until", "until NODE PHASE"),
    ("mark", "mark NAME"),
    ("judge", "judge"),
    ("status", "status"),
    ("digest", "digest"),
    ("wire", "wire N"),
    ("backlog", "backlog NODE"),
    ("log", "log NODE N"),
];

/// What `until` can wait for, and `status` shows: see [`super::phase_word`].
const PHASES: &[&str] = &[
    "master",
    "dead",
    "cut",
    "down",
    "handshake",
    "waits-for-snapshot",
    "transfer",
    "storing",
    "loading",
    "starting",
    "online",
];

/// `m> SET a 1`, or a line such as `cut m r1`.
///
/// # Errors
/// What is wrong and what would be right, as text.
pub fn parse_action(line: &str) -> Result<Action, String> {
    Action::parse(line).map_err(|e| match e.0.split_once("; :help lists them") {
        Some((wrong, _)) => format!("{wrong}; see `ringside --help` for those that there are"),
        None => e.0,
    })
}

/// The words after `cluster`.
///
/// # Errors
/// An option that there is not, or a value that does not fit.
pub fn parse_options(words: &[&str]) -> Result<Options, String> {
    let mut options = Options::default();
    for word in words {
        let (name, value) = word
            .split_once('=')
            .ok_or_else(|| format!("cluster: name=value, not '{word}'"))?;
        let number = || {
            let n = value.parse::<u64>();
            n.map_err(|_| format!("{name}: a number, not '{value}'"))
        };
        match name {
            "seed" => options.seed = number()?,
            "replicas" if number()? <= 7 => options.replicas = number()? as usize,
            "replicas" => return Err(format!("replicas: at most 7, not '{value}'")),
            "backlog" => {
                let size = action::size(value).map_err(|e| e.0)?;
                if !(1..=1 << 30).contains(&size) {
                    return Err(format!("backlog: 1 byte to 1gb, not '{value}'"));
                }
                options.backlog_size = size;
            }
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

/// `key NAME VALUE`, quoted as a command would be.
///
/// # Errors
/// Not two words, or not text.
pub fn parse_key(line: &str) -> Result<(String, String), String> {
    let args = resp::split_args(line.as_bytes()).unwrap_or_default();
    let text = |bytes: &[u8]| {
        String::from_utf8(bytes.to_vec()).map_err(|_| "key: text was expected".to_string())
    };
    match args.as_slice() {
        [_, name, value] => Ok((text(name)?, text(value)?)),
        _ => Err("expected: key NAME VALUE".into()),
    }
}
