//! A ziplist: what Redis before 7.0 had in the place of the listpack. Only read: a master of version 6 sends it.

use super::intset::little_endian;
use super::reader::Each;
use super::{Fault, Item};

/// Total size (4 bytes), place of the last element (4 bytes), count (2 bytes).
const HEADER: usize = 10;
const END: u8 = 0xff;
/// The count of a ziplist that has this many elements or more: it has to be walked.
const COUNT_UNKNOWN: usize = 0xffff;
/// The length of the element before, if it takes five bytes: this mark and the length.
const LONG_LENGTH: u8 = 0xfe;

/// Tells the elements, each with its place, and checks every byte that is not content.
pub(super) fn walk<'a>(bytes: &'a [u8], each: Each<'_, 'a>) -> Result<(), Fault> {
    let fault = |at, what| Err(Fault { at, what });
    let Some(&[s0, s1, s2, s3, t0, t1, t2, t3, c0, c1]) = bytes.first_chunk::<HEADER>() else {
        return fault(0, "ziplist: shorter than its header");
    };
    if u32::from_le_bytes([s0, s1, s2, s3]) as usize != bytes.len() {
        return fault(0, "ziplist: size in its header is not its size");
    }
    let (Some(&END), true) = (bytes.last(), bytes.len() > HEADER) else {
        return fault(bytes.len() - 1, "ziplist: no end mark");
    };
    let body = &bytes[..bytes.len() - 1];
    let count = usize::from(u16::from_le_bytes([c0, c1]));
    let (mut at, mut found) = (HEADER, 0);
    let mut last = HEADER;
    let mut previous = 0;
    while at < body.len() {
        let (stored, head) = match body[at] {
            LONG_LENGTH => (
                body.get(at + 1..at + 5)
                    .map(|field| little_endian(field) as u32 as usize),
                5,
            ),
            short => (Some(usize::from(short)), 1),
        };
        if stored != Some(previous) {
            return fault(
                at,
                "ziplist: the length before an element is not that of the one before",
            );
        }
        let Some((item, len)) = body.get(at + head..).and_then(element) else {
            return fault(
                at + head,
                "ziplist: element runs past the end, or is of no known kind",
            );
        };
        last = at;
        previous = head + len;
        at += previous;
        each(last..at, item);
        found += 1;
    }
    if u32::from_le_bytes([t0, t1, t2, t3]) as usize != last {
        return fault(4, "ziplist: the last element is not where its header says");
    }
    if count != COUNT_UNKNOWN && count != found {
        return fault(8, "ziplist: count in its header is not its count");
    }
    Ok(())
}

/// The element at the start of `bytes`, and its size.
fn element(bytes: &[u8]) -> Option<(Item<'_>, usize)> {
    let first = *bytes.first()?;
    let text = |start: usize, len: usize| {
        let end = start.checked_add(len)?;
        Some((Item::Text(bytes.get(start..end)?), end))
    };
    let int = |width: usize| Some((Item::Int(little_endian(bytes.get(1..=width)?)), 1 + width));
    match first {
        0x00..=0x3f => text(1, usize::from(first)),
        0x40..=0x7f => text(
            2,
            usize::from(first & 0x3f) << 8 | usize::from(*bytes.get(1)?),
        ),
        0x80 => text(
            5,
            u32::from_be_bytes(*bytes.get(1..5)?.first_chunk()?) as usize,
        ),
        0xc0 => int(2),
        0xd0 => int(4),
        0xe0 => int(8),
        0xf0 => int(3),
        0xfe => int(1),
        0xf1..=0xfd => Some((Item::Int(i64::from(first & 0x0f) - 1), 1)),
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

    /// `a`, 5, -2, 300 bytes of `z`, 70000, 2^40.
    fn sample() -> Vec<u8> {
        let mut bytes = vec![0; HEADER];
        let mut last = 0;
        let mut previous = 0;
        let long = [&[0x41, 0x2c][..], &[b'z'; 300]].concat();
        for body in [
            &[1, b'a'][..],
            &[0xf6],
            &[0xfe, 0xfe],
            &long,
            &[0xf0, 0x70, 0x11, 0x01],
            &[0xe0, 0, 0, 0, 0, 0, 1, 0, 0],
        ] {
            last = bytes.len();
            if previous < 254 {
                bytes.push(previous as u8);
            } else {
                bytes.push(0xfe);
                bytes.extend_from_slice(&(previous as u32).to_le_bytes());
            }
            bytes.extend_from_slice(body);
            previous = bytes.len() - last;
        }
        bytes.push(END);
        let size = bytes.len() as u32;
        bytes[..4].copy_from_slice(&size.to_le_bytes());
        bytes[4..8].copy_from_slice(&(last as u32).to_le_bytes());
        bytes[8..10].copy_from_slice(&[6, 0]);
        bytes
    }

    #[test]
    fn every_kind_of_element() {
        let long = [b'z'; 300];
        let items = vec![
            Item::Text(b"a"),
            Item::Int(5),
            Item::Int(-2),
            Item::Text(&long),
            Item::Int(70000),
            Item::Int(1 << 40),
        ];
        assert_eq!(decode(&sample()), Ok(items));
        assert_eq!(decode(&[11, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0xff]), Ok(vec![]));
    }

    #[test]
    fn every_flip_and_every_cut_is_safe() {
        let good = sample();
        for cut in 0..good.len() {
            assert!(decode(&good[..cut]).is_err(), "cut at {cut}");
        }
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                if let Ok(items) = decode(&bad) {
                    assert_eq!(items.len(), 6, "bit {bit} of byte {at}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_safe(mut bytes in proptest::collection::vec(any::<u8>(), 11..80)) {
            let size = bytes.len() as u32;
            bytes[..4].copy_from_slice(&size.to_le_bytes());
            bytes[size as usize - 1] = END;
            let _ = decode(&bytes);
        }
    }
}
