//! The texts that were read last, with what they say.
//!
//! The same few files are asked for again and again: while a host is read, once a round until nothing new is named, and
//! once more when it is judged. Reading a text is pure, so that nobody can tell whether it was read or remembered.

use std::cell::RefCell;
use std::collections::VecDeque;

use super::{Document, Node, ReadError, Tree};

/// How many texts are remembered. A control plane has about ten.
const MOST_TEXTS: usize = 24;
/// The largest text that is remembered, in bytes.
const LARGEST_TEXT: usize = 16 << 10;
/// The most parts that a remembered document has: aliases make many of few bytes.
const MOST_PARTS: usize = 1_000;

/// Texts, each with what it says, the last one first.
type Texts = VecDeque<(Box<[u8]>, Document)>;

thread_local! {
    static RECENT: RefCell<Texts> = const { RefCell::new(VecDeque::new()) };
}

/// Returns what `read` makes of `content`, which has to depend on nothing else.
///
/// # Errors
///
/// Those of `read`: they are not remembered.
pub(super) fn remembered(
    content: &[u8],
    read: impl FnOnce(&[u8]) -> Result<Document, ReadError>,
) -> Result<Document, ReadError> {
    if content.len() > LARGEST_TEXT {
        return read(content);
    }
    let known = RECENT.with_borrow(|recent| {
        let known = recent.iter().find(|(text, _)| **text == *content);
        known.map(|(_, document)| document.clone())
    });
    if let Some(document) = known {
        return Ok(document);
    }
    let document = read(content)?;
    if has_few_parts(&document) {
        RECENT.with_borrow_mut(|recent| {
            recent.truncate(MOST_TEXTS - 1);
            recent.push_front((content.into(), document.clone()));
        });
    }
    Ok(document)
}

fn has_few_parts(document: &Document) -> bool {
    let mut open = vec![&document.root];
    let mut parts = document.duplicates.len();
    while let Some(Node { tree, at }) = open.pop() {
        parts += 1 + at.via.len();
        match tree {
            Tree::List(nodes) => open.extend(nodes),
            Tree::Map(entries) => {
                open.extend(entries.iter().map(|entry| &entry.value));
                open.extend(entries.iter().flat_map(|entry| &entry.shadowed));
            }
            Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::String(_) => {}
        }
        if parts + open.len() > MOST_PARTS {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::super::{Document, ReadError, is_json};
    use super::{LARGEST_TEXT, MOST_TEXTS, remembered};
    use crate::{json, yaml};

    fn read(content: &[u8]) -> Result<Document, ReadError> {
        if is_json(content) {
            json::read(content)
        } else {
            yaml::read(content)
        }
    }

    #[test]
    fn a_text_is_read_once_while_it_is_remembered() {
        let times = Cell::new(0);
        let ask = |text: &str| {
            remembered(text.as_bytes(), |content| {
                times.set(times.get() + 1);
                read(content)
            })
        };
        let counted = |text: &str| {
            let before = times.get();
            let document = ask(text).unwrap();
            assert_eq!(document, read(text.as_bytes()).unwrap(), "{text}");
            times.get() - before
        };
        let large = format!("a: {}", "x".repeat(LARGEST_TEXT));
        let many = format!("a: &a [{}]\nb: [*a, *a, *a, *a]", "1, ".repeat(300));
        // Each with how often asking for it twice in a row reads it.
        for (text, reads) in [("a: 1", 1), ("{\"a\": 2}", 1), (&large, 2), (&many, 2)] {
            assert_eq!(counted(text) + counted(text), reads, "{}", text.len());
        }
        assert_eq!(counted("a: 1"), 0);
        for number in 0..MOST_TEXTS {
            counted(&format!("n: {number}"));
        }
        assert_eq!(counted("a: 1"), 1, "it is not forgotten");
        let before = times.get();
        assert!(ask("a: [").is_err() && ask("a: [").is_err());
        assert_eq!(times.get() - before, 2);
    }
}
