//! Takes a whole snapshot apart (`rdbLoadRio`): everything that Redis 7.0 writes for the five plain types, and what its
//! forerunners wrote in their place. Nothing here trusts the file: no length is believed before the bytes are there.
//!
//! Left to whoever loads the keys: keys or members that come twice, and databases past the last.

use std::borrow::Cow;
use std::fmt;

use std::rc::Rc;

use super::stream::{Consumer, Group, Id, Node, Pending, Stream};
use super::{
    Bytes, Entry, Fault, Item, NODE_PACKED, NODE_PLAIN, VERSION, Value, crc64, encoded, intset,
    listpack, lzf, number, tag, ziplist,
};

/// What a snapshot holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rdb {
    pub version: u32,
    /// Facts about the server that wrote it, in the order of the file.
    pub aux: Vec<(Bytes, Bytes)>,
    pub entries: Vec<Entry>,
    /// Keys that had no elements: Redis leaves them out and says how many.
    pub empty_keys_skipped: usize,
    /// The size of the file in bytes. What comes after is not looked at, as Redis does not.
    pub len: usize,
}

impl Rdb {
    /// The fact of this name, such as `repl-id`.
    pub fn aux(&self, name: &str) -> Option<&Bytes> {
        self.aux
            .iter()
            .rev()
            .find(|(other, _)| **other == *name.as_bytes())
            .map(|(_, value)| value)
    }

    /// The same as a number, such as `repl-offset`; `None` when it is missing or no number.
    pub fn aux_number(&self, name: &str) -> Option<i64> {
        crate::wire::resp::parse_i64(self.aux(name)?)
    }
}

/// Why a snapshot cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RdbError {
    /// The byte of the file at which it shows.
    pub offset: usize,
    /// The key that was being read.
    pub key: Option<Bytes>,
    pub problem: Problem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The file does not begin with `REDIS`.
    Signature,
    /// A version of Redis newer than 7.0 wrote it, or none.
    Version(u32),
    /// Here the file promises so many bytes, and has only so many left.
    Truncated { needed: u64, left: usize },
    /// A value of a type that is not read.
    Unsupported(u8),
    /// The file contradicts the format.
    Corrupt(&'static str),
    /// Some byte of the file is not what was written.
    Checksum { stored: u64, computed: u64 },
}

impl fmt::Display for RdbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problem {
            Problem::Signature => f.write_str("Wrong signature trying to load DB from file")?,
            Problem::Version(version) => write!(f, "Can't handle RDB format version {version}")?,
            Problem::Truncated { needed, left } => {
                write!(
                    f,
                    "Unexpected EOF reading RDB file: {needed} bytes needed, {left} left"
                )?;
            }
            Problem::Unsupported(kind) => {
                write!(f, "RDB type {kind} ({}) is not supported", type_name(kind))?;
            }
            Problem::Corrupt(what) => f.write_str(what)?,
            Problem::Checksum { stored, computed } => {
                write!(
                    f,
                    "Wrong RDB checksum expected: ({computed:x}) but got ({stored:x})"
                )?;
            }
        }
        write!(f, ", at byte {}", self.offset)?;
        if let Some(key) = &self.key {
            let shown = &key[..key.len().min(64)];
            let more = if shown.len() < key.len() { "…" } else { "" };
            write!(f, ", key '{}{more}'", shown.escape_ascii())?;
        }
        Ok(())
    }
}

impl std::error::Error for RdbError {}

fn type_name(kind: u8) -> &'static str {
    match kind {
        tag::MODULE | tag::MODULE_2 => "module value",
        tag::MODULE_AUX => "module data",
        tag::HASH_ZIPMAP => "zipmap",
        tag::FUNCTION_PRE_GA => "function of a release candidate",
        _ => "unknown",
    }
}

/// Reads a snapshot and checks it to the last byte.
///
/// # Errors
///
/// The first problem in the order of the file; the checksum, which is at its end, comes last.
pub fn read(bytes: &[u8]) -> Result<Rdb, RdbError> {
    let mut reader = Reader {
        bytes,
        at: 0,
        key: None,
    };
    reader.file().map_err(|(offset, problem)| RdbError {
        offset,
        key: reader.key.take(),
        problem,
    })
}

/// What a `DUMP` holds between nothing and its version; `None` when version or checksum are wrong.
pub fn dumped(bytes: &[u8]) -> Option<&[u8]> {
    let (rest, sum) = bytes.split_last_chunk()?;
    let (body, version) = rest.split_last_chunk()?;
    let good = u32::from(u16::from_le_bytes(*version)) <= VERSION
        && crc64(rest) == u64::from_le_bytes(*sum);
    good.then_some(body)
}

