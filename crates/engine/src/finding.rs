//! One finding: rule × component × horizon, over every version the component may be.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use kubeassay_config::resolution::Resolution;
use kubeassay_config::setting::Unknown;
use kubeassay_config::tables::Minor;
use kubeassay_core::facts::FileFacts;
use kubeassay_core::report::{Evidence, Finding, Subject, WitnessFinding};
use kubeassay_core::rule::{
    Benchmark, Decides, Evaluation, Outcome, Rule, SiteChoices, UnknownSetting,
};
use kubeassay_core::{Cause, Component, Horizon, OriginKind, Verdict, Witness};

use crate::agreement::{Agreement, is_zero};
use crate::evidence::Speaker;
use crate::fixes::{self, Seen};
use crate::instances::{Instance, Restart};
use crate::node::{self, NodeView};
use crate::platforms::Platform;
use crate::view::{View, below};
use crate::witnesses::Probe;
use crate::{evidence, version};

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

/// Returns what holds now, and what each witness said: the live one where it decided, else the disk's; a probe that
/// got in turns pass into fail, and nothing it says turns fail into pass.
fn running(
    rule: &Rule,
    instance: &Instance<'_>,
    context: &Context<'_>,
) -> Option<(Decision, Vec<WitnessFinding>)> {
    let unsupported = instance.version.unsupported.as_deref();
    let agreement = &instance.agreement;
    let decide = |resolutions: &[Resolution], speaker| {
        decide_all(
            rule,
            resolutions,
            unsupported,
            Horizon::Running,
            speaker,
            context,
        )
    };
    let disk = instance.process.map(|process| {
        let speaker = Speaker {
            witness: Witness::Disk,
            observed_at: context.observed_at,
            files: &process.files,
            agreement,
            node: context.view,
        };
        (
            Witness::Disk,
            context.observed_at,
            decide(&instance.running, speaker),
        )
    });
    let live = instance.live.as_ref().map(|live| {
        let speaker = Speaker {
            witness: Witness::Live,
            observed_at: live.asked,
            files: &[],
            agreement,
            node: context.view,
        };
        let decision = match &live.said {
            Ok(resolutions) => decide(resolutions, speaker),
            Err(unknown) => Decision::unknown(unknown.cause, unknown.reason.clone()),
        };
        (Witness::Live, live.asked, decision)
    });
    let probe = instance
        .probe
        .as_ref()
        .and_then(|probe| refused(rule, probe, context));
    let said = |(witness, observed_at, decision): &(Witness, Timestamp, Decision)| WitnessFinding {
        witness: *witness,
        verdict: decision.verdict,
        cause: decision.cause,
        observed_at: *observed_at,
        reason: decision.reason.clone(),
    };
    let witnesses: Vec<WitnessFinding> = [&disk, &live, &probe]
        .into_iter()
        .flatten()
        .map(said)
        .collect();
    let decided = |one: &(Witness, Timestamp, Decision)| one.2.verdict != Verdict::Unknown;
    let probe = probe.map(|(_, _, decision)| decision);
    let taken = match (live, disk) {
        (Some(live), disk) if decided(&live) || disk.is_none() => Some(live),
        (_, disk) => disk,
    };
    let decision = match (taken.map(|(_, _, decision)| decision), probe) {
        (Some(taken), Some(probe)) => confronted(taken, probe, instance.process.is_none()),
        (Some(only), None) | (None, Some(only)) => only,
        // Nobody said anything of what this rule reads.
        (None, None) if instance.probe.is_some() => Decision::unknown(
            Cause::Unsupported,
            "only requests that had to be refused were made, and they do not tell this; ask /configz too (--live)".to_owned(),
        ),
        (None, None) => return None,
    };
    Some((decision, witnesses))
}

/// Returns what a verdict becomes beside what a probe showed.
fn confronted(mut taken: Decision, probe: Decision, alone: bool) -> Decision {
    let got_in =
        probe.verdict == Verdict::Fail && matches!(taken.verdict, Verdict::Pass | Verdict::Unknown);
    // Where no file was read and /configz gave nothing, the probe is all there is.
    let only = alone && taken.verdict == Verdict::Unknown && probe.verdict == Verdict::Pass;
    if got_in || only {
        let before = format!("{} by what else is known ({})", taken.verdict, taken.reason);
        return Decision {
            reason: format!("{}; {before}", probe.reason),
            evidence: [probe.evidence, taken.evidence].concat(),
            ..probe
        };
    }
    taken.evidence.extend(probe.evidence);
    taken
}

/// Returns what a probe says of a rule, where it says anything of what the rule reads.
fn refused(
    rule: &Rule,
    probe: &Probe,
    context: &Context<'_>,
) -> Option<(Witness, Timestamp, Decision)> {
    let Evaluation { outcome, read } = rule.evaluate(probe, context.chosen.of(rule))?;
    let asked = probe.asked(&read).filter(|_| probe.concerns(&read))?;
    let evidence = probe.evidence(&read);
    let answers: Vec<&str> = evidence
        .iter()
        .filter_map(|evidence| evidence.response.as_deref())
        .collect();
    let decided = |verdict| Decision {
        verdict,
        cause: None,
        reason: answers.join(", "),
        evidence: evidence.clone(),
        assumes: Vec::new(),
    };
    let decision = match outcome {
        Outcome::Holds => decided(Verdict::Pass),
        Outcome::Fails => decided(Verdict::Fail),
        Outcome::Unknown(settings) => {
            let cause = settings
                .first()
                .map_or(Cause::Unsupported, |unknown| unknown.cause);
            Decision {
                evidence,
                ..Decision::unknown(cause, unknown_reason(&settings))
            }
        }
        Outcome::NotApplicable(_) | Outcome::NeedsChoice(_) | Outcome::Faulty(_) => return None,
    };
    Some((Witness::Probe, asked, decision))
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

/// Decides for every version a component may be, by what its platform has: where the platform is made so that the rule
/// has nothing to say, what would fail is not applicable.
fn decide_all(
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

/// Returns `authorization.mode is Webhook`, for every setting that was read.
pub(crate) fn values<'a>(evidence: impl IntoIterator<Item = &'a Evidence>) -> String {
    let said: Vec<String> = evidence
        .into_iter()
        .filter_map(|evidence| {
            let name = evidence.setting.as_ref()?;
            Some(format!("{} is {}", short(name), evidence.value))
        })
        .collect();
    if said.is_empty() {
        "it does not depend on any setting".to_owned()
    } else {
        said.join(", ")
    }
}

pub(crate) fn unknown_reason(settings: &[UnknownSetting]) -> String {
    let said: Vec<String> = settings
        .iter()
        .map(|unknown| {
            format!(
                "{} is not known: {}",
                short(&unknown.setting),
                unknown.reason
            )
        })
        .collect();
    said.join("; ")
}

/// Returns the name of a setting as its component calls it. The node's keep theirs: nobody else has such.
fn short(name: &str) -> &str {
    if below(name, node::ROOT).is_some() {
        return name;
    }
    name.split_once('.').map_or(name, |(_, path)| path)
}
