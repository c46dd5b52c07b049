use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::wire::Request;
use super::{ApiServer, Attributes, Discovery, Lazy, Planned, Rule, Running, Source, Stale};
use crate::certificates::Authority;

const TOKEN: &str = "t";

/// Serves these objects to somebody who may do all of `rules`.
fn server(objects: Vec<Json>, rules: Vec<Rule>) -> ApiServer {
    let authority = Arc::new(Authority::new("kubernetes"));
    let certified = authority.server(&["127.0.0.1"]);
    let mut server = ApiServer::new(certified, authority, Vec::new());
    server
        .tokens
        .insert(TOKEN.to_owned(), "somebody".to_owned());
    server.rules.insert("somebody".to_owned(), rules);
    server.objects = objects;
    server
}

fn everything() -> Vec<Rule> {
    let all = || vec!["*".to_owned()];
    vec![Rule {
        verbs: all(),
        groups: all(),
        resources: all(),
        paths: all(),
        ..Rule::default()
    }]
}

/// Asks without a connection; the status, and the body where it is JSON.
fn ask(server: &Running, target: &str, accept: &str) -> (u16, Json) {
    let request = Request {
        method: "GET".to_owned(),
        target: target.to_owned(),
        token: Some(TOKEN.to_owned()),
        accept: accept.to_owned(),
        media: String::new(),
        body: Vec::new(),
    };
    let answer = server.shared.answer(&request, None).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or(Json::Null))
}

fn pod(namespace: &str, name: &str) -> Json {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": []}})
}

/// Seven hundred pods in two namespaces.
struct Numbered;

impl Source for Numbered {
    fn count(&self, namespace: Option<&str>) -> usize {
        match namespace {
            None => 700,
            Some("a") => 300,
            Some("b") => 400,
            Some(_) => 0,
        }
    }

    fn item(&self, namespace: Option<&str>, index: usize, list: &mut String) {
        let number = if namespace == Some("b") {
            index + 300
        } else {
            index
        };
        let namespace = if number < 300 { "a" } else { "b" };
        let item = json!({"metadata": {"name": format!("p-{number}"), "namespace": namespace}, "spec": {}});
        list.push_str(&item.to_string());
    }
}

#[test]
fn pages_follow_each_other_to_the_end() {
    let mut server = server(Vec::new(), everything());
    server.lazy = vec![Lazy {
        group: "",
        plural: "pods",
        source: Arc::new(Numbered),
    }];
    let server = server.start();
    for (path, whole, first, last) in [
        ("/api/v1/pods", 700, "p-0", "p-699"),
        ("/api/v1/namespaces/b/pods", 400, "p-300", "p-699"),
    ] {
        let (mut names, mut target) = (Vec::new(), format!("{path}?limit=250"));
        loop {
            let (status, list) = ask(&server, &target, "");
            assert_eq!((status, &list["kind"]), (200, &json!("PodList")));
            let items = list["items"].as_array().unwrap();
            names.extend(items.iter().map(|item| item["metadata"]["name"].clone()));
            let metadata = &list["metadata"];
            let Some(next) = metadata["continue"].as_str() else {
                assert!(metadata["remainingItemCount"].is_null());
                break;
            };
            assert_eq!(metadata["remainingItemCount"], whole - names.len());
            target = format!("{path}?limit=250&continue={next}");
        }
        let ends = (
            names.len(),
            names[0].clone(),
            names[names.len() - 1].clone(),
        );
        assert_eq!(ends, (whole, json!(first), json!(last)), "{path}");
    }
    assert_eq!(ask(&server, "/api/v1/pods?limit=5&continue=7", "").0, 400);
}

