//! `kubeassay version`.

use kubeassay_engine::{PlatformDescription, Source};
use kubeassay_report::Style;
use kubeassay_report::platforms::{PlatformRow, write_platforms};
use serde::Serialize;

use crate::args::{Global, TextFormat, Version};
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

pub(crate) fn run(arguments: &Version, global: &Global) -> anyhow::Result<Exit> {
    use kubeassay_config::tables::Minor;
    if arguments.platforms {
        return platforms(arguments.output, global);
    }
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

/// Prints the platforms that are known.
fn platforms(format: TextFormat, global: &Global) -> anyhow::Result<Exit> {
    let platforms = kubeassay_engine::platforms();
    let data = match format {
        TextFormat::Table => {
            let rows: Vec<PlatformRow> = platforms
                .into_iter()
                .map(|platform| PlatformRow {
                    id: platform.id.to_owned(),
                    name: platform.name.to_owned(),
                    told_by: platform.told_by.clone(),
                    judged: platform.judged.to_owned(),
                    observed: !platform.documented,
                    known_by: known_by(&platform),
                    sources: platform.sources.iter().map(source).collect(),
                })
                .collect();
            let layout = output::layout(global, false);
            let style = Style {
                width: layout.width,
                colour: layout.colour,
            };
            let mut data = Vec::new();
            write_platforms(&rows, style, &mut data)?;
            data
        }
        format => super::document(&platforms, format)?,
    };
    output::print(&data)?;
    Ok(Exit::Success)
}

/// Returns by which captured hosts a platform is known, and how much of them was observed.
fn known_by(platform: &PlatformDescription) -> String {
    let hosts = &platform.hosts;
    let names: Vec<&str> = hosts.iter().map(|host| host.name).collect();
    let observed: u32 = hosts.iter().map(|host| host.observed).sum();
    let documented: u32 = hosts.iter().map(|host| host.documented).sum();
    format!(
        "{observed} of {} paths observed, in the captured hosts {}",
        observed + documented,
        names.join(", ")
    )
}

/// Returns a source with its version.
fn source(Source { page, version }: &Source) -> String {
    format!("{page} ({version})")
}
