//! Having replicas: REPLCONF, the PSYNC verdict, the shared snapshot, feeding, and who is in good shape. Follows
//! `syncCommand`, `masterTryPartialResynchronization` and `replicationCron`.

use super::backlog::{Backlog, Window};
use super::history::History;
use super::mutant::Mutant;
use super::session::{Client, Session};
use super::{ConnId, Level, Node, Note, Outbox, Output};
use crate::time::Instant;
use crate::wire::{Bytes, resp};
use serde::Serialize;

/// A connection that asked for the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Replica {
    pub state: ReplicaState,
    /// Highest offset that it acknowledged, and when it last said anything.
    pub ack: u64,
    pub ack_time: Instant,
    /// The byte after which its stream begins: named in its PSYNC, or told in `+FULLRESYNC` (and again to a newcomer that
    /// shares the snapshot).
    pub began_at: u64,
    /// Stream bytes that wait for the snapshot to end.
    pub buffer: Vec<u8>,
    /// SYNC instead of PSYNC: acknowledges nothing.
    pub legacy: bool,
    /// Online, but the stream waits until it has found the end of a snapshot that has only a mark there, and
    /// acknowledges something.
    pub held: bool,
    /// Stream bytes that were sent to it, after any snapshot.
    pub fed: u64,
    pub since: Instant,
    /// So many bytes of a snapshot that is streamed to it wait to be sent, and since when none of them was.
    pub stuck: Option<(u64, Instant)>,
}

impl Replica {
    /// Bytes of the stream that wait for it, where so many have not left yet: those of a snapshot do not count.
    pub(super) fn output(&self, pending: u64) -> u64 {
        self.buffer.len() as u64 + pending.min(self.fed)
    }

    /// So many bytes for it have not left yet.
    pub(super) fn pending(&mut self, bytes: u64, now: Instant) {
        self.stuck = match self.stuck {
            Some((before, since)) if before == bytes => Some((before, since)),
            _ => (bytes > 0).then_some((bytes, now)),
        };
    }
}

/// `slaveN:state=` of INFO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicaState {
    /// Waits for a child to start.
    WaitBgsaveStart,
    /// Waits for the child's snapshot.
    WaitBgsaveEnd,
    Online,
}

impl ReplicaState {
    pub fn word(self) -> &'static str {
        match self {
            Self::WaitBgsaveStart | Self::WaitBgsaveEnd => "wait_bgsave",
            Self::Online => "online",
        }
    }
}

/// The verdict on a request for the stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Outcome {
    /// `+CONTINUE`.
    Continue {
        /// So many are sent.
        bytes: u64,
    },
    /// `+FULLRESYNC`, and why.
    Full { cause: FullCause },
}

/// Why a partial resynchronization is not possible: it asked for none (`new`), by an id that is not the master's
/// (`other-history`), for a byte past the next one (`too-far`), …
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum FullCause {
    /// `PSYNC ? -1`, or SYNC.
    New,
    /// Neither of the master's.
    OtherHistory,
    BeyondSecond {
        /// The second id matches, but is vouched for only up to here.
        up_to: i64,
    },
    TooOld {
        /// Bytes that were wanted and are overwritten.
        gone: u64,
    },
    TooFar,
    NoBacklog,
}

/// What an onlooker sees of an attached replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    pub conn: ConnId,
    pub host: String,
    pub port: u16,
    pub state: ReplicaState,
    /// Acknowledged offset, as INFO has it: 0 before the first acknowledgement.
    pub ack: u64,
    /// The byte after which its stream began.
    pub began_at: u64,
    pub lag_s: u64,
    pub buffered: u64,
    /// Bytes that count against [`Node::replica_limit`].
    pub output: u64,
}

