//! `INFO` and `ROLE`, field for field as Redis 7.0 prints them.

use super::history::History;
use super::upstream::Stage;
use super::{ConnId, Node, ReplicaState, Upstream};
use crate::time::MILLISECOND_US;
use crate::wire::rdb::number::{fixed, parse_double};
use crate::wire::resp;
use std::fmt::Write;

/// Sections in their order, and whether `INFO` alone shows them.
const SECTIONS: [(&str, bool); 13] = [
    ("server", true),
    ("clients", true),
    ("memory", true),
    ("persistence", true),
    ("stats", true),
    ("replication", true),
    ("cpu", true),
    ("modules", true),
    ("commandstats", false),
    ("errorstats", true),
    ("latencystats", false),
    ("cluster", true),
    ("keyspace", true),
];

/// Fields of what a server without scripts, modules, AOF, cluster, defragmentation and the like has nothing of.
const ALWAYS_ZERO: [(&str, &str); 6] = [
    (
        "scripts",
        "used_memory_lua used_memory_vm_eval used_memory_lua_human:0B used_memory_scripts_eval \
         number_of_cached_scripts number_of_functions number_of_libraries used_memory_vm_functions \
         used_memory_vm_total used_memory_vm_total_human:0B used_memory_functions used_memory_scripts \
         used_memory_scripts_human:0B",
    ),
    (
        "lazy",
        "mem_cluster_links mem_aof_buffer mem_allocator:libc active_defrag_running lazyfree_pending_objects",
    ),
    (
        "aof",
        "aof_enabled aof_rewrite_in_progress aof_rewrite_scheduled aof_last_rewrite_time_sec:-1 \
         aof_current_rewrite_time_sec:-1 aof_last_bgrewrite_status:ok aof_rewrites aof_rewrites_consecutive_failures \
         aof_last_write_status:ok aof_last_cow_size module_fork_in_progress module_fork_last_cow_size",
    ),
    (
        "defrag",
        "active_defrag_hits active_defrag_misses active_defrag_key_hits active_defrag_key_misses \
         total_active_defrag_time current_active_defrag_time",
    ),
    (
        "threads",
        "io_threaded_reads_processed io_threaded_writes_processed reply_buffer_shrinks reply_buffer_expands",
    ),
    (
        "cow",
        "current_cow_peak current_cow_size current_cow_size_age",
    ),
];

macro_rules! field {
    ($out:expr, $($arg:tt)*) => {{ let _ = write!($out, $($arg)*); $out.push_str("\r\n"); }};
}

impl Node {
    /// The text of `INFO [section …]`; no section means all that Redis shows by default.
    pub fn info(&self, sections: &[String]) -> String {
        let asks = |word: &str| sections.iter().any(|s| s == word);
        let all = asks("all") || asks("everything");
        let by_default = sections.is_empty() || asks("default");
        let mut out = String::new();
        for (section, shown) in SECTIONS {
            if all || asks(section) || (shown && by_default) {
                self.info_section(section, &mut out);
            }
        }
        out
    }

    fn info_section(&self, section: &str, out: &mut String) {
        if !out.is_empty() {
            out.push_str("\r\n");
        }
        let (first, rest) = section.split_at(1);
        let title = if section == "cpu" { "PU" } else { rest };
        field!(out, "# {}{title}", first.to_ascii_uppercase());
        match section {
            "server" => self.info_server(out),
            "clients" => self.info_clients(out),
            "memory" => self.info_memory(out),
            "persistence" => self.info_persistence(out),
            "stats" => self.info_stats(out),
            "replication" => self.info_replication(out),
            "cpu" => self.info_cpu(out),
            "commandstats" => self.info_commandstats(out),
            "errorstats" => {
                for (word, count) in &self.measures.errors {
                    field!(out, "errorstat_{}:count={count}", safe(word));
                }
            }
            "latencystats" => self.info_latencystats(out),
            "cluster" => field!(out, "cluster_enabled:0"),
            "keyspace" => self.info_keyspace(out),
            _ => {}
        }
    }

