use std::sync::Arc;

use kubeassay_core::facts::{Entry, FileFacts, FileKind, Moment, Need, NeedKind, ProcessFacts};
use kubeassay_core::{Bytes, Cause, Component};

use super::{Embedded, Release, components};
use crate::secrets::redact_content;
use crate::sources::When;
use crate::tables::Minor;

/// A process with these arguments and files; a file without text could not be read.
fn process(argv: &[&str], files: &[(&str, Option<&str>)]) -> ProcessFacts {
    let argv = argv.iter().map(|one| Bytes::from(*one)).collect();
    let mut process = ProcessFacts::new(7, argv);
    process.component = Component::Distribution;
    let mut listed: Vec<(String, Vec<Entry>)> = Vec::new();
    for (path, text) in files {
        let need = |what, path: &str| Need {
            what,
            path: path.into(),
        };
        process.files.push(match text {
            Some(text) => FileFacts {
                kind: Some(FileKind::Regular),
                content: Some(redact_content(text.as_bytes().to_vec()).into()),
                ..FileFacts::new(need(NeedKind::Content, path))
            },
            None => FileFacts::unread(need(NeedKind::Content, path), Cause::Denied, "denied"),
        });
        let (folder, name) = path.rsplit_once('/').unwrap();
        let entry = Entry {
            name: name.into(),
            kind: FileKind::Regular,
        };
        match listed.iter_mut().find(|(known, _)| known == folder) {
            Some((_, entries)) => entries.push(entry),
            None => listed.push((folder.to_owned(), vec![entry])),
        }
    }
    for (folder, entries) in listed {
        process.files.push(FileFacts {
            kind: Some(FileKind::Directory),
            entries: Some(entries),
            ..FileFacts::new(Need {
                what: NeedKind::Listing,
                path: folder.into(),
            })
        });
    }
    process
}

/// Works it out until nothing new is asked for: what is not among the files is not there.
fn told(mut process: ProcessFacts, minor: u8, patch: Option<u16>) -> Embedded {
    let release = Release {
        minor: Minor(minor),
        patch,
    };
    for _ in 0..8 {
        let embedded = components(&process, &[], release, When::Now);
        if embedded.needs.is_empty() {
            return embedded;
        }
        let missing = embedded.needs.into_iter();
        let missing = missing.map(|need| FileFacts::unread(need, Cause::Missing, "not there"));
        process.files.extend(missing);
    }
    panic!("it asks for ever");
}

/// Returns the values that a component is given of one flag.
fn values(embedded: &Embedded, component: Component, flag: &str) -> Vec<String> {
    let inside = embedded
        .inside
        .iter()
        .find(|one| one.component == component);
    let argv = inside.map_or(&[][..], |one| &one.argv);
    let prefix = format!("--{flag}=");
    argv.iter()
        .filter_map(|one| Some(one.as_str()?.strip_prefix(&prefix)?.to_owned()))
        .collect()
}

const SERVER: &[&str] = &["/usr/local/bin/k3s", "server"];
const CONFIG: &str = "/etc/rancher/k3s/config.yaml";
const LATER: &str = "/etc/rancher/k3s/config.yaml.d/50-later.yaml";

#[test]
fn k3s_takes_its_files_one_after_the_other_and_then_its_arguments() {
    let mode = |argv: &[&str], files: &[(&str, Option<&str>)]| {
        let embedded = told(process(argv, files), 31, None);
        assert_eq!(embedded.unknown, None);
        values(&embedded, Component::Kubelet, "authorization-mode")
    };
    let allow = Some("kubelet-arg:\n- authorization-mode=AlwaysAllow\n");
    let other = Some("kubelet-arg:\n- v=2\n");
    let added = Some("kubelet-arg+:\n- v=2\n");
    assert_eq!(mode(SERVER, &[]), ["Webhook"], "what k3s gives");
    assert_eq!(mode(SERVER, &[(CONFIG, allow)]), ["AlwaysAllow"]);
    assert_eq!(mode(SERVER, &[(LATER, allow)]), ["AlwaysAllow"]);
    assert_eq!(
        mode(SERVER, &[(CONFIG, allow), (LATER, other)]),
        ["Webhook"]
    );
    assert_eq!(
        mode(SERVER, &[(CONFIG, allow), (LATER, added)]),
        ["AlwaysAllow"]
    );
    let argv = [
        "k3s",
        "server",
        "--kubelet-arg",
        "authorization-mode=Webhook",
    ];
    assert_eq!(
        mode(&argv, &[(CONFIG, allow)]),
        ["AlwaysAllow", "Webhook"],
        "the last one counts"
    );
    let argv = ["k3s", "agent", "--config=/etc/other.yaml", "--debug"];
    assert_eq!(mode(&argv, &[("/etc/other.yaml", allow)]), ["AlwaysAllow"]);
}

