//! What an onlooker wants to see and the world itself does not need: packets, verdicts, marks, the newest notable
//! thing, server logs, and which command is where in the ring. Everything is bounded: the oldest goes first.

use super::cluster::Cluster;
use super::fate::{Lineage, Write};
use super::machine::Machine;
use super::snapshot::*;
use super::trail::Trail;
use crate::node::keyspace::{self, Value};
use crate::node::{Attached, Loading, Node, Note, ReplicaState, Stage};
use crate::time::Instant;
use crate::wire::tap::{self, Twin};
use crate::wire::{Bytes, resp};
use foldhash::fast::FixedState;
use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::rc::Rc;

const MARKS_KEPT: usize = 600;
const LOG_KEPT: usize = 200;
const STORIES_KEPT: usize = 1000;
const KEYS_SHOWN: usize = 500;
const WRITES_KEPT: usize = 1000;

/// What is kept for one node, whether its process runs or not.
#[derive(Clone, Debug, Default)]
struct Seen {
    name: Rc<str>,
    log: Rc<Vec<LogLine>>,
    cells: Trail<Rc<Cell>>,
    origin: Option<u64>,
    /// Key → stream bytes of the command that wrote it last.
    set_by: keyspace::Map<(u64, u64)>,
    /// What it was doing when it was looked at last.
    phase: Phase,
    /// Told once that the ring overwrote what it needs.
    fell_off: bool,
    link_up: bool,
    /// It has loaded a snapshot, and what the master wrote meanwhile goes up to this offset.
    catching: Option<u64>,
    /// The offset that its child froze, while it has one.
    child: Option<u64>,
    /// Of a real server: the history that it named last, and the newest byte that came of it.
    heard: Option<(String, u64)>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    /// Nobody looks.
    off: bool,
    /// By number of the machine.
    seen: Vec<Seen>,
    wire: Rc<Vec<Rc<Packet>>>,
    in_flight: Vec<Rc<Packet>>,
    packets: u64,
    /// What was sent to the last replica, for the next one.
    twin: Option<Twin>,
    verdict: Option<Rc<Verdict>>,
    story: Option<Rc<Story>>,
    stories: VecDeque<Rc<Story>>,
    told: u64,
    marks: Rc<Vec<Mark>>,
    /// Replication ids in the order in which something was written under them.
    histories: Vec<String>,
    writes: Rc<Vec<Rc<Write>>>,
    lineage: Rc<Vec<Lineage>>,
    /// Keys in the order in which they were written or loaded first, so that tiles stay where they are.
    key_order: keyspace::Map<()>,
}

impl Watch {
    pub fn off() -> Self {
        Self {
            off: true,
            ..Self::default()
        }
    }

    pub fn in_flight(&self) -> &[Rc<Packet>] {
        &self.in_flight
    }

    pub fn stories(&self) -> &VecDeque<Rc<Story>> {
        &self.stories
    }

    /// Number of the newest story.
    pub fn told(&self) -> u64 {
        self.told
    }

    pub fn ready(&mut self, now: Instant, replicas: usize) {
        self.tell(now, Happening::Ready { replicas });
    }

    fn tell(&mut self, at: Instant, what: Happening) {
        if self.off {
            return;
        }
        self.told += 1;
        let story = Rc::new(Story {
            n: self.told,
            at,
            what,
        });
        self.story = Some(story.clone());
        self.stories.push_back(story);
        if self.stories.len() > STORIES_KEPT {
            // Under load writes, and what is missed of them, come by the thousand; what else happened stays longer.
            let small = |s: &Rc<Story>| {
                matches!(s.what, Happening::Written { .. } | Happening::Behind { .. })
            };
            let oldest = self.stories.iter().position(small);
            self.stories.remove(oldest.unwrap_or(0));
        }
    }

    fn mark(&mut self, at: Instant, node: &str, kind: MarkKind) {
        self.mark_of(at, node.into(), kind);
    }

    fn mark_of(&mut self, at: Instant, node: Rc<str>, kind: MarkKind) {
        if self.off {
            return;
        }
        let marks = Rc::make_mut(&mut self.marks);
        marks.push(Mark { at, node, kind });
        if marks.len() > MARKS_KEPT {
            marks.drain(..MARKS_KEPT / 4);
        }
    }

