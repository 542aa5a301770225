//! Strings: `SET` and its relatives, counters, parts of strings.

use super::number::Extended;
use super::support::{
    INT_OVERFLOW, NOT_FINITE, NOT_FLOAT, NOT_INTEGER, SYNTAX, decimal, fail, int, is, span, word,
};
use super::{Call, Expired, Failure, Lazy};
use crate::node::keyspace::{Entry, Form, Value};
use crate::wire::{Bytes, resp};

// --- SET and GET -----------------------------------------------------------------------------------------------------

/// How `EX`, `PX`, `EXAT` and `PXAT` give a time.
#[derive(Clone, Copy, PartialEq)]
struct Unit {
    seconds: bool,
    absolute: bool,
}

const EX: Unit = Unit {
    seconds: true,
    absolute: false,
};
const PX: Unit = Unit {
    seconds: false,
    absolute: false,
};
const EXAT: Unit = Unit {
    seconds: true,
    absolute: true,
};
const PXAT: Unit = Unit {
    seconds: false,
    absolute: true,
};

#[derive(Default)]
struct Options {
    nx: bool,
    xx: bool,
    get: bool,
    keepttl: bool,
    persist: bool,
    expiry: Option<(Unit, Bytes)>,
}

/// The options of `SET` or, with `getex`, those of `GETEX`.
fn options(args: &[Bytes], getex: bool) -> Result<Options, Failure> {
    let mut options = Options::default();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let unit = [("EX", EX), ("PX", PX), ("EXAT", EXAT), ("PXAT", PXAT)]
            .into_iter()
            .find(|(name, _)| is(arg, name));
        if let Some((_, unit)) = unit {
            let other = options.expiry.as_ref().is_some_and(|(old, _)| *old != unit);
            let Some(time) = rest
                .next()
                .filter(|_| !other && !options.keepttl && !options.persist)
            else {
                return fail(SYNTAX);
            };
            options.expiry = Some((unit, time.clone()));
            continue;
        }
        let timed = options.expiry.is_some();
        let accepted = if is(arg, "NX") {
            options.nx = true;
            !getex && !options.xx
        } else if is(arg, "XX") {
            options.xx = true;
            !getex && !options.nx
        } else if is(arg, "GET") {
            options.get = true;
            !getex
        } else if is(arg, "KEEPTTL") {
            options.keepttl = true;
            !getex && !timed
        } else if is(arg, "PERSIST") {
            options.persist = true;
            getex && !timed
        } else {
            false
        };
        if !accepted {
            return fail(SYNTAX);
        }
    }
    Ok(options)
}

/// When the key will expire, in Unix milliseconds.
fn deadline(call: &Call<'_>, unit: Unit, time: &[u8], name: &str) -> Result<i64, Failure> {
    let time = int(time)?;
    let ms = Some(time).filter(|&time| time > 0);
    let ms = ms.and_then(|time| time.checked_mul(if unit.seconds { 1000 } else { 1 }));
    let ms = ms.and_then(|ms| ms.checked_add(if unit.absolute { 0 } else { call.now_ms }));
    ms.ok_or_else(|| format!("ERR invalid expire time in '{name}' command"))
}

/// `SET` with an expiry, which goes into the stream as a point in time.
fn set_until(call: &mut Call<'_>, key: &Bytes, value: &Bytes, at: i64) {
    let entry = Entry::new(Value::String(value.clone())).until(Some(at));
    call.insert(call.db, key, entry);
    call.did('$', "set", key);
    call.event('g', "expire", key);
    call.instead(vec![
        word("SET"),
        key.clone(),
        value.clone(),
        word("PXAT"),
        decimal(at),
    ]);
    call.dirty += 1;
}

pub fn set(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let (key, value) = (&args[1], &args[2]);
    let options = options(&args[3..], false)?;
    let until = match &options.expiry {
        Some((unit, time)) => Some(deadline(call, *unit, time, "set")?),
        None => None,
    };
    let old = if options.get {
        call.read_string(key)?
    } else {
        None
    };
    // Where no key expires and none is asked for, there is nothing to look for.
    let expires = call.expired != Expired::Ignore && call.keyspace.expires(call.db) > 0;
    let plain = !expires && !options.nx && !options.xx;
    let found = !plain && call.claim(key);
    let done = !(options.nx && found || options.xx && !found);
    if options.get {
        call.bulk_or_nil(old.as_deref());
    }
    if done {
        // Without a counter the value that comes says when it was used.
        if call.keyspace.clock.lfu() {
            call.used(key);
        }
        if let Some(at) = until {
            set_until(call, key, value, at);
        } else {
            let string = Value::String(value.clone());
            if options.keepttl {
                call.replace(key, string);
            } else {
                let entry = Entry::new(string);
                call.insert(call.db, key, entry);
            }
            call.did('$', "set", key);
            call.dirty += 1;
            if options.get {
                let kept = args
                    .iter()
                    .enumerate()
                    .filter(|(i, arg)| *i < 3 || !is(arg, "GET"));
                call.instead(kept.map(|(_, arg)| arg.clone()).collect());
            }
        }
    }
    match (options.get, done) {
        (true, _) => {}
        (false, true) => call.ok(),
        (false, false) => call.nil(),
    }
    Ok(())
}

