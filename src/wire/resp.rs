//! RESP2, the Redis serialization protocol: requests (arrays of bulk strings, or inline commands) and replies.
//! Decoding is incremental: it says "not yet" until a whole frame is there and how many bytes that frame took, because
//! replication offsets count exactly those bytes. Limits and error texts are those of `networking.c`.

use super::Bytes;

/// Longest inline command, and longest `*N` or `$N` line, in bytes (`PROTO_INLINE_MAX_SIZE`).
pub const INLINE_MAX: usize = 64 * 1024;
/// Longest bulk string that a client may send (`proto-max-bulk-len`, default 512 MB). The link to a master is exempt.
pub const BULK_MAX: i64 = 512 * 1024 * 1024;
/// Before authentication: at most this many arguments …
pub const UNAUTHENTICATED_ARGS_MAX: i64 = 10;
/// … of at most this many bytes each.
pub const UNAUTHENTICATED_BULK_MAX: i64 = 16384;

// --- encoding --------------------------------------------------------------------------------------------------------

/// Appends one command, as a client or a master writes it.
pub fn command_into<A: AsRef<[u8]>>(out: &mut Vec<u8>, args: &[A]) {
    array_len(out, args.len());
    for arg in args {
        bulk(out, arg.as_ref());
    }
}

/// One command as bytes.
pub fn command<A: AsRef<[u8]>>(args: &[A]) -> Vec<u8> {
    let mut out =
        Vec::with_capacity(16 + args.iter().map(|a| a.as_ref().len() + 16).sum::<usize>());
    command_into(&mut out, args);
    out
}

fn line(out: &mut Vec<u8>, kind: u8, text: &[u8]) {
    out.push(kind);
    out.extend_from_slice(text);
    out.extend_from_slice(b"\r\n");
}

/// `+OK`.
pub fn ok(out: &mut Vec<u8>) {
    line(out, b'+', b"OK");
}

/// `+text`.
pub fn simple(out: &mut Vec<u8>, text: &str) {
    line(out, b'+', text.as_bytes());
}

/// `-text`; line breaks in the text become spaces, as in `addReplyErrorFormat`.
pub fn error(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'-');
    out.extend(
        text.iter()
            .map(|&b| if b == b'\r' || b == b'\n' { b' ' } else { b }),
    );
    out.extend_from_slice(b"\r\n");
}

/// `:n`.
pub fn integer(out: &mut Vec<u8>, n: i64) {
    line(out, b':', n.to_string().as_bytes());
}

/// `$len` and the bytes.
pub fn bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    line(out, b'$', bytes.len().to_string().as_bytes());
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

/// `$-1`, the absent string.
pub fn nil(out: &mut Vec<u8>) {
    out.extend_from_slice(b"$-1\r\n");
}

/// `*-1`, the absent array.
pub fn nil_array(out: &mut Vec<u8>) {
    out.extend_from_slice(b"*-1\r\n");
}

/// `*len`; the elements follow.
pub fn array_len(out: &mut Vec<u8>, len: usize) {
    line(out, b'*', len.to_string().as_bytes());
}

// --- requests --------------------------------------------------------------------------------------------------------

/// What a client may send, before and after it has authenticated, or as our master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub args: i64,
    pub bulk: i64,
}

impl Limits {
    pub const CLIENT: Self = Self {
        args: i32::MAX as i64,
        bulk: BULK_MAX,
    };
    pub const UNAUTHENTICATED: Self = Self {
        args: UNAUTHENTICATED_ARGS_MAX,
        bulk: UNAUTHENTICATED_BULK_MAX,
    };
    pub const MASTER: Self = Self {
        args: i32::MAX as i64,
        bulk: i64::MAX,
    };
}

/// A request, and how many bytes of the buffer it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Empty for a blank inline line or `*0`: nothing to run, but the bytes are consumed.
    pub args: Vec<Bytes>,
    pub len: usize,
    /// Written as a plain line rather than as an array of bulk strings.
    pub inline: bool,
}

/// Reads the first request of `buf`: `None` until it is complete, `Err` with Redis's text (without `-ERR `) when the
/// peer broke the protocol. Follows `processInlineBuffer` and `processMultibulkBuffer`.
pub fn request(buf: &[u8], limits: Limits) -> Result<Option<Request>, String> {
    match buf.first() {
        None => Ok(None),
        Some(b'*') => multibulk(buf, limits),
        Some(_) => inline(buf),
    }
}

