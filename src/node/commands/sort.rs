//! `SORT`, and keys as portable bytes: `DUMP` and `RESTORE`.

use super::number::lax_double;
use super::support::{SYNTAX, WRONG_TYPE, decimal, fail, int, is, size, word};
use super::{Call, Expired, Failure, Lazy};
use crate::node::keyspace::{Entry, List, Value, rdb_value, value_from_rdb};
use crate::wire::Bytes;
use crate::wire::rdb::{self, Use};

/// A payload with the right checksum, and nonsense in it.
pub(in crate::node) const BAD_DATA: &str = "ERR Bad data format";

// --- DUMP and RESTORE ------------------------------------------------------------------------------------------------

pub fn dump(call: &mut Call<'_>) -> Result<(), Failure> {
    let Some(entry) = call.lookup(&call.args[1]) else {
        call.nil();
        return Ok(());
    };
    let value = entry.value.clone();
    let shape = call.keyspace.shape(&value);
    let compress = call.keyspace.limits().compress;
    call.bulk(&rdb::write::dump(&rdb_value(&value), shape, compress));
    Ok(())
}

pub fn restore(call: &mut Call<'_>) -> Result<(), Failure> {
    let (args, key) = (call.args, &call.args[1]);
    let (mut replace, mut absolute) = (false, false);
    let (mut idle_s, mut freq) = (None, None);
    let mut rest = args[4..].iter();
    while let Some(arg) = rest.next() {
        if is(arg, "REPLACE") {
            replace = true;
        } else if is(arg, "ABSTTL") {
            absolute = true;
        } else if is(arg, "IDLETIME")
            && freq.is_none()
            && let Some(n) = rest.next()
        {
            let n = u64::try_from(int(n)?);
            idle_s = Some(n.map_err(|_| "ERR Invalid IDLETIME value, must be >= 0")?);
        } else if is(arg, "FREQ")
            && idle_s.is_none()
            && let Some(n) = rest.next()
        {
            let n = u8::try_from(int(n)?);
            freq = Some(n.map_err(|_| "ERR Invalid FREQ value, must be >= 0 and <= 255")?);
        } else {
            return fail(SYNTAX);
        }
    }
    // what will be replaced is not looked at, expired or not
    let exists = replace && call.keyspace.get(call.db, key).is_some();
    if !replace && call.claim(key) {
        return fail("BUSYKEY Target key name already exists.");
    }
    let ttl = int(&args[2])?;
    if ttl < 0 {
        return fail("ERR Invalid TTL value, must be >= 0");
    }
    let body = rdb::read::dumped(&args[3], call.keyspace.unchecked)
        .ok_or("ERR DUMP payload version or checksum are wrong")?;
    let value = rdb::read::value(body).ok().flatten();
    let value = value.and_then(|value| value_from_rdb(value).ok());
    let value = value.ok_or(BAD_DATA)?;
    let expire_at_ms = match ttl {
        0 => None,
        ttl if absolute => Some(ttl),
        ttl => Some(ttl.saturating_add(call.now_ms)),
    };
    if exists {
        call.keyspace.remove(call.db, key);
    }
    if expire_at_ms.is_some_and(|at| at <= call.now_ms) && call.expired == Expired::Delete {
        if exists {
            call.did('g', "del", key);
            call.lazy = Some(Lazy::Server);
            call.instead(vec![word("DEL"), key.clone()]);
            call.dirty += 1;
        }
        call.ok();
        return Ok(());
    }
    let entry = Entry {
        access: call.keyspace.clock.noted(Use { idle_s, freq }),
        ..Entry::new(value).until(expire_at_ms)
    };
    call.insert(call.db, key, entry);
    call.did('g', "restore", key);
    if let Some(at) = expire_at_ms.filter(|_| !absolute) {
        let mut sent = args.to_vec();
        sent[2] = decimal(at);
        sent.push(word("ABSTTL"));
        call.instead(sent);
    }
    call.ok();
    call.dirty += 1;
    Ok(())
}

// --- SORT ------------------------------------------------------------------------------------------------------------

