//! Fifty worlds of ten thousand events each, in which anything may happen: their traces stand in `traces.txt`, and must be
//! the same on the host and in browsers, in debug and in release, step by step or all at once, watched or not.

use ringside::rng::Rng;
use ringside::sim::{Action, Cluster, Options};
use ringside::time::{Instant, MILLISECOND_US};

pub const SEEDS: u64 = 50;
const EVENTS: u64 = 10_000;

/// The traces of seeds 1 to [`SEEDS`].
pub fn recorded() -> Vec<u64> {
    let lines = include_str!("traces.txt").lines();
    lines
        .map(|line| u64::from_str_radix(line, 16).expect("a hexadecimal number"))
        .collect()
}

/// How a world is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As the page does it: an onlooker sees every event.
    Watched,
    /// All at once, for nobody.
    Fast,
}

/// On the host even seeds have the first pace and odd ones the second, in browsers it is the other way round.
pub const PACES: [Pace; 2] = [Pace::Watched, Pace::Fast];

/// Plays a world until ten thousand events have happened; the hash of all of them.
pub fn trace(seed: u64, pace: Pace) -> u64 {
    let mut rng = Rng::new(seed).split("long");
    let mut world = Cluster::ready(Options {
        seed,
        replicas: 1 + rng.below(4) as usize,
        latency_us: [300, 5_000, 40_000][rng.below(3) as usize],
        backlog_size: [200, 1000, 20_000][rng.below(3) as usize],
        ..Options::default()
    });
    if pace == Pace::Fast {
        world.unwatched();
    }
    let load = "load m 80/s keys 40 mix set,incr,push,add,del,expire,multi,select reads r1";
    do_line(&mut world, load);
    while world.events() < EVENTS {
        let line = deed(&mut rng, &world);
        do_line(&mut world, &line);
        let until = world.now().after((1 + rng.below(400)) * MILLISECOND_US);
        pass(&mut world, until, pace);
    }
    world.trace()
}

fn pass(world: &mut Cluster, until: Instant, pace: Pace) {
    while pace == Pace::Watched && world.next_at().is_some_and(|at| at <= until) {
        world.step();
        if world.events().is_multiple_of(100) {
            world.snapshot();
        }
    }
    world.run_until(until);
}

fn do_line(world: &mut Cluster, line: &str) {
    let action = Action::parse(line).unwrap_or_else(|e| panic!("{line}: {e}"));
    let _ = world.act(&action); // killing the dead and the like is refused, and that is fine
}

/// Something to do, as a line.
fn deed(rng: &mut Rng, world: &Cluster) -> String {
    let names = world.names();
    let mut name = || names[rng.below(names.len() as u64) as usize];
    let (a, b) = (name(), name());
    let (key, few) = (rng.below(20), 1 + rng.below(9));
    match rng.below(36) {
        0..=2 => format!("{a}> ZADD z{key} {}.5 a {few}e100 b", rng.below(90)),
        3 => format!("{a}> HSET h{key} f{few} v{}", rng.below(1000)),
        4 => format!("{a}> INCRBYFLOAT f{key} 0.{few}"),
        5 => format!("{a}> SPOP s{key}"),
        6 => format!("{a}> SET t{key} v PX {}", 1 + rng.below(2000)),
        7 => format!("{a}> XADD x{key} * f {few}"),
        8 => format!("{a}> PFADD p{key} {few} {}", rng.below(1000)),
        9 => format!("{a}> GEOADD g{key} {few}.25 {few}.125 place{few}"),
        10 => format!("{a}> COPY k{key} k{few} REPLACE"),
        11 => format!(
            "{a}> SETRANGE k{key} {} {}",
            rng.below(300),
            "x".repeat(few as usize)
        ),
        12 => format!("{a}> BITCOUNT k{key}"),
        13 => format!("{a}> WAIT 1 {}", few * 50),
        14 => format!("{a}> BITOP NOT k{key} k{few}"),
        15 => format!("{a}> DEBUG DIGEST"),
        16 => format!("{a}> BGSAVE"),
        17 | 18 => format!("cut {a} {b}"),
        19 | 20 => format!("restore {a} {b}"),
        21 => format!("cut {a} {b} after {}", rng.below(200) + 1),
        22 => format!("stall {a} -> {b} {few}00ms"),
        23 => format!("latency {a} {b} 1ms..{few}0ms"),
        24 => format!("segment {a} -> {b} {}", few * 3),
        25 => format!("bandwidth {a} {b} {few}000"),
        26 => format!("pause {a} {few}00ms"),
        27 => format!("swizzle {few}s"),
        28 if a != "m" => format!("kill {a}"),
        28..=30 => format!(
            "start {}",
            names.iter().find(|n| world.node(n).is_none()).unwrap_or(&a)
        ),
        31 => "heal".into(),
        32 if names.len() < 7 => format!("add of {a}"),
        33 => format!("{a}> REPLICAOF NO ONE"),
        _ => format!("{a}> REPLICAOF 127.0.0.1 {}", world.port(b).unwrap_or(6379)),
    }
}
