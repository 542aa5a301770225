//! A collection as the very bytes that a file has of it: one block that was checked when it was read, is taken apart
//! when somebody asks for what is in it, and is written again as it came, as Redis does with its small forms.

use super::number::parse_score;
use super::reader::{Raw, Reader};
use super::{Bytes, Item, NODE_PACKED, intset, listpack, tag};
use foldhash::fast::FixedState;
use std::borrow::Cow;
use std::hash::BuildHasher;

/// What the block is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The listpacks of a quicklist, one after the other.
    List,
    /// An intset.
    Set,
    /// A listpack of fields and values.
    Hash,
    /// A listpack of members and scores, in order.
    Zset,
}

/// A block in which there is nothing twice and all is in order: taking it apart cannot fail.
#[derive(Clone, Debug, PartialEq)]
pub struct Packed {
    pub kind: Kind,
    bytes: Bytes,
    /// Elements, fields or members; at least one.
    pub len: usize,
}

impl Packed {
    /// What is in it: each element, each field with its value, each member with its score.
    pub fn elements(&self) -> impl Iterator<Item = (Item<'_>, Option<Item<'_>>)> {
        let (packs, ints) = match self.kind {
            Kind::Set => (&[][..], &self.bytes[..]),
            _ => (&self.bytes[..], &[][..]),
        };
        let mut items = listpack::split(packs)
            .flat_map(listpack::elements)
            .chain(intset::elements(ints).map(Item::Int));
        let paired = matches!(self.kind, Kind::Hash | Kind::Zset);
        std::iter::from_fn(move || Some((items.next()?, paired.then(|| items.next()).flatten())))
    }

    /// The strings that a file has in the place of its value; a list's are its nodes.
    pub(super) fn blocks(&self) -> impl Iterator<Item = &[u8]> {
        let (packs, whole) = match self.kind {
            Kind::List => (&self.bytes[..], None),
            _ => (&[][..], Some(&self.bytes[..])),
        };
        listpack::split(packs).chain(whole)
    }

    pub(super) fn tag(&self) -> u8 {
        match self.kind {
            Kind::List => tag::LIST_QUICKLIST_2,
            Kind::Set => tag::SET_INTSET,
            Kind::Hash => tag::HASH_LISTPACK,
            Kind::Zset => tag::ZSET_LISTPACK,
        }
    }

    /// Checks a block that is no list's; nothing if it is empty, or if there is anything about it that has to be looked
    /// at more closely.
    fn new(kind: Kind, bytes: &[u8]) -> Option<Self> {
        let mut check = Check::default();
        let len = if kind == Kind::Set {
            intset::decode(bytes).ok()?.len()
        } else {
            let mut first = None;
            let items = listpack::check(bytes, |second| match first.take() {
                None => {
                    first = Some(second);
                    true
                }
                Some(field) if kind == Kind::Hash => check.name(field),
                Some(member) => check.scored(member, second),
            })?;
            (items % 2 == 0).then_some(items / 2)?
        };
        (len > 0).then(|| Self {
            kind,
            bytes: bytes.into(),
            len,
        })
    }
}

/// What the elements are checked for on the way.
#[derive(Default)]
struct Check<'a> {
    seen: Seen,
    /// The last member and its score.
    last: Option<(f64, Item<'a>)>,
}

impl<'a> Check<'a> {
    fn scored(&mut self, member: Item<'a>, score: Item<'a>) -> bool {
        let score = match score {
            Item::Int(n) => Some(n as f64),
            // Redis writes zero as an integer, and knows no minus zero here.
            Item::Text(text) => parse_score(text).filter(|score| *score != 0.0),
        };
        let Some(score) = score else { return false };
        let last = self.last.replace((score, member));
        let follows = last.is_none_or(|(before, last)| {
            let (mut a, mut b) = ([0; 20], [0; 20]);
            before < score || before == score && last.text(&mut a) < member.text(&mut b)
        });
        follows && self.name(member)
    }

    /// A field or a member, which has to be there once.
    fn name(&mut self, name: Item<'_>) -> bool {
        let mut digits = [0; 20];
        let text = name.text(&mut digits);
        self.seen.is_new(text)
    }
}

/// Strings that have come, as three bits each: it may take a new one for one that has come, and never the other way.
struct Seen([u64; 128]);

impl Default for Seen {
    fn default() -> Self {
        Self([0; 128])
    }
}

