//! The YAML reader, with the JSON reader and `serde-saphyr` for further opinions.

use kubeassay_config::tree::{Document, Node, ReadErrorKind, Tree};
use kubeassay_config::{json, tree, yaml};
use serde_json::Value;

use crate::places::{Lines, Places};
use crate::show;

/// Reads an input as YAML.
pub(crate) fn run(data: &[u8]) {
    let read = yaml::read(data);
    let places = Places::of(data, Lines::Yaml);
    match &read {
        Err(error) => places.holds_error(error),
        Ok(document) => {
            places.hold(&document.root);
            if !String::from_utf8_lossy(data).trim_start().starts_with('{') {
                places.hold_excerpts(data, &document.root);
            }
            for duplicate in &document.duplicates {
                assert_ne!(duplicate.first, duplicate.again, "{duplicate:?}");
            }
            let mut unique = true;
            keys(&document.root, &mut unique);
            assert!(unique, "YAML leaves no key twice in a map");
            // It is the JSON that the kubelet makes of it, so that reading this gives the same.
            let written = show::json(&document.root);
            match json::read(written.as_bytes()) {
                Ok(again) => assert!(show::same(&document.root, &again.root), "{written}"),
                // Escaped and quoted it is longer, never deeper.
                Err(error) => assert_eq!(error.kind, ReadErrorKind::TooLarge, "{error}: {written}"),
            }
            agrees_with_json(data, document);
            agrees_with_saphyr(data, document);
        }
    }
    // The way of a file: to one of the two readers, by its first character.
    let whole = tree::read(data);
    assert!(
        whole == read || whole == json::read(data),
        "neither what YAML nor what JSON makes of it"
    );
}

fn keys(node: &Node, unique: &mut bool) {
    show::walk(node, &mut |node| {
        if let Tree::Map(entries) = &node.tree {
            let mut keys: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
            keys.sort_unstable();
            *unique &= keys.windows(2).all(|pair| pair[0] != pair[1]);
        }
    });
}

/// Where a text is both JSON and YAML it means the same. Of duplicates the last counts in both; numbers are
/// compared as numbers, because YAML writes them anew. A separator of lines within a string is folded by YAML.
fn agrees_with_json(data: &[u8], document: &Document) {
    if String::from_utf8_lossy(data).contains(['\u{85}', '\u{2028}', '\u{2029}']) {
        return;
    }
    let Ok(same_text) = json::read(data) else {
        return;
    };
    let (Some(ours), Some(json)) = (show::value(&document.root), show::value(&same_text.root))
    else {
        return;
    };
    assert!(
        show::alike(&ours, &json),
        "YAML {ours}, JSON {json}: {:?}",
        String::from_utf8_lossy(data)
    );
}

/// Where both accept a text of what YAML 1.1 and 1.2 have in common, they read the same.
///
/// Left out, because Go's library means something else there on purpose: see [`is_common`] for the text as a
/// whole and [`plain`] for scalars. What one of them refuses is not compared: `yaml.v2` and YAML 1.2 differ in
/// where tabs, colons and comments may stand.
fn agrees_with_saphyr(data: &[u8], document: &Document) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if document.more_documents || !document.duplicates.is_empty() || !is_common(text) {
        return;
    }
    // As a whole document a block scalar is indented by one column at least in `yaml.v2`, and by none in YAML 1.2.
    let collection = matches!(document.root.tree, Tree::List(_) | Tree::Map(_));
    if !collection && text.contains(['|', '>']) {
        return;
    }
    let options = serde_saphyr::options! { strict_booleans: true };
    let Ok(theirs) = serde_saphyr::from_str_with_options::<Value>(text, options) else {
        return;
    };
    compare(text, &document.root, &theirs);
}

/// Whether a text has nothing that the two versions of YAML read differently:
///
/// - U+0085, U+2028 and U+2029 end a line in 1.1 only, a byte order mark is white space in neither;
/// - tags name types that differ, and directives choose the version;
/// - a block scalar that the end of the text ends has no line break at its end in `yaml.v2`;
/// - anchors, aliases and merge keys are YAML 1.1's `<<`, and where an anchor may stand differs.
fn is_common(text: &str) -> bool {
    let ended = text.ends_with('\n') || !text.contains(['|', '>']);
    ended
        && !text.contains([
            '\u{85}', '\u{2028}', '\u{2029}', '\u{feff}', '!', '&', '*', '%', '?', '<',
        ])
}

/// Compares part by part; a plain scalar whose type the versions see differently fits anything that is no
/// collection.
fn compare(text: &str, ours: &Node, theirs: &Value) {
    let fits = match (&ours.tree, theirs) {
        (Tree::List(nodes), Value::Array(values)) => {
            assert_eq!(
                nodes.len(),
                values.len(),
                "lists of other lengths: {text:?}"
            );
            nodes
                .iter()
                .zip(values)
                .for_each(|(node, value)| compare(text, node, value));
            true
        }
        (Tree::Map(entries), Value::Object(map)) => {
            // Keys are converted to text differently where they are no plain words.
            let words = entries
                .iter()
                .all(|entry| is_word(text.get(entry.key_at.span.0..entry.key_at.span.1)));
            if words {
                assert_eq!(entries.len(), map.len(), "maps of other sizes: {text:?}");
                for entry in entries {
                    let value = map.get(&entry.key);
                    let value = value.unwrap_or_else(|| {
                        panic!("only we have the key {:?}: {text:?}", entry.key)
                    });
                    compare(text, &entry.value, value);
                }
            }
            true
        }
        (Tree::List(_) | Tree::Map(_), _) | (_, Value::Array(_) | Value::Object(_)) => false,
        (scalar, value) => {
            let written = text.get(ours.at.span.0..ours.at.span.1).unwrap_or_default();
            let common = written.starts_with(['"', '\'', '|', '>']) || plain(written);
            !common
                || &show::value(&Node {
                    tree: scalar.clone(),
                    at: ours.at.clone(),
                })
                .unwrap_or(Value::Null)
                    == value
        }
    };
    assert!(fits, "we read {ours:?}, serde-saphyr {theirs}: {text:?}");
}

fn is_word(written: Option<&str>) -> bool {
    written.is_some_and(plain)
}

/// Whether a plain scalar is of the same type in both versions: a text of letters that is no word for a boolean,
/// for nothing or for a number (`yes`, `~`, `.inf`), or a short decimal integer. YAML 1.1 has others besides: `1_0`,
/// `0o7`, `017`, `1:30`, `0b1`, timestamps, `=`.
fn plain(written: &str) -> bool {
    let word = written
        .chars()
        .all(|character| character.is_ascii_alphabetic())
        && written.len() >= 4
        && !["true", "null"].contains(&written.to_ascii_lowercase().as_str());
    let integer = written.len() <= 9
        && !written.starts_with('0')
        && !written.is_empty()
        && written.bytes().all(|byte| byte.is_ascii_digit());
    word || integer
}
