//! What the manifest of a static pod says of the API server that it starts: which certificate it shows to kubelets.

use kubeassay_config::components::resolve;
use kubeassay_config::kubelet::{Documents, When};
use kubeassay_config::manifests::containers;
use kubeassay_config::tables::Minor;
use kubeassay_core::facts::ProcessFacts;
use kubeassay_core::{Bytes, Component, Value};

/// Its flag for the certificate that it shows to kubelets.
const FLAG: &str = "--kubelet-client-certificate";
/// The setting of that flag.
const SETTING: &str = "flags.kubeletClientCertificate";

/// Returns the file of the certificate that the API server of the manifest at `path` shows to kubelets, as the node sees
/// it; nothing where it shows none.
///
/// # Errors
///
/// Why it cannot be told: a sentence that names the manifest.
pub(super) fn client_certificate(content: &[u8], path: &Bytes) -> Result<Option<Bytes>, String> {
    let found = containers(content, path).map_err(|unknown| unknown.reason)?;
    let mut servers = found
        .into_iter()
        .filter(|container| container.component == Component::ApiServer);
    let server = servers.next().ok_or_else(|| {
        format!(
            "{path} has no container whose command is kube-apiserver by itself, without a shell"
        )
    })?;
    let process = ProcessFacts {
        component: Component::ApiServer,
        ..ProcessFacts::new(0, server.argv.clone())
    };
    let documents = Documents::new(&process);
    let versions =
        Minor::all().map(|minor| resolve(Component::ApiServer, &documents, minor, When::Now));
    // Any version that takes its arguments takes this flag for the same.
    let mut versions: Vec<_> = versions.collect();
    let at = versions.iter().rposition(|one| one.refusal.is_none());
    let resolution = if let Some(at) = at {
        versions.swap_remove(at)
    } else {
        let refusal = versions.pop().and_then(|one| one.refusal);
        let why = refusal.map_or_else(String::new, |refusal| refusal.reason);
        return Err(format!("{path} starts no API server that is known: {why}"));
    };
    let value = resolution
        .setting(SETTING)
        .and_then(|setting| setting.value());
    let Some(Value::String(file)) = value.filter(|value| *value != Value::string("")) else {
        return Ok(None);
    };
    let plain = !file
        .as_slice()
        .split(|byte| *byte == b'/')
        .any(|part| part == b"..");
    if !plain || !file.as_slice().starts_with(b"/") {
        return Err(format!("{path} gives {FLAG} a path that is not absolute"));
    }
    let outside = server.on_the_host(&file);
    let outside = outside
        .ok_or_else(|| format!("{path} gives {FLAG} a file that is on no volume of the node"))?;
    Ok(Some(outside))
}

#[cfg(test)]
mod tests {
    use kubeassay_core::Bytes;
    use proptest::prelude::*;

    use super::client_certificate;

    proptest! {
        #[test]
        fn no_manifest_ends_it(at in 0_usize..900, with in "[\\[\\]{}:,&*!|>'\"#%a \n\t-]{0,3}") {
            let mut text = manifest("[kube-apiserver, --kubelet-client-certificate=/etc/kubernetes/pki/a.crt]");
            let at = at.min(text.len());
            text.replace_range(at..(at + 1).min(text.len()), &with);
            let found = client_certificate(text.as_bytes(), &Bytes::from("/m/a.yaml"));
            prop_assert!(found.is_err() || found.is_ok_and(|path| path.is_none_or(|path| path.as_slice().starts_with(b"/"))));
        }
    }

    /// Returns a manifest as kubeadm writes it, with this command.
    fn manifest(command: &str) -> String {
        format!(
            "apiVersion: v1
kind: Pod
metadata: {{name: kube-apiserver, namespace: kube-system}}
spec:
  containers:
  - name: helper
    command: [sleep, '1']
  - command: {command}
    volumeMounts:
    - {{mountPath: /etc/kubernetes, name: other}}
    - {{mountPath: /etc/kubernetes/pki/, name: k8s-certs, readOnly: true}}
    - {{mountPath: /etc/kubernetes/p, name: other}}
    - {{mountPath: /sub, name: k8s-certs, subPath: a}}
    - {{mountPath: /secret, name: secret}}
  volumes:
  - {{name: other, hostPath: {{path: /other}}}}
  - {{name: k8s-certs, hostPath: {{path: /host/pki, type: DirectoryOrCreate}}}}
  - {{name: secret, secret: {{secretName: a}}}}
"
        )
    }

