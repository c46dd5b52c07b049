//! Evidence: the settings that a check read, each with its origin and the line it stands on.

use std::sync::Arc;

use jiff::Timestamp;
use kubeassay_config::excerpt;
use kubeassay_config::resolution::Resolution;
use kubeassay_core::facts::{FileFacts, NeedKind};
use kubeassay_core::report::{Evidence, Overridden};
use kubeassay_core::{Bytes, Origin, OriginKind, Value, Witness};

use crate::agreement::Agreement;
use crate::node::{self, NodeView};
use crate::view::below;

/// Longer lines are cut: evidence is read by people.
const MAX_LINE: usize = 200;

/// Who said something, when, and the files that it may be quoted from.
#[derive(Clone, Copy)]
pub(crate) struct Speaker<'a> {
    pub(crate) witness: Witness,
    pub(crate) observed_at: Timestamp,
    pub(crate) files: &'a [FileFacts],
    /// Whether it and the others agree.
    pub(crate) agreement: &'a Agreement,
    /// The node they are about.
    pub(crate) node: &'a NodeView,
}

/// Returns the evidence for the settings in `read`.
pub(crate) fn of(read: &[String], resolution: &Resolution, speaker: Speaker<'_>) -> Vec<Evidence> {
    let Speaker {
        witness,
        observed_at,
        files,
        ..
    } = speaker;
    read.iter()
        .filter_map(|name| {
            let setting = match below(name, node::ROOT) {
                Some(path) => speaker.node.setting(path)?,
                None => resolution.setting(below(name, resolution.component.root())?)?,
            };
            Some(Evidence {
                setting: Some(name.clone()),
                file: None,
                object: None,
                response: None,
                value: setting.value().unwrap_or(Value::Null),
                witness,
                observed_at,
                origin: quoted(&setting.origin, files),
                overrode: setting
                    .overrode
                    .iter()
                    .map(|past| Overridden {
                        value: past.value.clone(),
                        origin: quoted(&past.origin, files),
                    })
                    .collect(),
            })
        })
        .collect()
}

/// Adds the line itself to an origin in a file. Secrets are already replaced in the facts.
pub(crate) fn quoted(origin: &Origin, files: &[FileFacts]) -> Origin {
    let mut origin = origin.clone();
    if origin.text.is_none()
        && matches!(
            origin.kind,
            OriginKind::File
                | OriginKind::DropIn
                | OriginKind::Unit
                | OriginKind::Environment
                | OriginKind::Manifest
        )
        && let (Some(path), Some(line)) = (&origin.path, origin.line)
    {
        origin.text = line_of(files, path, line).map(Arc::new);
    }
    origin
}

fn line_of(files: &[FileFacts], path: &Bytes, line: u32) -> Option<Bytes> {
    let file = files
        .iter()
        .find(|file| file.need.what == NeedKind::Content && file.need.path == *path)?;
    let text = excerpt::line(file.content.as_ref()?.as_slice(), line)?;
    let text = text.trim();
    Some(Bytes::from(text.chars().take(MAX_LINE).collect::<String>()))
}
