//! Entries by indentation.

use kubeassay_config::tree::{Entry, Node, Tree};
use kubeassay_core::Value;

use super::flow;
use super::locate::Target;
use super::proof::Change;
use super::scalar::{Hand, Quote};
use super::text::{Gap, bare_line_end, eol};
use super::{File, Splice, Way};

/// The indentation of maps in a document that has none in another.
const STEP: usize = 2;

/// How a document indents, and how a map of it writes.
struct Style {
    /// How much further in a map is than the one that it is in.
    step: usize,
    /// How much further in a list is than the key that it belongs to: Kubernetes itself writes it below its key.
    list_step: usize,
    hand: Hand,
}

/// Adds the entry `path`: value to a map: behind its last entry, or where that would change it, before its first.
pub(super) fn insert(file: &File<'_>, map: &Node, path: &[&str], value: &Value) -> Vec<Way> {
    let style = Style::of(file, map);
    let indent = column(map);
    let lines = style.lines(indent, path, value);
    let mut ways = Vec::new();
    if let (Some(end), Tree::Map(entries)) = (bare_line_end(file.content, map.at.span.1), &map.tree)
    {
        ways.push(Way {
            splices: vec![Splice::insert(end, below(file, end, &lines))],
            change: Change::Insert(entries.len()),
        });
    }
    let start = map.at.span.0;
    let eol = eol(file.content, file.content.len());
    let text = format!(
        "{}{eol}{}",
        lines.join(eol).trim_start(),
        " ".repeat(indent)
    );
    ways.push(Way {
        splices: vec![Splice::insert(start, text)],
        change: Change::Insert(0),
    });
    ways
}

/// Puts what is wanted below a key that has no value, or null.
pub(super) fn fill(file: &File<'_>, target: &Target<'_>, value: &Value) -> Option<Way> {
    let parent = target.parent();
    let entry = target.entry()?;
    let (start, end) = entry.value.at.span;
    let gap = Gap::scan(file.content, entry.key_at.span.1, start);
    let colon = gap
        .colon
        .filter(|_| gap.line_break.is_none() && gap.comment.is_none())?;
    let style = Style::of(file, parent);
    let indent = column(parent);
    let lines = match value {
        Value::List(items) if target.rest.is_empty() => {
            if items.is_empty() {
                return None;
            }
            style.items(indent, items)
        }
        _ => style.lines(indent + style.step, target.rest, value),
    };
    let line_end = bare_line_end(file.content, end)?;
    let mut splices = Vec::new();
    if end > start {
        splices.push(Splice::replace((colon, end), ""));
    }
    splices.push(Splice::insert(line_end, below(file, line_end, &lines)));
    Some(Way {
        splices,
        change: Change::Replace,
    })
}

/// Returns how far in a collection is.
pub(super) fn column(node: &Node) -> usize {
    usize::try_from(node.at.column)
        .unwrap_or_default()
        .saturating_sub(1)
}

/// Returns lines as they are put at the end of a line.
pub(super) fn below(file: &File<'_>, line_end: usize, lines: &[String]) -> String {
    let eol = eol(file.content, line_end);
    lines.iter().flat_map(|line| [eol, line.as_str()]).collect()
}

impl Style {
    fn of(file: &File<'_>, map: &Node) -> Self {
        let quote = last_key(map).and_then(|entry| Quote::of(file.content, entry.key_at.span.0));
        Self {
            step: step(file, file.root, &|node| matches!(node.tree, Tree::Map(_)))
                .filter(|step| *step > 0)
                .unwrap_or(STEP),
            list_step: step(file, file.root, &|node| matches!(node.tree, Tree::List(_)))
                .unwrap_or(0),
            hand: Hand {
                is_json: false,
                quote,
            },
        }
    }

    /// Returns the lines of an entry, with their indentation.
    fn lines(&self, indent: usize, path: &[&str], value: &Value) -> Vec<String> {
        let mut lines = Vec::new();
        let mut indent = indent;
        let Some((last, above)) = path.split_last() else {
            return lines;
        };
        for key in above {
            lines.push(format!("{}{}:", " ".repeat(indent), self.hand.string(key)));
            indent += self.step;
        }
        let key = format!("{}{}:", " ".repeat(indent), self.hand.string(last));
        match value {
            Value::List(items) if !items.is_empty() => {
                lines.push(key);
                lines.extend(self.items(indent, items));
            }
            _ => {
                let value = self.hand.scalar(value);
                lines.push(format!("{key} {}", value.as_deref().unwrap_or("[]")));
            }
        }
        lines
    }

    /// Returns the lines of a list whose key is so far in.
    fn items(&self, indent: usize, items: &[Value]) -> Vec<String> {
        let indent = " ".repeat(indent + self.list_step);
        let items = items.iter().filter_map(|item| self.hand.scalar(item));
        items.map(|item| format!("{indent}- {item}")).collect()
    }
}

/// Returns the entry of a map that stands last, of those that stand in the map itself.
pub(super) fn last_key(map: &Node) -> Option<&Entry> {
    flow::own_entries(map).last().copied()
}

/// Returns how much further in than its map the first collection of a kind is that is written by indentation.
fn step(file: &File<'_>, map: &Node, kind: &dyn Fn(&Node) -> bool) -> Option<usize> {
    if file.is_flow(map) {
        return None;
    }
    let Tree::Map(entries) = &map.tree else {
        return None;
    };
    let own = entries
        .iter()
        .filter(|entry| entry.key_at.via.is_empty() && entry.value.at.via.is_empty());
    own.map(|entry| &entry.value).find_map(|node| {
        let is_empty = match &node.tree {
            Tree::Map(entries) => entries.is_empty(),
            Tree::List(nodes) => nodes.is_empty(),
            _ => true,
        };
        if !is_empty && !file.is_flow(node) && kind(node) {
            return column(node).checked_sub(column(map));
        }
        step(file, node, kind)
    })
}
