//! Reports that exist: rendered, joined, compared with a baseline; and ids that stay the same.

#![expect(
    clippy::disallowed_methods,
    reason = "tests start the program and look at the files it wrote"
)]
#![expect(clippy::unwrap_used, reason = "what cannot be done fails the test")]
#![expect(clippy::indexing_slicing, reason = "what is not there fails the test")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use assert_cmd::Command;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

/// A folder of its own, and commands that run in it.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        self.run_with(arguments, "")
    }

    fn run_with(&self, arguments: &[&str], stdin: &str) -> (i32, String, String) {
        let mut command = Command::cargo_bin("kubeassay").unwrap();
        let command = command.args(arguments).current_dir(self.0.path());
        let output = command.env_remove("NO_COLOR").write_stdin(stdin).output();
        let output = output.unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (
            output.status.code().unwrap(),
            text(&output.stdout),
            text(&output.stderr),
        )
    }

    /// Scans a captured host into `report`, and returns the exit code.
    fn scan(&self, host: &str, report: &str, more: &[&str]) -> i32 {
        let host = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../tests/hosts")
            .join(format!("{host}.yaml"));
        let host = host.to_str().unwrap();
        let (code, _, stderr) = self.run(&[&["scan", "--root", host, "-o", report], more].concat());
        assert_ne!(code, 64, "{stderr}");
        code
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.0.path().join(file)).unwrap()
    }

    fn read_json(&self, file: &str) -> Json {
        serde_json::from_str(&self.read(file)).unwrap()
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.0.path().join(file), text).unwrap();
    }
}

fn findings(report: &Json) -> &Vec<Json> {
    report["findings"].as_array().unwrap()
}

#[test]
fn a_report_that_is_rendered_again_has_the_same_bytes_and_exit_code() {
    let folder = Folder::new();
    for (host, more) in [
        ("kubeadm", &[][..]),
        ("demo", &["--fail-on", "fail:high"]),
        ("stale-config", &[]),
        ("impostor-in-pod", &[]),
        ("impostor-in-pod", &["--include-pods"]),
        ("no-kubernetes", &["--fail-on", "fail"]),
        ("denied-reads", &["--max-unknown", "3"]),
    ] {
        let code = folder.scan(host, "a.json", more);
        folder.scan(host, "a.jsonl", more);
        folder.scan(host, "a.yaml", more);
        let (again, json, stderr) = folder.run(&["render", "a.json", "-o", "json"]);
        assert_eq!(
            (again, &json),
            (code, &folder.read("a.json")),
            "{host}: {stderr}"
        );
        let (again, lines, _) = folder.run(&["render", "a.jsonl", "-o", "jsonl"]);
        assert_eq!((again, &lines), (code, &folder.read("a.jsonl")), "{host}");
        let (again, yaml, _) = folder.run(&["render", "a.yaml", "-o", "yaml"]);
        assert_eq!((again, &yaml), (code, &folder.read("a.yaml")), "{host}");
        // One format as another, and what comes on stdin.
        let (again, other, _) = folder.run_with(&["render", "-", "-o", "json"], &lines);
        assert_eq!((again, other), (code, json), "{host}");
        let (_, other, _) = folder.run(&["render", "a.jsonl", "-o", "yaml"]);
        assert_eq!(other, yaml, "{host}");
    }
}

/// What does not fit into memory waits in a file beside the output, or in the temporary folder; nothing is left of it.
#[test]
fn the_document_of_a_fleet_is_the_same_wherever_its_findings_waited() {
    const NODES: usize = 75;
    let folder = Folder::new();
    folder.scan("kubeadm", "a.jsonl", &[]);
    let text = folder.read("a.jsonl");
    let lines: Vec<&str> = text.lines().collect();
    let [header, node, findings @ .., summary] = lines.as_slice() else {
        panic!("{text}")
    };
    let id = |line: &str| serde_json::from_str::<Json>(line).unwrap()["id"].to_string();
    let name = id(node);
    let mut fleet = vec![(*header).to_owned()];
    // The nodes stand the other way round; a document of them has more than the 16 MiB that are held.
    for number in (0..NODES).rev() {
        let other = format!("\"{number:032}\"");
        fleet.push(node.replace(&name, &other));
        fleet.extend(findings.iter().map(|line| line.replace(&name, &other)));
    }
    fleet.push((*summary).to_owned());
    folder.write("fleet.jsonl", &fleet.join("\n"));
    let (_, _, stderr) = folder.run(&["render", "fleet.jsonl", "-o", "fleet.json"]);
    let document = folder.read("fleet.json");
    assert!(document.len() > 17 << 20, "{}, {stderr}", document.len());
    let nodes: Vec<&str> = document
        .lines()
        .filter(|line| line.starts_with("      \"node\": "))
        .collect();
    assert_eq!(nodes.len(), NODES * findings.len());
    assert!(nodes.is_sorted());

    let mut command = Command::cargo_bin("kubeassay").unwrap();
    let command = command.args(["render", "fleet.jsonl", "-o", "json"]);
    let command = command.current_dir(folder.0.path());
    let output = command.env("TMPDIR", "/nowhere").output().unwrap();
    assert!(output.stdout == document.as_bytes(), "held in memory");
    let mut left: Vec<String> = fs::read_dir(folder.0.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["a.jsonl", "fleet.json", "fleet.jsonl"]);
}

