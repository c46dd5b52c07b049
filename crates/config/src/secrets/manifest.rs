//! Secrets in manifests of pods, keys that encrypt what is stored, and whatever else has variables, arguments and URLs.

use kubeassay_core::{Bytes, Component};

use super::content::strings_below;
use super::edits::Edit;
use super::signs::{has_private_key, promises_credential};
use super::urls::hide_passwords;
use super::{is_redacted, may_name_credential, redact_arguments};
use crate::components;
use crate::node::folds_to;
use crate::tree::{Entry, Node, Tree};

/// Parts of the names of variables that promise a secret as their value.
const VARIABLES: [&str; 9] = [
    "PASSWORD",
    "PASSWD",
    "TOKEN",
    "SECRET",
    "_KEY",
    "APIKEY",
    "CREDENTIAL",
    "AUTH",
    "PASSPHRASE",
];

/// Documents that may hold secrets anywhere, in comments too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Special {
    /// `EncryptionConfiguration`, and `EncryptionConfig` as it was once called.
    Encryption,
    /// A pod.
    Pod,
    /// A secret of the API.
    Secret,
}

/// Returns what kind of document it is, where that matters.
pub(super) fn special(root: &Node) -> Option<Special> {
    let text = |key: &str| match &member(root, key)?.tree {
        Tree::String(text) => Some(text.as_str()),
        _ => None,
    };
    match text("kind")? {
        "EncryptionConfiguration" | "EncryptionConfig" => Some(Special::Encryption),
        "Pod" => Some(Special::Pod),
        "Secret" => Some(Special::Secret),
        _ => None,
    }
}

/// Returns whether a text whose letters these are may be one of the special documents.
pub(super) fn may_be_special(letters: &str) -> bool {
    let signs = [
        "encryptionconfig",
        "aescbc",
        "aesgcm",
        "secretbox",
        "kindpod",
        "kindsecret",
        "containers",
    ];
    signs.iter().any(|sign| letters.contains(sign))
}

/// Returns whether a variable of this name and value is a secret. A switch is none, nor is the path of a file.
pub(super) fn is_secret_variable(name: &str, value: &str) -> bool {
    let name = name.to_ascii_uppercase().replace('-', "_");
    let is_name = name
        .chars()
        .all(|character| character.is_ascii_alphanumeric() || matches!(character, '_' | '.'));
    let promises = VARIABLES.iter().any(|part| name.contains(part));
    let is_path = ["_FILE", "_PATH", "_DIR"]
        .iter()
        .any(|end| name.ends_with(end))
        && value.starts_with('/');
    let is_plain = value.is_empty() || matches!(value, "true" | "false");
    is_name && promises && !is_path && !is_plain && !is_redacted(value)
}

/// Collects what is replaced in a document, besides what is below keys that promise a secret.
pub(super) fn collect(root: &Node, edits: &mut Vec<Edit>) {
    let kind = special(root);
    if let Tree::Map(entries) = &root.tree {
        for entry in entries {
            let etcd = components::tables(Component::Etcd).flag(&entry.key);
            let of_secret = kind == Some(Special::Secret)
                && (folds_to(&entry.key, "data") || folds_to(&entry.key, "stringData"));
            if of_secret || etcd.is_some_and(|flag| flag.secret) {
                values(entry).for_each(|node| below(node, edits));
            }
        }
    }
    walk(root, kind, edits);
}

