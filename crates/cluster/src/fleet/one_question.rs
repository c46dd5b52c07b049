//! Single questions to an API server, for those who scan no cluster.

use kubeassay_core::facts::{EndpointFacts, Trouble};
use kubeassay_core::verdict::Cause;

use super::node::{self, Listed};
use super::{FleetError, PER_SECOND, api};
use crate::credentials::Connection;
use crate::identity::ClientIdentity;
use crate::kubelet::Access;
use crate::runtime::block_on;

/// Returns the version of an API server, such as `v1.34.2`; nothing where it does not say.
///
/// # Errors
///
/// If it gives no answer that can be used.
pub fn version(connection: Connection, access: &Access) -> Result<Option<String>, FleetError> {
    let api = api(connection, access, PER_SECOND);
    let asked = block_on(async move { api.version().await });
    match asked {
        Ok(answer) => answer.map_err(|error| FleetError::NoAnswer(error.trouble())),
        Err(error) => Err(FleetError::Runtime(error.to_string())),
    }
}

/// Asks the API server to ask the kubelet of the node called `name` for its `/configz`, which takes `nodes/proxy`.
pub fn ask_through_the_api_server(
    connection: Connection,
    access: &Access,
    name: &str,
) -> EndpointFacts {
    let listed = Listed::named(name);
    let api = api(connection, access, PER_SECOND);
    let asked = block_on(async { node::through_the_api_server(&listed, access, &api).await });
    asked.unwrap_or_else(|error| {
        let trouble = Trouble {
            cause: Cause::Unreachable,
            reason: format!("cannot ask anything from here: {error}"),
        };
        node::unanswered_by_proxy(&listed, access, trouble)
    })
}

/// Asks whether whoever the connection asks as may read `/pods` of a kubelet, by the cluster's RBAC; nothing where the
/// API server does not say.
pub fn may_read_pods(connection: Connection, access: &Access) -> Option<bool> {
    let api = api(connection, access, PER_SECOND);
    block_on(async move { api.may_read_pods().await })
        .ok()?
        .ok()
}

/// Asks whether the connection's token may be sent to nodes, for whoever asks a kubelet directly.
///
/// # Errors
///
/// Why it must not be sent. A client certificate is no token and always harmless.
pub fn token_is_harmless(connection: Connection, access: &Access) -> Result<(), Trouble> {
    let refused = |reason| {
        Err(Trouble {
            cause: Cause::NotPermitted,
            reason,
        })
    };
    let token = match &connection.identity {
        Some(ClientIdentity::Certificate(_)) => return Ok(()),
        Some(ClientIdentity::Token(token)) => token.clone(),
        None => return refused("there is no token that could be sent to nodes".to_owned()),
    };
    let api = api(connection, access, PER_SECOND);
    match block_on(async move { api.harmless_token().await }) {
        // What was said is about another token than the one that would be sent.
        Ok(Ok(asked)) if asked != token => refused(
            "the token is not sent to nodes: its file was renewed while it was asked what it may do; try again"
                .to_owned(),
        ),
        Ok(asked) => asked.map(drop),
        Err(error) => refused(format!(
            "the token is not sent to nodes: nothing can be asked from here: {error}"
        )),
    }
}