#[test]
fn the_gate_is_asked_anew() {
    let folder = Folder::new();
    assert_eq!(folder.scan("demo", "a.json", &[]), 1);
    let (code, stdout, stderr) =
        folder.run(&["render", "a.json", "--fail-on", "never", "-o", "json"]);
    let report: Json = serde_json::from_str(&stdout).unwrap();
    assert_eq!(
        (code, &report["gate"]["fail_on"]),
        (0, &json!("never")),
        "{stderr}"
    );
    assert!(stderr.starts_with("kubeassay: exit 0: "), "{stderr}");
    let (code, stdout, _) = folder.run(&["render", "a.json"]);
    assert_eq!(code, 1);
    assert!(stdout.contains("read from a captured host"), "{stdout}");
}

#[test]
fn several_reports_become_one() {
    let folder = Folder::new();
    folder.scan("demo", "a.json", &[]);
    folder.scan("stale-config", "b.jsonl", &[]);
    folder.scan("stale-config", "b.json", &[]);
    let (code, stdout, stderr) = folder.run(&["render", "a.json", "b.jsonl", "-o", "json"]);
    let joined: Json = serde_json::from_str(&stdout).unwrap();
    let (a, b) = (folder.read_json("a.json"), folder.read_json("b.json"));
    assert_eq!(code, 1, "{stderr}");
    assert_eq!(
        findings(&joined).len(),
        findings(&a).len() + findings(&b).len()
    );
    for verdict in ["pass", "fail", "unknown", "manual", "not_applicable"] {
        let of = |report: &Json| report["summary"][verdict].as_u64().unwrap();
        assert_eq!(of(&joined), of(&a) + of(&b), "{verdict}");
    }
    assert_eq!(joined["scanned"]["coverage"]["nodes"], 2);
    let files: Vec<&Json> = joined["scanned"]["joined"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["file"])
        .collect();
    assert_eq!(files, ["a.json", "b.jsonl"]);
    assert_eq!(joined["scanned"]["joined"][0]["source"], "captured");
    let (_, table, _) = folder.run(&["render", "a.json", "b.json"]);
    assert!(table.contains("joined from 2 reports"), "{table}");
    // A joined report is a report.
    folder.write("joined.json", &stdout);
    let (_, again, _) = folder.run(&["render", "joined.json", "-o", "json"]);
    assert_eq!(again, stdout);
}

#[test]
fn of_a_node_in_two_reports_the_later_scan_counts() {
    let folder = Folder::new();
    folder.scan("demo", "old.json", &[]);
    let mut report = folder.read_json("old.json");
    report["scanned"]["started"] = json!("2099-01-01T00:00:00Z");
    report["scanned"]["finished"] = json!("2099-01-01T00:00:01Z");
    report["rules"]["digest"] = json!("sha256:other");
    report["findings"].as_array_mut().unwrap().truncate(1);
    folder.write("new.json", &report.to_string());
    for order in [["old.json", "new.json"], ["new.json", "old.json"]] {
        let (_, stdout, stderr) = folder.run(&["render", order[0], order[1], "-o", "json"]);
        let joined: Json = serde_json::from_str(&stdout).unwrap();
        assert_eq!(findings(&joined).len(), 1);
        assert_eq!(joined["scanned"]["finished"], "2099-01-01T00:00:01Z");
        assert!(
            stderr.contains("1 of the nodes are in several of the reports"),
            "{stderr}"
        );
        assert!(
            stderr.contains("warning: old.json: it was judged by other rules"),
            "{stderr}"
        );
        let problems = joined["problems"].as_array().unwrap();
        assert!(
            problems.iter().any(|one| one["path"] == "old.json"),
            "{problems:?}"
        );
    }
}