fn walk(node: &Node, kind: Option<Special>, edits: &mut Vec<Edit>) {
    match &node.tree {
        Tree::Map(entries) => {
            variable(node, edits);
            let words = |key: &'static str| {
                let named = entries
                    .iter()
                    .filter(move |entry| folds_to(&entry.key, key));
                named.flat_map(values).flat_map(items)
            };
            let argv: Vec<&Node> = words("command").chain(words("args")).collect();
            arguments(&argv, edits);
            for entry in entries {
                let is_arguments = folds_to(&entry.key, "command") || folds_to(&entry.key, "args");
                let is_flags = entry.key.trim_end_matches('+').ends_with("-arg");
                for value in values(entry) {
                    if kind == Some(Special::Encryption) && folds_to(&entry.key, "secret") {
                        below(value, edits);
                    } else if is_flags {
                        items(value).for_each(|node| flag(node, edits));
                    } else if !is_arguments || !is_texts(value) {
                        walk(value, kind, edits);
                    }
                }
            }
        }
        Tree::List(nodes) => nodes.iter().for_each(|node| walk(node, kind, edits)),
        Tree::String(text) => edits.extend(within(node, text)),
        Tree::Null | Tree::Bool(_) | Tree::Number(_) => {}
    }
}

/// Hides the value of a variable, `name` and `value` of a map, if its name promises a secret. One of etcd's is what its
/// flag is.
fn variable(map: &Node, edits: &mut Vec<Edit>) {
    let (Some(name), Some(value)) = (member(map, "name"), member(map, "value")) else {
        return;
    };
    let Tree::String(name) = &name.tree else {
        return;
    };
    let text = match &value.tree {
        Tree::String(text) => text.as_str(),
        Tree::Number(_) => "0",
        _ => return,
    };
    let flag_of_etcd = name
        .strip_prefix("ETCD_")
        .map(|rest| rest.to_ascii_lowercase().replace('_', "-"))
        .and_then(|name| components::tables(Component::Etcd).flag(&name));
    let is_secret = match flag_of_etcd {
        Some(flag) => flag.secret && !is_redacted(text),
        None => is_secret_variable(name, text),
    };
    if is_secret {
        edits.push(Edit::whole(value));
    }
}

/// Hides the secrets among arguments.
fn arguments(words: &[&Node], edits: &mut Vec<Edit>) {
    let text = |node: &Node| match &node.tree {
        Tree::String(text) => text.clone(),
        _ => "0".to_owned(),
    };
    let texts: Vec<String> = words.iter().map(|node| text(node)).collect();
    let argv = std::iter::once("program").chain(texts.iter().map(String::as_str));
    let redacted = redact_arguments(argv.map(Bytes::from).collect());
    let mut before = "";
    for ((node, text), redacted) in words.iter().zip(&texts).zip(redacted.iter().skip(1)) {
        let kept = redacted.to_string_lossy();
        if is_script(before, text) && may_hold(text) {
            edits.push(Edit::whole(node));
        } else if kept != *text {
            edits.push(match node.tree {
                Tree::String(_) => Edit::to(node, kept),
                _ => Edit::whole(node),
            });
        }
        before = text;
    }
}

/// Returns whether an argument is a line of a shell: it follows `-c`, or has words that look like flags, or lines.
fn is_script(before: &str, text: &str) -> bool {
    let after_c = before.starts_with('-') && !before.starts_with("--") && before.ends_with('c');
    let mut words = text.split_whitespace();
    let starts_flag = words.next().is_some_and(|first| first.starts_with('-'));
    after_c
        || text.trim().contains('\n')
        || (!starts_flag && words.any(|word| word.starts_with('-')))
}

/// Returns whether a text that nothing is known of may hold a secret.
fn may_hold(text: &str) -> bool {
    let assigned = text.split_whitespace().any(|word| {
        word.split_once('=')
            .is_some_and(|(name, value)| is_secret_variable(name.trim_start_matches('-'), value))
    });
    !is_redacted(text) && (assigned || may_name_credential(text.as_bytes()))
}

/// Hides the secret of a flag that is written without its dashes, as in the configuration of k3s.
fn flag(node: &Node, edits: &mut Vec<Edit>) {
    let Tree::String(text) = &node.tree else {
        return;
    };
    let dashes = if text.starts_with("--") { "" } else { "--" };
    let argv = ["program".into(), Bytes::from(format!("{dashes}{text}"))];
    let redacted = redact_arguments(argv.to_vec());
    let kept = redacted.last().map(Bytes::to_string_lossy);
    let kept = kept.and_then(|kept| kept.strip_prefix(dashes).map(str::to_owned));
    if let Some(kept) = kept.filter(|kept| kept != text) {
        edits.push(Edit::to(node, kept));
    }
}

