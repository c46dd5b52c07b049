//! Entries and items in brackets, which is JSON too; and scalars, which are written alike everywhere.

use kubeassay_config::tree::{Entry, Node, Tree};
use kubeassay_core::Value;

use super::block::last_key;
use super::locate::Target;
use super::proof::Change;
use super::scalar::{Hand, Quote};
use super::text::{Gap, blank_run, blank_run_before, eol, indentation, slice};
use super::{File, Refused, Splice, Way};

/// How a map in brackets is written.
#[derive(Clone, Debug)]
struct Style {
    hand: Hand,
    /// From a key to its value, such as `: `.
    colon: String,
    /// From an entry to the next, such as `, `.
    comma: String,
    /// Between a bracket and what it holds, on one line.
    pad: String,
    /// How lines are broken; nothing where all is on one.
    lines: Option<Lines>,
    /// Whether maps and lists within are broken into lines.
    breaks_maps: bool,
    breaks_lists: bool,
}

/// How lines are broken.
#[derive(Clone, Debug)]
struct Lines {
    eol: &'static str,
    /// Before a key.
    indent: String,
    /// What is before a key within it besides.
    step: String,
}

/// Writes a scalar in the place of a scalar or of nothing, or a list in the place of a scalar.
pub(super) fn replace(file: &File<'_>, target: &Target<'_>, value: &Value) -> Option<Way> {
    let node = target.innermost();
    let style = Style::around(file, target.parent());
    let hand = match &node.tree {
        // A plain word stays one, quotes stay what they are.
        Tree::String(_) => Hand {
            quote: Quote::of(file.content, node.at.span.0),
            ..style.hand
        },
        _ => style.hand,
    };
    let text = hand
        .scalar(value)
        .unwrap_or_else(|| style.collection(&[], value));
    in_place(file, target, &text)
}

/// Writes a map or a list in the place of null.
pub(super) fn fill_null(file: &File<'_>, target: &Target<'_>, value: &Value) -> Option<Way> {
    let style = Style::around(file, target.parent());
    in_place(file, target, &style.collection(target.rest, value))
}

/// Writes an entry in a map that has none.
pub(super) fn fill(file: &File<'_>, target: &Target<'_>, value: &Value) -> Way {
    let (start, end) = target.innermost().at.span;
    let style = Style::around(file, target.parent());
    let is_blank = blank_run(file.content, start + 1).len() + 2 == end - start;
    Way {
        splices: vec![if is_blank {
            Splice::replace((start, end), style.collection(target.rest, value))
        } else {
            // There is a comment in it.
            Splice::insert(start + 1, style.entry(target.rest, value))
        }],
        change: Change::Insert(0),
    }
}

/// Writes a text in the place of a value, which need not be written at all.
fn in_place(file: &File<'_>, target: &Target<'_>, text: &str) -> Option<Way> {
    let entry = target.entry()?;
    let (start, end) = entry.value.at.span;
    let splice = if start < end {
        Splice::replace((start, end), text)
    } else {
        let gap = Gap::scan(file.content, entry.key_at.span.1, start);
        match gap.colon {
            Some(colon) => Splice::insert(colon, format!(" {text}")),
            None => Splice::insert(entry.key_at.span.1, format!(": {text}")),
        }
    };
    Some(Way {
        splices: vec![splice],
        change: Change::Replace,
    })
}

/// Adds an entry to a map that has some: behind its last, or where that cannot be told, before its first.
pub(super) fn insert(file: &File<'_>, map: &Node, path: &[&str], value: &Value) -> Vec<Way> {
    let style = Style::of(file, map);
    let entry = style.entry(path, value);
    let mut ways = Vec::new();
    if let Tree::Map(entries) = &map.tree
        && let Some(splices) = behind(file, map, &style, &entry)
    {
        ways.push(Way {
            splices,
            change: Change::Insert(entries.len()),
        });
    }
    let start = map.at.span.0 + 1;
    let blank = if blank_run(file.content, start).is_empty() {
        " "
    } else {
        ""
    };
    ways.push(Way {
        splices: vec![Splice::insert(start, format!("{entry},{blank}"))],
        change: Change::Insert(0),
    });
    ways
}

