//! What follows from several of etcd's settings together.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use kubeassay_core::rule::SettingType;
use kubeassay_core::{Bytes, Cause, Origin, Value};

use super::table::{Release, place_of};
use crate::components::builder::Builder;
use crate::setting::{Setting, Unknown};
use crate::sources::Files;

const CLIENT_TLS: &str = "derived.clientTLS";
const PEER_TLS: &str = "derived.peerTLS";
const REQUIRES_CLIENT: &str = "derived.requiresClientCertificates";
const REQUIRES_PEER: &str = "derived.requiresPeerCertificates";
const MEMBERS: &str = "derived.members";
const ALONE: &str = "derived.alone";
const TRUSTED_KEYS: &str = "derived.trustedKeys";

/// Returns the settings that are no flags.
pub(in crate::components) fn named() -> Vec<(&'static str, SettingType)> {
    vec![
        (CLIENT_TLS, SettingType::Bool),
        (PEER_TLS, SettingType::Bool),
        (REQUIRES_CLIENT, SettingType::Bool),
        (REQUIRES_PEER, SettingType::Bool),
        (MEMBERS, SettingType::Int),
        (ALONE, SettingType::Bool),
        (
            TRUSTED_KEYS,
            SettingType::List(Box::new(SettingType::String)),
        ),
    ]
}

/// The settings of one release.
pub(super) struct View {
    pub(super) release: Release,
    /// One for each row of the table, nothing where this release has none.
    pub(super) settings: Vec<Option<Setting>>,
    origin: Arc<Origin>,
}

/// Something that is true, false or not known, and where that stands.
#[derive(Clone)]
struct Fact {
    holds: Result<bool, Arc<Unknown>>,
    origin: Arc<Origin>,
}

impl Fact {
    /// Returns whether both hold; a false one decides.
    fn and(self, other: Self) -> Self {
        match (&self.holds, &other.holds) {
            (Ok(false), _) | (Err(_), Ok(true) | Err(_)) => self,
            _ => other,
        }
    }

    /// Returns whether either holds; a true one decides.
    fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }

    fn not(self) -> Self {
        Self {
            holds: self.holds.map(|holds| !holds),
            ..self
        }
    }

    fn setting(self) -> Setting {
        match self.holds {
            Ok(holds) => Setting::known(Value::Bool(holds), self.origin),
            Err(unknown) => Builder::unknown(Unknown::clone(&unknown), self.origin),
        }
    }
}

impl View {
    /// Returns the settings of `release`; an empty data directory gets its name from the member's.
    pub(super) fn new(
        release: Release,
        settings: Vec<Option<Setting>>,
        origin: &Arc<Origin>,
    ) -> Self {
        let mut view = Self {
            release,
            settings,
            origin: Arc::clone(origin),
        };
        let unset = view.get("data-dir").value() == Some(Value::string(""));
        if unset {
            let name = view.get("name");
            let folder = match name.value() {
                Some(Value::String(text)) => Setting::known(
                    Value::String(Bytes::from([text.as_slice(), b".etcd"].concat())),
                    Arc::clone(origin),
                ),
                _ => name,
            };
            if let Some(own) = place_of("data-dir").and_then(|at| view.settings.get_mut(at)) {
                *own = Some(folder);
            }
        }
        view
    }

