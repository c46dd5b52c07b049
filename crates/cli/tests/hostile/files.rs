//! What may lie where a configuration is expected.

use crate::support::{Case, act, act_all};

#[test]
fn a_healthy_host_passes_so_that_the_stage_itself_hides_nothing() {
    let script = "webhook config; settle; kubelet --config=$PWD/config; WATCH=config scan";
    let Some(outcome) = act(script) else { return };
    let outcome = outcome.held("healthy");
    assert_eq!(
        outcome.verdicts(),
        ["running pass"],
        "{}",
        outcome.problems()
    );
    assert_eq!(outcome.code, 0, "{outcome:#?}");
    assert_eq!(outcome.opens, 1, "an open is seen where there is one");
    assert_eq!(outcome.said, "");
}

const NOT_REGULAR: &[&str] = &["running unknown not-regular"];
const MISSING: &[&str] = &["running unknown missing", "restart unknown missing"];
const TOO_LARGE: &[&str] = &["running unknown too-large"];

#[test]
fn nothing_but_a_regular_file_is_ever_opened() {
    let place =
        |make: &str| format!("{make}\nsettle; kubelet --config=$PWD/config; WATCH=config scan");
    let scripts: Vec<(&str, String)> = [
        ("a device that is empty (null)", "mknod config c 1 3"),
        ("a device that never ends (zero)", "mknod config c 1 5"),
        (
            "a device that gives away entropy (random)",
            "mknod config c 1 8",
        ),
        (
            "the terminal of whoever opens it (tty)",
            "mknod config c 5 0",
        ),
        ("a device that makes terminals (ptmx)", "mknod config c 5 2"),
        ("the log of the kernel (kmsg)", "mknod config c 1 11"),
        ("memory (mem)", "mknod config c 1 1"),
        ("a block device", "mknod config b 7 0"),
        ("a FIFO without a writer", "mkfifo config"),
        (
            "a FIFO with a writer that waits",
            "mkfifo config; (echo x >config; touch wrote) &",
        ),
        (
            "a FIFO that says something",
            "mkfifo config; (exec 3<>config; echo x >&3; sleep 60) &",
        ),
        ("an overlay's whiteout", "mknod config c 0 0"),
    ]
    .map(|(name, make)| (name, place(make)))
    .into();
    let cases: Vec<Case<'_>> = scripts
        .iter()
        .map(|(name, script)| (*name, script.as_str(), NOT_REGULAR, 2))
        .collect();
    act_all(&cases, |name, outcome| {
        assert_eq!(outcome.opens, 0, "{name}");
    });
}

#[test]
fn a_watchdog_is_never_started() {
    // Opening it starts the clock, and closing it again may reboot the machine. There need not be a driver
    // here; then whoever opens it is told so, and that is watched for.
    act_all(
        &[
            (
                "a watchdog",
                "mknod config c 10 130; settle; kubelet --config=$PWD/config; WATCH=config scan
                 VIA=\"$STAGE no-device\" scan",
                NOT_REGULAR,
                2,
            ),
            (
                "a device without a driver",
                "mknod config c 60 7; settle; kubelet --config=$PWD/config; VIA=\"$STAGE no-device\" scan",
                NOT_REGULAR,
                2,
            ),
        ],
        |name, outcome| assert_eq!(outcome.opens, 0, "{name}"),
    );
    let seen = act(
        "mknod device c 60 7; BINARY=/bin/cat; \"$STAGE\" measure measured 9 \"$STAGE\" no-device cat device || :",
    );
    let Some(seen) = seen else { return };
    assert_eq!(seen.code, 98, "an open would have been seen: {seen:?}");
}

