//! Takes a snapshot apart (`rdbLoadRio`): all of it at once, or as it comes ([`Loader`]). Versions 1 to 12 are read, and
//! Valkey's; of what came after Redis 7.0 everything that a 7.0 server can hold.
//!
//! Left to whoever loads the keys: keys or members that come twice, and databases past the last.

use super::inspect::Kind;
use super::reader::{Reader, Wrong, shown};
use super::value::{Dialect, type_name};
use super::{Bytes, Entry, NEWEST, Use, VALKEY, VERSION, Value, crc64, crc64_on, tag};
use std::fmt;

/// What a snapshot holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rdb {
    pub facts: Facts,
    pub entries: Vec<Entry>,
    /// The size of the file in bytes. What comes after is not looked at, as Redis does not.
    pub len: usize,
}

/// What is known of a snapshot besides its keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    pub version: u32,
    /// Facts about the server that wrote it, in the order of the file.
    pub aux: Vec<(Bytes, Bytes)>,
    /// Keys that had no elements: Redis leaves them out and says how many.
    pub empty_keys_skipped: usize,
    /// The first of them.
    pub empty_keys: Vec<Bytes>,
    /// Hash fields that had a time to live of their own, which Redis 7.0 does not know: they are there, without it.
    pub volatile_fields: usize,
    /// Libraries of functions that were passed over: nothing here runs them.
    pub functions: usize,
    /// The writer had `rdbchecksum no`.
    pub unchecked: bool,
}

impl Facts {
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
    /// The file begins with neither `REDIS` nor `VALKEY`.
    Signature,
    /// A newer version of Redis wrote it, or none.
    Version(u32),
    /// Here the file promises so many bytes, and has only so many left.
    Truncated { needed: u64, left: usize },
    /// A value of a type that is not read.
    Unsupported(u8),
    /// Data of a module that is not there, by its name.
    Module { name: [u8; 9], aux: bool },
    /// The file contradicts the format.
    Corrupt(&'static str),
    /// So does the packed form of a value, which is `form: why`; whose, where Redis says so.
    Packed {
        of: &'static str,
        what: &'static str,
    },
    /// Some byte of the file is not what was written.
    Checksum { stored: u64, computed: u64 },
}

impl Problem {
    /// Something is there twice in a packed value of this type: Redis sees that while it checks the form.
    pub fn twice(kind: u8) -> Option<Self> {
        let what = match kind {
            tag::HASH_ZIPLIST | tag::ZSET_ZIPLIST => "ziplist: ziplist with dup elements",
            tag::HASH_LISTPACK | tag::ZSET_LISTPACK => "listpack: listpack with dup elements",
            _ => return None,
        };
        Some(Self::Corrupt(what).of(kind))
    }

    /// The same, in a value of this type.
    pub(super) fn of(self, kind: u8) -> Self {
        let of = match kind {
            tag::HASH_ZIPLIST | tag::HASH_LISTPACK => "Hash ",
            tag::ZSET_ZIPLIST | tag::ZSET_LISTPACK => "Zset ",
            tag::LIST_ZIPLIST => "List ",
            tag::STREAM | tag::STREAM_2 | tag::STREAM_3 => "Stream ",
            _ => "",
        };
        match self {
            Self::Corrupt(what) if what.contains(": ") && !what.starts_with("LZF") => {
                Self::Packed { of, what }
            }
            other => other,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Signature => f.write_str("Wrong signature trying to load DB from file"),
            Self::Version(version) => write!(f, "Can't handle RDB format version {version}"),
            Self::Truncated { needed, left } => {
                write!(
                    f,
                    "Unexpected EOF reading RDB file: {needed} bytes needed, {left} left"
                )
            }
            Self::Unsupported(tag::FUNCTION_PRE_GA) => {
                f.write_str("Pre-release function format not supported.")
            }
            Self::Unsupported(kind) => write!(f, "Unknown RDB encoding type {kind}"),
            Self::Module { name, aux } => {
                let (data, kind) = if aux {
                    ("AUX module", "")
                } else {
                    ("module", " type")
                };
                let name = name.escape_ascii();
                write!(
                    f,
                    "The RDB file contains {data} data I can't load: no matching module{kind} '{name}'"
                )
            }
            Self::Corrupt(what) => f.write_str(what),
            Self::Packed { of, what } => {
                let (form, why) = what.split_once(": ").unwrap_or((what, "it is wrong"));
                write!(f, "{of}{form} integrity check failed: {why}")
            }
            Self::Checksum { stored, computed } => {
                write!(
                    f,
                    "Wrong RDB checksum expected: ({computed:x}) but got ({stored:x})"
                )
            }
        }
    }
}

impl RdbError {
    /// It is no file of Redis, or of a version that is not known: nothing of it was read.
    pub fn refused(&self) -> bool {
        matches!(self.problem, Problem::Signature | Problem::Version(_))
    }
}

impl fmt::Display for RdbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, at byte {}", self.problem, self.offset)?;
        if let Some(key) = &self.key {
            write!(f, ", key '{}'", shown(key))?;
        }
        Ok(())
    }
}

