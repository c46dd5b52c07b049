//! Ctrl-C while a cluster is scanned: the first ends the scan with what there is, the second ends the program.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::fleet::Stop;
use crate::runtime::block_on;

/// What a shell says of a program that Ctrl-C ended: 128 and the number of the signal.
const INTERRUPTED: i32 = 130;

/// Watches for interrupts from now until the program ends: once it was watched for one, no interrupt ends the program by
/// itself, so that somebody has to be there for the second also when a report is written to where nobody reads. SIGTERM
/// counts as one: a pipeline ends its jobs with it.
pub(crate) fn watch(stop: &Stop) {
    let stop = stop.clone();
    let watching = || async move {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate()];
        // Where it cannot be watched for, it ends the program as it always did.
        let watches = kinds.map(|kind| {
            let signal = signal(kind).ok()?;
            Some(tokio::spawn(heed(signal, stop.clone())))
        });
        for watch in watches.into_iter().flatten() {
            let _ended = watch.await;
        }
    };
    let thread = std::thread::Builder::new().name("interrupt".to_owned());
    let _unwatched = thread.spawn(|| block_on(watching()));
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
