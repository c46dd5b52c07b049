//! The findings on the page: a rule after the other, what needs a person first.

use kubeassay_core::Severity;
use kubeassay_core::rule::section_of;

use super::about::{About, anchor};
use super::entry::{self, Places};
use super::escape::{count, number, put, short};
use super::finding::chip;
use super::gather::{Entry, Gathering, NONE, OfRule, Place};
use super::nodes::Sorted;
use super::status::{Counts, Status};
use crate::Prose;
use crate::describe::{control_label, control_order};

/// All rules take no more bytes, but for the one that goes beyond.
const MAX_BYTES: usize = 18 << 20;
/// A section's number has no more characters.
const LONGEST_KEY: usize = 40;

/// The section of rules that have no number.
const NO_SECTION: &str = "none";

/// The section of a benchmark that a rule belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    /// As the page calls it in addresses: `4.2`, `cis-eks:3.2`.
    pub(super) key: String,
    /// What it is about.
    pub(super) about: &'static str,
}

impl Section {
    pub(super) fn of(rule: &OfRule) -> Self {
        let Some(control) = rule.controls.first() else {
            return Self {
                key: NO_SECTION.to_owned(),
                about: "rules without a number",
            };
        };
        let (section, about) = section_of(&control.framework, &control.control);
        let key = if !control.control.contains('.') {
            control.framework.clone()
        } else if control.framework == "cis-kubernetes" {
            section.to_owned()
        } else {
            format!("{}:{section}", control.framework)
        };
        let key = key.chars().take(LONGEST_KEY).collect();
        Self { key, about }
    }

    /// Returns how it is called: `4.2 kubelet`.
    pub(super) fn name(&self) -> String {
        if self.key == NO_SECTION {
            return self.about.to_owned();
        }
        format!("{} {}", self.key, self.about).trim_end().to_owned()
    }

    /// Returns what to sort by: what people know by its bare number first.
    pub(super) fn order(&self) -> impl Ord + use<> {
        (
            self.key.contains(':') || self.key == "none",
            control_order(&self.key),
        )
    }
}

