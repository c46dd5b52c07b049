//! `OpenShift`, where the machine config operator writes the node's files, and `MicroShift`, which embeds its kubelet.
//!
//! <https://docs.okd.io/latest/rest_api/machine_apis/kubeletconfig-machineconfiguration-openshift-io-v1.html>; what the
//! operator refuses is in `pkg/controller/kubelet-config/helpers.go` of openshift/machine-config-operator. A file that was
//! changed by hand makes its daemon call the node degraded.
//! <https://github.com/openshift/microshift/blob/main/docs/user/howto_config.md> for `MicroShift`.

use kubeassay_core::Value;

use super::evidence::Seen;
use super::wanted::{Wanted, left_out, yaml};
use super::{Management, instead};

/// What the operator refuses in a `KubeletConfig`.
const REFUSED: &[&str] = &[
    "cgroupDriver",
    "clusterDNS",
    "clusterDomain",
    "failSwapOn",
    "featureGates",
    "memorySwap",
    "staticPodPath",
];

pub(super) fn of(seen: &Seen<'_>, wanted: Wanted<'_>) -> Option<Management> {
    microshift(seen, wanted).or_else(|| openshift(seen, wanted))
}

/// Needs Red Hat's or `CentOS`'s `CoreOS`, or a `KubeletConfiguration` at the path where others have a kubeconfig, together
/// with `OpenShift`'s wrapper or folder of drop-ins.
fn openshift(seen: &Seen<'_>, wanted: Wanted<'_>) -> Option<Management> {
    let evidence = if seen.os_is("rhcos") || seen.os_is("scos") {
        "CoreOS of OpenShift, by os-release"
    } else if seen.says("--config=/etc/kubernetes/kubelet.conf") && seen.says("kubenswrapper") {
        "the kubelet is started by kubenswrapper"
    } else if seen.says("/etc/openshift/kubelet.conf.d") {
        "/etc/openshift/kubelet.conf.d is read"
    } else {
        return None;
    };
    let is_control_plane = [
        "node-role.kubernetes.io/master",
        "node-role.kubernetes.io/control-plane",
    ]
    .iter()
    .any(|label| seen.says(label));
    let pool = if is_control_plane { "master" } else { "worker" };
    let config = wanted.tree_without(REFUSED);
    let is_zero = |(_, value): &&(&str, &Value)| matches!(value, Value::Int(0));
    let zeros: Vec<&str> = wanted
        .0
        .iter()
        .filter(is_zero)
        .map(|(path, _)| *path)
        .collect();
    let text = format!(
        "apiVersion: machineconfiguration.openshift.io/v1\nkind: KubeletConfig\nmetadata:\n  name: {pool}-kubelet\nspec:\n  machineConfigPoolSelector:\n    matchLabels:\n      pools.operator.machineconfiguration.openshift.io/{pool}: \"\"\n  kubeletConfig:\n{}{}{}",
        yaml(&config.taken, 4),
        left_out(
            &config.rest,
            "the operator does not take these (feature gates: the object FeatureGate)"
        ),
        left_out(
            &zeros,
            "the operator passes over zeros; take these out of the pool's other KubeletConfigs too"
        ),
    );
    Some(instead(
        "OpenShift",
        format!(
            "the machine config operator of OpenShift writes {} ({evidence}), and calls a node degraded whose files somebody else changed",
            seen.path
        ),
        format!(
            "the cluster: `oc apply -f FILE`, or into the KubeletConfig that the pool {pool} has already (`oc get kubeletconfig`); the operator then drains and restarts the pool's nodes one after the other"
        ),
        text,
    ))
}

/// Needs the unit of `MicroShift`, or a path below its folders.
fn microshift(seen: &Seen<'_>, wanted: Wanted<'_>) -> Option<Management> {
    let is_below = seen.is_below("/var/lib/microshift/") || seen.is_below("/etc/microshift/");
    if !is_below && !seen.unit_is(&["microshift.service"]) {
        return None;
    }
    let evidence = if is_below {
        seen.path
    } else {
        &seen.service.unit
    };
    Some(instead(
        "MicroShift",
        format!("the kubelet is a part of MicroShift ({evidence}), which writes its configuration again at each start"),
        "/etc/microshift/config.yaml, or a file of its own in /etc/microshift/config.d whose name ends in .yaml; then `systemctl restart microshift`".to_owned(),
        format!("kubelet:\n{}", wanted.yaml(2)),
    ))
}
