//! What changed between two reports, as people and programs see it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "clippy takes helpers of tests for no tests"
)]

#[path = "common/cells.rs"]
mod cells;
mod common;
#[path = "common/definitions.rs"]
mod definitions;
#[path = "common/exposition.rs"]
mod exposition;
#[path = "common/marks.rs"]
mod marks;
#[path = "common/objects.rs"]
mod objects;
#[path = "common/pages.rs"]
mod pages;
#[path = "common/paragraph.rs"]
mod paragraph;
#[path = "common/poison.rs"]
mod poison;
#[path = "common/proof.rs"]
mod proof;
#[path = "common/schema.rs"]
mod schema;
#[path = "common/suites.rs"]
mod suites;

#[path = "changes/csv.rs"]
mod csv;
#[path = "changes/html.rs"]
mod html;
#[path = "changes/junit.rs"]
mod junit;
#[path = "changes/ocsf.rs"]
mod ocsf;
#[path = "changes/openreports.rs"]
mod openreports;
#[path = "changes/oscal.rs"]
mod oscal;
#[path = "changes/prometheus.rs"]
mod prometheus;
#[path = "changes/sarif.rs"]
mod sarif;

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};

use common::{
    anonymous, denied, evidence, failing, file, manual, node, passing, report, shown, waived,
};
use insta::assert_snapshot;
use kubeassay_core::report::{Finding, Report, Tool};
use kubeassay_core::{OriginKind, Value as Observed, Verdict};
use kubeassay_report::changes::{self, CompareError, Comparison};
use kubeassay_report::read::{Limits, ReportFile};
use kubeassay_report::{Format, Prose, Room, Style};
use serde_json::Value;

fn compare(old: &Report, new: &Report) -> Comparison {
    compare_in(old, new, Room::MEMORY).unwrap()
}

fn compare_in(old: &Report, new: &Report, room: Room) -> Result<Comparison, CompareError> {
    let open = |name, report| {
        let text = shown(report, Format::Jsonl, 80, false);
        ReportFile::open(name, Cursor::new(text.into_bytes()), Limits::USUAL).unwrap()
    };
    let tool = Tool {
        name: "kubeassay".to_owned(),
        version: "0.1.0".to_owned(),
        commit: None,
    };
    changes::compare(
        &mut open("old.jsonl", old),
        &mut open("new.jsonl", new),
        tool,
        room,
    )
}

fn written(changes: &Comparison, format: Format, width: usize, colour: bool) -> String {
    let mut out = Vec::new();
    changes::write(
        changes,
        format,
        Style { width, colour },
        &Prose::default(),
        &mut out,
    )
    .unwrap();
    String::from_utf8(out).unwrap()
}

/// The read-only port, whose value is this.
fn port(node: &str, value: i64, line: u32) -> Finding {
    let path = "/etc/kubernetes/kubelet.conf.d/20-ports.conf";
    let origin = file(OriginKind::DropIn, path, line, 15);
    Finding {
        verdict: Verdict::Fail,
        reason: "the read-only port answers everybody".to_owned(),
        evidence: vec![evidence(
            "kubelet.readOnlyPort",
            Observed::Int(value),
            origin,
        )],
        ..passing(node)
    }
}

/// Every kind of change once: worker-1 stays, worker-2 went, worker-3 came.
fn every_kind() -> Comparison {
    let (old, new) = reports();
    compare(&old, &new)
}

fn reports() -> (Report, Report) {
    let idle = |finding: Finding| Finding {
        waiver: None,
        ..finding
    };
    let other_port = |mut finding: Finding| {
        finding.id.push_str("-other");
        finding.rule.push_str("-other");
        finding
    };
    let old = report(
        vec![node("worker-1"), node("worker-2")],
        vec![
            denied("worker-1"),
            failing("worker-1"),
            port("worker-1", 10_255, 4),
            other_port(port("worker-1", 10_255, 4)),
            idle(waived("worker-1")),
            manual("worker-1"),
            failing("worker-2"),
        ],
    );
    let new = report(
        vec![node("worker-1"), node("worker-3")],
        vec![
            // Decided now.
            Finding {
                reason: "anyone may ask it".to_owned(),
                ..anonymous("worker-1", Verdict::Fail)
            },
            // Mended.
            Finding {
                verdict: Verdict::Pass,
                evidence: vec![evidence(
                    "kubelet.authorization.mode",
                    Observed::string("Webhook"),
                    file(OriginKind::File, common::CONFIG, 10, 9),
                )],
                ..failing("worker-1")
            },
            // Another port is open.
            port("worker-1", 10_256, 4),
            // The line is another one.
            other_port(port("worker-1", 10_255, 7)),
            waived("worker-1"),
            manual("worker-1"),
            failing("worker-3"),
        ],
    );
    (old, new)
}

