//! The values of a snapshot, type by type: what Redis 7.0 writes, what its forerunners wrote in their place, and what
//! its successors write of the same kind.

use super::inspect::Kind;
use super::read::Problem;
use super::reader::{Reader, Wrong, corrupt, integers, shown};
use super::stream::{Consumer, Group, Id, Node, Pending, Stream};
use super::{
    Bytes, Fault, Item, NODE_PACKED, NODE_PLAIN, Value, listpack, number, tag, ziplist, zipmap,
};
use std::rc::Rc;

/// What is known of the file that matters for its values.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Dialect {
    /// The file says `VALKEY` instead of `REDIS`.
    pub valkey: bool,
}

/// A value, and how many of its fields had a time to live of their own.
pub(super) type Loaded = (Option<Value>, usize);

impl Reader<'_> {
    /// The value of a key whose type byte is at `start`; nothing if it has no elements.
    pub fn value(&mut self, kind: u8, start: usize, dialect: Dialect) -> Result<Loaded, Wrong> {
        // Most values are strings, and are only read.
        if self.trace.is_none() && kind == tag::STRING {
            return Ok((Some(Value::String(self.string("string")?)), 0));
        }
        if self.packs
            && let Some(packed) = self.block(kind)
        {
            return Ok((Some(Value::Packed(packed)), 0));
        }
        self.open(Kind::Value, "value");
        let loaded = match kind {
            tag::STRING => self
                .string("string")
                .map(|text| (Some(Value::String(text)), 0)),
            _ => self.value_parts(kind, start, dialect),
        };
        let loaded = loaded.map_err(|(at, problem)| (at, problem.of(kind)))?;
        self.close(|| type_name(kind, dialect).into());
        Ok(loaded)
    }

    /// What is no string. On its own: a page that opens reads strings only, and gets this later.
    #[inline(never)]
    fn value_parts(&mut self, kind: u8, start: usize, dialect: Dialect) -> Result<Loaded, Wrong> {
        let mut volatile = 0;
        let value = match kind {
            tag::LIST => Value::List(self.strings("elements", "element")?),
            tag::LIST_ZIPLIST => Value::List(self.packed("ziplist", ziplist::walk, all)?),
            tag::LIST_QUICKLIST => Value::List(self.quicklist(false)?),
            tag::LIST_QUICKLIST_2 => Value::List(self.quicklist(true)?),
            tag::SET => Value::Set(self.strings("members", "member")?),
            tag::SET_INTSET => Value::Set(self.packed("intset", integers, all)?),
            tag::SET_LISTPACK => Value::Set(self.packed("listpack", listpack::walk, all)?),
            tag::HASH => Value::Hash(self.fields()?),
            tag::HASH_ZIPMAP => Value::Hash(self.packed("zipmap", zipmap::walk, pairs)?),
            tag::HASH_ZIPLIST => Value::Hash(self.packed("ziplist", ziplist::walk, pairs)?),
            tag::HASH_LISTPACK => Value::Hash(self.packed("listpack", listpack::walk, pairs)?),
            tag::HASH_TTL_PRE_GA if dialect.valkey => {
                Value::Hash(self.fields_then_ttls(&mut volatile)?)
            }
            tag::HASH_TTL_PRE_GA | tag::HASH_TTL => {
                Value::Hash(self.ttls_then_fields(kind == tag::HASH_TTL, &mut volatile)?)
            }
            tag::HASH_LISTPACK_TTL_PRE_GA | tag::HASH_LISTPACK_TTL => {
                if kind == tag::HASH_LISTPACK_TTL {
                    self.millis("soonest expiry")?;
                }
                let fields = self.packed("listpack", listpack::walk, triples)?;
                volatile = fields.iter().filter(|(.., ttl)| *ttl).count();
                Value::Hash(
                    fields
                        .into_iter()
                        .map(|(field, value, _)| (field, value))
                        .collect(),
                )
            }
            tag::ZSET => Value::Zset(self.scored(Self::score_as_text)?),
            tag::ZSET_2 => Value::Zset(self.scored(Self::score)?),
            tag::ZSET_ZIPLIST => {
                Value::Zset(self.packed("ziplist", ziplist::walk, scored_pairs)?)
            }
            tag::ZSET_LISTPACK => {
                Value::Zset(self.packed("listpack", listpack::walk, scored_pairs)?)
            }
            tag::STREAM | tag::STREAM_2 | tag::STREAM_3 => {
                Value::Stream(Rc::new(self.stream(kind)?))
            }
            tag::MODULE_2 => return self.module_value(start),
            kind => return Err((start, Problem::Unsupported(kind))),
        };
        let empty = match &value {
            Value::String(_) | Value::Stream(_) | Value::Packed(_) => false,
            Value::List(elements) | Value::Set(elements) => elements.is_empty(),
            Value::Hash(fields) => fields.is_empty(),
            Value::Zset(members) => members.is_empty(),
        };
        Ok(((!empty).then_some(value), volatile))
    }

    fn strings(&mut self, count: &'static str, each: &'static str) -> Result<Vec<Bytes>, Wrong> {
        let count = self.count(1, count)?;
        let mut out = Vec::with_capacity(count);
        for _ in 0..count {
            out.push(self.string(each)?);
        }
        Ok(out)
    }

    fn fields(&mut self) -> Result<Vec<(Bytes, Bytes)>, Wrong> {
        let count = self.count(2, "fields")?;
        let mut out = Vec::with_capacity(count);
        for _ in 0..count {
            out.push((self.string("field")?, self.string("value")?));
        }
        Ok(out)
    }

    /// A hash of Redis 7.4 and later some of whose fields expire. A node that follows 7.0 cannot expire them; its master
    /// does, and deletes them by name, so they are kept.
    fn ttls_then_fields(
        &mut self,
        relative: bool,
        volatile: &mut usize,
    ) -> Result<Vec<(Bytes, Bytes)>, Wrong> {
        if relative {
            self.millis("soonest expiry")?;
        }
        let count = self.count(3, "fields")?;
        let mut out = Vec::with_capacity(count);
        for _ in 0..count {
            *volatile += usize::from(self.length("time to live")? != 0);
            out.push((self.string("field")?, self.string("value")?));
        }
        Ok(out)
    }

    /// The same as Valkey 9 writes it, under a number that Redis had used.
    fn fields_then_ttls(&mut self, volatile: &mut usize) -> Result<Vec<(Bytes, Bytes)>, Wrong> {
        let count = self.count(10, "fields")?;
        let mut out = Vec::with_capacity(count);
        for _ in 0..count {
            out.push((self.string("field")?, self.string("value")?));
            *volatile += usize::from(self.millis("expires at")? != -1);
        }
        Ok(out)
    }

    fn scored(
        &mut self,
        score: fn(&mut Self) -> Result<f64, Wrong>,
    ) -> Result<Vec<(Bytes, f64)>, Wrong> {
        let count = self.count(2, "members")?;
        let mut out = Vec::with_capacity(count);
        for _ in 0..count {
            let member = self.string("member")?;
            let start = self.at;
            let score = score(self)?;
            if score.is_nan() {
                return corrupt(start, "Zset with NAN score detected");
            }
            self.leaf(start, Kind::Number, "score", || number::score_text(score));
            out.push((member, score));
        }
        Ok(out)
    }

    fn score(&mut self) -> Result<f64, Wrong> {
        Ok(f64::from_le_bytes(self.array()?))
    }

    /// Scores before version 8 (`rdbLoadDoubleValue`): their length and their text, with lengths for what has no digits.
    fn score_as_text(&mut self) -> Result<f64, Wrong> {
        let start = self.at;
        match self.byte()? {
            253 => Ok(f64::NAN),
            254 => Ok(f64::INFINITY),
            255 => Ok(f64::NEG_INFINITY),
            len => {
                let text = self.take(u64::from(len))?;
                number::parse_score(text)
                    .map_or_else(|| corrupt(start, "score that is no number"), Ok)
            }
        }
    }

    fn quicklist(&mut self, with_kinds: bool) -> Result<Vec<Bytes>, Wrong> {
        let nodes = self.count(if with_kinds { 2 } else { 1 }, "nodes")?;
        let mut out = Vec::new();
        for _ in 0..nodes {
            let start = self.at;
            let kind = if with_kinds {
                self.length("kind of node")?
            } else {
                NODE_PACKED
            };
            let mut packed = match kind {
                NODE_PLAIN => match self.string("element")? {
                    empty if empty.is_empty() => {
                        return corrupt(start, "Quicklist integrity check failed.");
                    }
                    element => vec![element],
                },
                NODE_PACKED if with_kinds => self.packed("listpack", listpack::walk, all)?,
                NODE_PACKED => self.packed("ziplist", ziplist::walk, all)?,
                _ => return corrupt(start, "Quicklist integrity check failed."),
            };
            if out.is_empty() {
                out = packed;
            } else {
                out.append(&mut packed);
            }
        }
        Ok(out)
    }

    // --- streams -----------------------------------------------------------------------------------------------------

    fn stream(&mut self, kind: u8) -> Result<Stream, Wrong> {
        let second = kind != tag::STREAM;
        let mut stream = Stream::default();
        let start = self.at;
        let mut nodes = Vec::new();
        for _ in 0..self.count(2, "nodes")? {
            let (id, node) = self.stream_node()?;
            nodes.push((id, Rc::new(node)));
        }
        crate::order::sort_by(&mut nodes, |a, b| a.0.cmp(&b.0));
        if nodes.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return corrupt(start, "Listpack re-added with existing key");
        }
        stream.nodes = nodes.into_iter().map(|(_, node)| node).collect();
        stream.len = usize::try_from(self.length("entries")?).unwrap_or(usize::MAX);
        if stream.len > 0 && stream.nodes.is_empty() {
            return corrupt(start, "Stream length inconsistent with rax entries");
        }
        stream.last = self.id("last id")?;
        if second {
            stream.first = self.id("first id")?;
            stream.max_removed = self.id("max deleted id")?;
            stream.added = self.length("entries added")?;
        } else {
            stream.added = stream.len as u64;
            let first = stream.range(Id::ZERO, Id::MAX).next().map(|entry| entry.id);
            // Redis: an empty stream has its first entry behind all that may ever come.
            stream.first = first.unwrap_or(Id::MAX);
        }
        for _ in 0..self.count(4, "groups")? {
            let start = self.at;
            self.open(Kind::Value, "group");
            let group = self.group(kind, &stream)?;
            self.close(|| shown(&group.name));
            if stream.group(&group.name).is_ok() {
                return corrupt(start, "Duplicated consumer group name");
            }
            stream.groups.push(group);
        }
        Ok(stream)
    }

    /// A node, and the id under which it is kept.
    fn stream_node(&mut self) -> Result<(Id, Node), Wrong> {
        let start = self.at;
        let 16 = self.length("id's length")? else {
            return corrupt(
                start,
                "Stream node key entry is not the size of a stream ID",
            );
        };
        let id = self.raw_id("master id")?;
        let unpack = |items: &[Item<'_>], len| Node::unpack(id, items, len);
        let node = self.packed_with("listpack", listpack::walk_uncounted, unpack)?;
        Ok((id, node))
    }

    fn group(&mut self, kind: u8, stream: &Stream) -> Result<Group, Wrong> {
        let (name, last) = (self.string("name")?, self.id("last delivered id")?);
        let mut group = Group {
            name,
            last,
            read: None,
            pending: vec![],
            consumers: vec![],
        };
        group.read = if kind == tag::STREAM {
            stream.distance(group.last)
        } else {
            Some(self.length("entries read")?).filter(|&n| n != u64::MAX)
        };
        let start = self.at;
        for _ in 0..self.count(25, "pending")? {
            group.pending.push(Pending {
                id: self.raw_id("id")?,
                time_ms: self.millis("delivered at")?,
                count: self.length("deliveries")?,
                consumer: Bytes::default(),
            });
        }
        crate::order::sort_by(&mut group.pending, |a, b| a.id.cmp(&b.id));
        if group
            .pending
            .windows(2)
            .any(|pair| pair[0].id == pair[1].id)
        {
            return corrupt(
                start,
                "Duplicated global PEL entry loading stream consumer group",
            );
        }
        let mut owned = vec![false; group.pending.len()];
        for _ in 0..self.count(10, "consumers")? {
            let start = self.at;
            let (name, seen_ms) = (self.string("consumer")?, self.millis("seen at")?);
            if kind == tag::STREAM_3 {
                self.millis("active at")?;
            }
            if group.consumer(&name).is_ok() {
                return corrupt(start, "Duplicate stream consumer detected.");
            }
            for _ in 0..self.count(16, "pending")? {
                let id = self.raw_id("id")?;
                let Ok(place) = group.find(id) else {
                    return corrupt(start, "Consumer entry not found in group global PEL");
                };
                group.pending[place].consumer = name.clone();
                owned[place] = true;
            }
            group.consumers.push(Consumer { name, seen_ms });
        }
        if owned.contains(&false) {
            return corrupt(start, "Stream CG PEL entry without consumer");
        }
        Ok(group)
    }

    fn id(&mut self, label: &'static str) -> Result<Id, Wrong> {
        self.open(Kind::Value, label);
        let id = Id {
            ms: self.length("milliseconds")?,
            seq: self.length("sequence")?,
        };
        self.close(|| id.text());
        Ok(id)
    }

    fn raw_id(&mut self, label: &'static str) -> Result<Id, Wrong> {
        let start = self.at;
        let id = Id {
            ms: u64::from_be_bytes(self.array()?),
            seq: u64::from_be_bytes(self.array()?),
        };
        self.leaf(start, Kind::Number, label, || id.text());
        Ok(id)
    }

    // --- modules -----------------------------------------------------------------------------------------------------

    /// The name in a module's number: nine letters of six bits each, then ten bits of version.
    fn module_id(&mut self) -> Result<[u8; 9], Wrong> {
        const LETTERS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let id = self.length("module")?;
        let mut name = [0; 9];
        for (i, letter) in name.iter_mut().rev().enumerate() {
            *letter = LETTERS[(id >> (10 + 6 * i)) as usize & 63];
        }
        Ok(name)
    }

    /// A value that only a module understands: Redis without that module ends here. Whoever only looks can pass it, for
    /// its pieces say what they are.
    fn module_value(&mut self, start: usize) -> Result<Loaded, Wrong> {
        let name = self.module_id()?;
        if self.trace.is_none() {
            return Err((start, Problem::Module { name, aux: false }));
        }
        self.module_pieces()?;
        Ok((None, 0))
    }

    /// What a module keeps beside the keys.
    pub fn module_aux(&mut self, start: usize) -> Result<(), Wrong> {
        let name = self.module_id()?;
        if self.trace.is_none() {
            return Err((start, Problem::Module { name, aux: true }));
        }
        self.module_pieces()
    }

    fn module_pieces(&mut self) -> Result<(), Wrong> {
        loop {
            let start = self.at;
            match self.length("kind of piece")? {
                0 => return Ok(()),
                1 | 2 => drop(self.length("integer")?),
                3 => {
                    let start = self.at;
                    let n = f32::from_le_bytes(self.array()?);
                    self.leaf(start, Kind::Number, "float", || {
                        number::score_text(n.into())
                    });
                }
                4 => {
                    let start = self.at;
                    let n = f64::from_le_bytes(self.array()?);
                    self.leaf(start, Kind::Number, "double", || number::score_text(n));
                }
                5 => drop(self.string("string")?),
                _ => return corrupt(start, "Error reading module value: unknown piece"),
            }
        }
    }
}

