//! What a key holds: values of every type, the small form that each keeps until it has outgrown it, and their way into a
//! snapshot and out of one.

use std::collections::VecDeque;
use std::rc::Rc;

use foldhash::fast::FixedState;
use indexmap::{IndexMap, IndexSet};

use super::{Shared, Zset};
use crate::wire::rdb::packed::{Kind, Packed};
use crate::wire::rdb::stream::{NodeLimit, Stream};
use crate::wire::{Bytes, rdb, resp};

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
pub(super) struct Fresh {
    pub(super) any: bool,
    /// Bytes of the longest.
    longest: usize,
}

impl Fresh {
    pub(super) fn note(&mut self, len: usize) {
        (self.any, self.longest) = (true, self.longest.max(len));
    }

    /// Whether it makes a collection that has `len` elements now too large for so many of that length. Forgets it.
    pub(super) fn exceeds(&mut self, len: usize, most: usize, longest: usize) -> bool {
        let fresh = std::mem::take(self);
        fresh.any && (len > most || fresh.longest > longest)
    }
}

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

    /// How many refer to the value. With `share`, small integers are one object for all who hold them, which Redis counts
    /// as the largest number.
    pub fn refcount(&self, share: bool) -> i32 {
        match &self.value {
            Value::String(text)
                if share
                    && self.encoding() == "int"
                    && resp::parse_i64(text).is_some_and(|n| (0..10_000).contains(&n)) =>
            {
                i32::MAX
            }
            _ => 1,
        }
    }
}

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
    pub(super) fn settle(&mut self, limits: &Limits) {
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

    pub(super) fn is_stream(&self) -> bool {
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
    pub(super) fields: Map<Bytes>,
    packed: bool,
    pub(super) fresh: Fresh,
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
    pub(super) members: IndexSet<Bytes, FixedState>,
    /// All are integers, and few: listed by value, as in an intset.
    ints: bool,
    pub(super) fresh: Fresh,
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
