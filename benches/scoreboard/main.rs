//! The scoreboard, `make bench`: how fast Ringside is, beside a peer that is measured in the same run, round by round in
//! turn. What is printed is the ratio; the peer's own spread says how much it can be trusted. Every row first checks
//! that both sides did the same work. `make bench ROWS="P3 P5"` runs some rows only. The rows that need a browser are in
//! `benches/page`.
//!
//! | row | measures | peer |
//! |---|---|---|
//! | P2 | SET through a master to two replicas, until all offsets are equal | three redis-servers on loopback |
//! | P3 | applying a recorded replication stream | a redis-server replica, CPU seconds |
//! | P4 | writing and reading an RDB file | SAVE and DEBUG RELOAD, CPU seconds |
//! | P5 | taking requests apart | the crate redis-protocol |
//! | P6 | how the cost of a command grows, in instructions | itself |
//! | P10 | jumps on the tape of a minute under full load | the same, played from its beginning |

// The table is what this program is for.
#![allow(clippy::print_stdout)]

mod apply;
mod growth;
mod parse;
mod peer;
mod pump;
mod replicate;
mod seek;
mod snapshot;

use std::time::Instant;

/// Rounds of each side.
const ROUNDS: usize = 5;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Some(at) = args.iter().position(|a| a == "--work") {
        return growth::work(&args[at + 1..]);
    }
    let wanted = |row: &str| {
        let mut named = args.iter().filter(|a| a.starts_with('P')).peekable();
        named.peek().is_none() || named.any(|a| a.eq_ignore_ascii_case(row))
    };
    println!("{}", peer::versions());
    println!("{ROUNDS} rounds of each side in turn; medians\n");
    println!(
        "{:<44} {:>12} {:>12} {:>8} {:>8}  unit",
        "row", "ringside", "peer", "ratio", "target"
    );
    let rows: [(&str, fn()); 6] = [
        ("P2", replicate::run),
        ("P3", apply::run),
        ("P4", snapshot::run),
        ("P5", parse::run),
        ("P6", growth::run),
        ("P10", seek::run),
    ];
    for (name, run) in rows {
        if wanted(name) {
            run();
        }
    }
}

/// Measures both sides in turn and prints a row. Each side returns its speed, more is better.
fn versus(
    row: &str,
    unit: &str,
    target: f64,
    mut ours: impl FnMut() -> f64,
    mut theirs: impl FnMut() -> f64,
) {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        a.push(ours());
        b.push(theirs());
    }
    let (ours, theirs) = (median(&mut a), median(&mut b));
    let spread = (b[b.len() - 1] - b[0]) / theirs;
    let ratio = ours / theirs;
    let verdict = if spread > 0.2 {
        format!("(the peer's rounds differ by {:.0} %)", spread * 100.0)
    } else if ratio < target {
        "below target".into()
    } else {
        String::new()
    };
    println!(
        "{row:<44} {:>12} {:>12} {ratio:>7.2}x {target:>7.1}x  {unit} {verdict}",
        grouped(ours),
        grouped(theirs)
    );
}

/// Sorts, and takes the middle.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A whole number with thin groups, or two decimals when it is small.
fn grouped(value: f64) -> String {
    if value < 1000.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// CPU seconds of this thread that something takes, as the peers' are counted, and what came of it.
fn spent<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let cpu_s = || {
        // The system books a thread's time when it stops running; the peers have stopped when they are asked.
        std::thread::sleep(std::time::Duration::from_micros(1));
        peer::cpu_s("thread-self")
    };
    let begin = cpu_s();
    let result = work();
    (cpu_s() - begin, result)
}

/// Seconds that something takes, and what came of it.
fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let begin = Instant::now();
    let result = work();
    (begin.elapsed().as_secs_f64(), result)
}
