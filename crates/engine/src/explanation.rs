//! How each kubelet of a node comes to the value of one setting.

use kubeassay_config::embedded::is_given;
use kubeassay_config::kubelet::default_value;
use kubeassay_config::resolution::{Layer as Source, Resolution};
use kubeassay_config::setting::Setting;
use kubeassay_config::tables::Minor;
use kubeassay_core::explanation::{Explanation, Layer, LayerState};
use kubeassay_core::facts::{Facts, FileFacts, ProcessFacts};
use kubeassay_core::{Component, Origin, OriginKind, Value};

use crate::components;
use crate::embedded;
use crate::evidence::quoted;
use crate::files::Configured;
use crate::instances::{Instance, Restart};
use crate::manifests::Manifests;
use crate::version;
use crate::witnesses::{Live, Probe};
use crate::{kubelets, services};

/// Explains `setting` (`kubelet.…`, `apiserver.…`) for every component in the facts that has it; versions that come to
/// it the same way are explained once.
pub fn explain(setting: &str, facts: &Facts, said: Option<Minor>) -> Vec<Explanation> {
    let Some((root, path)) = setting.split_once('.') else {
        return Vec::new();
    };
    // What runs inside a distribution's program has layers too: those of the program.
    let inside = embedded::find(facts, said).found;
    let explain_inside = || {
        let own = inside.iter();
        let own = own.filter(|instance| instance.component.root() == root);
        own.flat_map(|instance| explain_instance(setting, path, instance))
    };
    if root != Component::Kubelet.root() {
        let manifests = Manifests::of(facts, &Configured::of(facts));
        let mut found = components::find(facts, &manifests, said).found;
        found.retain(|instance| instance.component.root() == root);
        for instance in &mut found {
            services::work_out_the_next_start(instance, facts, said);
        }
        return found
            .iter()
            .flat_map(|instance| explain_instance(setting, path, instance))
            .chain(explain_inside())
            .collect();
    }
    let mut kubelets = kubelets::find(facts, said);
    for kubelet in &mut kubelets.found {
        services::work_out_the_next_start(kubelet, facts, said);
    }
    kubelets
        .found
        .iter()
        .flat_map(|kubelet| explain_instance(setting, path, kubelet))
        .chain(explain_inside())
        .collect()
}

fn explain_instance(setting: &str, path: &str, instance: &Instance<'_>) -> Vec<Explanation> {
    let mut explained: Vec<(Vec<Minor>, Explanation)> = Vec::new();
    // Where no process was looked at, what it says of itself, or will be, is all there is.
    let first = match (&instance.live, &instance.restart) {
        _ if instance.process.is_some() => &instance.running,
        (Some(Live { said: Ok(said), .. }), _) => said,
        (_, Restart::Service { resolutions, .. }) => resolutions,
        _ => &instance.running,
    };
    for resolution in first {
        let one = explain_resolution(setting, path, instance, resolution);
        let same = |known: &Explanation| {
            known.effective == one.effective
                && known.notes == one.notes
                && known.layers.len() == one.layers.len()
                && known
                    .layers
                    .iter()
                    .zip(&one.layers)
                    .all(|(a, b)| a.state == b.state && a.value == b.value)
        };
        match explained.iter_mut().find(|(_, known)| same(known)) {
            Some((minors, _)) => minors.push(resolution.minor),
            None => explained.push((vec![resolution.minor], one)),
        }
    }
    explained
        .into_iter()
        .map(|(minors, mut explanation)| {
            explanation.versions = vec![version::shown(&minors)];
            explanation
        })
        .collect()
}

