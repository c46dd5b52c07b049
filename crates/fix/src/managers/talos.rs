//! Talos: an image that nobody edits; the kubelet follows from the machine configuration.
//!
//! <https://www.talos.dev/latest/reference/configuration/v1alpha1/config/> (`machine.kubelet`); what cannot be overridden
//! is in `pkg/machinery/kubelet/kubelet.go` of siderolabs/talos.

use serde_json::{Map, json};

use super::evidence::Seen;
use super::wanted::{Wanted, json as value_of, left_out, yaml};
use super::{Management, instead};

/// The fields that Talos sets itself and refuses in `extraConfig`.
const PROTECTED: &[&str] = &[
    "apiVersion",
    "authentication",
    "authorization",
    "cgroupRoot",
    "kind",
    "kubeletCgroups",
    "port",
    "protectKernelDefaults",
    "resolvConf",
    "rotateCertificates",
    "seccompDefault",
    "staticPodPath",
    "systemCgroups",
];

/// Needs the operating system, and nothing else.
pub(super) fn of(seen: &Seen<'_>, wanted: Wanted<'_>) -> Option<Management> {
    if !seen.os_is("talos") {
        return None;
    }
    let extra = wanted.tree_without(PROTECTED);
    let mut kubelet = Map::new();
    if extra.taken != json!({}) {
        kubelet.insert("extraConfig".to_owned(), extra.taken);
    }
    let mut rest = extra.rest;
    let seccomp = wanted.0.iter().find(|(path, _)| *path == "seccompDefault");
    if let Some((path, value)) = seccomp {
        let name = "defaultRuntimeSeccompProfileEnabled".to_owned();
        kubelet.insert(name, value_of(value));
        rest.retain(|other| other != path);
    }
    let mut text = String::new();
    if !kubelet.is_empty() {
        text = yaml(&json!({"machine": {"kubelet": kubelet}}), 0);
    }
    text.push_str(&left_out(
        &rest,
        "Talos sets these itself and lets nobody override them",
    ));
    Some(instead(
        "Talos",
        format!("Talos (ID of os-release) makes {} from its machine configuration", seen.path),
        "a patch: `talosctl --nodes NODE patch machineconfig --patch @FILE`; where the machine configuration has a document KubeletConfig (from 1.14), its key `config` takes what stands below `extraConfig`".to_owned(),
        text,
    ))
}
