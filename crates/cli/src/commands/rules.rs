//! `kubeassay rules`: the rule documents.

use std::path::PathBuf;

use kubeassay_core::report::Control;
use kubeassay_core::rule::{
    Assessment, Decides, Diagnostic, Document, RenderStyle, Replacing, Rule, Section, coverage,
};
use kubeassay_engine::run_examples;
use kubeassay_engine::schema::Components;
use kubeassay_report::Style;
use kubeassay_report::coverage::write_coverage;
use kubeassay_report::describe::{control_label, control_order};
use kubeassay_report::list::{RuleRow, write_rules};
use serde::Serialize;

use crate::args::{Global, RulesCommand, TextFormat};
use crate::exit::Exit;
use crate::messages::Messages;
use crate::{catalogue, output};

pub(crate) fn run(
    command: &RulesCommand,
    global: &Global,
    messages: Messages,
) -> anyhow::Result<Exit> {
    let layout = output::layout(global, false);
    let style = if layout.colour {
        RenderStyle::Colour
    } else {
        RenderStyle::Plain
    };
    match command {
        RulesCommand::List {
            catalogue: arguments,
            output: format,
        } => {
            let (catalogue, _) = catalogue::load(arguments, style, messages)?;
            let mut rows: Vec<RuleRow> = catalogue.rules().map(row).collect();
            rows.sort_by_key(|row| control_order(row.control.as_deref().unwrap_or(&row.id)));
            let mut data = Vec::new();
            match format {
                TextFormat::Table => {
                    write_rules(
                        &rows,
                        Style {
                            width: layout.width,
                            colour: layout.colour,
                        },
                        &mut data,
                    )?;
                }
                format => data = super::document(&rows, *format)?,
            }
            output::print(&data)?;
            Ok(Exit::Success)
        }
        RulesCommand::Show {
            rule,
            catalogue: arguments,
            output: format,
        } => {
            let (catalogue, _) = catalogue::load(arguments, style, messages)?;
            let rules = catalogue::select(&catalogue, std::slice::from_ref(rule))?;
            let data = match format {
                TextFormat::Table => rules
                    .iter()
                    .map(|rule| rule.text())
                    .collect::<Vec<_>>()
                    .join("\n")
                    .into_bytes(),
                format => super::document(
                    &rules.iter().map(|rule| Shown::of(rule)).collect::<Vec<_>>(),
                    *format,
                )?,
            };
            output::print(&data)?;
            Ok(Exit::Success)
        }
        RulesCommand::Coverage {
            benchmark,
            catalogue: arguments,
            output: format,
        } => {
            let (catalogue, _) = catalogue::load(arguments, style, messages)?;
            let sections = coverage(catalogue.rules(), benchmark);
            let mut data = Vec::new();
            match format {
                TextFormat::Table => {
                    let style = Style {
                        width: layout.width,
                        colour: layout.colour,
                    };
                    write_coverage(&benchmark.to_string(), &sections, style, &mut data)?;
                }
                format => {
                    let benchmark = benchmark.to_string();
                    let matrix = Matrix {
                        benchmark: &benchmark,
                        sections: &sections,
                    };
                    data = super::document(&matrix, *format)?;
                }
            }
            output::print(&data)?;
            Ok(Exit::Success)
        }
        RulesCommand::Lint {
            paths,
            output: format,
        } => lint(paths, *format, style),
    }
}

/// What `rules coverage -o json` says.
#[derive(Serialize)]
struct Matrix<'a> {
    benchmark: &'a str,
    sections: &'a [Section],
}

/// A rule, as `rules show -o json` gives it.
#[derive(Serialize)]
struct Shown<'a> {
    id: &'a str,
    title: &'a str,
    severity: kubeassay_core::Severity,
    subject: Option<&'a str>,
    controls: &'a [Control],
    aliases: &'a [String],
    level: Option<u8>,
    assessment: Option<Assessment>,
    files: Option<&'a str>,
    decides: Decides,
    check: Option<&'a str>,
    applies: Option<&'a str>,
    expected: &'a str,
    sections: Vec<ShownSection<'a>>,
}

#[derive(Serialize)]
struct ShownSection<'a> {
    name: &'a str,
    markdown: &'a str,
}

impl<'a> Shown<'a> {
    fn of(rule: &'a Rule) -> Self {
        let sections = rule.sections().iter();
        Self {
            id: rule.id(),
            title: rule.title(),
            severity: rule.severity(),
            subject: rule.subject(),
            controls: rule.controls(),
            aliases: rule.aliases(),
            level: rule.level(),
            assessment: rule.assessment(),
            files: rule.files(),
            decides: rule.decides(),
            check: rule.check().map(kubeassay_core::rule::Check::source),
            applies: rule.applies().map(|(check, _)| check.source()),
            expected: rule.expected(),
            sections: sections
                .map(|section| ShownSection {
                    name: &section.name,
                    markdown: &section.markdown,
                })
                .collect(),
        }
    }
}

fn row(rule: &Rule) -> RuleRow {
    RuleRow {
        id: rule.id().to_owned(),
        control: (!rule.controls().is_empty()).then(|| control_label(rule.controls(), rule.id())),
        severity: rule.severity(),
        title: rule.title().to_owned(),
    }
}

/// What `rules lint -o json` says of one mistake.
#[derive(Serialize)]
#[serde(untagged)]
enum Mistake {
    Page(Diagnostic),
    Example {
        file: String,
        line: usize,
        severity: &'static str,
        code: &'static str,
        message: String,
    },
}

/// Checks pages as a compiler would, and runs their examples.
fn lint(paths: &[PathBuf], format: TextFormat, style: RenderStyle) -> anyhow::Result<Exit> {
    let pages = catalogue::read_pages(paths)?;
    let mut mistakes = Vec::new();
    let mut shown = String::new();
    let mut failed = false;
    for page in &pages {
        // Each page for itself: pages that replace bundled ones, or each other, are no mistake here.
        let mut alone = catalogue::bundled();
        let document = Document {
            file: &page.file,
            bytes: &page.bytes,
        };
        let mut found = alone.add(&[document], Replacing::Allowed, &Components);
        let rule = alone.rules().find(|rule| rule.file() == page.file);
        for fault in rule.map(|rule| rule.lint(&Components)).unwrap_or_default() {
            if !found.contains(&fault) {
                found.push(fault);
            }
        }
        for fault in found {
            failed |= fault.is_error();
            shown.push_str(&fault.render(style));
            shown.push_str("\n\n");
            mistakes.push(Mistake::Page(fault));
        }
        for fault in rule.map(run_examples).unwrap_or_default() {
            failed = true;
            let message = format!(
                "the example ({}) must be {}, and is {}",
                fault.about.trim(),
                fault.expected,
                fault.found
            );
            let safe = kubeassay_core::text::escape(&message);
            let place = format!(
                "error[example-differs]: {safe}\n --> {}:{}\n\n",
                page.file, fault.line
            );
            shown.push_str(&place);
            mistakes.push(Mistake::Example {
                file: page.file.clone(),
                line: fault.line,
                severity: "error",
                code: "example-differs",
                message,
            });
        }
    }
    let data = match format {
        TextFormat::Table => {
            let verdict = if failed { "faulty" } else { "no errors" };
            format!(
                "{shown}{} {}, {verdict}\n",
                pages.len(),
                if pages.len() == 1 { "page" } else { "pages" }
            )
            .into_bytes()
        }
        format => super::document(&mistakes, format)?,
    };
    output::print(&data)?;
    Ok(if failed {
        Exit::Findings
    } else {
        Exit::Success
    })
}
