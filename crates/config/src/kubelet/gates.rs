//! Feature gates that checks ask for: what was set, else what `AllBeta` and `AllAlpha` make of them.

use kubeassay_core::{Origin, Value};

use crate::setting::{Setting, State};
use crate::settings::{Settings, default_origin};
use crate::tables::Minor;

/// A feature gate and its stages (`pkg/features/kube_features.go`).
struct Gate {
    name: &'static str,
    /// From which minor it is in which stage, and on by default or not.
    stages: &'static [(Minor, Stage, bool)],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Alpha,
    Beta,
    Stable,
}

const GATES: [Gate; 2] = [
    Gate {
        name: "RotateKubeletServerCertificate",
        stages: &[(Minor(12), Stage::Beta, true)],
    },
    Gate {
        name: "SeccompDefault",
        stages: &[
            (Minor(22), Stage::Alpha, false),
            (Minor(25), Stage::Beta, true),
            (Minor(27), Stage::Stable, true),
        ],
    },
];

/// Returns the names of the gates that can be asked for.
pub fn names() -> impl Iterator<Item = &'static str> {
    GATES.iter().map(|gate| gate.name)
}

/// Returns the effective state of the gate `name`, if it is known and exists in `minor`.
pub(super) fn enabled(name: &str, settings: &Settings, minor: Minor) -> Option<Setting> {
    GATES
        .iter()
        .find(|gate| gate.name == name)
        .and_then(|gate| effective(gate, settings, minor))
}

/// A gate that is named beats `AllAlpha` and `AllBeta`, which beat its default
/// (`component-base/featuregate/feature_gate.go`).
fn effective(gate: &Gate, settings: &Settings, minor: Minor) -> Option<Setting> {
    let (_, stage, default) = *gate.stages.iter().rev().find(|(from, ..)| *from <= minor)?;
    let origin = Origin {
        name: Some(gate.name.into()),
        ..default_origin(minor)
    };
    let default = Setting::known(Value::Bool(default), origin);
    let Some(set) = settings.get("featureGates") else {
        return Some(default);
    };
    let entries = match &set.state {
        State::Entries(entries) => entries,
        State::Unknown(_) => return Some(set.clone()),
        // A gate that the unread file names beats any group of gates.
        State::Part(entries, unknown) => {
            let rest = Setting {
                state: State::Unknown(unknown.clone()),
                ..set.clone()
            };
            return Some(entries.get(gate.name).cloned().unwrap_or(rest));
        }
        _ => return Some(default),
    };
    let group = match stage {
        Stage::Alpha => Some("AllAlpha"),
        Stage::Beta => Some("AllBeta"),
        Stage::Stable => None,
    };
    let said = entries.get(gate.name).or_else(|| entries.get(group?));
    Some(said.cloned().unwrap_or(default))
}
