//! What a rule asks for and how it is mended, and the numbers that it is known by.

use super::escape::{html, lines, put, short};
use super::gather::OfRule;
use super::prose::{markdown, reference};
use crate::Prose;

/// What the pages of rules say takes no more bytes.
const MAX_PROSE: usize = 4 << 20;

/// Writes what the pages of rules say, as long as there is room.
pub(crate) struct About<'a> {
    prose: &'a Prose,
    left: usize,
}

impl<'a> About<'a> {
    pub(crate) const fn new(prose: &'a Prose) -> Self {
        Self {
            prose,
            left: MAX_PROSE,
        }
    }

    /// Writes what the rule's page says, and the numbers of the rule, whose own place on the page is `anchor`.
    pub(crate) fn write(&mut self, id: &str, anchor: &str, rule: &OfRule, page: &mut String) {
        page.push_str("<div class=\"about\">");
        let before = page.len();
        match self.prose.get(id).filter(|_| self.left > 0) {
            Some(prose) => {
                for (head, text) in [
                    ("What it asks for", &prose.description),
                    ("Why it matters", &prose.rationale),
                    ("How to mend it", &prose.remediation),
                    ("What mending may break", &prose.impact),
                ] {
                    if !text.is_empty() {
                        put(
                            page,
                            format_args!("<section><h4>{head}</h4>{}</section>\n", markdown(text)),
                        );
                    }
                }
                if !prose.references.is_empty() {
                    page.push_str("<section><h4>References</h4><ul>");
                    for line in &prose.references {
                        put(page, format_args!("<li>{}</li>", reference(line)));
                    }
                    page.push_str("</ul></section>\n");
                }
            }
            None if self.left == 0 => {
                page.push_str("<p class=\"note\">There was no room for what the rule's page says: <code>kubeassay rules show</code> has it.</p>");
            }
            None => {
                if !rule.expected.is_empty() {
                    put(
                        page,
                        format_args!(
                            "<section><h4>What it asks for</h4><p>{}</p></section>\n",
                            short(&rule.expected)
                        ),
                    );
                }
                if !rule.remediation.is_empty() {
                    put(
                        page,
                        format_args!(
                            "<section><h4>How to mend it</h4><pre>{}</pre></section>\n",
                            lines(&rule.remediation)
                        ),
                    );
                }
            }
        }
        self.left = self.left.saturating_sub(page.len() - before);
        known(id, anchor, rule, page);
        page.push_str("</div>\n");
    }
}

/// Writes the numbers that a rule is known by.
pub(crate) fn known(id: &str, anchor: &str, rule: &OfRule, page: &mut String) {
    page.push_str("<section class=\"known\"><h4>Known as</h4><dl>");
    put(
        page,
        format_args!(
            "<dt>rule</dt><dd><a href=\"#{anchor}\">{}</a></dd>",
            short(id)
        ),
    );
    for of_framework in rule
        .controls
        .chunk_by(|one, next| one.framework == next.framework)
    {
        let Some(first) = of_framework.first() else {
            continue;
        };
        let numbers: Vec<String> = of_framework
            .iter()
            .map(|control| {
                let version = control.version.as_deref();
                let version = version.map(|version| format!(" ({})", short(version)));
                format!("{}{}", short(&control.control), version.unwrap_or_default())
            })
            .collect();
        put(
            page,
            format_args!(
                "<dt>{}</dt><dd>{}</dd>",
                short(&first.framework),
                numbers.join(", ")
            ),
        );
    }
    page.push_str("</dl></section>\n");
}

/// Returns the name by which an address leads to a rule.
pub(crate) fn anchor(id: &str) -> String {
    let plain = |character: char| {
        if character.is_ascii_alphanumeric() || ".-_".contains(character) {
            character
        } else {
            '_'
        }
    };
    let id: String = id.chars().take(200).map(plain).collect();
    html(&format!("rule-{id}"))
}
