//! kubeadm: `/var/lib/kubelet/config.yaml`, `kubeadm-flags.env`, and the drop-in of its packages.
//!
//! kubeadm writes the file from the `ConfigMap` `kubelet-config` at `init`, `join` and `upgrade node`, and
//! `kubeadm-flags.env` from `nodeRegistration` when a node joins
//! (<https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-reconfigure/>,
//! <https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/>). In between it leaves them alone, so that
//! an edit holds: *also*. A file at that path alone is no evidence, since people put theirs there too.
//!
//! What `KUBELET_EXTRA_ARGS` stands in (`/etc/default/kubelet`, `/etc/sysconfig/kubelet`) is the administrator's.

use std::fmt::Write as _;

use super::evidence::Seen;
use super::wanted::{Wanted, left_out, scalar};
use super::{Management, also};

const NAME: &str = "kubeadm";
const CONFIG: &str = "/var/lib/kubelet/config.yaml";
const FLAGS: &str = "/var/lib/kubelet/kubeadm-flags.env";
const BOOTSTRAP: &str = "/etc/kubernetes/bootstrap-kubelet.conf";

pub(super) fn of(seen: &Seen<'_>, wanted: Wanted<'_>) -> Option<Management> {
    let name = config_map(seen);
    if seen.is(CONFIG) {
        let evidence = evidence(seen)?;
        let reason = format!(
            "kubeadm wrote {} ({evidence}), and writes it again from the ConfigMap {name} at the next `kubeadm upgrade node`; new nodes get it from there too",
            seen.path
        );
        return Some(in_the_cluster(&name, wanted, reason));
    }
    let reason = if seen.is(FLAGS) {
        format!(
            "{} is written when a node is set up, from the configuration that `kubeadm init` or `kubeadm join` is given",
            seen.path
        )
    } else if seen.path.as_slice().ends_with(b"/10-kubeadm.conf") {
        format!(
            "{} comes with kubeadm, to every node alike; what a new node's kubelet is given beyond it stands in the configuration of kubeadm",
            seen.path
        )
    } else {
        return None;
    };
    let arguments = arguments(seen, wanted);
    Some(match arguments {
        Some(text) => also(NAME, reason, INTO_NEW_NODES.to_owned(), text),
        None => in_the_cluster(&name, wanted, reason),
    })
}

fn evidence(seen: &Seen<'_>) -> Option<String> {
    if let Some(path) = seen.has_file("/10-kubeadm.conf").or(seen.has_file(FLAGS)) {
        return Some(format!("{path} is there"));
    }
    seen.says(BOOTSTRAP)
        .then(|| format!("the kubelet is started with {BOOTSTRAP}"))
}

/// Returns the name of the cluster's copy. Up to 1.23 every minor version had one of its own.
fn config_map(seen: &Seen<'_>) -> String {
    match seen.minor() {
        Some(minor) if minor < 24 => format!("kubelet-config-1.{minor}"),
        _ => "kubelet-config".to_owned(),
    }
}

fn in_the_cluster(name: &str, wanted: Wanted<'_>, reason: String) -> Management {
    let into = format!(
        "the ConfigMap {name} in kube-system: run `kubectl -n kube-system edit configmap {name}`; its key `kubelet` holds a whole KubeletConfiguration, in which these lines belong, in the place of those with the same keys; nodes take it at `kubeadm upgrade node phase kubelet-config`"
    );
    // As deep as the lines of that key are in the editor.
    also(NAME, reason, into, wanted.yaml(4))
}

const INTO_NEW_NODES: &str = "the configuration that new nodes are made with: `kubeadm join --config FILE` (InitConfiguration for `kubeadm init`), in the place of arguments with these names";

/// Returns the settings as arguments that kubeadm gives, if any of them is one.
fn arguments(seen: &Seen<'_>, wanted: Wanted<'_>) -> Option<String> {
    let flags = wanted.flags();
    if flags.taken.is_empty() {
        return None;
    }
    // kubeadm knows v1beta4, where arguments are a list, from 1.31.
    let is_list = seen.minor().is_none_or(|minor| minor >= 31);
    let api = if is_list { "v1beta4" } else { "v1beta3" };
    let mut text = format!(
        "apiVersion: kubeadm.k8s.io/{api}\nkind: JoinConfiguration\nnodeRegistration:\n  kubeletExtraArgs:\n"
    );
    for (name, value) in &flags.taken {
        // A text whatever it looks like, as kubeadm wants it.
        let value = scalar(value);
        // Writing to a String cannot fail.
        let _ = if is_list {
            writeln!(text, "    - name: {name}\n      value: {value}")
        } else {
            writeln!(text, "    {name}: {value}")
        };
    }
    text.push_str(&left_out(
        &flags.rest,
        "no flag sets these; they belong into the ConfigMap kubelet-config",
    ));
    Some(text)
}
