//! `CONFIG`, and the small questions about the server: `INFO`, `ROLE`, `TIME`.

use super::{Done, help, ok, unknown_subcommand};
use crate::node::commands::matches as glob;
use crate::node::config::{self, Config, Directive, Mode};
use crate::node::{Level, Node, Outbox, Session};
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
    match s.word(1).as_str() {
        "get" => {
            let found = wanted(
                &s.args[2..]
                    .iter()
                    .map(|a| a.to_ascii_lowercase())
                    .collect::<Vec<_>>(),
            );
            s.reply.map(found.len());
            for name in found {
                resp::bulk(&mut s.reply, name.as_bytes());
                let value = node.config.get(name).unwrap_or_default();
                resp::bulk(&mut s.reply, value.as_bytes());
            }
            Ok(())
        }
        "set" => config_set(node, s),
        "resetstat" => {
            node.reset_stats();
            ok(s)
        }
        "rewrite" => {
            rewrite(node, false).map_err(|why| format!("ERR {why}"))?;
            s.out
                .log(Level::Warning, "CONFIG REWRITE executed with success.");
            ok(s)
        }
        "help" => help(
            s,
            &[
                (
                    "GET <pattern> [<pattern> ...]",
                    "The directives whose names match, with their values.",
                ),
                (
                    "SET <directive> <value> [<directive> <value> ...]",
                    "Changes all of them, or none.",
                ),
                (
                    "RESETSTAT",
                    "Sets the counters that INFO shows back to zero.",
                ),
                (
                    "REWRITE",
                    "Writes the values of now into the configuration file.",
                ),
            ],
        ),
        _ => unknown_subcommand(s),
    }
}

/// The names and aliases that are asked for, each once.
fn wanted(patterns: &[Vec<u8>]) -> Vec<&'static str> {
    let mut found: Vec<&'static str> = Vec::new();
    for pattern in patterns {
        let exact = !pattern.iter().any(|b| b"[*?".contains(b));
        for directive in config::directives() {
            for name in [directive.name, directive.alias] {
                let fits = if exact {
                    *pattern == name.as_bytes()
                } else {
                    directive.mode != Mode::Hidden && glob(pattern, name.as_bytes())
                };
                if fits && !name.is_empty() && !found.contains(&name) {
                    found.push(name);
                }
            }
        }
    }
    found
}

