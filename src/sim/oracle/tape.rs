//! What a replica receives on one connection, read by the judge's own eyes: replies, the snapshot, the stream, and
//! where in them the last byte was.

use super::board::Rare;

/// The bytes towards the side that dialled.
#[derive(Clone, Debug, Default)]
pub struct Tape {
    state: State,
    line: Vec<u8>,
    /// What `+FULLRESYNC` said.
    pub promise: Option<(String, u64)>,
    /// How the snapshot comes that was announced last, until somebody takes note.
    pub announced: Option<Rare>,
    pub stream: Stream,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum State {
    /// Reply lines.
    #[default]
    Lines,
    /// After `+FULLRESYNC`: `$length` or `$EOF:mark`, and newlines before it.
    Head,
    /// So many bytes of the snapshot are left.
    Rdb {
        left: u64,
    },
    /// The snapshot ends with the mark; the last bytes that came.
    Marked {
        mark: Vec<u8>,
        tail: Vec<u8>,
    },
    Stream,
}

impl Tape {
    pub fn read(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.byte(byte);
        }
    }

    fn byte(&mut self, byte: u8) {
        match &mut self.state {
            State::Lines | State::Head => {
                if byte != b'\n' {
                    return self.line.push(byte);
                }
                let line = std::mem::take(&mut self.line);
                self.line_end(String::from_utf8_lossy(&line).trim_end());
            }
            State::Rdb { left } => {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    self.state = State::Stream;
                }
            }
            State::Marked { mark, tail } => {
                tail.push(byte);
                if tail.len() > mark.len() {
                    tail.remove(0);
                }
                if tail == mark {
                    self.state = State::Stream;
                }
            }
            State::Stream => {
                self.stream.byte(byte);
            }
        }
    }

    fn line_end(&mut self, line: &str) {
        if self.state == State::Head {
            if let Some(mark) = line.strip_prefix("$EOF:") {
                let (mark, tail) = (mark.as_bytes().to_vec(), Vec::new());
                self.state = State::Marked { mark, tail };
                self.announced = Some(Rare::TransferWithMark);
            } else if let Some(left) = line.strip_prefix('$').and_then(|n| n.parse().ok()) {
                self.state = State::Rdb { left };
                self.announced = Some(Rare::TransferWithLength);
            }
            return;
        }
        if let Some(rest) = line.strip_prefix("+FULLRESYNC ") {
            let (id, offset) = rest.split_once(' ').unwrap_or((rest, ""));
            self.promise = offset.parse().ok().map(|offset| (id.into(), offset));
            self.state = State::Head;
        } else if line.starts_with("+CONTINUE") {
            self.state = State::Stream;
        }
    }

    /// What a cut would be in the middle of that came after so many of these bytes, which are on their way.
    pub fn cuts(&self, bytes: &[u8]) -> Vec<(Rare, u64)> {
        let mut ahead = self.clone();
        let cuts = bytes.iter().zip(1..).filter_map(|(&byte, n)| {
            ahead.byte(byte);
            Some((ahead.cut()?, n))
        });
        cuts.collect()
    }

    /// What a cut after the last byte is in the middle of.
    pub fn cut(&self) -> Option<Rare> {
        match &self.state {
            State::Lines => None,
            State::Head => (!self.line.is_empty()).then_some(Rare::CutInHeader),
            State::Rdb { .. } => Some(Rare::CutInRdb),
            State::Marked { mark, tail } => {
                let begun = (1..mark.len()).any(|n| tail.ends_with(&mark[..n]));
                Some(if begun {
                    Rare::CutInMark
                } else {
                    Rare::CutInRdb
                })
            }
            State::Stream => self.stream.cut(),
        }
    }
}

/// Commands as `*n`, then `$length` and that many bytes for each argument; nothing else is in a stream.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    /// Bytes read.
    pub read: u64,
    /// After how many bytes the last command ended that was not inside MULTI … EXEC.
    pub whole: u64,
    args_left: u64,
    bulk_left: u64,
    number: u64,
    in_number: bool,
    first: Vec<u8>,
    in_first: bool,
    multi: bool,
    last: u8,
}

impl Stream {
    /// True when a command that can be applied ended with this byte.
    pub fn byte(&mut self, byte: u8) -> bool {
        self.read += 1;
        self.last = byte;
        if self.bulk_left > 0 {
            self.bulk_left -= 1;
            if self.in_first && self.bulk_left >= 2 {
                self.first.push(byte.to_ascii_lowercase());
            }
            if self.bulk_left == 0 {
                self.in_first = false;
                self.args_left = self.args_left.saturating_sub(1);
                return self.args_left == 0 && self.command();
            }
            return false;
        }
        match byte {
            b'*' if !self.in_number => {
                (self.number, self.in_number) = (0, true);
                self.args_left = u64::MAX;
                self.first.clear();
            }
            b'$' if !self.in_number => (self.number, self.in_number) = (0, true),
            b'0'..=b'9' if self.in_number => {
                self.number = self
                    .number
                    .saturating_mul(10)
                    .saturating_add(u64::from(byte - b'0'));
            }
            b'\n' if self.in_number => {
                self.in_number = false;
                if self.args_left == u64::MAX {
                    self.args_left = self.number;
                    self.in_first = true;
                } else {
                    self.bulk_left = self.number.saturating_add(2);
                }
            }
            // A newline between commands is only a sign of life, and counts as a byte all the same.
            b'\n' if self.args_left == 0 && !self.multi => {
                self.whole = self.read;
                return true;
            }
            _ => {}
        }
        false
    }

    fn command(&mut self) -> bool {
        match &self.first[..] {
            b"multi" => self.multi = true,
            b"exec" | b"discard" => self.multi = false,
            _ => {}
        }
        if !self.multi {
            self.whole = self.read;
        }
        !self.multi
    }

    fn cut(&self) -> Option<Rare> {
        if self.read == self.whole {
            None
        } else if self.last == b'\r' {
            Some(Rare::CutInLineBreak)
        } else if self.bulk_left > 0 {
            Some(Rare::CutInBulk)
        } else if self.multi && self.args_left == 0 {
            Some(Rare::CutInMulti)
        } else {
            Some(Rare::CutInHeader)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tape_knows_where_it_is() {
        let mut tape = Tape::default();
        tape.read(b"+PONG\r\n+OK\r\n+FULLRESYNC abc 77\r\n\n$EOF:1234\r\nxyz12");
        assert_eq!(tape.promise, Some(("abc".into(), 77)));
        assert_eq!(tape.cut(), Some(Rare::CutInMark));
        tape.read(b"34*1\r\n$4\r\nPI");
        assert_eq!(tape.cut(), Some(Rare::CutInBulk), "the mark was found");
    }

    #[test]
    fn a_stream_counts_whole_commands_and_transactions() {
        let mut stream = Stream::default();
        let mut ends = Vec::new();
        let bytes = b"*1\r\n$4\r\nPING\r\n*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\na\r\n\r\n*1\r\n$4\r\nEXEC\r\n";
        for (i, &byte) in bytes.iter().enumerate() {
            if stream.byte(byte) {
                ends.push(i + 1);
            }
        }
        assert_eq!(ends, [14, bytes.len()]);
    }
}
