//! `SCAN`, `HSCAN`, `SSCAN`, `ZSCAN`. A cursor says how much is left, so no state is kept between calls: collections are
//! walked from the last place to the first, and a removal moves only what was met already.

use super::support::{SYNTAX, fail, int, is};
use super::{Call, Failure, glob};
use crate::node::keyspace::{Hash, Set, Zset};
use crate::wire::Bytes;
use crate::wire::rdb::number::score_text;

struct Options<'a> {
    count: u64,
    pattern: Option<&'a [u8]>,
    kind: Option<&'a [u8]>,
}

fn options(args: &[Bytes], keys: bool) -> Result<Options<'_>, Failure> {
    let mut options = Options {
        count: 10,
        pattern: None,
        kind: None,
    };
    for pair in args.chunks(2) {
        let [name, value] = pair else {
            return fail(SYNTAX);
        };
        if is(name, "COUNT") {
            options.count = int(value)?.try_into().map_err(|_| SYNTAX)?;
            if options.count == 0 {
                return fail(SYNTAX);
            }
        } else if is(name, "MATCH") {
            options.pattern = Some(value)
                .filter(|pattern| pattern[..] != *b"*")
                .map(|pattern| &pattern[..]);
        } else if is(name, "TYPE") && keys {
            options.kind = Some(value);
        } else {
            return fail(SYNTAX);
        }
    }
    Ok(options)
}

impl Options<'_> {
    fn accepts(&self, name: &[u8]) -> bool {
        self.pattern
            .is_none_or(|pattern| glob::matches(pattern, name))
    }
}

/// A cursor as C's `strtoul` reads it.
fn cursor(text: &[u8]) -> Result<u64, Failure> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if text.is_empty() {
        return Ok(0);
    }
    let number = Some(digits).filter(|digits| digits.iter().all(u8::is_ascii_digit));
    let number: Option<u64> =
        number.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    let number = number.ok_or("ERR invalid cursor")?;
    Ok(if negative {
        number.wrapping_neg()
    } else {
        number
    })
}

fn answer(call: &mut Call<'_>, cursor: u64, items: &[Bytes]) {
    call.array(2);
    call.bulk(cursor.to_string().as_bytes());
    call.bulks(items.iter());
}

pub fn scan(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let mut cursor = cursor(&args[1])?;
    let options = options(&args[2..], true)?;
    let mut found = Vec::new();
    for _ in 0..options.count {
        let (key, next) = call.keyspace.scan(call.db, cursor);
        found.extend(
            key.map(|(key, _)| key)
                .filter(|key| options.accepts(key))
                .cloned(),
        );
        cursor = next;
        if cursor == 0 {
            break;
        }
    }
    // To be listed is not to be used, and only a question for the type is a look-up.
    found.retain(|key| match options.kind {
        None => call.alive(call.db, key, false),
        Some(kind) => {
            let entry = call.peek(key);
            entry.is_some_and(|entry| is(kind, entry.value.type_name()))
        }
    });
    answer(call, cursor, &found);
    Ok(())
}

/// The places that this call looks at, from the highest, and the next cursor. What Redis keeps in one piece comes whole.
fn places(cursor: u64, len: usize, whole: bool, count: u64) -> (Vec<usize>, u64) {
    if whole {
        return ((0..len).collect(), 0);
    }
    let left = if cursor == 0 {
        len
    } else {
        usize::try_from(cursor).unwrap_or(len).min(len)
    };
    let stop = left.saturating_sub(usize::try_from(count).unwrap_or(usize::MAX));
    ((stop..left).rev().collect(), stop as u64)
}

pub fn hscan(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let cursor = cursor(&args[2])?;
    let Some(hash) = call.read::<Hash>(&args[1])? else {
        answer(call, 0, &[]);
        return Ok(());
    };
    let options = options(&args[3..], false)?;
    let (places, next) = places(cursor, hash.len(), hash.packed(), options.count);
    let fields = places
        .into_iter()
        .filter_map(|place| hash.nth(place))
        .filter(|(field, _)| options.accepts(field));
    let items: Vec<Bytes> = fields
        .flat_map(|(field, value)| [field.clone(), value.clone()])
        .collect();
    answer(call, next, &items);
    Ok(())
}

pub fn sscan(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let cursor = cursor(&args[2])?;
    let Some(set) = call.read::<Set>(&args[1])? else {
        answer(call, 0, &[]);
        return Ok(());
    };
    let options = options(&args[3..], false)?;
    let (members, next) = if set.ints() {
        (set.listed(), 0)
    } else {
        let (places, next) = places(cursor, set.len(), false, options.count);
        (
            places
                .into_iter()
                .filter_map(|place| set.nth(place))
                .collect(),
            next,
        )
    };
    let items: Vec<Bytes> = members
        .into_iter()
        .filter(|member| options.accepts(member))
        .cloned()
        .collect();
    answer(call, next, &items);
    Ok(())
}

/// A score as it comes out of a listpack, where it is an integer if it can be: `1e+17` shows as all its digits.
fn packed_score(score: f64) -> String {
    let whole = score as i64;
    if whole as f64 == score && whole.unsigned_abs() <= 1 << 62 {
        whole.to_string()
    } else {
        score_text(score)
    }
}

pub fn zscan(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let cursor = cursor(&args[2])?;
    let Some(zset) = call.read::<Zset>(&args[1])? else {
        answer(call, 0, &[]);
        return Ok(());
    };
    let options = options(&args[3..], false)?;
    let (places, next) = places(cursor, zset.len(), zset.packed(), options.count);
    let members: Vec<(&Bytes, f64)> = if zset.packed() {
        zset.iter().collect()
    } else {
        places
            .into_iter()
            .filter_map(|place| zset.nth_unordered(place))
            .collect()
    };
    let members = members
        .into_iter()
        .filter(|(member, _)| options.accepts(member));
    let text = |score| {
        if zset.packed() {
            packed_score(score)
        } else {
            score_text(score)
        }
    };
    let items: Vec<Bytes> = members
        .flat_map(|(member, score)| [member.clone(), text(score).into_bytes().into()])
        .collect();
    answer(call, next, &items);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_read_as_c_reads_them() {
        assert_eq!(cursor(b"17"), Ok(17));
        assert_eq!(cursor(b""), Ok(0));
        assert_eq!(cursor(b"+5"), Ok(5));
        assert_eq!(cursor(b"-1"), Ok(u64::MAX));
        for text in ["x", " 1", "1 ", "-", "18446744073709551616"] {
            assert!(cursor(text.as_bytes()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_walk_from_the_end_leaves_out_nothing() {
        let (mut cursor, mut met) = (0, Vec::new());
        loop {
            let (places, next) = places(cursor, 25, false, 10);
            met.extend(places);
            if next == 0 {
                break;
            }
            cursor = next;
        }
        assert_eq!(met, (0..25).rev().collect::<Vec<_>>());
        assert_eq!(places(u64::MAX, 2, false, u64::MAX), (vec![1, 0], 0));
    }
}
