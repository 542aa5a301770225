//! How a node stands to its master, looked at after every input: what has changed that is worth telling.

use super::KEYS_SHOWN;
use crate::node::{Loading, Stage};
use crate::sim::cluster::Cluster;
use crate::sim::machine::{Machine, Span};
use crate::sim::snapshot::{Happening, MarkKind, Phase};
use crate::sim::trail::Trail;

/// After every input of machine `i`: what has changed that is worth telling.
pub(in crate::sim) fn look(world: &mut Cluster, i: usize) {
    if world.watch.off {
        return;
    }
    let now = world.now;
    let phase = phase(world, i);
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
    let had = std::mem::replace(&mut seen.child, child);
    let forked = child.filter(|_| had != child);
    let waits = node.awaits_replicas();
    let waited = std::mem::replace(&mut seen.waits, waits);
    let before = std::mem::replace(&mut seen.phase, phase.clone());
    let up = matches!(phase, Phase::Online);
    let was_up = std::mem::replace(&mut seen.link_up, up);
    if up {
        seen.fell_off = false;
    }
    let history = node.history();
    if history.second_offset > 0 {
        let (child, parent) = (&history.replid, &history.replid2);
        world.watch.continues(child, parent, history.second_offset);
    }
    let offset = history.offset;
    let same = std::mem::discriminant(&before) == std::mem::discriminant(&phase);
    if same && up == was_up && child == had && waits == waited {
        return caught_up(world, i, offset);
    }
    let (name, keys) = (world.machines[i].name.clone(), node.keyspace().total());
    if waits != waited {
        let kind = if waits {
            MarkKind::Wait
        } else {
            MarkKind::Waited
        };
        world.watch.mark(now, &name, kind);
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
    let served = matches!(before, Phase::Starting { .. }) && !matches!(phase, Phase::Dead);
    if served && keys > 0 {
        let node = name.clone();
        world.watch.tell(now, Happening::Served { node, keys });
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
pub(super) fn phase(world: &Cluster, i: usize) -> Phase {
    let machine = &world.machines[i];
    if world.is_outside(i) {
        return Phase::Outside;
    }
    let Some(node) = &machine.node else {
        return Phase::Dead;
    };
    let span = |span: Option<Span>| span.map_or((0, 0), |s| (s.done(world.now), s.total));
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

/// Gives a place to every key that machine `i` has loaded.
fn remember_keys(world: &mut Cluster, i: usize) {
    let Some(node) = &world.machines[i].node else {
        return;
    };
    let keyspace = node.keyspace();
    for db in 0..keyspace.databases() {
        for (key, _) in keyspace.iter(db).take(KEYS_SHOWN) {
            world.watch.place(db, key);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::sim::snapshot::{Mark, MarkKind};
    use crate::sim::{Action, Cluster, Options};

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
