//! The stand-in for systemd behaves as systemd does, as far as tests rely on it.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test asks as kubeassay does, and fails where something is not as it should be"
)]

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use kubeassay_testkit::namespaces;
use kubeassay_testkit::systemd::{self, SYSTEMCTL, write_unit};

const UNIT: &str = "kubelet.service";

/// Runs `systemctl`; returns its exit code and what it printed.
fn systemctl(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(SYSTEMCTL)
        .arg("--no-pager")
        .args(arguments)
        .env_clear()
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code().unwrap(), printed)
}

fn property(name: &str) -> String {
    let (code, printed) = systemctl(&["show", &format!("--property={name}"), "--", UNIT]);
    assert_eq!(code, 0);
    let value = printed.trim().strip_prefix(&format!("{name}="));
    value.unwrap().to_owned()
}

/// Returns the arguments of the process, once it is the one that the unit starts.
fn arguments() -> String {
    let path = format!("/proc/{}/cmdline", property("MainPID"));
    let mut read = String::new();
    wait("a process", || {
        let arguments = std::fs::read(&path).unwrap_or_default();
        read = String::from_utf8_lossy(&arguments).replace('\0', " ");
        read.starts_with("/bin/sleep")
    });
    read.trim().to_owned()
}

fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn it_does_what_tests_rely_on() {
    if let Some(lacking) = systemd::lacking() {
        eprintln!("skipped: needs {lacking}");
        return;
    }
    if !namespaces::enter("it_does_what_tests_rely_on") {
        return;
    }
    systemd::stand_in(UNIT);
    assert_eq!(property("LoadState"), "not-found");
    let fragment = "[Service]\nExecStart=/bin/sleep $LONG\n";
    let drop_in = |seconds| format!("[Service]\nEnvironment=\"LONG={seconds}\"\n");
    write_unit(UNIT, fragment, &[("10-long.conf", &drop_in(301))]);
    assert_eq!(systemctl(&["daemon-reload"]).0, 0);
    assert_eq!(systemctl(&["restart", "--", UNIT]).0, 0);
    assert_eq!(property("ActiveState"), "active");
    assert_eq!(arguments(), "/bin/sleep 301");
    let first = property("MainPID");

    // What the files say counts once they are read again.
    write_unit(UNIT, fragment, &[("10-long.conf", &drop_in(302))]);
    assert_eq!(systemctl(&["restart", "--", UNIT]).0, 0);
    assert_eq!(arguments(), "/bin/sleep 301");
    assert_ne!(property("MainPID"), first);
    assert!(!Path::new(&format!("/proc/{first}")).exists());
    assert_eq!(systemctl(&["daemon-reload"]).0, 0);
    assert_eq!(arguments(), "/bin/sleep 301");
    assert_eq!(systemctl(&["restart", "--", UNIT]).0, 0);
    assert_eq!(arguments(), "/bin/sleep 302");

    // A restart is done although the process ends at once; then it is started again.
    write_unit(UNIT, "[Service]\nExecStart=/bin/false\n", &[]);
    assert_eq!(systemctl(&["daemon-reload"]).0, 0);
    assert_eq!(systemctl(&["restart", "--", UNIT]).0, 0);
    wait("a second start", || property("NRestarts") == "2");
    wait("a third start", || property("SubState") == "auto-restart");
    assert_eq!(systemctl(&["stop", "--", UNIT]).0, 0);
    assert_eq!(property("ActiveState"), "inactive");

    // What comes first may keep it from being started.
    let first = "[Service]\nExecStartPre=/bin/false\nExecStart=/bin/sleep 303\n";
    write_unit(UNIT, first, &[]);
    assert_eq!(systemctl(&["daemon-reload"]).0, 0);
    assert_eq!(systemctl(&["restart", "--", UNIT]).0, 1);
    assert_eq!(property("Result"), "exit-code");
    assert_eq!(property("MainPID"), "0");

    // Neither another unit nor another question.
    assert_ne!(systemctl(&["restart", "--", "other.service"]).0, 0);
    assert_ne!(systemctl(&["isolate", "rescue.target"]).0, 0);
}
