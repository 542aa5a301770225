//! The data of one server: numbered databases of keys, values and expiry times. Every database is split into shards
//! behind `Rc`, so that a fork is a copy of the shard tables and a write after it copies one shard, as the kernel copies
//! one page; and of that shard not more than its table of keys and a block of a few of them. Knows no command and no
//! clock. The order of keys depends on what was done to them and on nothing else. Next: `commands`, which work on it;
//! `keyspace::keys` for how a shard keeps them, `keyspace::value` for what a key holds, `keyspace::zset` for the one value
//! that needs a structure of its own.

mod access;
mod digest;
mod keys;
mod shared;
#[cfg(test)]
mod tests;
mod value;
mod zset;

use std::collections::BTreeSet;
use std::rc::Rc;

use super::memory::{EXPIRY_BYTES, entry_bytes};
use crate::rng::Rng;
use crate::wire::{Bytes, rdb};

pub use access::Clock;
pub use digest::Digested;
use keys::Keys;
pub use shared::{Shared, Unpack};
use value::Fresh;
pub use value::{
    Entry, Form, Hash, Limits, List, Map, Set, Value, longest_string, rdb_value, value_from_rdb,
};
pub use zset::{Zset, ordered};

/// Parts of a database that are copied one by one after a fork.
pub const SHARDS: usize = 64;
/// Databases of a server unless its configuration says otherwise.
pub const DATABASES: usize = 16;

/// Elements that are looked at to estimate what a collection costs.
const SAMPLES: usize = 5;

/// All databases of a server. `Clone` shares every shard; see [`Keyspace::fork`].
#[derive(Clone, Debug)]
pub struct Keyspace {
    dbs: Vec<Db>,
    /// A key whose value was given away for changing: its form and its cost are not settled yet.
    open: Option<(usize, Bytes)>,
    /// Keys that clients watch or wait for, and what happened to them since [`Keyspace::news`] was asked.
    interest: Vec<(usize, Bytes)>,
    news: Vec<News>,
    limits: Limits,
    pub clock: Clock,
    /// Note the keys that get an expiry now: this is a replica that expires them itself.
    pub own_expiries: bool,
    /// Values that Redis would have left to another thread to free (`lazyfreed_objects`).
    pub freed: u64,
    /// RESTORE asks for no checksum (`DEBUG SET-SKIP-CHECKSUM-VALIDATION`).
    pub unchecked: bool,
    /// Those keys with their databases, by name.
    noted: Vec<(Bytes, usize)>,
    /// No earlier than then does one of them expire.
    noted_from: i64,
}

/// Something happened to a key that somebody is interested in.
#[derive(Clone, Debug, PartialEq)]
pub struct News {
    pub db: usize,
    pub key: Bytes,
    /// Those who wait for it should look again: it was stored as a whole, rather than changed or removed; or it is a
    /// stream, which may have more now, or be gone for those who read it as a group.
    pub ready: bool,
    /// It counts as changed for those who watch it.
    pub touched: bool,
    /// Its database was exchanged for another one: whether it was there before.
    pub before_swap: Option<bool>,
}

#[derive(Clone, Debug, Default)]
struct Db {
    /// Empty until the first key, then [`SHARDS`] of them.
    shards: Vec<Rc<Shard>>,
    len: usize,
    expires: usize,
    /// The sum of their times.
    expires_ms: i128,
    /// One bit a shard: written since the newest fork.
    written: u64,
    /// What keys and values cost, roughly, in bytes; without the one that is open.
    memory: u64,
    /// Bytes that were copied for writes, because a copy of the keyspace still had them.
    copied: u64,
}

#[derive(Clone, Debug, Default)]
struct Shard {
    keys: Keys,
    /// The keys with an expiry, by time.
    expiries: BTreeSet<(i64, Bytes)>,
}

