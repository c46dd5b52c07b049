//! Every format has the counts of the report.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "clippy takes helpers of tests for no tests"
)]

#[path = "common/cells.rs"]
mod cells;
mod common;
#[path = "common/exposition.rs"]
mod exposition;
#[path = "common/marks.rs"]
mod marks;
#[path = "common/pages.rs"]
mod pages;
#[path = "common/poison.rs"]
mod poison;

use std::collections::{BTreeMap, VecDeque};

use common::{compliant, denied, empty, failing, fleet, node, one_node, report, shown};
use kubeassay_core::report::{Report, Summary};
use kubeassay_report::Format;
use kubeassay_report::csv::COLUMNS;
use poison::poisoned_report;
use serde_json::Value;

fn reports() -> Vec<Report> {
    let mut with_pods = fleet();
    with_pods.summary.fail += 1;
    let names: Vec<String> = (0..2_600).map(|number| format!("n{number:04}")).collect();
    let findings = names
        .iter()
        .flat_map(|name| [failing(name), denied(name)])
        .collect();
    let large = report(names.iter().map(|name| node(name)).collect(), findings);
    vec![
        one_node(),
        fleet(),
        with_pods,
        compliant(),
        empty(),
        poisoned_report("</x> | `a`"),
        large,
    ]
}

/// Counts findings, as `(verdict, waived, in a workload)`; those in workloads only if they count.
fn counted(findings: impl Iterator<Item = (String, bool, bool)>, with_pods: bool) -> Summary {
    let mut summary = Summary::default();
    for (verdict, waived, in_pod) in findings {
        if in_pod && !with_pods {
            continue;
        }
        *match (waived, verdict.as_str()) {
            (true, _) => &mut summary.waived,
            (false, "pass") => &mut summary.pass,
            (false, "fail") => &mut summary.fail,
            (false, "unknown") => &mut summary.unknown,
            (false, "manual") => &mut summary.manual,
            (false, "not-applicable") => &mut summary.not_applicable,
            (false, other) => panic!("{other}"),
        } += 1;
    }
    summary
}

fn of_json(finding: &Value) -> (String, bool, bool) {
    (
        finding["verdict"].as_str().unwrap().to_owned(),
        !finding["waiver"].is_null(),
        finding["subject"]["in_pod"] == true,
    )
}

/// Returns what a document comes to; what it does not count one by one is that of the report.
fn counts(format: Format, document: &str, report: &Report) -> Summary {
    let with_pods = report.summary.total() == report.findings.len();
    match format {
        Format::Table | Format::Wide => of_table(document, report),
        Format::Json => {
            let document: Value = serde_json::from_str(document).unwrap();
            let findings = document["findings"].as_array().unwrap();
            counted(findings.iter().map(of_json), with_pods)
        }
        Format::Jsonl => {
            let lines = document.lines();
            let lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
            let findings = lines.filter(|line| line["kind"] == "finding");
            counted(findings.map(|line| of_json(&line)), with_pods)
        }
        Format::Yaml => {
            let document: Value = serde_saphyr::from_str(document).unwrap();
            let findings = document["findings"].as_array().unwrap();
            counted(findings.iter().map(of_json), with_pods)
        }
        Format::Sarif => of_sarif(document, report),
        Format::Junit => of_junit(document),
        Format::Markdown => of_markdown(document),
        Format::Html => of_html(document),
        Format::Csv => counted(of_csv(document).into_iter(), with_pods),
        Format::Oscal => counted(of_oscal(document).into_iter(), true),
        Format::Ocsf => counted(of_ocsf(document).into_iter(), true),
        Format::Prometheus => of_prometheus(document),
    }
}

fn of_table(document: &str, report: &Report) -> Summary {
    let summary = report.summary;
    let line = document.lines().find(|line| line.contains(" fail \u{b7}"));
    let Some(line) = line else {
        assert_eq!(summary.fail, 0, "{document}");
        return summary;
    };
    for (number, word) in [
        (summary.fail, "fail"),
        (summary.unknown, "unknown"),
        (summary.pass, "pass"),
    ] {
        let said = line.contains(&format!("{number} {word}"));
        assert!(number == 0 || said, "{line}");
    }
    summary
}

