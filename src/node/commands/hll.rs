//! HyperLogLog: how many different elements were added, from 16384 registers of which each keeps the longest run of zero
//! bits that a hash began with. A value is a string of Redis's layout, byte for byte: a header with the last estimate, and
//! the registers either *sparse*, as runs of equal ones, or *dense*, six bits each. Follows `hyperloglog.c`.

use super::support::{fail, is};
use super::{Call, Failure};
use crate::node::keyspace::{Form, Value};
use crate::rng::Rng;
use crate::wire::{Bytes, resp};

/// Bits of a hash that choose the register, and what is left of the 64.
const P: u32 = 14;
const Q: usize = 50;
const REGISTERS: usize = 1 << P;
/// `HYLL`, the encoding, three bytes that are not used, and the estimate in eight.
const HEADER: usize = 16;
const DENSE_SIZE: usize = HEADER + REGISTERS * 6 / 8;
const DENSE: u8 = 0;
const SPARSE: u8 = 1;
/// The highest register that a run can have, and the longest runs.
const RUN_VALUE_MAX: u8 = 32;
const RUN_LEN_MAX: usize = 4;
const ZERO_LEN_MAX: usize = 64;
/// Half the logarithm's base: 0.5 / ln 2.
const ALPHA: f64 = 0.721_347_520_444_481_7;

const CORRUPT: &str = "INVALIDOBJ Corrupted HLL object detected";

// --- hashing ---------------------------------------------------------------------------------------------------------

/// MurmurHash64A by Austin Appleby, reading numbers as little endian.
fn murmur(data: &[u8], seed: u64) -> u64 {
    const M: u64 = 0xc6a4_a793_5bd1_e995;
    const R: u32 = 47;
    let mut h = seed ^ (data.len() as u64).wrapping_mul(M);
    let (words, rest) = data.as_chunks::<8>();
    for word in words {
        let mut k = u64::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> R;
        h = (h ^ k.wrapping_mul(M)).wrapping_mul(M);
    }
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        h = (h ^ u64::from_le_bytes(last)).wrapping_mul(M);
    }
    h ^= h >> R;
    h = h.wrapping_mul(M);
    h ^ (h >> R)
}

/// The register of an element, and what it must be at least.
fn place(element: &[u8]) -> (usize, u8) {
    let hash = murmur(element, 0xadc8_3b19);
    let rest = (hash >> P) | 1 << Q;
    (
        hash as usize & (REGISTERS - 1),
        rest.trailing_zeros() as u8 + 1,
    )
}

// --- the value -------------------------------------------------------------------------------------------------------

/// A value that is known to be a HyperLogLog by its header.
#[derive(Clone)]
struct Hll(Vec<u8>);

/// Some equal registers, and how many bytes say so.
#[derive(Clone, Copy)]
struct Run {
    value: u8,
    len: usize,
    size: usize,
}

impl Run {
    /// The run that these bytes begin with.
    fn read(bytes: &[u8]) -> Option<Self> {
        let first = *bytes.first()?;
        let low = usize::from(first & 0x3f);
        let (value, len, size) = match first >> 6 {
            0 => (0, low + 1, 1),
            // beyond the end there is the 0 that ends a string in C
            1 => {
                let second = bytes.get(1).copied().unwrap_or(0);
                (0, (low << 8 | usize::from(second)) + 1, 2)
            }
            _ => (((first >> 2) & 0x1f) + 1, usize::from(first & 3) + 1, 1),
        };
        Some(Self { value, len, size })
    }

    fn write(value: u8, len: usize, out: &mut Vec<u8>) {
        match (value, len) {
            (_, 0) => {}
            (0, ..=ZERO_LEN_MAX) => out.push((len - 1) as u8),
            (0, _) => out.extend([0x40 | ((len - 1) >> 8) as u8, (len - 1) as u8]),
            _ => out.push(0x80 | (value - 1) << 2 | (len - 1) as u8),
        }
    }
}

impl Hll {
    fn new() -> Self {
        let mut bytes = b"HYLL".to_vec();
        bytes.resize(HEADER, 0);
        bytes[4] = SPARSE;
        Run::write(0, REGISTERS, &mut bytes);
        Self(bytes)
    }

    fn read(text: &[u8]) -> Result<Self, Failure> {
        let fits = text.len() >= HEADER
            && text.starts_with(b"HYLL")
            && match text[4] {
                DENSE => text.len() == DENSE_SIZE,
                SPARSE => true,
                _ => false,
            };
        if fits {
            Ok(Self(text.to_vec()))
        } else {
            fail("WRONGTYPE Key is not a valid HyperLogLog string value.")
        }
    }

    fn sparse(&self) -> bool {
        self.0[4] == SPARSE
    }

