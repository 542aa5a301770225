//! A master played by the test: it says what it is told to, at the moment it is told to.

use ringside::wire::rdb::write::{Position, Shape, Writer, aux_fields};
use ringside::wire::resp;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub struct Master {
    listener: TcpListener,
    pub port: u16,
}

/// The connection of one replica.
pub struct Link {
    stream: TcpStream,
    buffer: Vec<u8>,
}

pub struct Trickle {
    over: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<()>,
}

impl Trickle {
    pub fn end(self) {
        self.over.store(true, Ordering::SeqCst);
        self.thread.join().expect("all was sent");
    }
}

/// A snapshot of many keys, one of which is `from`, taken at `offset` of the history `id`.
pub fn snapshot(id: &str, offset: i64, stream_db: usize, extra: usize) -> Vec<u8> {
    let position = Position {
        stream_db,
        replid: id,
        offset,
    };
    let mut writer = Writer::new(&aux_fields(1_700_000_000, 1 << 20, Some(position)), false);
    writer.select(0, 1 + extra, 0);
    let value = ringside::wire::rdb::Value::String(&b"snapshot"[..]);
    writer.entry(b"from", None, &value, Shape::SMALL);
    for i in 0..extra {
        writer.entry(format!("key:{i}").as_bytes(), None, &value, Shape::SMALL);
    }
    writer.finish()
}

impl Master {
    pub fn new() -> Self {
        loop {
            let port = crate::process::free_port();
            if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) {
                return Self { listener, port };
            }
        }
    }

    /// Waits for a replica.
    pub fn accept(&self) -> Link {
        let (stream, _) = self.listener.accept().expect("a replica connects");
        let patience = Some(Duration::from_secs(30));
        stream.set_read_timeout(patience).expect("a socket");
        Link {
            stream,
            buffer: Vec::new(),
        }
    }

    /// Waits for a replica and answers it up to its PSYNC; the words of that.
    pub fn handshake(&self) -> (Link, Vec<String>) {
        let mut link = self.accept();
        loop {
            let words = link.command();
            match words[0].to_ascii_uppercase().as_str() {
                "PING" => link.send(b"+PONG\r\n"),
                "PSYNC" | "SYNC" => return (link, words),
                _ => link.send(b"+OK\r\n"),
            }
        }
    }

    /// A replica that got a whole snapshot, and is past it.
    pub fn full_sync(&self, id: &str, offset: i64, stream_db: usize) -> Link {
        let (mut link, _) = self.handshake();
        link.send_snapshot(id, offset, stream_db);
        link
    }
}

impl Link {
    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the replica reads");
    }

    /// Sends slowly, for as long as nobody calls the end, and then the rest.
    pub fn trickle(&mut self, bytes: &[u8]) -> Trickle {
        let (over, bytes) = (Arc::new(AtomicBool::new(false)), bytes.to_vec());
        let (stop, mut stream) = (
            Arc::clone(&over),
            self.stream.try_clone().expect("a socket"),
        );
        let thread = std::thread::spawn(move || {
            for piece in bytes.chunks(512) {
                if !stop.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(5));
                }
                stream.write_all(piece).expect("the replica reads");
            }
        });
        Trickle { over, thread }
    }

    pub fn send_command(&mut self, line: &str) -> usize {
        let bytes = resp::command(&line.split(' ').collect::<Vec<_>>());
        self.send(&bytes);
        bytes.len()
    }

    pub fn send_snapshot(&mut self, id: &str, offset: i64, stream_db: usize) {
        let file = snapshot(id, offset, stream_db, 0);
        self.send(format!("+FULLRESYNC {id} {offset}\r\n${}\r\n", file.len()).as_bytes());
        self.send(&file);
    }

    /// The next command that the replica sends; newlines are passed over.
    pub fn command(&mut self) -> Vec<String> {
        self.command_and_bytes().0
    }

    /// The same as it came, escaped.
    pub fn raw_command(&mut self) -> String {
        self.command_and_bytes().1
    }

    fn command_and_bytes(&mut self) -> (Vec<String>, String) {
        loop {
            let request = resp::request(&self.buffer, resp::Limits::MASTER).expect("RESP");
            if let Some(request) = request {
                let bytes: Vec<u8> = self.buffer.drain(..request.len).collect();
                let text = |arg: &ringside::wire::Bytes| String::from_utf8_lossy(arg).into_owned();
                if !request.args.is_empty() {
                    let words = request.args.iter().map(text).collect();
                    return (words, bytes.escape_ascii().to_string());
                }
                continue;
            }
            assert!(self.more(), "the replica closed the connection");
        }
    }

    /// The next command, which has to be an acknowledgement; its offset.
    pub fn ack(&mut self) -> i64 {
        let words = self.command();
        assert_eq!((&*words[0], &*words[1]), ("REPLCONF", "ACK"), "{words:?}");
        words[2].parse().expect("an offset")
    }

    /// Waits for the acknowledgement of this offset; nothing but acknowledgements may come before.
    pub fn acked(&mut self, offset: i64) {
        while self.ack() != offset {}
    }

    /// Waits until the replica has closed the connection; what it says before does not matter.
    pub fn closed(&mut self) -> bool {
        while self.more() {}
        true
    }

    fn more(&mut self) -> bool {
        let mut chunk = [0; 4096];
        let n = self.stream.read(&mut chunk).unwrap_or(0);
        self.buffer.extend_from_slice(&chunk[..n]);
        n > 0
    }
}
