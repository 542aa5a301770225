//! Numbers as Redis spells them. A string that spells an integer exactly so (`resp::parse_i64`) is stored as the integer
//! and comes back as the same bytes; scores are text where a listpack cannot hold them as integers.

/// `n` in decimal, at the end of `buffer`.
pub fn decimal(n: i64, buffer: &mut [u8; 20]) -> &[u8] {
    let mut rest = n.unsigned_abs();
    let mut at = buffer.len();
    loop {
        at -= 1;
        buffer[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if n < 0 {
        at -= 1;
        buffer[at] = b'-';
    }
    &buffer[at..]
}

/// A score that a listpack holds as an integer (`double2ll`): whole, and within 2^62. Minus zero becomes zero.
pub fn whole_score(score: f64) -> Option<i64> {
    const LIMIT: f64 = (1i64 << 62) as f64;
    let whole = score as i64;
    ((-LIMIT..=LIMIT).contains(&score) && whole as f64 == score).then_some(whole)
}

/// A score as Redis 7.0 spells it where it is text: C's `%.17g`, so that the same double comes back.
pub fn score_text(score: f64) -> String {
    if score.is_nan() {
        return "nan".into();
    }
    if score.is_infinite() {
        return if score > 0.0 { "inf" } else { "-inf" }.into();
    }
    if let Some(text) = few_places(score, &mut [0; 20]) {
        return String::from_utf8_lossy(text).into_owned();
    }
    let (mut number, exponent) = seventeen(score);
    while number != 0 && number % 10 == 0 {
        number /= 10;
    }
    let mut buffer = [0; 20];
    let digits = std::str::from_utf8(decimal(number, &mut buffer)).unwrap_or_default();
    let mut text = String::with_capacity(24);
    if score.is_sign_negative() {
        text.push('-');
    }
    if (0..17).contains(&exponent) {
        let whole = exponent as usize + 1;
        text.push_str(&digits[..whole.min(digits.len())]);
        text.extend((digits.len()..whole).map(|_| '0'));
        if digits.len() > whole {
            text.push('.');
            text.push_str(&digits[whole..]);
        }
    } else if (-4..0).contains(&exponent) {
        text.push_str("0.");
        text.extend((exponent..-1).map(|_| '0'));
        text.push_str(digits);
    } else {
        text.push_str(&digits[..1]);
        if digits.len() > 1 {
            text.push('.');
            text.push_str(&digits[1..]);
        }
        text.push_str(if exponent < 0 { "e-" } else { "e+" });
        if exponent.abs() < 10 {
            text.push('0');
        }
        text.push_str(&exponent.abs().to_string());
    }
    text
}

/// What [`score_text`] gives, at the end of `buffer`: of a number whose last binary place is one of the first ten behind
/// the point, as 7.25 or 1.5. It has as many decimal places, and they are written as they are. Not in the page, which
/// has few scores to write and has to be downloaded.
pub fn few_places(score: f64, buffer: &mut [u8; 20]) -> Option<&[u8]> {
    if cfg!(target_arch = "wasm32") {
        return None;
    }
    const PLACES: i32 = 10;
    let (mantissa, exponent) = parts(score);
    let zeros = mantissa.trailing_zeros() as i32;
    let places = -(exponent + zeros);
    // Ten places and seven digits before them are the seventeen that a score has at most.
    if !(1..=PLACES).contains(&places) || score.abs() >= 1e7 {
        return None;
    }
    let (whole, part) = (
        (score.abs() as i64),
        (mantissa >> zeros) & ((1 << places) - 1),
    );
    let mut part = part * 5u64.pow(places as u32);
    let point = buffer.len() - 1 - places as usize;
    for digit in buffer[point + 1..].iter_mut().rev() {
        *digit = b'0' + (part % 10) as u8;
        part /= 10;
    }
    let mut digits = [0; 20];
    let digits = decimal(whole, &mut digits);
    buffer[point] = b'.';
    let mut start = point - digits.len();
    buffer[start..point].copy_from_slice(digits);
    if score.is_sign_negative() {
        start -= 1;
        buffer[start] = b'-';
    }
    Some(&buffer[start..])
}

/// A finite number with so many digits behind the point, as C's `%.*f`: the nearest such text, ties to the even one.
/// Like the reading of numbers below, this spares the page the tables of the standard library.
pub fn fixed(n: f64, places: i32) -> String {
    let mut digits = scaled(n, places);
    let places = places as usize;
    if digits.len() <= places {
        digits.insert_str(0, &"0".repeat(places + 1 - digits.len()));
    }
    if places > 0 {
        digits.insert(digits.len() - places, '.');
    }
    if n.is_sign_negative() {
        digits.insert(0, '-');
    }
    digits
}

/// The 17 digits that tell a finite double from all others, as a number, and the power of ten of the first one.
fn seventeen(n: f64) -> (i64, i32) {
    const LEAST: i64 = 10_i64.pow(16);
    if n == 0.0 {
        return (0, 0);
    }
    // The exponent tells the power of ten to within one (of a denormal, its leading zeros too).
    let bits = n.abs().to_bits();
    let binary = match bits >> 52 {
        0 => 63 - bits.leading_zeros() as i32 - 1074,
        biased => biased as i32 - 1023,
    };
    let mut power = (f64::from(binary) * std::f64::consts::LOG10_2).floor() as i32;
    loop {
        let places = 16 - power;
        let digits = scaled_usual(n, places).unwrap_or_else(|| {
            // At most one digit more than 17.
            let digits = scaled(n, places);
            digits.bytes().fold(0, |n, d| n * 10 + i64::from(d - b'0'))
        });
        match digits / LEAST {
            0 => power -= 1,
            1..10 => return (digits, power),
            _ => power += 1,
        }
    }
}

/// |`n`| as a whole number and the power of two that it is multiplied with.
fn parts(n: f64) -> (u64, i32) {
    let bits = n.abs().to_bits();
    let exponent = (bits >> 52).max(1) as i32 - 1075;
    let mantissa = bits & ((1 << 52) - 1) | u64::from(bits >> 52 != 0) << 52;
    (mantissa, exponent)
}

/// What [`scaled`] gives, as a number: of numbers of usual size, for which it is one product and one shift away.
fn scaled_usual(n: f64, places: i32) -> Option<i64> {
    let (mantissa, exponent) = parts(n);
    let ((0..=22), (-127..0)) = (places, exponent) else {
        return None;
    };
    let all = u128::from(mantissa) * 10u128.pow(places as u32);
    let (whole, rest) = (all >> -exponent, all & ((1 << -exponent) - 1));
    let half = 1 << (-exponent - 1);
    let up = rest > half || (rest == half && whole & 1 == 1);
    i64::try_from(whole + u128::from(up)).ok()
}

/// The digits of |`n`| × 10^`places`, rounded to a whole number; ties go to the even one.
fn scaled(n: f64, places: i32) -> String {
    let (mantissa, exponent) = parts(n);
    let mut number = vec![mantissa as u32, (mantissa >> 32) as u32];
    for _ in 0..exponent {
        multiply(&mut number, 2, 0);
    }
    for _ in 0..places {
        multiply(&mut number, 10, 0);
    }
    // What the last division leaves decides; what those before it left tells an exact half from more than half.
    let (mut before, mut last, mut by) = (false, 0, 2);
    for (divisor, times) in [(2, -exponent), (10, -places)] {
        for _ in 0..times {
            before |= last != 0;
            (last, by) = (divide(&mut number, divisor), divisor);
        }
    }
    let odd = number[0] & 1 == 1;
    if last * 2 > by || (last * 2 == by && (before || odd)) {
        multiply(&mut number, 1, 1);
    }
    let mut digits = String::new();
    while number.iter().any(|&word| word != 0) {
        digits.insert(0, char::from(b'0' + divide(&mut number, 10) as u8));
    }
    if digits.is_empty() {
        digits.push('0');
    }
    digits
}

/// Reads a score back. Not for NaN, which no sorted set can hold.
pub fn parse_score(text: &[u8]) -> Option<f64> {
    parse_double(text).filter(|score| !score.is_nan())
}

/// A double from decimal text: sign, digits, point, exponent, `inf`, `infinity` or `nan`; the nearest there is. What the
/// standard library does with fifteen kilobytes of tables, which a page would have to download, is done here with plain
/// long arithmetic.
pub fn parse_double(text: &[u8]) -> Option<f64> {
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let is = |word: &str| rest.eq_ignore_ascii_case(word.as_bytes());
    let size = if let Some(size) = few_digits(rest) {
        size
    } else if is("inf") || is("infinity") {
        f64::INFINITY
    } else if is("nan") {
        f64::NAN
    } else {
        let (digits, exponent) = digits_of(rest)?;
        nearest(&digits, exponent)
    };
    Some(if negative { -size } else { size })
}

/// A number as most scores are, of no more than fifteen bytes: its digits and the power of ten that divides them are
/// doubles themselves, so that the one division is rounded rightly.
fn few_digits(text: &[u8]) -> Option<f64> {
    if text.len() > 15 {
        return None;
    }
    let (mut whole, mut point) = (0, None);
    for (i, b) in text.iter().enumerate() {
        match b {
            b'0'..=b'9' => whole = whole * 10 + i64::from(b - b'0'),
            b'.' if point.is_none() => point = Some(i),
            _ => return None,
        }
    }
    let places = point.map_or(0, |point| text.len() - 1 - point);
    let digits = text.len() - usize::from(point.is_some());
    (digits > 0).then(|| whole as f64 / 10_i64.pow(places as u32) as f64)
}

/// Digits without leading zeros, and the power of ten that they are multiplied with.
fn digits_of(text: &[u8]) -> Option<(Vec<u8>, i64)> {
    let (mut digits, mut exponent) = (Vec::with_capacity(text.len()), 0i64);
    let (mut point, mut any) = (false, false);
    let mut i = 0;
    while let Some(&b) = text.get(i) {
        match b {
            b'0'..=b'9' => {
                any = true;
                exponent -= i64::from(point);
                if b != b'0' || !digits.is_empty() {
                    digits.push(b - b'0');
                }
            }
            b'.' if !point => point = true,
            b'e' | b'E' if any => break,
            _ => return None,
        }
        i += 1;
    }
    if let Some(power) = text.get(i + 1..) {
        let (sign, power) = match power {
            [b'-', rest @ ..] => (-1, rest),
            [b'+', rest @ ..] => (1, rest),
            rest => (1, rest),
        };
        if power.is_empty() || !power.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let size = power.iter().fold(0i64, |n, b| {
            (n * 10 + i64::from(b - b'0')).min(1_000_000_000)
        });
        exponent += sign * size;
    } else if i < text.len() {
        return None; // an `e` with nothing after it
    }
    any.then_some((digits, exponent))
}

/// The double that is nearest to `digits` × 10^`exponent`; ties go to the even one.
fn nearest(digits: &[u8], exponent: i64) -> f64 {
    // Beyond 800 digits only "there is more" can matter.
    const KEPT: usize = 800;
    let places = digits.len() as i64 + exponent;
    if digits.is_empty() || places < -330 {
        return 0.0;
    }
    if places > 310 {
        return f64::INFINITY;
    }
    let kept = digits.len().min(KEPT);
    let mut more = digits[kept..].iter().any(|&d| d != 0);
    let exponent = exponent + (digits.len() - kept) as i64;
    let mut number: Vec<u32> = Vec::new();
    for &digit in &digits[..kept] {
        multiply(&mut number, 10, u32::from(digit));
    }
    let mut power = 0i64; // of two
    if exponent >= 0 {
        for _ in 0..exponent {
            multiply(&mut number, 10, 0);
        }
    } else {
        // Enough bits in front that 64 are left after the division: ten is less than 2^3.33.
        let words = (exponent.unsigned_abs() as usize * 10 / 3 + 96) / 32;
        number.splice(0..0, std::iter::repeat_n(0, words));
        power = -32 * words as i64;
        for _ in 0..-exponent {
            more |= divide(&mut number, 10) != 0;
        }
    }
    while number.last() == Some(&0) {
        number.pop();
    }
    // The highest 64 bits; the lowest of them also tells whether there were others below.
    let bits = number.len() as i64 * 32 - i64::from(number.last().map_or(0, |w| w.leading_zeros()));
    let bit = |i: i64| {
        i >= 0
            && number
                .get((i / 32) as usize)
                .is_some_and(|w| w >> (i % 32) & 1 == 1)
    };
    let top = (0..64).fold(0u64, |top, i| top << 1 | u64::from(bit(bits - 1 - i)));
    more |= (0..(bits - 64).max(0)).any(bit);
    power += bits - 64;
    // Below 2^-1021 a double counts in steps of 2^-1074, and its bits are the number of steps.
    let lost = -1074 - power;
    if lost > 11 {
        let lost = lost.min(127) as u32;
        let wide = u128::from(top);
        let (steps, rest, half) = (wide >> lost, wide & ((1 << lost) - 1), 1 << (lost - 1));
        let up = rest > half || (rest == half && (more || steps & 1 == 1));
        return f64::from_bits(steps as u64 + u64::from(up));
    }
    let mantissa = (top | u64::from(more)) as f64;
    // In two steps, because the power alone may be out of range; neither rounds again.
    let half = (power / 2) as i32;
    mantissa * 2f64.powi(half) * 2f64.powi(power as i32 - half)
}

fn multiply(number: &mut Vec<u32>, by: u32, plus: u32) {
    let mut carry = u64::from(plus);
    for word in number.iter_mut() {
        carry += u64::from(*word) * u64::from(by);
        *word = carry as u32;
        carry >>= 32;
    }
    if carry > 0 {
        number.push(carry as u32);
    }
}

/// Divides; the remainder.
fn divide(number: &mut [u32], by: u32) -> u32 {
    let mut rest = 0u64;
    for word in number.iter_mut().rev() {
        rest = rest << 32 | u64::from(*word);
        *word = (rest / u64::from(by)) as u32;
        rest %= u64::from(by);
    }
    rest as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn scores_are_spelt_as_in_c() {
        for (score, text) in [
            (1.5, "1.5"),
            (0.1, "0.10000000000000001"),
            (-0.0, "-0"),
            (0.0, "0"),
            (1e16, "10000000000000000"),
            (1e17, "1e+17"),
            (1e20, "1e+20"),
            (1.5e300, "1.5000000000000001e+300"),
            (1e-4, "0.0001"),
            (1.5e-5, "1.5e-05"),
            (-2.5e-7, "-2.4999999999999999e-07"),
            (123456.789, "123456.789"),
            (7.25, "7.25"),
            (-0.5, "-0.5"),
            (0.0009765625, "0.0009765625"),
            (-9_999_999.0 - 0.5f64.powi(10), "-9999999.0009765625"),
            (10_000_000.0 + 0.5f64.powi(10), "10000000.000976562"),
            (5e-324, "4.9406564584124654e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(score_text(score), text);
        }
    }

    #[test]
    fn whole_scores_end_at_two_to_the_62() {
        let limit = (1i64 << 62) as f64;
        assert_eq!(whole_score(limit), Some(1 << 62));
        assert_eq!(whole_score(limit.next_up()), None);
        assert_eq!(whole_score(-limit), Some(-(1 << 62)));
        assert_eq!(whole_score((-limit).next_down()), None);
        assert_eq!(whole_score(-0.0), Some(0));
        assert_eq!(whole_score(0.5), None);
        assert_eq!(whole_score(f64::INFINITY), None);
        assert_eq!(whole_score(f64::NAN), None);
    }

    proptest! {
        #[test]
        fn integers_come_back(n: i64) {
            let mut buffer = [0; 20];
            prop_assert_eq!(decimal(n, &mut buffer).to_vec(), n.to_string().into_bytes());
        }

        #[test]
        fn digits_are_those_of_the_standard_library(bits: u64, near in -1e6f64..1e6, places in 0i32..18) {
            for n in [f64::from_bits(bits), near, near.round() / 8.0] {
                if n.is_finite() {
                    prop_assert_eq!(fixed(n, places), format!("{n:.*}", places as usize));
                    let (digits, power) = seventeen(n);
                    let digits = format!("{digits:017}");
                    let (first, rest) = digits.split_at(1);
                    prop_assert_eq!(format!("{first}.{rest}e{power}"), format!("{:.16e}", n.abs()));
                }
            }
        }

        #[test]
        fn few_places_are_those_of_all(n in -20_000_000_000i64..20_000_000_000, places in 0i32..12) {
            let score = n as f64 / 2f64.powi(places);
            let mut buffer = [0; 20];
            if let Some(text) = few_places(score, &mut buffer) {
                let text = String::from_utf8_lossy(text);
                let all = format!("{score:.10}");
                prop_assert_eq!(text, all.trim_end_matches('0'));
            }
        }

        #[test]
        fn scores_come_back(bits: u64) {
            let score = f64::from_bits(bits);
            let back = parse_score(score_text(score).as_bytes());
            prop_assert_eq!(back.map(f64::to_bits), (!score.is_nan()).then_some(bits));
        }
    }

    fn agrees(text: &str) {
        let expected = text.parse::<f64>().ok().map(f64::to_bits);
        let read = parse_double(text.as_bytes()).map(f64::to_bits);
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn decimals_are_read_as_by_the_standard_library() {
        for text in [
            "0",
            "-0",
            "1",
            "1.5",
            ".5",
            "5.",
            ".",
            "",
            "-",
            "+1",
            "1e",
            "1e+",
            "1e5",
            "1E-5",
            "e5",
            "1 ",
            "0x10",
            "inf",
            "-INF",
            "infinity",
            "nan1",
            "2.2250738585072014e-308",
            "2.2250738585072011e-308",
            "4.9406564584124654e-324",
            "2.4703282292062327e-324",
            "2.4703282292062328e-324",
            "1.7976931348623157e308",
            "1.7976931348623158e308",
            "1.7976931348623159e308",
            "9007199254740993",
            "9007199254740992.5",
            "1e400",
            "1e-400",
            "1e99999999999",
            "0e99999999999",
            "123456789012345678901234567890",
            "8.5e-319",
        ] {
            agrees(text);
        }
        agrees(&format!("0.{}1", "0".repeat(400)));
        agrees(&format!("9007199254740993.{}1", "0".repeat(1000)));
    }

    proptest! {
        #[test]
        fn every_double_reads_back(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            if !value.is_nan() {
                agrees(&value.to_string());
                agrees(&format!("{value:e}"));
                agrees(&score_text(value));
            }
        }

        #[test]
        fn all_text_is_read_alike(text in "[-+]?[0-9]{0,25}(\\.[0-9]{0,25})?(e[-+]?[0-9]{1,3})?") {
            agrees(&text);
        }
    }
}
