//! Looking back at a command that has run: the slow log keeps it, monitors see it.

use super::commands::flag;
use super::config;
use super::measure::Slow;
use super::registry::Command;
use super::session::Client;
use super::{ConnId, Node, Outbox};
use crate::wire::Bytes;
use crate::wire::resp::quote;

const MONITORED: u32 = flag::SKIP_MONITOR | flag::ADMIN;

impl Node {
    /// Whether monitors see this command. They see none while a snapshot is loaded.
    pub(super) fn is_seen(&self, command: &Command) -> bool {
        !self.monitors.is_empty() && command.flags & MONITORED == 0 && self.load.is_none()
    }

    /// A command of this client or of the master has run, so long.
    pub(super) fn after_call(
        &mut self,
        command: &'static Command,
        conn: ConnId,
        args: &[Bytes],
        us: u64,
        out: &mut Outbox,
    ) {
        if self.is_seen(command) {
            self.feed_monitors(conn, &shown(command, args), out);
        }
        let least = self.config.slowlog_log_slower_than_us;
        let slow = least >= 0 && us as i64 >= least;
        if slow && command.flags & flag::SKIP_SLOWLOG == 0 {
            let (_, addr, name) = self.asker(conn);
            let entry = Slow {
                id: 0,
                unix_s: self.now.unix_s(),
                us,
                args: shown(command, args),
                addr,
                name,
            };
            match self.clients.get_mut(&conn) {
                // It is not over yet.
                Some(client) if client.blocked.is_some() => client.slow = Some(Box::new(entry)),
                _ => self.measures.keep_slow(entry, self.config.slowlog_max_len),
            }
        }
    }

    /// Database, address and name of who asks: a client, or the master.
    fn asker(&self, conn: ConnId) -> (usize, String, Bytes) {
        let master = || self.upstream.as_ref().map(|u| (u.db(), &u.addr, &b""[..]));
        let client = self.clients.get(&conn);
        let asker = client.map(|c| (c.db, &c.addr, &c.name[..])).or_else(master);
        asker.map_or_else(Default::default, |(db, addr, name)| {
            (db, addr.to_string(), name.into())
        })
    }

    /// A command that waited is over now.
    pub(super) fn unblocked_slow(&mut self, conn: ConnId) {
        let slow = self.clients.get_mut(&conn).and_then(|c| c.slow.take());
        if let Some(entry) = slow {
            self.measures.keep_slow(*entry, self.config.slowlog_max_len);
        }
    }

    /// One line for each command (`replicationFeedMonitors`).
    fn feed_monitors(&mut self, conn: ConnId, args: &[Bytes], out: &mut Outbox) {
        let (db, addr, _) = self.asker(conn);
        let us = self.now.0;
        let words: Vec<String> = args.iter().map(|arg| quote(arg)).collect();
        // A socket of this machine is told as `unix:path`.
        let (unix, addr) = match addr.strip_suffix(":0") {
            Some(path) => ("unix:", path),
            None => ("", &addr[..]),
        };
        let line = format!(
            "+{}.{:06} [{db} {unix}{addr}] {}\r\n",
            us / 1_000_000,
            us % 1_000_000,
            words.join(" ")
        );
        for conn in self.monitors.clone() {
            let silent = |client: &Client| client.replies.are_silent();
            if !self.clients.get(&conn).is_some_and(silent) {
                self.send_aside(conn, line.as_bytes(), out);
            }
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
