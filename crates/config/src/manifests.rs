//! Manifests of static pods: what a kubelet will start of them, argument by argument.
//!
//! A kubelet reads every file of its folder whose name begins with no dot (`pkg/kubelet/config/file_linux.go`,
//! `file.go:extractFromDir`) as one Pod, in YAML or JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use kubeassay_core::{Bytes, Cause, Component, Origin, OriginKind};

use crate::node::{Content, Node, Source};
use crate::path;
use crate::secrets;
use crate::setting::Unknown;
use crate::tree;

/// A container of a static pod that starts a component.
#[derive(Clone, Debug, PartialEq)]
pub struct Container {
    /// The component.
    pub component: Component,
    /// Its name in the pod.
    pub name: String,
    /// The image, where it names one.
    pub image: Option<String>,
    /// Program and arguments, variables in them replaced.
    pub argv: Vec<Bytes>,
    /// Where each of them stands.
    pub origins: Vec<Arc<Origin>>,
    /// Its working directory, where the manifest says it.
    pub cwd: Option<Bytes>,
    /// Variables that the manifest gives a value.
    pub environment: BTreeMap<String, Bytes>,
    /// What of the host it sees, and where.
    pub mounts: Vec<Mount>,
    /// Whether it has the host's network.
    pub host_network: bool,
}

/// A part of the host that a container sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Where, in the container.
    pub inside: Bytes,
    /// Which part of the host; nothing where it is none of the host, or which cannot be told.
    pub host: Option<Bytes>,
}

impl Container {
    /// Returns where a file of the container lies on the host; nothing where it comes from the image, or from a volume
    /// that is no part of the host.
    pub fn on_the_host(&self, inside: &Bytes) -> Option<Bytes> {
        let inside = path::clean(inside);
        let mut best: Option<(&Mount, &[u8])> = None;
        for mount in &self.mounts {
            let Some(rest) = inside.as_slice().strip_prefix(mount.inside.as_slice()) else {
                continue;
            };
            let ends = rest.is_empty() || rest.starts_with(b"/") || mount.inside == "/";
            let longer = best.is_none_or(|(other, _)| {
                mount.inside.as_slice().len() > other.inside.as_slice().len()
            });
            if ends && longer {
                best = Some((mount, rest));
            }
        }
        let (mount, rest) = best?;
        let host = mount.host.as_ref()?;
        let rest = rest.strip_prefix(b"/").unwrap_or(rest);
        Some(if rest.is_empty() {
            host.clone()
        } else {
            path::join(host, &Bytes::from(rest))
        })
    }
}

/// Returns the containers of the manifest at `path` that start a component.
///
/// # Errors
///
/// Why it cannot be told what the manifest starts.
pub fn containers(content: &[u8], path: &Bytes) -> Result<Vec<Container>, Unknown> {
    let unknown = |cause, place: String, reason: &str| Unknown {
        cause,
        reason: format!("{path}{place}: {reason}"),
        path: Some(path.clone()),
    };
    let document = tree::read(content).map_err(|error| {
        let place = format!(":{}:{}", error.line, error.column);
        unknown(Cause::ParseError, place, &error.message)
    })?;
    let source = Source {
        kind: OriginKind::Manifest,
        path: Arc::new(path.clone()),
        digest: None,
    };
    let pod = Node::from_tree(document.root, &source);
    if text(&pod, "kind").is_none_or(|kind| kind != "Pod") {
        // The kubelet takes nothing else for a pod, and starts nothing of it.
        return Ok(Vec::new());
    }
    let Some(spec) = pod.folded("spec") else {
        return Ok(Vec::new());
    };
    let volumes = host_paths(spec);
    let host_network = matches!(
        spec.folded("hostNetwork").map(|node| &node.content),
        Some(Content::Bool(true))
    );
    let mut found = Vec::new();
    for container in list(spec, "containers") {
        match one(container, &volumes, host_network) {
            Ok(container) => found.extend(container),
            Err(reason) => {
                let line = container
                    .origin
                    .line
                    .map_or_else(String::new, |line| format!(":{line}"));
                return Err(unknown(Cause::Unsupported, line, &reason));
            }
        }
    }
    Ok(found)
}

