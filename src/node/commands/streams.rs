//! Streams and the groups that read them. What a group hands out goes into the replication stream as `XCLAIM`, so that
//! a replica has the same entries pending at the same consumers.

mod groups;
mod info;
mod read;

use std::rc::Rc;

use super::support::{NO_KEY, SYNTAX, WRONG_TYPE, decimal, fail, int, is, size, word};
use super::{Call, Expired, Failure, Propagate};
use crate::wire::Bytes;
use crate::wire::rdb::stream::{Consumer, Group, Id, Keep, Pending, Stream, StreamEntry};

pub use groups::{xack, xautoclaim, xclaim, xgroup, xpending};
pub use info::xinfo;
pub use read::{xread, xreadgroup};

/// The event of a consumer that is new.
const CREATED: &str = "xgroup-createconsumer";
const NO_ID: &str = "ERR Invalid stream ID specified as stream command argument";
/// Entries that one `~` removes at most, unless `LIMIT` says otherwise, are those of a hundred nodes; but this many where
/// nodes have no end, and never more than a million.
const TRIM_LIMIT: usize = 10_000;

fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

fn id_word(id: Id) -> Bytes {
    word(&id.text())
}

// --- ids -------------------------------------------------------------------------------------------------------------

/// An id as an argument: `ms` or `ms-seq`; and, if the sequence is left open as `ms-*`, that it is.
fn open_id(arg: &[u8], missing_seq: u64) -> Result<(Id, bool), Failure> {
    let parse = |part: &str| part.parse::<u64>().map_err(|_| NO_ID.to_owned());
    let arg = std::str::from_utf8(arg).unwrap_or_default();
    Ok(match arg.split_once('-') {
        _ if arg.len() > 127 => return fail(NO_ID),
        None => {
            let (ms, seq) = (parse(arg)?, missing_seq);
            (Id { ms, seq }, false)
        }
        Some((ms, "*")) => (
            Id {
                ms: parse(ms)?,
                seq: 0,
            },
            true,
        ),
        Some((ms, seq)) => {
            let (ms, seq) = (parse(ms)?, parse(seq)?);
            (Id { ms, seq }, false)
        }
    })
}

fn id(arg: &[u8]) -> Result<Id, Failure> {
    match open_id(arg, 0)? {
        (id, false) => Ok(id),
        _ => fail(NO_ID),
    }
}

/// One end of a range: `-`, `+`, an id, or `(id` for what is beyond it.
fn bound(arg: &[u8], end: bool) -> Result<Id, Failure> {
    let (open, arg) = match arg {
        [b'(', rest @ ..] => (true, rest),
        arg => (false, arg),
    };
    let id = match arg {
        b"-" if !open => Id::ZERO,
        b"+" if !open => Id::MAX,
        arg => match open_id(arg, if end { u64::MAX } else { 0 })? {
            (id, false) => id,
            _ => return fail(NO_ID),
        },
    };
    let moved = match (open, end) {
        (false, _) => Some(id),
        (true, true) => id.previous(),
        (true, false) => id.next(),
    };
    moved.ok_or_else(|| {
        let which = if end { "end" } else { "start" };
        format!("ERR invalid {which} ID for the interval")
    })
}

