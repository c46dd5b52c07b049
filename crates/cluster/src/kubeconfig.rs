//! Kubeconfigs: read, merged and chosen from as `client-go` does (`tools/clientcmd` of kubernetes/client-go; "Organizing
//! Cluster Access Using kubeconfig Files" of the documentation). Pure: who reads the files is `credentials.rs`.
//!
//! What is not supported is refused with its place and a mend, never passed over: a credential that is left out
//! would make a scan run as somebody else. No message holds a value of the file: they are secrets.

mod document;
mod reader;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use kubeassay_core::text::escape;

use crate::identity::Secret;

/// The longest kubeconfig that is read: the largest ones name some thousand clusters.
pub(crate) const LARGEST: u64 = 8 << 20;

/// A place in a kubeconfig.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: u64,
    /// Column, from 1.
    pub column: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = escape(&self.file.to_string_lossy());
        write!(f, "{file}:{}:{}", self.line, self.column)
    }
}

/// What is wrong with a kubeconfig, where, and the mend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What, and what to do about it.
    pub message: String,
}

/// Why nothing could be chosen from kubeconfigs that are without fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// Neither the user nor a file says which context.
    #[error("no context is chosen: the kubeconfig has no current-context; name one with --context{}", names(.0))]
    NoContext(Vec<String>),
    /// There is no such context.
    #[error("the kubeconfig has no context `{}`{}", escape(.name), names(.known))]
    UnknownContext {
        /// The name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A context names a cluster or user that there is not.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Names what could have been meant; nothing if there is nothing.
fn names(known: &[String]) -> String {
    /// More are not helpful.
    const MOST: usize = 8;
    if known.is_empty() {
        return String::new();
    }
    let mut shown: Vec<String> = known.iter().take(MOST).map(|name| escape(name)).collect();
    if known.len() > MOST {
        shown.push(format!("and {} more", known.len() - MOST));
    }
    format!(" (there are: {})", shown.join(", "))
}

/// One kubeconfig, or several merged.
#[derive(Clone, Debug, Default)]
pub struct Kubeconfig {
    current_context: Option<String>,
    clusters: BTreeMap<String, Cluster>,
    contexts: BTreeMap<String, Context>,
    users: BTreeMap<String, User>,
}

/// An API server, and how it is recognised. Not shown but for its place: an address may have a password in it, and who
/// knows what a plugin is told.
#[derive(Clone)]
pub struct Cluster {
    /// Where the entry stands.
    pub place: Place,
    /// Its address, as it is written.
    pub server: Option<String>,
    /// The name that its certificate is to bear, where that is not the address's.
    pub server_name: Option<String>,
    /// Its authority; none: those of the machine, which are not used.
    pub authority: Option<Material>,
    /// What exec plugins are to know of it (the extension `client.authentication.k8s.io/exec`).
    pub for_plugins: Option<serde_json::Value>,
    /// It is reached in a way that is not supported.
    refused: Option<Fault>,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// What is in a context.
#[derive(Clone, Debug)]
struct Context {
    place: Place,
    cluster: Option<String>,
    user: Option<String>,
}

/// Credentials, as they are written.
#[derive(Clone, Debug)]
pub struct User {
    /// Where the entry stands.
    pub place: Place,
    /// The client certificate.
    pub certificate: Option<Material>,
    /// Its private key.
    pub key: Option<Material>,
    /// The file of a bearer token; it comes before the token beside it.
    pub token_file: Option<PathBuf>,
    /// A bearer token.
    pub token: Option<Secret>,
    /// The program that gives credentials.
    pub exec: Option<Exec>,
    /// It has credentials of a kind that is not supported.
    refused: Option<Fault>,
}

/// Certificates or a key: in the kubeconfig itself, or in a file that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Material {
    /// Decoded. A certificate is no secret, but this may be a key.
    Data(Secret),
    /// The file.
    File(PathBuf),
}

/// A program that gives credentials (`client.authentication.k8s.io`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    /// Where it stands.
    pub place: Place,
    /// `v1` or `v1beta1`.
    pub version: ExecVersion,
    /// The program: a path, or a name to be found on `PATH`.
    pub command: PathBuf,
    /// Its arguments. They may be secrets, however wrong that is.
    pub arguments: Vec<Secret>,
    /// What is added to its environment.
    pub environment: Vec<(String, Secret)>,
    /// What to say if the program is not there.
    pub install_hint: Option<String>,
    /// It needs somebody at a terminal (`interactiveMode: Always`).
    pub needs_terminal: bool,
    /// It wants to know which cluster the credentials are for.
    pub wants_cluster: bool,
}

