//! The rules of the results, with what their pages say.

use std::collections::BTreeMap;

use kubeassay_core::report::{Control, Finding};
use kubeassay_core::{Severity, Verdict, text};

use super::document::{Configuration, Descriptor, Help, Message, RuleProperties};
use super::result::level;
use crate::{Prose, RuleProse, inert};

/// Code scanning refuses a file with more rules.
const MAX_RULES: usize = 25_000;
/// A rule has no more tags: code scanning refuses a file with more.
const MAX_TAGS: usize = 20;
/// Code scanning takes so many characters of a description.
const MAX_DESCRIPTION: usize = 1_024;

/// The rules whose findings came.
#[derive(Debug, Default)]
pub(crate) struct Rules(BTreeMap<String, Seen>);

/// What findings say of their rule.
#[derive(Debug)]
struct Seen {
    title: String,
    severity: Severity,
    controls: Vec<Control>,
    expected: String,
    remediation: String,
}

impl Rules {
    /// Takes the rule of a finding.
    pub(crate) fn see(&mut self, finding: &Finding) {
        if self.0.len() >= MAX_RULES || self.0.contains_key(&finding.rule) {
            return;
        }
        let seen = Seen {
            title: finding.title.clone(),
            severity: finding.severity,
            controls: finding.controls.clone(),
            expected: finding.expected.clone(),
            remediation: finding.remediation.clone(),
        };
        self.0.insert(finding.rule.clone(), seen);
    }

    /// Returns the place of each rule in the list, by its id.
    pub(crate) fn places(&self) -> BTreeMap<&str, usize> {
        self.0.keys().map(String::as_str).zip(0..).collect()
    }

    /// Returns the list.
    pub(crate) fn described(&self, prose: &Prose) -> Vec<Descriptor> {
        let rules = self.0.iter();
        let rules = rules.map(|(id, seen)| describe(id, seen, prose.get(id)));
        rules.collect()
    }
}

/// Returns a number within the range that code scanning calls by the severity's word.
const fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
    }
}

fn describe(id: &str, seen: &Seen, prose: Option<&RuleProse>) -> Descriptor {
    let (text, markdown) = help(seen, prose);
    let full = prose.map(|prose| first_paragraph(&prose.description));
    let full = full.filter(|full| !full.is_empty());
    let full = full.unwrap_or_else(|| {
        let said = [seen.title.as_str(), seen.expected.as_str()];
        let said: Vec<&str> = said.into_iter().filter(|text| !text.is_empty()).collect();
        said.join("; ")
    });
    let references = prose.map(|prose| prose.references.as_slice());
    let addresses = references.unwrap_or_default().iter();
    let mut addresses = addresses.filter_map(|one| one.split_whitespace().next());
    let mut tags = vec!["security".to_owned(), "kubernetes".to_owned()];
    for control in &seen.controls {
        let tag = text::escape(&format!("{}:{}", control.framework, control.control));
        if tags.len() < MAX_TAGS && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    Descriptor {
        id: text::escape(id),
        short_description: Message::cut(&seen.title, MAX_DESCRIPTION),
        full_description: Message::cut(&full, MAX_DESCRIPTION),
        help: Help { text, markdown },
        help_uri: addresses
            .find(|address| address.starts_with("https://"))
            .map(text::escape),
        default_configuration: Configuration {
            level: level(Verdict::Fail, seen.severity),
        },
        properties: RuleProperties {
            tags,
            // A verdict is what the component does, or it is unknown.
            precision: "very-high",
            security_severity: security_severity(seen.severity),
            severity: seen.severity,
            controls: seen.controls.clone(),
        },
    }
}

/// Returns what a rule says, as text and as Markdown. The pages are Markdown that reads as text.
fn help(seen: &Seen, prose: Option<&RuleProse>) -> (String, String) {
    let Some(prose) = prose else {
        // What a finding says may be foreign.
        let remediation: Vec<String> = seen.remediation.lines().map(text::escape).collect();
        let mut parts = vec![text::escape(&seen.title)];
        if !seen.expected.is_empty() {
            parts.push(format!("Expected: {}", text::escape(&seen.expected)));
        }
        parts.push(remediation.join("\n"));
        let text = parts.join("\n\n");
        let markdown = inert::block(&text);
        return (text, markdown);
    };
    let sections = [
        ("Description", &prose.description),
        ("Rationale", &prose.rationale),
        ("Remediation", &prose.remediation),
        ("Impact", &prose.impact),
    ];
    let mut text = String::new();
    let mut markdown = String::new();
    for (name, section) in sections {
        if !section.is_empty() {
            text.extend([name, "\n\n", section, "\n\n"]);
            markdown.extend(["## ", name, "\n\n", section, "\n\n"]);
        }
    }
    if !prose.references.is_empty() {
        let list: Vec<String> = prose
            .references
            .iter()
            .map(|one| format!("- {one}"))
            .collect();
        let list = list.join("\n");
        text.extend(["References\n\n", &list, "\n"]);
        markdown.extend(["## References\n\n", &list, "\n"]);
    }
    (text, markdown)
}

/// Returns the first paragraph as one line.
fn first_paragraph(markdown: &str) -> String {
    let lines = markdown.lines().take_while(|line| !line.trim().is_empty());
    let lines: Vec<&str> = lines.map(str::trim).collect();
    lines.join(" ")
}
