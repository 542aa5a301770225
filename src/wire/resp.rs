//! RESP, the Redis serialization protocol: requests (arrays of bulk strings, or inline commands) and replies, in its
//! versions 2 and 3. A [`Writer`] knows which of them its client speaks, so that who replies need not.
//! Decoding is incremental: it says "not yet" until a whole frame is there and how many bytes that frame took, because
//! replication offsets count exactly those bytes. Limits and error texts are those of `networking.c`.

use super::Bytes;
use super::rdb::number::{decimal, score_text};
use std::borrow::Cow;

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

/// `kind<number>`, the line of nearly every frame: made aside and put there at once.
fn number(out: &mut Vec<u8>, kind: u8, n: i64) {
    if let digit @ 0..10 = n {
        return out.extend_from_slice(&[kind, b'0' + digit as u8, b'\r', b'\n']);
    }
    if let tens @ 10..100 = n {
        let (a, b) = (b'0' + (tens / 10) as u8, b'0' + (tens % 10) as u8);
        return out.extend_from_slice(&[kind, a, b, b'\r', b'\n']);
    }
    line(out, kind, decimal(n, &mut [0; 20]));
}

/// `+OK`.
pub fn ok(out: &mut Vec<u8>) {
    out.extend_from_slice(b"+OK\r\n");
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
    number(out, b':', n);
}

/// `$len` and the bytes.
pub fn bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    number(out, b'$', bytes.len() as i64);
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

/// `*len`; the elements follow.
pub fn array_len(out: &mut Vec<u8>, len: usize) {
    number(out, b'*', len as i64);
}

/// `HELP`: the lines of all subcommands, between those that every command has.
pub fn help(out: &mut Vec<u8>, name: &str, text: &str) {
    let first = format!("{name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
    let lines = text.lines().chain(["HELP", "    Prints this help."]);
    array_len(out, lines.clone().count() + 1);
    simple(out, &first);
    lines.for_each(|line| simple(out, line));
}

/// Replies on their way to one client, in the version of the protocol that it asked for with `HELLO`. Frames that look
/// the same in both are written with the functions above; those that RESP3 brought have a method here, which writes what
/// RESP2 has instead.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
    pub resp3: bool,
}

impl std::ops::Deref for Writer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl std::ops::DerefMut for Writer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl Writer {
    pub fn new(resp3: bool) -> Self {
        Self::over(Vec::new(), resp3)
    }

    /// In a buffer that is kept for this and empty.
    pub fn over(bytes: Vec<u8>, resp3: bool) -> Self {
        Self { bytes, resp3 }
    }

    /// The buffer, emptied for the next replies; not one that became large.
    pub fn into_spare(mut self) -> Vec<u8> {
        const MOST: usize = 64 * 1024;
        if self.bytes.capacity() > MOST {
            return Vec::new();
        }
        self.bytes.clear();
        self.bytes
    }

    fn either(&mut self, resp3: &[u8], resp2: &[u8]) {
        let text = if self.resp3 { resp3 } else { resp2 };
        self.bytes.extend_from_slice(text);
    }

    fn len_line(&mut self, kind: u8, len: usize) {
        number(&mut self.bytes, kind, len as i64);
    }

    /// The absent string.
    pub fn nil(&mut self) {
        self.either(b"_\r\n", b"$-1\r\n");
    }

    /// The absent array.
    pub fn nil_array(&mut self) {
        self.either(b"_\r\n", b"*-1\r\n");
    }

    /// So many pairs of a name and a value follow; in RESP2 an array.
    pub fn map(&mut self, pairs: usize) {
        if self.resp3 {
            self.len_line(b'%', pairs);
        } else {
            self.len_line(b'*', 2 * pairs);
        }
    }

    /// So many members follow; in RESP2 an array.
    pub fn set(&mut self, len: usize) {
        self.len_line(if self.resp3 { b'~' } else { b'*' }, len);
    }

    /// A message that answers no command, of so many parts; in RESP2 an array.
    pub fn push_len(&mut self, len: usize) {
        self.len_line(if self.resp3 { b'>' } else { b'*' }, len);
    }

    /// An array of `len` pairs; in RESP2 of their `2 * len` parts. See [`Writer::pair`].
    pub fn pairs(&mut self, len: usize) {
        self.len_line(b'*', if self.resp3 { len } else { 2 * len });
    }

