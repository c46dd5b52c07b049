//! Drop-ins merged onto a configuration, with RFC 7386 for a second opinion.

use std::sync::Arc;

use kubeassay_config::merge::merge_patch;
use kubeassay_config::node::{Content, Node, Source};
use kubeassay_config::tree;
use kubeassay_core::{Bytes, OriginKind};
use serde_json::{Map, Number, Value};

use crate::input::Parts;
use crate::show;

/// The most documents that are merged.
const MOST: usize = 6;

/// Reads the parts of an input as documents and merges each onto those before it.
pub(crate) fn run(data: &[u8]) {
    let mut parts = Parts::new(data);
    let mut merged: Option<(Node, Value)> = None;
    for index in 0..MOST {
        let Some(part) = parts.next_if_any() else {
            break;
        };
        let Ok(document) = tree::read(part) else {
            continue;
        };
        // A kubelet refuses duplicates in drop-ins; `serde_json` would keep one of them only.
        if !document.duplicates.is_empty() {
            continue;
        }
        let Some(value) = show::value(&document.root) else {
            continue;
        };
        let path = Arc::new(Bytes::from(format!("/{index}.conf")));
        let kind = if index == 0 {
            OriginKind::File
        } else {
            OriginKind::DropIn
        };
        let node = Node::from_tree(
            document.root,
            &Source {
                kind,
                path,
                digest: None,
            },
        );
        merged = Some(match merged {
            None => (node, value),
            Some((target, reference)) => {
                let applied = merge_patch(target, node.clone());
                let reference = apply(Some(reference), &value);
                assert_eq!(
                    plain(&applied),
                    Some(reference.clone()),
                    "{:?}",
                    String::from_utf8_lossy(data)
                );
                sorted(&applied);
                every_origin_is_of(&applied, index);
                // Once more changes nothing.
                assert_eq!(plain(&merge_patch(applied.clone(), node)), plain(&applied));
                (applied, reference)
            }
        });
    }
}

/// `MergePatch` of RFC 7386, section 2, written from its pseudocode.
pub(crate) fn apply(target: Option<Value>, patch: &Value) -> Value {
    let Value::Object(patch) = patch else {
        return patch.clone();
    };
    let mut target = match target {
        Some(Value::Object(target)) => target,
        _ => Map::new(),
    };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            let merged = apply(target.get(name).cloned(), value);
            target.insert(name.clone(), merged);
        }
    }
    Value::Object(target)
}

/// Returns what a merged tree says; nothing for a mark that something was removed.
fn plain(node: &Node) -> Option<Value> {
    Some(match &node.content {
        Content::Removed | Content::Unknown(_) => return None,
        Content::Null => Value::Null,
        Content::Bool(value) => Value::Bool(*value),
        Content::Number(number) => Value::Number(match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => number.into(),
            (None, Some(number)) => number.into(),
            (None, None) => Number::from_f64(number.as_f64()?)?,
        }),
        Content::String(text) => Value::String(text.to_string_lossy()),
        Content::List(nodes) => Value::Array(nodes.iter().filter_map(plain).collect()),
        Content::Map(entries) => Value::Object(
            entries
                .iter()
                .filter_map(|entry| Some((entry.key.clone(), plain(&entry.node)?)))
                .collect(),
        ),
    })
}

/// Asserts that the keys of the maps that were merged are in the order that Go writes them in.
fn sorted(node: &Node) {
    if let Content::Map(entries) = &node.content {
        let ordered = entries
            .windows(2)
            .all(|pair| pair[0].key.as_bytes() < pair[1].key.as_bytes());
        assert!(ordered, "keys out of order: {node:?}");
    }
}

/// Asserts that every part still says which of the documents it is from, and what it overrode too.
fn every_origin_is_of(node: &Node, newest: usize) {
    let known = |path: Option<&Arc<Bytes>>| {
        let path = path.and_then(|path| path.as_str());
        path.is_some_and(|path| (0..=newest).any(|index| path == format!("/{index}.conf")))
    };
    assert!(known(node.origin.path.as_ref()), "of no document: {node:?}");
    assert!(
        node.replaced
            .iter()
            .all(|lost| known(lost.origin.path.as_ref())),
        "{node:?}"
    );
    match &node.content {
        Content::List(nodes) => nodes
            .iter()
            .for_each(|node| every_origin_is_of(node, newest)),
        Content::Map(entries) => entries
            .iter()
            .for_each(|entry| every_origin_is_of(&entry.node, newest)),
        _ => {}
    }
}
