//! What a check sees of a resolved kubelet.

use kubeassay_config::resolution::Resolution;
use kubeassay_config::setting::{Setting, State};
use kubeassay_core::rule::{Reading, Settings};
use kubeassay_core::{Cause, Value};

use crate::agreement::Agreement;
use crate::node::{self, NodeView};

/// The settings of a component under their names in checks (`kubelet.…`), and those of its node (`node.…`).
pub(crate) struct View<'a> {
    /// What it resolves to.
    pub(crate) resolution: &'a Resolution,
    /// Whether those who were asked agree.
    pub(crate) agreement: &'a Agreement,
    /// The node it runs on.
    pub(crate) node: &'a NodeView,
}

/// Returns the component's or the node's own name for a setting that a check calls `name`: `authorization.mode`.
pub(crate) fn below<'a>(name: &'a str, root: &str) -> Option<&'a str> {
    name.strip_prefix(root)?.strip_prefix('.')
}

impl Settings for View<'_> {
    fn read(&self, setting: &str) -> Reading {
        if let Some(path) = below(setting, node::ROOT) {
            let setting = self.node.setting(path);
            return setting.map_or(Reading::NoSuchSetting, |setting| reading(&setting));
        }
        let Some(path) = below(setting, self.resolution.component.root()) else {
            return Reading::NoSuchSetting;
        };
        match self.agreement.setting(path) {
            Some(Ok(value)) => return Reading::Value(value),
            Some(Err(unknown)) => {
                return Reading::Unknown {
                    cause: unknown.cause,
                    reason: unknown.reason,
                };
            }
            None => {}
        }
        self.resolution
            .whole(path)
            .map_or(Reading::NoSuchSetting, |setting| reading(&setting))
    }
}

/// Returns what a check gets of a setting.
pub(crate) fn reading(setting: &Setting) -> Reading {
    if let Some(unknown) = setting.unknown() {
        return Reading::Unknown {
            cause: unknown.cause,
            reason: unknown.reason.clone(),
        };
    }
    match (&setting.state, setting.value()) {
        (State::OneOf(values), _) => Reading::Unknown {
            cause: Cause::VersionUnknown,
            reason: match values.as_slice() {
                [] => "its default in this version is not known".to_owned(),
                values => format!("its default in this version is {}", any_of(values)),
            },
        },
        (_, Some(value)) => Reading::Value(value),
        (_, None) => Reading::Unknown {
            cause: Cause::VersionUnknown,
            reason: "a part of it is not known in this version".to_owned(),
        },
    }
}

fn any_of(values: &[Value]) -> String {
    values
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" or ")
}
