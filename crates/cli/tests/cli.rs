//! The command line as its users meet it: commands, formats, exit codes, what is refused and how.

#![expect(
    clippy::disallowed_methods,
    reason = "tests start the program and look at the files it wrote"
)]
#![expect(clippy::unwrap_used, reason = "what cannot be done fails the test")]

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value as Json;

fn host(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/hosts")
        .join(format!("{name}.yaml"))
}

fn kubeassay(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("kubeassay").unwrap();
    command
        .args(arguments)
        .env_remove("NO_COLOR")
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

/// Runs a command and returns its exit code, stdout and stderr.
fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = kubeassay(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

fn scan_host(name: &str, more: &[&str]) -> (i32, String, String) {
    let path = host(name);
    run(&[&["scan", "--root", path.to_str().unwrap()], more].concat())
}

fn json(name: &str, more: &[&str]) -> (i32, Json) {
    let (code, stdout, stderr) = scan_host(name, &[&["-o", "json"], more].concat());
    let report: Json = serde_json::from_str(&stdout).unwrap();
    let gate = report.get("gate").unwrap();
    let said = format!(
        "kubeassay: exit {code}: {}\n",
        gate.get("reason").and_then(Json::as_str).unwrap()
    );
    assert_eq!(
        (stderr, gate.get("exit_code").and_then(Json::as_i64)),
        (said, Some(code.into()))
    );
    (code, report)
}

/// Verdicts of 4.2.2 as `horizon verdict cause`, and the exit code.
#[test]
fn captured_hosts_are_judged_as_they_are() {
    for (name, more, code, verdicts) in [
        ("kubeadm", &[][..], 0, &["running pass"][..]),
        ("demo", &[], 1, &["running fail"]),
        ("no-config", &[], 1, &["running fail"]),
        ("two-kubelets", &[], 1, &["running pass", "running fail"]),
        ("container-kubelet", &[], 1, &["running fail"]),
        ("denied-reads", &[], 2, &["running unknown denied"]),
        (
            "stale-config",
            &[],
            2,
            &["running unknown stale", "restart pass"],
        ),
        ("impostor-in-pod", &[], 2, &["in pod: running fail"]),
        (
            "impostor-in-pod",
            &["--include-pods"],
            1,
            &["in pod: running fail"],
        ),
        (
            "impostor-beside-real",
            &[],
            0,
            &["running pass", "in pod: running fail"],
        ),
        ("no-kubernetes", &[], 2, &[]),
        ("k3s", &[], 0, &["running pass"]),
        (
            "hidepid",
            &[],
            2,
            &["running unknown denied", "restart pass"],
        ),
        ("no-config", &["--fail-on", "never"], 0, &["running fail"]),
        (
            "denied-reads",
            &["--fail-on", "fail"],
            0,
            &["running unknown denied"],
        ),
        ("no-config", &["--fail-on", "fail"], 1, &["running fail"]),
        ("no-kubernetes", &["--fail-on", "fail"], 0, &[]),
    ] {
        let (found, report) = json(name, &[&["4.2.2"], more].concat());
        let judged: Vec<String> = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| {
                let word = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
                let in_pod = if finding["subject"]["in_pod"] == true {
                    "in pod: "
                } else {
                    ""
                };
                let line = format!(
                    "{in_pod}{} {} {}",
                    word("horizon"),
                    word("verdict"),
                    word("cause")
                );
                line.trim_end().to_owned()
            })
            .collect();
        assert_eq!(judged, verdicts, "{name} {more:?}");
        assert_eq!(found, code, "{name} {more:?}");
        assert_eq!(report["gate"]["exit_code"], code, "{name} {more:?}");
    }
}

#[test]
fn a_file_that_does_not_answer_is_blocked_and_a_time_limit_is_kept() {
    let host = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hosts/blocked-config.yaml");
    let host = host.to_str().unwrap();
    let scan = |more: &[&str]| {
        let arguments = [&["scan", "4.2.2", "-o", "json", "--root", host], more].concat();
        let (code, stdout, _) = run(&arguments);
        (code, serde_json::from_str::<Json>(&stdout).unwrap())
    };
    let (code, report) = scan(&[]);
    assert_eq!((code, &report["complete"]), (2, &Json::Bool(true)));
    assert_eq!(report["findings"][0]["cause"], "blocked");
    let (code, report) = scan(&["--timeout", "1ns"]);
    assert_eq!((code, &report["complete"]), (2, &Json::Bool(false)));
    assert_eq!(report["scanned"]["nodes"][0]["status"], "partial");
}

#[test]
fn every_format_has_the_same_exit_code() {
    for format in ["table", "wide", "json", "jsonl", "yaml"] {
        for (name, code) in [("kubeadm", 0), ("no-config", 1), ("denied-reads", 2)] {
            let (found, stdout, _) = scan_host(name, &["4.2.2", "-o", format]);
            assert_eq!(found, code, "{name} -o {format}");
            assert!(!stdout.is_empty());
        }
    }
}

#[test]
fn a_folder_with_a_recorded_proc_is_judged_like_its_file() {
    for name in ["kubeadm", "no-config", "two-kubelets", "container-kubelet"] {
        let folder = kubeassay_testkit::lay_out(name);
        let (code, stdout, _) = run(&[
            "scan",
            "4.2.2",
            "-o",
            "json",
            "--root",
            folder.path().to_str().unwrap(),
        ]);
        let folder: Json = serde_json::from_str(&stdout).unwrap();
        let (wanted, file) = json(name, &["4.2.2"]);
        let verdicts = |report: &Json| {
            let findings = report["findings"].as_array().unwrap();
            findings
                .iter()
                .map(|finding| (finding["id"].clone(), finding["verdict"].clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            (code, verdicts(&folder)),
            (wanted, verdicts(&file)),
            "{name}"
        );
    }
}

#[test]
fn facts_are_judged_elsewhere_as_the_host_was() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["kubeadm", "no-config", "denied-reads"] {
        let file = folder.path().join(format!("{name}.json"));
        let path = host(name);
        let (code, stdout, _) = run(&[
            "collect",
            "--root",
            path.to_str().unwrap(),
            "--output-file",
            file.to_str().unwrap(),
        ]);
        assert_eq!((code, stdout.as_str()), (0, ""), "{name}");
        let (code, stdout, _) = run(&["scan", "-o", "json", "--facts", file.to_str().unwrap()]);
        let judged: Json = serde_json::from_str(&stdout).unwrap();
        let (wanted, direct) = json(name, &[]);
        assert_eq!(
            (code, &judged["findings"]),
            (wanted, &direct["findings"]),
            "{name}"
        );
    }
    let (code, stdout, _) = run(&[
        "scan",
        "4.2.2",
        "-o",
        "json",
        "--facts",
        folder.path().to_str().unwrap(),
    ]);
    let fleet: Json = serde_json::from_str(&stdout).unwrap();
    assert_eq!(fleet["scanned"]["coverage"]["nodes"], 3);
    assert_eq!(code, 1);
}

#[test]
fn the_recorded_node_is_what_its_host_gives() {
    let path = host("demo");
    let (_, stdout, _) = run(&["collect", "--root", path.to_str().unwrap()]);
    let recorded =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/demo.json"))
            .unwrap();
    assert!(
        stdout == recorded,
        "src/demo.json is stale: cargo run -- collect --root tests/hosts/demo.yaml --output-file crates/cli/src/demo.json"
    );
}

#[test]
fn a_demonstration_fails_nobody_unless_asked() {
    assert_eq!(run(&["scan", "--demo"]).0, 0);
    assert_eq!(run(&["scan", "--demo", "--fail-on", "unknown"]).0, 1);
    insta::assert_snapshot!(run(&["scan", "--demo", "--color", "never"]).1);
}

#[test]
fn explanations_are_ladders() {
    let (code, stdout, _) = run(&["explain", "kubelet.authorization.mode", "--demo"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(stdout);
    // The short name of a setting works, and a rule shows its page first.
    assert_eq!(run(&["explain", "authorization.mode", "--demo"]).1, stdout);
    let (_, page, _) = run(&["explain", "4.2.2", "--demo"]);
    assert!(
        page.contains("## Description") && page.ends_with(&stdout["kubelet.auth".len()..])
            || page.contains("effective")
    );
    let (_, stdout, _) = run(&["explain", "4.2.2", "--demo", "-o", "json"]);
    let explained: Json = serde_json::from_str(&stdout).unwrap();
    assert_eq!(explained["settings"][0]["effective"], "AlwaysAllow");
}

/// What runs inside a distribution's program is explained by the program's files.
#[test]
fn what_runs_inside_is_explained_by_the_platforms_own_files() {
    let folder = tempfile::tempdir().unwrap();
    let k3s = folder.path().join("k3s.yaml");
    let plain = std::fs::read_to_string(host("k3s")).unwrap();
    let given = "  /etc/rancher/k3s/config.yaml: {text: \"kube-apiserver-arg:\\n- anonymous-auth=true\\n\", modified: 2026-11-20T05:00:00Z}\n";
    std::fs::write(&k3s, plain + given).unwrap();
    let explain = |setting: &str, path: &Path| {
        let path = path.to_string_lossy();
        let (code, stdout, _) = run(&["explain", setting, "--root", &path]);
        assert_eq!(code, 0, "{setting} {path}");
        stdout
    };
    let shown = [
        explain("apiserver.flags.anonymousAuth", &k3s),
        explain("apiserver.derived.authorizationModes", &host("microk8s")),
        explain("apiserver.flags.auditLogMaxage", &host("microshift")),
        explain("kubelet.podPidsLimit", &host("microshift")),
        explain("kubelet.authorization.mode", &host("rke2")),
    ];
    insta::assert_snapshot!("explained_inside", shown.concat());
    // A rule about another component than the kubelet has its ladders too.
    assert!(explain("1.2.1", &k3s).contains("apiserver.derived.anonymousAuth\nkube-apiserver"));
}

#[test]
fn usage_errors_say_what_to_do_and_exit_64() {
    let missing = "/nonexistent/host";
    for (arguments, said) in [
        (&["scan", "4.2.99"][..], "there is no rule `4.2.99`"),
        (
            &["scan", "kubelet-authorisation-mode", "--demo"],
            "did you mean `kubelet-authorization-mode`?",
        ),
        (&["scan", "--frobnicate"], "unexpected argument"),
        (&["scan", "-o", "xml"], "invalid value 'xml'"),
        (&["scan", "--root", missing], "/nonexistent/host"),
        (
            &["scan", "--facts", "/nonexistent.json"],
            "/nonexistent.json",
        ),
        (&["scan", "--facts", "Cargo.toml"], "is not a JSON document"),
        (
            &["scan", "--demo", "--kubernetes-version", "34"],
            "write it as 1.34 or v1.34.2",
        ),
        (
            &["scan", "--demo", "--timeout", "60"],
            "write it with its unit",
        ),
        (
            &["scan", "--demo", "--rules", "/nonexistent"],
            "/nonexistent",
        ),
        (
            &["explain", "mode", "--demo"],
            "did you mean `kubelet.authorization.mode`",
        ),
        (
            &["explain", "kubelet.authorisation.mode", "--demo"],
            "did you mean `kubelet.authorization.mode`?",
        ),
        (&["frobnicate"], "unrecognized subcommand"),
        (&[], "Usage"),
    ] {
        let (code, stdout, stderr) = run(arguments);
        assert_eq!(code, 64, "{arguments:?}");
        assert_eq!(stdout, "", "{arguments:?}");
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
    }
    assert_eq!(run(&["--help"]).0, 0);
    assert_eq!(run(&["scan", "--help"]).0, 0);
    assert!(run(&["scan", "--help"]).1.starts_with("Examples:"));
    assert_eq!(run(&["--version"]).0, 0);
}

#[test]
fn documents_of_another_kind_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (text, said) in [
        (
            r#"{"schema": "kubeassay.facts/v2"}"#,
            "has the schema kubeassay.facts/v2",
        ),
        (
            r#"{"schema": "kubeassay.report/v1"}"#,
            "make facts with kubeassay collect",
        ),
        ("{}", "has no schema"),
        (
            r#"{"schema": "kubeassay.facts/v1"}"#,
            "is not a facts document",
        ),
        ("\u{1b}[31m", "is not a JSON document"),
    ] {
        let file = folder.path().join("facts.json");
        std::fs::write(&file, text).unwrap();
        let (code, _, stderr) = run(&["scan", "--facts", file.to_str().unwrap()]);
        assert_eq!(code, 64);
        assert!(
            stderr.contains(said) && !stderr.contains('\u{1b}'),
            "{stderr}"
        );
    }
}

#[test]
fn output_files_are_private_whole_and_never_behind_a_link() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    let (code, stdout, _) = run(&[
        "scan",
        "--demo",
        "-o",
        "json",
        "--output-file",
        file.to_str().unwrap(),
    ]);
    assert_eq!((code, stdout.as_str()), (0, ""));
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    serde_json::from_slice::<Json>(&std::fs::read(&file).unwrap()).unwrap();
    let link = folder.path().join("link.json");
    symlink(&file, &link).unwrap();
    let (code, _, stderr) = run(&["scan", "--demo", "--output-file", link.to_str().unwrap()]);
    assert_eq!(code, 64);
    assert!(stderr.contains("is a symbolic link"), "{stderr}");
    let (code, _, stderr) = run(&[
        "scan",
        "--demo",
        "--output-file",
        "/nonexistent/report.json",
    ]);
    assert_eq!(code, 64);
    assert!(stderr.contains("cannot write in /nonexistent"), "{stderr}");
}

#[test]
fn what_the_node_exporter_reads_is_replaced_whole_and_open_to_it() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeassay.prom");
    let wanted = format!("prometheus={}", file.to_str().unwrap());
    let mut inodes = Vec::new();
    for _ in 0..2 {
        let (code, stdout, _) = run(&["scan", "--demo", "-o", &wanted]);
        assert_eq!((code, stdout.as_str()), (0, ""));
        let metadata = std::fs::metadata(&file).unwrap();
        // It runs as its own user, and reads whenever it is scraped: the old file or the new one.
        assert_eq!(metadata.permissions().mode() & 0o777, 0o644);
        inodes.push(metadata.ino());
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("# kubeassay: tool kubeassay"), "{text}");
        assert!(text.contains(", source demo, "), "{text}");
    }
    assert_ne!(inodes[0], inodes[1]);
    let left = std::fs::read_dir(folder.path()).unwrap();
    assert_eq!(left.count(), 1);
}

