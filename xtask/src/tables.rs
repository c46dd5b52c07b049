//! Turns `crates/config/data/*.yaml` into the static tables of `kubeassay-config`.
//!
//! Three steps, a module each: [`data`] is what a person wrote, [`check`] is what must hold of it, and
//! [`render`] is the Rust text. All mistakes are collected and named with file, line and entry.

mod check;
mod data;
mod render;
mod value;

use std::fs;

use anyhow::{Context as _, Result, anyhow};
use serde::de::DeserializeOwned;

use crate::generate::root;
use data::{Field, Flag, Gate};

/// The oldest minor the tables describe, as in `kubeassay_config::tables::Minor`.
const OLDEST: u8 = 20;
/// The newest one.
const NEWEST: u8 = 36;

const FLAGS: &str = "crates/config/data/kubelet-flags.yaml";
const FIELDS: &str = "crates/config/data/kubelet-fields.yaml";
const GATES: &str = "crates/config/data/kubelet-gates.yaml";

/// Makes `crates/config/src/tables/kubelet.rs`.
pub(crate) fn kubelet() -> Result<String> {
    let flags: Vec<Flag> = load(FLAGS)?;
    let fields: Vec<Field> = load(FIELDS)?;
    let gates: Vec<Gate> = load(GATES)?;
    let mistakes = check::all(&flags, &fields, &gates);
    if !mistakes.is_empty() {
        return Err(anyhow!(
            "{} mistakes in the data\n{}",
            mistakes.len(),
            mistakes.join("\n")
        ));
    }
    render::kubelet(&flags, &fields, &gates)
}

/// Reads the entries of one data file.
fn load<T: DeserializeOwned>(path: &str) -> Result<Vec<T>> {
    let text =
        fs::read_to_string(root().join(path)).with_context(|| format!("cannot read {path}"))?;
    serde_saphyr::from_str(&text).map_err(|error| {
        let line = error.location().map_or(0, |location| location.line());
        anyhow!("{path}:{line}: entry `{}`: {error}", entry_at(&text, line))
    })
}

/// Returns the first line of the entry that a line belongs to.
fn entry_at(text: &str, line: u64) -> &str {
    let before = text
        .lines()
        .take(usize::try_from(line).unwrap_or(usize::MAX));
    before
        .filter_map(|line| line.strip_prefix("- "))
        .last()
        .unwrap_or("?")
}

#[cfg(test)]
mod tests {
    use super::entry_at;

    #[test]
    fn a_line_belongs_to_the_entry_above_it() {
        let text = "# head\n- name: a\n  type: bool\n- name: b\n  type: int\n";
        assert_eq!(entry_at(text, 3), "name: a");
        assert_eq!(entry_at(text, 4), "name: b");
        assert_eq!(entry_at(text, 1), "?");
    }

    #[test]
    fn the_bundled_data_has_no_mistake() {
        super::kubelet().unwrap();
    }
}
