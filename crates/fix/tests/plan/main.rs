//! Plans for nodes made of a handful of files: what is edited where, what is proven, what is left as it is and why.

#![expect(
    clippy::unwrap_used,
    reason = "tests fail where something is not as it should be"
)]

mod node;
mod property;

use kubeassay_core::Verdict;
use kubeassay_core::facts::Link;
use kubeassay_core::plan::{EditKind, Plan};
use node::{Node, config, plan_of};

/// Returns a plan in a few lines: what is mended, the lines that change, what is left.
fn shown(plan: &Plan) -> String {
    let mut text = String::new();
    let mut line = |parts: &[&dyn std::fmt::Display]| {
        let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
        text.push_str(&parts.join(" "));
        text.push('\n');
    };
    for fix in &plan.fixes {
        line(&[&fix.rule, &fix.running, &fix.restart, &"->", &fix.planned]);
        for change in &fix.settings {
            line(&[&" ", &change.setting, &change.from, &"->", &change.to]);
        }
    }
    for edit in &plan.edits {
        let kind = match edit.kind {
            EditKind::Change => "change",
            EditKind::Create => "create",
        };
        line(&[&kind, &edit.path, &"=", &edit.target]);
        for hunk in &edit.hunks {
            line(&[&"  @", &hunk.line]);
            for old in &hunk.old {
                line(&[&"  -", &old]);
            }
            for new in &hunk.new {
                line(&[&"  +", &new]);
            }
        }
    }
    for restart in &plan.restarts {
        line(&[&"restart", &restart.unit]);
    }
    for unfixed in &plan.unfixed {
        line(&[&"left", &unfixed.rule, &unfixed.verdict, &unfixed.reason]);
    }
    for elsewhere in &plan.elsewhere {
        line(&[&"elsewhere", &elsewhere.manager]);
    }
    text
}

const CONFIG: &str = "/var/lib/kubelet/config.yaml";
const FLAGS: &str = "/var/lib/kubelet/kubeadm-flags.env";
const EXTRA: &str = "/etc/default/kubelet";
const DROP_IN: &str = "/etc/systemd/system/kubelet.service.d/20-site.conf";

/// One node, and the rules that are asked for.
struct Case {
    name: &'static str,
    node: Node,
    rules: &'static [&'static str],
}

