//! Whole clusters, scanned through a stand-in API server that authorizes by the printed RBAC and nothing else.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests write files, read clocks, look into what came back and say what they measured"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use kubeassay_cluster::credentials::{Connection, Environment, Given, find};
use kubeassay_cluster::fleet::{FleetError, IN_FLIGHT, Options, PER_SECOND, Scan, Stop, scan};
use kubeassay_cluster::kubelet::{Access, Questions};
use kubeassay_cluster::rbac::{KUBE_SYSTEM, Object, Plan, Scope, permissions};
use kubeassay_core::Cause;
use kubeassay_core::facts::{Facts, Identity, Problem, Request, Tool, Trust, Via};
use kubeassay_testkit::api_server::{ApiServer, Planned, Rule, Running, nodes};
use kubeassay_testkit::certificates::{Authority, Certified};
use kubeassay_testkit::kubelet::Kubelet;
use tempfile::TempDir;

/// What is in every secret of these tests.
const CANARY: &str = "c4n4ry-token";
/// The user of the token and of the certificate.
const USER: &str = "system:serviceaccount:kubeassay:kubeassay";

/// Returns the rules that `kubeassay manifest rbac` prints for a plan.
fn printed(plan: Plan) -> Vec<Rule> {
    let rules = permissions(plan).into_iter().map(|permission| {
        let mut rule = Rule {
            namespace: (permission.scope == Scope::KubeSystem).then(|| KUBE_SYSTEM.to_owned()),
            verbs: vec![permission.verb.to_owned()],
            ..Rule::default()
        };
        match permission.object {
            Object::Resource {
                group,
                resource,
                names,
            } => {
                rule.groups = vec![group.to_owned()];
                rule.resources = vec![resource.to_owned()];
                rule.names = names;
            }
            Object::Path(path) => rule.paths = vec![path.to_owned()],
        }
        rule
    });
    rules.collect()
}

/// A cluster and what it takes to connect to it.
struct Lab {
    authority: Arc<Authority>,
    client: Certified,
    folder: TempDir,
}

impl Lab {
    /// A cluster of these nodes in which [`USER`] may do what is printed for `plan`.
    fn new(nodes: Vec<(String, String)>, plan: Plan) -> (Self, ApiServer) {
        let authority = Arc::new(Authority::new("kubernetes"));
        let client = authority.client(USER);
        let certified = authority.server(&["127.0.0.1", "localhost"]);
        let mut server = ApiServer::new(certified, Arc::clone(&authority), nodes);
        server.tokens.insert(CANARY.to_owned(), USER.to_owned());
        server
            .certificates
            .insert(client.der.clone(), USER.to_owned());
        server.rules.insert(USER.to_owned(), printed(plan));
        let lab = Self {
            authority,
            client,
            folder: TempDir::new().unwrap(),
        };
        (lab, server)
    }

    /// Writes the client certificate and returns the user that has it.
    fn certificate(&self) -> String {
        self.write("me.crt", &self.client.pem);
        self.write("me.key", &self.client.key_pem);
        "client-certificate: me.crt, client-key: me.key".to_owned()
    }

    fn write(&self, name: &str, text: &str) -> std::path::PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Writes a kubeconfig with this user and reads it.
    fn connection(&self, address: std::net::SocketAddr, user: &str) -> Connection {
        self.write("ca.crt", &self.authority.pem());
        let config = format!(
            "current-context: lab\n\
             contexts: [{{name: lab, context: {{cluster: c, user: u}}}}]\n\
             clusters: [{{name: c, cluster: {{server: 'https://localhost:{}', certificate-authority: ca.crt}}}}]\n\
             users: [{{name: u, user: {{{user}}}}}]\n",
            address.port()
        );
        let given = Given {
            kubeconfig: Some(self.write("config", &config)),
            ..Given::default()
        };
        find(&given, &Environment::default(), Timestamp::now())
            .unwrap()
            .unwrap()
    }
}

const TOKEN: &str = "token: c4n4ry-token";

