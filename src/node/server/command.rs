//! `COMMAND`: what the command table says of each command.

use super::{Done, help, integer, unknown_subcommand};
use crate::node::commands::matches as glob;
use crate::node::registry::{self, Command, Find, From, KeySpec};
use crate::node::{Node, Session};
use crate::wire::resp::{self, Writer};

pub(super) fn command(_: &mut Node, s: &mut Session<'_>) -> Done {
    match s.word(1).as_str() {
        "" => {
            let all: Vec<_> = commands().map(Some).collect();
            infos(s, &all)
        }
        "count" => integer(s, commands().count() as i64),
        "list" => list(s),
        "docs" => docs(s),
        "info" if s.args.len() == 2 => {
            let all: Vec<_> = commands().map(Some).collect();
            infos(s, &all)
        }
        "info" => {
            let named = s.args[2..].iter().map(|name| registry::by_name(name));
            let wanted: Vec<_> = named.collect();
            infos(s, &wanted)
        }
        "getkeys" => get_keys(s, false),
        "getkeysandflags" => get_keys(s, true),
        "help" => help(
            s,
            &[
                ("", "Everything about every command."),
                ("COUNT", "How many commands there are."),
                (
                    "LIST [FILTERBY (MODULE <module>|ACLCAT <category>|PATTERN <pattern>)]",
                    "Their names.",
                ),
                (
                    "INFO [<command-name> ...]",
                    "Everything about some of them.",
                ),
                (
                    "DOCS [<command-name> ...]",
                    "In which group and since which version they are.",
                ),
                ("GETKEYS <full-command>", "The keys in a whole command."),
                (
                    "GETKEYSANDFLAGS <full-command>",
                    "The keys in a whole command, and what happens to them.",
                ),
            ],
        ),
        _ => unknown_subcommand(s),
    }
}

fn commands() -> impl Iterator<Item = &'static Command> {
    registry::all().iter().filter(|c| c.parent.is_none())
}

/// `COMMAND LIST [FILTERBY …]`; subcommands are listed too, when there is a filter.
fn list(s: &mut Session<'_>) -> Done {
    let names: Vec<&str> = match (s.args.len(), s.word(2).as_str(), s.word(3).as_str()) {
        (2, ..) => registry::all().iter().map(|c| c.name).collect(),
        (5, "filterby", by) => {
            let value = s.word(4);
            let fits = |c: &&Command| match by {
                "aclcat" => c.in_category(&value),
                "pattern" => glob(value.as_bytes(), c.name.as_bytes()),
                _ => false,
            };
            if !["aclcat", "module", "pattern"].contains(&by) {
                return Err("ERR syntax error".into());
            }
            registry::all()
                .iter()
                .filter(fits)
                .map(|c| c.name)
                .collect()
        }
        _ => return Err("ERR syntax error".into()),
    };
    resp::command_into(&mut s.reply, &names);
    Ok(())
}

fn docs(s: &mut Session<'_>) -> Done {
    let wanted: Vec<&Command> = if s.args.len() == 2 {
        commands().collect()
    } else {
        let named = s.args[2..]
            .iter()
            .filter_map(|name| registry::by_name(name));
        named.collect()
    };
    s.reply.map(wanted.len());
    for command in wanted {
        resp::bulk(&mut s.reply, command.name.as_bytes());
        doc(&mut s.reply, command);
    }
    Ok(())
}

fn doc(reply: &mut Writer, command: &Command) {
    let (group, since) = command.origin();
    let has_subs = !command.subcommands.is_empty();
    let name = command.name.replace('|', " ").to_ascii_uppercase();
    let call = format!("{name} {}", command.hint);
    #[cfg(not(target_arch = "wasm32"))]
    let (more, fields) = {
        let more = super::docs::Doc::of(command.name);
        let fields = more.len();
        (more, fields)
    };
    #[cfg(target_arch = "wasm32")]
    let fields = 0;
    reply.map(if has_subs { 4 } else { 3 } + fields);
    for (field, value) in [
        ("summary", call.trim_end()),
        ("since", since),
        ("group", group),
    ] {
        resp::bulk(reply, field.as_bytes());
        resp::bulk(reply, value.as_bytes());
    }
    #[cfg(not(target_arch = "wasm32"))]
    more.reply(reply);
    if has_subs {
        resp::bulk(reply, b"subcommands");
        reply.map(command.subcommands.len());
        for id in &command.subcommands {
            let sub = &registry::all()[*id];
            resp::bulk(reply, sub.name.as_bytes());
            doc(reply, sub);
        }
    }
}

