//! Changes of one rule and subject at their horizons, as HTML: what was before beside what is now.

use kubeassay_core::changes::ChangeKind;
use kubeassay_core::report::{Evidence, Finding};
use kubeassay_core::{Horizon, Value, Verdict};
use sha2::{Digest as _, Sha256};

use crate::changes::Changed;
use crate::describe::describe_origin;
use crate::html::escape::{number, put, short};
use crate::html::finding::{
    Drawn, alone, chip, details, head, horizon, mending, same, value, what,
};
use crate::html::gather::{Common, Key, Unit, hash, hash_finding, said};
use crate::html::status::Status;
use crate::trace::place;

/// So many things that a check read are compared for what is said in a line.
const MAX_COMPARED: usize = 50;
/// Lists of more items are told whole.
const MAX_ITEMS: usize = 500;
/// So many items that a list gained or lost are told.
const MAX_TOLD: usize = 8;

/// Changes of one kind, rule and subject on one node.
pub(super) struct Together<'a> {
    pub(super) changes: &'a [Changed],
    /// Whether the other report has the node at all.
    pub(super) node_is_in_both: bool,
}

impl Unit for Together<'_> {
    fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.changes.iter().map(|change| change.finding.as_ref())
    }

    fn kind(&self) -> Option<ChangeKind> {
        self.changes.first().map(|change| change.kind)
    }

    fn before(&self) -> Vec<Option<(Status, Verdict)>> {
        let changes = self.changes.iter();
        changes.map(|change| change.before().map(said)).collect()
    }

    fn draw(&self) -> Drawn {
        let several = self.changes.len() > 1;
        let mut body = String::new();
        for change in self.changes {
            let when = change.finding.horizon;
            if several || when != Horizon::Running {
                put(
                    &mut body,
                    format_args!(
                        "<div class=\"horizon\"><p class=\"when\">{}</p>",
                        horizon(when)
                    ),
                );
                self.sides(change, &mut body);
                body.push_str("</div>\n");
            } else {
                self.sides(change, &mut body);
            }
        }
        let mut now = self.changes.iter().filter_map(Changed::now);
        if let Some(failing) = now.find(|one| one.verdict == Verdict::Fail) {
            mending(failing, &mut body);
        }
        let worst = self
            .changes
            .iter()
            .min_by_key(|change| Status::of(&change.finding));
        Drawn {
            head: worst.map(gist).unwrap_or_default(),
            body,
            alone: alone(&self.findings().collect::<Vec<_>>()),
        }
    }

    fn key(&self, common: Common) -> Key {
        let mut digest = Sha256::new();
        hash(&self.node_is_in_both, &mut digest);
        for change in self.changes {
            for side in [change.before(), change.now()] {
                hash(&side.is_some(), &mut digest);
                if let Some(finding) = side {
                    hash_finding(finding, common, &mut digest);
                }
            }
        }
        digest.finalize().into()
    }
}

impl Together<'_> {
    /// Writes what was before beside what is now.
    fn sides(&self, change: &Changed, page: &mut String) {
        let (old, new) = (change.before(), change.now());
        if let (Some(old), Some(new)) = (old, new)
            && old.expected == new.expected
            && !new.expected.is_empty()
        {
            put(
                page,
                format_args!(
                    "<dl><dt>Wanted</dt><dd>{}</dd></dl>\n",
                    short(&new.expected)
                ),
            );
        }
        page.push_str("<div class=\"sides\">\n");
        side("Before", old, new, self.not_there_before(), page);
        side("Now", new, old, self.not_there_now(), page);
        page.push_str("</div>\n");
    }

    const fn not_there_before(&self) -> &'static str {
        if self.node_is_in_both {
            "There was no such finding."
        } else {
            "The node was not there."
        }
    }

    const fn not_there_now(&self) -> &'static str {
        if self.node_is_in_both {
            "It is not seen any more: there is no such finding. That mends nothing."
        } else {
            "Its node is not there any more. That mends nothing."
        }
    }
}

fn side(
    name: &str,
    finding: Option<&Finding>,
    other: Option<&Finding>,
    not_there: &str,
    page: &mut String,
) {
    let Some(finding) = finding else {
        put(
            page,
            format_args!(
                "<section class=\"side\"><h5>{name} {}</h5><p>{not_there}</p></section>\n",
                absent()
            ),
        );
        return;
    };
    let status = Status::of(finding);
    put(
        page,
        format_args!(
            "<section class=\"side {}\"><h5>{name} {}</h5>",
            status.word(),
            chip(status, finding.verdict, None)
        ),
    );
    if !finding.reason.is_empty() {
        put(page, format_args!("<p>{}</p>", short(&finding.reason)));
    }
    details(finding, other, page);
    page.push_str("</section>\n");
}