/// Whether the stream can simply go on, and the line that Redis logs about it: from a node's own
/// history and ring, or from what a server tells of them (`told`).
pub(super) fn verdict(
    h: &History,
    ring: Option<Window>,
    (id, offset): (&str, i64),
    name: &str,
) -> (Outcome, String) {
    let full = |cause, log: String| (Outcome::Full { cause }, log);
    let second = id.eq_ignore_ascii_case(&h.replid2);
    let known = id.eq_ignore_ascii_case(&h.replid)
        || (second && offset <= h.second_offset - i64::from(Mutant::SecondByOne.on()));
    if !known {
        if id.starts_with('?') {
            return full(
                FullCause::New,
                format!("Full resync requested by replica {name}"),
            );
        }
        if second {
            let text = format!(
                "Partial resynchronization not accepted: Requested offset for second ID was {offset}, but I can reply up to {}",
                h.second_offset
            );
            return full(
                FullCause::BeyondSecond {
                    up_to: h.second_offset,
                },
                text,
            );
        }
        let text = format!(
            "Partial resynchronization not accepted: Replication ID mismatch (Replica asked for '{id}', my replication IDs are '{}' and '{}')",
            h.replid, h.replid2
        );
        return full(FullCause::OtherHistory, text);
    }
    let unable = format!(
        "Unable to partial resync with replica {name} for lack of backlog (Replica request was: {offset})."
    );
    let Some(ring) = ring else {
        return full(FullCause::NoBacklog, unable);
    };
    let refused = Mutant::NewestRefused1271.on() && offset > h.offset as i64
        || Mutant::OldestRefused.on() && offset == ring.first as i64;
    if refused || !ring.covers(offset) {
        if offset > h.offset as i64 {
            return full(FullCause::TooFar, unable);
        }
        return full(
            FullCause::TooOld {
                gone: (ring.first as i64).saturating_sub(offset).max(0) as u64,
            },
            unable,
        );
    }
    let bytes = h.offset + 1 - offset as u64;
    let text = format!(
        "Partial resynchronization request from {name} accepted. Sending {bytes} bytes of backlog starting from offset {offset}."
    );
    (Outcome::Continue { bytes }, text)
}

impl Node {
    /// Attached replicas in the order of `INFO`.
    pub fn attached(&self) -> Vec<Attached> {
        let view = |conn: &ConnId| {
            let client = self.clients.get(conn)?;
            let replica = client.replica.as_ref()?;
            Some(Attached {
                conn: *conn,
                host: client
                    .facts
                    .ip
                    .clone()
                    .unwrap_or_else(|| client.addr.host.clone()),
                port: client.facts.port,
                state: replica.state,
                ack: replica.ack,
                began_at: replica.began_at,
                lag_s: if replica.legacy {
                    0
                } else {
                    self.seconds_since(replica.ack_time)
                },
                buffered: replica.buffer.len() as u64,
                output: replica.output(client.pending),
            })
        };
        self.replicas.iter().filter_map(view).collect()
    }

    /// Up to where an attached replica that listens on this port has acknowledged the stream; `None`: there is none.
    pub fn acked(&self, port: u16) -> Option<u64> {
        let mut acks = self.acks();
        acks.find_map(|(of, ack)| (of == port).then_some(ack))
    }

    /// The same of all: the port that each attached replica told, and its offset.
    pub fn acks(&self) -> impl Iterator<Item = (u16, u64)> {
        let clients = self.replicas.iter().filter_map(|c| self.clients.get(c));
        clients.filter_map(|c| Some((c.facts.port, c.replica.as_ref()?.ack)))
    }

    /// A replica's name in the log (`replicationGetSlaveName`).
    fn replica_name(&self, conn: ConnId) -> String {
        self.clients
            .get(&conn)
            .map_or_else(String::new, client_name)
    }

    fn replica_mut(&mut self, conn: ConnId) -> Option<&mut Replica> {
        self.clients.get_mut(&conn)?.replica.as_mut()
    }

    // --- REPLCONF ----------------------------------------------------------------------------------------------------

