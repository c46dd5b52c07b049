//! What changed as SARIF 2.1.0: what needs action now, or needed it before.
//!
//! `baselineState` is the standard's own word for it: `new`, `updated`, or `absent` of what is not among the results of now.
//! What is absent, and what was accepted, is no failure: its `kind` says what it is, and its level is `none`, so that
//! whoever looks at levels alone does not take it for one. What goes where: docs/formats.md.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use kubeassay_core::changes::{ChangeKind, ChangeSummary, Compared};
use kubeassay_core::report::{BaselineState, Finding};
use kubeassay_core::{Verdict, text};
use serde::Serialize;

use super::{Changed, Comparison, Outline, counts, in_words};
use crate::describe::describe_waiver;
use crate::open::{Gathered, Group, Joined, Open, needs_action};
use crate::sarif::document::{
    AutomationDetails, ChangeProperties, Invocation, Log, Message, Notification, Run, SarifResult,
    SideProperties, Suppression,
};
use crate::sarif::result::{self, actual};
use crate::sarif::rules::Rules;
use crate::sarif::{MAX_RESULTS, bases, plain, tool_with};
use crate::trace::number;
use crate::{Prose, RenderError, json};

/// So many nodes are named that came or went.
const MAX_NODES: usize = 20;

/// What was compared, and what came of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Properties<'a> {
    old: &'a Compared,
    new: &'a Compared,
    /// How many changes there are of each kind, those that are no results too.
    changes: ChangeSummary,
    /// Whether results stand for several changes.
    grouped: bool,
}

/// Writes what changed.
pub(super) fn write(
    comparison: &Comparison,
    prose: &Prose,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    let gathered = Gatherings::of(comparison)?;
    let mut rules = Rules::default();
    for group in gathered.groups() {
        rules.see(&group.finding);
    }
    let places = rules.places();
    let changes = gathered.changes(comparison)?;
    let results = gathered.groups().map(|group| {
        let result = result::of_group(group, &places, |id| comparison.name(id));
        match changes.get(group.finding.id.as_str()) {
            Some(change) => compared(result, change, group.joined),
            None => result,
        }
    });
    let results = results.collect();
    let Comparison { tool, old, new, .. } = comparison;
    let log = Log::of(Run {
        properties: Properties {
            old,
            new,
            changes: comparison.summary,
            grouped: gathered.are_joined(),
        },
        automation_details: AutomationDetails {
            // Of its own: a scan's results are not to be taken for gone where this is uploaded.
            id: format!("kubeassay/diff/{}", new.started),
        },
        tool: tool_with(tool.clone(), rules.described(prose)),
        invocations: [Invocation {
            execution_successful: old.complete && new.complete,
            exit_code: None,
            exit_code_description: None,
            start_time_utc: new.started,
            end_time_utc: new.started,
            tool_execution_notifications: notifications(comparison, &gathered),
        }],
        original_uri_base_ids: bases(),
        column_kind: "unicodeCodePoints",
        results,
    });
    json::write(&log, out)?;
    out.flush()?;
    Ok(())
}

/// The changes that are results.
struct Gatherings {
    gathered: Vec<Gathered>,
    /// How many changes are of what needs nobody's action, and needed none, or is for a person to decide.
    left_out: usize,
}

impl Gatherings {
    fn of(comparison: &Comparison) -> Result<Self, RenderError> {
        // What is grouped has one kind and one verdict of now, so that one says for all whether it needs action.
        let key = |outline: &Outline| (outline.kind, outline.now.map(|(verdict, _)| verdict));
        let mut numbers: BTreeMap<_, usize> = BTreeMap::new();
        let mut left_out = 0;
        for outline in comparison.changes.outlines() {
            if is_shown(outline) {
                *numbers.entry(key(outline)).or_default() += 1;
            } else {
                left_out += 1;
            }
        }
        let all: usize = numbers.values().sum();
        let (limit, joined) = if all > MAX_RESULTS {
            (MAX_RESULTS / numbers.len(), Joined::ByValue)
        } else {
            (MAX_RESULTS, Joined::Not)
        };
        let mut gathered: BTreeMap<_, Open> = BTreeMap::new();
        let outlines = comparison.changes.outlines().iter();
        for outline in outlines.filter(|outline| is_shown(outline)) {
            let change = comparison.changes.read(outline)?;
            let Some(finding) = shown(&change) else {
                continue;
            };
            let open = gathered.entry(key(outline));
            let open = open.or_insert_with(|| Open::new(limit, joined));
            match &finding.waiver {
                None => open.add(finding),
                // It is open but for the waiver.
                Some(_) => open.add(&Finding {
                    waiver: None,
                    ..finding.clone()
                }),
            }
        }
        let gathered = gathered.into_values();
        Ok(Self {
            gathered: gathered.map(|open| open.finish(true)).collect(),
            left_out,
        })
    }

    /// Returns the first change of each group, by the id of its finding.
    fn changes(&self, comparison: &Comparison) -> Result<BTreeMap<String, Changed>, RenderError> {
        let ids: BTreeSet<u128> = self.groups().map(|one| number(&one.finding.id)).collect();
        let outlines = comparison.changes.outlines().iter();
        let wanted = outlines.filter(|outline| ids.contains(&outline.id));
        wanted
            .map(|outline| {
                let change = comparison.changes.read(outline)?;
                Ok((change.finding.id.clone(), change))
            })
            .collect()
    }

    fn groups(&self) -> impl Iterator<Item = &Group> {
        self.gathered.iter().flat_map(|gathered| &gathered.groups)
    }

    fn are_joined(&self) -> bool {
        self.groups().any(|group| group.joined != Joined::Not)
    }