/// Makes of a report that of a cluster with a node of the same name, and a finding of the cluster as a whole.
fn of_cluster(report: &Json, cluster: &str) -> Json {
    let text = report.to_string();
    let id = report["scanned"]["nodes"][0]["id"].as_str().unwrap();
    let mut report: Json = serde_json::from_str(&text.replace(id, cluster)).unwrap();
    report["scanned"]["source"] = json!("cluster");
    report["scanned"]["cluster"] =
        json!({"uid": cluster, "server": format!("https://{cluster}:6443"), "version": "1.34.2"});
    let all = report["findings"].as_array_mut().unwrap();
    for finding in &mut *all {
        finding["id"] = json!(format!("{cluster}-{}", finding["id"].as_str().unwrap()));
    }
    let mut whole = all[0].clone();
    whole["id"] = json!("of-the-cluster");
    whole["node"] = Json::Null;
    whole["verdict"] = json!("fail");
    whole["subject"]["component"] = json!("namespace");
    whole["subject"]["object"] = json!("Namespace default");
    whole["subject"]["key"] = json!("Namespace default");
    all.insert(0, whole);
    report
}

#[test]
fn two_clusters_with_a_node_of_the_same_name_stay_two() {
    let folder = Folder::new();
    folder.scan("kubeadm", "a.json", &[]);
    let report = folder.read_json("a.json");
    let each = findings(&report).len() + 1;
    for cluster in ["north", "south"] {
        let report = of_cluster(&report, cluster);
        folder.write(&format!("{cluster}.json"), &report.to_string());
    }
    let rendered = |format: &str| {
        let (code, stdout, stderr) =
            folder.run(&["render", "north.json", "south.json", "-o", format]);
        assert_eq!(code, 1, "{format}: {stderr}");
        assert!(stderr.contains("of 2 clusters"), "{stderr}");
        stdout
    };
    let joined: Json = serde_json::from_str(&rendered("json")).unwrap();
    let scanned = &joined["scanned"];
    assert_eq!(scanned["joined"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&scanned["cluster"], &scanned["coverage"]["nodes"]),
        (&Json::Null, &json!(2))
    );
    assert_eq!(scanned["nodes"][0]["name"], scanned["nodes"][1]["name"]);
    assert_eq!(findings(&joined).len(), 2 * each);
    let ids: BTreeSet<&str> = findings(&joined)
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    assert_eq!(
        ids.len(),
        2 * each,
        "the same object of two clusters is two"
    );
    let of_clusters: Vec<&Json> = findings(&joined)
        .iter()
        .filter(|one| one["node"].is_null())
        .map(|one| &one["subject"]["key"])
        .collect();
    assert_eq!(
        of_clusters,
        ["north Namespace default", "south Namespace default"]
    );
    let summary = joined["summary"].as_object().unwrap();
    let count: u64 = summary.values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(count, 2 * each as u64);

    // Every format says where it says what was scanned that it was joined, and has both nodes.
    let lines = rendered("jsonl");
    let first: Json = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first["scanned"]["joined"][1]["file"], "south.json");
    assert_eq!(lines.lines().count(), 2 * each + 4);
    let yaml = rendered("yaml");
    let head = yaml.split("findings:").next().unwrap();
    assert!(
        head.contains("joined:") && head.contains("south.json"),
        "{head}"
    );
    for format in ["table", "wide"] {
        let page = rendered(format);
        assert!(page.contains("joined from 2 reports"), "{page}");
        for cluster in ["north", "south"] {
            assert!(page.contains(&format!("id {cluster}")), "{page}");
        }
    }
    let junit = rendered("junit");
    assert!(
        junit.lines().nth(1).unwrap().contains("joined-reports 2"),
        "{junit}"
    );
    for cluster in ["north", "south"] {
        let id = format!("<property name=\"node-id\" value=\"{cluster}\"/>");
        assert_eq!(junit.matches(&id).count(), 1);
    }
    let markdown = rendered("markdown");
    let title = markdown.lines().next().unwrap();
    assert!(title.contains("joined from 2 reports"), "{title}");
    let csv = rendered("csv");
    assert_eq!(csv.lines().count(), 2 * each + 1);
    assert!(csv.lines().next().unwrap().ends_with(",joined_reports"));
    assert!(csv.lines().skip(1).all(|line| line.ends_with(",2")));
    let sarif: Json = serde_json::from_str(&rendered("sarif")).unwrap();
    let run = &sarif["runs"][0];
    assert_eq!(run["properties"]["joined"].as_array().unwrap().len(), 2);
    let fails = joined["summary"]["fail"].as_u64().unwrap()
        + joined["summary"]["unknown"].as_u64().unwrap();
    assert_eq!(run["results"].as_array().unwrap().len() as u64, fails);
}

