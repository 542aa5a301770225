//! The RDB snapshot format: written in version 10, as Redis 7.0 writes it, and read in every version up to 12. `write`
//! makes a file piece by piece, as the forked child does; `read` takes one apart, whole or as it comes, and checks its
//! CRC64 (`reader` knows lengths and strings, `value` the types); `inspect` lists its fields with their bytes, `check` tells
//! what is wrong with a file.
//! `packed` keeps a small value as its bytes; `listpack`, `intset` and `lzf` are the packed forms inside, `ziplist` and `zipmap` those of Redis before 7.0 and 2.6,
//! `number` the text of numbers. Plain data in, plain data out: what a key means is the node's business.

pub mod check;
pub mod inspect;
pub mod intset;
pub mod listpack;
pub mod lzf;
pub mod number;
pub mod packed;
pub mod read;
mod reader;
pub mod stream;
mod value;
pub mod write;
pub mod ziplist;
mod zipmap;

use std::rc::Rc;

use super::Bytes;
use super::resp::parse_i64;

/// The version that is written: that of Redis 7.0. Later ones read it, earlier ones do not.
pub const VERSION: u32 = 10;
/// The last version of Redis that is read: that of 7.4 and 8.0.
pub const NEWEST: u32 = 12;
/// The version that Valkey 9 writes, after `VALKEY`.
pub const VALKEY: u32 = 80;

/// The value of one key, in the order of the file; of strings of its own where it was read, of borrowed ones where it is
/// written.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<B = Bytes> {
    String(B),
    List(Vec<B>),
    Set(Vec<B>),
    Hash(Vec<(B, B)>),
    Zset(Vec<(B, f64)>),
    Stream(Rc<stream::Stream>),
    /// One of the above as the bytes that the file has of it, where a [`read::Loader`] read it.
    Packed(packed::Packed),
}

/// How lately a key was used, in seconds, or how often: of use to eviction, and told under the policies that go by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Use {
    pub idle_s: Option<u64>,
    /// The counter of an LFU policy.
    pub freq: Option<u8>,
}

/// One key of a snapshot.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub db: usize,
    pub key: Bytes,
    /// Unix time in milliseconds.
    pub expire_at_ms: Option<i64>,
    pub used: Use,
    pub value: Value,
}

/// Where a packed form is wrong, and how. The offset counts from the start of that form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    pub at: usize,
    pub what: &'static str,
}

/// One element of a listpack or ziplist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    Text(&'a [u8]),
    Int(i64),
}

impl<'a> Item<'a> {
    /// The element as the string that it stands for.
    pub fn to_bytes(self) -> Bytes {
        self.text(&mut [0; 20]).into()
    }

    /// The same, written to `digits` if it is a number.
    pub fn text<'b>(self, digits: &'b mut [u8; 20]) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            Self::Text(text) => text,
            Self::Int(n) => number::decimal(n, digits),
        }
    }

    /// Bytes of that string.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(self) -> usize {
        self.text(&mut [0; 20]).len()
    }

    /// The element as the score of a sorted set: of text that is no number as much as is one, as `strtod` has it; nothing
    /// for NaN.
    pub fn to_score(self) -> Option<f64> {
        match self {
            Self::Text(text) => {
                let text = &text[..text.len().min(127)];
                let starts = (1..=text.len()).rev();
                let mut scores = starts.filter_map(|end| number::parse_score(&text[..end]));
                Some(scores.next().unwrap_or(0.0)).filter(|score| !score.is_nan())
            }
            Self::Int(n) => Some(n as f64),
        }
    }
}

/// The integer that a string spells, if the string can be stored as one and come back the same.
fn integer(text: &[u8]) -> Option<i64> {
    // No integer is longer; a long number of no use is not read to its end.
    if text.len() <= 20 {
        parse_i64(text)
    } else {
        None
    }
}

