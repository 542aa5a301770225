//! The small language of conditions, and what it can ask of the world. A condition is some comparisons joined by `and`;
//! each side is a sum of products of numbers and facts. A fact belongs to a node, `r1.offset`; `was.r1.offset` is the same when the
//! step began. A fact alone holds when it is not 0.
//!
//! | facts of a node | |
//! |---|---|
//! | `offset first histlen size keys behind second` | numbers, as `INFO replication` and the page have them |
//! | `replicas reads` | attached now; reads of the load generator that it answered |
//! | `rate` | bytes a second by which its offset grew since the step began |
//! | `ring(TEXT)` | commands in its backlog that contain a text |
//! | `alive master online loading cut child` | 1 or 0 |
//! | `full partial refused` | synchronizations that it served, all in all |
//! | `follows(m) same(m) id(m) id2(m)` | its master is m; equal data; equal replid; its replid2 is the replid of m |
//! | `has(KEY) value(KEY)` | 1 or 0; a number in a string |
//! | `filed(KEY)` | the file on its disk holds the key |
//!
//! | events since the step began | |
//! |---|---|
//! | `cuts restores writes written continued got copied tooold beyond other new nobacklog` | paths, writes and their bytes, PSYNC |
//! | `forks sent stores loads loaded promoted killed started fell added` | the rest of what the story tells |
//! | `asked` | the first byte that it wanted in the newest PSYNC |
//! | `ran(GET) said(TEXT) stale` | commands typed for it, replies that contain a text, replies that were old |
//! | `log(TEXT)` | lines of its log that contain a text |
//!
//! `saw(rdb)` is 1 when that page of the inspector was looked at since the step began and had something to show; the page
//! tells it. `seconds` is the time since the step began, `bytes(SET k v)` the length of a command in the stream.

use super::Base;
use crate::player::{Line, Player};
use crate::sim::snapshot::{FullCause, Happening, NodeView, Phase, Snapshot};
use crate::time::SECOND_US;
use crate::wire::rdb::inspect::{Kind, inspect};
use crate::wire::resp;
use std::rc::Rc;

pub struct Facts<'a> {
    player: &'a Player,
    base: &'a Base,
    now: Rc<Snapshot>,
}

/// The comparisons; those of two signs first.
const SIGNS: [&str; 6] = [">=", "<=", "!=", "=", ">", "<"];

impl<'a> Facts<'a> {
    pub fn new(player: &'a Player, base: &'a Base) -> Self {
        let now = player.snapshot();
        Self { player, base, now }
    }

    /// Whether a condition holds; an empty one does.
    ///
    /// # Errors
    /// What is not understood of it.
    pub fn holds(&self, condition: &str) -> Result<bool, String> {
        let mut all = true;
        for part in split(condition, " and ") {
            if !part.is_empty() {
                all &= self.compared(part)?;
            }
        }
        Ok(all)
    }

    fn compared(&self, part: &str) -> Result<bool, String> {
        for sign in SIGNS {
            let sides = split(part, sign);
            if let [left, right] = sides[..] {
                let (a, b) = (self.number(left)?, self.number(right)?);
                return Ok(match sign {
                    ">=" => a >= b,
                    "<=" => a <= b,
                    "!=" => a != b,
                    "=" => a == b,
                    ">" => a > b,
                    _ => a < b,
                });
            }
        }
        Ok(self.number(part)? != 0)
    }

    /// The value of a sum.
    ///
    /// # Errors
    /// What is not understood of it.
    pub fn number(&self, sum: &str) -> Result<i64, String> {
        let mut total = 0i64;
        for part in split(sum, " + ") {
            for (i, term) in split(part, " - ").into_iter().enumerate() {
                let mut value = 1i64;
                for factor in split(term, " * ") {
                    value = value.saturating_mul(self.term(factor)?);
                }
                total = if i == 0 {
                    total.saturating_add(value)
                } else {
                    total.saturating_sub(value)
                };
            }
        }
        Ok(total)
    }

    fn term(&self, term: &str) -> Result<i64, String> {
        if let Ok(number) = term.parse() {
            return Ok(number);
        }
        if term == "seconds" {
            return Ok((self.now.now.since(self.base.at) / SECOND_US) as i64);
        }
        let (name, arg) = match term.split_once('(') {
            Some((name, arg)) => (name, arg.strip_suffix(')').unwrap_or(arg)),
            None => (term, ""),
        };
        if name == "bytes" {
            let args = resp::split_args(arg.as_bytes()).unwrap_or_default();
            return Ok(resp::command(&args).len() as i64);
        }
        if name == "saw" {
            return Ok(i64::from(self.base.seen.iter().any(|page| page == arg)));
        }
        let (world, name) = match name.strip_prefix("was.") {
            Some(rest) => (&self.base.snapshot, rest),
            None => (&self.now, name),
        };
        let found = name.split_once('.').and_then(|(node, fact)| {
            let n = world.nodes.iter().find(|n| n.name == node)?;
            Some(match self.state(world, n, fact, arg) {
                Some(value) => value,
                None => self.event(node, fact, arg)?,
            })
        });
        found.ok_or_else(|| ["no such node or fact: '", term, "'"].concat())
    }

