//! A listpack: elements one after the other, each with its own length behind it, so that it can be walked both ways.
//! Small hashes and sorted sets are one, a list is a chain of them.

use super::intset::little_endian;
use super::reader::Each;
use super::{Fault, Item, integer};
use std::ops::Range;

/// Total size (4 bytes) and count (2 bytes).
const HEADER: usize = 6;
const END: u8 = 0xff;
/// The count of a listpack that has this many elements or more: it has to be walked.
const COUNT_UNKNOWN: usize = 0xffff;
/// The most bytes that are put around a string: its kind and length, and the length behind it.
const MOST_AROUND: usize = 10;

/// A listpack in the making.
#[derive(Clone, Debug, Default)]
pub struct Listpack {
    /// With room for the header, unless there is no element yet.
    bytes: Vec<u8>,
    count: usize,
}

impl Listpack {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn len(&self) -> usize {
        self.count
    }

    /// The size in bytes that it has when finished now.
    pub fn size(&self) -> usize {
        self.bytes.len().max(HEADER) + 1
    }

    /// Takes all elements out; the memory is kept.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
    }

    /// Where the next element begins.
    fn begin(&mut self) -> usize {
        if self.bytes.is_empty() {
            self.bytes.resize(HEADER, 0);
        }
        self.bytes.len()
    }

    /// Appends a string: as an integer where it spells one.
    pub fn push(&mut self, text: &[u8]) {
        match integer(text) {
            Some(n) => self.push_int(n),
            None => self.push_text(text),
        }
    }

    /// Appends a string that spells no integer.
    pub fn push_text(&mut self, text: &[u8]) {
        let start = self.begin();
        self.bytes.reserve(text.len() + MOST_AROUND);
        match text.len() {
            len @ ..64 => self.bytes.push(0x80 | len as u8),
            len @ ..4096 => self
                .bytes
                .extend_from_slice(&[0xe0 | (len >> 8) as u8, len as u8]),
            len => {
                self.bytes.push(0xf0);
                self.bytes.extend_from_slice(&(len as u32).to_le_bytes());
            }
        }
        self.bytes.extend_from_slice(text);
        self.close(start);
    }

    /// Appends an integer.
    pub fn push_int(&mut self, n: i64) {
        let start = self.begin();
        let fits = |bits: u32| n >> (bits - 1) == n >> 63;
        if (0..128).contains(&n) {
            self.bytes.push(n as u8);
        } else if fits(13) {
            self.bytes
                .extend_from_slice(&[0xc0 | (n >> 8) as u8 & 0x1f, n as u8]);
        } else {
            let (tag, width) = if fits(16) {
                (0xf1, 2)
            } else if fits(24) {
                (0xf2, 3)
            } else if fits(32) {
                (0xf3, 4)
            } else {
                (0xf4, 8)
            };
            self.bytes.push(tag);
            self.bytes.extend_from_slice(&n.to_le_bytes()[..width]);
        }
        self.close(start);
    }

    /// Puts the length of the element that began at `start` behind it: seven bits a byte, the most significant first,
    /// a high bit on all but the first, for it is read from the end.
    fn close(&mut self, start: usize) {
        let len = self.bytes.len() - start;
        let mut high = 0;
        for place in (0..length_size(len)).rev() {
            self.bytes.push(high | (len >> (7 * place)) as u8 & 0x7f);
            high = 0x80;
        }
        self.count += 1;
    }

    /// The bytes, header and end mark too; until [`Self::clear`] nothing can be appended.
    pub fn finish(&mut self) -> &[u8] {
        self.begin();
        self.bytes.push(END);
        let size = self.bytes.len() as u32;
        let count = self.count.min(COUNT_UNKNOWN) as u16;
        self.bytes[..4].copy_from_slice(&size.to_le_bytes());
        self.bytes[4..HEADER].copy_from_slice(&count.to_le_bytes());
        &self.bytes
    }

    pub fn into_bytes(mut self) -> Vec<u8> {
        self.finish();
        self.bytes
    }
}

/// How many bytes the length behind an element takes. The limits are one lower than they could be, all but the first;
/// every reader counts on it (`lpEncodeBacklen`).
fn length_size(len: usize) -> usize {
    match len {
        0..128 => 1,
        128..16383 => 2,
        16383..2097151 => 3,
        2097151..268435455 => 4,
        _ => 5,
    }
}

/// Tells the elements, each with its place, and checks as much as Redis does when it checks all
/// (`lpValidateIntegrity`).
pub(super) fn walk<'a>(bytes: &'a [u8], each: Each<'_, 'a>) -> Result<(), Fault> {
    walk_counted(bytes, each).map(drop)
}

/// How many elements there are, if the listpack and each of them is well.
pub(super) fn check<'a>(bytes: &'a [u8], mut each: impl FnMut(Item<'a>) -> bool) -> Option<usize> {
    let mut well = true;
    let found = walk_counted(bytes, |_, item| well = well && each(item)).ok()?;
    well.then_some(found)
}

