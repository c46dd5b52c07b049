//! What the manifest of a static pod says of the API server that it starts: which certificate it shows to kubelets.

use kubeassay_config::tree::{self, Node, Tree};
use kubeassay_core::Bytes;

/// The program.
const PROGRAM: &str = "kube-apiserver";
/// Its flag for the certificate that it shows to kubelets.
const FLAG: &str = "--kubelet-client-certificate";

/// Returns the file of the certificate that the API server of a manifest shows to kubelets, as the node sees it; nothing
/// where it shows none.
///
/// # Errors
///
/// Why it cannot be told: a part of a sentence about the manifest.
pub(super) fn client_certificate(content: &[u8]) -> Result<Option<Bytes>, String> {
    let document = tree::read(content).map_err(|error| {
        format!(
            "is not understood (line {}, column {})",
            error.line, error.column
        )
    })?;
    let spec = get(&document.root, "spec").ok_or("has no spec")?;
    let containers = list(get(spec, "containers"));
    let mut servers = containers.iter().filter_map(|container| {
        let words = words(container)?;
        // Something else may start it, such as a program that keeps its log.
        let programs = words.iter().filter(|word| !word.starts_with('-'));
        let starts = programs
            .map(|word| word.rsplit('/').next())
            .any(|name| name == Some(PROGRAM));
        starts.then_some((container, words))
    });
    let (container, words) = servers
        .next()
        .ok_or("has no container whose command is kube-apiserver by itself, without a shell")?;
    let Some(path) = value(&words, FLAG) else {
        return Ok(None);
    };
    on_the_node(spec, container, path).map(Some)
}

/// Returns command and arguments of a container; nothing where one of them is no string.
fn words(container: &Node) -> Option<Vec<&str>> {
    let parts = ["command", "args"].map(|name| list(get(container, name)));
    parts.into_iter().flatten().map(text).collect()
}

/// Returns what a flag is given: the last one counts.
fn value<'a>(words: &[&'a str], flag: &str) -> Option<&'a str> {
    let mut value = None;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Some(rest) = word.strip_prefix(flag) else {
            continue;
        };
        if rest.is_empty() {
            value = words.next().copied();
        } else if let Some(given) = rest.strip_prefix('=') {
            value = Some(given);
        }
    }
    value.filter(|value| !value.is_empty())
}

/// Returns where a file of the container lies on the node, by the volume that it is on.
fn on_the_node(spec: &Node, container: &Node, path: &str) -> Result<Bytes, String> {
    if !path.starts_with('/') || path.split('/').any(|part| part == "..") {
        return Err(format!("gives {FLAG} a path that is not absolute"));
    }
    let below = |folder: &str| {
        let rest = path.strip_prefix(folder.trim_end_matches('/'))?;
        (rest.is_empty() || rest.starts_with('/')).then_some(rest)
    };
    let mounts = list(get(container, "volumeMounts")).iter();
    let mounts = mounts.filter_map(|mount| {
        let folder = get(mount, "mountPath").and_then(text)?;
        Some((below(folder)?, mount))
    });
    // The deepest one is what the file lies on.
    let (rest, mount) = mounts
        .min_by_key(|(rest, _)| rest.len())
        .ok_or_else(|| format!("gives {FLAG} a file that is on no volume of the node"))?;
    if get(mount, "subPath").is_some() || get(mount, "subPathExpr").is_some() {
        return Err("mounts the certificate by a subPath, which is not followed here".to_owned());
    }
    let name = get(mount, "name").and_then(text);
    let volumes = list(get(spec, "volumes"));
    let mut volumes = volumes.iter();
    let volume = volumes.find(|volume| get(volume, "name").and_then(text) == name);
    let folder = volume
        .and_then(|volume| get(volume, "hostPath"))
        .and_then(|host| get(host, "path"))
        .and_then(text)
        .filter(|folder| folder.starts_with('/'))
        .ok_or("mounts the certificate from something else than a folder of the node")?;
    Ok(Bytes::from(format!(
        "{}{rest}",
        folder.trim_end_matches('/')
    )))
}

/// Returns the value of a key of a map; the last one, as of JSON.
fn get<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    let Tree::Map(entries) = &node.tree else {
        return None;
    };
    let mut entries = entries.iter().rev();
    let entry = entries.find(|entry| entry.key == key)?;
    (entry.value.tree != Tree::Null).then_some(&entry.value)
}

fn list(node: Option<&Node>) -> &[Node] {
    match node.map(|node| &node.tree) {
        Some(Tree::List(nodes)) => nodes,
        _ => &[],
    }
}

fn text(node: &Node) -> Option<&str> {
    match &node.tree {
        Tree::String(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::client_certificate;

    proptest! {
        #[test]
        fn no_manifest_ends_it(at in 0_usize..900, with in "[\\[\\]{}:,&*!|>'\"#%a \n\t-]{0,3}") {
            let mut text = manifest("[kube-apiserver, --kubelet-client-certificate=/etc/kubernetes/pki/a.crt]");
            let at = at.min(text.len());
            text.replace_range(at..(at + 1).min(text.len()), &with);
            let found = client_certificate(text.as_bytes());
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
        assert!(client_certificate(text.as_bytes()).is_err());
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
            (format!("[kube-apiserver, {flag}-x=/a]"), Ok(None)),
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
                Err("subPath"),
            ),
            (
                format!("[kube-apiserver, {flag}=/secret/a.crt]"),
                Err("something else than a folder"),
            ),
            (
                format!("[sh, -c, 'exec kube-apiserver {flag}=/etc/kubernetes/pki/a.crt']"),
                Err("without a shell"),
            ),
            ("[kube-apiserver, 1]".to_owned(), Err("without a shell")),
            ("[kube-apiserver".to_owned(), Err("is not understood")),
        ] {
            let found = client_certificate(manifest(&command).as_bytes());
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
            client_certificate(b"kind: Pod")
                .unwrap_err()
                .contains("no spec")
        );
    }
}
