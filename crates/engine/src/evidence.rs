//! Evidence: the settings that a check read, each with its origin and the line it stands on.

use std::sync::Arc;

use jiff::Timestamp;
use kubeassay_config::excerpt;
use kubeassay_config::kubelet::Resolution;
use kubeassay_core::facts::{NeedKind, ProcessFacts};
use kubeassay_core::report::{Evidence, Overridden};
use kubeassay_core::{Bytes, Origin, OriginKind, Value, Witness};

/// Longer lines are cut: evidence is read by people.
const MAX_LINE: usize = 200;

/// Returns the evidence for the settings in `read`.
pub(crate) fn of(
    read: &[String],
    resolution: &Resolution,
    process: &ProcessFacts,
    observed_at: Timestamp,
) -> Vec<Evidence> {
    read.iter()
        .filter_map(|name| {
            let setting = resolution.setting(name.strip_prefix("kubelet.")?)?;
            Some(Evidence {
                setting: Some(name.clone()),
                file: None,
                object: None,
                response: None,
                value: setting.value().unwrap_or(Value::Null),
                witness: Witness::Disk,
                observed_at,
                origin: quoted(&setting.origin, process),
                overrode: setting
                    .overrode
                    .iter()
                    .map(|past| Overridden {
                        value: past.value.clone(),
                        origin: quoted(&past.origin, process),
                    })
                    .collect(),
            })
        })
        .collect()
}

/// Adds the line itself to an origin in a file. Secrets are already replaced in the facts.
pub(crate) fn quoted(origin: &Origin, process: &ProcessFacts) -> Origin {
    let mut origin = origin.clone();
    if origin.text.is_none()
        && matches!(origin.kind, OriginKind::File | OriginKind::DropIn)
        && let (Some(path), Some(line)) = (&origin.path, origin.line)
    {
        origin.text = line_of(process, path, line).map(Arc::new);
    }
    origin
}

fn line_of(process: &ProcessFacts, path: &Bytes, line: u32) -> Option<Bytes> {
    let file = process
        .files
        .iter()
        .find(|file| file.need.what == NeedKind::Content && file.need.path == *path)?;
    let text = excerpt::line(file.content.as_ref()?.as_slice(), line)?;
    let text = text.trim();
    Some(Bytes::from(text.chars().take(MAX_LINE).collect::<String>()))
}
