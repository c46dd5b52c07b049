//! One rule and subject on the page.

use kubeassay_core::report::{BaselineState, Finding, Report};
use kubeassay_core::{Horizon, Verdict};

use super::Extent;
use super::group::{Group, Rank};
use crate::describe::{
    describe_evidence, describe_overridden, describe_waiver, describe_witnesses, verdict_word,
};
use crate::ink::Ink;
use crate::next::next_step;
use crate::page::{Page, width};

/// Columns of the labels: `assume` and a space.
pub(super) const LABEL: usize = 7;

/// Evidence and overridden values beyond so many are left to `wide`.
const SHOWN: usize = 3;

/// Writes a group in which something fails or is not known.
pub(super) fn open(report: &Report, group: &Group<'_>, extent: Extent, page: &mut Page) {
    let Some(first) = group.findings.first() else {
        return;
    };
    let (ink, word) = match group.rank() {
        Rank::Fails => (Ink::Bad, "FAIL"),
        Rank::Unknown | Rank::Settled => (Ink::Doubt, "UNKNOWN"),
    };
    let mut states = group.findings.iter();
    let state = match states.find_map(|finding| news(finding)) {
        Some(news) => format!(", {news}"),
        None => String::new(),
    };
    let text = format!("{} ({}{state})", first.title, first.severity);
    title(ink, word, &group.control(), &text, page);
    let several = group.findings.len() > 1 || first.horizon != Horizon::Running;
    for finding in &group.findings {
        if several {
            let horizon = format!("  {:LABEL$}", finding.horizon.as_str());
            let (ink, word) = word_of(finding);
            page.hang(
                &[(Ink::Strong, &horizon), (Ink::Plain, " ")],
                (ink, &word),
                2,
            );
        }
        details(finding, if several { 4 } else { 2 }, extent, page);
    }
    if let Some(next) = next_step(&group.findings, report) {
        page.item(2, "next", LABEL, (Ink::Plain, &next));
    }
}

/// Writes a group in which nothing is open: a line for each finding, who accepted it, and where all is wanted its evidence.
pub(super) fn settled(group: &Group<'_>, extent: Extent, page: &mut Page) {
    for finding in &group.findings {
        let (ink, word) = match finding.waiver {
            Some(_) => (Ink::Dim, "WAIVED"),
            None => (Ink::of(finding.verdict), verdict_word(finding.verdict)),
        };
        let title_text = match finding.horizon {
            Horizon::Running => finding.title.clone(),
            horizon => format!("{} ({horizon})", finding.title),
        };
        title(ink, word, &group.control(), &title_text, page);
        match (&finding.waiver, finding.verdict) {
            (Some(waiver), _) => {
                let verdict = verdict_word(finding.verdict);
                let text = format!("{verdict}, {}", describe_waiver(waiver));
                page.item(4, "", 0, (Ink::Dim, &text));
            }
            (None, Verdict::Manual | Verdict::NotApplicable) => {
                page.item(4, "", 0, (Ink::Dim, &finding.reason));
            }
            (None, _) => {}
        }
        if extent == Extent::All {
            evidence(finding, 4, Label::None, extent, page);
        }
    }
}

/// Writes `FAIL  4.2.2  title`; the columns stand below each other where the words are short.
pub(super) fn title(ink: Ink, word: &str, control: &str, title: &str, page: &mut Page) {
    let word = format!("{word:7}");
    let control = format!("{control:6}");
    let prefix = [
        (ink, word.as_str()),
        (Ink::Plain, "  "),
        (Ink::Strong, &control),
        (Ink::Plain, "  "),
    ];
    let hanging = prefix.iter().map(|(_, part)| width(part)).sum();
    page.hang(&prefix, (Ink::Plain, title), hanging);
}

/// Returns what the baseline did not have of a finding.
const fn news(finding: &Finding) -> Option<&'static str> {
    match finding.baseline_state {
        Some(BaselineState::New) => Some("new"),
        Some(BaselineState::Updated) => Some("changed since the baseline"),
        Some(BaselineState::Unchanged) | None => None,
    }
}

/// Returns the word of one finding; what was accepted keeps its verdict beside it.
fn word_of(finding: &Finding) -> (Ink, String) {
    let word = verdict_word(finding.verdict);
    match finding.waiver {
        Some(_) => (Ink::Dim, format!("WAIVED ({word})")),
        None => (Ink::of(finding.verdict), word.to_owned()),
    }
}

fn details(finding: &Finding, indent: usize, extent: Extent, page: &mut Page) {
    if let Some(waiver) = &finding.waiver {
        page.item(indent, "", LABEL, (Ink::Dim, &describe_waiver(waiver)));
    }
    if !finding.reason.is_empty() {
        page.item(indent, "why", LABEL, (Ink::Plain, &finding.reason));
    }
    if finding.verdict == Verdict::Fail && !finding.expected.is_empty() {
        page.item(indent, "want", LABEL, (Ink::Plain, &finding.expected));
    }
    evidence(finding, indent, Label::Where, extent, page);
    if let (Some(how), Extent::All) = (&finding.fix.how, extent) {
        page.item(indent, "mend", LABEL, (Ink::Plain, how));
    }
    if let Some(witnesses) = describe_witnesses(finding) {
        page.item(indent, "asked", LABEL, (Ink::Plain, &witnesses));
    }
    if !finding.assumes.is_empty() {
        page.item(
            indent,
            "assume",
            LABEL,
            (Ink::Dim, &finding.assumes.join("; ")),
        );
    }
}

/// Whether the evidence is labelled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Label {
    Where,
    None,
}

fn evidence(finding: &Finding, indent: usize, label: Label, extent: Extent, page: &mut Page) {
    let shown = |length: usize| {
        if extent == Extent::All {
            length
        } else {
            length.min(SHOWN)
        }
    };
    let (ink, label_width) = match label {
        Label::Where => (Ink::Plain, LABEL),
        Label::None => (Ink::Dim, 0),
    };
    let count = shown(finding.evidence.len());
    // What belongs to a value stands further in, as long as there is room for it.
    let inset = if page.width() < 60 { 0 } else { 2 };
    let below = indent + label_width + inset;
    for (index, evidence) in finding.evidence.iter().take(count).enumerate() {
        let label = if index == 0 && label == Label::Where {
            "where"
        } else {
            ""
        };
        let (what, place) = describe_evidence(evidence, finding.verdict);
        let line = format!("{what} {place}");
        if indent + label_width + width(&line) <= page.width() {
            page.item(indent, label, label_width, (ink, &line));
        } else {
            page.item(indent, label, label_width, (ink, &what));
            page.item(below, "", 0, (ink, &place));
        }
        for overridden in evidence
            .overrode
            .iter()
            .take(shown(evidence.overrode.len()))
        {
            page.item(below, "", 0, (Ink::Dim, &describe_overridden(overridden)));
        }
        let more = evidence.overrode.len() - shown(evidence.overrode.len());
        if more > 0 {
            page.item(
                below,
                "",
                0,
                (Ink::Dim, &format!("overrode {more} more: -o wide")),
            );
        }
    }
    let more = finding.evidence.len() - count;
    if more > 0 {
        let text = format!("{more} more: -o wide");
        page.item(indent, "", label_width, (Ink::Dim, &text));
    }
}
