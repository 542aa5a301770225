//! Keys, whatever they hold: existence, expiry, names, databases, listing.

use super::support::{
    NO_DB, NO_KEY, SAME_OBJECT, SYNTAX, db_index, decimal, fail, int, is, pick, word,
};
use super::{Call, Expired, Failure, Lazy, What, glob};
use crate::node::keyspace::Entry;
use crate::wire::{Bytes, resp};

// --- existence -------------------------------------------------------------------------------------------------------

pub fn del(call: &mut Call<'_>) -> Result<(), Failure> {
    for key in &call.args[1..] {
        if call.claim(key) {
            let entry = call.keyspace.remove(call.db, key);
            if let Some(entry) = entry.filter(|_| is(&call.args[0], "UNLINK")) {
                call.keyspace.count_freed(&entry);
            }
            call.did('g', "del", key);
            call.dirty += 1;
        }
    }
    let deleted = call.dirty;
    call.integer(deleted as i64);
    Ok(())
}

/// `EXISTS` and `TOUCH`: how many of the keys there are; a key that is named twice counts twice.
pub fn exists(call: &mut Call<'_>) -> Result<(), Failure> {
    let count = call.args[1..]
        .iter()
        .filter(|key| call.peek(key).is_some())
        .count();
    call.integer(count as i64);
    Ok(())
}

pub fn touch(call: &mut Call<'_>) -> Result<(), Failure> {
    let keys = call.args[1..].iter();
    let count = keys.filter(|key| call.lookup(key).is_some()).count();
    call.integer(count as i64);
    Ok(())
}

pub fn kind(call: &mut Call<'_>) -> Result<(), Failure> {
    let name = call
        .peek(&call.args[1])
        .map_or("none", |entry| entry.value.type_name());
    resp::simple(call.reply, name);
    Ok(())
}

/// `OBJECT HELP`.
const OBJECT_HELP: &str = "\
ENCODING <key>
    How the value is kept in memory.
FREQ <key>
    How often the key was used lately, on a logarithmic scale.
IDLETIME <key>
    About how many seconds ago the key was used last.
REFCOUNT <key>
    How many references there are to the value.";

pub fn object(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    if is(&args[1], "help") {
        call.help("OBJECT", OBJECT_HELP);
        return Ok(());
    }
    let found = call.alive(call.db, &args[2], false);
    call.hits += u64::from(found);
    call.misses += u64::from(!found);
    let Some(entry) = call
        .keyspace
        .get(call.db, &args[2])
        .filter(|_| found)
        .cloned()
    else {
        call.nil();
        return Ok(());
    };
    let clock = call.keyspace.clock;
    match &*args[1].to_ascii_lowercase() {
        b"freq" if clock.lfu() => call.integer(clock.freq(entry.access).into()),
        b"freq" => {
            return fail(
                "ERR An LFU maxmemory policy is not selected, access frequency not tracked. \
                 Please note that when switching between policies at runtime LRU and LFU data will \
                 take some time to adjust.",
            );
        }
        b"encoding" => call.bulk(entry.encoding().as_bytes()),
        b"refcount" => call.integer(entry.refcount(call.share_numbers).into()),
        _ if clock.lfu() => {
            return fail(
                "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when \
                 switching between policies at runtime LRU and LFU data will take some time to adjust.",
            );
        }
        _ => call.integer(clock.idle_s(entry.access) as i64),
    }
    Ok(())
}

// --- expiry ----------------------------------------------------------------------------------------------------------

/// The time a key has left, or the time when it ends: -1 when it does not expire, -2 when there is no such key.
fn time_left(call: &mut Call<'_>, seconds: bool, absolute: bool) -> Result<(), Failure> {
    let now = call.now_ms;
    let time = match call.peek(&call.args[1]).map(|entry| entry.expire_at_ms) {
        None => -2,
        Some(None) => -1,
        Some(Some(at)) => {
            let ms = if absolute {
                at
            } else {
                at.saturating_sub(now).max(0)
            };
            if seconds {
                ms.saturating_add(500) / 1000
            } else {
                ms
            }
        }
    };
    call.integer(time);
    Ok(())
}

pub fn ttl(call: &mut Call<'_>) -> Result<(), Failure> {
    time_left(call, true, false)
}

pub fn pttl(call: &mut Call<'_>) -> Result<(), Failure> {
    time_left(call, false, false)
}

pub fn expiretime(call: &mut Call<'_>) -> Result<(), Failure> {
    time_left(call, true, true)
}

pub fn pexpiretime(call: &mut Call<'_>) -> Result<(), Failure> {
    time_left(call, false, true)
}

/// The flags of `EXPIRE` and its like.
#[derive(Default)]
struct When {
    nx: bool,
    xx: bool,
    gt: bool,
    lt: bool,
}

