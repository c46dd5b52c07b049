//! `kubeassay manifest`: what makes a cluster collect facts, carries a plan to its node, or lets a cluster be asked, as YAML
//! for `kubectl apply`.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use kubeassay_cluster::credentials::{self, Given};
use kubeassay_cluster::fleet;
use kubeassay_config::tables::Minor;
use kubeassay_report::plan::summary;

use crate::args::{
    ManifestApply, ManifestCollect, ManifestCommand, ManifestRbac, NamespaceArgs, PodArgs,
    TextFormat,
};
use crate::asking::{access, environment, now};
use crate::exit::Exit;
use crate::manifest::apply::Cargo;
use crate::manifest::{self, Request, Workload, rbac};
use crate::messages::Messages;
use crate::{output, plan_file};

/// A Secret holds 1 MiB, its names and labels among it.
const LARGEST_SECRET: usize = 900 << 10;
/// A list of nodes is no larger: some hundred thousand names.
const LARGEST_LIST: u64 = 16 << 20;
/// The longest name of an object that is a DNS subdomain, as a node's is.
const LONGEST_SUBDOMAIN: usize = 253;
/// The longest name that is a DNS label, as a namespace's is.
const LONGEST_LABEL: usize = 63;

pub(crate) fn run(command: &ManifestCommand, messages: Messages) -> anyhow::Result<Exit> {
    match command {
        ManifestCommand::Collect(arguments) => collect(arguments),
        ManifestCommand::Apply(arguments) => apply(arguments),
        ManifestCommand::Rbac(arguments) => permissions(arguments, messages),
    }
}

fn collect(arguments: &ManifestCollect) -> anyhow::Result<Exit> {
    let request = request(&arguments.pod)?;
    let text = manifest::text(&request, &workload(arguments)?);
    output::print(text.as_bytes())?;
    Ok(Exit::Success)
}

/// Prints what carries a plan to its node.
fn apply(arguments: &ManifestApply) -> anyhow::Result<Exit> {
    let request = request(&arguments.pod)?;
    let plan = plan_file::read(&arguments.plan)?;
    if !plan.has_changes() {
        bail!(
            "the plan {} changes nothing: there is nothing to carry",
            arguments.plan.display()
        );
    }
    let node = match &arguments.node {
        Some(name) => node(name).context("--node")?,
        None => node(&plan.node.name).with_context(|| {
            format!(
                "the plan's node is called {:?}; give the name of its Node object with --node",
                plan.node.name
            )
        })?,
    };
    let of_id = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_id = |id: &&String| !id.is_empty() && id.bytes().all(of_id);
    if let Some(id) = arguments.accept.iter().find(|id| !is_id(id)) {
        bail!("--accept {id:?} is no check's name");
    }
    let text = String::from_utf8(super::safe_document(&plan, TextFormat::Json)?)?;
    if text.len() > LARGEST_SECRET {
        bail!(
            "the plan is larger than a Secret may be ({} KiB); apply it on the node: kubeassay apply",
            LARGEST_SECRET >> 10
        );
    }
    let cargo = Cargo {
        node,
        plan: text,
        summary: kubeassay_core::text::escape(&summary(&plan)),
        accepted: arguments.accept.clone(),
    };
    output::print(manifest::apply::text(&request, &cargo).as_bytes())?;
    Ok(Exit::Success)
}

/// Prints the least RBAC, for the version that is given, else the cluster's, else the newest that is known.
fn permissions(arguments: &ManifestRbac, messages: Messages) -> anyhow::Result<Exit> {
    let namespace = namespace(&arguments.namespace)?;
    if arguments.publish {
        output::print(rbac::text_to_publish(&namespace).as_bytes())?;
        return Ok(Exit::Success);
    }
    let version = match version(arguments.kubernetes_version.as_deref())? {
        Some(given) => given,
        None => version_of_cluster(arguments, messages)?.unwrap_or(Minor::NEWEST),
    };
    let request = rbac::Request {
        namespace,
        version,
        via_proxy: arguments.via_proxy,
        mending: arguments.fix,
        objects: !arguments.nodes_only,
    };
    output::print(rbac::text(&request).as_bytes())?;
    Ok(Exit::Success)
}

/// Asks the cluster's API server for its version; nothing where there is no kubeconfig.
///
/// One that was found, not given, need not be for this: what is wrong with it is a warning.
fn version_of_cluster(
    arguments: &ManifestRbac,
    messages: Messages,
) -> anyhow::Result<Option<Minor>> {
    let given = Given {
        kubeconfig: arguments.kubeconfig.clone(),
        context: arguments.context.clone(),
        ..Given::default()
    };
    let was_given = given.kubeconfig.is_some() || given.context.is_some();
    match ask_version(&given, messages) {
        Ok(version) => Ok(version),
        Err(error) if was_given => Err(error),
        Err(error) => {
            messages.warning(&format_args!(
                "the cluster's version is not known: {error:#}; this is for {}, --kubernetes-version says otherwise",
                Minor::NEWEST
            ));
            Ok(None)
        }
    }
}

