//! The name of a finding that stays the same from scan to scan.

use sha2::{Digest as _, Sha256};

use crate::text::hexadecimal;
use crate::verdict::Horizon;

/// Returns the id of a finding: 128 bits over rule, node, subject and horizon.
pub fn finding_id(rule: &str, node: &str, subject: &str, horizon: Horizon) -> String {
    let mut hash = Sha256::new();
    for part in [rule, node, subject, horizon.as_str()] {
        hash.update(part.as_bytes());
        // A byte that none of them holds keeps `ab` + `c` from being `a` + `bc`.
        hash.update([0xff]);
    }
    let digest = hash.finalize();
    digest.get(..16).map_or_else(String::new, hexadecimal)
}

#[cfg(test)]
mod tests {
    use super::finding_id;
    use crate::verdict::Horizon;

    #[test]
    fn ids_are_stable_and_tell_their_parts_apart() {
        let id = finding_id(
            "kubelet-authorization-mode",
            "node-1",
            "/var/lib/kubelet",
            Horizon::Running,
        );
        assert_eq!(id, "22c30ee61dc3e4c8f41e377ce998e417");
        assert_ne!(
            finding_id("a", "bc", "d", Horizon::Running),
            finding_id("ab", "c", "d", Horizon::Running)
        );
    }
}
