//! What each answer becomes in facts: statuses, faults, and what is none of a kubelet's.

use std::time::{Duration, Instant};

use kubeassay_cluster::identity::ClientIdentity;
use kubeassay_cluster::tls::Fingerprint;
use kubeassay_core::facts::{Identity, Request, Trust};
use kubeassay_core::verdict::Cause;
use kubeassay_testkit::certificates::Authority;
use kubeassay_testkit::kubelet::{Fault, Kubelet, Mode, capture};

use crate::world::{BOTH, Expected, World, ask, certificate, check, only, target};

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
