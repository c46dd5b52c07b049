//! Reports in a cluster: which kind, whose node, what may take the place of what, and what a server may answer.

use std::time::{Duration, Instant};

use kubeassay_cluster::rbac::{Object, publishing};
use kubeassay_core::node_id;
use kubeassay_testkit::api_server::{ApiServer, Planned, Rule, Running};
use serde_json::{Value as Json, json};

use crate::lab::{Lab, USER, node, program};

pub(crate) const OPEN: &str =
    include_str!("../../../report/tests/schemas/openreports.io_clusterreports.yaml");
pub(crate) const POLICY: &str =
    include_str!("../../../report/tests/schemas/wgpolicyk8s.io_clusterpolicyreports.yaml");
const REPORTS: &str = "/apis/openreports.io/v1alpha1/clusterreports/";
/// What is written of the node of these tests.
const NAME: &str = "kubeassay-node-worker-1";
const KIND: &str = "clusterreport.openreports.io";

struct Said {
    code: i32,
    stdout: String,
    stderr: String,
}

/// Returns what may be done by the account that is printed for publishing.
fn printed() -> Vec<Rule> {
    let rules = publishing().into_iter().map(|permission| {
        let verbs = vec![permission.verb.to_owned()];
        match permission.object {
            Object::Resource {
                group,
                resource,
                names,
            } => Rule {
                verbs,
                groups: vec![group.to_owned()],
                resources: vec![resource.to_owned()],
                names,
                ..Rule::default()
            },
            Object::Path(path) => Rule {
                verbs,
                paths: vec![path.to_owned()],
                ..Rule::default()
            },
        }
    });
    rules.collect()
}

/// Returns a server with these definitions and a node `worker-1`, in which nothing but publishing is allowed.
fn server(lab: &Lab, definitions: &[&str]) -> ApiServer {
    let mut server = lab.server(vec![node("worker-1", 1), node("worker-2", 2)], false);
    server.rules.insert(USER.to_owned(), printed());
    let definitions = definitions.iter();
    server.objects = definitions
        .map(|text| serde_saphyr::from_str(text).unwrap())
        .collect();
    server
}

/// Returns a report of this node, made of one of the captured hosts.
pub(crate) fn report(name: &str, machine: u16, started: &str) -> Json {
    let output = program(&["scan", "-o", "json", "--root"])
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../tests/hosts/kubeadm.yaml"
        ))
        .output()
        .unwrap();
    let mut report: Json = serde_json::from_slice(&output.stdout).unwrap();
    let before = report["scanned"]["nodes"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let id = node_id(&format!("{machine:032x}")).unwrap();
    let text = report.to_string().replace(&before, &id);
    report = serde_json::from_str(&text).unwrap();
    report["scanned"]["nodes"][0]["name"] = json!(name);
    report["scanned"]["source"] = json!("live");
    report["scanned"]["started"] = json!(started);
    report
}

pub(crate) const MONDAY: &str = "2026-11-23T10:00:00Z";
pub(crate) const TUESDAY: &str = "2026-11-24T10:00:00Z";

fn publish(lab: &Lab, running: &Running, report: &Json, more: &[&str]) -> Said {
    let config = lab.kubeconfig(running.address);
    let file = lab.write("report.json", report.to_string());
    said(&[&["report", "publish", &file, "--kubeconfig", &config], more].concat())
}

