//! What people complain about in tools of this kind, each with the test that holds it here.
//!
//! [`PAINS`] names tests wherever they are; the complaints that had none have theirs in this file.

#![expect(
    clippy::disallowed_methods,
    reason = "tests start the program and look at files"
)]
#![expect(clippy::unwrap_used, reason = "what cannot be done fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use kubeassay_report::Format;
use serde_json::Value as Json;
use tempfile::TempDir;

const HERE: &str = "cli/tests/pains.rs";
const CLI: &str = "cli/tests/cli.rs";
const CLUSTERS: &str = "cli/tests/network/clusters.rs";
const COUNTS: &str = "report/tests/counts.rs";
const CSV: &str = "report/tests/csv.rs";
const INJECTION: &str = "report/tests/injection.rs";
const JUNIT: &str = "report/tests/junit.rs";
const MACHINES: &str = "report/tests/machines.rs";
const MARKDOWN: &str = "report/tests/markdown.rs";
const OBJECTS: &str = "cli/tests/network/objects.rs";
const PEOPLE: &str = "report/tests/people.rs";
const READING: &str = "report/tests/reading.rs";
const REPORTS: &str = "cli/tests/reports.rs";
const SARIF: &str = "report/tests/sarif.rs";
const WAIVERS: &str = "cli/tests/waivers.rs";
const WAIVING: &str = "report/src/waivers/tests.rs";

