//! Kubeconfigs: read, merged and chosen from as `client-go` does (`tools/clientcmd` of kubernetes/client-go; "Organizing
//! Cluster Access Using kubeconfig Files" of the documentation). Pure: who reads the files is `credentials.rs`.
//!
//! What is not supported is refused with its place and a mend, never passed over: a credential that is left out
//! would make a scan run as somebody else. No message holds a value of the file: they are secrets.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use kubeassay_core::text::escape;
use serde::de::{Deserialize, Deserializer, IgnoredAny};
use serde_saphyr::Spanned;

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
    /// Reads the text of one file. Paths in it are taken from its folder.
    ///
    /// # Errors
    ///
    /// If it is no kubeconfig. Entries that nobody chooses may be of any unsupported kind.
    pub fn parse(text: &str, file: &Path) -> Result<Self, Fault> {
        let budget = serde_saphyr::budget! { max_depth: 32, flow_nesting_limit: 32, max_nodes: 500_000, max_aliases: 1000 };
        let options =
            serde_saphyr::options! { strict_booleans: true, with_snippet: false, budget: budget };
        let at = |line, column| Place {
            file: file.to_owned(),
            line,
            column,
        };
        let raw: Option<Raw> =
            serde_saphyr::from_str_with_options(text, options).map_err(|error| {
                let (line, column) = error
                    .location()
                    .map_or((1, 1), |place| (place.line(), place.column()));
                Fault {
                    place: at(line, column),
                    message: without_values(&error.without_snippet().to_string()),
                }
            })?;
        let raw = raw.unwrap_or_default();
        if let Some(kind) = raw.kind.filter(|kind| kind.value != "Config") {
            return Err(Fault {
                place: at(kind.referenced.line(), kind.referenced.column()),
                message: "this is no kubeconfig: its kind is not Config".to_owned(),
            });
        }
        let reader = Reader { file };
        Ok(Self {
            current_context: some(raw.current_context),
            clusters: reader.entries(raw.clusters, Reader::cluster)?,
            contexts: reader.entries(raw.contexts, |_, place, entry| {
                Ok(Reader::context(place, entry))
            })?,
            users: reader.entries(raw.users, Reader::user)?,
        })
    }

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

/// Returns what the YAML reader says without the place, which is said before, and without anything that it
/// quotes: that may be a secret.
fn without_values(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let line = line.split(" at line ").next().unwrap_or(line);
    if line.contains(['`', '"', '\'', '<']) || !line.is_ascii() {
        return "something else is expected here than what stands there".to_owned();
    }
    line.to_owned()
}

/// A file as it is written. Whatever else is in it plays no part here.
#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Raw {
    kind: Option<Spanned<String>>,
    current_context: Option<String>,
    clusters: Option<Vec<Spanned<RawEntry>>>,
    contexts: Option<Vec<Spanned<RawEntry>>>,
    users: Option<Vec<Spanned<RawEntry>>>,
}

/// An entry of one of the lists: its name, and the one field that is of its list.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct RawEntry {
    name: Option<String>,
    cluster: Option<RawCluster>,
    context: Option<RawContext>,
    user: Option<RawUser>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct RawCluster {
    server: Option<String>,
    tls_server_name: Option<String>,
    insecure_skip_tls_verify: Option<Spanned<bool>>,
    certificate_authority: Option<String>,
    certificate_authority_data: Option<Spanned<Hidden>>,
    proxy_url: Option<Spanned<Hidden>>,
    extensions: Option<Vec<RawExtension>>,
}

