//! Directives, anchors, aliases and tags.

use super::Scanner;
use crate::yaml::cursor::{Position, is_blank, is_blank_or_end, is_break_or_end, is_word};
use crate::yaml::problem::Problem;
use crate::yaml::token::TokenKind;

impl Scanner<'_> {
    pub(super) fn scan_directive(&mut self) -> Result<(), Problem> {
        self.close_blocks(None);
        self.forget_key()?;
        self.key_allowed = false;
        let start = self.cursor.here();
        self.cursor.skip();
        let name = self.word()?;
        if name.is_empty() {
            return Err(self.problem("could not find expected directive name", start));
        }
        if !is_blank_or_end(self.cursor.peek()) {
            return Err(self.problem("found unexpected non-alphabetical character", start));
        }
        let kind = match name.as_str() {
            "YAML" => self.version(start)?,
            "TAG" => self.tag_directive(start)?,
            _ => return Err(self.problem("found unknown directive name", start)),
        };
        let end = self.cursor.here();
        self.cursor.skip_blanks()?;
        self.cursor.skip_comment()?;
        if !is_break_or_end(self.cursor.peek()) {
            return Err(self.problem("did not find expected comment or line break", start));
        }
        self.cursor.need(2)?;
        self.cursor.skip_line();
        self.push(kind, start);
        if let Some(token) = self.tokens.back_mut() {
            token.end = end;
        }
        Ok(())
    }

    fn version(&mut self, start: Position) -> Result<TokenKind, Problem> {
        self.cursor.skip_blanks()?;
        let major = self.version_number(start)?;
        if self.cursor.peek() != '.' {
            return Err(self.problem("did not find expected digit or '.' character", start));
        }
        self.cursor.skip();
        let minor = self.version_number(start)?;
        Ok(TokenKind::Version { major, minor })
    }

    /// Reads a number of one or two digits.
    fn version_number(&mut self, start: Position) -> Result<u8, Problem> {
        let mut number = None;
        for _ in 0..2 {
            let Some(digit) = self.cursor.next()?.to_digit(10) else {
                break;
            };
            self.cursor.skip();
            let digit = u8::try_from(digit).unwrap_or_default();
            number = Some(number.unwrap_or(0) * 10 + digit);
        }
        if self.cursor.next()?.is_ascii_digit() {
            return Err(self.problem("found extremely long version number", start));
        }
        number.ok_or_else(|| self.problem("did not find expected version number", start))
    }

    fn tag_directive(&mut self, start: Position) -> Result<TokenKind, Problem> {
        self.cursor.skip_blanks()?;
        let handle = self.tag_handle(start)?;
        if handle != "!" && !(handle.len() > 1 && handle.ends_with('!')) {
            return Err(self.problem("did not find expected '!'", start));
        }
        if !is_blank(self.cursor.next()?) {
            return Err(self.problem("did not find expected whitespace", start));
        }
        self.cursor.skip_blanks()?;
        let prefix = self.tag_uri("", start)?;
        if !is_blank_or_end(self.cursor.next()?) {
            return Err(self.problem("did not find expected whitespace or line break", start));
        }
        Ok(TokenKind::TagDirective { handle, prefix })
    }

    pub(super) fn scan_anchor(&mut self, alias: bool) -> Result<(), Problem> {
        self.expect_key()?;
        self.key_allowed = false;
        let start = self.cursor.here();
        self.cursor.skip();
        let name = self.word()?;
        let next = self.cursor.peek();
        let ends =
            is_blank_or_end(next) || matches!(next, '?' | ':' | ',' | ']' | '}' | '%' | '@' | '`');
        if name.is_empty() || !ends {
            return Err(self.problem(
                "did not find expected alphabetic or numeric character",
                start,
            ));
        }
        self.push(
            if alias {
                TokenKind::Alias(name)
            } else {
                TokenKind::Anchor(name)
            },
            start,
        );
        Ok(())
    }

    pub(super) fn scan_tag(&mut self) -> Result<(), Problem> {
        self.expect_key()?;
        self.key_allowed = false;
        let start = self.cursor.here();
        self.cursor.need(2)?;
        let (handle, suffix) = if self.cursor.peek_at(1) == '<' {
            self.cursor.skip();
            self.cursor.skip();
            let suffix = self.tag_uri("", start)?;
            if self.cursor.peek() != '>' {
                return Err(self.problem("did not find the expected '>'", start));
            }
            self.cursor.skip();
            (String::new(), suffix)
        } else {
            let handle = self.tag_handle(start)?;
            if handle.len() > 1 && handle.ends_with('!') {
                let suffix = self.tag_uri("", start)?;
                (handle, suffix)
            } else {
                // Not a handle, but `!` and the first characters of the tag.
                match self.tag_uri(&handle, start)? {
                    suffix if suffix.is_empty() => (suffix, "!".to_owned()),
                    suffix => ("!".to_owned(), suffix),
                }
            }
        };
        if !is_blank_or_end(self.cursor.next()?) {
            return Err(self.problem("did not find expected whitespace or line break", start));
        }
        self.push(TokenKind::Tag { handle, suffix }, start);
        Ok(())
    }

    /// Reads `!`, `!word` or `!word!`.
    fn tag_handle(&mut self, start: Position) -> Result<String, Problem> {
        if self.cursor.next()? != '!' {
            return Err(self.problem("did not find expected '!'", start));
        }
        let mut handle = String::new();
        self.cursor.take(&mut handle);
        handle.push_str(&self.word()?);
        if self.cursor.peek() == '!' {
            self.cursor.take(&mut handle);
        }
        Ok(handle)
    }

    /// Reads a tag, of which `head` was read already; its first character is `!` and stays away.
    fn tag_uri(&mut self, head: &str, start: Position) -> Result<String, Problem> {
        let mut uri = head.strip_prefix('!').unwrap_or(head).to_owned();
        let mut found = !head.is_empty();
        loop {
            match self.cursor.next()? {
                '%' => self.escaped_octets(&mut uri, start)?,
                next if is_word(next) || ";/?:@&=+$,.!~*'()[]".contains(next) => {
                    self.cursor.take(&mut uri);
                }
                _ if found => return Ok(uri),
                _ => return Err(self.problem("did not find expected tag URI", start)),
            }
            found = true;
        }
    }

    /// Reads the `%` escapes that make one character.
    fn escaped_octets(&mut self, to: &mut String, start: Position) -> Result<(), Problem> {
        let mut octets: Vec<u8> = Vec::new();
        let mut width = 1;
        while octets.len() < width {
            self.cursor.need(3)?;
            let digits = (
                self.cursor.peek_at(1).to_digit(16),
                self.cursor.peek_at(2).to_digit(16),
            );
            let ('%', (Some(high), Some(low))) = (self.cursor.peek(), digits) else {
                return Err(self.problem("did not find URI escaped octet", start));
            };
            let octet = u8::try_from(high << 4 | low).unwrap_or_default();
            if octets.is_empty() {
                width = match octet {
                    0x00..=0x7f => 1,
                    0xc0..=0xdf => 2,
                    0xe0..=0xef => 3,
                    0xf0..=0xf7 => 4,
                    _ => return Err(self.problem("found an incorrect leading UTF-8 octet", start)),
                };
            } else if octet & 0xc0 != 0x80 {
                return Err(self.problem("found an incorrect trailing UTF-8 octet", start));
            }
            octets.push(octet);
            for _ in 0..3 {
                self.cursor.skip();
            }
        }
        to.push_str(&String::from_utf8_lossy(&octets));
        Ok(())
    }

    fn word(&mut self) -> Result<String, Problem> {
        let mut word = String::new();
        while is_word(self.cursor.next()?) {
            self.cursor.take(&mut word);
        }
        Ok(word)
    }
}
