//! Transactions for a person: all of them as a list, and one with its steps.

use std::io::Write;

use kubeassay_core::plan::EditKind;
use kubeassay_core::transaction::{Outcome, Transaction, TransactionFile};

use crate::ink::Ink;
use crate::page::{Page, width};
use crate::plan::{check, readiness};
use crate::{RenderError, Style};

/// Columns of the labels: `changed` and two spaces.
const LABEL: usize = 9;

/// How many digits of a digest tell files apart for a person.
const DIGITS: usize = 12;

/// Writes transactions in the order they are given: name, outcome, node; below it when, what and which files.
///
/// # Errors
///
/// When `out` does not take it.
pub fn write_list(
    transactions: &[Transaction],
    style: Style,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    let mut page = Page::new(style);
    if transactions.is_empty() {
        page.line(
            Ink::Plain,
            "No transaction: kubeassay changed nothing here.",
        );
    }
    let ids = transactions.iter().map(|one| width(&one.id)).max();
    let ids = ids.unwrap_or_default();
    for transaction in transactions {
        let id = format!("{:ids$}", transaction.id);
        let prefix = [(Ink::Strong, id.as_str()), (Ink::Plain, "  ")];
        let (ink, word) = outcome(transaction.outcome);
        page.hang(&prefix, (ink, word), 2);
        let mut parts = vec![
            format!("{:.0}", transaction.started),
            transaction.node.name.clone(),
        ];
        parts.extend(transaction.rules.iter().cloned());
        page.item(2, "", 0, (Ink::Dim, &parts.join(" · ")));
        for file in &transaction.files {
            page.item(2, "", 0, (Ink::Plain, &file.target.to_string()));
        }
    }
    out.write_all(page.into_text().as_bytes())?;
    Ok(())
}

/// Writes one transaction: how it came out and why, what a person has to do, files, units, steps and checks. `undo` is the
/// command that undoes it, without its name.
///
/// # Errors
///
/// When `out` does not take it.
pub fn write(
    transaction: &Transaction,
    undo: &str,
    style: Style,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    let mut page = Page::new(style);
    head(transaction, &mut page);
    list("Files", &transaction.files, &mut page, file);
    list("Restarted", &transaction.units, &mut page, |unit, page| {
        page.item(2, "", 0, (Ink::Plain, &unit.to_string()));
    });
    list(
        "What was done",
        &transaction.steps,
        &mut page,
        |step, page| {
            let at = format!("{:.0}", step.at);
            let prefix = [
                (Ink::Plain, "  "),
                (Ink::Dim, at.as_str()),
                (Ink::Plain, "  "),
            ];
            page.hang(&prefix, (Ink::Plain, &step.what), 4);
        },
    );
    list(
        "What was looked at",
        &transaction.checks,
        &mut page,
        |seen, page| {
            let (ink, word) = readiness(seen.readiness);
            check(ink, word, &seen.id, &seen.reason, page);
        },
    );
    list(
        "What you have to do",
        &transaction.hands,
        &mut page,
        |text, page| {
            for line in text.lines() {
                page.item(2, "- ", 2, (Ink::Plain, line));
            }
        },
    );
    closing(transaction, undo, &mut page);
    out.write_all(page.into_text().as_bytes())?;
    Ok(())
}

fn head(transaction: &Transaction, page: &mut Page) {
    let mut parts = vec![
        format!("Transaction {}", transaction.id),
        transaction.node.name.clone(),
    ];
    parts.extend(transaction.rules.iter().cloned());
    page.parts(Ink::Strong, &parts);
    let began = format!("began {:.0}", transaction.started);
    let ended = match &transaction.finished {
        Some(finished) => format!("ended {finished:.0}"),
        None => "has not ended".to_owned(),
    };
    page.parts(Ink::Dim, &[began, ended]);
}

fn list<T>(title: &str, parts: &[T], page: &mut Page, write: impl Fn(&T, &mut Page)) {
    if parts.is_empty() {
        return;
    }
    page.gap();
    page.line(Ink::Strong, title);
    for part in parts {
        write(part, page);
    }
}

fn file(file: &TransactionFile, page: &mut Page) {
    let what = match file.kind {
        EditKind::Change => "changed",
        EditKind::Create => "made",
    };
    page.item(2, what, LABEL, (Ink::Plain, &file.target.to_string()));
    let start = |digest: &str| digest.chars().take(DIGITS).collect::<String>();
    let before = file.before.as_deref().map(start);
    let before = before.map_or_else(String::new, |before| format!("{before} → "));
    let text = format!("SHA-256 {before}{}", start(&file.after));
    page.item(2, "", LABEL, (Ink::Dim, &text));
}

fn closing(transaction: &Transaction, undo: &str, page: &mut Page) {
    let (ink, word) = outcome(transaction.outcome);
    page.gap();
    page.line(ink, &format!("{word}: {}", transaction.reason));
    let next = match transaction.outcome {
        Outcome::Unfinished => "to undo it",
        Outcome::Fixed if !transaction.files.is_empty() => "to undo it",
        Outcome::NeedsHands => "once that is done, or to try again to undo it",
        Outcome::Fixed | Outcome::Refused | Outcome::RolledBack => return,
    };
    let text = format!("{next}: {undo} {}", transaction.id);
    page.item(0, "next", 6, (Ink::Plain, &text));
}

/// Returns the words of an outcome and their colour.
const fn outcome(outcome: Outcome) -> (Ink, &'static str) {
    match outcome {
        Outcome::Fixed => (Ink::Good, "FIXED"),
        Outcome::Refused => (Ink::Doubt, "REFUSED"),
        Outcome::RolledBack => (Ink::Doubt, "ROLLED BACK"),
        Outcome::NeedsHands => (Ink::Bad, "NEEDS HANDS"),
        Outcome::Unfinished => (Ink::Bad, "UNFINISHED"),
    }
}
