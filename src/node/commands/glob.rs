//! Patterns of `KEYS` and `SCAN MATCH`: `*`, `?`, `[a-z]`, `[^a]` and `\x`, with Redis's reading of the odd cases. Needs
//! no stack and, at worst, the product of both lengths in steps.

/// A pattern with more of them that are followed by something matches nothing: Redis asks itself for each, and no deeper.
const MOST_STARS: usize = 1000;

/// Whether the whole text matches (`stringmatchlen`, case counts).
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    if text.is_empty() {
        return pattern.is_empty(); // not even `*`; callers treat the pattern that is just `*` themselves
    }
    let (mut p, mut t) = (0, 0);
    let mut stars = 0;
    let mut star = None; // after the newest `*`: where the pattern goes on, and the text that it was tried at
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            while pattern.get(p) == Some(&b'*') {
                p += 1;
            }
            if p == pattern.len() {
                return true;
            }
            stars += 1;
            if stars > MOST_STARS {
                return false;
            }
            star = Some((p, t));
            continue;
        }
        if let Some(next) = one(&pattern[p..], text[t]) {
            p += next;
            t += 1;
        } else if let Some((after, at)) = star {
            star = Some((after, at + 1));
            (p, t) = (after, at + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&b| b == b'*')
}

/// Matches one byte with the first element of a pattern; the length of that element when it fits.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match *pattern.first()? {
        b'?' => Some(1),
        b'[' => class(pattern, byte),
        b'\\' if pattern.len() > 1 => (pattern[1] == byte).then_some(2),
        plain => (plain == byte).then_some(1),
    }
}

fn class(pattern: &[u8], byte: u8) -> Option<usize> {
    let not = pattern.get(1) == Some(&b'^');
    let mut i = if not { 2 } else { 1 };
    let mut found = false;
    loop {
        match pattern.get(i..).unwrap_or_default() {
            [] => break, // the class that is never closed ends with the pattern
            [b'\\', escaped, ..] => {
                found |= *escaped == byte;
                i += 2;
            }
            [b']', ..] => {
                i += 1;
                break;
            }
            [from, b'-', to, ..] => {
                found |= (*from.min(to)..=*from.max(to)).contains(&byte);
                i += 3;
            }
            [plain, ..] => {
                found |= *plain == byte;
                i += 1;
            }
        }
    }
    (found != not).then_some(i.min(pattern.len()))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_in_redis() {
        for (pattern, text, want) in [
            ("*", "a", true),
            ("", "", true),
            ("*", "", false),
            ("h?llo", "hello", true),
            ("h*llo", "heeello", true),
            ("h*llo", "hell", false),
            ("h[^e]llo", "hello", false),
            ("h[a-b]llo", "hbllo", true),
            ("h[b-a]llo", "hallo", true),
            ("h[ab", "hb", true),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("a\\", "a\\", true),
            ("[\\]]", "]", true),
            ("*a*b", "xaxxbxb", true),
            ("a**", "a", true),
            ("[", "a", false),
            ("[^", "a", true),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes()),
                want,
                "{pattern} on {text}"
            );
        }
    }

    #[test]
    fn many_stars_do_not_take_forever() {
        let pattern = "a*".repeat(300) + "b";
        assert!(!matches(pattern.as_bytes(), "a".repeat(3000).as_bytes()));
    }
}
