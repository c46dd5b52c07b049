//! What holds for every document: random ones in mixed styles, and those that this repository holds.

#![expect(
    clippy::format_push_string,
    clippy::struct_excessive_bools,
    reason = "what a document looks like is a row of switches, and it is written once"
)]

use std::path::Path;

use kubeassay_config::tree::{self, Entry, Node, Tree};
use kubeassay_core::Value;
use proptest::prelude::{
    Just, ProptestConfig, Strategy, TestCaseError, any, prop, prop_assert, prop_assert_eq,
    prop_oneof, proptest,
};

use super::{ANONYMOUS, GATE, IDLE, MODE, PORT, SUITES, list, set};

/// What a document says, and how each part of it is written.
#[derive(Clone, Debug)]
enum Part {
    Scalar(usize),
    Items {
        items: Vec<usize>,
        looks: Looks,
    },
    Map {
        entries: Vec<(usize, Self)>,
        looks: Looks,
    },
}

#[derive(Clone, Copy, Debug)]
struct Looks {
    in_brackets: bool,
    over_lines: bool,
    quote_keys: bool,
    comments: bool,
    indents_lists: bool,
}

/// How the whole is written.
#[derive(Clone, Copy, Debug)]
struct Whole {
    is_json: bool,
    is_compact: bool,
    step: usize,
    eol: &'static str,
    has_mark: bool,
    has_head: bool,
    has_more: bool,
    ends: bool,
}

/// Keys on the ways to the settings, and others.
const KEYS: &[&str] = &[
    "authorization",
    "mode",
    "authentication",
    "anonymous",
    "enabled",
    "readOnlyPort",
    "featureGates",
    "RotateKubeletServerCertificate",
    "tlsCipherSuites",
    "podPidsLimit",
    "streamingConnectionIdleTimeout",
    "seccompDefault",
    "kind",
    "x",
];

/// As YAML has them, and as JSON has.
const SCALARS: &[(&str, &str)] = &[
    ("AlwaysAllow", "\"AlwaysAllow\""),
    ("\"Webhook\"", "\"Webhook\""),
    ("'it''s #no: comment'", "\"it's #no: comment\""),
    ("\"a\\\"b, ]}\"", "\"a\\\"b, ]}\""),
    ("true", "true"),
    ("no", "false"),
    ("10255", "10255"),
    ("0", "0"),
    ("4h0m0s", "\"4h0m0s\""),
    ("~", "null"),
    ("plain words", "\"plain words\""),
    ("-1.5e3", "-1.5e3"),
];

fn settings() -> Vec<(&'static [&'static str], Value)> {
    vec![
        (MODE, Value::string("Webhook")),
        (ANONYMOUS, Value::Bool(false)),
        (PORT, Value::Int(0)),
        (GATE, Value::Bool(true)),
        (SUITES, list(&["TLS_A", "TLS_B"])),
        (SUITES, list(&[])),
        (&["podPidsLimit"], Value::Int(4096)),
        (IDLE, Value::Duration(14_400_000_000_000)),
        (&["seccompDefault"], Value::Bool(true)),
        (&["kind"], Value::string("yes")),
    ]
}

fn looks() -> impl Strategy<Value = Looks> {
    (any::<[bool; 5]>()).prop_map(
        |[in_brackets, over_lines, quote_keys, comments, indents_lists]| Looks {
            in_brackets,
            over_lines,
            quote_keys,
            comments,
            indents_lists,
        },
    )
}

fn part() -> impl Strategy<Value = Part> {
    let scalar = (0..SCALARS.len()).prop_map(Part::Scalar);
    scalar.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            (prop::collection::vec(0..SCALARS.len(), 0..4), looks())
                .prop_map(|(items, looks)| Part::Items { items, looks }),
            map_of(inner),
        ]
    })
}

fn map_of(inner: impl Strategy<Value = Part>) -> impl Strategy<Value = Part> {
    (prop::collection::vec((0..KEYS.len(), inner), 0..6), looks())
        .prop_map(|(entries, looks)| Part::Map { entries, looks })
}

fn whole() -> impl Strategy<Value = Whole> {
    (
        any::<[bool; 6]>(),
        2..5_usize,
        prop_oneof![Just("\n"), Just("\n"), Just("\r\n")],
    )
        .prop_map(
            |([is_json, is_compact, has_mark, has_head, has_more, ends], step, eol)| Whole {
                is_json,
                is_compact,
                step,
                eol,
                has_mark,
                has_head,
                has_more,
                ends,
            },
        )
}