    fn info_server(&self, out: &mut String) {
        let process = self.host.process();
        let uptime = self.seconds_since(self.started);
        field!(out, "redis_version:7.0.15");
        field!(out, "redis_git_sha1:00000000");
        field!(out, "redis_git_dirty:0");
        field!(out, "redis_build_id:ringside-{}", env!("CARGO_PKG_VERSION"));
        field!(out, "redis_mode:standalone");
        field!(out, "os:{}", process.os);
        field!(out, "arch_bits:{}", usize::BITS);
        field!(out, "monotonic_clock:POSIX clock_gettime");
        field!(out, "multiplexing_api:epoll");
        field!(out, "atomicvar_api:rust");
        field!(out, "gcc_version:0.0.0");
        field!(out, "process_id:{}", process.id);
        let supervised = if process.supervised { "systemd" } else { "no" };
        field!(out, "process_supervised:{supervised}");
        field!(out, "run_id:{}", self.run_id);
        field!(out, "tcp_port:{}", self.config.port);
        field!(out, "server_time_usec:{}", self.now.0);
        field!(out, "uptime_in_seconds:{uptime}");
        field!(out, "uptime_in_days:{}", uptime / 86400);
        field!(out, "hz:{}", self.config.hz);
        field!(out, "configured_hz:{}", self.config.hz);
        field!(out, "lru_clock:{}", self.now.unix_s() & 0xff_ffff);
        field!(out, "executable:{}", process.executable);
        field!(out, "config_file:{}", process.config_file);
        field!(out, "io_threads_active:0");
        if let Some(stopping) = &self.stopping {
            let left = stopping.until.since(self.now) / MILLISECOND_US;
            field!(out, "shutdown_in_milliseconds:{left}");
        }
    }

    fn info_clients(&self, out: &mut String) {
        let mut largest = [0, 0];
        for (conn, client) in &self.clients {
            let figures = self.figures(*conn, client);
            largest[0] = largest[0].max(figures.buffers.input());
            largest[1] = largest[1].max(figures.omem);
        }
        let waits = |conn: &ConnId| {
            let client = self.clients.get(conn);
            client.is_some_and(|c| c.blocked.as_ref().is_some_and(|b| b.until.is_some()))
        };
        field!(out, "connected_clients:{}", self.connected_clients());
        field!(out, "cluster_connections:0");
        field!(out, "maxclients:{}", self.config.maxclients);
        field!(out, "client_recent_max_input_buffer:{}", largest[0]);
        field!(out, "client_recent_max_output_buffer:{}", largest[1]);
        field!(out, "blocked_clients:{}", self.blocked.len());
        field!(out, "tracking_clients:{}", self.tracking_clients());
        let waiting = self.blocked.iter().filter(|conn| waits(conn)).count();
        field!(out, "clients_in_timeout_table:{waiting}");
    }

    /// Clients that are no replicas; the link to a master is one.
    pub(super) fn connected_clients(&self) -> usize {
        let masters = self.upstream.as_ref().is_some_and(Upstream::connected);
        self.clients.len() - self.replicas.len() + usize::from(masters)
    }

