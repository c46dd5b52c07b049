//! Words of a value: quotes and escapes as systemd takes them off (systemd.syntax(7), "Quoting").

/// What becomes of backslashes and of quotes that do not end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grammar {
    /// Escapes of C; another one is an error: `Environment=`.
    Strict,
    /// Escapes of C; another one stays as it is: arguments of `ExecStart=`.
    Command,
    /// A backslash makes the next character plain, and nothing is an error: the value of a `$VARIABLE`.
    Value,
}

/// A word, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// What is left without quotes and escapes.
    pub(super) text: Vec<u8>,
    /// Where it begins.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
}

/// A quote that does not end, or an escape that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Returns the first place from `at` on that is not blank.
pub(super) fn skip_blanks(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| is_blank(**byte)).count()
}

/// Returns the first word from `at` on.
pub(super) fn next(text: &[u8], at: usize, grammar: Grammar) -> Result<Option<Word>, Malformed> {
    match grammar {
        // systemd reads strictly first, and again with all unknown escapes kept.
        Grammar::Command => {
            extract(text, at, Grammar::Strict).or_else(|_| extract(text, at, grammar))
        }
        _ => extract(text, at, grammar),
    }
}

/// Returns all words.
pub(super) fn split(text: &[u8], grammar: Grammar) -> Result<Vec<Word>, Malformed> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(word) = next(text, at, grammar)? {
        at = word.end;
        words.push(word);
    }
    Ok(words)
}

fn extract(text: &[u8], at: usize, grammar: Grammar) -> Result<Option<Word>, Malformed> {
    let start = skip_blanks(text, at);
    let mut at = start;
    let mut quote = None;
    let mut word = Vec::new();
    if at >= text.len() {
        return Ok(None);
    }
    while let Some(byte) = text.get(at).copied() {
        match (byte, quote) {
            (b'\\', _) => {
                let rest = text.get(at + 1..).unwrap_or_default();
                at += 1 + escape(rest, grammar, quote.is_some(), &mut word)?;
                continue;
            }
            (byte, Some(open)) if byte == open => quote = None,
            (b'\'' | b'"', None) => quote = Some(byte),
            (byte, None) if is_blank(byte) => break,
            _ => word.push(byte),
        }
        at += 1;
    }
    if quote.is_some() && grammar != Grammar::Value {
        return Err(Malformed);
    }
    Ok(Some(Word {
        text: word,
        start,
        end: at,
    }))
}

/// Adds what an escape stands for, whose backslash was read; returns how many bytes it has besides.
fn escape(
    rest: &[u8],
    grammar: Grammar,
    quoted: bool,
    word: &mut Vec<u8>,
) -> Result<usize, Malformed> {
    let Some(first) = rest.first() else {
        return match grammar {
            Grammar::Value => Ok(0),
            Grammar::Command if !quoted => {
                word.push(b'\\');
                Ok(0)
            }
            _ => Err(Malformed),
        };
    };
    if grammar == Grammar::Value {
        word.push(*first);
        return Ok(1);
    }
    match (unescape(rest), grammar) {
        (Some((bytes, length)), _) => {
            word.extend_from_slice(&bytes);
            Ok(length)
        }
        (None, Grammar::Command) => {
            word.extend_from_slice(&[b'\\', *first]);
            Ok(1)
        }
        _ => Err(Malformed),
    }
}

/// Returns what an escape of C stands for, and its length without the backslash.
fn unescape(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    let plain = |byte: u8| Some((vec![byte], 1));
    match *rest.first()? {
        b'a' => plain(7),
        b'b' => plain(8),
        b'f' => plain(12),
        b'n' => plain(b'\n'),
        b'r' => plain(b'\r'),
        b't' => plain(b'\t'),
        b'v' => plain(11),
        b's' => plain(b' '),
        byte @ (b'\\' | b'"' | b'\'') => plain(byte),
        b'x' => Some((vec![u8::try_from(number(rest.get(1..3)?, 16)?).ok()?], 3)),
        b'u' => Some((character(number(rest.get(1..5)?, 16)?)?, 5)),
        b'U' => Some((character(number(rest.get(1..9)?, 16)?)?, 9)),
        b'0'..=b'7' => Some((vec![u8::try_from(number(rest.get(..3)?, 8)?).ok()?], 3)),
        _ => None,
    }
}