/// What is complained about, and which test of which file (below `crates`) would fail if it were so here.
const PAINS: &[(&str, &str, &str)] = &[
    // What is written.
    (
        "the output is no valid JSON, or several documents behind one another",
        HERE,
        "a_file_holds_one_report_however_often_it_is_written",
    ),
    (
        "a control plane's report has another shape than a worker's",
        HERE,
        "the_shape_of_a_report_is_the_same_for_every_kind_of_node",
    ),
    (
        "the shape changes between versions",
        READING,
        "keys_may_stand_in_any_order_and_unknown_ones_are_passed_over",
    ),
    (
        "the order of findings changes from run to run",
        READING,
        "a_document_has_the_bytes_of_the_whole_report",
    ),
    ("SARIF is empty or invalid", SARIF, "code_scanning_takes_it"),
    (
        "the upload of SARIF is refused for its size or its tags",
        SARIF,
        "more_than_code_scanning_shows_is_grouped_and_said_to_be",
    ),
    (
        "JUnit is refused by what reads it",
        JUNIT,
        "it_is_what_both_schemas_ask_for",
    ),
    (
        "formats have different counts",
        COUNTS,
        "every_format_has_the_counts_of_the_report",
    ),
    (
        "an unknown format or extension writes nothing and exits as if it had",
        HERE,
        "an_unknown_format_is_refused_before_anything_is_read",
    ),
    (
        "the table leaves out failures that the document has",
        HERE,
        "whatever_fails_or_is_unknown_is_in_the_table",
    ),
    (
        "a table is empty, and nobody knows why",
        PEOPLE,
        "nothing_judged_is_not_zero_failures",
    ),
    (
        "what was skipped does not say why",
        PEOPLE,
        "wide_shows_every_finding",
    ),
    (
        "zero failures may mean that nobody looked",
        PEOPLE,
        "nothing_judged_is_not_zero_failures",
    ),
    (
        "nodes that could not be asked are missing from the report",
        CLUSTERS,
        "every_node_ends_in_the_report",
    ),
    (
        "a node without findings is missing from the spreadsheet",
        CSV,
        "a_node_without_findings_has_a_line",
    ),
    (
        "a time or a random number in the id makes a duplicate in every run",
        REPORTS,
        "ids_of_findings_stay_the_same_over_reboots_versions_and_formats",
    ),
    (
        "an alert is closed and opened again by every upload",
        SARIF,
        "states_of_a_baseline_and_fingerprints_are_the_findings_own",
    ),
    (
        "a text is longer than what reads it takes",
        MARKDOWN,
        "however_much_there_is_it_fits_into_a_comment",
    ),
    (
        "two clusters in one place cannot be told apart",
        REPORTS,
        "two_clusters_with_a_node_of_the_same_name_stay_two",
    ),
    (
        "there is no actual and expected value, no file and line, no digest",
        HERE,
        "a_failure_has_what_was_found_what_was_wanted_and_where_it_stands",
    ),
    (
        "the report of one tool cannot be shown again without the cluster",
        REPORTS,
        "a_report_that_is_rendered_again_has_the_same_bytes_and_exit_code",
    ),
    (
        "reports of nodes cannot be put together",
        REPORTS,
        "several_reports_become_one",
    ),
    (
        "a value of a tenant runs in the reader's spreadsheet, terminal or browser",
        INJECTION,
        "no_text_acts_in_any_format",
    ),
    (
        "YAML is read as other values than were written",
        MACHINES,
        "yaml_quotes_what_a_reader_would_take_for_something_else",
    ),
    // The exit code.
    (
        "0 despite failures",
        CLI,
        "captured_hosts_are_judged_as_they_are",
    ),
    (
        "the exit code is lost in some formats",
        HERE,
        "every_format_to_stdout_or_a_file_has_the_same_exit_code",
    ),
    (
        "a gate is green although controls were not decided",
        CLI,
        "captured_hosts_are_judged_as_they_are",
    ),
    (
        "a gate is green although the scan broke off",
        OBJECTS,
        "an_interrupted_scan_tells_what_it_has",
    ),
    (
        "a threshold that is missed is shown as a wrong command line",
        HERE,
        "a_gate_that_is_missed_is_a_verdict_and_no_usage_error",
    ),
    (
        "a pipeline fails for what was there before",
        REPORTS,
        "against_a_baseline_only_what_is_new_or_changed_moves_the_exit_code",
    ),
    (
        "what vanished counts as mended",
        REPORTS,
        "what_is_gone_with_its_node_is_not_fixed",
    ),
    (
        "compared with what another version of the rules said",
        REPORTS,
        "facts_are_judged_by_the_same_rules_before_they_are_compared",
    ),
    // Exceptions.
    (
        "exceptions are loaded and change nothing, or change more than they say",
        WAIVERS,
        "what_is_waived_keeps_its_verdict_and_says_by_whom",
    ),
    (
        "a file of exceptions with a mistake is passed over",
        WAIVERS,
        "files_that_cannot_be_used_stop_the_scan_before_it_begins",
    ),
    (
        "unused and expired exceptions are not listed",
        WAIVERS,
        "lint_fails_for_what_is_expired_changed_unused_or_too_broad",
    ),
    (
        "an exception that is over still holds",
        WAIVING,
        "the_last_day_is_the_last_on_which_it_holds",
    ),
    (
        "an exception holds although the value is another one by now",
        WAIVERS,
        "what_no_longer_holds_counts_again_and_is_a_finding_of_its_own",
    ),
    (
        "what is excepted is not evaluated any more",
        WAIVING,
        "a_waiver_changes_nothing_but_whether_a_finding_is_waived",
    ),
    (
        "there is no reason, owner or end",
        WAIVERS,
        "waivers_are_listed_with_how_long_they_hold",
    ),
    (
        "those who are judged except themselves",
        WAIVERS,
        "no_waiver_is_read_unless_it_is_named",
    ),
    (
        "an exception cannot be narrowed to a node, a role or a subject",
        WAIVING,
        "everything_that_a_scope_names_has_to_match",
    ),
    (
        "an exception of one rule covers others",
        WAIVING,
        "objects_of_the_cluster_are_covered_by_name_and_never_by_a_scope_of_nodes",
    ),
    (
        "what is unknown becomes compliant by an exception",
        WAIVERS,
        "an_unknown_is_accepted_only_by_that_word",
    ),
    // The command line.
    (
        "-o is the file here and the format there",
        HERE,
        "the_format_has_both_its_names_and_several_go_out_at_once",
    ),
    (
        "progress and hints are within the data",
        CLUSTERS,
        "progress_is_for_terminals",
    ),
    (
        "who writes to a file sees nothing of the outcome",
        HERE,
        "whoever_writes_to_a_file_is_told_the_outcome",
    ),
    (
        "colour cannot be switched off",
        CLI,
        "colour_is_for_terminals_and_those_who_ask",
    ),
    (
        "colour alone says what failed",
        PEOPLE,
        "colour_adds_nothing_to_the_words",
    ),
    (
        "a failure does not say why and what comes next",
        PEOPLE,
        "the_next_step_fits_the_cause",
    ),
    (
        "a control cannot be explained without a network",
        CLI,
        "explanations_are_ladders",
    ),
    (
        "a typing mistake is answered with the whole help",
        HERE,
        "a_mistyped_command_or_flag_is_answered_with_the_one_that_was_meant",
    ),
    (
        "the program needs a folder of its own beside it",
        HERE,
        "the_program_needs_nothing_beside_it",
    ),
];

