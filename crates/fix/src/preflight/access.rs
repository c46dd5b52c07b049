//! Whether whoever needs the kubelet still gets in, and nobody is locked out who should not be.

use kubeassay_core::facts::Facts;
use kubeassay_core::text::escape;
use kubeassay_core::{Bytes, Value};

use super::after::{
    ANONYMOUS, BOOTSTRAP, CLIENT_CA, KUBECONFIG, MODE, TOKENS, becomes, may_be, path, setting,
    webhook,
};
use super::{
    ApiServerSeen, Certificates, ClientSeen, KubeconfigSeen, Looked, Outcome, Unread, VERBS,
};
use crate::planner::PlannedKubelet;
use crate::world::{ClientName, Reach, Vouching};

/// What is said of every part that the API would have to be asked for.
const ASK: &str = "add --live with credentials";

/// Returns whether the kubelet will ask the API server about requests: who does not is not concerned.
pub(super) fn asks_the_api(kubelet: &PlannedKubelet) -> bool {
    may_be(kubelet, MODE, &webhook()) || may_be(kubelet, TOKENS, &Value::Bool(true))
}

/// Returns whether requests that got in before may be refused afterwards.
pub(super) fn narrows(kubelet: &PlannedKubelet, facts: &Facts) -> bool {
    let changes_authorities = || kubelet.settings.iter().any(|path| path == CLIENT_CA);
    requires_rights(kubelet, facts)
        || becomes(kubelet, facts, ANONYMOUS, &Value::Bool(false))
        || changes_authorities()
}

/// Returns whether whoever is somebody will need rights, and may not have needed any before.
pub(super) fn requires_rights(kubelet: &PlannedKubelet, facts: &Facts) -> bool {
    becomes(kubelet, facts, MODE, &webhook())
}

/// Tells whether the kubelet reaches the API server that it will have to ask.
pub(super) fn kubeconfig(looked: Looked<'_>) -> Option<Outcome> {
    let after = &looked.kubelet.after;
    if !asks_the_api(looked.kubelet) {
        return None;
    }
    let given = match path(after, KUBECONFIG) {
        Ok(given) if given.is_empty() => {
            let reason = "the kubelet has no --kubeconfig, and cannot ask the API server without; a kubelet that is meant to stand alone has to stay with AlwaysAllow";
            return Some(Outcome::fail(reason.to_owned()));
        }
        Ok(given) => given,
        Err(why) => {
            let reason = format!("whether the kubelet has a kubeconfig cannot be told: {why}");
            return Some(Outcome::unknown(reason));
        }
    };
    let bootstraps = !matches!(path(after, BOOTSTRAP), Ok(path) if path.is_empty());
    Some(match &looked.seen.kubeconfig {
        None => Outcome::unknown(format!("{given} was not looked at")),
        Some(KubeconfigSeen::Unread(Unread::Missing)) if bootstraps => Outcome::unknown(format!(
            "{given} is not there yet; the kubelet has to get it with its --bootstrap-kubeconfig first: wait for it, or --accept kubeconfig"
        )),
        Some(KubeconfigSeen::Unread(Unread::Missing)) => Outcome::fail(format!(
            "{given} is not there, and without it the kubelet would not start"
        )),
        Some(KubeconfigSeen::Unread(Unread::Because(why))) => {
            Outcome::unknown(format!("{given} {why}"))
        }
        Some(KubeconfigSeen::There) => Outcome::unknown(format!(
            "{given} is there; whether its API server answers was not asked: add --live, or --accept kubeconfig"
        )),
        Some(KubeconfigSeen::Asked(Reach::Answered { server, status })) => Outcome::pass(format!(
            "{given} is there, and its API server {server} answers ({status})"
        )),
        Some(KubeconfigSeen::Asked(Reach::Silent { server, why })) => Outcome::fail(format!(
            "the API server {server} of {given} does not answer, and every request would be refused: {why}"
        )),
        Some(KubeconfigSeen::Asked(Reach::NotAsked(why))) => Outcome::unknown(format!(
            "whether the API server of {given} answers could not be asked: {why}; --accept kubeconfig if it does"
        )),
    })
}

