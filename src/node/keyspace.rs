//! The data of one server: numbered databases of keys, values and expiry times. Every database is split into shards
//! behind `Rc`, so that a fork is a copy of the shard tables and a write after it copies one shard, as the kernel copies
//! one page. Knows no command and no clock. The order of keys depends on what was done to them and on nothing else.
//! Next: `commands`, which work on it; `keyspace::zset` for the one value that needs a structure of its own.

mod access;
mod shared;
mod zset;

use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use foldhash::fast::FixedState;
use indexmap::{IndexMap, IndexSet};
use sha1::{Digest, Sha1};

use super::memory::{EXPIRY_BYTES, entry_bytes};
use crate::rng::Rng;
use crate::wire::rdb::number::score_text;
use crate::wire::rdb::packed::{Kind, Packed};
use crate::wire::rdb::stream::{Id, NodeLimit, Stream};
use crate::wire::{Bytes, rdb, resp};

pub use access::Clock;
pub use shared::{Shared, Unpack};
pub use zset::{Zset, ordered};

/// Parts of a database that are copied one by one after a fork.
pub const SHARDS: usize = 64;
/// Databases of a server unless its configuration says otherwise.
pub const DATABASES: usize = 16;

/// Where small forms of values end, for good: `hash-max-listpack-entries` and its like. Bytes and elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub hash_entries: usize,
    pub hash_value: usize,
    pub set_ints: usize,
    pub zset_entries: usize,
    pub zset_value: usize,
    /// `list-max-listpack-size`, as [`rdb::write::Shape`] has it.
    pub list_node: i64,
    pub stream_node: NodeLimit,
    pub hll_sparse: usize,
    /// `rdbcompression`, for `DUMP`.
    pub compress: bool,
    /// `proto-max-bulk-len`, which no string that a command makes exceeds.
    pub string: u64,
}

/// The longest string, with this `proto-max-bulk-len`. In the page less than Redis's 512 MB, which would end the tab.
pub fn longest_string(bulk: i64) -> u64 {
    const PAGE: i64 = 64 << 20;
    let most = if cfg!(target_arch = "wasm32") {
        PAGE
    } else {
        i64::MAX
    };
    bulk.clamp(0, most) as u64
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hash_entries: 512,
            hash_value: 64,
            set_ints: 512,
            zset_entries: 128,
            zset_value: 64,
            list_node: -2,
            stream_node: NodeLimit::default(),
            hll_sparse: 3000,
            compress: true,
            string: longest_string(resp::BULK_MAX),
        }
    }
}

impl Limits {
    /// Whether what was loaded as one block is larger than that.
    fn exceeded(&self, packed: &Packed) -> bool {
        packed.len
            > match packed.kind {
                Kind::List => return false,
                Kind::Set => self.set_ints,
                Kind::Hash => self.hash_entries,
                Kind::Zset => self.zset_entries,
            }
    }
}

/// What was put into a small form since it was held against the limits: only then may it leave it. Limits that are
/// lowered, and elements that go, change nothing.
#[derive(Clone, Copy, Debug, Default)]
struct Fresh {
    any: bool,
    /// Bytes of the longest.
    longest: usize,
}

impl Fresh {
    fn note(&mut self, len: usize) {
        (self.any, self.longest) = (true, self.longest.max(len));
    }

    /// Whether it makes a collection that has `len` elements now too large for so many of that length. Forgets it.
    fn exceeds(&mut self, len: usize, most: usize, longest: usize) -> bool {
        let fresh = std::mem::take(self);
        fresh.any && (len > most || fresh.longest > longest)
    }
}

/// Elements that are looked at to estimate what a collection costs.
const SAMPLES: usize = 5;

/// A map that remembers the order of insertion; the hash is the same in every run.
pub type Map<V> = IndexMap<Bytes, V, FixedState>;
pub type List = VecDeque<Bytes>;

/// What a key holds. The payload is shared, so copying a value copies no payload. It may be [`Shared`] bytes: what is asked of it
/// through these methods does not take it apart.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    String(Bytes),
    List(Shared<List>),
    Hash(Shared<Hash>),
    Set(Shared<Set>),
    Zset(Shared<Zset>),
    Stream(Rc<Stream>),
}

/// A value and when it ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub value: Value,
    /// Unix time in milliseconds; the key is expired when the clock has passed it.
    pub expire_at_ms: Option<i64>,
    /// The last use, as [`Clock`] writes it; 0 before the key is stored.
    pub access: u32,
    pub form: Form,
}