    pub fn cut(&mut self, at: Instant, a: &str, b: &str, cut: bool) {
        let (a, b) = (a.to_string(), b.to_string());
        self.mark(
            at,
            &b,
            if cut {
                MarkKind::Cut
            } else {
                MarkKind::Restore
            },
        );
        self.tell(
            at,
            if cut {
                Happening::Cut { a, b }
            } else {
                Happening::Restored { a, b }
            },
        );
    }

    /// The name of machine `i`, shared by all that tells of it.
    fn name(&mut self, i: usize, name: &str) -> Rc<str> {
        let seen = self.seen(i);
        if &*seen.name != name {
            seen.name = name.into();
        }
        seen.name.clone()
    }

    /// What is kept for machine `i`.
    fn seen(&mut self, i: usize) -> &mut Seen {
        while self.seen.len() <= i {
            self.seen.push(Seen::default());
        }
        &mut self.seen[i]
    }

    pub fn killed(&mut self, at: Instant, i: usize, node: &str) {
        self.mark(at, node, MarkKind::Killed);
        self.tell(at, Happening::Killed { node: node.into() });
        // The ring was in memory.
        let seen = self.seen(i);
        seen.cells = Trail::default();
        seen.origin = None;
        seen.phase = Phase::Dead;
    }

    pub fn started(&mut self, at: Instant, node: &str) {
        self.mark(at, node, MarkKind::Started);
        self.tell(
            at,
            Happening::Started {
                node: node.into(),
                keys: 0,
            },
        );
    }

    pub fn added(&mut self, at: Instant, node: &str, of: &str) {
        self.mark(at, node, MarkKind::Started);
        self.tell(
            at,
            Happening::Added {
                node: node.into(),
                of: of.into(),
            },
        );
    }

    pub fn load(&mut self, at: Instant, node: &str, per_s: u32) {
        self.tell(
            at,
            if per_s > 0 {
                Happening::LoadOn {
                    node: node.into(),
                    per_s,
                }
            } else {
                Happening::LoadOff
            },
        );
    }

    pub fn log(&mut self, at: Instant, i: usize, level: char, text: String) {
        if self.off {
            return;
        }
        let log = Rc::make_mut(&mut self.seen(i).log);
        log.push(LogLine { at, level, text });
        if log.len() > LOG_KEPT {
            log.drain(..LOG_KEPT / 4);
        }
    }

    /// A packet was written; its number.
    pub fn packet(
        &mut self,
        from: Rc<str>,
        to: Rc<str>,
        sent: Instant,
        arrives: Instant,
        bytes: Rc<[u8]>,
        frames: Rc<[Frame]>,
    ) -> u64 {
        self.packets += 1;
        if let Some(head) = frames
            .iter()
            .find(|f| f.kind == FrameKind::Rdb && f.label.starts_with('$'))
        {
            let bytes = head.label[1..].parse().unwrap_or(0);
            self.tell(
                sent,
                Happening::SnapshotSent {
                    node: from.to_string(),
                    replica: to.to_string(),
                    bytes,
                },
            );
        }
        let packet = Rc::new(Packet {
            id: self.packets,
            from,
            to,
            sent,
            arrives,
            delivered: None,
            bytes,
            frames,
        });
        self.in_flight.push(packet.clone());
        let wire = Rc::make_mut(&mut self.wire);
        wire.push(packet);
        if wire.len() > WIRE_KEPT {
            wire.drain(..WIRE_KEPT / 8);
        }
        self.packets
    }

    pub fn fate(&mut self, id: u64, delivered: bool) {
        let Ok(i) = self.in_flight.binary_search_by_key(&id, |p| p.id) else {
            return;
        };
        self.in_flight.remove(i);
        let wire = Rc::make_mut(&mut self.wire);
        if let Ok(at) = wire.binary_search_by_key(&id, |p| p.id) {
            // A copy only where somebody else looks at it.
            Rc::make_mut(&mut wire[at]).delivered = Some(delivered);
        }
    }

    fn wrote(&mut self, write: Write) {
        let writes = Rc::make_mut(&mut self.writes);
        writes.push(Rc::new(write));
        if writes.len() > WRITES_KEPT {
            writes.drain(..WRITES_KEPT / 4);
        }
    }

    /// A node's second id says which history its first one continues.
    fn continues(&mut self, replid: &str, replid2: &str, second_offset: i64) {
        let Ok(upto) = u64::try_from(second_offset - 1) else {
            return;
        };
        let (child, parent) = (self.history(replid), self.history(replid2));
        if !self.lineage.iter().any(|l| l.child == child) {
            Rc::make_mut(&mut self.lineage).push(Lineage {
                child,
                parent,
                upto,
            });
        }
    }