    /// All runs of a sparse one, with where they stand.
    fn runs(&self) -> impl Iterator<Item = (usize, Run)> {
        let mut at = HEADER;
        std::iter::from_fn(move || {
            let run = Run::read(self.0.get(at..)?)?;
            at += run.size;
            Some((at - run.size, run))
        })
    }

    fn cached(&self) -> Option<u64> {
        let bytes: [u8; 8] = self.0[8..16].try_into().ok()?;
        Some(u64::from_le_bytes(bytes)).filter(|n| n >> 63 == 0)
    }

    fn set_cached(&mut self, count: u64) {
        self.0[8..16].copy_from_slice(&count.to_le_bytes());
    }

    fn forget_cached(&mut self) {
        self.0[15] |= 0x80;
    }

    fn dense_get(&self, register: usize) -> u8 {
        let (byte, bit) = (HEADER + register * 6 / 8, register * 6 % 8);
        let high = self.0.get(byte + 1).copied().unwrap_or(0);
        (u16::from_le_bytes([self.0[byte], high]) >> bit) as u8 & 0x3f
    }

    fn dense_set(&mut self, register: usize, value: u8) {
        let (byte, bit) = (HEADER + register * 6 / 8, register * 6 % 8);
        let [mask, value] = [0x3f, u16::from(value)].map(|n: u16| (n << bit).to_le_bytes());
        for i in 0..2 {
            if let Some(place) = self.0.get_mut(byte + i) {
                *place = *place & !mask[i] | value[i];
            }
        }
    }

    /// All registers as bytes.
    fn registers(&self) -> Result<Vec<u8>, Failure> {
        if !self.sparse() {
            return Ok((0..REGISTERS).map(|i| self.dense_get(i)).collect());
        }
        let mut all = Vec::with_capacity(REGISTERS);
        for (_, run) in self.runs() {
            if all.len() + run.len > REGISTERS {
                return fail(CORRUPT);
            }
            all.resize(all.len() + run.len, run.value);
        }
        if all.len() == REGISTERS {
            Ok(all)
        } else {
            fail(CORRUPT)
        }
    }

    fn make_dense(&mut self) -> Result<(), Failure> {
        if self.sparse() {
            let registers = self.registers()?;
            self.0.truncate(HEADER);
            self.0.resize(DENSE_SIZE, 0);
            self.0[4] = DENSE;
            for (i, value) in registers.into_iter().enumerate() {
                self.dense_set(i, value);
            }
        }
        Ok(())
    }

    /// Raises a register to a value; whether it was lower. A sparse one that would get longer than `sparse_max` bytes, or
    /// cannot hold the value, becomes dense.
    fn raise(&mut self, register: usize, value: u8, sparse_max: usize) -> Result<bool, Failure> {
        if self.sparse() && value <= RUN_VALUE_MAX {
            let (mut first, mut before) = (0, HEADER);
            let mut found = None;
            for (at, run) in self.runs() {
                if register < first + run.len {
                    found = Some((at, run));
                    break;
                }
                (first, before) = (first + run.len, at);
            }
            let (at, run) = found.ok_or(CORRUPT)?;
            if run.value >= value {
                return Ok(false);
            }
            let mut split = Vec::with_capacity(5);
            Run::write(run.value, register - first, &mut split);
            Run::write(value, 1, &mut split);
            Run::write(run.value, first + run.len - 1 - register, &mut split);
            if split.len() <= run.size || self.0.len() + split.len() - run.size <= sparse_max {
                let len = self.0.len() + split.len() - run.size;
                // the last run of one that was cut has less bytes than it should
                let end = self.0.len().min(at + run.size);
                self.0.splice(at..end, split);
                self.0.truncate(len);
                self.join_runs(before);
                self.forget_cached();
                return Ok(true);
            }
        }
        self.make_dense()?;
        let lower = self.dense_get(register) < value;
        if lower {
            self.dense_set(register, value);
        }
        Ok(lower)
    }

    /// Joins equal runs among the five from here on, as far as a run can be long.
    fn join_runs(&mut self, mut at: usize) {
        for _ in 0..5 {
            let Some(run) = self.0.get(at..).and_then(Run::read) else {
                return;
            };
            let next = Run::read(self.0.get(at + run.size..).unwrap_or_default());
            let joined = next.map_or(0, |next| run.len + next.len);
            if run.value > 0
                && joined <= RUN_LEN_MAX
                && next.is_some_and(|next| next.value == run.value)
            {
                let mut one = vec![];
                Run::write(run.value, joined, &mut one);
                self.0.splice(at..at + 2, one);
            } else {
                at += run.size;
            }
        }
    }
}

// --- counting --------------------------------------------------------------------------------------------------------

fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

