//! A story that passes through everything that could differ between machines: the same seed and actions must give the
//! same bytes at the same times on the host, in Chromium and in Firefox, in debug and in release.

use ringside::sim::{Action, Cluster, Options};

/// The trace hashes of seeds 1, 2 and 3. A change here means that links which people shared play differently now.
pub const TRACES: [u64; 3] = [0x2535a780101696f0, 0x3288de24c9109bf4, 0x3cad44e260a1d984];

const ACTIONS: &[&str] = &[
    "m> SET city Oslo",
    "m> RPUSH list a b c",
    "m> ZADD z 1.5 a 2 b 1e300 c",
    "m> HSET h f v g 7",
    "m> SADD s 3 1 2",
    "m> SET t v PX 700",
    "cut m r1",
    "load m 50/s reads r1 r2",
    "wait",
    "latency m r2 35ms",
    "bandwidth m r2 9000",
    "restore m r1",
    "wait",
    "add s1 of r1",
    "m> INCRBYFLOAT f 0.1",
    "m> SPOP s",
    "slow r2 7",
    "wait",
    "kill m",
    "load m 0/s",
    "r1> REPLICAOF NO ONE",
    "r2> REPLICAOF 127.0.0.1 6380",
    "wait",
    "start m",
    "wait",
    "m> REPLICAOF 127.0.0.1 6380",
    "r1> MULTI",
    "r1> SELECT 3",
    "r1> SET x y",
    "r1> EXEC",
    "wait",
    "kill s1",
    "start s1 empty",
    "wait",
];

/// Plays the story; the hash of all that happened.
pub fn trace(seed: u64) -> u64 {
    let mut world = Cluster::ready(Options {
        seed,
        ..Options::default()
    });
    for line in ACTIONS {
        if *line == "wait" {
            world.run_until(world.now().after(2_345_678));
            continue;
        }
        let action = match line.split_once("> ") {
            Some((node, command)) => Action::exec(node, &command.split(' ').collect::<Vec<_>>()),
            None => Action::parse(line).unwrap_or_else(|e| panic!("{line}: {e}")),
        };
        world.act(&action).unwrap_or_else(|e| panic!("{line}: {e}"));
    }
    assert!(world.settle(60_000_000), "the story ends in peace");
    let digests: Vec<_> = world
        .names()
        .into_iter()
        .map(|n| world.node(n).expect("all run").keyspace().digest())
        .collect();
    assert!(
        digests.windows(2).all(|d| d[0] == d[1]),
        "all nodes hold the same in the end"
    );
    world.trace()
}
