//! Facts and rules to a report.

mod problems;
mod reach;
mod report;

use std::collections::BTreeMap;

use jiff::Timestamp;
use kubeassay_config::tables::Minor;
use kubeassay_core::Component;
use kubeassay_core::facts::{ClusterFacts, Facts, Problem as FactsProblem, Source, Tool};
use kubeassay_core::report::{
    Cluster, Conclusion, Coverage, Finding, GateOptions, KubernetesVersion, Node, Problem, Report,
    Rules, Tally,
};
use kubeassay_core::rule::{Benchmark, Rule, SiteChoices};

use crate::absent;
use crate::components;
use crate::embedded::{self, Insiders};
use crate::files::{self, Configured};
use crate::finding::{self, Context};
use crate::instances::Instance;
use crate::kubelets::{self, Kubelets};
use crate::manifests::Manifests;
use crate::node::NodeView;
use crate::objects;
use crate::platforms::{self, Detected};
use crate::rebuild;
use problems::{problems, untold};
use reach::{count_node, nothing, reached};
pub use report::Judged;
use report::place;

/// What the user asked for, and what the report says of the scan itself.
#[derive(Clone, Debug)]
pub struct Options {
    /// Who writes the report.
    pub tool: Tool,
    /// Where the facts came from.
    pub source: Source,
    /// The cluster, if it was asked.
    pub cluster: Option<Cluster>,
    /// When the scan began.
    pub started: Timestamp,
    /// The kubelet's version, where the user gave it.
    pub kubernetes_version: Option<Minor>,
    /// When the exit code is not 0, and whether what lives in workloads counts.
    pub gate: GateOptions,
    /// What is said of the rules in the report.
    pub rules: Rules,
    /// Problems from before judging: facts or rule pages that could not be used.
    pub problems: Vec<Problem>,
    /// The benchmark that was asked for.
    pub benchmark: Option<Benchmark>,
    /// What the site chose.
    pub choices: SiteChoices,
}

/// Judges the facts of any number of nodes by `rules`.
pub fn judge(facts: &[Facts], rules: &[&Rule], options: &Options) -> Report {
    let mut judge = Judge::new(rules, options);
    let mut judged = Judged::default();
    let mut tally = Tally::new(options.gate);
    for facts in facts {
        let node = judge.node(facts);
        for finding in &node.findings {
            tally.count(finding);
        }
        judged.add(node);
    }
    let ends = facts.iter().map(|facts| facts.finished);
    let finished = ends.max().unwrap_or(options.started);
    judged.report(tally.end(judge.finish()), options, finished)
}

/// Judges one node after the other, and keeps of each only what the end of the report wants to know: so that a
/// cluster of any size is judged in the memory of one node.
pub struct Judge<'a> {
    rules: &'a [&'a Rule],
    options: &'a Options,
    /// How many nodes have an id.
    ids: BTreeMap<String, usize>,
    coverage: Coverage,
    /// Why nothing was judged on the first node of which that is so.
    nothing: Option<String>,
    /// Not all nodes are known.
    broke_off: bool,
    /// Objects of the cluster were read.
    of_cluster: bool,
}

/// What was found on one node, or on the cluster as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgedNode {
    /// The node; none for what belongs to no node.
    pub node: Option<Node>,
    /// The findings, sorted by rule, subject and horizon.
    pub findings: Vec<Finding>,
    /// What could not be read or understood.
    pub problems: Vec<Problem>,
}