pub fn setnx(call: &mut Call<'_>) -> Result<(), Failure> {
    let (key, value) = (&call.args[1], &call.args[2]);
    let found = call.claim(key);
    call.used(key);
    if !found {
        call.store(key, Value::String(value.clone()));
        call.event('$', "set", key);
        call.dirty += 1;
    }
    call.integer(i64::from(!found));
    Ok(())
}

fn set_expiring(call: &mut Call<'_>, unit: Unit, name: &str) -> Result<(), Failure> {
    let args = call.args;
    let at = deadline(call, unit, &args[2], name)?;
    call.claim(&args[1]);
    call.used(&args[1]);
    set_until(call, &args[1], &args[3], at);
    call.ok();
    Ok(())
}

pub fn setex(call: &mut Call<'_>) -> Result<(), Failure> {
    set_expiring(call, EX, "setex")
}

pub fn psetex(call: &mut Call<'_>) -> Result<(), Failure> {
    set_expiring(call, PX, "psetex")
}

pub fn get(call: &mut Call<'_>) -> Result<(), Failure> {
    let value = call.read_string(&call.args[1])?;
    call.bulk_or_nil(value.as_deref());
    Ok(())
}

pub fn getset(call: &mut Call<'_>) -> Result<(), Failure> {
    let (key, value) = (&call.args[1], &call.args[2]);
    let old = call.read_string(key)?;
    call.bulk_or_nil(old.as_deref());
    call.used(key);
    call.store(key, Value::String(value.clone()));
    call.event('$', "set", key);
    call.dirty += 1;
    call.instead(vec![word("SET"), key.clone(), value.clone()]);
    Ok(())
}

pub fn getdel(call: &mut Call<'_>) -> Result<(), Failure> {
    let key = &call.args[1];
    let old = call.read_string(key)?;
    call.bulk_or_nil(old.as_deref());
    if old.is_some() {
        call.keyspace.remove(call.db, key);
        call.did('g', "del", key);
        call.dirty += 1;
        call.lazy = Some(Lazy::User);
        call.instead(vec![word("DEL"), key.clone()]);
    }
    Ok(())
}

pub fn getex(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let key = &args[1];
    let options = options(&args[2..], true)?;
    let Some(value) = call.read_string(key)? else {
        call.nil();
        return Ok(());
    };
    let at = match &options.expiry {
        Some((unit, time)) => Some((unit, deadline(call, *unit, time, "getex")?)),
        None => None,
    };
    call.bulk(&value);
    if let Some((unit, at)) = at {
        if unit.absolute && at <= call.now_ms && call.expired == Expired::Delete {
            call.keyspace.remove(call.db, key);
            call.did('g', "del", key);
            call.lazy = Some(Lazy::Expire);
            call.instead(vec![word("DEL"), key.clone()]);
        } else {
            call.keyspace.set_expiry(call.db, key, Some(at));
            call.did('g', "expire", key);
            call.instead(vec![word("PEXPIREAT"), key.clone(), decimal(at)]);
        }
        call.dirty += 1;
    } else if options.persist
        && call
            .keyspace
            .get(call.db, key)
            .is_some_and(|entry| entry.expire_at_ms.is_some())
    {
        call.keyspace.set_expiry(call.db, key, None);
        call.did('g', "persist", key);
        call.instead(vec![word("PERSIST"), key.clone()]);
        call.dirty += 1;
    }
    Ok(())
}

// --- several keys ----------------------------------------------------------------------------------------------------

pub fn mget(call: &mut Call<'_>) -> Result<(), Failure> {
    let keys = &call.args[1..];
    call.array(keys.len());
    for key in keys {
        let value = call.read_string(key).ok().flatten();
        call.bulk_or_nil(value.as_deref());
    }
    Ok(())
}

fn set_all(call: &mut Call<'_>) {
    for pair in call.args[1..].chunks_exact(2) {
        call.used(&pair[0]);
        call.store(&pair[0], Value::String(pair[1].clone()));
        call.event('$', "set", &pair[0]);
        call.dirty += 1;
    }
}

pub fn mset(call: &mut Call<'_>) -> Result<(), Failure> {
    if call.args.len().is_multiple_of(2) {
        return Err(call.error_arity());
    }
    set_all(call);
    call.ok();
    Ok(())
}

pub fn msetnx(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    if args.len().is_multiple_of(2) {
        return Err(call.error_arity());
    }
    let taken = args[1..].chunks_exact(2).any(|pair| call.claim(&pair[0]));
    if !taken {
        set_all(call);
    }
    call.integer(i64::from(!taken));
    Ok(())
}

