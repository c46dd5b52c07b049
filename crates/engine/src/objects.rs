//! What a cluster's API says of its objects, judged: RBAC, pod security, service accounts, network policies.
//!
//! The subjects are the cluster, its namespaces, its roles, and those who hold roles. Each has settings, worked out
//! once ([`settings`]), that checks read; there is one witness, the API.

mod capabilities;
mod cluster;
mod enforcement;
mod holders;
mod namespaces;
mod network;
mod pods;
mod rbac;
pub(crate) mod settings;

use kubeassay_config::tables::Minor;
use kubeassay_core::facts::ClusterFacts;
use kubeassay_core::facts::objects::{Inventory, Kind, Role};
use kubeassay_core::report::{Evidence, Finding, Subject};
use kubeassay_core::rule::{Benchmark, Check, Evaluation, Outcome, Rule};
use kubeassay_core::{Origin, OriginKind, Value, Verdict, Witness};

use crate::finding::{self, Context, Decision};
use crate::judgement::Options;
use crate::node::NodeView;
use crate::version::parse_version;
use settings::{ObjectView, whole};

/// Settings that tell subjects apart, and decide nothing that a person would want to read again.
const IDENTIFYING: [&str; 4] = ["holder.id", "holder.shipped", "role.shipped", "ns.system"];

/// Returns whether a rule is about objects of the cluster's API, so that they have to be read for it.
pub fn is_about_objects(rule: &Rule) -> bool {
    let subject = rule.subject();
    settings::SUBJECTS
        .iter()
        .any(|of| subject == Some(of.subject))
}

/// How many findings wait for each other at most. A cluster of 2,000 namespaces has 40,000, each of some kilobytes.
const PORTION: usize = 2_000;

/// The findings that were not taken yet.
struct Findings<'a> {
    waiting: Vec<Finding>,
    /// How many there were in all.
    count: usize,
    take: &'a mut dyn FnMut(Vec<Finding>),
}

impl Findings<'_> {
    fn push(&mut self, finding: Finding) {
        self.count += 1;
        self.waiting.push(finding);
        if self.waiting.len() >= PORTION {
            self.hand_over();
        }
    }

    /// Hands over what waits, sorted by rule and subject.
    fn hand_over(&mut self) {
        let mut portion = std::mem::take(&mut self.waiting);
        portion.sort_by(|one, other| {
            (&one.rule, &one.subject.key).cmp(&(&other.rule, &other.subject.key))
        });
        (self.take)(portion);
    }
}

/// Hands over the findings of the rules about objects, in portions of at most [`PORTION`], each sorted by rule and
/// subject.
pub(crate) fn each(
    facts: &ClusterFacts,
    rules: &[&Rule],
    options: &Options,
    take: &mut dyn FnMut(Vec<Finding>),
) {
    let Some(inventory) = &facts.inventory else {
        return;
    };
    let about = |subject: &str| -> Vec<&Rule> {
        let rules = rules.iter().copied();
        rules
            .filter(|rule| rule.subject() == Some(subject))
            .collect()
    };
    let version = facts.version.as_deref();
    let version = version.and_then(|version| parse_version(version).ok());
    let said = options.kubernetes_version.or(version);
    let view = NodeView::default();
    let benchmark = options
        .benchmark
        .clone()
        .unwrap_or_else(|| Benchmark::for_node(None, said.map(|minor| minor.0)));
    let context = Context {
        node: None,
        benchmark: &benchmark,
        platform: None,
        observed_at: options.started,
        view: &view,
        chosen: &options.choices,
    };
    let mut findings = Findings {
        waiting: Vec::new(),
        count: 0,
        take,
    };
    of_cluster(inventory, &about("cluster"), &context, &mut findings);
    let servers = version.or(options.kubernetes_version);
    of_namespaces(
        inventory,
        servers,
        &about("namespace"),
        &context,
        &mut findings,
    );
    of_roles(inventory, &about("role"), &context, &mut findings);
    of_holders(inventory, &about("holder"), &context, &mut findings);
    findings.hand_over();
}

fn of_cluster(
    inventory: &Inventory,
    rules: &[&Rule],
    context: &Context<'_>,
    findings: &mut Findings<'_>,
) {
    if rules.is_empty() {
        return;
    }
    let view = cluster::view(inventory);
    for rule in rules {
        findings.push(judged(rule, &whole_cluster(), &view, context));
    }
}