/// How a string came to its bytes, which shows in `OBJECT ENCODING`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// As a whole: `int` where it is a number.
    #[default]
    Whole,
    /// As the text of a number that is no integer.
    Text,
    /// Changed in place.
    Raw,
}

impl Entry {
    /// A value without an expiry.
    pub fn new(value: Value) -> Self {
        Self {
            value,
            expire_at_ms: None,
            access: 0,
            form: Form::Whole,
        }
    }

    /// With an expiry, or without.
    #[must_use]
    pub fn until(self, expire_at_ms: Option<i64>) -> Self {
        Self {
            expire_at_ms,
            ..self
        }
    }

    /// `OBJECT ENCODING`: the form in which Redis 7.0 would keep this value.
    pub fn encoding(&self) -> &'static str {
        match (&self.value, self.form) {
            (Value::String(_), Form::Raw) => "raw",
            (Value::String(text), Form::Text) if text.len() <= 44 => "embstr",
            (value, _) => value.encoding(),
        }
    }
}

// --- the keyspace ----------------------------------------------------------------------------------------------------

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
    /// What happened to which key, in order, while somebody wants to know (`notify-keyspace-events`).
    pub changes: Option<Vec<(usize, Bytes, Change)>>,
}

/// What happened to a key, for [`Keyspace::changes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Stored as a whole: where there was none, and over another one.
    Created,
    Stored,
    Edited,
    Removed,
    /// Counts as changed though nothing of it did.
    Touched,
    /// A stream lost entries to a new one.
    Trimmed,
    /// A group of readers got a consumer by its reading.
    Consumer,
    /// Looked up and not found.
    Missed,
}

/// Something happened to a key that somebody is interested in.
#[derive(Clone, Debug, PartialEq)]
pub struct News {
    pub db: usize,
    pub key: Bytes,
    /// Those who wait for it should look again: it was stored as a whole, rather than changed or removed; or it is a
    /// stream, which may have more now, or be gone for those who read it as a group.
    pub ready: bool,
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
    /// Keys whose places were copied, because a copy of the keyspace still had them.
    copied: u64,
}

/// What [`Keyspace::digest_again`] knows: by database the shards that it saw, and what each adds to the digest. A shard
/// that is kept here is copied before it is written, so the same shard is the same data.
#[derive(Clone, Debug, Default)]
pub struct Digested(Vec<Vec<(Rc<Shard>, [u8; 20])>>);

#[derive(Clone, Debug, Default)]
struct Shard {
    keys: Map<Entry>,
    /// The keys with an expiry, by time.
    expiries: BTreeSet<(i64, Bytes)>,
}

impl Shard {
    /// What its keys add to the digest of the keyspace.
    fn digest(&self) -> [u8; 20] {
        let mut all = [0; 20];
        for (key, entry) in &self.keys {
            xor(&mut all, &key_digest(key, entry));
        }
        all
    }
}

/// A shard for writing: copied first when a fork still sees it, which is counted.
fn own<'a>(shard: &'a mut Rc<Shard>, copied: &mut u64) -> &'a mut Shard {
    if Rc::strong_count(shard) > 1 {
        *copied += shard.keys.len() as u64;
    }
    Rc::make_mut(shard)
}

/// FNV-1a and a last mix; not foldhash, because that differs between 32 and 64 bit machines and the shard of a key
/// shows in the order of `KEYS`.
fn shard_of(key: &[u8]) -> usize {
    let hash = key.iter().fold(0xcbf2_9ce4_8422_2325_u64, |h, &b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    });
    ((hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 58) as usize
}

impl Db {
    fn entry(&self, key: &[u8]) -> Option<&Entry> {
        self.shards.get(shard_of(key))?.keys.get(key)
    }

    fn shards_mut(&mut self) -> &mut [Rc<Shard>] {
        if self.shards.is_empty() {
            self.shards.resize_with(SHARDS, Rc::default);
        }
        &mut self.shards
    }

    /// The shard of a key for writing.
    fn shard_mut(&mut self, key: &[u8]) -> &mut Shard {
        let index = shard_of(key);
        self.written |= 1 << index;
        self.shards_mut();
        own(&mut self.shards[index], &mut self.copied)
    }

    /// Settles the form and the cost of a value that was changed.
    fn settle(&mut self, key: &[u8], limits: &Limits) {
        let shard = self.shards.get_mut(shard_of(key));
        let entry = shard.and_then(|shard| own(shard, &mut self.copied).keys.get_mut(key));
        if let Some(entry) = entry {
            entry.value.settle(limits);
            self.memory += entry_bytes(key, entry, SAMPLES);
        }
    }

