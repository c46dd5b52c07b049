//! The gate: what the exit code is, and why.
//!
//! Findings are counted one by one, after waivers and baseline had their say, so that every format and every command
//! comes to the same counts and the same exit code.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{BaselineState, Coverage, Finding, Percent, Summary};
use crate::verdict::{Cause, Severity, Verdict};

/// Which findings move the exit code: of each verdict those that are at least so severe; none of a verdict without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "String"))]
#[serde(into = "String", try_from = "String")]
pub struct FailOn {
    /// The least severe fail that counts.
    pub fail: Option<Severity>,
    /// The least severe unknown that counts; with one, it counts too where nothing was judged or the scan is incomplete.
    pub unknown: Option<Severity>,
    /// The least severe finding that counts of those that a person has to decide.
    pub manual: Option<Severity>,
}

impl FailOn {
    /// Nothing moves it.
    pub const NEVER: Self = Self {
        fail: None,
        unknown: None,
        manual: None,
    };
    /// Every fail.
    pub const FAIL: Self = Self {
        fail: Some(Severity::Low),
        ..Self::NEVER
    };
    /// Every fail and every unknown.
    pub const UNKNOWN: Self = Self {
        unknown: Some(Severity::Low),
        ..Self::FAIL
    };

    /// Returns whether a finding of this verdict and severity moves the exit code.
    fn counts(self, verdict: Verdict, severity: Severity) -> bool {
        let least = match verdict {
            Verdict::Fail => self.fail,
            Verdict::Unknown => self.unknown,
            Verdict::Manual => self.manual,
            Verdict::Pass | Verdict::NotApplicable => None,
        };
        // The most severe comes first.
        least.is_some_and(|least| severity <= least)
    }
}

/// Reads `never`, or verdicts with the least severity that counts: `fail`, `unknown`, `fail:high`,
/// `fail:medium,unknown:high`. A verdict brings those before it (fail, unknown, manual) with the same severity, unless
/// they are named themselves: `unknown` is `fail,unknown`.
impl FromStr for FailOn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "never" {
            return Ok(Self::NEVER);
        }
        let mut named: [Option<Severity>; 3] = [None; 3];
        for entry in text.split(',') {
            let (verdict, severity) = match entry.split_once(':') {
                Some((verdict, word)) => (verdict, severity(word)?),
                None => (entry, Severity::Low),
            };
            let slot = match verdict {
                "fail" => &mut named[0],
                "unknown" => &mut named[1],
                "manual" => &mut named[2],
                _ => {
                    return Err(format!(
                        "{entry:?} is no verdict that can move the exit code; write never, or fail, unknown or manual, each with a severity if you like: fail:high,unknown:critical"
                    ));
                }
            };
            if slot.replace(severity).is_some() {
                return Err(format!("{verdict} is named twice; name it once"));
            }
        }
        let [fail, unknown, manual] = named;
        let unknown = unknown.or(manual);
        Ok(Self {
            fail: fail.or(unknown),
            unknown,
            manual,
        })
    }
}

fn severity(word: &str) -> Result<Severity, String> {
    let known = Severity::ALL.iter().find(|one| one.as_str() == word);
    known.copied().ok_or_else(|| {
        let words: Vec<&str> = Severity::ALL.iter().map(|one| one.as_str()).collect();
        format!("{word:?} is no severity; it is one of {}", words.join(", "))
    })
}

/// Shows it in the shortest form that is read as the same.
impl fmt::Display for FailOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [
            ("fail", self.fail),
            ("unknown", self.unknown),
            ("manual", self.manual),
        ];
        let mut said = Vec::new();
        for (index, (word, severity)) in all.iter().enumerate() {
            let Some(severity) = severity else { continue };
            // A later verdict with the same severity brings this one.
            let mut later = all.iter().skip(index + 1).filter_map(|(_, one)| *one);
            if later.next() == Some(*severity) {
                continue;
            }
            said.push(if *severity == Severity::Low {
                (*word).to_owned()
            } else {
                format!("{word}:{severity}")
            });
        }
        if said.is_empty() {
            return f.write_str("never");
        }
        f.write_str(&said.join(","))
    }
}

impl From<FailOn> for String {
    fn from(fail_on: FailOn) -> Self {
        fail_on.to_string()
    }
}

