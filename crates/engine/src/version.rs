//! Which version of Kubernetes a kubelet is, as far as it can be told.

use std::collections::BTreeSet;

use kubeassay_config::tables::Minor;
use kubeassay_core::facts::{NodeFacts, ProcessFacts};
use kubeassay_core::report::KubernetesVersion;
use kubeassay_core::{Bytes, Component};

/// The versions a kubelet may be.
#[derive(Clone, Debug)]
pub(crate) struct Candidates {
    /// The minors that remain, oldest first; never empty unless `unsupported`.
    pub(crate) minors: Vec<Minor>,
    /// What is known of the version; `None` where nothing is.
    pub(crate) known: Option<KubernetesVersion>,
    /// The version is known and is none that the tables describe.
    pub(crate) unsupported: Option<String>,
}

/// A version that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseVersionError {
    /// The text.
    pub text: String,
}

impl std::fmt::Display for ParseVersionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:?} is not a version of Kubernetes; write it as 1.34 or v1.34.2",
            self.text
        )
    }
}

impl std::error::Error for ParseVersionError {}

/// Reads a version such as `1.34`, `v1.34.2` or `1.34.2+k3s1`.
///
/// # Errors
///
/// If the text does not begin with `1.` and a minor.
pub fn parse_version(text: &str) -> Result<Minor, ParseVersionError> {
    let rest = text.strip_prefix('v').unwrap_or(text).strip_prefix("1.");
    let digits = rest.map(|rest| {
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        rest.split_at(end)
    });
    match digits {
        Some((minor, after)) if after.is_empty() || after.starts_with(['.', '+', '-']) => {
            minor.parse().ok()
        }
        _ => None,
    }
    .map(Minor)
    .ok_or_else(|| ParseVersionError {
        text: text.to_owned(),
    })
}

/// Returns the versions that a process may be: what the user said, else what its executable and the package
/// it belongs to say, else what the API says of the node, else all.
pub(crate) fn candidates(
    said: Option<Minor>,
    node: &NodeFacts,
    process: Option<&ProcessFacts>,
) -> Candidates {
    let component = process.map_or(Component::Kubelet, |process| process.component);
    // Their versions are their own, and no table depends on Kubernetes'.
    if matches!(component, Component::Etcd | Component::ContainerRuntime) {
        return Candidates {
            minors: vec![Minor::NEWEST],
            known: None,
            unsupported: None,
        };
    }
    if let Some(minor) = said {
        return of(component, vec![(minor, minor.to_string())], "option");
    }
    let mut found: Vec<(Minor, String)> = Vec::new();
    let mut origins: BTreeSet<&str> = BTreeSet::new();
    if let Some(executable) = process.and_then(|process| process.executable.as_ref()) {
        let versions = executable.versions.iter();
        let versions: Vec<_> = versions
            .filter_map(|text| Some((parse_version(text).ok()?, text.clone())))
            .collect();
        // Several minors in one program mean that it is not known which of them is its own.
        let mut minors: Vec<Minor> = versions.iter().map(|(minor, _)| *minor).collect();
        minors.dedup();
        if minors.len() == 1 {
            origins.insert(match executable.found_by.as_deref() {
                Some("variable") => "variable",
                Some("image") => "image",
                _ => "build-information",
            });
            found.extend(versions);
        }
    }
    // The package tells what is installed; a process whose program was replaced may be older.
    if process.is_some_and(|process| packaged(process) && !process.exe_deleted) {
        for package in &node.packages {
            if let Ok(minor) = parse_version(&package.upstream) {
                origins.insert("package");
                found.push((minor, package.upstream.clone()));
            }
        }
    }
    // What the kubelet told the API is what runs.
    let object = node.object.as_ref();
    if component == Component::Kubelet
        && found.is_empty()
        && let Some(text) = object.and_then(|object| object.kubelet_version.as_ref())
        && let Ok(minor) = parse_version(text)
    {
        origins.insert("api");
        found.push((minor, text.clone()));
    }
    if found.is_empty() {
        return Candidates {
            minors: Minor::all().collect(),
            known: None,
            unsupported: None,
        };
    }
    let origin = origins.into_iter().collect::<Vec<_>>().join(", ");
    of(component, found, &origin)
}

/// Returns whether the executable lies where the host's packages put it.
fn packaged(process: &ProcessFacts) -> bool {
    let own_root = process.namespaces.mount == Some(false);
    !own_root
        && process
            .exe
            .as_ref()
            .is_some_and(|exe| *exe == "/usr/bin/kubelet")
}

fn of(component: Component, found: Vec<(Minor, String)>, origin: &str) -> Candidates {
    let mut minors: Vec<Minor> = found.iter().map(|(minor, _)| *minor).collect();
    minors.sort();
    minors.dedup();
    let mut texts: Vec<String> = found
        .into_iter()
        .map(|(_, text)| text.strip_prefix('v').map_or(text.clone(), str::to_owned))
        .collect();
    texts.sort();
    texts.dedup();
    let value = texts.join(", ");
    let unsupported = minors.iter().any(|minor| !minor.is_known()).then(|| {
        format!(
            "{component} {value} is outside the versions this kubeassay knows ({} to {})",
            Minor::OLDEST,
            Minor::NEWEST
        )
    });
    let known = Some(KubernetesVersion {
        value,
        origin: origin.to_owned(),
    });
    Candidates {
        minors,
        known,
        unsupported,
    }
}

/// Returns minors as text: `1.28`, or `1.28 to 1.31`, or `1.25, 1.28`.
pub(crate) fn shown(minors: &[Minor]) -> String {
    let mut minors = minors.to_vec();
    minors.dedup();
    match minors.as_slice() {
        [] => String::new(),
        [only] => only.to_string(),
        [first, .., last] if usize::from(last.0 - first.0) + 1 == minors.len() => {
            format!("{first} to {last}")
        }
        all => all
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", "),
    }
}

/// Returns the program's name for messages.
pub(crate) fn program(process: &ProcessFacts) -> String {
    let path = process.exe.as_ref().or(process.argv.first());
    path.map_or_else(|| "a process".to_owned(), Bytes::to_string)
}

#[cfg(test)]
mod tests {
    use kubeassay_config::tables::Minor;

    use super::{parse_version, shown};

    #[test]
    fn versions_are_read_in_every_usual_spelling() {
        for (text, minor) in [
            ("1.34", 34),
            ("v1.34.2", 34),
            ("1.28.3+k3s1", 28),
            ("1.30.0-eks-1", 30),
        ] {
            assert_eq!(parse_version(text), Ok(Minor(minor)), "{text}");
        }
        for text in ["", "34", "2.1", "v1.", "1.34x", "1.999"] {
            assert!(parse_version(text).is_err(), "{text}");
        }
    }

    #[test]
    fn runs_of_minors_are_shown_as_a_range() {
        let minors = |list: &[u8]| list.iter().copied().map(Minor).collect::<Vec<_>>();
        assert_eq!(shown(&minors(&[28])), "1.28");
        assert_eq!(shown(&minors(&[28, 29, 30])), "1.28 to 1.30");
        assert_eq!(shown(&minors(&[25, 28])), "1.25, 1.28");
    }
}