/// Returns what stands in the place of a verdict where there is no finding.
pub(super) fn absent() -> &'static str {
    "<span class=\"chip absent\">not there</span>"
}

/// Returns what changed, in a line.
fn gist(change: &Changed) -> String {
    let (Some(old), Some(new)) = (change.before(), change.now()) else {
        return head(&change.finding);
    };
    let told = match change.kind {
        ChangeKind::ChangedValue | ChangeKind::Fixed => value_of(old, new),
        ChangeKind::ChangedOrigin => origin_of(old, new),
        _ => None,
    };
    told.unwrap_or_else(|| head(new))
}

/// Returns the first value that is another one.
fn value_of(old: &Finding, new: &Finding) -> Option<String> {
    let (now, before) = differing(old, new, |now, before| now.value != before.value)?;
    let name = short(&what(now));
    if let (Value::List(was), Value::List(is)) = (&before.value, &now.value)
        && let Some(said) = of_lists(was, is)
    {
        return Some(format!("<code>{name}</code> {said}"));
    }
    Some(format!(
        "<code>{name}</code> was {}, is {}",
        value(before, old.verdict),
        value(now, new.verdict)
    ))
}

/// Returns what a list gained and lost; nothing where one of them is empty or both have the same in another order.
fn of_lists(was: &[Value], is: &[Value]) -> Option<String> {
    let long = was.len().max(is.len()) > MAX_ITEMS;
    if long || was.is_empty() || is.is_empty() {
        return None;
    }
    let only = |one: &[Value], other: &[Value]| -> Vec<String> {
        let only = one.iter().filter(|item| !other.contains(item));
        only.map(|item| format!("<code>{}</code>", short(&item.to_string())))
            .collect()
    };
    let said = |verb: &str, items: Vec<String>| {
        let more = items.len().saturating_sub(MAX_TOLD);
        let told = items.get(..MAX_TOLD).unwrap_or(&items).join(", ");
        let more = (more > 0).then(|| format!(" and {} more", number(more)));
        (!items.is_empty()).then(|| format!("{verb} {told}{}", more.unwrap_or_default()))
    };
    let parts = [said("gained", only(is, was)), said("lost", only(was, is))];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Returns the first value that stands elsewhere.
fn origin_of(old: &Finding, new: &Finding) -> Option<String> {
    let (now, before) = differing(old, new, |now, before| {
        place(&now.origin) != place(&before.origin)
    })?;
    let [from, was] = [now, before].map(|one| describe_origin(&one.origin));
    // The words leave out what tells these apart.
    (from != was).then(|| {
        format!(
            "<code>{}</code> is {}, now from {}; it was from {}",
            short(&what(now)),
            value(now, new.verdict),
            short(&from),
            short(&was)
        )
    })
}

/// Returns the first that was read with nothing alike before, and what was read of it before.
fn differing<'a>(
    old: &'a Finding,
    new: &'a Finding,
    differs: impl Fn(&Evidence, &Evidence) -> bool,
) -> Option<(&'a Evidence, &'a Evidence)> {
    new.evidence.iter().take(MAX_COMPARED).find_map(|now| {
        let before = same(now, old).next()?;
        let is_new = same(now, old).all(|one| differs(now, one));
        is_new.then_some((now, before))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_tell_what_they_gained_and_lost() {
        let list = |words: &str| -> Vec<Value> { words.split(' ').map(Value::string).collect() };
        for (was, is, said) in [
            (
                "a b",
                "a c",
                Some("gained <code>c</code>; lost <code>b</code>"),
            ),
            ("a b", "a", Some("lost <code>b</code>")),
            ("a", "a <", Some("gained <code>&lt;</code>")),
            ("a b", "b a", None),
        ] {
            assert_eq!(of_lists(&list(was), &list(is)).as_deref(), said, "{was}");
        }
        assert_eq!(of_lists(&[], &list("a")), None);
        let gained = of_lists(&list("a"), &list("a 0 1 2 3 4 5 6 7 8 9"));
        assert!(gained.unwrap().ends_with("<code>7</code> and 2 more"));
    }
}
