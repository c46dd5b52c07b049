//! How long reading takes: YAML, JSON, a command line, and a kubelet resolved in one version and in all.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use kubeassay_config::kubelet::{Documents, When, resolve};
use kubeassay_config::tables::Minor;
use kubeassay_config::tables::kubelet::KUBELET;
use kubeassay_config::{flags, tree};
use kubeassay_core::facts::{Entry, FileFacts, FileKind, Moment, Need, NeedKind, ProcessFacts};
use kubeassay_core::{Bytes, Cause};

const HEAD: &str = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";
const YAML: &str = "authentication:
  anonymous: {enabled: false}
  webhook: {cacheTTL: 2m, enabled: true}
  x509: {clientCAFile: /etc/kubernetes/pki/ca.crt}
authorization:
  mode: Webhook
clusterDNS:
- 10.96.0.10
evictionHard:
  memory.available: 100Mi
  nodefs.available: 10%
rotateCertificates: true
staticPodPath: /etc/kubernetes/manifests
streamingConnectionIdleTimeout: 4h
";
const JSON: &str = r#"{"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
  "authentication": {"anonymous": {"enabled": false}, "webhook": {"enabled": true}},
  "authorization": {"mode": "Webhook"}, "clusterDNS": ["10.96.0.10"], "maxPods": 110}"#;
const ARGUMENTS: [&str; 5] = [
    "/usr/bin/kubelet",
    "--kubeconfig=/etc/kubernetes/kubelet.conf",
    "--config=/var/lib/kubelet/config.yaml",
    "--config-dir=/etc/kubelet.d",
    "--hostname-override=worker-1",
];

fn file(what: NeedKind, path: &str, text: &str) -> FileFacts {
    let need = Need {
        what,
        path: Bytes::from(path),
    };
    FileFacts {
        kind: Some(FileKind::Regular),
        content: Some(Bytes::from(text)),
        problem: None,
        ..FileFacts::unread(need, Cause::Missing, "")
    }
}

/// Returns a kubelet with a file and two drop-ins, every file that it reads in its facts.
fn process() -> ProcessFacts {
    let listing = FileFacts {
        kind: Some(FileKind::Directory),
        entries: Some(
            ["10.conf", "20.conf"]
                .map(|name| Entry {
                    name: Bytes::from(name),
                    kind: FileKind::Regular,
                })
                .to_vec(),
        ),
        ..file(NeedKind::Listing, "/etc/kubelet.d", "")
    };
    ProcessFacts {
        cwd: Some(Bytes::from("/")),
        started: Some(Moment {
            at: "2026-01-01T00:00:00Z".parse().unwrap_or_default(),
            error_ms: 10,
        }),
        files: vec![
            file(
                NeedKind::Content,
                "/var/lib/kubelet/config.yaml",
                &format!("{HEAD}{YAML}"),
            ),
            listing,
            file(
                NeedKind::Content,
                "/etc/kubelet.d/10.conf",
                &format!("{HEAD}maxPods: 50\n"),
            ),
            file(
                NeedKind::Content,
                "/etc/kubelet.d/20.conf",
                &format!("{HEAD}seccompDefault: true\n"),
            ),
        ],
        ..ProcessFacts::new(1, ARGUMENTS.map(Bytes::from).to_vec())
    }
}

fn readers(criterion: &mut Criterion) {
    let yaml = format!("{HEAD}{YAML}");
    criterion.bench_function("read YAML", |bencher| {
        bencher.iter(|| tree::read(black_box(yaml.as_bytes())));
    });
    criterion.bench_function("read JSON", |bencher| {
        bencher.iter(|| tree::read(black_box(JSON.as_bytes())));
    });
    let arguments = ARGUMENTS.map(Bytes::from);
    criterion.bench_function("read a command line", |bencher| {
        bencher.iter(|| flags::parse(black_box(&arguments), &KUBELET, Minor::NEWEST));
    });
}

fn resolver(criterion: &mut Criterion) {
    let process = process();
    criterion.bench_function("resolve in one version", |bencher| {
        bencher.iter(|| {
            let documents = Documents::new(black_box(&process));
            resolve(&documents, Minor::NEWEST, When::Started)
        });
    });
    criterion.bench_function("resolve in every version", |bencher| {
        bencher.iter(|| {
            let documents = Documents::new(black_box(&process));
            Minor::all()
                .map(|minor| resolve(&documents, minor, When::Started))
                .collect::<Vec<_>>()
        });
    });
}

criterion_group!(benches, readers, resolver);
criterion_main!(benches);
