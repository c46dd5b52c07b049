//! What the fuzz targets feed: the reader of journals.

use kubeassay_core::transaction::Transaction;

use super::journal;
use super::progress::Progress;

/// What was read of a journal.
#[derive(Debug)]
pub struct Journal {
    /// How many records could be relied on.
    pub records: usize,
    /// How many bytes they take.
    pub length: usize,
    /// Whether a line was cut short behind them.
    pub torn: bool,
    /// What is wrong with the line behind them, or with what they say.
    pub damage: Option<String>,
    /// The transaction, as people see it; `None` where it did not begin.
    pub transaction: Option<Transaction>,
}

/// Reads the journal of the transaction called `id`.
pub fn read(id: &str, bytes: &[u8]) -> Journal {
    let contents = journal::read(bytes);
    let (progress, reason) = match Progress::of(id, &contents.entries) {
        Ok(progress) => (Some(progress), None),
        Err((progress, reason)) => (progress.map(|progress| *progress), Some(reason)),
    };
    let damage = contents.damage.or(reason);
    Journal {
        records: contents.entries.len(),
        length: contents.length,
        torn: contents.torn,
        transaction: progress.map(|progress| match &damage {
            Some(reason) => progress.damaged(reason, &"folder".into()),
            None => progress.transaction(),
        }),
        damage,
    }
}

/// Returns a journal of these records, each with its sum.
pub fn seal<'a>(records: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut journal = Vec::new();
    let mut sum = String::new();
    for record in records {
        let (line, next) = journal::sealed(record, &sum);
        journal.extend(line);
        sum = next;
    }
    journal
}