#[test]
fn what_the_kernel_makes_up_is_no_configuration() {
    act_all(
        &[
            (
                "the environment of whoever reads",
                "ln -s /proc/self/environ config; settle; kubelet --config=$PWD/config; scan",
                NOT_REGULAR,
                2,
            ),
            (
                "by its own path",
                "kubelet --config=/proc/self/environ; scan",
                NOT_REGULAR,
                2,
            ),
            (
                "the kernel's log",
                "ln -s /proc/kmsg config; settle; kubelet --config=$PWD/config; scan",
                NOT_REGULAR,
                2,
            ),
            (
                "standard input",
                "kubelet --config=/dev/stdin; scan",
                NOT_REGULAR,
                2,
            ),
            (
                "a descriptor",
                "kubelet --config=/dev/fd/0; scan",
                NOT_REGULAR,
                2,
            ),
            (
                "a descriptor of the process",
                "webhook x; exec 9<x; kubelet --config=/proc/self/fd/9; scan",
                NOT_REGULAR,
                2,
            ),
            (
                "a file of sysfs",
                "kubelet --config=/sys/kernel/uevent_seqnum; scan",
                NOT_REGULAR,
                2,
            ),
            (
                "another process's root",
                "webhook real; ln -s /proc/1/root$PWD/real config; settle; kubelet --config=$PWD/config; scan",
                NOT_REGULAR,
                2,
            ),
            (
                "a socket",
                "\"$STAGE\" socket config; settle; kubelet --config=$PWD/config; scan",
                NOT_REGULAR,
                2,
            ),
        ],
        |_, _| {},
    );
}

#[test]
fn sizes_and_names_have_bounds() {
    act_all(
        &[
            (
                "3 GiB that take no room",
                "truncate -s 3G config; settle; kubelet --config=$PWD/config; WATCH=config scan",
                TOO_LARGE,
                2,
            ),
            (
                "one byte more than is read",
                "truncate -s $((4 * 1024 * 1024 + 1)) config; settle; kubelet --config=$PWD/config; scan",
                TOO_LARGE,
                2,
            ),
            (
                "an empty file",
                ": >config; settle; kubelet --config=$PWD/config; scan",
                &["running unknown would-refuse"],
                2,
            ),
            (
                "a name of 4,096 bytes",
                "kubelet --config=/$(head -c 4095 /dev/zero | tr '\\0' a); scan",
                MISSING,
                2,
            ),
            (
                "a part of 256 bytes",
                "kubelet --config=$PWD/$(head -c 256 /dev/zero | tr '\\0' a); scan",
                MISSING,
                2,
            ),
            (
                "nobody may read it",
                "webhook config; chmod 0 config; settle; kubelet --config=$PWD/config
              VIA='setpriv --bounding-set -dac_override,-dac_read_search' scan",
                &["running unknown denied"],
                2,
            ),
            (
                "a folder in its place",
                "mkdir config; settle; kubelet --config=$PWD/config; WATCH=config scan",
                &["running unknown would-refuse"],
                2,
            ),
            (
                "nothing is there",
                "kubelet --config=$PWD/config; scan",
                MISSING,
                2,
            ),
        ],
        |_, _| {},
    );
}

#[test]
fn what_a_name_says_to_a_terminal_is_never_said() {
    // `\r` goes back to the start of the line, U+009B begins a command without an escape, U+202E turns the text.
    let script = r#"name=$(printf 'a\nPASS 4.2.2\033[2J\033]0;x\007\r\302\233\342\200\256b')
        allow "$name"; settle; kubelet --config="$PWD/$name""#;
    for format in ["table", "wide", "json", "jsonl", "yaml"] {
        let Some(outcome) = act(&format!("{script}\nrun -o {format} >report 2>errors")) else {
            return;
        };
        assert_eq!(outcome.code, 1, "{format}: {outcome:?}");
        let text = String::from_utf8(outcome.output).expect("UTF-8");
        let acts = |character: char| {
            (character.is_control() && character != '\n')
                || ('\u{202a}'..='\u{202e}').contains(&character)
        };
        assert!(!text.contains(acts), "{format}: {text:?}");
        assert!(
            !text.lines().any(|line| line.starts_with("PASS")),
            "{format}: {text}"
        );
        assert!(text.contains("PASS"), "{format}: {text}");
        let said = &outcome.errors;
        assert!(
            said.is_empty() || said == "kubeassay: exit 1: 1 finding fails\n",
            "{said}"
        );
    }
}