impl TryFrom<String> for FailOn {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// How many findings may be unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "String"))]
#[serde(into = "String", try_from = "String")]
pub enum MaxUnknown {
    /// So many.
    Number(usize),
    /// Such a part of those that are pass, fail or unknown.
    Part(Percent),
}

impl MaxUnknown {
    /// Returns whether `unknown` of `judged` findings may be.
    fn allows(self, unknown: usize, judged: usize) -> bool {
        match self {
            Self::Number(most) => unknown <= most,
            Self::Part(most) => unknown == 0 || !most.is_exceeded(unknown, judged),
        }
    }
}

/// Reads `5` or `2.5%`.
impl FromStr for MaxUnknown {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.ends_with('%') {
            return text.parse().map(Self::Part);
        }
        text.parse().map(Self::Number).map_err(|_| {
            format!("{text:?} is neither a number nor a percentage; write it as 5 or 2.5%")
        })
    }
}

impl fmt::Display for MaxUnknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Part(percent) => percent.fmt(f),
        }
    }
}

impl From<MaxUnknown> for String {
    fn from(most: MaxUnknown) -> Self {
        most.to_string()
    }
}

impl TryFrom<String> for MaxUnknown {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// What the gate is asked to hold back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateOptions {
    /// Which findings move the exit code.
    pub fail_on: FailOn,
    /// How much of the nodes must have been scanned whole, else the exit code is 2, whatever `fail_on` says.
    pub min_coverage: Option<Percent>,
    /// How many findings may be unknown; more, and the exit code is 2, whatever `fail_on` says; so many move nothing.
    pub max_unknown: Option<MaxUnknown>,
    /// Only findings that the baseline does not have, or has with other values, move the exit code.
    pub only_new: bool,
    /// Components that run inside workloads count as if they were the node's.
    pub include_pods: bool,
}

impl GateOptions {
    /// Returns a gate that `fail_on` alone moves.
    pub const fn new(fail_on: FailOn) -> Self {
        Self {
            fail_on,
            min_coverage: None,
            max_unknown: None,
            only_new: false,
            include_pods: false,
        }
    }
}

impl Gate {
    /// Returns what was asked of it, to ask the same again.
    pub const fn options(&self) -> GateOptions {
        GateOptions {
            fail_on: self.fail_on,
            min_coverage: self.min_coverage,
            max_unknown: self.max_unknown,
            only_new: self.only_new,
            include_pods: self.include_pods,
        }
    }
}

/// What the exit code is, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Gate {
    /// What was asked for: `never`, or verdicts with the least severity that counts, such as `fail:high,unknown:critical`.
    pub fail_on: FailOn,
    /// How much of the nodes had to be scanned whole.
    #[serde(default)]
    pub min_coverage: Option<Percent>,
    /// How many findings were allowed to be unknown.
    #[serde(default)]
    pub max_unknown: Option<MaxUnknown>,
    /// Only what the baseline does not have counted.
    #[serde(default)]
    pub only_new: bool,
    /// What runs inside workloads counted too; not there where it did not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub include_pods: bool,
    /// The exit code.
    pub exit_code: u8,
    /// One sentence for a person.
    pub reason: String,
}

/// What is known of a scan as a whole once every node was judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conclusion {
    /// How many nodes were reached.
    pub coverage: Coverage,
    /// Whether everything that was to be scanned was.
    pub complete: bool,
    /// Why there may be no finding, for a person.
    pub nothing: Option<String>,
}

/// What is said at the end of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// How many nodes were reached.
    pub coverage: Coverage,
    /// How many findings there are of each verdict.
    pub summary: Summary,
    /// What the exit code is, and why.
    pub gate: Gate,
    /// Whether everything that was to be scanned was.
    pub complete: bool,
}

/// Counts findings, each as it is once waivers and baseline had their say.
#[derive(Clone, Copy, Debug)]
pub struct Tally {
    options: GateOptions,
    summary: Summary,
    /// How many of the unknown findings only the provider could decide: no run could be without them, so that they move
    /// nothing.
    provider_side: usize,
    /// Those that move the exit code.
    moving: Moving,
    /// Fails that are let pass: not severe enough, or in the baseline.
    let_pass: usize,
    /// Unknown findings that are accepted: they move nothing, and are never passed over in silence.
    waived_unknown: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Moving {
    fail: usize,
    unknown: usize,
    manual: usize,
}

impl Tally {
    /// Returns a tally that has counted nothing.
    pub const fn new(options: GateOptions) -> Self {
        Self {
            options,
            summary: Summary {
                pass: 0,
                fail: 0,
                unknown: 0,
                manual: 0,
                not_applicable: 0,
                waived: 0,
            },
            provider_side: 0,
            moving: Moving {
                fail: 0,
                unknown: 0,
                manual: 0,
            },
            let_pass: 0,
            waived_unknown: 0,
        }
    }

