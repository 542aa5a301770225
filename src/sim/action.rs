//! What a person, a script or a test can do to the world. Every action has one line of text (`cut m r1`), which is the
//! console's `:` command, a verb of the script language and the label in the log, all the same. Its reading, its
//! writing, its completion and its help are here and nowhere else.

use crate::wire::Bytes;
use crate::wire::resp::{self, Limits};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Write};

/// The only way into the world from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Action {
    /// A client command, on the console's own connection to the node.
    Exec {
        node: String,
        args: Vec<Bytes>,
    },
    /// Client commands in one go, on the same connection: a pipeline, as the bytes of RESP.
    Pipeline {
        node: String,
        commands: Bytes,
    },
    /// The console gives up what it waits for (Ctrl+C): its connection to the node ends, the next command makes a new one.
    Interrupt {
        node: String,
    },
    /// The path between two nodes breaks, and new connections are refused.
    Cut {
        a: String,
        b: String,
        told: Told,
        when: When,
    },
    /// A path is whole again, and flows: the end of `cut` and `stall`.
    Restore {
        way: Way,
    },
    /// One-way delay: the least and the most, drawn for each packet.
    Latency {
        way: Way,
        us: (u64, u64),
    },
    /// Bytes a second; 0 is unlimited.
    Bandwidth {
        way: Way,
        bytes_per_s: u64,
    },
    /// Nothing passes, for so long or until `restore`; nobody is told.
    Stall {
        way: Way,
        us: Option<u64>,
    },
    /// Bytes arrive at most so many at a time; 0 is as they were written.
    Segment {
        way: Way,
        bytes: u64,
    },
    /// New connections are refused (`None`) or take so much longer.
    Connect {
        way: Way,
        us: Option<u64>,
    },
    /// Nothing passes between the two sides, or not from the first to the second; nobody is told.
    Partition {
        left: Vec<String>,
        right: Vec<String>,
        one_way: bool,
    },
    /// Every path is whole again, flows and takes connections.
    Heal,
    /// For so long random paths stall one by one, and flow again in another order.
    Swizzle {
        us: u64,
    },
    /// What is next on its way from a node to another one arrives now; or, without a second node, what is next of its
    /// own child, disk, loader or dialling is done now. All others are slower, which a network and a machine may be.
    Hurry {
        node: String,
        to: Option<String>,
    },
    /// The process of a node dies; its disk stays.
    Kill {
        node: String,
    },
    /// Starts a dead node.
    Start {
        node: String,
        from: Disk,
    },
    /// A node's process stands still (SIGSTOP), for so long or until `resume`; its connections stay.
    Pause {
        node: String,
        us: Option<u64>,
    },
    Resume {
        node: String,
    },
    /// A new node, started as a replica of `of` (no name: the next free `rN`).
    Add {
        name: Option<String>,
        of: String,
    },
    /// How much longer a node's child, disk and loader take, or one of them; 1 is the usual speed.
    Slow {
        node: String,
        part: Part,
        factor: u32,
    },
    /// How fast a node reads what has arrived: bytes a second, `Some(0)` not at all (a zero window), `None` at once.
    Reads {
        node: String,
        bytes_per_s: Option<u64>,
    },
    /// The system refuses the next forks, or not.
    Fork {
        node: String,
        refused: bool,
    },
    /// The node knows no `PSYNC`, as one that was started with `rename-command PSYNC ""`: replicas fall back to `SYNC`.
    Psync {
        node: String,
        gone: bool,
    },
    /// The child of a node, or its next one, is killed when it has written so many bytes.
    Child {
        node: String,
        after: u64,
    },
    /// A file takes only so many bytes more before the disk is full; `None` as many as there are.
    Disk {
        node: String,
        room: Option<u64>,
    },
    /// Writes on a node and reads on others; 0 a second ends it.
    Load(Load),
    /// What happened on connection `conn` to a server outside of this world. Nobody types this: a bridge does it.
    Outside {
        node: String,
        conn: u64,
        came: Came,
    },
}

/// What comes from outside on a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Came {
    /// The server has taken it.
    Opened,
    Refused,
    Bytes(Bytes),
    Closed,
}

/// A path, or one direction of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    pub a: String,
    pub b: String,
    /// Only from `a` to `b`.
    pub one_way: bool,
}

/// Which side of a broken connection learns of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    Both,
    /// The other one keeps half a connection.
    One(String),
    None,
}