fn of_sarif(document: &str, report: &Report) -> Summary {
    let log: Value = serde_json::from_str(document).unwrap();
    let mut summary = Summary {
        fail: 0,
        unknown: 0,
        ..report.summary
    };
    for result in log["runs"][0]["results"].as_array().unwrap() {
        let findings = result["occurrenceCount"].as_u64().unwrap_or(1);
        *match result["properties"]["verdict"].as_str().unwrap() {
            "fail" => &mut summary.fail,
            "unknown" => &mut summary.unknown,
            other => panic!("{other}"),
        } += usize::try_from(findings).unwrap();
    }
    summary
}

fn of_junit(document: &str) -> Summary {
    let tree = roxmltree::Document::parse(document).unwrap();
    let elements = |name: &'static str| {
        tree.descendants()
            .filter(move |node| node.has_tag_name(name))
    };
    let sum = |attribute: &str| -> usize {
        let suites = elements("testsuite");
        let numbers = suites.map(|suite| suite.attribute(attribute).unwrap());
        numbers.map(|number| number.parse::<usize>().unwrap()).sum()
    };
    for (attribute, element) in [
        ("tests", "testcase"),
        ("failures", "failure"),
        ("errors", "error"),
        ("skipped", "skipped"),
    ] {
        assert_eq!(sum(attribute), elements(element).count(), "{attribute}");
    }
    let skipped = |head: &str| {
        let skipped = elements("skipped");
        let messages = skipped.map(|skipped| skipped.attribute("message").unwrap());
        messages.filter(|message| message.starts_with(head)).count()
    };
    let (manual, not_applicable) = (skipped("manual: "), skipped("not-applicable: "));
    Summary {
        pass: sum("tests") - sum("failures") - sum("errors") - sum("skipped"),
        fail: sum("failures"),
        unknown: sum("errors"),
        manual,
        not_applicable,
        waived: sum("skipped") - manual - not_applicable,
    }
}

fn of_markdown(document: &str) -> Summary {
    let read = marks::read(document);
    let cells = read.cells.iter().skip(6);
    let cells = cells.map(|cell| cell.parse::<usize>().unwrap());
    let [fail, unknown, manual, pass, not_applicable, waived] = cells.collect::<Vec<_>>()[..]
    else {
        panic!("{document}")
    };
    Summary {
        pass,
        fail,
        unknown,
        manual,
        not_applicable,
        waived,
    }
}

/// Counts the findings of entries, which come to the numbers at the head of the page.
fn of_html(document: &str) -> Summary {
    let xml = pages::xml(document);
    let tree = roxmltree::Document::parse(&xml).unwrap();
    let mut summary = Summary::default();
    let entries = tree
        .descendants()
        .filter(|node| node.has_attribute("data-counts") && !node.has_attribute("data-uncounted"));
    for entry in entries {
        for told in entry.attribute("data-counts").unwrap().split(' ') {
            let (word, number) = told.split_once(':').unwrap();
            *match word {
                "pass" => &mut summary.pass,
                "fail" => &mut summary.fail,
                "unknown" => &mut summary.unknown,
                "manual" => &mut summary.manual,
                "not-applicable" => &mut summary.not_applicable,
                "waived" => &mut summary.waived,
                other => panic!("{other}"),
            } += number.parse::<usize>().unwrap();
        }
    }
    for (word, count) in [
        ("fail", summary.fail),
        ("pass", summary.pass),
        ("waived", summary.waived),
    ] {
        let id = format!("count-{word}");
        let tile = tree
            .descendants()
            .find(|node| node.attribute("id") == Some(&id));
        let number = tile.unwrap().text().unwrap().replace(',', "");
        assert_eq!(number, count.to_string(), "{word}");
    }
    summary
}

fn of_csv(document: &str) -> Vec<(String, bool, bool)> {
    let records = cells::read(document);
    let at = |record: &[String], column: &str| {
        let place = COLUMNS.iter().position(|one| *one == column).unwrap();
        record[place].clone()
    };
    let findings = records[1..].iter();
    let findings = findings.filter(|record| !at(record, "verdict").is_empty());
    let findings = findings.map(|record| {
        let waived = at(record, "waived") == "true";
        let in_pod = at(record, "in_pod") == "true";
        (at(record, "verdict"), waived, in_pod)
    });
    findings.collect()
}

