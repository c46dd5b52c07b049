//! Front matter: the keys of a page, typed, each with its place.
//!
//! Every mistake becomes a diagnostic and reading goes on. A bundled page may have no key that is not
//! listed in [`KEYS`]; a page from elsewhere keeps what we do not know.

mod lists;
mod reader;

use std::collections::BTreeSet;
use std::ops::Range;

pub(crate) use reader::Reader;

use super::Origin;
use super::check::Check;
use super::diagnostic::{Code, Diagnostic};
use super::page::Page;
use super::setting::SettingType;
use super::yaml::{Entry, Kind, Node};
use crate::report::Control;
use crate::value::Value;
use crate::verdict::{Severity, words};

/// The keys of a bundled page.
pub(crate) const KEYS: &[&str] = &[
    "id",
    "title",
    "framework",
    "control",
    "controls",
    "aliases",
    "rule_category",
    "scope",
    "source",
    "security",
    "kind",
    "type",
    "disable_edit",
    "severity",
    "subject",
    "files",
    "level",
    "assessment",
    "decides",
    "applies",
    "applies-reason",
    "check",
    "expected",
    "choices",
    "fix",
];

words! {
    /// How the benchmark that a rule is at home in wants it assessed.
    Assessment {
        /// By a machine.
        Automated = "automated",
        /// By a person, says the benchmark.
        Manual = "manual",
    }
}

words! {
    /// What a check is able to decide.
    #[derive(Default)]
    Decides {
        /// Whether the rule is kept.
        #[default]
        Both = "both",
        /// Only that it is broken: where the check holds, nothing was found that speaks against it, and a person has
        /// to decide.
        Violations = "violations",
    }
}

/// Something and its place in the page.
#[derive(Clone, Debug)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) span: Range<usize>,
}

/// What a site must decide before a rule can be evaluated.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Its name, as `choices.NAME` in the check.
    pub name: String,
    /// Its type.
    pub kind: SettingType,
    /// What holds where the site says nothing; without it the rule is manual.
    pub default: Option<Value>,
    /// What is to be decided, in one sentence.
    pub description: String,
}

/// How a failure is mended: by settings, or by a person. A page says one of the two.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fix {
    /// Paths below the subject (`authorization.mode`) and the values they must get, as the page has them; empty where
    /// a person has to decide.
    pub set: Vec<(String, Value)>,
    /// What a person has to decide before a failure can be mended, in one sentence.
    pub decide: Option<String>,
}

/// The typed front matter of one page.
#[derive(Debug, Default)]
pub(crate) struct FrontMatter {
    /// The keys that are there, whether they could be read or not.
    pub(crate) keys: BTreeSet<String>,
    pub(crate) id: Option<At<String>>,
    pub(crate) title: Option<At<String>>,
    pub(crate) framework: Option<At<String>>,
    pub(crate) control: Option<At<String>>,
    pub(crate) controls: Vec<Control>,
    pub(crate) aliases: Vec<At<String>>,
    pub(crate) severity: Option<At<Severity>>,
    pub(crate) subject: Option<At<String>>,
    pub(crate) files: Option<At<String>>,
    pub(crate) level: Option<u8>,
    pub(crate) assessment: Option<Assessment>,
    pub(crate) decides: Option<Decides>,
    pub(crate) expected: Option<At<String>>,
    pub(crate) check: Option<At<Check>>,
    pub(crate) applies: Option<At<Check>>,
    pub(crate) applies_reason: Option<At<String>>,
    pub(crate) choices: Vec<At<Choice>>,
    pub(crate) fix: Option<Fix>,
    pub(crate) fix_spans: Vec<Range<usize>>,
}