    /// The start of one of the [`Writer::pairs`].
    pub fn pair(&mut self) {
        self.either(b"*2\r\n", b"");
    }

    /// Names and values, so many; in RESP2 an array of pairs. See [`Writer::entry`].
    pub fn entries(&mut self, len: usize) {
        self.len_line(if self.resp3 { b'%' } else { b'*' }, len);
    }

    /// The start of one of the [`Writer::entries`].
    pub fn entry(&mut self) {
        self.either(b"", b"*2\r\n");
    }

    /// A score, with 17 digits where it needs them; in RESP2 a bulk string.
    pub fn double(&mut self, n: f64) {
        self.number(&score_text(n));
    }

    /// A number that its text tells; in RESP2 a bulk string.
    pub fn number(&mut self, text: &str) {
        if self.resp3 {
            line(&mut self.bytes, b',', text.as_bytes());
        } else {
            bulk(&mut self.bytes, text.as_bytes());
        }
    }

    /// In RESP2 1 or 0.
    pub fn boolean(&mut self, yes: bool) {
        if self.resp3 {
            self.bytes
                .extend_from_slice(if yes { b"#t\r\n" } else { b"#f\r\n" });
        } else {
            integer(&mut self.bytes, i64::from(yes));
        }
    }

    /// An integer of any length; in RESP2 a bulk string.
    pub fn big_number(&mut self, digits: &str) {
        if self.resp3 {
            line(&mut self.bytes, b'(', digits.as_bytes());
        } else {
            bulk(&mut self.bytes, digits.as_bytes());
        }
    }

    /// Text to be shown as it is, of a form such as `txt`; in RESP2 a bulk string.
    pub fn verbatim(&mut self, form: [u8; 3], text: &[u8]) {
        if self.resp3 {
            self.len_line(b'=', text.len() + 4);
            self.bytes.extend_from_slice(&form);
            self.bytes.push(b':');
            self.bytes.extend_from_slice(text);
            self.bytes.extend_from_slice(b"\r\n");
        } else {
            bulk(&mut self.bytes, text);
        }
    }
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
    request_in(Vec::new(), buf, limits)
}

/// The same; the arguments come in the memory of those of an earlier request.
pub fn request_in(
    mut args: Vec<Bytes>,
    buf: &[u8],
    limits: Limits,
) -> Result<Option<Request>, String> {
    args.clear();
    match buf.first() {
        None => Ok(None),
        Some(b'*') => Ok(multibulk(&mut args, buf, limits)?.map(|len| Request {
            args,
            len,
            inline: false,
        })),
        Some(_) => inline(buf),
    }
}

/// Reads the first request of `buf` and appends it to `out` as [`command_into`] writes it, unless it is empty; how many
/// bytes it took. `args` is only room for its arguments.
///
/// # Errors
/// As [`request`].
pub fn copy_request<'a>(
    out: &mut Vec<u8>,
    args: &mut Vec<&'a [u8]>,
    buf: &'a [u8],
    limits: Limits,
) -> Result<Option<usize>, String> {
    args.clear();
    if buf.first() != Some(&b'*') {
        let line = request(buf, limits)?;
        return Ok(line.map(|line| {
            if !line.args.is_empty() {
                command_into(out, &line.args);
            }
            line.len
        }));
    }
    let len = multibulk(args, buf, limits)?;
    if len.is_some() && !args.is_empty() {
        command_into(out, args);
    }
    Ok(len)
}

/// What has come of a request that is not complete yet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Begun {
    /// Arguments that are complete, and their bytes.
    pub args: usize,
    pub args_bytes: usize,
    /// Bytes behind those, without what announced the next one, and how long it will be.
    pub rest: usize,
    pub announced: usize,
}

/// Looks at the beginning of a request, whose arguments may have `most` bytes.
pub fn begun(buf: &[u8], most: u64) -> Begun {
    let mut begun = Begun {
        rest: buf.len(),
        ..Begun::default()
    };
    if buf.first() != Some(&b'*') {
        return begun;
    }
    let Some((Some(count), mut at)) = number_line(buf, 0) else {
        return begun;
    };
    if count > i64::from(i32::MAX) {
        return begun;
    }
    for _ in 0..count {
        begun.rest = buf.len() - at;
        if buf.get(at) != Some(&b'$') {
            break;
        }
        let Some((Some(len), start)) = number_line(buf, at) else {
            break;
        };
        let Some(len) = usize::try_from(len).ok().filter(|&n| n as u64 <= most) else {
            break;
        };
        if buf.len() - start < len.saturating_add(2) {
            (begun.rest, begun.announced) = (buf.len() - start, len);
            break;
        }
        begun.args += 1;
        begun.args_bytes += len;
        at = start + len + 2;
        begun.rest = buf.len() - at;
    }
    begun
}

