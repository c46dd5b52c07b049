//! A report as JSON lines. Without its last line it was cut off: what there is counts, and the report is incomplete.

use std::collections::BTreeSet;
use std::io::{Read, Seek};

use kubeassay_core::report::Node;
use serde::Deserialize;

use super::pieces::{Mark, Pieces};
use super::{Limits, Part, PieceOf, ReadError, ReadErrorKind, Survey, check_schema};
use crate::stream::{Closing, Header};

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Header,
    Node,
    Finding,
    Summary,
    /// Of a later version.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Tagged {
    kind: Kind,
}

#[derive(Deserialize)]
struct Schema {
    schema: Option<String>,
}

/// Returns what a line is; the beginning of most tells it without reading on.
fn kind<R: Read + Seek>(
    line: &[u8],
    began: Mark,
    pieces: &Pieces<'_, R>,
) -> Result<Kind, ReadError> {
    if line.starts_with(br#"{"kind":"finding","#) {
        return Ok(Kind::Finding);
    }
    pieces
        .parse::<Tagged>(line, began)
        .map(|tagged| tagged.kind)
}

/// Reads everything but the findings.
pub(super) fn survey<R: Read + Seek>(
    pieces: &mut Pieces<'_, R>,
    limits: Limits,
) -> Result<Survey, ReadError> {
    let mut line = Vec::new();
    let mut header = None;
    let mut nodes = Vec::new();
    let mut closing = None;
    while let Some((began, ended)) = pieces.line(&mut line, limits.element)? {
        if line.trim_ascii().is_empty() {
            continue;
        }
        if closing.is_some() {
            let said = "there is something behind the last line of the report; give each report a file of its own";
            return Err(pieces.wrong(began, ReadErrorKind::Broken, said.to_owned()));
        }
        let read = take_line(&line, began, pieces, &mut header, &mut nodes, &mut closing);
        match read {
            // Cut off in the middle of a line.
            Err(error) if !ended && header.is_some() && error.kind == ReadErrorKind::Broken => {}
            read => read?,
        }
        if nodes.len() > limits.nodes {
            let said = format!("it has more than {} nodes", limits.nodes);
            return Err(pieces.wrong(began, ReadErrorKind::TooLarge, said));
        }
    }
    let header = header.ok_or_else(|| {
        let said = "it has no first line that says what was scanned; it is no report";
        pieces.of_file(ReadErrorKind::Broken, said)
    })?;
    Ok(Survey {
        header,
        nodes,
        closing,
    })
}

fn take_line<R: Read + Seek>(
    line: &[u8],
    began: Mark,
    pieces: &Pieces<'_, R>,
    header: &mut Option<Header>,
    nodes: &mut Vec<Node>,
    closing: &mut Option<Closing>,
) -> Result<(), ReadError> {
    let kind = kind(line, began, pieces)?;
    match (kind, header.is_some()) {
        (Kind::Header, false) => {
            let Schema { schema } = pieces.parse(line, began)?;
            check_schema(schema.as_deref())
                .map_err(|(kind, said)| pieces.wrong(began, kind, said))?;
            *header = Some(pieces.parse(line, began)?);
        }
        (Kind::Header, true) => {
            let said = "a second report begins here; give each report a file of its own";
            return Err(pieces.wrong(began, ReadErrorKind::Broken, said.to_owned()));
        }
        (_, false) => {
            let said = "its first line is not the header; it is no report, or only a part of one";
            return Err(pieces.wrong(began, ReadErrorKind::Broken, said.to_owned()));
        }
        (Kind::Node, true) => nodes.push(pieces.parse(line, began)?),
        (Kind::Summary, true) => *closing = Some(pieces.parse(line, began)?),
        (Kind::Finding | Kind::Other, true) => {}
    }
    Ok(())
}

/// Hands on nodes and findings as they come; `whole`: the report has its last line.
pub(super) fn each<R: Read + Seek, F: Part, E: From<ReadError>>(
    pieces: &mut Pieces<'_, R>,
    limits: Limits,
    whole: bool,
    mut take: impl FnMut(PieceOf<F>) -> Result<(), E>,
) -> Result<(), E> {
    let mut line = Vec::new();
    let mut count = 0_usize;
    let mut current: Option<String> = None;
    let mut begun: BTreeSet<String> = BTreeSet::new();
    while let Some((began, ended)) = pieces.line(&mut line, limits.element)? {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let piece = match read_piece::<R, F>(&line, began, pieces) {
            Err(_) if !ended && !whole => return Ok(()),
            piece => piece?,
        };
        match &piece {
            Some(PieceOf::Node(node)) => {
                begun.insert(node.id.clone());
                current = Some(node.id.clone());
            }
            Some(PieceOf::Finding(finding)) => {
                count += 1;
                if count > limits.findings {
                    let said = format!("it has more than {} findings", limits.findings);
                    return Err(pieces.wrong(began, ReadErrorKind::TooLarge, said).into());
                }
                if let Some(id) = finding.node()
                    && current.as_deref() != Some(id)
                    && begun.contains(id)
                {
                    let said = format!(
                        "the findings of node {id} do not stand together; leave the lines in the order in which kubeassay writes them"
                    );
                    return Err(pieces.wrong(began, ReadErrorKind::Broken, said).into());
                }
            }
            None => continue,
        }
        if let Some(piece) = piece {
            take(piece)?;
        }
    }
    Ok(())
}

fn read_piece<R: Read + Seek, F: Part>(
    line: &[u8],
    began: Mark,
    pieces: &Pieces<'_, R>,
) -> Result<Option<PieceOf<F>>, ReadError> {
    Ok(match kind(line, began, pieces)? {
        Kind::Node => Some(PieceOf::Node(Box::new(pieces.parse::<Node>(line, began)?))),
        Kind::Finding => Some(PieceOf::Finding(Box::new(pieces.parse::<F>(line, began)?))),
        Kind::Header | Kind::Summary | Kind::Other => None,
    })
}