#[test]
fn what_was_cut_off_is_incomplete_and_what_is_no_report_is_refused() {
    let folder = Folder::new();
    folder.scan("kubeadm", "a.jsonl", &[]);
    let lines = folder.read("a.jsonl");
    let lines: Vec<&str> = lines.lines().collect();
    folder.write("cut.jsonl", &lines[..lines.len() - 3].join("\n"));
    let (code, stdout, stderr) = folder.run(&["render", "cut.jsonl", "-o", "json"]);
    let report: Json = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &report["complete"]), (1, &json!(false)), "{stderr}");
    assert!(
        stderr.contains("cut.jsonl: the report has no last line"),
        "{stderr}"
    );

    folder.write("facts.json", "{\"schema\": \"kubeassay.facts/v1\"}");
    for (arguments, said) in [
        (
            &["render", "facts.json"][..],
            "facts.json: line 1, column 12: it holds facts, not a report",
        ),
        (&["render", "."], "is a folder"),
        (&["render", "gone.json"], "cannot read gone.json"),
        (&["render", "cut.jsonl", "-o", "xlsx"], "is no format"),
        (&["render"], "REPORT"),
        (&["render", "cut.jsonl", "--fail-on-new"], "--baseline"),
        (
            &["scan", "--demo", "--baseline", "facts.json"],
            "--baseline: facts.json: line 1",
        ),
    ] {
        let (code, _, stderr) = folder.run(arguments);
        assert_eq!(code, 64, "{arguments:?}");
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
    }
}

#[test]
fn against_a_baseline_only_what_is_new_or_changed_moves_the_exit_code() {
    let folder = Folder::new();
    assert_eq!(folder.scan("demo", "base.json", &[]), 1);
    let against = &["--baseline", "base.json", "--fail-on-new"][..];
    assert_eq!(folder.scan("demo", "same.json", against), 0);
    let states = |report: &Json| {
        let mut states: Vec<(String, String)> = findings(report)
            .iter()
            .map(|one| {
                (
                    one["verdict"].as_str().unwrap().to_owned(),
                    one["baseline_state"].to_string(),
                )
            })
            .collect();
        states.sort();
        states.dedup();
        states
    };
    let same = folder.read_json("same.json");
    assert_eq!(same["gate"]["only_new"], true);
    for (verdict, state) in states(&same) {
        let open = ["fail", "unknown", "manual"].contains(&verdict.as_str());
        assert_eq!(
            state,
            if open { "\"unchanged\"" } else { "null" },
            "{verdict}"
        );
    }
    // Without --fail-on-new it is said, and moves nothing.
    assert_eq!(
        folder.scan("demo", "said.json", &["--baseline", "base.json"]),
        1
    );

    let base = folder.read_json("base.json");
    let failing = findings(&base)
        .iter()
        .position(|one| one["verdict"] == "fail")
        .unwrap();
    let mut without = base.clone();
    without["findings"].as_array_mut().unwrap().remove(failing);
    let mut passing = base.clone();
    passing["findings"][failing]["verdict"] = json!("pass");
    let mut other = base.clone();
    other["findings"][failing]["evidence"][0]["value"] = json!("another");
    let mut accepted = base.clone();
    accepted["findings"][failing]["waiver"] = json!({"reason": "r", "owner": "o", "expires": null});
    let mut moved = base.clone();
    moved["findings"][failing]["evidence"][0]["origin"]["line"] = json!(77);
    for (name, changed, state, code) in [
        ("without", without, "new", 1),
        ("passing", passing, "new", 1),
        ("accepted", accepted, "new", 1),
        ("other", other, "updated", 1),
        ("moved", moved, "unchanged", 0),
    ] {
        folder.write("base.json", &changed.to_string());
        let (exit, stdout, stderr) =
            folder.run(&[&["render", "said.json", "-o", "json"], against].concat());
        let report: Json = serde_json::from_str(&stdout).unwrap();
        assert_eq!(
            findings(&report)[failing]["baseline_state"],
            state,
            "{name}"
        );
        assert_eq!(exit, code, "{name}: {stderr}");
    }
    let (_, table, _) = folder.run(&["render", "same.json"]);
    assert!(!table.contains("new)"), "{table}");
    folder.write(
        "base.json",
        &base
            .to_string()
            .replace("\"verdict\":\"fail\"", "\"verdict\":\"pass\""),
    );
    let (_, table, _) = folder.run(&[&["render", "same.json"], against].concat());
    assert!(table.contains(", new)"), "{table}");
}

