//! Where kubeassay itself is started badly: without a system call, a right, a descriptor, memory or a thread.

use crate::support::{act, act_all};

const PASS: &[&str] = &["running pass"];
const HEALTHY: &str = "webhook c; settle; kubelet --config=$PWD/c";

/// Acts out what comes after a healthy kubelet was started, and wants the same verdict as ever.
fn still_passes(cases: &[(&str, &str)]) {
    let scripts: Vec<_> = cases
        .iter()
        .map(|(name, scan)| (*name, format!("{HEALTHY}\n{scan}")))
        .collect();
    let cases: Vec<_> = scripts
        .iter()
        .map(|(name, script)| (*name, script.as_str(), PASS, 0))
        .collect();
    act_all(&cases, |_, _| {});
}

#[test]
fn system_calls_that_are_not_there_are_done_without() {
    still_passes(&[
        (
            "no openat2, as before Linux 5.6",
            "VIA=\"$STAGE refuse openat2 ENOSYS\" scan",
        ),
        (
            "openat2 forbidden",
            "VIA=\"$STAGE refuse openat2 EPERM\" scan",
        ),
        (
            "no statx, as before Linux 4.11",
            "VIA=\"$STAGE refuse statx ENOSYS\" scan",
        ),
        (
            "statx forbidden, as by an old Docker",
            "VIA=\"$STAGE refuse statx EPERM\" scan",
        ),
        (
            "no prctl, as PR_GET_AUXV before Linux 6.4",
            "VIA=\"$STAGE refuse prctl EINVAL\" scan",
        ),
        ("nothing but reading", "VIA=\"$STAGE only-read\" scan"),
    ]);
}

#[test]
fn limits_are_lived_with() {
    still_passes(&[
        ("16 open files", "ulimit -n 16; scan"),
        ("64 open files", "ulimit -n 64; scan"),
        ("256 MiB of addresses", "ulimit -v 262144; scan"),
        ("a stack of 512 KiB", "ulimit -s 512; scan"),
        ("no core", "ulimit -c 0; scan"),
        (
            "no further process or thread of the user",
            "VIA=\"prlimit --nproc=1:1 $somebody --inh-caps +sys_ptrace --ambient-caps +sys_ptrace\" scan",
        ),
        (
            "no thread at all",
            "VIA=\"$STAGE refuse clone3 ENOSYS $STAGE refuse clone EAGAIN\" scan",
        ),
        (
            "everything read-only",
            "mkdir r; mount --rbind / r; mount -o remount,bind,ro r; VIA='chroot r' scan",
        ),
    ]);
}

#[test]
fn a_hostile_environment_changes_nothing() {
    still_passes(&[
        ("variables of terminals", "export TERM=\"$(printf '\\033[31m')\" NO_COLOR=1 COLUMNS=-1 LINES=99999999999 CLICOLOR_FORCE=1; scan"),
        ("variables of Rust", "export RUST_BACKTRACE=full RUST_MIN_STACK=1 RUST_LOG=trace; scan"),
        ("variables of clap and the C library", "export LC_ALL=xx_XX.nothing TZ=:/dev/zero MALLOC_ARENA_MAX=0; scan"),
        ("a variable of 100 KiB", "export LONG=$(head -c 100000 /dev/zero | tr '\\0' x); scan"),
        ("a working folder that is gone", "keep=$PWD; mkdir gone; cd gone; rmdir ../gone; measured=$keep/measured
          \"$STAGE\" measure $keep/measured 60 \"$KUBEASSAY\" scan 4.2.2 -o json --kubernetes-version 1.34 >$keep/report 2>$keep/errors"),
    ]);
}

