//! The commands that concern the server itself rather than a key: connection, transactions, replication, settings,
//! snapshots. They are rows of the same table as the data commands.

mod access;
mod client;
mod command;
mod connection;
mod debug;
#[cfg(not(target_arch = "wasm32"))]
mod docs;
mod ending;
mod observe;
mod replicaof;
mod settings;

use super::Session;
use super::commands::{self, Handler, NodeFn, Spec, flag};
use crate::wire::resp;
use access::{acl, cluster, lolwut, module};
use client::client;
use command::command;
use connection::{auth, hello, ping, quit, reset, select};
use debug::debug;
pub(super) use ending::Stopping;
pub use ending::Way;
use ending::{bgsave, save, shutdown};
use observe::{latency, monitor, slowlog};
use replicaof::replicaof;
use settings::{config_command, info, role, time};

const ANY_TIME: u32 = flag::LOADING | flag::STALE;

const fn row(name: &'static str, arity: i32, flags: u32, hint: &'static str, run: NodeFn) -> Spec {
    Spec {
        name,
        arity,
        flags,
        keys: (0, 0, 0),
        hint,
        handler: Handler::Node(run),
    }
}

/// A command that takes from the first of some keys that has something, and waits for it when none has.
const fn blocking(
    name: &'static str,
    arity: i32,
    flags: u32,
    keys: (i32, i32, i32),
    hint: &'static str,
) -> Spec {
    Spec {
        keys,
        ..row(name, arity, flags, hint, |node, s| node.take_or_wait(s))
    }
}

/// The server's half of the command table.
pub(super) static TABLE: &[Spec] = &[
    row("acl", -2, 0, "CAT|GETUSER|LIST|USERS|WHOAMI …", acl),
    row("asking", 1, flag::FAST, "", cluster),
    row("cluster", -2, 0, "INFO|…", cluster),
    row(
        "latency",
        -2,
        0,
        "HISTORY|LATEST|RESET|HISTOGRAM …",
        latency,
    ),
    row("lolwut", -1, flag::FAST, "[VERSION version]", lolwut),
    row(
        "memory",
        -2,
        0,
        "USAGE key [SAMPLES count]|STATS",
        |node, s| node.memory_command(s),
    ),
    row("module", -2, 0, "LIST", module),
    row("monitor", 1, ANY_TIME | flag::ADMIN, "", monitor),
    row("readonly", 1, ANY_TIME | flag::FAST, "", cluster),
    row("readwrite", 1, ANY_TIME | flag::FAST, "", cluster),
    row("slowlog", -2, ANY_TIME, "GET [count]|LEN|RESET", slowlog),
    row(
        "auth",
        -2,
        ANY_TIME | flag::FAST | flag::NO_AUTH,
        "[username] password",
        auth,
    ),
    row("bgsave", -1, flag::ADMIN, "[SCHEDULE]", bgsave),
    blocking(
        "blmove",
        6,
        flag::WRITE | flag::DENYOOM,
        (1, 2, 1),
        "source destination LEFT|RIGHT LEFT|RIGHT timeout",
    ),
    blocking(
        "blmpop",
        -5,
        flag::WRITE,
        (0, 0, 0),
        "timeout numkeys key [key ...] LEFT|RIGHT [COUNT count]",
    ),
    blocking(
        "blpop",
        -3,
        flag::WRITE,
        (1, -2, 1),
        "key [key ...] timeout",
    ),
    blocking(
        "brpop",
        -3,
        flag::WRITE,
        (1, -2, 1),
        "key [key ...] timeout",
    ),
    blocking(
        "brpoplpush",
        4,
        flag::WRITE | flag::DENYOOM,
        (1, 2, 1),
        "source destination timeout",
    ),
    blocking(
        "bzmpop",
        -5,
        flag::WRITE,
        (0, 0, 0),
        "timeout numkeys key [key ...] MIN|MAX [COUNT count]",
    ),
    blocking(
        "bzpopmax",
        -3,
        flag::WRITE | flag::FAST,
        (1, -2, 1),
        "key [key ...] timeout",
    ),
    blocking(
        "bzpopmin",
        -3,
        flag::WRITE | flag::FAST,
        (1, -2, 1),
        "key [key ...] timeout",
    ),
    row(
        "client",
        -2,
        ANY_TIME,
        "ID|INFO|LIST|GETNAME|SETNAME name|KILL …",
        client,
    ),
    row("command", -1, ANY_TIME, "[COUNT|LIST]", command),
    row(
        "config",
        -2,
        ANY_TIME | flag::ADMIN,
        "GET pattern | SET name value [name value …] | RESETSTAT",
        config_command,
    ),
    row(
        "debug",
        -2,
        ANY_TIME | flag::ADMIN,
        "DIGEST | SET-ACTIVE-EXPIRE 0|1 | CHANGE-REPL-ID",
        debug,
    ),
    row("discard", 1, ANY_TIME | flag::FAST, "", |node, s| {
        node.discard(s)
    }),
    row("echo", 2, ANY_TIME | flag::FAST, "message", |_, s| {
        reply_bulk(s, 1)
    }),
    row("exec", 1, ANY_TIME, "", |node, s| node.exec(s)),
    row(
        "failover",
        -1,
        flag::ADMIN | flag::STALE,
        "[TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]",
        |node, s| node.failover(s),
    ),
    row(
        "hello",
        -1,
        ANY_TIME | flag::FAST | flag::NO_AUTH,
        "[protover [AUTH username password] [SETNAME clientname]]",
        hello,
    ),
    row("info", -1, ANY_TIME, "[section …]", info),
    row("lastsave", 1, ANY_TIME | flag::FAST, "", |node, s| {
        integer(s, node.stats.last_save_unix_s)
    }),
    row("multi", 1, ANY_TIME | flag::FAST, "", |node, s| {
        node.multi(s)
    }),
    row("ping", -1, flag::FAST | flag::LOADING, "[message]", ping),
    row(
        "psubscribe",
        -2,
        ANY_TIME,
        "pattern [pattern ...]",
        |node, s| node.subscribe(s),
    ),
    row(
        "psync",
        -3,
        flag::ADMIN | flag::NO_MULTI,
        "replicationid offset",
        |node, s| node.psync(s),
    ),
    row(
        "publish",
        3,
        ANY_TIME | flag::FAST,
        "channel message",
        |node, s| node.publish(s),
    ),
    row(
        "pubsub",
        -2,
        ANY_TIME,
        "CHANNELS [pattern]|NUMSUB [channel ...]|NUMPAT|SHARDCHANNELS [pattern]|SHARDNUMSUB [channel ...]",
        |node, s| node.pubsub(s),
    ),
    row("punsubscribe", -1, ANY_TIME, "[pattern ...]", |node, s| {
        node.unsubscribe(s)
    }),
    row("quit", -1, ANY_TIME | flag::FAST | flag::NO_AUTH, "", quit),
    row(
        "replconf",
        -1,
        ANY_TIME | flag::ADMIN,
        "option value …",
        |node, s| node.replconf(s),
    ),
    row(
        "replicaof",
        3,
        flag::ADMIN | flag::STALE,
        "host port | NO ONE",
        replicaof,
    ),
    row("reset", 1, ANY_TIME | flag::FAST | flag::NO_AUTH, "", reset),
    row("role", 1, ANY_TIME | flag::FAST, "", role),
    row("save", 1, flag::ADMIN | flag::NO_MULTI, "", save),
    row("select", 2, ANY_TIME | flag::FAST, "index", select),
    row(
        "shutdown",
        -1,
        ANY_TIME | flag::ADMIN | flag::NO_MULTI,
        "[NOSAVE|SAVE] [NOW] [FORCE] [ABORT]",
        shutdown,
    ),
    row(
        "slaveof",
        3,
        flag::ADMIN | flag::STALE,
        "host port | NO ONE",
        replicaof,
    ),
    row(
        "spublish",
        3,
        ANY_TIME | flag::FAST,
        "shardchannel message",
        |node, s| node.publish(s),
    ),
    row(
        "ssubscribe",
        -2,
        ANY_TIME,
        "shardchannel [shardchannel ...]",
        |node, s| node.subscribe(s),
    ),
    row(
        "subscribe",
        -2,
        ANY_TIME,
        "channel [channel ...]",
        |node, s| node.subscribe(s),
    ),
    row(
        "sunsubscribe",
        -1,
        ANY_TIME,
        "[shardchannel ...]",
        |node, s| node.unsubscribe(s),
    ),
    row("sync", 1, flag::ADMIN | flag::NO_MULTI, "", |node, s| {
        node.psync(s)
    }),
    row("time", 1, ANY_TIME | flag::FAST, "", time),
    row("unsubscribe", -1, ANY_TIME, "[channel ...]", |node, s| {
        node.unsubscribe(s)
    }),
    row("unwatch", 1, ANY_TIME | flag::FAST, "", |node, s| {
        node.forget_watched(s.conn);
        ok(s)
    }),
    row("wait", 3, 0, "numreplicas timeout", |node, s| node.wait(s)),
    Spec {
        keys: (1, -1, 1),
        ..row(
            "watch",
            -2,
            ANY_TIME | flag::FAST,
            "key [key ...]",
            |node, s| node.watch(s),
        )
    },
];

