//! etcd's configuration file (`embed/config.go:configFromFile`): YAML, keys without regard to case, unknown keys ignored.
//!
//! What belongs to TLS lies in two blocks of its own; the same keys at the top level are nothing. Where there is a file,
//! flags and variables count for nothing.

use std::sync::Arc;

use kubeassay_core::{Bytes, Origin, Value};

use super::arguments;
use super::table::{ROWS, Row};
use crate::flags::CommandLine;
use crate::node::{Content, Entry, Node, folds_to};
use crate::refusal::Refusal;
use crate::tables::FlagKind;

/// Fields of etcd's own structure that a file can reach by their name in Go, and the flag that they stand for.
const GO_NAMES: [(&str, &str); 10] = [
    ("ListenPeerUrls", "listen-peer-urls"),
    ("LPUrls", "listen-peer-urls"),
    ("ListenClientUrls", "listen-client-urls"),
    ("LCUrls", "listen-client-urls"),
    ("ListenClientHttpUrls", "listen-client-http-urls"),
    ("ListenMetricsUrls", "listen-metrics-urls"),
    ("AdvertisePeerUrls", "initial-advertise-peer-urls"),
    ("AdvertiseClientUrls", "advertise-client-urls"),
    ("ClientTLSInfo", "client-crl-file"),
    ("PeerTLSInfo", "peer-crl-file"),
];

/// What a configuration file says.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// As if flags had said it.
    pub(super) line: CommandLine,
    /// Flags that the file gives in a way that is not understood here, with the place.
    pub(super) beyond: Vec<(&'static str, Arc<Origin>)>,
}

/// Reads the document `root`.
///
/// # Errors
///
/// etcd's own reason to end: a value of another type.
pub(super) fn read(root: &Node) -> Result<Said, Refusal> {
    let mut said = Said::default();
    let top = match &root.content {
        Content::Map(_) | Content::Null => sorted(root),
        _ => return Err(mismatch("configYAML", "object", root)),
    };
    for row in ROWS.iter().filter(|row| !row.key.is_empty()) {
        let mut found = Vec::new();
        find(root, row.key, &mut found)?;
        for node in found {
            if let Some((text, value)) = value_of(row, node)? {
                // A list in the place of a list; the last one stays.
                arguments::give(
                    &mut said.line,
                    row,
                    text,
                    value,
                    Origin::clone(&node.origin),
                );
            }
        }
    }
    for entry in top {
        for (name, flag) in GO_NAMES {
            if folds_to(&entry.key, name) {
                said.beyond.push((flag, Arc::clone(&entry.node.origin)));
            }
        }
    }
    Ok(said)
}

/// Returns the entries of a map in the order in which Go decodes them: YAML becomes JSON on the way, with its keys sorted.
fn sorted(node: &Node) -> Vec<&Entry> {
    let Content::Map(entries) = &node.content else {
        return Vec::new();
    };
    let mut entries: Vec<&Entry> = entries.iter().collect();
    entries.sort_by(|a, b| a.key.as_bytes().cmp(b.key.as_bytes()));
    entries
}

/// Finds every value that the decoder takes for `path`, in its order.
fn find<'n>(node: &'n Node, path: &str, found: &mut Vec<&'n Node>) -> Result<(), Refusal> {
    let (first, rest) = path
        .split_once('.')
        .map_or((path, None), |(first, rest)| (first, Some(rest)));
    for entry in sorted(node) {
        if !folds_to(&entry.key, first) {
            continue;
        }
        match (rest, &entry.node.content) {
            (None, _) => found.push(&entry.node),
            (Some(rest), Content::Map(_)) => find(&entry.node, rest, found)?,
            (Some(_), Content::Null) => {}
            (Some(_), _) => return Err(mismatch(first, "object", &entry.node)),
        }
    }
    Ok(())
}

/// Returns the value of a key; nothing where it leaves the default as it is.
fn value_of(row: &Row, node: &Node) -> Result<Option<(Bytes, Value)>, Refusal> {
    let wrong = |wanted: &str| mismatch(row.key, wanted, node);
    let kind = row.flag.kind;
    Ok(match (&node.content, kind) {
        // `null` empties a list and leaves anything else as it is.
        (Content::Null, FlagKind::StringSlice) if !row.is_urls() => {
            Some((Bytes::default(), Value::List(Vec::new())))
        }
        (Content::Null, _) => None,
        (Content::Bool(value), FlagKind::Bool) => Some((Bytes::default(), Value::Bool(*value))),
        (Content::Number(number), FlagKind::Duration) => {
            // No text: a duration is written as its nanoseconds.
            let nanoseconds = number.as_i64().ok_or_else(|| wrong("time.Duration"))?;
            Some((Bytes::default(), Value::Duration(nanoseconds)))
        }
        (Content::Number(number), FlagKind::Uint64 | FlagKind::Int | FlagKind::Int64) => {
            let value = number.as_i64().ok_or_else(|| wrong("int"))?;
            if value < 0 && kind == FlagKind::Uint64 {
                return Err(wrong("uint"));
            }
            Some((Bytes::default(), Value::Int(value)))
        }
        // Lists of URLs and of hosts are one string here as well; an empty one says nothing.
        (Content::String(text), _) if row.is_urls() || row.flag.name == "host-whitelist" => {
            if text.is_empty() {
                return Ok(None);
            }
            let value = arguments::value_of(row, text).map_err(|reason| {
                let reason = format!("unexpected error setting up {}: {reason}", row.key);
                Refusal::new(reason, Some(Arc::clone(&node.origin)))
            })?;
            Some((text.clone(), value))
        }
        (Content::String(text), FlagKind::String) => {
            Some((text.clone(), Value::String(text.clone())))
        }
        (Content::List(nodes), FlagKind::StringSlice) if !row.is_urls() => {
            let elements = nodes.iter().map(|element| match &element.content {
                Content::String(text) => Ok(Value::String(text.clone())),
                Content::Null => Ok(Value::string("")),
                _ => Err(mismatch(row.key, "string", element)),
            });
            Some((
                Bytes::default(),
                Value::List(elements.collect::<Result<_, _>>()?),
            ))
        }
        // Until 3.4 these were one name and no list.
        (Content::String(text), FlagKind::StringSlice)
            if row.key.ends_with("allowed-cn") || row.key.ends_with("allowed-hostname") =>
        {
            Some((text.clone(), Value::List(vec![Value::String(text.clone())])))
        }
        (_, FlagKind::Bool) => return Err(wrong("bool")),
        (_, FlagKind::StringSlice) if !row.is_urls() => return Err(wrong("[]string")),
        (_, FlagKind::Duration) => return Err(wrong("time.Duration")),
        (_, FlagKind::Uint64 | FlagKind::Int | FlagKind::Int64) => return Err(wrong("int")),
        _ => return Err(wrong("string")),
    })
}

fn mismatch(path: &str, wanted: &str, node: &Node) -> Refusal {
    let reason = format!(
        "error unmarshaling JSON: json: cannot unmarshal {} into Go struct field {path} of type {wanted}",
        node.go_kind()
    );
    Refusal::new(reason, Some(Arc::clone(&node.origin)))
}
