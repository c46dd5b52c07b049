//! That an edit changes one setting and nothing else, by reading what came of it.

use kubeassay_config::tree::{self, Document, Entry, Node, Tree};
use kubeassay_core::Value;

use super::locate::{Target, locate};
use super::scalar::holds;
use super::{Splice, Way};

/// What becomes of the innermost part of a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It is replaced.
    Replace,
    /// It is a map, which gets an entry at this place.
    Insert(usize),
}

/// What is wanted: the rest of a path, and the value at its end.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    rest: &'a [&'a str],
    value: &'a Value,
}

/// Returns the new content, if it reads as the old one with this change and no other.
pub(super) fn apply(
    content: &[u8],
    before: &Document,
    target: &Target<'_>,
    path: &[&str],
    value: &Value,
    way: Way,
) -> Option<Vec<u8>> {
    let new = spliced(content, way.splices)?;
    let after = tree::read(&new).ok()?;
    let wanted = Wanted {
        rest: target.rest,
        value,
    };
    let steps: Vec<usize> = target.places().collect();
    let keys = |document: &Document| -> Vec<String> {
        let duplicates = document.duplicates.iter();
        duplicates.map(|duplicate| duplicate.key.clone()).collect()
    };
    let proven = differs_there_only(&before.root, &after.root, &steps, way.change, wanted)
        && keys(before) == keys(&after)
        && before.more_documents == after.more_documents
        && locate(&after.root, path).is_ok_and(|target| {
            target
                .present()
                .is_some_and(|entry| holds(&entry.value, value))
        });
    proven.then_some(new)
}

/// Puts texts in the place of bytes; nothing where two splices overlap or are out of order.
fn spliced(content: &[u8], splices: Vec<Splice>) -> Option<Vec<u8>> {
    let mut new = Vec::with_capacity(content.len() + 256);
    let mut kept_to = 0;
    for Splice { start, end, text } in splices {
        new.extend_from_slice(content.get(kept_to..start)?);
        new.extend_from_slice(text.as_bytes());
        kept_to = end.max(start);
    }
    new.extend_from_slice(content.get(kept_to..)?);
    Some(new)
}

/// Whether two trees are the same but for the change at the end of `steps`.
fn differs_there_only(
    before: &Node,
    after: &Node,
    steps: &[usize],
    change: Change,
    wanted: Wanted<'_>,
) -> bool {
    let Some((step, steps)) = steps.split_first() else {
        return match change {
            Change::Replace => is_wanted(after, wanted),
            Change::Insert(place) => is_inserted(before, after, place, wanted),
        };
    };
    let (Tree::Map(before), Tree::Map(after)) = (&before.tree, &after.tree) else {
        return false;
    };
    before.len() == after.len()
        && before
            .iter()
            .zip(after)
            .enumerate()
            .all(|(place, (before, after))| {
                if place != *step {
                    return same_entry(before, after);
                }
                before.key == after.key
                    && same_nodes(&before.shadowed, &after.shadowed)
                    && differs_there_only(&before.value, &after.value, steps, change, wanted)
            })
}

/// Whether a map is the same but for one more entry, which is the one that is wanted.
fn is_inserted(before: &Node, after: &Node, place: usize, wanted: Wanted<'_>) -> bool {
    let (Tree::Map(before), Tree::Map(after)) = (&before.tree, &after.tree) else {
        return false;
    };
    let Some(entry) = after.get(place) else {
        return false;
    };
    let others = after.iter().enumerate().filter(|(at, _)| *at != place);
    before.len() + 1 == after.len()
        && before
            .iter()
            .zip(others)
            .all(|(before, (_, after))| same_entry(before, after))
        && is_wanted_entry(entry, wanted)
}

fn is_wanted_entry(entry: &Entry, wanted: Wanted<'_>) -> bool {
    let Some((key, rest)) = wanted.rest.split_first() else {
        return false;
    };
    let value = wanted.value;
    entry.key == *key
        && entry.shadowed.is_empty()
        && is_wanted(&entry.value, Wanted { rest, value })
}

