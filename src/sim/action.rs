//! What a person, a script or a test can do to the world. Every action has one line of text (`cut m r1`), which is the
//! console's `:` command, a verb of the script language and the label in the log, all the same.

use crate::wire::{Bytes, resp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The only way into the world from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Action {
    /// A client command, on the console's own connection to the node.
    Exec {
        node: String,
        args: Vec<Bytes>,
    },
    /// The path between two nodes breaks: both sides of each connection learn it, and new ones are refused.
    Cut {
        a: String,
        b: String,
    },
    Restore {
        a: String,
        b: String,
    },
    /// The process of a node dies; its disk stays.
    Kill {
        node: String,
    },
    /// Starts a dead node, from the snapshot on its disk, or with the disk wiped.
    Start {
        node: String,
        empty: bool,
    },
    /// A new node, started as a replica of `of` (no name: the next free `rN`).
    Add {
        name: Option<String>,
        of: String,
    },
    /// One-way delay of the path between two nodes.
    Latency {
        a: String,
        b: String,
        us: u64,
    },
    /// Bytes a second on the path between two nodes; 0 is unlimited.
    Bandwidth {
        a: String,
        b: String,
        bytes_per_s: u64,
    },
    /// How much longer a node's child, disk and loader take; 1 is the usual speed.
    Slow {
        node: String,
        factor: u32,
    },
    /// Write load on the node `node` and reads on the nodes `reads`; 0 a second ends it.
    Load {
        node: String,
        per_s: u32,
        reads: Vec<String>,
    },
}

/// A line that is no action: what is wrong and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadAction(pub String);

impl fmt::Display for BadAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Verb, arguments, meaning: the help of the console and the messages of the parser.
pub const VERBS: &[(&str, &str, &str)] = &[
    ("cut", "NODE NODE", "break the path between two nodes"),
    ("restore", "NODE NODE", "mend it"),
    ("kill", "NODE", "end the node's process; the disk stays"),
    (
        "start",
        "NODE [empty]",
        "start it again, from its disk or empty",
    ),
    ("add", "[NAME] of NODE", "a new replica"),
    (
        "latency",
        "NODE NODE TIME",
        "one-way delay, such as 50ms or 2s",
    ),
    (
        "bandwidth",
        "NODE NODE BYTES",
        "bytes a second, such as 64k; 0 is unlimited",
    ),
    (
        "slow",
        "NODE FACTOR",
        "its child, disk and loader take FACTOR times as long",
    ),
    (
        "load",
        "NODE N/s [reads NODE…]",
        "N writes a second, and as many reads on the nodes named; 0/s ends it",
    ),
];

impl Action {
    /// A client command from words.
    pub fn exec<A: AsRef<[u8]>>(node: &str, args: &[A]) -> Self {
        Self::Exec {
            node: node.into(),
            args: args.iter().map(|a| Bytes::from(a.as_ref())).collect(),
        }
    }

    /// Reads a line such as `cut m r1`, without the console's colon.
    ///
    /// # Errors
    /// An unknown verb or arguments that do not fit; the message says what is expected.
    pub fn parse(line: &str) -> Result<Self, BadAction> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let name = |s: &str| s.to_string();
        let Some((&verb, args)) = words.split_first() else {
            return Err(BadAction("a verb is missing; :help lists them".into()));
        };
        let action = match (verb, args) {
            ("cut", [a, b]) => Self::Cut {
                a: name(a),
                b: name(b),
            },
            ("restore", [a, b]) => Self::Restore {
                a: name(a),
                b: name(b),
            },
            ("kill", [node]) => Self::Kill { node: name(node) },
            ("start", [node]) => Self::Start {
                node: name(node),
                empty: false,
            },
            ("start", [node, "empty"]) => Self::Start {
                node: name(node),
                empty: true,
            },
            ("add", ["of", of]) => Self::Add {
                name: None,
                of: name(of),
            },
            ("add", [new, "of", of]) => Self::Add {
                name: Some(name(new)),
                of: name(of),
            },
            ("latency", [a, b, time]) => Self::Latency {
                a: name(a),
                b: name(b),
                us: duration_us(time)?,
            },
            ("bandwidth", [a, b, bytes]) => Self::Bandwidth {
                a: name(a),
                b: name(b),
                bytes_per_s: size(bytes)?,
            },
            ("slow", [node, factor]) => match factor.parse() {
                Ok(factor @ 1..=10_000) => Self::Slow {
                    node: name(node),
                    factor,
                },
                _ => {
                    return Err(BadAction(format!(
                        "slow: the factor is a number from 1 to 10000, not '{factor}'"
                    )));
                }
            },
            ("load", [node, rate, rest @ ..]) => {
                let per_s = rate
                    .strip_suffix("/s")
                    .unwrap_or(rate)
                    .parse()
                    .ok()
                    .filter(|&n| n <= 10_000);
                let Some(per_s) = per_s else {
                    return Err(BadAction(format!(
                        "load: the rate is a number from 0 to 10000 a second, such as 50/s, not '{rate}'"
                    )));
                };
                let reads = match rest {
                    [] => Vec::new(),
                    ["reads", nodes @ ..] if !nodes.is_empty() => {
                        nodes.iter().map(|n| name(n)).collect()
                    }
                    _ => return Err(usage("load")),
                };
                Self::Load {
                    node: name(node),
                    per_s,
                    reads,
                }
            }
            _ => return Err(usage(verb)),
        };
        Ok(action)
    }
}

