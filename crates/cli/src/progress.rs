//! How far a scan of many nodes is, on a terminal.

use std::io::{self, IsTerminal as _, Write as _};

use jiff::{SignedDuration, Timestamp};
use kubeassay_core::report::{Node, NodeStatus};

use crate::args::Global;

/// A line is not written anew more often than this.
const PAUSE: SignedDuration = SignedDuration::from_millis(100);

/// One line on stderr that is written over and over, and gone at the end.
pub(crate) struct Progress {
    shown: bool,
    nodes: usize,
    lacking: usize,
    last: Option<Timestamp>,
}

impl Progress {
    /// Returns the progress of a scan; it stays silent where stderr is no terminal, or quiet was asked for.
    pub(crate) fn new(global: &Global) -> Self {
        Self {
            shown: !global.quiet && !global.verbose && io::stderr().is_terminal(),
            nodes: 0,
            lacking: 0,
            last: None,
        }
    }

    /// Counts a node that was judged. `expected` is how many nodes there are as far as is known; `now`, the time.
    pub(crate) fn count(&mut self, node: &Node, expected: Option<usize>, now: Timestamp) {
        self.nodes += 1;
        self.lacking += usize::from(node.status != NodeStatus::Scanned);
        let soon = self
            .last
            .is_some_and(|last| now.duration_since(last) < PAUSE);
        if !self.shown || soon {
            return;
        }
        self.last = Some(now);
        let of = expected.map_or_else(String::new, |expected| format!(" of {expected}"));
        let lacking = match self.lacking {
            0 => String::new(),
            lacking => format!(", {lacking} not scanned whole"),
        };
        say(&format!("\r{} nodes{of}{lacking}\u{1b}[K", self.nodes));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.last.is_some() {
            say("\r\u{1b}[K");
        }
    }
}

fn say(text: &str) {
    let mut stderr = io::stderr().lock();
    // There is nowhere left to say that stderr cannot be written.
    let _unsaid = stderr
        .write_all(text.as_bytes())
        .and_then(|()| stderr.flush());
}
