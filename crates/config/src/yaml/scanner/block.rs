//! Scalars after `|` and `>`.

use super::Scanner;
use crate::yaml::cursor::{Position, is_blank, is_break, is_break_or_end};
use crate::yaml::problem::Problem;
use crate::yaml::token::{Token, TokenKind};

/// What becomes of the line breaks at the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomping {
    /// The last one stays.
    Clip,
    /// None stays.
    Strip,
    /// All stay.
    Keep,
}

impl Scanner<'_> {
    pub(super) fn scan_block_scalar(&mut self, literal: bool) -> Result<(), Problem> {
        self.forget_key()?;
        self.key_allowed = true;
        let start = self.cursor.here();
        self.cursor.skip();
        let (chomping, increment) = self.block_header(start)?;
        let mut end = self.cursor.here();
        self.cursor.skip_blanks()?;
        self.cursor.skip_comment()?;
        if !is_break_or_end(self.cursor.peek()) {
            return Err(self.problem("did not find expected comment or line break", start));
        }
        self.cursor.need(2)?;
        self.cursor.skip_line();

        let mut indent = increment.map(|increment| self.indent.unwrap_or(0) + increment);
        let (mut text, mut first_break, mut more_breaks) =
            (String::new(), String::new(), String::new());
        let mut column = self.skip_block_indentation(&mut indent, &mut more_breaks, start)?;
        let mut was_blank = false;
        self.cursor.need(1)?;
        while self.cursor.here().column == column && self.cursor.peek() != '\0' {
            let is_blank = is_blank(self.cursor.peek());
            if !literal && first_break.starts_with('\n') && !was_blank && !is_blank {
                if more_breaks.is_empty() {
                    text.push(' ');
                }
            } else {
                text.push_str(&first_break);
            }
            first_break.clear();
            text.push_str(&more_breaks);
            more_breaks.clear();
            was_blank = is_blank;
            while !is_break_or_end(self.cursor.peek()) {
                self.cursor.take(&mut text);
                self.cursor.need(1)?;
            }
            end = self.cursor.here();
            self.cursor.need(2)?;
            self.cursor.take_line(&mut first_break);
            column = self.skip_block_indentation(&mut indent, &mut more_breaks, start)?;
        }
        if chomping != Chomping::Strip {
            text.push_str(&first_break);
        }
        if chomping == Chomping::Keep {
            text.push_str(&more_breaks);
        }
        self.tokens.push_back(Token {
            kind: TokenKind::Scalar { text, plain: false },
            start,
            end,
        });
        Ok(())
    }

    /// Reads `+` or `-` and a digit, in either order.
    fn block_header(&mut self, start: Position) -> Result<(Chomping, Option<usize>), Problem> {
        let mut chomping = self.chomping()?;
        let increment = match self.cursor.next()?.to_digit(10) {
            Some(0) => return Err(self.problem("found an indentation indicator equal to 0", start)),
            Some(digit) => {
                self.cursor.skip();
                usize::try_from(digit).ok()
            }
            None => None,
        };
        if increment.is_some() && chomping.is_none() {
            chomping = self.chomping()?;
        }
        Ok((chomping.unwrap_or(Chomping::Clip), increment))
    }

    fn chomping(&mut self) -> Result<Option<Chomping>, Problem> {
        let chomping = match self.cursor.next()? {
            '+' => Chomping::Keep,
            '-' => Chomping::Strip,
            _ => return Ok(None),
        };
        self.cursor.skip();
        Ok(Some(chomping))
    }

    /// Steps over indentation and empty lines. Returns the column of the text, which the first line that has some
    /// decides where the header did not.
    fn skip_block_indentation(
        &mut self,
        indent: &mut Option<usize>,
        breaks: &mut String,
        start: Position,
    ) -> Result<usize, Problem> {
        let mut deepest = 0;
        loop {
            let within = |column| indent.is_none_or(|indent| column < indent);
            while self.cursor.next()? == ' ' && within(self.cursor.here().column) {
                self.cursor.skip();
            }
            let column = self.cursor.here().column;
            deepest = deepest.max(column);
            if self.cursor.peek() == '\t' && within(column) {
                let problem = "found a tab character where an indentation space is expected";
                return Err(self.problem(problem, start));
            }
            if !is_break(self.cursor.peek()) {
                break;
            }
            self.cursor.need(2)?;
            self.cursor.take_line(breaks);
        }
        let least = self.indent.map_or(1, |indent| (indent + 1).max(1));
        Ok(*indent.get_or_insert(deepest.max(least)))
    }
}
