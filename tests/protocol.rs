//! What a server answers to bytes that no client of good manners sends, and whether it keeps the connection: `ringside
//! server` and a real `redis-server` must agree on every row. Each row has a connection of its own; then those that are
//! still open are asked for a `PING`.

#[path = "redis/client.rs"]
#[allow(dead_code)]
mod client;
#[path = "redis/process.rs"]
#[allow(dead_code)]
mod process;

use process::{Server, ours, real};
use ringside::wire::resp::{Reply, command, quote};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Nothing has come for so long: nothing will.
const SILENCE: Duration = Duration::from_millis(400);

type Row = Vec<u8>;

/// The answer to a row, the answer to the `PING` after it, and whether the connection was closed before or after that.
#[derive(Debug, PartialEq)]
struct Outcome {
    answer: Vec<u8>,
    closed: bool,
    pong: Vec<u8>,
    closed_then: bool,
}

struct Probe {
    stream: TcpStream,
    got: Vec<u8>,
    closed: bool,
}

impl Probe {
    /// Takes what has come; whether there was anything.
    fn read(&mut self) -> bool {
        let mut chunk = [0; 65536];
        let before = (self.got.len(), self.closed);
        while !self.closed {
            match self.stream.read(&mut chunk) {
                Ok(0) => self.closed = true,
                Ok(n) => self.got.extend_from_slice(&chunk[..n]),
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(_) => self.closed = true,
            }
        }
        before != (self.got.len(), self.closed)
    }

    fn write(&mut self, mut bytes: &[u8]) {
        // A server may stop reading in the middle, and close.
        let begin = Instant::now();
        while !bytes.is_empty() && begin.elapsed() < Duration::from_secs(5) {
            match self.stream.write(bytes) {
                Ok(n) => bytes = &bytes[n..],
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(_) => break,
            }
        }
    }
}

