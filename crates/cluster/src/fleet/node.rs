//! One node of the list: whether it can be scanned, where its kubelet is, and what comes of asking it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use kubeassay_core::facts::{
    EndpointFacts, Facts, Identity, NodeObject, Problem, Request, Response, Source, Tool, Trouble,
    Via, is_telling,
};
use kubeassay_core::node_id;
use kubeassay_core::text::escape;
use kubeassay_core::verdict::Cause;

use super::minor;
use crate::api::{Address, Api, ApiError, Marks, NodeDocument, proxied_configz_path};
use crate::http::Peer;
use crate::identity::ClientIdentity;
use crate::kubelet::{self, Access, PORT, Questions, READ_ONLY_PORT, Target};

/// Addresses of a node, the best first: what connects without a name before what has to be looked up.
const KINDS: [&str; 5] = [
    "InternalIP",
    "ExternalIP",
    "InternalDNS",
    "Hostname",
    "ExternalDNS",
];

/// No more addresses of one node are tried.
const MOST_HOSTS: usize = 3;

/// How nodes are asked: the same for all of them.
pub(super) struct Way {
    pub(super) tool: Tool,
    pub(super) access: Access,
    pub(super) questions: Questions,
    pub(super) via_proxy: bool,
}

/// A node, as far as it matters.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) object: NodeObject,
    /// Its id by its machine id.
    id: Option<String>,
    /// Where its kubelet may be, the likeliest first.
    pub(super) hosts: Vec<String>,
    pub(super) port: u16,
}

impl Listed {
    /// Takes from a node's object what matters.
    pub(super) fn new(document: NodeDocument) -> Self {
        let unsupported = unsupported(&document);
        let metadata = document.metadata.unwrap_or_default();
        let provider = document.spec.and_then(|spec| spec.provider_id);
        let status = document.status.unwrap_or_default();
        let info = status.node_info.unwrap_or_default();
        let port = status
            .daemon_endpoints
            .and_then(|endpoints| endpoints.kubelet_endpoint?.port)
            .and_then(|port| u16::try_from(port).ok())
            .filter(|port| *port != 0);
        Self {
            id: info.machine_id.as_deref().and_then(node_id),
            hosts: ranked(status.addresses),
            port: port.unwrap_or(PORT),
            object: NodeObject {
                name: metadata.name.map(cut).unwrap_or_default(),
                uid: metadata.uid.map(cut),
                kubelet_version: info.kubelet_version.map(cut),
                operating_system: info.operating_system.map(cut),
                os_image: info.os_image.map(cut),
                // What follows names the machine, and the account that it belongs to.
                provider: provider.and_then(|id| Some(cut(id.split_once("://")?.0.to_owned()))),
                marks: marks(metadata.labels, metadata.annotations),
                unsupported,
            },
        }
    }

    /// Returns a node of which nothing but its name is known.
    pub(super) fn named(name: &str) -> Self {
        Self {
            object: NodeObject {
                name: name.to_owned(),
                ..NodeObject::default()
            },
            id: None,
            hosts: Vec::new(),
            port: PORT,
        }
    }

    /// Returns facts in which the kubelet was not asked yet.
    fn facts(&self, way: &Way) -> Facts {
        let mut facts = Facts::new(way.tool.clone(), Source::Cluster, (way.access.clock)());
        facts.node.id.clone_from(&self.id);
        facts.node.hostname = Some(self.object.name.clone().into_bytes().into());
        facts.node.object = Some(self.object.clone());
        facts
    }

    /// Returns where the kubelet is, as it stands in facts.
    fn authority(&self) -> String {
        Peer {
            host: self.hosts.first().unwrap_or(&self.object.name).clone(),
            port: self.port,
        }
        .authority()
    }
}

/// Cuts off what is longer than any such text is: names have at most 253 characters (RFC 1123 subdomains), and they are
/// all that is kept of each node until the end.
fn cut(mut text: String) -> String {
    const LONGEST: usize = 253;
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST));
        text.shrink_to_fit();
    }
    text
}

/// Returns the labels and annotations that tell the platform.
fn marks(labels: Marks, annotations: Marks) -> BTreeMap<String, String> {
    let all = annotations.0.into_iter().chain(labels.0);
    all.filter(|(key, _)| is_telling(key))
        .map(|(key, value)| (cut(key), cut(value)))
        .collect()
}

