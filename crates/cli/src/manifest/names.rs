//! Names of Jobs, made of the names of nodes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// What the name of a Job that collects begins with.
const PREFIX: &str = "kubeassay-";

/// What the name of a Job that applies begins with.
const APPLY: &str = "kubeassay-apply-";

/// The longest name of a Job whose pods still carry all of it: a label holds 63 bytes, and a pod adds `-`
/// and five.
const LONGEST: usize = 63 - 6;

/// Two nodes whose Jobs would have the same name.
#[derive(Debug, Error)]
#[error("the jobs of {one} and {other} would both be called {name}; print them one by one")]
pub(crate) struct Clash {
    one: String,
    other: String,
    name: String,
}

/// Returns a Job's name for each node, none of them twice. A node that is named twice has one Job.
///
/// # Errors
///
/// Fails where two names come out the same, for which somebody must have tried.
pub(crate) fn jobs(nodes: &[String]) -> Result<Vec<(String, String)>, Clash> {
    let mut taken: BTreeMap<String, &String> = BTreeMap::new();
    let mut jobs = Vec::new();
    for node in nodes {
        let name = job(node);
        match taken.get(&name) {
            None => {
                taken.insert(name.clone(), node);
                jobs.push((name, node.clone()));
            }
            Some(known) if *known == node => {}
            Some(known) => {
                return Err(Clash {
                    one: (*known).clone(),
                    other: node.clone(),
                    name,
                });
            }
        }
    }
    Ok(jobs)
}

/// Returns the name of a node's Job: the node's own, or, where that is too long or has dots, as much of it
/// as there is room for and a digest of all of it.
fn job(node: &str) -> String {
    let plain = node.replace('.', "-");
    if plain == node && PREFIX.len() + plain.len() <= LONGEST {
        return format!("{PREFIX}{plain}");
    }
    with_digest(PREFIX, node, &Sha256::digest(node.as_bytes()))
}

/// Returns the name of the Job that applies a plan with this digest: another plan is another Job.
pub(crate) fn apply(node: &str, digest: &[u8]) -> String {
    with_digest(APPLY, node, digest)
}

/// Returns as much of a node's name as there is room for, between `prefix` and the start of a digest.
fn with_digest(prefix: &str, node: &str, digest: &[u8]) -> String {
    let plain = node.replace('.', "-");
    // Forty bits: nobody has so many nodes, and a clash is refused.
    let digest = digest.iter().take(5).fold(String::new(), |mut text, byte| {
        let _never_fails = write!(text, "{byte:02x}");
        text
    });
    let room = LONGEST - prefix.len() - 1 - digest.len();
    let start = plain.get(..room).unwrap_or(&plain).trim_end_matches('-');
    format!("{prefix}{start}-{digest}")
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, job, jobs};

    #[test]
    fn a_plain_node_gives_its_name() {
        assert_eq!(job("worker-1"), "kubeassay-worker-1");
    }

    #[test]
    fn nodes_that_look_alike_are_told_apart() {
        let long = "a".repeat(60);
        let nodes = [
            "ip-10-0-0-1.eu-west-1.compute.internal".to_owned(),
            "ip-10-0-0-1-eu-west-1.compute.internal".to_owned(),
            "ip-10-0-0-1-eu-west-1-compute-internal".to_owned(),
            format!("{long}.b"),
            format!("{long}.c"),
            format!("{}.x", "b".repeat(36)),
            "worker-1".to_owned(),
            "worker-1".to_owned(),
        ];
        let jobs = jobs(&nodes).unwrap();
        assert_eq!(jobs.len(), 7);
        for (name, _) in &jobs {
            assert!(name.len() <= LONGEST, "{name}");
            let fits =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            assert!(name.bytes().all(fits) && !name.ends_with('-'), "{name}");
        }
        assert_eq!(
            jobs[0].0,
            "kubeassay-ip-10-0-0-1-eu-west-1-compute-intern-6beef57290"
        );
    }

    #[test]
    fn names_that_come_out_the_same_are_refused() {
        let made = job("a.b");
        let forged = made.strip_prefix("kubeassay-").unwrap().to_owned();
        assert!(jobs(&["a.b".to_owned(), forged]).is_err());
    }
}
