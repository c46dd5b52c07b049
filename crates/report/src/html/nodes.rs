//! The nodes of a report: each has a number, by which the page says where something was found.

use std::collections::HashMap;

use kubeassay_core::Severity;
use kubeassay_core::report::{Finding, Node, NodeStatus};

use super::escape::{html, number, put, short};
use super::gather::NONE;
use super::picture::{self, Cell};
use super::status::{Counts, Status, Tally};
use crate::describe::{node_parts, status_words};

/// The list of nodes takes no more bytes.
const MAX_BYTES: usize = 4 << 20;
/// Up to so many nodes are shown with a bar each, in the summary.
const FEW: usize = 30;
/// So many of the nodes that need most are named beside the picture.
const WORST: usize = 10;

/// What is kept of a node.
#[derive(Debug, Default)]
struct Row {
    name: String,
    about: String,
    status: Option<NodeStatus>,
    cause: &'static str,
    tally: Tally,
    /// The worst severity that fails, of what counts and in workloads.
    worst: Option<Severity>,
    worst_in_pods: Option<Severity>,
}

/// Keeps the nodes.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    rows: Vec<Row>,
    numbers: HashMap<String, u32>,
    /// The first one, whole: most reports are of one.
    pub(super) first: Option<Node>,
}

/// The nodes once all are known, sorted by name.
#[derive(Debug)]
pub(super) struct Sorted {
    rows: Vec<Row>,
    /// The places, from 1, by the numbers that they had.
    places: Vec<u32>,
    with_pods: bool,
}

impl Nodes {
    pub(super) fn add(&mut self, node: &Node) {
        let mut parts = node_parts(node).into_iter();
        let name = parts.next().unwrap_or_default();
        let row = Row {
            name,
            about: parts.collect::<Vec<_>>().join(", "),
            status: Some(node.status),
            cause: node.cause.map_or("", |cause| cause.as_str()),
            ..Row::default()
        };
        if self.rows.is_empty() {
            self.first = Some(node.clone());
        }
        let at = self.number(&node.id);
        if let Some(slot) = self.row(at) {
            // What was found before the node came stays counted.
            *slot = Row {
                tally: slot.tally,
                worst: slot.worst,
                worst_in_pods: slot.worst_in_pods,
                ..row
            };
        }
    }

    /// Counts the findings of one rule and subject, and returns the number of their node.
    pub(super) fn count(&mut self, unit: &[Finding]) -> u32 {
        let Some(id) = unit.first().and_then(|finding| finding.node.as_deref()) else {
            return NONE;
        };
        let at = self.number(id);
        if let Some(row) = self.row(at) {
            for finding in unit {
                let status = Status::of(finding);
                let in_pod = finding.subject.in_pod;
                row.tally.add(status, in_pod);
                if status == Status::Fail {
                    let worst = if in_pod {
                        &mut row.worst_in_pods
                    } else {
                        &mut row.worst
                    };
                    let before = worst.unwrap_or(finding.severity);
                    *worst = Some(before.min(finding.severity));
                }
            }
        }
        at
    }

    fn row(&mut self, number: u32) -> Option<&mut Row> {
        usize::try_from(number)
            .ok()
            .and_then(|at| self.rows.get_mut(at))
    }

    fn number(&mut self, id: &str) -> u32 {
        if let Some(number) = self.numbers.get(id) {
            return *number;
        }
        let number = u32::try_from(self.rows.len()).unwrap_or(NONE);
        self.numbers.insert(id.to_owned(), number);
        self.rows.push(Row {
            name: id.to_owned(),
            ..Row::default()
        });
        number
    }

    pub(super) fn sort(self, with_pods: bool) -> Sorted {
        let mut rows: Vec<(usize, Row)> = self.rows.into_iter().enumerate().collect();
        rows.sort_by(|(at, one), (other_at, other)| (&one.name, at).cmp(&(&other.name, other_at)));
        let mut places = vec![0; rows.len()];
        for (place, (at, _)) in (1..).zip(&rows) {
            if let Some(slot) = places.get_mut(*at) {
                *slot = place;
            }
        }
        Sorted {
            rows: rows.into_iter().map(|(_, row)| row).collect(),
            places,
            with_pods,
        }
    }
}

impl Sorted {
    pub(super) const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns the place of a node, from 1, by the number that it had.
    pub(super) fn place(&self, number: u32) -> Option<u32> {
        let at = usize::try_from(number).ok()?;
        self.places.get(at).copied()
    }

