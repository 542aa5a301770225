//! What other people's programs rely on, met when they were run against both: tools that read snapshots and streams,
//! service managers and configurations as they are shipped.

#[allow(dead_code)]
#[path = "redis/client.rs"]
mod client;
#[allow(dead_code)]
#[path = "redis/process.rs"]
mod process;

use process::{Server, eventually, ours, real};
use ringside::wire::resp::Reply;

const KINDS: [fn(&[&str]) -> Server; 2] = [ours, real];

fn replica_of(master: &Server, start: fn(&[&str]) -> Server, args: &[&str]) -> Server {
    let of = format!("127.0.0.1 {}", master.port);
    let replica = start(&[args, &["--replicaof", &of]].concat());
    let mut client = replica.client();
    eventually("the replica is in sync", || client.linked());
    replica
}

#[test]
fn how_keys_were_used_is_in_the_snapshot() {
    for (policy, told, question, least) in [
        ("allkeys-lru", "IDLETIME 5000", "OBJECT IDLETIME a", 5000),
        ("volatile-lru", "IDLETIME 100", "OBJECT IDLETIME a", 100),
        ("allkeys-lfu", "FREQ 200", "OBJECT FREQ a", 200),
    ] {
        let mut args = vec!["--maxmemory-policy", policy, "--maxmemory", "1gb"];
        args.extend(["--lfu-decay-time", "0"]);
        let kept = |client: &mut client::Client| {
            let used = client.number(question);
            assert!((least..least + 60).contains(&used), "{policy}: {used}");
        };
        for start in KINDS {
            let mut master = start(&args);
            let mut client = master.client();
            client.ok("SET a v");
            let Reply::Bulk(payload) = client.run("DUMP a") else {
                panic!("there is a key");
            };
            let mut restore = vec![b"RESTORE", &b"a"[..], b"0", &payload, b"REPLACE"];
            restore.extend(told.split(' ').map(str::as_bytes));
            assert_eq!(client.command(&restore), Reply::Simple("OK".into()));
            kept(&mut client);
            for start in KINDS {
                for load in ["disabled", "swapdb"] {
                    let more = [&args[..], &["--repl-diskless-load", load]].concat();
                    kept(&mut replica_of(&master, start, &more).client());
                }
            }
            let saved = Reply::Simple("OK".into());
            eventually("no child is in the way", || client.run("SAVE") == saved);
            master.signal("KILL");
            master.ended();
            master.start_again();
            kept(&mut master.client());
        }
    }
}

#[test]
fn what_is_loaded_beside_the_old_data_has_the_forms_that_settings_ask_for() {
    let master = real(&[]);
    let mut client = master.client();
    client.number("SADD ints 1 2 3");
    client.number("HSET hash a 1 b 2 c 3");
    client.number("ZADD zset 1 a 2 b 3 c");
    let small = "--repl-diskless-load swapdb --set-max-intset-entries 2 --hash-max-listpack-entries 2 \
                 --zset-max-listpack-entries 2";
    for start in KINDS {
        let replica = replica_of(
            &master,
            start,
            &small.split_whitespace().collect::<Vec<_>>(),
        );
        let mut client = replica.client();
        let forms =
            ["ints", "hash", "zset"].map(|key| client.text(&format!("OBJECT ENCODING {key}")));
        assert_eq!(forms, ["hashtable", "hashtable", "skiplist"]);
    }
}
