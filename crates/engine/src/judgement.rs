//! Facts and rules to a report.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kubeassay_config::tables::Minor;
use kubeassay_core::facts::{
    ClusterFacts, Facts, Problem as FactsProblem, Request, Response, Source, Tool, Unreadable,
};
use kubeassay_core::report::{
    Cluster, Conclusion, Coverage, Ending, Finding, GateOptions, KubernetesVersion, Node,
    NodeStatus, Problem, Report, Rules, SCHEMA, Scanned, Subject, Tally,
};
use kubeassay_core::rule::{Benchmark, Rule, SiteChoices};
use kubeassay_core::{Cause, Component};

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
use crate::reader;
use crate::rebuild;

/// Distributions whose kubelet is no process of its own.
const EMBEDDING: [&str; 3] = ["k3s", "microk8s", "microshift"];

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

/// Why nothing was judged on a node.
struct Nothing {
    cause: Cause,
    /// One sentence, with what to do next.
    reason: String,
    /// A kubelet must be there and was not seen, so every rule is unknown; else there is none.
    unseen: bool,
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

/// What was found on several nodes, to become one report.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    nodes: Vec<Node>,
    findings: Vec<Finding>,
    problems: Vec<Problem>,
}

impl Judged {
    /// Adds what was found on a node.
    pub fn add(&mut self, judged: JudgedNode) {
        self.nodes.extend(judged.node);
        self.findings.extend(judged.findings);
        self.problems.extend(judged.problems);
    }

    /// Returns the report, which ended at `finished`.
    pub fn report(self, ending: Ending, options: &Options, finished: Timestamp) -> Report {
        let Self {
            nodes,
            mut findings,
            problems,
        } = self;
        findings.sort_by(|one, other| place(one).cmp(&place(other)));
        let Ending {
            coverage,
            summary,
            gate,
            complete,
        } = ending;
        Report {
            schema: SCHEMA.to_owned(),
            tool: options.tool.clone(),
            scanned: Scanned {
                started: options.started,
                finished,
                source: options.source,
                cluster: options.cluster.clone(),
                joined: Vec::new(),
                nodes,
                coverage,
            },
            rules: options.rules.clone(),
            findings,
            problems: options.problems.iter().cloned().chain(problems).collect(),
            summary,
            gate,
            complete,
        }
    }
}

/// The order of findings in a report.
fn place(finding: &Finding) -> impl Ord + '_ {
    (
        &finding.node,
        &finding.rule,
        &finding.subject.key,
        finding.horizon,
    )
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

/// Returns how far a node was scanned, and why not farther.
fn reached(
    facts: &Facts,
    kubelets: &Kubelets<'_>,
    nothing: Option<&Nothing>,
) -> (NodeStatus, Option<Cause>) {
    let unreadable = &facts.node.process_table.unreadable;
    let partial = !facts.complete || kubelets.undecided || !unreadable.is_empty();
    match nothing {
        Some(Nothing {
            unseen: true,
            cause,
            ..
        }) => {
            let status = match cause {
                Cause::Unsupported => NodeStatus::Unsupported,
                _ => NodeStatus::Partial,
            };
            (status, Some(*cause))
        }
        _ if is_of_the_network(facts) => answered(facts),
        _ if !facts.complete => (NodeStatus::Partial, Some(why_incomplete(facts))),
        _ if partial => {
            let unreadable = unreadable.first();
            let cause = unreadable.map_or(Cause::ParseError, |unreadable| unreadable.cause);
            (NodeStatus::Partial, Some(cause))
        }
        _ => (NodeStatus::Scanned, None),
    }
}

/// Returns whether nothing but endpoints was asked.
fn is_of_the_network(facts: &Facts) -> bool {
    matches!(facts.source, Source::Cluster | Source::Endpoint)
}

/// Returns how far a node was scanned of which only endpoints were asked.
fn answered(facts: &Facts) -> (NodeStatus, Option<Cause>) {
    let responses = || {
        facts
            .endpoints
            .iter()
            .flat_map(|endpoint| &endpoint.responses)
    };
    let of_configz = |response: &&Response| response.request == Request::Configz;
    // The read-only port had better not answer.
    let of_probe = |response: &&Response| response.request == Request::Pods;
    let lacking = responses()
        .filter(|response| of_configz(response) || of_probe(response))
        .find_map(|response| response.problem.as_ref());
    let asked = responses().next().is_some();
    match lacking {
        None if asked && facts.complete => (NodeStatus::Scanned, None),
        None => (NodeStatus::Unreachable, Some(Cause::Unreachable)),
        Some(trouble) => {
            let reached = responses().any(|response| response.status.is_some());
            let status = if reached {
                NodeStatus::Partial
            } else {
                NodeStatus::Unreachable
            };
            (status, Some(trouble.cause))
        }
    }
}