fn when(args: &[Bytes]) -> Result<When, Failure> {
    let mut when = When::default();
    for arg in args {
        let flags = [
            ("NX", &mut when.nx),
            ("XX", &mut when.xx),
            ("GT", &mut when.gt),
            ("LT", &mut when.lt),
        ];
        match flags.into_iter().find(|(name, _)| is(arg, name)) {
            Some((_, flag)) => *flag = true,
            None => {
                return Err(format!(
                    "ERR Unsupported option {}",
                    String::from_utf8_lossy(arg)
                ));
            }
        }
    }
    if when.nx && (when.xx || when.gt || when.lt) {
        return fail("ERR NX and XX, GT or LT options at the same time are not compatible");
    }
    if when.gt && when.lt {
        return fail("ERR GT and LT options at the same time are not compatible");
    }
    Ok(when)
}

impl When {
    fn allows(&self, at: i64, current: Option<i64>) -> bool {
        !(self.nx && current.is_some()
            || self.xx && current.is_none()
            || self.gt && current.is_none_or(|current| at <= current)
            || self.lt && current.is_some_and(|current| at >= current))
    }
}

fn expire_generic(
    call: &mut Call<'_>,
    seconds: bool,
    absolute: bool,
    name: &str,
) -> Result<(), Failure> {
    let args = call.args;
    let key = &args[1];
    let when = when(&args[3..])?;
    let at = int(&args[2])?.checked_mul(if seconds { 1000 } else { 1 });
    let at = at.and_then(|at| at.checked_add(if absolute { 0 } else { call.now_ms }));
    let at = at.ok_or_else(|| format!("ERR invalid expire time in '{name}' command"))?;
    let found = call.claim(key);
    call.used(key);
    let current = call
        .keyspace
        .get(call.db, key)
        .and_then(|entry| entry.expire_at_ms);
    if !found || !when.allows(at, current) {
        call.integer(0);
        return Ok(());
    }
    call.dirty += 1;
    if at <= call.now_ms && call.expired == Expired::Delete {
        call.keyspace.remove(call.db, key);
        call.did('g', "del", key);
        call.integer(1);
        call.lazy = Some(Lazy::Expire);
        call.instead(vec![word("DEL"), key.clone()]);
    } else {
        call.integer(1);
        call.did('g', "expire", key);
        call.keyspace.set_expiry(call.db, key, Some(at));
        if seconds || !absolute {
            let mut command = vec![word("PEXPIREAT"), key.clone(), decimal(at)];
            command.extend_from_slice(&args[3..]);
            call.instead(command);
        }
    }
    Ok(())
}

pub fn expire(call: &mut Call<'_>) -> Result<(), Failure> {
    expire_generic(call, true, false, "expire")
}

pub fn pexpire(call: &mut Call<'_>) -> Result<(), Failure> {
    expire_generic(call, false, false, "pexpire")
}

pub fn expireat(call: &mut Call<'_>) -> Result<(), Failure> {
    expire_generic(call, true, true, "expireat")
}

pub fn pexpireat(call: &mut Call<'_>) -> Result<(), Failure> {
    expire_generic(call, false, true, "pexpireat")
}

pub fn persist(call: &mut Call<'_>) -> Result<(), Failure> {
    let key = &call.args[1];
    call.used(key);
    let found = call.claim(key)
        && call
            .keyspace
            .get(call.db, key)
            .is_some_and(|entry| entry.expire_at_ms.is_some());
    if found {
        call.keyspace.set_expiry(call.db, key, None);
        call.did('g', "persist", key);
        call.dirty += 1;
    }
    call.integer(i64::from(found));
    Ok(())
}

// --- names and databases ---------------------------------------------------------------------------------------------

fn rename_generic(call: &mut Call<'_>, only_new: bool) -> Result<(), Failure> {
    let (from, to) = (&call.args[1], &call.args[2]);
    if !call.claim(from) {
        return fail(NO_KEY);
    }
    call.used(from);
    let done = if from == to {
        !only_new
    } else {
        !(call.claim(to) && only_new)
    };
    if done
        && from != to
        && let Some(entry) = call.keyspace.remove(call.db, from)
    {
        call.keyspace.remove(call.db, to);
        call.insert(call.db, to, entry);
        call.changed(from);
        call.changed(to);
        call.event('g', "rename_from", from);
        call.event('g', "rename_to", to);
        call.dirty += 1;
    }
    if only_new {
        call.integer(i64::from(done));
    } else {
        call.ok();
    }
    Ok(())
}

pub fn rename(call: &mut Call<'_>) -> Result<(), Failure> {
    rename_generic(call, false)
}

pub fn renamenx(call: &mut Call<'_>) -> Result<(), Failure> {
    rename_generic(call, true)
}

