//! String literals of JSON.

use super::cursor::Cursor;
use crate::tree::ReadError;

impl Cursor<'_> {
    /// Reads a string literal, from its quote on.
    ///
    /// As in Go, every byte that is not UTF-8 and every surrogate without its other half becomes U+FFFD.
    pub(super) fn string(&mut self) -> Result<String, ReadError> {
        let mut text = String::new();
        self.advance();
        loop {
            let plain = self.rest();
            let length = plain
                .iter()
                .take_while(|byte| !matches!(byte, b'"' | b'\\' | 0x00..=0x1f))
                .count();
            append_mended(&mut text, plain.get(..length).unwrap_or_default());
            for _ in 0..length {
                self.advance();
            }
            if self.take(b'"') {
                return Ok(text);
            }
            if !self.take(b'\\') {
                return Err(self.unexpected("in string literal"));
            }
            text.push(self.escaped()?);
        }
    }

    /// Reads what follows a backslash.
    fn escaped(&mut self) -> Result<char, ReadError> {
        let character = match self.peek() {
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'u') => {
                self.advance();
                return self.code_unit();
            }
            _ => return Err(self.unexpected_within("in string escape code")),
        };
        self.advance();
        Ok(character)
    }

    /// Reads the digits of a `\u`, and the `\u` of the other half of a surrogate pair.
    fn code_unit(&mut self) -> Result<char, ReadError> {
        for ahead in 0..4 {
            if !self.rest().get(ahead).is_some_and(u8::is_ascii_hexdigit) {
                for _ in 0..ahead {
                    self.advance();
                }
                return Err(self.unexpected_within("in \\u hexadecimal character escape"));
            }
        }
        let unit = hexadecimal(self.rest()).unwrap_or_default();
        for _ in 0..4 {
            self.advance();
        }
        let second = self.rest().strip_prefix(b"\\u").and_then(hexadecimal);
        match (char::from_u32(unit), second) {
            (Some(character), _) => Ok(character),
            (None, Some(second @ 0xdc00..=0xdfff)) if unit < 0xdc00 => {
                for _ in 0..6 {
                    self.advance();
                }
                let code = 0x1_0000 + ((unit & 0x3ff) << 10) + (second & 0x3ff);
                Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
            }
            (None, _) => Ok(char::REPLACEMENT_CHARACTER),
        }
    }
}

/// Returns the value of four hexadecimal digits.
fn hexadecimal(text: &[u8]) -> Option<u32> {
    text.get(..4)?.iter().try_fold(0, |value, byte| {
        Some(value << 4 | char::from(*byte).to_digit(16)?)
    })
}

/// Appends bytes with one U+FFFD for each that is not part of a UTF-8 character.
pub(crate) fn append_mended(text: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
}
