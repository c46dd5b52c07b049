//! From what YAML says to what JSON can say of it: the kubelet's decoder is fed with JSON.

use std::collections::HashMap;

use super::decode::{Part, Slot, Value};
use super::key::mended;
use super::resolve::Scalar;
use crate::json::Number;
use crate::tree::{Entry, Mark, Node, ReadError, ReadErrorKind, Tree};

/// Converts a value, or says what of it JSON cannot say.
pub(super) fn to_json(part: Part) -> Result<Node, ReadError> {
    let Part { value, at } = part;
    let tree = match value {
        Value::Scalar(scalar) => match scalar {
            Scalar::Null => Tree::Null,
            Scalar::Bool(value) => Tree::Bool(value),
            Scalar::Int(value) => Tree::Number(Number::from_literal(value.to_string())),
            Scalar::Unsigned(value) => Tree::Number(Number::from_literal(value.to_string())),
            Scalar::Float(value) => match Number::from_f64(value) {
                Some(number) => Tree::Number(number),
                None => {
                    return Err(unsupported(
                        format!("json: unsupported value: {}", go_name(value)),
                        &at,
                    ));
                }
            },
            Scalar::Text(text) => Tree::String(mended(&text)),
        },
        Value::List(parts) => {
            // A loop and not a chain of iterators: its frames would count a thousand times.
            let mut nodes = Vec::with_capacity(parts.len());
            for part in parts {
                nodes.push(to_json(part)?);
            }
            Tree::List(nodes)
        }
        Value::Map(slots) => map_to_json(slots)?,
    };
    Ok(Node { tree, at })
}

fn map_to_json(slots: Vec<Slot>) -> Result<Tree, ReadError> {
    let mut entries: Vec<Entry> = Vec::with_capacity(slots.len());
    let mut place_of = HashMap::with_capacity(slots.len());
    for Slot {
        key,
        key_at,
        value,
        shadowed,
        ..
    } in slots
    {
        let key = key
            .to_json()
            .map_err(|message| unsupported(message, &key_at))?;
        let value = to_json(value)?;
        // What lost may be anything.
        let mut lost = Vec::new();
        for part in shadowed {
            lost.extend(to_json(part));
        }
        let place = *place_of.entry(key.clone()).or_insert(entries.len());
        match entries.get_mut(place) {
            None => entries.push(Entry {
                key,
                key_at,
                value,
                shadowed: lost,
            }),
            // `1` and `"1"` are two keys in YAML and one in JSON. Which of them the kubelet keeps is chance.
            Some(entry) => {
                entry.key_at = key_at;
                entry
                    .shadowed
                    .push(std::mem::replace(&mut entry.value, value));
                entry.shadowed.extend(lost);
            }
        }
    }
    Ok(Tree::Map(entries))
}

fn go_name(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "+Inf"
    } else {
        "-Inf"
    }
}

fn unsupported(message: String, at: &Mark) -> ReadError {
    ReadError {
        kind: ReadErrorKind::Unsupported,
        line: at.line,
        column: at.column,
        message,
    }
}
