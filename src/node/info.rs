//! `INFO` and `ROLE`, field for field as Redis 7.0 prints them.

use super::history::History;
use super::upstream::Stage;
use super::{Node, ReplicaState};
use crate::wire::resp;
use std::fmt::Write;

const SECTIONS: [&str; 7] = [
    "server",
    "clients",
    "memory",
    "persistence",
    "stats",
    "replication",
    "keyspace",
];

macro_rules! field {
    ($out:expr, $($arg:tt)*) => {{ let _ = write!($out, $($arg)*); $out.push_str("\r\n"); }};
}

impl Node {
    /// The text of `INFO [section …]`; no section means all that Redis shows by default.
    pub fn info(&self, sections: &[String]) -> String {
        let all = sections.is_empty()
            || sections
                .iter()
                .any(|s| matches!(s.as_str(), "all" | "default" | "everything"));
        let mut out = String::new();
        for section in SECTIONS {
            if !all && !sections.iter().any(|s| s == section) {
                continue;
            }
            if !out.is_empty() {
                out.push_str("\r\n");
            }
            let (first, rest) = section.split_at(1);
            field!(out, "# {}{rest}", first.to_ascii_uppercase());
            match section {
                "server" => self.info_server(&mut out),
                "clients" => {
                    let connected = self.clients.len() - self.replicas.len();
                    field!(out, "connected_clients:{connected}");
                    field!(out, "blocked_clients:{}", self.blocked.len());
                }
                "memory" => field!(out, "used_memory:{}", self.used_memory()),
                "persistence" => self.info_persistence(&mut out),
                "stats" => self.info_stats(&mut out),
                "replication" => self.info_replication(&mut out),
                _ => self.info_keyspace(&mut out),
            }
        }
        out
    }

    fn info_server(&self, out: &mut String) {
        field!(out, "redis_version:7.0.15");
        field!(out, "redis_mode:standalone");
        field!(out, "arch_bits:64");
        field!(out, "run_id:{}", self.run_id);
        field!(out, "tcp_port:{}", self.config.port);
        field!(out, "server_time_usec:{}", self.now.0);
        field!(
            out,
            "uptime_in_seconds:{}",
            self.seconds_since(self.started)
        );
        field!(out, "hz:{}", self.config.hz);
    }

    fn info_persistence(&self, out: &mut String) {
        field!(out, "loading:{}", u8::from(self.loading.is_some()));
        field!(out, "async_loading:{}", u8::from(self.loads_aside()));
        field!(out, "rdb_changes_since_last_save:{}", self.stats.dirty);
        field!(
            out,
            "rdb_bgsave_in_progress:{}",
            u8::from(self.child.is_some())
        );
        field!(out, "rdb_last_save_time:{}", self.stats.last_save_unix_s);
        field!(
            out,
            "rdb_last_bgsave_status:{}",
            if self.stats.bgsave_failed {
                "err"
            } else {
                "ok"
            }
        );
        field!(out, "aof_enabled:0");
        self.info_loading(out);
    }

    fn info_stats(&self, out: &mut String) {
        let stats = &self.stats;
        field!(out, "total_connections_received:{}", stats.connections);
        field!(out, "total_commands_processed:{}", stats.commands);
        field!(out, "sync_full:{}", stats.sync_full);
        field!(out, "sync_partial_ok:{}", stats.sync_partial_ok);
        field!(out, "sync_partial_err:{}", stats.sync_partial_err);
        field!(out, "expired_keys:{}", stats.expired_keys);
        field!(out, "keyspace_hits:{}", stats.keyspace_hits);
        field!(out, "keyspace_misses:{}", stats.keyspace_misses);
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
                let percent = if total > 0 {
                    transfer.got as f64 * 100.0 / total as f64
                } else {
                    0.0
                };
                field!(out, "master_sync_total_bytes:{total}");
                field!(out, "master_sync_read_bytes:{}", transfer.got);
                field!(
                    out,
                    "master_sync_left_bytes:{}",
                    total as i64 - transfer.got as i64
                );
                field!(out, "master_sync_perc:{percent:.2}");
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
            field!(out, "replica_announced:1");
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
        for db in 0..self.keyspace.databases() {
            let keys = self.keyspace.len(db);
            if keys > 0 {
                field!(
                    out,
                    "db{db}:keys={keys},expires={},avg_ttl=0",
                    self.keyspace.expires(db)
                );
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
