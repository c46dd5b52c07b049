//! The exit code of a scan, and why.

use kubeassay_core::Verdict;
use kubeassay_core::report::{FailOn, Finding, Gate};

/// Decides the exit code over the findings that count.
///
/// `nothing_judged` says, for a person, why there are none.
pub(crate) fn gate<'a>(
    counted: &(impl Iterator<Item = &'a Finding> + Clone),
    complete: bool,
    nothing_judged: Option<&str>,
    fail_on: FailOn,
) -> Gate {
    let count = |verdict| {
        counted
            .clone()
            .filter(|finding| finding.verdict == verdict)
            .count()
    };
    let (fails, unknowns) = (count(Verdict::Fail), count(Verdict::Unknown));
    let (code, reason) = if fails > 0 {
        (
            1,
            format!(
                "{fails} {}",
                plural(fails, "finding fails", "findings fail")
            ),
        )
    } else if let Some(reason) = nothing_judged {
        (2, reason.to_owned())
    } else if unknowns > 0 {
        (
            2,
            format!(
                "nothing fails, but {unknowns} {} unknown",
                plural(unknowns, "finding is", "findings are")
            ),
        )
    } else if !complete {
        (2, "nothing fails, but the scan is incomplete".to_owned())
    } else {
        (0, "nothing fails and nothing is unknown".to_owned())
    };
    let exit_code = match (fail_on, code) {
        (FailOn::Never, _) | (FailOn::Fail, 2) => 0,
        (FailOn::Unknown | FailOn::Fail, code) => code,
    };
    Gate {
        fail_on,
        exit_code,
        reason,
    }
}

const fn plural(count: usize, one: &'static str, many: &'static str) -> &'static str {
    if count == 1 { one } else { many }
}
