//! What must hold of the data. Every mistake becomes one line: file, line, entry, what is wrong.

use std::collections::{BTreeMap, BTreeSet};

use serde_saphyr::Spanned;

use super::data::{Default, Field, Flag, Gate, Plain, Presence};
use super::value::Shape;
use super::{FIELDS, GATES, NEWEST, OLDEST};

/// Returns every mistake in the data of a component, whose flags are in `file`.
pub(super) fn all(file: &str, flags: &[Flag], fields: &[Field], gates: &[Gate]) -> Vec<String> {
    let mut mistakes = Mistakes::default();
    check_fields(fields, &mut mistakes);
    check_flags(file, flags, fields, &mut mistakes);
    check_gates(gates, &mut mistakes);
    mistakes.lines
}

#[derive(Default)]
struct Mistakes {
    lines: Vec<String>,
}

impl Mistakes {
    fn add(&mut self, file: &str, entry: &Spanned<String>, what: impl std::fmt::Display) {
        self.lines.push(format!(
            "{file}:{}: `{}`: {what}",
            entry.referenced.line(),
            entry.value
        ));
    }
}

fn check_fields(fields: &[Field], mistakes: &mut Mistakes) {
    sorted(FIELDS, fields.iter().map(|field| &field.path), mistakes);
    let paths: BTreeSet<&str> = fields
        .iter()
        .map(|field| field.path.value.as_str())
        .collect();
    for field in fields {
        let mut add = |what: String| mistakes.add(FIELDS, &field.path, what);
        for (at, _) in field.path.value.match_indices('.') {
            if let Some(parent) = field.path.value.get(..at)
                && paths.contains(parent)
            {
                add(format!("its parent `{parent}` is a leaf too"));
            }
        }
        if field.internal.split('.').count() != field.path.value.split('.').count() {
            add(format!("`{}` is not as deep as its path", field.internal));
        }
        if field.pointer && !field.zero_kept {
            add("a pointer keeps its zero".to_owned());
        }
        let presence = field.presence();
        check_presence(presence, &mut add);
        for default in [Some(&field.default), field.legacy_default.as_ref()]
            .into_iter()
            .flatten()
        {
            check_default(
                default,
                presence.possible,
                Shape::of_field(field.kind),
                field.pointer,
                &mut add,
            );
        }
    }
}

fn check_flags(file: &str, flags: &[Flag], fields: &[Field], mistakes: &mut Mistakes) {
    sorted(file, flags.iter().map(|flag| &flag.name), mistakes);
    let fields: BTreeMap<&str, &Field> = fields
        .iter()
        .map(|field| (field.path.value.as_str(), field))
        .collect();
    let mut settings = BTreeSet::new();
    let mut shorthands = BTreeSet::new();
    for flag in flags {
        let mut add = |what: String| mistakes.add(file, &flag.name, what);
        if !settings.insert(flag.setting()) {
            add(format!("another flag is read as `{}` too", flag.setting()));
        }
        if let Some(letter) = flag.shorthand
            && !shorthands.insert(letter)
        {
            add(format!("another flag is `-{letter}` too"));
        }
        let presence = flag.presence();
        check_presence(presence, &mut add);
        let targets = flag.targets();
        if targets.first().is_none_or(|(from, _)| *from != OLDEST)
            || !targets.is_sorted_by(|a, b| a.0 < b.0)
        {
            add(format!(
                "what it sets must begin at {OLDEST} and go on in order"
            ));
        }
        for path in targets.iter().filter_map(|(_, path)| *path) {
            let Some(field) = fields.get(path) else {
                add(format!("sets `{path}`, which is no field"));
                continue;
            };
            let there = field.presence();
            let unset = presence.possible_minors().find(|minor| {
                flag.target(*minor) == Some(path) && !there.possible_minors().contains(minor)
            });
            if let Some(minor) = unset {
                add(format!("sets `{path}`, which does not exist in {minor}"));
            }
        }
        match (flag.own_minors(), &flag.default) {
            (Some(minors), Some(default)) => {
                check_default(default, minors, Shape::of_flag(flag.kind), false, &mut add);
            }
            (Some(_), None) => add("has no default although it sets no field".to_owned()),
            (None, Some(_)) => add("has a default although it always sets a field".to_owned()),
            (None, None) => {}
        }
    }
}

fn check_gates(gates: &[Gate], mistakes: &mut Mistakes) {
    sorted(GATES, gates.iter().map(|gate| &gate.name), mistakes);
    for gate in gates {
        if gate.from < OLDEST || gate.from > gate.to || gate.to > NEWEST {
            mistakes.add(
                GATES,
                &gate.name,
                format!("{} to {} are no minors in order", gate.from, gate.to),
            );
        }
    }
}

