//! What every scenario may cost: `benches/budget.yaml`, checked in.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::generate::root;

/// Where it lies, from the root of the workspace.
pub(super) const PATH: &str = "benches/budget.yaml";

/// The scenario that stands for the size of the program.
const SIZE: &str = "size of the program";

const HEADER: &str = "\
# What the program may cost. Written by `cargo xtask bench --save`, held by `cargo xtask bench --check`.
#
# Growth that is allowed, in per cent:
# - instructions: the same program on the same machine differs by 0.1; another libc or loader, which are counted
#   too, by up to about 3; another compiler may well differ by more, and is a reason to save anew.
# - peak: pages are mapped in groups and threads take their stacks when they come, so that two runs differ by 5;
#   how much of the program itself is mapped with a page hangs on the machine and its file system, which is a
#   megabyte and more, so that growth by less than noise_kib is none.
# - size: only what is changed changes it, except for another compiler.
";

/// What one scenario costs. The size of the program is one too, its bytes in the place of instructions.
pub(super) struct Cost {
    pub(super) scenario: String,
    pub(super) instructions: u64,
    pub(super) peak_kib: Option<u64>,
}

impl Cost {
    /// Returns the size of the program.
    pub(super) fn of_size(bytes: u64) -> Self {
        Self {
            scenario: SIZE.to_owned(),
            instructions: bytes,
            peak_kib: None,
        }
    }
}

/// The budget.
#[derive(Deserialize)]
pub(super) struct Budget {
    allowed: Allowed,
    bytes: u64,
    scenarios: BTreeMap<String, Limit>,
}

/// The growth that is allowed, in per cent.
#[derive(Clone, Copy, Deserialize)]
struct Allowed {
    instructions: f64,
    peak: f64,
    size: f64,
    /// By how many KiB a peak of memory may differ for nothing.
    noise_kib: u64,
}

#[derive(Clone, Copy, Deserialize)]
struct Limit {
    instructions: u64,
    peak_kib: Option<u64>,
}

impl Budget {
    /// Reads the budget.
    pub(super) fn load() -> Result<Self> {
        let text =
            fs::read_to_string(root().join(PATH)).with_context(|| format!("cannot read {PATH}"))?;
        serde_saphyr::from_str(&text).with_context(|| format!("{PATH} is no budget"))
    }

    /// Writes the budget anew, with what is allowed as it was.
    pub(super) fn save(&self, measured: &[Cost]) -> Result<()> {
        let path = root().join(PATH);
        fs::write(&path, self.rewritten(measured)?).with_context(|| format!("cannot write {PATH}"))
    }

    fn rewritten(&self, measured: &[Cost]) -> Result<String> {
        let Allowed {
            instructions,
            peak,
            size,
            noise_kib,
        } = self.allowed;
        let mut text = HEADER.to_owned();
        writeln!(
            text,
            "allowed: {{instructions: {instructions}, peak: {peak}, size: {size}, noise_kib: {noise_kib}}}"
        )?;
        let bytes = measured.iter().find(|cost| cost.scenario == SIZE);
        writeln!(
            text,
            "bytes: {}",
            bytes.map_or(self.bytes, |cost| cost.instructions)
        )?;
        writeln!(text, "scenarios:")?;
        for cost in measured.iter().filter(|cost| cost.scenario != SIZE) {
            let known = self
                .scenarios
                .get(&cost.scenario)
                .and_then(|limit| limit.peak_kib);
            let peak = cost.peak_kib.or(known);
            write!(
                text,
                "  {}: {{instructions: {}",
                cost.scenario, cost.instructions
            )?;
            if let Some(peak) = peak {
                write!(text, ", peak_kib: {peak}")?;
            }
            writeln!(text, "}}")?;
        }
        Ok(text)
    }

    /// Returns by how many per cent a cost differs from its budget; nothing where there is none.
    pub(super) fn change(&self, cost: &Cost) -> Option<f64> {
        let limit = if cost.scenario == SIZE {
            self.bytes
        } else {
            self.scenarios.get(&cost.scenario)?.instructions
        };
        Some(growth(limit, cost.instructions))
    }

