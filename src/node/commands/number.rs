//! Floating point as Redis's arguments have it. `INCRBYFLOAT` computes with the 80-bit numbers of x86 (64 bits of
//! mantissa), and its result goes into the stream and into the data, so that an `f64` would make a replica differ from
//! a real one by its last digits. This is just enough of such numbers: read, add, write.

use crate::wire::rdb;
use std::cmp::Ordering;

/// Longest text that is read as such a number.
const TEXT_MAX: usize = 5 * 1024;
/// Largest binary exponent: every number is below two to this.
const EXPONENT_MAX: i32 = 16384;
/// Below two to this a number counts as zero, which is an error where it is read.
const EXPONENT_MIN: i32 = -16446;

/// `±mantissa · 2^exponent`, or infinity. The top bit of the mantissa is set unless the number is zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extended {
    negative: bool,
    infinite: bool,
    mantissa: u64,
    exponent: i32,
}

/// A text taken apart: `±digits · base^exponent`.
struct Parts {
    negative: bool,
    infinite: bool,
    digits: Vec<u8>,
    hex: bool,
    exponent: i32,
}

/// Takes apart what C's `strtod` would read, if it is all of the text.
fn parts(text: &[u8]) -> Option<Parts> {
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let mut parts = Parts {
        negative,
        infinite: false,
        digits: Vec::new(),
        hex: false,
        exponent: 0,
    };
    if rest.eq_ignore_ascii_case(b"inf") || rest.eq_ignore_ascii_case(b"infinity") {
        parts.infinite = true;
        return Some(parts);
    }
    let rest = match rest {
        [b'0', b'x' | b'X', rest @ ..] => {
            parts.hex = true;
            rest
        }
        rest => rest,
    };
    let (radix, step, mark) = if parts.hex {
        (16, 4, b'p')
    } else {
        (10, 1, b'e')
    };
    let (mut i, mut point) = (0, false);
    while let Some(&b) = rest.get(i) {
        match char::from(b).to_digit(radix) {
            Some(digit) => {
                parts.digits.push(digit as u8);
                parts.exponent -= if point { step } else { 0 };
            }
            None if b == b'.' && !point => point = true,
            None => break,
        }
        i += 1;
    }
    if parts.digits.is_empty() {
        return None;
    }
    match rest[i..] {
        [] => {}
        [b, ref power @ ..] if b.to_ascii_lowercase() == mark => {
            let digits = power
                .strip_prefix(b"-")
                .or_else(|| power.strip_prefix(b"+"))
                .unwrap_or(power);
            if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
                return None;
            }
            let size = digits.iter().fold(0i32, |n, b| {
                n.saturating_mul(10)
                    .saturating_add(i32::from(b - b'0'))
                    .min(1_000_000)
            });
            parts.exponent += if power[0] == b'-' { -size } else { size };
        }
        _ => return None,
    }
    Some(parts)
}

/// A double as Redis reads one from an argument (`getDoubleFromObject`): no NaN, nothing too large or too small.
pub fn double(text: &[u8]) -> Option<f64> {
    let value = lax_double(text)?;
    let rounded_to_zero = value == 0.0
        && text
            .iter()
            .take_while(|b| !matches!(b, b'e' | b'E' | b'p' | b'P'))
            .any(|b| (b'1'..=b'9').contains(b));
    let overflowed = value.is_infinite() && !text.iter().any(|b| b.eq_ignore_ascii_case(&b'n'));
    (!rounded_to_zero && !overflowed).then_some(value)
}

/// A double as C's `strtod` reads it, when that takes the whole text: with infinities, without NaN.
pub fn lax_double(text: &[u8]) -> Option<f64> {
    if !text.contains(&b'x') && !text.contains(&b'X') {
        return rdb::number::parse_score(text);
    }
    if text.len() > TEXT_MAX {
        return None;
    }
    let parts = parts(text)?;
    // 63 bits and, in the lowest of them, whether there were others: enough to round to 53 later
    let (mut number, mut exponent, mut more) =
        (Big::read(&parts.digits, 16), parts.exponent, false);
    while number.bits() > 63 {
        more |= number.halve();
        exponent += 1;
    }
    let half = exponent / 2; // twice, because the power alone may be out of range
    let size =
        (number.low() | u64::from(more)) as f64 * 2f64.powi(half) * 2f64.powi(exponent - half);
    Some(if parts.negative { -size } else { size })
}

