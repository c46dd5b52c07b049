//! A stand-in API server on loopback: authenticates, authorizes by the rules it is given and nothing else, and answers
//! what a scan asks for.
//!
//! Documents are those of a real one (`tests/captures`), nodes are made of a captured one. A thread for each connection;
//! it remembers every request and ends when dropped.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "it is only for tests"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::certificates::{Authority, Certified};
use crate::kubelet::capture;

/// The group of reviews.
const REVIEWS: &str = "authorization.k8s.io";

/// A rule of RBAC: everything that it names is allowed.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    /// The only namespace that it holds in; none: everywhere.
    pub namespace: Option<String>,
    /// Verbs.
    pub verbs: Vec<String>,
    /// API groups.
    pub groups: Vec<String>,
    /// Resources, with their subresources.
    pub resources: Vec<String>,
    /// The only objects that it is for; none: all.
    pub names: Vec<String>,
    /// Paths that are no resources.
    pub paths: Vec<String>,
}

/// What a request wants, as an authorizer sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Attributes {
    verb: String,
    namespace: String,
    group: String,
    resource: String,
    name: String,
    path: String,
}

impl Rule {
    fn allows(&self, wanted: &Attributes) -> bool {
        let has =
            |list: &[String], one: &str| list.iter().any(|entry| entry == one || entry == "*");
        if !has(&self.verbs, &wanted.verb) {
            return false;
        }
        if wanted.resource.is_empty() {
            return self.namespace.is_none() && has(&self.paths, &wanted.path);
        }
        let place = self.namespace.as_ref();
        place.is_none_or(|namespace| *namespace == wanted.namespace)
            && has(&self.groups, &wanted.group)
            && has(&self.resources, &wanted.resource)
            && (self.names.is_empty() || self.names.contains(&wanted.name))
    }
}

/// An answer other than the usual one, for the next requests to a path.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What path and query begin with.
    pub path: &'static str,
    /// How many usual answers come before.
    pub after: usize,
    /// How many times it is given.
    pub times: usize,
    /// The status; 0: the connection is closed without an answer.
    pub status: u16,
    /// Further lines of the head, each with its end.
    pub head: &'static str,
    /// The body.
    pub body: String,
}

impl Planned {
    /// Returns a refusal, once, as an API server words it.
    pub fn once(path: &'static str, status: u16) -> Self {
        Self {
            path,
            after: 0,
            times: 1,
            status,
            head: "",
            body: refusal(status, "planned by a test"),
        }
    }
}

/// An API server as it is configured.
pub struct ApiServer {
    /// What it serves.
    pub server: Certified,
    /// Who signs client certificates.
    pub clients: Arc<Authority>,
    /// The users of client certificates, by DER.
    pub certificates: BTreeMap<Vec<u8>, String>,
    /// The users of tokens.
    pub tokens: BTreeMap<String, String>,
    /// What users may do; in a `SubjectAccessReview` also what the groups of these names may.
    pub rules: BTreeMap<String, Vec<Rule>>,
    /// The nodes' documents, each with its name.
    pub nodes: Vec<(String, String)>,
    /// kubeadm's configuration of kubelets, if it is kubeadm's cluster: the name of the `ConfigMap` and the text.
    pub kubelet_config: Option<(String, String)>,
    /// The version.
    pub version: String,
    /// What kubelets say through it.
    pub configz: Vec<u8>,
    /// How long every answer takes.
    pub delay: Duration,
    /// Answers other than the usual ones.
    pub planned: Vec<Planned>,
}

/// A request that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// As whom.
    pub user: String,
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Whether it was allowed.
    pub allowed: bool,
}

/// A server that runs.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    config: ApiServer,
    tls: Arc<ServerConfig>,
    planned: Mutex<Vec<Planned>>,
    requests: Mutex<Vec<Recorded>>,
    connections: AtomicUsize,
    ended: AtomicBool,
}

impl ApiServer {
    /// Returns a server of a cluster with these nodes, in which nobody may do anything yet.
    pub fn new(server: Certified, clients: Arc<Authority>, nodes: Vec<(String, String)>) -> Self {
        Self {
            server,
            clients,
            certificates: BTreeMap::new(),
            tokens: BTreeMap::new(),
            rules: BTreeMap::new(),
            nodes,
            kubelet_config: None,
            version: "v1.36.2".to_owned(),
            configz: capture("apiserver-node-proxy-configz.json"),
            delay: Duration::ZERO,
            planned: Vec::new(),
        }
    }

