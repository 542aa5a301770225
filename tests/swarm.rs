//! Random worlds with random faults: whatever happens, no law is broken, and once all is mended all are alike. Every seed
//! is played twice and leaves the same trace. `SEEDS=1000 cargo test --release --test swarm` looks further, as does
//! `ringside swarm`. And the judge himself is tried: worlds that break a law on purpose have to be found out.
#![cfg(not(target_arch = "wasm32"))]

use ringside::link::Link;
use ringside::native::swarm;
use ringside::script::Script;
use ringside::sim::oracle::board::Rare;
use ringside::sim::swarm::{Case, Step, play, shrink};
use ringside::sim::{Action, Cluster, Options};

#[test]
fn no_law_is_broken_in_random_worlds() {
    let seeds = std::env::var("SEEDS").ok().and_then(|n| n.parse().ok());
    let report = swarm::run(0, seeds.unwrap_or(120));
    assert!(!report.failed, "{}", report.text);
    for rare in [
        Rare::RingWrapped,
        Rare::PartialById,
        Rare::PartialById2,
        Rare::RefusedOtherHistory,
        Rare::PromotionWithTail,
        Rare::WaitSatisfied,
    ] {
        let times = report.board.count(rare);
        assert!(times > 0, "{rare:?} was never reached:\n{}", report.text);
    }
}

fn action(line: &str) -> Action {
    Action::parse(line).unwrap_or_else(|e| panic!("{line}: {e}"))
}

/// A judged world; half a second passes after each line.
fn world(lines: &[&str]) -> Cluster {
    let mut world = Cluster::ready(Options::default());
    world.judge();
    for line in lines {
        world
            .act(&action(line))
            .unwrap_or_else(|e| panic!("{line}: {e}"));
        world.run_until(world.now().after(500_000));
    }
    world
}

fn laws(world: &Cluster) -> Vec<(&'static str, &str)> {
    let violations = world.oracle().expect("it is judged").violations();
    violations
        .iter()
        .map(|v| (v.law, v.node.as_str()))
        .collect()
}

/// A replica that takes writes invents: no law of Redis is kept then, and the judge has to say so.
const INVENTS: [&str; 6] = [
    "m> SET a 1",
    "r1> CONFIG SET replica-read-only no",
    "m> SET b 1",
    "latency m r2 40ms",
    "r1> SET lang COBOL",
    "m> SET c 1",
];

fn invents() -> Case {
    let step = |line: &&str| [Step::Act(action(line)), Step::Run(400_000)];
    Case {
        options: Options::default(),
        steps: INVENTS.iter().flat_map(step).collect(),
        outside: Vec::new(),
    }
}

#[test]
fn data_that_does_not_belong_to_the_offset_is_found_out() {
    let w = world(&INVENTS);
    assert_eq!(laws(&w).first(), Some(&("S2", "r1")));
    let first = w.oracle().expect("it is judged").violations()[0].to_string();
    assert!(first.contains("is not what m had there"), "{first}");
}

