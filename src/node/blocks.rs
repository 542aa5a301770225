//! How Redis 7 would keep the bytes of our ring: in blocks that the backlog shares with the output buffers of its replicas
//! and frees one whole block at a time (`incrementalTrimReplicationBacklog`). It may hold more than `repl-backlog-size`,
//! never less.

use super::Node;

/// Bytes in a block of 7.0.15 under a load of small commands, with jemalloc: 16 384 and what its size class adds.
pub const BLOCK: u64 = 20_440;
/// The smallest ring that a real server takes; a smaller one has smaller blocks here, so that there are several.
const LEAST: u64 = 16_384;
const PARTS: u64 = 8;

/// What would be held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocks {
    /// Bytes in a block.
    pub block: u64,
    /// The oldest byte that is held: the first of a block.
    pub first: u64,
    /// The newest block's first byte.
    pub last: u64,
    /// Ports of the replicas, each with the first byte of the block at which its output buffer is.
    pub replicas: Vec<(u16, u64)>,
}

/// `origin` is the first byte ever kept, `offset` the newest, `size` what is set; `next` are the bytes that the replicas
/// are sent next.
fn blocks(origin: u64, offset: u64, size: u64, next: &[(u16, u64)]) -> Blocks {
    let block = if size < LEAST {
        (size / PARTS).max(1)
    } else {
        BLOCK
    };
    let start = |byte: u64| origin + byte.saturating_sub(origin) / block * block;
    let last = start(offset.max(origin));
    let at = |&(port, byte): &(u16, u64)| (port, start(byte.min(offset)).min(last));
    let replicas: Vec<(u16, u64)> = next.iter().map(at).collect();
    // Freed is what leaves more than is set, and at which no replica is.
    let all = (offset + 1).saturating_sub(origin);
    let free = all.saturating_sub(size + 1) / block * block;
    let held = replicas.iter().map(|r| r.1).min().unwrap_or(last);
    Blocks {
        block,
        first: (origin + free).min(held).min(last),
        last,
        replicas,
    }
}

impl Node {
    /// The blocks of Redis 7; none without a backlog.
    #[inline(never)]
    pub fn blocks(&self) -> Option<Blocks> {
        let (backlog, offset) = (self.backlog()?, self.history().offset);
        let next = |r: super::Attached| (r.port, (offset + 1).saturating_sub(r.buffered));
        let next: Vec<(u16, u64)> = self.attached().into_iter().map(next).collect();
        Some(blocks(backlog.origin(), offset, backlog.size(), &next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_real_server_told_of_first_byte_and_histlen() {
        // redis-server 7.0.15, repl-backlog-size 16384, a replica in step, 24 writes of 3 KB: INFO replication.
        for (offset, first, histlen) in [
            (3_053, 1, 3_053),
            (18_203, 1, 18_203),
            (36_386, 1, 36_386),
            (39_417, 20_441, 18_977),
            (54_572, 20_441, 34_132),
            (57_603, 40_881, 16_723),
            (72_758, 40_881, 31_878),
        ] {
            let held = blocks(1, offset, 16_384, &[(6380, offset + 1)]);
            assert_eq!((held.first, offset + 1 - held.first), (first, histlen));
        }
    }

    #[test]
    fn a_block_stays_while_a_replica_is_at_it() {
        let held = blocks(1, 2_000, 512, &[(1, 2_001), (2, 700)]);
        assert_eq!(held.block, 64);
        assert_eq!(held.first, 641, "700 is in it");
        assert_eq!(held.replicas, [(1, 1_985), (2, 641)]);
        let held = blocks(1, 2_000, 512, &[(1, 2_001)]);
        assert_eq!(
            held.first, 1_473,
            "528 bytes, one block less would be too few"
        );
    }

    #[test]
    fn never_less_than_is_set_and_never_less_than_a_block() {
        for offset in [0, 1, 63, 64, 65, 511, 512, 513, 577, 10_000] {
            let held = blocks(1, offset, 512, &[]);
            let bytes = offset + 1 - held.first;
            assert!(bytes >= offset.min(512), "{bytes} of {offset}");
            assert!(bytes <= 512 + held.block, "{bytes} of {offset}");
        }
        assert_eq!(blocks(5, 4, 0, &[]).first, 5, "an empty one");
    }
}