/// The versions of the exchange with a plugin that are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecVersion {
    /// Since 1.22.
    V1,
    /// Since 1.11.
    V1Beta1,
}

impl ExecVersion {
    /// Returns it as documents have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "client.authentication.k8s.io/v1",
            Self::V1Beta1 => "client.authentication.k8s.io/v1beta1",
        }
    }
}

/// What was chosen.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The context's name.
    pub context: String,
    /// Its cluster.
    pub cluster: Cluster,
    /// Its user; none: nobody.
    pub user: Option<User>,
}

impl Kubeconfig {
    /// Adds what `later` has and this has not: of each entry, and of the current context, the first file's counts,
    /// whole.
    pub fn merge(&mut self, later: Self) {
        if self.current_context.is_none() {
            self.current_context = later.current_context;
        }
        add(&mut self.clusters, later.clusters);
        add(&mut self.contexts, later.contexts);
        add(&mut self.users, later.users);
    }

    /// Returns whether there is anything to choose from.
    pub fn has_contexts(&self) -> bool {
        !self.contexts.is_empty()
    }

    /// Chooses a context: the one that is named, else the current one.
    ///
    /// # Errors
    ///
    /// If there is none such, if it names what is not there, or what is there is not supported.
    pub fn choose(&self, context: Option<&str>) -> Result<Choice, ChoiceError> {
        let (name, context) = self.context(context)?;
        let cluster = self.cluster_of(context)?;
        let user = match &context.user {
            None => None,
            Some(name) => {
                let user = self.users.get(name);
                Some(user.ok_or_else(|| missing(context, "user", Some(name)))?)
            }
        };
        let refused = [
            cluster.refused.as_ref(),
            user.and_then(|user| user.refused.as_ref()),
        ];
        if let Some(fault) = refused.into_iter().flatten().next() {
            return Err(fault.clone().into());
        }
        Ok(Choice {
            context: name.to_owned(),
            cluster: cluster.clone(),
            user: user.cloned(),
        })
    }

    /// Returns the cluster of the current context, whoever its user is.
    ///
    /// # Errors
    ///
    /// If there is none, or it is reached in a way that is not supported.
    pub(crate) fn current_cluster(&self) -> Result<&Cluster, ChoiceError> {
        let (_, context) = self.context(None)?;
        let cluster = self.cluster_of(context)?;
        match &cluster.refused {
            Some(fault) => Err(fault.clone().into()),
            None => Ok(cluster),
        }
    }

    /// Returns the context that is named, else the current one, with its name.
    fn context<'a>(
        &'a self,
        context: Option<&'a str>,
    ) -> Result<(&'a str, &'a Context), ChoiceError> {
        let known = || self.contexts.keys().cloned().collect();
        let name = context
            .or(self.current_context.as_deref())
            .ok_or_else(|| ChoiceError::NoContext(known()))?;
        let context = self
            .contexts
            .get(name)
            .ok_or_else(|| ChoiceError::UnknownContext {
                name: name.to_owned(),
                known: known(),
            })?;
        Ok((name, context))
    }

    fn cluster_of(&self, context: &Context) -> Result<&Cluster, Fault> {
        let named = context.cluster.as_ref();
        let cluster = named.and_then(|name| self.clusters.get(name));
        cluster.ok_or_else(|| missing(context, "cluster", named))
    }
}

/// Says that a context names nothing, or what is not there.
fn missing(context: &Context, what: &str, name: Option<&String>) -> Fault {
    let message = name.map_or_else(
        || format!("the context names no {what}"),
        |name| format!("there is no {what} `{}` in the kubeconfig", escape(name)),
    );
    let place = context.place.clone();
    Fault { place, message }
}

fn add<T>(to: &mut BTreeMap<String, T>, later: BTreeMap<String, T>) {
    for (name, entry) in later {
        to.entry(name).or_insert(entry);
    }
}

#[cfg(test)]
mod tests;