#[test]
fn an_argument_says_where_it_stands() {
    let text = "data-dir: /srv\nkubelet-arg:\n- authorization-mode=AlwaysAllow\n";
    let embedded = told(process(SERVER, &[(CONFIG, Some(text))]), 34, None);
    let kubelet = embedded.inside.first().unwrap();
    let at = |text: &str| {
        let found = kubelet.argv.iter().position(|one| *one == text);
        Arc::clone(&kubelet.origins[found.unwrap()])
    };
    let given = at("--authorization-mode=AlwaysAllow");
    assert_eq!(
        (given.line, given.path.as_deref()),
        (Some(3), Some(&CONFIG.into()))
    );
    let own = at("--config-dir=/srv/agent/etc/kubelet.conf.d");
    assert_eq!(own.version.as_deref(), Some("k3s 1.34"));
}

#[test]
fn k3s_left_the_read_only_port_open_until_it_was_told_not_to() {
    for (minor, patch, port) in [(31, 9, 1), (32, 3, 0), (32, 4, 1), (34, 0, 1)] {
        let embedded = told(process(SERVER, &[]), minor, Some(patch));
        let given = values(&embedded, Component::Kubelet, "read-only-port");
        assert_eq!(given.len(), port, "1.{minor}.{patch}");
    }
}

#[test]
fn an_agent_has_no_control_plane_and_a_server_may_have_etcd() {
    let inside = |argv: &[&str], text: &str| {
        let embedded = told(process(argv, &[(CONFIG, Some(text))]), 34, None);
        let names = embedded.inside.iter().map(|one| one.component.as_str());
        names.collect::<Vec<_>>().join(" ")
    };
    let all = "kubelet kube-apiserver kube-controller-manager kube-scheduler";
    assert_eq!(
        inside(&["k3s", "agent"], "node-name: a\n"),
        "kubelet kube-proxy"
    );
    assert_eq!(
        inside(SERVER, "node-name: a\n"),
        format!("{all} kube-proxy")
    );
    assert_eq!(
        inside(SERVER, "cluster-init: true\n"),
        format!("{all} etcd kube-proxy")
    );
    assert_eq!(
        inside(SERVER, "disable-agent: true\ndisable-apiserver: true\n"),
        "kube-controller-manager kube-scheduler"
    );
    let datastore = "datastore-endpoint: https://10.0.0.9:2379\n";
    let embedded = told(
        process(
            SERVER,
            &[(CONFIG, Some(&format!("disable: x\n{datastore}")))],
        ),
        34,
        None,
    );
    let api = |one: &super::Inside| one.component == Component::ApiServer;
    assert!(embedded.unknown.is_some() && !embedded.inside.iter().any(api));
}

#[test]
fn what_cannot_be_read_or_was_erased_is_unknown() {
    let embedded = told(process(SERVER, &[(CONFIG, None)]), 34, None);
    assert_eq!(embedded.unknown.unwrap().cause, Cause::Denied);
    let withheld = process(SERVER, &[(CONFIG, Some("unheard-of: 1\n"))]);
    assert_eq!(
        told(withheld, 34, None).unknown.unwrap().cause,
        Cause::Unsupported
    );
    let embedded = told(process(&["/usr/local/bin/k3s server", ""], &[]), 34, None);
    assert!(embedded.unknown.is_some() && embedded.for_asking);
}