    pub(super) fn replconf(&mut self, s: &mut Session<'_>) -> Result<(), String> {
        if s.args.len().is_multiple_of(2) {
            return Err("ERR syntax error".into());
        }
        for i in (1..s.args.len()).step_by(2) {
            let (option, value) = (s.word(i), s.text(i + 1));
            let now = self.now;
            let Some(client) = self.clients.get_mut(&s.conn) else {
                return Ok(());
            };
            let number = || {
                resp::parse_i64(value.as_bytes())
                    .ok_or("ERR value is not an integer or out of range")
            };
            match option.as_str() {
                "listening-port" => {
                    client.facts.port = u16::try_from(number()?)
                        .map_err(|_| "ERR value is not an integer or out of range")?;
                }
                "ip-address" if value.len() > 255 => {
                    return Err(format!(
                        "ERR REPLCONF ip-address provided by replica instance is too long: {} bytes",
                        value.len()
                    ));
                }
                "ip-address" => client.facts.ip = Some(value),
                "capa" if value.eq_ignore_ascii_case("eof") => client.facts.eof = true,
                "capa" if value.eq_ignore_ascii_case("psync2") => client.facts.psync2 = true,
                "capa" => {}
                "rdb-only" => match number()? {
                    n @ (0 | 1) => client.facts.rdb_only = n == 1,
                    _ => return Err("ERR value is out of range, must between 0 and 1".into()),
                },
                "rdb-filter-only" => {
                    for word in value.split_whitespace() {
                        if !word.eq_ignore_ascii_case("functions") {
                            return Err(format!("ERR Unsupported rdb-filter-only option: {word}"));
                        }
                    }
                    client.facts.filter = Some(!value.trim().is_empty());
                }
                "ack" => {
                    // Never answered; ignored from anybody who is no replica.
                    if let (Some(replica), Ok(offset)) = (&mut client.replica, number()) {
                        replica.ack = replica.ack.max(offset.max(0) as u64);
                        replica.ack_time = now;
                        if std::mem::take(&mut replica.held) {
                            let buffer = std::mem::take(&mut replica.buffer);
                            replica.fed += buffer.len() as u64;
                            s.out.feed(s.conn, &buffer);
                        }
                    }
                    return Ok(());
                }
                "getack" => {
                    self.acknowledge(s.out);
                    return Ok(());
                }
                _ => return Err(format!("ERR Unrecognized REPLCONF option: {}", s.text(i))),
            }
        }
        resp::ok(&mut s.reply);
        Ok(())
    }

    /// Replicas online that acknowledged the stream up to `offset`.
    pub(super) fn acknowledged(&self, offset: u64) -> i64 {
        let has = |conn: &&ConnId| {
            self.clients
                .get(conn)
                .and_then(|c| c.replica.as_ref())
                .is_some_and(|r| r.state == ReplicaState::Online && r.ack >= offset)
        };
        self.replicas.iter().filter(has).count() as i64
    }

    /// Whether every replica has acknowledged the whole stream.
    pub(super) fn replicas_have_all(&self) -> bool {
        let end = self.history.offset;
        let mut replicas = self
            .replicas
            .iter()
            .filter_map(|conn| self.clients.get(conn)?.replica.as_ref());
        replicas.all(|r| r.legacy || r.ack == end)
    }

    /// `REPLCONF GETACK *`, a part of the stream.
    pub(super) fn ask_for_acks(&mut self, out: &mut Outbox) {
        self.feed_in_current_db(
            &["REPLCONF", "GETACK", "*"].map(|word| Bytes::from(word.as_bytes())),
            out,
        );
    }

    // --- the verdict -------------------------------------------------------------------------------------------------

