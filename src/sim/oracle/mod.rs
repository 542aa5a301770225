//! The judge: after every event it compares what the nodes claim with a history of its own, the *ghost*: for each
//! replication id the bytes that its one writer wrote, and for each place in it the digest of the data there. It shares
//! no code with the ring, the verdict or the parser of the nodes. Laws are named as S1 … S20 and L1 … L7:
//!
//! S1 one history per id; S2 same id and offset, same data; S3 offsets count whole commands; S4 offsets never go back;
//! S5 a verdict is the legal one; S6 `+CONTINUE` is true; S7 the ring holds the newest bytes; S8 connections deliver
//! what was written; S9 every byte is applied once; S10 a snapshot is one moment; S11 no half a dataset; S12 replicas do
//! not invent; S13 stale data is gated; S14 WAIT is true; S15 ids change by the rules; S16 only the master of now is
//! heard; S17 the ring, what waits for a replica and what is due are no more than they may be; S20 a command that fails
//! in the stream costs its bytes and nothing else; L2 no full resync without need; L4 who is silent is dropped; L5 WAIT
//! ends in time; L6 who has no link dials again. L1 and L7 (all are alike once healed, whatever stays outside), S18 (the
//! same trace twice) and S19 (a copy of the world goes on as the world does) are judged by the `swarm`.
//!
//! L3, resyncs that come to nothing, can only be told: Redis has no promise that could be broken there. A replica tries
//! for ever, and asks again at once when its link ends (`replicationHandleMasterDisconnection`), so that neither their
//! number nor their pace is wrong; what is owed to whoever looks is the word for it, after the third ([`Endless`]).
//! `tests` breaks each law on purpose.

pub mod board;
mod bounds;
mod clients;
mod ghost;
mod ledger;
mod links;
mod tape;
#[cfg(test)]
mod tests;

use super::action::Disk;
use super::cluster::{Cluster, Due};
use super::network::Item;
use crate::node::keyspace::Digested;
use crate::node::{ConnId, Loading, Node, Note, Outcome, Stage};
use crate::time::{Instant, MILLISECOND_US, SECOND_US};
use board::{Board, Rare};
use ghost::{Ghost, Place};
use ledger::Stored;
pub use ledger::{Loss, Write};
pub use links::{Endless, Fulls};
use std::collections::{BTreeMap, VecDeque};
use tape::Tape;

/// A law that was broken, as a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub law: &'static str,
    pub at: Instant,
    /// Number of the event.
    pub event: u64,
    pub node: String,
    /// What was expected, and what was seen.
    pub text: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = self.at.since(Instant::WORLD) / MILLISECOND_US;
        let (law, node, event) = (self.law, &self.node, self.event);
        write!(f, "{law}: {node}, event {event}, {ms} ms: {}", self.text)
    }
}

/// What is known of one node since its last event.
#[derive(Clone, Debug, Default)]
struct Seen {
    epoch: u32,
    /// Where it is, while its process runs.
    place: Option<Place>,
    id: String,
    id2: String,
    second: i64,
    /// The oldest byte of its ring, and the ring's size, by own account.
    ring: Option<(u64, u64)>,
    master: bool,
    /// Its data is what its place says.
    whole: bool,
    connected: bool,
    loading: bool,
    promise: Option<(String, u64)>,
    /// Which of the datasets that can stand at the same place this one is, see [`Oracle::stored`]; and that of the one
    /// that was promised.
    flavour: u32,
    promised_flavour: u32,
    digest: [u8; 20],
    events: u64,
    expired: u64,
    stream: Vec<Piece>,
    answers: Vec<(ConnId, String, i64, Outcome)>,
    /// Full resynchronizations in a row that did not lead to a link, and when the first was granted.
    rounds: u32,
    first_round: Option<Instant>,
    /// Its connection to a master, and the one on which it received the bytes of this event.
    link: Option<ConnId>,
    arrived: Option<ConnId>,
    /// A command of the stream failed in this event.
    failed: bool,
    /// Since when it has a master and no connection to it.
    idle_since: Option<Instant>,
    /// When it was last looked at, and since when its cron goes on as it should with this `repl-timeout`.
    looked: Option<Instant>,
    awake_since: Instant,
    timeout_s: u64,
    /// How many replicas were attached.
    attached: usize,
    /// Since when more waits for one of them than its limits allow at all, and for a while.
    over: BTreeMap<ConnId, [Option<Instant>; 2]>,
    /// Their connections, and when it last had some or was one itself.
    replicas: Vec<ConnId>,
    fed_at: Instant,
}

