//! kind and minikube: kubeadm underneath, in nodes that are made again from the cluster's own configuration.
//!
//! <https://kind.sigs.k8s.io/docs/user/configuration/#kubeadm-config-patches>,
//! <https://minikube.sigs.k8s.io/docs/handbook/config/>. kind makes a node once and never again; minikube runs kubeadm at
//! each start. Until then an edit holds: *also*.

use super::evidence::Seen;
use super::wanted::{Wanted, left_out};
use super::{Management, also};

pub(super) fn of(seen: &Seen<'_>, wanted: Wanted<'_>) -> Option<Management> {
    kind(seen, wanted).or_else(|| minikube(seen, wanted))
}

/// Needs the drop-in of kind's node image, or its script in a unit.
fn kind(seen: &Seen<'_>, wanted: Wanted<'_>) -> Option<Management> {
    let evidence = match seen.has_file("/11-kind.conf") {
        Some(path) => path.to_string(),
        None if seen.says("/kind/bin/") => "/kind/bin in the kubelet's unit".to_owned(),
        None => return None,
    };
    let text = format!(
        "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nkubeadmConfigPatches:\n  - |\n    kind: KubeletConfiguration\n{}",
        wanted.yaml(4)
    );
    Some(also(
        "kind",
        format!("this node is a container of kind ({evidence}), and goes with its cluster"),
        "the file that the cluster is made with: `kind create cluster --config FILE`".to_owned(),
        text,
    ))
}

/// Needs a kubelet that runs from, or a unit that names, minikube's folder of binaries.
fn minikube(seen: &Seen<'_>, wanted: Wanted<'_>) -> Option<Management> {
    const BINARIES: &str = "/var/lib/minikube/binaries/";
    if !seen.runs_below(BINARIES) && !seen.says(BINARIES) {
        return None;
    }
    let flags = wanted.flags();
    let mut text = String::new();
    if !flags.taken.is_empty() {
        let options: Vec<String> = flags
            .taken
            .iter()
            .map(|(flag, value)| format!(" --extra-config=kubelet.{flag}={value}"))
            .collect();
        text = format!("minikube start{}\n", options.concat());
    }
    text.push_str(&left_out(
        &flags.rest,
        "no flag sets these, and minikube takes only flags for its kubelet",
    ));
    Some(also(
        "minikube",
        format!("the kubelet comes from {BINARIES}, and minikube sets it up again at each start"),
        "the command that starts the cluster; it is remembered for later starts".to_owned(),
        text,
    ))
}
