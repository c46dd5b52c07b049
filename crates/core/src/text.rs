//! Foreign text made safe to show.
//!
//! Everything that a tenant of the host can name (paths, arguments, values) may hold terminal escapes or
//! marks that reorder a line. People see them escaped, never raw.

use std::fmt::Write as _;

/// Escapes control characters, invisible and bidirectional marks in `text`.
///
/// What remains is one line that a terminal shows as it is written.
pub fn escape(text: &str) -> String {
    if is_plain(text.as_bytes()) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        push_escaped(&mut shown, character);
    }
    shown
}

/// Escapes `bytes` like [`escape`]; what is not UTF-8 is shown as `\xNN`.
pub fn escape_bytes(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        if is_plain(chunk.valid().as_bytes()) && chunk.invalid().is_empty() {
            shown.push_str(chunk.valid());
            continue;
        }
        for character in chunk.valid().chars() {
            push_escaped(&mut shown, character);
        }
        for byte in chunk.invalid() {
            push(&mut shown, format_args!("\\x{byte:02x}"));
        }
    }
    shown
}

/// Returns whether nothing of a text is escaped, as of most: only ASCII that is seen, and spaces.
fn is_plain(text: &[u8]) -> bool {
    text.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

fn push_escaped(shown: &mut String, character: char) {
    match character {
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        '\t' => shown.push_str("\\t"),
        _ if character.is_control() => push(shown, format_args!("\\x{:02x}", u32::from(character))),
        _ if is_deceptive(character) => {
            push(shown, format_args!("\\u{{{:x}}}", u32::from(character)));
        }
        _ => shown.push(character),
    }
}

/// Writing to a `String` cannot fail.
fn push(shown: &mut String, arguments: std::fmt::Arguments<'_>) {
    let written = shown.write_fmt(arguments);
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}

/// Returns whether the character is invisible or changes the order or the lines of what is shown
/// (Unicode's bidirectional controls, zero-width characters, separators, tags).
const fn is_deceptive(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// Writes bytes in hexadecimal.
pub fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or_default();
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::{escape, escape_bytes};

    #[test]
    fn foreign_text_cannot_reach_the_terminal() {
        for (raw, shown) in [
            ("plain Größe", "plain Größe"),
            ("\u{1b}[31mred", "\\x1b[31mred"),
            ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("Webhook\u{200b}", "Webhook\\u{200b}"),
            ("\u{202e}oohbeW", "\\u{202e}oohbeW"),
            ("\u{9b}31m", "\\x9b31m"),
        ] {
            assert_eq!(escape(raw), shown);
        }
        assert_eq!(escape_bytes(b"caf\xe9 \xc3\xa9"), "caf\\xe9 é");
    }
}
