//! The objects of whole clusters, read through a stand-in API server that allows what is printed and nothing else.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use kubeassay_cluster::rbac::{Object, Permission, Plan, permissions};
use kubeassay_core::facts::objects::{COUNTED, Kind, LISTS};
use kubeassay_testkit::api_server::{
    ApiServer, Discovery, Planned, Recorded, Resource, Running, Stale, nodes,
};
use kubeassay_testkit::clusters;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value as Json, json};

use crate::lab::{Lab, Scan, USER, printed, program, scan};

/// A server with a node and these objects.
fn server(lab: &Lab, objects: Vec<Json>) -> ApiServer {
    let mut server = lab.server(nodes(1), true);
    server.objects = objects;
    server
}

/// Scans the cluster.
pub(crate) fn judged(lab: &Lab, running: &Running) -> Scan {
    lab.scan_cluster(running, &["--via-proxy"])
}

/// Returns what was found: rule, subject, verdict and reason.
pub(crate) fn findings(scan: &Scan) -> Vec<[String; 4]> {
    let report = scan.report();
    let findings = report["findings"].as_array().unwrap().iter();
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    findings
        .map(|one| {
            [
                text(&one["rule"]),
                text(&one["subject"]["key"]),
                text(&one["verdict"]),
                text(&one["reason"]),
            ]
        })
        .collect()
}

fn path(request: &Recorded) -> &str {
    request.path.split('?').next().unwrap()
}

/// Whether a request is for Secrets, in whatever place.
fn asks_secrets(request: &Recorded) -> bool {
    path(request).split('/').any(|part| part == "secrets")
}

/// Every permission that reading objects takes, in a cluster of this minor.
fn of_objects(minor: u32) -> Vec<Permission> {
    let plan = |objects| Plan {
        minor,
        via_proxy: true,
        mending: false,
        objects,
    };
    let nodes = permissions(plan(false));
    let mut all = permissions(plan(true));
    all.retain(|one| !nodes.contains(one));
    all
}

/// Whether a request makes use of a permission.
fn uses(request: &Recorded, permission: &Permission) -> bool {
    let path = path(request);
    match &permission.object {
        Object::Path(granted) => match granted.strip_suffix('*') {
            Some(start) => path
                .strip_prefix(start)
                .is_some_and(|rest| !rest.is_empty()),
            None => path == *granted,
        },
        Object::Resource {
            group, resource, ..
        } => {
            let root = match *group {
                "" => "/api/".to_owned(),
                group => format!("/apis/{group}/"),
            };
            let place = permission.scope.namespace();
            let place = place.map_or(String::new(), |name| format!("/namespaces/{name}"));
            let rest = path.strip_prefix(&root);
            rest.and_then(|rest| rest.split_once('/'))
                .is_some_and(|(_, rest)| format!("/{rest}") == format!("{place}/{resource}"))
        }
    }
}

/// The printed permissions are enough, and none of them is idle.
#[test]
fn what_is_printed_is_what_is_asked() {
    for (minor, discovery) in [(36, Discovery::V2), (26, Discovery::Old)] {
        let lab = Lab::new();
        let mut server = server(&lab, clusters::careless());
        server.version = format!("v1.{minor}.2");
        server.discovery = discovery;
        server.resources.extend(COUNTED.iter().map(|one| Resource {
            group: one.group.to_owned(),
            version: one.versions[0].to_owned(),
            plural: one.resource.to_owned(),
            kind: "Some".to_owned(),
            namespaced: !one.cluster_wide,
            verbs: vec!["list".to_owned()],
            subresources: Vec::new(),
            custom: true,
        }));
        let plan = Plan {
            minor,
            via_proxy: true,
            mending: false,
            objects: true,
        };
        server.rules.insert(USER.to_owned(), printed(plan));
        let running = server.start();
        let done = judged(&lab, &running);
        assert_eq!(done.code, 1, "{}", done.stderr);
        let requests = running.requests();
        for request in &requests {
            assert!(request.allowed, "{minor}: {request:?}");
            assert!(!asks_secrets(request), "{request:?}");
        }
        for permission in of_objects(minor) {
            // Where a server serves it in no version, asking tells.
            assert!(
                requests.iter().any(|request| uses(request, &permission)),
                "{minor}: nobody made use of {permission:?}"
            );
        }
        // Where names are enough, nothing else comes.
        for request in &requests {
            let whole = LISTS
                .iter()
                .any(|it| it.path == path(request) && !it.metadata_only);
            let list = request.path.contains("limit=") && !request.path.contains("/nodes?");
            assert_eq!(
                request.accept.contains("as=PartialObjectMetadataList"),
                list && !whole,
                "{request:?}"
            );
        }
        let lists = requests.iter().map(path);
        let lists: Vec<&str> = lists
            .filter(|path| path.starts_with("/apis/apps/v1/"))
            .collect();
        let once: BTreeSet<&str> = lists.iter().copied().collect();
        let groups = usize::from(discovery == Discovery::Old);
        assert_eq!(lists.len(), once.len(), "{groups}: {lists:?}");
    }
}