fn options(via_proxy: bool) -> Options {
    let access = Access::new(
        "kubeassay/test",
        Arc::new(Timestamp::now),
        Arc::new(|text| text),
    );
    Options {
        tool: Tool {
            name: "kubeassay".to_owned(),
            version: "0".to_owned(),
            commit: None,
        },
        selector: None,
        questions: Questions {
            configz: true,
            probe: false,
        },
        via_proxy,
        access,
        in_flight: IN_FLIGHT,
        per_second: PER_SECOND,
        objects: false,
    }
}

const PROXY: Plan = Plan {
    minor: 36,
    via_proxy: true,
    mending: false,
    objects: false,
};

/// Scans and sorts what came back.
fn collect(scan: Scan) -> (Vec<Facts>, Vec<Problem>) {
    let mut facts = Vec::new();
    let mut problems = Vec::new();
    for item in scan.nodes {
        match item {
            Ok(one) => facts.push(one),
            Err(problem) => problems.push(problem),
        }
    }
    (facts, problems)
}

/// What came of a scan.
struct Scanned {
    expected: Option<usize>,
    cluster: kubeassay_core::facts::ClusterFacts,
    facts: Vec<Facts>,
    problems: Vec<Problem>,
}

fn run(lab: &Lab, running: &Running, user: &str, options: Options) -> Scanned {
    let connection = lab.connection(running.address, user);
    let scan = scan(connection, options, Stop::default(), |_| {}).unwrap();
    let (expected, cluster) = (scan.expected, scan.cluster.clone());
    let (facts, problems) = collect(scan);
    Scanned {
        expected,
        cluster,
        facts,
        problems,
    }
}

fn names(facts: &[Facts]) -> BTreeSet<String> {
    let names = facts
        .iter()
        .map(|facts| facts.node.object.as_ref().unwrap().name.clone());
    names.collect()
}

/// The strongest proof that the printed RBAC is enough, and that nothing else is asked for.
#[test]
fn every_node_ends_in_the_report_and_nothing_is_asked_that_is_not_granted() {
    let (lab, mut server) = Lab::new(nodes(1203), PROXY);
    server.kubelet_config = Some((
        "kubelet-config".to_owned(),
        "kind: KubeletConfiguration\n".to_owned(),
    ));
    let running = server.start();
    let scanned = run(&lab, &running, TOKEN, options(true));
    assert_eq!((scanned.facts.len(), scanned.expected), (1203, Some(1203)));
    assert_eq!(names(&scanned.facts).len(), 1203);
    assert_eq!(scanned.problems, []);
    let cluster = scanned.cluster;
    assert_eq!(cluster.uid.as_deref(), Some("uid-of-kube-system"));
    assert_eq!(cluster.version.as_deref(), Some("v1.36.2"));
    assert_eq!(cluster.problems, []);
    let [object] = cluster.objects.as_slice() else {
        panic!("{:?}", cluster.objects);
    };
    assert_eq!(
        (object.name.as_str(), object.key.as_str()),
        ("kubelet-config", "kubelet")
    );
    assert_eq!(
        object.content.as_ref().unwrap().as_slice(),
        b"kind: KubeletConfiguration\n"
    );
    for facts in &scanned.facts {
        assert!(facts.complete && facts.node.id.is_some(), "{facts:?}");
        let [endpoint] = facts.endpoints.as_slice() else {
            panic!("{facts:?}");
        };
        assert_eq!(
            (endpoint.via, endpoint.trusted),
            (Via::ApiServer, Some(Trust::Authority))
        );
        let response = &endpoint.responses[0];
        assert_eq!(
            (response.status, response.identity),
            (Some(200), Identity::Token)
        );
        assert!(
            response
                .content
                .as_ref()
                .unwrap()
                .as_slice()
                .starts_with(b"{\"kubeletconfig\"")
        );
        assert!(!format!("{facts:?}").contains(CANARY));
    }
    let requests = running.requests();
    let refused: Vec<_> = requests.iter().filter(|request| !request.allowed).collect();
    assert_eq!(refused, [] as [&_; 0]);
    assert!(
        requests
            .iter()
            .all(|request| request.method == "GET" && !request.path.contains("secrets"))
    );
    assert!(
        running.connections() <= IN_FLIGHT + 1,
        "{}",
        running.connections()
    );
}

