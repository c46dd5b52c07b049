//! Scalars without quotes.

use super::Scanner;
use crate::yaml::cursor::{Position, is_blank, is_blank_or_end, is_break};
use crate::yaml::problem::Problem;
use crate::yaml::token::{Token, TokenKind};

impl Scanner<'_> {
    pub(super) fn scan_plain(&mut self) -> Result<(), Problem> {
        self.expect_key()?;
        self.key_allowed = false;
        let start = self.cursor.here();
        let mut end = start;
        let least_column = self.indent.map_or(0, |column| column + 1);
        let mut text = String::new();
        let mut gap = Gap::default();
        loop {
            self.cursor.need(4)?;
            if self.cursor.at_document_indicator('-') || self.cursor.at_document_indicator('.') {
                break;
            }
            if self.cursor.peek() == '#' {
                break;
            }
            while !self.ends_plain() {
                gap.close(&mut text);
                self.cursor.take(&mut text);
                end = self.cursor.here();
                self.cursor.need(2)?;
            }
            if !(is_blank(self.cursor.peek()) || is_break(self.cursor.peek())) {
                break;
            }
            self.scan_gap(&mut gap, Some((least_column, start)))?;
            if self.flow_level == 0 && self.cursor.here().column < least_column {
                break;
            }
        }
        self.tokens.push_back(Token {
            kind: TokenKind::Scalar { text, plain: true },
            start,
            end,
        });
        if gap.broken {
            self.key_allowed = true;
        }
        Ok(())
    }

    /// Returns whether a plain scalar ends here, or pauses.
    fn ends_plain(&self) -> bool {
        let next = self.cursor.peek();
        is_blank_or_end(next)
            || next == ':' && is_blank_or_end(self.cursor.peek_at(1))
            || self.flow_level > 0 && matches!(next, ',' | '?' | '[' | ']' | '{' | '}')
    }

    /// Reads the blanks and line breaks within a scalar. A plain one, with its least column and its start, must not
    /// be indented by tabs.
    pub(super) fn scan_gap(
        &mut self,
        gap: &mut Gap,
        plain: Option<(usize, Position)>,
    ) -> Result<(), Problem> {
        loop {
            let next = self.cursor.next()?;
            if is_break(next) {
                self.cursor.need(2)?;
                if gap.broken {
                    self.cursor.take_line(&mut gap.more_breaks);
                } else {
                    gap.blanks.clear();
                    self.cursor.take_line(&mut gap.first_break);
                    gap.broken = true;
                }
            } else if !is_blank(next) {
                return Ok(());
            } else if !gap.broken {
                self.cursor.take(&mut gap.blanks);
            } else {
                match plain {
                    Some((least_column, start))
                        if next == '\t' && self.cursor.here().column < least_column =>
                    {
                        return Err(
                            self.problem("found a tab character that violates indentation", start)
                        );
                    }
                    _ => self.cursor.skip(),
                }
            }
        }
    }
}

/// Blanks and line breaks between the words of a scalar.
#[derive(Default)]
pub(super) struct Gap {
    blanks: String,
    first_break: String,
    more_breaks: String,
    /// There was a line break, or one that a backslash took away.
    broken: bool,
}

impl Gap {
    /// Returns a gap that begins, or that begins behind a line break that a backslash took away.
    pub(super) fn after(broken: bool) -> Self {
        Self {
            broken,
            ..Self::default()
        }
    }

    /// Appends what the gap stands for, and empties it: blanks as they are, one line break as a space, more of them
    /// without the first. The Unicode separators are kept.
    pub(super) fn close(&mut self, text: &mut String) {
        if !self.broken {
            text.push_str(&self.blanks);
        } else if self.first_break.starts_with('\n') {
            text.push_str(if self.more_breaks.is_empty() {
                " "
            } else {
                &self.more_breaks
            });
        } else {
            text.push_str(&self.first_break);
            text.push_str(&self.more_breaks);
        }
        // The buffers are kept.
        self.blanks.clear();
        self.first_break.clear();
        self.more_breaks.clear();
        self.broken = false;
    }
}
