//! One copy of every name.

use std::collections::BTreeSet;

use super::Name;

/// The names so far.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeSet<Name>);

impl Names {
    /// Returns the one copy of a name.
    pub(super) fn one(&mut self, text: &str) -> Name {
        if let Some(name) = self.0.get(text) {
            return Name::clone(name);
        }
        let name = Name::from(text);
        self.0.insert(Name::clone(&name));
        name
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
