//! Commands on the connection itself: who is there, in which database, with which password and protocol.

use super::{Done, ok, reply_bulk};
use crate::node::session::Replies;
use crate::node::{Node, Session};
use crate::wire::Bytes;
use crate::wire::resp::{self, parse_i64};

pub(super) fn ping(node: &mut Node, s: &mut Session<'_>) -> Done {
    if s.args.len() <= 2 && !s.reply.resp3 && node.listens(s.conn) {
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

pub(super) fn auth(node: &mut Node, s: &mut Session<'_>) -> Done {
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

pub(super) fn hello(node: &mut Node, s: &mut Session<'_>) -> Done {
    let (mut i, mut version) = (2, None);
    if s.args.len() > 1 {
        match parse_i64(&s.args[1]) {
            Some(n @ 2..=3) => version = Some(n),
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
    let Some(client) = node.clients.get_mut(&s.conn) else {
        return Ok(());
    };
    if !client.authenticated {
        return Err("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> \
                    <pass> option can be used to authenticate the client and select the RESP protocol version at the same time"
            .into());
    }
    if let Some(version) = version {
        client.resp3 = version == 3;
        s.reply.resp3 = client.resp3;
    }
    let (id, proto) = (client.id as i64, if client.resp3 { 3 } else { 2 });
    s.reply.map(7);
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
    for (name, value) in [(&b"proto"[..], proto), (b"id", id)] {
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

pub(super) fn quit(node: &mut Node, s: &mut Session<'_>) -> Done {
    if let Some(client) = node.clients.get_mut(&s.conn) {
        client.close_after_reply = true;
    }
    ok(s)
}

pub(super) fn reset(node: &mut Node, s: &mut Session<'_>) -> Done {
    let open = node.config.requirepass.is_empty();
    let client = node.clients.get(&s.conn);
    if client.is_some_and(|client| client.replica.is_some()) {
        return Err("ERR can only reset normal client connections".into());
    }
    node.forget_watched(s.conn);
    node.forget_subscriptions(s.conn);
    node.stop_tracking(s.conn);
    let conn = s.conn;
    node.monitors.retain(|monitor| *monitor != conn);
    if let Some(client) = node.clients.get_mut(&s.conn) {
        client.multi = None;
        client.db = 0;
        client.authenticated = open;
        client.name = Bytes::from(&b""[..]);
        client.resp3 = false;
        client.replies = Replies::On;
    }
    s.reply.resp3 = false;
    resp::simple(&mut s.reply, "RESET");
    Ok(())
}

/// `CLIENT REPLY ON|OFF|SKIP`; only `ON` is answered.
pub(super) fn client_reply(node: &mut Node, s: &mut Session<'_>) -> Done {
    let off = node.clients.get(&s.conn).map(|client| client.replies) == Some(Replies::Off);
    let replies = match s.word(2).as_str() {
        "on" => Replies::On,
        "off" => Replies::Off,
        "skip" if off => Replies::Off,
        "skip" => Replies::SkipNext,
        _ => return Err("ERR syntax error".into()),
    };
    // In a transaction, it does not count for what was answered before.
    node.send_so_far(s);
    if let Some(client) = node.clients.get_mut(&s.conn) {
        client.replies = replies;
    }
    if replies != Replies::On {
        return Ok(());
    }
    ok(s)
}

pub(super) fn select(node: &mut Node, s: &mut Session<'_>) -> Done {
    let index = parse_i64(&s.args[1]).ok_or("ERR value is not an integer or out of range")?;
    if index < 0 || index as usize >= node.keyspace.databases() {
        return Err("ERR DB index is out of range".into());
    }
    if let Some(client) = node.clients.get_mut(&s.conn) {
        client.db = index as usize;
    }
    ok(s)
}

pub(super) fn set_name(node: &mut Node, s: &Session<'_>, name: Bytes) -> Done {
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
