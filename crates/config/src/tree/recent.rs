//! The texts that were read last, with what they say.

use std::cell::RefCell;

use super::{Document, Node, ReadError, Tree};
use crate::recent::{LARGEST_TEXT, Recent};

/// The most parts that a remembered document has: aliases make many of few bytes.
const MOST_PARTS: usize = 1_000;

thread_local! {
    static TEXTS: RefCell<Recent<Box<[u8]>, Document>> = const { RefCell::new(Recent::new()) };
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
    let known = TEXTS.with_borrow(|texts| texts.find(|text| **text == *content));
    if let Some(document) = known {
        return Ok(document);
    }
    let document = read(content)?;
    if has_few_parts(&document) {
        TEXTS.with_borrow_mut(|texts| texts.keep(content.into(), document.clone()));
    }
    Ok(document)
}

/// Returns whether a document may be remembered.
pub(crate) fn has_few_parts(document: &Document) -> bool {
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
    use super::remembered;
    use crate::recent::{LARGEST_TEXT, MOST};
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
        for number in 0..MOST {
            counted(&format!("n: {number}"));
        }
        assert_eq!(counted("a: 1"), 1, "it is not forgotten");
        let before = times.get();
        assert!(ask("a: [").is_err() && ask("a: [").is_err());
        assert_eq!(times.get() - before, 2);
    }
}