#[test]
fn what_is_not_granted_is_a_problem_with_a_mend() {
    // Without nodes there is nothing to hand back at all.
    let (lab, mut server) = Lab::new(nodes(3), PROXY);
    server.rules.clear();
    let running = server.start();
    let connection = lab.connection(running.address, TOKEN);
    let error = scan(connection, options(true), Stop::default(), |_| {}).unwrap_err();
    let FleetError::NoAnswer(trouble) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(trouble.cause, Cause::NotPermitted);
    assert!(
        trouble.reason.contains("list nodes (403)") && trouble.reason.contains("manifest rbac"),
        "{trouble:?}"
    );
    // A token that is not known at all.
    let connection = lab.connection(running.address, "token: another-c4n4ry");
    let error = scan(connection, options(true), Stop::default(), |_| {})
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("(401)") && !error.contains("c4n4ry"),
        "{error}"
    );
    // With nodes, and without the rest.
    let (lab, mut server) = Lab::new(nodes(3), PROXY);
    server
        .rules
        .get_mut(USER)
        .unwrap()
        .retain(|rule| rule.resources == ["nodes"]);
    let running = server.start();
    let scanned = run(&lab, &running, TOKEN, options(true));
    assert_eq!(scanned.cluster.problems.len(), 2, "{:?}", scanned.cluster);
    assert_eq!(
        scanned.cluster.objects[0].problem.as_ref().unwrap().cause,
        Cause::NotPermitted
    );
    for facts in &scanned.facts {
        let response = &facts.endpoints[0].responses[0];
        assert_eq!(response.status, Some(403));
        let problem = response.problem.as_ref().unwrap();
        assert_eq!(problem.cause, Cause::NotPermitted);
        assert!(problem.reason.contains("get nodes/proxy"), "{problem:?}");
    }
}

#[test]
fn a_busy_or_failing_server_is_asked_again_and_not_for_ever() {
    for (planned, listed) in [
        (
            Planned {
                head: "Retry-After: 1\r\n",
                ..Planned::once("/api/v1/nodes?", 429)
            },
            true,
        ),
        (
            Planned {
                times: 2,
                ..Planned::once("/api/v1/nodes?", 503)
            },
            true,
        ),
        (
            Planned {
                times: 2,
                ..Planned::once("/api/v1/nodes?", 0)
            },
            true,
        ),
        (
            Planned {
                times: 100,
                ..Planned::once("/api/v1/nodes?", 500)
            },
            false,
        ),
        (
            Planned {
                times: 100,
                ..Planned::once("/api/v1/nodes?", 307)
            },
            false,
        ),
        (
            Planned {
                body: "{}".to_owned(),
                ..Planned::once("/api/v1/nodes?", 200)
            },
            false,
        ),
        (
            Planned {
                body: "{\"kind\":\"NodeList\",\"items\":7}".to_owned(),
                ..Planned::once("/api/v1/nodes?", 200)
            },
            false,
        ),
    ] {
        let (lab, mut server) = Lab::new(nodes(3), PROXY);
        let shown = format!("{planned:?}");
        let waits = planned.status == 429;
        server.planned.push(planned);
        let running = server.start();
        let connection = lab.connection(running.address, TOKEN);
        let start = Instant::now();
        let scan = scan(connection, options(true), Stop::default(), |_| {});
        match scan {
            Ok(scan) => {
                let (facts, problems) = collect(scan);
                assert!(listed, "{shown}");
                assert_eq!((facts.len(), problems.len()), (3, 0), "{shown}");
            }
            Err(error) => assert!(!listed, "{shown}: {error}"),
        }
        assert!(
            !waits || start.elapsed() >= Duration::from_secs(1),
            "{shown}"
        );
        let lists = running.requests();
        let lists = lists
            .iter()
            .filter(|request| request.path.starts_with("/api/v1/nodes?"));
        assert!(lists.count() <= 5, "{shown}");
    }
}

#[test]
fn a_list_that_expired_is_begun_again_and_no_node_comes_twice() {
    let (lab, mut server) = Lab::new(nodes(1203), PROXY);
    server.planned.push(Planned {
        after: 1,
        ..Planned::once("/api/v1/nodes?", 410)
    });
    let running = server.start();
    let scanned = run(&lab, &running, TOKEN, options(true));
    assert_eq!(
        (scanned.facts.len(), names(&scanned.facts).len()),
        (1203, 1203)
    );
    assert_eq!(scanned.problems, []);
}