/// A type, as people call it.
pub(super) fn type_name(kind: u8, dialect: Dialect) -> &'static str {
    match kind {
        tag::STRING => "string",
        tag::LIST => "list",
        tag::SET => "set",
        tag::ZSET => "zset, scores as text",
        tag::HASH => "hash",
        tag::ZSET_2 => "zset",
        tag::MODULE | tag::MODULE_2 => "module value",
        tag::HASH_ZIPMAP => "hash as zipmap",
        tag::LIST_ZIPLIST => "list as ziplist",
        tag::SET_INTSET => "set as intset",
        tag::ZSET_ZIPLIST => "zset as ziplist",
        tag::HASH_ZIPLIST => "hash as ziplist",
        tag::LIST_QUICKLIST => "list as quicklist of ziplists",
        tag::STREAM => "stream",
        tag::HASH_LISTPACK => "hash as listpack",
        tag::ZSET_LISTPACK => "zset as listpack",
        tag::LIST_QUICKLIST_2 => "list as quicklist",
        tag::STREAM_2 => "stream, version 2",
        tag::SET_LISTPACK => "set as listpack",
        tag::STREAM_3 => "stream, version 3",
        tag::HASH_TTL_PRE_GA if dialect.valkey => "hash with expiring fields",
        tag::HASH_TTL_PRE_GA | tag::HASH_TTL => "hash with expiring fields",
        tag::HASH_LISTPACK_TTL_PRE_GA | tag::HASH_LISTPACK_TTL => {
            "hash with expiring fields as listpack"
        }
        _ => "unknown",
    }
}