    /// Memory is an estimate of what a Redis server would have; what the process really has are the `rss` fields.
    fn info_memory(&self, out: &mut String) {
        let process = self.host.process();
        let overhead = self.memory_overhead();
        let used = self.used_memory();
        let peak = self.stats.peak_memory.max(used);
        let dataset = used.saturating_sub(overhead.total);
        let net = used.saturating_sub(overhead.startup).max(1);
        let resident = process.resident.max(1);
        let sized = |out: &mut String, name: &str, bytes: u64| {
            field!(out, "{name}:{bytes}");
            field!(out, "{name}_human:{}", human(bytes));
        };
        sized(out, "used_memory", used);
        sized(out, "used_memory_rss", process.resident);
        sized(out, "used_memory_peak", peak);
        field!(out, "used_memory_peak_perc:{}%", percent(used, peak));
        field!(out, "used_memory_overhead:{}", overhead.total);
        field!(out, "used_memory_startup:{}", overhead.startup);
        field!(out, "used_memory_dataset:{dataset}");
        field!(out, "used_memory_dataset_perc:{}%", percent(dataset, net));
        field!(out, "allocator_allocated:{used}");
        field!(out, "allocator_active:{resident}");
        field!(out, "allocator_resident:{resident}");
        sized(out, "total_system_memory", process.system_memory);
        zeros(out, "scripts");
        let number = |name: &str| self.config.get(name).unwrap_or_default();
        let most = number("maxmemory").parse().unwrap_or(0);
        sized(out, "maxmemory", most);
        field!(out, "maxmemory_policy:{}", number("maxmemory-policy"));
        let extra = resident as i64 - used as i64;
        let ratio = resident as f64 / used.max(1) as f64;
        for name in ["allocator_frag", "allocator_rss", "rss_overhead"] {
            let (ratio, extra) = if name == "allocator_frag" {
                (ratio, extra)
            } else {
                (1.0, 0)
            };
            field!(out, "{name}_ratio:{}", fixed(ratio, 2));
            field!(out, "{name}_bytes:{extra}");
        }
        field!(out, "mem_fragmentation_ratio:{}", fixed(ratio, 2));
        field!(out, "mem_fragmentation_bytes:{extra}");
        field!(out, "mem_not_counted_for_evict:{}", overhead.replicas);
        field!(out, "mem_replication_backlog:{}", overhead.backlog);
        field!(
            out,
            "mem_total_replication_buffers:{}",
            overhead.backlog + overhead.replicas
        );
        field!(out, "mem_clients_slaves:{}", overhead.replicas);
        field!(out, "mem_clients_normal:{}", overhead.clients);
        zeros(out, "lazy");
        field!(out, "lazyfreed_objects:{}", self.keyspace.freed);
    }

    fn info_persistence(&self, out: &mut String) {
        let stats = &self.stats;
        let word = |failed: bool| if failed { "err" } else { "ok" };
        let now = self.now.unix_s();
        field!(out, "loading:{}", u8::from(self.loading.is_some()));
        field!(out, "async_loading:{}", u8::from(self.loads_aside()));
        zeros(out, "cow");
        let running = |n: usize| if self.child.is_some() { n as u64 } else { 0 };
        let (done, all) = (running(self.child_keys.0), running(self.child_keys.1));
        field!(out, "current_fork_perc:{:.2}", percent(done, all));
        field!(out, "current_save_keys_processed:{done}");
        field!(out, "current_save_keys_total:{all}");
        field!(out, "rdb_changes_since_last_save:{}", stats.dirty);
        field!(
            out,
            "rdb_bgsave_in_progress:{}",
            u8::from(self.child.is_some())
        );
        field!(out, "rdb_last_save_time:{}", stats.last_save_unix_s);
        field!(out, "rdb_last_bgsave_status:{}", word(stats.bgsave_failed));
        let took = stats.bgsave_took_s.unwrap_or(-1);
        field!(out, "rdb_last_bgsave_time_sec:{took}");
        let child = self.child.as_ref();
        let so_far = child.map_or(-1, |child| now - child.started_unix_s);
        field!(out, "rdb_current_bgsave_time_sec:{so_far}");
        field!(out, "rdb_saves:{}", stats.saves);
        field!(out, "rdb_last_cow_size:0");
        field!(
            out,
            "rdb_last_load_keys_expired:{}",
            stats.loaded_expired_keys
        );
        field!(out, "rdb_last_load_keys_loaded:{}", stats.loaded_keys);
        zeros(out, "aof");
        self.info_loading(out);
    }

