//! The settings of one server: Redis's names, aliases, defaults, units and error texts (`config.c`), for `CONFIG
//! GET|SET`, the configuration file and the command line alike.

mod directives;
mod rewrite;

use super::evict::Policy;
use super::host::OomScore;
use super::keyspace::{Limits, longest_string};
use super::registry;
use crate::wire::rdb::number::parse_double;
use crate::wire::rdb::stream::NodeLimit;
use crate::wire::resp::{BULK_MAX, parse_i64};
use directives::DIRECTIVES;
use sha2::{Digest, Sha256};

/// Settings that a node obeys. Times are in Redis's own units, named last.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub port: u16,
    pub bind: String,
    pub dir: String,
    pub dbfilename: String,
    pub databases: usize,
    pub requirepass: String,
    pub masterauth: String,
    pub masteruser: String,
    /// `host port`, when the configuration names a master.
    pub replicaof: Option<(String, u16)>,
    pub replica_announce_ip: String,
    pub replica_announce_port: u16,
    pub replica_priority: i64,
    /// Whether Sentinels tell of this replica.
    pub replica_announced: bool,
    pub replica_read_only: bool,
    pub replica_serve_stale_data: bool,
    pub repl_timeout_s: u64,
    pub repl_ping_replica_period_s: u64,
    pub repl_backlog_size: u64,
    /// 0 means never.
    pub repl_backlog_ttl_s: u64,
    /// Snapshots go to replicas without a file, some time after the first of them asked, or once so many have (0: not).
    pub repl_diskless_sync: bool,
    pub repl_diskless_sync_delay_s: u64,
    pub repl_diskless_sync_max_replicas: u64,
    /// When a snapshot goes from the master's connection into memory: `disabled`, `on-empty-db`, or `swapdb`, which keeps
    /// the old data until it is there.
    pub repl_diskless_load: String,
    /// For tests: microseconds that each key takes longer to load, and to save.
    pub key_load_delay_us: i64,
    pub rdb_key_save_delay_us: i64,
    /// Whether snapshots end with a checksum, and one that does is looked at.
    pub rdbchecksum: bool,
    /// Whether a snapshot that was made or received for replication alone is removed from disk, where nothing else is
    /// saved.
    pub rdb_del_sync_files: bool,
    /// So many bytes of a snapshot are loaded before others are served.
    pub loading_process_events_interval_bytes: u64,
    pub output_limits: [OutputLimit; 3],
    /// How long an orderly end waits for replicas.
    pub shutdown_timeout_s: u64,
    pub min_replicas_to_write: u64,
    pub min_replicas_max_lag_s: u64,
    /// Expired keys are deleted with UNLINK instead of DEL, and so is what a user deletes by reading it (`GETDEL`).
    pub lazyfree_lazy_expire: bool,
    pub lazyfree_lazy_user_del: bool,
    pub lazyfree_lazy_server_del: bool,
    pub lazyfree_lazy_eviction: bool,
    /// Bytes that may be used before keys are evicted or writes refused; 0: any amount.
    pub maxmemory: u64,
    pub maxmemory_policy: Policy,
    pub maxmemory_samples: usize,
    pub replica_ignore_maxmemory: bool,
    pub lfu_log_factor: u64,
    pub lfu_decay_time: u64,
    pub hash_max_listpack_entries: u64,
    pub hash_max_listpack_value: u64,
    pub list_max_listpack_size: i64,
    pub set_max_intset_entries: u64,
    pub zset_max_listpack_entries: u64,
    pub zset_max_listpack_value: u64,
    pub stream_node_max_bytes: u64,
    pub stream_node_max_entries: u64,
    pub hll_sparse_max_bytes: u64,
    pub rdbcompression: bool,
    /// A snapshot is begun when so many seconds have passed with so many changes.
    pub save: Vec<(u64, u64)>,
    /// No writes while the last snapshot could not be written.
    pub stop_writes_on_bgsave_error: bool,
    pub loglevel: String,
    pub hz: u64,
    /// Without a password, only connections from this machine are served.
    pub protected_mode: bool,
    /// `yes`, `no`, or `local` for connections from this machine.
    pub enable_debug_command: String,
    pub enable_protected_configs: String,
    pub maxclients: usize,
    /// A silent client is disconnected after so many seconds; 0: never.
    pub timeout_s: u64,
    pub proto_max_bulk_len: i64,
    pub client_query_buffer_limit: u64,
    /// Commands that took this long get into the slow log; negative: none.
    pub slowlog_log_slower_than_us: i64,
    pub slowlog_max_len: usize,
    /// 0: nothing is watched.
    pub latency_monitor_threshold_ms: u64,
    pub latency_tracking: bool,
    /// Commands that have another name here, or (empty) none: `rename-command`.
    pub renamed: Vec<(String, String)>,
    /// What is known and not kept in a field, where it is not the default.
    pub others: Vec<(&'static str, String)>,
    /// Where Redis raises a smaller `repl-backlog-size` to 16384 bytes, a teaching world may set a lower floor.
    pub backlog_floor: u64,
}

