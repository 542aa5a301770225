//! A stream as snapshots hold it: nodes of up to a hundred entries, each one listpack, and the groups that read it. A
//! removed entry stays in its node, marked, until all of the node is gone; so the nodes are part of the value.

use std::rc::Rc;

use super::listpack::Listpack;
use super::{Bytes, Fault, Item};

/// How large a node gets at most; 0 is any size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeLimit {
    /// Entries, the removed ones among them (`stream-node-max-entries`).
    pub entries: usize,
    /// Bytes (`stream-node-max-bytes`).
    pub bytes: usize,
}

impl Default for NodeLimit {
    fn default() -> Self {
        Self {
            entries: 100,
            bytes: 4096,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    pub ms: u64,
    pub seq: u64,
}

impl Id {
    pub const ZERO: Self = Self { ms: 0, seq: 0 };
    pub const MAX: Self = Self {
        ms: u64::MAX,
        seq: u64::MAX,
    };

    pub fn next(self) -> Option<Self> {
        let up = |ms, seq| Some(Self { ms, seq });
        match self.seq.checked_add(1) {
            Some(seq) => up(self.ms, seq),
            None => up(self.ms.checked_add(1)?, 0),
        }
    }

    pub fn previous(self) -> Option<Self> {
        let down = |ms, seq| Some(Self { ms, seq });
        match self.seq.checked_sub(1) {
            Some(seq) => down(self.ms, seq),
            None => down(self.ms.checked_sub(1)?, u64::MAX),
        }
    }

    pub fn text(self) -> String {
        format!("{}-{}", self.ms, self.seq)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct StreamEntry {
    pub id: Id,
    pub removed: bool,
    /// Names and values in turn.
    pub fields: Rc<[Bytes]>,
}

/// The first entry, removed or not, gives the node its id and the names that others need not repeat.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    pub entries: Vec<StreamEntry>,
    /// Entries that are not removed.
    pub live: usize,
    bytes: usize,
}

impl Node {
    pub fn id(&self) -> Id {
        self.entries.first().map_or(Id::ZERO, |entry| entry.id)
    }

    fn head(&self) -> Listpack {
        let mut pack = Listpack::new();
        pack.push_int(self.live as i64);
        pack.push_int((self.entries.len() - self.live) as i64);
        let fields = self.entries.first().map_or(&[][..], |entry| &entry.fields);
        pack.push_int((fields.len() / 2) as i64);
        fields.iter().step_by(2).for_each(|name| pack.push(name));
        pack.push_int(0);
        pack
    }

    fn put(&self, pack: &mut Listpack, entry: &StreamEntry) {
        let first = self.entries.first().unwrap_or(entry);
        let names = |fields: &Rc<[Bytes]>| fields.iter().step_by(2).cloned().collect::<Vec<_>>();
        let same = names(&first.fields) == names(&entry.fields);
        pack.push_int(i64::from(entry.removed) | if same { 2 } else { 0 });
        pack.push_int(entry.id.ms.wrapping_sub(first.id.ms) as i64);
        pack.push_int(entry.id.seq.wrapping_sub(first.id.seq) as i64);
        let count = entry.fields.len();
        if same {
            entry
                .fields
                .iter()
                .skip(1)
                .step_by(2)
                .for_each(|value| pack.push(value));
            pack.push_int((count / 2 + 3) as i64);
        } else {
            pack.push_int((count / 2) as i64);
            entry.fields.iter().for_each(|text| pack.push(text));
            pack.push_int((count + 4) as i64);
        }
    }

    /// As one listpack.
    pub fn pack(&self) -> Vec<u8> {
        let mut pack = self.head();
        self.entries
            .iter()
            .for_each(|entry| self.put(&mut pack, entry));
        pack.into_bytes()
    }

    fn push(&mut self, entry: StreamEntry) {
        let mut pack = Listpack::new();
        let empty = pack.size();
        self.put(&mut pack, &entry);
        self.bytes += pack.size() - empty;
        self.live += 1;
        self.entries.push(entry);
        if self.entries.len() == 1 {
            self.bytes += self.head().size();
        }
    }

    /// Takes the elements of its listpack, and checks what Redis does when it checks all
    /// (`streamValidateListpackIntegrity`).
    pub fn unpack(id: Id, items: &[Item<'_>], bytes: usize) -> Result<Self, Fault> {
        let what = "Stream listpack integrity check failed.";
        let fault = Fault { at: 0, what };
        let mut items = items.iter();
        let int = |items: &mut std::slice::Iter<'_, Item<'_>>| match items.next() {
            Some(Item::Int(n)) => Ok(*n),
            _ => Err(fault),
        };
        let check = |fine: bool| if fine { Ok(()) } else { Err(fault) };
        let (live, removed, count) = (int(&mut items)?, int(&mut items)?, int(&mut items)?);
        let mut names = vec![];
        for _ in 0..count {
            names.push(items.next().ok_or(fault)?.to_bytes());
        }
        check(int(&mut items)? == 0)?;
        let mut node = Self {
            bytes,
            ..Self::default()
        };
        while !items.as_slice().is_empty() {
            let flags = int(&mut items)?;
            let (ms, seq) = (int(&mut items)? as u64, int(&mut items)? as u64);
            let mut fields = vec![];
            let (count, more) = if flags & 2 != 0 {
                for name in &names {
                    fields.extend([name.clone(), items.next().ok_or(fault)?.to_bytes()]);
                }
                (count, 3)
            } else {
                let count = int(&mut items)?;
                for _ in 0..count.saturating_mul(2) {
                    fields.push(items.next().ok_or(fault)?.to_bytes());
                }
                (count, count.saturating_add(4))
            };
            check(int(&mut items)? == count.saturating_add(more))?;
            node.live += usize::from(flags & 1 == 0);
            node.entries.push(StreamEntry {
                id: Id {
                    ms: id.ms.wrapping_add(ms),
                    seq: id.seq.wrapping_add(seq),
                },
                removed: flags & 1 != 0,
                fields: fields.into(),
            });
        }
        check(!node.entries.is_empty())?;
        check(live.wrapping_add(removed) == node.entries.len() as i64)?;
        Ok(node)
    }
}

/// What a trimmed stream keeps: so many entries, or those from an id on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Keep {
    Len(usize),
    From(Id),
}

/// An entry that a consumer got and has not acknowledged.
#[derive(Clone, Debug, PartialEq)]
pub struct Pending {
    pub id: Id,
    pub consumer: Bytes,
    /// Unix time in milliseconds.
    pub time_ms: i64,
    pub count: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Consumer {
    pub name: Bytes,
    pub seen_ms: i64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub name: Bytes,
    pub last: Id,
    /// Entries ever read; nothing when that is not known.
    pub read: Option<u64>,
    /// By id.
    pub pending: Vec<Pending>,
    /// By name.
    pub consumers: Vec<Consumer>,
}

impl Group {
    pub fn find(&self, id: Id) -> Result<usize, usize> {
        self.pending.binary_search_by(|pending| pending.id.cmp(&id))
    }

    pub fn consumer(&self, name: &[u8]) -> Result<usize, usize> {
        self.consumers
            .binary_search_by(|consumer| (*consumer.name).cmp(name))
    }

    pub fn pending_of<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a Pending> {
        self.pending
            .iter()
            .filter(move |pending| *pending.consumer == *name)
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stream {
    pub nodes: Vec<Rc<Node>>,
    pub len: usize,
    pub last: Id,
    pub first: Id,
    pub max_removed: Id,
    pub added: u64,
    /// By name.
    pub groups: Vec<Group>,
}

impl Stream {
    pub fn group(&self, name: &[u8]) -> Result<usize, usize> {
        self.groups
            .binary_search_by(|group| (*group.name).cmp(name))
    }

    /// The entries from `start` to `end`, both inclusive.
    pub fn range(&self, start: Id, end: Id) -> impl DoubleEndedIterator<Item = &StreamEntry> {
        let from = self
            .nodes
            .partition_point(|node| node.id() <= start)
            .saturating_sub(1);
        let to = self
            .nodes
            .partition_point(|node| node.id() <= end)
            .max(from);
        self.nodes[from..to]
            .iter()
            .flat_map(|node| node.entries.iter())
            .filter(move |entry| !entry.removed && (start..=end).contains(&entry.id))
    }

    pub fn has(&self, id: Id) -> bool {
        self.range(id, id).next().is_some()
    }

    /// The last entry that is there, or the newest id when there is none.
    pub fn top(&self) -> Id {
        self.range(Id::ZERO, Id::MAX)
            .next_back()
            .map_or(Id::ZERO, |entry| entry.id)
    }

    /// Appends; the id is greater than the last one.
    pub fn push(&mut self, id: Id, fields: Rc<[Bytes]>) {
        self.push_within(NodeLimit::default(), id, fields);
    }

    /// As [`Stream::push`], with other limits of a node.
    pub fn push_within(&mut self, most: NodeLimit, id: Id, fields: Rc<[Bytes]>) {
        let size: usize = fields.iter().map(|text| text.len()).sum();
        let full = self.nodes.last().is_none_or(|node| {
            most.bytes > 0 && node.bytes + size >= most.bytes
                || most.entries > 0 && node.entries.len() >= most.entries
        });
        if full {
            self.nodes.push(Rc::default());
        }
        if let Some(node) = self.nodes.last_mut() {
            Rc::make_mut(node).push(StreamEntry {
                id,
                removed: false,
                fields,
            });
        }
        self.added += 1;
        self.len += 1;
        self.last = id;
        if self.len == 1 {
            self.first = id;
        }
    }

    pub fn remove(&mut self, id: Id) -> bool {
        let place = self.nodes.partition_point(|node| node.id() <= id);
        let Some(node) = place.checked_sub(1).and_then(|at| self.nodes.get_mut(at)) else {
            return false;
        };
        let found = node.entries.binary_search_by(|entry| entry.id.cmp(&id));
        let Some(at) = found.ok().filter(|&at| !node.entries[at].removed) else {
            return false;
        };
        if node.live == 1 {
            self.nodes.remove(place - 1);
        } else {
            let node = Rc::make_mut(node);
            node.entries[at].removed = true;
            node.live -= 1;
        }
        self.len -= 1;
        self.max_removed = self.max_removed.max(id);
        if id == self.first {
            self.find_first();
        }
        true
    }

    fn find_first(&mut self) {
        let first = self.range(Id::ZERO, Id::MAX).next().map(|entry| entry.id);
        self.first = first.unwrap_or_default();
    }

    /// Nodes of the compressed radix tree in which Redis keeps the listpacks, by the 16 bytes of their ids.
    pub fn radix_nodes(&self) -> usize {
        let key = |node: &Rc<Node>| {
            (u128::from(node.id().ms) << 64 | u128::from(node.id().seq)).to_be_bytes()
        };
        let keys: Vec<_> = self.nodes.iter().map(key).collect();
        radix_nodes(&keys, 0)
    }

    /// Removes the oldest entries. With `whole` only whole nodes go; of a `limit` above 0, so many entries at most.
    pub fn trim(&mut self, keep: Keep, whole: bool, limit: usize) -> usize {
        let before = self.len;
        let mut gone = 0;
        while let Some(node) = self.nodes.get_mut(gone) {
            let enough = matches!(keep, Keep::Len(max) if self.len <= max);
            if enough || limit > 0 && before - self.len + node.live > limit {
                break;
            }
            let goes = match keep {
                Keep::Len(max) => self.len.saturating_sub(node.live) >= max,
                Keep::From(id) => node.entries.last().is_none_or(|entry| entry.id < id),
            };
            if goes {
                self.len = self.len.saturating_sub(node.live);
                gone += 1;
                continue;
            }
            if !whole {
                let node = Rc::make_mut(node);
                for entry in &mut node.entries {
                    let stop = match keep {
                        Keep::Len(max) => self.len <= max,
                        Keep::From(id) => entry.id >= id,
                    };
                    if stop {
                        break;
                    }
                    if !std::mem::replace(&mut entry.removed, true) {
                        node.live -= 1;
                        self.len = self.len.saturating_sub(1);
                    }
                }
            }
            break;
        }
        self.nodes.drain(..gone);
        if before > self.len {
            self.find_first();
        }
        before - self.len
    }

    /// How many entries were ever added up to this one, if that can be known.
    pub fn distance(&self, id: Id) -> Option<u64> {
        if self.added == 0 {
            return Some(0);
        }
        if self.len == 0 && id <= self.last {
            return Some(self.added);
        }
        if id > self.last {
            return None;
        }
        if id == self.last {
            return Some(self.added);
        }
        let gone = self.added - (self.len as u64).min(self.added);
        let whole = self.max_removed == Id::ZERO || self.max_removed < self.first;
        match id.cmp(&self.first) {
            std::cmp::Ordering::Less if whole => Some(gone),
            std::cmp::Ordering::Equal if whole => Some(gone + 1),
            _ => None,
        }
    }

    /// Whether an entry may have been removed from behind `start`.
    pub fn holes_from(&self, start: Id) -> bool {
        self.len > 0 && self.first <= self.max_removed && start <= self.max_removed
    }
}

/// Nodes of a compressed radix tree with these keys, which are sorted and have their first `depth` bytes in common: one
/// for a run of bytes that all share, one for where they part or end, and what is below. The root is there without keys.
fn radix_nodes(keys: &[[u8; 16]], depth: usize) -> usize {
    let (Some(first), Some(last)) = (keys.first(), keys.last()) else {
        return 1;
    };
    let common = first.iter().zip(last).take_while(|(a, b)| a == b).count();
    let below: usize = match common {
        16 => 0,
        at => keys
            .chunk_by(|a, b| a[at] == b[at])
            .map(|keys| radix_nodes(keys, at + 1))
            .sum(),
    };
    usize::from(common > depth) + 1 + below
}
