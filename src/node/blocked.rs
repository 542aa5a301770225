//! Clients whose command waits: for replicas to acknowledge (`WAIT`), or for a key that has something to take (`BLPOP`
//! and its like). What such a client sends meanwhile is kept unparsed. Follows `blocked.c`, and the blocking halves of
//! `t_list.c`, `t_zset.c` and `replication.c`.

use super::commands::{Expired, Handler, lookup};
use super::keyspace::Value;
use super::session::Client;
use super::{ConnId, Node, Outbox, Session};
use crate::time::{Instant, MILLISECOND_US};
use crate::wire::Bytes;
use crate::wire::rdb::number::parse_double;
use crate::wire::rdb::stream::Id;
use crate::wire::resp::{self, Writer};

/// A command that waits.
#[derive(Clone, Debug)]
pub(super) struct Blocked {
    /// Given up then; `None` for never.
    pub until: Option<Instant>,
    pub on: On,
}

/// What it waits for.
#[derive(Clone, Debug)]
pub(super) enum On {
    /// So many replicas that acknowledged the stream up to an offset.
    Replicas {
        offset: u64,
        wanted: i64,
    },
    Keys(Take),
    /// The end of a pause; the command has not begun.
    Pause,
    /// The end of the process.
    Shutdown,
    /// A snapshot that is written now.
    Save,
}

/// Taking from the first of some keys: for one of them it is the command `head`, the key, and the key's own tail.
#[derive(Clone, Debug)]
pub struct Take {
    head: Vec<Bytes>,
    keys: Vec<(Bytes, Vec<Bytes>)>,
}

impl Take {
    pub fn new(head: Vec<Bytes>, keys: Vec<(Bytes, Vec<Bytes>)>) -> Self {
        Self { head, keys }
    }

    /// From the arguments of a blocking command, and its timeout in seconds as text.
    fn read(args: &[Bytes]) -> Result<(Self, Instant), String> {
        let name = args[0].to_ascii_lowercase();
        let last = args.len() - 1;
        let moves = match &name[..] {
            b"blmove" => 2,
            b"brpoplpush" => 1,
            _ => 0,
        };
        let counted = name.ends_with(b"mpop");
        if moves == 2 {
            let end =
                |arg: &[u8]| [&b"left"[..], b"right"].contains(&&arg.to_ascii_lowercase()[..]);
            if !end(&args[3]) || !end(&args[4]) {
                return Err("ERR syntax error".into());
            }
        }
        let patience = seconds(&args[if counted { 1 } else { last }])?;
        // The command without the B.
        let mut head = vec![Bytes::from(name[1..].to_ascii_uppercase())];
        let (keys, tail) = if moves > 0 {
            (&args[1..2], &args[2..last])
        } else if counted {
            let count = resp::parse_i64(&args[2]).unwrap_or(0).max(0);
            let end = 3 + usize::try_from(count).unwrap_or(0).min(args.len() - 3);
            head.push(Bytes::from(&b"1"[..]));
            (&args[3..end], &args[end..])
        } else {
            (&args[1..last], &[][..])
        };
        let keys = keys.iter().map(|key| (key.clone(), tail.to_vec()));
        Ok((Self::new(head, keys.collect()), patience))
    }

    fn of(&self, key: &Bytes) -> Option<Vec<Bytes>> {
        let (key, tail) = self.keys.iter().find(|(name, _)| name == key)?;
        Some([&self.head[..], std::slice::from_ref(key), tail].concat())
    }

    fn moves(&self) -> bool {
        matches!(&self.head[0][..], b"LMOVE" | b"RPOPLPUSH")
    }

    fn is_for(&self, value: &Value) -> bool {
        match value {
            Value::List(_) => matches!(self.head[0][0], b'L' | b'R'),
            Value::Zset(_) => self.head[0][0] == b'Z',
            Value::Stream(_) => self.reads(),
            _ => false,
        }
    }

    /// `XREAD` or `XREADGROUP`, as the client wrote it.
    fn reads(&self) -> bool {
        self.head[0][0].eq_ignore_ascii_case(&b'X')
    }

    fn reads_as_group(&self) -> bool {
        self.head[0].eq_ignore_ascii_case(b"XREADGROUP")
    }

    /// For a reader of this stream, with the command for it: whether there were entries that it has not read, even if
    /// they are gone again.
    fn has_missed(value: &Value, args: &[Bytes]) -> bool {
        let Value::Stream(stream) = value else {
            return false;
        };
        let id = args.last().map_or(&b""[..], |id| id);
        let read = if *id == *b">" {
            let group = stream.group(&args[2]).ok();
            group.map(|at| stream.groups[at].last)
        } else {
            std::str::from_utf8(id).ok().and_then(|text| {
                let (ms, seq) = text.split_once('-')?;
                Some(Id {
                    ms: ms.parse().ok()?,
                    seq: seq.parse().ok()?,
                })
            })
        };
        read.is_some_and(|read| stream.last > read)
    }