/// Returns the addresses that a kubelet may be reached at, the best first.
fn ranked(addresses: Vec<Address>) -> Vec<String> {
    let known = addresses.into_iter().filter_map(|address| {
        let kind = address.kind?;
        let rank = KINDS.iter().position(|known| *known == kind)?;
        let host = address.address.map(cut);
        let host = host.filter(|host| !host.is_empty())?;
        Some((rank, host))
    });
    let mut known: Vec<_> = known.collect();
    known.sort_by_key(|(rank, _)| *rank);
    let mut hosts: Vec<String> = Vec::new();
    for (_, host) in known {
        if hosts.len() < MOST_HOSTS && !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}

/// Returns why a node cannot be scanned, if it is of a kind that cannot.
///
/// Virtual kubelets register nodes that are no machines: they are labelled `type=virtual-kubelet`, or bear the taint
/// `virtual-kubelet.io/provider` (virtual-kubelet/virtual-kubelet, `cmd/virtual-kubelet/internal/provider`).
fn unsupported(document: &NodeDocument) -> Option<String> {
    let status = document.status.as_ref();
    let info = status.and_then(|status| status.node_info.as_ref());
    let system = info.and_then(|info| info.operating_system.as_deref());
    if system.is_some_and(|system| system.eq_ignore_ascii_case("windows")) {
        return Some("Windows: kubelets there are configured otherwise".to_owned());
    }
    let metadata = document.metadata.as_ref();
    let label = metadata.and_then(|metadata| metadata.labels.0.get("type"));
    let spec = document.spec.as_ref();
    let mut taints = spec.into_iter().flat_map(|spec| &spec.taints);
    let tainted = taints.any(|taint| taint.key.as_deref() == Some("virtual-kubelet.io/provider"));
    if tainted || label.is_some_and(|label| label == "virtual-kubelet") {
        return Some("a virtual kubelet: no machine, and no kubelet of Kubernetes' own".to_owned());
    }
    let version = info.and_then(|info| info.kubelet_version.as_deref());
    match version.filter(|version| !version.is_empty()) {
        Some(version) if minor(version).is_none() => Some(format!(
            "no kubelet of Kubernetes' own: its version is `{}`",
            escape(&version.chars().take(100).collect::<String>())
        )),
        _ => None,
    }
}

/// Asks a node's kubelet; of one that cannot be scanned nothing is asked.
pub(super) async fn ask(listed: &Listed, way: &Way, api: &Api) -> Facts {
    let mut facts = listed.facts(way);
    if listed.object.unsupported.is_none() {
        if way.via_proxy {
            if way.questions.configz {
                let endpoint = through_the_api_server(listed, &way.access, api).await;
                facts.endpoints.push(endpoint);
            }
        } else if let Some(endpoint) = directly(listed, way).await {
            facts.endpoints.push(endpoint);
        } else {
            let reason = "the node's object has no address at which its kubelet could be asked; it may not have registered yet, or --via-proxy may do";
            return unasked(
                listed,
                way,
                &Trouble {
                    cause: Cause::Unreachable,
                    reason: reason.to_owned(),
                },
            );
        }
    }
    facts.complete = true;
    facts.finished = (way.access.clock)();
    facts
}

/// Asks a kubelet at the first of its addresses where somebody answers; where nobody does, what came of the first counts.
/// Nothing: it has none.
async fn directly(listed: &Listed, way: &Way) -> Option<EndpointFacts> {
    let mut first = None;
    let mut tried: Vec<IpAddr> = Vec::new();
    for host in &listed.hosts {
        let here = addresses(host, way).await;
        // A name of what was tried, or of nothing, says no more.
        if first.is_some() && here.iter().all(|address| tried.contains(address)) {
            continue;
        }
        let target = Target {
            node: Some(listed.object.name.clone()),
            pid: None,
            host: host.clone(),
            port: listed.port,
            read_only_port: Some(READ_ONLY_PORT),
            served: None,
            not_asked: None,
        };
        let endpoint = kubelet::ask(&target, way.questions, &way.access).await;
        if somebody_answered(&endpoint) {
            return Some(endpoint);
        }
        first.get_or_insert(endpoint);
        tried.extend(here);
    }
    first
}

/// Returns where a host is; nothing if that cannot be told.
async fn addresses(host: &str, way: &Way) -> Vec<IpAddr> {
    if let Ok(address) = host.parse() {
        return vec![address];
    }
    match &way.access.resolve {
        Some(resolve) => resolve(host.to_owned()).await.unwrap_or_default(),
        None => Vec::new(),
    }
}

/// Returns whether there is anybody: also one who is not trusted, or whose answer is no use.
fn somebody_answered(endpoint: &EndpointFacts) -> bool {
    let mut responses = endpoint.responses.iter();
    endpoint.certificate.is_some()
        || responses.any(|response| {
            let problem = response.problem.as_ref();
            // A token that is not sent is no sign of silence, and none of life.
            let told = problem.is_none_or(|problem| {
                !matches!(problem.cause, Cause::Unreachable | Cause::NotPermitted)
            });
            response.status.is_some() || told
        })
}

/// Returns the facts of a node that was not asked, with the reason.
pub(super) fn unasked(listed: &Listed, way: &Way, trouble: &Trouble) -> Facts {
    let mut facts = listed.facts(way);
    facts.problems.push(Problem {
        cause: trouble.cause,
        path: None,
        reason: trouble.reason.clone(),
    });
    if listed.object.unsupported.is_none() {
        let url = format!("https://{}/configz", listed.authority());
        let via = if way.via_proxy {
            Via::ApiServer
        } else {
            Via::Direct
        };
        let mut endpoint = blank(listed, via);
        let mut response = unanswered(&way.access, Identity::Nobody, url);
        response.problem = Some(trouble.clone());
        endpoint.responses.push(response);
        facts.endpoints.push(endpoint);
    }
    facts.finished = (way.access.clock)();
    facts
}

/// Asks for a kubelet's `/configz` at the API server.
pub(super) async fn through_the_api_server(
    listed: &Listed,
    access: &Access,
    api: &Api,
) -> EndpointFacts {
    let mut endpoint = blank(listed, Via::ApiServer);
    let name = &listed.object.name;
    let identity = match api.identity() {
        Some(ClientIdentity::Certificate(_)) => Identity::Certificate,
        Some(ClientIdentity::Token(_)) => Identity::Token,
        None => Identity::Nobody,
    };
    let mut response = unanswered(access, identity, api.url(&proxied_configz_path(name)));
    match api.proxied_configz(name).await {
        Ok(reply) => {
            response.status = Some(200);
            if let Some((certificate, trust)) = reply.trusted {
                endpoint.certificate = Some(certificate.to_string());
                endpoint.trusted = Some(trust);
            }
            if kubelet::is_object(&reply.body) {
                response.content = Some((access.redact)(reply.body).into());
            } else {
                response.problem = Some(Trouble {
                    cause: Cause::ParseError,
                    reason: "the body of `/configz` is no JSON object".to_owned(),
                });
            }
        }
        Err(error) => {
            response.status = error.status();
            response.problem = Some(proxied(&error));
        }
    }
    endpoint.responses.push(response);
    endpoint
}

/// Returns a kubelet that was not asked through the API server, with the reason.
pub(super) fn unanswered_by_proxy(
    listed: &Listed,
    access: &Access,
    trouble: Trouble,
) -> EndpointFacts {
    let mut endpoint = blank(listed, Via::ApiServer);
    let url = proxied_configz_path(&listed.object.name);
    let mut response = unanswered(access, Identity::Nobody, url);
    response.problem = Some(trouble);
    endpoint.responses.push(response);
    endpoint
}

/// Returns what a failure through the API server is: a 404 is the kubelet's, which serves no `/configz`, or the node's,
/// which was deleted meanwhile.
fn proxied(error: &ApiError) -> Trouble {
    let mut trouble = error.trouble();
    if error.status() == Some(404) {
        trouble.cause = Cause::Unsupported;
        trouble.reason = format!(
            "the kubelet does not serve `/configz` (`enableDebuggingHandlers` is false), or the node is gone: {}",
            trouble.reason
        );
    }
    trouble
}

fn blank(listed: &Listed, via: Via) -> EndpointFacts {
    EndpointFacts {
        pid: None,
        address: listed.authority(),
        via,
        certificate: None,
        trusted: None,
        responses: Vec::new(),
    }
}

fn unanswered(access: &Access, identity: Identity, url: String) -> Response {
    Response {
        request: Request::Configz,
        identity,
        url,
        asked: (access.clock)(),
        status: None,
        granted: None,
        content: None,
        problem: None,
    }
}
