//! `MEMORY`, and the estimate of what things cost: what a Redis server would have allocated, roughly. What the process
//! really has only the machine knows.

use super::keyspace::{Entry, Value};
use super::server::{help, unknown_subcommand};
use super::{Node, Session};
use crate::wire::Bytes;
use crate::wire::rdb::Item;
use crate::wire::rdb::packed::{Kind, Packed};
use crate::wire::rdb::stream::Id;
use crate::wire::resp::{self, parse_i64};

/// Bytes that are not data.
pub(super) struct Overhead {
    pub startup: u64,
    pub backlog: u64,
    pub replicas: u64,
    pub clients: u64,
    pub total: u64,
}

/// What a server without data costs.
pub(super) const STARTUP: u64 = 900_000;
/// What one more key costs beside its name and its value: its place in the table and the object.
const PER_KEY: u64 = 24 + 8 + 16;
/// What one more element costs beside its bytes, in the small forms and in the large ones.
const PACKED: u64 = 2;
const LINKED: u64 = 24 + 8 + 16;
/// What a field of a hash has besides its two strings, and a member besides its own.
const FIELD: usize = 2;
const MEMBER: usize = 10;

/// What an expiry costs.
pub(super) const EXPIRY_BYTES: u64 = 32;

/// A string of its own: header, end, and the rounding of the allocator.
fn string(len: usize) -> u64 {
    (len as u64 + 4).next_multiple_of(8)
}

/// The same as of elements that were taken out, without doing so.
fn lens(packed: &Packed) -> impl Iterator<Item = usize> {
    packed.elements().map(|(first, second)| match packed.kind {
        Kind::List | Kind::Set => first.len(),
        Kind::Hash => first.len() + second.map_or(0, Item::len) + FIELD,
        Kind::Zset => first.len() + MEMBER,
    })
}

/// Bytes that a key and its value cost, by looking at so many of its elements.
pub(super) fn entry_bytes(key: &[u8], entry: &Entry, samples: usize) -> u64 {
    let value = match &entry.value {
        // The number stands in the place of the pointer.
        Value::String(text) if text.len() <= 20 && entry.encoding() == "int" => 0,
        value => value_bytes(value, samples),
    };
    let expiry = if entry.expire_at_ms.is_some() {
        EXPIRY_BYTES
    } else {
        0
    };
    PER_KEY + string(key.len()) + value + expiry
}

fn value_bytes(value: &Value, samples: usize) -> u64 {
    if let Value::String(text) = value {
        return string(text.len());
    }
    let each = if value.packed() { PACKED } else { LINKED };
    let all = value.size() as u64;
    let sampled = |lens: &mut dyn Iterator<Item = usize>| {
        let (mut seen, mut bytes) = (0, 0);
        for len in lens.take(samples) {
            seen += 1;
            bytes += if each == PACKED {
                len as u64 + each
            } else {
                string(len) + each
            };
        }
        bytes * all.max(1) / u64::max(seen, 1)
    };
    if let Some(packed) = value.loaded() {
        return 64 + sampled(&mut lens(packed));
    }
    match value {
        Value::String(_) => 0,
        Value::List(list) => 64 + sampled(&mut list.iter().map(|item| item.len())),
        Value::Set(set) => 64 + sampled(&mut set.iter().map(|item| item.len())),
        Value::Hash(hash) => 64 + sampled(&mut hash.iter().map(|(f, v)| f.len() + v.len() + FIELD)),
        Value::Zset(zset) => {
            64 + sampled(&mut zset.iter().map(|(member, _)| member.len() + MEMBER))
        }
        Value::Stream(stream) => {
            let fields = |fields: &[Bytes]| fields.iter().map(|text| text.len() + 2).sum::<usize>();
            let entries = stream.range(Id::ZERO, Id::MAX);
            256 + sampled(&mut entries.map(|entry| 8 + fields(&entry.fields)))
        }
    }
}