#[test]
fn a_list_that_breaks_off_is_never_silently_short() {
    for status in [403, 410, 500, 0] {
        let (lab, mut server) = Lab::new(nodes(1203), PROXY);
        server.planned.push(Planned {
            after: 1,
            times: 1000,
            ..Planned::once("/api/v1/nodes?", status)
        });
        let running = server.start();
        let scanned = run(&lab, &running, TOKEN, options(true));
        assert_eq!(
            (scanned.facts.len(), scanned.expected),
            (500, Some(1203)),
            "{status}"
        );
        let [problem] = scanned.problems.as_slice() else {
            panic!("{:?}", scanned.problems);
        };
        assert!(
            problem
                .reason
                .starts_with("the list of nodes broke off after 500: "),
            "{problem:?}"
        );
    }
}

#[test]
fn an_interrupted_scan_hands_back_what_it_did_not_ask() {
    let (lab, mut server) = Lab::new(nodes(700), PROXY);
    server.delay = Duration::from_millis(100);
    let running = server.start();
    let connection = lab.connection(running.address, TOKEN);
    let stop = Stop::default();
    let mut scan = scan(connection, options(true), stop.clone(), |_| {}).unwrap();
    let first = scan.nodes.next().unwrap().unwrap();
    assert!(first.complete);
    stop.stop();
    let stopped = Instant::now();
    let (facts, problems) = collect(scan);
    assert!(stopped.elapsed() < Duration::from_secs(3));
    let interrupted: Vec<_> = facts.iter().filter(|facts| !facts.complete).collect();
    assert!(interrupted.len() > 300, "{}", interrupted.len());
    assert!(
        interrupted
            .iter()
            .all(|facts| facts.problems[0].reason.contains("interrupted")
                && facts.endpoints[0].responses[0].problem.is_some())
    );
    assert!(
        facts.len() == 699 || problems[0].reason.contains("there are more"),
        "{problems:?}"
    );
}

/// A node of the list, with some of its text replaced.
fn node(index: usize, replaced: &[(&str, &str)]) -> (String, String) {
    let (name, mut text) = nodes(index + 1).remove(index);
    for (from, to) in replaced {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    (name, text)
}

/// What tells the platform is kept of a node's object, and no more of it.
#[test]
fn what_tells_the_platform_is_kept() {
    let (name, text) = node(
        0,
        &[
            (
                "\"labels\":{",
                "\"labels\":{\"eks.amazonaws.com/nodegroup\":\"workers\",\"team\":\"a\",",
            ),
            (
                "\"annotations\":{",
                "\"annotations\":{\"kubeadm.alpha.kubernetes.io/cri-socket\":\"unix:///run/c.sock\",\"note\":\"x\",",
            ),
            (
                "\"spec\":{",
                "\"spec\":{\"providerID\":\"aws:///eu-central-1a/i-0123456789abcdef0\",",
            ),
        ],
    );
    let image = serde_json::from_str::<serde_json::Value>(&text).unwrap();
    let image = image["status"]["nodeInfo"]["osImage"]
        .as_str()
        .map(str::to_owned);
    let plan = Plan {
        minor: 36,
        objects: true,
        via_proxy: false,
        mending: false,
    };
    let (lab, server) = Lab::new(vec![(name, text)], plan);
    let running = server.start();
    let scanned = run(&lab, &running, TOKEN, options(false));
    let object = scanned.facts[0].node.object.as_ref().unwrap();
    let marks: Vec<(&str, &str)> = object
        .marks
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        marks,
        [
            ("eks.amazonaws.com/nodegroup", "workers"),
            (
                "kubeadm.alpha.kubernetes.io/cri-socket",
                "unix:///run/c.sock"
            )
        ]
    );
    assert_eq!(object.provider.as_deref(), Some("aws"));
    assert!(image.is_some());
    assert_eq!(object.os_image, image);
}