    fn history(&mut self, replid: &str) -> u32 {
        let at = self
            .histories
            .iter()
            .position(|h| h == replid)
            .unwrap_or_else(|| {
                self.histories.push(replid.into());
                self.histories.len() - 1
            });
        at as u32
    }
}

/// Side `side` of a connection writes; the number of the packet.
pub(super) fn packet(
    world: &mut Cluster,
    conn: u64,
    side: usize,
    arrives: Instant,
    bytes: Rc<[u8]>,
) -> u64 {
    let off = world.watch.off;
    let Some(c) = world.network.conn_mut(conn).filter(|_| !off) else {
        return 0;
    };
    let (bytes, frames) = if side == 0 {
        let frames = c.tap.up(&bytes).into();
        (bytes, frames)
    } else {
        c.tap.down_like(&bytes, &mut world.watch.twin)
    };
    let (writer, reader) = (c.ends[side].machine, c.ends[1 - side].machine);
    let newest = c.tap.newest();
    let mut name = |i: usize| world.watch.name(i, &world.machines[i].name);
    let (from, to) = (name(writer), name(reader));
    if side == 1 && world.is_outside(writer) {
        answered(world, writer, &to, &frames, newest);
    }
    world
        .watch
        .packet(from, to, world.now, arrives, bytes, frames)
}

/// What a real server says of its history.
fn answered(world: &mut Cluster, i: usize, replica: &str, frames: &[Frame], newest: Option<u64>) {
    let (now, node) = (world.now, world.machines[i].name.clone());
    for f in frames.iter().filter(|f| f.kind == FrameKind::Reply) {
        let kind = match f.label.as_str() {
            "+CONTINUE" => MarkKind::Partial,
            "+FULLRESYNC" => MarkKind::FullSync,
            _ => continue,
        };
        let seen = world.watch.seen(i);
        if let Some(id) = f.text.split(' ').nth(1) {
            seen.heard = Some((id.into(), newest.unwrap_or(0)));
        }
        world.watch.mark(now, replica, kind);
        let (node, replica, line) = (node.clone(), replica.into(), f.text.clone());
        world.watch.tell(
            now,
            Happening::Answered {
                node,
                replica,
                line,
            },
        );
    }
    if let (Some((_, offset)), Some(newest)) = (&mut world.watch.seen(i).heard, newest) {
        *offset = newest.max(*offset);
    }
}

/// A node's note: into the rings, the verdict and the story.
pub(super) fn note(world: &mut Cluster, i: usize, note: Note) {
    if world.watch.off {
        return;
    }
    let (now, name) = (world.now, world.machines[i].name.clone());
    match note {
        Note::Fed { from, to, db, args } => {
            let Some(node) = &world.machines[i].node else {
                return;
            };
            let replid = node.history().replid.clone();
            let master = node.upstream().is_none();
            let kind = tap::kind_of(&args);
            let up = node.upstream().map(|u| u.addr.port);
            let up = up.and_then(|port| world.machine_at_port(port));
            let history = world.watch.history(&replid);
            let sum = args.iter().fold(0, |sum: u64, arg| {
                FixedState::with_seed(sum).hash_one(&arg[..])
            });
            let twin = up.and_then(|up| {
                let cells = &world.watch.seen.get(up)?.cells;
                let twin = cells.search(|c| (c.history, c.from).cmp(&(history, from)))?;
                (twin.sum == sum && twin.to == to).then_some(twin)
            });
            let (label, text): (Rc<str>, Rc<str>) = match twin {
                Some(twin) => (twin.label.clone(), twin.text.clone()),
                None => (tap::label_of(&args).into(), tap::text_of(&args).into()),
            };
            let cell = Cell {
                from,
                to,
                kind,
                label: label.clone(),
                text: text.clone(),
                db,
                at: now,
                history,
                sum,
            };
            let seen = world.watch.seen(i);
            let select = seen
                .cells
                .back()
                .filter(|c| c.kind == FrameKind::Select && c.to + 1 == from)
                .map_or(0, |c| c.to + 1 - c.from);
            seen.cells.push(Rc::new(cell));
            match kind {
                FrameKind::Write => {
                    if let Some(key) = args.get(1) {
                        let id = key_id(db, key);
                        seen.set_by.insert(id.clone(), (from, to));
                        world.watch.key_order.entry(id).or_default();
                    }
                    if master {
                        let shared = world.watch.name(i, &name);
                        world.watch.wrote(Write {
                            node: shared.clone(),
                            at: now,
                            text,
                            history,
                            from,
                            to,
                        });
                        world.watch.mark_of(now, shared.clone(), MarkKind::Write);
                        world.watch.tell(
                            now,
                            Happening::Written {
                                node: shared,
                                bytes: to + 1 - from + select,
                                select,
                                key: label,
                            },
                        );
                        tell_behind(world, i);
                    }
                }
                FrameKind::Ping if master => world.watch.mark(now, &name, MarkKind::Ping),
                _ => {}
            }
        }
        Note::Stream { .. } => {}
        Note::Answered {
            conn,
            asked_id,
            asked,
            outcome,
            log,
        } => {
            let Some(node) = &world.machines[i].node else {
                return;
            };
            let replica = peer_name(world, i, conn).unwrap_or_else(|| "?".into());
            let verdict = Rc::new(verdict(
                node,
                (now, &name, &replica),
                (asked_id, asked),
                (outcome.clone(), log),
            ));
            match &outcome {
                Outcome::Continue { bytes } => {
                    world.watch.mark(now, &replica, MarkKind::Partial);
                    world.watch.tell(
                        now,
                        Happening::Partial {
                            replica: replica.clone(),
                            master: name.clone(),
                            bytes: *bytes,
                        },
                    );
                }
                Outcome::Full { cause } => {
                    world.watch.mark(now, &replica, MarkKind::FullSync);
                    world.watch.tell(
                        now,
                        Happening::FullNeeded {
                            replica: replica.clone(),
                            master: name.clone(),
                            cause: cause.clone(),
                        },
                    );
                }
            }
            world.watch.verdict = Some(verdict);
        }
    }
}

