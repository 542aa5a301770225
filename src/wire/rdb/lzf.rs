//! LZF, the compression of long strings in a snapshot. A stream of two kinds of piece: a control byte below 32 and
//! that many plus one bytes as they are; or a copy of up to 264 bytes that begin up to 8192 bytes back. Any LZF
//! decoder reads what `compress` makes; which repeats it finds is its own choice, so the bytes are not those of Redis.

use super::Fault;

/// The most bytes that one literal piece can hold.
const LITERAL_MAX: usize = 32;
/// How far back a copy can begin.
const DISTANCE_MAX: usize = 1 << 13;
/// The longest copy that fits; the shortest that is worth its two bytes has three.
const COPY_MAX: usize = 264;
/// No input grows more than this: three bytes make the longest copy.
const RATIO_MAX: usize = COPY_MAX / 3;

/// Appends `input` packed to `out`, which is empty; false when that would take more than `limit` bytes: then `out` has
/// something of no use.
pub fn compress(input: &[u8], limit: usize, out: &mut Vec<u8>) -> bool {
    let bits = input
        .len()
        .next_power_of_two()
        .trailing_zeros()
        .clamp(6, 14);
    // For short strings, which most are, on the stack.
    let (mut few, mut many) = ([0; 64], Vec::new());
    let mut groups = Groups {
        input,
        shift: 32 - bits,
        seen: few.get_mut(..1 << bits).unwrap_or_else(|| {
            many.resize(1 << bits, 0);
            &mut many
        }),
    };
    let mut literals = 0;
    while let Some((old, new)) = groups.repeat(literals) {
        let long = common(input, old, new);
        put_literals(out, &input[literals..new]);
        put_copy(out, new - old - 1, long);
        if out.len() > limit {
            return false;
        }
        literals = new + long;
        // The end of the copy is remembered too: what follows a repeat often repeats along with it.
        for inside in (literals - 2).max(new + 1)..literals {
            if let Some(&[a, b, c]) = input[inside..].first_chunk() {
                groups.seen(u32::from_le_bytes([a, b, c, 0]), inside);
            }
        }
    }
    put_literals(out, &input[literals..]);
    out.len() <= limit
}

/// Three-byte groups seen, by a hash: the position of the latest of each, plus one.
struct Groups<'a> {
    input: &'a [u8],
    shift: u32,
    seen: &'a mut [u32],
}

impl Groups<'_> {
    /// Remembers a group; where it was before, if a copy can begin there.
    #[inline]
    fn seen(&mut self, group: u32, at: usize) -> Option<usize> {
        let slot = (group.wrapping_mul(0x9e37_79b1) >> self.shift) as usize;
        let before = std::mem::replace(&mut self.seen[slot], at as u32 + 1) as usize;
        let old = before
            .checked_sub(1)
            .filter(|old| at - old < DISTANCE_MAX)?;
        // It is before this one, so there is a fourth byte.
        let four = self.input[old..].first_chunk()?;
        (u32::from_le_bytes(*four) & 0xff_ffff == group).then_some(old)
    }

    /// The first group from `at` on that was there before: where, and where it is again.
    #[inline(never)]
    fn repeat(&mut self, mut at: usize) -> Option<(usize, usize)> {
        // Four bytes are one load.
        while let Some(four) = self.input[at..].first_chunk() {
            if let Some(old) = self.seen(u32::from_le_bytes(*four) & 0xff_ffff, at) {
                return Some((old, at));
            }
            at += 1;
        }
        let &[a, b, c] = self.input[at..].first_chunk()?;
        let old = self.seen(u32::from_le_bytes([a, b, c, 0]), at)?;
        Some((old, at))
    }
}

/// How many bytes from `old` on are the same as from `new` on.
fn common(input: &[u8], old: usize, new: usize) -> usize {
    let most = COPY_MAX.min(input.len() - new);
    let (old, new) = (&input[old..old + most], &input[new..new + most]);
    let mut len = 0;
    // Eight bytes at a time; the first that differs is the lowest.
    while let (Some(a), Some(b)) = (old[len..].first_chunk(), new[len..].first_chunk()) {
        let other = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if other != 0 {
            return len + other.trailing_zeros() as usize / 8;
        }
        len += 8;
    }
    (len..most).find(|&i| old[i] != new[i]).unwrap_or(most)
}

fn put_literals(out: &mut Vec<u8>, bytes: &[u8]) {
    for run in bytes.chunks(LITERAL_MAX) {
        out.push(run.len() as u8 - 1);
        out.extend_from_slice(run);
    }
}

/// `back` is the distance less one, as it is stored.
fn put_copy(out: &mut Vec<u8>, back: usize, len: usize) {
    let stored = len - 2;
    out.push((stored.min(7) << 5 | back >> 8) as u8);
    if stored >= 7 {
        out.push((stored - 7) as u8);
    }
    out.push(back as u8);
}

