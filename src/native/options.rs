//! redis.conf and the command line, with the syntax and the error texts of redis-server: `name value` lines, quotes,
//! `#` comments, `include`, and `--name value …` options that are lines after those of the file.

use crate::node::config::{self, Config};
use crate::wire::resp::split_args;
use std::fmt;
use std::path::PathBuf;

/// What a server is started with.
#[derive(Debug)]
pub struct Options {
    pub config: Config,
    /// `None`: standard output.
    pub logfile: Option<PathBuf>,
    pub pidfile: Option<PathBuf>,
    /// Directives that exist in Redis but do nothing here; to be logged.
    pub warnings: Vec<String>,
}

/// Why a server cannot be started with these options.
#[derive(Debug)]
pub enum OptionsError {
    File {
        path: String,
        error: std::io::Error,
    },
    Directive {
        line: usize,
        text: String,
        reason: String,
    },
}

impl fmt::Display for OptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, error } => {
                write!(f, "Fatal error, can't open config file '{path}': {error}")
            }
            Self::Directive { line, text, reason } => write!(
                f,
                "\n*** FATAL CONFIG FILE ERROR (Ringside {}) ***\nReading the configuration file, at line {line}\n>>> '{text}'\n{reason}",
                env!("CARGO_PKG_VERSION")
            ),
        }
    }
}

impl std::error::Error for OptionsError {}

/// Settings of one value that may have blanks, or of several values: they are joined.
const MULTIPLE: [&str; 4] = ["bind", "client-output-buffer-limit", "replicaof", "save"];

/// Directives of Redis 7.0 that are accepted without effect. One whose value is what happens here anyway is not even
/// worth a warning: `name=value`.
#[rustfmt::skip]
const WITHOUT_EFFECT: &[&str] = &[
    "acl-pubsub-default", "aclfile", "acllog-max-len", "active-defrag-cycle-max", "active-defrag-cycle-min",
    "active-defrag-ignore-bytes", "active-defrag-max-scan-fields", "active-defrag-threshold-lower",
    "active-defrag-threshold-upper", "active-expire-effort", "activedefrag=no", "activerehashing", "always-show-logo",
    "aof-load-truncated", "aof-rewrite-incremental-fsync", "aof-timestamp-enabled", "aof-use-rdb-preamble",
    "aof_rewrite_cpulist", "appenddirname", "appendfilename", "appendfsync", "appendonly=no",
    "auto-aof-rewrite-min-size", "auto-aof-rewrite-percentage", "bgsave_cpulist", "bind-source-addr", "bio_cpulist",
    "busy-reply-threshold", "client-query-buffer-limit", "close-on-replica-write",
    "close-on-slave-write", "cluster-allow-pubsubshard-when-down", "cluster-allow-reads-when-down",
    "cluster-allow-replica-migration", "cluster-announce-bus-port", "cluster-announce-hostname", "cluster-announce-ip",
    "cluster-announce-port", "cluster-announce-tls-port", "cluster-config-file", "cluster-enabled=no",
    "cluster-link-sendbuf-limit", "cluster-migration-barrier", "cluster-node-timeout", "cluster-port",
    "cluster-preferred-endpoint-type", "cluster-replica-no-failover", "cluster-replica-validity-factor",
    "cluster-require-full-coverage", "cluster-slave-no-failover", "cluster-slave-validity-factor", "crash-log-enabled",
    "crash-memcheck-enabled", "daemonize=no", "disable-thp", "dynamic-hz", "enable-debug-command=yes",
    "enable-debug-command=local", "enable-module-command=no", "enable-protected-configs", "hash-max-listpack-entries",
    "hash-max-listpack-value", "hash-max-ziplist-entries", "hash-max-ziplist-value", "hll-sparse-max-bytes",
    "ignore-warnings", "io-threads=1", "io-threads-do-reads=no", "jemalloc-bg-thread",
    "latency-monitor-threshold", "latency-tracking", "latency-tracking-info-percentiles", "lazyfree-lazy-eviction=no",
    "lazyfree-lazy-server-del", "lazyfree-lazy-user-flush=no",
    "lfu-decay-time", "lfu-log-factor", "list-compress-depth", "list-max-listpack-size", "list-max-ziplist-entries",
    "list-max-ziplist-size", "list-max-ziplist-value", "loadmodule",
    "locale-collate", "lua-time-limit", "maxclients", "maxmemory=0", "maxmemory-clients", "maxmemory-eviction-tenacity",
    "maxmemory-policy=noeviction", "maxmemory-samples", "no-appendfsync-on-rewrite", "notify-keyspace-events",
    "oom-score-adj", "oom-score-adj-values", "proc-title-template", "propagation-error-behavior=ignore",
    "protected-mode", "proto-max-bulk-len", "rdb-del-sync-files=no", "rdb-save-incremental-fsync",
    "rdbchecksum=yes", "rename-command", "repl-disable-tcp-nodelay=no", 
    "replica-announced=yes",
    "replica-ignore-disk-write-errors", "replica-ignore-maxmemory", "replica-lazy-flush", "sanitize-dump-payload",
    "server_cpulist", "set-max-intset-entries", "set-proc-title", "shutdown-on-sigint", "shutdown-on-sigterm",
    "slave-ignore-maxmemory", "slave-lazy-flush", "slowlog-log-slower-than", "slowlog-max-len",
    "socket-mark-id", "stop-writes-on-bgsave-error", "stream-node-max-bytes", "stream-node-max-entries", "supervised=no",
    "supervised=auto", "syslog-enabled=no", "syslog-facility", "syslog-ident", "tcp-backlog", "tcp-keepalive",
    "timeout=0", "tls-auth-clients", "tls-ca-cert-dir", "tls-ca-cert-file", "tls-cert-file", "tls-ciphers",
    "tls-ciphersuites", "tls-client-cert-file", "tls-client-key-file", "tls-client-key-file-pass", "tls-cluster=no",
    "tls-dh-params-file", "tls-key-file", "tls-key-file-pass", "tls-port=0", "tls-prefer-server-ciphers",
    "tls-protocols", "tls-replication=no", "tls-session-cache-size", "tls-session-cache-timeout", "tls-session-caching",
    "tracking-table-max-keys", "unixsocket", "unixsocketperm", "user", "watchdog-period", "zset-max-listpack-entries",
    "zset-max-listpack-value", "zset-max-ziplist-entries", "zset-max-ziplist-value",
];