/// Where this byte comes first, unless a NUL ends the text before: Redis searches as C does.
fn find(text: &[u8], byte: u8) -> Option<usize> {
    let place = text.iter().position(|&b| b == byte || b == 0)?;
    (text[place] == byte).then_some(place)
}

fn inline(buf: &[u8]) -> Result<Option<Request>, String> {
    // Redis looks at the length of what it has whenever it has read another 16 KB.
    const READ: usize = 16 * 1024;
    let Some(end) = find(&buf[..buf.len().min(INLINE_MAX + READ)], b'\n') else {
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

/// The line `kind<number>\r\n` at `at`, as nearly all are: of one or two digits, with more behind it. The number, and
/// where the next line starts.
#[inline]
fn short_line(kind: u8, buf: &[u8], at: usize) -> Option<(i64, usize)> {
    let &[first, a, b, c, _] = buf.get(at..)?.first_chunk()?;
    let (a, b) = (a.wrapping_sub(b'0'), b.wrapping_sub(b'0'));
    const RETURN: u8 = b'\r'.wrapping_sub(b'0');
    if first != kind || a > 9 {
        None
    } else if b == RETURN {
        Some((i64::from(a), at + 4))
    } else if a > 0 && b <= 9 && c == b'\r' {
        Some((i64::from(a * 10 + b), at + 5))
    } else {
        None
    }
}

/// The same of any line: the number (`None` when it is not one) and where the next line starts.
fn number_line(buf: &[u8], at: usize) -> Option<(Option<i64>, usize)> {
    let rest = &buf[at..];
    let (mut n, mut i) = (0, 1);
    while let Some(digit @ b'0'..=b'9') = rest.get(i).copied().filter(|_| i < 10) {
        n = n * 10 + i64::from(digit - b'0');
        i += 1;
    }
    let canonical = i == 2 || i > 2 && rest[1] != b'0';
    if canonical && rest[0] != 0 && rest.get(i) == Some(&b'\r') && rest.len() > i + 1 {
        return Some((Some(n), at + i + 2));
    }
    let cr = find(rest, b'\r')?;
    if rest.len() < cr + 2 {
        return None; // the '\n' has not arrived
    }
    Some((parse_i64(&rest[1..cr]), at + cr + 2))
}

fn multibulk<'a, A: From<&'a [u8]>>(
    args: &mut Vec<A>,
    buf: &'a [u8],
    limits: Limits,
) -> Result<Option<usize>, String> {
    let (count, mut at) = if let Some(line) = short_line(b'*', buf, 0) {
        line
    } else if let Some((count, at)) = number_line(buf, 0) {
        let count = count.filter(|&n| n <= i64::from(i32::MAX));
        (count.ok_or("Protocol error: invalid multibulk length")?, at)
    } else if buf.len() > INLINE_MAX {
        return Err("Protocol error: too big mbulk count string".into());
    } else {
        return Ok(None);
    };
    if count > limits.args {
        return Err("Protocol error: unauthenticated multibulk length".into());
    }
    args.reserve(count.clamp(0, 1024) as usize);
    for _ in 0..count {
        let (len, start) = if let Some(line) = short_line(b'$', buf, at) {
            line
        } else if let Some(line) = bulk_line(buf, at, limits)? {
            line
        } else {
            return Ok(None);
        };
        if len > limits.bulk {
            return Err("Protocol error: unauthenticated bulk length".into());
        }
        let end = start + len as usize;
        if buf.len() < end + 2 {
            return Ok(None);
        }
        args.push(A::from(&buf[start..end]));
        at = end + 2;
    }
    Ok(Some(at))
}

/// The length of a bulk string, and where it starts; nothing while the line is not whole.
fn bulk_line(buf: &[u8], at: usize, limits: Limits) -> Result<Option<(i64, usize)>, String> {
    if at >= buf.len() {
        return Ok(None);
    }
    let Some((len, start)) = number_line(buf, at) else {
        return if buf.len() - at > INLINE_MAX {
            Err("Protocol error: too big bulk count string".into())
        } else {
            Ok(None)
        };
    };
    if buf[at] != b'$' {
        return Err(format!(
            "Protocol error: expected '$', got '{}'",
            char::from(buf[at])
        ));
    }
    let fits = |n: &i64| {
        *n >= 0
            && (*n <= limits.bulk || limits == Limits::UNAUTHENTICATED)
            && *n <= i64::from(u32::MAX)
    };
    let len = len.filter(fits);
    let len = len.ok_or("Protocol error: invalid bulk length")?;
    Ok(Some((len, start)))
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
        // What ends an argument is not all that may stand between two.
        let ends = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0 | b'"' | b'\'');
        let len = line[i..].iter().position(ends).unwrap_or(line.len() - i);
        let plain = &line[i..i + len];
        i += len;
        args.push(match line.get(i) {
            Some(b'"' | b'\'') => {
                let mut arg = plain.to_vec();
                i = quoted(line, i, &mut arg)?;
                arg.into()
            }
            _ => plain.into(),
        });
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
    if !canonical || digits.len() > 19 {
        return None;
    }
    // Nineteen digits fit into 64 bits without a sign.
    let size = digits
        .iter()
        .fold(0u64, |n, digit| n * 10 + u64::from(digit - b'0'));
    if digits.len() < text.len() {
        0i64.checked_sub_unsigned(size)
    } else {
        i64::try_from(size).ok()
    }
}

// --- replies ---------------------------------------------------------------------------------------------------------

/// A decoded reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    Simple(Cow<'static, str>),
    Error(String),
    Integer(i64),
    Bulk(Bytes),
    Array(Vec<Self>),
    /// `$-1`.
    Nil,
    NilArray,
    /// What RESP3 has more: null (`_`), a double, a boolean, a big number, each as its text behind its mark.
    Scalar(char, String),
    /// A verbatim string, its form in front.
    Verbatim(Bytes),
    /// A map (its names and values in turn), set or push, by its mark `%`, `~` or `>`.
    Group(char, Vec<Self>),
}