impl Call<'_> {
    fn id(&mut self, id: Id) {
        self.bulk(id.text().as_bytes());
    }

    fn entry(&mut self, entry: &StreamEntry) {
        self.array(2);
        self.id(entry.id);
        self.bulks(entry.fields.iter());
    }

    fn entries<'b>(&mut self, entries: impl Iterator<Item = &'b StreamEntry>) {
        let entries: Vec<_> = entries.collect();
        self.array(entries.len());
        entries.into_iter().for_each(|entry| self.entry(entry));
    }

    fn stream(&mut self, key: &Bytes) -> Result<Option<Rc<Stream>>, Failure> {
        self.claim_as::<Stream>(key)
    }

    /// The stream, for a command that only reads it or what is about it.
    fn stream_read(&mut self, key: &Bytes) -> Result<Option<Rc<Stream>>, Failure> {
        self.read::<Stream>(key)
    }

    /// The stream, and the place of a group in it.
    fn with_group(&mut self, key: &Bytes, group: &Bytes) -> Result<(Rc<Stream>, usize), Failure> {
        let stream = self.stream_read(key)?;
        let found = stream.and_then(|stream| Some((stream.group(group).ok()?, stream)));
        found.map(|(place, stream)| (stream, place)).ok_or_else(|| {
            format!(
                "NOGROUP No such key '{}' or consumer group '{}'",
                text(key),
                text(group)
            )
        })
    }

    /// The group for changing it; both were seen before.
    fn group_mut(&mut self, key: &Bytes, group: &Bytes) -> Result<&mut Group, Failure> {
        let stream = self.edit_quietly(key)?;
        let place = stream.group(group).map_err(|_| WRONG_TYPE)?;
        Ok(&mut stream.groups[place])
    }

    /// Adds to what goes into the replication stream.
    fn feed(&mut self, command: Vec<Bytes>) {
        match &mut self.propagate {
            Propagate::Instead(commands) => commands.push(command),
            propagate => *propagate = Propagate::Instead(vec![command]),
        }
        self.dirty += 1;
    }

    fn feed_claim(&mut self, key: &Bytes, group: &Bytes, pending: &Pending, last: Id) {
        self.feed(vec![
            word("XCLAIM"),
            key.clone(),
            group.clone(),
            pending.consumer.clone(),
            word("0"),
            id_word(pending.id),
            word("TIME"),
            decimal(pending.time_ms),
            word("RETRYCOUNT"),
            decimal(pending.count as i64),
            word("FORCE"),
            word("JUSTID"),
            word("LASTID"),
            id_word(last),
        ]);
    }

    fn feed_group(&mut self, key: &Bytes, group: &Group) {
        self.feed(vec![
            word("XGROUP"),
            word("SETID"),
            key.clone(),
            group.name.clone(),
            id_word(group.last),
            word("ENTRIESREAD"),
            decimal(group.read.map_or(-1, |n| n as i64)),
        ]);
    }
}

/// Finds a consumer, or makes it; true when it is new.
fn seen(group: &mut Group, name: &Bytes, now: i64) -> bool {
    let found = group.consumer(name);
    match found {
        Ok(at) => group.consumers[at].seen_ms = now,
        Err(at) => group.consumers.insert(
            at,
            Consumer {
                name: name.clone(),
                seen_ms: now,
            },
        ),
    }
    found.is_err()
}

fn no_group(key: &[u8], group: &[u8]) -> Failure {
    format!(
        "NOGROUP No such consumer group '{}' for key name '{}'",
        text(group),
        text(key)
    )
}

fn wrong_sub(call: &Call<'_>) -> Failure {
    format!(
        "ERR unknown subcommand or wrong number of arguments for '{:.128}'. Try {} HELP.",
        text(&call.args[1]),
        text(&call.args[0]).to_ascii_uppercase()
    )
}

// --- adding and removing ---------------------------------------------------------------------------------------------

/// The options of `XADD` and `XTRIM`.
#[derive(Default)]
struct Trim {
    keep: Option<Keep>,
    /// Where the amount stands among the arguments.
    place: usize,
    about: bool,
    limit: usize,
    no_create: bool,
    /// `XADD`: the id, and whether its sequence is open; nothing for `*`.
    id: Option<(Id, bool)>,
    /// The argument after the options.
    end: usize,
}

