//! How long a jump on the tape takes: a minute of eight nodes under load, back and forth at random. Prints figures;
//! `cargo test --release --test seek -- --ignored --nocapture`.

use ringside::rng::Rng;
use ringside::sim::{Action, Options};
use ringside::tape::Tape;
use ringside::time::SECOND_US;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

fn measure(per_s: u32) -> f64 {
    let mut tape = Tape::new(Options {
        replicas: 7,
        latency_us: 20_000,
        backlog_size: 1 << 20,
        ..Options::default()
    });
    let load = Action::parse(&format!("load m {per_s}/s reads r1 r2 r3"));
    tape.act(load.expect("a line")).expect("it can be done");
    let (begin, begin_at) = (spent(), tape.now());
    tape.run_until(begin_at.after(60 * SECOND_US));
    let (end, _) = tape.end();
    let recording = (spent() - begin).as_secs_f64();
    let mut rng = Rng::new(1);
    let mut jumps = Vec::new();
    for _ in 0..400 {
        let event = rng.below(end + 1);
        let begin = spent();
        tape.seek(event);
        jumps.push((spent() - begin).as_secs_f64() * 1e3);
    }
    let mut steps = Vec::new();
    for _ in 0..400 {
        let begin = spent();
        tape.step_back();
        steps.push((spent() - begin).as_secs_f64() * 1e3);
    }
    jumps.sort_by(f64::total_cmp);
    steps.sort_by(f64::total_cmp);
    let at = |v: &[f64], part: usize| v[v.len() * part / 100];
    eprintln!(
        "{per_s} writes/s: {end} events recorded in {recording:.2} s ({:.1} µs each); seek p50 {:.2} ms, p99 {:.2} ms, \
         longest {:.2} ms; one step back p50 {:.2} ms, p99 {:.2} ms; {} MiB resident",
        recording * 1e6 / end as f64,
        at(&jumps, 50),
        at(&jumps, 99),
        jumps[jumps.len() - 1],
        at(&steps, 50),
        at(&steps, 99),
        resident_mib()
    );
    at(&jumps, 99)
}

/// Time that this thread has had on a processor, so that others on the machine do not count; where the system does not
/// tell, the time of the clock.
fn spent() -> Duration {
    static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let ns = stat.and_then(|s| s.split_whitespace().next()?.parse().ok());
    ns.map_or_else(|| BEGIN.elapsed(), Duration::from_nanos)
}

/// Memory of this process, in MiB; 0 where the system does not tell.
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmRSS:"));
    let kib = line.and_then(|l| l.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

#[test]
#[ignore = "a measurement: run it in release"]
fn a_jump_takes_less_than_a_twentieth_of_a_second() {
    for per_s in [20, 200, 1000, 5000] {
        let p99 = measure(per_s);
        assert!(p99 <= 50.0, "{per_s} writes/s: {p99} ms");
    }
}
