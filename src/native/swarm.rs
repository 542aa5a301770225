//! `ringside swarm`: many random worlds on all cores, each played twice, and what came of them.

use crate::link::Link;
use crate::sim::Cluster;
use crate::sim::oracle::Fulls;
use crate::sim::oracle::board::Board;
use crate::sim::swarm::{self, Case, Outcome, Step};
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// What a swarm found.
pub struct Report {
    pub text: String,
    pub failed: bool,
    pub board: Board,
}

#[derive(Default)]
struct Sum {
    board: Board,
    fulls: Fulls,
    events: u64,
    node_us: u64,
    writes: usize,
    lost: usize,
    failures: Vec<(u64, String)>,
}

/// Failures that are cut down and told; the others are counted.
const TOLD: usize = 3;

/// Plays `count` seeds from `first` on. Every one is played a second time without the judge and with an onlooker, and
/// has to leave the same trace.
pub fn run(first: u64, count: u64) -> Report {
    let started = Instant::now();
    let (next, sum) = (AtomicU64::new(first), Mutex::new(Sum::default()));
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        return;
                    }
                    let outcome = twice(seed);
                    let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
                    sum.add(seed, outcome);
                }
            });
        }
    });
    let sum = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    sum.report(count, started.elapsed().as_secs_f64())
}

/// A failing case, cut down: a script that does it all, its healing included, and the link to the same on the page.
pub fn bug_report(case: &Case) -> String {
    let small = swarm::shrink(case);
    let outcome = swarm::play(&small, true);
    let (mut deeds, mut us) = (Vec::new(), 0);
    for step in outcome.done {
        match step {
            Step::Run(more) => us += more,
            Step::Act(action) => deeds.push((std::mem::take(&mut us), action)),
        }
    }
    let link = Link::of_one(&small.options, deeds, us);
    let failure = outcome.failure.unwrap_or_default();
    let script = link.to_script();
    let script = script.split_once('\n').map_or("", |(_, lines)| lines);
    // It is judged there as it is here.
    let script = script.replacen("\n\n", "\njudge\n\n", 1);
    let link = link.encode().unwrap_or_else(|e| e.to_string());
    format!("# {failure}\n{script}\n{link}\n")
}

fn twice(seed: u64) -> Outcome {
    let (case, outcome) = swarm::explore(seed);
    swarm::again(&case, outcome, Cluster::clone)
}

impl Sum {
    fn add(&mut self, seed: u64, outcome: Outcome) {
        self.board.add(&outcome.board);
        self.fulls.add(&outcome.fulls);
        self.events += outcome.events;
        self.node_us += outcome.us;
        self.writes += outcome.writes;
        self.lost += outcome.lost;
        if let Some(failure) = outcome.failure {
            self.failures.push((seed, failure));
        }
    }

    fn report(mut self, count: u64, seconds: f64) -> Report {
        let mut text = String::new();
        self.failures.sort_by_key(|(seed, ..)| *seed);
        let hours = self.node_us as f64 / 3.6e9;
        let _ = writeln!(
            text,
            "{count} seeds, {} events, {hours:.1} cluster-hours in {seconds:.1} s: {:.0} events/s, {:.0} cluster-hours an hour (each seed twice)",
            self.events,
            2.0 * self.events as f64 / seconds,
            2.0 * hours * 3600.0 / seconds,
        );
        let _ = writeln!(
            text,
            "{} acknowledged writes, {} of them lost",
            self.writes, self.lost
        );
        let f = &self.fulls;
        let _ = writeln!(
            text,
            "{} full resyncs: {} of a replica that had nothing, {} on another history, {} for lack of backlog, {} whose id was forgotten",
            f.all(),
            f.first,
            f.other_history,
            f.backlog,
            f.ids
        );
        for (times, what) in self.board.lines() {
            let _ = writeln!(text, "{times:>9}  {what}");
        }
        for (seed, failure) in self.failures.iter().take(TOLD) {
            let _ = writeln!(text, "\nseed {seed} fails: {failure}\n");
            text.push_str(&bug_report(&swarm::explore(*seed).0));
        }
        let failed = self.failures.len();
        let _ = writeln!(text, "\n{failed} of {count} seeds fail");
        for (seed, failure) in self.failures.iter().skip(TOLD) {
            let _ = writeln!(text, "seed {seed}: {failure}");
        }
        Report {
            text,
            failed: failed > 0,
            board: self.board,
        }
    }
}
