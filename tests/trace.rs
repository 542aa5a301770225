//! Same seed and actions, same trace: on the host. `tests/web` asks Chromium and Firefox the same question.

#[path = "web/long.rs"]
mod long;
#[path = "web/story.rs"]
mod story;

use std::ops::RangeInclusive;

#[test]
fn the_trace_is_the_one_that_browsers_give() {
    for (seed, expected) in (1..).zip(story::TRACES) {
        assert_eq!(
            story::trace(seed),
            expected,
            "seed {seed}: {:#018x}",
            story::trace(seed)
        );
    }
}

#[test]
fn another_seed_is_another_story() {
    assert_ne!(story::trace(4), story::trace(5));
}

/// Plays these seeds, each on a thread's half; half of them watched step by step, the others at once: browsers do it the
/// other way round.
fn played(seeds: RangeInclusive<u64>) -> Vec<(u64, u64)> {
    let halves = [0, 1].map(|half| {
        let seeds = seeds.clone().filter(move |seed| seed % 2 == half);
        let pace = long::PACES[half as usize];
        std::thread::spawn(move || {
            let traces = seeds.map(|seed| (seed, long::trace(seed, pace)));
            traces.collect::<Vec<_>>()
        })
    });
    let traces = halves.map(|half| half.join().expect("a world can be played"));
    let mut traces = traces.concat();
    traces.sort_unstable();
    traces
}

fn compare(seeds: RangeInclusive<u64>) {
    for (seed, trace) in played(seeds) {
        let recorded = long::recorded()[seed as usize - 1];
        assert_eq!(
            trace, recorded,
            "seed {seed}: {trace:016x}, {recorded:016x} was recorded; if that is meant, \
             UPDATE=1 make test-search writes it anew"
        );
    }
}

/// In this build, which is mostly the one for debugging; `make test-search` plays all of them in a faster one.
#[test]
fn ten_thousand_events_of_a_few_seeds_are_those_that_browsers_give() {
    compare(1..=4);
}

#[test]
#[ignore = "long: make test-search runs it in a faster build"]
fn ten_thousand_events_of_fifty_seeds_are_those_that_browsers_give() {
    if std::env::var("UPDATE").is_err() {
        return compare(1..=long::SEEDS);
    }
    let lines: String = played(1..=long::SEEDS)
        .iter()
        .map(|(_, trace)| format!("{trace:016x}\n"))
        .collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/web/traces.txt");
    std::fs::write(path, lines).expect("the file can be written");
}
