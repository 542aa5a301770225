//! The only luck there is: a seeded generator whose stream is frozen by a test, because a link that somebody shared
//! must show the same ids and offsets for years. Splitting by name gives each node, path and workload a stream of its
//! own, so that a change to one shifts no other.

use serde::{Deserialize, Serialize};

/// SplitMix64 (Steele, Lea and Flood, 2014). Not for secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rng {
    state: u64,
}

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// An independent generator for the named purpose; the parent is not moved.
    pub fn split(&self, name: &str) -> Self {
        // FNV-1a over the name, then one mixing round, so that near names give far states.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
            (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut child = Self {
            state: self.state ^ hash,
        };
        child.state = child.next_u64();
        child
    }

    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`; `bound` must not be 0. The bias is below 2⁻³² for the small bounds used here.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "a choice needs at least one alternative");
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// 40 hexadecimal digits, as Redis makes replication ids and run ids.
    pub fn hex40(&mut self) -> String {
        (0..40)
            .map(|_| char::from(b"0123456789abcdef"[self.below(16) as usize]))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_frozen() {
        let mut rng = Rng::new(7);
        assert_eq!(
            [rng.next_u64(), rng.next_u64()],
            [7191089600892374487, 309689372594955804]
        );
        assert_eq!(
            Rng::new(7).split("m").hex40(),
            Rng::new(7).split("m").hex40()
        );
        assert_ne!(
            Rng::new(7).split("m").hex40(),
            Rng::new(7).split("r1").hex40()
        );
    }
}