#[test]
fn a_baseline_of_something_else_is_told() {
    let folder = Folder::new();
    folder.scan("demo", "base.json", &[]);
    let mut base = folder.read_json("base.json");
    base["rules"]["digest"] = json!("sha256:other");
    base["complete"] = json!(false);
    base["scanned"]["cluster"] = json!({"uid": "one", "server": "https://one", "version": null});
    folder.write("base.json", &base.to_string());
    folder.scan("stale-config", "a.json", &[]);
    let mut report = folder.read_json("a.json");
    report["scanned"]["cluster"] = json!({"uid": "two", "server": "https://two", "version": null});
    folder.write("a.json", &report.to_string());
    let (_, _, stderr) = folder.run(&["render", "a.json", "--baseline", "base.json"]);
    for said in [
        "other rules",
        "another cluster",
        "is incomplete",
        "1 of 1 nodes are not in the baseline",
    ] {
        assert!(stderr.contains(said), "{said}: {stderr}");
    }
}

/// The same machine after a restart: other processes ids, other times, another order.
#[test]
fn ids_of_findings_stay_the_same_over_reboots_versions_and_formats() {
    let folder = Folder::new();
    let host = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/hosts/two-kubelets.yaml");
    let (code, _, stderr) = folder.run(&[
        "collect",
        "--root",
        host.to_str().unwrap(),
        "--output-file",
        "a.json",
    ]);
    assert_eq!(code, 0, "{stderr}");
    let before = folder.read_json("a.json");
    let mut after = before.clone();
    after["tool"]["version"] = json!("9.9.9");
    restart(&mut after);
    after["processes"].as_array_mut().unwrap().reverse();
    assert_ne!(before, after);
    folder.write("b.json", &after.to_string());
    folder.run(&["scan", "--facts", "a.json", "-o", "ra.json"]);
    folder.run(&["scan", "--facts", "b.json", "-o", "rb.jsonl"]);
    let (_, yaml, _) = folder.run(&["render", "rb.jsonl", "-o", "yaml"]);
    let ids = |report: &Json| {
        let mut ids: Vec<String> = findings(report)
            .iter()
            .map(|one| one["id"].to_string())
            .collect();
        ids.sort();
        ids
    };
    let first = ids(&folder.read_json("ra.json"));
    let second: Json = serde_saphyr::from_str(&yaml).unwrap();
    assert!(first.len() > 20, "{}", first.len());
    assert_eq!(first, ids(&second));
    // Nor do they depend on each other: each is there once.
    let mut unique = first.clone();
    unique.dedup();
    assert_eq!(unique, first);
}

/// Gives every process another number, and moves every moment by a day.
fn restart(value: &mut Json) {
    match value {
        Json::Object(entries) => {
            for (key, value) in entries {
                match (key.as_str(), &mut *value) {
                    ("pid" | "ppid", Json::Number(number)) => {
                        let moved = number.as_u64().unwrap() + 1000;
                        *value = json!(moved);
                    }
                    (_, Json::String(text)) if text.starts_with("2026-") => {
                        *text = text.replacen("2026-", "2027-", 1);
                    }
                    _ => restart(value),
                }
            }
        }
        Json::Array(values) => values.iter_mut().for_each(restart),
        _ => {}
    }
}