/// A file that is full, or gives nothing back.
struct Broken(bool);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("it gives nothing back"))
    }
}

impl Write for Broken {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let full = io::Error::other("it is full");
        if self.0 { Err(full) } else { Ok(data.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Broken {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Ok(0)
    }
}

#[test]
fn changes_that_wait_in_a_file_are_the_same_and_a_file_that_fails_is_an_error() {
    let (old, new) = reports();
    let file = || Room::new(10, || Ok(Box::new(Cursor::new(Vec::new()))));
    let in_file = compare_in(&old, &new, file()).unwrap();
    let in_memory = compare(&old, &new);
    for format in Format::ALL {
        let [one, other] = [&in_file, &in_memory].map(|one| written(one, *format, 80, false));
        assert_eq!(one, other, "{format}");
    }
    let full = Room::new(10, || Ok(Box::new(Broken(true))));
    let error = compare_in(&old, &new, full).unwrap_err();
    assert!(error.to_string().contains("temporary file"), "{error}");
    let silent = Room::new(10, || Ok(Box::new(Broken(false))));
    let comparison = compare_in(&old, &new, silent).unwrap();
    let style = Style {
        width: 80,
        colour: false,
    };
    for format in Format::ALL {
        let mut out = Vec::new();
        let written = changes::write(&comparison, *format, style, &Prose::default(), &mut out);
        assert!(written.is_err(), "{format}");
    }
}

#[test]
fn every_kind_of_change_as_people_see_it() {
    let changes = every_kind();
    let kinds: Vec<&str> = changes
        .changes
        .outlines()
        .iter()
        .map(|change| change.kind.as_str())
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
    assert_snapshot!("changes_80", written(&changes, Format::Table, 80, false));
    assert_snapshot!("changes_40", written(&changes, Format::Table, 40, false));
    assert_snapshot!(
        "changes_80_colour",
        written(&changes, Format::Table, 80, true)
    );
    assert_snapshot!(
        "changes_wide_100",
        written(&changes, Format::Wide, 100, false)
    );
    assert_snapshot!(
        "changes_markdown",
        written(&changes, Format::Markdown, 80, false)
    );
}

#[test]
fn every_kind_of_change_as_programs_read_it() {
    let changes = every_kind();
    assert_snapshot!("changes_json", written(&changes, Format::Json, 80, false));
    assert_snapshot!("changes_jsonl", written(&changes, Format::Jsonl, 80, false));
    assert_snapshot!("changes_yaml", written(&changes, Format::Yaml, 80, false));
}

#[test]
fn findings_of_one_id_are_compared_one_by_one() {
    let of = |verdicts: &[Verdict]| {
        let findings = verdicts.iter().map(|verdict| Finding {
            verdict: *verdict,
            ..failing("worker-1")
        });
        report(vec![node("worker-1")], findings.collect())
    };
    let (fail, pass) = (Verdict::Fail, Verdict::Pass);
    for (old, new, wanted) in [
        (
            vec![fail, fail],
            vec![fail],
            vec![("no-longer-seen", Some(fail), None)],
        ),
        (vec![fail, pass], vec![fail], vec![]),
        (
            vec![fail, pass],
            vec![fail, fail],
            vec![("new", Some(pass), Some(fail))],
        ),
        (
            vec![fail, fail],
            vec![pass, pass],
            vec![
                ("fixed", Some(fail), Some(pass)),
                ("fixed", Some(fail), Some(pass)),
            ],
        ),
        (
            vec![fail],
            vec![fail, fail],
            vec![("new", None, Some(fail))],
        ),
    ] {
        let comparison = compare(&of(&old), &of(&new));
        let verdict = |side: Option<&Finding>| side.map(|one| one.verdict);
        let changes: Vec<_> = comparison.changes.iter().map(Result::unwrap).collect();
        let found: Vec<_> = changes
            .iter()
            .map(|one| (one.kind.as_str(), verdict(one.before()), verdict(one.now())))
            .collect();
        assert_eq!(found, wanted, "{old:?} {new:?}");
    }
}

/// Two reports that say the same.
fn nothing() -> Comparison {
    let same = report(vec![node("worker-1")], vec![failing("worker-1")]);
    compare(&same, &same)
}

#[test]
fn nothing_changed_is_said() {
    let changes = nothing();
    assert_snapshot!("changes_none", written(&changes, Format::Table, 80, false));
}

#[test]
fn no_colour_says_the_same_as_colour() {
    let changes = every_kind();
    let plain = written(&changes, Format::Table, 80, false);
    let mut painted = written(&changes, Format::Table, 80, true);
    assert_ne!(plain, painted);
    while let Some(from) = painted.find('\u{1b}') {
        let length = painted.split_at(from).1.find('m').unwrap();
        painted.replace_range(from..=from + length, "");
    }
    assert_eq!(plain, painted);
}

/// Two reports that hold nothing but `text`, of which the newer has lost nodes and evidence.
fn poisoned(text: &str) -> Comparison {
    let mut old = poison::poisoned_report(text);
    old.findings.truncate(4);
    let mut new = poison::poisoned_report(text);
    for finding in &mut new.findings {
        finding.evidence.truncate(3);
    }
    // Other nodes, so that some came and some went.
    for node in &mut old.scanned.nodes {
        node.id.push_str("-old");
    }
    compare(&old, &new)
}

#[test]
fn no_foreign_text_acts_in_what_changed() {
    for text in proof::corpus() {
        let changes = poisoned(&text);
        assert!(!changes.changes.is_empty());
        prove(&changes);
        let document = written(&changes, Format::Markdown, 80, false);
        let rows = document.lines().filter(|line| line.starts_with("| "));
        for row in rows.skip(1) {
            let bars = row.replace("&#124;", "").matches('|').count();
            assert_eq!(bars, 6, "{row}");
        }
    }
}

/// How many changes there are of each kind, by its word.
type Counts = BTreeMap<String, usize>;

/// Returns what a format says of how many changes there are of each kind; `None` where it says so in words for people.
fn counts(format: Format, document: &str) -> Option<Counts> {
    match format {
        Format::Table | Format::Wide | Format::Markdown => None,
        Format::Json => Some(listed(&serde_json::from_str(document).unwrap())),
        Format::Yaml => Some(listed(&serde_saphyr::from_str(document).unwrap())),
        Format::Jsonl => {
            let lines = document.lines();
            let lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
            let changes = lines.filter(|line| line["kind"] == "change");
            Some(tally(changes.map(|line| word(&line["change"]))))
        }
        Format::Sarif => Some(sarif::counts(document)),
        Format::Junit => Some(junit::counts(document)),
        Format::Csv => Some(csv::counts(document)),
        Format::Html => Some(html::counts(document)),
        Format::Oscal => Some(oscal::counts(document)),
        Format::Ocsf => Some(ocsf::counts(document)),
        Format::OpenReports => Some(openreports::counts(document)),
        Format::Prometheus => Some(prometheus::counts(document)),
    }
}

fn listed(document: &Value) -> Counts {
    let changes = document["changes"].as_array().unwrap().iter();
    tally(changes.map(|change| word(&change["change"])))
}

fn word(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Counts words.
fn tally(words: impl Iterator<Item = String>) -> Counts {
    let mut counts = Counts::new();
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    counts
}

/// Proves a document of every format: it is valid and inert, has each change once, and is the same when it is written again.
fn prove(comparison: &Comparison) {
    let kinds = comparison.changes.outlines().iter();
    let wanted = tally(kinds.map(|change| change.kind.as_str().to_owned()));
    for format in Format::ALL {
        let document = written(comparison, *format, 80, false);
        proof::proof(*format, &document);
        if let Some(counts) = counts(*format, &document) {
            assert_eq!(counts, wanted, "{format}");
        }
        assert_eq!(
            document,
            written(comparison, *format, 80, false),
            "{format}"
        );
    }
}

#[test]
fn every_format_has_the_same_counts() {
    for comparison in [every_kind(), nothing()] {
        prove(&comparison);
    }
}
