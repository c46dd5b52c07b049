//! Turns `crates/config/data/*.yaml` into the static tables of `kubeassay-config`.
//!
//! Three steps, a module each: [`data`] is what a person wrote, [`check`] is what must hold of it, and
//! [`render`] is the Rust text. All mistakes are collected and named with file, line and entry.

mod check;
mod data;
mod render;
mod value;

pub(crate) use value::grouped;

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
    refuse(&check::all(FLAGS, &flags, &fields, &gates))?;
    render::kubelet(&flags, &fields, &gates)
}

/// Makes `crates/config/src/tables/apiserver.rs`.
pub(crate) fn apiserver() -> Result<String> {
    component("apiserver", "the API server", "APISERVER")
}

/// Makes `crates/config/src/tables/controller_manager.rs`.
pub(crate) fn controller_manager() -> Result<String> {
    component(
        "controller-manager",
        "the controller manager",
        "CONTROLLER_MANAGER",
    )
}

/// Makes `crates/config/src/tables/scheduler.rs`.
pub(crate) fn scheduler() -> Result<String> {
    component("scheduler", "the scheduler", "SCHEDULER")
}

/// Makes `crates/config/src/tables/kube_proxy.rs`.
pub(crate) fn kube_proxy() -> Result<String> {
    component("kube-proxy", "kube-proxy", "KUBE_PROXY")
}

/// Makes the tables of a component that has flags alone, from `<stem>-flags.yaml`.
fn component(stem: &str, called: &str, name: &str) -> Result<String> {
    let file = format!("crates/config/data/{stem}-flags.yaml");
    let flags: Vec<Flag> = load(&file)?;
    refuse(&check::all(&file, &flags, &[], &[]))?;
    render::component(&file, called, name, &flags)
}

fn refuse(mistakes: &[String]) -> Result<()> {
    if mistakes.is_empty() {
        return Ok(());
    }
    Err(anyhow!(
        "{} mistakes in the data\n{}",
        mistakes.len(),
        mistakes.join("\n")
    ))
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
        for tables in [
            super::kubelet,
            super::apiserver,
            super::controller_manager,
            super::scheduler,
            super::kube_proxy,
        ] {
            tables().unwrap();
        }
    }
}
