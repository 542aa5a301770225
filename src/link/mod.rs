//! Share links: a whole session as a short text that fits into the fragment of an address. It holds how the world
//! began, every deed on every branch with its time, where the player stood, and what the page showed; the rest follows
//! from those. A link is `1` (the version) and base64url of a CRC-32 and a packed text, which can be read:
//!
//! ```text
//! cluster seed=7 replicas=2 backlog=512 latency=100ms
//! branch A
//! +0 m> SET city Oslo
//! +1500000 cut m r1
//! end 4000000
//! branch B of 0 after 1
//! +1500000 kill r1
//! end 2500000
//! here 1 event 12 at 2500000
//! view node=r1
//! ```
//!
//! The text may also stand in the address as it is, and then its first lines are enough: `#cluster seed=3 replicas=1`.
//! Times are microseconds: `+` since the deed before (or the beginning), `end` and `at` since the beginning. A damaged
//! link is an error, never another session: the checksum covers every bit, and the length of the text is told.
//! The text is packed with LZF, which snapshots need anyway: it adds nothing to the page. Deflate (`miniz_oxide`) would
//! make links a quarter shorter and the page 24 kB larger (gzipped); the browser's CompressionStream answers only later,
//! and the command line has none.

use crate::script;
use crate::sim::{Action, Cluster, Options};
use crate::tape::{BranchId, Tape};
use crate::time::Instant;
use crate::wire::rdb::lzf;
use crate::wire::resp::Reply;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;
use std::fmt::Write;
use std::rc::Rc;
use std::sync::LazyLock;

const VERSION: char = '1';
/// Longest link that is made or read, in characters.
pub const LINK_MAX: usize = 32 * 1024;
/// What a link should not exceed, so that it survives chats and mails.
pub const LINK_GOOD: usize = 8 * 1024;
/// Longest text that a link may hold once it is unpacked, in bytes.
const TEXT_MAX: usize = 256 * 1024;
const BRANCHES_MAX: usize = 64;
const DEEDS_MAX: usize = 10_000;
/// Events that opening a link may play, over all branches: a few seconds of work in a browser.
const EVENTS_MAX: u64 = 400_000;
const VIEW_MAX: usize = 1024;

/// Its table is made at the first use, as it does not compress: nothing to download.
static CRC: LazyLock<crc::Crc<u32>> = LazyLock::new(|| crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC));

/// A session, as a link holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    pub options: Options,
    /// The first one is the trunk.
    pub branches: Vec<Branch>,
    /// The branch that is looked at, and where on it.
    pub here: usize,
    pub event: u64,
    /// Microseconds since the beginning.
    pub at_us: u64,
    /// The page's own words on what it shows, of one line; may be empty.
    pub view: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    pub name: String,
    /// Grows from this branch, after so many of the deeds that led there.
    pub from: Option<(usize, usize)>,
    /// Deeds of its own: microseconds since the deed before, and what it was.
    pub deeds: Vec<(u64, Action)>,
    /// How far it was played, in microseconds since the beginning.
    pub end_us: u64,
}

