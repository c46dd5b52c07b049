//! Names of users: from facts, never from the machine that judges them.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests start the program and write the facts that it judges"
)]

use assert_cmd::Command;
use serde_json::{Value as Json, json};

/// Judges the recorded node, whose kubelet runs as `uid`, with these names of users.
fn scan(uid: u32, users: &Json, format: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("facts.json");
    let facts = concat!(env!("CARGO_MANIFEST_DIR"), "/src/demo.json");
    let mut facts: Json = serde_json::from_slice(&std::fs::read(facts).unwrap()).unwrap();
    facts["node"]["users"] = users.clone();
    let processes = facts["processes"].as_array_mut().unwrap();
    let kubelet = processes
        .iter_mut()
        .find(|one| one["component"] == "kubelet");
    kubelet.unwrap()["uid"] = json!(uid);
    std::fs::write(&file, serde_json::to_vec(&facts).unwrap()).unwrap();
    let mut command = Command::cargo_bin("kubeassay").unwrap();
    command.args(["scan", "4.2.2", "-o", format, "--facts"]);
    let output = command.arg(&file).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_kubelet_runs_as_whom_the_facts_name() {
    let users = json!({"0": "root", "7": {"base64": "/xtbMW0="}});
    for (uid, users, said) in [
        (0, &users, "runs as root (0)"),
        // Not the name that this machine has for it.
        (0, &json!({}), "runs as user 0"),
        (8, &users, "runs as user 8"),
        // Bytes that no terminal should get.
        (7, &users, "runs as \\xff\\x1b[1m (7)"),
    ] {
        let wide = scan(uid, users, "wide");
        assert!(wide.contains(said), "{wide}");
        assert!(!scan(uid, users, "table").contains("runs as"));
    }
    let report: Json = serde_json::from_str(&scan(7, &users, "json")).unwrap();
    assert_eq!(
        report["findings"][0]["subject"]["user"],
        json!({"id": 7, "name": {"base64": "/xtbMW0="}})
    );
}