#[test]
fn colour_is_for_terminals_and_those_who_ask() {
    assert!(!run(&["scan", "--demo"]).1.contains('\u{1b}'));
    assert!(
        run(&["scan", "--demo", "--color", "always"])
            .1
            .contains('\u{1b}')
    );
    assert!(
        !run(&["scan", "--demo", "--color", "never"])
            .1
            .contains('\u{1b}')
    );
}

#[test]
fn pages_from_elsewhere_are_added_replaced_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let page = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let plain = page(
        "plain.md",
        "---\ncontrol: 4.2.2\nframework: cis-kubernetes\ntitle: A plain page\nkind: documentation\ndisable_edit: true\n---\n\n## Description\n\nBound by its number.\n",
    );
    let (code, stdout, _) = run(&["scan", "4.2.2", "--demo", "-o", "json", "--rules", &plain]);
    let report: Json = serde_json::from_str(&stdout).unwrap();
    assert_eq!(code, 0);
    assert_eq!(
        report["rules"]["added"],
        serde_json::json!(["cis-kubernetes-4.2.2"])
    );
    let verdicts: Vec<&Json> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| &finding["verdict"])
        .collect();
    assert_eq!(verdicts, ["fail", "fail"]);

    let faulty = page(
        "faulty.md",
        "---\nid: faulty\ntitle: x\ncheck: kubelet.authorisation.mode != 1\n---\n",
    );
    let (code, _, stderr) = run(&["scan", "4.2.2", "--demo", "--rules", &faulty]);
    assert_eq!(code, 0, "the others still run");
    assert!(
        stderr.contains("faulty.md:4:8") && stderr.contains("kubelet.authorization.mode"),
        "{stderr}"
    );

    let same = page(
        "kubelet-read-only-port.md",
        "---\nid: kubelet-read-only-port\nframework: cis-kubernetes\ncontrol: 4.2.4\ntitle: Ours\n---\n",
    );
    let (_, _, stderr) = run(&["scan", "4.2.4", "--demo", "--rules", &same]);
    assert!(stderr.contains("--replace-rules"), "{stderr}");
    let (_, stdout, _) = run(&[
        "scan",
        "4.2.4",
        "--demo",
        "-o",
        "json",
        "--replace-rules",
        "--rules",
        &same,
    ]);
    let report: Json = serde_json::from_str(&stdout).unwrap();
    assert_eq!(
        report["rules"]["replaced"],
        serde_json::json!(["kubelet-read-only-port"])
    );
    assert_eq!(report["findings"][0]["title"], "Ours");

    let (code, stdout, _) = run(&["rules", "lint", &faulty]);
    assert_eq!(code, 1);
    assert!(
        stdout.contains("did you mean `kubelet.authorization.mode`?"),
        "{stdout}"
    );
}

