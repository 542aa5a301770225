//! `CLIENT`: what is known of the connections, and what may be done to them.

use super::connection::{client_reply, set_name};
use super::{Done, help, integer, ok, unknown_subcommand};
use crate::node::pause::Why;
use crate::node::session::Client;
use crate::node::{Addr, ConnId, Node, Output, Session, Upstream};
use crate::wire::resp::{self, parse_i64};

pub(super) fn client(node: &mut Node, s: &mut Session<'_>) -> Done {
    match s.word(1).as_str() {
        "id" => {
            let id = node.clients.get(&s.conn).map_or(0, |c| c.id);
            integer(s, id as i64)
        }
        "getname" => {
            let name = node.clients.get(&s.conn).map(|c| c.name.clone());
            match name.filter(|name| !name.is_empty()) {
                Some(name) => resp::bulk(&mut s.reply, &name),
                None => s.reply.nil(),
            }
            Ok(())
        }
        "setname" => {
            set_name(node, s, s.args[2].clone())?;
            ok(s)
        }
        "info" => {
            let line = node.client_line(s.conn) + "\n";
            s.reply.verbatim(*b"txt", line.as_bytes());
            Ok(())
        }
        "list" => list(node, s),
        "kill" if s.args.len() == 3 => kill_address(node, s),
        "kill" => kill_filtered(node, s),
        "pause" if s.args.len() <= 4 => node.pause_command(s),
        "unpause" => {
            node.unpause(Why::Command, s.out);
            ok(s)
        }
        "unblock" if s.args.len() <= 4 => node.unblock_command(s),
        "no-evict" => {
            let on = on_or_off(&s.word(2))?;
            if let Some(client) = node.clients.get_mut(&s.conn) {
                client.no_evict = on;
            }
            ok(s)
        }
        "reply" => client_reply(node, s),
        "getredir" => {
            let redirect = node.redirect(s.conn);
            integer(s, redirect)
        }
        "tracking" => node.tracking_command(s),
        "trackinginfo" => {
            node.tracking_info(s);
            Ok(())
        }
        "caching" => node.caching_command(s),
        "help" => help(
            s,
            &[
                (
                    "CACHING (YES|NO)",
                    "Whether the keys of the next command are tracked.",
                ),
                (
                    "GETREDIR",
                    "To which client messages about tracked keys go.",
                ),
                ("GETNAME", "The name of this connection."),
                ("ID", "The number of this connection."),
                ("INFO", "What is known of this connection."),
                ("KILL <ip:port>", "Closes the connection from that address."),
                (
                    "KILL <option> <value> [<option> <value> [...]]",
                    "Closes the connections to which all options apply: ADDR, LADDR, TYPE, USER, ID, SKIPME.",
                ),
                (
                    "LIST [TYPE (NORMAL|MASTER|REPLICA|PUBSUB)|ID <id> ...]",
                    "What is known of connections.",
                ),
                ("UNPAUSE", "Ends a pause."),
                (
                    "PAUSE <timeout> [WRITE|ALL]",
                    "Holds back commands for so many milliseconds.",
                ),
                (
                    "REPLY (ON|OFF|SKIP)",
                    "Whether this connection gets replies.",
                ),
                ("SETNAME <name>", "Gives this connection a name."),
                (
                    "UNBLOCK <clientid> [TIMEOUT|ERROR]",
                    "Lets a connection wait no longer.",
                ),
                (
                    "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]] [OPTIN] [OPTOUT] [NOLOOP]",
                    "Whether this connection is told when keys change that it has read, or that begin with a prefix.",
                ),
                (
                    "TRACKINGINFO",
                    "What of that is in force for this connection.",
                ),
                (
                    "NO-EVICT (ON|OFF)",
                    "Whether this connection may be closed to save memory.",
                ),
            ],
        ),
        sub if s.args.len() > 2 && ["pause", "unblock"].contains(&sub) => Err(format!(
            "ERR unknown subcommand or wrong number of arguments for '{}'. Try CLIENT HELP.",
            s.text(1)
        )),
        _ => unknown_subcommand(s),
    }
}

fn on_or_off(word: &str) -> Result<bool, String> {
    match word {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("ERR syntax error".into()),
    }
}

/// What `TYPE` may name.
fn kind(text: &str) -> Result<&'static str, String> {
    match text.to_ascii_lowercase().as_str() {
        "normal" => Ok("normal"),
        "slave" | "replica" => Ok("slave"),
        "pubsub" => Ok("pubsub"),
        "master" => Ok("master"),
        _ => Err(format!("ERR Unknown client type '{text}'")),
    }
}