fn trim_options(call: &Call<'_>, adding: bool) -> Result<Trim, Failure> {
    let args = call.args;
    let mut trim = Trim::default();
    let mut limit = None;
    let mut i = 2;
    while i < args.len() {
        let arg = &args[i];
        let left = args.len() - 1 - i;
        let by_len = is(arg, "MAXLEN");
        if adding && **arg == *b"*" {
            break;
        } else if left > 0 && (by_len || is(arg, "MINID")) {
            if trim.keep.is_some() {
                return fail(
                    "ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
                );
            }
            trim.about = left > 1 && *args[i + 1] == *b"~";
            if trim.about || left > 1 && *args[i + 1] == *b"=" {
                i += 1;
            }
            i += 1;
            trim.place = i;
            trim.keep = Some(if by_len {
                let max = int(&args[i])?;
                if max < 0 {
                    return fail("ERR The MAXLEN argument must be >= 0.");
                }
                Keep::Len(size(max))
            } else {
                Keep::From(id(&args[i])?)
            });
        } else if left > 0 && is(arg, "LIMIT") {
            i += 1;
            let n = int(&args[i])?;
            if n < 0 {
                return fail("ERR The LIMIT argument must be >= 0.");
            }
            limit = Some(size(n));
        } else if adding && is(arg, "NOMKSTREAM") {
            trim.no_create = true;
        } else if adding {
            trim.id = Some(open_id(arg, 0)?);
            break;
        } else {
            return fail(SYNTAX);
        }
        i += 1;
    }
    if limit.is_some_and(|n| n > 0) && trim.keep.is_none() {
        return fail(
            "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
        );
    }
    if !adding && trim.keep.is_none() {
        return fail("ERR syntax error, XTRIM must be called with a trimming strategy");
    }
    trim.limit = match limit {
        _ if call.expired == Expired::Ignore => 0,
        Some(_) if !trim.about => {
            return fail("ERR syntax error, LIMIT cannot be used without the special ~ option");
        }
        Some(limit) => limit,
        None if trim.about => match call.keyspace.limits().stream_node.entries {
            0 => TRIM_LIMIT,
            entries => entries.saturating_mul(100).min(1_000_000),
        },
        None => 0,
    };
    trim.end = i;
    Ok(trim)
}

impl Trim {
    fn apply(&self, stream: &mut Stream) -> usize {
        self.keep
            .map_or(0, |keep| stream.trim(keep, self.about, self.limit))
    }

    /// `~` removes what is easy to remove; the replication stream says exactly what that was.
    fn exact(&self, stream: &Stream, args: &mut [Bytes]) {
        if self.about {
            args[self.place - 1] = word("=");
            args[self.place] = match self.keep {
                Some(Keep::Len(_)) => decimal(stream.len as i64),
                _ => id_word(stream.nodes.first().map_or(Id::MAX, |node| node.id())),
            };
        }
    }
}

pub fn xadd(call: &mut Call<'_>) -> Result<(), Failure> {
    let (args, key) = (call.args, &call.args[1]);
    let trim = trim_options(call, true)?;
    let fields = args.get(trim.end + 1..).unwrap_or_default();
    if fields.len() < 2 || fields.len() % 2 == 1 {
        return Err(call.error_arity());
    }
    if trim.id == Some((Id::ZERO, false)) {
        return fail("ERR The ID specified in XADD must be greater than 0-0");
    }
    let old = call.stream(key)?;
    if old.is_none() && trim.no_create {
        call.nil();
        return Ok(());
    }
    let last = old.as_ref().map_or(Id::ZERO, |stream| stream.last);
    drop(old);
    let Some(next) = last.next() else {
        return fail("ERR The stream has exhausted the last possible ID, unable to add more items");
    };
    let now = Id {
        ms: call.now_ms.max(0) as u64,
        seq: 0,
    };
    let id = match trim.id {
        None if now.ms > last.ms => now,
        None => next,
        Some((id, true)) if id.ms == last.ms && last.seq == u64::MAX => Id::ZERO,
        Some((id, true)) if id.ms == last.ms => next,
        Some((id, _)) => id,
    };
    if id <= last {
        return fail(
            "ERR The ID specified in XADD is equal or smaller than the target stream top item",
        );
    }
    let mut sent = args.to_vec();
    if !matches!(trim.id, Some((_, false))) {
        sent[trim.end] = id_word(id);
    }
    let most = call.keyspace.limits().stream_node;
    let stream = call.edit::<Stream>(key)?;
    stream.push_within(most, id, fields.into());
    let removed = trim.apply(stream);
    trim.exact(stream, &mut sent);
    call.feed(sent);
    call.id(id);
    call.did('t', "xadd", key);
    if removed > 0 {
        call.event('t', "xtrim", key);
    }
    Ok(())
}

