//! One copy of every name.

use std::collections::BTreeSet;

use super::Name;

/// The names so far.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: BTreeSet<Name>,
    bytes: usize,
}

/// What a name takes beside its text: the counts before it, and its place among the others.
const OVERHEAD: usize = 40;

impl Names {
    /// Returns the one copy of a name.
    pub(super) fn one(&mut self, text: &str) -> Name {
        if let Some(name) = self.known.get(text) {
            return Name::clone(name);
        }
        let name = Name::from(text);
        self.known.insert(Name::clone(&name));
        let more = text.len().saturating_add(OVERHEAD);
        self.bytes = self.bytes.saturating_add(more);
        name
    }

    /// Returns how many bytes all names take, about.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the one copy of a name that may be missing.
    pub(super) fn some(&mut self, text: Option<&str>) -> Option<Name> {
        text.map(|text| self.one(text))
    }

    /// Returns the one copies of several names.
    pub(super) fn all<T: AsRef<str>>(&mut self, texts: &[T]) -> Box<[Name]> {
        texts.iter().map(|text| self.one(text.as_ref())).collect()
    }
}
