//! Mending nodes as users meet it: plans of captured hosts, files that hold plans, who may, what is refused and how, the
//! Job that carries a plan to its node.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests start the program, look at the files it wrote, and say what they skip"
)]

mod carried;
mod plan_files;
mod plans;
mod rooted;
mod usage;

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::{Value as Json, json};

/// Somebody who owns nothing.
const NOBODY: u32 = 65_534;

fn host(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/hosts")
        .join(format!("{name}.yaml"));
    path.to_str().unwrap().to_owned()
}

fn program() -> PathBuf {
    assert_cmd::cargo::cargo_bin("kubeassay")
}

/// Runs a command and returns its exit code, stdout and stderr.
fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(program())
        .args(arguments)
        .env_remove("NO_COLOR")
        .env_remove("KUBECONFIG")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("skipped: not root");
    }
    root
}

/// A plan for worker-1 that changes something, as a document.
fn plan() -> Json {
    let (code, stdout, stderr) = run(&["fix", "4.2.2", "--demo", "-o", "json"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    let mut plan: Json = serde_json::from_str(&stdout).unwrap();
    let config = "/var/lib/kubelet/config.yaml";
    plan["node"]["name"] = json!("worker-1");
    plan["restarts"] = json!([
        {"unit": "kubelet.service", "subject": "kubelet.service", "by": null}
    ]);
    plan["fixes"] = json!([]);
    plan["unfixed"] = json!([]);
    plan["elsewhere"] = json!([]);
    plan["preflight"] = json!([]);
    plan["edits"] = json!([{
        "path": config,
        "target": config,
        "kind": "change",
        "before": "ab".repeat(32),
        "hunks": [{
            "line": 2,
            "above": ["authorization:\n"],
            "old": ["  mode: AlwaysAllow\n"],
            "new": ["  mode: Webhook\n"],
            "below": ["cgroupDriver: systemd\n"],
        }],
    }]);
    plan
}