impl Node {
    /// What replication takes of memory, in bytes: `mem_replication_backlog` and `mem_clients_slaves` of `INFO memory`.
    pub fn memory_of_replication(&self) -> (u64, u64) {
        let overhead = self.memory_overhead();
        (overhead.backlog, overhead.replicas)
    }

    pub(super) fn memory_overhead(&self) -> Overhead {
        let startup = STARTUP;
        let clients = self.clients_memory();
        let (backlog, replicas) = self.stream_memory();
        let tables: u64 = self.tables().map(|(_, main, expires)| main + expires).sum();
        Overhead {
            startup,
            backlog,
            replicas,
            clients,
            total: startup + backlog + replicas + clients + tables,
        }
    }

    /// What all clients cost that are no replicas.
    pub(super) fn clients_memory(&self) -> u64 {
        let clients = self.clients.iter().filter(|(_, c)| c.replica.is_none());
        let clients = clients.map(|(conn, client)| self.client_memory(*conn, client));
        clients.sum()
    }

    /// What the stream costs: the backlog, and what the replicas have of it beyond that.
    pub(super) fn stream_memory(&self) -> (u64, u64) {
        // Of all that waits for replicas Redis has one copy, which is also its backlog: what is more than that may have
        // is the replicas'.
        let waits = self.replicas.iter().filter_map(|conn| {
            let client = self.clients.get(conn)?;
            let replica = client.replica.as_ref()?;
            Some(replica.output(client.pending))
        });
        let histlen = self.backlog.as_ref().map_or(0, |backlog| backlog.histlen());
        let shared = waits.fold(histlen, u64::max);
        let backlog = shared.min(self.config.repl_backlog_size);
        (backlog, shared - backlog)
    }

    /// What the tables of the databases that are not empty cost: of keys, and of keys with an expiry.
    fn tables(&self) -> impl Iterator<Item = (usize, u64, u64)> {
        let databases = (0..self.keyspace.databases()).filter(|db| self.keyspace.len(*db) > 0);
        databases.map(|db| {
            let slots = |n: usize| 8 * n.next_power_of_two().max(4) as u64;
            let (keys, expires) = (self.keyspace.len(db), self.keyspace.expires(db));
            let main = PER_KEY * keys as u64 + slots(keys);
            let timed = if expires > 0 {
                24 * expires as u64 + slots(expires)
            } else {
                0
            };
            (db, main, timed)
        })
    }

    pub(super) fn memory_command(&mut self, s: &mut Session<'_>) -> Result<(), String> {
        match s.word(1).as_str() {
            "usage" => self.memory_usage(s),
            "stats" => {
                self.memory_stats(s);
                Ok(())
            }
            "doctor" => {
                let text = if self.used_memory() < 5 << 20 {
                    "There is little data here: nothing to say.\n"
                } else {
                    "Nothing stands out.\n"
                };
                s.reply.verbatim(*b"txt", text.as_bytes());
                Ok(())
            }
            "purge" => {
                resp::ok(&mut s.reply);
                Ok(())
            }
            "malloc-stats" => {
                resp::bulk(
                    &mut s.reply,
                    b"Stats not supported for the current allocator",
                );
                Ok(())
            }
            "help" => help(
                s,
                &[
                    (
                        "DOCTOR",
                        "What there is to say about the memory of the server.",
                    ),
                    ("MALLOC-STATS", "What the allocator tells of itself."),
                    (
                        "PURGE",
                        "Asks the allocator to give back what it does not need.",
                    ),
                    ("STATS", "Where the memory of the server goes, roughly."),
                    (
                        "USAGE <key> [SAMPLES <count>]",
                        "Bytes that a key and its value cost, by looking at <count> elements (5; 0: all of them).",
                    ),
                ],
            ),
            _ => unknown_subcommand(s),
        }
    }

