//! etcd, resolved: every note of what etcd does with its flags, variables and file.

use kubeassay_core::{Component, OriginKind, Value};
use proptest::prelude::{Just, Strategy, prop, prop_oneof, proptest};

use super::table::{ROWS, row_of};
use crate::components::fixture::{DENIED, Process, shown, value};

fn etcd(arguments: &[&'static str]) -> Process<'static> {
    Process::new(Component::Etcd, &[&["etcd"], arguments].concat())
}

#[test]
fn rows_are_sorted_and_found() {
    assert!(ROWS.is_sorted_by(|a, b| a.flag.name < b.flag.name));
    assert_eq!(
        row_of("trusted-ca-file").unwrap().key,
        "client-transport-security.trusted-ca-file"
    );
    assert!(row_of("peer-client-file").is_none());
}

#[test]
fn the_command_line_is_read_as_gos_flag_package_reads_it() {
    for (arguments, setting, expected) in [
        (&["-cert-file=/a"][..], "certFile", "/a"),
        (&["--cert-file", "/a"], "certFile", "/a"),
        (&["-cert-file", "-key-file"], "certFile", "-key-file"),
        (&["--cert-file=/a", "--cert-file=/b"], "certFile", "/b"),
        (&["--client-cert-auth"], "clientCertAuth", "true"),
        (&["--client-cert-auth=F"], "clientCertAuth", "false"),
        (&["-v", "--auto-tls=1"], "autoTls", "true"),
        (
            &["--cipher-suites=A,B", "--cipher-suites=C"],
            "cipherSuites",
            "[C]",
        ),
        (&["--name=one"], "dataDir", "one.etcd"),
        (&[], "dataDir", "default.etcd"),
        (&[], "listenClientUrls", "[http://localhost:2379]"),
        (
            &["--grpc-keepalive-timeout=3s"],
            "grpcKeepaliveTimeout",
            "3s",
        ),
        // An empty list and one that is in the list already change nothing.
        (
            &[
                "--listen-client-urls=https://1.2.3.4:1,http://1.2.3.4:2",
                "--listen-client-urls=https://1.2.3.4:1",
                "--pre-vote",
            ],
            "listenClientUrls",
            "[http://1.2.3.4:2, https://1.2.3.4:1]",
        ),
        (
            &["--listen-client-urls="],
            "listenClientUrls",
            "[http://localhost:2379]",
        ),
    ] {
        let resolution = etcd(arguments).resolve();
        assert_eq!(resolution.refusal, None, "{arguments:?}");
        assert_eq!(
            shown(&resolution, &format!("flags.{setting}")),
            expected,
            "{arguments:?}"
        );
    }
}

#[test]
fn what_etcd_refuses_is_refused() {
    for (arguments, reason) in [
        (
            &["--cert_file=/a"][..],
            "flag provided but not defined: -cert_file",
        ),
        (
            &["--peer-client-file=/a"],
            "flag provided but not defined: -peer-client-file",
        ),
        (
            &["--client-cert-auth", "true"],
            "\"true\" is not a valid flag",
        ),
        (&["gateway"], "\"gateway\" is not a valid flag"),
        (&["--", "--name=x"], "\"--name=x\" is not a valid flag"),
        (&["---name=x"], "bad flag syntax: ---name=x"),
        (&["--name"], "flag needs an argument: -name"),
        (
            &["--client-cert-auth=yes"],
            "invalid value \"yes\" for flag -client-cert-auth",
        ),
        (
            &["--listen-client-urls=1.2.3.4:1"],
            "URL scheme must be http",
        ),
        (
            &["--listen-client-urls=https://1.2.3.4:1/"],
            "must not contain a path",
        ),
        (
            &["--listen-client-urls=https://host"],
            "does not have the form",
        ),
        (&["--version"], "prints and ends"),
        // No release has both.
        (
            &["--ca-file=/a", "--feature-gates=A=true"],
            "flag provided but not defined: -feature-gates",
        ),
    ] {
        let refusal = etcd(arguments).resolve().refusal.unwrap();
        assert!(
            refusal.reason.contains(reason),
            "{arguments:?}: {}",
            refusal.reason
        );
    }
    let newer = etcd(&["--enable-v2"]).version("3.6.8").resolve();
    assert!(
        newer
            .refusal
            .unwrap()
            .reason
            .contains("not defined: -enable-v2")
    );
}

#[test]
fn a_variable_counts_where_no_flag_is_given() {
    let variables = [
        ("ETCD_CERT_FILE", "/env"),
        ("ETCD_CLIENT_CERT_AUTH", "T"),
        ("ETCD_KEY_FILE", ""),
    ];
    let resolution = etcd(&["--peer-cert-file=/p"])
        .environment(&variables)
        .resolve();
    assert_eq!(value(&resolution, "flags.certFile"), Value::string("/env"));
    assert_eq!(
        value(&resolution, "flags.clientCertAuth"),
        Value::Bool(true)
    );
    // An empty variable is none.
    assert_eq!(value(&resolution, "flags.keyFile"), Value::string(""));
    let origin = &resolution.whole("flags.certFile").unwrap().origin;
    assert_eq!(origin.kind, OriginKind::Environment);
    assert_eq!(origin.variable.as_deref(), Some("ETCD_CERT_FILE"));
    // What Kubernetes gives every pod of a namespace with a service `etcd` is no flag of etcd's.
    let service = etcd(&[]).environment(&[
        ("ETCD_PORT", "tcp://10.0.0.1:2379"),
        ("ETCD_SERVICE_HOST", "x"),
    ]);
    assert_eq!(service.resolve().refusal, None);
    let wrong = etcd(&[])
        .environment(&[("ETCD_CLIENT_CERT_AUTH", "yes")])
        .resolve();
    assert!(
        wrong
            .refusal
            .unwrap()
            .reason
            .contains("invalid value \"yes\" for ETCD_CLIENT_CERT_AUTH")
    );
}

#[test]
fn a_flag_over_its_variable_ends_every_etcd_but_3_3() {
    let both =
        || etcd(&["--client-cert-auth=true"]).environment(&[("ETCD_CLIENT_CERT_AUTH", "false")]);
    let running = both().resolve();
    assert_eq!(value(&running, "flags.clientCertAuth"), Value::Bool(true));
    assert_eq!(running.layers[0].name, "defaults of etcd 3.3");
    let refused = both().version("3.5.30").resolve().refusal.unwrap();
    assert!(refused.reason.contains("ETCD_CLIENT_CERT_AUTH is shadowed"));
    // Even an empty one.
    let empty = etcd(&["--name=x"])
        .environment(&[("ETCD_NAME", "")])
        .version("3.6.0")
        .resolve();
    assert!(empty.refusal.is_some());
}

const TLS: &str = "listen-client-urls: https://10.0.0.1:2379,https://127.0.0.1:2379
client-transport-security:
  cert-file: /f/server.crt
  Key-File: /f/server.key
  trusted-ca-file: /f/ca.crt
";

#[test]
fn where_there_is_a_file_nothing_else_counts() {
    let files = [("/etc/etcd.yaml", TLS), ("/f/ca.crt", "aa bb")];
    let arguments = &[
        "--config-file=/etc/etcd.yaml",
        "--cert-file=/flag",
        "--client-cert-auth",
        "--name=n",
    ];
    let resolution = etcd(arguments)
        .environment(&[("ETCD_KEY_FILE", "/env")])
        .version("3.5.16")
        .files(&files)
        .resolve();
    for (setting, expected) in [
        ("flags.certFile", "/f/server.crt"),
        ("flags.keyFile", "/f/server.key"),
        ("flags.clientCertAuth", "false"),
        ("flags.name", "default"),
        (
            "flags.listenClientUrls",
            "[https://10.0.0.1:2379, https://127.0.0.1:2379]",
        ),
        ("derived.clientTLS", "true"),
        // A trusted CA is enough.
        ("derived.requiresClientCertificates", "true"),
        ("derived.peerTLS", "false"),
        ("derived.trustedKeys", "[aa, bb]"),
    ] {
        assert_eq!(shown(&resolution, setting), expected, "{setting}");
    }
    let origin = &resolution.whole("flags.keyFile").unwrap().origin;
    assert_eq!((origin.kind, origin.line), (OriginKind::File, Some(4)));
    assert!(resolution.notes[0].reason.contains("count for nothing"));
}

#[test]
fn the_variable_of_the_file_counts_from_3_4_on() {
    let files = [("/e", TLS), ("/f/ca.crt", "aa")];
    let by_variable = || {
        etcd(&["--cert-file=/flag", "--name=n"])
            .environment(&[("ETCD_CONFIG_FILE", "/e")])
            .files(&files)
    };
    let old = by_variable().version("3.3.25").resolve();
    assert_eq!(shown(&old, "flags.certFile"), "/flag");
    let new = by_variable().version("v3.5.30").resolve();
    assert_eq!(shown(&new, "flags.certFile"), "/f/server.crt");
    let either = by_variable().resolve();
    assert_eq!(shown(&either, "flags.certFile"), "?version-unknown");
    // What both say is known.
    assert_eq!(shown(&either, "flags.autoTls"), "false");
}

#[test]
fn the_file_is_read_as_etcd_reads_it() {
    for (text, setting, expected) in [
        // Flat keys of TLS are none.
        ("cert-file: /a", "certFile", "/"),
        (
            "client-transport-security: {cert-file: /a}",
            "certFile",
            "/a",
        ),
        (
            "Client-Transport-Security:\n  CERT-FILE: /a",
            "certFile",
            "/a",
        ),
        // JSON is YAML.
        (
            "{\"client-transport-security\": {\"cert-file\": \"/a\"}}",
            "certFile",
            "/a",
        ),
        (
            "{client-transport-security: {cert-file: /a}}",
            "certFile",
            "/a",
        ),
        (
            "client-transport-security:\n  cert-file: /a\nclient-transport-security:\n  key-file: /b",
            "certFile",
            "/",
        ),
        ("name: a\nname: b", "name", "b"),
        // Sorted, the small letter comes last.
        ("name: a\nName: b", "name", "a"),
        ("nam: x", "name", "default"),
        ("cipher-suites: [A, B]", "cipherSuites", "[A, B]"),
        (
            "peer-transport-security: {allowed-cn: [x]}",
            "peerCertAllowedCn",
            "[x]",
        ),
        (
            "peer-transport-security: {allowed-cn: x}",
            "peerCertAllowedCn",
            "[x]",
        ),
        (
            "listen-client-urls: ''",
            "listenClientUrls",
            "[http://localhost:2379]",
        ),
        (
            "listen-metrics-urls: http://0.0.0.0:2381",
            "listenMetricsUrls",
            "[http://0.0.0.0:2381]",
        ),
        (
            "grpc-keepalive-timeout: 3000000000",
            "grpcKeepaliveTimeout",
            "3s",
        ),
        (
            "socket-options: {reuse-port: true}",
            "socketReusePort",
            "true",
        ),
        ("data-dir: null", "dataDir", "default.etcd"),
        ("", "dataDir", "default.etcd"),
        (
            "ListenClientUrls: [{Scheme: http}]",
            "listenClientUrls",
            "?unsupported",
        ),
    ] {
        let files = [("/c", text)];
        let process = Process::new(Component::Etcd, &["etcd", "--config-file", "/c"]);
        let resolution = process.version("3.5.16").files(&files).resolve();
        assert_eq!(resolution.refusal, None, "{text}");
        let found = shown(&resolution, &format!("flags.{setting}"));
        let expected = if expected == "/" { "\"\"" } else { expected };
        assert_eq!(found, expected, "{text}");
    }
    for text in [
        "[]",
        "name: 1",
        "client-transport-security: x",
        "client-transport-security: {client-cert-auth: 'true'}",
        "cipher-suites: A",
        "listen-client-urls: [https://1.2.3.4:1]",
        "listen-client-urls: 1.2.3.4:1",
        "grpc-keepalive-timeout: 3s",
        "heartbeat-interval: -1",
        "a: [",
    ] {
        let files = [("/c", text)];
        let process = Process::new(Component::Etcd, &["etcd", "--config-file=/c"]);
        assert!(process.files(&files).resolve().refusal.is_some(), "{text}");
    }
    let missing = etcd(&["--config-file=/c"]).resolve();
    assert!(missing.refusal.unwrap().reason.contains("no such file"));
}

#[test]
fn what_could_not_be_read_is_not_known() {
    let denied = etcd(&["--config-file=/c", "--cert-file=/a"])
        .files(&[("/c", DENIED)])
        .resolve();
    for setting in [
        "flags.certFile",
        "flags.name",
        "derived.clientTLS",
        "derived.alone",
        "derived.members",
    ] {
        assert_eq!(shown(&denied, setting), "?denied", "{setting}");
    }
    let mut hidden = etcd(&["--cert-file=/a"]);
    hidden.environment = None;
    assert_eq!(shown(&hidden.resolve(), "flags.certFile"), "?denied");
    // A file leaves nothing to the environment.
    let files = [("/c", "name: x")];
    let mut file = etcd(&["--config-file=/c"]).files(&files);
    file.environment = None;
    assert_eq!(shown(&file.resolve(), "flags.name"), "x");
    let ca = etcd(&["--trusted-ca-file=/ca"])
        .files(&[("/ca", DENIED)])
        .resolve();
    assert_eq!(shown(&ca, "derived.trustedKeys"), "?denied");
    assert_eq!(shown(&etcd(&[]).resolve(), "derived.trustedKeys"), "[]");
}

const URLS: &str = "--listen-client-urls=https://10.0.0.1:2379";
const CERTS: [&str; 2] = ["--cert-file=/s.crt", "--key-file=/s.key"];

#[test]
fn tls_and_certificates_are_what_the_listeners_do() {
    for (arguments, version, tls, requires) in [
        (&[][..], "3.5.0", "false", "false"),
        // http leaves TLS off whatever files there are.
        (
            &["--client-cert-auth", "--trusted-ca-file=/ca"],
            "3.5.0",
            "false",
            "false",
        ),
        (&[URLS], "3.5.0", "true", "false"),
        (&[URLS, "--client-cert-auth"], "3.5.0", "true", "true"),
        (&[URLS, "--trusted-ca-file=/ca"], "3.5.0", "true", "true"),
        (&[URLS, "--trusted-ca-file=/ca"], "3.4.0", "true", "true"),
        // 3.3 asks with its own words only.
        (&[URLS, "--trusted-ca-file=/ca"], "3.3.25", "true", "false"),
        (&[URLS, "--ca-file=/ca"], "3.3.25", "true", "true"),
        (
            &[URLS, "--trusted-ca-file=/ca"],
            "",
            "true",
            "?version-unknown",
        ),
        (
            &[URLS, "--client-cert-auth=false", "--trusted-ca-file=/ca"],
            "3.6.1",
            "true",
            "true",
        ),
        (
            &[
                URLS,
                "--listen-client-http-urls=http://10.0.0.1:80",
                "--client-cert-auth",
            ],
            "3.5.9",
            "false",
            "false",
        ),
        (
            &["--listen-client-urls=https://1.2.3.4:1,http://127.0.0.1:2"],
            "3.5.9",
            "false",
            "false",
        ),
        (&["--listen-client-urls=unixs:/a"], "3.5.9", "true", "false"),
        (&["--listen-client-urls=unix:/a"], "3.5.9", "false", "false"),
    ] {
        let arguments = [arguments, &CERTS].concat();
        let files = [("/ca", "aa")];
        let process = etcd(&arguments).files(&files);
        let process = if version.is_empty() {
            process
        } else {
            process.version(version)
        };
        let resolution = process.resolve();
        assert_eq!(
            shown(&resolution, "derived.clientTLS"),
            tls,
            "{arguments:?}"
        );
        assert_eq!(
            shown(&resolution, "derived.requiresClientCertificates"),
            requires,
            "{arguments:?} {version}"
        );
    }
    // The certificate that etcd makes itself asks nobody for one.
    let own = etcd(&[
        URLS,
        "--auto-tls",
        "--client-cert-auth",
        "--trusted-ca-file=/ca",
    ])
    .version("3.5.9")
    .files(&[("/ca", "a")]);
    assert_eq!(
        shown(&own.resolve(), "derived.requiresClientCertificates"),
        "false"
    );
    let peer = etcd(&[
        "--listen-peer-urls=https://10.0.0.1:2380",
        "--peer-client-cert-auth",
        "--peer-cert-file=/p",
    ])
    .resolve();
    assert_eq!(shown(&peer, "derived.peerTLS"), "true");
    assert_eq!(shown(&peer, "derived.requiresPeerCertificates"), "true");
}

#[test]
fn one_name_in_the_initial_cluster_says_nothing_where_peers_can_come() {
    for (arguments, members, alone) in [
        (&[][..], "1", "true"),
        (
            &["--initial-cluster=a=http://10.0.0.1:2380,b=http://10.0.0.2:2380"],
            "2",
            "false",
        ),
        (
            &["--initial-cluster=a=http://10.0.0.1:1,a=http://10.0.0.1:2"],
            "1",
            "true",
        ),
        (
            &["--listen-peer-urls=https://10.0.0.1:2380"],
            "?unsupported",
            "false",
        ),
        (
            &["--listen-peer-urls=https://127.0.0.1:2380,https://[::1]:2380"],
            "1",
            "true",
        ),
        (
            &["--listen-peer-urls=https://0.0.0.0:2380"],
            "?unsupported",
            "false",
        ),
        (&["--discovery-srv=example.com"], "?unsupported", "false"),
    ] {
        let resolution = etcd(arguments).resolve();
        assert_eq!(
            shown(&resolution, "derived.members"),
            members,
            "{arguments:?}"
        );
        assert_eq!(shown(&resolution, "derived.alone"), alone, "{arguments:?}");
    }
}

#[test]
fn mode_and_owner_of_its_files_are_asked_for() {
    let process = etcd(&[
        "--data-dir=/var/lib/etcd",
        "--cert-file=pki/../s.crt",
        "--wal-dir=",
    ]);
    assert_eq!(process.metadata(), ["/var/lib/etcd", "/s.crt"]);
}

#[test]
fn a_recorded_etcd_is_read() {
    let arguments = "etcd --name lab --data-dir /var/lib/klab/etcd --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 --initial-cluster lab=http://127.0.0.1:2380 --unsafe-no-fsync";
    let argv: Vec<&str> = arguments.split(' ').collect();
    let resolution = Process::new(Component::Etcd, &argv).resolve();
    assert_eq!(
        value(&resolution, "flags.dataDir"),
        Value::string("/var/lib/klab/etcd")
    );
    assert_eq!(value(&resolution, "derived.clientTLS"), Value::Bool(false));
    assert_eq!(value(&resolution, "derived.members"), Value::Int(1));
}

/// What somebody may say of a setting in one place.
fn said() -> impl Strategy<Value = Option<String>> {
    prop_oneof![Just(None), "[a-z]{1,3}".prop_map(Some)]
}

proptest! {
    /// An independent model of the precedence, of a file by flag or variable, flags in any number, variables.
    #[test]
    fn the_order_of_layers_is_etcds(
        flags in prop::collection::vec("[a-z]{1,3}", 0..4),
        variable in said(),
        file in said(),
        named_by in 0..3_u8,
        release in 3..=7_u8,
        noise in prop::bool::ANY,
    ) {
        let text = file.as_ref().map_or_else(|| "other: 1".to_owned(), |path| format!("client-transport-security: {{cert-file: '{path}'}}"));
        let files = [("/c", text.as_str())];
        let version = format!("3.{release}.1");
        let mut argv = vec!["etcd".to_owned()];
        argv.extend(flags.iter().enumerate().map(|(at, path)| format!("{}cert-file={path}", ["-", "--"][at % 2])));
        if noise {
            argv.extend(["--key-file".to_owned(), "--cert-file=eaten".to_owned()]);
        }
        let mut variables = Vec::new();
        if named_by == 1 {
            argv.push("--config-file=/c".to_owned());
        }
        if named_by == 2 {
            variables.push(("ETCD_CONFIG_FILE", "/c"));
        }
        if let Some(path) = &variable {
            variables.push(("ETCD_CERT_FILE", path.as_str()));
        }
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        let resolution = Process::new(Component::Etcd, &argv).environment(&variables).files(&files).version(&version).resolve();

        let by_file = named_by == 1 || (named_by == 2 && release >= 4);
        let refused = !by_file && release >= 4 && variable.is_some() && !flags.is_empty();
        assert_eq!(resolution.refusal.is_some(), refused);
        let expected = if by_file { file } else { flags.last().cloned().or(variable) };
        let found = resolution.whole("flags.certFile").unwrap().value().unwrap();
        assert_eq!(found, Value::string(expected.unwrap_or_default().as_str()));
    }
}
