//! What a site decided: the choices of rules, from a small file of its own.
//!
//! ```yaml
//! choices:
//!   kubelet-pod-pids-limit: {maximum: 4096}
//!   5.1.1: {allowed: [ServiceAccount platform/operator]}
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::diagnostic::{Code, Diagnostic};
use super::setting::{did_you_mean, suggestion};
use super::site_file::SiteFile;
use super::yaml::{Entry, Kind};
use super::{Catalogue, Rule};
use crate::configuration::is_at_the_top;
use crate::value::Value;

/// Larger files are not read, in bytes.
pub const MAX_SITE: usize = 1 << 20;

/// What a site decided, by the id of the rule and the name of the choice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct SiteChoices {
    by_rule: BTreeMap<String, BTreeMap<String, Value>>,
}

impl SiteChoices {
    /// Reads the file; `file` is how it is spoken of.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it: keys, rules and choices that there are not, values of another type.
    pub fn read(file: &str, bytes: &[u8], rules: &Catalogue) -> Result<Self, Vec<Diagnostic>> {
        Self::read_from(file, bytes, rules, |_| false)
    }

    /// Reads the choices of a configuration, whose other keys its own reader looks at.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn read_configured(
        file: &str,
        bytes: &[u8],
        rules: &Catalogue,
    ) -> Result<Self, Vec<Diagnostic>> {
        Self::read_from(file, bytes, rules, is_at_the_top)
    }

    fn read_from(
        file: &str,
        bytes: &[u8],
        rules: &Catalogue,
        is_of_others: fn(&str) -> bool,
    ) -> Result<Self, Vec<Diagnostic>> {
        SiteFile::read(file, bytes, |file, entries| {
            let choices = Self::default();
            let mut reader = Reader {
                file,
                rules,
                choices,
            };
            reader.document(entries, is_of_others);
            reader.choices
        })
    }

    /// Returns what was decided for a rule, by the names of its choices.
    pub fn of(&self, rule: &Rule) -> &BTreeMap<String, Value> {
        const NOTHING: &BTreeMap<String, Value> = &BTreeMap::new();
        self.by_rule.get(rule.id()).unwrap_or(NOTHING)
    }

    /// Returns whether nothing was decided.
    pub fn is_empty(&self) -> bool {
        self.by_rule.is_empty()
    }

    /// Returns what was decided for these rules alone.
    #[must_use]
    pub fn only(&self, rules: &[&Rule]) -> Self {
        let mut by_rule = self.by_rule.clone();
        by_rule.retain(|id, _| rules.iter().any(|rule| rule.id() == id));
        Self { by_rule }
    }

    /// Decides one choice of a rule.
    pub fn decide(&mut self, rule: &str, choice: &str, value: Value) {
        let of_rule = self.by_rule.entry(rule.to_owned()).or_default();
        of_rule.insert(choice.to_owned(), value);
    }
}

struct Reader<'r, 'f> {
    file: &'r mut SiteFile<'f>,
    rules: &'r Catalogue,
    choices: SiteChoices,
}

impl Reader<'_, '_> {
    /// Reads a file; `is_of_others` tells the keys beside `choices` that are for somebody else.
    fn document(&mut self, entries: &[Entry], is_of_others: fn(&str) -> bool) {
        for entry in entries {
            if entry.key != "choices" {
                if !is_of_others(&entry.key) {
                    let message = format!("there is no key `{}`", entry.key);
                    let help = Some("the only key is `choices`".to_owned());
                    self.file
                        .fault(Code::UnknownKey, &entry.key_span, message, help);
                }
                continue;
            }
            // As an empty file, a key with nothing below it decides nothing.
            if matches!(entry.node.kind, Kind::Null) {
                continue;
            }
            let expected = "`choices` must be a map of rules, but is";
            let of_rules = self.file.map(&entry.node, expected).unwrap_or_default();
            for of_rule in of_rules {
                self.rule(of_rule);
            }
        }
    }

