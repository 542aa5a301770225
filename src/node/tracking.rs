//! `CLIENT TRACKING` (`tracking.c`): the server remembers who read which keys, or who wants to hear of all keys that
//! begin with something, and tells them when a key changes, so that they can keep copies.

use super::commands::flag;
use super::keyspace::Map;
use super::registry::Command;
use super::{ConnId, Node, Outbox, Session};
use crate::wire::Bytes;
use crate::wire::resp::{self, parse_i64};
use litemap::LiteMap;

/// What a client asked for.
#[derive(Clone, Debug, Default)]
struct Tracking {
    /// The number of the client that is told instead; 0 for itself.
    redirect: i64,
    /// That client is gone.
    broken: bool,
    broadcast: bool,
    opt_in: bool,
    opt_out: bool,
    no_loop: bool,
    /// `CLIENT CACHING` came before this command.
    caching: bool,
    prefixes: Vec<Bytes>,
}

/// The server's side of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    /// Clients that track, and how.
    clients: LiteMap<ConnId, Tracking>,
    /// Who read a key, whatever its database.
    keys: Map<Vec<ConnId>>,
    /// Keys that were changed since the last broadcast, and by whom.
    changed: Vec<(Bytes, Option<ConnId>)>,
    /// What is to be told to whom: which keys, or all of them.
    told: Vec<(ConnId, Option<Bytes>)>,
    /// What waits for the end of the command that runs.
    later: Vec<(ConnId, Option<Bytes>)>,
    /// `tracking-table-max-keys`.
    most: usize,
    /// Whose command runs: it is told after its reply.
    pub(super) current: Option<ConnId>,
}

/// `on` or `off`, with the options behind it.
fn options(node: &Node, s: &Session<'_>) -> Result<(bool, Tracking), String> {
    let mut wanted = Tracking::default();
    let mut i = 3;
    while i < s.args.len() {
        let more = s.args.get(i + 1);
        match (s.word(i).as_str(), more) {
            ("redirect", Some(id)) => {
                if wanted.redirect != 0 {
                    return Err("ERR A client can only redirect to a single other client".into());
                }
                let id = parse_i64(id).ok_or("ERR value is not an integer or out of range")?;
                if node.client_numbered(id).is_none() {
                    return Err("ERR The client ID you want redirect to does not exist".into());
                }
                wanted.redirect = id;
                i += 1;
            }
            ("prefix", Some(prefix)) => {
                wanted.prefixes.push(prefix.clone());
                i += 1;
            }
            ("bcast", _) => wanted.broadcast = true,
            ("optin", _) => wanted.opt_in = true,
            ("optout", _) => wanted.opt_out = true,
            ("noloop", _) => wanted.no_loop = true,
            _ => return Err("ERR syntax error".into()),
        }
        i += 1;
    }
    match s.word(2).as_str() {
        "on" => Ok((true, wanted)),
        "off" => Ok((false, wanted)),
        _ => Err("ERR syntax error".into()),
    }
}

/// Why these options do not go together, or not with those in force.
fn conflict(wanted: &Tracking, old: Option<&Tracking>) -> Option<String> {
    let switch = |what: &str| {
        format!(
            "ERR You can't switch {what} before disabling tracking for this client, and then re-enabling it with a \
             different mode."
        )
    };
    if !wanted.broadcast && !wanted.prefixes.is_empty() {
        return Some("ERR PREFIX option requires BCAST mode to be enabled".into());
    }
    if old.is_some_and(|old| old.broadcast != wanted.broadcast) {
        return Some(switch("BCAST mode on/off"));
    }
    if wanted.broadcast && (wanted.opt_in || wanted.opt_out) {
        return Some("ERR OPTIN and OPTOUT are not compatible with BCAST".into());
    }
    if wanted.opt_in && wanted.opt_out {
        return Some("ERR You can't specify both OPTIN mode and OPTOUT mode".into());
    }
    if old.is_some_and(|old| wanted.opt_in && old.opt_out || wanted.opt_out && old.opt_in) {
        return Some(switch("OPTIN/OPTOUT mode"));
    }
    let overlaps = |a: &[u8], b: &[u8]| a.starts_with(b) || b.starts_with(a);
    for (i, prefix) in wanted.prefixes.iter().enumerate() {
        let said = |what: &str, other: &[u8]| {
            let text = String::from_utf8_lossy;
            Some(format!(
                "ERR Prefix '{}' overlaps with {what} prefix '{}'. Prefixes for a single client must not overlap.",
                text(prefix),
                text(other)
            ))
        };
        let mut before = old.map_or(&[][..], |old| &old.prefixes).iter();
        if let Some(other) = before.find(|other| overlaps(other, prefix)) {
            return said("an existing", other);
        }
        let mut later = wanted.prefixes[i + 1..].iter();
        if let Some(other) = later.find(|other| overlaps(other, prefix)) {
            return said("another provided", other);
        }
    }
    None
}

