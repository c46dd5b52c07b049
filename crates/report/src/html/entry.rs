//! An entry: where its findings were found, what they have in common, and what is shown of them.

use super::escape::{count, number, put, short};
use super::gather::{Common, Entry, NONE, Place};
use super::ranges::ranges;

/// Up to so many nodes are called by their names.
const NAMED: usize = 12;
/// So many subjects are told one by one.
const SUBJECTS: usize = 60;
/// The numbers of all nodes take no more bytes, and those of one entry no more than this.
const MAX_NUMBERS: usize = 3 << 20;
const MAX_NUMBERS_OF_ENTRY: usize = 256 << 10;

/// Writes where findings were found, as long as there is room for the numbers of their nodes.
pub(crate) struct Places<'a> {
    /// The names of nodes by their places, from 1.
    names: Vec<&'a str>,
    /// How many nodes there are.
    nodes: usize,
    subjects: &'a [String],
    room: usize,
}

impl<'a> Places<'a> {
    /// Returns what names nodes and subjects by their numbers; of `nodes` not all may have a name.
    pub(crate) const fn new(names: Vec<&'a str>, nodes: usize, subjects: &'a [String]) -> Self {
        Self {
            names,
            nodes,
            subjects,
            room: MAX_NUMBERS,
        }
    }

    /// Writes places, whose nodes are those of the list.
    pub(crate) fn write(&mut self, mut places: Vec<Place>, page: &mut String) {
        places.sort_unstable();
        let mut nodes: Vec<u32> = places
            .iter()
            .map(|place| place.node)
            .filter(|node| *node != NONE)
            .collect();
        nodes.dedup();
        let mut subjects: Vec<u32> = places.iter().map(|place| place.subject).collect();
        subjects.sort_unstable();
        subjects.dedup();
        page.push_str("<div class=\"places\">");
        if self.nodes > 1 && !nodes.is_empty() {
            self.on_nodes(&nodes, page);
        }
        match subjects.as_slice() {
            [subject] => put(page, format_args!("<p>{}</p>", self.subject(*subject))),
            several => {
                put(
                    page,
                    format_args!(
                        "<details><summary>{}</summary><ul>",
                        count(several.len(), "subject")
                    ),
                );
                for subject in several.iter().take(SUBJECTS) {
                    put(page, format_args!("<li>{}", self.subject(*subject)));
                    if self.nodes > 1 && nodes.len() > 1 {
                        let of: Vec<u32> = places
                            .iter()
                            .filter(|place| place.subject == *subject && place.node != NONE)
                            .map(|place| place.node)
                            .collect();
                        put(
                            page,
                            format_args!(
                                " <span class=\"note\">on {}</span>",
                                count(of.len(), "node")
                            ),
                        );
                    }
                    page.push_str("</li>");
                }
                if several.len() > SUBJECTS {
                    put(
                        page,
                        format_args!(
                            "<li class=\"note\">and {} more, which the formats json, jsonl and csv have</li>",
                            number(several.len() - SUBJECTS)
                        ),
                    );
                }
                page.push_str("</ul></details>");
            }
        }
        page.push_str("</div>\n");
    }

    fn on_nodes(&mut self, nodes: &[u32], page: &mut String) {
        let all = self.nodes;
        let named: Vec<String> = nodes
            .iter()
            .take(NAMED)
            .map(|place| short(self.name(*place)))
            .collect();
        let room = self.room.min(MAX_NUMBERS_OF_ENTRY);
        let (numbers, whole) = ranges(nodes, room);
        self.room = self.room.saturating_sub(numbers.len());
        let cut = if whole { "" } else { " \u{2026}" };
        if nodes.len() == all {
            put(
                page,
                format_args!(
                    "<p>On all {} nodes.<span class=\"at\" hidden=\"\">{numbers}</span></p>",
                    number(all)
                ),
            );
        } else if nodes.len() <= NAMED {
            put(
                page,
                format_args!(
                    "<p>On {} of {} nodes: {}<span class=\"at\" hidden=\"\">{numbers}</span></p>",
                    number(nodes.len()),
                    number(all),
                    named.join(", ")
                ),
            );
        } else {
            put(
                page,
                format_args!(
                    "<p>On {} of {} nodes.</p><details class=\"numbers\"><summary>Which</summary><p>By their <a href=\"#nodes\">numbers</a>: <span class=\"at\"{}>{numbers}{cut}</span></p></details>",
                    number(nodes.len()),
                    number(all),
                    if whole { "" } else { " data-cut=\"\"" }
                ),
            );
            if !whole {
                page.push_str("<p class=\"note\">The list is cut; the formats json, jsonl and csv have every node.</p>");
            }
        }
    }

    fn subject(&self, number: u32) -> String {
        let at = usize::try_from(number).ok();
        let name = at.and_then(|at| self.subjects.get(at));
        name.map_or_else(|| "others".to_owned(), |name| short(name))
    }

    fn name(&self, place: u32) -> &str {
        let at = usize::try_from(place).ok();
        let at = at.and_then(|place| place.checked_sub(1));
        at.and_then(|at| self.names.get(at)).copied().unwrap_or("")
    }
}

/// Writes what is shown of an entry, and how much of it is true of all its findings.
pub(crate) fn drawn(entry: &Entry, page: &mut String) {
    let one = entry.places.len() == 1;
    if !one {
        let common = match entry.common {
            Common::Everything => "",
            Common::Values => {
                "The values are the same; where they stand may differ. This is the first of them."
            }
            Common::Verdict => {
                "The values differ. This is the first of them; the formats json and jsonl have all."
            }
        };
        if !common.is_empty() {
            put(page, format_args!("<p class=\"note\">{common}</p>\n"));
        }
    }
    if entry.bare {
        page.push_str("<p class=\"note\">There was no room for its evidence; the formats json and jsonl have it.</p>\n");
    }
    page.push_str(&entry.drawn.body);
    if !entry.drawn.alone.is_empty() {
        let what = if one {
            "Process, time and identity"
        } else {
            "Process, time and identity of the first of them"
        };
        put(
            page,
            format_args!(
                "<details class=\"alone\"><summary>{what}</summary>{}</details>\n",
                entry.drawn.alone
            ),
        );
    }
}