/// Reads the first reply of `buf` and its length in bytes: `None` until it is complete, `Err` when it is not RESP.
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
    let mark = rest.first().copied().unwrap_or_default();
    Ok(Some(match mark {
        b'+' if &rest[1..eol] == b"OK" => (Reply::Simple("OK".into()), next),
        b'+' => (Reply::Simple(text().into()), next),
        b'-' => (Reply::Error(text()), next),
        b':' => (Reply::Integer(number()?), next),
        b'_' | b',' | b'#' | b'(' => (Reply::Scalar(char::from(mark), text()), next),
        b'$' | b'=' => match number()? {
            -1 => (Reply::Nil, next),
            n if n >= 0 => {
                let end = next
                    .checked_add(n as usize)
                    .ok_or("bulk length too large")?;
                if buf.len() < end.saturating_add(2) {
                    return Ok(None);
                }
                let bytes = buf[next..end].into();
                let string = if mark == b'$' {
                    Reply::Bulk(bytes)
                } else {
                    Reply::Verbatim(bytes)
                };
                (string, end + 2)
            }
            n => return Err(format!("bulk length {n}")),
        },
        b'*' | b'%' | b'~' | b'>' => match number()? {
            -1 => (Reply::NilArray, next),
            n if n >= 0 => {
                let len = if mark == b'%' { n.saturating_mul(2) } else { n };
                let mut items = Vec::with_capacity(len.min(1024) as usize);
                let mut at = next;
                for _ in 0..len {
                    let Some((item, end)) = reply_at(buf, at, depth + 1)? else {
                        return Ok(None);
                    };
                    items.push(item);
                    at = end;
                }
                let group = if mark == b'*' {
                    Reply::Array(items)
                } else {
                    Reply::Group(char::from(mark), items)
                };
                (group, at)
            }
            n => return Err(format!("array length {n}")),
        },
        other => return Err(format!("a reply cannot start with {:?}", char::from(other))),
    }))
}