impl Options {
    /// Reads `[CONF-FILE] [--name value …]`, the arguments of `ringside server`. `-` reads standard input.
    ///
    /// # Errors
    /// The file cannot be read, or a line of it is wrong.
    pub fn parse(args: &[String]) -> Result<Self, OptionsError> {
        let mut args = args;
        let mut reader = Reader::default();
        if let Some(path) = args.first().filter(|a| !a.starts_with("--")) {
            let read = if path == "-" {
                std::io::read_to_string(std::io::stdin())
            } else {
                std::fs::read_to_string(path)
            };
            let text = read.map_err(|error| OptionsError::File {
                path: path.clone(),
                error,
            })?;
            reader.file(&text, 0)?;
            args = &args[1..];
        }
        // Redis appends the options to the text of the file; line numbers go on from there.
        reader.line += 1;
        while let Some((name, rest)) = args.split_first() {
            let end = rest
                .iter()
                .position(|a| a.starts_with("--"))
                .unwrap_or(rest.len());
            reader.line += 1;
            reader.option(name, &rest[..end])?;
            args = &rest[end..];
        }
        reader.finish()
    }
}

#[derive(Default)]
struct Reader {
    config: Config,
    logfile: String,
    pidfile: String,
    warnings: Vec<String>,
    /// Save points of lines so far: the first line replaces the defaults, others add.
    save: Option<String>,
    line: usize,
}

