//! Objects of openreports.io, as dashboards in a cluster read them: one for each node, one for what belongs to no node.
//!
//! An object has to fit into etcd, whatever was found: it holds what needs action first, as much as there is room for, the
//! rest is counted, and the object says so. A node's findings stand together, so that no more than one node is kept.
//! What goes where, and what our verdicts are called there: docs/formats.md.

pub(crate) mod document;
pub(crate) mod entry;
pub(crate) mod gather;
pub(crate) mod names;

use std::collections::BTreeMap;
use std::io::Write;

use jiff::Timestamp;
use kubeassay_core::Verdict;
use kubeassay_core::report::{Finding, Node, NodeStatus, Summary};

use crate::describe::{is_of_cluster, status_words};
use crate::stream::{Closing, Header, Render};
use crate::{RenderError, heading, yaml};
pub use document::{Counts, Dialect, Object};
use document::{Entry, Metadata, Outcome, Reference, Seconds};
use entry::cut;
use gather::{Gather, rank};
use names::{Names, Of};

/// No object is larger, in bytes of JSON, which is what is sent and kept. An API server takes 1.5 MiB, and etcd has
/// 8 GiB for everything: 5,000 nodes take little more than 1 GiB of it where all of them are full.
pub const MAX_BYTES: usize = 256 << 10;
/// So much of it is for what is no finding.
const HEAD: usize = 16 << 10;
/// So many bytes of findings in workloads are kept until the end tells whether they count; more are counted alone.
const WORKLOADS: usize = 16 << 20;
/// An annotation has no more characters.
pub(crate) const LONGEST: usize = 500;
/// Who writes the objects.
const SOURCE: &str = "kubeassay";
/// What is no finding has this in place of a rule.
const OF_SCAN: &str = "kubeassay-scan";
/// When the scan began: what is older does not take the place of what is newer.
pub const SCANNED_AT: &str = "kubeassay/scanned-at";
/// The label that all of them have.
pub const LABEL: (&str, &str) = ("app.kubernetes.io/managed-by", SOURCE);

/// What is said of a scan in each of its objects.
#[derive(Clone, Debug)]
pub struct Scan {
    started: Timestamp,
    annotations: BTreeMap<&'static str, String>,
    of_cluster: bool,
}

impl Scan {
    /// Returns what a report says of its scan.
    pub fn of(header: &Header) -> Self {
        let started = header.scanned.started;
        let mut annotations = BTreeMap::from([
            (SCANNED_AT, started.to_string()),
            (
                "kubeassay/source",
                heading::source(header.scanned.source).to_owned(),
            ),
            ("kubeassay/version", cut(&header.tool.version, LONGEST)),
            ("kubeassay/rules-digest", cut(&header.rules.digest, LONGEST)),
        ]);
        let cluster = header.scanned.cluster.as_ref();
        let named = [
            ("kubeassay/benchmark", header.rules.benchmark.as_deref()),
            (
                "kubeassay/cluster-uid",
                cluster.and_then(|cluster| cluster.uid.as_deref()),
            ),
        ];
        for (name, value) in named {
            annotations.extend(value.map(|value| (name, cut(value, LONGEST))));
        }
        Self {
            started,
            annotations,
            of_cluster: cluster.is_some(),
        }
    }
}

/// The node that an object is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfNode {
    /// The node key.
    pub id: String,
    /// Its name, as the report has it: a Node object may be called so.
    pub name: String,
    /// UID of the Node object, where the API was asked.
    pub uid: Option<String>,
}

/// An object that was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// Its name.
    pub name: String,
    /// The node that it is about.
    pub node: Option<OfNode>,
    /// When the scan began.
    pub started: Timestamp,
    /// What was found, whether it is among the results or not.
    pub summary: Summary,
    annotations: BTreeMap<&'static str, String>,
    results: Vec<Entry>,
}

