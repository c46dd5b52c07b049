//! Ctrl-C: while a cluster is scanned, the first ends the scan with what there is and the second ends the program; while a
//! node is written, none ends anything.

use std::io;
use std::sync::{Arc, mpsc};

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

/// Lets no interrupt end the program any more: SIGINT, SIGTERM and SIGHUP are said to `heard` instead, which is called on
/// another thread. Returns once that holds.
///
/// A node that is being written has to come to an end that is known, and every wait on the way there has a limit.
///
/// # Errors
///
/// Why interrupts cannot be held off.
pub fn hold_off(heard: impl Fn() + Send + Sync + 'static) -> io::Result<()> {
    let (ready, armed) = mpsc::channel();
    let heard = Arc::new(heard);
    let watching = move || async move {
        let kinds = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ];
        let signals: io::Result<Vec<Signal>> = kinds.into_iter().map(signal).collect();
        let signals = match signals {
            Ok(signals) => signals,
            Err(error) => {
                let _nobody_waits = ready.send(Err(error));
                return;
            }
        };
        let watches: Vec<_> = signals
            .into_iter()
            .map(|mut signal| {
                let heard = Arc::clone(&heard);
                tokio::spawn(async move {
                    while signal.recv().await.is_some() {
                        heard();
                    }
                })
            })
            .collect();
        let _nobody_waits = ready.send(Ok(()));
        for watch in watches {
            let _ended = watch.await;
        }
    };
    let thread = std::thread::Builder::new().name("interrupt".to_owned());
    thread.spawn(|| block_on(watching()))?;
    armed.recv().map_err(io::Error::other)?
}