    /// Works out what follows; the public keys of the trusted CA are looked for in `files`.
    pub(super) fn derive(&self, files: &mut Files<'_>) -> BTreeMap<&'static str, Setting> {
        let client = self
            .secure("listen-client-urls")
            .and(self.secure("listen-client-http-urls"));
        let peer = self.secure("listen-peer-urls");
        let requires_client = client.clone().and(self.asks_for_certificates(""));
        let requires_peer = peer.clone().and(self.asks_for_certificates("peer-"));
        let (members, alone) = self.members();
        BTreeMap::from([
            (CLIENT_TLS, client.setting()),
            (PEER_TLS, peer.setting()),
            (REQUIRES_CLIENT, requires_client.setting()),
            (REQUIRES_PEER, requires_peer.setting()),
            (MEMBERS, members),
            (ALONE, alone.setting()),
            (TRUSTED_KEYS, self.trusted_keys(files)),
        ])
    }

    /// Returns a setting; unset where this release has none of that name.
    fn get(&self, name: &str) -> Setting {
        let own = place_of(name).and_then(|at| self.settings.get(at)?.clone());
        own.unwrap_or_else(|| Setting::unset(Arc::clone(&self.origin)))
    }

    /// Returns whether what `test` says of the value of a flag holds.
    fn fact(&self, name: &str, test: impl Fn(&Value) -> bool) -> Fact {
        let setting = self.get(name);
        let origin = Arc::clone(&setting.origin);
        let holds = match (setting.value(), setting.unknown()) {
            (Some(value), _) => Ok(test(&value)),
            (None, Some(unknown)) => Err(Arc::new(unknown.clone())),
            (None, None) => Err(Arc::new(Unknown {
                cause: Cause::VersionUnknown,
                reason: format!("the default of {name} is not known"),
                path: None,
            })),
        };
        Fact { holds, origin }
    }

    /// Returns whether every URL of a list is served with TLS: `http` and `unix` never are, whatever certificates there
    /// are (`embed/etcd.go:configureClientListeners`).
    fn secure(&self, name: &str) -> Fact {
        self.fact(name, |value| {
            let Value::List(urls) = value else {
                return true;
            };
            urls.iter().all(|url| {
                let url = text(url);
                url.starts_with("https:") || url.starts_with("unixs:")
            })
        })
    }

    /// Returns whether a listener with TLS asks for a certificate of a trusted CA
    /// (`client/pkg/transport/listener.go:ServerConfig`). A CA is enough from 3.4 on. A certificate that etcd makes itself
    /// comes with settings of its own, which ask for none.
    fn asks_for_certificates(&self, prefix: &str) -> Fact {
        let name = |flag: &str| format!("{prefix}{flag}");
        let set = |flag: &str| self.fact(&name(flag), |value| !text(value).is_empty());
        let on = |flag: &str| self.fact(&name(flag), |value| *value == Value::Bool(true));
        let auth = on("client-cert-auth");
        let ca = if self.release > Release::OLDEST {
            set("trusted-ca-file")
        } else {
            set("ca-file")
        };
        let own = set("cert-file").or(set("key-file"));
        auth.or(ca).and(on("auto-tls").not().or(own))
    }

    /// Returns how many members the cluster has, and whether it surely has no more than this one.
    ///
    /// `--initial-cluster` is read when a member starts for the first time. The first of several names itself alone for
    /// ever, so that one name says nothing where others can reach this one; none can where it listens for its peers on
    /// loopback alone.
    fn members(&self) -> (Setting, Fact) {
        let cluster = self.get("initial-cluster");
        let discovers = ["discovery", "discovery-srv"]
            .into_iter()
            .map(|name| self.fact(name, |value| !text(value).is_empty()))
            .chain([self.fact(
                "discovery-endpoints",
                |value| matches!(value, Value::List(list) if !list.is_empty()),
            )])
            .reduce(Fact::or);
        let loopback = self.fact("listen-peer-urls", |value| {
            matches!(value, Value::List(urls) if urls.iter().all(|url| is_local(&text(url))))
        });
        let names = cluster.value().map(|value| member_names(&text(&value)));
        let several = Fact {
            holds: match (&names, cluster.unknown()) {
                (Some(names), _) => Ok(*names > 1),
                (None, Some(unknown)) => Err(Arc::new(unknown.clone())),
                (None, None) => Ok(false),
            },
            origin: Arc::clone(&cluster.origin),
        };
        let mut alone = several.clone().not().and(loopback);
        if let Some(discovers) = discovers {
            alone = alone.and(discovers.not());
        }
        let unknown = |reason: &str| {
            let unknown = Unknown {
                cause: Cause::Unsupported,
                reason: reason.to_owned(),
                path: None,
            };
            Builder::unknown(unknown, Arc::clone(&cluster.origin))
        };
        let members = match (&alone.holds, &several.holds, names) {
            (Ok(true), _, _) => Setting::known(Value::Int(1), Arc::clone(&alone.origin)),
            (_, Ok(true), Some(names)) => Setting::known(
                Value::Int(i64::try_from(names).unwrap_or(i64::MAX)),
                Arc::clone(&cluster.origin),
            ),
            (Err(unknown), _, _) => {
                Builder::unknown(Unknown::clone(unknown), Arc::clone(&alone.origin))
            }
            _ => unknown(
                "etcd was first started alone, or finds its members by other means; whether others joined since is in its data only",
            ),
        };
        (members, alone)
    }

    /// Returns the digests of the public keys that clients' certificates are verified against.
    fn trusted_keys(&self, files: &mut Files<'_>) -> Setting {
        let ca = self.get("trusted-ca-file");
        let Some(value) = ca.value() else {
            return ca;
        };
        let path = match value {
            Value::String(path) if !path.is_empty() => path,
            _ => return Setting::known(Value::List(Vec::new()), Arc::clone(&ca.origin)),
        };
        match files.public_keys(&path) {
            Ok(keys) => Setting::known(
                Value::List(keys.into_iter().map(Value::string).collect()),
                Arc::clone(&ca.origin),
            ),
            Err(unknown) => Builder::unknown(unknown, Arc::clone(&ca.origin)),
        }
    }
}

/// Returns the text of a value; none of what is no text.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string_lossy(),
        _ => String::new(),
    }
}

/// Returns how many different members `--initial-cluster` names (`name=url,name=url,…`).
fn member_names(cluster: &str) -> usize {
    let mut names: Vec<&str> = cluster
        .split(',')
        .filter_map(|member| Some(member.split_once('=')?.0.trim()))
        .collect();
    names.sort_unstable();
    names.dedup();
    names.len()
}

/// Returns whether only this machine can reach a URL.
fn is_local(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once(':') else {
        return false;
    };
    if scheme.starts_with("unix") {
        return true;
    }
    let address = rest.trim_start_matches('/');
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
