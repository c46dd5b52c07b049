//! Where the nodes of an expression stand in its source.

use std::ops::Range;
use std::sync::Arc;

use cel::common::ast::SourceInfo;

use super::Route;

/// Where the nodes of an expression stand in it.
pub(crate) struct Places {
    pub(super) info: Option<Arc<SourceInfo>>,
    pub(super) whole: Range<usize>,
}

impl Places {
    /// Returns where a node stands: its operator or its name.
    pub(crate) fn node(&self, id: u64) -> Range<usize> {
        self.known(id).unwrap_or_else(|| self.whole.clone())
    }

    /// Returns where a whole chain stands.
    pub(crate) fn route(&self, route: &Route, source: &str) -> Range<usize> {
        let (Some(first), Some(last)) = (self.known(route.first), self.known(route.last)) else {
            return self.whole.clone();
        };
        // The place of a member is its dot or bracket; the name follows.
        let tail = source.get(last.end..).unwrap_or_default();
        let name = if first == last {
            0
        } else if source.get(last.clone()) == Some("[") {
            tail.find(']').map_or(0, |at| at + 1)
        } else {
            let start = tail.find(|c: char| !c.is_whitespace()).unwrap_or(0);
            let rest = tail.get(start..).unwrap_or_default();
            start
                + rest
                    .find(|c: char| !c.is_alphanumeric() && c != '_')
                    .unwrap_or(rest.len())
        };
        first.start..last.end + name
    }

    /// Returns where the name of a called function stands.
    pub(crate) fn call(&self, id: u64, name: &str, source: &str) -> Range<usize> {
        let at = self.node(id);
        // The place of a method's call is its parenthesis.
        let before = source.get(..at.start).unwrap_or_default().trim_end();
        if source.get(at.clone()) == Some("(") && before.ends_with(name) {
            before.len() - name.len()..before.len()
        } else {
            at
        }
    }

    fn known(&self, id: u64) -> Option<Range<usize>> {
        let (start, end) = self.info.as_ref()?.offset_for(id)?;
        let range = usize::try_from(start).ok()?..usize::try_from(end).ok()?;
        (range.start < range.end && range.end <= self.whole.end).then_some(range)
    }
}
