//! From events to a graph of nodes, in which aliases point at what they repeat.
//!
//! Only the first document is read, and not a character more than Go reads for it: what follows may be anything.

use std::collections::HashMap;

use super::cursor::Position;
use super::event::{Event, EventKind};
use super::parser::Parser;
use super::problem::Problem;
use crate::tree::{MAX_DEPTH, MAX_NODES};

/// The nodes of a document.
#[derive(Debug, Default)]
pub(super) struct Graph {
    nodes: Vec<Raw>,
    /// Where the first document begins; nothing where there is none.
    pub(super) root: Option<NodeId>,
    /// Whether something follows that is never read.
    pub(super) more_documents: bool,
}

/// A node of a [`Graph`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeId(usize);

/// A node as it was written.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) kind: RawKind,
    /// Where it begins without tag and anchor.
    pub(super) start: Position,
    pub(super) end: Position,
}

/// What a node is.
#[derive(Debug)]
pub(super) enum RawKind {
    Scalar {
        tag: Option<String>,
        text: String,
        implicit: bool,
    },
    List(Vec<NodeId>),
    /// Keys and values.
    Map(Vec<(NodeId, NodeId)>),
    Alias {
        name: String,
        target: NodeId,
    },
}

impl Graph {
    /// Returns a node.
    pub(super) fn node(&self, id: NodeId) -> &Raw {
        const NOTHING: &Raw = &Raw {
            kind: RawKind::List(Vec::new()),
            start: Position::ORIGIN,
            end: Position::ORIGIN,
        };
        self.nodes.get(id.0).unwrap_or(NOTHING)
    }

    fn add(&mut self, kind: RawKind, event: &Event) -> Result<NodeId, Problem> {
        if self.nodes.len() >= MAX_NODES {
            let message = format!("has more than {MAX_NODES} parts");
            return Err(Problem::too_large(message, event.content));
        }
        self.nodes.push(Raw {
            kind,
            start: event.content,
            end: event.end,
        });
        Ok(NodeId(self.nodes.len() - 1))
    }
}

/// A collection whose end has not come yet.
struct Open {
    id: NodeId,
    is_map: bool,
    parts: Vec<NodeId>,
}

/// Reads the first document.
pub(super) fn compose(mut parser: Parser<'_>) -> Result<Graph, Problem> {
    let mut graph = Graph::default();
    if matches!(parser.next()?.kind, EventKind::StreamEnd) {
        return Ok(graph);
    }
    let mut anchors = HashMap::new();
    let mut open: Vec<Open> = Vec::new();
    let root = loop {
        let event = parser.next()?;
        let done = match event.kind {
            EventKind::Scalar {
                anchor,
                tag,
                text,
                implicit,
            } => {
                let event = Event {
                    kind: EventKind::ListEnd,
                    ..event
                };
                let id = graph.add(
                    RawKind::Scalar {
                        tag,
                        text,
                        implicit,
                    },
                    &event,
                )?;
                remember(&mut anchors, anchor, id);
                Some(id)
            }
            EventKind::Alias(name) => {
                let event = Event {
                    kind: EventKind::ListEnd,
                    ..event
                };
                let Some(&target) = anchors.get(&name) else {
                    let problem = format!("unknown anchor '{name}' referenced");
                    return Err(Problem::meaning(&problem, event.start));
                };
                Some(graph.add(RawKind::Alias { name, target }, &event)?)
            }
            EventKind::ListStart { ref anchor } | EventKind::MapStart { ref anchor } => {
                let is_map = matches!(event.kind, EventKind::MapStart { .. });
                if open.len() >= MAX_DEPTH {
                    let message = format!("is nested more than {MAX_DEPTH} levels deep");
                    return Err(Problem::too_deep(message, event.content));
                }
                let id = graph.add(RawKind::List(Vec::new()), &event)?;
                remember(&mut anchors, anchor.clone(), id);
                open.push(Open {
                    id,
                    is_map,
                    parts: Vec::new(),
                });
                None
            }
            EventKind::ListEnd | EventKind::MapEnd => {
                open.pop().map(|open| close(&mut graph, open, &event))
            }
            EventKind::DocumentStart | EventKind::DocumentEnd | EventKind::StreamEnd => break None,
        };
        match (done, open.last_mut()) {
            (Some(id), Some(collection)) => collection.parts.push(id),
            (Some(id), None) => break Some(id),
            (None, _) => {}
        }
    };
    graph.root = root;
    parser.next()?;
    graph.more_documents = !parser
        .next()
        .is_ok_and(|event| matches!(event.kind, EventKind::StreamEnd));
    Ok(graph)
}

/// Anchors may be given again: an alias means the nearest before it.
fn remember(anchors: &mut HashMap<String, NodeId>, anchor: Option<String>, id: NodeId) {
    if let Some(anchor) = anchor {
        anchors.insert(anchor, id);
    }
}

/// Gives a collection its parts and its end.
fn close(graph: &mut Graph, open: Open, event: &Event) -> NodeId {
    // What ends by indentation ends with its last part, and not where the next thing begins.
    let end = if event.start == event.end {
        end_of(graph, &open.parts)
    } else {
        Some(event.end)
    };
    let kind = if open.is_map {
        let pairs = open.parts.chunks_exact(2);
        RawKind::Map(
            pairs
                .filter_map(|pair| Some((*pair.first()?, *pair.get(1)?)))
                .collect(),
        )
    } else {
        RawKind::List(open.parts)
    };
    if let Some(node) = graph.nodes.get_mut(open.id.0) {
        node.kind = kind;
        node.end = end.unwrap_or(node.start);
    }
    open.id
}

fn end_of(graph: &Graph, parts: &[NodeId]) -> Option<Position> {
    let mut parts = parts.iter().rev().map(|id| graph.node(*id));
    let last = parts.next()?;
    // The missing value of a lone `? key` would be placed at whatever comes next.
    match parts.next() {
        Some(before) if last.start == last.end && last.start.line > before.end.line => {
            Some(before.end)
        }
        _ => Some(last.end),
    }
}
