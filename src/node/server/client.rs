//! `CLIENT`: what is known of the connections, and what may be done to them.

use super::connection::{client_reply, set_name};
use super::{Done, integer, ok, unknown_subcommand};
use crate::node::pause::Why;
use crate::node::session::Client;
use crate::node::{ConnId, Node, Output, Session, Upstream};
use crate::wire::resp::{self, parse_i64};

pub(super) fn client(node: &mut Node, s: &mut Session<'_>) -> Done {
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
                s.reply.nil();
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
            s.reply.verbatim(*b"txt", lines.as_bytes());
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
        ("no-evict", 3) => ok(s),
        ("reply", 3) => client_reply(node, s),
        (
            "id" | "getname" | "setname" | "info" | "list" | "kill" | "pause" | "unpause"
            | "unblock" | "no-evict" | "reply",
            _,
        ) => Err(format!(
            "ERR wrong number of arguments for 'client|{}' command",
            s.word(1)
        )),
        _ => unknown_subcommand(s),
    }
}

fn client_line(node: &Node, c: &Client) -> String {
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

fn kill(node: &mut Node, s: &mut Session<'_>, conn: ConnId) {
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
        if let Some(conn) = node.upstream.as_ref().and_then(Upstream::conn) {
            s.out.push(Output::Close(conn));
            node.master_lost(s.out);
            killed = 1;
        }
        return integer(s, killed);
    }
    let matches = |c: &Client| {
        id.is_none_or(|id| c.id as i64 == id)
            && addr.as_ref().is_none_or(|a| c.addr.to_string() == *a)
            && kind
                .as_ref()
                .is_none_or(|k| (k == "replica") == c.replica.is_some())
    };
    let listens =
        |conn| kind.is_none() || (kind.as_deref() == Some("pubsub")) == node.listens(conn);
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
