//! What is asked about one node that changes, of a stand-in API server that authorizes by the rules it is given and
//! nothing else.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests write files, read clocks and look into what came back"
)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kubeassay_cluster::Timeouts;
use kubeassay_cluster::credentials::{Connection, Environment, Given, find};
use kubeassay_cluster::kubelet::Access;
use kubeassay_cluster::one_node::{
    Reach, healthz, is_ready, may_use_nodes_proxy, other_control_planes, reach,
};
use kubeassay_testkit::api_server::{ApiServer, Planned, Rule, Running, nodes};
use kubeassay_testkit::certificates::{Authority, self_signed};
use kubeassay_testkit::kubelet::Kubelet;
use tempfile::TempDir;

/// What is in every secret of these tests.
const CANARY: &str = "c4n4ry-token";
const USER: &str = "admin";
/// Who the API server is to its kubelets.
const CLIENT: &str = "kube-apiserver-kubelet-client";

fn rule(verb: &str, group: &str, resource: &str) -> Rule {
    Rule {
        verbs: vec![verb.to_owned()],
        groups: vec![group.to_owned()],
        resources: vec![resource.to_owned()],
        ..Rule::default()
    }
}

fn access() -> Access {
    let mut access = Access::new(
        "kubeassay/test",
        Arc::new(Timestamp::now),
        Arc::new(|text| text),
    );
    access.timeouts = Timeouts {
        connect: Duration::from_secs(2),
        request: Duration::from_secs(2),
    };
    access
}

/// A cluster, and what it takes to connect to it.
struct Lab {
    authority: Arc<Authority>,
    folder: TempDir,
}

impl Lab {
    /// A cluster of these nodes in which [`USER`] may do what the questions need, and nothing else.
    fn new(nodes: Vec<(String, String)>) -> (Self, ApiServer) {
        let authority = Arc::new(Authority::new("kubernetes"));
        let certified = authority.server(&["127.0.0.1", "localhost"]);
        let mut server = ApiServer::new(certified, Arc::clone(&authority), nodes);
        server.tokens.insert(CANARY.to_owned(), USER.to_owned());
        let rules = vec![
            rule("list", "", "nodes"),
            rule("create", "authorization.k8s.io", "subjectaccessreviews"),
        ];
        server.rules.insert(USER.to_owned(), rules);
        let folder = TempDir::new().unwrap();
        (Self { authority, folder }, server)
    }

    fn connection(&self, running: &Running) -> Connection {
        let folder = self.folder.path();
        std::fs::write(folder.join("ca.crt"), self.authority.pem()).unwrap();
        let config = folder.join("config");
        let text = kubeconfig(
            running.address,
            "certificate-authority: ca.crt",
            "token: c4n4ry-token",
        );
        std::fs::write(&config, text).unwrap();
        let given = Given {
            kubeconfig: Some(config),
            ..Given::default()
        };
        find(&given, &Environment::default(), Timestamp::now())
            .unwrap()
            .unwrap()
    }
}

fn kubeconfig(address: SocketAddr, cluster: &str, user: &str) -> String {
    format!(
        "current-context: lab\n\
         contexts: [{{name: lab, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: 'https://localhost:{}', {cluster}}}}}]\n\
         users: [{{name: u, user: {{{user}}}}}]\n",
        address.port()
    )
}

/// Returns node `index` with these texts replaced.
fn node(index: usize, replaced: &[(&str, &str)]) -> (String, String) {
    let (name, mut document) = nodes(index + 1).pop().unwrap();
    for (from, to) in replaced {
        assert!(document.contains(from), "{from}");
        document = document.replace(from, to);
    }
    (name, document)
}

const READY: (&str, &str) = (
    r#""type":"Ready","status":"False""#,
    r#""type":"Ready","status":"True""#,
);
const CONTROL_PLANE: (&str, &str) = (
    r#""labels":{"#,
    r#""labels":{"node-role.kubernetes.io/control-plane":"","#,
);

#[test]
fn what_somebody_else_may_do_is_asked_with_user_and_groups() {
    let proxy = |verb: &str| vec![rule(verb, "", "nodes/proxy")];
    let both = || [proxy("get"), proxy("create")].concat();
    let of = |name: &str, rules: Vec<Rule>| BTreeMap::from([(name.to_owned(), rules)]);
    for (granted, get, create) in [
        (of("somebody else", both()), false, false),
        (of(CLIENT, both()), true, true),
        (of("kubeadm:cluster-admins", both()), true, true),
        (of("system:authenticated", both()), true, true),
        (of(CLIENT, proxy("get")), true, false),
        (of(CLIENT, vec![rule("get", "", "nodes")]), false, false),
    ] {
        let (lab, mut server) = Lab::new(nodes(1));
        server.rules.extend(granted.clone());
        let running = server.start();
        let groups = [
            "system:nodes\",\"x".to_owned(),
            "kubeadm:cluster-admins".to_owned(),
        ];
        for (verb, expected) in [("get", get), ("create", create)] {
            let connection = lab.connection(&running);
            let found = may_use_nodes_proxy(connection, &access(), CLIENT, &groups, verb);
            assert_eq!(found, Ok(expected), "{verb} {granted:?}");
        }
    }
}

