//! What a command looks at: a host, facts documents, or the recorded node inside the program.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use kubeassay_cluster::fleet;
use kubeassay_cluster::kubelet::{Questions, Served, Target, ask_kubelets};
use kubeassay_config::secrets;
use kubeassay_config::tables::Minor;
use kubeassay_config::units;
use kubeassay_core::Bytes;
use kubeassay_core::facts::{
    EndpointFacts, Facts, Need, ProcessFacts, SCHEMA, ServiceFacts, Source,
};
use kubeassay_engine::LiveTarget;
use kubeassay_host::{Guide, Host, Options, collect};

use crate::args::{HostArgs, LiveArg, LiveArgs, SubjectArgs};
use crate::asking::{self, Asking, now, warn_of_the_proxy};
use crate::messages::Messages;
use crate::privileges;
use crate::tool::tool;

/// The recorded node: the facts of `tests/hosts/demo.yaml`.
const DEMO: &str = include_str!("demo.json");

/// Larger facts documents are not read.
const MAX_FACTS: u64 = 256 << 20;

/// Connects collecting with the code that knows kubelets.
struct Kubelets {
    /// They will be asked as well, so that it matters which certificate each of them serves.
    live: bool,
}

impl Guide for Kubelets {
    fn needs(&self, process: &ProcessFacts) -> Vec<Need> {
        if self.live {
            kubeassay_engine::needs_for_live(process)
        } else {
            kubeassay_engine::needs(process)
        }
    }

    fn needs_of_service(&self, service: &ServiceFacts) -> Vec<Need> {
        kubeassay_engine::needs_of_service(service)
    }

    fn needs_of_node(&self, facts: &Facts) -> kubeassay_host::NodeNeeds {
        Box::new(kubeassay_engine::needs_of_node(facts))
    }

    fn unit_folders(&self) -> &'static [&'static str] {
        units::SEARCH_PATH
    }

    fn program_of_unit(&self, fragment: &[u8]) -> Option<Bytes> {
        units::program(fragment)
    }

    fn executable_of_service(&self, service: &ServiceFacts) -> Option<Bytes> {
        let next = units::next_start(service);
        next.ok().map(|next| next.executable)
    }

    fn redact_arguments(&self, argv: Vec<Bytes>) -> Vec<Bytes> {
        secrets::redact_arguments(argv)
    }

    fn redact_content(&self, content: Vec<u8>) -> Vec<u8> {
        secrets::redact_content(content)
    }

    fn redact_service(&self, service: &mut ServiceFacts) {
        units::redact(service);
    }
}

/// Reads a host.
pub(crate) fn read(arguments: &HostArgs, live: bool, messages: Messages) -> anyhow::Result<Facts> {
    let root = arguments.root.as_deref();
    messages.note(&format!(
        "reading {}",
        root.unwrap_or(Path::new("/")).display()
    ));
    let host = Host::open(root)?;
    let options = Options {
        timeout: arguments.timeout,
        tool: tool(),
    };
    let mut facts = collect(&host, &Kubelets { live }, &options);
    // What is in a captured host was read by someone else, or by nobody.
    if matches!(facts.source, Source::Live | Source::Root) {
        facts.reader = privileges::reader();
    }
    Ok(facts)
}

/// Returns what kind of host it is, without reading it.
pub(crate) fn source(arguments: &HostArgs) -> anyhow::Result<Source> {
    Ok(Host::open(arguments.root.as_deref())?.source())
}

/// Returns where the facts that a command is about come from, as far as that can be told without reading any.
pub(crate) fn source_of(arguments: &SubjectArgs) -> anyhow::Result<Source> {
    if arguments.demo {
        return Ok(Source::Demo);
    }
    if arguments.facts.is_empty() {
        return source(&arguments.host);
    }
    Ok(Source::Facts)
}

