//! Having a master: the handshake, the transfer of a snapshot, the stream, and the acknowledgements. Follows
//! `syncWithMaster`, the first half of `readSyncBulkPayload`, and `replicationCacheMaster`.

mod handshake;

use super::mutant::Mutant;
use super::protocol;
use super::{Addr, ConnId, Level, Loading, Node, Note, Outbox, Output};
use crate::time::Instant;
use crate::wire::Bytes;
use crate::wire::resp::{self, Limits};

/// Where a replica stands with its master. The names are those of Redis's `REPL_STATE_*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Will dial at the next cron tick.
    Connect,
    Connecting,
    ReceivePingReply,
    ReceiveAuthReply,
    ReceivePortReply,
    ReceiveIpReply,
    ReceiveCapaReply,
    ReceivePsyncReply,
    /// The snapshot is awaited, on its way, stored or loaded.
    Transfer(Transfer),
    Connected,
}

/// A snapshot on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Bytes of the file; `None` until the length line came, and for a stream that ends with a mark.
    pub total: Option<u64>,
    pub(super) mark: Option<[u8; 40]>,
    /// It is not stored but loaded as it comes.
    pub direct: bool,
    /// Bytes received, and bytes of them on disk.
    pub got: u64,
    pub stored: u64,
    /// The last bytes received, as many as the mark has: not stored, for they may be it.
    tail: Vec<u8>,
    /// Everything was received.
    pub complete: bool,
    pub last_io: Instant,
}

/// The relation to a master, from `REPLICAOF` on.
#[derive(Clone, Debug)]
pub struct Upstream {
    pub addr: Addr,
    pub stage: Stage,
    conn: Option<ConnId>,
    /// What it is among the clients, once it is online.
    pub(super) client: Option<MasterClient>,
    /// It broke the protocol: nothing more is read of it.
    pub(super) broken: bool,
    /// Bytes from the master: `parsed` of them are read as commands, `done` are done with (less while a transaction is
    /// open), and `applied` are passed on and counted, which is as many whenever nothing is being dealt with.
    inbuf: Vec<u8>,
    parsed: usize,
    done: usize,
    applied: usize,
    /// The database that the stream has selected.
    db: usize,
    /// Open transaction of the stream: commands with their bytes (start, end) in `inbuf`.
    multi: Option<Vec<(Vec<Bytes>, usize, usize)>>,
    /// Told by `+FULLRESYNC`, adopted after loading; empty id for a legacy SYNC.
    promised_id: String,
    promised_offset: Option<u64>,
    /// A legacy SYNC: no acknowledgements.
    pub legacy: bool,
    pub last_io: Instant,
    pub down_since: Option<Instant>,
    /// The second in which we last sent a newline.
    pub(super) newline_s: i64,
}

/// What is left of a lost master: enough to ask for the bytes after `offset`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cached {
    pub replid: String,
    pub offset: u64,
    pub db: usize,
    pub client: Option<MasterClient>,
}

/// A master as a client of ours, which it stays over a partial resynchronization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MasterClient {
    pub id: u64,
    pub since: Instant,
    /// The name of what it asked for last.
    pub last_command: Option<&'static str>,
}

impl Upstream {
    pub(super) fn new(host: String, port: u16, now: Instant) -> Self {
        Self {
            addr: Addr { host, port },
            stage: Stage::Connect,
            conn: None,
            client: None,
            broken: false,
            inbuf: Vec::new(),
            parsed: 0,
            done: 0,
            applied: 0,
            db: 0,
            multi: None,
            promised_id: String::new(),
            promised_offset: None,
            legacy: false,
            last_io: now,
            down_since: None,
            newline_s: 0,
        }
    }

    /// The snapshot is loaded: its stream goes on in database `db`, with the bytes that came behind it. The history and
    /// the offset at which it does; without an offset nothing can be acknowledged, nor continued from.
    pub(super) fn loaded(&mut self, db: usize, behind: &[u8]) -> (String, u64) {
        self.db = db;
        self.inbuf.splice(..0, behind.iter().copied());
        self.legacy |= self.promised_offset.is_none();
        (self.promised_id.clone(), self.promised_offset.unwrap_or(0))
    }

