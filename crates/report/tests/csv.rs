//! CSV: a line for each finding.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "clippy takes helpers of tests for no tests"
)]

#[path = "common/cells.rs"]
mod cells;
mod common;

use common::{failing, fleet, node, one_node, report, shown};
use insta::assert_snapshot;
use kubeassay_core::report::{Finding, Report};
use kubeassay_report::Format;
use kubeassay_report::csv::COLUMNS;

fn records(report: &Report) -> Vec<Vec<String>> {
    cells::read(&shown(report, Format::Csv, 80, false))
}

fn at<'a>(record: &'a [String], column: &str) -> &'a str {
    let place = COLUMNS.iter().position(|one| *one == column).unwrap();
    &record[place]
}

#[test]
fn lines_as_they_are_written() {
    let text = shown(&one_node(), Format::Csv, 80, false);
    assert_snapshot!("csv", text.replace("\r\n", "\n"));
}

#[test]
fn the_first_record_names_the_columns_and_every_other_the_scan() {
    let records = records(&fleet());
    assert_eq!(records[0], COLUMNS);
    for record in &records[1..] {
        assert_eq!(record.len(), COLUMNS.len());
        assert_eq!(at(record, "source"), "facts");
    }
}

#[test]
fn a_node_without_findings_has_a_line() {
    let records = records(&fleet());
    let of = |node: &str| -> Vec<&[String]> {
        let records = records.iter().filter(|record| at(record, "node") == node);
        records.map(Vec::as_slice).collect()
    };
    let [unreachable] = of("worker-9")[..] else {
        panic!("{records:?}")
    };
    assert_eq!(at(unreachable, "node_status"), "not reached");
    assert_eq!(at(unreachable, "verdict"), "");
    assert_eq!(of("worker-1").len(), 4);
    assert_eq!(of("worker-10").len(), 1);
}

#[test]
fn findings_are_with_their_own_node_or_with_none() {
    let of_cluster = Finding {
        node: None,
        ..failing("worker-1")
    };
    let elsewhere = Finding {
        node: Some("gone".to_owned()),
        ..failing("worker-1")
    };
    let report = report(
        vec![node("worker-1")],
        vec![failing("worker-1"), of_cluster, elsewhere],
    );
    let nodes: Vec<_> = records(&report)[1..]
        .iter()
        .map(|record| {
            (
                at(record, "node").to_owned(),
                at(record, "node_id").to_owned(),
            )
        })
        .collect();
    let wanted = [("worker-1", "id-worker-1"), ("", ""), ("", "gone")];
    assert_eq!(
        nodes,
        wanted.map(|(node, id)| (node.to_owned(), id.to_owned()))
    );
}

#[test]
fn the_place_is_the_file_and_line_to_change() {
    let records = records(&one_node());
    let fail = records
        .iter()
        .find(|record| at(record, "verdict") == "fail")
        .unwrap();
    for (column, value) in [
        ("control", "4.2.2"),
        ("file", common::CONFIG),
        ("line", "10"),
        ("column", "9"),
        ("actual", "kubelet.authorization.mode=AlwaysAllow"),
        ("controls", "cis-kubernetes:4.2.2 cis-eks:3.2.2"),
    ] {
        assert_eq!(at(fail, column), value, "{column}");
    }
}