/// How much may wait to be sent to a client before it is disconnected; 0 is any amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputLimit {
    /// Never more than this …
    pub hard: u64,
    /// … and not more than this for longer than so many seconds.
    pub soft: u64,
    pub soft_s: u64,
}

/// The classes of clients with an [`OutputLimit`], as `CONFIG GET` names them.
const CLASSES: [&str; 3] = ["normal", "slave", "pubsub"];

/// `repl-backlog-size` is never smaller than this (`CONFIG_REPL_BACKLOG_MIN_SIZE`).
pub const BACKLOG_FLOOR: u64 = 16 * 1024;

impl Default for Config {
    fn default() -> Self {
        Self {
            port: 6379,
            bind: "* -::*".into(),
            dir: ".".into(),
            dbfilename: "dump.rdb".into(),
            databases: 16,
            requirepass: String::new(),
            masterauth: String::new(),
            masteruser: String::new(),
            replicaof: None,
            replica_announce_ip: String::new(),
            replica_announce_port: 0,
            replica_priority: 100,
            replica_announced: true,
            replica_read_only: true,
            replica_serve_stale_data: true,
            repl_timeout_s: 60,
            repl_ping_replica_period_s: 10,
            repl_backlog_size: 1024 * 1024,
            repl_backlog_ttl_s: 3600,
            repl_diskless_sync: true,
            repl_diskless_sync_delay_s: 5,
            repl_diskless_sync_max_replicas: 0,
            repl_diskless_load: "disabled".into(),
            key_load_delay_us: 0,
            rdb_key_save_delay_us: 0,
            rdbchecksum: true,
            rdb_del_sync_files: false,
            loading_process_events_interval_bytes: 2 << 20,
            output_limits: [(0, 0, 0), (256, 64, 60), (32, 8, 60)].map(|(hard, soft, soft_s)| {
                OutputLimit {
                    hard: hard << 20,
                    soft: soft << 20,
                    soft_s,
                }
            }),
            shutdown_timeout_s: 10,
            min_replicas_to_write: 0,
            min_replicas_max_lag_s: 10,
            lazyfree_lazy_expire: false,
            lazyfree_lazy_user_del: false,
            lazyfree_lazy_server_del: false,
            lazyfree_lazy_eviction: false,
            maxmemory: 0,
            maxmemory_policy: Policy::NoEviction,
            maxmemory_samples: 5,
            replica_ignore_maxmemory: true,
            lfu_log_factor: 10,
            lfu_decay_time: 1,
            hash_max_listpack_entries: 512,
            hash_max_listpack_value: 64,
            list_max_listpack_size: -2,
            set_max_intset_entries: 512,
            zset_max_listpack_entries: 128,
            zset_max_listpack_value: 64,
            stream_node_max_bytes: 4096,
            stream_node_max_entries: 100,
            hll_sparse_max_bytes: 3000,
            rdbcompression: true,
            save: vec![(3600, 1), (300, 100), (60, 10000)],
            stop_writes_on_bgsave_error: true,
            loglevel: "notice".into(),
            hz: 10,
            protected_mode: true,
            enable_debug_command: "no".into(),
            enable_protected_configs: "no".into(),
            maxclients: 10_000,
            timeout_s: 0,
            proto_max_bulk_len: BULK_MAX,
            client_query_buffer_limit: 1 << 30,
            slowlog_log_slower_than_us: 10_000,
            slowlog_max_len: 128,
            latency_monitor_threshold_ms: 0,
            latency_tracking: true,
            renamed: Vec::new(),
            others: Vec::new(),
            backlog_floor: BACKLOG_FLOOR,
        }
    }
}