/// When a path breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    Now,
    /// So many bytes from the first node have arrived at the second from now on.
    After(u64),
    /// The byte with this number in the replication stream has arrived at the second.
    Offset(u64),
}

/// What is on the disk of a node that starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disk {
    Last,
    /// The snapshot before the last one.
    Old,
    Empty,
}

/// What of a machine is slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    All,
    Child,
    Disk,
    Loader,
}

/// A load generator: `load m 50/s keys 20 size 6 mix set,incr reads r1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    pub node: String,
    pub per_s: u32,
    /// How many different keys each kind of command uses, and the bytes of a value.
    pub keys: u32,
    pub size: u32,
    /// Kinds of commands, each as likely.
    pub mix: Vec<Kind>,
    /// Nodes that are asked for every key that is written.
    pub reads: Vec<String>,
}

/// A kind of command of the load generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Set,
    Incr,
    Push,
    Add,
    Del,
    /// A key that lives for half a second to three seconds.
    Expire,
    /// Two commands in a transaction.
    Multi,
    /// In another database.
    Select,
}

const KINDS: [(Kind, &str); 8] = [
    (Kind::Set, "set"),
    (Kind::Incr, "incr"),
    (Kind::Push, "push"),
    (Kind::Add, "add"),
    (Kind::Del, "del"),
    (Kind::Expire, "expire"),
    (Kind::Multi, "multi"),
    (Kind::Select, "select"),
];

/// A line that is no action: what is wrong and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadAction(pub String);

impl fmt::Display for BadAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Verb, arguments, meaning: the help of the console and the messages of the parser. Words in capitals stand for what
/// one has to put there, `[…]` may be left out, `->` means only in that direction.
#[rustfmt::skip]
pub const VERBS: &[(&str, &str, &str)] = &[
    ("cut", "NODE NODE [told NODE|none] [after BYTES|at OFFSET]", "break the path between two nodes, now or at a byte; both learn it, or one, or none"),
    ("restore", "NODE [->] NODE", "mend it: the end of cut and of stall"),
    ("latency", "NODE [->] NODE TIME[..TIME]", "one-way delay, such as 50ms or 20ms..2s"),
    ("bandwidth", "NODE [->] NODE BYTES", "bytes a second, such as 64k; 0 is unlimited"),
    ("stall", "NODE [->] NODE [TIME]", "nothing passes and nobody is told, for a time or until restore"),
    ("segment", "NODE [->] NODE BYTES", "so many bytes at a time at most; 0 is as they were written"),
    ("connect", "NODE [->] NODE refused|TIME", "new connections are refused, or take so much longer"),
    ("partition", "NODE… |or-> NODE…", "nothing passes between two sides ('m | r1 r2'), or from one to the other ('m -> r1 r2')"),
    ("heal", "", "mend every path, and let it flow"),
    ("swizzle", "TIME", "random paths stall one by one and flow again in another order"),
    ("hurry", "NODE [-> NODE]", "what is next on its way there, or next in its own child, disk or loader, happens now"),
    ("interrupt", "NODE", "end the console's connection to it, as Ctrl+C does, and with it what waits there"),
    ("kill", "NODE", "end the node's process; the disk stays"),
    ("start", "NODE [old|empty]", "start it again, from its snapshot, the one before, or none"),
    ("pause", "NODE [TIME]", "its process stands still, for a time or until resume; its connections stay"),
    ("resume", "NODE", "it runs on"),
    ("add", "[NAME] of NODE", "a new replica"),
    ("slow", "NODE FACTOR [child|disk|loader]", "its child, disk and loader, or one of them, take FACTOR times as long"),
    ("reads", "NODE BYTES|none|all", "how much it reads a second of what arrives; none is a zero window"),
    ("fork", "NODE refused|ok", "the system refuses to fork"),
    ("psync", "NODE gone|ok", "it knows no PSYNC (rename-command PSYNC \"\"): who asks it next falls back to SYNC"),
    ("child", "NODE dies after BYTES", "its child, or the next one, is killed when it has written so much"),
    ("disk", "NODE full [after BYTES]|ok", "files take only so many bytes"),
    ("load", "NODE N/s [keys N] [size BYTES] [mix KIND,…] [reads NODE…]", "N writes a second, and as many reads on the nodes named; 0/s ends it"),
    ("outside", "NODE CONNECTION opened|refused|closed|bytes BASE64", "what came from a real server; the bridge does it"),
];