    fn info_stats(&self, out: &mut String) {
        let stats = &self.stats;
        let [ops, input, output, repl_input, repl_output] = stats.rates;
        let kilo = |bytes: u64| fixed(bytes as f64 / 1024.0, 2);
        let [channels, patterns, shards] = self.subscribed_names();
        field!(out, "total_connections_received:{}", stats.connections);
        field!(out, "total_commands_processed:{}", stats.commands);
        field!(out, "instantaneous_ops_per_sec:{ops}");
        field!(out, "total_net_input_bytes:{}", stats.net_input);
        field!(out, "total_net_output_bytes:{}", stats.net_output);
        field!(out, "total_net_repl_input_bytes:{}", stats.net_repl_input);
        field!(out, "total_net_repl_output_bytes:{}", stats.net_repl_output);
        field!(out, "instantaneous_input_kbps:{}", kilo(input));
        field!(out, "instantaneous_output_kbps:{}", kilo(output));
        field!(out, "instantaneous_input_repl_kbps:{}", kilo(repl_input));
        field!(out, "instantaneous_output_repl_kbps:{}", kilo(repl_output));
        field!(out, "rejected_connections:{}", stats.rejected_connections);
        field!(out, "sync_full:{}", stats.sync_full);
        field!(out, "sync_partial_ok:{}", stats.sync_partial_ok);
        field!(out, "sync_partial_err:{}", stats.sync_partial_err);
        field!(out, "expired_keys:{}", stats.expired_keys);
        field!(out, "expired_stale_perc:0.00");
        field!(out, "expired_time_cap_reached_count:0");
        field!(out, "expire_cycle_cpu_milliseconds:0");
        field!(out, "evicted_keys:{}", self.stats.evicted_keys);
        field!(out, "evicted_clients:{}", self.stats.evicted_clients);
        field!(out, "total_eviction_exceeded_time:0");
        field!(out, "current_eviction_exceeded_time:0");
        field!(out, "keyspace_hits:{}", stats.keyspace_hits);
        field!(out, "keyspace_misses:{}", stats.keyspace_misses);
        field!(out, "pubsub_channels:{channels}");
        field!(out, "pubsub_patterns:{patterns}");
        field!(out, "pubsubshard_channels:{shards}");
        field!(out, "latest_fork_usec:0");
        field!(out, "total_forks:{}", stats.forks);
        field!(out, "migrate_cached_sockets:0");
        field!(out, "slave_expires_tracked_keys:{}", self.keyspace.noted());
        zeros(out, "defrag");
        let [keys, items, prefixes] = self.tracked();
        field!(out, "tracking_total_keys:{keys}");
        field!(out, "tracking_total_items:{items}");
        field!(out, "tracking_total_prefixes:{prefixes}");
        field!(out, "unexpected_error_replies:{}", stats.unexpected_errors);
        field!(out, "total_error_replies:{}", self.measures.error_replies);
        field!(out, "dump_payload_sanitizations:0");
        field!(out, "total_reads_processed:{}", stats.reads);
        field!(out, "total_writes_processed:{}", stats.writes);
        zeros(out, "threads");
    }

    fn info_cpu(&self, out: &mut String) {
        let process = self.host.process();
        for (whose, share) in [("", 1.0), ("_children", 0.0), ("_main_thread", 1.0)] {
            field!(
                out,
                "used_cpu_sys{whose}:{}",
                fixed(process.cpu_sys * share, 6)
            );
            field!(
                out,
                "used_cpu_user{whose}:{}",
                fixed(process.cpu_user * share, 6)
            );
        }
    }

    fn info_commandstats(&self, out: &mut String) {
        for (command, calls) in self.measures.commands() {
            let each = fixed(calls.usec as f64 / calls.calls.max(1) as f64, 2);
            field!(
                out,
                "cmdstat_{}:calls={},usec={},usec_per_call={each},rejected_calls={},failed_calls={}",
                command.name,
                calls.calls,
                calls.usec,
                calls.rejected,
                calls.failed
            );
        }
    }