/// One value that begins with its type.
pub fn value(bytes: &[u8]) -> Option<Value> {
    let mut reader = Reader {
        bytes,
        at: 1,
        key: None,
    };
    reader.value(*bytes.first()?, 0).ok()?
}

/// An offset into the file, and what is wrong there.
type Wrong = (usize, Problem);

fn corrupt<T>(offset: usize, what: &'static str) -> Result<T, Wrong> {
    Err((offset, Problem::Corrupt(what)))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    key: Option<Bytes>,
}

/// A string as it stands in the file.
enum Raw<'a> {
    Plain(&'a [u8]),
    Int(i64),
    Unpacked(Vec<u8>),
}

enum Length {
    Plain(u64),
    Encoded(u8),
}

impl<'a> Reader<'a> {
    fn file(&mut self) -> Result<Rdb, Wrong> {
        let version = self.version()?;
        let mut rdb = Rdb {
            version,
            ..Rdb::default()
        };
        let mut db = 0;
        let mut expire_at_ms = None;
        loop {
            let start = self.at;
            match self.byte()? {
                tag::EXPIRE_MS => expire_at_ms = Some(i64::from_le_bytes(self.array()?)),
                tag::EXPIRE_S => {
                    expire_at_ms = Some(i64::from(i32::from_le_bytes(self.array()?)) * 1000);
                }
                // How often and how lately a key was used: of use to eviction only.
                tag::IDLE => drop(self.length()?),
                tag::FREQ => drop(self.byte()?),
                tag::AUX => rdb.aux.push((self.string()?, self.string()?)),
                // The sizes are hints for hash tables.
                tag::RESIZEDB => drop((self.length()?, self.length()?)),
                tag::SELECTDB => {
                    let Ok(selected) = u32::try_from(self.length()?) else {
                        return corrupt(start, "database number out of range");
                    };
                    db = selected as usize;
                }
                // A library of functions. Nothing here runs them.
                tag::FUNCTION_2 => drop(self.raw()?),
                kind @ (tag::FUNCTION_PRE_GA | tag::MODULE_AUX) => {
                    return Err((start, Problem::Unsupported(kind)));
                }
                tag::EOF => break,
                kind => {
                    let key = self.string()?;
                    self.key = Some(key.clone());
                    match self.value(kind, start)? {
                        Some(value) => rdb.entries.push(Entry {
                            db,
                            key,
                            expire_at_ms,
                            value,
                        }),
                        None => rdb.empty_keys_skipped += 1,
                    }
                    self.key = None;
                    expire_at_ms = None;
                }
            }
        }
        if version >= 5 {
            self.checksum()?;
        }
        rdb.len = self.at;
        Ok(rdb)
    }

    fn version(&mut self) -> Result<u32, Wrong> {
        let [magic @ .., a, b, c, d] = self.array::<9>()?;
        if magic != *b"REDIS" {
            return Err((0, Problem::Signature));
        }
        // Digits up to the first byte that is none, as `atoi` has it.
        let digits = [a, b, c, d].into_iter().take_while(u8::is_ascii_digit);
        let version = digits.fold(0, |n, digit| n * 10 + u32::from(digit - b'0'));
        if (1..=VERSION).contains(&version) {
            Ok(version)
        } else {
            Err((5, Problem::Version(version)))
        }
    }

    fn checksum(&mut self) -> Result<(), Wrong> {
        let end = self.at;
        let stored = u64::from_le_bytes(self.array()?);
        // Zero: the writer had `rdbchecksum no`.
        if stored == 0 {
            return Ok(());
        }
        let computed = crc64(&self.bytes[..end]);
        if stored == computed {
            Ok(())
        } else {
            Err((end, Problem::Checksum { stored, computed }))
        }
    }

    /// The value of a key whose type byte is at `start`; nothing if it has no elements.
    fn value(&mut self, kind: u8, start: usize) -> Result<Option<Value>, Wrong> {
        let value = match kind {
            tag::STRING => Value::String(self.string()?),
            tag::LIST => Value::List(self.strings()?),
            tag::LIST_ZIPLIST => Value::List(self.packed(ziplist::decode, all)?),
            tag::LIST_QUICKLIST => Value::List(self.quicklist(false)?),
            tag::LIST_QUICKLIST_2 => Value::List(self.quicklist(true)?),
            tag::SET => Value::Set(self.strings()?),
            tag::SET_INTSET => Value::Set(self.packed(integers, all)?),
            tag::HASH => Value::Hash(self.fields()?),
            tag::HASH_ZIPLIST => Value::Hash(self.packed(ziplist::decode, pairs)?),
            tag::HASH_LISTPACK => Value::Hash(self.packed(listpack::decode, pairs)?),
            tag::ZSET => Value::Zset(self.scored(Self::score_as_text)?),
            tag::ZSET_2 => Value::Zset(self.scored(Self::score)?),
            tag::ZSET_ZIPLIST => Value::Zset(self.packed(ziplist::decode, scored_pairs)?),
            tag::ZSET_LISTPACK => Value::Zset(self.packed(listpack::decode, scored_pairs)?),
            tag::STREAM | tag::STREAM_2 => {
                Value::Stream(Rc::new(self.stream(kind == tag::STREAM_2)?))
            }
            kind => return Err((start, Problem::Unsupported(kind))),
        };
        let empty = match &value {
            Value::String(_) => false,
            Value::List(elements) | Value::Set(elements) => elements.is_empty(),
            Value::Hash(fields) => fields.is_empty(),
            Value::Zset(members) => members.is_empty(),
            Value::Stream(_) => false,
        };
        Ok((!empty).then_some(value))
    }

