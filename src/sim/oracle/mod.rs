//! The judge: after every event it compares what the nodes claim with a history of its own, the *ghost*: for each
//! replication id the bytes that its one writer wrote, and for each place in it the digest of the data there. It shares
//! no code with the ring, the verdict or the parser of the nodes. Laws are named as S1 … S20 and L1 … L7:
//!
//! S1 one history per id; S2 same id and offset, same data; S3 offsets count whole commands; S4 offsets never go back;
//! S5 a verdict is the legal one; S6 `+CONTINUE` is true; S7 the ring holds the newest bytes; S8 connections deliver
//! what was written; S9 every byte is applied once; S10 a snapshot is one moment; S11 no half a dataset; S12 replicas do not
//! invent; S13 stale data is gated; S14 WAIT is true; S15 ids change by the rules; S17 bounds; L2 no full resync
//! without need; L5 WAIT ends in time.

pub mod board;
mod ghost;
mod ledger;
mod tape;

use super::action::Disk;
use super::cluster::Cluster;
use crate::node::{ConnId, FullCause, Loading, Node, Note, Outcome, Stage};
use crate::time::{Instant, MILLISECOND_US, SECOND_US};
use crate::wire::Bytes;
use crate::wire::resp::{Reply, parse_i64};
use board::{Board, Rare};
use ghost::{Ghost, Place};
use ledger::Stored;
pub use ledger::{Loss, Write};
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
    stream: Vec<(String, u64, Vec<u8>)>,
    answers: Vec<(ConnId, String, i64, Outcome)>,
    /// Full resynchronizations in a row that did not lead to a link.
    rounds: u32,
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
    /// Replicas for which three full resynchronizations in a row came to nothing.
    pub endless: u64,
}