impl Node {
    /// How many clients track.
    pub(super) fn tracking_clients(&self) -> usize {
        self.tracking.clients.len()
    }

    /// Whether changes of keys matter: somebody tracks, or did and may go on.
    pub(super) fn tracks(&self) -> bool {
        !self.tracking.clients.is_empty() || !self.tracking.keys.is_empty()
    }

    /// How many keys are remembered, how many readers of them, and how many prefixes.
    pub(super) fn tracked(&self) -> [usize; 3] {
        let keys = &self.tracking.keys;
        let items = keys.values().map(Vec::len).sum();
        [keys.len(), items, self.tracked_prefixes()]
    }

    /// The configuration changed.
    pub(super) fn set_tracking(&mut self) {
        let most = self.config.get("tracking-table-max-keys");
        self.tracking.most = most.and_then(|most| most.parse().ok()).unwrap_or(0);
    }

    /// The command of this client begins, or that of nobody.
    pub(super) fn set_current(&mut self, conn: Option<ConnId>) {
        self.tracking.current = conn;
        self.tracking.told.append(&mut self.tracking.later);
    }

    /// What was evicted before a command is told before its reply, which may be of a newer value; so is what is too much
    /// to remember.
    pub(super) fn tell_evicted(&mut self, out: &mut Outbox) {
        if self.tracking_clients() > 0 {
            self.limit_tracking();
        }
        let current = self.tracking.current.take();
        self.tell_changes(out);
        self.tracking.current = current;
    }

    /// After the reply.
    pub(super) fn tell_replied(&mut self, out: &mut Outbox) {
        if self.tracking_clients() > 0 {
            self.limit_tracking();
            self.tell_changes(out);
        }
    }

    /// Before the server sleeps.
    pub(super) fn tell_all(&mut self, out: &mut Outbox) {
        if self.tracking_clients() > 0 {
            self.tell_changes(out);
            self.broadcast_changes(out);
        }
    }

    /// A client's command is over.
    pub(super) fn called(&mut self, command: &Command, s: &Session<'_>) {
        if self.tracking_clients() > 0 {
            if command.flags & flag::READONLY != 0 {
                self.remember_keys(s.conn, command, &s.args);
            }
            if !s.nested {
                self.end_caching(s.conn, command.name);
            }
        }
    }

    fn client_numbered(&self, id: i64) -> Option<ConnId> {
        let mut all = self.clients.iter();
        let found = all.find(|(_, client)| client.id as i64 == id);
        found.map(|(conn, _)| *conn)
    }

    /// What this client asked for, if it tracks.
    fn tracking(&self, conn: ConnId) -> Option<&Tracking> {
        self.tracking.clients.get(&conn)
    }

    /// Who is told instead of this client: 0 for itself, -1 when it does not track.
    pub(super) fn redirect(&self, conn: ConnId) -> i64 {
        self.tracking(conn).map_or(-1, |t| t.redirect)
    }

    /// The letters of `CLIENT LIST`: it tracks, who is told instead is gone, it wants broadcasts.
    pub(super) fn tracking_flags(&self, conn: ConnId) -> [bool; 3] {
        let tracking = self.tracking(conn);
        tracking.map_or([false; 3], |t| [true, t.broken, t.broadcast])
    }

    /// `CLIENT TRACKING ON|OFF [REDIRECT id] [BCAST] [PREFIX prefix …] [OPTIN] [OPTOUT] [NOLOOP]`.
    pub(super) fn tracking_command(&mut self, s: &mut Session<'_>) -> Result<(), String> {
        let (on, mut wanted) = options(self, s)?;
        if !on {
            self.stop_tracking(s.conn);
        } else if let Some(text) = conflict(&wanted, self.tracking(s.conn)) {
            return Err(text);
        } else {
            if wanted.broadcast && wanted.prefixes.is_empty() {
                wanted.prefixes.push(Bytes::from(&b""[..]));
            }
            let old = self.tracking.clients.remove(&s.conn);
            wanted
                .prefixes
                .extend(old.map(|old| old.prefixes).unwrap_or_default());
            crate::order::sort_by(&mut wanted.prefixes, Ord::cmp);
            wanted.prefixes.dedup();
            self.tracking.clients.insert(s.conn, wanted);
        }
        resp::ok(&mut s.reply);
        Ok(())
    }

