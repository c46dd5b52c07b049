//! One finding: rule × component × horizon, over every version the component may be.

mod running;
mod verdict;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use kubeassay_config::resolution::Resolution;
use kubeassay_config::setting::Unknown;
use kubeassay_core::facts::FileFacts;
use kubeassay_core::report::{Evidence, Finding, Subject, WitnessFinding};
use kubeassay_core::rule::{Benchmark, Rule, SiteChoices};
use kubeassay_core::{Cause, Horizon, OriginKind, Verdict, Witness};

use crate::agreement::{Agreement, is_zero};
use crate::evidence::Speaker;
use crate::fixes::{self, Seen};
use crate::instances::{Instance, Restart};
use crate::node::NodeView;
use crate::platforms::Platform;
use running::running;
use verdict::decide_all;
pub(crate) use verdict::verdict_of;
pub(crate) use words::{unknown_reason, values};

/// The setting that compares the witnesses, as rules read it.
const COMPARED: &str = "kubelet.derived.disagreements";

/// What all findings of one node share.
pub(crate) struct Context<'a> {
    /// The node's id; `None` for what belongs to the cluster.
    pub(crate) node: Option<&'a str>,
    /// The benchmark whose numbers come first.
    pub(crate) benchmark: &'a Benchmark,
    /// The platform of the node, where it was told.
    pub(crate) platform: Option<&'a Platform>,
    /// When the facts were taken.
    pub(crate) observed_at: Timestamp,
    /// The node, as checks see it.
    pub(crate) view: &'a NodeView,
    /// What the site chose.
    pub(crate) chosen: &'a SiteChoices,
}

/// A verdict with its cause, reason and evidence.
pub(crate) struct Decision {
    pub(crate) verdict: Verdict,
    pub(crate) cause: Option<Cause>,
    pub(crate) reason: String,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) assumes: Vec<String>,
}

impl Decision {
    pub(crate) const fn unknown(cause: Cause, reason: String) -> Self {
        Self {
            verdict: Verdict::Unknown,
            cause: Some(cause),
            reason,
            evidence: Vec::new(),
            assumes: Vec::new(),
        }
    }
}

/// Returns the findings of a rule on a component: for `running`, by every witness that was asked, and for `restart`
/// where the next start will differ.
pub(crate) fn of(rule: &Rule, instance: &Instance<'_>, context: &Context<'_>) -> Vec<Finding> {
    let running = running(rule, instance, context);
    // Who agrees with whom is a matter of now.
    let compares = rule
        .check()
        .is_some_and(|check| check.names().iter().any(|name| name == COMPARED));
    let restart = restart(rule, instance, context).filter(|restart| {
        let always = matches!(instance.restart, Restart::Arguments(_));
        !compares
            && running
                .as_ref()
                .is_none_or(|(running, _)| always || differs(running, restart))
    });
    let subject = &instance.subject;
    let seen = if instance.process.is_some() || instance.is_idle() {
        Seen::OnItsNode
    } else {
        Seen::OverTheNetwork
    };
    let running = running.map(|(decision, witnesses)| Finding {
        witnesses,
        ..assemble(rule, subject, Horizon::Running, decision, seen, context)
    });
    let restart =
        restart.map(|decision| assemble(rule, subject, Horizon::Restart, decision, seen, context));
    running.into_iter().chain(restart).collect()
}

/// Returns what the next start will make of the files, as far as that is known.
fn restart(rule: &Rule, instance: &Instance<'_>, context: &Context<'_>) -> Option<Decision> {
    let horizon = Horizon::Restart;
    let agreement = Agreement::of_files();
    let speaker = |files| Speaker {
        witness: Witness::Disk,
        observed_at: context.observed_at,
        files,
        agreement: &agreement,
        node: context.view,
    };
    match &instance.restart {
        Restart::Same => None,
        Restart::Arguments(resolutions) => {
            let files = instance.process.map_or(&[][..], |process| &process.files);
            let unsupported = instance.version.unsupported.as_deref();
            let mut decision = decide_all(
                rule,
                resolutions,
                unsupported,
                horizon,
                speaker(files),
                context,
            );
            decision
                .assumes
                .insert(0, "same arguments as now".to_owned());
            Some(decision)
        }
        Restart::Service {
            resolutions,
            files,
            assumes,
            unsupported,
        } => {
            let unsupported = unsupported.as_deref();
            let mut decision = decide_all(
                rule,
                resolutions,
                unsupported,
                horizon,
                speaker(files),
                context,
            );
            decision.assumes.splice(0..0, assumes.iter().cloned());
            Some(decision)
        }
        Restart::Unknown(unknown) => Some(Decision::unknown(unknown.cause, unknown.reason.clone())),
    }
}

/// Returns whether the next start will differ from what runs, or may.
fn differs(running: &Decision, restart: &Decision) -> bool {
    let values = |decision: &Decision| -> BTreeMap<String, String> {
        let evidence = decision.evidence.iter();
        evidence
            .filter_map(|one| {
                // Unset and zero are the same to the kubelet: /configz leaves both out.
                let value = if is_zero(&one.value) {
                    String::new()
                } else {
                    one.value.to_string()
                };
                Some((one.setting.clone()?, value))
            })
            .collect()
    };
    // What neither can tell, for one and the same reason, is said once.
    if running.verdict == Verdict::Unknown && restart.verdict == Verdict::Unknown {
        return running.reason != restart.reason;
    }
    running.verdict == Verdict::Unknown
        || running.verdict != restart.verdict
        || values(running) != values(restart)
}

