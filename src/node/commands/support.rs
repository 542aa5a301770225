//! What the families share: looking keys up under the rules of expiry, reading arguments, and the error texts that more
//! than one command gives.

use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use super::{Call, Expired, Failure, Notice, Propagate, What};
use crate::node::keyspace::{Entry, Form, Hash, List, Set, Shared, Value, Zset};
use crate::rng::Rng;
use crate::wire::rdb::stream::Stream;
use crate::wire::{Bytes, resp};

pub const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";
pub const SYNTAX: &str = "ERR syntax error";
pub const NOT_INTEGER: &str = "ERR value is not an integer or out of range";
pub const NOT_FLOAT: &str = "ERR value is not a valid float";
pub const NOT_POSITIVE: &str = "ERR value is out of range, must be positive";
pub const OUT_OF_RANGE: &str = "ERR value is out of range";
pub const NO_KEY: &str = "ERR no such key";
pub const NO_DB: &str = "ERR DB index is out of range";
pub const SAME_OBJECT: &str = "ERR source and destination objects are the same";
pub const INT_OVERFLOW: &str = "ERR increment or decrement would overflow";
pub const NOT_FINITE: &str = "ERR increment would produce NaN or Infinity";

/// Most elements that `SRANDMEMBER key -count` and its like give at once. Redis goes on until its memory ends, or the
/// reply is longer than the output limit of the client.
pub const REPEATED_MAX: i64 = 1 << 20;
pub const TOO_MANY: &str = "ERR value is out of range, too many repeated elements";

pub fn fail<T>(text: &str) -> Result<T, Failure> {
    Err(text.to_owned())
}

/// The error for a command with too few or too many arguments; `name` in lower case.
pub fn wrong_arity(name: &str) -> Failure {
    format!("ERR wrong number of arguments for '{name}' command")
}

/// Whether an argument is this word, in any case.
pub fn is(arg: &[u8], word: &str) -> bool {
    arg.eq_ignore_ascii_case(word.as_bytes())
}

pub fn word(text: &str) -> Bytes {
    text.as_bytes().into()
}

pub fn decimal(n: i64) -> Bytes {
    word(&n.to_string())
}

// --- numbers among the arguments -------------------------------------------------------------------------------------

pub fn int(arg: &[u8]) -> Result<i64, Failure> {
    resp::parse_i64(arg).ok_or_else(|| NOT_INTEGER.to_owned())
}

/// An integer of at least `min`; the same error whether it is too small or no integer.
pub fn int_from(arg: &[u8], min: i64, text: &str) -> Result<i64, Failure> {
    resp::parse_i64(arg)
        .filter(|&n| n >= min)
        .ok_or_else(|| text.to_owned())
}

/// The keys that were counted, and what follows them.
type KeysAndRest<'a> = (&'a [Bytes], &'a [Bytes]);

/// `numkeys key …`, after the name of a command: the keys and what follows them; nothing where keys are missing.
pub fn numbered(args: &[Bytes]) -> Result<Option<KeysAndRest<'_>>, Failure> {
    let count = int_from(&args[1], 1, "ERR numkeys should be greater than 0")?;
    Ok(args[2..].split_at_checked(size(count)))
}

/// `LIMIT n`, and nothing else; all where it is not said, or 0.
pub fn at_most(options: &[Bytes]) -> Result<usize, Failure> {
    let mut limit = 0;
    for pair in options.chunks(2) {
        match pair {
            [name, value] if is(name, "LIMIT") => {
                limit = int_from(value, 0, "ERR LIMIT can't be negative")?;
            }
            _ => return fail(SYNTAX),
        }
    }
    Ok(if limit == 0 { usize::MAX } else { size(limit) })
}

/// A count, 0 or more.
pub fn count(arg: &[u8]) -> Result<usize, Failure> {
    int_from(arg, 0, NOT_POSITIVE).map(size)
}