/// Why a link cannot be made or opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkError {
    /// There is nothing behind the `#`.
    Empty,
    /// Made by a version of Ringside that this one does not know.
    Version {
        found: char,
    },
    TooLong {
        chars: usize,
    },
    /// A character that no link has, counted from 1.
    Character {
        at: usize,
    },
    /// The checksum does not fit: characters are missing or were changed.
    Damaged {
        chars: usize,
    },
    /// More than [`TEXT_MAX`] when unpacked.
    TooMuch,
    /// The text in the link is not understood.
    Text {
        line: usize,
        why: String,
    },
    /// A deed of the link cannot be done again.
    Deed {
        line: String,
        why: String,
    },
    /// Playing it would take more than [`EVENTS_MAX`] events.
    TooManyEvents,
    /// It is bridged to a real server, whose bytes are nobody else's.
    Outside,
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(
                f,
                "the link is empty: copy it again, with all that follows the #"
            ),
            Self::Version { found } => write!(
                f,
                "the link begins with '{}', and this Ringside reads links that begin with '{VERSION}': \
                 it was changed on its way, or made by a newer one; reload the page, or ask for the link again",
                found.escape_default()
            ),
            Self::TooLong { chars } => write!(
                f,
                "the session needs a link of {chars} characters and {LINK_MAX} are the limit: \
                 delete branches, or save it as a file"
            ),
            Self::Character { at } => write!(
                f,
                "character {at} of the link does not belong into a link: copy it again, without what is around it"
            ),
            Self::Damaged { chars } => write!(
                f,
                "the link is damaged: it has {chars} characters, and some are missing or changed; \
                 copy it again as a whole"
            ),
            Self::TooMuch => write!(
                f,
                "the link holds more than {TEXT_MAX} bytes and is not opened"
            ),
            Self::Text { line, why } => write!(f, "line {line} of the link's text: {why}"),
            Self::Deed { line, why } => write!(
                f,
                "'{line}' cannot be done any more ({why}): the link was made by another version of Ringside"
            ),
            Self::Outside => f.write_str(
                "this session is bridged to a real server: a link could not bring it back, and would hold its data",
            ),
            Self::TooManyEvents => write!(
                f,
                "the session has more than {EVENTS_MAX} events: delete branches, or begin again and keep it short"
            ),
        }
    }
}

// --- the characters --------------------------------------------------------------------------------------------------

impl Link {
    /// The link, without a `#`.
    ///
    /// # Errors
    /// The session is too big for a link.
    pub fn encode(&self) -> Result<String, LinkError> {
        let text = self.text();
        if text.len() > TEXT_MAX {
            return Err(LinkError::TooMuch);
        }
        let bytes = pack(text.as_bytes());
        let link = format!("{VERSION}{}", URL_SAFE_NO_PAD.encode(bytes));
        let chars = link.len();
        (chars <= LINK_MAX)
            .then_some(link)
            .ok_or(LinkError::TooLong { chars })
    }

    /// Reads a link, with or without its `#`. Nothing is played yet.
    ///
    /// # Errors
    /// Whatever is wrong with it. A link of which a bit was changed, or the end lost, is never another link.
    pub fn decode(link: &str) -> Result<Self, LinkError> {
        let link = link.strip_prefix('#').unwrap_or(link);
        let chars = link.len();
        if chars > LINK_MAX {
            return Err(LinkError::TooLong { chars });
        }
        if link.starts_with("cluster") {
            let trunk = if link.contains("\nbranch ") {
                ""
            } else {
                "\nbranch A\n"
            };
            return Self::parse(&[link, trunk].concat());
        }
        let version = link.chars().next().ok_or(LinkError::Empty)?;
        let Some(body) = link.strip_prefix(VERSION) else {
            return Err(LinkError::Version { found: version });
        };
        let bytes = URL_SAFE_NO_PAD.decode(body).map_err(|error| match error {
            base64::DecodeError::InvalidByte(at, _) => LinkError::Character { at: at + 2 },
            _ => LinkError::Damaged { chars },
        })?;
        let damaged = || LinkError::Damaged { chars };
        let (crc, rest) = bytes.split_first_chunk::<4>().ok_or_else(damaged)?;
        if CRC.checksum(rest) != u32::from_le_bytes(*crc) {
            return Err(damaged());
        }
        let (len, packed) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
        let len = u32::from_le_bytes(*len) as usize;
        if len > TEXT_MAX {
            return Err(LinkError::TooMuch);
        }
        let text = lzf::decompress(packed, len).map_err(|_| damaged())?;
        let text = String::from_utf8(text).map_err(|_| damaged())?;
        Self::parse(&text)
    }

    // --- the text ----------------------------------------------------------------------------------------------------

