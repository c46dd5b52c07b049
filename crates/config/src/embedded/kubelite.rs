//! `MicroK8s`' kubelite (`cmd/kubelite/app` of its patches to Kubernetes): a file of arguments for each component.

use std::sync::Arc;

use kubeassay_core::facts::ProcessFacts;
use kubeassay_core::{Bytes, Component, Origin, OriginKind};

use super::{Embedded, Inside, content, files};
use crate::sources::{Documents, When};

/// The folder of the arguments where none is named (`cmd/kubelite/app/options/options.go`).
const FOLDER: &str = "/var/snap/microk8s/current/args";

/// The components, the flags that name their files, and the files' usual names.
const COMPONENTS: [(Component, &str, &str); 5] = [
    (Component::Kubelet, "kubelet-args-file", "kubelet"),
    (
        Component::ApiServer,
        "apiserver-args-file",
        "kube-apiserver",
    ),
    (
        Component::ControllerManager,
        "controller-manager-args-file",
        "kube-controller-manager",
    ),
    (
        Component::Scheduler,
        "scheduler-args-file",
        "kube-scheduler",
    ),
    (Component::KubeProxy, "proxy-args-file", "kube-proxy"),
];

/// Returns what runs inside.
pub(super) fn components(process: &ProcessFacts, when: When) -> Embedded {
    let documents = Documents::new(process);
    let mut files = files(&documents, when);
    let mut embedded = Embedded::default();
    let given = |flag: &str| {
        let prefix = format!("--{flag}=");
        let argv = process.argv.iter().skip(1);
        let mut values = argv.filter_map(|one| one.as_slice().strip_prefix(prefix.as_bytes()));
        values.next_back().map(Bytes::from)
    };
    let off = |flag: &str| given(flag).is_some_and(|value| value == "false");
    for (component, flag, name) in COMPONENTS {
        let of_control_plane = !matches!(component, Component::Kubelet | Component::KubeProxy);
        let left_out = match component {
            Component::ControllerManager => off("start-controller-manager"),
            Component::Scheduler => off("start-scheduler"),
            _ => false,
        };
        if left_out || (of_control_plane && off("start-control-plane")) {
            continue;
        }
        let path = given(flag).unwrap_or_else(|| format!("{FOLDER}/{name}").into());
        match content(&mut files, process, &path) {
            Ok(Some(file)) => {
                let text = file.content.as_ref().map_or(&b""[..], Bytes::as_slice);
                let inside = read(component, &String::from_utf8_lossy(text), &path);
                embedded.inside.push(inside);
            }
            Ok(None) => {
                embedded.unknown = Some(super::unread(&path));
            }
            Err(unknown) => {
                embedded.unknown = Some(unknown);
            }
        }
    }
    embedded.needs = files.needs;
    embedded
}

/// Reads a file of arguments (`ReadArgsFromFile`): a line is trimmed and, unless it is empty or a comment, loses all its
/// quotes, is split at spaces, and has its variables expanded.
fn read(component: Component, text: &str, path: &Bytes) -> Inside {
    let name = component.as_str();
    let whole = Arc::new(Origin::file(OriginKind::File, Arc::new(path.clone()), 1, 1));
    let mut inside = Inside {
        component,
        argv: vec![name.into()],
        origins: vec![whole],
        read: vec![path.clone()],
        files: Vec::new(),
    };
    for (number, line) in (1_u32..).zip(text.lines()) {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let plain = trimmed.replace(['"', '\''], "");
        let origin = Arc::new(Origin {
            text: Some(Arc::new(trimmed.into())),
            ..Origin::file(OriginKind::File, Arc::new(path.clone()), number, 1)
        });
        for part in plain.split(' ') {
            inside.argv.push(expand(part, path).into());
            inside.origins.push(Arc::clone(&origin));
        }
    }
    inside
}

/// Expands the variables that a snap has: of its folders one is known from where its arguments lie.
fn expand(text: &str, path: &Bytes) -> String {
    let path = path.to_string_lossy();
    let data = path
        .rsplitn(3, '/')
        .nth(2)
        .unwrap_or("/var/snap/microk8s/current");
    let (snaps, revision) = data.rsplit_once('/').unwrap_or((data, "current"));
    let common = format!("{snaps}/common");
    let snap = format!("/snap/microk8s/{revision}");
    let mut expanded = text.to_owned();
    for (name, value) in [
        ("SNAP_DATA", data),
        ("SNAP_COMMON", &common),
        ("SNAP", &snap),
    ] {
        expanded = expanded
            .replace(&format!("${{{name}}}"), value)
            .replace(&format!("${name}/"), &format!("{value}/"));
    }
    expanded
}
