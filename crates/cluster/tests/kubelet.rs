//! Kubelets are asked over loopback: what each answer becomes in facts, whom we trust, and what is never sent or shown.

#![expect(
    clippy::disallowed_methods,
    reason = "tests tell the time, and how long something took"
)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]
#![expect(clippy::too_many_lines, reason = "tables of cases are long")]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use kubeassay_cluster::Timeouts;
use kubeassay_cluster::identity::ClientIdentity;
use kubeassay_cluster::kubelet::{Access, Caller, Questions, Served, Target, ask_kubelets};
use kubeassay_cluster::tls::{Authorities, Fingerprint};
use kubeassay_core::facts::{EndpointFacts, Identity, Request, Response, Trouble, Trust};
use kubeassay_core::verdict::Cause;
use kubeassay_testkit::certificates::{Authority, Certified, self_signed};
use kubeassay_testkit::kubelet::{Fault, Kubelet, Mode, StandIn, capture};

/// What an answer should be: status, cause, and a part of the reason.
type Expected = (Option<u16>, Option<(Cause, &'static str)>);

const NODE: &str = "node-1";
const BOTH: Questions = Questions {
    configz: true,
    probe: true,
};

/// A cluster of one node: who signs, and who asks.
struct World {
    authority: Authority,
    server: Certified,
    admin: Certified,
    stranger: Certified,
}

impl World {
    fn new() -> Self {
        let authority = Authority::new("kubernetes");
        Self {
            server: authority.server(&[NODE, "127.0.0.1"]),
            admin: authority.client("kubernetes-admin"),
            stranger: authority.client("stranger"),
            authority,
        }
    }

    /// Returns a hardened kubelet that knows the admin, who may do everything, and a stranger, who may do nothing.
    fn hardened(&self) -> Kubelet {
        let mut kubelet = Kubelet::hardened(self.server.clone());
        let users = [
            (&self.admin, "kubernetes-admin"),
            (&self.stranger, "stranger"),
        ];
        let users = users.map(|(certificate, user)| (certificate.der.clone(), user.to_owned()));
        kubelet.clients = Some(BTreeMap::from(users));
        for path in ["/configz", "/pods"] {
            kubelet
                .granted
                .insert(("kubernetes-admin".to_owned(), path));
        }
        kubelet
    }

    /// Returns access that trusts the authority and has no credentials.
    fn nobody(&self) -> Access {
        let mut access = access();
        access.authorities = Some(Authorities::from_pem(self.authority.pem().as_bytes()).unwrap());
        access
    }

    /// Returns access with the admin's certificate.
    fn admin(&self) -> Access {
        let mut access = self.nobody();
        access.caller = Some(certificate(&self.admin));
        access
    }

    /// Returns access with a token that may be sent.
    fn token(&self, token: &str) -> Access {
        let mut access = self.nobody();
        access.caller = Some(Caller {
            token_allowed: Ok(()),
            ..Caller::new(ClientIdentity::token(token.as_bytes()).unwrap())
        });
        access
    }
}

/// Returns access that trusts nobody and has no credentials, and waits no longer than a test can.
fn access() -> Access {
    let mut access = Access::new(
        "kubeassay/0.0.0",
        Arc::new(Timestamp::now),
        Arc::new(|content| content),
    );
    access.timeouts = Timeouts {
        connect: Duration::from_millis(1500),
        request: Duration::from_millis(1500),
    };
    access
}

fn certificate(certified: &Certified) -> Caller {
    let identity = ClientIdentity::from_pem(certified.pem.as_bytes(), certified.key_pem.as_bytes());
    Caller::new(identity.unwrap())
}

fn target(kubelet: &StandIn) -> Target {
    Target {
        node: Some(NODE.to_owned()),
        port: kubelet.port,
        read_only_port: Some(kubelet.read_only_port),
        ..Target::new("127.0.0.1")
    }
}

fn ask(target: &Target, questions: Questions, access: Access) -> EndpointFacts {
    ask_kubelets(std::slice::from_ref(target), questions, &Arc::new(access))
        .pop()
        .unwrap()
}

/// Returns the only answer to a request.
fn only(facts: &EndpointFacts, request: Request, identity: Identity) -> &Response {
    let asked: Vec<_> = facts
        .responses
        .iter()
        .filter(|response| response.request == request && response.identity == identity)
        .collect();
    assert_eq!(asked.len(), 1, "{facts:#?}");
    asked[0]
}

/// Returns what an answer says in few words: status, cause, and the reason.
fn said(response: &Response) -> (Option<u16>, Option<Cause>, &str) {
    let problem = response.problem.as_ref();
    (
        response.status,
        problem.map(|problem| problem.cause),
        problem.map_or("", |problem| &problem.reason),
    )
}

/// Checks an answer: status, cause, and a part of the reason.
fn check(name: &str, response: &Response, status: Option<u16>, problem: Option<(Cause, &str)>) {
    let (found_status, cause, reason) = said(response);
    assert_eq!(found_status, status, "{name}: {response:#?}");
    assert_eq!(
        cause,
        problem.map(|(cause, _)| cause),
        "{name}: {response:#?}"
    );
    if let Some((_, part)) = problem {
        assert!(
            reason.contains(part),
            "{name}: `{part}` is not in: {reason}"
        );
    }
}

#[test]
fn a_hardened_kubelet_tells_the_admin_and_refuses_the_others() {
    let world = World::new();
    let kubelet = world.hardened().start();
    let mut access = world.admin();
    access.unprivileged = Some(certificate(&world.stranger));
    access.unprivileged_granted = Some(false);
    let facts = ask(&target(&kubelet), BOTH, access);

    let live = only(&facts, Request::Configz, Identity::Certificate);
    check("configz", live, Some(200), None);
    let content = live.content.as_ref().unwrap().as_slice();
    assert_eq!(content, capture("configz-cis-hardened.json"));
    assert_eq!(
        live.url,
        format!("https://127.0.0.1:{}/configz", kubelet.port)
    );

    let nobody = only(&facts, Request::Pods, Identity::Nobody);
    check("nobody", nobody, Some(401), None);
    assert_eq!(nobody.granted, None);
    let stranger = only(&facts, Request::Pods, Identity::Unprivileged);
    check("stranger", stranger, Some(403), None);
    assert_eq!(stranger.granted, Some(false));
    let read_only = only(&facts, Request::ReadOnlyPods, Identity::Nobody);
    let refused = Some((Cause::Unreachable, "connection refused"));
    check("read-only", read_only, None, refused);

    assert_eq!(facts.trusted, Some(Trust::Authority));
    let shown = Fingerprint::of(&world.server.der).to_string();
    assert_eq!(facts.certificate, Some(shown));
    assert_eq!(facts.address, format!("127.0.0.1:{}", kubelet.port));

    // One request each, all of them GET, each with what belongs to it and nothing else.
    let seen = kubelet.seen();
    let requests: Vec<_> = seen
        .requests
        .iter()
        .map(|request| {
            assert_eq!(request.method, "GET");
            assert_eq!(request.header("user-agent"), Some("kubeassay/0.0.0"));
            assert_eq!(request.header("authorization"), None);
            (request.path.as_str(), request.certificate.as_ref())
        })
        .collect();
    let expected = [
        ("/configz", Some(&world.admin.der)),
        ("/pods", None),
        ("/pods", Some(&world.stranger.der)),
    ];
    assert_eq!(requests, expected);
}

#[test]
fn an_open_kubelet_answers_everybody() {
    let world = World::new();
    let kubelet = Kubelet::open(world.server.clone()).start();
    let facts = ask(&target(&kubelet), BOTH, world.admin());
    for (request, identity) in [
        (Request::Configz, Identity::Certificate),
        (Request::Pods, Identity::Nobody),
        (Request::ReadOnlyPods, Identity::Nobody),
    ] {
        check("open", only(&facts, request, identity), Some(200), None);
    }
    let plain = only(&facts, Request::ReadOnlyPods, Identity::Nobody);
    let url = format!("http://127.0.0.1:{}/pods", kubelet.read_only_port);
    assert_eq!(plain.url, url);
    // Nobody's answers are not kept.
    assert!(plain.content.is_none());
    assert!(
        only(&facts, Request::Pods, Identity::Nobody)
            .content
            .is_none()
    );
}

/// The table of credentials: who asks, how the kubelet is set, and what comes of it.
#[test]
fn statuses_are_those_of_kubelets() {
    let world = World::new();
    let foreign = Authority::new("elsewhere").client("kubernetes-admin");
    let denied = |part| Some((Cause::NotPermitted, part));
    let with_anonymous = |mode| {
        let mut kubelet = world.hardened();
        kubelet.anonymous = true;
        kubelet.mode = mode;
        kubelet
    };
    let away = Kubelet {
        api_server: false,
        ..world.hardened()
    };
    let no_handlers = Kubelet {
        debugging_handlers: false,
        ..world.hardened()
    };
    let as_certificate = |certified| {
        let mut access = world.nobody();
        access.caller = Some(certificate(certified));
        access
    };
    let undecided = Some((Cause::Unreachable, "could not decide (500)"));
    let cases = [
        (
            "anonymous, AlwaysAllow",
            with_anonymous(Mode::AlwaysAllow),
            world.admin(),
            (200, None),
            (200, None),
        ),
        (
            "anonymous, Webhook",
            with_anonymous(Mode::Webhook),
            world.admin(),
            (200, None),
            (403, None),
        ),
        (
            "a stranger",
            world.hardened(),
            as_certificate(&world.stranger),
            (403, denied("get nodes/configz")),
            (401, None),
        ),
        (
            "a foreign certificate",
            world.hardened(),
            as_certificate(&foreign),
            (401, denied("clientCAFile")),
            (401, None),
        ),
        (
            "a foreign certificate, anonymous",
            with_anonymous(Mode::AlwaysAllow),
            as_certificate(&foreign),
            (401, denied("(401)")),
            (200, None),
        ),
        (
            "a wrong token",
            world.hardened(),
            world.token("wrong"),
            (401, denied("webhook")),
            (401, None),
        ),
        (
            "no API server",
            away,
            world.admin(),
            (500, undecided),
            (401, None),
        ),
        (
            "no debugging handlers",
            no_handlers,
            world.admin(),
            (404, Some((Cause::Unsupported, "enableDebuggingHandlers"))),
            (401, None),
        ),
    ];
    for (case, kubelet, access, configz, pods) in cases {
        let identity = match &access.caller.as_ref().unwrap().identity {
            ClientIdentity::Certificate(_) => Identity::Certificate,
            ClientIdentity::Token(_) => Identity::Token,
        };
        let kubelet = kubelet.start();
        let facts = ask(&target(&kubelet), BOTH, access);
        let live = only(&facts, Request::Configz, identity);
        check(case, live, Some(configz.0), configz.1);
        assert_eq!(live.content.is_some(), configz.0 == 200, "{case}");
        check(
            case,
            only(&facts, Request::Pods, Identity::Nobody),
            Some(pods.0),
            pods.1,
        );
    }
}

#[test]
fn the_api_server_away_leaves_the_probe_undecided_too() {
    let world = World::new();
    let mut kubelet = world.hardened();
    kubelet.anonymous = true;
    kubelet.api_server = false;
    let kubelet = kubelet.start();
    let facts = ask(&target(&kubelet), BOTH, world.nobody());
    let nobody = only(&facts, Request::Pods, Identity::Nobody);
    check(
        "nobody",
        nobody,
        Some(500),
        Some((Cause::Unreachable, "could not decide")),
    );
    // Without credentials `/configz` is not asked at all.
    let live = only(&facts, Request::Configz, Identity::Nobody);
    check(
        "configz",
        live,
        None,
        Some((Cause::NotPermitted, "no credentials")),
    );
    assert!(
        kubelet
            .seen()
            .requests
            .iter()
            .all(|request| request.path == "/pods")
    );
}

/// Everything that can go wrong with an answer has its own cause and reason, and ends in time.
#[test]
fn faults_have_their_causes() {
    let world = World::new();
    let unreachable = |part| (Cause::Unreachable, part);
    let strange = |part| (Cause::Conflict, part);
    // What goes wrong; the status, cause and reason of `/configz`; those of `/pods`.
    let cases: Vec<(Fault, Expected, Expected)> = vec![
        (
            Fault::Silent,
            (None, Some(unreachable("TLS handshake did not end"))),
            (None, Some(unreachable("TLS handshake did not end"))),
        ),
        (
            Fault::NoCertificate,
            (None, Some(unreachable("serverTLSBootstrap"))),
            (None, Some(unreachable("serverTLSBootstrap"))),
        ),
        (
            Fault::PlainHttp,
            (None, Some(unreachable("not with TLS"))),
            (None, Some(unreachable("not with TLS"))),
        ),
        (
            Fault::Close,
            (None, Some(unreachable("closed before there was an answer"))),
            (None, Some(unreachable("closed before"))),
        ),
        (
            Fault::Slow,
            (None, Some(unreachable("no whole answer within"))),
            (None, Some(unreachable("no whole answer within"))),
        ),
        (
            Fault::Drip,
            (Some(200), Some(unreachable("no whole answer within"))),
            (Some(401), None),
        ),
        (
            Fault::CutOff,
            (
                Some(200),
                Some((Cause::Vanished, "middle of the answer's body")),
            ),
            (Some(401), None),
        ),
        (
            Fault::Huge,
            (Some(200), Some((Cause::TooLarge, "larger than"))),
            (Some(401), None),
        ),
        (
            Fault::Endless,
            (Some(200), Some((Cause::TooLarge, "larger than"))),
            (Some(401), None),
        ),
        (
            Fault::LargeHead,
            (None, Some((Cause::TooLarge, "head of the answer"))),
            (None, Some((Cause::TooLarge, "head of the answer"))),
        ),
        (
            Fault::NotHttp,
            (None, Some((Cause::ParseError, "not HTTP/1.1"))),
            (None, Some((Cause::ParseError, "not HTTP/1.1"))),
        ),
        (
            Fault::Answer(200, "text/html"),
            (Some(200), Some(strange("`text/html`"))),
            (Some(200), Some(strange("`text/html`"))),
        ),
        (
            Fault::Answer(403, "application/json"),
            (Some(403), Some(strange("`application/json`"))),
            (Some(403), Some(strange("`application/json`"))),
        ),
        (
            Fault::Answer(404, "text/plain"),
            (
                Some(404),
                Some((Cause::Unsupported, "enableDebuggingHandlers")),
            ),
            (Some(404), Some(strange("every kubelet serves `/pods`"))),
        ),
        (
            Fault::Answer(503, "text/plain"),
            (Some(503), Some(strange("status 503"))),
            (Some(503), Some(strange("status 503"))),
        ),
        (
            Fault::Redirect("https://u:pw@login.example/a?token=abc".to_owned()),
            (
                Some(302),
                Some(strange("redirect (302) to `login.example/a`")),
            ),
            (Some(302), Some(strange("not followed"))),
        ),
    ];
    for (fault, configz, pods) in cases {
        let case = format!("{fault:?}");
        let mut kubelet = world.hardened();
        kubelet.fault = Some(fault);
        let kubelet = kubelet.start();
        let before = Instant::now();
        let facts = ask(&target(&kubelet), BOTH, world.admin());
        assert!(before.elapsed() < Duration::from_secs(5), "{case}");
        let live = only(&facts, Request::Configz, Identity::Certificate);
        check(&case, live, configz.0, configz.1);
        assert!(live.content.is_none(), "{case}");
        check(
            &case,
            only(&facts, Request::Pods, Identity::Nobody),
            pods.0,
            pods.1,
        );
        // Of 100 MB that nobody wants, no more goes out than the buffers of two connections hold.
        assert!(
            kubelet.seen().sent < 40_000_000,
            "{case}: {}",
            kubelet.seen().sent
        );
        for secret in ["token=abc", "pw@"] {
            assert!(!format!("{facts:?}").contains(secret), "{case}");
        }
    }
}

#[test]
fn the_read_only_port_is_told_from_others() {
    let world = World::new();
    for (fault, status, part) in [
        (Fault::Answer(200, "text/html"), Some(200), "`text/html`"),
        (
            Fault::Answer(403, "text/plain"),
            Some(403),
            "refuses nobody",
        ),
        (Fault::Answer(400, "text/plain"), Some(400), "status 400"),
    ] {
        let mut kubelet = world.hardened();
        kubelet.read_only = true;
        kubelet.read_only_fault = Some(fault);
        let kubelet = kubelet.start();
        let facts = ask(&target(&kubelet), BOTH, world.nobody());
        let plain = only(&facts, Request::ReadOnlyPods, Identity::Nobody);
        check(part, plain, status, Some((Cause::Conflict, part)));
    }
}

#[test]
fn a_configuration_that_is_no_object_is_not_kept() {
    let world = World::new();
    for body in ["", "[]", "{", "{} {}", "<html>"] {
        let mut kubelet = world.hardened();
        kubelet.configz = body.as_bytes().to_vec();
        let kubelet = kubelet.start();
        let facts = ask(&target(&kubelet), BOTH, world.admin());
        let live = only(&facts, Request::Configz, Identity::Certificate);
        check(
            body,
            live,
            Some(200),
            Some((Cause::ParseError, "no JSON object")),
        );
        assert!(live.content.is_none(), "{body}");
    }
}

/// Whom we trust, and why; and nothing is asked of others, as whomever.
#[test]
fn trust_has_three_reasons_and_no_fourth() {
    let world = World::new();
    let alone = self_signed(&[NODE]);
    let other = self_signed(&[NODE]);
    let expired = world
        .authority
        .server_in(&[NODE, "127.0.0.1"], (2020, 2021));
    let later = world
        .authority
        .server_in(&[NODE, "127.0.0.1"], (2090, 2091));
    let elsewhere = world.authority.server(&["node-2", "127.0.0.2"]);
    let by_name = world.authority.server(&[NODE]);
    let by_address = world.authority.server(&["127.0.0.1"]);
    let impostor = Authority::new("kubernetes").server(&[NODE, "127.0.0.1"]);
    let client = world.authority.client(NODE);
    let served = |certified: &Certified| {
        Some(Served {
            fingerprint: Fingerprint::of(&certified.der),
            path: "/var/lib/kubelet/pki/kubelet.crt".to_owned(),
        })
    };
    let pin = |certified: &Certified| Some(Fingerprint::of(&certified.der));
    // What is shown, what is served by configuration, what is pinned, whether there is an authority; and the outcome.
    let cases = [
        (
            "served",
            &alone,
            served(&alone),
            None,
            false,
            Ok(Trust::Served),
        ),
        (
            "served before authority",
            &world.server,
            served(&world.server),
            None,
            true,
            Ok(Trust::Served),
        ),
        (
            "not what is served",
            &alone,
            served(&other),
            None,
            false,
            Err("it is not the one in `/var/lib/kubelet/pki/kubelet.crt`"),
        ),
        (
            "renewed since it was read",
            &world.server,
            served(&other),
            None,
            true,
            Ok(Trust::Authority),
        ),
        (
            "served though expired",
            &expired,
            served(&expired),
            None,
            false,
            Ok(Trust::Served),
        ),
        (
            "authority",
            &world.server,
            None,
            None,
            true,
            Ok(Trust::Authority),
        ),
        (
            "authority, by name",
            &by_name,
            None,
            None,
            true,
            Ok(Trust::Authority),
        ),
        (
            "authority, by address",
            &by_address,
            None,
            None,
            true,
            Ok(Trust::Authority),
        ),
        ("expired", &expired, None, None, true, Err("it has expired")),
        (
            "not valid yet",
            &later,
            None,
            None,
            true,
            Err("it is not valid yet"),
        ),
        (
            "another node's",
            &elsewhere,
            None,
            None,
            true,
            Err("it is not for 127.0.0.1 or node-1"),
        ),
        (
            "an authority of the same name",
            &impostor,
            None,
            None,
            true,
            Err(""),
        ),
        (
            "self-signed",
            &alone,
            None,
            None,
            true,
            Err("none of the authorities that were given signed it"),
        ),
        (
            "a client's",
            &client,
            None,
            None,
            true,
            Err("not meant for servers"),
        ),
        ("pinned", &alone, None, pin(&alone), false, Ok(Trust::Pin)),
        (
            "pinned otherwise",
            &alone,
            None,
            pin(&other),
            false,
            Err("it is not the one that was pinned"),
        ),
        (
            "nothing known",
            &world.server,
            None,
            None,
            false,
            Err("nothing is known to hold it against"),
        ),
        (
            "a copy",
            &alone.with_key_of(&other),
            served(&alone),
            None,
            false,
            Err("TLS handshake failed"),
        ),
        (
            "a copy of a signed one",
            &world.server.with_key_of(&other),
            None,
            None,
            true,
            Err("TLS handshake failed"),
        ),
    ];
    for (case, shown, served, pin, authority, expected) in cases {
        let mut kubelet = world.hardened();
        kubelet.server = shown.clone();
        kubelet.tokens = Some(BTreeMap::from([("t0ken".to_owned(), "reader".to_owned())]));
        let kubelet = kubelet.start();
        let target = Target {
            served,
            ..target(&kubelet)
        };
        for mut access in [world.admin(), world.token("t0ken")] {
            if !authority {
                access.authorities = None;
            }
            access.pins = pin.map(|pin| (NODE.to_owned(), pin)).into_iter().collect();
            access.unprivileged = Some(certificate(&world.stranger));
            let before = kubelet.seen();
            let facts = ask(&target, BOTH, access);
            let after = kubelet.seen();
            let digest = Fingerprint::of(&shown.der).to_string();
            assert_eq!(facts.certificate.as_ref(), Some(&digest), "{case}");
            assert_eq!(facts.trusted, expected.ok(), "{case}: {facts:#?}");
            let Err(part) = expected else {
                assert!(after.requests.len() >= before.requests.len() + 3, "{case}");
                continue;
            };
            assert_eq!(
                after.requests, before.requests,
                "{case}: a request was sent"
            );
            assert_eq!(
                after.certificates, before.certificates,
                "{case}: a certificate was shown"
            );
            for response in &facts.responses[..3] {
                let (status, cause, reason) = said(response);
                assert_eq!(status, None, "{case}");
                assert!(reason.contains(part), "{case}: {reason}");
                if part.contains("handshake failed") {
                    assert_eq!(cause, Some(Cause::Unreachable), "{case}: {reason}");
                    continue;
                }
                assert_eq!(cause, Some(Cause::UntrustedCertificate), "{case}: {reason}");
                let pin = format!("--kubelet-pin {NODE}={digest}");
                for remedy in ["--kubelet-ca FILE", &pin, "kubeassay scan --live"] {
                    assert!(reason.contains(remedy), "{case}: {reason}");
                }
            }
        }
    }
}

#[test]
fn a_pin_holds_for_its_node_alone() {
    let world = World::new();
    let kubelet = world.hardened().start();
    let mut access = access();
    access.pins = BTreeMap::from([("node-2".to_owned(), Fingerprint::of(&world.server.der))]);
    let facts = ask(&target(&kubelet), BOTH, access);
    assert_eq!(facts.trusted, None);
}

#[test]
fn a_token_goes_only_where_it_may() {
    let world = World::new();
    let mut kubelet = world.hardened();
    let user = "system:serviceaccount:kube-system:kubeassay".to_owned();
    kubelet.tokens = Some(BTreeMap::from([("t0ken".to_owned(), user.clone())]));
    kubelet.granted.insert((user, "/configz"));
    let kubelet = kubelet.start();

    // Allowed: `/configz` and the probe share a connection, and the probe has no token.
    let facts = ask(&target(&kubelet), BOTH, world.token("t0ken"));
    check(
        "allowed",
        only(&facts, Request::Configz, Identity::Token),
        Some(200),
        None,
    );
    check(
        "allowed",
        only(&facts, Request::Pods, Identity::Nobody),
        Some(401),
        None,
    );
    let seen = kubelet.seen();
    let sent: Vec<_> = seen
        .requests
        .iter()
        .map(|request| {
            (
                request.connection,
                request.path.as_str(),
                request.header("authorization"),
            )
        })
        .collect();
    assert_eq!(
        sent,
        [(1, "/configz", Some("Bearer t0ken")), (1, "/pods", None)]
    );

    // Not allowed, whether nobody asked or the answer was no: the reason stands in the facts, and nothing is sent.
    let token = || Caller::new(ClientIdentity::token(b"t0ken\n").unwrap());
    let refused = Caller {
        token_allowed: Err(Trouble {
            cause: Cause::NotPermitted,
            reason: "it may `get secrets`".to_owned(),
        }),
        ..token()
    };
    for (caller, part) in [
        (token(), "was not asked"),
        (refused, "it may `get secrets`"),
    ] {
        let before = kubelet.seen().requests.len();
        let mut access = world.nobody();
        access.caller = Some(caller.clone());
        access.unprivileged = Some(caller);
        let facts = ask(&target(&kubelet), BOTH, access);
        let problem = Some((Cause::NotPermitted, part));
        check(
            part,
            only(&facts, Request::Configz, Identity::Token),
            None,
            problem,
        );
        check(
            part,
            only(&facts, Request::Pods, Identity::Unprivileged),
            None,
            problem,
        );
        check(
            part,
            only(&facts, Request::Pods, Identity::Nobody),
            Some(401),
            None,
        );
        let seen = kubelet.seen();
        let later = &seen.requests[before..];
        assert_eq!(later.len(), 1);
        assert!(
            later
                .iter()
                .all(|request| request.header("authorization").is_none())
        );
    }
}

#[test]
fn hosts_are_addresses_of_both_kinds_or_names_that_are_looked_up() {
    let world = World::new();
    let kubelet = world.hardened().start();
    let mut named = target(&kubelet);
    named.host = NODE.to_owned();
    let probe = Questions {
        configz: false,
        probe: true,
    };
    let facts = ask(&named, probe, world.nobody());
    let refused = Some((Cause::Unreachable, "names are not looked up"));
    check("no resolver", &facts.responses[0], None, refused);

    let mut access = world.nobody();
    access.resolve = Some(Arc::new(|name| {
        Box::pin(async move {
            match name.as_str() {
                NODE => Ok(vec![IpAddr::from([127, 0, 0, 1])]),
                _ => Err(format!("`{name}` is unknown")),
            }
        })
    }));
    let facts = ask(&named, probe, access.clone());
    check("a name", &facts.responses[0], Some(401), None);
    assert_eq!(facts.address, format!("{NODE}:{}", kubelet.port));
    let host = format!("{NODE}:{}", kubelet.port);
    assert_eq!(
        kubelet.seen().requests[0].header("host"),
        Some(host.as_str())
    );
    named.host = "node-3".to_owned();
    let facts = ask(&named, probe, access);
    let unknown = Some((Cause::Unreachable, "`node-3` is unknown"));
    check("an unknown name", &facts.responses[0], None, unknown);

    let mut six = world.hardened();
    six.bind = Ipv6Addr::LOCALHOST.into();
    six.server = world.authority.server(&["::1"]);
    let six = six.start();
    for host in ["::1", "[::1]"] {
        let mut target = target(&six);
        target.host = host.to_owned();
        let facts = ask(&target, probe, world.nobody());
        check(host, &facts.responses[0], Some(401), None);
        assert_eq!(
            facts.responses[0].url,
            format!("https://[::1]:{}/pods", six.port)
        );
    }
}

#[test]
fn many_kubelets_are_asked_at_once_and_answer_in_their_order() {
    let world = World::new();
    let good = world.hardened().start();
    let mut slow = world.hardened();
    slow.fault = Some(Fault::Slow);
    let slow = slow.start();
    let targets: Vec<_> = (0..24)
        .map(|index| target(if index % 3 == 0 { &slow } else { &good }))
        .collect();
    let probe = Questions {
        configz: false,
        probe: true,
    };
    let before = Instant::now();
    let facts = ask_kubelets(&targets, probe, &Arc::new(world.nobody()));
    assert!(
        before.elapsed() < Duration::from_secs(4),
        "{:?}",
        before.elapsed()
    );
    for (index, (target, facts)) in targets.iter().zip(&facts).enumerate() {
        assert_eq!(facts.address, format!("127.0.0.1:{}", target.port));
        let expected = (index % 3 != 0).then_some(401);
        assert_eq!(facts.responses[0].status, expected, "{index}");
    }
}

/// Tokens, keys, certificates and the secrets of a configuration are in no fact, no text and no `Debug`.
#[test]
fn secrets_are_never_shown() {
    let world = World::new();
    let canary = "canary7f3a9c51d2";
    let mut configz: serde_json::Value =
        serde_json::from_slice(&capture("configz-kubeadm-webhook.json")).unwrap();
    configz["kubeletconfig"]["staticPodURLHeader"] = serde_json::json!({"Authorization": [canary]});
    let key_line = world.admin.key_pem.lines().nth(1).unwrap().to_owned();
    let certificate_line = world.admin.pem.lines().nth(1).unwrap().to_owned();
    let secrets = [canary, &key_line, &certificate_line];

    let mut kubelet = world.hardened();
    kubelet.configz = configz.to_string().into_bytes();
    let mut strange = world.hardened();
    strange.configz_fault = Some(Fault::NotHttp);
    let mut cut = kubelet.clone();
    cut.configz_fault = Some(Fault::CutOff);
    let mut untrusted = world.hardened();
    untrusted.server = self_signed(&[NODE]);
    for kubelet in [kubelet, strange, cut, untrusted] {
        let kubelet = kubelet.start();
        for mut access in [world.admin(), world.token(canary)] {
            access.redact = Arc::new(move |content| {
                let text = String::from_utf8(content).unwrap();
                text.replace(canary, "sha256:…").into_bytes()
            });
            let shown = format!("{access:?} {access:#?}");
            let facts = ask(&target(&kubelet), BOTH, access);
            let json = serde_json::to_string(&facts).unwrap();
            for secret in secrets {
                for text in [&shown, &format!("{facts:?}"), &json] {
                    assert!(!text.contains(secret), "{text}");
                }
            }
        }
    }

    // What cannot be used is told without a piece of it.
    let both = format!("{}{}", world.admin.pem, world.admin.key_pem);
    let broken = both.replace("-----END", "-----NED");
    let other = World::new();
    for error in [
        ClientIdentity::token(format!("{canary}\u{7}{canary}").as_bytes()).unwrap_err(),
        ClientIdentity::token(b" \n").unwrap_err(),
        ClientIdentity::from_pem(broken.as_bytes(), both.as_bytes()).unwrap_err(),
        ClientIdentity::from_pem(both.as_bytes(), broken.as_bytes()).unwrap_err(),
        ClientIdentity::from_pem(b"", both.as_bytes()).unwrap_err(),
        ClientIdentity::from_pem(both.as_bytes(), other.admin.key_pem.as_bytes()).unwrap_err(),
    ] {
        for secret in secrets {
            assert!(!format!("{error} {error:?}").contains(secret), "{error:?}");
        }
    }
    let identity = ClientIdentity::from_pem(both.as_bytes(), both.as_bytes()).unwrap();
    assert_eq!(format!("{identity:?}"), "a client certificate");
}