    /// The value for changing it, and its name; until [`Db::settle`] it costs nothing.
    fn open(&mut self, key: &[u8]) -> Option<(Bytes, &mut Entry)> {
        let shard = shard_of(key);
        let (place, name, entry) = self.shards.get(shard)?.keys.get_full(key)?;
        let name = name.clone();
        self.memory -= entry_bytes(key, entry, SAMPLES);
        self.written |= 1 << shard;
        let shard = own(&mut self.shards[shard], &mut self.copied);
        let (_, entry) = shard.keys.get_index_mut(place)?;
        Some((name, entry))
    }

    fn insert(&mut self, key: Bytes, entry: Entry) -> Option<Entry> {
        let expiry = entry.expire_at_ms;
        let cost = entry_bytes(&key, &entry, SAMPLES);
        let shard = self.shard_mut(&key);
        let (place, old) = shard.keys.insert_full(key, entry);
        let old_expiry = old.as_ref().and_then(|old| old.expire_at_ms);
        let mut old_cost = 0;
        if let Some((key, _)) = shard.keys.get_index(place) {
            if let Some(at) = old_expiry.filter(|_| old_expiry != expiry) {
                shard.expiries.remove(&(at, key.clone()));
            }
            if let Some(at) = expiry.filter(|_| old_expiry != expiry) {
                shard.expiries.insert((at, key.clone()));
            }
            old_cost = old.as_ref().map_or(0, |old| entry_bytes(key, old, SAMPLES));
        }
        self.memory = self.memory + cost - old_cost;
        self.len += usize::from(old.is_none());
        self.count_expiry(old_expiry, expiry);
        old
    }

    fn remove(&mut self, key: &[u8]) -> Option<Entry> {
        self.entry(key)?;
        let shard = self.shard_mut(key);
        let (name, entry) = shard.keys.swap_remove_entry(key)?;
        if let Some(at) = entry.expire_at_ms {
            shard.expiries.remove(&(at, name));
        }
        self.memory -= entry_bytes(key, &entry, SAMPLES);
        self.len -= 1;
        self.count_expiry(entry.expire_at_ms, None);
        Some(entry)
    }

