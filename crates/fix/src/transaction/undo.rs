//! Putting back what was there.

use kubeassay_core::Bytes;
use thiserror::Error;

/// What was undone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// The files that were put back now; those that were as before already are not among them.
    pub files: Vec<Bytes>,
    /// Whether systemd read its units again, or may have: it has to once more.
    pub reload: bool,
    /// The units that were started again, or may have been: they have to be once more.
    pub units: Vec<Bytes>,
}

/// Not everything could be put back.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("not everything could be put back: {}", .hands.join("; "))]
pub struct NeedsHands {
    /// What a person has to do, a sentence each.
    pub hands: Vec<String>,
    /// What was put back all the same.
    pub undone: Undone,
}
