use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kubeassay_core::Bytes;
use kubeassay_core::facts::{EndpointFacts, Facts, Identity, Request, Response, Via};
use kubeassay_core::plan::Readiness;
use kubeassay_core::rule::{Catalogue, Rule};
use kubeassay_core::transaction::Verification;
use kubeassay_engine::BUNDLED_RULES;

use super::{Judging, Limits, holds, verify, verify_undone};
use crate::planner::Planned;
use crate::preflight::fixture::{self, ARGUMENTS, NEW, Node, OLD, options, restarted};
use crate::services::{ServiceError, Services, UnitState};
use crate::world::{Api, ClientName, NodeKubeconfig, Reach, Vouching, World};

/// An answer by how many milliseconds passed.
type By<T, E> = Box<dyn Fn(u64) -> Result<T, E>>;

/// A world in which everything is told by how many milliseconds passed since the restart.
struct Fake {
    passed: Cell<u64>,
    unit: By<UnitState, ServiceError>,
    healthz: By<u16, String>,
    facts: By<Facts, String>,
    ready: Option<By<bool, String>>,
    asked: RefCell<Vec<SocketAddr>>,
    /// A clock that stands still.
    stopped: bool,
}

impl Fake {
    /// All goes well: active after a second, healthy after three, ready after five.
    fn well() -> Self {
        Self {
            passed: Cell::new(0),
            unit: Box::new(|passed| {
                Ok(unit(
                    if passed < 1000 {
                        "activating"
                    } else {
                        "active"
                    },
                    NEW,
                    0,
                ))
            }),
            healthz: Box::new(|passed| match passed {
                0..3000 => Err("nothing listens".to_owned()),
                3000..4000 => Ok(500),
                _ => Ok(200),
            }),
            facts: Box::new(|_| Ok(running("Webhook", NEW))),
            ready: Some(Box::new(|passed| match passed {
                0..4500 => Err("no answer".to_owned()),
                4500..5000 => Ok(false),
                _ => Ok(true),
            })),
            asked: RefCell::default(),
            stopped: false,
        }
    }
}

impl World for Fake {
    fn facts(&self) -> Result<Facts, String> {
        (self.facts)(self.passed.get())
    }

    fn services(&self) -> &dyn Services {
        self
    }

    fn healthz(&self, address: SocketAddr) -> Result<u16, String> {
        self.asked.borrow_mut().push(address);
        (self.healthz)(self.passed.get())
    }

    fn reach(&self, _: &NodeKubeconfig<'_>) -> Option<Reach> {
        None
    }

    fn client_name(&self, _: &[u8]) -> Result<ClientName, String> {
        Err("nobody".to_owned())
    }

    fn vouching(&self, _: &[u8], _: &[Vec<u8>]) -> Vouching {
        Vouching::NotSigned
    }

    fn api(&self) -> Option<&dyn Api> {
        self.ready.is_some().then_some(self)
    }

    fn now(&self) -> Timestamp {
        let passed = if self.stopped { 0 } else { self.passed.get() };
        restarted() + SignedDuration::from_millis(passed.try_into().unwrap())
    }

    fn wait(&self, time: Duration) {
        let passed = u64::try_from(time.as_millis()).unwrap();
        self.passed.set(self.passed.get() + passed);
    }

    fn say(&self, _: &str) {}
}

impl Api for Fake {
    fn may_use_nodes_proxy(&self, _: &str, _: &[String], _: &str) -> Result<bool, String> {
        unreachable!("it is not asked after a restart")
    }

    fn is_ready(&self, node: &str, since: Timestamp) -> Result<bool, String> {
        assert_eq!((node, since), ("node-1", restarted()));
        self.ready.as_ref().unwrap()(self.passed.get())
    }

    fn other_control_planes(&self, _: &str) -> Result<usize, String> {
        unreachable!("it is not asked after a restart")
    }
}

impl Services for Fake {
    fn way(&self) -> &'static str {
        "a fake"
    }

    fn reload(&self) -> Result<(), ServiceError> {
        unreachable!("nothing is changed")
    }

    fn restart(&self, _: &Bytes, _: Duration) -> Result<(), ServiceError> {
        unreachable!("nothing is changed")
    }

    fn state(&self, unit: &Bytes) -> Result<UnitState, ServiceError> {
        assert_eq!(*unit, fixture::UNIT);
        (self.unit)(self.passed.get())
    }
}

fn unit(active: &str, pid: u32, restarts: u32) -> UnitState {
    UnitState {
        load: "loaded".to_owned(),
        active: active.to_owned(),
        sub: if active == "active" {
            "running"
        } else {
            "dead"
        }
        .to_owned(),
        result: "success".to_owned(),
        main_pid: pid,
        restarts,
    }
}

