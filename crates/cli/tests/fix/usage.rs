//! What is refused before anything is looked at, who may, and the help.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command as Process;

use insta::assert_snapshot;
use tempfile::TempDir;

use super::{NOBODY, host, program, run};

#[test]
fn help_says_how_and_what_the_exit_codes_mean() {
    for command in [
        &["fix"][..],
        &["apply"],
        &["rollback"],
        &["transactions"],
        &["manifest", "apply"],
    ] {
        let (code, stdout, stderr) = run(&[command, &["--help"]].concat());
        assert_eq!((code, stderr.as_str()), (0, ""));
        assert_snapshot!(format!("help_{}", command.join("_")), stdout);
    }
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let recorded = host("kubeadm");
    for (arguments, said) in [
        (&["fix"][..], "or mend all that can be: kubeassay fix --all"),
        (&["fix", "--demo"], "name the rules whose failures"),
        (&["fix", "4.2.2", "--all"], "cannot be used with '--all'"),
        (&["fix", "4.2.22", "--demo"], "did you mean"),
        (
            &["fix", "kubelet-authorisation-mode", "--demo"],
            "did you mean `kubelet-authorization-mode`",
        ),
        (
            &["fix", "4.2.2", "--demo", "--apply"],
            "cannot be used with",
        ),
        (
            &["fix", "4.2.2", "--facts", "x.json", "--apply"],
            "cannot be used with",
        ),
        (
            &["fix", "4.2.2", "--root", &recorded, "--apply"],
            "is a recording of a host, and fix --apply writes to one that runs",
        ),
        (&["fix", "4.2.2", "--auto-approve"], "--apply"),
        (
            &["fix", "4.2.2", "--apply", "--detailed-exitcode"],
            "cannot be used with",
        ),
        (
            &["fix", "4.2.2", "--apply", "--output-file", "x"],
            "cannot be used with",
        ),
        (
            &["fix", "4.2.2", "--demo", "-o", "yaml", "--output-file", "x"],
            "is JSON: leave -o yaml out",
        ),
        (&["fix", "4.2.2", "-o", "jsonl"], "invalid value 'jsonl'"),
        (&["fix", "4.2.2", "--root", "/nonexistent"], "/nonexistent"),
        (&["apply"], "<PLAN>"),
        (
            &["apply", "x.plan", "--root", &recorded],
            "is a recording of a host, and apply writes",
        ),
        (
            &["rollback", "--root", &recorded],
            "is a recording of a host, and rollback writes",
        ),
        (&["transactions", "show"], "<ID>"),
    ] {
        let (code, stdout, stderr) = run(arguments);
        assert_eq!((code, stdout.as_str()), (64, ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
    }
}

/// Runs the program as somebody who is not root.
fn run_as_nobody(arguments: &[&str]) -> Option<(i32, String, String)> {
    let folder = TempDir::new().unwrap();
    let copy = folder.path().join("kubeassay");
    let mut command = if rustix::process::geteuid().is_root() {
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::copy(program(), &copy).unwrap();
        let mut command = Process::new("setpriv");
        command.args([&format!("--reuid={NOBODY}"), "--clear-groups"]);
        command.arg(&copy);
        command
    } else {
        Process::new(program())
    };
    let Ok(output) = command.args(arguments).current_dir("/").output() else {
        eprintln!("skipped: setpriv is not installed");
        return None;
    };
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Some((
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    ))
}

#[test]
fn only_root_applies_and_everyone_plans() {
    for arguments in [
        &["fix", "4.2.2", "--apply"][..],
        &["fix", "4.2.2", "--apply", "--auto-approve"],
        &["apply", "node.plan"],
        &["rollback"],
    ] {
        let Some((code, stdout, stderr)) = run_as_nobody(arguments) else {
            return;
        };
        assert_eq!((code, stdout.as_str()), (1, ""), "{arguments:?}");
        assert!(
            stderr.contains("run it as root (sudo kubeassay"),
            "{arguments:?}: {stderr}"
        );
    }
    let (code, stdout, stderr) = run_as_nobody(&["fix", "4.2.2", "--demo"]).unwrap();
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.starts_with("Plan for demo-worker-1"), "{stdout}");
}

#[test]
fn transactions_that_are_hidden_are_not_taken_for_none() {
    let root = TempDir::new().unwrap();
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let path = root.path().to_str().unwrap();
    let list = ["transactions", "--root", path];
    let (code, stdout, stderr) = run(&list);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert_eq!(stdout, "No transaction: kubeassay changed nothing here.\n");
    let (code, stdout, _) = run(&[&list[..], &["-o", "json"]].concat());
    assert_eq!((code, stdout.as_str()), (0, "[]\n"));
    let (code, stdout, stderr) = run(&["transactions", "show", "x", "--root", path]);
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.contains("there is no transaction x"), "{stderr}");
    let (code, _, stderr) = run(&["transactions", "--root", "/nonexistent"]);
    assert_eq!(code, 1);
    assert!(stderr.contains("/nonexistent"), "{stderr}");

    let folder = root.path().join("var/lib/kubeassay/transactions");
    fs::create_dir_all(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o000)).unwrap();
    let Some((code, stdout, stderr)) = run_as_nobody(&list) else {
        return;
    };
    assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");
    assert!(stderr.contains("root's to read"), "{stderr}");
}
