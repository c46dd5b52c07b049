//! Several reports as one: which report speaks for a node, and what is said of them as a whole.
//!
//! What a later scan says of a node takes the place of what an earlier one said; later is whose scan began later, of
//! equal ones the one that is named later. What was found on a cluster as a whole goes by cluster in the same way.
//! Reports of several clusters may be joined: then no cluster is named for the whole, each is named with its reports,
//! and the subjects of what belongs to no node begin with their cluster, so that the same object of two clusters is two.

use std::collections::{BTreeMap, BTreeSet};

use kubeassay_core::report::{
    Cluster, Conclusion, Coverage, Finding, Gate, GateOptions, Joined, Node, NodeStatus, Problem,
    SCHEMA, Source, Tool,
};
use kubeassay_core::{Bytes, Cause};
use sha2::{Digest as _, Sha256};

use crate::read::Survey;
use crate::stream::{Header, Scanning};

/// How reports become one.
#[derive(Clone, Debug)]
pub struct Join {
    /// What is said before the first finding.
    pub header: Header,
    /// When the last of them ended.
    pub finished: jiff::Timestamp,
    /// What could not be read or understood, and what speaks against joining them.
    pub problems: Vec<Problem>,
    /// What whoever joins them should know, one sentence each.
    pub warnings: Vec<String>,
    /// What their gates were asked; `None` where they do not agree.
    pub gate: Option<GateOptions>,
    reports: Vec<Part>,
    nodes: BTreeMap<String, usize>,
    several_clusters: bool,
    whole: bool,
    nothing: Option<String>,
    coverage: Coverage,
}

#[derive(Clone, Debug)]
struct Part {
    /// What tells its cluster from others.
    cluster: Option<String>,
    /// It speaks for its cluster as a whole.
    of_cluster: bool,
}

impl Join {
    /// Decides how the reports, each with its file as it was named, become one. `tool` is who joins them.
    ///
    /// # Errors
    ///
    /// Where they cannot be joined, with the mend.
    pub fn new(surveys: &[(&str, &Survey)], tool: &Tool) -> Result<Self, String> {
        let Some(((_, first), others)) = surveys.split_first() else {
            return Err("name a report".to_owned());
        };
        let demos = surveys
            .iter()
            .filter(|(_, survey)| survey.header.scanned.source == Source::Demo);
        if demos.count() > 0 && !others.is_empty() {
            return Err(
                "a demonstration is no report of anybody's nodes; leave it out of what is joined"
                    .to_owned(),
            );
        }
        let mut later: Vec<usize> = (0..surveys.len()).collect();
        let started = |index: &usize| {
            surveys
                .get(*index)
                .map(|(_, survey)| survey.header.scanned.started)
        };
        later.sort_by_key(started);
        // What comes later replaces what was there.
        let mut nodes = BTreeMap::new();
        let mut twice = BTreeSet::new();
        let mut clusters = BTreeMap::new();
        for index in &later {
            let Some((_, survey)) = surveys.get(*index) else {
                continue;
            };
            for node in &survey.nodes {
                if nodes
                    .insert(node.id.clone(), *index)
                    .is_some_and(|before| before != *index)
                {
                    twice.insert(node.name.as_str());
                }
            }
            if let Some(cluster) = &survey.header.scanned.cluster {
                clusters.insert(identity(cluster), *index);
            }
        }
        let reports: Vec<Part> = surveys
            .iter()
            .enumerate()
            .map(|(index, (_, survey))| {
                let cluster = survey.header.scanned.cluster.as_ref().map(identity);
                let of_cluster = cluster
                    .as_ref()
                    .is_none_or(|cluster| clusters.get(cluster) == Some(&index));
                Part {
                    cluster,
                    of_cluster,
                }
            })
            .collect();
        let latest = later.last().and_then(|index| surveys.get(*index));
        let latest = latest.map_or(*first, |(_, survey)| *survey);
        let mut join = Self {
            header: header(surveys, latest, clusters.len(), tool, &nodes),
            finished: first.header.scanned.started,
            problems: Vec::new(),
            warnings: Vec::new(),
            gate: gate(surveys),
            reports,
            nodes,
            several_clusters: clusters.len() > 1,
            whole: true,
            nothing: None,
            coverage: Coverage::default(),
        };
        join.endings(surveys);
        if !others.is_empty() {
            join.warn(surveys, &twice, &clusters);
        }
        Ok(join)
    }