fn explain_resolution(
    setting: &str,
    path: &str,
    instance: &Instance<'_>,
    resolution: &Resolution,
) -> Explanation {
    let found = resolution.setting(path);
    let found = found.as_deref();
    let mut said = found
        .map(|found| {
            sayings(
                found,
                instance.process.map_or(&[], |process| &process.files),
            )
        })
        .unwrap_or_default();
    let legacy = !resolution
        .layers
        .iter()
        .any(|layer| layer.kind == OriginKind::File);
    let mut layers: Vec<Layer> = resolution
        .layers
        .iter()
        .map(|source| match layer(source, &mut said) {
            // A default that a file came before is still what would hold without the file.
            Layer {
                state: LayerState::Silent,
                name,
                note,
                ..
            } if source.kind == OriginKind::Default => {
                let value = match resolution.component {
                    Component::Kubelet => default_value(path, resolution.minor, legacy),
                    _ => None,
                };
                let state = if value.is_some() {
                    LayerState::Overridden
                } else {
                    LayerState::Silent
                };
                Layer {
                    name,
                    state,
                    value,
                    origin: None,
                    note,
                }
            }
            layer => layer,
        })
        .collect();
    let program = instance.process;
    if let Some(program) = program.filter(|one| one.component == Component::Distribution) {
        // It has no command line: its arguments come from the program's own files and what that gives.
        layers.retain(|layer| layer.state != LayerState::Silent || !is_command_line(layer));
        given_by(program, instance.component, &mut said, &mut layers);
    }
    // What no layer claims (a value derived from others) stands on its own.
    layers.extend(said.into_iter().rev().map(|saying| {
        let (_, _, origin) = &saying;
        let name = origin.name.as_deref().unwrap_or("derived").to_owned();
        said_in(name, saying)
    }));
    let mut notes: Vec<String> = resolution
        .notes
        .iter()
        .map(|note| note.reason.clone())
        .collect();
    if let Some(unknown) = found.and_then(Setting::unknown) {
        notes.insert(0, format!("not known: {}", unknown.reason));
    }
    if let Some(refusal) = &resolution.refusal {
        notes.insert(
            0,
            // The versions stand above: those that come to the same are explained once.
            format!(
                "{} would refuse to start with this: {}",
                resolution.component, refusal.reason
            ),
        );
    }
    notes.extend(witnesses(path, instance, resolution.minor));
    Explanation {
        setting: setting.to_owned(),
        subject: instance.subject.clone(),
        versions: Vec::new(),
        layers,
        // What it says of itself is what it enforces.
        effective: of_itself(path, instance, resolution.minor).or_else(|| found?.value()),
        verdict_line: None,
        notes,
    }
}

/// Returns the value that the kubelet itself says a setting has, if it was asked and answered.
fn of_itself(path: &str, instance: &Instance<'_>, minor: Minor) -> Option<Value> {
    let said = instance.live.as_ref()?.said.as_ref().ok()?;
    let mut resolutions = said.iter();
    let same = resolutions.find(|one| one.minor == minor);
    same.or_else(|| said.first())?.setting(path)?.value()
}

/// Returns what the next start, the kubelet itself and others say of a setting, a line each.
fn witnesses(path: &str, instance: &Instance<'_>, minor: Minor) -> Vec<String> {
    let of = |resolutions: &[Resolution]| {
        let mut resolutions = resolutions.iter();
        let same = resolutions.clone().find(|one| one.minor == minor);
        let setting = same.or_else(|| resolutions.next())?.setting(path)?;
        let value = setting.value().map_or_else(
            || {
                setting.unknown().map_or_else(String::new, |unknown| {
                    format!("not known: {}", unknown.reason)
                })
            },
            |value| value.to_string(),
        );
        Some((value, setting.origin.clone()))
    };
    let mut notes = Vec::new();
    match &instance.restart {
        Restart::Same => {}
        Restart::Arguments(_) => notes.push(
            "a file changed since the process started: the next start may come to another value"
                .to_owned(),
        ),
        Restart::Service { resolutions, .. } => {
            notes.extend(of(resolutions).map(|(value, origin)| {
                let place = match (&origin.path, origin.line) {
                    (Some(path), Some(line)) => format!(" ({path}:{line})"),
                    _ => String::new(),
                };
                format!("the next start: {value}{place}")
            }));
        }
        Restart::Unknown(unknown) => {
            notes.push(format!("the next start: not known: {}", unknown.reason));
        }
    }
    match instance.live.as_ref().map(|live| &live.said) {
        None => {}
        Some(Ok(said)) => {
            notes.extend(of(said).map(|(value, _)| format!("/configz says: {value}")));
        }
        Some(Err(unknown)) => notes.push(format!("/configz said nothing: {}", unknown.reason)),
    }
    let read = [format!("kubelet.{path}")];
    let probe = instance.probe.iter().filter(|probe| probe.concerns(&read));
    notes.extend(probe.flat_map(Probe::answers));
    notes
}

