//! A plan for a person: what will be mended, how each file changes, what has to hold first, what stays as it is; last the
//! counts and the next command.

use std::io::Write;

use kubeassay_core::plan::{
    Edit, EditKind, Elsewhere, Paste, Plan, PlannedFix, Preflight, Readiness, Restart,
    SettingChange, Unfixed,
};
use serde_json::Value;

use crate::describe::{describe_origin, verdict_word};
use crate::diff;
use crate::ink::Ink;
use crate::page::{Page, width};
use crate::{RenderError, Style};

/// Columns of the labels: `verdict` and two spaces.
const LABEL: usize = 9;

/// Columns of the words at the head of a line: `UNKNOWN` and two spaces.
const WORD: usize = 9;

/// Writes a plan. `next` is the command that applies it, where there is one.
///
/// # Errors
///
/// When `out` does not take it.
pub fn write(
    plan: &Plan,
    next: Option<&str>,
    style: Style,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    let mut page = Page::new(style);
    head(plan, &mut page);
    for fix in &plan.fixes {
        page.gap();
        mended(fix, &mut page);
    }
    for edit in &plan.edits {
        page.gap();
        file(edit, &mut page);
    }
    section("Restart", &plan.restarts, &mut page, restart);
    if plan.restarts.is_empty() && !plan.edits.is_empty() {
        page.gap();
        page.line(
            Ink::Plain,
            "Nothing is restarted: what reads these files does not run, and is not started.",
        );
    }
    // Of a plan that cannot be applied, nothing has to be accepted.
    section(
        "What has to hold first",
        &plan.preflight,
        &mut page,
        |check, page| preflight(check, next.is_some(), page),
    );
    section(
        "Change it there too, or it does not last",
        &plan.elsewhere,
        &mut page,
        elsewhere,
    );
    section("What stays as it is", &plan.unfixed, &mut page, unfixed);
    closing(plan, next, &mut page);
    out.write_all(page.into_text().as_bytes())?;
    Ok(())
}

/// Returns what a plan would do, in one sentence: `Plan: 2 to mend, 1 file to change, …`.
pub fn summary(plan: &Plan) -> String {
    let mut parts = Vec::new();
    let mut add = |count: usize, one: &str, many: &str| {
        if count > 0 {
            parts.push(format!("{count} {}", if count == 1 { one } else { many }));
        }
    };
    let made = plan.edits.iter();
    let made = made.filter(|edit| edit.kind == EditKind::Create).count();
    add(plan.fixes.len(), "to mend", "to mend");
    add(plan.edits.len() - made, "file to change", "files to change");
    add(made, "file to make", "files to make");
    add(
        plan.restarts.len(),
        "service to restart",
        "services to restart",
    );
    add(plan.unfixed.len(), "not fixable", "not fixable");
    let mut text = match (plan.has_changes(), parts.is_empty()) {
        (true, _) => format!("Plan: {}", parts.join(", ")),
        (false, false) => format!("Nothing to change; {}", parts.join(", ")),
        (false, true) => {
            "Nothing to do: what was asked for holds, or does not concern this node".to_owned()
        }
    };
    let blocking: Vec<&str> = plan.blocked_by().map(|check| check.id.as_str()).collect();
    if !blocking.is_empty() {
        text = format!("{text}; blocked by: {}", blocking.join(", "));
    }
    text
}

fn section<T>(title: &str, parts: &[T], page: &mut Page, write: impl Fn(&T, &mut Page)) {
    if parts.is_empty() {
        return;
    }
    page.gap();
    page.line(Ink::Strong, title);
    for part in parts {
        write(part, page);
    }
}

fn head(plan: &Plan, page: &mut Page) {
    let rules = &plan.request.rules;
    let asked = match rules.len() {
        0 => "no rule".to_owned(),
        1..=3 => rules.join(", "),
        many => format!("{many} rules"),
    };
    let parts = [
        format!("Plan for {}", plan.node.name),
        asked,
        format!("facts of {:.0}", plan.taken),
    ];
    page.parts(Ink::Strong, &parts);
}

/// Writes `MEND     4.2.2   title` and what is below it.
fn title(ink: Ink, word: &str, control: Option<&str>, rule: &str, text: &str, page: &mut Page) {
    let word = format!("{word:7}");
    let control = format!("{:6}", control.unwrap_or(rule));
    let prefix = [
        (ink, word.as_str()),
        (Ink::Plain, "  "),
        (Ink::Strong, &control),
        (Ink::Plain, "  "),
    ];
    let hanging = prefix.iter().map(|(_, part)| width(part)).sum();
    page.hang(&prefix, (Ink::Plain, text), hanging);
}

fn mended(fix: &PlannedFix, page: &mut Page) {
    let control = fix.control.as_deref();
    title(Ink::Good, "MEND", control, &fix.rule, &fix.title, page);
    page.item(2, "subject", LABEL, (Ink::Plain, &fix.subject));
    page.item(2, "verdict", LABEL, (Ink::Plain, &verdicts(fix)));
    for change in &fix.settings {
        setting(change, page);
    }
    if fix.settings.is_empty() {
        let text = "the restart alone: what is on disk is as the rule wants it";
        page.item(2, "by", LABEL, (Ink::Plain, text));
    }
}

/// Returns `fail → pass`, or what it is now and what the next start would make of it where that differs.
fn verdicts(fix: &PlannedFix) -> String {
    let planned = fix.planned;
    if fix.running == fix.restart {
        return format!("{} → {planned}", fix.running);
    }
    format!(
        "{} now, {} at the next start → {planned}",
        fix.running, fix.restart
    )
}

