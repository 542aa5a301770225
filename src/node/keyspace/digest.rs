//! `DEBUG DIGEST`: a hash of all data that depends on neither the order of keys nor how they are stored.

use std::rc::Rc;

use sha1::{Digest, Sha1};

use super::{Entry, Keyspace, Shard, Value};
use crate::wire::rdb::number::score_text;
use crate::wire::rdb::stream::Id;

/// What [`Keyspace::digest_again`] knows: by database the shards that it saw, and what each adds to the digest. A shard
/// that is kept here is copied before it is written, so the same shard is the same data.
#[derive(Clone, Debug, Default)]
pub struct Digested(Vec<Vec<(Rc<Shard>, [u8; 20])>>);

impl Shard {
    /// What its keys add to the digest of the keyspace.
    fn digest(&self) -> [u8; 20] {
        let mut all = [0; 20];
        for (key, entry) in self.keys.iter() {
            xor(&mut all, &key_digest(key, entry));
        }
        all
    }
}

impl Keyspace {
    /// `DEBUG DIGEST`: a digest of all data that does not depend on the order of keys.
    pub fn digest(&self) -> [u8; 20] {
        let mut all = [0; 20];
        for (number, db) in self.dbs.iter().enumerate().filter(|(_, db)| db.len > 0) {
            mix(&mut all, &(number as u32).to_be_bytes());
            for (key, entry) in db.iter() {
                xor(&mut all, &key_digest(key, entry));
            }
        }
        all
    }

    /// The same from what it was last time: only shards that were written since are digested anew.
    pub fn digest_again(&self, last: &mut Digested) -> [u8; 20] {
        let mut all = [0; 20];
        last.0.resize_with(self.dbs.len(), Vec::new);
        for (number, (db, parts)) in self.dbs.iter().zip(&mut last.0).enumerate() {
            parts.resize_with(db.shards.len(), Default::default);
            if db.len > 0 {
                mix(&mut all, &(number as u32).to_be_bytes());
            }
            for (shard, (before, part)) in db.shards.iter().zip(parts) {
                if !Rc::ptr_eq(shard, before) {
                    *part = shard.digest();
                    *before = shard.clone();
                }
                all.iter_mut().zip(&*part).for_each(|(a, b)| *a ^= b);
            }
        }
        all
    }

    /// `DEBUG DIGEST-VALUE`: of one key its type, value and whether it expires (not when).
    pub fn value_digest(&self, db: usize, key: &[u8]) -> Option<[u8; 20]> {
        Some(entry_digest([0; 20], self.get(db, key)?))
    }
}

fn sha1(bytes: &[u8]) -> [u8; 20] {
    Sha1::digest(bytes).into()
}

/// Adds the hash of `bytes`; the order of calls does not matter.
fn xor(digest: &mut [u8; 20], bytes: &[u8]) {
    for (a, b) in digest.iter_mut().zip(sha1(bytes)) {
        *a ^= b;
    }
}

/// Folds `bytes` in; the order of calls matters.
fn mix(digest: &mut [u8; 20], bytes: &[u8]) {
    xor(digest, bytes);
    *digest = sha1(digest);
}

fn key_digest(key: &[u8], entry: &Entry) -> [u8; 20] {
    let mut digest = [0; 20];
    mix(&mut digest, key);
    entry_digest(digest, entry)
}

fn entry_digest(mut digest: [u8; 20], entry: &Entry) -> [u8; 20] {
    let kind: u32 = match entry.value {
        Value::String(_) => 0,
        Value::List(_) => 1,
        Value::Set(_) => 2,
        Value::Zset(_) => 3,
        Value::Hash(_) => 4,
        Value::Stream(_) => 6,
    };
    mix(&mut digest, &kind.to_be_bytes());
    let pair = |digest: &mut [u8; 20], a: &[u8], b: &[u8]| {
        let mut both = [0; 20];
        mix(&mut both, a);
        mix(&mut both, b);
        xor(digest, &both);
    };
    match &entry.value {
        Value::String(text) => mix(&mut digest, text),
        Value::List(list) => list.iter().for_each(|item| mix(&mut digest, item)),
        Value::Set(set) => set.iter().for_each(|member| xor(&mut digest, member)),
        Value::Hash(hash) => hash
            .iter()
            .for_each(|(field, value)| pair(&mut digest, field, value)),
        Value::Zset(zset) => zset
            .iter()
            .for_each(|(member, score)| pair(&mut digest, member, score_text(score).as_bytes())),
        Value::Stream(stream) => {
            for entry in stream.range(Id::ZERO, Id::MAX) {
                let id = format!("{}.{}", entry.id.ms, entry.id.seq);
                mix(&mut digest, id.as_bytes());
                entry.fields.iter().for_each(|text| mix(&mut digest, text));
            }
        }
    }
    if entry.expire_at_ms.is_some() {
        xor(&mut digest, b"!!expire!!");
    }
    digest
}