    /// Starts it.
    ///
    /// # Panics
    ///
    /// If its certificate cannot be served, or there is no port.
    pub fn start(self) -> Running {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_slice(self.clients.pem().as_bytes());
        roots.add(authority.expect("PEM")).expect("an authority");
        let clients =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .allow_unauthenticated()
                .build()
                .expect("a verifier");
        let key = PrivateKeyDer::from_pem_slice(self.server.key_pem.as_bytes()).expect("a key");
        let chain = vec![CertificateDer::from(self.server.der.clone())];
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_client_cert_verifier(clients)
            .with_single_cert(chain, key)
            .expect("a certificate with its key");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let shared = Arc::new(Shared {
            planned: Mutex::new(self.planned.clone()),
            config: self,
            tls: Arc::new(tls),
            requests: Mutex::new(Vec::new()),
            connections: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
        });
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if of_thread.ended.load(Ordering::Relaxed) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                of_thread.connections.fetch_add(1, Ordering::Relaxed);
                let shared = Arc::clone(&of_thread);
                // It ends with its connection.
                drop(std::thread::spawn(move || shared.serve(stream)));
            }
        });
        Running {
            address,
            shared,
            thread: Some(thread),
        }
    }
}

impl Running {
    /// Returns the requests so far.
    ///
    /// # Panics
    ///
    /// If the server did.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Returns how many connections there were.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        // Wakes the one who waits for connections.
        let woken = TcpStream::connect(self.address);
        drop(woken);
        if let Some(thread) = self.thread.take() {
            let joined = thread.join();
            drop(joined);
        }
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream) {
        let served = (|| -> std::io::Result<()> {
            stream.set_nodelay(true)?;
            let connection =
                ServerConnection::new(Arc::clone(&self.tls)).map_err(std::io::Error::other)?;
            let mut stream = StreamOwned::new(connection, stream);
            let mut buffer = Vec::new();
            while let Some(request) = next_request(&mut stream, &mut buffer)? {
                let shown = stream.conn.peer_certificates();
                let shown = shown
                    .and_then(|chain| chain.first())
                    .map(|leaf| leaf.to_vec());
                let Some(answer) = self.answer(&request, shown.as_deref()) else {
                    return Ok(());
                };
                if !self.config.delay.is_zero() {
                    std::thread::sleep(self.config.delay);
                }
                stream.write_all(&answer)?;
                stream.flush()?;
            }
            Ok(())
        })();
        // A client that goes away is no fault of the server's.
        drop(served);
    }

    /// Returns the whole answer; nothing if the connection is to be closed instead.
    fn answer(&self, request: &Request, certificate: Option<&[u8]>) -> Option<Vec<u8>> {
        let user = match (&request.token, certificate) {
            (_, Some(certificate)) => self.config.certificates.get(certificate).cloned(),
            (Some(token), None) => self.config.tokens.get(token).cloned(),
            (None, None) => Some("system:anonymous".to_owned()),
        };
        let wanted = attributes(&request.method, &request.path);
        let allowed = user
            .as_deref()
            .is_some_and(|user| self.allows(user, &wanted));
        self.requests.lock().unwrap().push(Recorded {
            user: user.clone().unwrap_or_default(),
            method: request.method.clone(),
            path: request.path.clone(),
            allowed,
        });
        if let Some(planned) = self.planned(&request.path) {
            if planned.status == 0 {
                return None;
            }
            return Some(whole(planned.status, planned.head, planned.body.as_bytes()));
        }
        let Some(user) = user else {
            return Some(whole(401, "", refusal(401, "Unauthorized").as_bytes()));
        };
        if !allowed {
            let said = format!(
                "User \"{user}\" cannot {} resource \"{}\" in API group \"{}\"",
                wanted.verb, wanted.resource, wanted.group
            );
            return Some(whole(403, "", refusal(403, &said).as_bytes()));
        }
        let (status, body) = self.document(&user, request, &wanted);
        Some(whole(status, "", &body))
    }

    fn planned(&self, path: &str) -> Option<Planned> {
        let mut all = self.planned.lock().unwrap();
        for planned in all
            .iter_mut()
            .filter(|planned| path.starts_with(planned.path))
        {
            if planned.after > 0 {
                planned.after -= 1;
            } else if planned.times > 0 {
                planned.times -= 1;
                return Some(planned.clone());
            }
        }
        None
    }

    fn allows(&self, user: &str, wanted: &Attributes) -> bool {
        let rules = self.config.rules.get(user);
        rules.is_some_and(|rules| rules.iter().any(|rule| rule.allows(wanted)))
    }

    fn document(&self, user: &str, request: &Request, wanted: &Attributes) -> (u16, Vec<u8>) {
        let missing = || (404, refusal(404, "not found").into_bytes());
        match wanted.resource.as_str() {
            "" if wanted.path == "/version" => {
                let body = format!(
                    "{{\"major\":\"1\",\"gitVersion\":\"{}\"}}",
                    self.config.version
                );
                (200, body.into_bytes())
            }
            "nodes" if wanted.verb == "list" => (200, self.page(&request.path).into_bytes()),
            "nodes/proxy" => {
                let known = self
                    .config
                    .nodes
                    .iter()
                    .any(|(name, _)| *name == wanted.name);
                if known && request.path.ends_with("/proxy/configz") {
                    (200, self.config.configz.clone())
                } else {
                    missing()
                }
            }
            "namespaces" => {
                let body = format!(
                    "{{\"kind\":\"Namespace\",\"metadata\":{{\"name\":\"{0}\",\"uid\":\"uid-of-{0}\"}}}}",
                    wanted.name
                );
                (200, body.into_bytes())
            }
            "configmaps" => match &self.config.kubelet_config {
                Some((name, text)) if *name == wanted.name => {
                    let mut quoted = String::new();
                    for character in text.chars() {
                        match character {
                            '\n' => quoted.push_str("\\n"),
                            '"' => quoted.push_str("\\\""),
                            other => quoted.push(other),
                        }
                    }
                    let body =
                        format!("{{\"kind\":\"ConfigMap\",\"data\":{{\"kubelet\":\"{quoted}\"}}}}");
                    (200, body.into_bytes())
                }
                _ => missing(),
            },
            "selfsubjectaccessreviews" => {
                let asked = review(&request.body);
                let allowed = self.allows(user, &asked);
                let body = format!(
                    "{{\"kind\":\"SelfSubjectAccessReview\",\"status\":{{\"allowed\":{allowed}}}}}"
                );
                (201, body.into_bytes())
            }
            "subjectaccessreviews" => {
                let asked = review(&request.body);
                let mut somebody = subjects(&request.body).into_iter();
                let allowed = somebody.any(|name| self.allows(&name, &asked));
                let body = format!(
                    "{{\"kind\":\"SubjectAccessReview\",\"status\":{{\"allowed\":{allowed}}}}}"
                );
                (201, body.into_bytes())
            }
            _ => missing(),
        }
    }

    /// Returns the page that `limit` and `continue` ask for. Of selectors the name of a node and a label that has to be
    /// there are understood; any other is remembered and selects all.
    fn page(&self, path: &str) -> String {
        let value = |name: &str| {
            let query = path.split_once('?').map_or("", |(_, query)| query);
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        let named = value("fieldSelector").and_then(|text| text.strip_prefix("metadata.name%3D"));
        let label = value("labelSelector").map(|text| text.replace("%2F", "/"));
        let label = label.filter(|text| !text.contains('%'));
        let selected = |(name, node): &&(String, String)| {
            let has = |label: &String| node.contains(&format!("\"{label}\":"));
            named.is_none_or(|wanted| wanted == name) && label.as_ref().is_none_or(has)
        };
        let nodes: Vec<&(String, String)> = self.config.nodes.iter().filter(selected).collect();
        let from: usize = value("continue").map_or(0, |text| text.parse().unwrap());
        let limit: usize = value("limit").map_or(nodes.len(), |text| text.parse().unwrap());
        let until = nodes.len().min(from + limit);
        let items: Vec<&str> = nodes[from..until]
            .iter()
            .map(|(_, node)| node.as_str())
            .collect();
        let mut metadata = "\"resourceVersion\":\"1\"".to_owned();
        if until < nodes.len() {
            let remaining = nodes.len() - until;
            write!(
                metadata,
                ",\"continue\":\"{until}\",\"remainingItemCount\":{remaining}"
            )
            .unwrap();
        }
        format!(
            "{{\"kind\":\"NodeList\",\"apiVersion\":\"v1\",\"metadata\":{{{metadata}}},\"items\":[{}]}}",
            items.join(",")
        )
    }
}