    pub fn connected(&self) -> bool {
        self.stage == Stage::Connected
    }

    pub fn db(&self) -> usize {
        self.db
    }

    /// The connection to the master, in whatever stage.
    pub fn conn(&self) -> Option<ConnId> {
        self.conn
    }

    /// All bytes that were read from the link after the snapshot, applied or not.
    pub(super) fn unapplied(&self) -> u64 {
        if self.connected() {
            (self.inbuf.len() - self.applied) as u64
        } else {
            0
        }
    }

    /// The name of what the master asked for last.
    pub(super) fn last_command(&self) -> Option<&'static str> {
        self.client?.last_command
    }

    /// What came of the stream and is not read as commands.
    pub(super) fn unread(&self) -> &[u8] {
        &self.inbuf[self.parsed..]
    }

    /// Bytes that came and are kept, read as commands or not.
    pub(super) fn kept(&self) -> usize {
        self.inbuf.len()
    }

    /// What came over the link and what was promised on it, for [`Node::essence`].
    pub(super) fn link_essence(&self, e: &mut super::essence::Essence) {
        e.bytes(&self.inbuf);
        for n in [self.parsed, self.applied, self.db] {
            e.number(n as u64);
        }
        e.number(self.multi.as_ref().map_or(u64::MAX, |m| m.len() as u64));
        e.bytes(self.promised_id.as_bytes());
        e.number(self.promised_offset.map_or(u64::MAX, |o| o));
    }

    /// The word of `ROLE`.
    pub fn word(&self) -> &'static str {
        match self.stage {
            Stage::Connect => "connect",
            Stage::Connecting => "connecting",
            Stage::Transfer(_) => "sync",
            Stage::Connected => "connected",
            _ => "handshake",
        }
    }

    fn reset_link(&mut self, now: Instant) {
        self.conn = None;
        self.inbuf.clear();
        (self.parsed, self.done, self.applied) = (0, 0, 0);
        self.multi = None;
        self.broken = false;
        self.stage = Stage::Connect;
        self.legacy = false; // it is the link that was made by SYNC, and not the master
        self.last_io = now;
    }
}

impl Node {
    pub(super) fn is_master_link(&self, conn: ConnId) -> bool {
        self.upstream.as_ref().is_some_and(|u| u.conn == Some(conn))
    }

    // --- connecting --------------------------------------------------------------------------------------------------

    pub(super) fn connect_upstream(&mut self, out: &mut Outbox) {
        if let Some(upstream) = &self.upstream {
            let text = format!("Connecting to MASTER {}", upstream.addr);
            out.log(Level::Notice, text);
        }
        self.dial_master(out);
    }

    fn dial_master(&mut self, out: &mut Outbox) {
        let conn = self.new_conn();
        let Some(upstream) = &mut self.upstream else {
            return;
        };
        upstream.reset_link(self.now);
        upstream.conn = Some(conn);
        upstream.stage = Stage::Connecting;
        out.push(Output::Dial(conn, upstream.addr.clone()));
        out.log(Level::Notice, "MASTER <-> REPLICA sync started");
    }

    pub(super) fn dialed(&mut self, conn: ConnId, out: &mut Outbox) {
        if !self.is_master_link(conn) {
            return out.push(Output::Close(conn));
        }
        let Some(upstream) = &mut self.upstream else {
            return;
        };
        upstream.last_io = self.now;
        upstream.stage = Stage::ReceivePingReply;
        out.log(
            Level::Notice,
            "Non blocking connect for SYNC fired the event.",
        );
        out.send(conn, &resp::command(&["PING"]));
    }