/// Returns the finding of a rule on what a new node will get.
pub(crate) fn rebuild(
    rule: &Rule,
    subject: &Subject,
    resolutions: &Result<Vec<Resolution>, Unknown>,
    files: &[FileFacts],
    context: &Context<'_>,
) -> Finding {
    let agreement = Agreement::of_files();
    let speaker = Speaker {
        witness: Witness::Disk,
        observed_at: context.observed_at,
        files,
        agreement: &agreement,
        node: context.view,
    };
    let mut decision = match resolutions {
        Ok(resolutions) => decide_all(rule, resolutions, None, Horizon::Rebuild, speaker, context),
        Err(unknown) => Decision::unknown(unknown.cause, unknown.reason.clone()),
    };
    decision
        .assumes
        .insert(0, "no flag on the new node overrides it".to_owned());
    let name: Option<Arc<str>> = subject.object.as_deref().map(Arc::from);
    for evidence in &mut decision.evidence {
        let places = evidence.overrode.iter_mut().map(|past| &mut past.origin);
        for origin in std::iter::once(&mut evidence.origin).chain(places) {
            if origin.kind == OriginKind::File {
                origin.kind = OriginKind::Api;
                origin.path = None;
                origin.name.clone_from(&name);
            }
        }
    }
    Finding {
        // No witness on a node was asked.
        witnesses: Vec::new(),
        ..assemble(
            rule,
            subject,
            Horizon::Rebuild,
            decision,
            Seen::OverTheNetwork,
            context,
        )
    }
}

/// Returns the finding for a kubelet that must be there and was not seen.
pub(crate) fn unseen(
    rule: &Rule,
    subject: &Subject,
    cause: Cause,
    reason: &str,
    context: &Context<'_>,
) -> Finding {
    let verdict = Verdict::Unknown;
    without_settings(rule, subject, verdict, Some(cause), reason, context)
}

/// Returns the finding for a subject of which no setting is known.
pub(crate) fn without_settings(
    rule: &Rule,
    subject: &Subject,
    verdict: Verdict,
    cause: Option<Cause>,
    reason: &str,
    context: &Context<'_>,
) -> Finding {
    let decision = Decision {
        verdict,
        cause,
        ..Decision::unknown(Cause::Missing, reason.to_owned())
    };
    assemble(
        rule,
        subject,
        Horizon::Running,
        decision,
        Seen::OnItsNode,
        context,
    )
}

/// Returns the finding for a subject that is no component, with what was read of it.
pub(crate) fn decided(
    rule: &Rule,
    subject: &Subject,
    (verdict, cause): (Verdict, Option<Cause>),
    reason: String,
    evidence: Vec<Evidence>,
    context: &Context<'_>,
) -> Finding {
    let decision = Decision {
        verdict,
        cause,
        evidence,
        ..Decision::unknown(Cause::Missing, reason)
    };
    assemble(
        rule,
        subject,
        Horizon::Running,
        decision,
        Seen::OnItsNode,
        context,
    )
}

/// Returns the finding on an object of the API, of which the API is the witness.
pub(crate) fn of_object(
    rule: &Rule,
    subject: &Subject,
    decision: Decision,
    context: &Context<'_>,
) -> Finding {
    let seen = Seen::OverTheNetwork;
    let mut finding = assemble(rule, subject, Horizon::Running, decision, seen, context);
    for witness in &mut finding.witnesses {
        witness.witness = Witness::Live;
    }
    finding
}

fn assemble(
    rule: &Rule,
    subject: &Subject,
    horizon: Horizon,
    decision: Decision,
    seen: Seen,
    context: &Context<'_>,
) -> Finding {
    let witness = WitnessFinding {
        witness: Witness::Disk,
        verdict: decision.verdict,
        cause: decision.cause,
        observed_at: context.observed_at,
        reason: decision.reason.clone(),
    };
    Finding {
        id: kubeassay_core::finding_id(
            rule.id(),
            context.node.unwrap_or_default(),
            &subject.key,
            horizon,
        ),
        rule: rule.id().to_owned(),
        title: rule.title().to_owned(),
        severity: rule.severity(),
        controls: context.benchmark.sorted(rule.controls()),
        node: context.node.map(str::to_owned),
        subject: subject.clone(),
        horizon,
        verdict: decision.verdict,
        cause: decision.cause,
        reason: decision.reason,
        expected: rule.expected().to_owned(),
        assumes: decision.assumes,
        witnesses: vec![witness],
        evidence: decision.evidence,
        waiver: None,
        baseline_state: None,
        fix: fixes::of(
            rule,
            subject,
            horizon,
            decision.verdict,
            seen,
            context.platform,
        ),
        remediation: rule.remediation().to_owned(),
    }
}
