//! The keys that hold lists and maps: controls, choices, fix.

use std::ops::Range;

use super::super::diagnostic::Code;
use super::super::setting::SettingType;
use super::super::yaml::{Entry, Kind, Node};
use super::{At, Choice, Fix, Reader};
use crate::report::Control;

impl Reader<'_> {
    pub(super) fn controls(&mut self, entry: &Entry) -> Vec<Control> {
        let Kind::List(nodes) = &entry.node.kind else {
            self.wrong(
                "`controls`",
                "a list of `{framework, versions, control}`",
                &entry.node,
            );
            return Vec::new();
        };
        nodes
            .iter()
            .filter_map(|node| self.one_control(node))
            .collect()
    }

    fn one_control(&mut self, node: &Node) -> Option<Control> {
        let Some(entries) = node.entries() else {
            self.wrong("a control", "a map `{framework, versions, control}`", node);
            return None;
        };
        let (mut framework, mut version, mut control) = (None, None, None);
        for entry in entries {
            match entry.key.as_str() {
                "framework" => framework = self.word(entry),
                "versions" => version = self.versions(entry),
                "control" => control = self.text(entry),
                _ => self.unknown(entry, &["framework", "versions", "control"]),
            }
        }
        let (Some(framework), Some(control)) = (framework, control) else {
            let message = "a control needs `framework` and `control`".to_owned();
            self.fault(Code::MissingKey, &node.span, message, None);
            return None;
        };
        Some(Control {
            framework: framework.value,
            version: version.map(|version| version.value),
            control: control.value,
        })
    }

    /// Reads a version or comparisons of versions, such as `>=1.5` or `>=1.5,<1.9`.
    fn versions(&mut self, entry: &Entry) -> Option<At<String>> {
        let text = self.text(entry)?;
        let fits = text.value.split(',').all(|part| {
            let number = part.trim().trim_start_matches(['<', '>', '=']);
            number.starts_with(|c: char| c.is_ascii_digit())
                && number
                    .split('.')
                    .all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_alphanumeric()))
        });
        if !fits {
            let message = format!("`{}` says no versions", text.value);
            self.fault(
                Code::BadValue,
                &text.span,
                message,
                Some("write it like `>=1.5` or `>=1.5,<1.9`".to_owned()),
            );
            return None;
        }
        Some(text)
    }

    pub(super) fn choices(&mut self, entry: &Entry) -> Vec<At<Choice>> {
        let Kind::List(nodes) = &entry.node.kind else {
            self.wrong(
                "`choices`",
                "a list of `{name, type, default, description}`",
                &entry.node,
            );
            return Vec::new();
        };
        nodes.iter().filter_map(|node| self.choice(node)).collect()
    }

    fn choice(&mut self, node: &Node) -> Option<At<Choice>> {
        let Some(entries) = node.entries() else {
            self.wrong(
                "a choice",
                "a map `{name, type, default, description}`",
                node,
            );
            return None;
        };
        let (mut name, mut kind, mut default, mut description) = (None, None, None, None);
        for entry in entries {
            match entry.key.as_str() {
                "name" => name = self.text(entry),
                "type" => kind = self.text(entry),
                "default" => default = Some(&entry.node),
                "description" => description = self.text(entry),
                _ => self.unknown(entry, &["name", "type", "default", "description"]),
            }
        }
        let (Some(name), Some(kind), Some(description)) = (name, kind, description) else {
            let message = "a choice needs `name`, `type` and `description`".to_owned();
            self.fault(Code::MissingKey, &node.span, message, None);
            return None;
        };
        let Some(parsed) = SettingType::parse(&kind.value) else {
            let message = format!("`{}` is no type of a choice", kind.value);
            let help = "one of: bool, int, float, string, duration, quantity, list".to_owned();
            self.fault(Code::BadValue, &kind.span, message, Some(help));
            return None;
        };
        let default = match default.map(|node| (parsed.fit(node.value()), node)) {
            Some((Err(reason), node)) => {
                self.fault(
                    Code::WrongType,
                    &node.span,
                    format!("the default of `{}`: {reason}", name.value),
                    None,
                );
                return None;
            }
            Some((Ok(value), _)) => Some(value),
            None => None,
        };
        let choice = Choice {
            name: name.value,
            kind: parsed,
            default,
            description: description.value,
        };
        Some(At {
            value: choice,
            span: name.span,
        })
    }

    pub(super) fn fix(&mut self, entry: &Entry) -> (Option<Fix>, Vec<Range<usize>>) {
        let Some(entries) = entry.node.entries() else {
            self.wrong("`fix`", "a map with `set` or `decide`", &entry.node);
            return (None, Vec::new());
        };
        let (mut fix, mut spans) = (Fix::default(), Vec::new());
        for entry in entries {
            match (entry.key.as_str(), entry.node.entries()) {
                ("set", Some([])) => {
                    let message = "`fix.set` sets nothing".to_owned();
                    self.fault(Code::BadValue, &entry.node.span, message, None);
                }
                ("set", Some(settings)) => {
                    for setting in settings {
                        fix.set.push((setting.key.clone(), setting.node.value()));
                        spans.push(setting.key_span.clone());
                    }
                }
                ("set", None) => self.wrong(
                    "`fix.set`",
                    "a map of settings and their values",
                    &entry.node,
                ),
                ("decide", _) => fix.decide = self.text(entry).map(|text| text.value),
                _ => self.unknown(entry, &["set", "decide"]),
            }
        }
        let has = |key: &str| entries.iter().any(|entry| entry.key == key);
        match (has("set"), has("decide")) {
            (true, true) => {
                let message = "a fix has `set` or `decide`, and not both".to_owned();
                let help =
                    "keep `set` if these settings mend every failure without a decision".to_owned();
                self.fault(Code::BadValue, &entry.node.span, message, Some(help));
            }
            (false, false) if entries.is_empty() => {
                let message = "a fix needs `set` or `decide`".to_owned();
                let help = "say in `decide` what a person has to decide first".to_owned();
                self.fault(Code::MissingKey, &entry.node.span, message, Some(help));
            }
            _ => {}
        }
        (Some(fix), spans)
    }
}
