//! The "sometimes" board: counts how often rare things were reached, so that a search that finds nothing is known to
//! have looked.

/// Something that a search should reach now and then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(usize)]
pub enum Rare {
    RingWrapped,
    PartialById,
    PartialById2,
    PartialAtSecond,
    RefusedBeyondSecond,
    RefusedOtherHistory,
    RefusedByRing,
    RefusedByOneByte,
    CutInHeader,
    CutInBulk,
    CutInLineBreak,
    CutInMulti,
    CutInRdb,
    CutInMark,
    TransferWithLength,
    TransferWithMark,
    PromotionWithTail,
    DemotedWithLosses,
    ChainOfThree,
    ReparentWithReplicas,
    WriteDuringSnapshot,
    ExpiredInStream,
    TwoConnections,
    WaitSatisfied,
    WaitTimedOut,
    OutputLimit,
    SyncWhileSyncing,
    EmptySync,
    OtherDatabase,
    HalfOpen,
    TimedOut,
    ForkRefused,
    ChildFailed,
    DiskFull,
    RestartContinued,
    FailoverDone,
    FailedInStream,
    Endless,
}

pub const RARE: [(Rare, &str); 38] = [
    (Rare::RingWrapped, "the ring went round"),
    (Rare::PartialById, "partial resync by the first id"),
    (Rare::PartialById2, "partial resync by the second id"),
    (
        Rare::PartialAtSecond,
        "partial resync at the very end of the second id",
    ),
    (Rare::RefusedBeyondSecond, "refused beyond the second id"),
    (Rare::RefusedOtherHistory, "refused for another history"),
    (Rare::RefusedByRing, "refused for lack of backlog"),
    (
        Rare::RefusedByOneByte,
        "refused within one command of the ring's edge",
    ),
    (Rare::CutInHeader, "cut inside a RESP header"),
    (Rare::CutInBulk, "cut inside a bulk"),
    (Rare::CutInLineBreak, "cut between CR and LF"),
    (Rare::CutInMulti, "cut inside MULTI"),
    (Rare::CutInRdb, "cut inside a snapshot"),
    (Rare::CutInMark, "cut inside the mark at a snapshot's end"),
    (Rare::TransferWithLength, "snapshot with a length"),
    (Rare::TransferWithMark, "snapshot with a mark"),
    (
        Rare::PromotionWithTail,
        "promotion without the master's last writes",
    ),
    (
        Rare::DemotedWithLosses,
        "an old master gave up acknowledged writes",
    ),
    (Rare::ChainOfThree, "a chain of three"),
    (
        Rare::ReparentWithReplicas,
        "another master while having replicas",
    ),
    (Rare::WriteDuringSnapshot, "a write while a child dumps"),
    (
        Rare::ExpiredInStream,
        "a key expired, and its DEL in the stream",
    ),
    (Rare::TwoConnections, "two connections of the same replica"),
    (Rare::WaitSatisfied, "WAIT was satisfied"),
    (Rare::WaitTimedOut, "WAIT timed out"),
    (Rare::OutputLimit, "closed for its output buffer"),
    (Rare::SyncWhileSyncing, "a full resync while another runs"),
    (Rare::EmptySync, "full resync of an empty dataset"),
    (
        Rare::OtherDatabase,
        "reconnected in another database than 0",
    ),
    (Rare::HalfOpen, "half a connection"),
    (Rare::TimedOut, "dropped by repl-timeout"),
    (Rare::ForkRefused, "a fork was refused"),
    (Rare::ChildFailed, "a child failed"),
    (Rare::DiskFull, "a disk was full"),
    (Rare::RestartContinued, "restarted and continued"),
    (Rare::FailoverDone, "FAILOVER changed the master"),
    (Rare::FailedInStream, "a command of the stream failed"),
    (Rare::Endless, "three full resyncs in a row came to nothing"),
];

/// How often each was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board([u64; RARE.len()]);

impl Default for Board {
    fn default() -> Self {
        Self([0; RARE.len()])
    }
}

impl Board {
    pub fn saw(&mut self, what: Rare) {
        self.0[what as usize] += 1;
    }

    pub fn count(&self, what: Rare) -> u64 {
        self.0[what as usize]
    }

    pub fn add(&mut self, other: &Self) {
        for (mine, other) in self.0.iter_mut().zip(other.0) {
            *mine += other;
        }
    }

    /// Every line: how often, and what.
    pub fn lines(&self) -> impl Iterator<Item = (u64, &'static str)> {
        RARE.iter().map(|(rare, text)| (self.count(*rare), *text))
    }
}
