//! What a check sees of a resolved kubelet.

use kubeassay_config::resolution::Resolution;
use kubeassay_config::setting::{Setting, State};
use kubeassay_core::rule::{Reading, Settings};
use kubeassay_core::{Cause, Value};

use crate::agreement::Agreement;

/// The settings of a kubelet under their names in checks (`kubelet.…`).
pub(crate) struct View<'a> {
    /// What it resolves to.
    pub(crate) resolution: &'a Resolution,
    /// Whether those who were asked agree.
    pub(crate) agreement: &'a Agreement,
}

impl Settings for View<'_> {
    fn read(&self, setting: &str) -> Reading {
        let Some(path) = setting.strip_prefix("kubelet.") else {
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

fn reading(setting: &Setting) -> Reading {
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