/// Writes findings.
pub(super) struct Writer<'a> {
    pub(super) gathering: &'a Gathering,
    pub(super) nodes: &'a Sorted,
    pub(super) with_pods: bool,
    places: Places<'a>,
    about: About<'a>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(
        gathering: &'a Gathering,
        nodes: &'a Sorted,
        prose: &'a Prose,
        with_pods: bool,
    ) -> Self {
        let names: Vec<&str> = nodes.names().collect();
        let count = names.len();
        Self {
            gathering,
            nodes,
            with_pods,
            places: Places::new(names, count, &gathering.subjects),
            about: About::new(prose),
        }
    }

    /// Hands out the rules, most pressing first: a heading where another kind begins, then the rules one by one. Returns how
    /// many findings had no room.
    pub(super) fn write<E>(
        &mut self,
        mut to: impl FnMut(&str) -> Result<(), E>,
    ) -> Result<usize, E> {
        let rules = self.gathering.rules.iter();
        let mut rules: Vec<(Status, &String, &OfRule)> = rules
            .map(|((_, id), rule)| (self.worst(rule), id, rule))
            .collect();
        rules.sort_by_cached_key(|(status, id, rule)| {
            let control = control_label(&rule.controls, id);
            (
                *status,
                rule.severity,
                control_order(&control),
                (*id).clone(),
            )
        });
        let mut numbers: Vec<usize> = (0..rules.len()).collect();
        numbers.sort_by_cached_key(|at| {
            let rule = rules.get(*at);
            rule.map(|(_, id, rule)| {
                (
                    control_order(&control_label(&rule.controls, id)),
                    (*id).clone(),
                )
            })
        });
        let mut by_control = vec![0; rules.len()];
        for (order, at) in numbers.into_iter().enumerate() {
            if let Some(slot) = by_control.get_mut(at) {
                *slot = order;
            }
        }
        let mut last = None;
        let mut left = MAX_BYTES;
        let mut beyond = 0;
        for ((status, id, rule), order) in rules.iter().zip(by_control) {
            if left == 0 {
                beyond += rule.tally.all();
                continue;
            }
            let mut page = String::new();
            if last != Some(*status) {
                if last.is_some() {
                    page.push_str("</section>\n");
                }
                let of_status = rules.iter().filter(|(one, _, _)| one == status).count();
                put(
                    &mut page,
                    format_args!(
                        "<section class=\"kind\" id=\"verdict={word}\" aria-labelledby=\"kind-{word}\"><h3 id=\"kind-{word}\">{} <small>{}</small></h3>\n",
                        status.heading(),
                        count(of_status, "rule"),
                        word = status.word()
                    ),
                );
                last = Some(*status);
            }
            self.rule(id, rule, order, &mut page);
            left = left.saturating_sub(page.len());
            to(&page)?;
        }
        if last.is_some() {
            to("</section>\n")?;
        }
        Ok(beyond)
    }

    /// Returns the worst of what counts; of a rule of which nothing counts, of all.
    fn worst(&self, rule: &OfRule) -> Status {
        let counted = rule
            .entries
            .iter()
            .filter(|entry| self.with_pods || !entry.in_pod);
        let worst = counted.map(Entry::worst).min();
        let all = || rule.entries.iter().map(Entry::worst).min();
        worst.or_else(all).unwrap_or(Status::NotApplicable)
    }

    fn rule(&mut self, id: &str, rule: &OfRule, order: usize, page: &mut String) {
        let control = control_label(&rule.controls, id);
        let section = Section::of(rule);
        let mut counts = Counts::default();
        for entry in rule
            .entries
            .iter()
            .filter(|entry| self.with_pods || !entry.in_pod)
        {
            for (status, _) in &entry.verdicts {
                counts.add(*status, entry.places.len());
            }
        }
        let total = counts.total();
        put(
            page,
            format_args!(
                "<details class=\"rule {}\" id=\"{}\" data-section=\"{}\" data-severity=\"{}\" data-order=\"{order}\"><summary><span class=\"chips\">",
                self.worst(rule).word(),
                anchor(id),
                short(&section.key),
                rule.severity
            ),
        );
        for status in Status::ALL {
            let of_status = counts.of(status);
            if of_status > 0 {
                let verdict = verdict_of(rule, status);
                page.push_str(&chip(status, verdict, (total > 1).then_some(of_status)));
            }
        }
        if total == 0 {
            page.push_str("<span class=\"chip uncounted\">not counted</span>");
        }
        put(
            page,
            format_args!(
                "</span> <span class=\"control\">{}</span> <h4>{}</h4> <span class=\"marks\"><span class=\"severity {severity}\">{severity}</span>",
                short(&control),
                short(&rule.title),
                severity = rule.severity
            ),
        );
        for state in ["new", "changed"] {
            if rule.entries.iter().any(|entry| entry.baseline == state) {
                put(page, format_args!(" <span class=\"tag\">{state}</span>"));
            }
        }
        page.push_str("</span>");
        self.gist(rule, page);
        page.push_str("</summary>\n<div class=\"inside\"><div class=\"entries\">\n");
        let mut entries: Vec<&Entry> = rule.entries.iter().collect();
        entries.sort_by_key(|entry| {
            (
                entry.in_pod && !self.with_pods,
                entry.worst(),
                std::cmp::Reverse(entry.places.len()),
            )
        });
        for entry in entries {
            self.entry(entry, page);
        }
        page.push_str("</div>\n");
        self.about.write(id, &anchor(id), rule, page);
        page.push_str("</div></details>\n");
    }

    /// Writes what was found, in a line below the title.
    fn gist(&self, rule: &OfRule, page: &mut String) {
        let worst = self.worst(rule);
        let mut of_worst = rule.entries.iter().filter(|entry| entry.worst() == worst);
        let Some(first) = of_worst.next() else { return };
        if worst >= Status::Pass {
            return;
        }
        let more = of_worst.count();
        let more = if more > 0 {
            format!(" <span class=\"note\">and {} more</span>", number(more))
        } else {
            String::new()
        };
        put(
            page,
            format_args!(" <span class=\"gist\">{}{more}</span>", first.drawn.head),
        );
    }

    fn entry(&mut self, entry: &Entry, page: &mut String) {
        let mut counts = Counts::default();
        for (status, _) in &entry.verdicts {
            counts.add(*status, entry.places.len());
        }
        let counted = if entry.in_pod && !self.with_pods {
            " data-uncounted=\"\""
        } else {
            ""
        };
        let told: Vec<String> = Status::ALL
            .into_iter()
            .filter(|status| counts.of(*status) > 0)
            .map(|status| format!("{}:{}", status.word(), counts.of(status)))
            .collect();
        put(
            page,
            format_args!(
                "<div class=\"entry {}\" data-counts=\"{}\" data-baseline=\"{}\"{counted}>\n<h4>",
                entry.worst().word(),
                told.join(" "),
                entry.baseline
            ),
        );
        for (status, verdict) in &entry.verdicts {
            page.push_str(&chip(*status, *verdict, None));
            page.push(' ');
        }
        put(page, format_args!("{}</h4>\n", entry.drawn.head));
        if !counted.is_empty() {
            page.push_str("<p class=\"note\">In a pod: shown, and not counted.</p>\n");
        }
        let places = entry.places.iter().map(|place| Place {
            node: self.nodes.place(place.node).unwrap_or(NONE),
            subject: place.subject,
        });
        self.places.write(places.collect(), page);
        entry::drawn(entry, page);
        page.push_str("</div>\n");
    }
}

/// Returns the verdict beneath a status, where all entries that have it agree.
fn verdict_of(rule: &OfRule, status: Status) -> kubeassay_core::Verdict {
    let verdicts = rule.entries.iter().flat_map(|entry| &entry.verdicts);
    let mut of_status = verdicts
        .filter(|(one, _)| *one == status)
        .map(|(_, verdict)| *verdict);
    of_status.next().unwrap_or(kubeassay_core::Verdict::Fail)
}

/// The severities, most severe first.
pub(crate) const SEVERITIES: &[Severity] = Severity::ALL;
