//! The defaults of flags that benchmarks look at, written out by hand and held against the tables.

use std::collections::BTreeMap;

use kubeassay_core::{Bytes, Component as C, Value};

use super::Minor;
use crate::components::tables;
use crate::flags::{self, CommandLine, FlagValue};
use crate::setting::State;

/// How an empty text is shown.
const EMPTY: &str = "\"\"";

/// A flag and its default in 1.20, 1.32 and 1.36; `absent` where it does not exist.
type Defaults = (C, &'static str, [&'static str; 3]);

#[rustfmt::skip]
const DEFAULTS: &[Defaults] = &[
    (C::ApiServer, "anonymous-auth", ["true", "true", "true"]),
    (C::ApiServer, "token-auth-file", [EMPTY, EMPTY, EMPTY]),
    (C::ApiServer, "client-ca-file", [EMPTY, EMPTY, EMPTY]),
    (C::ApiServer, "authorization-mode", ["[AlwaysAllow]", "[]", "[]"]),
    (C::ApiServer, "authorization-config", ["absent", EMPTY, EMPTY]),
    (C::ApiServer, "authentication-config", ["absent", EMPTY, EMPTY]),
    (C::ApiServer, "enable-admission-plugins", ["[]", "[]", "[]"]),
    (C::ApiServer, "disable-admission-plugins", ["[]", "[]", "[]"]),
    (C::ApiServer, "admission-control", ["[]", "[]", "[]"]),
    (C::ApiServer, "admission-control-config-file", [EMPTY, EMPTY, EMPTY]),
    (C::ApiServer, "audit-log-path", [EMPTY, EMPTY, EMPTY]),
    (C::ApiServer, "audit-policy-file", [EMPTY, EMPTY, EMPTY]),
    (C::ApiServer, "audit-log-maxage", ["0", "0", "366"]),
    (C::ApiServer, "audit-log-maxbackup", ["0", "0", "100"]),
    (C::ApiServer, "audit-log-maxsize", ["0", "0", "100"]),
    (C::ApiServer, "encryption-provider-config", [EMPTY, EMPTY, EMPTY]),
    (C::ApiServer, "etcd-cafile", [EMPTY, EMPTY, EMPTY]),
    (C::ApiServer, "etcd-certfile", [EMPTY, EMPTY, EMPTY]),
    (C::ApiServer, "etcd-keyfile", [EMPTY, EMPTY, EMPTY]),
    (C::ApiServer, "etcd-servers", ["[]", "[]", "[]"]),
    (C::ApiServer, "feature-gates", ["{}", "{}", "{}"]),
    (C::ApiServer, "insecure-port", ["0", "absent", "absent"]),
    (C::ApiServer, "insecure-bind-address", ["127.0.0.1", "absent", "absent"]),
    (C::ApiServer, "kubelet-https", ["true", "absent", "absent"]),
    (C::ApiServer, "kubelet-certificate-authority", [EMPTY, EMPTY, EMPTY]),
    (C::ApiServer, "kubelet-client-certificate", [EMPTY, EMPTY, EMPTY]),
    (C::ApiServer, "kubelet-client-key", [EMPTY, EMPTY, EMPTY]),
    (C::ApiServer, "profiling", ["true", "true", "true"]),
    (C::ApiServer, "contention-profiling", ["false", "false", "false"]),
    (C::ApiServer, "bind-address", ["0.0.0.0", "0.0.0.0", "0.0.0.0"]),
    (C::ApiServer, "secure-port", ["6443", "6443", "6443"]),
    (C::ApiServer, "request-timeout", ["1m0s", "1m0s", "1m0s"]),
    (C::ApiServer, "service-account-extend-token-expiration", ["true", "true", "true"]),
    (C::ApiServer, "service-account-key-file", ["[]", "[]", "[]"]),
    (C::ApiServer, "service-account-lookup", ["true", "true", "true"]),
    (C::ApiServer, "service-account-signing-key-file", [EMPTY, EMPTY, EMPTY]),
    (C::ApiServer, "service-account-issuer", ["[]", "[]", "[]"]),
    (C::ApiServer, "tls-cert-file", [EMPTY, EMPTY, EMPTY]),
    (C::ApiServer, "tls-private-key-file", [EMPTY, EMPTY, EMPTY]),
    (C::ApiServer, "tls-cipher-suites", ["[]", "[]", "[]"]),
    (C::ApiServer, "tls-min-version", [EMPTY, EMPTY, EMPTY]),
    (C::ApiServer, "enable-bootstrap-token-auth", ["false", "false", "false"]),
    (C::ApiServer, "allow-privileged", ["false", "false", "false"]),
    (C::ControllerManager, "bind-address", ["0.0.0.0", "0.0.0.0", "0.0.0.0"]),
    (C::ControllerManager, "secure-port", ["10257", "10257", "10257"]),
    (C::ControllerManager, "port", ["10252", "absent", "absent"]),
    (C::ControllerManager, "address", ["0.0.0.0", "absent", "absent"]),
    (C::ControllerManager, "feature-gates", ["{}", "{}", "{}"]),
    (C::ControllerManager, "profiling", ["true", "true", "true"]),
    (C::ControllerManager, "contention-profiling", ["false", "false", "false"]),
    (C::ControllerManager, "root-ca-file", [EMPTY, EMPTY, EMPTY]),
    (C::ControllerManager, "service-account-private-key-file", [EMPTY, EMPTY, EMPTY]),
    (C::ControllerManager, "terminated-pod-gc-threshold", ["12500", "12500", "12500"]),
    (C::ControllerManager, "use-service-account-credentials", ["false", "false", "false"]),
    (C::ControllerManager, "client-ca-file", [EMPTY, EMPTY, EMPTY]),
    (C::ControllerManager, "tls-cert-file", [EMPTY, EMPTY, EMPTY]),
    (C::ControllerManager, "tls-private-key-file", [EMPTY, EMPTY, EMPTY]),
    (C::ControllerManager, "tls-cipher-suites", ["[]", "[]", "[]"]),
    (C::ControllerManager, "cluster-signing-cert-file", [EMPTY, EMPTY, EMPTY]),
    (C::ControllerManager, "cluster-signing-key-file", [EMPTY, EMPTY, EMPTY]),
    (C::ControllerManager, "cluster-signing-duration", ["8760h0m0s", "8760h0m0s", "8760h0m0s"]),
    (C::Scheduler, "config", [EMPTY, EMPTY, EMPTY]),
    (C::Scheduler, "bind-address", ["0.0.0.0", "0.0.0.0", "0.0.0.0"]),
    (C::Scheduler, "secure-port", ["10259", "10259", "10259"]),
    (C::Scheduler, "profiling", ["true", "true", "true"]),
    (C::Scheduler, "contention-profiling", ["true", "true", "true"]),
    (C::Scheduler, "kubeconfig", [EMPTY, EMPTY, EMPTY]),
    (C::Scheduler, "port", ["10251", "absent", "absent"]),
    (C::Scheduler, "address", ["0.0.0.0", "absent", "absent"]),
    (C::Scheduler, "authorization-always-allow-paths", ["[/healthz]", "[/healthz, /readyz, /livez]", "[/healthz, /readyz, /livez]"]),
    (C::KubeProxy, "config", [EMPTY, EMPTY, EMPTY]),
    (C::KubeProxy, "metrics-bind-address", ["127.0.0.1:10249", "127.0.0.1:10249", "127.0.0.1:10249"]),
    (C::KubeProxy, "healthz-bind-address", ["0.0.0.0:10256", "0.0.0.0:10256", "0.0.0.0:10256"]),
    (C::KubeProxy, "bind-address", ["0.0.0.0", "0.0.0.0", "0.0.0.0"]),
    (C::KubeProxy, "hostname-override", [EMPTY, EMPTY, EMPTY]),
    (C::KubeProxy, "kubeconfig", [EMPTY, EMPTY, EMPTY]),
    (C::KubeProxy, "profiling", ["false", "false", "false"]),
    (C::KubeProxy, "proxy-mode", [EMPTY, EMPTY, EMPTY]),
    (C::KubeProxy, "feature-gates", ["{}", "{}", "{}"]),
    (C::KubeProxy, "metrics-port", ["10249", "10249", "10249"]),
    (C::KubeProxy, "healthz-port", ["10256", "10256", "10256"]),
];

