//! Feature gates on command lines: what they come to, and which are refused
//! (`staging/src/k8s.io/component-base/featuregate/feature_gate.go`).

use std::collections::BTreeMap;
use std::sync::Arc;

use kubeassay_core::{Origin, Value};

use super::builder::Builder;
use super::server;
use crate::refusal::Refusal;
use crate::setting::State;
use crate::tables::Minor;
use crate::tables::gates::{self, Maturity};

/// The gates that stand for all of a maturity.
const GROUPS: [(&str, Maturity); 2] = [("AllAlpha", Maturity::Alpha), ("AllBeta", Maturity::Beta)];

/// Returns what `--feature-gates` says, and where.
fn said(builder: &Builder<'_>) -> BTreeMap<String, (bool, Arc<Origin>)> {
    let State::Entries(entries) = builder.flag("feature-gates").state else {
        return BTreeMap::new();
    };
    let known = entries
        .into_iter()
        .filter_map(|(name, entry)| match entry.value() {
            Some(Value::Bool(value)) => Some((name, (value, entry.origin))),
            _ => None,
        });
    known.collect()
}

/// Returns whether a gate is on; `None` where this version may not have it.
pub(super) fn enabled(builder: &Builder<'_>, name: &str) -> Option<bool> {
    let stage = gates::find(name)?.stage(builder.minor)?;
    let said = said(builder);
    let group = GROUPS
        .iter()
        .find(|(_, maturity)| *maturity == stage.maturity);
    let group = group.and_then(|(group, _)| said.get(*group));
    let found = said.get(name).or(group).filter(|_| !stage.locked);
    Some(found.map_or(stage.default, |(value, _)| *value))
}

/// Returns whether an alpha gate that this table does not know was turned on.
pub(super) fn asks_for_alpha(builder: &Builder<'_>, name: &str) -> bool {
    let said = said(builder);
    let found = said.get(name).or_else(|| said.get("AllAlpha"));
    found.is_some_and(|(value, _)| *value)
}

/// Returns what was said of a gate that this table does not know any more, by its name or else by the `group` that it was
/// in; `None` where nothing was.
pub(super) fn said_of(builder: &Builder<'_>, name: &str, group: &str) -> Option<bool> {
    let said = said(builder);
    let found = said.get(name).or_else(|| said.get(group));
    found.map(|(value, _)| *value)
}

/// Returns why the component does not start with the gates of its command line.
pub(super) fn refused(builder: &Builder<'_>) -> Option<Refusal> {
    let minor = builder.minor;
    said(builder)
        .into_iter()
        .find_map(|(name, (value, origin))| {
            if GROUPS.iter().any(|(group, _)| *group == name) {
                return None;
            }
            let gate = gates::find(&name);
            // What an older version knew and this table does not is not told.
            let is_unknown = match gate {
                Some(gate) => gate.stage(minor).is_none(),
                None => {
                    !server::is_of_openshift(builder)
                        && minor == Minor::NEWEST
                        && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
                }
            };
            if is_unknown {
                return Some(Refusal::new(
                    format!("unrecognized feature gate: {name}"),
                    Some(origin),
                ));
            }
            let stage = gate?.stage(minor)?;
            (stage.locked && stage.default != value).then(|| {
                let reason = format!(
                    "cannot set feature gate {name} to {value}, feature is locked to {}",
                    stage.default
                );
                Refusal::new(reason, Some(origin))
            })
        })
}
