//! Benchmarks: a framework at one version, and the numbers that rules have there.

use std::cmp::Ordering;
use std::fmt;

use super::Rule;
use super::setting::{did_you_mean, suggestion};
use crate::report::Control;

/// The benchmarks that the bundled rules carry the numbers of: framework and versions, oldest first.
///
/// Versions between those of CIS Kubernetes (1.9) were never mapped; frameworks without versions have one numbering.
const KNOWN: &[(&str, &[&str])] = &[
    ("cis-kubernetes", &["1.8", "1.10", "1.11", "1.12", "2.0.1"]),
    ("cis-eks", &["1.8"]),
    ("cis-gke", &["1.9"]),
    ("cis-aks", &["1.8"]),
    ("cis-openshift", &["1.9"]),
    ("disa-stig", &[]),
    ("nist-800-53", &[]),
    ("attack", &[]),
];

/// A framework at one version, written `cis-kubernetes@1.12`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Benchmark {
    framework: String,
    version: Option<String>,
}

impl fmt::Display for Benchmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.version {
            Some(version) => write!(f, "{}@{version}", self.framework),
            None => f.write_str(&self.framework),
        }
    }
}

impl std::str::FromStr for Benchmark {
    type Err = String;

    /// Reads `cis-kubernetes@1.12`; without a version the newest.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, version) = match text.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (text, None),
        };
        let Some((framework, versions)) = KNOWN.iter().find(|(known, _)| *known == name) else {
            let names: Vec<&str> = KNOWN.iter().map(|(name, _)| *name).collect();
            let near = suggestion(&did_you_mean(name, names.iter().copied()));
            let help = near.unwrap_or_else(|| format!("there are: {}", names.join(", ")));
            return Err(format!("there is no benchmark `{name}`; {help}"));
        };
        let version = match (version, versions.last()) {
            (None, newest) => newest.copied(),
            (Some(version), Some(_)) if versions.contains(&version) => Some(version),
            (Some(version), Some(_)) => {
                return Err(format!(
                    "{framework} is known in {}, not in `{version}`",
                    versions.join(", ")
                ));
            }
            (Some(_), None) => {
                return Err(format!(
                    "{framework} has no versions here; write {framework}"
                ));
            }
        };
        Ok(Self {
            framework: (*framework).to_owned(),
            version: version.map(str::to_owned),
        })
    }
}

impl Benchmark {
    /// Returns the benchmark of CIS for the minor `1.minor` of Kubernetes on a platform (`eks`, `gke`, `aks`,
    /// `openshift` have their own).
    ///
    /// CIS Kubernetes 1.8 is for 1.26, 1.10 for 1.28, 1.11 for 1.29 to 1.31, 1.12 for 1.32 and 1.33, 2.0.1 for 1.34 and
    /// later, which 1.12 names as well. An older Kubernetes gets the oldest, as does one whose benchmark is not known.
    pub fn for_node(platform: Option<&str>, minor: Option<u8>) -> Self {
        let (framework, version) = match (platform, minor) {
            (Some("eks" | "bottlerocket"), _) => ("cis-eks", "1.8"),
            (Some("gke"), _) => ("cis-gke", "1.9"),
            (Some("aks"), _) => ("cis-aks", "1.8"),
            (Some("openshift"), _) => ("cis-openshift", "1.9"),
            (_, Some(0..=27)) => ("cis-kubernetes", "1.8"),
            (_, Some(28)) => ("cis-kubernetes", "1.10"),
            (_, Some(29..=31)) => ("cis-kubernetes", "1.11"),
            (_, Some(32 | 33)) => ("cis-kubernetes", "1.12"),
            (_, Some(34..) | None) => ("cis-kubernetes", "2.0.1"),
        };
        Self {
            framework: framework.to_owned(),
            version: Some(version.to_owned()),
        }
    }

    /// Returns its framework.
    pub fn framework(&self) -> &str {
        &self.framework
    }

