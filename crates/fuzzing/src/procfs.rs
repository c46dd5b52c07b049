//! The small texts of procfs: `stat`, `status`, `cgroup`, `cmdline`, `environ`, `uid_map`.

use kubeassay_core::Bytes;
use kubeassay_host::proc::{cgroup, cmdline, stat, status};

use crate::input::Parts;

/// Reads the first part as each of them, the second as what stands within them.
pub(crate) fn run(data: &[u8]) {
    let mut parts = Parts::new(data);
    let text = parts.next();
    let name = parts.next();
    stat_of(text, name);
    status_of(text);
    cgroup_of(text);
    environment_of(text);
    for uid in [0, 1, 1000, 65_535, 65_536, u32::MAX] {
        assert_eq!(
            status::map_uid(text, uid),
            map(text, uid),
            "{uid}: {:?}",
            String::from_utf8_lossy(text)
        );
    }
}

/// Asserts that no name of a process shifts the fields behind it.
fn stat_of(text: &[u8], name: &[u8]) {
    let _ = stat::parse(text);
    let line = |name: &[u8]| {
        [
            b"7 (",
            name,
            b") S 1 7 7 0 -1 4194560 1 0 0 0 5 6 0 0 20 0 11 0 8639200 1 2 3\n",
        ]
        .concat()
    };
    let with_name = stat::parse(&line(name)).expect("a line of the kernel");
    assert_eq!(Some(with_name), stat::parse(&line(b"kubelet")));
    if let Some(second) = stat::boot_second(text) {
        let said = format!("btime {second}");
        let lossy = String::from_utf8_lossy(text);
        let plain = lossy.lines().any(|line| line.starts_with("btime "));
        assert!(plain, "{said} stands nowhere");
    }
}

/// Asserts that every number stands in the text.
fn status_of(text: &[u8]) {
    let status = status::parse(text);
    let lossy = String::from_utf8_lossy(text);
    let words: Vec<&str> = lossy.split_ascii_whitespace().collect();
    let stands = |number: u32| {
        words
            .iter()
            .any(|word| word.rsplit(':').next().and_then(|word| word.parse().ok()) == Some(number))
    };
    assert!(status.effective_uid.is_none_or(stands), "{status:?}");
    assert!(
        status.groups.iter().all(|group| stands(*group)),
        "{status:?}"
    );
}

fn cgroup_of(text: &[u8]) {
    let Some(path) = cgroup::parse(text) else {
        return;
    };
    let ends_a_line = text
        .split(|byte| *byte == b'\n')
        .any(|line| line.ends_with(&path));
    assert!(ends_a_line, "a path that stands in no line: {path:?}");
    // Whoever is in any pod's cgroup is taken for one of a pod.
    let in_pod = text.split(|byte| *byte == b'\n').any(|line| {
        let path = line.splitn(3, |byte| *byte == b':').nth(2);
        path.is_some_and(cgroup::is_pod)
    });
    assert_eq!(cgroup::is_pod(&path), in_pod);
    if let Some(unit) = cgroup::unit(&path) {
        assert!(
            unit.ends_with(b".service") && !unit.contains(&b'/'),
            "{unit:?}"
        );
    }
}

/// Asserts that nothing of the environment is kept but what is known, the first of it.
fn environment_of(text: &[u8]) {
    let kept = cmdline::environment(text, kubeassay_core::Component::Kubelet);
    for (name, value) in &kept {
        assert_eq!(
            name, "KUBELET_CONFIG_DROPIN_DIR_ALPHA",
            "another variable is kept"
        );
        let written = [name.as_bytes(), b"=", value.as_slice()].concat();
        let first = text
            .split(|byte| *byte == 0)
            .find(|variable| variable.starts_with(&written[..=name.len()]));
        assert_eq!(first, Some(&*written));
    }
    let argv = cmdline::arguments(text);
    assert_eq!(
        argv.first().map_or(&b""[..], Bytes::as_slice),
        cmdline::first(text)
    );
}

/// What a map of user ids says, with numbers too large for any mistake; lines that are none are no ranges.
fn map(text: &[u8], uid: u32) -> Option<u32> {
    for line in String::from_utf8_lossy(text).lines() {
        let numbers: Vec<&str> = line.split_ascii_whitespace().take(3).collect();
        let [inside, outside, length] = numbers.as_slice() else {
            continue;
        };
        let number = |word: &str| word.parse::<u32>().ok().map(u64::from);
        let (Some(inside), Some(outside), Some(length)) =
            (number(inside), number(outside), number(length))
        else {
            continue;
        };
        let uid = u64::from(uid);
        if uid >= inside
            && uid < inside + length
            && let Ok(mapped) = u32::try_from(outside + uid - inside)
        {
            return Some(mapped);
        }
    }
    None
}