#[test]
fn bundled_rules_are_listed_shown_and_clean() {
    let (code, stdout, _) = run(&["rules", "list"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(stdout);
    let (_, shown, _) = run(&["rules", "show", "disa-stig:V-242392"]);
    assert!(shown.contains("id: kubelet-authorization-mode"));
    let (code, stdout, _) = run(&["rules", "lint", "../../rules"]);
    let pages = pages(Path::new("../../rules"));
    assert_eq!((code, stdout), (0, format!("{pages} pages, no errors\n")));
    let (_, stdout, _) = run(&["rules", "list", "-o", "json"]);
    assert_eq!(
        serde_json::from_str::<Json>(&stdout)
            .unwrap()
            .as_array()
            .unwrap()
            .len(),
        pages
    );
}

#[test]
fn a_benchmark_chooses_rules_and_numbers() {
    let (code, stdout, _) = run(&["rules", "coverage", "--benchmark", "cis-kubernetes@1.12"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!("coverage", stdout);
    // The same rule under the number of an older benchmark.
    for (benchmark, number) in [
        ("cis-kubernetes@1.8", "1.2.16"),
        ("cis-kubernetes@1.12", "1.2.15"),
    ] {
        let host = host("kubeadm-control-plane");
        let host = host.to_str().unwrap();
        let (_, stdout, _) = run(&[
            "scan",
            "apiserver-profiling",
            "--benchmark",
            benchmark,
            "--root",
            host,
            "-o",
            "json",
        ]);
        let report: Json = serde_json::from_str(&stdout).unwrap();
        assert_eq!(report["rules"]["benchmark"], benchmark);
        let finding = &report["findings"][0];
        assert_eq!(finding["controls"][0]["control"], number, "{benchmark}");
        assert_eq!(finding["verdict"], "fail");
    }
    for (benchmark, said) in [
        ("cis-kubernetes@1.9", "not in `1.9`"),
        ("cis-kubernets", "did you mean `cis-kubernetes`?"),
    ] {
        let (code, _, stderr) = run(&["scan", "--demo", "--benchmark", benchmark]);
        assert_eq!(code, 64);
        assert!(stderr.contains(said), "{stderr}");
    }
    let (code, _, stderr) = run(&["scan", "--demo", "4.2.7", "--benchmark", "cis-eks@1.8"]);
    assert_eq!(code, 64);
    assert!(
        stderr.contains("none of the rules has a number in cis-eks@1.8"),
        "{stderr}"
    );
}

#[test]
fn a_site_decides_by_a_file_or_is_told_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("site.yaml");
    let path = file.to_str().unwrap();
    let scan = |text: &str| {
        std::fs::write(&file, text).unwrap();
        run(&[
            "scan",
            "4.2.13",
            "--demo",
            "--fail-on",
            "unknown",
            "--choices",
            path,
        ])
    };
    assert_eq!(scan("choices:\n  4.2.13: {maximum: 100}\n").0, 1);
    assert_eq!(
        scan("choices:\n  kubelet-pod-pids-limit: {maximum: 9999}\n").0,
        0
    );
    for (text, said) in [
        (
            "choices:\n  4.2.13: {maximm: 1}\n",
            "did you mean `maximum`?",
        ),
        (
            "choices:\n  4.2.13: {maximum: many}\n",
            "expected an integer, found a string",
        ),
        ("choices:\n  9.9.9: {}\n", "there is no rule `9.9.9`"),
        ("waivers: []\n", "there is no key `waivers`"),
    ] {
        let (code, _, stderr) = scan(text);
        assert_eq!(code, 64, "{stderr}");
        assert!(stderr.contains(said), "{stderr}");
    }
}

/// Counts the pages below a folder.
fn pages(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let count = |path: PathBuf| {
        if path.is_dir() {
            pages(&path)
        } else {
            usize::from(path.extension().is_some_and(|extension| extension == "md"))
        }
    };
    paths.map(count).sum()
}

#[test]
fn a_version_says_what_it_knows() {
    let (code, stdout, _) = run(&["version", "-o", "json"]);
    let version: Json = serde_json::from_str(&stdout).unwrap();
    assert_eq!(code, 0);
    assert_eq!(version["kubernetes"], serde_json::json!(["1.20", "1.36"]));
}

#[test]
fn the_platforms_that_are_known_are_listed() {
    let (code, stdout, _) = run(&["version", "--platforms"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!("platforms", stdout);
    let (code, stdout, _) = run(&["version", "--platforms", "-o", "json"]);
    let platforms: Json = serde_json::from_str(&stdout).unwrap();
    assert_eq!(code, 0);
    let eks = platforms.as_array().unwrap();
    let eks = eks.iter().find(|one| one["id"] == "eks").unwrap();
    let provider = &eks["provider"];
    assert!(provider["link"].as_str().unwrap().starts_with("https://"));
    assert_eq!(provider["components"][0], "kube-apiserver");
}

/// The captured hosts that are there for their platform.
const PLATFORMS: [&str; 14] = [
    "aks",
    "bottlerocket",
    "eks-al2",
    "eks-al2023",
    "gke",
    "k0s",
    "k3s",
    "kind",
    "microk8s",
    "microshift",
    "minikube",
    "openshift",
    "rke2",
    "talos",
];

#[test]
fn the_platform_of_every_captured_host_is_told() {
    let mut told = String::new();
    for name in kubeassay_testkit::host_names() {
        let (_, report) = json(&name, &["--fail-on", "never"]);
        let distribution = &report["scanned"]["nodes"][0]["distribution"];
        let id = distribution["id"].as_str().unwrap_or("-");
        let also = &distribution["also"];
        assert!(
            also.is_null() || *also == serde_json::json!([]),
            "{name}: {also}"
        );
        let captured = kubeassay_host::CapturedHost::load(&kubeassay_testkit::host_path(&name));
        let provenance = captured.unwrap().provenance.unwrap();
        assert_eq!(provenance.platform.as_deref().unwrap_or("-"), id, "{name}");
        // No node of any platform was looked at, and every report says so.
        let documented = &distribution["documented"];
        assert!(documented.is_null() || *documented == true, "{name}");
        told = format!("{told}{name}: {id}\n");
    }
    insta::assert_snapshot!("platforms_of_hosts", told);
}

#[test]
fn a_host_of_each_platform_is_judged() {
    for name in PLATFORMS {
        let (_, stdout, _) = scan_host(name, &["4.2.1", "4.2.2", "4.2.4", "4.2.7"]);
        insta::assert_snapshot!(format!("platform_{name}"), stdout);
    }
}

#[test]
fn the_kubelet_inside_k3s_is_judged_by_what_k3s_gives_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let plain = std::fs::read_to_string(host("k3s")).unwrap();
    let config = "  /etc/rancher/k3s/config.yaml:";
    let allow = "kubelet-arg: [authorization-mode=AlwaysAllow]\\n";
    let drop_in = "apiVersion: kubelet.config.k8s.io/v1beta1\\nkind: KubeletConfiguration\\nauthorization: {mode: AlwaysAllow}\\n";
    let agent = plain.replace("/usr/local/bin/k3s server", "/usr/local/bin/k3s agent");
    let moved = plain.replace("k3s server\n", "k3s server --data-dir=/srv\n");
    for (text, more, verdict, place) in [
        (&plain, String::new(), "pass", "00-k3s-defaults.conf"),
        (
            &plain,
            format!("{config} {{text: \"{allow}\"}}\n"),
            "fail",
            "/etc/rancher/k3s/config.yaml",
        ),
        (
            &agent,
            format!("{config} {{text: \"{allow}\"}}\n"),
            "fail",
            "/etc/rancher/k3s/config.yaml",
        ),
        (
            &plain,
            format!("  /etc/rancher/k3s/config.yaml.d/9.yaml: {{text: \"{allow}\"}}\n"),
            "fail",
            "/etc/rancher/k3s/config.yaml.d/9.yaml",
        ),
        (
            &plain,
            format!(
                "  /var/lib/rancher/k3s/agent/etc/kubelet.conf.d/99.conf: {{text: \"{drop_in}\"}}\n"
            ),
            "fail",
            "99.conf",
        ),
        (
            &plain,
            format!("{config} {{text: \"\", error: denied}}\n"),
            "unknown",
            "",
        ),
        // What was written below the other folder counts for nothing.
        (&moved, String::new(), "unknown", ""),
    ] {
        let path = folder.path().join("host.yaml");
        std::fs::write(&path, format!("{text}{more}")).unwrap();
        let root = path.to_str().unwrap();
        let (_, stdout, stderr) = run(&[
            "scan",
            "4.2.2",
            "--root",
            root,
            "--kubernetes-version=1.34",
            "-o",
            "json",
        ]);
        let report: Json = serde_json::from_str(&stdout).expect(&stderr);
        let finding = &report["findings"][0];
        assert_eq!(finding["verdict"], verdict, "{more} {finding}");
        assert_eq!(finding["subject"]["component"], "kubelet");
        let origin = finding["evidence"][0]["origin"]["path"]
            .as_str()
            .unwrap_or("");
        assert!(origin.ends_with(place), "{origin} {more}");
    }
}
