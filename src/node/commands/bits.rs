//! Strings as arrays of bits: `SETBIT` and its relatives, small integers inside a string, and the longest common
//! subsequence of two strings.

use super::support::{NOT_INTEGER, SYNTAX, fail, int, is};
use super::{Call, Failure};
use crate::node::keyspace::{Form, Value};
use crate::wire::{Bytes, resp};

const NO_OFFSET: &str = "ERR bit offset is not an integer or out of range";

/// A bit offset; with `width`, `#n` is the place of the n-th integer.
fn offset(arg: &[u8], width: Option<u64>, longest: u64) -> Result<u64, Failure> {
    let (arg, factor) = match (arg, width) {
        ([b'#', rest @ ..], Some(width)) => (rest, width),
        _ => (arg, 1),
    };
    resp::parse_i64(arg)
        .and_then(|n| u64::try_from(n).ok()?.checked_mul(factor))
        .filter(|&n| n >> 3 < longest)
        .ok_or_else(|| NO_OFFSET.to_owned())
}

/// `width` bits from `at`, the most significant first; behind the end all are zero.
fn bits(text: &[u8], at: u64, width: u64) -> u64 {
    (at..at + width).fold(0, |n, at| {
        let byte = text.get((at >> 3) as usize).copied().unwrap_or(0);
        n << 1 | u64::from(byte >> (7 - (at & 7)) & 1)
    })
}

fn put_bits(text: &mut [u8], at: u64, width: u64, n: u64) {
    for (i, at) in (at..at + width).rev().enumerate() {
        let (byte, mask) = (&mut text[(at >> 3) as usize], 0x80 >> (at & 7));
        *byte = *byte & !mask | if n >> i & 1 == 1 { mask } else { 0 };
    }
}

impl Call<'_> {
    /// The string of a key, long enough to hold the bit `last`, and whether it had to grow for that.
    fn string_up_to(&mut self, key: &Bytes, last: u64) -> Result<(Vec<u8>, bool), Failure> {
        let old = self.claim_string(key)?;
        let mut text = old.as_ref().map_or_else(Vec::new, |text| text.to_vec());
        let grown = (last >> 3) as usize + 1 > text.len();
        if grown {
            text.resize((last >> 3) as usize + 1, 0);
        }
        Ok((text, grown))
    }
}

pub fn setbit(call: &mut Call<'_>) -> Result<(), Failure> {
    let key = &call.args[1];
    let at = offset(&call.args[2], None, call.longest())?;
    let bit = resp::parse_i64(&call.args[3])
        .and_then(|n| u64::try_from(n).ok())
        .filter(|&n| n < 2)
        .ok_or("ERR bit is not an integer or out of range")?;
    let (mut text, grown) = call.string_up_to(key, at)?;
    let old = bits(&text, at, 1);
    put_bits(&mut text, at, 1, bit);
    // That nothing changes makes it raw too.
    call.replace_as(key, Value::String(text.into()), Form::Raw);
    if grown || old != bit {
        call.did('$', "setbit", key);
        call.dirty += 1;
    }
    call.integer(old as i64);
    Ok(())
}

pub fn getbit(call: &mut Call<'_>) -> Result<(), Failure> {
    let at = offset(&call.args[2], None, call.longest())?;
    let text = call.read_string(&call.args[1])?.unwrap_or_default();
    call.integer(bits(&text, at, 1) as i64);
    Ok(())
}

/// The bits that `[start [end [BYTE|BIT]]]` selects, and whether there is an end.
fn selected(args: &[Bytes], len: usize, count: bool) -> Result<(u64, u64, bool), Failure> {
    let len = len as i64;
    let (start, end, unit) = match args {
        [] => return Ok((0, len as u64 * 8, false)),
        [start] if !count => (start, None, None),
        [start, end] => (start, Some(end), None),
        [start, end, unit] => (start, Some(end), Some(unit)),
        _ => return fail(SYNTAX),
    };
    let start = int(start)?;
    let by_bit = || match unit {
        Some(unit) if is(unit, "BIT") => Ok(true),
        Some(unit) if !is(unit, "BYTE") => fail(SYNTAX),
        _ => Ok(false),
    };
    if !count {
        by_bit()?;
    }
    let last = end.map(|end| int(end)).transpose()?;
    if count
        && let Some(last) = last
        && start < 0
        && last < 0
        && start > last
    {
        return Ok((0, 0, true));
    }
    let by_bit = by_bit()?;
    let total = if by_bit { len * 8 } else { len };
    let place = |n: i64| {
        if n < 0 {
            n.saturating_add(total).max(0)
        } else {
            n
        }
    };
    let (start, last) = (place(start), last.map_or(total - 1, place).min(total - 1));
    if start > last {
        return Ok((0, 0, end.is_some()));
    }
    let scale = if by_bit { 1 } else { 8 };
    Ok((
        start as u64 * scale,
        (last as u64 + 1) * scale,
        end.is_some(),
    ))
}