#[test]
fn nodes_of_every_kind_end_in_the_report() {
    let list = vec![
        node(
            0,
            &[(
                "\"operatingSystem\":\"linux\"",
                "\"operatingSystem\":\"windows\"",
            )],
        ),
        node(
            1,
            &[(
                "\"key\":\"node.kubernetes.io/not-ready\"",
                "\"key\":\"virtual-kubelet.io/provider\"",
            )],
        ),
        node(
            2,
            &[("\"labels\":{", "\"labels\":{\"type\":\"virtual-kubelet\",")],
        ),
        node(
            3,
            &[(
                "\"kubeletVersion\":\"v1.36.2\"",
                "\"kubeletVersion\":\"fargate-\\u001b[31m\"",
            )],
        ),
        node(4, &[("\"addresses\":[", "\"addresses\":[],\"unknown\":[")]),
        // Nobody listens on that port of this machine.
        node(
            5,
            &[("10.0.0.5", "127.0.0.1"), ("\"Port\":10250", "\"Port\":1")],
        ),
    ];
    let (lab, server) = Lab::new(
        list,
        Plan {
            minor: 36,
            via_proxy: false,
            mending: false,
            objects: false,
        },
    );
    let running = server.start();
    let scanned = run(&lab, &running, TOKEN, options(false));
    assert_eq!(names(&scanned.facts).len(), 6);
    for facts in &scanned.facts {
        let object = facts.node.object.as_ref().unwrap();
        let unsupported = object.unsupported.as_deref();
        match object.name.as_str() {
            "node-0" => assert!(unsupported.unwrap().contains("Windows")),
            "node-1" | "node-2" => assert!(unsupported.unwrap().contains("virtual kubelet")),
            "node-3" => assert!(unsupported.unwrap().contains("fargate-\\x1b[31m")),
            "node-4" => {
                assert_eq!((unsupported, facts.complete), (None, false));
                assert!(facts.problems[0].reason.contains("has no address"));
            }
            _ => {
                assert_eq!((unsupported, facts.complete), (None, true));
                let problem = facts.endpoints[0].responses[0].problem.as_ref().unwrap();
                assert_eq!(problem.cause, Cause::Unreachable, "{problem:?}");
            }
        }
        assert_eq!(unsupported.is_some(), facts.endpoints.is_empty());
    }
    let asked = running.requests();
    assert!(asked.iter().all(|request| request.allowed), "{asked:?}");
}

/// What a token may do is asked before it goes to a node; a certificate needs no such question.
#[test]
fn a_token_that_may_do_more_is_not_sent_to_nodes() {
    let direct = Plan {
        minor: 36,
        via_proxy: false,
        mending: false,
        objects: false,
    };
    let more = |verb: &str, resource: &str, namespace: Option<&str>| Rule {
        namespace: namespace.map(str::to_owned),
        verbs: vec![verb.to_owned()],
        groups: vec![String::new()],
        resources: vec![resource.to_owned()],
        ..Rule::default()
    };
    for (rule, expected) in [
        (
            Some(more("get", "nodes/proxy", None)),
            Some("get nodes/proxy"),
        ),
        (
            Some(more("*", "nodes/proxy", None)),
            Some("get nodes/proxy"),
        ),
        (
            Some(more("create", "nodes/proxy", None)),
            Some("create nodes/proxy"),
        ),
        (Some(more("list", "secrets", None)), Some("list secrets")),
        (
            Some(more("get", "secrets", Some("kube-system"))),
            Some("get secrets"),
        ),
        (
            Some(more("create", "pods/exec", None)),
            Some("create pods/exec"),
        ),
        (Some(more("watch", "secrets", None)), Some("watch secrets")),
        (Some(more("create", "pods", None)), Some("create pods")),
        (
            Some(more("create", "serviceaccounts/token", None)),
            Some("create serviceaccounts/token"),
        ),
        (
            Some(more("impersonate", "users", None)),
            Some("impersonate users"),
        ),
        (None, None),
    ] {
        let (lab, mut server) = Lab::new(
            vec![node(
                0,
                &[("10.0.0.0", "127.0.0.1"), ("\"Port\":10250", "\"Port\":1")],
            )],
            direct,
        );
        server.rules.get_mut(USER).unwrap().extend(rule);
        let running = server.start();
        let scanned = run(&lab, &running, TOKEN, options(false));
        let problem = scanned.facts[0].endpoints[0].responses[0]
            .problem
            .clone()
            .unwrap();
        match expected {
            Some(expected) => {
                assert_eq!(problem.cause, Cause::NotPermitted, "{problem:?}");
                assert!(problem.reason.contains(expected), "{problem:?}");
            }
            None => assert_eq!(problem.cause, Cause::Unreachable, "{problem:?}"),
        }
    }
}

