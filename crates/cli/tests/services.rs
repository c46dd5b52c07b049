//! What the next start of services makes of components, on a control plane that was set up by hand.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may start a program and end where something is not as it should be"
)]

use std::path::Path;
use std::process::Command;

use assert_cmd::cargo::CommandCargoExt as _;
use serde_json::Value as Json;

fn by_hand() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/hosts");
    std::fs::read_to_string(folder.join("by-hand.yaml")).unwrap()
}

fn run(host: &str, arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("host.yaml");
    std::fs::write(&path, host).unwrap();
    let mut command = Command::cargo_bin("kubeassay").unwrap();
    command.args(arguments).arg("--root").arg(&path);
    let output = command.output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let shown = path.to_str().unwrap();
    stdout.replace(shown, "by-hand.yaml")
}

/// Returns what is said of one rule: `horizon unit verdict path:line`, with `-` for what is not there.
fn said(host: &str, rule: &str) -> (Vec<String>, Json) {
    let stdout = run(host, &["scan", rule, "-o", "json"]);
    let report: Json = serde_json::from_str(&stdout).expect(&stdout);
    let findings = report["findings"].as_array().unwrap().iter();
    let text = |value: &Json| value.as_str().unwrap_or("-").to_owned();
    let said = findings.map(|finding| {
        let (horizon, verdict) = (text(&finding["horizon"]), text(&finding["verdict"]));
        let unit = text(&finding["subject"]["unit"]);
        let origin = &finding["evidence"][0]["origin"];
        let place = match (origin["path"].as_str(), origin["line"].as_u64()) {
            (Some(path), Some(line)) => format!("{path}:{line}"),
            _ => "-".to_owned(),
        };
        format!("{horizon} {unit} {verdict} {place}")
    });
    (said.collect(), report["findings"].clone())
}

const MODES: &str = "apiserver-authorization-not-always-allow";
const UNIT: &str = "/etc/systemd/system/kube-apiserver.service";

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn the_next_start_of_each_component_is_what_its_service_will_start() {
    let host = by_hand();
    let etcd = "/etc/etcd.env:5";
    let unit = format!("  {UNIT}:");
    let add = |more: &str| format!("{host}{more}");
    let change = |from: &str, to: &str| {
        assert!(host.contains(from), "{from}");
        host.replace(from, to)
    };
    // All lines of the API server's own process stay as they are.
    let (before, after) = host.split_once(&unit).unwrap();
    let of_unit = |from: &str, to: &str| {
        assert!(after.contains(from), "{from}");
        format!("{before}{unit}{}", after.replacen(from, to, 1))
    };
    let running = "running kube-apiserver.service pass -";
    let proxy = "kube-proxy-metrics-bind-address";
    for (name, host, rule, wanted, reason) in [
        (
            "an argument of the unit",
            host.clone(),
            MODES,
            vec![running.to_owned(), format!("restart kube-apiserver.service fail {UNIT}:10")],
            "",
        ),
        (
            "a drop-in that expands a variable",
            host.clone(),
            "controller-manager-profiling",
            vec![
                "running kube-controller-manager.service pass -".to_owned(),
                "restart kube-controller-manager.service fail /etc/systemd/system/kube-controller-manager.service.d/10-debug.conf:2".to_owned(),
            ],
            "",
        ),
        (
            "a variable of etcd",
            host.clone(),
            "etcd-auto-tls",
            vec![
                "running etcd.service pass -".to_owned(),
                format!("restart etcd.service fail {etcd}"),
            ],
            "",
        ),
        (
            "what changed nothing",
            host.clone(),
            "scheduler-profiling",
            vec!["running kube-scheduler.service fail -".to_owned()],
            "",
        ),
        (
            "what does not run",
            host.clone(),
            proxy,
            vec!["restart kube-proxy.service fail /var/lib/kube-proxy/kube-proxy-config.yaml:4".to_owned()],
            "",
        ),
        (
            "what does not run and is masked",
            add("  /run/systemd/system/kube-proxy.service: {link: /dev/null}\n  /dev/null: {type: character-device}\n")
                .replace("/etc/systemd/system/kube-proxy.service:", "/usr/lib/systemd/system/kube-proxy.service:"),
            proxy,
            vec!["running - not-applicable -".to_owned()],
            "nothing that was found would start one",
        ),
        (
            "another user",
            of_unit("[Service]", "[Service]\n      User=kube"),
            MODES,
            vec![running.to_owned(), format!("restart kube-apiserver.service fail {UNIT}:11")],
            "",
        ),
        (
            "a script that starts it",
            of_unit("/usr/local/bin/kube-apiserver", "/usr/local/bin/start-apiserver"),
            MODES,
            vec![running.to_owned(), "restart kube-apiserver.service unknown -".to_owned()],
            "kube-apiserver.service:5: it starts /usr/local/bin/start-apiserver",
        ),
        (
            "a shell that starts it",
            of_unit("ExecStart=/usr/local/bin/kube-apiserver", "ExecStart=/bin/sh -c 'exec kube-apiserver'"),
            MODES,
            vec![running.to_owned(), "restart kube-apiserver.service unknown -".to_owned()],
            "it starts /bin/sh",
        ),
        (
            "a script that starts the kubelet, whose own arguments are not the kubelet's",
            change("ExecStart=/usr/local/bin/kubelet", "ExecStart=/usr/local/bin/start-kubelet"),
            "kubelet-authorization-mode",
            vec![
                "running kubelet.service pass /var/lib/kubelet/kubelet-config.yaml:7".to_owned(),
                "restart kubelet.service unknown -".to_owned(),
            ],
            "kubelet.service:5: it starts /usr/local/bin/start-kubelet",
        ),
        (
            "an environment file that is not there",
            of_unit("[Service]", "[Service]\n      EnvironmentFile=/etc/gone"),
            MODES,
            vec![running.to_owned(), "restart kube-apiserver.service unknown -".to_owned()],
            "EnvironmentFile=/etc/gone is not there",
        ),
    ] {
        let (said, findings) = said(&host, rule);
        assert_eq!(said, wanted, "{name}: {findings:#}");
        let last = findings.as_array().unwrap().last().unwrap();
        assert!(last["reason"].as_str().unwrap().contains(reason), "{name}: {last:#}");
    }
}

