//! What of a benchmark the rules decide: the matrix of `rules coverage` and of docs/coverage.md.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Assessment, Benchmark, Decides, Rule};

/// How far a rule is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decided {
    /// By the machine, wherever the subject could be read.
    Machine,
    /// By the machine once the site made a choice; certain violations before that.
    Choice,
    /// Violations by the machine; where none was found, by a person with the evidence.
    Violations,
    /// By a person.
    Person,
}

impl Decided {
    /// Returns how far a rule is decided.
    pub fn of(rule: &Rule) -> Self {
        let needs_choice = rule.choices().iter().any(|choice| choice.default.is_none());
        match (rule.check(), rule.decides()) {
            (None, _) => Self::Person,
            (Some(_), Decides::Violations) => Self::Violations,
            (Some(_), Decides::Both) if needs_choice => Self::Choice,
            (Some(_), Decides::Both) => Self::Machine,
        }
    }

    /// Returns the word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Choice => "choice",
            Self::Violations => "violations",
            Self::Person => "person",
        }
    }
}

/// One control of a benchmark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Covered {
    /// Its number in the benchmark.
    pub control: String,
    /// The rule that judges it.
    pub rule: String,
    /// What the rule is about.
    pub title: String,
    /// Its level in the benchmark.
    pub level: Option<u8>,
    /// How the benchmark wants it assessed.
    pub assessment: Option<&'static str>,
    /// What there is a finding for.
    pub subject: Option<String>,
    /// How far it is decided.
    pub decided: Decided,
}

/// How many controls of a section are decided how far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// All that have a rule.
    pub controls: usize,
    /// Those that the benchmark calls automated.
    pub automated: usize,
    /// Decided by the machine.
    pub machine: usize,
    /// Decided once the site made a choice.
    pub choice: usize,
    /// Only violations are decided.
    pub violations: usize,
    /// Left to a person.
    pub person: usize,
}

impl Tally {
    /// Counts one control.
    pub fn add(&mut self, covered: &Covered) {
        self.controls += 1;
        self.automated += usize::from(covered.assessment == Some(Assessment::Automated.as_str()));
        *match covered.decided {
            Decided::Machine => &mut self.machine,
            Decided::Choice => &mut self.choice,
            Decided::Violations => &mut self.violations,
            Decided::Person => &mut self.person,
        } += 1;
    }
}

/// A section of a benchmark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Section {
    /// Its number, such as `1.2`.
    pub section: String,
    /// What it is about, in our words; empty where the benchmark is not CIS Kubernetes.
    pub about: &'static str,
    /// Its controls, in their order.
    pub controls: Vec<Covered>,
}

/// What the sections of CIS Kubernetes are about.
const ABOUT: &[(&str, &str)] = &[
    ("1.1", "files of the control plane"),
    ("1.2", "API server"),
    ("1.3", "controller manager"),
    ("1.4", "scheduler"),
    ("2", "etcd"),
    ("3.1", "who logs in, and how"),
    ("3.2", "audit log"),
    ("4.1", "files of the nodes"),
    ("4.2", "kubelet"),
    ("4.3", "kube-proxy"),
    ("5.1", "RBAC and service accounts"),
    ("5.2", "pod security"),
    ("5.3", "network policies"),
    ("5.4", "secrets"),
    ("5.5", "where images come from"),
    ("5.6", "namespaces and workloads"),
];

/// Returns the sections of a benchmark that the rules have a number in, in their order.
pub fn coverage<'a>(rules: impl Iterator<Item = &'a Rule>, benchmark: &Benchmark) -> Vec<Section> {
    let mut sections: BTreeMap<Vec<Part>, Section> = BTreeMap::new();
    for rule in rules {
        let Some(control) = benchmark.number_of(rule) else {
            continue;
        };
        let number = before_last(&control.control);
        let section = sections.entry(parts(number)).or_insert_with(|| Section {
            section: number.to_owned(),
            about: about(number, benchmark),
            controls: Vec::new(),
        });
        section.controls.push(Covered {
            control: control.control.clone(),
            rule: rule.id().to_owned(),
            title: rule.title().to_owned(),
            level: rule.level(),
            assessment: rule.assessment().map(Assessment::as_str),
            subject: rule.subject().map(str::to_owned),
            decided: Decided::of(rule),
        });
    }
    let mut sections: Vec<Section> = sections.into_values().collect();
    for section in &mut sections {
        section
            .controls
            .sort_by_cached_key(|covered| (parts(&covered.control), covered.rule.clone()));
    }
    sections
}

fn about(section: &str, benchmark: &Benchmark) -> &'static str {
    about_in(benchmark.framework(), section)
}

/// Returns the section of a control of a framework, and what it is about in our words; that is empty where the framework
/// is not `cis-kubernetes`.
pub fn section_of<'a>(framework: &str, control: &'a str) -> (&'a str, &'static str) {
    let section = before_last(control);
    (section, about_in(framework, section))
}

fn about_in(framework: &str, section: &str) -> &'static str {
    if framework != "cis-kubernetes" {
        return "";
    }
    let mut known = ABOUT.iter();
    known
        .find(|(number, _)| *number == section)
        .map_or("", |(_, about)| about)
}

/// Returns the section of a control: all of its number but the last part; of what has no parts, its family (`V`, `AC`).
fn before_last(control: &str) -> &str {
    match control.rsplit_once('.') {
        Some((section, _)) => section,
        None => control.split(['-', '(']).next().unwrap_or(control),
    }
}

/// A part of a number, to be ordered as people count.
type Part = (u64, String);

fn parts(number: &str) -> Vec<Part> {
    let part = |part: &str| (part.parse().unwrap_or(u64::MAX), part.to_owned());
    number.split('.').map(part).collect()
}
