//! Waivers on the command line: scanned with, checked, listed, added.

#![expect(
    clippy::disallowed_methods,
    reason = "tests start the program and look at the files it wrote"
)]
#![expect(clippy::unwrap_used, reason = "what cannot be done fails the test")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value as Json;

/// Scans of the host took place on 2026-11-20.
const FILE: &str = "\
waivers:
  - rule: 4.2.2
    scope: {subject: /var/lib/kubelet}
    observed: {kubelet.authorization.mode: AlwaysAllow}
    reason: until the old agent is gone
    owner: platform
    ticket: OPS-1183
    created: 2026-11-01
    expires: 2027-03-31
";

struct Place {
    folder: PathBuf,
}

impl Place {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("waivers-{name}"));
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(&folder).unwrap();
        Self { folder }
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.folder.join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.join(name)).unwrap()
    }

    /// Runs a command in the folder and returns its exit code, stdout and stderr.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = Command::cargo_bin("kubeassay")
            .unwrap()
            .args(arguments)
            .env_remove("NO_COLOR")
            .current_dir(&self.folder)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (
            output.status.code().unwrap(),
            text(&output.stdout),
            text(&output.stderr),
        )
    }

    fn scan(&self, host: &str, more: &[&str]) -> (i32, String, String) {
        let host =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../tests/hosts/{host}.yaml"));
        let begin = ["scan", "4.2.2", "--root", host.to_str().unwrap()];
        self.run(&[&begin[..], more].concat())
    }

    fn report(&self, host: &str, more: &[&str]) -> (i32, Json) {
        let (code, stdout, stderr) = self.scan(host, &[&["-o", "json"][..], more].concat());
        let report: Json = serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{stderr}"));
        (code, report)
    }
}

/// Returns the finding of the rule that was scanned, beside those about waivers.
fn judged(report: &Json) -> &Json {
    let findings = report["findings"].as_array().unwrap();
    let mut judged = findings
        .iter()
        .filter(|one| one["rule"] == "kubelet-authorization-mode");
    judged.next().unwrap()
}

fn rules_of(report: &Json) -> Vec<&str> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings.map(|one| one["rule"].as_str().unwrap()).collect()
}

#[test]
fn what_is_waived_keeps_its_verdict_and_says_by_whom() {
    let place = Place::new("shown");
    place.write("waivers.yaml", FILE);
    let (code, report) = place.report("demo", &["--waivers", "waivers.yaml"]);
    assert_eq!(code, 0);
    assert_eq!(rules_of(&report), ["kubelet-authorization-mode"]);
    let finding = &report["findings"][0];
    assert_eq!(finding["verdict"], "fail");
    assert_eq!(
        finding["waiver"],
        serde_json::json!({
            "reason": "until the old agent is gone", "owner": "platform", "ticket": "OPS-1183",
            "created": "2026-11-01", "expires": "2027-03-31", "origin": "waivers.yaml:2",
        })
    );
    assert_eq!(report["summary"]["waived"], 1);
    assert_eq!(report["summary"]["fail"], 0);
    for format in ["table", "wide"] {
        let (code, shown, _) = place.scan("demo", &["--waivers", "waivers.yaml", "-o", format]);
        assert_eq!(code, 0);
        insta::assert_snapshot!(format!("waived_{format}"), shown);
    }
    let host = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/hosts/demo.yaml");
    let explain = ["explain", "4.2.2", "--root", host.to_str().unwrap()];
    let (_, shown, _) = place.run(&[&explain[..], &["--waivers", "waivers.yaml"]].concat());
    let words: Vec<&str> = shown.split_whitespace().collect();
    let said = "fail kubelet-authorization-mode (running): authorization.mode is AlwaysAllow, waived by platform until 2027-03-31: until the old agent is gone (OPS-1183)";
    assert!(words.join(" ").contains(said), "{shown}");
}