impl Whole {
    fn document(self, root: &Part) -> String {
        let mut text = String::new();
        if self.is_json {
            text += &self.json(root, 0);
        } else {
            let is_block = matches!(root, Part::Map { entries, looks } if !entries.is_empty() && !looks.in_brackets);
            if self.has_mark {
                text.push('\u{feff}');
            }
            if self.has_head || !is_block {
                text += "---";
                text += if is_block { self.eol } else { " " };
            }
            match root {
                Part::Map { entries, looks } if is_block => {
                    text += self.block(entries, *looks, 0).trim_start_matches(self.eol);
                }
                _ => text += &self.flow(root),
            }
            if self.has_more {
                text += self.eol;
                text += "---";
                text += self.eol;
                text += "mode: [";
            }
        }
        if self.ends {
            text += self.eol;
        }
        text
    }

    fn json(self, part: &Part, depth: usize) -> String {
        let (open, close, parts) = match part {
            Part::Scalar(scalar) => return SCALARS[*scalar].1.to_owned(),
            Part::Items { items, .. } => {
                let items = items.iter().map(|item| SCALARS[*item].1.to_owned());
                ('[', ']', items.collect::<Vec<_>>())
            }
            Part::Map { entries, .. } => {
                let colon = if self.is_compact { ":" } else { ": " };
                let entries = entries.iter().map(|(key, part)| {
                    format!("\"{}\"{colon}{}", KEYS[*key], self.json(part, depth + 1))
                });
                ('{', '}', entries.collect())
            }
        };
        if parts.is_empty() {
            return format!("{open}{close}");
        }
        if self.is_compact {
            return format!("{open}{}{close}", parts.join(","));
        }
        let outer = format!("{}{}", self.eol, " ".repeat(self.step * depth));
        let inner = format!("{outer}{}", " ".repeat(self.step));
        format!(
            "{open}{inner}{}{outer}{close}",
            parts.join(&format!(",{inner}"))
        )
    }

    fn key(key: usize, looks: Looks) -> String {
        if looks.quote_keys {
            format!("\"{}\"", KEYS[key])
        } else {
            KEYS[key].to_owned()
        }
    }

    /// Writes a collection in brackets.
    fn flow(self, part: &Part) -> String {
        let (open, close, looks, parts) = match part {
            Part::Scalar(scalar) => return SCALARS[*scalar].0.to_owned(),
            Part::Items { items, looks } => {
                let items = items.iter().map(|item| SCALARS[*item].0.to_owned());
                ('[', ']', looks, items.collect::<Vec<_>>())
            }
            Part::Map { entries, looks } => {
                let entries = entries
                    .iter()
                    .map(|(key, part)| format!("{}: {}", Self::key(*key, *looks), self.flow(part)));
                ('{', '}', looks, entries.collect())
            }
        };
        if looks.over_lines && !parts.is_empty() {
            // Comments within a list in brackets are a reason to refuse.
            let comment = if looks.comments && open == '{' {
                " # c"
            } else {
                ""
            };
            let inner = format!("{}        ", self.eol);
            let last = format!("{comment}{}      ", self.eol);
            return format!(
                "{open}{inner}{}{last}{close}",
                parts.join(&format!(",{comment}{inner}"))
            );
        }
        let blank = if looks.comments && !parts.is_empty() {
            " "
        } else {
            ""
        };
        format!("{open}{blank}{}{blank}{close}", parts.join(", "))
    }

    /// Writes entries by indentation, each on a new line.
    fn block(self, entries: &[(usize, Part)], looks: Looks, depth: usize) -> String {
        let indent = " ".repeat(depth);
        let comment = if looks.comments { " # it's: [c" } else { "" };
        let mut text = String::new();
        for (place, (key, part)) in entries.iter().enumerate() {
            if looks.comments && looks.over_lines && place > 0 {
                text += &format!("{0}{0}{indent}# of the next", self.eol);
            }
            text += &format!("{}{indent}{}:", self.eol, Self::key(*key, looks));
            match part {
                Part::Map { entries, looks } if !entries.is_empty() && !looks.in_brackets => {
                    text += comment;
                    text += &self.block(entries, *looks, depth + self.step);
                }
                Part::Items { items, looks } if !items.is_empty() && !looks.in_brackets => {
                    text += comment;
                    let further = if looks.indents_lists { self.step } else { 0 };
                    let indent = " ".repeat(depth + further);
                    for item in items {
                        text += &format!("{}{indent}- {}{comment}", self.eol, SCALARS[*item].0);
                        if looks.over_lines {
                            text += &format!("{}{indent}# of an item", self.eol);
                        }
                    }
                }
                // Null need not be written.
                Part::Scalar(9) if looks.over_lines => text += comment,
                part => text += &format!(" {}{comment}", self.flow(part)),
            }
        }
        text
    }
}