impl Action {
    /// A client command from words.
    pub fn exec<A: AsRef<[u8]>>(node: &str, args: &[A]) -> Self {
        Self::Exec {
            node: node.into(),
            args: args.iter().map(|a| Bytes::from(a.as_ref())).collect(),
        }
    }

    /// Client commands in one go, each as [`resp::command_into`] writes it.
    pub fn pipeline(node: &str, commands: &[u8]) -> Self {
        Self::Pipeline {
            node: node.into(),
            commands: commands.into(),
        }
    }

    /// Reads a line such as `cut m r1`, `m> SET k v` or `m>> "SET k v" "GET k"`, without the console's colon.
    ///
    /// # Errors
    /// An unknown verb or arguments that do not fit; the message says which word, and what is expected.
    pub fn parse(line: &str) -> Result<Self, BadAction> {
        let line = line.trim();
        if let Some((node, command)) = line.split_once('>')
            && !node.is_empty()
            && node.bytes().all(|b| b.is_ascii_alphanumeric())
        {
            let words = |text: &[u8]| {
                let words = resp::split_args(text)
                    .ok_or_else(|| BadAction(format!("{node}>: quotes do not balance")))?;
                match words[..] {
                    [] => Err(BadAction(format!("{node}>: a command is missing"))),
                    _ => Ok(words),
                }
            };
            let Some(commands) = command.strip_prefix('>') else {
                let args = words(command.as_bytes())?;
                let node = node.into();
                return Ok(Self::Exec { node, args });
            };
            let mut bytes = Vec::new();
            for command in words(commands.as_bytes())? {
                resp::command_into(&mut bytes, &words(&command)?);
            }
            return Ok(Self::pipeline(node, &bytes));
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some((&verb, rest)) = words.split_first() else {
            return Err(BadAction("a verb is missing; :help lists them".into()));
        };
        if !VERBS.iter().any(|(name, ..)| *name == verb) {
            return Err(BadAction(format!(
                "no such verb: '{verb}'; :help lists them"
            )));
        }
        let mut words = Words { verb, rest };
        let action = words.action()?;
        words.end()?;
        Ok(action)
    }
}

/// The words of a line that are not read yet.
struct Words<'a> {
    verb: &'a str,
    rest: &'a [&'a str],
}

impl<'a> Words<'a> {
    fn action(&mut self) -> Result<Action, BadAction> {
        Ok(match self.verb {
            "cut" => Action::Cut {
                a: self.node()?,
                b: self.node()?,
                told: match self.option("told") {
                    false => Told::Both,
                    true => match self.word("a node or 'none'")? {
                        "none" => Told::None,
                        node => Told::One(node.into()),
                    },
                },
                when: if self.option("after") {
                    When::After(self.bytes(1)?)
                } else if self.option("at") {
                    When::Offset(self.number("an offset", 1, u64::MAX)?)
                } else {
                    When::Now
                },
            },
            "restore" => Action::Restore { way: self.way()? },
            "latency" => Action::Latency {
                way: self.way()?,
                us: self.range()?,
            },
            "bandwidth" => Action::Bandwidth {
                way: self.way()?,
                bytes_per_s: self.bytes(0)?,
            },
            "stall" => Action::Stall {
                way: self.way()?,
                us: self.time_if_any()?,
            },
            "segment" => Action::Segment {
                way: self.way()?,
                bytes: self.bytes(0)?,
            },
            "connect" => Action::Connect {
                way: self.way()?,
                us: if self.option("refused") {
                    None
                } else {
                    Some(duration_us(self.word("'refused' or a time")?)?)
                },
            },
            "partition" => self.partition()?,
            "heal" => Action::Heal,
            "swizzle" => Action::Swizzle {
                us: duration_us(self.word("a time")?)?,
            },
            "hurry" => Action::Hurry {
                node: self.node()?,
                to: match self.option("->") {
                    true => Some(self.node()?),
                    false => None,
                },
            },
            "interrupt" => Action::Interrupt { node: self.node()? },
            "kill" => Action::Kill { node: self.node()? },
            "start" => Action::Start {
                node: self.node()?,
                from: match self.choice(&["old", "empty"])? {
                    Some("old") => Disk::Old,
                    Some(_) => Disk::Empty,
                    None => Disk::Last,
                },
            },
            "pause" => Action::Pause {
                node: self.node()?,
                us: self.time_if_any()?,
            },
            "resume" => Action::Resume { node: self.node()? },
            "add" => {
                let name = if self.option("of") {
                    None
                } else {
                    let name = self.word("a name or 'of'")?.to_string();
                    self.keyword("of")?;
                    Some(name)
                };
                let of = self.node()?;
                Action::Add { name, of }
            }
            "slow" => Action::Slow {
                node: self.node()?,
                factor: self.number("a factor", 1, 10_000)? as u32,
                part: match self.choice(&["child", "disk", "loader"])? {
                    None => Part::All,
                    Some("child") => Part::Child,
                    Some("disk") => Part::Disk,
                    Some(_) => Part::Loader,
                },
            },
            "reads" => Action::Reads {
                node: self.node()?,
                bytes_per_s: if self.option("all") {
                    None
                } else if self.option("none") {
                    Some(0)
                } else {
                    Some(self.bytes(1)?)
                },
            },
            "fork" => Action::Fork {
                node: self.node()?,
                refused: self.must_choose(&["refused", "ok"])? == "refused",
            },
            "psync" => Action::Psync {
                node: self.node()?,
                gone: self.must_choose(&["gone", "ok"])? == "gone",
            },
            "child" => {
                let node = self.node()?;
                self.keyword("dies")?;
                self.keyword("after")?;
                let after = self.bytes(0)?;
                Action::Child { node, after }
            }
            "disk" => {
                let node = self.node()?;
                let full = self.must_choose(&["full", "ok"])? == "full";
                let room = match (full, full && self.option("after")) {
                    (false, _) => None,
                    (true, false) => Some(0),
                    (true, true) => Some(self.bytes(0)?),
                };
                Action::Disk { node, room }
            }
            "load" => Action::Load(self.load()?),
            _ => self.outside()?,
        })
    }

