//! Addresses of API servers.

use std::fmt;

use kubeassay_core::text::escape;

use super::CredentialError;
use crate::http::Peer;

/// The address of an API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// A name, or an address without brackets.
    pub(crate) peer: Peer,
    /// What its paths begin with; empty, or beginning with `/` and not ending with it.
    pub(crate) prefix: String,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = format!("https://{}{}", self.peer.authority(), self.prefix);
        f.write_str(&escape(&address))
    }
}

impl Server {
    /// Reads `https://HOST[:PORT][/PATH]`; `what` says where it stands.
    pub(super) fn parse(text: &str, what: impl Fn() -> String) -> Result<Self, CredentialError> {
        let fail = |why| CredentialError::Server { what: what(), why };
        let Some(rest) = text.strip_prefix("https://") else {
            return Err(fail(
                "does not begin with https://; credentials are never sent over an unverified connection",
            ));
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(fail(
                "holds a user's name; put credentials into the user's entry",
            ));
        }
        let visible = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if !visible(rest) || path.contains(['?', '#']) {
            return Err(fail("is no address of a server"));
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => rest
                .split_once(']')
                .filter(|(_, rest)| rest.is_empty() || rest.starts_with(':'))
                .map(|(host, rest)| (host, rest.strip_prefix(':')))
                .ok_or_else(|| fail("has a bracket that is no address's"))?,
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        if host.is_empty() {
            return Err(fail("has no host"));
        }
        let port = match port {
            None => 443,
            Some(port) => port.parse().map_err(|_| fail("has a port that is none"))?,
        };
        Ok(Self {
            peer: Peer {
                host: host.to_owned(),
                port,
            },
            prefix: path.trim_end_matches('/').to_owned(),
        })
    }
}