    fn rule(&mut self, entry: &Entry) {
        let found = self.rules.select(std::slice::from_ref(&entry.key));
        let rule = match found.as_deref() {
            Ok([rule]) => *rule,
            Ok(several) => {
                let ids: Vec<&str> = several.iter().map(|rule| rule.id()).collect();
                let message = format!("`{}` means several rules", entry.key);
                let help = Some(format!("name one of: {}", ids.join(", ")));
                self.file
                    .fault(Code::BadValue, &entry.key_span, message, help);
                return;
            }
            Err(unknown) => {
                self.file
                    .fault(Code::BadValue, &entry.key_span, unknown.to_string(), None);
                return;
            }
        };
        let expected = "the choices of a rule are a map, but this is";
        let entries = self.file.map(&entry.node, expected);
        for entry in entries.unwrap_or_default() {
            let mut declared = rule.choices().iter();
            let Some(choice) = declared.find(|choice| choice.name == entry.key) else {
                let names: Vec<&str> = rule
                    .choices()
                    .iter()
                    .map(|choice| choice.name.as_str())
                    .collect();
                let help = suggestion(&did_you_mean(&entry.key, names.iter().copied()));
                let help = help.or_else(|| match names.as_slice() {
                    [] => Some("the rule leaves nothing to choose".to_owned()),
                    names => Some(format!("it has: {}", names.join(", "))),
                });
                let message = format!("the rule {} has no choice `{}`", rule.id(), entry.key);
                self.file
                    .fault(Code::UnknownChoice, &entry.key_span, message, help);
                continue;
            };
            match choice.kind.fit(entry.node.value()) {
                Ok(value) => self.choices.decide(rule.id(), &choice.name, value),
                Err(reason) => {
                    let message = format!("`{}`: {reason}", choice.name);
                    self.file
                        .fault(Code::WrongType, &entry.node.span, message, None);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SiteChoices;
    use crate::rule::Catalogue;
    use crate::value::Value;

    const PAGE: &str = "---\nid: a\ntitle: t\nframework: cis-kubernetes\ncontrol: 9.1\nsubject: kubelet\nchoices:\n  - {name: most, type: int, description: d.}\n  - {name: names, type: list, description: d.}\ncheck: kubelet.podPidsLimit <= choices.most && !(kubelet.address in choices.names)\nexpected: e\nseverity: low\ncontrols: []\n---\n";

    fn rules() -> Catalogue {
        Catalogue::bundled(&[("x/a.md", PAGE)]).unwrap()
    }

    #[test]
    fn what_was_decided_is_found_by_rule_and_name() {
        let rules = rules();
        let text = b"choices:\n  9.1: {most: 7}\n";
        let choices = SiteChoices::read("site.yaml", text, &rules).unwrap();
        let rule = rules.get("a").unwrap();
        assert_eq!(choices.of(rule).get("most"), Some(&Value::Int(7)));
        for nothing in [&b""[..], b"choices:\n", b"choices: {}\n"] {
            let read = SiteChoices::read("x", nothing, &rules);
            assert_eq!(read, Ok(SiteChoices::default()));
        }
        // What a configuration has beside them is a mistake in a file of choices.
        let text = b"gate: {fail-on: never}\nchoices:\n  9.1: {most: 7}\n";
        assert_eq!(SiteChoices::read_configured("x", text, &rules), Ok(choices));
        assert!(SiteChoices::read("x", text, &rules).is_err());
    }

    #[test]
    fn every_mistake_is_said_with_its_place() {
        for (text, said) in [
            ("choises: {}\n", "s.yaml:1:1: there is no key `choises`"),
            (
                "choices: []\n",
                "s.yaml:1:10: `choices` must be a map of rules, but is a list",
            ),
            ("choices:\n  b: {}\n", "s.yaml:2:3: there is no rule `b`"),
            (
                "choices:\n  a: 3\n",
                "s.yaml:2:6: the choices of a rule are a map, but this is a number",
            ),
            (
                "choices:\n  a: {mots: 3}\n",
                "s.yaml:2:7: the rule a has no choice `mots`",
            ),
            (
                "choices:\n  a: {most: x}\n",
                "s.yaml:2:13: `most`: expected an integer, found a string",
            ),
            ("choices:\n  a: [\n", "s.yaml:2:6"),
        ] {
            let faults = SiteChoices::read("s.yaml", text.as_bytes(), &rules()).unwrap_err();
            let first = faults.first().unwrap().to_string();
            assert!(first.starts_with(said), "{first}");
        }
        assert!(SiteChoices::read("s.yaml", b"\xff", &rules()).is_err());
    }
}