impl std::error::Error for RdbError {}

pub(super) fn failed((offset, problem): Wrong, key: Option<Bytes>) -> RdbError {
    RdbError {
        offset,
        key,
        problem,
    }
}

/// Reads a snapshot and checks it to the last byte.
///
/// # Errors
///
/// The first problem in the order of the file; the checksum, which is at its end, comes last.
pub fn read(bytes: &[u8]) -> Result<Rdb, RdbError> {
    let mut reader = Reader::new(bytes);
    let mut state = State::default();
    let mut entries = Vec::new();
    loop {
        match state.step(&mut reader) {
            Ok(Step::Entry(entry)) => entries.push(entry),
            Ok(Step::Other) => {}
            Ok(Step::End) => break,
            Err(wrong) => return Err(failed(wrong, reader.key.take())),
        }
    }
    Ok(Rdb {
        facts: state.facts,
        entries,
        len: reader.at,
    })
}

/// What a `DUMP` holds between nothing and its version; `None` when version or checksum are wrong.
pub fn dumped(bytes: &[u8], unchecked: bool) -> Option<&[u8]> {
    let (rest, sum) = bytes.split_last_chunk()?;
    let (body, version) = rest.split_last_chunk()?;
    let good = u32::from(u16::from_le_bytes(*version)) <= VERSION
        && (unchecked || crc64(rest) == u64::from_le_bytes(*sum));
    good.then_some(body)
}

/// One value that begins with its type; `None` when it is empty.
///
/// # Errors
/// What is wrong with it, and at which byte.
pub fn value(bytes: &[u8]) -> Result<Option<Value>, (usize, Problem)> {
    let mut reader = Reader::new(bytes);
    let kind = reader.byte()?;
    Ok(reader.value(kind, 0, Dialect::default())?.0)
}

/// Reads a snapshot that comes bit by bit, and gives its keys as soon as they are there.
#[derive(Clone, Debug, Default)]
pub struct Loader {
    /// What has come and is not read yet, after `at` bytes that are.
    bytes: Vec<u8>,
    at: usize,
    /// Bytes of the file before those.
    passed: usize,
    /// Not before there are so many bytes can more be read.
    wanted: usize,
    state: State,
    ended: bool,
}

