//! One finding: rule × kubelet × horizon, over every version the kubelet may be.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kubeassay_config::kubelet::Resolution;
use kubeassay_config::tables::Minor;
use kubeassay_core::report::{Evidence, Finding, Fix, Subject, WitnessFinding};
use kubeassay_core::rule::{Evaluation, Outcome, Rule, UnknownSetting};
use kubeassay_core::{Cause, Horizon, Value, Verdict, Witness};

use crate::kubelets::Kubelet;
use crate::view::View;
use crate::{evidence, ids, version};

/// What all findings of one node share.
pub(crate) struct Context<'a> {
    /// The node's id.
    pub(crate) node: &'a str,
    /// When the facts were taken.
    pub(crate) observed_at: Timestamp,
    /// What the site chose, by name.
    pub(crate) chosen: &'a BTreeMap<String, Value>,
}

/// A verdict with its cause, reason and evidence.
struct Decision {
    verdict: Verdict,
    cause: Option<Cause>,
    reason: String,
    evidence: Vec<Evidence>,
    assumes: Vec<String>,
}

impl Decision {
    const fn unknown(cause: Cause, reason: String) -> Self {
        Self {
            verdict: Verdict::Unknown,
            cause: Some(cause),
            reason,
            evidence: Vec::new(),
            assumes: Vec::new(),
        }
    }
}

/// Returns the findings of a rule on a kubelet: for `running`, and for `restart` where a file changed since.
pub(crate) fn of(rule: &Rule, kubelet: &Kubelet<'_>, context: &Context<'_>) -> Vec<Finding> {
    let running = decide_all(rule, kubelet, &kubelet.running, Horizon::Running, context);
    let mut findings = vec![assemble(
        rule,
        &kubelet.subject,
        Horizon::Running,
        running,
        context,
    )];
    if let Some(resolutions) = &kubelet.restart {
        let mut restart = decide_all(rule, kubelet, resolutions, Horizon::Restart, context);
        restart
            .assumes
            .insert(0, "same arguments as now".to_owned());
        findings.push(assemble(
            rule,
            &kubelet.subject,
            Horizon::Restart,
            restart,
            context,
        ));
    }
    findings
}

/// Returns the finding for a kubelet that must be there and was not seen.
pub(crate) fn unseen(
    rule: &Rule,
    subject: &Subject,
    cause: Cause,
    reason: &str,
    context: &Context<'_>,
) -> Finding {
    let decision = Decision::unknown(cause, reason.to_owned());
    assemble(rule, subject, Horizon::Running, decision, context)
}

fn assemble(
    rule: &Rule,
    subject: &Subject,
    horizon: Horizon,
    decision: Decision,
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
        id: ids::finding(rule.id(), context.node, &subject.key, horizon),
        rule: rule.id().to_owned(),
        title: rule.title().to_owned(),
        severity: rule.severity(),
        controls: rule.controls().to_vec(),
        node: Some(context.node.to_owned()),
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
        fix: Fix {
            possible: false,
            why_not: None,
        },
        remediation: rule.remediation().to_owned(),
    }
}

/// Decides for every version the kubelet may be: one verdict where all agree, else unknown.
fn decide_all(
    rule: &Rule,
    kubelet: &Kubelet<'_>,
    resolutions: &[Resolution],
    horizon: Horizon,
    context: &Context<'_>,
) -> Decision {
    if let Some(reason) = &kubelet.version.unsupported {
        return Decision::unknown(Cause::Unsupported, reason.clone());
    }
    let mut judged: Vec<(&Resolution, Judged)> = resolutions
        .iter()
        .map(|resolution| (resolution, judge(rule, resolution, horizon, context)))
        .collect();
    let same = judged.windows(2).all(|pair| match pair {
        [(_, a), (_, b)] => {
            a.verdict == b.verdict && (a.verdict != Verdict::Unknown || a.cause == b.cause)
        }
        _ => true,
    });
    if same {
        let minors: Vec<Minor> = judged
            .iter()
            .map(|(resolution, _)| resolution.minor)
            .collect();
        // One speaks for all, so that only one is put in words.
        let Some((resolution, last)) = judged.pop() else {
            return Decision::unknown(
                Cause::VersionUnknown,
                "no version is left that could run this".to_owned(),
            );
        };
        let mut decision = last.explain(kubelet, resolution, context);
        if minors.len() > 1 {
            decision.assumes.push(format!(
                "the version is one of {}; the verdict is the same in all of them",
                version::shown(&minors)
            ));
        }
        return decision;
    }
    let explained = judged.into_iter().map(|(resolution, judged)| {
        let decision = judged.explain(kubelet, resolution, context);
        (resolution.minor, decision)
    });
    differing(explained.collect())
}