/// A flag, a minor and its default there: the minors around each change.
#[rustfmt::skip]
const CHANGES: &[(C, &str, u8, &str)] = &[
    (C::ApiServer, "audit-log-maxage", 35, "0"),
    (C::ApiServer, "audit-log-maxage", 36, "366"),
    (C::ApiServer, "audit-log-maxbackup", 35, "0"),
    (C::ApiServer, "audit-log-maxbackup", 36, "100"),
    (C::ApiServer, "audit-log-maxsize", 35, "0"),
    (C::ApiServer, "audit-log-maxsize", 36, "100"),
    (C::ApiServer, "authentication-config", 27, "absent"),
    (C::ApiServer, "authentication-config", 28, EMPTY),
    (C::ApiServer, "authorization-config", 28, "absent"),
    (C::ApiServer, "authorization-config", 29, EMPTY),
    (C::ApiServer, "authorization-mode", 28, "[AlwaysAllow]"),
    (C::ApiServer, "authorization-mode", 29, "[]"),
    (C::ApiServer, "cloud-provider", 32, EMPTY),
    (C::ApiServer, "cloud-provider", 33, "absent"),
    (C::ApiServer, "default-not-ready-toleration-seconds", 20, "300"),
    (C::ApiServer, "encryption-provider-config-automatic-reload", 25, "absent"),
    (C::ApiServer, "encryption-provider-config-automatic-reload", 26, "false"),
    (C::ApiServer, "experimental-encryption-provider-config", 23, EMPTY),
    (C::ApiServer, "experimental-encryption-provider-config", 24, "absent"),
    (C::ApiServer, "insecure-port", 23, "0"),
    (C::ApiServer, "insecure-port", 24, "absent"),
    (C::ApiServer, "kubelet-https", 21, "true"),
    (C::ApiServer, "kubelet-https", 22, "absent"),
    (C::ApiServer, "service-account-signing-endpoint", 31, "absent"),
    (C::ApiServer, "service-account-signing-endpoint", 32, EMPTY),
    (C::ControllerManager, "authorization-always-allow-paths", 20, "[/healthz]"),
    (C::ControllerManager, "authorization-always-allow-paths", 21, "[/healthz, /readyz, /livez]"),
    (C::ControllerManager, "node-monitor-grace-period", 30, "40s"),
    (C::ControllerManager, "node-monitor-grace-period", 31, "40s or 50s"),
    (C::ControllerManager, "node-monitor-grace-period", 32, "50s"),
    (C::ControllerManager, "port", 21, "10252"),
    (C::ControllerManager, "port", 22, "10252 or 0"),
    (C::ControllerManager, "port", 23, "0"),
    (C::ControllerManager, "port", 24, "absent"),
    (C::Scheduler, "port", 21, "10251"),
    (C::Scheduler, "port", 23, "0"),
    (C::Scheduler, "port", 24, "absent"),
    (C::Scheduler, "policy-config-file", 21, EMPTY),
    (C::Scheduler, "policy-config-file", 22, "maybe \"\""),
    (C::Scheduler, "policy-config-file", 23, "absent"),
    (C::KubeProxy, "init-only", 21, "absent"),
    (C::KubeProxy, "init-only", 30, "maybe false"),
    (C::KubeProxy, "init-only", 31, "false"),
    (C::KubeProxy, "ipvs-min-sync-period", 21, "0s"),
    (C::KubeProxy, "ipvs-min-sync-period", 25, "0s or 1s"),
    (C::KubeProxy, "ipvs-min-sync-period", 31, "1s"),
];