fn walk_counted<'a>(
    bytes: &'a [u8],
    each: impl FnMut(Range<usize>, Item<'a>),
) -> Result<usize, Fault> {
    let found = walk_all(bytes, each)?;
    let count = usize::from(u16::from_le_bytes([bytes[4], bytes[5]]));
    if count != COUNT_UNKNOWN && count != found {
        let what = "listpack: count in its header is not its count";
        return Err(Fault { at: 4, what });
    }
    Ok(found)
}

/// The elements of a listpack that was checked.
pub(super) fn elements(bytes: &[u8]) -> impl Iterator<Item = Item<'_>> {
    let mut rest = &bytes[HEADER..];
    std::iter::from_fn(move || {
        let (item, len) = element(rest)?;
        rest = &rest[len + length_size(len)..];
        Some(item)
    })
}

/// Cuts listpacks that were checked and put together apart.
pub(super) fn split(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let size = u32::from_le_bytes(*bytes.first_chunk()?) as usize;
        let (pack, rest) = bytes.split_at(size);
        bytes = rest;
        Some(pack)
    })
}

/// The same for a listpack with a count of its own inside.
pub(super) fn walk_uncounted<'a>(bytes: &'a [u8], each: Each<'_, 'a>) -> Result<(), Fault> {
    walk_all(bytes, each).map(drop)
}

/// How many elements there are.
fn walk_all<'a>(
    bytes: &'a [u8],
    mut each: impl FnMut(Range<usize>, Item<'a>),
) -> Result<usize, Fault> {
    let fault = |at, what| Err(Fault { at, what });
    let Some(&[s0, s1, s2, s3, ..]) = bytes.first_chunk::<HEADER>() else {
        return fault(0, "listpack: shorter than its header");
    };
    if u32::from_le_bytes([s0, s1, s2, s3]) as usize != bytes.len() {
        return fault(0, "listpack: size in its header is not its size");
    }
    let (Some(&END), true) = (bytes.last(), bytes.len() > HEADER) else {
        return fault(bytes.len() - 1, "listpack: no end mark");
    };
    let body = &bytes[..bytes.len() - 1];
    let (mut at, mut found) = (HEADER, 0);
    while at < body.len() {
        let Some((item, len)) = element(&body[at..]) else {
            return fault(
                at,
                "listpack: element runs past the end, or is of no known kind",
            );
        };
        let behind = at + len;
        let next = behind + length_size(len);
        let short = len < 128 && body.get(behind) == Some(&(len as u8));
        if !short && body.get(..next).and_then(length_before) != Some(len) {
            return fault(
                behind,
                "listpack: the length behind an element is not its length",
            );
        }
        each(at..next, item);
        at = next;
        found += 1;
    }
    Ok(found)
}

/// The length that ends here, read backwards as long as its bytes say that there is more (`lpDecodeBacklen`).
fn length_before(bytes: &[u8]) -> Option<usize> {
    let mut len = 0;
    for (place, byte) in bytes.iter().rev().take(5).enumerate() {
        len |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some(len);
        }
    }
    None
}

