//! The changes on the page: a kind after the other, in each a rule after the other.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use kubeassay_core::Verdict;
use kubeassay_core::changes::ChangeKind;

use super::kinds::{chip as kind_chip, meaning};
use super::nodes::Nodes;
use super::unit::absent;
use crate::Prose;
use crate::describe::{control_label, control_order};
use crate::html::about::{About, anchor, known};
use crate::html::entry::{Places, drawn};
use crate::html::escape::{count, number, put, short};
use crate::html::finding::chip;
use crate::html::gather::{Entry, Gathering, OfRule};
use crate::html::status::Status;
use crate::trace::needs_action;

/// All rules take no more bytes, but for the one that goes beyond.
const MAX_BYTES: usize = 18 << 20;
/// So many ways that verdicts turned are told at the head of a rule.
const MAX_TURNS: usize = 3;

type Said = Option<(Status, Verdict)>;

/// Writes changes.
pub(super) struct Writer<'a> {
    gathering: &'a Gathering,
    places: Places<'a>,
    about: About<'a>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(gathering: &'a Gathering, nodes: &Nodes<'a>, prose: &'a Prose) -> Self {
        Self {
            gathering,
            places: Places::new(nodes.names(), nodes.all(), &gathering.subjects),
            about: About::new(prose),
        }
    }

    /// Hands out the rules, a kind after the other, in each what needs action and is most severe first. Returns how many changes had no room.
    pub(super) fn write<E>(
        &mut self,
        mut to: impl FnMut(&str) -> Result<(), E>,
    ) -> Result<usize, E> {
        let mut rules: Vec<_> = self.gathering.rules.iter().collect();
        let control = |id: &str, rule: &OfRule| control_order(&control_label(&rule.controls, id));
        rules.sort_by_cached_key(|((kind, id), rule)| {
            let rests = kind.is_some_and(|kind| !is_open(kind, rule));
            (*kind, rests, rule.severity, control(id, rule), id.clone())
        });
        let mut numbers: Vec<usize> = (0..rules.len()).collect();
        numbers.sort_by_cached_key(|at| {
            let rule = rules.get(*at);
            rule.map(|((kind, id), rule)| (control(id, rule), id.clone(), *kind))
        });
        let mut orders = vec![0; rules.len()];
        for (order, at) in numbers.into_iter().enumerate() {
            if let Some(slot) = orders.get_mut(at) {
                *slot = order;
            }
        }
        let (mut last, mut left, mut beyond) = (None, MAX_BYTES, 0);
        for (((kind, id), rule), order) in rules.iter().zip(orders) {
            let Some(kind) = *kind else { continue };
            if left == 0 {
                beyond += rule.tally.all();
                continue;
            }
            let mut page = String::new();
            if last != Some(kind) {
                if last.is_some() {
                    page.push_str("</section>\n");
                }
                let of_kind = rules.iter().filter(|((one, _), _)| *one == Some(kind));
                begin_kind(kind, of_kind.count(), &mut page);
                last = Some(kind);
            }
            self.rule(kind, id, rule, order, &mut page);
            left = left.saturating_sub(page.len());
            to(&page)?;
        }
        if last.is_some() {
            to("</section>\n")?;
        }
        Ok(beyond)
    }

    fn rule(&mut self, kind: ChangeKind, id: &str, rule: &OfRule, order: usize, page: &mut String) {
        let place = anchor(&format!("{}-{id}", kind.as_str()));
        let open = is_open(kind, rule);
        // All that is new does.
        let mark = if open && kind != ChangeKind::New {
            " <span class=\"tag\">needs action</span>"
        } else {
            ""
        };
        put(
            page,
            format_args!(
                "<details class=\"rule\" id=\"{place}\" data-change=\"{}\" data-rule=\"{}\" data-severity=\"{}\" data-order=\"{order}\"><summary><span class=\"chips\">{}</span> <span class=\"control\">{}</span> <h4>{}</h4> <span class=\"marks\"><span class=\"of-kind\">{}</span>{mark} <span class=\"severity {severity}\">{severity}</span></span>",
                kind.as_str(),
                anchor(id),
                rule.severity,
                turns(kind, rule),
                short(&control_label(&rule.controls, id)),
                short(&rule.title),
                kind_chip(kind),
                severity = rule.severity
            ),
        );
        let mut entries: Vec<&Entry> = rule.entries.iter().collect();
        entries.sort_by_key(|entry| (entry.worst(), Reverse(entry.places.len())));
        if let Some(first) = entries.first() {
            let more = match entries.len() - 1 {
                0 => String::new(),
                more => format!(" <span class=\"note\">and {} more</span>", number(more)),
            };
            put(
                page,
                format_args!(" <span class=\"gist\">{}{more}</span>", first.drawn.head),
            );
        }
        page.push_str("</summary>\n<div class=\"inside\"><div class=\"entries\">\n");
        for entry in &entries {
            self.entry(kind, entry, page);
        }
        page.push_str("</div>\n");
        if open {
            self.about.write(id, &place, rule, page);
        } else {
            page.push_str("<div class=\"about\">");
            known(id, &place, rule, page);
            page.push_str("</div>\n");
        }
        page.push_str("</div></details>\n");
    }

    fn entry(&mut self, kind: ChangeKind, entry: &Entry, page: &mut String) {
        let mut told: Vec<String> = Vec::new();
        let mut words: Vec<&str> = entry.verdicts.iter().map(|one| word(kind, *one)).collect();
        words.sort_unstable();
        for same in words.chunk_by(|one, next| one == next) {
            if let Some(word) = same.first() {
                told.push(format!("{word}:{}", same.len() * entry.places.len()));
            }
        }
        let side = match kind {
            ChangeKind::NoLongerSeen => "gone",
            _ => entry.worst().word(),
        };
        put(
            page,
            format_args!(
                "<div class=\"entry {side}\" data-counts=\"{}\">\n<h4>",
                told.join(" ")
            ),
        );
        for (before, now) in entry.before.iter().zip(&entry.verdicts) {
            put(page, format_args!("{} ", turn(kind, *before, *now, None)));
        }
        put(page, format_args!("{}</h4>\n", entry.drawn.head));
        self.places.write(entry.places.clone(), page);
        drawn(entry, page);
        page.push_str("</div>\n");
    }
}

