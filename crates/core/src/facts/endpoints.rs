//! Facts of endpoints: what a kubelet answered over the network.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Trouble;
use crate::bytes::Bytes;

/// An endpoint of a kubelet that was asked, and what it answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EndpointFacts {
    /// The process that it was asked for; null where no process was looked at.
    #[serde(default)]
    pub pid: Option<u32>,
    /// Host and port, such as `10.0.0.7:10250`.
    pub address: String,
    /// How it was reached.
    pub via: Via,
    /// SHA-256 of the certificate that it showed, in hexadecimal; null without TLS, or where none was shown.
    #[serde(default)]
    pub certificate: Option<String>,
    /// Why that certificate was trusted; null where it was not.
    #[serde(default)]
    pub trusted: Option<Trust>,
    /// The requests, in the order in which they were made.
    #[serde(default)]
    pub responses: Vec<Response>,
}

/// How an endpoint was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// By a connection to the kubelet itself.
    Direct,
    /// Through the API server's `nodes/proxy`.
    ApiServer,
}

/// Why a certificate was trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// It is, byte for byte, the one that the process serves by its own configuration.
    Served,
    /// An authority that was given (or the cluster's, which signs kubelets) signed it for this address.
    Authority,
    /// Its digest was given for this node.
    Pin,
}

/// One request, and what came back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Response {
    /// What was asked for.
    pub request: Request,
    /// As whom.
    pub identity: Identity,
    /// The whole address, such as `https://10.0.0.7:10250/configz`.
    pub url: String,
    /// When.
    pub asked: Timestamp,
    /// The status of the answer; null where there was none.
    #[serde(default)]
    pub status: Option<u16>,
    /// Whether the cluster's RBAC grants an unprivileged identity what it asked for; null where that was not
    /// asked, or plays no part.
    #[serde(default)]
    pub granted: Option<bool>,
    /// The body of a `/configz` that was answered with 200, secrets replaced by their digest. No other body is read.
    #[serde(default)]
    pub content: Option<Bytes>,
    /// Why there is no answer, or none that could be used.
    #[serde(default)]
    pub problem: Option<Trouble>,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// `/configz`: the kubelet's live configuration.
    Configz,
    /// `/pods`, which has to be refused.
    Pods,
    /// `/pods` of the read-only port, which should not be open.
    ReadOnlyPods,
}

/// As whom a request was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// Without credentials.
    Nobody,
    /// As somebody who should be refused.
    Unprivileged,
    /// With a client certificate that was given or found.
    Certificate,
    /// With a bearer token that was given or found.
    Token,
}
