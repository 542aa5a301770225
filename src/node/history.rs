//! Which replication history a node is on: its id, the offset of the newest byte, and the id that it had before a
//! promotion, for which it can vouch up to a certain byte (`replid2`, `second_repl_offset`).

use crate::rng::Rng;

/// No id: 40 zeros.
pub const NO_ID: &str = "0000000000000000000000000000000000000000";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    pub replid: String,
    pub replid2: String,
    /// First byte of the second history that is *not* vouched for; -1 when there is none.
    pub second_offset: i64,
    /// `master_repl_offset`: the number of the newest byte of the stream. Bytes are numbered from 1.
    pub offset: u64,
}

impl History {
    pub fn new(rng: &mut Rng) -> Self {
        Self {
            replid: rng.hex40(),
            replid2: NO_ID.into(),
            second_offset: -1,
            offset: 0,
        }
    }

    /// A new history that continues nobody's (`changeReplicationId` with `clearReplicationId2`).
    pub fn renew(&mut self, rng: &mut Rng) {
        self.replid = rng.hex40();
        self.forget_second();
    }

    /// A promotion: a new id, and the old one is answered for up to here (`shiftReplicationId`).
    pub fn shift(&mut self, rng: &mut Rng) {
        let new = rng.hex40();
        self.adopt(new);
    }

    /// The master has a new id and vouches that it continues ours.
    pub fn adopt(&mut self, replid: String) {
        self.replid2 = std::mem::replace(&mut self.replid, replid);
        self.second_offset = self.offset as i64 + 1;
    }

    pub fn forget_second(&mut self) {
        self.replid2 = NO_ID.into();
        self.second_offset = -1;
    }
}