/// Returns whether somebody has to do something about one of the changes as it is now.
fn is_open(kind: ChangeKind, rule: &OfRule) -> bool {
    let now = rule.entries.iter().flat_map(|entry| &entry.verdicts);
    let mut open =
        now.filter(|(status, verdict)| *status != Status::Waived && needs_action(*verdict));
    kind != ChangeKind::NoLongerSeen && open.next().is_some()
}

fn begin_kind(kind: ChangeKind, rules: usize, page: &mut String) {
    put(
        page,
        format_args!(
            "<section class=\"kind\" id=\"change={word}\" aria-labelledby=\"kind-{word}\"><h3 id=\"kind-{word}\">{} {} <small>{}</small></h3>\n",
            kind_chip(kind),
            meaning(kind),
            count(rules, "rule"),
            word = kind.as_str()
        ),
    );
}

/// Returns the word by which the page finds what a change is now.
const fn word(kind: ChangeKind, now: (Status, Verdict)) -> &'static str {
    match kind {
        ChangeKind::NoLongerSeen => "gone",
        _ => now.0.word(),
    }
}

/// Returns how the verdicts of a rule turned, and how often, if that is more than once.
fn turns(kind: ChangeKind, rule: &OfRule) -> String {
    let mut turns: BTreeMap<_, (usize, Said, (Status, Verdict))> = BTreeMap::new();
    for entry in &rule.entries {
        for (before, now) in entry.before.iter().zip(&entry.verdicts) {
            let was = before.map(|(status, _)| status);
            let of_turn = (now.0, was.is_none(), was);
            let (count, ..) = turns.entry(of_turn).or_insert((0, *before, *now));
            *count += entry.places.len();
        }
    }
    let all: usize = turns.values().map(|(count, ..)| count).sum();
    let mut said: Vec<String> = turns
        .values()
        .take(MAX_TURNS)
        .map(|(count, before, now)| turn(kind, *before, *now, (all > 1).then_some(*count)))
        .collect();
    if turns.len() > MAX_TURNS {
        said.push("\u{2026}".to_owned());
    }
    said.join(" ")
}

/// Returns a verdict before and now.
fn turn(kind: ChangeKind, before: Said, now: (Status, Verdict), count: Option<usize>) -> String {
    let said = |one: Said| {
        one.map_or_else(
            || absent().to_owned(),
            |(status, verdict)| chip(status, verdict, None),
        )
    };
    let count = count.map(|count| format!(" <b>{}</b>", number(count)));
    // What is not seen any more is handed about as it was.
    let after = (kind != ChangeKind::NoLongerSeen).then_some(now);
    format!(
        "<span class=\"turn {}\">{} \u{2192} {}{}</span>",
        word(kind, now),
        said(before),
        said(after),
        count.unwrap_or_default()
    )
}
