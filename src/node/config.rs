//! The settings of one server: Redis's names, aliases, defaults, units and error texts (`config.c`), for `CONFIG
//! GET|SET`, the configuration file and the command line alike.

use crate::wire::resp::parse_i64;

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
    pub rdbcompression: bool,
    pub save: String,
    pub loglevel: String,
    pub hz: u64,
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
            bind: "127.0.0.1".into(),
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
            rdbcompression: true,
            save: "3600 1 300 100 60 10000".into(),
            loglevel: "notice".into(),
            hz: 10,
            backlog_floor: BACKLOG_FLOOR,
        }
    }
}

/// Every name that `CONFIG GET` knows, with its older alias, and whether `CONFIG SET` may change it.
const NAMES: &[(&str, &str, bool)] = &[
    ("bind", "", false),
    ("client-output-buffer-limit", "", true),
    ("databases", "", false),
    ("dbfilename", "", true),
    ("dir", "", true),
    ("hz", "", true),
    ("key-load-delay", "", true),
    ("lazyfree-lazy-expire", "", true),
    ("lazyfree-lazy-user-del", "", true),
    ("loading-process-events-interval-bytes", "", true),
    ("loglevel", "", true),
    ("masterauth", "", true),
    ("masteruser", "", true),
    ("min-replicas-max-lag", "min-slaves-max-lag", true),
    ("min-replicas-to-write", "min-slaves-to-write", true),
    ("port", "", false),
    ("rdb-key-save-delay", "", true),
    ("rdbcompression", "", true),
    ("repl-backlog-size", "", true),
    ("repl-backlog-ttl", "", true),
    ("repl-diskless-load", "", true),
    ("repl-diskless-sync", "", true),
    ("repl-diskless-sync-delay", "", true),
    ("repl-diskless-sync-max-replicas", "", true),
    ("repl-ping-replica-period", "repl-ping-slave-period", true),
    ("repl-timeout", "", true),
    ("replica-announce-ip", "slave-announce-ip", true),
    ("replica-announce-port", "slave-announce-port", true),
    ("replica-priority", "slave-priority", true),
    ("replica-read-only", "slave-read-only", true),
    ("replica-serve-stale-data", "slave-serve-stale-data", true),
    ("replicaof", "slaveof", false),
    ("requirepass", "", true),
    ("save", "", true),
    ("shutdown-timeout", "", true),
];

/// The canonical name of a setting, from it or its alias in any letter case.
pub fn canonical(name: &str) -> Option<&'static str> {
    let is = |other: &str| !other.is_empty() && other.eq_ignore_ascii_case(name);
    NAMES
        .iter()
        .find(|(n, alias, _)| is(n) || is(alias))
        .map(|(n, ..)| *n)
}

/// All names and aliases, in alphabetical order of the canonical ones.
pub fn names() -> impl Iterator<Item = &'static str> {
    NAMES
        .iter()
        .flat_map(|(name, alias, _)| [*name, *alias])
        .filter(|n| !n.is_empty())
}

/// Whether `CONFIG SET` refuses the setting with `can't set immutable config`.
pub fn immutable(name: &str) -> bool {
    NAMES.iter().any(|(n, _, mutable)| *n == name && !mutable)
}

