//! What the server counts and measures about the commands that it runs: calls, errors, how long they took, and those
//! that took too long. Follows `call`, `afterErrorReply`, `slowlog.c` and `latency.c`.

use super::registry::{self, Command};
use crate::wire::Bytes;
use litemap::LiteMap;
use std::collections::VecDeque;

/// What is known of the calls of one command.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls {
    pub calls: u64,
    pub usec: u64,
    pub rejected: u64,
    pub failed: u64,
    pub spans: Option<Box<Spans>>,
}

impl Calls {
    /// One of them took so many microseconds.
    pub fn took(&mut self, us: u64) {
        self.spans.get_or_insert_default().add(us);
    }
}

/// How many calls took how long, to within a hundredth or so: spans up to 127 ns have a counter each, and of every
/// power of two above there are 64.
#[derive(Clone, Debug, Default)]
pub(super) struct Spans {
    counts: Vec<u32>,
    pub total: u64,
}

impl Spans {
    const FINE: u64 = 128;

    fn place(ns: u64) -> usize {
        if ns < Self::FINE {
            return ns as usize;
        }
        let shift = ns.ilog2() - 6;
        (u64::from(shift) * 64 + (ns >> shift)) as usize
    }

    /// The longest span that is counted at this place, in nanoseconds.
    fn longest(place: usize) -> u64 {
        let place = place as u64;
        if place < Self::FINE {
            return place;
        }
        let shift = place / 64 - 1;
        ((place - shift * 64 + 1) << shift) - 1
    }

    fn add(&mut self, us: u64) {
        // Redis counts up to a second.
        let ns = (us * 1000).clamp(1, 1_000_000_000);
        let place = Self::place(ns);
        if self.counts.len() <= place {
            self.counts.resize(place + 1, 0);
        }
        self.counts[place] = self.counts[place].saturating_add(1);
        self.total += 1;
    }

    /// The span, in microseconds, that so many percent of the calls did not exceed.
    pub fn percentile(&self, percent: f64) -> f64 {
        let wanted = ((percent / 100.0 * self.total as f64 + 0.5) as u64).max(1);
        let mut seen = 0;
        for (place, count) in self.counts.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= wanted {
                return Self::longest(place) as f64 / 1000.0;
            }
        }
        0.0
    }

    /// Pairs of a span in microseconds, each the double of the one before, and how many calls did not exceed it; only
    /// where that number grows.
    pub fn cumulative(&self) -> Vec<(u64, u64)> {
        let mut pairs: Vec<(u64, u64)> = Vec::new();
        let (mut upto, mut seen) = (1024, 0);
        for (place, count) in self.counts.iter().enumerate() {
            if *count == 0 {
                continue;
            }
            let ns = Self::longest(place);
            while ns > upto {
                upto *= 2;
            }
            seen += u64::from(*count);
            let us = upto / 1000;
            match pairs.last_mut() {
                Some(last) if last.0 == us => last.1 = seen,
                _ => pairs.push((us, seen)),
            }
        }
        pairs
    }
}

/// A command that took too long.
#[derive(Clone, Debug)]
pub(super) struct Slow {
    pub id: u64,
    pub unix_s: i64,
    pub us: u64,
    pub args: Vec<Bytes>,
    pub addr: String,
    pub name: Bytes,
}

/// Peaks of one kind of event, at most one for each second: `(unix seconds, milliseconds)`.
#[derive(Clone, Debug, Default)]
pub(super) struct Peaks {
    pub samples: VecDeque<(i64, u64)>,
    pub max: u64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Measures {
    /// By number of the command; only those that were called. A copy of a world copies all of it.
    commands: LiteMap<usize, Calls>,
    /// By the first word of the error.
    pub errors: LiteMap<String, u64>,
    pub error_replies: u64,
    /// The command in progress brought an error to another client; it is counted with the command.
    pub failed_others: bool,
    pub slow: VecDeque<Slow>,
    pub slow_id: u64,
    pub peaks: LiteMap<&'static str, Peaks>,
}

impl Measures {
    pub fn of(&mut self, command: &Command) -> &mut Calls {
        self.commands.entry(command.id).or_default()
    }

    /// Commands with something to tell.
    pub fn commands(&self) -> impl Iterator<Item = (&'static Command, &Calls)> {
        let all = self
            .commands
            .iter()
            .map(|(id, c)| (&registry::all()[*id], c));
        all.filter(|(_, c)| c.calls > 0 || c.rejected > 0 || c.failed > 0)
    }

    /// `CONFIG RESETSTAT`.
    pub fn reset(&mut self) {
        self.commands.clear();
        self.errors.clear();
        self.error_replies = 0;
    }

    /// An error reply; without the leading `-`.
    pub fn error(&mut self, text: &str) {
        self.error_replies += 1;
        let start = &text.as_bytes()[..text.len().min(31)];
        let word = match start.iter().position(|b| *b == b' ') {
            Some(end) => &text[..end],
            None => "ERR",
        };
        match self.errors.get_mut(word) {
            Some(count) => *count += 1,
            None => {
                self.errors.insert(word.into(), 1);
            }
        }
    }

    /// Keeps a command that took too long, and not more than so many of them.
    pub fn keep_slow(&mut self, mut slow: Slow, most: usize) {
        const ARGS: usize = 32;
        const BYTES: usize = 128;
        let all = slow.args.len();
        if all > ARGS {
            slow.args.truncate(ARGS - 1);
            let more = format!("... ({} more arguments)", all - ARGS + 1);
            slow.args.push(more.into_bytes().into());
        }
        for arg in &mut slow.args {
            if arg.len() > BYTES {
                let mut short = arg[..BYTES].to_vec();
                short.extend(format!("... ({} more bytes)", arg.len() - BYTES).bytes());
                *arg = short.into();
            }
        }
        slow.id = self.slow_id;
        self.slow_id += 1;
        self.slow.push_front(slow);
        self.slow.truncate(most);
    }

    /// An event that took so many milliseconds.
    pub fn peak(&mut self, event: &'static str, unix_s: i64, ms: u64) {
        let peaks = self.peaks.entry(event).or_default();
        peaks.max = peaks.max.max(ms);
        match peaks.samples.back_mut() {
            Some(last) if last.0 == unix_s => last.1 = last.1.max(ms),
            _ => {
                if peaks.samples.len() == 160 {
                    peaks.samples.pop_front();
                }
                peaks.samples.push_back((unix_s, ms));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_counted_to_within_a_hundredth() {
        for ns in [1, 127, 128, 129, 1000, 123_456, 999_999_999] {
            let longest = Spans::longest(Spans::place(ns));
            assert!(
                longest >= ns && longest - ns <= ns / 64,
                "{ns} is counted as {longest}"
            );
        }
        let mut spans = Spans::default();
        for us in 1..=100 {
            spans.add(us);
        }
        assert!(
            (50.0..51.0).contains(&spans.percentile(50.0)),
            "{}",
            spans.percentile(50.0)
        );
        assert!((99.0..101.0).contains(&spans.percentile(99.0)));
        assert_eq!(spans.cumulative().last(), Some(&(131, 100)));
        assert_eq!(spans.cumulative()[0], (1, 1));
    }

    #[test]
    fn errors_are_counted_by_their_first_word() {
        let mut measures = Measures::default();
        for text in ["ERR no", "WRONGTYPE Operation", "ERR other", "oneword"] {
            measures.error(text);
        }
        let counts: Vec<_> = measures
            .errors
            .iter()
            .map(|(w, n)| (w.as_str(), *n))
            .collect();
        assert_eq!(counts, [("ERR", 3), ("WRONGTYPE", 1)]);
    }
}
