//! `ringside exhaust`: every state of a small world, in both layouts, and what came of it.

use super::swarm::bug_report;
use crate::sim::exhaust::{Bounds, Layout, Report, Search};
use std::fmt::Write;
use std::time::{Duration, Instant};

/// Edges between two words of progress.
const TURN: u64 = 20_000;

/// Reads bounds such as `2,1,1,1`: writes, cuts, promotions, other masters; and whether circles are looked at.
pub fn bounds(text: &str, loops: bool) -> Option<Bounds> {
    let numbers: Vec<u8> = text.split(',').map_while(|n| n.parse().ok()).collect();
    let commas = text.matches(',').count();
    match numbers[..] {
        [writes, cuts, promotions, reparents] if commas == 3 => Some(Bounds {
            writes,
            cuts,
            promotions,
            reparents,
            loops,
        }),
        _ => None,
    }
}

/// Searches both layouts; what was found, and whether a law was broken. `progress` is told now and then.
pub fn run(bounds: Bounds, mut progress: impl FnMut(&str)) -> (String, bool) {
    let (mut text, mut failed) = (String::new(), false);
    for layout in [Layout::Star, Layout::Chain] {
        let started = Instant::now();
        let mut search = Search::new(layout, bounds);
        while search.run(TURN).is_none() {
            progress(&line(layout, search.report(), started.elapsed()));
        }
        let report = search.report();
        let _ = writeln!(text, "{}", line(layout, report, started.elapsed()));
        if let Some((_, case)) = &report.failure {
            failed = true;
            let _ = write!(text, "\n{}\n", bug_report(case));
        }
    }
    (text, failed)
}

fn line(layout: Layout, report: &Report, took: Duration) -> String {
    let layout = match layout {
        Layout::Star => "star ",
        Layout::Chain => "chain",
    };
    let seconds = took.as_secs_f64();
    format!(
        "{layout}: {} states, {} edges, depth {}, {} steps of healing (longest {}), {seconds:.1} s, {:.0} states/s",
        report.states,
        report.edges,
        report.depth,
        report.healing,
        report.healing_depth,
        report.states as f64 / seconds,
    )
}
