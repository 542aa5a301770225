//! `maxmemory`: when more is used, keys are evicted before each command by the policy, or commands that may use more are
//! refused. Every evicted key goes into the stream as a deletion of its own. `maxmemory-clients`: when clients use more, they are closed. Follows `evict.c`.

use super::commands::{What, flag};
use super::memory::STARTUP;
use super::registry::Command;
use super::session::{lookup, unlinked};
use super::{ConnId, Level, Node, Outbox};
use crate::wire::Bytes;

/// `maxmemory-policy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    VolatileLru,
    VolatileLfu,
    VolatileRandom,
    VolatileTtl,
    AllkeysLru,
    AllkeysLfu,
    AllkeysRandom,
    NoEviction,
}

const POLICIES: [(Policy, &str); 8] = [
    (Policy::VolatileLru, "volatile-lru"),
    (Policy::VolatileLfu, "volatile-lfu"),
    (Policy::VolatileRandom, "volatile-random"),
    (Policy::VolatileTtl, "volatile-ttl"),
    (Policy::AllkeysLru, "allkeys-lru"),
    (Policy::AllkeysLfu, "allkeys-lfu"),
    (Policy::AllkeysRandom, "allkeys-random"),
    (Policy::NoEviction, "noeviction"),
];

impl Policy {
    /// The policy of a name; without a name of that kind none.
    pub fn named(name: &str) -> Self {
        let found = POLICIES.iter().find(|(_, other)| *other == name);
        found.map_or(Self::NoEviction, |(policy, _)| *policy)
    }

    pub fn name(self) -> &'static str {
        let found = POLICIES.iter().find(|(policy, _)| *policy == self);
        found.map_or("", |(_, name)| name)
    }

    /// Only keys with an expiry.
    fn volatile(self) -> bool {
        self.name().starts_with("volatile")
    }

    pub fn lfu(self) -> bool {
        matches!(self, Self::VolatileLfu | Self::AllkeysLfu)
    }

    /// Whether it goes by the last use of a key.
    pub fn notes_use(self) -> bool {
        self.lfu() || matches!(self, Self::VolatileLru | Self::AllkeysLru)
    }
}

/// Candidates that were seen and not evicted are remembered, so many at most.
const POOL_MAX: usize = 16;

/// So many clients are not looked at one by one before every command.
const MANY: usize = 128;

/// A key that may go: how dispensable it was when it was seen, its database and name.
pub(super) type Candidate = (u64, usize, Bytes);

impl Node {
    /// Evicts until no more is used than may be; false when that cannot be done.
    pub(super) fn evict(&mut self, out: &mut Outbox) -> bool {
        let most = self.config.maxmemory;
        let exempt = self.upstream.is_some() && self.config.replica_ignore_maxmemory;
        if most == 0 || exempt || self.loading.is_some() || self.paused() {
            return true;
        }
        let mut used = self.used_for_eviction();
        if used <= most {
            return true;
        }
        let begin = self.host.micros();
        let lazily = self.config.lazyfree_lazy_eviction;
        while used > most {
            let Some((db, key)) = self.victim() else {
                return false;
            };
            let before = self.keyspace.memory();
            self.let_go(db, &key, lazily);
            used -= (before - self.keyspace.memory()).min(used);
            self.stats.evicted_keys += 1;
            self.key_deleted(What::Evicted, db, &key);
            let del = vec![Bytes::from(&b"DEL"[..]), key];
            let del = unlinked(del, lazily);
            self.propagate(&[(db, del)], false, out);
        }
        let us = self.host.micros().saturating_sub(begin);
        self.latency("eviction-cycle", us);
        true
    }

    /// The configuration changed: what all clients together may use, 0 for as much as they like
    /// (`getClientEvictionLimit`).
    pub(super) fn set_clients_most(&mut self) {
        /// With less nobody could talk to the server any more.
        const LEAST: u64 = 128 * 1024;
        let wanted = self.config.get("maxmemory-clients").unwrap_or_default();
        let most = match wanted.strip_suffix('%') {
            Some(percent) => {
                let percent = percent.parse().unwrap_or(0_u128);
                (u128::from(self.config.maxmemory) * percent / 100) as u64
            }
            None => wanted.parse().unwrap_or(0),
        };
        self.clients_most = if most == 0 { 0 } else { most.max(LEAST) };
    }

