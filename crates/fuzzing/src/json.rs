//! The JSON reader, with `serde_json` for a second opinion.

use kubeassay_config::{json, tree};
use serde_json::Value;

use crate::places::{Lines, Places};
use crate::show;

/// `serde_json` reads no deeper than this.
const DEPTH_OF_SERDE: usize = 120;

/// Reads an input as JSON.
pub(crate) fn run(data: &[u8]) {
    let read = json::read(data);
    let places = Places::of(data, Lines::Json);
    match &read {
        Err(error) => places.holds_error(error),
        Ok(document) => {
            places.hold(&document.root);
            // Only what begins with a brace is read as JSON, and quoted as such.
            if tree::read(data).is_ok_and(|read| read == *document)
                && data.trim_ascii_start().starts_with(b"{")
            {
                places.hold_excerpts(data, &document.root);
            }
            assert!(!document.more_documents, "JSON has one document");
            for duplicate in &document.duplicates {
                assert!(
                    duplicate.first.span.1 <= duplicate.again.span.0,
                    "{duplicate:?}"
                );
            }
            // What is read is written and read again as the same.
            let written = show::json(&document.root);
            let again = json::read(written.as_bytes()).expect("what was read can be read again");
            assert!(show::same(&document.root, &again.root), "{written}");
            assert_eq!(
                document.duplicates.len(),
                again.duplicates.len(),
                "{written}"
            );
        }
    }
    agrees_with_serde(data, &read);
}

/// Both accept the same texts, and read the same from them, but for what Go's decoder does on purpose:
///
/// - it mends what is not UTF-8 and lone surrogates, which `serde_json` refuses: only UTF-8 is compared, and no
///   text with an escape `\u`;
/// - it reads numbers as literals, so that none is too large: texts with one that no `f64` holds are left out;
/// - it may nest deeper, up to a limit of ours, than `serde_json`, and is held to fewer parts.
fn agrees_with_serde(data: &[u8], ours: &Result<tree::Document, tree::ReadError>) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if text.contains("\\u") || depth_of(data) > DEPTH_OF_SERDE {
        return;
    }
    let theirs = serde_json::from_str::<Value>(text);
    match (ours, theirs) {
        (Ok(document), theirs) => {
            let Some(ours) = show::value(&document.root) else {
                return;
            };
            let theirs =
                theirs.unwrap_or_else(|error| panic!("only we read it: {error}: {text:?}"));
            assert!(
                show::alike(&ours, &theirs),
                "we read {ours}, serde_json {theirs}: {text:?}"
            );
        }
        (Err(error), Ok(_)) => {
            let limit = matches!(
                error.kind,
                tree::ReadErrorKind::TooLarge | tree::ReadErrorKind::TooDeep
            );
            assert!(limit, "only serde_json reads it: {error}: {text:?}");
        }
        (Err(_), Err(_)) => {}
    }
}

/// Returns how deep brackets can be nested at most.
fn depth_of(data: &[u8]) -> usize {
    data.iter()
        .filter(|byte| matches!(byte, b'[' | b'{'))
        .count()
}
