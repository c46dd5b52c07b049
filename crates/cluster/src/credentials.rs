//! Credentials, and the API server they are for: given, or found where the user's own tools find them.
//!
//! Given: `--kubeconfig`, `--context`, `--token-file`, `--client-certificate`. Found, in this order: `$KUBECONFIG`,
//! `~/.kube/config`, the pod's own `ServiceAccount`. All of them lie on the machine that kubeassay runs on; nothing
//! that lies on a scanned host is ever used.

mod files;
mod of_kubeconfig;
mod server;
mod service_account;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use kubeassay_core::text::escape;

use crate::exec_plugin::PluginError;
use crate::identity::{ClientIdentity, IdentityError};
use crate::kubeconfig::{ChoiceError, Fault};
use crate::tls::{Authorities, AuthoritiesError};
use files::{LARGEST_FILE, read, read_token, shown, status, warn_if_open};
pub(crate) use of_kubeconfig::nobody_at;
use of_kubeconfig::{chosen, kubeconfig};
pub use server::Server;
use service_account::{SERVICE_ACCOUNT, own_service_account};

/// Why there are no credentials, or no API server to use them at.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// A file cannot be read.
    #[error("cannot read {}: {error}", escape(&path.to_string_lossy()))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file is larger than such files are.
    #[error("{}: larger than {} MiB", escape(&path.to_string_lossy()), .limit >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// How large it may be.
        limit: u64,
    },
    /// A kubeconfig is not UTF-8.
    #[error("{}: not UTF-8", escape(&.0.to_string_lossy()))]
    NotText(PathBuf),
    /// A kubeconfig is faulty.
    #[error(transparent)]
    Kubeconfig(#[from] Fault),
    /// Nothing could be chosen from it.
    #[error(transparent)]
    Choice(#[from] ChoiceError),
    /// A credential cannot be used.
    #[error("{what}: {error}")]
    Identity {
        /// Where it is.
        what: String,
        /// Why.
        error: IdentityError,
    },
    /// The authority cannot be used.
    #[error("{what}: {error}")]
    Authority {
        /// Where it is.
        what: String,
        /// Why.
        error: AuthoritiesError,
    },
    /// An exec plugin gave nothing.
    #[error(transparent)]
    Plugin(#[from] Box<PluginError>),
    /// The kubeconfig that names a plugin could be anybody's.
    #[error("{place}: the exec plugin is not run: everybody on this machine may write {0} and so choose the program; chmod o-w {0}", escape(&open.to_string_lossy()))]
    OpenToAll {
        /// Where the plugin is named.
        place: String,
        /// What everybody may write.
        open: PathBuf,
    },
    /// The plugin could not even be waited for.
    #[error("cannot wait for the exec plugin: {0}")]
    Runtime(io::Error),
    /// Options that do not go together.
    #[error("{0}")]
    Options(&'static str),
    /// The address of the API server is none.
    #[error("{what}: the API server's address {why}")]
    Server {
        /// Where it stands.
        what: String,
        /// What is wrong with it, and the mend.
        why: &'static str,
    },
}

/// What the user gave.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// `--kubeconfig`.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`.
    pub context: Option<String>,
    /// `--token-file`.
    pub token_file: Option<PathBuf>,
    /// `--client-certificate`; the key may stand in the same file.
    pub client_certificate: Option<PathBuf>,
    /// `--client-key`.
    pub client_key: Option<PathBuf>,
}

/// What the environment says.
#[derive(Clone, Default)]
pub struct Environment {
    variables: Vec<(OsString, OsString)>,
    service_account: PathBuf,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Environment({} variables)", self.variables.len())
    }
}

impl Environment {
    /// Returns an environment of these variables, kubeassay's own; an exec plugin is given them as well.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        Self {
            variables: variables.into_iter().collect(),
            service_account: PathBuf::from(SERVICE_ACCOUNT),
        }
    }

    /// Takes another folder for the one where a pod has its `ServiceAccount`; for tests.
    #[must_use]
    pub fn with_service_account(mut self, folder: PathBuf) -> Self {
        self.service_account = folder;
        self
    }

    fn get(&self, wanted: &str) -> Option<&OsStr> {
        let mut variables = self.variables.iter();
        let (_, value) = variables.find(|(name, _)| name == wanted)?;
        Some(value.as_os_str()).filter(|value| !value.is_empty())
    }
}

