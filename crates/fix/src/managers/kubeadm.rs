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
    if seen.is(CONFIG) {
        let evidence = evidence(seen)?;
        return Some(config(seen, wanted, &evidence));
    }
    let is_dropin = seen.path.as_slice().ends_with(b"/10-kubeadm.conf");
    if seen.is(FLAGS) || is_dropin {
        return Some(arguments(seen, wanted));
    }
    None
}

fn evidence(seen: &Seen<'_>) -> Option<String> {
    if let Some(path) = seen.has_file("/10-kubeadm.conf").or(seen.has_file(FLAGS)) {
        return Some(format!("{path} is there"));
    }
    seen.says(BOOTSTRAP)
        .then(|| format!("the kubelet is started with {BOOTSTRAP}"))
}

fn config(seen: &Seen<'_>, wanted: Wanted<'_>, evidence: &str) -> Management {
    // Up to 1.23 every minor version had a ConfigMap of its own.
    let name = match seen.minor() {
        Some(minor) if minor < 24 => format!("kubelet-config-1.{minor}"),
        _ => "kubelet-config".to_owned(),
    };
    also(
        NAME,
        format!(
            "kubeadm wrote {} ({evidence}), and writes it again from the ConfigMap {name} at the next `kubeadm upgrade node`; new nodes get it from there too",
            seen.path
        ),
        format!(
            "the ConfigMap {name} in kube-system: run `kubectl -n kube-system edit configmap {name}`; its key `kubelet` holds a whole KubeletConfiguration, in which these lines belong, in the place of those with the same keys; nodes take it at `kubeadm upgrade node phase kubelet-config`"
        ),
        wanted.yaml(4),
    )
}

fn arguments(seen: &Seen<'_>, wanted: Wanted<'_>) -> Management {
    let flags = wanted.flags();
    if flags.taken.is_empty() {
        return config(seen, wanted, "its name says so");
    }
    // kubeadm knows v1beta4, where arguments are a list, from 1.31.
    let is_list = seen.minor().is_none_or(|minor| minor >= 31);
    let api = if is_list { "v1beta4" } else { "v1beta3" };
    let mut text = format!(
        "apiVersion: kubeadm.k8s.io/{api}\nkind: JoinConfiguration\nnodeRegistration:\n  kubeletExtraArgs:\n"
    );
    for (name, value) in &flags.taken {
        let value = argument(value);
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
    also(
        NAME,
        format!(
            "{} is kubeadm's: it is written when a node is set up, from the configuration that `kubeadm init` or `kubeadm join` is given",
            seen.path
        ),
        "the configuration that new nodes are made with: `kubeadm join --config FILE` (InitConfiguration for `kubeadm init`), in the place of arguments with these names".to_owned(),
        text,
    )
}

/// Returns the value of an argument, which is a text whatever it looks like.
fn argument(value: &str) -> String {
    let text = scalar(value);
    if text.starts_with('"') || value.chars().any(|c| c.is_ascii_alphabetic()) {
        text
    } else {
        format!("\"{value}\"")
    }
}