/// Tells whether the kubelet will recognise the API server, so that `kubectl logs` and `exec` go on working.
pub(super) fn client_ca(looked: Looked<'_>) -> Option<Outcome> {
    if !narrows(looked.kubelet, looked.facts) {
        return None;
    }
    let file = match path(&looked.kubelet.after, CLIENT_CA) {
        Ok(file) if file.is_empty() => {
            return Some(Outcome::fail(format!(
                "{CLIENT_CA} is not set, so that the API server would be nobody and every kubectl logs and exec be refused; set it to the authority that signs the API server's client certificate, often /etc/kubernetes/pki/ca.crt"
            )));
        }
        Ok(file) => file,
        Err(why) => {
            let reason = format!("which authorities the kubelet trusts cannot be told: {why}");
            return Some(Outcome::unknown(reason));
        }
    };
    let authorities = match &looked.seen.authorities {
        None => return Some(Outcome::unknown(format!("{file} was not looked at"))),
        Some(Err(Unread::Missing)) => {
            return Some(Outcome::fail(format!(
                "{file} ({CLIENT_CA}) is not there, and without it the kubelet would not start"
            )));
        }
        Some(Err(Unread::Because(why))) => {
            return Some(Outcome::unknown(format!("{file} ({CLIENT_CA}) {why}")));
        }
        Some(Ok(authorities)) => authorities,
    };
    Some(match &looked.seen.api_server {
        _ if authorities.found.is_empty() && !authorities.stopped => {
            Outcome::fail(format!("{file} ({CLIENT_CA}) holds no certificate"))
        }
        None => Outcome::unknown("the API server's certificate was not looked at".to_owned()),
        Some(ApiServerSeen::None) => unknown_issuer(
            &file,
            "the API server's client certificate is on the nodes of the control plane, and this is none",
        ),
        Some(
            ApiServerSeen::Unknown(why)
            | ApiServerSeen::Here {
                client: Err(why), ..
            },
        ) => unknown_issuer(&file, why),
        Some(ApiServerSeen::Here {
            manifest,
            client: Ok(None),
        }) => Outcome::fail(format!(
            "the API server of {manifest} shows kubelets no certificate (--kubelet-client-certificate), so that it would be nobody to them; give it one first"
        )),
        Some(ApiServerSeen::Here {
            client: Ok(Some(client)),
            ..
        }) => issuer(&file, authorities, client),
    })
}

/// Says that it cannot be told who signed the API server's certificate.
fn unknown_issuer(file: &Bytes, why: &str) -> Outcome {
    Outcome::unknown(format!(
        "{file} is there; whether it holds the authority that signed the API server's client certificate cannot be told: {why}; compare them on a node of the control plane (openssl verify -CAfile), then --accept client-ca"
    ))
}

/// Tells whether the kubelet's authorities vouch for the API server's certificate.
fn issuer(file: &Bytes, authorities: &Certificates, client: &ClientSeen) -> Outcome {
    let path = &client.path;
    match &client.vouching {
        None => unknown_issuer(file, &format!("{path} was not held against it")),
        Some(Vouching::Unknown(why)) => unknown_issuer(file, why),
        Some(Vouching::NotSigned) if authorities.stopped => unknown_issuer(
            file,
            &format!(
                "none of its first certificates signed {path}, and something else follows them, of which nothing is read"
            ),
        ),
        Some(Vouching::NotSigned) if !client.alone => unknown_issuer(
            file,
            &format!(
                "none of its certificates signed {path}, in which more follows that is not read: it may be an authority between"
            ),
        ),
        Some(Vouching::NotSigned) => Outcome::fail(format!(
            "no authority in {file} signed the API server's client certificate {path}, so that the API server would be refused; add its authority to that file"
        )),
        Some(Vouching::Refused(why)) => Outcome::fail(format!(
            "the API server's client certificate {path} would be refused: {why}; renew it, or mend {file}"
        )),
        Some(Vouching::Signed) => Outcome::pass(format!(
            "an authority in {file} signed the API server's client certificate {path}"
        )),
    }
}