    fn nothing(&self, reply: &mut Writer) {
        if self.moves() {
            reply.nil();
        } else {
            reply.nil_array();
        }
    }

    /// The reply of the command that took, in the words of the one that may block.
    fn reply(&self, key: &[u8], taken: &[u8], reply: &mut Vec<u8>) {
        let len = match &self.head[0][..] {
            b"LPOP" | b"RPOP" => 2,
            b"ZPOPMIN" | b"ZPOPMAX" => 3,
            _ => return reply.extend_from_slice(taken),
        };
        resp::array_len(reply, len);
        resp::bulk(reply, key);
        // Of the pair of member and score the length in front is left out.
        reply.extend_from_slice(if len == 3 { &taken[4..] } else { taken });
    }
}

/// A timeout in seconds, maybe with a fraction, as a time span that begins at 0.
fn seconds(arg: &[u8]) -> Result<Instant, String> {
    let seconds = parse_double(arg).filter(|s| s.is_finite());
    let ms = seconds.ok_or("ERR timeout is not a float or out of range")? * 1000.0;
    if ms < 0.0 || ms > i64::MAX as f64 {
        return Err("ERR timeout is negative".into());
    }
    Ok(Instant((ms.ceil() as u64).saturating_mul(MILLISECOND_US)))
}

impl Client {
    /// Its command has not begun to run, or waits for the end: neither can be cut short.
    pub(super) fn is_held(&self) -> bool {
        let on = self.blocked.as_ref().map(|b| &b.on);
        matches!(on, Some(On::Pause | On::Shutdown | On::Save))
    }

    /// Keys that its command waits for.
    pub(super) fn awaited(&self) -> impl Iterator<Item = &Bytes> {
        let keys = match &self.blocked {
            Some(Blocked {
                on: On::Keys(take), ..
            }) => &take.keys[..],
            _ => &[],
        };
        keys.iter().map(|(key, _)| key)
    }
}

impl Node {
    /// Whether a client waits: its command is not answered yet, or it has subscribed to something.
    pub fn holds_up(&self, conn: ConnId) -> bool {
        self.blocked.contains(&conn) || self.listens(conn)
    }

    pub(super) fn is_blocked(&self, conn: ConnId) -> bool {
        self.waits(conn).is_some()
    }

    /// What the command of this client waits for. Most of the time nobody waits.
    pub(super) fn waits(&self, conn: ConnId) -> Option<&Blocked> {
        if self.blocked.is_empty() {
            return None;
        }
        self.clients.get(&conn)?.blocked.as_ref()
    }

    /// Whether a client waits for replicas.
    pub fn awaits_replicas(&self) -> bool {
        let on = |conn| self.waits(conn).map(|b| &b.on);
        let mut waiting = self.blocked.iter();
        waiting.any(|conn| matches!(on(*conn), Some(On::Replicas { .. })))
    }

    /// The command of this client waits, so long; 0 is for ever.
    pub(super) fn block(&mut self, conn: ConnId, patience: Instant, on: On) {
        let until = (patience.0 > 0).then(|| self.now.after(patience.0));
        if let Some(client) = self.clients.get_mut(&conn) {
            client.blocked = Some(Blocked { until, on });
            self.blocked.push(conn);
            self.renew_interest();
        }
    }

    /// It waits no more, and gets this reply.
    pub(super) fn unblock(&mut self, conn: ConnId, reply: &[u8], out: &mut Outbox) {
        self.answered(conn, reply);
        if !reply.is_empty() {
            out.send(conn, reply);
        }
    }

    /// It waits no more: this is its reply.
    fn answered(&mut self, conn: ConnId, reply: &[u8]) {
        if let Some(client) = self.clients.get_mut(&conn) {
            client.blocked = None;
            client.written = self.history.offset;
            if let Some(command) = client.last_command.filter(|_| !reply.is_empty()) {
                // What it took to serve it is counted with whoever made that possible.
                if self.config.latency_tracking {
                    self.measures.of(command).took(0);
                }
                if let Some(text) = reply.strip_prefix(b"-") {
                    self.measures.of(command).failed += 1;
                    self.measures.error(&String::from_utf8_lossy(text));
                }
                self.unblocked_slow(conn);
            }
            self.blocked.retain(|c| *c != conn);
            self.unblocked.push(conn);
            self.renew_interest();
        }
    }