    /// What a node is.
    fn state(&self, world: &Snapshot, n: &NodeView, fact: &str, arg: &str) -> Option<i64> {
        let other = || world.nodes.iter().find(|n| n.name == arg);
        let key = || n.keys.iter().find(|k| k.db == 0 && k.name == arg);
        let yes = i64::from;
        Some(match fact {
            "offset" => n.offset as i64,
            "first" => n.backlog.first as i64,
            "histlen" => n.backlog.histlen as i64,
            "size" => n.backlog.size as i64,
            "second" => n.second_offset,
            "keys" => n.key_count as i64,
            "rate" => {
                let s = self.now.now.since(self.base.at).max(1);
                let was = self.base.snapshot.nodes.iter().find(|w| w.name == n.name);
                let grown = n.offset.saturating_sub(was.map_or(0, |w| w.offset));
                (grown * SECOND_US / s) as i64
            }
            "ring" => n
                .backlog
                .cells
                .iter()
                .filter(|c| c.text().contains(arg))
                .count() as i64,
            "reads" => world.load.as_ref().map_or(0, |l| {
                let of = l.reads.iter().find(|(name, _)| *name == n.name);
                of.map_or(0, |(_, reads)| *reads as i64)
            }),
            "behind" => n.behind.map_or(0, |b| b as i64),
            "replicas" => n.replicas.iter().filter(|r| r.state != "offline").count() as i64,
            "alive" => yes(n.alive),
            "master" => yes(n.alive && !n.replica),
            "online" => yes(n.phase == Phase::Online),
            "loading" => yes(matches!(n.phase, Phase::Loading { .. })),
            "child" => yes(n.child.is_some()),
            "cut" => yes(world.links.iter().any(|l| l.replica == n.name && l.cut)),
            "full" => n.sync_full as i64,
            "partial" => n.sync_partial_ok as i64,
            "refused" => n.sync_partial_err as i64,
            "follows" => yes(n.master.as_deref() == Some(arg)),
            "id" => yes(n.replid == other()?.replid),
            "id2" => yes(n.replid2 == other()?.replid),
            "same" => {
                let world = self.player.world();
                // A dead node has no data.
                let digest = |name: &str| Some(world.node(name)?.keyspace().digest());
                let (own, other) = (digest(&n.name), digest(&other()?.name));
                yes(own.is_some() && own == other)
            }
            "has" => yes(key().is_some()),
            "filed" => {
                let file = self.player.world().file(&n.name);
                let fields = file.map_or_else(Vec::new, |file| inspect(file).fields);
                yes(fields
                    .iter()
                    .any(|f| f.kind == Kind::Entry && f.value == arg))
            }
            "value" => key().map_or(0, |k| k.value.trim_matches('"').parse().unwrap_or(0)),
            "asked" => match &world.verdict {
                Some(v) if v.replica == n.name => v.asked,
                _ => 0,
            },
            _ => return None,
        })
    }

    /// What happened to it since the step began.
    fn event(&self, node: &str, fact: &str, arg: &str) -> Option<i64> {
        match fact {
            "log" => {
                let n = self.now.nodes.iter().find(|n| n.name == node)?;
                let lines = n.log.iter().filter(|l| l.at >= self.base.at);
                return Some(lines.filter(|l| l.text.contains(arg)).count() as i64);
            }
            "ran" | "said" | "stale" => return Some(self.console(node, fact, arg)),
            _ => {}
        }
        let mut count = EVENTS.contains(&fact).then_some(0)?;
        for story in self.player.world().stories(self.base.told) {
            let (whose, is, bytes) = told(&story.what);
            let meant = match fact {
                "got" => is == "continued",
                "written" => is == "writes",
                "copied" => FULL.contains(&is),
                _ => is == fact,
            };
            if !meant || !whose.contains(&node) {
                continue;
            }
            match fact {
                "got" => count = bytes as i64,
                "written" => count += bytes as i64,
                _ => count += 1,
            }
        }
        Some(count)
    }

