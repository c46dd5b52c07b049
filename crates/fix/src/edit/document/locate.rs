//! Which entry of a document counts for a setting, or which map it is added to.

use kubeassay_config::tree::{Entry, Mark, Node, Tree};

use super::text::{Gap, Property};
use super::{File, Refused};

/// The way to a setting, as far as the document goes.
#[derive(Clone, Debug)]
pub(super) struct Target<'d> {
    root: &'d Node,
    steps: Vec<Step<'d>>,
    /// What of the path is not there.
    pub(super) rest: &'d [&'d str],
}

/// An entry on the way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<'d> {
    /// Its place among the entries of its map.
    pub(super) index: usize,
    pub(super) entry: &'d Entry,
}

/// Finds the entry that counts. YAML leaves no key twice in a map. JSON does, and Go decodes one after the other into
/// the same struct, so that the last one counts which gives the setting itself.
///
/// # Errors
///
/// Where something else than a map is on the way.
pub(super) fn locate<'d>(root: &'d Node, path: &'d [&'d str]) -> Result<Target<'d>, Refused> {
    let mut reached = vec![Target {
        root,
        steps: Vec::new(),
        rest: path,
    }];
    loop {
        let mut found = Vec::new();
        for target in &reached {
            found.extend(target.children());
        }
        let Some(last) = found.last() else {
            return reached
                .pop()
                .ok_or_else(|| Refused::new("a setting has a name"));
        };
        if last.rest.is_empty() {
            return Ok(last.clone());
        }
        let is_null = |target: &Target<'_>| matches!(target.innermost().tree, Tree::Null);
        if found.len() == 1 && is_null(last) {
            return Ok(last.clone());
        }
        for target in &found {
            let node = target.innermost();
            let key = target.key();
            match &node.tree {
                Tree::Map(_) => {}
                // Into a struct it decodes to nothing, from a map it takes all entries.
                Tree::Null => {
                    return Err(Refused::at(
                        node.at.line,
                        format!(
                            "{key} stands more than once, and here it is null: leave one of them"
                        ),
                    ));
                }
                tree => {
                    let kind = match tree {
                        Tree::List(_) => "a list",
                        Tree::String(_) => "a string",
                        Tree::Number(_) => "a number",
                        _ => "a boolean",
                    };
                    return Err(Refused::at(
                        node.at.line,
                        format!(
                            "{key} is {kind} here and has to be a map, or the kubelet does not start: mend it first"
                        ),
                    ));
                }
            }
        }
        reached = found;
    }
}

impl<'d> Target<'d> {
    /// Returns the targets one step further.
    fn children(&self) -> impl Iterator<Item = Self> {
        let entries: &'d [Entry] = match &self.innermost().tree {
            Tree::Map(entries) => entries,
            _ => &[],
        };
        let (key, rest) = match self.rest.split_first() {
            Some((key, rest)) => (Some(*key), rest),
            None => (None, self.rest),
        };
        entries
            .iter()
            .enumerate()
            .filter(move |(_, entry)| Some(entry.key.as_str()) == key)
            .map(move |(index, entry)| {
                let mut steps = self.steps.clone();
                steps.push(Step { index, entry });
                Self {
                    root: self.root,
                    steps,
                    rest,
                }
            })
    }

    /// Returns the innermost part of the way that is there.
    pub(super) fn innermost(&self) -> &'d Node {
        self.steps
            .last()
            .map_or(self.root, |step| &step.entry.value)
    }

    /// Returns the map that holds the innermost part; the document where that is all there is.
    pub(super) fn parent(&self) -> &'d Node {
        let above = self.steps.iter().rev().nth(1);
        above.map_or(self.root, |step| &step.entry.value)
    }

    /// Returns the entry of the innermost part.
    pub(super) fn entry(&self) -> Option<&'d Entry> {
        self.steps.last().map(|step| step.entry)
    }

    /// Returns the entry that gives the setting.
    pub(super) fn present(&self) -> Option<&'d Entry> {
        self.entry().filter(|_| self.rest.is_empty())
    }

    /// Returns the places of the entries on the way, outermost first.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        self.steps.iter().map(|step| step.index)
    }

    /// Returns the line to look at.
    pub(super) fn line(&self) -> u32 {
        self.entry()
            .map_or(self.root.at.line, |entry| entry.key_at.line)
    }

    /// Returns the path of the innermost part.
    fn key(&self) -> String {
        let keys: Vec<&str> = self
            .steps
            .iter()
            .map(|step| step.entry.key.as_str())
            .collect();
        keys.join(".")
    }

    /// Refuses a way on which something is shared with other places of the document, or has a tag.
    pub(super) fn refuse_shared(&self, file: &File<'_>, name: &str) -> Result<(), Refused> {
        for Step { entry, .. } in &self.steps {
            let key = &entry.key;
            let of_losers = entry.shadowed.iter().map(|node| &node.at);
            for at in [&entry.key_at, &entry.value.at]
                .into_iter()
                .chain(of_losers)
            {
                if let Some(line) = brought_by(at) {
                    return Err(Refused::at(
                        line,
                        format!(
                            "an alias or a merge key has part in {key}: write {name} without it first"
                        ),
                    ));
                }
            }
            if file.is_json {
                continue;
            }
            let gap = Gap::scan(file.content, entry.key_at.span.1, entry.value.at.span.0);
            let reason = match gap.property {
                Some(Property::Anchor) => format!(
                    "{key} has an anchor, so that aliases may share it: take the anchor away first"
                ),
                Some(Property::Tag) => format!("{key} has a tag: take the tag away first"),
                None if gap.is_clear => continue,
                None => format!("it is not clear where {key} stands: set {name} by hand"),
            };
            return Err(Refused::at(entry.key_at.line, reason));
        }
        Ok(())
    }
}

/// Returns the line of the alias or merge key that brought something here.
fn brought_by(at: &Mark) -> Option<u32> {
    at.via.first().map(|place| place.line)
}