/// A verdict with what `node` knew when it gave it.
pub(super) fn verdict(
    node: &Node,
    (at, master, replica): (Instant, &str, &str),
    (asked_id, asked): (String, i64),
    (outcome, log): (Outcome, String),
) -> Verdict {
    let h = node.history();
    Verdict {
        at,
        master: master.into(),
        replica: replica.into(),
        asked_id,
        asked,
        outcome,
        replid: h.replid.clone(),
        first: node.backlog().map_or(0, |b| b.first()),
        offset: h.offset,
        replid2: h.replid2.clone(),
        second_offset: h.second_offset,
        size: node.backlog().map_or(0, |b| b.size()),
        log,
    }
}

fn peer_name(world: &Cluster, i: usize, conn: crate::node::ConnId) -> Option<String> {
    let (id, side) = world.network.find(i, conn)?;
    let peer = world.network.conn(id)?.ends[1 - side].machine;
    Some(world.machines[peer].name.clone())
}

/// Replicas of machine `i` that are not attached: how far behind, and whether the ring still covers them.
fn tell_behind(world: &mut Cluster, i: usize) {
    let Some(node) = &world.machines[i].node else {
        return;
    };
    let Some(backlog) = node.backlog() else {
        return;
    };
    let (first, offset, size) = (backlog.first(), node.history().offset, backlog.size());
    for (at, applied) in offline_replicas(world, i) {
        let replica = world.machines[at].name.clone();
        let seen = world.watch.seen(at);
        let needs = applied + 1;
        if needs < first {
            if !seen.fell_off {
                seen.fell_off = true;
                world.watch.tell(
                    world.now,
                    Happening::FellOff {
                        replica,
                        gone: first - needs,
                    },
                );
            }
        } else {
            let bytes = offset - applied;
            world.watch.tell(
                world.now,
                Happening::Behind {
                    replica,
                    bytes,
                    left: size.saturating_sub(bytes),
                },
            );
        }
    }
}

/// Machines whose nodes follow machine `i`, are on its history and not attached to it now; and their offsets.
fn offline_replicas(world: &Cluster, i: usize) -> Vec<(usize, u64)> {
    let Some(node) = &world.machines[i].node else {
        return Vec::new();
    };
    let attached: Vec<u16> = node.attached().iter().map(|r| r.port).collect();
    let follows = |m: &Machine| {
        let replica = m.node.as_ref()?;
        let mine = replica
            .upstream()
            .is_some_and(|u| u.addr.port == world.machines[i].config.port)
            && !attached.contains(&m.config.port)
            && replica.history().replid == node.history().replid;
        mine.then_some(replica.history().offset)
    };
    world
        .machines
        .iter()
        .enumerate()
        .filter_map(|(at, m)| Some((at, follows(m)?)))
        .collect()
}

