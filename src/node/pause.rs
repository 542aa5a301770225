//! Clients held back for a while: by `CLIENT PAUSE`, while a failover waits for its replica, and before an orderly end.
//! Nothing may happen meanwhile that would lengthen the stream: no key expires, nobody is asked for acknowledgements.

use super::blocked::On;
use super::commands::flag;
use super::registry::Command;
use super::{Node, Outbox, Session};
use crate::time::{Instant, MILLISECOND_US};
use crate::wire::resp;

/// A pause of all commands, or of those that may end in the stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pause {
    all: bool,
    until: Instant,
}

/// Who asked for it; each has a pause of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Command,
    Shutdown,
    Failover,
}

impl Node {
    fn pauses(&self) -> impl Iterator<Item = &Pause> {
        let now = self.now;
        let on = self.pauses.iter().flatten();
        on.filter(move |pause| pause.until > now)
    }

    pub(super) fn paused(&self) -> bool {
        self.pauses().next().is_some()
    }

    /// Whether this command is held back.
    pub(super) fn holds(&self, spec: &Command) -> bool {
        let streams = spec.flags & (flag::WRITE | flag::MAY_REPLICATE) != 0;
        self.pauses().any(|pause| pause.all || streams)
    }

    pub(super) fn next_pause_end(&self) -> Option<Instant> {
        let ends = self.pauses.iter().flatten().map(|pause| pause.until);
        ends.filter(|at| at.0 < u64::MAX).min()
    }

    pub(super) fn pause(&mut self, why: Why, all: bool, until: Option<Instant>) {
        let until = until.unwrap_or(Instant(u64::MAX));
        // One that goes on is not made shorter, nor weaker.
        let before = self.pauses[why as usize].filter(|pause| pause.until > self.now);
        self.pauses[why as usize] = Some(Pause {
            all: all || before.is_some_and(|pause| pause.all),
            until: before.map_or(until, |pause| pause.until.max(until)),
        });
    }

    pub(super) fn unpause(&mut self, why: Why, out: &mut Outbox) {
        if self.pauses[why as usize].take().is_some() {
            self.resume(out);
        }
    }

    /// Forgets pauses that are over.
    pub(super) fn end_pauses(&mut self, out: &mut Outbox) {
        let now = self.now;
        let over = |pause: &Option<Pause>| pause.is_some_and(|p| p.until <= now);
        if self.pauses.iter().any(over) {
            for pause in &mut self.pauses {
                *pause = pause.filter(|p| p.until > now);
            }
            self.resume(out);
        }
    }

    /// Those who were held back try again; what still holds holds them again.
    fn resume(&mut self, out: &mut Outbox) {
        for conn in self.blocked.clone() {
            let client = self.clients.get(&conn);
            let held = client.and_then(|c| c.blocked.as_ref());
            if held.is_some_and(|b| matches!(b.on, On::Pause)) {
                self.unblock(conn, b"", out);
            }
        }
        self.resume_stream(out);
    }

    /// `CLIENT PAUSE milliseconds [WRITE|ALL]`.
    pub(super) fn pause_command(&mut self, s: &mut Session<'_>) -> Result<(), String> {
        let all = match s.word(3).as_str() {
            "" | "all" => true,
            "write" => false,
            _ => return Err("ERR CLIENT PAUSE mode must be WRITE or ALL".into()),
        };
        let ms = resp::parse_i64(&s.args[2]);
        let ms = ms.ok_or("ERR timeout is not an integer or out of range")?;
        let ms = u64::try_from(ms).map_err(|_| "ERR timeout is negative")?;
        let until = self.now.after(ms.saturating_mul(MILLISECOND_US));
        self.pause(Why::Command, all, Some(until));
        resp::ok(&mut s.reply);
        Ok(())
    }
}
