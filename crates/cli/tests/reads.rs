//! A scan of a whole control plane starts nothing, and reads each file once however many rules are about it.

use std::path::Path;

use kubeassay_testkit::{lay_out, trace::Trace};

#[test]
fn every_file_of_a_control_plane_is_read_once_and_nothing_is_started() {
    let host = lay_out("kubeadm-control-plane");
    let root = host.path().to_string_lossy();
    let program = Path::new(env!("CARGO_BIN_EXE_kubeassay"));
    let arguments = ["scan", "--root", &root, "-o", "json"];
    let Some(trace) = Trace::of(program, &arguments) else {
        eprintln!("skipped: strace is missing, or may not trace here");
        return;
    };
    assert!(
        trace.output.contains("/etc/kubernetes/manifests/etcd.yaml"),
        "{}",
        trace.output
    );
    assert_eq!((trace.processes, trace.programs), (0, 0), "it was started");
    let read: Vec<(&str, usize)> = trace
        .reads
        .iter()
        .map(|(path, times)| (path.as_str(), *times))
        .filter(|(path, _)| path.starts_with(&*root))
        .collect();
    let ends = |end: &str| read.iter().filter(|(path, _)| path.ends_with(end)).count();
    for file in [
        "manifests/kube-apiserver.yaml",
        "pki/ca.crt",
        "kubelet/config.yaml",
    ] {
        assert!(ends(file) > 0, "{file} was not read at all: {read:#?}");
    }
    // `/proc` before and after, to see whether a process became another; and the kubelet of the capture is no program at
    // all, so that nothing is known of it that need not be asked again.
    let several =
        |path: &str| path.ends_with("/bin/kubelet") || path.starts_with(&format!("{root}/proc"));
    let again: Vec<_> = read
        .iter()
        .filter(|(path, times)| *times > 1 && !several(path))
        .collect();
    assert!(again.is_empty(), "read more than once: {again:#?}");
    // Of keys only the owner and the mode count.
    assert_eq!(ends(".key"), 0, "a key was read: {read:#?}");
}
