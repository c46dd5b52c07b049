//! Transactions: the journal, replacing files so that a crash leaves no mixture, undoing.
//!
//! A transaction is a folder below `/var/lib/kubeassay/transactions` of the host that it changes: the plan, a journal that
//! is written ahead of every step, and the files as they were. Whatever ends the process that writes it, the next one
//! takes the journal and what is on the disk, and completes the transaction or undoes it.
//!
//! ```text
//! Store::open ─▶ lock ─▶ recover ─▶ begin ─▶ Running: write…, note…, finish
//!                           └─▶ Running: undo, finish             └─▶ undo, finish
//! ```
//!
//! - `store`: the folder of all transactions, and the lock
//! - `running`: a transaction that is under way
//! - `journal`: the records, and how they are kept
//! - `progress`: how far a transaction came, from its records
//! - `replace`: putting a file in the place of another
//! - `undo`: putting back what was there
//! - `attributes`: owner, mode and extended attributes
//! - `folder`: folders and files below the root of the host
//! - `failpoint`: where tests end the process, or let a system call fail

mod attributes;
mod error;
#[cfg(feature = "failpoints")]
pub mod failpoint;
#[cfg(not(feature = "failpoints"))]
mod failpoint;
mod folder;
mod id;
mod journal;
mod lock;
mod progress;
mod replace;
mod running;
mod store;
#[cfg(test)]
mod tests;
mod undo;

pub mod fuzzing;

use jiff::Timestamp;
use kubeassay_core::Bytes;
use kubeassay_core::facts::Tool;
use kubeassay_core::plan::{EditKind, PlannedNode};
use kubeassay_core::transaction::Verification;
use serde::{Deserialize, Serialize};

pub use error::TransactionError;
pub use lock::Lock;
pub use running::Running;
pub use store::Store;
pub use undo::{NeedsHands, Undone};

/// What a transaction is about, known before its first step.
#[derive(Clone, Debug)]
pub struct Header {
    /// Who applies it.
    pub tool: Tool,
    /// The node.
    pub node: PlannedNode,
    /// The ids of the rules whose findings are to be mended.
    pub rules: Vec<String>,
    /// The plan, as JSON: kept beside the journal.
    pub plan: Vec<u8>,
    /// When it begins.
    pub started: Timestamp,
}

/// A file to be written.
#[derive(Clone, Debug)]
pub struct FileWrite {
    /// The file as the component or its unit names it: for people.
    pub path: Bytes,
    /// The file that is written: absolute on the host, symbolic links followed.
    pub target: Bytes,
    /// Whether it is there.
    pub kind: EditKind,
    /// Hexadecimal SHA-256 of the file as it is; `None` for one that is made.
    pub before: Option<String>,
    /// Its new content.
    pub content: Vec<u8>,
}

/// A step that is not a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// systemd is about to read its units again.
    Reloading,
    /// It did.
    Reloaded,
    /// A unit is about to be started again.
    Restarting {
        /// The unit.
        unit: Bytes,
    },
    /// It was.
    Restarted {
        /// The unit.
        unit: Bytes,
    },
    /// Something was looked at.
    Verified {
        /// What, and how it came out.
        checks: Vec<Verification>,
    },
    /// The files are about to be put back.
    RollingBack {
        /// Why, in a sentence.
        reason: String,
    },
    /// Anything else that is worth to be kept.
    Said {
        /// What, in a sentence.
        what: String,
    },
}
