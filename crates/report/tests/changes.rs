//! What changed between two reports, as people and programs see it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy takes helpers of tests for no tests"
)]

mod common;
#[path = "common/marks.rs"]
mod marks;
#[path = "common/poison.rs"]
mod poison;

use std::io::Cursor;

use common::{
    anonymous, denied, evidence, failing, file, manual, node, passing, report, shown, waived,
};
use insta::assert_snapshot;
use kubeassay_core::changes::Changes;
use kubeassay_core::report::{Finding, Report, Tool};
use kubeassay_core::text::escape;
use kubeassay_core::{OriginKind, Value, Verdict};
use kubeassay_report::changes::{self, ChangesFormat};
use kubeassay_report::read::{Limits, ReportFile};
use kubeassay_report::{Format, Style};

fn compare(old: &Report, new: &Report) -> Changes {
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
    )
    .unwrap()
}

fn written(changes: &Changes, format: ChangesFormat, width: usize, colour: bool) -> String {
    let mut out = Vec::new();
    changes::write(changes, format, Style { width, colour }, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The read-only port, whose value is this.
fn port(node: &str, value: i64, line: u32) -> Finding {
    let path = "/etc/kubernetes/kubelet.conf.d/20-ports.conf";
    let origin = file(OriginKind::DropIn, path, line, 15);
    Finding {
        verdict: Verdict::Fail,
        reason: "the read-only port answers everybody".to_owned(),
        evidence: vec![evidence("kubelet.readOnlyPort", Value::Int(value), origin)],
        ..passing(node)
    }
}

/// Every kind of change once: worker-1 stays, worker-2 went, worker-3 came.
fn every_kind() -> Changes {
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
                    Value::string("Webhook"),
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
    compare(&old, &new)
}

#[test]
fn every_kind_of_change_as_people_see_it() {
    let changes = every_kind();
    let kinds: Vec<&str> = changes
        .changes
        .iter()
        .map(|change| change.change.as_str())
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
    assert_snapshot!(
        "changes_80",
        written(&changes, ChangesFormat::Table, 80, false)
    );
    assert_snapshot!(
        "changes_40",
        written(&changes, ChangesFormat::Table, 40, false)
    );
    assert_snapshot!(
        "changes_80_colour",
        written(&changes, ChangesFormat::Table, 80, true)
    );
    assert_snapshot!(
        "changes_wide_100",
        written(&changes, ChangesFormat::Wide, 100, false)
    );
    assert_snapshot!(
        "changes_markdown",
        written(&changes, ChangesFormat::Markdown, 80, false)
    );
}

#[test]
fn every_kind_of_change_as_programs_read_it() {
    let changes = every_kind();
    assert_snapshot!(
        "changes_json",
        written(&changes, ChangesFormat::Json, 80, false)
    );
    assert_snapshot!(
        "changes_jsonl",
        written(&changes, ChangesFormat::Jsonl, 80, false)
    );
    assert_snapshot!(
        "changes_yaml",
        written(&changes, ChangesFormat::Yaml, 80, false)
    );
}

#[test]
fn nothing_changed_is_said() {
    let same = report(vec![node("worker-1")], vec![failing("worker-1")]);
    let changes = compare(&same, &same);
    assert_snapshot!(
        "changes_none",
        written(&changes, ChangesFormat::Table, 80, false)
    );
}

#[test]
fn no_colour_says_the_same_as_colour() {
    let changes = every_kind();
    let plain = written(&changes, ChangesFormat::Table, 80, false);
    let mut painted = written(&changes, ChangesFormat::Table, 80, true);
    assert_ne!(plain, painted);
    while let Some(from) = painted.find('\u{1b}') {
        let length = painted.split_at(from).1.find('m').unwrap();
        painted.replace_range(from..=from + length, "");
    }
    assert_eq!(plain, painted);
}

#[test]
fn no_foreign_text_acts_in_what_changed() {
    for text in [
        "<script>alert(1)</script>",
        "[a](https://evil.example) ![i](x) @octocat #1 GH-2 www.evil.example",
        "| a | b |\n|---|---|\n| c \\| d |",
        "a\\|b`|``|",
        "\u{1b}[31m\u{202e}live\0\r\n# x",
        "</details> `x` **b** $x$ :smile:",
    ] {
        let mut old = poison::poisoned_report(text);
        old.findings.truncate(4);
        let new = poison::poisoned_report(text);
        let mut new_one = new.clone();
        for finding in &mut new_one.findings {
            finding.evidence.truncate(3);
        }
        // Other nodes, so that some came and some went.
        for node in &mut old.scanned.nodes {
            node.id.push_str("-old");
        }
        let changes = compare(&old, &new_one);
        assert!(!changes.changes.is_empty());
        for format in ChangesFormat::ALL {
            let document = written(&changes, *format, 80, false);
            for line in document.lines() {
                assert_eq!(escape(line), line, "{format:?}");
            }
            if *format == ChangesFormat::Markdown {
                let read = marks::read(&document);
                for acts in ["@", "#", "http", "www.", "GH-", "<", "`", "$"] {
                    assert!(!read.text.contains(acts), "{acts}: {}", read.text);
                }
                let rows = document.lines().filter(|line| line.starts_with("| "));
                for row in rows.skip(1) {
                    let bars = row.replace("&#124;", "").matches('|').count();
                    assert_eq!(bars, 6, "{row}");
                }
            }
        }
    }
}