    pub(super) fn dial_failed(&mut self, conn: ConnId, why: &str, out: &mut Outbox) {
        if !self.is_master_link(conn) {
            return;
        }
        out.log(
            Level::Warning,
            format!("Error condition on socket for SYNC: {why}"),
        );
        if let Some(upstream) = &mut self.upstream {
            upstream.reset_link(self.now);
        }
    }

    /// Gives up the current connection, keeping what a later PSYNC needs.
    pub(super) fn abandon_link(&mut self, upstream: Upstream, out: &mut Outbox) {
        if let Some(conn) = upstream.conn {
            out.push(Output::Close(conn));
        }
        if upstream.connected() {
            self.cache_master(&upstream, out);
        }
    }

    fn cache_master(&mut self, upstream: &Upstream, out: &mut Outbox) {
        out.log(Level::Warning, "Connection with master lost.");
        if upstream.broken {
            self.cached = None;
            return;
        }
        out.log(Level::Notice, "Caching the disconnected master state.");
        if Mutant::HalfCommand3899.on() {
            self.feed_bytes(&upstream.inbuf[upstream.applied..], out);
        }
        self.cached = (!upstream.legacy).then(|| Cached {
            replid: self.history.replid.clone(),
            offset: self.history.offset,
            db: upstream.db,
            client: upstream.client,
        });
    }

    /// The connection to the master ended. One that was online is dialled again at once; a handshake or a transfer
    /// waits for the cron.
    pub(super) fn master_lost(&mut self, out: &mut Outbox) {
        let Some(mut upstream) = self.upstream.take() else {
            return;
        };
        let (online, stage) = (upstream.connected(), upstream.stage.clone());
        if matches!(&stage, Stage::Transfer(t) if t.direct && !t.complete) {
            upstream.conn = None;
            self.upstream = Some(upstream);
            self.cut_direct_load(out);
            return;
        }
        if online {
            self.cache_master(&upstream, out);
            upstream.down_since = Some(self.now);
        } else {
            let said = match &stage {
                Stage::Transfer(t) if t.complete => "",
                Stage::Transfer(_) => "I/O error trying to sync with MASTER: connection lost",
                Stage::ReceivePsyncReply => "Master did not reply to PSYNC, will try later",
                _ => "Master did not respond to command during SYNC handshake",
            };
            if !said.is_empty() {
                out.log(Level::Warning, said);
            }
        }
        if matches!(&stage, Stage::Transfer(t) if t.complete) {
            // Everything is here: storing and loading go on; that the link is gone is found out afterwards.
            upstream.conn = None;
            self.upstream = Some(upstream);
            return;
        }
        upstream.reset_link(self.now);
        let addr = upstream.addr.clone();
        self.upstream = Some(upstream);
        if stage == Stage::ReceivePsyncReply && self.failing_over() {
            return self.abort_failover("Failover target rejected psync request", out);
        }
        if online {
            out.log(Level::Notice, format!("Reconnecting to MASTER {addr}"));
            self.dial_master(out);
        } else if matches!(stage, Stage::Transfer(_)) {
            self.dial_again(out);
        }
    }

    /// After a failure in the middle of something, without waiting for the cron (`cancelReplicationHandshake`).
    pub(super) fn dial_again(&mut self, out: &mut Outbox) {
        self.drop_link(out);
        if let Some(upstream) = &self.upstream {
            out.log(
                Level::Notice,
                format!("Reconnecting to MASTER {} after failure", upstream.addr),
            );
            self.dial_master(out);
        }
    }

    /// Closes the link from this side and goes back to `Connect`.
    fn drop_link(&mut self, out: &mut Outbox) {
        if let Some(upstream) = &mut self.upstream {
            if let Some(conn) = upstream.conn {
                out.push(Output::Close(conn));
            }
            upstream.reset_link(self.now);
        }
    }

    // --- bytes from the master ---------------------------------------------------------------------------------------

