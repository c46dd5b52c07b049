//! The scheduler, the controller manager and kube-proxy, resolved: what a file makes of flags, defaults, refusals.

use kubeassay_core::{Component, OriginKind, Value};

use super::fixture::{DENIED, Process, shown, value};
use crate::tables::Minor;

const SCHEDULER: &str =
    "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n";
const PROXY: &str = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n";

fn scheduler(arguments: &[&'static str]) -> Process<'static> {
    Process::new(
        Component::Scheduler,
        &[&["kube-scheduler"], arguments].concat(),
    )
}

fn proxy(arguments: &[&'static str]) -> Process<'static> {
    Process::new(Component::KubeProxy, &[&["kube-proxy"], arguments].concat())
}

fn manager(arguments: &[&'static str]) -> Process<'static> {
    Process::new(
        Component::ControllerManager,
        &[&["kube-controller-manager"], arguments].concat(),
    )
}

#[test]
fn a_file_makes_the_schedulers_flags_count_for_nothing() {
    for (flags, text, profiling, contention) in [
        (&["--profiling=false"][..], None, "false", "true"),
        (&[], None, "true", "true"),
        (
            &["--profiling=false", "--contention-profiling=false"],
            Some(""),
            "true",
            "true",
        ),
        (&[], Some("enableProfiling: false"), "false", "false"),
        (
            &[],
            Some("enableProfiling: false\nenableContentionProfiling: true"),
            "false",
            "true",
        ),
        (&[], Some("enableProfiling: null"), "true", "true"),
        (
            &["--profiling=false"],
            Some("enableContentionProfiling: false"),
            "true",
            "false",
        ),
    ] {
        let document = format!("{SCHEDULER}{}", text.unwrap_or_default());
        let files = [("/s.yaml", document.as_str())];
        let arguments = [
            if text.is_some() {
                &["--config=/s.yaml"][..]
            } else {
                &[]
            },
            flags,
        ]
        .concat();
        for minor in [25, 32, 36] {
            let resolution = scheduler(&arguments).minor(minor).files(&files).resolve();
            assert_eq!(resolution.refusal, None);
            assert_eq!(
                shown(&resolution, "enableProfiling"),
                profiling,
                "{flags:?} {text:?}"
            );
            assert_eq!(
                shown(&resolution, "enableContentionProfiling"),
                contention,
                "{flags:?} {text:?}"
            );
        }
    }
    let text =
        format!("{SCHEDULER}clientConnection:\n  kubeconfig: /k.conf\nenableProfiling: false\n");
    let files = [("/s.yaml", text.as_str())];
    let resolution = scheduler(&["--config", "/s.yaml", "--kubeconfig=/flag"])
        .files(&files)
        .resolve();
    assert_eq!(
        value(&resolution, "clientConnection.kubeconfig"),
        Value::string("/k.conf")
    );
    let origin = &resolution.whole("enableProfiling").unwrap().origin;
    assert_eq!((origin.kind, origin.line), (OriginKind::File, Some(5)));
    let process = scheduler(&[
        "--config",
        "/s.yaml",
        "--kubeconfig=/flag",
        "--tls-cert-file=/t",
    ])
    .files(&files);
    assert_eq!(process.metadata(), ["/s.yaml", "/t", "/k.conf"]);
}

#[test]
fn a_version_of_the_schedulers_file_is_read_where_it_is_known() {
    let read_by: Vec<(&str, Vec<u8>)> = ["v1beta1", "v1beta2", "v1beta3", "v1"]
        .into_iter()
        .map(|version| {
            let text = format!("apiVersion: kubescheduler.config.k8s.io/{version}\nkind: KubeSchedulerConfiguration\n");
            let files = [("/c", text.as_str())];
            let minors = Minor::all().filter(|minor| {
                let process = scheduler(&["--config=/c"]).minor(minor.0).files(&files);
                process.resolve().refusal.is_none()
            });
            (version, minors.map(|minor| minor.0).collect())
        })
        .collect();
    assert_eq!(
        read_by,
        [
            ("v1beta1", (20..=22).collect::<Vec<u8>>()),
            ("v1beta2", (22..=27).collect()),
            ("v1beta3", (23..=28).collect()),
            ("v1", (25..=36).collect()),
        ]
    );
}

#[test]
fn what_the_scheduler_refuses_is_refused() {
    for text in [
        "",
        "[]",
        "kind: KubeletConfiguration\napiVersion: kubelet.config.k8s.io/v1beta1",
        "enableProfiling: 'false'",
        "EnableProfiling: false",
        "clientConnection: {kubeConfig: /k}",
        "enableProfiling: false\nenableProfiling: false",
    ] {
        let document = if text.starts_with("kind") || text.len() < 3 {
            text.to_owned()
        } else {
            format!("{SCHEDULER}{text}")
        };
        let files = [("/c", document.as_str())];
        assert!(
            scheduler(&["--config=/c"])
                .files(&files)
                .resolve()
                .refusal
                .is_some(),
            "{text}"
        );
    }
    let denied = scheduler(&["--config=/c", "--profiling=false"])
        .files(&[("/c", DENIED)])
        .resolve();
    assert_eq!(shown(&denied, "enableProfiling"), "?denied");
    assert_eq!(shown(&denied, "flags.profiling"), "false");
    // It was there when the process started.
    let gone = scheduler(&["--config=/c"]).resolve();
    assert_eq!(shown(&gone, "enableProfiling"), "?missing");
    assert!(gone.refusal.is_none());
}

#[test]
fn plain_http_was_served_until_1_22() {
    for (minor, arguments, expected) in [
        (20, &[][..], "0.0.0.0"),
        (21, &["--port=0"], "\"\""),
        (21, &["--address=127.0.0.1"], "127.0.0.1"),
        (22, &[], "?version-unknown"),
        (22, &["--port=0"], "\"\""),
        (23, &["--port=10251"], "\"\""),
        (30, &[], "\"\""),
    ] {
        for process in [scheduler(arguments), manager(arguments)] {
            let resolution = process.minor(minor).resolve();
            assert_eq!(
                shown(&resolution, "derived.insecureAddress"),
                expected,
                "{minor} {arguments:?}"
            );
        }
    }
    let text = SCHEDULER.replace("v1\n", "v1beta1\n");
    let files = [("/c", text.as_str())];
    let file = scheduler(&["--config=/c"])
        .minor(21)
        .files(&files)
        .resolve();
    assert_eq!(shown(&file, "derived.insecureAddress"), "?unsupported");
}

#[test]
fn the_gate_of_serving_certificates_is_on_until_something_turns_it_off() {
    for (minor, flags, expected) in [
        (20, &[][..], "true"),
        (36, &[], "true"),
        (
            30,
            &["--feature-gates=RotateKubeletServerCertificate=false"],
            "false",
        ),
        (
            30,
            &[
                "--feature-gates=A=true",
                "--feature-gates=RotateKubeletServerCertificate=F",
            ],
            "false",
        ),
        (
            30,
            &[
                "--feature-gates=RotateKubeletServerCertificate=false,RotateKubeletServerCertificate=true",
            ],
            "true",
        ),
        (
            34,
            &["--feature-gates=kube:RotateKubeletServerCertificate=false"],
            "false",
        ),
        (
            34,
            &["--feature_gates", ":RotateKubeletServerCertificate=false"],
            "false",
        ),
        (34, &["--feature-gates=AllBeta=false"], "false"),
        (
            34,
            &["--feature-gates=AllBeta=false,RotateKubeletServerCertificate=true"],
            "true",
        ),
        (
            34,
            &[
                "--feature-gates=AllBeta=false",
                "--feature-gates=AllBeta=true",
            ],
            "?unsupported",
        ),
        (34, &["--feature-gates=AllAlpha=false"], "true"),
    ] {
        let resolution = manager(flags).minor(minor).resolve();
        assert_eq!(resolution.refusal, None, "{flags:?}");
        let found = shown(&resolution, "derived.rotateKubeletServerCertificate");
        assert_eq!(found, expected, "{minor} {flags:?}");
    }
}

#[test]
fn kube_proxys_addresses_are_what_it_listens_on() {
    for (arguments, text, metrics, host) in [
        (&[][..], None, "127.0.0.1:10249", "127.0.0.1"),
        (
            &["--metrics-bind-address=0.0.0.0"],
            None,
            "0.0.0.0:10249",
            "0.0.0.0",
        ),
        (&["--metrics-bind-address=[::]:1"], None, "[::]:1", "::"),
        (&["--metrics-bind-address=::1"], None, "[::1]:10249", "::1"),
        // An empty one changes nothing.
        (
            &["--metrics-bind-address="],
            None,
            "127.0.0.1:10249",
            "127.0.0.1",
        ),
        (&["--metrics-port=0"], None, "\"\"", "\"\""),
        (
            &["--metrics-port=9", "--metrics-bind-address=10.0.0.1"],
            None,
            "10.0.0.1:9",
            "10.0.0.1",
        ),
        // The defaults were made before flags were read.
        (&["--bind-address=::"], None, "127.0.0.1:10249", "127.0.0.1"),
        (
            &["--metrics-bind-address=0.0.0.0"],
            Some(""),
            "127.0.0.1:10249",
            "127.0.0.1",
        ),
        (
            &[],
            Some("metricsBindAddress: ''"),
            "127.0.0.1:10249",
            "127.0.0.1",
        ),
        (
            &["--metrics-port=0"],
            Some("metricsBindAddress: 0.0.0.0:10249"),
            "0.0.0.0:10249",
            "0.0.0.0",
        ),
        (&[], Some("bindAddress: '::'"), "[::1]:10249", "::1"),
        (
            &[],
            Some("metricsBindAddress: 0.0.0.0"),
            "0.0.0.0:10249",
            "0.0.0.0",
        ),
        (
            &[],
            Some("metricsBindAddress: '[::1]:10249'"),
            "[::1]:10249",
            "::1",
        ),
        // Not loopback and a port, but an address of eight groups.
        (
            &[],
            Some("metricsBindAddress: '::1:1024'"),
            "[::1:1024]:10249",
            "::1:1024",
        ),
        (
            &[],
            Some("metricsBindAddress: '[::ffff:127.0.0.1]:1'"),
            "[::ffff:127.0.0.1]:1",
            "127.0.0.1",
        ),
        // Keys count in their own case only; others are ignored.
        (
            &[],
            Some("MetricsBindAddress: 0.0.0.0"),
            "127.0.0.1:10249",
            "127.0.0.1",
        ),
    ] {
        let document = format!("{PROXY}{}", text.unwrap_or_default());
        let files = [("/p", document.as_str())];
        let arguments = [
            if text.is_some() {
                &["--config=/p"][..]
            } else {
                &[]
            },
            arguments,
        ]
        .concat();
        let resolution = proxy(&arguments).files(&files).resolve();
        assert_eq!(resolution.refusal, None, "{arguments:?} {text:?}");
        assert_eq!(
            shown(&resolution, "metricsBindAddress"),
            metrics,
            "{arguments:?} {text:?}"
        );
        assert_eq!(
            shown(&resolution, "derived.metricsHost"),
            host,
            "{arguments:?} {text:?}"
        );
    }
}

#[test]
fn what_kube_proxy_refuses_is_refused() {
    for text in [
        "metricsBindAddress: ':10249'",
        "metricsBindAddress: localhost:10249",
        "metricsBindAddress: '10249'",
        "metricsBindAddress: 127.0.0.1:0",
        "metricsBindAddress: 127.0.0.1:x",
        "metricsBindAddress: 10249",
        "enableProfiling: x",
    ] {
        let document = format!("{PROXY}{text}");
        let files = [("/p", document.as_str())];
        assert!(
            proxy(&["--config=/p"])
                .files(&files)
                .resolve()
                .refusal
                .is_some(),
            "{text}"
        );
    }
    let denied = proxy(&["--config=/p", "--metrics-bind-address=127.0.0.1"])
        .files(&[("/p", DENIED)])
        .resolve();
    for setting in [
        "metricsBindAddress",
        "derived.metricsHost",
        "enableProfiling",
    ] {
        assert_eq!(shown(&denied, setting), "?denied");
    }
}

#[test]
fn the_name_of_the_node_is_the_one_flag_beside_kube_proxys_file() {
    let text = format!(
        "{PROXY}hostnameOverride: file\nmode: ipvs\nclientConnection: {{kubeconfig: /k}}\nenableProfiling: true\n"
    );
    let files = [("/p", text.as_str())];
    let arguments = &[
        "--config=/p",
        "--hostname-override= Node-1 ",
        "--proxy-mode=nftables",
        "--kubeconfig=/x",
        "--profiling=false",
    ];
    let resolution = proxy(arguments).files(&files).resolve();
    for (setting, expected) in [
        ("hostnameOverride", "node-1"),
        ("mode", "ipvs"),
        ("clientConnection.kubeconfig", "/k"),
        ("enableProfiling", "true"),
        ("healthzBindAddress", "0.0.0.0:10256"),
    ] {
        assert_eq!(shown(&resolution, setting), expected);
    }
    let overrode = &resolution.whole("hostnameOverride").unwrap().overrode;
    assert_eq!(overrode[0].value, Value::string("file"));
    assert_eq!(proxy(arguments).files(&files).metadata(), ["/p", "/k"]);
    assert_eq!(shown(&proxy(&[]).resolve(), "mode"), "iptables");
}