/// Returns unknown for versions that do not agree, naming them.
fn differing(decisions: Vec<(Minor, Decision)>) -> Decision {
    let mut groups: Vec<(String, Vec<Minor>)> = Vec::new();
    let mut evidence = Vec::new();
    for (minor, decision) in decisions {
        let said = format!("{} ({})", decision.verdict, decision.reason);
        match groups.iter_mut().find(|(known, _)| *known == said) {
            Some((_, minors)) => minors.push(minor),
            None => groups.push((said, vec![minor])),
        }
        evidence = decision.evidence;
    }
    let said: Vec<String> = groups
        .into_iter()
        .map(|(said, minors)| format!("in {} {said}", version::shown(&minors)))
        .collect();
    let reason = format!(
        "it depends on the kubelet's version, which could not be told: {}; give it with --kubernetes-version",
        said.join("; ")
    );
    Decision {
        evidence,
        ..Decision::unknown(Cause::VersionUnknown, reason)
    }
}

/// The verdict of one version, before it is put in words.
struct Judged {
    verdict: Verdict,
    cause: Option<Cause>,
    basis: Basis,
}

/// What a verdict rests on.
enum Basis {
    /// Nothing was evaluated, for this reason.
    Reason(String),
    /// The check, or what says whether it applies.
    Evaluation(Evaluation),
}

/// Judges one version.
fn judge(rule: &Rule, resolution: &Resolution, horizon: Horizon, context: &Context<'_>) -> Judged {
    if let Some(refusal) = &resolution.refusal {
        let minor = resolution.minor;
        let reason = match (horizon, refusal.cause) {
            (Horizon::Running, Cause::Missing) => format!(
                "a file that it was started with is gone: {}; what it said is not known",
                refusal.reason
            ),
            (Horizon::Running, _) => format!(
                "a kubelet {minor} would refuse to start with this, yet it runs: {}; its files or its version are not what they seem",
                refusal.reason
            ),
            _ => format!("the kubelet would not start again: {}", refusal.reason),
        };
        return Judged {
            verdict: Verdict::Unknown,
            cause: Some(refusal.cause),
            basis: Basis::Reason(reason),
        };
    }
    let Some(evaluation) = rule.evaluate(&View(resolution), context.chosen) else {
        let reason = "the page has no check; a person has to decide".to_owned();
        return Judged {
            verdict: Verdict::Manual,
            cause: Some(Cause::Unsupported),
            basis: Basis::Reason(reason),
        };
    };
    let (verdict, cause) = match &evaluation.outcome {
        Outcome::Holds => (Verdict::Pass, None),
        Outcome::Fails => (Verdict::Fail, None),
        Outcome::NotApplicable(_) => (Verdict::NotApplicable, None),
        Outcome::Unknown(settings) => {
            let cause = settings
                .first()
                .map_or(Cause::Unsupported, |unknown| unknown.cause);
            (Verdict::Unknown, Some(cause))
        }
        Outcome::NeedsChoice(_) => (Verdict::Manual, Some(Cause::NeedsChoice)),
        Outcome::Faulty(_) => (Verdict::Unknown, Some(Cause::Unsupported)),
    };
    Judged {
        verdict,
        cause,
        basis: Basis::Evaluation(evaluation),
    }
}

impl Judged {
    /// Puts the verdict in words, with its evidence.
    fn explain(
        self,
        kubelet: &Kubelet<'_>,
        resolution: &Resolution,
        context: &Context<'_>,
    ) -> Decision {
        let (reason, evidence) = match self.basis {
            Basis::Reason(reason) => (reason, Vec::new()),
            Basis::Evaluation(Evaluation { outcome, read }) => {
                let evidence =
                    evidence::of(&read, resolution, kubelet.process, context.observed_at);
                let reason = match outcome {
                    Outcome::Holds | Outcome::Fails => values(&evidence),
                    Outcome::NotApplicable(reason) => reason,
                    Outcome::Unknown(settings) => unknown_reason(&settings),
                    Outcome::NeedsChoice(name) => {
                        format!("the site has to choose `{name}` before this can be decided")
                    }
                    Outcome::Faulty(reason) => format!("the rule's page is at fault: {reason}"),
                };
                (reason, evidence)
            }
        };
        Decision {
            verdict: self.verdict,
            cause: self.cause,
            reason,
            evidence,
            assumes: Vec::new(),
        }
    }
}

/// Returns `authorization.mode is Webhook`, for every setting that was read.
fn values(evidence: &[Evidence]) -> String {
    let said: Vec<String> = evidence
        .iter()
        .filter_map(|evidence| {
            let name = evidence.setting.as_ref()?;
            let name = name.strip_prefix("kubelet.").unwrap_or(name);
            Some(format!("{name} is {}", evidence.value))
        })
        .collect();
    if said.is_empty() {
        "it does not depend on any setting".to_owned()
    } else {
        said.join(", ")
    }
}

fn unknown_reason(settings: &[UnknownSetting]) -> String {
    let said: Vec<String> = settings
        .iter()
        .map(|unknown| {
            let name = unknown
                .setting
                .strip_prefix("kubelet.")
                .unwrap_or(&unknown.setting);
            format!("{name} is not known: {}", unknown.reason)
        })
        .collect();
    said.join("; ")
}
