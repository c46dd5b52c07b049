//! What changed, as CSV.

use insta::assert_snapshot;
use kubeassay_report::Format;
use kubeassay_report::changes::COLUMNS;

use super::{Counts, cells, every_kind, nothing, tally, written};

/// Returns how many changes of each kind the document has; nodes have lines of their own, and so has no change.
pub(crate) fn counts(document: &str) -> Counts {
    let column = at("change");
    let records = cells::read(document);
    let words = records.iter().skip(1).map(|record| record[column].clone());
    tally(words.filter(|word| !word.starts_with("node-") && word != "none"))
}

fn at(name: &str) -> usize {
    COLUMNS.iter().position(|column| *column == name).unwrap()
}

#[test]
fn every_line_says_what_was_compared_and_how_it_changed() {
    let document = written(&every_kind(), Format::Csv, 80, false);
    assert_snapshot!("changes_csv", document);
    let records = cells::read(&document);
    assert_eq!(records[0], COLUMNS);
    for record in &records[1..] {
        assert_eq!(record.len(), COLUMNS.len());
        assert_eq!(record[at("old_report")], "old.jsonl");
        assert_eq!(record[at("new_report")], "new.jsonl");
        let (old, new) = (&record[at("old_verdict")], &record[at("new_verdict")]);
        let (was, is) = match record[at("change")].as_str() {
            "new" => ("", "fail"),
            "changed-verdict" => ("unknown", "fail"),
            "changed-value" | "changed-origin" | "waived" => ("fail", "fail"),
            "no-longer-seen" => ("fail", ""),
            "fixed" => ("fail", "pass"),
            "node-came" | "node-went" => ("", ""),
            other => panic!("{other}"),
        };
        assert_eq!([old, new], [was, is], "{record:?}");
    }
    let nodes: Vec<[&str; 2]> = records
        .iter()
        .filter(|record| record[at("change")].starts_with("node-"))
        .map(|record| [&record[at("change")], &record[at("node")]].map(String::as_str))
        .collect();
    assert_eq!(
        nodes,
        [["node-came", "worker-3"], ["node-went", "worker-2"]]
    );
}

#[test]
fn that_nothing_changed_is_a_line() {
    let records = cells::read(&written(&nothing(), Format::Csv, 80, false));
    assert_eq!(records.len(), 2);
    assert_eq!(records[1][at("change")], "none");
    assert_eq!(records[1][at("new_report")], "new.jsonl");
}
