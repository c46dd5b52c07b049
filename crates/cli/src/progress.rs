//! How far a scan of many nodes is, on a terminal.

use std::io::{self, IsTerminal as _, Write as _};

use jiff::{SignedDuration, Timestamp};
use kubeassay_cluster::fleet;
use kubeassay_core::report::{Node, NodeStatus};
use kubeassay_core::text::escape;

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
        if !self.is_time(now) {
            return;
        }
        let of = expected.map_or_else(String::new, |expected| format!(" of {expected}"));
        let lacking = match self.lacking {
            0 => String::new(),
            lacking => format!(", {lacking} not scanned whole"),
        };
        say(&format!("\r{} nodes{of}{lacking}\u{1b}[K", self.nodes));
    }

    /// Says how far a list of the cluster's objects is.
    pub(crate) fn list(&mut self, list: &fleet::Progress, now: Timestamp) {
        if self.is_time(now) {
            say(&format!("\r{}\u{1b}[K", words(list)));
        }
    }

    /// Returns whether something is shown now, and takes note of it.
    fn is_time(&mut self, now: Timestamp) -> bool {
        let soon = self
            .last
            .is_some_and(|last| now.duration_since(last) < PAUSE);
        let shown = self.shown && !soon;
        if shown {
            self.last = Some(now);
        }
        shown
    }
}

/// Returns how far a list is, such as `pods: 23,000 of 98,000`.
fn words(list: &fleet::Progress) -> String {
    let read = u64::try_from(list.read).unwrap_or(u64::MAX);
    let of = list.remaining.map_or_else(String::new, |remaining| {
        format!(" of {}", grouped(read.saturating_add(remaining)))
    });
    format!("{}: {}{of}", escape(&list.what), grouped(read))
}

/// Returns a number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
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

#[cfg(test)]
mod tests {
    use kubeassay_cluster::fleet;

    use super::words;

    #[test]
    fn how_far_a_list_is_can_be_read() {
        for (read, remaining, expected) in [
            (0, None, "pods: 0"),
            (999, Some(1), "pods: 999 of 1,000"),
            (23_000, Some(77_000), "pods: 23,000 of 100,000"),
            (1_234_567, None, "pods: 1,234,567"),
            (1, Some(u64::MAX), "pods: 1 of 18,446,744,073,709,551,615"),
        ] {
            let what = "pods".to_owned();
            let list = fleet::Progress {
                what,
                read,
                remaining,
            };
            assert_eq!(words(&list), expected);
        }
    }
}
