//! The kubelet's effective configuration, rebuilt the way the kubelet itself does.
//!
//! Layers, lowest first (`cmd/kubelet/app/server.go:NewKubeletCommand`): defaults (or the legacy defaults
//! where no `--config` is given); the `--config` file, which replaces them whole; the drop-ins of
//! `--config-dir`, merged differently by version; the flags, parsed again over the result.

mod dropins;
mod flag_layer;
mod gates;
mod live;
mod refusals;
mod serving;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;

use kubeassay_core::facts::{Need, ProcessFacts};
use kubeassay_core::{Bytes, Cause, Component, Origin, OriginKind, Value};

use crate::flags::{self, CommandLine};
use crate::node::{Content, Node};
use crate::path;
use crate::refusal::Refusal;
use crate::resolution::{Layer, Note, Resolution, Values, absent};
use crate::setting::{Setting, State, Unknown};
use crate::settings::{Defaults, Names, Settings, default_origin, default_state};
use crate::sources::{Files, Loaded};
use crate::tables::kubelet::KUBELET;
use crate::tables::{Minor, Target};

pub use crate::sources::{Documents, When};
pub use gates::names as gate_names;
pub use live::live;

/// The environment variable that 1.28 and 1.29 want to exist before they read drop-ins.
pub const DROP_IN_VARIABLE: &str = "KUBELET_CONFIG_DROPIN_DIR_ALPHA";

/// The settings of a kubelet.
#[derive(Clone, Debug)]
pub(crate) struct KubeletValues {
    /// The fields of the configuration.
    pub(crate) settings: Settings,
    /// The command line, for the flags without a field; `None` where nothing tells it.
    pub(crate) line: Option<CommandLine>,
}

impl KubeletValues {
    /// Returns a setting that is not an entry of a map.
    pub(crate) fn whole(&self, path: &str, minor: Minor) -> Option<Cow<'_, Setting>> {
        let absent = |zero| Cow::Owned(absent(zero, minor));
        if let Some(name) = path.strip_prefix("flags.") {
            let flag = KUBELET.flags.iter().find(|flag| flag.setting == name)?;
            return if !flag.presence.possibly(minor) {
                Some(absent(flag.kind.zero()))
            } else if flag.target(minor) == Target::Own {
                Some(Cow::Owned(match &self.line {
                    Some(line) => flags::own(line, flag, minor),
                    None => live::unsaid(flag.name, minor),
                }))
            } else {
                None
            };
        }
        if let Some(name) = path.strip_prefix("gates.") {
            return gates::enabled(name, &self.settings, minor).map(Cow::Owned);
        }
        if path == serving::CERTIFICATE {
            return serving::certificate(&self.settings).map(Cow::Owned);
        }
        let field = KUBELET.field(path)?;
        match self.settings.of(field) {
            Some(setting) => Some(Cow::Borrowed(setting)),
            None if field.presence.possibly(minor) => None,
            None => Some(absent(field.kind.zero())),
        }
    }
}

/// Returns the names of all settings of a kubelet that are fields of this version.
pub fn fields(minor: Minor) -> impl Iterator<Item = &'static str> {
    let fields = KUBELET.fields.iter();
    let fields = fields.filter(move |field| field.presence.possibly(minor));
    fields.map(|field| field.path)
}

/// Returns the compiled-in default of a field, where one is known: with a configuration file, or
/// (`legacy`) without one.
pub fn default_value(path: &str, minor: Minor, legacy: bool) -> Option<Value> {
    let field = KUBELET.field(path)?;
    let legacy = legacy && !field.legacy_defaults.is_empty();
    let spans = if legacy {
        field.legacy_defaults
    } else {
        field.defaults
    };
    let state = default_state(field, spans, minor)?;
    Setting {
        state,
        ..Setting::unset(default_origin(minor))
    }
    .value()
}

/// Resolves the configuration of a kubelet process in one version.
pub fn resolve(documents: &Documents<'_>, minor: Minor, when: When) -> Resolution {
    run(documents, minor, when, Purpose::Judging)
}

/// Resolves as far as it takes to name the files that are read next: what is not in the facts yet makes no
/// setting unknown, which would be the most of the work, and for nothing.
pub fn ask(documents: &Documents<'_>, minor: Minor, when: When) -> Asked {
    Asked::of(run(documents, minor, when, Purpose::Asking))
}

/// Resolves as far as it takes to name the files of its configuration, and not those that their settings name: for a version
/// that it is not known to be.
pub fn ask_for_configuration(documents: &Documents<'_>, minor: Minor, when: When) -> Asked {
    Asked::of(run(documents, minor, when, Purpose::Naming))
}

/// What a kubelet in one version reads beyond its facts.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Files that the facts do not hold yet.
    pub needs: Vec<Need>,
    /// Whether a file may have changed since the process started; if not, [`When::Now`] gives the same.
    pub stale: bool,
    /// Whether it would not start, so that what it would read after that was not asked for.
    pub refused: bool,
}