    fn partition(&mut self) -> Result<Action, BadAction> {
        let at = self.rest.iter().position(|w| matches!(*w, "|" | "->"));
        let Some(at) = at.filter(|&at| at > 0 && at + 1 < self.rest.len()) else {
            return Err(
                self.wrong("nodes, then | or ->, then nodes are expected, such as 'm | r1 r2'")
            );
        };
        let (sign, all) = (self.rest[at], self.rest);
        let mut names = |words| {
            self.rest = words;
            let mut names = Vec::new();
            while !self.rest.is_empty() {
                names.push(self.node()?);
            }
            Ok(names)
        };
        let (left, right) = (names(&all[..at])?, names(&all[at + 1..])?);
        if let Some(twice) = left.iter().find(|name| right.contains(name)) {
            return Err(BadAction(format!(
                "partition: '{twice}' cannot be on both sides"
            )));
        }
        Ok(Action::Partition {
            left,
            right,
            one_way: sign == "->",
        })
    }

    fn outside(&mut self) -> Result<Action, BadAction> {
        let node = self.node()?;
        let conn = self.number("a connection", 1, u64::MAX)?;
        let came = match self.must_choose(&["opened", "refused", "closed", "bytes"])? {
            "opened" => Came::Opened,
            "refused" => Came::Refused,
            "closed" => Came::Closed,
            _ => {
                let bytes = STANDARD.decode(self.word("bytes in base64")?);
                Came::Bytes(bytes.map_err(|_| self.wrong("that is not base64"))?.into())
            }
        };
        Ok(Action::Outside { node, conn, came })
    }

    fn load(&mut self) -> Result<Load, BadAction> {
        let node = self.node()?;
        let rate = self.word("a rate such as 50/s")?;
        let number = rate.strip_suffix("/s").unwrap_or(rate).parse().ok();
        let per_s = number.filter(|&n| n <= 10_000).ok_or_else(|| {
            BadAction(format!(
                "load: the rate is a number from 0 to 10000 a second, such as 50/s, not '{rate}'"
            ))
        })?;
        let mut load = Load {
            node,
            per_s,
            ..Load::default()
        };
        if self.option("keys") {
            load.keys = self.number("a number of keys", 1, 1_000_000)? as u32;
        }
        if self.option("size") {
            load.size = self.bytes(1)?.min(1 << 20) as u32;
        }
        if self.option("mix") {
            let kinds = self.word("kinds such as set,incr")?;
            let kind = |name: &str| {
                let known = KINDS.iter().find(|(_, n)| *n == name);
                known.map(|(kind, _)| *kind).ok_or_else(|| {
                    let all: Vec<_> = KINDS.iter().map(|(_, n)| *n).collect();
                    let all = all.join(", ");
                    BadAction(format!("load: '{name}' is none of {all}"))
                })
            };
            load.mix = kinds.split(',').map(kind).collect::<Result<_, _>>()?;
        }
        if self.option("reads") {
            load.reads.push(self.node()?);
            while !self.rest.is_empty() {
                load.reads.push(self.node()?);
            }
        }
        Ok(load)
    }

