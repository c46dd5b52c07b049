//! A kubeconfig as it is written. Whatever else is in it plays no part here.

use serde::de::{Deserialize, Deserializer, IgnoredAny};
use serde_saphyr::Spanned;

use crate::identity::Secret;

/// A file.
#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct Raw {
    pub(super) kind: Option<Spanned<String>>,
    pub(super) current_context: Option<String>,
    pub(super) clusters: Option<Vec<Spanned<RawEntry>>>,
    pub(super) contexts: Option<Vec<Spanned<RawEntry>>>,
    pub(super) users: Option<Vec<Spanned<RawEntry>>>,
}

/// An entry of one of the lists: its name, and the one field that is of its list.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct RawEntry {
    pub(super) name: Option<String>,
    pub(super) cluster: Option<RawCluster>,
    pub(super) context: Option<RawContext>,
    pub(super) user: Option<RawUser>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct RawCluster {
    pub(super) server: Option<String>,
    pub(super) tls_server_name: Option<String>,
    pub(super) insecure_skip_tls_verify: Option<Spanned<bool>>,
    pub(super) certificate_authority: Option<String>,
    pub(super) certificate_authority_data: Option<Spanned<Hidden>>,
    pub(super) proxy_url: Option<Spanned<Hidden>>,
    pub(super) extensions: Option<Vec<RawExtension>>,
}

#[derive(serde::Deserialize)]
pub(super) struct RawExtension {
    pub(super) name: String,
    #[serde(default)]
    pub(super) extension: serde_json::Value,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct RawContext {
    pub(super) cluster: Option<String>,
    pub(super) user: Option<String>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct RawUser {
    pub(super) client_certificate: Option<String>,
    pub(super) client_certificate_data: Option<Spanned<Hidden>>,
    pub(super) client_key: Option<String>,
    pub(super) client_key_data: Option<Spanned<Hidden>>,
    pub(super) token: Option<Hidden>,
    #[serde(rename = "tokenFile")]
    pub(super) token_file: Option<String>,
    pub(super) exec: Option<Spanned<RawExec>>,
    pub(super) username: Option<Spanned<Hidden>>,
    pub(super) password: Option<Spanned<Hidden>>,
    pub(super) auth_provider: Option<Spanned<IgnoredAny>>,
    #[serde(rename = "as")]
    pub(super) impersonate: Option<Spanned<Hidden>>,
    pub(super) as_uid: Option<Spanned<Hidden>>,
    pub(super) as_groups: Option<Spanned<IgnoredAny>>,
    pub(super) as_user_extra: Option<Spanned<IgnoredAny>>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawExec {
    pub(super) api_version: Option<Spanned<String>>,
    pub(super) command: Option<String>,
    pub(super) args: Option<Vec<Hidden>>,
    pub(super) env: Option<Vec<RawVariable>>,
    pub(super) install_hint: Option<String>,
    pub(super) interactive_mode: Option<Spanned<String>>,
    pub(super) provide_cluster_info: Option<bool>,
}

#[derive(serde::Deserialize)]
pub(super) struct RawVariable {
    pub(super) name: String,
    pub(super) value: Hidden,
}

/// A text that may be a secret, and so is none that can be shown.
pub(super) struct Hidden(pub(super) Secret);

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Secret::new(text)))
    }
}

impl Hidden {
    pub(super) fn is_empty(&self) -> bool {
        self.0.expose().is_empty()
    }
}
