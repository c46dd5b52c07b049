//! What kubeconfigs say: which of them count, where the chosen cluster is, and who its user is.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use kubeassay_core::text::escape;

use super::files::{material, read, read_token, replaceable, shown, warn_if_open};
use super::{Connection, CredentialError, Environment, Given, Server};
use crate::exec_plugin::{self, ForCluster};
use crate::identity::{ClientIdentity, IdentityError};
use crate::kubeconfig::{self, Choice, Cluster, Kubeconfig, Material, User};
use crate::runtime::block_on;
use crate::tls::{Authorities, AuthoritiesError};

/// No more files of `$KUBECONFIG` are read.
const MOST_FILES: usize = 64;

/// Reads the kubeconfigs that count; nothing if there is none, or none with a context.
pub(super) fn kubeconfig(
    given: &Given,
    environment: &Environment,
    warnings: &mut Vec<String>,
) -> Result<Option<Kubeconfig>, CredentialError> {
    if let Some(path) = &given.kubeconfig {
        return read_kubeconfig(path, warnings).map(Some);
    }
    let paths: Vec<PathBuf> = match environment.get("KUBECONFIG") {
        Some(list) => list
            .as_bytes()
            .split(|byte| *byte == b':')
            .filter(|path| !path.is_empty())
            .map(|path| PathBuf::from(OsStr::from_bytes(path)))
            .take(MOST_FILES)
            .collect(),
        None => environment
            .get("HOME")
            .map(|home| Path::new(home).join(".kube/config"))
            .into_iter()
            .collect(),
    };
    let mut merged: Option<Kubeconfig> = None;
    for path in paths {
        match read_kubeconfig(&path, warnings) {
            Ok(config) => match &mut merged {
                Some(merged) => merged.merge(config),
                None => merged = Some(config),
            },
            Err(CredentialError::Read { error, .. }) if error.kind() == io::ErrorKind::NotFound => {
            }
            Err(error) => return Err(error),
        }
    }
    Ok(merged.filter(|merged| merged.has_contexts() || given.context.is_some()))
}

fn read_kubeconfig(path: &Path, warnings: &mut Vec<String>) -> Result<Kubeconfig, CredentialError> {
    let content = read(path, kubeconfig::LARGEST)?;
    let text = String::from_utf8(content).map_err(|_| CredentialError::NotText(path.to_owned()))?;
    warn_if_open(path, warnings);
    Ok(Kubeconfig::parse(&text, path)?)
}

/// Makes a connection of what was chosen. An identity that was given comes before the user's.
pub(super) fn chosen(
    choice: &Choice,
    identity: Option<(ClientIdentity, String)>,
    environment: &Environment,
    now: Timestamp,
    mut warnings: Vec<String>,
) -> Result<Connection, CredentialError> {
    let cluster = &choice.cluster;
    let place = || cluster.place.to_string();
    let (server, authority) = server_of(cluster)?;
    let (pem, what) = material(authority, place)?;
    let authorities =
        Authorities::from_pem(&pem).map_err(|error| CredentialError::Authority { what, error })?;
    let context = format!("context {}", escape(&choice.context));
    let mut token_file = None;
    let (identity, source) = match (identity, &choice.user) {
        (Some((identity, from)), _) => (Some(identity), format!("{context}, {from}")),
        (None, None) => (None, context),
        (None, Some(user)) => {
            let for_cluster = ForCluster {
                server: server.to_string(),
                tls_server_name: cluster.server_name.clone(),
                config: cluster.for_plugins.clone(),
                ..ForCluster::default()
            };
            let for_cluster = for_cluster.with_authority(&pem);
            let identity = of_user(user, environment, for_cluster, now, &mut warnings)?;
            // Beside a certificate the file of a token plays no part, and never turns one into the other.
            if matches!(identity, Some(ClientIdentity::Token(_))) {
                token_file.clone_from(&user.token_file);
            }
            (identity, context)
        }
    };
    Ok(Connection {
        server,
        server_name: cluster.server_name.clone(),
        authorities,
        identity,
        token_file,
        source,
        warnings,
    })
}

/// Returns where a cluster is, and its authority.
fn server_of(cluster: &Cluster) -> Result<(Server, &Material), CredentialError> {
    let place = || cluster.place.to_string();
    let server = cluster
        .server
        .as_deref()
        .ok_or_else(|| CredentialError::Server {
            what: place(),
            why: "is not there (server)",
        })?;
    let server = Server::parse(server, place)?;
    match &cluster.authority {
        Some(authority) => Ok((server, authority)),
        None => Err(CredentialError::Authority {
            what: format!("{} (certificate-authority)", place()),
            error: AuthoritiesError::None,
        }),
    }
}

/// Returns a connection to a cluster without anybody to ask as. `read` reads the file of its authority, if it is one.
///
/// # Errors
///
/// A sentence.
pub(crate) fn nobody_at(
    cluster: &Cluster,
    read: impl Fn(&PathBuf) -> Result<Vec<u8>, String>,
) -> Result<Connection, String> {
    let (server, authority) = server_of(cluster).map_err(|error| error.to_string())?;
    let (pem, what) = match authority {
        Material::Data(data) => (data.expose().as_bytes().to_vec(), cluster.place.to_string()),
        Material::File(path) => (read(path)?, shown(path)),
    };
    let authorities = Authorities::from_pem(&pem).map_err(|error| format!("{what}: {error}"))?;
    Ok(Connection {
        server,
        server_name: cluster.server_name.clone(),
        authorities,
        identity: None,
        token_file: None,
        source: cluster.place.to_string(),
        warnings: Vec::new(),
    })
}

/// Returns the user's identity: the certificate if there is one, else the token, else what the plugin gives.
fn of_user(
    user: &User,
    environment: &Environment,
    cluster: ForCluster,
    now: Timestamp,
    warnings: &mut Vec<String>,
) -> Result<Option<ClientIdentity>, CredentialError> {
    let place = || user.place.to_string();
    let unusable = |what| move |error| CredentialError::Identity { what, error };
    match (&user.certificate, &user.key) {
        (Some(certificate), Some(key)) => {
            if let Material::File(path) = key {
                warn_if_open(path, warnings);
            }
            let (chain, what) =
                material(certificate, || format!("{} (client-certificate)", place()))?;
            let (key, _) = material(key, place)?;
            let identity = ClientIdentity::from_pem(&chain, &key).map_err(unusable(what))?;
            return Ok(Some(identity));
        }
        (Some(_), None) => return Err(unusable(place())(IdentityError::NoKey)),
        (None, Some(_)) => return Err(unusable(place())(IdentityError::NoCertificate)),
        (None, None) => {}
    }
    if let Some(path) = &user.token_file {
        return read_token(path, warnings).map(Some);
    }
    if let Some(token) = &user.token {
        let token = ClientIdentity::token(token.expose().as_bytes());
        return token
            .map(Some)
            .map_err(unusable(format!("{} (token)", place())));
    }
    let Some(exec) = &user.exec else {
        return Ok(None);
    };
    // Whoever can write the kubeconfig chooses the program.
    if let Some(open) = replaceable(&user.place.file) {
        return Err(CredentialError::OpenToAll {
            place: place(),
            open,
        });
    }
    let running = exec_plugin::run(exec, &environment.variables, Some(cluster), now);
    let given = block_on(running)
        .map_err(CredentialError::Runtime)?
        .map_err(Box::new)?;
    if !given.said.is_empty() {
        let command = escape(&exec.command.to_string_lossy());
        warnings.push(format!("{command} said: {}", given.said));
    }
    Ok(Some(given.identity))
}
