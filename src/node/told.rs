//! What a server tells of itself in `INFO replication`, read back: enough to ask two texts the question that a master
//! asks itself, whether the next `PSYNC` can simply go on.

use super::backlog::Window;
use super::downstream::{self, Outcome};
use super::history::{History, NO_ID};
use crate::wire::resp;

/// One text, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub history: History,
    /// The ring; `None` where there is none.
    pub window: Option<Window>,
    /// Of a replica: the way to its master.
    pub link: Option<Link>,
}

/// The way to a master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub up: bool,
    /// Number of the newest byte that was applied.
    pub applied: u64,
}

/// No offset is larger: sums and differences of two have room.
const MOST: i64 = 1 << 62;

/// Why a text cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    /// It has no `name:value` line at all.
    Nothing,
    /// This field is needed, and missing.
    Missing(&'static str),
    /// This field has a value that it cannot have.
    Wrong(&'static str, String),
}

/// Reads the text of `INFO replication`, of all of `INFO`, or of a part that has the fields that matter; as redis-cli
/// prints it, with prompts and other lines around it.
///
/// # Errors
/// The first field that is missing or that cannot be so.
pub fn read(text: &str) -> Result<Told, Unread> {
    let fields = Fields(
        text.lines()
            .filter_map(|line| line.split_once(':'))
            .collect(),
    );
    if fields.0.is_empty() {
        return Err(Unread::Nothing);
    }
    let replica = fields.choice("role", ["slave", "master"])?;
    let second = fields.find("second_repl_offset").unwrap_or("-1");
    let history = History {
        replid: fields.id("master_replid")?,
        // A server that never had another master may be older than the second id.
        replid2: match fields.find("master_replid2") {
            None => NO_ID.into(),
            Some(_) => fields.id("master_replid2")?,
        },
        second_offset: match second {
            "-1" => -1,
            _ => fields.number("second_repl_offset")? as i64,
        },
        offset: fields.number("master_repl_offset")?,
    };
    let window = match fields.number("repl_backlog_active")? {
        0 => None,
        _ => Some(Window {
            size: fields.number("repl_backlog_size")?,
            first: fields.number("repl_backlog_first_byte_offset")?,
            histlen: fields.number("repl_backlog_histlen")?,
        }),
    };
    // The ring ends at the newest byte: two texts of different moments, or of different servers, do not fit together.
    if window.is_some_and(|w| w.histlen > 0 && w.first + w.histlen != history.offset + 1) {
        return Err(fields.wrong("repl_backlog_histlen"));
    }
    let link = match replica {
        false => None,
        true => Some(Link {
            up: fields.choice("master_link_status", ["up", "down"])?,
            applied: fields.number("slave_repl_offset")?,
        }),
    };
    Ok(Told {
        history,
        window,
        link,
    })
}

/// Names and values, in the order of the text.
struct Fields<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Fields<'a> {
    #[inline(never)]
    fn find(&self, name: &str) -> Option<&'a str> {
        let found = self.0.iter().find(|(n, _)| n.trim() == name)?;
        Some(found.1.trim())
    }

    fn wrong(&self, name: &'static str) -> Unread {
        Unread::Wrong(name, self.find(name).unwrap_or_default().into())
    }

    #[inline(never)]
    fn number(&self, name: &'static str) -> Result<u64, Unread> {
        let value = self.find(name).ok_or(Unread::Missing(name))?;
        let n = resp::parse_i64(value.as_bytes()).filter(|n| (0..MOST).contains(n));
        n.map(|n| n as u64).ok_or_else(|| self.wrong(name))
    }

    #[inline(never)]
    fn id(&self, name: &'static str) -> Result<String, Unread> {
        let value = self.find(name).ok_or(Unread::Missing(name))?;
        let hex = value.len() == 40 && value.bytes().all(|b| b.is_ascii_hexdigit());
        hex.then(|| value.into()).ok_or_else(|| self.wrong(name))
    }

    /// Whether it is the first of the two that it can be.
    #[inline(never)]
    fn choice(&self, name: &'static str, of: [&str; 2]) -> Result<bool, Unread> {
        let value = self.find(name).ok_or(Unread::Missing(name))?;
        let at = of.iter().position(|word| *word == value);
        at.map(|at| at == 0).ok_or_else(|| self.wrong(name))
    }
}

impl Told {
    /// The `PSYNC` that this replica would send if its link broke now: id and first byte wanted.
    ///
    /// A replica that has a history asks for its next byte. Whether it still has one is not in the text when its link is
    /// down: one that has never finished a first copy, or is in the middle of one, asks for everything, and is to be
    /// known by the offset 0 or 1 that it tells then.
    pub fn would_ask(&self) -> (String, i64) {
        match &self.link {
            Some(link) if !link.up && link.applied <= 1 => ("?".into(), -1),
            Some(link) => (self.history.replid.clone(), link.applied as i64 + 1),
            None => (self.history.replid.clone(), self.history.offset as i64 + 1),
        }
    }

    /// What this server would answer, and the line that it would log of a replica called `name`.
    pub fn would_answer(&self, id: &str, offset: i64, name: &str) -> (Outcome, String) {
        downstream::verdict(&self.history, self.window, (id, offset), name)
    }
}
