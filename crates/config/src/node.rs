//! The tree that merging and decoding work on: what a file says, each part with its origin.

use std::sync::Arc;

use kubeassay_core::report::Overridden;
use kubeassay_core::{Bytes, Origin, OriginKind, Value};

use crate::refusal::Refusal;
use crate::setting::Unknown;
use crate::tree::{self, Mark, Number, Tree};

/// A part of a document, with its origin.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it holds.
    pub content: Content,
    /// Where it stands.
    pub origin: Arc<Origin>,
    /// What it stands in the place of, latest first.
    pub replaced: Vec<Overridden>,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// `null`.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    String(Bytes),
    /// A list.
    List(Vec<Node>),
    /// A map.
    Map(Vec<Entry>),
    /// A `null` of a merge patch was here: nothing, with the origin of the `null`.
    Removed,
    /// Not known, because the file that may say it could not be read.
    Unknown(Arc<Unknown>),
}

/// An entry of a map, in the order of the document.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The value that counts.
    pub node: Node,
    /// Values of the same key that lost already within the document.
    pub shadowed: Vec<Node>,
}

/// The file a document was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The main file or a drop-in.
    pub kind: OriginKind,
    /// The file, as the component sees it.
    pub path: Arc<Bytes>,
    /// `sha256:…` of its content.
    pub digest: Option<Arc<str>>,
}

impl Source {
    /// Returns the origin of a place in this file.
    pub(crate) fn origin(&self, mark: &Mark) -> Arc<Origin> {
        Arc::new(Origin {
            digest: self.digest.clone(),
            via: mark.via.clone(),
            ..Origin::file(self.kind, Arc::clone(&self.path), mark.line, mark.column)
        })
    }

    /// Returns the origin of the file as a whole.
    pub(crate) fn whole(&self) -> Arc<Origin> {
        Arc::new(Origin {
            path: Some(Arc::clone(&self.path)),
            digest: self.digest.clone(),
            ..Origin::new(self.kind)
        })
    }
}

impl Node {
    /// Returns a part that stands in the place of nothing.
    pub fn new(content: Content, origin: impl Into<Arc<Origin>>) -> Self {
        Self {
            content,
            origin: origin.into(),
            replaced: Vec::new(),
        }
    }

    /// Gives each part of what was read its origin.
    pub fn from_tree(node: tree::Node, source: &Source) -> Self {
        let origin = source.origin(&node.at);
        let content = match node.tree {
            Tree::Null => Content::Null,
            Tree::Bool(value) => Content::Bool(value),
            Tree::Number(number) => Content::Number(number),
            Tree::String(text) => Content::String(text.into()),
            Tree::List(nodes) => Content::List(
                nodes
                    .into_iter()
                    .map(|node| Self::from_tree(node, source))
                    .collect(),
            ),
            Tree::Map(entries) => Content::Map(
                entries
                    .into_iter()
                    .map(|entry| Entry {
                        key: entry.key,
                        node: Self::from_tree(entry.value, source),
                        shadowed: entry
                            .shadowed
                            .into_iter()
                            .map(|node| Self::from_tree(node, source))
                            .collect(),
                    })
                    .collect(),
            ),
        };
        Self::new(content, origin)
    }

    /// Returns the value without its origins, for what is shown as overridden.
    pub(crate) fn to_value(&self) -> Value {
        match &self.content {
            Content::Null | Content::Removed | Content::Unknown(_) => Value::Null,
            Content::Bool(value) => Value::Bool(*value),
            Content::Number(number) => number.as_i64().map_or_else(
                || number.as_f64().map_or(Value::Null, Value::Float),
                Value::Int,
            ),
            Content::String(text) => Value::String(text.clone()),
            Content::List(nodes) => Value::List(nodes.iter().map(Self::to_value).collect()),
            Content::Map(entries) => Value::Map(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.node.to_value()))
                    .collect(),
            ),
        }
    }

    /// Passes every number through an untyped Go value and back, as drop-ins of 1.29 and later are read.
    pub(crate) fn untype(&mut self) -> Result<(), Refusal> {
        match &mut self.content {
            Content::Number(number) => {
                let Some(untyped) = number.untyped() else {
                    let reason = format!(
                        "json: cannot unmarshal number {} into a number",
                        number.literal()
                    );
                    return Err(Refusal::new(reason, Some(self.origin.clone())));
                };
                *number = untyped;
                Ok(())
            }
            Content::List(nodes) => nodes.iter_mut().try_for_each(Self::untype),
            Content::Map(entries) => entries.iter_mut().try_for_each(|entry| entry.node.untype()),
            Content::Null
            | Content::Bool(_)
            | Content::String(_)
            | Content::Removed
            | Content::Unknown(_) => Ok(()),
        }
    }

    /// Returns how Go's decoder calls what stands here.
    pub(crate) const fn go_kind(&self) -> &'static str {
        match &self.content {
            Content::Null | Content::Removed | Content::Unknown(_) => "null",
            Content::Bool(_) => "bool",
            Content::Number(_) => "number",
            Content::String(_) => "string",
            Content::List(_) => "array",
            Content::Map(_) => "object",
        }
    }

    /// Returns the last entry whose key equals `key` without regard to case, as Go finds `kind`.
    pub(crate) fn folded(&self, key: &str) -> Option<&Self> {
        let Content::Map(entries) = &self.content else {
            return None;
        };
        entries
            .iter()
            .rev()
            .find(|entry| folds_to(&entry.key, key))
            .map(|entry| &entry.node)
    }
}

/// Returns whether Go's `encoding/json` takes `key` for the field `name`: equal under simple Unicode case
/// folding, where U+017F is an `s` and U+212A a `k`.
pub(crate) fn folds_to(key: &str, name: &str) -> bool {
    let fold = |character: char| match character {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        _ => character.to_ascii_lowercase(),
    };
    key.chars().map(fold).eq(name.chars().map(fold))
}

#[cfg(test)]
mod tests {
    use super::folds_to;

    #[test]
    fn keys_fold_as_go_folds_them() {
        for (key, name, folds) in [
            ("Mode", "mode", true),
            ("MODE", "mode", true),
            ("anonymou\u{17f}", "anonymous", true),
            ("webhoo\u{212a}", "webhook", true),
            ("mode ", "mode", false),
            ("m\u{f6}de", "mode", false),
        ] {
            assert_eq!(folds_to(key, name), folds, "{key}");
        }
    }
}