#[test]
fn what_no_longer_holds_counts_again_and_is_a_finding_of_its_own() {
    let place = Place::new("counts");
    let unknown = FILE.replace("{kubelet.authorization.mode: AlwaysAllow}", "unknown");
    for (host, file, code, rules, reason) in [
        (
            "demo",
            FILE.to_owned(),
            0,
            &[][..],
            "nothing fails and nothing is unknown",
        ),
        (
            "demo",
            FILE.replace("AlwaysAllow", "AlwaysDeny"),
            1,
            &["waiver-changed"],
            "2 findings fail",
        ),
        (
            "demo",
            FILE.replace("2027-03-31", "2026-11-19"),
            1,
            &["waiver-expired"],
            "2 findings fail",
        ),
        (
            "demo",
            FILE.replace("2027-03-31", "2026-11-20"),
            0,
            &[],
            "nothing fails and nothing is unknown",
        ),
        (
            "demo",
            unknown.clone(),
            1,
            &["waiver-changed"],
            "2 findings fail",
        ),
        (
            "kubeadm",
            FILE.to_owned(),
            0,
            &["waiver-unused"],
            "nothing fails and nothing is unknown",
        ),
        // A waiver of a value never makes an unknown compliant …
        (
            "denied-reads",
            FILE.to_owned(),
            2,
            &[],
            "nothing fails, but 1 finding is unknown",
        ),
        // … and one of an unknown says so.
        (
            "denied-reads",
            unknown,
            0,
            &[],
            "nothing fails and nothing is unknown; 1 waived finding is unknown",
        ),
    ] {
        place.write("waivers.yaml", &file);
        let (found, report) = place.report(host, &["--waivers", "waivers.yaml"]);
        let mut said = rules_of(&report);
        said.retain(|rule| rule.starts_with("waiver-"));
        assert_eq!((found, said.as_slice()), (code, rules), "{host}: {file}");
        assert_eq!(report["gate"]["reason"], reason, "{host}: {file}");
        assert_eq!(report["gate"]["exit_code"], code);
    }
    place.write("waivers.yaml", FILE.replace("AlwaysAllow", "AlwaysDeny"));
    let (_, shown, _) = place.scan("demo", &["--waivers", "waivers.yaml"]);
    insta::assert_snapshot!("changed_table", shown);
}

/// Whoever owns a node has files on it, and none of them is asked.
#[test]
fn no_waiver_is_read_unless_it_is_named() {
    let place = Place::new("named");
    place.write("waivers.yaml", FILE);
    let (code, report) = place.report("demo", &[]);
    assert_eq!((code, &report["findings"][0]["waiver"]), (1, &Json::Null));
}

#[test]
fn files_that_cannot_be_used_stop_the_scan_before_it_begins() {
    let place = Place::new("refused");
    place.write("large.yaml", vec![b'#'; 2 << 20]);
    place.write("bytes.yaml", b"waivers: \xff");
    place.write("deep.yaml", "[".repeat(100_000));
    place.write(
        "faulty.yaml",
        FILE.replace("4.2.2", "4.2.222").replace("owner", "onwer"),
    );
    place.write("waivers.yaml", FILE);
    // Sparse: 100 MiB that take no room.
    let huge = std::fs::File::create(place.folder.join("huge.yaml")).unwrap();
    huge.set_len(100 << 20).unwrap();
    for (files, said) in [
        (&["none.yaml"][..], "cannot read none.yaml"),
        (&["."], ". is not a regular file"),
        (
            &["large.yaml"],
            "large.yaml is larger than a file of waivers may be (1024 KiB)",
        ),
        (
            &["huge.yaml"],
            "huge.yaml is larger than a file of waivers may be (1024 KiB)",
        ),
        (&["bytes.yaml"], "bytes.yaml was not used"),
        (&["deep.yaml"], "deep.yaml was not used"),
        (&["faulty.yaml"], "faulty.yaml was not used"),
        (&["waivers.yaml", "faulty.yaml"], "faulty.yaml was not used"),
        (
            &["waivers.yaml", "waivers.yaml"],
            "waivers.yaml is named twice",
        ),
    ] {
        let arguments: Vec<&str> = files.iter().flat_map(|file| ["--waivers", file]).collect();
        let (code, stdout, stderr) = place.scan("demo", &arguments);
        assert_eq!((code, stdout.as_str()), (64, ""), "{files:?}");
        assert!(stderr.contains(said), "{files:?}: {stderr}");
    }
    let (_, _, stderr) = place.scan("demo", &["--waivers", "faulty.yaml"]);
    insta::assert_snapshot!("faulty", stderr);
}

