//! The clocks: the only place of this crate that reads them.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use rustix::time::{ClockId, Timespec, clock_gettime};

/// Returns the time of day.
pub(crate) fn now() -> Timestamp {
    timestamp(clock_gettime(ClockId::Realtime))
}

/// The time of day and the time since the kernel started, read together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clocks {
    /// The time of day.
    pub(crate) now: Timestamp,
    /// The time since the kernel started, sleep included; what start times in `/proc` count.
    pub(crate) since_boot: SignedDuration,
    /// How long it took to read both.
    pub(crate) apart: SignedDuration,
}

impl Clocks {
    /// Reads both clocks, one around the other.
    pub(crate) fn read() -> Self {
        let before = duration(clock_gettime(ClockId::Boottime));
        let now = now();
        let after = duration(clock_gettime(ClockId::Boottime));
        let apart = after.saturating_sub(before);
        Self {
            now,
            since_boot: before.saturating_add(apart / 2),
            apart,
        }
    }

    /// Returns when the kernel started, on the clock as it is set now.
    pub(crate) fn boot_time(self) -> Option<Timestamp> {
        self.now.checked_sub(self.since_boot).ok()
    }
}

/// A point after which no more work is begun; without one it never ends.
///
/// It is asked for with every process and file, so that it is told by the standard library's clock: a program that is
/// linked statically has that without a system call, and rustix's only with one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// Returns the point that lies `after` now.
    pub(crate) fn after(after: Duration) -> Self {
        Self(instant().checked_add(after))
    }

    /// Returns whether it has passed.
    pub(crate) fn has_passed(self) -> bool {
        self.remaining().is_zero()
    }

    /// Returns how long it is until then.
    pub(crate) fn remaining(self) -> Duration {
        self.0.map_or(Duration::MAX, |end| {
            end.saturating_duration_since(instant())
        })
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the place that reads clocks"
)]
fn instant() -> Instant {
    Instant::now()
}

fn duration(time: Timespec) -> SignedDuration {
    SignedDuration::new(time.tv_sec, i32::try_from(time.tv_nsec).unwrap_or(0))
}

fn timestamp(time: Timespec) -> Timestamp {
    let nanoseconds = i32::try_from(time.tv_nsec).unwrap_or(0);
    Timestamp::new(time.tv_sec, nanoseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}
