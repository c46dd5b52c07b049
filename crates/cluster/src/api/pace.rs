//! How fast the API server is asked: a bucket of tokens that fills steadily and holds those of one second.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::tls::provider;

/// The bucket.
pub(super) struct Pace {
    /// From one token to the next.
    interval: Duration,
    /// When the next token is there; in the past: tokens have gathered since.
    next: Mutex<Option<Instant>>,
}

impl Pace {
    /// Returns a full bucket that gives `per_second` tokens a second.
    pub(super) fn new(per_second: u32) -> Self {
        Self {
            interval: Duration::from_secs(1) / per_second.max(1),
            next: Mutex::new(None),
        }
    }

    /// Waits for a token, and a little longer, so that those who wait do not come all at once.
    pub(super) async fn wait(&self) {
        let now = Instant::now();
        let at = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let full = now.checked_sub(Duration::from_secs(1)).unwrap_or(now);
            let at = next.map_or(full, |next| next.max(full));
            *next = Some(at + self.interval);
            at
        };
        if at > now {
            sleep_until(at + jitter(self.interval)).await;
        }
    }
}

/// Returns between half and all of `wait`, at random.
pub(crate) fn jitter(wait: Duration) -> Duration {
    let mut random = [0; 1];
    // Without random numbers it is half, which is a wait as well.
    if provider().secure_random.fill(&mut random).is_err() {
        return wait / 2;
    }
    let [random] = random;
    wait / 2 + wait / 2 * u32::from(random) / 255
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Pace, jitter};

    #[test]
    fn a_second_of_requests_is_free_and_the_rest_waits() {
        let spent = crate::runtime::block_on(async {
            let pace = Pace::new(100);
            let start = Instant::now();
            for _ in 0..120 {
                pace.wait().await;
            }
            start.elapsed()
        })
        .unwrap();
        // A hundred at once, and twenty at ten milliseconds each.
        assert!(spent >= Duration::from_millis(180), "{spent:?}");
        assert!(spent < Duration::from_secs(2), "{spent:?}");
    }

    #[test]
    fn a_wait_is_shortened_by_half_at_most() {
        let wait = Duration::from_millis(100);
        for _ in 0..1000 {
            let waited = jitter(wait);
            assert!(waited >= wait / 2 && waited <= wait, "{waited:?}");
        }
    }
}