impl Asked {
    pub(crate) fn of(resolution: Resolution) -> Self {
        Self {
            needs: resolution.needs,
            stale: resolution.stale,
            refused: resolution.refusal.is_some(),
        }
    }
}

/// What a configuration is resolved for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Judging,
    Asking,
    Naming,
}

fn run(documents: &Documents<'_>, minor: Minor, when: When, purpose: Purpose) -> Resolution {
    let mut resolver = Resolver {
        process: documents.process,
        minor,
        purpose,
        files: Files::new(documents, when),
        settings: Settings::new(&KUBELET, minor),
        layers: Vec::new(),
        notes: Vec::new(),
        line: CommandLine::default(),
    };
    let refusal = resolver.run().err();
    resolver.finish(refusal)
}

struct Resolver<'a> {
    process: &'a ProcessFacts,
    minor: Minor,
    purpose: Purpose,
    files: Files<'a>,
    settings: Settings,
    layers: Vec<Layer>,
    notes: Vec<Note>,
    line: CommandLine,
}

impl Resolver<'_> {
    fn run(&mut self) -> Result<(), Refusal> {
        self.line = flags::parse(&self.process.argv, &KUBELET, self.minor)?;
        self.line.come_from(self.files.origins());
        self.main_file()?;
        self.drop_ins()?;
        if self.purpose == Purpose::Naming {
            return Ok(());
        }
        self.dynamic_configuration();
        self.apply_flags();
        self.fill_serving_certificate();
        self.refusals()
    }

    /// Layers 1 and 2: the defaults and the file.
    fn main_file(&mut self) -> Result<(), Refusal> {
        let Some((given, _)) = self.line.path("config") else {
            self.layers.push(Layer {
                name: "legacy defaults, because no --config is given".to_owned(),
                ..self.defaults_layer()
            });
            self.settings.apply_defaults(Defaults::Legacy);
            return Ok(());
        };
        let given = given.clone();
        self.layers.push(self.defaults_layer());
        let absolute = self.files.absolute(&given).map(|path| path::clean(&path));
        let shown = absolute.clone().unwrap_or_else(|| given.clone());
        let loaded = match absolute {
            Some(path) => match self.moved_folder(&path) {
                Some(unknown) => Loaded::Unknown(unknown),
                None => self.files.load(&path, OriginKind::File),
            },
            None => Loaded::Unknown(self.unknown_directory(&given)),
        };
        let unknown = match loaded {
            Loaded::Read(_) if self.purpose == Purpose::Naming => None,
            Loaded::Read(document) => {
                self.settings = self.decode_file(&document.root, &shown)?;
                None
            }
            Loaded::Unknown(unknown) if self.waits() => Some(unknown),
            Loaded::Unknown(unknown) => {
                let origin = Arc::new(Origin {
                    path: Some(Arc::new(shown.clone())),
                    ..Origin::new(OriginKind::File)
                });
                self.settings.forget(&unknown, &origin);
                Some(unknown)
            }
            Loaded::Refused(refusal) => {
                let reason = format!(
                    "failed to load kubelet config file {shown}: {}",
                    refusal.reason
                );
                return Err(Refusal { reason, ..refusal });
            }
        };
        self.layers.push(Layer {
            name: "--config".to_owned(),
            kind: OriginKind::File,
            path: Some(shown),
            unknown,
            note: None,
        });
        Ok(())
    }

    /// Up to 1.23 the cluster may replace what the file says by what it left under `--dynamic-config-dir`
    /// (gate `DynamicKubeletConfig`).
    fn dynamic_configuration(&mut self) {
        let given = self
            .line
            .path("dynamic-config-dir")
            .filter(|_| self.minor <= Minor(23));
        let Some((path, origin)) = given.map(|(path, origin)| (path.clone(), origin.clone()))
        else {
            return;
        };
        let unknown = Unknown {
            cause: Cause::Unsupported,
            reason: format!(
                "--dynamic-config-dir {path} lets the cluster put another configuration in the place of the file, and it is not read"
            ),
            path: Some(path.clone()),
        };
        self.settings.forget(&unknown, &origin);
        self.layers.push(Layer {
            name: "--dynamic-config-dir".to_owned(),
            kind: OriginKind::File,
            path: Some(path),
            unknown: Some(unknown),
            note: None,
        });
    }

    /// Returns whether files are asked for without which no setting is worth working out.
    fn waits(&self) -> bool {
        self.purpose != Purpose::Judging && self.files.unread
    }

    fn defaults_layer(&self) -> Layer {
        Layer {
            name: format!("defaults of {}", self.minor),
            kind: OriginKind::Default,
            path: None,
            unknown: None,
            note: None,
        }
    }

    /// Returns why the folders on the way to `path` may be others than at the start of the process.
    fn moved_folder(&mut self, path: &Bytes) -> Option<Unknown> {
        let flag = KUBELET.flag("root-dir")?;
        let root = match self.own_flag(flag).value() {
            Some(Value::String(root)) => self.files.absolute(&root).unwrap_or(root),
            _ => return None,
        };
        self.files.moved_folder(path, &path::clean(&root))
    }

    fn unknown_directory(&self, path: &Bytes) -> Unknown {
        Unknown {
            cause: Cause::Denied,
            reason: format!(
                "{path} is relative, and the working directory of process {} could not be read",
                self.process.pid
            ),
            path: Some(path.clone()),
        }
    }

    /// Decodes a whole configuration file: its own defaults included, relative paths resolved.
    fn decode_file(&self, document: &Node, path: &Bytes) -> Result<Settings, Refusal> {
        check_kind(document)?;
        let mut settings = Settings::new(&KUBELET, self.minor);
        settings.decode(document, Names::Exact)?;
        settings.apply_defaults(Defaults::File);
        merge_default_evictions(&mut settings, self.minor);
        resolve_relative_paths(&mut settings, &path::parent(path), self.minor);
        Ok(settings)
    }

    fn finish(mut self, refusal: Option<Refusal>) -> Resolution {
        if self.minor >= Minor(31) {
            driver_from_runtime(&mut self.settings, self.minor);
        }
        let mut needs = self.files.needs;
        needs.dedup();
        Resolution {
            component: Component::Kubelet,
            minor: self.minor,
            values: Values::Kubelet(Box::new(KubeletValues {
                settings: self.settings,
                line: Some(self.line),
            })),
            refusal,
            layers: self.layers,
            notes: self.notes,
            needs,
            stale: self.files.stale,
        }
    }
}

