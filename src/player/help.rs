//! Help while typing: completion, hints of arguments, and what to try next.

use super::console::COLON;
use super::{Line, Player};
use crate::node;
use crate::order::sort_by;
use crate::sim::action::{self, VERBS};
use crate::sim::snapshot::{MarkKind, Phase};

/// A longer list is not read while typing.
const MOST: usize = 6;

/// A chip beside the prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    pub label: String,
    pub line: String,
}

impl Player {
    /// What the text may become, the most likely first and at most six; each begins with what is typed, but for its
    /// case.
    #[inline(never)]
    pub fn completions(&self, text: &str) -> Vec<String> {
        if let Some(action) = text.strip_prefix(':') {
            return self.after_colon(action);
        }
        let start = text.rfind(char::is_whitespace).map_or(0, |i| i + 1);
        let (head, word) = text.split_at(start);
        if word.is_empty() {
            return Vec::new();
        }
        let command_place = head.trim().is_empty()
            || (head.starts_with('@') && head.split_whitespace().count() == 1);
        let mut found: Vec<String> = Vec::new();
        if let Some(name) = word.strip_prefix('@').filter(|_| head.is_empty()) {
            let names = self.world().names();
            let fits = |n: &&&str| n.starts_with(name) && **n != name;
            let all = names.iter().chain(&["all"]).filter(fits);
            found.extend(all.map(|n| ["@", n].concat()));
        } else if command_place {
            let lower = word.to_ascii_lowercase();
            let upper = word.starts_with(|c: char| c.is_ascii_uppercase());
            let mut fitting: Vec<&str> = node::hints()
                .map(|(name, _)| name)
                .filter(|n| n.starts_with(&lower) && *n != lower)
                .collect();
            sort_by(&mut fitting, |a, b| (a.len(), a).cmp(&(b.len(), b)));
            let as_typed = |n: &str| match upper {
                true => n.to_ascii_uppercase(),
                false => n.into(),
            };
            found.extend(fitting.into_iter().take(MOST).map(as_typed));
        } else {
            found = self.keys_like(word);
        }
        found.truncate(MOST);
        found
            .into_iter()
            .map(|word| [head, &word].concat())
            .collect()
    }

    /// The keys that begin with a word, of all nodes.
    fn keys_like(&self, word: &str) -> Vec<String> {
        let snapshot = self.snapshot();
        let mut found: Vec<String> = Vec::new();
        for key in snapshot.nodes.iter().flat_map(|n| n.keys.iter()) {
            let fits = key.name.starts_with(word) && key.name != word;
            if fits && found.len() < MOST && !found.contains(&key.name) {
                found.push(key.name.clone());
            }
        }
        found
    }

    /// The same for a line after its colon.
    fn after_colon(&self, line: &str) -> Vec<String> {
        let names = self.world().names();
        let mut found = action::complete(line, &names, colon());
        if let Some(word) = line.strip_prefix("keys ").filter(|w| !w.is_empty()) {
            let keys = self.keys_like(word).into_iter();
            found.extend(keys.map(|key| ["keys ", &key].concat()));
        }
        found.truncate(MOST);
        found
            .into_iter()
            .map(|line| [":", &line].concat())
            .collect()
    }

    /// The arguments that the command at the beginning of the text still wants.
    pub fn hint(&self, text: &str) -> String {
        let text = text.trim_start();
        if let Some(action) = text.strip_prefix(':') {
            let verb = action.split_whitespace().next().unwrap_or_default();
            return colon()
                .find(|(v, _)| *v == verb)
                .map(|(_, args)| rest_of(args, action))
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
        let lines = self.lines();
        let lines: Vec<&str> = lines
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
            // Nobody writes to a real server from here.
            _ if self.world().outside().is_some() => {
                if let Some(l) = s.links.first() {
                    let verb = if l.cut { "restore" } else { "cut" };
                    out.push(format!(":{verb} {} {}", l.master, l.replica));
                }
                out.push("INFO replication".into());
            }
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

/// Everything that begins with a colon: verb, arguments, meaning; the deeds to the world come first.
pub fn usage() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let page = COLON
        .iter()
        .map(|(verb, args, meaning, _)| (*verb, *args, *meaning));
    VERBS.iter().copied().chain(page)
}

/// Everything that begins with a colon: verbs and their arguments.
fn colon<'a>() -> impl Iterator<Item = (&'a str, &'a str)> {
    let world = VERBS.iter().map(|(verb, args, _)| (*verb, *args));
    world.chain(COLON.iter().map(|(verb, args, ..)| (*verb, *args)))
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