/// Returns a tree with what counts, as the kubelet decodes it: objects that stand twice in JSON are one.
fn meaning(node: &Node) -> serde_json::Value {
    match &node.tree {
        Tree::Null => serde_json::Value::Null,
        Tree::Bool(value) => (*value).into(),
        Tree::Number(number) => number.literal().into(),
        Tree::String(text) => format!("text {text}").into(),
        Tree::List(nodes) => nodes.iter().map(meaning).collect(),
        Tree::Map(entries) => {
            let mut map = serde_json::Map::new();
            for Entry { key, value, .. } in entries {
                merge(
                    map.entry(key.clone()).or_insert(serde_json::Value::Null),
                    meaning(value),
                );
            }
            map.into()
        }
    }
}

fn merge(into: &mut serde_json::Value, value: serde_json::Value) {
    match (into, value) {
        (serde_json::Value::Object(into), serde_json::Value::Object(map)) => {
            for (key, value) in map {
                merge(into.entry(key).or_insert(serde_json::Value::Null), value);
            }
        }
        (into, value) => *into = value,
    }
}

/// Takes the setting out of what a document means, with the maps that hold nothing besides.
fn without(value: &mut serde_json::Value, path: &[&str]) {
    let (Some((key, rest)), serde_json::Value::Object(map)) = (path.split_first(), value) else {
        return;
    };
    let Some(inner) = map.get_mut(*key) else {
        return;
    };
    without(inner, rest);
    let is_empty = matches!(inner, serde_json::Value::Object(map) if map.is_empty());
    if rest.is_empty() || is_empty || inner.is_null() {
        map.remove(*key);
    }
}

fn expected(value: &Value) -> serde_json::Value {
    match value {
        Value::Bool(value) => (*value).into(),
        Value::Int(value) => value.to_string().into(),
        Value::Duration(_) => "text 4h0m0s".into(),
        Value::List(items) => items.iter().map(expected).collect(),
        value => format!("text {value}").into(),
    }
}

/// Whether all bytes of `part` are in `whole`, in their order.
fn is_within(part: &[u8], whole: &[u8]) -> bool {
    let mut whole = whole.iter();
    part.iter().all(|byte| whole.any(|other| other == byte))
}

/// Sets a setting, and asserts that nothing else changes. Returns whether it was accepted.
fn holds(content: &[u8], path: &[&str], value: &Value) -> Result<bool, TestCaseError> {
    let text = String::from_utf8_lossy(content);
    let Ok(after) = set(content, path, value) else {
        return Ok(false);
    };
    let shown = String::from_utf8_lossy(&after);
    let before = tree::read(content).unwrap();
    let read = tree::read(&after).unwrap();
    let (mut old, mut new) = (meaning(&before.root), meaning(&read.root));
    let pointer = format!("/{}", path.join("/"));
    prop_assert_eq!(new.pointer(&pointer), Some(&expected(value)), "{}", shown);
    without(&mut old, path);
    without(&mut new, path);
    prop_assert_eq!(old, new, "{:?} became {:?}", text, shown);
    prop_assert_eq!(before.more_documents, read.more_documents);
    let again = set(&after, path, value);
    prop_assert_eq!(again.as_ref(), Ok(&after));
    // Nothing but values goes: comments stay, and line ends.
    let comments = |text: &str| text.matches("# ").count();
    prop_assert!(
        comments(&text) == comments(&shown) || matches!(value, Value::List(_)),
        "{:?} became {:?}",
        text,
        shown
    );
    let of_lines = |text: &str| text.matches("# of ").count();
    prop_assert_eq!(of_lines(&text), of_lines(&shown), "{:?}", shown);
    if !text.contains("\r\n") || text.matches('\n').count() == text.matches("\r\n").count() {
        let lone = |text: &str| text.matches('\n').count() - text.matches("\r\n").count();
        prop_assert!(
            lone(&text) > 0 || !text.contains('\n') || lone(&shown) == 0,
            "{:?}",
            shown
        );
    }
    prop_assert_eq!(text.ends_with('\n'), shown.ends_with('\n'));
    let absent = find(&before.root, path).is_none_or(|node| matches!(node.tree, Tree::Null));
    if absent && !text.contains('~') && !text.contains("null") {
        prop_assert!(is_within(content, &after), "{:?} became {:?}", text, shown);
    }
    Ok(true)
}