    fn set_expiry(&mut self, key: &[u8], at: Option<i64>) -> bool {
        if self.entry(key).is_none() {
            return false;
        }
        let shard = self.shard_mut(key);
        let Some((_, name, entry)) = shard.keys.get_full_mut(key) else {
            return false;
        };
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
            changes: None,
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

    pub fn changed(&mut self, db: usize, key: &[u8], change: Change) {
        if let Some(changes) = &mut self.changes {
            changes.push((db, key.into(), change));
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
        let shard = db.shards.get_mut(shard_of(key))?;
        let (place, _, entry) = shard.keys.get_full(key)?;
        let access = self.clock.touched(entry.access, rng);
        if access != entry.access {
            let shard = own(shard, &mut db.copied);
            let (_, entry) = shard.keys.get_index_mut(place)?;
            entry.access = access;
        }
        shard.keys.get_index(place).map(|(_, entry)| entry)
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
                return shard.keys.get_key_value(key);
            } else {
                return shard.keys.get_index(place);
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

    fn report(&mut self, db: usize, key: &[u8], ready: bool) {
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

    /// Keys whose places were ever copied for a write, because a copy of the keyspace still had them.
    pub fn copied(&self) -> u64 {
        self.dbs.iter().map(|db| db.copied).sum()
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
        let stream = self.dbs.get(db)?.entry(key)?.value.is_stream();
        self.report(db, key, stream);
        self.changed(db, key, Change::Edited);
        self.settle();
        let (name, entry) = self.dbs.get_mut(db)?.open(key)?;
        self.open = Some((db, name));
        Some(entry)
    }

    /// Stores a key, expiry and all, and returns what was there. A database that does not exist takes nothing.
    pub fn insert(&mut self, db: usize, key: Bytes, mut entry: Entry) -> Option<Entry> {
        self.report(db, &key, true);
        if self.changes.is_some() {
            let there = self.get(db, &key).is_some();
            self.changed(
                db,
                &key,
                if there {
                    Change::Stored
                } else {
                    Change::Created
                },
            );
        }
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
        self.report(db, key, old.value.is_stream());
        self.changed(db, key, Change::Removed);
        Some(old)
    }

    /// Sets or clears the expiry of a key; false when there is no such key.
    pub fn set_expiry(&mut self, db: usize, key: &[u8], at_ms: Option<i64>) -> bool {
        let done = self.settled(db).is_some_and(|db| db.set_expiry(key, at_ms));
        if done {
            self.report(db, key, false);
            self.changed(db, key, Change::Edited);
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
            match shard.keys.get_index(index) {
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
                return (shard.keys.get_index(left - 1), next);
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

    /// `DEBUG DIGEST`: a digest of all data that does not depend on the order of keys.
    pub fn digest(&self) -> [u8; 20] {
        let mut all = [0; 20];
        for (number, db) in self.dbs.iter().enumerate().filter(|(_, db)| db.len > 0) {
            mix(&mut all, &(number as u32).to_be_bytes());
            for (key, entry) in db.iter() {
                xor(&mut all, &key_digest(key, entry));
            }
        }
        all
    }

    /// The same from what it was last time: only shards that were written since are digested anew.
    pub fn digest_again(&self, last: &mut Digested) -> [u8; 20] {
        let mut all = [0; 20];
        last.0.resize_with(self.dbs.len(), Vec::new);
        for (number, (db, parts)) in self.dbs.iter().zip(&mut last.0).enumerate() {
            parts.resize_with(db.shards.len(), Default::default);
            if db.len > 0 {
                mix(&mut all, &(number as u32).to_be_bytes());
            }
            for (shard, (before, part)) in db.shards.iter().zip(parts) {
                if !Rc::ptr_eq(shard, before) {
                    *part = shard.digest();
                    *before = shard.clone();
                }
                all.iter_mut().zip(&*part).for_each(|(a, b)| *a ^= b);
            }
        }
        all
    }

    /// `DEBUG DIGEST-VALUE`: of one key its type, value and whether it expires (not when).
    pub fn value_digest(&self, db: usize, key: &[u8]) -> Option<[u8; 20]> {
        Some(entry_digest([0; 20], self.get(db, key)?))
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
    pub fn insert_rdb(&mut self, entry: rdb::Entry, over: bool) -> Result<(), &'static str> {
        let value = value_from_rdb(entry.value)?;
        let stored = Entry {
            access: self.clock.noted(entry.used),
            ..Entry::new(value).until(entry.expire_at_ms)
        };
        match self.insert(entry.db, entry.key, stored) {
            Some(_) if !over => Err("Duplicated key found in RDB file"),
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
                if let Some((key, entry)) = shard.keys.get_index(place.index) {
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

// --- values ----------------------------------------------------------------------------------------------------------

impl Value {
    pub fn list(items: List) -> Self {
        Self::List(items.into())
    }

    pub fn hash(hash: Hash) -> Self {
        Self::Hash(hash.into())
    }

    pub fn set(set: Set) -> Self {
        Self::Set(set.into())
    }

    pub fn zset(zset: Zset) -> Self {
        Self::Zset(zset.into())
    }

    /// `TYPE`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::String(_) => "string",
            Self::List(_) => "list",
            Self::Set(_) => "set",
            Self::Zset(_) => "zset",
            Self::Stream(_) => "stream",
            Self::Hash(_) => "hash",
        }
    }

    /// The bytes that it was loaded as, if nothing was changed since.
    pub fn loaded(&self) -> Option<&Packed> {
        match self {
            Self::String(_) | Self::Stream(_) => None,
            Self::List(list) => list.loaded(),
            Self::Set(set) => set.loaded(),
            Self::Hash(hash) => hash.loaded(),
            Self::Zset(zset) => zset.loaded(),
        }
    }

    /// Whether it is in one of the small forms: one block of memory.
    pub fn packed(&self) -> bool {
        match self {
            _ if self.loaded().is_some() => true,
            Self::String(_) | Self::Stream(_) => false,
            Self::List(_) => true,
            Self::Set(set) => set.ints,
            Self::Hash(hash) => hash.packed,
            Self::Zset(zset) => zset.packed(),
        }
    }

    /// Leaves the small form if it has outgrown it.
    fn settle(&mut self, limits: &Limits) {
        let loaded = self.loaded().map(|packed| limits.exceeded(packed));
        match (loaded, self) {
            (Some(false), _) => {}
            (Some(true), Self::Hash(hash)) => hash.packed = false,
            (Some(true), Self::Set(set)) => set.ints = false,
            (Some(true), Self::Zset(zset)) => zset.unpack(),
            (_, Self::Hash(hash)) if hash.packed && hash.fresh.any => hash.settle(limits),
            (_, Self::Set(set)) if set.ints && set.fresh.any => set.settle(limits),
            (_, Self::Zset(zset)) if zset.unsettled() => zset.settle(limits),
            _ => {}
        }
    }

    fn is_stream(&self) -> bool {
        matches!(self, Self::Stream(_))
    }

    /// Elements of a collection, bytes of a string.
    pub fn size(&self) -> usize {
        if let Some(packed) = self.loaded() {
            return packed.len;
        }
        match self {
            Self::String(text) => text.len(),
            Self::List(list) => list.len(),
            Self::Set(set) => set.len(),
            Self::Zset(zset) => zset.len(),
            Self::Stream(stream) => stream.len,
            Self::Hash(hash) => hash.len(),
        }
    }

    /// What [`Entry::encoding`] says of a value that was stored as a whole.
    fn encoding(&self) -> &'static str {
        match self {
            Self::String(text) if text.len() <= 20 && resp::parse_i64(text).is_some() => "int",
            Self::String(text) if text.len() <= 44 => "embstr",
            Self::String(_) => "raw",
            Self::List(_) => "quicklist",
            Self::Set(_) if self.packed() => "intset",
            Self::Hash(_) | Self::Zset(_) if self.packed() => "listpack",
            Self::Set(_) | Self::Hash(_) => "hashtable",
            Self::Zset(_) => "skiplist",
            Self::Stream(_) => "stream",
        }
    }
}

/// Fields and their values. While it is small the order of insertion is kept, as in a listpack.
#[derive(Clone, Debug)]
pub struct Hash {
    fields: Map<Bytes>,
    packed: bool,
    fresh: Fresh,
}

impl Default for Hash {
    fn default() -> Self {
        Self {
            fields: Map::default(),
            packed: true,
            fresh: Fresh::default(),
        }
    }
}

impl PartialEq for Hash {
    fn eq(&self, other: &Self) -> bool {
        self.fields == other.fields
    }
}

impl Hash {
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Whether Redis would keep it in one listpack.
    pub fn packed(&self) -> bool {
        self.packed
    }

    pub fn get(&self, field: &[u8]) -> Option<&Bytes> {
        self.fields.get(field)
    }

    /// Sets a field; true when it is new.
    pub fn set(&mut self, field: Bytes, value: Bytes) -> bool {
        self.fresh.note(field.len().max(value.len()));
        self.fields.insert(field, value).is_none()
    }

    fn settle(&mut self, limits: &Limits) {
        let len = self.len();
        self.packed &= !self
            .fresh
            .exceeds(len, limits.hash_entries, limits.hash_value);
    }

    pub fn remove(&mut self, field: &[u8]) -> bool {
        if self.packed {
            self.fields.shift_remove(field).is_some()
        } else {
            self.fields.swap_remove(field).is_some()
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Bytes, &Bytes)> {
        self.fields.iter()
    }

    pub fn nth(&self, index: usize) -> Option<(&Bytes, &Bytes)> {
        self.fields.get_index(index)
    }
}

/// Members, each once.
#[derive(Clone, Debug)]
pub struct Set {
    members: IndexSet<Bytes, FixedState>,
    /// All are integers, and few: listed by value, as in an intset.
    ints: bool,
    fresh: Fresh,
}

impl PartialEq for Set {
    fn eq(&self, other: &Self) -> bool {
        self.members == other.members
    }
}

impl Default for Set {
    fn default() -> Self {
        Self {
            members: IndexSet::default(),
            ints: true,
            fresh: Fresh::default(),
        }
    }
}

impl Set {
    pub fn len(&self) -> usize {
        self.members.len()
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether Redis would keep it as an intset.
    pub fn ints(&self) -> bool {
        self.ints
    }

    pub fn contains(&self, member: &[u8]) -> bool {
        self.members.contains(member)
    }

    /// Adds a member; true when it is new.
    pub fn add(&mut self, member: Bytes) -> bool {
        let int = !self.ints || resp::parse_i64(&member).is_some();
        self.ints &= int;
        let new = self.members.insert(member);
        if new {
            self.fresh.note(0);
        }
        new
    }

    fn settle(&mut self, limits: &Limits) {
        let len = self.len();
        self.ints &= !self.fresh.exceeds(len, limits.set_ints, 0);
    }

    pub fn remove(&mut self, member: &[u8]) -> bool {
        self.members.swap_remove(member)
    }

    /// In no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Bytes> {
        self.members.iter()
    }

    pub fn nth(&self, index: usize) -> Option<&Bytes> {
        self.members.get_index(index)
    }

    /// In the order of a reply: integers by value.
    pub fn listed(&self) -> Vec<&Bytes> {
        let mut members: Vec<_> = self.members.iter().collect();
        if self.ints {
            crate::order::sort_by(&mut members, |a, b| {
                resp::parse_i64(a).cmp(&resp::parse_i64(b))
            });
        }
        members
    }
}

// --- snapshots -------------------------------------------------------------------------------------------------------

/// A value in the form of a snapshot.
pub fn rdb_value(value: &Value) -> rdb::Value<&Bytes> {
    if let Some(packed) = value.loaded() {
        return rdb::Value::Packed(packed.clone());
    }
    match value {
        Value::String(text) => rdb::Value::String(text),
        Value::List(list) => rdb::Value::List(list.iter().collect()),
        Value::Set(set) => rdb::Value::Set(set.listed()),
        Value::Hash(hash) => rdb::Value::Hash(hash.iter().collect()),
        Value::Zset(zset) => rdb::Value::Zset(zset.iter().collect()),
        Value::Stream(stream) => rdb::Value::Stream(stream.clone()),
    }
}

/// A value out of a snapshot.
///
/// # Errors
///
/// What Redis says of a member or field that is there twice.
pub fn value_from_rdb(value: rdb::Value) -> Result<Value, &'static str> {
    Ok(match value {
        rdb::Value::String(text) => Value::String(text),
        rdb::Value::List(items) => Value::list(items.into()),
        rdb::Value::Set(members) => {
            let mut set = Set::default();
            set.members.reserve(members.len());
            for member in members {
                if !set.add(member) {
                    return Err("Duplicate set members detected");
                }
            }
            Value::set(set)
        }
        rdb::Value::Hash(fields) => {
            let mut hash = Hash::default();
            hash.fields.reserve(fields.len());
            for (field, value) in fields {
                if !hash.set(field, value) {
                    return Err("Duplicate hash fields detected");
                }
            }
            Value::hash(hash)
        }
        rdb::Value::Stream(stream) => Value::Stream(stream),
        rdb::Value::Packed(packed) => match packed.kind {
            Kind::List => Value::List(Shared::of(packed)),
            Kind::Set => Value::Set(Shared::of(packed)),
            Kind::Hash => Value::Hash(Shared::of(packed)),
            Kind::Zset => Value::Zset(Shared::of(packed)),
        },
        rdb::Value::Zset(members) => {
            let count = members.len();
            let members = members.into_iter().collect::<Map<f64>>();
            if members.len() < count {
                return Err("Duplicate zset fields detected");
            }
            Value::zset(Zset::from(members))
        }
    })
}

// --- digests ---------------------------------------------------------------------------------------------------------

fn sha1(bytes: &[u8]) -> [u8; 20] {
    Sha1::digest(bytes).into()
}

/// Adds the hash of `bytes`; the order of calls does not matter.
fn xor(digest: &mut [u8; 20], bytes: &[u8]) {
    for (a, b) in digest.iter_mut().zip(sha1(bytes)) {
        *a ^= b;
    }
}

/// Folds `bytes` in; the order of calls matters.
fn mix(digest: &mut [u8; 20], bytes: &[u8]) {
    xor(digest, bytes);
    *digest = sha1(digest);
}

fn key_digest(key: &[u8], entry: &Entry) -> [u8; 20] {
    let mut digest = [0; 20];
    mix(&mut digest, key);
    entry_digest(digest, entry)
}

fn entry_digest(mut digest: [u8; 20], entry: &Entry) -> [u8; 20] {
    let kind: u32 = match entry.value {
        Value::String(_) => 0,
        Value::List(_) => 1,
        Value::Set(_) => 2,
        Value::Zset(_) => 3,
        Value::Hash(_) => 4,
        Value::Stream(_) => 6,
    };
    mix(&mut digest, &kind.to_be_bytes());
    let pair = |digest: &mut [u8; 20], a: &[u8], b: &[u8]| {
        let mut both = [0; 20];
        mix(&mut both, a);
        mix(&mut both, b);
        xor(digest, &both);
    };
    match &entry.value {
        Value::String(text) => mix(&mut digest, text),
        Value::List(list) => list.iter().for_each(|item| mix(&mut digest, item)),
        Value::Set(set) => set.iter().for_each(|member| xor(&mut digest, member)),
        Value::Hash(hash) => hash
            .iter()
            .for_each(|(field, value)| pair(&mut digest, field, value)),
        Value::Zset(zset) => zset
            .iter()
            .for_each(|(member, score)| pair(&mut digest, member, score_text(score).as_bytes())),
        Value::Stream(stream) => {
            for entry in stream.range(Id::ZERO, Id::MAX) {
                let id = format!("{}.{}", entry.id.ms, entry.id.seq);
                mix(&mut digest, id.as_bytes());
                entry.fields.iter().for_each(|text| mix(&mut digest, text));
            }
        }
    }
    if entry.expire_at_ms.is_some() {
        xor(&mut digest, b"!!expire!!");
    }
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Bytes {
        Bytes::from(text.as_bytes())
    }

    fn filled(keys: usize) -> Keyspace {
        let mut keyspace = Keyspace::new(DATABASES);
        for n in 0..keys {
            keyspace.insert(
                0,
                bytes(&format!("k{n}")),
                Entry::new(Value::String(bytes("v"))),
            );
        }
        keyspace
    }

    #[test]
    fn a_fork_keeps_the_moment_and_a_write_copies_one_shard() {
        let mut parent = filled(1000);
        let child = parent.fork();
        assert_eq!(parent.copied_shards(), 0);
        parent.insert(0, bytes("k1"), Entry::new(Value::String(bytes("new"))));
        assert_eq!(parent.copied_shards(), 1);
        assert_eq!(
            child.get(0, b"k1").map(|e| &e.value),
            Some(&Value::String(bytes("v")))
        );
        let shared = |a: &Keyspace, b: &Keyspace| {
            a.dbs[0]
                .shards
                .iter()
                .zip(&b.dbs[0].shards)
                .filter(|(a, b)| Rc::ptr_eq(a, b))
                .count()
        };
        assert_eq!(shared(&parent, &child), SHARDS - 1);
    }

    #[test]
    fn asking_for_what_is_not_there_copies_nothing() {
        let mut parent = filled(10);
        let child = parent.fork();
        assert!(parent.remove(0, b"none").is_none());
        assert!(parent.value_mut(0, b"none").is_none());
        assert!(!parent.set_expiry(0, b"none", Some(1)));
        assert_eq!((parent.copied_shards(), child.len(0)), (0, 10));
    }

    #[test]
    fn keys_spread_over_the_shards() {
        let keyspace = filled(6400);
        let sizes: Vec<_> = keyspace.dbs[0]
            .shards
            .iter()
            .map(|shard| shard.keys.len())
            .collect();
        assert!(sizes.iter().all(|&n| (60..=145).contains(&n)), "{sizes:?}");
    }

    #[test]
    fn expiries_are_counted_found_and_forgotten() {
        let mut keyspace = filled(3);
        for (key, at) in [("k0", 30), ("k1", 10), ("k2", 20)] {
            assert!(keyspace.set_expiry(0, key.as_bytes(), Some(at)));
        }
        assert_eq!((keyspace.expires(0), keyspace.next_expiry()), (3, Some(10)));
        assert_eq!(
            (keyspace.average_ttl(0, 5), keyspace.average_ttl(0, 50)),
            (15, 0)
        );
        assert_eq!(
            keyspace.due(20, 9),
            [(0, bytes("k1"))],
            "a key lives through its last millisecond"
        );
        assert_eq!(keyspace.due(99, 2), [(0, bytes("k1")), (0, bytes("k2"))]);
        keyspace.insert(0, bytes("k1"), Entry::new(Value::String(bytes("v"))));
        keyspace.remove(0, b"k2");
        keyspace.set_expiry(0, b"k0", None);
        assert_eq!(
            (keyspace.expires(0), keyspace.next_expiry(), keyspace.len(0)),
            (0, None, 2)
        );
    }

    #[test]
    fn a_scan_meets_every_key_that_stays_while_others_come_and_go() {
        let mut keyspace = filled(500);
        let (mut cursor, mut met, mut step) = (0, BTreeSet::new(), 0);
        loop {
            let (found, next) = keyspace.scan(0, cursor);
            met.extend(found.map(|(key, _)| key.clone()));
            if next == 0 {
                break;
            }
            cursor = next;
            step += 1;
            keyspace.remove(0, format!("k{}", 300 + step % 200).as_bytes());
            keyspace.insert(
                0,
                bytes(&format!("new{step}")),
                Entry::new(Value::String(bytes("v"))),
            );
        }
        assert!((0..300).all(|n| met.contains(format!("k{n}").as_bytes())));
    }

    #[test]
    fn any_cursor_is_harmless() {
        let keyspace = filled(5);
        for cursor in [1, 63, 64, 65, u64::MAX, u64::MAX - 1] {
            keyspace.scan(0, cursor);
            keyspace.scan(99, cursor);
        }
        assert_eq!(Keyspace::new(1).scan(0, 0), (None, 0));
    }

    #[test]
    fn a_digest_that_is_kept_is_the_digest() {
        let (mut keyspace, mut kept) = (filled(100), Digested::default());
        let mut check = |keyspace: &Keyspace| {
            assert_eq!(keyspace.digest_again(&mut kept), keyspace.digest());
        };
        check(&keyspace);
        for n in 0..200_u32 {
            let (db, key) = (n as usize % 3, bytes(&format!("key:{}", n % 37)));
            match n % 4 {
                0 => keyspace.remove(db, &key),
                n => keyspace.insert(db, key, Entry::new(Value::String(bytes(&n.to_string())))),
            };
            check(&keyspace);
        }
        check(&Keyspace::new(DATABASES));
        check(&keyspace);
    }

    #[test]
    fn what_was_loaded_costs_and_is_the_same_before_it_is_looked_at() {
        let mut keyspace = Keyspace::new(1);
        let names = |n: usize| (0..n).map(|i| bytes(&format!("name {i}")));
        let mut hash = Hash::default();
        let (mut ints, mut zset) = (Set::default(), Zset::default());
        for (i, name) in names(20).enumerate() {
            hash.set(name.clone(), bytes(&"x".repeat(i)));
            ints.add(bytes(&(i * 77).to_string()));
            zset.set(name, i as f64 / 8.0);
        }
        for (key, value) in [
            ("list", Value::list(names(20).collect())),
            ("ints", Value::set(ints)),
            ("hash", Value::hash(hash)),
            ("zset", Value::zset(zset)),
        ] {
            keyspace.insert(0, bytes(key), Entry::new(value));
        }
        let load = |limits: Limits| {
            let mut writer = rdb::write::Writer::new(&[], false);
            for (key, entry) in keyspace.iter(0) {
                let shape = keyspace.shape(&entry.value);
                writer.entry(key, None, &rdb_value(&entry.value), shape);
            }
            let mut loader = rdb::read::Loader::of(writer.finish());
            let mut copy = Keyspace::new(1);
            copy.set_limits(limits);
            while let Some(entry) = loader.next_key().expect("it was just written") {
                copy.insert_rdb(entry, false).expect("each comes once");
            }
            copy
        };
        let mut copy = load(Limits::default());
        let shown = |keyspace: &Keyspace, key: &str| {
            let entry = keyspace.get(0, key.as_bytes()).expect("it is there");
            let size = (entry.value.size(), entry.value.packed());
            let costs = [1, 5, usize::MAX].map(|n| entry_bytes(key.as_bytes(), entry, n));
            (entry.encoding(), size, costs)
        };
        for key in ["list", "ints", "hash", "zset"] {
            let entry = copy.get(0, key.as_bytes()).expect("it is there");
            assert!(entry.value.loaded().is_some(), "{key}");
            assert_eq!(shown(&copy, key), shown(&keyspace, key), "{key}");
        }
        assert_eq!(copy.memory(), keyspace.memory());
        assert_eq!(copy.digest(), keyspace.digest());
        if let Some(Value::Hash(hash)) = copy.value_mut(0, b"hash") {
            hash.set(bytes("name 0"), bytes("y"));
        }
        copy.settle();
        let changed = copy.get(0, b"hash").expect("it is there");
        assert!(changed.value.loaded().is_none() && changed.value.size() == 20);
        copy.insert(0, bytes("hash"), Entry::new(Value::hash(Hash::default())));
        copy.remove(0, b"hash");
        copy.remove(0, b"zset");
        copy.remove(0, b"ints");
        copy.remove(0, b"list");
        assert_eq!(copy.memory(), 0);
        let narrow = load(Limits {
            hash_value: 18,
            set_ints: 19,
            zset_entries: 19,
            ..Limits::default()
        });
        // Of what was loaded as one block only the count is held against the limits.
        let encodings = ["list", "ints", "hash", "zset"].map(|key| shown(&narrow, key).0);
        assert_eq!(
            encodings,
            ["quicklist", "hashtable", "listpack", "skiplist"]
        );
        assert_eq!(narrow.digest(), keyspace.digest());
    }

    #[test]
    fn a_snapshot_has_everything() {
        let mut keyspace = filled(3);
        keyspace.insert(
            3,
            bytes("l"),
            Entry::new(Value::list([bytes("a"), bytes("b")].into())).until(Some(7)),
        );
        let mut writer = rdb::write::Writer::new(&[], false);
        let (mut place, mut keys) = (Place::default(), 0);
        while let Some((db, key, entry)) = keyspace.next(&mut place) {
            writer.select(db, 1, 1);
            let shape = keyspace.shape(&entry.value);
            writer.entry(key, entry.expire_at_ms, &rdb_value(&entry.value), shape);
            keys += 1;
        }
        assert_eq!(keys, 4);
        let file = rdb::read::read(&writer.finish()).expect("it was just written");
        let mut copy = Keyspace::new(DATABASES);
        for entry in file.entries {
            assert_eq!(copy.insert_rdb(entry, false), Ok(()));
        }
        assert_eq!(copy.digest(), keyspace.digest());
        assert_eq!(copy.get(3, b"l"), keyspace.get(3, b"l"));
    }
}
