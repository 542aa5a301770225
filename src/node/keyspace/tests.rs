//! Forks, expiry, scans and digests.

use super::*;

fn bytes(text: &str) -> Bytes {
    Bytes::from(text.as_bytes())
}

fn filled(keys: usize) -> Keyspace {
    let mut keyspace = Keyspace::new(DATABASES);
    for n in 0..keys {
        keyspace.insert(
            0,
            bytes(&format!("k{n}")),
            Entry::new(Value::String(bytes("v"))),
        );
    }
    keyspace
}

#[test]
fn a_fork_keeps_the_moment_and_a_write_copies_one_shard() {
    let mut parent = filled(1000);
    let child = parent.fork();
    assert_eq!(parent.copied_shards(), 0);
    parent.insert(0, bytes("k1"), Entry::new(Value::String(bytes("new"))));
    assert_eq!(parent.copied_shards(), 1);
    assert_eq!(
        child.get(0, b"k1").map(|e| &e.value),
        Some(&Value::String(bytes("v")))
    );
    let shared = |a: &Keyspace, b: &Keyspace| {
        a.dbs[0]
            .shards
            .iter()
            .zip(&b.dbs[0].shards)
            .filter(|(a, b)| Rc::ptr_eq(a, b))
            .count()
    };
    assert_eq!(shared(&parent, &child), SHARDS - 1);
}

#[test]
fn asking_for_what_is_not_there_copies_nothing() {
    let mut parent = filled(10);
    let child = parent.fork();
    assert!(parent.remove(0, b"none").is_none());
    assert!(parent.value_mut(0, b"none").is_none());
    assert!(!parent.set_expiry(0, b"none", Some(1)));
    assert_eq!((parent.copied_shards(), child.len(0)), (0, 10));
}

#[test]
fn keys_spread_over_the_shards() {
    let keyspace = filled(6400);
    let sizes: Vec<_> = keyspace.dbs[0]
        .shards
        .iter()
        .map(|shard| shard.keys.len())
        .collect();
    assert!(sizes.iter().all(|&n| (60..=145).contains(&n)), "{sizes:?}");
}

#[test]
fn expiries_are_counted_found_and_forgotten() {
    let mut keyspace = filled(3);
    for (key, at) in [("k0", 30), ("k1", 10), ("k2", 20)] {
        assert!(keyspace.set_expiry(0, key.as_bytes(), Some(at)));
    }
    assert_eq!((keyspace.expires(0), keyspace.next_expiry()), (3, Some(10)));
    assert_eq!(
        (keyspace.average_ttl(0, 5), keyspace.average_ttl(0, 50)),
        (15, 0)
    );
    assert_eq!(
        keyspace.due(20, 9),
        [(0, bytes("k1"))],
        "a key lives through its last millisecond"
    );
    assert_eq!(keyspace.due(99, 2), [(0, bytes("k1")), (0, bytes("k2"))]);
    keyspace.insert(0, bytes("k1"), Entry::new(Value::String(bytes("v"))));
    keyspace.remove(0, b"k2");
    keyspace.set_expiry(0, b"k0", None);
    assert_eq!(
        (keyspace.expires(0), keyspace.next_expiry(), keyspace.len(0)),
        (0, None, 2)
    );
}

#[test]
fn a_scan_meets_every_key_that_stays_while_others_come_and_go() {
    let mut keyspace = filled(500);
    let (mut cursor, mut met, mut step) = (0, BTreeSet::new(), 0);
    loop {
        let (found, next) = keyspace.scan(0, cursor);
        met.extend(found.map(|(key, _)| key.clone()));
        if next == 0 {
            break;
        }
        cursor = next;
        step += 1;
        keyspace.remove(0, format!("k{}", 300 + step % 200).as_bytes());
        keyspace.insert(
            0,
            bytes(&format!("new{step}")),
            Entry::new(Value::String(bytes("v"))),
        );
    }
    assert!((0..300).all(|n| met.contains(format!("k{n}").as_bytes())));
}

#[test]
fn any_cursor_is_harmless() {
    let keyspace = filled(5);
    for cursor in [1, 63, 64, 65, u64::MAX, u64::MAX - 1] {
        keyspace.scan(0, cursor);
        keyspace.scan(99, cursor);
    }
    assert_eq!(Keyspace::new(1).scan(0, 0), (None, 0));
}

#[test]
fn a_digest_that_is_kept_is_the_digest() {
    let (mut keyspace, mut kept) = (filled(100), Digested::default());
    let mut check = |keyspace: &Keyspace| {
        assert_eq!(keyspace.digest_again(&mut kept), keyspace.digest());
    };
    check(&keyspace);
    for n in 0..200_u32 {
        let (db, key) = (n as usize % 3, bytes(&format!("key:{}", n % 37)));
        match n % 4 {
            0 => keyspace.remove(db, &key),
            n => keyspace.insert(db, key, Entry::new(Value::String(bytes(&n.to_string())))),
        };
        check(&keyspace);
    }
    check(&Keyspace::new(DATABASES));
    check(&keyspace);
}

