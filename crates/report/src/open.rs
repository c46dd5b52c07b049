//! What needs action: findings that fail or are unknown and are not accepted. Each alone as long as there is room, and
//! joined by rule and value where there are too many, so that a fleet takes no more memory than a node.

use std::collections::{BTreeMap, BTreeSet};

use kubeassay_core::report::{BaselineState, Finding, Summary};
use kubeassay_core::{Verdict, text};
use sha2::{Digest as _, Sha256};

use crate::describe::{control_label, control_order};

/// So many places of a group are kept by name.
pub(crate) const PLACES: usize = 10;

/// Returns whether somebody has to do something about it.
pub(crate) fn needs_action(finding: &Finding) -> bool {
    finding.waiver.is_none() && matches!(finding.verdict, Verdict::Fail | Verdict::Unknown)
}

/// How findings are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Joined {
    /// Each stands alone.
    Not,
    /// Those of one rule with the same verdict, horizon and values.
    ByValue,
    /// Those of one rule with the same verdict and horizon: there were too many values.
    ByRule,
}

/// Findings that are shown as one; one of them stands for all.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// The first that came.
    pub(crate) finding: Finding,
    /// How many there are.
    pub(crate) findings: usize,
    /// How they compare with the baseline; what differs is updated.
    pub(crate) state: Option<BaselineState>,
    /// How they were joined.
    pub(crate) joined: Joined,
    /// The first few of them: the node's id and the subject's key.
    pub(crate) places: Vec<(Option<String>, String)>,
    /// The numbers of the nodes, sorted.
    nodes: Vec<u32>,
    key: String,
}

impl Group {
    fn new(finding: Finding, node: Option<u32>, joined: Joined, key: String) -> Self {
        Self {
            findings: 1,
            state: finding.baseline_state,
            joined,
            places: vec![(finding.node.clone(), finding.subject.key.clone())],
            nodes: node.into_iter().collect(),
            finding,
            key,
        }
    }

    /// Returns on how many nodes they are; those of the cluster are on none.
    pub(crate) fn nodes(&self) -> usize {
        self.nodes.len()
    }

    fn add(&mut self, finding: &Finding, node: Option<u32>) {
        self.findings += 1;
        self.compare(finding.baseline_state);
        if let Some(node) = node
            && let Err(at) = self.nodes.binary_search(&node)
        {
            self.nodes.insert(at, node);
        }
        if self.places.len() < PLACES {
            let place = (finding.node.clone(), finding.subject.key.clone());
            self.places.push(place);
        }
    }

    /// Takes another of the same rule in; `joined` is how they go together.
    fn take(&mut self, other: Self, joined: Joined) {
        self.findings += other.findings;
        self.compare(other.state);
        self.nodes.extend(other.nodes);
        self.nodes.sort_unstable();
        self.nodes.dedup();
        self.joined = joined;
        let room = PLACES.saturating_sub(self.places.len());
        self.places.extend(other.places.into_iter().take(room));
    }

    fn compare(&mut self, state: Option<BaselineState>) {
        if self.state != state {
            self.state = Some(BaselineState::Updated);
        }
    }

    /// Returns what stays the same from scan to scan: the finding's id, or for a group a digest of what joined it.
    pub(crate) fn fingerprint(&self) -> String {
        match self.joined {
            Joined::Not => self.finding.id.clone(),
            Joined::ByValue | Joined::ByRule => {
                let digest = Sha256::digest(self.key.as_bytes());
                let half: Vec<u8> = digest.iter().take(16).copied().collect();
                text::hexadecimal(&half)
            }
        }
    }

    /// Returns what to sort by: what matters most first, then as people count controls.
    pub(crate) fn order(&self) -> impl Ord + use<> {
        let Self { finding, .. } = self;
        (
            finding.severity,
            finding.verdict,
            control_order(&control_label(&finding.controls, &finding.rule)),
            finding.rule.clone(),
            finding.node.clone(),
            finding.subject.key.clone(),
            finding.horizon,
            self.key.clone(),
        )
    }
}

/// Gathers what needs action.
#[derive(Debug)]
pub(crate) struct Open {
    limit: usize,
    joined: Joined,
    counted: Gathering,
    /// Those of components in workloads: only the end tells whether they count.
    in_pods: Gathering,
    /// Every finding that came.
    all: usize,
    /// The numbers of nodes that have such findings, in the order in which they came.
    nodes: BTreeMap<String, u32>,
}

/// What was gathered so far.
#[derive(Debug, Default)]
struct Gathering {
    groups: Vec<Group>,
    index: BTreeMap<String, usize>,
    /// Rules whose findings had too many values.
    by_rule: BTreeSet<String>,
    joined: bool,
    /// Nothing is left to join: there are so many rules. Findings that would need another group are counted alone.
    full: bool,
    beyond: usize,
}

/// What needs action, at the end.
#[derive(Debug)]
pub(crate) struct Gathered {
    /// What is shown as one, sorted.
    pub(crate) groups: Vec<Group>,
    /// How many findings are in none: there are more rules than groups may be.
    pub(crate) beyond: usize,
}

impl Open {
    /// Returns what keeps each finding alone until there are more than `limit`, and so many groups from then on;
    /// or joins them at once.
    pub(crate) fn new(limit: usize, joined: Joined) -> Self {
        Self {
            limit,
            joined,
            counted: Gathering::default(),
            in_pods: Gathering::default(),
            all: 0,
            nodes: BTreeMap::new(),
        }
    }

