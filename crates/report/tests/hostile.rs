//! What a tenant of the host wrote never reaches the reader's terminal as it is.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy takes helpers of tests for no tests"
)]

mod common;
#[path = "common/poison.rs"]
mod poison;

use common::{failing, shown};
use kubeassay_core::explanation::{Explanation, Layer, LayerState};
use kubeassay_core::{Severity, Value};
use kubeassay_report::list::{RuleRow, write_rules};
use kubeassay_report::{Format, Style, explain};
use poison::{poisoned, poisoned_report};
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::TestCaseError;

fn explained(text: &str, colour: bool) -> String {
    let finding = poisoned(failing("worker-1"), text);
    let layers = finding.evidence.iter().map(|evidence| Layer {
        name: text.to_owned(),
        state: LayerState::Won,
        value: Some(evidence.value.clone()),
        origin: Some(evidence.origin.clone()),
        note: Some(text.to_owned()),
    });
    let explanation = Explanation {
        setting: text.to_owned(),
        layers: layers.collect(),
        subject: finding.subject,
        versions: vec![text.to_owned()],
        effective: Some(Value::string(text)),
        verdict_line: Some(text.to_owned()),
        notes: vec![text.to_owned()],
    };
    let mut out = Vec::new();
    explain::write(&explanation, Style { width: 60, colour }, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn listed(text: &str, colour: bool) -> String {
    let row = RuleRow {
        id: text.to_owned(),
        control: Some(text.to_owned()),
        severity: Severity::High,
        title: text.to_owned(),
    };
    let mut out = Vec::new();
    write_rules(&[row], Style { width: 60, colour }, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Everything for people, with this text wherever foreign text may stand.
fn pages(text: &str, colour: bool) -> [String; 4] {
    let report = poisoned_report(text);
    [
        shown(&report, Format::Table, 60, colour),
        shown(&report, Format::Wide, 60, colour),
        explained(text, colour),
        listed(text, colour),
    ]
}

/// Fails unless the page is lines of what a terminal shows as it is written.
fn is_harmless(page: &str) -> Result<(), TestCaseError> {
    for line in page.lines() {
        prop_assert_eq!(kubeassay_core::text::escape(line), line);
    }
    Ok(())
}

fn foreign() -> impl Strategy<Value = String> {
    let nasty = "[a-z \\n\\r\\t\\x00\\x07\\x08\\x1b\\[\\]m;31\u{9b}\u{85}\u{200b}\u{202e}\u{2028}\u{e0041}日]{0,40}";
    prop_oneof![any::<String>(), nasty]
}

proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(32))]

    #[test]
    fn nothing_raw_without_colour(text in foreign()) {
        for page in pages(&text, false) {
            is_harmless(&page)?;
        }
    }

    #[test]
    fn only_our_own_escapes_with_colour(text in foreign()) {
        for (page, plain) in pages(&text, true).iter().zip(pages(&text, false)) {
            let mut rest = page.clone();
            for ours in ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m"] {
                rest = rest.replace(ours, "");
            }
            prop_assert!(!rest.contains('\x1b'), "{rest:?}");
            prop_assert_eq!(rest, plain);
        }
    }
}

#[test]
fn a_flood_is_cut_and_said_to_be() {
    for page in pages(&"x".repeat(1 << 18), false) {
        assert!(page.len() < 1 << 18, "{}", page.len());
        assert!(page.contains("more characters"), "{page}");
    }
}