/// Bytes of a history that a node wrote itself or applied.
#[derive(Clone, Debug)]
struct Piece {
    id: String,
    from: u64,
    bytes: Vec<u8>,
    own: bool,
}

/// A `WAIT` that was not answered yet.
#[derive(Clone, Debug)]
struct Wait {
    /// The latest moment, and the client's last write.
    until: Option<Instant>,
    /// When the process first ran after that moment: one that was stopped answers only then.
    late: Option<Instant>,
    place: Option<Place>,
    wanted: i64,
}

/// The judge of one world. See [`Cluster::judge`].
#[derive(Clone, Debug, Default)]
pub struct Oracle {
    ghost: Ghost,
    seen: Vec<Seen>,
    /// By connection, towards the side that dialled.
    tapes: BTreeMap<u64, Tape>,
    /// Bytes written and not delivered, by connection and side.
    wires: BTreeMap<(u64, usize), VecDeque<u8>>,
    /// Commands without a reply yet, by machine and client; what is to be known of those that are a `WAIT`.
    open: BTreeMap<(usize, usize), VecDeque<Option<Wait>>>,
    /// Last write of each client, by machine and client.
    written: BTreeMap<(usize, usize), Place>,
    /// What machines had applied when their process ended or their data was replaced.
    gave_up: Vec<(usize, Place)>,
    ledger: ledger::Ledger,
    flavours: u32,
    violations: Vec<Violation>,
    board: Board,
    /// Of the data of each machine.
    digests: Vec<Digested>,
    fulls: Fulls,
    endless: Vec<Endless>,
}

/// Violations that are kept; after the first the others tell little.
const KEPT: usize = 8;
/// Data is digested when the offset moved, and anyway every so many events of a node.
const DIGEST_EVERY: u64 = 16;
/// And from scratch so often, to check the one that is kept: when it started, too.
const CROSS_CHECK_EVERY: u64 = 1024;

impl Oracle {
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    pub fn board(&self) -> &Board {
        &self.board
    }

    /// Writes that clients were told of, and what became of them.
    pub fn writes(&self) -> &[Write] {
        self.ledger.writes()
    }

    /// The acknowledged writes that exist nowhere any more, oldest first.
    pub fn lost(&self) -> impl Iterator<Item = &Write> {
        self.ledger.writes().iter().filter(|w| w.lost.is_some())
    }

    /// Full resynchronizations, by their reason.
    pub fn fulls(&self) -> &Fulls {
        &self.fulls
    }

    /// Replicas for which full resynchronizations came to nothing, three or more in a row: L3.
    pub fn endless(&self) -> &[Endless] {
        &self.endless
    }

    fn seen(&mut self, i: usize) -> &mut Seen {
        if self.seen.len() <= i {
            self.seen.resize_with(i + 1, Seen::default);
        }
        &mut self.seen[i]
    }

    fn violated(&mut self, world: &Cluster, i: usize, law: &'static str, text: String) {
        if self.violations.len() < KEPT {
            self.violations.push(Violation {
                law,
                at: world.now,
                event: world.events,
                node: world.machines[i].name.clone(),
                text,
            });
        }
    }

    // --- what the world tells ----------------------------------------------------------------------------------------

    pub(super) fn note(&mut self, i: usize, note: &Note) {
        match note {
            Note::Stream {
                replid,
                from,
                bytes,
                own,
            } => {
                let entry = Piece {
                    id: replid.clone(),
                    from: *from,
                    bytes: bytes.clone(),
                    own: *own,
                };
                self.seen(i).stream.push(entry);
            }
            Note::Answered {
                conn,
                asked_id,
                asked,
                outcome,
                ..
            } => {
                let entry = (*conn, asked_id.clone(), *asked, outcome.clone());
                self.seen(i).answers.push(entry);
            }
            Note::Fed { .. } => {}
        }
    }