impl<'a> Judge<'a> {
    /// Returns a judge that has seen no node yet.
    pub const fn new(rules: &'a [&'a Rule], options: &'a Options) -> Self {
        Self {
            rules,
            options,
            ids: BTreeMap::new(),
            coverage: Coverage {
                nodes: 0,
                scanned: 0,
                partial: 0,
                unreachable: 0,
                unsupported: 0,
            },
            nothing: None,
            broke_off: false,
            of_cluster: false,
        }
    }

    /// Takes note that there are nodes of which not even the names are known, because of `problem`.
    pub fn broke_off(&mut self, problem: &FactsProblem) -> JudgedNode {
        self.broke_off = true;
        JudgedNode {
            node: None,
            findings: Vec::new(),
            problems: vec![Problem {
                node: None,
                subject: None,
                cause: problem.cause,
                path: problem.path.clone(),
                reason: problem.reason.clone(),
                affects: Vec::new(),
            }],
        }
    }

    /// Judges the facts of one node.
    pub fn node<'f>(&mut self, facts: &'f Facts) -> JudgedNode {
        let name = node_name(facts);
        let id = self.unique_id(facts.node.id.as_ref().unwrap_or(&name));
        let configured = Configured::of(facts);
        let manifests = Manifests::of(facts, &configured);
        let said = self.options.kubernetes_version;
        let mut instances = components::find(facts, &manifests, said);
        let mut inside = embedded::find(facts, said);
        let (kubelets_inside, others_inside) = inside.split();
        instances.found.extend(others_inside);
        let detected = platforms::detect(facts);
        let view = NodeView::of(&instances.found, &detected);
        let benchmark = self.benchmark(facts, &instances.found, &detected);
        let context = Context {
            node: Some(&id),
            benchmark: &benchmark,
            platform: detected.platform,
            observed_at: facts.finished,
            view: &view,
            chosen: &self.options.choices,
        };
        let mut findings = Vec::new();
        let mut found = Vec::new();
        let of_kubelets = self.rules_of(Component::Kubelet);
        let mut judge = |mut kubelet: Instance<'f>| {
            for rule in &of_kubelets {
                findings.extend(finding::of(rule, &kubelet, &context));
            }
            kubelet.forget();
            found.push(kubelet);
        };
        let kubelets = kubelets::each(facts, self.options.kubernetes_version, &mut judge);
        for kubelet in kubelets_inside {
            judge(kubelet);
        }
        let kubelets = Kubelets { found, ..kubelets };
        findings.extend(self.hidden(&inside, &context));
        let here = (facts, &manifests);
        for component in components::OTHERS {
            let rules = self.rules_of(component);
            let found = instances.found.iter();
            let of_component = found.filter(|one| one.component == component);
            // One in a workload is none of the node.
            let own = of_component.clone().any(|one| !one.subject.in_pod);
            if !own && !inside.hides(component) {
                findings.extend(absent::of(component, &rules, here, &detected, &context));
            }
            for instance in of_component {
                for rule in &rules {
                    findings.extend(finding::of(rule, instance, &context));
                }
            }
        }
        findings.extend(self.of_files(
            facts,
            (&manifests, &configured),
            &instances.found,
            &detected,
            &context,
        ));
        let nothing = nothing(facts, &kubelets, self.options.gate.include_pods)
            .filter(|_| !inside.hides(Component::Kubelet));
        if let Some(nothing) = &nothing {
            if nothing.unseen {
                let subject = kubelets::remote_subject();
                findings.extend(of_kubelets.iter().map(|rule| {
                    finding::unseen(rule, &subject, nothing.cause, &nothing.reason, &context)
                }));
            }
            if self.nothing.is_none() {
                self.nothing = Some(nothing.reason.clone());
            }
        }
        let version = node_version(facts, &kubelets);
        let mut problems = problems(facts, &kubelets, &id, self.rules);
        problems.extend(untold(&detected, &manifests, &id));
        let (status, cause) = reached(facts, &kubelets, nothing.as_ref());
        let node = Node {
            id,
            name,
            uid: facts
                .node
                .object
                .as_ref()
                .and_then(|object| object.uid.clone()),
            hostname: facts.node.hostname.clone(),
            root: facts.node.root.clone(),
            platform: facts.node.platform.clone(),
            distribution: detected.distribution(),
            kubernetes_version: version,
            benchmark: Some(benchmark.to_string()),
            status,
            cause,
            boot_time: facts.node.boot_time,
        };
        findings.sort_by(|one, other| place(one).cmp(&place(other)));
        count_node(&mut self.coverage, node.status);
        JudgedNode {
            node: Some(node),
            findings,
            problems,
        }
    }

    /// Returns the findings of components inside other programs of which it is not known what they are given.
    fn hidden(&self, inside: &Insiders<'_>, context: &Context<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (subject, component, unknown) in &inside.unseen {
            let rules = self.rules_of(*component);
            findings.extend(rules.iter().map(|rule| {
                finding::unseen(rule, subject, unknown.cause, &unknown.reason, context)
            }));
        }
        findings
    }

    /// Judges the cluster as a whole: what nodes that are built anew will get, and its objects. The findings come in
    /// portions, so that those of a large cluster are never all in memory.
    pub fn cluster(&mut self, facts: &ClusterFacts, take: &mut dyn FnMut(JudgedNode)) {
        self.of_cluster |= facts.inventory.is_some();
        let mut hand_over = |findings: Vec<Finding>| {
            if !findings.is_empty() {
                take(JudgedNode {
                    node: None,
                    findings,
                    problems: Vec::new(),
                });
            }
        };
        hand_over(rebuild::of(facts, self.rules, self.options));
        objects::each(facts, self.rules, self.options, &mut hand_over);
    }

    /// Returns what there is to know of the scan as a whole once every node was judged.
    pub fn finish(self) -> Conclusion {
        let Self {
            coverage,
            nothing,
            broke_off,
            of_cluster,
            rules,
            ..
        } = self;
        let of_objects = rules.iter().all(|rule| objects::is_about_objects(rule));
        Conclusion {
            coverage,
            // Where nothing but objects was to be judged, a cluster need have no node; else none may have been selected.
            complete: (coverage.nodes > 0 || (of_cluster && of_objects))
                && coverage.scanned == coverage.nodes
                && !broke_off,
            nothing,
        }
    }

    /// Returns the benchmark whose numbers findings on a node carry first: that which was asked for, else that of its
    /// version and platform.
    fn benchmark(
        &self,
        facts: &Facts,
        instances: &[Instance<'_>],
        detected: &Detected,
    ) -> Benchmark {
        let known = || {
            let server = instances
                .iter()
                .find(|one| one.component == Component::ApiServer);
            let version = server.map(|server| &server.version);
            let version = version.filter(|version| version.minors.len() == 1);
            let of_server = version.and_then(|version| version.minors.first().copied());
            of_server.or_else(|| kubelets::version(facts, self.options.kubernetes_version))
        };
        let asked = self.options.benchmark.clone();
        let platform = detected.platform.map(|platform| platform.id);
        asked.unwrap_or_else(|| Benchmark::for_node(platform, known().map(|minor| minor.0)))
    }

    /// Returns the rules about a component; those that say nothing of the kind are about kubelets.
    fn rules_of(&self, component: Component) -> Vec<&'a Rule> {
        self.rules_about(component.as_str())
    }

    /// Returns what the rules about files find.
    fn of_files(
        &self,
        facts: &Facts,
        asked: (&Manifests, &Configured),
        instances: &[Instance<'_>],
        detected: &Detected,
        context: &Context<'_>,
    ) -> Vec<Finding> {
        let rules = self.rules_about(files::ROOT);
        files::of(&rules, facts, asked, instances, detected, context)
    }

    /// Returns the rules about a subject.
    fn rules_about(&self, subject: &str) -> Vec<&'a Rule> {
        let about =
            |rule: &&&Rule| rule.subject().unwrap_or(Component::Kubelet.as_str()) == subject;
        self.rules.iter().filter(about).copied().collect()
    }

    /// Two documents of the same machine stay apart in one report.
    fn unique_id(&mut self, id: &str) -> String {
        let mut unique = id.to_owned();
        loop {
            let times = self.ids.entry(unique.clone()).or_insert(0);
            *times += 1;
            if *times == 1 {
                return unique;
            }
            unique = format!("{id}#{times}");
        }
    }
}

