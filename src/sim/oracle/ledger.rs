//! The ledger of acknowledged writes: each was promised to a client with a reply, and some are lost all the same. That
//! breaks no law of Redis, whose replication is asynchronous; it is what a promotion can cost.

use super::ghost::{Ghost, Place};
use crate::time::Instant;

/// A write that a client was told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The node that acknowledged it, when, and the command.
    pub node: String,
    pub at: Instant,
    pub text: String,
    /// When nobody had it any more, and why.
    pub lost: Option<(Instant, Loss)>,
    place: Place,
}

impl Write {
    /// Number of its last byte in its history.
    pub fn offset(&self) -> u64 {
        self.place.1
    }
}

/// How acknowledged writes are lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// A node was promoted (or started again from its snapshot) without them, and others followed it.
    Promotion { node: String, at: Instant },
    /// The last process that had them ended.
    Crash { node: String },
    /// The last node that had them took another dataset.
    Replaced { node: String },
}

impl std::fmt::Display for Loss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Promotion { node, at } => {
                let ms = at.since(Instant::WORLD) / 1000;
                write!(f, "the promotion of {node} at {ms} ms")
            }
            Self::Crash { node } => write!(f, "the end of {node}'s process"),
            Self::Replaced { node } => write!(f, "another dataset on {node}"),
        }
    }
}

const KEPT: usize = 10_000;

#[derive(Clone, Debug, Default)]
pub struct Ledger {
    writes: Vec<Write>,
    /// The snapshot on each machine's disk, and the one before it.
    files: Vec<[Option<Stored>; 2]>,
}

/// What is known of a snapshot file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    pub place: Place,
    pub flavour: u32,
}

impl Ledger {
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }

    pub fn wrote(&mut self, node: String, at: Instant, place: Place, text: String) {
        if self.writes.len() < KEPT {
            self.writes.push(Write {
                node,
                at,
                text,
                lost: None,
                place,
            });
        }
    }

    fn files(&mut self, i: usize) -> &mut [Option<Stored>; 2] {
        if self.files.len() <= i {
            self.files.resize(i + 1, [None; 2]);
        }
        &mut self.files[i]
    }

    /// Machine `i` has a new snapshot on its disk; the last one is kept as the older one.
    pub fn stored(&mut self, i: usize, file: Option<Stored>) {
        let files = self.files(i);
        files[1] = files[0].take();
        files[0] = file;
    }

    /// It goes back to the older one.
    pub fn went_back(&mut self, i: usize) {
        let files = self.files(i);
        files[0] = files[1].take();
    }

    /// There is nothing on it.
    pub fn wiped(&mut self, i: usize) {
        *self.files(i) = [None; 2];
    }

    pub fn stored_at(&self, i: usize) -> Option<Stored> {
        self.files.get(i).copied().unwrap_or_default()[0]
    }

    /// Marks the writes that none of the holders has; how many they are.
    pub fn settle(&mut self, ghost: &Ghost, holders: &[Place], at: Instant, loss: &Loss) -> usize {
        let held = |w: &Write| holders.iter().any(|h| ghost.holds(h, &w.place));
        let mut lost = 0;
        for write in self.writes.iter_mut().filter(|w| w.lost.is_none()) {
            if !held(write) {
                write.lost = Some((at, loss.clone()));
                lost += 1;
            }
        }
        lost
    }
}