/// An API server that can be asked: where it is, how it is recognised, and as whom.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Its address.
    pub server: Server,
    /// Its certificate's name, where that is not the address's host.
    pub(crate) server_name: Option<String>,
    /// Who signs its certificate.
    pub authorities: Authorities,
    /// As whom; nobody where there are no credentials.
    pub identity: Option<ClientIdentity>,
    /// The file of the token, which is read again when the token is no longer taken.
    pub(crate) token_file: Option<PathBuf>,
    /// Where all of it is from, for messages.
    pub source: String,
    /// What the user should know of it, such as a key that everybody may read; escaped.
    pub warnings: Vec<String>,
}

impl Connection {
    /// Returns a connection to the same server as somebody else.
    #[must_use]
    pub fn with_identity(mut self, identity: ClientIdentity) -> Self {
        self.identity = Some(identity);
        self.token_file = None;
        self
    }

    /// Reads the token again; nothing if it is not from a file, or cannot be read. A pipe is not waited for: it gave
    /// what it had.
    pub(crate) fn read_token_again(&self) -> Option<ClientIdentity> {
        let path = self.token_file.as_ref()?;
        if !status(path).is_some_and(|status| status.is_file()) {
            return None;
        }
        let mut ignored = Vec::new();
        read_token(path, &mut ignored).ok()
    }
}

/// Returns the credentials that were given by themselves, without a kubeconfig, and what they are for messages.
///
/// # Errors
///
/// If options do not go together, or a file cannot be used.
pub fn given_identity(given: &Given) -> Result<Option<(ClientIdentity, String)>, CredentialError> {
    let mut warnings = Vec::new();
    given_with_warnings(given, &mut warnings)
}

fn given_with_warnings(
    given: &Given,
    warnings: &mut Vec<String>,
) -> Result<Option<(ClientIdentity, String)>, CredentialError> {
    match (
        &given.token_file,
        &given.client_certificate,
        &given.client_key,
    ) {
        (None, None, None) => Ok(None),
        (Some(path), None, None) => {
            let identity = read_token(path, warnings)?;
            Ok(Some((identity, "--token-file".to_owned())))
        }
        (None, Some(certificate), key) => {
            let chain = read(certificate, LARGEST_FILE)?;
            let key_path = key.as_ref().unwrap_or(certificate);
            warn_if_open(key_path, warnings);
            let key = read(key_path, LARGEST_FILE)?;
            let identity = ClientIdentity::from_pem(&chain, &key).map_err(|error| {
                CredentialError::Identity {
                    what: shown(certificate),
                    error,
                }
            })?;
            Ok(Some((identity, "--client-certificate".to_owned())))
        }
        (Some(_), _, _) => Err(CredentialError::Options(
            "--token-file and --client-certificate are two identities; give one of them",
        )),
        (None, None, Some(_)) => Err(CredentialError::Options(
            "--client-key is nothing without --client-certificate",
        )),
    }
}

/// Finds the API server and the credentials for it; nothing if there is no kubeconfig, and this is no pod.
///
/// May run the exec plugin that the user's kubeconfig names.
///
/// # Errors
///
/// If what was given or found cannot be used: what is there is never passed over for the next.
pub fn find(
    given: &Given,
    environment: &Environment,
    now: Timestamp,
) -> Result<Option<Connection>, CredentialError> {
    let mut warnings = Vec::new();
    let identity = given_with_warnings(given, &mut warnings)?;
    if let Some(config) = kubeconfig(given, environment, &mut warnings)? {
        let choice = config.choose(given.context.as_deref())?;
        let connection = chosen(&choice, identity, environment, now, warnings)?;
        return Ok(Some(with_token_file(connection, given)));
    }
    if given.context.is_some() {
        return Err(CredentialError::Options(
            "--context is nothing without a kubeconfig: give --kubeconfig, set KUBECONFIG, or have ~/.kube/config",
        ));
    }
    let connection = own_service_account(identity, environment, warnings)?;
    Ok(connection.map(|connection| with_token_file(connection, given)))
}

fn with_token_file(mut connection: Connection, given: &Given) -> Connection {
    if given.token_file.is_some() {
        connection.token_file.clone_from(&given.token_file);
    }
    connection
}