    /// Counts a finding; one that lives in a workload counts for nothing, unless that was asked for.
    pub fn count(&mut self, finding: &Finding) {
        if finding.subject.in_pod && !self.options.include_pods {
            return;
        }
        if finding.waiver.is_some() {
            self.summary.waived += 1;
            if finding.verdict == Verdict::Unknown {
                self.waived_unknown += 1;
            }
            return;
        }
        let Summary {
            pass,
            fail,
            unknown,
            manual,
            not_applicable,
            waived: _,
        } = &mut self.summary;
        *match finding.verdict {
            Verdict::Pass => pass,
            Verdict::Fail => fail,
            Verdict::Unknown => unknown,
            Verdict::Manual => manual,
            Verdict::NotApplicable => not_applicable,
        } += 1;
        if finding.verdict == Verdict::Unknown && finding.cause == Some(Cause::ProviderSide) {
            self.provider_side += 1;
            return;
        }
        let known = finding.baseline_state == Some(BaselineState::Unchanged);
        let counts = self
            .options
            .fail_on
            .counts(finding.verdict, finding.severity);
        if counts && !(self.options.only_new && known) {
            match finding.verdict {
                Verdict::Fail => self.moving.fail += 1,
                Verdict::Unknown => self.moving.unknown += 1,
                Verdict::Manual => self.moving.manual += 1,
                Verdict::Pass | Verdict::NotApplicable => {}
            }
        } else if finding.verdict == Verdict::Fail {
            self.let_pass += 1;
        }
    }

    /// Returns how many findings there are of each verdict so far.
    pub const fn summary(&self) -> Summary {
        self.summary
    }

    /// Decides, once everything is counted.
    pub fn end(self, conclusion: Conclusion) -> Ending {
        let Conclusion {
            coverage,
            complete,
            nothing,
        } = conclusion;
        let nothing = if self.summary.total() > 0 {
            None
        } else if coverage.nodes == 0 {
            Some("nothing was judged: there are no facts".to_owned())
        } else {
            let no_rule = || "nothing was judged: no rule was chosen".to_owned();
            Some(nothing.unwrap_or_else(no_rule))
        };
        let (exit_code, mut reason) = self.decide(coverage, complete, nothing);
        if self.waived_unknown > 0 {
            let findings = plural(
                self.waived_unknown,
                "waived finding is",
                "waived findings are",
            );
            reason = format!("{reason}; {} {findings} unknown", self.waived_unknown);
        }
        let GateOptions {
            fail_on,
            min_coverage,
            max_unknown,
            only_new,
            include_pods,
        } = self.options;
        Ending {
            coverage,
            summary: self.summary,
            gate: Gate {
                fail_on,
                min_coverage,
                max_unknown,
                only_new,
                include_pods,
                exit_code,
                reason,
            },
            complete,
        }
    }