/// One directive of a configuration.
pub struct Directive {
    pub name: &'static str,
    /// The older name, or nothing.
    pub alias: &'static str,
    pub mode: Mode,
    kind: Kind,
    pub default: &'static str,
}

/// Who may change a directive after the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Modifiable,
    Immutable,
    /// Only where `enable-protected-configs` allows it.
    Protected,
    /// Modifiable, and found by `CONFIG GET` under its exact name alone.
    Hidden,
}

/// What a value looks like. Bounds are inclusive.
enum Kind {
    Bool,
    Int(i64, i64),
    /// Bytes, with units.
    Memory(i64, i64),
    /// Bytes, or `n%` up to so many percent (given as a negative bound).
    MemoryOrPercent(i64, i64),
    Octal(i64, i64),
    /// One of these words.
    One(&'static str),
    /// Any of these words, the first of which stands for none of the others.
    Flags(&'static str),
    /// Any text; some have rules of their own.
    Text,
}

impl Directive {
    /// The words that it may be; none where it is a number or a text.
    pub fn words(&self) -> impl Iterator<Item = &'static str> {
        let words = match self.kind {
            Kind::Bool => "yes, no",
            Kind::One(words) => words,
            _ => "",
        };
        words.split(", ")
    }
}

/// The directive with this name or alias, in any letter case.
pub fn directive(name: &str) -> Option<&'static Directive> {
    let is = |other: &str| !other.is_empty() && other.eq_ignore_ascii_case(name);
    DIRECTIVES.iter().find(|d| is(d.name) || is(d.alias))
}

/// All directives, in alphabetical order.
pub fn directives() -> impl Iterator<Item = &'static Directive> {
    DIRECTIVES.iter()
}

/// Directives whose value is a list of words, joined by blanks here.
pub fn takes_many(name: &str) -> bool {
    [
        "bind",
        "client-output-buffer-limit",
        "latency-tracking-info-percentiles",
        "oom-score-adj-values",
        "replicaof",
        "save",
        "shutdown-on-sigint",
        "shutdown-on-sigterm",
    ]
    .contains(&name)
}

/// The one user as a rule of `ACL`: who may do everything, with `requirepass` as password.
pub fn user_rule(requirepass: &str) -> String {
    let password = match requirepass {
        "" => "nopass".into(),
        password => format!("#{}", password_hash(password.as_bytes())),
    };
    format!("user default on {password} ~* &* +@all")
}

