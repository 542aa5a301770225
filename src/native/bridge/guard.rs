//! What may pass from the page to the real server: what a replica says, and nothing else. The bridge reads every
//! command, and writes it anew: bytes that it would read in another way than the server never get there.

use crate::wire::resp::{self, Limits};

/// A command of a replica is short: a password is the longest thing in it.
const LIMITS: Limits = Limits {
    args: 16,
    bulk: 1024,
};
/// Bytes of a command that is not complete yet.
const BEGUN_MAX: usize = 4096;

/// One connection from the page.
#[derive(Debug, Default)]
pub(super) struct Guard {
    begun: Vec<u8>,
    /// It has asked for the stream: from then on it only acknowledges.
    asked: bool,
}

impl Guard {
    /// Appends to `out` what may pass of these bytes.
    ///
    /// # Errors
    /// Something may not: which, in a short sentence. Nothing of it, and of what came behind it, is in `out`.
    pub(super) fn pass(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        self.begun.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(&first) = self.begun.get(at) {
            let rest = &self.begun[at..];
            if first == b'\n' {
                // While it loads, a replica shows that it is alive.
                out.push(b'\n');
                at += 1;
                continue;
            }
            if first != b'*' {
                return Err(refused(
                    rest.split(u8::is_ascii_whitespace)
                        .next()
                        .unwrap_or_default(),
                ));
            }
            let Some(request) =
                resp::request(rest, LIMITS).map_err(|error| format!("refused: {error}"))?
            else {
                break;
            };
            let args: Vec<&[u8]> = request.args.iter().map(|a| &a[..]).collect();
            let Some(asks) = self.may(&args) else {
                return Err(refused(args.first().copied().unwrap_or_default()));
            };
            self.asked |= asks;
            out.extend(resp::command(&args));
            at += request.len;
        }
        self.begun.drain(..at);
        if self.begun.len() > BEGUN_MAX {
            return Err(format!("refused: a command of more than {BEGUN_MAX} bytes"));
        }
        Ok(())
    }

    /// Whether a command may pass; and if so, whether it asks for the stream.
    fn may(&self, args: &[&[u8]]) -> Option<bool> {
        let is = |i: usize, word: &str| {
            args.get(i)
                .is_some_and(|a| a.eq_ignore_ascii_case(word.as_bytes()))
        };
        let number = |i: usize| args.get(i).is_some_and(|a| resp::parse_i64(a).is_some());
        if is(0, "replconf") && self.asked {
            return (args.len() == 3 && is(1, "ack") && number(2)).then_some(false);
        }
        // A server that knows no PSYNC is asked again, by SYNC.
        if is(0, "sync") && args.len() == 1 {
            return Some(true);
        }
        if self.asked {
            return None;
        }
        let pairs = args.get(1..).unwrap_or_default().chunks(2);
        let facts = ["listening-port", "ip-address", "capa"];
        let known = |pair: &[&[u8]]| {
            pair.len() == 2
                && facts
                    .iter()
                    .any(|fact| pair[0].eq_ignore_ascii_case(fact.as_bytes()))
        };
        let passes = is(0, "ping") && args.len() == 1
            || is(0, "auth") && (2..=3).contains(&args.len())
            || is(0, "replconf") && args.len() > 2 && pairs.clone().all(known);
        // A fourth word, FAILOVER, would make a replica a master.
        let asks = is(0, "psync") && args.len() == 3 && number(2);
        (passes || asks).then_some(asks)
    }
}

fn refused(command: &[u8]) -> String {
    let name: String = command
        .iter()
        .take(20)
        .map(|b| {
            if b.is_ascii_graphic() {
                char::from(*b)
            } else {
                '.'
            }
        })
        .collect();
    format!(
        "refused: '{name}'. Read-only: of a replica's PING, AUTH, REPLCONF, PSYNC, SYNC each in its place"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(lines: &[&str]) -> Result<Vec<u8>, String> {
        let (mut guard, mut out) = (Guard::default(), Vec::new());
        for line in lines {
            let args: Vec<&str> = line.split(' ').collect();
            guard.pass(&resp::command(&args), &mut out)?;
        }
        Ok(out)
    }

    #[test]
    fn a_replica_passes() {
        let said = [
            "PING",
            "AUTH secret",
            "auth user secret",
            "REPLCONF listening-port 6380",
            "REPLCONF ip-address 10.0.0.1",
            "REPLCONF capa eof capa psync2",
            "PSYNC ? -1",
            "SYNC",
            "REPLCONF ACK 17",
            "replconf ack 18",
        ];
        let all: Vec<u8> = said
            .iter()
            .flat_map(|l| resp::command(&l.split(' ').collect::<Vec<_>>()))
            .collect();
        assert_eq!(pass(&said), Ok(all.clone()));
        // In pieces, with signs of life in between.
        let (mut guard, mut out) = (Guard::default(), Vec::new());
        for byte in &all {
            guard.pass(&[*byte], &mut out).expect("it may pass");
        }
        guard.pass(b"\n\n", &mut out).expect("it may pass");
        assert_eq!(out, [&all[..], b"\n\n"].concat());
    }

    #[test]
    fn nothing_else_passes() {
        for line in [
            "SET a 1",
            "GET a",
            "FLUSHALL",
            "CONFIG GET *",
            "PING hello",
            "AUTH",
            "AUTH a b c",
            "REPLCONF",
            "REPLCONF ack 1",
            "REPLCONF getack *",
            "REPLCONF rdb-only 1",
            "REPLCONF listening-port 1 rdb-only 1",
            "REPLCONF listening-port",
            "PSYNC ? x",
            "PSYNC abc 1 FAILOVER",
            "SYNC now",
            "REPLICAOF NO ONE",
            "",
        ] {
            let said = pass(&[line]).expect_err(line);
            assert!(said.starts_with("refused: ") && said.len() <= 123, "{said}");
        }
        for line in [
            "PING",
            "AUTH x",
            "PSYNC ? -1",
            "SET a 1",
            "REPLCONF capa eof",
            "REPLCONF ack x",
        ] {
            assert!(pass(&["PSYNC ? -1", line]).is_err(), "{line} after PSYNC");
        }
    }

    #[test]
    fn what_is_no_command_of_a_replica_does_not_pass() {
        // A command of many arguments, of which more than enough have come.
        let argument = [&b"$1000\r\n"[..], &[b'x'; 1000], b"\r\n"].concat();
        let long = [&b"*9\r\n"[..], &argument.repeat(5)].concat();
        for bytes in [
            &b"PING\r\n"[..],
            b"SET a 1\r\n",
            b"\r\n",
            b"*0\r\n",
            b"*1\r\n$-1\r\n",
            b"*1\r\nPING\r\n",
            b"*1000000\r\n",
            b"*2\r\n$4\r\nAUTH\r\n$9999999\r\n",
            &long,
        ] {
            let (mut guard, mut out) = (Guard::default(), Vec::new());
            assert!(
                guard.pass(bytes, &mut out).is_err(),
                "{}",
                String::from_utf8_lossy(bytes)
            );
            assert!(out.is_empty());
        }
        // What stands before it has passed, what stands behind it has not.
        let (mut guard, mut out) = (Guard::default(), Vec::new());
        let ping = resp::command(&["PING"]);
        let both = [&ping[..], &resp::command(&["SET", "a", "1"]), &ping].concat();
        assert!(guard.pass(&both, &mut out).is_err());
        assert_eq!(out, ping);
    }
}
