//! What this program says of itself.

use kubeassay_core::facts::Tool;

/// Returns name, version and, where the build knew it, the commit.
pub(crate) fn tool() -> Tool {
    Tool {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: option_env!("KUBEASSAY_COMMIT").map(str::to_owned),
    }
}