/// The question itself is refused, or not answered as it should be; of a certificate it is not asked.
#[test]
fn a_token_in_doubt_is_not_sent_to_nodes() {
    let direct = Plan {
        minor: 36,
        via_proxy: false,
        mending: false,
        objects: false,
    };
    for planned in [
        Planned::once("/apis/", 403),
        Planned {
            body: "{\"status\":{}}".to_owned(),
            ..Planned::once("/apis/", 201)
        },
    ] {
        let (lab, mut server) = Lab::new(nodes(1), direct);
        server.planned.push(planned);
        let running = server.start();
        let scanned = run(&lab, &running, TOKEN, options(false));
        let problem = scanned.facts[0].endpoints[0].responses[0]
            .problem
            .clone()
            .unwrap();
        assert!(problem.reason.contains("is not known"), "{problem:?}");
    }
    let (lab, server) = Lab::new(
        vec![node(
            0,
            &[("10.0.0.0", "127.0.0.1"), ("\"Port\":10250", "\"Port\":1")],
        )],
        direct,
    );
    let running = server.start();
    let user = lab.certificate();
    let scanned = run(&lab, &running, &user, options(false));
    let response = &scanned.facts[0].endpoints[0].responses[0];
    assert_eq!(response.identity, Identity::Certificate);
    assert!(
        running
            .requests()
            .iter()
            .all(|request| request.method == "GET")
    );
}

#[test]
fn a_token_file_is_read_again_when_the_token_is_no_longer_taken() {
    let (lab, server) = Lab::new(nodes(3), PROXY);
    let running = server.start();
    lab.write("token", "expired");
    let connection = lab.connection(running.address, "tokenFile: token, token: unused");
    lab.write("token", CANARY);
    let scan = scan(connection, options(true), Stop::default(), |_| {}).unwrap();
    assert_eq!(collect(scan).0.len(), 3);
}

#[test]
fn a_certificate_is_never_exchanged_for_the_token_beside_it() {
    let (lab, mut server) = Lab::new(nodes(1), PROXY);
    server
        .tokens
        .insert(CANARY.to_owned(), "another".to_owned());
    server.planned.push(Planned::once("/version", 401));
    let running = server.start();
    lab.write("token", CANARY);
    let user = format!("{}, tokenFile: token", lab.certificate());
    let scanned = run(&lab, &running, &user, options(true));
    assert!(
        scanned.cluster.problems[0].reason.contains("401"),
        "{:?}",
        scanned.cluster.problems
    );
    assert!(running.requests().iter().all(|one| one.user == USER));
}

/// Both tokens are taken, and the second may do more: it is never the second that is sent for the first.
#[test]
fn what_is_said_of_one_token_holds_for_no_other() {
    let direct = Plan {
        minor: 36,
        via_proxy: false,
        mending: false,
        objects: false,
    };
    let reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    for (after, mightier, sent) in [(3, false, true), (3, true, false), (9, true, false)] {
        let (lab, mut server) = Lab::new(Vec::new(), direct);
        server
            .tokens
            .insert("renewed".to_owned(), "renewed".to_owned());
        let mut rules = printed(direct);
        if mightier {
            rules.push(Rule {
                verbs: vec!["get".to_owned()],
                groups: vec![String::new()],
                resources: vec!["nodes/proxy".to_owned()],
                ..Rule::default()
            });
        }
        server.rules.insert("renewed".to_owned(), rules);
        server.planned.push(Planned {
            after,
            ..Planned::once(reviews, 401)
        });
        let mut kubelet = Kubelet::hardened(lab.authority.server(&["127.0.0.1"]));
        kubelet.tokens = Some(BTreeMap::new());
        let kubelet = kubelet.start();
        let port = format!("\"Port\":{}", kubelet.port);
        server.nodes = vec![node(
            0,
            &[("10.0.0.0", "127.0.0.1"), ("\"Port\":10250", &port)],
        )];
        let running = server.start();
        lab.write("token", CANARY);
        let connection = lab.connection(running.address, "tokenFile: token");
        lab.write("token", "renewed");
        let scan = scan(connection, options(false), Stop::default(), |_| {}).unwrap();
        let (facts, _) = collect(scan);
        let tokens: Vec<String> = kubelet
            .seen()
            .requests
            .iter()
            .filter_map(|request| Some(request.header("authorization")?.to_owned()))
            .collect();
        let expected: &[&str] = if sent { &["Bearer renewed"] } else { &[] };
        assert_eq!(tokens, expected, "{facts:#?}");
    }
}