/// How many different elements made these registers, by Otmar Ertl's estimator (arXiv 1702.01284).
fn estimate(registers: &[u8]) -> u64 {
    let mut histogram = [0u32; 64];
    for register in registers {
        histogram[usize::from(*register)] += 1;
    }
    let m = REGISTERS as f64;
    let mut z = m * tau((m - f64::from(histogram[Q + 1])) / m);
    for n in histogram[1..=Q].iter().rev() {
        z = (z + f64::from(*n)) * 0.5;
    }
    z += m * sigma(f64::from(histogram[0]) / m);
    (ALPHA * m * m / z).round() as u64
}

// --- the commands ----------------------------------------------------------------------------------------------------

fn read(call: &mut Call<'_>, key: &Bytes) -> Result<Option<Hll>, Failure> {
    let text = call.read_string(key)?;
    text.map(|text| Hll::read(&text)).transpose()
}

/// As [`read`], but for a command that will write.
fn claim(call: &mut Call<'_>, key: &Bytes) -> Result<Option<Hll>, Failure> {
    let text = call.claim_string(key)?;
    text.map(|text| Hll::read(&text)).transpose()
}

fn write(call: &mut Call<'_>, key: &Bytes, hll: Hll) {
    call.replace_as(key, Value::String(hll.0.into()), Form::Raw);
}

pub fn pfadd(call: &mut Call<'_>) -> Result<(), Failure> {
    let (key, elements) = (&call.args[1], &call.args[2..]);
    let sparse_max = call.keyspace.limits().hll_sparse;
    let old = claim(call, key)?;
    let mut changes = u64::from(old.is_none());
    let mut hll = old.unwrap_or_else(Hll::new);
    for element in elements {
        let (register, value) = place(element);
        match hll.raise(register, value, sparse_max) {
            Ok(raised) => changes += u64::from(raised),
            Err(text) => {
                // what was raised before stays so
                write(call, key, hll);
                return Err(text);
            }
        }
    }
    if changes > 0 {
        hll.forget_cached();
    }
    write(call, key, hll);
    if changes > 0 {
        call.did('$', "pfadd", key);
        call.dirty += changes;
    }
    call.integer(i64::from(changes > 0));
    Ok(())
}

/// The highest of each register in some values, those that there are, and whether one of them is dense.
fn merged(call: &mut Call<'_>, keys: &[Bytes]) -> Result<(Vec<u8>, bool), Failure> {
    let (mut all, mut dense) = (vec![0; REGISTERS], false);
    for key in keys {
        let Some(hll) = read(call, key)? else {
            continue;
        };
        dense |= !hll.sparse();
        for (max, register) in all.iter_mut().zip(hll.registers()?) {
            *max = register.max(*max);
        }
    }
    Ok((all, dense))
}

/// The estimate of one key is kept in it, which is a change that a replica has to make too.
pub fn pfcount(call: &mut Call<'_>) -> Result<(), Failure> {
    let keys = &call.args[1..];
    let [key] = keys else {
        let (registers, _) = merged(call, keys)?;
        call.integer(estimate(&registers) as i64);
        return Ok(());
    };
    let Some(mut hll) = read(call, key)? else {
        call.integer(0);
        return Ok(());
    };
    let count = match hll.cached() {
        Some(count) => count,
        None => {
            let count = estimate(&hll.registers()?);
            hll.set_cached(count);
            call.changed(key);
            call.dirty += 1;
            count
        }
    };
    write(call, key, hll);
    call.integer(count as i64);
    Ok(())
}

pub fn pfmerge(call: &mut Call<'_>) -> Result<(), Failure> {
    let key = &call.args[1];
    let sparse_max = call.keyspace.limits().hll_sparse;
    let (registers, dense) = merged(call, &call.args[1..])?;
    let mut hll = claim(call, key)?.unwrap_or_else(Hll::new);
    if dense {
        hll.make_dense()?;
    }
    for (register, value) in registers.into_iter().enumerate().filter(|(_, v)| *v > 0) {
        hll.raise(register, value, sparse_max)?;
    }
    hll.forget_cached();
    write(call, key, hll);
    call.did('$', "pfadd", key);
    call.dirty += 1;
    call.ok();
    Ok(())
}