/// How `ACL` tells a password: its SHA-256 in hexadecimal digits.
pub fn password_hash(password: &[u8]) -> String {
    let digest = Sha256::digest(password);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A value that can be written as text and read back.
trait Setting {
    fn read(text: &str) -> Self;
    fn print(&self) -> String;
}

impl Setting for bool {
    fn read(text: &str) -> Self {
        text == "yes"
    }
    fn print(&self) -> String {
        if *self { "yes" } else { "no" }.into()
    }
}

impl Setting for Policy {
    fn read(text: &str) -> Self {
        Self::named(text)
    }
    fn print(&self) -> String {
        self.name().into()
    }
}

impl Setting for String {
    fn read(text: &str) -> Self {
        text.into()
    }
    fn print(&self) -> String {
        self.clone()
    }
}

macro_rules! numbers {
    ($($type:ty)*) => { $(impl Setting for $type {
        fn read(text: &str) -> Self {
            text.parse().unwrap_or_default()
        }
        fn print(&self) -> String {
            self.to_string()
        }
    })* };
}
numbers!(u16 u64 i64 usize);

/// Ties directives to the fields that hold them.
macro_rules! fields {
    ($($name:literal $field:ident)*) => {
        impl Config {
            fn field(&self, name: &str) -> Option<String> {
                match name {
                    $($name => Some(Setting::print(&self.$field)),)*
                    _ => None,
                }
            }

            /// Takes a value that was checked; false when there is no field for it.
            fn set_field(&mut self, name: &str, value: &str) -> bool {
                match name {
                    $($name => self.$field = Setting::read(value),)*
                    _ => return false,
                }
                true
            }
        }
    };
}

fields! {
    "bind" bind
    "client-query-buffer-limit" client_query_buffer_limit
    "databases" databases
    "dbfilename" dbfilename
    "dir" dir
    "enable-debug-command" enable_debug_command
    "enable-protected-configs" enable_protected_configs
    "hz" hz
    "key-load-delay" key_load_delay_us
    "list-max-listpack-size" list_max_listpack_size
    "latency-monitor-threshold" latency_monitor_threshold_ms
    "latency-tracking" latency_tracking
    "hash-max-listpack-entries" hash_max_listpack_entries
    "hash-max-listpack-value" hash_max_listpack_value
    "hll-sparse-max-bytes" hll_sparse_max_bytes
    "lazyfree-lazy-eviction" lazyfree_lazy_eviction
    "lazyfree-lazy-expire" lazyfree_lazy_expire
    "lazyfree-lazy-server-del" lazyfree_lazy_server_del
    "lazyfree-lazy-user-del" lazyfree_lazy_user_del
    "loading-process-events-interval-bytes" loading_process_events_interval_bytes
    "lfu-decay-time" lfu_decay_time
    "lfu-log-factor" lfu_log_factor
    "loglevel" loglevel
    "masterauth" masterauth
    "masteruser" masteruser
    "maxclients" maxclients
    "maxmemory" maxmemory
    "maxmemory-policy" maxmemory_policy
    "maxmemory-samples" maxmemory_samples
    "min-replicas-max-lag" min_replicas_max_lag_s
    "min-replicas-to-write" min_replicas_to_write
    "port" port
    "protected-mode" protected_mode
    "proto-max-bulk-len" proto_max_bulk_len
    "rdb-del-sync-files" rdb_del_sync_files
    "rdb-key-save-delay" rdb_key_save_delay_us
    "rdbchecksum" rdbchecksum
    "rdbcompression" rdbcompression
    "repl-backlog-size" repl_backlog_size
    "repl-backlog-ttl" repl_backlog_ttl_s
    "repl-diskless-load" repl_diskless_load
    "repl-diskless-sync" repl_diskless_sync
    "repl-diskless-sync-delay" repl_diskless_sync_delay_s
    "repl-diskless-sync-max-replicas" repl_diskless_sync_max_replicas
    "repl-ping-replica-period" repl_ping_replica_period_s
    "repl-timeout" repl_timeout_s
    "replica-announce-ip" replica_announce_ip
    "replica-announce-port" replica_announce_port
    "replica-ignore-maxmemory" replica_ignore_maxmemory
    "replica-announced" replica_announced
    "replica-priority" replica_priority
    "replica-read-only" replica_read_only
    "replica-serve-stale-data" replica_serve_stale_data
    "requirepass" requirepass
    "set-max-intset-entries" set_max_intset_entries
    "shutdown-timeout" shutdown_timeout_s
    "slowlog-log-slower-than" slowlog_log_slower_than_us
    "slowlog-max-len" slowlog_max_len
    "stop-writes-on-bgsave-error" stop_writes_on_bgsave_error
    "stream-node-max-bytes" stream_node_max_bytes
    "stream-node-max-entries" stream_node_max_entries
    "timeout" timeout_s
    "zset-max-listpack-entries" zset_max_listpack_entries
    "zset-max-listpack-value" zset_max_listpack_value
}

/// Directives without a field that are obeyed all the same: by whoever starts the server, or where they are asked for.
const ELSEWHERE: &[&str] = &[
    "client-output-buffer-limit",
    "daemonize",
    "latency-tracking-info-percentiles",
    "logfile",
    "maxmemory-clients",
    "notify-keyspace-events",
    "pidfile",
    "replicaof",
    "save",
    "shutdown-on-sigint",
    "shutdown-on-sigterm",
    "tcp-backlog",
    "tcp-keepalive",
    "tracking-table-max-keys",
    "unixsocket",
    "unixsocketperm",
];

impl Config {
    /// The bounds of the forms of values.
    pub fn limits(&self) -> Limits {
        let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        Limits {
            hash_entries: size(self.hash_max_listpack_entries),
            hash_value: size(self.hash_max_listpack_value),
            set_ints: size(self.set_max_intset_entries),
            zset_entries: size(self.zset_max_listpack_entries),
            zset_value: size(self.zset_max_listpack_value),
            list_node: self.list_max_listpack_size,
            stream_node: NodeLimit {
                bytes: size(self.stream_node_max_bytes),
                entries: size(self.stream_node_max_entries),
            },
            hll_sparse: size(self.hll_sparse_max_bytes),
            compress: self.rdbcompression,
            string: longest_string(self.proto_max_bulk_len),
        }
    }

    /// What `oom-score-adj` and its values ask for, of a master or of a replica; the third value is for child processes,
    /// of which there are none.
    pub fn oom_score(&self, replica: bool) -> Option<OomScore> {
        let mode = self.get("oom-score-adj").unwrap_or_default();
        let values = self.get("oom-score-adj-values").unwrap_or_default();
        let score = values.split(' ').nth(usize::from(replica))?.parse().ok()?;
        let relative = mode != "absolute";
        (mode != "no").then_some(OomScore { score, relative })
    }

    /// The file that a directive names, if it does.
    pub fn path(&self, name: &str) -> Option<String> {
        self.get(name).filter(|path| !path.is_empty())
    }

    /// The value as `CONFIG GET` prints it.
    pub fn get(&self, name: &str) -> Option<String> {
        let directive = directive(name)?;
        Some(match directive.name {
            "client-output-buffer-limit" => {
                let limits = CLASSES.iter().zip(&self.output_limits);
                let words =
                    limits.map(|(class, l)| format!("{class} {} {} {}", l.hard, l.soft, l.soft_s));
                words.collect::<Vec<_>>().join(" ")
            }
            "replicaof" => self
                .replicaof
                .as_ref()
                .map_or_else(String::new, |(host, port)| format!("{host} {port}")),
            "save" => {
                let points = self.save.iter();
                let words = points.map(|(seconds, changes)| format!("{seconds} {changes}"));
                words.collect::<Vec<_>>().join(" ")
            }
            // Redis knows of new keys then as well, but does not say so.
            "notify-keyspace-events" => self.events().replacen("An", "A", 1),
            name => self.field(name).unwrap_or_else(|| {
                let mut others = self.others.iter();
                let own = others.find(|(other, _)| *other == name);
                own.map_or(directive.default, |(_, value)| value).into()
            }),
        })
    }

    /// The events of keys that are told, by the letters of `notify-keyspace-events`.
    pub fn events(&self) -> &str {
        let mut others = self.others.iter();
        let own = others.find(|(name, _)| *name == "notify-keyspace-events");
        own.map_or("", |(_, value)| value)
    }

    /// Sets one value from text, as `CONFIG SET` and the configuration file do. Words of a list are joined by a blank.
    ///
    /// # Errors
    /// What is wrong with the value, in Redis's words.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let directive = directive(name).ok_or("Unknown option or number of arguments")?;
        let value = directive.check(value)?;
        match directive.name {
            "client-output-buffer-limit" => self.set_output_limits(&value)?,
            "replicaof" => self.set_replicaof(&value)?,
            "save" => self.save = save_points(&value)?,
            name => {
                if !self.set_field(name, &value) {
                    self.others.retain(|(other, _)| *other != name);
                    if value != directive.default {
                        self.others.push((name, value));
                    }
                }
            }
        }
        self.repl_backlog_size = self.repl_backlog_size.max(self.backlog_floor);
        self.hz = self.hz.clamp(1, 500);
        Ok(())
    }

    /// `rename-command`.
    ///
    /// # Errors
    /// There is no such command, or another one has the new name.
    pub fn rename(&mut self, name: &str, renamed: &str) -> Result<(), String> {
        let known = |name: &str| registry::by_name(name.as_bytes());
        let gone = |name: &str| {
            self.renamed
                .iter()
                .any(|(n, _)| n.eq_ignore_ascii_case(name))
        };
        known(name)
            .filter(|_| !gone(name))
            .ok_or("No such command in rename-command")?;
        if !renamed.is_empty() && known(renamed).is_some() && !gone(renamed) {
            return Err("Target command name already exists".into());
        }
        self.renamed.push((name.into(), renamed.into()));
        Ok(())
    }

    /// `PSYNC` has no name here, or its own one again.
    pub fn know_psync(&mut self, known: bool) {
        self.renamed.retain(|(name, _)| name != "psync");
        if !known {
            self.renamed.push(("psync".into(), String::new()));
        }
    }

    /// Directives with values other than the default that change nothing here.
    pub fn without_effect(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let others = self.others.iter();
        others
            .filter(|(name, _)| !ELSEWHERE.contains(name))
            .map(|(name, value)| (*name, value.as_str()))
    }

    fn set_replicaof(&mut self, value: &str) -> Result<(), String> {
        let words: Vec<&str> = value.split(' ').filter(|word| !word.is_empty()).collect();
        self.replicaof = match words[..] {
            [] => None,
            [a, b] if a.eq_ignore_ascii_case("no") && b.eq_ignore_ascii_case("one") => None,
            [host, port] => {
                let port = port.parse::<u16>().map_err(|_| "Invalid master port")?;
                Some((host.into(), port))
            }
            _ => return Err("wrong number of arguments".into()),
        };
        Ok(())
    }

    /// `class hard soft seconds`, any number of times.
    fn set_output_limits(&mut self, value: &str) -> Result<(), String> {
        let words: Vec<String> = value.split(' ').map(str::to_ascii_lowercase).collect();
        if !words.len().is_multiple_of(4) {
            return Err("Wrong number of arguments in buffer limit configuration.".into());
        }
        let mut limits = self.output_limits;
        for group in words.chunks(4) {
            let class = CLASSES
                .iter()
                .position(|class| *class == group[0].replace("replica", "slave"))
                .ok_or("Invalid client class specified in buffer limit configuration.")?;
            let limit = memory(group[1].as_bytes())
                .zip(memory(group[2].as_bytes()))
                .zip(group[3].parse::<u64>().ok());
            let ((hard, soft), soft_s) = limit.ok_or(
                "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
            )?;
            limits[class] = OutputLimit { hard, soft, soft_s };
        }
        self.output_limits = limits;
        Ok(())
    }
}