impl Loader {
    /// Reads a file that is there as a whole.
    pub fn of(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            ..Self::default()
        }
    }

    /// Takes the file whatever its checksum: `rdbchecksum no`.
    pub fn unchecked(mut self) -> Self {
        self.state.trusts = true;
        self
    }

    pub fn facts(&self) -> &Facts {
        &self.state.facts
    }

    /// Bytes of the file that were read.
    pub fn position(&self) -> usize {
        self.passed + self.at
    }

    /// What comes after the end of the file, or what of it is not read yet.
    pub fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    /// How many keys the current database has by what the file says, as far as what came of it has room for them.
    pub fn promised_keys(&self) -> usize {
        const LEAST: usize = 3;
        usize::try_from(self.state.keys)
            .unwrap_or(usize::MAX)
            .min(self.rest().len() / LEAST)
    }

    /// The whole file was read, and its checksum is right.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// More of the file.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.at > self.bytes.len() / 2 {
            self.state.pass(&self.bytes[..self.at]);
            self.bytes.drain(..self.at);
            self.passed += std::mem::take(&mut self.at);
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next key; nothing when the file ended, or when more of it has to come first.
    ///
    /// # Errors
    ///
    /// As [`read`]; that the file is cut is an error only once it is known that nothing more comes ([`Self::cut`]).
    pub fn next_key(&mut self) -> Result<Option<Entry>, RdbError> {
        while !self.ended && self.rest().len() >= self.wanted {
            let mut reader = Reader::new(&self.bytes);
            (reader.at, reader.packs) = (self.at, true);
            match self.state.step(&mut reader) {
                Ok(step) => {
                    (self.at, self.wanted) = (reader.at, 0);
                    match step {
                        Step::Entry(entry) => return Ok(Some(entry)),
                        Step::Other => {}
                        Step::End => self.ended = true,
                    }
                }
                // A long value is not read anew for every bit that comes of it.
                Err((_, Problem::Truncated { needed, left })) => {
                    let missing = usize::try_from(needed)
                        .unwrap_or(usize::MAX)
                        .saturating_sub(left);
                    let have = self.rest().len();
                    self.wanted = have
                        .saturating_add(missing)
                        .min(have.saturating_mul(2))
                        .max(have + 1);
                }
                Err((offset, problem)) => {
                    return Err(failed((self.passed + offset, problem), reader.key.take()));
                }
            }
        }
        Ok(None)
    }

    /// What to say of a file that does not go on and has not ended.
    pub fn cut(&mut self) -> RdbError {
        let mut reader = Reader::new(&self.bytes);
        reader.at = self.at;
        let wrong = match self.state.clone().step(&mut reader) {
            Err(wrong) => wrong,
            Ok(_) => (reader.at, Problem::Truncated { needed: 1, left: 0 }),
        };
        failed((self.passed + wrong.0, wrong.1), reader.key.take())
    }
}

/// How far a file was read.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub facts: Facts,
    dialect: Dialect,
    pub db: usize,
    /// For the next key.
    expire_at_ms: Option<i64>,
    used: Use,
    /// The checksum of what is not among the reader's bytes any more. The others are added at the end, or when they go:
    /// many at a time cost little.
    sum: u64,
    /// Nobody compares it.
    trusts: bool,
    /// The keys of the database, as the file says.
    keys: u64,
}

/// What the next bytes of a file are.
pub(super) enum Step {
    Entry(Entry),
    /// Something that is in the [`State`] now.
    Other,
    End,
}

impl State {
    /// Reads the first bytes, one opcode, or one key with what stands before it. After an error nothing has changed.
    pub fn step(&mut self, reader: &mut Reader<'_>) -> Result<Step, Wrong> {
        let before = (self.expire_at_ms, self.used, self.facts.functions);
        let step = if self.facts.version == 0 {
            self.header(reader)
        } else {
            self.record(reader)
        };
        if step.is_err() {
            (self.expire_at_ms, self.used, self.facts.functions) = before;
        }
        step
    }

    /// These are the reader's bytes no more, from the first on; all were read.
    fn pass(&mut self, bytes: &[u8]) {
        self.sum = crc64_on(self.sum, bytes);
    }

    fn header(&mut self, reader: &mut Reader<'_>) -> Result<Step, Wrong> {
        let start = reader.at;
        let magic = reader.array::<9>()?;
        self.dialect.valkey = magic.starts_with(b"VALKEY");
        let digits = match &magic {
            [b'R', b'E', b'D', b'I', b'S', digits @ ..] => digits,
            [b'V', b'A', b'L', b'K', b'E', b'Y', digits @ ..] => &digits[..],
            _ => return Err((start, Problem::Signature)),
        };
        // Digits up to the first byte that is none, as `atoi` has it.
        let number = digits.iter().take_while(|byte| byte.is_ascii_digit());
        let version = number.fold(0, |n, digit| n * 10 + u32::from(digit - b'0'));
        let known = if self.dialect.valkey {
            VALKEY..=VALKEY
        } else {
            1..=NEWEST
        };
        if !known.contains(&version) {
            return Err((start + 9 - digits.len(), Problem::Version(version)));
        }
        reader.leaf(start, Kind::Magic, "magic", || {
            magic.escape_ascii().to_string()
        });
        self.facts.version = version;
        Ok(Step::Other)
    }