    fn decide(&self, coverage: Coverage, complete: bool, nothing: Option<String>) -> (u8, String) {
        let fail_on = self.options.fail_on;
        let doubts = fail_on.unknown.is_some();
        let fails = self.fails();
        let code = |asked: bool, code| if asked { code } else { 0 };
        if self.moving.fail > 0 {
            return (1, fails);
        }
        if fail_on == FailOn::NEVER && self.summary.fail > 0 {
            return (0, fails);
        }
        if let Some(reason) = nothing {
            return (code(doubts, 2), reason);
        }
        if let Some(reason) = self.missed(coverage, complete) {
            // What was asked for by name holds, whatever else is let pass; but where nothing is to move it, nothing does.
            let held = fail_on != FailOn::NEVER;
            return (code(held, 2), format!("{fails}, but {reason}"));
        }
        let unknowns = match self.options.max_unknown {
            // So many are allowed.
            Some(_) => 0,
            None if doubts => self.moving.unknown,
            None => self.unknown(),
        };
        if unknowns > 0 {
            let findings = plural(unknowns, "finding is", "findings are");
            let reason = format!("{fails}, but {unknowns} {findings} unknown");
            return (code(doubts, 2), reason);
        }
        if !complete && coverage.nodes == 0 {
            let reason = format!(
                "{fails}, but no node was listed, so that rules about nodes judged nothing; look at --selector"
            );
            return (code(doubts, 2), reason);
        }
        if !complete {
            let reason = format!("{fails}, but the scan is incomplete");
            return (code(doubts, 2), reason);
        }
        if self.moving.manual > 0 {
            let manual = self.moving.manual;
            let findings = plural(manual, "finding is", "findings are");
            let reason = format!("{fails}, but {manual} {findings} for a person to decide");
            return (2, reason);
        }
        let unknown = self.unknown();
        let reason = if unknown > 0 {
            let findings = plural(unknown, "finding is", "findings are");
            format!("{fails}; {unknown} {findings} unknown and let pass")
        } else if self.provider_side > 0 {
            let findings = plural(self.provider_side, "finding is", "findings are");
            format!(
                "{fails} and nothing is unknown but what the provider alone can see: {} {findings} left to it",
                self.provider_side
            )
        } else {
            format!("{fails} and nothing is unknown")
        };
        (0, reason)
    }

    /// Says how many findings fail, and how many of them are let pass.
    fn fails(&self) -> String {
        let moving = self.moving.fail;
        let why = if self.options.only_new {
            "known from the baseline, or not severe enough"
        } else {
            "not severe enough"
        };
        let let_pass = match self.let_pass {
            0 => String::new(),
            // Where none is to move it, none is held against a bar.
            more if self.options.fail_on.fail.is_none() => {
                let findings = plural(more, "finding fails", "findings fail");
                return format!("{more} {findings}");
            }
            more => format!(" ({more} more let pass: {why})"),
        };
        if moving == 0 {
            return match self.let_pass {
                0 => "nothing fails".to_owned(),
                _ => format!("nothing fails that counts{let_pass}"),
            };
        }
        let findings = plural(moving, "finding fails", "findings fail");
        format!("{moving} {findings}{let_pass}")
    }

    /// How many findings are unknown, but for those that the provider alone could decide.
    const fn unknown(&self) -> usize {
        self.summary.unknown.saturating_sub(self.provider_side)
    }

    /// Returns which limit that was named is not kept.
    fn missed(&self, coverage: Coverage, complete: bool) -> Option<String> {
        let Coverage { scanned, nodes, .. } = coverage;
        // Of nodes that nobody knows no part was scanned.
        let all_known = complete || scanned < nodes;
        if let Some(wanted) = self.options.min_coverage
            && (!all_known || !wanted.is_reached(scanned, nodes))
        {
            return Some(format!(
                "only {scanned} of {nodes} nodes were scanned whole, and --min-coverage wants {wanted}"
            ));
        }
        let most = self.options.max_unknown?;
        let unknown = self.unknown();
        let Summary { pass, fail, .. } = self.summary;
        if most.allows(unknown, pass + fail + unknown) {
            return None;
        }
        let findings = plural(unknown, "finding is", "findings are");
        Some(format!(
            "{unknown} {findings} unknown, and --max-unknown allows {most}"
        ))
    }
}

impl Summary {
    /// Returns how many findings there are.
    pub const fn total(&self) -> usize {
        let Self {
            pass,
            fail,
            unknown,
            manual,
            not_applicable,
            waived,
        } = self;
        *pass + *fail + *unknown + *manual + *not_applicable + *waived
    }
}

const fn plural(count: usize, one: &'static str, many: &'static str) -> &'static str {
    if count == 1 { one } else { many }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_the_exit_code_is_read_and_shown_in_its_shortest_form() {
        for (text, shown) in [
            ("never", "never"),
            ("fail", "fail"),
            ("unknown", "unknown"),
            ("manual", "manual"),
            ("fail,unknown", "unknown"),
            ("fail:low", "fail"),
            ("unknown:high", "unknown:high"),
            (
                "fail:medium,unknown:critical",
                "fail:medium,unknown:critical",
            ),
            ("manual:high,fail", "fail,manual:high"),
        ] {
            let read: FailOn = text.parse().unwrap();
            assert_eq!(read.to_string(), shown, "{text}");
            assert_eq!(shown.parse::<FailOn>().unwrap(), read, "{text}");
        }
        for text in [
            "",
            "pass",
            "fail:",
            "fail:urgent",
            "fail,fail",
            "never,fail",
            "high",
            "Fail",
        ] {
            assert!(text.parse::<FailOn>().is_err(), "{text}");
        }
    }

