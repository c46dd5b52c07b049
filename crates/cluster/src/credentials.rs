//! Credentials, and the API server they are for: given, or found where the user's own tools find them.
//!
//! Given: `--kubeconfig`, `--context`, `--token-file`, `--client-certificate`. Found, in this order: `$KUBECONFIG`,
//! `~/.kube/config`, the pod's own `ServiceAccount`. All of them lie on the machine that kubeassay runs on; nothing
//! that lies on a scanned host is ever used.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::Metadata;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use kubeassay_core::text::escape;

use crate::exec_plugin::{self, ForCluster, PluginError};
use crate::http::Peer;
use crate::identity::{ClientIdentity, IdentityError};
use crate::kubeconfig::{self, Choice, ChoiceError, Cluster, Fault, Kubeconfig, Material, User};
use crate::runtime::block_on;
use crate::tls::{Authorities, AuthoritiesError};

/// Where a pod has its `ServiceAccount` ("Accessing the Kubernetes API from a Pod" of the documentation).
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// The largest token, certificate or key file.
const LARGEST_FILE: u64 = 4 << 20;
/// No more files of `$KUBECONFIG` are read.
const MOST_FILES: usize = 64;

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
    fn parse(text: &str, what: impl Fn() -> String) -> Result<Self, CredentialError> {
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

/// Reads the kubeconfigs that count; nothing if there is none, or none with a context.
fn kubeconfig(
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
fn chosen(
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

/// Returns the connection of a pod to its own cluster; nothing if this is no pod.
fn own_service_account(
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

/// Returns PEM text and what it is for messages.
fn material(
    material: &Material,
    place: impl Fn() -> String,
) -> Result<(Vec<u8>, String), CredentialError> {
    match material {
        Material::Data(data) => Ok((data.expose().as_bytes().to_vec(), place())),
        Material::File(path) => Ok((read(path, LARGEST_FILE)?, shown(path))),
    }
}

fn read_token(path: &Path, warnings: &mut Vec<String>) -> Result<ClientIdentity, CredentialError> {
    let token = read(path, LARGEST_FILE)?;
    warn_if_open(path, warnings);
    ClientIdentity::token(&token).map_err(|error| CredentialError::Identity {
        what: shown(path),
        error,
    })
}

fn shown(path: &Path) -> String {
    escape(&path.to_string_lossy())
}

/// Reads a file of the user's own.
#[expect(
    clippy::disallowed_methods,
    reason = "credentials are the user's own files, never a scanned host's"
)]
fn read(path: &Path, limit: u64) -> Result<Vec<u8>, CredentialError> {
    let mut content = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(limit + 1).read_to_end(&mut content))
        .map_err(|error| CredentialError::Read {
            path: path.to_owned(),
            error,
        })?;
    if content.len() as u64 > limit {
        return Err(CredentialError::TooLarge {
            path: path.to_owned(),
            limit,
        });
    }
    Ok(content)
}

/// Returns what is known of a file of the user's own.
#[expect(
    clippy::disallowed_methods,
    reason = "credentials are the user's own files, never a scanned host's"
)]
fn status(path: &Path) -> Option<Metadata> {
    std::fs::metadata(path).ok()
}

/// Warns of a file with secrets that everybody on the machine may read or replace.
fn warn_if_open(path: &Path, warnings: &mut Vec<String>) {
    let may_read = status(path).is_some_and(|file| file.is_file() && file.mode() & READ != 0);
    let named = shown(path);
    if let Some(open) = replaceable(path) {
        let open = shown(&open);
        warnings.push(format!(
            "everybody on this machine may replace {named}, and with it the server that credentials are sent to; chmod o-w {open}"
        ));
    } else if may_read {
        warnings.push(format!(
            "everybody on this machine may read {named}, which holds credentials; chmod 600 {named}"
        ));
    }
}

/// What everybody may do, of a mode.
const READ: u32 = 0o004;
const WRITE: u32 = 0o002;
/// Only owners replace files in such a folder.
const STICKY: u32 = 0o1000;

/// Returns the file, or the folder it lies in, if everybody on the machine may write it and so replace the file.
fn replaceable(path: &Path) -> Option<PathBuf> {
    let file = status(path)?;
    if file.is_file() && file.mode() & WRITE != 0 {
        return Some(path.to_owned());
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let open = |folder: Metadata| folder.mode() & (WRITE | STICKY) == WRITE;
    status(folder).is_some_and(open).then(|| folder.to_owned())
}
