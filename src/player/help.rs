//! Help while typing: completion, hints of arguments, and what to try next.

use super::console::COLON;
use super::{Line, Player};
use crate::node::{self, config};
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
        let mut words = head.split_whitespace().peekable();
        let _ = words.next_if(|node| node.starts_with('@'));
        let words: Vec<&str> = words.collect();
        let mut found = match (words.first(), word.strip_prefix('@')) {
            (None, Some(name)) if head.is_empty() => {
                let names = self.world().names();
                let all = names.iter().chain(&["all"]).filter(|n| n.starts_with(name));
                all.map(|n| ["@", n].concat()).collect()
            }
            (None, _) if word.is_empty() => Vec::new(),
            (None, _) => {
                let mut names: Vec<&str> = node::hints().map(|(name, _)| name).collect();
                names.retain(|n| fits(n, word));
                sort_by(&mut names, |a, b| (a.len(), a).cmp(&(b.len(), b)));
                names.iter().map(|n| in_case(n, word)).collect()
            }
            (Some(command), _) => self.arguments(command, &words[1..], word),
        };
        found.retain(|full| full != word);
        found.truncate(MOST);
        found
            .into_iter()
            .map(|word| [head, &word].concat())
            .collect()
    }

    /// What may come after a command and some of its arguments: a subcommand, a directive, what that may be, a key.
    #[inline(never)]
    fn arguments(&self, command: &str, before: &[&str], word: &str) -> Vec<String> {
        let config = command.eq_ignore_ascii_case("config");
        let is =
            |at: usize, name: &str| before.get(at).is_some_and(|w| w.eq_ignore_ascii_case(name));
        let found: Vec<String> = match before {
            [] => {
                let like = if word.is_empty() { command } else { word };
                let calls = self.world().calls(command);
                let names = calls.iter().filter_map(|call| call.split(' ').next());
                let names = names.filter(|name| fits(name, word));
                names.map(|name| in_case(name, like)).collect()
            }
            [.., name] if config && is(0, "set") && before.len().is_multiple_of(2) => {
                let words = config::directive(name).map(|d| d.words());
                words
                    .into_iter()
                    .flatten()
                    .filter(|w| fits(w, word))
                    .map(String::from)
                    .collect()
            }
            _ if config && (is(0, "set") || is(0, "get")) && !word.is_empty() => {
                let names = config::directives().map(|d| d.name);
                names.filter(|n| fits(n, word)).map(String::from).collect()
            }
            _ => Vec::new(),
        };
        if found.is_empty() {
            self.keys_like(word)
        } else {
            found
        }
    }

    /// The keys that begin with a word, of all nodes.
    fn keys_like(&self, word: &str) -> Vec<String> {
        let snapshot = self.snapshot();
        let mut found: Vec<String> = Vec::new();
        for key in snapshot.nodes.iter().flat_map(|n| n.keys.iter()) {
            let fits = !word.is_empty() && key.name.starts_with(word);
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
        let mut words = text.split_whitespace();
        let name = words.next().unwrap_or_default();
        let sub = words.next().unwrap_or_default();
        let calls = self.world().calls(name);
        let hint = if sub.is_empty() || calls.is_empty() {
            let mut all = node::hints();
            all.find(|(n, _)| n.eq_ignore_ascii_case(name))
                .map(|(_, hint)| hint)
        } else {
            let own = |call: &&String| {
                call.split(' ')
                    .next()
                    .is_some_and(|n| n.eq_ignore_ascii_case(sub))
            };
            calls.iter().find(own).map(String::as_str)
        };
        hint.map(|hint| rest_of(hint, text)).unwrap_or_default()
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

/// Whether a name begins with what was typed, in any letter case.
fn fits(name: &str, typed: &str) -> bool {
    let start = name.get(..typed.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(typed))
}

/// A name in small letters or in capitals, like what was typed.
fn in_case(name: &str, typed: &str) -> String {
    match typed.starts_with(|c: char| c.is_ascii_uppercase()) {
        true => name.to_ascii_uppercase(),
        false => name.to_ascii_lowercase(),
    }
}

/// The arguments of a hint that are not typed yet; a group in brackets is one, and one with `…` or `...` never ends.
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
    let endless = groups
        .last()
        .filter(|g| g.contains('…') || g.contains("..."))
        .cloned();
    let rest = groups.get(typed..).unwrap_or_default().join(" ");
    if rest.is_empty() {
        endless.unwrap_or_default()
    } else {
        rest
    }
}