/// Violations that are kept; after the first the others tell little.
const KEPT: usize = 8;
/// Data is digested when the offset moved, and anyway every so many events of a node.
const DIGEST_EVERY: u64 = 16;

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
            } => {
                let entry = (replid.clone(), *from, bytes.clone());
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

    pub(super) fn log(&mut self, text: &str) {
        for (part, rare) in [
            ("overcoming of output buffer", Rare::OutputLimit),
            ("timedout replica", Rare::TimedOut),
            ("MASTER timeout", Rare::TimedOut),
            ("save in background: fork", Rare::ForkRefused),
            ("terminated by signal", Rare::ChildFailed),
            ("No space left", Rare::DiskFull),
            ("Waiting for next BGSAVE", Rare::SyncWhileSyncing),
            ("Waiting for end of BGSAVE", Rare::SyncWhileSyncing),
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
        if to == 0 {
            let tape = self.tapes.entry(conn).or_default();
            let before = tape.transfer();
            tape.read(bytes);
            if let Some(rare) = tape.transfer().filter(|_| before.is_none()) {
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

    // --- clients -----------------------------------------------------------------------------------------------------

    /// A client sent a command and has these replies now.
    pub(super) fn client(
        &mut self,
        world: &Cluster,
        i: usize,
        client: usize,
        args: &[Bytes],
        replies: &[Reply],
        before: u64,
    ) {
        let Some(node) = &world.machines[i].node else {
            return;
        };
        let is = |name: &str| args[0].eq_ignore_ascii_case(name.as_bytes());
        let (offset, master) = (node.history().offset, node.upstream().is_none());
        let place = self.ghost.place(&node.history().replid, offset);
        let stale = node.upstream().is_some_and(|u| !u.connected());
        let gated = stale && !node.config.replica_serve_stale_data && is("get");
        let excuses = ["MASTERDOWN", "LOADING", "NOAUTH"];
        let refused =
            |r: &Reply| matches!(r, Reply::Error(e) if excuses.iter().any(|x| e.starts_with(x)));
        if gated && let Some(reply) = replies.iter().find(|r| !refused(r)) {
            let text =
                format!("GET while the link is down should be refused, it replied {reply:?}");
            self.violated(world, i, "S13", text);
        }
        let queue = self.open.entry((i, client)).or_default();
        let alone = queue.is_empty();
        queue.push_back(is("wait").then(|| {
            let number = |n: usize| args.get(n).and_then(|a| parse_i64(a)).unwrap_or(0);
            let us = number(2).max(0) as u64 * MILLISECOND_US;
            Wait {
                until: (us > 0 && alone).then(|| world.now.after(us)),
                late: None,
                place: self.written.get(&(i, client)).copied(),
                wanted: number(1),
            }
        }));
        for reply in replies {
            self.replied(world, i, client, reply);
        }
        if is("wait") {
            return;
        }
        let fine = replies.iter().any(|r| !matches!(r, Reply::Error(_)));
        if let Some(place) = place.filter(|_| master && fine && offset > before) {
            self.written.insert((i, client), place);
            let name = world.machines[i].name.clone();
            let text = super::action::words(args);
            self.ledger.wrote(name, world.now, place, text);
        }
    }

    /// A client has a reply to its oldest command without one.
    pub(super) fn replied(&mut self, world: &Cluster, i: usize, client: usize, reply: &Reply) {
        let queue = self.open.get_mut(&(i, client));
        let Some(Some(wait)) = queue.and_then(VecDeque::pop_front) else {
            return;
        };
        let Reply::Integer(n) = reply else {
            return;
        };
        self.board.saw(if *n >= wait.wanted {
            Rare::WaitSatisfied
        } else {
            Rare::WaitTimedOut
        });
        let Some(place) = wait.place else {
            return;
        };
        let have = self.holders(world, i, &place);
        if have < *n {
            let text =
                format!("WAIT replied {n}, and {have} other nodes have or had the client's write");
            self.violated(world, i, "S14", text);
        }
    }

    /// How many replicas of `i` have applied all up to `place`, or had when they ended. Redis counts connections: a
    /// replica that is there twice counts twice.
    fn holders(&self, world: &Cluster, i: usize, place: &Place) -> i64 {
        let attached = world.machines[i].node.as_ref().map(Node::attached);
        let attached = attached.unwrap_or_default();
        let others = world.machines.iter().enumerate().filter(|(j, _)| *j != i);
        let have = others.filter(|(j, m)| {
            let history = m.node.as_ref().map(Node::history);
            let now = history.and_then(|h| self.ghost.place(&h.replid, h.offset));
            let once = self.gave_up.iter().filter(|(k, _)| k == j);
            let mut all = now.into_iter().chain(once.map(|(_, place)| *place));
            all.any(|there| self.ghost.holds(&there, place))
        });
        let connections = |port: u16| attached.iter().filter(|r| r.port == port).count().max(1);
        have.map(|(_, m)| connections(m.config.port) as i64).sum()
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
        let answers = std::mem::take(&mut self.seen(i).answers);
        let before = self.seen(i).clone();
        self.watch_promise(world, i, node);
        self.judge_stream(world, i, node, &before, &stream);
        let Some(place) = self.judge_place(world, i, node, &before, &stream) else {
            return;
        };
        let first = stream.first().map(|(_, from, _)| *from);
        self.judge_ring(world, i, node, &before, first, !stream.is_empty());
        let moved = before.place.as_ref() != Some(&place) || !stream.is_empty();
        for (conn, id, offset, outcome) in answers {
            self.judge_answer(world, i, &before, conn, &id, offset, &outcome);
        }
        self.judge_data(world, i, node, &before, &place, moved);
        self.judge_waits(world, i);
        self.remember(world, i, node, &before, place, moved);
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

    /// S1, S6, S7, S9: what a node wrote or applied are the bytes of its history.
    fn judge_stream(
        &mut self,
        world: &Cluster,
        i: usize,
        node: &Node,
        before: &Seen,
        stream: &[(String, u64, Vec<u8>)],
    ) {
        let master = node.upstream().is_none();
        for (id, from, bytes) in stream {
            let writes = master || (before.master && before.id == *id);
            self.learn(world, i, node, id, *from);
            let ghost = self.ghost.write(id, *from, bytes, writes);
            if let Err(text) = ghost {
                let law = if writes { "S1" } else { "S7" };
                self.violated(world, i, law, text);
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
        let shifted = before.id == history.replid2 || !same_process;
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
        stream: &[(String, u64, Vec<u8>)],
    ) -> Option<Place> {
        let history = node.history();
        let offset = history.offset;
        self.learn(world, i, node, &history.replid, offset + 1);
        let place = self.ghost.place(&history.replid, offset)?;
        let fed: u64 = stream.iter().map(|(_, _, bytes)| bytes.len() as u64).sum();
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
            let law = if synced { "S10" } else { "S4" };
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

    /// S7, S17: the ring is the newest bytes, as many as fit.
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

    /// S5, S6, L2: the answer to PSYNC.
    #[allow(clippy::too_many_arguments)]
    fn judge_answer(
        &mut self,
        world: &Cluster,
        i: usize,
        before: &Seen,
        conn: ConnId,
        id: &str,
        asked: i64,
        outcome: &Outcome,
    ) {
        let Some(node) = &world.machines[i].node else {
            return;
        };
        // A failover promotes before it answers; otherwise the ids before this event count.
        let h = node.history();
        let promoted = !before.master && node.upstream().is_none();
        let (id1, id2, second) = if promoted {
            (&h.replid, &h.replid2, h.second_offset)
        } else {
            (&before.id, &before.id2, before.second)
        };
        let offset = h.offset as i64;
        let by_first = id.eq_ignore_ascii_case(id1);
        let by_second = id.eq_ignore_ascii_case(id2) && asked <= second;
        let ring = before.ring.map(|(kept, _)| kept as i64);
        let covered = ring.is_some_and(|first| (first..=offset + 1).contains(&asked));
        let legal = (by_first || by_second) && covered;
        let accepted = matches!(outcome, Outcome::Continue { .. });
        if legal != accepted {
            let verb = if legal { "continue" } else { "be refused" };
            let text = format!(
                "PSYNC {} {asked} should {verb}: ids {} and {} up to {second}, bytes {ring:?} to {offset}; it was {outcome:?}",
                short(id),
                short(id1),
                short(id2)
            );
            self.violated(world, i, "S5", text);
        }
        if accepted {
            let asks = self.ghost.place(id, (asked - 1).max(0) as u64);
            let here = self.ghost.place(&h.replid, h.offset);
            let truly = asks.zip(here).is_none_or(|(a, h)| self.ghost.holds(&h, &a));
            if !truly {
                let text = format!(
                    "byte {} of {} is not in the history that was continued",
                    asked - 1,
                    short(id)
                );
                self.violated(world, i, "S6", text);
            }
        }
        self.board_answer(by_first, second, asked, outcome);
        let peer = world
            .network
            .find(i, conn)
            .and_then(|(id, side)| Some(world.network.conn(id)?.ends[1 - side].machine));
        if let Some(j) = peer {
            self.judge_need(world, i, j, id, outcome);
        }
    }

    fn board_answer(&mut self, by_first: bool, second: i64, asked: i64, outcome: &Outcome) {
        let board = &mut self.board;
        match outcome {
            Outcome::Continue { .. } => {
                board.saw(if by_first {
                    Rare::PartialById
                } else {
                    Rare::PartialById2
                });
                if !by_first && asked == second {
                    board.saw(Rare::PartialAtSecond);
                }
            }
            Outcome::Full { cause } => match cause {
                FullCause::BeyondSecond { .. } => board.saw(Rare::RefusedBeyondSecond),
                FullCause::OtherHistory => board.saw(Rare::RefusedOtherHistory),
                FullCause::TooOld { gone } => {
                    board.saw(Rare::RefusedByRing);
                    if *gone <= 40 {
                        board.saw(Rare::RefusedByOneByte);
                    }
                }
                _ => {}
            },
        }
    }

    /// L2: a replica that could be continued does not ask for everything, and does not end in full resyncs for ever.
    fn judge_need(&mut self, world: &Cluster, i: usize, j: usize, id: &str, outcome: &Outcome) {
        let replica = self.seen(j).clone();
        if matches!(outcome, Outcome::Continue { .. }) {
            if world.machines[j].epoch > 1 && !replica.connected && replica.promise.is_none() {
                self.board.saw(Rare::RestartContinued);
            }
            return;
        }
        let rounds = &mut self.seen(j).rounds;
        *rounds += 1;
        if *rounds == 3 {
            self.endless += 1;
        }
        let master = world.machines[i].node.as_ref();
        if master.is_some_and(|n| n.keyspace().is_empty()) {
            self.board.saw(Rare::EmptySync);
        }
        let Some(place) = replica.place.filter(|_| replica.whole) else {
            return;
        };
        let master = self.seen(i);
        let (ring, here) = (master.ring, master.place);
        let fits = ring.is_some_and(|(first, _)| place.1 + 1 >= first);
        let known = here.is_some_and(|here| self.ghost.holds(&here, &place));
        if known && fits && id.starts_with('?') {
            let text = format!(
                "{} was at byte {} of a history that this node can continue, and asked for everything",
                world.machines[j].name, place.1
            );
            self.violated(world, i, "L2", text);
        }
    }

    /// S2, S10, S11, S12: the data is what belongs to the place.
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
        let digest = node.keyspace().digest();
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

    /// L5: nobody waits longer than was asked for.
    fn judge_waits(&mut self, world: &Cluster, i: usize) {
        if world.machines[i].paused_until.is_some() {
            return;
        }
        let late = |wait: &mut Wait| {
            let over = wait.until.is_some_and(|until| until < world.now);
            over && wait.late.get_or_insert(world.now).after(SECOND_US / 10) < world.now
        };
        let mut mine = self.open.range_mut((i, 0)..=(i, usize::MAX));
        let found = mine.find_map(|(_, queue)| {
            let any = queue.iter_mut().flatten().any(late);
            any.then_some(queue)
        });
        if let Some(queue) = found {
            queue.clear();
            self.violated(world, i, "L5", "WAIT is over and was not answered".into());
        }
    }

    /// Keeps what the next event is compared with.
    fn remember(
        &mut self,
        world: &Cluster,
        i: usize,
        node: &Node,
        before: &Seen,
        place: Place,
        moved: bool,
    ) {
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
        let seen = self.seen(i);
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
        self.board_place(world, node, before, connected, moved);
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

    fn board_place(
        &mut self,
        world: &Cluster,
        node: &Node,
        before: &Seen,
        connected: bool,
        moved: bool,
    ) {
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
        if moved && node.upstream().is_none() {
            let attached = node.attached();
            let twice = |port: u16| attached.iter().filter(|r| r.port == port).count() > 1;
            if attached.iter().any(|r| twice(r.port)) {
                self.board.saw(Rare::TwoConnections);
            }
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