#[test]
fn a_node_is_ready_if_it_said_so_since() {
    const HEARTBEAT: &str = "2026-11-23T07:53:48Z";
    let before: Timestamp = "2026-11-23T07:53:48.9Z".parse().unwrap();
    let after: Timestamp = "2026-11-23T07:53:49Z".parse().unwrap();
    let unnamed = (r#""type":"Ready""#, r#""type":"Steady""#);
    for (replaced, since, expected) in [
        (&[][..], before, Ok(false)),
        (&[READY][..], before, Ok(true)),
        (&[READY][..], after, Ok(false)),
        (&[READY, (HEARTBEAT, "yesterday")][..], before, Ok(false)),
        (
            &[(
                r#""type":"Ready","status":"False""#,
                r#""type":"Ready","status":"Unknown""#,
            )][..],
            before,
            Ok(false),
        ),
        (&[unnamed][..], before, Err("does not say")),
    ] {
        let (lab, server) = Lab::new(vec![node(0, &[READY]), node(1, replaced)]);
        let running = server.start();
        let found = is_ready(lab.connection(&running), &access(), "node-1", since);
        match expected {
            Ok(expected) => assert_eq!(found, Ok(expected), "{replaced:?}"),
            Err(part) => assert!(found.unwrap_err().contains(part), "{replaced:?}"),
        }
    }
    let (lab, server) = Lab::new(nodes(1));
    let running = server.start();
    let found = is_ready(lab.connection(&running), &access(), "node-\u{1b}", before);
    assert_eq!(found.unwrap_err(), r"the API knows no node `node-\x1b`");
}

#[test]
fn the_others_of_the_control_plane_are_counted_if_this_one_is_among_them() {
    let own = || node(0, &[CONTROL_PLANE, READY]);
    let another = |index| node(index, &[CONTROL_PLANE, READY]);
    let down = |index| node(index, &[CONTROL_PLANE]);
    let worker = |index| node(index, &[READY]);
    for (nodes, expected) in [
        (vec![own()], Ok(0)),
        (vec![own(), worker(1)], Ok(0)),
        (
            vec![own(), another(1), down(2), worker(3), another(4)],
            Ok(2),
        ),
        (vec![worker(0), another(1)], Err("knows no node `node-0`")),
        (vec![], Err("knows no node `node-0`")),
    ] {
        let (lab, server) = Lab::new(nodes.clone());
        let running = server.start();
        let found = other_control_planes(lab.connection(&running), &access(), "node-0");
        match expected {
            Ok(expected) => assert_eq!(found, Ok(expected), "{nodes:?}"),
            Err(part) => assert!(found.unwrap_err().contains(part), "{nodes:?}"),
        }
    }
}

#[test]
fn a_list_in_pages_is_read_to_its_end_and_no_further() {
    let many: Vec<_> = (0..501)
        .map(|index| node(index, &[CONTROL_PLANE, READY]))
        .collect();
    let (lab, server) = Lab::new(many);
    let running = server.start();
    let found = other_control_planes(lab.connection(&running), &access(), "node-0");
    assert_eq!((found, running.requests().len()), (Ok(500), 2));
    let (lab, mut server) = Lab::new(nodes(1));
    let body = r#"{"kind":"NodeList","metadata":{"continue":"1"},"items":[]}"#.to_owned();
    server.planned.push(Planned {
        times: usize::MAX,
        body,
        ..Planned::once("/api/v1/nodes?", 200)
    });
    let running = server.start();
    let found = other_control_planes(lab.connection(&running), &access(), "node-0");
    assert!(found.unwrap_err().contains("does not end"));
    assert_eq!(running.requests().len(), 20);
}

#[test]
fn without_the_right_to_ask_nothing_is_told_and_the_right_is_named() {
    let (lab, mut server) = Lab::new(vec![node(0, &[CONTROL_PLANE, READY])]);
    server.rules.clear();
    let running = server.start();
    let connection = || lab.connection(&running);
    let access = access();
    let asked = [
        (
            may_use_nodes_proxy(connection(), &access, CLIENT, &[], "get").unwrap_err(),
            "create subjectaccessreviews",
        ),
        (
            is_ready(connection(), &access, "node-0", Timestamp::UNIX_EPOCH).unwrap_err(),
            "list nodes",
        ),
        (
            other_control_planes(connection(), &access, "node-0").unwrap_err(),
            "list nodes",
        ),
    ];
    for (error, right) in asked {
        assert!(error.contains("(403)") && error.contains(right), "{error}");
        assert!(!error.contains(CANARY), "{error}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn the_kubelets_own_server_is_asked_as_nobody() {
    let authority = Arc::new(Authority::new("kubernetes"));
    let other = Authority::new("another");
    let files = BTreeMap::from([
        (PathBuf::from("/etc/kubernetes/pki/ca.crt"), authority.pem()),
        (PathBuf::from("/etc/kubernetes/other.crt"), other.pem()),
        (PathBuf::from("/etc/kubernetes/empty.crt"), String::new()),
    ]);
    // Neither is there, and both are secrets.
    let user =
        "client-certificate: /pki/current.pem, client-key: /pki/current.pem, token: c4n4ry-token";
    let refused_user = "username: a, password: c4n4ry-token";
    for (cluster, user, times, status, expected) in [
        ("certificate-authority: pki/ca.crt", user, 0, 0, Ok(403)),
        (
            "certificate-authority: pki/ca.crt",
            refused_user,
            0,
            0,
            Ok(403),
        ),
        (
            "certificate-authority: pki/ca.crt",
            user,
            usize::MAX,
            401,
            Ok(401),
        ),
        ("certificate-authority: pki/ca.crt", user, 1, 500, Ok(403)),
        (
            "certificate-authority: pki/ca.crt",
            user,
            usize::MAX,
            500,
            Ok(500),
        ),
        ("certificate-authority: pki/ca.crt", user, 1, 0, Ok(403)),
        (
            "certificate-authority: pki/ca.crt",
            user,
            usize::MAX,
            0,
            Err("closed before"),
        ),
        (
            "certificate-authority: other.crt",
            user,
            0,
            0,
            Err("is not trusted"),
        ),
        (
            "certificate-authority: empty.crt",
            user,
            0,
            0,
            Err("not asked: /etc/kubernetes/empty.crt: there is no certificate"),
        ),
        (
            "certificate-authority: gone.crt",
            user,
            0,
            0,
            Err("not asked: /etc/kubernetes/gone.crt: not there"),
        ),
        (
            "tls-server-name: x",
            user,
            0,
            0,
            Err("not asked: /etc/kubernetes/kubelet.conf:3"),
        ),
        (
            "insecure-skip-tls-verify: true",
            user,
            0,
            0,
            Err("not asked: /etc/kubernetes/kubelet.conf:3"),
        ),
    ] {
        let certified = authority.server(&["localhost"]);
        let mut server = ApiServer::new(certified, Arc::clone(&authority), nodes(1));
        server.tokens.insert(CANARY.to_owned(), USER.to_owned());
        if times > 0 {
            server.planned.push(Planned {
                times,
                ..Planned::once("/version", status)
            });
        }
        let running = server.start();
        let text = kubeconfig(running.address, cluster, user);
        let asked_for = RefCell::new(Vec::new());
        let read = |path: &Path| {
            asked_for.borrow_mut().push(path.to_owned());
            let file = files.get(path).ok_or("not there")?;
            Ok(file.clone().into_bytes())
        };
        let path = Path::new("/etc/kubernetes/kubelet.conf");
        let found = reach(text.as_bytes(), path, &read, &access());
        let found = match found {
            Reach::Answered { status, .. } => Ok(status),
            Reach::Silent { why, .. } => Err(why),
            Reach::NotAsked(why) => Err(format!("not asked: {why}")),
        };
        match (&found, expected) {
            (Err(why), Err(part)) => assert!(why.contains(part), "{cluster}: {why}"),
            (found, expected) => {
                assert_eq!(found.clone(), expected.map_err(str::to_owned), "{cluster}");
            }
        }
        let requests = running.requests();
        assert!(
            requests
                .iter()
                .all(|request| matches!(request.user.as_str(), "" | "system:anonymous")),
            "{requests:?}"
        );
        let keys = asked_for.into_inner();
        assert!(
            keys.iter()
                .all(|path| path.ends_with(Path::new("pki/ca.crt"))
                    || path.starts_with("/etc/kubernetes")),
            "{keys:?}"
        );
        assert!(!format!("{found:?}").contains(CANARY), "{found:?}");
    }
}

#[test]
fn a_server_that_is_not_there_is_told_from_one_that_was_not_asked() {
    let authority = Authority::new("kubernetes");
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let text = kubeconfig(free, "certificate-authority: ca.crt", "token: c4n4ry-token");
    let read = |_: &Path| Ok(authority.pem().into_bytes());
    let found = reach(text.as_bytes(), Path::new("/k"), &read, &access());
    assert!(
        matches!(&found, Reach::Silent { why, .. } if why.contains("nothing listens")),
        "{found:?}"
    );
    for text in ["", "kind: Pod", "\u{1b}: [", "current-context: gone"] {
        let found = reach(text.as_bytes(), Path::new("/k"), &read, &access());
        assert!(
            matches!(&found, Reach::NotAsked(why) if !why.contains('\u{1b}')),
            "{found:?}"
        );
    }
}

#[test]
fn healthz_is_asked_without_tls_and_its_status_told() {
    let kubelet = Kubelet::open(self_signed(&["node-1"])).start();
    let address = SocketAddr::from(([127, 0, 0, 1], kubelet.read_only_port));
    let status = healthz(address, &access()).unwrap();
    assert!((200..500).contains(&status), "{status}");
    assert_eq!(kubelet.seen().requests.len(), 1);
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    assert!(
        healthz(free, &access())
            .unwrap_err()
            .contains("nothing listens")
    );
    // Takes the connection and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut access = access();
    access.timeouts.request = Duration::from_millis(50);
    let error = healthz(silent.local_addr().unwrap(), &access).unwrap_err();
    assert!(error.contains("no whole answer"), "{error}");
}