/// Every finding is an observation with a verdict; what follows from it is a finding of OSCAL.
fn of_oscal(document: &str) -> Vec<(String, bool, bool)> {
    let document: Value = serde_json::from_str(document).unwrap();
    let results = document["assessment-results"]["results"]
        .as_array()
        .unwrap();
    let mut findings = Vec::new();
    for result in results {
        let items = |name: &str| result[name].as_array().cloned().unwrap_or_default();
        let mut concluded = BTreeMap::new();
        for finding in items("findings") {
            let observation = finding["related-observations"][0]["observation-uuid"].clone();
            let status = finding["target"]["status"].clone();
            let status = (status["state"].clone(), status["reason"].clone());
            // Made up findings share their ids.
            let of_id: &mut VecDeque<_> = concluded
                .entry(observation.as_str().unwrap().to_owned())
                .or_default();
            of_id.push_back(status);
        }
        for observation in items("observations") {
            let prop = |name: &str| {
                let props = observation["props"].as_array().unwrap().iter();
                let prop = props.clone().find(|prop| prop["name"] == name);
                prop.map(|prop| prop["value"].as_str().unwrap().to_owned())
            };
            let Some(verdict) = prop("verdict") else {
                continue;
            };
            let status = match verdict.as_str() {
                "not-applicable" => None,
                _ => concluded
                    .get_mut(observation["uuid"].as_str().unwrap())
                    .and_then(VecDeque::pop_front),
            };
            let status = status.map(|(state, reason)| {
                let text = |value: Value| value.as_str().unwrap().to_owned();
                (text(state), text(reason))
            });
            let status = status
                .as_ref()
                .map(|(state, reason)| (state.as_str(), reason.as_str()));
            let wanted = match verdict.as_str() {
                "pass" => Some(("satisfied", "pass")),
                "fail" => Some(("not-satisfied", "fail")),
                "unknown" | "manual" => Some(("not-satisfied", "other")),
                _ => None,
            };
            assert_eq!(status, wanted, "{verdict}");
            findings.push((verdict, prop("waived").is_some(), false));
        }
        assert!(
            concluded.values().all(VecDeque::is_empty),
            "findings without an observation"
        );
    }
    findings
}

/// Events whose status is neither of those that the schema or a verdict knows are about nodes and the scan.
fn of_ocsf(document: &str) -> Vec<(String, bool, bool)> {
    let lines = document.lines();
    let events = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let findings = events.filter_map(|event| {
        let compliance = &event["compliance"];
        let verdict = match (&compliance["status_id"], &compliance["status"]) {
            (id, word) if *id == 0 && word == "Unknown" => "unknown",
            (id, word) if *id == 1 && word == "Pass" => "pass",
            (id, word) if *id == 3 && word == "Fail" => "fail",
            (id, word) if *id == 99 && word == "Manual" => "manual",
            (id, word) if *id == 99 && word == "Not Applicable" => "not-applicable",
            (id, word) if *id == 99 && (word == "Scan" || word == "Not Scanned") => return None,
            other => panic!("{other:?}"),
        };
        Some((verdict.to_owned(), event["status_id"] == 3, false))
    });
    findings.collect()
}

fn of_prometheus(document: &str) -> Summary {
    let metrics = exposition::read(document);
    let sum = |verdict: Option<&str>, waived: &str| -> usize {
        let samples = metrics["kubeassay_findings"].samples.iter();
        let samples = samples.filter(|sample| {
            assert_eq!(sample.time, None);
            sample.labels["waived"] == waived
                && verdict.is_none_or(|verdict| sample.labels["verdict"] == verdict)
        });
        let numbers = samples.map(|sample| sample.value.parse::<usize>().unwrap());
        numbers.sum()
    };
    let summary = Summary {
        pass: sum(Some("pass"), "false"),
        fail: sum(Some("fail"), "false"),
        unknown: sum(Some("unknown"), "false"),
        manual: sum(Some("manual"), "false"),
        not_applicable: sum(Some("not-applicable"), "false"),
        waived: sum(None, "true"),
    };
    let of_rules = metrics["kubeassay_rule_findings"].samples.iter();
    let of_rules = of_rules.map(|sample| sample.value.parse::<usize>().unwrap());
    let left_out = &metrics["kubeassay_rule_findings_left_out"].samples[0].value;
    let of_rules = of_rules.sum::<usize>() + left_out.parse::<usize>().unwrap();
    assert_eq!(of_rules, summary.total());
    summary
}

#[test]
fn every_format_has_the_counts_of_the_report() {
    for report in reports() {
        for format in Format::ALL {
            // The reader of YAML has its bounds, and the document is that of JSON.
            if *format == Format::Yaml && report.findings.len() > 100 {
                continue;
            }
            let document = shown(&report, *format, 80, false);
            assert_eq!(
                counts(*format, &document, &report),
                report.summary,
                "{format}"
            );
        }
    }
}
