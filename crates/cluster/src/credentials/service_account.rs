//! The `ServiceAccount` of the pod that kubeassay runs in.

use std::ffi::OsStr;
use std::io;

use super::files::{LARGEST_FILE, read, read_token, shown};
use super::{Connection, CredentialError, Environment, Server};
use crate::identity::ClientIdentity;
use crate::tls::Authorities;

/// Where a pod has its `ServiceAccount` ("Accessing the Kubernetes API from a Pod" of the documentation).
pub(super) const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Returns the connection of a pod to its own cluster; nothing if this is no pod.
pub(super) fn own_service_account(
    identity: Option<(ClientIdentity, String)>,
    environment: &Environment,
    mut warnings: Vec<String>,
) -> Result<Option<Connection>, CredentialError> {
    let variable = |name| environment.get(name).and_then(OsStr::to_str);
    let (Some(host), Some(port)) = (
        variable("KUBERNETES_SERVICE_HOST"),
        variable("KUBERNETES_SERVICE_PORT"),
    ) else {
        return Ok(None);
    };
    let folder = &environment.service_account;
    let ca = folder.join("ca.crt");
    let pem = match read(&ca, LARGEST_FILE) {
        // A pod without a ServiceAccount mounted.
        Err(CredentialError::Read { error, .. }) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(None);
        }
        read => read?,
    };
    let authorities = Authorities::from_pem(&pem).map_err(|error| CredentialError::Authority {
        what: shown(&ca),
        error,
    })?;
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    let what = || "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT".to_owned();
    let server = Server::parse(&format!("https://{host}:{port}"), what)?;
    if !server.prefix.is_empty() {
        return Err(CredentialError::Server {
            what: what(),
            why: "has more than a host and a port",
        });
    }
    let own = "the pod's own ServiceAccount";
    let (identity, token_file, source) = if let Some((identity, from)) = identity {
        (identity, None, format!("{own}'s cluster, {from}"))
    } else {
        let path = folder.join("token");
        // Its mode is the runtime's business.
        let mut ignored = Vec::new();
        let identity = read_token(&path, &mut ignored)?;
        (identity, Some(path), own.to_owned())
    };
    warnings.dedup();
    Ok(Some(Connection {
        server,
        server_name: None,
        authorities,
        identity: Some(identity),
        token_file,
        source,
        warnings,
    }))
}