    /// Takes any finding; keeps it if it needs action.
    pub(crate) fn add(&mut self, finding: &Finding) {
        self.all += 1;
        if !needs_action(finding) {
            return;
        }
        let node = finding.node.as_deref().map(|id| self.number(id));
        let gathered = if finding.subject.in_pod {
            &mut self.in_pods
        } else {
            &mut self.counted
        };
        gathered.joined |= self.joined != Joined::Not;
        gathered.add(finding, node);
        gathered.shrink(self.limit);
    }

    fn number(&mut self, node: &str) -> u32 {
        if let Some(number) = self.nodes.get(node) {
            return *number;
        }
        let number = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        self.nodes.insert(node.to_owned(), number);
        number
    }

    /// Returns what counts, sorted. A report does not say whether findings in workloads count, but its sum does.
    pub(crate) fn end(self, summary: &Summary) -> Gathered {
        let with_pods = summary.total() == self.all;
        self.finish(with_pods)
    }

    /// Returns everything, sorted; those in workloads too if they count.
    pub(crate) fn finish(mut self, with_pods: bool) -> Gathered {
        let mut gathered = self.counted;
        if with_pods {
            if gathered.joined || self.in_pods.joined {
                gathered.join();
                self.in_pods.join();
                for group in std::mem::take(&mut self.in_pods.groups) {
                    gathered.take(group);
                }
            } else {
                gathered
                    .groups
                    .extend(std::mem::take(&mut self.in_pods.groups));
            }
            gathered.beyond += self.in_pods.beyond;
            gathered.shrink(self.limit);
        }
        gathered.groups.sort_by_cached_key(Group::order);
        Gathered {
            groups: gathered.groups,
            beyond: gathered.beyond,
        }
    }
}

impl Gathering {
    fn add(&mut self, finding: &Finding, node: Option<u32>) {
        if !self.joined {
            let group = Group::new(finding.clone(), node, Joined::Not, String::new());
            self.groups.push(group);
            return;
        }
        let (key, joined) = self.key(finding);
        match self.index.get(&key).and_then(|at| self.groups.get_mut(*at)) {
            Some(group) => group.add(finding, node),
            None if self.full => self.beyond += 1,
            None => self.push(Group::new(finding.clone(), node, joined, key)),
        }
    }

    fn push(&mut self, group: Group) {
        self.index.insert(group.key.clone(), self.groups.len());
        self.groups.push(group);
    }

    fn take(&mut self, mut group: Group) {
        let (key, joined) = self.key(&group.finding);
        let found = self.index.get(&key).and_then(|at| self.groups.get_mut(*at));
        if let Some(one) = found {
            one.take(group, joined);
        } else {
            group.key = key;
            group.joined = joined;
            self.push(group);
        }
    }

    fn key(&self, finding: &Finding) -> (String, Joined) {
        if self.by_rule.contains(&finding.rule) {
            (key(finding, false), Joined::ByRule)
        } else {
            (key(finding, true), Joined::ByValue)
        }
    }

    /// Joins what stood alone.
    fn join(&mut self) {
        self.joined = true;
        self.index.clear();
        for group in std::mem::take(&mut self.groups) {
            self.take(group);
        }
    }

    /// Joins until there are no more than `limit`: first what has the same values, then the rules with the most values.
    fn shrink(&mut self, limit: usize) {
        if self.groups.len() > limit && !self.joined {
            self.join();
        }
        while self.groups.len() > limit && !self.full {
            let mut values: BTreeMap<&str, usize> = BTreeMap::new();
            for group in &self.groups {
                *values.entry(&group.finding.rule).or_default() += 1;
            }
            let mut values: Vec<(&str, usize)> = values
                .into_iter()
                .filter(|(rule, values)| *values > 1 && !self.by_rule.contains(*rule))
                .collect();
            values.sort_by_key(|(_, values)| std::cmp::Reverse(*values));
            // With room for what comes, so that this is done seldom however many there are.
            let room = limit / 4 * 3;
            let mut left = self.groups.len();
            let mut joining = Vec::new();
            for (rule, values) in values {
                if left <= room {
                    break;
                }
                joining.push(rule.to_owned());
                left -= values - 1;
            }
            if joining.is_empty() {
                self.full = true;
                return;
            }
            self.by_rule.extend(joining);
            self.join();
        }
    }
}

/// Returns what findings have in common that are joined.
fn key(finding: &Finding, with_values: bool) -> String {
    let cause = finding.cause.map_or("", |cause| cause.as_str());
    let mut parts = vec![
        finding.rule.clone(),
        finding.verdict.to_string(),
        finding.horizon.to_string(),
    ];
    if with_values {
        parts.push(cause.to_owned());
        for evidence in &finding.evidence {
            let setting = evidence.setting.as_deref().unwrap_or_default();
            let response = evidence.response.as_deref().unwrap_or_default();
            parts.push(format!("{setting}{response}={}", evidence.value));
        }
    }
    // Neither a value nor a name can hold what parts them.
    let parts: Vec<String> = parts.iter().map(|part| text::escape(part)).collect();
    parts.join("\n")
}