fn all(items: &[Item<'_>]) -> Result<Vec<Bytes>, Fault> {
    Ok(items.iter().map(|item| item.to_bytes()).collect())
}

fn pairs(items: &[Item<'_>]) -> Result<Vec<(Bytes, Bytes)>, Fault> {
    let (pairs, []) = items.as_chunks() else {
        return Err(ODD);
    };
    Ok(pairs
        .iter()
        .map(|[field, value]| (field.to_bytes(), value.to_bytes()))
        .collect())
}

/// Fields, values and when they expire, 0 for never; told is only whether they do.
fn triples(items: &[Item<'_>]) -> Result<Vec<(Bytes, Bytes, bool)>, Fault> {
    let (triples, []) = items.as_chunks() else {
        return Err(ODD);
    };
    let each = |[field, value, ttl]: &[Item<'_>; 3]| {
        (field.to_bytes(), value.to_bytes(), *ttl != Item::Int(0))
    };
    Ok(triples.iter().map(each).collect())
}

fn scored_pairs(items: &[Item<'_>]) -> Result<Vec<(Bytes, f64)>, Fault> {
    let (pairs, []) = items.as_chunks() else {
        return Err(ODD);
    };
    let what = "sorted set with a score that is no number";
    let mut out = Vec::with_capacity(pairs.len());
    for [member, score] in pairs {
        let score = score.to_score().ok_or(Fault { at: 0, what })?;
        out.push((member.to_bytes(), score));
    }
    Ok(out)
}

const ODD: Fault = Fault {
    at: 0,
    what: "pairs with one element left over",
};
