//! Foreign text in Markdown: nothing in it is markup, names a person, an issue or an address, or is not seen.

use kubeassay_core::text;

/// A text in a comment has no more characters.
const LONGEST: usize = 300;

/// Returns the text as a code span, the one place where Markdown and what is laid over it (mentions, issue numbers,
/// addresses, emoji) leave text alone.
pub(crate) fn code(foreign: &str) -> String {
    let text = text::escape(foreign);
    if text.is_empty() {
        return "(empty)".to_owned();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    // A blank at both ends is taken away again; without it, a text that begins with a backtick would lengthen the fence.
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// As [`code`], within a cell of a table: there a bar ends the cell, in a code span too, unless a backslash stands before
/// it, and then the backslash that was before it in the text is lost.
pub(crate) fn code_in_cell(foreign: &str) -> String {
    if !foreign.contains('|') {
        return code(foreign);
    }
    let parts: Vec<String> = foreign
        .split('|')
        .map(|part| {
            if part.is_empty() {
                String::new()
            } else {
                code(part)
            }
        })
        .collect();
    parts.join("&#124;")
}

/// Returns a sentence in which each word that is more than a word is a code span.
pub(crate) fn sentence(foreign: &str) -> String {
    words(foreign, code)
}

/// As [`sentence`], within a cell of a table.
pub(crate) fn sentence_in_cell(foreign: &str) -> String {
    words(foreign, code_in_cell)
}

fn words(foreign: &str, code: fn(&str) -> String) -> String {
    let text = text::escape(foreign);
    let words: Vec<String> = text
        .split(' ')
        .filter(|word| !word.is_empty())
        .map(|word| {
            if is_plain(word) {
                word.to_owned()
            } else {
                code(word)
            }
        })
        .collect();
    words.join(" ")
}

/// Returns the text in this form, cut where it is too long for a comment once it is escaped.
pub(crate) fn short(foreign: &str, form: fn(&str) -> String) -> String {
    let text = text::escape(foreign);
    match text.char_indices().nth(LONGEST) {
        None => form(&text),
        Some((end, _)) => {
            let (kept, rest) = text.split_at(end);
            format!("{}… ({} more characters)", form(kept), rest.chars().count())
        }
    }
}

/// Returns the lines as a block of code.
pub(crate) fn block(foreign: &str) -> String {
    let lines: Vec<String> = foreign.lines().map(text::escape).collect();
    let text = lines.join("\n");
    let fence = "`".repeat(longest_run(&text).max(2) + 1);
    format!("{fence}text\n{text}\n{fence}")
}

fn longest_run(text: &str) -> usize {
    let runs = text.split(|character| character != '`').map(str::len);
    runs.max().unwrap_or(0)
}

/// Returns whether a word means itself wherever it stands within a line: letters and digits, with the marks of a
/// sentence. `www.`, and `GH-1`, would become links.
fn is_plain(word: &str) -> bool {
    let marks = |character| {
        matches!(
            character,
            '.' | ',' | ';' | '\'' | '"' | '(' | ')' | '/' | '-' | '%'
        )
    };
    let inner = word.strip_suffix(':').unwrap_or(word);
    let plain = inner
        .chars()
        .all(|character| character.is_alphanumeric() || marks(character));
    let lower = word.to_ascii_lowercase();
    plain && !lower.contains("www.") && !lower.contains("gh-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_stand_outside_of_code() {
        for (foreign, written) in [
            (
                "authorization.mode is AlwaysAllow: every request (of anyone) may do 50% of it",
                "authorization.mode is AlwaysAllow: every request (of anyone) may do 50% of it",
            ),
            ("ask @octocat or #12", "ask `@octocat` or `#12`"),
            (
                "see https://evil.example now",
                "see `https://evil.example` now",
            ),
            ("www.evil.example GH-1", "`www.evil.example` `GH-1`"),
            ("<b>x</b> [a](b) ![c]", "`<b>x</b>` `[a](b)` `![c]`"),
            (":smile: a_b $x$", "`:smile:` `a_b` `$x$`"),
            ("a\n# b", "`a\\n#` b"),
            ("`x`", "`` `x` ``"),
            ("", ""),
        ] {
            assert_eq!(sentence(foreign), written);
        }
        assert_eq!(code(""), "(empty)");
        assert_eq!(code_in_cell("a|b"), "`a`&#124;`b`");
        assert_eq!(code_in_cell("|\\|"), "&#124;`\\`&#124;");
        assert_eq!(
            sentence_in_cell("either a|b or c"),
            "either `a`&#124;`b` or c"
        );
        assert_eq!(code("a``b"), "```a``b```");
        assert_eq!(block("a\n```\nb"), "````text\na\n```\nb\n````");
    }
}