    fn finding(verdict: Verdict, severity: Severity) -> Finding {
        Finding {
            id: String::new(),
            rule: String::new(),
            title: String::new(),
            severity,
            controls: Vec::new(),
            node: None,
            subject: crate::report::Subject {
                key: String::new(),
                component: String::new(),
                unit: None,
                pid: None,
                exe: None,
                cgroup: None,
                object: None,
                user: None,
                in_pod: false,
                recognised_by: Vec::new(),
            },
            horizon: crate::Horizon::Running,
            verdict,
            cause: None,
            reason: String::new(),
            expected: String::new(),
            assumes: Vec::new(),
            witnesses: Vec::new(),
            evidence: Vec::new(),
            waiver: None,
            baseline_state: None,
            fix: crate::report::Fix {
                possible: false,
                why_not: None,
                how: None,
            },
            remediation: String::new(),
        }
    }

    /// Judges findings on a cluster of which `scanned` of 100 nodes were scanned whole.
    fn gate(findings: &[Finding], options: GateOptions, scanned: usize) -> Gate {
        let mut tally = Tally::new(options);
        for finding in findings {
            tally.count(finding);
        }
        let coverage = Coverage {
            nodes: 100,
            scanned,
            unreachable: 100 - scanned,
            ..Coverage::default()
        };
        let conclusion = Conclusion {
            coverage,
            complete: scanned == 100,
            nothing: None,
        };
        tally.end(conclusion).gate
    }