impl Directive {
    /// The value in its usual spelling.
    fn check(&self, value: &str) -> Result<String, String> {
        let bounded = |n: i64, min: i64, max: i64| {
            let range = || format!("argument must be between {min} and {max} inclusive");
            if (min..=max).contains(&n) {
                Ok(n.to_string())
            } else {
                Err(range())
            }
        };
        let bytes = |value: &str| memory(value.as_bytes()).map(|n| n.min(i64::MAX as u64) as i64);
        match self.kind {
            Kind::Bool => match value.to_ascii_lowercase().as_str() {
                "yes" => Ok("yes".into()),
                "no" => Ok("no".into()),
                _ => Err("argument must be 'yes' or 'no'".into()),
            },
            Kind::Int(min, max) => {
                let n = parse_i64(value.as_bytes());
                bounded(
                    n.ok_or("argument couldn't be parsed into an integer")?,
                    min,
                    max,
                )
            }
            Kind::Memory(min, max) => {
                let n = bytes(value).ok_or("argument must be a memory value")?;
                bounded(n, min, max)
            }
            Kind::MemoryOrPercent(min, max) => {
                let percent = value
                    .strip_suffix('%')
                    .and_then(|n| parse_i64(n.as_bytes()));
                match (bytes(value), percent) {
                    (Some(n), _) => bounded(n, 0, max),
                    (None, Some(n)) if n >= 0 && n <= -min => Ok(format!("{n}%")),
                    (None, Some(n)) if n >= 0 => {
                        let most = -min;
                        Err(format!(
                            "percentage argument must be less or equal to {most}"
                        ))
                    }
                    _ => Err("argument must be a memory or percent value".into()),
                }
            }
            Kind::Octal(min, max) => {
                let n = i64::from_str_radix(value, 8);
                let n = n.map_err(|_| "argument couldn't be parsed as an octal number")?;
                if (min..=max).contains(&n) {
                    Ok(format!("{n:o}"))
                } else {
                    Err(format!(
                        "argument must be between {min:o} and {max:o} inclusive"
                    ))
                }
            }
            Kind::One(words) => one_of(words, value).map(str::to_string),
            Kind::Flags(words) => self.flags(words, value),
            Kind::Text => self.text(value),
        }
    }

