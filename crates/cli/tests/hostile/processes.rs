//! Processes that are many, huge, gone, other ones a moment later, or not what they look like.

use crate::support::{act, act_all};

const PASS: &[&str] = &["running pass"];

/// No kubelet could be judged, and the stage is no whole machine; the problems say what there was.
const UNSEEN: &[&str] = &["running unknown denied"];

/// Two configurations: one passes 4.2.2 and 4.2.4, one fails both.
const TWO: &str = "webhook a; allow b; echo readOnlyPort: 10255 >>b; settle";

#[test]
fn command_lines_have_bounds() {
    act_all(
        &[
            (
                "100 KiB in one argument",
                "webhook c; settle; long=$(head -c 102400 /dev/zero | tr '\\0' x)
              kubelet --config=$PWD/c --hostname-override=$long; scan",
                PASS,
                0,
            ),
            (
                "4,000 arguments",
                "webhook c; settle; kubelet --config=$PWD/c $(yes -- --v=2 | head -n 4000); scan",
                PASS,
                0,
            ),
            (
                "1 MiB of arguments",
                "webhook c; settle; long=$(head -c 104000 /dev/zero | tr '\\0' x)
              set --; for i in $(seq 10); do set -- \"$@\" --hostname-override=$long; done
              kubelet --config=$PWD/c \"$@\"; scan",
                UNSEEN,
                2,
            ),
            (
                "more than 2 MiB of arguments",
                "webhook c; settle; long=$(head -c 104900 /dev/zero | tr '\\0' x)
              set --; for i in $(seq 25); do set -- \"$@\" --hostname-override=$long; done
              ulimit -s unlimited; kubelet --config=$PWD/c \"$@\"; scan",
                UNSEEN,
                2,
            ),
            (
                "10,000 arguments",
                "webhook c; settle; kubelet --config=$PWD/c $(yes -- --v=2 | head -n 10000); scan",
                UNSEEN,
                2,
            ),
            ("no arguments", "NO_ARGUMENTS=1 kubelet; scan", UNSEEN, 2),
            (
                "one empty argument",
                // A kubelet without arguments is one by its name: it has the legacy defaults.
                "FAKE= kubelet; scan",
                &["running fail"],
                1,
            ),
            (
                "the look of a kernel thread",
                "NAME=kworker/0:1 NO_ARGUMENTS=1 kubelet; scan",
                UNSEEN,
                2,
            ),
            // What a process says of itself is all there is: only it can overwrite its own arguments.
            (
                "arguments overwritten by the process itself",
                "webhook a; allow b; settle; FAKE=\"kubelet
--config=$PWD/a
--kubeconfig=$PWD/kubeconfig\" kubelet --config=$PWD/b --v=2; scan",
                PASS,
                0,
            ),
        ],
        |name, outcome| {
            let said = [
                ("1 MiB of arguments", "\"too-large\": \"process"),
                ("more than 2 MiB of arguments", "\"too-large\": \"process"),
                ("10,000 arguments", "\"too-large\": \"process"),
                ("no arguments", "\"missing\": \"process"),
                ("the look of a kernel thread", "\"missing\": \"process"),
            ];
            for (_, said) in said.iter().filter(|(case, _)| *case == name) {
                assert!(
                    outcome.problems().contains(said),
                    "{name}: {}",
                    outcome.problems()
                );
            }
        },
    );
}

#[test]
fn processes_in_odd_states_are_read_like_any_other() {
    act_all(
        &[
            (
                "stopped",
                "webhook c; settle; kubelet --config=$PWD/c; kill -STOP $pid; scan",
                PASS,
                0,
            ),
            (
                "traced by another",
                "webhook c; settle; kubelet --config=$PWD/c; begin \"$STAGE\" trace $pid; scan",
                PASS,
                0,
            ),
            (
                "with an ended child that nobody waits for",
                "webhook c; settle; TENANT=zombie kubelet --config=$PWD/c; scan",
                PASS,
                0,
            ),
            (
                "with its executable deleted",
                "webhook c; settle; kubelet --config=$PWD/c; rm kubelet; scan",
                PASS,
                0,
            ),
            (
                "under another name",
                "webhook c; settle; NAME=$(printf 'a\\nb\\033[2J') kubelet --config=$PWD/c; scan",
                PASS,
                0,
            ),
            (
                "a tenant's, beside the node's",
                "webhook a; allow b; settle; kubelet --config=$PWD/a
              AS=$somebody kubelet --config=$PWD/b; scan",
                &["running pass", "running fail"],
                0,
            ),
            (
                "a tenant's alone",
                "webhook c; settle; AS=$somebody kubelet --config=$PWD/c; scan",
                &["running unknown denied", "running pass"],
                2,
            ),
        ],
        |name, outcome| {
            assert!(!outcome.output.contains(&0x1b), "{name}");
        },
    );
}

