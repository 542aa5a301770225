//! Publishing and subscribing (`pubsub.c`). A message goes to those who are connected here, and into the stream, so that
//! the replicas tell theirs. Shard channels are channels of their own that no pattern matches.

use super::commands::{matches as glob, wrong_arity};
use super::{ConnId, Node, Outbox, Session};
use crate::wire::Bytes;
use crate::wire::resp::{self, Writer};

/// What somebody subscribes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Channel,
    Pattern,
    Shard,
}

impl Kind {
    /// From the name of a command.
    fn of(command: &str) -> Self {
        match command.as_bytes().first() {
            Some(b'p') => Self::Pattern,
            Some(b's') if !command.starts_with("subscribe") => Self::Shard,
            _ => Self::Channel,
        }
    }
}

/// One subscription of one client.
#[derive(Clone, Debug)]
pub(super) struct Subscription {
    conn: ConnId,
    kind: Kind,
    name: Bytes,
}

const HELP: &str = "\
CHANNELS [<pattern>]
    Channels that somebody listens to; all of them without a pattern.
NUMPAT
    How many patterns are subscribed to.
NUMSUB [<channel> ...]
    How many clients listen to each of these channels, patterns aside.
SHARDCHANNELS [<pattern>]
    Shard channels that somebody listens to; all of them without a pattern.
SHARDNUMSUB [<shardchannel> ...]
    How many clients listen to each of these shard channels.";

impl Node {
    /// Whether a client has subscribed to anything.
    pub(super) fn listens(&self, conn: ConnId) -> bool {
        self.clients
            .get(&conn)
            .is_some_and(|client| client.subscriptions != [0; 3])
    }

    /// How many subscriptions of a kind a client has; channels and patterns are counted together.
    pub(super) fn subscriptions(&self, conn: ConnId, kind: Kind) -> usize {
        let counts = self.clients.get(&conn).map_or([0; 3], |c| c.subscriptions);
        match kind {
            Kind::Shard => counts[Kind::Shard as usize],
            _ => counts[Kind::Channel as usize] + counts[Kind::Pattern as usize],
        }
    }

    pub(super) fn forget_subscriptions(&mut self, conn: ConnId) {
        if let Some(client) = self.clients.get_mut(&conn) {
            client.subscriptions = [0; 3];
        }
        self.subscriptions.retain(|s| s.conn != conn);
    }

    pub(super) fn subscribe(&mut self, s: &mut Session<'_>) -> Result<(), String> {
        let (conn, word) = (s.conn, s.word(0));
        let kind = Kind::of(&word);
        if kind == Kind::Shard && s.nested {
            return Err("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client".into());
        }
        for name in &s.args[1..] {
            let same = |s: &Subscription| (s.conn, s.kind) == (conn, kind) && s.name == *name;
            if !self.subscriptions.iter().any(same) {
                let name = name.clone();
                self.subscriptions.push(Subscription { conn, kind, name });
                if let Some(client) = self.clients.get_mut(&conn) {
                    client.subscriptions[kind as usize] += 1;
                }
            }
            let count = self.subscriptions(conn, kind);
            confirm(&mut s.reply, &word, Some(name), count);
        }
        Ok(())
    }

    pub(super) fn unsubscribe(&mut self, s: &mut Session<'_>) -> Result<(), String> {
        let (conn, word) = (s.conn, s.word(0));
        let kind = Kind::of(&word.replace("un", ""));
        let own = |s: &Subscription| (s.conn, s.kind) == (conn, kind);
        let all = self.subscriptions.iter();
        let names: Vec<Bytes> = match &s.args[1..] {
            [] => all.filter(|s| own(s)).map(|s| s.name.clone()).collect(),
            names => names.to_vec(),
        };
        for name in &names {
            let found = self
                .subscriptions
                .iter()
                .position(|s| own(s) && s.name == *name);
            if let Some(at) = found {
                self.subscriptions.remove(at);
                if let Some(client) = self.clients.get_mut(&conn) {
                    client.subscriptions[kind as usize] -= 1;
                }
            }
            let count = self.subscriptions(conn, kind);
            confirm(&mut s.reply, &word, Some(name), count);
        }
        if names.is_empty() {
            confirm(&mut s.reply, &word, None, self.subscriptions(conn, kind));
        }
        Ok(())
    }

