//! Where a token goes, and what is never shown.

use std::collections::BTreeMap;
use std::sync::Arc;

use kubeassay_cluster::identity::ClientIdentity;
use kubeassay_cluster::kubelet::Caller;
use kubeassay_core::facts::{Identity, Request, Trouble};
use kubeassay_core::verdict::Cause;
use kubeassay_testkit::certificates::self_signed;
use kubeassay_testkit::kubelet::{Fault, capture};

use crate::world::{BOTH, NODE, World, ask, check, only, target};

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