fn inline(buf: &[u8]) -> Result<Option<Request>, String> {
    let Some(end) = buf.iter().take(INLINE_MAX + 2).position(|&b| b == b'\n') else {
        return if buf.len() > INLINE_MAX {
            Err("Protocol error: too big inline request".into())
        } else {
            Ok(None)
        };
    };
    let text = buf[..end].strip_suffix(b"\r").unwrap_or(&buf[..end]);
    let args = split_args(text).ok_or("Protocol error: unbalanced quotes in request")?;
    Ok(Some(Request {
        args,
        len: end + 1,
        inline: true,
    }))
}

/// The line `kind<number>\r\n` at `at`: the number (`None` when it is not one) and where the next line starts.
fn number_line(buf: &[u8], at: usize) -> Option<(Option<i64>, usize)> {
    let rest = &buf[at..];
    let cr = rest.iter().position(|&b| b == b'\r')?;
    if rest.len() < cr + 2 {
        return None; // the '\n' has not arrived
    }
    Some((parse_i64(&rest[1..cr]), at + cr + 2))
}

fn multibulk(buf: &[u8], limits: Limits) -> Result<Option<Request>, String> {
    let Some((count, mut at)) = number_line(buf, 0) else {
        return if buf.len() > INLINE_MAX {
            Err("Protocol error: too big mbulk count string".into())
        } else {
            Ok(None)
        };
    };
    let count = count
        .filter(|&n| n <= i64::from(i32::MAX))
        .ok_or("Protocol error: invalid multibulk length")?;
    if count > limits.args {
        return Err("Protocol error: unauthenticated multibulk length".into());
    }
    let mut args = Vec::with_capacity(count.clamp(0, 1024) as usize);
    for _ in 0..count {
        if at >= buf.len() {
            return Ok(None);
        }
        let line = number_line(buf, at);
        if line.is_none() && buf.len() - at > INLINE_MAX {
            return Err("Protocol error: too big bulk count string".into());
        }
        let Some((len, start)) = line else {
            return Ok(None);
        };
        if buf[at] != b'$' {
            return Err(format!(
                "Protocol error: expected '$', got '{}'",
                char::from(buf[at])
            ));
        }
        let len = len
            .filter(|&n| {
                n >= 0
                    && (n <= limits.bulk || limits == Limits::UNAUTHENTICATED)
                    && n <= i64::from(u32::MAX)
            })
            .ok_or("Protocol error: invalid bulk length")?;
        if len > limits.bulk {
            return Err("Protocol error: unauthenticated bulk length".into());
        }
        let end = start + len as usize;
        if buf.len() < end + 2 {
            return Ok(None);
        }
        args.push(Bytes::from(&buf[start..end]));
        at = end + 2;
    }
    Ok(Some(Request {
        args,
        len: at,
        inline: false,
    }))
}

/// Splits a line into arguments as redis-cli and inline commands do (`sdssplitargs`): blanks separate; double quotes
/// with `\n \r \t \b \a \\ \" \xHH` escapes; single quotes with `\'`. `None` when quotes do not balance.
pub fn split_args(line: &[u8]) -> Option<Vec<Bytes>> {
    let mut args = Vec::new();
    let mut i = 0;
    let blank = |b: u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c);
    loop {
        while i < line.len() && blank(line[i]) {
            i += 1;
        }
        if i == line.len() || line[i] == 0 {
            return Some(args);
        }
        let mut arg = Vec::new();
        while let Some(&b) = line.get(i) {
            if blank(b) || b == 0 {
                break;
            }
            if b == b'"' || b == b'\'' {
                i = quoted(line, i, &mut arg)?;
                break;
            }
            arg.push(b);
            i += 1;
        }
        args.push(arg.into());
    }
}