#[test]
fn lint_fails_for_what_is_expired_changed_unused_or_too_broad() {
    let place = Place::new("lint");
    place.scan("demo", &["-o", "json", "--output-file", "fails.json"]);
    place.scan("kubeadm", &["-o", "json", "--output-file", "passes.json"]);
    let far = FILE.replace("2026-11-01", "2050-01-01");
    for (file, report, code, codes) in [
        (far.replace("2027-03-31", "2050-12-31"), None, 0, &[][..]),
        (
            far.replace("2027-03-31", "2050-12-31"),
            Some("fails.json"),
            0,
            &[],
        ),
        (
            far.replace("2027-03-31", "2050-12-31"),
            Some("passes.json"),
            1,
            &["waiver-unused"],
        ),
        (
            far.replace("2027-03-31", "2050-12-31")
                .replace("AlwaysAllow", "x"),
            Some("fails.json"),
            1,
            &["waiver-changed"],
        ),
        (
            far.replace("2027-03-31", "2051-12-31"),
            None,
            1,
            &["waiver-too-broad"],
        ),
        (
            FILE.replace("2027-03-31", "2026-11-02"),
            None,
            1,
            &["waiver-expired"],
        ),
        (
            FILE.replace("rule: 4.2.2", "rule: 9.9"),
            None,
            1,
            &["bad-value"],
        ),
    ] {
        place.write("waivers.yaml", &file);
        let mut arguments = vec!["waivers", "lint", "waivers.yaml", "-o", "json"];
        arguments.extend(report.into_iter().flat_map(|report| ["--report", report]));
        let (found, stdout, stderr) = place.run(&arguments);
        let faults: Json = serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{stderr}"));
        let faults = faults.as_array().unwrap().iter();
        let said: Vec<&str> = faults.map(|one| one["code"].as_str().unwrap()).collect();
        assert_eq!((found, said.as_slice()), (code, codes), "{file}");
    }
    place.write("waivers.yaml", FILE.replace("2027-03-31", "2026-11-02"));
    let (code, shown, _) =
        place.run(&["waivers", "lint", "waivers.yaml", "--report", "passes.json"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!("lint", shown);
    place.write("report.json", "{}");
    let (code, _, stderr) =
        place.run(&["waivers", "lint", "waivers.yaml", "--report", "report.json"]);
    assert_eq!(code, 64);
    assert!(
        stderr.contains("report.json: it has no schema, so it is no report"),
        "{stderr}"
    );
    // In whatever format it is, and never one of which a part is missing.
    for other in ["passes.jsonl", "passes.yaml"] {
        place.run(&["render", "passes.json", "-o", other]);
        let (code, said, _) = place.run(&["waivers", "lint", "waivers.yaml", "--report", other]);
        assert_eq!((code, said), (1, shown.clone()), "{other}");
    }
    let lines = place.read("passes.jsonl");
    let (cut, _) = lines.trim_end().rsplit_once('\n').unwrap();
    place.write("cut.jsonl", cut);
    let (code, _, stderr) =
        place.run(&["waivers", "lint", "waivers.yaml", "--report", "cut.jsonl"]);
    assert_eq!(code, 64);
    assert!(stderr.contains("cut.jsonl: it was cut off"), "{stderr}");
}

#[test]
fn waivers_are_listed_with_how_long_they_hold() {
    let place = Place::new("list");
    let expired = FILE.replace("2027-03-31", "2026-11-02");
    let other = FILE
        .replace("2027-03-31", "2050-01-31")
        .replace("waivers:\n", "");
    place.write("waivers.yaml", format!("{expired}{other}"));
    let (code, shown, _) = place.run(&["waivers", "list", "waivers.yaml"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!("list", shown);
    let (_, listed, _) = place.run(&["waivers", "list", "waivers.yaml", "-o", "json"]);
    let listed: Json = serde_json::from_str(&listed).unwrap();
    let states: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["state"])
        .collect();
    assert_eq!(states, ["expired", "holds"]);
}

#[test]
fn a_waiver_is_added_with_the_values_of_a_report_and_covers_its_finding() {
    let place = Place::new("add");
    place.scan("demo", &["-o", "json", "--output-file", "report.json"]);
    let add = [
        "waivers",
        "add",
        "4.2.2",
        "--file",
        "waivers.yaml",
        "--owner",
        "platform",
        "--reason",
        "until the old agent is gone",
        "--expires",
        "2050-01-31",
    ];
    let from = [
        &add[..],
        &["--node", "demo-worker-1", "--from", "report.json"],
    ]
    .concat();
    let (code, _, stderr) = place.run(&from);
    assert_eq!(code, 0, "{stderr}");
    let mode = |name: &str| {
        let found = std::fs::metadata(place.folder.join(name)).unwrap();
        found.permissions().mode() & 0o777
    };
    assert_eq!(mode("waivers.yaml"), 0o644);
    let first = place.read("waivers.yaml");
    let (_, report) = place.report("demo", &["--waivers", "waivers.yaml"]);
    assert_eq!(judged(&report)["waiver"]["owner"], "platform");
    let permissions = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(place.folder.join("waivers.yaml"), permissions).unwrap();
    let observed = [
        "--observed",
        "kubelet.authorization.mode=AlwaysAllow",
        "--observed",
        "kubelet.x=0644",
    ];
    let (code, _, stderr) = place.run(&[&add[..], &observed].concat());
    assert_eq!(code, 0, "{stderr}");
    let second = place.read("waivers.yaml");
    assert!(second.starts_with(&first) && second.ends_with("expires: 2050-01-31\n"));
    assert!(second.contains("      kubelet.x: \"0644\"\n"), "{second}");
    assert_eq!(mode("waivers.yaml"), 0o640);
    for (more, said) in [
        (&[][..], "--observed <SETTING=VALUE>|--from <FILE>"),
        (&["--observed", "x"], "--observed wants SETTING=VALUE"),
        (&["--observed", "a=1", "--observed", "a=2"], "names a twice"),
        (
            &["--observed", "a=1", "--cause", "denied"],
            "goes with --observed unknown",
        ),
        (&["--observed", "unknown", "--cause", "x"], "is no cause"),
        (
            &["--node", "other", "--from", "report.json"],
            "has no finding of this rule in this scope",
        ),
        (
            &["--observed", "a=1", "--horizon", "later"],
            "is no horizon",
        ),
        (
            &["--observed", "a=1", "--node", ""],
            "the name of a node is empty",
        ),
    ] {
        let (code, _, stderr) = place.run(&[&add[..], more].concat());
        assert_eq!(code, 64, "{more:?}");
        assert!(stderr.contains(said), "{more:?}: {stderr}");
    }
    assert_eq!(place.read("waivers.yaml"), second);
    place.write("flow.yaml", "waivers: []\n");
    let flow = add.map(|word| {
        if word == "waivers.yaml" {
            "flow.yaml"
        } else {
            word
        }
    });
    let (code, _, stderr) = place.run(&[&flow[..], &["--observed", "unknown"]].concat());
    assert_eq!(code, 64);
    assert!(
        stderr.contains("This is the entry:") && stderr.contains("observed: unknown"),
        "{stderr}"
    );
    assert_eq!(place.read("flow.yaml"), "waivers: []\n");
}

#[test]
fn an_unknown_is_accepted_only_by_that_word() {
    let place = Place::new("unknown");
    place.scan(
        "denied-reads",
        &["-o", "json", "--output-file", "report.json"],
    );
    let add = [
        "waivers",
        "add",
        "4.2.2",
        "--file",
        "waivers.yaml",
        "--owner",
        "o",
        "--reason",
        "r",
        "--expires",
        "2050-01-31",
    ];
    let (code, _, stderr) = place.run(&[&add[..], &["--from", "report.json"]].concat());
    assert_eq!(code, 64);
    assert!(stderr.contains("--observed unknown"), "{stderr}");
    let (code, _, _) =
        place.run(&[&add[..], &["--observed", "unknown", "--cause", "denied"]].concat());
    assert_eq!(code, 0);
    let (code, report) = place.report("denied-reads", &["--waivers", "waivers.yaml"]);
    assert_eq!((code, report["summary"]["waived"].as_u64()), (0, Some(1)));
    assert_eq!(judged(&report)["verdict"], "unknown");
}
