//! P4: an RDB file written and read. Redis writes with SAVE and reads with DEBUG RELOAD NOSAVE, and its CPU seconds
//! count: it writes to a file in between, we to memory. Each side first loads the other's file, and that is what it
//! writes.

use super::peer::{Server, text};
use super::pump::Pump;
use super::{spent, versus};
use ringside::node::config::Config;
use ringside::node::keyspace::Keyspace;
use ringside::wire::rdb::read::Loader;
use ringside::wire::resp;

const STRINGS: usize = 400_000;
const OTHERS: usize = 10_000;

pub fn run() {
    for (name, mixed) in [("strings", false), ("mixed types", true)] {
        for compress in [false, true] {
            rows(name, mixed, compress);
        }
    }
}

fn rows(name: &str, mixed: bool, compress: bool) {
    let config = Config {
        save: Vec::new(),
        rdbcompression: compress,
        ..Config::default()
    };
    let mut pump = Pump::new();
    pump.add(config.clone());
    let client = pump.client(0);
    for batch in commands(mixed).chunks(1000) {
        pump.send(0, client, &batch.concat());
    }
    let keys: usize = (0..16).map(|db| pump.nodes[0].keyspace().len(db)).sum();
    let save = resp::command(&["SAVE"]);
    pump.send(0, client, &save);
    let real = Server::start(
        false,
        &["--rdbcompression", if compress { "yes" } else { "no" }],
    );
    std::fs::write(real.dir.join("dump.rdb"), &pump.saved).expect("a file can be written");
    real.ask(&["DEBUG", "RELOAD", "NOSAVE"]);
    let digest = |keyspace: &Keyspace| {
        let digest = keyspace.digest();
        digest
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect::<String>()
    };
    let expected = digest(pump.nodes[0].keyspace());
    assert_eq!(
        text(&real.ask(&["DEBUG", "DIGEST"])),
        expected,
        "it loads our file"
    );
    real.ask(&["SAVE"]);
    let theirs = std::fs::read(real.dir.join("dump.rdb")).expect("the file of SAVE");
    assert_eq!(digest(&load(&theirs)), expected, "we load its file");
    // Both write what they loaded.
    let mut pump = Pump::new();
    pump.add_with(config, theirs.clone());
    while pump.nodes[0].loading().is_some() {
        pump.tick(1000);
    }
    assert_eq!(digest(pump.nodes[0].keyspace()), expected);
    let client = pump.client(0);
    let per = |s: f64| keys as f64 / s;
    let label = format!("{name}{}", if compress { ", compressed" } else { "" });
    versus(
        &format!("P4 write RDB, {label}"),
        "keys/s of CPU",
        3.0,
        || per(spent(|| pump.send(0, client, &save)).0),
        || per(cpu(&real, &["SAVE"])),
    );
    // A reload frees the old data, too.
    let mut held = load(&theirs);
    versus(
        &format!("P4 read RDB, {label}"),
        "keys/s of CPU",
        2.0,
        || per(spent(|| held = load(&theirs)).0),
        || per(cpu(&real, &["DEBUG", "RELOAD", "NOSAVE"])),
    );
}

/// As a node does it.
fn load(file: &[u8]) -> Keyspace {
    let mut loader = Loader::of(file.to_vec());
    let mut keyspace = Keyspace::new(16);
    while let Some(entry) = loader.next_key().expect("the file is whole") {
        if keyspace.is_empty() {
            keyspace.reserve(entry.db, loader.promised_keys());
        }
        keyspace
            .insert_rdb(entry, false)
            .expect("every key comes once");
    }
    keyspace
}

fn cpu(server: &Server, args: &[&str]) -> f64 {
    let before = server.cpu_s();
    server.ask(args);
    server.cpu_s() - before
}

fn commands(mixed: bool) -> Vec<Vec<u8>> {
    let text = |i: usize| {
        format!(
            "{:016x}{}",
            i.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            "lorem ipsum dolor sit amet, consectetuer ".repeat(2)
        )
    };
    let count = if mixed { STRINGS / 4 } else { STRINGS };
    let mut all: Vec<Vec<u8>> = (0..count)
        .map(|i| resp::command(&["SET", &format!("key:{i}"), &text(i)[..64]]))
        .collect();
    for i in 0..if mixed { OTHERS } else { 0 } {
        let mut add = |command: &str, key: &str, pair: bool, items: usize| {
            let mut args = vec![command.to_string(), format!("{key}:{i}")];
            for j in 0..items {
                if pair {
                    args.push(format!("{}.25", i * 7 + j));
                }
                args.push(format!("item:{j}:{i}"));
            }
            all.push(resp::command(&args));
        };
        add("RPUSH", "list", false, 20);
        add("SADD", "set", false, 20);
        add("HSET", "hash", true, 20);
        add("ZADD", "zset", true, 20);
        if i % 50 == 0 {
            add("RPUSH", "long-list", false, 1000);
            add("SADD", "large-set", false, 1000);
            add("HSET", "large-hash", true, 1000);
            add("ZADD", "large-zset", true, 1000);
        }
    }
    all
}
