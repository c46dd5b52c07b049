//! Bundled rules as the program is built with them: what judging needs of each page, read by
//! `cargo xtask generate`, so that a scan parses none.
//!
//! The rest of a page, its prose, is read from its text when someone asks for it: `explain`, `rules show`, lint.

use std::sync::OnceLock;

use super::check::Check;
use super::document::Draft;
use super::front_matter::{Assessment, Choice, Decides, Fix};
use super::{Origin, Prose, Rule};
use crate::report::Control;
use crate::verdict::Severity;

/// The bundled rules.
#[derive(Debug)]
pub struct PreparedRules {
    /// Each of them, sorted by file.
    pub rules: &'static [PreparedRule],
    /// What [`Catalogue::digest`](super::Catalogue::digest) gives for them.
    pub digest: &'static str,
}

/// A bundled page, and what judging needs of it.
#[derive(Debug)]
pub struct PreparedRule {
    /// The file, below `rules/`.
    pub file: &'static str,
    /// The page.
    pub text: &'static str,
    /// See [`Rule::id`].
    pub id: &'static str,
    /// See [`Rule::title`].
    pub title: &'static str,
    /// See [`Rule::severity`].
    pub severity: Severity,
    /// See [`Rule::subject`].
    pub subject: Option<&'static str>,
    /// See [`Rule::files`].
    pub files: Option<&'static str>,
    /// See [`Rule::level`].
    pub level: Option<u8>,
    /// See [`Rule::assessment`].
    pub assessment: Option<Assessment>,
    /// See [`Rule::decides`].
    pub decides: Decides,
    /// See [`Rule::controls`]: framework, version, control.
    pub controls: &'static [(&'static str, Option<&'static str>, &'static str)],
    /// See [`Rule::aliases`].
    pub aliases: &'static [&'static str],
    /// See [`Rule::expected`].
    pub expected: &'static str,
    /// See [`Rule::remediation`].
    pub remediation: &'static str,
    /// See [`Rule::choices`].
    pub choices: fn() -> Vec<Choice>,
    /// See [`Rule::check`].
    pub check: Option<&'static str>,
    /// See [`Rule::applies`].
    pub applies: Option<(&'static str, &'static str)>,
    /// See [`Rule::fix`].
    pub fix: fn() -> Option<Fix>,
}

impl PreparedRule {
    /// Returns the rule, its prose not read yet.
    pub(super) fn rule(&'static self) -> Rule {
        Rule {
            id: self.id.to_owned(),
            title: self.title.to_owned(),
            severity: self.severity,
            subject: self.subject.map(str::to_owned),
            files: self.files.map(str::to_owned),
            level: self.level,
            assessment: self.assessment,
            decides: self.decides,
            controls: self
                .controls
                .iter()
                .map(|(framework, version, control)| Control {
                    framework: (*framework).to_owned(),
                    version: version.map(str::to_owned),
                    control: (*control).to_owned(),
                })
                .collect(),
            aliases: self
                .aliases
                .iter()
                .map(|alias| (*alias).to_owned())
                .collect(),
            expected: self.expected.to_owned(),
            remediation: self.remediation.to_owned(),
            choices: (self.choices)(),
            check: self.check.map(Check::prepared),
            applies: self
                .applies
                .map(|(check, reason)| (Check::prepared(check), reason.to_owned())),
            fix: (self.fix)(),
            bound_to: None,
            origin: Origin::Bundled,
            prepared: Some(self),
            prose: OnceLock::new(),
        }
    }

    /// Reads the page. Generating read it before, so there is nothing wrong with it; if there were, it would
    /// have no prose, and judge as it does.
    pub(super) fn read(&'static self) -> Prose {
        Draft::read(self.file, self.text.as_bytes(), Origin::Bundled)
            .ok()
            .and_then(|draft| draft.into_rule(None).prose.into_inner())
            .unwrap_or_default()
    }
}
