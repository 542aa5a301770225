//! A zipmap: what Redis before 2.6 had for small hashes. Only read.

use super::reader::Each;
use super::{Fault, Item};

const END: u8 = 0xff;
/// A length of five bytes: this mark and the length.
const LONG_LENGTH: u8 = 0xfe;
/// The count of a zipmap that has this many fields or more: it has to be walked.
const COUNT_UNKNOWN: usize = 0xfe;

/// Tells fields and values by turns, and checks every byte that is not content.
pub(super) fn walk<'a>(bytes: &'a [u8], each: Each<'_, 'a>) -> Result<(), Fault> {
    let fault = |at, what| Err(Fault { at, what });
    let (Some(&count), Some(&END), true) = (bytes.first(), bytes.last(), bytes.len() > 1) else {
        return fault(0, "Zipmap integrity check failed.");
    };
    let body = &bytes[..bytes.len() - 1];
    let (mut at, mut found) = (1, 0);
    while at < body.len() {
        let Some((field, behind)) = text(body, at, 0) else {
            return fault(at, "Zipmap integrity check failed.");
        };
        each(at..behind, field);
        let Some((value, end)) = text(body, behind, 1) else {
            return fault(behind, "Zipmap integrity check failed.");
        };
        each(behind..end, value);
        at = end;
        found += 1;
    }
    if found == 0 || (usize::from(count) < COUNT_UNKNOWN && usize::from(count) != found) {
        return fault(0, "Zipmap integrity check failed.");
    }
    Ok(())
}

/// The string at `at` and where the next one begins. Behind the length of a value stands how many bytes behind it are
/// not used (`spare` is 1, not 0).
fn text(body: &[u8], at: usize, spare: usize) -> Option<(Item<'_>, usize)> {
    let (len, head) = match *body.get(at)? {
        LONG_LENGTH => {
            let len = u32::from_le_bytes(*body.get(at + 1..)?.first_chunk()?);
            (len as usize, 5)
        }
        END => return None,
        short => (usize::from(short), 1),
    };
    let free = if spare == 0 {
        0
    } else {
        usize::from(*body.get(at + head)?)
    };
    let start = at + head + spare;
    let end = start.checked_add(len)?;
    let item = Item::Text(body.get(start..end)?);
    let next = end.checked_add(free)?;
    (next <= body.len()).then_some((item, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8]) -> Result<Vec<Item<'_>>, Fault> {
        let mut items = Vec::new();
        walk(bytes, &mut |_, item| items.push(item))?;
        Ok(items)
    }

    #[test]
    fn fields_values_and_spare_bytes() {
        let bytes = b"\x02\x01a\x02\x00vw\x01b\x01\x02x??\xff";
        let texts: [&[u8]; 4] = [b"a", b"vw", b"b", b"x"];
        assert_eq!(decode(bytes), Ok(texts.map(Item::Text).to_vec()));
        assert!(decode(b"\x00\xff").is_err(), "there is none without fields");
    }

    #[test]
    fn every_cut_is_an_error() {
        let bytes = b"\x01\xfe\x01\x00\x00\x00a\x02\x00vw\xff";
        assert!(decode(bytes).is_ok());
        for cut in 0..bytes.len() {
            assert!(decode(&bytes[..cut]).is_err(), "{cut}");
        }
        assert!(
            decode(b"\x02\x01a\x01\x00v\xff").is_err(),
            "the count is wrong"
        );
    }
}