#[test]
fn a_list_that_does_not_end_is_given_up() {
    let (lab, mut server) = Lab::new(nodes(1), PROXY);
    let (_, only) = &server.nodes[0];
    let body = format!(
        "{{\"kind\":\"NodeList\",\"metadata\":{{\"continue\":\"more\"}},\"items\":[{only}]}}"
    );
    server.planned.push(Planned {
        times: usize::MAX,
        body,
        ..Planned::once("/api/v1/nodes?", 200)
    });
    let running = server.start();
    let scanned = run(&lab, &running, TOKEN, options(true));
    assert_eq!(scanned.facts.len(), 1);
    assert!(
        scanned.problems[0].reason.contains("does not end"),
        "{:?}",
        scanned.problems
    );
}

/// Of what a server may send nothing is kept that no cluster has.
#[test]
fn a_page_of_nothing_does_not_fill_the_memory() {
    let (lab, mut server) = Lab::new(nodes(1), PROXY);
    let many = "{},".repeat(1_000_000);
    let body = format!("{{\"kind\":\"NodeList\",\"items\":[{many}{{}}]}}");
    server.planned.push(Planned {
        times: 2,
        body,
        ..Planned::once("/api/v1/nodes?", 200)
    });
    let running = server.start();
    let connection = lab.connection(running.address, TOKEN);
    let error = scan(connection, options(true), Stop::default(), |_| {}).unwrap_err();
    assert!(error.to_string().contains("larger than"), "{error}");
}

#[test]
fn a_selector_is_sent_as_it_is_written() {
    let (lab, server) = Lab::new(nodes(1), PROXY);
    let running = server.start();
    let mut options = options(true);
    options.selector = Some("role in (a, b)".to_owned());
    run(&lab, &running, TOKEN, options);
    let requests = running.requests();
    assert!(requests.iter().any(|request| {
        request
            .path
            .ends_with("&labelSelector=role%20in%20%28a%2C%20b%29")
    }));
}

#[test]
fn a_server_that_is_not_recognised_gets_no_token() {
    let (lab, mut server) = Lab::new(nodes(1), PROXY);
    server.server = Authority::new("another").server(&["localhost"]);
    let running = server.start();
    let connection = lab.connection(running.address, TOKEN);
    let FleetError::NoAnswer(trouble) =
        scan(connection, options(true), Stop::default(), |_| {}).unwrap_err()
    else {
        panic!("another error");
    };
    assert_eq!(trouble.cause, Cause::UntrustedCertificate);
    assert_eq!(running.requests(), []);
}