impl Reader {
    fn file(&mut self, text: &str, depth: usize) -> Result<(), OptionsError> {
        for line in text.lines() {
            self.line += 1;
            let line = line.trim_matches([' ', '\t', '\r', '\n']);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |n: usize, reason: &str| OptionsError::Directive {
                line: n,
                text: line.into(),
                reason: reason.into(),
            };
            let args = split_args(line.as_bytes())
                .ok_or_else(|| wrong(self.line, "Unbalanced quotes in configuration line"))?;
            let words: Result<Vec<String>, _> =
                args.iter().map(|a| String::from_utf8(a.to_vec())).collect();
            let words = words
                .map_err(|_| wrong(self.line, "a value that is not UTF-8 text is not supported"))?;
            let Some((name, values)) = words.split_first() else {
                continue;
            };
            if name.eq_ignore_ascii_case("include") {
                self.include(values, depth)
                    .map_err(|reason| wrong(self.line, &reason))?;
                continue;
            }
            self.directive(name, values)
                .map_err(|reason| wrong(self.line, &reason))?;
        }
        Ok(())
    }

    fn include(&mut self, values: &[String], depth: usize) -> Result<(), String> {
        let [path] = values else {
            return Err("wrong number of arguments".into());
        };
        if depth >= 16 {
            return Err("included files are nested too deep".into());
        }
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("can't open config file '{path}': {error}"))?;
        let line = std::mem::take(&mut self.line);
        self.file(&text, depth + 1)
            .map_err(|error| format!("in '{path}': {error}"))?;
        self.line = line;
        Ok(())
    }

    /// `--name value …`, as a line.
    fn option(&mut self, given: &str, values: &[String]) -> Result<(), OptionsError> {
        let name = given.trim_start_matches("--");
        let empty = [String::new()];
        // `--save` alone switches snapshots off.
        let values = if name.eq_ignore_ascii_case("save") && values.is_empty() {
            &empty
        } else {
            values
        };
        let text = || {
            std::iter::once(name.to_string())
                .chain(values.iter().map(|v| format!("{v:?}")))
                .collect::<Vec<_>>()
                .join(" ")
        };
        let done = if given.starts_with("--") {
            self.directive(name, values)
        } else {
            Err(UNKNOWN.into())
        };
        done.map_err(|reason| OptionsError::Directive {
            line: self.line,
            text: text(),
            reason,
        })
    }

    fn directive(&mut self, given: &str, values: &[String]) -> Result<(), String> {
        let given = given.to_ascii_lowercase();
        let name = config::canonical(&given).unwrap_or(&given);
        let multiple = MULTIPLE.contains(&name);
        let known = config::canonical(name).is_some() || matches!(name, "logfile" | "pidfile");
        if known && (values.is_empty() || (values.len() > 1 && !multiple)) {
            return Err("wrong number of arguments".into());
        }
        let value = values.join(" ");
        match name {
            "logfile" => self.logfile = value,
            "pidfile" => self.pidfile = value,
            "save" => self.save(&value)?,
            "dir" => {
                let dir = std::fs::canonicalize(&value)
                    .map_err(|error| format!("Can't chdir to '{value}': {error}"))?;
                self.config.set(name, &dir.to_string_lossy())?;
            }
            _ if known => self.config.set(name, &value)?,
            _ => self.without_effect(name, values)?,
        }
        Ok(())
    }

    fn save(&mut self, value: &str) -> Result<(), String> {
        let points = self.save.get_or_insert_default();
        if value.is_empty() {
            points.clear();
        } else {
            if !points.is_empty() {
                points.push(' ');
            }
            points.push_str(value);
        }
        self.config.set("save", &points.clone())
    }

    fn warn(&mut self, name: &str, value: &str) {
        self.warnings.push(format!(
            "The directive '{name} {value}' of Redis has no effect here"
        ));
    }

    fn without_effect(&mut self, name: &str, values: &[String]) -> Result<(), String> {
        let mut found = false;
        for entry in WITHOUT_EFFECT {
            let (known, as_here) = entry.split_once('=').unwrap_or((entry, ""));
            if known == name {
                found = true;
                if values.len() == 1 && values[0].eq_ignore_ascii_case(as_here) {
                    return Ok(());
                }
            }
        }
        if !found {
            return Err(UNKNOWN.into());
        }
        if values.is_empty() {
            return Err("wrong number of arguments".into());
        }
        self.warn(name, &values.join(" "));
        Ok(())
    }

    fn finish(mut self) -> Result<Options, OptionsError> {
        if self.config.dir == "."
            && let Ok(dir) = std::env::current_dir()
        {
            self.config.dir = dir.to_string_lossy().into_owned();
        }
        // A relative path is one below `dir`, as for a server that has changed into it.
        let path =
            |name: &str| (!name.is_empty()).then(|| PathBuf::from(&self.config.dir).join(name));
        Ok(Options {
            logfile: path(&self.logfile),
            pidfile: path(&self.pidfile),
            config: self.config,
            warnings: self.warnings,
        })
    }
}

