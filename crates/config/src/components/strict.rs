//! What Kubernetes' decoder makes of a file: the types of its fields, and the fields that it does not know.
//!
//! A type that is not the field's is always refused; a key that is unknown, written in another case or there twice only
//! by a strict decoder (`k8s.io/apimachinery/pkg/runtime/serializer/json`, `sigs.k8s.io/json`). What stands as `null` is
//! as good as not there.

use std::sync::Arc;

use kubeassay_core::duration;

use crate::node::{Content, Node};
use crate::refusal::Refusal;
use crate::sources::Document;
use crate::tables::Minor;

/// What may stand in a place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// Anything: it is kept as it is.
    Any,
    /// `bool`
    Bool,
    /// `string`
    Text,
    /// `int32`
    Int32,
    /// `metav1.Duration`
    Duration,
    /// A list of one shape.
    List(&'static Self),
    /// A struct.
    Object(&'static [Field]),
}

/// A field of a struct.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    name: &'static str,
    shape: Shape,
    /// The first minor that knows it.
    since: Minor,
}

/// Returns a field that every version of the file has.
pub(super) const fn field(name: &'static str, shape: Shape) -> Field {
    since(Minor(0), name, shape)
}

/// Returns a field that was added in a minor.
pub(super) const fn since(since: Minor, name: &'static str, shape: Shape) -> Field {
    Field { name, shape, since }
}

/// A list of texts.
pub(super) const TEXTS: Shape = Shape::List(&Shape::Text);

/// What a decoder does with keys that it does not know, or that stand twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decoder {
    /// It passes over them.
    Lenient,
    /// It refuses the file.
    Strict,
}

/// Reads a whole file as `decoder` does in a minor.
///
/// # Errors
///
/// The component's reason to end.
pub(super) fn check(
    document: &Document,
    shape: &Shape,
    decoder: Decoder,
    minor: Minor,
) -> Result<(), Refusal> {
    check_part(&document.root, shape, decoder, minor).and_then(|()| {
        match duplicate(document).filter(|_| decoder == Decoder::Strict) {
            Some(refusal) => Err(refusal),
            None => Ok(()),
        }
    })
}

/// The same, of a part of a file, in which no key stands twice.
///
/// # Errors
///
/// The component's reason to end.
pub(super) fn check_part(
    root: &Node,
    shape: &Shape,
    decoder: Decoder,
    minor: Minor,
) -> Result<(), Refusal> {
    types(root, shape, minor, "")?;
    match unknown(root, shape, minor, "") {
        Some((path, at)) if decoder == Decoder::Strict => Err(Refusal::new(
            format!("strict decoding error: unknown field {path:?}"),
            Some(Arc::clone(&at.origin)),
        )),
        _ => Ok(()),
    }
}

/// Returns why a strict decoder refuses a file in which a key stands twice.
pub(super) fn duplicate(document: &Document) -> Option<Refusal> {
    let (key, origin) = document.duplicate.as_ref()?;
    let reason = format!("strict decoding error: key {key:?} already set in map");
    Some(Refusal::new(reason, Some(Arc::clone(origin))))
}

/// Refuses what is not of its type; `path` is that of the part, without the places in lists, as Go says it.
fn types(node: &Node, shape: &Shape, minor: Minor, path: &str) -> Result<(), Refusal> {
    let refuse = |reason: String| Err(Refusal::new(reason, Some(Arc::clone(&node.origin))));
    let wanted = match (shape, &node.content) {
        (_, Content::Null | Content::Removed | Content::Unknown(_))
        | (Shape::Any, _)
        | (Shape::Bool, Content::Bool(_))
        | (Shape::Text, Content::String(_)) => return Ok(()),
        (Shape::Int32, Content::Number(number))
            if number
                .as_i64()
                .is_some_and(|number| i32::try_from(number).is_ok()) =>
        {
            return Ok(());
        }
        (Shape::Duration, Content::String(text)) => {
            return match duration::parse(&text.to_string_lossy()) {
                Ok(_) => Ok(()),
                Err(reason) => refuse(format!("time: {reason}")),
            };
        }
        (Shape::List(inner), Content::List(nodes)) => {
            return nodes
                .iter()
                .try_for_each(|node| types(node, inner, minor, path));
        }
        (Shape::Object(fields), Content::Map(entries)) => {
            return entries
                .iter()
                .try_for_each(|entry| match named(fields, &entry.key, minor) {
                    Some(field) => {
                        let below = below(path, field.name);
                        let mut nodes = entry.shadowed.iter().chain([&entry.node]);
                        nodes.try_for_each(|node| types(node, &field.shape, minor, &below))
                    }
                    None => Ok(()),
                });
        }
        (Shape::Bool, _) => "bool",
        (Shape::Text | Shape::Duration, _) => "string",
        (Shape::Int32, _) => "int32",
        (Shape::List(Shape::Text), _) => "[]string",
        (Shape::List(_), _) => "a list",
        (Shape::Object(_), _) => "an object",
    };
    let what = match &node.content {
        Content::Number(number) => format!("number {}", number.literal()),
        _ => node.go_kind().to_owned(),
    };
    refuse(format!(
        "json: cannot unmarshal {what} into Go struct field {path} of type {wanted}"
    ))
}

/// Returns the first field that nobody knows, with its path as a strict decoder says it.
fn unknown<'n>(
    node: &'n Node,
    shape: &Shape,
    minor: Minor,
    path: &str,
) -> Option<(String, &'n Node)> {
    match (shape, &node.content) {
        (Shape::List(inner), Content::List(nodes)) => nodes
            .iter()
            .enumerate()
            .find_map(|(at, node)| unknown(node, inner, minor, &format!("{path}[{at}]"))),
        (Shape::Object(fields), Content::Map(entries)) => entries.iter().find_map(|entry| {
            let below = below(path, &entry.key);
            match named(fields, &entry.key, minor) {
                Some(field) => unknown(&entry.node, &field.shape, minor, &below),
                None => Some((below, &entry.node)),
            }
        }),
        _ => None,
    }
}

fn named(fields: &'static [Field], key: &str, minor: Minor) -> Option<&'static Field> {
    fields
        .iter()
        .find(|field| field.name == key && field.since <= minor)
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