/// Returns `count` nodes made of the captured one, `node-0` and so on, each with its own address, UID and machine id.
///
/// # Panics
///
/// If there is no capture.
pub fn nodes(count: usize) -> Vec<(String, String)> {
    let captured = String::from_utf8(capture("apiserver-node.json")).expect("UTF-8");
    let captured = captured.trim();
    let nodes = (0..count).map(|index| {
        let name = format!("node-{index}");
        let address = format!("10.{}.{}.{}", index >> 16, (index >> 8) & 255, index & 255);
        let node = captured
            .replace("\"node-1\"", &format!("\"{name}\""))
            .replace("10.10.0.11", &address)
            .replace(
                "87460b85-9fff-4544-95bb-05ef151535e5",
                &format!("uid-{index}"),
            )
            .replace("3d1219c7c4c5404aaa1f6d2a48adfda4", &format!("{index:032x}"));
        (name, node)
    });
    nodes.collect()
}

/// A request as it came.
struct Request {
    method: String,
    path: String,
    token: Option<String>,
    body: Vec<u8>,
}

/// Reads the next request; nothing at the end of the connection.
fn next_request(stream: &mut impl Read, buffer: &mut Vec<u8>) -> std::io::Result<Option<Request>> {
    let mut chunk = [0; 16 << 10];
    loop {
        let end = buffer.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            let mut lines = head.lines();
            let mut words = lines.next().unwrap_or("").split(' ');
            let mut request = Request {
                method: words.next().unwrap_or("").to_owned(),
                path: words.next().unwrap_or("").to_owned(),
                token: None,
                body: Vec::new(),
            };
            let mut length = 0;
            for (name, value) in lines.filter_map(|line| line.split_once(':')) {
                let value = value.trim();
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = value.parse().map_err(std::io::Error::other)?,
                    "authorization" => {
                        request.token = value.strip_prefix("Bearer ").map(str::to_owned);
                    }
                    _ => {}
                }
            }
            let whole = end + 4 + length;
            if buffer.len() >= whole {
                request.body = buffer[end + 4..whole].to_vec();
                buffer.drain(..whole);
                return Ok(Some(request));
            }
        }
        let read = stream.read(&mut chunk)?;
        if read == 0 {
            return Ok(None);
        }
        buffer.extend_from_slice(&chunk[..read]);
    }
}

