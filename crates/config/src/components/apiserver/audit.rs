//! What the audit log holds: where it goes, and what the policy makes of requests that matter
//! (`staging/src/k8s.io/apiserver/pkg/server/options/audit.go`).

mod policy;

use std::collections::BTreeMap;
use std::sync::Arc;

use kubeassay_core::rule::SettingType;
use kubeassay_core::{Origin, Value};

use super::authorization::nothing;
use super::{derived, shapes};
use crate::components::builder::Builder;
use crate::components::document::{self, File, Form, Reload};
use crate::components::strict::Decoder;
use crate::refusal::Refusal;
use crate::setting::{Setting, State};
use crate::tables::Minor;

use policy::Policy;

/// Whether a policy is given that the server can read; without one nothing is recorded.
const POLICY: &str = "derived.auditPolicy";
/// Where records go: `log`, `webhook`.
const BACKENDS: &str = "derived.auditBackends";
/// The level at which requests that matter are recorded, by name; empty without a policy.
const LEVELS: &str = "derived.auditLevels";
/// The size at which the log is rotated, in megabytes; 0 for never.
const MAX_SIZE: &str = "derived.auditLogMaxSize";

/// What the library that rotates made of 0 up to 1.35 (`gopkg.in/natefinch/lumberjack.v2`), in megabytes.
const LIBRARY_SIZE: i64 = 100;

/// Returns the settings that are derived here.
pub(super) fn named() -> [(&'static str, SettingType); 4] {
    let text = || Box::new(SettingType::String);
    [
        (POLICY, SettingType::Bool),
        (BACKENDS, SettingType::List(text())),
        (LEVELS, SettingType::Map(text())),
        (MAX_SIZE, SettingType::Int),
    ]
}

/// Derives them.
pub(super) fn derive(builder: &mut Builder<'_>) -> Option<Refusal> {
    let size = max_size(builder);
    let backends = backends(builder);
    let flag = builder.flag("audit-policy-file");
    let versions: &[&str] = if builder.minor < Minor(24) {
        &[
            "audit.k8s.io/v1",
            "audit.k8s.io/v1beta1",
            "audit.k8s.io/v1alpha1",
        ]
    } else {
        &["audit.k8s.io/v1"]
    };
    let form = Form {
        kinds: &[("Policy", versions)],
        // Strictly first, and where that fails all the same.
        fields: Some((&shapes::AUDIT_POLICY, Decoder::Lenient)),
    };
    let file = document::file_of(builder, "audit-policy-file", Reload::No, form);
    let (given, levels, refusal) = match file {
        None => (
            derived(Value::Bool(false), &flag),
            derived(Value::Map(BTreeMap::new()), &flag),
            None,
        ),
        Some(File::Unknown(unknown, origin)) => {
            let unknown = Builder::unknown(unknown, origin);
            (unknown.clone(), unknown, None)
        }
        Some(File::Refused(refusal)) => {
            let unknown = nothing(&refusal);
            (unknown.clone(), unknown, Some(refusal))
        }
        Some(File::Read(document)) => match Policy::read(&document.root) {
            Ok(policy) => (
                derived(Value::Bool(true), &flag),
                levels(&policy, &document.root.origin),
                None,
            ),
            Err(refusal) => {
                let unknown = nothing(&refusal);
                (unknown.clone(), unknown, Some(refusal))
            }
        },
    };
    builder.named.extend([
        (POLICY, given),
        (BACKENDS, backends),
        (LEVELS, levels),
        (MAX_SIZE, size),
    ]);
    refusal
}

fn max_size(builder: &Builder<'_>) -> Setting {
    let flag = builder.flag("audit-log-maxsize");
    match flag.value() {
        Some(Value::Int(0)) if builder.minor < Minor(36) => {
            derived(Value::Int(LIBRARY_SIZE), &flag)
        }
        _ => flag,
    }
}

fn backends(builder: &Builder<'_>) -> Setting {
    let flags = [
        ("log", builder.flag("audit-log-path")),
        ("webhook", builder.flag("audit-webhook-config-file")),
    ];
    let given = |setting: &Setting| document::known_text(setting).is_some();
    // Without a policy nothing is recorded, wherever it would go.
    let policy = given(&builder.flag("audit-policy-file"));
    let names = flags.iter().filter(|(_, flag)| policy && given(flag));
    let names = Value::List(names.map(|(name, _)| Value::string(*name)).collect());
    let [(_, log), (_, webhook)] = &flags;
    derived(
        names,
        if given(log) || !given(webhook) {
            log
        } else {
            webhook
        },
    )
}

/// Returns the levels by the names of requests, each with the rule that decides it as its origin.
fn levels(policy: &Policy, whole: &Arc<Origin>) -> Setting {
    let entries = policy.levels().map(|(name, level, origin)| {
        let origin = origin.unwrap_or_else(|| Arc::clone(whole));
        let level = Setting::known(Value::string(level.as_str()), origin);
        (name.to_owned(), level)
    });
    Setting {
        state: State::Entries(entries.collect()),
        ..Setting::unset(Arc::clone(whole))
    }
}
