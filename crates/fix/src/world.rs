//! What a fix needs of the world besides the files that it writes; filled by the command line, and by tests.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use kubeassay_core::facts::Facts;

use crate::services::Services;

/// The world around a fix.
pub trait World {
    /// Takes facts of the node, and asks its kubelets where that is allowed.
    ///
    /// # Errors
    ///
    /// A sentence that says why there are none.
    fn facts(&self) -> Result<Facts, String>;

    /// Returns the systemd of the node.
    fn services(&self) -> &dyn Services;

    /// Asks `GET /healthz` at an address of the node, without TLS; returns the status.
    ///
    /// # Errors
    ///
    /// A sentence that says why there is no answer.
    fn healthz(&self, address: SocketAddr) -> Result<u16, String>;

    /// Returns the API, where it may be asked.
    fn api(&self) -> Option<&dyn Api>;

    /// Returns the time.
    fn now(&self) -> Timestamp;

    /// Lets some time pass.
    fn wait(&self, time: Duration);

    /// Tells the user what is being done.
    fn say(&self, what: &str);
}

/// The Kubernetes API, as far as a fix asks it. Every error is a sentence for a person.
pub trait Api {
    /// Returns whether a user with these groups may do `verb` on `nodes/proxy` (`SubjectAccessReview`).
    ///
    /// # Errors
    ///
    /// Why it could not be told.
    fn may_use_nodes_proxy(
        &self,
        user: &str,
        groups: &[String],
        verb: &str,
    ) -> Result<bool, String>;

    /// Returns whether the node's condition `Ready` is true.
    ///
    /// # Errors
    ///
    /// Why it could not be told.
    fn is_ready(&self, node: &str) -> Result<bool, String>;

    /// Returns how many nodes of the control plane there are besides `node`, by the label
    /// `node-role.kubernetes.io/control-plane`.
    ///
    /// # Errors
    ///
    /// Why it could not be told.
    fn other_control_planes(&self, node: &str) -> Result<usize, String>;
}