#[test]
fn what_was_loaded_costs_and_is_the_same_before_it_is_looked_at() {
    let mut keyspace = Keyspace::new(1);
    let names = |n: usize| (0..n).map(|i| bytes(&format!("name {i}")));
    let mut hash = Hash::default();
    let (mut ints, mut zset) = (Set::default(), Zset::default());
    for (i, name) in names(20).enumerate() {
        hash.set(name.clone(), bytes(&"x".repeat(i)));
        ints.add(bytes(&(i * 77).to_string()));
        zset.set(name, i as f64 / 8.0);
    }
    for (key, value) in [
        ("list", Value::list(names(20).collect())),
        ("ints", Value::set(ints)),
        ("hash", Value::hash(hash)),
        ("zset", Value::zset(zset)),
    ] {
        keyspace.insert(0, bytes(key), Entry::new(value));
    }
    let load = |limits: Limits| {
        let mut writer = rdb::write::Writer::new(&[], false);
        for (key, entry) in keyspace.iter(0) {
            let shape = keyspace.shape(&entry.value);
            writer.entry(key, None, &rdb_value(&entry.value), shape);
        }
        let mut loader = rdb::read::Loader::of(writer.finish());
        let mut copy = Keyspace::new(1);
        copy.set_limits(limits);
        while let Some(entry) = loader.next_key().expect("it was just written") {
            copy.insert_rdb(entry, false).expect("each comes once");
        }
        copy
    };
    let mut copy = load(Limits::default());
    let shown = |keyspace: &Keyspace, key: &str| {
        let entry = keyspace.get(0, key.as_bytes()).expect("it is there");
        let size = (entry.value.size(), entry.value.packed());
        let costs = [1, 5, usize::MAX].map(|n| entry_bytes(key.as_bytes(), entry, n));
        (entry.encoding(), size, costs)
    };
    for key in ["list", "ints", "hash", "zset"] {
        let entry = copy.get(0, key.as_bytes()).expect("it is there");
        assert!(entry.value.loaded().is_some(), "{key}");
        assert_eq!(shown(&copy, key), shown(&keyspace, key), "{key}");
    }
    assert_eq!(copy.memory(), keyspace.memory());
    assert_eq!(copy.digest(), keyspace.digest());
    if let Some(Value::Hash(hash)) = copy.value_mut(0, b"hash") {
        hash.set(bytes("name 0"), bytes("y"));
    }
    copy.settle();
    let changed = copy.get(0, b"hash").expect("it is there");
    assert!(changed.value.loaded().is_none() && changed.value.size() == 20);
    copy.insert(0, bytes("hash"), Entry::new(Value::hash(Hash::default())));
    copy.remove(0, b"hash");
    copy.remove(0, b"zset");
    copy.remove(0, b"ints");
    copy.remove(0, b"list");
    assert_eq!(copy.memory(), 0);
    let narrow = load(Limits {
        hash_value: 18,
        set_ints: 19,
        zset_entries: 19,
        ..Limits::default()
    });
    // Of what was loaded as one block only the count is held against the limits.
    let encodings = ["list", "ints", "hash", "zset"].map(|key| shown(&narrow, key).0);
    assert_eq!(
        encodings,
        ["quicklist", "hashtable", "listpack", "skiplist"]
    );
    assert_eq!(narrow.digest(), keyspace.digest());
}

#[test]
fn a_snapshot_has_everything() {
    let mut keyspace = filled(3);
    keyspace.insert(
        3,
        bytes("l"),
        Entry::new(Value::list([bytes("a"), bytes("b")].into())).until(Some(7)),
    );
    let mut writer = rdb::write::Writer::new(&[], false);
    let (mut place, mut keys) = (Place::default(), 0);
    while let Some((db, key, entry)) = keyspace.next(&mut place) {
        writer.select(db, 1, 1);
        let shape = keyspace.shape(&entry.value);
        writer.entry(key, entry.expire_at_ms, &rdb_value(&entry.value), shape);
        keys += 1;
    }
    assert_eq!(keys, 4);
    let file = rdb::read::read(&writer.finish()).expect("it was just written");
    let mut copy = Keyspace::new(DATABASES);
    for entry in file.entries {
        assert_eq!(copy.insert_rdb(entry, false), Ok(()));
    }
    assert_eq!(copy.digest(), keyspace.digest());
    assert_eq!(copy.get(3, b"l"), keyspace.get(3, b"l"));
}