    pub(super) fn log(&mut self, i: usize, text: &str) {
        if text.starts_with("== CRITICAL ==") {
            self.seen(i).failed = true;
        }
        for (part, rare) in [
            ("overcoming of output buffer", Rare::OutputLimit),
            ("timedout replica", Rare::TimedOut),
            ("MASTER timeout", Rare::TimedOut),
            ("save in background: fork", Rare::ForkRefused),
            ("terminated by signal", Rare::ChildFailed),
            ("No space left", Rare::DiskFull),
            ("Waiting for next BGSAVE", Rare::SyncWhileSyncing),
            ("Waiting for end of BGSAVE", Rare::SyncWhileSyncing),
            ("MASTER MODE enabled (failover request", Rare::FailoverDone),
        ] {
            if text.contains(part) {
                self.board.saw(rare);
            }
        }
    }

    pub(super) fn sent(&mut self, conn: u64, to: usize, bytes: &[u8]) {
        self.wires.entry((conn, to)).or_default().extend(bytes);
    }

    pub(super) fn delivered(&mut self, world: &Cluster, conn: u64, to: usize, bytes: &[u8]) {
        let wire = self.wires.entry((conn, to)).or_default();
        let same = wire.len() >= bytes.len() && wire.drain(..bytes.len()).eq(bytes.iter().copied());
        let machine = world.network.conn(conn).map(|c| c.ends[to].machine);
        if let Some(i) = machine.filter(|_| !same) {
            let text = format!(
                "{} bytes arrived on connection {conn} that were not the next ones written",
                bytes.len()
            );
            self.violated(world, i, "S8", text);
        }
        let end = world.network.conn(conn).map(|c| c.ends[to]);
        if let Some(end) = end.filter(|_| to == 0) {
            self.seen(end.machine).arrived = Some(end.conn);
        }
        if to == 0 {
            let tape = self.tapes.entry(conn).or_default();
            tape.read(bytes);
            if let Some(rare) = tape.announced.take() {
                self.board.saw(rare);
            }
        }
    }

    /// The connection is gone, or half of it.
    pub(super) fn broken(&mut self, conn: u64, half: bool) {
        if half {
            self.board.saw(Rare::HalfOpen);
        }
        if let Some(rare) = self.tapes.get(&conn).and_then(Tape::cut) {
            self.board.saw(rare);
        }
        self.forget(conn);
    }

    pub(super) fn forget(&mut self, conn: u64) {
        self.wires.remove(&(conn, 0));
        self.wires.remove(&(conn, 1));
        self.tapes.remove(&conn);
    }

