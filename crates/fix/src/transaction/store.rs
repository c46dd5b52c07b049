//! The folder of all transactions.

use std::path::Path;

use jiff::Timestamp;
use kubeassay_core::transaction::Transaction;

use super::{Header, Lock, Running, TransactionError};

/// The transactions of a host.
#[derive(Debug)]
pub struct Store {}

impl Store {
    /// Opens the store of the host below `root`; writes nothing, and need not find one.
    ///
    /// # Errors
    ///
    /// Where `root` cannot be opened.
    pub fn open(root: &Path) -> Result<Self, TransactionError> {
        let _ = root;
        Ok(Self {})
    }

    /// Returns whether a process works on this host; writes nothing.
    ///
    /// # Errors
    ///
    /// Where it cannot be told.
    pub fn is_locked(&self) -> Result<bool, TransactionError> {
        Ok(false)
    }

    /// Keeps all others from working on this host until the guard is dropped; makes the store where there is none.
    ///
    /// # Errors
    ///
    /// [`TransactionError::Locked`] where another process does.
    pub fn lock(&self) -> Result<Lock, TransactionError> {
        Ok(Lock {})
    }

    /// Returns all transactions, the newest first; a damaged one needs hands. Writes nothing.
    ///
    /// # Errors
    ///
    /// Where the store is there and cannot be read.
    pub fn list(&self) -> Result<Vec<Transaction>, TransactionError> {
        Ok(Vec::new())
    }

    /// Returns one transaction; writes nothing.
    ///
    /// # Errors
    ///
    /// [`TransactionError::NotFound`].
    pub fn show(&self, id: &str) -> Result<Transaction, TransactionError> {
        Err(TransactionError::NotFound { id: id.to_owned() })
    }

    /// Returns the transaction that is under way or was cut short, or whose journal is damaged; writes nothing.
    ///
    /// # Errors
    ///
    /// Where the store is there and cannot be read.
    pub fn unfinished(&self) -> Result<Option<Transaction>, TransactionError> {
        Ok(None)
    }

    /// Completes the transaction whose outcome was decided before it was cut short, and returns one that was cut short
    /// earlier: it is to be undone.
    ///
    /// # Errors
    ///
    /// [`TransactionError::Damaged`]; where the store cannot be read or written.
    pub fn recover(
        &self,
        lock: &Lock,
        now: Timestamp,
    ) -> Result<Option<Running>, TransactionError> {
        let _ = (lock, now);
        Ok(None)
    }

    /// Begins a transaction.
    ///
    /// # Errors
    ///
    /// [`TransactionError::Unfinished`] where another is not finished; where the store cannot be written.
    pub fn begin(&self, lock: &Lock, header: Header) -> Result<Running, TransactionError> {
        let _ = (lock, header);
        Ok(Running {})
    }

    /// Opens a transaction to undo it.
    ///
    /// # Errors
    ///
    /// [`TransactionError::Superseded`] where a later one wrote one of its files, [`TransactionError::NothingToUndo`]
    /// where it is undone, [`TransactionError::NotFound`], [`TransactionError::Damaged`].
    pub fn reopen(&self, lock: &Lock, id: &str) -> Result<Running, TransactionError> {
        let _ = lock;
        Err(TransactionError::NotFound { id: id.to_owned() })
    }
}