    /// Returns what is over budget, a sentence each: what grew, from what to what, and by how much.
    pub(super) fn faults(&self, measured: &[Cost]) -> Vec<String> {
        let mut faults = Vec::new();
        let mut hold = |what: String, unit: &str, limit: u64, now: u64, allowed: f64| {
            let grown = growth(limit, now);
            if grown > allowed {
                faults.push(format!(
                    "{what}: {limit} to {now} {unit}, {grown:+.1} % ({allowed} % allowed)"
                ));
            }
        };
        for cost in measured {
            let name = &cost.scenario;
            if name == SIZE {
                hold(
                    name.clone(),
                    "bytes",
                    self.bytes,
                    cost.instructions,
                    self.allowed.size,
                );
                continue;
            }
            let Some(limit) = self.scenarios.get(name) else {
                continue;
            };
            let allowed = self.allowed.instructions;
            hold(
                name.clone(),
                "instructions",
                limit.instructions,
                cost.instructions,
                allowed,
            );
            if let (Some(limit), Some(peak)) = (limit.peak_kib, cost.peak_kib)
                && peak.saturating_sub(limit) > self.allowed.noise_kib
            {
                hold(
                    format!("{name}, peak of memory"),
                    "KiB",
                    limit,
                    peak,
                    self.allowed.peak,
                );
            }
        }
        for name in self.scenarios.keys() {
            if measured.iter().all(|cost| cost.scenario != *name) {
                faults.push(format!("{name}: it has a budget, and nothing measures it"));
            }
        }
        for cost in measured.iter().filter(|cost| self.change(cost).is_none()) {
            faults.push(format!(
                "{}: it has no budget; run: cargo xtask bench --save",
                cost.scenario
            ));
        }
        faults
    }
}

/// Returns by how many per cent `now` is more than `before`.
#[expect(clippy::cast_precision_loss, reason = "a per cent needs no 53 bits")]
fn growth(before: u64, now: u64) -> f64 {
    (now as f64 - before as f64) * 100.0 / before.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::{Budget, Cost};

    fn budget(text: &str) -> Budget {
        serde_saphyr::from_str(text).unwrap()
    }

    fn cost(scenario: &str, instructions: u64, peak_kib: Option<u64>) -> Cost {
        Cost {
            scenario: scenario.to_owned(),
            instructions,
            peak_kib,
        }
    }

    const TEXT: &str = "allowed: {instructions: 5, peak: 10, size: 2, noise_kib: 6}\nbytes: 1000\nscenarios:\n  a: {instructions: 100, peak_kib: 50}\n";

    #[test]
    fn what_grew_too_much_is_named_with_how_much() {
        let fits = [cost("a", 105, Some(55)), Cost::of_size(1_020)];
        assert!(budget(TEXT).faults(&fits).is_empty());
        let noise = [cost("a", 100, Some(56)), Cost::of_size(1_000)];
        assert!(budget(TEXT).faults(&noise).is_empty());
        let grew = [
            cost("a", 106, Some(57)),
            Cost::of_size(1_021),
            cost("b", 1, None),
        ];
        assert_eq!(
            budget(TEXT).faults(&grew),
            [
                "a: 100 to 106 instructions, +6.0 % (5 % allowed)",
                "a, peak of memory: 50 to 57 KiB, +14.0 % (10 % allowed)",
                "size of the program: 1000 to 1021 bytes, +2.1 % (2 % allowed)",
                "b: it has no budget; run: cargo xtask bench --save",
            ]
        );
        let gone = [Cost::of_size(1)];
        assert_eq!(
            budget(TEXT).faults(&gone),
            ["a: it has a budget, and nothing measures it"]
        );
    }

    #[test]
    fn a_budget_that_was_saved_is_read_again() {
        let measured = [
            cost("a", 90, None),
            cost("scan, 2 nodes", 7, Some(3)),
            Cost::of_size(999),
        ];
        let text = budget(TEXT).rewritten(&measured).unwrap();
        assert!(budget(&text).faults(&measured).is_empty(), "{text}");
        assert!(
            text.contains("  a: {instructions: 90, peak_kib: 50}\n"),
            "{text}"
        );
    }
}
