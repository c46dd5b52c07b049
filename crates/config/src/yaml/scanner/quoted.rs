//! Scalars in quotes.

use super::Scanner;
use super::plain::Gap;
use crate::yaml::cursor::{Position, is_blank_or_end, is_break};
use crate::yaml::problem::Problem;
use crate::yaml::token::TokenKind;

impl Scanner<'_> {
    pub(super) fn scan_quoted(&mut self, quote: char) -> Result<(), Problem> {
        self.expect_key()?;
        self.key_allowed = false;
        let start = self.cursor.here();
        self.cursor.skip();
        let mut text = String::new();
        loop {
            self.cursor.need(4)?;
            if self.cursor.at_document_indicator('-') || self.cursor.at_document_indicator('.') {
                return Err(self.problem("found unexpected document indicator", start));
            }
            if self.cursor.peek() == '\0' {
                return Err(self.problem("found unexpected end of stream", start));
            }
            let mut gap = Gap::after(self.scan_words(quote, &mut text, start)?);
            if self.cursor.next()? == quote {
                break;
            }
            self.scan_gap(&mut gap, None)?;
            gap.close(&mut text);
        }
        self.cursor.skip();
        self.push(TokenKind::Scalar { text, plain: false }, start);
        Ok(())
    }

    /// Reads up to the closing quote or the next gap. Returns whether a backslash took the line break away.
    fn scan_words(
        &mut self,
        quote: char,
        text: &mut String,
        start: Position,
    ) -> Result<bool, Problem> {
        while !is_blank_or_end(self.cursor.peek()) {
            match (self.cursor.peek(), self.cursor.peek_at(1)) {
                ('\'', '\'') if quote == '\'' => {
                    text.push('\'');
                    self.cursor.skip();
                    self.cursor.skip();
                }
                (next, _) if next == quote => return Ok(false),
                ('\\', second) if quote == '"' && is_break(second) => {
                    self.cursor.need(3)?;
                    self.cursor.skip();
                    self.cursor.skip_line();
                    return Ok(true);
                }
                ('\\', second) if quote == '"' => self.scan_escape(second, text, start)?,
                _ => self.cursor.take(text),
            }
            self.cursor.need(2)?;
        }
        Ok(false)
    }

    /// Reads a backslash and what it escapes. Go takes `\'` and refuses `\/`.
    fn scan_escape(
        &mut self,
        escaped: char,
        text: &mut String,
        start: Position,
    ) -> Result<(), Problem> {
        let length = match escaped {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        let character = match escaped {
            'x' | 'u' | 'U' | '0' => '\0',
            'a' => '\u{7}',
            'b' => '\u{8}',
            't' | '\t' => '\t',
            'n' => '\n',
            'v' => '\u{b}',
            'f' => '\u{c}',
            'r' => '\r',
            'e' => '\u{1b}',
            ' ' | '"' | '\'' | '\\' => escaped,
            'N' => '\u{85}',
            '_' => '\u{a0}',
            'L' => '\u{2028}',
            'P' => '\u{2029}',
            _ => return Err(self.problem("found unknown escape character", start)),
        };
        self.cursor.skip();
        self.cursor.skip();
        if length == 0 {
            text.push(character);
            return Ok(());
        }
        self.cursor.need(length)?;
        let mut code: u32 = 0;
        for ahead in 0..length {
            let Some(digit) = self.cursor.peek_at(ahead).to_digit(16) else {
                return Err(self.problem("did not find expected hexdecimal number", start));
            };
            code = code << 4 | digit;
        }
        let Some(character) = char::from_u32(code) else {
            return Err(self.problem("found invalid Unicode character escape code", start));
        };
        text.push(character);
        for _ in 0..length {
            self.cursor.skip();
        }
        Ok(())
    }
}
