//! What a configuration file says, before anything is decided: the tree that both readers give.
//!
//! A kubelet reads text whose first non-blank character is `{` as JSON and everything else as YAML, never both.
//! [`read`] does the same. The tree holds what the kubelet's decoder would see: YAML's aliases, merge keys, tags and
//! plain scalars are resolved, its numbers are JSON's. Every part says where it stands in the file's own bytes.

mod recent;

pub(crate) use recent::has_few_parts;

use kubeassay_core::Place;
use thiserror::Error;

pub use crate::json::Number;
use crate::{json, yaml};

/// The largest text that is read, in bytes.
pub const MAX_BYTES: usize = 4 << 20;

/// The most parts a document may have, those that aliases repeat counted each time.
pub const MAX_NODES: usize = 100_000;

/// The deepest nesting that is read. A kubelet's configuration has seven levels; whatever walks the tree by recursion
/// must find room for this many on the stack of a thread, in debug builds too.
pub const MAX_DEPTH: usize = 200;

/// A value as it was written, with where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value.
    pub tree: Tree,
    /// Where it stands.
    pub at: Mark,
}

/// Where something stands in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Line, from 1. A lone CR ends a line too, and in YAML U+0085, U+2028 and U+2029.
    pub line: u32,
    /// Column in code points, from 1. A byte order mark at the start of the file is in no column.
    pub column: u32,
    /// Start and end in the bytes of the file, as written: with the quotes of a scalar and the brackets of a
    /// collection, without tag, anchor and the line break that ends a block scalar. A block collection reaches from
    /// its first entry to the end of its last; a null that nothing was written for is empty.
    pub span: (usize, usize),
    /// The aliases and `<<` that brought it here, outermost first. A `<<` whose value is an alias is one place: the
    /// alias.
    pub via: Vec<Place>,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// `null`, or nothing at all.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string. What was not UTF-8 in it is U+FFFD, as in Go's JSON.
    String(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of first appearance.
    Map(Vec<Entry>),
}

/// An entry of a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key, converted to a string as the kubelet does.
    pub key: String,
    /// Where the key stands that gave the value.
    pub key_at: Mark,
    /// The value that counts.
    pub value: Node,
    /// Earlier values of the same key that this one replaced whole, earliest first: duplicates and merged values
    /// that lost. Always empty in JSON, where duplicates are entries of their own.
    pub shadowed: Vec<Node>,
}

/// A file's first document.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The value; null where the document is empty.
    pub root: Node,
    /// The keys for which a strict decoder refuses the document. In YAML a key of the map itself and a merged one
    /// count as twice the same, even where one of them is meant to win.
    pub duplicates: Vec<Duplicate>,
    /// Whether something follows that is never read.
    pub more_documents: bool,
}

/// A key that stands twice in one map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// The key.
    pub key: String,
    /// Where it stands first.
    pub first: Mark,
    /// Where it stands again.
    pub again: Mark,
}

/// Why a text could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct ReadError {
    /// What kind of trouble it is.
    pub kind: ReadErrorKind,
    /// Line, from 1.
    pub line: u32,
    /// Column in code points, from 1.
    pub column: u32,
    /// The kubelet's own words where it would refuse the text too; its line numbers are sometimes one off.
    pub message: String,
}

/// What kind of trouble a text makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadErrorKind {
    /// It is not YAML or JSON as the kubelet reads it.
    Syntax,
    /// Its bytes are not the text that they claim to be, or hold characters that YAML forbids.
    Encoding,
    /// It is YAML, but with something that JSON cannot say: the kubelet refuses it.
    Unsupported,
    /// It is larger than what is read here; the kubelet may well read it.
    TooLarge,
    /// It is nested deeper than what is read here; the kubelet may well read it.
    TooDeep,
}

/// Reads the first document of a configuration file, as JSON or as YAML by its first non-blank character.
///
/// # Errors
///
/// Where the kubelet would refuse the text, and where it goes beyond the limits of this module.
pub fn read(content: &[u8]) -> Result<Document, ReadError> {
    check_size(content)?;
    recent::remembered(content, |content| {
        if is_json(content) {
            json::read(content)
        } else {
            yaml::read(content)
        }
    })
}

/// Reads the first document of a configuration file as YAML, whatever it starts with.
///
/// # Errors
///
/// Where the component would refuse the text, and where it goes beyond the limits of this module.
pub(crate) fn read_yaml(content: &[u8]) -> Result<Document, ReadError> {
    if !is_json(content) {
        return read(content);
    }
    check_size(content)?;
    yaml::read(content)
}

/// Refuses a text that is larger than what is read.
pub(crate) fn check_size(content: &[u8]) -> Result<(), ReadError> {
    if content.len() > MAX_BYTES {
        let message = format!(
            "has {} bytes, more than the {MAX_BYTES} that are read",
            content.len()
        );
        return Err(ReadError {
            kind: ReadErrorKind::TooLarge,
            line: 1,
            column: 1,
            message,
        });
    }
    Ok(())
}

/// Returns whether the first character that Go does not call a space is `{`.
pub(crate) fn is_json(content: &[u8]) -> bool {
    // What is not UTF-8 is no space, so the first chunk decides.
    content
        .utf8_chunks()
        .next()
        .is_some_and(|chunk| chunk.valid().trim_start().starts_with('{'))
}