    pub(super) fn master_bytes(&mut self, bytes: &[u8], out: &mut Outbox) {
        let Some(upstream) = &mut self.upstream else {
            return;
        };
        upstream.last_io = self.now;
        upstream.inbuf.extend_from_slice(bytes);
        let data = |stage: &Stage| matches!(stage, Stage::Transfer(_) | Stage::Connected);
        let mut counted = data(&upstream.stage);
        if counted {
            self.stats.net_repl_input += bytes.len() as u64;
        }
        loop {
            let Some(upstream) = &self.upstream else {
                return;
            };
            // What follows the handshake at once.
            if !counted && data(&upstream.stage) {
                counted = true;
                self.stats.net_repl_input += upstream.inbuf.len() as u64;
            }
            let go_on = match &upstream.stage {
                Stage::Connect | Stage::Connecting => return,
                Stage::Connected => return self.stream(out),
                Stage::Transfer(_) => self.transfer(out),
                _ => self.handshake_line(out),
            };
            if !go_on {
                return;
            }
        }
    }

    /// Takes one line, without its line break, from the link.
    fn take_line(&mut self) -> Option<String> {
        let upstream = self.upstream.as_mut()?;
        let end = upstream.inbuf.iter().position(|&b| b == b'\n')?;
        let line: Vec<u8> = upstream.inbuf.drain(..=end).collect();
        Some(
            String::from_utf8_lossy(&line)
                .trim_end_matches(['\r', '\n'])
                .to_string(),
        )
    }

    fn set_stage(&mut self, stage: Stage) {
        if let Some(upstream) = &mut self.upstream {
            upstream.stage = stage;
        }
    }

    pub(super) fn online(&mut self) {
        let now = self.now;
        if let Some(upstream) = &mut self.upstream {
            upstream.stage = Stage::Connected;
            if upstream.client.is_none() {
                self.next_client += 1;
                upstream.client = Some(MasterClient {
                    id: self.next_client,
                    since: now,
                    last_command: None,
                });
            }
            (upstream.parsed, upstream.done, upstream.applied) = (0, 0, 0);
            upstream.multi = None;
            upstream.last_io = now;
            upstream.down_since = None;
        }
    }

    // --- the snapshot ------------------------------------------------------------------------------------------------

    /// Takes bytes of the snapshot from the link; true when the next stage can look at the rest.
    fn transfer(&mut self, out: &mut Outbox) -> bool {
        let Some(Upstream {
            stage: Stage::Transfer(transfer),
            ..
        }) = &self.upstream
        else {
            return false;
        };
        if transfer.complete {
            return false; // stream bytes wait until the snapshot is loaded
        }
        if transfer.total.is_none() && transfer.mark.is_none() {
            return match self.take_line() {
                Some(line) => self.transfer_head(&line, out),
                None => false,
            };
        }
        let now = self.now;
        let Some(Upstream {
            stage: Stage::Transfer(transfer),
            inbuf,
            ..
        }) = &mut self.upstream
        else {
            return false;
        };
        if inbuf.is_empty() {
            return false;
        }
        transfer.last_io = now;
        let fresh = transfer.got == 0;
        let chunk: Vec<u8> = match transfer.total {
            Some(total) => inbuf
                .drain(..inbuf.len().min((total - transfer.got) as usize))
                .collect(),
            None => std::mem::take(inbuf),
        };
        transfer.got += chunk.len() as u64;
        if transfer.direct {
            transfer.complete = transfer.total == Some(transfer.got);
            self.feed_load(&chunk, out);
            return true;
        }
        let chunk = if let Some(mark) = transfer.mark {
            // The mark is looked for at the very end of what has come so far, as a server that loads from a file does.
            // What may be the mark is not stored before it is known not to be.
            transfer.tail.extend_from_slice(&chunk);
            transfer.complete = transfer.tail.ends_with(&mark);
            let sure = transfer.tail.len().saturating_sub(mark.len());
            transfer.tail.drain(..sure).collect()
        } else {
            transfer.complete = transfer.total == Some(transfer.got);
            chunk
        };
        out.push(Output::Store(chunk, fresh));
        false
    }