    fn record(&mut self, reader: &mut Reader<'_>) -> Result<Step, Wrong> {
        let start = reader.at;
        let opcode = reader.byte()?;
        let name = match opcode {
            tag::AUX => "AUX",
            tag::RESIZEDB => "RESIZEDB",
            tag::SELECTDB => "SELECTDB",
            tag::SLOT_INFO => "SLOT_INFO",
            tag::FUNCTION_2 => "FUNCTION2",
            tag::MODULE_AUX => "MODULE_AUX",
            tag::EOF => return self.end(reader, start),
            tag::FUNCTION_PRE_GA => return Err((start, Problem::Unsupported(opcode))),
            _ => {
                reader.at = start;
                return self.entry(reader);
            }
        };
        reader.at = start;
        reader.open(Kind::Record, name);
        reader.at = start + 1;
        reader.leaf(start, Kind::Opcode, "opcode", || {
            format!("{opcode:02x} {name}")
        });
        let value = match opcode {
            tag::AUX => {
                let (name, value) = (reader.string("name")?, reader.string("value")?);
                let text = format!("{} = {}", shown(&name), shown(&value));
                self.facts.aux.push((name, value));
                text
            }
            // The sizes are hints for hash tables.
            tag::RESIZEDB => {
                let (keys, expires) = (reader.length("keys")?, reader.length("keys that expire")?);
                self.keys = keys;
                format!("{keys} keys, {expires} that expire")
            }
            tag::SELECTDB => {
                self.db = usize::try_from(reader.length("database")?).unwrap_or(usize::MAX);
                self.db.to_string()
            }
            tag::SLOT_INFO => {
                let slot = reader.length("slot")?;
                let (keys, expires) = (reader.length("keys")?, reader.length("keys that expire")?);
                format!("slot {slot}: {keys} keys, {expires} that expire")
            }
            tag::FUNCTION_2 => {
                self.facts.functions += 1;
                shown(&reader.string("library")?)
            }
            _ => {
                reader.module_aux(start)?;
                String::new()
            }
        };
        reader.close(|| value);
        Ok(Step::Other)
    }

    /// A key, and what stands before it.
    fn entry(&mut self, reader: &mut Reader<'_>) -> Result<Step, Wrong> {
        reader.open(Kind::Entry, "key");
        loop {
            let start = reader.at;
            let opcode = reader.byte()?;
            let mut name = |name: &'static str| {
                reader.leaf(start, Kind::Opcode, "opcode", || {
                    format!("{opcode:02x} {name}")
                });
            };
            match opcode {
                tag::EXPIRE_MS => {
                    name("EXPIRETIME_MS");
                    self.expire_at_ms = Some(reader.millis("expires at")?);
                }
                tag::EXPIRE_S => {
                    name("EXPIRETIME");
                    let start = reader.at;
                    let seconds = i32::from_le_bytes(reader.array()?);
                    reader.leaf(start, Kind::Number, "expires at", || format!("{seconds} s"));
                    self.expire_at_ms = Some(i64::from(seconds) * 1000);
                }
                tag::IDLE => {
                    name("IDLE");
                    self.used.idle_s = Some(reader.length("idle seconds")?);
                }
                tag::FREQ => {
                    name("FREQ");
                    let start = reader.at;
                    let often = reader.byte()?;
                    self.used.freq = Some(often);
                    reader.leaf(start, Kind::Number, "frequency", || often.to_string());
                }
                tag::SLOT_INFO..=u8::MAX => {
                    // Something else: what was said holds for the next key all the same.
                    reader.at = start;
                    reader.close(String::new);
                    return Ok(Step::Other);
                }
                kind => {
                    reader.leaf(start, Kind::Opcode, "type", || {
                        format!("{kind} {}", type_name(kind, self.dialect))
                    });
                    return self.key(reader, kind, start);
                }
            }
        }
    }

    fn key(&mut self, reader: &mut Reader<'_>, kind: u8, start: usize) -> Result<Step, Wrong> {
        let key = reader.string("key")?;
        let (value, volatile) = match reader.value(kind, start, self.dialect) {
            Ok(loaded) => loaded,
            Err(wrong) => {
                reader.key = Some(key);
                return Err(wrong);
            }
        };
        reader.close(|| shown(&key));
        let expire_at_ms = self.expire_at_ms.take();
        let used = std::mem::take(&mut self.used);
        self.facts.volatile_fields += volatile;
        let Some(value) = value else {
            self.facts.empty_keys_skipped += 1;
            reader.key = Some(key.clone());
            if self.facts.empty_keys.len() < 10 {
                self.facts.empty_keys.push(key);
            }
            return Ok(Step::Other);
        };
        Ok(Step::Entry(Entry {
            db: self.db,
            key,
            expire_at_ms,
            used,
            value,
        }))
    }

    fn end(&mut self, reader: &mut Reader<'_>, start: usize) -> Result<Step, Wrong> {
        reader.leaf(start, Kind::Opcode, "EOF", || "ff EOF".into());
        // Before version 5 there was no checksum.
        if self.facts.version >= 5 {
            let end = reader.at;
            let stored = u64::from_le_bytes(reader.array()?);
            let computed = crc64_on(self.sum, &reader.bytes[..end]);
            reader.leaf(end, Kind::Checksum, "CRC64", || match stored {
                0 => "none".into(),
                _ => format!("{stored:016x}"),
            });
            self.facts.unchecked = stored == 0 && !self.trusts;
            if stored != 0 && stored != computed && !self.trusts {
                return Err((end, Problem::Checksum { stored, computed }));
            }
        }
        Ok(Step::End)
    }
}

