//! Nothing grows without bound, S17: the ring, what waits to be sent to a replica, and what is due in the world. (The
//! memory of the page has a bound of its own: `build.rs` sets it, `tests/page/robust.test.mjs` looks at both it
//! and what is used.)

use super::Oracle;
use super::links::CRON_US;
use crate::node::{ConnId, Node};
use crate::sim::cluster::Cluster;
use crate::sim::network::SOCKET_BUFFER;
use crate::time::SECOND_US;

/// Things that may be due at once: eight nodes under the highest load have some thousands.
pub(super) const DUE_MAX: usize = 1 << 16;

impl Oracle {
    /// S17, of a node whose cron had time for its work.
    pub(super) fn judge_bounds(&mut self, world: &Cluster, i: usize, node: &Node) {
        let most = node.config.repl_backlog_size;
        if let Some(ring) = node.backlog().filter(|ring| ring.histlen() > most) {
            let text = format!("the ring holds {} bytes of at most {most}", ring.histlen());
            self.violated(world, i, "S17", text);
        }
        if world.queue.len() > DUE_MAX {
            let text = format!("{} things are due at once", world.queue.len());
            self.violated(world, i, "S17", text);
        }
        self.judge_output(world, i, node);
    }

    /// For a replica no more waits than the hard limit, and no more than the soft one for longer than its seconds. Its
    /// connection ends otherwise, at the next run of the cron at the latest.
    fn judge_output(&mut self, world: &Cluster, i: usize, node: &Node) {
        let (now, limit) = (world.now, node.config.output_limits[1]);
        let hard = limit.hard.max(node.config.repl_backlog_size);
        let mut over = std::mem::take(&mut self.seen(i).over);
        let attached = node.attached();
        over.retain(|conn, _| attached.iter().any(|r| r.conn == *conn));
        let late = attached.iter().find_map(|r| {
            // Of a snapshot nothing counts, only the stream behind it.
            let stream = node.history().offset.saturating_sub(r.began_at);
            let used = r.buffered + on_the_wire(world, i, r.conn).min(stream);
            let since = over.entry(r.conn).or_default();
            let late = [
                (limit.hard > 0 && used >= hard, CRON_US),
                (
                    limit.soft > 0 && used >= limit.soft,
                    limit.soft_s * SECOND_US + CRON_US,
                ),
            ]
            .into_iter()
            .zip(since)
            .map(|((is_over, patience), since)| {
                *since = is_over.then_some(since.unwrap_or(now));
                since.is_some_and(|at| now.since(at) > patience + CRON_US)
            });
            late.fold(false, |a, b| a | b).then_some((r.port, used))
        });
        self.seen(i).over = over;
        if let Some((port, used)) = late {
            let text =
                format!("{used} bytes wait for the replica at {port}, and its connection stands");
            self.violated(world, i, "S17", text);
        }
    }
}

/// Bytes on a connection of machine `i` that its kernel has no room for.
fn on_the_wire(world: &Cluster, i: usize, conn: ConnId) -> u64 {
    let found = world.network.find(i, conn);
    let lane = found.and_then(|(id, side)| Some(&world.network.conn(id)?.lanes[1 - side]));
    lane.map_or(0, |lane| lane.undelivered.saturating_sub(SOCKET_BUFFER))
}