#[derive(serde::Deserialize)]
struct RawExtension {
    name: String,
    #[serde(default)]
    extension: serde_json::Value,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct RawContext {
    cluster: Option<String>,
    user: Option<String>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct RawUser {
    client_certificate: Option<String>,
    client_certificate_data: Option<Spanned<Hidden>>,
    client_key: Option<String>,
    client_key_data: Option<Spanned<Hidden>>,
    token: Option<Hidden>,
    #[serde(rename = "tokenFile")]
    token_file: Option<String>,
    exec: Option<Spanned<RawExec>>,
    username: Option<Spanned<Hidden>>,
    password: Option<Spanned<Hidden>>,
    auth_provider: Option<Spanned<IgnoredAny>>,
    #[serde(rename = "as")]
    impersonate: Option<Spanned<Hidden>>,
    as_uid: Option<Spanned<Hidden>>,
    as_groups: Option<Spanned<IgnoredAny>>,
    as_user_extra: Option<Spanned<IgnoredAny>>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawExec {
    api_version: Option<Spanned<String>>,
    command: Option<String>,
    args: Option<Vec<Hidden>>,
    env: Option<Vec<RawVariable>>,
    install_hint: Option<String>,
    interactive_mode: Option<Spanned<String>>,
    provide_cluster_info: Option<bool>,
}

#[derive(serde::Deserialize)]
struct RawVariable {
    name: String,
    value: Hidden,
}

/// A text that may be a secret, and so is none that can be shown.
struct Hidden(Secret);

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Secret::new(text)))
    }
}

impl Hidden {
    fn is_empty(&self) -> bool {
        self.0.expose().is_empty()
    }
}

/// Makes sense of what was read, with the file's name at hand.
struct Reader<'a> {
    file: &'a Path,
}

