//! Setting a setting in a configuration document: nothing but that setting changes, in any reader's eyes.

use kubeassay_config::tree::{self, Node, Tree};
use kubeassay_core::{Value, duration};
use kubeassay_fix::edit::document::set;
use serde_json::{Map, Value as Json};

use crate::input::Parts;
use crate::show;

/// Sets one setting: a path with points, a value, and the document that it is set in.
pub(crate) fn run(data: &[u8]) {
    let mut parts = Parts::new(data);
    let (path, value, content) = (parts.next_text(), parts.next_text(), parts.next());
    let path: Vec<&str> = path.split('.').collect();
    let value = value_of(&value);
    let text = String::from_utf8_lossy(content);
    let after = match set(content, &path, &value) {
        Ok(after) => after,
        Err(refused) => {
            // A lone carriage return ends a line too, and U+0085, U+2028 and U+2029 do.
            let is_break = |next: char| "\n\r\u{85}\u{2028}\u{2029}".contains(next);
            let lines = if content.starts_with(b"\xff\xfe") || content.starts_with(b"\xfe\xff") {
                content.len()
            } else {
                text.matches(is_break).count()
            };
            let line = refused.line.unwrap_or(1);
            assert!(
                (1..=lines + 1).contains(&usize::try_from(line).unwrap_or(0)),
                "{refused}: line {line} is none of {text:?}"
            );
            return;
        }
    };
    let shown = String::from_utf8_lossy(&after);
    let again = set(&after, &path, &value);
    assert_eq!(again.as_ref(), Ok(&after), "{text:?} became {shown:?}");

    let before = tree::read(content).expect("what is edited was read");
    let read = tree::read(&after).expect("what came of it is read");
    let (old, new) = (meaning(&before.root), meaning(&read.root));
    let found = at(&new, &path).unwrap_or_else(|| panic!("not in {shown:?}"));
    assert!(
        is_value(found, &value),
        "{found} is not {value}: {text:?} became {shown:?}"
    );
    if after == content {
        return;
    }
    let (mut others, mut others_now) = (old.clone(), new.clone());
    without(&mut others, &path);
    without(&mut others_now, &path);
    assert!(
        show::alike(&others, &others_now),
        "something else changed: {text:?} became {shown:?}"
    );
    assert_eq!(before.more_documents, read.more_documents);
    let kept = kept(content, &before.root, &path);
    assert!(
        is_within(&kept, &after),
        "bytes went that are no value: {text:?} became {shown:?}"
    );
    agrees_with_serde(content, &after, &new, before.duplicates.is_empty());
}

/// Returns the value that a text means: whatever it can be read as.
fn value_of(text: &str) -> Value {
    if let Some(items) = text.strip_prefix('[') {
        let items = items.split(',').filter(|item| !item.is_empty());
        return Value::List(items.map(Value::string).collect());
    }
    if let Ok(value) = text.parse() {
        return Value::Bool(value);
    }
    if let Ok(value) = text.parse() {
        return Value::Int(value);
    }
    duration::parse(text).map_or_else(|_| Value::string(text), Value::Duration)
}

fn is_value(found: &Json, value: &Value) -> bool {
    match value {
        Value::Bool(value) => found == value,
        Value::Int(value) => found.as_i64() == Some(*value),
        Value::String(value) => found.as_str() == value.as_str(),
        Value::Duration(value) => found.as_str().map(duration::parse) == Some(Ok(*value)),
        Value::List(values) => found.as_array().is_some_and(|found| {
            found.len() == values.len()
                && found
                    .iter()
                    .zip(values)
                    .all(|(found, value)| is_value(found, value))
        }),
        _ => false,
    }
}

/// Returns what a document means: objects that stand twice in JSON are decoded one after the other.
fn meaning(node: &Node) -> Json {
    match &node.tree {
        Tree::List(nodes) => nodes.iter().map(meaning).collect(),
        Tree::Map(entries) => {
            let mut map = Map::new();
            for entry in entries {
                let inner = map.entry(entry.key.clone()).or_insert(Json::Null);
                merge(inner, meaning(&entry.value));
            }
            map.into()
        }
        // Numbers that are none of 64 bits are compared as they are written.
        Tree::Number(number) => show::value(node).unwrap_or_else(|| number.literal().into()),
        _ => show::value(node).unwrap_or_default(),
    }
}

