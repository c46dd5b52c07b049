//! Reads one kubeconfig: what is not supported is noted at its entry, with its place and the mend.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_saphyr::Spanned;

use super::document::{Hidden, Raw, RawEntry, RawExec, RawUser};
use super::{Cluster, Context, Exec, ExecVersion, Fault, Kubeconfig, Material, Place, User};
use crate::identity::Secret;

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
