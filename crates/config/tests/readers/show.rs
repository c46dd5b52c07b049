//! Trees as text, for tests.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kubeassay_config::tree::{Node, Tree};

/// Writes a tree as the JSON that Go would write: keys sorted, of duplicates the last.
pub(crate) fn json(node: &Node) -> String {
    match &node.tree {
        Tree::Null => "null".to_owned(),
        Tree::Bool(value) => value.to_string(),
        Tree::Number(number) => number.literal().to_owned(),
        Tree::String(text) => serde_json::to_string(text).unwrap(),
        Tree::List(nodes) => format!("[{}]", nodes.iter().map(json).collect::<Vec<_>>().join(",")),
        Tree::Map(entries) => {
            let sorted: BTreeMap<_, _> = entries
                .iter()
                .map(|entry| (&entry.key, &entry.value))
                .collect();
            let written: Vec<_> = sorted
                .into_iter()
                .map(|(key, value)| {
                    format!("{}:{}", serde_json::to_string(key).unwrap(), json(value))
                })
                .collect();
            format!("{{{}}}", written.join(","))
        }
    }
}

/// Writes a line for every part of a tree: its path, its place, how it came there, and how it is written.
pub(crate) fn places(content: &[u8], node: &Node) -> String {
    let mut lines = String::new();
    write_places(content, "", node, &mut lines);
    lines
}

fn write_places(content: &[u8], path: &str, node: &Node, lines: &mut String) {
    let at = &node.at;
    let written = String::from_utf8_lossy(&content[at.span.0..at.span.1]);
    let via: Vec<_> = at
        .via
        .iter()
        .map(|place| format!(" via {}:{}", place.line, place.column))
        .collect();
    writeln!(
        lines,
        "{path} {}:{}{} {written:?}",
        at.line,
        at.column,
        via.concat()
    )
    .unwrap();
    match &node.tree {
        Tree::List(nodes) => {
            for (index, node) in nodes.iter().enumerate() {
                write_places(content, &format!("{path}[{index}]"), node, lines);
            }
        }
        Tree::Map(entries) => {
            for entry in entries {
                let path = format!("{path}.{}", entry.key);
                for shadowed in &entry.shadowed {
                    write_places(content, &format!("{path} (lost)"), shadowed, lines);
                }
                write_places(content, &path, &entry.value, lines);
            }
        }
        _ => {}
    }
}

/// Calls `visit` for a node and everything below it.
pub(crate) fn walk(node: &Node, visit: &mut impl FnMut(&Node)) {
    visit(node);
    match &node.tree {
        Tree::List(nodes) => nodes.iter().for_each(|node| walk(node, visit)),
        Tree::Map(entries) => {
            for entry in entries {
                entry.shadowed.iter().for_each(|node| walk(node, visit));
                walk(&entry.value, visit);
            }
        }
        _ => {}
    }
}