/// What a pattern of `BY` or `GET` gives for an element: the element, the string of a key, or a field of a hash.
fn by_pattern(call: &mut Call<'_>, pattern: &[u8], element: &Bytes) -> Option<Bytes> {
    if pattern == b"#" {
        return Some(element.clone());
    }
    let star = pattern.iter().position(|&b| b == b'*')?;
    let (before, after) = (&pattern[..star], &pattern[star + 1..]);
    let arrow = after.windows(2).position(|two| two == b"->");
    let arrow = arrow.filter(|at| at + 2 < after.len());
    let key = [before, element, &after[..arrow.unwrap_or(after.len())]].concat();
    match (&call.lookup(&key.into())?.value, arrow) {
        (Value::String(text), None) => Some(text.clone()),
        (Value::Hash(hash), Some(at)) => hash.get(&after[at + 2..]).cloned(),
        _ => None,
    }
}

fn sort_generic(call: &mut Call<'_>, read_only: bool) -> Result<(), Failure> {
    let args = call.args;
    // a pattern that is the same for all elements means not to sort, whatever else is said
    let (mut sorting, mut descending, mut alpha) = (true, false, false);
    let (mut by, mut store, mut gets) = (None, None, vec![]);
    let (mut offset, mut count) = (0, -1);
    let mut rest = args[2..].iter();
    while let Some(arg) = rest.next() {
        let left = rest.len();
        let mut next = || rest.next().ok_or(SYNTAX);
        if is(arg, "ASC") {
            descending = false;
        } else if is(arg, "DESC") {
            descending = true;
        } else if is(arg, "ALPHA") {
            alpha = true;
        } else if is(arg, "LIMIT") && left > 1 {
            offset = int(next()?)?;
            count = int(next()?)?;
        } else if is(arg, "STORE") && !read_only {
            store = Some(next()?);
        } else if is(arg, "BY") {
            let pattern = next()?;
            sorting &= pattern.contains(&b'*');
            by = Some(pattern);
        } else if is(arg, "GET") {
            gets.push(&next()?[..]);
        } else {
            return fail(SYNTAX);
        }
    }
    let mut reversible = true;
    let mut elements: Vec<Bytes> = match call.lookup(&args[1]).map(|entry| &entry.value) {
        None => vec![],
        Some(Value::List(list)) => list.iter().cloned().collect(),
        Some(Value::Set(set)) => {
            reversible = false;
            if store.is_some() && !sorting {
                (sorting, alpha, by) = (true, true, None);
            }
            set.listed().into_iter().cloned().collect()
        }
        Some(Value::Zset(zset)) => zset.iter().map(|(member, _)| member.clone()).collect(),
        Some(_) => return fail(WRONG_TYPE),
    };
    if descending && reversible && !sorting {
        elements.reverse();
    }
    if sorting {
        let mut weighed = vec![];
        for element in elements {
            let text = match by {
                Some(pattern) => by_pattern(call, pattern, &element),
                None => Some(element.clone()),
            };
            let score = match &text {
                Some(text) if !alpha && !text.is_empty() => lax_double(text)
                    .ok_or("ERR One or more scores can't be converted into double")?,
                _ => 0.0,
            };
            weighed.push((score, text.filter(|_| alpha), element));
        }
        crate::order::sort_by(&mut weighed, |(x, s, a), (y, t, b)| {
            let order = (x + 0.0).total_cmp(&(y + 0.0)).then_with(|| s.cmp(t));
            let order = if alpha {
                order
            } else {
                order.then_with(|| a.cmp(b))
            };
            if descending { order.reverse() } else { order }
        });
        elements = weighed.into_iter().map(|(_, _, element)| element).collect();
    }
    let count = if count < 0 { usize::MAX } else { size(count) };
    let elements = elements.into_iter().skip(size(offset)).take(count);
    if gets.is_empty() {
        gets.push(&b"#"[..]);
    }
    let wanted: Vec<_> = elements
        .flat_map(|element| gets.iter().map(move |pattern| (*pattern, element.clone())))
        .collect();
    match store {
        None => {
            call.array(wanted.len());
            for (pattern, element) in wanted {
                let text = by_pattern(call, pattern, &element);
                call.bulk_or_nil(text.as_deref());
            }
        }
        Some(key) => {
            let out = wanted
                .into_iter()
                .map(|(pattern, element)| by_pattern(call, pattern, &element));
            let list: List = out.map(Option::unwrap_or_default).collect();
            call.store_result(key, Value::list(list), ('l', "sortstore"), false);
        }
    }
    Ok(())
}

pub fn sort(call: &mut Call<'_>) -> Result<(), Failure> {
    sort_generic(call, false)
}

pub fn sort_ro(call: &mut Call<'_>) -> Result<(), Failure> {
    sort_generic(call, true)
}
