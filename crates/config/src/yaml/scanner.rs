//! From characters to tokens, as the kubelet's YAML library makes them.
//!
//! That library is Go's dialect of libyaml. It differs from libyaml, and thus from its other ports, in what may stand
//! in a plain scalar within brackets, in tags, in escapes, in how far a simple key may reach, and in the only
//! `%YAML` version it takes; each of them decides whether a kubelet starts. Indentation, and keys that turn out to be
//! keys only at their colon, are why tokens are queued and why some are inserted before others.

mod block;
mod indicators;
mod plain;
mod properties;
mod quoted;

use std::collections::{BTreeMap, VecDeque};

use super::cursor::{Cursor, Position, is_blank, is_blank_or_end, is_break};
use super::problem::Problem;
use super::token::{Token, TokenKind};
use crate::text::Text;

/// Makes tokens of a text.
pub(super) struct Scanner<'t> {
    cursor: Cursor<'t>,
    tokens: VecDeque<Token>,
    /// How many tokens were taken from the queue.
    taken: usize,
    /// Brackets that are open.
    flow_level: usize,
    /// The column of the innermost block collection; nothing outside of all.
    indent: Option<usize>,
    indents: Vec<Option<usize>>,
    /// Whether a key without `?` may start here.
    key_allowed: bool,
    /// What may turn out to be a key outside of brackets, and within each that is open.
    keys: Vec<SimpleKey>,
    /// Which of `keys` begins with the token of this number: few, and asked for before each token.
    key_of_token: BTreeMap<usize, usize>,
    end: Token,
}

/// What turns out to be a key if a colon follows.
#[derive(Clone, Copy, Default)]
struct SimpleKey {
    possible: bool,
    /// Nothing but a key can stand here.
    required: bool,
    token: usize,
    at: Position,
}