    pub(super) fn publish(&mut self, s: &mut Session<'_>) -> Result<(), String> {
        let db = self.clients.get(&s.conn).map_or(0, |c| c.db);
        // A publisher that listens too hears it before its answer.
        self.send_so_far(s);
        let heard = self.deliver_message(&s.args, s.out);
        resp::integer(&mut s.reply, heard);
        self.effects.push((db, s.args.clone()));
        Ok(())
    }

    /// A `PUBLISH` or `SPUBLISH` to all subscribers, first of the channel and then of patterns; how many there were.
    pub(super) fn deliver_message(&mut self, args: &[Bytes], out: &mut Outbox) -> i64 {
        let [command, channel, message] = args else {
            return 0;
        };
        let sharded = command.len() == "spublish".len();
        let kinds: &[Kind] = if sharded {
            &[Kind::Shard]
        } else {
            &[Kind::Channel, Kind::Pattern]
        };
        let mut heard = Vec::new();
        for kind in kinds {
            for s in self.subscriptions.iter().filter(|s| s.kind == *kind) {
                let parts: &[&[u8]] = match kind {
                    Kind::Channel => &[b"message", channel, message],
                    Kind::Shard => &[b"smessage", channel, message],
                    Kind::Pattern => &[b"pmessage", &s.name, channel, message],
                };
                let meant = match kind {
                    Kind::Pattern => glob(&s.name, channel),
                    _ => s.name == *channel,
                };
                if !meant {
                    continue;
                }
                let mut push = self.writer(s.conn);
                push.push_len(parts.len());
                parts.iter().for_each(|part| resp::bulk(&mut push, part));
                heard.push((s.conn, push));
            }
        }
        for (conn, push) in &heard {
            self.send_aside(*conn, push, out);
        }
        heard.len() as i64
    }

    /// How many channels, patterns and shard channels somebody has subscribed to.
    pub(super) fn subscribed_names(&self) -> [usize; 3] {
        [Kind::Channel, Kind::Pattern, Kind::Shard].map(|kind| self.subscribed(kind).len())
    }

    /// Names that somebody has subscribed to, each once.
    fn subscribed(&self, kind: Kind) -> Vec<&Bytes> {
        let mut names: Vec<&Bytes> = Vec::new();
        for subscription in self.subscriptions.iter().filter(|s| s.kind == kind) {
            if !names.contains(&&subscription.name) {
                names.push(&subscription.name);
            }
        }
        names
    }

    /// `PUBSUB CHANNELS [pattern] | NUMSUB [channel …] | NUMPAT | SHARDCHANNELS [pattern] | SHARDNUMSUB [channel …]`.
    pub(super) fn pubsub(&mut self, s: &mut Session<'_>) -> Result<(), String> {
        let sub = s.word(1);
        let kind = if sub.starts_with("shard") {
            Kind::Shard
        } else {
            Kind::Channel
        };
        match (sub.as_str(), s.args.len()) {
            ("channels" | "shardchannels", 2 | 3) => {
                let mut names = self.subscribed(kind);
                if let Some(pattern) = s.args.get(2) {
                    names.retain(|name| glob(pattern, name));
                }
                resp::command_into(&mut s.reply, &names);
            }
            ("numpat", 2) => {
                let count = self.subscribed(Kind::Pattern).len();
                resp::integer(&mut s.reply, count as i64);
            }
            ("numsub" | "shardnumsub", _) => {
                resp::array_len(&mut s.reply, 2 * (s.args.len() - 2));
                for name in &s.args[2..] {
                    let all = self.subscriptions.iter();
                    let count = all.filter(|s| s.kind == kind && s.name == *name).count();
                    resp::bulk(&mut s.reply, name);
                    resp::integer(&mut s.reply, count as i64);
                }
            }
            ("help", 2) => resp::help(&mut s.reply, "PUBSUB", HELP),
            ("channels" | "shardchannels", _) => {
                return Err(format!(
                    "ERR unknown subcommand or wrong number of arguments for '{}'. Try PUBSUB HELP.",
                    s.text(1)
                ));
            }
            ("numpat" | "help", _) => return Err(wrong_arity(&format!("pubsub|{sub}"))),
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

fn confirm(reply: &mut Writer, word: &str, name: Option<&Bytes>, count: usize) {
    reply.push_len(3);
    resp::bulk(reply, word.as_bytes());
    match name {
        Some(name) => resp::bulk(reply, name),
        None => reply.nil(),
    }
    resp::integer(reply, count as i64);
}
