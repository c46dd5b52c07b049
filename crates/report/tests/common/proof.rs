//! Shows of a document in any format that no text in it acts.

use kubeassay_core::text::escape;
use kubeassay_report::{Format, markdown};
use serde_json::Value;

use crate::{cells, definitions, exposition, marks, objects, pages, paragraph, schema};

const OSCAL: &str = include_str!("../schemas/oscal-1.1.3-assessment-results.json");
const OCSF: &str = include_str!("../schemas/ocsf-1.8.0-compliance-finding.json");
const SARIF: &str = include_str!("../schemas/sarif-schema-2.1.0.json");

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

/// Returns texts that act somewhere, if they are let.
pub(crate) fn corpus() -> Vec<String> {
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
pub(crate) fn proof(format: Format, document: &str) {
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
            let records = cells::read(document);
            let columns = records[0].len();
            for record in records {
                assert_eq!(record.len(), columns);
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
        Format::OpenReports => {
            for object in objects::read(document) {
                definitions::assert_valid(&object);
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