/// After every input of machine `i`: what has changed that is worth telling.
pub(super) fn look(world: &mut Cluster, i: usize) {
    if world.watch.off {
        return;
    }
    let now = world.now;
    let phase = phase(world, i);
    let name = world.machines[i].name.clone();
    let Some(node) = &world.machines[i].node else {
        return;
    };
    let seen = world.watch.seen(i);
    // The ring: a new one begins without commands, an old one loses its tail.
    match node.backlog() {
        None => {
            seen.cells = Trail::default();
            seen.origin = None;
        }
        Some(backlog) => {
            if seen.origin != Some(backlog.origin()) {
                let origin = backlog.origin();
                if seen.origin.is_some_and(|old| old > origin)
                    || seen.cells.front().is_some_and(|c| c.from < origin)
                {
                    seen.cells.retain(|c| c.from >= origin);
                }
                seen.origin = Some(origin);
            }
            while seen.cells.front().is_some_and(|c| c.to < backlog.first()) {
                seen.cells.drop_front();
            }
        }
    }
    let child = node.child().map(|c| c.offset);
    let second = (node.history().second_offset > 0).then(|| node.history().clone());
    let had = std::mem::replace(&mut seen.child, child);
    let forked = child.filter(|_| had != child);
    let before = std::mem::replace(&mut seen.phase, phase.clone());
    let up = matches!(phase, Phase::Online);
    let was_up = std::mem::replace(&mut seen.link_up, up);
    if up {
        seen.fell_off = false;
    }
    let offset = node.history().offset;
    let keys = node.keyspace().total();
    let same = std::mem::discriminant(&before) == std::mem::discriminant(&phase);
    if let Some(h) = second {
        world
            .watch
            .continues(&h.replid, &h.replid2, h.second_offset);
    }
    if had.is_some() && child.is_none() {
        world.watch.mark(now, &name, MarkKind::Dumped);
    }
    if let Some(offset) = forked {
        world.watch.mark(now, &name, MarkKind::Fork);
        world.watch.tell(
            now,
            Happening::Forked {
                node: name.clone(),
                keys,
                offset,
            },
        );
    }
    if up != was_up && !matches!(phase, Phase::Master) {
        world.watch.mark(
            now,
            &name,
            if up {
                MarkKind::LinkUp
            } else {
                MarkKind::LinkDown
            },
        );
    }
    caught_up(world, i, offset);
    if same {
        return;
    }
    if up && matches!(before, Phase::Loading { .. }) {
        catch_up(world, i, offset);
    }
    if matches!(before, Phase::Loading { .. } | Phase::Starting { .. }) {
        remember_keys(world, i);
    }
    let mark = match &phase {
        Phase::Transfer { .. } => Some(MarkKind::Transfer),
        Phase::Storing { .. } => Some(MarkKind::Store),
        Phase::Loading { .. } => Some(MarkKind::Load),
        _ => None,
    };
    if let Some(kind) = mark {
        world.watch.mark(now, &name, kind);
    }
    let story = match (&before, &phase) {
        (_, Phase::Storing { total, .. }) => Happening::Storing {
            replica: name,
            bytes: *total,
        },
        (_, Phase::Loading { total, .. }) => Happening::Loading {
            replica: name,
            bytes: *total,
        },
        (Phase::Loading { .. }, Phase::Online) => Happening::Loaded {
            replica: name,
            keys,
            offset,
        },
        (Phase::Dead | Phase::Starting { .. } | Phase::Master, Phase::Master)
        | (_, Phase::Starting { .. }) => return,
        (_, Phase::Master) => {
            world.watch.mark(now, &name, MarkKind::Promotion);
            Happening::Promoted { node: name, offset }
        }
        _ => return,
    };
    world.watch.tell(now, story);
}

/// A replica has loaded a snapshot: what was written since it was frozen has still to come, or to be applied.
fn catch_up(world: &mut Cluster, i: usize, offset: u64) {
    let port = |m: &Machine| Some(m.node.as_ref()?.upstream()?.addr.port);
    let Some(port) = port(&world.machines[i]) else {
        return;
    };
    let master = world.machines.iter().find(|m| m.config.port == port);
    let goal = master.and_then(|m| Some(m.node.as_ref()?.history().offset));
    if let Some(goal) = goal.filter(|goal| *goal > offset) {
        let name = world.machines[i].name.clone();
        world.watch.mark(world.now, &name, MarkKind::CatchUp);
        world.watch.seen(i).catching = Some(goal);
    }
}