fn infos(s: &mut Session<'_>, wanted: &[Option<&'static Command>]) -> Done {
    resp::array_len(&mut s.reply, wanted.len());
    for command in wanted {
        match command {
            Some(command) => info(&mut s.reply, command),
            None => s.reply.nil(),
        }
    }
    Ok(())
}

pub(super) fn simples<'a>(reply: &mut Writer, names: impl Iterator<Item = &'a str>) {
    let names: Vec<_> = names.collect();
    reply.set(names.len());
    for name in names {
        resp::simple(reply, name);
    }
}

fn info(reply: &mut Writer, command: &Command) {
    resp::array_len(reply, 10);
    resp::bulk(reply, command.name.as_bytes());
    resp::integer(reply, i64::from(command.arity));
    simples(reply, command.flag_names());
    let (first, last, step) = command.keys;
    for n in [first, last, step] {
        let n = if command.parent.is_none() && !command.subcommands.is_empty() {
            0
        } else {
            n
        };
        resp::integer(reply, i64::from(n));
    }
    let categories: Vec<_> = command.categories().map(|c| format!("@{c}")).collect();
    simples(reply, categories.iter().map(String::as_str));
    let tips: Vec<_> = command.tips().collect();
    reply.set(tips.len());
    tips.iter()
        .for_each(|tip| resp::bulk(reply, tip.as_bytes()));
    let specs = command.key_specs();
    reply.set(specs.len());
    for spec in &specs {
        key_spec(reply, spec);
    }
    if command.subcommands.is_empty() {
        reply.set(0);
    } else {
        resp::array_len(reply, command.subcommands.len());
    }
    for id in &command.subcommands {
        info(reply, &registry::all()[*id]);
    }
}

fn key_spec(reply: &mut Writer, spec: &KeySpec) {
    reply.map(3);
    resp::bulk(reply, b"flags");
    simples(reply, spec.flags.iter().copied());
    resp::bulk(reply, b"begin_search");
    let at = |i: usize| i.to_string();
    match &spec.from {
        From::Index(index) => search(reply, "index", &[("index", &at(*index))]),
        From::Keyword(word, from) => {
            search(
                reply,
                "keyword",
                &[("keyword", word), ("startfrom", &from.to_string())],
            );
        }
        From::Unknown => search(reply, "unknown", &[]),
    }
    resp::bulk(reply, b"find_keys");
    match spec.find {
        Find::Range { last, step, limit } => search(
            reply,
            "range",
            &[
                ("lastkey", &last.to_string()),
                ("keystep", &at(step)),
                ("limit", &limit.to_string()),
            ],
        ),
        Find::Counted { count, first, step } => search(
            reply,
            "keynum",
            &[
                ("keynumidx", &at(count)),
                ("firstkey", &at(first)),
                ("keystep", &at(step)),
            ],
        ),
        Find::Unknown => search(reply, "unknown", &[]),
    }
}

fn search(reply: &mut Writer, kind: &str, fields: &[(&str, &str)]) {
    reply.map(2);
    resp::bulk(reply, b"type");
    resp::bulk(reply, kind.as_bytes());
    resp::bulk(reply, b"spec");
    reply.map(fields.len());
    for (name, value) in fields {
        resp::bulk(reply, name.as_bytes());
        match value.parse() {
            Ok(n) => resp::integer(reply, n),
            Err(_) => resp::bulk(reply, value.as_bytes()),
        }
    }
}

fn get_keys(s: &mut Session<'_>, with_flags: bool) -> Done {
    let args = &s.args[2..];
    let command = registry::find(args).ok_or("ERR Invalid command specified")?;
    if command.key_specs().is_empty() {
        return Err("ERR The command has no key arguments".into());
    }
    let count = args.len() as i32;
    if (command.arity > 0 && command.arity != count) || count < -command.arity {
        return Err("ERR Invalid number of arguments specified for command".into());
    }
    let Some(keys) = command.keys_of(args) else {
        let optional = command.flag_names().any(|name| name == "no_mandatory_keys");
        if optional {
            resp::array_len(&mut s.reply, 0);
            return Ok(());
        }
        return Err("ERR Invalid arguments specified for command".into());
    };
    resp::array_len(&mut s.reply, keys.len());
    for (place, flags) in keys {
        if with_flags {
            resp::array_len(&mut s.reply, 2);
        }
        resp::bulk(&mut s.reply, &s.args[2 + place]);
        if with_flags {
            simples(&mut s.reply, flags.into_iter());
        }
    }
    Ok(())
}
