//! A host that runs, below a root of its own: a folder with a procfs of a PID namespace in which nothing else runs, so that
//! whether a kubelet runs there is unknown.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::{is_root, program};

/// A host without kubelets.
struct Rooted(TempDir);

impl Rooted {
    /// Lays it out; nothing where namespaces cannot be made.
    fn new() -> Option<Self> {
        if !is_root() {
            return None;
        }
        let folder = TempDir::new().unwrap();
        for part in ["proc", "etc", "var/lib"] {
            fs::create_dir_all(folder.path().join(part)).unwrap();
        }
        fs::write(folder.path().join("etc/hostname"), "worker-1\n").unwrap();
        fs::write(
            folder.path().join("etc/machine-id"),
            "0123456789abcdef0123456789abcdef\n",
        )
        .unwrap();
        let host = Self(folder);
        let (code, _, stderr) = host.run(&["version"]);
        if code != 0 {
            eprintln!("skipped: no namespaces: {stderr}");
            return None;
        }
        Some(host)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Runs the program where the host runs.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = Command::new("unshare")
            .args(["--pid", "--mount", "--fork", "sh", "-c"])
            .arg("mount -t proc proc \"$1/proc\" && shift && exec \"$@\"")
            .arg("sh")
            .arg(self.path())
            .arg(program())
            .args(arguments)
            .output();
        let Ok(output) = output else {
            return (127, String::new(), "unshare is not installed".to_owned());
        };
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (
            output.status.code().unwrap(),
            text(&output.stdout),
            text(&output.stderr),
        )
    }

    /// Runs a command on the host.
    fn on_it(&self, arguments: &[&str]) -> (i32, String, String) {
        let root = self.path().to_str().unwrap();
        self.run(&[arguments, &["--root", root]].concat())
    }
}

#[test]
fn a_host_on_which_nothing_can_be_mended_is_left_alone() {
    let Some(host) = Rooted::new() else {
        return;
    };
    let file = host.path().join("node.plan");
    let plan = file.to_str().unwrap();
    let (code, stdout, stderr) = host.on_it(&["fix", "--all", "--output-file", plan]);
    assert_eq!((code, stdout.as_str()), (0, ""), "{stderr}");
    assert!(stderr.contains("Nothing to change"), "{stderr}");
    let (code, stdout, stderr) = host.on_it(&["apply", plan]);
    assert_eq!((code, stdout.as_str()), (0, ""), "{stderr}");
    assert!(stderr.contains("nothing to do"), "{stderr}");
    // Nobody has to be asked where there is nothing to do.
    let (code, stdout, stderr) = host.on_it(&["fix", "--all", "--apply"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.contains("Nothing to change"), "{stdout}");
    let (code, stdout, stderr) = host.on_it(&["rollback"]);
    assert_eq!((code, stdout.as_str()), (0, ""), "{stderr}");
    assert!(
        stderr.contains("there is no transaction to undo"),
        "{stderr}"
    );
    let (code, stdout, stderr) = host.on_it(&["rollback", "20261126T013000Z-4f2a9c"]);
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.contains("there is no transaction"), "{stderr}");
    let (code, stdout, _) = host.on_it(&["transactions"]);
    assert_eq!(
        (code, stdout.as_str()),
        (0, "No transaction: kubeassay changed nothing here.\n")
    );
}

#[test]
fn a_plan_of_another_node_or_of_another_time_is_refused() {
    let Some(host) = Rooted::new() else {
        return;
    };
    let file = host.path().join("node.plan");
    let path = file.to_str().unwrap();
    let (code, _, stderr) = host.on_it(&["fix", "--all", "--output-file", path]);
    assert_eq!(code, 0, "{stderr}");
    let made: Json = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let mut elsewhere = made.clone();
    elsewhere["node"]["id"] = json!("another");
    let mut forged = made;
    forged["restarts"] = json!([
        {"unit": "sshd.service", "subject": "/var/lib/kubelet", "by": null}
    ]);
    for (plan, said) in [
        (elsewhere, "the plan is for the node"),
        (forged, "plan again"),
    ] {
        fs::write(&file, plan.to_string()).unwrap();
        let (code, stdout, stderr) = host.on_it(&["apply", path]);
        assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");
        assert!(stderr.contains(said), "{stderr}");
    }
}
