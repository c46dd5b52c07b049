//! Names that stay the same from scan to scan.

use kubeassay_core::Horizon;
use sha2::{Digest as _, Sha256};

/// Returns the id of a finding: 128 bits over rule, node, subject and horizon.
pub(crate) fn finding(rule: &str, node: &str, subject: &str, horizon: Horizon) -> String {
    let mut hash = Sha256::new();
    for part in [rule, node, subject, horizon.as_str()] {
        hash.update(part.as_bytes());
        // A byte that none of them holds keeps `ab` + `c` from being `a` + `bc`.
        hash.update([0xff]);
    }
    let digest = hash.finalize();
    let id = digest
        .iter()
        .take(16)
        .fold(0_u128, |id, byte| id << 8 | u128::from(*byte));
    format!("{id:032x}")
}

#[cfg(test)]
mod tests {
    use kubeassay_core::Horizon;

    use super::finding;

    #[test]
    fn ids_are_stable_and_tell_their_parts_apart() {
        let id = finding(
            "kubelet-authorization-mode",
            "node-1",
            "/var/lib/kubelet",
            Horizon::Running,
        );
        assert_eq!(id, "22c30ee61dc3e4c8f41e377ce998e417");
        assert_ne!(
            finding("a", "bc", "d", Horizon::Running),
            finding("ab", "c", "d", Horizon::Running)
        );
    }
}