impl Reply {
    /// The bytes that it was read from.
    pub fn write(&self, out: &mut Vec<u8>) {
        let group = |out: &mut Vec<u8>, mark: char, len: usize, items: &[Self]| {
            out.extend_from_slice(format!("{mark}{len}\r\n").as_bytes());
            items.iter().for_each(|item| item.write(out));
        };
        match self {
            Self::Simple(text) => line(out, b'+', text.as_bytes()),
            Self::Error(text) => line(out, b'-', text.as_bytes()),
            Self::Integer(n) => integer(out, *n),
            Self::Bulk(text) => bulk(out, text),
            Self::Nil => out.extend_from_slice(b"$-1\r\n"),
            Self::NilArray => out.extend_from_slice(b"*-1\r\n"),
            Self::Scalar(mark, text) => {
                out.extend_from_slice(format!("{mark}{text}\r\n").as_bytes());
            }
            Self::Verbatim(text) => {
                out.extend_from_slice(format!("={}\r\n", text.len()).as_bytes());
                out.extend_from_slice(text);
                out.extend_from_slice(b"\r\n");
            }
            Self::Array(items) => group(out, '*', items.len(), items),
            Self::Group('%', items) => group(out, '%', items.len() / 2, items),
            Self::Group(mark, items) => group(out, *mark, items.len(), items),
        }
    }

    /// The reply as redis-cli prints it on a terminal, without a final line break.
    pub fn pretty(&self) -> String {
        self.pretty_indented(0)
    }

    fn pretty_indented(&self, indent: usize) -> String {
        match self {
            Self::Simple(s) => s.to_string(),
            Self::Error(s) => format!("(error) {s}"),
            Self::Integer(n) => format!("(integer) {n}"),
            Self::Bulk(b) => quote(b),
            Self::Nil | Self::NilArray | Self::Scalar('_', _) => "(nil)".into(),
            Self::Scalar('#', text) if text == "t" => "(true)".into(),
            Self::Scalar('#', _) => "(false)".into(),
            Self::Scalar(',', text) => format!("(double) {text}"),
            Self::Scalar(_, text) => text.clone(),
            Self::Verbatim(text) => {
                String::from_utf8_lossy(text.get(4..).unwrap_or_default()).into_owned()
            }
            Self::Array(items) => listed(items, ')', indent),
            Self::Group('%', items) => listed(items, '#', indent),
            Self::Group(mark, items) => listed(items, *mark, indent),
        }
    }
}

