//! Whom we trust, and why; of others nothing is asked.

use std::collections::BTreeMap;

use kubeassay_cluster::kubelet::{Served, Target};
use kubeassay_cluster::tls::Fingerprint;
use kubeassay_core::facts::Trust;
use kubeassay_core::verdict::Cause;
use kubeassay_testkit::certificates::{Authority, Certified, self_signed};

use crate::world::{BOTH, NODE, World, access, ask, certificate, said, target};

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
            Err("it is not the one in `/var/lib/kubelet/pki/kubelet.crt`"),
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
    let versions = [false, true];
    let cases = cases
        .into_iter()
        .flat_map(|case| versions.map(|tls_1_2| (case.clone(), tls_1_2)));
    for ((case, shown, served, pin, authority, expected), tls_1_2) in cases {
        let mut kubelet = world.hardened();
        kubelet.server = shown.clone();
        kubelet.tls_1_2 = tls_1_2;
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
                // Where it is known what the process serves, an authority would not help.
                let remedies = match target.served {
                    Some(_) => vec!["scan again", &pin],
                    None => vec!["--kubelet-ca FILE", &pin, "kubeassay scan --live"],
                };
                for remedy in remedies {
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
