//! Plans of captured hosts.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use kubeassay_core::plan::Plan;
use serde_json::Value as Json;
use tempfile::TempDir;

use super::{host, run};

fn plan_of(name: &str, more: &[&str]) -> (i32, String) {
    let root = host(name);
    let (code, stdout, stderr) = run(&[&["fix", "--root", &root], more].concat());
    assert_eq!(stderr, "", "{name}");
    (code, stdout)
}

/// A plan says what changes, what does not, and why.
#[test]
fn plans_are_shown_like_this() {
    for name in ["demo", "kubelet-stopped", "k3s", "denied-reads"] {
        let (code, plan) = plan_of(name, &["4.2.2", "4.2.5", "4.2.9", "4.2.13"]);
        assert_eq!(code, 0, "{name}");
        insta::assert_snapshot!(format!("plan_{name}"), plan);
    }
}

/// Nobody is sent to a file that their platform does not have, or writes itself.
#[test]
fn plans_say_what_the_platform_wants() {
    let folder = TempDir::new().unwrap();
    let k3s = folder.path().join("k3s.yaml");
    let captured = fs::read_to_string(host("k3s")).unwrap();
    let given = "  /etc/rancher/k3s/config.yaml: {text: \"kube-apiserver-arg:\\n- anonymous-auth=true\\n\", modified: 2026-11-20T05:00:00Z}\n";
    fs::write(&k3s, captured + given).unwrap();
    let k3s = k3s.to_string_lossy();
    for (root, rule, said) in [
        (
            &*k3s,
            "1.2.1",
            "`kube-apiserver-arg` in /etc/rancher/k3s/config.yaml",
        ),
        (&k3s, "1.2.18", "`systemctl restart k3s.service`"),
        (&k3s, "4.2.13", "- \"pod-max-pids=4096\""),
        (&host("rke2"), "4.2.13", "/etc/rancher/rke2/config.yaml"),
        (&host("rke2"), "4.2.14", "/etc/rancher/rke2/kubelet.yaml"),
        (
            &host("eks-al2023"),
            "4.2.13",
            "`spec.kubelet.config` of the NodeConfig",
        ),
        (&host("eks-al2023"), "4.2.14", "seccompDefault: true"),
        (&host("openshift"), "4.2.14", "kind: KubeletConfig"),
        (&host("microshift"), "4.2.14", "/etc/microshift/config.d"),
        (
            &host("microshift"),
            "1.2.18",
            "below `apiServer` in /etc/microshift/config.yaml",
        ),
        (
            &host("kubeadm-control-plane"),
            "1.2.1",
            "/etc/kubernetes/manifests/kube-apiserver.yaml",
        ),
    ] {
        let (code, plan, stderr) = run(&["fix", "--root", root, rule]);
        assert_eq!((code, stderr.as_str()), (0, ""), "{root} {rule}");
        // Long lines are folded.
        let plan = plan.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(plan.contains(said), "{root} {rule}: {plan}");
        assert!(
            !plan.contains("the file that --config names"),
            "{root} {rule}"
        );
    }
}

#[test]
fn captured_hosts_have_plans_for_what_can_be_mended() {
    let nothing = "Nothing to do: what was asked for holds, or does not concern this node";
    for (name, rule, said) in [
        (
            "demo",
            "4.2.2",
            "Plan: 1 to mend, 1 file to change, 1 service to restart",
        ),
        ("kubeadm", "4.2.2", nothing),
        (
            "kubeadm",
            "4.2.13",
            "Plan: 1 to mend, 1 file to change, 1 service to restart",
        ),
        ("kubeadm", "4.2.9", "Nothing to change; 1 not fixable"),
        (
            "kubelet-stopped",
            "4.2.13",
            "Plan: 1 to mend, 1 file to change",
        ),
        (
            "unit-edited",
            "4.2.2",
            "Plan: 1 to mend, 1 file to change, 1 service to restart",
        ),
        ("unit-masked", "4.2.13", "Nothing to change; 1 not fixable"),
        ("no-config", "4.2.2", "Nothing to change; 1 not fixable"),
        ("k3s", "4.2.2", nothing),
        ("k3s", "4.2.13", "Nothing to change; 1 not fixable"),
        ("denied-reads", "4.2.2", "Nothing to change; 1 not fixable"),
        ("impostor-in-pod", "4.2.2", nothing),
        ("no-kubernetes", "4.2.2", nothing),
    ] {
        let (code, plan) = plan_of(name, &[rule]);
        let last = plan.trim_end().rsplit("\n\n").next().unwrap();
        let last = last.replace("\n  ", " ");
        let found = last.split("; blocked by: ").next().unwrap();
        assert_eq!((code, found), (0, said), "{name} {rule}");
    }
}

#[test]
fn the_exit_code_says_whether_there_are_changes_where_that_is_asked() {
    for (name, rule, detailed, code) in [
        ("demo", "4.2.2", true, 2),
        ("demo", "4.2.2", false, 0),
        // It passes.
        ("kubeadm", "4.2.2", true, 0),
        // It fails, and a person has to decide.
        ("kubeadm", "4.2.9", true, 0),
        ("kubeadm", "--all", true, 2),
        ("no-kubernetes", "--all", true, 0),
    ] {
        let flag = if detailed {
            &["--detailed-exitcode"][..]
        } else {
            &[]
        };
        for format in ["table", "json", "yaml"] {
            let more = [&[rule, "-o", format], flag].concat();
            assert_eq!(plan_of(name, &more).0, code, "{name} {rule} {format}");
        }
    }
}

