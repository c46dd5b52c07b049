//! `kubeassay version`.

use serde::Serialize;

use crate::args::{TextFormat, Version};
use crate::exit::Exit;
use crate::output;
use crate::tool::tool;

/// What `version -o json` says.
#[derive(Serialize)]
struct Described {
    name: String,
    version: String,
    commit: Option<String>,
    /// The versions of Kubernetes whose behaviour is known.
    kubernetes: [String; 2],
    /// The schemas of the documents that are written and read.
    schemas: [&'static str; 2],
}

pub(crate) fn run(arguments: &Version) -> anyhow::Result<Exit> {
    use kubeassay_config::tables::Minor;
    let tool = tool();
    let described = Described {
        name: tool.name,
        version: tool.version,
        commit: tool.commit,
        kubernetes: [Minor::OLDEST.to_string(), Minor::NEWEST.to_string()],
        schemas: [
            kubeassay_core::facts::SCHEMA,
            kubeassay_core::report::SCHEMA,
        ],
    };
    let data = match arguments.output {
        TextFormat::Table => {
            let commit = described
                .commit
                .as_ref()
                .map(|commit| format!(" ({commit})"))
                .unwrap_or_default();
            let [oldest, newest] = &described.kubernetes;
            format!(
                "{} {}{commit}, for Kubernetes {oldest} to {newest}\n",
                described.name, described.version
            )
            .into_bytes()
        }
        format => super::document(&described, format)?,
    };
    output::print(&data)?;
    Ok(Exit::Success)
}