fn mode(mode: &str) -> Node {
    Node::new(&format!("authorization: {{mode: {mode}}}"))
}

/// Returns facts of a kubelet that began a second after the restart.
fn running(said: &str, pid: u32) -> Facts {
    mode(said).facts(pid, restarted() + SignedDuration::from_secs(1))
}

/// Adds what the kubelet says of itself, and what nobody gets from it.
fn asked(mut facts: Facts, said: Option<&str>, pods: Option<u16>) -> Facts {
    let response = |request, status, content| Response {
        request,
        identity: Identity::Nobody,
        url: "https://127.0.0.1:10250/x".to_owned(),
        asked: restarted() + SignedDuration::from_secs(2),
        status,
        granted: None,
        content,
        problem: None,
    };
    let body = |mode| {
        format!(r#"{{"kubeletconfig":{{"authorization":{{"mode":"{mode}"}},"port":10250}}}}"#)
    };
    let mut responses = Vec::new();
    if let Some(mode) = said {
        let content = Some(Bytes::from(body(mode)));
        responses.push(response(Request::Configz, Some(200), content));
    }
    if let Some(status) = pods {
        responses.push(response(Request::Pods, Some(status), None));
    }
    facts.endpoints.push(EndpointFacts {
        pid: Some(facts.processes[0].pid),
        address: "127.0.0.1:10250".to_owned(),
        via: Via::Direct,
        certificate: None,
        trusted: None,
        responses,
    });
    facts
}

fn plan() -> Planned {
    fixture::planned(
        &mode("AlwaysAllow"),
        &mode("Webhook"),
        &["authorization.mode"],
    )
    .0
}

fn run(planned: &Planned, fake: &Fake) -> Vec<Verification> {
    let catalogue = Catalogue::prepared(&BUNDLED_RULES);
    let rules: Vec<&Rule> = catalogue.rules().collect();
    let options = options();
    let judging = Judging {
        rules: &rules,
        options: &options,
    };
    verify(planned, judging, restarted(), Limits::default(), fake)
}

/// Shows ids and outcomes, as `active pass, healthz fail`.
fn shown(seen: &[Verification]) -> String {
    let one = |one: &Verification| format!("{} {}", one.id, one.readiness.as_str());
    seen.iter().map(one).collect::<Vec<_>>().join(", ")
}

const WELL: &str = "active pass, healthz pass, process pass, verdict pass, ready pass, steady pass";

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn what_was_planned_is_seen_to_hold_or_the_first_that_does_not_is_the_last() {
    type Change = Box<dyn Fn(&mut Fake)>;
    let change = |change: fn(&mut Fake)| -> Change { Box::new(change) };
    let cases: Vec<(&str, Change, &str, &str)> = vec![
        (
            "all is well",
            change(|_| {}),
            WELL,
            "still active as process 4711",
        ),
        (
            "all is well, and all witnesses say so",
            change(|fake| {
                fake.facts =
                    Box::new(|_| Ok(asked(running("Webhook", NEW), Some("Webhook"), Some(403))));
            }),
            WELL,
            "still active",
        ),
        (
            "what it runs with is seen only later",
            change(|fake| {
                fake.facts = Box::new(|passed| match passed {
                    0..6000 => Err("the host cannot be read".to_owned()),
                    6000..9000 => Ok(asked(running("Webhook", NEW), None, Some(200))),
                    _ => Ok(running("Webhook", NEW)),
                });
            }),
            WELL,
            "still active",
        ),
        (
            "the unit fails",
            change(|fake| {
                fake.unit = Box::new(|passed| {
                    Ok(unit(
                        if passed < 2000 {
                            "activating"
                        } else {
                            "failed"
                        },
                        0,
                        0,
                    ))
                });
            }),
            "active fail",
            "ended right after its start: it is failed",
        ),
        (
            "it ends at once, and systemd waits to start it again",
            change(|fake| {
                fake.unit = Box::new(|_| {
                    Ok(UnitState {
                        sub: "auto-restart".to_owned(),
                        ..unit("activating", 0, 0)
                    })
                });
            }),
            "active fail",
            "ended right after its start",
        ),
        (
            "the unit never becomes active",
            change(|fake| fake.unit = Box::new(|_| Ok(unit("activating", 0, 0)))),
            "active fail",
            "not active but activating (dead, success), 90 s after",
        ),
        (
            "systemd cannot be asked",
            change(|fake| {
                fake.unit = Box::new(|_| Err(ServiceError::Unreachable("gone".to_owned())));
            }),
            "active fail",
            "systemd cannot be asked: gone",
        ),
        (
            "healthz never comes",
            change(|fake| fake.healthz = Box::new(|_| Err("nothing listens".to_owned()))),
            "active pass, healthz fail",
            "gives no answer (nothing listens), 60 s after",
        ),
        (
            "healthz is never well",
            change(|fake| fake.healthz = Box::new(|_| Ok(500))),
            "active pass, healthz fail",
            "answers 500",
        ),
        (
            "it ends before healthz comes",
            change(|fake| {
                fake.unit = Box::new(|passed| {
                    Ok(unit(
                        if passed < 2000 { "active" } else { "failed" },
                        NEW,
                        0,
                    ))
                });
            }),
            "active pass, healthz fail",
            "did not stay active: it is failed",
        ),
        (
            "the process was not replaced",
            change(|fake| {
                fake.unit = Box::new(|_| Ok(unit("active", OLD, 0)));
                fake.facts = Box::new(|_| Ok(mode("Webhook").facts(OLD, Timestamp::UNIX_EPOCH)));
            }),
            "active pass, healthz pass, process fail",
            "is the one from before the restart",
        ),
        (
            "the new process has the number of the old one",
            change(|fake| {
                fake.unit = Box::new(|_| Ok(unit("active", OLD, 0)));
                fake.facts = Box::new(|_| Ok(running("Webhook", OLD)));
            }),
            WELL,
            "still active as process 812",
        ),
        (
            "the same number, and when it started is not known",
            change(|fake| {
                fake.unit = Box::new(|_| Ok(unit("active", OLD, 0)));
                fake.facts = Box::new(|_| {
                    let mut facts = running("Webhook", OLD);
                    facts.processes[0].started = None;
                    Ok(facts)
                });
            }),
            "active pass, healthz pass, process fail",
            "cannot be told",
        ),
        (
            "no kubelet is seen",
            change(|fake| {
                fake.facts = Box::new(|_| {
                    let mut facts = running("Webhook", NEW);
                    facts.processes.clear();
                    Ok(facts)
                });
            }),
            "active pass, healthz pass, process fail",
            "not seen as a kubelet",
        ),
        (
            "no facts can be taken",
            change(|fake| fake.facts = Box::new(|_| Err("the host cannot be read".to_owned()))),
            "active pass, healthz pass, process fail",
            "the host cannot be read",
        ),
        (
            "the verdict still fails",
            change(|fake| fake.facts = Box::new(|_| Ok(running("AlwaysAllow", NEW)))),
            "active pass, healthz pass, process pass, verdict fail",
            "4.2.2 is fail for what runs, and pass was planned",
        ),
        (
            "the verdict is not known",
            change(|fake| {
                fake.facts = Box::new(|_| {
                    let node = Node {
                        denied: vec![fixture::CONFIG],
                        ..mode("Webhook")
                    };
                    Ok(node.facts(NEW, restarted()))
                });
            }),
            "active pass, healthz pass, process pass, verdict fail",
            "4.2.2 is unknown for what runs",
        ),
        (
            "what it says of itself contradicts",
            change(|fake| {
                fake.facts =
                    Box::new(|_| Ok(asked(running("Webhook", NEW), Some("AlwaysAllow"), None)));
            }),
            "active pass, healthz pass, process pass, verdict fail",
            "4.2.2 is fail",
        ),
        (
            "its files contradict what it says of itself",
            change(|fake| {
                fake.facts =
                    Box::new(|_| Ok(asked(running("AlwaysAllow", NEW), Some("Webhook"), None)));
            }),
            "active pass, healthz pass, process pass, verdict fail",
            "4.2.2 is fail by disk",
        ),
        (
            "nobody gets in who should not",
            change(|fake| {
                fake.facts = Box::new(|_| Ok(asked(running("Webhook", NEW), None, Some(200))));
            }),
            "active pass, healthz pass, process pass, verdict fail",
            "4.2.2 is fail",
        ),
        (
            "the next start would undo it",
            change(|fake| {
                fake.facts = Box::new(|_| {
                    let mut facts = running("Webhook", NEW);
                    facts.services = vec![mode("AlwaysAllow").service(&[NEW])];
                    Ok(facts)
                });
            }),
            "active pass, healthz pass, process pass, verdict fail",
            "would be fail after the next start",
        ),
        (
            "it ends again and again",
            change(|fake| {
                fake.unit = Box::new(|passed| {
                    Ok(unit("active", NEW, u32::try_from(passed / 8000).unwrap()))
                });
            }),
            "active pass, healthz pass, process pass, verdict pass, ready pass, steady fail",
            "was started again by systemd (1 times",
        ),
        (
            "it ends while it is waited for",
            change(|fake| {
                fake.unit = Box::new(|passed| {
                    Ok(unit(
                        "active",
                        NEW + u32::try_from(passed / 2000).unwrap(),
                        0,
                    ))
                });
            }),
            "active pass, healthz fail",
            "was started again meanwhile",
        ),
        (
            "the node never becomes ready",
            change(|fake| fake.ready = Some(Box::new(|_| Ok(false)))),
            "active pass, healthz pass, process pass, verdict pass, ready fail",
            "the node node-1 is not Ready, or its new kubelet did not report it, 120 s after",
        ),
        (
            "the API does not tell",
            change(|fake| fake.ready = Some(Box::new(|_| Err("not permitted".to_owned())))),
            "active pass, healthz pass, process pass, verdict pass, ready unknown, steady pass",
            "still active",
        ),
        (
            "the API may not be asked",
            change(|fake| fake.ready = None),
            "active pass, healthz pass, process pass, verdict pass, steady pass",
            "still active",
        ),
        (
            "the clock stands still",
            change(|fake| {
                fake.stopped = true;
                fake.healthz = Box::new(|_| Ok(500));
            }),
            "active pass, healthz fail",
            "answers 500",
        ),
    ];
    let planned = plan();
    for (what, change, expected, reason) in cases {
        let mut fake = Fake::well();
        change(&mut fake);
        let seen = run(&planned, &fake);
        assert_eq!(shown(&seen), expected, "{what}: {seen:?}");
        let last = seen.last().unwrap();
        assert!(last.reason.contains(reason), "{what}: {}", last.reason);
        assert_eq!(holds(&seen), !expected.contains("fail"), "{what}");
        assert!(
            fake.passed.get() < 300_000,
            "{what} took {} ms",
            fake.passed.get()
        );
        let failing = seen.iter().position(|one| one.readiness == Readiness::Fail);
        assert!(failing.is_none_or(|at| at + 1 == seen.len()), "{what}");
    }
}

#[test]
fn healthz_is_asked_where_the_kubelet_serves_it() {
    for (config, expected, outcome) in [
        ("", Some("127.0.0.1:10248"), "healthz pass"),
        ("healthzPort: 1234", Some("127.0.0.1:1234"), "healthz pass"),
        (
            "healthzBindAddress: 0.0.0.0",
            Some("127.0.0.1:10248"),
            "healthz pass",
        ),
        (
            "healthzBindAddress: '::'",
            Some("[::1]:10248"),
            "healthz pass",
        ),
        (
            "healthzBindAddress: 10.0.0.7",
            Some("10.0.0.7:10248"),
            "healthz pass",
        ),
        ("healthzPort: 0", None, "healthz unknown"),
        ("healthzBindAddress: nowhere", None, "healthz unknown"),
    ] {
        let after = Node::new(&format!("authorization: {{mode: Webhook}}\n{config}"));
        let (planned, _) = fixture::planned(&mode("AlwaysAllow"), &after, &["authorization.mode"]);
        let fake = Fake::well();
        let seen = run(&planned, &fake);
        assert_eq!(
            shown(&seen),
            WELL.replace("healthz pass", outcome),
            "{config}"
        );
        let asked = fake.asked.borrow().first().map(ToString::to_string);
        assert_eq!(asked.as_deref(), expected, "{config}");
    }
}

#[test]
fn what_was_undone_runs_as_before() {
    let before = Node::new("authorization: {mode: AlwaysAllow}\nhealthzPort: 4321");
    let (planned, _) = fixture::planned(&before, &mode("Webhook"), &["authorization.mode"]);
    for (started, known, expected) in [
        (1, true, "process pass"),
        (-1, true, "process fail"),
        (1, false, "process unknown"),
    ] {
        let mut fake = Fake::well();
        fake.facts = Box::new(move |_| {
            let node = Node::new("authorization: {mode: AlwaysAllow}");
            let mut facts = node.facts(NEW, restarted() + SignedDuration::from_secs(started));
            if !known {
                facts.processes[0].started = None;
            }
            Ok(facts)
        });
        let seen = verify_undone(&planned, restarted(), Limits::default(), &fake);
        let all = format!("active pass, healthz pass, {expected}, ready pass, steady pass");
        let expected = match all.split_once(" fail") {
            Some((before, _)) => format!("{before} fail"),
            None => all,
        };
        assert_eq!(shown(&seen), expected);
        assert_eq!(fake.asked.borrow()[0].port(), 4321);
    }
}

#[test]
fn the_name_in_the_api_is_what_the_kubelet_is_told_to_be() {
    let (mut planned, _) = fixture::planned(&mode("AlwaysAllow"), &mode("Webhook"), &[]);
    assert_eq!(super::node_name(&planned, &planned.kubelets[0]), "node-1");
    let named = Node {
        arguments: format!("{ARGUMENTS} --hostname-override=Node-7"),
        ..mode("Webhook")
    };
    planned.kubelets = fixture::planned(&named, &named, &[]).0.kubelets;
    assert_eq!(super::node_name(&planned, &planned.kubelets[0]), "node-7");
}
