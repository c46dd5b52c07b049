//! A node: an alias, or a scalar or collection behind its tag and anchor.

use super::{Parser, State};
use crate::yaml::cursor::Position;
use crate::yaml::event::{Event, EventKind};
use crate::yaml::problem::Problem;
use crate::yaml::token::TokenKind;

/// What may stand before a node.
#[derive(Default)]
struct Properties {
    anchor: Option<String>,
    tag: Option<String>,
    /// Where they begin and end.
    span: Option<(Position, Position)>,
}

impl Parser<'_> {
    /// Reads a node. `block`: block collections may stand here; `indentless`: so may a list that is not indented.
    pub(super) fn node(&mut self, block: bool, indentless: bool) -> Result<Event, Problem> {
        if matches!(self.scanner.peek()?.kind, TokenKind::Alias(_)) {
            let token = self.scanner.next()?;
            self.pop_state();
            let name = if let TokenKind::Alias(name) = token.kind {
                name
            } else {
                String::new()
            };
            return Ok(Event::new(EventKind::Alias(name), token.start, token.end));
        }
        let Properties { anchor, tag, span } = self.properties()?;
        let implicit = tag.as_ref().is_none_or(String::is_empty);
        let token = self.scanner.peek()?;
        let (content, end) = (token.start, token.end);
        let start = span.map_or(content, |(start, _)| start);
        let (kind, state) = match token.kind {
            TokenKind::BlockEntry if indentless => {
                (EventKind::ListStart { anchor }, State::IndentlessListEntry)
            }
            TokenKind::Scalar { .. } => {
                let TokenKind::Scalar { text, plain } = self.scanner.next()?.kind else {
                    return Ok(Event::nothing(content));
                };
                self.pop_state();
                let implicit = implicit && plain || tag.as_deref() == Some("!");
                let kind = EventKind::Scalar {
                    anchor,
                    tag,
                    text,
                    implicit,
                };
                return Ok(Event {
                    kind,
                    start,
                    content,
                    end,
                });
            }
            TokenKind::FlowListStart => {
                (EventKind::ListStart { anchor }, State::FlowListFirstEntry)
            }
            TokenKind::FlowMapStart => (EventKind::MapStart { anchor }, State::FlowMapFirstKey),
            TokenKind::BlockListStart if block => {
                (EventKind::ListStart { anchor }, State::BlockListFirstEntry)
            }
            TokenKind::BlockMapStart if block => {
                (EventKind::MapStart { anchor }, State::BlockMapFirstKey)
            }
            _ => {
                let Some((start, end)) = span else {
                    return Err(Problem::parser(
                        "did not find expected node content",
                        content,
                        start,
                    ));
                };
                self.pop_state();
                let kind = EventKind::Scalar {
                    anchor,
                    tag,
                    text: String::new(),
                    implicit,
                };
                return Ok(Event {
                    kind,
                    start,
                    content: end,
                    end,
                });
            }
        };
        self.state = state;
        Ok(Event {
            kind,
            start,
            content,
            end,
        })
    }

    /// Reads a tag and an anchor, in either order.
    fn properties(&mut self) -> Result<Properties, Problem> {
        let mut properties = Properties::default();
        let mut tag = None;
        for _ in 0..2 {
            match self.scanner.peek()?.kind {
                TokenKind::Anchor(_) if properties.anchor.is_none() => {}
                TokenKind::Tag { .. } if tag.is_none() => {}
                _ => break,
            }
            let token = self.scanner.next()?;
            let start = properties.span.map_or(token.start, |(start, _)| start);
            properties.span = Some((start, token.end));
            match token.kind {
                TokenKind::Anchor(name) => properties.anchor = Some(name),
                TokenKind::Tag { handle, suffix } => tag = Some((handle, suffix, token.start)),
                _ => {}
            }
        }
        if let Some((handle, suffix, at)) = tag {
            properties.tag = if handle.is_empty() {
                Some(suffix)
            } else {
                let tag = self
                    .tag_directives
                    .get(&handle)
                    .map(|prefix| format!("{prefix}{suffix}"));
                let start = properties.span.map_or(at, |(start, _)| start);
                Some(tag.ok_or_else(|| Problem::parser("found undefined tag handle", at, start))?)
            };
        }
        Ok(properties)
    }
}