    /// What a link says, to be read.
    pub fn text(&self) -> String {
        let mut text = script::cluster_lines(&self.options);
        for branch in &self.branches {
            let _ = match branch.from {
                None => writeln!(text, "branch {}", branch.name),
                Some((of, after)) => writeln!(text, "branch {} of {of} after {after}", branch.name),
            };
            for (us, action) in &branch.deeds {
                let _ = writeln!(text, "+{us} {action}");
            }
            let _ = writeln!(text, "end {}", branch.end_us);
        }
        let _ = writeln!(
            text,
            "here {} event {} at {}",
            self.here, self.event, self.at_us
        );
        if !self.view.is_empty() {
            let _ = writeln!(text, "view {}", self.view);
        }
        text
    }

    /// # Errors
    /// The first line that is not understood.
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        let mut link = Self {
            options: Options::default(),
            branches: Vec::new(),
            here: 0,
            event: 0,
            at_us: 0,
            view: String::new(),
        };
        let (mut deeds, mut last) = (0, 0);
        for (i, line) in text.lines().enumerate() {
            link.line(line, i == 0)
                .map_err(|why| LinkError::Text { line: i + 1, why })?;
            deeds += usize::from(line.starts_with('+'));
            last = i + 1;
        }
        let wrong = |why: &str| {
            Err(LinkError::Text {
                line: last,
                why: why.into(),
            })
        };
        if deeds > DEEDS_MAX || link.branches.len() > BRANCHES_MAX {
            return wrong(&format!(
                "more than {DEEDS_MAX} deeds or {BRANCHES_MAX} branches"
            ));
        }
        if link
            .branches
            .iter()
            .any(|b| b.from.is_some() && b.deeds.is_empty())
        {
            return wrong("a branch without a deed of its own");
        }
        if link.here >= link.branches.len() {
            return wrong("'here' names a branch that there is not");
        }
        Ok(link)
    }

    fn line(&mut self, line: &str, first: bool) -> Result<(), String> {
        let number = |word: &str| {
            word.parse::<u64>()
                .map_err(|_| format!("a number was expected, not '{word}'"))
        };
        let index = |word: &str| {
            word.parse::<usize>()
                .map_err(|_| format!("a number was expected, not '{word}'"))
        };
        if let Some(view) = line.strip_prefix("view ") {
            self.view = check_view(view)?;
            return Ok(());
        }
        if let Some(deed) = line.strip_prefix('+') {
            let (us, action) = deed
                .split_once(' ')
                .ok_or("a deed is a time and what was done")?;
            let action = script::parse_action(action)?;
            let branch = self
                .branches
                .last_mut()
                .ok_or("a deed before the first branch")?;
            branch.deeds.push((number(us)?, action));
            return Ok(());
        }
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["cluster", options @ ..] if first => self.options = script::parse_options(options)?,
            ["key", ..] if self.branches.is_empty() => {
                self.options.keys.push(script::parse_key(line)?);
            }
            ["branch", name @ .., "of", of, "after", after] if !self.branches.is_empty() => {
                let (of, after) = (index(of)?, index(after)?);
                if of >= self.branches.len() {
                    return Err(format!("there is no branch {of} before this one"));
                }
                self.push(name.join(" "), Some((of, after)));
            }
            ["branch", name @ ..] if self.branches.is_empty() => self.push(name.join(" "), None),
            ["end", us] => {
                self.branches
                    .last_mut()
                    .ok_or("an end before the first branch")?
                    .end_us = number(us)?;
            }
            ["here", branch, "event", event, "at", us] => {
                (self.here, self.event, self.at_us) = (index(branch)?, number(event)?, number(us)?);
            }
            _ => return Err(format!("'{line}' is not understood")),
        }
        Ok(())
    }

    fn push(&mut self, name: String, from: Option<(usize, usize)>) {
        self.branches.push(Branch {
            name,
            from,
            deeds: Vec::new(),
            end_us: 0,
        });
    }

    // --- the tape ----------------------------------------------------------------------------------------------------

    /// Notes a tape as it stands.
    ///
    /// # Errors
    /// The view is longer than a line of 1024 bytes, or the tape is longer than anybody would want to wait for.
    pub fn of(tape: &Tape, view: &str) -> Result<Self, LinkError> {
        if tape.world().outside().is_some() {
            return Err(LinkError::Outside);
        }
        let begin = tape.begin_at();
        let views = tape.branches();
        let paths: Vec<_> = views
            .iter()
            .map(|b| {
                tape.deeds_of(b.id)
                    .expect("a branch that was listed exists")
            })
            .collect();
        let mut branches = Vec::new();
        for (i, (b, path)) in views.iter().zip(&paths).enumerate() {
            let shared = |other: &Vec<Rc<_>>| {
                path.iter()
                    .zip(other)
                    .take_while(|(a, b)| Rc::ptr_eq(a, b))
                    .count()
            };
            let from = (0..i)
                .map(|j| (j, shared(&paths[j])))
                .max_by_key(|(j, n)| (*n, std::cmp::Reverse(*j)));
            let keeps = from.map_or(0, |(_, n)| n);
            let mut last = if keeps == 0 {
                begin
            } else {
                path[keeps - 1].at
            };
            let own = path[keeps..].iter().map(|deed| {
                let us = deed.at.since(std::mem::replace(&mut last, deed.at));
                (us, deed.action.clone())
            });
            branches.push(Branch {
                name: b.name.clone(),
                from,
                deeds: own.collect(),
                end_us: b.end_at.since(begin),
            });
        }
        if views.iter().map(|b| b.end).sum::<u64>() > EVENTS_MAX {
            return Err(LinkError::TooManyEvents);
        }
        Ok(Self {
            options: tape.world().options().clone(),
            branches,
            here: views.iter().position(|b| b.here).unwrap_or(0),
            event: tape.event(),
            at_us: tape.now().since(begin),
            view: check_view(view).map_err(|why| LinkError::Text { line: 0, why })?,
        })
    }

    /// What a script did, as a session of one branch that stands at its end.
    pub fn of_deeds(
        options: &Options,
        deeds: &[(Instant, Action)],
        begin: Instant,
        end: Instant,
    ) -> Self {
        let mut last = begin;
        let deeds = deeds.iter().map(|(at, action)| {
            let us = at.since(std::mem::replace(&mut last, *at));
            (us, action.clone())
        });
        let deeds: Vec<_> = deeds.collect();
        Self::of_one(options, deeds, end.since(last))
    }

    /// A session of one branch that stands at its end, `rest_us` after the last deed. Each deed comes with the
    /// microseconds since the one before.
    pub fn of_one(options: &Options, deeds: Vec<(u64, Action)>, rest_us: u64) -> Self {
        let end_us = deeds.iter().map(|(us, _)| us).sum::<u64>() + rest_us;
        Self {
            options: options.clone(),
            branches: vec![Branch {
                name: "A".into(),
                from: None,
                deeds,
                end_us,
            }],
            here: 0,
            event: u64::MAX,
            at_us: end_us,
            view: String::new(),
        }
    }

    /// What a script did so far.
    pub fn of_runner(runner: &script::Runner) -> Self {
        let options = runner.world.options();
        let begin = Cluster::ready(options.clone()).now();
        Self::of_deeds(options, &runner.deeds, begin, runner.world.now())
    }

    /// Plays all branches and goes to where the link points. `heard` is told of every deed that was done again.
    ///
    /// # Errors
    /// A deed that cannot be done, or too many events.
    pub fn play(&self, heard: impl FnMut(&Tape, &Action, &[Reply])) -> Result<Tape, LinkError> {
        self.play_within(EVENTS_MAX, heard)
    }

    fn play_within(
        &self,
        events: u64,
        mut heard: impl FnMut(&Tape, &Action, &[Reply]),
    ) -> Result<Tape, LinkError> {
        let mut tape = Tape::new(self.options.clone());
        let begin = tape.begin_at();
        let mut ids: Vec<BranchId> = Vec::new();
        let mut left = events;
        for branch in &self.branches {
            let mut first = branch.from;
            let mut at = begin;
            for (us, action) in &branch.deeds {
                let bad = |why: String| LinkError::Deed {
                    line: action.to_string(),
                    why,
                };
                let replies = match first.take() {
                    Some((of, after)) => {
                        let path = tape.deeds_of(ids[of]).map_err(|e| bad(e.to_string()))?;
                        let from = after.checked_sub(1).and_then(|i| path.get(i));
                        if after > path.len() {
                            return Err(bad(format!("branch {of} has only {} deeds", path.len())));
                        }
                        at = from.map_or(begin, |deed| deed.at).after(*us);
                        let event = from.map_or(0, |deed| deed.event);
                        tape.grow(ids[of], event, at, action.clone()).map_err(bad)?
                    }
                    None => {
                        at = at.after(*us);
                        run_until(&mut tape, at, &mut left)?;
                        tape.act(action.clone()).map_err(|e| bad(e.0))?
                    }
                };
                heard(&tape, action, &replies);
            }
            run_until(&mut tape, begin.after(branch.end_us), &mut left)?;
            ids.push(tape.branch());
            let _ = tape.rename(tape.branch(), &branch.name); // the branch was just made
        }
        let here = ids.get(self.here).copied().unwrap_or_else(|| tape.branch());
        tape.switch(here).map_err(|e| LinkError::Text {
            line: 0,
            why: e.to_string(),
        })?;
        tape.seek_place(self.event, begin.after(self.at_us));
        Ok(tape)
    }

    /// The branch that is looked at, as a scenario that does the same; it ends where the player stood.
    pub fn to_script(&self) -> String {
        let mut deeds: Vec<(u64, &Action)> = Vec::new();
        let (mut at, mut upto) = (Some(self.here), usize::MAX);
        let mut parts: Vec<(usize, usize)> = Vec::new();
        while let Some(i) = at {
            parts.push((i, upto));
            (at, upto) = self.branches[i]
                .from
                .map_or((None, 0), |(of, after)| (Some(of), after));
        }
        for (i, upto) in parts.into_iter().rev() {
            let own = self.branches[i]
                .deeds
                .iter()
                .map(|(us, action)| (*us, action));
            deeds.extend(own);
            deeds.truncate(upto);
        }
        script::of_deeds(&self.options, &deeds, self.at_us)
    }
}