/// Two reports in which each kind of change occurs once.
fn changed(folder: &Folder) -> (Json, Json) {
    folder.scan("demo", "old.json", &[]);
    let old = folder.read_json("old.json");
    let mut new = old.clone();
    let of = |report: &Json, verdict: &str| -> Vec<usize> {
        let all = findings(report).iter().enumerate();
        all.filter(|(_, one)| one["verdict"] == verdict && one["evidence"][0].is_object())
            .map(|(index, _)| index)
            .collect()
    };
    let (fails, passes) = (of(&old, "fail"), of(&old, "pass"));
    let list = &mut new["findings"];
    list[passes[0]]["verdict"] = json!("fail");
    list[passes[1]]["evidence"][0]["value"] = json!("<script>alert(1)</script>\u{1b}[31m");
    list[passes[2]]["evidence"][0]["origin"]["line"] = json!(77);
    list[passes[3]]["verdict"] = json!("not-applicable");
    list[fails[0]]["verdict"] = json!("pass");
    list[fails[1]]["waiver"] = json!({"reason": "r", "owner": "o", "expires": null});
    list.as_array_mut().unwrap().remove(fails[2]);
    // Only times and processes: no change.
    let mut moved = new.clone();
    restart(&mut moved);
    folder.write("new.json", &moved.to_string());
    (old, new)
}

#[test]
fn a_diff_tells_each_kind_of_change_apart() {
    let folder = Folder::new();
    changed(&folder);
    let (code, stdout, stderr) = folder.run(&["diff", "old.json", "new.json", "-o", "json"]);
    assert_eq!(code, 0, "{stderr}");
    let diff: Json = serde_json::from_str(&stdout).unwrap();
    assert_eq!(diff["schema"], "kubeassay.diff/v1");
    let kinds: Vec<&str> = diff["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["change"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "new",
            "changed-verdict",
            "changed-value",
            "changed-origin",
            "no-longer-seen",
            "waived",
            "fixed"
        ]
    );
    for kind in [
        "new",
        "changed_verdict",
        "changed_value",
        "changed_origin",
        "no_longer_seen",
        "waived",
        "fixed",
    ] {
        assert_eq!(diff["summary"][kind], 1, "{kind}");
    }
    let of = |kind: usize, side: &str| diff["changes"][kind][side]["verdict"].clone();
    assert_eq!((of(0, "old"), of(0, "new")), (json!("pass"), json!("fail")));
    assert_eq!(diff["changes"][4]["new"], Json::Null);
    assert_eq!((of(6, "old"), of(6, "new")), (json!("fail"), json!("pass")));
    assert_eq!(diff["nodes_came"], json!([]));
    // The other way round: what was fixed is new, what is not there before and fails is new.
    let (_, back, _) = folder.run(&["diff", "new.json", "old.json", "-o", "json"]);
    let back: Json = serde_json::from_str(&back).unwrap();
    assert_eq!(back["summary"]["new"], 3, "{}", back["summary"]);
    assert_eq!(back["summary"]["fixed"], 1, "{}", back["summary"]);
}

#[test]
fn every_format_of_a_diff_says_the_same_and_is_inert() {
    let folder = Folder::new();
    changed(&folder);
    let files = [
        "d.json",
        "wide=w.txt",
        "d.jsonl",
        "d.yaml",
        "d.md",
        "d.sarif",
        "d.xml",
        "d.csv",
        "d.html",
        "d.oscal.json",
        "d.ocsf.json",
        "d.openreports.yaml",
        "d.prom",
    ];
    let mut all = vec!["diff", "old.json", "new.json", "-o", "table"];
    all.extend(files.iter().flat_map(|file| ["-o", file]));
    let (code, table, stderr) = folder.run(&all);
    assert_eq!((code, stderr.as_str()), (0, ""));
    for file in &files {
        let name = file.split('=').next_back().unwrap();
        let mode = fs::metadata(folder.0.path().join(name)).unwrap().mode() & 0o777;
        // The node exporter is another user.
        assert_eq!(
            mode,
            if *file == "d.prom" { 0o644 } else { 0o600 },
            "{file}"
        );
        // Both are named, in the document that says what changed.
        let text = folder.read(name);
        assert!(
            text.contains("old.json") && text.contains("new.json"),
            "{file}"
        );
    }
    for text in [&table, &folder.read("w.txt"), &folder.read("d.md")] {
        for word in [
            "NEW",
            "OTHER VERDICT",
            "OTHER VALUE",
            "OTHER ORIGIN",
            "NO LONGER SEEN",
            "WAIVED",
            "FIXED",
        ] {
            assert!(text.contains(word), "{word}: {text}");
        }
        assert!(
            text.contains("1 new, 1 with another verdict, 1 with another value"),
            "{text}"
        );
        assert!(!text.contains('\u{1b}'), "{text}");
    }
    let markdown = folder.read("d.md");
    let outside: String = markdown.split('`').step_by(2).collect();
    assert!(!outside.contains("<script"), "{markdown}");
    assert!(markdown.contains("<script>alert(1)"), "{markdown}");
    let json = folder.read_json("d.json");
    let yaml: Json = serde_saphyr::from_str(&folder.read("d.yaml")).unwrap();
    assert_eq!(json, yaml);
    let lines = folder.read("d.jsonl");
    let lines: Vec<Json> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), json["changes"].as_array().unwrap().len() + 2);
    assert_eq!(lines.last().unwrap()["summary"], json["summary"]);
}

