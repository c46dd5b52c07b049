//! One module per command.

use serde::Serialize;

use crate::args::TextFormat;

pub(crate) mod apply;
pub(crate) mod collect;
pub(crate) mod config;
pub(crate) mod diff;
pub(crate) mod explain;
pub(crate) mod fix;
pub(crate) mod manifest;
pub(crate) mod publish;
pub(crate) mod render;
pub(crate) mod rollback;
pub(crate) mod rules;
pub(crate) mod scan;
pub(crate) mod shell;
pub(crate) mod transactions;
pub(crate) mod verify;
pub(crate) mod version;
pub(crate) mod waivers;

/// Returns a value as a JSON or YAML document; people's own format is each command's business.
fn document(value: &impl Serialize, format: TextFormat) -> anyhow::Result<Vec<u8>> {
    let mut data = Vec::new();
    match format {
        TextFormat::Yaml => kubeassay_report::yaml::write(value, &mut data)?,
        TextFormat::Json | TextFormat::Table => {
            serde_json::to_writer_pretty(&mut data, value)?;
            data.push(b'\n');
        }
    }
    Ok(data)
}

/// Returns a value that holds bytes of a host as a JSON or YAML document, harmless on a terminal too.
pub(crate) fn safe_document(value: &impl Serialize, format: TextFormat) -> anyhow::Result<Vec<u8>> {
    let mut data = Vec::new();
    match format {
        TextFormat::Yaml => kubeassay_report::yaml::write(value, &mut data)?,
        TextFormat::Json | TextFormat::Table => kubeassay_report::json::write(value, &mut data)?,
    }
    Ok(data)
}
