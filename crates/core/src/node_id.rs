//! The name of a node that stays the same in every scan of it.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::text::hexadecimal;

/// The key of a node's id. Never to be changed: ids of findings are made of it.
const ID_KEY: &[u8] = b"kubeassay.node-id/v1";

/// Returns the id of the node with this machine id, or nothing if that is none.
///
/// It is the first 128 bits of HMAC-SHA256 over the machine id, with a key of kubeassay's own, in hexadecimal:
/// the machine id itself should not be exposed (machine-id(5)). The text is that of `/etc/machine-id`
/// and of `status.nodeInfo.machineID` of a Node object, so that a scan of the host and one of the cluster
/// agree.
pub fn node_id(machine_id: &str) -> Option<String> {
    let machine_id = machine_id.trim();
    // What systemd writes into images that are to be started more than once.
    if machine_id.is_empty() || machine_id == "uninitialized" {
        return None;
    }
    let mut hash = Hmac::<Sha256>::new_from_slice(ID_KEY).ok()?;
    hash.update(machine_id.as_bytes());
    let digest = hash.finalize().into_bytes();
    digest.get(..16).map(hexadecimal)
}

#[cfg(test)]
mod tests {
    use super::node_id;

    #[test]
    fn the_id_is_of_the_machine_id_and_not_the_machine_id() {
        let id = node_id("8f4f1a2b3c4d5e6f708192a3b4c5d6e7\n").unwrap();
        // python3 -c 'import hmac; print(hmac.new(b"kubeassay.node-id/v1", b"8f4f1a2b3c4d5e6f708192a3b4c5d6e7", "sha256").hexdigest()[:32])'
        assert_eq!(id, "c37a61441f5e0fe74e2c46ae018ceae6");
        assert_eq!(node_id("8f4f1a2b3c4d5e6f708192a3b4c5d6e7"), Some(id));
        assert_eq!(node_id(" \n"), None);
        assert_eq!(node_id("uninitialized\n"), None);
    }
}
