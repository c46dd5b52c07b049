//! From a page to a rule: what a page must have, and what a page without a check borrows.

use std::sync::{Arc, OnceLock};

use super::check::Check;
use super::cis::cis_controls;
use super::diagnostic::{Code, Diagnostic};
use super::evaluate::CHOICES;
use super::front_matter::{At, FrontMatter, kebab};
use super::page::{Page, Section};
use super::{Origin, Places, Prose, Rule, SectionText};
use crate::report::Control;
use crate::verdict::Severity;

/// The keys that a bundled page must have.
const REQUIRED: &[&str] = &[
    "id",
    "title",
    "framework",
    "control",
    "controls",
    "severity",
    "subject",
    "expected",
    "check",
];

/// Beyond this length, no further part is taken into a finding's remediation.
const REMEDIATION: usize = 800;

/// A page that was read and is not yet a rule: it may have to borrow a check.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) page: Arc<Page>,
    pub(crate) origin: Origin,
    pub(crate) front: FrontMatter,
    pub(crate) id: String,
}

impl Draft {
    /// Reads a page; all its mistakes come back if there are any.
    pub(crate) fn read(file: &str, bytes: &[u8], origin: Origin) -> Result<Self, Vec<Diagnostic>> {
        let page = Page::parse(file, bytes).map_err(|fault| vec![*fault])?;
        let mut faults = Vec::new();
        let Some(front) = FrontMatter::read(&page, &origin, &mut faults) else {
            return Err(faults);
        };
        require(&page, &front, &origin, &mut faults);
        let id = match (&front.id, &front.framework, &front.control) {
            (Some(id), ..) => id.value.clone(),
            (None, Some(framework), Some(control)) => {
                kebab(&format!("{}-{}", framework.value, control.value))
            }
            _ => String::new(),
        };
        if faults.is_empty() {
            Ok(Self {
                page: Arc::new(page),
                origin,
                front,
                id,
            })
        } else {
            Err(faults)
        }
    }

    /// Returns the control that the page is at home at.
    pub(crate) fn home(&self) -> Option<(&str, &str)> {
        Some((
            &self.front.framework.as_ref()?.value,
            &self.front.control.as_ref()?.value,
        ))
    }

    /// Returns whether the page needs the check of another.
    pub(crate) const fn borrows(&self) -> bool {
        self.front.check.is_none()
    }

    /// Makes the page a rule; `lender` is the bundled rule of the same control.
    pub(crate) fn into_rule(self, lender: Option<&Rule>) -> Rule {
        let lender = lender.filter(|_| self.borrows());
        let places = places(&self.front, &self.page);
        let Self {
            page,
            origin,
            front,
            id,
        } = self;
        let title = front
            .title
            .as_ref()
            .map_or_else(|| id.clone(), |title| title.value.clone());
        let own = front.check.is_some() || lender.is_none();
        let applies = applies(&front);
        let expected = front.expected.map(|expected| expected.value);
        let lent = |of: &dyn Fn(&Rule) -> Option<String>| lender.and_then(of);
        Rule {
            controls: controls(
                front.framework.as_ref(),
                front.control.as_ref(),
                front.controls,
            ),
            expected: expected
                .or_else(|| lent(&|rule| Some(rule.expected.clone())))
                .unwrap_or_else(|| title.clone()),
            severity: front
                .severity
                .map(|severity| severity.value)
                .or_else(|| lender.map(|rule| rule.severity))
                .unwrap_or(Severity::Medium),
            subject: front
                .subject
                .as_ref()
                .map(|subject| subject.value.clone())
                .or_else(|| lent(&|rule| rule.subject.clone()))
                .or_else(|| {
                    front
                        .check
                        .as_ref()
                        .and_then(|check| component(&check.value))
                }),
            files: front
                .files
                .as_ref()
                .map(|files| files.value.clone())
                .or_else(|| lent(&|rule| rule.files.clone())),
            level: front.level,
            assessment: front.assessment,
            decides: front
                .decides
                .or_else(|| lender.map(|rule| rule.decides))
                .unwrap_or_default(),
            remediation: remediation(&page)
                .or_else(|| lent(&|rule| Some(rule.remediation.clone())))
                .unwrap_or_default(),
            bound_to: lender.map(|rule| rule.id.clone()),
            choices: match lender {
                Some(rule) => rule.choices.clone(),
                None => front
                    .choices
                    .into_iter()
                    .map(|choice| choice.value)
                    .collect(),
            },
            prose: OnceLock::from(Prose {
                sections: page
                    .sections
                    .iter()
                    .map(|section| text_of(&page, section))
                    .collect(),
                cis_controls: page
                    .section("CIS Controls")
                    .map(|it| cis_controls(&page, it).0)
                    .unwrap_or_default(),
                places,
                page,
            }),
            fix: if own {
                front.fix
            } else {
                lender.and_then(|rule| rule.fix.clone())
            },
            applies: if own {
                applies
            } else {
                lender.and_then(|rule| rule.applies.clone())
            },
            check: front
                .check
                .map(|check| check.value)
                .or_else(|| lender.and_then(|rule| rule.check.clone())),
            aliases: front.aliases.into_iter().map(|alias| alias.value).collect(),
            id,
            title,
            origin,
            prepared: None,
        }
    }
}