#[test]
fn the_secrets_of_k3s_are_hidden() {
    let text =
        "token: hunter2\ndatastore-endpoint: mysql://u:hunter2@tcp(x)/y\nserver: https://a\n";
    let kept = String::from_utf8(redact_content(text.as_bytes().to_vec())).unwrap();
    assert!(
        !kept.contains("hunter2") && kept.contains("server: https://a"),
        "{kept}"
    );
}

#[test]
fn kubelite_reads_a_file_of_arguments_for_each_component() {
    let folder = "/var/snap/microk8s/77/args";
    let file = |name: &str| format!("{folder}/{name}");
    let (kubelet, api, manager, scheduler, proxy) = (
        file("kubelet"),
        file("kube-apiserver"),
        file("kube-controller-manager"),
        file("kube-scheduler"),
        file("kube-proxy"),
    );
    let text = "# a comment\n--root-dir=${SNAP_COMMON}/k\n--eviction-hard=\"a<1,b<2\" --v 3\n\n--client-ca-file=$SNAP_DATA/ca.crt\n";
    let flag = |of: &str, path: &str| format!("--{of}-args-file={path}");
    let argv = [
        "/snap/microk8s/77/kubelite".to_owned(),
        flag("kubelet", &kubelet),
        flag("apiserver", &api),
        flag("controller-manager", &manager),
        flag("scheduler", &scheduler),
        flag("proxy", &proxy),
    ];
    let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
    let plain = Some("--v=1\n");
    let files = [
        (kubelet.as_str(), Some(text)),
        (&api, plain),
        (&manager, plain),
        (&scheduler, plain),
        (&proxy, plain),
    ];
    let embedded = told(process(&argv, &files), 34, None);
    assert_eq!((embedded.inside.len(), embedded.unknown.clone()), (5, None));
    let inside = embedded.inside.first().unwrap();
    let shown: Vec<String> = inside.argv.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "kubelet",
            "--root-dir=/var/snap/microk8s/common/k",
            "--eviction-hard=a<1,b<2",
            "--v",
            "3",
            "--client-ca-file=/var/snap/microk8s/77/ca.crt"
        ]
    );
    assert_eq!(inside.origins[5].line, Some(5));
    let worker = [&argv[..], &["--start-control-plane=false"]].concat();
    let embedded = told(process(&worker, &files), 34, None);
    assert_eq!(embedded.inside.len(), 2);
    let denied = [(kubelet.as_str(), None), (&proxy, plain)];
    let embedded = told(process(&worker, &denied), 34, None);
    assert_eq!(embedded.unknown.unwrap().cause, Cause::Denied);
}

const MICROSHIFT: &[&str] = &["/usr/bin/microshift", "run"];
const SHIFT: &str = "/etc/microshift/config.yaml";
const DROP_IN: &str = "/etc/microshift/config.d/20-later.yaml";

#[test]
fn microshift_merges_its_drop_ins_and_gives_what_comes_of_it() {
    let age = |files: &[(&str, Option<&str>)]| {
        let embedded = told(process(MICROSHIFT, files), 36, None);
        assert_eq!(embedded.unknown, None);
        values(&embedded, Component::ApiServer, "audit-log-maxage")
    };
    let file = |age: &str| format!("apiServer:\n  auditLog: {{maxFileAge: {age}}}\n");
    assert_eq!(age(&[]), ["0"], "what MicroShift gives");
    assert_eq!(age(&[(SHIFT, Some(&file("30")))]), ["30"]);
    let later = file("7");
    assert_eq!(
        age(&[(SHIFT, Some(&file("30"))), (DROP_IN, Some(&later))]),
        ["7"]
    );
    let gone = file("null");
    assert_eq!(
        age(&[(SHIFT, Some(&file("30"))), (DROP_IN, Some(&gone))]),
        ["0"]
    );
    let blank = " \n";
    assert_eq!(age(&[(SHIFT, Some(blank)), (DROP_IN, Some(&later))]), ["7"]);
    // Go finds its fields without regard to case, and an empty value is as good as none.
    let other = "APISERVER: {auditlog: {MAXFILEAGE: 12, maxFiles: 0}}\n";
    assert_eq!(age(&[(SHIFT, Some(other))]), ["12"]);

    let place = told(process(MICROSHIFT, &[(SHIFT, Some(&file("30")))]), 36, None);
    let server = &place.inside[1];
    let at = server
        .argv
        .iter()
        .position(|one| *one == "--audit-log-maxage=30");
    let origin = &server.origins[at.unwrap()];
    assert_eq!(origin.path.as_deref().unwrap().to_string(), SHIFT);
    assert_eq!((origin.line, origin.column), (Some(2), Some(26)));
}

