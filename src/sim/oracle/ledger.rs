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
    /// Writes before this one are settled: lost.
    stored: Vec<Option<Place>>,
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

    /// The snapshot on the disk of machine `i` is from there.
    pub fn stored(&mut self, i: usize, place: Option<Place>) {
        if self.stored.len() <= i {
            self.stored.resize(i + 1, None);
        }
        self.stored[i] = place;
    }

    pub fn stored_at(&self, i: usize) -> Option<Place> {
        self.stored.get(i).cloned().flatten()
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
