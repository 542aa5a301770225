//! The keys of one shard, in the order of their insertion, but that the last one fills the gap of one that goes. They
//! stand in small blocks behind `Rc`: a copy of a shard shares them all, and a write after it copies one.

use super::{Bytes, Entry, Value};
use hashbrown::HashTable;
use std::rc::Rc;

/// Keys of one block.
const BLOCK: usize = 8;
/// Bytes that the copy of a block costs, roughly, for each key of it; and those of a table of keys.
pub(super) const SLOT: u64 = 80;
pub(super) const PLACE: u64 = 8;

type Slot = (Bytes, Entry);
type Block = [Slot; BLOCK];

#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    /// The place of each key, by its hash.
    places: HashTable<usize>,
    /// What is behind the last key is empty.
    blocks: Vec<Rc<Block>>,
}

/// FNV-1a and a last mix; not foldhash, because that differs between 32 and 64 bit machines and the shard of a key, its
/// uppermost bits, shows in the order of `KEYS`.
pub(super) fn hash(key: &[u8]) -> u64 {
    let hash = key.iter().fold(0xcbf2_9ce4_8422_2325_u64, |h, &b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

/// As a table wants it, which looks at the uppermost bits too: they are the same in all of a shard.
fn spread(hash: u64) -> u64 {
    hash ^ hash.rotate_left(32)
}

fn empty() -> Slot {
    let value = Value::String(Bytes::default());
    (Bytes::default(), Entry::new(value))
}

fn slot(blocks: &[Rc<Block>], place: usize) -> &Slot {
    &blocks[place / BLOCK][place % BLOCK]
}

fn place_hash(blocks: &[Rc<Block>], place: usize) -> u64 {
    spread(hash(&slot(blocks, place).0))
}

impl Keys {
    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Where a key is that has this hash.
    pub fn place(&self, hash: u64, key: &[u8]) -> Option<usize> {
        let same = |&place: &usize| slot(&self.blocks, place).0[..] == *key;
        self.places.find(spread(hash), same).copied()
    }

    pub fn at(&self, place: usize) -> Option<(&Bytes, &Entry)> {
        let there = place < self.len();
        let (key, entry) = there.then(|| slot(&self.blocks, place))?;
        Some((key, entry))
    }

    /// A place for writing, and what is copied for it.
    pub fn at_mut(&mut self, place: usize, copied: &mut u64) -> &mut Slot {
        let block = &mut self.blocks[place / BLOCK];
        if Rc::strong_count(block) > 1 {
            *copied += BLOCK as u64 * SLOT;
        }
        &mut Rc::make_mut(block)[place % BLOCK]
    }

    /// Adds a key that is not there.
    pub fn push(&mut self, hash: u64, key: Bytes, entry: Entry, copied: &mut u64) {
        let place = self.len();
        if place.is_multiple_of(BLOCK) {
            self.blocks.push(Rc::new(std::array::from_fn(|_| empty())));
        }
        *self.at_mut(place, copied) = (key, entry);
        let blocks = &self.blocks;
        let again = |&place: &usize| place_hash(blocks, place);
        self.places.insert_unique(spread(hash), place, again);
    }

    /// Removes a key; the last one takes its place.
    pub fn swap_remove(&mut self, place: usize, copied: &mut u64) -> Slot {
        let last = self.len() - 1;
        let (gone, moved) = (
            place_hash(&self.blocks, place),
            place_hash(&self.blocks, last),
        );
        if let Ok(number) = self.places.find_entry(gone, |&at| at == place) {
            number.remove();
        }
        let mut slot = std::mem::replace(self.at_mut(last, copied), empty());
        if place < last {
            if let Some(number) = self.places.find_mut(moved, |&at| at == last) {
                *number = place;
            }
            std::mem::swap(self.at_mut(place, copied), &mut slot);
        }
        self.blocks.truncate(last.div_ceil(BLOCK));
        slot
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Bytes, &Entry)> {
        let slots = self.blocks.iter().flat_map(|block| block.iter());
        slots.take(self.len()).map(|(key, entry)| (key, entry))
    }

    pub fn reserve(&mut self, more: usize) {
        let blocks = &self.blocks;
        let again = |&place: &usize| place_hash(blocks, place);
        self.places.reserve(more, again);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::keyspace::Map;
    use crate::rng::Rng;

    #[test]
    fn it_is_a_map_in_the_same_order_and_a_copy_is_not_disturbed() {
        let (mut keys, mut model) = (Keys::default(), Map::default());
        let (mut rng, mut copied) = (Rng::new(7), 0);
        let mut before = (keys.clone(), model.clone());
        for step in 0..3000_u64 {
            // Many keys, then few.
            let key = Bytes::from(
                rng.below(if step < 1500 { 200 } else { 20 })
                    .to_string()
                    .as_str(),
            );
            let entry = Entry::new(Value::String(step.to_string().as_str().into()));
            let (hash, place) = (hash(&key), model.get_index_of(&key[..]));
            assert_eq!(keys.place(hash, &key), place);
            match place {
                Some(place) if step % 2 == 0 => {
                    let gone = keys.swap_remove(place, &mut copied);
                    assert_eq!(Some(gone), model.swap_remove_entry(&key[..]));
                }
                Some(place) => {
                    keys.at_mut(place, &mut copied).1 = entry.clone();
                    model.insert(key, entry);
                }
                None => {
                    keys.push(hash, key.clone(), entry.clone(), &mut copied);
                    model.insert(key, entry);
                }
            }
            assert!(keys.iter().eq(model.iter()));
            assert_eq!((keys.len(), keys.at(keys.len())), (model.len(), None));
            assert!(before.0.iter().eq(before.1.iter()));
            if step % 10 == 0 {
                before = (keys.clone(), model.clone());
            }
        }
    }

    #[test]
    fn a_write_after_a_copy_copies_one_block() {
        let (mut keys, mut copied) = (Keys::default(), 0);
        for n in 0..100_u8 {
            keys.push(hash(&[n]), (&[n]).into(), empty().1, &mut copied);
        }
        let copy = keys.clone();
        keys.at_mut(50, &mut copied).1.access = 1;
        keys.at_mut(51, &mut copied).1.access = 1;
        assert_eq!(copied, BLOCK as u64 * SLOT);
        let both = keys.blocks.iter().zip(&copy.blocks);
        let shared = both.filter(|(a, b)| Rc::ptr_eq(a, b)).count();
        assert_eq!(shared, 100_usize.div_ceil(BLOCK) - 1);
    }
}