    fn beyond(&self) -> usize {
        self.gathered.iter().map(|gathered| gathered.beyond).sum()
    }
}

/// Returns whether a change is a result: it fails or is unknown now, or was before and somebody had to act.
fn is_shown(change: &Outline) -> bool {
    let is_waived = change.kind == ChangeKind::Waived;
    let fails = |side: Option<(Verdict, bool)>, accepted_too: bool| {
        side.is_some_and(|(verdict, is_accepted)| {
            matches!(verdict, Verdict::Fail | Verdict::Unknown) && (!is_accepted || accepted_too)
        })
    };
    fails(change.now, is_waived) || fails(change.was, false)
}

/// Returns the finding that the result of such a change shows: as it is now if it needs action or that was accepted, or
/// else as it was.
fn shown(change: &Changed) -> Option<&Finding> {
    let fails = |finding: &&Finding| matches!(finding.verdict, Verdict::Fail | Verdict::Unknown);
    let accepted = change.now().filter(fails);
    if let (ChangeKind::Waived, Some(accepted)) = (change.kind, accepted) {
        return Some(accepted);
    }
    let sides = [change.now(), change.before()];
    let mut open = sides.into_iter().flatten();
    open.find(|finding| needs_action(finding))
}

/// Returns a result with what it was, and what became of it.
fn compared(mut result: SarifResult, change: &Changed, joined: Joined) -> SarifResult {
    let needs_action_now = change.now().is_some_and(needs_action);
    let state = match change.kind {
        ChangeKind::New => BaselineState::New.as_str(),
        ChangeKind::Waived => BaselineState::Updated.as_str(),
        _ if needs_action_now => BaselineState::Updated.as_str(),
        _ => "absent",
    };
    result.baseline_state = Some(state);
    if !needs_action_now {
        result.kind = Some(match change.now().map(|new| new.verdict) {
            Some(Verdict::Pass) => "pass",
            Some(Verdict::Manual) => "review",
            Some(Verdict::NotApplicable) | None => "notApplicable",
            // Accepted.
            Some(Verdict::Fail | Verdict::Unknown) => "informational",
        });
        result.level = "none";
    }
    let waiver = change.now().and_then(|new| new.waiver.as_ref());
    result.suppressions = waiver
        .map(|waiver| Suppression {
            kind: "external",
            status: "accepted",
            justification: text::escape(&describe_waiver(waiver)),
        })
        .into_iter()
        .collect();
    // One of many says nothing of the others.
    let said = if joined == Joined::Not {
        told(change)
    } else {
        String::new()
    };
    let head = head(change.kind);
    result.message = Message::of(&format!("{head}{said}: {}", result.message.text));
    result.properties.change = Some(ChangeProperties {
        kind: change.kind,
        old: change.before().map(side),
        new: change.now().map(side),
    });
    result
}

/// Returns the kind of change as a message begins with it.
const fn head(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::New => "New",
        ChangeKind::ChangedVerdict => "Another verdict",
        ChangeKind::ChangedValue => "Another value",
        ChangeKind::ChangedOrigin => "Another origin",
        ChangeKind::NoLongerSeen => "No longer seen, which mends nothing",
        ChangeKind::Waived => "Accepted",
        ChangeKind::Fixed => "Fixed",
    }
}

/// Returns what a message says of the side that the result does not show.
fn told(change: &Changed) -> String {
    let other = match (change.before(), change.now()) {
        (Some(old), Some(new)) if needs_action(new) => Some(("was", old)),
        (Some(_), Some(new)) if change.kind != ChangeKind::Waived => Some(("now", new)),
        _ => None,
    };
    other
        .map(|(word, side)| format!(" ({word} {})", in_words(side)))
        .unwrap_or_default()
}

fn side(finding: &Finding) -> SideProperties {
    SideProperties {
        verdict: finding.verdict,
        cause: finding.cause,
        reason: text::escape(&finding.reason),
        actual: actual(finding),
    }
}

fn notifications(comparison: &Comparison, gathered: &Gatherings) -> Vec<Notification> {
    let mut told = vec![plain("note", &counts(comparison))];
    told.extend(
        comparison
            .doubts
            .iter()
            .map(|doubt| plain("warning", doubt)),
    );
    for (word, nodes) in [
        ("came", &comparison.nodes_came),
        ("went", &comparison.nodes_went),
    ] {
        if !nodes.is_empty() {
            let names = nodes.iter().take(MAX_NODES);
            let names: Vec<&str> = names.map(|node| node.name.as_str()).collect();
            let more = match nodes.len().saturating_sub(MAX_NODES) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            told.push(plain(
                "note",
                &format!("nodes that {word}: {}{more}", names.join(", ")),
            ));
        }
    }
    let left_out = match gathered.left_out {
        0 => None,
        1 => Some("1 change is no result: nothing".to_owned()),
        several => Some(format!("{several} changes are no results: nothing")),
    };
    told.extend(left_out.map(|left_out| {
        let said = "failed or was unknown there, or does so now; the formats json, jsonl and csv have all changes";
        plain("note", &format!("{left_out} {said}"))
    }));
    if gathered.are_joined() {
        told.push(plain(
            "note",
            &format!(
                "there are more than {MAX_RESULTS} changes: those of a kind are grouped by rule and value, each with its number of nodes; the formats json, jsonl and csv have every change"
            ),
        ));
    }
    let beyond = gathered.beyond();
    if beyond > 0 {
        told.push(plain(
            "error",
            &format!("{beyond} changes of more rules than there may be results are left out; the formats json, jsonl and csv have every change"),
        ));
    }
    told
}