fn cases() -> Vec<Case> {
    let mode = &["4.2.2"][..];
    let case = |name, rules, node| Case { name, node, rules };
    let webhook = config("Webhook");
    let always = config("AlwaysAllow");
    let with = |path: &str, text: &str| Node::kubeadm(&[(CONFIG, &webhook), (path, text)]);
    let documents = [
        ("file-yaml", config("AlwaysAllow  # for now")),
        ("file-crlf", always.replace('\n', "\r\n")),
        ("file-flow", "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nauthorization: {mode: AlwaysAllow}\n".to_owned()),
        ("file-json", r#"{"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", "authorization": {"mode": "AlwaysAllow"}, "authorization": {}}"#.to_owned()),
        ("file-duplicate-key", format!("{webhook}authorization:\n  mode: AlwaysAllow\n")),
        ("file-anchor", always.replace("AlwaysAllow", "&mode AlwaysAllow")),
        ("file-secret-beside", "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nauthorization: {mode: AlwaysAllow}  # sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa (12 bytes)\n".to_owned()),
    ];
    let mut cases: Vec<Case> = documents
        .into_iter()
        .map(|(name, text)| case(name, mode, Node::kubeadm(&[(CONFIG, &text)])))
        .collect();
    let dropped = "[Service]\nEnvironment=\"KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml --config-dir=/etc/kubernetes/kubelet.conf.d\"\n";
    let part = |text: &str| {
        format!("apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n{text}")
    };
    cases.extend([
        case("flag-of-kubeadm", mode, with(FLAGS, "KUBELET_KUBEADM_ARGS=\"--node-ip=10.0.0.1 --authorization-mode=AlwaysAllow --v=2\"\n")),
        case("flag-of-the-site-alone", mode, with(EXTRA, "# ours\nKUBELET_EXTRA_ARGS=--authorization-mode AlwaysAllow\n")),
        case("flag-twice", mode, with(EXTRA, "KUBELET_EXTRA_ARGS=--authorization-mode=AlwaysAllow --v=2 --authorization_mode=AlwaysAllow\n")),
        case("flag-in-the-unit-of-a-package", mode, with("/usr/lib/systemd/system/kubelet.service.d/20-image.conf", "[Service]\nExecStart=\nExecStart=/usr/bin/kubelet --authorization-mode=AlwaysAllow $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_EXTRA_ARGS\n")),
        case("flag-in-a-drop-in-of-the-site", mode, with(DROP_IN, "[Service]\nExecStart=\nExecStart=/usr/bin/kubelet \\\n  --authorization-mode=AlwaysAllow \\\n  $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS\n")),
        case("flag-in-a-variable-of-the-unit", mode, with(DROP_IN, "[Service]\nEnvironment=KUBELET_EXTRA_ARGS='--authorization-mode=AlwaysAllow --v=2'\n")),
        case("variable-that-is-not-expanded", mode, Node::kubeadm(&[(CONFIG, &always), (EXTRA, "KUBELET_AUTHZ_ARGS=--authorization-mode=Webhook\n")])),
        case("flag-and-file", mode, Node::kubeadm(&[(CONFIG, &always), (EXTRA, "KUBELET_EXTRA_ARGS=--authorization-mode=AlwaysAllow\n")])),
        case("drop-in-over-the-file", mode, Node::kubeadm(&[(CONFIG, &webhook), (DROP_IN, dropped), ("/etc/kubernetes/kubelet.conf.d/10.conf", &part("authorization:\n  mode: AlwaysAllow\n"))])),
        case("drop-in-of-1.28-covers-the-file", &["4.2.6"], Node::kubeadm(&[(CONFIG, &format!("{webhook}makeIPTablesUtilChains: false\n")), (DROP_IN, &format!("{dropped}Environment=KUBELET_CONFIG_DROPIN_DIR_ALPHA=1\n")), ("/etc/kubernetes/kubelet.conf.d/10.conf", &part("makeIPTablesUtilChains: false\n"))]).version("1.28")),
        case("gate-in-a-flag", &["4.2.11"], with(EXTRA, "KUBELET_EXTRA_ARGS=--feature-gates=GracefulNodeShutdown=true,RotateKubeletServerCertificate=false\n")),
        case("no-file-flag-in-place", mode, Node::bare(&[("/etc/systemd/system/kubelet.service", "[Service]\nExecStart=/usr/bin/kubelet --kubeconfig=/etc/kubernetes/kubelet.conf --client-ca-file=/etc/kubernetes/pki/ca.crt --authorization-mode=AlwaysAllow --v=2\n"), ("/etc/kubernetes/kubelet.conf", "x\n"), ("/etc/kubernetes/pki/ca.crt", "ca\n")])),
        case("no-file-flag-added", mode, Node::bare(&[("/etc/systemd/system/kubelet.service", "[Service]\nExecStart=/usr/bin/kubelet --kubeconfig=/etc/kubernetes/kubelet.conf --client-ca-file=/etc/kubernetes/pki/ca.crt\nRestart=always\n"), ("/etc/kubernetes/kubelet.conf", "x\n"), ("/etc/kubernetes/pki/ca.crt", "ca\n")])),
        case("would-not-start", mode, Node::bare(&[("/etc/systemd/system/kubelet.service", "[Service]\nExecStart=/usr/bin/kubelet --config=/etc/kubelet.yaml\n"), ("/etc/kubelet.yaml", &part("authentication: {webhook: {enabled: false}}\nauthorization: {mode: AlwaysAllow}\n"))])),
        case("stopped", mode, Node::kubeadm(&[(CONFIG, &always)]).stopped()),
        case("all-at-once", &[], Node::kubeadm(&[(CONFIG, &part("authentication:\n    anonymous:\n        enabled: true\n    x509: {clientCAFile: /etc/kubernetes/pki/ca.crt}\nauthorization:\n    mode: AlwaysAllow\nreadOnlyPort: 10255\nfeatureGates:\n    RotateKubeletServerCertificate: false\n")), (EXTRA, "KUBELET_EXTRA_ARGS=--make-iptables-util-chains=false --hostname-override=node-a\n")])),
        case("nothing-to-do", mode, Node::kubeadm(&[(CONFIG, &webhook)])),
    ]);
    cases
}

#[test]
fn a_setting_is_changed_where_the_next_start_takes_it_from() {
    for case in cases() {
        let planned = case.node.plan(case.rules);
        insta::assert_snapshot!(case.name, shown(&planned.plan));
    }
}

#[test]
fn every_planned_verdict_is_a_pass_and_no_plan_is_without_an_effect() {
    for case in cases() {
        let plan = case.node.plan(case.rules).plan;
        let passes = plan.fixes.iter().all(|fix| fix.planned == Verdict::Pass);
        assert!(passes, "{}", case.name);
        assert_eq!(plan.fixes.is_empty(), !plan.has_changes(), "{}", case.name);
    }
}

#[test]
fn a_folder_of_the_kubelet_that_is_a_link_changes_nothing_but_where_the_file_lies() {
    let flags = "KUBELET_KUBEADM_ARGS=\"--node-ip=10.0.0.1 --authorization-mode=AlwaysAllow\"\n";
    for (config, flags) in [
        (config("AlwaysAllow"), ""),
        (
            config("AlwaysAllow"),
            "KUBELET_KUBEADM_ARGS=--node-ip=10.0.0.1\n",
        ),
        (config("Webhook"), flags),
        (config("AlwaysAllow"), flags),
    ] {
        let node = Node::kubeadm(&[(CONFIG, &config), (FLAGS, flags)]);
        let plain = node.plan(&["4.2.2"]).plan;
        let mut facts = node.facts();
        let processes = facts.processes.iter_mut().map(|one| &mut one.files);
        let services = facts.services.iter_mut().map(|one| &mut one.files);
        for file in processes.chain(services).flatten() {
            if file.need.path.as_slice().starts_with(b"/var/lib/kubelet/") {
                file.links.push(Link {
                    path: "/var/lib/kubelet".into(),
                    target: "/data/kubelet".into(),
                    modified: None,
                    changed: None,
                });
            }
        }
        let linked = plan_of(&facts, "1.34", &["4.2.2"]).plan;
        let plain = shown(&plain).replace("= /var/lib/kubelet/", "= /data/kubelet/");
        assert_eq!(shown(&linked), plain);
    }
}

#[test]
fn a_kubelet_that_another_program_starts_is_left_to_that_program() {
    let node = Node::kubeadm(&[(CONFIG, &config("Webhook"))]);
    let mut facts = node.facts();
    let mut process = facts.processes.remove(0);
    process.argv.push("--authorization-mode=AlwaysAllow".into());
    process.unit = Some("rke2-server.service".into());
    facts.processes.push(process);
    facts.services.clear();
    let plan = plan_of(&facts, "1.34", &["4.2.2"]).plan;
    assert!(!plan.has_changes());
    let [unfixed] = plan.unfixed.as_slice() else {
        panic!("{plan:?}")
    };
    assert!(unfixed.reason.contains("rke2"), "{unfixed:?}");
    let paste = unfixed.instead.as_ref().unwrap();
    assert_eq!(
        paste.text,
        "kubelet-arg:\n  - \"authorization-mode=Webhook\"\n"
    );
    assert!(
        paste.into.contains("/etc/rancher/rke2/config.yaml"),
        "{paste:?}"
    );
}

#[test]
fn what_runs_with_another_value_than_its_files_say_is_only_started_again() {
    let node = Node::kubeadm(&[(CONFIG, &config("Webhook"))]);
    let mut facts = node.facts();
    facts.processes[0]
        .argv
        .push("--authorization-mode=AlwaysAllow".into());
    let plan = plan_of(&facts, "1.34", &["4.2.2"]).plan;
    assert!(plan.edits.is_empty());
    assert_eq!(plan.restarts.len(), 1);
    let [fix] = plan.fixes.as_slice() else {
        panic!("{plan:?}")
    };
    assert_eq!(
        (fix.running, fix.restart, fix.planned),
        (Verdict::Fail, Verdict::Pass, Verdict::Pass)
    );
}

#[test]
fn of_two_processes_of_one_unit_one_is_planned_for() {
    let node = Node::kubeadm(&[(CONFIG, &config("AlwaysAllow"))]);
    let mut facts = node.facts();
    let mut child = facts.processes.first().unwrap().clone();
    child.pid += 1;
    facts.processes.push(child);
    let plan = plan_of(&facts, "1.34", &["4.2.2"]).plan;
    assert_eq!((plan.edits.len(), plan.restarts.len()), (1, 1));
    let [unfixed] = plan.unfixed.as_slice() else {
        panic!("{plan:?}")
    };
    assert!(unfixed.reason.contains("plan again"), "{unfixed:?}");
}
