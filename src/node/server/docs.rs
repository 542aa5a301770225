//! What `COMMAND DOCS` tells of a command beside its row in the table: `docs.txt`, read when somebody asks.

use super::command::simples;
use crate::wire::resp::{self, Writer};

/// The columns of `docs.txt`; empty where there is nothing to tell.
pub(super) struct Doc {
    complexity: &'static str,
    flags: &'static str,
    deprecated_since: &'static str,
    arguments: &'static str,
}

impl Doc {
    pub fn of(command: &str) -> Self {
        let mut lines = include_str!("../docs.txt").lines();
        let columns = lines.find_map(|line| {
            let mut columns = line.split("; ");
            (columns.next() == Some(command)).then_some(columns)
        });
        let mut columns = columns.into_iter().flatten();
        let mut next = || columns.next().unwrap_or_default();
        Self {
            complexity: next(),
            flags: next(),
            deprecated_since: next(),
            arguments: next(),
        }
    }

    /// How many fields it adds to the reply.
    pub fn len(&self) -> usize {
        let all = [
            self.complexity,
            self.flags,
            self.deprecated_since,
            self.arguments,
        ];
        all.iter().filter(|column| !column.is_empty()).count()
    }

    pub fn reply(&self, reply: &mut Writer) {
        text(reply, "complexity", self.complexity);
        if !self.flags.is_empty() {
            resp::bulk(reply, b"doc_flags");
            simples(reply, self.flags.split(' '));
        }
        text(reply, "deprecated_since", self.deprecated_since);
        if !self.arguments.is_empty() {
            resp::bulk(reply, b"arguments");
            arguments(reply, self.arguments);
        }
    }
}

fn text(reply: &mut Writer, name: &str, value: &str) {
    if !value.is_empty() {
        resp::bulk(reply, name.as_bytes());
        resp::bulk(reply, value.as_bytes());
    }
}

fn arguments(reply: &mut Writer, list: &str) {
    let all = parts(list);
    resp::array_len(reply, all.len());
    for one in all {
        argument(reply, one);
    }
}

fn argument(reply: &mut Writer, one: &str) {
    let (own, parts) = one.split_once('(').unwrap_or((one, ""));
    let parts = parts.strip_suffix(')').unwrap_or_default();
    let mut columns = own.split(',');
    let mut next = || columns.next().unwrap_or_default();
    let (name, kind, flags, key) = (next(), next(), next(), next());
    let (token, since, deprecated) = (next(), next(), next());
    let told = [flags, key, token, since, deprecated, parts];
    reply.map(2 + told.iter().filter(|column| !column.is_empty()).count());
    text(reply, "name", name);
    text(reply, "type", kind);
    if let Ok(key) = key.parse() {
        resp::bulk(reply, b"key_spec_index");
        resp::integer(reply, key);
    }
    text(reply, "token", token);
    text(reply, "since", since);
    text(reply, "deprecated_since", deprecated);
    if !flags.is_empty() {
        resp::bulk(reply, b"flags");
        let names = flags.chars().map(|letter| match letter {
            'o' => "optional",
            'm' => "multiple",
            _ => "multiple_token",
        });
        simples(reply, names);
    }
    if !parts.is_empty() {
        resp::bulk(reply, b"arguments");
        arguments(reply, parts);
    }
}

/// What stands between the spaces that are in no brackets.
fn parts(list: &str) -> Vec<&str> {
    let mut depth = 0;
    let outside = |letter: char| {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        letter == ' ' && depth == 0
    };
    list.split(outside).collect()
}
