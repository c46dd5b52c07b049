//! From the graph to what Go's library makes of it: aliases followed, maps merged, scalars resolved.
//!
//! Entries count in their order, and a merge is an entry like any other: it replaces what stands before it and is
//! replaced by what stands behind it. What was replaced is kept aside. Everything is decoded, also what nobody will
//! look at: a faulty scalar refuses the document wherever it stands.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;

use super::compose::{Graph, NodeId, Raw, RawKind};
use super::key::Key;
use super::problem::{Problem, counted};
use super::resolve::{Scalar, resolve};
use crate::tree::{Duplicate, MAX_BYTES, MAX_DEPTH, MAX_NODES, Mark};

/// How many aliases may lead to a value one through another.
const MAX_ALIASES: usize = 32;

/// How much text may come of a document, in bytes. Only aliases make more of it than was written.
const MAX_TEXT: usize = 4 * MAX_BYTES;

/// A value, with where it stands.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) value: Value,
    pub(super) at: Mark,
}

/// What Go's library makes of a node.
#[derive(Debug)]
pub(super) enum Value {
    Scalar(Scalar),
    List(Vec<Part>),
    Map(Vec<Slot>),
}

/// An entry of a map.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) key: Key,
    pub(super) key_at: Mark,
    pub(super) value: Part,
    /// What the key had before, earliest first.
    pub(super) shadowed: Vec<Part>,
    /// Where the key stands first, if it stands more than once.
    first_at: Option<Mark>,
}

/// A map that is being filled.
#[derive(Default)]
struct Filling {
    slots: Vec<Slot>,
    slot_of: HashMap<Key, usize>,
}

/// Decodes a graph.
pub(super) struct Decoder<'g> {
    graph: &'g Graph,
    /// The aliases that are being followed.
    aliases: Vec<NodeId>,
    via: Vec<kubeassay_core::Place>,
    /// How many nodes were decoded, and how many of them through an alias.
    decoded: usize,
    repeated: usize,
    /// How many bytes of text were decoded.
    text: usize,
    /// Keys that were set more than once.
    pub(super) duplicates: Vec<Duplicate>,
}

impl<'g> Decoder<'g> {
    pub(super) const fn new(graph: &'g Graph) -> Self {
        // Go counts the document itself.
        Self {
            graph,
            aliases: Vec::new(),
            via: Vec::new(),
            decoded: 1,
            repeated: 0,
            text: 0,
            duplicates: Vec::new(),
        }
    }

    /// Decodes a node.
    pub(super) fn part(&mut self, id: NodeId, depth: usize) -> Result<Part, Problem> {
        let node = self.count(id, depth)?;
        let value = match &node.kind {
            RawKind::Scalar {
                tag,
                text,
                implicit,
            } => scalar(node, tag.as_deref(), text, *implicit)?,
            RawKind::List(parts) => Value::List(self.list(parts, depth)?),
            RawKind::Map(_) => {
                let mut filling = Filling::default();
                self.fill(&mut filling, node, depth)?;
                Value::Map(filling.slots)
            }
            RawKind::Alias { name, target } => {
                self.follow(id, name)?;
                let part = self.part(*target, depth)?;
                self.leave();
                return Ok(part);
            }
        };
        Ok(Part {
            value,
            at: self.mark(node),
        })
    }

    // Loops and not chains of iterators: their frames would count a thousand times.
    fn list(&mut self, nodes: &[NodeId], depth: usize) -> Result<Vec<Part>, Problem> {
        let mut parts = Vec::with_capacity(nodes.len());
        for node in nodes {
            parts.push(self.part(*node, depth + 1)?);
        }
        Ok(parts)
    }

    /// Puts the entries of a map node into a map.
    fn fill(&mut self, map: &mut Filling, node: &Raw, depth: usize) -> Result<(), Problem> {
        let RawKind::Map(pairs) = &node.kind else {
            return Ok(());
        };
        for (key, value) in pairs {
            if self.is_merge(*key) {
                self.merge(map, *key, *value, depth)?;
                continue;
            }
            let key = self.part(*key, depth + 1)?;
            let Value::Scalar(scalar) = key.value else {
                return Err(Problem::meaning("invalid map key", node.start));
            };
            let value = self.part(*value, depth + 1)?;
            self.set(map, scalar, key.at, value);
        }
        Ok(())
    }

    fn set(&mut self, map: &mut Filling, scalar: Scalar, key_at: Mark, value: Part) {
        let key = Key::from(scalar);
        let place = match map.slot_of.entry(key.clone()) {
            Place::Occupied(place) if !key.is_nan() => *place.get(),
            Place::Occupied(_) => map.slots.len(),
            Place::Vacant(place) => *place.insert(map.slots.len()),
        };
        let Some(slot) = map.slots.get_mut(place) else {
            map.slots.push(Slot {
                key,
                key_at,
                value,
                shadowed: Vec::new(),
                first_at: None,
            });
            return;
        };
        let before = std::mem::replace(&mut slot.key_at, key_at.clone());
        let first = slot.first_at.get_or_insert(before).clone();
        slot.shadowed
            .push(std::mem::replace(&mut slot.value, value));
        self.duplicates.push(Duplicate {
            key: key.shown(),
            first,
            again: key_at,
        });
        // Of two zeros the later one gives the sign.
        slot.key = key;
    }

