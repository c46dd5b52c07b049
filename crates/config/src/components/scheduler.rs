//! The scheduler (`cmd/kube-scheduler`).
//!
//! With `--config`, what the file is silent of is the default, and flags of the same meaning count for nothing, in every
//! version from 1.20 to 1.36 (`cmd/kube-scheduler/app/options/options.go:ApplyTo`).

use std::sync::Arc;

use kubeassay_core::rule::SettingType;
use kubeassay_core::{Cause, Component, Value};

use super::builder::Builder;
use super::document::{self, File};
use super::{insecure, strict};
use crate::node::Node;
use crate::refusal::Refusal;
use crate::resolution::Resolution;
use crate::setting::{Setting, Unknown};
use crate::settings::shared_default_origin;
use crate::sources::{Documents, When};
use crate::tables::Minor;

const PROFILING: &str = "enableProfiling";
const CONTENTION: &str = "enableContentionProfiling";
const KUBECONFIG: &str = "clientConnection.kubeconfig";

/// What the file says, and the flag that says it where there is no file.
const FIELDS: [(&str, &str); 3] = [
    (PROFILING, "profiling"),
    (CONTENTION, "contention-profiling"),
    (KUBECONFIG, "kubeconfig"),
];

/// Flags that name files.
const PATHS: [&str; 6] = [
    "config",
    "authentication-kubeconfig",
    "authorization-kubeconfig",
    "client-ca-file",
    "tls-cert-file",
    "tls-private-key-file",
];

/// The versions of the configuration, with the first and the last minor that reads them
/// (`pkg/scheduler/apis/config/scheme/scheme.go`).
const VERSIONS: [(&str, u8, u8); 4] = [
    ("kubescheduler.config.k8s.io/v1beta1", 19, 22),
    ("kubescheduler.config.k8s.io/v1beta2", 22, 27),
    ("kubescheduler.config.k8s.io/v1beta3", 23, 28),
    ("kubescheduler.config.k8s.io/v1", 25, u8::MAX),
];

/// Resolves it in one version.
pub(super) fn resolve(documents: &Documents<'_>, minor: Minor, when: When) -> Resolution {
    let (mut builder, mut refusal) = Builder::new(
        Component::Scheduler,
        super::tables(Component::Scheduler),
        documents,
        minor,
        when,
    );
    let versions: Vec<&str> = VERSIONS
        .iter()
        .filter(|(_, first, last)| (*first..=*last).contains(&minor.0))
        .map(|(version, _, _)| *version)
        .collect();
    let file = document::config_file(&mut builder, "KubeSchedulerConfiguration", &versions);
    let plain = insecure_address(&builder, file.is_some());
    let settings = match file {
        None => FIELDS.map(|(field, flag)| (field, builder.flag(flag))),
        Some(File::Unknown(unknown, origin)) => FIELDS.map(|(field, _)| {
            (
                field,
                Builder::unknown(unknown.clone(), Arc::clone(&origin)),
            )
        }),
        Some(File::Refused(reason)) => {
            refusal = refusal.or(Some(reason));
            defaults(minor)
        }
        Some(File::Read(document)) => {
            refusal = refusal.or(strict::duplicate(&document));
            match fields(&document.root, minor) {
                Ok(settings) => settings,
                Err(reason) => {
                    refusal = refusal.or(Some(reason));
                    defaults(minor)
                }
            }
        }
    };
    builder.named.extend(settings);
    builder.named.insert(insecure::ADDRESS, plain);
    builder.ask_metadata(&PATHS, &[KUBECONFIG]);
    builder.finish(refusal)
}

/// Reads the fields of the file (`pkg/scheduler/apis/config/v1/defaults.go`).
fn fields(root: &Node, minor: Minor) -> Result<[(&'static str, Setting); 3], Refusal> {
    if let Some(wrong) = FIELDS
        .iter()
        .find_map(|(field, _)| document::miswritten(root, field))
    {
        let reason = "strict decoding error: unknown field: keys count in their own case only";
        return Err(Refusal::new(reason, Some(Arc::clone(&wrong.origin))));
    }
    let default = |value| Setting::known(value, shared_default_origin(minor));
    let profiling =
        document::boolean(root, PROFILING)?.unwrap_or_else(|| default(Value::Bool(true)));
    // On by default as well, but only where profiling is on.
    let contention = match document::boolean(root, CONTENTION)? {
        Some(said) => said,
        None => default(Value::Bool(profiling.value() == Some(Value::Bool(true)))),
    };
    let kubeconfig =
        document::text(root, KUBECONFIG)?.unwrap_or_else(|| default(Value::string("")));
    Ok([
        (PROFILING, profiling),
        (CONTENTION, contention),
        (KUBECONFIG, kubeconfig),
    ])
}

fn defaults(minor: Minor) -> [(&'static str, Setting); 3] {
    let default = |value| Setting::known(value, shared_default_origin(minor));
    [
        (PROFILING, default(Value::Bool(true))),
        (CONTENTION, default(Value::Bool(true))),
        (KUBECONFIG, default(Value::string(""))),
    ]
}

/// Returns where plain HTTP is served. A file of v1beta1 has two addresses of its own for that.
fn insecure_address(builder: &Builder<'_>, file: bool) -> Setting {
    let address = insecure::address(builder);
    let by_flag = ["port", "address"]
        .iter()
        .any(|name| builder.line.last(name).is_some());
    if file && builder.minor < Minor(23) && !by_flag {
        let unknown = Unknown {
            cause: Cause::Unsupported,
            reason: format!(
                "where a scheduler of {} with a configuration file and without --port serves plain HTTP is not worked out",
                builder.minor
            ),
            path: None,
        };
        return Builder::unknown(unknown, address.origin);
    }
    address
}

/// Returns the settings that are no flags.
pub(super) fn named() -> Vec<(&'static str, SettingType)> {
    vec![
        (PROFILING, SettingType::Bool),
        (CONTENTION, SettingType::Bool),
        (KUBECONFIG, SettingType::String),
        (insecure::ADDRESS, SettingType::String),
    ]
}
