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
    let scientific = format!("{score:.16e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if mantissa.starts_with('-') { "-" } else { "" };
    let all: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = all.trim_end_matches('0');
    let mut text = String::from(sign);
    if digits.is_empty() {
        text.push('0');
    } else if (0..17).contains(&exponent) {
        let whole = exponent as usize + 1;
        text.push_str(&all[..whole]);
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

/// Reads a score back. Not for NaN, which no sorted set can hold.
pub fn parse_score(text: &[u8]) -> Option<f64> {
    let score: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (!score.is_nan()).then_some(score)
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
        fn scores_come_back(bits: u64) {
            let score = f64::from_bits(bits);
            let back = parse_score(score_text(score).as_bytes());
            prop_assert_eq!(back.map(f64::to_bits), (!score.is_nan()).then_some(bits));
        }
    }
}