/// Runs of bits: single ones up to the next byte, and whole bytes.
fn runs(from: u64, to: u64) -> impl Iterator<Item = (u64, u64)> {
    let mut at = from;
    std::iter::from_fn(move || {
        (at < to).then(|| {
            let width = if at & 7 == 0 && at + 8 <= to { 8 } else { 1 };
            at += width;
            (at - width, width)
        })
    })
}

pub fn bitcount(call: &mut Call<'_>) -> Result<(), Failure> {
    let Some(text) = call.read_string(&call.args[1])? else {
        call.integer(0);
        return Ok(());
    };
    let (from, to, _) = selected(&call.args[2..], text.len(), true)?;
    let count: u32 = runs(from, to)
        .map(|(at, width)| match width {
            8 => text[(at >> 3) as usize].count_ones(),
            _ => bits(&text, at, 1) as u32,
        })
        .sum();
    call.integer(count.into());
    Ok(())
}

pub fn bitpos(call: &mut Call<'_>) -> Result<(), Failure> {
    let bit = int(&call.args[2])?;
    if bit != 0 && bit != 1 {
        return fail("ERR The bit argument must be 1 or 0.");
    }
    let Some(text) = call.read_string(&call.args[1])? else {
        call.integer(-bit);
        return Ok(());
    };
    let (from, to, ends) = selected(&call.args[3..], text.len(), false)?;
    let without = if bit == 1 { 0 } else { 0xff };
    let found = runs(from, to)
        .filter(|&(at, width)| width == 1 || text[(at >> 3) as usize] != without)
        .flat_map(|(at, width)| at..at + width)
        .find(|&at| bits(&text, at, 1) == bit as u64);
    call.integer(match found {
        Some(at) => at as i64,
        None if bit == 0 && !ends && from < to => to as i64,
        None => -1,
    });
    Ok(())
}

pub fn bitop(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let names = ["AND", "OR", "XOR", "NOT"];
    let op = names.into_iter().find(|name| is(&args[1], name));
    let op = op.ok_or(SYNTAX)?;
    if op == "NOT" && args.len() != 4 {
        return fail("ERR BITOP NOT must be called with a single source key.");
    }
    let mut texts = vec![];
    for key in &args[3..] {
        texts.push(call.read_string(key)?.unwrap_or_default());
    }
    let len = texts.iter().map(|text| text.len()).max().unwrap_or(0);
    let mut out = texts[0].to_vec();
    out.resize(len, 0);
    for text in &texts[1..] {
        for (i, byte) in out.iter_mut().enumerate() {
            let other = text.get(i).copied().unwrap_or(0);
            match op {
                "AND" => *byte &= other,
                "OR" => *byte |= other,
                _ => *byte ^= other,
            }
        }
    }
    if op == "NOT" {
        out.iter_mut().for_each(|byte| *byte = !*byte);
    }
    call.store_result(&args[2], Value::String(out.into()), ('$', "set"), false);
    Ok(())
}

// --- integers in a string --------------------------------------------------------------------------------------------

#[derive(Clone, Copy, PartialEq)]
enum Overflow {
    Wrap,
    Sat,
    Fail,
}

#[derive(Clone, Copy, PartialEq)]
enum Op {
    Get,
    Set(i64),
    Add(i64),
}

/// One integer of a `BITFIELD` and what is done to it.
struct Field {
    signed: bool,
    width: u64,
    at: u64,
    op: Op,
    overflow: Overflow,
}

