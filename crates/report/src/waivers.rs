//! Waivers: accepted deviations, from files that the scanner names and from nowhere else.
//!
//! A finding that a waiver covers keeps its verdict and names who accepted it, until when and why. A waiver holds for the
//! values that it names: where one changes, the finding counts again. What is unknown is covered only where the waiver says
//! so. Nothing here reads a clock or a file: what day it is and what the files hold is given.
//!
//! - [`Document`], [`Entry`]: a file of waivers, read with the place of every mistake
//! - [`Waiving`]: covers findings, and says what is wrong with the waivers as findings of their own
//! - [`lint`]: the same as diagnostics, for a file
//! - [`Draft`], [`add`]: writes an entry without touching what is there; [`accept`] takes its values from a report
//! - [`Row`], [`write_rows`]: the waivers as a list

mod accept;
mod apply;
mod document;
mod findings;
mod lint;
mod list;
mod notice;
mod observed;
mod pattern;
mod reader;
mod schema;
mod write;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;

pub use accept::{Accepted, accept};
pub use apply::Waiving;
pub use document::{Document, Entry, MAX_WAIVERS, Scope};
pub use findings::{COMPONENT, RULES};
pub use lint::lint;
pub use list::{Row, State, rows, write_rows};
pub use observed::{Observed, Wanted, key_of};
pub use pattern::Pattern;
pub use reader::MAX_FILE;
pub use schema::schema;
pub use write::{AddError, Draft, add};