    /// Returns the number that a rule has in it.
    pub fn number_of<'a>(&self, rule: &'a Rule) -> Option<&'a Control> {
        rule.controls().iter().find(|control| self.has(control))
    }

    /// Returns the numbers of a rule, that which it has here first.
    pub fn sorted(&self, controls: &[Control]) -> Vec<Control> {
        let mut sorted = controls.to_vec();
        if let Some(at) = sorted.iter().position(|control| self.has(control)) {
            let own = sorted.remove(at);
            sorted.insert(0, own);
        }
        sorted
    }

    fn has(&self, control: &Control) -> bool {
        control.framework == self.framework
            && match (&control.version, &self.version) {
                (Some(range), Some(version)) => holds(range, version),
                _ => true,
            }
    }
}

/// Returns whether a version is one of those that a range such as `>=1.8,<1.12` names; a version alone means itself.
fn holds(range: &str, version: &str) -> bool {
    range.split(',').all(|part| {
        let part = part.trim();
        let number = part.trim_start_matches(['<', '>', '=']);
        let order = compare(version, number);
        match part.strip_suffix(number) {
            Some(">=") => order != Ordering::Less,
            Some("<=") => order != Ordering::Greater,
            Some(">") => order == Ordering::Greater,
            Some("<") => order == Ordering::Less,
            _ => order == Ordering::Equal,
        }
    })
}

/// Compares versions number by number: 1.8 comes before 1.10.
fn compare(one: &str, other: &str) -> Ordering {
    let numbers = |text: &str| -> Vec<u64> {
        text.split('.')
            .map(|part| part.parse().unwrap_or(0))
            .collect()
    };
    let (one, other) = (numbers(one), numbers(other));
    let longest = one.len().max(other.len());
    let padded = |numbers: &[u64]| -> Vec<u64> {
        let zeros = std::iter::repeat_n(0, longest - numbers.len());
        numbers.iter().copied().chain(zeros).collect()
    };
    padded(&one).cmp(&padded(&other))
}

#[cfg(test)]
mod tests {
    use super::{Benchmark, holds};
    use crate::report::Control;

    #[test]
    fn ranges_are_compared_number_by_number() {
        for (range, version, expected) in [
            (">=1.8", "1.10", true),
            ("<1.10", "1.8", true),
            (">=1.10", "1.8", false),
            (">=1.8,<=1.11", "1.12", false),
            (">=1.8,<=1.11", "1.11", true),
            ("1.8", "1.8", true),
            ("1.8", "1.10", false),
            (">=1.12", "2.0.1", true),
            (">1.12", "1.12", false),
            ("=1.12", "1.12", true),
        ] {
            assert_eq!(holds(range, version), expected, "{range} {version}");
        }
    }

    #[test]
    fn a_benchmark_is_read_or_says_what_there_is() {
        for (text, shown) in [
            ("cis-kubernetes@1.12", Ok("cis-kubernetes@1.12")),
            ("cis-kubernetes", Ok("cis-kubernetes@2.0.1")),
            ("disa-stig", Ok("disa-stig")),
            ("cis-kubernetes@1.9", Err("not in `1.9`")),
            ("cis-kubernets", Err("did you mean `cis-kubernetes`?")),
            ("disa-stig@2", Err("has no versions here")),
            ("x", Err("there are: cis-kubernetes")),
        ] {
            match (text.parse::<Benchmark>(), shown) {
                (Ok(found), Ok(shown)) => assert_eq!(found.to_string(), shown),
                (Err(found), Err(said)) => assert!(found.contains(said), "{found}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }

    #[test]
    fn the_number_of_the_benchmark_comes_first() {
        let control = |framework: &str, version: &str, control: &str| Control {
            framework: framework.to_owned(),
            version: Some(version.to_owned()),
            control: control.to_owned(),
        };
        let controls = [
            control("cis-kubernetes", ">=1.10", "1.2.12"),
            control("cis-kubernetes", "1.8", "1.2.13"),
            control("cis-eks", ">=1.8", "9.9"),
        ];
        for (platform, minor, first) in [
            (None, Some(34), "1.2.12"),
            (None, Some(26), "1.2.13"),
            (Some("eks"), Some(34), "9.9"),
            (Some("gke"), None, "1.2.12"),
        ] {
            let sorted = Benchmark::for_node(platform, minor).sorted(&controls);
            assert_eq!(sorted[0].control, first, "{platform:?} {minor:?}");
            assert_eq!(sorted.len(), 3);
        }
    }
}