    /// Takes over what is said at the end of each.
    fn endings(&mut self, surveys: &[(&str, &Survey)]) {
        for (index, (file, survey)) in surveys.iter().enumerate() {
            let Some(closing) = &survey.closing else {
                self.whole = false;
                self.finished = self.finished.max(survey.header.scanned.started);
                let reason = "the report has no last line: it was cut off, and what came behind is not known";
                self.warnings.push(format!("{file}: {reason}"));
                self.problems.push(problem(file, Cause::Vanished, reason));
                continue;
            };
            self.finished = self.finished.max(closing.finished);
            let coverage = closing.coverage;
            // Nodes that were not reached may be in a later report; whatever else was missing is in none.
            let for_its_nodes = coverage.nodes > 0 && coverage.scanned < coverage.nodes;
            if !closing.complete && (surveys.len() == 1 || !for_its_nodes) {
                self.whole = false;
            }
            if closing.summary.total() == 0 && self.nothing.is_none() {
                self.nothing = Some(closing.gate.reason.clone());
            }
            let speaks = |problem: &&Problem| {
                let node = problem.node.as_ref();
                node.is_none_or(|node| self.nodes.get(node).is_none_or(|of| *of == index))
            };
            let of_report: Vec<Problem> = closing.problems.iter().filter(speaks).cloned().collect();
            self.problems.extend(of_report);
        }
    }

    fn warn(
        &mut self,
        surveys: &[(&str, &Survey)],
        twice: &BTreeSet<&str>,
        clusters: &BTreeMap<String, usize>,
    ) {
        if !twice.is_empty() {
            let names: Vec<&str> = twice.iter().take(5).copied().collect();
            let more = if twice.len() > names.len() {
                ", …"
            } else {
                ""
            };
            self.warnings.push(format!(
                "{} of the nodes are in several of the reports ({}{more}); the later scan counts",
                twice.len(),
                names.join(", ")
            ));
        }
        let rules = &self.header.rules.digest;
        for (file, survey) in surveys {
            let digest = &survey.header.rules.digest;
            if digest != rules {
                let reason = format!(
                    "it was judged by other rules ({digest}) than the latest report ({rules}); scan its facts again to compare them"
                );
                self.warnings.push(format!("{file}: {reason}"));
                self.problems.push(problem(file, Cause::Conflict, &reason));
            }
        }
        if clusters.len() > 1 {
            self.warnings.push(format!(
                "the reports are of {} clusters; the subjects of what belongs to no node begin with their cluster",
                clusters.len()
            ));
        }
        if self.gate.is_none() {
            self.warnings.push(
                "the gates of the reports were asked different things; every fail and unknown moves the exit code, unless --fail-on says otherwise"
                    .to_owned(),
            );
        }
    }

    /// Returns whether the report at `index` speaks for this node.
    pub fn takes_node(&self, index: usize, node: &Node) -> bool {
        self.nodes.get(&node.id) == Some(&index)
    }

    /// Counts a node that was taken.
    pub fn count(&mut self, node: &Node) {
        self.coverage.nodes += 1;
        match node.status {
            NodeStatus::Scanned => self.coverage.scanned += 1,
            NodeStatus::Partial => self.coverage.partial += 1,
            NodeStatus::Unreachable => self.coverage.unreachable += 1,
            NodeStatus::Unsupported => self.coverage.unsupported += 1,
        }
    }

