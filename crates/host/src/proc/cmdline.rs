//! `/proc/PID/cmdline` and `/proc/PID/environ`.

use std::collections::BTreeMap;

use kubeassay_core::{Bytes, Component};

/// The environment variables that change how a component reads its configuration. Their values are kept,
/// nothing else of the environment is.
const VARIABLES: &[&str] = &["KUBELET_CONFIG_DROPIN_DIR_ALPHA"];

/// Variables that tell CRI-O where its configuration and that of CNI lie (`internal/criocli`).
const CRIO: [&str; 3] = [
    "CONTAINER_CONFIG",
    "CONTAINER_CONFIG_DIR",
    "CONTAINER_CNI_CONFIG_DIR",
];

/// What the variables of etcd start with: each of them sets one of its flags (`pkg/flags/flag.go`).
const ETCD: &[u8] = b"ETCD_";

/// Splits a command line into its arguments. Empty ones stay; the NUL at the end belongs to the last.
pub fn arguments(content: &[u8]) -> Vec<Bytes> {
    if content.is_empty() {
        return Vec::new();
    }
    let content = content.strip_suffix(&[0]).unwrap_or(content);
    content.split(|byte| *byte == 0).map(Bytes::from).collect()
}

/// Returns the first argument.
pub fn first(content: &[u8]) -> &[u8] {
    content.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Returns the variables that matter to a component. Of two with the same name Go takes the first.
pub fn environment(content: &[u8], component: Component) -> BTreeMap<String, Bytes> {
    let mut found = BTreeMap::new();
    for variable in content.split(|byte| *byte == 0) {
        let mut parts = variable.splitn(2, |byte| *byte == b'=');
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else {
            continue;
        };
        let matters = match component {
            Component::Etcd => name.starts_with(ETCD),
            Component::ContainerRuntime => CRIO.iter().any(|known| known.as_bytes() == name),
            _ => VARIABLES.iter().any(|known| known.as_bytes() == name),
        };
        if matters && let Ok(name) = std::str::from_utf8(name) {
            found.entry(name.to_owned()).or_insert_with(|| value.into());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use kubeassay_core::{Bytes, Component};
    use proptest::prelude::*;

    use super::{arguments, environment};

    #[test]
    fn arguments_are_kept_exactly() {
        assert_eq!(arguments(b"a\0\0b c\0"), ["a", "", "b c"].map(Bytes::from));
        assert_eq!(arguments(b"a\0b"), ["a", "b"].map(Bytes::from));
        assert_eq!(arguments(b"a\0\0"), ["a", ""].map(Bytes::from));
        assert_eq!(arguments(b"\0"), [Bytes::from("")]);
        assert!(arguments(b"").is_empty());
    }

    #[test]
    fn only_variables_that_matter_are_kept_and_the_first_wins() {
        let found = environment(
            b"TOKEN=s\0KUBELET_CONFIG_DROPIN_DIR_ALPHA=\0KUBELET_CONFIG_DROPIN_DIR_ALPHA=x\0noise\0ETCD_NAME=a\0",
            Component::Kubelet,
        );
        assert_eq!(found.len(), 1);
        assert_eq!(found["KUBELET_CONFIG_DROPIN_DIR_ALPHA"], Bytes::from(""));
        let found = environment(b"ETCD_NAME=a\0TOKEN=s\0", Component::Etcd);
        assert_eq!(found.len(), 1);
        assert_eq!(found["ETCD_NAME"], Bytes::from("a"));
    }

    proptest! {
        #[test]
        fn joined_arguments_come_back(argv in prop::collection::vec(prop::collection::vec(1_u8.., 0..8), 1..6)) {
            let content: Vec<u8> = argv.iter().flat_map(|argument| argument.iter().copied().chain([0])).collect();
            let wanted: Vec<Bytes> = argv.into_iter().map(Bytes::from).collect();
            prop_assert_eq!(arguments(&content), wanted);
        }

        #[test]
        fn no_content_panics(content: Vec<u8>) {
            drop(environment(&content, Component::Etcd));
        }
    }
}