/// Names must be unique and sorted by bytes: the tables are searched by halving.
fn sorted<'data>(
    file: &str,
    names: impl Iterator<Item = &'data Spanned<String>>,
    mistakes: &mut Mistakes,
) {
    let mut before: Option<&Spanned<String>> = None;
    for name in names {
        match before {
            Some(before) if before.value == name.value => {
                mistakes.add(file, name, "stands there twice");
            }
            Some(before) if before.value > name.value => {
                mistakes.add(file, name, format!("must stand before `{}`", before.value));
            }
            _ => {}
        }
        before = Some(name);
    }
}

fn check_presence(Presence { certain, possible }: Presence, add: &mut impl FnMut(String)) {
    if possible.0 < OLDEST || possible.1 > NEWEST || possible.0 > possible.1 {
        add(format!(
            "{} to {} are no minors in order",
            possible.0, possible.1
        ));
    }
    if certain.0 < possible.0 || certain.1 > possible.1 || certain.0 > certain.1 {
        add(format!(
            "surely from {} to {}, but possibly only from {} to {}",
            certain.0, certain.1, possible.0, possible.1
        ));
    }
}

/// Every minor of its life has a default, a choice of several, or is declared unknown.
fn check_default(
    default: &Default,
    (from, to): (u8, u8),
    shape: Shape,
    nullable: bool,
    add: &mut impl FnMut(String),
) {
    let spans = default.spans((from, to));
    for span in &spans {
        if span.from < from || span.to > to || span.from > span.to {
            add(format!(
                "a default from {} to {} lies outside of {from} to {to}",
                span.from, span.to
            ));
        }
        match (&span.value, span.unknown) {
            (Some(Plain::Null), false) if !nullable => add("only a pointer can be null".to_owned()),
            (Some(value), false) => {
                if let Err(what) = shape.constant(value) {
                    add(format!("as default, {what}"));
                }
            }
            (None, true) => {}
            _ => add("a span says either a value or that it is unknown".to_owned()),
        }
    }
    let covered = |minor: &u8| {
        spans
            .iter()
            .any(|span| (span.from..=span.to).contains(minor))
    };
    let missing: Vec<String> = (from..=to)
        .filter(|minor| !covered(minor))
        .map(|minor| minor.to_string())
        .collect();
    if !missing.is_empty() {
        add(format!("no default is given for {}", missing.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    use super::super::FLAGS;
    use super::*;

    fn fields(yaml: &str) -> Vec<Field> {
        serde_saphyr::from_str(yaml).unwrap()
    }

    fn flags(yaml: &str) -> Vec<Flag> {
        serde_saphyr::from_str(yaml).unwrap()
    }

    const PORT: &str = "- {path: port, internal: Port, type: int32, since: 22, default: 10250}\n";

    #[test]
    fn mistakes_name_file_line_and_entry() {
        let text = "# head\n- {name: port, type: int32, sets: prot}\n";
        assert_eq!(
            all(FLAGS, &flags(text), &fields(PORT), &[]),
            ["crates/config/data/kubelet-flags.yaml:2: `port`: sets `prot`, which is no field"]
        );
    }

    #[test]
    fn a_flag_sets_a_field_only_where_both_exist() {
        let text = "- {name: port, type: int32, sets: port}";
        let mistakes = all(FLAGS, &flags(text), &fields(PORT), &[]);
        assert_eq!(mistakes.len(), 1);
        assert!(
            mistakes[0].ends_with("sets `port`, which does not exist in 20"),
            "{mistakes:?}"
        );
        let text = "- {name: port, type: int32, sets: [{from: 20, field: null}, {from: 22, field: port}], default: 0}";
        assert_eq!(
            all(FLAGS, &flags(text), &fields(PORT), &[]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn every_minor_needs_a_default() {
        let text =
            "- {path: a, internal: A, type: bool, default: [{from: 20, to: 30, value: true}]}";
        let mistakes = all(FLAGS, &[], &fields(text), &[]);
        assert_eq!(mistakes.len(), 1);
        assert!(
            mistakes[0].ends_with("`a`: no default is given for 31, 32, 33, 34, 35, 36"),
            "{mistakes:?}"
        );
        let text =
            "- {path: a, internal: A, type: bool, default: [{from: 20, to: 36, unknown: true}]}";
        assert_eq!(all(FLAGS, &[], &fields(text), &[]).len(), 0);
        let text = "- {path: a, internal: A, type: bool, default: null}";
        assert_eq!(all(FLAGS, &[], &fields(text), &[]).len(), 1);
    }

    #[test]
    fn leaves_are_sorted_and_have_no_leaf_above_them() {
        let text = "- {path: b, internal: B, type: bool, default: true}\n\
                    - {path: a.b, internal: A.B, type: bool, default: true}\n\
                    - {path: a, internal: A, type: bool, default: true}\n";
        let mistakes = all(FLAGS, &[], &fields(text), &[]);
        assert_eq!(mistakes.len(), 3, "{mistakes:?}");
    }
}
