//! A language of the page, and templates of sentences. The words are in `text`, `sentence` and beside the stage.

/// A language of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    #[default]
    En,
    Zh,
}

impl Lang {
    /// For `<html lang>`.
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh-CN",
        }
    }

    pub fn other(self) -> Self {
        match self {
            Self::En => Self::Zh,
            Self::Zh => Self::En,
        }
    }
}

/// Puts the values into a template: `{}` takes the next one, `{0}` the one with this number.
pub fn fill(template: &str, values: &[&str]) -> String {
    let mut out = String::with_capacity(template.len() + 16);
    let mut pieces = template.split('{');
    out.push_str(pieces.next().unwrap_or_default());
    for (next, piece) in pieces.enumerate() {
        let (place, rest) = piece.split_once('}').unwrap_or_default();
        let index = match place.as_bytes() {
            [digit] => usize::from(digit - b'0'),
            _ => next,
        };
        out.push_str(values.get(index).copied().unwrap_or_default());
        out.push_str(rest);
    }
    out
}
