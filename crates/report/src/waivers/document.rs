//! A file of waivers.

use std::ops::Range;
use std::sync::Arc;

use jiff::civil::Date;
use kubeassay_core::Horizon;
use kubeassay_core::report::{Cluster, Finding, Node, Waiver};
use kubeassay_core::rule::{Catalogue, Code, Diagnostic};

use super::observed::Observed;
use super::pattern::Pattern;
use super::reader;

/// A file with more waivers is not read.
pub const MAX_WAIVERS: usize = 2_000;

/// A file of waivers that was read.
#[derive(Clone, Debug)]
pub struct Document {
    /// The file, as its caller named it.
    pub file: Arc<str>,
    /// What it holds, for excerpts.
    pub text: String,
    /// The waivers, in the order of the file.
    pub entries: Vec<Entry>,
}

/// One waiver.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The rule as it was written: `4.2.2`, an id, an alias.
    pub rule: String,
    /// The ids of the rules that this means; never empty.
    pub rules: Vec<String>,
    /// What it covers.
    pub scope: Scope,
    /// The values that were accepted.
    pub observed: Observed,
    /// Why it was accepted.
    pub reason: String,
    /// Who accepted it.
    pub owner: String,
    /// Where it was discussed.
    pub ticket: Option<String>,
    /// When it was accepted.
    pub created: Option<Date>,
    /// The last day on which it holds, in UTC.
    pub expires: Date,
    /// What tells it from the others, however many lines above it change: the file and the rule, with a number where the
    /// file has several of that rule.
    pub key: String,
    /// The file, as its caller named it.
    pub file: Arc<str>,
    /// The line where it begins, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// The bytes of the file where it begins.
    pub span: Range<usize>,
}

/// What a waiver covers; everything that is named has to match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Names or ids of nodes; any node where there are none.
    pub nodes: Vec<Pattern>,
    /// The UID of the cluster's `kube-system` namespace, or the address of its API server.
    pub cluster: Option<String>,
    /// The key of the subject, or its object.
    pub subject: Option<Pattern>,
    /// One horizon alone.
    pub horizon: Option<Horizon>,
}

impl Document {
    /// Reads a file; `file` is how it is spoken of.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it: keys and rules that there are not, what is missing, values of another type. Nothing
    /// of a file with a mistake is used.
    pub fn read(file: &str, bytes: &[u8], rules: &Catalogue) -> Result<Self, Vec<Diagnostic>> {
        reader::read(file, bytes, rules)
    }

    /// Returns a diagnostic about one of its entries.
    pub(super) fn diagnostic(&self, entry: &Entry, code: Code, message: String) -> Diagnostic {
        Diagnostic::new(code, &self.file, &self.text, entry.span.clone(), message)
    }
}

impl Entry {
    /// Returns the file and the line where it begins: `waivers.yaml:12`.
    pub fn origin(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }

    /// Returns whether its last day is over.
    pub fn is_over(&self, today: Date) -> bool {
        self.expires < today
    }

    /// Returns what a finding says that it covers.
    pub(super) fn waiver(&self) -> Waiver {
        Waiver {
            reason: self.reason.clone(),
            owner: self.owner.clone(),
            ticket: self.ticket.clone(),
            created: self.created.map(|day| day.to_string()),
            expires: Some(self.expires.to_string()),
            origin: Some(self.origin()),
        }
    }

    /// Returns how narrow it is: of two that cover the same finding the higher number holds. A name is narrower than a
    /// pattern, and a pattern than nothing.
    pub(super) fn narrowness(&self) -> usize {
        let literal = |all: bool| if all { 2 } else { 1 };
        let Scope {
            nodes,
            cluster,
            subject,
            horizon,
        } = &self.scope;
        let of_nodes = match nodes.as_slice() {
            [] => 0,
            some if some.iter().any(Pattern::is_everything) => 0,
            some => literal(some.iter().all(Pattern::is_literal)),
        };
        let of_subject = match subject {
            Some(subject) if !subject.is_everything() => literal(subject.is_literal()),
            _ => 0,
        };
        of_nodes
            + of_subject
            + usize::from(cluster.is_some())
            + usize::from(horizon.is_some())
            + usize::from(self.rules.len() == 1)
    }
}

impl Scope {
    /// Returns whether nothing is named that tells nodes or subjects apart.
    pub fn is_open(&self) -> bool {
        self.nodes.is_empty() && self.cluster.is_none() && self.subject.is_none()
    }

    /// Returns whether it covers this node of this cluster; no node is what belongs to the cluster as a whole.
    pub fn covers_node(&self, node: Option<&Node>, cluster: Option<&Cluster>) -> bool {
        let of_node = |pattern: &Pattern| {
            node.is_some_and(|node| pattern.means(&node.name) || pattern.means(&node.id))
        };
        let of_cluster = |wanted: &str| {
            cluster.is_some_and(|one| one.server == wanted || one.uid.as_deref() == Some(wanted))
        };
        (self.nodes.is_empty() || self.nodes.iter().any(of_node))
            && self.cluster.as_deref().is_none_or(of_cluster)
    }

    /// Returns whether it covers the finding's subject and horizon.
    pub fn covers_subject(&self, finding: &Finding) -> bool {
        let of_subject = |pattern: &Pattern| {
            let key = &finding.subject.key;
            let file = key.strip_prefix("file:");
            let object = finding.subject.object.as_deref();
            pattern.means(key)
                || file.is_some_and(|path| pattern.means(path))
                || object.is_some_and(|object| pattern.means(object))
        };
        self.subject.as_ref().is_none_or(of_subject)
            && self
                .horizon
                .is_none_or(|horizon| horizon == finding.horizon)
    }

    /// Returns it in words, each with what it means: `nodes worker-1, gpu-*`, `horizon restart`.
    pub fn words(&self) -> Vec<String> {
        let names: Vec<&str> = self.nodes.iter().map(Pattern::as_str).collect();
        let nodes = (!names.is_empty()).then(|| format!("nodes {}", names.join(", ")));
        let cluster = self.cluster.as_ref().map(|one| format!("cluster {one}"));
        let subject = self.subject.as_ref().map(|one| format!("subject {one}"));
        let horizon = self.horizon.map(|one| format!("horizon {one}"));
        [nodes, cluster, subject, horizon]
            .into_iter()
            .flatten()
            .collect()
    }
}
