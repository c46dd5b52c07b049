//! k0s: writes the kubelet's file below `/run/k0s` at each start, from a worker profile of the cluster.
//!
//! <https://docs.k0sproject.io/stable/worker-node-config/>, <https://docs.k0sproject.io/stable/configuration/>
//! (`spec.workerProfiles`; a few fields are k0s's own).

use serde_json::json;

use super::evidence::Seen;
use super::wanted::{Wanted, left_out, yaml};
use super::{Management, instead};

/// What no profile may set.
const OWN: &[&str] = &[
    "apiVersion",
    "kind",
    "clusterDNS",
    "clusterDomain",
    "staticPodURL",
];

/// Needs the unit of k0s, or a path below its folders.
pub(super) fn of(seen: &Seen<'_>, wanted: Wanted<'_>) -> Option<Management> {
    let is_below = ["/run/k0s/", "/var/lib/k0s/", "/etc/k0s/"]
        .iter()
        .any(|folder| seen.is_below(folder));
    if !is_below && !seen.unit_is(&["k0sworker.service", "k0scontroller.service"]) {
        return None;
    }
    let values = wanted.tree_without(OWN);
    let head = json!({
        "apiVersion": "k0s.k0sproject.io/v1beta1",
        "kind": "ClusterConfig",
        "metadata": {"name": "k0s"},
    });
    let text = format!(
        "{}spec:\n  workerProfiles:\n    - name: hardened\n      values:\n{}{}",
        yaml(&head, 0),
        yaml(&values.taken, 8),
        left_out(&values.rest, "k0s sets these itself"),
    );
    let evidence = if is_below {
        seen.path
    } else {
        &seen.service.unit
    };
    let flags = wanted.flags();
    let flags: Vec<String> = flags
        .taken
        .iter()
        .map(|(flag, value)| format!("--{flag}={value}"))
        .collect();
    let at_once = if flags.is_empty() {
        String::new()
    } else {
        format!(
            "; on this node alone, in the arguments of its service: --kubelet-extra-args=\"{}\"",
            flags.join(" ")
        )
    };
    Some(instead(
        "k0s",
        format!(
            "k0s starts this kubelet ({evidence}) and writes its configuration again at each start"
        ),
        format!(
            "the ClusterConfig of the controllers (/etc/k0s/k0s.yaml, or `k0s config edit`), or its values into the profile that the workers have already; then give `--profile=hardened` to `k0s worker` in the unit of each worker and restart it{at_once}"
        ),
        text,
    ))
}