const UNKNOWN: &str = "Bad directive or wrong number of arguments";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Options, OptionsError> {
        Options::parse(&args.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    fn file(text: &str) -> Result<Options, OptionsError> {
        let mut reader = Reader::default();
        reader.file(text, 0)?;
        reader.finish()
    }

    fn reason(result: Result<Options, OptionsError>) -> (usize, String) {
        match result {
            Err(OptionsError::Directive { line, reason, .. }) => (line, reason),
            other => panic!("not a wrong directive: {other:?}"),
        }
    }

    #[test]
    fn a_file_as_redis_writes_it_is_read() {
        let text = "# a comment\n\n  PORT 7001\r\nslaveof 10.0.0.1 6380\nrequirepass \"two words\\x21\"\nrepl-backlog-size 1mb\nsave 900 1\nsave 300 10\n\
                    appendonly no\nmaxmemory 100mb\nuser default on\n";
        let options = file(text).expect("a good file");
        assert_eq!(options.config.port, 7001);
        assert_eq!(options.config.replicaof, Some(("10.0.0.1".into(), 6380)));
        assert_eq!(options.config.requirepass, "two words!");
        assert_eq!(options.config.save, "900 1 300 10");
        assert_eq!(options.warnings.len(), 2, "{:?}", options.warnings);
    }

    #[test]
    fn options_of_one_word_or_several() {
        let options = parse(&[
            "--port",
            "7002",
            "--replicaof",
            "localhost 7001",
            "--save",
            "",
            "--bind",
            "127.0.0.1",
            "::1",
        ])
        .expect("good options");
        assert_eq!(
            (options.config.port, options.config.save.as_str()),
            (7002, "")
        );
        assert_eq!(options.config.replicaof, Some(("localhost".into(), 7001)));
        assert_eq!(options.config.bind, "127.0.0.1 ::1");
        let options = parse(&[
            "--slaveof",
            "localhost",
            "7001",
            "--save",
            "--min-slaves-to-write",
            "1",
        ])
        .expect("good options");
        assert_eq!(options.config.replicaof, Some(("localhost".into(), 7001)));
        assert_eq!(
            (
                options.config.save.as_str(),
                options.config.min_replicas_to_write
            ),
            ("", 1)
        );
    }

    #[test]
    fn a_wrong_line_is_named_with_the_reason() {
        assert_eq!(
            reason(file("\nport 70000")),
            (2, "argument must be between 0 and 65535 inclusive".into())
        );
        assert_eq!(
            reason(file("port \"1")),
            (1, "Unbalanced quotes in configuration line".into())
        );
        assert_eq!(reason(file("colour blue")), (1, UNKNOWN.into()));
        assert_eq!(
            reason(parse(&["--port"])),
            (2, "wrong number of arguments".into())
        );
        assert_eq!(
            reason(parse(&["--port", "1", "2"])),
            (2, "wrong number of arguments".into())
        );
        assert_eq!(
            reason(parse(&["--port", "7000", "--replica-read-only", "maybe"])),
            (3, "argument must be 'yes' or 'no'".into())
        );
        assert!(parse(&["/no/such/file"]).is_err_and(|e| {
            e.to_string()
                .contains("can't open config file '/no/such/file'")
        }));
    }
}
