//! The configuration of a container runtime.

use kubeassay_config::toml;
use kubeassay_config::tree::{Node, Tree};

/// Reads an input; every part says where it stands, within the text and on a line that it has.
pub(crate) fn run(data: &[u8]) {
    let lines = data.split(|byte| *byte == b'\n').count();
    match toml::read(data) {
        Ok(document) => {
            assert!(std::str::from_utf8(data).is_ok(), "read what is no text");
            check(&document.root, data, lines);
        }
        Err(error) => {
            assert!(error.line >= 1 && error.column >= 1, "{error:?}");
            assert!(error.line as usize <= lines, "{error:?}");
        }
    }
}

fn check(node: &Node, data: &[u8], lines: usize) {
    let (start, end) = node.at.span;
    assert!(start <= end && end <= data.len(), "{node:?}");
    assert!(
        node.at.line >= 1 && node.at.line as usize <= lines,
        "{node:?}"
    );
    let before = data[..start].iter().filter(|byte| **byte == b'\n');
    assert_eq!(before.count() + 1, node.at.line as usize, "{node:?}");
    match &node.tree {
        Tree::List(nodes) => nodes.iter().for_each(|node| check(node, data, lines)),
        Tree::Map(entries) => entries
            .iter()
            .for_each(|entry| check(&entry.value, data, lines)),
        Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::String(_) => {}
    }
}