/// All settings or none (`configSetCommand`).
fn config_set(node: &mut Node, s: &mut Session<'_>) -> Done {
    if !s.args.len().is_multiple_of(2) {
        return Err("ERR syntax error".into());
    }
    let mut pairs: Vec<(&'static Directive, String, String)> = Vec::new();
    for i in (2..s.args.len()).step_by(2) {
        let given = s.text(i);
        let directive = config::directive(&given).ok_or_else(|| {
            format!("ERR Unknown option or number of arguments for CONFIG SET - '{given}'")
        })?;
        pairs.push((directive, given, s.text(i + 1)));
    }
    let failed = |given: &str, reason: &str| {
        format!("ERR CONFIG SET failed (possibly related to argument '{given}') - {reason}")
    };
    for (i, (directive, given, _)) in pairs.iter().enumerate() {
        let protects = &node.config.enable_protected_configs;
        if directive.mode == Mode::Immutable {
            return Err(failed(given, "can't set immutable config"));
        }
        if directive.mode == Mode::Protected && !node.allows(protects, s.conn) {
            return Err(failed(given, "can't set protected config"));
        }
        let while_loading = !matches!(directive.name, "appendonly" | "dir" | "repl-diskless-load");
        if (node.loading.is_some() || node.loads_aside()) && !while_loading {
            return Err("LOADING Redis is loading the dataset in memory".into());
        }
        if pairs[..i]
            .iter()
            .any(|(other, ..)| other.name == directive.name)
        {
            return Err(failed(given, "duplicate parameter"));
        }
    }
    let mut config = node.config.clone();
    for (directive, _, value) in &pairs {
        let set = config.set(directive.name, value);
        set.map_err(|reason| failed(directive.name, &reason))?;
    }
    for (directive, ..) in &pairs {
        if let Err(reason) = apply(node, &mut config, directive.name, s.out) {
            if !matches!(directive.name, "dir" | "activedefrag") {
                restored(directive.name, s.out);
            }
            return Err(failed(directive.name, &reason));
        }
    }
    let scored = |name: &str| name.starts_with("oom-score-adj");
    if let Some((directive, ..)) = pairs.iter().find(|(d, ..)| scored(d.name))
        && let Err(why) = node
            .host
            .oom_score(config.oom_score(node.upstream.is_some()))
    {
        s.out.log(Level::Warning, why);
        restored(directive.name, s.out);
        node.set_oom_score(s.out);
        let reason = "Failed to set current oom_score_adj. Check server logs.";
        return Err(failed(directive.name, reason));
    }
    node.config = config;
    node.configured();
    let memory = |(directive, ..): &(&Directive, String, String)| directive.name == "maxmemory";
    // not in the middle of a transaction
    if !s.nested && pairs.iter().any(memory) {
        node.evict(s.out);
    }
    if let Some(backlog) = &mut node.backlog {
        backlog.resize(node.config.repl_backlog_size);
    }
    ok(s)
}

/// A new value does not hold, so the old ones do.
fn restored(name: &str, out: &mut Outbox) {
    let text = format!(
        "Failed applying new configuration. Possibly related to new {name} setting. Restoring previous settings."
    );
    out.log(Level::Warning, text);
}

/// What has to happen for a new value to hold; refuses what a server without AOF, TLS and defragmentation refuses.
fn apply(node: &Node, config: &mut Config, name: &str, out: &mut Outbox) -> Result<(), String> {
    let mut say = |level, text: &str| out.log(level, text);
    let value = config.get(name).unwrap_or_default();
    let port = "Unable to listen on this port. Check server logs.";
    match name {
        "appendonly" if value == "yes" => Err("Unable to turn on AOF. Check server logs.".into()),
        "activedefrag" if value == "yes" => Err(
            "Active defragmentation cannot be enabled: it requires a Redis server compiled with a modified Jemalloc \
             like the one shipped by default with the Redis source distribution"
                .into(),
        ),
        "tls-port" if value != "0" => Err(port.into()),
        "tls-cluster" | "tls-replication" if value == "yes" => {
            Err("Unable to update TLS configuration. Check server logs.".into())
        }
        "port" if config.port != node.config.port && !node.host.can_listen(&config.bind, config.port, &mut say) => {
            Err(port.into())
        }
        "bind" if config.bind != node.config.bind && !config.bind.is_empty() => {
            // On its own port the server itself stands in the way.
            let place = format!(":{}: ", config.port);
            let mut say_of = |level, text: &str| say(level, &text.replace(":0: ", &place));
            if node.host.can_listen(&config.bind, 0, &mut say_of) {
                return Ok(());
            }
            say(Level::Warning, "Failed to bind");
            Err("Failed to bind to specified addresses.".into())
        }
        "maxclients" => match node.host.clients(config.maxclients, &mut say) {
            most if most < config.maxclients => Err(format!(
                "The operating system is not able to handle the specified number of clients, try with {most}"
            )),
            _ => Ok(()),
        },
        "dir" => {
            config.dir = node.host.change_dir(&value)?;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Writes the directives into the configuration file: those that it has and those that are not as they are by default, or
/// all.
pub(super) fn rewrite(node: &Node, all: bool) -> Done {
    node.host.rewrite(&|old| node.config.rewritten(old, all))
}

impl Node {
    /// Whether a protected action is allowed to this client: `yes`, `no`, or `local`.
    pub(in crate::node) fn allows(&self, setting: &str, conn: crate::node::ConnId) -> bool {
        let local = || self.clients.get(&conn).is_none_or(|c| c.addr.is_local());
        setting == "yes" || (setting == "local" && local())
    }
}
