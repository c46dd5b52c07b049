//! Collections in brackets.

use super::{Parser, State};
use crate::yaml::cursor::Position;
use crate::yaml::event::{Event, EventKind};
use crate::yaml::problem::Problem;
use crate::yaml::token::TokenKind;

impl Parser<'_> {
    pub(super) fn flow_list_entry(&mut self, first: bool) -> Result<Event, Problem> {
        self.open(first)?;
        if matches!(self.scanner.peek()?.kind, TokenKind::FlowListEnd) {
            return self.close(EventKind::ListEnd);
        }
        if !first {
            self.comma("did not find expected ',' or ']'")?;
        }
        let token = self.scanner.peek()?;
        let (start, end) = (token.start, token.end);
        match token.kind {
            TokenKind::Key => {
                self.scanner.next()?;
                self.state = State::FlowListEntryKey;
                Ok(Event::new(EventKind::MapStart { anchor: None }, start, end))
            }
            TokenKind::FlowListEnd => self.close(EventKind::ListEnd),
            _ => {
                self.states.push(State::FlowListEntry);
                self.node(false, false)
            }
        }
    }

    /// Reads the key of a map of one entry, which needs no braces.
    pub(super) fn flow_list_entry_key(&mut self) -> Result<Event, Problem> {
        let token = self.scanner.peek()?;
        let end = token.end;
        if matches!(
            token.kind,
            TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowListEnd
        ) {
            // libyaml steps over the sign here, although it is needed.
            self.scanner.next()?;
            self.state = State::FlowListEntryValue;
            return Ok(Event::nothing(end));
        }
        self.states.push(State::FlowListEntryValue);
        self.node(false, false)
    }

    pub(super) fn flow_list_entry_value(&mut self) -> Result<Event, Problem> {
        let token = self.scanner.peek()?;
        let start = token.start;
        if matches!(token.kind, TokenKind::Value) {
            self.scanner.next()?;
            if !matches!(
                self.scanner.peek()?.kind,
                TokenKind::FlowEntry | TokenKind::FlowListEnd
            ) {
                self.states.push(State::FlowListEntryEnd);
                return self.node(false, false);
            }
        }
        self.state = State::FlowListEntryEnd;
        Ok(Event::nothing(start))
    }

    pub(super) fn flow_list_entry_end(&mut self) -> Result<Event, Problem> {
        let start = self.scanner.peek()?.start;
        self.state = State::FlowListEntry;
        Ok(Event::new(EventKind::MapEnd, start, start))
    }

    pub(super) fn flow_map_key(&mut self, first: bool) -> Result<Event, Problem> {
        self.open(first)?;
        if matches!(self.scanner.peek()?.kind, TokenKind::FlowMapEnd) {
            return self.close(EventKind::MapEnd);
        }
        if !first {
            self.comma("did not find expected ',' or '}'")?;
        }
        match self.scanner.peek()?.kind {
            TokenKind::Key => {
                self.scanner.next()?;
                let token = self.scanner.peek()?;
                let start = token.start;
                if matches!(
                    token.kind,
                    TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowMapEnd
                ) {
                    self.state = State::FlowMapValue;
                    return Ok(Event::nothing(start));
                }
                self.states.push(State::FlowMapValue);
            }
            TokenKind::FlowMapEnd => return self.close(EventKind::MapEnd),
            _ => self.states.push(State::FlowMapEmptyValue),
        }
        self.node(false, false)
    }

    pub(super) fn flow_map_value(&mut self, empty: bool) -> Result<Event, Problem> {
        let token = self.scanner.peek()?;
        let start = token.start;
        if !empty && matches!(token.kind, TokenKind::Value) {
            let end = self.scanner.next()?.end;
            let next = &self.scanner.peek()?.kind;
            if !matches!(next, TokenKind::FlowEntry | TokenKind::FlowMapEnd) {
                self.states.push(State::FlowMapKey);
                return self.node(false, false);
            }
            self.state = State::FlowMapKey;
            return Ok(Event::nothing(end));
        }
        self.state = State::FlowMapKey;
        Ok(Event::nothing(start))
    }

    fn comma(&mut self, problem: &str) -> Result<(), Problem> {
        let token = self.scanner.peek()?;
        let start = token.start;
        if !matches!(token.kind, TokenKind::FlowEntry) {
            return Err(Problem::parser(problem, start, self.opened()));
        }
        self.scanner.next()?;
        Ok(())
    }

    /// Steps over the token that opens a collection, the first time.
    pub(super) fn open(&mut self, first: bool) -> Result<(), Problem> {
        if first {
            let start = self.scanner.next()?.start;
            self.marks.push(start);
        }
        Ok(())
    }

    /// Returns where the innermost collection began.
    pub(super) fn opened(&self) -> Position {
        self.marks.last().copied().unwrap_or_default()
    }

    /// Steps over the token that closes a collection.
    pub(super) fn close(&mut self, kind: EventKind) -> Result<Event, Problem> {
        let token = self.scanner.next()?;
        self.pop_state();
        self.marks.pop();
        Ok(Event::new(kind, token.start, token.end))
    }
}