    fn flags(&self, words: &'static str, value: &str) -> Result<String, String> {
        let mut given = Vec::new();
        for word in value.split(' ') {
            given.push(one_of(words, word)?);
        }
        if given.contains(&"save") && given.contains(&"nosave") {
            return Err("shutdown options SAVE and NOSAVE can't be used simultaneously".into());
        }
        let known = words.split(", ");
        let set: Vec<&str> = known.skip(1).filter(|word| given.contains(word)).collect();
        Ok(if set.is_empty() {
            self.default.into()
        } else {
            set.join(" ")
        })
    }

    fn text(&self, value: &str) -> Result<String, String> {
        match self.name {
            "dbfilename" | "appendfilename" | "appenddirname" if value.contains('/') => {
                Err(format!("{} can't be a path, just a filename", self.name))
            }
            "bind" if value.split(' ').count() > 16 => {
                Err("Too many bind addresses specified.".into())
            }
            "notify-keyspace-events" => events(value),
            "oom-score-adj-values" => {
                let values: Vec<_> = value.split(' ').map(str::parse::<i64>).collect();
                if values.len() != 3 {
                    return Err("wrong number of arguments".into());
                }
                let fits = |n: &Result<i64, _>| n.as_ref().is_ok_and(|n| n.abs() <= 2000);
                if values.iter().all(fits) {
                    Ok(value.into())
                } else {
                    Err(
                        "Invalid oom-score-adj-values, elements must be between -2000 and 2000."
                            .into(),
                    )
                }
            }
            "latency-tracking-info-percentiles" if !value.is_empty() => {
                let mut shown = Vec::new();
                for word in value.split(' ') {
                    let percent = parse_double(word.as_bytes())
                        .ok_or("Invalid latency-tracking-info-percentiles parameters")?;
                    if !(0.0..=100.0).contains(&percent) {
                        return Err(format!(
                            "{} parameters should sit between [0.0,100.0]",
                            self.name
                        ));
                    }
                    shown.push(percent.to_string());
                }
                Ok(shown.join(" "))
            }
            _ => Ok(value.into()),
        }
    }
}