fn said(arguments: &[&str]) -> Said {
    let output = program(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said {
        code: output.status.code().unwrap(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

#[test]
fn reports_are_of_the_kind_that_there_is() {
    let lab = Lab::new();
    let report = report("worker-1", 1, MONDAY);
    for (definitions, kind) in [
        (&[OPEN][..], Some("ClusterReport")),
        (&[POLICY], Some("ClusterPolicyReport")),
        (&[POLICY, OPEN], Some("ClusterReport")),
        (&[], None),
    ] {
        let running = server(&lab, definitions).start();
        let told = publish(&lab, &running, &report, &[]);
        let Some(kind) = kind else {
            assert_eq!((told.code, told.stdout.as_str()), (64, ""));
            for part in ["install", "clusterreports.openreports.io", "wgpolicyk8s.io"] {
                assert!(told.stderr.contains(part), "{}", told.stderr);
            }
            continue;
        };
        assert_eq!(told.code, 0, "{}", told.stderr);
        let objects = running.applied();
        let [object] = objects.as_slice() else {
            panic!("{objects:#?}");
        };
        assert_eq!(object["kind"], kind);
        assert_eq!(object["metadata"]["name"], NAME);
        let owner = json!([{"apiVersion": "v1", "kind": "Node", "name": "worker-1", "uid": "uid-of-worker-1"}]);
        assert_eq!(object["metadata"]["ownerReferences"], owner);
        assert_eq!(object["scope"]["name"], "worker-1");
        let fails = report["summary"]["fail"].as_u64().unwrap();
        assert!(fails > 0);
        assert_eq!(object["summary"]["fail"], fails);
        let line = told.stdout.lines().next().unwrap();
        let wanted = format!("{}.", kind.to_lowercase());
        assert!(line.starts_with(&wanted), "{line}");
        assert!(
            line.contains(&format!("{NAME} created: fail {fails}, ")),
            "{line}"
        );
        assert!(told.stderr.contains("1 written, 0 not"), "{}", told.stderr);
    }
}

/// All that is printed is asked for, and all that is asked for is printed.
#[test]
fn what_is_printed_is_what_it_takes() {
    let lab = Lab::new();
    let mut report = report("worker-1", 1, MONDAY);
    report["scanned"]["cluster"] =
        json!({"uid": "uid-of-kube-system", "server": "https://a", "version": null});
    let mut used = Vec::new();
    for definition in [OPEN, POLICY] {
        let running = server(&lab, &[definition]).start();
        let told = publish(&lab, &running, &report, &[]);
        assert_eq!(told.code, 0, "{}", told.stderr);
        for request in running.requests() {
            assert!(request.allowed, "{request:?}");
            used.push((request.method, request.path));
        }
    }
    for permission in publishing() {
        let method = match permission.verb {
            "get" => "GET",
            // Of an object that is not there yet.
            "patch" | "create" => "PATCH",
            other => panic!("{other}"),
        };
        let part = match &permission.object {
            Object::Resource { resource, .. } => format!("/{resource}/"),
            Object::Path(path) => (*path).to_owned(),
        };
        let mut used = used.iter();
        assert!(
            used.any(|(one, path)| one == method && path.contains(&part)),
            "{permission:?}"
        );
    }
    // The page itself.
    let page = said(&["manifest", "rbac", "--publish", "-n", "audit"]);
    assert_eq!((page.code, page.stderr.as_str()), (0, ""));
    assert!(!page.stdout.contains('*') && !page.stdout.contains("secrets"));
    insta::assert_snapshot!("rbac", page.stdout);
}

#[test]
fn the_same_again_changes_nothing_and_older_takes_the_place_of_nothing() {
    let lab = Lab::new();
    let running = server(&lab, &[OPEN]).start();
    let (monday, tuesday) = (
        report("worker-1", 1, MONDAY),
        report("worker-1", 1, TUESDAY),
    );
    for (report, more, code, word) in [
        (&monday, &[][..], 0, "created"),
        (&monday, &[], 0, "unchanged"),
        (&tuesday, &["--dry-run=server"], 0, "(server dry run)"),
        (&tuesday, &[], 0, "updated"),
        (
            &monday,
            &[],
            1,
            "is of a later scan (2026-11-24T10:00:00Z, this one of 2026-11-23T10:00:00Z)",
        ),
        (&tuesday, &[], 0, "unchanged"),
        (&monday, &["--accept", "older"], 0, "updated"),
    ] {
        let told = publish(&lab, &running, report, more);
        let all = format!("{}{}", told.stdout, told.stderr);
        assert!(
            told.code == code && all.contains(word),
            "{code} {word}: {all}"
        );
    }
    assert_eq!(running.applied().len(), 1);
}

#[test]
fn a_report_goes_to_the_node_that_was_scanned_and_to_no_other() {
    let lab = Lab::new();
    let with_uid = |uid: &str| {
        let mut report = report("worker-1", 1, MONDAY);
        report["scanned"]["nodes"][0]["uid"] = json!(uid);
        report
    };
    let mut nameless = report("worker-1", 1, MONDAY);
    let text = nameless.to_string();
    let id = nameless["scanned"]["nodes"][0]["id"].as_str().unwrap();
    nameless = serde_json::from_str(&text.replace(id, "worker-1")).unwrap();
    for (report, more, owned, part) in [
        (
            report("worker-1", 1, MONDAY),
            &[][..],
            Some(true),
            "created",
        ),
        (nameless, &[], Some(true), "created"),
        (with_uid("uid-of-worker-1"), &[], Some(true), "created"),
        (with_uid("another"), &[], None, "is another machine"),
        (
            report("worker-1", 2, MONDAY),
            &[],
            None,
            "is another machine",
        ),
        (
            report("worker-1", 2, MONDAY),
            &["--accept", "node"],
            Some(false),
            "created",
        ),
        (
            report("worker-9", 9, MONDAY),
            &[],
            None,
            "has no node called worker-9",
        ),
        (
            report("worker-9", 9, MONDAY),
            &["--accept", "node"],
            Some(false),
            "created",
        ),
        (
            report("ip-10-0-0-1", 2, MONDAY),
            &["--node", "worker-2"],
            Some(true),
            "created",
        ),
        (
            report("ip-10-0-0-1", 2, MONDAY),
            &["--node", "worker-1"],
            None,
            "is another machine",
        ),
        (
            report("../secrets\u{202e}", 2, MONDAY),
            &[],
            None,
            "is no node's name",
        ),
        (
            report("../secrets\u{202e}", 2, MONDAY),
            &["--accept", "node"],
            Some(false),
            "kubeassay-host-secrets-",
        ),
    ] {
        let running = server(&lab, &[OPEN]).start();
        let told = publish(&lab, &running, &report, more);
        let all = format!("{}{}", told.stdout, told.stderr);
        assert!(all.contains(part), "{part}: {all}");
        assert_eq!(told.code, i32::from(owned.is_none()), "{all}");
        let objects = running.applied();
        let found = objects
            .first()
            .map(|one| one["metadata"]["ownerReferences"].is_array());
        assert_eq!(found, owned, "{part}");
        assert!(running.requests().iter().all(|one| one.allowed));
    }
}

#[test]
fn what_is_nobodys_node_is_not_published() {
    let lab = Lab::new();
    let running = server(&lab, &[OPEN]).start();
    let of = |change: &dyn Fn(&mut Json)| {
        let mut report = report("worker-1", 1, MONDAY);
        change(&mut report);
        report
    };
    let captured = of(&|report| report["scanned"]["source"] = json!("captured"));
    let demo = of(&|report| report["scanned"]["source"] = json!("demo"));
    let elsewhere = of(&|report| {
        report["scanned"]["cluster"] =
            json!({"uid": "another", "server": "https://a", "version": null});
    });
    for (report, more, part) in [
        (&captured, &[][..], "--accept captured"),
        (&demo, &[], "demonstration"),
        (&demo, &["--accept", "captured"], "demonstration"),
        (
            &elsewhere,
            &[],
            "is of another cluster (kube-system has the UID another there, here uid-of-kube-system)",
        ),
        (&elsewhere, &["--accept", "node"], "another cluster"),
    ] {
        let told = publish(&lab, &running, report, more);
        assert_eq!(told.code, 64, "{part}");
        assert!(told.stderr.contains(part), "{}", told.stderr);
    }
    let lines = program(&["render", "-o", "jsonl"])
        .arg(lab.at("report.json"))
        .output()
        .unwrap();
    let lines = String::from_utf8(lines.stdout).unwrap();
    let cut = lines.lines().take(9).collect::<Vec<_>>().join("\n");
    let (cut, config) = (lab.write("cut.jsonl", cut), lab.kubeconfig(running.address));
    let told = said(&["report", "publish", &cut, "--kubeconfig", &config]);
    assert!(
        told.code == 64 && told.stderr.contains("was cut off"),
        "{}",
        told.stderr
    );
    assert!(running.applied().is_empty());
    let told = publish(&lab, &running, &captured, &["--accept", "captured"]);
    assert_eq!(told.code, 0, "{}", told.stderr);
    let objects = running.applied();
    assert_eq!(
        objects[0]["metadata"]["annotations"]["kubeassay/source"],
        "captured"
    );
}

#[test]
fn what_somebody_else_wrote_stays() {
    let lab = Lab::new();
    for annotations in [
        json!(null),
        json!({"kubeassay/scanned-at": "soon"}),
        json!({"kubeassay/scanned-at": null}),
    ] {
        let running = server(&lab, &[OPEN]).start();
        let theirs = json!({"apiVersion": "openreports.io/v1alpha1", "kind": "ClusterReport",
            "metadata": {"name": NAME, "resourceVersion": "7", "annotations": annotations}});
        running.put(theirs.clone(), "openreports.io", "clusterreports");
        let told = publish(
            &lab,
            &running,
            &report("worker-1", 1, MONDAY),
            &["--accept", "older"],
        );
        assert_eq!(told.code, 1);
        let part = format!("kubectl delete clusterreports.openreports.io {NAME}");
        assert!(told.stderr.contains(&part), "{}", told.stderr);
        assert_eq!(running.applied(), [theirs]);
    }
}

#[test]
fn whatever_the_server_answers_is_said_with_its_mend() {
    const PATCH: &str = "/apis/openreports.io/v1alpha1/clusterreports/kubeassay-node-worker-1?";
    let lab = Lab::new();
    let report = report("worker-1", 1, MONDAY);
    let times = |path, status, times| Planned {
        times,
        ..Planned::once(path, status)
    };
    for (planned, code, part) in [
        // What passes by.
        (times(PATCH, 409, 2), 0, "created"),
        (times(PATCH, 500, 2), 0, "created"),
        (times(PATCH, 0, 1), 0, "created"),
        (
            Planned {
                head: "Retry-After: 2\r\n",
                ..Planned::once(PATCH, 429)
            },
            0,
            "created",
        ),
        (times(REPORTS, 503, 1), 0, "created"),
        (times("/apis/openreports.io/v1alpha1", 429, 1), 0, "created"),
        (times("/api/v1/nodes/worker-1", 504, 1), 0, "created"),
        // What does not.
        (times(PATCH, 409, 100), 1, "(409)"),
        (times(PATCH, 413, 1), 1, "no object of this size (413"),
        (times(PATCH, 422, 1), 1, "(422)"),
        (times(PATCH, 404, 1), 1, "(404)"),
        (times(PATCH, 500, 100), 1, "(500)"),
        (
            times(PATCH, 429, 100),
            1,
            "too busy to patch clusterreports.openreports.io (429)",
        ),
        (times(PATCH, 307, 1), 1, "redirect (307)"),
        (
            Planned {
                body: "{".to_owned(),
                ..Planned::once(PATCH, 200)
            },
            1,
            "is not understood",
        ),
        (
            times(REPORTS, 403, 1),
            1,
            "may not get clusterreports.openreports.io (403)",
        ),
        (
            times(PATCH, 403, 1),
            1,
            "may not patch clusterreports.openreports.io (403)",
        ),
        (
            times("/api/v1/nodes/worker-1", 403, 1),
            1,
            "may not get nodes (403)",
        ),
        (
            times("/apis/openreports.io/v1alpha1", 403, 1),
            64,
            "manifest rbac --publish",
        ),
        (
            times("/apis/openreports.io/v1alpha1", 500, 100),
            64,
            "(500)",
        ),
    ] {
        let mut server = server(&lab, &[OPEN]);
        let waits = planned.head.contains("Retry-After");
        let told = format!("{planned:?}");
        server.planned.push(planned);
        let running = server.start();
        let begun = Instant::now();
        let said = publish(&lab, &running, &report, &[]);
        let all = format!("{}{}", said.stdout, said.stderr);
        assert!(
            said.code == code && all.contains(part),
            "{told}: {code}: {all}"
        );
        if part.contains("(403)") {
            assert!(
                all.contains("`kubeassay manifest rbac --publish` prints what to grant"),
                "{all}"
            );
        }
        assert!(
            !waits || begun.elapsed() >= Duration::from_secs(2),
            "{told}"
        );
        let patches = running.requests();
        let patches = patches.iter().filter(|one| one.method == "PATCH").count();
        assert!(patches <= 5, "{told}: {patches}");
    }
}

/// Each right that is missing is named, and nothing is tried that would fare no better.
#[test]
fn a_missing_right_is_named_once() {
    let lab = Lab::new();
    let nodes: Vec<_> = (0..100)
        .map(|number| node(&format!("n-{number}"), number))
        .collect();
    let mut report = report("n-0", 0, MONDAY);
    let first = report["scanned"]["nodes"][0].clone();
    let nodes_of: Vec<Json> = (0..100_u16)
        .map(|number| {
            let mut node = first.clone();
            node["name"] = json!(format!("n-{number}"));
            node["id"] = json!(node_id(&format!("{number:032x}")).unwrap());
            node
        })
        .collect();
    report["scanned"]["nodes"] = json!(nodes_of);
    for (verb, group, part) in [
        ("get", "", "may not get nodes (403)"),
        (
            "get",
            "openreports.io",
            "may not get clusterreports.openreports.io (403)",
        ),
        (
            "patch",
            "openreports.io",
            "may not patch clusterreports.openreports.io (403)",
        ),
        ("create", "openreports.io", "cannot create resource"),
    ] {
        let mut server = server(&lab, &[OPEN]);
        server.nodes.clone_from(&nodes);
        let mut rules = printed();
        rules.retain(|rule| rule.verbs != [verb] || rule.groups != [group]);
        server.rules.insert(USER.to_owned(), rules);
        let running = server.start();
        let told = publish(&lab, &running, &report, &[]);
        assert_eq!(told.code, 1, "{}", told.stderr);
        assert!(told.stderr.contains(part), "{}", told.stderr);
        assert!(
            told.stderr.contains("what comes behind was not tried"),
            "{}",
            told.stderr
        );
        assert!(running.applied().is_empty());
        assert!(
            running.requests().len() < 100,
            "{}",
            running.requests().len()
        );
    }
    let running = {
        let mut server = server(&lab, &[OPEN]);
        server.nodes = nodes;
        server.start()
    };
    let told = publish(&lab, &running, &report, &[]);
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert_eq!(
        (running.applied().len(), told.stdout.lines().count()),
        (100, 100)
    );
    assert!(running.connections() <= 20, "{}", running.connections());
}

#[test]
fn a_dry_run_writes_nothing() {
    let lab = Lab::new();
    let running = server(&lab, &[OPEN]).start();
    let report = report("worker-1", 1, MONDAY);
    let told = publish(&lab, &running, &report, &["--dry-run=server"]);
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert!(
        told.stdout
            .contains(&format!("{KIND}/{NAME} created (server dry run)")),
        "{}",
        told.stdout
    );
    assert!(running.applied().is_empty());
    let asked = running.requests().len();
    let told = publish(&lab, &running, &report, &["--dry-run=client"]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""));
    let object: Json = serde_saphyr::from_str(told.stdout.trim_start_matches("---\n")).unwrap();
    assert_eq!(object["metadata"]["name"], NAME);
    assert_eq!(running.requests().len(), asked);
    // Even the demonstration may be looked at, and without any cluster.
    let demo = program(&["scan", "--demo", "-o", "json"]).output().unwrap();
    let demo = lab.write("demo.json", demo.stdout);
    let told = said(&["report", "publish", &demo, "--dry-run=client"]);
    assert!(
        told.code == 0 && told.stdout.contains("kubeassay/source: demo"),
        "{}",
        told.stderr
    );
}

#[test]
fn several_reports_are_one_and_the_later_scan_of_a_node_counts() {
    let lab = Lab::new();
    let running = server(&lab, &[OPEN]).start();
    let config = lab.kubeconfig(running.address);
    let files = [
        ("a.json", report("worker-1", 1, TUESDAY)),
        ("b.json", report("worker-1", 1, MONDAY)),
        ("c.json", report("worker-2", 2, MONDAY)),
    ]
    .map(|(name, report)| lab.write(name, report.to_string()));
    let [a, b, c] = &files;
    let told = said(&["report", "publish", a, b, c, "--kubeconfig", &config]);
    assert_eq!(told.code, 0, "{}", told.stderr);
    let times: Vec<Json> = running
        .applied()
        .iter()
        .map(|one| one["metadata"]["annotations"]["kubeassay/scanned-at"].clone())
        .collect();
    assert_eq!(times, [TUESDAY, MONDAY]);
    let told = said(&[
        "report",
        "publish",
        a,
        c,
        "--node",
        "worker-1",
        "--kubeconfig",
        &config,
    ]);
    assert!(
        told.code == 64 && told.stderr.contains("--node is for the report of one node"),
        "{}",
        told.stderr
    );
}

#[test]
fn what_cannot_be_used_is_a_usage_error() {
    let lab = Lab::new();
    let file = lab.write("report.json", report("worker-1", 1, MONDAY).to_string());
    for (arguments, part) in [
        (&["report"][..], "publish"),
        (&["report", "publish"], "REPORT"),
        (
            &["report", "publish", "/nonexistent"],
            "cannot read /nonexistent",
        ),
        (&["report", "publish", &file], "--kubeconfig"),
        (
            &["report", "publish", &file, "--kubeconfig", "/nonexistent"],
            "/nonexistent",
        ),
        (&["report", "publish", &file, "--dry-run=maybe"], "client"),
        (&["report", "publish", &file, "--accept", "all"], "captured"),
        (&["manifest", "rbac", "--publish", "--fix"], "--fix"),
    ] {
        let told = said(arguments);
        assert!(
            told.code == 64 && told.stderr.contains(part),
            "{arguments:?}: {}",
            told.stderr
        );
    }
}
