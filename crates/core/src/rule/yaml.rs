//! YAML of a page, or of a small file of the site, as a tree in which every node knows its place.
//!
//! The typed readers above it can then report every mistake with its line and column, not only the first.
//! Such a file is ours to define: YAML 1.2, booleans are `true` and `false`, no duplicate keys, no tags.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use crate::value::Value;

/// How many nodes a page may have.
pub const MAX_NODES: usize = 20_000;

/// One node and the bytes of the page it stands on.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it holds.
    pub kind: Kind,
    /// Where it stands: a scalar whole, a list or a map where it begins.
    pub span: Range<usize>,
    /// A number as it is written, for where a text is wanted (`5.10`).
    pub written: Option<String>,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Nothing, or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A number with a point or an exponent.
    Float(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order it is written.
    Map(Vec<Entry>),
}

/// One entry of a map.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its key.
    pub key: String,
    /// Where the key stands.
    pub key_span: Range<usize>,
    /// Its value.
    pub node: Node,
}

/// Why a text is not YAML, and where.
#[derive(Debug)]
pub struct YamlFault {
    /// What is wrong.
    pub message: String,
    /// The bytes it is about.
    pub span: Range<usize>,
}

impl Node {
    /// Reads one YAML document; `base` is where `text` starts in its page.
    ///
    /// # Errors
    ///
    /// Where it is no YAML, and where it is nested deeper than 32 levels, has more than [`MAX_NODES`] nodes or more than
    /// 100 aliases.
    pub fn parse(text: &str, base: usize) -> Result<Self, YamlFault> {
        Self::parse_within(text, base, MAX_NODES)
    }

    /// Reads one YAML document of at most so many nodes, as [`parse`](Self::parse) does.
    ///
    /// # Errors
    ///
    /// As those of [`parse`](Self::parse).
    pub fn parse_within(text: &str, base: usize, nodes: usize) -> Result<Self, YamlFault> {
        let budget = serde_saphyr::budget! { max_depth: 32, flow_nesting_limit: 32, max_nodes: nodes, max_aliases: 100 };
        let options =
            serde_saphyr::options! { strict_booleans: true, with_snippet: false, budget: budget };
        match serde_saphyr::from_str_with_options::<Spanned<Raw>>(text, options) {
            Ok(raw) => Ok(Self::place(raw, text, base)),
            Err(error) => {
                let span = error.location().map_or(0..0, |place| bytes_of(text, place));
                Err(YamlFault {
                    message: without_place(&error.without_snippet().to_string()),
                    span: span.start + base..span.end + base,
                })
            }
        }
    }

    /// Returns the entries, if it is a map.
    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.kind {
            Kind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// Returns the text of a string, or of a number as it is written.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => self.written.as_deref(),
        }
    }

    /// Returns what it holds, in words.
    pub const fn describe(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Bool(_) => "a boolean",
            Kind::Int(_) | Kind::Float(_) => "a number",
            Kind::Text(_) => "a text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }

    /// Returns it as the value of a setting.
    pub fn value(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Int(value) => Value::Int(*value),
            Kind::Float(value) => Value::Float(*value),
            Kind::Text(text) => Value::string(text.as_str()),
            Kind::List(nodes) => Value::List(nodes.iter().map(Self::value).collect()),
            Kind::Map(entries) => Value::Map(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.node.value()))
                    .collect(),
            ),
        }
    }

    fn place(raw: Spanned<Raw>, text: &str, base: usize) -> Self {
        let within = bytes_of(text, raw.referenced);
        let number = matches!(raw.value, Raw::Int(_) | Raw::Float(_));
        Self {
            written: number.then(|| {
                text.get(bytes_of(text, raw.defined))
                    .unwrap_or_default()
                    .to_owned()
            }),
            span: within.start + base..within.end + base,
            kind: match raw.value {
                Raw::Null => Kind::Null,
                Raw::Bool(value) => Kind::Bool(value),
                Raw::Int(value) => Kind::Int(value),
                Raw::Float(value) => Kind::Float(value),
                Raw::Text(value) => Kind::Text(value),
                Raw::List(nodes) => Kind::List(
                    nodes
                        .into_iter()
                        .map(|node| Self::place(node, text, base))
                        .collect(),
                ),
                Raw::Map(entries) => Kind::Map(
                    entries
                        .into_iter()
                        .map(|(key, node)| {
                            let span = bytes_of(text, key.referenced);
                            Entry {
                                key: key.value,
                                key_span: span.start + base..span.end + base,
                                node: Self::place(node, text, base),
                            }
                        })
                        .collect(),
                ),
            },
        }
    }
}