#[test]
fn a_component_with_a_service_and_a_static_pod_is_said_to_have_both() {
    let pod = "  /etc/kubernetes/manifests/kube-apiserver.yaml:\n    text: |\n      kind: Pod\n      spec:\n        containers:\n        - name: kube-apiserver\n          command:\n          - kube-apiserver\n          - --authorization-mode=RBAC\n";
    let host = by_hand().replace(
        "      registerNode: false\n",
        "      registerNode: false\n      staticPodPath: /etc/kubernetes/manifests\n",
    );
    let (said, findings) = said(&format!("{host}{pod}"), MODES);
    let manifest = "/etc/kubernetes/manifests/kube-apiserver.yaml";
    assert_eq!(
        said,
        [
            "running kube-apiserver.service pass -".to_owned(),
            format!("restart kube-apiserver.service fail {UNIT}:10"),
            format!("restart - pass {manifest}:7"),
        ],
        "{findings:#}"
    );
    let assumed = |at: usize, what: &str| {
        let assumes = findings[at]["assumes"].as_array().unwrap();
        assert!(assumes.iter().any(|one| one == what), "{what}: {assumes:?}");
    };
    assumed(
        1,
        &format!(
            "kube-apiserver.service starts the kube-apiserver, though {manifest} would start one too"
        ),
    );
    assumed(
        2,
        &format!(
            "{manifest} starts the kube-apiserver, though kube-apiserver.service would start one too"
        ),
    );
}

#[test]
fn secrets_among_the_variables_of_etcd_are_no_facts() {
    let host = by_hand().replace(
        "      ETCD_AUTO_TLS=true\n",
        "      ETCD_AUTO_TLS=true\n      ETCD_DISCOVERY_PASSWORD=hush-hush\n      ETCD_DISCOVERY_PROXY=http://me:hush-hush@proxy\n      OTHER=hush-hush\n",
    );
    let facts = run(&host, &["collect"]);
    assert!(facts.contains("ETCD_AUTO_TLS=true"));
    assert!(!facts.contains("hush-hush"));
    assert_eq!(said(&host, "etcd-auto-tls").0.len(), 2);
}

#[test]
fn a_control_plane_by_hand_is_judged() {
    let rules = [
        MODES,
        "controller-manager-profiling",
        "etcd-auto-tls",
        "scheduler-profiling",
        "kube-proxy-metrics-bind-address",
    ];
    let host = by_hand();
    let scanned = run(&host, &[&["scan"], &rules[..]].concat());
    insta::assert_snapshot!("by_hand", scanned);
    let explained = run(&host, &["explain", "etcd.flags.autoTls"]);
    insta::assert_snapshot!("by_hand_explained", explained);
}