/// Returns a container that starts a component; nothing where it starts something else.
fn one(
    container: &Node,
    volumes: &BTreeMap<String, Bytes>,
    host_network: bool,
) -> Result<Option<Container>, String> {
    let name = text(container, "name")
        .map(Bytes::to_string_lossy)
        .unwrap_or_default();
    let words: Vec<&Node> = list(container, "command")
        .chain(list(container, "args"))
        .collect();
    let environment = environment(container);
    let mut argv = Vec::new();
    let mut origins = Vec::new();
    for word in &words {
        let Content::String(text) = &word.content else {
            return Err(format!("an argument of the container {name} is no text"));
        };
        argv.push(expand(text, &environment)?);
        origins.push(Origin {
            text: Some(Arc::new(text.clone())),
            ..Origin::clone(&word.origin)
        });
    }
    let Some(component) = program(&mut argv, &mut origins) else {
        let by_name = Component::ALL
            .iter()
            .find(|component| component.as_str() == name);
        return match by_name {
            Some(component) => Err(format!(
                "the container {name} is called like a {component}, and its program is started by something that is not looked into (a shell, or the image itself)"
            )),
            None => Ok(None),
        };
    };
    let known = |(name, value): (String, Option<Bytes>)| Some((name, value?));
    Ok(Some(Container {
        component,
        name,
        image: text(container, "image").map(Bytes::to_string_lossy),
        argv,
        origins: origins.into_iter().map(Arc::new).collect(),
        cwd: text(container, "workingDir").cloned(),
        environment: environment.into_iter().filter_map(known).collect(),
        mounts: mounts(container, volumes),
        host_network,
    }))
}

/// Takes off what starts the program only to write its log (`/go-runner`), and returns which component is left.
fn program(argv: &mut Vec<Bytes>, origins: &mut Vec<Origin>) -> Option<Component> {
    if argv
        .first()
        .is_some_and(|first| base_name(first) == b"go-runner")
    {
        let is_program = |word: &Bytes| !word.as_slice().starts_with(b"-");
        let at = argv.iter().skip(1).position(is_program)? + 1;
        argv.drain(..at);
        origins.drain(..at);
    }
    let name = base_name(argv.first()?);
    Component::ALL
        .iter()
        .copied()
        .find(|component| match component {
            Component::ContainerRuntime | Component::Distribution => false,
            component => component.as_str().as_bytes() == name,
        })
}

fn base_name(path: &Bytes) -> &[u8] {
    let path = path.as_slice();
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

/// Replaces `$(NAME)` by the variable's value, as the kubelet does (`third_party/forked/golang/expansion`): `$$` is a
/// dollar sign, and a name that is none stays as it is.
fn expand(text: &Bytes, variables: &[(String, Option<Bytes>)]) -> Result<Bytes, String> {
    let mut expanded = Vec::new();
    let mut rest = text.as_slice();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'$' {
            expanded.push(*first);
            continue;
        }
        match after {
            [b'$', after @ ..] => {
                expanded.push(b'$');
                rest = after;
            }
            [b'(', after @ ..] => {
                let Some(end) = after.iter().position(|byte| *byte == b')') else {
                    expanded.push(b'$');
                    continue;
                };
                let (name, after) = after.split_at(end);
                rest = after.get(1..).unwrap_or_default();
                let mut known = variables.iter().rev();
                match known.find(|(known, _)| known.as_bytes() == name) {
                    Some((_, Some(value))) => expanded.extend_from_slice(value.as_slice()),
                    Some((name, None)) => {
                        return Err(format!(
                            "an argument holds $({name}), whose value the manifest does not say"
                        ));
                    }
                    None => {
                        expanded.extend_from_slice(b"$(");
                        expanded.extend_from_slice(name);
                        expanded.push(b')');
                    }
                }
            }
            _ => expanded.push(b'$'),
        }
    }
    Ok(Bytes::from(expanded))
}

/// Returns the variables of a container in their order; without a value where something else holds it.
fn environment(container: &Node) -> Vec<(String, Option<Bytes>)> {
    list(container, "env")
        .filter_map(|variable| {
            let name = text(variable, "name")?.to_string_lossy();
            let value = match variable.folded("valueFrom") {
                Some(_) => None,
                None => Some(text(variable, "value").cloned().unwrap_or_default()),
            };
            // Its digest is not what the program is given.
            let is_hidden = |value: &Bytes| value.as_str().is_some_and(secrets::is_redacted);
            let value = match value {
                Some(value) if is_hidden(&value) => None,
                value => value,
            };
            Some((name, value))
        })
        .collect()
}

/// Returns the parts of the host that the volumes of a pod are, by their names.
fn host_paths(spec: &Node) -> BTreeMap<String, Bytes> {
    list(spec, "volumes")
        .filter_map(|volume| {
            let name = text(volume, "name")?.to_string_lossy();
            let path = text(volume.folded("hostPath")?, "path")?;
            let absolute = path.as_slice().starts_with(b"/");
            absolute.then(|| (name, path::clean(path)))
        })
        .collect()
}

fn mounts(container: &Node, volumes: &BTreeMap<String, Bytes>) -> Vec<Mount> {
    list(container, "volumeMounts")
        .filter_map(|mount| {
            let inside = path::clean(text(mount, "mountPath")?);
            let volume = text(mount, "name")
                .and_then(|name| volumes.get(&name.to_string_lossy()))
                // What an expression of variables comes to is not worked out.
                .filter(|_| mount.folded("subPathExpr").is_none());
            let host = volume.map(|host| match text(mount, "subPath") {
                Some(below) if !below.is_empty() => path::join(host, below),
                _ => host.clone(),
            });
            // What is mounted from elsewhere still hides what is below it.
            Some(Mount { inside, host })
        })
        .collect()
}

