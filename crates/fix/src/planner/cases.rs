//! What was found, by subject and rule: what runs now beside what the next start would be.

use std::collections::BTreeMap;

use kubeassay_core::report::Finding;
use kubeassay_core::rule::Rule;
use kubeassay_core::{Horizon, Verdict};

use super::Asked;

/// What was found of one rule on one subject.
pub(super) struct Case<'a> {
    pub(super) rule: &'a Rule,
    running: Option<&'a Finding>,
    restart: Option<&'a Finding>,
}

impl Case<'_> {
    /// Returns what runs now.
    pub(super) fn now(&self) -> Verdict {
        let finding = self.running.or(self.restart);
        finding.map_or(Verdict::Unknown, |finding| finding.verdict)
    }

    /// Returns what the next start would be with the files as they are; where it is not said, as now.
    pub(super) fn next(&self) -> Verdict {
        let finding = self.restart.or(self.running);
        finding.map_or(Verdict::Unknown, |finding| finding.verdict)
    }

    /// Returns the finding that is to be mended, else the one that could not be decided, else none.
    pub(super) fn open(&self) -> Option<&Finding> {
        let of = |verdict| {
            let findings = self.running.into_iter().chain(self.restart);
            findings
                .into_iter()
                .find(|finding| finding.verdict == verdict)
        };
        of(Verdict::Fail).or_else(|| of(Verdict::Unknown))
    }
}

/// Returns the rules that do not pass, by subject; of each subject in the order of the rules' ids.
pub(super) fn cases<'a>(
    findings: &'a [Finding],
    asked: &Asked<'a>,
) -> BTreeMap<String, Vec<Case<'a>>> {
    let mut all: BTreeMap<(String, &str), Case<'a>> = BTreeMap::new();
    for finding in findings {
        let of_node = finding.subject.object.is_none() && !finding.subject.in_pod;
        let mut rules = asked.rules.iter();
        let Some(rule) = rules
            .find(|rule| rule.id() == finding.rule)
            .filter(|_| of_node)
        else {
            continue;
        };
        let key = (finding.subject.key.clone(), rule.id());
        let case = all.entry(key).or_insert(Case {
            rule,
            running: None,
            restart: None,
        });
        match finding.horizon {
            Horizon::Running => case.running = Some(finding),
            Horizon::Restart => case.restart = Some(finding),
            Horizon::Rebuild => {}
        }
    }
    let mut cases: BTreeMap<String, Vec<Case<'a>>> = BTreeMap::new();
    for ((subject, _), case) in all {
        if case.open().is_some() {
            cases.entry(subject).or_default().push(case);
        }
    }
    cases
}
