//! Every text of a report holds script, quotes, controls, escapes and marks, and no format lets any of it act.
//!
//! A format has its proof in [`proof`]: one that is added without one does not compile.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::expect_used,
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
#[path = "common/paragraph.rs"]
mod paragraph;
#[path = "common/poison.rs"]
mod poison;
#[path = "common/schema.rs"]
mod schema;

use common::{failing, node, report, shown};
use kubeassay_core::report::Finding;
use kubeassay_core::text::escape;
use kubeassay_report::csv::COLUMNS;
use kubeassay_report::{Format, markdown};
use poison::poisoned_report;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use serde_json::Value;

const OSCAL: &str = include_str!("schemas/oscal-1.1.3-assessment-results.json");
const OCSF: &str = include_str!("schemas/ocsf-1.8.0-compliance-finding.json");
const SARIF: &str = include_str!("schemas/sarif-schema-2.1.0.json");

/// The elements of `JUnit` that are written.
const ELEMENTS: [&str; 10] = [
    "testsuites",
    "testsuite",
    "testcase",
    "properties",
    "property",
    "failure",
    "error",
    "skipped",
    "system-out",
    "system-err",
];

fn corpus() -> Vec<String> {
    let texts = [
        "",
        " ",
        "<script>alert(1)</script>",
        "\"'><img src=x onerror=alert(1)>",
        "]]> --> ?> <!-- <![CDATA[",
        "--",
        "&amp;&#60;&lt;",
        "=cmd|' /C calc'!A0",
        "+1+1",
        "-2+3",
        "@SUM(1)",
        "'=1",
        "\u{ff1d}1+1",
        "\t=1",
        "\r\n=1",
        "a\r\nb\n\n# c",
        "a,b;c\"d\"",
        "\u{1b}]0;title\u{7}\u{1b}[31mred\u{1b}[0m\u{9b}31m",
        "\u{202e}live\u{2066}\u{200f}\u{61c}",
        "\0\u{1}\u{b}\u{7f}\u{85}\u{2028}",
        "\u{fffe}\u{ffff}\u{feff}\u{e0041}",
        "`code` ``` ~~~ `",
        "[a](https://evil.example) ![i](x) [a]: https://evil.example",
        "@octocat #1 GH-2 https://evil.example www.evil.example me@evil.example",
        "| a | b |\n|---|---|\n| c | d |",
        "</details></summary><details open>",
        "{0} {{1}} ${x}",
        "$(reboot) `reboot` ; reboot",
        "\\ \\\\ \\n",
        "- item\n1. item\n> quote\n---\n===",
        "---\nkey: [*alias, !!tag]",
        "%s%n %2e%2e/ ../../../etc",
        "javascript:alert(1)",
        ":smile: **b** _i_ ~~s~~ $x$ \u{1f600}",
    ];
    let mut texts: Vec<String> = texts.map(str::to_owned).to_vec();
    texts.push("x".repeat(9_000));
    texts.push("\u{202e}".repeat(1_500));
    texts.push("@".repeat(1_500));
    texts
}

/// Shows that a document holds nothing but what we write and text.
fn proof(format: Format, document: &str) {
    // Nothing that a terminal or an editor would take for more than what it shows.
    for line in document.lines() {
        assert_eq!(escape(line), line, "{format}");
    }
    match format {
        // For people: the lines above are the proof.
        Format::Table | Format::Wide => {}
        Format::Json => drop(serde_json::from_str::<Value>(document).unwrap()),
        Format::Jsonl => {
            for line in document.lines() {
                drop(serde_json::from_str::<Value>(line).unwrap());
            }
        }
        Format::Yaml => drop(serde_saphyr::from_str::<Value>(document).unwrap()),
        Format::Sarif => {
            let log: Value = serde_json::from_str(document).unwrap();
            schema::assert_valid(SARIF, &log);
            for result in log["runs"][0]["results"].as_array().unwrap() {
                let message = result["message"]["text"].as_str().unwrap();
                assert!(!message.contains("]("), "{message}");
                let uri = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
                let uri = uri.as_str().unwrap();
                assert!(
                    !uri.contains(':')
                        && !uri.starts_with('/')
                        && uri.split('/').all(|part| part != ".."),
                    "{uri}"
                );
            }
        }
        Format::Junit => {
            let tree = roxmltree::Document::parse(document).unwrap();
            let mut elements = tree.descendants().filter(roxmltree::Node::is_element);
            assert!(elements.all(|element| ELEMENTS.contains(&element.tag_name().name())));
            assert_eq!(
                tree.descendants()
                    .filter(roxmltree::Node::is_comment)
                    .count(),
                1
            );
        }
        Format::Markdown => {
            assert!(document.len() <= markdown::MAX_BYTES, "{}", document.len());
            let read = marks::read(document);
            for acts in ["@", "#", "http", "www.", "GH-", "<", "`", "$"] {
                assert!(!read.text.contains(acts), "{acts}: {}", read.text);
            }
        }
        Format::Html => pages::assert_inert(document),
        Format::Csv => {
            for record in cells::read(document) {
                assert_eq!(record.len(), COLUMNS.len());
                for cell in record {
                    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\u{ff1d}']);
                    assert!(!formula, "{cell}");
                }
            }
        }
        Format::Oscal => {
            let document: Value = serde_json::from_str(document).unwrap();
            schema::assert_valid(OSCAL, &document);
            marked_up(&document, &mut |text| paragraph::assert_plain(text));
        }
        Format::Ocsf => {
            for line in document.lines() {
                schema::assert_valid(OCSF, &serde_json::from_str(line).unwrap());
            }
        }
        Format::Prometheus => {
            for (name, metric) in exposition::read(document) {
                assert!(name.starts_with("kubeassay_"), "{name}");
                assert_eq!(metric.kind, "gauge", "{name}");
                for sample in metric.samples {
                    assert!(sample.value.parse::<f64>().is_ok_and(f64::is_finite));
                    assert_eq!(sample.time, None, "{name}");
                }
            }
            let comments = document.lines().filter(|line| line.starts_with('#'));
            for comment in comments {
                let ours = ["# kubeassay: ", "# HELP kubeassay_", "# TYPE kubeassay_"];
                assert!(
                    ours.iter().any(|head| comment.starts_with(head)),
                    "{comment}"
                );
            }
        }
    }
}

