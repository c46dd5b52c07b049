//! How a scan is told to end soon, and how it hears of it.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::timeout;

/// How often it is looked whether all of it should stop.
pub(super) const TICK: Duration = Duration::from_millis(50);

/// Tells a scan to end soon; what was not asked by then is handed back as such.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Says so.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Returns whether it was said.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Returns what comes of `work`; nothing if it was stopped before.
pub(super) async fn until_stopped<T>(stop: &Stop, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    loop {
        match timeout(TICK, work.as_mut()).await {
            Ok(done) => return Some(done),
            Err(_) if stop.is_stopped() => return None,
            Err(_) => {}
        }
    }
}