/// What a scan with these choices fails a plan with them mends, or says why it does not; and whoever applies it judges by
/// them too.
#[test]
fn what_the_site_decided_counts_for_plans() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("site.yaml");
    let file = file.to_str().unwrap();
    let judged = |name: &str, choices: &str| {
        fs::write(file, choices).unwrap();
        let more = ["--choices", file, "-o", "json", "4.2.13"];
        let plan: Json = serde_json::from_str(&plan_of(name, &more).1).unwrap();
        let root = host(name);
        let scan = [
            &[
                "scan",
                "--root",
                &root,
                "--choices",
                file,
                "--fail-on",
                "never",
            ],
            &["-o", "json", "4.2.13"][..],
        ];
        let report: Json = serde_json::from_str(&run(&scan.concat()).1).unwrap();
        let verdict = report["findings"][0]["verdict"]
            .as_str()
            .unwrap()
            .to_owned();
        (plan, verdict)
    };
    for (choices, verdict, fixes, unfixed) in [
        ("choices: {}", "fail", 1, ""),
        ("choices: {4.2.13: {maximum: 4096}}", "fail", 1, ""),
        // No limit that the page would set is low enough for this site.
        (
            "choices: {4.2.13: {maximum: 1000}}",
            "fail",
            0,
            "would still not pass",
        ),
    ] {
        let (plan, scanned) = judged("kubeadm", choices);
        assert_eq!(scanned, verdict, "{choices}");
        assert_eq!(plan["fixes"].as_array().unwrap().len(), fixes, "{choices}");
        let reason = plan["unfixed"][0]["reason"].as_str().unwrap_or_default();
        assert!(reason.contains(unfixed), "{choices}: {reason}");
        let kept = &plan["request"]["choices"]["kubelet-pod-pids-limit"]["maximum"];
        let given = choices
            .split("maximum: ")
            .nth(1)
            .map(|rest| rest.trim_end_matches('}'));
        assert_eq!(
            kept.as_i64().map(|most| most.to_string()).as_deref(),
            given,
            "{choices}"
        );
    }
}

#[test]
fn colour_adds_nothing_to_the_words() {
    let (_, plain) = plan_of("demo", &["--all"]);
    let (_, coloured) = plan_of("demo", &["--all", "--color", "always"]);
    assert!(
        coloured.contains("\u{1b}[32m+  mode: Webhook\u{1b}[0m\n"),
        "{coloured}"
    );
    assert!(!plain.contains('\u{1b}'));
    let words = |text: &str| {
        let mut words = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('\u{1b}') {
            words.push_str(before);
            rest = after.split_once('m').unwrap().1;
        }
        words + rest
    };
    assert_eq!(words(&coloured), plain);
}

#[test]
fn a_plan_that_is_kept_is_a_file_of_its_owners() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("node.plan");
    let path = file.to_str().unwrap();
    let arguments = [
        "fix",
        "--all",
        "--root",
        &host("no-config"),
        "--output-file",
        path,
    ];
    let (code, stdout, stderr) = run(&arguments);
    assert_eq!((code, stdout.as_str()), (0, ""), "{stderr}");
    assert!(stderr.starts_with("Plan for node-2"), "{stderr}");
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    let plan: Plan = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(plan.node.name, "node-2");
    // Quiet, it says nothing; and the file is replaced.
    let (code, stdout, stderr) = run(&[&arguments[..], &["--quiet"]].concat());
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (0, "", ""));
}

#[test]
fn every_format_is_the_same_plan() {
    let root = host("no-config");
    let plan = |format: &str| {
        let (code, stdout, stderr) = run(&["fix", "--all", "--root", &root, "-o", format]);
        assert_eq!((code, stderr.as_str()), (0, ""));
        stdout
    };
    let json: Json = serde_json::from_str(&plan("json")).unwrap();
    let yaml: Json = serde_saphyr::from_str(&plan("yaml")).unwrap();
    assert_eq!(json, yaml);
    assert_eq!(json["schema"], "kubeassay.plan/v1");
}

#[test]
fn facts_are_planned_for_elsewhere_one_node_at_a_time() {
    let folder = TempDir::new().unwrap();
    let facts = folder.path().join("facts.json");
    let path = facts.to_str().unwrap();
    let root = host("no-config");
    let (code, ..) = run(&["collect", "--root", &root, "--output-file", path]);
    assert_eq!(code, 0);
    let plan = |more: &[&str]| {
        let (code, stdout, stderr) = run(&[&["fix", "--all", "-o", "json"], more].concat());
        assert_eq!((code, stderr.as_str()), (0, ""));
        serde_json::from_str::<Json>(&stdout).unwrap()
    };
    assert_eq!(plan(&["--facts", path]), plan(&["--root", &root]));
    let (code, stdout, stderr) = run(&["fix", "--all", "--facts", path, path]);
    assert_eq!((code, stdout.as_str()), (64, ""));
    assert!(stderr.contains("a plan is for one node"), "{stderr}");
}