fn merge(into: &mut Json, value: Json) {
    match (into, value) {
        (Json::Object(into), Json::Object(map)) => {
            for (key, value) in map {
                merge(into.entry(key).or_insert(Json::Null), value);
            }
        }
        (into, value) => *into = value,
    }
}

fn at<'v>(value: &'v Json, path: &[&str]) -> Option<&'v Json> {
    path.iter().try_fold(value, |value, key| value.get(key))
}

/// Takes a setting away, with the maps that hold nothing besides, and with what was null on its way.
fn without(value: &mut Json, path: &[&str]) {
    let (Some((key, rest)), Json::Object(map)) = (path.split_first(), value) else {
        return;
    };
    let Some(inner) = map.get_mut(*key) else {
        return;
    };
    without(inner, rest);
    let is_empty = inner.is_null() || inner.as_object().is_some_and(Map::is_empty);
    if rest.is_empty() || is_empty {
        map.remove(*key);
    }
}

/// Returns the bytes that have to stay: all but the value, and what was null or empty on its way.
fn kept(content: &[u8], root: &Node, path: &[&str]) -> Vec<u8> {
    let mut spans = Vec::new();
    replaced(root, path, &mut spans);
    spans.sort_unstable();
    let is_blank = |byte: &u8| byte.is_ascii_whitespace();
    let mut kept = Vec::new();
    let mut from = 0;
    for (start, end, is_list) in spans {
        let before = content.get(from..start).unwrap_or_default();
        let blanks = before.iter().rev().take_while(|byte| is_blank(byte));
        let blanks = blanks.count();
        kept.extend_from_slice(&before[..before.len() - blanks]);
        // An item that goes takes its comment along.
        let line = content[end..].iter();
        let line = line.take_while(|byte| is_list && !matches!(byte, b'\n' | b'\r'));
        from = (end + line.count()).max(from);
    }
    kept.extend_from_slice(content.get(from..).unwrap_or_default());
    kept
}

/// Collects what may be replaced: start, end, and whether it is a list by indentation.
fn replaced(node: &Node, path: &[&str], spans: &mut Vec<(usize, usize, bool)>) {
    let (start, end) = node.at.span;
    match (&node.tree, path.split_first()) {
        (Tree::List(items), None) => spans.push((start, end, !items.is_empty())),
        (Tree::Null, _) | (_, None) => spans.push((start, end, false)),
        (Tree::Map(entries), Some((key, rest))) => {
            if entries.is_empty() {
                spans.push((start, end, false));
            }
            for entry in entries.iter().filter(|entry| entry.key == **key) {
                replaced(&entry.value, rest, spans);
            }
        }
        _ => {}
    }
}

/// Whether all bytes of `part` are in `whole`, in their order.
fn is_within(part: &[u8], whole: &[u8]) -> bool {
    let mut whole = whole.iter();
    part.iter().all(|byte| whole.any(|other| other == byte))
}

/// What another reader understood as we do, it understands as we do afterwards. Readers of YAML 1.2 that refuse what
/// came of it are not asked further: where tabs, colons and comments may stand they differ.
fn agrees_with_serde(content: &[u8], after: &[u8], new: &Json, has_no_duplicates: bool) {
    if !has_no_duplicates {
        return;
    }
    let shown = String::from_utf8_lossy(after);
    if let Ok(before) = serde_json::from_slice::<Json>(content) {
        let old = tree::read(content).map(|document| meaning(&document.root));
        if old.is_ok_and(|old| show::alike(&old, &before)) {
            let theirs: Json = serde_json::from_slice(after)
                .unwrap_or_else(|error| panic!("is no JSON any more: {error}: {shown:?}"));
            assert!(show::alike(new, &theirs), "{theirs}: {shown:?}");
        }
        return;
    }
    let read = |bytes: &[u8]| {
        let options = serde_saphyr::options! { strict_booleans: true };
        let text = std::str::from_utf8(bytes).ok()?;
        serde_saphyr::from_str_with_options::<Json>(text, options).ok()
    };
    let (Some(before), Some(theirs)) = (read(content), read(after)) else {
        return;
    };
    let old = tree::read(content).map(|document| meaning(&document.root));
    if old.is_ok_and(|old| show::alike(&old, &before)) {
        assert!(show::alike(new, &theirs), "{theirs}: {shown:?}");
    }
}