#[cfg(test)]
pub(super) mod tests {

    use super::super::packed::tests::opened;
    use super::super::write::{Aux, Position, Shape, Writer, aux_fields};
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
                    used: Use::default(),
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
        let used = one(10, "f8 4e20 f9 ff 00 016b 0176").used;
        assert_eq!((used.idle_s, used.freq), (Some(0xe20), Some(255)));
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
        assert_eq!(
            (rdb.facts.aux("a"), rdb.facts.aux("b")),
            (Some(&text("5")), None)
        );
        assert_eq!(
            (
                rdb.facts.empty_keys_skipped,
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
        writer.entry(b"k", None, &entry.value, Shape::SMALL);
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
                "Stream listpack integrity check failed., at byte 31, key 'k'",
            ),
            (
                "07 016b 81abcdef0123456789 00",
                "The RDB file contains module data I can't load: no matching module type 'q83vASNFZ', at byte 9, key 'k'",
            ),
            (
                "1a 010a 00",
                "Unknown RDB encoding type 26, at byte 9, key '\\n'",
            ),
            (
                "f7 81abcdef0123456789 02 00 00",
                "The RDB file contains AUX module data I can't load: no matching module 'q83vASNFZ', at byte 9",
            ),
            (
                "f6 00",
                "Pre-release function format not supported., at byte 9",
            ),
            (
                "00 016b 40ff 00",
                "Unexpected EOF reading RDB file: 255 bytes needed, 10 left, at byte 14, key 'k'",
            ),
            (
                "00 8200",
                "Unknown length encoding in rdbLoadLen(), at byte 10",
            ),
            ("00 c4", "Unknown RDB string encoding type, at byte 10"),
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
                "Zset with NAN score detected, at byte 15, key 'k'",
            ),
            (
                "03 016b 01 0161 fd",
                "Zset with NAN score detected, at byte 15, key 'k'",
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
                "Hash listpack integrity check failed: size in its header is not its size, at byte 13, key 'k'",
            ),
            (
                "10 016b 0d 0d000000 0200 816602 817603 ff",
                "Hash listpack integrity check failed: the length behind an element is not its length, at byte 24, key 'k'",
            ),
            (
                "10 016b 0a 0a000000 0100 816602 ff",
                "pairs with one element left over, at byte 13, key 'k'",
            ),
            (
                "0b 016b 0c 02000000 02000000 0200 0100",
                "intset integrity check failed: not in ascending order, at byte 23, key 'k'",
            ),
            (
                "0b 016b c005",
                "a number where packed elements should be, at byte 12, key 'k'",
            ),
            (
                "12 016b 01 03 00",
                "Quicklist integrity check failed., at byte 13, key 'k'",
            ),
        ] {
            assert_eq!(error(body), expected, "{body}");
        }
        for (bytes, expected) in [
            (
                &b"REDIS0013"[..],
                "Can't handle RDB format version 13, at byte 5",
            ),
            (b"REDIS0000", "Can't handle RDB format version 0, at byte 5"),
            (b"REDISabcd", "Can't handle RDB format version 0, at byte 5"),
            (
                b"VALKEY081",
                "Can't handle RDB format version 81, at byte 6",
            ),
            (
                b"MEMCACHED",
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
    /// A list of two nodes needs `elements`.
    pub fn sample(compress: bool, elements: usize) -> (Vec<u8>, Vec<Entry>) {
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
                    used: Use {
                        idle_s: (i % 3 == 0).then_some(i as u64 * 100),
                        freq: (i % 4 == 0).then_some(i as u8),
                    },
                    value: value.clone(),
                };
                // A hash and a sorted set with a long string are no listpack.
                let packed = ![8, 10].contains(&i);
                let shape = Shape {
                    packed,
                    ..Shape::SMALL
                };
                writer.used(entry.used);
                writer.entry(&entry.key, expire_at_ms, value, shape);
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
                (rdb.facts.version, rdb.len, rdb.facts.aux("repl-offset")),
                (10, bytes.len(), Some(&text("1099511627776")))
            );
        }
    }

    #[test]
    fn a_file_that_comes_bit_by_bit_is_the_same_file() {
        for (compress, step) in [(false, 1), (true, 7), (false, 4096)] {
            let (mut bytes, entries) = sample(compress, 300);
            let len = bytes.len();
            bytes.extend_from_slice(b"what follows");
            let (mut loader, mut got) = (Loader::default(), Vec::new());
            for part in bytes.chunks(step) {
                loader.feed(part);
                while let Some(mut entry) = loader.next_key().expect("it was just written") {
                    entry.value = opened(entry.value);
                    got.push(entry);
                }
            }
            assert_eq!(
                (got, loader.ended(), loader.position()),
                (entries, true, len)
            );
            assert_eq!(loader.rest(), b"what follows");
        }
        let (mut bytes, _) = sample(false, 3);
        let mut loader = Loader::default();
        loader.feed(&bytes[..bytes.len() - 1]);
        while loader.next_key().expect("as far as it goes").is_some() {}
        assert!(!loader.ended());
        let problem = Problem::Truncated { needed: 8, left: 7 };
        assert_eq!(
            (loader.cut().problem, loader.cut().offset),
            (problem, bytes.len() - 8)
        );
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        loader.feed(&bytes[last..]);
        let error = loader.next_key().expect_err("its checksum is wrong");
        assert!(matches!(error.problem, Problem::Checksum { .. }), "{error}");
    }

    /// What real servers of later versions wrote, and a zipmap.
    #[test]
    fn forms_from_before_and_after() {
        let hash = Value::Hash(vec![(text("a"), text("1")), (text("b"), text("2"))]);
        let set = Value::Set(texts(&["x", "7"]));
        for (version, body, value, volatile) in [
            (11, "14 016b 0c 0c000000 0200 817802 0701 ff", &set, 0),
            (9, "09 016b 0c 02 0161 01 00 31 0162 01 00 32 ff", &hash, 0),
            (
                12,
                "18 016b 00409452a3030000 02 00 0161 0131 05 0162 0132",
                &hash,
                1,
            ),
            (
                12,
                "16 016b 02 00 0161 0131 81000003a352944000 0162 0132",
                &hash,
                1,
            ),
            (
                12,
                "19 016b 00409452a3030000 1d 1d000000 0600 816102 0101 0001 816202 0201 f400409452a3030000 09 ff",
                &hash,
                1,
            ),
            (
                12,
                "17 016b 15 15000000 0600 816102 0101 0001 816202 0201 0501 ff",
                &hash,
                1,
            ),
            (12, "f4 00 01 00 00 016b 0176", &Value::String(text("v")), 0),
        ] {
            let rdb = read(&file(version, body)).unwrap_or_else(|err| panic!("{body}: {err}"));
            assert_eq!(
                (&rdb.entries[0].value, rdb.facts.volatile_fields),
                (value, volatile),
                "{body}"
            );
        }
        let mut valkey = b"VALKEY080\x16\x01k\x01\x01f\x01v".to_vec();
        valkey.extend_from_slice(&4_000_000_000_000u64.to_le_bytes());
        valkey.extend_from_slice(b"\xff\0\0\0\0\0\0\0\0");
        let rdb = read(&valkey).expect("a hash of Valkey 9");
        let hash = Value::Hash(vec![(text("f"), text("v"))]);
        assert_eq!(
            (&rdb.entries[0].value, rdb.facts.volatile_fields),
            (&hash, 1)
        );
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
            _ => {}
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
                writer.entry(key, *expire_at_ms, value, Shape::SMALL);
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
