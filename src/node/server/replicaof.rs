//! `REPLICAOF` and `SLAVEOF`.

use super::{Done, ok};
use crate::node::{Level, Node, Session};
use crate::wire::resp::{self, parse_i64};

pub(super) fn replicaof(node: &mut Node, s: &mut Session<'_>) -> Done {
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
    if node.is_replica(s.conn) {
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
