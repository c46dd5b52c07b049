//! Rules: documents that people read first, with a check that a machine evaluates.
//!
//! One page is one rule: front matter, prose under fixed headings, examples. Bundled pages are strict;
//! pages from elsewhere may be plain documentation, which is bound to the bundled check of the same
//! control. Mistakes are [`Diagnostic`]s with file, line and column, never a panic.
//!
//! - [`Catalogue`]: the rules of a scan; [`select`](Catalogue::select) finds what a user typed
//! - [`Rule`]: one page; [`evaluate`](Rule::evaluate) judges settings, [`lint`](Rule::lint) judges the page
//! - [`Benchmark`], [`SiteChoices`]: which numbers are meant, and what a site decided
//! - [`coverage()`]: what of a benchmark the rules decide
//! - [`yaml`]: YAML in which every node knows its place, for the files of a site
//! - [`Settings`], [`Schema`]: what the caller brings
//! - [`Example`]: the fenced blocks that are run as tests

mod benchmark;
mod catalogue;
mod check;
mod cis;
mod coverage;
mod diagnostic;
mod document;
mod evaluate;
mod examples;
mod expression;
mod front_matter;
mod functions;
mod lint;
mod page;
mod prepared;
mod selector;
mod setting;
mod site;
pub(crate) mod site_file;
mod structure;
mod types;
pub mod yaml;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

pub use benchmark::Benchmark;
pub use catalogue::{Catalogue, Document, Replacing};
pub use check::{Check, Choices, Evaluation, Outcome, UnknownSetting};
pub use coverage::{Covered, Decided, Section, Tally, coverage, section_of};
pub use diagnostic::{Code, Diagnostic, DiagnosticSeverity, RenderStyle};
pub use examples::{CONFIG_PATH, Example, ExampleFile, ExampleHost, ExampleStatus, KUBEADM_ARGV};
pub use front_matter::{Assessment, Choice, Decides, Fix};
pub use functions::{parse_duration, parse_mode, parse_quantity};
pub use page::MAX_PAGE;
pub use prepared::{PreparedRule, PreparedRules};
pub use selector::UnknownSelector;
pub use setting::{Reading, Schema, SettingType, Settings, did_you_mean, suggestion};
pub use site::{MAX_SITE, SiteChoices};

use crate::report::Control;
use crate::value::Value;
use crate::verdict::Severity;

/// Where a page came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is part of kubeassay.
    Bundled,
    /// It was added; the file as its caller named it.
    Added(String),
}

/// A line of the section CIS Controls: a safeguard of the CIS Critical Security Controls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CisControl {
    /// The version of the CIS Controls, such as `8`.
    pub version: String,
    /// The number in it, such as `3.3`.
    pub control: String,
    /// What the page says of it.
    pub text: String,
}

/// One section of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionText {
    /// Its heading.
    pub name: String,
    /// The Markdown below it, trimmed.
    pub markdown: String,
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) severity: Severity,
    pub(crate) subject: Option<String>,
    pub(crate) files: Option<String>,
    pub(crate) level: Option<u8>,
    pub(crate) assessment: Option<Assessment>,
    pub(crate) decides: Decides,
    pub(crate) controls: Vec<Control>,
    pub(crate) aliases: Vec<String>,
    pub(crate) expected: String,
    pub(crate) remediation: String,
    pub(crate) choices: Vec<Choice>,
    pub(crate) check: Option<Check>,
    pub(crate) applies: Option<(Check, String)>,
    pub(crate) fix: Option<Fix>,
    pub(crate) bound_to: Option<String>,
    pub(crate) origin: Origin,
    /// What the program was built with, where the page is not read before someone asks for its prose.
    pub(crate) prepared: Option<&'static PreparedRule>,
    pub(crate) prose: OnceLock<Prose>,
}

/// The part of a page that judging does not need.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prose {
    pub(crate) page: Arc<page::Page>,
    pub(crate) sections: Vec<SectionText>,
    pub(crate) cis_controls: Vec<CisControl>,
    pub(crate) places: Places,
}

/// Where the parts stand that lint points at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    pub(crate) check: Option<Range<usize>>,
    pub(crate) applies: Option<Range<usize>>,
    pub(crate) choices: Vec<Range<usize>>,
    pub(crate) fix: Vec<Range<usize>>,
    pub(crate) subject: Range<usize>,
    pub(crate) files: Option<Range<usize>>,
}

impl Rule {
    /// Returns the rule's id, which never changes.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns what the rule is about, in a line.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Returns how much a failure matters.
    pub const fn severity(&self) -> Severity {
        self.severity
    }

    /// Returns what there is one finding for, such as `kubelet`; nothing where the page does not say.
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// Returns which files a rule about files is about, by the role that they play, such as `pki-key`.
    pub fn files(&self) -> Option<&str> {
        self.files.as_deref()
    }

