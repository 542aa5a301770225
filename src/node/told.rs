//! What a server tells of itself in `INFO replication`, read back: enough to ask two texts the question that a master
//! asks itself, whether the next `PSYNC` can simply go on.

use super::backlog::Window;
use super::downstream::{self, Outcome};
use super::history::{History, NO_ID};

/// One text, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub replica: bool,
    pub history: History,
    /// The ring: its size, the number of its first byte, and how many there are; `None` where there is none.
    pub window: Option<Window>,
    /// Of a replica: its master's port, whether the link is up, and the newest byte that it has applied.
    pub master: Option<Link>,
    /// Of a master: the replicas that are attached, as `ip:port`, with what they have acknowledged.
    pub replicas: Vec<(String, u64)>,
}

/// The way to a master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub host: String,
    pub port: u16,
    pub up: bool,
    pub applied: u64,
}

/// No offset is larger: sums and differences of two have room.
const MOST: u64 = 1 << 62;

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
    let fields: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.trim().trim_matches('"').split_once(':'))
        .map(|(name, value)| (name.trim(), value.trim()))
        .collect();
    if fields.is_empty() {
        return Err(Unread::Nothing);
    }
    let find = |name: &str| {
        fields
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, value)| *value)
    };
    let need = |name: &'static str| find(name).ok_or(Unread::Missing(name));
    let wrong = |name, value: &str| Unread::Wrong(name, value.into());
    let number = |name: &'static str| {
        let value = need(name)?;
        let n = value.parse::<u64>().ok().filter(|&n| n < MOST);
        n.ok_or_else(|| wrong(name, value))
    };
    let id = |name: &'static str| {
        let value = need(name)?;
        let hex = value.len() == 40 && value.bytes().all(|b| b.is_ascii_hexdigit());
        hex.then(|| value.to_string())
            .ok_or_else(|| wrong(name, value))
    };
    let replica = match need("role")? {
        "master" => false,
        "slave" | "replica" => true,
        other => return Err(wrong("role", other)),
    };
    let second = match find("second_repl_offset") {
        None => -1,
        Some(value) => {
            let n = value.parse::<i64>().ok();
            let n = n.filter(|n| n.unsigned_abs() < MOST);
            n.ok_or_else(|| wrong("second_repl_offset", value))?
        }
    };
    let history = History {
        replid: id("master_replid")?,
        // A server that never had another master may be older than the second id.
        replid2: find("master_replid2")
            .map_or_else(|| Ok(NO_ID.into()), |_| id("master_replid2"))?,
        second_offset: second,
        offset: number("master_repl_offset")?,
    };
    let window = match number("repl_backlog_active")? {
        0 => None,
        _ => Some(Window {
            size: number("repl_backlog_size")?,
            first: number("repl_backlog_first_byte_offset")?,
            histlen: number("repl_backlog_histlen")?,
        }),
    };
    // The ring ends at the newest byte: two texts of different moments, or of different servers, do not fit together.
    if let Some(w) = &window
        && w.histlen > 0
        && w.first.checked_add(w.histlen) != history.offset.checked_add(1)
    {
        return Err(wrong("repl_backlog_histlen", &w.histlen.to_string()));
    }
    let master = match replica {
        false => None,
        true => {
            let up = match need("master_link_status")? {
                "up" => true,
                "down" => false,
                other => return Err(wrong("master_link_status", other)),
            };
            let port = need("master_port")?;
            Some(Link {
                host: need("master_host")?.into(),
                port: port.parse().map_err(|_| wrong("master_port", port))?,
                up,
                applied: number("slave_repl_offset")?,
            })
        }
    };
    let attached = |(name, value): &(&str, &str)| {
        let number = name.strip_prefix("slave")?;
        number.parse::<u32>().ok()?;
        let part = |key: &str| {
            value
                .split(',')
                .find_map(|p| p.strip_prefix(key)?.strip_prefix('='))
        };
        Some((
            [part("ip")?, ":", part("port")?].concat(),
            part("offset")?.parse().ok()?,
        ))
    };
    Ok(Told {
        replica,
        history,
        window,
        master,
        replicas: fields.iter().filter_map(attached).collect(),
    })
}

impl Told {
    /// The `PSYNC` that this replica would send if its link broke now: id and first byte wanted.
    ///
    /// A replica that has a history asks for its next byte. Whether it still has one is not in the text when its link is
    /// down: one that has never finished a first copy, or is in the middle of one, asks for everything, and is to be
    /// known by the offset 0 or 1 that it tells then.
    pub fn would_ask(&self) -> (String, i64) {
        match &self.master {
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
