//! Scalars that are replaced where they are written; that all else says the same in the same lines.

use super::{is_redacted, redacted};
use crate::text::{self, Encoding};
use crate::tree::{self, Node, Tree};

/// A scalar that is replaced.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edit {
    /// Where it is written, in bytes.
    pub(super) span: (usize, usize),
    /// What it says then; nothing: its digest.
    pub(super) becomes: Option<String>,
}

impl Edit {
    pub(super) fn at(span: (usize, usize)) -> Self {
        Self {
            span,
            becomes: None,
        }
    }

    pub(super) fn whole(node: &Node) -> Self {
        Self::at(node.at.span)
    }

    pub(super) fn to(node: &Node, becomes: String) -> Self {
        Self {
            span: node.at.span,
            becomes: Some(becomes),
        }
    }
}

/// Returns the edits in order, each scalar once: one that is to become different things becomes its digest.
pub(super) fn settled(mut edits: Vec<Edit>) -> Vec<Edit> {
    edits.sort_unstable();
    edits.dedup();
    edits.dedup_by(|again, first| {
        let same = again.span == first.span;
        if same {
            first.becomes = None;
        }
        same
    });
    edits
}

/// Returns the text with each of the edits made, which are in order.
pub(super) fn hide_spans(content: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(content.len());
    let mut at = 0;
    for Edit { span, becomes } in edits {
        let (start, end) = *span;
        let (Some(before), Some(written)) = (content.get(at..start), content.get(start..end))
        else {
            continue;
        };
        kept.extend_from_slice(before);
        // The lines below keep their numbers.
        let breaks = "\n".repeat(breaks(content, written));
        let text = match becomes {
            Some(text) => escaped(text),
            None => redacted(written),
        };
        let replacement = format!("\"{text}\"{breaks}");
        kept.extend_from_slice(&encode_like(content, &replacement));
        at = end;
    }
    kept.extend_from_slice(content.get(at..).unwrap_or_default());
    kept
}

/// Returns the text without what stands at `spans`, which are in order.
pub(super) fn without(content: &[u8], spans: &[(usize, usize)]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(content.len());
    let mut at = 0;
    for (start, end) in spans {
        kept.extend_from_slice(content.get(at..*start).unwrap_or_default());
        at = *end;
    }
    kept.extend_from_slice(content.get(at..).unwrap_or_default());
    kept
}

/// Returns how many lines end in a part of a text, as the reader of the text counts them.
fn breaks(content: &[u8], written: &[u8]) -> usize {
    // A string of JSON ends on the line it begins on, even with a separator of lines in it.
    if tree::is_json(content) {
        return 0;
    }
    let mark: &[u8] = match Encoding::of(content) {
        (Encoding::Utf8, _) => &[],
        (_, length) => content.get(..length).unwrap_or_default(),
    };
    let characters = text::decode(&[mark, written].concat()).characters;
    let ends = |(index, character): (usize, &char)| match character {
        '\r' => characters.get(index + 1) != Some(&'\n'),
        character => matches!(character, '\n' | '\u{85}' | '\u{2028}' | '\u{2029}'),
    };
    characters
        .iter()
        .enumerate()
        .filter(|each| ends(*each))
        .count()
}

/// Returns a text as it stands between double quotes in JSON, YAML and TOML.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\\' => escaped.extend(['\\', character]),
            '\n' => escaped.push_str("\\n"),
            '\t' => escaped.push_str("\\t"),
            character if u32::from(character) < 0x10000 && !(' '..='~').contains(&character) => {
                escaped.extend(format!("\\u{:04x}", u32::from(character)).chars());
            }
            character => escaped.push(character),
        }
    }
    escaped
}

/// Encodes text as the file is encoded, told by its byte order mark.
pub(super) fn encode_like(content: &[u8], text: &str) -> Vec<u8> {
    match content {
        [0xff, 0xfe, ..] => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        [0xfe, 0xff, ..] => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        _ => text.as_bytes().to_vec(),
    }
}

/// Returns whether two texts say the same in the same lines, but for what the edits replace, which are in order.
pub(super) fn only_secrets_differ(before: &[u8], after: &[u8], edits: &[Edit]) -> bool {
    match (tree::read(before), tree::read(after)) {
        (Ok(before), Ok(after)) => {
            before.more_documents == after.more_documents
                && same_but_for(&before.root, &after.root, edits)
        }
        _ => false,
    }
}

pub(super) fn same_but_for(before: &Node, after: &Node, edits: &[Edit]) -> bool {
    let found = edits.binary_search_by(|edit| edit.span.cmp(&before.at.span));
    let edit = found.ok().and_then(|at| edits.get(at));
    let same = match (&before.tree, &after.tree) {
        (Tree::List(before), Tree::List(after)) => {
            before.len() == after.len()
                && before
                    .iter()
                    .zip(after)
                    .all(|(before, after)| same_but_for(before, after, edits))
        }
        (Tree::Map(before), Tree::Map(after)) => {
            before.len() == after.len()
                && before.iter().zip(after).all(|(before, after)| {
                    before.key == after.key
                        && before.shadowed.len() == after.shadowed.len()
                        && before
                            .shadowed
                            .iter()
                            .chain([&before.value])
                            .zip(after.shadowed.iter().chain([&after.value]))
                            .all(|(before, after)| same_but_for(before, after, edits))
                })
        }
        (Tree::String(_) | Tree::Number(_), Tree::String(text)) if edit.is_some() => {
            match edit.and_then(|edit| edit.becomes.as_ref()) {
                Some(becomes) => becomes == text,
                None => is_redacted(text),
            }
        }
        (before, after) => before == after,
    };
    same && before.at.line == after.at.line
}