/// It has what was written meanwhile; or its link went down, and it never will by this one.
fn caught_up(world: &mut Cluster, i: usize, offset: u64) {
    let seen = world.watch.seen(i);
    let Some(goal) = seen.catching else { return };
    if offset >= goal || !seen.link_up {
        seen.catching = None;
        let name = world.machines[i].name.clone();
        world.watch.mark(world.now, &name, MarkKind::CaughtUp);
    }
}

/// How a node stands to its master.
fn phase(world: &Cluster, i: usize) -> Phase {
    let machine = &world.machines[i];
    if world.is_outside(i) {
        return Phase::Outside;
    }
    let Some(node) = &machine.node else {
        return Phase::Dead;
    };
    let span =
        |span: Option<super::machine::Span>| span.map_or((0, 0), |s| (s.done(world.now), s.total));
    match node.loading() {
        Some(Loading::Start) if machine.loading.is_some() => {
            let (done, total) = span(machine.loading);
            return Phase::Starting { done, total };
        }
        Some(Loading::Sync) => {
            let (done, total) = span(machine.loading);
            return Phase::Loading { done, total };
        }
        _ => {}
    }
    let Some(upstream) = node.upstream() else {
        return Phase::Master;
    };
    let step = |step, name| Phase::Handshake { step, name };
    match &upstream.stage {
        Stage::Connect => {
            let cut = world
                .machine_at_port(upstream.addr.port)
                .is_some_and(|m| world.network.path(i, m).cut);
            Phase::Down {
                since: upstream.down_since.or(machine.started).unwrap_or(world.now),
                cut,
            }
        }
        Stage::Connecting => {
            let cut = world
                .machine_at_port(upstream.addr.port)
                .is_some_and(|m| world.network.path(i, m).cut);
            if cut {
                Phase::Down {
                    since: upstream.down_since.or(machine.started).unwrap_or(world.now),
                    cut,
                }
            } else {
                step(1, "connect")
            }
        }
        Stage::ReceivePingReply => step(2, "PING"),
        Stage::ReceiveAuthReply => step(3, "AUTH"),
        Stage::ReceivePortReply => step(4, "REPLCONF listening-port"),
        Stage::ReceiveIpReply => step(5, "REPLCONF ip-address"),
        Stage::ReceiveCapaReply => step(6, "REPLCONF capa"),
        Stage::ReceivePsyncReply => step(7, "PSYNC"),
        Stage::Transfer(t) if t.complete => {
            let (done, total) = span(machine.storing);
            Phase::Storing { done, total }
        }
        Stage::Transfer(t) => match t.total {
            Some(total) => Phase::Transfer { got: t.got, total },
            None => Phase::WaitsForSnapshot,
        },
        Stage::Connected => Phase::Online,
    }
}

/// A key of a numbered database as one string.
fn key_id(db: usize, key: &[u8]) -> Bytes {
    let mut id = vec![db as u8];
    id.extend_from_slice(key);
    id.into()
}

/// Everything a screen shows.
pub(super) fn snapshot(world: &Cluster) -> Snapshot {
    let w = &world.watch;
    let load = world.load.as_ref().map(|l| LoadView {
        node: l.what.node.clone(),
        per_s: l.what.per_s,
        writes: l.writes,
        reads: l
            .what
            .reads
            .iter()
            .cloned()
            .zip(l.answered.iter().copied())
            .collect(),
    });
    Snapshot {
        now: world.now,
        elapsed_us: world.now.since(world.began()),
        event: world.events,
        nodes: (0..world.machines.len())
            .map(|i| Rc::new(node_view(world, i)))
            .collect(),
        links: (0..world.machines.len())
            .filter_map(|i| link_view(world, i))
            .collect(),
        in_flight: w.in_flight.clone(),
        wire: w.wire.clone(),
        verdict: w.verdict.clone(),
        story: w.story.clone(),
        marks: w.marks.clone(),
        writes: w.writes.clone(),
        lineage: w.lineage.clone(),
        load,
        idle: world.idle(),
    }
}

/// The machine that `i` follows, or is configured to follow once it runs.
fn master_of(world: &Cluster, i: usize) -> Option<usize> {
    let m = &world.machines[i];
    let port = match &m.node {
        Some(node) => node.upstream()?.addr.port,
        None => m.config.replicaof.as_ref()?.1,
    };
    world.machine_at_port(port).filter(|&peer| peer != i)
}