#[test]
fn microshift_bounds_tls_for_all_it_runs() {
    let tls = |text: &str| {
        let file = format!("apiServer: {{tls: {text}}}\n");
        told(process(MICROSHIFT, &[(SHIFT, Some(&file))]), 36, None)
    };
    let of = |embedded: &Embedded, flag| values(embedded, Component::ControllerManager, flag);
    let modern = tls("{minVersion: VersionTLS13, cipherSuites: [TLS_RSA_WITH_AES_128_CBC_SHA]}");
    assert_eq!(of(&modern, "tls-min-version"), ["VersionTLS13"]);
    assert!(!of(&modern, "tls-cipher-suites")[0].contains("RSA"));
    assert_eq!(
        values(&modern, Component::Etcd, "tls-min-version"),
        ["TLS1.3"]
    );
    let own = tls("{cipherSuites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]}");
    assert_eq!(
        of(&own, "tls-cipher-suites"),
        ["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]
    );
    for refused in [
        "{minVersion: VersionTLS11}",
        "{cipherSuites: [TLS_RSA_WITH_AES_128_CBC_SHA]}",
    ] {
        let embedded = tls(refused);
        assert_eq!(
            embedded.unknown.map(|one| one.cause),
            Some(Cause::WouldRefuse)
        );
        assert!(embedded.inside.is_empty());
    }
}

#[test]
fn what_cannot_be_told_of_microshift_is_not_made_up() {
    let denied = told(process(MICROSHIFT, &[(SHIFT, None)]), 36, None);
    assert_eq!(denied.unknown.map(|one| one.cause), Some(Cause::Denied));
    let broken = told(
        process(MICROSHIFT, &[(SHIFT, Some("apiServer: [\n"))]),
        36,
        None,
    );
    assert!(broken.unknown.is_some() && broken.inside.is_empty());
    let several = told(
        process(&["/usr/bin/microshift", "run", "--multinode"], &[]),
        36,
        None,
    );
    assert!(several.unknown.is_some());
    assert!(
        several
            .inside
            .iter()
            .all(|one| one.component != Component::ApiServer)
    );
    let other = told(process(&["/usr/bin/microshift", "version"], &[]), 36, None);
    assert!(other.unknown.is_none() && other.inside.is_empty());
}

/// What it wrote at its start is not what it will write.
#[test]
fn the_next_start_of_microshift_writes_the_kubelets_file_anew() {
    let text = "kubelet: {authorization: {mode: AlwaysAllow}, \"we\\\"ird\": [1, true, null]}\n";
    let at = |text: &str| text.parse().unwrap();
    let mut process = process(MICROSHIFT, &[(SHIFT, Some(text))]);
    process.started = Some(Moment {
        at: at("2026-11-20T08:00:00Z"),
        error_ms: 10,
    });
    for (changed, made) in [("2026-11-20T07:00:00Z", 0), ("2026-11-20T09:00:00Z", 1)] {
        for file in &mut process.files {
            file.modified = Some(at(changed));
        }
        let embedded = told(process.clone(), 36, None);
        let kubelet = &embedded.inside[0];
        assert_eq!(kubelet.files.len(), made, "{changed}");
        assert_eq!(embedded.assumes.len(), 1 + made, "{changed}");
        let text = kubelet.files.first().and_then(|file| file.content.as_ref());
        if let Some(text) = text {
            let text = text.to_string_lossy();
            assert!(
                text.ends_with("\"authorization\": {\"mode\": \"AlwaysAllow\"}\n\"we\\\"ird\": [1, true, null]\n"),
                "{text}"
            );
        }
    }
}
