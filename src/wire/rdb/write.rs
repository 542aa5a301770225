//! Makes a snapshot as the forked child of Redis 7.0 does (`rdbSaveRio`): some facts about the server, then each database
//! with its keys, then a checksum. Piece by piece, so that whoever writes can do it in a stretch of virtual time.
//!
//! Each value takes the [`Shape`] that it has in memory, and a list the nodes that it has if it was filled in the order
//! given: the bytes are those of the real server, but for what LZF makes of long strings.

use super::listpack::Listpack;
use super::lzf::Packer;
use super::packed::{Kind, Packed};
use super::stream::{Id, Stream};
use super::{
    NODE_PACKED, Use, VERSION, Value, crc64, crc64_on, encoded, integer, intset, number, tag,
};

/// Bytes of one node of a list where `list-max-listpack-size` counts elements, and where it says -2.
const LIST_NODE_SIZE: usize = 8192;
/// What an element of a list is reckoned to take besides its bytes, when it is asked whether a node has room.
const LIST_ELEMENT_OVERHEAD: usize = 8;
/// Strings up to this length are never compressed, and an attempt has to save this much.
const LZF_MIN: usize = 20;
const LZF_SAVES_MIN: usize = 4;

/// How a value is kept in memory, which is how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// As one block, an intset or a listpack (`OBJECT ENCODING`), if it is a set, a hash or a sorted set.
    pub packed: bool,
    /// `list-max-listpack-size`, if it is a list: elements of a node, or, from -1 to -5, its bytes from 4 KB to 64 KB.
    pub list_node: i64,
}

impl Shape {
    /// What has no need of a limit: each in one block, and lists as by default.
    pub const SMALL: Self = Self {
        packed: true,
        list_node: -2,
    };

    /// Whether a node of a list has room for one element more (`_quicklistNodeAllowInsert`).
    fn has_room(self, node: &Listpack, element: &[u8]) -> bool {
        let size = node.size() + element.len() + LIST_ELEMENT_OVERHEAD;
        match self.list_node {
            fill @ ..0 => size <= 4096 << (-1 - fill.max(-5)),
            fill => size <= LIST_NODE_SIZE && (node.len() as i64) < fill.min(i64::from(i16::MAX)),
        }
    }

    /// Of how many nodes a list is, filled from the first element on, and their bytes.
    pub fn nodes<B: AsRef<[u8]>>(self, elements: &[B]) -> (usize, usize) {
        let (mut nodes, mut bytes, mut node) = (1, 0, Listpack::default());
        for element in elements {
            if !node.is_empty() && !self.has_room(&node, element.as_ref()) {
                (nodes, bytes) = (nodes + 1, bytes + node.size());
                node.clear();
            }
            node.push(element.as_ref());
        }
        (nodes, bytes + node.size())
    }
}

/// A fact about the server or the snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aux<'a> {
    Text(&'a str),
    Int(i64),
}

/// Where the snapshot is in a replication stream. A replica that loads it goes on from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position<'a> {
    /// The database that the stream had selected; 0 if none.
    pub stream_db: usize,
    pub replid: &'a str,
    /// The last byte of the stream that the snapshot has in it.
    pub offset: i64,
}

/// The facts that 7.0.15 writes, in its order (`rdbSaveInfoAuxFields`). `ctime_s` is Unix time in seconds, `used_mem` is
/// in bytes.
pub fn aux_fields(
    ctime_s: i64,
    used_mem: i64,
    position: Option<Position<'_>>,
) -> Vec<(&'static str, Aux<'_>)> {
    let mut fields = vec![
        ("redis-ver", Aux::Text("7.0.15")),
        ("redis-bits", Aux::Int(64)),
        ("ctime", Aux::Int(ctime_s)),
        ("used-mem", Aux::Int(used_mem)),
    ];
    if let Some(position) = position {
        fields.push(("repl-stream-db", Aux::Int(position.stream_db as i64)));
        fields.push(("repl-id", Aux::Text(position.replid)));
        fields.push(("repl-offset", Aux::Int(position.offset)));
    }
    fields.push(("aof-base", Aux::Int(0)));
    fields
}

/// A value alone, as `DUMP` gives it: its type, its bytes, the version and a checksum. `compress` is `rdbcompression`.
pub fn dump<B: AsRef<[u8]>>(value: &Value<B>, shape: Shape, compress: bool) -> Vec<u8> {
    let mut writer = Writer {
        out: vec![],
        taken: 0,
        sum: 0,
        compress,
        checksum: true,
        used: Use::default(),
        pack: Listpack::new(),
        packed: vec![],
        packer: Packer::default(),
    };
    writer.entry(b"", None, value, shape);
    writer.out.remove(1); // the empty key
    writer
        .out
        .extend_from_slice(&(VERSION as u16).to_le_bytes());
    let sum = crc64(&writer.out);
    writer.out.extend_from_slice(&sum.to_le_bytes());
    writer.out
}