fn list<'a>(node: &'a Node, key: &str) -> impl Iterator<Item = &'a Node> {
    let items = match node.folded(key).map(|node| &node.content) {
        Some(Content::List(items)) => items.as_slice(),
        _ => &[],
    };
    items.iter()
}

fn text<'a>(node: &'a Node, key: &str) -> Option<&'a Bytes> {
    match &node.folded(key)?.content {
        Content::String(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use kubeassay_core::{Bytes, Component};

    use super::{Container, containers};

    const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: kube-apiserver, namespace: kube-system}
spec:
  hostNetwork: true
  containers:
  - name: kube-apiserver
    image: registry.k8s.io/kube-apiserver:v1.34.2
    command:
    - kube-apiserver
    - --advertise-address=$(HOST_IP)
    - --profiling=false
    args: [--x=$$(A), '--y=$(B)']
    env:
    - {name: HOST_IP, value: 10.0.0.1}
    volumeMounts:
    - {name: certs, mountPath: /etc/kubernetes/pki}
    - {name: etcd, mountPath: /etc/kubernetes/pki/etcd/, subPath: etcd}
    - {name: nowhere, mountPath: /relative}
    - {name: secret, mountPath: /etc/kubernetes/pki/secret}
    - {name: certs, mountPath: /etc/kubernetes/pki/any, subPathExpr: $(X)}
  - name: helper
    command: [/bin/sh, -c, 'sleep 1']
  volumes:
  - {name: certs, hostPath: {path: /var/lib/certs}}
  - {name: etcd, hostPath: {path: /srv/}}
  - {name: nowhere, hostPath: {path: srv}}
  - {name: secret, secret: {secretName: s}}
";

    fn only(text: &str) -> Container {
        let mut found = containers(text.as_bytes(), &Bytes::from("/m/a.yaml")).unwrap();
        assert_eq!(found.len(), 1);
        found.pop().unwrap()
    }

    #[test]
    fn arguments_come_with_their_lines_and_variables_replaced() {
        let found = only(POD);
        assert_eq!(found.component, Component::ApiServer);
        let argv: Vec<String> = found.argv.iter().map(Bytes::to_string).collect();
        assert_eq!(
            argv,
            [
                "kube-apiserver",
                "--advertise-address=10.0.0.1",
                "--profiling=false",
                "--x=$(A)",
                "--y=$(B)"
            ]
        );
        let lines: Vec<Option<u32>> = found.origins.iter().map(|origin| origin.line).collect();
        assert_eq!(lines, [Some(10), Some(11), Some(12), Some(13), Some(13)]);
    }

    #[test]
    fn files_are_found_on_the_host_by_the_longest_mount() {
        let found = only(POD);
        for (inside, host) in [
            ("/etc/kubernetes/pki/ca.crt", Some("/var/lib/certs/ca.crt")),
            ("/etc/kubernetes/pki", Some("/var/lib/certs")),
            ("/etc/kubernetes/pki/etcd/ca.crt", Some("/srv/etcd/ca.crt")),
            ("/etc/kubernetes/pki/secret/tls.key", None),
            (
                "/etc/kubernetes/pki/secrets",
                Some("/var/lib/certs/secrets"),
            ),
            ("/etc/kubernetes/pki/any/a", None),
            ("/etc/kubernetes/pkix", None),
            ("/etc/passwd", None),
            ("/relative/x", None),
        ] {
            let at = found.on_the_host(&Bytes::from(inside));
            assert_eq!(at.map(|at| at.to_string()).as_deref(), host, "{inside}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_an_error_and_what_is_no_component_is_nothing() {
        let pod = |container: &str| format!("kind: Pod\nspec:\n  containers:\n  - {container}\n");
        for (text, said) in [
            (
                pod("{name: etcd, command: [/bin/sh, -c, exec etcd]}"),
                "started by something",
            ),
            (
                pod("{name: etcd, image: quay.io/etcd}"),
                "started by something",
            ),
            (
                pod(
                    "{name: a, command: [etcd, --name=$(NODE)], env: [{name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]}",
                ),
                "$(NODE)",
            ),
            ("kind: Pod\nspec: [".to_owned(), "/m/a.yaml:2"),
        ] {
            let error = containers(text.as_bytes(), &Bytes::from("/m/a.yaml")).unwrap_err();
            assert!(error.reason.contains(said), "{}", error.reason);
        }
        for text in [
            pod("{name: web, command: [nginx]}"),
            "kind: ConfigMap\n".to_owned(),
            String::new(),
        ] {
            assert_eq!(
                containers(text.as_bytes(), &Bytes::from("/m/a")),
                Ok(Vec::new())
            );
        }
        let runner = pod(
            "{name: a, command: [/go-runner, --log-file=/x, /usr/local/bin/kube-scheduler, --v=2]}",
        );
        let found = only(&runner);
        assert_eq!(found.component, Component::Scheduler);
        assert_eq!(found.argv.len(), 2);
    }
}
