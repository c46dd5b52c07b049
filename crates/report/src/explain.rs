//! How a setting came to its value: every layer from the lowest to the highest, and which one won.

use std::io::Write;

use kubeassay_core::explanation::{Explanation, Layer, LayerState};
use kubeassay_core::{Origin, OriginKind};

use crate::describe::{describe_origin, subject_parts};
use crate::ink::Ink;
use crate::page::{Page, width};
use crate::{RenderError, Style};

/// Columns of the state's word.
const STATE: usize = 10;

/// Returns the ink of a state's word.
const fn ink(state: LayerState) -> Ink {
    match state {
        LayerState::Won => Ink::Good,
        LayerState::Unread => Ink::Doubt,
        LayerState::Overridden | LayerState::Silent | LayerState::Absent => Ink::Dim,
    }
}

/// Writes the explanation as a ladder, lowest layer first.
///
/// # Errors
///
/// When `out` does not take it.
pub fn write(
    explanation: &Explanation,
    style: Style,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    let mut page = Page::new(style);
    page.line(Ink::Strong, &explanation.setting);
    page.parts(Ink::Dim, &whose(explanation));
    page.gap();
    page.line(
        Ink::Dim,
        "Layers, lowest first; each overrides those above it:",
    );
    let names = name_column(&explanation.layers, &page);
    for layer in &explanation.layers {
        rung(layer, names, &mut page);
    }
    page.gap();
    let unread = explanation
        .layers
        .iter()
        .any(|layer| layer.state == LayerState::Unread);
    let effective = match &explanation.effective {
        Some(value) => value.to_string(),
        None if unread => "not known: a layer could not be read".to_owned(),
        None => "not known".to_owned(),
    };
    page.item(0, "effective", 11, (Ink::Strong, &effective));
    if let Some(line) = &explanation.verdict_line {
        page.item(0, "verdict", 11, (verdict_ink(line), line));
    }
    for (index, note) in explanation.notes.iter().enumerate() {
        page.item(
            0,
            if index == 0 { "note" } else { "" },
            11,
            (Ink::Plain, note),
        );
    }
    out.write_all(page.into_text().as_bytes())?;
    Ok(())
}

/// Returns the subject and its version, in parts.
fn whose(explanation: &Explanation) -> Vec<String> {
    let mut parts = subject_parts(&explanation.subject, true);
    if explanation.subject.in_pod {
        parts.push("in a pod".to_owned());
    }
    parts.push(match explanation.versions.as_slice() {
        [] => "version not known".to_owned(),
        [version] => format!("Kubernetes {version}"),
        versions => format!(
            "Kubernetes {} (could not be told apart)",
            versions.join(" or ")
        ),
    });
    parts
}

/// Writes one layer: its state, its name and value, then where that stands.
fn rung(layer: &Layer, names: usize, page: &mut Page) {
    let arrow = if layer.state == LayerState::Won {
        "> "
    } else {
        "  "
    };
    let state = format!("{arrow}{:STATE$}  ", layer.state.as_str());
    let below = if page.width() < 60 { 4 } else { width(&state) };
    let state = (ink(layer.state), state.as_str());
    let ink = if layer.state == LayerState::Won {
        Ink::Strong
    } else {
        Ink::Plain
    };
    let value = layer
        .value
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    if names > 0 {
        let name = format!("{:names$}  ", layer.name);
        page.hang(
            &[state, (Ink::Plain, &name)],
            (ink, &value),
            below + names + 2,
        );
    } else {
        page.hang(&[state], (Ink::Plain, &layer.name), below);
        if layer.value.is_some() {
            page.item(below, "", 0, (ink, &value));
        }
    }
    // The name of the layer of defaults says where they come from.
    if let Some(origin) = layer
        .origin
        .as_ref()
        .filter(|origin| origin.kind != OriginKind::Default)
    {
        place(origin, below, page);
    }
    if let Some(note) = &layer.note {
        page.item(below, "", 0, (Ink::Plain, note));
    }
}

/// Returns the column in which values stand below each other, after the layers' names; 0 where there is
/// no room for it.
fn name_column(layers: &[Layer], page: &Page) -> usize {
    let widest = layers
        .iter()
        .map(|layer| width(&layer.name))
        .max()
        .unwrap_or(0);
    if (STATE + 6 + widest) * 3 <= page.width() * 2 {
        widest
    } else {
        0
    }
}

/// Writes where a value stands, and the line itself.
fn place(origin: &Origin, indent: usize, page: &mut Page) {
    let words = describe_origin(origin);
    page.item(indent, "", 0, (Ink::Dim, &words));
    let text = origin
        .text
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    if !words.contains(text.trim()) {
        page.item(indent, "| ", 2, (Ink::Plain, text.trim()));
    }
}

fn verdict_ink(line: &str) -> Ink {
    match line.split([' ', ':']).next() {
        Some("FAIL") => Ink::Bad,
        Some("PASS") => Ink::Good,
        Some("UNKNOWN") => Ink::Doubt,
        _ => Ink::Plain,
    }
}
