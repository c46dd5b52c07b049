//! Covers findings with waivers, and remembers what each of them was good for.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use kubeassay_core::Verdict;
use kubeassay_core::report::{Cluster, Finding, Node};

use super::document::{Document, Entry};
use super::findings::{self, COMPONENT};
use super::notice::{Kind, Notice};
use super::observed::Held;
use super::pattern::Pattern;

/// A waiver may hold so many days from the day it was created.
const LONGEST: i64 = 400;

/// How many places are named of those that a notice is about.
const NAMED: usize = 3;

/// Pairs of waivers that disagree beyond so many are not remembered: they are one mistake, made often.
const PAIRS: usize = 1_000;

/// Covers the findings of one scan, node by node, and keeps count of what each waiver is good for.
#[derive(Clone, Debug)]
pub struct Waiving {
    entries: Vec<Entry>,
    /// The waivers of each rule, by its id.
    of_rule: BTreeMap<String, Vec<usize>>,
    uses: Vec<Use>,
    disputes: BTreeMap<(usize, usize), Dispute>,
    started: Timestamp,
    today: Date,
    cluster: Option<Cluster>,
    nodes: usize,
}

/// What one waiver was good for.
#[derive(Clone, Debug, Default)]
struct Use {
    /// Its rule was judged in its scope.
    judged: bool,
    /// Which of the nodes that it names were seen, in their order.
    seen: Vec<bool>,
    /// Something in its scope could not be decided, so that nobody can say that it is not needed.
    undecided: bool,
    /// It covers a finding.
    applied: bool,
    /// It would cover these if its last day were not over.
    over: Places,
    /// These are not as it accepts them.
    changed: Places,
    /// What changed, in one of those places.
    change: Option<(String, String)>,
}

/// Where something is, some of it by name.
#[derive(Clone, Debug, Default)]
struct Places {
    count: usize,
    /// The first few in the order of their names, so that the order of nodes says nothing.
    named: BTreeSet<String>,
}

/// Two waivers of the same findings that do not agree.
#[derive(Clone, Debug)]
struct Dispute {
    differ: Vec<&'static str>,
    places: Places,
}

impl Use {
    fn of(entry: &Entry) -> Self {
        Self {
            seen: vec![false; entry.scope.nodes.len()],
            ..Self::default()
        }
    }

    /// Notes which of the names mean this node.
    fn see(&mut self, entry: &Entry, node: Option<&Node>) {
        let Some(node) = node else { return };
        for (pattern, seen) in entry.scope.nodes.iter().zip(&mut self.seen) {
            *seen |= pattern.means(&node.name) || pattern.means(&node.id);
        }
    }

    /// Returns whether everything that it covers was looked at, so that it can be said that nothing needs it: each node
    /// that is named, and more than one of those that a pattern means.
    fn is_whole(&self, entry: &Entry, nodes: usize) -> bool {
        let names = entry.scope.nodes.iter().zip(&self.seen);
        let mut unseen = names.filter(|(name, seen)| !**seen || (nodes < 2 && !name.is_literal()));
        self.judged && !self.undecided && unseen.next().is_none()
    }

    const fn is_needed(&self) -> bool {
        self.applied || self.over.count > 0 || self.changed.count > 0
    }
}

impl Places {
    fn add(&mut self, place: &str) {
        self.count += 1;
        self.named.insert(place.to_owned());
        if self.named.len() > NAMED {
            self.named.pop_last();
        }
    }

    fn words(&self) -> String {
        let named: Vec<&str> = self.named.iter().map(String::as_str).collect();
        let named = named.join(", ");
        match self.count.saturating_sub(self.named.len()) {
            0 => named,
            more => format!("{named} and {more} more"),
        }
    }
}