/// Returns what a request wants (`RequestInfoFactory` in `k8s.io/apiserver/pkg/endpoints/request`), as far as it is asked
/// for here.
fn attributes(method: &str, path: &str) -> Attributes {
    let path = path.split('?').next().unwrap_or("");
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (group, rest) = match parts.as_slice() {
        ["api", "v1", rest @ ..] => ("", rest),
        ["apis", group, _, rest @ ..] => (*group, rest),
        _ => {
            return Attributes {
                verb: method.to_ascii_lowercase(),
                path: path.to_owned(),
                ..Attributes::default()
            };
        }
    };
    let (namespace, rest) = match rest {
        ["namespaces", namespace] => (*namespace, rest),
        ["namespaces", namespace, rest @ ..] => (*namespace, rest),
        _ => ("", rest),
    };
    let resource = match rest {
        [resource, _, subresource, ..] => format!("{resource}/{subresource}"),
        [resource, ..] => (*resource).to_owned(),
        [] => String::new(),
    };
    let name = rest.get(1).copied().unwrap_or("");
    let verb = match (method, name) {
        ("GET", "") => "list",
        ("GET", _) => "get",
        ("POST", _) => "create",
        _ => "other",
    };
    Attributes {
        verb: verb.to_owned(),
        namespace: namespace.to_owned(),
        group: group.to_owned(),
        resource,
        name: name.to_owned(),
        path: path.to_owned(),
    }
}

/// Returns the user and the groups that a `SubjectAccessReview` is about.
fn subjects(body: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(body);
    let (_, user) = text.split_once("\"user\":\"").unwrap_or_default();
    let (_, groups) = text.split_once("\"groups\":[").unwrap_or_default();
    let groups = groups.split(']').next().unwrap_or("");
    let groups = groups.split(',').map(|group| group.trim_matches('"'));
    let user = user.split('"').next().unwrap_or("");
    groups.chain([user]).map(str::to_owned).collect()
}

/// Returns what a `SelfSubjectAccessReview` or a `SubjectAccessReview` asks about.
fn review(body: &[u8]) -> Attributes {
    let text = String::from_utf8_lossy(body);
    let value = |name: &str| {
        let (_, rest) = text
            .split_once(&format!("\"{name}\":\""))
            .unwrap_or_default();
        rest.split('"').next().unwrap_or("").to_owned()
    };
    let resource = match value("subresource") {
        subresource if subresource.is_empty() => value("resource"),
        subresource => format!("{}/{subresource}", value("resource")),
    };
    debug_assert!(text.contains(REVIEWS), "{text}");
    Attributes {
        verb: value("verb"),
        namespace: value("namespace"),
        group: value("group"),
        resource,
        name: value("name"),
        path: String::new(),
    }
}

/// Returns a `Status` as API servers word it.
fn refusal(status: u16, message: &str) -> String {
    let message = message.replace('"', "\\\"");
    format!(
        "{{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{{}},\"status\":\"Failure\",\"message\":\"{message}\",\"code\":{status}}}"
    )
}

fn whole(status: u16, head: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut answer = format!(
        "HTTP/1.1 {status} Planned\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{head}\r\n"
    )
    .into_bytes();
    answer.extend_from_slice(body);
    answer
}
