//! Why a transaction did not do what was asked of it.

use kubeassay_core::Bytes;
use rustix::io::Errno;
use thiserror::Error;

/// Why a transaction did not do what was asked of it. Each says whether what it is about is as before.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TransactionError {
    /// The system refused. Nothing was changed, or it was changed back.
    #[error("cannot {action} {path}: {said}; {advice}. It is as before")]
    System {
        /// The file or folder.
        path: Bytes,
        /// What was tried, such as `write`.
        action: &'static str,
        /// What the system said.
        said: String,
        /// What to do about it.
        advice: &'static str,
    },
    /// Another process works on this host.
    #[error("another kubeassay{} changes this host: wait until it is done. Nothing was changed",
        .holder.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Locked {
        /// The process, where it is known.
        holder: Option<u32>,
    },
    /// A transaction is under way, or was cut short.
    #[error("transaction {id} is unfinished: `kubeassay rollback` undoes it. Nothing was changed")]
    Unfinished {
        /// The transaction.
        id: String,
    },
    /// There is no such transaction.
    #[error("there is no transaction {id}: `kubeassay transactions` lists them")]
    NotFound {
        /// What was asked for, escaped.
        id: String,
    },
    /// What was written of a transaction cannot be relied on.
    #[error(
        "the journal of transaction {id} is damaged ({reason}): compare the host's files with those in {folder}, put \
         back what is missing, then move that folder away. Nothing was changed"
    )]
    Damaged {
        /// The transaction.
        id: String,
        /// What is wrong, in a few words.
        reason: String,
        /// Its folder on the host.
        folder: Bytes,
    },
    /// The file is not as it has to be; it was not touched, or was put back.
    #[error("{target} is not written: {reason}. It is as before")]
    Refused {
        /// The file.
        target: Bytes,
        /// Why, in a sentence without an end, with what to do.
        reason: String,
    },
    /// A later transaction wrote the same file.
    #[error(
        "transaction {id} cannot be undone: {by} wrote {target} later; undo that first. Nothing was changed"
    )]
    Superseded {
        /// The transaction.
        id: String,
        /// The later one.
        by: String,
        /// The file.
        target: Bytes,
    },
    /// There is nothing to undo.
    #[error("transaction {id} {reason}. Nothing was changed")]
    NothingToUndo {
        /// The transaction.
        id: String,
        /// Why.
        reason: &'static str,
    },
    /// The transaction does what was asked, but its end could not be written down: the next run completes it.
    #[error(
        "transaction {id} came to its end, and that could not be written down: {cause}; the next run completes it"
    )]
    NotClosed {
        /// The transaction.
        id: String,
        /// What went wrong.
        cause: String,
    },
    /// A file could not be written, and not be put back either.
    #[error("{}. It could not be put back: {}", .cause.plain(), .hands.join("; "))]
    NotAsBefore {
        /// What went wrong first.
        cause: Box<Self>,
        /// What a person has to do.
        hands: Vec<String>,
    },
}

impl TransactionError {
    /// Returns the error for what the system said.
    pub(crate) fn system(action: &'static str, path: impl Into<Bytes>, said: Errno) -> Self {
        Self::System {
            path: path.into(),
            action,
            said: said.to_string(),
            advice: advice(action, said),
        }
    }

    /// Returns what went wrong, without how the file is now.
    pub(crate) fn plain(&self) -> String {
        let said = self.to_string();
        said.strip_suffix(". It is as before")
            .unwrap_or(&said)
            .to_owned()
    }

    /// Returns whether the file that it is about, and all that was not written before it, is as before.
    pub const fn is_as_before(&self) -> bool {
        !matches!(self, Self::NotAsBefore { .. } | Self::NotClosed { .. })
    }
}

/// What is done when a file is put in its place: not every file system can.
pub(crate) const PUT_IN_PLACE: &str = "put in its place";

/// Returns what to do about what the system said.
fn advice(action: &str, said: Errno) -> &'static str {
    match said {
        Errno::NOSPC | Errno::DQUOT => "make room on that file system",
        Errno::ROFS => "it is on a file system that is mounted read-only",
        Errno::ACCESS | Errno::PERM => {
            "run as root of the host; where that is so, look for an immutable file (lsattr) or a security module"
        }
        Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP if action == PUT_IN_PLACE => {
            "this file system cannot exchange two files in one step: edit the file by hand"
        }
        Errno::OPNOTSUPP => {
            "this file system cannot keep what the file has (attributes): edit the file by hand"
        }
        Errno::BUSY | Errno::XDEV => "it is a mount of its own: edit it where it is mounted from",
        Errno::IO => "look at the disk (dmesg)",
        Errno::NOENT => "it was there when the plan was made: make the plan again",
        Errno::EXIST => "it was not there when the plan was made: make the plan again",
        _ => "mend that, and try again",
    }
}