#[test]
fn every_complaint_has_a_test_that_is_there() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut sources: BTreeMap<&str, String> = BTreeMap::new();
    let mut complaints = BTreeSet::new();
    for (complaint, file, test) in PAINS {
        assert!(complaints.insert(complaint), "twice: {complaint}");
        let source = sources
            .entry(file)
            .or_insert_with(|| fs::read_to_string(crates.join(file)).unwrap());
        let begins = format!("fn {test}(");
        let (before, _) = source
            .split_once(&begins)
            .unwrap_or_else(|| panic!("{file} has no test {test}: {complaint}"));
        // The line above it, but for what it is told to allow.
        let above = before.rsplit("\n\n").next().unwrap();
        assert!(above.contains("#[test]"), "{test} is no test");
    }
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::cargo_bin("kubeassay").unwrap();
        command.args(arguments).current_dir(self.0.path());
        let output = command.env_remove("NO_COLOR").output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (
            output.status.code().unwrap(),
            text(&output.stdout),
            text(&output.stderr),
        )
    }

    fn scan(&self, host: &str, more: &[&str]) -> (i32, String, String) {
        let host = hosts().join(format!("{host}.yaml"));
        self.run(&[&["scan", "--root", host.to_str().unwrap()], more].concat())
    }

    fn json(&self, host: &str) -> Json {
        let (_, stdout, _) = self.scan(host, &["-o", "json"]);
        serde_json::from_str(&stdout).unwrap()
    }

    fn files(&self) -> Vec<String> {
        let files = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn hosts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/hosts")
}

fn findings(report: &Json) -> &Vec<Json> {
    report["findings"].as_array().unwrap()
}

#[test]
fn a_file_holds_one_report_however_often_it_is_written() {
    let folder = Folder::new();
    for format in Format::ALL {
        let file = format!("{format}=report");
        folder.scan("kubeadm", &["-o", &file]);
        let once = fs::read(folder.0.path().join("report")).unwrap();
        folder.scan("kubeadm", &["-o", &file]);
        let again = fs::read(folder.0.path().join("report")).unwrap();
        assert!(once == again, "{format}");
        assert_eq!(folder.files(), ["report"]);
    }
}

/// Returns the paths of a document's keys; those of a list's items are those of any item.
fn shape(value: &Json, path: &str, shape: &mut BTreeSet<String>) {
    match value {
        Json::Object(map) => {
            for (key, value) in map {
                let path = format!("{path}.{key}");
                shape_of(value, &path, shape);
            }
        }
        Json::Array(list) => {
            for value in list {
                shape_of(value, path, shape);
            }
        }
        _ => {}
    }
}

fn shape_of(value: &Json, path: &str, found: &mut BTreeSet<String>) {
    found.insert(path.to_owned());
    // Values of settings have the shape that they have.
    if path.rsplit('.').next() != Some("value") {
        shape(value, path, found);
    }
}