#[test]
fn a_failure_is_cut_down_and_told_as_a_script_and_a_link() {
    let case = invents();
    let failure = play(&case, true).failure;
    assert!(failure.is_some_and(|f| f.starts_with("S2")));
    let small = shrink(&case);
    let acts = small.steps.iter().filter(|s| matches!(s, Step::Act(_)));
    assert!(acts.count() <= 3, "{small:?}");
    let time = |case: &Case| {
        let runs = case
            .steps
            .iter()
            .map(|s| if let Step::Run(us) = s { *us } else { 0 });
        runs.sum::<u64>()
    };
    assert!(
        time(&small) < time(&case) / 2,
        "its times are smaller: {small:?}"
    );
    assert_eq!(
        (small.options.replicas, small.options.keys.len()),
        (1, 0),
        "and its world"
    );
    let told = swarm::bug_report(&case);
    let (text, link) = told
        .trim_end()
        .rsplit_once('\n')
        .expect("a link at its end");
    assert!(text.starts_with("# S2: r1, event "), "{text}");
    let script = Script::parse(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let broken = script.run().expect_err("it is judged").to_string();
    assert!(broken.contains(": S2: r1, event "), "{broken}");
    let linked = Link::decode(link).expect("a good link").to_script();
    let lines = |script: &str| script.lines().skip(1).map(String::from).collect::<Vec<_>>();
    let without = text.replacen("judge\n", "", 1);
    assert_eq!(lines(&linked), lines(&without), "the link does the same");
    assert!(text.contains("SET lang COBOL"), "{text}");
}

#[test]
fn the_ledger_tells_which_write_was_lost_by_which_promotion() {
    let mut w = world(&[
        "m> SET safe 1",
        "cut m r1",
        "cut m r2",
        "m> SET lost 2",
        "r1> REPLICAOF NO ONE",
        "restore m r1",
        "m> REPLICAOF 127.0.0.1 6380",
    ]);
    assert!(w.settle(60_000_000));
    assert_eq!(laws(&w), []);
    let oracle = w.oracle().expect("it is judged");
    let lost: Vec<_> = oracle.lost().collect();
    let [lost] = lost[..] else {
        panic!("one write is lost: {lost:?}");
    };
    assert_eq!(
        (lost.node.as_str(), lost.text.as_str()),
        ("m", "SET lost 2")
    );
    let (at, loss) = lost.lost.as_ref().expect("it is lost");
    let loss = loss.to_string();
    assert!(loss.starts_with("the promotion of r1 at"), "{loss}");
    assert!(*at > lost.at, "acknowledged first");
    assert_eq!(oracle.board().count(Rare::DemotedWithLosses), 1);
}

#[test]
fn a_command_that_fails_in_the_stream_costs_its_bytes_and_nothing_else() {
    let w = world(&["m> DEBUG REPLICATE NOSUCHCOMMAND a", "m> SET b 1"]);
    assert_eq!(laws(&w), []);
    let board = w.oracle().expect("it is judged").board();
    assert_eq!(board.count(Rare::FailedInStream), 2, "on both replicas");
}

#[test]
fn a_link_by_sync_does_not_mark_the_replica_for_ever() {
    // r1 loses its master between the PING and the PSYNC of r2, which then tries SYNC, and is refused again.
    let mut w = Cluster::ready(Options {
        latency_us: 10_000,
        ..Options::default()
    });
    w.judge();
    let mut play = |line: &str, ms: u64| {
        w.act(&action(line))
            .unwrap_or_else(|e| panic!("{line}: {e}"));
        w.run_until(w.now().after(ms * 1000));
    };
    play("r1> CONFIG SET replica-serve-stale-data no", 0);
    play("r2> REPLICAOF 127.0.0.1 6380", 50);
    play("cut m r1", 200);
    play("restore m r1", 5000);
    play("m> SET city Oslo", 5000);
    play("cut r1 r2", 100);
    play("restore r1 r2", 5000);
    assert_eq!(laws(&w), [], "L2: it would ask for everything");
    let r1 = w.node("r1").expect("it runs");
    assert_eq!(r1.stats().sync_full, 0);
    assert_eq!(r1.attached()[0].ack, r1.history().offset, "it acknowledges");
}

#[test]
fn full_resyncs_have_a_reason_and_those_that_come_to_nothing_are_told() {
    let mut w = world(&["fork m refused", "add of m"]);
    w.run_until(w.now().after(20_000_000));
    let oracle = w.oracle().expect("it is judged");
    assert_eq!(laws(&w), []);
    let endless = oracle.endless().first().expect("it is told");
    assert_eq!((endless.node.as_str(), endless.rounds), ("r3", 3));
    let fulls = oracle.fulls();
    assert_eq!(fulls.all(), fulls.first, "{fulls:?}");
}

#[test]
fn a_core_that_does_not_come_together_is_found_out() {
    // With a password on the master, and none on its replicas, no link can ever stand again.
    let steps = [
        "m> CONFIG SET requirepass secret",
        "cut m r1",
        "restore m r1",
    ];
    for outside in [vec![], vec!["r2".to_string()]] {
        let case = Case {
            options: Options::default(),
            steps: steps.iter().map(|line| Step::Act(action(line))).collect(),
            outside,
        };
        let failure = play(&case, true)
            .failure
            .expect("L1, and with one outside L7");
        assert!(
            failure.starts_with("L1: 200 s after all was healed r1"),
            "{failure}"
        );
    }
}