impl FrontMatter {
    /// Reads the front matter of a page.
    ///
    /// Nothing comes back where it is no map at all.
    pub(crate) fn read(page: &Page, origin: &Origin, faults: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut front = Self::default();
        let node = match Node::parse(page.slice(&page.front), page.front.start) {
            Ok(node) => node,
            Err(fault) => {
                let help = "put a value that YAML misreads in quotes".to_owned();
                faults.push(
                    page.diagnostic(Code::YamlSyntax, fault.span, fault.message)
                        .help(help),
                );
                return None;
            }
        };
        let mut reader = Reader { page, faults };
        let Some(entries) = node.entries() else {
            if !matches!(node.kind, Kind::Null) {
                reader.wrong("the front matter", "a map", &node);
                return None;
            }
            return Some(front);
        };
        for entry in entries {
            front.key(entry, origin, &mut reader);
        }
        Some(front)
    }

    fn key(&mut self, entry: &Entry, origin: &Origin, reader: &mut Reader<'_>) {
        reader.refuse_tag(entry);
        self.keys.insert(entry.key.clone());
        match entry.key.as_str() {
            "id" => self.id = reader.word(entry),
            "title" => self.title = reader.text(entry),
            "framework" => self.framework = reader.word(entry),
            "control" => self.control = reader.text(entry),
            "controls" => self.controls = reader.controls(entry),
            "aliases" => self.aliases = reader.texts(entry),
            "severity" => self.severity = reader.severity(entry),
            "subject" => self.subject = reader.word(entry),
            "files" => self.files = reader.word(entry),
            "level" => self.level = reader.level(entry),
            "assessment" => {
                self.assessment = reader.one_of(entry, Assessment::ALL, Assessment::as_str);
            }
            "decides" => self.decides = reader.one_of(entry, Decides::ALL, Decides::as_str),
            "expected" => self.expected = reader.text(entry),
            "check" => self.check = reader.check(entry),
            "applies" => self.applies = reader.check(entry),
            "applies-reason" => self.applies_reason = reader.text(entry),
            "choices" => self.choices = reader.choices(entry),
            "fix" => (self.fix, self.fix_spans) = reader.fix(entry),
            // Kept for people and other tools; only their type is of interest, and only in our own pages.
            "rule_category" if *origin == Origin::Bundled => drop(reader.texts(entry)),
            "scope" | "source" | "security" | "kind" | "type" if *origin == Origin::Bundled => {
                drop(reader.text(entry));
            }
            "disable_edit"
                if *origin == Origin::Bundled && !matches!(entry.node.kind, Kind::Bool(_)) =>
            {
                reader.wrong("`disable_edit`", "`true` or `false`", &entry.node);
            }
            key if *origin == Origin::Bundled && !KEYS.contains(&key) => {
                reader.unknown(entry, KEYS);
            }
            _ => {}
        }
    }
}

/// Returns where a part of a YAML scalar stands in the page.
///
/// Indentation, folding and quotes lie between the text and the page: both are walked side by side, and what
/// is not the next visible character of the text is passed over.
pub(crate) fn within(
    page: &Page,
    scalar: &Range<usize>,
    text: &str,
    part: &Range<usize>,
) -> Range<usize> {
    let raw = page.slice(scalar);
    let mut rest = raw.char_indices().peekable();
    let mut start = None;
    let mut end = 0;
    for (at, character) in text.char_indices() {
        if character.is_whitespace() {
            continue;
        }
        let Some((found, _)) = rest.find(|(_, raw)| *raw == character) else {
            break;
        };
        if at < part.end || start.is_none() {
            end = found + character.len_utf8();
        }
        if at >= part.start && start.is_none() {
            start = Some(found);
        }
    }
    let start = start.unwrap_or(end);
    scalar.start + start..scalar.start + end.max(start)
}

fn is_word(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    text.chars().all(fits)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.len() <= 100
}

/// Returns a text in kebab-case.
pub(crate) fn kebab(text: &str) -> String {
    let mut word = String::new();
    for character in text.chars() {
        if character.is_ascii_alphanumeric() || character == '.' {
            word.push(character.to_ascii_lowercase());
        } else if !word.ends_with('-') && !word.is_empty() {
            word.push('-');
        }
    }
    word.truncate(100);
    word.trim_end_matches('-').to_owned()
}