fn one_of<'a>(words: &'a str, value: &str) -> Result<&'a str, String> {
    let mut known = words.split(", ");
    known
        .find(|word| word.eq_ignore_ascii_case(value))
        .ok_or_else(|| format!("argument(s) must be one of the following: {words}"))
}

/// Pairs of seconds and changes; nothing for no snapshots.
fn save_points(value: &str) -> Result<Vec<(u64, u64)>, String> {
    if value.is_empty() {
        return Ok(Vec::new());
    }
    let wrong = || "Invalid save parameters".to_string();
    let words: Vec<&str> = value.split(' ').collect();
    let mut points = Vec::new();
    for pair in words.chunks(2) {
        let [seconds, changes] = pair else {
            return Err(wrong());
        };
        let seconds = seconds.parse::<u64>().ok().filter(|n| *n >= 1);
        let changes = changes.parse::<u64>().ok();
        points.push(seconds.zip(changes).ok_or_else(wrong)?);
    }
    Ok(points)
}

/// The classes of events in their usual order (`keyspaceEventsFlagsToString`).
fn events(value: &str) -> Result<String, String> {
    const ALL: &str = "g$lshzxetd";
    if !value.chars().all(|c| "Ag$lshzxeKEtmdn".contains(c)) {
        return Err("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.".into());
    }
    let has = |c: &char| value.contains(*c) || (ALL.contains(*c) && value.contains('A'));
    let mut text: String = if ALL.chars().all(|c| has(&c)) {
        "A".into()
    } else {
        "g$lshzxetdn".chars().filter(has).collect()
    };
    if text == "A" && value.contains('n') {
        text.push('n');
    }
    text.extend("KEm".chars().filter(has));
    Ok(text)
}