fn depth_and_root(world: &Cluster, i: usize) -> (usize, usize) {
    let (mut depth, mut at) = (0, i);
    while let Some(up) = master_of(world, at) {
        depth += 1;
        at = up;
        if depth > world.machines.len() {
            break; // a ring of replicas: nobody is the root
        }
    }
    (depth.min(world.machines.len()), at)
}

fn node_view(world: &Cluster, i: usize) -> NodeView {
    let m = &world.machines[i];
    let empty = Seen::default();
    let seen = world.watch.seen.get(i).unwrap_or(&empty);
    let (depth, root) = depth_and_root(world, i);
    let mut view = NodeView {
        name: m.name.clone(),
        port: m.config.port,
        alive: m.node.is_some(),
        replica: master_of(world, i).is_some(),
        master: master_of(world, i).map(|up| world.machines[up].name.clone()),
        depth,
        phase: phase(world, i),
        log: seen.log.clone(),
        second_offset: -1,
        ..NodeView::default()
    };
    if world.is_outside(i) {
        view.alive = true;
        if let Some((id, offset)) = &seen.heard {
            view.replid.clone_from(id);
            view.offset = *offset;
        }
    }
    let Some(node) = &m.node else { return view };
    let history = node.history();
    view.replica = node.upstream().is_some();
    view.replid.clone_from(&history.replid);
    let known = world.watch.histories.iter();
    view.history = known
        .zip(0..)
        .find(|(id, _)| **id == history.replid)
        .map(|(_, at)| at);
    view.replid2.clone_from(&history.replid2);
    view.second_offset = history.second_offset;
    view.offset = history.offset;
    let top = world.machines[root]
        .node
        .as_ref()
        .filter(|_| root != i)
        .map(Node::history);
    let top = top.map(|top| (&top.replid, top.offset));
    let heard = || world.watch.seen.get(root)?.heard.as_ref();
    let top = top.or_else(|| heard().map(|(id, offset)| (id, *offset)));
    view.behind = top
        .filter(|(id, _)| **id == history.replid)
        .map(|(_, offset)| offset.saturating_sub(history.offset));
    view.lag_s = node.upstream().and_then(|u| {
        let master = world.machine_at_port(u.addr.port)?;
        let attached = world.machines[master].node.as_ref()?.attached();
        let own = |r: &Attached| r.port == m.config.port && r.state == ReplicaState::Online;
        Some(attached.into_iter().find(own)?.lag_s)
    });
    view.keys = Rc::new(keys(world, node, seen));
    view.key_count = node.keyspace().total() as u64;
    if let Some(backlog) = node.backlog() {
        view.backlog = BacklogView {
            active: true,
            size: backlog.size(),
            histlen: backlog.histlen(),
            first: backlog.first(),
            origin: backlog.origin(),
            // One look per event keeps them to what the ring has.
            cells: seen.cells.clone(),
        };
    } else {
        view.backlog.size = node.config.repl_backlog_size;
    }
    let port_name = |port: u16| {
        world
            .machine_at_port(port)
            .map(|p| world.machines[p].name.clone())
    };
    for r in node.attached() {
        let sent = history.offset - r.buffered.min(history.offset);
        let name = port_name(r.port).unwrap_or_else(|| format!("{}:{}", r.host, r.port));
        view.replicas.push(ReplicaView {
            name,
            state: r.state.word(),
            ack: r.ack.max(r.began_at),
            sent,
            buffered: r.buffered,
        });
    }
    for (at, offset) in offline_replicas(world, i) {
        let name = world.machines[at].name.clone();
        view.replicas.push(ReplicaView {
            name,
            state: "offline",
            ack: offset,
            sent: offset,
            buffered: 0,
        });
    }
    if let (Some(running), Some(child)) = (node.child(), &m.child) {
        view.child = Some(ChildView {
            frozen_at: running.offset,
            keys_done: child.save.keys_done(),
            keys_total: child.save.keys_total(),
            bytes: child.save.bytes(),
            waiting: view
                .replicas
                .iter()
                .filter(|r| r.state == "wait_bgsave")
                .map(|r| r.name.clone())
                .collect(),
            copied: node.keyspace().copied_shards(),
            shards: node.keyspace().shards(),
        });
    }
    let stats = node.stats();
    (view.sync_full, view.sync_partial_ok, view.sync_partial_err) = (
        stats.sync_full,
        stats.sync_partial_ok,
        stats.sync_partial_err,
    );
    view
}

