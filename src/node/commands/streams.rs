//! Streams and the groups that read them. What a group hands out goes into the replication stream as `XCLAIM`, so that
//! a replica has the same entries pending at the same consumers.

use std::rc::Rc;

use super::support::{NO_KEY, SYNTAX, WRONG_TYPE, decimal, fail, int, is, size, word};
use super::{Call, Expired, Failure, Propagate};
use crate::node::blocked::Take;
use crate::node::keyspace::{Change, Entry, Value};
use crate::wire::rdb::stream::{Consumer, Group, Id, Keep, Pending, Stream, StreamEntry};
use crate::wire::{Bytes, resp};

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

    /// The stream, and the place of a group in it.
    fn with_group(&mut self, key: &Bytes, group: &Bytes) -> Result<(Rc<Stream>, usize), Failure> {
        let stream = self.stream(key)?;
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
        let stream = self.edit::<Stream>(key)?;
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
    if removed > 0 {
        call.keyspace.changed(call.db, key, Change::Trimmed);
    }
    call.feed(sent);
    call.id(id);
    Ok(())
}

pub fn xtrim(call: &mut Call<'_>) -> Result<(), Failure> {
    let key = &call.args[1];
    let trim = trim_options(call, false)?;
    let mut removed = 0;
    if call.stream(key)?.is_some() {
        let mut sent = call.args.to_vec();
        let stream = call.edit::<Stream>(key)?;
        removed = trim.apply(stream);
        trim.exact(stream, &mut sent);
        if removed > 0 {
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
    let stream = call.edit::<Stream>(key)?;
    stream.last = last;
    stream.added = added.unwrap_or(stream.added);
    if max_removed != Id::ZERO {
        stream.max_removed = max_removed;
    }
    call.dirty += 1;
    call.ok();
    Ok(())
}

// --- reading ---------------------------------------------------------------------------------------------------------

pub fn xlen(call: &mut Call<'_>) -> Result<(), Failure> {
    let len = call.stream(&call.args[1])?.map_or(0, |stream| stream.len);
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
    match call.stream(&args[1])? {
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

/// From where a stream is read.
#[derive(Clone, Copy, PartialEq)]
enum From {
    /// What is newer than this.
    After(Id),
    /// What the group has not handed out yet.
    New,
}

/// Entries that a command that waited gets at most, unless `COUNT` says otherwise.
const WAITED_COUNT: i64 = 1000;

/// What `XREAD` and `XREADGROUP` say before their keys.
#[derive(Default)]
struct Reading<'a> {
    /// Milliseconds to wait for entries, 0 for ever; `None` not at all.
    block: Option<u64>,
    /// 0 for all.
    count: usize,
    no_ack: bool,
    /// Group and consumer.
    group: Option<(&'a Bytes, &'a Bytes)>,
    keys: &'a [Bytes],
    ids: &'a [Bytes],
}

fn reading(args: &[Bytes], with_group: bool) -> Result<Reading<'_>, Failure> {
    let mut reading = Reading::default();
    let mut keys: &[Bytes] = &[];
    let mut i = 1;
    while i < args.len() && keys.is_empty() {
        let left = args.len() - i - 1;
        if left > 0 && is(&args[i], "BLOCK") {
            i += 1;
            let wait =
                resp::parse_i64(&args[i]).ok_or("ERR timeout is not an integer or out of range")?;
            reading.block = Some(u64::try_from(wait).map_err(|_| "ERR timeout is negative")?);
        } else if left > 0 && is(&args[i], "COUNT") {
            i += 1;
            reading.count = size(int(&args[i])?);
        } else if left > 0 && is(&args[i], "STREAMS") {
            keys = &args[i + 1..];
            if keys.len() % 2 == 1 {
                return fail(
                    "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.",
                );
            }
        } else if left > 1 && is(&args[i], "GROUP") {
            if !with_group {
                return fail(
                    "ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.",
                );
            }
            reading.group = Some((&args[i + 1], &args[i + 2]));
            i += 2;
        } else if is(&args[i], "NOACK") {
            if !with_group {
                return fail(
                    "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.",
                );
            }
            reading.no_ack = true;
        } else {
            return fail(SYNTAX);
        }
        i += 1;
    }
    if keys.is_empty() {
        return fail(SYNTAX);
    }
    if with_group && reading.group.is_none() {
        return fail("ERR Missing GROUP option for XREADGROUP");
    }
    (reading.keys, reading.ids) = keys.split_at(keys.len() / 2);
    Ok(reading)
}

fn read_generic(call: &mut Call<'_>, with_group: bool) -> Result<(), Failure> {
    let reading = reading(call.args, with_group)?;
    let group = reading.group;
    let (mut reads, mut later) = (vec![], vec![]);
    for (key, arg) in reading.keys.iter().zip(reading.ids) {
        let stream = call.stream(key)?;
        if let Some((group, _)) = group
            && stream.as_ref().is_none_or(|s| s.group(group).is_err())
        {
            return Err(format!(
                "NOGROUP No such key '{}' or consumer group '{}' in XREADGROUP with GROUP option",
                text(key),
                text(group)
            ));
        }
        let from = match &**arg {
            b"$" if with_group => {
                return fail(
                    "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of \
                     this consumer by specifying a proper ID, or use the > ID to get new messages. \
                     The $ ID would just return an empty result set.",
                );
            }
            b"$" => From::After(stream.as_ref().map_or(Id::ZERO, |stream| stream.last)),
            b">" if !with_group => {
                return fail(
                    "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
                );
            }
            b">" => From::New,
            arg => From::After(id(arg)?),
        };
        let tail = match from {
            From::After(id) => id_word(id),
            From::New => arg.clone(),
        };
        later.push((key.clone(), vec![tail]));
        if let Some(stream) = stream {
            reads.push((key, stream, from));
        }
    }
    reads.retain(|(_, stream, from)| {
        stream.len > 0
            && match (group, from) {
                (None, From::After(id)) => stream.top() > *id,
                (Some((group, _)), From::New) => stream
                    .group(group)
                    .is_ok_and(|at| stream.top() > stream.groups[at].last),
                _ => false,
            }
            || group.is_some() && *from != From::New
    });
    if reads.is_empty() {
        call.nil_array();
        if let Some(ms) = reading.block {
            let take = Take::new(reading.again(&call.args[0]), later);
            call.wait = Some((ms, take));
        }
        return Ok(());
    }
    let count = if reading.count == 0 {
        usize::MAX
    } else {
        reading.count
    };
    let no_ack = reading.no_ack;
    call.reply.entries(reads.len());
    for (key, stream, from) in reads {
        call.reply.entry();
        call.bulk(key);
        match (group, from) {
            (None, From::After(id)) => {
                let start = id.next().unwrap_or(Id::MAX);
                call.entries(stream.range(start, Id::MAX).take(count));
            }
            (Some((group, consumer)), from) => {
                drop(stream);
                read_as(call, key, group, consumer, from, count, no_ack)?;
            }
            _ => {}
        }
    }
    Ok(())
}

impl Reading<'_> {
    /// The command for one of the keys later on, up to the key.
    fn again(&self, name: &Bytes) -> Vec<Bytes> {
        let mut args = vec![name.clone()];
        if let Some((group, consumer)) = self.group {
            args.extend([word("GROUP"), group.clone(), consumer.clone()]);
        }
        let count = if self.count == 0 {
            WAITED_COUNT
        } else {
            self.count as i64
        };
        args.extend([word("COUNT"), decimal(count)]);
        args.extend(self.no_ack.then(|| word("NOACK")));
        args.push(word("STREAMS"));
        args
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

/// Reads as a consumer of a group: new entries, which become pending, or its own pending ones again.
fn read_as(
    call: &mut Call<'_>,
    key: &Bytes,
    group: &Bytes,
    consumer: &Bytes,
    from: From,
    count: usize,
    no_ack: bool,
) -> Result<(), Failure> {
    let now = call.now_ms;
    call.dirty += 1;
    if call.propagate == Propagate::Verbatim {
        call.propagate = Propagate::Instead(vec![]);
    }
    let new = seen(call.group_mut(key, group)?, consumer, now);
    if new {
        call.keyspace.changed(call.db, key, Change::Consumer);
    }
    if new && no_ack {
        let names = ["XGROUP", "CREATECONSUMER"].map(word);
        call.feed([&names[..], &[key.clone(), group.clone(), consumer.clone()]].concat());
    }
    if let From::After(after) = from {
        let start = after.next().unwrap_or(Id::MAX);
        let mut found = vec![];
        for pending in &mut call.group_mut(key, group)?.pending {
            if pending.id >= start && pending.consumer == *consumer && found.len() < count {
                found.push(pending.id);
            }
        }
        let stream = call.stream(key)?.unwrap_or_default();
        call.array(found.len());
        for id in &found {
            match stream.range(*id, *id).next() {
                Some(entry) => call.entry(entry),
                None => {
                    call.array(2);
                    call.id(*id);
                    call.nil_array();
                }
            }
        }
        let there: Vec<Id> = found.into_iter().filter(|id| stream.has(*id)).collect();
        drop(stream);
        for pending in &mut call.group_mut(key, group)?.pending {
            if there.binary_search(&pending.id).is_ok() {
                pending.time_ms = now;
                pending.count += 1;
            }
        }
        return Ok(());
    }
    let stream = call.stream(key)?.unwrap_or_default();
    let mut of = stream.groups[stream.group(group).map_err(|_| WRONG_TYPE)?].clone();
    let start = of.last.next().unwrap_or(Id::MAX);
    let entries: Vec<StreamEntry> = stream.range(start, Id::MAX).take(count).cloned().collect();
    call.entries(entries.iter());
    let mut claims = vec![];
    for entry in &entries {
        of.read = match of.read {
            Some(read) if !stream.holes_from(entry.id) => Some(read + 1),
            _ if stream.added > 0 => stream.distance(entry.id),
            read => read,
        };
        of.last = entry.id;
        if no_ack {
            continue;
        }
        let pending = Pending {
            id: entry.id,
            consumer: consumer.clone(),
            time_ms: now,
            count: 1,
        };
        match of.find(entry.id) {
            Ok(at) => of.pending[at] = pending.clone(),
            Err(at) => of.pending.insert(at, pending.clone()),
        }
        claims.push((pending, of.last));
    }
    drop(stream);
    for (pending, last) in claims {
        call.feed_claim(key, group, &pending, last);
    }
    if no_ack && !entries.is_empty() {
        call.feed_group(key, &of);
    }
    *call.group_mut(key, group)? = of;
    Ok(())
}

pub fn xread(call: &mut Call<'_>) -> Result<(), Failure> {
    read_generic(call, false)
}

pub fn xreadgroup(call: &mut Call<'_>) -> Result<(), Failure> {
    read_generic(call, true)
}

// --- groups ----------------------------------------------------------------------------------------------------------

const XGROUP_HELP: &str = "\
CREATE <key> <groupname> <id|$> [option]
    A new group. Options:
    * MKSTREAM
      Where there is no stream, begin one.
    * ENTRIESREAD entries_read
      How many entries the group counts as read.
CREATECONSUMER <key> <groupname> <consumer>
    A new consumer in a group.
DELCONSUMER <key> <groupname> <consumer>
    One consumer less, with what it has pending.
DESTROY <key> <groupname>
    One group less.
SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]
    Moves a group to another place in the stream.";

pub fn xgroup(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let sub = args[1].to_ascii_lowercase();
    let sub = &*sub;
    if sub == b"help" {
        call.help("XGROUP", XGROUP_HELP);
        return Ok(());
    }
    let (key, name) = (&args[2], &args[3]);
    let (mut make, mut read) = (false, None);
    let mut rest = args.get(5..).unwrap_or_default();
    while let Some((arg, after)) = rest.split_first() {
        rest = after;
        match after {
            _ if sub == b"create" && is(arg, "MKSTREAM") => make = true,
            [n, after @ ..] if (sub == b"create" || sub == b"setid") && is(arg, "ENTRIESREAD") => {
                let n = int(n)?;
                if n < -1 {
                    return fail("ERR value for ENTRIESREAD must be positive or -1");
                }
                read = u64::try_from(n).ok();
                rest = after;
            }
            _ => return Err(wrong_sub(call)),
        }
    }
    let stream = call.stream(key)?;
    let found = stream.as_ref().and_then(|stream| stream.group(name).ok());
    if stream.is_none() && !make {
        return fail(
            "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use \
             the MKSTREAM option to create an empty stream automatically.",
        );
    }
    if found.is_none() && matches!(sub, b"setid" | b"createconsumer" | b"delconsumer") {
        return Err(no_group(key, name));
    }
    let last = match args.get(4) {
        Some(arg) if matches!(sub, b"create" | b"setid") => match &**arg {
            b"$" => stream.as_ref().map_or(Id::ZERO, |stream| stream.last),
            b"-" if sub == b"setid" => Id::ZERO,
            b"+" if sub == b"setid" => Id::MAX,
            arg => id(arg)?,
        },
        _ => Id::ZERO,
    };
    let exists = stream.is_some();
    drop(stream);
    let now = call.now_ms;
    match (sub, found) {
        (b"create", Some(_)) => {
            return fail("BUSYGROUP Consumer Group name already exists");
        }
        (b"create", None) => {
            if !exists {
                let value = Value::Stream(Rc::default());
                call.keyspace
                    .insert(call.db, key.clone(), Entry::new(value));
            }
            let stream = call.edit::<Stream>(key)?;
            let Err(at) = stream.group(name) else {
                return Ok(());
            };
            stream.groups.insert(
                at,
                Group {
                    name: name.clone(),
                    last,
                    read,
                    pending: vec![],
                    consumers: vec![],
                },
            );
            call.ok();
        }
        (b"setid", Some(_)) => {
            let group = call.group_mut(key, name)?;
            (group.last, group.read) = (last, read);
            call.ok();
        }
        (b"destroy", found) => {
            call.integer(i64::from(found.is_some()));
            let Some(at) = found else {
                return Ok(());
            };
            call.edit::<Stream>(key)?.groups.remove(at);
        }
        (b"createconsumer", _) => {
            let group = call.group_mut(key, name)?;
            let known = group.consumer(&args[4]).is_ok();
            if !known {
                seen(group, &args[4], now);
            }
            call.integer(i64::from(!known));
            if known {
                return Ok(());
            }
        }
        _ => {
            let group = call.group_mut(key, name)?;
            let Ok(at) = group.consumer(&args[4]) else {
                call.integer(0);
                return Ok(());
            };
            group.consumers.remove(at);
            let before = group.pending.len();
            group.pending.retain(|pending| pending.consumer != args[4]);
            let removed = before - group.pending.len();
            call.integer(removed as i64);
        }
    }
    call.dirty += 1;
    Ok(())
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

pub fn xack(call: &mut Call<'_>) -> Result<(), Failure> {
    let (key, name) = (&call.args[1], &call.args[2]);
    let stream = call.stream(key)?;
    if stream.is_none_or(|stream| stream.group(name).is_err()) {
        call.integer(0);
        return Ok(());
    }
    let ids: Result<Vec<Id>, _> = call.args[3..].iter().map(|arg| id(arg)).collect();
    let ids = ids?;
    let group = call.group_mut(key, name)?;
    let before = group.pending.len();
    group.pending.retain(|pending| !ids.contains(&pending.id));
    let removed = before - group.pending.len();
    call.dirty += removed as u64;
    call.integer(removed as i64);
    Ok(())
}

pub fn xpending(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let mut rest = &args[3..];
    let (mut idle, mut range) = (0, None);
    if !rest.is_empty() {
        if !(6..=9).contains(&args.len()) {
            return fail(SYNTAX);
        }
        if is(&rest[0], "IDLE") {
            idle = int(&rest[1])?;
            if args.len() < 8 {
                return fail(SYNTAX);
            }
            rest = &rest[2..];
        }
        let count = size(int(&rest[2])?);
        range = Some((bound(&rest[0], false)?, bound(&rest[1], true)?, count));
    }
    let (stream, at) = call.with_group(&args[1], &args[2])?;
    let group = &stream.groups[at];
    let Some((start, end, count)) = range else {
        call.array(4);
        call.integer(group.pending.len() as i64);
        let [first, .., last] = &[&group.pending[..], &group.pending[..]].concat()[..] else {
            call.nil();
            call.nil();
            call.nil_array();
            return Ok(());
        };
        call.id(first.id);
        call.id(last.id);
        let counts: Vec<(&Bytes, usize)> = group
            .consumers
            .iter()
            .map(|consumer| (&consumer.name, group.pending_of(&consumer.name).count()))
            .filter(|(_, count)| *count > 0)
            .collect();
        call.array(counts.len());
        for (name, count) in counts {
            call.array(2);
            call.bulk(name);
            call.bulk(&decimal(count as i64));
        }
        return Ok(());
    };
    let now = call.now_ms;
    let found = group.pending.iter().filter(|pending| {
        (start..=end).contains(&pending.id)
            && rest.get(3).is_none_or(|name| *name == pending.consumer)
            && (idle == 0 || now - pending.time_ms >= idle)
    });
    let found: Vec<&Pending> = found.take(count).collect();
    call.array(found.len());
    for pending in found {
        call.array(4);
        call.id(pending.id);
        call.bulk(&pending.consumer);
        call.integer((now - pending.time_ms).max(0));
        call.integer(pending.count as i64);
    }
    Ok(())
}

/// What `XCLAIM` and `XAUTOCLAIM` do to one entry.
struct Claim<'a> {
    key: &'a Bytes,
    group: &'a Bytes,
    consumer: &'a Bytes,
    idle: i64,
    time_ms: i64,
    retries: Option<i64>,
    force: bool,
    just_id: bool,
}

enum Claimed {
    /// Not pending, or not long enough.
    No,
    Yes,
    /// Pending, but the entry was removed: it is not pending any more.
    Gone,
}

impl Claim<'_> {
    fn idle(args: &[Bytes], name: &str) -> Result<i64, Failure> {
        let n = resp::parse_i64(&args[4]);
        n.map(|n| n.max(0))
            .ok_or_else(|| format!("ERR Invalid min-idle-time argument for {name}"))
    }

    fn one(&self, call: &mut Call<'_>, id: Id) -> Result<Claimed, Failure> {
        let now = call.now_ms;
        let there = call.stream(self.key)?.is_some_and(|stream| stream.has(id));
        let group = call.group_mut(self.key, self.group)?;
        let (found, last) = (group.find(id), group.last);
        let at = match found {
            Ok(at) if !there => {
                let pending = group.pending.remove(at);
                call.feed_claim(self.key, self.group, &pending, last);
                return Ok(Claimed::Gone);
            }
            Ok(at) if self.idle > 0 && now - group.pending[at].time_ms < self.idle => {
                return Ok(Claimed::No);
            }
            Ok(at) => at,
            Err(at) if there && self.force => {
                let pending = Pending {
                    id,
                    consumer: self.consumer.clone(),
                    time_ms: now,
                    count: 1,
                };
                group.pending.insert(at, pending);
                at
            }
            Err(_) => return Ok(Claimed::No),
        };
        let new = seen(group, self.consumer, now);
        let pending = &mut group.pending[at];
        pending.consumer = self.consumer.clone();
        pending.time_ms = self.time_ms;
        pending.count = match self.retries {
            Some(n) => n as u64,
            None => pending.count + u64::from(!self.just_id),
        };
        let pending = pending.clone();
        if new {
            call.keyspace.changed(call.db, self.key, Change::Consumer);
        }
        call.feed_claim(self.key, self.group, &pending, last);
        Ok(Claimed::Yes)
    }

    fn reply(&self, call: &mut Call<'_>, ids: &[Id]) -> Result<(), Failure> {
        let stream = call.stream(self.key)?.unwrap_or_default();
        call.array(ids.len());
        for id in ids {
            match stream.range(*id, *id).next() {
                Some(entry) if !self.just_id => call.entry(entry),
                _ => call.id(*id),
            }
        }
        Ok(())
    }
}

pub fn xclaim(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let now = call.now_ms;
    call.with_group(&args[1], &args[2])?;
    let mut claim = Claim {
        key: &args[1],
        group: &args[2],
        consumer: &args[3],
        idle: Claim::idle(args, "XCLAIM")?,
        time_ms: -1,
        retries: None,
        force: false,
        just_id: false,
    };
    let ids: Vec<Id> = args[5..].iter().map_while(|arg| id(arg).ok()).collect();
    let mut newest = Id::ZERO;
    let mut rest = args[5 + ids.len()..].iter();
    while let Some(arg) = rest.next() {
        let mut number = |name: &str| {
            let n = rest.next().and_then(|arg| resp::parse_i64(arg));
            n.ok_or_else(|| format!("ERR Invalid {name} option argument for XCLAIM"))
        };
        let last = number_missing(arg, args);
        if is(arg, "FORCE") {
            claim.force = true;
        } else if is(arg, "JUSTID") {
            claim.just_id = true;
        } else if is(arg, "IDLE") && !last {
            claim.time_ms = now.wrapping_sub(number("IDLE")?);
        } else if is(arg, "TIME") && !last {
            claim.time_ms = number("TIME")?;
        } else if is(arg, "RETRYCOUNT") && !last {
            claim.retries = Some(number("RETRYCOUNT")?).filter(|&n| n >= 0);
        } else if is(arg, "LASTID")
            && !last
            && let Some(arg) = rest.next()
        {
            newest = id(arg)?;
        } else {
            return Err(format!("ERR Unrecognized XCLAIM option '{}'", text(arg)));
        }
    }
    if claim.time_ms < 0 || claim.time_ms > now {
        claim.time_ms = now;
    }
    call.propagate = Propagate::Instead(vec![]);
    let group = call.group_mut(claim.key, claim.group)?;
    let mut moved = newest > group.last;
    group.last = group.last.max(newest);
    let mut claimed = vec![];
    for id in ids {
        match claim.one(call, id)? {
            Claimed::No => continue,
            Claimed::Yes => claimed.push(id),
            Claimed::Gone => {}
        }
        moved = false;
    }
    if moved {
        let group = call.group_mut(claim.key, claim.group)?.clone();
        call.feed_group(claim.key, &group);
    }
    claim.reply(call, &claimed)
}

/// Whether this is the last argument of all, so that an option has no value.
fn number_missing(arg: &Bytes, args: &[Bytes]) -> bool {
    args.last().is_some_and(|last| std::ptr::eq(arg, last))
}

pub fn xautoclaim(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let mut claim = Claim {
        key: &args[1],
        group: &args[2],
        consumer: &args[3],
        idle: Claim::idle(args, "XAUTOCLAIM")?,
        time_ms: call.now_ms,
        retries: None,
        force: false,
        just_id: false,
    };
    let start = bound(&args[5], false)?;
    let mut count = 100;
    let mut rest = args[6..].iter();
    while let Some(arg) = rest.next() {
        if is(arg, "JUSTID") {
            claim.just_id = true;
        } else if is(arg, "COUNT")
            && let Some(n) = rest.next()
        {
            let n = resp::parse_i64(n);
            count = n
                .filter(|n| (1..=i64::MAX / 16).contains(n))
                .ok_or("ERR COUNT must be > 0")?;
        } else {
            return fail(SYNTAX);
        }
    }
    let (stream, at) = call.with_group(claim.key, claim.group)?;
    let group = &stream.groups[at];
    let from = group.find(start).unwrap_or_else(|at| at);
    let mut ids: Vec<Id> = group.pending[from..]
        .iter()
        .map(|pending| pending.id)
        .collect();
    drop(stream);
    call.propagate = Propagate::Instead(vec![]);
    let (mut tries, mut done) = (count.saturating_mul(10), 0);
    let (mut claimed, mut gone) = (vec![], vec![]);
    for &id in &ids {
        if tries == 0 || count == 0 {
            break;
        }
        tries -= 1;
        done += 1;
        match claim.one(call, id)? {
            Claimed::No => continue,
            Claimed::Yes => claimed.push(id),
            Claimed::Gone => gone.push(id),
        }
        count -= 1;
    }
    ids.drain(..done);
    call.array(3);
    call.id(ids.first().copied().unwrap_or_default());
    claim.reply(call, &claimed)?;
    call.array(gone.len());
    gone.into_iter().for_each(|id| call.id(id));
    Ok(())
}

// --- XINFO -----------------------------------------------------------------------------------------------------------

/// Entries that a group has not handed out, if that can be known.
fn lag(stream: &Stream, group: &Group) -> Option<u64> {
    match group.read {
        _ if stream.added == 0 => Some(0),
        Some(read) if !stream.holes_from(group.last) => Some(stream.added.wrapping_sub(read)),
        _ => Some(stream.added - stream.distance(group.last)?),
    }
}

impl Call<'_> {
    fn number_of(&mut self, name: &str, n: usize) {
        self.bulk(name.as_bytes());
        self.integer(n as i64);
    }

    fn known_number(&mut self, name: &str, n: Option<u64>) {
        self.bulk(name.as_bytes());
        match n {
            Some(n) => self.integer(n as i64),
            None => self.nil(),
        }
    }

    fn id_of(&mut self, name: &str, id: Id) {
        self.bulk(name.as_bytes());
        self.id(id);
    }
}