    fn info_latencystats(&self, out: &mut String) {
        let name = "latency-tracking-info-percentiles";
        let percentiles = self.config.get(name).unwrap_or_default();
        for (command, calls) in self.measures.commands() {
            let Some(spans) = &calls.spans else { continue };
            let each = percentiles.split(' ').filter_map(|text| {
                let us = spans.percentile(parse_double(text.as_bytes())?);
                Some(format!("p{text}={}", fixed(us, 3)))
            });
            let each = each.collect::<Vec<_>>().join(",");
            field!(out, "latency_percentiles_usec_{}:{each}", command.name);
        }
    }

    fn info_replication(&self, out: &mut String) {
        field!(
            out,
            "role:{}",
            if self.upstream.is_some() {
                "slave"
            } else {
                "master"
            }
        );
        if let Some(upstream) = &self.upstream {
            let (read, applied) = self.replica_offsets();
            let io = if upstream.connected() {
                self.seconds_since(upstream.last_io) as i64
            } else {
                -1
            };
            let syncing = matches!(upstream.stage, Stage::Transfer(_));
            field!(out, "master_host:{}", upstream.addr.host);
            field!(out, "master_port:{}", upstream.addr.port);
            field!(
                out,
                "master_link_status:{}",
                if upstream.connected() { "up" } else { "down" }
            );
            field!(out, "master_last_io_seconds_ago:{io}");
            field!(out, "master_sync_in_progress:{}", u8::from(syncing));
            field!(out, "slave_read_repl_offset:{read}");
            field!(out, "slave_repl_offset:{applied}");
            if let Stage::Transfer(transfer) = &upstream.stage {
                let total = transfer.total.unwrap_or(0);
                let percent = percent(transfer.got, total);
                field!(out, "master_sync_total_bytes:{total}");
                field!(out, "master_sync_read_bytes:{}", transfer.got);
                field!(
                    out,
                    "master_sync_left_bytes:{}",
                    total as i64 - transfer.got as i64
                );
                field!(out, "master_sync_perc:{percent}");
                field!(
                    out,
                    "master_sync_last_io_seconds_ago:{}",
                    self.seconds_since(transfer.last_io)
                );
            }
            if !upstream.connected() {
                field!(
                    out,
                    "master_link_down_since_seconds:{}",
                    upstream
                        .down_since
                        .map_or(-1, |at| self.seconds_since(at) as i64)
                );
            }
            field!(out, "slave_priority:{}", self.config.replica_priority);
            field!(
                out,
                "slave_read_only:{}",
                u8::from(self.config.replica_read_only)
            );
            field!(
                out,
                "replica_announced:{}",
                u8::from(self.config.replica_announced)
            );
        }
        let replicas = self.attached();
        field!(out, "connected_slaves:{}", replicas.len());
        if self.config.min_replicas_to_write > 0 {
            field!(out, "min_slaves_good_slaves:{}", self.good_replicas());
        }
        for (i, r) in replicas.iter().enumerate() {
            field!(
                out,
                "slave{i}:ip={},port={},state={},offset={},lag={}",
                r.host,
                r.port,
                r.state.word(),
                r.ack,
                r.lag_s
            );
        }
        let History {
            replid,
            replid2,
            second_offset,
            ..
        } = &self.history;
        let offset = self.reported_offset();
        let unnamed = offset != self.history.offset as i64;
        let replid = if unnamed { "" } else { replid };
        let failover = self.failover.as_ref();
        field!(
            out,
            "master_failover_state:{}",
            failover.map_or("no-failover", |f| f.word())
        );
        field!(out, "master_replid:{replid}");
        field!(out, "master_replid2:{replid2}");
        field!(out, "master_repl_offset:{offset}");
        field!(out, "second_repl_offset:{second_offset}");
        let backlog = self.backlog.as_ref();
        field!(out, "repl_backlog_active:{}", u8::from(backlog.is_some()));
        field!(out, "repl_backlog_size:{}", self.config.repl_backlog_size);
        field!(
            out,
            "repl_backlog_first_byte_offset:{}",
            backlog.map_or(0, |b| b.first() as i64 - i64::from(unnamed))
        );
        field!(
            out,
            "repl_backlog_histlen:{}",
            backlog.map_or(0, |b| b.histlen())
        );
    }

