//! JSON: one document, indented, keys in the order of the schema.
//!
//! Controls, invisible and bidirectional marks are written as `\uXXXX`: the same data to a program, and
//! harmless where somebody looks at the file with `cat`.

use std::io::Write;

use kubeassay_core::text;
use serde::Serialize;

use crate::RenderError;

/// Writes `value` as an indented document with a newline at its end.
///
/// # Errors
///
/// When `out` does not take it, or `value` has no form in JSON.
pub fn write<T: Serialize + ?Sized>(value: &T, out: &mut dyn Write) -> Result<(), RenderError> {
    writeln!(out, "{}", indented(value)?)?;
    Ok(())
}

/// Returns `value` as an indented document.
pub(crate) fn indented<T: Serialize + ?Sized>(value: &T) -> Result<String, RenderError> {
    Ok(escape(serde_json::to_string_pretty(value)?))
}

/// Writes `value` as one line.
pub(crate) fn write_line<T: Serialize>(value: &T, out: &mut dyn Write) -> Result<(), RenderError> {
    let line = escape(serde_json::to_string(value)?);
    writeln!(out, "{line}")?;
    Ok(())
}

/// Escapes in a JSON text what a terminal would not show as it is written.
///
/// Such characters stand only within strings: outside, JSON is ASCII, and serde has escaped the controls
/// below U+0020 already.
fn escape(json: String) -> String {
    if json.bytes().all(|byte| byte < 0x7f) {
        return json;
    }
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        if is_shown_raw(character) {
            safe.push(character);
        } else {
            let mut buffer = [0; 2];
            let units = character.encode_utf16(&mut buffer);
            safe.extend(units.iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    safe
}

/// Returns whether people may see the character as it is. Decided by the one list in [`text`].
pub(crate) fn is_shown_raw(character: char) -> bool {
    if character.is_ascii() {
        return character != '\x7f';
    }
    let mut buffer = [0; 4];
    let raw = &*character.encode_utf8(&mut buffer);
    text::escape(raw) == raw
}
