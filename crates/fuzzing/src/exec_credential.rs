//! What an exec plugin prints for credentials.

use jiff::Timestamp;
use kubeassay_cluster::exec_plugin::PluginProblem;
use kubeassay_cluster::fuzzing::exec_credential;
use kubeassay_cluster::identity::ClientIdentity;
use kubeassay_cluster::kubeconfig::ExecVersion;
use serde_json::Value;

use crate::secret_words;

/// Reads an input as what a plugin of either version prints.
pub(crate) fn run(data: &[u8]) {
    let now = Timestamp::UNIX_EPOCH;
    for version in [ExecVersion::V1, ExecVersion::V1Beta1] {
        match exec_credential(data, version, now) {
            Err(problem) => {
                // The time at which they expired is shown on purpose.
                if !matches!(problem, PluginProblem::Expired(_)) {
                    secret_words::not_in(&format!("{problem} {problem:?}"), data);
                }
            }
            Ok(identity) => {
                secret_words::not_in(&format!("{identity:?} {identity}"), data);
                // What is passed over unread may be no UTF-8, and numbers of any size.
                let text = String::from_utf8_lossy(data);
                let Ok(value) = serde_json::from_str::<Value>(&text) else {
                    continue;
                };
                assert_eq!(value["apiVersion"], version.as_str());
                assert_eq!(value["kind"], "ExecCredential");
                let field = match identity {
                    ClientIdentity::Token(_) => "token",
                    ClientIdentity::Certificate(_) => "clientKeyData",
                };
                let given = value["status"][field].as_str().unwrap_or_default();
                assert!(!given.trim().is_empty(), "{field} came from nowhere");
            }
        }
    }
}
