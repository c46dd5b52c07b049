//! Lint: a page held against the tables of settings, before any host is looked at.
//!
//! Whatever would be a fault of the page in an evaluation is found here where it can be: settings, choices
//! and functions that do not exist, comparisons that no value makes true, fixes that do not fit.

mod expression;

use std::ops::Range;

use super::check::Check;
use super::diagnostic::{Code, Diagnostic};
use super::evaluate::CHOICES;
use super::front_matter::within;
use super::setting::{Schema, SettingType, did_you_mean, suggestion};
use super::{Rule, structure};

/// The subject of rules about files.
const FILE: &str = "file";

/// Returns everything that is wrong with a rule's page, in the order of the page.
pub(crate) fn lint(rule: &Rule, schema: &dyn Schema) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    let applies = rule.applies.as_ref().map(|(check, _)| check);
    // A borrowed check is the lender's page's business.
    if rule.bound_to.is_none() {
        for (check, place) in [
            (rule.check.as_ref(), &rule.prose().places.check),
            (applies, &rule.prose().places.applies),
        ] {
            if let (Some(check), Some(place)) = (check, place) {
                expression(rule, check, place, schema, &mut faults);
            }
        }
        subject(rule, schema, &mut faults);
        files(rule, schema, &mut faults);
        fix(rule, schema, &mut faults);
        unused_choices(rule, applies, &mut faults);
    }
    structure::lint(rule, &mut faults);
    faults.sort_by_key(|fault| (fault.span.start, fault.code));
    faults
}

fn expression(
    rule: &Rule,
    check: &Check,
    place: &Range<usize>,
    schema: &dyn Schema,
    faults: &mut Vec<Diagnostic>,
) {
    let Ok(compiled) = check.expression() else {
        return;
    };
    let page = rule.page();
    for fault in expression::lint(compiled, &rule.choices, schema) {
        let span = within(page, place, check.source(), &fault.span);
        faults.push(
            page.diagnostic(fault.code, span, fault.message)
                .help(fault.help),
        );
    }
}

fn subject(rule: &Rule, schema: &dyn Schema, faults: &mut Vec<Diagnostic>) {
    let components = schema.components();
    if let (Some(subject), Some(_)) = (&rule.subject, &rule.check)
        && !components.contains(&subject.as_str())
    {
        let help = suggestion(&did_you_mean(subject, components.iter().copied()))
            .unwrap_or_else(|| format!("one of: {}", components.join(", ")));
        let message = format!("there is no component `{subject}` to judge");
        let span = rule.prose().places.subject.clone();
        faults.push(
            rule.page()
                .diagnostic(Code::UnknownSubject, span, message)
                .help(help),
        );
    }
}

/// A rule about files says which, by a role that is known; no other rule does.
fn files(rule: &Rule, schema: &dyn Schema, faults: &mut Vec<Diagnostic>) {
    if rule.check.is_none() {
        return;
    }
    let places = &rule.prose().places;
    let roles = schema.roles();
    let one_of = || format!("one of: {}", roles.join(", "));
    let about_files = rule.subject.as_deref() == Some(FILE);
    let (span, code, message, help) = match (&rule.files, about_files) {
        (Some(word), true) if roles.contains(&word.as_str()) => return,
        (None, false) => return,
        (Some(word), true) => (
            places.files.clone(),
            Code::BadValue,
            format!("there are no files of the role `{word}`"),
            suggestion(&did_you_mean(word, roles.iter().copied())).unwrap_or_else(one_of),
        ),
        (None, true) => (
            Some(places.subject.clone()),
            Code::MissingKey,
            "a rule about files needs `files`, the role that they play".to_owned(),
            one_of(),
        ),
        (Some(_), false) => (
            places.files.clone(),
            Code::BadValue,
            "`files` is only for rules about files".to_owned(),
            format!("write `subject: {FILE}`, or take `files` out"),
        ),
    };
    let span = span.unwrap_or_else(|| places.subject.clone());
    faults.push(rule.page().diagnostic(code, span, message).help(help));
}

fn fix(rule: &Rule, schema: &dyn Schema, faults: &mut Vec<Diagnostic>) {
    let (Some(fix), Some(subject)) = (rule.fix(), &rule.subject) else {
        return;
    };
    for ((path, value), span) in fix.set.iter().zip(&rule.prose().places.fix) {
        let name = format!("{subject}.{path}");
        let Some(kind) = settable(&name, schema) else {
            let names = schema.names();
            let help = suggestion(&below(
                subject,
                &did_you_mean(&name, names.iter().map(String::as_str)),
            ));
            let message = format!("there is no setting `{path}` of `{subject}`");
            faults.push(
                rule.page()
                    .diagnostic(Code::UnknownSetting, span.clone(), message)
                    .help(help),
            );
            continue;
        };
        if let Err(reason) = kind.fit(value.clone()) {
            let message = format!("`{path}` cannot be set to this: {reason}");
            faults.push(
                rule.page()
                    .diagnostic(Code::TypeMismatch, span.clone(), message),
            );
        }
    }
}

/// Returns the type of a setting, or of an entry of one that is a map (`featureGates.X`).
fn settable(name: &str, schema: &dyn Schema) -> Option<SettingType> {
    schema
        .setting(name)
        .or_else(|| match schema.setting(name.rsplit_once('.')?.0)? {
            SettingType::Map(of) => Some(*of),
            _ => None,
        })
}

/// Returns the names below a component without its name in front, as a fix writes them.
fn below(subject: &str, names: &[String]) -> Vec<String> {
    let prefix = format!("{subject}.");
    names
        .iter()
        .filter_map(|name| name.strip_prefix(&prefix))
        .map(str::to_owned)
        .collect()
}

fn unused_choices(rule: &Rule, applies: Option<&Check>, faults: &mut Vec<Diagnostic>) {
    let reads = |check: &Check, name: &str| {
        check
            .routes()
            .iter()
            .any(|route| match route.segments.as_slice() {
                [root, choice, ..] => root == CHOICES && choice == name,
                _ => false,
            })
    };
    for (choice, span) in rule.choices.iter().zip(&rule.prose().places.choices) {
        if !rule
            .check
            .iter()
            .chain(applies)
            .any(|check| reads(check, &choice.name))
        {
            let message = format!("no expression reads the choice `{}`", choice.name);
            faults.push(
                rule.page()
                    .diagnostic(Code::UnusedChoice, span.clone(), message),
            );
        }
    }
}

#[cfg(test)]
mod tests;