    fn memory_usage(&mut self, s: &mut Session<'_>) -> Result<(), String> {
        let mut samples = 5;
        let mut rest = s.args[3..].iter();
        while let Some(word) = rest.next() {
            let count = rest
                .next()
                .filter(|_| word.eq_ignore_ascii_case(b"samples"));
            let count = count.ok_or("ERR syntax error")?;
            let count = parse_i64(count).ok_or("ERR value is not an integer or out of range")?;
            samples = match count {
                ..0 => return Err("ERR syntax error".into()),
                0 => usize::MAX,
                n => n as usize,
            };
        }
        let db = self.clients.get(&s.conn).map_or(0, |c| c.db);
        match self.keyspace.get(db, &s.args[2]) {
            Some(entry) => {
                let bytes = entry_bytes(&s.args[2], entry, samples);
                resp::integer(&mut s.reply, bytes as i64);
            }
            None => s.reply.nil(),
        }
        Ok(())
    }

    fn memory_stats(&mut self, s: &mut Session<'_>) {
        let overhead = self.memory_overhead();
        let resident = self.host.process().resident;
        let used = self.used_memory();
        let peak = self.stats.peak_memory.max(used);
        let keys: usize = (0..self.keyspace.databases())
            .map(|db| self.keyspace.len(db))
            .sum();
        let net = used.saturating_sub(overhead.startup).max(1);
        let dataset = used.saturating_sub(overhead.total);
        let tables: Vec<_> = self.tables().collect();
        let reply = &mut s.reply;
        reply.map(27 + tables.len());
        let mut field = |name: &str, n: u64| {
            resp::bulk(reply, name.as_bytes());
            resp::integer(reply, n as i64);
        };
        field("peak.allocated", peak);
        field("total.allocated", used);
        field("startup.allocated", overhead.startup);
        field("replication.backlog", overhead.backlog);
        field("clients.slaves", overhead.replicas);
        field("clients.normal", overhead.clients);
        for name in [
            "cluster.links",
            "aof.buffer",
            "lua.caches",
            "functions.caches",
        ] {
            field(name, 0);
        }
        for (db, main, expires) in tables {
            resp::bulk(reply, format!("db.{db}").as_bytes());
            reply.map(3);
            for (name, n) in [("main", main), ("expires", expires), ("slot-to-keys", 0)] {
                resp::bulk(reply, format!("overhead.hashtable.{name}").as_bytes());
                resp::integer(reply, n as i64);
            }
        }
        let mut field = |name: &str, n: u64| {
            resp::bulk(reply, name.as_bytes());
            resp::integer(reply, n as i64);
        };
        field("overhead.total", overhead.total);
        field("keys.count", keys as u64);
        field(
            "keys.bytes-per-key",
            if keys > 0 { net / keys as u64 } else { 0 },
        );
        field("dataset.bytes", dataset);
        let mut ratio = |name: &str, part: u64, whole: u64| {
            resp::bulk(reply, name.as_bytes());
            reply.double(part as f64 / whole.max(1) as f64);
        };
        ratio("dataset.percentage", dataset * 100, net);
        ratio("peak.percentage", used * 100, peak);
        for (name, n) in [
            ("allocated", used),
            ("active", resident),
            ("resident", resident),
        ] {
            resp::bulk(reply, format!("allocator.{name}").as_bytes());
            resp::integer(reply, n as i64);
        }
        let extra = resident as i64 - used as i64;
        for (name, part, extra) in [
            ("allocator-fragmentation", used, extra),
            ("allocator-rss", resident, 0),
            ("rss-overhead", resident, 0),
            ("fragmentation", used, extra),
        ] {
            let total = name == "fragmentation";
            let ratio = if total {
                name.into()
            } else {
                format!("{name}.ratio")
            };
            resp::bulk(reply, ratio.as_bytes());
            reply.double(resident as f64 / part.max(1) as f64);
            resp::bulk(reply, format!("{name}.bytes").as_bytes());
            resp::integer(reply, extra);
        }
    }
}
