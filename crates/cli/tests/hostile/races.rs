//! Files that change while they are read, again and again: what is read is one of them whole, or unknown.

use crate::support::{Outcome, act};

/// Scans many times; what was measured is said, a line each.
const AGAIN: &str =
    "for turn in $(seq 100); do scan 4.2.4; cat report; cat measured >&3; done 3>>lines >reports
    mv reports report; cat lines";

/// Returns what the scans said of the two controls, sorted and each once, as `running …, restart …`.
fn outcomes(script: &str) -> Option<(Vec<String>, Outcome)> {
    let outcome = act(&format!("{script}\n{AGAIN}"))?;
    let reports = serde_json::Deserializer::from_slice(&outcome.output).into_iter();
    let mut said: Vec<String> = reports
        .map(|report| {
            let report: serde_json::Value = report.unwrap();
            let of_horizon = |horizon: &str| {
                let findings = report["findings"].as_array().unwrap();
                let found = findings
                    .iter()
                    .filter(|finding| finding["horizon"] == horizon);
                let words = found.map(|finding| {
                    finding["cause"]
                        .as_str()
                        .or(finding["verdict"].as_str())
                        .unwrap()
                });
                format!("{horizon} {}", words.collect::<Vec<_>>().join("/"))
            };
            format!("{}, {}", of_horizon("running"), of_horizon("restart"))
        })
        .collect();
    assert_eq!(said.len(), 100, "{outcome:?}");
    said.sort();
    for kind in said.chunk_by(|one, other| one == other) {
        println!("{} x {}", kind.len(), kind[0]);
    }
    said.dedup();
    Some((said, outcome))
}

/// Fails the test where a scan came to a verdict of what runs, since all changed after it had started, or to
/// one of what will run that is neither file's.
fn assert_never_a_mix(script: &str, of_two: [&str; 2]) -> Option<Outcome> {
    let (said, outcome) = outcomes(script)?;
    for one in &said {
        let (running, restart) = one.split_once(", ").unwrap();
        let unknown = |words: &str, causes: &[&str]| {
            let mut causes = causes.iter();
            causes.any(|cause| words.ends_with(&format!(" {cause}/{cause}")))
        };
        assert!(
            unknown(running, &["stale", "conflict", "vanished", "not-regular"]),
            "{said:#?}"
        );
        assert!(
            restart == "restart "
                || of_two.contains(&restart)
                || unknown(restart, &["conflict", "vanished", "would-refuse"]),
            "{said:#?}"
        );
    }
    Some(outcome)
}

/// Two configurations: one passes both controls, one fails both, with the two settings far from each other.
const TWO: &str = "webhook a; allow b; for one in a b; do head -c 100000 /dev/zero | tr '\\0' '#' >>$one; echo >>$one; done
    echo 'readOnlyPort: 00000' >>a; echo 'readOnlyPort: 10255' >>b; sed -i 's/{mode: Webhook}/{mode: Webhook}    /' a";
const BOTH: [&str; 2] = ["restart pass/pass", "restart fail/fail"];

#[test]
fn a_file_that_is_replaced_all_the_time_is_never_a_mix() {
    let script = format!(
        "{TWO}; cp a config; settle; kubelet --config=$PWD/config; begin nice \"$STAGE\" replace config a b"
    );
    assert_never_a_mix(&script, BOTH);
}

#[test]
fn a_folder_that_is_swapped_for_a_link_all_the_time_is_never_a_mix() {
    let script = format!(
        "{TWO}; mkdir real other; cp a real/config; cp b other/config; ln -s other link; settle
         kubelet --config=$PWD/real/config; begin nice \"$STAGE\" swap real link"
    );
    assert_never_a_mix(&script, BOTH);
}

#[test]
fn a_file_that_is_swapped_for_a_device_all_the_time_is_never_opened_as_one() {
    // Were the device opened, as what was found a moment before, it would never end.
    let script =
        "webhook config; mknod device c 1 5; ln device keep; settle; kubelet --config=$PWD/config
         begin nice \"$STAGE\" swap config device; export WATCH=keep";
    let Some(outcome) = assert_never_a_mix(script, ["restart pass/pass"; 2]) else {
        return;
    };
    let opens: Vec<&str> = outcome
        .said
        .lines()
        .filter(|line| !line.ends_with(" 0"))
        .collect();
    assert!(opens.is_empty(), "the device was opened: {opens:#?}");
}

#[test]
fn a_file_that_grows_and_shrinks_all_the_time_is_never_half_read() {
    let script = format!("{TWO}; settle; kubelet --config=$PWD/a; begin nice \"$STAGE\" resize a");
    assert_never_a_mix(&script, BOTH);
}

#[test]
fn a_drop_in_that_changes_all_the_time_is_undecided() {
    let script = "webhook config; mkdir conf.d; webhook a; allow b; echo readOnlyPort: 10255 >>b; cp a conf.d/10.conf; settle
         kubelet --config=$PWD/config --config-dir=$PWD/conf.d; begin nice \"$STAGE\" replace conf.d/10.conf a b";
    assert_never_a_mix(script, BOTH);
}