/// Whether a node is the value, within a map of one entry for each part of the rest.
fn is_wanted(node: &Node, wanted: Wanted<'_>) -> bool {
    if wanted.rest.is_empty() {
        return holds(node, wanted.value);
    }
    match &node.tree {
        Tree::Map(entries) => {
            matches!(entries.as_slice(), [entry] if is_wanted_entry(entry, wanted))
        }
        _ => false,
    }
}

/// Whether two nodes say the same, wherever they stand: what lost included, and everything in its order.
fn same(one: &Node, other: &Node) -> bool {
    match (&one.tree, &other.tree) {
        (Tree::List(one), Tree::List(other)) => same_nodes(one, other),
        (Tree::Map(one), Tree::Map(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| same_entry(one, other))
        }
        (one, other) => one == other,
    }
}

fn same_nodes(one: &[Node], other: &[Node]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
}

fn same_entry(one: &Entry, other: &Entry) -> bool {
    one.key == other.key
        && same(&one.value, &other.value)
        && same_nodes(&one.shadowed, &other.shadowed)
}

#[cfg(test)]
mod tests {
    use kubeassay_config::tree;
    use kubeassay_core::Value;

    use super::{Change, Splice, Way, apply, locate};

    /// What comes of a replacement in a document, as a way to set `path` to 0.
    fn proven(content: &str, path: &[&str], old: &str, new: &str, change: Change) -> bool {
        let document = tree::read(content.as_bytes()).unwrap();
        let target = locate(&document.root, path).unwrap();
        let start = content.find(old).unwrap();
        let way = Way {
            splices: vec![Splice::replace((start, start + old.len()), new)],
            change,
        };
        let value = Value::Int(0);
        apply(content.as_bytes(), &document, &target, path, &value, way).is_some()
    }

    #[test]
    fn only_the_wanted_change_is_proven() {
        let (there, last) = (Change::Replace, Change::Insert(2));
        let yaml = "a: 1\nb: {c: 2}\n---\n";
        for (content, path, old, new, change, expected) in [
            (yaml, &["a"][..], "1", "0", there, true),
            (yaml, &["a"], "1", "0x0 # c", there, true),
            (yaml, &["x"], "\n---", "\nx: 0\n---", last, true),
            (yaml, &["b", "x"], "2", "2, x: 0", Change::Insert(1), true),
            // Not the value.
            (yaml, &["a"], "1", "'0'", there, false),
            (yaml, &["a"], "1", "1", there, false),
            // Another setting besides.
            (yaml, &["a"], "1\nb: {c: 2", "0\nb: {c: 3", there, false),
            (yaml, &["a"], "1\nb: {c: 2", "0\nb: {C: 2", there, false),
            (yaml, &["a"], "1", "0\nd: 1", there, false),
            (
                yaml,
                &["a"],
                "a: 1\nb: {c: 2}",
                "b: {c: 2}\na: 0",
                there,
                false,
            ),
            (yaml, &["x"], "\n---", "\nx: 0\ny: 0\n---", last, false),
            (yaml, &["x"], "\n---", "\nx: {x: 0}\n---", last, false),
            (yaml, &["b", "x"], "2", "x: 0", Change::Insert(1), false),
            // In another place of its map, or twice.
            (yaml, &["x"], "a: 1", "x: 0\na: 1", last, false),
            (yaml, &["a"], "a: 1", "a: 1\na: 0", there, false),
            // The document ends elsewhere, or cannot be read.
            (
                yaml,
                &["a"],
                "1\nb: {c: 2}\n---",
                "0\nb: {c: 2}\n",
                there,
                false,
            ),
            (yaml, &["a"], "1", "0]", there, false),
            (yaml, &["a"], "1", "0: x", there, false),
            // What lost is kept too.
            ("a: 2\na: 1\n", &["a"], "1", "0", there, true),
            ("a: 2\na: 1\n", &["a"], "2\na: 1", "3\na: 0", there, false),
            ("a: 2\na: 1\n", &["a"], "2\na: 1", "0", there, false),
            // In JSON the last one counts.
            ("{\"a\":2,\"a\":1}", &["a"], "1", "0", there, true),
            ("{\"a\":2,\"a\":1}", &["a"], "2", "0", there, false),
        ] {
            let found = proven(content, path, old, new, change);
            assert_eq!(found, expected, "{content:?}: {old:?} to {new:?}");
        }
    }
}