impl Waiving {
    /// Returns what covers findings of a scan that began at `started` with the waivers of these files.
    pub fn new(documents: Vec<Document>, started: Timestamp, cluster: Option<Cluster>) -> Self {
        let entries = documents.into_iter().flat_map(|document| document.entries);
        let entries: Vec<Entry> = entries.collect();
        let mut of_rule: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, entry) in entries.iter().enumerate() {
            for rule in &entry.rules {
                of_rule.entry(rule.clone()).or_default().push(index);
            }
        }
        Self {
            uses: entries.iter().map(Use::of).collect(),
            entries,
            of_rule,
            disputes: BTreeMap::new(),
            started,
            today: day_of(started),
            cluster,
            nodes: 0,
        }
    }

    /// Returns the waivers.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Covers the findings of a node, or those that belong to no node. No verdict changes.
    pub fn apply(&mut self, node: Option<&Node>, findings: &mut [Finding]) {
        if node.is_some() {
            self.nodes += 1;
        }
        for finding in findings {
            // What is said of waivers cannot be waived.
            if finding.subject.component != COMPONENT {
                self.cover(node, finding);
            }
        }
    }

    /// Returns what is wrong with the waivers, as findings, sorted as a report has them.
    pub fn findings(&self) -> Vec<Finding> {
        let notices = self.notices();
        let all = notices
            .iter()
            .filter_map(|notice| findings::of(notice, &self.entries, self.started));
        let mut all: Vec<Finding> = all.collect();
        all.sort_by(|one, other| {
            (&one.rule, &one.subject.key).cmp(&(&other.rule, &other.subject.key))
        });
        all
    }

    fn cover(&mut self, node: Option<&Node>, finding: &mut Finding) {
        finding.waiver = None;
        let Some(of_rule) = self.of_rule.get(&finding.rule) else {
            return;
        };
        let needs = matches!(finding.verdict, Verdict::Fail | Verdict::Unknown);
        let mut holding = Vec::new();
        let mut over = Vec::new();
        for index in of_rule {
            let Some((entry, usage)) = self.entries.get(*index).zip(self.uses.get_mut(*index))
            else {
                continue;
            };
            if !entry.scope.covers_node(node, self.cluster.as_ref()) {
                continue;
            }
            usage.judged = true;
            usage.see(entry, node);
            if !entry.scope.covers_subject(finding) {
                // What could not be read may be what it is about.
                usage.undecided |= finding.verdict == Verdict::Unknown;
            } else if needs && entry.is_over(self.today) {
                over.push((*index, entry.observed.held(finding)));
            } else if needs {
                holding.push((*index, entry.observed.held(finding)));
            }
        }
        if !needs {
            return;
        }
        let place = place_of(node, finding);
        if holding.is_empty() {
            for (index, held) in over {
                let Some(usage) = self.uses.get_mut(index) else {
                    continue;
                };
                match held {
                    Held::As => usage.over.add(&place),
                    Held::NotKnown => usage.undecided = true,
                    Held::Changed(_) => {}
                }
            }
            return;
        }
        self.hold(finding, &holding, &place);
    }

    /// Lets the narrowest of the waivers that hold decide about a finding.
    fn hold(&mut self, finding: &mut Finding, holding: &[(usize, Held)], place: &str) {
        let narrowness = |index: usize| self.entries.get(index).map_or(0, Entry::narrowness);
        let narrowest = holding.iter().map(|(index, _)| narrowness(*index)).max();
        let (deciding, overruled): (Vec<_>, Vec<_>) = holding
            .iter()
            .partition(|(index, _)| Some(narrowness(*index)) == narrowest);
        let accepting = deciding.iter().filter(|(_, held)| *held == Held::As);
        let accepting: Vec<usize> = accepting.map(|(index, _)| *index).collect();
        // Of two that are as narrow, the one that ends first.
        let ends = |index: &usize| (self.entries.get(*index).map(|one| one.expires), *index);
        let chosen = accepting.iter().copied().min_by_key(ends);
        let deciding_one = chosen.or_else(|| deciding.first().map(|(index, _)| *index));
        if let Some(one) = deciding_one {
            let others = accepting.iter().copied().filter(|other| *other != one);
            let others = others.chain(overruled.iter().map(|(index, _)| *index));
            self.dispute(one, &others.collect::<Vec<_>>(), place);
        }
        if let Some(index) = chosen {
            finding.waiver = self.entries.get(index).map(Entry::waiver);
            if let Some(usage) = self.uses.get_mut(index) {
                usage.applied = true;
            }
            return;
        }
        for (index, held) in deciding {
            let Some(usage) = self.uses.get_mut(*index) else {
                continue;
            };
            match held {
                Held::As => {}
                Held::NotKnown => usage.undecided = true,
                Held::Changed(change) => {
                    usage.changed.add(place);
                    let earlier = usage.change.as_ref();
                    if earlier.is_none_or(|(at, _)| place < at.as_str()) {
                        usage.change = Some((place.to_owned(), change.clone()));
                    }
                }
            }
        }
    }

    /// Remembers which other waivers of the same finding say something else than the one that decides.
    fn dispute(&mut self, one: usize, others: &[usize], place: &str) {
        for other in others {
            let Some((ours, theirs)) = self.entries.get(one).zip(self.entries.get(*other)) else {
                continue;
            };
            let differ = disagreement(ours, theirs);
            let pair = (one, *other);
            if differ.is_empty()
                || (self.disputes.len() >= PAIRS && !self.disputes.contains_key(&pair))
            {
                continue;
            }
            let dispute = self.disputes.entry(pair).or_insert_with(|| Dispute {
                differ,
                places: Places::default(),
            });
            dispute.places.add(place);
        }
    }

    /// Returns what is wrong with the waivers, in their order.
    pub(super) fn notices(&self) -> Vec<Notice> {
        let mut notices = Vec::new();
        for (index, (entry, usage)) in self.entries.iter().zip(&self.uses).enumerate() {
            let mut say = |kind, reason| {
                notices.push(Notice {
                    kind,
                    entry: index,
                    other: None,
                    reason,
                });
            };
            if !usage.judged {
                continue;
            }
            if usage.over.count > 0 {
                let reason = format!(
                    "the waiver of {} by {} held until {}; it would cover {}",
                    entry.rule,
                    entry.owner,
                    entry.expires,
                    usage.over.words()
                );
                say(Kind::Expired, reason);
            }
            if let Some((place, change)) = &usage.change {
                let more = match usage.changed.count {
                    1 => String::new(),
                    count => format!("; so it is in {count} findings"),
                };
                say(
                    Kind::Changed,
                    format!("{change} ({place}){more}; the waiver does not hold there"),
                );
            }
            if !usage.is_needed() && usage.is_whole(entry, self.nodes) {
                let over = if entry.is_over(self.today) {
                    ", and its last day is over"
                } else {
                    ""
                };
                let reason = format!(
                    "{} was judged where the waiver holds, and nothing there needs it{over}",
                    entry.rule
                );
                say(Kind::Unused, reason);
            }
            if let Some(reason) = too_broad(entry, self.nodes > 1, self.today) {
                say(Kind::TooBroad, reason);
            }
        }
        for ((one, other), dispute) in &self.disputes {
            let Some((ours, theirs)) = self.entries.get(*one).zip(self.entries.get(*other)) else {
                continue;
            };
            let which = if ours.narrowness() > theirs.narrowness() {
                "the narrower one"
            } else if ours.expires < theirs.expires {
                "the one that ends first"
            } else {
                "the one that stands first"
            };
            notices.push(Notice {
                kind: Kind::Contradicting,
                entry: *one,
                other: Some(*other),
                reason: format!(
                    "this and {} cover {} and disagree on {}; {} holds, {which}",
                    theirs.origin(),
                    dispute.places.words(),
                    dispute.differ.join(" and "),
                    ours.origin()
                ),
            });
        }
        notices
    }
}

