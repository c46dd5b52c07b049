//! Trees as values of `serde_json`, and walks over them.

use kubeassay_config::tree::{Node, Tree};
use serde_json::{Map, Number, Value};

/// Returns a tree as a value: of duplicate keys the last counts.
///
/// Numbers become floating point where they are no 64-bit integers. Returns nothing where one is larger than
/// any floating point number.
pub(crate) fn value(node: &Node) -> Option<Value> {
    Some(match &node.tree {
        Tree::Null => Value::Null,
        Tree::Bool(value) => Value::Bool(*value),
        Tree::Number(number) => Value::Number(match number.as_i64() {
            Some(number) => number.into(),
            None => match number.as_u64() {
                Some(number) => number.into(),
                None => Number::from_f64(number.as_f64()?)?,
            },
        }),
        Tree::String(text) => Value::String(text.clone()),
        Tree::List(nodes) => Value::Array(nodes.iter().map(value).collect::<Option<_>>()?),
        Tree::Map(entries) => {
            let mut map = Map::new();
            for entry in entries {
                map.insert(entry.key.clone(), value(&entry.value)?);
            }
            Value::Object(map)
        }
    })
}

/// Returns a tree as JSON: entries in their order, duplicates and the literals of numbers kept.
pub(crate) fn json(node: &Node) -> String {
    match &node.tree {
        Tree::Null => "null".to_owned(),
        Tree::Bool(value) => value.to_string(),
        Tree::Number(number) => number.literal().to_owned(),
        Tree::String(text) => quoted(text),
        Tree::List(nodes) => format!("[{}]", nodes.iter().map(json).collect::<Vec<_>>().join(",")),
        Tree::Map(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|entry| format!("{}:{}", quoted(&entry.key), json(&entry.value)))
                .collect();
            format!("{{{}}}", entries.join(","))
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text is JSON")
}

/// Calls `visit` for a node and everything below it, what lost included.
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
        Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::String(_) => {}
    }
}

/// Returns whether two trees say the same, wherever it stands.
pub(crate) fn same(one: &Node, other: &Node) -> bool {
    match (&one.tree, &other.tree) {
        (Tree::List(one), Tree::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Tree::Map(one), Tree::Map(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| one.key == other.key && same(&one.value, &other.value))
        }
        (one, other) => one == other,
    }
}

/// Whether two values are the same but for the way their numbers are held: `-0` is one of floating point to `serde_json`.
pub(crate) fn alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || close(one.as_f64(), other.as_f64())
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| alike(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(key, value)| other.get(key).is_some_and(|found| alike(value, found)))
        }
        (one, other) => one == other,
    }
}

/// Whether two numbers are the same but for the last digits: `serde_json` reads some a little off, unless it is built with
/// a feature that the rest of the workspace has no use for.
fn close(one: Option<f64>, other: Option<f64>) -> bool {
    let (Some(one), Some(other)) = (one, other) else {
        return false;
    };
    (one - other).abs() <= one.abs() * 8.0 * f64::EPSILON
}
