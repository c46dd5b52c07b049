//! When processes started.
//!
//! The kernel counts a start in clock ticks since boot, on the clock that goes on in sleep. The time of day
//! is worked out with both clocks as they are now; the error that is stated holds
//!
//! - one tick (10 ms everywhere): the kernel cuts off what is less;
//! - 10 ms for the clock that files get their times from, which the kernel moves on only with its timer;
//! - the time that reading both clocks took.
//!
//! Slewing the clock moves both alike. What no one can see afterwards is that the clock was *set* after the
//! start (by hand, or once by a time service that found it far off): files that were changed in between then
//! bear times of the old clock. It happens early after a boot, before anything is configured; a clock that
//! is set forward by hand later can make a change look as if it had come before the start.
//!
//! It is the start of the process, a little earlier than its reading of files: a file that was changed in
//! between counts as changed after the start, never the other way round.
//!
//! Of a recorded procfs there is only the second of the boot in `/proc/stat`, so that the error is above
//! one second.

use jiff::{SignedDuration, Timestamp};
use kubeassay_core::facts::Moment;

use crate::clock::Clocks;

/// The kernel's timer may move on the clock of file times only this often (`CONFIG_HZ=100`).
const FILE_CLOCK_MS: i64 = 10;
/// Ticks in `/proc` on every machine that Kubernetes supports (`USER_HZ`).
const RECORDED_TICKS_PER_SECOND: u64 = 100;

/// What start times are worked out with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Beginning {
    /// The clocks of the machine.
    Clocks(Clocks),
    /// The second at which the kernel started.
    BootSecond(i64),
    /// Nothing.
    Unknown,
}

impl Beginning {
    /// Returns when the kernel started.
    pub(crate) fn boot_time(self) -> Option<Timestamp> {
        match self {
            Self::Clocks(clocks) => clocks.boot_time(),
            Self::BootSecond(second) => Timestamp::from_second(second).ok(),
            Self::Unknown => None,
        }
    }

    /// Returns the moment of a start that is `ticks` after the kernel's.
    pub(crate) fn moment(self, ticks: u64) -> Option<Moment> {
        let per_second = match self {
            Self::Clocks(_) => rustix::param::clock_ticks_per_second(),
            _ => RECORDED_TICKS_PER_SECOND,
        };
        let tick_ms = i64::try_from(1000_u64.div_ceil(per_second.max(1))).ok()?;
        let since_boot = ticks.checked_mul(1000)?.checked_div(per_second)?;
        let since_boot = SignedDuration::from_millis(i64::try_from(since_boot).ok()?);
        let at = self.boot_time()?.checked_add(since_boot).ok()?;
        let reading_ms = match self {
            Self::Clocks(clocks) => i64::try_from(clocks.apart.as_millis())
                .ok()?
                .saturating_add(1),
            _ => 1000,
        };
        let error_ms = tick_ms + FILE_CLOCK_MS + reading_ms;
        Some(Moment {
            at,
            error_ms: u32::try_from(error_ms).unwrap_or(u32::MAX),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Beginning;

    #[test]
    fn a_recorded_start_is_exact_to_a_second_or_so() {
        let beginning = Beginning::BootSecond(1_700_000_000);
        let moment = beginning.moment(8_639_250).unwrap();
        assert_eq!(moment.at.to_string(), "2023-11-15T22:13:12.5Z");
        assert_eq!(moment.error_ms, 1020);
        assert_eq!(beginning.moment(u64::MAX), None);
        assert_eq!(Beginning::Unknown.moment(1), None);
    }
}
