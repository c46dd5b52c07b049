//! What changed, node by node: formats that have a part for each node are written so.

use std::collections::BTreeMap;

use super::{Comparison, Outline};

/// Returns the changes of each node by its id, in the order of the nodes' names; last those that belong to no node. The
/// changes of a node are in their own order.
pub(super) fn by_node(comparison: &Comparison) -> Vec<(Option<&str>, Vec<&Outline>)> {
    let mut nodes: BTreeMap<_, Vec<&Outline>> = BTreeMap::new();
    for outline in comparison.changes.outlines() {
        let id = outline.node.as_deref();
        let place = (id.is_none(), comparison.name(id), id);
        nodes.entry(place).or_default().push(outline);
    }
    let nodes = nodes.into_iter();
    nodes.map(|((_, _, id), changes)| (id, changes)).collect()
}
