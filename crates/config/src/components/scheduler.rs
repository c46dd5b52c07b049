//! The scheduler (`cmd/kube-scheduler`).
//!
//! With `--config`, what the file is silent of is the default, and flags of the same meaning count for nothing, in every
//! version from 1.20 to 1.36 (`cmd/kube-scheduler/app/options/options.go:ApplyTo`).

use std::sync::Arc;

use kubeassay_core::rule::SettingType;
use kubeassay_core::{Cause, Component, Value};

use super::builder::Builder;
use super::document::{self, File};
use super::insecure;
use super::server::{self, Flags};
use super::strict::{self, Decoder, Shape, field, since};
use crate::node::{Content, Node};
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

/// Flags whose file is opened at the start.
const OPENED: [(&str, &str); 4] = [
    ("kubeconfig", ""),
    ("client-ca-file", ""),
    ("tls-cert-file", ""),
    ("tls-private-key-file", ""),
];

/// The fields of the file. What stands inside profiles and extenders is not checked
/// (`staging/src/k8s.io/kube-scheduler/config`).
static SHAPE: Shape = Shape::Object(&[
    field("apiVersion", Shape::Text),
    field("kind", Shape::Text),
    field("parallelism", Shape::Int32),
    field("algorithmSource", Shape::Any),
    field("leaderElection", ELECTION),
    field("clientConnection", CLIENT),
    field("healthzBindAddress", Shape::Text),
    field("metricsBindAddress", Shape::Text),
    field("enableProfiling", Shape::Bool),
    field("enableContentionProfiling", Shape::Bool),
    field("percentageOfNodesToScore", Shape::Int32),
    field("podInitialBackoffSeconds", Shape::Any),
    field("podMaxBackoffSeconds", Shape::Any),
    field("profiles", Shape::List(&Shape::Any)),
    field("extenders", Shape::List(&Shape::Any)),
    since(Minor(30), "delayCacheUntilActive", Shape::Bool),
]);
const ELECTION: Shape = Shape::Object(&[
    field("leaderElect", Shape::Bool),
    field("leaseDuration", Shape::Duration),
    field("renewDeadline", Shape::Duration),
    field("retryPeriod", Shape::Duration),
    field("resourceLock", Shape::Text),
    field("resourceName", Shape::Text),
    field("resourceNamespace", Shape::Text),
]);
const CLIENT: Shape = Shape::Object(&[
    field("kubeconfig", Shape::Text),
    field("acceptContentTypes", Shape::Text),
    field("contentType", Shape::Text),
    field("qps", Shape::Any),
    field("burst", Shape::Int32),
]);

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
            let strictly = strict::check(&document, &SHAPE, Decoder::Strict, minor);
            refusal = refusal.or(strictly.err());
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
    if refusal.is_none() {
        refusal = refused(&mut builder);
    }
    builder.finish(refusal)
}

/// Returns why it does not start with its flags, if it does not.
fn refused(builder: &mut Builder<'_>) -> Option<Refusal> {
    let flags = Flags(builder);
    // With a file what flags say of the election and of the kubeconfig counts for nothing.
    let has_file = builder.line.path("config").is_some();
    let election = || {
        let refusal = server::election(&flags);
        refusal.filter(|_| !has_file)
    };
    let opened = if has_file {
        OPENED.get(1..)
    } else {
        Some(&OPENED[..])
    };
    server::refused(&flags)
        .or_else(election)
        .or_else(|| server::missing(builder, opened.unwrap_or_default()))
}

/// Reads the fields of the file (`pkg/scheduler/apis/config/v1/defaults.go`).
fn fields(root: &Node, minor: Minor) -> Result<[(&'static str, Setting); 3], Refusal> {
    for (name, least, most) in [
        ("parallelism", 1, i64::MAX),
        ("percentageOfNodesToScore", 0, 100),
    ] {
        if let Some(at) = document::block(root, name)
            && let Content::Number(number) = &at.content
            && !number
                .as_i64()
                .is_some_and(|number| (least..=most).contains(&number))
        {
            let reason = format!(
                "{name}: Invalid value: {}: not in valid range",
                number.literal()
            );
            return Err(Refusal::new(reason, Some(Arc::clone(&at.origin))));
        }
    }
    let is_final = document::word(root, "apiVersion").ends_with("/v1");
    for name in [
        "healthzBindAddress",
        "metricsBindAddress",
        "algorithmSource",
    ] {
        if let Some(gone) = document::field(root, name).filter(|_| is_final) {
            let reason = format!("strict decoding error: unknown field {name:?}");
            return Err(Refusal::new(reason, Some(Arc::clone(&gone.origin))));
        }
    }
    check_names(root)?;
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

/// Refuses two profiles of one name.
fn check_names(root: &Node) -> Result<(), Refusal> {
    let mut before: Vec<String> = Vec::new();
    for (at, profile) in document::items(root, "profiles").iter().enumerate() {
        let name = match document::word(profile, "schedulerName") {
            name if name.is_empty() => "default-scheduler".to_owned(),
            name => name,
        };
        if before.contains(&name) {
            let reason = format!("profiles[{at}].schedulerName: Duplicate value: {name:?}");
            return Err(Refusal::new(reason, Some(Arc::clone(&profile.origin))));
        }
        before.push(name);
    }
    Ok(())
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
