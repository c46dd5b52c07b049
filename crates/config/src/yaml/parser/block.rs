//! Collections by indentation.

use super::{Parser, State};
use crate::yaml::event::{Event, EventKind};
use crate::yaml::problem::Problem;
use crate::yaml::token::TokenKind;

impl Parser<'_> {
    pub(super) fn block_list_entry(&mut self, first: bool) -> Result<Event, Problem> {
        self.open(first)?;
        let token = self.scanner.peek()?;
        let (start, end) = (token.start, token.end);
        match token.kind {
            TokenKind::BlockEntry => {
                self.scanner.next()?;
                if matches!(
                    self.scanner.peek()?.kind,
                    TokenKind::BlockEntry | TokenKind::BlockEnd
                ) {
                    self.state = State::BlockListEntry;
                    return Ok(Event::nothing(end));
                }
                self.states.push(State::BlockListEntry);
                self.node(true, false)
            }
            TokenKind::BlockEnd => self.close(EventKind::ListEnd),
            _ => Err(Problem::parser(
                "did not find expected '-' indicator",
                start,
                self.opened(),
            )),
        }
    }

    pub(super) fn indentless_list_entry(&mut self) -> Result<Event, Problem> {
        let token = self.scanner.peek()?;
        let (start, end) = (token.start, token.end);
        if !matches!(token.kind, TokenKind::BlockEntry) {
            self.pop_state();
            return Ok(Event::new(EventKind::ListEnd, start, start));
        }
        self.scanner.next()?;
        let next = &self.scanner.peek()?.kind;
        if matches!(
            next,
            TokenKind::BlockEntry | TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd
        ) {
            self.state = State::IndentlessListEntry;
            return Ok(Event::nothing(end));
        }
        self.states.push(State::IndentlessListEntry);
        self.node(true, false)
    }

    pub(super) fn block_map_key(&mut self, first: bool) -> Result<Event, Problem> {
        self.open(first)?;
        let token = self.scanner.peek()?;
        let start = token.start;
        match token.kind {
            TokenKind::Key => self.block_map_part(State::BlockMapValue),
            TokenKind::BlockEnd => self.close(EventKind::MapEnd),
            _ => Err(Problem::parser(
                "did not find expected key",
                start,
                self.opened(),
            )),
        }
    }

    pub(super) fn block_map_value(&mut self) -> Result<Event, Problem> {
        let token = self.scanner.peek()?;
        let start = token.start;
        if matches!(token.kind, TokenKind::Value) {
            return self.block_map_part(State::BlockMapKey);
        }
        self.state = State::BlockMapKey;
        Ok(Event::nothing(start))
    }

    /// Reads what follows a `?` or `:`, if anything does, and goes on to `state`.
    fn block_map_part(&mut self, state: State) -> Result<Event, Problem> {
        let end = self.scanner.next()?.end;
        let next = &self.scanner.peek()?.kind;
        if matches!(
            next,
            TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd
        ) {
            self.state = state;
            return Ok(Event::nothing(end));
        }
        self.states.push(state);
        self.node(true, true)
    }
}
