//! What the bytes of a command or of an answer are, field by field, as a protocol analyser takes them apart.

use super::View;
use super::dom::int;
use super::sentence::Said;
use super::views::words as w;

/// A field: its bytes from `from` up to `to`, what stands in them, and what that means.
pub struct Field {
    pub from: usize,
    pub to: usize,
    pub text: String,
    pub means: String,
}

/// Letters of a field that are shown.
const LETTERS: usize = 18;

/// Takes a command or an answer apart. What is no RESP is one field.
#[inline(never)]
pub fn fields(v: &View<'_>, bytes: &[u8]) -> Vec<Field> {
    let mut out = Vec::new();
    // How many words were announced, and how many have come.
    let (mut words, mut word) = (0_u64, 0_u64);
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let line = rest.windows(2).position(|two| two == b"\r\n");
        let line = line.map_or(rest.len(), |end| end + 2);
        let number =
            std::str::from_utf8(rest[..line].trim_ascii_end().get(1..).unwrap_or_default());
        let number = number.ok().and_then(|n| n.parse::<u64>().ok());
        let (said, long, value): (&Said, usize, u64) = match (rest[0], number) {
            (b'*', Some(n)) => (&w::F_WORDS, line, n),
            (b'$', Some(n)) => (&w::F_LENGTH, line, n),
            (b':', Some(n)) => (&w::F_NUMBER, line, n),
            (b'+', _) => (&w::F_STATUS, line, 0),
            (b'-', _) => (&w::F_ERROR, line, 0),
            (b'\n', _) => (&w::F_NEWLINE, 1, 0),
            _ => (&w::F_BYTES, rest.len(), rest.len() as u64),
        };
        out.push(field(at, &rest[..long], v.put(said, &[&int(value)])));
        at += long;
        match (rest[0], number) {
            (b'*', Some(n)) => (words, word) = (n, 0),
            (b'$', Some(n)) if at < bytes.len() => {
                // What was announced: a word of a command, else a snapshot or a value.
                let body = usize::try_from(n).unwrap_or(usize::MAX).saturating_add(2);
                let body = &bytes[at..][..body.min(bytes.len() - at)];
                word += 1;
                let means = match word {
                    1 if words > 0 => v.w(&w::F_NAME).into(),
                    n if n <= words => v.put(&w::F_ARGUMENT, &[&int(n - 1), &int(words - 1)]),
                    _ => v.put(&w::F_BYTES, &[&int(n)]),
                };
                out.push(field(at, body, means));
                at += body.len();
            }
            _ => {}
        }
    }
    out
}

fn field(from: usize, bytes: &[u8], means: String) -> Field {
    let mut text = String::new();
    for (i, byte) in bytes.trim_ascii_end().iter().enumerate() {
        if i == LETTERS {
            text.push('…');
            break;
        }
        text.push(letter(*byte));
    }
    if text.is_empty() {
        text.push('⏎');
    }
    let to = from + bytes.len();
    Field {
        from,
        to,
        text,
        means,
    }
}

/// A byte as a letter, or a point where it is none.
pub fn letter(byte: u8) -> char {
    if byte.is_ascii_graphic() || byte == b' ' {
        char::from(byte)
    } else {
        '·'
    }
}
