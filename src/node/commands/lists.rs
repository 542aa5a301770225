//! Lists.

use super::support::{
    NO_KEY, SYNTAX, count, decimal, fail, int, int_from, is, numbered, pop_count, size, span, word,
};
use super::{Call, Failure};
use crate::node::keyspace::{List, Shared};
use crate::wire::{Bytes, resp};

// --- both ends -------------------------------------------------------------------------------------------------------

fn push(call: &mut Call<'_>, left: bool, only_existing: bool) -> Result<(), Failure> {
    let (key, items) = (&call.args[1], &call.args[2..]);
    let found = call.claim_as::<List>(key)?.is_some();
    if !found && only_existing {
        call.integer(0);
        return Ok(());
    }
    let list = call.edit::<List>(key)?;
    for item in items {
        if left {
            list.push_front(item.clone());
        } else {
            list.push_back(item.clone());
        }
    }
    let len = list.len();
    call.dirty += items.len() as u64;
    call.integer(len as i64);
    call.did('l', if left { "lpush" } else { "rpush" }, key);
    Ok(())
}

pub fn lpush(call: &mut Call<'_>) -> Result<(), Failure> {
    push(call, true, false)
}

pub fn rpush(call: &mut Call<'_>) -> Result<(), Failure> {
    push(call, false, false)
}

pub fn lpushx(call: &mut Call<'_>) -> Result<(), Failure> {
    push(call, true, true)
}

pub fn rpushx(call: &mut Call<'_>) -> Result<(), Failure> {
    push(call, false, true)
}

/// Takes up to `wanted` items from one end of a list that exists; [`taken`] when they are in the reply.
fn take(
    call: &mut Call<'_>,
    key: &Bytes,
    left: bool,
    wanted: usize,
) -> Result<Vec<Bytes>, Failure> {
    let list = call.edit::<List>(key)?;
    let wanted = wanted.min(list.len());
    let items: Vec<Bytes> = if left {
        list.drain(..wanted).collect()
    } else {
        list.drain(list.len() - wanted..).rev().collect()
    };
    call.dirty += items.len() as u64;
    Ok(items)
}

/// Something was taken from a list, which may be empty now.
fn taken(call: &mut Call<'_>, key: &Bytes, left: bool) {
    call.event('l', if left { "lpop" } else { "rpop" }, key);
    call.left(key);
    call.changed(key);
}

fn pop(call: &mut Call<'_>, left: bool) -> Result<(), Failure> {
    let args = call.args;
    let key = &args[1];
    if args.len() > 3 {
        return Err(call.error_arity());
    }
    let wanted = match args.get(2) {
        Some(arg) => Some(count(arg)?),
        None => None,
    };
    let found = call.claim_as::<List>(key)?.is_some();
    match wanted {
        None if !found => call.nil(),
        Some(_) if !found => call.nil_array(),
        Some(0) => call.array(0),
        Some(wanted) => {
            let items = take(call, key, left, wanted)?;
            call.bulks(items.iter());
            taken(call, key, left);
        }
        None => {
            let items = take(call, key, left, 1)?;
            call.bulk_or_nil(items.first().map(|item| &item[..]));
            taken(call, key, left);
        }
    }
    Ok(())
}

pub fn lpop(call: &mut Call<'_>) -> Result<(), Failure> {
    pop(call, true)
}

pub fn rpop(call: &mut Call<'_>) -> Result<(), Failure> {
    pop(call, false)
}

/// `LEFT` (true) or `RIGHT`.
fn end(arg: &[u8]) -> Result<bool, Failure> {
    if is(arg, "LEFT") {
        Ok(true)
    } else if is(arg, "RIGHT") {
        Ok(false)
    } else {
        fail(SYNTAX)
    }
}

pub fn lmpop(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let (keys, rest) = numbered(args)?.ok_or(SYNTAX)?;
    let Some((first, rest)) = rest.split_first() else {
        return fail(SYNTAX);
    };
    let left = end(first)?;
    let wanted = pop_count(rest)?;
    for key in keys {
        if call.claim_as::<List>(key)?.is_some() {
            let items = take(call, key, left, wanted)?;
            call.instead(vec![
                word(if left { "LPOP" } else { "RPOP" }),
                key.clone(),
                decimal(items.len() as i64),
            ]);
            call.array(2);
            call.bulk(key);
            call.bulks(items.iter());
            taken(call, key, left);
            return Ok(());
        }
    }
    call.nil_array();
    Ok(())
}

fn move_item(call: &mut Call<'_>, from_left: bool, to_left: bool) -> Result<(), Failure> {
    let (from, to) = (&call.args[1], &call.args[2]);
    if call.claim_as::<List>(from)?.is_none() {
        call.nil();
        return Ok(());
    }
    call.claim_as::<List>(to)?;
    let list = call.edit::<List>(from)?;
    let item = if from_left {
        list.pop_front()
    } else {
        list.pop_back()
    };
    let Some(item) = item else {
        return fail(NO_KEY);
    };
    let list = call.edit::<List>(to)?;
    if to_left {
        list.push_front(item.clone());
    } else {
        list.push_back(item.clone());
    }
    call.did('l', if to_left { "lpush" } else { "rpush" }, to);
    call.bulk(&item);
    taken(call, from, from_left);
    call.dirty += 1;
    Ok(())
}

pub fn lmove(call: &mut Call<'_>) -> Result<(), Failure> {
    let (from_left, to_left) = (end(&call.args[3])?, end(&call.args[4])?);
    move_item(call, from_left, to_left)
}

pub fn rpoplpush(call: &mut Call<'_>) -> Result<(), Failure> {
    move_item(call, false, true)
}

