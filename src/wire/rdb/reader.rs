//! Bytes of a snapshot taken one primitive at a time: lengths, strings, numbers. Nothing here trusts the file: no length
//! is believed before the bytes are there. What is taken can be written down on the way ([`Trace`]), so that whoever
//! shows a file and whoever loads it read it with the same eyes.

use super::inspect::{Kind, Trace};
use super::read::Problem;
use super::{Bytes, Fault, Item, encoded, intset, lzf};
use std::borrow::Cow;

/// An offset into the file, and what is wrong there.
pub(super) type Wrong = (usize, Problem);

pub(super) fn corrupt<T>(offset: usize, what: &'static str) -> Result<T, Wrong> {
    Err((offset, Problem::Corrupt(what)))
}

pub(super) struct Reader<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
    /// The key whose value could not be read.
    pub key: Option<Bytes>,
    pub trace: Option<Trace>,
    /// Small values are kept as their bytes.
    pub packs: bool,
}

/// A string as it stands in the file.
pub(super) enum Raw<'a> {
    Plain(&'a [u8]),
    Int(i64),
    Unpacked(Vec<u8>),
}

enum Length {
    Plain(u64),
    Encoded(u8),
}

/// How packed elements are told one by one: the bytes that each takes in the packed form, and what it is.
pub(super) type Each<'x, 'a> = &'x mut dyn FnMut(std::ops::Range<usize>, Item<'a>);
/// `listpack::walk`, or one like it.
pub(super) type Walk = for<'a> fn(&'a [u8], Each<'_, 'a>) -> Result<(), Fault>;