fn of_namespaces(
    inventory: &Inventory,
    servers: Option<Minor>,
    rules: &[&Rule],
    context: &Context<'_>,
    findings: &mut Findings<'_>,
) {
    if rules.is_empty() {
        return;
    }
    let lookup = namespaces::Lookup::of(inventory, servers);
    for namespace in &inventory.namespaces {
        let view = lookup.view(namespace);
        let subject = subject(
            "namespace",
            &namespace.name,
            format!("Namespace {}", namespace.name),
        );
        for rule in rules {
            findings.push(judged(rule, &subject, &view, context));
        }
    }
    missing(inventory, &[Kind::Namespaces], rules, context, findings);
}

fn of_roles(
    inventory: &Inventory,
    rules: &[&Rule],
    context: &Context<'_>,
    findings: &mut Findings<'_>,
) {
    for rule in rules {
        let before = findings.count;
        for role in &inventory.roles {
            let wildcards = rbac::wildcards(role);
            if wildcards.is_empty() {
                continue;
            }
            let view = role_view(role, wildcards);
            let finding = judged(rule, &role_subject(role), &view, context);
            if !(finding.verdict == Verdict::Pass && is_shipped(role)) {
                findings.push(finding);
            }
        }
        let kinds = [Kind::Roles, Kind::ClusterRoles];
        if missing(inventory, &kinds, &[rule], context, findings) && findings.count == before {
            let mut view = ObjectView::new("role");
            view.text("name", "");
            view.text("namespace", "");
            view.flag("shipped", false);
            view.list("wildcards", Vec::new());
            findings.push(judged(rule, &whole_cluster(), &view, context));
        }
    }
}

fn of_holders(
    inventory: &Inventory,
    rules: &[&Rule],
    context: &Context<'_>,
    findings: &mut Findings<'_>,
) {
    if rules.is_empty() {
        return;
    }
    let views = holders::views(inventory);
    for rule in rules {
        let before = findings.count;
        let names = rule.check().map(Check::names).unwrap_or_default();
        let names: Vec<&str> = names
            .iter()
            .filter_map(|name| name.strip_prefix("holder."))
            .collect();
        for (holder, view) in &views {
            if !names.iter().any(|name| view.holds(name)) {
                continue;
            }
            let id = holders::id(holder);
            let key = match &holder.namespace {
                Some(namespace) => format!("{}/{namespace}/{}", holder.kind, holder.name),
                None => format!("{}/{}", holder.kind, holder.name),
            };
            let finding = judged(rule, &subject("holder", &key, id), view, context);
            let shipped = view.value("holder.shipped") == Some(&Value::Bool(true));
            if !(finding.verdict == Verdict::Pass && shipped) {
                findings.push(finding);
            }
        }
        if missing(inventory, &holders::KINDS, &[rule], context, findings)
            && findings.count == before
        {
            let mut finding = judged(rule, &whole_cluster(), &holders::nobody(), context);
            if finding.verdict == Verdict::Pass {
                "nobody holds it but those to whom Kubernetes and the platform give it"
                    .clone_into(&mut finding.reason);
                for witness in &mut finding.witnesses {
                    witness.reason.clone_from(&finding.reason);
                }
            }
            findings.push(finding);
        }
    }
}

/// Adds an unknown finding on the cluster for each rule where a list was not read whole: what was found holds, and
/// there may be more. Returns whether all were.
fn missing(
    inventory: &Inventory,
    kinds: &[Kind],
    rules: &[&Rule],
    context: &Context<'_>,
    findings: &mut Findings<'_>,
) -> bool {
    let Err((cause, reason)) = whole(inventory, kinds) else {
        return true;
    };
    for rule in rules {
        let decision = Decision::unknown(cause, reason.clone());
        findings.push(finding::of_object(
            rule,
            &whole_cluster(),
            decision,
            context,
        ));
    }
    false
}

/// Judges one subject.
fn judged(rule: &Rule, subject: &Subject, view: &ObjectView, context: &Context<'_>) -> Finding {
    let decision = match rule.evaluate(view, context.chosen.of(rule)) {
        Some(evaluation) => decided(rule, subject, evaluation, view, context),
        None => Decision {
            verdict: Verdict::Manual,
            ..Decision::unknown(
                kubeassay_core::Cause::Unsupported,
                "the page has no check; a person has to decide".to_owned(),
            )
        },
    };
    finding::of_object(rule, subject, decision, context)
}

