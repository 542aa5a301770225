//! Decodes a replication connection for people: which commands, replies and pieces of a snapshot passed, and which
//! bytes they are. It reads nothing but the bytes of the two directions, so what it shows is what was sent.

use super::Bytes;
use super::resp::{self, Limits};
use serde::Serialize;
use std::rc::Rc;

/// One thing in a packet: a command, a reply line, a piece of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Frame {
    pub kind: FrameKind,
    /// For the bead: key, ACK offset, `RDB`.
    pub label: String,
    /// For the wire list: `SET city Oslo`, `+CONTINUE 8f3a…`.
    pub text: String,
    /// Bytes of the packet, `start..end`. A frame that began in an earlier packet starts at 0.
    pub start: usize,
    pub end: usize,
    /// First and last byte of the stream, for stream commands.
    pub offsets: Option<(u64, u64)>,
}

/// What bytes of a wire are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum FrameKind {
    /// A command that changes data, in the stream.
    Write,
    /// `SELECT`, in the stream.
    Select,
    /// `MULTI` and `EXEC`, in the stream.
    Transaction,
    /// `PING`, in the stream.
    Ping,
    /// `REPLCONF GETACK`, in the stream.
    Getack,
    /// `REPLCONF ACK`, going up.
    Ack,
    /// Requests of the handshake.
    Request,
    /// Replies in the handshake, `+FULLRESYNC` and `+CONTINUE` among them.
    Reply,
    /// A piece of a snapshot, or its `$length` line.
    Rdb,
    /// A lone `\n`.
    Newline,
}

impl FrameKind {
    /// Traffic that goes on when nothing happens.
    pub fn heartbeat(self) -> bool {
        matches!(self, Self::Ping | Self::Ack | Self::Newline)
    }
}

/// What a stream command is, from its arguments.
pub fn kind_of(args: &[Bytes]) -> FrameKind {
    let is = |name: &str| {
        args.first()
            .is_some_and(|a| a.eq_ignore_ascii_case(name.as_bytes()))
    };
    if is("ping") {
        FrameKind::Ping
    } else if is("select") {
        FrameKind::Select
    } else if is("multi") || is("exec") {
        FrameKind::Transaction
    } else if is("replconf") {
        FrameKind::Getack
    } else {
        FrameKind::Write
    }
}

/// What stands on the bead of a stream command: the key, or the command where there is none.
pub fn label_of(args: &[Bytes]) -> String {
    let word = if kind_of(args) == FrameKind::Write {
        args.get(1).or_else(|| args.first())
    } else {
        args.first()
    };
    word.map(|w| shortened(&String::from_utf8_lossy(w), 24))
        .unwrap_or_default()
}

/// A command as one would type it, at most about 80 characters.
pub fn text_of(args: &[Bytes]) -> String {
    let plain = |b: &u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'' | b'\\');
    let mut text = String::with_capacity(
        args.iter()
            .map(|a| a.len().min(60) + 1)
            .sum::<usize>()
            .min(160),
    );
    for (i, arg) in args.iter().enumerate() {
        if i > 0 {
            text.push(' ');
        }
        let shown = &arg[..arg.len().min(60)];
        match std::str::from_utf8(shown) {
            Ok(word) if !word.is_empty() && shown.iter().all(plain) => text.push_str(word),
            _ => text.push_str(&resp::quote(shown)),
        }
        if shown.len() < arg.len() || text.len() > 80 {
            text.push('…');
            break;
        }
    }
    text
}

fn shortened(text: &str, max: usize) -> String {
    if text.len() <= max || text.chars().count() <= max {
        text.to_string()
    } else {
        text.chars().take(max - 1).chain(['…']).collect()
    }
}