#[test]
fn lists_are_whole_or_metadata_as_it_is_accepted() {
    let objects = vec![pod("b", "z"), pod("a", "y"), pod("b", "x")];
    let server = server(objects, everything()).start();
    let (_, list) = ask(&server, "/api/v1/pods", "application/json");
    let names: Vec<&Json> = (0..3)
        .map(|at| &list["items"][at]["metadata"]["name"])
        .collect();
    assert_eq!(names, ["y", "x", "z"], "as etcd sorts them");
    assert!(
        list["items"][0].get("kind").is_none(),
        "items of lists have no kind"
    );
    let bare = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    let (_, list) = ask(&server, "/api/v1/namespaces/b/pods", bare);
    assert_eq!(list["kind"], "PartialObjectMetadataList");
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    let first = &list["items"][0];
    assert_eq!(
        (&first["kind"], first.get("spec")),
        (&json!("PartialObjectMetadata"), None)
    );
    let (status, _) = ask(
        &server,
        "/api/v1/pods",
        "application/json;as=Table;g=meta.k8s.io;v=v1",
    );
    assert_eq!(status, 406);
    let (status, one) = ask(&server, "/api/v1/namespaces/b/pods/x", "");
    assert_eq!((status, &one["kind"]), (200, &json!("Pod")));
    let (status, refusal) = ask(&server, "/api/v1/namespaces/a/pods/x", "");
    assert_eq!(
        (status, &refusal["message"]),
        (404, &json!("pods \"x\" not found"))
    );
    let asked = server.requests();
    assert_eq!(asked[1].accept, bare);
}

#[test]
fn nothing_is_allowed_but_what_a_rule_names() {
    let words = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
    let rules = vec![
        Rule {
            verbs: words(&["list"]),
            groups: words(&[""]),
            resources: words(&["pods"]),
            ..Rule::default()
        },
        Rule {
            verbs: words(&["list"]),
            groups: words(&["apps"]),
            resources: words(&["deployments"]),
            namespace: Some("a".to_owned()),
            ..Rule::default()
        },
        Rule {
            verbs: words(&["get"]),
            paths: words(&["/api", "/apis/*"]),
            ..Rule::default()
        },
    ];
    let server = server(vec![pod("a", "x")], rules).start();
    for (target, expected) in [
        ("/api/v1/pods?limit=1", ""),
        ("/api/v1/namespaces/a/pods", ""),
        ("/apis/apps/v1/namespaces/a/deployments", ""),
        ("/api", ""),
        ("/apis/apps", ""),
        ("/apis/apps/v1", ""),
        (
            "/apis/apps/v1/deployments",
            "deployments.apps is forbidden: User \"somebody\" cannot list resource \"deployments\" in API group \"apps\" at the cluster scope",
        ),
        (
            "/api/v1/namespaces/a/pods/x",
            "pods \"x\" is forbidden: User \"somebody\" cannot get resource \"pods\" in API group \"\" in the namespace \"a\"",
        ),
        (
            "/api/v1/namespaces/a/pods/x/log",
            "pods \"x\" is forbidden: User \"somebody\" cannot get resource \"pods/log\" in API group \"\" in the namespace \"a\"",
        ),
        (
            "/api/v1/pods?watch=true",
            "pods is forbidden: User \"somebody\" cannot watch resource \"pods\" in API group \"\" at the cluster scope",
        ),
        (
            "/api/v1/namespaces/a",
            "namespaces \"a\" is forbidden: User \"somebody\" cannot get resource \"namespaces\" in API group \"\" in the namespace \"a\"",
        ),
        (
            "/apis",
            "forbidden: User \"somebody\" cannot get path \"/apis\"",
        ),
        (
            "/api/v1",
            "forbidden: User \"somebody\" cannot get path \"/api/v1\"",
        ),
    ] {
        let (status, said) = ask(&server, target, "");
        let message = said["message"].as_str().unwrap_or_default();
        assert_eq!(message, expected, "{target}: {said}");
        assert_eq!(
            status,
            if expected.is_empty() { 200 } else { 403 },
            "{target}"
        );
    }
}

#[test]
fn a_selected_name_counts_as_the_name() {
    let attributes = Attributes::of("GET", "/api/v1/nodes?fieldSelector=metadata.name%3Dn-1");
    assert_eq!(
        (attributes.verb.as_str(), attributes.name.as_str()),
        ("list", "n-1")
    );
}

const ALL_AT_ONCE: &str =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