fn ask_version(given: &Given, messages: Messages) -> anyhow::Result<Option<Minor>> {
    let Some(connection) = credentials::find(given, &environment(), now())? else {
        return Ok(None);
    };
    for warning in &connection.warnings {
        messages.warning(warning);
    }
    let server = connection.server.to_string();
    let version = fleet::version(connection, &access())?;
    let version = version.with_context(|| format!("{server} does not say its version"))?;
    let minor = kubeassay_engine::parse_version(&version)?;
    messages.note(&format_args!("{server} is {version}"));
    Ok(Some(minor))
}

/// Takes only what stands in YAML as it is.
fn namespace(arguments: &NamespaceArgs) -> anyhow::Result<String> {
    let namespace = &arguments.namespace;
    if !is_label(namespace) {
        bail!("--namespace {namespace:?} is no namespace's name");
    }
    Ok(namespace.clone())
}

fn version(text: Option<&str>) -> anyhow::Result<Option<Minor>> {
    text.map(kubeassay_engine::parse_version)
        .transpose()
        .context("--kubernetes-version")
}

/// Takes only what stands in YAML as it is.
fn request(arguments: &PodArgs) -> anyhow::Result<Request> {
    let PodArgs {
        image,
        image_pull_secret,
        selinux_type,
        ..
    } = arguments;
    let namespace = namespace(&arguments.namespace)?;
    // The Namespace of the manifest lets privileged pods in, which is not to be done to one with a purpose.
    if !arguments.no_namespace && (namespace == "default" || namespace.starts_with("kube-")) {
        bail!(
            "{namespace} is a namespace of Kubernetes itself; name one for this alone, or leave it as it is with --no-namespace"
        );
    }
    let of_image = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:@".contains(&byte);
    if image.is_empty() || !image.bytes().all(of_image) {
        bail!(
            "--image {image:?} is no image; write it as registry/name:tag or registry/name@sha256:…"
        );
    }
    if let Some(secret) = image_pull_secret.iter().find(|name| !is_subdomain(name)) {
        bail!("--image-pull-secret {secret:?} is no secret's name");
    }
    let of_type = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if selinux_type.is_empty() || !selinux_type.bytes().all(of_type) {
        bail!("--selinux-type {selinux_type:?} is no SELinux type, such as spc_t");
    }
    let version = version(arguments.kubernetes_version.as_deref())?;
    let timeout = arguments.timeout;
    let rounded_up = u64::from(timeout.subsec_nanos() > 0);
    Ok(Request {
        image: image.clone(),
        pull_secrets: image_pull_secret.clone(),
        namespace,
        make_namespace: !arguments.no_namespace,
        version: version.unwrap_or(Minor::NEWEST),
        selinux_type: selinux_type.clone(),
        timeout_seconds: timeout.as_secs().saturating_add(rounded_up),
    })
}

/// Returns Jobs where nodes are named, in whatever way; an empty list is no wish for all nodes.
fn workload(arguments: &ManifestCollect) -> anyhow::Result<Workload> {
    let mut nodes = Vec::new();
    for name in &arguments.node {
        nodes.push(node(name).with_context(|| "--node")?);
    }
    if let Some(path) = &arguments.nodes_from {
        let before = nodes.len();
        let (shown, list) = read_list(path)?;
        for (index, line) in list.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            nodes.push(node(line).with_context(|| format!("{shown}, line {}", index + 1))?);
        }
        if nodes.len() == before {
            bail!("there is no node in {shown}");
        }
    }
    if nodes.is_empty() {
        return Ok(Workload::DaemonSet);
    }
    Ok(Workload::Jobs(manifest::jobs(&nodes)?))
}

/// Returns a node's name, which `kubectl get nodes -o name` writes as `node/NAME`.
fn node(line: &str) -> anyhow::Result<String> {
    let name = line.strip_prefix("node/").unwrap_or(line);
    if !is_subdomain(name) {
        bail!("{line:?} is no node's name; kubectl get nodes -o name lists them");
    }
    Ok(name.to_owned())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the list of nodes is the user's own file, not a host's"
)]
fn read_list(path: &Path) -> anyhow::Result<(String, String)> {
    let mut list = String::new();
    let (shown, read) = if path == Path::new("-") {
        let stdin = std::io::stdin().lock();
        let read = stdin.take(LARGEST_LIST + 1).read_to_string(&mut list);
        ("stdin".to_owned(), read)
    } else {
        let read = std::fs::File::open(path)
            .and_then(|file| file.take(LARGEST_LIST + 1).read_to_string(&mut list));
        (path.display().to_string(), read)
    };
    let length = read.with_context(|| format!("cannot read {shown}"))?;
    if u64::try_from(length).is_ok_and(|length| length > LARGEST_LIST) {
        bail!("{shown} is larger than a list of nodes is");
    }
    Ok((shown, list))
}

/// Returns whether `name` is a DNS label (RFC 1123), as Kubernetes asks of a namespace.
fn is_label(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !name.is_empty()
        && name.len() <= LONGEST_LABEL
        && name.bytes().all(inner)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// Returns whether `name` is a DNS subdomain (RFC 1123), as Kubernetes asks of a node: labels of any
/// length, with dots between them.
fn is_subdomain(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.len() <= LONGEST_SUBDOMAIN
        && name.split('.').all(|label| {
            !label.is_empty()
                && label.bytes().all(inner)
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}
