//! The controller manager (`cmd/kube-controller-manager`): flags, and no file that says the same.

use std::collections::BTreeSet;
use std::sync::Arc;

use kubeassay_core::rule::SettingType;
use kubeassay_core::{Cause, Component, Value};

use super::builder::Builder;
use super::insecure;
use super::server::{self, Flags, MEASURED};
use crate::flags::FlagValue;
use crate::refusal::Refusal;
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

/// The controller that makes tokens of service accounts, as it is called and was called.
const TOKENS: [&str; 2] = ["serviceaccount-token-controller", "serviceaccount-token"];

/// The files of that controller.
const OF_TOKENS: [(&str, &str); 2] = [
    ("service-account-private-key-file", ""),
    ("root-ca-file", "service-account-private-key-file"),
];

/// Flags whose file is opened at the start.
const OPENED: [(&str, &str); 4] = [
    ("kubeconfig", ""),
    ("client-ca-file", ""),
    ("tls-cert-file", ""),
    ("tls-private-key-file", ""),
];

/// Resolves it in one version.
pub(super) fn resolve(documents: &Documents<'_>, minor: Minor, when: When) -> Resolution {
    let (mut builder, mut refusal) = Builder::new(
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
    if refusal.is_none() {
        refusal = refused(&mut builder);
    }
    builder.finish(refusal)
}

/// Returns why it does not start with its flags, if it does not. Names of controllers are not checked.
fn refused(builder: &mut Builder<'_>) -> Option<Refusal> {
    let flags = Flags(builder);
    let cloud = || {
        let reason = "built-in cloud providers are disabled; set --cloud-provider=external, not";
        let is_late = flags.minor() >= MEASURED;
        is_late.then(|| flags.one_of("cloud-provider", &["", "external"], reason))?
    };
    let named = flags.list("controllers");
    let has = |name: &str| named.iter().any(|one| one == name);
    let makes_tokens = TOKENS.into_iter().any(has)
        || (has("*") && !TOKENS.into_iter().any(|name| has(&format!("-{name}"))));
    let refusal = server::refused(&flags)
        .or_else(|| server::election(&flags))
        .or_else(cloud);
    refusal
        .or_else(|| server::missing(builder, &OPENED))
        .or_else(|| makes_tokens.then(|| server::missing(builder, &OF_TOKENS))?)
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
