//! What decides what a node will do next, as bytes, without the clock and without the names that the world gave to
//! connections: two nodes with the same essence go on alike. For searches that must know a state again when they see it.
//! Timers, counters and acknowledged offsets are left out: a search that asks has to leave out what depends on them.

use super::{ConnId, Loading, Node, ReplicaState, Stage, Transfer};

/// Writes numbers and strings one behind the other.
#[derive(Default)]
pub struct Essence(pub Vec<u8>);

impl Essence {
    pub fn number(&mut self, n: u64) {
        self.0.extend_from_slice(&n.to_le_bytes());
    }

    pub fn small(&mut self, n: u8) {
        self.0.push(n);
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn maybe(&mut self, n: Option<u64>) {
        self.small(u8::from(n.is_some()));
        self.number(n.unwrap_or(0));
    }
}

impl Node {
    /// Adds what this node is to `e`; `name` says how a connection of its own is to be called, `peer` what listens at a
    /// port.
    pub fn essence(
        &self,
        e: &mut Essence,
        name: impl Fn(ConnId) -> u64,
        peer: impl Fn(u16) -> u64,
    ) {
        let h = &self.history;
        e.bytes(h.replid.as_bytes());
        e.bytes(h.replid2.as_bytes());
        e.number(h.second_offset as u64);
        e.number(h.offset);
        match &self.backlog {
            Some(ring) => e.bytes(&ring.since(ring.first())),
            None => e.small(0),
        }
        e.bytes(&self.keyspace.digest());
        e.maybe(self.stream_db.map(|db| db as u64));
        e.small(match self.loading {
            None => 0,
            Some(Loading::Start) => 1,
            Some(Loading::Sync) => 2,
        });
        e.small(u8::from(self.load.is_some()));
        e.maybe(self.child.as_ref().map(|child| child.offset));
        self.upstream_essence(e, &name, peer);
        if let Some(cached) = &self.cached {
            e.bytes(cached.replid.as_bytes());
            e.number(cached.offset);
            e.number(cached.db as u64);
        }
        // In which order they came makes no difference.
        let mut replicas = self.replicas.to_vec();
        replicas.sort_by_key(|conn| name(*conn));
        for conn in &replicas {
            let Some(replica) = self.clients.get(conn).and_then(|c| c.replica.as_ref()) else {
                continue;
            };
            e.number(name(*conn));
            e.small(match replica.state {
                ReplicaState::WaitBgsaveStart => 0,
                ReplicaState::WaitBgsaveEnd => 1,
                ReplicaState::Online => 2,
            });
            e.small(u8::from(replica.held) | u8::from(replica.legacy) << 1);
            e.number(replica.began_at);
            e.bytes(&replica.buffer);
        }
    }

    fn upstream_essence(
        &self,
        e: &mut Essence,
        name: impl Fn(ConnId) -> u64,
        peer: impl Fn(u16) -> u64,
    ) {
        let Some(upstream) = &self.upstream else {
            return e.small(0);
        };
        e.small(1);
        e.number(peer(upstream.addr.port));
        e.maybe(upstream.conn().map(name));
        upstream.link_essence(e);
        match &upstream.stage {
            Stage::Connect => e.small(0),
            Stage::Connecting => e.small(1),
            Stage::ReceivePingReply => e.small(2),
            Stage::ReceiveAuthReply => e.small(3),
            Stage::ReceivePortReply => e.small(4),
            Stage::ReceiveIpReply => e.small(5),
            Stage::ReceiveCapaReply => e.small(6),
            Stage::ReceivePsyncReply => e.small(7),
            Stage::Connected => e.small(8),
            Stage::Transfer(Transfer {
                total,
                got,
                stored,
                direct,
                complete,
                ..
            }) => {
                e.small(9);
                e.maybe(*total);
                e.number(*got);
                e.number(*stored);
                e.small(u8::from(*direct) | u8::from(*complete) << 1);
            }
        }
    }
}
