//! The verdict of one witness: judged for every version that the component may be, and put in words once.

use kubeassay_config::resolution::Resolution;
use kubeassay_config::tables::Minor;
use kubeassay_core::rule::{Decides, Evaluation, Outcome, Rule};
use kubeassay_core::{Cause, Component, Horizon, Verdict};

use super::words::{unknown_reason, values};
use super::{COMPARED, Context, Decision};
use crate::evidence::{self, Speaker};
use crate::version;
use crate::view::View;

/// Decides for every version a component may be, by what its platform has: where the platform is made so that the rule
/// has nothing to say, what would fail is not applicable.
pub(super) fn decide_all(
    rule: &Rule,
    resolutions: &[Resolution],
    unsupported: Option<&str>,
    horizon: Horizon,
    speaker: Speaker<'_>,
    context: &Context<'_>,
) -> Decision {
    let decision = decide_each(rule, resolutions, unsupported, horizon, speaker, context);
    let by_design = context
        .platform
        .and_then(|platform| platform.absent(rule.id()));
    match by_design {
        Some(reason) if decision.verdict == Verdict::Fail => Decision {
            verdict: Verdict::NotApplicable,
            reason: format!("{reason} ({})", decision.reason),
            ..decision
        },
        _ => decision,
    }
}

/// Decides for every version a component may be: one verdict where all agree, else unknown.
fn decide_each(
    rule: &Rule,
    resolutions: &[Resolution],
    unsupported: Option<&str>,
    horizon: Horizon,
    speaker: Speaker<'_>,
    context: &Context<'_>,
) -> Decision {
    if let Some(reason) = unsupported {
        return Decision::unknown(Cause::Unsupported, reason.to_owned());
    }
    let mut judged: Vec<(&Resolution, Judged)> = resolutions
        .iter()
        .map(|resolution| {
            (
                resolution,
                judge(rule, resolution, horizon, speaker, context),
            )
        })
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
        let mut decision = last.explain(resolution, speaker);
        if minors.len() > 1 {
            decision.assumes.push(format!(
                "the version is one of {}; the verdict is the same in all of them",
                version::shown(&minors)
            ));
        }
        return decision;
    }
    let component = judged
        .first()
        .map_or(Component::Kubelet, |(resolution, _)| resolution.component);
    let explained = judged.into_iter().map(|(resolution, judged)| {
        let decision = judged.explain(resolution, speaker);
        (resolution.minor, decision)
    });
    differing(component, explained.collect())
}

/// Returns unknown for versions that do not agree, naming them.
fn differing(component: Component, decisions: Vec<(Minor, Decision)>) -> Decision {
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
        "it depends on the version of the {component}, which could not be told: {}; give it with --kubernetes-version",
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
fn judge(
    rule: &Rule,
    resolution: &Resolution,
    horizon: Horizon,
    speaker: Speaker<'_>,
    context: &Context<'_>,
) -> Judged {
    if let Some(refusal) = &resolution.refusal {
        let (minor, component) = (resolution.minor, resolution.component);
        let reason = match (horizon, refusal.cause) {
            (Horizon::Running, Cause::Missing) => format!(
                "a file that it was started with is gone: {}; what it said is not known",
                refusal.reason
            ),
            (Horizon::Running, _) => format!(
                "a {component} {minor} would refuse to start with this, yet it runs: {}; its files or its version are not what they seem",
                refusal.reason
            ),
            (Horizon::Restart, _) => {
                format!("the {component} would not start again: {}", refusal.reason)
            }
            (Horizon::Rebuild, _) => {
                format!(
                    "a new kubelet would not start with this: {}",
                    refusal.reason
                )
            }
        };
        return Judged {
            verdict: Verdict::Unknown,
            cause: Some(refusal.cause),
            basis: Basis::Reason(reason),
        };
    }
    let view = View {
        resolution,
        agreement: speaker.agreement,
        node: speaker.node,
    };
    let Some(evaluation) = rule.evaluate(&view, context.chosen.of(rule)) else {
        let reason = "the page has no check; a person has to decide".to_owned();
        return Judged {
            verdict: Verdict::Manual,
            cause: Some(Cause::Unsupported),
            basis: Basis::Reason(reason),
        };
    };
    let (verdict, cause) = verdict_of(rule, &evaluation.outcome);
    Judged {
        verdict,
        cause,
        basis: Basis::Evaluation(evaluation),
    }
}

/// Returns the verdict that an outcome comes to, and the cause where it is neither pass nor fail.
pub(crate) fn verdict_of(rule: &Rule, outcome: &Outcome) -> (Verdict, Option<Cause>) {
    match outcome {
        // What only finds violations proves nothing where it finds none.
        Outcome::Holds if rule.decides() == Decides::Violations => {
            (Verdict::Manual, Some(Cause::Unsupported))
        }
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
    }
}

impl Judged {
    /// Puts the verdict in words, with its evidence.
    fn explain(self, resolution: &Resolution, speaker: Speaker<'_>) -> Decision {
        let (reason, evidence) = match self.basis {
            Basis::Reason(reason) => (reason, Vec::new()),
            Basis::Evaluation(Evaluation { outcome, read }) => {
                let evidence = evidence::of(&read, resolution, speaker);
                let compares = read.iter().any(|name| name == COMPARED);
                let evidence = if compares {
                    speaker.agreement.evidence.clone()
                } else {
                    evidence
                };
                let reason = match outcome {
                    Outcome::Holds | Outcome::Fails if compares => speaker
                        .agreement
                        .reason()
                        .unwrap_or_else(|| "those who were asked agree".to_owned()),
                    Outcome::Holds if self.verdict == Verdict::Manual => format!(
                        "nothing was found that speaks against it, and a person has to decide: {}",
                        values(&evidence)
                    ),
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