    /// What the bytes on their way could be cut in the middle of: sender, receiver, what, and after how many of them.
    pub fn chances<'a>(&self, world: &'a Cluster) -> Vec<(&'a str, &'a str, Rare, u64)> {
        let mut ahead: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
        for (_, _, due) in world.queue.iter() {
            if let Due::Arrive { conn, to: 0, item } = due
                && let Item::Bytes { bytes, .. } = item
            {
                ahead.entry(*conn).or_default().extend(bytes.iter());
            }
        }
        let mut chances = Vec::new();
        for (conn, bytes) in ahead {
            let Some(ends) = world.network.conn(conn).map(|c| c.ends) else {
                continue;
            };
            let [to, from] = ends.map(|end| world.machines[end.machine].name.as_str());
            let tape = self.tapes.get(&conn).cloned().unwrap_or_default();
            let cuts = tape.cuts(&bytes).into_iter();
            chances.extend(cuts.map(|(rare, n)| (from, to, rare, n)));
        }
        chances
    }

    /// A process ended: what it held is gone, except for its snapshot.
    pub(super) fn killed(&mut self, world: &Cluster, i: usize) {
        let seen = self.seen(i);
        let before = std::mem::take(seen);
        seen.epoch = before.epoch;
        self.gave_up.extend(before.place.map(|place| (i, place)));
        self.open.retain(|(machine, _), _| *machine != i);
        self.written.retain(|(machine, _), _| *machine != i);
        let loss = Loss::Crash {
            node: world.machines[i].name.clone(),
        };
        self.settle_losses(world, loss);
    }

    /// A process that stood still runs on.
    pub(super) fn resumed(&mut self, i: usize) {
        self.seen(i).looked = None;
    }

    /// A client's connection ended: nothing is owed to it.
    pub(super) fn hung_up(&mut self, i: usize, client: usize) {
        self.open.remove(&(i, client));
        self.written.remove(&(i, client));
    }

    /// Machine `i` has written a snapshot of its data as of there. `FLUSHALL` with save points writes its file before it
    /// is in the history: an empty one, at a place where there was data. What starts from that is another dataset at the
    /// same place, of another *flavour*, and so are those that take it over.
    pub(super) fn stored(
        &mut self,
        world: &Cluster,
        i: usize,
        id: &str,
        offset: u64,
        digest: [u8; 20],
    ) {
        let Some(place) = self.ghost.place(id, offset) else {
            return self.ledger.stored(i, None);
        };
        let mut flavour = self.seen(i).flavour;
        let known = self.ghost.known(&place, flavour);
        if digest == [0; 20] && known != Some(digest) {
            self.flavours += 1;
            flavour = self.flavours;
        } else if known.is_some_and(|known| known != digest) {
            let text = format!(
                "its snapshot is not the data at byte {offset} of {}",
                short(id)
            );
            self.violated(world, i, "S10", text);
        }
        self.ledger.stored(i, Some(Stored { place, flavour }));
    }

    /// Machine `i` has put the snapshot that it received on its disk.
    pub(super) fn received(&mut self, i: usize) {
        let seen = self.seen(i);
        let (promise, flavour) = (seen.promise.clone(), seen.promised_flavour);
        let place = promise.and_then(|(id, offset)| self.ghost.place(&id, offset));
        let file = place.map(|place| Stored { place, flavour });
        self.ledger.stored(i, file);
    }

    /// Machine `i` starts from another file than its last.
    pub(super) fn swapped(&mut self, i: usize, from: Disk) {
        match from {
            Disk::Last => {}
            Disk::Old => self.ledger.went_back(i),
            Disk::Empty => self.ledger.wiped(i),
        }
    }

    /// Two nodes at the same place can rightly hold different data.
    pub(super) fn differ_by_file(&self, i: usize, j: usize) -> bool {
        let flavour = |i: usize| self.seen.get(i).map(|s| s.flavour);
        flavour(i) != flavour(j)
    }

    // --- after an event ----------------------------------------------------------------------------------------------

    /// Judges node `i` after it has dealt with something.
    pub(super) fn look(&mut self, world: &Cluster, i: usize) {
        let Some(node) = &world.machines[i].node else {
            return;
        };
        if node.loading() == Some(Loading::Start) {
            return; // who it is stands in the snapshot that it reads
        }
        let stream = std::mem::take(&mut self.seen(i).stream);
        let applied = !stream.is_empty();
        let answers = std::mem::take(&mut self.seen(i).answers);
        let before = self.seen(i).clone();
        self.watch_promise(world, i, node);
        self.judge_stream(world, i, node, &stream);
        let Some(place) = self.judge_place(world, i, node, &before, &stream) else {
            return;
        };
        let first = stream.first().map(|piece| piece.from);
        self.judge_ring(world, i, node, &before, first, !stream.is_empty());
        let moved = before.place.as_ref() != Some(&place) || !stream.is_empty();
        self.judge_replicas(world, i, node, &before);
        for (conn, id, offset, outcome) in answers {
            self.judge_answer(world, i, &before, conn, &id, offset, &outcome);
        }
        self.judge_data(world, i, node, &before, &place, moved);
        if self.judge_links(world, i, node, &before, applied) {
            self.judge_bounds(world, i, node);
        }
        self.judge_waits(world, i);
        self.remember(world, i, node, &before, place);
    }

    /// What the master promised on the connection of a node that is being synchronised.
    fn watch_promise(&mut self, world: &Cluster, i: usize, node: &Node) {
        let Some(upstream) = node.upstream() else {
            return;
        };
        if !matches!(upstream.stage, Stage::Transfer(_)) {
            return;
        }
        let tape = upstream
            .conn()
            .and_then(|conn| world.network.find(i, conn))
            .and_then(|(id, _)| self.tapes.get(&id));
        let promise = tape.map(|t| t.promise.clone());
        let peer = world.machine_at_port(upstream.addr.port);
        let flavour = peer.map_or(0, |peer| self.seen(peer).flavour);
        if let Some(promise) = promise {
            let seen = self.seen(i);
            if seen.promise != promise {
                seen.promised_flavour = flavour;
            }
            seen.promise = promise;
        }
    }

    /// S1, S7, S12: what a node wrote or applied are the bytes of its history.
    fn judge_stream(&mut self, world: &Cluster, i: usize, node: &Node, stream: &[Piece]) {
        for piece in stream {
            self.learn(world, i, node, &piece.id, piece.from);
            let ghost = self
                .ghost
                .write(&piece.id, piece.from, &piece.bytes, piece.own);
            if let Err(text) = ghost {
                let law = if piece.own { "S1" } else { "S7" };
                self.violated(world, i, law, text);
            }
            let replica = self.seen(i).place.is_some() && !self.seen(i).master;
            if piece.own && replica && node.upstream().is_some() {
                let text = format!(
                    "a replica wrote byte {} of its master's history",
                    piece.from
                );
                self.violated(world, i, "S12", text);
            }
        }
        if !stream.is_empty() {
            self.board_stream(i, node);
        }
    }

    fn board_stream(&mut self, i: usize, node: &Node) {
        if node.child().is_some() {
            self.board.saw(Rare::WriteDuringSnapshot);
        }
        let expired = node.stats().expired_keys;
        if std::mem::replace(&mut self.seen(i).expired, expired) < expired {
            self.board.saw(Rare::ExpiredInStream);
        }
    }

    /// Makes an id known that a node uses: S15.
    fn learn(&mut self, world: &Cluster, i: usize, node: &Node, id: &str, from: u64) {
        if self.ghost.knows(id) {
            return;
        }
        let history = node.history();
        let before = self.seen(i).clone();
        let current = history.replid == id;
        let parent = current && history.second_offset > 0 && self.ghost.knows(&history.replid2);
        if !parent {
            return self.ghost.begin(id, from - 1, None);
        }
        let last = history.second_offset as u64 - 1;
        let same_process = before.epoch == world.machines[i].epoch && before.place.is_some();
        // In one event it can have followed another master first, and be promoted then.
        let vouched = self.ghost.place(&history.replid2, last);
        let followed = before.place.zip(vouched);
        let followed = followed.is_some_and(|(old, new)| self.ghost.holds(&new, &old));
        let shifted = before.id == history.replid2 || !same_process || followed;
        let at = before
            .place
            .as_ref()
            .map_or(last, |_| before_offset(&before));
        if !shifted || (same_process && last < at) {
            let text = format!(
                "a new id vouches for {} up to {last}; the node was at byte {at} of {}",
                short(&history.replid2),
                short(&before.id)
            );
            self.violated(world, i, "S15", text);
        }
        let by = (world.machines[i].name.clone(), world.now);
        let parent = Some((history.replid2.as_str(), by));
        self.ghost.begin(id, last, parent);
        if same_process && before.connected | !before.master {
            let tail = self
                .ghost
                .end(&history.replid2)
                .is_some_and(|end| end > last);
            if tail {
                self.board.saw(Rare::PromotionWithTail);
            }
        }
    }

    /// S3, S4, S9, S10: where the node is, and how it came there.
    fn judge_place(
        &mut self,
        world: &Cluster,
        i: usize,
        node: &Node,
        before: &Seen,
        stream: &[Piece],
    ) -> Option<Place> {
        let history = node.history();
        let offset = history.offset;
        self.learn(world, i, node, &history.replid, offset + 1);
        let place = self.ghost.place(&history.replid, offset)?;
        let fed: u64 = stream.iter().map(|piece| piece.bytes.len() as u64).sum();
        let started = before.epoch != world.machines[i].epoch || before.place.is_none();
        let loading = node.loading().is_some();
        let synced = before.loading && !loading;
        let expected = if started || (synced && node.upstream().is_none()) {
            None
        } else if synced {
            self.seen(i).promise.clone().map(|(_, told)| told + fed)
        } else {
            Some(before_offset(before) + fed)
        };
        let restarted = before.loading && before.promise.is_none();
        if started {
            let file = self.ledger.stored_at(i);
            self.seen(i).flavour = file.map_or(0, |file| file.flavour);
        } else if synced {
            self.seen(i).flavour = self.seen(i).promised_flavour;
        }
        if let Some(expected) = expected.filter(|&e| e != offset && !restarted) {
            let again = |piece: &Piece| piece.from <= before_offset(before);
            let law = match stream.first() {
                _ if synced => "S10",
                Some(piece) if again(piece) => "S9",
                _ => "S4",
            };
            let text = format!(
                "byte {expected} of {} was expected after {fed} bytes, it is at {offset}",
                short(&history.replid)
            );
            self.violated(world, i, law, text);
        }
        if synced && !restarted {
            let promised = self.seen(i).promise.take();
            if let Some((id, _)) = promised.filter(|(id, _)| *id != history.replid) {
                let text = format!(
                    "the snapshot is of {}, the node says {}",
                    short(&id),
                    short(&history.replid)
                );
                self.violated(world, i, "S10", text);
            }
        }
        let moved = before.place.as_ref() != Some(&place);
        if moved && !loading && !self.ghost.is_whole(&place) {
            let text = format!("byte {offset} is in the middle of a command or a transaction");
            self.violated(world, i, "S3", text);
        }
        Some(place)
    }

    /// S7: the ring is the newest bytes, as many as fit.
    fn judge_ring(
        &mut self,
        world: &Cluster,
        i: usize,
        node: &Node,
        before: &Seen,
        first: Option<u64>,
        wrote: bool,
    ) {
        let offset = node.history().offset;
        let Some(ring) = node.backlog() else {
            self.seen(i).ring = None;
            return;
        };
        let fresh = before.ring.is_none() || (before.loading && node.loading().is_none());
        let (mut kept, size) = match before.ring {
            Some((kept, _)) if !fresh => (kept, ring.size()),
            _ => (first.unwrap_or(offset + 1), ring.size()),
        };
        if (offset + 1).saturating_sub(kept) > size {
            self.board.saw(Rare::RingWrapped);
            kept = offset + 1 - size;
        }
        self.seen(i).ring = Some((kept, size));
        if ring.first() != kept || ring.first() + ring.histlen() != offset + 1 {
            let text = format!(
                "the ring should hold bytes {kept} to {offset}, it says {} to {}",
                ring.first(),
                (ring.first() + ring.histlen()).saturating_sub(1)
            );
            return self.violated(world, i, "S7", text);
        }
        if wrote || before.events.is_multiple_of(DIGEST_EVERY) {
            let id = &node.history().replid;
            if let Err(text) = self.ghost.compare(id, kept, &ring.since(kept)) {
                self.violated(world, i, "S7", text);
            }
        }
    }

    /// S15: whoever takes another id or dataset drops its replicas, who have to ask again; and a backlog is kept for as long
    /// as was configured.
    fn judge_replicas(&mut self, world: &Cluster, i: usize, node: &Node, before: &Seen) {
        let attached: Vec<ConnId> = node.attached().iter().map(|r| r.conn).collect();
        let ttl = node.config.repl_backlog_ttl_s * SECOND_US;
        let early = world.now.since(before.fed_at) < ttl;
        let same_process = before.epoch == world.machines[i].epoch && before.place.is_some();
        let master = before.master && node.upstream().is_none();
        if same_process {
            let renewed = before.id != node.history().replid;
            let replaced = !before.loading && node.loading().is_some();
            let kept = before.replicas.iter().any(|conn| attached.contains(conn));
            if kept && (renewed || replaced) {
                let what = if renewed { "id" } else { "dataset" };
                let text = format!("it has another {what} now, and kept its replicas");
                self.violated(world, i, "S15", text);
            }
            if master && early && before.ring.is_some() && node.backlog().is_none() {
                let text = "the backlog was freed before its time".into();
                self.violated(world, i, "S15", text);
            }
        }
        let seen = self.seen(i);
        if !attached.is_empty() || !before.master || !same_process {
            seen.fed_at = world.now;
        }
        seen.replicas = attached;
    }

    /// S2, S11: the data is what belongs to the place.
    fn judge_data(
        &mut self,
        world: &Cluster,
        i: usize,
        node: &Node,
        before: &Seen,
        place: &Place,
        moved: bool,
    ) {
        let due = moved || before.events.is_multiple_of(DIGEST_EVERY) || before.loading;
        if !due {
            return;
        }
        if self.digests.len() <= i {
            self.digests.resize_with(i + 1, Digested::default);
        }
        let digest = node.keyspace().digest_again(&mut self.digests[i]);
        if before.events.is_multiple_of(CROSS_CHECK_EVERY) && digest != node.keyspace().digest() {
            let text = "the digest that is kept is not DEBUG DIGEST".into();
            self.violated(world, i, "S2", text);
        }
        self.seen(i).digest = digest;
        if node.loading() == Some(Loading::Sync) {
            if digest != [0; 20] && before.loading && digest != before.digest {
                let text = "data changed while a snapshot is loaded".into();
                self.violated(world, i, "S11", text);
            }
            return;
        }
        if node.backlog().is_none() {
            return; // without a stream nothing is counted, and nobody can continue from here
        }
        let (name, flavour) = (&world.machines[i].name, self.seen(i).flavour);
        if let Some(other) = self.ghost.digest(place, flavour, digest, name) {
            let text = format!(
                "its data at byte {} of {} is not what {other} had there",
                place.1,
                short(&node.history().replid)
            );
            self.violated(world, i, "S2", text);
        }
    }

    /// Keeps what the next event is compared with.
    fn remember(&mut self, world: &Cluster, i: usize, node: &Node, before: &Seen, place: Place) {
        let rewound = before
            .place
            .as_ref()
            .is_some_and(|old| !self.ghost.holds(&place, old));
        let connected = node.upstream().is_some_and(|u| u.connected());
        let loading = node.loading();
        let history = node.history();
        let (id, id2, second) = (
            history.replid.clone(),
            history.replid2.clone(),
            history.second_offset,
        );
        let has_ring = node.backlog().is_some();
        let attached = node.attached().len();
        let seen = self.seen(i);
        seen.attached = attached;
        seen.epoch = world.machines[i].epoch;
        seen.place = Some(place);
        (seen.id, seen.id2, seen.second) = (id, id2, second);
        seen.master = node.upstream().is_none();
        seen.loading = loading.is_some();
        seen.events += 1;
        if connected {
            seen.rounds = 0;
        }
        seen.connected = connected;
        if loading.is_some() {
            seen.whole = false;
        } else if connected || (before.loading && has_ring) {
            seen.whole = true;
        }
        self.board_place(world, node, before, connected);
        if rewound {
            self.gave_up.extend(before.place.map(|place| (i, place)));
            let loss = self.ghost.maker(&self.seen[i].id);
            let loss = loss.map_or_else(
                || Loss::Replaced {
                    node: world.machines[i].name.clone(),
                },
                |(node, at)| Loss::Promotion { node, at },
            );
            if self.settle_losses(world, loss) > 0 {
                self.board.saw(Rare::DemotedWithLosses);
            }
        }
    }

    fn board_place(&mut self, world: &Cluster, node: &Node, before: &Seen, connected: bool) {
        if connected && !before.connected {
            if node.upstream().is_some_and(|u| u.db() != 0) {
                self.board.saw(Rare::OtherDatabase);
            }
            let up = node
                .upstream()
                .and_then(|u| world.machine_at_port(u.addr.port));
            let chain = up.is_some_and(|up| self.seen(up).connected);
            if chain {
                self.board.saw(Rare::ChainOfThree);
            }
            if !node.attached().is_empty() {
                self.board.saw(Rare::ReparentWithReplicas);
            }
        }
        let attached = node.attached();
        let twice = |port: u16| attached.iter().filter(|r| r.port == port).count() > 1;
        if attached.len() > before.attached && attached.iter().any(|r| twice(r.port)) {
            self.board.saw(Rare::TwoConnections);
        }
    }

    /// Finds the acknowledged writes that nobody holds any more; how many there are.
    fn settle_losses(&mut self, world: &Cluster, loss: Loss) -> usize {
        let alive = self.seen.iter().filter_map(|s| s.place.as_ref());
        let alive: Vec<Place> = alive.cloned().collect();
        let dead = |i: &usize| world.machines[*i].node.is_none();
        let machines = 0..world.machines.len();
        let stored = machines
            .filter(dead)
            .filter_map(|i| Some(self.ledger.stored_at(i)?.place));
        let holders: Vec<Place> = alive.into_iter().chain(stored).collect();
        self.ledger.settle(&self.ghost, &holders, world.now, &loss)
    }
}

fn before_offset(before: &Seen) -> u64 {
    before.place.as_ref().map_or(0, |p| p.1)
}

/// An id as people say it.
fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}
