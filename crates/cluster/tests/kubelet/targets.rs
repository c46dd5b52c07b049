//! Who is asked: addresses, names, and many at once.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kubeassay_cluster::kubelet::{Questions, ask_kubelets};
use kubeassay_core::verdict::Cause;
use kubeassay_testkit::kubelet::Fault;

use crate::world::{NODE, World, ask, check, target};

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