    /// The line before the bytes: `$length`, `$EOF:mark`, an error, or a newline that only says "still here".
    fn transfer_head(&mut self, line: &str, out: &mut Outbox) -> bool {
        let now = self.now;
        let Some(Upstream {
            stage: Stage::Transfer(transfer),
            ..
        }) = &mut self.upstream
        else {
            return false;
        };
        transfer.last_io = now;
        if line.is_empty() {
            return true;
        }
        let head = line.strip_prefix('$').and_then(|rest| {
            let mark = rest.strip_prefix("EOF:");
            match mark.map(|mark| <[u8; 40]>::try_from(mark.as_bytes())) {
                Some(mark) => Some((mark.ok()?.into(), None)),
                None => Some((None, Some(rest.parse::<u64>().ok()?))),
            }
        });
        if let Some((mark, total)) = head {
            (transfer.mark, transfer.total) = (mark, total);
            self.transfer_begins(total, out);
            return true;
        }
        if let Some(error) = line.strip_prefix('-') {
            out.log(
                Level::Warning,
                format!("MASTER aborted replication with an error: {error}"),
            );
        } else {
            out.log(
                Level::Warning,
                format!("Bad protocol from MASTER, the first byte is not '$' (we received '{line}'), are you sure the host and port are right?"),
            );
        }
        self.dial_again(out);
        false
    }

    /// It is clear how the snapshot comes; whether it goes to the disk or straight into memory is decided.
    fn transfer_begins(&mut self, total: Option<u64>, out: &mut Outbox) {
        let direct = self.loads_directly();
        let to = if direct { "to parser" } else { "to disk" };
        let text = match total {
            None => format!("receiving streamed RDB from master with EOF {to}"),
            Some(total) => format!("receiving {total} bytes from master {to}"),
        };
        out.log(Level::Notice, format!("MASTER <-> REPLICA sync: {text}"));
        let Some(upstream) = &mut self.upstream else {
            return;
        };
        let same_history = upstream.promised_id == self.history.replid;
        let Stage::Transfer(transfer) = &mut upstream.stage else {
            return;
        };
        transfer.direct = direct;
        if direct {
            self.begin_direct_load(total.unwrap_or(0), same_history, out);
        } else if total == Some(0) {
            transfer.complete = true;
            out.push(Output::Store(Vec::new(), true));
        }
    }

    /// The disk has taken what was received. When that is all of it, the old data goes and the file is loaded.
    pub(super) fn stored(&mut self, total: u64, out: &mut Outbox) {
        let Some(Upstream {
            stage: Stage::Transfer(transfer),
            ..
        }) = &mut self.upstream
        else {
            return;
        };
        transfer.stored = total;
        if !transfer.complete
            || transfer.stored + (transfer.tail.len() as u64) < transfer.got
            || self.loading.is_some()
        {
            return;
        }
        if self.child.is_some() {
            out.log(
                Level::Notice,
                "Replica is about to load the RDB file received from the master, but there is a pending RDB child \
                 running. Killing it and removing its temp file to avoid any race",
            );
            self.kill_child(out);
        }
        self.give_up_old_data(out);
        out.log(
            Level::Notice,
            "MASTER <-> REPLICA sync: Loading DB in memory",
        );
        self.loading = Some(Loading::Sync);
        out.push(Output::Load(true));
    }

    /// The snapshot cannot be stored: another attempt at the next cron tick.
    pub(super) fn store_failed(&mut self, why: &str, out: &mut Outbox) {
        if matches!(
            &self.upstream,
            Some(Upstream {
                stage: Stage::Transfer(_),
                ..
            })
        ) {
            let text = format!(
                "Write error or short write writing to the DB dump file needed for MASTER <-> REPLICA synchronization: {why}"
            );
            out.log(Level::Warning, text);
            self.dial_again(out);
        }
    }

    /// A replica always has a backlog: it may be promoted.
    pub(super) fn ensure_backlog(&mut self) {
        if self.backlog.is_none() {
            self.backlog = Some(super::Backlog::new(
                self.config.repl_backlog_size,
                self.history.offset,
            ));
        }
    }