impl Made {
    /// Returns it as an object of this kind.
    pub fn object(&self, dialect: Dialect) -> Object {
        let source = match dialect {
            Dialect::OpenReports => Some(SOURCE),
            Dialect::PolicyReport => None,
        };
        let scope = self.node.as_ref().map(|node| Reference {
            api_version: Some("v1"),
            kind: "Node".to_owned(),
            namespace: None,
            name: cut(&node.name, LONGEST),
            uid: node.uid.as_ref().map(|uid| cut(uid, LONGEST)),
        });
        Object {
            api_version: dialect.api_version(),
            kind: dialect.kind(),
            metadata: Metadata {
                name: self.name.clone(),
                labels: BTreeMap::from([LABEL]),
                annotations: annotations(&self.annotations),
            },
            source,
            scope,
            summary: Counts::from(self.summary),
            results: self.results.clone(),
        }
    }
}

/// What a finding is counted as: its verdict, and whether it was accepted.
type Counted = (Verdict, bool);

/// What is gathered of a node.
#[derive(Debug)]
struct Gathering {
    node: Node,
    scan: Scan,
    found: Gather<Counted>,
    /// How many of its findings are about what lives in workloads.
    in_workloads: usize,
}

/// Makes objects of a report, piece by piece; each is handed back once nothing more can belong to it.
#[derive(Debug, Default)]
pub struct Objects {
    scan: Option<Scan>,
    current: Option<Gathering>,
    /// What lives in workloads, by node: only the end tells whether it counts.
    workloads: Vec<Gathering>,
    workloads_used: usize,
    /// What belongs to no node.
    rest: Option<Gather<Counted>>,
    /// It is about the objects of a cluster, not about the scan.
    rest_of_cluster: bool,
    names: Names,
    /// Every finding that came.
    all: usize,
    nodes: usize,
    first_node: Option<Node>,
    made: usize,
}

impl Objects {
    /// Takes what is said of the scan that comes.
    pub fn scan(&mut self, scan: Scan) {
        self.rest_of_cluster |= scan.of_cluster;
        self.scan = Some(scan);
    }

    /// Takes a node; its findings follow. Returns the object of the one before.
    pub fn node(&mut self, node: &Node) -> Option<Made> {
        let made = self.flush();
        self.nodes += 1;
        self.first_node.get_or_insert_with(|| node.clone());
        if let Some(scan) = &self.scan {
            self.current = Some(Gathering {
                node: node.clone(),
                scan: scan.clone(),
                found: Gather::new(MAX_BYTES - HEAD),
                in_workloads: 0,
            });
        }
        made
    }

    /// Takes a finding.
    pub fn finding(&mut self, finding: &Finding) {
        self.all += 1;
        let Some(scan) = &self.scan else {
            return;
        };
        let time = Seconds::from(scan.started);
        let current = self.current.as_mut();
        let current =
            current.filter(|current| finding.node.as_deref() == Some(current.node.id.as_str()));
        let Some(current) = current else {
            self.rest_of_cluster |= is_of_cluster(finding);
            let rest = self
                .rest
                .get_or_insert_with(|| Gather::new(MAX_BYTES - HEAD));
            add(rest, finding, time);
            return;
        };
        if !finding.subject.in_pod {
            add(&mut current.found, finding, time);
            return;
        }
        current.in_workloads += 1;
        let same = self.workloads.last();
        if same.is_none_or(|last| last.node.id != current.node.id) {
            self.workloads.push(Gathering {
                node: current.node.clone(),
                scan: current.scan.clone(),
                found: Gather::new(MAX_BYTES - HEAD),
                in_workloads: 0,
            });
        }
        if let Some(last) = self.workloads.last_mut() {
            let before = last.found.used();
            add(&mut last.found, finding, time);
            self.workloads_used = self.workloads_used + last.found.used() - before;
            if self.workloads_used > WORKLOADS {
                self.workloads_used -= last.found.used();
                last.found.forget();
            }
        }
    }

    /// Takes what is known at the end. Returns what is left.
    pub fn end(&mut self, closing: &Closing) -> Vec<Made> {
        let mut all: Vec<Made> = self.flush().into_iter().collect();
        // A report does not say whether what lives in workloads counts, but its sum does.
        if closing.summary.total() == self.all {
            for gathering in std::mem::take(&mut self.workloads) {
                all.push(self.make(gathering, Of::Workloads));
            }
        }
        let rest = self.rest.take();
        if rest.is_some() || self.made == 0 {
            let rest = rest.unwrap_or_else(|| Gather::new(MAX_BYTES - HEAD));
            all.extend(self.make_rest(rest, closing));
        }
        all
    }