fn shown(component: C, name: &str, minor: u8) -> String {
    let minor = Minor(minor);
    let flag = tables(component).flag(name);
    let Some(flag) = flag.filter(|flag| flag.presence.possibly(minor)) else {
        return "absent".to_owned();
    };
    let maybe = if flag.presence.surely(minor) {
        ""
    } else {
        "maybe "
    };
    let default = match flags::own(&CommandLine::default(), flag, minor).state {
        State::Known(value) => value.to_string(),
        State::OneOf(values) => {
            let values: Vec<String> = values.iter().map(ToString::to_string).collect();
            values.join(" or ")
        }
        other => format!("{other:?}"),
    };
    format!("{maybe}{default}")
}

#[test]
fn defaults_are_those_of_the_components() {
    for (component, name, expected) in DEFAULTS {
        let found = [20, 32, 36].map(|minor| shown(*component, name, minor));
        assert_eq!(found, *expected, "{component:?} --{name}");
    }
    for (component, name, minor, expected) in CHANGES {
        let found = shown(*component, name, *minor);
        assert_eq!(found, *expected, "{component:?} --{name} in 1.{minor}");
    }
}

#[test]
fn no_two_components_differ_in_whether_a_flag_needs_a_value() {
    // The redaction of arguments does not know whose they are.
    let mut bare = BTreeMap::new();
    for component in C::ALL {
        for flag in tables(*component).flags {
            let known = *bare.entry(flag.name).or_insert(flag.bare.is_some());
            assert_eq!(known, flag.bare.is_some(), "{component:?} --{}", flag.name);
        }
    }
    assert!(bare.len() > 400, "{}", bare.len());
}