/// Whether bytes that are on their way, `up` to the one that was dialled or down from it, are nothing but traffic that
/// goes on when nothing happens. Of what is not whole in them nobody knows.
pub fn heartbeats(mut bytes: &[u8], up: bool) -> bool {
    while !bytes.is_empty() {
        let Ok(Some(request)) = resp::request(bytes, Limits::MASTER) else {
            return false;
        };
        let is = |i: usize, name: &str| {
            request
                .args
                .get(i)
                .is_some_and(|a| a.eq_ignore_ascii_case(name.as_bytes()))
        };
        let heartbeat = request.args.is_empty()
            || up && is(0, "replconf") && is(1, "ack")
            || !up && is(0, "ping");
        if !heartbeat {
            return false;
        }
        bytes = &bytes[request.len..];
    }
    true
}

/// A tap on one connection: `up` is what the one that dialled writes, `down` what it gets.
#[derive(Clone, Debug, Default)]
pub struct Tap {
    up: Vec<u8>,
    down: Vec<u8>,
    state: State,
    /// The last `PSYNC`'s offset.
    asked: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum State {
    #[default]
    Replies,
    /// `$length` or `$EOF:mark` is next; then the stream begins after this offset.
    Length {
        offset: u64,
    },
    Snapshot {
        left: u64,
        total: u64,
        offset: u64,
    },
    /// A snapshot that ends with a mark.
    Marked {
        mark: [u8; MARK],
        got: u64,
        offset: u64,
    },
    /// Next byte's number.
    Stream {
        next: u64,
    },
}

/// What one connection made of its last packet of whole commands. A master sends the same to all replicas that are in
/// step, and then each of them makes the same of it.
#[derive(Clone, Debug)]
pub struct Twin {
    before: State,
    bytes: Rc<[u8]>,
    after: State,
    frames: Rc<[Frame]>,
}

/// Bytes of the mark behind a snapshot without a length.
const MARK: usize = 40;

impl Tap {
    /// Bytes written by the one that dialled.
    pub fn up(&mut self, bytes: &[u8]) -> Vec<Frame> {
        let before = self.up.len();
        self.up.extend_from_slice(bytes);
        let mut frames = Vec::new();
        let mut at = 0;
        while let Ok(Some(request)) = resp::request(&self.up[at..], Limits::MASTER) {
            let args = request.args;
            let is = |i: usize, name: &str| {
                args.get(i)
                    .is_some_and(|a| a.eq_ignore_ascii_case(name.as_bytes()))
            };
            let arg = |i: usize| {
                args.get(i)
                    .map(|a| String::from_utf8_lossy(a).into_owned())
                    .unwrap_or_default()
            };
            let (kind, label) = if args.is_empty() {
                (FrameKind::Newline, String::new())
            } else if is(0, "replconf") && is(1, "ack") {
                (FrameKind::Ack, arg(2))
            } else {
                (FrameKind::Request, arg(0))
            };
            if is(0, "psync") {
                self.asked = arg(2).parse().unwrap_or(0);
            } else if is(0, "sync") {
                self.state = State::Length { offset: 0 };
            }
            // A password is nobody's business, not even on a teaching screen.
            let text = if is(0, "auth") {
                "AUTH ••••".into()
            } else {
                text_of(&args)
            };
            frames.push(frame(kind, label, text, at, at + request.len, before, None));
            at += request.len;
        }
        self.up.drain(..at);
        frames
    }

    /// Number of the newest whole command of the stream, or of the byte after which it will begin.
    pub fn newest(&self) -> Option<u64> {
        match self.state {
            State::Replies => None,
            State::Length { offset }
            | State::Snapshot { offset, .. }
            | State::Marked { offset, .. } => Some(offset),
            State::Stream { next } => Some(next.saturating_sub(1)),
        }
    }

    /// As [`Tap::down`], and what is the same as on another connection is shared with it.
    pub fn down_like(
        &mut self,
        bytes: &Rc<[u8]>,
        twin: &mut Option<Twin>,
    ) -> (Rc<[u8]>, Rc<[Frame]>) {
        let (before, whole) = (self.state, self.down.is_empty());
        if let Some(twin) = twin
            && whole
            && before == twin.before
            && *bytes == twin.bytes
        {
            self.state = twin.after;
            return (twin.bytes.clone(), twin.frames.clone());
        }
        let frames: Rc<[Frame]> = self.down(bytes).into();
        if whole && self.down.is_empty() && matches!(before, State::Stream { .. }) {
            *twin = Some(Twin {
                before,
                bytes: bytes.clone(),
                after: self.state,
                frames: frames.clone(),
            });
        }
        (bytes.clone(), frames)
    }