/// Returns the number that digits stand for, which is not zero.
fn number(digits: &[u8], radix: u32) -> Option<u32> {
    let text = std::str::from_utf8(digits).ok()?;
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(text, radix)
        .ok()
        .filter(|number| *number != 0)
}

fn character(code: u32) -> Option<Vec<u8>> {
    Some(char::from_u32(code)?.to_string().into_bytes())
}

/// Returns a word in double quotes that every grammar reads as `text`, but for control characters in a value.
pub(super) fn quote(text: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'"'];
    for byte in text {
        match byte {
            b'"' | b'\\' => quoted.extend_from_slice(&[b'\\', *byte]),
            b'\n' => quoted.extend_from_slice(b"\\n"),
            b'\r' => quoted.extend_from_slice(b"\\r"),
            _ => quoted.push(*byte),
        }
    }
    quoted.push(b'"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, prop_assert_eq, proptest};

    use super::{Grammar, Malformed, quote, split};

    fn words(text: &str, grammar: Grammar) -> Result<Vec<String>, Malformed> {
        let words = split(text.as_bytes(), grammar)?;
        Ok(words
            .into_iter()
            .map(|word| String::from_utf8_lossy(&word.text).into_owned())
            .collect())
    }

    #[test]
    fn words_are_taken_apart_as_systemd_takes_them_apart() {
        use Grammar::{Command, Strict, Value};
        for (text, grammar, expected) in [
            ("  a\tb  ", Strict, Some(&["a", "b"][..])),
            (r#""a b" 'c "d'"#, Strict, Some(&["a b", "c \"d"])),
            (r#"a"b c"d ''"#, Strict, Some(&["ab cd", ""])),
            (r"a\x41\101\n\s\u00e9\\", Strict, Some(&["aAA\n é\\"])),
            (r#""\"" '\''"#, Strict, Some(&["\"", "'"])),
            (r"a \q b", Strict, None),
            (r"a \q b", Command, Some(&["a", "\\q", "b"])),
            // What is read again is read without any change of what was understood.
            (r"\x41\q", Command, Some(&["A\\q"])),
            (
                r"\x4\400\x00\u0000",
                Command,
                Some(&["\\x4\\400\\x00\\u0000"]),
            ),
            ("a\\", Command, Some(&["a\\"])),
            ("a\\", Strict, None),
            ("\"a\\", Command, None),
            ("\"a b", Command, None),
            ("\"a b", Value, Some(&["a b"])),
            (r"a\ b\n \", Value, Some(&["a bn", ""])),
            (r#"--x="1 2" 'y'"#, Value, Some(&["--x=1 2", "y"])),
            ("", Value, Some(&[])),
        ] {
            let expected = expected.map(|words| words.iter().map(ToString::to_string).collect());
            assert_eq!(words(text, grammar).ok(), expected, "{text:?} {grammar:?}");
        }
    }

    proptest! {
        #[test]
        fn a_quoted_word_comes_back(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..5)) {
            let text = parts.iter().map(|part| quote(part)).collect::<Vec<_>>().join(&b' ');
            for grammar in [Grammar::Strict, Grammar::Command] {
                let words: Vec<_> = split(&text, grammar).unwrap().into_iter().map(|word| word.text).collect();
                prop_assert_eq!(&words, &parts);
            }
        }

        #[test]
        fn any_text_ends_in_words_that_lie_within_it(text in prop::collection::vec(any::<u8>(), 0..80)) {
            for grammar in [Grammar::Strict, Grammar::Command, Grammar::Value] {
                let mut at = 0;
                for word in split(&text, grammar).unwrap_or_default() {
                    assert!(at <= word.start && word.start < word.end && word.end <= text.len());
                    at = word.end;
                }
            }
        }
    }
}
