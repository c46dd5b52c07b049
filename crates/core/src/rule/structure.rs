//! The form of a bundled page: its sections, its references, its examples.
//!
//! Pages from elsewhere are free in their form; only their examples are read here.

use super::cis::cis_controls;
use super::diagnostic::{Code, Diagnostic};
use super::page::{Page, Section};
use super::{Decides, Origin, Rule, examples};
use crate::verdict::Verdict;

/// The sections of a bundled page, in their order.
pub(crate) const SECTIONS: &[&str] = &[
    "Description",
    "Rationale",
    "Audit",
    "Remediation",
    "Impact",
    "Default Value",
    "References",
    "CIS Controls",
    "Examples",
];

/// Reports what is wrong with the form of a rule's page.
pub(crate) fn lint(rule: &Rule, faults: &mut Vec<Diagnostic>) {
    let page = rule.page();
    let examples = examples::read(page, faults);
    if rule.origin != Origin::Bundled {
        return;
    }
    headings(page, faults);
    if let Some(section) = page.section("References") {
        references(page, section, faults);
    }
    if let Some(section) = page.section("CIS Controls") {
        for (start, end) in cis_controls(page, section).1 {
            let help = "write it like `Version 8: 3.3 (what it asks for)`".to_owned();
            let fault = page.diagnostic(
                Code::BadCisControl,
                start..end,
                "this names no safeguard of the CIS Controls",
            );
            faults.push(fault.help(help));
        }
    }
    // What finds nothing against it leaves such a rule to a person.
    let good = match rule.decides {
        Decides::Violations => Verdict::Manual,
        Decides::Both => Verdict::Pass,
    };
    for verdict in [good, Verdict::Fail] {
        if !examples.iter().any(|example| example.verdict == verdict) {
            let at = page
                .section("Examples")
                .map_or(0..0, |section| section.heading.clone());
            let message = format!("there is no example `yaml {verdict}`");
            faults.push(page.diagnostic(Code::MissingExample, trimmed(page, at), message));
        }
    }
}

fn headings(page: &Page, faults: &mut Vec<Diagnostic>) {
    let mut last = None;
    for (number, section) in page.sections.iter().enumerate() {
        let at = trimmed(page, section.heading.clone());
        let Some(place) = SECTIONS.iter().position(|name| *name == section.name) else {
            let message = format!("no page has a section `{}`", section.name);
            let help = format!("the sections are: {}", SECTIONS.join(", "));
            faults.push(
                page.diagnostic(Code::UnknownSection, at, message)
                    .help(help),
            );
            continue;
        };
        if page
            .sections
            .iter()
            .take(number)
            .any(|earlier| earlier.name == section.name)
        {
            let message = format!("the section `{}` stands twice", section.name);
            faults.push(page.diagnostic(Code::DuplicateSection, at, message));
        } else if last.is_some_and(|last| place < last) {
            let help = format!("the order is: {}", SECTIONS.join(", "));
            let message = format!("the section `{}` stands too late", section.name);
            faults.push(page.diagnostic(Code::SectionOrder, at, message).help(help));
        }
        last = last.max(Some(place));
    }
    for name in SECTIONS {
        match page.section(name) {
            None => {
                let end = page.text.len();
                faults.push(page.diagnostic(
                    Code::MissingSection,
                    end..end,
                    format!("the section `{name}` is missing"),
                ));
            }
            Some(section) if page.slice(&section.body).trim().is_empty() => {
                let at = trimmed(page, section.heading.clone());
                faults.push(page.diagnostic(
                    Code::MissingSection,
                    at,
                    format!("the section `{name}` is empty"),
                ));
            }
            Some(_) => {}
        }
    }
}

/// Every link must be a web address; `[text][n]` must have its definition.
fn references(page: &Page, section: &Section, faults: &mut Vec<Diagnostic>) {
    for (address, at) in &section.links {
        let host = address
            .strip_prefix("https://")
            .or_else(|| address.strip_prefix("http://"));
        let host = host
            .and_then(|rest| rest.split(['/', '?', '#']).next())
            .unwrap_or_default();
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.' || c == ':';
        if host.is_empty()
            || !host.contains('.')
            || !host.chars().all(fits)
            || address.contains(char::is_whitespace)
        {
            let message = format!("`{address}` is no web address");
            faults.push(page.diagnostic(Code::BadReference, at.clone(), message));
        }
    }
    for at in &section.broken {
        let message = "this link has no definition at the end of the page";
        faults.push(page.diagnostic(Code::BadReference, at.clone(), message));
    }
}

/// Returns the heading without its line break.
fn trimmed(page: &Page, at: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let length = page.slice(&at).trim_end().len();
    at.start..at.start + length
}
