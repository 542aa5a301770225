//! What passes and what nodes tell: packets, commands that enter a stream, answers to PSYNC.

use super::key_id;
use crate::node::{ConnId, Node, Note};
use crate::sim::cluster::Cluster;
use crate::sim::fate::Write;
use crate::sim::machine::Machine;
use crate::sim::snapshot::{Cell, Frame, FrameKind, Happening, MarkKind, Outcome, Verdict};
use crate::time::Instant;
use crate::wire::tap;
use foldhash::fast::FixedState;
use std::hash::BuildHasher;
use std::rc::Rc;

/// Side `side` of a connection writes; the number of the packet.
pub(in crate::sim) fn packet(
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
pub(in crate::sim) fn note(world: &mut Cluster, i: usize, note: Note) {
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
pub(in crate::sim) fn verdict(
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

fn peer_name(world: &Cluster, i: usize, conn: ConnId) -> Option<String> {
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
pub(super) fn offline_replicas(world: &Cluster, i: usize) -> Vec<(usize, u64)> {
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
