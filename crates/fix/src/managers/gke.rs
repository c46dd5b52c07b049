//! Google Kubernetes Engine: nodes are made again from their pool, which takes some fields of the kubelet.
//!
//! <https://cloud.google.com/kubernetes-engine/docs/how-to/node-system-config>; the fields as in
//! <https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/NodeKubeletConfig>.

use kubeassay_core::Value;
use serde_json::{Value as Json, json};

use super::evidence::Seen;
use super::wanted::{self, Wanted, left_out, yaml};
use super::{Management, instead};

const POOL: &str = "cloud.google.com/gke-nodepool";

/// Fields that a node pool takes, and their names there.
const FIELDS: &[(&str, &str)] = &[
    ("allowedUnsafeSysctls", "allowedUnsafeSysctls"),
    ("containerLogMaxFiles", "containerLogMaxFiles"),
    ("containerLogMaxSize", "containerLogMaxSize"),
    ("cpuCFSQuota", "cpuCFSQuota"),
    ("cpuCFSQuotaPeriod", "cpuCFSQuotaPeriod"),
    ("cpuManagerPolicy", "cpuManagerPolicy"),
    ("imageGCHighThresholdPercent", "imageGcHighThresholdPercent"),
    ("imageGCLowThresholdPercent", "imageGcLowThresholdPercent"),
    ("imageMaximumGCAge", "imageMaximumGcAge"),
    ("imageMinimumGCAge", "imageMinimumGcAge"),
    ("podPidsLimit", "podPidsLimit"),
];

/// Needs the label of a node pool in the kubelet's arguments or files, or the file where GKE keeps the configuration.
pub(super) fn of(seen: &Seen<'_>, wanted: Wanted<'_>) -> Option<Management> {
    let label = seen.label(POOL);
    let config = "/home/kubernetes/kubelet-config.yaml";
    let evidence = match &label {
        Some(label) => format!("label {label}"),
        None if seen.is(config) || seen.says(config) => config.to_owned(),
        None => return None,
    };
    let pool = label
        .as_deref()
        .and_then(|label| label.split('=').nth(1))
        .filter(|pool| !pool.is_empty())
        .unwrap_or("POOL");
    let fields = wanted.translated(field);
    let mut text = String::new();
    if !fields.taken.is_empty() {
        text = yaml(&json!({"kubeletConfig": fields.taken}), 0);
    }
    text.push_str(&left_out(
        &fields.rest,
        "a node pool takes none of these; only Google can change them",
    ));
    Some(instead(
        "GKE",
        format!(
            "the node belongs to a node pool of GKE ({evidence}), which makes {} again with each node",
            seen.path
        ),
        format!(
            "a file, then `gcloud container node-pools update {pool} --cluster CLUSTER --system-config-from-file FILE`, which makes the pool's nodes again"
        ),
        text,
    ))
}

fn field(path: &str, value: &Value) -> Option<(&'static str, Json)> {
    if let ("readOnlyPort", Value::Int(port)) = (path, value) {
        return Some(("insecureKubeletReadonlyPortEnabled", json!(*port != 0)));
    }
    let (_, name) = FIELDS.iter().find(|(field, _)| *field == path)?;
    Some((name, wanted::json(value)))
}