/// `PFDEBUG GETREG|DECODE|ENCODING|TODENSE key`.
pub fn pfdebug(call: &mut Call<'_>) -> Result<(), Failure> {
    let (sub, key) = (&call.args[1], &call.args[2]);
    let mut hll = claim(call, key)?.ok_or("ERR The specified key does not exist")?;
    let sparse = hll.sparse();
    let densely = is(sub, "GETREG") || is(sub, "TODENSE");
    if densely && sparse {
        hll.make_dense()?;
        call.dirty += 1;
    }
    write(call, key, hll.clone());
    if densely {
        if is(sub, "TODENSE") {
            call.integer(i64::from(sparse));
            return Ok(());
        }
        let registers = hll.registers()?;
        call.array(registers.len());
        registers
            .into_iter()
            .for_each(|register| call.integer(i64::from(register)));
    } else if is(sub, "DECODE") {
        if !sparse {
            return fail("ERR HLL encoding is not sparse");
        }
        let runs = hll.runs().map(|(_, run)| match run {
            Run {
                value: 0,
                len,
                size: 1,
            } => format!("z:{len}"),
            Run { value: 0, len, .. } => format!("Z:{len}"),
            Run { value, len, .. } => format!("v:{value},{len}"),
        });
        call.bulk(runs.collect::<Vec<_>>().join(" ").as_bytes());
    } else if is(sub, "ENCODING") {
        let name = if sparse { "sparse" } else { "dense" };
        resp::simple(call.reply, name);
    } else {
        let sub = String::from_utf8_lossy(sub);
        return Err(format!("ERR Unknown PFDEBUG subcommand '{sub}'"));
    }
    Ok(())
}

/// How many elements `PFSELFTEST` adds; Redis adds a hundred times as many.
const SELF_TEST: u64 = 100_000;

/// Checks that registers keep what is written to them, and that estimates are as near as they should be.
pub fn pfselftest(call: &mut Call<'_>) -> Result<(), Failure> {
    let sparse_max = call.keyspace.limits().hll_sparse;
    let mut rng = Rng::new(1);
    let mut dense = Hll::new();
    dense.make_dense()?;
    for _ in 0..10 {
        let values: Vec<u8> = (0..REGISTERS).map(|_| rng.below(64) as u8).collect();
        for (i, value) in values.iter().enumerate() {
            dense.dense_set(i, *value);
        }
        if let Some(i) = (0..REGISTERS).find(|&i| dense.dense_get(i) != values[i]) {
            return Err(format!(
                "ERR TESTFAILED Register {i} should be {} but is {}",
                values[i],
                dense.dense_get(i)
            ));
        }
    }
    let mut dense = Hll::new();
    dense.make_dense()?;
    let mut other = Hll::new();
    let (seed, mut checkpoint) = (rng.below(u64::MAX), 1);
    for j in 1..=SELF_TEST {
        let (register, value) = place(&(j ^ seed).to_le_bytes());
        dense.raise(register, value, sparse_max)?;
        other.raise(register, value, sparse_max)?;
        if j < checkpoint {
            continue;
        }
        if j < sparse_max as u64 / 2 && !other.sparse() {
            return fail("ERR TESTFAILED sparse encoding not used");
        }
        let count = estimate(&dense.registers()?);
        if count != estimate(&other.registers()?) {
            return fail("ERR TESTFAILED dense/sparse disagree");
        }
        let far = count.abs_diff(j);
        let most = (1.04 / (REGISTERS as f64).sqrt() * 6.0 * j as f64).ceil() as u64;
        if far > most.max(1) {
            return Err(format!(
                "ERR TESTFAILED Too big error. card:{j} abserr:{far}"
            ));
        }
        checkpoint *= 10;
    }
    call.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sparse_and_dense_agree_and_the_estimate_is_near() {
        let (mut sparse, mut dense) = (Hll::new(), Hll::new());
        dense.make_dense().expect("whole");
        for n in 0..6_000u32 {
            let (register, value) = place(&n.to_le_bytes());
            sparse.raise(register, value, 3000).expect("whole");
            dense.raise(register, value, 3000).expect("whole");
            assert!(sparse.sparse() || sparse.0.len() == DENSE_SIZE);
            assert!(!sparse.sparse() || sparse.0.len() <= 3000);
        }
        assert!(!sparse.sparse() && sparse.0[HEADER..] == dense.0[HEADER..]);
        let count = estimate(&dense.registers().expect("whole"));
        assert!((5_700..6_300).contains(&count), "{count}");
    }

    #[test]
    fn a_hash_is_that_of_the_reference() {
        // SMHasher's verification value of MurmurHash64A
        let mut hashes = vec![];
        let key: Vec<u8> = (0..=255).collect();
        for len in 0..256 {
            let hash = murmur(&key[..len], 256 - len as u64);
            hashes.extend(hash.to_le_bytes());
        }
        assert_eq!(murmur(&hashes, 0) as u32, 0x1F0D_3804);
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        let mut hll = Hll::new();
        hll.0.pop();
        assert!(hll.registers().is_err());
        assert!(hll.raise(5, 3, 3000).is_ok() && hll.registers().is_err());
        assert!(Hll::read(b"HYLL").is_err());
    }
}
