//! Facts to a report to every format, and what must hold on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use jiff::Timestamp;
use kubeassay_config::tables::Minor;
use kubeassay_core::facts::{Facts, Source, Tool};
use kubeassay_core::report::{FailOn, Finding, GateOptions, Report, Rules};
use kubeassay_core::rule::{Catalogue, Rule};
use kubeassay_core::{Verdict, text};
use kubeassay_engine::{BUNDLED_RULES, Options, judge};
use kubeassay_report::{Format, Prose, Style, render};
use serde_json::Value;

/// The bundled rules.
static BUNDLED: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::prepared(&BUNDLED_RULES));

/// What the page for people may put out besides text, where it may colour.
const COLOURS: [&str; 6] = [
    "\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m",
];

/// Judges facts by the bundled rules, and asserts what holds for every report.
pub(crate) fn judged(facts: &[Facts], version: Option<Minor>, include_pods: bool) -> Report {
    let rules: Vec<&Rule> = BUNDLED.rules().collect();
    let options = Options {
        tool: Tool {
            name: "kubeassay".to_owned(),
            version: "0".to_owned(),
            commit: None,
        },
        source: Source::Facts,
        cluster: None,
        started: Timestamp::UNIX_EPOCH,
        kubernetes_version: version,
        gate: GateOptions {
            include_pods,
            ..GateOptions::new(FailOn::UNKNOWN)
        },
        rules: Rules {
            count: rules.len(),
            digest: String::new(),
            benchmark: None,
            added: Vec::new(),
            replaced: Vec::new(),
        },
        problems: Vec::new(),
        benchmark: None,
        choices: kubeassay_core::rule::SiteChoices::default(),
    };
    let report = judge(facts, &rules, &options);
    adds_up(&report, facts, include_pods);
    report
}

fn adds_up(report: &Report, facts: &[Facts], include_pods: bool) {
    let ids: BTreeSet<&str> = report
        .findings
        .iter()
        .map(|finding| finding.id.as_str())
        .collect();
    assert_eq!(
        ids.len(),
        report.findings.len(),
        "two findings have the same id"
    );
    assert_eq!(
        report.scanned.nodes.len(),
        facts.len(),
        "every document is a node"
    );
    for finding in &report.findings {
        let open = matches!(finding.verdict, Verdict::Unknown | Verdict::Manual);
        assert_eq!(open, finding.cause.is_some(), "{finding:?}");
        assert!(!finding.reason.is_empty(), "{finding:?}");
        // All bundled checks read settings: without evidence there is no verdict.
        let decided = matches!(finding.verdict, Verdict::Pass | Verdict::Fail);
        assert!(
            !decided || !finding.evidence.is_empty(),
            "decided on nothing: {finding:?}"
        );
        let node = report
            .scanned
            .nodes
            .iter()
            .filter(|node| Some(&node.id) == finding.node.as_ref())
            .count();
        assert_eq!(node, 1, "of a node that is not in the report: {finding:?}");
    }
    let counted = |verdict| {
        let counts = |finding: &&Finding| {
            finding.verdict == verdict && (include_pods || !finding.subject.in_pod)
        };
        report.findings.iter().filter(counts).count()
    };
    let (pass, fail, unknown) = (
        counted(Verdict::Pass),
        counted(Verdict::Fail),
        counted(Verdict::Unknown),
    );
    let summary = report.summary;
    assert_eq!(
        (summary.pass, summary.fail, summary.unknown),
        (pass, fail, unknown)
    );
    let any = pass + fail + unknown + counted(Verdict::Manual) + counted(Verdict::NotApplicable);
    let code = if fail > 0 {
        1
    } else if unknown > 0 || any == 0 || !report.complete {
        2
    } else {
        0
    };
    assert_eq!(report.gate.exit_code, code, "{:?}", report.gate);
    let partial = facts
        .iter()
        .any(|facts| !facts.complete || !facts.node.process_table.unreadable.is_empty());
    assert!(
        !partial || !report.complete,
        "complete, though not all was read"
    );
}

/// Renders a report and asserts what holds for each format: one for people and one for machines, which ones by `turn`.
pub(crate) fn shown(report: &Report, width: usize, turn: usize) {
    let format = [Format::Table, Format::Wide][turn % 2];
    let style = Style {
        width,
        colour: false,
    };
    let plain = rendered(report, format, style);
    for line in plain.lines() {
        assert_eq!(text::escape(line), line, "raw in {}", format.as_str());
    }
    let mut coloured = rendered(
        report,
        format,
        Style {
            colour: true,
            ..style
        },
    );
    for colour in COLOURS {
        coloured = coloured.replace(colour, "");
    }
    assert_eq!(
        coloured,
        plain,
        "colour changes the words of {}",
        format.as_str()
    );

    let wanted = serde_json::to_value(report).expect("a report is JSON");
    match [Format::Json, Format::Jsonl, Format::Yaml][turn / 2 % 3] {
        Format::Jsonl => {
            let lines = rendered(report, Format::Jsonl, style);
            let lines: Vec<Value> = lines
                .lines()
                .map(|line| serde_json::from_str(line).expect("a line is JSON"))
                .collect();
            assert_eq!(
                lines.len(),
                report.findings.len() + report.scanned.nodes.len() + 2,
                "a line for each node and each finding, and two"
            );
            let findings = wanted["findings"].as_array().expect("findings are a list");
            for finding in findings {
                let line = lines.iter().find(|line| line["id"] == finding["id"]);
                let line = line.unwrap_or_else(|| panic!("there is no line for {finding}"));
                assert!(is_in(finding, line), "{line} is not {finding}");
            }
        }
        Format::Yaml => {
            let yaml = rendered(report, Format::Yaml, style);
            let read: Value = serde_saphyr::from_str(&yaml)
                .unwrap_or_else(|error| panic!("YAML is not YAML: {error}: {yaml}"));
            assert_eq!(read, wanted, "YAML says something else");
        }
        _ => {
            let json = rendered(report, Format::Json, style);
            let read: Value = serde_json::from_str(&json).expect("JSON is JSON");
            assert_eq!(read, wanted, "JSON says something else");
        }
    }
}

/// Whether a line has every key of a finding; it says its kind besides.
fn is_in(finding: &Value, line: &Value) -> bool {
    let finding = finding.as_object().expect("a finding is an object");
    finding
        .iter()
        .all(|(key, value)| line.get(key) == Some(value))
}

fn rendered(report: &Report, format: Format, style: Style) -> String {
    let mut out = Vec::new();
    render(report, format, style, &Prose::default(), &mut out).expect("a vector takes everything");
    String::from_utf8(out).expect("everything is text")
}

/// Asserts that a report on less says the same or does not know: no verdict is turned by what is not known.
pub(crate) fn knows_no_better(whole: &Report, less: &Report) {
    let verdicts: BTreeMap<&str, &Finding> = whole
        .findings
        .iter()
        .map(|finding| (finding.id.as_str(), finding))
        .collect();
    for finding in &less.findings {
        let Some(before) = verdicts.get(finding.id.as_str()) else {
            continue;
        };
        let decided = |finding: &Finding| matches!(finding.verdict, Verdict::Pass | Verdict::Fail);
        assert!(
            !decided(finding) || !decided(before) || finding.verdict == before.verdict,
            "{} was {} ({}) and is {} ({}) with less known",
            finding.rule,
            before.verdict,
            before.reason,
            finding.verdict,
            finding.reason
        );
    }
}
