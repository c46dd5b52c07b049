//! Finds the words of Rust source text: what the compiler would see as identifiers and keywords.
//!
//! Comments, strings and characters are stepped over as the Rust reference says, so that "unsafe" in a doc comment or
//! a message is not taken for the keyword. Nothing else of the language is understood: words are all that is asked for.

/// The words of a Rust source text, in order: identifiers and keywords outside comments and literals.
///
/// Raw identifiers (`r#unsafe`) and lifetimes are left out: neither can be a keyword.
pub(crate) struct Words<'a> {
    /// What has not been looked at.
    rest: &'a str,
}

impl<'a> Words<'a> {
    /// Returns the words of `text`.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// Takes `count` bytes; everything where there are fewer or a character would be cut.
    fn take(&mut self, count: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(count).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// Takes everything up to and including `end`; everything there is where it never comes.
    fn skip_past(&mut self, end: &str) {
        let length = self.rest.find(end).map(|at| at + end.len());
        self.take(length.unwrap_or(self.rest.len()));
    }

    /// Takes the characters that may stand in a word.
    fn take_word(&mut self) -> &'a str {
        let end = self.rest.find(|c| !continues_word(c));
        self.take(end.unwrap_or(self.rest.len()))
    }

    /// Takes a block comment, whose `/*` is next; they nest.
    fn skip_block_comment(&mut self) {
        let mut depth = 0_usize;
        while !self.rest.is_empty() {
            if self.rest.starts_with("/*") {
                self.take(2);
                depth += 1;
            } else if self.rest.starts_with("*/") {
                self.take(2);
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return;
                }
            } else {
                self.skip_character();
            }
        }
    }

    /// Takes one character.
    fn skip_character(&mut self) {
        let length = self.rest.chars().next().map_or(0, char::len_utf8);
        self.take(length);
    }

    /// Takes a literal with escapes up to its closing quote; the opening one was taken.
    fn skip_quoted(&mut self, quote: char) {
        while let Some(next) = self.rest.chars().next() {
            self.skip_character();
            if next == quote {
                return;
            }
            if next == '\\' {
                self.skip_character();
            }
        }
    }

    /// Takes a character literal or a lifetime, whose quote is next.
    fn skip_character_or_lifetime(&mut self) {
        self.take(1);
        let mut ahead = self.rest.chars();
        match (ahead.next(), ahead.next()) {
            (Some('\\'), _) | (Some(_), Some('\'')) => {
                // An escape, or the one character that is not one: `'''` is no Rust.
                if self.rest.starts_with('\\') {
                    self.skip_quoted('\'');
                } else {
                    self.skip_character();
                    self.take(1);
                }
            }
            _ => {
                // A lifetime, raw (`'r#name`) or not.
                if let Some(name) = self.rest.strip_prefix("r#") {
                    self.rest = name;
                }
                self.take_word();
            }
        }
    }

    /// Takes the literal or the rest of the raw identifier that the word `prefix` begins; false where it begins none.
    fn skip_prefixed(&mut self, prefix: &str) -> bool {
        match prefix {
            "b" | "c" if self.rest.starts_with('"') => {
                self.take(1);
                self.skip_quoted('"');
            }
            "b" if self.rest.starts_with('\'') => self.skip_character_or_lifetime(),
            "r" | "br" | "cr" => {
                let hashes = self.rest.len() - self.rest.trim_start_matches('#').len();
                let after = self.rest.get(hashes..).unwrap_or_default();
                if after.starts_with('"') {
                    let end = format!("\"{}", "#".repeat(hashes));
                    self.take(hashes + 1);
                    self.skip_past(&end);
                } else if prefix == "r" && hashes == 1 && after.starts_with(starts_word) {
                    self.take(1);
                    self.take_word();
                } else {
                    return false;
                }
            }
            _ => return false,
        }
        true
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            let next = self.rest.chars().next()?;
            if self.rest.starts_with("//") {
                self.skip_past("\n");
            } else if self.rest.starts_with("/*") {
                self.skip_block_comment();
            } else if next == '"' {
                self.take(1);
                self.skip_quoted('"');
            } else if next == '\'' {
                self.skip_character_or_lifetime();
            } else if starts_word(next) {
                let word = self.take_word();
                if !self.skip_prefixed(word) {
                    return Some(word);
                }
            } else if next.is_ascii_digit() {
                // With its suffix, which is no word of its own.
                self.take_word();
            } else {
                self.skip_character();
            }
        }
    }
}

/// Tells whether a word may start with `c`; near enough to Unicode's `XID_Start` for telling words apart.
fn starts_word(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

/// Tells whether `c` may stand in a word after its start.
fn continues_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::Words;

    /// Returns the words of `text`, joined.
    fn words(text: &str) -> String {
        Words::new(text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn words_are_what_the_compiler_would_see() {
        for (text, expected) in [
            ("unsafe { f() }", "unsafe f"),
            ("#![forbid(unsafe_code)]", "forbid unsafe_code"),
            ("#[unsafe(no_mangle)]", "unsafe no_mangle"),
            ("// unsafe\na", "a"),
            ("/// unsafe", ""),
            ("//! unsafe\n//\nb", "b"),
            ("/* unsafe /* unsafe */ unsafe */ a", "a"),
            ("/**/unsafe", "unsafe"),
            ("/*/ unsafe */ a", "a"),
            ("a /* never closed unsafe", "a"),
            (r#"f("unsafe \" unsafe", a)"#, "f a"),
            (r#""\\" unsafe"#, "unsafe"),
            (r##"r#"unsafe " unsafe"# a"##, "a"),
            (r#"r"\" unsafe"#, "unsafe"),
            (r#"b"unsafe" c"unsafe" a"#, "a"),
            (r##"br#"unsafe"# cr"unsafe" a"##, "a"),
            ("r#unsafe a", "a"),
            ("'\"' unsafe '\"'", "unsafe"),
            (r"'\'' unsafe", "unsafe"),
            (r"'\u{1F600}' unsafe b'\'' a", "unsafe a"),
            ("'é' unsafe", "unsafe"),
            ("b'\"' unsafe", "unsafe"),
            ("fn f<'a>(x: &'a str) { unsafe {} }", "fn f x str unsafe"),
            ("'unsafe_: loop { break 'unsafe_ }", "loop break"),
            ("'r#gen a", "a"),
            ("x<'_, 'b> unsafe", "x unsafe"),
            ("1u8 0xffusize 1e9f64 unsafe", "unsafe"),
            ("a..b 0..unsafe", "a b unsafe"),
            ("größe unsafe", "größe unsafe"),
            ("r b br r#\"\"# end", "r b br end"),
            ("m!(r # x)", "m r x"),
            ("\"unsafe", ""),
            ("'", ""),
            ("'\\", ""),
            ("", ""),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn this_file_uses_no_unsafe() {
        let text = include_str!("lexer.rs");
        assert!(text.contains("unsafe"));
        assert!(!Words::new(text).any(|word| word == "unsafe"));
    }
}
