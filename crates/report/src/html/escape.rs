//! Foreign text in HTML: nothing in it is markup, ends an attribute or a comment, or is not seen.

use std::fmt::{self, Write as _};

use kubeassay_core::text;

/// A text has no more characters: a page is read by people.
const LONGEST: usize = 2_000;
/// Lines take no more bytes.
const MAX_LINES: usize = 32 * 1024;

/// Returns the text as content of an element or of a quoted attribute.
pub(crate) fn html(foreign: &str) -> String {
    let mut written = String::with_capacity(foreign.len() + foreign.len() / 8);
    for character in text::escape(foreign).chars() {
        match character {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            '"' => written.push_str("&quot;"),
            '\'' => written.push_str("&#39;"),
            // No characters: a browser may do with them as it likes.
            '\u{fffe}' => written.push_str("\\u{fffe}"),
            '\u{ffff}' => written.push_str("\\u{ffff}"),
            _ => written.push(character),
        }
    }
    written
}

/// Returns the text like [`html`], cut where it is too long for a person.
pub(crate) fn short(foreign: &str) -> String {
    // A character is one at least, however it is written.
    let end = foreign.char_indices().nth(LONGEST).map(|(end, _)| end);
    let (within, beyond) = foreign.split_at(end.unwrap_or(foreign.len()));
    let text = text::escape(within);
    match text.char_indices().nth(LONGEST) {
        None if beyond.is_empty() => html(&text),
        None => cut(&text, beyond.chars().count()),
        Some((end, _)) => {
            let (kept, rest) = text.split_at(end);
            cut(kept, rest.chars().count() + beyond.chars().count())
        }
    }
}

fn cut(kept: &str, left: usize) -> String {
    format!("{}\u{2026} ({} more characters)", html(kept), number(left))
}

/// Returns the first lines, each escaped.
pub(crate) fn lines(foreign: &str) -> String {
    let mut written = String::new();
    for line in foreign.lines() {
        if written.len() > MAX_LINES {
            written.push('\u{2026}');
            break;
        }
        written.push_str(&short(line));
        written.push('\n');
    }
    written.trim_end().to_owned()
}

/// Returns the text as content of a comment, cut where it is too long.
pub(crate) fn comment(foreign: &str) -> String {
    let mut text = short(foreign);
    while text.contains("--") {
        text = text.replace("--", "- -");
    }
    text
}

/// Returns the number as people write it: `650,000`.
pub(crate) fn number(number: usize) -> String {
    let digits = number.to_string();
    let mut written = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written
}

/// Returns `1 node`, `5,000 nodes`.
pub(crate) fn count(of: usize, one: &str) -> String {
    format!("{} {one}{}", number(of), if of == 1 { "" } else { "s" })
}

/// Adds to the page.
pub(crate) fn put(page: &mut String, words: fmt::Arguments<'_>) {
    let written = page.write_fmt(words);
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_text() {
        for (foreign, written) in [
            ("plain", "plain"),
            ("<b a='x'>\"&amp;", "&lt;b a=&#39;x&#39;&gt;&quot;&amp;amp;"),
            ("a\n\u{202e}b\u{ffff}", "a\\n\\u{202e}b\\u{ffff}"),
        ] {
            assert_eq!(html(foreign), written);
        }
        assert_eq!(comment("-----> x"), "- - - - -&gt; x");
        assert_eq!(
            short(&"x".repeat(2_001)).len(),
            2_000 + "… (1 more characters)".len()
        );
        assert_eq!(lines("a\n<"), "a\n&lt;");
    }

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(
            [0, 999, 1_000, 650_000, 1_234_567].map(number),
            ["0", "999", "1,000", "650,000", "1,234,567"]
        );
        assert_eq!(count(1, "node"), "1 node");
        assert_eq!(count(5_000, "node"), "5,000 nodes");
    }
}
