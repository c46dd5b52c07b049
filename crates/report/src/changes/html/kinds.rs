//! The kinds of change as the page calls them, and how many there are of each.

use kubeassay_core::changes::ChangeKind;

use crate::changes::word;
use crate::html::escape::{number, put};

/// Returns the kind as people read it.
pub(super) fn label(kind: ChangeKind) -> String {
    word(kind).to_lowercase()
}

/// Returns what the kind says.
pub(super) const fn meaning(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::New => "needs action now, and did not before",
        ChangeKind::ChangedVerdict => "the verdict is another one, neither new nor fixed",
        ChangeKind::ChangedValue => "same verdict, another value",
        ChangeKind::ChangedOrigin => "same value, from elsewhere",
        ChangeKind::NoLongerSeen => "is not there any more; that mends nothing",
        ChangeKind::Waived => "needed action, and was accepted",
        ChangeKind::Fixed => "needed action, and passes now",
    }
}

/// Returns the kind's word and shape.
pub(super) fn chip(kind: ChangeKind) -> String {
    format!(
        "<span class=\"chip {}\">{}</span>",
        kind.as_str(),
        label(kind)
    )
}

/// How many changes there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts([usize; 7]);

impl Counts {
    pub(super) fn add(&mut self, kind: ChangeKind) {
        if let Some(number) = self.0.get_mut(kind as usize) {
            *number += 1;
        }
    }

    fn of(&self, kind: ChangeKind) -> usize {
        self.0.get(kind as usize).copied().unwrap_or_default()
    }

    /// Writes the counts of these kinds as cells of a table.
    pub(super) fn cells(&self, columns: &[ChangeKind], page: &mut String) {
        for kind in columns {
            let count = self.of(*kind);
            let class = if count == 0 { "number none" } else { "number" };
            put(
                page,
                format_args!("<td class=\"{class}\">{}</td>", number(count)),
            );
        }
    }
}

/// Writes the heads of a table that counts these kinds.
pub(super) fn heads(columns: &[ChangeKind], page: &mut String) {
    for kind in columns {
        put(
            page,
            format_args!("<th scope=\"col\" class=\"number\">{}</th>", label(*kind)),
        );
    }
}
