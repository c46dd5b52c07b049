//! Whole clusters through a stand-in API server.

use std::collections::BTreeMap;

use kubeassay_testkit::api_server::{Planned, nodes};
use kubeassay_testkit::certificates::self_signed;
use kubeassay_testkit::kubelet::Kubelet;

use crate::lab::{Lab, MODE, node, program, scan};

/// A port of 127.0.0.1 on which nobody listens.
fn unused() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn every_node_ends_in_the_report() {
    let lab = Lab::new();
    let kubelet = lab.kubelet().start();
    let distrusted = Kubelet {
        server: self_signed(&["127.0.0.1"]),
        ..lab.kubelet()
    };
    let distrusted = distrusted.start();
    let changed = |name: &str, from: &str, to: &str| {
        let (name, document) = node(name, kubelet.port);
        assert!(document.contains(from), "{document}");
        (name, document.replace(from, to))
    };
    let server = lab.server(
        vec![
            node("linux", kubelet.port),
            changed(
                "windows",
                "\"operatingSystem\":\"linux\"",
                "\"operatingSystem\":\"windows\"",
            ),
            changed(
                "virtual",
                "\"kubernetes.io/os\":\"linux\"",
                "\"type\":\"virtual-kubelet\"",
            ),
            node("gone", unused()),
            node("distrusted", distrusted.port),
        ],
        false,
    );
    let server = server.start();
    let scan = lab.scan_cluster(
        &server,
        &["4.2.2", "--min-coverage", "100%", "--fail-on", "fail"],
    );
    let report = scan.report();
    let nodes = report["scanned"]["nodes"].as_array().unwrap();
    let found: BTreeMap<&str, String> = nodes
        .iter()
        .map(|node| {
            let word = |key: &str| node[key].as_str().unwrap_or_default();
            let said = format!("{} {}", word("status"), word("cause"));
            (word("name"), said.trim_end().to_owned())
        })
        .collect();
    let expected = [
        ("linux", "scanned"),
        ("windows", "unsupported unsupported"),
        ("virtual", "unsupported unsupported"),
        ("gone", "unreachable unreachable"),
        ("distrusted", "unreachable untrusted-certificate"),
    ];
    let expected: BTreeMap<&str, String> =
        expected.map(|(name, said)| (name, said.to_owned())).into();
    assert_eq!(found, expected, "{:#}", report["scanned"]);
    assert_eq!(scan.code, 2, "{:#}", report["gate"]);
    let reason = report["gate"]["reason"].as_str().unwrap();
    assert!(reason.contains("100"), "{reason}");
    // Without the wish for coverage nothing fails.
    let lenient = lab.scan_cluster(&server, &["4.2.2", "--fail-on", "fail"]);
    assert_eq!(lenient.code, 0, "{:#}", lenient.report()["gate"]);
    // Every node is in the lines too.
    let config = lab.at("config");
    let lines =
        crate::lab::scan(&["--cluster", "--kubeconfig", &config, "4.2.2", "-o", "jsonl"]).lines();
    let kinds: Vec<&str> = lines
        .iter()
        .map(|line| line["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        (kinds[0], kinds[kinds.len() - 1]),
        ("header", "summary"),
        "{kinds:?}"
    );
    assert_eq!(
        kinds.iter().filter(|kind| **kind == "node").count(),
        5,
        "{kinds:?}"
    );
}

#[test]
fn labels_choose_the_nodes() {
    let lab = Lab::new();
    let server = lab.server(nodes(2), true).start();
    let scan = lab.scan_cluster(&server, &["--via-proxy", "-l", "pool=a,zone!=b", "4.2.2"]);
    let lists = server
        .requests()
        .into_iter()
        .filter(|request| request.path.contains("limit="));
    let lists: Vec<String> = lists.map(|request| request.path).collect();
    assert!(
        !lists.is_empty()
            && lists
                .iter()
                .all(|path| path.contains("labelSelector=pool%3Da%2Czone%21%3Db")),
        "{lists:?} {}",
        scan.stderr
    );
}

#[test]
fn the_risk_of_the_proxy_is_said_before_it_is_used() {
    let lab = Lab::new();
    let server = lab.server(nodes(3), true).start();
    let scan = lab.scan_cluster(&server, &["--via-proxy", "4.2.2"]);
    assert_eq!(scan.verdict(MODE), "pass live=pass", "{}", scan.stdout);
    assert!(
        scan.stderr
            .starts_with("warning: --via-proxy uses nodes/proxy"),
        "{}",
        scan.stderr
    );
    assert!(server.requests().iter().all(|request| request.allowed));
    // It is said even where nobody can be asked any more.
    let config = lab.at("config");
    drop(server);
    let unanswered = crate::lab::scan(&["--cluster", "--kubeconfig", &config, "--via-proxy"]);
    assert!(
        unanswered
            .stderr
            .starts_with("warning: --via-proxy uses nodes/proxy"),
        "{}",
        unanswered.stderr
    );
    assert_eq!(
        (unanswered.code, unanswered.stdout.as_str()),
        (64, ""),
        "{}",
        unanswered.stderr
    );
}

#[test]
fn a_list_that_breaks_off_makes_the_scan_incomplete() {
    for (status, times) in [(410, 100), (500, 100)] {
        let lab = Lab::new();
        let mut server = lab.server(nodes(700), true);
        server.planned = vec![Planned {
            times,
            ..Planned::once("/api/v1/nodes?limit=500&continue", status)
        }];
        let server = server.start();
        let scan = lab.scan_cluster(&server, &["--via-proxy", "4.2.2"]);
        let report = scan.report();
        assert_eq!(
            (scan.code, &report["complete"]),
            (2, &false.into()),
            "{status}: {:#}",
            report["problems"]
        );
        assert_eq!(
            report["scanned"]["nodes"].as_array().unwrap().len(),
            500,
            "{status}"
        );
        let problems = report["problems"].to_string();
        assert!(
            problems.contains("broke off after 500"),
            "{status}: {problems}"
        );
    }
}

#[test]
fn who_may_not_list_nodes_is_told_what_it_takes() {
    let lab = Lab::new();
    let mut server = lab.server(nodes(1), false);
    server.rules.clear();
    let server = server.start();
    let scan = lab.scan_cluster(&server, &[]);
    assert_eq!((scan.code, scan.stdout.as_str()), (64, ""));
    for part in ["list nodes", "403", "kubeassay manifest rbac"] {
        assert!(scan.stderr.contains(part), "{part}: {}", scan.stderr);
    }
}

#[test]
fn what_new_nodes_will_get_is_judged() {
    let lab = Lab::new();
    let mut server = lab.server(nodes(1), true);
    let text = "kind: KubeletConfiguration\napiVersion: kubelet.config.k8s.io/v1beta1\nauthorization:\n  mode: AlwaysAllow\n";
    server.kubelet_config = Some(("kubelet-config".to_owned(), text.to_owned()));
    let server = server.start();
    let scan = lab.scan_cluster(&server, &["--via-proxy", "4.2.2"]);
    let report = scan.report();
    let mut findings = report["findings"].as_array().unwrap().iter();
    let rebuild = findings.find(|finding| finding["horizon"] == "rebuild");
    let rebuild = rebuild.unwrap_or_else(|| panic!("{:#}", report["findings"]));
    assert_eq!(
        (&rebuild["verdict"], scan.code),
        (&"fail".into(), 1),
        "{rebuild:#}"
    );
    assert!(
        rebuild["assumes"].to_string().contains("flag"),
        "{rebuild:#}"
    );
    assert_eq!(scan.verdict(MODE), "pass live=pass");
}

/// Where the report goes to a file, stdout has nothing.
#[test]
fn lines_go_to_a_file() {
    let lab = Lab::new();
    let server = lab.server(nodes(20), true).start();
    let (config, file) = (lab.kubeconfig(server.address), lab.at("report.jsonl"));
    let arguments = [
        "--cluster",
        "--kubeconfig",
        &config,
        "--via-proxy",
        "-o",
        "jsonl",
        "--output-file",
        &file,
    ];
    let done = scan(&arguments);
    assert_eq!(done.stdout, "", "{}", done.stderr);
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(
        written
            .lines()
            .last()
            .unwrap()
            .contains("\"kind\":\"summary\""),
        "{written}"
    );
    assert_eq!(
        written
            .lines()
            .filter(|line| line.contains("\"kind\":\"node\""))
            .count(),
        20
    );
}

/// No terminal, no line that is written over and over.
#[test]
fn progress_is_for_terminals() {
    let lab = Lab::new();
    let server = lab.server(nodes(5), true).start();
    let config = lab.kubeconfig(server.address);
    let arguments = [
        "scan",
        "--cluster",
        "--kubeconfig",
        &config,
        "--via-proxy",
        "4.2.2",
    ];
    let output = program(&arguments).output().unwrap();
    assert!(!output.stderr.contains(&b'\r'));
    // script(1) of util-linux gives a program a terminal; what it writes to stdout goes elsewhere here.
    let quoted: Vec<String> = arguments.iter().map(|word| format!("'{word}'")).collect();
    let program = program(&[]).get_program().to_str().unwrap().to_owned();
    let command = format!("'{program}' {} > '{}'", quoted.join(" "), lab.at("report"));
    let on_terminal = std::process::Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .stdin(std::process::Stdio::null())
        .output();
    let Ok(on_terminal) = on_terminal else {
        eprintln!("skipped: there is no script(1) to give a terminal");
        return;
    };
    let said = String::from_utf8_lossy(&on_terminal.stdout).into_owned();
    assert!(said.contains("\r1 nodes of 5"), "{said:?}");
    // It is gone at the end, and the report has none of it.
    assert!(
        said.trim_end_matches('\n').ends_with("\r\u{1b}[K"),
        "{said:?}"
    );
    let report = std::fs::read_to_string(lab.path("report")).unwrap();
    assert!(
        report.contains("5 of 5 scanned") && !report.contains('\r'),
        "{report:?}"
    );
}
