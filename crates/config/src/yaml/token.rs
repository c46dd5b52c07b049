//! The tokens of YAML.

use super::cursor::Position;

/// A token, with where it stands.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) start: Position,
    pub(super) end: Position,
}

impl Token {
    /// Returns a token that is no characters wide.
    pub(super) const fn at(kind: TokenKind, at: Position) -> Self {
        Self {
            kind,
            start: at,
            end: at,
        }
    }
}

/// What a token is.
#[derive(Debug)]
pub(super) enum TokenKind {
    StreamEnd,
    Version { major: u8, minor: u8 },
    TagDirective { handle: String, prefix: String },
    DocumentStart,
    DocumentEnd,
    BlockListStart,
    BlockMapStart,
    BlockEnd,
    FlowListStart,
    FlowListEnd,
    FlowMapStart,
    FlowMapEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(String),
    Anchor(String),
    Tag { handle: String, suffix: String },
    Scalar { text: String, plain: bool },
}
