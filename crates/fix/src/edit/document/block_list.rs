//! Lists by indentation. Items that stay keep their lines, comments between items stay too.

use kubeassay_config::tree::Node;
use kubeassay_core::Value;

use super::block::column;
use super::locate::Target;
use super::proof::Change;
use super::scalar::{Hand, Quote, holds};
use super::text::{Gap, bare_line_end, break_at, break_before, eol, line_start, slice};
use super::{File, Splice, Way};

/// Whole lines of a list, without the last one's break.
struct Lines<'a> {
    text: &'a str,
    /// The break behind them; empty at the end of the file.
    line_break: &'a str,
    /// The item that they write; nothing where they are comments and empty lines.
    item: Option<&'a Node>,
}

/// Makes the items of a list those that are wanted.
pub(super) fn replace(
    file: &File<'_>,
    target: &Target<'_>,
    items: &[Node],
    wanted: &[Value],
) -> Vec<Way> {
    let ways = by_lines(file, target, items, wanted).into_iter();
    ways.chain(whole(file, target.innermost(), items, wanted))
        .collect()
}

fn by_lines(file: &File<'_>, target: &Target<'_>, items: &[Node], wanted: &[Value]) -> Option<Way> {
    let list = target.innermost();
    let lines = lines(file, list, items)?;
    let start = line_start(file.content, list.at.span.0);
    let end = bare_line_end(file.content, list.at.span.1)?;
    let indent = " ".repeat(column(list));
    let hand = hand(file, items);
    let written = |value: &Value| hand.scalar(value).map(|item| format!("{indent}- {item}"));
    let eol = eol(file.content, end);

    // Each line with its break.
    let mut kept: Vec<(String, &str)> = Vec::new();
    let mut left = wanted;
    for Lines {
        text,
        line_break,
        item,
    } in &lines
    {
        let Some(item) = item else {
            kept.push(((*text).to_owned(), line_break));
            continue;
        };
        // What is not wanted any more goes; what comes before the next that stays is new.
        let Some(place) = left.iter().position(|value| holds(item, value)) else {
            continue;
        };
        let (new, rest) = left.split_at(place);
        for value in new {
            kept.push((written(value)?, eol));
        }
        kept.push(((*text).to_owned(), line_break));
        left = rest.get(1..).unwrap_or_default();
    }
    for value in left {
        kept.push((written(value)?, eol));
    }

    let mut text = String::new();
    let end_of_kept = kept.len().saturating_sub(1);
    for (place, (line, line_break)) in kept.iter().enumerate() {
        text.push_str(line);
        if place < end_of_kept {
            text.push_str(if line_break.is_empty() {
                eol
            } else {
                line_break
            });
        }
    }
    let mut splices = Vec::new();
    if wanted.is_empty() {
        let entry = target.entry()?;
        let gap = Gap::scan(file.content, entry.key_at.span.1, list.at.span.0);
        splices.push(Splice::insert(gap.colon?, " []"));
    }
    splices.push(if kept.is_empty() {
        // The break before the list goes with it.
        let breaks = break_before(file.content, start);
        Splice::replace((start - breaks, end), "")
    } else {
        Splice::replace((start, end), text)
    });
    Some(Way {
        splices,
        change: Change::Replace,
    })
}

/// Returns the lines of a list; nothing where an item begins behind something else on its line.
fn lines<'a>(file: &File<'a>, list: &Node, items: &'a [Node]) -> Option<Vec<Lines<'a>>> {
    let content = file.content;
    let mut lines = Vec::with_capacity(items.len());
    let mut dash = list.at.span.0;
    for (place, item) in items.iter().enumerate() {
        let start = line_start(content, dash);
        let before = content.get(start..dash)?;
        if !item.at.via.is_empty() || before.iter().any(|byte| *byte != b' ') {
            return None;
        }
        let end = bare_line_end(content, item.at.span.1)?;
        let length = break_at(content, end);
        lines.push(Lines {
            text: slice(content, start, end)?,
            line_break: slice(content, end, end + length)?,
            item: Some(item),
        });
        if place + 1 == items.len() {
            break;
        }
        dash = next_dash(content, end)?;
        let between = (end + length, line_start(content, dash));
        if between.0 < between.1 {
            let text = slice(content, between.0, between.1)?;
            let bare = text.trim_end_matches(['\n', '\r']);
            // Of empty lines at the end the last break is the one behind these lines.
            let length = text.len() - bare.len();
            let length = if text.ends_with("\r\n") {
                2
            } else {
                length.min(1)
            };
            let (text, line_break) = text.split_at_checked(text.len() - length)?;
            lines.push(Lines {
                text,
                line_break,
                item: None,
            });
        }
    }
    Some(lines)
}

/// Returns where the next `-` is, if nothing but comments comes before it.
fn next_dash(content: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        match content.get(at)? {
            b'-' => return Some(at),
            b'#' => at = super::text::line_end(content, at),
            b' ' => at += 1,
            _ => match break_at(content, at) {
                0 => return None,
                length => at += length,
            },
        }
    }
}

/// Writes the list anew, where none of it is a comment.
fn whole(file: &File<'_>, list: &Node, items: &[Node], wanted: &[Value]) -> Option<Way> {
    let mut ends = items.windows(2);
    let has_comments = ends.any(|pair| match pair {
        [one, next] => {
            let between = file.content.get(one.at.span.1..next.at.span.0);
            between.is_none_or(|between| between.contains(&b'#'))
        }
        _ => true,
    });
    if has_comments || wanted.is_empty() {
        return None;
    }
    let eol = eol(file.content, file.content.len());
    let indent = " ".repeat(column(list));
    let hand = hand(file, items);
    let items: Vec<String> = wanted
        .iter()
        .filter_map(|value| hand.scalar(value))
        .map(|item| format!("- {item}"))
        .collect();
    Some(Way {
        splices: vec![Splice::replace(
            list.at.span,
            items.join(&format!("{eol}{indent}")),
        )],
        change: Change::Replace,
    })
}

/// Returns how the list quotes.
fn hand(file: &File<'_>, items: &[Node]) -> Hand {
    Hand {
        is_json: false,
        quote: items
            .first()
            .and_then(|item| Quote::of(file.content, item.at.span.0)),
    }
}
