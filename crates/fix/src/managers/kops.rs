//! kOps: nodeup writes the kubelet's files at each boot from the cluster's specification, which has names of its own.
//!
//! <https://kops.sigs.k8s.io/cluster_spec/#kubelet>; the names as in `KubeletConfigSpec`
//! (`pkg/apis/kops/v1alpha2/componentconfig.go` of kubernetes/kops), the paths as in `nodeup/pkg/model/kubelet.go`.

use kubeassay_core::Value;
use serde_json::{Value as Json, json};

use super::evidence::Seen;
use super::wanted::{self, Wanted, left_out, yaml};
use super::{Management, instead};

/// Fields of the kubelet, and their names in the specification.
const FIELDS: &[(&str, &str)] = &[
    ("authentication.anonymous.enabled", "anonymousAuth"),
    (
        "authentication.webhook.enabled",
        "authenticationTokenWebhook",
    ),
    ("authentication.x509.clientCAFile", "clientCaFile"),
    ("authorization.mode", "authorizationMode"),
    // The older name is known to every version, and counts where both are given.
    ("eventRecordQPS", "eventQPS"),
    ("maxPods", "maxPods"),
    ("podPidsLimit", "podPidsLimit"),
    ("protectKernelDefaults", "protectKernelDefaults"),
    ("readOnlyPort", "readOnlyPort"),
    ("rotateCertificates", "rotateCertificates"),
    ("seccompDefault", "seccompDefault"),
    (
        "streamingConnectionIdleTimeout",
        "streamingConnectionIdleTimeout",
    ),
    ("tlsCipherSuites", "tlsCipherSuites"),
    ("tlsMinVersion", "tlsMinVersion"),
];

/// Needs a label of kOps in the kubelet's arguments or files, or its configuration file together with the variable in
/// which kOps keeps the arguments.
pub(super) fn of(seen: &Seen<'_>, wanted: Wanted<'_>) -> Option<Management> {
    let config = "--config=/var/lib/kubelet/kubelet.conf";
    let evidence = match seen.label("kops.k8s.io/") {
        Some(label) => format!("label {label}"),
        None if seen.says(config) && seen.says("DAEMON_ARGS=") => {
            format!("{config} in DAEMON_ARGS")
        }
        None => return None,
    };
    let fields = wanted.translated(field);
    let mut text = String::new();
    if !fields.taken.is_empty() {
        text = yaml(&json!({"spec": {"kubelet": fields.taken}}), 0);
    }
    text.push_str(&left_out(
        &fields.rest,
        "the specification of kOps has no name for these",
    ));
    Some(instead(
        "kOps",
        format!("the node is one of kOps ({evidence}), whose nodeup writes {} again from the cluster's specification", seen.path),
        "the cluster (`kops edit cluster`; spec.controlPlaneKubelet stands above it for the control plane) or the instance group (`kops edit ig`); then `kops update cluster --yes` and `kops rolling-update cluster --yes`".to_owned(),
        text,
    ))
}

fn field(path: &str, value: &Value) -> Option<(&'static str, Json)> {
    if let (Some(gate), Value::Bool(on)) = (path.strip_prefix("featureGates."), value) {
        return Some(("featureGates", json!({gate: on.to_string()})));
    }
    let (_, name) = FIELDS.iter().find(|(field, _)| *field == path)?;
    Some((name, wanted::json(value)))
}