    fn strings(&mut self) -> Result<Vec<Bytes>, Wrong> {
        let count = self.count(1)?;
        let mut out = Vec::with_capacity(count);
        for _ in 0..count {
            out.push(self.string()?);
        }
        Ok(out)
    }

    fn fields(&mut self) -> Result<Vec<(Bytes, Bytes)>, Wrong> {
        let count = self.count(2)?;
        let mut out = Vec::with_capacity(count);
        for _ in 0..count {
            out.push((self.string()?, self.string()?));
        }
        Ok(out)
    }

    fn scored(
        &mut self,
        score: fn(&mut Self) -> Result<f64, Wrong>,
    ) -> Result<Vec<(Bytes, f64)>, Wrong> {
        let count = self.count(2)?;
        let mut out = Vec::with_capacity(count);
        for _ in 0..count {
            let member = self.string()?;
            let start = self.at;
            let score = score(self)?;
            if score.is_nan() {
                return corrupt(start, "sorted set with a score that is no number");
            }
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

    fn stream(&mut self, second: bool) -> Result<Stream, Wrong> {
        let mut stream = Stream::default();
        for _ in 0..self.count(2)? {
            let start = self.at;
            let 16 = self.length()? else {
                return corrupt(start, "stream node without an id");
            };
            let id = self.raw_id()?;
            let text = self.string()?;
            let node =
                listpack::decode(&text).and_then(|items| Node::unpack(id, &items, text.len()));
            let node = node.map_err(|fault| (start, Problem::Corrupt(fault.what)))?;
            stream.nodes.push(Rc::new(node));
        }
        stream.len = usize::try_from(self.length()?).unwrap_or(usize::MAX);
        stream.last = self.id()?;
        if second {
            stream.first = self.id()?;
            stream.max_removed = self.id()?;
            stream.added = self.length()?;
        } else {
            stream.added = stream.len as u64;
            let first = stream.range(Id::ZERO, Id::MAX).next().map(|entry| entry.id);
            stream.first = first.unwrap_or_default();
        }
        for _ in 0..self.count(4)? {
            let (name, last) = (self.string()?, self.id()?);
            let mut group = Group {
                name,
                last,
                read: None,
                pending: vec![],
                consumers: vec![],
            };
            group.read = if second {
                Some(self.length()?).filter(|&n| n != u64::MAX)
            } else {
                stream.distance(group.last)
            };
            for _ in 0..self.count(25)? {
                group.pending.push(Pending {
                    id: self.raw_id()?,
                    time_ms: i64::from_le_bytes(self.array()?),
                    count: self.length()?,
                    consumer: Bytes::default(),
                });
            }
            for _ in 0..self.count(10)? {
                let start = self.at;
                let (name, seen_ms) = (self.string()?, i64::from_le_bytes(self.array()?));
                for _ in 0..self.count(16)? {
                    let id = self.raw_id()?;
                    let Ok(place) = group.find(id) else {
                        return corrupt(start, "consumer of an entry that is not pending");
                    };
                    group.pending[place].consumer = name.clone();
                }
                group.consumers.push(Consumer { name, seen_ms });
            }
            stream.groups.push(group);
        }
        Ok(stream)
    }

    fn id(&mut self) -> Result<Id, Wrong> {
        Ok(Id {
            ms: self.length()?,
            seq: self.length()?,
        })
    }

    fn raw_id(&mut self) -> Result<Id, Wrong> {
        Ok(Id {
            ms: u64::from_be_bytes(self.array()?),
            seq: u64::from_be_bytes(self.array()?),
        })
    }

    fn quicklist(&mut self, with_kinds: bool) -> Result<Vec<Bytes>, Wrong> {
        let nodes = self.count(if with_kinds { 2 } else { 1 })?;
        let mut out = Vec::new();
        for _ in 0..nodes {
            let start = self.at;
            let kind = if with_kinds {
                self.length()?
            } else {
                NODE_PACKED
            };
            match kind {
                NODE_PLAIN => out.push(self.string()?),
                NODE_PACKED if with_kinds => out.append(&mut self.packed(listpack::decode, all)?),
                NODE_PACKED => out.append(&mut self.packed(ziplist::decode, all)?),
                _ => return corrupt(start, "quicklist node of no known kind"),
            }
        }
        Ok(out)
    }

    /// Elements packed into one string: `unpack` takes it apart, `gather` makes of them what the type wants.
    fn packed<T>(
        &mut self,
        unpack: Unpack,
        gather: fn(&[Item<'_>]) -> Result<T, Fault>,
    ) -> Result<T, Wrong> {
        let start = self.at;
        let (text, base) = match self.raw()? {
            Raw::Plain(text) => (Cow::Borrowed(text), Some(self.at - text.len())),
            Raw::Unpacked(text) => (Cow::Owned(text), None),
            Raw::Int(_) => return corrupt(start, "a number where packed elements should be"),
        };
        let gathered = unpack(&text).and_then(|items| gather(&items));
        // What was compressed has no offsets in the file but that of its beginning.
        gathered.map_err(|fault| {
            (
                base.map_or(start, |base| base + fault.at),
                Problem::Corrupt(fault.what),
            )
        })
    }

    fn string(&mut self) -> Result<Bytes, Wrong> {
        Ok(match self.raw()? {
            Raw::Plain(text) => text.into(),
            Raw::Int(n) => Item::Int(n).to_bytes(),
            Raw::Unpacked(text) => text.into(),
        })
    }

    fn raw(&mut self) -> Result<Raw<'a>, Wrong> {
        let start = self.at;
        Ok(match self.length_or_encoding()? {
            Length::Plain(len) => Raw::Plain(self.take(len)?),
            Length::Encoded(encoded::INT8) => Raw::Int(i64::from(i8::from_le_bytes(self.array()?))),
            Length::Encoded(encoded::INT16) => {
                Raw::Int(i64::from(i16::from_le_bytes(self.array()?)))
            }
            Length::Encoded(encoded::INT32) => {
                Raw::Int(i64::from(i32::from_le_bytes(self.array()?)))
            }
            Length::Encoded(encoded::LZF) => {
                let packed = self.length()?;
                let len = self.length()?;
                let packed = self.take(packed)?;
                let base = self.at - packed.len();
                // A length that is too big for this machine is too big for the input as well.
                let len = usize::try_from(len).unwrap_or(usize::MAX);
                let unpacked = lzf::decompress(packed, len);
                Raw::Unpacked(
                    unpacked.map_err(|fault| (base + fault.at, Problem::Corrupt(fault.what)))?,
                )
            }
            Length::Encoded(_) => return corrupt(start, "string of no known encoding"),
        })
    }

    /// A number of elements, none of which can take fewer than `size` bytes: a file that has no room for them is cut.
    fn count(&mut self, size: u64) -> Result<usize, Wrong> {
        let start = self.at;
        let count = self.length()?;
        let left = self.bytes.len() - self.at;
        let needed = count.saturating_mul(size);
        if needed > left as u64 {
            return Err((start, Problem::Truncated { needed, left }));
        }
        Ok(count as usize)
    }

    fn length(&mut self) -> Result<u64, Wrong> {
        let start = self.at;
        match self.length_or_encoding()? {
            Length::Plain(len) => Ok(len),
            Length::Encoded(_) => corrupt(start, "an encoded string where a length should be"),
        }
    }

    fn length_or_encoding(&mut self) -> Result<Length, Wrong> {
        let start = self.at;
        let first = self.byte()?;
        let low = first & 0x3f;
        Ok(match (first >> 6, low) {
            (0, _) => Length::Plain(u64::from(low)),
            (1, _) => Length::Plain(u64::from(low) << 8 | u64::from(self.byte()?)),
            (2, 0) => Length::Plain(u64::from(u32::from_be_bytes(self.array()?))),
            (2, 1) => Length::Plain(u64::from_be_bytes(self.array()?)),
            (2, _) => return corrupt(start, "length of no known form"),
            _ => Length::Encoded(low),
        })
    }

    fn byte(&mut self) -> Result<u8, Wrong> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Wrong> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N as u64)?);
        Ok(out)
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8], Wrong> {
        let rest = &self.bytes[self.at..];
        if len > rest.len() as u64 {
            return Err((
                self.at,
                Problem::Truncated {
                    needed: len,
                    left: rest.len(),
                },
            ));
        }
        let taken = &rest[..len as usize];
        self.at += taken.len();
        Ok(taken)
    }
}