/// The element at the start of `bytes`, and its size without the length behind it.
fn element(bytes: &[u8]) -> Option<(Item<'_>, usize)> {
    let first = *bytes.first()?;
    let text = |start: usize, len: usize| {
        let end = start.checked_add(len)?;
        Some((Item::Text(bytes.get(start..end)?), end))
    };
    let int = |width: usize| Some((Item::Int(little_endian(bytes.get(1..=width)?)), 1 + width));
    match first {
        0x00..=0x7f => Some((Item::Int(i64::from(first)), 1)),
        0x80..=0xbf => text(1, usize::from(first & 0x3f)),
        0xc0..=0xdf => {
            let unsigned = u16::from(first & 0x1f) << 8 | u16::from(*bytes.get(1)?);
            Some((Item::Int(i64::from((unsigned << 3) as i16 >> 3)), 2))
        }
        0xe0..=0xef => text(
            2,
            usize::from(first & 0x0f) << 8 | usize::from(*bytes.get(1)?),
        ),
        0xf0 => text(
            5,
            u32::from_le_bytes(*bytes.get(1..5)?.first_chunk()?) as usize,
        ),
        0xf1 => int(2),
        0xf2 => int(3),
        0xf3 => int(4),
        0xf4 => int(8),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(bytes: &[u8]) -> Result<Vec<Item<'_>>, Fault> {
        let mut items = Vec::new();
        walk(bytes, &mut |_, item| items.push(item))?;
        Ok(items)
    }

    fn pack(texts: &[&[u8]]) -> Vec<u8> {
        let mut pack = Listpack::new();
        for text in texts {
            pack.push(text);
        }
        assert_eq!(pack.size(), pack.bytes.len().max(HEADER) + 1);
        pack.into_bytes()
    }

    fn texts(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Fault> {
        Ok(decode(bytes)?
            .into_iter()
            .map(|item| item.to_bytes().to_vec())
            .collect())
    }

    #[test]
    fn redis_bytes() {
        let list = [
            0x0f, 0, 0, 0, 3, 0, 0x81, b'a', 2, 0x81, b'b', 2, 3, 1, 0xff,
        ];
        assert_eq!(pack(&[b"a", b"b", b"3"]), list);
        assert_eq!(
            decode(&list),
            Ok(vec![Item::Text(b"a"), Item::Text(b"b"), Item::Int(3)])
        );
        let zset = [
            0x14, 0, 0, 0, 4, 0, 0x81, b'a', 2, 0x83, b'1', b'.', b'5', 4, 0x81, b'b', 2, 2, 1,
            0xff,
        ];
        assert_eq!(pack(&[b"a", b"1.5", b"b", b"2"]), zset);
        assert_eq!(pack(&[]), [7, 0, 0, 0, 0, 0, 0xff]);
    }

    #[test]
    fn every_kind_of_element() {
        for (n, body) in [
            (0i64, &[0u8][..]),
            (127, &[0x7f]),
            (128, &[0xc0, 0x80]),
            (-1, &[0xdf, 0xff]),
            (4095, &[0xcf, 0xff]),
            (-4096, &[0xd0, 0x00]),
            (4096, &[0xf1, 0x00, 0x10]),
            (-4097, &[0xf1, 0xff, 0xef]),
            (32768, &[0xf2, 0x00, 0x80, 0x00]),
            (-8388608, &[0xf2, 0x00, 0x00, 0x80]),
            (8388608, &[0xf3, 0x00, 0x00, 0x80, 0x00]),
            (i64::from(i32::MIN), &[0xf3, 0x00, 0x00, 0x00, 0x80]),
            (2147483648, &[0xf4, 0, 0, 0, 0x80, 0, 0, 0, 0]),
            (i64::MIN, &[0xf4, 0, 0, 0, 0, 0, 0, 0, 0x80]),
        ] {
            let packed = pack(&[n.to_string().as_bytes()]);
            assert_eq!(&packed[HEADER..packed.len() - 2], body, "{n}");
            assert_eq!(decode(&packed), Ok(vec![Item::Int(n)]));
        }
        for len in [
            0, 1, 63, 64, 125, 126, 127, 4095, 4096, 16376, 16377, 16378, 16379, 2_097_145,
            2_097_146, 2_097_147,
        ] {
            let text = vec![b'x'; len];
            assert_eq!(
                texts(&pack(&[&text, b"y"])),
                Ok(vec![text, b"y".to_vec()]),
                "{len}"
            );
        }
    }

    #[test]
    fn the_length_behind_grows_one_early() {
        // 16378 bytes and a head of 5 are 16383, which would fit two bytes.
        let packed = pack(&[&[b'x'; 16378]]);
        assert_eq!(packed[packed.len() - 4..], [0x00, 0xff, 0xff, 0xff]);
        let packed = pack(&[&[b'x'; 16377]]);
        assert_eq!(packed[packed.len() - 4..], [b'x', 0x7f, 0xfe, 0xff]);
    }

    #[test]
    fn more_elements_than_the_header_can_say() {
        for (count, said) in [
            (65534, [0xfe, 0xff]),
            (65535, [0xff, 0xff]),
            (65536, [0xff, 0xff]),
        ] {
            let packed = pack(&vec![&b"1"[..]; count]);
            assert_eq!(packed[4..6], said);
            assert_eq!(decode(&packed).map(|items| items.len()), Ok(count));
        }
    }

    #[test]
    fn every_flip_and_every_cut_is_safe() {
        let long = [b'z'; 200];
        let good = pack(&[b"a", b"-5", &long, b"70000", b"9999999999", b""]);
        let whole = texts(&good).expect("it is good");
        for cut in 0..good.len() {
            assert!(decode(&good[..cut]).is_err(), "cut at {cut}");
        }
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                // Content may change, the number of elements may not.
                if let Ok(other) = texts(&bad) {
                    assert_eq!(other.len(), whole.len(), "bit {bit} of byte {at}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn unpacks_what_it_packs(input in proptest::collection::vec(prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..300),
            any::<i64>().prop_map(|n| n.to_string().into_bytes()),
            (-5000i64..5000).prop_map(|n| n.to_string().into_bytes()),
        ], 0..60)) {
            let refs: Vec<&[u8]> = input.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(texts(&pack(&refs)), Ok(input));
        }

        #[test]
        fn any_bytes_are_safe(mut bytes in proptest::collection::vec(any::<u8>(), 7..80)) {
            let size = bytes.len() as u32;
            bytes[..4].copy_from_slice(&size.to_le_bytes());
            bytes[4..6].copy_from_slice(&[0xff, 0xff]);
            bytes[size as usize - 1] = END;
            let _ = decode(&bytes);
        }
    }
}