impl Config {
    /// The value as `CONFIG GET` prints it.
    pub fn get(&self, name: &str) -> Option<String> {
        let yes_no = |b: bool| if b { "yes" } else { "no" }.to_string();
        Some(match canonical(name)? {
            "bind" => self.bind.clone(),
            "client-output-buffer-limit" => {
                let limits = CLASSES.iter().zip(&self.output_limits);
                let words =
                    limits.map(|(class, l)| format!("{class} {} {} {}", l.hard, l.soft, l.soft_s));
                words.collect::<Vec<_>>().join(" ")
            }
            "databases" => self.databases.to_string(),
            "dbfilename" => self.dbfilename.clone(),
            "dir" => self.dir.clone(),
            "hz" => self.hz.to_string(),
            "key-load-delay" => self.key_load_delay_us.to_string(),
            "lazyfree-lazy-expire" => yes_no(self.lazyfree_lazy_expire),
            "lazyfree-lazy-user-del" => yes_no(self.lazyfree_lazy_user_del),
            "loading-process-events-interval-bytes" => {
                self.loading_process_events_interval_bytes.to_string()
            }
            "loglevel" => self.loglevel.clone(),
            "masterauth" => self.masterauth.clone(),
            "masteruser" => self.masteruser.clone(),
            "min-replicas-max-lag" => self.min_replicas_max_lag_s.to_string(),
            "min-replicas-to-write" => self.min_replicas_to_write.to_string(),
            "port" => self.port.to_string(),
            "rdb-key-save-delay" => self.rdb_key_save_delay_us.to_string(),
            "rdbcompression" => yes_no(self.rdbcompression),
            "repl-backlog-size" => self.repl_backlog_size.to_string(),
            "repl-backlog-ttl" => self.repl_backlog_ttl_s.to_string(),
            "repl-diskless-load" => self.repl_diskless_load.clone(),
            "repl-diskless-sync" => yes_no(self.repl_diskless_sync),
            "repl-diskless-sync-delay" => self.repl_diskless_sync_delay_s.to_string(),
            "repl-diskless-sync-max-replicas" => self.repl_diskless_sync_max_replicas.to_string(),
            "repl-ping-replica-period" => self.repl_ping_replica_period_s.to_string(),
            "repl-timeout" => self.repl_timeout_s.to_string(),
            "replica-announce-ip" => self.replica_announce_ip.clone(),
            "replica-announce-port" => self.replica_announce_port.to_string(),
            "replica-priority" => self.replica_priority.to_string(),
            "replica-read-only" => yes_no(self.replica_read_only),
            "replica-serve-stale-data" => yes_no(self.replica_serve_stale_data),
            "replicaof" => self
                .replicaof
                .as_ref()
                .map_or_else(String::new, |(host, port)| format!("{host} {port}")),
            "requirepass" => self.requirepass.clone(),
            "save" => self.save.clone(),
            "shutdown-timeout" => self.shutdown_timeout_s.to_string(),
            _ => return None,
        })
    }