/// `listpack::decode`, or one like it.
type Unpack = fn(&[u8]) -> Result<Vec<Item<'_>>, Fault>;

fn integers(bytes: &[u8]) -> Result<Vec<Item<'_>>, Fault> {
    Ok(intset::decode(bytes)?.into_iter().map(Item::Int).collect())
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

fn scored_pairs(items: &[Item<'_>]) -> Result<Vec<(Bytes, f64)>, Fault> {
    let (pairs, []) = items.as_chunks() else {
        return Err(ODD);
    };
    let scored = |&[member, score]: &[Item<'_>; 2]| {
        let what = "sorted set with a score that is no number";
        Ok((
            member.to_bytes(),
            score.to_score().ok_or(Fault { at: 0, what })?,
        ))
    };
    pairs.iter().map(scored).collect()
}

const ODD: Fault = Fault {
    at: 0,
    what: "pairs with one element left over",
};

#[cfg(test)]
mod tests {
    use super::super::write::{Aux, Position, Writer, aux_fields};
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn text(text: &str) -> Bytes {
        text.as_bytes().into()
    }

    fn texts(list: &[&str]) -> Vec<Bytes> {
        list.iter().map(|item| text(item)).collect()
    }

    /// Bytes of a file, in hex and without a checksum.
    fn file(version: u32, body: &str) -> Vec<u8> {
        let mut bytes = format!("REDIS{version:04}").into_bytes();
        let digits: Vec<u8> = body.bytes().filter(|byte| *byte != b' ').collect();
        assert_eq!(digits.len() % 2, 0, "{body}");
        bytes.extend(digits.chunks(2).map(|pair| {
            u8::from_str_radix(std::str::from_utf8(pair).expect("hex is text"), 16)
                .expect("this is hex")
        }));
        bytes.push(tag::EOF);
        if version >= 5 {
            bytes.extend_from_slice(&[0; 8]);
        }
        bytes
    }

    fn one(version: u32, body: &str) -> Entry {
        let rdb = read(&file(version, body)).unwrap_or_else(|err| panic!("{body}: {err}"));
        let [entry] = &rdb.entries[..] else {
            panic!("{body}: not one key: {rdb:?}")
        };
        entry.clone()
    }

    fn error(body: &str) -> String {
        match read(&file(10, body)) {
            Ok(rdb) => panic!("{body}: {rdb:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn strings_that_redis_wrote() {
        for (body, value) in [
            ("0568656c6c6f", "hello"),
            ("c00c", "12"),
            ("c1d4fe", "-300"),
            ("c2a0860100", "100000"),
            ("0b3132333435363738393031", "12345678901"),
            ("03303132", "012"),
            ("c30928016161e01b00016161", &"a".repeat(40)),
        ] {
            let entry = one(10, &format!("fe00 fb0100 00 016b {body}"));
            assert_eq!(
                entry,
                Entry {
                    db: 0,
                    key: text("k"),
                    expire_at_ms: None,
                    value: Value::String(text(value))
                }
            );
        }
    }

    #[test]
    fn keys_between_opcodes() {
        let entry = one(10, "fe00 fb0101 fc00409452a3030000 00 016b 0176");
        assert_eq!(entry.expire_at_ms, Some(4_000_000_000_000));
        assert_eq!(
            one(10, "fd 01000000 f805 f905 00 016b 0176").expire_at_ms,
            Some(1000)
        );
        assert_eq!(one(10, "fe03 fb0100 00 016b 0176").db, 3);
        assert_eq!(
            one(10, "fe00 fb0100 f800 00 016b 0176").value,
            Value::String(text("v"))
        );
        assert_eq!(
            one(10, "fe00 fb0100 f905 00 016b 0176").value,
            Value::String(text("v"))
        );
        assert_eq!(one(10, "f5 0361 6263 00 016b 0176").key, text("k"));
        let rdb = read(&file(
            10,
            "fa 0161 0162 fa 0161 c005 fc00409452a3030000 01 016b 00 00 016c 0176",
        ))
        .expect("good");
        assert_eq!((rdb.aux("a"), rdb.aux("b")), (Some(&text("5")), None));
        assert_eq!(
            (
                rdb.empty_keys_skipped,
                rdb.entries.len(),
                rdb.entries[0].expire_at_ms
            ),
            (1, 1, None)
        );
    }

    #[test]
    fn every_form_of_every_type() {
        let list = Value::List(texts(&["a", "b", "3"]));
        let set = Value::Set(texts(&["1", "2", "3"]));
        let hash = Value::Hash(vec![(text("f"), text("v"))]);
        let zset = Value::Zset(vec![(text("b"), 2.0), (text("a"), 1.5)]);
        for (version, body, value) in [
            (
                10,
                "12 016b 01 02 0f 0f000000 0300 816102 816202 0301 ff",
                &list,
            ),
            (
                10,
                "12 016b 03 01 0161 01 0162 02 09 09000000 0100 0301 ff",
                &list,
            ),
            (
                9,
                "0e 016b 01 13 13000000 10000000 0300 00 0161 03 0162 03 f4 ff",
                &list,
            ),
            (
                6,
                "0a 016b 13 13000000 10000000 0300 00 0161 03 0162 03 f4 ff",
                &list,
            ),
            (1, "01 016b 03 0161 0162 c003", &list),
            (10, "0b 016b 0e 02000000 03000000 0100 0200 0300", &set),
            (10, "02 016b 03 c001 0132 0133", &set),
            (10, "10 016b 0d 0d000000 0200 816602 817602 ff", &hash),
            (
                9,
                "0d 016b 11 11000000 0d000000 0200 00 0166 03 0176 ff",
                &hash,
            ),
            (10, "04 016b 01 0166 0176", &hash),
            (
                10,
                "05 016b 02 0162 0000000000000040 0161 000000000000f83f",
                &zset,
            ),
            (
                10,
                "11 016b 14 14000000 0400 816202 0201 816102 83312e3504 ff",
                &zset,
            ),
            (
                9,
                "0c 016b 18 18000000 12000000 0400 00 0162 03 f3 02 0161 03 03312e35 ff",
                &zset,
            ),
            (7, "03 016b 02 0162 01 32 0161 03 312e35", &zset),
        ] {
            assert_eq!(&one(version, body).value, value, "{body}");
        }
        // one entry, a group, a consumer that has it
        let stream = "13 016b 01 10 00000000000000010000000000000001 1d1d0000000a000101000101018166020001020100010001 \
                      8176020401ff 01010101010000010101670101010100000000000000010000000000000001b50d8507a2010000010102 \
                      6331b50d8507a20100000100000000000000010000000000000001";
        let entry = one(10, stream);
        let mut writer = Writer::new(&[], false);
        writer.entry(b"k", None, &entry.value);
        let (again, body) = (writer.finish(), file(10, stream));
        assert_eq!(again[..again.len() - 8], body[..body.len() - 8]);
        let Value::Stream(stream) = entry.value else {
            panic!("not a stream")
        };
        let group = &stream.groups[0];
        assert_eq!(
            (stream.len, group.read, group.pending.len()),
            (1, Some(1), 1)
        );
        assert_eq!(*group.pending[0].consumer, *b"c1");
        let ends = Value::Zset(vec![
            (text("a"), f64::INFINITY),
            (text("b"), f64::NEG_INFINITY),
        ]);
        assert_eq!(one(7, "03 016b 02 0161 fe 0162 ff").value, ends);
        assert_eq!(
            one(
                10,
                "11 016b 18 18000000 0400 816102 83696e6604 816202 842d696e6605 ff"
            )
            .value,
            ends
        );
    }

    #[test]
    fn errors_say_what_and_where() {
        for (body, expected) in [
            (
                "13 016b 01 10 0000000000000001 0000000000000001 07 07000000 0000 ff",
                "stream node that is not one, at byte 13, key 'k'",
            ),
            (
                "07 016b 00",
                "RDB type 7 (module value) is not supported, at byte 9, key 'k'",
            ),
            (
                "14 010a 00",
                "RDB type 20 (unknown) is not supported, at byte 9, key '\\n'",
            ),
            (
                "f7 00",
                "RDB type 247 (module data) is not supported, at byte 9",
            ),
            (
                "00 016b 40ff 00",
                "Unexpected EOF reading RDB file: 255 bytes needed, 10 left, at byte 14, key 'k'",
            ),
            ("00 8200", "length of no known form, at byte 10"),
            ("00 c4", "string of no known encoding, at byte 10"),
            (
                "fe c000",
                "an encoded string where a length should be, at byte 10",
            ),
            (
                "fe 810000000100000000",
                "database number out of range, at byte 9",
            ),
            (
                "01 016b 81ffffffffffffffff",
                "Unexpected EOF reading RDB file: 18446744073709551615 bytes needed, 9 left, at byte 12, key 'k'",
            ),
            (
                "04 016b 817fffffffffffffff",
                "Unexpected EOF reading RDB file: 18446744073709551614 bytes needed, 9 left, at byte 12, key 'k'",
            ),
            (
                "05 016b 01 0161 010000000000f87f",
                "sorted set with a score that is no number, at byte 15, key 'k'",
            ),
            (
                "03 016b 01 0161 fd",
                "sorted set with a score that is no number, at byte 15, key 'k'",
            ),
            (
                "03 016b 01 0161 01 78",
                "score that is no number, at byte 15, key 'k'",
            ),
            (
                "00 016b c3 01 4058 00",
                "LZF: literal bytes end early, at byte 16, key 'k'",
            ),
            (
                "00 016b c3 01 4059 00",
                "LZF: more bytes promised than the packed ones can give, at byte 16, key 'k'",
            ),
            (
                "00 016b c3 00 81ffffffffffffffff",
                "LZF: more bytes promised than the packed ones can give, at byte 23, key 'k'",
            ),
            (
                "10 016b 0d 0e000000 0200 816602 817602 ff",
                "listpack: size in its header is not its size, at byte 13, key 'k'",
            ),
            (
                "10 016b 0d 0d000000 0200 816602 817603 ff",
                "listpack: the length behind an element is not its length, at byte 24, key 'k'",
            ),
            (
                "10 016b 0a 0a000000 0100 816602 ff",
                "pairs with one element left over, at byte 13, key 'k'",
            ),
            (
                "11 016b 0d 0d000000 0200 816602 817602 ff",
                "sorted set with a score that is no number, at byte 13, key 'k'",
            ),
            (
                "0b 016b 0c 02000000 02000000 0200 0100",
                "intset: not in ascending order, at byte 23, key 'k'",
            ),
            (
                "0b 016b c005",
                "a number where packed elements should be, at byte 12, key 'k'",
            ),
            (
                "12 016b 01 03 00",
                "quicklist node of no known kind, at byte 13, key 'k'",
            ),
        ] {
            assert_eq!(error(body), expected, "{body}");
        }
        for (bytes, expected) in [
            (
                &b"REDIS0011"[..],
                "Can't handle RDB format version 11, at byte 5",
            ),
            (b"REDIS0000", "Can't handle RDB format version 0, at byte 5"),
            (b"REDISabcd", "Can't handle RDB format version 0, at byte 5"),
            (
                b"VALKEY080",
                "Wrong signature trying to load DB from file, at byte 0",
            ),
            (
                b"REDIS001",
                "Unexpected EOF reading RDB file: 9 bytes needed, 8 left, at byte 0",
            ),
            (
                b"REDIS0010\xff\x01\0\0\0\0\0\0\0",
                "Wrong RDB checksum expected: (eb7ea789fe37fda9) but got (1), at byte 10",
            ),
        ] {
            assert_eq!(
                read(bytes).map_err(|error| error.to_string()),
                Err(expected.to_string())
            );
        }
        let long = error(&format!("13 4046 {} 00", "6b".repeat(70)));
        assert!(
            long.ends_with(&format!("key '{}…'", "k".repeat(64))),
            "{long}"
        );
    }

    #[test]
    fn what_follows_the_file_is_not_looked_at() {
        let mut bytes = Writer::new(&[], false).finish();
        let len = bytes.len();
        bytes.extend_from_slice(b"*1\r\n$4\r\nPING\r\n");
        assert_eq!(read(&bytes).map(|rdb| rdb.len), Ok(len));
        // A file from before there were checksums ends with its last opcode.
        assert_eq!(read(b"REDIS0004\xff").map(|rdb| rdb.len), Ok(10));
    }

    /// One key of each form, with every form of string in it.
    ///
    /// The large forms of hash and sorted set need no more than one long string; a list of two nodes needs `elements`.
    fn sample(compress: bool, elements: usize) -> (Vec<u8>, Vec<Entry>) {
        let long = text(&"0123456789".repeat(7));
        let values = [
            Value::String(text("plain")),
            Value::String(text("-70000")),
            Value::String(text(&"compressible ".repeat(20))),
            Value::List(texts(&[
                "a",
                "12",
                "",
                "a long one, a long one, a long one",
            ])),
            Value::List(
                (0..elements)
                    .map(|i| text(&format!("element {i}")))
                    .collect(),
            ),
            Value::Set(texts(&["-5", "1", "70000", "9999999999"])),
            Value::Set(texts(&["x", "1", "y"])),
            Value::Hash(vec![(text("f"), text("7")), (text("g"), text("x"))]),
            Value::Hash(vec![(long.clone(), text("7")), (text("g"), long.clone())]),
            Value::Zset(vec![
                (text("a"), -1.5),
                (text("b"), 3.0),
                (text("c"), 1e300),
            ]),
            Value::Zset(vec![(text("a"), 2.5), (long, -1.0)]),
        ];
        let position = Position {
            stream_db: 1,
            replid: "0123456789abcdef0123456789abcdef01234567",
            offset: 1 << 40,
        };
        let mut writer = Writer::new(
            &aux_fields(1_700_000_000, 1 << 20, Some(position)),
            compress,
        );
        let mut entries = Vec::new();
        for db in [3, 70] {
            writer.select(db, values.len(), values.len() / 2);
            for (i, value) in values.iter().enumerate() {
                let expire_at_ms = (i % 2 == 1).then_some(4_000_000_000_000 + i as i64);
                let entry = Entry {
                    db,
                    key: text(&format!("key {i}")),
                    expire_at_ms,
                    value: value.clone(),
                };
                writer.entry(&entry.key, expire_at_ms, value);
                entries.push(entry);
            }
        }
        (writer.finish(), entries)
    }

    #[test]
    fn a_file_comes_back() {
        for compress in [false, true] {
            let (bytes, entries) = sample(compress, 900);
            let rdb = read(&bytes).expect("it was just written");
            assert_eq!(rdb.entries, entries);
            assert_eq!(
                (rdb.version, rdb.len, rdb.aux("repl-offset")),
                (10, bytes.len(), Some(&text("1099511627776")))
            );
        }
    }

    #[test]
    fn every_cut_is_an_error() {
        for compress in [false, true] {
            let (bytes, _) = sample(compress, 3);
            for cut in 0..bytes.len() {
                assert!(read(&bytes[..cut]).is_err(), "cut at {cut}");
            }
        }
    }

    #[test]
    fn every_flip_is_an_error_or_does_not_matter() {
        for compress in [false, true] {
            let (mut bytes, entries) = sample(compress, 3);
            let sum_at = bytes.len() - 8;
            for at in 0..bytes.len() {
                for bit in 0..8 {
                    bytes[at] ^= 1 << bit;
                    if let Ok(rdb) = read(&bytes) {
                        let passes = "only a version without checksums passes";
                        assert_eq!((&rdb.entries, at), (&entries, 8), "{passes}");
                    }
                    bytes[at] ^= 1 << bit;
                }
            }
            // Without a checksum much passes; all of it has to end, and well.
            bytes[sum_at..].fill(0);
            for at in 0..bytes.len() {
                for change in [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff] {
                    bytes[at] ^= change;
                    let _ = read(&bytes);
                    bytes[at] ^= change;
                }
            }
        }
    }

    fn string() -> impl Strategy<Value = Bytes> {
        prop_oneof![
            vec(any::<u8>(), 0..80).prop_map(Bytes::from),
            vec(0u8..2, 0..300).prop_map(Bytes::from),
            any::<i64>().prop_map(|n| text(&n.to_string())),
            (-200i64..200).prop_map(|n| text(&n.to_string())),
        ]
    }

    fn value() -> impl Strategy<Value = Value> {
        // Not NaN, which no sorted set holds, and not -0, which a listpack stores as 0.
        let score = prop_oneof![any::<f64>(), (-99i64..99).prop_map(|n| n as f64)]
            .prop_map(|score| if score.is_nan() { 0.0 } else { score + 0.0 });
        prop_oneof![
            string().prop_map(Value::String),
            vec(string(), 1..200).prop_map(Value::List),
            proptest::collection::btree_set(string(), 1..30)
                .prop_map(|set| Value::Set(set.into_iter().collect())),
            proptest::collection::btree_set(any::<i64>(), 1..30).prop_map(|set| Value::Set(
                set.into_iter().map(|n| text(&n.to_string())).collect()
            )),
            vec((string(), string()), 1..20).prop_map(Value::Hash),
            vec((string(), score), 1..20).prop_map(Value::Zset),
        ]
    }

    /// Sets of integers and sorted sets have an order of their own in the file.
    fn sorted(mut value: Value) -> Value {
        match &mut value {
            Value::Set(members) => members.sort(),
            Value::Zset(members) => {
                members.sort_by(|(a, x), (b, y)| x.total_cmp(y).then_with(|| a.cmp(b)));
            }
            Value::String(_) | Value::List(_) | Value::Hash(_) | Value::Stream(_) => {}
        }
        value
    }

    proptest! {
        #[test]
        fn reads_what_it_writes(
            entries in vec((0usize..20_000, string(), proptest::option::of(any::<i64>()), value()), 0..8),
            compress: bool,
        ) {
            let mut writer = Writer::new(&[("a", Aux::Int(-1))], compress);
            for (db, key, expire_at_ms, value) in &entries {
                writer.select(*db, 1, usize::from(expire_at_ms.is_some()));
                writer.entry(key, *expire_at_ms, value);
            }
            let bytes = writer.finish();
            let rdb = read(&bytes).expect("it was just written");
            prop_assert_eq!(rdb.len, bytes.len());
            prop_assert_eq!(rdb.entries.len(), entries.len());
            for (entry, (db, key, expire_at_ms, value)) in rdb.entries.into_iter().zip(entries) {
                prop_assert_eq!((entry.db, entry.key, entry.expire_at_ms), (db, key, expire_at_ms));
                prop_assert_eq!(sorted(entry.value), sorted(value));
            }
        }

        #[test]
        fn any_bytes_are_safe(body in vec(any::<u8>(), 0..300)) {
            let mut bytes = b"REDIS0010".to_vec();
            bytes.extend_from_slice(&body);
            let _ = read(&bytes);
        }
    }
}
