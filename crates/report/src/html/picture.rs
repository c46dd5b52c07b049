//! Pictures of counts, as SVG in the page. Colours, and what they mean, are in the page's style; each picture stands beside
//! its numbers, and each kind has a pattern or a shape of its own as well.

use super::escape::{number, put};
use super::status::{Counts, Status};

/// The pattern of what is unknown, which every bar takes.
pub(super) const PATTERNS: &str = "<svg width=\"0\" height=\"0\" class=\"patterns\" aria-hidden=\"true\" focusable=\"false\"><defs><pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><rect width=\"6\" height=\"6\" class=\"soft\"/><rect width=\"3\" height=\"6\" class=\"unknown\"/></pattern><pattern id=\"dots\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\"><rect width=\"6\" height=\"6\" class=\"soft\"/><circle cx=\"3\" cy=\"3\" r=\"1.6\" class=\"manual\"/></pattern></defs></svg>\n";

/// Parts of a bar, in thousandths of its width; what is there at all is seen.
const WHOLE: usize = 1_000;
const LEAST: usize = 10;
/// Between two kinds.
const GAP: usize = 4;

/// Returns the shares of counts as a bar. It is as wide as its place, and its patterns are not stretched.
pub(super) fn bar(counts: &Counts) -> String {
    let total = counts.total();
    let mut bar = String::from("<svg class=\"bar\" aria-hidden=\"true\" focusable=\"false\">");
    let there: Vec<(Status, usize)> = Status::ALL
        .into_iter()
        .map(|status| (status, counts.of(status)))
        .filter(|(_, count)| *count > 0)
        .collect();
    let room = WHOLE.saturating_sub(there.len() * LEAST);
    let mut x = 0;
    for (status, count) in there {
        let width = LEAST + count.saturating_mul(room) / total.max(1);
        put(
            &mut bar,
            format_args!(
                "<rect class=\"{}\" x=\"{}%\" width=\"{}%\" height=\"100%\"/>",
                status.word(),
                percent(x),
                percent(width - GAP)
            ),
        );
        x += width;
    }
    bar.push_str("</svg>");
    bar
}

/// Returns thousandths as a percentage.
fn percent(thousandths: usize) -> String {
    format!("{}.{}", thousandths / 10, thousandths % 10)
}

/// Returns the columns of a table of counts: what there is none of needs none.
pub(super) fn columns(all: &Counts) -> Vec<Status> {
    Status::ALL
        .into_iter()
        .filter(|status| all.of(*status) > 0)
        .collect()
}

/// Writes the heads of a table of counts.
pub(super) fn heads(first: &str, columns: &[Status], page: &mut String) {
    heads_after("", first, "", true, columns, page);
}

/// Writes the heads of a table of counts, with columns before and behind that of names.
pub(super) fn heads_after(
    before: &str,
    first: &str,
    behind: &str,
    with_bars: bool,
    columns: &[Status],
    page: &mut String,
) {
    put(
        page,
        format_args!("<tr>{before}<th scope=\"col\">{first}</th>{behind}"),
    );
    if with_bars {
        page.push_str("<td class=\"picture\"></td>");
    }
    for status in columns {
        put(
            page,
            format_args!("<th scope=\"col\" class=\"number\">{}</th>", status.label()),
        );
    }
    page.push_str("</tr>");
}

/// Writes counts as cells of a table.
pub(super) fn cells(counts: &Counts, with_bar: bool, columns: &[Status], page: &mut String) {
    if with_bar {
        put(
            page,
            format_args!("<td class=\"picture\">{}</td>", bar(counts)),
        );
    }
    for status in columns {
        let count = counts.of(*status);
        let class = if count == 0 { "number none" } else { "number" };
        put(
            page,
            format_args!("<td class=\"{class}\">{}</td>", number(count)),
        );
    }
}

/// What a node comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// Something critical fails.
    Critical,
    /// Something of high severity fails.
    High,
    /// Something fails.
    Fails,
    /// Nothing fails, something is unknown.
    Unknown,
    /// Neither.
    Clean,
    /// It was not scanned whole.
    Missed,
}

/// How a cell is told, and how it is drawn within ten by ten.
const CELLS: [(Cell, &str, &str, &str); 6] = [
    (
        Cell::Critical,
        "fails",
        "something critical fails",
        "h9v9h-9z",
    ),
    (
        Cell::High,
        "fails",
        "something of high severity fails",
        "m0 9l4.5 -9l4.5 9z",
    ),
    (
        Cell::Fails,
        "fails",
        "something else fails",
        "m4.5 1.5l3 3l-3 3l-3 -3z",
    ),
    (
        Cell::Unknown,
        "unknown",
        "nothing fails, something is unknown",
        "h9l-4.5 9z",
    ),
    (
        Cell::Clean,
        "clean",
        "nothing fails or is unknown",
        "m2.5 2.5h4v4h-4z",
    ),
    (
        Cell::Missed,
        "missed",
        "not scanned whole",
        "h9v9h-9z m2 2v5h5v-5z",
    ),
];
/// Cells in a row.
const COLUMNS: usize = 100;
/// So many cells are drawn.
const MAX_CELLS: usize = 20_000;

/// Draws a cell for each node, in the order of their names, and says how many there are of each kind.
pub(super) fn nodes(cells: &[Cell], page: &mut String) {
    let shown = cells.len().min(MAX_CELLS);
    // Cells of fewer nodes are larger.
    let columns = if shown < COLUMNS * 10 {
        COLUMNS / 2
    } else {
        COLUMNS
    };
    let rows = shown.div_ceil(columns);
    page.push_str("<ul class=\"legend\">");
    for (cell, class, words, shape) in CELLS {
        let count = cells.iter().filter(|one| **one == cell).count();
        if count > 0 {
            put(
                page,
                format_args!(
                    "<li><svg class=\"cells\" viewBox=\"0 0 9 9\" width=\"12\" height=\"12\" aria-hidden=\"true\" focusable=\"false\"><path class=\"{class}\" d=\"M0 0{shape}\"/></svg> <b>{}</b> {words}</li>",
                    number(count)
                ),
            );
        }
    }
    page.push_str("</ul>\n");
    put(
        page,
        format_args!(
            "<svg class=\"cells\" id=\"cells\" data-columns=\"{columns}\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"A cell for each node, in the order of their names; the numbers are above\">",
            columns * 10,
            rows * 10
        ),
    );
    for (cell, class, _, shape) in CELLS {
        let mut path = String::new();
        for (at, one) in cells.iter().take(MAX_CELLS).enumerate() {
            if *one == cell {
                put(
                    &mut path,
                    format_args!("M{} {}{shape}", at % columns * 10, at / columns * 10),
                );
            }
        }
        if !path.is_empty() {
            put(page, format_args!("<path class=\"{class}\" d=\"{path}\"/>"));
        }
    }
    page.push_str("</svg>\n<p class=\"note\" id=\"cell-name\">One cell is one node, in the order of their names.</p>\n");
    if cells.len() > shown {
        put(
            page,
            format_args!(
                "<p class=\"note\">{} more nodes are not drawn.</p>\n",
                number(cells.len() - shown)
            ),
        );
    }
}
