//! P2: SETs to a master with two replicas, 64 in flight, until all three have the same offset. Our engine in memory,
//! and our three processes, against three redis-servers on loopback, which pay for sockets as the second row does.

use super::peer::{self, Server, text};
use super::pump::Pump;
use super::{timed, versus};
use ringside::wire::resp;
use std::process::Command;

const COMMANDS: usize = 400_000;
const KEYS: usize = 100_000;

pub fn run() {
    versus(
        "P2 master and 2 replicas, SET, engine",
        "SET/s",
        2.0,
        in_memory,
        || over_sockets(false),
    );
    versus(
        "P2 master and 2 replicas, SET, processes",
        "SET/s",
        1.0,
        || over_sockets(true),
        || over_sockets(false),
    );
}

fn in_memory() -> f64 {
    let mut pump = Pump::cluster(2, 1 << 20);
    let client = pump.client(0);
    let batches: Vec<Vec<u8>> = (0..COMMANDS / 64)
        .map(|batch| {
            let mut bytes = Vec::new();
            for i in batch * 64..batch * 64 + 64 {
                let key = format!("key:{:06}", i.wrapping_mul(7_919) % KEYS);
                resp::command_into(&mut bytes, &["SET", &key, &format!("{i:032}")]);
            }
            bytes
        })
        .collect();
    let (s, ()) = timed(|| {
        for batch in &batches {
            pump.replies.clear();
            pump.send(0, client, batch);
        }
    });
    let end = pump.nodes[0].history().offset;
    let digest = pump.nodes[0].keyspace().digest();
    for replica in &pump.nodes[1..] {
        assert_eq!(replica.history().offset, end, "every replica is at the end");
        assert_eq!(replica.keyspace().digest(), digest, "with the same data");
    }
    (batches.len() * 64) as f64 / s
}

fn over_sockets(ours: bool) -> f64 {
    let master = Server::start(ours, &[]);
    let of = format!("127.0.0.1 {}", master.port);
    let replicas = [0; 2].map(|_| Server::start(ours, &["--replicaof", &of]));
    for replica in &replicas {
        peer::eventually("the replica is attached", || {
            text(&replica.ask(&["INFO", "replication"])).contains("master_link_status:up")
        });
    }
    let (s, output) = timed(|| {
        let output = Command::new("redis-benchmark")
            .args(["-p", &master.port.to_string(), "-t", "set", "-P", "64"])
            .args(["-n", &COMMANDS.to_string(), "-r", &KEYS.to_string()])
            .args(["-d", "32", "-c", "20", "-q"])
            .output()
            .expect("redis-benchmark is installed (make setup)");
        for replica in &replicas {
            peer::eventually("the replica is at the end", || {
                replica.info("slave_repl_offset") == master.info("master_repl_offset")
            });
        }
        output
    });
    assert!(output.status.success(), "redis-benchmark ended well");
    let digest = text(&master.ask(&["DEBUG", "DIGEST"]));
    for replica in &replicas {
        assert_eq!(
            text(&replica.ask(&["DEBUG", "DIGEST"])),
            digest,
            "same data"
        );
    }
    COMMANDS as f64 / s
}
