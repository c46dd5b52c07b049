//! Where the asynchronous part of this crate ends: its functions block on a runtime of one thread.

use std::future::Future;
use std::io;

use tokio::runtime::Builder;

/// Runs `future` to its end on a runtime that starts now and is gone afterwards, with everything spawned on it.
///
/// # Errors
///
/// If the operating system has no event queue for it, for instance because too many files are open.
pub(crate) fn block_on<F: Future>(future: F) -> io::Result<F::Output> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(future))
}
