//! Bottlerocket: every file is made from settings of its API, and `/etc` is gone at the next boot.
//!
//! Which field of the kubelet follows which setting is in the template of the system
//! (<https://github.com/bottlerocket-os/bottlerocket-core-kit/blob/develop/packages/kubernetes-1.31/kubelet-config>,
//! <https://bottlerocket.dev/en/os/latest/#/api/settings/kubernetes/>); most are fixed there.

use std::fmt::Write as _;

use kubeassay_core::Value;
use serde_json::Value as Json;

use super::evidence::Seen;
use super::wanted::{self, Wanted, left_out};
use super::{Management, instead};

/// Fields of the kubelet and the settings that they follow.
const SETTINGS: &[(&str, &str)] = &[
    ("containerLogMaxFiles", "container-log-max-files"),
    ("cpuCFSQuota", "cpu-cfs-quota-enforced"),
    ("cpuManagerPolicy", "cpu-manager-policy"),
    ("eventBurst", "event-burst"),
    ("eventRecordQPS", "event-qps"),
    ("kubeAPIBurst", "kube-api-burst"),
    ("kubeAPIQPS", "kube-api-qps"),
    ("maxPods", "max-pods"),
    ("podPidsLimit", "pod-pids-limit"),
    ("registryBurst", "registry-burst"),
    ("registryPullQPS", "registry-qps"),
    ("seccompDefault", "seccomp-default"),
    ("serverTLSBootstrap", "server-tls-bootstrap"),
    ("topologyManagerPolicy", "topology-manager-policy"),
    ("topologyManagerScope", "topology-manager-scope"),
];

/// Needs the operating system, and nothing else: nothing on it is edited.
pub(super) fn of(seen: &Seen<'_>, wanted: Wanted<'_>) -> Option<Management> {
    if !seen.os_is("bottlerocket") {
        return None;
    }
    let settings = wanted.translated(setting);
    let mut text = String::new();
    for (name, value) in &settings.taken {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "apiclient set kubernetes.{name}={value}");
    }
    text.push_str(&left_out(
        &settings.rest,
        "Bottlerocket has no setting for these",
    ));
    Some(instead(
        "Bottlerocket",
        format!("Bottlerocket (ID of os-release) makes {} from the settings of its API, and access to the kubelet follows from kubernetes.standalone-mode alone", seen.path),
        "a shell of the control container, as commands; for new nodes below [settings.kubernetes] of the user data".to_owned(),
        text,
    ))
}

fn setting(path: &str, value: &Value) -> Option<(&'static str, Json)> {
    let (_, name) = SETTINGS.iter().find(|(field, _)| *field == path)?;
    let value = match value {
        Value::Bool(_) | Value::Int(_) => wanted::json(value),
        // What a shell would read otherwise is no value of these settings.
        Value::String(text) => {
            let text = text.as_str()?;
            let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-';
            text.chars().all(is_word).then(|| Json::from(text))?
        }
        _ => return None,
    };
    Some((name, value))
}