    #[test]
    fn a_folder_that_is_nowhere_is_none_of_the_node() {
        let text =
            manifest("[kube-apiserver, --kubelet-client-certificate=/etc/kubernetes/pki/a.crt]");
        let text = text.replace("path: /host/pki", "path: host/pki");
        assert!(client_certificate(text.as_bytes(), &Bytes::from("/m/a.yaml")).is_err());
    }

    #[test]
    fn the_certificate_is_found_through_the_volume_that_it_is_on() {
        let flag = "--kubelet-client-certificate";
        for (command, expected) in [
            (
                format!("[kube-apiserver, '{flag}=/etc/kubernetes/pki/a.crt']"),
                Ok(Some("/host/pki/a.crt")),
            ),
            (
                format!("[/usr/bin/kube-apiserver, {flag}, /etc/kubernetes/pki/a.crt]"),
                Ok(Some("/host/pki/a.crt")),
            ),
            (
                format!("[kube-apiserver, {flag}=/no, {flag}=/etc/kubernetes/b.crt]"),
                Ok(Some("/other/b.crt")),
            ),
            (
                format!("[kube-apiserver]\n    args: ['{flag}=/etc/kubernetes/pki/a.crt']"),
                Ok(Some("/host/pki/a.crt")),
            ),
            ("[kube-apiserver, --secure-port=6443]".to_owned(), Ok(None)),
            (format!("[kube-apiserver, {flag}=]"), Ok(None)),
            (
                format!(
                    "[/go-runner, --log=/kube-apiserver, /bin/kube-apiserver, {flag}=/etc/kubernetes/pki/a.crt]"
                ),
                Ok(Some("/host/pki/a.crt")),
            ),
            (
                "[other, --log=/kube-apiserver]".to_owned(),
                Err("without a shell"),
            ),
            (
                format!("[kube-apiserver, {flag}-x=/a]"),
                Err("unknown flag"),
            ),
            (
                format!("[kube-apiserver, {flag}=/etc/a.crt]"),
                Err("on no volume"),
            ),
            (
                format!("[kube-apiserver, {flag}=a.crt]"),
                Err("not absolute"),
            ),
            (
                format!("[kube-apiserver, {flag}=/etc/kubernetes/pki/../a.crt]"),
                Err("not absolute"),
            ),
            (
                format!("[kube-apiserver, {flag}=/sub/a.crt]"),
                Ok(Some("/host/pki/a/a.crt")),
            ),
            (
                format!("[kube-apiserver, {flag}=/secret/a.crt]"),
                Err("on no volume"),
            ),
            (
                format!("[sh, -c, 'exec kube-apiserver {flag}=/etc/kubernetes/pki/a.crt']"),
                Err("without a shell"),
            ),
            ("[kube-apiserver, 1]".to_owned(), Err("is no text")),
            ("[kube-apiserver".to_owned(), Err("/m/a.yaml:")),
        ] {
            let found =
                client_certificate(manifest(&command).as_bytes(), &Bytes::from("/m/a.yaml"));
            match expected {
                Ok(expected) => {
                    let found = found.map(|path| path.map(|path| path.to_string()));
                    assert_eq!(found, Ok(expected.map(str::to_owned)), "{command}");
                }
                Err(part) => {
                    let why = found.unwrap_err();
                    assert!(why.contains(part), "{command}: {why}");
                }
            }
        }
        assert!(
            client_certificate(b"kind: Pod", &Bytes::from("/m/a.yaml"))
                .unwrap_err()
                .contains("no container")
        );
    }
}