// --- parts -----------------------------------------------------------------------------------------------------------

impl Call<'_> {
    /// Longest string that commands make (`proto-max-bulk-len`); a master's may be as long as they like.
    pub(super) fn longest(&self) -> u64 {
        match self.expired {
            Expired::Ignore => u64::MAX,
            _ => self.keyspace.limits().string,
        }
    }
}

/// Refuses what would be longer than a string may be.
fn fits(offset: usize, len: usize, longest: u64) -> Result<(), Failure> {
    let total = (offset as u64).saturating_add(len as u64);
    if total > longest {
        fail("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
    } else {
        Ok(())
    }
}

pub fn append(call: &mut Call<'_>) -> Result<(), Failure> {
    let (key, tail) = (&call.args[1], &call.args[2]);
    let longest = call.longest();
    let (value, form) = match call.claim_string(key)? {
        None => (tail.clone(), Form::Whole),
        Some(head) => {
            fits(head.len(), tail.len(), longest)?;
            ([&head[..], tail].concat().into(), Form::Raw)
        }
    };
    let len = value.len();
    call.replace_as(key, Value::String(value), form);
    call.did('$', "append", key);
    call.dirty += 1;
    call.integer(len as i64);
    Ok(())
}

pub fn strlen(call: &mut Call<'_>) -> Result<(), Failure> {
    let len = call
        .read_string(&call.args[1])?
        .map_or(0, |value| value.len());
    call.integer(len as i64);
    Ok(())
}

pub fn getrange(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let (start, end) = (int(&args[2])?, int(&args[3])?);
    let value = call.read_string(&args[1])?;
    let value = value.as_deref().unwrap_or_default();
    // unlike the lists, an end before the first byte still gives that byte, unless both are negative and crossed
    let crossed = start < 0 && end < 0 && start > end;
    let end = if end < 0 {
        end.saturating_add(value.len() as i64).max(0)
    } else {
        end
    };
    let part = if crossed {
        0..0
    } else {
        span(start, end, value.len())
    };
    call.bulk(&value[part]);
    Ok(())
}

pub fn setrange(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let (key, part) = (&args[1], &args[3]);
    let offset = int(&args[2])?;
    let Ok(offset) = usize::try_from(offset) else {
        return fail("ERR offset is out of range");
    };
    let longest = call.longest();
    let old = call.claim_string(key)?;
    let old = old.as_deref().unwrap_or_default();
    let len = if part.is_empty() {
        old.len()
    } else {
        fits(offset, part.len(), longest)?;
        let end = offset + part.len();
        let mut value = old.to_vec();
        value.resize(old.len().max(end), 0);
        value[offset..end].copy_from_slice(part);
        let len = value.len();
        call.replace_as(key, Value::String(value.into()), Form::Raw);
        call.did('$', "setrange", key);
        call.dirty += 1;
        len
    };
    call.integer(len as i64);
    Ok(())
}

// --- counters --------------------------------------------------------------------------------------------------------

fn add(call: &mut Call<'_>, increment: i64) -> Result<(), Failure> {
    let key = &call.args[1];
    let old = match call.claim_string(key)? {
        Some(text) => int(&text)?,
        None => 0,
    };
    let Some(value) = old.checked_add(increment) else {
        return fail(INT_OVERFLOW);
    };
    call.replace(key, Value::String(decimal(value)));
    call.did('$', "incrby", key);
    call.dirty += 1;
    call.integer(value);
    Ok(())
}

pub fn incr(call: &mut Call<'_>) -> Result<(), Failure> {
    add(call, 1)
}

pub fn decr(call: &mut Call<'_>) -> Result<(), Failure> {
    add(call, -1)
}

pub fn incrby(call: &mut Call<'_>) -> Result<(), Failure> {
    let increment = int(&call.args[2])?;
    add(call, increment)
}

pub fn decrby(call: &mut Call<'_>) -> Result<(), Failure> {
    let decrement = resp::parse_i64(&call.args[2]).ok_or(NOT_INTEGER)?;
    let increment = decrement
        .checked_neg()
        .ok_or("ERR decrement would overflow")?;
    add(call, increment)
}

pub fn incrbyfloat(call: &mut Call<'_>) -> Result<(), Failure> {
    let (key, increment) = (&call.args[1], &call.args[2]);
    let old = call.claim_string(key)?;
    let old = Extended::parse(old.as_deref().unwrap_or(b"0")).ok_or(NOT_FLOAT)?;
    let increment = Extended::parse(increment).ok_or(NOT_FLOAT)?;
    let value = word(&old.plus(increment).ok_or(NOT_FINITE)?.text());
    call.replace_as(key, Value::String(value.clone()), Form::Text);
    call.did('$', "incrbyfloat", key);
    call.dirty += 1;
    call.instead(vec![
        word("SET"),
        key.clone(),
        value.clone(),
        word("KEEPTTL"),
    ]);
    call.bulk(&value);
    Ok(())
}