// --- reading ---------------------------------------------------------------------------------------------------------

fn list(call: &mut Call<'_>, key: &Bytes) -> Result<Shared<List>, Failure> {
    Ok(call.read::<List>(key)?.unwrap_or_default())
}

pub fn lrange(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let (start, stop) = (int(&args[2])?, int(&args[3])?);
    let list = list(call, &args[1])?;
    call.bulks(list.range(span(start, stop, list.len())));
    Ok(())
}

pub fn llen(call: &mut Call<'_>) -> Result<(), Failure> {
    let len = list(call, &call.args[1])?.len();
    call.integer(len as i64);
    Ok(())
}

/// The place that an index means, if there is one; negative counts from the tail.
fn place(index: i64, len: usize) -> Option<usize> {
    let index = if index < 0 {
        index.checked_add(len as i64)?
    } else {
        index
    };
    usize::try_from(index).ok().filter(|&index| index < len)
}

pub fn lindex(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let list = call.read::<List>(&args[1])?;
    let item = match &list {
        Some(list) => place(int(&args[2])?, list.len()).and_then(|place| list.get(place)),
        None => None,
    };
    call.bulk_or_nil(item.map(|item| &item[..]));
    Ok(())
}

pub fn lpos(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let (key, wanted) = (&args[1], &args[2]);
    let (mut rank, mut limit, mut steps) = (1, None, 0);
    for pair in args[3..].chunks(2) {
        let [name, value] = pair else {
            return fail(SYNTAX);
        };
        if is(name, "RANK") {
            rank = int(value)?;
            if rank == 0 {
                return fail(
                    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... \
                     or use negative to start from the end of the list",
                );
            }
        } else if is(name, "COUNT") {
            limit = Some(int_from(value, 0, "ERR COUNT can't be negative")?);
        } else if is(name, "MAXLEN") {
            steps = int_from(value, 0, "ERR MAXLEN can't be negative")?;
        } else {
            return fail(SYNTAX);
        }
    }
    let list = list(call, key)?;
    let all = |n: i64| if n == 0 { usize::MAX } else { size(n) };
    let matching = |place: &usize| list.get(*place) == Some(wanted);
    let skip = rank.checked_abs().map_or(0, |rank| size(rank - 1)); // the lowest integer overflows in Redis too
    let take = limit.map_or(1, all);
    let places: Vec<usize> = if rank > 0 {
        (0..list.len())
            .take(all(steps))
            .filter(matching)
            .skip(skip)
            .take(take)
            .collect()
    } else {
        (0..list.len())
            .rev()
            .take(all(steps))
            .filter(matching)
            .skip(skip)
            .take(take)
            .collect()
    };
    match (limit, places.first()) {
        (None, Some(&place)) => call.integer(place as i64),
        (None, None) => call.nil(),
        (Some(_), _) => {
            call.array(places.len());
            places.iter().for_each(|&place| call.integer(place as i64));
        }
    }
    Ok(())
}

// --- changing in place -----------------------------------------------------------------------------------------------

pub fn lset(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let key = &args[1];
    let len = call.claim_as::<List>(key)?.ok_or(NO_KEY)?.len();
    let place = place(int(&args[2])?, len).ok_or("ERR index out of range")?;
    if let Some(item) = call.edit::<List>(key)?.get_mut(place) {
        *item = args[3].clone();
    }
    call.dirty += 1;
    call.ok();
    call.did('l', "lset", key);
    Ok(())
}

pub fn lrem(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let (key, item) = (&args[1], &args[3]);
    let count = int(&args[2])?;
    let limit = if count == 0 {
        usize::MAX
    } else {
        size(count.saturating_abs())
    };
    let found = call
        .claim_as::<List>(key)?
        .map_or(0, |list| list.iter().filter(|have| *have == item).count());
    let removed = found.min(limit);
    if removed > 0 {
        // those to keep: the last ones, or the first ones when it goes from the tail
        let (mut met, keep) = (0, found - removed);
        call.edit::<List>(key)?.retain(|have| {
            if have != item {
                return true;
            }
            met += 1;
            if count < 0 {
                met <= keep
            } else {
                met > removed
            }
        });
        call.did('l', "lrem", key);
        call.left(key);
        call.dirty += removed as u64;
    }
    call.integer(removed as i64);
    Ok(())
}

pub fn ltrim(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let key = &args[1];
    let (start, stop) = (int(&args[2])?, int(&args[3])?);
    let len = call.claim_as::<List>(key)?.map_or(0, |list| list.len());
    let kept = span(start, stop, len);
    if len > 0 {
        call.dirty += (len - kept.len()) as u64;
        let list = call.edit::<List>(key)?;
        list.truncate(kept.end);
        list.drain(..kept.start);
        call.event('l', "ltrim", key);
        call.left(key);
        call.changed(key);
    }
    call.ok();
    Ok(())
}

pub fn linsert(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let (key, pivot, item) = (&args[1], &args[3], &args[4]);
    let after = is(&args[2], "AFTER");
    if !after && !is(&args[2], "BEFORE") {
        return fail(SYNTAX);
    }
    let found = call
        .claim_as::<List>(key)?
        .map(|list| list.iter().position(|have| have == pivot));
    let len = match found {
        None => 0,
        Some(None) => -1,
        Some(Some(place)) => {
            let list = call.edit::<List>(key)?;
            list.insert(place + usize::from(after), item.clone());
            let len = list.len() as i64;
            call.dirty += 1;
            call.did('l', "linsert", key);
            len
        }
    };
    resp::integer(call.reply, len);
    Ok(())
}
