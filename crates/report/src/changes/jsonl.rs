//! What changed as JSON lines: one for each change, between what was compared and the counts.

use std::io::Write;

use serde::Serialize;

use super::{Comparison, document};
use crate::{RenderError, json};

/// Writes them.
pub(super) fn write(comparison: &Comparison, out: &mut dyn Write) -> Result<(), RenderError> {
    line("header", &document::before(comparison), out)?;
    for change in comparison.changes.iter() {
        line("change", &document::of(&change?, comparison), out)?;
    }
    json::write_line(
        &serde_json::json!({"kind": "summary", "summary": comparison.summary}),
        out,
    )
}

/// Writes a line that says its kind.
fn line(kind: &str, value: &impl Serialize, out: &mut dyn Write) -> Result<(), RenderError> {
    let mut line = serde_json::to_value(value)?;
    if let Some(object) = line.as_object_mut() {
        object.insert("kind".to_owned(), kind.into());
    }
    json::write_line(&line, out)
}
