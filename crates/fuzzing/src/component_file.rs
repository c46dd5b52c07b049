//! The files of the scheduler and of kube-proxy: with a file, what flags say counts for nothing.

use kubeassay_config::components::{named, resolve};
use kubeassay_config::kubelet::{Documents, When};
use kubeassay_config::resolution::Resolution;
use kubeassay_config::tables::Minor;
use kubeassay_core::facts::{FileFacts, FileKind, NeedKind, ProcessFacts};
use kubeassay_core::{Bytes, Component};

/// Reads an input as the file of either, in three versions.
pub(crate) fn run(data: &[u8]) {
    for (component, flags) in [
        (
            Component::Scheduler,
            &[
                "--profiling=false",
                "--kubeconfig=/flag",
                "--contention-profiling=false",
            ][..],
        ),
        (
            Component::KubeProxy,
            &[
                "--profiling=true",
                "--kubeconfig=/flag",
                "--metrics-bind-address=10.0.0.1",
                "--metrics-port=0",
            ],
        ),
    ] {
        for minor in [22, 27, 36] {
            let alone = resolved(component, minor, &[], data);
            let beside = resolved(component, minor, flags, data);
            assert_eq!(alone.refusal, beside.refusal);
            if alone.refusal.is_some() {
                continue;
            }
            for (name, _) in named(component) {
                let value = |resolution: &Resolution| {
                    let setting = resolution.whole(name);
                    setting.and_then(|setting| setting.value())
                };
                assert_eq!(value(&alone), value(&beside), "{name}");
            }
        }
    }
}

fn resolved(component: Component, minor: u8, flags: &[&str], text: &[u8]) -> Resolution {
    let argv = [component.as_str(), "--config=/c"]
        .into_iter()
        .chain(flags.iter().copied());
    let mut process = ProcessFacts {
        component,
        cwd: Some(Bytes::from("/")),
        ..ProcessFacts::new(1, argv.map(Bytes::from).collect())
    };
    loop {
        let documents = Documents::new(&process);
        let resolution = resolve(component, &documents, Minor(minor), When::Now);
        if resolution.needs.is_empty() {
            return resolution;
        }
        process
            .files
            .extend(resolution.needs.into_iter().map(|need| FileFacts {
                kind: Some(FileKind::Regular),
                content: (need.what == NeedKind::Content).then(|| Bytes::from(text)),
                ..FileFacts::new(need)
            }));
    }
}
