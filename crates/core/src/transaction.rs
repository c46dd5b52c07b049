//! A transaction: a plan that was applied, what was done, and how it came out.
//!
//! Schema `kubeassay.transaction/v1`; additive within v1.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;
use crate::facts::Tool;
use crate::plan::{EditKind, PlannedNode, Readiness};

/// The schema of the transaction.
pub const SCHEMA: &str = "kubeassay.transaction/v1";

/// A plan that was applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Transaction {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Its name: the moment it began and a few letters, such as `20261126T013000Z-4f2a9c`.
    pub id: String,
    /// Who applied it.
    pub tool: Tool,
    /// When it began.
    pub started: Timestamp,
    /// When it ended; null while it has not.
    pub finished: Option<Timestamp>,
    /// The node.
    pub node: PlannedNode,
    /// The ids of the rules whose findings were to be mended.
    pub rules: Vec<String>,
    /// How it came out.
    pub outcome: Outcome,
    /// Why, in a sentence.
    pub reason: String,
    /// What a person has to do, a sentence or command each; empty unless the node needs hands.
    pub hands: Vec<String>,
    /// The files, in the order in which they were written.
    pub files: Vec<TransactionFile>,
    /// The units that were started again.
    pub units: Vec<Bytes>,
    /// What was done, in order.
    pub steps: Vec<Step>,
    /// What was looked at after the restart.
    pub checks: Vec<Verification>,
}

/// How a transaction came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is under way, or was cut short: `kubeassay rollback` undoes it.
    Unfinished,
    /// Everything was done, and every planned verdict was seen to hold.
    Fixed,
    /// Nothing was written: the node is as before.
    Refused,
    /// Every file is as before, and the service runs with it.
    RolledBack,
    /// Neither could be reached: a person has to look.
    NeedsHands,
}

impl Outcome {
    /// Returns the word as it is written in documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unfinished => "unfinished",
            Self::Fixed => "fixed",
            Self::Refused => "refused",
            Self::RolledBack => "rolled-back",
            Self::NeedsHands => "needs-hands",
        }
    }

    /// Returns the exit code that says so: 0 done, 1 an error with everything as before, 3 rolled back, 4 the node
    /// needs hands.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Fixed => 0,
            Self::Refused => 1,
            Self::RolledBack => 3,
            Self::Unfinished | Self::NeedsHands => 4,
        }
    }
}

/// A file of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TransactionFile {
    /// The file that is written, symbolic links followed.
    pub target: Bytes,
    /// Whether it was there.
    pub kind: EditKind,
    /// Hexadecimal SHA-256 before; null where it was not there.
    pub before: Option<String>,
    /// Hexadecimal SHA-256 after.
    pub after: String,
}

/// Something that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// What, in a sentence.
    pub what: String,
}

/// Something that was looked at after the restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Verification {
    /// Its name, such as `healthz`.
    pub id: String,
    /// How it came out.
    pub readiness: Readiness,
    /// Why, in a sentence.
    pub reason: String,
}
