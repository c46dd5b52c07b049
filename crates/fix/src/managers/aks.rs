//! Azure Kubernetes Service: nodes are made again from their pool, which takes some fields of the kubelet when it is made.
//!
//! <https://learn.microsoft.com/azure/aks/custom-node-configuration>; the fields as in
//! <https://learn.microsoft.com/azure/aks/custom-node-configuration-reference>. `seccompDefault` is in previews of the API
//! only.

use kubeassay_core::Value;
use serde_json::{Value as Json, json};

use super::evidence::Seen;
use super::wanted::{self, Wanted, left_out};
use super::{Management, instead};

/// Fields that a node pool takes, and their names there.
const FIELDS: &[(&str, &str)] = &[
    ("allowedUnsafeSysctls", "allowedUnsafeSysctls"),
    ("containerLogMaxFiles", "containerLogMaxFiles"),
    ("cpuCFSQuota", "cpuCfsQuota"),
    ("cpuCFSQuotaPeriod", "cpuCfsQuotaPeriod"),
    ("cpuManagerPolicy", "cpuManagerPolicy"),
    ("failSwapOn", "failSwapOn"),
    ("imageGCHighThresholdPercent", "imageGcHighThreshold"),
    ("imageGCLowThresholdPercent", "imageGcLowThreshold"),
    ("podPidsLimit", "podMaxPids"),
    ("topologyManagerPolicy", "topologyManagerPolicy"),
];

/// Needs a label of AKS in the kubelet's arguments or files, or the file where AKS keeps the configuration. A cloud
/// configuration of Azure is no evidence: clusters that people build on Azure have one too.
pub(super) fn of(seen: &Seen<'_>, wanted: Wanted<'_>) -> Option<Management> {
    let config = "/etc/default/kubeletconfig.json";
    let evidence = match seen.label("kubernetes.azure.com/") {
        Some(label) => format!("label {label}"),
        None if seen.is(config) || seen.says(config) => config.to_owned(),
        None => return None,
    };
    let fields = wanted.translated(field);
    let mut text = String::new();
    if !fields.taken.is_empty() {
        text = format!("{:#}\n", Json::Object(fields.taken));
    }
    let left = left_out(
        &fields.rest,
        "a node pool takes none of these; only Microsoft can change them",
    );
    let also_left = if text.is_empty() {
        text.push_str(&left);
        String::new()
    } else if left.is_empty() {
        left
    } else {
        format!("; a node pool does not take {}", fields.rest.join(", "))
    };
    Some(instead(
        "AKS",
        format!("the node belongs to a node pool of AKS ({evidence}), which makes {} again with each node{also_left}", seen.path),
        "a file, then `az aks nodepool add --kubelet-config FILE` with the names of resource group, cluster and new pool, and move the workloads there: a pool takes it only when it is made (seccompDefault: a preview)".to_owned(),
        text,
    ))
}

fn field(path: &str, value: &Value) -> Option<(&'static str, Json)> {
    if let ("seccompDefault", Value::Bool(on)) = (path, value) {
        let profile = if *on { "RuntimeDefault" } else { "Unconfined" };
        return Some(("seccompDefault", json!(profile)));
    }
    let (_, name) = FIELDS.iter().find(|(field, _)| *field == path)?;
    Some((name, wanted::json(value)))
}