impl Seen {
    fn is_new(&mut self, text: &[u8]) -> bool {
        let hash = FixedState::default().hash_one(text);
        let mut known = true;
        for place in [hash, hash >> 13, hash >> 26] {
            let word = &mut self.0[place as usize / 64 % 128];
            known &= *word >> (place % 64) & 1 != 0;
            *word |= 1 << (place % 64);
        }
        !known
    }
}

impl<'a> Reader<'a> {
    /// The value of a key as one block, where Redis would keep it so. Nothing is taken, and no error told, if it is
    /// another: then it has to be read element by element.
    pub fn block(&mut self, kind: u8) -> Option<Packed> {
        let start = self.at;
        let packed = match kind {
            tag::LIST_QUICKLIST_2 => self.list_block(),
            tag::SET_INTSET => self.plain_bytes().and_then(|b| Packed::new(Kind::Set, &b)),
            tag::HASH_LISTPACK => self.plain_bytes().and_then(|b| Packed::new(Kind::Hash, &b)),
            tag::ZSET_LISTPACK => self.plain_bytes().and_then(|b| Packed::new(Kind::Zset, &b)),
            _ => None,
        };
        if packed.is_none() {
            self.at = start;
        }
        packed
    }

    /// The nodes of a list, if all of them are listpacks.
    fn list_block(&mut self) -> Option<Packed> {
        let (mut all, mut len) = (Cow::Borrowed(&b""[..]), 0);
        for _ in 0..self.count(2, "nodes").ok()? {
            let NODE_PACKED = self.length("kind of node").ok()? else {
                return None;
            };
            let node = self.plain_bytes()?;
            len += listpack::check(&node, |_| true).filter(|len| *len > 0)?;
            if all.is_empty() {
                all = node;
            } else {
                all.to_mut().extend_from_slice(&node);
            }
        }
        (len > 0).then(|| Packed {
            kind: Kind::List,
            bytes: all[..].into(),
            len,
        })
    }

