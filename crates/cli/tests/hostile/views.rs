//! Who sees what: containers, other roots, other mounts, hidden processes, other users.

use crate::support::act_all;

const PASS: &[&str] = &["running pass"];
const UNSEEN: &[&str] = &["running unknown denied"];

/// A healthy kubelet of the node.
const HEALTHY: &str = "webhook c; settle; kubelet --config=$PWD/c";

/// A folder that is all a container has: the system's programs, an empty `/dev`, and room for the host and a
/// procfs.
const BOX: &str = "mkdir -p box/usr box/host box/proc box/dev box/etc box/tmp; mount --rbind /usr box/usr
    for one in lib lib64 bin; do
        if [ -L /$one ]; then cp -P /$one box/; elif [ -d /$one ]; then mkdir box/$one; mount --rbind /$one box/$one; fi
    done";

#[test]
fn a_process_is_seen_with_its_own_root_and_mounts() {
    let chrooted = format!(
        "{BOX}; mkdir -p box/cfg box/$PWD cfg; cp \"$STAGE\" box/kubelet; : >box/$PWD/kubeconfig
         webhook box/cfg/c; allow cfg/c; settle
         TENANT=wait READY=/ready chroot box /kubelet --config=/cfg/c --kubeconfig=$PWD/kubeconfig &
         until [ -e box/ready ]; do sleep 0.01; done; scan"
    );
    act_all(
        &[
            ("in a root of its own", &chrooted, PASS, 0),
            (
                "with other mounts at the same path",
                "mkdir cfg own; allow cfg/c; webhook own/c; settle
              printf '#!/bin/sh\\nmount --bind own cfg && exec \"$@\"\\n' >with; chmod +x with
              AS=\"unshare -m ./with\" kubelet --config=$PWD/cfg/c; scan",
                PASS,
                0,
            ),
            (
                "root of a user namespace of its own",
                "webhook c; settle; AS='unshare -U -r' kubelet --config=$PWD/c; scan",
                &["running unknown denied", "running pass"],
                2,
            ),
        ],
        |_, _| {},
    );
}

#[test]
fn what_is_hidden_from_the_scan_is_never_passed() {
    let cases = [
        (
            "hidepid=1, another user",
            "mount -o remount,hidepid=1 /proc; VIA=$somebody scan",
            UNSEEN,
            2,
        ),
        (
            "hidepid=2, another user",
            "mount -o remount,hidepid=2 /proc; VIA=$somebody scan",
            UNSEEN,
            2,
        ),
        (
            "hidepid=4, another user",
            "mount -o remount,hidepid=4 /proc; VIA=$somebody scan",
            UNSEEN,
            2,
        ),
        (
            "hidepid=2, root",
            "mount -o remount,hidepid=2 /proc; scan",
            PASS,
            0,
        ),
        (
            "hidepid=2, root without CAP_SYS_PTRACE",
            "mount -o remount,hidepid=2 /proc; VIA='setpriv --bounding-set -sys_ptrace' scan",
            PASS,
            0,
        ),
        (
            "hidepid=4, root without CAP_SYS_PTRACE",
            "mount -o remount,hidepid=4 /proc; VIA='setpriv --bounding-set -sys_ptrace' scan",
            UNSEEN,
            2,
        ),
        // The table of mounts is for everybody to read, and shows that the host's root is the kubelet's too.
        ("another user", "VIA=$somebody scan", PASS, 0),
        (
            "root without any capability",
            "VIA='setpriv --bounding-set -all' scan",
            PASS,
            0,
        ),
        (
            "another user with CAP_SYS_PTRACE alone",
            "VIA=\"$somebody --inh-caps +sys_ptrace --ambient-caps +sys_ptrace\" scan",
            PASS,
            0,
        ),
        (
            "root of a user namespace of its own",
            "VIA='unshare -U -r' scan",
            PASS,
            0,
        ),
        (
            "in a container, which sees only itself",
            "VIA='unshare -p -f --mount-proc' scan",
            UNSEEN,
            2,
        ),
        (
            "with the processes of another namespace in /proc",
            "VIA='unshare -p -f' scan",
            PASS,
            0,
        ),
    ];
    let scripts = cases
        .map(|(name, scan, verdicts, code)| (name, format!("{HEALTHY}\n{scan}"), verdicts, code));
    let cases: Vec<_> = scripts
        .iter()
        .map(|(name, script, verdicts, code)| (*name, script.as_str(), *verdicts, *code))
        .collect();
    act_all(&cases, |_, _| {});
}

#[test]
fn a_container_with_the_hosts_root_judges_the_host() {
    // As a DaemonSet does it: its own root, its own processes, the host's root with its procfs at `/host`.
    let script = format!(
        "{HEALTHY}; {BOX}; mount --rbind / box/host
         printf '#!/bin/sh\\nmount -t proc proc box/proc && exec chroot box \"$@\"\\n' >inside; chmod +x inside
         VIA='unshare -m -p -f ./inside' BINARY=/host$KUBEASSAY scan --root /host"
    );
    let without_proc = format!(
        "{HEALTHY}; {BOX}; mount --rbind / box/host
         VIA=\"$STAGE refuse prctl EINVAL chroot box\" BINARY=/host$KUBEASSAY scan --root /host"
    );
    act_all(
        &[
            ("with a procfs of its own", &script, PASS, 0),
            ("without one, on Linux before 6.4", &without_proc, PASS, 0),
        ],
        |name, outcome| {
            assert_eq!(
                outcome.report()["scanned"]["nodes"][0]["root"],
                "/host",
                "{name}"
            );
        },
    );
}