type Done = Result<(), String>;

fn integer(s: &mut Session<'_>, n: i64) -> Done {
    resp::integer(&mut s.reply, n);
    Ok(())
}

fn ok(s: &mut Session<'_>) -> Done {
    resp::ok(&mut s.reply);
    Ok(())
}

fn reply_bulk(s: &mut Session<'_>, arg: usize) -> Done {
    let bytes = s.args[arg].clone();
    resp::bulk(&mut s.reply, &bytes);
    Ok(())
}

/// The reply to `HELP`: how each subcommand is called, and below it what it does.
pub(super) fn help(s: &mut Session<'_>, lines: &[(&str, &str)]) -> Done {
    let name = s.text(0).to_ascii_uppercase();
    let lines = lines
        .iter()
        .map(|(call, what)| format!("{call}\n    {what}"));
    let text = lines.collect::<Vec<_>>().join("\n");
    resp::help(&mut s.reply, &name, &text);
    Ok(())
}

/// Why a command is refused that has to be allowed by the configuration.
pub(super) fn not_allowed(command: &str, directive: &str) -> String {
    format!(
        "ERR {command} command not allowed. If the {directive} option is set to \"local\", you can run it from a local \
         connection, otherwise you need to set this option in the configuration file, and then restart the server."
    )
}

pub(super) fn unknown_subcommand(s: &Session<'_>) -> Done {
    let name = s.text(0).to_ascii_uppercase();
    Err(format!(
        "ERR unknown subcommand '{}'. Try {name} HELP.",
        s.text(1)
    ))
}
/// For the console of an onlooker: the names of all commands, and the hint of one.
pub fn hints() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE
        .iter()
        .chain(commands::DATA.iter())
        .map(|spec| (spec.name, spec.hint))
}