    /// Returns what becomes of a finding of the report at `index`; `None` where another report speaks for its node.
    pub fn finding(&self, index: usize, mut finding: Finding) -> Option<Finding> {
        if let Some(node) = &finding.node
            && let Some(of) = self.nodes.get(node)
        {
            return (*of == index).then_some(finding);
        }
        let part = self.reports.get(index)?;
        if !part.of_cluster {
            return None;
        }
        if self.several_clusters
            && let Some(cluster) = &part.cluster
        {
            let digest = Sha256::digest(format!("{cluster}\n{}", finding.id).as_bytes());
            let id = digest.iter().take(16);
            let id = id.fold(0_u128, |id, byte| id << 8 | u128::from(*byte));
            finding.id = format!("{id:032x}");
            finding.subject.key = format!("{cluster} {}", finding.subject.key);
        }
        Some(finding)
    }

    /// Returns what is known once every piece was taken.
    pub fn conclude(&self) -> Conclusion {
        let Coverage { nodes, scanned, .. } = self.coverage;
        let covered = self.reports.len() == 1 || (nodes > 0 && scanned == nodes);
        Conclusion {
            coverage: self.coverage,
            complete: self.whole && covered,
            nothing: self.nothing.clone(),
        }
    }
}

/// Returns what tells a cluster from others.
fn identity(cluster: &Cluster) -> String {
    cluster.uid.as_ref().unwrap_or(&cluster.server).clone()
}

fn problem(file: &str, cause: Cause, reason: &str) -> Problem {
    Problem {
        node: None,
        subject: None,
        cause,
        path: Some(Bytes::from(file)),
        reason: reason.to_owned(),
        affects: Vec::new(),
    }
}

/// Returns what the gates were asked, if it was the same.
fn gate(surveys: &[(&str, &Survey)]) -> Option<GateOptions> {
    let mut asked = surveys
        .iter()
        .filter_map(|(_, survey)| survey.closing.as_ref())
        .map(|closing| Gate::options(&closing.gate));
    let first = asked.next()?;
    asked.all(|other| other == first).then_some(first)
}

fn header(
    surveys: &[(&str, &Survey)],
    latest: &Survey,
    clusters: usize,
    tool: &Tool,
    nodes: &BTreeMap<String, usize>,
) -> Header {
    let [_, _, ..] = surveys else {
        return latest.header.clone();
    };
    let headers = || surveys.iter().map(|(_, survey)| &survey.header);
    let same_tool = headers().all(|header| header.tool == latest.header.tool);
    let sources: Vec<Source> = headers().map(|header| header.scanned.source).collect();
    let source = if sources.contains(&Source::Captured) {
        // Nobody's machine: that is not lost among those of others.
        Source::Captured
    } else if sources.iter().all(|one| Some(one) == sources.first()) {
        latest.header.scanned.source
    } else {
        Source::Facts
    };
    let mut of_cluster = headers().filter_map(|header| header.scanned.cluster.as_ref());
    let joined = surveys.iter().enumerate().map(|(index, (file, survey))| {
        let Header {
            tool,
            scanned,
            rules,
            ..
        } = &survey.header;
        Joined {
            file: (*file).to_owned(),
            source: scanned.source,
            started: scanned.started,
            finished: survey.closing.as_ref().map(|closing| closing.finished),
            cluster: scanned.cluster.clone(),
            version: tool.version.clone(),
            rules: rules.digest.clone(),
            nodes: survey
                .nodes
                .iter()
                .filter(|node| nodes.get(&node.id) == Some(&index))
                .count(),
        }
    });
    let started = headers().map(|header| header.scanned.started).min();
    Header {
        schema: SCHEMA.to_owned(),
        tool: if same_tool { &latest.header.tool } else { tool }.clone(),
        scanned: Scanning {
            started: started.unwrap_or(latest.header.scanned.started),
            source,
            cluster: if clusters == 1 {
                of_cluster.next_back().cloned()
            } else {
                None
            },
            joined: joined.collect(),
        },
        rules: latest.header.rules.clone(),
    }
}
