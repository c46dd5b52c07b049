//! The waivers as a list.

use std::collections::BTreeMap;
use std::io::Write;

use jiff::Timestamp;
use kubeassay_core::Value;
use serde::Serialize;

use super::apply::day_of;
use super::document::{Document, Entry};
use super::observed::Observed;
use crate::ink::Ink;
use crate::page::Page;
use crate::{RenderError, Style};

/// From so many days before the last one a waiver is said to end.
const SOON: i64 = 30;

/// Whether a waiver holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It does.
    Holds,
    /// It does, and ends within 30 days.
    Expiring,
    /// Its last day is over.
    Expired,
}

/// A waiver, in the list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The rule as it was written.
    pub rule: String,
    /// The ids of the rules that this means.
    pub rules: Vec<String>,
    /// Whether it holds.
    pub state: State,
    /// Days until its last one; below zero where it is over.
    pub days_left: i64,
    /// What it covers, in words; everything where there are none.
    pub scope: Vec<String>,
    /// The values that it accepts; null where it accepts that something is unknown.
    pub observed: Option<BTreeMap<String, Value>>,
    /// Why it was accepted.
    pub reason: String,
    /// Who accepted it.
    pub owner: String,
    /// Where it was discussed.
    pub ticket: Option<String>,
    /// When it was accepted.
    pub created: Option<String>,
    /// The last day on which it holds.
    pub expires: String,
    /// The file and the line where it begins.
    pub origin: String,
}

/// Returns the waivers of these files as they are at `now`, in the order of the files.
pub fn rows(documents: &[Document], now: Timestamp) -> Vec<Row> {
    let entries = documents.iter().flat_map(|document| &document.entries);
    entries.map(|entry| row(entry, now)).collect()
}

fn row(entry: &Entry, now: Timestamp) -> Row {
    let today = day_of(now);
    // Counted in days; a difference that is too large for that is that of the ends of time.
    let left = today.until((jiff::Unit::Day, entry.expires));
    let days_left = left.map_or(0, |span| i64::from(span.get_days()));
    let state = match days_left {
        left if left < 0 => State::Expired,
        left if left <= SOON => State::Expiring,
        _ => State::Holds,
    };
    let observed = match &entry.observed {
        Observed::Values(values) => {
            let values = values.iter();
            Some(
                values
                    .map(|(key, wanted)| (key.clone(), wanted.value.clone()))
                    .collect(),
            )
        }
        Observed::Unknown { .. } => None,
    };
    Row {
        rule: entry.rule.clone(),
        rules: entry.rules.clone(),
        state,
        days_left,
        scope: entry.scope.words(),
        observed,
        reason: entry.reason.clone(),
        owner: entry.owner.clone(),
        ticket: entry.ticket.clone(),
        created: entry.created.map(|day| day.to_string()),
        expires: entry.expires.to_string(),
        origin: entry.origin(),
    }
}

/// Writes the waivers for a person.
///
/// # Errors
///
/// When `out` does not take it.
pub fn write_rows(rows: &[Row], style: Style, out: &mut dyn Write) -> Result<(), RenderError> {
    let mut page = Page::new(style);
    for row in rows {
        let (ink, state) = match row.state {
            State::Holds => (Ink::Good, format!("holds until {}", row.expires)),
            State::Expiring => (
                Ink::Doubt,
                match row.days_left {
                    0 => "expires today".to_owned(),
                    1 => "expires in 1 day".to_owned(),
                    days => format!("expires in {days} days"),
                },
            ),
            State::Expired => (Ink::Bad, format!("expired on {}", row.expires)),
        };
        page.hang(
            &[(Ink::Strong, &row.rule), (Ink::Plain, "  ")],
            (ink, &state),
            2,
        );
        let scope = if row.scope.is_empty() {
            "everything".to_owned()
        } else {
            row.scope.join("; ")
        };
        page.item(2, "covers", 8, (Ink::Plain, &scope));
        let accepts = match &row.observed {
            Some(values) => {
                let values = values.iter().map(|(key, value)| format!("{key} = {value}"));
                values.collect::<Vec<_>>().join("; ")
            }
            None => "that it is unknown".to_owned(),
        };
        page.item(2, "accepts", 8, (Ink::Plain, &accepts));
        let ticket = row.ticket.as_ref();
        let ticket = ticket.map_or_else(String::new, |ticket| format!(" ({ticket})"));
        let by = format!("{}: {}{ticket}", row.owner, row.reason);
        page.item(2, "by", 8, (Ink::Plain, &by));
        page.item(2, "in", 8, (Ink::Dim, &row.origin));
    }
    let count = |state| rows.iter().filter(|row| row.state == state).count();
    let waivers = if rows.len() == 1 { "waiver" } else { "waivers" };
    let mut parts = vec![format!("{} {waivers}", rows.len())];
    for (count, words) in [
        (count(State::Expiring), "end within 30 days"),
        (count(State::Expired), "expired"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {words}"));
        }
    }
    page.gap();
    page.parts(Ink::Dim, &parts);
    out.write_all(page.into_text().as_bytes())?;
    Ok(())
}
