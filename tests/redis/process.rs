//! Servers as processes of their own, real ones and ours, each on a free port and in a directory of its own. They end
//! with the test, whatever becomes of it.

use crate::client::Client;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// How long anything may take. Nothing here waits that long unless it fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Polls until `done`, or fails with the name of what did not happen.
#[track_caller]
pub fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(
            begin.elapsed() < PATIENCE,
            "did not happen within {PATIENCE:?}: {what}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A directory that goes away with the value.
pub struct Dir(PathBuf);

impl Dir {
    pub fn new() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let name = format!(
            "ringside-test-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a directory can be made for the test");
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A port that nobody listens on now. Below the range from which the system takes the ports of outgoing connections.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let base = (std::process::id().wrapping_mul(131) % 20_000) as u16;
    loop {
        let port = 10_000 + (base + NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// The configuration file of a server that has one, in its directory.
const CONF: &str = "redis.conf";

pub struct Server {
    pub ours: bool,
    pub port: u16,
    args: Vec<String>,
    process: Child,
    pub dir: Dir,
}

/// Debian's `redis-server`, with options as on its command line.
pub fn real(args: &[&str]) -> Server {
    Server::start(false, args)
}

/// `ringside server`, with the same.
pub fn ours(args: &[&str]) -> Server {
    Server::start(true, args)
}

/// Either, from a configuration file alone, as an operator starts it.
pub fn from_file(ours: bool, lines: &str) -> Server {
    Server::begin(ours, Vec::new(), Some(lines))
}

/// A Sentinel, which is always a real one.
pub fn sentinel(lines: &str) -> Server {
    Server::begin(false, vec!["--sentinel".into()], Some(lines))
}

impl Server {
    fn start(ours: bool, args: &[&str]) -> Self {
        let mut all: Vec<String> = ["--save", "", "--enable-debug-command", "yes"]
            .map(String::from)
            .into();
        all.extend(["--repl-diskless-sync-delay", "0"].map(String::from));
        all.extend(args.iter().map(ToString::to_string));
        Self::begin(ours, all, None)
    }

    fn begin(ours: bool, all: Vec<String>, file: Option<&str>) -> Self {
        let mut dir = Dir::new();
        // Somebody may take the port between the look and the start; then it is another one.
        for _ in 0..20 {
            let port = free_port();
            if let Some(lines) = file {
                fs::write(dir.path().join(CONF), lines).expect("a file can be written");
            }
            let process = spawn(ours, port, dir.path(), &all);
            let mut server = Self {
                ours,
                port,
                args: all.clone(),
                process,
                dir,
            };
            if server.ready() {
                return server;
            }
            let log = server.log();
            assert!(
                log.contains("Failed listening"),
                "{} did not start:\n{log}",
                server.name()
            );
            dir = std::mem::replace(&mut server.dir, Dir::new());
        }
        panic!("no free port was found");
    }

    fn name(&self) -> &'static str {
        if self.ours {
            "ringside server"
        } else {
            "redis-server"
        }
    }

    /// Waits until it answers; false when it ended instead.
    fn ready(&mut self) -> bool {
        let begin = Instant::now();
        loop {
            if Client::try_connect(self.port).is_some_and(|mut c| c.answers()) {
                return true;
            }
            if self
                .process
                .try_wait()
                .expect("a child can be waited for")
                .is_some()
            {
                return false;
            }
            assert!(
                begin.elapsed() < PATIENCE,
                "{} does not answer:\n{}",
                self.name(),
                self.log()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn client(&self) -> Client {
        Client::connect(self.port)
    }

    /// Everything it has logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    #[track_caller]
    pub fn logs(&self, text: &str) {
        eventually(&format!("{} logs '{text}'", self.name()), || {
            self.log().contains(text)
        });
    }

    pub fn snapshot(&self) -> PathBuf {
        self.dir.path().join("dump.rdb")
    }

    /// Ends it with this signal, by the name that `kill` knows.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(self.process.id().to_string())
            .status();
        assert!(
            sent.is_ok_and(|s| s.success()),
            "the signal could not be sent"
        );
    }

    /// Waits for its end.
    #[track_caller]
    pub fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("the server ends", || {
            status = self.process.try_wait().expect("a child can be waited for");
            status.is_some()
        });
        status.expect("it has ended")
    }

    /// Starts it again, with these options after those that it had.
    pub fn start_again_with(&mut self, args: &[&str]) {
        self.args.extend(args.iter().map(ToString::to_string));
        self.start_again();
    }

    /// The same, when it is of interest what it does before it serves.
    pub fn start_again_without_waiting(&mut self) {
        self.process = spawn(self.ours, self.port, self.dir.path(), &self.args);
    }

    /// Starts it again, on the same port and files.
    pub fn start_again(&mut self) {
        self.start_again_without_waiting();
        assert!(
            self.ready(),
            "{} did not start again:\n{}",
            self.name(),
            self.log()
        );
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            eprintln!(
                "--- {} on port {}, the end of its log ---",
                self.name(),
                self.port
            );
            tail.iter().rev().for_each(|line| eprintln!("{line}"));
        }
    }
}

fn spawn(ours: bool, port: u16, dir: &Path, args: &[String]) -> Child {
    let mut command = if ours {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringside"));
        command.arg("server");
        command
    } else {
        Command::new("redis-server")
    };
    let log = File::options()
        .create(true)
        .append(true)
        .open(dir.join("log"))
        .expect("a log can be written");
    if dir.join(CONF).exists() {
        command.arg(dir.join(CONF));
    }
    command
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--dir"])
        .arg(dir)
        .args(args);
    command
        .stdin(Stdio::null())
        .stderr(log.try_clone().expect("a file can be shared"))
        .stdout(log);
    command.spawn().unwrap_or_else(|error| {
        panic!("{command:?} cannot be run ({error}): install redis-server (make setup)")
    })
}