    fn flush(&mut self) -> Option<Made> {
        let gathering = self.current.take()?;
        Some(self.make(gathering, Of::Node))
    }

    fn make(&mut self, gathering: Gathering, of: Of) -> Made {
        let Gathering {
            node,
            scan,
            found,
            in_workloads,
        } = gathering;
        self.made += 1;
        let time = Seconds::from(scan.started);
        let mut annotations = scan.annotations;
        annotations.extend([
            ("kubeassay/node-id", cut(&node.id, LONGEST)),
            (
                "kubeassay/node-status",
                status_words(node.status).to_owned(),
            ),
        ]);
        if let Some(version) = &node.kubernetes_version {
            annotations.insert("kubeassay/kubernetes-version", cut(&version.value, LONGEST));
        }
        if in_workloads > 0 {
            annotations.insert("kubeassay/in-workloads", in_workloads.to_string());
        }
        let mut first = Vec::new();
        // What was not looked at has no finding, and must not look as if nothing were wrong there.
        if node.status != NodeStatus::Scanned {
            let why = node
                .cause
                .map_or_else(String::new, |cause| format!(" ({cause})"));
            let status = status_words(node.status);
            first.push(of_scan(
                "node-status",
                Outcome::Error,
                format!("The node was {status}{why}: what was not judged there is not known"),
                time,
            ));
        }
        let name = self.names.give(of, &node.id, &node.name);
        let of_node = OfNode {
            id: node.id,
            name: node.name,
            uid: node.uid,
        };
        finish(found, first, name, Some(of_node), annotations, scan.started)
    }

    /// Makes the object of what belongs to no node.
    fn make_rest(&mut self, rest: Gather<Counted>, closing: &Closing) -> Option<Made> {
        let scan = self.scan.as_ref()?;
        let mut annotations = scan.annotations.clone();
        let gate = &closing.gate;
        annotations.extend([
            ("kubeassay/complete", closing.complete.to_string()),
            (
                "kubeassay/gate",
                cut(
                    &format!("exit {}: {}", gate.exit_code, gate.reason),
                    LONGEST,
                ),
            ),
        ]);
        let mut first = Vec::new();
        if !closing.complete || self.all == 0 {
            let said = cut(&gate.reason, LONGEST);
            let what = if closing.complete {
                "Nothing was judged"
            } else {
                "Not everything that was to be scanned was"
            };
            first.push(of_scan(
                "complete",
                Outcome::Error,
                format!("{what}: {said}"),
                Seconds::from(scan.started),
            ));
        }
        // What is said of the scan of one node goes by that node: each node that is scanned by itself has its own.
        let only = self.first_node.take().filter(|_| self.nodes == 1);
        let (name, node) = match (self.rest_of_cluster, only) {
            (true, _) => ("kubeassay-cluster".to_owned(), None),
            (false, Some(node)) => {
                let name = self.names.give(Of::Scan, &node.id, &node.name);
                let of_node = OfNode {
                    id: node.id,
                    name: node.name,
                    uid: node.uid,
                };
                (name, Some(of_node))
            }
            (false, None) => (OF_SCAN.to_owned(), None),
        };
        self.made += 1;
        Some(finish(rest, first, name, node, annotations, scan.started))
    }
}

/// Returns annotations as an object has them.
fn annotations(said: &BTreeMap<&'static str, String>) -> BTreeMap<String, String> {
    let said = said.iter();
    said.map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}

/// Returns a result that is no finding, and is not counted.
fn of_scan(rule: &str, result: Outcome, message: String, time: Seconds) -> Entry {
    Entry {
        policy: OF_SCAN.to_owned(),
        rule: rule.to_owned(),
        result,
        severity: None,
        category: None,
        message,
        scored: false,
        source: SOURCE,
        timestamp: time,
        resources: Vec::new(),
        properties: BTreeMap::new(),
    }
}

