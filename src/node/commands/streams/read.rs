//! `XREAD` and `XREADGROUP`, which may wait for entries.

use super::{CREATED, id, id_word, seen, text};
use crate::node::blocked::Take;
use crate::node::commands::support::{SYNTAX, WRONG_TYPE, decimal, fail, int, is, size, word};
use crate::node::commands::{Call, Failure, Propagate};
use crate::wire::rdb::stream::{Id, Pending, Stream, StreamEntry};
use crate::wire::{Bytes, resp};

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
        let stream = call.stream_read(key)?;
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
        reads.push((key, stream, from));
    }
    let has = |stream: &Stream, from: &From| {
        stream.len > 0
            && match (group, from) {
                (None, From::After(id)) => stream.top() > *id,
                (Some((group, _)), From::New) => stream
                    .group(group)
                    .is_ok_and(|at| stream.top() > stream.groups[at].last),
                _ => false,
            }
            || group.is_some() && *from != From::New
    };
    let mut answers = 0;
    for (_, stream, from) in &mut reads {
        *stream = stream.take().filter(|stream| has(stream, from));
        answers += usize::from(stream.is_some());
    }
    let mut begun = answers == 0;
    if answers == 0 {
        for key in reading.keys {
            call.stream_read(key)?;
        }
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
    for (key, stream, from) in reads {
        call.stream_read(key)?; // it is looked up again
        let Some(stream) = stream else {
            continue;
        };
        if !begun {
            call.reply.entries(answers);
            begun = true;
        }
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
        call.event('t', CREATED, key);
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
