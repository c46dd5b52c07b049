//! Configuration files of Kubernetes' own kinds: kind and version, single fields.
//!
//! Keys count in their own case only (`sigs.k8s.io/json`). Of fields that are not asked for nothing is known here, so
//! that what a strict decoder refuses of them is not predicted.

use std::sync::Arc;

use kubeassay_core::{Bytes, Cause, Origin, OriginKind, Value};

use super::builder::Builder;
use super::strict::{self, Decoder, Shape};
use crate::node::{Content, Node};
use crate::refusal::Refusal;
use crate::setting::{Setting, Unknown};
use crate::sources::{Document, Loaded};
use crate::tables::Minor;

/// What a configuration file is to its component.
pub(super) enum File {
    /// It says this.
    Read(std::rc::Rc<Document>),
    /// It could not be read.
    Unknown(Unknown, Arc<Origin>),
    /// The component ends because of it.
    Refused(Refusal),
}

/// What a file has to be.
#[derive(Clone, Copy)]
pub(super) struct Form<'a> {
    /// The kinds that are read, each in these versions.
    pub(super) kinds: &'a [(&'a str, &'a [&'a str])],
    /// Its fields and how they are read, where they are all known here.
    pub(super) fields: Option<(&'static Shape, Decoder)>,
}

/// Reads the file that `--config` names, of `kind` in one of `versions`; `None` where no file is named.
pub(super) fn config_file(
    builder: &mut Builder<'_>,
    kind: &str,
    versions: &[&str],
) -> Option<File> {
    let form = Form {
        kinds: &[(kind, versions)],
        fields: None,
    };
    file_of(builder, "config", Reload::No, form)
}

/// Whether a component reads a file again while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reload {
    /// It keeps what it read at its start.
    No,
    /// Whenever the file changes.
    Yes,
}

/// Reads the file that a flag names; `None` where no file is named.
///
/// Of a file that is read again whenever it changes, what it says now counts; where that would be refused, the component
/// keeps what it had, which is not known.
pub(super) fn file_of(
    builder: &mut Builder<'_>,
    flag: &str,
    reload: Reload,
    form: Form<'_>,
) -> Option<File> {
    let minor = builder.minor;
    let (path, loaded) = builder.file_of(flag)?;
    let loaded = match loaded {
        Loaded::Unknown(unknown) if reload == Reload::Yes && unknown.cause == Cause::Stale => {
            match builder.file_now(&path) {
                Loaded::Read(document) if check(&document, form, minor).is_ok() => {
                    builder.read_again(&path);
                    Loaded::Read(document)
                }
                _ => Loaded::Unknown(unknown),
            }
        }
        loaded => loaded,
    };
    Some(match loaded {
        Loaded::Read(document) => match check(&document, form, minor) {
            Ok(()) => File::Read(document),
            Err(refusal) => File::Refused(refusal),
        },
        Loaded::Unknown(unknown) => {
            let origin = Origin {
                path: Some(Arc::new(path)),
                ..Origin::new(kubeassay_core::OriginKind::File)
            };
            File::Unknown(unknown, Arc::new(origin))
        }
        // It was there when the process read it: what it said is not known, and what it does not touch is.
        Loaded::Refused(Refusal {
            cause: Cause::Missing,
            reason,
            origin,
        }) if builder.files.is_about_the_start() => {
            let unknown = Unknown {
                cause: Cause::Missing,
                reason: format!("a file that it was started with is gone: {reason}"),
                path: Some(path.clone()),
            };
            let origin = origin.unwrap_or_else(|| Arc::new(Origin::new(OriginKind::File)));
            File::Unknown(unknown, origin)
        }
        Loaded::Refused(refusal) => File::Refused(refusal),
    })
}

fn check(document: &Document, form: Form<'_>, minor: Minor) -> Result<(), Refusal> {
    check_kind(&document.root, form.kinds)?;
    match form.fields {
        Some((shape, decoder)) => strict::check(document, shape, decoder, minor),
        None => Ok(()),
    }
}