/// The name of a node: that of its object, else its host name, lower case as Kubernetes writes it.
fn node_name(facts: &Facts) -> String {
    if let Some(object) = &facts.node.object {
        return object.name.clone();
    }
    facts.node.hostname.as_ref().map_or_else(
        || "unnamed".to_owned(),
        |name| name.to_string_lossy().trim().to_lowercase(),
    )
}

fn node_version(facts: &Facts, kubelets: &Kubelets<'_>) -> Option<KubernetesVersion> {
    let of_object = || {
        let version = facts.node.object.as_ref()?.kubelet_version.as_ref()?;
        Some(KubernetesVersion {
            value: version.strip_prefix('v').unwrap_or(version).to_owned(),
            origin: "api".to_owned(),
        })
    };
    node_version_of(kubelets).or_else(of_object)
}

/// Returns the version of a node's first kubelet.
fn node_version_of(kubelets: &Kubelets<'_>) -> Option<KubernetesVersion> {
    let mut own = kubelets
        .found
        .iter()
        .filter(|kubelet| !kubelet.subject.in_pod);
    let first = own.next()?;
    first.version.known.clone().or_else(|| {
        let minors = &first.version.minors;
        let told = !minors.is_empty() && minors.len() < Minor::all().count();
        told.then(|| KubernetesVersion {
            value: crate::version::shown(minors),
            origin: "arguments".to_owned(),
        })
    })
}