/// A snapshot in the making: `select` a database, put in its `entry`s, and so on; then `finish`.
#[derive(Clone, Debug)]
pub struct Writer {
    /// What was written and not taken.
    out: Vec<u8>,
    /// How many bytes were taken before, and their checksum.
    taken: usize,
    sum: u64,
    compress: bool,
    checksum: bool,
    /// For the next key.
    used: Use,
    /// Kept for the next value, and empty: elements on their way into one string, and that string compressed.
    pack: Listpack,
    packed: Vec<u8>,
    packer: Packer,
}

impl Writer {
    /// Begins a file. `compress` is `rdbcompression`.
    pub fn new(aux: &[(&str, Aux<'_>)], compress: bool) -> Self {
        let mut writer = Self {
            out: b"REDIS".to_vec(),
            taken: 0,
            sum: 0,
            compress,
            checksum: true,
            used: Use::default(),
            pack: Listpack::new(),
            packed: Vec::new(),
            packer: Packer::default(),
        };
        for place in [1000, 100, 10, 1] {
            writer.out.push(b'0' + (VERSION / place % 10) as u8);
        }
        for &(name, value) in aux {
            writer.out.push(tag::AUX);
            writer.string(name.as_bytes());
            match value {
                Aux::Text(text) => writer.string(text.as_bytes()),
                Aux::Int(n) => writer.string(number::decimal(n, &mut [0; 20])),
            }
        }
        writer
    }

    /// Without a checksum: `rdbchecksum no`.
    pub fn unchecked(self) -> Self {
        Self {
            checksum: false,
            ..self
        }
    }

    /// The keys of `db` come next: so many, of which `expires` have a time to live. Redis leaves out an empty database.
    pub fn select(&mut self, db: usize, keys: usize, expires: usize) {
        self.out.push(tag::SELECTDB);
        self.length(db);
        self.out.push(tag::RESIZEDB);
        self.length(keys);
        self.length(expires);
    }

    /// Of the key that comes next, how it was used.
    pub fn used(&mut self, used: Use) {
        self.used = used;
    }

    /// Puts in one key of the selected database. The members of a set or a sorted set may come in any order.
    pub fn entry<B: AsRef<[u8]>>(
        &mut self,
        key: &[u8],
        expire_at_ms: Option<i64>,
        value: &Value<B>,
        shape: Shape,
    ) {
        if let Some(ms) = expire_at_ms {
            self.out.push(tag::EXPIRE_MS);
            self.out.extend_from_slice(&ms.to_le_bytes());
        }
        let used = std::mem::take(&mut self.used);
        if let Some(seconds) = used.idle_s {
            self.out.push(tag::IDLE);
            self.length_u64(seconds);
        }
        if let Some(often) = used.freq {
            self.out.extend_from_slice(&[tag::FREQ, often]);
        }
        match value {
            Value::String(text) => {
                self.head(tag::STRING, key);
                self.string(text.as_ref());
            }
            _ => self.collection(key, value, shape),
        }
    }

    /// What is no string; on its own as a page that opens writes strings only.
    #[inline(never)]
    fn collection<B: AsRef<[u8]>>(&mut self, key: &[u8], value: &Value<B>, shape: Shape) {
        match value {
            Value::String(_) => unreachable!("a string is written as it is"),
            Value::List(elements) => self.list(key, elements, shape),
            Value::Set(members) => self.set(key, members, shape.packed),
            Value::Hash(fields) => self.hash(key, fields, shape.packed),
            Value::Zset(members) => self.zset(key, members, shape.packed),
            Value::Stream(stream) => self.stream(key, stream),
            Value::Packed(packed) => self.blocks(key, packed),
        }
    }

    /// How many bytes there are so far.
    pub fn len(&self) -> usize {
        self.taken + self.out.len()
    }

    /// Never: a file begins with its version.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn taken(&self) -> usize {
        self.taken
    }

    /// What was written since the last call; the parts, and what `finish` gives, make the file.
    pub fn take(&mut self) -> Vec<u8> {
        if self.checksum {
            self.sum = crc64_on(self.sum, &self.out);
        }
        self.taken += self.out.len();
        std::mem::take(&mut self.out)
    }

    /// Ends the file with its checksum, or zeros instead; what of it was not taken.
    pub fn finish(mut self) -> Vec<u8> {
        self.out.push(tag::EOF);
        let sum = if self.checksum {
            crc64_on(self.sum, &self.out)
        } else {
            0
        };
        self.out.extend_from_slice(&sum.to_le_bytes());
        self.out
    }

    /// What was read as it is and not changed since.
    fn blocks(&mut self, key: &[u8], packed: &Packed) {
        let list = packed.kind == Kind::List;
        self.head(packed.tag(), key);
        if list {
            self.length(packed.blocks().count());
        }
        for block in packed.blocks() {
            if list {
                self.length(NODE_PACKED as usize);
            }
            self.string(block);
        }
    }

    fn list<B: AsRef<[u8]>>(&mut self, key: &[u8], elements: &[B], shape: Shape) {
        let mut nodes = Vec::new();
        let mut node = std::mem::take(&mut self.pack);
        for element in elements {
            let element = element.as_ref();
            if !node.is_empty() && !shape.has_room(&node, element) {
                nodes.push(std::mem::take(&mut node));
            }
            node.push(element);
        }
        self.head(tag::LIST_QUICKLIST_2, key);
        self.length(nodes.len() + usize::from(!node.is_empty()));
        for node in nodes {
            self.length(NODE_PACKED as usize);
            self.packed(node);
        }
        if !node.is_empty() {
            self.length(NODE_PACKED as usize);
        }
        self.packed(node);
    }

    /// A listpack as a string; its memory is kept for the next one. One without elements is not written.
    fn packed(&mut self, mut pack: Listpack) {
        if !pack.is_empty() {
            self.string(pack.finish());
        }
        pack.clear();
        self.pack = pack;
    }

    fn set<B: AsRef<[u8]>>(&mut self, key: &[u8], members: &[B], packed: bool) {
        if packed
            && let Some(mut numbers) = members
                .iter()
                .map(|member| integer(member.as_ref()))
                .collect::<Option<Vec<i64>>>()
        {
            crate::order::sort_by(&mut numbers, i64::cmp);
            self.head(tag::SET_INTSET, key);
            return self.string(&intset::encode(&numbers));
        }
        self.head(tag::SET, key);
        self.length(members.len());
        for member in members {
            self.string(member.as_ref());
        }
    }

    fn hash<B: AsRef<[u8]>>(&mut self, key: &[u8], fields: &[(B, B)], packed: bool) {
        if packed {
            let mut pack = std::mem::take(&mut self.pack);
            for (field, value) in fields {
                pack.push(field.as_ref());
                pack.push(value.as_ref());
            }
            self.head(tag::HASH_LISTPACK, key);
            return self.packed(pack);
        }
        self.head(tag::HASH, key);
        self.length(fields.len());
        for (field, value) in fields {
            self.string(field.as_ref());
            self.string(value.as_ref());
        }
    }

    fn zset<B: AsRef<[u8]>>(&mut self, key: &[u8], members: &[(B, f64)], packed: bool) {
        let mut sorted: Vec<&(B, f64)> = members.iter().collect();
        let order = |(a, x): &&(B, f64), (b, y): &&(B, f64)| {
            (x + 0.0)
                .total_cmp(&(y + 0.0))
                .then_with(|| a.as_ref().cmp(b.as_ref()))
        };
        if !sorted.is_sorted_by(|a, b| order(a, b).is_le()) {
            crate::order::sort_by(&mut sorted, order);
        }
        if packed {
            let mut pack = std::mem::take(&mut self.pack);
            for (member, score) in sorted {
                pack.push(member.as_ref());
                if let Some(n) = number::whole_score(*score) {
                    pack.push_int(n);
                } else if let Some(text) = number::few_places(*score, &mut [0; 20]) {
                    pack.push_text(text);
                } else {
                    pack.push(number::score_text(*score).as_bytes());
                }
            }
            self.head(tag::ZSET_LISTPACK, key);
            return self.packed(pack);
        }
        self.head(tag::ZSET_2, key);
        self.length(sorted.len());
        // The greatest first: whoever loads it into a skiplist always inserts at the front.
        for (member, score) in sorted.into_iter().rev() {
            self.string(member.as_ref());
            self.out.extend_from_slice(&score.to_le_bytes());
        }
    }

    fn stream(&mut self, key: &[u8], stream: &Stream) {
        self.head(tag::STREAM_2, key);
        self.length(stream.nodes.len());
        for node in &stream.nodes {
            self.length(16);
            self.raw_id(node.id());
            self.string(&node.pack());
        }
        self.length(stream.len);
        for id in [stream.last, stream.first, stream.max_removed] {
            self.id(id);
        }
        self.length_u64(stream.added);
        self.length(stream.groups.len());
        for group in &stream.groups {
            self.string(&group.name);
            self.id(group.last);
            self.length_u64(group.read.unwrap_or(u64::MAX));
            self.length(group.pending.len());
            for pending in &group.pending {
                self.raw_id(pending.id);
                self.out.extend_from_slice(&pending.time_ms.to_le_bytes());
                self.length_u64(pending.count);
            }
            self.length(group.consumers.len());
            for consumer in &group.consumers {
                self.string(&consumer.name);
                self.out.extend_from_slice(&consumer.seen_ms.to_le_bytes());
                let pending = || group.pending_of(&consumer.name);
                self.length(pending().count());
                pending().for_each(|pending| self.raw_id(pending.id));
            }
        }
    }

    fn id(&mut self, id: Id) {
        self.length_u64(id.ms);
        self.length_u64(id.seq);
    }

    fn raw_id(&mut self, id: Id) {
        self.out.extend_from_slice(&id.ms.to_be_bytes());
        self.out.extend_from_slice(&id.seq.to_be_bytes());
    }

    fn head(&mut self, kind: u8, key: &[u8]) {
        self.out.push(kind);
        self.string(key);
    }

    /// A length, in as few bytes as it takes; the bytes after the first are the most significant first (`rdbSaveLen`).
    fn length(&mut self, len: usize) {
        self.length_u64(len as u64);
    }

    fn length_u64(&mut self, len: u64) {
        match len {
            0..64 => self.out.push(len as u8),
            64..16384 => self
                .out
                .extend_from_slice(&[0x40 | (len >> 8) as u8, len as u8]),
            16384..=0xffff_ffff => {
                self.out.push(0x80);
                self.out.extend_from_slice(&(len as u32).to_be_bytes());
            }
            _ => {
                self.out.push(0x81);
                self.out.extend_from_slice(&len.to_be_bytes());
            }
        }
    }

    /// A string: as an integer if it is a short one, compressed if that saves enough, or as it is (`rdbSaveRawString`).
    fn string(&mut self, text: &[u8]) {
        if text.len() <= 11
            && let Some(n) = integer(text).and_then(|n| i32::try_from(n).ok())
        {
            let (kind, width) = if i8::try_from(n).is_ok() {
                (encoded::INT8, 1)
            } else if i16::try_from(n).is_ok() {
                (encoded::INT16, 2)
            } else {
                (encoded::INT32, 4)
            };
            self.out.push(0xc0 | kind);
            return self.out.extend_from_slice(&n.to_le_bytes()[..width]);
        }
        if self.compress && text.len() > LZF_MIN {
            let mut packed = std::mem::take(&mut self.packed);
            packed.clear();
            let saves = self
                .packer
                .pack(text, text.len() - LZF_SAVES_MIN, &mut packed);
            if saves {
                self.out.push(0xc0 | encoded::LZF);
                self.length(packed.len());
                self.length(text.len());
                self.out.extend_from_slice(&packed);
            }
            self.packed = packed;
            if saves {
                return;
            }
        }
        self.length(text.len());
        self.out.extend_from_slice(text);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Bytes;
    use super::*;

    /// What a real 7.0.15 wrote between its facts and its end for one key `k`, `rdbcompression no`.
    fn body(expire_at_ms: Option<i64>, value: &Value) -> String {
        let mut writer = Writer::new(&[], false);
        writer.select(0, 1, usize::from(expire_at_ms.is_some()));
        writer.entry(b"k", expire_at_ms, value, Shape::SMALL);
        let file = writer.finish();
        assert_eq!(file[file.len() - 9], 0xff);
        hex(&file[9..file.len() - 9])
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn string(text: &str) -> Value {
        Value::String(text.as_bytes().into())
    }

    fn texts(texts: &[&str]) -> Vec<Bytes> {
        texts.iter().map(|text| text.as_bytes().into()).collect()
    }

    #[test]
    fn strings_as_redis_writes_them() {
        for (text, bytes) in [
            ("hello", "0568656c6c6f"),
            ("12", "c00c"),
            ("-300", "c1d4fe"),
            ("100000", "c2a0860100"),
            ("12345678901", "0b3132333435363738393031"),
            ("-2147483648", "c200000080"),
            ("2147483648", "0a32313437343833363438"),
            ("012", "03303132"),
            ("", "00"),
        ] {
            assert_eq!(
                body(None, &string(text)),
                format!("fe00fb010000016b{bytes}"),
                "{text}"
            );
        }
        let long = "x".repeat(70);
        assert_eq!(
            body(None, &string(&long)),
            format!("fe00fb010000016b4046{}", "78".repeat(70))
        );
        let at_ms = i64::from_le_bytes([0x00, 0x40, 0x94, 0x52, 0xa3, 0x03, 0, 0]);
        assert_eq!(
            body(Some(at_ms), &string("v")),
            "fe00fb0101fc00409452a303000000016b0176"
        );
    }

    #[test]
    fn small_values_as_redis_writes_them() {
        let list = Value::List(texts(&["a", "b", "3"]));
        assert_eq!(
            body(None, &list),
            "fe00fb010012016b01020f0f00000003008161028162020301ff"
        );
        let set = Value::Set(texts(&["3", "1", "2"]));
        assert_eq!(
            body(None, &set),
            "fe00fb01000b016b0e0200000003000000010002000300"
        );
        let set = Value::Set(texts(&["a"]));
        assert_eq!(body(None, &set), "fe00fb010002016b010161");
        let zset = Value::Zset(vec![(b"b"[..].into(), 2.0), (b"a"[..].into(), 1.5)]);
        assert_eq!(
            body(None, &zset),
            "fe00fb010011016b1414000000040081610283312e35048162020201ff"
        );
        let hash = Value::Hash(vec![
            (b"f"[..].into(), b"v"[..].into()),
            (b"g"[..].into(), b"7"[..].into()),
        ]);
        assert_eq!(
            body(None, &hash),
            "fe00fb010010016b121200000004008166028176028167020701ff"
        );
    }

    #[test]
    fn large_forms_and_the_nodes_of_lists() {
        let written = |value: &Value, packed, list_node| {
            let mut writer = Writer::new(&[], false);
            let start = writer.len();
            writer.entry(b"k", None, value, Shape { packed, list_node });
            writer.out[start..][..4].to_vec()
        };
        let kind = |value: &Value, packed| written(value, packed, -2)[0];
        let numbers = texts(&["3", "1", "2"]);
        let set = Value::Set(numbers.clone());
        assert_eq!(kind(&set, true), tag::SET_INTSET);
        assert_eq!(kind(&set, false), tag::SET);
        let hash = Value::Hash(vec![(b"f"[..].into(), b"v"[..].into())]);
        assert_eq!(kind(&hash, true), tag::HASH_LISTPACK);
        assert_eq!(kind(&hash, false), tag::HASH);
        let zset = Value::Zset(vec![(b"a"[..].into(), 1.5)]);
        assert_eq!(kind(&zset, true), tag::ZSET_LISTPACK);
        assert_eq!(kind(&zset, false), tag::ZSET_2);
        let nodes = |list: &Value, max| written(list, true, max)[3];
        let list = Value::List(numbers);
        assert_eq!(
            [0, 1, 2, 3, -1].map(|max| nodes(&list, max)),
            [3, 3, 2, 1, 1]
        );
        let list = Value::List(vec![vec![b'x'; 1000].into(); 40]);
        assert_eq!(
            [100, -1, -2, -3, -9].map(|max| nodes(&list, max)),
            [5, 10, 5, 3, 1]
        );
    }

    #[test]
    fn the_facts_come_in_redis_order() {
        let replid = "0123456789abcdef0123456789abcdef01234567";
        let position = Position {
            stream_db: 0,
            replid,
            offset: 70_000,
        };
        let file = Writer::new(&aux_fields(1_700_000_000, 1000, Some(position)), false).finish();
        let read = super::super::read::read(&file).expect("it is a whole file");
        let facts: Vec<(&str, &str)> = read
            .facts
            .aux
            .iter()
            .map(|(name, value)| (text(name), text(value)))
            .collect();
        assert_eq!(
            facts,
            [
                ("redis-ver", "7.0.15"),
                ("redis-bits", "64"),
                ("ctime", "1700000000"),
                ("used-mem", "1000"),
                ("repl-stream-db", "0"),
                ("repl-id", replid),
                ("repl-offset", "70000"),
                ("aof-base", "0"),
            ]
        );
        assert_eq!(
            hex(&file[..25]),
            "524544495330303130fa0972656469732d76657206372e302e"
        );
        assert_eq!(
            hex(&file[file.len() - 20..file.len() - 8]),
            "616f662d62617365c000ff"[..].replace("616f", "08616f")
        );
    }

    fn text(bytes: &[u8]) -> &str {
        std::str::from_utf8(bytes).expect("facts are text")
    }

    #[test]
    fn the_checksum_is_that_of_redis() {
        assert_eq!(crc64(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
    }
}