    /// Closes the clients that use the most until all together use less than `maxmemory-clients`; replicas, and those that
    /// said `CLIENT NO-EVICT ON`, are not closed (`evictClients`).
    pub(super) fn evict_clients(&mut self, out: &mut Outbox) {
        if self.clients_most == 0 {
            return;
        }
        if self.clients.len() > MANY && self.clients_cost(0) < self.clients_most {
            return;
        }
        let clients = self.clients.iter();
        let clients = clients.filter(|(_, client)| client.replica.is_none());
        let mut using: Vec<(u64, ConnId, bool)> = clients
            .map(|(conn, client)| (self.client_memory(*conn, client), *conn, client.no_evict))
            .collect();
        let mut used: u64 = using.iter().map(|(bytes, ..)| bytes).sum();
        using.retain(|(.., stays)| !stays);
        crate::order::sort_by(&mut using, |a, b| b.0.cmp(&a.0));
        let mut largest = using.into_iter();
        while used >= self.clients_most {
            let Some((bytes, conn, _)) = largest.next() else {
                let text = "Over client maxmemory after evicting all evictable clients";
                return out.log(Level::Warning, text);
            };
            let text = format!("Evicting client: {}", self.client_line(conn));
            out.log(Level::Notice, text);
            self.close_client(conn, out);
            self.stats.evicted_clients += 1;
            used -= bytes;
        }
    }

    /// What is used, without that which waits for replicas.
    fn used_for_eviction(&mut self) -> u64 {
        let (backlog, _) = self.stream_memory();
        STARTUP + backlog + self.clients_cost(1000) + self.keyspace.memory()
    }

    /// What all clients cost, as it was a moment ago: looking at all of them takes time when there are many.
    fn clients_cost(&mut self, patience_us: u64) -> u64 {
        const EACH_US: u64 = 10;
        let (at, cost) = self.clients_seen;
        let patience = patience_us.max(EACH_US * self.clients.len() as u64);
        if at == self.started || self.now.since(at) >= patience {
            self.clients_seen = (self.now, self.clients_memory());
            return self.clients_seen.1;
        }
        cost
    }

    /// The key that the policy lets go.
    fn victim(&mut self) -> Option<(usize, Bytes)> {
        match self.config.maxmemory_policy {
            Policy::NoEviction => None,
            Policy::AllkeysRandom | Policy::VolatileRandom => self.any_victim(),
            Policy::VolatileTtl => {
                let dbs = 0..self.keyspace.databases();
                let soonest = dbs.filter_map(|db| Some((self.keyspace.soonest(db)?, db)));
                let ((_, key), db) = soonest.min()?;
                Some((db, key.clone()))
            }
            _ => self.least_used(),
        }
    }

    /// A key of the next database that has one.
    fn any_victim(&mut self) -> Option<(usize, Bytes)> {
        let volatile = self.config.maxmemory_policy.volatile();
        let databases = self.keyspace.databases();
        for _ in 0..databases {
            self.evict_db = (self.evict_db + 1) % databases;
            let found = self.keyspace.any(self.evict_db, volatile, &mut self.rng);
            if let Some((key, _)) = found {
                return Some((self.evict_db, key.clone()));
            }
        }
        None
    }

    /// The most dispensable of some keys of each database, and of those that were seen before.
    fn least_used(&mut self) -> Option<(usize, Bytes)> {
        let volatile = self.config.maxmemory_policy.volatile();
        loop {
            let mut seen = false;
            for db in 0..self.keyspace.databases() {
                for _ in 0..self.config.maxmemory_samples {
                    let Some((key, entry)) = self.keyspace.any(db, volatile, &mut self.rng) else {
                        break;
                    };
                    seen = true;
                    let rank = self.keyspace.clock.rank(entry.access);
                    let key = key.clone();
                    let pool = &mut self.evict_pool;
                    if !pool.iter().any(|(_, d, k)| *d == db && *k == key) {
                        let place = pool.partition_point(|(other, ..)| *other < rank);
                        pool.insert(place, (rank, db, key));
                        if pool.len() > POOL_MAX {
                            pool.remove(0);
                        }
                    }
                }
            }
            if !seen {
                return None;
            }
            while let Some((_, db, key)) = self.evict_pool.pop() {
                let found = self.keyspace.get(db, &key);
                if found.is_some_and(|entry| !volatile || entry.expire_at_ms.is_some()) {
                    return Some((db, key));
                }
            }
        }
    }

    /// Whether this command may use memory: by itself, through what is queued, or by being queued.
    pub(super) fn may_grow(&self, spec: &Command, conn: ConnId) -> bool {
        let multi = self.clients.get(&conn).and_then(|c| c.multi.as_ref());
        let grows = |spec: &Command| spec.flags & flag::DENYOOM != 0;
        match (multi, spec.name) {
            (Some(multi), "exec") => {
                let queued = multi.queue.iter().filter_map(|args| lookup(args).ok());
                queued.into_iter().any(grows)
            }
            (Some(_), name) => !matches!(name, "discard" | "quit" | "reset"),
            (None, _) => grows(spec),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_has_a_name() {
        for (policy, name) in POLICIES {
            assert_eq!((Policy::named(name), policy.name()), (policy, name));
        }
    }
}