impl Extended {
    /// Reads an argument (`string2ld`); `None` is "not a valid float".
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.len() >= TEXT_MAX {
            return None;
        }
        Self::round(&parts(text)?)
    }

    pub fn infinite(self) -> bool {
        self.infinite
    }

    fn round(parts: &Parts) -> Option<Self> {
        let zero = Self {
            negative: parts.negative,
            infinite: parts.infinite,
            mantissa: 0,
            exponent: 0,
        };
        let start = parts
            .digits
            .iter()
            .position(|&digit| digit != 0)
            .unwrap_or(parts.digits.len());
        let digits = &parts.digits[start..];
        if digits.is_empty() {
            return Some(zero);
        }
        let mut number = Big::read(digits, if parts.hex { 16 } else { 10 });
        if parts.hex {
            return Self::from_big(parts.negative, number, parts.exponent, false);
        }
        let size = digits.len() as i32 + parts.exponent; // 0.1 · 10^size <= number < 10^size
        if !(-4970..=4940).contains(&size) {
            return None;
        }
        if parts.exponent >= 0 {
            (0..parts.exponent).for_each(|_| number.multiply_add(10, 0));
            return Self::from_big(parts.negative, number, 0, false);
        }
        let mut power = Big(vec![1]);
        (0..-parts.exponent).for_each(|_| power.multiply_add(10, 0));
        // shifted so that the quotient has 67 or 68 bits
        let shift = power.bits() + 67 - number.bits();
        if shift > 0 {
            number.shift_left(shift as u32);
        } else {
            power.shift_left(shift.unsigned_abs());
        }
        let mut quotient = Big(vec![]);
        power.shift_left(68);
        for _ in 0..=68 {
            quotient.multiply_add(2, u32::from(number.subtract_if_fits(&power)));
            power.halve();
        }
        Self::from_big(parts.negative, quotient, -shift, !number.is_zero())
    }

    /// `number · 2^exponent` rounded to 64 bits, to even on a tie; `more` when a little was cut off already.
    fn from_big(
        negative: bool,
        mut number: Big,
        mut exponent: i32,
        mut more: bool,
    ) -> Option<Self> {
        let bits = number.bits();
        if bits <= 64 {
            number.shift_left((64 - bits) as u32);
            exponent -= 64 - bits;
        } else {
            // keeps 65 bits and whether there were others
            for _ in 0..bits - 65 {
                more |= number.halve();
            }
            exponent += bits - 65;
            let half = number.halve();
            exponent += 1;
            if half && (more || number.is_odd()) {
                number.multiply_add(1, 1);
                if number.bits() > 64 {
                    number.halve();
                    exponent += 1;
                }
            }
        }
        let fits = exponent + 64 <= EXPONENT_MAX && exponent + 64 > EXPONENT_MIN;
        fits.then(|| Self {
            negative,
            infinite: false,
            mantissa: number.low(),
            exponent,
        })
    }

    /// The sum, rounded; `None` when it is not a finite number.
    pub fn plus(self, other: Self) -> Option<Self> {
        if self.infinite || other.infinite {
            return None;
        }
        let (a, b) = if (self.mantissa > 0, self.exponent) >= (other.mantissa > 0, other.exponent) {
            (self, other)
        } else {
            (other, self)
        };
        if b.mantissa == 0 {
            return Some(a);
        }
        // 63 bits below the mantissa, and one for all that is cut off below those
        let gap = (a.exponent - b.exponent) as u32;
        let large = u128::from(a.mantissa) << 63;
        let small = (u128::from(b.mantissa) << 63).checked_shr(gap).unwrap_or(0);
        let cut = gap > 127 || small << gap != u128::from(b.mantissa) << 63;
        let exponent = a.exponent - 63;
        let (negative, sum) = if a.negative == b.negative {
            (a.negative, large + small)
        } else {
            match large.cmp(&small) {
                Ordering::Less => (b.negative, small - large),
                Ordering::Equal => {
                    return Some(Self {
                        negative: false,
                        infinite: false,
                        mantissa: 0,
                        exponent: 0,
                    });
                }
                Ordering::Greater => (a.negative, large - small - u128::from(cut)),
            }
        };
        let words = (0..4).map(|i| (sum >> (32 * i)) as u32).collect();
        Self::from_big(negative, Big(words), exponent, cut)
    }

    /// `%.17Lf` without zeros at the end: the text that Redis stores and replies.
    pub fn text(self) -> String {
        let mut text = if self.exponent >= 0 {
            let mut whole = Big(vec![self.mantissa as u32, (self.mantissa >> 32) as u32]);
            whole.shift_left(self.exponent as u32);
            whole.decimal()
        } else {
            // below 2^64 · 10^17, so it fits
            let scaled = u128::from(self.mantissa) * 10u128.pow(17);
            let shift = self.exponent.unsigned_abs();
            let mut units = scaled.checked_shr(shift).unwrap_or(0);
            let rest = if shift < 128 {
                scaled - (units << shift)
            } else {
                0
            };
            let half = if shift < 128 {
                1u128 << (shift - 1)
            } else {
                u128::MAX
            };
            if rest > half || rest == half && units % 2 == 1 {
                units += 1;
            }
            let (whole, part) = (units / 10u128.pow(17), units % 10u128.pow(17));
            let part = format!("{part:017}");
            let part = part.trim_end_matches('0');
            if part.is_empty() {
                whole.to_string()
            } else {
                format!("{whole}.{part}")
            }
        };
        if self.negative && text != "0" {
            text.insert(0, '-');
        }
        text
    }
}

/// A whole number of any size, least significant word first.
struct Big(Vec<u32>);

impl Big {
    fn read(digits: &[u8], radix: u32) -> Self {
        let mut number = Self(vec![]);
        digits
            .iter()
            .for_each(|&digit| number.multiply_add(radix, u32::from(digit)));
        number
    }

