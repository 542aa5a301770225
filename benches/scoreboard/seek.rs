//! P10: jumps on the tape of a minute of eight nodes under full load, beside playing it from its beginning.

use crate::{timed, versus};
use ringside::rng::Rng;
use ringside::sim::{Action, Options};
use ringside::tape::Tape;
use ringside::time::SECOND_US;

/// Jumps of a round.
const JUMPS: usize = 100;

fn minute() -> Tape {
    let mut tape = Tape::new(Options {
        replicas: 7,
        latency_us: 20_000,
        backlog_size: 1 << 20,
        ..Options::default()
    });
    let load = Action::parse("load m 1400/s").expect("a line");
    tape.act(load).expect("it can be done");
    tape.run_until(tape.begin_at().after(60 * SECOND_US));
    tape
}

pub fn run() {
    let mut tape = minute();
    let (end, trace) = (tape.end().0, tape.world().trace());
    let (mut rng, mut waits) = (Rng::new(1), Vec::new());
    let jumps = || {
        let round: Vec<f64> = (0..JUMPS)
            .map(|_| timed(|| tape.seek(rng.below(end + 1))).0)
            .collect();
        waits.extend(&round);
        JUMPS as f64 / round.iter().sum::<f64>()
    };
    // What a jump would be without keyframes: half of the minute on average.
    let played = || {
        let (seconds, again) = timed(minute);
        assert_eq!(again.world().trace(), trace, "both have gone the same way");
        2.0 / seconds
    };
    versus(
        "P10 jumps within a minute of 8 nodes",
        "jumps/s",
        10.0,
        jumps,
        played,
    );
    waits.sort_by(f64::total_cmp);
    let at = |part: usize| waits[(waits.len() - 1) * part / 100] * 1e3;
    println!(
        "    of {end} events; a jump takes p50 {:.1} ms, p99 {:.1} ms (target <= 50)",
        at(50),
        at(99)
    );
}