    fn wrong(&self, what: &str) -> BadAction {
        let usage = VERBS.iter().find(|(name, ..)| *name == self.verb);
        let usage = usage.map_or("", |(_, args, _)| args);
        BadAction(format!(
            "{}: {what}; expected: {} {usage}",
            self.verb, self.verb
        ))
    }

    fn end(&self) -> Result<(), BadAction> {
        match self.rest.first() {
            Some(more) => Err(self.wrong(&format!("'{more}' does not belong there"))),
            None => Ok(()),
        }
    }

    fn word(&mut self, what: &str) -> Result<&'a str, BadAction> {
        let Some((&word, rest)) = self.rest.split_first() else {
            return Err(self.wrong(&format!("{what} is missing")));
        };
        self.rest = rest;
        Ok(word)
    }

    fn node(&mut self) -> Result<String, BadAction> {
        match self.word("a node")? {
            sign @ ("->" | "|") => Err(self.wrong(&format!("a node is expected, not '{sign}'"))),
            node => Ok(node.into()),
        }
    }

    fn way(&mut self) -> Result<Way, BadAction> {
        let a = self.node()?;
        let one_way = self.option("->");
        let b = self.node()?;
        Ok(Way { a, b, one_way })
    }

    /// Takes the word when it is the next one.
    fn option(&mut self, word: &str) -> bool {
        let is = self.rest.first() == Some(&word);
        if is {
            self.rest = &self.rest[1..];
        }
        is
    }

    fn keyword(&mut self, word: &str) -> Result<(), BadAction> {
        match self.rest.first() {
            Some(other) if *other != word => {
                Err(self.wrong(&format!("'{word}' is expected, not '{other}'")))
            }
            _ => self.word(&format!("'{word}'")).map(|_| ()),
        }
    }

    fn choice(&mut self, words: &[&'static str]) -> Result<Option<&'static str>, BadAction> {
        match self.rest.first() {
            None => Ok(None),
            Some(_) => self.must_choose(words).map(Some),
        }
    }

    fn must_choose(&mut self, words: &[&'static str]) -> Result<&'static str, BadAction> {
        let all = words.join("' or '");
        let word = self.word(&format!("'{all}'"))?;
        let found = words.iter().find(|w| **w == word);
        found
            .copied()
            .ok_or_else(|| self.wrong(&format!("'{all}' is expected, not '{word}'")))
    }

    fn number(&mut self, what: &str, least: u64, most: u64) -> Result<u64, BadAction> {
        let word = self.word(what)?;
        let number = word.parse().ok();
        number
            .filter(|n| (least..=most).contains(n))
            .ok_or_else(|| {
                let range = if most == u64::MAX {
                    format!("from {least} on")
                } else {
                    format!("from {least} to {most}")
                };
                BadAction(format!(
                    "{}: {what} is a number {range}, not '{word}'",
                    self.verb
                ))
            })
    }

    fn bytes(&mut self, least: u64) -> Result<u64, BadAction> {
        let bytes = size(self.word("a number of bytes")?)?;
        if bytes < least {
            return Err(self.wrong(&format!("the number of bytes is at least {least}")));
        }
        Ok(bytes)
    }

    fn time_if_any(&mut self) -> Result<Option<u64>, BadAction> {
        match self.rest.is_empty() {
            true => Ok(None),
            false => duration_us(self.word("a time")?).map(Some),
        }
    }

    fn range(&mut self) -> Result<(u64, u64), BadAction> {
        let word = self.word("a time")?;
        let Some((least, most)) = word.split_once("..") else {
            return duration_us(word).map(|us| (us, us));
        };
        let (least, most) = (duration_us(least)?, duration_us(most)?);
        if least > most {
            return Err(self.wrong(&format!(
                "'{word}' goes from the longer time to the shorter"
            )));
        }
        Ok((least, most))
    }
}

impl Default for Load {
    fn default() -> Self {
        Self {
            node: String::new(),
            per_s: 0,
            keys: 20,
            size: 6,
            mix: vec![Kind::Set],
            reads: Vec::new(),
        }
    }
}

impl Way {
    /// Both directions.
    pub fn path(a: &str, b: &str) -> Self {
        Self {
            a: a.into(),
            b: b.into(),
            one_way: false,
        }
    }
}

/// The line with its last word completed, in all ways, the most likely first: by one of the verbs (each with its usage,
/// as in [`VERBS`]), a node, or a word of the verb's own.
pub fn complete<'a>(
    line: &str,
    nodes: &[&'a str],
    mut verbs: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<String> {
    let start = line.rfind(char::is_whitespace).map_or(0, |i| i + 1);
    let (head, word) = line.split_at(start);
    let fits = |w: &&str| !word.is_empty() && w.starts_with(word) && *w != word;
    let found = match head.split_whitespace().next() {
        None => verbs.map(|(verb, _)| verb).filter(fits).collect(),
        Some(verb) => {
            let usage = verbs.find(|(name, _)| *name == verb);
            let usage = usage.map_or("", |(_, usage)| usage);
            let nodes = nodes.iter().copied().filter(|_| usage.contains("NODE"));
            let own = usage.split(|c: char| !c.is_ascii_lowercase());
            let kinds = KINDS.iter().map(|(_, name)| *name);
            let kinds = kinds.filter(|_| head.trim_end().ends_with(" mix"));
            let all = nodes.chain(own).chain(kinds);
            let mut found: Vec<&str> = Vec::new();
            for word in all.filter(|w| w.len() > 1).filter(fits) {
                if !found.contains(&word) {
                    found.push(word);
                }
            }
            found
        }
    };
    let whole = |found: &str| format!("{head}{found}");
    found.into_iter().map(whole).collect()
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

/// A time as [`duration_us`] reads it.
struct Time(u64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1_000_000) && self.0 > 0 {
            write!(f, "{}s", self.0 / 1_000_000)
        } else if self.0.is_multiple_of(1_000) {
            write!(f, "{}ms", self.0 / 1_000)
        } else {
            write!(f, "{}us", self.0)
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrow = if self.one_way { "-> " } else { "" };
        write!(f, "{} {arrow}{}", self.a, self.b)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |f: &mut fmt::Formatter<'_>, us: &Option<u64>| match us {
            Some(us) => write!(f, " {}", Time(*us)),
            None => Ok(()),
        };
        match self {
            Self::Exec { node, args } => {
                write!(f, "{node}>")?;
                args.iter().try_for_each(|arg| {
                    f.write_char(' ')?;
                    word(f, arg)
                })
            }
            Self::Pipeline { node, commands } => {
                write!(f, "{node}>>")?;
                requests(commands)
                    .try_for_each(|args| write!(f, " {}", resp::quote(words(&args).as_bytes())))
            }
            Self::Cut { a, b, told, when } => {
                write!(f, "cut {a} {b}")?;
                match told {
                    Told::Both => {}
                    Told::One(node) => write!(f, " told {node}")?,
                    Told::None => write!(f, " told none")?,
                }
                match when {
                    When::Now => Ok(()),
                    When::After(bytes) => write!(f, " after {bytes}"),
                    When::Offset(offset) => write!(f, " at {offset}"),
                }
            }
            Self::Restore { way } => write!(f, "restore {way}"),
            Self::Latency { way, us: (a, b) } if a == b => write!(f, "latency {way} {}", Time(*a)),
            Self::Latency { way, us: (a, b) } => {
                write!(f, "latency {way} {}..{}", Time(*a), Time(*b))
            }
            Self::Bandwidth { way, bytes_per_s } => write!(f, "bandwidth {way} {bytes_per_s}"),
            Self::Stall { way, us } => {
                write!(f, "stall {way}")?;
                time(f, us)
            }
            Self::Segment { way, bytes } => write!(f, "segment {way} {bytes}"),
            Self::Connect { way, us: None } => write!(f, "connect {way} refused"),
            Self::Connect { way, us: Some(us) } => write!(f, "connect {way} {}", Time(*us)),
            Self::Partition {
                left,
                right,
                one_way,
            } => {
                let sign = if *one_way { "->" } else { "|" };
                write!(f, "partition {} {sign} {}", left.join(" "), right.join(" "))
            }
            Self::Heal => f.write_str("heal"),
            Self::Swizzle { us } => write!(f, "swizzle {}", Time(*us)),
            Self::Hurry { node, to: None } => write!(f, "hurry {node}"),
            Self::Hurry { node, to: Some(to) } => write!(f, "hurry {node} -> {to}"),
            Self::Interrupt { node } => write!(f, "interrupt {node}"),
            Self::Kill { node } => write!(f, "kill {node}"),
            Self::Start { node, from } => {
                let from = match from {
                    Disk::Last => "",
                    Disk::Old => " old",
                    Disk::Empty => " empty",
                };
                write!(f, "start {node}{from}")
            }
            Self::Pause { node, us } => {
                write!(f, "pause {node}")?;
                time(f, us)
            }
            Self::Resume { node } => write!(f, "resume {node}"),
            Self::Add { name, of } => match name {
                Some(name) => write!(f, "add {name} of {of}"),
                None => write!(f, "add of {of}"),
            },
            Self::Slow { node, part, factor } => {
                let part = match part {
                    Part::All => "",
                    Part::Child => " child",
                    Part::Disk => " disk",
                    Part::Loader => " loader",
                };
                write!(f, "slow {node} {factor}{part}")
            }
            Self::Reads { node, bytes_per_s } => match bytes_per_s {
                None => write!(f, "reads {node} all"),
                Some(0) => write!(f, "reads {node} none"),
                Some(bytes) => write!(f, "reads {node} {bytes}"),
            },
            Self::Fork { node, refused } => {
                write!(f, "fork {node} {}", if *refused { "refused" } else { "ok" })
            }
            Self::Psync { node, gone } => {
                write!(f, "psync {node} {}", if *gone { "gone" } else { "ok" })
            }
            Self::Child { node, after } => write!(f, "child {node} dies after {after}"),
            Self::Disk { node, room } => match room {
                None => write!(f, "disk {node} ok"),
                Some(0) => write!(f, "disk {node} full"),
                Some(bytes) => write!(f, "disk {node} full after {bytes}"),
            },
            Self::Load(load) => write!(f, "{load}"),
            Self::Outside { node, conn, came } => {
                write!(f, "outside {node} {conn} ")?;
                match came {
                    Came::Opened => f.write_str("opened"),
                    Came::Refused => f.write_str("refused"),
                    Came::Closed => f.write_str("closed"),
                    Came::Bytes(bytes) => write!(f, "bytes {}", STANDARD.encode(bytes)),
                }
            }
        }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usual = Self::default();
        write!(f, "load {} {}/s", self.node, self.per_s)?;
        if self.keys != usual.keys {
            write!(f, " keys {}", self.keys)?;
        }
        if self.size != usual.size {
            write!(f, " size {}", self.size)?;
        }
        if self.mix != usual.mix {
            let name = |kind: &Kind| KINDS.iter().find(|(k, _)| k == kind).map_or("", |(_, n)| n);
            let names: Vec<_> = self.mix.iter().map(name).collect();
            write!(f, " mix {}", names.join(","))?;
        }
        if !self.reads.is_empty() {
            write!(f, " reads {}", self.reads.join(" "))?;
        }
        Ok(())
    }
}

/// The commands of a pipeline. An empty request, which a server passes over, is none.
pub fn requests(mut bytes: &[u8]) -> impl Iterator<Item = Vec<Bytes>> {
    std::iter::from_fn(move || {
        let request = resp::request(bytes, Limits::CLIENT).ok().flatten()?;
        bytes = &bytes[request.len..];
        Some(request.args)
    })
    .filter(|args| !args.is_empty())
}

/// Arguments as a line that reads back to the same arguments: quoted only where they must be.
pub fn words(args: &[Bytes]) -> String {
    let mut line = String::new();
    for (i, arg) in args.iter().enumerate() {
        if i > 0 {
            line.push(' ');
        }
        let _ = word(&mut line, arg); // a string takes everything
    }
    line
}

fn word(to: &mut impl Write, arg: &[u8]) -> fmt::Result {
    let plain = |&b: &u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'' | b'\\');
    match std::str::from_utf8(arg) {
        Ok(text) if !text.is_empty() && arg.iter().all(plain) => to.write_str(text),
        _ => to.write_str(&resp::quote(arg)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_reads_back_from_its_line() {
        for line in [
            "m> SET k v",
            "m> SET k \"a b\"",
            r#"m>> "SET k v" "SET k \"a b\\n\"" "GET k""#,
            "cut m r1",
            "cut m r1 told r1",
            "cut m r1 told none after 17",
            "cut m r1 at 1234",
            "restore m r1",
            "restore m -> r1",
            "latency m r1 50ms",
            "latency m -> r1 20ms..2s",
            "latency m r1 1500us",
            "bandwidth m r1 1024",
            "stall m -> r1",
            "stall m r1 400ms",
            "segment m r1 1",
            "connect r1 -> m refused",
            "connect r1 m 2s",
            "connect r1 m 0ms",
            "partition m | r1 r2",
            "partition m r1 -> r2",
            "heal",
            "swizzle 5s",
            "hurry m",
            "hurry m -> r1",
            "interrupt m",
            "kill m",
            "start m",
            "start m old",
            "start m empty",
            "pause r1",
            "pause r1 70s",
            "resume r1",
            "add of m",
            "add r7 of m",
            "slow r1 20",
            "slow r1 20 loader",
            "reads r1 none",
            "reads r1 all",
            "reads r1 4096",
            "fork m refused",
            "fork m ok",
            "child m dies after 17",
            "disk r1 full",
            "disk r1 full after 100",
            "disk r1 ok",
            "load m 50/s reads r1 r2",
            "load m 50/s keys 100 size 64 mix set,incr,multi reads r1",
            "load m 0/s",
            "outside real 3 opened",
            "outside real 3 refused",
            "outside real 3 closed",
            "outside real 3 bytes K1BPTkcNCg==",
        ] {
            let action = Action::parse(line).unwrap_or_else(|e| panic!("{line}: {e}"));
            assert_eq!(action.to_string(), line);
        }
    }

    #[test]
    fn every_verb_can_be_parsed_and_says_what_it_wants() {
        for (verb, usage, _) in VERBS.iter().filter(|(verb, ..)| *verb != "heal") {
            let error = Action::parse(verb).expect_err("arguments are missing").0;
            assert!(
                error.starts_with(&format!("{verb}: ")) && error.ends_with(usage),
                "{error}"
            );
            let error = Action::parse(&format!("{verb} m -> -> -> ->"));
            assert!(error.is_err(), "{error:?}");
        }
    }

    #[test]
    fn a_bad_line_says_what_was_expected() {
        for (line, said) in [
            ("", "a verb is missing; :help lists them"),
            ("fly m", "no such verb: 'fly'; :help lists them"),
            ("kill", "kill: a node is missing; expected: kill NODE"),
            (
                "kill m r1",
                "kill: 'r1' does not belong there; expected: kill NODE",
            ),
            (
                "restore m",
                "restore: a node is missing; expected: restore NODE [->] NODE",
            ),
            (
                "latency m r1 5",
                "a time needs a number and a unit, such as 50ms or 2s, not '5'",
            ),
            (
                "latency m r1 5s..2s",
                "latency: '5s..2s' goes from the longer time to the shorter; expected: latency NODE [->] NODE TIME[..TIME]",
            ),
            (
                "slow m 0",
                "slow: a factor is a number from 1 to 10000, not '0'",
            ),
            (
                "slow m 2 net",
                "slow: 'child' or 'disk' or 'loader' is expected, not 'net'; expected: slow NODE FACTOR [child|disk|loader]",
            ),
            (
                "child m after 3",
                "child: 'dies' is expected, not 'after'; expected: child NODE dies after BYTES",
            ),
            (
                "load m 3/s mix get",
                "load: 'get' is none of set, incr, push, add, del, expire, multi, select",
            ),
            ("partition m | m", "partition: 'm' cannot be on both sides"),
            ("m>", "m>: a command is missing"),
            ("m> SET \"k", "m>: quotes do not balance"),
            ("m>>", "m>: a command is missing"),
            ("m>> \"SET k v\" \"\"", "m>: a command is missing"),
        ] {
            assert_eq!(Action::parse(line).expect_err(line).0, said, "{line}");
        }
    }

    #[test]
    fn completion_knows_verbs_nodes_and_words() {
        let nodes = ["m", "r1", "relay"];
        for (line, completed) in [
            ("cu", Some("cut")),
            ("cut re", Some("cut relay")),
            ("cut m r1 to", Some("cut m r1 told")),
            ("start m e", Some("start m empty")),
            ("load m 3/s mix in", Some("load m 3/s mix incr")),
            ("fly m", None),
            ("cut ", None),
        ] {
            let verbs = VERBS.iter().map(|(verb, usage, _)| (*verb, *usage));
            assert_eq!(
                complete(line, &nodes, verbs).first().map(String::as_str),
                completed,
                "{line}"
            );
        }
    }
}