/// A shard for writing: its table is copied first when a fork still sees it, which is counted.
fn own<'a>(shard: &'a mut Rc<Shard>, copied: &mut u64) -> &'a mut Shard {
    if Rc::strong_count(shard) > 1 {
        *copied += shard.keys.len() as u64 * keys::PLACE;
    }
    Rc::make_mut(shard)
}

/// The shard of a key with this hash.
fn shard_of(hash: u64) -> usize {
    (hash >> 58) as usize
}

impl Db {
    /// Where a key is: its shard and its place in it.
    fn find(&self, key: &[u8]) -> Option<(usize, usize)> {
        let hash = keys::hash(key);
        let shard = shard_of(hash);
        Some((shard, self.shards.get(shard)?.keys.place(hash, key)?))
    }

    fn at(&self, (shard, place): (usize, usize)) -> Option<(&Bytes, &Entry)> {
        self.shards.get(shard)?.keys.at(place)
    }

    fn entry(&self, key: &[u8]) -> Option<&Entry> {
        self.at(self.find(key)?).map(|(_, entry)| entry)
    }

    fn shards_mut(&mut self) -> &mut [Rc<Shard>] {
        if self.shards.is_empty() {
            self.shards.resize_with(SHARDS, Rc::default);
        }
        &mut self.shards
    }

    /// A shard for writing, and where is counted what that copies.
    fn shard_mut(&mut self, shard: usize) -> (&mut Shard, &mut u64) {
        self.written |= 1 << shard;
        self.shards_mut();
        let shard = own(&mut self.shards[shard], &mut self.copied);
        (shard, &mut self.copied)
    }

    /// Settles the form and the cost of a value that was changed.
    fn settle(&mut self, key: &[u8], limits: &Limits) {
        if let Some((shard, place)) = self.find(key) {
            let shard = own(&mut self.shards[shard], &mut self.copied);
            let (key, entry) = shard.keys.at_mut(place, &mut self.copied);
            entry.value.settle(limits);
            self.memory += entry_bytes(key, entry, SAMPLES);
        }
    }

    /// The value for changing it, and its name; until [`Db::settle`] it costs nothing.
    fn open(&mut self, key: &[u8]) -> Option<(Bytes, &mut Entry)> {
        let (shard, place) = self.find(key)?;
        let (name, entry) = self.at((shard, place))?;
        let name = name.clone();
        self.memory -= entry_bytes(key, entry, SAMPLES);
        let (shard, copied) = self.shard_mut(shard);
        Some((name, &mut shard.keys.at_mut(place, copied).1))
    }

    fn insert(&mut self, key: Bytes, entry: Entry) -> Option<Entry> {
        let expiry = entry.expire_at_ms;
        let cost = entry_bytes(&key, &entry, SAMPLES);
        let hash = keys::hash(&key);
        let (shard, copied) = self.shard_mut(shard_of(hash));
        let there = shard.keys.place(hash, &key);
        let there = there.map(|place| &mut shard.keys.at_mut(place, copied).1);
        let old_expiry = there.as_ref().and_then(|there| there.expire_at_ms);
        if old_expiry != expiry {
            if let Some(at) = old_expiry {
                shard.expiries.remove(&(at, key.clone()));
            }
            if let Some(at) = expiry {
                shard.expiries.insert((at, key.clone()));
            }
        }
        let (old, old_cost) = match there {
            Some(there) => {
                let old = std::mem::replace(there, entry);
                let cost = entry_bytes(&key, &old, SAMPLES);
                (Some(old), cost)
            }
            None => {
                shard.keys.push(hash, key, entry, copied);
                (None, 0)
            }
        };
        self.memory = self.memory + cost - old_cost;
        self.len += usize::from(old.is_none());
        self.count_expiry(old_expiry, expiry);
        old
    }

