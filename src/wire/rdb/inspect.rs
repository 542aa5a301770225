//! A snapshot as a list of fields, each with the bytes that it takes: what a hex view needs. The reading is that of
//! [`read`](super::read), so what is shown is what would be loaded, up to the damage if the file has one.

use super::Item;
use super::read::{RdbError, State, Step, failed};
use super::reader::{Reader, shown};
use std::ops::Range;

/// One field. Those with parts come before their parts, which are one deeper; the parts of a field that are not parted
/// again cover it without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Bytes of the file, from 0.
    pub at: usize,
    pub len: usize,
    pub depth: usize,
    pub kind: Kind,
    /// What it is, in a word or two, such as `expires at`.
    pub label: &'static str,
    /// What it says, cut short when it is long.
    pub value: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The first nine bytes.
    Magic,
    /// A whole opcode with its operands, such as `SELECTDB`.
    Record,
    /// A whole key with its time to live, type and value.
    Entry,
    /// The byte that says what follows: an opcode or a type.
    Opcode,
    /// A string with its length.
    Text,
    /// A length or count.
    Length,
    /// How a string is written when it is not written plainly.
    Encoding,
    /// The bytes of a string.
    Content,
    /// A number of fixed width.
    Number,
    /// A value with more than one part.
    Value,
    /// A string that is a listpack, an intset or their like.
    Packed,
    /// An element inside such a string.
    Element,
    Checksum,
}

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    pub fields: Vec<Field>,
    /// What ended the reading early; the last fields reach up to there.
    pub error: Option<RdbError>,
}

/// Takes a file apart. Any bytes will do.
pub fn inspect(bytes: &[u8]) -> Inspection {
    let mut reader = Reader::new(bytes);
    reader.trace = Some(Trace::default());
    let mut state = State::default();
    let error = loop {
        match state.step(&mut reader) {
            Ok(Step::End) => break None,
            Ok(_) => {}
            Err(wrong) => break Some(failed(wrong, reader.key.take())),
        }
    };
    let mut trace = reader.trace.take().unwrap_or_default();
    while !trace.open.is_empty() {
        trace.close(reader.at, String::new());
    }
    Inspection {
        fields: trace.fields,
        error,
    }
}

/// The fields so far.
#[derive(Debug, Default)]
pub(super) struct Trace {
    pub fields: Vec<Field>,
    /// Places of those whose end is not known yet.
    open: Vec<usize>,
}

impl Trace {
    pub fn open(&mut self, at: usize, kind: Kind, label: &'static str) {
        self.leaf(at, at, kind, label, String::new());
        self.open.push(self.fields.len() - 1);
    }

    pub fn close(&mut self, end: usize, value: String) {
        if let Some(field) = self.open.pop().and_then(|i| self.fields.get_mut(i)) {
            field.len = end - field.at;
            field.value = value;
        }
    }

    pub fn leaf(&mut self, at: usize, end: usize, kind: Kind, label: &'static str, value: String) {
        self.fields.push(Field {
            at,
            len: end - at,
            depth: self.open.len(),
            kind,
            label,
            value,
        });
    }

    /// The elements inside a string whose bytes begin at `base`; of a compressed one there is nothing to point at.
    pub fn packed(
        &mut self,
        base: Option<usize>,
        len: usize,
        spans: &[Range<usize>],
        items: &[Item<'_>],
    ) {
        let Some(base) = base else { return };
        // The content itself was written down as one; it is its elements.
        self.fields.pop();
        let mut end = 0;
        for (span, item) in spans.iter().zip(items) {
            self.between(base + end, base + span.start, "header");
            let value = match item {
                Item::Text(text) => shown(text),
                Item::Int(n) => n.to_string(),
            };
            self.leaf(
                base + span.start,
                base + span.end,
                Kind::Element,
                "element",
                value,
            );
            end = span.end;
        }
        self.between(
            base + end,
            base + len,
            if end == 0 { "header" } else { "end" },
        );
    }

    fn between(&mut self, at: usize, end: usize, label: &'static str) {
        if end > at {
            self.leaf(at, end, Kind::Content, label, String::new());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::read::{read, tests::sample};
    use super::*;

    /// The fields without parts, which have to cover the file.
    fn cover(fields: &[Field]) -> Result<usize, String> {
        let mut end = 0;
        for (i, field) in fields.iter().enumerate() {
            let parted = fields
                .get(i + 1)
                .is_some_and(|next| next.depth > field.depth);
            if parted || field.len == 0 {
                continue;
            }
            if field.at != end {
                return Err(format!("{field:?} does not begin at {end}"));
            }
            end += field.len;
        }
        Ok(end)
    }

    #[test]
    fn every_byte_belongs_to_a_field() {
        for compress in [false, true] {
            let (bytes, _) = sample(compress, 300);
            let found = inspect(&bytes);
            assert_eq!((cover(&found.fields), found.error), (Ok(bytes.len()), None));
        }
    }

    #[test]
    fn a_damaged_file_is_shown_up_to_the_damage() {
        let (bytes, _) = sample(false, 3);
        for cut in 0..bytes.len() {
            let found = inspect(&bytes[..cut]);
            assert_eq!(found.error, read(&bytes[..cut]).err());
            assert!(
                cover(&found.fields).is_ok_and(|end| end <= cut),
                "cut at {cut}"
            );
        }
        let whole = inspect(&bytes).fields.len();
        let mut bad = bytes.clone();
        for at in 0..bytes.len() {
            bad[at] ^= 0x41;
            assert!(inspect(&bad).fields.len() <= 2 * whole);
            bad[at] = bytes[at];
        }
    }

    #[test]
    fn a_small_file_in_full() {
        let bytes = b"REDIS0003\xfe\0\xfc\x01\0\0\0\0\0\0\0\0\x01k\xc0\x05\xff";
        let lines: Vec<String> = inspect(bytes)
            .fields
            .iter()
            .map(|f| {
                format!(
                    "{}{}+{} {}: {}",
                    "  ".repeat(f.depth),
                    f.at,
                    f.len,
                    f.label,
                    f.value
                )
            })
            .collect();
        let expected = [
            "0+9 magic: REDIS0003",
            "9+2 SELECTDB: 0",
            "  9+1 opcode: fe SELECTDB",
            "  10+1 database: 0",
            "11+14 key: k",
            "  11+1 opcode: fc EXPIRETIME_MS",
            "  12+8 expires at: 1 ms",
            "  20+1 type: 0 string",
            "  21+2 key: k",
            "    21+1 length: 1",
            "    22+1 bytes: k",
            "  23+2 value: string",
            "    23+2 string: 5",
            "      23+1 encoding: int8",
            "      24+1 number: 5",
            "25+1 EOF: ff EOF",
        ];
        assert_eq!(lines, expected);
    }
}