#[test]
fn kubelets_that_come_and_go_do_not_disturb_the_one_that_stays() {
    let script = "webhook c; settle; kubelet --config=$PWD/c
        AS=$somebody COUNT=8 TENANT=churn kubelet --config=$PWD/c; scan";
    let Some(outcome) = act(script) else { return };
    let outcome = outcome.held("come and go");
    // Those that were still there when they were read are shown as well.
    assert!(outcome.verdicts().len() >= 2, "{:?}", outcome.verdicts());
    for verdict in outcome.verdicts() {
        assert_eq!(verdict, "running pass", "{}", outcome.problems());
    }
    assert_eq!(outcome.code, 0, "{}", outcome.problems());
}

#[test]
fn a_tenant_does_not_leave_the_nodes_scan_incomplete() {
    // A kubelet in a pod counts for nothing; nor does one of which not even that much could be read. Else any
    // tenant could keep the exit code of a healthy node from ever being 0.
    let cases = [
        ("no arguments", "AS=$somebody NO_ARGUMENTS=1 kubelet"),
        (
            "no arguments, root of a user namespace",
            "AS='unshare -U -r' NO_ARGUMENTS=1 kubelet",
        ),
        (
            "more arguments than are read",
            "long=$(head -c 104900 /dev/zero | tr '\\0' x); set --
            for i in $(seq 25); do set -- \"$@\" --hostname-override=$long; done
            ulimit -s unlimited; AS=$somebody kubelet \"$@\"",
        ),
        (
            "arguments that no kubelet takes",
            "AS=$somebody kubelet --nonsense",
        ),
        (
            "another program all the time",
            "AS=$somebody OTHER=--v=1 TENANT=flip kubelet --v=2",
        ),
    ];
    let wrong: Vec<&str> = cases
        .iter()
        .filter_map(|(name, tenant)| {
            let outcome = act(&format!(
                "webhook c; settle; kubelet --config=$PWD/c\n{tenant}\nscan"
            ))?;
            println!(
                "{name}: {:?}, exit code {}",
                outcome.verdicts(),
                outcome.code
            );
            assert_eq!(outcome.verdicts()[0], "running pass", "{name}");
            (outcome.code != 0).then_some(*name)
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "a tenant left the scan incomplete: {wrong:?}"
    );
}

/// Scans many times and fails the test where one says of 4.2.2 what it does not say of 4.2.4: that would be one
/// process's arguments with the other's files.
fn assert_never_two_in_one(script: &str) {
    let again =
        "for turn in $(seq 60); do scan 4.2.4; cat report; done >reports; mv reports report";
    let Some(outcome) = act(&format!("{TWO}; {script}\n{again}")) else {
        return;
    };
    let mut said: Vec<String> = serde_json::Deserializer::from_slice(&outcome.output)
        .into_iter()
        .map(|report| {
            let report: serde_json::Value = report.unwrap();
            let findings = report["findings"].as_array().unwrap();
            let words = findings.iter().map(|finding| {
                finding["cause"]
                    .as_str()
                    .or(finding["verdict"].as_str())
                    .unwrap()
            });
            words.collect::<Vec<_>>().join("/")
        })
        .collect();
    assert_eq!(said.len(), 60, "{outcome:?}");
    said.sort();
    for kind in said.chunk_by(|one, other| one == other) {
        println!("{} x {}", kind.len(), kind[0]);
    }
    for one in &said {
        let same = one.split_once('/').is_none_or(|(one, other)| one == other);
        assert!(same, "{said:#?}");
    }
}

#[test]
fn a_process_that_becomes_another_all_the_time_is_never_two_in_one() {
    assert_never_two_in_one("OTHER=--config=$PWD/b TENANT=flip AS=nice kubelet --config=$PWD/a");
}

#[test]
fn a_process_id_that_is_given_away_again_is_never_two_in_one() {
    assert_never_two_in_one(
        "cp \"$STAGE\" kubelet; : >kubeconfig; settle
         begin nice \"$STAGE\" reuse 30000 --config=$PWD/a --config=$PWD/b --kubeconfig=$PWD/kubeconfig",
    );
}

#[test]
fn ten_thousand_kubelets_neither_stop_a_scan_nor_fill_the_memory() {
    let start = "webhook c; settle; kubelet --config=$PWD/c
        AS=$somebody COUNT=10000 TENANT=crowd kubelet --config=$PWD/c";
    let Some(outcome) = act(&format!("{start}; scan --timeout 10s")) else {
        return;
    };
    let outcome = outcome.held("10,000 kubelets");
    println!(
        "exit code {}, {} ms of work in {} ms, {} KiB, {} bytes of JSON, {} findings",
        outcome.code,
        outcome.worked,
        outcome.milliseconds,
        outcome.peak_kib,
        outcome.output.len(),
        outcome.verdicts().len(),
    );
    let report = outcome.report();
    let own: Vec<_> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["subject"]["in_pod"] == false)
        .collect();
    assert_eq!(own.len(), 1);
    assert_eq!(own[0]["verdict"], "pass", "{}", outcome.problems());
    assert!(outcome.output.len() < 64 << 20);
    assert!(outcome.worked < 25_000, "{} ms", outcome.worked);
    let table = format!("{start}; run --timeout 10s -o table >report 2>errors");
    let Some(outcome) = act(&table) else { return };
    let text = String::from_utf8_lossy(&outcome.output);
    assert!(text.lines().count() < 200, "{text}");
}
