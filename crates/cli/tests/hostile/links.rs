//! Links on the way to a configuration, on the machine itself and below a mounted root.

use crate::support::{Case, act_all};

const NOT_REGULAR: &[&str] = &["running unknown not-regular"];
const MISSING: &[&str] = &["running unknown missing", "restart unknown missing"];

#[test]
fn links_are_followed_as_the_process_would() {
    act_all(
        &[
            (
                "a loop",
                "ln -s config config; settle; kubelet --config=$PWD/config; scan",
                MISSING,
                2,
            ),
            (
                "40 links",
                "webhook 0; for i in $(seq 40); do ln -s $((i - 1)) $i; done; settle; kubelet --config=$PWD/40; scan",
                &["running pass"],
                0,
            ),
            (
                "41 links",
                "webhook 0; for i in $(seq 41); do ln -s $((i - 1)) $i; done; settle; kubelet --config=$PWD/41; scan",
                MISSING,
                2,
            ),
            (
                "a way up beyond the root",
                "webhook config; settle; kubelet --config=/../../../../../../../../../..$PWD/config; scan",
                &["running pass"],
                0,
            ),
            (
                "a link to a device",
                "ln -s /dev/zero config; settle; kubelet --config=$PWD/config; scan",
                NOT_REGULAR,
                2,
            ),
            (
                "a link to nothing",
                "ln -s /nonexistent config; settle; kubelet --config=$PWD/config; scan",
                MISSING,
                2,
            ),
        ],
        |_, _| {},
    );
}

/// A folder with a recorded `proc`, in which a kubelet was started with the configuration `/etc/config`.
const RECORDED: &str = "mkdir -p host/proc/77 host/etc host/usr/bin
    cd host/proc; printf 'kubelet\\0--config=/etc/config\\0--kubeconfig=/etc/kubeconfig\\0' >77/cmdline; echo kubelet >77/comm
    ln -s /usr/bin/kubelet 77/exe; : >../usr/bin/kubelet; : >../etc/kubeconfig; printf 'btime %s\\n' $(($(date +%s) + 60)) >stat
    echo '77 (kubelet) S 1 77 77 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0' >77/stat; cd ../..";

#[test]
fn a_mounted_root_is_never_left() {
    let cases = [
        (
            "a healthy one",
            "webhook host/etc/config",
            &["running pass"][..],
            0,
        ),
        (
            "a link that climbs out",
            "allow outside; ln -s ../../outside host/etc/config",
            MISSING,
            2,
        ),
        (
            "a link that climbs far out",
            "allow outside; ln -s ../../../../../../../../../..$PWD/outside host/etc/config",
            MISSING,
            2,
        ),
        (
            "an absolute link",
            "webhook host/etc/real; ln -s /etc/real host/etc/config",
            &["running pass"],
            0,
        ),
        (
            "an absolute link to what is only outside",
            "allow outside; ln -s $PWD/outside host/etc/config",
            MISSING,
            2,
        ),
        (
            "a folder that is a link out",
            "mkdir out; allow out/config; rm -r host/etc; ln -s $PWD/out host/etc",
            MISSING,
            2,
        ),
        (
            "a device of the copy",
            "mknod host/etc/config c 1 5",
            NOT_REGULAR,
            2,
        ),
        (
            "a link into proc",
            "webhook host/proc/77/x; ln -s /proc/77/x host/etc/config",
            NOT_REGULAR,
            2,
        ),
        (
            "a process recorded as a FIFO",
            "rm host/proc/77/cmdline; mkfifo host/proc/77/cmdline",
            &["running unknown not-regular"],
            2,
        ),
        (
            "a process recorded as an endless device",
            "rm host/proc/77/cmdline; mknod host/proc/77/cmdline c 1 5",
            &["running unknown not-regular"],
            2,
        ),
        (
            "a process whose record is a link",
            "rm host/proc/77/cmdline; printf 'kubelet\\0' >host/proc/x; ln -s ../x host/proc/77/cmdline",
            &["running unknown not-regular"],
            2,
        ),
    ];
    let scripts: Vec<_> = cases
        .map(|(name, make, verdicts, code)| {
            (
                name,
                format!("{RECORDED}\n{make}; scan --root host"),
                verdicts,
                code,
            )
        })
        .into();
    let cases: Vec<Case<'_>> = scripts
        .iter()
        .map(|(name, script, verdicts, code)| (*name, script.as_str(), *verdicts, *code))
        .collect();
    act_all(&cases, |_, _| {});
}
