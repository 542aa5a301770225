//! P5: requests taken apart, by us and by the crate redis-protocol, from the same buffer; whole, and as the pieces in
//! which a network would bring it.

use super::{spent, versus};
use redis_protocol::resp2;
use ringside::wire::resp::{self, Limits};

const COMMANDS: usize = 200_000;
/// A usual payload of a TCP segment.
const SEGMENT: usize = 1400;

pub fn run() {
    let mut buffer = Vec::new();
    for i in 0..COMMANDS {
        let (key, value) = (format!("key:{i:07}"), format!("{i:064}"));
        resp::command_into(&mut buffer, &["SET", &key, &value]);
    }
    let mb = buffer.len() as f64 / 1e6;
    let count = |found: usize| assert_eq!(found, COMMANDS, "every command was found");
    versus(
        "P5 requests, one buffer",
        "MB/s",
        4.0,
        || {
            let (s, found) = spent(|| ours(&buffer).0);
            count(found);
            mb / s
        },
        || {
            let (s, found) = spent(|| theirs(&buffer).0);
            count(found);
            mb / s
        },
    );
    let pieces = |parse: fn(&[u8]) -> (usize, usize)| {
        let (s, found) = spent(|| {
            let (mut pending, mut found) = (Vec::new(), 0);
            for piece in buffer.chunks(SEGMENT) {
                pending.extend_from_slice(piece);
                let (more, used) = parse(&pending);
                found += more;
                pending.drain(..used);
            }
            found
        });
        count(found);
        mb / s
    };
    versus(
        "P5 requests, in segments of 1400 bytes",
        "MB/s",
        4.0,
        || pieces(ours),
        || pieces(theirs),
    );
}

/// How many requests a buffer begins with, and their length; read as a node reads them.
fn ours(buffer: &[u8]) -> (usize, usize) {
    let (mut found, mut used) = (0, 0);
    let mut args = Vec::new();
    while let Ok(Some(request)) = resp::request_in(args, &buffer[used..], Limits::CLIENT) {
        assert_eq!(request.args.len(), 3);
        used += request.len;
        found += 1;
        args = request.args;
    }
    (found, used)
}

/// The same, with owned frames: what a server needs that keeps the value.
fn theirs(buffer: &[u8]) -> (usize, usize) {
    let (mut found, mut used) = (0, 0);
    while let Ok(Some((frame, len))) = resp2::decode::decode(&buffer[used..]) {
        let resp2::types::OwnedFrame::Array(args) = frame else {
            panic!("a request is an array");
        };
        assert_eq!(args.len(), 3);
        used += len;
        found += 1;
    }
    (found, used)
}
