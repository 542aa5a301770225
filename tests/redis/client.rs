//! A client that blocks, for both kinds of server, and the questions that the tests ask.

use ringside::wire::resp::{self, Reply};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub fn try_connect(port: u16) -> Option<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_nodelay(true).ok()?;
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .ok()?;
        Some(Self {
            stream,
            buffer: Vec::new(),
        })
    }

    #[track_caller]
    pub fn connect(port: u16) -> Self {
        Self::try_connect(port).expect("the server accepts connections")
    }

    /// Whether it can be talked to: it is up and not loading.
    pub fn answers(&mut self) -> bool {
        self.try_command(&["PING"])
            .is_some_and(|reply| !matches!(reply, Reply::Error(e) if e.starts_with("LOADING")))
    }

    fn try_command(&mut self, args: &[&str]) -> Option<Reply> {
        self.stream.write_all(&resp::command(args)).ok()?;
        self.try_reply()
    }

    fn try_reply(&mut self) -> Option<Reply> {
        loop {
            if let Some((reply, len)) = resp::reply(&self.buffer).expect("replies are RESP") {
                self.buffer.drain(..len);
                return Some(reply);
            }
            if !self.more() {
                return None;
            }
        }
    }

    /// Reads some more; false at the end.
    fn more(&mut self) -> bool {
        let mut chunk = [0; 65536];
        match self.stream.read(&mut chunk) {
            Ok(n) => {
                self.buffer.extend_from_slice(&chunk[..n]);
                n > 0
            }
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                ) =>
            {
                panic!(
                    "no answer came; so far: {:?}",
                    String::from_utf8_lossy(&self.buffer)
                )
            }
            Err(_) => false,
        }
    }

    /// One command of words without blanks, and its reply.
    #[track_caller]
    pub fn run(&mut self, line: &str) -> Reply {
        self.command(&line.split(' ').collect::<Vec<_>>())
    }

    #[track_caller]
    pub fn command<A: AsRef<[u8]>>(&mut self, args: &[A]) -> Reply {
        self.send(&resp::command(args));
        self.try_reply().expect("the server answers")
    }

    /// A command that must be answered `+OK`.
    #[track_caller]
    pub fn ok(&mut self, line: &str) {
        assert_eq!(self.run(line), Reply::Simple("OK".into()), "{line}");
    }

    /// A command that must be refused; the text.
    #[track_caller]
    pub fn refused(&mut self, line: &str) -> String {
        match self.run(line) {
            Reply::Error(text) => text,
            other => panic!("'{line}' was not refused: {other:?}"),
        }
    }

    /// Sends commands in one go and reads all their replies, of which none may be an error.
    #[track_caller]
    pub fn pipeline(&mut self, commands: &[Vec<Vec<u8>>]) {
        for chunk in commands.chunks(500) {
            let bytes: Vec<u8> = chunk.iter().flat_map(|args| resp::command(args)).collect();
            self.send(&bytes);
            for args in chunk {
                let reply = self.try_reply().expect("the server answers");
                let name: Vec<_> = args
                    .iter()
                    .map(|a| String::from_utf8_lossy(&a[..a.len().min(40)]).into_owned())
                    .collect();
                assert!(!matches!(reply, Reply::Error(_)), "{name:?}: {reply:?}");
            }
        }
    }

    /// The reply to a command that was sent before.
    #[track_caller]
    pub fn reply(&mut self) -> Reply {
        self.try_reply().expect("the server answers")
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server reads");
    }

    /// Sends what the server may close the connection for before all of it is there.
    pub fn send_in_vain(&mut self, bytes: &[u8]) {
        // How far it gets is a race that nobody is meant to win.
        let _ = self.stream.write_all(bytes);
    }

    #[track_caller]
    pub fn text(&mut self, line: &str) -> String {
        match self.run(line) {
            Reply::Bulk(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Reply::Simple(text) => text.into_owned(),
            other => panic!("'{line}' was answered {other:?}"),
        }
    }

    #[track_caller]
    pub fn number(&mut self, line: &str) -> i64 {
        match self.run(line) {
            Reply::Integer(n) => n,
            other => panic!("'{line}' was answered {other:?}"),
        }
    }

    /// The fields of one section of `INFO`.
    #[track_caller]
    pub fn info(&mut self, section: &str) -> BTreeMap<String, String> {
        let text = self.text(&format!("INFO {section}"));
        text.lines()
            .filter_map(|l| l.split_once(':'))
            .map(|(k, v)| (k.to_string(), v.trim_end().to_string()))
            .collect()
    }

    #[track_caller]
    fn field(&mut self, section: &str, name: &str) -> String {
        self.info(section)
            .get(name)
            .cloned()
            .unwrap_or_else(|| panic!("INFO {section} has no {name}"))
    }

    /// A counter of `INFO stats`.
    #[track_caller]
    pub fn stat(&mut self, name: &str) -> u64 {
        self.field("stats", name).parse().expect("a number")
    }

    /// A field of `INFO replication`.
    #[track_caller]
    pub fn replication(&mut self, name: &str) -> String {
        self.field("replication", name)
    }

    #[track_caller]
    pub fn offset(&mut self) -> i64 {
        self.replication("master_repl_offset")
            .parse()
            .expect("a number")
    }

    #[track_caller]
    pub fn linked(&mut self) -> bool {
        self.info("replication")
            .get("master_link_status")
            .is_some_and(|s| s == "up")
    }

    #[track_caller]
    pub fn digest(&mut self) -> String {
        self.text("DEBUG DIGEST")
    }

    // --- as a replica ------------------------------------------------------------------------------------------------

    /// Reads up to a line break; the line without it.
    #[track_caller]
    pub fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.buffer.iter().position(|&b| b == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return String::from_utf8_lossy(&line).trim_end().to_string();
            }
            assert!(self.more(), "the connection ended");
        }
    }

    /// All that comes until the server closes the connection.
    #[track_caller]
    #[allow(dead_code)]
    pub fn rest(&mut self) -> Vec<u8> {
        while self.more() {}
        std::mem::take(&mut self.buffer)
    }

    #[track_caller]
    pub fn exactly(&mut self, len: usize) -> Vec<u8> {
        while self.buffer.len() < len {
            assert!(self.more(), "the connection ended");
        }
        self.buffer.drain(..len).collect()
    }

    /// Reads until what has come ends with `mark`; all of it.
    #[track_caller]
    pub fn until(&mut self, mark: &[u8]) -> Vec<u8> {
        while !self.buffer.ends_with(mark) {
            assert!(self.more(), "the connection ended");
        }
        std::mem::take(&mut self.buffer)
    }

    /// Reads a snapshot with its length in front, as a replica that can do nothing else gets it.
    #[track_caller]
    pub fn snapshot(&mut self) -> Vec<u8> {
        loop {
            let line = self.line();
            if let Some(len) = line.strip_prefix('$') {
                return self.exactly(len.parse().expect("a length"));
            }
            assert!(
                line.is_empty() || line.starts_with("+FULLRESYNC"),
                "instead of a snapshot: {line}"
            );
        }
    }

    /// Whether the server closed the connection.
    pub fn closed(&mut self) -> bool {
        !self.more()
    }
}