fn parse(component: C, minor: u8, arguments: &[&str]) -> Result<CommandLine, String> {
    let argv = std::iter::once(component.as_str()).chain(arguments.iter().copied());
    let argv: Vec<Bytes> = argv.map(Bytes::from).collect();
    flags::parse_of(component, &argv, tables(component), Minor(minor)).map_err(|no| no.reason)
}

#[test]
fn command_lines_are_read_as_their_components_read_them() {
    let list =
        |texts: &[&str]| FlagValue::Elements(texts.iter().map(|text| Bytes::from(*text)).collect());
    let gates = |pairs: &[(&str, bool)]| {
        let pairs = pairs
            .iter()
            .map(|(gate, on)| ((*gate).to_owned(), Value::Bool(*on)));
        FlagValue::Entries(pairs.collect())
    };
    for (component, minor, argument, expected) in [
        (
            C::ApiServer,
            36,
            "--etcd-servers=https://a:1,https://b:1",
            list(&["https://a:1", "https://b:1"]),
        ),
        (
            C::ApiServer,
            36,
            "--service-account-key-file=/a,b",
            list(&["/a,b"]),
        ),
        (
            C::ApiServer,
            36,
            "--tls-sni-cert-key=/c,/k:x.y,*.z",
            list(&["/c,/k:x.y,*.z"]),
        ),
        (
            C::ApiServer,
            36,
            "--anonymous_auth=F",
            FlagValue::One(Value::Bool(false)),
        ),
        (
            C::ApiServer,
            36,
            "--feature-gates=A=true,B=0",
            gates(&[("A", true), ("B", false)]),
        ),
        (
            C::ApiServer,
            31,
            "--feature-gates=kube:A=true, kube:B=f",
            gates(&[("A", true), ("B", false)]),
        ),
        (
            C::KubeProxy,
            36,
            "--metrics-bind-address=127.0.0.1",
            FlagValue::One(Value::string("127.0.0.1")),
        ),
        (
            C::KubeProxy,
            36,
            "--metrics-bind-address=[::1]:10249",
            FlagValue::One(Value::string("[::1]:10249")),
        ),
        (
            C::KubeProxy,
            36,
            "--metrics-bind-address=",
            FlagValue::One(Value::string("")),
        ),
    ] {
        let line = parse(component, minor, &[argument]).unwrap();
        assert_eq!(
            line.given.values().next().unwrap()[0].value,
            expected,
            "{argument}"
        );
    }
}

#[test]
fn command_lines_are_refused_as_their_components_refuse_them() {
    for (component, minor, arguments, reason) in [
        (
            C::ApiServer,
            36,
            &["--anonymous-auth", "false"][..],
            "kube-apiserver does not take any arguments, got false",
        ),
        (
            C::ControllerManager,
            20,
            &["kube-controller-manager"],
            "kube-controller-manager does not take any arguments",
        ),
        (
            C::Scheduler,
            36,
            &["--", "", "x"],
            "kube-scheduler does not take any arguments, got x",
        ),
        (
            C::KubeProxy,
            36,
            &["--config=a", "b"],
            "kube-proxy does not take any arguments, got b",
        ),
        (
            C::ApiServer,
            24,
            &["--insecure-port=0"],
            "unknown flag: --insecure-port",
        ),
        (
            C::ApiServer,
            30,
            &["--feature-gates=kube:A=true"],
            "unrecognized feature gate: kube:A",
        ),
        (
            C::ApiServer,
            36,
            &["--feature-gates=kube:A=true,B=true"],
            "kube: prefix consistently",
        ),
        (
            C::ApiServer,
            36,
            &["--feature-gates=A=true", "--feature-gates=kube:B=true"],
            "kube: prefix consistently",
        ),
        (
            C::ApiServer,
            36,
            &["--feature-gates=wardle:A=true"],
            "component not registered: wardle",
        ),
        (
            C::ApiServer,
            36,
            &["--feature-gates=A=yes"],
            "invalid argument",
        ),
        (
            C::KubeProxy,
            36,
            &["--metrics-bind-address=localhost:10249"],
            "is not in a valid format",
        ),
        (
            C::KubeProxy,
            36,
            &["--metrics-bind-address=1.2.3.4:99999"],
            "is not in a valid format",
        ),
    ] {
        let refused = parse(component, minor, arguments).unwrap_err();
        assert!(refused.contains(reason), "{arguments:?}: {refused}");
    }
    // Stray arguments that are empty are overlooked.
    for arguments in [&["", "--anonymous-auth=false"][..], &["--", ""]] {
        assert!(parse(C::ApiServer, 36, arguments).is_ok(), "{arguments:?}");
    }
}