/// `n` as a length; what is too large for this machine becomes its largest, and a negative number 0.
pub fn size(n: i64) -> usize {
    usize::try_from(n.max(0)).unwrap_or(usize::MAX)
}

/// An integer within bounds that the error names.
pub fn int_within(arg: &[u8], min: i64, max: i64) -> Result<i64, Failure> {
    let n = int(arg)?;
    if (min..=max).contains(&n) {
        Ok(n)
    } else {
        Err(format!(
            "{OUT_OF_RANGE}, value must between {min} and {max}"
        ))
    }
}

/// The number of a database that exists.
pub fn db_index(arg: &[u8], databases: usize) -> Result<usize, Failure> {
    let index = int_within(arg, i32::MIN.into(), i32::MAX.into())?;
    usize::try_from(index)
        .ok()
        .filter(|&index| index < databases)
        .ok_or_else(|| NO_DB.to_owned())
}

/// The `[COUNT count]` at the end of `LMPOP` and `ZMPOP`.
pub fn pop_count(mut args: &[Bytes]) -> Result<usize, Failure> {
    let mut wanted = None;
    while let [name, value, rest @ ..] = args {
        if wanted.is_some() || !is(name, "COUNT") {
            return fail(SYNTAX);
        }
        wanted = Some(size(int_from(
            value,
            1,
            "ERR count should be greater than 0",
        )?));
        args = rest;
    }
    if args.is_empty() {
        Ok(wanted.unwrap_or(1))
    } else {
        fail(SYNTAX)
    }
}

/// `start` and `stop` of `LRANGE` and its like, as `from..to` within `len`; empty when nothing is selected.
pub fn span(start: i64, stop: i64, len: usize) -> std::ops::Range<usize> {
    let len = len as i64;
    let place = |n: i64| {
        if n < 0 {
            n.saturating_add(len).max(0)
        } else {
            n
        }
    };
    let (from, to) = (
        place(start),
        if stop < -len {
            0
        } else {
            place(stop).saturating_add(1).min(len)
        },
    );
    if from >= to {
        0..0
    } else {
        from as usize..to as usize
    }
}

// --- values ----------------------------------------------------------------------------------------------------------

/// The types whose payload is shared.
pub trait Kind: Default {
    type Shared: Deref<Target = Self>;
    fn share(value: &Value) -> Option<Self::Shared>;
    fn edit(value: &mut Value) -> Option<&mut Self>;
    fn wrap(self) -> Value;
}

macro_rules! kind {
    ($payload:ty, $variant:ident, $shared:ty, $edit:expr) => {
        impl Kind for $payload {
            type Shared = $shared;

            fn share(value: &Value) -> Option<$shared> {
                if let Value::$variant(payload) = value {
                    Some(payload.clone())
                } else {
                    None
                }
            }

            fn edit(value: &mut Value) -> Option<&mut Self> {
                if let Value::$variant(payload) = value {
                    Some($edit(payload))
                } else {
                    None
                }
            }

            fn wrap(self) -> Value {
                Value::$variant(self.into())
            }
        }
    };
}

kind!(List, List, Shared<List>, DerefMut::deref_mut);
kind!(Hash, Hash, Shared<Hash>, DerefMut::deref_mut);
kind!(Set, Set, Shared<Set>, DerefMut::deref_mut);
kind!(Zset, Zset, Shared<Zset>, DerefMut::deref_mut);
kind!(Stream, Stream, Rc<Stream>, Rc::make_mut);

/// The payload of an entry, if that is of this type.
fn shared<T: Kind>(entry: Option<&Entry>) -> Result<Option<T::Shared>, Failure> {
    let shared = entry.map(|entry| T::share(&entry.value).ok_or_else(|| WRONG_TYPE.to_owned()));
    shared.transpose()
}