/// Returns the splices that put an entry behind the last one.
fn behind(file: &File<'_>, map: &Node, style: &Style, entry: &str) -> Option<Vec<Splice>> {
    let end = end_of(file, last_key(map)?);
    let gap = Gap::scan(file.content, end, map.at.span.1.checked_sub(1)?);
    if !gap.is_clear || gap.colon.is_some() || gap.property.is_some() {
        return None;
    }
    // A comment on the last entry's line stays there.
    let comment = gap
        .comment
        .filter(|(start, _)| gap.line_break.is_none_or(|line_break| *start < line_break))
        .filter(|(start, _)| gap.comma.is_none_or(|comma| comma <= *start));
    let below = |at| {
        let indent = style.lines.as_ref().map_or("  ", |lines| &lines.indent);
        format!("{}{indent}{entry}", eol(file.content, at))
    };
    Some(match (gap.comma, comment) {
        (None, None) => vec![Splice::insert(end, format!("{}{entry}", style.comma))],
        (None, Some((_, comment_end))) => vec![
            Splice::insert(end, ","),
            Splice::insert(comment_end, below(comment_end)),
        ],
        (Some(_), Some((_, comment_end))) => {
            vec![Splice::insert(
                comment_end,
                format!("{},", below(comment_end)),
            )]
        }
        (Some(comma), None) => {
            let blank = style.comma.strip_prefix(',').unwrap_or(" ");
            vec![Splice::insert(comma, format!("{blank}{entry},"))]
        }
    })
}

/// Makes the items of a list those that are wanted, in the way that it is written.
///
/// # Errors
///
/// Where comments in it would be lost.
pub(super) fn list(
    file: &File<'_>,
    parent: &Node,
    list: &Node,
    items: &[Node],
    wanted: &[Value],
) -> Result<Way, Refused> {
    let style = Style::around(file, parent);
    let way = |text| Way {
        splices: vec![Splice::replace(list.at.span, text)],
        change: Change::Replace,
    };
    let (Some(first), Some(final_item)) = (items.first(), items.last()) else {
        return Ok(way(style.collection(&[], &Value::List(wanted.to_vec()))));
    };
    let (start, end) = (list.at.span.0 + 1, list.at.span.1.saturating_sub(1));
    let pairs = items.windows(2).filter_map(|pair| match pair {
        [one, next] => Some((one.at.span.1, next.at.span.0)),
        _ => None,
    });
    let outer = [(start, first.at.span.0), (final_item.at.span.1, end)];
    let gaps: Vec<(usize, usize)> = outer.into_iter().chain(pairs).collect();
    let is_own = items.iter().all(|item| item.at.via.is_empty());
    if is_own {
        for (start, end) in &gaps {
            let gap = Gap::scan(file.content, *start, *end);
            if gap.comment.is_some() {
                return Err(Refused::at(
                    list.at.line,
                    "the list has comments within its brackets, which would be lost: edit it by hand",
                ));
            }
        }
    }
    let opening = slice(file.content, start, first.at.span.0).unwrap_or_default();
    let closing = slice(file.content, final_item.at.span.1, end).unwrap_or_default();
    let comma = match gaps.get(2) {
        Some((start, end)) if Gap::scan(file.content, *start, *end).is_separator() => {
            slice(file.content, *start, *end).unwrap_or(", ").to_owned()
        }
        _ if opening.contains(['\n', '\r']) => format!(",{opening}"),
        _ if style.lines.is_none() => style.comma.clone(),
        _ => ", ".to_owned(),
    };
    let hand = Hand {
        quote: match first.tree {
            Tree::String(_) => Quote::of(file.content, first.at.span.0),
            _ => style.hand.quote,
        },
        ..style.hand
    };
    let is_written_alike = is_own && opening.trim().is_empty() && !wanted.is_empty();
    if !is_written_alike {
        return Ok(way(style.collection(&[], &Value::List(wanted.to_vec()))));
    }
    let wanted: Vec<String> = wanted
        .iter()
        .filter_map(|value| hand.scalar(value))
        .collect();
    Ok(way(format!("[{opening}{}{closing}]", wanted.join(&comma))))
}

impl Style {
    /// Returns how something is written on one line.
    fn inline(is_json: bool, quote: Option<Quote>) -> Self {
        Self {
            hand: Hand { is_json, quote },
            colon: ": ".to_owned(),
            comma: ", ".to_owned(),
            pad: String::new(),
            lines: None,
            breaks_maps: false,
            breaks_lists: false,
        }
    }

    /// Returns how something in brackets is written as a value of `parent`.
    fn around(file: &File<'_>, parent: &Node) -> Self {
        if file.is_flow(parent) && last_key(parent).is_some() {
            return Self::of(file, parent);
        }
        let quote = last_key(parent).and_then(|entry| Quote::of(file.content, entry.key_at.span.0));
        Self::inline(file.is_json, quote)
    }