pub fn copy(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let (from, to) = (&args[1], &args[2]);
    let (mut db, mut replace) = (call.db, false);
    let mut rest = args[3..].iter();
    while let Some(arg) = rest.next() {
        if is(arg, "REPLACE") {
            replace = true;
        } else if is(arg, "DB")
            && let Some(index) = rest.next()
        {
            db = db_index(index, call.keyspace.databases())?;
        } else {
            return fail(SYNTAX);
        }
    }
    if db == call.db && from == to {
        return fail(SAME_OBJECT);
    }
    let entry = call.lookup(from).cloned();
    let done = entry.is_some() && (!call.alive(db, to, true) || replace);
    if done && let Some(entry) = entry {
        // The copy was never used.
        let access = call.keyspace.clock.start();
        let entry = Entry { access, ..entry };
        call.keyspace.remove(db, to);
        call.insert(db, to, entry);
        call.notice(db, to, What::Changed);
        call.notice(db, to, What::Event('g', "copy_to"));
        call.dirty += 1;
    }
    call.integer(i64::from(done));
    Ok(())
}

pub fn move_key(call: &mut Call<'_>) -> Result<(), Failure> {
    let key = &call.args[1];
    let db = db_index(&call.args[2], call.keyspace.databases())?;
    if db == call.db {
        return fail(SAME_OBJECT);
    }
    let done = call.claim(key) && !call.alive(db, key, true);
    if done && let Some(entry) = call.keyspace.remove(call.db, key) {
        call.insert(db, key, entry);
        call.changed(key);
        call.event('g', "move_from", key);
        call.notice(db, key, What::Event('g', "move_to"));
        call.dirty += 1;
    }
    call.integer(i64::from(done));
    Ok(())
}

pub fn swapdb(call: &mut Call<'_>) -> Result<(), Failure> {
    let mut dbs = [0, 0];
    for (db, (arg, text)) in dbs.iter_mut().zip([
        (1, "ERR invalid first DB index"),
        (2, "ERR invalid second DB index"),
    ]) {
        *db = resp::parse_i64(&call.args[arg])
            .and_then(|n| i32::try_from(n).ok())
            .ok_or(text)?;
    }
    let dbs = dbs.map(|db| usize::try_from(db).unwrap_or(usize::MAX));
    if dbs.iter().any(|&db| db >= call.keyspace.databases()) {
        return fail(NO_DB);
    }
    call.keyspace.swap(dbs[0], dbs[1]);
    call.dirty += 1;
    call.ok();
    Ok(())
}

fn flush(call: &mut Call<'_>, all: bool) -> Result<(), Failure> {
    match &call.args[1..] {
        [] => {}
        [how] if is(how, "SYNC") || is(how, "ASYNC") => {}
        _ => return fail(SYNTAX),
    }
    let keys = if all {
        call.keyspace.flush_all()
    } else {
        call.keyspace.flush(call.db)
    };
    if call.args.get(1).is_some_and(|how| is(how, "ASYNC")) {
        call.keyspace.freed += keys as u64;
    }
    call.notice(call.db, &call.args[0], What::Flushed);
    call.dirty += (keys as u64).max(1); // propagated even when there was nothing to delete
    call.ok();
    Ok(())
}

pub fn flushdb(call: &mut Call<'_>) -> Result<(), Failure> {
    flush(call, false)
}

pub fn flushall(call: &mut Call<'_>) -> Result<(), Failure> {
    flush(call, true)
}

// --- listing ---------------------------------------------------------------------------------------------------------

pub fn dbsize(call: &mut Call<'_>) -> Result<(), Failure> {
    let len = call.keyspace.len(call.db);
    call.integer(len as i64);
    Ok(())
}

/// Hides expired keys but deletes none.
pub fn keys(call: &mut Call<'_>) -> Result<(), Failure> {
    let pattern = &call.args[1];
    let alive = |entry: &Entry| {
        call.expired == Expired::Ignore || entry.expire_at_ms.is_none_or(|at| call.now_ms <= at)
    };
    let found = call
        .keyspace
        .iter(call.db)
        .filter(|(key, entry)| alive(entry) && (**pattern == *b"*" || glob::matches(pattern, key)));
    let found: Vec<Bytes> = found.map(|(key, _)| key.clone()).collect();
    call.bulks(found.iter());
    Ok(())
}

/// After so many expired keys on a replica, where nothing but such keys may be left, one of them will do.
const RANDOM_TRIES: usize = 100;

pub fn randomkey(call: &mut Call<'_>) -> Result<(), Failure> {
    let mut tries = 0;
    loop {
        let len = call.keyspace.len(call.db);
        let found = pick(call.rng, len).and_then(|index| call.keyspace.nth(call.db, index));
        let Some(key) = found.map(|(key, _)| key.clone()) else {
            call.nil();
            return Ok(());
        };
        tries += 1;
        if call.alive(call.db, &key, false)
            || call.expired == Expired::Hide && tries >= RANDOM_TRIES
        {
            call.bulk(&key);
            return Ok(());
        }
    }
}
