//! `WATCH`: a transaction is not run when a key that its client watches was touched, has expired, or went with its
//! database (`multi.c`).

use super::{ConnId, Node, Session};
use crate::wire::{Bytes, resp};

/// A key under WATCH.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    pub db: usize,
    pub key: Bytes,
    /// It had expired already when the watch began: that it is deleted then changes nothing.
    pub expired: bool,
}

impl Node {
    pub(super) fn watch(&mut self, s: &mut Session<'_>) -> Result<(), String> {
        let client = self.clients.get(&s.conn).ok_or("ERR no such client")?;
        if client.multi.is_some() {
            return Err("ERR WATCH inside MULTI is not allowed".into());
        }
        let db = client.db;
        for key in &s.args[1..] {
            let expired = self.is_expired(db, key);
            if let Some(client) = self.clients.get_mut(&s.conn)
                && !client.watched.iter().any(|w| w.db == db && w.key == *key)
            {
                let key = key.clone();
                client.watched.push(Watched { db, key, expired });
            }
        }
        self.renew_interest();
        resp::ok(&mut s.reply);
        Ok(())
    }

    pub(super) fn forget_watched(&mut self, conn: ConnId) {
        self.take_news();
        if let Some(client) = self.clients.get_mut(&conn) {
            client.touched = false;
            if !std::mem::take(&mut client.watched).is_empty() {
                self.renew_interest();
            }
        }
    }

    /// Whether the transaction of this client must not run.
    pub(super) fn watched_changed(&mut self, conn: ConnId) -> bool {
        self.take_news();
        self.clients.get(&conn).is_some_and(|client| {
            let gone = |w: &Watched| !w.expired && self.is_expired(w.db, &w.key);
            client.touched || client.watched.iter().any(gone)
        })
    }

    fn is_expired(&self, db: usize, key: &[u8]) -> bool {
        let entry = self.keyspace.get(db, key);
        entry
            .and_then(|entry| entry.expire_at_ms)
            .is_some_and(|at| self.now.unix_ms() > at)
    }

    /// Tells the keyspace which keys somebody watches or waits for.
    pub(super) fn renew_interest(&mut self) {
        let mut keys = Vec::new();
        for client in self.clients.values() {
            keys.extend(client.watched.iter().map(|w| (w.db, w.key.clone())));
            keys.extend(client.awaited().map(|key| (client.db, key.clone())));
        }
        self.keyspace.set_interest(keys);
    }

    /// Hears what happened to the keys that somebody watches or waits for.
    pub(super) fn take_news(&mut self) {
        for news in self.keyspace.news() {
            let there = self.keyspace.get(news.db, &news.key).is_some();
            let stale = self.is_expired(news.db, &news.key);
            for client in self.clients.values_mut() {
                for watched in &mut client.watched {
                    if !news.touched || watched.db != news.db || watched.key != news.key {
                        continue;
                    }
                    match news.before_swap {
                        _ if watched.expired && !there => watched.expired = false,
                        // what has expired came in the place of what had, or of nothing
                        Some(_) if watched.expired && stale => {}
                        Some(false) if stale => watched.expired = true,
                        _ => client.touched = true,
                    }
                }
            }
            let key = (news.db, news.key);
            if news.ready && !self.ready.contains(&key) {
                self.ready.push(key);
            }
        }
    }
}
