//! What only a log at `verbose` or `debug` has: who comes and goes, and how much there is.

use super::{Addr, ConnId, Level, Node, Outbox};

/// Redis counts the data in every fifth second.
const EVERY: u64 = 5;

impl Node {
    fn says(&self, level: Level) -> bool {
        level.is_in(&self.config.loglevel)
    }

    pub(super) fn say_accepted(&self, peer: &Addr, out: &mut Outbox) {
        if !self.says(Level::Verbose) {
            return;
        }
        out.log(
            Level::Verbose,
            match peer.port {
                0 => format!("Accepted connection to {}", peer.host),
                _ => format!("Accepted {peer}"),
            },
        );
    }

    /// The other side closed the connection.
    pub(super) fn say_closed(&self, conn: ConnId, out: &mut Outbox) {
        let online = || self.upstream.as_ref().is_some_and(|u| u.connected());
        let known = self.clients.contains_key(&conn) || self.is_master_link(conn) && online();
        if known && self.says(Level::Verbose) {
            let text = format!("Client closed connection {}", self.client_line(conn));
            out.log(Level::Verbose, text);
        }
    }

    pub(super) fn say_how_much(&self, out: &mut Outbox) {
        if !self.cron_loops.is_multiple_of(EVERY) || !self.says(Level::Verbose) {
            return;
        }
        for db in 0..self.keyspace.databases() {
            let (keys, volatile) = (self.keyspace.len(db), self.keyspace.expires(db));
            if keys > 0 {
                let slots = keys.next_power_of_two().max(4);
                let text =
                    format!("DB {db}: {keys} keys ({volatile} volatile) in {slots} slots HT.");
                out.log(Level::Verbose, text);
            }
        }
        if self.says(Level::Debug) {
            let (clients, replicas) = (self.connected_clients(), self.replicas.len());
            let bytes = self.used_memory();
            let text =
                format!("{clients} clients connected ({replicas} replicas), {bytes} bytes in use");
            out.log(Level::Debug, text);
        }
    }

    /// How an offset is looked for in the backlog.
    pub(super) fn say_looked_up(&self, offset: u64, out: &mut Outbox) {
        let Some(ring) = self.backlog.as_ref().filter(|_| self.says(Level::Debug)) else {
            return;
        };
        out.log(
            Level::Debug,
            format!("[PSYNC] Replica request offset: {offset}"),
        );
        if ring.histlen() == 0 {
            return out.log(Level::Debug, "[PSYNC] Backlog history len is zero");
        }
        for (what, n) in [
            ("Backlog size", self.config.repl_backlog_size),
            ("First byte", ring.first()),
            ("History len", ring.histlen()),
            ("Skipping", offset - ring.first()),
        ] {
            out.log(Level::Debug, format!("[PSYNC] {what}: {n}"));
        }
    }
}