/// Returns the facts that a command is about, and where they came from.
pub(crate) fn facts(
    arguments: &SubjectArgs,
    endpoint: Option<&str>,
    messages: Messages,
) -> anyhow::Result<(Vec<Facts>, Source)> {
    if arguments.demo {
        let facts = serde_json::from_str(DEMO).context("the recorded node is faulty")?;
        return Ok((vec![facts], Source::Demo));
    }
    if let Some(address) = endpoint {
        let facts = asked(address, &arguments.live, messages)?;
        return Ok((vec![facts], Source::Endpoint));
    }
    if arguments.facts.is_empty() {
        let asking = Asking::if_wanted(&arguments.live, messages)?;
        let asking = asking.as_ref();
        let said = version(arguments.kubernetes_version.as_deref())?;
        let facts = node(&arguments.host, &arguments.live, asking, said, messages)?;
        let source = facts.source;
        return Ok((vec![facts], source));
    }
    let mut files = Vec::new();
    for path in &arguments.facts {
        list_documents(path, &mut files)?;
    }
    messages.note(&format!("judging {} facts documents", files.len()));
    let mut facts = Vec::new();
    for file in &files {
        read_documents(file, &mut facts)?;
    }
    Ok((facts, Source::Facts))
}

/// Returns the facts in a document, or in a folder of them.
///
/// # Errors
///
/// Where one cannot be read.
pub(crate) fn documents(path: &Path) -> anyhow::Result<Vec<Facts>> {
    let mut files = Vec::new();
    list_documents(path, &mut files)?;
    let mut facts = Vec::new();
    for file in &files {
        read_documents(file, &mut facts)?;
    }
    Ok(facts)
}

/// Reads a host, and asks its kubelets as well where the user wants that. `said` is the version that the user gave.
pub(crate) fn node(
    host: &HostArgs,
    live: &LiveArgs,
    asking: Option<&Asking>,
    said: Option<Minor>,
    messages: Messages,
) -> anyhow::Result<Facts> {
    let Some(asking) = asking.filter(|asking| asking.asks_kubelets()) else {
        return read(host, false, messages);
    };
    let mut facts = read(host, true, messages)?;
    if facts.source == Source::Captured {
        bail!("a captured host cannot be asked: leave --live out");
    }
    let targets = kubeassay_engine::targets(&facts, said);
    let targets: Vec<Target> = targets.into_iter().map(target).collect();
    for target in &targets {
        messages.note(&format!(
            "asking the kubelet at {}:{}",
            target.host, target.port
        ));
    }
    facts.endpoints = ask(asking, &targets, live)?;
    facts.finished = now();
    Ok(facts)
}

/// Returns where a kubelet of this node is asked.
fn target(live: LiveTarget) -> Target {
    let served = live.certificate.and_then(|certificate| {
        Some(Served {
            fingerprint: certificate.sha256.parse().ok()?,
            path: certificate.path,
        })
    });
    Target {
        node: live.node,
        pid: Some(live.pid),
        host: live.address,
        port: live.port,
        read_only_port: live.read_only_port,
        served,
        not_asked: live.not_asked,
    }
}

/// Asks the kubelet at an address, and reads no host.
fn asked(address: &str, live: &LiveArgs, messages: Messages) -> anyhow::Result<Facts> {
    let what = live.live.unwrap_or(LiveArg::All);
    warn_of_the_proxy(live, messages);
    let asking = Asking::new(live, what.into(), false, messages)?;
    let target = asking::target(address)?;
    let mut facts = Facts::new(tool(), Source::Endpoint, now());
    facts.node.hostname = Some(Bytes::from(address));
    facts.endpoints = ask(&asking, &[target], live)?;
    facts.complete = true;
    facts.finished = now();
    Ok(facts)
}