/// Hands out the texts that OSCAL takes for Markdown.
fn marked_up(value: &Value, take: &mut impl FnMut(&str)) {
    const MARKUP: [&str; 5] = ["title", "description", "remarks", "statement", "prose"];
    match value {
        Value::Array(items) => items.iter().for_each(|item| marked_up(item, take)),
        Value::Object(members) => {
            for (name, member) in members {
                match member.as_str() {
                    Some(text) if MARKUP.contains(&name.as_str()) => take(text),
                    _ => marked_up(member, take),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn no_text_acts_in_any_format() {
    for text in corpus() {
        let report = poisoned_report(&text);
        for format in Format::ALL {
            proof(*format, &shown(&report, *format, 80, false));
        }
    }
}

/// The formats that show a value beside its text: what is found again of a text that stands in a finding.
fn found_again(text: &str) -> [(Format, String); 7] {
    let finding = Finding {
        expected: text.to_owned(),
        reason: text.to_owned(),
        ..failing("worker-1")
    };
    let report = report(vec![node("worker-1")], vec![finding]);
    let document = |format| shown(&report, format, 80, false);
    let sarif: Value = serde_json::from_str(&document(Format::Sarif)).unwrap();
    let result = &sarif["runs"][0]["results"][0]["properties"]["expected"];
    let junit = document(Format::Junit);
    let tree = roxmltree::Document::parse(&junit).unwrap();
    let failure = tree
        .descendants()
        .find(|node| node.has_tag_name("failure"))
        .unwrap();
    let records = cells::read(&document(Format::Csv));
    let column = COLUMNS
        .iter()
        .position(|column| *column == "expected")
        .unwrap();
    let cell = &records[1][column];
    // A mark before what a spreadsheet would take for a formula, or for the mark.
    let cell = cell.strip_prefix('\'').unwrap_or(cell);
    let oscal: Value = serde_json::from_str(&document(Format::Oscal)).unwrap();
    let oscal = &oscal["assessment-results"]["local-definitions"]["objectives-and-methods"][0];
    let oscal = paragraph::plain(oscal["parts"][0]["prose"].as_str().unwrap());
    let ocsf = document(Format::Ocsf);
    let ocsf: Value = serde_json::from_str(ocsf.lines().next().unwrap()).unwrap();
    let markdown = marks::read(&document(Format::Markdown));
    // Behind control, place, node and subject.
    let code = markdown
        .code
        .iter()
        .find(|code| code.trim() == escape(text).trim());
    let page = pages::xml(&document(Format::Html));
    let tree = roxmltree::Document::parse(&page).unwrap();
    let wanted = tree
        .descendants()
        .find(|node| node.has_tag_name("dt") && node.text() == Some("Wanted"))
        .and_then(|node| node.next_sibling_element())
        .unwrap();
    [
        (Format::Html, wanted.text().unwrap_or_default().to_owned()),
        (Format::Sarif, result.as_str().unwrap().to_owned()),
        (
            Format::Junit,
            failure.attribute("message").unwrap().to_owned(),
        ),
        (Format::Csv, cell.to_owned()),
        (Format::Oscal, oscal),
        (
            Format::Ocsf,
            escape(ocsf["compliance"]["desc"].as_str().unwrap()),
        ),
        (Format::Markdown, code.cloned().unwrap_or_default()),
    ]
}

fn foreign() -> impl Strategy<Value = String> {
    let nasty = "[a-z \\n\\r\\t\\x00\\x07\\x1b<>&\"'`=+@,;|*_#\\-\\[\\](){}\\\\\u{9b}\u{85}\u{202e}\u{2028}日]{1,60}";
    prop_oneof![any::<String>(), nasty]
}

proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    #[test]
    fn any_text_of_a_finding_survives(text in foreign()) {
        // A text that is blank, or longer than a comment shows, or that XML has no character for, is told otherwise.
        let wanted = escape(&text);
        let shown_whole = wanted.chars().count() <= 300;
        if text.trim().is_empty() || text.contains(['\u{fffe}', '\u{ffff}']) {
            return Ok(());
        }
        for (format, found) in found_again(&text) {
            if format == Format::Markdown && !shown_whole {
                continue;
            }
            if format == Format::Oscal {
                // A sentence has one blank between its words.
                let words = |text: &str| text.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
                prop_assert_eq!(words(&found), words(&wanted));
                continue;
            }
            prop_assert_eq!(found.trim(), wanted.trim(), "{}", format);
        }
    }

    #[test]
    fn no_text_acts(text in foreign()) {
        let report = poisoned_report(&text);
        for format in [
            Format::Sarif,
            Format::Junit,
            Format::Markdown,
            Format::Csv,
            Format::Html,
            Format::Oscal,
            Format::Ocsf,
            Format::Prometheus,
        ] {
            let document = shown(&report, format, 80, false);
            prop_assert!(!document.is_empty());
            proof(format, &document);
        }
    }
}
