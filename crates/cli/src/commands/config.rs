//! `kubeassay config show`: each value that may be configured, with where it comes from and what it overrode.

use std::fmt::Write as _;

use clap::{ArgMatches, Command};
use kubeassay_core::configuration::KEYS;
use kubeassay_core::rule::RenderStyle;
use kubeassay_core::text;
use serde::Serialize;

use super::safe_document;
use crate::args::{ConfigShow, Global, TextFormat};
use crate::configuration::{Configuration, Layer, is_said};
use crate::exit::Exit;
use crate::messages::Messages;
use crate::output;

/// One key.
#[derive(Serialize)]
struct Shown {
    key: &'static str,
    #[serde(flatten)]
    layer: Layer,
    overrode: Vec<Layer>,
}

/// `command` is this command and `matches` what the user said with it.
pub(crate) fn show(
    arguments: &ConfigShow,
    command: Option<&Command>,
    matches: Option<&ArgMatches>,
    global: &Global,
    style: RenderStyle,
    messages: Messages,
) -> anyhow::Result<Exit> {
    let configuration = Configuration::find(global.config.as_deref(), style, messages)?;
    let mut shown = Vec::new();
    for key in KEYS {
        let mut layers = Vec::new();
        let mut known = command.into_iter().flat_map(Command::get_arguments);
        let argument = known.find(|argument| argument.get_long() == Some(key.flag));
        if let (Some(argument), Some(matches)) = (argument, matches)
            && is_said(matches, argument.get_id().as_str())
            // Its own format is not that of reports.
            && key.flag != "output"
        {
            let raw = matches.get_raw(argument.get_id().as_str());
            let value = raw.into_iter().flatten();
            let mut value: Vec<String> = value
                .map(|text| text.to_string_lossy().into_owned())
                .collect();
            if value.is_empty() {
                value.push("true".to_owned());
            }
            let origin = format!("--{}", key.flag);
            layers.push(Layer { value, origin });
        }
        layers.extend(configuration.layers(key)?);
        let usual = match key.flag {
            "fail-on" => &["unknown"][..],
            "output" => &["table"],
            "concurrency" => &["64"],
            "replace-rules" | "nodes-only" | "fail-on-new" => &["false"],
            _ => &[],
        };
        layers.push(Layer {
            value: usual.iter().map(|text| (*text).to_owned()).collect(),
            origin: "default".to_owned(),
        });
        let mut layers = layers.into_iter();
        if let Some(layer) = layers.next() {
            shown.push(Shown {
                key: key.path,
                layer,
                overrode: layers.collect(),
            });
        }
    }
    let data = match arguments.output {
        TextFormat::Table => page(&shown).into_bytes(),
        format => safe_document(&shown, format)?,
    };
    output::print(&data)?;
    Ok(Exit::Success)
}

fn page(shown: &[Shown]) -> String {
    let value = |layer: &Layer| {
        let texts = text::escape(&layer.value.join(", "));
        if !texts.is_empty() {
            texts
        } else if layer.origin == "default" {
            "-".to_owned()
        } else {
            "(in the file)".to_owned()
        }
    };
    let rows: Vec<[String; 3]> = shown
        .iter()
        .flat_map(|shown| {
            let own = [
                shown.key.to_owned(),
                value(&shown.layer),
                text::escape(&shown.layer.origin),
            ];
            let given = shown
                .overrode
                .iter()
                .filter(|layer| !layer.value.is_empty());
            let overrode = given.map(move |layer| {
                [
                    String::new(),
                    format!("overrode {}", value(layer)),
                    text::escape(&layer.origin),
                ]
            });
            std::iter::once(own).chain(overrode)
        })
        .collect();
    let head = ["KEY", "VALUE", "ORIGIN"].map(str::to_owned);
    let widest = |column: fn(&[String; 3]) -> &String| {
        let all = rows.iter().chain(std::iter::once(&head));
        all.map(|row| column(row).chars().count())
            .max()
            .unwrap_or(0)
    };
    let (keys, values) = (widest(|[key, _, _]| key), widest(|[_, value, _]| value));
    let mut page = String::new();
    for [key, value, origin] in std::iter::once(&head).chain(&rows) {
        // Writing to a text cannot fail.
        let _ = writeln!(page, "{key:keys$}  {value:values$}  {origin}");
    }
    page
}
