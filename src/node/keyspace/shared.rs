//! A collection that came with a snapshot stays as its bytes until somebody asks for an element. Until it is changed it is
//! also written as those bytes, as by Redis, which keeps small values so.

use std::cell::OnceCell;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use super::{Fresh, Hash, List, Set, Zset};
use crate::wire::rdb::Item;
use crate::wire::rdb::packed::Packed;

/// What can be made of the bytes of a snapshot.
pub trait Unpack: Default {
    fn unpack(packed: &Packed) -> Self;
}

/// A collection, shared: a copy of it is the same one until one of the two is changed.
#[derive(Clone, Debug, Default)]
pub struct Shared<T>(Rc<Inner<T>>);

/// One of the two is there.
#[derive(Clone, Debug, Default)]
struct Inner<T> {
    /// Gone when it was changed.
    packed: Option<Packed>,
    open: OnceCell<T>,
}

impl<T> Shared<T> {
    /// The bytes that it was loaded as, if nothing was changed since.
    pub fn loaded(&self) -> Option<&Packed> {
        self.0.packed.as_ref()
    }

    /// What was loaded.
    pub fn of(packed: Packed) -> Self {
        Self(Rc::new(Inner {
            packed: Some(packed),
            open: OnceCell::new(),
        }))
    }
}

impl<T> From<T> for Shared<T> {
    fn from(value: T) -> Self {
        Self(Rc::new(Inner {
            packed: None,
            open: value.into(),
        }))
    }
}

impl<T: Unpack> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        let Inner { packed, open } = &*self.0;
        open.get_or_init(|| packed.as_ref().map(T::unpack).unwrap_or_default())
    }
}

impl<T: Unpack + Clone> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut T {
        let _ = &**self;
        let inner = Rc::make_mut(&mut self.0);
        inner.packed = None;
        inner.open.get_mut().expect("it was just looked at")
    }
}

impl<T: Unpack + PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Unpack for List {
    fn unpack(packed: &Packed) -> Self {
        packed.elements().map(|(item, _)| item.to_bytes()).collect()
    }
}

impl Unpack for Set {
    fn unpack(packed: &Packed) -> Self {
        let mut set = Self::default();
        set.members.reserve(packed.len);
        for (member, _) in packed.elements() {
            set.add(member.to_bytes());
        }
        set.fresh = Fresh::default();
        set
    }
}

impl Unpack for Hash {
    fn unpack(packed: &Packed) -> Self {
        let mut hash = Self::default();
        hash.fields.reserve(packed.len);
        for (field, value) in packed.elements() {
            hash.set(
                field.to_bytes(),
                value.map(Item::to_bytes).unwrap_or_default(),
            );
        }
        hash.fresh = Fresh::default();
        hash
    }
}

impl Unpack for Zset {
    fn unpack(packed: &Packed) -> Self {
        let scored = |(member, score): (Item<'_>, Option<Item<'_>>)| {
            let score = score.and_then(Item::to_score);
            (member.to_bytes(), score.unwrap_or_default())
        };
        Self::loaded(packed.elements().map(scored).collect())
    }
}
