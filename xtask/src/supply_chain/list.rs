//! A list of crates with the reason for each, as it is checked in.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use serde::Deserialize;

use super::Found;

/// A list of crates that may do something.
pub(super) struct List {
    /// The crates.
    crates: BTreeSet<String>,
}

/// One crate of a list, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Its name.
    #[serde(rename = "crate")]
    name: String,
    /// Why it may.
    why: String,
}

impl List {
    /// Reads a list: sorted, each crate once, each with a reason.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let entries: Vec<Entry> = serde_saphyr::from_str(text)?;
        let mut crates: BTreeSet<String> = BTreeSet::new();
        for Entry { name, why } in entries {
            ensure!(!why.trim().is_empty(), "{name} has no reason");
            ensure!(
                crates.last().is_none_or(|last| *last < name),
                "{name} is not in its place: the list is sorted and names a crate once"
            );
            crates.insert(name);
        }
        Ok(Self { crates })
    }

    /// Returns what is wrong with the list, given what was found.
    pub(super) fn faults<'a>(&'a self, found: &'a Found) -> impl Iterator<Item = String> + 'a {
        let missing = found
            .iter()
            .filter(|(name, _)| !self.crates.contains(*name))
            .map(|(name, how)| format!("{name} is not listed: {how}"));
        let needless = self
            .crates
            .iter()
            .filter(|name| !found.contains_key(*name))
            .map(|name| format!("{name} is listed without need"));
        missing.chain(needless)
    }
}

#[cfg(test)]
mod tests {
    use super::{Found, List};

    /// Returns what was found: crate and how it shows.
    fn found(pairs: &[(&str, &str)]) -> Found {
        pairs
            .iter()
            .map(|(name, how)| ((*name).to_owned(), (*how).to_owned()))
            .collect()
    }

    #[test]
    fn missing_and_needless_crates_are_faults() {
        let list = List::parse("- crate: a\n  why: it must\n- crate: b\n  why: it must\n").unwrap();
        let none: [&str; 0] = [];
        for (pairs, faults) in [
            (&[("a", "1 times"), ("b", "")][..], &none[..]),
            (&[("a", "")], &["b is listed without need"]),
            (
                &[("a", ""), ("b", ""), ("c", "2 times, files: 1")],
                &["c is not listed: 2 times, files: 1"],
            ),
        ] {
            assert_eq!(list.faults(&found(pairs)).collect::<Vec<_>>(), faults);
        }
    }

    #[test]
    fn list_without_reasons_or_order_is_refused() {
        for text in [
            "- crate: a\n",
            "- crate: a\n  why: ' '\n",
            "- crate: b\n  why: x\n- crate: a\n  why: x\n",
            "- crate: a\n  why: x\n- crate: a\n  why: x\n",
            "- crate: a\n  why: x\n  version: 1\n",
        ] {
            assert!(List::parse(text).is_err(), "{text}");
        }
    }
}