impl Reader<'_> {
    fn place<T>(&self, of: &Spanned<T>) -> Place {
        Place {
            file: self.file.to_owned(),
            line: of.referenced.line(),
            column: of.referenced.column(),
        }
    }

    fn fault<T>(&self, at: &Spanned<T>, message: impl Into<String>) -> Fault {
        Fault {
            place: self.place(at),
            message: message.into(),
        }
    }

    /// Reads the entries of a list; of two with the same name the first counts.
    fn entries<T>(
        &self,
        list: Option<Vec<Spanned<RawEntry>>>,
        read: impl Fn(&Self, Place, RawEntry) -> Result<T, Fault>,
    ) -> Result<BTreeMap<String, T>, Fault> {
        let mut entries = BTreeMap::new();
        for mut entry in list.into_iter().flatten() {
            let place = self.place(&entry);
            let Some(name) = entry.value.name.take() else {
                return Err(self.fault(&entry, "this entry has no name"));
            };
            let read = read(self, place, entry.value)?;
            entries.entry(name).or_insert(read);
        }
        Ok(entries)
    }

    fn cluster(&self, place: Place, entry: RawEntry) -> Result<Cluster, Fault> {
        let raw = entry.cluster.unwrap_or_default();
        let insecure = raw.insecure_skip_tls_verify.filter(|flag| flag.value);
        let proxy = raw.proxy_url.filter(|url| !url.value.is_empty());
        let refused = insecure
            .map(|flag| {
                self.fault(
                    &flag,
                    "insecure-skip-tls-verify is not supported: credentials are never sent to a server that was not recognised; remove it and give certificate-authority",
                )
            })
            .or_else(|| {
                proxy.map(|url| {
                    self.fault(
                        &url,
                        "proxy-url is not supported: run kubeassay where the API server is reached directly",
                    )
                })
            });
        Ok(Cluster {
            place,
            server: some(raw.server),
            server_name: some(raw.tls_server_name),
            authority: self.material(raw.certificate_authority, raw.certificate_authority_data)?,
            for_plugins: raw
                .extensions
                .into_iter()
                .flatten()
                .find(|one| one.name == "client.authentication.k8s.io/exec")
                .map(|one| one.extension),
            refused,
        })
    }

    fn context(place: Place, entry: RawEntry) -> Context {
        let raw = entry.context.unwrap_or_default();
        Context {
            place,
            cluster: some(raw.cluster),
            user: some(raw.user),
        }
    }

    fn user(&self, place: Place, entry: RawEntry) -> Result<User, Fault> {
        let raw = entry.user.unwrap_or_default();
        let mut refused = self.refused(&raw);
        let exec = match raw.exec.map(|exec| self.exec(exec)).transpose() {
            Ok(exec) => exec,
            Err(fault) => {
                refused.get_or_insert(fault);
                None
            }
        };
        Ok(User {
            place,
            certificate: self.material(raw.client_certificate, raw.client_certificate_data)?,
            key: self.material(raw.client_key, raw.client_key_data)?,
            token_file: some(raw.token_file).map(|path| self.path(&path)),
            token: raw
                .token
                .filter(|token| !token.is_empty())
                .map(|token| token.0),
            exec,
            refused,
        })
    }

    /// Returns the first of the user's fields that is not supported.
    fn refused(&self, raw: &RawUser) -> Option<Fault> {
        const PASSWORD: &str = "username and password are not supported, nor are they by any Kubernetes since 1.19; use a client certificate, a token or an exec plugin";
        const IMPERSONATION: &str = "acting as somebody else (as, as-uid, as-groups, as-user-extra) is not supported; use credentials of the one that is to be";
        let texts = [
            (&raw.username, PASSWORD),
            (&raw.password, PASSWORD),
            (&raw.impersonate, IMPERSONATION),
            (&raw.as_uid, IMPERSONATION),
        ];
        let texts = texts.into_iter().filter_map(|(field, message)| {
            let field = field.as_ref().filter(|field| !field.value.is_empty())?;
            Some(self.fault(field, message))
        });
        let others = [
            (
                &raw.auth_provider,
                "auth-provider is not supported, nor is it by kubectl since 1.26; use the exec plugin of your provider",
            ),
            (&raw.as_groups, IMPERSONATION),
            (&raw.as_user_extra, IMPERSONATION),
        ];
        let others = others.into_iter().filter_map(|(field, message)| {
            let field = field.as_ref()?;
            Some(self.fault(field, message))
        });
        texts.chain(others).next()
    }

    fn exec(&self, exec: Spanned<RawExec>) -> Result<Exec, Fault> {
        let place = self.place(&exec);
        let raw = exec.value;
        let version = match raw.api_version.as_ref().map(|text| text.value.as_str()) {
            Some("client.authentication.k8s.io/v1") => ExecVersion::V1,
            Some("client.authentication.k8s.io/v1beta1") => ExecVersion::V1Beta1,
            _ => {
                return Err(Fault {
                    place: raw.api_version.as_ref().map_or(place, |text| self.place(text)),
                    message: "the exec plugin's apiVersion is neither client.authentication.k8s.io/v1 nor …/v1beta1; a newer release of the plugin writes one of them".to_owned(),
                });
            }
        };
        let needs_terminal = match raw
            .interactive_mode
            .as_ref()
            .map(|mode| mode.value.as_str())
        {
            Some("Always") => true,
            None | Some("Never" | "IfAvailable" | "") => false,
            Some(_) => {
                return Err(Fault {
                    place: raw
                        .interactive_mode
                        .as_ref()
                        .map_or(place, |mode| self.place(mode)),
                    message: "interactiveMode is neither Never, IfAvailable nor Always".to_owned(),
                });
            }
        };
        let Some(command) = some(raw.command) else {
            return Err(Fault {
                place,
                message: "the exec plugin has no command".to_owned(),
            });
        };
        // As `client-go` does: what has a separator is a path, of the kubeconfig's folder if it is relative; a bare
        // name is looked up on `PATH`.
        let command = if command.contains('/') {
            self.path(&command)
        } else {
            PathBuf::from(command)
        };
        Ok(Exec {
            place,
            version,
            command,
            arguments: raw
                .args
                .into_iter()
                .flatten()
                .map(|argument| argument.0)
                .collect(),
            environment: raw
                .env
                .into_iter()
                .flatten()
                .map(|variable| (variable.name, variable.value.0))
                .collect(),
            install_hint: some(raw.install_hint),
            needs_terminal,
            wants_cluster: raw.provide_cluster_info.unwrap_or(false),
        })
    }

    /// Returns what stands in the kubeconfig itself, else the file; as `client-go` does.
    fn material(
        &self,
        file: Option<String>,
        data: Option<Spanned<Hidden>>,
    ) -> Result<Option<Material>, Fault> {
        let Some(data) = data.filter(|data| !data.value.is_empty()) else {
            return Ok(some(file).map(|path| Material::File(self.path(&path))));
        };
        let engine = GeneralPurpose::new(
            &STANDARD,
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
        );
        // A folded scalar has blanks in it, which Go's decoder passes over if they are line ends.
        let text: String = data.value.0.expose().split_ascii_whitespace().collect();
        let decoded = engine.decode(text).ok();
        let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
        match decoded {
            Some(text) => Ok(Some(Material::Data(Secret::new(text)))),
            None => Err(self.fault(&data, "this is no PEM text in base64")),
        }
    }

    /// Returns a path, taken from the file's folder if it is relative.
    fn path(&self, path: &str) -> PathBuf {
        let folder = self.file.parent().unwrap_or(Path::new(""));
        folder.join(path)
    }
}