    /// What was typed for a node and what it replied.
    fn console(&self, node: &str, fact: &str, arg: &str) -> i64 {
        let mut count = 0;
        let mut asked = String::new();
        let mut ran = false;
        for line in self.player.lines_since(self.base.event) {
            match line {
                Line::Input { prompt, text, .. } => {
                    asked = prompt.split(':').next().unwrap_or_default().into();
                    ran = text
                        .split(' ')
                        .next()
                        .is_some_and(|w| w.eq_ignore_ascii_case(arg));
                    count += i64::from(fact == "ran" && ran && asked == node);
                }
                Line::Reply {
                    node: from,
                    text,
                    behind,
                    ..
                } => {
                    let here = from.as_deref().unwrap_or(&asked) == node;
                    let meant = match fact {
                        "ran" => ran && asked == "all",
                        "said" => text.contains(arg),
                        _ => behind > 0,
                    };
                    count += i64::from(here && meant);
                }
                Line::Note(_) => {}
            }
        }
        count
    }

    /// A text with its places filled: `{m.offset}`, `{r1.id8}` (an id's first digits), `{r1.phase}`.
    pub fn fill(&self, text: &str) -> String {
        let mut out = String::new();
        let mut pieces = text.split('{');
        out.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            let (place, rest) = piece.split_once('}').unwrap_or((piece, ""));
            out.push_str(&self.place(place));
            out.push_str(rest);
        }
        out
    }

    fn place(&self, place: &str) -> String {
        if let Some((name, fact)) = place.rsplit_once('.')
            && let Some(n) = self.now.nodes.iter().find(|n| n.name == name)
        {
            let id = |id: &str| id.chars().take(8).collect();
            match fact {
                "phase" => return crate::script::phase_word(&n.phase).into(),
                "id8" => return id(&n.replid),
                "id2" => return id(&n.replid2),
                _ => {}
            }
        }
        self.number(place)
            .map_or_else(|error| error, |n| n.to_string())
    }
}

/// The facts that count what happened.
const EVENTS: [&str; 23] = [
    "cuts",
    "restores",
    "writes",
    "written",
    "continued",
    "got",
    "copied",
    "new",
    "other",
    "beyond",
    "tooold",
    "toofar",
    "nobacklog",
    "forks",
    "sent",
    "stores",
    "loads",
    "loaded",
    "promoted",
    "killed",
    "started",
    "fell",
    "added",
];

const FULL: [&str; 6] = ["new", "other", "beyond", "tooold", "toofar", "nobacklog"];

/// A story as its nodes, its fact, and its bytes.
fn told(what: &Happening) -> ([&str; 2], &'static str, u64) {
    use Happening as H;
    match what {
        H::Written { node, bytes, .. } => ([node, ""], "writes", *bytes),
        H::Cut { a, b } => ([a, b], "cuts", 0),
        H::Restored { a, b } => ([a, b], "restores", 0),
        H::FellOff { replica, gone } => ([replica, ""], "fell", *gone),
        H::Partial { replica, bytes, .. } => ([replica, ""], "continued", *bytes),
        H::FullNeeded { replica, cause, .. } => {
            let is = match cause {
                FullCause::New => "new",
                FullCause::OtherHistory => "other",
                FullCause::BeyondSecond { .. } => "beyond",
                FullCause::TooOld { .. } => "tooold",
                FullCause::TooFar => "toofar",
                FullCause::NoBacklog => "nobacklog",
            };
            ([replica, ""], is, 0)
        }
        H::Forked { node, .. } => ([node, ""], "forks", 0),
        H::SnapshotSent { node, bytes, .. } => ([node, ""], "sent", *bytes),
        H::Storing { replica, bytes } => ([replica, ""], "stores", *bytes),
        H::Loading { replica, bytes } => ([replica, ""], "loads", *bytes),
        H::Loaded { replica, .. } => ([replica, ""], "loaded", 0),
        H::Promoted { node, .. } => ([node, ""], "promoted", 0),
        H::Killed { node } => ([node, ""], "killed", 0),
        H::Started { node } => ([node, ""], "started", 0),
        H::Added { node, of } => ([node, of], "added", 0),
        _ => (["", ""], "", 0),
    }
}

/// Cuts at a separator, but not inside of parentheses.
fn split<'t>(text: &'t str, at: &str) -> Vec<&'t str> {
    let (mut out, mut from, mut depth) = (Vec::new(), 0, 0i32);
    for (i, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth == 0 && i >= from && text[i..].starts_with(at) => {
                out.push(text[from..i].trim());
                from = i + at.len();
            }
            _ => {}
        }
    }
    out.push(text[from..].trim());
    out
}
