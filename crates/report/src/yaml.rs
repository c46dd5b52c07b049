//! YAML: the document of JSON, in a form that YAML 1.1 and 1.2 readers take for the same.
//!
//! An emitter of our own, because the crates we compared are not enough: most write `n`, `off` or `012`
//! bare, which a 1.1 reader (Go's, Ruby's, Python's) takes for something else; serde-saphyr, which quotes
//! those, lets bidirectional and invisible marks through to the terminal. Here a string is written bare
//! only where nothing could be misread, and in double quotes, with everything odd escaped, otherwise.
//!
//! It is a formatter under serde's JSON writer, so that both formats have the same keys in the same order.

use std::io::Write;

use serde::Serialize;
use serde_json::Serializer;

use crate::RenderError;
use crate::json::is_shown_raw;

mod emitter;

/// Writes `value` as a document.
///
/// # Errors
///
/// When `out` does not take it, or `value` has no form in JSON.
pub fn write<T: Serialize + ?Sized>(value: &T, out: &mut dyn Write) -> Result<(), RenderError> {
    out.write_all(&emitted(value)?)?;
    Ok(())
}

/// Returns `value` as a document.
pub(crate) fn emitted<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, RenderError> {
    let mut document = Vec::new();
    let emitter = emitter::Emitter::default();
    value.serialize(&mut Serializer::with_formatter(&mut document, emitter))?;
    Ok(document)
}

/// Returns a number; YAML 1.1 knows no exponent without a point before it and a sign within.
fn numeral(digits: &str) -> String {
    let Some((mantissa, exponent)) = digits.split_once('e') else {
        return digits.to_owned();
    };
    let point = if mantissa.contains('.') { "" } else { ".0" };
    let signed = exponent.starts_with(['+', '-']);
    let sign = if signed { "" } else { "+" };
    format!("{mantissa}{point}e{sign}{exponent}")
}

/// Returns a string, bare or in double quotes.
pub(crate) fn string(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            _ if is_printable(character) => quoted.push(character),
            _ => quoted.push_str(&escape(u32::from(character))),
        }
    }
    quoted.push('"');
    quoted
}

fn escape(code: u32) -> String {
    match code {
        0..=0xff => format!("\\x{code:02x}"),
        0x100..=0xffff => format!("\\u{code:04x}"),
        _ => format!("\\U{code:08x}"),
    }
}

fn is_printable(character: char) -> bool {
    !character.is_ascii_control()
        && !matches!(character, '\u{fffe}' | '\u{ffff}')
        && is_shown_raw(character)
}

/// Returns whether a string can stand without quotes.
///
/// Beginning with a letter or `/` rules out numbers, dates, times, `~`, `<<`, `=` and every indicator; the
/// words below are the only other scalars that a reader resolves.
fn is_plain(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity",
    ];
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b" -_./+=()@;".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && text.bytes().all(inner)
        && !text.ends_with(' ')
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}