    /// It tracks no more, or is about to go.
    pub(super) fn stop_tracking(&mut self, conn: ConnId) {
        self.tracking.clients.remove(&conn);
    }

    /// `CLIENT CACHING YES|NO`.
    pub(super) fn caching_command(&mut self, s: &mut Session<'_>) -> Result<(), String> {
        let tracking = self.tracking.clients.get_mut(&s.conn).ok_or(
            "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled",
        )?;
        let (fits, word, mode) = match s.word(2).as_str() {
            "yes" => (tracking.opt_in, "YES", "OPTIN"),
            "no" => (tracking.opt_out, "NO", "OPTOUT"),
            _ => return Err("ERR syntax error".into()),
        };
        if !fits {
            return Err(format!(
                "ERR CLIENT CACHING {word} is only valid when tracking is enabled in {mode} mode."
            ));
        }
        tracking.caching = true;
        resp::ok(&mut s.reply);
        Ok(())
    }

    /// `CLIENT TRACKINGINFO`.
    pub(super) fn tracking_info(&self, s: &mut Session<'_>) {
        let none = Tracking::default();
        let tracking = self.tracking(s.conn);
        let t = tracking.unwrap_or(&none);
        let flags = [
            (tracking.is_none(), "off"),
            (tracking.is_some(), "on"),
            (t.broadcast, "bcast"),
            (t.opt_in, "optin"),
            (t.opt_in && t.caching, "caching-yes"),
            (t.opt_out, "optout"),
            (t.opt_out && t.caching, "caching-no"),
            (t.no_loop, "noloop"),
            (t.broken, "broken_redirect"),
        ];
        s.reply.map(3);
        resp::bulk(&mut s.reply, b"flags");
        s.reply.set(flags.iter().filter(|(on, _)| *on).count());
        for (_, flag) in flags.iter().filter(|(on, _)| *on) {
            resp::bulk(&mut s.reply, flag.as_bytes());
        }
        resp::bulk(&mut s.reply, b"redirect");
        resp::integer(&mut s.reply, tracking.map_or(-1, |t| t.redirect));
        resp::bulk(&mut s.reply, b"prefixes");
        resp::command_into(&mut s.reply, &t.prefixes);
    }

    /// `CLIENT CACHING` is for the next command, or the next transaction.
    fn end_caching(&mut self, conn: ConnId, command: &str) {
        let client = self.clients.get(&conn);
        let queues = client.is_some_and(|client| client.multi.is_some());
        if let Some(tracking) = self.tracking.clients.get_mut(&conn).filter(|_| !queues) {
            tracking.caching &= command.starts_with("client");
        }
    }

    /// A client that tracks has read these keys.
    fn remember_keys(&mut self, conn: ConnId, command: &Command, args: &[Bytes]) {
        let Some(t) = self.tracking(conn).filter(|t| !t.broadcast) else {
            return;
        };
        if t.opt_in && !t.caching || t.opt_out && t.caching {
            return;
        }
        for (at, _) in command.keys_of(args).unwrap_or_default() {
            let readers = self.tracking.keys.entry(args[at].clone()).or_default();
            if !readers.contains(&conn) {
                readers.push(conn);
            }
        }
    }

    /// A key has changed, by the command of this client or of none. `gone`: the server only forgets who read it.
    pub(super) fn key_changed(&mut self, key: &Bytes, by: Option<ConnId>, forgotten: bool) {
        if !forgotten && self.tracking_clients() > 0 {
            self.tracking.changed.push((key.clone(), by));
        }
        for conn in self.tracking.keys.swap_remove(key).unwrap_or_default() {
            let told = self
                .tracking(conn)
                .is_some_and(|t| !(t.broadcast || t.no_loop && by == Some(conn)));
            if told {
                self.tracking.told.push((conn, Some(key.clone())));
            }
        }
    }

