//! A transaction that is under way.

use jiff::Timestamp;
use kubeassay_core::Bytes;
use kubeassay_core::transaction::{Outcome, Transaction};

use super::{Event, FileWrite, NeedsHands, TransactionError, Undone};

/// A transaction that is under way, or that is being undone.
#[derive(Debug)]
pub struct Running {}

impl Running {
    /// Returns its name.
    pub fn id(&self) -> &str {
        ""
    }

    /// Returns the units that were, or may have been, started again.
    pub fn units(&self) -> &[Bytes] {
        &[]
    }

    /// Returns it as it is now.
    pub fn transaction(&self) -> Transaction {
        todo!()
    }

    /// Puts a file in its place.
    ///
    /// # Errors
    ///
    /// Where it could not: the file is as before unless [`TransactionError::is_as_before`] says otherwise. Files that
    /// were written earlier stay written: [`undo`](Self::undo) puts them back.
    pub fn write(&mut self, file: FileWrite, now: Timestamp) -> Result<(), TransactionError> {
        let _ = (file, now);
        Ok(())
    }

    /// Writes down a step that is not a file: what is about to be done before it is done.
    ///
    /// # Errors
    ///
    /// Where it could not be written down: the step must not be taken.
    pub fn note(&mut self, event: Event, now: Timestamp) -> Result<(), TransactionError> {
        let _ = (event, now);
        Ok(())
    }

    /// Puts every file back that is as this transaction wrote it; may be repeated.
    ///
    /// # Errors
    ///
    /// [`NeedsHands`] where somebody else wrote a file since, or it could not be put back; all others are.
    pub fn undo(&mut self, now: Timestamp) -> Result<Undone, NeedsHands> {
        let _ = now;
        Ok(Undone::default())
    }

    /// Ends it.
    ///
    /// # Errors
    ///
    /// Where that could not be written down: [`TransactionError::NotClosed`] where everything else is done, and the
    /// next [`Store::recover`](super::Store::recover) completes it; otherwise it is as unfinished as before.
    pub fn finish(
        self,
        outcome: Outcome,
        reason: &str,
        hands: Vec<String>,
        now: Timestamp,
    ) -> Result<Transaction, TransactionError> {
        let _ = (outcome, reason, hands, now);
        todo!()
    }
}
