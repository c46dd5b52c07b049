//! Values and keys as they are written.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use kubeassay_config::tree::{Node, Tree};
use kubeassay_config::yaml;
use kubeassay_core::{Value, duration};

use super::Refused;

/// How a string is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quote {
    /// `'text'`
    Single,
    /// `"text"`
    Double,
}

impl Quote {
    /// Returns the quote of what is written at `at`.
    pub(super) fn of(content: &[u8], at: usize) -> Option<Self> {
        match content.get(at) {
            Some(b'\'') => Some(Self::Single),
            Some(b'"') => Some(Self::Double),
            _ => None,
        }
    }
}

/// How strings are written in a place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hand {
    /// As JSON has them.
    pub(super) is_json: bool,
    /// The quote to use; nothing where a plain word will do.
    pub(super) quote: Option<Quote>,
}

/// Refuses values that no document is given here.
pub(super) fn check(value: &Value) -> Result<(), Refused> {
    let is_text = |value: &Value| match value {
        Value::String(text) => text.as_str().is_some(),
        _ => false,
    };
    let is_writable = match value {
        Value::Bool(_) | Value::Int(_) | Value::Duration(_) => true,
        Value::String(_) => is_text(value),
        Value::List(values) => values.iter().all(is_text),
        Value::Null | Value::Float(_) | Value::Map(_) | Value::Redacted { .. } => false,
    };
    if is_writable {
        return Ok(());
    }
    Err(Refused::new(
        "only booleans, integers, durations, texts and lists of texts are written: set it by hand",
    ))
}

/// Returns whether a node is a value, as the kubelet's decoder sees it.
pub(super) fn holds(node: &Node, value: &Value) -> bool {
    match (&node.tree, value) {
        (Tree::Bool(found), Value::Bool(wanted)) => found == wanted,
        (Tree::Number(found), Value::Int(wanted)) => found.as_i64() == Some(*wanted),
        (Tree::String(found), Value::String(wanted)) => found.as_bytes() == wanted.as_slice(),
        (Tree::String(found), Value::Duration(wanted)) => duration::parse(found) == Ok(*wanted),
        (Tree::List(found), Value::List(wanted)) => {
            found.len() == wanted.len()
                && found
                    .iter()
                    .zip(wanted)
                    .all(|(found, wanted)| holds(found, wanted))
        }
        _ => false,
    }
}

impl Hand {
    /// Returns a scalar as it is written; nothing for a collection.
    pub(super) fn scalar(self, value: &Value) -> Option<String> {
        match value {
            Value::Bool(value) => Some(value.to_string()),
            Value::Int(value) => Some(value.to_string()),
            Value::String(text) => text.as_str().map(|text| self.string(text)),
            Value::Duration(nanoseconds) => Some(self.string(&duration::format(*nanoseconds))),
            Value::Null
            | Value::Float(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Redacted { .. } => None,
        }
    }

    /// Returns a string as it is written.
    pub(super) fn string(self, text: &str) -> String {
        match self.quote {
            _ if self.is_json => double_quoted(text, true),
            None if is_plain(text) => text.to_owned(),
            Some(Quote::Single) if text.chars().all(is_printed) => {
                format!("'{}'", text.replace('\'', "''"))
            }
            _ => double_quoted(text, false),
        }
    }
}

/// Whether a text can do without quotes, wherever it stands: it has no sign in it, and neither the kubelet nor other
/// readers of YAML 1.1 take it for anything but a text.
fn is_plain(text: &str) -> bool {
    let is_word = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/');
    let is_number_like =
        duration::parse(text).is_ok() && text != "0" && !text.starts_with(['+', '-'])
            || text.parse::<Ipv4Addr>().is_ok();
    let is_safe = text
        .chars()
        .all(|next| next.is_ascii_alphanumeric() || matches!(next, '_' | '.' | '/' | '-'));
    is_safe && (is_word || is_number_like) && reads_as(text)
}

/// Whether the kubelet reads these characters as that text.
fn reads_as(text: &str) -> bool {
    let read = yaml::read(format!("- {text}\n").as_bytes());
    read.is_ok_and(|document| match &document.root.tree {
        Tree::List(items) => matches!(
            items.as_slice(),
            [Node { tree: Tree::String(found), .. }] if found == text
        ),
        _ => false,
    })
}

/// Whether a character can stand in quotes as it is.
fn is_printed(character: char) -> bool {
    character == ' ' || character.is_ascii_graphic() || character.is_alphanumeric()
}

/// Returns a text in double quotes, with only such escapes as JSON and YAML have in common; JSON has none for eight
/// digits.
fn double_quoted(text: &str, is_json: bool) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        let written = match character {
            '"' | '\\' => write!(quoted, "\\{character}"),
            '\n' => quoted.write_str("\\n"),
            '\r' => quoted.write_str("\\r"),
            '\t' => quoted.write_str("\\t"),
            _ if is_printed(character) || is_json && character >= '\u{a0}' => {
                quoted.write_char(character)
            }
            _ if u32::from(character) > 0xffff => write!(quoted, "\\U{:08x}", u32::from(character)),
            _ => write!(quoted, "\\u{:04x}", u32::from(character)),
        };
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    }
    quoted.push('"');
    quoted
}
