//! The ghost: every history, byte for byte, as its one writer wrote it. A promotion begins a new branch at the byte up
//! to which it vouches for the old id, so that one place in the tree of histories has one name.

use super::tape::Stream;
use crate::time::Instant;
use std::collections::BTreeMap;

/// A place in the tree of histories: a branch, and how many bytes of history there are up to here. A place that two
/// branches share belongs to the older one.
pub type Place = (usize, u64);

#[derive(Clone, Debug, Default)]
pub struct Ghost {
    branches: Vec<Branch>,
    ids: BTreeMap<String, usize>,
}

#[derive(Clone, Debug)]
struct Branch {
    parent: Option<usize>,
    /// Who began it by a promotion, or by starting again from a snapshot.
    by: Option<(String, Instant)>,
    /// Bytes of history before the first one that is kept here.
    base: u64,
    bytes: Vec<u8>,
    /// Reads the bytes; and after which of them a command ended that can be applied.
    reader: Stream,
    ends: Vec<u64>,
    /// By offset and flavour, see [`Ghost::digest`]: the digest, and who was first to be there.
    digests: BTreeMap<(u64, u32), ([u8; 20], String)>,
}

impl Branch {
    fn end(&self) -> u64 {
        self.base + self.bytes.len() as u64
    }
}

impl Ghost {
    pub fn knows(&self, id: &str) -> bool {
        self.ids.contains_key(id)
    }

    /// A new id, which has `base` bytes of history before it: those of `parent`, or unknown ones.
    pub fn begin(&mut self, id: &str, base: u64, parent: Option<(&str, (String, Instant))>) {
        let (parent, by) = match parent {
            Some((id, by)) => (self.ids.get(id).copied(), Some(by)),
            None => (None, None),
        };
        self.ids.insert(id.into(), self.branches.len());
        self.branches.push(Branch {
            parent,
            by,
            base,
            bytes: Vec::new(),
            reader: Stream::default(),
            ends: Vec::new(),
            digests: BTreeMap::new(),
        });
    }

    /// The place that a node names by an id and an offset.
    pub fn place(&self, id: &str, offset: u64) -> Option<Place> {
        self.ids.get(id).map(|&b| self.canonical(b, offset))
    }

    fn canonical(&self, mut branch: usize, offset: u64) -> Place {
        while offset <= self.branches[branch].base
            && let Some(parent) = self.branches[branch].parent
        {
            branch = parent;
        }
        (branch, offset)
    }

    /// Whether the history up to `here` contains all up to `there`.
    pub fn holds(&self, here: &Place, there: &Place) -> bool {
        there.1 <= here.1 && self.canonical(here.0, there.1) == *there
    }

    /// Offset of the newest byte that was ever written under this id.
    pub fn end(&self, id: &str) -> Option<u64> {
        self.ids.get(id).map(|&b| self.branches[b].end())
    }

    /// Which promotion began this id.
    pub fn maker(&self, id: &str) -> Option<(String, Instant)> {
        self.branches[*self.ids.get(id)?].by.clone()
    }

    /// A node wrote or applied these bytes, numbered from `from`: new ones when it is the
    /// writer, else known ones.
    pub fn write(&mut self, id: &str, from: u64, bytes: &[u8], writes: bool) -> Result<(), String> {
        let Some(&at) = self.ids.get(id) else {
            return Ok(());
        };
        let end = self.branches[at].end();
        let last = from + bytes.len() as u64 - 1;
        if last <= end {
            return self.compare(id, from, bytes);
        }
        if !writes {
            return Err(format!(
                "bytes {from} to {last} were applied, of which only those up to {end} were ever written"
            ));
        }
        if from != end + 1 {
            return Err(format!(
                "byte {} was expected next, it wrote byte {from}",
                end + 1
            ));
        }
        let branch = &mut self.branches[at];
        for &byte in bytes {
            branch.bytes.push(byte);
            if branch.reader.byte(byte) {
                branch.ends.push(branch.base + branch.bytes.len() as u64);
            }
        }
        Ok(())
    }

    /// Whether these are the bytes of the history from number `from` on.
    pub fn compare(&self, id: &str, from: u64, bytes: &[u8]) -> Result<(), String> {
        let Some(&branch) = self.ids.get(id) else {
            return Ok(());
        };
        let (mut from, mut bytes) = (from, bytes);
        while !bytes.is_empty() {
            let (at, _) = self.canonical(branch, from);
            let b = &self.branches[at];
            if from <= b.base {
                // Before anybody looked.
                let skip = ((b.base + 1 - from) as usize).min(bytes.len());
                (from, bytes) = (from + skip as u64, &bytes[skip..]);
                continue;
            }
            let until = self.child_base(branch, at).unwrap_or_else(|| b.end());
            let len = ((until + 1).saturating_sub(from) as usize).min(bytes.len());
            let start = (from - b.base - 1) as usize;
            let written = b.bytes.get(start..start + len);
            if len == 0 || written != Some(&bytes[..len]) {
                let wrong = written.map_or(0, |w| {
                    let pairs = w.iter().zip(bytes);
                    pairs.take_while(|(a, b)| a == b).count()
                });
                return Err(format!(
                    "byte {} is not the one that was written there",
                    from + wrong as u64
                ));
            }
            (from, bytes) = (from + len as u64, &bytes[len..]);
        }
        Ok(())
    }

    /// On the way from `branch` up to `at`: where the branch below `at` begins.
    fn child_base(&self, mut branch: usize, at: usize) -> Option<u64> {
        while branch != at {
            let parent = self.branches[branch].parent?;
            if parent == at {
                return Some(self.branches[branch].base);
            }
            branch = parent;
        }
        None
    }

    /// Whether a command ended there that can be applied.
    pub fn is_whole(&self, place: &Place) -> bool {
        let branch = &self.branches[place.0];
        place.1 <= branch.base || branch.ends.binary_search(&place.1).is_ok()
    }

    /// No command has ended anywhere, for the test that this is seen.
    #[cfg(test)]
    pub fn forget_ends(&mut self) {
        self.branches.iter_mut().for_each(|b| b.ends.clear());
    }

    /// Remembers the digest of the data at a place; who had another one. Data of another flavour is not compared: it
    /// comes from a file that its node wrote before its last write was in the history.
    pub fn digest(
        &mut self,
        place: &Place,
        flavour: u32,
        digest: [u8; 20],
        name: &str,
    ) -> Option<String> {
        let digests = &mut self.branches[place.0].digests;
        let known = digests
            .entry((place.1, flavour))
            .or_insert_with(|| (digest, name.into()));
        (known.0 != digest).then(|| known.1.clone())
    }

    /// The digest that is known for a place.
    pub fn known(&self, place: &Place, flavour: u32) -> Option<[u8; 20]> {
        let digests = &self.branches[place.0].digests;
        digests.get(&(place.1, flavour)).map(|known| known.0)
    }
}
