//! Documents of the API: a page of nodes, discovery, the answer to a review, a refusal; with `serde_json` for a second opinion.

use kubeassay_cluster::fuzzing::{access_review, discovery, nodes, resources, said};
use serde_json::Value;

use crate::secret_words;

/// Reads an input as each of them.
pub(crate) fn run(data: &[u8]) {
    // What is passed over unread may be no UTF-8, and numbers of any size.
    let value: Option<Value> = serde_json::from_str(&String::from_utf8_lossy(data)).ok();
    match nodes(data) {
        Err(said) => secret_words::not_in(&said, data),
        Ok(nodes) => {
            if let Some(value) = &value {
                assert_eq!(value["kind"], "NodeList");
                let items = value["items"].as_array().map_or(0, Vec::len);
                assert_eq!(nodes.len(), items, "a node is lost");
            }
            for node in &nodes {
                assert!(node.hosts.len() <= 3 && node.port != 0, "{node:?}");
                assert!(node.name.len() <= 256, "{node:?}");
                let unique =
                    |host: &&String| node.hosts.iter().filter(|one| one == host).count() == 1;
                assert!(node.hosts.iter().all(|host| unique(&host)), "{node:?}");
            }
        }
    }
    match access_review(data) {
        Err(said) => secret_words::not_in(&said, data),
        // Nothing but a plain `false` makes a token harmless.
        Ok(allowed) => {
            let said = value.map(|value| value["status"]["allowed"].clone());
            assert!(
                said.is_none_or(|said| said == allowed),
                "the server did not say so"
            );
        }
    }
    // Whatever a server says, what is asked next is discovery.
    for path in discovery(data).unwrap_or_default() {
        let steps: Vec<&str> = path.split('/').collect();
        let plain = |step: &&str| !step.is_empty() && !step.starts_with('.');
        let is_discovery = match steps.as_slice() {
            ["", "api", version] => plain(version),
            ["", "apis", group, version] => plain(group) && plain(version),
            _ => false,
        };
        assert!(is_discovery, "{path:?}");
    }
    let _read = resources(data);
    let said = said(data);
    assert!(said.len() <= 200 * 10 + 10, "{} bytes", said.len());
    assert!(!said.chars().any(char::is_control), "{said:?}");
}
