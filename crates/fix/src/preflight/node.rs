//! Whether the node can be spared for a moment, and whether it is left alone.

use super::{ApiServerSeen, Lock, Looked, Outcome};

/// Tells whether others carry the control plane while this node's kubelet starts again.
pub(super) fn control_plane(looked: Looked<'_>) -> Option<Outcome> {
    match &looked.seen.api_server {
        Some(ApiServerSeen::None) => return None,
        Some(ApiServerSeen::Here { .. }) => {}
        Some(ApiServerSeen::Unknown(why)) => {
            return Some(Outcome::unknown(format!(
                "whether this node has an API server cannot be told: {why}; if it may be started again, --accept control-plane"
            )));
        }
        None => {
            let reason = "whether this node has an API server was not looked at";
            return Some(Outcome::unknown(reason.to_owned()));
        }
    }
    Some(match &looked.seen.others {
        Some(Ok(0)) => Outcome::unknown(
            "this is the only node of the control plane that is Ready: if its kubelet does not come back, nobody reaches the API; --accept control-plane if that can be borne"
                .to_owned(),
        ),
        Some(Ok(1)) => Outcome::pass("another node of the control plane is Ready".to_owned()),
        Some(Ok(count)) => {
            Outcome::pass(format!("{count} other nodes of the control plane are Ready"))
        }
        Some(Err(why)) => Outcome::unknown(format!(
            "whether others carry the control plane cannot be told: {why}; --accept control-plane if they do"
        )),
        None => Outcome::unknown(
            "this node belongs to the control plane, and whether others carry it was not asked; add --live with credentials, or --accept control-plane"
                .to_owned(),
        ),
    })
}

/// Tells whether nobody else is in the middle of a change.
pub(super) fn lock(lock: &Lock) -> Outcome {
    match lock {
        Lock::Free => Outcome::pass("nobody else is changing this node".to_owned()),
        Lock::Held(why) => Outcome::fail(why.clone()),
        Lock::NotLookedAt => Outcome::unknown(
            "whether somebody else is changing this node was not looked at".to_owned(),
        ),
    }
}