    /// The lowest 64 bits.
    fn low(&self) -> u64 {
        let word = |i: usize| u64::from(self.0.get(i).copied().unwrap_or(0));
        word(0) | word(1) << 32
    }

    fn trim(&mut self) {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    fn is_zero(&self) -> bool {
        self.0.iter().all(|&word| word == 0)
    }

    fn is_odd(&self) -> bool {
        self.0.first().is_some_and(|word| word & 1 == 1)
    }

    fn bits(&self) -> i32 {
        let top = self.0.iter().rposition(|&word| word != 0);
        top.map_or(0, |i| i as i32 * 32 + 32 - self.0[i].leading_zeros() as i32)
    }

    fn multiply_add(&mut self, factor: u32, summand: u32) {
        let mut carry = u64::from(summand);
        for word in &mut self.0 {
            carry += u64::from(*word) * u64::from(factor);
            *word = carry as u32;
            carry >>= 32;
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
    }

    fn shift_left(&mut self, bits: u32) {
        self.multiply_add(1 << (bits % 32), 0);
        self.0
            .splice(0..0, std::iter::repeat_n(0, bits as usize / 32));
    }

    /// Divides by two; whether one was left over.
    fn halve(&mut self) -> bool {
        let mut carry = 0;
        for word in self.0.iter_mut().rev() {
            let low = *word & 1;
            *word = *word >> 1 | carry << 31;
            carry = low;
        }
        self.trim();
        carry == 1
    }

    /// Subtracts when the result is not negative; whether it did.
    fn subtract_if_fits(&mut self, other: &Self) -> bool {
        let word = |big: &Self, i: usize| big.0.get(i).copied().unwrap_or(0);
        let len = self.0.len().max(other.0.len());
        let order = (0..len)
            .rev()
            .map(|i| word(self, i).cmp(&word(other, i)))
            .find(|order| order.is_ne());
        if order == Some(Ordering::Less) {
            return false;
        }
        let mut borrow = 0;
        for (i, mine) in self.0.iter_mut().enumerate() {
            let difference = i64::from(*mine) - i64::from(word(other, i)) - borrow;
            *mine = difference as u32;
            borrow = i64::from(difference < 0);
        }
        self.trim();
        true
    }

    fn decimal(mut self) -> String {
        let mut groups = Vec::new();
        self.trim();
        while !self.is_zero() {
            let mut rest = 0u64;
            for word in self.0.iter_mut().rev() {
                rest = rest << 32 | u64::from(*word);
                *word = (rest / 1_000_000_000) as u32;
                rest %= 1_000_000_000;
            }
            groups.push(rest);
            self.trim();
        }
        let mut text = groups.pop().unwrap_or(0).to_string();
        while let Some(group) = groups.pop() {
            text.push_str(&format!("{group:09}"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(a: &str, b: &str) -> String {
        let read = |text: &str| Extended::parse(text.as_bytes()).expect(text);
        read(a)
            .plus(read(b))
            .map_or_else(|| "none".into(), Extended::text)
    }

    #[test]
    fn sums_have_the_digits_of_the_80_bit_numbers() {
        assert_eq!(sum("0.1", "0.2"), "0.3");
        assert_eq!(sum("1.1", "1e5"), "100001.10000000000000142");
        assert_eq!(sum("5.0e3", "2.0e2"), "5200");
        assert_eq!(sum("10.5", "-10.5"), "0");
        assert_eq!(sum("-0", "-0.0"), "0");
        assert_eq!(sum("-3", "1.5"), "-1.5");
        assert_eq!(sum("1e-30", "0"), "0");
        assert_eq!(sum("18446744073709551615", "1"), "18446744073709551616");
        assert_eq!(sum("1", "0x10"), "17");
        assert_eq!(sum("1e30", "1"), "1000000000000000000024696061952");
        assert_eq!(sum("1e4931", "9e4931"), sum("9e4931", "1e4931"));
        assert_eq!(sum("1.1e4932", "1.1e4932"), "none");
        assert_eq!(sum("inf", "1"), "none");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "", " 1", "1 ", "1e", "e5", ".", "nan", "0x", "1e5000", "1e-5000", "--1", "1..2", "1e+",
        ] {
            assert_eq!(Extended::parse(text.as_bytes()), None, "{text:?}");
        }
        for text in [
            "1.",
            ".5",
            "+7",
            "1E5",
            "-inf",
            "Infinity",
            "0x.8p1",
            "0e99999999999",
        ] {
            assert!(Extended::parse(text.as_bytes()).is_some(), "{text:?}");
        }
        for text in ["nan", "1e400", "1e-400", "", "abc"] {
            assert_eq!(double(text.as_bytes()), None, "{text:?}");
        }
        for (text, value) in [
            ("1.5", 1.5),
            ("-inf", f64::NEG_INFINITY),
            ("+inf", f64::INFINITY),
            ("0x10", 16.0),
            ("0e5", 0.0),
        ] {
            assert_eq!(double(text.as_bytes()), Some(value), "{text:?}");
        }
    }
}
