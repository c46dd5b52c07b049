//! The controller manager (`cmd/kube-controller-manager`): flags, and no file that says the same.

use std::collections::BTreeSet;
use std::sync::Arc;

use kubeassay_core::rule::SettingType;
use kubeassay_core::{Cause, Component, Value};

use super::builder::Builder;
use super::insecure;
use crate::flags::FlagValue;
use crate::resolution::Resolution;
use crate::setting::{Setting, State, Unknown};
use crate::settings::shared_default_origin;
use crate::sources::{Documents, When};
use crate::tables::Minor;

const ROTATE: &str = "derived.rotateKubeletServerCertificate";

/// Flags that name files.
const PATHS: [&str; 11] = [
    "kubeconfig",
    "authentication-kubeconfig",
    "authorization-kubeconfig",
    "client-ca-file",
    "cluster-signing-cert-file",
    "cluster-signing-key-file",
    "requestheader-client-ca-file",
    "root-ca-file",
    "service-account-private-key-file",
    "tls-cert-file",
    "tls-private-key-file",
];

/// Resolves it in one version.
pub(super) fn resolve(documents: &Documents<'_>, minor: Minor, when: When) -> Resolution {
    let (mut builder, refusal) = Builder::new(
        Component::ControllerManager,
        super::tables(Component::ControllerManager),
        documents,
        minor,
        when,
    );
    let rotate = rotates(&builder);
    let plain = insecure::address(&builder);
    builder.named.insert(ROTATE, rotate);
    builder.named.insert(insecure::ADDRESS, plain);
    builder.ask_metadata(&PATHS, &[]);
    builder.finish(refusal)
}

/// Returns the gate `RotateKubeletServerCertificate`: a beta of every version from 1.20 to 1.36 and on. `AllBeta` turns
/// every beta off or on that no flag names itself (`component-base/featuregate/feature_gate.go`).
fn rotates(builder: &Builder<'_>) -> Setting {
    let gates = builder.flag("feature-gates");
    let of = |name: &str| match &gates.state {
        State::Entries(entries) => entries.get(name).cloned(),
        State::Known(Value::Map(entries)) => entries
            .get(name)
            .map(|value| Setting::known(value.clone(), Arc::clone(&gates.origin))),
        _ => None,
    };
    if let State::Unknown(unknown) = &gates.state {
        return Builder::unknown(Unknown::clone(unknown), Arc::clone(&gates.origin));
    }
    if said_both_ways(builder, "AllBeta") {
        let unknown = Unknown {
            cause: Cause::Unsupported,
            reason: "AllBeta is given both as true and as false, and which counts depends on the version".to_owned(),
            path: None,
        };
        return Builder::unknown(unknown, Arc::clone(&gates.origin));
    }
    of("RotateKubeletServerCertificate")
        .or_else(|| of("AllBeta"))
        .unwrap_or_else(|| Setting::known(Value::Bool(true), shared_default_origin(builder.minor)))
}

/// Returns whether a gate is given with both values.
fn said_both_ways(builder: &Builder<'_>, name: &str) -> bool {
    let occurrences = builder.line.given.get("feature-gates");
    let entries = occurrences
        .into_iter()
        .flatten()
        .flat_map(|given| match &given.value {
            FlagValue::Entries(entries) => entries.as_slice(),
            FlagValue::One(_) | FlagValue::Elements(_) => &[],
        });
    let values: BTreeSet<String> = entries
        .filter(|(gate, _)| gate == name)
        .map(|(_, value)| value.to_string())
        .collect();
    values.len() > 1
}

/// Returns the settings that are no flags.
pub(super) fn named() -> Vec<(&'static str, SettingType)> {
    vec![
        (ROTATE, SettingType::Bool),
        (insecure::ADDRESS, SettingType::String),
    ]
}