    // --- the stream --------------------------------------------------------------------------------------------------

    /// Applies what has come of the stream. The offset moves by whole commands, and by whole transactions; exactly the
    /// bytes that it moved over go into our own ring and to our own replicas.
    pub(super) fn stream(&mut self, out: &mut Outbox) {
        loop {
            let Some(upstream) = &mut self.upstream else {
                return;
            };
            let (start, rest) = (upstream.parsed, upstream.unread());
            if rest.is_empty() || upstream.broken {
                break;
            }
            let args = std::mem::take(&mut self.spare.args);
            let request = match resp::request_in(args, rest, Limits::MASTER) {
                Ok(Some(request)) if request.inline && !request.args.is_empty() => {
                    Err(protocol::INLINE.into())
                }
                other => other,
            };
            let request = match request {
                Ok(Some(request)) => request,
                Ok(None) => break,
                Err(text) => {
                    self.pass_on(out);
                    return self.master_broke(&text, out);
                }
            };
            let free = !self.paused() || request.args.is_empty();
            if !free && super::session::lookup(&request.args).is_ok_and(|spec| self.holds(spec)) {
                break;
            }
            let Some(upstream) = &mut self.upstream else {
                return;
            };
            let end = start + request.len;
            upstream.parsed = end;
            if !request.args.is_empty() {
                self.stream_command(request.args, start, end, out);
            }
        }
        self.pass_on(out);
        // What was applied is no longer needed.
        if let Some(upstream) = &mut self.upstream {
            upstream.inbuf.drain(..upstream.applied);
            upstream.parsed -= upstream.applied;
            if let Some(multi) = &mut upstream.multi {
                for (_, start, end) in multi {
                    *start -= upstream.applied;
                    *end -= upstream.applied;
                }
            }
            (upstream.done, upstream.applied) = (0, 0);
        }
    }

    /// After a pause: the master's commands were held back as those of clients.
    pub(super) fn resume_stream(&mut self, out: &mut Outbox) {
        if self.upstream.as_ref().is_some_and(Upstream::connected) {
            self.stream(out);
        }
    }

    fn stream_command(&mut self, args: Vec<Bytes>, start: usize, end: usize, out: &mut Outbox) {
        let Some(upstream) = &mut self.upstream else {
            return;
        };
        let is = |name: &str| args[0].eq_ignore_ascii_case(name.as_bytes());
        match &mut upstream.multi {
            None if is("multi") && !Mutant::MultiSplit.on() => {
                return upstream.multi = Some(vec![(args, start, end)]);
            }
            None => {}
            Some(queue) => {
                let done = is("exec") || is("discard");
                let run = is("exec");
                queue.push((args, start, end));
                if done {
                    let queue = upstream.multi.take().unwrap_or_default();
                    for (args, ..) in queue.iter().filter(|_| run) {
                        self.stream_effect(args, out);
                    }
                    self.applied(&queue, out);
                }
                return;
            }
        }
        // The acknowledgement that GETACK asks for does not yet count the GETACK itself.
        if is("replconf")
            && args
                .get(1)
                .is_some_and(|a| a.eq_ignore_ascii_case(b"getack"))
        {
            let begin = self.host.micros();
            self.pass_on(out);
            self.acknowledge(out);
            self.count_applied(&args, begin, out);
        } else {
            self.stream_effect(&args, out);
        }
        let commands = [(args, start, end)];
        self.applied(&commands, out);
        let [(args, ..)] = commands;
        self.spare.keep_args(args);
    }

    fn stream_effect(&mut self, args: &[Bytes], out: &mut Outbox) {
        let Some(upstream) = &mut self.upstream else {
            return;
        };
        if args[0].eq_ignore_ascii_case(b"select") {
            if let Some(db) = args
                .get(1)
                .and_then(|a| resp::parse_i64(a))
                .filter(|&db| db >= 0 && (db as usize) < self.keyspace.databases())
            {
                upstream.db = db as usize;
            }
            let begin = self.host.micros();
            return self.count_applied(args, begin, out);
        }
        let db = upstream.db;
        self.apply(args, db, out);
    }