fn decided(
    rule: &Rule,
    subject: &Subject,
    evaluation: Evaluation,
    view: &ObjectView,
    context: &Context<'_>,
) -> Decision {
    let Evaluation { outcome, read } = evaluation;
    let (verdict, cause) = finding::verdict_of(rule, &outcome);
    let object = subject.object.as_deref();
    // What decides alone keeps the rest from being read, and yet a person wants to know all of it: the policy, and what
    // runs in spite of it.
    let mut names = rule.check().map(Check::names).unwrap_or_default();
    names.retain(|name| view.value(name).is_some());
    let own = names.len();
    names.extend(read.into_iter().filter(|name| {
        rule.applies()
            .is_some_and(|(applies, _)| applies.names().contains(name))
    }));
    let evidence: Vec<Evidence> = names
        .iter()
        .filter_map(|name| {
            let value = view.value(name)?;
            Some(Evidence {
                setting: Some(name.clone()),
                file: None,
                object: None,
                response: None,
                value: value.clone(),
                witness: Witness::Live,
                observed_at: context.observed_at,
                origin: Origin {
                    name: object.map(Into::into),
                    ..Origin::new(OriginKind::Api)
                },
                overrode: Vec::new(),
            })
        })
        .collect();
    let own = evidence.get(..own).unwrap_or_default();
    let said = finding::values(own.iter().filter(|one| {
        // Which object it is stands beside the reason.
        let setting = one.setting.as_deref();
        !setting.is_some_and(|setting| IDENTIFYING.contains(&setting))
    }));
    let reason = match outcome {
        Outcome::Holds if verdict == Verdict::Manual => {
            format!("nothing was found that speaks against it, and a person has to decide: {said}")
        }
        Outcome::Holds | Outcome::Fails => said,
        Outcome::NotApplicable(reason) => reason,
        Outcome::Unknown(settings) => finding::unknown_reason(&settings),
        Outcome::NeedsChoice(name) => {
            format!("the site has to choose `{name}` before this can be decided: {said}")
        }
        Outcome::Faulty(reason) => format!("the rule's page is at fault: {reason}"),
    };
    // What does not hang on a thing does not hang on what is assumed of it either.
    let assumes = match verdict {
        Verdict::Pass | Verdict::Fail | Verdict::Manual => view.assumed(&names),
        Verdict::Unknown | Verdict::NotApplicable => Vec::new(),
    };
    Decision {
        verdict,
        cause,
        reason,
        evidence,
        assumes,
    }
}

fn role_view(role: &Role, wildcards: Vec<String>) -> ObjectView {
    let mut view = ObjectView::new("role");
    view.text("name", &role.name);
    view.text("namespace", role.namespace.as_deref().unwrap_or_default());
    view.flag("shipped", is_shipped(role));
    view.list("wildcards", wildcards);
    view
}

/// Returns whether a role is one of Kubernetes' own.
fn is_shipped(role: &Role) -> bool {
    let name = &*role.name;
    let known = ["cluster-admin", "admin", "edit", "view"].contains(&name);
    name.starts_with("system:") || (role.bootstrapping && known)
}

fn role_subject(role: &Role) -> Subject {
    let name = &role.name;
    match &role.namespace {
        Some(namespace) => subject(
            "role",
            &format!("{namespace}/{name}"),
            format!("Role {namespace}/{name}"),
        ),
        None => subject("role", name, format!("ClusterRole {name}")),
    }
}

fn whole_cluster() -> Subject {
    Subject {
        key: "cluster".to_owned(),
        object: None,
        ..subject("cluster", "", String::new())
    }
}

fn subject(word: &str, name: &str, object: String) -> Subject {
    Subject {
        key: format!("{word}/{name}"),
        component: word.to_owned(),
        unit: None,
        pid: None,
        exe: None,
        cgroup: None,
        object: Some(object),
        user: None,
        in_pod: false,
        recognised_by: Vec::new(),
    }
}

#[cfg(test)]
mod partial_tests;
#[cfg(test)]
mod tests;
