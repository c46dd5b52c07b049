//! Configurations that are made to burn time or memory, and folders of drop-ins that no person would make.

use crate::support::{act, act_all};

/// The most time of a processor that a scan of all that may take, in milliseconds: about twice what it was measured to
/// take without optimisation, on a busy machine.
const MOST_WORK: u64 = 40_000;
const PASS: &[&str] = &["running pass"];
const TOO_LARGE: &[&str] = &["running unknown too-large"];
const REFUSED: &[&str] = &["running unknown would-refuse"];

#[test]
fn documents_that_burn_time_or_memory_are_bounded() {
    let place = |make: &str| format!("{make}\nsettle; kubelet --config=$PWD/c; scan");
    let cases = [
        ("aliases of aliases (a billion laughs)", "webhook c; echo 'a0: &a0 [x,x,x,x,x,x,x,x,x,x]' >>c
          for i in $(seq 12); do p=$((i - 1)); echo \"a$i: &a$i [*a$p,*a$p,*a$p,*a$p,*a$p,*a$p,*a$p,*a$p,*a$p,*a$p]\"; done >>c", REFUSED),
        ("merges of merges", "webhook c; echo 'm0: &m0 {k: v}' >>c
          for i in $(seq 24); do p=$((i - 1)); echo \"m$i: &m$i {<<: [*m$p, *m$p], k$i: {<<: [*m$p, *m$p]}}\"; done >>c", REFUSED),
        ("100,000 lists in each other", "webhook c; { printf 'x: '; head -c 100000 /dev/zero | tr '\\0' '['; } >>c", TOO_LARGE),
        ("100,000 maps in each other, as JSON", "{ for i in $(seq 100000); do printf '{\"a\":'; done; } >c", REFUSED),
        ("2,000 levels of indentation", "webhook c; { printf 'x:\\n'; awk 'BEGIN { s = \" \"; for (i = 0; i < 2000; i++) { print s \"a:\"; s = s \" \" } }'; } >>c", TOO_LARGE),
        ("a line of 4 MiB", "webhook c; { printf '#'; head -c 4000000 /dev/zero | tr '\\0' x; } >>c", PASS),
        ("a key of 4 MiB", "webhook c; { head -c 4000000 /dev/zero | tr '\\0' x; echo ': 1'; } >>c", REFUSED),
        ("a text of 4 MiB", "webhook c; { printf 'x: \"'; head -c 4000000 /dev/zero | tr '\\0' x; echo '\"'; } >>c", PASS),
        ("a number of 4 MiB", "webhook c; { printf 'readOnlyPort: '; head -c 4000000 /dev/zero | tr '\\0' 9; } >>c", REFUSED),
        ("half a million keys", "webhook c; seq -f 'k%g: 1' 300000 >>c", TOO_LARGE),
        ("one key half a million times", "webhook c; yes 'x: 1' | head -n 500000 >>c", TOO_LARGE),
        ("a million quotes", "webhook c; { printf 'x: '; yes \"'\" | head -n 1000000 | tr -d '\\n'; } >>c", PASS),
        ("4 MiB of new lines", "webhook c; yes '' | head -n 4000000 >>c", PASS),
        ("4 MiB of tabs", "webhook c; head -c 4000000 /dev/zero | tr '\\0' '\\t' >>c", REFUSED),
        ("4 MiB of NUL", "head -c 4000000 /dev/zero >c", REFUSED),
        ("random bytes", "head -c 1000000 /dev/urandom >c", REFUSED),
        ("100,000 documents", "yes -- --- | head -n 100000 >c; webhook d; cat d >>c", REFUSED),
        ("100,000 anchors", "webhook c; seq 100000 | sed 's/.*/k&: \\&a& 1/' >>c", TOO_LARGE),
    ];
    let cases = cases.map(|(name, make, verdicts)| (name, place(make), verdicts));
    let cases: Vec<_> = cases
        .iter()
        .map(|(name, script, verdicts)| {
            (
                *name,
                script.as_str(),
                *verdicts,
                if *verdicts == PASS { 0 } else { 2 },
            )
        })
        .collect();
    act_all(&cases, |_, _| {});
}

#[test]
fn folders_of_drop_ins_have_bounds() {
    let start = "webhook c; mkdir d";
    let rest = "settle; kubelet --config=$PWD/c --config-dir=$PWD/d; scan";
    let device = &["running unknown not-regular"][..];
    let cases = [
        ("100,000 entries", "\"$STAGE\" fill d 100000", TOO_LARGE, 2),
        ("50 empty drop-ins", "\"$STAGE\" fill d 50", REFUSED, 2),
        (
            "folders far beyond a path's length",
            "\"$STAGE\" deep d 5000",
            TOO_LARGE,
            2,
        ),
        ("folders 500 deep", "\"$STAGE\" deep d 500", TOO_LARGE, 2),
        ("a device among them", "mknod d/10.conf c 1 5", device, 2),
        ("a FIFO among them", "mkfifo d/10.conf", device, 2),
        (
            "a link to itself among them",
            "ln -s . d/10.conf",
            REFUSED,
            2,
        ),
        (
            "50 of 100 KiB",
            "webhook x; head -c 100000 /dev/zero | tr '\\0' '#' >>x
            for i in $(seq 50); do ln x d/$i.conf; done",
            PASS,
            0,
        ),
    ];
    let cases = cases.map(|(name, make, verdicts, code)| {
        (name, format!("{start}; {make}; {rest}"), verdicts, code)
    });
    let cases = cases
        .each_ref()
        .map(|(name, script, verdicts, code)| (*name, script.as_str(), *verdicts, *code));
    act_all(&cases, |_, _| {});
}

#[test]
fn time_and_memory_are_kept_whatever_there_is_to_read() {
    // 250 names of one file of 4 MB: 1 GB, were all of it kept. A tenant can do that as well, for a kubelet of
    // its own, and then it must not cost the node's kubelet its verdict.
    let many = "mkdir d; \"$STAGE\" fill d 5000";
    let large = "mkdir d; webhook x; head -c 4000000 /dev/zero | tr '\\0' '\\n' >>x
        for i in $(seq 250); do ln x d/$i.conf; done";
    let node = "settle; kubelet --config=$PWD/c --config-dir=$PWD/d";
    let tenant =
        "settle; kubelet --config=$PWD/c; AS=$somebody kubelet --config=$PWD/c --config-dir=$PWD/d";
    let cases = [
        ("5,000 drop-ins", many, node),
        ("5,000 drop-ins of a tenant", many, tenant),
        ("1 GB of drop-ins", large, node),
        ("1 GB of drop-ins of a tenant", large, tenant),
    ];
    let wrong: Vec<&str> = cases
        .iter()
        .filter_map(|(name, make, start)| {
            let script = format!("webhook c; {make}; {start}; LIMIT=500 scan --timeout 60s");
            let outcome = act(&script)?;
            let verdicts = if outcome.code < 0 {
                Vec::new()
            } else {
                outcome.verdicts()
            };
            println!(
                "{name}: {verdicts:?}, exit code {}, {} ms of work in {} ms, {} KiB",
                outcome.code, outcome.worked, outcome.milliseconds, outcome.peak_kib
            );
            let wanted = if *start == tenant {
                "running pass"
            } else {
                "running unknown"
            };
            let held = (0..=2).contains(&outcome.code)
                && outcome.worked < MOST_WORK
                && outcome.peak_kib < 256 << 10
                && verdicts
                    .first()
                    .is_some_and(|verdict| verdict.starts_with(wanted));
            (!held).then_some(*name)
        })
        .collect();
    assert!(wrong.is_empty(), "not kept: {wrong:?}");
}
