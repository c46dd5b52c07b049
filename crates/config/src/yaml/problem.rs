//! What stops the reading of a YAML text, and how Go's library words it.

use super::cursor::Position;
use crate::tree::{ReadError, ReadErrorKind};

/// What stops the reading of a YAML text.
#[derive(Debug)]
pub(super) struct Problem {
    kind: ReadErrorKind,
    at: Position,
    message: String,
}

impl Problem {
    /// Bytes or characters that may not be there. Go does not say where.
    pub(super) fn reader(problem: &str, at: Position) -> Self {
        Self {
            kind: ReadErrorKind::Encoding,
            at,
            message: format!("yaml: {problem}"),
        }
    }

    /// Text that makes no token.
    pub(super) fn scanner(problem: &str, at: Position, context: Position) -> Self {
        // Go leaves out the number of the first line, and counts from 1 here but from 0 elsewhere.
        let line = if at.line > 0 {
            at.line + 1
        } else {
            context.line
        };
        Self::numbered(problem, at, line)
    }

    /// Tokens that make no document.
    pub(super) fn parser(problem: &str, at: Position, context: Position) -> Self {
        let line = if at.line > 0 { at.line } else { context.line };
        Self::numbered(problem, at, line)
    }

    fn numbered(problem: &str, at: Position, line: usize) -> Self {
        let message = match line {
            0 => format!("yaml: {problem}"),
            _ => format!("yaml: line {line}: {problem}"),
        };
        Self {
            kind: ReadErrorKind::Syntax,
            at,
            message,
        }
    }

    /// A document that means nothing. Go does not say where.
    pub(super) fn meaning(problem: &str, at: Position) -> Self {
        Self {
            kind: ReadErrorKind::Syntax,
            at,
            message: format!("yaml: {problem}"),
        }
    }

    /// More than is read here.
    pub(super) const fn too_large(message: String, at: Position) -> Self {
        Self {
            kind: ReadErrorKind::TooLarge,
            at,
            message,
        }
    }

    /// Deeper than is read here.
    pub(super) const fn too_deep(message: String, at: Position) -> Self {
        Self {
            kind: ReadErrorKind::TooDeep,
            at,
            message,
        }
    }
}

impl From<Problem> for ReadError {
    fn from(problem: Problem) -> Self {
        Self {
            kind: problem.kind,
            line: counted(problem.at.line),
            column: counted(problem.at.column),
            message: problem.message,
        }
    }
}

/// Counts from 1 what was counted from 0.
pub(super) fn counted(from_zero: usize) -> u32 {
    u32::try_from(from_zero)
        .unwrap_or(u32::MAX)
        .saturating_add(1)
}