    /// Bytes read and bytes applied; 1 when there is neither a master nor one that could be continued from.
    fn replica_offsets(&self) -> (i64, i64) {
        match (&self.upstream, &self.cached) {
            (Some(u), _) if u.connected() => {
                let applied = self.reported_offset();
                (applied + u.unapplied() as i64, applied)
            }
            (_, Some(cached)) => (cached.offset as i64, cached.offset as i64),
            _ => (1, 1),
        }
    }

    /// The offset as it is told: a replica whose master named none counts from -1.
    fn reported_offset(&self) -> i64 {
        let unnamed = self
            .upstream
            .as_ref()
            .is_some_and(|u| u.connected() && u.legacy);
        self.history.offset as i64 - i64::from(unnamed)
    }

    fn info_keyspace(&self, out: &mut String) {
        // Only who lets keys expire looks at how long they have left.
        let looks = self.upstream.is_none() && self.active_expire;
        for db in 0..self.keyspace.databases() {
            let keys = self.keyspace.len(db);
            if keys > 0 {
                let expires = self.keyspace.expires(db);
                let left = if looks {
                    self.keyspace.average_ttl(db, self.now.unix_ms())
                } else {
                    0
                };
                field!(out, "db{db}:keys={keys},expires={expires},avg_ttl={left}");
            }
        }
    }

    /// The reply of `ROLE`.
    pub(super) fn role(&self, reply: &mut Vec<u8>) {
        match &self.upstream {
            None => {
                resp::array_len(reply, 3);
                resp::bulk(reply, b"master");
                resp::integer(reply, self.history.offset as i64);
                let online: Vec<_> = self
                    .attached()
                    .into_iter()
                    .filter(|r| r.state == ReplicaState::Online)
                    .collect();
                resp::array_len(reply, online.len());
                for r in online {
                    resp::command_into(reply, &[r.host, r.port.to_string(), r.ack.to_string()]);
                }
            }
            Some(upstream) => {
                resp::array_len(reply, 5);
                resp::bulk(reply, b"slave");
                resp::bulk(reply, upstream.addr.host.as_bytes());
                resp::integer(reply, i64::from(upstream.addr.port));
                resp::bulk(reply, upstream.word().as_bytes());
                resp::integer(
                    reply,
                    if upstream.connected() {
                        self.reported_offset()
                    } else {
                        -1
                    },
                );
            }
        }
    }
}

/// Fields that are always the same here.
fn zeros(out: &mut String, group: &str) {
    let fields = ALWAYS_ZERO.iter().find(|(name, _)| *name == group);
    for field in fields.into_iter().flat_map(|(_, fields)| fields.split(' ')) {
        let (name, value) = field.split_once(':').unwrap_or((field, "0"));
        field!(out, "{name}:{value}");
    }
}

/// With two digits behind the point.
fn percent(part: u64, whole: u64) -> String {
    let share = if whole == 0 {
        0.0
    } else {
        part as f64 * 100.0 / whole as f64
    };
    fixed(share, 2)
}

/// What would make a line of `INFO` ambiguous becomes something else (`getSafeInfoString`).
fn safe(text: &str) -> String {
    let safe = |c| match c {
        '#' | ':' | '\n' | '\r' => '_',
        c => c,
    };
    text.chars().map(safe).collect()
}

/// Bytes with a unit (`bytesToHuman`).
pub(super) fn human(bytes: u64) -> String {
    let units = ["B", "K", "M", "G", "T", "P"];
    let power = (bytes.max(1).ilog2() / 10).min(5) as usize;
    if power == 0 {
        return format!("{bytes}B");
    }
    let number = bytes as f64 / (1_u64 << (10 * power)) as f64;
    [&fixed(number, 2), units[power]].concat()
}