fn width(arg: &[u8]) -> Result<(bool, u64), Failure> {
    let signed = arg.first() == Some(&b'i');
    let width = match arg {
        [b'i' | b'u', digits @ ..] => resp::parse_i64(digits),
        _ => None,
    };
    width
        .filter(|&n| n >= 1 && n <= if signed { 64 } else { 63 })
        .map(|n| (signed, n as u64))
        .ok_or_else(|| {
            "ERR Invalid bitfield type. Use something like i16 u8. \
             Note that u64 is not supported but i64 is."
                .to_owned()
        })
}

fn fields(args: &[Bytes], longest: u64) -> Result<Vec<Field>, Failure> {
    let mut fields = vec![];
    let mut overflow = Overflow::Wrap;
    let mut rest = args;
    while let Some((name, after)) = rest.split_first() {
        let (op, len) = match after {
            [how, ..] if is(name, "OVERFLOW") => {
                let kinds = [
                    ("WRAP", Overflow::Wrap),
                    ("SAT", Overflow::Sat),
                    ("FAIL", Overflow::Fail),
                ];
                let kind = kinds.into_iter().find(|(name, _)| is(how, name));
                overflow = kind.ok_or("ERR Invalid OVERFLOW type specified")?.1;
                rest = &after[1..];
                continue;
            }
            [_, _, ..] if is(name, "GET") => (Op::Get, 2),
            [_, _, _, ..] if is(name, "SET") => (Op::Set(0), 3),
            [_, _, _, ..] if is(name, "INCRBY") => (Op::Add(0), 3),
            _ => return fail(SYNTAX),
        };
        let (signed, width) = width(&after[0])?;
        let at = offset(&after[1], Some(width), longest)?;
        let op = match op {
            Op::Get => op,
            Op::Set(_) => Op::Set(int(&after[2])?),
            Op::Add(_) => Op::Add(int(&after[2])?),
        };
        fields.push(Field {
            signed,
            width,
            at,
            op,
            overflow,
        });
        rest = &after[len..];
    }
    Ok(fields)
}

impl Field {
    fn read(&self, text: &[u8]) -> i64 {
        self.fit(bits(text, self.at, self.width))
    }

    /// The low bits of a number as an integer of this type.
    fn fit(&self, bits: u64) -> i64 {
        let spare = 64 - self.width;
        if self.signed {
            (bits << spare) as i64 >> spare
        } else {
            (bits << spare >> spare) as i64
        }
    }

    /// What `old` becomes; nothing when it does not fit and must not be bent.
    fn change(&self, old: i64) -> Option<i64> {
        let wanted = match self.op {
            Op::Get => i128::from(old),
            Op::Set(n) if self.signed => i128::from(n),
            Op::Set(n) => i128::from(n as u64),
            Op::Add(n) => i128::from(old) + i128::from(n),
        };
        let (min, max) = if self.signed {
            (-1i128 << (self.width - 1), (1i128 << (self.width - 1)) - 1)
        } else {
            (0, (1i128 << self.width) - 1)
        };
        match (self.overflow, self.op) {
            // Redis subtracts without looking: far below the least number counts as above the greatest
            (Overflow::Sat, Op::Set(n))
                if self.signed && self.width < 64 && (max as i64).wrapping_sub(n) < 0 =>
            {
                Some(max as i64)
            }
            _ if (min..=max).contains(&wanted) => Some(wanted as i64),
            (Overflow::Wrap, _) => Some(self.fit(wanted as u64)),
            (Overflow::Sat, _) => Some(wanted.clamp(min, max) as i64),
            (Overflow::Fail, _) => None,
        }
    }
}