    /// Bytes that go to the one that dialled.
    pub fn down(&mut self, bytes: &[u8]) -> Vec<Frame> {
        let before = self.down.len();
        self.down.extend_from_slice(bytes);
        let mut frames = Vec::new();
        let mut at = 0;
        while at < self.down.len() {
            let rest = &self.down[at..];
            let line = rest.iter().position(|&b| b == b'\n').map(|end| {
                (
                    String::from_utf8_lossy(&rest[..end]).trim_end().to_string(),
                    end + 1,
                )
            });
            let (kind, label, text, len, offsets) = match (self.state, line) {
                (State::Replies | State::Length { .. }, None) => break,
                (State::Replies | State::Length { .. }, Some((line, len))) if line.is_empty() => (
                    FrameKind::Newline,
                    String::new(),
                    "\\n".to_string(),
                    len,
                    None,
                ),
                (State::Replies, Some((line, len))) => {
                    let mut words = line.split_whitespace();
                    let label = words.next().unwrap_or_default().to_string();
                    if label == "+CONTINUE" {
                        self.state = State::Stream { next: self.asked };
                    } else if label == "+FULLRESYNC" {
                        self.state = State::Length {
                            offset: words.nth(1).and_then(|n| n.parse().ok()).unwrap_or(0),
                        };
                    }
                    (FrameKind::Reply, label, line, len, None)
                }
                (State::Length { offset }, Some((line, len)))
                    if line.starts_with("$EOF:") && line.len() == 5 + MARK =>
                {
                    let mut mark = [0; MARK];
                    mark.copy_from_slice(&line.as_bytes()[5..]);
                    self.state = State::Marked {
                        mark,
                        got: 0,
                        offset,
                    };
                    (FrameKind::Rdb, line.clone(), line, len, None)
                }
                (State::Marked { mark, got, offset }, _) => {
                    // What may be the beginning of the mark waits for the rest of it.
                    let end = rest.windows(MARK).position(|w| w == mark);
                    let len = match end {
                        Some(end) => end + MARK,
                        None => rest.len().saturating_sub(MARK - 1),
                    };
                    if len == 0 {
                        break;
                    }
                    let bytes = end.unwrap_or(len) as u64;
                    self.state = match end {
                        Some(_) => State::Stream { next: offset + 1 },
                        None => State::Marked {
                            mark,
                            got: got + bytes,
                            offset,
                        },
                    };
                    let text = match end {
                        Some(_) => format!("RDB, bytes {}–{}, and the mark", got + 1, got + bytes),
                        None => format!("RDB, bytes {}–{}", got + 1, got + bytes),
                    };
                    (FrameKind::Rdb, "RDB".to_string(), text, len, None)
                }
                (State::Length { offset }, Some((line, len))) => {
                    let total = line
                        .strip_prefix('$')
                        .and_then(|n| n.parse().ok())
                        .unwrap_or(0);
                    self.state = State::Snapshot {
                        left: total,
                        total,
                        offset,
                    };
                    (FrameKind::Rdb, line.clone(), line, len, None)
                }
                (
                    State::Snapshot {
                        left: 0, offset, ..
                    },
                    _,
                ) => {
                    self.state = State::Stream { next: offset + 1 };
                    continue;
                }
                (
                    State::Snapshot {
                        left,
                        total,
                        offset,
                    },
                    _,
                ) => {
                    let len = rest.len().min(left as usize);
                    let from = total - left;
                    self.state = State::Snapshot {
                        left: left - len as u64,
                        total,
                        offset,
                    };
                    let text = format!("RDB, bytes {}–{} of {total}", from + 1, from + len as u64);
                    (FrameKind::Rdb, "RDB".to_string(), text, len, None)
                }
                (State::Stream { next }, _) => {
                    let Ok(Some(request)) = resp::request(rest, Limits::MASTER) else {
                        break;
                    };
                    let len = request.len;
                    self.state = State::Stream {
                        next: next + len as u64,
                    };
                    let offsets = Some((next, next + len as u64 - 1));
                    (
                        kind_of(&request.args),
                        label_of(&request.args),
                        text_of(&request.args),
                        len,
                        offsets,
                    )
                }
            };
            frames.push(frame(kind, label, text, at, at + len, before, offsets));
            at += len;
        }
        if at < self.down.len() {
            let text = format!("first {} bytes of what follows", self.down.len() - at);
            let kind = match self.state {
                State::Marked { .. } => FrameKind::Rdb,
                _ => FrameKind::Write,
            };
            frames.push(frame(
                kind,
                "…".into(),
                text,
                at,
                self.down.len(),
                before,
                None,
            ));
        }
        self.down.drain(..at);
        frames
    }
}

/// `start..end` count from the oldest byte kept, `before` of which came with earlier packets.
fn frame(
    kind: FrameKind,
    label: String,
    text: String,
    start: usize,
    end: usize,
    before: usize,
    offsets: Option<(u64, u64)>,
) -> Frame {
    Frame {
        kind,
        label,
        text,
        start: start.saturating_sub(before),
        end: end.saturating_sub(before),
        offsets,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_resynchronization_reads_as_what_it_is() {
        let mut tap = Tap::default();
        let up = tap.up(&resp::command(&["PSYNC", &"a".repeat(40), "101"]));
        assert_eq!(
            (up[0].kind, up[0].text.as_str()),
            (
                FrameKind::Request,
                &*format!("PSYNC {} 101", "a".repeat(40))
            )
        );
        let mut bytes = b"+CONTINUE\r\n".to_vec();
        bytes.extend(resp::command(&["SET", "city", "Oslo"]));
        let down = tap.down(&bytes);
        assert_eq!(down[1].label, "city");
        assert_eq!(down[1].offsets, Some((101, 133)));
    }

    #[test]
    fn a_snapshot_that_ends_with_a_mark_is_followed_by_the_stream() {
        let mark = "0123456789".repeat(4);
        let bytes = format!(
            "+FULLRESYNC {} 7\r\n$EOF:{mark}\r\nREDIS0010...012{mark}*1\r\n$4\r\nping\r\n",
            "a".repeat(40)
        );
        for size in [1, 3, 50, 1000] {
            let mut tap = Tap::default();
            let mut rdb = 0;
            let mut last = None;
            for part in bytes.as_bytes().chunks(size) {
                for f in tap.down(part) {
                    rdb += (f.label == "RDB") as usize * (f.end - f.start);
                    last = Some(f);
                }
            }
            assert_eq!(last.and_then(|f| f.offsets), Some((8, 21)), "{size}");
            assert_eq!(tap.newest(), Some(21));
            assert!(size < 1000 || rdb == 15 + MARK);
        }
    }

    #[test]
    fn a_snapshot_and_a_command_in_pieces_keep_their_places() {
        let mut tap = Tap::default();
        tap.down(format!("+FULLRESYNC {} 7\r\n", "a".repeat(40)).as_bytes());
        let frames = tap.down(b"$4\r\nREDI*1\r\n$4\r\npi");
        assert_eq!(
            frames
                .iter()
                .map(|f| (f.kind, f.start, f.end))
                .collect::<Vec<_>>(),
            [
                (FrameKind::Rdb, 0, 4),
                (FrameKind::Rdb, 4, 8),
                (FrameKind::Write, 8, 18)
            ]
        );
        let frames = tap.down(b"ng\r\n");
        assert_eq!(
            frames[0],
            Frame {
                kind: FrameKind::Ping,
                label: "ping".into(),
                text: "ping".into(),
                start: 0,
                end: 4,
                offsets: Some((8, 21))
            }
        );
    }
}