    fn remove(&mut self, key: &[u8]) -> Option<Entry> {
        let (shard, place) = self.find(key)?;
        let (shard, copied) = self.shard_mut(shard);
        let (name, entry) = shard.keys.swap_remove(place, copied);
        if let Some(at) = entry.expire_at_ms {
            shard.expiries.remove(&(at, name));
        }
        self.memory -= entry_bytes(key, &entry, SAMPLES);
        self.len -= 1;
        self.count_expiry(entry.expire_at_ms, None);
        Some(entry)
    }

    fn set_expiry(&mut self, key: &[u8], at: Option<i64>) -> bool {
        let Some((shard, place)) = self.find(key) else {
            return false;
        };
        let (shard, copied) = self.shard_mut(shard);
        let (name, entry) = shard.keys.at_mut(place, copied);
        let old = std::mem::replace(&mut entry.expire_at_ms, at);
        if let Some(old) = old {
            shard.expiries.remove(&(old, name.clone()));
        }
        if let Some(at) = at {
            shard.expiries.insert((at, name.clone()));
        }
        let cost = |at: Option<i64>| if at.is_some() { EXPIRY_BYTES } else { 0 };
        self.memory = self.memory + cost(at) - cost(old);
        self.count_expiry(old, at);
        true
    }

    fn count_expiry(&mut self, old: Option<i64>, new: Option<i64>) {
        self.expires = self.expires + usize::from(new.is_some()) - usize::from(old.is_some());
        self.expires_ms += i128::from(new.unwrap_or(0)) - i128::from(old.unwrap_or(0));
    }

    fn iter(&self) -> impl Iterator<Item = (&Bytes, &Entry)> {
        self.shards.iter().flat_map(|shard| shard.keys.iter())
    }
}

impl Keyspace {
    /// Empty databases `0..databases`; at least one.
    pub fn new(databases: usize) -> Self {
        Self {
            dbs: vec![Db::default(); databases.max(1)],
            open: None,
            interest: Vec::new(),
            news: Vec::new(),
            limits: Limits::default(),
            clock: Clock::default(),
            own_expiries: false,
            freed: 0,
            unchecked: false,
            noted: Vec::new(),
            noted_from: i64::MAX,
        }
    }

