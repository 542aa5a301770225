//! Sets.

use super::support::{
    SYNTAX, at_most, count, fail, int_within, numbered, pick, pick_different, pick_many, size, word,
};
use super::{Call, Failure, Propagate};
use crate::node::keyspace::{Set, Shared, Value};
use crate::wire::Bytes;

fn set(call: &mut Call<'_>, key: &Bytes) -> Result<Shared<Set>, Failure> {
    Ok(call.read::<Set>(key)?.unwrap_or_default())
}

// --- one set ---------------------------------------------------------------------------------------------------------

pub fn sadd(call: &mut Call<'_>) -> Result<(), Failure> {
    let (key, members) = (&call.args[1], &call.args[2..]);
    let old = call.claim_as::<Set>(key)?.unwrap_or_default();
    let any = members.iter().any(|member| !old.contains(member));
    drop(old);
    let mut added = 0;
    if any {
        let set = call.edit::<Set>(key)?;
        added = members
            .iter()
            .filter(|member| set.add((*member).clone()))
            .count();
        call.dirty += added as u64;
        call.did('s', "sadd", key);
    }
    call.integer(added as i64);
    Ok(())
}

pub fn srem(call: &mut Call<'_>) -> Result<(), Failure> {
    let (key, members) = (&call.args[1], &call.args[2..]);
    let old = call.claim_as::<Set>(key)?.unwrap_or_default();
    let any = members.iter().any(|member| old.contains(member));
    drop(old);
    let mut removed = 0;
    if any {
        let set = call.edit::<Set>(key)?;
        removed = members.iter().filter(|member| set.remove(member)).count();
        call.dirty += removed as u64;
        call.did('s', "srem", key);
        call.left(key);
    }
    call.integer(removed as i64);
    Ok(())
}

pub fn smembers(call: &mut Call<'_>) -> Result<(), Failure> {
    let set = set(call, &call.args[1])?;
    call.set(set.listed().into_iter());
    Ok(())
}

pub fn scard(call: &mut Call<'_>) -> Result<(), Failure> {
    let len = set(call, &call.args[1])?.len();
    call.integer(len as i64);
    Ok(())
}

pub fn sismember(call: &mut Call<'_>) -> Result<(), Failure> {
    let found = set(call, &call.args[1])?.contains(&call.args[2]);
    call.integer(i64::from(found));
    Ok(())
}

pub fn smismember(call: &mut Call<'_>) -> Result<(), Failure> {
    let members = &call.args[2..];
    let set = set(call, &call.args[1])?;
    call.array(members.len());
    members
        .iter()
        .for_each(|member| call.integer(i64::from(set.contains(member))));
    Ok(())
}

pub fn smove(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let (from, to, member) = (&args[1], &args[2], &args[3]);
    let _ = (call.claim(from), call.claim(to)); // both are looked up before any error
    let source = call.claim_as::<Set>(from)?;
    let Some(found) = source.map(|set| set.contains(member)) else {
        call.integer(0);
        return Ok(());
    };
    let there = call
        .claim_as::<Set>(to)?
        .is_some_and(|set| set.contains(member));
    if found && from != to {
        call.edit::<Set>(from)?.remove(member);
        call.event('s', "srem", from);
        call.left(from);
        // who watches the destination hears only of what changes it
        if !there {
            call.edit::<Set>(to)?.add(member.clone());
        }
        call.changed(from);
        if !there {
            call.did('s', "sadd", to);
        }
        call.dirty += 1;
    }
    call.integer(i64::from(found));
    Ok(())
}

// --- chance ----------------------------------------------------------------------------------------------------------

/// What was taken goes into the stream by name, because a replica has its own luck.
pub fn spop(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let key = &args[1];
    if args.len() > 3 {
        return fail(SYNTAX);
    }
    let wanted = match args.get(2) {
        Some(arg) => count(arg)?,
        None => 1,
    };
    let set = call.claim_as::<Set>(key)?.unwrap_or_default();
    let all = args.len() == 3 && wanted >= set.len();
    let members: Vec<Bytes> = if all {
        set.listed().into_iter().cloned().collect()
    } else {
        let places = pick_different(call.rng, set.len(), wanted);
        places
            .into_iter()
            .filter_map(|place| set.nth(place))
            .cloned()
            .collect()
    };
    drop(set);
    if !members.is_empty() {
        call.event('s', "spop", key);
    }
    if all {
        call.instead(vec![word("DEL"), key.clone()]);
    } else if !members.is_empty() {
        let set = call.edit::<Set>(key)?;
        for member in &members {
            set.remove(member);
        }
        let commands = members
            .iter()
            .map(|member| vec![word("SREM"), key.clone(), member.clone()]);
        call.propagate = Propagate::Instead(commands.collect());
    }
    call.dirty += members.len() as u64;
    if args.len() == 3 {
        call.set(members.iter());
    } else {
        call.bulk_or_nil(members.first().map(|member| &member[..]));
    }
    if all && call.keyspace.remove(call.db, key).is_some() {
        call.event('g', "del", key);
    } else if !members.is_empty() {
        call.left(key);
    }
    if !members.is_empty() {
        call.changed(key);
    }
    Ok(())
}