    pub(super) fn psync(&mut self, s: &mut Session<'_>) -> Result<(), String> {
        let legacy = s.word(0) == "sync";
        if self.is_replica(s.conn) {
            return Ok(());
        }
        if s.word(3) == "failover" {
            if self.upstream.is_none() {
                return Err("ERR PSYNC FAILOVER can't be sent to a master.".into());
            }
            if !s.text(1).eq_ignore_ascii_case(&self.history.replid) {
                return Err("ERR PSYNC FAILOVER replid must match my replid.".into());
            }
            s.out.log(
                Level::Warning,
                format!("Failover request received for replid {}.", s.text(1)),
            );
            self.promote(s.out);
            let from = self.client_line(s.conn);
            let text = format!("MASTER MODE enabled (failover request from '{from}')");
            s.out.log(Level::Notice, text);
        }
        if let Some(refusal) = self.cannot_feed() {
            return Err(refusal.into());
        }
        if s.out
            .outputs
            .iter()
            .any(|o| matches!(o, Output::Send(conn, _) if *conn == s.conn))
        {
            return Err("ERR SYNC and PSYNC are invalid with pending output".into());
        }
        let facts = self.clients.get(&s.conn).map(|client| &client.facts);
        if facts.is_some_and(|facts| facts.filter.is_some() && !facts.eof) {
            return Err("ERR Filtered replica requires EOF capability".into());
        }
        let name = self.replica_name(s.conn);
        s.out.log(
            Level::Notice,
            format!("Replica {name} asks for synchronization"),
        );
        let (asked_id, asked) = if legacy {
            (String::new(), -1)
        } else {
            let Some(offset) = resp::parse_i64(&s.args[2]) else {
                s.out.log(
                    Level::Warning,
                    format!("Replica {name} asks for synchronization but with a wrong offset"),
                );
                return Err("ERR value is not an integer or out of range".into());
            };
            (s.text(1), offset)
        };
        let (outcome, log) = self.verdict(legacy, &asked_id, asked, &name);
        if let Outcome::Continue { .. } = outcome {
            self.say_looked_up(asked as u64, s.out);
        }
        if !log.is_empty() {
            s.out.log(Level::Notice, log.clone());
        }
        if outcome
            == (Outcome::Full {
                cause: FullCause::TooFar,
            })
        {
            let text = format!(
                "Warning: replica {name} tried to PSYNC with an offset that is greater than the master replication offset."
            );
            s.out.log(Level::Warning, text);
        }
        let conn = s.conn;
        let note = Note::Answered {
            conn,
            asked_id: asked_id.clone(),
            asked,
            outcome: outcome.clone(),
            log,
        };
        match outcome {
            Outcome::Continue { .. } => {
                self.note(s.out, || note);
                self.continue_partially(conn, asked as u64, s.out);
            }
            Outcome::Full { .. } => {
                if !legacy && !asked_id.starts_with('?') {
                    self.stats.sync_partial_err += 1;
                }
                self.stats.sync_full += 1;
                self.note(s.out, || note);
                self.full_sync(conn, legacy, s.out);
            }
        }
        Ok(())
    }

