//! How much of the process table can be seen.

use kubeassay_core::facts::ProcessTable;

use crate::fs::read::MOST_CONFIGURATION;
use crate::proc::status::CAP_SYS_PTRACE;
use crate::proc::{Proc, mountinfo, stat, status};

/// `/proc/PID/ns/pid` of the first PID namespace of a kernel (`PROC_PID_INIT_INO` of the kernel's
/// `include/linux/proc_ns.h`).
const FIRST_PID_NAMESPACE: &[u8] = b"pid:[4026531836]";

/// Returns what can be said of the process table before any process is looked at.
///
/// **Only our own namespace.** Kernel threads are shown in the first PID namespace of a kernel only, and no
/// program can pass for one (the flag in `stat`). So a procfs that shows `kthreadd` as process 2, or whose
/// first process is in the first PID namespace, shows the whole machine. Any other live one shows a
/// container's processes: that of kubeassay, or, seen from inside, that of a node which is itself a
/// container (kind). Where the first process is hidden nothing is claimed. Of a recorded procfs it is
/// claimed only where it recorded the first process's PID namespace and that is not the kernel's first.
///
/// **Others are hidden.** The procfs is mounted with `hidepid`, and neither `CAP_SYS_PTRACE` nor the group
/// of the mount's `gid=` lets us see; or it does not show its first process, which always exists. Of a
/// recorded procfs, only if a recorded table of mounts says `hidepid` and the first process was not seen.
pub(crate) fn look(proc: &Proc) -> ProcessTable {
    let first = proc.read("1/stat", MOST_CONFIGURATION);
    let shows_kernel_threads = proc
        .read("2/stat", MOST_CONFIGURATION)
        .is_ok_and(|content| stat::parse(&content).is_some_and(|stat| stat.kernel_thread));
    let pid_namespace = proc.link("1/ns/pid").ok();
    let whole_machine =
        shows_kernel_threads || pid_namespace.as_deref() == Some(FIRST_PID_NAMESPACE);
    let own_namespace_only = if proc.is_live() {
        !whole_machine && first.is_ok()
    } else {
        !whole_machine && pid_namespace.is_some()
    };
    let hides_others = match hidepid(proc) {
        Hidepid::Hides { from_us } if proc.is_live() => from_us || first.is_err(),
        Hidepid::Hides { .. } => first.is_err(),
        Hidepid::Shows => proc.is_live() && first.is_err(),
    };
    ProcessTable {
        seen: 0,
        hides_others,
        own_namespace_only,
        unreadable: Vec::new(),
    }
}

enum Hidepid {
    Shows,
    Hides { from_us: bool },
}

fn hidepid(proc: &Proc) -> Hidepid {
    let tables = ["self/mountinfo", "1/mountinfo"];
    let Some(table) = tables
        .iter()
        .find_map(|path| proc.read(path, MOST_CONFIGURATION).ok())
    else {
        return Hidepid::Shows;
    };
    let mounts = mountinfo::parse(&table);
    let id = proc
        .directory()
        .status()
        .ok()
        .and_then(|status| status.identity.mount);
    let mount = match id.filter(|_| proc.is_live()) {
        Some(id) => mounts.iter().find(|mount| mount.id == id),
        None => mounts
            .iter()
            .rev()
            .find(|mount| mount.file_system == b"proc" && mount.point == b"/proc"),
    };
    let Some(mount) = mount else {
        return Hidepid::Shows;
    };
    match mount.option(b"hidepid") {
        None | Some(b"0" | b"off") => return Hidepid::Shows,
        Some(_) => {}
    }
    let ours = proc
        .read("self/status", MOST_CONFIGURATION)
        .unwrap_or_default();
    let ours = status::parse(&ours);
    let may_trace = ours
        .capabilities
        .is_some_and(|set| set & CAP_SYS_PTRACE != 0);
    let group = mount
        .option(b"gid")
        .and_then(|gid| std::str::from_utf8(gid).ok()?.parse::<u32>().ok())
        .unwrap_or(0);
    let in_group = ours.groups.contains(&group);
    let by_group = in_group && !matches!(mount.option(b"hidepid"), Some(b"4" | b"ptraceable"));
    Hidepid::Hides {
        from_us: !may_trace && !by_group,
    }
}
