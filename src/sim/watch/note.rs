//! What passes and what nodes tell: packets, commands that enter a stream, answers to PSYNC.

use super::WRITES_KEPT;
use crate::node::{ConnId, Node, Note};
use crate::sim::cluster::Cluster;
use crate::sim::fate::Write;
use crate::sim::machine::Machine;
use crate::sim::snapshot::{
    Cell, Command, Frame, FrameKind, Happening, MarkKind, Outcome, Verdict,
};
use crate::time::Instant;
use crate::wire::{Bytes, tap};
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
    match note {
        Note::Fed { from, to, db, args } => fed(world, i, (from, to), db, args),
        Note::Stream { .. } => {}
        Note::Answered {
            conn,
            asked_id,
            asked,
            outcome,
            log,
        } => {
            let (now, name) = (world.now, world.machines[i].name.clone());
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
                            master: name,
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
                            master: name,
                            cause: cause.clone(),
                        },
                    );
                }
            }
            world.watch.verdict = Some(verdict);
        }
    }
}

/// A command entered the stream of machine `i`, as bytes `from..=to`. What its master had there before is shared.
fn fed(world: &mut Cluster, i: usize, (from, to): (u64, u64), db: usize, args: Vec<Bytes>) {
    let Some(node) = &world.machines[i].node else {
        return;
    };
    let upstream = node.upstream().map(|u| u.addr.port);
    let history = world.watch.history(&node.history().replid);
    let up = upstream.and_then(|port| world.machine_at_port(port));
    let same = up.and_then(|up| {
        let cells = &world.watch.seen.get(up)?.cells;
        let cell = cells.search(|c| (c.history, c.from).cmp(&(history, from)))?;
        (cell.to == to && cell.args == args).then(|| cell.command.clone())
    });
    let known = same.is_some();
    let command = same.unwrap_or_else(|| {
        Rc::new(Command {
            from,
            to,
            kind: tap::kind_of(&args),
            args,
            db,
            history,
        })
    });
    let at = world.now;
    let cell = Cell { at, command };
    let cells = &mut world.watch.seen(i).cells;
    let select = cells
        .back()
        .filter(|c| c.kind == FrameKind::Select && c.to + 1 == from)
        .map_or(0, |c| c.to + 1 - c.from);
    cells.push(cell.clone());
    if let Some(key) = cell.key() {
        let written = &mut world.watch.seen(i).written;
        written.push(cell.clone());
        if written.len() > WRITES_KEPT {
            written.drop_front();
        }
        if !known {
            world.watch.place(db, key);
        }
    }
    if upstream.is_some() {
        return;
    }
    let name = world.watch.name(i, &world.machines[i].name);
    match cell.kind {
        FrameKind::Write => {
            world.watch.mark_of(at, name.clone(), MarkKind::Write);
            let what = Happening::Written {
                node: name.clone(),
                bytes: to + 1 - from + select,
                select,
                command: cell.command.clone(),
            };
            world.watch.tell(at, what);
            world.watch.wrote(Write { node: name, cell });
            tell_behind(world, i);
        }
        FrameKind::Ping => world.watch.mark_of(at, name, MarkKind::Ping),
        _ => {}
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
    let attached: Vec<u16> = node.acks().map(|(port, _)| port).collect();
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