/// Gathers a finding.
fn add(gather: &mut Gather<Counted>, finding: &Finding, time: Seconds) {
    let counted = (finding.verdict, finding.waiver.is_some());
    gather.add(counted, rank(finding), finding, || entry::of(finding, time));
}

/// Returns counts as a report has them.
fn summary(counts: &BTreeMap<Counted, usize>) -> Summary {
    let mut summary = Summary::default();
    for ((verdict, is_waived), number) in counts {
        *match verdict {
            _ if *is_waived => &mut summary.waived,
            Verdict::Pass => &mut summary.pass,
            Verdict::Fail => &mut summary.fail,
            Verdict::Unknown => &mut summary.unknown,
            Verdict::Manual => &mut summary.manual,
            Verdict::NotApplicable => &mut summary.not_applicable,
        } += number;
    }
    summary
}

fn finish(
    found: Gather<Counted>,
    mut results: Vec<Entry>,
    name: String,
    node: Option<OfNode>,
    mut annotations: BTreeMap<&'static str, String>,
    started: Timestamp,
) -> Made {
    let (counted, left) = (summary(&found.came), summary(&found.left));
    annotations.insert("kubeassay/summary", words(&counted));
    let all = found.len();
    let cut_short = left.total();
    results.extend(found.entries());
    if cut_short > 0 {
        let said = format!(
            "{cut_short} of {all} findings are counted in the summary and left out of this object, which has room for {} KiB ({}); the report of the scan has all of them: kubeassay scan -o json",
            MAX_BYTES >> 10,
            words(&left)
        );
        annotations.insert("kubeassay/left-out", said.clone());
        // Of what needs action nothing may be left out quietly.
        let result = if left.fail + left.unknown > 0 {
            Outcome::Error
        } else {
            Outcome::Skip
        };
        results.push(of_scan("left-out", result, said, Seconds::from(started)));
    }
    Made {
        name,
        node,
        started,
        summary: counted,
        annotations,
        results,
    }
}

/// Returns counts by our own verdicts: `fail 2, unknown 1`.
pub fn words(summary: &Summary) -> String {
    let Summary {
        pass,
        fail,
        unknown,
        manual,
        not_applicable,
        waived,
    } = summary;
    let all = [
        (fail, "fail"),
        (unknown, "unknown"),
        (manual, "manual"),
        (pass, "pass"),
        (not_applicable, "not-applicable"),
        (waived, "waived"),
    ];
    let said = all.iter().filter(|(number, _)| **number > 0);
    let said: Vec<String> = said
        .map(|(number, word)| format!("{word} {number}"))
        .collect();
    if said.is_empty() {
        "nothing".to_owned()
    } else {
        said.join(", ")
    }
}

/// Writes a report as YAML documents, one for each object.
#[derive(Debug, Default)]
pub struct OpenReports {
    objects: Objects,
}

impl OpenReports {
    fn write(made: impl IntoIterator<Item = Made>, out: &mut dyn Write) -> Result<(), RenderError> {
        for made in made {
            writeln!(out, "---")?;
            yaml::write(&made.object(Dialect::OpenReports), out)?;
        }
        Ok(())
    }
}

impl Render for OpenReports {
    fn header(&mut self, header: &Header, out: &mut dyn Write) -> Result<(), RenderError> {
        writeln!(out, "# {}", heading::line(header))?;
        self.objects.scan(Scan::of(header));
        Ok(())
    }

    fn node(&mut self, node: &Node, out: &mut dyn Write) -> Result<(), RenderError> {
        Self::write(self.objects.node(node), out)
    }

    fn finding(&mut self, finding: &Finding, _: &mut dyn Write) -> Result<(), RenderError> {
        self.objects.finding(finding);
        Ok(())
    }

    fn end(&mut self, closing: &Closing, out: &mut dyn Write) -> Result<(), RenderError> {
        Self::write(self.objects.end(closing), out)?;
        out.flush()?;
        Ok(())
    }
}

/// Returns whether an object may be called so.
pub fn is_name(name: &str) -> bool {
    names::is_subdomain(name)
}
