//! The port without TLS that the controller manager and the scheduler served until 1.22.

use std::sync::Arc;

use kubeassay_core::{Cause, Value};

use super::builder::Builder;
use crate::setting::{Setting, Unknown};
use crate::settings::shared_default_origin;
use crate::tables::Minor;

/// The setting that says where plain HTTP is served; empty where it is not.
pub(super) const ADDRESS: &str = "derived.insecureAddress";

/// Returns the address of the insecure port, by `--port` and `--address`. In 1.23 both are there and do nothing.
pub(super) fn address(builder: &Builder<'_>) -> Setting {
    let none = || Setting::known(Value::string(""), shared_default_origin(builder.minor));
    if builder.minor >= Minor(23) {
        return none();
    }
    let port = builder.flag("port");
    match port.value() {
        Some(Value::Int(0)) => Setting {
            origin: Arc::clone(&port.origin),
            ..none()
        },
        Some(_) => builder.flag("address"),
        None => Builder::unknown(
            Unknown {
                cause: Cause::VersionUnknown,
                reason: format!(
                    "whether {} of {} serves plain HTTP where --port is not given is not known",
                    builder.component.as_str(),
                    builder.minor
                ),
                path: None,
            },
            Arc::clone(&port.origin),
        ),
    }
}