    fn plain_bytes(&mut self) -> Option<Cow<'a, [u8]>> {
        match self.raw_parts().ok()? {
            Raw::Plain(text) => Some(Cow::Borrowed(text)),
            Raw::Unpacked(text) => Some(Cow::Owned(text)),
            Raw::Int(_) => None,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::read::{Loader, read};
    use super::super::write::{Shape, Writer};
    use super::super::{Entry, Value};
    use super::*;
    use proptest::prelude::*;

    /// The same value, element by element.
    pub fn opened(value: Value) -> Value {
        let Value::Packed(packed) = value else {
            return value;
        };
        let singles = || packed.elements().map(|(item, _)| item.to_bytes()).collect();
        fn second(item: Option<Item<'_>>) -> Item<'_> {
            item.expect("these come in twos")
        }
        match packed.kind {
            Kind::List => Value::List(singles()),
            Kind::Set => Value::Set(singles()),
            Kind::Hash => {
                let pairs = packed.elements();
                let pairs =
                    pairs.map(|(field, value)| (field.to_bytes(), second(value).to_bytes()));
                Value::Hash(pairs.collect())
            }
            Kind::Zset => {
                let pairs = packed.elements().map(|(member, score)| {
                    let score = second(score).to_score();
                    (member.to_bytes(), score.expect("it was checked"))
                });
                Value::Zset(pairs.collect())
            }
        }
    }

    fn loaded(file: &[u8]) -> Result<Vec<Entry>, String> {
        let mut loader = Loader::of(file.to_vec());
        let mut entries = Vec::new();
        while let Some(entry) = loader.next_key().map_err(|error| error.to_string())? {
            entries.push(entry);
        }
        match loader.ended() {
            true => Ok(entries),
            false => Err(loader.cut().to_string()),
        }
    }

    fn file(entries: &[(&str, Value)], list_node: i64, compress: bool) -> Vec<u8> {
        let mut writer = Writer::new(&[], compress);
        for (key, value) in entries {
            let packed = !matches!(value, Value::Hash(fields) if fields.len() > 50);
            let shape = Shape { packed, list_node };
            writer.entry(key.as_bytes(), None, value, shape);
        }
        writer.finish()
    }

    fn text(text: &str) -> Bytes {
        text.as_bytes().into()
    }

    fn sample() -> Vec<(&'static str, Value)> {
        let names = |n: i64| (0..n).map(|i| text(&format!("name {i}")));
        let numbers = |n: i64| (0..n).map(|i| text(&(i * i * 1000).to_string()));
        let pairs = |n| Value::Hash(names(n).zip(numbers(n)).collect());
        vec![
            (
                "list",
                Value::List(names(100).chain(numbers(100)).collect()),
            ),
            ("ints", Value::Set(numbers(40).collect())),
            ("hash", pairs(40)),
            (
                "zset",
                Value::Zset(names(40).zip((0..40).map(|i| f64::from(i) / 4.0)).collect()),
            ),
            ("table", pairs(60)),
            ("set", Value::Set(names(3).collect())),
        ]
    }

    #[test]
    fn what_came_as_a_block_is_written_as_that_block() {
        for (list_node, compress) in [(-2, false), (7, false), (7, true)] {
            let first = file(&sample(), list_node, compress);
            let entries = loaded(&first).expect("it was just written");
            let kinds = entries.iter().map(|entry| match &entry.value {
                Value::Packed(packed) => Some((packed.kind, packed.len)),
                _ => None,
            });
            assert_eq!(
                kinds.collect::<Vec<_>>(),
                [
                    Some((Kind::List, 200)),
                    Some((Kind::Set, 40)),
                    Some((Kind::Hash, 40)),
                    Some((Kind::Zset, 40)),
                    None,
                    None
                ]
            );
            let mut writer = Writer::new(&[], compress);
            for entry in &entries {
                let packed = matches!(entry.value, Value::Packed(_));
                let shape = Shape {
                    packed,
                    ..Shape::SMALL
                };
                writer.entry(&entry.key, None, &entry.value, shape);
            }
            assert_eq!(writer.finish(), first, "{list_node} {compress}");
            for (entry, (_, value)) in entries.into_iter().zip(sample()) {
                assert_eq!(opened(entry.value), value);
            }
        }
    }

    #[test]
    fn what_has_to_be_looked_at_more_closely_is_no_block() {
        let hash = |fields: &[&str]| {
            let mut pack = listpack::Listpack::new();
            fields
                .iter()
                .for_each(|field| pack.push_text(field.as_bytes()));
            pack.into_bytes()
        };
        let block = |kind, bytes: &[u8]| Packed::new(kind, bytes).is_some();
        assert!(block(Kind::Hash, &hash(&["a", "1", "b", "1"])));
        assert!(!block(Kind::Hash, &hash(&["a", "1", "a", "2"])), "twice");
        assert!(!block(Kind::Hash, &hash(&["a", "1", "b"])), "odd");
        assert!(!block(Kind::Hash, &hash(&[])), "empty");
        let mut pack = listpack::Listpack::new();
        [("7", true), ("x", false), ("7", false), ("y", false)]
            .into_iter()
            .for_each(|(item, int)| match int {
                true => pack.push(item.as_bytes()),
                false => pack.push_text(item.as_bytes()),
            });
        assert!(!block(Kind::Hash, &pack.into_bytes()), "once as a number");
        assert!(block(Kind::Zset, &hash(&["b", "1.5", "a", "2.5"])));
        assert!(block(
            Kind::Zset,
            &hash(&["a", "-inf", "b", "1.5", "c", "1.5"])
        ));
        for (why, members) in [
            ("not in order", ["a", "2.5", "b", "1.5"]),
            ("nor by member", ["b", "1.5", "a", "1.5"]),
            ("twice", ["a", "1.5", "a", "2.5"]),
            ("minus zero", ["a", "-0", "b", "1.5"]),
            ("no number", ["a", "nan", "b", "1.5"]),
            ("nor this", ["a", "1.5x", "b", "2.5"]),
        ] {
            assert!(!block(Kind::Zset, &hash(&members)), "{why}");
        }
    }

    proptest! {
        /// Whatever is wrong with a file, it is the same whether blocks are kept or not.
        #[test]
        fn a_damaged_file_is_read_alike(at in 9usize..5000, byte: u8, node in prop_oneof![Just(-2i64), Just(7)]) {
            let mut bytes = file(&sample(), node, false);
            let end = bytes.len() - 8;
            bytes[end..].fill(0);
            bytes[9 + at % (end - 9)] = byte;
            let plain = read(&bytes).map(|rdb| rdb.entries).map_err(|error| error.to_string());
            let kept = loaded(&bytes);
            let kept = kept.map(|all| all.into_iter().map(|mut entry| {
                entry.value = opened(entry.value);
                entry
            }).collect::<Vec<_>>());
            // Scores may have become NaN, which the texts of values tell and their equality does not.
            prop_assert_eq!(format!("{plain:?}"), format!("{kept:?}"));
        }
    }
}