    /// Why nobody can have the stream from here now.
    fn cannot_feed(&self) -> Option<&'static str> {
        if self.failover.is_some() {
            Some("NOMASTERLINK Can't SYNC while failing over")
        } else if self.upstream.as_ref().is_some_and(|u| !u.connected()) {
            Some("NOMASTERLINK Can't SYNC while not connected with my master")
        } else {
            None
        }
    }

    /// What `PSYNC id offset` of a replica called `name` would get now, and the line that would be logged; nothing
    /// happens.
    ///
    /// # Errors
    /// The error that would be replied instead.
    pub fn would_answer(
        &self,
        id: &str,
        offset: i64,
        name: &str,
    ) -> Result<(Outcome, String), &'static str> {
        match self.cannot_feed() {
            Some(refusal) => Err(refusal),
            None => Ok(self.verdict(false, id, offset, name)),
        }
    }

    fn verdict(&self, legacy: bool, id: &str, offset: i64, name: &str) -> (Outcome, String) {
        if legacy {
            let cause = FullCause::New;
            return (Outcome::Full { cause }, String::new());
        }
        let ring = self.backlog.as_ref().map(Backlog::window);
        verdict(&self.history, ring, (id, offset), name)
    }

    fn attach(&mut self, conn: ConnId, state: ReplicaState, legacy: bool) {
        let replica = Replica {
            state,
            ack: 0,
            ack_time: self.now,
            began_at: self.history.offset,
            buffer: Vec::new(),
            legacy,
            held: false,
            fed: 0,
            since: self.now,
            stuck: None,
        };
        if let Some(client) = self.clients.get_mut(&conn) {
            client.replica = Some(replica);
            self.replicas.push(conn);
        }
    }

    fn continue_partially(&mut self, conn: ConnId, from: u64, out: &mut Outbox) {
        self.attach(conn, ReplicaState::Online, false);
        if let Some(replica) = self.replica_mut(conn) {
            replica.began_at = from - 1;
        }
        let psync2 = self.clients.get(&conn).is_some_and(|c| c.facts.psync2);
        let line = if psync2 {
            format!("+CONTINUE {}\r\n", self.history.replid)
        } else {
            "+CONTINUE\r\n".into()
        };
        out.send(conn, line.as_bytes());
        if let Some(backlog) = &self.backlog {
            let missed = backlog.since(from);
            out.feed(conn, &missed);
            if let Some(replica) = self.replica_mut(conn) {
                replica.fed = missed.len() as u64;
            }
        }
        self.stats.sync_partial_ok += 1;
    }

    // --- the full synchronization ------------------------------------------------------------------------------------

    fn full_sync(&mut self, conn: ConnId, legacy: bool, out: &mut Outbox) {
        self.attach(conn, ReplicaState::WaitBgsaveStart, legacy);
        if self.replicas.len() == 1 && self.backlog.is_none() {
            // Offsets of an old history must not be taken for ours: a new one begins with the first replica.
            if self.upstream.is_none() {
                self.history.renew(&mut self.rng);
            }
            self.backlog = Some(Backlog::new(
                self.config.repl_backlog_size,
                self.history.offset,
            ));
            out.log(
                Level::Notice,
                format!(
                    "Replication backlog created, my new replication IDs are '{}' and '{}'",
                    self.history.replid, self.history.replid2
                ),
            );
        }
        match &self.child {
            Some(child) if child.mark.is_some() => out.log(
                Level::Notice,
                "Current BGSAVE has socket target. Waiting for next BGSAVE for SYNC",
            ),
            Some(child) if child.for_replicas => {
                // Somebody already waits for this snapshot: share it, with all that has been buffered since.
                // Only its equals and betters: it needs what they were sent, and a buffer if it wants the stream.
                let mine = self
                    .clients
                    .get(&conn)
                    .map(|c| c.facts.clone())
                    .unwrap_or_default();
                let waiting = self.replicas.iter().filter_map(|c| self.clients.get(c));
                let shared = waiting
                    .filter_map(|client| Some((&client.facts, client.replica.as_ref()?)))
                    .find(|(facts, replica)| {
                        replica.state == ReplicaState::WaitBgsaveEnd
                            && (!facts.rdb_only || mine.rdb_only)
                    })
                    .filter(|(facts, _)| {
                        (mine.eof || !facts.eof)
                            && (mine.psync2 || !facts.psync2)
                            && mine.filter == facts.filter
                    })
                    .map(|(_, replica)| (replica.began_at, replica.buffer.clone()));
                match shared {
                    Some((offset, buffer)) => {
                        self.promise(conn, offset, out);
                        if let Some(replica) = self.replica_mut(conn) {
                            replica.buffer = buffer;
                        }
                        out.log(Level::Notice, "Waiting for end of BGSAVE for SYNC");
                    }
                    None => out.log(Level::Notice, "Can't attach the replica to the current BGSAVE. Waiting for next BGSAVE for SYNC"),
                }
            }
            Some(_) => out.log(
                Level::Notice,
                "Can't attach the replica to the current BGSAVE. Waiting for next BGSAVE for SYNC",
            ),
            None if self.config.repl_diskless_sync
                && self.config.repl_diskless_sync_delay_s > 0
                && self.clients.get(&conn).is_some_and(|c| c.facts.eof) =>
            {
                out.log(Level::Notice, "Delay next BGSAVE for diskless SYNC");
            }
            None => self.start_bgsave_for_replicas(out),
        }
    }

    /// Whether those who wait for a snapshot have waited long enough for others to join them, or are enough
    /// (`shouldStartChildReplication`).
    fn bgsave_is_due(&self) -> bool {
        let config = &self.config;
        let waiting = self.waiting(ReplicaState::WaitBgsaveStart);
        let oldest = waiting
            .iter()
            .filter_map(|conn| Some(self.clients.get(conn)?.replica.as_ref()?.since))
            .min();
        let Some(oldest) = oldest else {
            return false;
        };
        self.child.is_none()
            && self.loading.is_none()
            && !self.loads_aside()
            && (!config.repl_diskless_sync
                || (config.repl_diskless_sync_max_replicas > 0
                    && waiting.len() as u64 >= config.repl_diskless_sync_max_replicas)
                || self.seconds_since(oldest) >= config.repl_diskless_sync_delay_s)
    }

    /// `+FULLRESYNC`, and the stream from here on is buffered (`replicationSetupSlaveForFullResync`).
    fn promise(&mut self, conn: ConnId, offset: u64, out: &mut Outbox) {
        let replid = self.history.replid.clone();
        let Some(replica) = self.replica_mut(conn) else {
            return;
        };
        let offset = if Mutant::SnapshotLate.on() {
            replica.began_at
        } else {
            offset
        };
        replica.began_at = offset;
        replica.state = ReplicaState::WaitBgsaveEnd;
        if !replica.legacy {
            out.send(
                conn,
                format!("+FULLRESYNC {replid} {offset}\r\n").as_bytes(),
            );
        }
        self.stream_db = None; // the next command SELECTs, for a replica that has nothing selected yet
    }

    fn waiting(&self, state: ReplicaState) -> Vec<ConnId> {
        let is = |conn: &&ConnId| {
            self.clients
                .get(conn)
                .and_then(|c| c.replica.as_ref())
                .is_some_and(|r| r.state == state)
        };
        self.replicas.iter().filter(is).copied().collect()
    }

    fn start_bgsave_for_replicas(&mut self, out: &mut Outbox) {
        // Those who want the same as the first of them share a snapshot.
        let mut waiting = self.waiting(ReplicaState::WaitBgsaveStart);
        let facts = |node: &Self, conn: &ConnId| node.clients.get(conn).map(|c| c.facts.clone());
        let Some(first) = waiting.first().and_then(|conn| facts(self, conn)) else {
            return;
        };
        waiting.retain(|conn| facts(self, conn).is_some_and(|f| f.filter == first.filter));
        let able = waiting
            .iter()
            .all(|conn| facts(self, conn).is_some_and(|f| f.eof));
        let socket = able && (self.config.repl_diskless_sync || first.filter.is_some());
        let target = if socket { "replicas sockets" } else { "disk" };
        out.log(
            Level::Notice,
            format!("Starting BGSAVE for SYNC with target: {target}"),
        );
        if !self.fork(true, !socket, first.filter.is_some(), out) {
            out.log(Level::Warning, "BGSAVE for replication failed");
            for conn in waiting {
                out.send(conn, b"-ERR BGSAVE failed, replication can't continue\r\n");
                self.close_client(conn, out);
            }
            return;
        }
        for conn in waiting {
            self.promise(conn, self.history.offset, out);
        }
    }

    /// More of a snapshot that has no file, to all who share it.
    pub(super) fn stream_snapshot(&mut self, part: &[u8], out: &mut Outbox) {
        for conn in self.waiting(ReplicaState::WaitBgsaveEnd) {
            out.feed(conn, part);
            if let Some(replica) = self.replica_mut(conn) {
                replica.stuck = None;
            }
        }
    }

    /// Who is sent the snapshot that a child writes now. It is not written faster than the slowest of them takes it.
    pub fn snapshot_readers(&self) -> Vec<ConnId> {
        let streams = self
            .child
            .as_ref()
            .is_some_and(|child| child.mark.is_some());
        if streams {
            self.waiting(ReplicaState::WaitBgsaveEnd)
        } else {
            Vec::new()
        }
    }

    /// All of the snapshot is sent. The stream waits until the replica has found the mark, and says so.
    pub(super) fn snapshot_streamed(&mut self, out: &mut Outbox) {
        let readers = self.waiting(ReplicaState::WaitBgsaveEnd);
        let text = format!(
            "Diskless rdb transfer, done reading from pipe, {} replicas still up.",
            readers.len()
        );
        out.log(Level::Warning, text);
        out.log(
            Level::Notice,
            "Background RDB transfer terminated with success",
        );
        for conn in readers {
            let name = self.replica_name(conn);
            let text = format!(
                "Streamed RDB transfer with replica {name} succeeded (socket). Waiting for REPLCONF ACK from slave to \
                 enable streaming"
            );
            out.log(Level::Notice, text);
            if self.put_online(conn, out)
                && let Some(replica) = self.replica_mut(conn)
            {
                replica.held = true;
            }
        }
        if self.bgsave_is_due() {
            self.start_bgsave_for_replicas(out);
        }
    }

    /// The snapshot is complete: the file to all who waited for it, then what was buffered meanwhile.
    pub(super) fn send_snapshot(&mut self, file: &[u8], out: &mut Outbox) {
        let head = format!("${}\r\n", file.len());
        for conn in self.waiting(ReplicaState::WaitBgsaveEnd) {
            out.feed(conn, head.as_bytes());
            out.feed(conn, file);
            if self.put_online(conn, out)
                && let Some(replica) = self.replica_mut(conn)
            {
                let buffer = std::mem::take(&mut replica.buffer);
                replica.fed += buffer.len() as u64;
                out.feed(conn, &buffer);
            }
        }
        if self.bgsave_is_due() {
            self.start_bgsave_for_replicas(out);
        }
    }

    /// It has its snapshot; false if it wanted no more (`replicaPutOnline`).
    fn put_online(&mut self, conn: ConnId, out: &mut Outbox) -> bool {
        let name = self.replica_name(conn);
        if self.clients.get(&conn).is_some_and(|c| c.facts.rdb_only) {
            let text = format!(
                "RDB transfer completed, rdb only replica ({name}) should be disconnected asap"
            );
            out.log(Level::Notice, text);
            self.close_client(conn, out);
            return false;
        }
        let now = self.now;
        if let Some(replica) = self.replica_mut(conn) {
            replica.state = ReplicaState::Online;
            replica.ack_time = now;
        }
        let text = format!("Synchronization with replica {name} succeeded");
        out.log(Level::Notice, text);
        true
    }

    /// A server that saves nothing keeps no file that it made for replicas (`removeRDBUsedToSyncReplicas`).
    fn remove_replication_file(&mut self, out: &mut Outbox) {
        self.saved_for_replicas &= self.config.rdb_del_sync_files;
        let waited_for = [ReplicaState::WaitBgsaveStart, ReplicaState::WaitBgsaveEnd]
            .iter()
            .any(|state| !self.waiting(*state).is_empty());
        if self.saved_for_replicas && self.config.save.is_empty() && !waited_for {
            self.saved_for_replicas = false;
            let text = "Removing the RDB file used to feed replicas in a persistence-less instance";
            out.log(Level::Notice, text);
            out.push(Output::Remove);
        }
    }

    /// There will be no snapshot: those who waited for it have to ask again.
    pub(super) fn snapshot_failed(&mut self, out: &mut Outbox) {
        for conn in self.waiting(ReplicaState::WaitBgsaveEnd) {
            out.log(
                Level::Warning,
                "SYNC failed. BGSAVE child returned an error",
            );
            self.close_client(conn, out);
        }
    }

    pub(super) fn feed_replicas(&mut self, bytes: &[u8], out: &mut Outbox) {
        let mut full = Vec::new();
        for conn in &self.replicas {
            let Some(client) = self.clients.get_mut(conn).filter(|c| !c.facts.rdb_only) else {
                continue;
            };
            let Some(replica) = &mut client.replica else {
                continue;
            };
            match replica.state {
                ReplicaState::WaitBgsaveStart => {}
                ReplicaState::WaitBgsaveEnd => replica.buffer.extend_from_slice(bytes),
                ReplicaState::Online if replica.held => replica.buffer.extend_from_slice(bytes),
                ReplicaState::Online => {
                    replica.fed += bytes.len() as u64;
                    out.feed(*conn, bytes);
                }
            }
            if !replica.buffer.is_empty() {
                full.push(*conn);
            }
        }
        for conn in full {
            let stuck = self.replica_mut(conn).and_then(|replica| replica.stuck);
            self.check_output(conn, stuck.map_or(0, |(bytes, _)| bytes), out);
        }
    }

    // --- leaving -----------------------------------------------------------------------------------------------------

    pub(super) fn replica_gone(&mut self, conn: ConnId, client: &Client, out: &mut Outbox) {
        out.log(
            Level::Warning,
            format!("Connection with replica {} lost.", client_name(client)),
        );
        self.replicas.retain(|c| *c != conn);
        if self.replicas.is_empty() {
            self.no_replicas_since = self.now;
        }
        // Nobody waits for the snapshot any more, and none is wanted on disk: the child is stopped.
        let waited =
            (client.replica.as_ref()).is_some_and(|r| r.state == ReplicaState::WaitBgsaveEnd);
        if !waited || !self.waiting(ReplicaState::WaitBgsaveEnd).is_empty() {
            return;
        }
        match self.child.as_ref().map(|child| child.mark.is_some()) {
            Some(true) => {
                let text = "Diskless rdb transfer, last replica dropped, killing fork child.";
                out.log(Level::Warning, text);
                self.kill_child(out);
            }
            Some(false) if self.config.save.is_empty() => self.kill_child(out),
            _ => {}
        }
    }

    /// All replicas have to ask again: they will learn another id, or get another dataset.
    pub(super) fn disconnect_replicas(&mut self, out: &mut Outbox) {
        for conn in self.replicas.clone() {
            self.close_client(conn, out);
        }
    }

    // --- the cron ----------------------------------------------------------------------------------------------------

    pub(super) fn downstream_cron(&mut self, out: &mut Outbox) {
        self.remove_replication_file(out);
        let master = self.upstream.is_none();
        let failing_over = self.failover_deadline().is_some();
        if master
            && !failing_over
            && !self.replicas.is_empty()
            && self
                .cron_loops
                .is_multiple_of(self.config.repl_ping_replica_period_s)
        {
            self.feed_in_current_db(&[Bytes::from(&b"ping"[..])], out);
        }
        // A raw newline, outside the stream, tells those who wait for a snapshot that we are alive; not in the middle of
        // one that is streamed.
        let streams = self
            .child
            .as_ref()
            .is_some_and(|child| child.mark.is_some());
        for conn in self.replicas.clone() {
            let state = self.replica_mut(conn).map(|replica| replica.state);
            if state == Some(ReplicaState::WaitBgsaveStart)
                || (state == Some(ReplicaState::WaitBgsaveEnd) && !streams)
            {
                out.send(conn, b"\n");
            }
        }
        for conn in self.replicas.clone() {
            let Some(replica) = self.replica_mut(conn).cloned() else {
                continue;
            };
            let (since, sync) = match replica.state {
                ReplicaState::Online if !replica.legacy => (replica.ack_time, "streaming"),
                // Whoever does not take a snapshot that is streamed keeps the child, and the others.
                ReplicaState::WaitBgsaveEnd if streams => match replica.stuck {
                    Some((_, since)) => (since, "full"),
                    None => continue,
                },
                _ => continue,
            };
            if self.seconds_since(since) > self.config.repl_timeout_s {
                let name = self.replica_name(conn);
                let text = format!("Disconnecting timedout replica ({sync} sync): {name}");
                out.log(Level::Warning, text);
                self.close_client(conn, out);
            }
        }
        let ttl = self.config.repl_backlog_ttl_s;
        if master
            && self.replicas.is_empty()
            && ttl > 0
            && self.backlog.is_some()
            && self.seconds_since(self.no_replicas_since) > ttl
        {
            // Writes are not counted without a backlog, so the history has to end with it.
            self.history.renew(&mut self.rng);
            self.backlog = None;
            out.log(
                Level::Notice,
                format!(
                    "Replication backlog freed after {ttl} seconds without connected replicas."
                ),
            );
        }
        if self.bgsave_is_due() {
            self.start_bgsave_for_replicas(out);
        }
    }

    /// Replicas online that said something within `min-replicas-max-lag`.
    pub(super) fn good_replicas(&self) -> u64 {
        let lag = self.config.min_replicas_max_lag_s;
        let good = |conn: &&ConnId| {
            self.clients
                .get(conn)
                .and_then(|c| c.replica.as_ref())
                .is_some_and(|r| {
                    r.state == ReplicaState::Online && self.seconds_since(r.ack_time) <= lag
                })
        };
        self.replicas.iter().filter(good).count() as u64
    }
}

fn client_name(client: &Client) -> String {
    let host = client.facts.ip.as_ref().unwrap_or(&client.addr.host);
    if client.facts.port > 0 {
        format!("{host}:{}", client.facts.port)
    } else {
        format!("{host}:<unknown-replica-port>")
    }
}