/// Refuses a document that is not of the kind and version that the kubelet knows.
fn check_kind(document: &Node) -> Result<(), Refusal> {
    let origin = Some(document.origin.clone());
    let text = |key: &str| match document.folded(key).map(|node| &node.content) {
        None | Some(Content::Null) => Ok(None),
        Some(Content::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        Some(_) => Err(Refusal::new(
            "failed to decode: couldn't get version/kind; json parse error",
            origin.clone(),
        )),
    };
    let (kind, version) = (text("kind")?, text("apiVersion")?);
    let (Some(kind), Some(version)) = (&kind, &version) else {
        let key = if kind.is_none() { "Kind" } else { "apiVersion" };
        return Err(Refusal::new(
            format!("failed to decode: Object '{key}' is missing"),
            origin,
        ));
    };
    if *kind == "KubeletConfiguration" && *version == "kubelet.config.k8s.io/v1beta1" {
        return Ok(());
    }
    Err(Refusal::new(
        format!("failed to decode: no kind \"{kind}\" is registered for version \"{version}\""),
        origin,
    ))
}

/// With `mergeDefaultEvictionSettings` (1.33 and later) the file's thresholds are added to the defaults
/// (`server.go:loadConfigFile`).
fn merge_default_evictions(settings: &mut Settings, minor: Minor) {
    let wanted = settings
        .get("mergeDefaultEvictionSettings")
        .and_then(Setting::value);
    let Some(field) = KUBELET
        .field("evictionHard")
        .filter(|_| wanted == Some(Value::Bool(true)))
    else {
        return;
    };
    let Some(State::Entries(defaults)) = default_state(field, field.defaults, minor) else {
        return;
    };
    if let State::Entries(entries) = &mut settings.entry(field).state {
        for (signal, threshold) in defaults {
            entries.entry(signal).or_insert(threshold);
        }
    }
}

/// Paths in the main file that are relative to the folder of the file
/// (`pkg/kubelet/apis/config/helpers.go:KubeletConfigurationPathRefs`).
fn resolve_relative_paths(settings: &mut Settings, folder: &Bytes, minor: Minor) {
    const PATHS: [&str; 6] = [
        "staticPodPath",
        "authentication.x509.clientCAFile",
        "tlsCertFile",
        "tlsPrivateKeyFile",
        "resolvConf",
        "volumePluginDir",
    ];
    let logs = (minor >= Minor(30)).then_some("podLogsDir");
    for field in PATHS
        .iter()
        .copied()
        .chain(logs)
        .filter_map(|path| KUBELET.field(path))
    {
        if let State::Known(Value::String(text)) = &mut settings.entry(field).state
            && !text.is_empty()
            && !text.as_slice().starts_with(b"/")
        {
            *text = path::join(folder, text);
        }
    }
}

/// From 1.31 the container runtime is asked for the cgroup driver, and its answer wins
/// (gate `KubeletCgroupDriverFromCRI`).
fn driver_from_runtime(settings: &mut Settings, minor: Minor) {
    let Some(field) = KUBELET
        .field("cgroupDriver")
        .filter(|field| settings.of(field).is_some())
    else {
        return;
    };
    let unknown = Unknown {
        cause: Cause::Unsupported,
        reason: "the container runtime is asked for the cgroup driver, and its answer wins"
            .to_owned(),
        path: None,
    };
    let origin = Origin {
        name: Some(Arc::from("container runtime")),
        ..default_origin(minor)
    };
    settings.entry(field).replace(Setting {
        state: State::Unknown(Arc::new(unknown)),
        ..Setting::unset(origin)
    });
}
