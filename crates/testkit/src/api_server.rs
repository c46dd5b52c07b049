//! A stand-in API server on loopback: authenticates, authorizes by the rules it is given and nothing else, and answers
//! what a scan asks for.
//!
//! It serves lists of whatever objects it is given ([`ApiServer::objects`], [`ApiServer::lazy`]), in pages, whole or their
//! metadata alone, and tells of its resources (discovery). Documents are those of a real one (`tests/captures`), nodes are
//! made of a captured one. A thread for each connection; it remembers every request and ends when dropped.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "it is only for tests"
)]

mod access;
mod apply;
mod discovery;
mod lists;
mod resources;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value as Json, json};

pub use access::Rule;
use access::{Attributes, Review};
use apply::Applied;
pub use discovery::{Discovery, Stale};
use lists::{Kept, Objects};
pub use lists::{Lazy, Source};
pub use resources::Resource;
use wire::{Answer, Request, next_request, refusal};

use crate::certificates::{Authority, Certified};
use crate::kubelet::capture;

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
            body: refusal(status, "planned by a test", &Json::Null),
        }
    }

    /// Returns the answer to a token to continue with that is too old, once, after this many usual answers.
    pub fn expired(path: &'static str, after: usize) -> Self {
        let mut body = json!({
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Expired", "code": 410,
            "message": "The provided continue parameter is too old to display a consistent list result.",
        });
        // The server offers to go on with what is there now, which would be a list of two times.
        body["metadata"] = json!({"continue": "aW5jb25zaXN0ZW50"});
        Self {
            path,
            after,
            times: 1,
            status: 410,
            head: "",
            body: body.to_string(),
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
    /// What else there is, whole objects with `apiVersion` and `kind`. Definitions of custom resources among them are
    /// served.
    pub objects: Vec<Json>,
    /// Objects that are made when they are asked for.
    pub lazy: Vec<Lazy>,
    /// Resources beside the built-in ones and those of definitions, such as those of aggregated API servers.
    pub resources: Vec<Resource>,
    /// Resources that are not served, as `plural.group`, or `plural` of the core group.
    pub unserved: BTreeSet<String>,
    /// What it knows of telling all groups at once.
    pub discovery: Discovery,
    /// Versions of groups of which it knows nothing at the time.
    pub stale: Vec<Stale>,
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
    /// What it accepts, as it says it; empty: it does not say.
    pub accept: String,
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
    resources: Vec<Resource>,
    objects: BTreeMap<(String, String), Objects>,
    tls: Arc<ServerConfig>,
    planned: Mutex<Vec<Planned>>,
    requests: Mutex<Vec<Recorded>>,
    applied: Mutex<Applied>,
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
            objects: Vec::new(),
            lazy: Vec::new(),
            resources: Vec::new(),
            unserved: BTreeSet::new(),
            discovery: Discovery::default(),
            stale: Vec::new(),
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
    pub fn start(mut self) -> Running {
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
        let resources = self.resources();
        let shared = Arc::new(Shared {
            objects: self.lists(&resources),
            resources,
            planned: Mutex::new(self.planned.clone()),
            config: self,
            tls: Arc::new(tls),
            requests: Mutex::new(Vec::new()),
            applied: Mutex::new(Applied::default()),
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

    /// Returns the objects that were applied, as they are now.
    ///
    /// # Panics
    ///
    /// If the server did.
    pub fn applied(&self) -> Vec<Json> {
        self.shared.applied.lock().unwrap().all()
    }

    /// Puts an object there, as if somebody had.
    ///
    /// # Panics
    ///
    /// If the server did.
    pub fn put(&self, object: Json, group: &str, plural: &str) {
        self.shared
            .applied
            .lock()
            .unwrap()
            .put(object, group, plural);
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
        let wanted = Attributes::of(&request.method, &request.target);
        let allowed = user
            .as_deref()
            .is_some_and(|user| self.allows(user, &wanted));
        self.requests.lock().unwrap().push(Recorded {
            user: user.clone().unwrap_or_default(),
            method: request.method.clone(),
            path: request.target.clone(),
            accept: request.accept.clone(),
            allowed,
        });
        if let Some(planned) = self.planned(&request.target) {
            if planned.status == 0 {
                return None;
            }
            let answer = Answer::json(planned.status, planned.body);
            return Some(answer.framed(planned.head));
        }
        let answer = match user {
            None => Answer::refused(401, "Unauthorized", &Json::Null),
            Some(user) if !allowed => wanted.forbidden(&user),
            Some(user) => self.document(&user, request, &wanted),
        };
        Some(answer.framed(""))
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

    fn document(&self, user: &str, request: &Request, wanted: &Attributes) -> Answer {
        if wanted.resource.is_empty() {
            if wanted.path == "/version" {
                let version = &self.config.version;
                let said = json!({"major": "1", "gitVersion": version});
                return Answer::json(200, said.to_string());
            }
            let (path, accept) = (request.path(), &request.accept);
            let config = &self.config;
            let told = discovery::answer(
                path,
                accept,
                &self.resources,
                config.discovery,
                &config.stale,
            );
            return told.unwrap_or_else(Answer::no_such_page);
        }
        if let Some(answer) = self.special(user, request, wanted) {
            return answer;
        }
        let mut known = self.resources.iter();
        let served = known.find(|one| {
            (&one.group, &one.version, &one.plural)
                == (&wanted.group, &wanted.version, &wanted.resource)
                && (one.namespaced || wanted.namespace.is_empty() || one.plural == "namespaces")
        });
        let Some(resource) = served else {
            return Answer::no_such_page();
        };
        let key = (wanted.group.clone(), wanted.resource.clone());
        let objects = self.objects.get(&key);
        match wanted.verb.as_str() {
            "list" if resource.verbs.iter().any(|verb| verb == "list") => {
                lists::page(resource, objects, request, wanted)
            }
            "get" => {
                let applied = self.applied.lock().unwrap().get(wanted);
                let found = applied.or_else(|| lists::one(objects, wanted));
                found.unwrap_or_else(|| wanted.not_found())
            }
            "patch" if resource.custom => {
                let mut applied = self.applied.lock().unwrap();
                let create = Attributes {
                    verb: "create".to_owned(),
                    ..wanted.clone()
                };
                if !applied.has(wanted) && !self.allows(user, &create) {
                    return create.forbidden(user);
                }
                applied.apply(request, wanted)
            }
            _ => {
                let said = "the server does not allow this method on the requested resource";
                Answer::refused(405, said, &json!({}))
            }
        }
    }

    /// Answers what is more than an object that is kept.
    fn special(&self, user: &str, request: &Request, wanted: &Attributes) -> Option<Answer> {
        match (wanted.resource.as_str(), wanted.verb.as_str()) {
            ("nodes/proxy", _) => {
                let nodes = &self.config.nodes;
                let known = nodes.iter().any(|(name, _)| *name == wanted.name);
                Some(if known && request.path().ends_with("/proxy/configz") {
                    Answer::json(200, self.config.configz.clone())
                } else {
                    wanted.not_found()
                })
            }
            // Where no namespaces were given, every one is there.
            ("namespaces", "get") if !self.objects.contains_key(&core("namespaces")) => {
                let name = &wanted.name;
                let metadata = json!({"name": name, "uid": format!("uid-of-{name}")});
                let said = json!({"kind": "Namespace", "apiVersion": "v1", "metadata": metadata});
                Some(Answer::json(200, said.to_string()))
            }
            ("configmaps", "get") => {
                let (name, text) = self.config.kubelet_config.as_ref()?;
                (*name == wanted.name).then(|| {
                    let said = json!({"kind": "ConfigMap", "apiVersion": "v1",
                        "metadata": {"name": name, "namespace": wanted.namespace},
                        "data": {"kubelet": text}});
                    Answer::json(200, said.to_string())
                })
            }
            ("selfsubjectaccessreviews", "create") => {
                let allowed = self.allows(user, &Review::of(request).about);
                Some(reviewed("SelfSubjectAccessReview", allowed))
            }
            ("subjectaccessreviews", "create") => {
                let review = Review::of(request);
                let mut somebody = review.subjects.iter();
                let allowed = somebody.any(|name| self.allows(name, &review.about));
                Some(reviewed("SubjectAccessReview", allowed))
            }
            _ => None,
        }
    }
}

fn reviewed(kind: &str, allowed: bool) -> Answer {
    let said = json!({"kind": kind, "apiVersion": "authorization.k8s.io/v1",
        "status": {"allowed": allowed}});
    Answer::json(201, said.to_string())
}

fn core(plural: &str) -> (String, String) {
    (String::new(), plural.to_owned())
}

impl ApiServer {
    /// Returns the resources that are served: the built-in ones of the version, and those of definitions.
    fn resources(&self) -> Vec<Resource> {
        let minor = self.version.split('.').nth(1).unwrap_or_default();
        let minor = minor.parse().expect("a version such as v1.34.2");
        let mut resources = resources::built_in(minor);
        let definitions = self.objects.iter();
        let definitions = definitions.filter(|one| one["kind"] == "CustomResourceDefinition");
        resources.extend(definitions.flat_map(Resource::of_definition));
        resources.extend(self.resources.iter().cloned());
        resources.retain(|one| {
            let name = match one.group.as_str() {
                "" => one.plural.clone(),
                group => format!("{}.{group}", one.plural),
            };
            !self.unserved.contains(&name)
        });
        resources
    }

    /// Sorts the objects into lists.
    fn lists(&mut self, resources: &[Resource]) -> BTreeMap<(String, String), Objects> {
        let mut kept: BTreeMap<(String, String), Vec<Kept>> = BTreeMap::new();
        for object in std::mem::take(&mut self.objects) {
            let found = resources.iter().find(|one| {
                object["kind"] == one.kind && object["apiVersion"] == one.api_version()
            });
            // One whose resource is not served any more is in etcd, and out of reach.
            if let Some(resource) = found {
                let key = (resource.group.clone(), resource.plural.clone());
                kept.entry(key)
                    .or_default()
                    .push(Kept::of(resource, object));
            }
        }
        for (name, text) in &self.nodes {
            let nodes = kept.entry(core("nodes")).or_default();
            nodes.push(Kept::node(name, text));
        }
        for (key, objects) in &mut kept {
            // The nodes of tests stand as they were given.
            if key.1 != "nodes" {
                objects.sort_by(|one, other| one.key().cmp(&other.key()));
            }
        }
        let mut lists: BTreeMap<_, _> = kept
            .into_iter()
            .map(|(key, objects)| (key, Objects::Kept(objects)))
            .collect();
        for lazy in &self.lazy {
            let key = (lazy.group.to_owned(), lazy.plural.to_owned());
            lists.insert(key, Objects::Lazy(Arc::clone(&lazy.source)));
        }
        lists
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