#[test]
fn the_shape_of_a_report_is_the_same_for_every_kind_of_node() {
    let folder = Folder::new();
    let of = |host| {
        let report = folder.json(host);
        let mut top = BTreeSet::new();
        shape(&report, "", &mut top);
        let keys = report.as_object().unwrap().keys().cloned().collect();
        let all: Vec<BTreeSet<String>> = findings(&report)
            .iter()
            .map(|finding| finding.as_object().unwrap().keys().cloned().collect())
            .collect();
        (keys, all, top)
    };
    let (keys, all, _): (BTreeSet<String>, _, _) = of("kubeadm");
    let of_finding = all[0].clone();
    for host in [
        "kubeadm-control-plane",
        "k3s",
        "talos",
        "no-kubernetes",
        "two-kubelets",
    ] {
        let (other, all, _) = of(host);
        assert_eq!(keys, other, "{host}");
        for finding in all {
            assert_eq!(of_finding, finding, "{host}");
        }
    }
    let (_, _, once) = of("kubeadm-control-plane");
    let (_, _, again) = of("kubeadm-control-plane");
    assert_eq!(once, again);
}

#[test]
fn an_unknown_format_is_refused_before_anything_is_read() {
    let folder = Folder::new();
    for wanted in [
        "xlsx",
        "report.xlsx",
        "json=a.json -o out/report.docx",
        "xlsx=report.json",
    ] {
        let outputs: Vec<&str> = wanted.split(" -o ").flat_map(|one| ["-o", one]).collect();
        // If it were read, that would be said.
        let arguments = [&["scan", "--root", "/nonexistent/host"], &outputs[..]].concat();
        let (code, stdout, stderr) = folder.run(&arguments);
        assert_eq!((code, stdout.as_str()), (64, ""), "{wanted}: {stderr}");
        assert!(!stderr.contains("/nonexistent/host"), "{stderr}");
        assert!(
            stderr.contains("jsonl"),
            "names those that there are: {stderr}"
        );
    }
    assert_eq!(folder.files(), Vec::<String>::new());
}

#[test]
fn whatever_fails_or_is_unknown_is_in_the_table() {
    let folder = Folder::new();
    for host in [
        "demo",
        "kubeadm-control-plane",
        "k3s",
        "two-kubelets",
        "denied-reads",
    ] {
        let report = folder.json(host);
        let (_, table, _) = folder.scan(host, &[]);
        let mut open = 0;
        for finding in findings(&report) {
            let verdict = finding["verdict"].as_str().unwrap();
            let hidden = finding["subject"]["in_pod"] == true;
            if !matches!(verdict, "fail" | "unknown") || hidden {
                continue;
            }
            open += 1;
            let words: Vec<&str> = finding["title"].as_str().unwrap().split(' ').collect();
            let told = table.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(told.contains(&words.join(" ")), "{host}: {finding}");
        }
        assert!(open > 0, "{host}");
        let summary = &report["summary"];
        let counts = format!("{} fail · {} unknown", summary["fail"], summary["unknown"]);
        assert!(table.contains(&counts), "{host}: {counts}");
    }
}

#[test]
fn a_failure_has_what_was_found_what_was_wanted_and_where_it_stands() {
    let folder = Folder::new();
    let report = folder.json("demo");
    let failing: Vec<&Json> = findings(&report)
        .iter()
        .filter(|finding| finding["verdict"] == "fail")
        .collect();
    assert!(!failing.is_empty());
    for finding in failing {
        for key in ["reason", "expected", "remediation", "title", "id"] {
            assert_ne!(finding[key].as_str().unwrap(), "", "{key} of {finding}");
        }
        let evidence = finding["evidence"].as_array().unwrap();
        assert!(!evidence.is_empty(), "{finding}");
        for one in evidence {
            let origin = &one["origin"];
            assert!(
                origin["kind"].is_string() && one["observed_at"].is_string(),
                "{one}"
            );
            // A mode is one of a file, and of no line.
            let in_file = matches!(origin["kind"].as_str(), Some("file" | "drop-in"))
                && one["setting"].is_string();
            assert!(
                !in_file || (origin["path"].is_string() && origin["line"].is_u64()),
                "{one}"
            );
        }
    }
    assert!(
        report["rules"]["digest"]
            .as_str()
            .unwrap()
            .starts_with("sha256:")
    );
}