/// However a server tells of its resources, the same comes of it.
#[test]
fn old_servers_are_understood_too() {
    let mut said = Vec::new();
    for discovery in [Discovery::V2, Discovery::V2Beta1, Discovery::Old] {
        let lab = Lab::new();
        let mut server = server(&lab, clusters::hardened());
        server.version = "v1.26.1".to_owned();
        server.discovery = discovery;
        // Nobody reads metrics.
        server.stale = vec![Stale {
            group: "metrics.k8s.io",
            version: "v1beta1",
        }];
        let plan = Plan {
            minor: 26,
            via_proxy: true,
            mending: false,
            objects: true,
        };
        server.rules.insert(USER.to_owned(), printed(plan));
        said.push(findings(&judged(&lab, &server.start())));
    }
    assert_eq!(said[0], said[1]);
    assert_eq!(said[0], said[2]);
    assert!(
        said[0]
            .iter()
            .any(|one| one[0] == "namespace-network-policy" || one[2] == "pass")
    );
}

#[test]
fn a_group_that_matters_and_is_not_known_is_said() {
    let lab = Lab::new();
    let mut server = server(&lab, clusters::careless());
    server.stale = vec![Stale {
        group: "projectcalico.org",
        version: "v3",
    }];
    let found = findings(&judged(&lab, &server.start()));
    let about = |one: &&[String; 4]| one[3].contains("projectcalico.org/v3") && one[2] == "unknown";
    assert!(found.iter().any(|one| about(&one)), "{found:#?}");
    // What has nothing to do with it is decided.
    assert!(found.iter().any(|one| one[2] == "fail"));
}

/// Who lacks one permission loses what depends on it, and is told which it is.
#[test]
fn each_list_that_is_refused_costs_itself() {
    let mut objects = clusters::hardened();
    // Where a level forbids something, policies make no difference.
    for object in &mut objects {
        if object["kind"] == "Namespace" && object["metadata"]["name"] == "default" {
            object["metadata"]["labels"] = json!({});
        }
    }
    let lab = Lab::new();
    let whole = findings(&judged(&lab, &server(&lab, objects.clone()).start()));
    for listing in LISTS.iter().filter(|it| it.kind != Kind::Nodes) {
        let lab = Lab::new();
        let mut server = server(&lab, objects.clone());
        let rules = server.rules.get_mut(USER).unwrap();
        rules.retain(|rule| {
            let about = rule.resources == [listing.resource] && rule.groups == [listing.group];
            !(about && rule.verbs == ["list"])
        });
        let done = judged(&lab, &server.start());
        let found = findings(&done);
        let name = match listing.group {
            "" => listing.resource.to_owned(),
            group => format!("{}.{group}", listing.resource),
        };
        let lost: Vec<&[String; 4]> = found
            .iter()
            .filter(|one| one[2] == "unknown" && one[3].contains(&format!("may not list {name}")))
            .collect();
        assert!(!lost.is_empty(), "{name}: {found:#?}");
        assert!(
            lost.iter()
                .all(|one| one[3].contains("kubeassay manifest rbac")),
            "{name}: {lost:#?}"
        );
        // Nothing else has become better or worse: what is not unknown is as it was, but for what nobody could see.
        for one in found.iter().filter(|one| one[2] == "pass") {
            let before = whole.iter().find(|it| it[..2] == one[..2]);
            assert!(
                before.is_none_or(|before| before[2] == "pass"),
                "{name}: {one:?} {before:?}"
            );
        }
    }
}