    /// Sets one value from text, as `CONFIG SET` and the configuration file do.
    ///
    /// # Errors
    /// What is wrong with the value, in Redis's words.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let name = canonical(name).ok_or("Unknown option or number of arguments")?;
        match name {
            "bind" => self.bind = value.into(),
            "client-output-buffer-limit" => self.set_output_limits(value)?,
            "databases" => self.databases = number(value, 1, 1024)? as usize,
            "dbfilename" if value.contains('/') => {
                return Err("dbfilename can't be a path, just a filename".into());
            }
            "dbfilename" => self.dbfilename = value.into(),
            "dir" => self.dir = value.into(),
            "hz" => self.hz = number(value, 0, i64::from(i32::MAX))?.clamp(1, 500) as u64,
            "key-load-delay" => {
                self.key_load_delay_us = number(value, i64::from(i32::MIN), i64::from(i32::MAX))?;
            }
            "lazyfree-lazy-expire" => self.lazyfree_lazy_expire = yes(value)?,
            "lazyfree-lazy-user-del" => self.lazyfree_lazy_user_del = yes(value)?,
            "loading-process-events-interval-bytes" => {
                self.loading_process_events_interval_bytes =
                    number(value, 1024, i64::from(i32::MAX))? as u64;
            }
            "loglevel" => {
                if !["debug", "verbose", "notice", "warning", "nothing"].contains(&value) {
                    return Err("argument(s) must be one of the following: debug, verbose, notice, warning, nothing".into());
                }
                self.loglevel = value.into();
            }
            "masterauth" => self.masterauth = value.into(),
            "masteruser" => self.masteruser = value.into(),
            "min-replicas-max-lag" => {
                self.min_replicas_max_lag_s = number(value, 0, i64::from(i32::MAX))? as u64;
            }
            "min-replicas-to-write" => {
                self.min_replicas_to_write = number(value, 0, i64::from(i32::MAX))? as u64;
            }
            "port" => self.port = number(value, 0, 65535)? as u16,
            "rdb-key-save-delay" => {
                self.rdb_key_save_delay_us =
                    number(value, i64::from(i32::MIN), i64::from(i32::MAX))?;
            }
            "rdbcompression" => self.rdbcompression = yes(value)?,
            "repl-backlog-size" => {
                let size = memory(value.as_bytes()).ok_or("argument must be a memory value")?;
                if size < 1 {
                    return Err(
                        "argument must be between 1 and 9223372036854775807 inclusive".into(),
                    );
                }
                self.repl_backlog_size = size.max(self.backlog_floor);
            }
            "repl-backlog-ttl" => self.repl_backlog_ttl_s = number(value, 0, i64::MAX)? as u64,
            "repl-diskless-load" => {
                let value = value.to_ascii_lowercase();
                if !["disabled", "on-empty-db", "swapdb"].contains(&value.as_str()) {
                    return Err(
                        "argument(s) must be one of the following: disabled, on-empty-db, swapdb"
                            .into(),
                    );
                }
                self.repl_diskless_load = value;
            }
            "repl-diskless-sync" => self.repl_diskless_sync = yes(value)?,
            "repl-diskless-sync-delay" => {
                self.repl_diskless_sync_delay_s = number(value, 0, i64::from(i32::MAX))? as u64;
            }
            "repl-diskless-sync-max-replicas" => {
                self.repl_diskless_sync_max_replicas =
                    number(value, 0, i64::from(i32::MAX))? as u64;
            }
            "repl-ping-replica-period" => {
                self.repl_ping_replica_period_s = number(value, 1, i64::from(i32::MAX))? as u64;
            }
            "repl-timeout" => self.repl_timeout_s = number(value, 1, i64::from(i32::MAX))? as u64,
            "replica-announce-ip" => self.replica_announce_ip = value.into(),
            "replica-announce-port" => self.replica_announce_port = number(value, 0, 65535)? as u16,
            "replica-priority" => self.replica_priority = number(value, 0, i64::from(i32::MAX))?,
            "replica-read-only" => self.replica_read_only = yes(value)?,
            "replica-serve-stale-data" => self.replica_serve_stale_data = yes(value)?,
            "replicaof" => {
                let mut words = value.split_whitespace();
                self.replicaof = match (words.next(), words.next(), words.next()) {
                    (None, ..) => None,
                    (Some(a), Some(b), None)
                        if a.eq_ignore_ascii_case("no") && b.eq_ignore_ascii_case("one") =>
                    {
                        None
                    }
                    (Some(host), Some(port), None) => Some((
                        host.into(),
                        port.parse::<u16>().map_err(|_| "Invalid master port")?,
                    )),
                    _ => return Err("wrong number of arguments".into()),
                };
            }
            "requirepass" => self.requirepass = value.into(),
            "save" => self.save = value.into(),
            "shutdown-timeout" => {
                self.shutdown_timeout_s = number(value, 0, i64::from(i32::MAX))? as u64;
            }
            _ => return Err("Unknown option or number of arguments".into()),
        }
        Ok(())
    }
}

impl Config {
    /// `class hard soft seconds`, any number of times.
    fn set_output_limits(&mut self, value: &str) -> Result<(), String> {
        let words: Vec<String> = value
            .split_whitespace()
            .map(str::to_ascii_lowercase)
            .collect();
        if words.is_empty() || !words.len().is_multiple_of(4) {
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

fn yes(value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("argument must be 'yes' or 'no'".into()),
    }
}

fn number(value: &str, min: i64, max: i64) -> Result<i64, String> {
    let n = parse_i64(value.as_bytes()).ok_or("argument couldn't be parsed into an integer")?;
    if (min..=max).contains(&n) {
        Ok(n)
    } else {
        Err(format!(
            "argument must be between {min} and {max} inclusive"
        ))
    }
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
    fn every_name_reads_back_what_was_set() {
        let mut config = Config::default();
        for name in names() {
            let value = config
                .get(name)
                .unwrap_or_else(|| panic!("{name} has no value"));
            config
                .set(name, &value)
                .unwrap_or_else(|e| panic!("{name} '{value}': {e}"));
            assert_eq!(config.get(name), Some(value));
        }
        assert_eq!(config, Config::default());
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
