//! When a key was used last, or how often: what `OBJECT IDLETIME` and `OBJECT FREQ` tell and eviction goes by. A key has
//! 24 bits for it, as in Redis: the seconds of a clock, or minutes and a counter that grows with the logarithm.

use crate::rng::Rng;
use crate::wire::rdb::Use;

/// What a new key is counted as under LFU.
const LFU_START: u32 = 5;
const CLOCK_MAX: u32 = (1 << 24) - 1;

/// The clock as keys note it down. 0 in a key stands for none yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    seconds: u32,
    minutes: u32,
    /// Under an LFU policy: `lfu-log-factor`, and `lfu-decay-time` in minutes.
    lfu: Option<(u64, u32)>,
}

impl Clock {
    pub fn new(unix_s: i64, lfu: Option<(u64, u32)>) -> Self {
        Self {
            seconds: unix_s as u32 & CLOCK_MAX,
            minutes: (unix_s / 60) as u32 & 0xffff,
            lfu,
        }
    }

    pub fn lfu(&self) -> bool {
        self.lfu.is_some()
    }

    /// What a key notes that is new now.
    pub fn start(&self) -> u32 {
        match self.lfu {
            Some(_) => self.minutes << 8 | LFU_START,
            None => self.seconds,
        }
    }

    /// What a key notes of which this is told; 0 when it is not what the policy goes by.
    pub fn noted(&self, told: Use) -> u32 {
        match (self.lfu, told.idle_s, told.freq) {
            (None, Some(seconds), _) => {
                let seconds = seconds.min(u64::from(CLOCK_MAX)) as u32;
                self.seconds.wrapping_sub(seconds) & CLOCK_MAX
            }
            (Some(_), _, Some(often)) => self.minutes << 8 | u32::from(often),
            _ => 0,
        }
    }

    /// What a snapshot tells of a key with this note.
    pub fn told(&self, note: u32) -> Use {
        match self.lfu {
            Some(_) => Use {
                idle_s: None,
                freq: Some(self.freq(note) as u8),
            },
            None => Use {
                idle_s: Some(self.idle_s(note)),
                freq: None,
            },
        }
    }

    /// The note after one more use.
    pub fn touched(&self, note: u32, rng: &mut Rng) -> u32 {
        let Some((factor, _)) = self.lfu else {
            return self.seconds;
        };
        let counter = self.freq(note);
        let steps = u64::from(counter.saturating_sub(LFU_START));
        let grows = counter < 255 && rng.below(steps.saturating_mul(factor).saturating_add(1)) == 0;
        self.minutes << 8 | (counter + u32::from(grows))
    }

    /// The counter of a note, less what it lost since.
    pub fn freq(&self, note: u32) -> u32 {
        let decay = self.lfu.map_or(0, |(_, decay)| decay);
        let since = self.minutes.wrapping_sub(note >> 8) & 0xffff;
        (note & 255).saturating_sub(since.checked_div(decay).unwrap_or(0))
    }

    /// Seconds since the last use.
    pub fn idle_s(&self, note: u32) -> u64 {
        u64::from(self.seconds.wrapping_sub(note) & CLOCK_MAX)
    }

    /// How dispensable a key is: the higher the more.
    pub fn rank(&self, note: u32) -> u64 {
        match self.lfu {
            Some(_) => u64::from(255 - self.freq(note)),
            None => self.idle_s(note),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_grows_slower_and_slower_and_decays() {
        let mut rng = Rng::new(3);
        let clock = Clock::new(6000, Some((10, 1)));
        let mut note = clock.start();
        for _ in 0..100 {
            note = clock.touched(note, &mut rng);
        }
        let often = clock.freq(note);
        assert!((8..20).contains(&often), "{often}");
        let later = Clock::new(6000 + 180, Some((10, 1)));
        assert_eq!(later.freq(note), often - 3);
        let never = Clock::new(6000 + 180, Some((10, 0)));
        assert_eq!(never.freq(note), often);
    }

    #[test]
    fn idle_time_is_kept_when_the_clock_goes_round() {
        let clock = Clock::new(5, None);
        assert_eq!(
            clock.idle_s(clock.noted(Use {
                idle_s: Some(100),
                freq: None,
            })),
            100
        );
        assert_eq!(clock.idle_s(clock.start()), 0);
    }
}