/// What is secret in objects is in nothing that comes out.
#[test]
fn nothing_secret_of_objects_is_shown() {
    const CANARY: &str = "c4n4ry-of-an-object";
    let lab = Lab::new();
    let mut objects = clusters::careless();
    let mut environments = 0;
    for object in &mut objects {
        object["metadata"]["annotations"]["note"] = json!(CANARY);
        object["metadata"]["managedFields"] = json!([{"manager": CANARY}]);
        object["status"]["message"] = json!(CANARY);
        for pointer in ["/spec/containers", "/spec/template/spec/containers"] {
            for container in object
                .pointer_mut(pointer)
                .and_then(Json::as_array_mut)
                .into_iter()
                .flatten()
            {
                let value = json!({"name": "PASSWORD", "value": CANARY});
                match container["env"].as_array_mut() {
                    Some(env) => env.push(value),
                    None => container["env"] = json!([value]),
                }
                container["args"] = json!([CANARY]);
                environments += 1;
            }
        }
    }
    assert!(environments > 10);
    for (kind, key) in [("Secret", "data"), ("ConfigMap", "data")] {
        objects.push(json!({"apiVersion": "v1", "kind": kind,
            "metadata": {"name": "site", "namespace": "default"}, key: {"password": CANARY}}));
    }
    // One that is not understood: what stands where it does not belong is not quoted.
    objects.push(json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "broken", "namespace": "shop"}, "spec": {"containers": CANARY}}));
    let running = server(&lab, objects).start();
    let config = lab.kubeconfig(running.address);
    for format in ["table", "wide", "json", "jsonl", "yaml"] {
        let arguments = [
            "--cluster",
            "--kubeconfig",
            &config,
            "--via-proxy",
            "--verbose",
            "-o",
            format,
        ];
        let done = scan(&arguments);
        assert!(done.stdout.contains("broken"), "{format}: {}", done.stdout);
        for (place, text) in [("stdout", &done.stdout), ("stderr", &done.stderr)] {
            assert!(!text.contains(CANARY), "{format}: {place}: {text}");
        }
    }
    assert!(
        running
            .requests()
            .iter()
            .all(|request| !asks_secrets(request))
    );
}

fn pods(count: usize) -> impl Iterator<Item = Json> {
    (0..count).map(|number| {
        json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": format!("p-{number}"), "namespace": "many"},
            "spec": {"containers": [{"name": "c", "image": "i", "securityContext": {"privileged": true}}]}})
    })
}

/// A namespace with 1,200 pods beside what kubeadm makes.
fn many() -> Vec<Json> {
    let mut objects = clusters::kubeadm();
    objects.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "many"}}));
    objects.extend(pods(1200));
    objects
}

/// Returns what is said of privileged pods in the namespace.
fn privileged(done: &Scan) -> (String, String) {
    let found = findings(done);
    let found: Vec<&[String; 4]> = found
        .iter()
        .filter(|one| one[1] == "namespace/many")
        .collect();
    let [one] = found.as_slice() else {
        panic!("{found:?}");
    };
    (one[2].clone(), one[3].clone())
}

fn limits(running: &Running) -> Vec<String> {
    let requests = running.requests();
    let pods = requests
        .iter()
        .filter(|request| path(request) == "/api/v1/pods");
    pods.map(|request| {
        let limit = request.path.split("limit=").nth(1).unwrap();
        let more = if limit.contains("continue") { "+" } else { "" };
        format!("{}{more}", limit.split('&').next().unwrap())
    })
    .collect()
}

#[test]
fn a_list_that_expires_or_is_too_large_is_read_all_the_same() {
    const CONTINUED: &str = "/api/v1/pods?limit=500&continue";
    let cases: [(&str, Vec<Planned>, &[&str]); 5] = [
        ("as it is", vec![], &["500", "500+", "500+"]),
        (
            "expired",
            vec![Planned::expired(CONTINUED, 1)],
            &["500", "500+", "500+", "500", "500+", "500+"],
        ),
        (
            "busy",
            vec![Planned {
                head: "Retry-After: 0\r\n",
                ..Planned::once(CONTINUED, 429)
            }],
            &["500", "500+", "500+", "500+"],
        ),
        (
            "cut off",
            vec![Planned {
                times: 2,
                ..Planned::once(CONTINUED, 0)
            }],
            &["500", "500+", "500+", "500+", "500+"],
        ),
        (
            "too large",
            vec![Planned {
                times: 1,
                status: 200,
                body: " ".repeat((32 << 20) + 1),
                ..Planned::once(CONTINUED, 200)
            }],
            &["500", "500+", "50+", "50+", "50+"],
        ),
    ];
    for (name, planned, asked) in cases {
        let lab = Lab::new();
        let mut server = server(&lab, many());
        server.planned = planned;
        let running = server.start();
        let done = lab.scan_cluster(&running, &["--via-proxy", "5.2.2"]);
        let (verdict, reason) = privileged(&done);
        assert_eq!(verdict, "fail", "{name}: {reason}");
        // None was read twice, and none was lost.
        assert!(reason.contains("(1200 pods)"), "{name}: {reason}");
        let found = limits(&running);
        assert_eq!(found[..asked.len()], *asked, "{name}: {found:?}");
    }
}