/// A number of bytes with Redis's units: `k m g` are powers of 1000, `kb mb gb` of 1024 (`memtoull`).
pub fn memory(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let number: u64 = std::str::from_utf8(&text[..digits]).ok()?.parse().ok()?;
    let unit = match text[digits..].to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1000,
        b"kb" => 1 << 10,
        b"m" => 1_000_000,
        b"mb" => 1 << 20,
        b"g" => 1_000_000_000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_directive_has_its_default_and_reads_back_what_was_set() {
        assert!(DIRECTIVES.is_sorted_by(|a, b| a.name < b.name));
        let mut config = Config::default();
        for d in directives() {
            let value = config.get(d.name).expect("it has a value");
            assert_eq!(value, d.default, "{}", d.name);
            let set = config.set(d.name, &value);
            set.unwrap_or_else(|e| panic!("{} '{value}': {e}", d.name));
            assert_eq!(config.get(d.alias).unwrap_or_else(|| value.clone()), value);
        }
        assert_eq!(config, Config::default());
    }

    #[test]
    fn wrong_values_are_refused_in_the_words_of_redis() {
        let mut config = Config::default();
        for (name, value, reason) in [
            (
                "maxclients",
                "0",
                "argument must be between 1 and 4294967295 inclusive",
            ),
            (
                "timeout",
                "x",
                "argument couldn't be parsed into an integer",
            ),
            ("maxmemory", "-1", "argument must be a memory value"),
            (
                "maxmemory-clients",
                "101%",
                "percentage argument must be less or equal to 100",
            ),
            (
                "maxmemory-clients",
                "x%",
                "argument must be a memory or percent value",
            ),
            (
                "unixsocketperm",
                "9",
                "argument couldn't be parsed as an octal number",
            ),
            (
                "unixsocketperm",
                "1000",
                "argument must be between 0 and 777 inclusive",
            ),
            (
                "loglevel",
                "x",
                "argument(s) must be one of the following: debug, verbose, notice, warning",
            ),
            ("save", "1", "Invalid save parameters"),
            ("save", "0 1", "Invalid save parameters"),
            (
                "shutdown-on-sigint",
                "save nosave",
                "shutdown options SAVE and NOSAVE can't be used simultaneously",
            ),
            (
                "notify-keyspace-events",
                "KEq",
                "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.",
            ),
            (
                "dbfilename",
                "a/b",
                "dbfilename can't be a path, just a filename",
            ),
            ("oom-score-adj-values", "1 2", "wrong number of arguments"),
        ] {
            assert_eq!(
                config.set(name, value),
                Err(reason.into()),
                "{name} {value}"
            );
        }
        for (name, value, shown) in [
            ("maxmemory", "10MB", "10485760"),
            ("maxmemory-clients", "5%", "5%"),
            ("unixsocketperm", "0700", "700"),
            ("notify-keyspace-events", "Ex$lshzgetdK", "AKE"),
            ("shutdown-on-sigterm", "now NOSAVE", "nosave now"),
            ("maxmemory-policy", "ALLKEYS-LRU", "allkeys-lru"),
            ("save", "", ""),
            ("appendfsync", "ALWAYS", "always"),
        ] {
            config.set(name, value).expect("a good value");
            assert_eq!(config.get(name).as_deref(), Some(shown));
        }
        assert!(
            config
                .without_effect()
                .any(|(name, _)| name == "appendfsync")
        );
    }

    #[test]
    fn a_backlog_below_the_floor_is_raised_to_it() {
        let mut config = Config::default();
        config
            .set("repl-backlog-size", "1kb")
            .expect("a memory value");
        assert_eq!(config.repl_backlog_size, 16384);
        config.backlog_floor = 1;
        config
            .set("repl-backlog-size", "512")
            .expect("a memory value");
        assert_eq!(config.repl_backlog_size, 512);
    }
}
