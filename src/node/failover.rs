//! Changing masters: `REPLICAOF host port`, and `REPLICAOF NO ONE`, the promotion.

use super::backlog::Backlog;
use super::upstream::{Cached, Upstream};
use super::{Level, Node, Outbox};
use crate::time::Instant;

impl Node {
    /// Follows another master. Data, history and our own replicas stay; what is synchronised is decided by PSYNC
    /// (`replicationSetMaster`).
    pub(super) fn follow(&mut self, host: String, port: u16, out: &mut Outbox) {
        self.disconnect_blocked(out);
        let was_master = self.upstream.is_none();
        if let Some(upstream) = self.upstream.take() {
            self.abandon_link(upstream, out);
        }
        if was_master {
            // Our own history may be what the new master continues from.
            self.cached = Some(Cached {
                replid: self.history.replid.clone(),
                offset: self.history.offset,
                db: self.stream_db.unwrap_or(0),
            });
            out.log(
                Level::Notice,
                "Before turning into a replica, using my own master parameters to synthesize a cached master: \
                 I may be able to synchronize with the new master with just a partial transfer.",
            );
        }
        self.config.replicaof = Some((host.clone(), port));
        self.upstream = Some(Upstream::new(host, port, self.now));
        self.connect_upstream(out);
    }

    /// Becomes a master: a new id, and the old one is vouched for up to here. Replicas are disconnected, so that they
    /// ask again and learn the new id (`replicationUnsetMaster`).
    pub(super) fn promote(&mut self, out: &mut Outbox) {
        let Some(upstream) = self.upstream.take() else {
            return;
        };
        self.config.replicaof = None;
        self.abandon_link(upstream, out);
        self.cached = None;
        self.history.shift(&mut self.rng);
        out.log(
            Level::Warning,
            format!(
                "Setting secondary replication ID to {}, valid up to offset: {}. New replication ID is {}",
                self.history.replid2, self.history.second_offset, self.history.replid
            ),
        );
        self.disconnect_replicas(out);
        self.stream_db = None;
        self.no_replicas_since = self.now;
    }

    /// Gives a replica a master before it has started to talk: used when a snapshot on disk says where it was.
    pub(super) fn remember_master(&mut self, replid: String, offset: u64, db: usize) {
        self.history.replid.clone_from(&replid);
        self.history.offset = offset;
        self.cached = Some(Cached { replid, offset, db });
    }

    /// A master that starts again from its snapshot: it has a new id, and vouches for the old one up to the snapshot, so
    /// that its replicas need no full synchronization.
    pub(super) fn continue_history(&mut self, replid: String, offset: u64) {
        self.history.offset = offset;
        self.history.replid2 = replid;
        self.history.second_offset = offset as i64 + 1;
        self.backlog = Some(Backlog::new(self.config.repl_backlog_size, offset));
        self.no_replicas_since = self.now;
    }

    /// Seconds between `earlier` and now, as INFO counts them.
    pub(super) fn seconds_since(&self, earlier: Instant) -> u64 {
        self.now.since(earlier) / crate::time::SECOND_US
    }
}
