//! What `ringside server` answers before it is a server, as redis-server does: how it is used, which version it follows,
//! and whether the system suits a Redis.

use super::host::processor_time;
use std::fs;
use std::time::{Duration, Instant};

const USAGE: &str = "\
Usage: ringside server [/path/to/redis.conf] [options] [-]
       ringside server - (read config from stdin)
       ringside server -v or --version
       ringside server -h or --help
       ringside server --check-system

Examples:
       ringside server (run the server with default conf)
       echo 'maxmemory 128mb' | ringside server -
       ringside server /etc/redis/6379.conf
       ringside server --port 7777
       ringside server --port 7777 --replicaof 127.0.0.1 8888
       ringside server /etc/myredis.conf --loglevel verbose -

Everything else that ringside does:
       ringside --help
";
const NO_SENTINEL: &str =
    "ringside server is no Sentinel: redis-sentinel watches it as it watches a redis-server\n";
const NO_MEMORY_TEST: &str =
    "ringside server does not test memory: redis-server --test-memory does, or memtest86\n";

/// What to print and how to end.
pub struct Answer {
    pub text: String,
    /// It goes to standard error.
    pub complains: bool,
    pub status: i32,
}

/// Answers what these arguments of `ringside server` ask; nothing when they ask for a server.
pub fn answer(args: &[String]) -> Option<Answer> {
    let complaint = |text: &str| {
        Some(Answer {
            text: text.into(),
            complains: true,
            status: 1,
        })
    };
    let print = |text, status| {
        Some(Answer {
            text,
            complains: false,
            status,
        })
    };
    if args.iter().any(|arg| arg == "--sentinel") {
        return complaint(NO_SENTINEL);
    }
    match args.first().map(String::as_str) {
        Some("-h" | "--help") => complaint(USAGE),
        // Programs that start a server look for its version here.
        Some("-v" | "--version") => {
            let version = env!("CARGO_PKG_VERSION");
            let text = format!(
                "Redis server v=7.0.15 sha=00000000:0 malloc=libc bits={} build=ringside-{version}\n",
                usize::BITS
            );
            print(text, 0)
        }
        Some("--test-memory") => complaint(NO_MEMORY_TEST),
        Some("--check-system") => {
            let (text, fine) = check_system();
            print(text, i32::from(!fine))
        }
        _ => None,
    }
}

/// What a check found: it could not be made, or nothing, or what is wrong.
type Found = Option<Result<(), String>>;
/// A check and its name.
type Check = (&'static str, fn() -> Found);

const CHECKS: [Check; 4] = [
    ("slow-clocksource", slow_clock),
    ("xen-clocksource", xen_clock),
    ("overcommit", overcommit),
    ("THP", huge_pages),
];

/// Each check with what it found, and whether nothing is bad for a Redis on this system.
fn check_system() -> (String, bool) {
    let (mut text, mut fine) = (String::new(), true);
    for (name, check) in CHECKS.iter().filter(|_| cfg!(target_os = "linux")) {
        let found = match check() {
            None => "skipped".into(),
            Some(Ok(())) => "OK".into(),
            Some(Err(why)) => {
                fine = false;
                format!("WARNING:\n{why}")
            }
        };
        text.push_str(&format!("[{name}]...{found}\n"));
    }
    (text, fine)
}

fn line_of(path: &str) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_string())
}

fn clock_source(which: &str) -> Option<String> {
    line_of(&format!(
        "/sys/devices/system/clocksource/clocksource0/{which}_clocksource"
    ))
}

/// Asks for the time again and again: where that takes more than a tenth of it in the kernel, each is a system call.
fn slow_clock() -> Found {
    // The kernel counts in hundredths of a second.
    const SPAN: Duration = Duration::from_millis(300);
    let [user, system] = processor_time();
    let begin = Instant::now();
    while begin.elapsed() < SPAN {}
    let [user, system] = [processor_time()[0] - user, processor_time()[1] - system];
    if user + system <= 0.0 {
        return None;
    }
    Some(if system * 10.0 > user + system {
        Err(format!(
            "The time is asked of the kernel, which is slow. The clock source is {}; this system has {}. Write another one \
             into /sys/devices/system/clocksource/clocksource0/current_clocksource, or name it in the kernel's command \
             line (clocksource=).",
            clock_source("current").unwrap_or_default(),
            clock_source("available").unwrap_or_default()
        ))
    } else {
        Ok(())
    })
}

fn xen_clock() -> Found {
    Some(match clock_source("current")?.as_str() {
        "xen" => Err(
            "The clock source is that of Xen, which is often slow: see [slow-clocksource].".into(),
        ),
        _ => Ok(()),
    })
}

fn overcommit() -> Found {
    Some(match line_of("/proc/sys/vm/overcommit_memory")?.as_str() {
        "1" => Ok(()),
        other => Err(format!(
            "vm.overcommit_memory is {other}: a redis-server that forks to save, or for a replica, may be refused the \
             memory. 'sysctl vm.overcommit_memory=1' allows it now, the same line in /etc/sysctl.conf from the next \
             start of the system on. (Ringside itself does not fork.)"
        )),
    })
}

fn huge_pages() -> Found {
    let pages = line_of("/sys/kernel/mm/transparent_hugepage/enabled")?;
    Some(if pages.contains("[always]") {
        Err("Transparent huge pages are always on: after a fork a redis-server copies whole ones, which costs memory and \
             time. 'echo madvise > /sys/kernel/mm/transparent_hugepage/enabled' changes that until the next start of the \
             system; restart Redis after it."
            .into())
    } else {
        Ok(())
    })
}
