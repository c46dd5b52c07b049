//! A facts document, taken on any machine at any time: read, judged, shown.

use kubeassay_config::tables::Minor;
use kubeassay_core::facts::Facts;

use crate::judging::{judged, shown};

/// Documents with more processes or arguments are left out: judging one takes 17 versions.
const MOST: usize = 8;

/// Reads an input as a facts document and judges it.
pub(crate) fn run(data: &[u8]) {
    let Ok(facts) = serde_json::from_slice::<Facts>(data) else {
        return;
    };
    let written = serde_json::to_string(&facts).expect("facts are JSON");
    let again: Facts = serde_json::from_str(&written).expect("what was written can be read");
    assert_eq!(
        again, facts,
        "written and read again it is another document"
    );
    if facts.processes.len() > MOST {
        return;
    }
    let (width, turn) = (data.len() % 150, data.len());
    // All versions at once are seldom tried: they take 17 times as long.
    let version = Minor(20 + u8::try_from(turn % 17).unwrap_or(0));
    let version = (!turn.is_multiple_of(8)).then_some(version);
    let report = judged(
        std::slice::from_ref(&facts),
        version,
        turn.is_multiple_of(2),
    );
    shown(&report, width, turn);
    // Two documents of the same machine stay apart.
    let twice = judged(&[facts.clone(), facts], version, turn.is_multiple_of(2));
    assert_eq!(
        twice.findings.len(),
        2 * report.findings.len(),
        "a finding for each of two nodes"
    );
}
