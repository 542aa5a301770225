//! Publishing and subscribing (`pubsub.c`). A message goes to those who are connected here, and into the stream, so that
//! the replicas tell theirs.

use super::commands::glob::matches as glob;
use super::{ConnId, Node, Outbox, Session};
use crate::wire::{Bytes, resp};

/// One subscription of one client.
#[derive(Clone, Debug)]
pub(super) struct Subscription {
    conn: ConnId,
    pattern: bool,
    name: Bytes,
}

impl Node {
    /// How many channels and patterns a client has subscribed to.
    pub(super) fn subscriptions(&self, conn: ConnId) -> usize {
        self.subscriptions.iter().filter(|s| s.conn == conn).count()
    }

    pub(super) fn forget_subscriptions(&mut self, conn: ConnId) {
        self.subscriptions.retain(|s| s.conn != conn);
    }

    pub(super) fn subscribe(&mut self, s: &mut Session<'_>) -> Result<(), String> {
        let (conn, pattern) = (s.conn, s.word(0) == "psubscribe");
        for name in &s.args[1..] {
            let same = |s: &Subscription| (s.conn, s.pattern) == (conn, pattern) && s.name == *name;
            if !self.subscriptions.iter().any(same) {
                let name = name.clone();
                self.subscriptions.push(Subscription {
                    conn,
                    pattern,
                    name,
                });
            }
            let word = if pattern { "psubscribe" } else { "subscribe" };
            confirm(&mut s.reply, word, Some(name), self.subscriptions(conn));
        }
        Ok(())
    }

    pub(super) fn unsubscribe(&mut self, s: &mut Session<'_>) -> Result<(), String> {
        let (conn, pattern) = (s.conn, s.word(0) == "punsubscribe");
        let word = if pattern {
            "punsubscribe"
        } else {
            "unsubscribe"
        };
        let all = self.subscriptions.iter();
        let names: Vec<Bytes> = match &s.args[1..] {
            [] => all
                .filter(|s| (s.conn, s.pattern) == (conn, pattern))
                .map(|s| s.name.clone())
                .collect(),
            names => names.to_vec(),
        };
        for name in &names {
            self.subscriptions
                .retain(|s| (s.conn, s.pattern) != (conn, pattern) || s.name != *name);
            confirm(&mut s.reply, word, Some(name), self.subscriptions(conn));
        }
        if names.is_empty() {
            confirm(&mut s.reply, word, None, self.subscriptions(conn));
        }
        Ok(())
    }

    pub(super) fn publish(&mut self, s: &mut Session<'_>) -> Result<(), String> {
        let db = self.clients.get(&s.conn).map_or(0, |c| c.db);
        let mut own = Vec::new();
        let heard = self.deliver_message(&s.args, Some((s.conn, &mut own)), s.out);
        // A publisher that listens too hears it before its answer.
        s.reply.extend_from_slice(&own);
        resp::integer(&mut s.reply, heard);
        self.effects.push((db, s.args.clone()));
        Ok(())
    }

    /// A message to all subscribers, first of the channel and then of patterns; how many there were.
    pub(super) fn deliver_message(
        &self,
        args: &[Bytes],
        mut own: Option<(ConnId, &mut Vec<u8>)>,
        out: &mut Outbox,
    ) -> i64 {
        let [_, channel, message] = args else {
            return 0;
        };
        let mut heard = 0;
        for by_pattern in [false, true] {
            for s in &self.subscriptions {
                let meant = if by_pattern {
                    glob(&s.name, channel)
                } else {
                    s.name == *channel
                };
                if s.pattern != by_pattern || !meant {
                    continue;
                }
                heard += 1;
                let push = if by_pattern {
                    resp::command(&[&b"pmessage"[..], &s.name, channel, message])
                } else {
                    resp::command(&[&b"message"[..], channel, message])
                };
                match &mut own {
                    Some((conn, reply)) if *conn == s.conn => reply.extend_from_slice(&push),
                    _ => out.send(s.conn, &push),
                }
            }
        }
        heard
    }

    /// `PUBSUB CHANNELS [pattern] | NUMSUB [channel …] | NUMPAT`.
    pub(super) fn pubsub(&mut self, s: &mut Session<'_>) -> Result<(), String> {
        let mut names: Vec<&Bytes> = Vec::new();
        let patterns = s.word(1) == "numpat";
        for subscription in self.subscriptions.iter().filter(|s| s.pattern == patterns) {
            if !names.contains(&&subscription.name) {
                names.push(&subscription.name);
            }
        }
        match (s.word(1).as_str(), s.args.len()) {
            ("channels", 2 | 3) => {
                if let Some(pattern) = s.args.get(2) {
                    names.retain(|name| glob(pattern, name));
                }
                resp::command_into(&mut s.reply, &names);
            }
            ("numpat", 2) => resp::integer(&mut s.reply, names.len() as i64),
            ("numsub", _) => {
                resp::array_len(&mut s.reply, 2 * (s.args.len() - 2));
                for name in &s.args[2..] {
                    let all = self.subscriptions.iter();
                    let count = all.filter(|s| !s.pattern && s.name == *name).count();
                    resp::bulk(&mut s.reply, name);
                    resp::integer(&mut s.reply, count as i64);
                }
            }
            ("channels" | "numpat", _) => {
                return Err(format!(
                    "ERR wrong number of arguments for 'pubsub|{}' command",
                    s.word(1)
                ));
            }
            _ => {
                return Err(format!(
                    "ERR unknown subcommand '{}'. Try PUBSUB HELP.",
                    s.text(1)
                ));
            }
        }
        Ok(())
    }
}

fn confirm(reply: &mut Vec<u8>, word: &str, name: Option<&Bytes>, count: usize) {
    resp::array_len(reply, 3);
    resp::bulk(reply, word.as_bytes());
    match name {
        Some(name) => resp::bulk(reply, name),
        None => resp::nil(reply),
    }
    resp::integer(reply, count as i64);
}