fn setting(change: &SettingChange, page: &mut Page) {
    let (from, to) = (value(&change.from), value(&change.to));
    let text = format!("{}: {from} → {to}", change.setting);
    page.item(2, "set", LABEL, (Ink::Plain, &text));
    let from = describe_origin(&change.from_origin);
    let to = describe_origin(&change.to_origin);
    if from == to {
        page.item(2, "in", LABEL, (Ink::Dim, &from));
    } else {
        page.item(2, "was", LABEL, (Ink::Dim, &from));
        page.item(2, "will be", LABEL, (Ink::Dim, &to));
    }
}

/// Returns a value as people write it: words without quotes, with commas between them, everything else as JSON has it.
fn value(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() => text.clone(),
        Value::Array(parts) if !parts.is_empty() => {
            let parts: Vec<String> = parts.iter().map(self::value).collect();
            parts.join(", ")
        }
        value => value.to_string(),
    }
}

fn file(edit: &Edit, page: &mut Page) {
    let what = match edit.kind {
        EditKind::Change => "changes",
        EditKind::Create => "is made (mode 0644, owned by root)",
    };
    page.line(Ink::Strong, &format!("{} {what}", edit.target));
    if edit.path != edit.target {
        let text = format!("named {}, which leads there by symbolic links", edit.path);
        page.item(2, "", 0, (Ink::Dim, &text));
    }
    diff::write(edit, page);
}

fn restart(restart: &Restart, page: &mut Page) {
    let by = match &restart.by {
        Some(by) => format!(" by {by}"),
        None => String::new(),
    };
    let text = format!(
        "{}{by}, after systemd has read its unit files again",
        restart.unit
    );
    page.item(2, "", 0, (Ink::Plain, &text));
}

/// Returns the word of a check and its colour.
pub(crate) const fn readiness(readiness: Readiness) -> (Ink, &'static str) {
    match readiness {
        Readiness::Pass => (Ink::Good, "pass"),
        Readiness::Fail => (Ink::Bad, "FAIL"),
        Readiness::Unknown => (Ink::Doubt, "unknown"),
    }
}

fn preflight(check: &Preflight, with_help: bool, page: &mut Page) {
    let (ink, word) = readiness(check.readiness);
    let reason = match (check.readiness, check.accepted) {
        (Readiness::Unknown, true) => format!("{} (accepted)", check.reason),
        // Some say themselves when it may be accepted.
        (Readiness::Unknown, false) if with_help && !check.reason.contains("--accept") => {
            format!(
                "{} To go on without knowing: --accept {}",
                ended(&check.reason),
                check.id
            )
        }
        _ => check.reason.clone(),
    };
    self::check(ink, word, &check.id, &reason, page);
}

/// Returns a sentence with a full stop.
fn ended(sentence: &str) -> String {
    let sentence = sentence.trim_end();
    if sentence.ends_with(['.', '!', '?']) {
        sentence.to_owned()
    } else {
        format!("{sentence}.")
    }
}

/// Writes a line of a list of checks.
pub(crate) fn check(ink: Ink, word: &str, id: &str, reason: &str, page: &mut Page) {
    let word = format!("{word:WORD$}");
    let prefix = [
        (Ink::Plain, "  "),
        (ink, word.as_str()),
        (Ink::Strong, id),
        (Ink::Plain, ": "),
    ];
    page.hang(&prefix, (Ink::Plain, reason), 2 + WORD);
}

fn elsewhere(place: &Elsewhere, page: &mut Page) {
    let text = format!("{}: {}", place.manager, place.reason);
    page.item(2, "", 0, (Ink::Plain, &text));
    paste("into", &place.paste, page);
}

/// Writes what to paste as it is, line by line, below the place where it belongs.
fn paste(label: &str, paste: &Paste, page: &mut Page) {
    page.item(2, label, LABEL, (Ink::Plain, &paste.into));
    for line in paste.text.lines() {
        page.code(6, Ink::Plain, line);
    }
}

fn unfixed(left: &Unfixed, page: &mut Page) {
    page.gap();
    let ink = Ink::of(left.verdict);
    let word = verdict_word(left.verdict);
    let control = left.control.as_deref();
    title(ink, word, control, &left.rule, &left.title, page);
    page.item(2, "subject", LABEL, (Ink::Plain, &left.subject));
    page.item(2, "why", LABEL, (Ink::Plain, &left.reason));
    if let Some(instead) = &left.instead {
        paste("instead", instead, page);
    }
}

fn closing(plan: &Plan, next: Option<&str>, page: &mut Page) {
    let blocked = plan.blocked_by().next().is_some();
    let ink = match (blocked, plan.has_changes()) {
        (true, _) => Ink::Doubt,
        (false, true) => Ink::Strong,
        (false, false) => Ink::Plain,
    };
    page.gap();
    page.line(ink, &summary(plan));
    if let Some(step) = next_step(plan, next) {
        page.item(0, "next", 6, (Ink::Plain, &step));
    }
}

/// Returns what to do with the plan.
fn next_step(plan: &Plan, command: Option<&str>) -> Option<String> {
    let command = command.filter(|_| plan.has_changes())?;
    let failing: Vec<&str> = plan
        .blocked_by()
        .filter(|check| check.readiness == Readiness::Fail)
        .map(|check| check.id.as_str())
        .collect();
    if !failing.is_empty() {
        return Some(format!(
            "mend what has to hold first ({}), then: {command}",
            failing.join(", ")
        ));
    }
    let accept: Vec<String> = plan
        .blocked_by()
        .map(|check| format!(" --accept {}", check.id))
        .collect();
    Some(match accept.len() {
        0 => command.to_owned(),
        _ => format!(
            "find out what is unknown, or go on without knowing: {command}{}",
            accept.concat()
        ),
    })
}
