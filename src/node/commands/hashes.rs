//! Hashes.

use super::number::Extended;
use super::support::{
    INT_OVERFLOW, NOT_FINITE, NOT_FLOAT, OUT_OF_RANGE, SYNTAX, decimal, fail, int, int_within, is,
    pick, pick_many, word,
};
use super::{Call, Failure};
use crate::node::keyspace::{Hash, Shared};
use crate::wire::{Bytes, resp};

fn hash(call: &mut Call<'_>) -> Result<Shared<Hash>, Failure> {
    Ok(call.read::<Hash>(&call.args[1])?.unwrap_or_default())
}

// --- reading ---------------------------------------------------------------------------------------------------------

pub fn hget(call: &mut Call<'_>) -> Result<(), Failure> {
    let hash = hash(call)?;
    call.bulk_or_nil(hash.get(&call.args[2]).map(|value| &value[..]));
    Ok(())
}

pub fn hmget(call: &mut Call<'_>) -> Result<(), Failure> {
    let hash = hash(call)?;
    let fields = &call.args[2..];
    call.array(fields.len());
    for field in fields {
        call.bulk_or_nil(hash.get(field).map(|value| &value[..]));
    }
    Ok(())
}

fn list(call: &mut Call<'_>, names: bool, values: bool) -> Result<(), Failure> {
    let hash = hash(call)?;
    if names && values {
        call.reply.map(hash.len());
    } else {
        call.array(hash.len());
    }
    for (field, value) in hash.iter() {
        if names {
            call.bulk(field);
        }
        if values {
            call.bulk(value);
        }
    }
    Ok(())
}

pub fn hgetall(call: &mut Call<'_>) -> Result<(), Failure> {
    list(call, true, true)
}

pub fn hkeys(call: &mut Call<'_>) -> Result<(), Failure> {
    list(call, true, false)
}

pub fn hvals(call: &mut Call<'_>) -> Result<(), Failure> {
    list(call, false, true)
}

pub fn hexists(call: &mut Call<'_>) -> Result<(), Failure> {
    let found = hash(call)?.get(&call.args[2]).is_some();
    call.integer(i64::from(found));
    Ok(())
}

pub fn hlen(call: &mut Call<'_>) -> Result<(), Failure> {
    let len = hash(call)?.len();
    call.integer(len as i64);
    Ok(())
}

pub fn hstrlen(call: &mut Call<'_>) -> Result<(), Failure> {
    let len = hash(call)?
        .get(&call.args[2])
        .map_or(0, |value| value.len());
    call.integer(len as i64);
    Ok(())
}

pub fn hrandfield(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let Some(count) = args.get(2) else {
        let hash = hash(call)?;
        let field = pick(call.rng, hash.len()).and_then(|place| hash.nth(place));
        call.bulk_or_nil(field.map(|(field, _)| &field[..]));
        return Ok(());
    };
    let (count, values) = random_count(count, &args[3..], "WITHVALUES")?;
    let hash = hash(call)?;
    let places = pick_many(call.rng, hash.len(), count)?;
    call.pairs(places.len(), values);
    for (field, value) in places.into_iter().filter_map(|place| hash.nth(place)) {
        call.pair(values);
        call.bulk(field);
        if values {
            call.bulk(value);
        }
    }
    Ok(())
}

/// The count of `HRANDFIELD` and `ZRANDMEMBER`, and whether the option that doubles the reply is there.
pub fn random_count(count: &[u8], rest: &[Bytes], option: &str) -> Result<(i64, bool), Failure> {
    let count = int_within(count, -i64::MAX, i64::MAX)?;
    match rest {
        [] => Ok((count, false)),
        [name] if !is(name, option) => fail(SYNTAX),
        [_] if count.unsigned_abs() > (i64::MAX / 2) as u64 => fail(OUT_OF_RANGE),
        [_] => Ok((count, true)),
        _ => fail(SYNTAX),
    }
}

// --- writing ---------------------------------------------------------------------------------------------------------

/// Sets the fields of `HSET` and `HMSET`; how many are new.
fn set_fields(call: &mut Call<'_>) -> Result<i64, Failure> {
    let args = call.args;
    let key = &args[1];
    if args.len() % 2 == 1 {
        return Err(call.error_arity());
    }
    call.claim_as::<Hash>(key)?;
    let hash = call.edit::<Hash>(key)?;
    let pairs = args[2..].chunks_exact(2);
    let created = pairs
        .filter(|pair| hash.set(pair[0].clone(), pair[1].clone()))
        .count();
    call.dirty += (args.len() / 2 - 1) as u64;
    Ok(created as i64)
}

pub fn hset(call: &mut Call<'_>) -> Result<(), Failure> {
    let created = set_fields(call)?;
    call.integer(created);
    call.did('h', "hset", &call.args[1]);
    Ok(())
}

pub fn hmset(call: &mut Call<'_>) -> Result<(), Failure> {
    set_fields(call)?;
    call.ok();
    call.did('h', "hset", &call.args[1]);
    Ok(())
}

/// Sets one field and counts it as a change.
fn set_field(call: &mut Call<'_>, value: Bytes) -> Result<(), Failure> {
    let args = call.args;
    call.edit::<Hash>(&args[1])?.set(args[2].clone(), value);
    call.dirty += 1;
    Ok(())
}

pub fn hsetnx(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let found = call
        .claim_as::<Hash>(&args[1])?
        .is_some_and(|hash| hash.get(&args[2]).is_some());
    if !found {
        set_field(call, args[3].clone())?;
    }
    call.integer(i64::from(!found));
    if !found {
        call.did('h', "hset", &args[1]);
    }
    Ok(())
}

pub fn hdel(call: &mut Call<'_>) -> Result<(), Failure> {
    let (key, fields) = (&call.args[1], &call.args[2..]);
    let hash = call.claim_as::<Hash>(key)?;
    let any = hash.is_some_and(|hash| fields.iter().any(|field| hash.get(field).is_some()));
    let mut removed = 0;
    if any {
        let hash = call.edit::<Hash>(key)?;
        removed = fields.iter().filter(|field| hash.remove(field)).count();
        call.dirty += removed as u64;
        call.did('h', "hdel", key);
        call.left(key);
    }
    call.integer(removed as i64);
    Ok(())
}

pub fn hincrby(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let increment = int(&args[3])?;
    let old = call
        .claim_as::<Hash>(&args[1])?
        .and_then(|hash| hash.get(&args[2]).cloned());
    let old = old
        .map_or(Some(0), |text| resp::parse_i64(&text))
        .ok_or("ERR hash value is not an integer")?;
    let value = old.checked_add(increment).ok_or(INT_OVERFLOW)?;
    set_field(call, decimal(value))?;
    call.integer(value);
    call.did('h', "hincrby", &args[1]);
    Ok(())
}

pub fn hincrbyfloat(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let increment = Extended::parse(&args[3]).ok_or(NOT_FLOAT)?;
    if increment.infinite() {
        return fail("ERR value is NaN or Infinity");
    }
    let old = call
        .claim_as::<Hash>(&args[1])?
        .and_then(|hash| hash.get(&args[2]).cloned());
    let old =
        Extended::parse(old.as_deref().unwrap_or(b"0")).ok_or("ERR hash value is not a float")?;
    let value = word(&old.plus(increment).ok_or(NOT_FINITE)?.text());
    set_field(call, value.clone())?;
    call.instead(vec![
        word("HSET"),
        args[1].clone(),
        args[2].clone(),
        value.clone(),
    ]);
    call.bulk(&value);
    call.did('h', "hincrbyfloat", &args[1]);
    Ok(())
}