    /// Returns how a map in brackets is written that has entries.
    fn of(file: &File<'_>, map: &Node) -> Self {
        let content = file.content;
        let own = own_entries(map);
        let mut latest = own.iter().rev();
        let (Some(last), before) = (latest.next(), latest.next()) else {
            return Self::inline(file.is_json, None);
        };
        let quote = Quote::of(content, last.key_at.span.0);
        let mut style = Self::inline(file.is_json, quote);

        let opening = blank_run(content, map.at.span.0 + 1);
        let closing = blank_run_before(content, map.at.span.1.saturating_sub(1));
        let (key_end, value_start) = (last.key_at.span.1, last.value.at.span.0);
        let gap = Gap::scan(content, key_end, value_start);
        if gap.is_clear && gap.line_break.is_none() && gap.comment.is_none() && gap.colon.is_some()
        {
            let colon = slice(content, key_end, value_start).unwrap_or_default();
            if quote.is_some() || colon.ends_with([' ', '\t']) {
                colon.clone_into(&mut style.colon);
            }
        }
        let separator = before.and_then(|before| {
            let (start, end) = (end_of(file, before), last.key_at.span.0);
            let gap = Gap::scan(content, start, end);
            gap.is_separator().then(|| slice(content, start, end))?
        });
        style.comma = match separator {
            Some(separator) => separator.to_owned(),
            None if opening.contains(['\n', '\r']) => format!(",{opening}"),
            None if style.colon.ends_with(':') => ",".to_owned(),
            None => ", ".to_owned(),
        };
        if let Some(indent) = indentation(&style.comma) {
            let outer = indentation(closing).unwrap_or_default();
            let step = indent.strip_prefix(outer).filter(|step| !step.is_empty());
            style.lines = Some(Lines {
                eol: eol(content, map.at.span.0 + 1),
                indent: indent.to_owned(),
                step: step.unwrap_or("  ").to_owned(),
            });
        } else {
            opening.clone_into(&mut style.pad);
        }
        let is_broken = |is_kind: &dyn Fn(&Tree) -> bool| {
            let node = own
                .iter()
                .map(|entry| &entry.value)
                .find(|node| node.at.via.is_empty() && is_kind(&node.tree))?;
            let (start, end) = node.at.span;
            Some(content.get(start..end)?.contains(&b'\n'))
        };
        let breaks = style.lines.is_some();
        style.breaks_maps = breaks
            && is_broken(&|tree| matches!(tree, Tree::Map(entries) if !entries.is_empty()))
                .unwrap_or(true);
        style.breaks_lists = breaks
            && is_broken(&|tree| matches!(tree, Tree::List(items) if !items.is_empty()))
                .unwrap_or(true);
        style
    }

    /// Returns an entry whose value may be nested.
    fn entry(&self, path: &[&str], value: &Value) -> String {
        let (key, rest) = path.split_first().unwrap_or((&"", &[]));
        let scalar = self.hand.scalar(value).filter(|_| rest.is_empty());
        let value = scalar.unwrap_or_else(|| self.collection(rest, value));
        format!("{}{}{value}", self.hand.string(key), self.colon)
    }

    /// Returns the list that `value` is, or where there is a path, the map with that entry, as they stand behind a key
    /// that is written in this style.
    fn collection(&self, path: &[&str], value: &Value) -> String {
        let (open, close, parts, breaks) = match value {
            Value::List(items) if path.is_empty() => {
                let items = items.iter().filter_map(|item| self.hand.scalar(item));
                ('[', ']', items.collect(), self.breaks_lists)
            }
            _ => {
                let parts = vec![self.deeper().entry(path, value)];
                ('{', '}', parts, self.breaks_maps)
            }
        };
        let Some(Lines { eol, indent, step }) = self.lines.as_ref().filter(|_| breaks) else {
            let pad = if parts.is_empty() { "" } else { &self.pad };
            let comma = if self.lines.is_none() {
                &self.comma
            } else {
                ", "
            };
            return format!("{open}{pad}{}{pad}{close}", parts.join(comma));
        };
        if parts.is_empty() {
            return format!("{open}{close}");
        }
        let comma = format!(",{eol}{indent}{step}");
        format!(
            "{open}{eol}{indent}{step}{}{eol}{indent}{close}",
            parts.join(&comma)
        )
    }

    /// Returns the style of a map within one of this style.
    fn deeper(&self) -> Self {
        let mut style = self.clone();
        if self.breaks_maps {
            if let Some(lines) = &mut style.lines {
                lines.indent.push_str(&lines.step);
            }
        } else {
            style.lines = None;
            ", ".clone_into(&mut style.comma);
            style.breaks_lists = false;
        }
        style
    }
}

/// Returns the entries of a map that are written in it, as they stand.
pub(super) fn own_entries(map: &Node) -> Vec<&Entry> {
    let Tree::Map(entries) = &map.tree else {
        return Vec::new();
    };
    let own = entries
        .iter()
        .filter(|entry| entry.key_at.via == map.at.via);
    let mut own: Vec<&Entry> = own.collect();
    own.sort_by_key(|entry| entry.key_at.span);
    own
}

/// Returns where an entry ends.
fn end_of(file: &File<'_>, entry: &Entry) -> usize {
    let (start, end) = entry.value.at.span;
    let key_end = entry.key_at.span.1;
    if !entry.value.at.via.is_empty() {
        return key_end;
    }
    if start < end {
        return end;
    }
    Gap::scan(file.content, key_end, end)
        .colon
        .unwrap_or(key_end)
}