pub fn srandmember(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    if args.len() > 3 {
        return fail(SYNTAX);
    }
    let Some(count) = args.get(2) else {
        let set = set(call, &args[1])?;
        let member = pick(call.rng, set.len()).and_then(|place| set.nth(place));
        call.bulk_or_nil(member.map(|member| &member[..]));
        return Ok(());
    };
    let count = int_within(count, -i64::MAX, i64::MAX)?;
    let set = set(call, &args[1])?;
    if count >= 0 && size(count) >= set.len() {
        call.bulks(set.listed().into_iter());
        return Ok(());
    }
    let places = pick_many(call.rng, set.len(), count)?;
    call.array(places.len());
    places
        .into_iter()
        .filter_map(|place| set.nth(place))
        .for_each(|member| call.bulk(member));
    Ok(())
}

// --- several sets ----------------------------------------------------------------------------------------------------

#[derive(Clone, Copy, PartialEq)]
enum Operation {
    Inter,
    Union,
    Diff,
}

/// All the sets; what does not exist counts as an empty one.
fn sets(call: &mut Call<'_>, keys: &[Bytes]) -> Result<Vec<Shared<Set>>, Failure> {
    keys.iter().map(|key| set(call, key)).collect()
}

/// The members that all sets have; no more than `limit` of them.
fn common(sets: &mut [Shared<Set>], limit: usize) -> impl Iterator<Item = &Bytes> {
    crate::order::sort_by(sets, |a, b| a.len().cmp(&b.len()));
    let (first, others) = sets
        .split_first()
        .map_or((None, &[][..]), |(first, others)| (Some(first), others));
    let members = first.into_iter().flat_map(|set| set.listed());
    members
        .filter(|member| others.iter().all(|set| set.contains(member)))
        .take(limit)
}

fn combine(call: &mut Call<'_>, operation: Operation, keys: &[Bytes]) -> Result<Set, Failure> {
    let mut sets = sets(call, keys)?;
    let members: Vec<&Bytes> = match operation {
        Operation::Inter => common(&mut sets, usize::MAX).collect(),
        Operation::Union => sets.iter().flat_map(|set| set.iter()).collect(),
        Operation::Diff => {
            let (first, others) = sets
                .split_first()
                .map_or((None, &[][..]), |(first, others)| (Some(first), others));
            let members = first.into_iter().flat_map(|set| set.iter());
            members
                .filter(|member| !others.iter().any(|set| set.contains(member)))
                .collect()
        }
    };
    let mut result = Set::default();
    for member in members {
        result.add(member.clone());
    }
    Ok(result)
}

fn reply(call: &mut Call<'_>, operation: Operation) -> Result<(), Failure> {
    let result = combine(call, operation, &call.args[1..])?;
    call.set(result.listed().into_iter());
    Ok(())
}

fn store(call: &mut Call<'_>, operation: Operation) -> Result<(), Failure> {
    let result = combine(call, operation, &call.args[2..])?;
    let (event, first) = match operation {
        // What one of the keys shows at once is told at once.
        Operation::Inter => {
            let there = |key: &Bytes| call.keyspace.get(call.db, key).is_some();
            ("sinterstore", call.args[2..].iter().all(there))
        }
        Operation::Union => ("sunionstore", true),
        Operation::Diff => ("sdiffstore", true),
    };
    call.store_result(&call.args[1], Value::set(result), ('s', event), first);
    Ok(())
}

pub fn sinter(call: &mut Call<'_>) -> Result<(), Failure> {
    reply(call, Operation::Inter)
}

pub fn sunion(call: &mut Call<'_>) -> Result<(), Failure> {
    reply(call, Operation::Union)
}

pub fn sdiff(call: &mut Call<'_>) -> Result<(), Failure> {
    reply(call, Operation::Diff)
}

pub fn sinterstore(call: &mut Call<'_>) -> Result<(), Failure> {
    store(call, Operation::Inter)
}

pub fn sunionstore(call: &mut Call<'_>) -> Result<(), Failure> {
    store(call, Operation::Union)
}

pub fn sdiffstore(call: &mut Call<'_>) -> Result<(), Failure> {
    store(call, Operation::Diff)
}

pub fn sintercard(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let (keys, rest) =
        numbered(args)?.ok_or("ERR Number of keys can't be greater than number of args")?;
    let limit = at_most(rest)?;
    let mut sets = sets(call, keys)?;
    let found = common(&mut sets, limit).count();
    call.integer(found as i64);
    Ok(())
}