/// The items of an array, or of the group that `mark` stands for, one a line.
fn listed(items: &[Reply], mark: char, indent: usize) -> String {
    if items.is_empty() {
        let name = match mark {
            ')' => "array",
            '#' => "hash",
            '~' => "set",
            _ => "push",
        };
        return format!("(empty {name})");
    }
    let step = if mark == '#' { 2 } else { 1 };
    let width = (items.len() / step).to_string().len();
    let inner = indent + width + 2;
    let lines = items.chunks(step).enumerate().map(|(i, item)| {
        let lead = if i == 0 { 0 } else { indent };
        let texts: Vec<String> = item
            .iter()
            .map(|item| item.pretty_indented(inner))
            .collect();
        format!("{:lead$}{:>width$}{mark} {}", "", i + 1, texts.join(" => "))
    });
    lines.collect::<Vec<_>>().join("\n")
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
    fn a_request_is_copied_as_it_would_be_written() {
        let cases: [(&[u8], &[u8], Option<usize>); 5] = [
            (
                b"*1\r\n$4\r\nPING\r\nGET",
                b"*1\r\n$4\r\nPING\r\n",
                Some(14),
            ),
            (b"*01\r\nxx", b"", None),
            (b"*0\r\n", b"", Some(4)),
            (
                b"GET 'a b'\n",
                b"*2\r\n$3\r\nGET\r\n$3\r\na b\r\n",
                Some(10),
            ),
            (b"*1\r\n$4\r\nPI", b"", None),
        ];
        for (bytes, copy, len) in cases {
            let (mut out, mut args) = (Vec::new(), Vec::new());
            let found = copy_request(&mut out, &mut args, bytes, Limits::CLIENT);
            let whole = request(bytes, Limits::CLIENT);
            assert_eq!(found, whole.map(|whole| whole.map(|whole| whole.len)));
            assert_eq!((found.unwrap_or(None), &out[..]), (len, copy));
        }
    }

    #[test]
    fn what_has_come_of_a_request_is_told() {
        let told = |text: &str| {
            let b = begun(text.as_bytes(), u64::MAX);
            (b.args, b.args_bytes, b.rest, b.announced)
        };
        assert_eq!(told(""), (0, 0, 0, 0));
        assert_eq!(told("SET a"), (0, 0, 5, 0));
        assert_eq!(told("*3"), (0, 0, 2, 0));
        assert_eq!(told("*3\r\n$3\r\nSE"), (0, 0, 2, 3));
        assert_eq!(told("*3\r\n$3\r\nSET\r\n$"), (1, 3, 1, 0));
        assert_eq!(told("*2\r\n$3\r\nSET\r\n$90000\r\nab"), (1, 3, 2, 90000));
        // Nonsense is not looked at, nor what comes after a request.
        for text in ["*1\r\n\r\n", "*9\r\nPING\r\n"] {
            assert_eq!(
                told(text),
                (0, 0, text.len() - text.find('\n').map_or(0, |i| i + 1), 0),
                "{text:?}"
            );
        }
        assert_eq!(told("*1\r\n$-5\r\n\r\n$"), (0, 0, 8, 0));
        assert_eq!(
            told("*1\r\n$9223372036854775807\r\na"),
            (0, 0, 1, i64::MAX as usize)
        );
        assert_eq!(told("*1\r\n$4\r\nPING\r\nGET"), (1, 4, 3, 0));
    }

    #[test]
    fn a_command_has_the_length_that_redis_counts() {
        assert_eq!(command(&["SET", "key", "value"]).len(), 33);
        assert_eq!(command(&["SELECT", "0"]).len(), 23);
        assert_eq!(command(&["ping"]).len(), 14);
        assert_eq!(command(&["REPLCONF", "GETACK", "*"]).len(), 37);
    }

    #[test]
    fn a_reply_is_written_as_it_was_read() {
        let all = "+OK\r\n-ERR no\r\n:-7\r\n$3\r\na\r\n\r\n$-1\r\n*-1\r\n_\r\n,1.5\r\n#t\r\n(12345678901234567890\r\n\
            =7\r\ntxt:abc\r\n*2\r\n*0\r\n:1\r\n%1\r\n+k\r\n~1\r\n:1\r\n>1\r\n$0\r\n\r\n";
        let (mut at, mut out) = (0, Vec::new());
        while at < all.len() {
            let read = reply(&all.as_bytes()[at..]).expect("well formed");
            let (reply, len) = read.expect("complete");
            reply.write(&mut out);
            at += len;
            assert_eq!(String::from_utf8_lossy(&out), all[..at]);
        }
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
    fn a_writer_speaks_the_protocol_of_its_client() {
        let write = |resp3| {
            let mut out = Writer::new(resp3);
            out.map(1);
            out.nil();
            out.pairs(1);
            out.pair();
            out.double(0.5);
            out.boolean(true);
            out.set(0);
            out.verbatim(*b"txt", b"hi");
            String::from_utf8_lossy(&out).replace("\r\n", " ")
        };
        assert_eq!(write(false), "*2 $-1 *2 $3 0.5 :1 *0 $2 hi ");
        assert_eq!(write(true), "%1 _ *1 *2 ,0.5 #t ~0 =6 txt:hi ");
    }

    #[test]
    fn replies_of_resp3_are_read_and_printed_as_in_redis_cli() {
        let read = |bytes: &[u8]| {
            let (reply, len) = reply(bytes).expect("valid").expect("complete");
            assert_eq!(len, bytes.len());
            reply.pretty()
        };
        assert_eq!(
            read(b"%2\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n~2\r\n,1.5\r\n#f\r\n"),
            "1# \"a\" => (integer) 1\n2# \"b\" => 1~ (double) 1.5\n   2~ (false)"
        );
        assert_eq!(read(b"=7\r\ntxt:abc\r\n"), "abc");
        assert_eq!(read(b"%0\r\n"), "(empty hash)");
        assert_eq!(read(b"_\r\n"), "(nil)");
    }

    #[test]
    fn replies_print_as_in_redis_cli() {
        let (reply, _) = reply(b"*2\r\n$1\r\na\r\n*2\r\n:1\r\n$-1\r\n")
            .expect("valid")
            .expect("complete");
        assert_eq!(reply.pretty(), "1) \"a\"\n2) 1) (integer) 1\n   2) (nil)");
    }
}
