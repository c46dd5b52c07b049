//! What a node that is built anew, or upgraded, will get: the objects of the cluster that hold its configuration.

use kubeassay_config::setting::Unknown;
use kubeassay_config::tables::Minor;
use kubeassay_core::Cause;
use kubeassay_core::facts::{ClusterFacts, ObjectFacts};
use kubeassay_core::report::{Finding, Subject};
use kubeassay_core::rule::{Benchmark, ExampleHost, Rule};

use crate::example;
use crate::finding::{self, Context};
use crate::judgement::Options;
use crate::kubelets::{self, remote_subject};
use crate::node::NodeView;
use crate::version::parse_version;

/// Returns the findings on every object, sorted by rule and object.
///
/// The text is judged as the configuration file of a kubelet with the arguments that kubeadm gives: those name files
/// and set nothing.
pub(crate) fn of(facts: &ClusterFacts, rules: &[&Rule], options: &Options) -> Vec<Finding> {
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
    let mut findings: Vec<Finding> = facts
        .objects
        .iter()
        .flat_map(|object| of_object(object, said, rules, &context))
        .collect();
    findings.sort_by(|one, other| {
        (&one.rule, &one.subject.key).cmp(&(&other.rule, &other.subject.key))
    });
    findings
}

fn of_object(
    object: &ObjectFacts,
    said: Option<Minor>,
    rules: &[&Rule],
    context: &Context<'_>,
) -> Vec<Finding> {
    let ObjectFacts {
        kind,
        namespace,
        name,
        ..
    } = object;
    let subject = Subject {
        key: format!("{namespace}/{name}"),
        object: Some(format!("{kind} {namespace}/{name}")),
        ..remote_subject()
    };
    let judge = |resolutions: Result<Vec<_>, Unknown>, files: &[_]| {
        let rules = rules.iter();
        rules
            .filter(|rule| rule.subject().is_none_or(|subject| subject == "kubelet"))
            .map(|rule| finding::rebuild(rule, &subject, &resolutions, files, context))
            .collect()
    };
    let text = match text(object) {
        Ok(text) => text,
        Err(unknown) => return judge(Err(unknown), &[]),
    };
    let facts = example::facts(&ExampleHost::kubeadm(text));
    let mut found = kubelets::find(&facts, said).found;
    let (Some(kubelet), Some(process)) = (found.pop(), facts.kubelets().next()) else {
        return Vec::new();
    };
    let resolutions = match kubelet.version.unsupported {
        Some(reason) => Err(Unknown {
            cause: Cause::Unsupported,
            reason,
            path: None,
        }),
        None => Ok(kubelet.running),
    };
    judge(resolutions, &process.files)
}

/// Returns the configuration that stands in the object.
fn text(object: &ObjectFacts) -> Result<&str, Unknown> {
    let shown = format!("{} {}/{}", object.kind, object.namespace, object.name);
    let unknown = |cause, reason: String| Unknown {
        cause,
        reason: format!("{shown}: {reason}"),
        path: None,
    };
    if let Some(trouble) = &object.problem {
        return Err(unknown(trouble.cause, trouble.reason.clone()));
    }
    let Some(content) = &object.content else {
        let reason = format!("it has no key {:?}", object.key);
        return Err(unknown(Cause::Missing, reason));
    };
    content.as_str().ok_or_else(|| {
        let reason = format!("what stands under {:?} is not UTF-8", object.key);
        unknown(Cause::ParseError, reason)
    })
}
