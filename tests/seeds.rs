//! Properties over seeds: whatever happens to a world, nodes that are at the same byte of the same history hold the
//! same data, and once everything is mended all replicas hold what their master holds.
//! `SEEDS=1000 cargo test --release --test seeds` looks further; a failure prints its seed and its actions.

use ringside::rng::Rng;
use ringside::sim::{Action, Cluster, Options};
use std::collections::BTreeMap;

/// One random thing to do, as a line.
fn mischief(rng: &mut Rng, names: &[&str]) -> String {
    let name = |rng: &mut Rng| names[rng.below(names.len() as u64) as usize].to_string();
    let (a, b) = (name(rng), name(rng));
    let key = rng.below(6);
    match rng.below(24) {
        0..=5 => format!("{a}> SET k{key} {}", "v".repeat(rng.below(60) as usize)),
        6 => format!("{a}> RPUSH l{key} {}", rng.below(9)),
        7 => format!("{a}> SADD s{key} {} {}", rng.below(9), rng.below(9)),
        8 => format!("{a}> SPOP s{key}"),
        9 => format!("{a}> SET t{key} v PX {}", 1 + rng.below(3000)),
        10 => format!("{a}> DEL k{key} l{key}"),
        11 => format!("{a}> INCRBY n{key} {}", rng.below(100)),
        12 | 13 => format!("cut {a} {b}"),
        14 | 15 => format!("restore {a} {b}"),
        16 => format!("{a}> REPLICAOF NO ONE"),
        17 => format!("{a}> REPLICAOF {b}"),
        18 => format!("kill {a}"),
        19 => format!("start {a}"),
        20 => format!("latency {a} {b} {}ms", 1 + rng.below(400)),
        21 => format!("bandwidth {a} {b} {}", rng.below(3) * 2000),
        22 => format!("slow {a} {}", 1 + rng.below(20)),
        _ => format!("{a}> FLUSHALL"),
    }
}

fn act(world: &mut Cluster, line: &str) {
    let action = match line.split_once("> ") {
        Some((node, command)) => {
            // Nodes are named in the lines, ports are what REPLICAOF wants.
            let port = command
                .strip_prefix("REPLICAOF ")
                .and_then(|name| world.port(name));
            let command = port.map_or_else(
                || command.to_string(),
                |port| format!("REPLICAOF 127.0.0.1 {port}"),
            );
            Action::exec(node, &command.split(' ').collect::<Vec<_>>())
        }
        None => Action::parse(line).unwrap_or_else(|e| panic!("{line}: {e}")),
    };
    let _ = world.act(&action); // killing the dead and the like is refused, and that is fine
}

/// The laws that hold at any moment. `passed` remembers how far each node was on each history.
fn check(world: &Cluster, passed: &mut BTreeMap<(String, String), u64>) -> Result<(), String> {
    let mut at: BTreeMap<(String, u64), (String, [u8; 20])> = BTreeMap::new();
    for name in world.names() {
        let Some(node) = world.node(name).filter(|n| n.loading().is_none()) else {
            continue;
        };
        let history = node.history();
        if let Some(backlog) = node.backlog() {
            if backlog.first() + backlog.histlen() != history.offset + 1 {
                return Err(format!(
                    "{name}: the ring ends at {}, the history at {}",
                    backlog.first() + backlog.histlen() - 1,
                    history.offset
                ));
            }
            if backlog.histlen() > backlog.size() {
                return Err(format!(
                    "{name}: {} bytes in a ring of {}",
                    backlog.histlen(),
                    backlog.size()
                ));
            }
            // Only nodes with a backlog count their writes; the data of others does not belong to an offset.
            let digest = node.keyspace().digest();
            let key = (history.replid.clone(), history.offset);
            match at.get(&key) {
                Some((other, d)) if *d != digest => {
                    return Err(format!(
                        "{name} and {other} are both at byte {} of {}, with different data",
                        key.1, key.0
                    ));
                }
                _ => {
                    at.insert(key, (name.to_string(), digest));
                }
            }
        }
        let far = passed
            .entry((name.to_string(), history.replid.clone()))
            .or_default();
        let connected = node.upstream().is_none_or(|u| u.connected());
        if connected && history.offset < *far && node.upstream().is_none() {
            return Err(format!(
                "{name} went back from byte {far} to {} of its own history",
                history.offset
            ));
        }
        *far = history.offset;
    }
    Ok(())
}

fn play(seed: u64) -> Result<(), String> {
    let mut rng = Rng::new(seed).split("mischief");
    let options = Options {
        seed,
        backlog_size: 64 + rng.below(800),
        replicas: 1 + rng.below(3) as usize,
        ..Options::default()
    };
    let mut world = Cluster::ready(options);
    let mut told = Vec::new();
    let mut passed = BTreeMap::new();
    let fail =
        |why: String, told: &[String]| format!("seed {seed}: {why}\n  {}", told.join("\n  "));
    for _ in 0..60 {
        let names: Vec<String> = world.names().into_iter().map(String::from).collect();
        let line = mischief(
            &mut rng,
            &names.iter().map(String::as_str).collect::<Vec<_>>(),
        );
        act(&mut world, &line);
        told.push(line);
        for _ in 0..rng.below(40) {
            world.step();
            check(&world, &mut passed).map_err(|why| fail(why, &told))?;
        }
    }
    // Everything is mended: all run, all paths are whole, and the first node is everybody's master.
    let names: Vec<String> = world.names().into_iter().map(String::from).collect();
    for a in &names {
        act(&mut world, &format!("start {a}"));
        act(&mut world, &format!("slow {a} 1"));
        for b in &names {
            act(&mut world, &format!("restore {a} {b}"));
            act(&mut world, &format!("bandwidth {a} {b} 0"));
        }
    }
    world.run_until(world.now().after(30_000_000)); // a slow start refuses commands until it has loaded
    act(&mut world, "m> REPLICAOF NO ONE");
    for name in &names[1..] {
        act(&mut world, &format!("{name}> REPLICAOF m"));
    }
    if !world.settle(120_000_000) {
        return Err(fail(
            "does not come to rest within two minutes of peace".into(),
            &told,
        ));
    }
    check(&world, &mut passed).map_err(|why| fail(why, &told))?;
    let digests: Vec<_> = names
        .iter()
        .map(|n| world.node(n).map(|n| n.keyspace().digest()))
        .collect();
    if digests.iter().any(|d| *d != digests[0]) {
        return Err(fail(
            "replicas differ from their master in the end".into(),
            &told,
        ));
    }
    Ok(())
}

#[test]
fn the_laws_hold_for_every_seed() {
    let seeds: u64 = std::env::var("SEEDS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(60);
    let failures: Vec<String> = (0..seeds)
        .filter_map(|seed| play(seed).err())
        .take(3)
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