/// Returns what becomes of a text: of a URL the user and the password go, of what looks like a credential all.
pub(super) fn within(node: &Node, text: &str) -> Option<Edit> {
    let kept = hide_passwords(text.as_bytes());
    if promises_credential(kept.as_slice()) || has_private_key(text.as_bytes()) {
        return Some(Edit::whole(node));
    }
    (kept != *text).then(|| Edit::to(node, kept.to_string_lossy()))
}

fn below(node: &Node, edits: &mut Vec<Edit>) {
    let mut spans = Vec::new();
    strings_below(node, &mut spans);
    edits.extend(spans.into_iter().map(Edit::at));
}

fn member<'n>(map: &'n Node, key: &str) -> Option<&'n Node> {
    let Tree::Map(entries) = &map.tree else {
        return None;
    };
    let mut found = entries.iter().rev();
    found
        .find(|entry| folds_to(&entry.key, key))
        .map(|entry| &entry.value)
}

fn values(entry: &Entry) -> impl Iterator<Item = &Node> {
    std::iter::once(&entry.value).chain(&entry.shadowed)
}

fn items(node: &Node) -> impl Iterator<Item = &Node> {
    let nodes = match &node.tree {
        Tree::List(nodes) => nodes.as_slice(),
        _ => std::slice::from_ref(node),
    };
    nodes
        .iter()
        .filter(|node| matches!(node.tree, Tree::String(_) | Tree::Number(_)))
}

fn is_texts(node: &Node) -> bool {
    match &node.tree {
        Tree::List(nodes) => nodes
            .iter()
            .all(|node| !matches!(node.tree, Tree::List(_) | Tree::Map(_))),
        tree => !matches!(tree, Tree::Map(_)),
    }
}

/// Returns where the texts of comments stand, behind the `#`, in order. The text is UTF-8.
pub(super) fn comments(content: &[u8], root: &Node) -> Vec<(usize, usize)> {
    let mut scalars = Vec::new();
    spans(root, &mut scalars);
    scalars.sort_unstable();
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut scalar = 0;
    let mut inside = 0;
    for (at, byte) in content.iter().enumerate() {
        while let Some((start, end)) = scalars.get(scalar).filter(|(start, _)| *start <= at) {
            inside = inside.max(*end);
            debug_assert!(start <= end);
            scalar += 1;
        }
        let behind = at.checked_sub(1).and_then(|before| content.get(before));
        let starts = *byte == b'#' && behind.is_none_or(u8::is_ascii_whitespace);
        if !starts || at < inside || found.last().is_some_and(|(_, end)| at < *end) {
            continue;
        }
        let rest = content.get(at..).unwrap_or_default();
        let length = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        found.push((at + 1, at + length.unwrap_or(rest.len())));
    }
    found
}

fn spans(node: &Node, found: &mut Vec<(usize, usize)>) {
    match &node.tree {
        Tree::Map(entries) => {
            for entry in entries {
                found.push(entry.key_at.span);
                values(entry).for_each(|node| spans(node, found));
            }
        }
        Tree::List(nodes) => nodes.iter().for_each(|node| spans(node, found)),
        Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::String(_) => {
            found.push(node.at.span);
        }
    }
}

/// Returns whether comments of this kind of document may hold a secret.
pub(super) fn in_comments(kind: Special, comments: &[u8]) -> bool {
    match kind {
        // A key that was taken out is a key all the same, and base64 has no look.
        Special::Encryption | Special::Secret => true,
        Special::Pod => {
            let upper = String::from_utf8_lossy(comments).to_ascii_uppercase();
            may_name_credential(comments) || VARIABLES.iter().any(|part| upper.contains(part))
        }
    }
}

#[cfg(test)]
mod tests;