    /// Returns the names, in the order of the places.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().map(|row| row.name.as_str())
    }

    /// Returns the name of the node at a place.
    pub(super) fn name(&self, place: u32) -> &str {
        let at = usize::try_from(place)
            .ok()
            .and_then(|place| place.checked_sub(1));
        at.and_then(|at| self.rows.get(at))
            .map_or("", |row| row.name.as_str())
    }

    /// Writes the picture of the nodes into the summary, if there are several.
    pub(super) fn picture(&self, page: &mut String) {
        if self.rows.len() < 2 {
            return;
        }
        page.push_str("<section aria-labelledby=\"by-node\"><h3 id=\"by-node\">By node</h3>\n");
        if self.rows.len() <= FEW {
            self.table(true, page);
        } else {
            let cells: Vec<Cell> = self.rows.iter().map(|row| self.cell(row)).collect();
            picture::nodes(&cells, page);
            self.worst(page);
        }
        page.push_str("</section>\n");
    }

    fn cell(&self, row: &Row) -> Cell {
        let counts = row.tally.counts(self.with_pods);
        let in_pods = row.worst_in_pods.filter(|_| self.with_pods);
        let worst = row.worst.into_iter().chain(in_pods).min();
        if row.status != Some(NodeStatus::Scanned) {
            Cell::Missed
        } else if let Some(severity) = worst {
            match severity {
                Severity::Critical => Cell::Critical,
                Severity::High => Cell::High,
                Severity::Medium | Severity::Low => Cell::Fails,
            }
        } else if counts.of(Status::Unknown) > 0 {
            Cell::Unknown
        } else {
            Cell::Clean
        }
    }

    fn columns(&self) -> Vec<Status> {
        let rows = self.rows.iter();
        let all = rows.fold(Counts::default(), |all, row| {
            all.plus(&row.tally.counts(self.with_pods))
        });
        picture::columns(&all)
    }

    /// Writes the nodes on which most fails.
    fn worst(&self, page: &mut String) {
        let mut rows: Vec<(&Row, Counts)> = self
            .rows
            .iter()
            .map(|row| (row, row.tally.counts(self.with_pods)))
            .collect();
        rows.retain(|(_, counts)| counts.of(Status::Fail) + counts.of(Status::Unknown) > 0);
        if rows.is_empty() {
            return;
        }
        rows.sort_by_key(|(_, counts)| {
            std::cmp::Reverse((counts.of(Status::Fail), counts.of(Status::Unknown)))
        });
        let columns = self.columns();
        page.push_str("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Nodes on which most fails\"><table><caption>On which most fails</caption><thead>");
        picture::heads("Node", &columns, page);
        page.push_str("</thead><tbody>");
        for (row, counts) in rows.into_iter().take(WORST) {
            put(
                page,
                format_args!(
                    "<tr><th scope=\"row\" data-node=\"1\">{}</th>",
                    short(&row.name)
                ),
            );
            picture::cells(&counts, true, &columns, page);
            page.push_str("</tr>");
        }
        page.push_str("</tbody></table></div>\n");
    }

    /// Writes the list of many nodes, by which numbers become names.
    pub(super) fn section(&self, page: &mut String) {
        if self.rows.len() <= FEW {
            return;
        }
        put(
            page,
            format_args!(
                "<section id=\"nodes\" aria-labelledby=\"nodes-head\"><h2 id=\"nodes-head\">Nodes</h2>\n<details><summary><h3>The list of {} nodes and their numbers</h3></summary>\n",
                number(self.rows.len())
            ),
        );
        self.table(false, page);
        page.push_str("</details></section>\n");
    }

    fn table(&self, with_bars: bool, page: &mut String) {
        let columns = self.columns();
        page.push_str("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Nodes\"><table class=\"nodes\"><thead>");
        let no = if with_bars {
            ""
        } else {
            "<th scope=\"col\" class=\"number\">No.</th>"
        };
        picture::heads_after(
            no,
            "Node",
            "<th scope=\"col\">What it is</th>",
            with_bars,
            &columns,
            page,
        );
        page.push_str("</thead><tbody id=\"node-list\">");
        let end = page.len() + MAX_BYTES;
        let mut shown = 0;
        for (place, row) in (1..).zip(&self.rows) {
            if page.len() > end {
                break;
            }
            page.push_str("<tr>");
            if !with_bars {
                put(page, format_args!("<td class=\"number\">{place}</td>"));
            }
            put(
                page,
                format_args!(
                    "<th scope=\"row\" data-node=\"{place}\">{}</th><td>{}",
                    short(&row.name),
                    short(&row.about)
                ),
            );
            match row.status {
                Some(NodeStatus::Scanned) => {}
                Some(status) => {
                    let cause = if row.cause.is_empty() {
                        String::new()
                    } else {
                        format!(": {}", row.cause)
                    };
                    put(
                        page,
                        format_args!(
                            " <strong class=\"missed\">{}{}</strong>",
                            status_words(status),
                            html(&cause)
                        ),
                    );
                }
                None => page.push_str(
                    " <strong class=\"missed\">not among the nodes of the report</strong>",
                ),
            }
            page.push_str("</td>");
            picture::cells(&row.tally.counts(self.with_pods), with_bars, &columns, page);
            page.push_str("</tr>\n");
            shown += 1;
        }
        page.push_str("</tbody></table></div>\n");
        let left = self.rows.len() - shown;
        if left > 0 {
            put(
                page,
                format_args!(
                    "<p class=\"note\">{} more nodes have no room on a page; the formats json, jsonl and csv have them.</p>\n",
                    number(left)
                ),
            );
        }
    }
}
