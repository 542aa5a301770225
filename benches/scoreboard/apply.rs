//! P3: a replica applies a recorded stream. The stream is fed by a master that is played here: full synchronization with
//! an empty snapshot, then the bytes. Both processes are asked for their CPU seconds, and for the digest at the end.

use super::peer::{self, Server, text};
use super::pump::Pump;
use super::{spent, versus};
use ringside::node::ConnId;
use ringside::node::config::Config;
use ringside::node::keyspace::Keyspace;
use ringside::wire::rdb::write::Writer;
use ringside::wire::resp;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

const KEYS: u64 = 100_000;
const ID: &str = "4242424242424242424242424242424242424242";

pub fn run() {
    for (name, value_len, commands) in [("32-byte", 32, 1_000_000), ("1 KB", 1024, 60_000)] {
        let stream = stream(commands, value_len);
        let per = |s: f64| commands as f64 / s;
        let (ours, theirs) = (over_socket(true, &stream), over_socket(false, &stream));
        assert_eq!(ours.1, theirs.1, "both replicas hold the same data");
        assert_eq!(in_memory(&stream).1, theirs.1, "and so does the engine");
        versus(
            &format!("P3 apply a stream, {name} values, engine"),
            "commands/s of CPU",
            1.5,
            || per(in_memory(&stream).0),
            || per(over_socket(false, &stream).0),
        );
        versus(
            &format!("P3 apply a stream, {name} values, process"),
            "commands/s of CPU",
            1.5,
            || per(over_socket(true, &stream).0),
            || per(over_socket(false, &stream).0),
        );
    }
}

/// So many SETs over 100 000 keys, as a master would feed them.
fn stream(commands: u64, value_len: usize) -> Vec<u8> {
    let mut stream = resp::command(&["SELECT", "0"]);
    for i in 0..commands {
        let key = format!("key:{:06}", i.wrapping_mul(7_919) % KEYS);
        let value = format!("{i:0value_len$}");
        resp::command_into(&mut stream, &["SET", &key, &value]);
    }
    stream
}

fn empty_snapshot() -> Vec<u8> {
    Writer::new(&[], false).finish()
}

/// The replies of a master to a handshake that ends in a full synchronization.
fn welcome() -> Vec<u8> {
    format!("+PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC {ID} 0\r\n").into_bytes()
}

/// Seconds, and the digest.
fn in_memory(stream: &[u8]) -> (f64, String) {
    let mut pump = Pump::new();
    pump.add(Config {
        replicaof: Some(("127.0.0.1".into(), 1)),
        save: Vec::new(),
        ..Config::default()
    });
    pump.tick(1_000_000);
    let link = ConnId(2);
    pump.send(0, link, &welcome());
    let file = empty_snapshot();
    pump.send(0, link, format!("${}\r\n", file.len()).as_bytes());
    pump.send(0, link, &file);
    let connected = pump.nodes[0].upstream().is_some_and(|u| u.connected());
    assert!(connected, "the replica of the benchmark is in step");
    let (s, ()) = spent(|| {
        for chunk in stream.chunks(64 * 1024) {
            pump.send(0, link, chunk);
        }
    });
    assert_eq!(pump.nodes[0].history().offset, stream.len() as u64);
    (s, hex(pump.nodes[0].keyspace()))
}

fn hex(keyspace: &Keyspace) -> String {
    let digest = keyspace.digest();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// CPU seconds of the replica's main thread, and the digest.
fn over_socket(ours: bool, stream: &[u8]) -> (f64, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener
        .local_addr()
        .expect("it has one")
        .port()
        .to_string();
    let replica = Server::start(ours, &["--replicaof", &format!("127.0.0.1 {port}")]);
    let (mut link, _) = listener.accept().expect("the replica comes");
    for reply in welcome().split_inclusive(|b| *b == b'\n') {
        some(&mut link);
        link.write_all(reply).expect("the replica listens");
    }
    let file = empty_snapshot();
    link.write_all(format!("${}\r\n", file.len()).as_bytes())
        .and_then(|()| link.write_all(&file))
        .expect("the replica listens");
    peer::eventually("the replica loaded the snapshot", || {
        text(&replica.ask(&["INFO", "replication"])).contains("master_link_status:up")
    });
    let before = replica.cpu_s();
    link.write_all(stream).expect("the replica listens");
    peer::eventually("the replica applied the stream", || {
        replica.info("slave_repl_offset") == Some(stream.len() as u64)
    });
    let spent = replica.cpu_s() - before;
    (spent, text(&replica.ask(&["DEBUG", "DIGEST"])))
}

/// Waits for the next part of the handshake. The parts after the first come in one go; their replies may too.
fn some(link: &mut TcpStream) {
    link.set_read_timeout(Some(std::time::Duration::from_millis(100)))
        .expect("a socket has a time limit");
    let _ = link.read(&mut [0; 4096]);
}