const fn count_node(coverage: &mut Coverage, status: NodeStatus) {
    coverage.nodes += 1;
    let slot = match status {
        NodeStatus::Scanned => &mut coverage.scanned,
        NodeStatus::Partial => &mut coverage.partial,
        NodeStatus::Unreachable => &mut coverage.unreachable,
        NodeStatus::Unsupported => &mut coverage.unsupported,
    };
    *slot += 1;
}

/// Returns what there is to say where it cannot be told which platform a node is.
fn contradiction(detected: &Detected, node: &str) -> Option<Problem> {
    let problem = detected.problem()?;
    Some(Problem {
        node: Some(node.to_owned()),
        subject: None,
        cause: problem.cause,
        path: problem.path,
        reason: problem.reason,
        affects: Vec::new(),
    })
}

/// Returns what there is to say of what cannot be told of a node.
fn untold(detected: &Detected, manifests: &Manifests, node: &str) -> Vec<Problem> {
    let platform = contradiction(detected, node).into_iter();
    platform.chain(unclear(manifests, node)).collect()
}

/// Returns what there is to say of manifests of static pods of which nobody knows whose they are.
fn unclear(manifests: &Manifests, node: &str) -> impl Iterator<Item = Problem> {
    let all = manifests.unclear.iter();
    all.map(|unknown| Problem {
        node: Some(node.to_owned()),
        subject: None,
        cause: unknown.cause,
        path: unknown.path.clone(),
        reason: format!(
            "it cannot be told what static pod this starts: {}",
            unknown.reason
        ),
        affects: Vec::new(),
    })
}

/// Returns everything that could not be read or understood on a node.
fn problems(facts: &Facts, kubelets: &Kubelets<'_>, node: &str, rules: &[&Rule]) -> Vec<Problem> {
    let mut problems: Vec<Problem> = Vec::new();
    let problem = |subject: Option<&Subject>, problem: &FactsProblem| Problem {
        node: Some(node.to_owned()),
        subject: subject.map(|subject| subject.key.clone()),
        cause: problem.cause,
        path: problem.path.clone(),
        reason: problem.reason.clone(),
        affects: Vec::new(),
    };
    problems.extend(
        facts
            .problems
            .iter()
            .chain(&kubelets.problems)
            .map(|one| problem(None, one)),
    );
    for unreadable in &facts.node.process_table.unreadable {
        // What a known reader lacked is said once, below.
        let reason = match facts.reader {
            Some(_) => unreadable.reason.clone(),
            None => advised(
                unreadable,
                "run as root, or with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH",
            ),
        };
        let one = FactsProblem {
            cause: unreadable.cause,
            path: None,
            reason,
        };
        problems.push(problem(None, &one));
    }
    let reader = reader::problem(facts);
    problems.extend(reader.iter().map(|one| problem(None, one)));
    for kubelet in &kubelets.found {
        let subject = Some(&kubelet.subject);
        let of_process = kubelet.process.iter().flat_map(|process| &process.problems);
        problems.extend(of_process.map(|one| problem(subject, one)));
        let Some(resolution) = kubelet.running.last() else {
            continue;
        };
        for layer in &resolution.layers {
            let Some(unknown) = &layer.unknown else {
                continue;
            };
            let one = FactsProblem {
                cause: unknown.cause,
                path: layer.path.clone(),
                reason: format!("{}: {}", layer.name, unknown.reason),
            };
            problems.push(Problem {
                affects: rules.iter().map(|rule| rule.id().to_owned()).collect(),
                ..problem(subject, &one)
            });
        }
        for note in &resolution.notes {
            let one = FactsProblem {
                cause: note.cause,
                path: note.path.clone(),
                reason: note.reason.clone(),
            };
            problems.push(problem(subject, &one));
        }
    }
    problems
}

