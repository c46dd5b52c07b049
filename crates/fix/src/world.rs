//! What a fix needs of the world besides the files that it writes; filled by the command line, and by tests.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
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

    /// Asks the API server that a kubeconfig of the node names whether it answers: as nobody, with nothing of that
    /// kubeconfig but its address and its authority. `None` where the network may not be asked.
    fn reach(&self, kubeconfig: &NodeKubeconfig<'_>) -> Option<Reach>;

    /// Returns whom a client certificate (DER) names: its common name and its organizations.
    ///
    /// # Errors
    ///
    /// A part of a sentence about "it".
    fn client_name(&self, certificate: &[u8]) -> Result<ClientName, String>;

    /// Returns whether one of `authorities` vouches now for `certificate` as a client's (all DER), as a kubelet would
    /// see it: an authority that has expired vouches for nobody.
    fn vouching(&self, certificate: &[u8], authorities: &[Vec<u8>]) -> Vouching;

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

    /// Returns whether the node's condition `Ready` is true, as its kubelet reported it at `since` or later: what was
    /// reported before says nothing of the one that runs now.
    ///
    /// # Errors
    ///
    /// Why it could not be told.
    fn is_ready(&self, node: &str, since: Timestamp) -> Result<bool, String>;

    /// Returns how many nodes of the control plane are `Ready` besides `node`, by the label
    /// `node-role.kubernetes.io/control-plane`.
    ///
    /// # Errors
    ///
    /// Why it could not be told; so also where `node` is none of them by that name.
    fn other_control_planes(&self, node: &str) -> Result<usize, String>;
}

/// A kubeconfig of the node.
pub struct NodeKubeconfig<'a> {
    /// Where it lies, as the node sees it.
    pub path: &'a Path,
    /// Its text.
    pub content: &'a [u8],
    /// Reads another file of the node that it names: that of the authority, and no other. The error is a part of a
    /// sentence about the file.
    pub read: &'a dyn Fn(&Path) -> Result<Vec<u8>, String>,
}

impl fmt::Debug for NodeKubeconfig<'_> {
    /// Shows where it lies, and nothing of its text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeKubeconfig")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Whether an API server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It does, with this status.
    Answered {
        /// Its address.
        server: String,
        /// The status.
        status: u16,
    },
    /// It does not: why.
    Silent {
        /// Its address.
        server: String,
        /// A sentence.
        why: String,
    },
    /// It could not be asked: a sentence.
    NotAsked(String),
}

/// Whom a client certificate names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientName {
    /// The user.
    pub user: String,
    /// The groups.
    pub groups: Vec<String>,
}

/// Whether authorities vouch for a client certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vouching {
    /// One of them does.
    Signed,
    /// None of them signed it.
    NotSigned,
    /// They do not: a part of a sentence about "it".
    Refused(String),
    /// It could not be told: a sentence.
    Unknown(String),
}
