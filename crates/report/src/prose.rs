//! What the pages of rules say to people: it is not in the report, and a few formats show it.

use std::collections::BTreeMap;
use std::sync::Arc;

use kubeassay_core::rule::Rule;

/// The prose of rules, by their ids. A rule that it does not know has none. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prose(Arc<BTreeMap<String, RuleProse>>);

/// What the page of one rule says; Markdown, empty where the page does not say it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleProse {
    /// What the rule asks for.
    pub description: String,
    /// Why it matters.
    pub rationale: String,
    /// How a failure is mended.
    pub remediation: String,
    /// What mending it may break.
    pub impact: String,
    /// Where to read on: addresses, and remarks on the numbers of the rule; one line each.
    pub references: Vec<String>,
}

impl Prose {
    /// Returns the prose of `rules`. Reads their pages: worth it only where a format
    /// [shows it](crate::Format::shows_prose).
    pub fn of<'a>(rules: impl IntoIterator<Item = &'a Rule>) -> Self {
        let of_rule = |rule: &Rule| {
            let section = |name| rule.section(name).unwrap_or_default().to_owned();
            let prose = RuleProse {
                description: section("Description"),
                rationale: section("Rationale"),
                remediation: section("Remediation"),
                impact: section("Impact"),
                references: references(rule.section("References").unwrap_or_default()),
            };
            (rule.id().to_owned(), prose)
        };
        rules.into_iter().map(of_rule).collect()
    }

    /// Returns what is said of the rule with this id.
    pub fn get(&self, rule: &str) -> Option<&RuleProse> {
        self.0.get(rule)
    }
}

impl FromIterator<(String, RuleProse)> for Prose {
    fn from_iter<I: IntoIterator<Item = (String, RuleProse)>>(rules: I) -> Self {
        Self(Arc::new(rules.into_iter().collect()))
    }
}

/// Takes the items of a list and the paragraphs between them apart, each as one line.
fn references(markdown: &str) -> Vec<String> {
    let mut references: Vec<String> = Vec::new();
    let mut begins = true;
    for line in markdown.lines() {
        let text = line.trim();
        if text.is_empty() {
            begins = true;
            continue;
        }
        let item = after_marker(text);
        match references.last_mut() {
            Some(last) if item.is_none() && !begins => {
                last.push(' ');
                last.push_str(text);
            }
            _ => references.push(item.unwrap_or(text).to_owned()),
        }
        begins = false;
    }
    references
}

/// Returns what stands behind `1. `, `- ` or `* `.
fn after_marker(line: &str) -> Option<&str> {
    let digits = line.trim_start_matches(|character: char| character.is_ascii_digit());
    let numbered = (digits.len() < line.len()).then(|| digits.strip_prefix(". "));
    let item = numbered.flatten();
    item.or_else(|| line.strip_prefix("- "))
        .or_else(|| line.strip_prefix("* "))
        .map(str::trim_start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_items_and_remarks() {
        let markdown = "1. https://one.example/\n2. https://two.example/\n   with a remark\n\nThe item is older\nthan that.\n- last";
        let read = [
            "https://one.example/",
            "https://two.example/ with a remark",
            "The item is older than that.",
            "last",
        ];
        assert_eq!(references(markdown), read);
        assert_eq!(references(""), [""; 0]);
        assert_eq!(references("2026. no\n1.no"), ["no 1.no"]);
    }
}