/// How many characters a key without `?` may have before its colon.
const LONGEST_KEY: usize = 1024;

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t Text, size: usize) -> Self {
        Self {
            cursor: Cursor::new(text, size),
            tokens: VecDeque::new(),
            taken: 0,
            flow_level: 0,
            indent: None,
            indents: Vec::new(),
            key_allowed: true,
            keys: vec![SimpleKey::default()],
            key_of_token: BTreeMap::new(),
            end: Token::at(TokenKind::StreamEnd, Position::default()),
        }
    }

    /// Returns the next token and leaves it where it is.
    pub(super) fn peek(&mut self) -> Result<&Token, Problem> {
        while self.tokens.is_empty() || self.may_be_key()? {
            self.scan()?;
        }
        Ok(self.tokens.front().unwrap_or(&self.end))
    }

    /// Takes the next token.
    pub(super) fn next(&mut self) -> Result<Token, Problem> {
        self.peek()?;
        self.taken += 1;
        Ok(self
            .tokens
            .pop_front()
            .unwrap_or_else(|| Token::at(TokenKind::StreamEnd, self.cursor.here())))
    }

    /// Returns whether the next token may still turn out to begin a key.
    fn may_be_key(&mut self) -> Result<bool, Problem> {
        match self.key_of_token.get(&self.taken) {
            Some(level) => self.is_possible(*level),
            None => Ok(false),
        }
    }

    /// Makes the next token, and those that it completes.
    fn scan(&mut self) -> Result<(), Problem> {
        self.cursor.need(1)?;
        self.skip_to_token()?;
        self.close_blocks(Some(self.cursor.here().column));
        self.cursor.need(4)?;
        let (next, second) = (self.cursor.peek(), self.cursor.peek_at(1));
        let within_brackets = self.flow_level > 0;
        match next {
            '\0' => self.scan_end(),
            '%' if self.cursor.here().column == 0 => self.scan_directive(),
            '-' if self.cursor.at_document_indicator('-') => {
                self.scan_document_indicator(TokenKind::DocumentStart)
            }
            '.' if self.cursor.at_document_indicator('.') => {
                self.scan_document_indicator(TokenKind::DocumentEnd)
            }
            '[' => self.scan_opening(TokenKind::FlowListStart),
            '{' => self.scan_opening(TokenKind::FlowMapStart),
            ']' => self.scan_closing(TokenKind::FlowListEnd),
            '}' => self.scan_closing(TokenKind::FlowMapEnd),
            ',' => self.scan_flow_entry(),
            '-' if is_blank_or_end(second) => self.scan_block_entry(),
            '?' if within_brackets || is_blank_or_end(second) => self.scan_key(),
            ':' if within_brackets || is_blank_or_end(second) => self.scan_value(),
            '*' | '&' => self.scan_anchor(next == '*'),
            '!' => self.scan_tag(),
            '|' | '>' if !within_brackets => self.scan_block_scalar(next == '|'),
            '\'' | '"' => self.scan_quoted(next),
            // What else must not begin a plain scalar. A `-`, `?` or `:` that comes this far is followed by text.
            '#' | '|' | '>' | '@' | '`' | '%' => Err(self.stray_character()),
            _ if is_blank(next) || is_break(next) => Err(self.stray_character()),
            _ => self.scan_plain(),
        }
    }

    fn stray_character(&self) -> Problem {
        self.problem(
            "found character that cannot start any token",
            self.cursor.here(),
        )
    }

    fn problem(&self, problem: &str, context: Position) -> Problem {
        Problem::scanner(problem, self.cursor.here(), context)
    }

    /// Steps over blanks, comments and line breaks. Tabs are no indentation: they are blank only where no key may
    /// start.
    fn skip_to_token(&mut self) -> Result<(), Problem> {
        loop {
            self.cursor.skip_mark()?;
            loop {
                match self.cursor.next()? {
                    ' ' => self.cursor.skip(),
                    '\t' if self.flow_level > 0 || !self.key_allowed => self.cursor.skip(),
                    _ => break,
                }
            }
            self.cursor.skip_comment()?;
            if !is_break(self.cursor.peek()) {
                return Ok(());
            }
            self.cursor.need(2)?;
            self.cursor.skip_line();
            if self.flow_level == 0 {
                self.key_allowed = true;
            }
        }
    }

    /// Puts a token at the end of the queue that reaches from `start` to here.
    fn push(&mut self, kind: TokenKind, start: Position) {
        self.tokens.push_back(Token {
            kind,
            start,
            end: self.cursor.here(),
        });
    }

    /// Puts a token before the one of this number.
    fn insert(&mut self, number: usize, kind: TokenKind, at: Position) {
        // Go appends what would come before a token that was taken already.
        let place = number.checked_sub(self.taken).unwrap_or(self.tokens.len());
        self.tokens
            .insert(place.min(self.tokens.len()), Token::at(kind, at));
    }

    /// Opens a block collection, if this column is further in than the one that is open.
    fn open_block(&mut self, column: usize, number: Option<usize>, kind: TokenKind, at: Position) {
        if self.flow_level == 0 && self.indent < Some(column) {
            self.indents.push(self.indent);
            self.indent = Some(column);
            match number {
                Some(number) => self.insert(number, kind, at),
                None => self.tokens.push_back(Token::at(kind, at)),
            }
        }
    }

    /// Closes the block collections that are further in than this column.
    fn close_blocks(&mut self, column: Option<usize>) {
        while self.flow_level == 0 && self.indent > column {
            self.tokens
                .push_back(Token::at(TokenKind::BlockEnd, self.cursor.here()));
            self.indent = self.indents.pop().flatten();
        }
    }

    /// Returns whether what began at this level may still be a key. A key is short and stands on one line.
    fn is_possible(&mut self, level: usize) -> Result<bool, Problem> {
        let here = self.cursor.here();
        let Some(key) = self.keys.get_mut(level).filter(|key| key.possible) else {
            return Ok(false);
        };
        if key.at.line < here.line || key.at.index + LONGEST_KEY < here.index {
            if key.required {
                let at = key.at;
                return Err(self.problem(NO_COLON, at));
            }
            key.possible = false;
            return Ok(false);
        }
        Ok(true)
    }

    /// Notes that what comes next may turn out to be a key.
    fn expect_key(&mut self) -> Result<(), Problem> {
        if self.key_allowed {
            let at = self.cursor.here();
            let key = SimpleKey {
                possible: true,
                required: self.flow_level == 0 && self.indent == Some(at.column),
                token: self.taken + self.tokens.len(),
                at,
            };
            self.forget_key()?;
            if let Some(last) = self.keys.last_mut() {
                *last = key;
                self.key_of_token.insert(key.token, self.keys.len() - 1);
            }
        }
        Ok(())
    }

    /// Notes that what came before on this level is no key.
    fn forget_key(&mut self) -> Result<(), Problem> {
        if let Some(key) = self.keys.last_mut().filter(|key| key.possible) {
            let SimpleKey {
                required,
                at,
                token,
                ..
            } = *key;
            if required {
                return Err(self.problem(NO_COLON, at));
            }
            key.possible = false;
            self.key_of_token.remove(&token);
        }
        Ok(())
    }
}

const NO_COLON: &str = "could not find expected ':'";