    /// Returns whether the node is a `<<` that merges.
    fn is_merge(&self, id: NodeId) -> bool {
        match &self.graph.node(id).kind {
            RawKind::Scalar {
                tag,
                text,
                implicit,
            } => text == "<<" && (*implicit || tag.as_deref() == Some("tag:yaml.org,2002:merge")),
            _ => false,
        }
    }

    /// Merges one map or, the last first, a list of maps.
    fn merge(
        &mut self,
        map: &mut Filling,
        key: NodeId,
        value: NodeId,
        depth: usize,
    ) -> Result<(), Problem> {
        match &self.graph.node(value).kind {
            RawKind::List(parts) => parts
                .iter()
                .rev()
                .try_for_each(|part| self.merge_one(map, key, *part, depth)),
            _ => self.merge_one(map, key, value, depth),
        }
    }

    fn merge_one(
        &mut self,
        map: &mut Filling,
        key: NodeId,
        value: NodeId,
        depth: usize,
    ) -> Result<(), Problem> {
        let node = self.graph.node(value);
        let target = match &node.kind {
            RawKind::Alias { target, .. } => *target,
            _ => value,
        };
        if !matches!(self.graph.node(target).kind, RawKind::Map(_)) {
            let problem = "map merge requires map or sequence of maps as the value";
            return Err(Problem::meaning(problem, node.start));
        }
        let node = self.count(value, depth)?;
        if let RawKind::Alias { name, target } = &node.kind {
            self.follow(value, name)?;
            let node = self.count(*target, depth + 1)?;
            self.fill(map, node, depth + 1)?;
            self.leave();
        } else {
            self.via.push(place(self.graph.node(key)));
            self.fill(map, node, depth + 1)?;
            self.via.pop();
        }
        Ok(())
    }

    /// Begins to follow an alias.
    fn follow(&mut self, id: NodeId, name: &str) -> Result<(), Problem> {
        let node = self.graph.node(id);
        if self.aliases.contains(&id) {
            return Err(Problem::meaning(
                &format!("anchor '{name}' value contains itself"),
                node.start,
            ));
        }
        if self.aliases.len() >= MAX_ALIASES {
            let message = format!("leads through more than {MAX_ALIASES} aliases");
            return Err(Problem::too_deep(message, node.start));
        }
        self.aliases.push(id);
        self.via.push(place(node));
        Ok(())
    }

    fn leave(&mut self) {
        self.aliases.pop();
        self.via.pop();
    }

    /// Counts a node against Go's limit on aliases and our own on everything.
    fn count(&mut self, id: NodeId, depth: usize) -> Result<&'g Raw, Problem> {
        let node = self.graph.node(id);
        self.decoded += 1;
        self.repeated += usize::from(!self.aliases.is_empty());
        if self.repeated > 100 && self.decoded > 1000 && self.repeated * 100 > self.decoded * 99 {
            return Err(Problem::meaning(
                "document contains excessive aliasing",
                node.start,
            ));
        }
        if let RawKind::Scalar { text, .. } = &node.kind {
            self.text += text.len();
        }
        if self.decoded > MAX_NODES {
            let message = format!("has more than {MAX_NODES} parts, aliases followed");
            return Err(Problem::too_large(message, node.start));
        }
        if self.text > MAX_TEXT {
            let message = format!("makes more than {MAX_TEXT} bytes of text, aliases followed");
            return Err(Problem::too_large(message, node.start));
        }
        if depth > MAX_DEPTH {
            let message = format!("is nested more than {MAX_DEPTH} levels deep, aliases followed");
            return Err(Problem::too_deep(message, node.start));
        }
        Ok(node)
    }

    fn mark(&self, node: &Raw) -> Mark {
        let kubeassay_core::Place { line, column } = place(node);
        Mark {
            line,
            column,
            span: (node.start.offset, node.end.offset),
            via: self.via.clone(),
        }
    }
}

fn scalar(node: &Raw, tag: Option<&str>, text: &str, implicit: bool) -> Result<Value, Problem> {
    match resolve(tag, text, implicit) {
        Ok(scalar) => Ok(Value::Scalar(scalar)),
        Err(problem) => Err(Problem::meaning(&problem, node.start)),
    }
}

fn place(node: &Raw) -> kubeassay_core::Place {
    kubeassay_core::Place {
        line: counted(node.start.line),
        column: counted(node.start.column),
    }
}
