//! What changed, node by node: formats that have a part for each node are written so.

use std::collections::BTreeMap;

use super::{Changed, Comparison};

/// Returns the changes of each node by its id, in the order of the nodes' names; last those that belong to no node. The
/// changes of a node are in their own order.
pub(super) fn by_node(comparison: &Comparison) -> Vec<(Option<&str>, Vec<&Changed>)> {
    let mut nodes: BTreeMap<_, Vec<&Changed>> = BTreeMap::new();
    for change in &comparison.changes {
        let finding = &change.finding;
        let id = finding.node.as_deref();
        let place = (id.is_none(), comparison.node_of(finding), id);
        nodes.entry(place).or_default().push(change);
    }
    let nodes = nodes.into_iter();
    nodes.map(|((_, _, id), changes)| (id, changes)).collect()
}
