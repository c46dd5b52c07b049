//! Whose credentials are used: the user's own, and nothing that lies on the host that is scanned.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "lays out what the program is run on"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use assert_cmd::Command;
use kubeassay_testkit::certificates::Authority;
use kubeassay_testkit::{host_names, lay_out};
use tempfile::TempDir;

/// Where credentials lie on hosts: of users, of kubeadm, of kubelets, of pods.
const PLACES: [&str; 5] = [
    "root/.kube/config",
    ".kube/config",
    "etc/kubernetes/admin.conf",
    "etc/kubernetes/kubelet.conf",
    "var/lib/kubelet/kubeconfig",
];

/// Writes a kubeconfig whose plugin leaves a trace.
fn plant(path: &Path, trace: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let plugin = path.with_extension("plugin");
    fs::write(&plugin, format!("#!/bin/sh\n: > {}\n", trace.display())).unwrap();
    fs::set_permissions(&plugin, fs::Permissions::from_mode(0o700)).unwrap();
    let authority = path.with_extension("crt");
    fs::write(&authority, Authority::new("kubernetes").pem()).unwrap();
    let text = format!(
        "current-context: x\n\
         contexts: [{{name: x, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: 'https://127.0.0.1:1', certificate-authority: {}}}}}]\n\
         users: [{{name: u, user: {{exec: {{apiVersion: client.authentication.k8s.io/v1, command: {}}}}}}}]\n",
        authority.display(),
        plugin.display(),
    );
    fs::write(path, text).unwrap();
}

#[test]
fn nothing_on_the_scanned_host_is_a_credential() {
    let root = lay_out(host_names().first().unwrap());
    let trace = root.path().join("trace");
    for place in PLACES {
        plant(&root.path().join(place), &trace);
    }
    let account = "var/run/secrets/kubernetes.io/serviceaccount";
    fs::create_dir_all(root.path().join(account)).unwrap();
    for name in ["token", "ca.crt"] {
        fs::write(root.path().join(account).join(name), "c4n4ry").unwrap();
    }
    let own = TempDir::new().unwrap();
    let run = |home: &Path| {
        let output = Command::cargo_bin("kubeassay")
            .unwrap()
            .env_clear()
            .env("HOME", home)
            .env("PATH", "/usr/bin:/bin")
            .env("KUBERNETES_SERVICE_HOST", "127.0.0.1")
            .env("KUBERNETES_SERVICE_PORT", "1")
            .args(["scan", "--verbose", "--live", "--root"])
            .arg(root.path())
            .output()
            .unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let said = run(own.path());
    assert!(!trace.exists(), "{said}");
    assert!(
        !said.contains("credentials from") && !said.contains("c4n4ry"),
        "{said}"
    );
    // The same kubeconfig counts where it is the user's own.
    let said = run(&root.path().join("root"));
    assert!(trace.exists(), "{said}");
}
