//! A configuration with drop-ins, resolved, with the same merged by hand into one file for a second opinion.

use std::borrow::Cow;

use kubeassay_config::kubelet::{Documents, When, resolve};
use kubeassay_config::resolution::Resolution;
use kubeassay_config::setting::Setting;
use kubeassay_config::tables::kubelet::KUBELET;
use kubeassay_config::tables::{FieldKind, Minor};
use kubeassay_config::tree::{self, Node, Tree};
use kubeassay_core::Bytes;
use kubeassay_core::Cause;
use kubeassay_core::facts::{Entry, FileFacts, FileKind, NeedKind, ProcessFacts};
use serde_json::Value;

use crate::drop_ins::apply;
use crate::input::Parts;
use crate::show;

/// The oldest version whose drop-ins are a merge patch of the API's own names.
const OLDEST: u8 = 32;

/// The most drop-ins.
const MOST: usize = 4;

/// Reads the first part as choice of a version, the others as configuration and drop-ins.
pub(crate) fn run(data: &[u8]) {
    let mut parts = Parts::new(data);
    let minor = Minor(OLDEST + parts.next().first().copied().unwrap_or(0) % 5);
    let texts: Vec<&[u8]> = std::iter::from_fn(|| parts.next_if_any())
        .take(MOST + 1)
        .collect();
    let Some(values) = texts
        .iter()
        .map(|text| plain(text))
        .collect::<Option<Vec<Value>>>()
    else {
        return;
    };
    let Some((first, patches)) = values.split_first() else {
        return;
    };
    let merged = patches
        .iter()
        .fold(first.clone(), |target, patch| apply(Some(target), patch));
    let merged = merged.to_string();
    let layered = resolved(&texts, minor);
    let single = resolved(&[merged.as_bytes()], minor);
    // What is refused in one drop-in may be overridden by the next, which the other never sees.
    if layered.refusal.is_some() || single.refusal.is_some() {
        return;
    }
    for field in KUBELET.fields {
        let name = field.path;
        if is_filled_before_merging(name) {
            continue;
        }
        let (layered, single) = (layered.setting(name), single.setting(name));
        let value = |setting: &Option<Cow<'_, Setting>>| {
            let setting = setting.as_ref()?;
            setting.value().map(|value| format!("{value:?}"))
        };
        assert_eq!(
            value(&layered),
            value(&single),
            "{name} in {minor:?}: with drop-ins {layered:?}, merged {single:?}: {merged}"
        );
    }
}

/// Whether a setting is one whose default the kubelet fills in before it merges, so that merging by hand cannot equal it:
/// a map, whose default entries stay beside those of a drop-in.
fn is_filled_before_merging(name: &str) -> bool {
    let field = KUBELET.fields.iter().find(|field| name == field.path);
    field.is_some_and(|field| {
        matches!(
            field.kind,
            FieldKind::StringMap | FieldKind::BoolMap | FieldKind::StringListMap
        ) && !field.defaults.is_empty()
    })
}

/// Returns what a text says, if it says it in a way that means the same in a file and in a drop-in.
///
/// Left out, because the two are decoded differently on purpose:
///
/// - keys that only nearly are those of a field: a drop-in is decoded without regard to case;
/// - numbers that are no integers: a drop-in's pass through an untyped value, which makes `1.0` an integer;
/// - duplicates, which a drop-in may not have.
fn plain(text: &[u8]) -> Option<Value> {
    let document = tree::read(text).ok()?;
    let mut ok = document.duplicates.is_empty();
    show::walk(&document.root, &mut |node: &Node| match &node.tree {
        Tree::Number(number) => ok &= number.as_i64().is_some(),
        Tree::Map(entries) => ok &= entries.iter().all(|entry| is_exact(&entry.key)),
        _ => {}
    });
    let is_map = matches!(document.root.tree, Tree::Map(_));
    (ok && is_map)
        .then(|| show::value(&document.root))
        .flatten()
}

fn is_exact(key: &str) -> bool {
    let folded = key.replace('\u{17f}', "s").replace('\u{212a}', "k");
    let mut parts = KUBELET
        .fields
        .iter()
        .flat_map(|field| field.path.split('.'))
        .chain(["kind", "apiVersion"]);
    parts.all(|part| part == key || !part.eq_ignore_ascii_case(&folded))
}

/// Resolves a kubelet whose configuration is the first text and whose drop-ins are the others.
fn resolved(texts: &[&[u8]], minor: Minor) -> Resolution {
    let mut argv = vec![Bytes::from("kubelet"), Bytes::from("--config=/c")];
    if texts.len() > 1 {
        argv.push(Bytes::from("--config-dir=/d"));
    }
    let mut process = ProcessFacts {
        cwd: Some(Bytes::from("/")),
        ..ProcessFacts::new(7, argv)
    };
    loop {
        let resolution = resolve(&Documents::new(&process), minor, When::Now);
        if resolution.needs.is_empty() {
            return resolution;
        }
        for need in resolution.needs {
            let found = |kind| FileFacts {
                kind: Some(kind),
                problem: None,
                ..FileFacts::unread(need.clone(), Cause::Missing, "")
            };
            let file = match need.what {
                NeedKind::Presence
                | NeedKind::Certificate
                | NeedKind::PublicKeys
                | NeedKind::Metadata => found(FileKind::Regular),
                NeedKind::Listing => FileFacts {
                    entries: Some(
                        (1..texts.len())
                            .map(|index| Entry {
                                name: Bytes::from(format!("{index}.conf")),
                                kind: FileKind::Regular,
                            })
                            .collect(),
                    ),
                    ..found(FileKind::Directory)
                },
                NeedKind::Content => {
                    let path = need.path.to_string_lossy();
                    let index = path
                        .strip_prefix("/d/")
                        .and_then(|name| name.strip_suffix(".conf"));
                    let index = index
                        .and_then(|index| index.parse::<usize>().ok())
                        .unwrap_or(0);
                    FileFacts {
                        content: Some(Bytes::from(texts[index])),
                        ..found(FileKind::Regular)
                    }
                }
            };
            process.files.push(file);
        }
    }
}
