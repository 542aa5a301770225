//! An intset: a set of integers as a sorted array, all of one width. The whole form of a small set of numbers.

use super::Fault;

pub(super) const HEADER: usize = 8;

/// Packs integers, which must be sorted and different, in the narrowest width that holds them all.
pub fn encode(sorted: &[i64]) -> Vec<u8> {
    debug_assert!(
        sorted.is_sorted_by(|a, b| a < b),
        "an intset is sorted and has no member twice"
    );
    let fits = |bits: u32| sorted.iter().all(|&n| n >> (bits - 1) == n >> 63);
    let width: usize = if fits(16) {
        2
    } else if fits(32) {
        4
    } else {
        8
    };
    let mut out = Vec::with_capacity(HEADER + sorted.len() * width);
    out.extend_from_slice(&(width as u32).to_le_bytes());
    out.extend_from_slice(&(sorted.len() as u32).to_le_bytes());
    for n in sorted {
        out.extend_from_slice(&n.to_le_bytes()[..width]);
    }
    out
}

/// Unpacks; the integers come in ascending order.
pub fn decode(bytes: &[u8]) -> Result<Vec<i64>, Fault> {
    let fault = |at, what| Err(Fault { at, what });
    let Some((&[w0, w1, w2, w3, c0, c1, c2, c3], body)) = bytes.split_first_chunk::<HEADER>()
    else {
        return fault(0, "intset: shorter than its header");
    };
    let width = u32::from_le_bytes([w0, w1, w2, w3]);
    let count = u32::from_le_bytes([c0, c1, c2, c3]);
    if !matches!(width, 2 | 4 | 8) {
        return fault(0, "intset: width is not 2, 4 or 8");
    }
    if u64::from(width) * u64::from(count) != body.len() as u64 {
        return fault(4, "intset: count does not match its size");
    }
    let mut out: Vec<i64> = Vec::with_capacity(count as usize);
    for (i, field) in body.chunks_exact(width as usize).enumerate() {
        let n = little_endian(field);
        if out.last().is_some_and(|&before| before >= n) {
            return fault(
                HEADER + i * width as usize,
                "intset: not in ascending order",
            );
        }
        out.push(n);
    }
    Ok(out)
}

/// The integers of an intset that was checked; none of no bytes.
pub(super) fn elements(bytes: &[u8]) -> impl Iterator<Item = i64> {
    let width = bytes.first().map_or(8, |width| usize::from(*width));
    let body = bytes.get(HEADER..).unwrap_or_default();
    body.chunks_exact(width).map(little_endian)
}

/// A signed integer of 1 to 8 bytes, least significant first.
pub(super) fn little_endian(field: &[u8]) -> i64 {
    let wide = field
        .iter()
        .rev()
        .fold(0u64, |n, &byte| n << 8 | u64::from(byte));
    let unused = 64 - 8 * field.len() as u32;
    (wide << unused) as i64 >> unused
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn redis_bytes() {
        let packed = [2, 0, 0, 0, 3, 0, 0, 0, 1, 0, 2, 0, 3, 0];
        assert_eq!(encode(&[1, 2, 3]), packed);
        assert_eq!(decode(&packed), Ok(vec![1, 2, 3]));
    }

    #[test]
    fn the_widest_member_decides() {
        for (n, width) in [
            (32767, 2),
            (-32768, 2),
            (32768, 4),
            (-32769, 4),
            (2147483647, 4),
            (-2147483648, 4),
            (2147483648, 8),
            (-2147483649, 8),
            (i64::MAX, 8),
            (i64::MIN, 8),
        ] {
            let packed = encode(&[n]);
            assert_eq!(packed.len(), 8 + width, "{n}");
            assert_eq!(decode(&packed), Ok(vec![n]));
        }
    }

    #[test]
    fn wrong_bytes_are_refused() {
        assert!(decode(&[2, 0, 0, 0, 0, 0, 0]).is_err());
        assert!(decode(&[3, 0, 0, 0, 0, 0, 0, 0]).is_err());
        assert!(decode(&[2, 0, 0, 0, 2, 0, 0, 0, 1, 0]).is_err());
        assert!(decode(&[2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0]).is_err());
        assert!(decode(&[8, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]).is_err());
        assert!(decode(&[2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 1, 0]).is_err());
        assert!(decode(&[2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 1, 0]).is_err());
        assert_eq!(decode(&[2, 0, 0, 0, 0, 0, 0, 0]), Ok(vec![]));
    }

    proptest! {
        #[test]
        fn unpacks_what_it_packs(set in proptest::collection::btree_set(prop_oneof![any::<i64>(), -40_000i64..40_000], 0..100)) {
            let sorted: Vec<i64> = set.into_iter().collect();
            prop_assert_eq!(decode(&encode(&sorted)), Ok(sorted));
        }

        #[test]
        fn any_bytes_are_safe(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = decode(&bytes);
        }
    }
}
