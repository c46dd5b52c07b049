//! YAML as the kubelet reads it: the first document of a text, as the JSON that is made of it.
//!
//! The kubelet's library is a fork of Go's `yaml.v2`: libyaml's grammar in a dialect of its own, the scalars of YAML
//! 1.1, merge keys, then a conversion to JSON. A YAML 1.2 parser is not enough (a kubelet takes U+0085 and U+2028 for
//! line breaks, so that one sees a comment where the kubelet sees a setting), and ports of libyaml are not quite.
//! Everything here was compared with that library on generated texts, error messages included.
//!
//! The way of a text: [`text`] → `cursor` → `scanner` → `parser` → `compose` → `decode` → `convert`.

pub(crate) mod base64;
mod compose;
mod convert;
mod cursor;
mod decode;
mod event;
mod key;
mod number;
mod parser;
mod problem;
mod resolve;
mod scanner;
mod timestamp;
mod token;

use crate::text::{self, Text};
use crate::tree::{Document, Mark, Node, ReadError, Tree};

/// Reads the first document of a text as the JSON that the kubelet makes of it.
///
/// # Errors
///
/// Where the kubelet would refuse the text, and beyond the limits of [`tree`](crate::tree).
pub fn read(content: &[u8]) -> Result<Document, ReadError> {
    let text = text::decode(content);
    let read = read_text(&text, content.len());
    // Go counts the end of the text as a line of its own, which nobody can look up.
    let end = cursor::Cursor::new(&text, content.len()).end_of_text();
    let end = (problem::counted(end.line), problem::counted(end.column));
    match read {
        Ok(mut document) => {
            if end.1 > 1 {
                keep_within(&mut document.root, end);
            }
            Ok(document)
        }
        Err(mut error) => {
            if (error.line, error.column) > end {
                (error.line, error.column) = end;
            }
            Err(error)
        }
    }
}

/// Moves what stands behind the end of the text, line and column, back to that end: nulls that nothing was written for.
fn keep_within(node: &mut Node, end: (u32, u32)) {
    if (node.at.line, node.at.column) > end {
        (node.at.line, node.at.column) = end;
    }
    match &mut node.tree {
        Tree::List(nodes) => nodes.iter_mut().for_each(|node| keep_within(node, end)),
        Tree::Map(entries) => {
            for entry in entries {
                for node in entry.shadowed.iter_mut().chain([&mut entry.value]) {
                    keep_within(node, end);
                }
            }
        }
        Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::String(_) => {}
    }
}

fn read_text(text: &Text, size: usize) -> Result<Document, ReadError> {
    let parser = parser::Parser::new(scanner::Scanner::new(text, size));
    let graph = compose::compose(parser)?;
    let more_documents = graph.more_documents;
    let Some(root) = graph.root else {
        let at = Mark {
            line: 1,
            column: 1,
            span: (text.start, text.start),
            via: Vec::new(),
        };
        return Ok(Document {
            root: Node {
                tree: Tree::Null,
                at,
            },
            duplicates: Vec::new(),
            more_documents,
        });
    };
    let mut decoder = decode::Decoder::new(&graph);
    let part = decoder.part(root, 0)?;
    Ok(Document {
        root: convert::to_json(part)?,
        duplicates: decoder.duplicates,
        more_documents,
    })
}