/// Unpacks `input` into exactly `len` bytes. Takes no memory for a `len` that `input` cannot give.
pub fn decompress(input: &[u8], len: usize) -> Result<Vec<u8>, Fault> {
    let fault = |at, what| Err(Fault { at, what });
    if len > input.len().saturating_mul(RATIO_MAX) {
        return fault(0, "LZF: more bytes promised than the packed ones can give");
    }
    let mut out = Vec::with_capacity(len);
    let mut at = 0;
    while let Some(&control) = input.get(at) {
        let start = at;
        at += 1;
        if control < 32 {
            let end = at + usize::from(control) + 1;
            let Some(run) = input.get(at..end) else {
                return fault(start, "LZF: literal bytes end early");
            };
            if run.len() > len - out.len() {
                return fault(start, "LZF: more bytes than promised");
            }
            out.extend_from_slice(run);
            at = end;
            continue;
        }
        let mut long = usize::from(control >> 5) + 2;
        if long == 9 {
            let Some(&more) = input.get(at) else {
                return fault(start, "LZF: copy ends early");
            };
            long += usize::from(more);
            at += 1;
        }
        let Some(&low) = input.get(at) else {
            return fault(start, "LZF: copy ends early");
        };
        at += 1;
        let distance = (usize::from(control & 31) << 8 | usize::from(low)) + 1;
        if long > len - out.len() {
            return fault(start, "LZF: more bytes than promised");
        }
        if distance > out.len() {
            return fault(start, "LZF: copy from before the start");
        }
        let from = out.len() - distance;
        if distance >= long {
            out.extend_from_within(from..from + long);
        } else {
            // The copy reads what it has just written.
            for i in from..from + long {
                out.push(out[i]);
            }
        }
    }
    if out.len() < len {
        return fault(at, "LZF: fewer bytes than promised");
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn compress(input: &[u8], limit: usize) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        super::compress(input, limit, &mut out).then_some(out)
    }

    #[test]
    fn redis_bytes_unpack() {
        let packed = [0x01, 0x61, 0x61, 0xe0, 0x1b, 0x00, 0x01, 0x61, 0x61];
        assert_eq!(decompress(&packed, 40), Ok(vec![b'a'; 40]));
        assert_eq!(decompress(&packed, 39).map_err(|f| f.at), Err(6));
        assert_eq!(decompress(&packed, 41).map_err(|f| f.at), Err(9));
        assert_eq!(decompress(&packed[..8], 40).map_err(|f| f.at), Err(6));
        assert_eq!(decompress(&packed[..5], 40).map_err(|f| f.at), Err(3));
        assert_eq!(decompress(&packed[..4], 40).map_err(|f| f.at), Err(3));
    }

    #[test]
    fn wrong_bytes_are_refused() {
        assert_eq!(decompress(&[], 0), Ok(vec![]));
        assert!(decompress(&[], 1).is_err());
        assert!(
            decompress(&[0x20, 0x00], 3).is_err(),
            "a copy with nothing before it"
        );
        assert!(
            decompress(&[0x00, b'a', 0x20, 0x01], 4).is_err(),
            "a copy from one before the start"
        );
        assert_eq!(
            decompress(&[0x00, b'a', 0x20, 0x00], 4),
            Ok(b"aaaa".to_vec())
        );
        assert!(
            decompress(&[0x00, b'a', 0xe0, 0xff, 0x00], usize::MAX).is_err(),
            "a length past all ratios"
        );
    }

    #[test]
    fn long_repeats_and_far_ones() {
        for len in [
            0, 1, 2, 3, 4, 21, 263, 264, 265, 266, 8191, 8192, 8193, 100_000,
        ] {
            let input = vec![b'x'; len];
            let packed = compress(&input, usize::MAX).expect("there is no limit");
            assert!(
                len < 100 || packed.len() <= len / 80 + 4,
                "{len} became {}",
                packed.len()
            );
            assert_eq!(decompress(&packed, len), Ok(input));
        }
        for gap in [8180, 8189, 8190, 8191, 8192, 8193, 8200] {
            let mut input = b"the needle".to_vec();
            input.extend(
                (0..gap as u32)
                    .flat_map(|i| i.wrapping_mul(0x9e37_79b1).to_be_bytes())
                    .take(gap),
            );
            input.extend_from_slice(b"the needle");
            let packed = compress(&input, usize::MAX).expect("there is no limit");
            assert_eq!(decompress(&packed, input.len()), Ok(input));
        }
    }

    #[test]
    fn a_limit_holds() {
        let input = b"abcabcabcabcabcabcabcabc";
        let packed = compress(input, input.len() - 4).expect("this repeats");
        assert!(compress(input, packed.len()).is_some());
        assert!(compress(input, packed.len() - 1).is_none());
        assert!(compress(b"abcdefghijklmnopqrstuvwxyz", 22).is_none());
    }

    proptest! {
        #[test]
        fn unpacks_what_it_packs(input in proptest::collection::vec(prop_oneof![3 => 0u8..3, 1 => any::<u8>()], 0..3000)) {
            let packed = compress(&input, usize::MAX).expect("there is no limit");
            prop_assert_eq!(decompress(&packed, input.len()), Ok(input));
        }

        #[test]
        fn any_bytes_are_safe(input in proptest::collection::vec(any::<u8>(), 0..200), len in 0usize..20_000) {
            if let Ok(out) = decompress(&input, len) {
                prop_assert_eq!(out.len(), len);
            }
        }
    }
}
