//! The commands that concern the server itself rather than a key: connection, transactions, replication, settings,
//! snapshots. They are rows of the same table as the data commands.

use super::blocked::On;
use super::commands::glob::matches as glob;
use super::commands::{self, Handler, NodeFn, Spec, flag};
use super::config;
use super::pause::Why;
use super::{Level, Node, Output, Session};
use crate::wire::Bytes;
use crate::wire::resp::{self, parse_i64};

const ANY_TIME: u16 = flag::LOADING | flag::STALE;

const fn row(name: &'static str, arity: i32, flags: u16, hint: &'static str, run: NodeFn) -> Spec {
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
    flags: u16,
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
        "CHANNELS [pattern]|NUMSUB [channel ...]|NUMPAT",
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
        "subscribe",
        -2,
        ANY_TIME,
        "channel [channel ...]",
        |node, s| node.subscribe(s),
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

fn unknown_subcommand(s: &Session<'_>) -> Done {
    let name = s.text(0).to_ascii_uppercase();
    Err(format!(
        "ERR unknown subcommand '{}'. Try {name} HELP.",
        s.text(1)
    ))
}

// --- connection ------------------------------------------------------------------------------------------------------

fn ping(node: &mut Node, s: &mut Session<'_>) -> Done {
    if s.args.len() <= 2 && node.subscriptions(s.conn) > 0 {
        let text = s.args.get(1).cloned().unwrap_or_default();
        resp::command_into(&mut s.reply, &[&b"pong"[..], &text]);
        return Ok(());
    }
    match s.args.len() {
        1 => resp::simple(&mut s.reply, "PONG"),
        2 => return reply_bulk(s, 1),
        _ => return Err("ERR wrong number of arguments for 'ping' command".into()),
    }
    Ok(())
}

fn auth(node: &mut Node, s: &mut Session<'_>) -> Done {
    if s.args.len() > 3 {
        return Err("ERR syntax error".into());
    }
    if s.args.len() == 2 && node.config.requirepass.is_empty() {
        return Err(
            "ERR AUTH <password> called without any password configured for the default user. \
                    Are you sure your configuration is correct?"
                .into(),
        );
    }
    let (user, password) = if s.args.len() == 3 {
        (s.text(1), &s.args[2])
    } else {
        ("default".to_string(), &s.args[1])
    };
    authenticate(node, s, &user, &password.clone())?;
    ok(s)
}

fn authenticate(node: &mut Node, s: &Session<'_>, user: &str, password: &[u8]) -> Done {
    let right = node.config.requirepass.as_bytes();
    if user != "default" || (!right.is_empty() && right != password) {
        return Err("WRONGPASS invalid username-password pair or user is disabled.".into());
    }
    if let Some(client) = node.clients.get_mut(&s.conn) {
        client.authenticated = true;
    }
    Ok(())
}

fn hello(node: &mut Node, s: &mut Session<'_>) -> Done {
    let mut i = 2;
    if s.args.len() > 1 {
        match parse_i64(&s.args[1]) {
            Some(2) => {}
            Some(_) => return Err("NOPROTO unsupported protocol version".into()),
            None => return Err("ERR Protocol version is not an integer or out of range".into()),
        }
    }
    while i < s.args.len() {
        match s.word(i).as_str() {
            "auth" if i + 2 < s.args.len() => {
                let password = s.args[i + 2].clone();
                authenticate(node, s, &s.text(i + 1), &password)?;
                i += 3;
            }
            "setname" if i + 1 < s.args.len() => {
                set_name(node, s, s.args[i + 1].clone())?;
                i += 2;
            }
            _ => return Err(format!("ERR Syntax error in HELLO option '{}'", s.text(i))),
        }
    }
    let Some(client) = node.clients.get(&s.conn) else {
        return Ok(());
    };
    if !client.authenticated {
        return Err("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> \
                    <pass> option can be used to authenticate the client and select the RESP protocol version at the same time"
            .into());
    }
    let id = client.id as i64;
    resp::array_len(&mut s.reply, 14);
    let role: &[u8] = if node.upstream.is_some() {
        b"replica"
    } else {
        b"master"
    };
    let text: [(&[u8], &[u8]); 2] = [(b"server", b"redis"), (b"version", b"7.0.15")];
    for (name, value) in text {
        resp::bulk(&mut s.reply, name);
        resp::bulk(&mut s.reply, value);
    }
    for (name, value) in [(&b"proto"[..], 2), (b"id", id)] {
        resp::bulk(&mut s.reply, name);
        resp::integer(&mut s.reply, value);
    }
    for (name, value) in [(&b"mode"[..], &b"standalone"[..]), (b"role", role)] {
        resp::bulk(&mut s.reply, name);
        resp::bulk(&mut s.reply, value);
    }
    resp::bulk(&mut s.reply, b"modules");
    resp::array_len(&mut s.reply, 0);
    Ok(())
}

fn quit(node: &mut Node, s: &mut Session<'_>) -> Done {
    if let Some(client) = node.clients.get_mut(&s.conn) {
        client.close_after_reply = true;
    }
    ok(s)
}

fn reset(node: &mut Node, s: &mut Session<'_>) -> Done {
    let open = node.config.requirepass.is_empty();
    node.forget_watched(s.conn);
    node.forget_subscriptions(s.conn);
    if let Some(client) = node.clients.get_mut(&s.conn) {
        client.multi = None;
        client.db = 0;
        client.authenticated = open;
        client.name = Bytes::from(&b""[..]);
    }
    resp::simple(&mut s.reply, "RESET");
    Ok(())
}

fn select(node: &mut Node, s: &mut Session<'_>) -> Done {
    let index = parse_i64(&s.args[1]).ok_or("ERR value is not an integer or out of range")?;
    if index < 0 || index as usize >= node.keyspace.databases() {
        return Err("ERR DB index is out of range".into());
    }
    if let Some(client) = node.clients.get_mut(&s.conn) {
        client.db = index as usize;
    }
    ok(s)
}

fn set_name(node: &mut Node, s: &Session<'_>, name: Bytes) -> Done {
    if !name.iter().all(u8::is_ascii_graphic) {
        return Err(
            "ERR Client names cannot contain spaces, newlines or special characters.".into(),
        );
    }
    if let Some(client) = node.clients.get_mut(&s.conn) {
        client.name = name;
    }
    Ok(())
}

fn client(node: &mut Node, s: &mut Session<'_>) -> Done {
    match (s.word(1).as_str(), s.args.len()) {
        ("id", 2) => {
            let id = node.clients.get(&s.conn).map_or(0, |c| c.id);
            integer(s, id as i64)
        }
        ("getname", 2) => {
            let name = node
                .clients
                .get(&s.conn)
                .map(|c| c.name.clone())
                .unwrap_or_default();
            if name.is_empty() {
                resp::nil(&mut s.reply);
            } else {
                resp::bulk(&mut s.reply, &name);
            }
            Ok(())
        }
        ("setname", 3) => {
            set_name(node, s, s.args[2].clone())?;
            ok(s)
        }
        ("info", 2) | ("list", 2) => {
            let own = s.word(1) == "info";
            let lines: String = node
                .clients
                .iter()
                .filter(|(conn, _)| !own || **conn == s.conn)
                .map(|(_, c)| client_line(node, c))
                .collect();
            resp::bulk(&mut s.reply, lines.as_bytes());
            Ok(())
        }
        ("kill", 3) => {
            let addr = s.text(2);
            let found = node
                .clients
                .iter()
                .find(|(_, c)| c.addr.to_string() == addr)
                .map(|(conn, _)| *conn);
            let conn = found.ok_or("ERR No such client")?;
            kill(node, s, conn);
            ok(s)
        }
        ("kill", n) if n > 3 && n % 2 == 0 => kill_filtered(node, s),
        ("unblock", 3 | 4) => node.unblock_command(s),
        ("pause", 3 | 4) => node.pause_command(s),
        ("unpause", 2) => {
            node.unpause(Why::Command, s.out);
            ok(s)
        }
        ("no-evict", 3) if !matches!(s.word(2).as_str(), "on" | "off") => {
            Err("ERR syntax error".into())
        }
        ("no-evict" | "reply", 3) => ok(s),
        (
            "id" | "getname" | "setname" | "info" | "list" | "kill" | "pause" | "unpause"
            | "unblock" | "no-evict",
            _,
        ) => Err(format!(
            "ERR wrong number of arguments for 'client|{}' command",
            s.word(1)
        )),
        _ => unknown_subcommand(s),
    }
}

fn client_line(node: &Node, c: &super::session::Client) -> String {
    let flags = if c.replica.is_some() {
        "S"
    } else if c.multi.is_some() {
        "x"
    } else {
        "N"
    };
    let age = node.seconds_since(c.since);
    format!(
        "id={} addr={} name={} age={age} flags={flags} db={}\n",
        c.id,
        c.addr,
        String::from_utf8_lossy(&c.name),
        c.db
    )
}

fn kill(node: &mut Node, s: &mut Session<'_>, conn: super::ConnId) {
    if conn == s.conn {
        if let Some(client) = node.clients.get_mut(&conn) {
            client.close_after_reply = true;
        }
    } else {
        node.close_client(conn, s.out);
    }
}

/// `CLIENT KILL ID|ADDR|TYPE|SKIPME value …`: how many were killed.
fn kill_filtered(node: &mut Node, s: &mut Session<'_>) -> Done {
    let (mut id, mut addr, mut kind, mut skip_me) = (None, None, None, true);
    for i in (2..s.args.len()).step_by(2) {
        let value = s.text(i + 1);
        match s.word(i).as_str() {
            "id" => {
                id = Some(
                    parse_i64(value.as_bytes())
                        .filter(|&n| n > 0)
                        .ok_or("ERR client-id should be greater than 0")?,
                );
            }
            "addr" => addr = Some(value),
            "type" => match value.to_ascii_lowercase().as_str() {
                k @ ("normal" | "master" | "replica" | "slave" | "pubsub") => {
                    kind = Some(k.replace("slave", "replica"));
                }
                _ => return Err(format!("ERR Unknown client type '{value}'")),
            },
            "skipme" => skip_me = !value.eq_ignore_ascii_case("no"),
            _ => return Err("ERR syntax error".into()),
        }
    }
    let mut killed = 0;
    if kind.as_deref() == Some("master") {
        if let Some(conn) = node.upstream.as_ref().and_then(super::Upstream::conn) {
            s.out.push(Output::Close(conn));
            node.master_lost(s.out);
            killed = 1;
        }
        return integer(s, killed);
    }
    let matches = |c: &super::session::Client| {
        id.is_none_or(|id| c.id as i64 == id)
            && addr.as_ref().is_none_or(|a| c.addr.to_string() == *a)
            && kind
                .as_ref()
                .is_none_or(|k| (k == "replica") == c.replica.is_some())
    };
    let listens = |conn| {
        kind.is_none() || (kind.as_deref() == Some("pubsub")) == (node.subscriptions(conn) > 0)
    };
    let found: Vec<_> = node
        .clients
        .iter()
        .filter(|(conn, c)| matches(c) && listens(**conn) && !(skip_me && **conn == s.conn))
        .map(|(conn, _)| *conn)
        .collect();
    for conn in found {
        kill(node, s, conn);
        killed += 1;
    }
    integer(s, killed)
}

fn command(_: &mut Node, s: &mut Session<'_>) -> Done {
    let all = || TABLE.iter().chain(commands::DATA.iter());
    match s.word(1).as_str() {
        "count" => integer(s, all().count() as i64),
        "list" => {
            resp::command_into(
                &mut s.reply,
                &all().map(|spec| spec.name).collect::<Vec<_>>(),
            );
            Ok(())
        }
        "docs" => {
            resp::array_len(&mut s.reply, 0);
            Ok(())
        }
        "" | "info" => {
            let wanted: Vec<Option<&Spec>> = if s.args.len() > 2 {
                (2..s.args.len())
                    .map(|i| all().find(|spec| spec.name == s.word(i)))
                    .collect()
            } else {
                all().map(Some).collect()
            };
            resp::array_len(&mut s.reply, wanted.len());
            for spec in wanted {
                match spec {
                    Some(spec) => describe(&mut s.reply, spec),
                    None => resp::nil_array(&mut s.reply),
                }
            }
            Ok(())
        }
        _ => unknown_subcommand(s),
    }
}

fn describe(reply: &mut Vec<u8>, spec: &Spec) {
    const NAMES: [(u16, &str); 10] = [
        (flag::WRITE, "write"),
        (flag::READONLY, "readonly"),
        (flag::DENYOOM, "denyoom"),
        (flag::ADMIN, "admin"),
        (flag::NOSCRIPT, "noscript"),
        (flag::LOADING, "loading"),
        (flag::STALE, "stale"),
        (flag::FAST, "fast"),
        (flag::NO_AUTH, "no_auth"),
        (flag::NO_MULTI, "no_multi"),
    ];
    resp::array_len(reply, 6);
    resp::bulk(reply, spec.name.as_bytes());
    resp::integer(reply, i64::from(spec.arity));
    let flags: Vec<&str> = NAMES
        .iter()
        .filter(|(bit, _)| spec.flags & bit != 0)
        .map(|(_, name)| *name)
        .collect();
    resp::array_len(reply, flags.len());
    for name in flags {
        resp::simple(reply, name);
    }
    for n in [spec.keys.0, spec.keys.1, spec.keys.2] {
        resp::integer(reply, i64::from(n));
    }
}

// --- settings and introspection --------------------------------------------------------------------------------------

fn info(node: &mut Node, s: &mut Session<'_>) -> Done {
    let sections: Vec<String> = (1..s.args.len()).map(|i| s.word(i)).collect();
    resp::bulk(&mut s.reply, node.info(&sections).as_bytes());
    Ok(())
}

fn role(node: &mut Node, s: &mut Session<'_>) -> Done {
    node.role(&mut s.reply);
    Ok(())
}

fn time(node: &mut Node, s: &mut Session<'_>) -> Done {
    let us = node.now.0;
    resp::command_into(
        &mut s.reply,
        &[(us / 1_000_000).to_string(), (us % 1_000_000).to_string()],
    );
    Ok(())
}

fn config_command(node: &mut Node, s: &mut Session<'_>) -> Done {
    match (s.word(1).as_str(), s.args.len()) {
        ("get", 3..) => {
            let patterns: Vec<Vec<u8>> =
                s.args[2..].iter().map(|p| p.to_ascii_lowercase()).collect();
            let found: Vec<&str> = config::names()
                .filter(|name| patterns.iter().any(|p| glob(p, name.as_bytes())))
                .collect();
            let pairs: Vec<String> = found
                .iter()
                .flat_map(|name| [name.to_string(), node.config.get(name).unwrap_or_default()])
                .collect();
            resp::command_into(&mut s.reply, &pairs);
            Ok(())
        }
        ("set", n) if n >= 4 && n % 2 == 0 => config_set(node, s),
        ("resetstat", 2) => {
            node.stats = super::Stats {
                dirty: node.stats.dirty,
                last_save_unix_s: node.stats.last_save_unix_s,
                ..super::Stats::default()
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

fn debug(node: &mut Node, s: &mut Session<'_>) -> Done {
    match (s.word(1).as_str(), s.args.len()) {
        ("digest", 2) => {
            let hex: String = node
                .keyspace
                .digest()
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect();
            resp::simple(&mut s.reply, &hex);
            Ok(())
        }
        ("set-active-expire", 3) => {
            node.active_expire = s.text(2) != "0";
            ok(s)
        }
        ("change-repl-id", 2) => {
            node.history.renew(&mut node.rng);
            ok(s)
        }
        _ => Err(format!(
            "ERR DEBUG {} is not one of DIGEST, SET-ACTIVE-EXPIRE, CHANGE-REPL-ID",
            s.text(1).to_ascii_uppercase()
        )),
    }
}

// --- replication and snapshots ---------------------------------------------------------------------------------------

fn replicaof(node: &mut Node, s: &mut Session<'_>) -> Done {
    if node.failover.is_some() {
        return Err("ERR REPLICAOF not allowed while failing over.".into());
    }
    let user = node
        .clients
        .get(&s.conn)
        .map(|c| {
            format!(
                "id={} addr={} name={}",
                c.id,
                c.addr,
                String::from_utf8_lossy(&c.name)
            )
        })
        .unwrap_or_default();
    if s.word(1) == "no" && s.word(2) == "one" {
        if node.upstream.is_some() {
            s.out.log(
                Level::Notice,
                format!("MASTER MODE enabled (user request from '{user}')"),
            );
            node.promote(s.out);
        }
        return ok(s);
    }
    if node
        .clients
        .get(&s.conn)
        .is_some_and(|c| c.replica.is_some())
    {
        return Err("ERR Command is not valid when client is a replica.".into());
    }
    let port = parse_i64(&s.args[2])
        .and_then(|p| u16::try_from(p).ok())
        .ok_or("ERR Invalid master port")?;
    let host = s.text(1);
    if node
        .upstream
        .as_ref()
        .is_some_and(|u| u.addr.host.eq_ignore_ascii_case(&host) && u.addr.port == port)
    {
        s.out.log(Level::Notice, "REPLICAOF would result into synchronization with the master we are already connected with. No operation performed.");
        resp::simple(&mut s.reply, "OK Already connected to specified master");
        return Ok(());
    }
    node.follow(host.clone(), port, s.out);
    s.out.log(
        Level::Notice,
        format!("REPLICAOF {host}:{port} enabled (user request from '{user}')"),
    );
    ok(s)
}

fn save(node: &mut Node, s: &mut Session<'_>) -> Done {
    if node.child.is_some() {
        return Err("ERR Background save already in progress".into());
    }
    let save = node.new_save();
    s.out.push(Output::Save(Box::new(save)));
    node.stats.last_save_unix_s = node.now.unix_s();
    node.stats.dirty = 0;
    s.out.log(Level::Notice, "DB saved on disk");
    ok(s)
}

fn bgsave(node: &mut Node, s: &mut Session<'_>) -> Done {
    if node.child.is_some() {
        return Err("ERR Background save already in progress".into());
    }
    node.fork(false, true, s.out);
    resp::simple(&mut s.reply, "Background saving started");
    Ok(())
}

/// `SHUTDOWN [NOSAVE|SAVE] [NOW] [FORCE] | ABORT`.
fn shutdown(node: &mut Node, s: &mut Session<'_>) -> Done {
    let words: Vec<String> = (1..s.args.len()).map(|i| s.word(i)).collect();
    let has = |word: &str| words.iter().any(|w| w == word);
    let known = ["save", "nosave", "now", "force", "abort"];
    if words.iter().any(|w| !known.contains(&w.as_str()))
        || (has("save") && has("nosave"))
        || (has("abort") && words.len() > 1)
    {
        return Err("ERR syntax error".into());
    }
    if has("abort") {
        if node.stopping.take().is_none() {
            return Err("ERR No shutdown in progress.".into());
        }
        s.out.log(Level::Notice, "Shutdown manually aborted.");
        for conn in node.blocked.clone() {
            let blocked = node.clients.get(&conn).and_then(|c| c.blocked.as_ref());
            if blocked.is_some_and(|b| matches!(b.on, On::Shutdown)) {
                let text = b"-ERR Errors trying to SHUTDOWN. Check logs.\r\n";
                node.unblock(conn, text, s.out);
            }
        }
        node.unpause(Why::Shutdown, s.out);
        return ok(s);
    }
    let save = has("save") || (!node.config.save.is_empty() && !has("nosave"));
    s.out.log(Level::Warning, "User requested shutdown...");
    node.stop(save, has("now"), s.out);
    if node.stopping.is_some() {
        node.block(s.conn, crate::time::Instant(0), On::Shutdown);
    }
    Ok(())
}

/// The process will end when the replicas have everything, or then.
#[derive(Clone, Debug)]
pub(super) struct Stopping {
    pub until: crate::time::Instant,
    save: bool,
}

impl Node {
    /// Ends the process in order, as SIGTERM does, with a snapshot when one is wanted. Unless it has to be `now`, replicas
    /// that lack something get some time to fetch it.
    pub fn stop(&mut self, save: bool, now: bool, out: &mut super::Outbox) {
        let patience = self.config.shutdown_timeout_s;
        if now || patience == 0 || self.replicas_have_all() {
            return self.end(save, out);
        }
        if self.stopping.is_none() {
            out.log(Level::Notice, "Waiting for replicas before shutting down.");
            self.ask_for_acks(out);
            self.pause(Why::Shutdown, false, None);
            let until = self.now.after(patience * crate::time::SECOND_US);
            self.stopping = Some(Stopping { until, save });
        }
    }

    pub(super) fn stop_when_ready(&mut self, out: &mut super::Outbox) {
        if let Some(Stopping { until, save }) = self.stopping
            && (until <= self.now || self.replicas_have_all())
        {
            self.stopping = None;
            let all = self.replicas.len();
            let synced = self.acknowledged(self.history.offset);
            out.log(
                Level::Notice,
                format!("{synced} of {all} replicas are in sync when shutting down."),
            );
            self.end(save, out);
        }
    }

    fn end(&mut self, save: bool, out: &mut super::Outbox) {
        if save {
            out.log(
                Level::Notice,
                "Saving the final RDB snapshot before exiting.",
            );
            let save = self.new_save();
            out.push(Output::Save(Box::new(save)));
            out.log(Level::Notice, "DB saved on disk");
        }
        out.log(Level::Warning, "Redis is now ready to exit, bye bye...");
        out.push(Output::Exit(0));
    }
}

/// For the console of an onlooker: the names of all commands, and the hint of one.
pub fn hints() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE
        .iter()
        .chain(commands::DATA.iter())
        .map(|spec| (spec.name, spec.hint))
}