/// Tells whether tokens will be worth something.
pub(super) fn token_webhook(looked: Looked<'_>) -> Option<Outcome> {
    if !narrows(looked.kubelet, looked.facts) {
        return None;
    }
    Some(match setting(&looked.kubelet.after, TOKENS) {
        Ok(Value::Bool(true)) => Outcome::pass(
            "tokens are recognised: the kubelet asks the API server about them".to_owned(),
        ),
        Ok(_) => Outcome::unknown(format!(
            "{TOKENS} will be off, so that whoever shows a ServiceAccount's token is refused (401), such as metrics-server, Prometheus and log shippers; set it to true, or --accept token-webhook if nothing on this node is asked with tokens"
        )),
        Err(why) => Outcome::unknown(format!(
            "whether tokens will be recognised cannot be told: {why}"
        )),
    })
}

/// Tells whether the API server will be allowed what logs and exec take.
pub(super) fn api_authorization(looked: Looked<'_>) -> Option<Outcome> {
    if !requires_rights(looked.kubelet, looked.facts) {
        return None;
    }
    let unknown = |why: &str| {
        Some(Outcome::unknown(format!(
            "whether the API server may use nodes/proxy cannot be told: {why}; see that the user of its client certificate is bound to the ClusterRole system:kubelet-api-admin, then --accept api-authorization"
        )))
    };
    let client = match &looked.seen.api_server {
        None => return unknown("the API server's certificate was not looked at"),
        Some(ApiServerSeen::None) => {
            return unknown(
                "its client certificate, which names it, is on the nodes of the control plane, and this is none",
            );
        }
        Some(
            ApiServerSeen::Unknown(why)
            | ApiServerSeen::Here {
                client: Err(why), ..
            },
        ) => {
            return unknown(why);
        }
        Some(ApiServerSeen::Here {
            client: Ok(None),
            manifest,
        }) => {
            return Some(Outcome::fail(format!(
                "the API server of {manifest} shows kubelets no certificate (--kubelet-client-certificate), and nobody has no rights; give it one first"
            )));
        }
        Some(ApiServerSeen::Here {
            client: Ok(Some(client)),
            ..
        }) => client,
    };
    let name = match &client.name {
        Ok(name) => name,
        Err(why) => return unknown(&format!("{}: {why}", client.path)),
    };
    let Some(may) = &looked.seen.may else {
        return unknown(&format!("it was not asked: {ASK}"));
    };
    let shown = shown(name);
    for wanted in VERBS {
        match may.iter().find(|(verb, _)| *verb == wanted) {
            None => return unknown("not everything was asked"),
            Some((_, Err(why))) => return unknown(why),
            Some((_, Ok(true))) => {}
            Some((_, Ok(false))) => {
                return Some(Outcome::fail(format!(
                    "{shown}, as whom the API server comes, may not {wanted} nodes/proxy, so that kubectl logs or exec would be refused; bind that user to the ClusterRole system:kubelet-api-admin first"
                )));
            }
        }
    }
    Some(Outcome::pass(format!(
        "{shown}, as whom the API server comes, may get and create nodes/proxy"
    )))
}

/// Shows whom a certificate names.
fn shown(name: &ClientName) -> String {
    let user = escape(&name.user);
    if name.groups.is_empty() {
        return format!("the user {user}");
    }
    let groups: Vec<String> = name.groups.iter().map(|group| escape(group)).collect();
    format!("the user {user} (of {})", groups.join(", "))
}
