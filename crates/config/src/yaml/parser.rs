//! From tokens to events: the grammar of YAML, as libyaml and Go know it.
//!
//! A stack of states instead of recursion: the depth of a text is bounded where its nodes are built, not here.

mod block;
mod flow;
mod node;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::cursor::Position;
use super::event::{Event, EventKind};
use super::problem::Problem;
use super::scanner::Scanner;
use super::token::TokenKind;

/// Makes events of tokens.
pub(super) struct Parser<'t> {
    scanner: Scanner<'t>,
    state: State,
    /// The states to come back to.
    states: Vec<State>,
    /// Where the collections that are open began.
    marks: Vec<Position>,
    /// Tag handles and what they stand for, in this document.
    tag_directives: HashMap<String, String>,
}

/// What is expected next.
#[derive(Clone, Copy, Debug)]
enum State {
    ImplicitDocumentStart,
    DocumentStart,
    DocumentContent,
    DocumentEnd,
    BlockNode,
    BlockListFirstEntry,
    BlockListEntry,
    IndentlessListEntry,
    BlockMapFirstKey,
    BlockMapKey,
    BlockMapValue,
    FlowListFirstEntry,
    FlowListEntry,
    FlowListEntryKey,
    FlowListEntryValue,
    FlowListEntryEnd,
    FlowMapFirstKey,
    FlowMapKey,
    FlowMapValue,
    FlowMapEmptyValue,
    End,
}

impl<'t> Parser<'t> {
    pub(super) fn new(scanner: Scanner<'t>) -> Self {
        Self {
            scanner,
            state: State::ImplicitDocumentStart,
            states: Vec::new(),
            marks: Vec::new(),
            tag_directives: HashMap::new(),
        }
    }

    /// Returns the next event.
    pub(super) fn next(&mut self) -> Result<Event, Problem> {
        match self.state {
            State::ImplicitDocumentStart => self.document_start(true),
            State::DocumentStart => self.document_start(false),
            State::DocumentContent => self.document_content(),
            State::DocumentEnd => self.document_end(),
            State::BlockNode => self.node(true, false),
            State::BlockListFirstEntry => self.block_list_entry(true),
            State::BlockListEntry => self.block_list_entry(false),
            State::IndentlessListEntry => self.indentless_list_entry(),
            State::BlockMapFirstKey => self.block_map_key(true),
            State::BlockMapKey => self.block_map_key(false),
            State::BlockMapValue => self.block_map_value(),
            State::FlowListFirstEntry => self.flow_list_entry(true),
            State::FlowListEntry => self.flow_list_entry(false),
            State::FlowListEntryKey => self.flow_list_entry_key(),
            State::FlowListEntryValue => self.flow_list_entry_value(),
            State::FlowListEntryEnd => self.flow_list_entry_end(),
            State::FlowMapFirstKey => self.flow_map_key(true),
            State::FlowMapKey => self.flow_map_key(false),
            State::FlowMapValue => self.flow_map_value(false),
            State::FlowMapEmptyValue => self.flow_map_value(true),
            State::End => Ok(Event::new(
                EventKind::StreamEnd,
                Position::default(),
                Position::default(),
            )),
        }
    }

    /// Goes back to the state that waits.
    fn pop_state(&mut self) {
        self.state = self.states.pop().unwrap_or(State::End);
    }

    fn document_start(&mut self, implicit: bool) -> Result<Event, Problem> {
        while !implicit && matches!(self.scanner.peek()?.kind, TokenKind::DocumentEnd) {
            self.scanner.next()?;
        }
        let token = self.scanner.peek()?;
        let (start, end) = (token.start, token.end);
        match token.kind {
            TokenKind::StreamEnd => {
                self.state = State::End;
                return Ok(Event::new(EventKind::StreamEnd, start, end));
            }
            TokenKind::Version { .. }
            | TokenKind::TagDirective { .. }
            | TokenKind::DocumentStart => {}
            _ if implicit => {
                self.directives()?;
                self.states.push(State::DocumentEnd);
                self.state = State::BlockNode;
                return Ok(Event::new(EventKind::DocumentStart, start, end));
            }
            _ => {}
        }
        self.directives()?;
        let token = self.scanner.peek()?;
        if !matches!(token.kind, TokenKind::DocumentStart) {
            let at = token.start;
            return Err(Problem::parser(
                "did not find expected <document start>",
                at,
                Position::default(),
            ));
        }
        let end = self.scanner.next()?.end;
        self.states.push(State::DocumentEnd);
        self.state = State::DocumentContent;
        Ok(Event::new(EventKind::DocumentStart, start, end))
    }

    fn document_content(&mut self) -> Result<Event, Problem> {
        let token = self.scanner.peek()?;
        match token.kind {
            TokenKind::Version { .. }
            | TokenKind::TagDirective { .. }
            | TokenKind::DocumentStart
            | TokenKind::DocumentEnd
            | TokenKind::StreamEnd => {
                let at = token.start;
                self.pop_state();
                Ok(Event::nothing(at))
            }
            _ => self.node(true, false),
        }
    }

    fn document_end(&mut self) -> Result<Event, Problem> {
        let token = self.scanner.peek()?;
        let start = token.start;
        let mut end = start;
        if matches!(token.kind, TokenKind::DocumentEnd) {
            end = self.scanner.next()?.end;
        }
        self.tag_directives.clear();
        self.state = State::DocumentStart;
        Ok(Event::new(EventKind::DocumentEnd, start, end))
    }

    fn directives(&mut self) -> Result<(), Problem> {
        let mut version_seen = false;
        loop {
            let token = self.scanner.peek()?;
            let at = token.start;
            let refuse = |problem| Err(Problem::parser(problem, at, Position::default()));
            match token.kind {
                TokenKind::Version { .. } if version_seen => {
                    return refuse("found duplicate %YAML directive");
                }
                TokenKind::Version { major: 1, minor: 1 } => version_seen = true,
                TokenKind::Version { .. } => return refuse("found incompatible YAML document"),
                TokenKind::TagDirective { .. } => {}
                _ => break,
            }
            if let TokenKind::TagDirective { handle, prefix } = self.scanner.next()?.kind {
                match self.tag_directives.entry(handle) {
                    Entry::Occupied(_) => return refuse("found duplicate %TAG directive"),
                    Entry::Vacant(place) => drop(place.insert(prefix)),
                }
            }
        }
        for (handle, prefix) in [("!", "!"), ("!!", "tag:yaml.org,2002:")] {
            self.tag_directives
                .entry(handle.to_owned())
                .or_insert_with(|| prefix.to_owned());
        }
        Ok(())
    }
}