/// Returns why not all was read: what was said last of what makes facts incomplete, or the time limit.
fn why_incomplete(facts: &Facts) -> Cause {
    let causes = facts.problems.iter().map(|problem| problem.cause);
    let known = [Cause::Vanished, Cause::TooLarge, Cause::Blocked];
    let mut causes = causes.filter(|cause| known.contains(cause));
    // What runs could not be listed.
    let table =
        |problem: &&FactsProblem| problem.path.as_ref().is_some_and(|path| *path == "/proc");
    let table = facts.problems.iter().find(table);
    let of_table = table.map_or(Cause::Blocked, |problem| problem.cause);
    causes.next_back().unwrap_or(of_table)
}

/// Returns why nothing of this node was judged, if nothing was.
fn nothing(facts: &Facts, kubelets: &Kubelets<'_>, include_pods: bool) -> Option<Nothing> {
    let object = facts.node.object.as_ref();
    if let Some(reason) = object.and_then(|object| object.unsupported.as_ref()) {
        return Some(Nothing {
            cause: Cause::Unsupported,
            reason: format!("this node cannot be scanned: {reason}"),
            unseen: true,
        });
    }
    let judged = kubelets
        .found
        .iter()
        .any(|kubelet| !kubelet.is_idle() && (include_pods || !kubelet.subject.in_pod));
    if !judged && is_of_the_network(facts) {
        let first = facts.problems.first();
        return Some(Nothing {
            cause: first.map_or(Cause::Unreachable, |problem| problem.cause),
            reason: first.map_or_else(
                || "the node was not reached: nothing of it was asked".to_owned(),
                |problem| problem.reason.clone(),
            ),
            unseen: true,
        });
    }
    let table = &facts.node.process_table;
    // Where a kubelet was found, only one that is part of another program can be missing.
    let running = facts.node.distributions.iter().find(|distribution| {
        let inside = |kubelet: &Instance<'_>| {
            let process = kubelet.process;
            process.is_some_and(|process| process.component == Component::Distribution)
        };
        let embeds = EMBEDDING.contains(&distribution.id.as_str());
        let resolved = kubelets.found.iter().any(inside);
        distribution.running && (!judged || (embeds && !resolved))
    });
    if judged && running.is_none() {
        return None;
    }
    let unseen = |cause, reason: String| {
        Some(Nothing {
            cause,
            reason,
            unseen: true,
        })
    };
    if let Some(distribution) =
        running.or_else(|| facts.node.distributions.first().filter(|_| !judged))
    {
        let id = &distribution.id;
        return unseen(
            Cause::Unsupported,
            format!(
                "{id} is here and brings a kubelet of its own, which this version cannot judge where it is part of another program or does not run; ask the kubelet itself: kubectl get --raw /api/v1/nodes/NODE/proxy/configz"
            ),
        );
    }
    if table.own_namespace_only {
        return unseen(
            Cause::Denied,
            "the scan runs in a container and sees only the container's own processes; mount the host's root and run: kubeassay scan --root /host".to_owned(),
        );
    }
    if table.hides_others {
        return unseen(
            Cause::Denied,
            "/proc hides the processes of others (hidepid), and no kubelet was seen; run as root: sudo kubeassay scan".to_owned(),
        );
    }
    if let Some(unreadable) = table.unreadable.first() {
        return unseen(
            unreadable.cause,
            advised(unreadable, "run as root: sudo kubeassay scan"),
        );
    }
    if kubelets.undecided {
        let reason = kubelets
            .problems
            .first()
            .map_or_else(String::new, |problem| problem.reason.clone());
        return unseen(Cause::ParseError, reason);
    }
    if !facts.complete {
        return unseen(
            Cause::Blocked,
            "the time limit was reached before a kubelet was seen; give it more: kubeassay scan --timeout 5m".to_owned(),
        );
    }
    // What a service would start is judged for that.
    if kubelets.found.iter().any(Instance::is_idle) {
        return None;
    }
    let reason = if kubelets.found.is_empty() {
        "nothing was judged: there is no kubelet on this host; try kubeassay scan --demo, or name a host with --root"
    } else {
        "nothing was judged: the only kubelets here run inside workloads; count them with --include-pods"
    };
    Some(Nothing {
        cause: Cause::Missing,
        reason: reason.to_owned(),
        unseen: false,
    })
}

/// Returns why a process could not be read, with what to do about it where more rights would help.
fn advised(unreadable: &Unreadable, advice: &str) -> String {
    match unreadable.cause {
        Cause::Denied => format!("{}; {advice}", unreadable.reason),
        _ => unreadable.reason.clone(),
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
