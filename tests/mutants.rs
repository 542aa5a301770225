//! Can the judge see? Bugs that Redis had, or could have had, are switched on one by one: the swarm finds twelve of them
//! with the seeds named here, and the search of a small world finds those that can happen in one. Without a bug, the same
//! seeds pass, and the small worlds are without fault from end to end. `make test-search` runs this.

use ringside::native::swarm::bug_report;
use ringside::node::mutant::Mutant;
use ringside::sim::exhaust::{Bounds, Layout, Search};
use ringside::sim::swarm;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A bug, a seed with which the swarm finds it, and the small world in which a search does.
const BUGS: [(Mutant, u64, Option<Layout>); 13] = [
    (Mutant::NewestRefused1271, 1, Some(Layout::Star)),
    (Mutant::ReplicasKept2694, 1, Some(Layout::Chain)),
    (Mutant::HalfCommand3899, 4, Some(Layout::Chain)),
    (Mutant::IdOfFile4268, 12, Some(Layout::Star)),
    // Time has to pass.
    (Mutant::Timer4607, 10, None),
    (Mutant::NewIdKept7306, 1, Some(Layout::Chain)),
    // A PING has to be sent.
    (Mutant::PingsForgotten7314, 359, None),
    (Mutant::SecondByOne, 1, Some(Layout::Star)),
    (Mutant::OldestRefused, 1, Some(Layout::Star)),
    // A replica has to lack one byte more than the ring has: hard to meet by chance, and sure to be met by a search.
    (Mutant::RingByOne, NO_SEED, Some(Layout::Star)),
    (Mutant::SnapshotLate, 3, Some(Layout::Star)),
    (Mutant::MultiSplit, 23, Some(Layout::Star)),
    (Mutant::SelectLost, 37, Some(Layout::Star)),
];

const NO_SEED: u64 = 0;

/// Where another seed is looked for when the swarm has changed and the named one finds nothing any more.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=1000;

const SMALL: Bounds = Bounds {
    writes: 2,
    cuts: 1,
    promotions: 1,
    reparents: 1,
    ends: 0,
    loops: true,
};

/// A process ends as well. With other masters beside it, or two writes, it takes longer than a test should.
const ENDING: Bounds = Bounds {
    writes: 1,
    reparents: 0,
    ends: 1,
    ..SMALL
};

fn with<T>(bug: Option<Mutant>, look: impl FnOnce() -> T) -> Result<T, String> {
    Mutant::switch(bug);
    let found = catch_unwind(AssertUnwindSafe(look));
    Mutant::switch(None);
    found.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        format!("panic: {}", text.unwrap_or_default())
    })
}

/// What the swarm finds with a seed: a broken law, or an assertion of the engine's own.
fn found(bug: Option<Mutant>, seed: u64) -> Option<String> {
    with(bug, || swarm::explore(seed).1.failure).unwrap_or_else(Some)
}

#[test]
fn the_swarm_finds_twelve_of_twelve_bugs() {
    let mut missed = Vec::new();
    for (bug, named, _) in BUGS.into_iter().filter(|(_, seed, _)| *seed != NO_SEED) {
        let mut seeds = std::iter::once(named).chain(SEEDS);
        let caught = seeds.find_map(|seed| {
            let law = found(Some(bug), seed)?;
            found(None, seed).is_none().then_some((seed, law))
        });
        match caught {
            Some((seed, law)) if seed == named => eprintln!("{bug:?}, seed {seed}: {law}"),
            Some((seed, law)) => eprintln!("{bug:?}, now seed {seed} instead of {named}: {law}"),
            None => missed.push(bug),
        }
    }
    assert!(missed.is_empty(), "nobody sees {missed:?}");
}

#[test]
fn the_search_of_a_small_world_finds_all_that_can_happen_in_one() {
    for (bug, _, layout) in BUGS {
        let Some(layout) = layout else { continue };
        let (report, case) = with(Some(bug), || {
            let ends = bug == Mutant::IdOfFile4268;
            let mut search = Search::new(layout, if ends { ENDING } else { SMALL });
            search.run(u64::MAX);
            let report = search.report().clone();
            let case = report.failure.as_ref().map(|(_, case)| swarm::shrink(case));
            (report, case)
        })
        .unwrap_or_else(|panic| panic!("{bug:?}: {panic}"));
        let (law, _) = report
            .failure
            .unwrap_or_else(|| panic!("{bug:?} is not found"));
        let case = case.expect("a failure has a case");
        let (states, steps) = (report.states, case.steps.len());
        eprintln!("{bug:?}, {layout:?}: after {states} states, shortest in {steps} steps: {law}");
        assert_eq!(
            swarm::play(&case, true).failure,
            None,
            "{bug:?} without the bug"
        );
        let script = with(Some(bug), || bug_report(&case)).expect("it can be told");
        let (script, _link) = script
            .trim_end()
            .rsplit_once('\n')
            .expect("a script and a link");
        ringside::script::Script::parse(script).unwrap_or_else(|e| panic!("{e}\n{script}"));
    }
}

#[test]
fn small_worlds_are_without_fault() {
    let worlds = [SMALL, ENDING].map(|bounds| [(Layout::Star, bounds), (Layout::Chain, bounds)]);
    for (layout, bounds) in worlds.into_iter().flatten() {
        let mut search = Search::new(layout, bounds);
        let report = search.run(u64::MAX).expect("all of it was looked at");
        eprintln!(
            "{layout:?}, {} ends: {} states, {} edges, depth {}, {} steps of healing",
            bounds.ends, report.states, report.edges, report.depth, report.healing
        );
        if let Some((_, case)) = &report.failure {
            panic!("{}", bug_report(case));
        }
        assert!(
            report.states > 10_000,
            "the bounds are not those of a small world"
        );
    }
}