#[test]
fn every_format_to_stdout_or_a_file_has_the_same_exit_code() {
    let folder = Folder::new();
    for (host, code) in [("kubeadm", 0), ("no-config", 1), ("denied-reads", 2)] {
        let (_, report, _) = folder.scan(host, &["4.2.2", "-o", "jsonl"]);
        fs::write(folder.0.path().join("saved.jsonl"), report).unwrap();
        for format in Format::ALL {
            let word = format.as_str();
            let to_file = format!("{word}=out");
            for output in [word, &to_file] {
                let (found, _, stderr) = folder.scan(host, &["4.2.2", "-o", output]);
                assert_eq!(found, code, "{host} -o {output}: {stderr}");
                // The same for what was scanned before.
                let (found, ..) = folder.run(&["render", "saved.jsonl", "-o", output]);
                assert_eq!(found, code, "{host} -o {output}");
            }
        }
    }
}

#[test]
fn a_gate_that_is_missed_is_a_verdict_and_no_usage_error() {
    let folder = Folder::new();
    for (host, gate, code) in [
        ("demo", ["--fail-on", "fail:low"], 1),
        ("denied-reads", ["--max-unknown", "0"], 2),
        ("no-kubernetes", ["--min-coverage", "100%"], 2),
    ] {
        let rule = ["4.2.2", "-o", "json"];
        let (found, _, stderr) = folder.scan(host, &[&rule[..], &gate].concat());
        assert_eq!(found, code, "{host}: {stderr}");
        let last = stderr.lines().last().unwrap();
        assert!(
            last.starts_with(&format!("kubeassay: exit {code}: ")),
            "{stderr}"
        );
        assert!(!stderr.to_lowercase().contains("usage"), "{stderr}");
    }
}

#[test]
fn the_format_has_both_its_names_and_several_go_out_at_once() {
    let folder = Folder::new();
    let (_, by_letter, _) = folder.scan("demo", &["-o", "json"]);
    let (_, by_word, _) = folder.scan("demo", &["--output", "json"]);
    let (_, as_elsewhere, _) = folder.scan("demo", &["--format", "json"]);
    assert_eq!((&by_letter, &by_letter), (&by_word, &as_elsewhere));
    let (_, table, _) = folder.scan(
        "demo",
        &[
            "-o", "table", "-o", "a.json", "-o", "b.sarif", "-o", "csv=c",
        ],
    );
    assert!(table.contains("FAIL"));
    assert_eq!(folder.files(), ["a.json", "b.sarif", "c"]);
    assert_eq!(
        fs::read_to_string(folder.0.path().join("a.json")).unwrap(),
        by_letter
    );
}

#[test]
fn whoever_writes_to_a_file_is_told_the_outcome() {
    let folder = Folder::new();
    for format in Format::ALL {
        let file = format!("{format}=report");
        let (code, stdout, stderr) = folder.scan("demo", &["-o", &file]);
        assert_eq!((code, stdout.as_str()), (1, ""), "{format}");
        let report = folder.json("demo");
        let reason = report["gate"]["reason"].as_str().unwrap();
        assert!(
            stderr.contains(&format!("exit 1: {reason}")),
            "{format}: {stderr}"
        );
    }
}

#[test]
fn a_mistyped_command_or_flag_is_answered_with_the_one_that_was_meant() {
    let folder = Folder::new();
    for (arguments, meant) in [
        (&["scna"][..], "scan"),
        (&["scan", "--out", "json"], "--output"),
        (&["scan", "--demo", "--color", "allways"], "always"),
        (&["scan", "4.2.22", "--demo"], "4.2.2"),
    ] {
        let (code, stdout, stderr) = folder.run(arguments);
        assert_eq!((code, stdout.as_str()), (64, ""));
        assert!(stderr.contains(meant), "{arguments:?}: {stderr}");
        assert!(stderr.lines().count() < 12, "{arguments:?}: {stderr}");
    }
}

#[test]
fn the_program_needs_nothing_beside_it() {
    let folder = Folder::new();
    let alone = folder.0.path().join("kubeassay");
    fs::copy(assert_cmd::cargo::cargo_bin("kubeassay"), &alone).unwrap();
    let mut command = std::process::Command::new(&alone);
    command.args(["scan", "--demo", "--fail-on", "fail"]);
    let output = command
        .current_dir(folder.0.path())
        .env_clear()
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("FAIL"));
    assert_eq!(folder.files(), ["kubeassay"]);
}
