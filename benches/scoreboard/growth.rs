//! P6: how the cost of one command grows with what should not matter. Instructions are counted by valgrind's callgrind,
//! which gives the same number in every run: this program runs itself under it, twice with different numbers of
//! commands, so that what the preparation costs cancels out.

use super::pump::Pump;
use ringside::wire::resp;
use std::process::Command;

struct Series {
    what: &'static str,
    sizes: &'static [u64],
    /// The steepest slope in a log-log plot that is still well.
    most: f64,
}

const SERIES: &[Series] = &[
    Series {
        what: "replicas",
        sizes: &[1, 3, 7, 15],
        most: 1.05,
    },
    Series {
        what: "keys",
        sizes: &[1_000, 10_000, 100_000],
        most: 0.1,
    },
    Series {
        what: "backlog",
        sizes: &[16_384, 1 << 20, 64 << 20],
        most: 0.1,
    },
    Series {
        what: "fields",
        sizes: &[10, 1_000, 100_000],
        most: 0.1,
    },
    Series {
        what: "list",
        sizes: &[10, 1_000, 100_000],
        most: 0.1,
    },
    Series {
        what: "clients",
        sizes: &[1, 100, 1_000],
        most: 0.1,
    },
];

const FEW: u64 = 500;
const MANY: u64 = 2_500;

pub fn run() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("P6 growth: left out, valgrind is not installed");
        return;
    }
    for series in SERIES {
        let costs: Vec<f64> = series
            .sizes
            .iter()
            .map(|&size| {
                let (few, many) = (
                    count(series.what, size, FEW),
                    count(series.what, size, MANY),
                );
                (many - few) as f64 / (MANY - FEW) as f64
            })
            .collect();
        let slope = slope(series.sizes, &costs);
        let shown: Vec<String> = series
            .sizes
            .iter()
            .zip(&costs)
            .map(|(size, cost)| format!("{size}: {cost:.0}"))
            .collect();
        println!(
            "P6 instructions a command by {:<10} slope {slope:>5.2} (at most {:.2}{})  {}",
            series.what,
            series.most,
            if slope > series.most {
                ", above target"
            } else {
                ""
            },
            shown.join("  ")
        );
    }
}

/// The slope of the line through the points in a log-log plot, by least squares.
fn slope(sizes: &[u64], costs: &[f64]) -> f64 {
    let points: Vec<(f64, f64)> = sizes
        .iter()
        .zip(costs)
        .map(|(x, y)| ((*x as f64).ln(), y.ln()))
        .collect();
    let n = points.len() as f64;
    let (mx, my) = (
        points.iter().map(|p| p.0).sum::<f64>() / n,
        points.iter().map(|p| p.1).sum::<f64>() / n,
    );
    let over: f64 = points.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum();
    let under: f64 = points.iter().map(|p| (p.0 - mx).powi(2)).sum();
    over / under
}

/// Instructions of [`work`] with these arguments.
fn count(what: &str, size: u64, commands: u64) -> u64 {
    let this = std::env::current_exe().expect("a program knows where it is");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(this)
        .args(["--work", what, &size.to_string(), &commands.to_string()])
        .output()
        .expect("valgrind runs");
    let text = String::from_utf8_lossy(&output.stderr);
    let total = text
        .lines()
        .find_map(|l| l.split_once("Collected :")?.1.trim().parse().ok());
    total.unwrap_or_else(|| panic!("callgrind counts; it said:\n{text}"))
}

/// Prepares a world and runs commands in it; this is what is counted.
pub fn work(args: &[String]) {
    let [what, size, commands] = args else {
        panic!("--work WHAT SIZE COMMANDS");
    };
    let number = |text: &String| text.parse::<u64>().expect("a number");
    let (size, commands) = (number(size), number(commands));
    let replicas = if what == "replicas" { size as usize } else { 1 };
    let backlog = if what == "backlog" { size } else { 1 << 20 };
    let mut pump = Pump::cluster(replicas, backlog);
    let mut client = pump.client(0);
    let send = |pump: &mut Pump, args: &[&str]| {
        pump.replies.clear();
        pump.send(0, client, &resp::command(args));
    };
    match what.as_str() {
        "keys" => (0..size).for_each(|i| send(&mut pump, &["SET", &format!("key:{i}"), "v"])),
        "fields" => (0..size).for_each(|i| send(&mut pump, &["HSET", "h", &format!("f{i}"), "v"])),
        "list" => (0..size).for_each(|_| send(&mut pump, &["RPUSH", "l", "item"])),
        "clients" => (0..size).for_each(|_| client = pump.client(0)),
        _ => {}
    }
    let mut send = |args: &[&str]| {
        pump.replies.clear();
        pump.send(0, client, &resp::command(args));
    };
    for i in 0..commands {
        let n = i.wrapping_mul(7_919) % size;
        match what.as_str() {
            "fields" => send(&["HSET", "h", &format!("f{n}"), "w"]),
            "list" => send(&["LPUSH", "l", "item"]),
            "keys" => send(&["SET", &format!("key:{n}"), "w"]),
            _ => send(&["SET", "key", "value"]),
        }
    }
}
