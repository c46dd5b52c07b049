//! The events of YAML: a document as the order in which its parts begin and end.

use super::cursor::Position;

/// A part that begins or ends, or both.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) kind: EventKind,
    /// Where it begins, with its tag and anchor.
    pub(super) start: Position,
    /// Where it begins without them.
    pub(super) content: Position,
    pub(super) end: Position,
}

impl Event {
    pub(super) const fn new(kind: EventKind, start: Position, end: Position) -> Self {
        Self {
            kind,
            start,
            content: start,
            end,
        }
    }

    /// Returns the scalar that stands where nothing is written.
    pub(super) const fn nothing(at: Position) -> Self {
        Self::new(
            EventKind::Scalar {
                anchor: None,
                tag: None,
                text: String::new(),
                implicit: true,
            },
            at,
            at,
        )
    }
}

/// What begins or ends.
#[derive(Debug)]
pub(super) enum EventKind {
    StreamEnd,
    DocumentStart,
    DocumentEnd,
    Alias(String),
    Scalar {
        anchor: Option<String>,
        /// The whole tag, its handle replaced.
        tag: Option<String>,
        text: String,
        /// Whether it is plain without a tag, or has the tag `!`.
        implicit: bool,
    },
    /// A list. Go never looks at its tag.
    ListStart {
        anchor: Option<String>,
    },
    ListEnd,
    /// A map. Go never looks at its tag.
    MapStart {
        anchor: Option<String>,
    },
    MapEnd,
}
