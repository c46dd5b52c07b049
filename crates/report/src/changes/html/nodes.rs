//! The nodes on which something changed: each has a number, by which the page says where.

use std::collections::{BTreeMap, BTreeSet};

use kubeassay_core::changes::{ChangeKind, NodeName};

use super::kinds::{Counts, heads};
use crate::changes::Comparison;
use crate::describe::node_parts;
use crate::html::escape::{count, number, put, short};
use crate::html::gather::NONE;

/// The list of nodes takes no more bytes.
const MAX_BYTES: usize = 4 << 20;
/// Up to so many nodes are listed in the summary.
const FEW: usize = 30;
/// So many nodes that came or went are named.
const MAX_NAMED: usize = 100;

struct Row<'a> {
    id: &'a str,
    name: &'a str,
    about: String,
    /// How it is only in one of the two, if it is.
    there: &'static str,
    counts: Counts,
}

/// The nodes on which something changed, sorted by name.
pub(super) struct Nodes<'a> {
    rows: Vec<Row<'a>>,
    places: BTreeMap<&'a str, u32>,
    /// Those of both reports.
    all: usize,
}

impl<'a> Nodes<'a> {
    pub(super) fn of(comparison: &'a Comparison) -> Self {
        let mut counts: BTreeMap<&str, Counts> = BTreeMap::new();
        for change in comparison.changes.outlines() {
            if let Some(id) = change.node.as_deref() {
                counts.entry(id).or_default().add(change.kind);
            }
        }
        let ids = |nodes: &'a [NodeName]| -> BTreeSet<&str> {
            nodes.iter().map(|node| node.id.as_str()).collect()
        };
        let came = ids(&comparison.nodes_came);
        let went = ids(&comparison.nodes_went);
        let rows = counts.into_iter().map(|(id, counts)| {
            let node = comparison.nodes.get(id);
            let about = node.map(|node| node_parts(node).split_off(1).join(", "));
            Row {
                id,
                name: node.map_or(id, |node| &node.name),
                about: about.unwrap_or_default(),
                there: if came.contains(id) {
                    "came"
                } else if went.contains(id) {
                    "went"
                } else {
                    ""
                },
                counts,
            }
        });
        let mut rows: Vec<Row<'_>> = rows.collect();
        rows.sort_by_key(|row| (row.name, row.id));
        let places = (1..).zip(&rows).map(|(place, row)| (row.id, place));
        Self {
            places: places.collect(),
            rows,
            all: comparison.new.nodes + comparison.nodes_went.len(),
        }
    }

    /// Returns how many nodes there are in both reports.
    pub(super) fn all(&self) -> usize {
        self.all.max(self.rows.len())
    }

    /// Returns on how many something changed.
    pub(super) const fn changed(&self) -> usize {
        self.rows.len()
    }

    /// Returns the place of a node, from 1.
    pub(super) fn place(&self, id: Option<&str>) -> u32 {
        let place = id.and_then(|id| self.places.get(id));
        place.copied().unwrap_or(NONE)
    }

    /// Returns whether both reports have the node.
    pub(super) fn is_in_both(&self, id: Option<&str>) -> bool {
        let at = usize::try_from(self.place(id)).ok();
        let row = at.and_then(|place| self.rows.get(place.checked_sub(1)?));
        row.is_none_or(|row| row.there.is_empty())
    }

    /// Returns their names, in the order of the places.
    pub(super) fn names(&self) -> Vec<&'a str> {
        self.rows.iter().map(|row| row.name).collect()
    }

    /// Returns whether there are so many that the list of them has a part of its own.
    pub(super) const fn are_many(&self) -> bool {
        self.rows.len() > FEW
    }

    /// Writes a few nodes into the summary.
    pub(super) fn summary(&self, columns: &[ChangeKind], page: &mut String) {
        if self.all() > 1 && !self.rows.is_empty() && !self.are_many() {
            page.push_str("<section id=\"nodes\" aria-labelledby=\"nodes-head\"><h3 id=\"nodes-head\">By node</h3>\n");
            self.table(columns, page);
            page.push_str("</section>\n");
        }
    }

    /// Writes the list of many nodes, by which numbers become names.
    pub(super) fn section(&self, columns: &[ChangeKind], page: &mut String) {
        if !self.are_many() {
            return;
        }
        put(
            page,
            format_args!(
                "<section id=\"nodes\" aria-labelledby=\"nodes-head\"><h2 id=\"nodes-head\">Nodes</h2>\n<details><summary><h3>The list of {} nodes on which something changed, and their numbers</h3></summary>\n",
                number(self.rows.len())
            ),
        );
        self.table(columns, page);
        page.push_str("</details></section>\n");
    }

    fn table(&self, columns: &[ChangeKind], page: &mut String) {
        page.push_str("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Nodes\"><table class=\"nodes\"><thead><tr><th scope=\"col\" class=\"number\">No.</th><th scope=\"col\">Node</th><th scope=\"col\">What it is</th>");
        heads(columns, page);
        page.push_str("</tr></thead><tbody id=\"node-list\">");
        let end = page.len() + MAX_BYTES;
        let mut shown = 0;
        for (place, row) in (1..).zip(&self.rows) {
            if page.len() > end {
                break;
            }
            let there = match row.there {
                "" => String::new(),
                word => format!("<strong class=\"missed\">{word}</strong> "),
            };
            put(
                page,
                format_args!(
                    "<tr><td class=\"number\">{place}</td><th scope=\"row\" data-node=\"{place}\">{}</th><td>{there}{}</td>",
                    short(row.name),
                    short(&row.about)
                ),
            );
            row.counts.cells(columns, page);
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

/// Writes which nodes came and which went.
pub(super) fn came_and_went(comparison: &Comparison, page: &mut String) {
    for (word, nodes, means) in [
        (
            "came",
            &comparison.nodes_came,
            "the older report does not have them",
        ),
        (
            "went",
            &comparison.nodes_went,
            "the newer report does not have them, and what was wrong with them is not known to be mended",
        ),
    ] {
        if nodes.is_empty() {
            continue;
        }
        let names: Vec<String> = nodes
            .iter()
            .take(MAX_NAMED)
            .map(|node| format!("<code>{}</code>", short(&node.name)))
            .collect();
        let more = match nodes.len() - names.len() {
            0 => String::new(),
            more => format!(" and {} more, which the format json has", number(more)),
        };
        put(
            page,
            format_args!(
                "<p class=\"{word}\"><b>{} {word}</b>: {}{more} <span class=\"note\">({means})</span></p>\n",
                count(nodes.len(), "node"),
                names.join(", ")
            ),
        );
    }
}