fn find<'n>(node: &'n Node, path: &[&str]) -> Option<&'n Node> {
    let Some((key, rest)) = path.split_first() else {
        return Some(node);
    };
    let Tree::Map(entries) = &node.tree else {
        return None;
    };
    let mut found = entries.iter().rev().filter(|entry| entry.key == *key);
    found.find_map(|entry| find(&entry.value, rest))
}

/// Whether something else than a map is on the way, or a collection where a scalar is wanted: reasons to refuse.
fn is_mistyped(root: &Node, path: &[&str], value: &Value) -> bool {
    let is_null = |node: &Node| matches!(node.tree, Tree::Null);
    let mut reached = vec![root];
    for (depth, key) in path.iter().enumerate() {
        let entries = reached.iter().flat_map(|node| match &node.tree {
            Tree::Map(entries) => entries.as_slice(),
            _ => &[],
        });
        let found = entries.filter(|entry| entry.key == *key);
        let found: Vec<&Node> = found.map(|entry| &entry.value).collect();
        let Some(last) = found.last() else {
            return false;
        };
        if depth + 1 == path.len() {
            return match last.tree {
                Tree::Map(_) => true,
                Tree::List(_) => !matches!(value, Value::List(_)),
                _ => false,
            };
        }
        if found.len() == 1 && is_null(last) {
            return false;
        }
        if found.iter().any(|node| !matches!(node.tree, Tree::Map(_))) {
            return true;
        }
        reached = found;
    }
    false
}

proptest! {
    // Few of the documents have the setting, and a thousand take a second.
    #![proptest_config(ProptestConfig::with_cases(2048))]
    #[test]
    fn only_the_setting_changes(
        root in map_of(part()),
        whole in whole(),
        setting in 0..settings().len(),
    ) {
        let text = whole.document(&root);
        let (path, value) = settings().swap_remove(setting);
        let document = tree::read(text.as_bytes());
        prop_assert!(document.is_ok(), "{:?}: {:?}", document, text);
        let accepted = holds(text.as_bytes(), path, &value)?;
        // Plain documents are not refused.
        if let Ok(document) = document {
            prop_assert_eq!(
                accepted,
                !is_mistyped(&document.root, path, &value),
                "{:?}: {:?}", set(text.as_bytes(), path, &value), text
            );
        }
    }
}

/// Every configuration of a kubelet in the repository's hosts and rules takes every setting.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "reads the repository's own files"
)]
fn real_configurations_take_every_setting() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut texts = Vec::new();
    for folder in ["tests/hosts", "rules/kubelet", "tests/captures"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let Ok(text) = std::fs::read_to_string(&path) else {
                continue;
            };
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                texts.push(text);
            } else {
                texts.extend(configurations(&text));
            }
        }
    }
    assert!(texts.len() > 30, "only {} configurations", texts.len());
    for text in texts {
        for text in [
            text.clone(),
            text.replace('\n', "\r\n"),
            text.trim_end().to_owned(),
        ] {
            for (path, value) in settings() {
                let accepted = holds(text.as_bytes(), path, &value).unwrap();
                let is_special = ["!!", "&", "<<"].iter().any(|sign| text.contains(sign));
                assert!(
                    accepted || is_special,
                    "{:?}: {text}",
                    set(text.as_bytes(), path, &value)
                );
            }
        }
    }
}

/// Returns the texts within a page or a host that are configurations of a kubelet: indented blocks that say so.
fn configurations(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (place, line) in lines.iter().enumerate() {
        if !line
            .trim_start()
            .starts_with("apiVersion: kubelet.config.k8s.io")
        {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let block = lines[place..]
            .iter()
            .take_while(|line| {
                line.trim().is_empty() || line.len() - line.trim_start().len() >= indent
            })
            .take_while(|line| !line.starts_with("```"));
        let block: Vec<&str> = block
            .map(|line| line.get(indent..).unwrap_or_default())
            .collect();
        found.push(block.join("\n") + "\n");
    }
    found
}