impl Call<'_> {
    /// Whether a key exists for this command, deleting it first when it has expired and this is the place to do so
    /// (`expireIfNeeded`). A write on a replica deletes too, but tells nobody.
    pub fn alive(&mut self, db: usize, key: &Bytes, write: bool) -> bool {
        let Some(entry) = self.keyspace.get(db, key) else {
            return false;
        };
        if entry.expire_at_ms.is_none_or(|at| self.now_ms <= at) || self.expired == Expired::Ignore
        {
            return true;
        }
        if self.expired == Expired::Delete {
            self.before.push((db, vec![word("DEL"), key.clone()]));
        } else if !write {
            return false;
        }
        self.keyspace.remove(db, key);
        self.notice(db, key, What::Expired);
        false
    }

    // --- what is told, at the place in the reply where it happens ----------------------------------------------------

    pub fn notice(&mut self, db: usize, key: &Bytes, what: What) {
        if let Some(notices) = &mut self.notices {
            let (at, key) = (self.reply.len(), key.clone());
            notices.push(Notice { at, db, key, what });
        }
    }

    /// What somebody read of a key is no more what it is.
    pub fn changed(&mut self, key: &Bytes) {
        self.notice(self.db, key, What::Changed);
    }

    /// A keyspace event, of the class with this letter.
    pub fn event(&mut self, class: char, name: &'static str, key: &Bytes) {
        self.notice(self.db, key, What::Event(class, name));
    }

    /// A key was changed, which is an event.
    pub fn did(&mut self, class: char, name: &'static str, key: &Bytes) {
        self.changed(key);
        self.event(class, name, key);
    }

    // --- looking up --------------------------------------------------------------------------------------------------

    /// Looks a key up for reading (`lookupKeyRead`).
    pub fn lookup(&mut self, key: &Bytes) -> Option<&Entry> {
        if self.touch && self.alive(self.db, key, false) {
            self.hits += 1;
            return self.keyspace.touch(self.db, key, self.rng);
        }
        self.peek(key)
    }

    /// As [`Call::lookup`], but the key does not count as used.
    pub fn peek(&mut self, key: &Bytes) -> Option<&Entry> {
        if self.alive(self.db, key, false) {
            self.hits += 1;
            self.keyspace.get(self.db, key)
        } else {
            self.misses += 1;
            self.event('m', "keymiss", key);
            None
        }
    }

    /// Looks a key up for writing (`lookupKeyWrite`): whether there is one.
    pub fn claim(&mut self, key: &Bytes) -> bool {
        self.alive(self.db, key, true)
    }

    /// As [`Call::claim`], and it counts as used; the entry.
    fn lookup_write(&mut self, key: &Bytes) -> Option<&Entry> {
        if !self.claim(key) {
            return None;
        }
        self.used(key);
        self.keyspace.get(self.db, key)
    }

    /// A key counts as used that is written without being read first.
    pub fn used(&mut self, key: &Bytes) {
        if self.touch {
            self.keyspace.touch(self.db, key, self.rng);
        }
    }

    pub fn read_string(&mut self, key: &Bytes) -> Result<Option<Bytes>, Failure> {
        match self.lookup(key).map(|entry| &entry.value) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => fail(WRONG_TYPE),
        }
    }

    /// As [`Call::read_string`], but for a command that will write.
    pub fn claim_string(&mut self, key: &Bytes) -> Result<Option<Bytes>, Failure> {
        match self.lookup_write(key).map(|entry| &entry.value) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => fail(WRONG_TYPE),
        }
    }

    /// The payload of a key for reading. Let go of it before the key is written, or it is copied.
    pub fn read<T: Kind>(&mut self, key: &Bytes) -> Result<Option<T::Shared>, Failure> {
        shared::<T>(self.lookup(key))
    }

    /// The payload of a key that will be written, to look at it first.
    pub fn claim_as<T: Kind>(&mut self, key: &Bytes) -> Result<Option<T::Shared>, Failure> {
        shared::<T>(self.lookup_write(key))
    }

    /// The payload of a key for changing it; an empty one is made when there is none. [`Call::left`] when it may be
    /// empty in the end.
    pub fn edit<T: Kind>(&mut self, key: &Bytes) -> Result<&mut T, Failure> {
        match self.keyspace.get(self.db, key) {
            None => {
                self.insert(self.db, key, Entry::new(T::default().wrap()));
            }
            Some(entry) => {
                T::share(&entry.value).ok_or_else(|| WRONG_TYPE.to_owned())?;
            }
        }
        let value = self.keyspace.value_mut(self.db, key);
        value.and_then(T::edit).ok_or_else(|| WRONG_TYPE.to_owned())
    }

    /// A stream that is there, for what is about it rather than in it: its groups, or where it ends.
    pub fn edit_quietly(&mut self, key: &Bytes) -> Result<&mut Stream, Failure> {
        let value = self.keyspace.value_mut_quietly(self.db, key);
        value
            .and_then(Stream::edit)
            .ok_or_else(|| WRONG_TYPE.to_owned())
    }

    /// Stores a key, expiry and all, which may be a new one.
    pub fn insert(&mut self, db: usize, key: &Bytes, entry: Entry) {
        if self.keyspace.insert(db, key.clone(), entry).is_none() {
            self.notice(db, key, What::Event('n', "new"));
        }
    }

    /// Something has left a collection: if nothing else is in it, the key goes too, and that is told.
    pub fn left(&mut self, key: &Bytes) {
        let entry = self.keyspace.get(self.db, key);
        if entry.is_some_and(|entry| {
            entry.value.size() == 0 && !matches!(entry.value, Value::String(_))
        }) {
            self.keyspace.remove(self.db, key);
            self.event('g', "del", key);
        }
    }

    /// Sets a key to a value without an expiry, whatever was there (`setKey`).
    pub fn store(&mut self, key: &Bytes, value: Value) {
        self.claim(key);
        self.insert(self.db, key, Entry::new(value));
        self.changed(key);
    }

    /// Sets a key to a value and keeps its expiry.
    pub fn replace(&mut self, key: &Bytes, value: Value) {
        self.replace_as(key, value, Form::Whole);
    }

    /// Sets a key to a string that came about in this way, and keeps its expiry.
    pub fn replace_as(&mut self, key: &Bytes, value: Value, form: Form) {
        if let Some(old) = self.keyspace.entry_mut(self.db, key) {
            (old.value, old.form) = (value, form);
        } else {
            let entry = Entry {
                form,
                ..Entry::new(value)
            };
            self.insert(self.db, key, entry);
        }
    }

    /// Stores the result of `SINTERSTORE` and its like, or removes the key, expired or not, when the result is empty;
    /// replies its size, before it tells of this event or after.
    pub fn store_result(
        &mut self,
        key: &Bytes,
        value: Value,
        event: (char, &'static str),
        answer_first: bool,
    ) {
        let size = value.size();
        let mut told = Some(event);
        if size > 0 {
            self.claim(key);
            self.used(key);
            // of strings it is only BITOP that comes here
            let form = Form::Raw;
            let entry = Entry {
                form,
                ..Entry::new(value)
            };
            self.insert(self.db, key, entry);
        } else if self.keyspace.remove(self.db, key).is_some() {
            told = Some(('g', "del"));
        } else {
            told = None;
        }
        if answer_first {
            self.integer(size as i64);
        }
        if let Some((class, name)) = told {
            self.dirty += 1;
            self.did(class, name, key);
        }
        if !answer_first {
            self.integer(size as i64);
        }
    }

    // --- the stream ---------------------------------------------------------------------------------------------------

    /// Propagates this command instead of the one that was sent.
    pub fn instead(&mut self, command: Vec<Bytes>) {
        self.propagate = Propagate::Instead(vec![command]);
    }

    // --- replies ------------------------------------------------------------------------------------------------------

    pub fn nil_array(&mut self) {
        self.reply.nil_array();
    }

    pub fn bulk_or_nil(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.bulk(bytes),
            None => self.nil(),
        }
    }

    pub fn bulks<'b>(&mut self, items: impl ExactSizeIterator<Item = &'b Bytes>) {
        self.array(items.len());
        items.for_each(|item| self.bulk(item));
    }

    /// `members` as a set.
    pub fn set<'b>(&mut self, members: impl ExactSizeIterator<Item = &'b Bytes>) {
        self.reply.set(members.len());
        members.for_each(|member| self.bulk(member));
    }

    /// The length of an array of `len` elements or, if `paired`, of pairs; see [`Call::pair`].
    pub fn pairs(&mut self, len: usize, paired: bool) {
        if paired {
            self.reply.pairs(len);
        } else {
            self.array(len);
        }
    }

    /// Before each element of [`Call::pairs`].
    pub fn pair(&mut self, paired: bool) {
        if paired {
            self.reply.pair();
        }
    }

    pub fn help(&mut self, name: &str, text: &str) {
        resp::help(self.reply, name, text);
    }

    pub fn error_arity(&self) -> Failure {
        wrong_arity(&String::from_utf8_lossy(&self.args[0]).to_ascii_lowercase())
    }
}