#[test]
fn outputs_that_are_closed_or_full_are_told_apart() {
    // What stdin, stdout and stderr are, and the exit code: where the report was lost it is no verdict.
    for (name, redirected, code, said) in [
        ("no stdin", "run -o json <&- >report 2>errors", 0, ""),
        ("no stderr", "run -o json >report 2>&-", 0, ""),
        (
            "neither stdin nor stderr",
            "run -o json <&- >report 2>&-",
            0,
            "",
        ),
        ("a full stderr", "run -o json >report 2>/dev/full", 0, ""),
        (
            "a full device for stdout",
            "run -o json >/dev/full 2>errors",
            64,
            "cannot write to stdout",
        ),
        (
            "a pipe that is closed at once",
            "run -o json 2>errors | :",
            0,
            "",
        ),
        // Before `main` Rust opens /dev/null where there is nothing, so that no file can take the number.
        ("no stdout", "run -o json >&- 2>errors", 0, ""),
        ("neither stdout nor stderr", "run -o json >&- 2>&-", 0, ""),
        (
            "neither stdin nor stdout",
            "run -o json <&- >&- 2>errors",
            0,
            "",
        ),
        ("nothing", "run -o json <&- >&- 2>&-", 0, ""),
        (
            "a report larger than a file may be (SIGXFSZ)",
            "VIA='prlimit --fsize=0' run -o json >report 2>errors",
            128 + 25,
            "",
        ),
    ] {
        let Some(outcome) = act(&format!("{HEALTHY}\n{redirected}")) else {
            return;
        };
        println!("{name}: exit code {}, {:?}", outcome.code, outcome.errors);
        assert_eq!(outcome.code, code, "{name}: {outcome:?}");
        assert!(outcome.errors.contains(said), "{name}: {outcome:?}");
        if redirected.contains(">report") && code == 0 {
            assert_eq!(outcome.verdicts(), PASS, "{name}");
        } else {
            assert!(outcome.output.is_empty(), "{name}: {outcome:?}");
        }
    }
}

#[test]
fn an_output_file_that_cannot_be_written_is_a_clear_error() {
    for (name, script, said) in [
        (
            "a folder that is read-only",
            "mkdir o; mount -t tmpfs -o ro none o; run -o json --output-file o/report >report 2>errors",
            "cannot write in o: Read-only file system",
        ),
        (
            "a full file system",
            "mkdir o; mount -t tmpfs -o size=4k none o; run -o json --output-file o/report >report 2>errors",
            "cannot write o/report: No space left on device",
        ),
        (
            "a device",
            "mknod d c 1 3; run -o json --output-file d >report 2>errors; test -c d",
            "d is no regular file",
        ),
        (
            "a FIFO",
            "mkfifo d; run -o json --output-file d >report 2>errors; test -p d",
            "d is no regular file",
        ),
        (
            "everything read-only",
            "mkdir r; mount --rbind / r; mount -o remount,bind,ro r; VIA='chroot r' run -o json --output-file $PWD/x >report 2>errors",
            "Read-only file system",
        ),
        (
            "a folder in its place",
            "mkdir d; run -o json --output-file d >report 2>errors",
            "d is a folder; name a file in it",
        ),
    ] {
        let Some(outcome) = act(&format!("{HEALTHY}\n{script}")) else {
            return;
        };
        println!("{name}: exit code {}, {:?}", outcome.code, outcome.errors);
        assert_eq!(outcome.code, 64, "{name}: {outcome:?}");
        assert!(outcome.errors.contains(said), "{name}: {outcome:?}");
        assert!(outcome.output.is_empty(), "{name}");
    }
}

#[test]
fn an_empty_root_without_proc_is_told_as_such() {
    // A root with nothing in it but the program and the libraries that it needs, so that not even `/dev` is there.
    let bare = "mkdir -p b/b; cp \"$KUBEASSAY\" b/b/kubeassay; for one in $(ldd \"$KUBEASSAY\" | grep -o '/[^ ]*'); do
        mkdir -p b$(dirname $one); cp $one b$one; done";
    let run = |more: &str| {
        act(&format!(
            "{bare}; {HEALTHY}\n{more}; VIA='chroot b' BINARY=/b/kubeassay scan"
        ))
    };
    let Some(none) = run(":") else { return };
    assert_eq!(none.code, 64, "{none:?}");
    assert!(none.errors.contains("has no `proc` directory"), "{none:?}");
    let empty = run("mkdir b/proc").unwrap();
    assert_eq!(empty.code, 64, "{empty:?}");
    let live = run("mkdir b/proc; mount -t proc proc b/proc")
        .unwrap()
        .held("no /dev");
    assert_eq!(
        (live.verdicts(), live.code),
        (vec!["running pass".to_owned()], 0),
        "{}",
        live.problems()
    );
}

#[test]
fn a_procfs_that_shows_little_passes_nothing_that_it_hides() {
    still_passes(&[(
        "only processes (subset=pid)",
        "mount -t proc -o subset=pid proc /proc; scan",
    )]);
    let Some(none) = act(&format!("{HEALTHY}\numount -l /proc; scan")) else {
        return;
    };
    assert_eq!(none.code, 64, "{none:?}");
    assert!(none.errors.contains("has no `proc` directory"), "{none:?}");
}