/// Refuses what is of none of these kinds and versions.
///
/// # Errors
///
/// The component's reason to end.
pub(super) fn check_kind(root: &Node, kinds: &[(&str, &[&str])]) -> Result<(), Refusal> {
    let refuse = |reason: String, at: &Node| Refusal::new(reason, Some(Arc::clone(&at.origin)));
    if matches!(root.content, Content::Null) {
        return Err(refuse(
            "it is empty: Object 'Kind' is missing".to_owned(),
            root,
        ));
    }
    if !matches!(root.content, Content::Map(_)) {
        let reason = format!(
            "couldn't get version/kind; json parse error: {} is no {}",
            root.go_kind(),
            kinds.first().map_or("object", |(kind, _)| kind)
        );
        return Err(refuse(reason, root));
    }
    // These two alone are found in any case.
    let said = |name: &str| match root.folded(name) {
        Some(Node {
            content: Content::String(text),
            origin,
            ..
        }) => (text.to_string_lossy(), Some(Arc::clone(origin))),
        _ => (String::new(), None),
    };
    let (version, at) = said("apiVersion");
    let (found, _) = said("kind");
    let is_known =
        |(kind, versions): &(&str, &[&str])| found == *kind && versions.contains(&version.as_str());
    if kinds.iter().any(is_known) {
        return Ok(());
    }
    let reason = if found.is_empty() {
        "Object 'Kind' is missing".to_owned()
    } else {
        format!("no kind {found:?} is registered for version {version:?}")
    };
    Err(Refusal::new(
        reason,
        at.or_else(|| Some(Arc::clone(&root.origin))),
    ))
}

/// Returns the last value that stands at `path`, if any.
pub(super) fn field<'n>(node: &'n Node, path: &str) -> Option<&'n Node> {
    let Content::Map(entries) = &node.content else {
        return None;
    };
    let (first, rest) = path
        .split_once('.')
        .map_or((path, None), |(first, rest)| (first, Some(rest)));
    let mut named = entries.iter().rev().filter(|entry| entry.key == first);
    match rest {
        None => named.next().map(|entry| &entry.node),
        Some(rest) => named.find_map(|entry| field(&entry.node, rest)),
    }
}

/// Reads a boolean; nothing where none is said.
///
/// # Errors
///
/// The component's reason to end: something else stands there.
pub(super) fn boolean(root: &Node, path: &str) -> Result<Option<Setting>, Refusal> {
    read(root, path, "bool", |content| match content {
        Content::Bool(value) => Some(Value::Bool(*value)),
        _ => None,
    })
}

/// Reads a text; nothing where none is said, or an empty one.
///
/// # Errors
///
/// The component's reason to end: something else stands there.
pub(super) fn text(root: &Node, path: &str) -> Result<Option<Setting>, Refusal> {
    let said = read(root, path, "string", |content| match content {
        Content::String(text) => Some(Value::String(text.clone())),
        _ => None,
    })?;
    Ok(said.filter(|setting| !setting.is_zero()))
}

fn read(
    root: &Node,
    path: &str,
    wanted: &str,
    value: impl Fn(&Content) -> Option<Value>,
) -> Result<Option<Setting>, Refusal> {
    let Some(node) = field(root, path) else {
        return Ok(None);
    };
    if matches!(node.content, Content::Null) {
        return Ok(None);
    }
    match value(&node.content) {
        Some(value) => Ok(Some(Setting::known(value, Arc::clone(&node.origin)))),
        None => Err(Refusal::new(
            format!(
                "json: cannot unmarshal {} into Go struct field {path} of type {wanted}",
                node.go_kind()
            ),
            Some(Arc::clone(&node.origin)),
        )),
    }
}

/// Returns the items of the list that stands at `path`; none where there is none.
pub(super) fn items<'n>(node: &'n Node, path: &str) -> &'n [Node] {
    match field(node, path).map(|found| &found.content) {
        Some(Content::List(items)) => items,
        _ => &[],
    }
}

/// Returns the text that stands at `path`; empty where there is none.
pub(super) fn word(node: &Node, path: &str) -> String {
    match field(node, path).map(|found| &found.content) {
        Some(Content::String(text)) => text.to_string_lossy(),
        _ => String::new(),
    }
}

/// Returns the struct that stands at `path`, if one does.
pub(super) fn block<'n>(node: &'n Node, path: &str) -> Option<&'n Node> {
    field(node, path).filter(|found| !matches!(found.content, Content::Null))
}

/// Returns the text of a setting, if it is known and not empty.
pub(super) fn known_text(setting: &Setting) -> Option<Bytes> {
    match setting.value() {
        Some(Value::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    }
}
