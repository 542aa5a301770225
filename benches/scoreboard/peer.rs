//! Servers as processes, real ones and ours, and what they cost.

use ringside::wire::resp::{self, Reply};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What runs here, for the head of the table.
pub fn versions() -> String {
    let first = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).output();
        let text = output
            .map(|o| String::from_utf8_lossy(&o.stdout).into_owned())
            .unwrap_or_default();
        text.lines().next().unwrap_or("none").to_string()
    };
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map(|name| name.trim_start_matches([':', ' ', '\t']).to_string())
        .unwrap_or_default();
    format!(
        "ringside {}; {}; {}; {cpu}, {} cores",
        env!("CARGO_PKG_VERSION"),
        first("redis-server", &["--version"]),
        first("rustc", &["--version"]),
        std::thread::available_parallelism().map_or(1, usize::from)
    )
}

/// A server on a port and in a directory of its own, until the value goes.
pub struct Server {
    process: Child,
    pub port: u16,
    pub dir: PathBuf,
}

impl Server {
    /// `redis-server`, or `ringside server`, with these options.
    pub fn start(ours: bool, args: &[&str]) -> Self {
        let port = free_port();
        Self::at(ours, port, args)
    }

    pub fn at(ours: bool, port: u16, args: &[&str]) -> Self {
        let dir =
            std::env::temp_dir().join(format!("ringside-bench-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a directory for the benchmark");
        let mut command = if ours {
            let mut command = Command::new(env!("CARGO_BIN_EXE_ringside"));
            command.arg("server");
            command
        } else {
            Command::new("redis-server")
        };
        command
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--enable-debug-command", "yes"])
            .args(["--repl-diskless-sync", "no", "--dir"])
            .arg(&dir)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let process = command
            .spawn()
            .expect("redis-server is installed (make setup)");
        let server = Self { process, port, dir };
        eventually("the server answers", || {
            let ping = TcpStream::connect(("127.0.0.1", port)).ok();
            ping.is_some_and(|s| !matches!(ask(&s, &["PING"]), Reply::Error(_)))
        });
        server
    }

    /// One command on a connection of its own.
    pub fn ask(&self, args: &[&str]) -> Reply {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the server accepts");
        ask(&stream, args)
    }

    /// A field of `INFO`, as a number.
    pub fn info(&self, field: &str) -> Option<u64> {
        let text = text(&self.ask(&["INFO", "replication"]));
        let mut lines = text.lines();
        lines.find_map(|l| {
            l.strip_prefix(field)?
                .strip_prefix(':')?
                .trim()
                .parse()
                .ok()
        })
    }

    /// CPU seconds of the main thread so far, in the program and in the system.
    pub fn cpu_s(&self) -> f64 {
        let pid = self.process.id();
        cpu_s(&format!("{pid}/task/{pid}"))
    }
}

/// CPU seconds so far of a thread, by its place in `/proc`.
pub fn cpu_s(thread: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{thread}/schedstat"));
    let stat = stat.expect("Linux tells the time of a thread");
    let ns = stat.split(' ').next().and_then(|n| n.parse::<f64>().ok());
    ns.expect("a number of nanoseconds") / 1e9
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it has an address").port()
}

pub fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_secs(120), "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

pub fn ask(mut stream: &TcpStream, args: &[&str]) -> Reply {
    stream
        .write_all(&resp::command(args))
        .expect("it can be written to");
    let (mut buffer, mut chunk) = (Vec::new(), [0; 65536]);
    loop {
        if let Some((reply, _)) = resp::reply(&buffer).expect("replies are RESP") {
            return reply;
        }
        let n = stream.read(&mut chunk).expect("it answers");
        assert!(n > 0, "the server hung up on {args:?}");
        buffer.extend_from_slice(&chunk[..n]);
    }
}

/// A simple or bulk string as text.
pub fn text(reply: &Reply) -> String {
    match reply {
        Reply::Simple(text) => text.to_string(),
        Reply::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => panic!("not a text: {other:?}"),
    }
}
