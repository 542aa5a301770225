//! Lines in Redis's format, `pid:role 23 Nov 2026 21:00:00.123 * text`, to standard output or a file. Times are UTC.

use crate::node::Level;
use crate::time::{Instant, MILLISECOND_US};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

pub(super) struct Log {
    file: Option<File>,
    pid: u32,
}

impl Log {
    /// `None` is standard output.
    pub(super) fn open(path: Option<&Path>) -> io::Result<Self> {
        let file = path
            .map(|p| OpenOptions::new().create(true).append(true).open(p))
            .transpose()?;
        Ok(Self {
            file,
            pid: std::process::id(),
        })
    }

    /// Writes a line unless `loglevel` hides it. Nobody can be told of a log that cannot be written.
    pub(super) fn line(
        &mut self,
        now: Instant,
        role: char,
        level: Level,
        loglevel: &str,
        text: &str,
    ) {
        if !level.is_in(loglevel) {
            return;
        }
        self.write(&format!(
            "{}:{role} {} {} {text}\n",
            self.pid,
            date(now),
            level.mark()
        ));
    }

    /// What Redis says where a signal interrupts it: with the seconds, and whatever `loglevel` says.
    pub(super) fn signal(&mut self, now: Instant, text: &str) {
        self.write(&format!(
            "{}:signal-handler ({}) {text}\n",
            self.pid,
            now.unix_s()
        ));
    }

    fn write(&mut self, line: &str) {
        let _ = match &mut self.file {
            Some(file) => file.write_all(line.as_bytes()),
            None => io::stdout()
                .lock()
                .write_all(line.as_bytes())
                .and_then(|()| io::stdout().flush()),
        };
    }
}

fn date(now: Instant) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (days, seconds) = (now.unix_s() / 86400, now.unix_s() % 86400);
    let (year, month, day) = civil(days);
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let ms = now.0 / MILLISECOND_US % 1000;
    format!(
        "{day:02} {} {year} {h:02}:{m:02}:{s:02}.{ms:03}",
        MONTHS[month]
    )
}

/// Year, month (0 = January) and day of a day since 1970-01-01. Counts in years that begin in March, so that the leap
/// day is the last one.
fn civil(days: i64) -> (i64, usize, i64) {
    let from_march_0 = days + 719_468;
    let (era, day_of_era) = (
        from_march_0.div_euclid(146_097),
        from_march_0.rem_euclid(146_097),
    );
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12;
    let year = era * 400 + year_of_era + i64::from(month < 2);
    (year, month as usize, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date(Instant(0)), "01 Jan 1970 00:00:00.000");
        assert_eq!(
            date(Instant(951_782_400_123_456)),
            "29 Feb 2000 00:00:00.123"
        );
        assert_eq!(
            date(Instant(1_795_467_599_999_000)),
            "23 Nov 2026 20:59:59.999"
        );
        assert_eq!(date(Instant::WORLD), "01 Jan 2026 00:00:00.000");
    }
}
