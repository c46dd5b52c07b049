//! File systems whose server does not answer, and memory that is read from one.
//!
//! FUSE is never asked at all: a thread that waits for a request which the server has read cannot be killed,
//! and takes its process with it. Others (an automounter here) are given two seconds.

use crate::support::{Outcome, act, act_all};

const PASS: &[&str] = &["running pass"];
const BLOCKED: &[&str] = &["running unknown blocked"];
/// What a scan may take where something does not answer, beyond what it takes anyway.
const PATIENCE: u64 = 10_000;

/// What a server of FUSE does not answer; `deaf` is one that reads no request, `healthy` one that answers all.
const SILENCES: [&str; 8] = [
    "deaf", "lookup", "getattr", "open", "read", "statfs", "opendir", "healthy",
];

fn never_asked(name: &str, outcome: &Outcome) {
    assert_eq!(outcome.said, "", "{name}: the server was asked");
    assert!(outcome.milliseconds < PATIENCE, "{name}: {outcome:?}");
}

#[test]
fn fuse_among_the_hosts_mounts_is_never_asked() {
    let scripts = SILENCES.map(|silent| {
        let script = format!(
            "export ASKED=$PWD/asked; mkdir m; begin \"$STAGE\" fuse m {silent}
             kubelet --config=$PWD/m/config; LIMIT=30 scan; cat asked"
        );
        (silent, script)
    });
    let cases = scripts
        .each_ref()
        .map(|(silent, script)| (*silent, script.as_str(), BLOCKED, 2));
    act_all(&cases, never_asked);
}

#[test]
fn fuse_among_the_kubelets_own_mounts_is_never_asked() {
    let scripts = SILENCES.map(|silent| {
        let script = format!(
            "export ASKED=$PWD/asked; mkdir m; webhook m/config; settle
             cat >with <<'END'\n#!/bin/sh\n(unset TENANT; READY=$PWD/mounted exec \"$STAGE\" fuse m {silent}) &
             until [ -e mounted ]; do sleep 0.01; done; exec \"$@\"\nEND\n
             chmod +x with; AS=\"unshare -m ./with\" kubelet --config=$PWD/m/config; LIMIT=30 scan; cat asked"
        );
        (silent, script)
    });
    let cases = scripts
        .each_ref()
        .map(|(silent, script)| (*silent, script.as_str(), BLOCKED, 2));
    act_all(&cases, never_asked);
}