    /// An empty one of the same settings, to load into while this one still serves.
    pub fn aside(&self) -> Self {
        Self {
            limits: self.limits,
            clock: self.clock,
            freed: self.freed,
            unchecked: self.unchecked,
            ..Self::new(self.dbs.len())
        }
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How a value of this keyspace is written.
    pub fn shape(&self, value: &Value) -> rdb::write::Shape {
        rdb::write::Shape {
            packed: value.packed(),
            list_node: self.limits.list_node,
        }
    }

    /// From now on; what is in a larger form stays in it.
    pub fn set_limits(&mut self, limits: Limits) {
        self.settle();
        self.limits = limits;
    }

    /// Ends the changing of a value that [`Keyspace::value_mut`] gave away: it may have outgrown its form.
    pub fn settle(&mut self) {
        if let Some((db, key)) = self.open.take() {
            self.dbs[db].settle(&key, &self.limits);
        }
    }

    fn settled(&mut self, db: usize) -> Option<&mut Db> {
        self.settle();
        self.dbs.get_mut(db)
    }

    /// What all keys and values cost, roughly, in bytes.
    pub fn memory(&self) -> u64 {
        self.dbs.iter().map(|db| db.memory).sum()
    }

    /// A key that is read, or written, is used now; the entry.
    pub fn touch(&mut self, db: usize, key: &[u8], rng: &mut Rng) -> Option<&Entry> {
        let db = self.dbs.get_mut(db)?;
        let found = db.find(key)?;
        let (_, entry) = db.at(found)?;
        let access = self.clock.touched(entry.access, rng);
        if access != entry.access {
            let shard = own(&mut db.shards[found.0], &mut db.copied);
            let (_, entry) = shard.keys.at_mut(found.1, &mut db.copied);
            entry.access = access;
        }
        db.at(found).map(|(_, entry)| entry)
    }

    /// A key at random, or one with an expiry; `None` when there is none.
    pub fn any(&self, db: usize, expiring: bool, rng: &mut Rng) -> Option<(&Bytes, &Entry)> {
        let db = self.dbs.get(db)?;
        let all = if expiring { db.expires } else { db.len };
        let mut place = rng.below(all as u64 + u64::from(all == 0)) as usize;
        for shard in &db.shards {
            let len = if expiring {
                shard.expiries.len()
            } else {
                shard.keys.len()
            };
            if place >= len {
                place -= len;
            } else if expiring {
                let (_, key) = shard.expiries.iter().nth(place)?;
                return db.at(db.find(key)?);
            } else {
                return shard.keys.at(place);
            }
        }
        None
    }

    /// The key that expires first of all in a database.
    pub fn soonest(&self, db: usize) -> Option<&(i64, Bytes)> {
        let shards = self.dbs.get(db)?.shards.iter();
        shards.filter_map(|shard| shard.expiries.first()).min()
    }

    /// From now on these keys are of interest.
    pub fn set_interest(&mut self, keys: Vec<(usize, Bytes)>) {
        self.interest = keys;
    }

    /// Whether there is any.
    pub fn has_news(&self) -> bool {
        !self.news.is_empty()
    }

    /// What happened to keys of interest, in order; asked once.
    pub fn news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    fn report(&mut self, db: usize, key: &[u8], ready: bool, touched: bool) {
        if let Some((_, key)) = self
            .interest
            .iter()
            .find(|(number, name)| *number == db && name[..] == *key)
        {
            let key = key.clone();
            self.news.push(News {
                db,
                key,
                ready,
                touched,
                before_swap: None,
            });
        }
    }

    /// A whole database was emptied or exchanged: news for each key of interest that is in one of these.
    fn report_all(&mut self, dbs: &[usize], swapped: bool) {
        for (db, key) in self.interest.iter().filter(|(db, _)| dbs.contains(db)) {
            let found = || dbs.iter().filter_map(|&db| self.get(db, key));
            if found().next().is_some() {
                self.news.push(News {
                    db: *db,
                    key: key.clone(),
                    ready: swapped || found().any(|entry| entry.value.is_stream()),
                    touched: true,
                    before_swap: swapped.then(|| self.get(*db, key).is_some()),
                });
            }
        }
    }

    /// A point-in-time copy for a child process, and the start of a new count of [`Keyspace::copied_shards`].
    #[must_use]
    pub fn fork(&mut self) -> Self {
        self.settle();
        for db in &mut self.dbs {
            db.written = 0;
        }
        self.clone()
    }

    /// Bytes that were ever copied for a write, roughly, because a copy of the keyspace still had them; and as many as a
    /// copy can cost when all is written.
    pub fn copied(&self) -> (u64, u64) {
        let most = self.total() as u64 * (keys::SLOT + keys::PLACE);
        (self.dbs.iter().map(|db| db.copied).sum(), most)
    }

    /// How many shards were written to, and so copied, since the newest [`Keyspace::fork`].
    pub fn copied_shards(&self) -> usize {
        self.dbs
            .iter()
            .map(|db| db.written.count_ones() as usize)
            .sum()
    }

    /// Shards that exist at all: [`SHARDS`] for each database that has ever held a key.
    pub fn shards(&self) -> usize {
        self.dbs.iter().map(|db| db.shards.len()).sum()
    }

    pub fn databases(&self) -> usize {
        self.dbs.len()
    }

    /// Number of keys, those that are expired and not yet deleted among them.
    pub fn len(&self, db: usize) -> usize {
        self.dbs.get(db).map_or(0, |db| db.len)
    }

    /// The same, of all databases.
    pub fn total(&self) -> usize {
        self.dbs.iter().map(|db| db.len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.dbs.iter().all(|db| db.len == 0)
    }

    /// Number of keys that have an expiry.
    pub fn expires(&self, db: usize) -> usize {
        self.dbs.get(db).map_or(0, |db| db.expires)
    }

    /// How long the keys with an expiry have left, on average, in milliseconds; Redis estimates it from samples.
    pub fn average_ttl(&self, db: usize, now_ms: i64) -> i64 {
        let Some(db) = self.dbs.get(db).filter(|db| db.expires > 0) else {
            return 0;
        };
        let left = db.expires_ms / db.expires as i128 - i128::from(now_ms);
        i64::try_from(left.max(0)).unwrap_or(i64::MAX)
    }

    pub fn get(&self, db: usize, key: &[u8]) -> Option<&Entry> {
        self.dbs.get(db)?.entry(key)
    }

    /// The value for changing it in place. Take it only when something will change: this copies the shard if a fork
    /// shares it. See also [`Keyspace::set_expiry`].
    pub fn value_mut(&mut self, db: usize, key: &[u8]) -> Option<&mut Value> {
        self.entry_mut(db, key).map(|entry| &mut entry.value)
    }

    /// As [`Keyspace::value_mut`]; not for changing the expiry.
    pub fn entry_mut(&mut self, db: usize, key: &[u8]) -> Option<&mut Entry> {
        self.open(db, key, true)
    }

    /// As [`Keyspace::value_mut`], for what is about a stream rather than in it.
    pub fn value_mut_quietly(&mut self, db: usize, key: &[u8]) -> Option<&mut Value> {
        self.open(db, key, false).map(|entry| &mut entry.value)
    }

    /// What was opened quietly has changed after all.
    pub fn touched(&mut self, db: usize, key: &[u8]) {
        self.report(db, key, true, true);
    }

    fn open(&mut self, db: usize, key: &[u8], touched: bool) -> Option<&mut Entry> {
        let stream = self.dbs.get(db)?.entry(key)?.value.is_stream();
        self.report(db, key, stream, touched);
        self.settle();
        let (name, entry) = self.dbs.get_mut(db)?.open(key)?;
        self.open = Some((db, name));
        Some(entry)
    }

    /// Stores a key, expiry and all, and returns what was there. A database that does not exist takes nothing.
    pub fn insert(&mut self, db: usize, key: Bytes, mut entry: Entry) -> Option<Entry> {
        self.report(db, &key, true, true);
        entry.value.settle(&self.limits);
        if entry.access == 0 {
            let old = self.clock.lfu().then(|| self.get(db, &key)).flatten();
            entry.access = old.map_or_else(|| self.clock.start(), |old| old.access);
        }
        self.note_expiry(db, &key, entry.expire_at_ms);
        self.settled(db)?.insert(key, entry)
    }

    pub fn remove(&mut self, db: usize, key: &[u8]) -> Option<Entry> {
        let old = self.settled(db)?.remove(key)?;
        self.report(db, key, old.value.is_stream(), true);
        Some(old)
    }

    /// Sets or clears the expiry of a key; false when there is no such key.
    pub fn set_expiry(&mut self, db: usize, key: &[u8], at_ms: Option<i64>) -> bool {
        let done = self.settled(db).is_some_and(|db| db.set_expiry(key, at_ms));
        if done {
            self.report(db, key, false, true);
            self.note_expiry(db, key, at_ms);
        }
        done
    }

    fn note_expiry(&mut self, db: usize, key: &[u8], at_ms: Option<i64>) {
        if let Some(at) = at_ms.filter(|_| self.own_expiries) {
            self.noted_from = self.noted_from.min(at);
            let noted = (Bytes::from(key), db);
            if let Err(at) = self.noted.binary_search(&noted) {
                self.noted.insert(at, noted);
            }
        }
    }

    /// How many names have keys of this server's own that expire (`slave_expires_tracked_keys`).
    pub fn noted(&self) -> usize {
        let again = self.noted.windows(2).filter(|pair| pair[0].0 == pair[1].0);
        self.noted.len() - again.count()
    }

    /// When one of them may expire.
    pub fn next_noted(&self) -> Option<i64> {
        (!self.noted.is_empty()).then_some(self.noted_from)
    }

    /// Takes those whose time is over, and forgets those that have no time any more.
    pub fn take_noted(&mut self, now_ms: i64) -> Vec<(usize, Bytes)> {
        let (mut due, mut next) = (Vec::new(), i64::MAX);
        let mut noted = std::mem::take(&mut self.noted);
        noted.retain(|(key, db)| {
            let at = self.get(*db, key).and_then(|entry| entry.expire_at_ms);
            let over = at.is_some_and(|at| at < now_ms);
            if over {
                due.push((*db, key.clone()));
            }
            next = at.filter(|_| !over).map_or(next, |at| next.min(at));
            at.is_some() && !over
        });
        (self.noted, self.noted_from) = (noted, next);
        due
    }

    /// All keys of a database: shard by shard, in each about in the order of their creation.
    pub fn iter(&self, db: usize) -> impl Iterator<Item = (&Bytes, &Entry)> {
        self.dbs.get(db).into_iter().flat_map(Db::iter)
    }

    /// The key at a place of [`Keyspace::iter`], without walking there.
    pub fn nth(&self, db: usize, mut index: usize) -> Option<(&Bytes, &Entry)> {
        for shard in &self.dbs.get(db)?.shards {
            match shard.keys.at(index) {
                Some(found) => return Some(found),
                None => index -= shard.keys.len(),
            }
        }
        None
    }

    /// One step of `SCAN`: from a cursor (0 to begin) to a key, if this step met one, and the next cursor (0 at the
    /// end). Each shard is walked from its last key to its first: a removal moves the last key into the gap, so a key
    /// can be met twice but a key that stays is never missed.
    pub fn scan(&self, db: usize, cursor: u64) -> (Option<(&Bytes, &Entry)>, u64) {
        let shards = self.dbs.get(db).map_or(&[][..], |db| &db.shards);
        let first = (cursor % SHARDS as u64) as usize;
        let mut left = usize::try_from(cursor / SHARDS as u64).unwrap_or(usize::MAX);
        if left == 0 {
            left = usize::MAX; // cursor 0; no other cursor is given out without a position
        }
        for (number, shard) in shards.iter().enumerate().skip(first) {
            left = left.min(shard.keys.len());
            if left > 0 {
                let next = if left > 1 {
                    (left as u64 - 1) * SHARDS as u64 + number as u64
                } else {
                    self.next_shard(db, number)
                };
                return (shard.keys.at(left - 1), next);
            }
            left = usize::MAX;
        }
        (None, 0)
    }

    /// The cursor at the start of the first shard after `number` that has a key.
    fn next_shard(&self, db: usize, number: usize) -> u64 {
        let shards = self.dbs.get(db).map_or(&[][..], |db| &db.shards);
        let next = shards
            .iter()
            .enumerate()
            .skip(number + 1)
            .find(|(_, shard)| !shard.keys.is_empty());
        next.map_or(0, |(number, shard)| {
            shard.keys.len() as u64 * SHARDS as u64 + number as u64
        })
    }

    /// Empties a database; returns how many keys it had.
    pub fn flush(&mut self, db: usize) -> usize {
        self.report_all(&[db], false);
        self.dbs.get_mut(db).map_or(0, |db| std::mem::take(db).len)
    }

    /// Empties all databases; returns how many keys they had.
    pub fn flush_all(&mut self) -> usize {
        self.noted.clear();
        (0..self.dbs.len()).map(|db| self.flush(db)).sum()
    }

    /// Exchanges two databases (`SWAPDB`); both must exist.
    pub fn swap(&mut self, a: usize, b: usize) {
        self.settle();
        if a < self.dbs.len() && b < self.dbs.len() {
            self.report_all(&[a, b], true);
            self.dbs.swap(a, b);
        }
    }

    /// At most `limit` expired keys, by database and then by time, for the active expiry of a master.
    pub fn due(&self, now_ms: i64, limit: usize) -> Vec<(usize, Bytes)> {
        let mut found = Vec::new();
        for (number, db) in self.dbs.iter().enumerate().filter(|(_, db)| db.expires > 0) {
            let mut due: Vec<&(i64, Bytes)> = Vec::new();
            for shard in &db.shards {
                due.extend(
                    shard
                        .expiries
                        .iter()
                        .take_while(|(at, _)| *at < now_ms)
                        .take(limit),
                );
            }
            crate::order::sort_by(&mut due, Ord::cmp);
            found.extend(
                due.into_iter()
                    .take(limit - found.len())
                    .map(|(_, key)| (number, key.clone())),
            );
            if found.len() == limit {
                break;
            }
        }
        found
    }

    /// The soonest expiry time of all keys, in Unix milliseconds; the key is expired one millisecond later.
    pub fn next_expiry(&self) -> Option<i64> {
        let dbs = self.dbs.iter().filter(|db| db.expires > 0);
        dbs.flat_map(|db| &db.shards)
            .filter_map(|shard| shard.expiries.first())
            .map(|(at, _)| *at)
            .min()
    }

    /// Makes room for so many keys in a database that has none.
    pub fn reserve(&mut self, db: usize, keys: usize) {
        if let Some(db) = self.dbs.get_mut(db).filter(|db| db.len == 0) {
            // The shards are not equally full.
            let each = keys / SHARDS + keys / SHARDS / 8;
            for shard in db.shards_mut().iter_mut().filter(|_| each > 0) {
                Rc::make_mut(shard).keys.reserve(each);
            }
        }
    }

    /// Stores one key of a snapshot, `over` one that is there or not.
    ///
    /// # Errors
    ///
    /// What Redis says of a key that comes twice, and of one that has a member twice.
    pub fn insert_rdb(&mut self, entry: rdb::Entry, over: bool) -> Result<(), String> {
        let value = value_from_rdb(entry.value)?;
        let stored = Entry {
            access: self.clock.noted(entry.used),
            ..Entry::new(value).until(entry.expire_at_ms)
        };
        let (db, key) = (entry.db, entry.key.clone());
        match self.insert(db, entry.key, stored) {
            Some(_) if !over => {
                let key = String::from_utf8_lossy(&key);
                Err(format!("RDB has duplicated key '{key}' in DB {db}"))
            }
            _ => Ok(()),
        }
    }

    /// A value was removed lazily: it counts when freeing it takes long (`lazyfreeGetFreeEffort`).
    pub fn count_freed(&mut self, entry: &Entry) {
        const LITTLE: usize = 64;
        let effort = match &entry.value {
            Value::List(list) => list.iter().map(|item| item.len() + 2).sum::<usize>() / 8192,
            Value::Stream(stream) => {
                let first = stream
                    .groups
                    .first()
                    .map_or(0, |group| 1 + group.pending.len());
                stream.nodes.len() + stream.groups.len() * first
            }
            value if value.packed() => 1,
            Value::String(_) => 1,
            value => value.size(),
        };
        self.freed += u64::from(effort > LITTLE);
    }

    /// The key at a place of the walk that a snapshot makes, and steps to the next: database by database, in the order
    /// of [`Keyspace::iter`]; nothing at its end.
    pub fn next(&self, place: &mut Place) -> Option<(usize, &Bytes, &Entry)> {
        while let Some(db) = self.dbs.get(place.db) {
            while let Some(shard) = db.shards.get(place.shard) {
                if let Some((key, entry)) = shard.keys.at(place.index) {
                    place.index += 1;
                    return Some((place.db, key, entry));
                }
                (place.shard, place.index) = (place.shard + 1, 0);
            }
            (place.db, place.shard) = (place.db + 1, 0);
        }
        None
    }
}

/// A place in the walk of [`Keyspace::next`] over a keyspace that does not change.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place {
    db: usize,
    shard: usize,
    index: usize,
}