/// CRC-32 of the rest, length of the text, the text in LZF.
fn pack(text: &[u8]) -> Vec<u8> {
    let mut rest = (text.len() as u32).to_le_bytes().to_vec();
    let most = 2 * text.len() + 8; // literal pieces add a byte to 32
    let mut packed = Vec::new();
    let fits = lzf::Packer::default().pack(text, most, &mut packed);
    assert!(fits, "LZF never doubles a text");
    rest.extend(packed);
    let mut bytes = CRC.checksum(&rest).to_le_bytes().to_vec();
    bytes.append(&mut rest);
    bytes
}

/// A view is one line of at most [`VIEW_MAX`] bytes without control characters.
fn check_view(view: &str) -> Result<String, String> {
    if view.len() > VIEW_MAX || view.chars().any(char::is_control) {
        return Err(format!("a view is one line of at most {VIEW_MAX} bytes"));
    }
    Ok(view.into())
}

/// Plays on; every event is taken from those that are `left`.
fn run_until(tape: &mut Tape, at: Instant, left: &mut u64) -> Result<(), LinkError> {
    while tape.next_at().is_some_and(|next| next <= at) {
        tape.step();
        *left = left.checked_sub(1).ok_or(LinkError::TooManyEvents)?;
    }
    tape.run_until(at);
    Ok(())
}

#[cfg(test)]
mod tests;