    #[test]
    fn coverage_is_held_to_what_was_asked_for() {
        let percent = |text: &str| Some(text.parse::<Percent>().unwrap());
        let pass = vec![finding(Verdict::Pass, Severity::High)];
        for (scanned, fail_on, wanted, code) in [
            (98, FailOn::UNKNOWN, None, 2),
            (98, FailOn::FAIL, None, 0),
            (98, FailOn::FAIL, percent("98%"), 0),
            (98, FailOn::FAIL, percent("98.5%"), 2),
            (98, FailOn::NEVER, percent("100%"), 0),
            (100, FailOn::UNKNOWN, percent("100%"), 0),
        ] {
            let options = GateOptions {
                min_coverage: wanted,
                ..GateOptions::new(fail_on)
            };
            let gate = gate(&pass, options, scanned);
            assert_eq!(
                gate.exit_code, code,
                "{scanned} {fail_on} {wanted:?}: {}",
                gate.reason
            );
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table of cases")]
    fn verdict_severity_baseline_and_limits_decide_together() {
        use Verdict::{Fail, Manual, Pass, Unknown};
        let found = |verdicts: &[(Verdict, Severity)]| -> Vec<Finding> {
            let all = verdicts.iter();
            all.map(|(verdict, severity)| finding(*verdict, *severity))
                .collect()
        };
        let low = Severity::Low;
        let high = Severity::High;
        for (findings, fail_on, max_unknown, code, said) in [
            (
                found(&[(Fail, low), (Pass, low)]),
                "unknown",
                None,
                1,
                "1 finding fails",
            ),
            (
                found(&[(Fail, low), (Fail, high)]),
                "fail:high",
                None,
                1,
                "1 finding fails (1 more let pass: not severe enough)",
            ),
            (
                found(&[(Fail, low)]),
                "fail:high",
                None,
                0,
                "nothing fails that counts (1 more let pass: not severe enough) and nothing is unknown",
            ),
            (found(&[(Fail, low)]), "never", None, 0, "1 finding fails"),
            (
                found(&[(Unknown, low)]),
                "fail,unknown:high",
                None,
                0,
                "nothing fails; 1 finding is unknown and let pass",
            ),
            (
                found(&[(Unknown, high)]),
                "fail,unknown:high",
                None,
                2,
                "nothing fails, but 1 finding is unknown",
            ),
            (
                found(&[(Unknown, high)]),
                "fail",
                None,
                0,
                "nothing fails, but 1 finding is unknown",
            ),
            (
                found(&[(Unknown, high), (Pass, low)]),
                "unknown",
                Some("50%"),
                0,
                "nothing fails; 1 finding is unknown and let pass",
            ),
            (
                found(&[(Unknown, high), (Pass, low)]),
                "fail",
                Some("49.99%"),
                2,
                "nothing fails, but 1 finding is unknown, and --max-unknown allows 49.99%",
            ),
            (
                found(&[(Unknown, high)]),
                "fail",
                Some("0"),
                2,
                "nothing fails, but 1 finding is unknown, and --max-unknown allows 0",
            ),
            (
                found(&[(Manual, high)]),
                "unknown",
                None,
                0,
                "nothing fails and nothing is unknown",
            ),
            (
                found(&[(Manual, high)]),
                "manual",
                None,
                2,
                "nothing fails, but 1 finding is for a person to decide",
            ),
            (
                Vec::new(),
                "unknown",
                None,
                2,
                "nothing was judged: no rule was chosen",
            ),
        ] {
            let options = GateOptions {
                max_unknown: max_unknown.map(|text: &str| text.parse().unwrap()),
                ..GateOptions::new(fail_on.parse().unwrap())
            };
            let gate = gate(&findings, options, 100);
            assert_eq!(
                (gate.exit_code, gate.reason.as_str()),
                (code, said),
                "{fail_on} {max_unknown:?}"
            );
        }
    }

    #[test]
    fn what_the_baseline_has_moves_nothing_where_only_new_counts() {
        for (state, only_new, code) in [
            (Some(BaselineState::New), true, 1),
            (Some(BaselineState::Updated), true, 1),
            (Some(BaselineState::Unchanged), true, 0),
            (Some(BaselineState::Unchanged), false, 1),
            (None, true, 1),
        ] {
            let found = Finding {
                baseline_state: state,
                ..finding(Verdict::Fail, Severity::High)
            };
            let options = GateOptions {
                only_new,
                ..GateOptions::new(FailOn::UNKNOWN)
            };
            assert_eq!(
                gate(&[found], options, 100).exit_code,
                code,
                "{state:?} {only_new}"
            );
        }
    }

    #[test]
    fn what_is_waived_moves_nothing_and_an_unknown_that_is_waived_is_said() {
        let waived = |verdict| Finding {
            waiver: Some(crate::report::Waiver {
                reason: "r".to_owned(),
                owner: "o".to_owned(),
                ticket: None,
                created: None,
                expires: None,
                origin: None,
            }),
            ..finding(verdict, Severity::High)
        };
        for (findings, max_unknown, code, said) in [
            (
                vec![waived(Verdict::Fail)],
                None,
                0,
                "nothing fails and nothing is unknown",
            ),
            (
                vec![waived(Verdict::Fail), waived(Verdict::Unknown)],
                None,
                0,
                "nothing fails and nothing is unknown; 1 waived finding is unknown",
            ),
            (
                vec![
                    waived(Verdict::Unknown),
                    waived(Verdict::Unknown),
                    finding(Verdict::Fail, Severity::High),
                ],
                Some("0"),
                1,
                "1 finding fails; 2 waived findings are unknown",
            ),
        ] {
            let options = GateOptions {
                max_unknown: max_unknown.map(|text: &str| text.parse().unwrap()),
                ..GateOptions::new(FailOn::UNKNOWN)
            };
            let gate = gate(&findings, options, 100);
            assert_eq!((gate.exit_code, gate.reason.as_str()), (code, said));
        }
    }

    #[test]
    fn what_only_the_provider_can_see_fails_nobody() {
        for (provider_side, others, code) in [(3, 0, 0), (2, 1, 2), (0, 0, 0)] {
            let unknown = finding(Verdict::Unknown, Severity::High);
            let of_provider = Finding {
                cause: Some(Cause::ProviderSide),
                ..unknown.clone()
            };
            let mut findings = vec![finding(Verdict::Pass, Severity::High)];
            findings.extend(std::iter::repeat_n(of_provider, provider_side));
            findings.extend(std::iter::repeat_n(unknown, others));
            let gate = gate(&findings, GateOptions::new(FailOn::UNKNOWN), 100);
            assert_eq!(gate.exit_code, code, "{}", gate.reason);
        }
    }
}