/// Returns when a page's rule applies, and what to say where it does not.
fn applies(front: &FrontMatter) -> Option<(Check, String)> {
    let reason = front
        .applies_reason
        .as_ref()
        .map(|reason| reason.value.clone());
    let applies = front.applies.as_ref()?;
    let reason = reason.unwrap_or_else(|| "the rule does not apply here".to_owned());
    Some((applies.value.clone(), reason))
}

fn places(front: &FrontMatter, page: &Page) -> Places {
    Places {
        check: front.check.as_ref().map(|check| check.span.clone()),
        applies: front.applies.as_ref().map(|applies| applies.span.clone()),
        choices: front
            .choices
            .iter()
            .map(|choice| choice.span.clone())
            .collect(),
        fix: front.fix_spans.clone(),
        subject: front
            .subject
            .as_ref()
            .map_or_else(|| page.front.clone(), |subject| subject.span.clone()),
        files: front.files.as_ref().map(|files| files.span.clone()),
    }
}

/// Reports the keys that a page must have and has not.
fn require(page: &Page, front: &FrontMatter, origin: &Origin, faults: &mut Vec<Diagnostic>) {
    let has = |key: &str| front.keys.contains(key);
    let at = page.front.start..page.front.start;
    if *origin == Origin::Bundled {
        for key in REQUIRED.iter().filter(|key| !has(key)) {
            faults.push(page.diagnostic(
                Code::MissingKey,
                at.clone(),
                format!("the key `{key}` is missing"),
            ));
        }
        if let Some(id) = front.id.as_ref().filter(|id| id.value != page.stem()) {
            let message = format!(
                "the file of the rule `{}` is named `{}`",
                id.value,
                page.stem()
            );
            faults.push(page.diagnostic(Code::IdNotStem, id.span.clone(), message));
        }
    } else {
        if !has("title") {
            faults.push(page.diagnostic(
                Code::MissingKey,
                at.clone(),
                "the key `title` is missing",
            ));
        }
        let has_home = has("framework") && has("control");
        if !has("id") && !has_home {
            let message = "the page has neither an `id` nor `framework` and `control`";
            faults.push(page.diagnostic(Code::MissingKey, at.clone(), message));
        }
        if let (Some(check), None) = (&front.check, &front.subject)
            && component(&check.value).is_none()
        {
            let help = "write `subject: kubelet` for one finding for each kubelet".to_owned();
            faults.push(
                page.diagnostic(Code::MissingKey, at.clone(), "the key `subject` is missing")
                    .help(help),
            );
        }
    }
    if let (Some(applies), None) = (&front.applies, &front.applies_reason) {
        let message =
            "`applies` needs `applies-reason`, which is shown where the rule does not apply";
        faults.push(page.diagnostic(Code::MissingKey, applies.span.clone(), message));
    }
    for (number, choice) in front.choices.iter().enumerate() {
        if front
            .choices
            .iter()
            .take(number)
            .any(|earlier| earlier.value.name == choice.value.name)
        {
            let message = format!("there are two choices `{}`", choice.value.name);
            faults.push(page.diagnostic(Code::DuplicateId, choice.span.clone(), message));
        }
    }
}

/// Returns the component whose settings a check reads, if it is a single one.
fn component(check: &Check) -> Option<String> {
    let mut roots: Vec<&str> = check
        .routes()
        .iter()
        .filter_map(|route| route.segments.first().map(String::as_str))
        .filter(|root| *root != CHOICES)
        .collect();
    roots.sort_unstable();
    roots.dedup();
    match roots.as_slice() {
        [root] => Some((*root).to_owned()),
        _ => None,
    }
}

/// Returns all controls, the home first, each once.
fn controls(
    framework: Option<&At<String>>,
    control: Option<&At<String>>,
    listed: Vec<Control>,
) -> Vec<Control> {
    let mut rest = listed;
    rest.sort();
    rest.dedup();
    let (Some(framework), Some(control)) = (framework, control) else {
        return rest;
    };
    let is_home =
        |other: &Control| other.framework == framework.value && other.control == control.value;
    let home = match rest.iter().position(is_home) {
        Some(at) => rest.remove(at),
        None => Control {
            framework: framework.value.clone(),
            version: None,
            control: control.value.clone(),
        },
    };
    rest.insert(0, home);
    rest
}

fn text_of(page: &Page, section: &Section) -> SectionText {
    SectionText {
        name: section.name.clone(),
        markdown: page.slice(&section.body).trim().to_owned(),
    }
}

/// Returns the start of the section Remediation.
fn remediation(page: &Page) -> Option<String> {
    let mut parts = page.section("Remediation")?.summary.iter();
    let mut text = parts.next()?.clone();
    for part in parts {
        // A paragraph that introduces the next part is nothing without it.
        if text.len() + part.len() > REMEDIATION && !text.ends_with(':') {
            break;
        }
        text.push_str("\n\n");
        text.push_str(part);
    }
    if text.len() > 3 * REMEDIATION {
        text.truncate(text.floor_char_boundary(3 * REMEDIATION));
        text.push('…');
    }
    Some(text)
}