#[test]
fn fuse_on_the_way_to_what_is_read_is_never_asked() {
    let server = "export ASKED=$PWD/asked; mkdir m; begin \"$STAGE\" fuse m deaf; webhook c";
    let cases = [
        (
            "a folder of drop-ins",
            format!(
                "{server}; settle; kubelet --config=$PWD/c --config-dir=$PWD/m/folder; LIMIT=30 scan; cat asked"
            ),
        ),
        (
            "the mount itself as folder of drop-ins",
            format!(
                "{server}; settle; kubelet --config=$PWD/c --config-dir=$PWD/m; LIMIT=30 scan; cat asked"
            ),
        ),
        (
            "a link to it",
            format!(
                "{server}; ln -s m/config l; settle; kubelet --config=$PWD/l; LIMIT=30 scan; cat asked"
            ),
        ),
    ];
    let cases = cases
        .each_ref()
        .map(|(name, script)| (*name, script.as_str(), BLOCKED, 2));
    act_all(&cases, never_asked);
    act_all(
        &[
            // No request of the kubelet's own either: it is only whether the file is there that is asked.
            ("a kubeconfig", &format!("{server}; settle; : >kubeconfig; [ -e kubelet ] || cp \"$STAGE\" kubelet
              TENANT=wait begin ./kubelet --config=$PWD/c --kubeconfig=$PWD/m/kubeconfig; LIMIT=30 scan; cat asked"), PASS, 0),
        ],
        never_asked,
    );
}

#[test]
fn fuse_elsewhere_on_the_host_does_not_matter() {
    act_all(
        &[
            (
                "beside",
                "export ASKED=$PWD/asked; mkdir m; begin \"$STAGE\" fuse m deaf; webhook c; settle
              kubelet --config=$PWD/c; LIMIT=30 scan; cat asked",
                PASS,
                0,
            ),
            (
                "where packages lie",
                "export ASKED=$PWD/asked; webhook c; settle; begin \"$STAGE\" fuse /var/lib deaf
              kubelet --config=$PWD/c; LIMIT=30 scan; cat asked",
                PASS,
                0,
            ),
            (
                "where programs lie",
                "export ASKED=$PWD/asked; webhook c; settle; begin \"$STAGE\" fuse /opt deaf
              kubelet --config=$PWD/c; LIMIT=30 scan; cat asked",
                PASS,
                0,
            ),
        ],
        never_asked,
    );
}

#[test]
fn the_executable_of_a_tenant_that_lies_on_fuse_is_never_asked_for() {
    let script = "export ASKED=$PWD/asked; mkdir m; SERVE=$STAGE begin \"$STAGE\" fuse m healthy; server=$pid
        webhook c; settle; kubelet --config=$PWD/c; chmod 666 asked
        TENANT=wait begin $somebody m/kubelet --config=$PWD/c; kill -USR1 $server; : >asked
        LIMIT=30 scan; cat asked";
    let Some(outcome) = act(script) else { return };
    let outcome = outcome.held("executable");
    never_asked("executable", &outcome);
    assert_eq!(
        outcome.verdicts()[0],
        "running pass",
        "{}",
        outcome.problems()
    );
    assert_eq!(outcome.code, 0, "{}", outcome.problems());
}

#[test]
fn an_automounter_that_does_not_answer_is_given_two_seconds() {
    let silent =
        "export ASKED=$PWD/asked; mkdir m; begin \"$STAGE\" automount m silent; webhook c; settle";
    let cases = [
        (
            "the configuration",
            format!("{silent}; kubelet --config=$PWD/m/there/config; LIMIT=50 scan"),
        ),
        (
            "the folder of drop-ins",
            format!("{silent}; kubelet --config=$PWD/c --config-dir=$PWD/m/there; LIMIT=50 scan"),
        ),
    ];
    let cases = cases
        .each_ref()
        .map(|(name, script)| (*name, script.as_str(), BLOCKED, 2));
    act_all(&cases, |name, outcome| {
        assert!(outcome.milliseconds < 20_000, "{name}: {outcome:?}");
        assert!(
            outcome.problems().contains("blocked"),
            "{name}: {}",
            outcome.problems()
        );
    });
}

#[test]
fn an_automounter_that_answers_is_read_through() {
    act_all(
        &[
            ("mounted before", "export ASKED=$PWD/asked; mkdir m; begin \"$STAGE\" automount m healthy; cat m/there/config >c
              settle; kubelet --config=$PWD/m/there/config; LIMIT=30 scan; cat asked", PASS, 0),
        ],
        |_, _| {},
    );
}

#[test]
fn memory_that_does_not_answer_does_not_stop_a_scan() {
    let server = "export ASKED=$PWD/asked; mkdir m; begin \"$STAGE\" fuse m read; webhook c; settle; kubelet --config=$PWD/c";
    let cases = [
        ("arguments withheld with userfaultfd", "webhook c; settle; kubelet --config=$PWD/c
          AS=\"$somebody --inh-caps +sys_ptrace --ambient-caps +sys_ptrace\" TENANT=withhold kubelet --config=$PWD/c; LIMIT=50 scan".to_owned()),
        ("arguments in a file that nobody serves", format!("{server}; AS=$somebody FILE=$PWD/m/f kubelet; LIMIT=50 scan")),
        ("a map that is locked for ever", format!("{server}; AS=$somebody TENANT=lock FILE=$PWD/m/f kubelet; LIMIT=50 scan")),
    ];
    for (name, script) in cases {
        let Some(outcome) = act(&script) else { return };
        let outcome = outcome.held(name);
        println!(
            "{name}: {:?}, exit code {}, {} ms\n{}",
            outcome.verdicts(),
            outcome.code,
            outcome.milliseconds,
            outcome.problems()
        );
        assert!(
            outcome.verdicts().contains(&"running pass".to_owned()),
            "{name}: the node's own kubelet is judged"
        );
        assert!(outcome.milliseconds < 20_000, "{name}");
    }
}