pub(super) fn integers<'a>(bytes: &'a [u8], each: Each<'_, 'a>) -> Result<(), Fault> {
    let all = intset::decode(bytes)?;
    let width = (bytes.len() - intset::HEADER) / all.len().max(1);
    for (i, n) in all.into_iter().enumerate() {
        let start = intset::HEADER + i * width;
        each(start..start + width, Item::Int(n));
    }
    Ok(())
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            key: None,
            trace: None,
            packs: false,
        }
    }

    // --- writing down ------------------------------------------------------------------------------------------------

    /// Begins a field that others are in; closed by [`Self::close`].
    pub fn open(&mut self, kind: Kind, label: &'static str) {
        if let Some(trace) = &mut self.trace {
            trace.open(self.at, kind, label);
        }
    }

    pub fn close(&mut self, value: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.close(self.at, value());
        }
    }

    /// What was taken since `start` is a field of its own.
    pub fn leaf(
        &mut self,
        start: usize,
        kind: Kind,
        label: &'static str,
        value: impl FnOnce() -> String,
    ) {
        if let Some(trace) = &mut self.trace {
            trace.leaf(start, self.at, kind, label, value());
        }
    }

    // --- strings -----------------------------------------------------------------------------------------------------

    pub fn string(&mut self, label: &'static str) -> Result<Bytes, Wrong> {
        if self.trace.is_none()
            && let Some(text) = self.plain()
        {
            return Ok(text.into());
        }
        Ok(match self.raw(label)? {
            Raw::Plain(text) => text.into(),
            Raw::Int(n) => Item::Int(n).to_bytes(),
            Raw::Unpacked(text) => text.into(),
        })
    }

    /// A string as most are: not long, as it is, and there as a whole. Nothing is taken if it is another.
    fn plain(&mut self) -> Option<&'a [u8]> {
        let (start, len) = match *self.bytes.get(self.at..)? {
            [len @ 0..0x40, ..] => (self.at + 1, usize::from(len)),
            [high @ 0x40..0x80, low, ..] => {
                let len = u16::from_be_bytes([high & 0x3f, low]);
                (self.at + 2, usize::from(len))
            }
            _ => return None,
        };
        let text = self.bytes.get(start..start + len)?;
        self.at = start + len;
        Some(text)
    }

    fn raw(&mut self, label: &'static str) -> Result<Raw<'a>, Wrong> {
        self.open(Kind::Text, label);
        let raw = self.raw_parts()?;
        self.close(|| match &raw {
            Raw::Plain(text) => shown(text),
            Raw::Int(n) => n.to_string(),
            Raw::Unpacked(text) => shown(text),
        });
        Ok(raw)
    }

    pub fn raw_parts(&mut self) -> Result<Raw<'a>, Wrong> {
        let start = self.at;
        let length = self.length_or_encoding()?;
        let (code, width) = match length {
            Length::Plain(len) => {
                self.leaf(start, Kind::Length, "length", || len.to_string());
                let start = self.at;
                let text = self.take(len)?;
                self.leaf(start, Kind::Content, "bytes", || shown(text));
                return Ok(Raw::Plain(text));
            }
            Length::Encoded(encoded::LZF) => return self.compressed(start),
            Length::Encoded(encoded::INT8) => ("int8", 1),
            Length::Encoded(encoded::INT16) => ("int16", 2),
            Length::Encoded(encoded::INT32) => ("int32", 4),
            Length::Encoded(_) => return corrupt(start, "Unknown RDB string encoding type"),
        };
        self.leaf(start, Kind::Encoding, "encoding", || code.into());
        let start = self.at;
        let n = intset::little_endian(self.take(width)?);
        self.leaf(start, Kind::Content, "number", || n.to_string());
        Ok(Raw::Int(n))
    }

    fn compressed(&mut self, start: usize) -> Result<Raw<'a>, Wrong> {
        self.leaf(start, Kind::Encoding, "encoding", || "LZF".into());
        let packed = self.length("compressed length")?;
        let len = self.length("length")?;
        let start = self.at;
        let packed = self.take(packed)?;
        // A length that is too big for this machine is too big for the input as well.
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let unpacked = lzf::decompress(packed, len);
        let unpacked =
            unpacked.map_err(|fault| (start + fault.at, Problem::Corrupt(fault.what)))?;
        self.leaf(start, Kind::Content, "compressed bytes", || {
            shown(&unpacked)
        });
        Ok(Raw::Unpacked(unpacked))
    }

    /// Elements packed into one string: `walk` takes it apart, `gather` makes of them what the type wants.
    pub fn packed<T>(
        &mut self,
        what: &'static str,
        walk: Walk,
        gather: fn(&[Item<'_>]) -> Result<T, Fault>,
    ) -> Result<T, Wrong> {
        self.packed_with(what, walk, |items, _| gather(items))
    }

    /// The same; `gather` is told how many bytes the packed form has, too.
    pub fn packed_with<T>(
        &mut self,
        what: &'static str,
        walk: Walk,
        gather: impl FnOnce(&[Item<'_>], usize) -> Result<T, Fault>,
    ) -> Result<T, Wrong> {
        let start = self.at;
        self.open(Kind::Packed, what);
        let (text, base) = match self.raw_parts()? {
            Raw::Plain(text) => (Cow::Borrowed(text), Some(self.at - text.len())),
            Raw::Unpacked(text) => (Cow::Owned(text), None),
            Raw::Int(_) => return corrupt(start, "a number where packed elements should be"),
        };
        let at = |fault: Fault| {
            // What was compressed has no offsets in the file but that of its beginning.
            let offset = base.map_or(start, |base| base + fault.at);
            (offset, Problem::Corrupt(fault.what))
        };
        // Few elements are shorter than this.
        let mut items = Vec::with_capacity(text.len() / 8);
        let mut spans = Vec::new();
        let traced = self.trace.is_some();
        let walked = walk(&text, &mut |span, item| {
            items.push(item);
            if traced {
                spans.push(span);
            }
        });
        if let Some(trace) = &mut self.trace {
            trace.packed(base, text.len(), &spans, &items);
        }
        walked.map_err(at)?;
        let gathered = gather(&items, text.len()).map_err(at)?;
        self.close(|| match items.len() {
            1 => "1 element".into(),
            n => format!("{n} elements"),
        });
        Ok(gathered)
    }

    // --- numbers -----------------------------------------------------------------------------------------------------

    /// A number of elements, none of which can take fewer than `size` bytes: a file that has no room for them is cut.
    pub fn count(&mut self, size: u64, label: &'static str) -> Result<usize, Wrong> {
        let start = self.at;
        let count = self.length(label)?;
        let left = self.bytes.len() - self.at;
        let needed = count.saturating_mul(size);
        if needed > left as u64 {
            return Err((start, Problem::Truncated { needed, left }));
        }
        Ok(count as usize)
    }

    /// Where an encoded string stands in the place of a length, the number of its encoding passes for one, as in Redis.
    pub fn length(&mut self, label: &'static str) -> Result<u64, Wrong> {
        let start = self.at;
        let len = match self.length_or_encoding()? {
            Length::Plain(len) => len,
            Length::Encoded(code) => u64::from(code),
        };
        self.leaf(start, Kind::Length, label, || len.to_string());
        Ok(len)
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
            (2, _) => return corrupt(start, "Unknown length encoding in rdbLoadLen()"),
            _ => Length::Encoded(low),
        })
    }

    /// A time in milliseconds, eight bytes.
    pub fn millis(&mut self, label: &'static str) -> Result<i64, Wrong> {
        let start = self.at;
        let ms = i64::from_le_bytes(self.array()?);
        self.leaf(start, Kind::Number, label, || format!("{ms} ms"));
        Ok(ms)
    }

    pub fn byte(&mut self) -> Result<u8, Wrong> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Wrong> {
        let Some(array) = self.bytes[self.at..].first_chunk() else {
            let (needed, left) = (N as u64, self.bytes.len() - self.at);
            return Err((self.at, Problem::Truncated { needed, left }));
        };
        self.at += N;
        Ok(*array)
    }

    pub fn take(&mut self, len: u64) -> Result<&'a [u8], Wrong> {
        let rest = &self.bytes[self.at..];
        if len > rest.len() as u64 {
            let (needed, left) = (len, rest.len());
            return Err((self.at, Problem::Truncated { needed, left }));
        }
        let taken = &rest[..len as usize];
        self.at += taken.len();
        Ok(taken)
    }
}

/// Text for people, of a length that can be looked at.
pub(super) fn shown(text: &[u8]) -> String {
    const MOST: usize = 64;
    let more = if text.len() > MOST { "…" } else { "" };
    format!("{}{more}", text[..text.len().min(MOST)].escape_ascii())
}