    /// The next time at which somebody has waited long enough.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let blocked = self.blocked.iter().filter_map(|conn| {
            let client = self.clients.get(conn)?;
            client.blocked.as_ref()?.until
        });
        blocked.min()
    }

    pub(super) fn time_out_blocked(&mut self, out: &mut Outbox) {
        for conn in self.blocked.clone() {
            let client = self.clients.get(&conn);
            if client
                .and_then(|c| c.blocked.as_ref()?.until)
                .is_some_and(|at| at <= self.now)
            {
                self.give_up(conn, out);
            }
        }
    }

    /// The reply of a command that waited in vain.
    fn give_up(&mut self, conn: ConnId, out: &mut Outbox) {
        let client = self.clients.get(&conn);
        let mut reply = self.writer(conn);
        match client.and_then(|c| c.blocked.as_ref()).map(|b| &b.on) {
            Some(On::Replicas { offset, .. }) => {
                resp::integer(&mut reply, self.acknowledged(*offset));
            }
            Some(On::Keys(_)) => reply.nil_array(),
            Some(On::Pause | On::Shutdown | On::Save) | None => return,
        }
        self.unblock(conn, &reply, out);
    }

    /// `CLIENT UNBLOCK id [TIMEOUT|ERROR]`.
    pub(super) fn unblock_command(&mut self, s: &mut Session<'_>) -> Result<(), String> {
        let error = match s.word(3).as_str() {
            "" | "timeout" => false,
            "error" => true,
            _ => return Err("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR".into()),
        };
        let id =
            resp::parse_i64(&s.args[2]).ok_or("ERR value is not an integer or out of range")?;
        let found = self
            .blocked
            .iter()
            .copied()
            .find(|conn| self.clients.get(conn).is_some_and(|c| c.id as i64 == id));
        if let Some(conn) = found {
            if error {
                let text = b"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n";
                self.measures.failed_others = true;
                self.unblock(conn, text, s.out);
            } else {
                let command = self.clients.get(&conn).and_then(|c| c.last_command);
                if let Some(command) = command {
                    self.measures.of(command).failed += 1;
                }
                self.give_up(conn, s.out);
            }
        }
        resp::integer(&mut s.reply, i64::from(found.is_some()));
        Ok(())
    }

    /// On the way to another master nobody waits for what only a master has.
    pub(super) fn disconnect_blocked(&mut self, out: &mut Outbox) {
        for conn in self.blocked.clone() {
            if self.clients.get(&conn).is_some_and(Client::is_held) {
                continue;
            }
            let text = "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)";
            self.measures.error(text);
            self.measures.failed_others = true;
            out.send(conn, format!("-{text}\r\n").as_bytes());
            self.unblock(conn, b"", out);
            self.close_client(conn, out);
        }
    }

    // --- WAIT --------------------------------------------------------------------------------------------------------

    pub(super) fn wait(&mut self, s: &mut Session<'_>) -> Result<(), String> {
        if self.upstream.is_some() {
            return Err("ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured to be \
                        writable (which is not the default) writes to replicas are just local and are not propagated."
                .into());
        }
        let wanted =
            resp::parse_i64(&s.args[1]).ok_or("ERR value is not an integer or out of range")?;
        let patience =
            resp::parse_i64(&s.args[2]).ok_or("ERR timeout is not an integer or out of range")?;
        let patience = u64::try_from(patience).map_err(|_| "ERR timeout is negative")?;
        let offset = self.clients.get(&s.conn).map_or(0, |c| c.written);
        let have = self.acknowledged(offset);
        if have >= wanted || s.nested {
            resp::integer(&mut s.reply, have);
            return Ok(());
        }
        let patience = Instant(patience.saturating_mul(MILLISECOND_US));
        self.block(s.conn, patience, On::Replicas { offset, wanted });
        self.ask_acks = true;
        Ok(())
    }

    /// Those who wait for acknowledgements that have come.
    pub(super) fn serve_acknowledged(&mut self, out: &mut Outbox) {
        for conn in self.blocked.clone() {
            let Some(Blocked {
                on: On::Replicas { offset, wanted },
                ..
            }) = self.clients.get(&conn).and_then(|c| c.blocked.as_ref())
            else {
                continue;
            };
            let have = self.acknowledged(*offset);
            if have >= *wanted {
                let mut reply = Vec::new();
                resp::integer(&mut reply, have);
                self.unblock(conn, &reply, out);
            }
        }
    }

    // --- BLPOP and its like ------------------------------------------------------------------------------------------

    pub(super) fn take_or_wait(&mut self, s: &mut Session<'_>) -> Result<(), String> {
        let (take, patience) = Take::read(&s.args)?;
        let db = self.clients.get(&s.conn).map_or(0, |c| c.db);
        let start = s.reply.len();
        if take.head.len() > 1 {
            // With a count of keys it is one command, which looks at all of them and finds what is wrong.
            let mut args = s.args.clone();
            args[0] = take.head[0].clone();
            args.remove(1);
            let reply = Writer::new(s.reply.resp3);
            if let Some(taken) = self.take(&args, db, reply)? {
                s.reply.extend_from_slice(&taken);
                self.told.within(start, &s.reply, &taken);
                return Ok(());
            }
        } else {
            for (key, _) in &take.keys {
                let args = take.of(key).unwrap_or_default();
                let reply = Writer::new(s.reply.resp3);
                if let Some(taken) = self.take(&args, db, reply)? {
                    take.reply(key, &taken, &mut s.reply);
                    self.told.within(start, &s.reply, &taken);
                    return Ok(());
                }
            }
        }
        if s.nested {
            take.nothing(&mut s.reply);
        } else {
            self.block(s.conn, patience, On::Keys(take));
        }
        Ok(())
    }

    /// Runs the command that does not block; `None` when there was nothing.
    fn take(
        &mut self,
        args: &[Bytes],
        db: usize,
        mut reply: Writer,
    ) -> Result<Option<Writer>, String> {
        let Some(Handler::Data(run)) = lookup(&args[0]).map(|spec| spec.handler) else {
            return Ok(None);
        };
        self.data(run, args, db, Expired::Delete, &mut reply)?;
        let nothing = matches!(&reply[..], b"$-1\r\n" | b"*-1\r\n" | b"*0\r\n" | b"_\r\n");
        Ok((!nothing).then_some(reply))
    }

    /// The command found nothing, and its client wants to wait; inside of EXEC nobody can.
    pub(super) fn wait_for_keys(&mut self, s: &mut Session<'_>) {
        if let Some((ms, take)) = self.wait.take().filter(|_| !s.nested) {
            s.reply.clear();
            let patience = Instant(ms.saturating_mul(MILLISECOND_US));
            self.block(s.conn, patience, On::Keys(take));
        }
    }

    /// Keys came into being: those who wait for them are served, the longest first, each as a command of its own.
    pub(super) fn serve_ready(&mut self, out: &mut Outbox) {
        if self.keyspace.has_news() {
            self.take_news();
        }
        while !self.ready.is_empty() {
            for (db, key) in std::mem::take(&mut self.ready) {
                for conn in self.blocked.clone() {
                    self.serve(conn, db, &key, out);
                }
            }
            self.take_news();
        }
    }

    fn serve(&mut self, conn: ConnId, db: usize, key: &Bytes, out: &mut Outbox) {
        let Some(client) = self.clients.get(&conn) else {
            return;
        };
        let Some(Blocked {
            on: On::Keys(take), ..
        }) = &client.blocked
        else {
            return;
        };
        let Some(mut args) = take.of(key).filter(|_| client.db == db) else {
            return;
        };
        let found = self.keyspace.get(db, key);
        if !found.is_some_and(|entry| take.is_for(&entry.value)) {
            if take.reads_as_group() {
                let text = b"-UNBLOCKED the stream key no longer exists\r\n";
                self.unblock(conn, text, out);
            }
            return;
        }
        let missed = found.is_some_and(|entry| Take::has_missed(&entry.value, &args));
        let take = take.clone();
        if take.moves() {
            for side in args.iter_mut().skip(3) {
                *side = Bytes::from(side.to_ascii_lowercase());
            }
        }
        let mut reply = self.writer(conn);
        let looked = (self.stats.keyspace_hits, self.stats.keyspace_misses);
        match self.take(&args, db, self.writer(conn)) {
            Ok(Some(taken)) => {
                take.reply(key, &taken, &mut reply);
                self.told.within(0, &reply, &taken);
            }
            Ok(None) if missed => {
                reply.entries(1);
                reply.entry();
                resp::bulk(&mut reply, key);
                resp::array_len(&mut reply, 0);
            }
            Ok(None) => {}
            Err(text) if text.starts_with("NOGROUP") => reply.extend_from_slice(
                b"-NOGROUP the consumer group this client was blocked on no longer exists\r\n",
            ),
            Err(text) => resp::error(&mut reply, text.as_bytes()),
        }
        (self.stats.keyspace_hits, self.stats.keyspace_misses) = looked;
        let current = self.tracking.current.replace(conn);
        let told = if take.reads_as_group() {
            self.notify(out); // that the group got a consumer comes before all
            0
        } else {
            self.tell_amid(conn, &reply, out)
        };
        self.propagate_effects(true, out);
        if !reply.is_empty() {
            self.answered(conn, &reply);
            out.send(conn, &reply[told..]);
        }
        self.set_current(current);
        self.tell_changes(out);
    }
}
