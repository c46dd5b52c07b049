//! A place in a YAML text, and how far Go's reader has read by then.
//!
//! The reader takes the file in windows of 512 bytes and only when the scanner asks for characters that are not there
//! yet. What is wrong with a window stops everything at that moment; what is wrong beyond the last window is never
//! noticed. [`Cursor::need`] keeps the same account, so that it fails where the kubelet fails and only there.

use super::problem::Problem;
use crate::text::Text;

/// How many bytes Go's reader takes at once.
const WINDOW: usize = 512;

/// A place in a text; lines and columns from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// Characters before it.
    pub(super) index: usize,
    /// Bytes of the file before it.
    pub(super) offset: usize,
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Position {
    /// The start of a text.
    pub(super) const ORIGIN: Self = Self {
        index: 0,
        offset: 0,
        line: 0,
        column: 0,
    };
}

/// A place in a text that moves forward.
pub(super) struct Cursor<'t> {
    text: &'t Text,
    /// Bytes of the whole file.
    size: usize,
    here: Position,
    /// Characters that are read and not yet consumed, with a NUL for each time the end was met.
    unread: usize,
    /// Characters read so far, and the byte behind them.
    read: usize,
    read_to: usize,
    /// The end of the window.
    window: usize,
    /// The end of the file was met.
    ended: bool,
    /// The character that the reader's buffer begins with.
    buffer: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t Text, size: usize) -> Self {
        let here = Position {
            offset: text.start,
            ..Position::default()
        };
        Self {
            text,
            size,
            here,
            unread: 0,
            read: 0,
            read_to: text.start,
            window: 0,
            // Looking for a byte order mark already meets the end of such a file.
            ended: size < 3,
            buffer: 0,
        }
    }

    pub(super) const fn here(&self) -> Position {
        self.here
    }

    /// Makes sure that `count` characters, or the end, have been read.
    pub(super) fn need(&mut self, count: usize) -> Result<(), Problem> {
        if self.unread >= count {
            return Ok(());
        }
        self.buffer = self.here.index;
        while self.unread < count {
            self.read_window()?;
            if self.ended {
                self.unread += 1;
                break;
            }
        }
        Ok(())
    }

    fn read_window(&mut self) -> Result<(), Problem> {
        if self.window >= self.size && self.window > 0 {
            self.ended = true;
        }
        let from = if self.window == 0 { 0 } else { self.read_to };
        self.window = (from + WINDOW).min(self.size);
        while let Some(character) = self.text.characters.get(self.read) {
            let behind = self.read_to + self.text.encoding.width(*character);
            if behind > self.window {
                return Ok(());
            }
            self.read_to = behind;
            self.read += 1;
            self.unread += 1;
        }
        match self.text.fault {
            Some(fault)
                if fault
                    .seen_at
                    .map_or(self.ended, |seen_at| seen_at <= self.window) =>
            {
                Err(Problem::reader(fault.problem, self.end_of_text()))
            }
            _ => Ok(()),
        }
    }

    /// Returns the place behind the last character that is one.
    pub(super) fn end_of_text(&self) -> Position {
        let mut cursor = Self {
            here: Position::default(),
            ..Self::new(self.text, self.size)
        };
        while cursor.here.index < self.text.characters.len() {
            if is_break(cursor.peek()) {
                cursor.skip_line();
            } else {
                cursor.skip();
            }
        }
        cursor.here
    }

    /// Returns the next character; NUL at the end, which no text holds.
    pub(super) fn peek(&self) -> char {
        self.peek_at(0)
    }

    /// Returns the character `ahead` of the next.
    pub(super) fn peek_at(&self, ahead: usize) -> char {
        self.text
            .characters
            .get(self.here.index + ahead)
            .copied()
            .unwrap_or('\0')
    }

    /// Returns the next character, read if it was not.
    pub(super) fn next(&mut self) -> Result<char, Problem> {
        self.need(1)?;
        Ok(self.peek())
    }

    /// Steps over one character that ends no line.
    pub(super) fn skip(&mut self) {
        if let Some(character) = self.text.characters.get(self.here.index) {
            self.here.offset += self.text.encoding.width(*character);
        }
        self.here.index += 1;
        self.here.column += 1;
        self.unread = self.unread.saturating_sub(1);
    }

    /// Steps over a line break, if one is next; CR LF is one.
    pub(super) fn skip_line(&mut self) {
        if !is_break(self.peek()) {
            return;
        }
        if self.peek() == '\r' && self.peek_at(1) == '\n' {
            self.skip();
        }
        self.skip();
        self.here.column = 0;
        self.here.line += 1;
    }

    /// Goes to the start of a new line, as Go counts the end of the text.
    pub(super) const fn end_line(&mut self) {
        if self.here.column > 0 {
            self.here.column = 0;
            self.here.line += 1;
        }
    }

    /// Steps over one character and appends it.
    pub(super) fn take(&mut self, to: &mut String) {
        to.push(self.peek());
        self.skip();
    }

    /// Steps over a line break, if one is next, and appends what YAML makes of it: LF, or the Unicode separator.
    pub(super) fn take_line(&mut self, to: &mut String) {
        let character = self.peek();
        if is_break(character) {
            to.push(if matches!(character, '\u{2028}' | '\u{2029}') {
                character
            } else {
                '\n'
            });
            self.skip_line();
        }
    }

    /// Steps over blanks.
    pub(super) fn skip_blanks(&mut self) -> Result<(), Problem> {
        while is_blank(self.next()?) {
            self.skip();
        }
        Ok(())
    }

    /// Steps over a comment, if one is next.
    pub(super) fn skip_comment(&mut self) -> Result<(), Problem> {
        if self.peek() == '#' {
            while !is_break_or_end(self.next()?) {
                self.skip();
            }
        }
        Ok(())
    }

    /// Steps over a U+FEFF at the start of a line, or what Go takes for one: it looks at the beginning of its buffer
    /// and not at the next character.
    pub(super) fn skip_mark(&mut self) -> Result<(), Problem> {
        self.need(1)?;
        if self.here.column == 0 && self.text.characters.get(self.buffer) == Some(&'\u{feff}') {
            self.skip();
        }
        Ok(())
    }

    /// Returns whether `---` or `...` stands here at the start of a line.
    pub(super) fn at_document_indicator(&self, indicator: char) -> bool {
        self.here.column == 0
            && (0..3).all(|ahead| self.peek_at(ahead) == indicator)
            && is_blank_or_end(self.peek_at(3))
    }
}

pub(super) const fn is_break(character: char) -> bool {
    matches!(character, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

pub(super) const fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t')
}

pub(super) const fn is_break_or_end(character: char) -> bool {
    is_break(character) || character == '\0'
}

/// A blank, a line break or the end.
pub(super) const fn is_blank_or_end(character: char) -> bool {
    is_blank(character) || is_break_or_end(character)
}

/// What names of anchors, directives and tag handles are made of.
pub(super) const fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-')
}
