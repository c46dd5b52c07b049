//! Names of hosts are looked up by code of our own: nothing of the machine's is loaded for it.

#![expect(
    clippy::disallowed_methods,
    reason = "tests start the program and look at what it opens"
)]

use std::process::Command;

use tempfile::TempDir;

/// What glibc opens where a program asks it for a name or a user.
const NAME_SERVICE: [&str; 4] = ["libnss", "libresolv", "nsswitch.conf", "ld.so.cache"];

#[test]
fn no_shared_library_is_opened_for_a_name() {
    if Command::new("strace").arg("-V").output().is_err() {
        eprintln!("skipped: strace is not installed");
        return;
    }
    let folder = TempDir::new().unwrap();
    let trace = folder.path().join("trace");
    let output = Command::new("strace")
        .args(["-f", "-e", "trace=open,openat,openat2", "-o"])
        .arg(&trace)
        .arg(assert_cmd::cargo::cargo_bin("kubeassay"))
        .args([
            "scan",
            "--live=probe",
            "--node-address",
            "node-1.invalid",
            "--timeout",
            "5s",
        ])
        .output()
        .unwrap();
    if !output.status.success() && output.stdout.is_empty() {
        eprintln!(
            "skipped: strace may not trace here: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        return;
    }
    let trace = std::fs::read_to_string(trace).unwrap();
    // The loader's own work ends where the program reads its first file.
    let start = trace
        .find("/etc/hosts")
        .unwrap_or_else(|| panic!("no name was looked up: {trace}"));
    let opened = &trace[start..];
    for name in NAME_SERVICE.into_iter().chain([".so"]) {
        assert!(!opened.contains(name), "{name} was opened: {opened}");
    }
}
