//! That nothing but what is planned differs.

use std::collections::BTreeSet;

use kubeassay_config::resolution::Resolution;
use kubeassay_config::setting::{Setting, State};
use kubeassay_config::tables::Target;
use kubeassay_config::tables::kubelet::KUBELET;
use kubeassay_core::Value;
use kubeassay_engine::Successor;

/// Returns the settings that differ from `before` to `after` in any version and are not in `planned`; or why the two
/// cannot be compared.
pub(super) fn others(
    before: &Successor,
    after: &Successor,
    planned: &[String],
) -> Result<BTreeSet<String>, String> {
    let mut differing = BTreeSet::new();
    for old in &before.resolutions {
        let mut candidates = after.resolutions.iter();
        let Some(new) = candidates.find(|new| new.minor == old.minor) else {
            if old.refusal.is_none() {
                return Err(format!(
                    "the kubelet of {} would not start with it",
                    old.minor
                ));
            }
            continue;
        };
        if let (None, Some(refusal)) = (&old.refusal, &new.refusal) {
            return Err(format!(
                "the kubelet of {} would not start with it: {}",
                old.minor, refusal.reason
            ));
        }
        for path in paths(old) {
            differ(&path, old, new, planned, &mut differing);
        }
    }
    Ok(differing)
}

/// Returns the paths of all settings of a version: fields, and flags without one.
fn paths(resolution: &Resolution) -> impl Iterator<Item = String> {
    let minor = resolution.minor;
    let flags = KUBELET
        .flags
        .iter()
        .filter(move |flag| flag.presence.possibly(minor) && flag.target(minor) == Target::Own);
    let flags = flags.map(|flag| format!("flags.{}", flag.setting));
    kubeassay_config::kubelet::fields(resolution.minor)
        .map(str::to_owned)
        .chain(flags)
}

fn differ(
    path: &str,
    old: &Resolution,
    new: &Resolution,
    planned: &[String],
    differing: &mut BTreeSet<String>,
) {
    let is_planned = |path: &str| planned.iter().any(|one| one == path);
    if is_planned(path) {
        return;
    }
    let (before, after) = (old.whole(path), new.whole(path));
    let (before, after) = (before.as_deref(), after.as_deref());
    if said(before) == said(after) {
        return;
    }
    // Of a map some entries may be planned.
    let keys: BTreeSet<&str> = entries(before).into_iter().chain(entries(after)).collect();
    if keys.is_empty() {
        differing.insert(path.to_owned());
        return;
    }
    for key in keys {
        let entry = format!("{path}.{key}");
        let same = said(old.setting(&entry).as_deref()) == said(new.setting(&entry).as_deref());
        if !same && !is_planned(&entry) {
            differing.insert(entry);
        }
    }
}

/// Returns the keys of a map.
fn entries(setting: Option<&Setting>) -> Vec<&str> {
    match setting.map(|setting| &setting.state) {
        Some(State::Entries(entries) | State::Part(entries, _)) => {
            entries.keys().map(String::as_str).collect()
        }
        _ => Vec::new(),
    }
}

/// What a setting says, whatever the place it stands in: its value, the values that it may have, or that it is not
/// known.
#[derive(PartialEq)]
enum Said {
    Value(Value),
    OneOf(Vec<Value>),
    Unknown,
    Nothing,
}

fn said(setting: Option<&Setting>) -> Said {
    let Some(setting) = setting else {
        return Said::Nothing;
    };
    match (&setting.state, setting.value()) {
        (State::OneOf(values), _) => Said::OneOf(values.clone()),
        (_, Some(value)) => Said::Value(value),
        (_, None) => Said::Unknown,
    }
}