/// Reads until nothing comes any more. The server has one loop: when it has answered somebody else a few times, it has
/// been at every connection, however busy the machine is.
fn settle(server: &Server, probes: &mut [Probe]) {
    let mut other = server.client();
    for _ in 0..3 {
        assert!(other.answers(), "it lives");
    }
    let mut last = Instant::now();
    while last.elapsed() < SILENCE {
        if probes
            .iter_mut()
            .fold(false, |any, probe| probe.read() | any)
        {
            last = Instant::now();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn play(server: &Server, rows: &[Row]) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for rows in rows.chunks(400) {
        let mut probes: Vec<Probe> = rows
            .iter()
            .map(|row| {
                let stream = TcpStream::connect(("127.0.0.1", server.port)).expect("it listens");
                stream.set_nonblocking(true).expect("a socket can do that");
                let (got, closed) = (Vec::new(), false);
                let mut probe = Probe {
                    stream,
                    got,
                    closed,
                };
                probe.write(row);
                probe
            })
            .collect();
        settle(server, &mut probes);
        let first: Vec<_> = probes
            .iter_mut()
            .map(|probe| (std::mem::take(&mut probe.got), probe.closed))
            .collect();
        for probe in &mut probes {
            probe.write(&command(&["PING"]));
        }
        settle(server, &mut probes);
        outcomes.extend(
            first
                .into_iter()
                .zip(probes)
                .map(|((answer, closed), probe)| Outcome {
                    answer,
                    closed,
                    pong: probe.got,
                    closed_then: probe.closed,
                }),
        );
    }
    outcomes
}

#[track_caller]
fn agree(options: &[&str], rows: &[Row]) {
    let (ours, real) = (ours(options), real(options));
    let (ours, real) = (play(&ours, rows), play(&real, rows));
    let show = |bytes: &[u8]| {
        let text = quote(&bytes[..bytes.len().min(160)]);
        format!("{text} ({} bytes)", bytes.len())
    };
    let mut wrong = Vec::new();
    for ((row, ours), real) in rows.iter().zip(ours).zip(real) {
        if ours != real {
            let line = |who: &str, o: &Outcome| {
                format!(
                    "  {who}: {}, closed: {}; then {}, closed: {}",
                    show(&o.answer),
                    o.closed,
                    show(&o.pong),
                    o.closed_then
                )
            };
            wrong.push(format!(
                "{}\n{}\n{}",
                show(row),
                line("ours", &ours),
                line("real", &real)
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} rows differ:\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n")
    );
}

fn row(text: &str) -> Row {
    text.as_bytes().to_vec()
}

#[test]
fn counts_and_lengths() {
    const NUMBERS: &[&str] = &[
        "",
        "0",
        "-0",
        "00",
        "01",
        "1",
        "+1",
        " 1",
        "1 ",
        "1a",
        "a",
        "-",
        "-1",
        "-2",
        "-5",
        "--1",
        "1.0",
        "0x1",
        "2",
        "3",
        "1024",
        "1048576",
        "1048577",
        "2147483647",
        "2147483648",
        "4294967296",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "99999999999999999999999",
        "1\t",
        "\t1",
        "1\0",
        "\0",
        "1\r",
        "4",
        "04",
        "+4",
        "4 ",
        " 4",
        "536870912",
        "536870913",
        "4x",
        "٤",
    ];
    let mut rows = Vec::new();
    for n in NUMBERS {
        rows.push(row(&format!("*{n}\r\n$4\r\nPING\r\n")));
        rows.push(row(&format!("*{n}\r\nPING\r\n")));
        rows.push(row(&format!("*{n}\n$4\r\nPING\r\n")));
        rows.push(row(&format!("*1\r\n${n}\r\nPING\r\n")));
        rows.push(row(&format!("*2\r\n$4\r\nECHO\r\n${n}\r\nabcd\r\n")));
        rows.push(row(&format!("*1\r\n$4\r\nPING\r\n*{n}\r\n$4\r\nPING\r\n")));
    }
    agree(&[], &rows);
}

#[test]
fn any_byte_in_any_place() {
    let mut rows = Vec::new();
    for byte in 0..=255 {
        let around = |before: &str, after: &str| {
            let mut row = row(before);
            row.push(byte);
            row.extend_from_slice(after.as_bytes());
            row
        };
        // The text of an error is UTF-8 with us: other bytes of the client come back as replacement characters.
        if byte < 0x80 {
            rows.push(around("", "PING\r\n"));
            rows.push(around("*1\r\n", "4\r\nPING\r\n"));
            rows.push(around("*1\r\n$5\r\nPI", "NG\r\n"));
        }
        rows.push(around("*1\r", "$4\r\nPING\r\n"));
        rows.push(around("*1\r\n$4\r", "PING\r\n"));
        rows.push(around("*1\r\n$4\r\nPING", "\n"));
        rows.push(around("*1\r\n$4\r\nPING\r", ""));
        rows.push(around("*1", "\r\n$4\r\nPING\r\n"));
        rows.push(around("*2\r\n$4\r\nECHO\r\n$3\r\na", "b\r\n"));
        rows.push(around("ECHO a", "b\r\n"));
        rows.push(around("ECHO \"a\\", "41b\"\r\n"));
    }
    agree(&[], &rows);
}

#[test]
fn inline_commands() {
    const LINES: &[&str] = &[
        "",
        " ",
        "\t",
        "PING",
        "  PING  ",
        "\tPING\t",
        "PING\0",
        "PING\0X",
        "\0",
        "ping",
        "PiNg",
        "PING x",
        "PING x y",
        "ECHO \"\"",
        "ECHO ''",
        "ECHO \"a b\"",
        "ECHO 'a b'",
        "ECHO \"a",
        "ECHO 'a",
        "ECHO a\"",
        "ECHO a\"b\"",
        "ECHO \"a\"b",
        "ECHO \"a\" ",
        "ECHO 'a'b",
        "ECHO \"\\x41\"",
        "ECHO \"\\x4\"",
        "ECHO \"\\xzz\"",
        "ECHO '\\x41'",
        "ECHO \"\\n\\r\\t\\b\\a\\\\\\\"\"",
        "ECHO '\\''",
        "ECHO '\\n'",
        "ECHO \"\\q\"",
        "ECHO \"\\",
        "ECHO '\\",
        "ECHO \\n",
        "\"PING\"",
        "'PING'",
        "\"PI\"NG",
        "GET",
        "GET a b",
        "nosuch",
        "nosuch a b c",
        "nosuch \"a b\"",
        "QUIT",
        "QUIT x",
        "POST / HTTP/1.1",
        "post /",
        "Host: example.org",
        "host: x",
        "HOST:",
        "GET / HTTP/1.1\r\nHost: x\r\n",
        "PUT / HTTP/1.1",
        "*",
        "$4",
        "+PING",
        "-PING",
        ":1",
        "PING\r\nPING",
        "PING\nPING",
        "PING\rPING",
        "\r\n\r\nPING",
        "\n\n\nPING",
        "*0\r\nPING",
        "*-1\r\nPING",
        "ECHO \u{e9}",
        "ECHO \u{1f600}",
        "SELECT 99",
        "SELECT x",
        "AUTH x",
        "AUTH a b",
        "AUTH a b c",
        "HELLO 4",
        "HELLO x",
        "HELLO 3 SETNAME",
        "HELLO 2 AUTH a",
        "CLIENT SETNAME \"a b\"",
        "CLIENT NOSUCH",
        "CONFIG",
        "CONFIG NOSUCH",
        "CONFIG GET",
        "OBJECT",
        "OBJECT NOSUCH x",
        "RESET",
        "MULTI\r\nEXEC",
        "EXEC",
        "DISCARD",
        "MULTI\r\nMULTI",
        "MULTI\r\nGET\r\nEXEC",
        "MULTI\r\nnosuch\r\nEXEC",
        "WATCH",
        "SUBSCRIBE",
        "SUBSCRIBE a\r\nGET x",
        "UNSUBSCRIBE",
        "COMMAND COUNT x",
        "COMMAND NOSUCH",
        "DEBUG",
        "DEBUG NOSUCH",
        "SLOWLOG",
        "LATENCY",
        "MEMORY",
        "MEMORY NOSUCH",
        "ACL",
        "ACL NOSUCH",
        "MODULE LIST",
        "CLUSTER INFO",
        "READONLY",
        "ASKING",
        "XGROUP",
        "XINFO NOSUCH",
        "SHUTDOWN ABORT",
        "SHUTDOWN x",
        "SHUTDOWN SAVE NOSAVE",
        "BGSAVE x",
        "REPLICAOF a",
        "WAIT",
        "WAIT a 0",
        "WAIT 0 a",
        "FAILOVER ABORT",
        "PSYNC",
        "REPLCONF a",
        "MONITOR x",
        "LOLWUT VERSION",
    ];
    let mut rows = Vec::new();
    for line in LINES {
        rows.push(row(&format!("{line}\r\n")));
        rows.push(row(&format!("{line}\n")));
        rows.push(row(&format!("PING\r\n{line}\r\nPING\r\n")));
    }
    for len in [65_534, 65_535, 65_536, 65_537, 65_538, 70_000, 200_000] {
        rows.push(vec![b'a'; len]);
        rows.push([&vec![b'*'; 1][..], &vec![b'1'; len]].concat());
        rows.push([&b"*1\r\n$"[..], &vec![b'1'; len]].concat());
        rows.push([&vec![b'a'; len][..], b"\r\n"].concat());
        rows.push([&b"ECHO "[..], &vec![b'a'; len], b"\r\n"].concat());
    }
    agree(&[], &rows);
}

#[test]
fn commands_in_pieces_and_in_a_row() {
    let ping = "*1\r\n$4\r\nPING\r\n";
    let mut rows = Vec::new();
    for cut in 0..ping.len() {
        rows.push(row(&ping[..cut]));
        rows.push(row(&format!("{ping}{}", &ping[..cut])));
    }
    for bad in [
        "*x\r\n",
        "*1\r\n+\r\n",
        "*1\r\n$x\r\n",
        "\"\r\n",
        "*1\r\n$-1\r\n",
        "*2147483648\r\n",
    ] {
        rows.push(row(&format!("{ping}{ping}{bad}{ping}")));
        rows.push(row(&format!(
            "*2\r\n$4\r\nECHO\r\n{}",
            bad.trim_start_matches("*1\r\n")
        )));
        rows.push(row(&format!("*1\r\n$5\r\nMULTI\r\n{ping}{bad}")));
    }
    for name in ["", "a\r\nb", "a\0b", "\u{1}\u{2}", "a b", "'", "\"", "é"] {
        rows.push(command(&[name]));
        rows.push(command(&[name, name, name]));
        rows.push(command(&["ECHO", name]));
        rows.push(command(&["GET", name, name]));
        rows.push(command(&["OBJECT", name, name]));
    }
    for len in [1, 31, 32, 126, 127, 128, 129, 200, 1000] {
        let word = "x".repeat(len);
        rows.push(command(&[&word]));
        rows.push(command(&[&word, &word, &word]));
        rows.push(command(&["nosuch", &word, "y", &word]));
        rows.push(command(&["CONFIG", &word]));
        rows.push(command(&vec!["nosuch".to_string(); len]));
    }
    agree(&[], &rows);
}

#[test]
fn commands_without_their_arguments() {
    let server = ours(&[]);
    let Reply::Array(names) = server.client().run("COMMAND LIST") else {
        panic!("it lists its commands");
    };
    let name = |reply: &Reply| match reply {
        Reply::Bulk(name) => String::from_utf8_lossy(name).replace('|', " "),
        other => panic!("{other:?}"),
    };
    let mut rows = Vec::new();
    for name in names.iter().map(name) {
        // Those that may stand alone do something, and those that wait forever say nothing.
        let info = server
            .client()
            .command(&["COMMAND", "INFO", &name.replace(' ', "|")]);
        let Reply::Array(infos) = info else { continue };
        let Some(Reply::Array(fields)) = infos.first() else {
            continue;
        };
        let Some(Reply::Integer(arity)) = fields.get(1) else {
            continue;
        };
        let words: Vec<&str> = name.split(' ').collect();
        let least = arity.unsigned_abs() as usize;
        if least > words.len() {
            rows.push(command(&words));
        }
        if *arity > 0 {
            let many = [&words[..], &["x"; 12][..]].concat();
            rows.push(command(&many));
        }
    }
    assert!(rows.len() > 300, "{} rows", rows.len());
    agree(&[], &rows);
}

#[test]
fn before_the_password() {
    let mut rows = Vec::new();
    for count in [1, 9, 10, 11, 12] {
        rows.push(command(&vec!["PING"; count]));
        rows.push(row(&format!("*{count}\r\n")));
    }
    for len in [1, 16_383, 16_384, 16_385, 20_000] {
        rows.push(command(&["AUTH".to_string(), "x".repeat(len)]));
        rows.push(row(&format!("*1\r\n${len}\r\n")));
        rows.push(row(&format!("PING {}\r\n", "x".repeat(len))));
    }
    for line in [
        "PING",
        "GET a",
        "AUTH",
        "AUTH wrong",
        "AUTH secret",
        "AUTH default secret",
        "AUTH other secret",
        "HELLO",
        "HELLO 3",
        "HELLO 2 AUTH default wrong",
        "QUIT",
        "RESET",
        "nosuch",
        "MULTI",
        "COMMAND",
        "AUTH secret\r\nPING",
        "SUBSCRIBE a",
        "CONFIG GET a",
        "INFO",
        "ECHO a",
        "PSYNC ? -1",
        "REPLCONF ACK 0",
    ] {
        rows.push(row(&format!("{line}\r\n")));
        rows.push(command(&line.split(' ').collect::<Vec<_>>()));
    }
    agree(&["--requirepass", "secret"], &rows);
}
