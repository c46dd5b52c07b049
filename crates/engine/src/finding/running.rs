//! What holds now, by every witness that was asked.

use jiff::Timestamp;
use kubeassay_config::resolution::Resolution;
use kubeassay_core::report::WitnessFinding;
use kubeassay_core::rule::{Evaluation, Outcome, Rule};
use kubeassay_core::{Cause, Horizon, Verdict, Witness};

use super::verdict::decide_all;
use super::words::unknown_reason;
use super::{Context, Decision};
use crate::evidence::Speaker;
use crate::instances::Instance;
use crate::witnesses::Probe;

/// Returns what holds now, and what each witness said: the live one where it decided, else the disk's; a probe that
/// got in turns pass into fail, and nothing it says turns fail into pass.
pub(super) fn running(
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
