//! What is known of a node beyond its components, and what judging needs for it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use kubeassay_config::setting::{Setting, Unknown};
use kubeassay_core::facts::{Facts, Need};
use kubeassay_core::rule::SettingType;
use kubeassay_core::{Cause, Component, Origin, OriginKind, Value};

use crate::files;
use crate::files::Configured;
use crate::instances::Instance;
use crate::manifests::{Manifests, Progress};
use crate::platforms::{self, Detected};

/// The name that its settings start with in a check.
pub(crate) const ROOT: &str = "node";

/// Returns what tells the files of the node that are no single process's and are not in its facts yet: the manifests of
/// static pods, the files of the roles that rules are about, and what platforms are told by.
///
/// `facts` hold all processes and services already: what follows from them alone is worked out once, however often
/// is asked then. The files of `facts` may only grow from one time to the next.
pub fn needs_of_node(facts: &Facts) -> impl FnMut(&Facts) -> Vec<Need> + use<> {
    let configured = Configured::of(facts);
    let mut progress = Progress::default();
    move |facts| {
        let manifests = Manifests::further(&mut progress, facts, &configured);
        let mut needs = manifests.needs.clone();
        needs.extend(platforms::needs(facts));
        // What a manifest will start decides which files play a role.
        if needs.is_empty() {
            needs.extend(files::needs(facts, &manifests, &configured));
        }
        needs
    }
}

/// Returns the settings of a node, with their types.
pub(crate) fn named() -> Vec<(&'static str, SettingType)> {
    vec![
        ("platform", SettingType::String),
        ("controlPlane", SettingType::Bool),
        (
            "clientCaKeys",
            SettingType::List(Box::new(SettingType::String)),
        ),
    ]
}

/// A node as checks see it: `node.platform` and the like, whatever their subject.
#[derive(Clone, Debug, Default)]
pub(crate) struct NodeView {
    settings: BTreeMap<&'static str, Setting>,
}

impl NodeView {
    /// Returns what is known of a node of the platform that was detected, whose components other than kubelets are
    /// `instances`.
    pub(crate) fn of(instances: &[Instance<'_>], detected: &Detected) -> Self {
        let told = |value| Setting::known(value, Origin::new(OriginKind::File));
        let own = |component| {
            instances
                .iter()
                .filter(move |one| one.component == component && !one.subject.in_pod)
        };
        let control_plane = own(Component::ApiServer).next().is_some();
        let id = detected.platform.map_or("", |platform| platform.id);
        let platform = Setting::known(
            Value::string(id),
            Origin {
                path: detected.evidence.first().cloned().map(Arc::new),
                ..Origin::new(OriginKind::File)
            },
        );
        let settings = BTreeMap::from([
            ("platform", platform),
            ("controlPlane", told(Value::Bool(control_plane))),
            ("clientCaKeys", client_ca_keys(own(Component::ApiServer))),
        ]);
        Self { settings }
    }

    /// Returns a setting by its name below [`ROOT`].
    pub(crate) fn setting(&self, path: &str) -> Option<Cow<'_, Setting>> {
        self.settings.get(path).map(Cow::Borrowed)
    }
}

/// Returns the public keys of the authorities whose client certificates the node's API server accepts.
fn client_ca_keys<'a>(servers: impl Iterator<Item = &'a Instance<'a>>) -> Setting {
    let mut said = servers.filter_map(|server| {
        let resolution = server.running.last()?;
        resolution
            .setting("derived.clientCaKeys")
            .map(Cow::into_owned)
    });
    match (said.next(), said.next()) {
        (Some(only), None) => only,
        (first, second) => {
            let reason = if first.is_none() && second.is_none() {
                "no API server was found on this node, so which certificates it accepts is not known"
            } else {
                "several API servers run on this node"
            };
            unknown(Unknown {
                cause: if second.is_some() {
                    Cause::Conflict
                } else {
                    Cause::Missing
                },
                reason: reason.to_owned(),
                path: None,
            })
        }
    }
}

fn unknown(unknown: Unknown) -> Setting {
    Setting {
        state: kubeassay_config::setting::State::Unknown(Arc::new(unknown)),
        ..Setting::unset(Origin::new(OriginKind::File))
    }
}