#[test]
fn a_list_that_does_not_come_to_an_end_is_unknown() {
    for (status, times, part) in [
        (410, 100, "expired"),
        (500, 100, "broke off after 500"),
        (403, 100, "may not list pods"),
    ] {
        let lab = Lab::new();
        let mut server = server(&lab, many());
        server.planned = vec![Planned {
            times,
            head: "Retry-After: 0\r\n",
            ..Planned::once("/api/v1/pods?limit=500&continue", status)
        }];
        let running = server.start();
        let done = lab.scan_cluster(&running, &["--via-proxy", "5.4.1"]);
        let (verdict, reason) = privileged(&done);
        assert_eq!(
            (verdict.as_str(), done.code),
            ("unknown", 2),
            "{status}: {reason}"
        );
        assert!(reason.contains(part), "{status}: {reason}");
        // What is there is read; nobody asks for ever.
        assert!(
            limits(&running).len() <= 12,
            "{status}: {:?}",
            limits(&running)
        );
    }
}

/// Without a rule that reads them, nobody asks for objects.
#[test]
fn objects_are_read_where_a_rule_wants_them() {
    let lab = Lab::new();
    let running = server(&lab, clusters::hardened()).start();
    lab.scan_cluster(&running, &["--via-proxy", "4.2.2"]);
    let requests = running.requests();
    assert!(
        requests
            .iter()
            .all(|request| !request.path.contains("/pods") && path(request) != "/apis"),
        "{requests:?}"
    );
}

/// A selector with a mistake in it selects nothing: that nothing of nodes fails must not look like compliance.
#[test]
fn no_node_is_no_compliance_of_nodes() {
    let lab = Lab::new();
    let mut server = lab.server(Vec::new(), true);
    server.objects = clusters::hardened();
    let running = server.start();
    for (rules, code, said) in [
        (&["5.1.7"][..], 0, "nothing fails"),
        (&["5.1.7", "4.2.2"], 2, "no node was listed"),
    ] {
        let done = lab.scan_cluster(&running, &[&["--via-proxy"], rules].concat());
        let reason = done.report()["gate"]["reason"].to_string();
        assert_eq!(done.code, code, "{rules:?}: {reason}");
        assert!(reason.contains(said), "{rules:?}: {reason}");
    }
}

#[test]
fn an_interrupted_scan_tells_what_it_has() {
    let lab = Lab::new();
    let mut server = server(&lab, clusters::careless());
    server.delay = Duration::from_millis(100);
    let running = server.start();
    let config = lab.kubeconfig(running.address);
    let arguments = [
        "scan",
        "--cluster",
        "--kubeconfig",
        &config,
        "--via-proxy",
        "-o",
        "json",
    ];
    let child = program(&arguments)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    let begun = || {
        running
            .requests()
            .iter()
            .any(|one| path(one) == "/apis/apps/v1/daemonsets")
    };
    while !begun() {
        assert!(Instant::now() < until);
        std::thread::sleep(Duration::from_millis(5));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let done = Scan {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    let report = done.report();
    assert_eq!(report["complete"], false, "{:#}", report["problems"]);
    let found = findings(&done);
    let interrupted = found
        .iter()
        .filter(|one| one[3].contains("interrupted before"));
    assert!(interrupted.count() > 3, "{found:#?}");
    // What was read by then has been judged, and fails.
    assert_eq!(done.code, 1, "{:#}", report["gate"]);
}

/// What people see of a small cluster.
#[test]
fn the_table_of_a_cluster_is_short() {
    let lab = Lab::new();
    let running = server(&lab, clusters::careless()).start();
    let config = lab.kubeconfig(running.address);
    let text = scan(&["--cluster", "--kubeconfig", &config, "--via-proxy"]).stdout;
    for part in [
        "the cluster · namespaces",
        "5.2.1   every namespace has a policy for its pods (high, 2 namespaces)",
        "default, shop: admission is []",
        "the cluster · holders of roles",
        "ServiceAccount shop/default: ",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(text.matches("FAIL     5.2.2 ").count(), 1, "{text}");
}

/// Whoever was granted what nodes take alone can leave the rest out, and then nothing of it is asked or judged.
#[test]
fn nodes_can_be_scanned_alone() {
    let lab = Lab::new();
    let mut server = server(&lab, clusters::careless());
    let plan = Plan {
        minor: 36,
        via_proxy: true,
        mending: false,
        objects: false,
    };
    server.rules.insert(USER.to_owned(), printed(plan));
    let running = server.start();
    let done = lab.scan_cluster(&running, &["--via-proxy", "--nodes-only"]);
    let requests = running.requests();
    assert!(
        requests.iter().all(|request| request.allowed),
        "{requests:?}"
    );
    let found = findings(&done);
    assert!(!found.is_empty());
    let about_objects = ["cluster", "namespace/", "role/", "holder/"];
    for one in &found {
        let object = about_objects.iter().any(|word| one[1].starts_with(word));
        assert!(!object, "{one:?}");
    }
}