/// `CLIENT LIST [TYPE type | ID id …]`.
fn list(node: &Node, s: &mut Session<'_>) -> Done {
    let all = || node.connections();
    let conns: Vec<ConnId> = match (s.args.len(), s.word(2).as_str()) {
        (2, _) => all().collect(),
        (4, "type") => {
            let wanted = kind(&s.text(3))?;
            all()
                .filter(|conn| node.client_kind(*conn) == wanted)
                .collect()
        }
        (4.., "id") => {
            let mut conns = Vec::new();
            for arg in &s.args[3..] {
                let id = parse_i64(arg).ok_or("ERR Invalid client ID")?;
                conns.extend(all().find(|conn| node.client_id(*conn) as i64 == id));
            }
            conns
        }
        _ => return Err("ERR syntax error".into()),
    };
    let lines: String = conns
        .into_iter()
        .map(|conn| node.client_line(conn) + "\n")
        .collect();
    s.reply.verbatim(*b"txt", lines.as_bytes());
    Ok(())
}

/// Closes a connection, one's own after the reply.
fn kill(node: &mut Node, s: &mut Session<'_>, conn: ConnId) {
    if conn == s.conn {
        if let Some(client) = node.clients.get_mut(&conn) {
            client.close_after_reply = true;
        }
    } else if node.master_conn() == Some(conn) {
        s.out.push(Output::Close(conn));
        node.master_lost(s.out);
    } else {
        node.close_client(conn, s.out);
    }
}

/// `CLIENT KILL ip:port`, which may be one's own.
fn kill_address(node: &mut Node, s: &mut Session<'_>) -> Done {
    let addr = s.text(2);
    let at = |conn: &ConnId| {
        node.client_addr(*conn)
            .is_some_and(|own| own.to_string() == addr)
    };
    let found = node.connections().find(at);
    let conn = found.ok_or("ERR No such client")?;
    kill(node, s, conn);
    ok(s)
}

/// `CLIENT KILL ID|ADDR|LADDR|TYPE|USER|SKIPME value …`: how many were killed.
fn kill_filtered(node: &mut Node, s: &mut Session<'_>) -> Done {
    let (mut id, mut addr, mut laddr, mut wanted, mut skip_me) = (None, None, None, None, true);
    if s.args.len().is_multiple_of(2) {
        for i in (2..s.args.len()).step_by(2) {
            let value = s.text(i + 1);
            match s.word(i).as_str() {
                "id" => {
                    let given = parse_i64(value.as_bytes()).filter(|&n| n > 0);
                    id = Some(given.ok_or("ERR client-id should be greater than 0")?);
                }
                "addr" => addr = Some(value),
                "laddr" => laddr = Some(value),
                "type" => wanted = Some(kind(&value)?),
                "user" if value == "default" => {}
                "user" => return Err(format!("ERR No such user '{value}'")),
                "skipme" => {
                    skip_me = match s.word(i + 1).as_str() {
                        "yes" => true,
                        "no" => false,
                        _ => return Err("ERR syntax error".into()),
                    };
                }
                _ => return Err("ERR syntax error".into()),
            }
        }
    } else {
        return Err("ERR syntax error".into());
    }
    let fits = |conn: &ConnId| {
        let local = node.clients.get(conn).map(|c| &c.local);
        let at = |wanted: &Option<String>, own: Option<&Addr>| {
            let wanted = wanted.as_ref();
            wanted.is_none_or(|w| own.is_some_and(|own| own.to_string() == *w))
        };
        id.is_none_or(|id| node.client_id(*conn) as i64 == id)
            && at(&addr, node.client_addr(*conn))
            && at(&laddr, local)
            && wanted.is_none_or(|kind| node.client_kind(*conn) == kind)
            && !(skip_me && *conn == s.conn)
    };
    let found: Vec<ConnId> = node.connections().filter(fits).collect();
    for conn in &found {
        kill(node, s, *conn);
    }
    integer(s, found.len() as i64)
}

impl Node {
    fn master_conn(&self) -> Option<ConnId> {
        let upstream = self.upstream.as_ref().filter(|u| u.connected());
        upstream.and_then(Upstream::conn)
    }

    /// All clients; the master is one when it is online.
    fn connections(&self) -> impl Iterator<Item = ConnId> {
        self.clients.keys().copied().chain(self.master_conn())
    }

