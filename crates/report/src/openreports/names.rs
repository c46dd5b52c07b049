//! Names of objects, made of the names of nodes.

use std::collections::BTreeSet;

use kubeassay_core::text;
use sha2::{Digest as _, Sha256};

/// The longest name of an object (a DNS subdomain, RFC 1123).
const LONGEST: usize = 253;
/// So much of a name that cannot stand in one is kept for people.
const SLUG: usize = 40;

/// What an object is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    /// A node.
    Node,
    /// What runs in workloads of a node.
    Workloads,
    /// What belongs to no node, in a scan of one node.
    Scan,
    /// What changed on a node.
    Diff,
}

impl Of {
    /// Names of nodes stand behind the first, names that had to be made up behind the second: a node cannot be called
    /// like another one's object.
    const fn prefixes(self) -> (&'static str, &'static str) {
        match self {
            Self::Node => ("kubeassay-node-", "kubeassay-host-"),
            Self::Workloads => ("kubeassay-workloads-", "kubeassay-hostworkloads-"),
            Self::Scan => ("kubeassay-scan-", "kubeassay-hostscan-"),
            Self::Diff => ("kubeassay-diff-node-", "kubeassay-diff-host-"),
        }
    }
}

/// The names that were given.
#[derive(Debug, Default)]
pub(crate) struct Names(BTreeSet<String>);

impl Names {
    /// Returns a name that nothing else of the report has, for a node with this id and name.
    pub(crate) fn give(&mut self, of: Of, id: &str, node: &str) -> String {
        let (plain, made_up) = of.prefixes();
        let name = format!("{plain}{node}");
        let given = is_subdomain(node) && name.len() <= LONGEST;
        if given && self.0.insert(name.clone()) {
            return name;
        }
        let digest = Sha256::digest(format!("{id}\n{node}").as_bytes());
        let digest: Vec<u8> = digest.iter().take(8).copied().collect();
        let name = format!("{made_up}{}{}", slug(node), text::hexadecimal(&digest));
        self.0.insert(name.clone());
        name
    }
}

/// Returns what of a name can stand in another, with a hyphen behind it.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for character in name.chars().take(SLUG) {
        let lower = character.to_ascii_lowercase();
        if lower.is_ascii_alphanumeric() {
            slug.push(lower);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    if !slug.is_empty() && !slug.ends_with('-') {
        slug.push('-');
    }
    slug
}

/// Returns whether `name` is a DNS subdomain (RFC 1123), as Kubernetes asks of a node.
pub(crate) fn is_subdomain(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.len() <= LONGEST
        && name.split('.').all(|label| {
            !label.is_empty()
                && label.bytes().all(inner)
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}
