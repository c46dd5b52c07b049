//! A place in a JSON text, and the small things that are read byte by byte.

use crate::tree::{Mark, ReadError, ReadErrorKind};

/// A place in a text, with its line and column.
pub(super) struct Cursor<'a> {
    content: &'a [u8],
    offset: usize,
    line: u32,
    column: u32,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(content: &'a [u8]) -> Self {
        Self {
            content,
            offset: 0,
            line: 1,
            column: 1,
        }
    }

    /// Returns what lies ahead.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.content.get(self.offset..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    /// Steps over one byte. LF, CR LF and CR end a line.
    pub(super) fn advance(&mut self) {
        let Some((&byte, rest)) = self.rest().split_first() else {
            return;
        };
        self.offset += 1;
        match byte {
            b'\r' if rest.first() == Some(&b'\n') => {}
            b'\n' | b'\r' => {
                self.line = self.line.saturating_add(1);
                self.column = 1;
            }
            // A byte within a character.
            0x80..=0xbf => {}
            _ => self.column = self.column.saturating_add(1),
        }
    }

    /// Steps over `expected`, if it is next.
    pub(super) fn take(&mut self, expected: u8) -> bool {
        let found = self.peek() == Some(expected);
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.advance();
        }
    }

    /// Returns the place, as a mark that spans nothing yet.
    pub(super) const fn mark(&self) -> Mark {
        Mark {
            line: self.line,
            column: self.column,
            span: (self.offset, self.offset),
            via: Vec::new(),
        }
    }

    /// Returns the mark that reaches from `start` to here.
    pub(super) const fn up_to_here(&self, mut start: Mark) -> Mark {
        start.span.1 = self.offset;
        start
    }

    /// Reads a number literal.
    pub(super) fn number(&mut self) -> Result<&'a str, ReadError> {
        let from = self.rest();
        let start = self.offset;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits("in numeric literal")?;
        }
        if self.take(b'.') {
            self.digits("after decimal point in numeric literal")?;
        }
        if self.take(b'e') || self.take(b'E') {
            if !self.take(b'+') {
                self.take(b'-');
            }
            self.digits("in exponent of numeric literal")?;
        }
        let literal = from.get(..self.offset - start).unwrap_or_default();
        Ok(std::str::from_utf8(literal).unwrap_or_default())
    }

    fn digits(&mut self, context: &str) -> Result<(), ReadError> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.unexpected_within(context));
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.advance();
        }
        Ok(())
    }

    /// Returns the error for what is next, in Go's words.
    pub(super) fn unexpected(&self, context: &str) -> ReadError {
        match self.peek() {
            Some(byte) => self.error(&format!("invalid character {} {context}", quoted(byte))),
            None => self.error("unexpected end of JSON input"),
        }
    }

    /// Returns the error for what is next within a number, a literal or an escape. There Go takes the end of the text
    /// for a blank.
    pub(super) fn unexpected_within(&self, context: &str) -> ReadError {
        let byte = self.peek().unwrap_or(b' ');
        self.error(&format!("invalid character {} {context}", quoted(byte)))
    }

    fn error(&self, problem: &str) -> ReadError {
        ReadError {
            kind: ReadErrorKind::Syntax,
            line: self.line,
            column: self.column,
            message: format!("couldn't get version/kind; json parse error: {problem}"),
        }
    }
}

/// Writes a byte as Go's decoder does: as if it were a character of Latin-1.
fn quoted(byte: u8) -> String {
    match byte {
        b'\'' => "'\\''".to_owned(),
        b'\\' => r"'\\'".to_owned(),
        0x07 => r"'\a'".to_owned(),
        0x08 => r"'\b'".to_owned(),
        b'\t' => r"'\t'".to_owned(),
        b'\n' => r"'\n'".to_owned(),
        0x0b => r"'\v'".to_owned(),
        0x0c => r"'\f'".to_owned(),
        b'\r' => r"'\r'".to_owned(),
        0x00..=0x1f | 0x7f => format!("'\\x{byte:02x}'"),
        0x80..=0xa0 | 0xad => format!("'\\u{byte:04x}'"),
        _ => format!("'{}'", char::from(byte)),
    }
}
