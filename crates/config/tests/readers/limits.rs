//! What is larger or deeper than is read here, and texts made to be slow: an error, at once.

use kubeassay_config::tree::{self, MAX_BYTES, ReadErrorKind};

/// What the reader says: nothing for a tree.
fn trouble(text: &str) -> Option<ReadErrorKind> {
    tree::read(text.as_bytes()).err().map(|error| error.kind)
}

#[test]
fn texts_beyond_the_limits_are_told_from_faulty_ones() {
    use ReadErrorKind::{Syntax, TooDeep, TooLarge};
    let chain: String = (1..50)
        .map(|n| format!("a{n}: &a{n} [*a{}]\n", n - 1))
        .collect();
    let repeated = format!(
        "a: &a \"{}\"\nb: [{}]\n",
        "x".repeat(1 << 20),
        "*a,".repeat(20)
    );
    let laughs: String = (1..9)
        .map(|n| format!("a{n}: &a{n} [{}]\n", format!("*a{},", n - 1).repeat(9)))
        .collect();
    let many = format!(
        "a: &a [{}]\nb: [{}]\n",
        "x,".repeat(30_000),
        "*a,".repeat(5)
    );
    for (text, expected) in [
        ("[".repeat(150) + &"]".repeat(150), None),
        ("[".repeat(250) + &"]".repeat(250), Some(TooDeep)),
        ("- ".repeat(250), Some(TooDeep)),
        (format!("{{\"a\":{}", "[".repeat(250)), Some(TooDeep)),
        (
            format!("{{\"a\":{}{}}}", "[".repeat(150), "]".repeat(150)),
            None,
        ),
        (format!("a0: &a0 x\n{chain}"), Some(TooDeep)),
        ("- a\n".repeat(99_000), None),
        ("- a\n".repeat(101_000), Some(TooLarge)),
        (
            format!("{{\"a\":[{}1]}}", "1,".repeat(101_000)),
            Some(TooLarge),
        ),
        (many, Some(TooLarge)),
        (repeated, Some(TooLarge)),
        (format!("a0: &a0 [x,x]\n{laughs}"), Some(Syntax)),
        (" ".repeat(MAX_BYTES), None),
        (" ".repeat(MAX_BYTES + 1), Some(TooLarge)),
    ] {
        assert_eq!(
            trouble(&text),
            expected,
            "{}",
            text.get(..60).unwrap_or(&text)
        );
    }
}

#[test]
fn large_texts_of_anything_end_soon() {
    for part in [
        "[",
        "{",
        "- ",
        "? ",
        "a: ",
        "!",
        "&a ",
        "*a ",
        "#",
        "\n",
        " ",
        "x",
        "x ",
        "\"",
        "'",
        "[],",
        "a: b\n",
        "---\n",
        "...\n",
        "{\"a\":",
        "\u{feff}",
        "é",
        "%YAML 1.1\n",
        "\\",
        "\t",
        "|\n",
        "%TAG !a! b\n",
        "\r",
        "<<: ",
        "\0",
    ] {
        for head in ["", "|\n ", "\"", "'", "[", "{\"", "# c\n{", "a: &a "] {
            let mut text = head.to_owned();
            text.push_str(&part.repeat((MAX_BYTES - head.len()) / part.len() / 64));
            // Whatever it says: it says it.
            drop(tree::read(text.as_bytes()));
        }
    }
}