    /// All keys of a database are gone.
    pub(super) fn keys_flushed(&mut self) {
        self.tracking.keys.clear();
        let all = self.tracking.clients.keys();
        let told: Vec<_> = all.map(|conn| (*conn, None)).collect();
        self.tracking.told.extend(told);
    }

    /// No more keys are remembered than `tracking-table-max-keys`; those who read the others are told to forget them.
    fn limit_tracking(&mut self) {
        let most = self.tracking.most;
        while most > 0 && self.tracking.keys.len() > most {
            let any = self.tracking.keys.get_index(0).map(|(key, _)| key.clone());
            if let Some(key) = any {
                self.key_changed(&key, None, true);
            }
        }
    }

    /// Tells what there is to tell; what the client whose command runs has read, only when that is over.
    pub(super) fn tell_changes(&mut self, out: &mut Outbox) {
        if self.tracking.told.is_empty() {
            return;
        }
        for (conn, key) in std::mem::take(&mut self.tracking.told) {
            if self.tracking.current == Some(conn) {
                self.tracking.later.push((conn, key));
            } else {
                self.invalidate(conn, key.map(|key| vec![key]), out);
            }
        }
    }

    /// To those who want to hear of all keys that begin with something, once for all that happened.
    fn broadcast_changes(&mut self, out: &mut Outbox) {
        let mut changed = std::mem::take(&mut self.tracking.changed);
        crate::order::sort_by(&mut changed, |a, b| a.0.cmp(&b.0));
        // of several changes of a key the last one counts
        changed.reverse();
        changed.dedup_by(|a, b| a.0 == b.0);
        changed.reverse();
        let all = self.tracking.clients.iter().filter(|(_, t)| t.broadcast);
        let all: Vec<_> = all.map(|(conn, t)| (*conn, t.clone())).collect();
        for (conn, t) in all {
            for prefix in &t.prefixes {
                let meant = changed.iter().filter(|(key, by)| {
                    key.starts_with(prefix) && !(t.no_loop && *by == Some(conn))
                });
                let keys: Vec<Bytes> = meant.map(|(key, _)| key.clone()).collect();
                if !keys.is_empty() {
                    self.invalidate(conn, Some(keys), out);
                }
            }
        }
    }

    /// These keys are not what this client read any more; nor are any (`sendTrackingMessage`).
    fn invalidate(&mut self, conn: ConnId, keys: Option<Vec<Bytes>>, out: &mut Outbox) {
        let Some(redirect) = self.tracking(conn).map(|t| t.redirect) else {
            return;
        };
        let to = if redirect == 0 {
            Some(conn)
        } else {
            self.client_numbered(redirect)
        };
        let mut message = self.writer(to.unwrap_or(conn));
        let Some(to) = to else {
            if let Some(t) = self.tracking.clients.get_mut(&conn) {
                t.broken = true;
            }
            if message.resp3 {
                message.push_len(2);
                resp::bulk(&mut message, b"tracking-redir-broken");
                resp::integer(&mut message, redirect);
                self.send_aside(conn, &message, out);
            }
            return;
        };
        if message.resp3 {
            message.push_len(2);
            resp::bulk(&mut message, b"invalidate");
        } else if redirect != 0 && self.listens(to) {
            message.push_len(3);
            resp::bulk(&mut message, b"message");
            resp::bulk(&mut message, b"__redis__:invalidate");
        } else {
            return;
        }
        match keys {
            Some(keys) => resp::command_into(&mut message, &keys),
            // In the words of who tracks, whoever is told.
            None => {
                let mut nil = self.writer(conn);
                nil.nil();
                message.extend_from_slice(&nil);
            }
        }
        self.send_aside(to, &message, out);
    }

    /// What the prefixes of a client cost in its list of them.
    pub(super) fn prefix_bytes(&self, conn: ConnId) -> u64 {
        let prefixes = self
            .tracking
            .clients
            .get(&conn)
            .map_or(0, |t| t.prefixes.len());
        if prefixes > 0 {
            32 * (2 * prefixes as u64 + 1)
        } else {
            0
        }
    }

    /// How many prefixes are of interest to somebody.
    fn tracked_prefixes(&self) -> usize {
        let all = self.tracking.clients.values();
        let mut prefixes: Vec<&Bytes> = all.flat_map(|t| &t.prefixes).collect();
        crate::order::sort_by(&mut prefixes, Ord::cmp);
        prefixes.dedup();
        prefixes.len()
    }
}
