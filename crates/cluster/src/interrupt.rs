//! Ctrl-C while a cluster is scanned: the first ends the scan with what there is, the second ends the program.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::fleet::Stop;

/// What a shell says of a program that Ctrl-C ended: 128 and the number of the signal.
const INTERRUPTED: i32 = 130;

/// Watches for interrupts for as long as the runtime lives. SIGTERM counts as one: a pipeline ends its jobs with it.
pub(crate) fn watch(stop: &Stop) {
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        // Where it cannot be watched for, it ends the program as it always did.
        if let Ok(signal) = signal(kind) {
            tokio::spawn(heed(signal, stop.clone()));
        }
    }
}

async fn heed(mut signal: Signal, stop: Stop) {
    while signal.recv().await.is_some() {
        if stop.is_stopped() {
            #[expect(
                clippy::exit,
                reason = "who interrupts a second time waits for nothing more"
            )]
            std::process::exit(INTERRUPTED);
        }
        stop.stop();
    }
}
