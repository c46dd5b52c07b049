//! Every text of a report holds script, quotes, controls, escapes and marks, and no format lets any of it act.
//!
//! A format has its proof in `common/proof.rs`: one that is added without one does not compile.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::expect_used,
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

use common::{failing, node, report, shown};
use kubeassay_core::report::Finding;
use kubeassay_core::text::escape;
use kubeassay_report::Format;
use kubeassay_report::csv::COLUMNS;
use poison::poisoned_report;
use proof::{corpus, proof};
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use serde_json::Value;

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
fn found_again(text: &str) -> [(Format, String); 8] {
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
    let object = objects::read(&document(Format::OpenReports)).remove(0);
    let property = &object["results"][0]["properties"]["expected"];
    [
        (Format::Html, wanted.text().unwrap_or_default().to_owned()),
        (
            Format::OpenReports,
            property.as_str().unwrap_or_default().to_owned(),
        ),
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
            Format::OpenReports,
            Format::Prometheus,
        ] {
            let document = shown(&report, format, 80, false);
            prop_assert!(!document.is_empty());
            proof(format, &document);
        }
    }
}
