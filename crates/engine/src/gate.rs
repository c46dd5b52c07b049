//! The exit code of a scan, and why.

use kubeassay_core::report::{Coverage, FailOn, Gate, Percent, Summary};

/// Decides the exit code over the findings that count.
///
/// `nothing_judged` says, for a person, why there are none. Of what is unknown, `provider_side` findings can be known
/// to the provider alone: no run could ever be without them, so that they move nothing.
pub(crate) fn gate(
    summary: &Summary,
    provider_side: usize,
    coverage: Coverage,
    complete: bool,
    nothing_judged: Option<&str>,
    fail_on: FailOn,
    min_coverage: Option<Percent>,
) -> Gate {
    let (fails, unknowns) = (summary.fail, summary.unknown.saturating_sub(provider_side));
    let Coverage { scanned, nodes, .. } = coverage;
    // Of nodes that nobody knows no part was scanned.
    let all_known = complete || scanned < nodes;
    let missed = min_coverage.filter(|wanted| !all_known || !wanted.is_reached(scanned, nodes));
    let (code, reason) = if fails > 0 {
        let findings = plural(fails, "finding fails", "findings fail");
        (1, format!("{fails} {findings}"))
    } else if let Some(reason) = nothing_judged {
        (2, reason.to_owned())
    } else if let Some(wanted) = missed {
        (
            2,
            format!(
                "nothing fails, but only {scanned} of {nodes} nodes were scanned whole, and --min-coverage wants {wanted}"
            ),
        )
    } else if unknowns > 0 {
        let findings = plural(unknowns, "finding is", "findings are");
        (
            2,
            format!("nothing fails, but {unknowns} {findings} unknown"),
        )
    } else if !complete {
        (2, "nothing fails, but the scan is incomplete".to_owned())
    } else if provider_side > 0 {
        let findings = plural(provider_side, "finding is", "findings are");
        (
            0,
            format!(
                "nothing fails and nothing is unknown but what the provider alone can see: {provider_side} {findings} left to it"
            ),
        )
    } else {
        (0, "nothing fails and nothing is unknown".to_owned())
    };
    // A coverage that was asked for by name holds, whatever else is let pass.
    let let_pass = match fail_on {
        FailOn::Never => true,
        FailOn::Fail => code == 2 && missed.is_none(),
        FailOn::Unknown => false,
    };
    let exit_code = if let_pass { 0 } else { code };
    Gate {
        fail_on,
        exit_code,
        reason,
    }
}

const fn plural(count: usize, one: &'static str, many: &'static str) -> &'static str {
    if count == 1 { one } else { many }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_is_held_to_what_was_asked_for() {
        let percent = |text: &str| Some(text.parse::<Percent>().unwrap());
        for (scanned, fail_on, wanted, code) in [
            (98, FailOn::Unknown, None, 2),
            (98, FailOn::Fail, None, 0),
            (98, FailOn::Fail, percent("98%"), 0),
            (98, FailOn::Fail, percent("98.5%"), 2),
            (98, FailOn::Never, percent("100%"), 0),
            (100, FailOn::Unknown, percent("100%"), 0),
        ] {
            let coverage = Coverage {
                nodes: 100,
                scanned,
                unreachable: 100 - scanned,
                ..Coverage::default()
            };
            let summary = Summary {
                pass: scanned,
                ..Summary::default()
            };
            let gate = gate(&summary, 0, coverage, scanned == 100, None, fail_on, wanted);
            assert_eq!(
                gate.exit_code, code,
                "{scanned} {fail_on:?} {wanted:?}: {}",
                gate.reason
            );
        }
    }

    #[test]
    fn what_only_the_provider_can_see_fails_nobody() {
        for (unknown, provider_side, code) in [(3, 3, 0), (3, 2, 2), (0, 0, 0)] {
            let summary = Summary {
                pass: 1,
                unknown,
                ..Summary::default()
            };
            let coverage = Coverage {
                nodes: 1,
                scanned: 1,
                ..Coverage::default()
            };
            let fail_on = FailOn::Unknown;
            let gate = gate(&summary, provider_side, coverage, true, None, fail_on, None);
            assert_eq!(gate.exit_code, code, "{}", gate.reason);
        }
    }
}
