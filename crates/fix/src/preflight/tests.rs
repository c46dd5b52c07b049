mod looking;

use kubeassay_core::Bytes;
use kubeassay_core::facts::Facts;
use kubeassay_core::plan::{EditKind, Preflight, Readiness};

use super::fixture::{self, ARGUMENTS, Node, OLD};
use super::place::{FileSystem, Found, Place};
use super::{
    ApiServerSeen, Certificates, ClientSeen, IDS, KubeconfigSeen, KubeletSeen, Lock, Observations,
    Unread, checks,
};
use crate::planner::Planned;
use crate::services::{ServiceError, UnitState};
use crate::world::{ClientName, Reach, Vouching};

const CA: &str = "/etc/kubernetes/pki/ca.crt";

/// A kubelet with a client CA, token webhook and static pods, in this mode.
fn node(mode: &str, others: &str) -> Node {
    Node::new(&format!(
        "authentication: {{anonymous: {{enabled: false}}, webhook: {{enabled: true}}, x509: {{clientCAFile: {CA}}}}}\n\
         authorization: {{mode: {mode}}}\nstaticPodPath: /etc/kubernetes/manifests\n{others}"
    ))
}

/// The plan that most is about: `AlwaysAllow` becomes `Webhook`.
fn to_webhook() -> (Planned, Facts) {
    fixture::planned(
        &node("AlwaysAllow", ""),
        &node("Webhook", ""),
        &["authorization.mode"],
    )
}

fn place(path: &str) -> Place {
    Place {
        path: Bytes::from(path),
        folder: Bytes::from("/var/lib"),
        found: Ok(Found {
            device: 1,
            available: 1 << 30,
            inodes: Some(1000),
            size: Some(100),
            read_only: false,
            marked: false,
            own_mount: false,
            file_system: FileSystem::Exchanges,
        }),
    }
}

fn client() -> ClientSeen {
    ClientSeen {
        path: Bytes::from("/etc/kubernetes/pki/apiserver-kubelet-client.crt"),
        name: Ok(ClientName {
            user: "kube-apiserver-kubelet-client".to_owned(),
            groups: vec!["kubeadm:cluster-admins".to_owned()],
        }),
        vouching: Some(Vouching::Signed),
        alone: true,
    }
}

fn here(client: Result<Option<ClientSeen>, &str>) -> ApiServerSeen {
    ApiServerSeen::Here {
        manifest: Bytes::from("/etc/kubernetes/manifests/kube-apiserver.yaml"),
        client: client.map_err(str::to_owned),
    }
}

/// All that can be seen, and all of it well: on a node of the control plane that is not the only one.
fn well() -> Observations {
    let kernel = super::start::KERNEL;
    Observations {
        kubelets: vec![KubeletSeen {
            unit: Some(Ok(UnitState {
                load: "loaded".to_owned(),
                ..UnitState::default()
            })),
            kubeconfig: Some(KubeconfigSeen::Asked(Reach::Answered {
                server: "https://10.0.0.1:6443".to_owned(),
                status: 403,
            })),
            authorities: Some(Ok(Certificates {
                found: vec![b"an authority".to_vec()],
                stopped: false,
            })),
            api_server: Some(here(Ok(Some(client())))),
            may: Some(vec![("get", Ok(true)), ("create", Ok(true))]),
            kernel: kernel
                .iter()
                .map(|(name, _, wanted)| (*name, Ok(format!("{wanted}\n"))))
                .collect(),
            others: Some(Ok(2)),
        }],
        edits: vec![place(fixture::CONFIG)],
        journal: Some(place("/var/lib/kubeassay/transactions/new")),
        lock: Lock::Free,
    }
}

/// Shows how checks came out, those that pass left out: `unit fail, lock unknown`.
fn not_passed(checks: &[Preflight]) -> String {
    let checks = checks
        .iter()
        .filter(|check| check.readiness != Readiness::Pass);
    let one = |check: &Preflight| format!("{} {}", check.id, check.readiness.as_str());
    checks.map(one).collect::<Vec<_>>().join(", ")
}

fn ids(checks: &[Preflight]) -> Vec<&str> {
    checks.iter().map(|check| check.id.as_str()).collect()
}