#[test]
fn the_exit_code_of_a_diff_tells_changes_only_where_that_is_asked_for() {
    let folder = Folder::new();
    changed(&folder);
    fs::copy(
        folder.0.path().join("old.json"),
        folder.0.path().join("same.json"),
    )
    .unwrap();
    for (arguments, code) in [
        (&["diff", "old.json", "new.json"][..], 0),
        (&["diff", "old.json", "new.json", "--detailed-exitcode"], 2),
        (&["diff", "old.json", "same.json", "--detailed-exitcode"], 0),
        (
            &["diff", "old.json", "gone.json", "--detailed-exitcode"],
            64,
        ),
        (&["diff", "old.json", "old.json"], 64),
        (&["diff", "old.json"], 64),
        (&["diff", "old.json", "new.json", "-o", "sarif"], 0),
        (&["diff", "old.json", "new.json", "-o", "xlsx"], 64),
        (
            &["diff", "old.json", "new.json", "-o", "json", "-o", "yaml"],
            64,
        ),
    ] {
        let (exit, _, stderr) = folder.run(arguments);
        assert_eq!(exit, code, "{arguments:?}: {stderr}");
    }
    let (_, stdout, _) = folder.run(&["diff", "old.json", "same.json"]);
    assert!(stdout.contains("nothing changed"), "{stdout}");
    let (_, _, stderr) = folder.run(&["diff", "old.json", "same.json", "-o", "xlsx"]);
    assert!(
        stderr.contains("the formats are table, wide, json, jsonl, yaml, sarif"),
        "{stderr}"
    );
}

#[test]
fn what_is_gone_with_its_node_is_not_fixed() {
    let folder = Folder::new();
    folder.scan("demo", "a.json", &[]);
    folder.scan("stale-config", "b.json", &[]);
    let (_, both, _) = folder.run(&["render", "a.json", "b.json", "-o", "json"]);
    folder.write("both.json", &both);
    let (code, stdout, stderr) = folder.run(&[
        "diff",
        "both.json",
        "b.json",
        "-o",
        "json",
        "--detailed-exitcode",
    ]);
    let diff: Json = serde_json::from_str(&stdout).unwrap();
    assert_eq!(code, 2, "{stderr}");
    assert_eq!(diff["summary"]["fixed"], 0);
    assert!(
        diff["summary"]["no_longer_seen"].as_u64().unwrap() > 5,
        "{}",
        diff["summary"]
    );
    assert_eq!(diff["nodes_went"].as_array().unwrap().len(), 1);
    let (_, table, _) = folder.run(&["diff", "b.json", "both.json"]);
    assert!(table.contains("NODES CAME"), "{table}");
}

#[test]
fn facts_are_judged_by_the_same_rules_before_they_are_compared() {
    let folder = Folder::new();
    let host = |name: &str| {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../tests/hosts")
            .join(format!("{name}.yaml"))
    };
    for (name, file) in [("kubeadm", "a.json"), ("kubeadm", "b.json")] {
        let host = host(name);
        let (code, _, stderr) = folder.run(&[
            "collect",
            "--root",
            host.to_str().unwrap(),
            "--output-file",
            file,
        ]);
        assert_eq!(code, 0, "{stderr}");
    }
    let (code, stdout, stderr) = folder.run(&["diff", "a.json", "b.json", "--detailed-exitcode"]);
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    assert!(stdout.contains("judged from recorded facts"), "{stdout}");
    // Facts against a report.
    folder.scan("kubeadm", "report.json", &[]);
    let (code, stdout, _) = folder.run(&["diff", "report.json", "b.json", "--detailed-exitcode"]);
    assert_eq!(code, 0, "{stdout}");
}