    /// The number of a client, and where it is; of the master when it is none of the others.
    fn client_id(&self, conn: ConnId) -> u64 {
        let master = || {
            self.upstream
                .as_ref()
                .and_then(|u| u.client)
                .map_or(0, |c| c.id)
        };
        self.clients
            .get(&conn)
            .map_or_else(master, |client| client.id)
    }

    fn client_addr(&self, conn: ConnId) -> Option<&Addr> {
        let master = || self.upstream.as_ref().map(|u| &u.addr);
        self.clients.get(&conn).map(|c| &c.addr).or_else(master)
    }

    /// The class of a client, as `CLIENT LIST TYPE` names it.
    fn client_kind(&self, conn: ConnId) -> &'static str {
        match self.clients.get(&conn) {
            None => "master",
            Some(client) if client.replica.is_some() => "slave",
            Some(_) if self.listens(conn) => "pubsub",
            Some(_) => "normal",
        }
    }

    fn client_flags(&self, conn: ConnId, client: &Client) -> String {
        let [tracks, broken, broadcasts] = self.tracking_flags(conn);
        let flags = [
            ('S', client.replica.is_some()),
            ('O', self.monitors.contains(&conn)),
            ('P', self.listens(conn)),
            ('x', client.multi.is_some()),
            ('b', client.blocked.is_some()),
            ('t', tracks),
            ('R', broken),
            ('B', broadcasts),
            ('d', client.touched),
            ('c', client.close_after_reply),
            ('U', client.addr.is_path()),
            ('e', client.no_evict),
        ];
        let set: String = flags
            .iter()
            .filter(|(_, on)| *on)
            .map(|(c, _)| *c)
            .collect();
        if set.is_empty() { "N".into() } else { set }
    }

    /// A line of `CLIENT LIST` (`catClientInfoString`), without its end.
    pub(in crate::node) fn client_line(&self, conn: ConnId) -> String {
        let Some(client) = self.clients.get(&conn) else {
            return self.master_line(conn);
        };
        let [channels, patterns, shards] = client.subscriptions;
        let pending = client.pending;
        let multi = client.multi.as_ref();
        let queued = multi.map_or(-1, |m| m.queue.len() as i64);
        let queued_bytes = multi.map_or(0, |m| m.bytes);
        let f = self.figures(conn, client);
        let query = if client.inbuf.is_empty() {
            client.query
        } else {
            f.left.rest
        };
        format!(
            "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub={channels} psub={patterns} \
             ssub={shards} multi={queued} qbuf={query} qbuf-free={} argv-mem={} multi-mem={queued_bytes} rbs={} rbp={} \
             obl={} oll={} omem={} tot-mem={} events={} cmd={} user=default redir={} resp={}",
            client.id,
            client.addr,
            client.local,
            conn.0,
            String::from_utf8_lossy(&client.name),
            self.seconds_since(client.since),
            self.seconds_since(client.last_at),
            self.client_flags(conn, client),
            client.db,
            f.buffers.query.saturating_sub(query as u64),
            client.args_bytes + f.left.args_bytes,
            f.buffers.reply,
            f.buffers.reply_peak,
            self.replied(conn, client),
            f.blocks,
            f.omem,
            f.total,
            if pending > 0 { "rw" } else { "r" },
            client.last_command.map_or("NULL", |command| command.name),
            self.redirect(conn),
            if client.resp3 { 3 } else { 2 },
        )
    }

    /// The link to the master.
    fn master_line(&self, conn: ConnId) -> String {
        let Some(upstream) = &self.upstream else {
            return String::new();
        };
        let kept = upstream.kept();
        format!(
            "id={} addr={} laddr=127.0.0.1:{} fd={} name= age={} idle={} flags=M db={} sub=0 psub=0 ssub=0 multi=-1 \
             qbuf={kept} qbuf-free=0 argv-mem=0 multi-mem=0 rbs=1024 rbp=0 obl=0 oll=0 omem=0 tot-mem=1024 events=r \
             cmd={} user=(superuser) redir=-1 resp=2",
            self.client_id(conn),
            upstream.addr,
            self.config.port,
            conn.0,
            upstream
                .client
                .map_or(0, |client| self.seconds_since(client.since)),
            self.seconds_since(upstream.last_io),
            upstream.db(),
            upstream.last_command().unwrap_or("NULL"),
        )
    }
}