/// Returns the day in UTC.
pub(super) fn day_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// Returns on what two waivers of the same finding do not agree.
pub(super) fn disagreement(one: &Entry, other: &Entry) -> Vec<&'static str> {
    let all = [
        ("owner", one.owner != other.owner),
        ("expires", one.expires != other.expires),
        ("observed", one.observed.disagrees(&other.observed)),
    ];
    let differ = all.into_iter().filter(|(_, differs)| *differs);
    differ.map(|(what, _)| what).collect()
}

/// Returns why a waiver covers more than anybody can have looked at.
pub(super) fn too_broad(entry: &Entry, several_nodes: bool, today: Date) -> Option<String> {
    let everything = |pattern: &Pattern| pattern.is_everything();
    let of_nodes = entry.scope.nodes.iter().any(everything);
    let of_subject = entry.scope.subject.as_ref().is_some_and(everything);
    let begins = entry.created.unwrap_or(today);
    let latest = begins.checked_add(LONGEST.days()).unwrap_or(Date::MAX);
    let reasons = [
        (
            several_nodes && entry.scope.is_open(),
            "it has no scope, and covers every node and every subject",
        ),
        (of_nodes, "`*` alone means every node"),
        (of_subject, "`*` alone means every subject"),
        (entry.expires > latest, "it holds for more than 400 days"),
    ];
    let said = reasons.into_iter().filter(|(holds, _)| *holds);
    let said: Vec<&str> = said.map(|(_, reason)| reason).collect();
    (!said.is_empty()).then(|| format!("the waiver of {}: {}", entry.rule, said.join("; ")))
}

/// Returns where a finding is, for a person: `/var/lib/kubelet on worker-1`.
fn place_of(node: Option<&Node>, finding: &Finding) -> String {
    let subject = &finding.subject;
    let what = subject.object.as_ref().unwrap_or(&subject.key);
    let what = match finding.horizon {
        kubeassay_core::Horizon::Running => what.clone(),
        horizon => format!("{what} ({horizon})"),
    };
    match node {
        Some(node) => format!("{what} on {}", node.name),
        None => what,
    }
}