/// What may come back instead of a configuration when a kubelet is asked through the API server.
#[test]
fn what_goes_wrong_through_the_api_server_has_its_cause() {
    let configz = "/api/v1/nodes/node-1/proxy/configz";
    let of = |status, body: &str| Planned {
        times: 9,
        body: body.to_owned(),
        ..Planned::once(configz, status)
    };
    for (planned, status, cause, reason) in [
        (
            of(404, "404 page not found"),
            Some(404),
            Cause::Unsupported,
            "enableDebuggingHandlers",
        ),
        (
            of(403, "Forbidden (user=kube-apiserver, verb=get)"),
            Some(403),
            Cause::NotPermitted,
            "Forbidden (user=kube-apiserver",
        ),
        (
            of(503, "dial tcp 10.0.0.1:10250: connect: refused"),
            Some(503),
            Cause::Unreachable,
            "dial tcp 10.0.0.1:10250",
        ),
        (of(302, ""), Some(302), Cause::Unreachable, "never followed"),
        (
            of(0, ""),
            None,
            Cause::Unreachable,
            "closed before there was an answer",
        ),
        (
            of(200, "[1]"),
            Some(200),
            Cause::ParseError,
            "no JSON object",
        ),
        (
            of(200, "{\"a\""),
            Some(200),
            Cause::ParseError,
            "no JSON object",
        ),
        (
            of(200, &format!("{{\"a\":\"{}\"}}", "x".repeat(5 << 20))),
            None,
            Cause::TooLarge,
            "larger than",
        ),
    ] {
        let (lab, mut server) = Lab::new(nodes(3), PROXY);
        server.planned.push(planned);
        let running = server.start();
        let scanned = run(&lab, &running, TOKEN, options(true));
        for facts in &scanned.facts {
            let response = &facts.endpoints[0].responses[0];
            if facts.node.object.as_ref().unwrap().name != "node-1" {
                assert!(response.content.is_some(), "{response:?}");
                continue;
            }
            let problem = response.problem.as_ref().unwrap();
            assert_eq!(
                (response.status, problem.cause),
                (status, cause),
                "{problem:?}"
            );
            assert!(problem.reason.contains(reason), "{reason}: {problem:?}");
            assert!(response.content.is_none());
        }
        let asked = running.requests();
        let asked = asked.iter().filter(|request| request.path == configz);
        assert!(asked.count() <= 3, "{reason}");
    }
}

/// Nodes that are asked directly: one answers, one refuses these credentials, one is no kubelet's.
#[test]
fn kubelets_are_asked_directly_where_nothing_else_is_wanted() {
    let direct = Plan {
        minor: 36,
        via_proxy: false,
        mending: false,
        objects: false,
    };
    let (lab, mut server) = Lab::new(Vec::new(), direct);
    let certified = lab.authority.server(&["127.0.0.1"]);
    let tokens = BTreeMap::from([(CANARY.to_owned(), USER.to_owned())]);
    let mut open = Kubelet::hardened(certified.clone());
    open.tokens = Some(tokens.clone());
    open.granted.insert((USER.to_owned(), "/configz"));
    let mut closed = Kubelet::hardened(certified);
    closed.tokens = Some(tokens);
    let stranger = Kubelet::hardened(Authority::new("another").server(&["127.0.0.1"]));
    let kubelets = [open, closed, stranger].map(Kubelet::start);
    for (index, kubelet) in kubelets.iter().enumerate() {
        let address = format!("10.0.0.{index}");
        let port = format!("\"Port\":{}", kubelet.port);
        // The first of two addresses may be one at which nobody listens.
        let at = if index == 0 {
            "127.0.0.9\"},{\"type\":\"ExternalIP\",\"address\":\"127.0.0.1"
        } else {
            "127.0.0.1"
        };
        let replaced = [(address.as_str(), at), ("\"Port\":10250", &port)];
        server.nodes.push(node(index, &replaced));
    }
    let running = server.start();
    let mut options = options(false);
    options.questions.probe = true;
    let scanned = run(&lab, &running, TOKEN, options);
    for facts in &scanned.facts {
        let [endpoint] = facts.endpoints.as_slice() else {
            panic!("{facts:?}");
        };
        let live = &endpoint.responses[0];
        let problem = live.problem.as_ref().map(|problem| problem.cause);
        let found = (live.status, problem, endpoint.trusted, endpoint.via);
        let name = facts.node.object.as_ref().unwrap().name.as_str();
        let expected = match name {
            "node-0" => (Some(200), None, Some(Trust::Authority)),
            "node-1" => (Some(403), Some(Cause::NotPermitted), Some(Trust::Authority)),
            _ => (None, Some(Cause::UntrustedCertificate), None),
        };
        assert_eq!(
            found,
            (expected.0, expected.1, expected.2, Via::Direct),
            "{name}"
        );
        let probes = endpoint
            .responses
            .iter()
            .filter(|response| response.request != Request::Configz);
        assert!(probes.count() >= 2, "{name}");
    }
    assert_eq!(scanned.facts.len(), 3);
    let requests = running.requests();
    assert!(
        requests.iter().all(|request| request.allowed),
        "{requests:?}"
    );
}