/// The checksum at the end of a file, over all bytes before it.
pub fn crc64(bytes: &[u8]) -> u64 {
    crc64_on(0, bytes)
}

/// The checksum of bytes that are `sum`'s and then these.
#[cfg(not(target_arch = "wasm32"))]
fn crc64_on(sum: u64, bytes: &[u8]) -> u64 {
    let mut digest = crc_fast::Digest::new_with_init_state(crc_fast::CrcAlgorithm::Crc64Redis, sum);
    digest.update(bytes);
    digest.finalize()
}

/// The same with a table of 2 KB, made at the first use, in place of the processor's carry-less products: 0.4 GB/s, and
/// nothing to download.
#[cfg(target_arch = "wasm32")]
fn crc64_on(sum: u64, bytes: &[u8]) -> u64 {
    use crc::{CRC_64_REDIS, Crc, Table};
    static CRC64: std::sync::LazyLock<Crc<u64, Table<1>>> =
        std::sync::LazyLock::new(|| Crc::<u64, Table<1>>::new(&CRC_64_REDIS));
    // What a digest begins with is mirrored, as all that goes into it.
    let mut digest = CRC64.digest_with_initial(sum.reverse_bits());
    digest.update(bytes);
    digest.finalize()
}

/// The first byte of a key, or of something between keys. Names follow `rdb.h`.
mod tag {
    pub const STRING: u8 = 0;
    pub const LIST: u8 = 1;
    pub const SET: u8 = 2;
    pub const ZSET: u8 = 3;
    pub const HASH: u8 = 4;
    pub const ZSET_2: u8 = 5;
    pub const MODULE: u8 = 6;
    pub const MODULE_2: u8 = 7;
    pub const HASH_ZIPMAP: u8 = 9;
    pub const LIST_ZIPLIST: u8 = 10;
    pub const SET_INTSET: u8 = 11;
    pub const ZSET_ZIPLIST: u8 = 12;
    pub const HASH_ZIPLIST: u8 = 13;
    pub const LIST_QUICKLIST: u8 = 14;
    pub const STREAM: u8 = 15;
    pub const HASH_LISTPACK: u8 = 16;
    pub const ZSET_LISTPACK: u8 = 17;
    pub const LIST_QUICKLIST_2: u8 = 18;
    pub const STREAM_2: u8 = 19;
    // Redis 7.2.
    pub const SET_LISTPACK: u8 = 20;
    pub const STREAM_3: u8 = 21;
    // Redis 7.4, its release candidates first; Valkey 9 gave 22 another meaning.
    pub const HASH_TTL_PRE_GA: u8 = 22;
    pub const HASH_LISTPACK_TTL_PRE_GA: u8 = 23;
    pub const HASH_TTL: u8 = 24;
    pub const HASH_LISTPACK_TTL: u8 = 25;

    /// Facts about a slot of a cluster.
    pub const SLOT_INFO: u8 = 0xf4;
    pub const FUNCTION_2: u8 = 0xf5;
    pub const FUNCTION_PRE_GA: u8 = 0xf6;
    pub const MODULE_AUX: u8 = 0xf7;
    pub const IDLE: u8 = 0xf8;
    pub const FREQ: u8 = 0xf9;
    pub const AUX: u8 = 0xfa;
    pub const RESIZEDB: u8 = 0xfb;
    pub const EXPIRE_MS: u8 = 0xfc;
    pub const EXPIRE_S: u8 = 0xfd;
    pub const SELECTDB: u8 = 0xfe;
    pub const EOF: u8 = 0xff;
}

/// The kinds of node of a quicklist: one big element as it is, or a listpack.
const NODE_PLAIN: u64 = 1;
const NODE_PACKED: u64 = 2;

/// The special forms of a string, in the low six bits of a length whose two high bits are set.
mod encoded {
    pub const INT8: u8 = 0;
    pub const INT16: u8 = 1;
    pub const INT32: u8 = 2;
    pub const LZF: u8 = 3;
}
