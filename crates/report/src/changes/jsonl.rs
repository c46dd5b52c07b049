//! What changed as JSON lines: one for each change, between what was compared and the counts.

use std::io::Write;

use kubeassay_core::changes::Changes;

use crate::{RenderError, json};

/// Writes them.
pub(super) fn write(changes: Changes, out: &mut dyn Write) -> Result<(), RenderError> {
    let Changes {
        schema,
        tool,
        old,
        new,
        doubts,
        nodes_came,
        nodes_went,
        changes,
        summary,
    } = changes;
    json::write_line(
        &serde_json::json!({
            "kind": "header", "schema": schema, "tool": tool, "old": old, "new": new, "doubts": doubts,
            "nodes_came": nodes_came, "nodes_went": nodes_went,
        }),
        out,
    )?;
    for change in changes {
        let mut line = serde_json::to_value(change)?;
        if let Some(object) = line.as_object_mut() {
            object.insert("kind".to_owned(), "change".into());
        }
        json::write_line(&line, out)?;
    }
    json::write_line(
        &serde_json::json!({"kind": "summary", "summary": summary}),
        out,
    )
}