// --- chance ----------------------------------------------------------------------------------------------------------

/// One place in `0..len`, if there is any.
pub fn pick(rng: &mut Rng, len: usize) -> Option<usize> {
    (len > 0).then(|| rng.below(len as u64) as usize)
}

/// `wanted` different places in `0..len`, in the order of the draw; all of them, in order, when that many are wanted.
pub fn pick_different(rng: &mut Rng, len: usize, wanted: usize) -> Vec<usize> {
    if wanted >= len {
        return (0..len).collect();
    }
    if wanted < len / 4 {
        // few of many: draws again what was drawn already, rather than to write down all places
        let (mut seen, mut places) = (vec![false; len], Vec::with_capacity(wanted));
        while places.len() < wanted {
            let place = rng.below(len as u64) as usize;
            if !std::mem::replace(&mut seen[place], true) {
                places.push(place);
            }
        }
        return places;
    }
    let mut places: Vec<usize> = (0..len).collect();
    for i in 0..wanted {
        let j = i + rng.below((len - i) as u64) as usize;
        places.swap(i, j);
    }
    places.truncate(wanted);
    places
}

/// The places that a `count` argument asks for: different ones, or with repetitions when it is negative.
pub fn pick_many(rng: &mut Rng, len: usize, count: i64) -> Result<Vec<usize>, Failure> {
    if count >= 0 || len == 0 {
        return Ok(pick_different(rng, len, size(count)));
    }
    if count < -REPEATED_MAX {
        return fail(TOO_MANY);
    }
    Ok((count..0).filter_map(|_| pick(rng, len)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_cut_to_what_is_there() {
        for (start, stop, len, want) in [
            (0, -1, 5, 0..5),
            (-2, -1, 5, 3..5),
            (-100, 1, 5, 0..2),
            (0, -100, 5, 0..0),
            (0, -5, 5, 0..1),
            (0, -6, 5, 0..0),
            (5, 9, 5, 0..0),
            (3, 1, 5, 0..0),
            (i64::MIN, i64::MAX, 5, 0..5),
            (0, -1, 0, 0..0),
        ] {
            assert_eq!(span(start, stop, len), want, "{start} {stop} of {len}");
        }
    }

    #[test]
    fn chance_gives_each_place_once() {
        let mut rng = Rng::new(1);
        let mut places = pick_different(&mut rng, 50, 20);
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), 20);
        assert_eq!(pick_different(&mut rng, 3, usize::MAX), [0, 1, 2]);
        assert_eq!(pick_many(&mut rng, 0, -5), Ok(vec![]));
        assert!(pick_many(&mut rng, 3, i64::MIN).is_err());
    }
}
