//! Everything that a screen shows, as a [`Snapshot`].

use super::Seen;
use super::keys::listed;
use super::look::phase;
use super::note::offline_replicas;
use crate::node::{Attached, Node, ReplicaState, Stage};
use crate::sim::cluster::Cluster;
use crate::sim::snapshot::{
    BacklogView, ChildView, LinkView, LoadView, NodeView, ReplicaView, Snapshot,
};
use std::rc::Rc;

/// Everything a screen shows.
pub(in crate::sim) fn snapshot(world: &Cluster) -> Snapshot {
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
        in_flight: w.in_flight.iter().cloned().collect(),
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
    view.replica_limit = node.replica_limit();
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
    view.keys = Rc::new(listed(world, node, seen));
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
            output: r.output,
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
            output: 0,
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