fn bitfield_generic(call: &mut Call<'_>, read_only: bool) -> Result<(), Failure> {
    let key = &call.args[1];
    let fields = fields(&call.args[2..], call.longest())?;
    let writes = fields.iter().filter(|field| field.op != Op::Get);
    let last = writes.map(|field| field.at + field.width - 1).max();
    let (mut text, grown) = match last {
        Some(_) if read_only => return fail("ERR BITFIELD_RO only supports the GET subcommand"),
        Some(last) => call.string_up_to(key, last)?,
        None => (
            call.read_string(key)?
                .map_or_else(Vec::new, |text| text.to_vec()),
            false,
        ),
    };
    let mut answers = vec![];
    for field in &fields {
        let old = field.read(&text);
        let new = field.change(old);
        if let Some(new) = new.filter(|_| field.op != Op::Get) {
            put_bits(&mut text, field.at, field.width, new as u64);
            call.dirty += u64::from(grown || old != new);
        }
        answers.push(match field.op {
            Op::Get => Some(old),
            Op::Set(_) => new.map(|_| old),
            Op::Add(_) => new,
        });
    }
    if last.is_some() {
        call.replace_as(key, Value::String(text.into()), Form::Raw);
    }
    call.array(answers.len());
    for answer in answers {
        match answer {
            Some(n) => call.integer(n),
            None => call.nil(),
        }
    }
    if call.dirty > 0 {
        call.did('$', "setbit", key);
    }
    Ok(())
}

pub fn bitfield(call: &mut Call<'_>) -> Result<(), Failure> {
    bitfield_generic(call, false)
}

pub fn bitfield_ro(call: &mut Call<'_>) -> Result<(), Failure> {
    bitfield_generic(call, true)
}

// --- LCS -------------------------------------------------------------------------------------------------------------

pub fn lcs(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let (Ok(a), Ok(b)) = (call.read_string(&args[1]), call.read_string(&args[2])) else {
        return fail("ERR The specified keys must contain string values");
    };
    let (a, b) = (a.unwrap_or_default(), b.unwrap_or_default());
    let (mut len, mut idx, mut with_len, mut least) = (false, false, false, 0);
    let mut rest = args[3..].iter();
    while let Some(arg) = rest.next() {
        if is(arg, "IDX") {
            idx = true;
        } else if is(arg, "LEN") {
            len = true;
        } else if is(arg, "WITHMATCHLEN") {
            with_len = true;
        } else if is(arg, "MINMATCHLEN")
            && let Some(n) = rest.next()
        {
            least = resp::parse_i64(n).ok_or(NOT_INTEGER)?.max(0);
        } else {
            return fail(SYNTAX);
        }
    }
    if idx && len {
        return fail("ERR If you want both the length and indexes, please just use IDX.");
    }
    let row = b.len() + 1;
    if (a.len() as u64 + 1) * row as u64 * 4 > call.keyspace.limits().string {
        return fail(
            "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
        );
    }
    // the length for every pair of beginnings
    let mut table = vec![0u32; (a.len() + 1) * row];
    for i in 1..=a.len() {
        for j in 1..row {
            table[i * row + j] = if a[i - 1] == b[j - 1] {
                table[(i - 1) * row + j - 1] + 1
            } else {
                table[(i - 1) * row + j].max(table[i * row + j - 1])
            };
        }
    }
    let total = table[a.len() * row + b.len()];
    if len {
        call.integer(total.into());
        return Ok(());
    }
    // backwards from the end; matches are (start in a, start in b, length)
    let (mut i, mut j) = (a.len(), b.len());
    let mut common = vec![];
    let mut matches: Vec<(usize, usize, usize)> = vec![];
    while i > 0 && j > 0 {
        if a[i - 1] == b[j - 1] {
            common.push(a[i - 1]);
            match matches.last_mut() {
                Some((x, y, n)) if (*x, *y) == (i, j) => (*x, *y, *n) = (i - 1, j - 1, *n + 1),
                _ => matches.push((i - 1, j - 1, 1)),
            }
            (i, j) = (i - 1, j - 1);
        } else if table[(i - 1) * row + j] > table[i * row + j - 1] {
            i -= 1;
        } else {
            j -= 1;
        }
    }
    if !idx {
        common.reverse();
        call.bulk(&common);
        return Ok(());
    }
    matches.retain(|&(_, _, n)| n as i64 >= least);
    call.reply.map(2);
    call.bulk(b"matches");
    call.array(matches.len());
    for (x, y, n) in matches {
        call.array(if with_len { 3 } else { 2 });
        for start in [x, y] {
            call.array(2);
            call.integer(start as i64);
            call.integer((start + n - 1) as i64);
        }
        if with_len {
            call.integer(n as i64);
        }
    }
    call.bulk(b"len");
    call.integer(total.into());
    Ok(())
}
