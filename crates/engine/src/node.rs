//! What judging needs of a node beyond its processes and services.

use kubeassay_core::facts::{Facts, Need};

use crate::platforms;

/// Returns the files of the node that are no single process's and are not in its facts yet: the manifests of static
/// pods, the files of the roles that rules are about, and what platforms are told by.
pub fn needs_of_node(facts: &Facts) -> Vec<Need> {
    platforms::needs(facts)
}