/// Gives a place to every key that machine `i` has loaded.
fn remember_keys(world: &mut Cluster, i: usize) {
    let Some(node) = &world.machines[i].node else {
        return;
    };
    let keyspace = node.keyspace();
    for db in 0..keyspace.databases() {
        for (key, _) in keyspace.iter(db).take(KEYS_SHOWN) {
            world.watch.key_order.entry(key_id(db, key)).or_default();
        }
    }
}

fn keys(world: &Cluster, node: &Node, seen: &Seen) -> Vec<KeyView> {
    let keyspace = node.keyspace();
    let mut placed: Vec<(usize, KeyView)> = Vec::new();
    for db in 0..keyspace.databases() {
        for (key, entry) in keyspace.iter(db).take(KEYS_SHOWN) {
            let digest = keyspace.value_digest(db, key).map_or(0, |d| {
                d.iter().take(8).fold(0, |n, b| n << 8 | u64::from(*b))
            });
            let value = match &entry.value {
                Value::String(text) => resp::quote(&text[..text.len().min(40)]),
                other => [&other.size().to_string(), " members"].concat(),
            };
            let id = key_id(db, key);
            let place = world.watch.key_order.get_index_of(&id);
            let view = KeyView {
                db,
                name: String::from_utf8_lossy(key).into_owned(),
                kind: entry.value.type_name(),
                value,
                digest,
                expire_at_ms: entry.expire_at_ms,
                set_by: seen.set_by.get(&id).copied(),
            };
            placed.push((place.unwrap_or(usize::MAX), view));
        }
    }
    // Keys without a place (those of a command that writes several) come last, by name.
    crate::order::sort_by(&mut placed, |(p, a), (q, b)| {
        (p, a.db, &a.name).cmp(&(q, b.db, &b.name))
    });
    placed.into_iter().map(|(_, view)| view).collect()
}

fn link_view(world: &Cluster, i: usize) -> Option<LinkView> {
    let up = master_of(world, i)?;
    let path = world.network.path(i, up);
    let usual = world.network.direction(up, i);
    let node = world.machines[i].node.as_ref();
    let upstream = node.and_then(Node::upstream);
    let established = world.network.between(i, up).iter().any(|id| {
        world.network.conn(*id).is_some_and(|c| {
            c.ends[0].machine == i && c.established && c.ends.iter().all(|e| e.open)
        })
    });
    let transfer = upstream.is_some_and(
        |u| matches!(&u.stage, Stage::Transfer(t) if t.total.is_some() && !t.complete),
    );
    Some(LinkView {
        replica: world.machines[i].name.clone(),
        master: world.machines[up].name.clone(),
        up: established,
        cut: path.cut,
        latency_us: usual.latency_us.0.midpoint(usual.latency_us.1),
        bytes_per_s: usual.bytes_per_s,
        transfer,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Action, Options};

    #[test]
    fn a_full_sync_ends_when_what_was_written_meanwhile_is_there() {
        for writes in [0, 3] {
            let mut world = Cluster::ready(Options::default());
            for line in ["bandwidth m r1 200", "kill r1", "start r1 empty"] {
                let action = Action::parse(line).expect("an action");
                world.act(&action).expect("it can be done");
            }
            let loads = |m: &Mark| &*m.node == "r1" && m.kind == MarkKind::Load;
            let begun = world.snapshot().marks.len();
            while !world.snapshot().marks[begun..].iter().any(loads) {
                world.step();
            }
            let had = world.snapshot().nodes[1].offset;
            for i in 0..writes {
                world.exec("m", &["SET", "k", &i.to_string()]);
            }
            world.settle(60_000_000);
            let s = world.snapshot();
            assert_eq!(s.nodes[1].offset, s.nodes[0].offset, "it has all");
            let parts: Vec<_> = s.marks[begun..]
                .iter()
                .skip_while(|m| !loads(m))
                .filter(|m| &*m.node == "r1" && m.kind != MarkKind::Write)
                .collect();
            let kinds: Vec<_> = parts.iter().map(|m| m.kind).collect();
            let mut wanted = vec![MarkKind::Load, MarkKind::LinkUp];
            if writes > 0 {
                wanted.extend([MarkKind::CatchUp, MarkKind::CaughtUp]);
                // 200 bytes a second, and they come after the snapshot.
                let took = parts[3].at.since(parts[2].at);
                assert!(took > 100_000, "{took} µs for {}", s.nodes[0].offset - had);
            }
            assert_eq!(kinds, wanted, "{writes} writes");
        }
    }
}