/// Reads the quoted text that starts at `line[i]`; the closing quote must be followed by a blank or the end.
fn quoted(line: &[u8], mut i: usize, arg: &mut Vec<u8>) -> Option<usize> {
    let quote = line[i];
    i += 1;
    loop {
        let b = *line.get(i)?;
        match (quote, b, line.get(i + 1)) {
            (b'"', b'\\', Some(b'x'))
                if line.len() > i + 3
                    && line[i + 2].is_ascii_hexdigit()
                    && line[i + 3].is_ascii_hexdigit() =>
            {
                let hex = |b: u8| char::from(b).to_digit(16).map_or(0, |d| d as u8);
                arg.push(hex(line[i + 2]) * 16 + hex(line[i + 3]));
                i += 4;
            }
            (b'"', b'\\', Some(&c)) => {
                arg.push(match c {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'a' => 7,
                    c => c,
                });
                i += 2;
            }
            (b'\'', b'\\', Some(b'\'')) => {
                arg.push(b'\'');
                i += 2;
            }
            (q, b, next) if q == b => {
                return next
                    .is_none_or(|&n| n.is_ascii_whitespace() || n == 0x0b || n == 0)
                    .then_some(i + 1);
            }
            (_, b, _) => {
                arg.push(b);
                i += 1;
            }
        }
    }
}

/// A decimal integer exactly as Redis accepts it (`string2ll`): optional `-`, no plus sign, no leading zeros, no blanks.
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let canonical = match digits {
        [b'0'] => text.len() == 1,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if canonical {
        std::str::from_utf8(text).ok()?.parse().ok()
    } else {
        None
    }
}

// --- replies ---------------------------------------------------------------------------------------------------------

/// A decoded reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    Simple(String),
    Error(String),
    Integer(i64),
    Bulk(Bytes),
    Array(Vec<Self>),
    Nil,
    NilArray,
}

/// Reads the first reply of `buf` and its length in bytes: `None` until it is complete, `Err` when it is not RESP2.
pub fn reply(buf: &[u8]) -> Result<Option<(Reply, usize)>, String> {
    reply_at(buf, 0, 0)
}

fn reply_at(buf: &[u8], at: usize, depth: usize) -> Result<Option<(Reply, usize)>, String> {
    if depth > 32 {
        return Err("reply nested more than 32 deep".into());
    }
    let rest = buf.get(at..).unwrap_or_default();
    let Some(eol) = rest.windows(2).position(|w| w == b"\r\n") else {
        return Ok(None);
    };
    let text = || String::from_utf8_lossy(&rest[1..eol]).into_owned();
    let number =
        || parse_i64(&rest[1..eol]).ok_or_else(|| format!("not a number in a reply: {}", text()));
    let next = at + eol + 2;
    Ok(Some(match rest.first() {
        Some(b'+') => (Reply::Simple(text()), next),
        Some(b'-') => (Reply::Error(text()), next),
        Some(b':') => (Reply::Integer(number()?), next),
        Some(b'$') => match number()? {
            -1 => (Reply::Nil, next),
            n if n >= 0 => {
                let end = next
                    .checked_add(n as usize)
                    .ok_or("bulk length too large")?;
                if buf.len() < end.saturating_add(2) {
                    return Ok(None);
                }
                (Reply::Bulk(buf[next..end].into()), end + 2)
            }
            n => return Err(format!("bulk length {n}")),
        },
        Some(b'*') => match number()? {
            -1 => (Reply::NilArray, next),
            n if n >= 0 => {
                let mut items = Vec::with_capacity(n.min(1024) as usize);
                let mut at = next;
                for _ in 0..n {
                    let Some((item, end)) = reply_at(buf, at, depth + 1)? else {
                        return Ok(None);
                    };
                    items.push(item);
                    at = end;
                }
                (Reply::Array(items), at)
            }
            n => return Err(format!("array length {n}")),
        },
        other => return Err(format!("a reply cannot start with {other:?}")),
    }))
}

impl Reply {
    /// The reply as redis-cli prints it on a terminal, without a final line break.
    pub fn pretty(&self) -> String {
        self.pretty_indented(0)
    }

    fn pretty_indented(&self, indent: usize) -> String {
        match self {
            Self::Simple(s) => s.clone(),
            Self::Error(s) => format!("(error) {s}"),
            Self::Integer(n) => format!("(integer) {n}"),
            Self::Bulk(b) => quote(b),
            Self::Nil | Self::NilArray => "(nil)".into(),
            Self::Array(items) if items.is_empty() => "(empty array)".into(),
            Self::Array(items) => {
                let width = items.len().to_string().len();
                let lines = items.iter().enumerate().map(|(i, item)| {
                    let lead = if i == 0 {
                        String::new()
                    } else {
                        " ".repeat(indent)
                    };
                    format!(
                        "{lead}{:>width$}) {}",
                        i + 1,
                        item.pretty_indented(indent + width + 2)
                    )
                });
                lines.collect::<Vec<_>>().join("\n")
            }
        }
    }
}

