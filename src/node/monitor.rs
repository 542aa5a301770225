//! Looking back at a command that has run: the slow log keeps it, monitors see it.

use super::commands::flag;
use super::config;
use super::measure::Slow;
use super::registry::Command;
use super::{ConnId, Node, Session};
use crate::wire::Bytes;
use crate::wire::resp::quote;

const MONITORED: u32 = flag::SKIP_MONITOR | flag::ADMIN;

impl Node {
    /// A command has run, so long.
    pub(super) fn after_call(&mut self, command: &'static Command, s: &mut Session<'_>, us: u64) {
        if !self.monitors.is_empty() && command.flags & MONITORED == 0 {
            let args = shown(command, &s.args);
            self.feed_monitors(s, &args);
        }
        let least = self.config.slowlog_log_slower_than_us;
        let slow = least >= 0 && us as i64 >= least;
        if slow && command.flags & flag::SKIP_SLOWLOG == 0 {
            let entry = self.slow_entry(command, s.conn, &s.args, us);
            match self.clients.get_mut(&s.conn) {
                // It is not over yet.
                Some(client) if client.blocked.is_some() => client.slow = Some(Box::new(entry)),
                _ => self.measures.keep_slow(entry, self.config.slowlog_max_len),
            }
        }
    }

    fn slow_entry(&self, command: &Command, conn: ConnId, args: &[Bytes], us: u64) -> Slow {
        let client = self.clients.get(&conn);
        Slow {
            id: 0,
            unix_s: self.now.unix_s(),
            us,
            args: shown(command, args),
            addr: client.map(|c| c.addr.to_string()).unwrap_or_default(),
            name: client.map(|c| c.name.clone()).unwrap_or_default(),
        }
    }

    /// A command that waited is over now.
    pub(super) fn unblocked_slow(&mut self, conn: ConnId) {
        let slow = self.clients.get_mut(&conn).and_then(|c| c.slow.take());
        if let Some(entry) = slow {
            self.measures.keep_slow(*entry, self.config.slowlog_max_len);
        }
    }

    /// One line for each command (`replicationFeedMonitors`).
    fn feed_monitors(&mut self, s: &mut Session<'_>, args: &[Bytes]) {
        let Some(client) = self.clients.get(&s.conn) else {
            return;
        };
        let us = self.now.0;
        let words: Vec<String> = args.iter().map(|arg| quote(arg)).collect();
        let line = format!(
            "+{}.{:06} [{} {}] {}\r\n",
            us / 1_000_000,
            us % 1_000_000,
            client.db,
            client.addr,
            words.join(" ")
        );
        if self.monitors.contains(&s.conn) {
            self.send_so_far(s);
        }
        for conn in &self.monitors {
            s.out.send(*conn, line.as_bytes());
        }
    }
}

/// The arguments as others may see them.
fn shown(command: &Command, args: &[Bytes]) -> Vec<Bytes> {
    let mut args = args.to_vec();
    for i in secrets(command, &args) {
        args[i] = Bytes::from(&b"(redacted)"[..]);
    }
    args
}

/// Places of arguments that nobody else may see.
fn secrets(command: &Command, args: &[Bytes]) -> Vec<usize> {
    match command.name {
        "auth" => (1..args.len()).collect(),
        "hello" => {
            let is = |i: &usize| args[*i].eq_ignore_ascii_case(b"auth");
            let auth = (2..args.len().saturating_sub(2)).find(is);
            auth.map_or_else(Vec::new, |i| vec![i + 1, i + 2])
        }
        "config|set" => {
            let secret = |name: &[u8]| {
                let directive = std::str::from_utf8(name).ok().and_then(config::directive);
                directive
                    .is_some_and(|d| ["masterauth", "masteruser", "requirepass"].contains(&d.name))
            };
            let names = (2..args.len().saturating_sub(1)).step_by(2);
            names.filter(|i| secret(&args[*i])).map(|i| i + 1).collect()
        }
        _ => Vec::new(),
    }
}
