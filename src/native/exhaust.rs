//! `ringside exhaust`: every state of a small world, in one layout or both, and what came of it.

use super::swarm::bug_report;
use crate::sim::exhaust::{self, Bounds, Layout, Report};
use std::fmt::Write;
use std::time::{Duration, Instant};

/// Edges between two words of progress.
const TURN: u64 = 20_000;

/// What is to be searched.
pub struct Search {
    bounds: Bounds,
    layouts: Vec<Layout>,
}

impl Search {
    /// Reads `--bounds 2,1,1,1`: writes, cuts, promotions, other masters, and, where a fifth number is given, ends of a
    /// process; `--layout star` or `chain`, else both; `--no-loops`.
    pub fn parse(args: &[String]) -> Option<Self> {
        let mut search = Self {
            bounds: bounds("2,1,1,1")?,
            layouts: vec![Layout::Star, Layout::Chain],
        };
        let mut loops = true;
        let mut args = args.iter().map(String::as_str);
        while let Some(arg) = args.next() {
            match arg {
                "--bounds" => search.bounds = bounds(args.next()?)?,
                "--layout" => {
                    search.layouts = match args.next()? {
                        "star" => vec![Layout::Star],
                        "chain" => vec![Layout::Chain],
                        _ => return None,
                    }
                }
                "--no-loops" => loops = false,
                _ => return None,
            }
        }
        search.bounds.loops = loops;
        Some(search)
    }

    /// What was found, and whether a law was broken. `progress` is told now and then.
    pub fn run(&self, mut progress: impl FnMut(&str)) -> (String, bool) {
        let (mut text, mut failed) = (String::new(), false);
        for &layout in &self.layouts {
            let started = Instant::now();
            let mut search = exhaust::Search::new(layout, self.bounds);
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
}

fn bounds(text: &str) -> Option<Bounds> {
    let numbers = text.split(',').map(|n| n.parse().ok());
    let (writes, cuts, promotions, reparents, ends) = match numbers.collect::<Option<Vec<u8>>>()?[..]
    {
        [w, c, p, r] => (w, c, p, r, 0),
        [w, c, p, r, e] => (w, c, p, r, e),
        _ => return None,
    };
    Some(Bounds {
        writes,
        cuts,
        promotions,
        reparents,
        ends,
        loops: true,
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_searched_is_read_or_refused() {
        let parse = |line: &str| {
            let args: Vec<String> = line.split_whitespace().map(String::from).collect();
            Search::parse(&args)
        };
        let search = parse("--bounds 3,2,2,2,1 --layout chain --no-loops").expect("all of it");
        let b = search.bounds;
        assert_eq!(
            [b.writes, b.cuts, b.promotions, b.reparents, b.ends],
            [3, 2, 2, 2, 1]
        );
        assert_eq!((search.layouts, b.loops), (vec![Layout::Chain], false));
        assert_eq!(parse("").expect("both").layouts.len(), 2);
        for bad in [
            "--bounds 1,2,3",
            "--bounds 1,,2,3",
            "--bounds",
            "--layout ring",
            "2,1,1,1",
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }
}
