//! What an exec plugin prints for credentials.

use jiff::Timestamp;
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
                secret_words::not_in(&problem.to_string(), &without_time(data));
                secret_words::not_in(&format!("{problem:?}"), &without_time(data));
            }
            Ok(identity) => {
                secret_words::not_in(&format!("{identity:?} {identity}"), data);
                let value: Value = serde_json::from_slice(data).expect("it was read as JSON");
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

/// The time at which they expired is shown on purpose.
fn without_time(data: &[u8]) -> Vec<u8> {
    let Ok(value) = serde_json::from_slice::<Value>(data) else {
        return data.to_vec();
    };
    let mut value = value;
    if let Some(status) = value.get_mut("status").and_then(Value::as_object_mut) {
        status.remove("expirationTimestamp");
    }
    value.to_string().into_bytes()
}