fn reason<'a>(checks: &'a [Preflight], id: &str) -> &'a str {
    let mut checks = checks.iter();
    let check = checks.find(|check| check.id == id);
    check.map_or("(left out)", |check| check.reason.as_str())
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn each_check_is_told_by_what_was_seen() {
    type Change = fn(&mut Observations);
    fn kubelet(seen: &mut Observations) -> &mut KubeletSeen {
        &mut seen.kubelets[0]
    }
    fn load(seen: &mut Observations, load: &str) {
        kubelet(seen).unit = Some(Ok(UnitState {
            load: load.to_owned(),
            ..UnitState::default()
        }));
    }
    fn found(place: &mut Place) -> &mut Found {
        place.found.as_mut().unwrap()
    }
    fn vouching(seen: &mut Observations, vouching: Option<Vouching>, alone: bool) {
        kubelet(seen).api_server = Some(here(Ok(Some(ClientSeen {
            vouching,
            alone,
            ..client()
        }))));
    }
    let cases: Vec<(Change, &str, &str, &str)> = vec![
        (|_| {}, "", "unit", "systemd has loaded kubelet.service"),
        (
            |seen| kubelet(seen).unit = None,
            "unit unknown",
            "unit",
            "was not looked at",
        ),
        (
            |seen| load(seen, "masked"),
            "unit fail",
            "unit",
            "systemctl unmask",
        ),
        (
            |seen| load(seen, "not-found"),
            "unit fail",
            "unit",
            "daemon-reload",
        ),
        (
            |seen| load(seen, "bad-\u{1b}"),
            "unit fail",
            "unit",
            r"as `bad-\x1b`",
        ),
        (
            |seen| kubelet(seen).unit = Some(Err(ServiceError::Unreachable("no bus".to_owned()))),
            "unit unknown",
            "unit",
            "systemd cannot be asked: no bus; run this as root",
        ),
        (
            |_| {},
            "",
            "kubeconfig",
            "its API server https://10.0.0.1:6443 answers (403)",
        ),
        (
            |seen| kubelet(seen).kubeconfig = None,
            "kubeconfig unknown",
            "kubeconfig",
            "was not looked at",
        ),
        (
            |seen| kubelet(seen).kubeconfig = Some(KubeconfigSeen::There),
            "kubeconfig unknown",
            "kubeconfig",
            "add --live, or --accept kubeconfig",
        ),
        (
            |seen| kubelet(seen).kubeconfig = Some(KubeconfigSeen::Unread(Unread::Missing)),
            "kubeconfig fail",
            "kubeconfig",
            "is not there",
        ),
        (
            |seen| {
                kubelet(seen).kubeconfig = Some(KubeconfigSeen::Unread(Unread::Because(
                    "may not be read".to_owned(),
                )));
            },
            "kubeconfig unknown",
            "kubeconfig",
            "kubelet.conf may not be read",
        ),
        (
            |seen| {
                kubelet(seen).kubeconfig = Some(KubeconfigSeen::Asked(Reach::Silent {
                    server: "https://10.0.0.1:6443".to_owned(),
                    why: "nothing listens".to_owned(),
                }));
            },
            "kubeconfig fail",
            "kubeconfig",
            "does not answer, and every request would be refused: nothing listens",
        ),
        (
            |seen| {
                kubelet(seen).kubeconfig =
                    Some(KubeconfigSeen::Asked(Reach::NotAsked("a proxy".to_owned())));
            },
            "kubeconfig unknown",
            "kubeconfig",
            "could not be asked: a proxy; --accept",
        ),
        (
            |_| {},
            "",
            "client-ca",
            "an authority in /etc/kubernetes/pki/ca.crt signed",
        ),
        (
            |seen| kubelet(seen).authorities = None,
            "client-ca unknown",
            "client-ca",
            "was not looked at",
        ),
        (
            |seen| kubelet(seen).authorities = Some(Err(Unread::Missing)),
            "client-ca fail",
            "client-ca",
            "is not there",
        ),
        (
            |seen| kubelet(seen).authorities = Some(Err(Unread::Because("is a folder".to_owned()))),
            "client-ca unknown",
            "client-ca",
            "is a folder",
        ),
        (
            |seen| kubelet(seen).authorities = Some(Ok(Certificates::default())),
            "client-ca fail",
            "client-ca",
            "holds no certificate",
        ),
        (
            |seen| vouching(seen, Some(Vouching::NotSigned), true),
            "client-ca fail",
            "client-ca",
            "no authority in",
        ),
        (
            |seen| vouching(seen, Some(Vouching::NotSigned), false),
            "client-ca unknown",
            "client-ca",
            "an authority between",
        ),
        (
            |seen| {
                vouching(seen, Some(Vouching::NotSigned), true);
                kubelet(seen)
                    .authorities
                    .as_mut()
                    .unwrap()
                    .as_mut()
                    .unwrap()
                    .stopped = true;
            },
            "client-ca unknown",
            "client-ca",
            "something else follows",
        ),
        (
            |seen| {
                vouching(
                    seen,
                    Some(Vouching::Refused("it has expired".to_owned())),
                    true,
                );
            },
            "client-ca fail",
            "client-ca",
            "would be refused: it has expired",
        ),
        (
            |seen| {
                vouching(
                    seen,
                    Some(Vouching::Unknown("a key of no kind".to_owned())),
                    true,
                );
            },
            "client-ca unknown",
            "client-ca",
            "a key of no kind",
        ),
        (
            |seen| vouching(seen, None, true),
            "client-ca unknown",
            "client-ca",
            "was not held against",
        ),
        (
            |seen| kubelet(seen).api_server = None,
            "client-ca unknown, api-authorization unknown, control-plane unknown",
            "control-plane",
            "was not looked at",
        ),
        (
            |seen| kubelet(seen).api_server = Some(ApiServerSeen::None),
            "client-ca unknown, api-authorization unknown",
            "control-plane",
            "(left out)",
        ),
        (
            |seen| {
                kubelet(seen).api_server =
                    Some(ApiServerSeen::Unknown("the folder is denied".to_owned()));
            },
            "client-ca unknown, api-authorization unknown, control-plane unknown",
            "control-plane",
            "the folder is denied; if it may be started again, --accept control-plane",
        ),
        (
            |seen| kubelet(seen).api_server = Some(here(Err("the manifest starts a shell"))),
            "client-ca unknown, api-authorization unknown",
            "client-ca",
            "the manifest starts a shell",
        ),
        (
            |seen| kubelet(seen).api_server = Some(here(Ok(None))),
            "client-ca fail, api-authorization fail",
            "client-ca",
            "shows kubelets no certificate",
        ),
        (
            |_| {},
            "",
            "api-authorization",
            "kube-apiserver-kubelet-client (of kubeadm:cluster-admins)",
        ),
        (
            |seen| kubelet(seen).may = None,
            "api-authorization unknown",
            "api-authorization",
            "add --live with credentials",
        ),
        (
            |seen| kubelet(seen).may = Some(vec![("get", Ok(true)), ("create", Ok(false))]),
            "api-authorization fail",
            "api-authorization",
            "may not create nodes/proxy",
        ),
        (
            |seen| kubelet(seen).may = Some(vec![("get", Ok(false)), ("create", Ok(true))]),
            "api-authorization fail",
            "api-authorization",
            "may not get nodes/proxy",
        ),
        (
            |seen| kubelet(seen).may = Some(vec![("get", Ok(true))]),
            "api-authorization unknown",
            "api-authorization",
            "not everything was asked",
        ),
        (
            |seen| {
                kubelet(seen).may = Some(vec![
                    ("get", Err("not permitted (403)".to_owned())),
                    ("create", Ok(true)),
                ]);
            },
            "api-authorization unknown",
            "api-authorization",
            "not permitted (403)",
        ),
        (
            |seen| {
                kubelet(seen).api_server = Some(here(Ok(Some(ClientSeen {
                    name: Err("it names no user".to_owned()),
                    ..client()
                }))));
            },
            "api-authorization unknown",
            "api-authorization",
            "it names no user",
        ),
        (
            |_| {},
            "",
            "control-plane",
            "2 other nodes of the control plane are Ready",
        ),
        (
            |seen| kubelet(seen).others = Some(Ok(1)),
            "",
            "control-plane",
            "another node",
        ),
        (
            |seen| kubelet(seen).others = Some(Ok(0)),
            "control-plane unknown",
            "control-plane",
            "--accept control-plane if that can be borne",
        ),
        (
            |seen| kubelet(seen).others = Some(Err("not permitted".to_owned())),
            "control-plane unknown",
            "control-plane",
            "not permitted",
        ),
        (
            |seen| kubelet(seen).others = None,
            "control-plane unknown",
            "control-plane",
            "add --live with credentials, or --accept control-plane",
        ),
        (
            |seen| found(&mut seen.edits[0]).available = 1 << 20,
            "disk-space fail",
            "disk-space",
            "the file system of /var/lib has 1024 KiB free, and 1025 KiB are needed",
        ),
        (
            |seen| {
                // Each alone has room; both lie on one file system.
                found(&mut seen.edits[0]).available = (1 << 20) + 250;
                found(seen.journal.as_mut().unwrap()).available = (1 << 20) + 250;
            },
            "disk-space fail",
            "disk-space",
            "free some",
        ),
        (
            |seen| {
                found(&mut seen.edits[0]).available = (1 << 20) + 250;
                found(seen.journal.as_mut().unwrap()).device = 2;
            },
            "",
            "disk-space",
            "there is room",
        ),
        (
            |seen| found(&mut seen.edits[0]).inodes = Some(3),
            "disk-space fail",
            "disk-space",
            "room for 3 files (inodes), and 12 are needed",
        ),
        (
            |seen| found(&mut seen.edits[0]).inodes = None,
            "",
            "disk-space",
            "there is room",
        ),
        (
            |seen| seen.journal.as_mut().unwrap().found = Err("may not be read".to_owned()),
            "disk-space unknown, writable unknown",
            "disk-space",
            "may not be read",
        ),
        (
            |seen| seen.edits.clear(),
            "disk-space unknown, writable unknown",
            "writable",
            "was not looked at",
        ),
        (
            |seen| found(&mut seen.edits[0]).read_only = true,
            "writable fail",
            "writable",
            "mounted read-only",
        ),
        (
            |seen| found(seen.journal.as_mut().unwrap()).read_only = true,
            "writable fail",
            "writable",
            "/var/lib/kubeassay/transactions/new lies on",
        ),
        (
            |seen| found(&mut seen.edits[0]).marked = true,
            "writable fail",
            "writable",
            "immutable",
        ),
        (
            |seen| found(&mut seen.edits[0]).size = None,
            "writable fail",
            "writable",
            "is gone",
        ),
        (
            |seen| found(&mut seen.edits[0]).own_mount = true,
            "writable fail",
            "writable",
            "a mount of its own",
        ),
        (
            |seen| found(&mut seen.edits[0]).file_system = FileSystem::Other(0x6969),
            "writable unknown",
            "writable",
            "(number 0x6969) is not known; accept it with --accept writable",
        ),
        (
            |seen| seen.lock = Lock::NotLookedAt,
            "lock unknown",
            "lock",
            "was not looked at",
        ),
        (
            |seen| seen.lock = Lock::Held("process 17 is applying a plan".to_owned()),
            "lock fail",
            "lock",
            "process 17",
        ),
        (
            |seen| *seen = Observations::default(),
            "unit unknown, kubeconfig unknown, client-ca unknown, api-authorization unknown, disk-space unknown, writable unknown, control-plane unknown, lock unknown",
            "token-webhook",
            "tokens are recognised",
        ),
    ];
    let (planned, facts) = to_webhook();
    for (change, expected, id, part) in cases {
        let mut seen = well();
        change(&mut seen);
        let checks = checks(&planned, &facts, &seen, &[]);
        assert_eq!(not_passed(&checks), expected, "{checks:?}");
        let reason = reason(&checks, id);
        assert!(reason.contains(part), "{id}: {reason}");
        for check in &checks {
            assert_eq!(check.blocks(), check.readiness != Readiness::Pass);
            assert!(!check.reason.is_empty());
        }
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn what_does_not_concern_a_plan_is_left_out() {
    let anonymous = |enabled: bool, more: &str| {
        Node::new(&format!(
            "authentication: {{anonymous: {{enabled: {enabled}}}, x509: {{clientCAFile: {CA}}}}}\nstaticPodPath: /m\n{more}"
        ))
    };
    let narrowing = ["kubeconfig", "client-ca", "token-webhook"];
    let rights = [
        "kubeconfig",
        "client-ca",
        "token-webhook",
        "api-authorization",
    ];
    let alone = Node {
        arguments: "--config=/var/lib/kubelet/config.yaml".to_owned(),
        ..Node::new(
            "authentication: {webhook: {enabled: false}}\nauthorization: {mode: AlwaysAllow}\nstaticPodPath: /m",
        )
    };
    let quiet = Node {
        config: format!("{}\neventRecordQPS: 0", alone.config),
        ..alone.clone()
    };
    let protecting = |more: &str| node("Webhook", &format!("protectKernelDefaults: {more}"));
    let other_ca =
        Node::new("authentication: {x509: {clientCAFile: /other.crt}}\nstaticPodPath: /m");
    for (before, after, settings, expected) in [
        (
            node("AlwaysAllow", ""),
            node("Webhook", ""),
            &["authorization.mode"][..],
            &rights[..],
        ),
        (
            node("Webhook", ""),
            node("Webhook", "eventRecordQPS: 0"),
            &["eventRecordQPS"],
            &["kubeconfig"],
        ),
        (
            anonymous(true, ""),
            anonymous(false, ""),
            &["authentication.anonymous.enabled"],
            &narrowing,
        ),
        (
            anonymous(false, ""),
            anonymous(true, ""),
            &["authentication.anonymous.enabled"],
            &["kubeconfig"],
        ),
        (
            anonymous(false, ""),
            other_ca,
            &["authentication.x509.clientCAFile"],
            &narrowing,
        ),
        (alone, quiet, &["eventRecordQPS"], &[]),
        (
            protecting("false"),
            protecting("true"),
            &["protectKernelDefaults"],
            &["kubeconfig", "kernel-defaults"],
        ),
        (
            protecting("true"),
            protecting("false"),
            &["protectKernelDefaults"],
            &["kubeconfig", "kernel-defaults"],
        ),
        (
            protecting("true"),
            node("Webhook", "protectKernelDefaults: true\neventRecordQPS: 0"),
            &["eventRecordQPS"],
            &["kubeconfig", "kernel-defaults"],
        ),
    ] {
        let (planned, facts) = fixture::planned(&before, &after, settings);
        let checks = checks(&planned, &facts, &well(), &[]);
        let always = [
            "would-start",
            "unit",
            "disk-space",
            "writable",
            "control-plane",
            "lock",
        ];
        let concerned = ids(&checks).into_iter().filter(|id| !always.contains(id));
        assert_eq!(
            concerned.collect::<Vec<_>>(),
            expected,
            "{settings:?} {}",
            after.config
        );
        let order: Vec<_> = IDS
            .into_iter()
            .filter(|id| ids(&checks).contains(id))
            .collect();
        assert_eq!(ids(&checks), order);
    }
    let (mut planned, facts) = to_webhook();
    planned.plan.edits.clear();
    planned.plan.restarts.clear();
    assert_eq!(checks(&planned, &facts, &well(), &[]), []);
}

#[test]
fn a_restart_alone_that_brings_the_mode_is_no_less_checked() {
    // The files say Webhook already; the process began with others.
    let (mut planned, mut facts) =
        fixture::planned(&node("Webhook", ""), &node("Webhook", ""), &[]);
    planned.plan.edits.clear();
    let mut seen = well();
    seen.edits.clear();
    let settled = checks(&planned, &facts, &seen, &[]);
    assert!(!ids(&settled).contains(&"api-authorization"), "{settled:?}");
    for file in &mut facts.processes[0].files {
        file.changed = Some("2026-11-21T00:00:00Z".parse().unwrap());
    }
    let stale = checks(&planned, &facts, &seen, &[]);
    assert!(ids(&stale).contains(&"api-authorization"), "{stale:?}");
    facts.processes.retain(|process| process.pid != OLD);
    let stopped = checks(&planned, &facts, &seen, &[]);
    assert!(ids(&stopped).contains(&"api-authorization"), "{stopped:?}");
}

#[test]
fn whether_it_would_start_is_told_by_what_decides_it() {
    let alone = "--config=/var/lib/kubelet/config.yaml";
    let with = |node: Node, arguments: &str| Node {
        arguments: arguments.to_owned(),
        ..node
    };
    let missing = |path| Node {
        missing: vec![path],
        ..node("Webhook", "")
    };
    let denied = |path| Node {
        denied: vec![path],
        ..node("Webhook", "")
    };
    let folder = "--config-dir=/etc/kubernetes/kubelet.conf.d";
    for (after, readiness, part) in [
        (
            node("Webhook", ""),
            Readiness::Pass,
            "a kubelet of 1.34 would start",
        ),
        (
            with(node("Webhook", ""), alone),
            Readiness::Fail,
            "no client provided, cannot use webhook authentication (/var/lib/kubelet/config.yaml:3)",
        ),
        (
            node("Webhok", ""),
            Readiness::Fail,
            "unknown authorization mode Webhok (/var/lib/kubelet/config.yaml:4)",
        ),
        (
            missing(CA),
            Readiness::Fail,
            "unable to load client CA file",
        ),
        (
            missing("/etc/kubernetes/kubelet.conf"),
            Readiness::Fail,
            "invalid kubeconfig",
        ),
        (
            with(
                node("Webhook", ""),
                &format!("{ARGUMENTS} --nonsense=\u{202e}"),
            ),
            Readiness::Fail,
            "would not start: failed to parse kubelet flag: unknown flag: --nonsense; mend that first",
        ),
        (
            denied(fixture::CONFIG),
            Readiness::Unknown,
            "permission denied",
        ),
        (
            denied(CA),
            Readiness::Unknown,
            "/etc/kubernetes/pki/ca.crt: permission denied",
        ),
        (
            with(
                denied("/etc/kubernetes/kubelet.conf.d"),
                &format!("{ARGUMENTS} {folder}"),
            ),
            Readiness::Unknown,
            "permission denied",
        ),
    ] {
        let (planned, facts) =
            fixture::planned(&node("AlwaysAllow", ""), &after, &["authorization.mode"]);
        let checks = checks(&planned, &facts, &well(), &[]);
        let found = checks
            .iter()
            .find(|check| check.id == "would-start")
            .unwrap();
        assert_eq!(found.readiness, readiness, "{found:?}");
        assert!(found.reason.contains(part), "{}", found.reason);
        assert!(!found.reason.contains('\u{202e}'));
    }
    let (mut planned, facts) = to_webhook();
    planned.kubelets[0].after.resolutions.clear();
    let checks = checks(&planned, &facts, &well(), &[]);
    assert_eq!(checks[0].readiness, Readiness::Unknown);
    assert!(checks[0].reason.contains("--kubernetes-version"));
}

#[test]
fn every_setting_that_decides_a_start_is_one() {
    let (planned, _) = to_webhook();
    let resolution = &planned.kubelets[0].after.resolutions[0];
    for path in super::start::DECIDING {
        assert!(resolution.setting(path).is_some(), "{path}");
    }
}

#[test]
fn what_will_be_set_decides_where_nothing_else_does() {
    let with = |arguments: &str, config: &str| Node {
        arguments: arguments.to_owned(),
        ..Node::new(config)
    };
    let bare = "--config=/var/lib/kubelet/config.yaml";
    let bootstrapping = format!("{ARGUMENTS} --bootstrap-kubeconfig=/b");
    for (after, id, readiness, part) in [
        (
            with(bare, "authorization: {mode: Webhook}"),
            "kubeconfig",
            Readiness::Fail,
            "has no --kubeconfig",
        ),
        (
            with(ARGUMENTS, "authorization: {mode: Webhook}"),
            "client-ca",
            Readiness::Fail,
            "clientCAFile is not set",
        ),
        (
            with(
                ARGUMENTS,
                "authentication: {webhook: {enabled: false}}\nauthorization: {mode: Webhook}",
            ),
            "token-webhook",
            Readiness::Unknown,
            "--accept token-webhook",
        ),
        (
            with(&bootstrapping, "authorization: {mode: Webhook}"),
            "kubeconfig",
            Readiness::Unknown,
            "--bootstrap-kubeconfig first",
        ),
    ] {
        let mut seen = well();
        seen.kubelets[0].kubeconfig = Some(KubeconfigSeen::Unread(Unread::Missing));
        let before = Node::new("authorization: {mode: AlwaysAllow}");
        let (planned, facts) = fixture::planned(&before, &after, &["authorization.mode"]);
        let checks = checks(&planned, &facts, &seen, &[]);
        let found = checks.iter().find(|check| check.id == id).unwrap();
        assert_eq!(found.readiness, readiness, "{found:?}");
        assert!(found.reason.contains(part), "{}", found.reason);
    }
    // Of a file that cannot be read nothing is known, and everything may be.
    let denied = Node {
        denied: vec![fixture::CONFIG],
        ..node("Webhook", "")
    };
    let (planned, facts) =
        fixture::planned(&node("AlwaysAllow", ""), &denied, &["authorization.mode"]);
    let checks = checks(&planned, &facts, &well(), &[]);
    assert_eq!(
        not_passed(&checks),
        "would-start unknown, client-ca unknown, token-webhook unknown, kernel-defaults unknown"
    );
}

#[test]
fn the_kernel_has_to_be_as_it_is_wanted_to_the_letter() {
    let protecting = node("Webhook", "protectKernelDefaults: true");
    let (planned, facts) = fixture::planned(
        &node("Webhook", ""),
        &protecting,
        &["protectKernelDefaults"],
    );
    let mut kernel = well().kubelets.remove(0).kernel;
    let mut told = |seen: Option<(usize, Result<&str, Unread>)>| {
        let mut all = kernel.clone();
        match seen {
            Some((index, text)) => all[index].1 = text.map(str::to_owned),
            None => kernel.clear(),
        }
        let mut seen = well();
        seen.kubelets[0].kernel = all;
        if kernel.is_empty() {
            seen.kubelets[0].kernel.clear();
        }
        let checks = checks(&planned, &facts, &seen, &[]);
        let check = checks
            .iter()
            .find(|check| check.id == "kernel-defaults")
            .unwrap();
        (check.readiness, check.reason.clone())
    };
    for (index, text, readiness, part) in [
        (0, Ok("1\n"), Readiness::Pass, "are as a kubelet"),
        (
            0,
            Ok("0\n"),
            Readiness::Fail,
            "vm.overcommit_memory is 0 and not 1",
        ),
        (
            1,
            Ok("1"),
            Readiness::Fail,
            "vm.panic_on_oom is 1 and not 0",
        ),
        (2, Ok("0"), Readiness::Fail, "kernel.panic is 0 and not 10"),
        (
            3,
            Ok("\u{1b}"),
            Readiness::Fail,
            r"kernel.panic_on_oops is \x1b and not 1",
        ),
        (4, Ok("200"), Readiness::Fail, "set them with sysctl"),
        (
            5,
            Ok("20000"),
            Readiness::Fail,
            "kernel.keys.root_maxbytes is 20000",
        ),
        (5, Err(Unread::Missing), Readiness::Unknown, "is not there"),
        (
            5,
            Err(Unread::Because("may not be read".to_owned())),
            Readiness::Unknown,
            "may not be read",
        ),
    ] {
        let (found, reason) = told(Some((index, text)));
        assert_eq!(found, readiness, "{reason}");
        assert!(reason.contains(part), "{reason}");
    }
    assert_eq!(told(None).0, Readiness::Unknown);
}

#[test]
fn what_is_unknown_can_be_accepted_and_what_fails_cannot() {
    let (planned, facts) = to_webhook();
    let mut seen = well();
    seen.kubelets[0].others = Some(Ok(0));
    seen.lock = Lock::Held("somebody".to_owned());
    let accepted = ["control-plane", "lock", "unit"].map(str::to_owned);
    let checks = checks(&planned, &facts, &seen, &accepted);
    for check in checks {
        let expected = match check.id.as_str() {
            "control-plane" => (Readiness::Unknown, true, false),
            "lock" => (Readiness::Fail, false, true),
            _ => (Readiness::Pass, false, false),
        };
        assert_eq!(
            (check.readiness, check.accepted, check.blocks()),
            expected,
            "{check:?}"
        );
    }
}

#[test]
fn of_several_kubelets_the_worst_counts_and_is_named() {
    let (mut planned, facts) = to_webhook();
    let mut second = planned.kubelets[0].clone();
    second.subject = "/var/lib/\u{1b}second".to_owned();
    planned.kubelets.push(second);
    let mut seen = well();
    let mut other = seen.kubelets[0].clone();
    other.kubeconfig = Some(KubeconfigSeen::There);
    seen.kubelets.push(other);
    let checks = checks(&planned, &facts, &seen, &[]);
    assert_eq!(not_passed(&checks), "kubeconfig unknown");
    let reason = reason(&checks, "kubeconfig");
    assert!(
        reason.starts_with(r"kubelet /var/lib/\x1bsecond: "),
        "{reason}"
    );
}

#[test]
fn a_file_that_is_made_has_to_be_new_and_needs_no_exchange() {
    let (mut planned, facts) = to_webhook();
    planned.plan.edits[0].kind = EditKind::Create;
    for (size, expected) in [(Some(1), "writable fail"), (None, "")] {
        let mut seen = well();
        let found = seen.edits[0].found.as_mut().unwrap();
        found.size = size;
        found.file_system = FileSystem::Other(1);
        let checks = checks(&planned, &facts, &seen, &[]);
        assert_eq!(not_passed(&checks), expected);
    }
}