/// Returns the bytes of a place; one byte where the parser gives only line and column.
fn bytes_of(text: &str, place: Location) -> Range<usize> {
    let span = place.span();
    let bytes = span.byte_offset().zip(span.byte_len());
    let bytes = bytes.and_then(|(at, length)| {
        let at = usize::try_from(at).ok()?;
        Some(at..at + usize::try_from(length).ok()?)
    });
    bytes.unwrap_or_else(|| {
        let line = usize::try_from(place.line().saturating_sub(1)).unwrap_or(0);
        let column = usize::try_from(place.column().saturating_sub(1)).unwrap_or(0);
        let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        let rest = text.get(start..).unwrap_or_default();
        let at = start + rest.chars().take(column).map(char::len_utf8).sum::<usize>();
        at..at
            + text
                .get(at..)
                .and_then(|rest| rest.chars().next())
                .map_or(0, char::len_utf8)
    })
}

/// Returns a message of the parser without the place at its end, which is within the front matter.
fn without_place(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let line = line.split(" at line ").next().unwrap_or(line);
    line.split(", set DuplicateKeyPolicy")
        .next()
        .unwrap_or(line)
        .to_owned()
}

/// A node as the parser gives it.
enum Raw {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Spanned<Self>>),
    Map(Vec<(Spanned<String>, Spanned<Self>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        Raw::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Int(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Raw, E> {
        let value =
            i64::try_from(value).map_err(|_| E::custom("the number is too large; quote it"))?;
        Ok(Raw::Int(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = access.next_element()? {
            nodes.push(node);
        }
        Ok(Raw::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut entries: Vec<(Spanned<String>, Spanned<Raw>)> = Vec::new();
        while let Some((key, node)) = access.next_entry::<Spanned<String>, Spanned<Raw>>()? {
            // The parser refuses duplicates; a merge key (`<<`) could still bring one.
            if entries.iter().any(|(known, _)| known.value == key.value) {
                return Err(A::Error::custom(format!(
                    "duplicate mapping key: {}",
                    key.value
                )));
            }
            entries.push((key, node));
        }
        Ok(Raw::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Node};

    #[test]
    fn every_node_knows_its_place_in_the_page() {
        let text = "ä: [x, 5.10]\ncheck: >-\n  a &&\n  b\nt: yes\n";
        let node = Node::parse(text, 100).unwrap();
        let entries = node.entries().unwrap();
        let Kind::List(list) = &entries[0].node.kind else {
            panic!("a list")
        };
        assert_eq!(list[1].text(), Some("5.10"));
        assert_eq!(list[1].span, 108..112);
        assert_eq!(entries[1].node.text(), Some("a && b"));
        assert_eq!(&text[entries[1].node.span.start - 100..][..4], "a &&");
        assert_eq!(entries[2].node.text(), Some("yes"));
    }

    #[test]
    fn what_is_not_yaml_is_said_with_its_place() {
        for (text, at, message) in [
            ("a: 1\na: 2\n", 5, "duplicate mapping key: a"),
            ("a: [", 3, "unclosed bracket '['"),
            (
                "é: b: c",
                5,
                "mapping values are not allowed in this context",
            ),
            ("v: >=1", 3, "while scanning a block scalar"),
        ] {
            let fault = Node::parse(text, 0).unwrap_err();
            assert!(fault.message.starts_with(message), "{}", fault.message);
            assert!(!fault.message.contains(" at line"), "{}", fault.message);
            assert!(
                fault.span.start.abs_diff(at) < 3,
                "{text}: {:?}",
                fault.span
            );
        }
    }

    #[test]
    fn hostile_yaml_is_refused_and_does_not_blow_up() {
        for text in [
            "[".repeat(10_000),
            "- ".repeat(10_000),
            format!("a: &a [x]\n{}", "b: [*a, *a]\n".repeat(500)),
            "a: &a [*a]".to_owned(),
            "? [1]\n: b".to_owned(),
            "a: 123456789012345678901234567890".to_owned(),
            "--- a\n--- b\n".to_owned(),
        ] {
            drop(Node::parse(&text, 0));
        }
    }
}
