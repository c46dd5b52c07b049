//! Writing settings back as Go marshals them: the base that drop-ins are merged onto.

use std::sync::Arc;

use kubeassay_core::{Bytes, Origin, Value, duration};

use super::{Names, Settings, one_of, shared_default_origin};
use crate::node::{Content, Entry, Node};
use crate::setting::{Setting, State};
use crate::tree::Number;

impl Settings {
    /// Returns the settings as Go would marshal them: a document under the names of `names`, zero values of
    /// `omitempty` fields left out (internal names: none is left out).
    pub(crate) fn marshal(&self, names: Names) -> Node {
        let mut root = Node::new(Content::Map(Vec::new()), shared_default_origin(self.minor));
        for field in self.fields() {
            let Some(setting) = self.of(field) else {
                continue;
            };
            let unset = matches!(setting.state, State::Unset);
            let empty = setting.is_zero() && (unset || !field.pointer);
            if unset || (names != Names::Internal && field.omitempty && empty) {
                // A removed value still tells whoever comes back in its place.
                continue;
            }
            insert(&mut root, names.of(field), to_node(setting));
        }
        sort(&mut root);
        root
    }
}

/// Writes a setting as Go marshals it.
fn to_node(setting: &Setting) -> Node {
    let content = match &setting.state {
        State::Unset => Content::Null,
        State::Known(value) => to_content(value, &setting.origin),
        State::Entries(entries) => Content::Map(
            entries
                .iter()
                .map(|(key, entry)| Entry {
                    key: key.clone(),
                    node: to_node(entry),
                    shadowed: Vec::new(),
                })
                .collect(),
        ),
        State::OneOf(values) => Content::Unknown(Arc::new(one_of(values))),
        State::Part(_, unknown) | State::Unknown(unknown) => Content::Unknown(unknown.clone()),
    };
    Node {
        content,
        origin: setting.origin.clone(),
        replaced: setting.overrode.clone(),
    }
}

fn to_content(value: &Value, origin: &Arc<Origin>) -> Content {
    match value {
        Value::Null => Content::Null,
        Value::Bool(value) => Content::Bool(*value),
        Value::Int(value) => Content::Number(Number::from_literal(value.to_string())),
        Value::Float(value) => Content::Number(Number::from_literal(value.to_string())),
        Value::String(text) => Content::String(text.clone()),
        Value::Duration(value) => Content::String(Bytes::from(duration::format(*value))),
        Value::List(list) => Content::List(
            list.iter()
                .map(|value| Node::new(to_content(value, origin), origin.clone()))
                .collect(),
        ),
        Value::Map(map) => Content::Map(
            map.iter()
                .map(|(key, value)| Entry {
                    key: key.clone(),
                    node: Node::new(to_content(value, origin), origin.clone()),
                    shadowed: Vec::new(),
                })
                .collect(),
        ),
        Value::Redacted { sha256, length } => Content::String(Bytes::from(
            kubeassay_core::value::redaction(sha256, *length),
        )),
    }
}

fn insert(root: &mut Node, path: &str, node: Node) {
    let Content::Map(entries) = &mut root.content else {
        return;
    };
    let Some((name, rest)) = path.split_once('.') else {
        entries.push(Entry {
            key: path.to_owned(),
            node,
            shadowed: Vec::new(),
        });
        return;
    };
    // Fields of one object follow each other, so it is found at the end.
    if !entries.iter().rev().any(|entry| entry.key == name) {
        let object = Node::new(Content::Map(Vec::new()), root.origin.clone());
        entries.push(Entry {
            key: name.to_owned(),
            node: object,
            shadowed: Vec::new(),
        });
    }
    if let Some(entry) = entries.iter_mut().rev().find(|entry| entry.key == name) {
        insert(&mut entry.node, rest, node);
    }
}

fn sort(node: &mut Node) {
    if let Content::Map(entries) = &mut node.content {
        entries.sort_by(|a, b| a.key.as_bytes().cmp(b.key.as_bytes()));
        for entry in entries {
            sort(&mut entry.node);
        }
    }
}
