//! Virtual time: a plain number that the world hands to every node. Nothing below the page and the sockets may read a
//! clock, so that a run can be repeated, rewound and compared. Next: `rng`, the other half of "no luck of its own".

use serde::{Deserialize, Serialize};

/// A moment, in microseconds since the Unix epoch. A simulated world starts with the year 2026 ([`Instant::WORLD`]), a
/// native server at the machine's own time; TTLs (`PXAT`) need no conversion in either.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Instant(pub u64);

pub const MILLISECOND_US: u64 = 1_000;
pub const SECOND_US: u64 = 1_000_000;

impl Instant {
    /// Where every simulated world begins: 2026-01-01 00:00:00 UTC.
    pub const WORLD: Self = Self(1_767_225_600 * SECOND_US);

    /// Unix time in milliseconds, the unit of Redis's expiry.
    pub fn unix_ms(self) -> i64 {
        (self.0 / MILLISECOND_US) as i64
    }

    /// Unix time in whole seconds.
    pub fn unix_s(self) -> i64 {
        (self.0 / SECOND_US) as i64
    }

    /// Microseconds from `earlier` to here; 0 when `earlier` is later.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Seconds from `earlier` to here by a clock that shows whole seconds, as Redis looks at one: how often it ticked.
    pub fn ticks_since(self, earlier: Self) -> u64 {
        (self.0 / SECOND_US).saturating_sub(earlier.0 / SECOND_US)
    }

    /// This moment plus `us` microseconds.
    pub fn after(self, us: u64) -> Self {
        Self(self.0.saturating_add(us))
    }
}
