//! Typed values out of nodes; what is wrong with them is collected.

use std::ops::Range;

use super::super::check::Check;
use super::super::diagnostic::{Code, Diagnostic};
use super::super::expression::ExpressionFault;
use super::super::page::Page;
use super::super::setting::{did_you_mean, suggestion};
use super::super::yaml::{Entry, Kind, Node};
use super::{At, is_word, kebab, within};
use crate::verdict::Severity;

/// Reads typed values out of nodes and collects what is wrong with them.
pub(crate) struct Reader<'a> {
    pub(crate) page: &'a Page,
    pub(crate) faults: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    pub(crate) fn fault(
        &mut self,
        code: Code,
        span: &Range<usize>,
        message: String,
        help: Option<String>,
    ) {
        self.faults
            .push(self.page.diagnostic(code, span.clone(), message).help(help));
    }

    pub(crate) fn wrong(&mut self, what: &str, wanted: &str, node: &Node) {
        let message = format!("{what} must be {wanted}, but is {}", node.describe());
        self.fault(Code::WrongType, &node.span, message, None);
    }

    pub(crate) fn unknown(&mut self, entry: &Entry, known: &[&str]) {
        let help = suggestion(&did_you_mean(&entry.key, known.iter().copied()))
            .unwrap_or_else(|| format!("the keys are: {}", known.join(", ")));
        self.fault(
            Code::UnknownKey,
            &entry.key_span,
            format!("there is no key `{}`", entry.key),
            Some(help),
        );
    }

    /// `check: !kubelet.x` is a YAML tag and no negation; without this the `!` would be lost.
    pub(super) fn refuse_tag(&mut self, entry: &Entry) {
        let from = entry.key_span.end;
        let line = self.page.slice(&(from..self.page.front.end.max(from)));
        let line = line.split('\n').next().unwrap_or_default();
        let value = line
            .trim_start_matches(['"', '\''])
            .trim_start_matches([':', ' ', '\t']);
        if value.starts_with('!') {
            let at = from + (line.len() - value.len());
            let message = format!(
                "the value of `{}` starts with `!`, which YAML takes for a tag",
                entry.key
            );
            let help = "put the value in quotes, or write it on the next line after `|`".to_owned();
            self.fault(
                Code::YamlTag,
                &(at..at + value.trim_end().len()),
                message,
                Some(help),
            );
        }
    }

    pub(crate) fn text(&mut self, entry: &Entry) -> Option<At<String>> {
        match entry.node.text() {
            Some(text) if !text.trim().is_empty() => Some(At {
                value: text.trim().to_owned(),
                span: entry.node.span.clone(),
            }),
            _ => {
                self.wrong(&format!("`{}`", entry.key), "a text", &entry.node);
                None
            }
        }
    }

    /// Reads a word in kebab-case (dots allowed, for numbers in it).
    pub(super) fn word(&mut self, entry: &Entry) -> Option<At<String>> {
        let text = self.text(entry)?;
        if !is_word(&text.value) {
            let message = format!(
                "`{}` must be in kebab-case, but is `{}`",
                entry.key, text.value
            );
            let help = Some(format!("write `{}`", kebab(&text.value)));
            self.fault(Code::BadId, &text.span, message, help);
            return None;
        }
        Some(text)
    }

    pub(super) fn texts(&mut self, entry: &Entry) -> Vec<At<String>> {
        let Kind::List(nodes) = &entry.node.kind else {
            self.wrong(&format!("`{}`", entry.key), "a list of texts", &entry.node);
            return Vec::new();
        };
        let mut texts = Vec::new();
        for node in nodes {
            match node.text() {
                Some(text) => texts.push(At {
                    value: text.to_owned(),
                    span: node.span.clone(),
                }),
                None => self.wrong(&format!("an item of `{}`", entry.key), "a text", node),
            }
        }
        texts
    }

    pub(super) fn severity(&mut self, entry: &Entry) -> Option<At<Severity>> {
        let value = self.one_of(entry, Severity::ALL, Severity::as_str)?;
        Some(At {
            value,
            span: entry.node.span.clone(),
        })
    }

    /// Reads one of the words of a closed list.
    pub(super) fn one_of<T: Copy>(
        &mut self,
        entry: &Entry,
        all: &[T],
        word: impl Fn(T) -> &'static str,
    ) -> Option<T> {
        let text = self.text(entry)?;
        let found = all.iter().copied().find(|one| word(*one) == text.value);
        if found.is_none() {
            let words: Vec<&str> = all.iter().map(|one| word(*one)).collect();
            let help = suggestion(&did_you_mean(&text.value, words.iter().copied()))
                .unwrap_or_else(|| format!("one of: {}", words.join(", ")));
            let message = format!("`{}` is no {}", text.value, entry.key);
            self.fault(Code::BadValue, &text.span, message, Some(help));
        }
        found
    }

    /// Reads the level of a benchmark.
    pub(super) fn level(&mut self, entry: &Entry) -> Option<u8> {
        match entry.node.kind {
            Kind::Int(1) => Some(1),
            Kind::Int(2) => Some(2),
            _ => {
                self.wrong("`level`", "1 or 2", &entry.node);
                None
            }
        }
    }

    pub(super) fn check(&mut self, entry: &Entry) -> Option<At<Check>> {
        if let Kind::Bool(value) = entry.node.kind {
            let help = format!("put it in quotes, `\"{value}\"`, if it shall always be {value}");
            let message = format!(
                "`{}` must be an expression in a text, but is a boolean",
                entry.key
            );
            self.fault(Code::WrongType, &entry.node.span, message, Some(help));
            return None;
        }
        let text = match entry.node.text() {
            Some(text) if !text.trim().is_empty() => text,
            _ => {
                self.wrong(
                    &format!("`{}`", entry.key),
                    "an expression in a text",
                    &entry.node,
                );
                return None;
            }
        };
        match Check::compile(text) {
            Ok(value) => Some(At {
                value,
                span: entry.node.span.clone(),
            }),
            Err(faults) => {
                for ExpressionFault {
                    code,
                    span,
                    message,
                    help,
                } in faults
                {
                    let span = within(self.page, &entry.node.span, text, &span);
                    self.fault(code, &span, message, help);
                }
                None
            }
        }
    }
}