/// Returns a text that is one; an empty one counts as none, as in Go.
fn some(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{Choice, ExecVersion, Kubeconfig, Material};

    /// What is in every secret of these tests.
    const CANARY: &str = "c4n4ry";

    /// A kubeconfig in which `cluster` and `user` are filled in.
    fn with(cluster: &str, user: &str) -> String {
        format!(
            "\
apiVersion: v1
kind: Config
current-context: one
contexts:
- name: one
  context: {{cluster: c, user: u}}
clusters:
- name: c
  cluster: {{{cluster}}}
users:
- name: u
  user: {{{user}}}
"
        )
    }

    fn choose(text: &str) -> Result<Choice, String> {
        let config = Kubeconfig::parse(text, Path::new("/home/a/config"));
        let config = config.map_err(|fault| fault.to_string())?;
        config.choose(None).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_supported_is_read() {
        let choice = choose(&with(
            "server: 'https://10.0.0.1:6443', certificate-authority: pki/ca.crt, tls-server-name: api, extensions: [{name: x}]",
            "client-certificate: /abs/me.crt, client-certificate-data: eA, client-key-data: a2V5, token: c4n4ry, tokenFile: t",
        ))
        .unwrap();
        assert_eq!(choice.context, "one");
        assert_eq!(
            choice.cluster.server.as_deref(),
            Some("https://10.0.0.1:6443")
        );
        assert_eq!(choice.cluster.server_name.as_deref(), Some("api"));
        assert_eq!(
            choice.cluster.authority,
            Some(Material::File(PathBuf::from("/home/a/pki/ca.crt")))
        );
        let user = choice.user.unwrap();
        assert!(matches!(&user.certificate, Some(Material::Data(data)) if data.expose() == "x"));
        assert!(matches!(&user.key, Some(Material::Data(data)) if data.expose() == "key"));
        assert_eq!(user.token_file, Some(PathBuf::from("/home/a/t")));
        assert_eq!(user.token.as_ref().unwrap().expose(), CANARY);
        assert!(!format!("{user:?}").contains(CANARY));
    }

    #[test]
    fn plugins_are_read() {
        let choice = choose(&with(
            "server: 'https://a'",
            "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: bin/login, args: [c4n4ry], env: [{name: A, value: c4n4ry}], interactiveMode: IfAvailable, provideClusterInfo: true}",
        ))
        .unwrap();
        let exec = choice.user.unwrap().exec.unwrap();
        assert_eq!(exec.version, ExecVersion::V1Beta1);
        assert_eq!(exec.command, PathBuf::from("/home/a/bin/login"));
        assert!(!exec.needs_terminal && exec.wants_cluster);
        assert_eq!(exec.arguments[0].expose(), CANARY);
        assert_eq!(
            (
                exec.environment[0].0.as_str(),
                exec.environment[0].1.expose()
            ),
            ("A", CANARY)
        );
        assert!(!format!("{exec:?}").contains(CANARY));
    }

    #[test]
    fn faults_have_their_place_and_no_secret() {
        let server = "server: 'https://a'";
        let mut faults = Vec::new();
        for (text, expected) in [
            (with(server, "token: [c4n4ry"), ":12:17: "),
            (
                with(server, "token: {a: c4n4ry}"),
                ":12:17: expected string scalar",
            ),
            (
                with(server, "client-key-data: c4n4ry!"),
                ":12:27: this is no PEM text in base64",
            ),
            (
                with(server, "username: a, password: c4n4ry"),
                ":12:20: username and password are not supported",
            ),
            (
                with(server, "auth-provider: {name: gcp, config: {t: c4n4ry}}"),
                ":12:25: auth-provider is not supported",
            ),
            (
                with(server, "as: c4n4ry"),
                ":12:14: acting as somebody else",
            ),
            (
                with(server, "as-groups: [c4n4ry]"),
                ":12:21: acting as somebody else",
            ),
            (
                with(
                    server,
                    "exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: c4n4ry}",
                ),
                ":12:29: the exec plugin's apiVersion",
            ),
            (
                with(server, "exec: {command: c4n4ry}"),
                ":12:16: the exec plugin's apiVersion",
            ),
            (
                with(
                    server,
                    "exec: {apiVersion: client.authentication.k8s.io/v1}",
                ),
                ":12:16: the exec plugin has no command",
            ),
            (
                with(
                    server,
                    "exec: {apiVersion: client.authentication.k8s.io/v1, command: a, interactiveMode: c4n4ry}",
                ),
                ":12:91: interactiveMode is neither",
            ),
            (
                with("insecure-skip-tls-verify: true", ""),
                ":9:39: insecure-skip-tls-verify is not supported",
            ),
            (
                with("insecure-skip-tls-verify: yes", ""),
                ":9:39: invalid boolean",
            ),
            (
                with("proxy-url: 'http://u:c4n4ry@p'", ""),
                ":9:24: proxy-url is not supported",
            ),
            ("kind: Secret\n".to_owned(), ":1:7: this is no kubeconfig"),
            (
                "users: [{user: {token: c4n4ry}}]\n".to_owned(),
                ":1:9: this entry has no name",
            ),
            (
                "users: c4n4ry\n".to_owned(),
                ":1:8: expected sequence start",
            ),
            (
                with(server, "").replace("user: u}", "user: v}"),
                ":5:3: there is no user `v`",
            ),
            (
                with(server, "").replace("cluster: c,", ""),
                ":5:3: the context names no cluster",
            ),
            (
                with(server, "").replace("current-context: one", ""),
                "name one with --context (there are: one)",
            ),
            (
                with(server, "").replace("current-context: one", "current-context: two"),
                "no context `two` (there are: one)",
            ),
            (String::new(), "no context is chosen"),
        ] {
            let error = choose(&text).unwrap_err();
            assert!(!error.contains(CANARY), "{error}");
            if !error.contains(expected) {
                faults.push(format!("{expected} is not in {error}"));
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    #[test]
    fn what_nobody_chooses_may_be_unsupported() {
        let text = with("server: 'https://a'", "").replace(
            "users:\n",
            "users:\n- name: other\n  user: {password: x, exec: {apiVersion: v1alpha1}}\n",
        );
        assert!(choose(&text).is_ok());
        // kubectl writes lists without entries as null.
        assert!(choose("clusters: null\nusers: null\ncontexts: null\n").is_err());
    }

    #[test]
    fn of_several_files_the_first_counts() {
        let parse = |text: &str, file: &str| Kubeconfig::parse(text, Path::new(file)).unwrap();
        let mut merged = parse(
            "users: [{name: u, user: {token: first}}]\ncontexts: [{name: one, context: {cluster: c, user: u}}]\n",
            "/1/config",
        );
        merged.merge(parse(
            &with(
                "server: 'https://second', certificate-authority: ca",
                "client-certificate: c, client-key: k",
            ),
            "/2/config",
        ));
        merged.merge(parse(
            &with("server: 'https://third'", "")
                .replace("current-context: one", "current-context: x"),
            "/3/config",
        ));
        let choice = merged.choose(None).unwrap();
        assert_eq!(choice.cluster.server.as_deref(), Some("https://second"));
        assert_eq!(
            choice.cluster.authority,
            Some(Material::File(PathBuf::from("/2/ca")))
        );
        // The entry is taken whole: nothing of the second is added to it.
        let user = choice.user.unwrap();
        assert_eq!(user.token.unwrap().expose(), "first");
        assert_eq!(user.certificate, None);
    }
}