/// Adds what a distribution's program gives to a component inside, and the program's files, lowest first.
fn given_by(
    program: &ProcessFacts,
    component: Component,
    said: &mut Vec<Saying>,
    layers: &mut Vec<Layer>,
) {
    let mut take = |wanted: &dyn Fn(&Origin) -> bool| {
        let at = said.iter().position(|(_, _, origin)| wanted(origin))?;
        Some(said.remove(at))
    };
    if let Some(saying) = take(&is_given) {
        let version = saying.2.version.clone().unwrap_or_default();
        let at = layers.len().min(1);
        layers.insert(at, said_in(format!("what {version} gives"), saying));
    }
    for path in embedded::read_by(program, component) {
        let name = path.to_string();
        let of_file = |origin: &Origin| origin.path.as_deref() == Some(&path);
        layers.push(match take(&of_file) {
            Some(saying) => said_in(name, saying),
            None => Layer {
                name,
                state: LayerState::Silent,
                value: None,
                origin: None,
                note: None,
            },
        });
    }
}

/// Returns the layer in which something was said.
fn said_in(name: String, (won, value, origin): Saying) -> Layer {
    let state = if won {
        LayerState::Won
    } else {
        LayerState::Overridden
    };
    Layer {
        name,
        state,
        value,
        origin: Some(origin),
        note: None,
    }
}

/// Returns whether a layer is the arguments of a process.
fn is_command_line(layer: &Layer) -> bool {
    layer.name == "command line"
}

/// What was said of a setting: whether it won, the value, where.
type Saying = (bool, Option<Value>, Origin);

fn sayings(setting: &Setting, files: &[FileFacts]) -> Vec<Saying> {
    let winner = (true, setting.value(), quoted(&setting.origin, files));
    let losers = setting
        .overrode
        .iter()
        .map(|past| (false, Some(past.value.clone()), quoted(&past.origin, files)));
    std::iter::once(winner).chain(losers).collect()
}

/// Describes a source, taking what it said out of `said`.
fn layer(source: &Source, said: &mut Vec<Saying>) -> Layer {
    let belongs = |(_, _, origin): &Saying| {
        // An argument is one, wherever a service takes it from.
        let kind = match origin.kind {
            OriginKind::Unit | OriginKind::Environment => OriginKind::Flag,
            kind => kind,
        };
        kind == source.kind
            && !is_given(origin)
            && (kind == OriginKind::Default
                || kind == OriginKind::Flag
                || origin.path.as_deref() == source.path.as_ref())
    };
    let mine = said.iter().position(belongs).map(|at| said.remove(at));
    // A layer that said it more than once is shown with what came of it last.
    said.retain(|saying| !belongs(saying) || saying.0);
    let name = source.path.as_ref().map_or_else(
        || source.name.clone(),
        |path| format!("{} {path}", source.name),
    );
    let blank = Layer {
        name,
        state: LayerState::Silent,
        value: None,
        origin: None,
        note: source.note.clone(),
    };
    if let Some(unknown) = &source.unknown {
        return Layer {
            state: LayerState::Unread,
            note: Some(unknown.reason.clone()),
            ..blank
        };
    }
    match mine {
        Some((won, value, origin)) => {
            let state = if won {
                LayerState::Won
            } else {
                LayerState::Overridden
            };
            Layer {
                state,
                value,
                origin: Some(origin),
                ..blank
            }
        }
        None => blank,
    }
}