pub fn xtrim(call: &mut Call<'_>) -> Result<(), Failure> {
    let key = &call.args[1];
    let trim = trim_options(call, false)?;
    let mut removed = 0;
    if call.stream(key)?.is_some() {
        let mut sent = call.args.to_vec();
        let stream = call.edit_quietly(key)?;
        removed = trim.apply(stream);
        trim.exact(stream, &mut sent);
        if removed > 0 {
            call.keyspace.touched(call.db, key);
            call.event('t', "xtrim", key);
            call.changed(key);
            call.feed(sent);
        }
    }
    call.integer(removed as i64);
    Ok(())
}

pub fn xdel(call: &mut Call<'_>) -> Result<(), Failure> {
    let key = &call.args[1];
    let mut removed = 0;
    if let Some(stream) = call.stream(key)? {
        let ids: Result<Vec<Id>, _> = call.args[2..].iter().map(|arg| id(arg)).collect();
        let ids = ids?;
        let any = ids.iter().any(|id| stream.has(*id));
        drop(stream);
        if any {
            let stream = call.edit::<Stream>(key)?;
            removed = ids.into_iter().filter(|id| stream.remove(*id)).count();
            call.dirty += removed as u64;
            call.did('t', "xdel", key);
        }
    }
    call.integer(removed as i64);
    Ok(())
}

pub fn xsetid(call: &mut Call<'_>) -> Result<(), Failure> {
    let (args, key) = (call.args, &call.args[1]);
    let last = id(&args[2])?;
    let (mut added, mut max_removed) = (None, Id::ZERO);
    let mut rest = args[3..].iter();
    while let Some(arg) = rest.next() {
        match rest.next() {
            Some(value) if is(arg, "ENTRIESADDED") => {
                let n = int(value)?;
                if n < 0 {
                    return fail("ERR entries_added must be positive");
                }
                added = Some(n as u64);
            }
            Some(value) if is(arg, "MAXDELETEDID") => {
                max_removed = id(value)?;
                if last < max_removed {
                    return fail(
                        "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
                    );
                }
            }
            _ => return fail(SYNTAX),
        }
    }
    let stream = call.stream(key)?.ok_or(NO_KEY)?;
    if stream.len > 0 && last < stream.top() {
        return fail("ERR The ID specified in XSETID is smaller than the target stream top item");
    }
    if stream.len > 0 && added.is_some_and(|added| added < stream.len as u64) {
        return fail(
            "ERR The entries_added specified in XSETID is smaller than the target stream length",
        );
    }
    drop(stream);
    let stream = call.edit_quietly(key)?;
    stream.last = last;
    stream.added = added.unwrap_or(stream.added);
    if max_removed != Id::ZERO {
        stream.max_removed = max_removed;
    }
    call.dirty += 1;
    call.ok();
    call.event('t', "xsetid", key);
    Ok(())
}

// --- reading ---------------------------------------------------------------------------------------------------------

pub fn xlen(call: &mut Call<'_>) -> Result<(), Failure> {
    let len = call
        .stream_read(&call.args[1])?
        .map_or(0, |stream| stream.len);
    call.integer(len as i64);
    Ok(())
}

fn range_generic(call: &mut Call<'_>, back: bool) -> Result<(), Failure> {
    let args = call.args;
    let (start, end) = if back { (3, 2) } else { (2, 3) };
    let (start, end) = (bound(&args[start], false)?, bound(&args[end], true)?);
    let mut count = usize::MAX;
    let mut rest = &args[4..];
    while let [name, value, after @ ..] = rest {
        if !is(name, "COUNT") {
            return fail(SYNTAX);
        }
        count = size(int(value)?);
        rest = after;
    }
    if !rest.is_empty() {
        return fail(SYNTAX);
    }
    match call.stream_read(&args[1])? {
        None => call.array(0),
        Some(_) if count == 0 => call.nil_array(),
        Some(stream) if back => call.entries(stream.range(start, end).rev().take(count)),
        Some(stream) => call.entries(stream.range(start, end).take(count)),
    }
    Ok(())
}

pub fn xrange(call: &mut Call<'_>) -> Result<(), Failure> {
    range_generic(call, false)
}

pub fn xrevrange(call: &mut Call<'_>) -> Result<(), Failure> {
    range_generic(call, true)
}