/// Every resource that discovery tells of, as `group/version/plural`, by the documents that the server gives.
fn discovered(server: &Running) -> Vec<String> {
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Json| value.as_array().cloned().unwrap_or_default();
    let mut found = Vec::new();
    for root in ["/api", "/apis"] {
        let (_, document) = ask(server, root, ALL_AT_ONCE);
        if document["kind"] == "APIGroupDiscoveryList" {
            for group in list(&document["items"]) {
                for version in list(&group["versions"]) {
                    let resources = list(&version["resources"]).into_iter();
                    let (name, version) =
                        (text(&group["metadata"]["name"]), text(&version["version"]));
                    found.extend(
                        resources.map(|one| format!("{name}/{version}/{}", text(&one["resource"]))),
                    );
                }
            }
            continue;
        }
        let mut versions: Vec<String> = list(&document["versions"]).iter().map(text).collect();
        for group in list(&document["groups"]) {
            versions.extend(
                list(&group["versions"])
                    .iter()
                    .map(|one| text(&one["groupVersion"])),
            );
        }
        for version in versions {
            let (_, document) = ask(server, &format!("{root}/{version}"), "application/json");
            let names = list(&document["resources"])
                .into_iter()
                .map(|one| text(&one["name"]));
            let names = names.filter(|name| !name.contains('/'));
            let place = if root == "/api" {
                format!("/{version}")
            } else {
                version.clone()
            };
            found.extend(names.map(|name| format!("{place}/{name}")));
        }
    }
    found
}

#[test]
fn discovery_tells_the_same_in_every_form() {
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "ciliumnetworkpolicies.cilium.io"},
        "spec": {"group": "cilium.io", "scope": "Namespaced",
            "names": {"plural": "ciliumnetworkpolicies", "kind": "CiliumNetworkPolicy"},
            "versions": [{"name": "v2", "served": true, "storage": true}, {"name": "v1", "served": false}]}});
    let policy = json!({"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy",
        "metadata": {"name": "p", "namespace": "a"}});
    let mut told = Vec::new();
    for discovery in [Discovery::V2, Discovery::V2Beta1, Discovery::Old] {
        let mut server = server(vec![definition.clone(), policy.clone()], everything());
        server.discovery = discovery;
        let server = server.start();
        let (_, list) = ask(&server, "/apis/cilium.io/v2/ciliumnetworkpolicies", "");
        assert_eq!(list["items"][0]["kind"], "CiliumNetworkPolicy");
        told.push(discovered(&server));
        let (status, _) = ask(&server, "/apis", ALL_AT_ONCE.split(',').next().unwrap());
        assert_eq!(status, if discovery == Discovery::V2 { 200 } else { 406 });
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(told[1], told[2]);
    for resource in [
        "/v1/pods",
        "apps/v1/deployments",
        "cilium.io/v2/ciliumnetworkpolicies",
    ] {
        assert!(
            told[0].iter().any(|one| one == resource),
            "{resource}: {told:?}"
        );
    }
    assert!(!told[0].iter().any(|one| one.starts_with("cilium.io/v1")));
}

#[test]
fn what_is_not_served_is_a_missing_page() {
    let mut server = server(Vec::new(), everything());
    server.version = "v1.29.1".to_owned();
    server.unserved.insert("cronjobs.batch".to_owned());
    server.stale.push(Stale {
        group: "metrics.k8s.io",
        version: "v1beta1",
    });
    let server = server.start();
    for (target, expected) in [
        (
            "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
            404,
        ),
        ("/apis/batch/v1/cronjobs", 404),
        ("/apis/batch/v1/jobs", 200),
        ("/apis/batch/v2/jobs", 404),
        ("/apis/nobody.example/v1/things", 404),
        ("/apis/nobody.example", 404),
        ("/nothing", 404),
        ("/api/v1/namespaces/a/nodes", 404),
        ("/apis/metrics.k8s.io/v1beta1", 503),
    ] {
        let (status, said) = ask(&server, target, "");
        assert_eq!(status, expected, "{target}: {said}");
    }
    let (_, groups) = ask(&server, "/apis", ALL_AT_ONCE);
    let groups = groups["items"].as_array().unwrap();
    let stale = groups.last().unwrap();
    assert_eq!(stale["versions"][0]["freshness"], "Stale");
}

#[test]
fn a_token_expires_when_a_test_says_so() {
    let mut server = server(vec![pod("a", "x"), pod("a", "y")], everything());
    server.planned = vec![Planned::expired("/api/v1/pods?limit=1&continue", 0)];
    let server = server.start();
    let (_, list) = ask(&server, "/api/v1/pods?limit=1", "");
    let next = list["metadata"]["continue"].as_str().unwrap();
    let target = format!("/api/v1/pods?limit=1&continue={next}");
    let (status, said) = ask(&server, &target, "");
    assert_eq!((status, &said["reason"]), (410, &json!("Expired")));
    assert_eq!(ask(&server, &target, "").0, 200);
}
