//! The rules as a list.

use std::io::Write;

use kubeassay_core::Severity;
use serde::Serialize;

use crate::ink::Ink;
use crate::page::{Page, width};
use crate::{RenderError, Style};

/// The fewest columns in which a title still reads well.
const TITLE: usize = 28;

/// A rule, in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleRow {
    /// Its id.
    pub id: String,
    /// The number it is best known by.
    pub control: Option<String>,
    /// How much a failure matters.
    pub severity: Severity,
    /// Its title.
    pub title: String,
}

/// Writes the rules in the order they are given: number, severity, id, title. Where the title has no
/// room beside the others it stands below them.
///
/// # Errors
///
/// When `out` does not take it.
pub fn write_rules(rows: &[RuleRow], style: Style, out: &mut dyn Write) -> Result<(), RenderError> {
    let mut page = Page::new(style);
    let control = |row: &RuleRow| row.control.clone().unwrap_or_else(|| "-".to_owned());
    let widest = |text: &dyn Fn(&RuleRow) -> String, head: &str| {
        rows.iter()
            .map(|row| width(&text(row)))
            .fold(width(head), usize::max)
    };
    let controls = widest(&control, "CONTROL");
    let severities = widest(&|row| row.severity.to_string(), "SEVERITY");
    let ids = widest(&|row| row.id.clone(), "ID");
    let hanging = controls + severities + ids + 6;
    let beside = hanging + TITLE <= page.width();
    let columns = |control: &str, severity: &str, id: &str| {
        let margin = if beside { ids } else { 0 };
        (
            format!("{control:controls$}  "),
            format!("{severity:severities$}  "),
            format!("{id:margin$}"),
        )
    };
    let (control_head, severity_head, id_head) = columns("CONTROL", "SEVERITY", "ID");
    let title_head = if beside { "  TITLE" } else { " and title" };
    page.line(
        Ink::Strong,
        &format!("{control_head}{severity_head}{id_head}{title_head}"),
    );
    for row in rows {
        let (control, severity, id) = columns(&control(row), row.severity.as_str(), &row.id);
        let prefix = [(Ink::Strong, control.as_str()), (Ink::Dim, &severity)];
        if beside {
            let prefix = [&prefix[..], &[(Ink::Plain, &id), (Ink::Plain, "  ")]].concat();
            page.hang(&prefix, (Ink::Plain, &row.title), hanging);
        } else {
            page.hang(&prefix, (Ink::Plain, &id), 2);
            page.item(2, "", 0, (Ink::Dim, &row.title));
        }
    }
    out.write_all(page.into_text().as_bytes())?;
    Ok(())
}