fn usage(verb: &str) -> BadAction {
    match VERBS.iter().find(|(name, ..)| *name == verb) {
        Some((name, args, _)) => BadAction(format!("expected: {name} {args}")),
        None => BadAction(format!("no such verb: '{verb}'; :help lists them")),
    }
}

/// A time with its unit: `250us`, `50ms`, `2s`.
pub fn duration_us(text: &str) -> Result<u64, BadAction> {
    let bad = || {
        BadAction(format!(
            "a time needs a number and a unit, such as 50ms or 2s, not '{text}'"
        ))
    };
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        _ => return Err(bad()),
    };
    digits
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(unit))
        .filter(|&us| us <= 86_400_000_000)
        .ok_or_else(bad)
}

/// A number of bytes: `512`, `64k`, `1m`, with Redis's units (`k` 1000, `kb` 1024).
pub fn size(text: &str) -> Result<u64, BadAction> {
    crate::node::config::memory(text.as_bytes()).ok_or_else(|| {
        BadAction(format!(
            "a number of bytes such as 512, 64kb or 1mb was expected, not '{text}'"
        ))
    })
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exec { node, args } => write!(f, "{node}> {}", words(args)),
            Self::Cut { a, b } => write!(f, "cut {a} {b}"),
            Self::Restore { a, b } => write!(f, "restore {a} {b}"),
            Self::Kill { node } => write!(f, "kill {node}"),
            Self::Start { node, empty } => {
                write!(f, "start {node}{}", if *empty { " empty" } else { "" })
            }
            Self::Add {
                name: Some(name),
                of,
            } => write!(f, "add {name} of {of}"),
            Self::Add { name: None, of } => write!(f, "add of {of}"),
            Self::Latency { a, b, us } => {
                if us % 1000 == 0 {
                    write!(f, "latency {a} {b} {}ms", us / 1000)
                } else {
                    write!(f, "latency {a} {b} {us}us")
                }
            }
            Self::Bandwidth { a, b, bytes_per_s } => write!(f, "bandwidth {a} {b} {bytes_per_s}"),
            Self::Slow { node, factor } => write!(f, "slow {node} {factor}"),
            Self::Load { node, per_s, reads } => {
                write!(f, "load {node} {per_s}/s")?;
                if !reads.is_empty() {
                    write!(f, " reads {}", reads.join(" "))
                } else {
                    Ok(())
                }
            }
        }
    }
}

/// Arguments as a line that reads back to the same arguments: quoted only where they must be.
pub fn words(args: &[Bytes]) -> String {
    let word = |arg: &Bytes| {
        let plain = !arg.is_empty()
            && arg
                .iter()
                .all(|&b| b.is_ascii_graphic() && b != b'"' && b != b'\'' && b != b'\\');
        if plain {
            String::from_utf8_lossy(arg).into_owned()
        } else {
            resp::quote(arg)
        }
    };
    args.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_reads_back_from_its_line() {
        for line in [
            "cut m r1",
            "restore m r1",
            "kill m",
            "start m",
            "start m empty",
            "add of m",
            "add r7 of m",
            "latency m r1 50ms",
            "bandwidth m r1 1024",
            "slow r1 20",
            "load m 50/s reads r1 r2",
            "load m 0/s",
        ] {
            let action = Action::parse(line).unwrap_or_else(|e| panic!("{line}: {e}"));
            assert_eq!(action.to_string(), line);
        }
    }

    #[test]
    fn a_bad_line_says_what_was_expected() {
        assert_eq!(
            Action::parse("cut m").expect_err("it is wrong").0,
            "expected: cut NODE NODE"
        );
        assert_eq!(
            Action::parse("fly m").expect_err("it is wrong").0,
            "no such verb: 'fly'; :help lists them"
        );
        assert_eq!(
            Action::parse("latency m r1 5").expect_err("it is wrong").0,
            "a time needs a number and a unit, such as 50ms or 2s, not '5'"
        );
    }
}