/// Bytes in double quotes with the escapes of redis-cli (`sdscatrepr`).
pub fn quote(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for &b in bytes {
        match b {
            b'\\' | b'"' => out.extend(['\\', char::from(b)]),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            7 => out.push_str("\\a"),
            8 => out.push_str("\\b"),
            b' '..=b'~' => out.push(char::from(b)),
            b => out.push_str(&format!("\\x{b:02x}")),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(words: &[&str]) -> Vec<Bytes> {
        words.iter().map(|w| Bytes::from(w.as_bytes())).collect()
    }

    #[test]
    fn a_command_has_the_length_that_redis_counts() {
        assert_eq!(command(&["SET", "key", "value"]).len(), 33);
        assert_eq!(command(&["SELECT", "0"]).len(), 23);
        assert_eq!(command(&["ping"]).len(), 14);
        assert_eq!(command(&["REPLCONF", "GETACK", "*"]).len(), 37);
    }

    #[test]
    fn a_request_is_complete_at_its_last_byte_and_not_before() {
        let bytes = command(&["SET", "k", ""]);
        for cut in 0..bytes.len() {
            assert_eq!(
                request(&bytes[..cut], Limits::CLIENT),
                Ok(None),
                "cut at {cut}"
            );
        }
        let whole = request(&bytes, Limits::CLIENT)
            .expect("well formed")
            .expect("complete");
        assert_eq!(
            (whole.args, whole.len),
            (args(&["SET", "k", ""]), bytes.len())
        );
    }

    #[test]
    fn inline_commands_follow_the_quoting_of_redis() {
        let read = |line: &str| request(line.as_bytes(), Limits::CLIENT).map(|r| r.map(|r| r.args));
        assert_eq!(
            read("SET k \"a\\x41\\n\"\r\n"),
            Ok(Some(args(&["SET", "k", "aA\n"])))
        );
        assert_eq!(
            read("SET k 'it\\'s'\n"),
            Ok(Some(args(&["SET", "k", "it's"])))
        );
        assert_eq!(
            read("SET \"k\n"),
            Err("Protocol error: unbalanced quotes in request".into())
        );
        assert_eq!(
            read("SET \"k\"x\n"),
            Err("Protocol error: unbalanced quotes in request".into())
        );
        assert_eq!(read("\r\n"), Ok(Some(vec![])));
    }

    #[test]
    fn broken_requests_get_the_errors_of_redis() {
        let read = |s: &str, l| request(s.as_bytes(), l).expect_err("it is wrong");
        assert_eq!(
            read("*2147483648\r\n", Limits::CLIENT),
            "Protocol error: invalid multibulk length"
        );
        assert_eq!(
            read("*1\r\n:3\r\n", Limits::CLIENT),
            "Protocol error: expected '$', got ':'"
        );
        assert_eq!(
            read("*1\r\n$-1\r\n", Limits::CLIENT),
            "Protocol error: invalid bulk length"
        );
        assert_eq!(
            read("*11\r\n", Limits::UNAUTHENTICATED),
            "Protocol error: unauthenticated multibulk length"
        );
        assert_eq!(
            read("*1\r\n$16385\r\n", Limits::UNAUTHENTICATED),
            "Protocol error: unauthenticated bulk length"
        );
    }

    #[test]
    fn numbers_are_read_as_strictly_as_redis_reads_them() {
        for (text, value) in [
            ("0", Some(0)),
            ("-12", Some(-12)),
            ("-0", None),
            ("+1", None),
            ("01", None),
            ("", None),
            (" 1", None),
        ] {
            assert_eq!(parse_i64(text.as_bytes()), value, "{text:?}");
        }
    }

    #[test]
    fn replies_print_as_in_redis_cli() {
        let (reply, _) = reply(b"*2\r\n$1\r\na\r\n*2\r\n:1\r\n$-1\r\n")
            .expect("valid")
            .expect("complete");
        assert_eq!(reply.pretty(), "1) \"a\"\n2) 1) (integer) 1\n   2) (nil)");
    }
}
