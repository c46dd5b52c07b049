//! The platforms that are known, as a list.

use std::io::Write;

use crate::ink::Ink;
use crate::page::Page;
use crate::{RenderError, Style};

/// A platform, in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformRow {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is told by, strongest first.
    pub told_by: Vec<String>,
    /// What of it is judged.
    pub judged: String,
    /// Whether a node of it was looked at.
    pub observed: bool,
    /// By which captured hosts it is known.
    pub known_by: String,
    /// Where what is known of it comes from.
    pub sources: Vec<String>,
}

/// Writes platforms in the order they are given, each with what it is told by, what is judged, and how it is known.
///
/// # Errors
///
/// When `out` does not take it.
pub fn write_platforms(
    rows: &[PlatformRow],
    style: Style,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    const LABEL: usize = "documented  ".len();
    let mut page = Page::new(style);
    for row in rows {
        page.gap();
        page.hang(
            &[(Ink::Strong, &row.id), (Ink::Plain, "  ")],
            (Ink::Plain, &row.name),
            2,
        );
        let known = if row.observed {
            "observed"
        } else {
            "documented"
        };
        for (label, text) in [
            ("told by", &row.told_by.join(", ")),
            ("judged", &row.judged),
            (known, &row.known_by),
        ] {
            page.item(2, label, LABEL, (Ink::Plain, text));
        }
        for (at, source) in row.sources.iter().enumerate() {
            let label = if at == 0 { "from" } else { "" };
            page.item(2, label, LABEL, (Ink::Plain, source));
        }
    }
    out.write_all(page.into_text().as_bytes())?;
    Ok(())
}
