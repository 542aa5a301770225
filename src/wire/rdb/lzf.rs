//! LZF, the compression of long strings in a snapshot. A stream of two kinds of piece: a control byte below 32 and
//! that many plus one bytes as they are; or a copy of up to 264 bytes that begin up to 8192 bytes back. Any decoder reads
//! what any encoder makes; which repeats are found is its own choice, and ours makes the choices of Redis's (liblzf, with
//! a table of 65,536 slots), so that the bytes are the same. What its table holds from earlier strings by accident is
//! left out.

use super::Fault;

/// The most bytes that one literal piece can hold.
const LITERAL_MAX: usize = 32;
/// How far back a copy can begin.
const DISTANCE_MAX: usize = 1 << 13;
/// The longest copy that fits; the shortest that is worth its two bytes has three.
const COPY_MAX: usize = 264;
/// No input grows more than this: three bytes make the longest copy.
const RATIO_MAX: usize = COPY_MAX / 3;
/// Slots of the table, by which the groups of three bytes that were seen are found again.
const SLOTS: usize = 1 << 16;

/// The table for any number of strings, one after the other. Nothing in it is worth a copy.
#[derive(Debug, Default)]
pub struct Packer {
    /// By a hash of the group: where it was last, counted through all strings so far; 0 if nowhere.
    seen: Vec<u32>,
    /// The count at the first byte of this string, and behind its last one.
    base: u32,
    next: u32,
}

impl Clone for Packer {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Packer {
    /// Appends `input` packed to `out`, which is empty; false when that would take more than `limit` bytes, or could on
    /// the way: then `out` has something of no use. No input becomes longer than 33 bytes for each 32, and 4.
    pub fn pack(&mut self, input: &[u8], limit: usize, out: &mut Vec<u8>) -> bool {
        self.begin(input.len());
        let mut run = Run::begin(out);
        let mut at = 0;
        while let Some(&group) = input[at..].first_chunk() {
            let Some(old) = self
                .meet(group, at)
                .filter(|old| input[*old..].starts_with(&group))
            else {
                if run.out.len() >= limit {
                    return false;
                }
                run.put(input[at]);
                at += 1;
                continue;
            };
            if run.len_without_empty() + 4 >= limit {
                return false;
            }
            let long = common(input, old, at);
            run.copy(at - old - 1, long);
            at += long;
            // The end of a copy is remembered too: what follows a repeat often repeats along with it.
            if at + 2 < input.len() {
                for inside in at - 2..at {
                    self.meet(
                        [input[inside], input[inside + 1], input[inside + 2]],
                        inside,
                    );
                }
            } else {
                break;
            }
        }
        if run.out.len() + 3 > limit {
            return false;
        }
        input[at..].iter().for_each(|&byte| run.put(byte));
        run.end();
        true
    }

    /// Makes room in the count for a string. What was counted before it is of no use to it.
    fn begin(&mut self, len: usize) {
        let len = u32::try_from(len).unwrap_or(u32::MAX - 1);
        if self.seen.is_empty() || self.next.checked_add(len).is_none() {
            self.seen = vec![0; SLOTS];
            self.next = 1;
        }
        self.base = self.next;
        self.next += len;
    }

    /// Remembers a group; where one with the same hash was before, if a copy can begin there.
    fn meet(&mut self, group: [u8; 3], at: usize) -> Option<usize> {
        let [a, b, c] = group.map(u32::from);
        let group = a << 16 | b << 8 | c;
        let slot = (group >> 8).wrapping_sub(group.wrapping_mul(5)) as usize % SLOTS;
        let now = self.base + at as u32;
        let before = std::mem::replace(&mut self.seen[slot], now);
        // Redis never begins a copy at the first byte.
        let close = before > self.base && ((now - before) as usize) <= DISTANCE_MAX;
        close.then(|| (before - self.base) as usize)
    }
}

/// How many bytes from `old` on are repeated from `new` on, as far as Redis looks: near the end of the input the last
/// two bytes are left alone.
fn common(input: &[u8], old: usize, new: usize) -> usize {
    /// So many bytes are compared without a look at the end where there are more.
    const UNCHECKED: usize = 19;
    let most = COPY_MAX.min(input.len() - new - 2);
    let most = if most > UNCHECKED - 3 {
        most.max(UNCHECKED)
    } else {
        most.max(3)
    };
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

/// The packed bytes, whose last piece is a literal one that still grows.
struct Run<'a> {
    out: &'a mut Vec<u8>,
    /// Bytes of that piece.
    literals: usize,
}

impl<'a> Run<'a> {
    fn begin(out: &'a mut Vec<u8>) -> Self {
        out.push(0);
        Self { out, literals: 0 }
    }

    fn put(&mut self, byte: u8) {
        self.out.push(byte);
        self.literals += 1;
        if self.literals == LITERAL_MAX {
            self.end();
            self.out.push(0);
            self.literals = 0;
        }
    }

    /// Bytes so far, without a piece that has none.
    fn len_without_empty(&self) -> usize {
        self.out.len() - usize::from(self.literals == 0)
    }

    /// `back` is the distance less one, as it is stored.
    fn copy(&mut self, back: usize, long: usize) {
        self.end();
        let stored = long - 2;
        self.out.push((stored.min(7) << 5 | back >> 8) as u8);
        if stored >= 7 {
            self.out.push((stored - 7) as u8);
        }
        self.out.extend([back as u8, 0]);
        self.literals = 0;
    }

    /// The length of the piece goes before it; without bytes there is none.
    fn end(&mut self) {
        let head = self.out.len() - self.literals - 1;
        if self.literals == 0 {
            self.out.pop();
        } else {
            self.out[head] = self.literals as u8 - 1;
        }
    }
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
        Packer::default()
            .pack(input, limit, &mut out)
            .then_some(out)
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
                len < 100 || packed.len() <= len / 80 + 6,
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
