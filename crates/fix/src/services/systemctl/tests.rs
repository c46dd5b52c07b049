use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kubeassay_core::Bytes;
use tempfile::TempDir;

use super::Systemctl;
use crate::services::{ServiceError, Services as _, UnitState};

/// Keeps other tests from starting a program while this one writes its own: they would hold it open for a moment, and what
/// is open for writing is not started.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A systemctl that does what a shell script says, in a folder that goes when it is dropped.
fn stand_in(script: &str) -> (TempDir, Systemctl) {
    let root = tempfile::tempdir().unwrap();
    let program = root.path().join("usr/bin/systemctl");
    fs::create_dir_all(program.parent().unwrap()).unwrap();
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let systemctl = Systemctl::below(root.path()).unwrap();
    assert_eq!(systemctl.way(), program.to_str().unwrap());
    (root, systemctl)
}

fn kubelet() -> Bytes {
    Bytes::from("kubelet.service")
}

const STATE: &str = "echo LoadState=loaded; echo ActiveState=failed; echo SubState=failed; echo Result=exit-code; \
    echo MainPID=0; echo NRestarts=3";

#[test]
fn it_is_found_where_distributions_have_it_and_only_if_it_can_be_run() {
    let root = tempfile::tempdir().unwrap();
    assert!(Systemctl::below(root.path()).is_none());
    let program = root.path().join("bin/systemctl");
    fs::create_dir(program.parent().unwrap()).unwrap();
    fs::write(&program, "").unwrap();
    assert!(Systemctl::below(root.path()).is_none());
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(Systemctl::below(root.path()).is_some());
}

#[test]
fn it_is_given_no_shell_and_no_environment_but_its_own() {
    let _alone = alone();
    let (root, systemctl) = stand_in(
        "cd \"${0%/*}\"; for one in \"$@\"; do echo \"<$one>\"; done >seen; /usr/bin/env | /usr/bin/sort >>seen",
    );
    systemctl.reload().unwrap();
    let seen = fs::read_to_string(root.path().join("usr/bin/seen")).unwrap();
    let own = ["PWD", "OLDPWD", "_", "SHLVL"];
    let seen: Vec<&str> = seen
        .lines()
        .filter(|line| {
            !line
                .split_once('=')
                .is_some_and(|(name, _)| own.contains(&name))
        })
        .collect();
    assert_eq!(
        seen,
        [
            "<--no-ask-password>",
            "<--no-pager>",
            "<daemon-reload>",
            "LC_ALL=C",
            "SYSTEMD_COLORS=0",
            "SYSTEMD_PAGER="
        ]
    );
}

#[test]
fn a_state_is_read_whole_or_not_at_all() {
    let _alone = alone();
    let (_root, systemctl) = stand_in(STATE);
    let state = UnitState {
        load: "loaded".to_owned(),
        active: "failed".to_owned(),
        sub: "failed".to_owned(),
        result: "exit-code".to_owned(),
        main_pid: 0,
        restarts: 3,
    };
    assert_eq!(systemctl.state(&kubelet()), Ok(state));
    for (script, told) in [
        (
            "echo LoadState=loaded",
            "does not say how kubelet.service is",
        ),
        ("echo MainPID=x", "does not say how kubelet.service is"),
        (
            "echo Failed to connect to bus >&2; exit 1",
            "systemd refused to say how kubelet.service is: Failed to connect to bus (",
        ),
        ("exit 1", "it gives no reason"),
        ("printf '\\033[31mred' >&2; exit 1", "\\x1b[31mred"),
        ("kill -9 $$", "signal: 9"),
        (
            "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done",
            "prints without end",
        ),
    ] {
        let (_root, systemctl) = stand_in(script);
        let error = systemctl.state(&kubelet()).unwrap_err().to_string();
        assert!(error.contains(told), "{script}: {error}");
    }
}

#[test]
fn a_restart_that_fails_says_what_systemd_says() {
    let _alone = alone();
    let script = format!(
        "case $3 in show) {STATE};; *) echo 'Job for kubelet.service failed.' >&2; exit 1;; esac"
    );
    let (_root, systemctl) = stand_in(&script);
    assert_eq!(
        systemctl.restart(&kubelet(), Duration::from_secs(9)),
        Err(ServiceError::Failed(
            "systemd did not restart kubelet.service: the job ended as failed; it is failed (failed), with the \
             result exit-code; `journalctl -u kubelet.service` says why"
                .to_owned()
        ))
    );
    let (_root, systemctl) = stand_in("echo 'Unit kubelet.service not found.' >&2; exit 5");
    let error = systemctl.restart(&kubelet(), Duration::from_secs(9));
    let error = error.unwrap_err().to_string();
    let told = "systemd refused to restart kubelet.service: Unit kubelet.service not found. (";
    assert!(error.starts_with(told), "{error}");
}

#[test]
fn one_that_hangs_is_killed_even_where_it_left_another_behind() {
    let _alone = alone();
    let (_root, systemctl) = stand_in(&format!(
        "case $3 in show) {STATE}; exit;; esac; trap '' TERM; /bin/sleep 20 & while :; do /bin/sleep 1; done"
    ));
    let began = Instant::now();
    let error = systemctl.restart(&kubelet(), Duration::from_millis(300));
    assert!(
        matches!(&error, Err(ServiceError::TimedOut(_))),
        "{error:?}"
    );
    let error = error.unwrap_err().to_string();
    assert!(error.contains("it is failed (failed)"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(5));
}