/// Asks kubelets, through the API server where that is wanted.
fn ask(asking: &Asking, targets: &[Target], live: &LiveArgs) -> anyhow::Result<Vec<EndpointFacts>> {
    let Asking {
        questions,
        access,
        connection,
    } = asking;
    if !live.via_proxy {
        return Ok(ask_kubelets(targets, *questions, &Arc::new(access.clone())));
    }
    if targets.len() > 1 {
        bail!(
            "--via-proxy asks for the node's kubelet, and several run here; leave it out, then each is asked itself"
        );
    }
    let connection = connection.as_ref().context("--via-proxy wants an API server: give --kubeconfig, set KUBECONFIG, or have ~/.kube/config")?;
    let mut endpoints = Vec::new();
    // What has to be refused is asked for at the kubelet itself.
    let directly = Questions {
        configz: false,
        ..*questions
    };
    if directly.probe {
        endpoints = ask_kubelets(targets, directly, &Arc::new(access.clone()));
    }
    if questions.configz {
        for target in targets {
            let name = target.node.as_deref().unwrap_or(&target.host);
            let endpoint = fleet::ask_through_the_api_server(connection.clone(), access, name);
            endpoints.push(EndpointFacts {
                pid: target.pid,
                ..endpoint
            });
        }
    }
    Ok(endpoints)
}

/// Reads the version that the user gave.
pub(crate) fn version(given: Option<&str>) -> anyhow::Result<Option<Minor>> {
    let parsed = given.map(kubeassay_engine::parse_version).transpose();
    parsed.context("--kubernetes-version")
}

#[expect(
    clippy::disallowed_methods,
    reason = "facts documents are the user's own files, not a host's"
)]
fn list_documents(path: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let shown = path.display();
    let metadata = std::fs::metadata(path).with_context(|| format!("cannot read {shown}"))?;
    if !metadata.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut children = std::fs::read_dir(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("cannot read {shown}"))?;
    children.sort_by_key(std::fs::DirEntry::file_name);
    let before = files.len();
    files.extend(
        children
            .into_iter()
            .map(|child| child.path())
            .filter(|child| {
                child
                    .extension()
                    .is_some_and(|extension| extension == "json")
            }),
    );
    if files.len() == before {
        bail!("there is no facts document (.json) in {shown}");
    }
    Ok(())
}

/// The first thing looked at in a document, so that one of another kind is told from a broken one.
#[derive(serde::Deserialize)]
struct Head {
    schema: Option<String>,
}

/// Reads the documents of a file: one, or one behind the other, as the logs of several pods are fetched.
#[expect(
    clippy::disallowed_methods,
    reason = "facts documents are the user's own files, not a host's"
)]
fn read_documents(path: &Path, facts: &mut Vec<Facts>) -> anyhow::Result<()> {
    let shown = path.display();
    let metadata = std::fs::metadata(path).with_context(|| format!("cannot read {shown}"))?;
    if !metadata.is_file() {
        bail!("{shown} is not a regular file");
    }
    if metadata.len() > MAX_FACTS {
        bail!("{shown} is larger than facts are ({} MiB)", MAX_FACTS >> 20);
    }
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {shown}"))?;
    let mut rest = bytes.as_slice();
    loop {
        let mut heads = serde_json::Deserializer::from_slice(rest).into_iter::<Head>();
        let head = match heads.next() {
            Some(head) => head.with_context(|| format!("{shown} is not a JSON document"))?,
            None if rest.len() == bytes.len() => {
                bail!("{shown} is not a JSON document: it is empty")
            }
            None => return Ok(()),
        };
        let (document, after) = rest
            .split_at_checked(heads.byte_offset())
            .unwrap_or((rest, &[]));
        facts.push(parse_document(&head, document, path)?);
        rest = after;
    }
}

/// Reads one document whose head is known.
fn parse_document(head: &Head, document: &[u8], path: &Path) -> anyhow::Result<Facts> {
    let shown = path.display();
    match head.schema.as_deref() {
        Some(SCHEMA) => serde_json::from_slice(document)
            .with_context(|| format!("{shown} is not a facts document")),
        Some(other) if other.starts_with("kubeassay.facts/") => bail!(
            "{shown} has the schema {other}, and this kubeassay reads {SCHEMA}; use the version that wrote it, or a newer one"
        ),
        Some(other) => {
            bail!("{shown} has the schema {other}, not {SCHEMA}; make facts with kubeassay collect")
        }
        None => bail!("{shown} has no schema; make facts with kubeassay collect"),
    }
}
