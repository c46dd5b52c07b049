//! The journal of a transaction: as bytes, and its lines as records that have their sums.

use kubeassay_core::transaction::{Outcome, Transaction};
use kubeassay_fix::transaction::fuzzing::{Journal, read, seal};
use serde_json::Value;

use crate::input::Choices;

const ID: &str = "20261126T013000Z-4f2a9c";

/// Reads an input as either.
pub(crate) fn run(data: &[u8]) {
    whole(data, &read(ID, data));

    let records: Vec<&[u8]> = data
        .split(|byte| *byte == b'\n')
        .filter(|record| !record.is_empty())
        .collect();
    let journal = seal(records.iter().copied());
    let all = read(ID, &journal);
    whole(&journal, &all);
    assert!(!all.torn, "every line has its end");
    for record in records.iter().take(all.records) {
        let value: Value = serde_json::from_slice(record).expect("a record is JSON");
        assert!(
            value["record"].is_string() && value["at"].is_string(),
            "{value}"
        );
    }

    // Where each line ends, and with that how many records there are up to a place.
    let ends: Vec<usize> = (1..=journal.len())
        .filter(|end| journal[end - 1] == b'\n')
        .collect();
    let before = |place: usize| ends.iter().filter(|end| **end <= place).count();
    let mut choices = Choices::new(data);
    for _ in 0..4 {
        if journal.is_empty() {
            return;
        }
        let place =
            (usize::from(choices.byte()) << 8 | usize::from(choices.byte())) % journal.len();
        let cut = read(ID, &journal[..place]);
        assert_eq!(
            cut.records,
            all.records.min(before(place)),
            "cut at {place}"
        );
        let mut changed = journal.clone();
        changed[place] ^= choices.byte().max(1);
        let seen = read(ID, &changed);
        assert!(
            seen.records <= before(place),
            "what was changed at {place} is a record"
        );
        assert!(
            seen.damage.is_some() || seen.torn,
            "what was changed at {place} is not seen"
        );
    }
}

/// Asserts what holds for everything that was read.
fn whole(bytes: &[u8], journal: &Journal) {
    let lines = bytes[..journal.length]
        .iter()
        .filter(|byte| **byte == b'\n');
    assert_eq!(lines.count(), journal.records, "a record is a line");
    let ends_well = bytes.last().is_none_or(|byte| *byte == b'\n');
    assert!(!journal.torn || !ends_well, "nothing is cut short");
    let rest = journal.length < bytes.len();
    assert!(
        !rest || journal.torn || journal.damage.is_some(),
        "bytes are lost"
    );
    let again = read(ID, &bytes[..journal.length]);
    assert_eq!(
        (again.records, again.length, again.torn),
        (journal.records, journal.length, false)
    );
    let Some(transaction) = &journal.transaction else {
        assert!(
            journal.damage.is_some(),
            "it did not begin, and nobody says so"
        );
        return;
    };
    sound(transaction, journal.damage.is_some());
}

fn sound(transaction: &Transaction, is_damaged: bool) {
    assert_eq!(transaction.id, ID);
    if is_damaged {
        assert_eq!(transaction.outcome, Outcome::NeedsHands);
        assert!(!transaction.hands.is_empty() && transaction.finished.is_none());
    } else if transaction.finished.is_none() {
        assert_eq!(transaction.outcome, Outcome::Unfinished);
        assert!(transaction.hands.is_empty());
    }
    for file in &transaction.files {
        let target = file.target.as_slice();
        assert!(
            target.starts_with(b"/") && !target.ends_with(b"/"),
            "{file:?}"
        );
        let parts = || target[1..].split(|byte| *byte == b'/');
        assert!(
            parts().all(|part| !matches!(part, b"" | b"." | b"..")),
            "{file:?}"
        );
        assert_ne!(file.before.as_ref(), Some(&file.after));
    }
    let written = serde_json::to_vec(transaction).expect("a transaction is JSON");
    let read: Transaction = serde_json::from_slice(&written).expect("and is read as one");
    assert_eq!(read, *transaction);
}
