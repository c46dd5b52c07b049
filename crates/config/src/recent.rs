//! What was worked out last, so that it need not be worked out again.
//!
//! The same few files are asked for again and again: while a host is read, once a round until nothing new is named, and
//! once more when it is judged. Reading a text is pure, so that nobody can tell whether it was read or remembered.

use std::collections::VecDeque;

/// How much is remembered. A control plane has about ten files.
pub(crate) const MOST: usize = 24;
/// The largest text that is remembered, in bytes.
pub(crate) const LARGEST_TEXT: usize = 16 << 10;

/// What was worked out last, each with what it was worked out from; the last one first.
#[derive(Debug)]
pub(crate) struct Recent<K, V>(VecDeque<(K, V)>);

impl<K, V: Clone> Recent<K, V> {
    /// Returns one that remembers nothing.
    pub(crate) const fn new() -> Self {
        Self(VecDeque::new())
    }

    /// Returns what came of the first that `is_it`.
    pub(crate) fn find(&self, is_it: impl Fn(&K) -> bool) -> Option<V> {
        let known = self.0.iter().find(|(from, _)| is_it(from));
        known.map(|(_, made)| made.clone())
    }

    /// Remembers what was made from something, and forgets what is oldest.
    pub(crate) fn keep(&mut self, from: K, made: V) {
        self.0.truncate(MOST - 1);
        self.0.push_front((from, made));
    }
}
