//! New contents of files: what an edit makes of the bytes of one file.
//!
//! Pure. An edit is a splice at positions that our own readers give: comments, order, quoting, indentation, line ends,
//! byte order mark and a missing final line end stay as they are. After every splice the result is read again, and
//! anything else that would have changed refuses it.

pub mod arguments;
pub mod document;

use thiserror::Error;

/// Why an edit is not made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{reason}")]
pub struct Refused {
    /// The line that is in the way, from 1.
    pub line: Option<u32>,
    /// Why, in a sentence, with what to do instead.
    pub reason: String,
}

impl Refused {
    /// Returns a refusal for a reason that no single line is in the way of.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            line: None,
            reason: reason.into(),
        }
    }

    /// Returns a refusal because of what stands on `line`.
    pub fn at(line: u32, reason: impl Into<String>) -> Self {
        Self {
            line: Some(line),
            reason: reason.into(),
        }
    }
}
