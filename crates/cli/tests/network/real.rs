//! A real API server beside what is judged of its objects: its authorizer, its admission and its audit log, where
//! `KUBEBUILDER_ASSETS` names a folder with `etcd`, `kube-apiserver` and `kubelet`; else the tests say that they are skipped.
//!
//! ```text
//! KUBEBUILDER_ASSETS=/path/to/assets cargo test -p kubeassay --test network real::
//! ```

mod access;
mod admission;
mod publishing;

use std::collections::{BTreeMap, BTreeSet};
use std::thread::sleep;
use std::time::{Duration, Instant};

use kubeassay_testkit::api_server::nodes;
use kubeassay_testkit::clusters;
use kubeassay_testkit::https::Session;
use kubeassay_testkit::real_cluster::RealCluster;
use serde_json::{Value as Json, json};

use crate::lab::{Lab, Scan, USER, program, scan};
use crate::objects::{findings, judged};

/// A real API server, and somebody who may do in it what `manifest rbac` prints.
struct Real {
    cluster: RealCluster,
    session: Session,
    token: tempfile::NamedTempFile,
    /// What that somebody is made of.
    granted: Vec<Json>,
}

impl Real {
    /// Starts it; nothing where there are no programs.
    fn start() -> Option<Self> {
        let cluster = RealCluster::start()?;
        let session = cluster.administrator();
        let token = tempfile::NamedTempFile::new().unwrap();
        let mut real = Self {
            cluster,
            session,
            token,
            granted: Vec::new(),
        };
        real.grant();
        Some(real)
    }

    /// Makes the service account with what is printed, and its token.
    fn grant(&mut self) {
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kubeassay"}});
        let output = program(&["manifest", "rbac", "--kubernetes-version", "1.36"]).output();
        let printed = String::from_utf8(output.unwrap().stdout).unwrap();
        let documents: Vec<Json> = serde_saphyr::from_multiple(&printed).unwrap();
        for object in std::iter::once(namespace).chain(documents) {
            self.make(&object);
            self.granted.push(object);
        }
        let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {"expirationSeconds": 3600}});
        let path = "/api/v1/namespaces/kubeassay/serviceaccounts/kubeassay/token";
        let answer = self.ask("POST", path, &request);
        std::fs::write(
            self.token.path(),
            answer["status"]["token"].as_str().unwrap(),
        )
        .unwrap();
    }

    /// Returns the answer to a request that is granted.
    fn ask(&mut self, method: &str, path: &str, body: &Json) -> Json {
        let (status, answer) = self.try_to(method, path, body);
        assert!(status < 300, "{path}: {answer}\n{body}");
        answer
    }

    fn try_to(&mut self, method: &str, path: &str, body: &Json) -> (u16, Json) {
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let (status, answer) = self.session.ask(method, path, &text).unwrap();
        (
            status,
            serde_json::from_str(&answer).unwrap_or(Json::String(answer)),
        )
    }

    /// Makes an object; one that is there already is left, or written over where that makes a difference.
    fn make(&mut self, object: &Json) {
        let path = collection(object);
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            match self.try_to("POST", &path, object) {
                (409, _)
                    if ["Namespace", "ServiceAccount"]
                        .contains(&object["kind"].as_str().unwrap()) =>
                {
                    let path = format!("{path}/{}", object["metadata"]["name"].as_str().unwrap());
                    self.ask("PUT", &path, object);
                    return;
                }
                (200..=299 | 409, _) => return,
                // A custom resource is served some moments after its definition.
                (404, _) if Instant::now() < until => sleep(Duration::from_millis(100)),
                (status, answer) => panic!("{path}: {status} {answer}\n{object}"),
            }
        }
    }

    /// Makes what the API server does not make by itself.
    fn apply(&mut self, objects: &[Json]) {
        let order = ["CustomResourceDefinition", "Namespace", "ServiceAccount"];
        for kind in order {
            for object in objects.iter().filter(|it| it["kind"] == kind) {
                self.make(object);
            }
        }
        for object in objects {
            let labels = &object["metadata"]["labels"];
            // The API server makes its own roles, and its own Service.
            let own = labels["kubernetes.io/bootstrapping"] == "rbac-defaults"
                || object["kind"] == "Service" && object["metadata"]["name"] == "kubernetes";
            if !own && !order.contains(&object["kind"].as_str().unwrap()) {
                self.make(object);
            }
        }
    }

    /// Scans as the service account.
    fn scan(&self, more: &[&str]) -> Scan {
        let nobody = self
            .cluster
            .kubeconfig("nobody")
            .into_os_string()
            .into_string()
            .unwrap();
        let token = self.token.path().to_str().unwrap();
        let arguments = [
            "--cluster",
            "--kubeconfig",
            &nobody,
            "--token-file",
            token,
            "-o",
            "json",
        ];
        scan(&[&arguments, more].concat())
    }
}

/// Returns where objects of the kind of this one are made.
fn collection(object: &Json) -> String {
    let version = object["apiVersion"].as_str().unwrap();
    let root = if version.contains('/') { "apis" } else { "api" };
    let kind = object["kind"].as_str().unwrap().to_lowercase();
    let plural = match kind.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if kind == "endpoints" => kind,
        None if kind.ends_with('s') => format!("{kind}es"),
        None => format!("{kind}s"),
    };
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("/{root}/{version}/namespaces/{namespace}/{plural}"),
        None => format!("/{root}/{version}/{plural}"),
    }
}

/// What is said of the objects of a real API server is what is said of the same objects behind the stand-in, and nothing
/// that was asked was refused.
#[test]
fn a_real_server_is_read_as_the_stand_in_is() {
    for (name, objects) in [
        ("careless", clusters::careless()),
        ("hardened", clusters::hardened()),
    ] {
        let Some(mut real) = Real::start() else {
            return;
        };
        real.apply(&objects);
        let done = real.scan(&[]);
        let report = done.report();
        let requests = real.cluster.requests_of(USER);
        assert!(requests.len() > 30, "{requests:#?}");
        for event in &requests {
            let code = event["responseStatus"]["code"].as_u64().unwrap();
            let uri = event["requestURI"].as_str().unwrap();
            // A version may not serve what others do.
            assert!(
                code == 200 || code == 201 || code == 404,
                "{name}: {event:#}"
            );
            assert_eq!(
                event["annotations"]["authorization.k8s.io/decision"], "allow",
                "{uri}"
            );
            assert!(
                !uri.split(['/', '?']).any(|part| part == "secrets"),
                "{uri}"
            );
        }
        let problems = report["problems"].as_array().unwrap();
        assert!(problems.is_empty(), "{name}: {problems:#?}");

        let lab = Lab::new();
        let mut server = lab.server(nodes(0), true);
        server.objects = objects;
        server.objects.extend(real.granted.clone());
        let stand_in = judged(&lab, &server.start());
        let own = |done: &Scan| -> BTreeMap<[String; 2], [String; 2]> {
            let found = findings(done).into_iter();
            found
                .map(|[rule, subject, verdict, reason]| ([rule, subject], [verdict, reason]))
                .collect()
        };
        let (found, stand_in) = (own(&done), own(&stand_in));
        let keys: BTreeSet<&[String; 2]> = found.keys().chain(stand_in.keys()).collect();
        let mut differing = Vec::new();
        for key in keys {
            if found.get(key) != stand_in.get(key) {
                differing.push(format!(
                    "{key:?}\n  real {:?}\n  stand-in {:?}",
                    found.get(key),
                    stand_in.get(key)
                ));
            }
        }
        assert!(differing.is_empty(), "{name}:\n{}", differing.join("\n"));
    }
}
