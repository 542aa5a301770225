//! Bugs that Redis had, and their like: each can be switched on in a build with the feature `mutants`, and the judge has to
//! find it (`tests/mutants.rs`). Without the feature [`Mutant::on`] is a constant, and nothing of this is left. Numbers are
//! those of issues of redis/redis.

/// A bug, at the one place where it lived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// A replica that has every byte is refused: off by one at the newest byte of the backlog.
    NewestRefused1271,
    /// A replica in the middle that takes another dataset keeps its backlog, and its replicas as they are.
    ReplicasKept2694,
    /// At the loss of a link, half a command that was read counts as applied, and is in the backlog.
    HalfCommand3899,
    /// A master that starts again goes on under the id that stands in its snapshot.
    IdOfFile4268,
    /// A promoted replica counts the time without replicas from when it was none itself: its backlog is freed at once.
    Timer4607,
    /// Replicas are not disconnected when their master's id changes under it.
    NewIdKept7306,
    /// A master that becomes a replica asks for the stream without the PINGs at its end, which are in its offset.
    PingsForgotten7314,
    /// The second id is vouched for up to one byte less than there is.
    SecondByOne,
    /// A replica that wants the oldest byte of the backlog is refused.
    OldestRefused,
    /// The backlog claims the byte before its oldest one.
    RingByOne,
    /// `+FULLRESYNC` tells the offset at which the replica asked, not that of the snapshot.
    SnapshotLate,
    /// Commands of a transaction are applied and counted one by one.
    MultiSplit,
    /// After a partial resynchronization the stream goes on in database 0.
    SelectLost,
}

#[cfg(feature = "mutants")]
thread_local! {
    static ON: std::cell::Cell<Option<Mutant>> = const { std::cell::Cell::new(None) };
}

impl Mutant {
    /// Whether every node of this thread has this bug.
    #[cfg(feature = "mutants")]
    pub fn on(self) -> bool {
        ON.get() == Some(self)
    }

    #[cfg(not(feature = "mutants"))]
    #[inline(always)]
    pub const fn on(self) -> bool {
        false
    }

    /// From now on all nodes of this thread have this bug, or none.
    #[cfg(feature = "mutants")]
    pub fn switch(bug: Option<Self>) {
        ON.set(bug);
    }
}
