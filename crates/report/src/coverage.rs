//! How far a benchmark is decided, as a matrix.

use std::io::Write;

use kubeassay_core::rule::{Section, Tally};

use crate::ink::Ink;
use crate::page::Page;
use crate::{RenderError, Style};

/// A column: a heading, and what is counted under it.
type Column = (&'static str, fn(&Tally) -> usize);

/// The columns, in their order.
const COLUMNS: [Column; 6] = [
    ("CONTROLS", |tally| tally.controls),
    ("AUTOMATED", |tally| tally.automated),
    ("MACHINE", |tally| tally.machine),
    ("CHOICE", |tally| tally.choice),
    ("VIOLATIONS", |tally| tally.violations),
    ("PERSON", |tally| tally.person),
];

/// Writes a line for each section of `benchmark`, their sum, and what the columns mean.
///
/// # Errors
///
/// When `out` does not take it.
pub fn write_coverage(
    benchmark: &str,
    sections: &[Section],
    style: Style,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    let mut page = Page::new(style);
    let widest = |text: fn(&Section) -> &str, head: usize| {
        sections
            .iter()
            .map(|section| text(section).len())
            .fold(head, usize::max)
    };
    let number = widest(|section| &section.section, "SECTION".len());
    let about = widest(|section| section.about, 0);
    let line = |section: &str, text: &str, counts: &[String]| {
        let counts: String = counts
            .iter()
            .fold(String::new(), |line, one| line + "  " + one);
        format!("{section:number$}  {text:about$}{counts}")
    };
    let counts = |tally: &Tally| -> Vec<String> {
        let cells = COLUMNS.iter();
        cells
            .map(|(head, count)| format!("{:>width$}", count(tally), width = head.len()))
            .collect()
    };
    let heads: Vec<String> = COLUMNS.iter().map(|(head, _)| (*head).to_owned()).collect();
    page.line(Ink::Strong, &line("SECTION", "", &heads));
    let mut all = Tally::default();
    for section in sections {
        let mut tally = Tally::default();
        for covered in &section.controls {
            tally.add(covered);
            all.add(covered);
        }
        page.line(
            Ink::Plain,
            &line(&section.section, section.about, &counts(&tally)),
        );
    }
    page.line(Ink::Strong, &line("all", "", &counts(&all)));
    page.gap();
    for text in [
        format!("controls of {benchmark} that have a rule; automated: so called by the benchmark"),
        "machine: decided wherever the subject could be read; choice: decided once the site made a choice".to_owned(),
        "violations: only violations are decided, the rest is for a person with the evidence; person: not decided".to_owned(),
    ] {
        page.item(0, "", 0, (Ink::Dim, &text));
    }
    out.write_all(page.into_text().as_bytes())?;
    Ok(())
}