    /// Returns the level (profile) of the benchmark that the rule belongs to: 1 or 2.
    pub const fn level(&self) -> Option<u8> {
        self.level
    }

    /// Returns how the benchmark wants it assessed.
    pub const fn assessment(&self) -> Option<Assessment> {
        self.assessment
    }

    /// Returns what the check is able to decide.
    pub const fn decides(&self) -> Decides {
        self.decides
    }

    /// Returns every number the rule is known by, its own home first, sorted after that, each once.
    pub fn controls(&self) -> &[Control] {
        &self.controls
    }

    /// Returns its other names.
    pub fn aliases(&self) -> &[String] {
        &self.aliases
    }

    /// Returns what the rule wants, in a sentence.
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// Returns the start of the section Remediation as plain text: its first paragraphs, separated by
    /// empty lines, and the blocks between them, indented by four spaces.
    pub fn remediation(&self) -> &str {
        &self.remediation
    }

    /// Returns the sections in the order of the page.
    pub fn sections(&self) -> &[SectionText] {
        &self.prose().sections
    }

    /// Returns the Markdown of a section.
    pub fn section(&self, name: &str) -> Option<&str> {
        let section = self
            .sections()
            .iter()
            .find(|section| section.name == name)?;
        Some(&section.markdown)
    }

    /// Returns the safeguards of the CIS Controls that it serves.
    pub fn cis_controls(&self) -> &[CisControl] {
        &self.prose().cis_controls
    }

    /// Returns what the site has to decide.
    pub fn choices(&self) -> &[Choice] {
        &self.choices
    }

    /// Returns how a failure is mended, where the page says it.
    pub const fn fix(&self) -> Option<&Fix> {
        self.fix.as_ref()
    }

    /// Returns the check; without one the rule is manual.
    pub const fn check(&self) -> Option<&Check> {
        self.check.as_ref()
    }

    /// Returns when the rule applies, and the reason to give where it does not.
    pub fn applies(&self) -> Option<(&Check, &str)> {
        self.applies
            .as_ref()
            .map(|(check, reason)| (check, reason.as_str()))
    }

    /// Reads the examples; those with mistakes are left out here and reported by [`lint`](Self::lint).
    pub fn examples(&self) -> Vec<Example> {
        examples::read(self.page(), &mut Vec::new())
    }

    /// Returns the id of the bundled rule whose check this page, which has none, took over.
    pub fn bound_to(&self) -> Option<&str> {
        self.bound_to.as_deref()
    }

    /// Returns where the page came from.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Returns the page as it was read.
    pub fn text(&self) -> &str {
        match self.prepared {
            Some(prepared) => prepared.text,
            None => &self.page().text,
        }
    }

    /// Returns the page's file as its caller named it.
    pub fn file(&self) -> &str {
        match self.prepared {
            Some(prepared) => prepared.file,
            None => &self.page().file,
        }
    }

    pub(crate) fn page(&self) -> &page::Page {
        &self.prose().page
    }

    /// Returns the prose, reading the page of a prepared rule when it is first asked for.
    pub(crate) fn prose(&self) -> &Prose {
        self.prose
            .get_or_init(|| self.prepared.map(PreparedRule::read).unwrap_or_default())
    }

    /// Evaluates the rule: first whether it applies, then the check. A rule without a check gives nothing.
    ///
    /// `chosen` is what the site decided, by the names of [`choices`](Self::choices).
    pub fn evaluate(
        &self,
        settings: &dyn Settings,
        chosen: &BTreeMap<String, Value>,
    ) -> Option<Evaluation> {
        let check = self.check.as_ref()?;
        let choices = Choices {
            declared: &self.choices,
            chosen,
        };
        let Some((applies, reason)) = &self.applies else {
            return Some(check.evaluate(settings, choices));
        };
        let applies = applies.evaluate(settings, choices);
        let outcome = match applies.outcome {
            Outcome::Holds => {
                let mut evaluation = check.evaluate(settings, choices);
                let own = std::mem::replace(&mut evaluation.read, applies.read);
                for setting in own {
                    if !evaluation.read.contains(&setting) {
                        evaluation.read.push(setting);
                    }
                }
                return Some(evaluation);
            }
            Outcome::Fails => Outcome::NotApplicable(reason.clone()),
            undecided => undecided,
        };
        Some(Evaluation {
            outcome,
            read: applies.read,
        })
    }

    /// Returns what is wrong with the page, beyond what kept it from loading: its expressions and its fix
    /// are held against `schema`, and a bundled page's form is checked.
    pub fn lint(&self, schema: &dyn Schema) -> Vec<Diagnostic> {
        lint::lint(self, schema)
    }
}

#[cfg(test)]
pub(crate) mod fixtures;
