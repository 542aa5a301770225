//! `CONFIG`, and the small questions about the server: `INFO`, `ROLE`, `TIME`.

use super::{Done, ok, unknown_subcommand};
use crate::node::commands::glob::matches as glob;
use crate::node::{Node, Session, Stats, config};
use crate::wire::resp;

pub(super) fn info(node: &mut Node, s: &mut Session<'_>) -> Done {
    let sections: Vec<String> = (1..s.args.len()).map(|i| s.word(i)).collect();
    let text = node.info(&sections);
    s.reply.verbatim(*b"txt", text.as_bytes());
    Ok(())
}

pub(super) fn role(node: &mut Node, s: &mut Session<'_>) -> Done {
    node.role(&mut s.reply);
    Ok(())
}

pub(super) fn time(node: &mut Node, s: &mut Session<'_>) -> Done {
    let us = node.now.0;
    resp::command_into(
        &mut s.reply,
        &[(us / 1_000_000).to_string(), (us % 1_000_000).to_string()],
    );
    Ok(())
}

pub(super) fn config_command(node: &mut Node, s: &mut Session<'_>) -> Done {
    match (s.word(1).as_str(), s.args.len()) {
        ("get", 3..) => {
            let patterns: Vec<Vec<u8>> =
                s.args[2..].iter().map(|p| p.to_ascii_lowercase()).collect();
            let found: Vec<&str> = config::names()
                .filter(|name| patterns.iter().any(|p| glob(p, name.as_bytes())))
                .collect();
            s.reply.map(found.len());
            for name in found {
                resp::bulk(&mut s.reply, name.as_bytes());
                let value = node.config.get(name).unwrap_or_default();
                resp::bulk(&mut s.reply, value.as_bytes());
            }
            Ok(())
        }
        ("set", n) if n >= 4 && n % 2 == 0 => config_set(node, s),
        ("resetstat", 2) => {
            node.stats = Stats {
                dirty: node.stats.dirty,
                last_save_unix_s: node.stats.last_save_unix_s,
                ..Stats::default()
            };
            ok(s)
        }
        ("rewrite", 2) => Err("ERR The server is running without a config file".into()),
        ("get" | "set" | "resetstat" | "rewrite", _) => Err(format!(
            "ERR wrong number of arguments for 'config|{}' command",
            s.word(1)
        )),
        _ => unknown_subcommand(s),
    }
}

/// All settings or none (`configSetCommand`).
fn config_set(node: &mut Node, s: &mut Session<'_>) -> Done {
    let mut config = node.config.clone();
    let mut seen = Vec::new();
    for i in (2..s.args.len()).step_by(2) {
        let (given, value) = (s.text(i), s.text(i + 1));
        let Some(name) = config::canonical(&given) else {
            return Err(format!(
                "ERR Unknown option or number of arguments for CONFIG SET - '{given}'"
            ));
        };
        let failed = |reason: &str| {
            format!("ERR CONFIG SET failed (possibly related to argument '{given}') - {reason}")
        };
        if config::immutable(name) {
            return Err(failed("can't set immutable config"));
        }
        if seen.contains(&name) {
            return Err(failed("duplicate parameter"));
        }
        seen.push(name);
        config.set(name, &value).map_err(|reason| failed(&reason))?;
    }
    node.config = config;
    if let Some(backlog) = &mut node.backlog {
        backlog.resize(node.config.repl_backlog_size);
    }
    ok(s)
}
