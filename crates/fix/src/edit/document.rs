//! Settings in a configuration document, YAML or JSON.
//!
//! `content ──read──▶ tree ──locate──▶ target ──block, flow──▶ ways ──proof──▶ new content`
//!
//! The tree says what counts and where it stands. A way is a few splices that should make the change; the first one
//! that is proven is taken. So the code that lays out text may be wrong about YAML without any harm: what it makes of a
//! document is refused then.
//!
//! - `locate`: which entry counts, or which map it is added to
//! - `text`: lines, and what stands between the parts of a document
//! - `scalar`: values and keys as they are written
//! - `block`, `block_list`: by indentation
//! - `flow`: in brackets, which is JSON too
//! - `proof`: that nothing else changes

mod block;
mod block_list;
mod flow;
mod locate;
mod proof;
mod scalar;
#[cfg(test)]
mod tests;
mod text;

use kubeassay_config::text::Encoding;
use kubeassay_config::tree::{self, Node, ReadErrorKind, Tree};
use kubeassay_core::Value;

use super::Refused;
use locate::Target;
use proof::Change;

/// A text in the place of some bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Splice {
    start: usize,
    end: usize,
    text: String,
}

impl Splice {
    /// Returns the splice that puts a text in the place of what reaches over `span`.
    fn replace(span: (usize, usize), text: impl Into<String>) -> Self {
        Self {
            start: span.0,
            end: span.1,
            text: text.into(),
        }
    }

    /// Returns the splice that takes nothing away.
    fn insert(at: usize, text: impl Into<String>) -> Self {
        Self::replace((at, at), text)
    }
}

/// A way to make the change, still to be proven: splices in their order, and what becomes of the tree.
#[derive(Clone, Debug)]
struct Way {
    splices: Vec<Splice>,
    change: Change,
}

/// A document as it is written.
#[derive(Clone, Copy)]
struct File<'a> {
    content: &'a [u8],
    root: &'a Node,
    /// Whether it is read as JSON.
    is_json: bool,
}

/// Returns `content` with the setting at `path` (`["authorization", "mode"]`) set to `value`, and nothing else changed.
///
/// Where the setting is there already, its value is replaced where it stands; where it is not, it is added to the
/// innermost map on its way that is there. Where it has that value already, the content is returned as it is.
///
/// A value is a boolean, an integer, a string, a duration, or a list of strings.
///
/// # Errors
///
/// Where the document is not one that a kubelet reads, where an alias, an anchor or a merge key has part in the value,
/// or where anything but this setting would read differently afterwards.
pub fn set(content: &[u8], path: &[&str], value: &Value) -> Result<Vec<u8>, Refused> {
    scalar::check(value)?;
    let name = path.join(".");
    let document = tree::read(content).map_err(|error| {
        // The message may quote the document.
        let reason = match error.kind {
            ReadErrorKind::TooLarge | ReadErrorKind::TooDeep => {
                "the file is larger or nested deeper than what is read: edit it by hand"
            }
            ReadErrorKind::Syntax | ReadErrorKind::Encoding | ReadErrorKind::Unsupported => {
                "the kubelet cannot read the file here: mend this line first"
            }
        };
        Refused::at(error.line, reason)
    })?;
    let root = &document.root;
    match &root.tree {
        Tree::Map(_) => {}
        Tree::Null => {
            return Err(Refused::new(
                "the file is empty: write apiVersion and kind of a KubeletConfiguration first",
            ));
        }
        _ => {
            return Err(Refused::at(
                root.at.line,
                "the file holds no map of settings, which a kubelet refuses: write it anew",
            ));
        }
    }
    let target = locate::locate(root, path)?;
    if let Some(entry) = target.present()
        && scalar::holds(&entry.value, value)
    {
        return Ok(content.to_vec());
    }
    if Encoding::of(content).0 != Encoding::Utf8 {
        return Err(Refused::new(
            "the file is in UTF-16, which is not edited: save it as UTF-8 first",
        ));
    }
    let file = File {
        content,
        root,
        // What JSON calls blank, Go's reader does too; what was read is nothing in between.
        is_json: content.trim_ascii_start().starts_with(b"{"),
    };
    target.refuse_shared(&file, &name)?;
    let ways = ways(&file, &target, &name, value)?;
    ways.into_iter()
        .find_map(|way| proof::apply(content, &document, &target, path, value, way))
        .ok_or_else(|| Refused {
            line: Some(target.line()),
            reason: format!(
                "no edit was found here that changes {name} and nothing else: set it by hand"
            ),
        })
}

/// Returns the ways to make the change, the best one first.
fn ways(
    file: &File<'_>,
    target: &Target<'_>,
    name: &str,
    value: &Value,
) -> Result<Vec<Way>, Refused> {
    let parent = target.parent();
    let map = target.innermost();
    let in_flow = file.is_flow(parent);
    match (&map.tree, target.rest.is_empty(), value) {
        (Tree::Map(entries), false, _) => Ok(if entries.is_empty() {
            vec![flow::fill(file, target, value)]
        } else if file.is_flow(map) {
            flow::insert(file, map, target.rest, value)
        } else {
            block::insert(file, map, target.rest, value)
        }),
        (Tree::Null, false, _) | (Tree::Null, true, Value::List(_)) => {
            let mut ways = Vec::new();
            if !in_flow {
                ways.extend(block::fill(file, target, value));
            }
            ways.extend(flow::fill_null(file, target, value));
            Ok(ways)
        }
        (Tree::Map(_), true, _) => Err(mistyped(map, name, "a map")),
        (Tree::List(items), true, Value::List(wanted)) => {
            if file.is_flow(map) {
                flow::list(file, parent, map, items, wanted).map(|way| vec![way])
            } else {
                Ok(block_list::replace(file, target, items, wanted))
            }
        }
        (Tree::List(_), true, _) => Err(mistyped(map, name, "a list")),
        (_, true, _) => Ok(flow::replace(file, target, value).into_iter().collect()),
        (_, false, _) => Ok(Vec::new()),
    }
}

/// Refuses to replace what is of a type that the setting cannot have.
fn mistyped(node: &Node, name: &str, found: &str) -> Refused {
    Refused::at(
        node.at.line,
        format!("{name} is {found} here, which the kubelet refuses: write its value by hand"),
    )
}

impl File<'_> {
    /// Returns whether a collection is written in brackets.
    fn is_flow(&self, node: &Node) -> bool {
        matches!(self.content.get(node.at.span.0), Some(b'{' | b'['))
            && matches!(node.tree, Tree::Map(_) | Tree::List(_))
    }
}
