//! `/proc/PID/cgroup`.

/// Returns the cgroup that says where a process belongs.
///
/// That is the one of the unified hierarchy, or systemd's own, or any other, in this order, and the root
/// only where there is nothing else. With two hierarchies side by side a container may be in only one of
/// them, so that a pod's or container's cgroup goes before all others.
pub fn parse(content: &[u8]) -> Option<Vec<u8>> {
    let lines = content.split(|byte| *byte == b'\n').filter_map(|line| {
        let mut fields = line.splitn(3, |byte| *byte == b':');
        let (id, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let rank = match (id, controllers) {
            (b"0", b"") => 1,
            (_, b"name=systemd") => 2,
            _ => 3,
        };
        let rank = match path {
            path if is_pod(path) => 0,
            b"/" => 3 + rank,
            _ => rank,
        };
        Some((rank, path))
    });
    let best = lines.min_by_key(|(rank, _)| *rank);
    best.map(|(_, path)| path.to_vec())
}

/// Returns whether a cgroup is that of a pod or of a podman container.
pub fn is_pod(path: &[u8]) -> bool {
    path.windows(7)
        .any(|window| window == b"kubepod" || window == b"libpod-")
}

/// Returns the innermost service unit in a cgroup's path.
pub fn unit(path: &[u8]) -> Option<&[u8]> {
    path.rsplit(|byte| *byte == b'/')
        .find(|part| part.ends_with(b".service") && part.len() > b".service".len())
}

/// Returns the service of the host's own systemd in a cgroup's path: on the way to it are slices and nothing else,
/// neither a user's manager nor a container with a systemd of its own.
///
/// Whoever reads from a cgroup namespace of its own sees other cgroups behind `..`.
pub fn system_unit(path: &[u8]) -> Option<&[u8]> {
    let parts = path.split(|byte| *byte == b'/');
    let above = |part: &&[u8]| part.is_empty() || *part == b".." || part.ends_with(b".slice");
    let first = parts.into_iter().find(|part| !above(part))?;
    unit(first).filter(|found| unit(path) == Some(*found))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{parse, system_unit, unit};

    #[test]
    fn the_hierarchy_that_says_most_wins() {
        for (content, wanted) in [
            (&b"0::/system.slice/kubelet.service\n"[..], "/system.slice/kubelet.service"),
            (b"9:name=systemd:/system.slice/kubelet.service\n4:memory:/x\n0::/\n", "/system.slice/kubelet.service"),
            (b"9:name=systemd:/\n4:memory:/process_api/1\n0::/\n", "/process_api/1"),
            (b"9:name=systemd:/kubepods/besteffort/pod1/2\n0::/system.slice/containerd.service\n", "/kubepods/besteffort/pod1/2"),
            (b"0::/\n", "/"),
            (b"0::/a:b\n", "/a:b"),
        ] {
            assert_eq!(parse(content).unwrap(), wanted.as_bytes());
        }
        assert_eq!(parse(b"nonsense\n"), None);
    }

    #[test]
    fn the_unit_is_the_innermost_service() {
        assert_eq!(
            unit(b"/system.slice/kubelet.service"),
            Some(&b"kubelet.service"[..])
        );
        assert_eq!(
            unit(b"/system.slice/k3s.service/kubelet"),
            Some(&b"k3s.service"[..])
        );
        assert_eq!(unit(b"/user.slice/session-1.scope"), None);
    }

    #[test]
    fn a_service_of_the_system_lies_below_slices_alone() {
        for (path, wanted) in [
            ("/system.slice/kubelet.service", Some("kubelet.service")),
            (
                "/../../system.slice/kubelet.service",
                Some("kubelet.service"),
            ),
            (
                "/kube.slice/kube-node.slice/kubelet.service",
                Some("kubelet.service"),
            ),
            (
                "/system.slice/rke2-server.service/kubelet",
                Some("rke2-server.service"),
            ),
            (
                "/user.slice/user-1000.slice/user@1000.service/app.slice/kubelet.service",
                None,
            ),
            (
                "/machine.slice/systemd-nspawn@a.service/payload/system.slice/kubelet.service",
                None,
            ),
            (
                "/system.slice/docker-0123.scope/kubelet.slice/kubelet.service",
                None,
            ),
            ("/docker/0123/kubelet.slice/kubelet.service", None),
            ("/system.slice/.service", None),
            ("/kubelet", None),
            ("/", None),
        ] {
            let found = system_unit(path.as_bytes());
            assert_eq!(found, wanted.map(str::as_bytes), "{path}");
        }
    }

    proptest! {
        #[test]
        fn no_content_panics(content: Vec<u8>) {
            let path = parse(&content).unwrap_or_default();
            let _ = (unit(&path), system_unit(&path));
        }
    }
}