    /// These commands are done with. Their bytes are passed on with those of the next ones, unless somebody watches.
    fn applied(&mut self, commands: &[(Vec<Bytes>, usize, usize)], out: &mut Outbox) {
        let Some(upstream) = &mut self.upstream else {
            return;
        };
        let (begin, db) = (upstream.applied, upstream.db);
        upstream.done = commands.last().map_or(upstream.done, |c| c.2);
        if !self.watched && !self.judged {
            return;
        }
        let base = self.history.offset + 1;
        self.pass_on(out);
        if self.watched {
            for (args, start, end) in commands {
                let (from, to) = (
                    base + (start - begin) as u64,
                    base + (end - begin) as u64 - 1,
                );
                out.push(Output::Note(Note::Fed {
                    from,
                    to,
                    db,
                    args: args.clone(),
                }));
            }
        }
    }

    /// Moves the offset to the end of what is done, and passes its bytes on: after all that came at once, and before
    /// anything for which the offset or the ring matters.
    pub(super) fn pass_on(&mut self, out: &mut Outbox) {
        let Some(upstream) = &mut self.upstream else {
            return;
        };
        let begin = std::mem::replace(&mut upstream.applied, upstream.done);
        if begin == upstream.done {
            return;
        }
        let (end, inbuf) = (upstream.done, std::mem::take(&mut upstream.inbuf));
        self.feed_bytes(&inbuf[begin..end], out);
        if let Some(upstream) = &mut self.upstream {
            upstream.inbuf = inbuf;
        }
    }

    pub(super) fn acknowledge(&mut self, out: &mut Outbox) {
        if let Some(upstream) = self.upstream.as_ref().filter(|u| u.broken) {
            if let Some(conn) = upstream.conn {
                out.push(Output::Close(conn));
            }
            return self.master_lost(out);
        }
        let offset = self.history.offset.to_string();
        if let Some(Upstream {
            conn: Some(conn),
            stage: Stage::Connected,
            legacy: false,
            ..
        }) = &self.upstream
        {
            out.send(*conn, &resp::command(&["REPLCONF", "ACK", &offset]));
        }
    }

    /// The master's half of the cron: time-outs, dialling, acknowledging.
    pub(super) fn upstream_cron(&mut self, out: &mut Outbox) {
        let timeout = self.config.repl_timeout_s;
        let Some(upstream) = &self.upstream else {
            return;
        };
        let silent = self.seconds_since(match &upstream.stage {
            Stage::Transfer(transfer) => transfer.last_io,
            _ => upstream.last_io,
        });
        match &upstream.stage {
            Stage::Connect => {}
            Stage::Connected if silent > timeout => {
                out.log(
                    Level::Warning,
                    "MASTER timeout: no data nor PING received...",
                );
                if let Some(conn) = upstream.conn {
                    out.push(Output::Close(conn));
                }
                self.master_lost(out);
            }
            Stage::Transfer(transfer) if silent > timeout && transfer.direct => {
                self.cut_direct_load(out);
            }
            Stage::Transfer(transfer) if silent > timeout && !transfer.complete => {
                out.log(
                    Level::Warning,
                    "Timeout receiving bulk data from MASTER... If the problem persists try to set the 'repl-timeout' parameter in \
                     redis.conf to a larger value.",
                );
                self.dial_again(out);
            }
            Stage::Connected | Stage::Transfer(_) => {}
            _ if silent > timeout => {
                out.log(Level::Warning, "Timeout connecting to the MASTER...");
                self.dial_again(out);
            }
            _ => {}
        }
        if self.loading.is_none()
            && self
                .upstream
                .as_ref()
                .is_some_and(|u| u.stage == Stage::Connect)
        {
            self.connect_upstream(out);
        }
        self.acknowledge(out);
    }
}
