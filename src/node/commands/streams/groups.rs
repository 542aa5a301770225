//! Groups, and what they handed out: acknowledged, looked at, and claimed by others.

use super::{CREATED, bound, id, no_group, seen, text, wrong_sub};
use crate::node::commands::support::{SYNTAX, decimal, fail, int, is, size};
use crate::node::commands::{Call, Failure, Propagate};
use crate::wire::rdb::stream::{Group, Id, Pending, Stream};
use crate::wire::{Bytes, resp};

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
    let (make, read) = xgroup_options(call, sub)?;
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
    drop(stream);
    let changed = match (sub, found) {
        (b"create", Some(_)) => {
            return fail("BUSYGROUP Consumer Group name already exists");
        }
        (b"create", None) => {
            create_group(call, last, read)?;
            call.ok();
            call.event('t', "xgroup-create", key);
            true
        }
        (b"setid", Some(_)) => {
            let group = call.group_mut(key, name)?;
            (group.last, group.read) = (last, read);
            call.ok();
            call.event('t', "xgroup-setid", key);
            true
        }
        (b"destroy", found) => {
            call.integer(i64::from(found.is_some()));
            if let Some(at) = found {
                call.edit_quietly(key)?.groups.remove(at);
                call.event('t', "xgroup-destroy", key);
            }
            found.is_some()
        }
        (b"createconsumer", _) => {
            let now = call.now_ms;
            let group = call.group_mut(key, name)?;
            let new = group.consumer(&args[4]).is_err();
            if new {
                seen(group, &args[4], now);
                call.event('t', CREATED, key);
            }
            call.integer(i64::from(new));
            new
        }
        _ => delete_consumer(call)?,
    };
    call.dirty += u64::from(changed);
    Ok(())
}

/// Of an XGROUP command: whether it makes the stream, and how many entries the group counts as read.
fn xgroup_options(call: &Call<'_>, sub: &[u8]) -> Result<(bool, Option<u64>), Failure> {
    let (mut make, mut read) = (false, None);
    let mut rest = call.args.get(5..).unwrap_or_default();
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
    Ok((make, read))
}

/// Adds a group that is not there, and a stream for it if there is none.
fn create_group(call: &mut Call<'_>, last: Id, read: Option<u64>) -> Result<(), Failure> {
    let (key, name) = (&call.args[2], &call.args[3]);
    if call.keyspace.get(call.db, key).is_none() {
        call.edit::<Stream>(key)?;
        call.changed(key);
    }
    let stream = call.edit_quietly(key)?;
    if let Err(at) = stream.group(name) {
        let group = Group {
            name: name.clone(),
            last,
            read,
            pending: vec![],
            consumers: vec![],
        };
        stream.groups.insert(at, group);
    }
    Ok(())
}

/// `XGROUP DELCONSUMER`: false when there was no such consumer.
fn delete_consumer(call: &mut Call<'_>) -> Result<bool, Failure> {
    let (key, name, consumer) = (&call.args[2], &call.args[3], &call.args[4]);
    let group = call.group_mut(key, name)?;
    let Ok(at) = group.consumer(consumer) else {
        call.integer(0);
        return Ok(false);
    };
    group.consumers.remove(at);
    let before = group.pending.len();
    group
        .pending
        .retain(|pending| pending.consumer != *consumer);
    let removed = before - group.pending.len();
    call.event('t', "xgroup-delconsumer", key);
    call.integer(removed as i64);
    Ok(true)
}

pub fn xack(call: &mut Call<'_>) -> Result<(), Failure> {
    let (key, name) = (&call.args[1], &call.args[2]);
    let stream = call.stream_read(key)?;
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
    /// The consumer was not known before.
    new: bool,
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

    fn one(&mut self, call: &mut Call<'_>, id: Id) -> Result<Claimed, Failure> {
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
        self.new |= seen(group, self.consumer, now);
        let pending = &mut group.pending[at];
        pending.consumer = self.consumer.clone();
        pending.time_ms = self.time_ms;
        pending.count = match self.retries {
            Some(n) => n as u64,
            None => pending.count + u64::from(!self.just_id),
        };
        let pending = pending.clone();
        call.feed_claim(self.key, self.group, &pending, last);
        Ok(Claimed::Yes)
    }

    fn reply(&self, call: &mut Call<'_>, ids: &[Id]) -> Result<(), Failure> {
        let stream = call.stream(self.key)?.unwrap_or_default();
        call.array(ids.len());
        if self.new {
            call.event('t', CREATED, self.key);
        }
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
        new: false,
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
        new: false,
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