const XINFO_HELP: &str = "\
CONSUMERS <key> <groupname>
    The consumers of a group.
GROUPS <key>
    The groups of a stream.
STREAM <key> [FULL [COUNT <count>]
    The stream itself; with FULL its entries and groups too.";

pub fn xinfo(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let sub = args[1].to_ascii_lowercase();
    if sub == b"help" {
        call.help("XINFO", XINFO_HELP);
        return Ok(());
    }
    let stream = call.stream(&args[2])?.ok_or(NO_KEY)?;
    let now = call.now_ms;
    match &*sub {
        b"consumers" => {
            let place = stream
                .group(&args[3])
                .map_err(|_| no_group(&args[2], &args[3]))?;
            let group = &stream.groups[place];
            call.array(group.consumers.len());
            for consumer in &group.consumers {
                call.reply.map(3);
                call.bulk(b"name");
                call.bulk(&consumer.name);
                call.number_of("pending", group.pending_of(&consumer.name).count());
                call.number_of("idle", size(now - consumer.seen_ms));
            }
        }
        b"groups" => {
            call.array(stream.groups.len());
            for group in &stream.groups {
                call.reply.map(6);
                call.bulk(b"name");
                call.bulk(&group.name);
                call.number_of("consumers", group.consumers.len());
                call.number_of("pending", group.pending.len());
                call.id_of("last-delivered-id", group.last);
                call.known_number("entries-read", group.read);
                call.known_number("lag", lag(&stream, group));
            }
        }
        _ => info_stream(call, &stream)?,
    }
    Ok(())
}

fn info_stream(call: &mut Call<'_>, stream: &Stream) -> Result<(), Failure> {
    let args = call.args;
    let full = args.get(3).is_some_and(|arg| is(arg, "FULL"));
    let count = match &args[3..] {
        [] => 0,
        [_] if full => 10,
        [_, name, n] if full && is(name, "COUNT") => match int(n)? {
            ..0 => 10,
            0 => usize::MAX,
            n => size(n),
        },
        _ => return Err(wrong_sub(call)),
    };
    call.reply.map(if full { 9 } else { 10 });
    call.number_of("length", stream.len);
    call.number_of("radix-tree-keys", stream.nodes.len());
    call.number_of("radix-tree-nodes", stream.radix_nodes());
    call.id_of("last-generated-id", stream.last);
    call.id_of("max-deleted-entry-id", stream.max_removed);
    call.known_number("entries-added", Some(stream.added));
    call.id_of("recorded-first-entry-id", stream.first);
    if !full {
        call.number_of("groups", stream.groups.len());
        let mut all = stream.range(Id::ZERO, Id::MAX);
        let first = all.next();
        let last = all.next_back().or(first);
        for (name, entry) in [("first-entry", first), ("last-entry", last)] {
            call.bulk(name.as_bytes());
            match entry {
                Some(entry) => call.entry(entry),
                None => call.nil(),
            }
        }
        return Ok(());
    }
    call.bulk(b"entries");
    call.entries(stream.range(Id::ZERO, Id::MAX).take(count));
    call.bulk(b"groups");
    call.array(stream.groups.len());
    for group in &stream.groups {
        call.reply.map(7);
        call.bulk(b"name");
        call.bulk(&group.name);
        call.id_of("last-delivered-id", group.last);
        call.known_number("entries-read", group.read);
        call.known_number("lag", lag(stream, group));
        call.number_of("pel-count", group.pending.len());
        call.bulk(b"pending");
        call.array(group.pending.len().min(count));
        for pending in group.pending.iter().take(count) {
            call.array(4);
            call.id(pending.id);
            call.bulk(&pending.consumer);
            call.integer(pending.time_ms);
            call.integer(pending.count as i64);
        }
        call.bulk(b"consumers");
        call.array(group.consumers.len());
        for consumer in &group.consumers {
            call.reply.map(4);
            call.bulk(b"name");
            call.bulk(&consumer.name);
            call.number_of("seen-time", size(consumer.seen_ms));
            let own: Vec<&Pending> = group.pending_of(&consumer.name).collect();
            call.number_of("pel-count", own.len());
            call.bulk(b"pending");
            call.array(own.len().min(count));
            for pending in own.into_iter().take(count) {
                call.array(3);
                call.id(pending.id);
                call.integer(pending.time_ms);
                call.integer(pending.count as i64);
            }
        }
    }
    Ok(())
}
