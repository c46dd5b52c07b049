//! Plans applied to a host in a folder, with a stand-in for systemd: what is written, what is undone, and what is refused.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests lay out a host, and fail where something is not as it should be"
)]

#[path = "../plan/node.rs"]
#[expect(dead_code, reason = "the tests of plans use all of it")]
mod node;
mod world;

use kubeassay_core::plan::{EditKind, Hunk, Plan};
use kubeassay_core::rule::{Catalogue, Rule, SiteChoices};
use kubeassay_core::transaction::{Outcome, Transaction};
use kubeassay_engine::{BUNDLED_RULES, parse_version};
use kubeassay_fix::World as _;
use kubeassay_fix::apply::{Applied, ApplyError, Order, apply, rollback};
use kubeassay_fix::planner::{Asked, plan};
use kubeassay_fix::transaction::Store;
use kubeassay_fix::verify::Limits;
use kubeassay_testkit::certificates::Authority;
use node::{KUBEADM, config};
use world::{Faults, Host, is_whole};

const CONFIG: &str = "/var/lib/kubelet/config.yaml";
/// What nobody can tell on this host.
const UNTOLD: [&str; 5] = [
    "kubeconfig",
    "client-ca",
    "api-authorization",
    "control-plane",
    "writable",
];

fn host() -> Host {
    let always = config("AlwaysAllow");
    let authority = Authority::new("kubernetes").pem();
    let own = [
        (CONFIG, always.as_str()),
        ("/etc/kubernetes/pki/ca.crt", authority.as_str()),
        ("/etc/hosts", "127.0.0.1 localhost\n"),
    ];
    Host::new(&[&KUBEADM[..], &own].concat())
}

/// Calls `act` with what is asked of a host: control 4.2.2, and what may stay unknown.
fn ordered<T>(host: &Host, accepted: &[&str], act: impl FnOnce(Order<'_>) -> T) -> T {
    let catalogue = Catalogue::prepared(&BUNDLED_RULES);
    let rules: Vec<&Rule> = catalogue.select(&["4.2.2"]).unwrap();
    let asked = Asked {
        rules: &rules,
        digest: catalogue.digest(),
        tool: host.facts().unwrap().tool,
        said: Some(parse_version("1.34").unwrap()),
        accepted: accepted.iter().map(|id| (*id).to_owned()).collect(),
        choices: SiteChoices::default(),
    };
    act(Order {
        asked: &asked,
        root: host.root(),
        limits: Limits::default(),
        world: host,
    })
}

fn planned(host: &Host) -> Plan {
    ordered(host, &UNTOLD, |order| {
        plan(&host.facts().unwrap(), order.asked).plan
    })
}

fn applied(host: &Host, plan: &Plan) -> Result<Applied, ApplyError> {
    ordered(host, &UNTOLD, |order| apply(plan, order))
}

fn done(host: &Host, plan: &Plan) -> Transaction {
    match applied(host, plan) {
        Ok(Applied::Done(transaction)) => *transaction,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_plan_is_carried_out_and_seen_to_hold() {
    let host = host();
    let plan = planned(&host);
    let transaction = done(&host, &plan);
    assert_eq!(transaction.outcome, Outcome::Fixed, "{transaction:?}");
    assert_eq!(host.read(CONFIG).unwrap(), config("Webhook"));
    assert_eq!(host.starts(), 1);
    assert!(host.runs_what_is_there());
    assert!(is_whole(&host));
    assert_eq!(applied(&host, &planned(&host)).unwrap(), Applied::Nothing);
    let listed = Store::open(host.root()).unwrap().list().unwrap();
    assert_eq!(listed, [transaction]);
}

#[test]
fn what_does_not_hold_is_undone() {
    let cases = [
        (
            "it does not start",
            Faults {
                starts: 1,
                ..Faults::default()
            },
            Outcome::RolledBack,
        ),
        (
            "its start does not end",
            Faults {
                hangs: 1,
                ..Faults::default()
            },
            Outcome::RolledBack,
        ),
        (
            "healthz is never well with it",
            Faults {
                sick: 200,
                ..Faults::default()
            },
            Outcome::NeedsHands,
        ),
        (
            "it never starts again",
            Faults {
                starts: 2,
                ..Faults::default()
            },
            Outcome::NeedsHands,
        ),
    ];
    for (name, faults, outcome) in cases {
        let host = host();
        let before = host.files();
        let plan = planned(&host);
        host.faults.set(faults);
        let transaction = done(&host, &plan);
        assert_eq!(transaction.outcome, outcome, "{name}: {transaction:?}");
        assert_eq!(host.files(), before, "{name}");
        assert_eq!(host.starts(), 2, "{name}");
        if outcome == Outcome::RolledBack {
            assert!(host.runs_what_is_there(), "{name}");
        } else {
            assert!(!transaction.hands.is_empty(), "{name}");
        }
    }
}

#[test]
fn where_systemd_cannot_be_asked_nothing_stays_written() {
    let host = host();
    let before = host.files();
    let plan = planned(&host);
    host.faults.set(Faults {
        no_reload: true,
        ..Faults::default()
    });
    let outcome = applied(&host, &plan);
    assert_eq!(host.files(), before, "{outcome:?}");
    assert_eq!(host.starts(), 0);
}

#[test]
fn a_plan_is_a_request_and_no_authority() {
    type Tamper = fn(&mut Plan);
    let tampers: [(&str, Tamper); 7] = [
        ("another file", |plan| {
            plan.edits[0].path = "/etc/hosts".into();
        }),
        ("another target", |plan| {
            plan.edits[0].target = "/etc/hosts".into();
        }),
        ("other lines", |plan| {
            plan.edits[0].hunks[0].new = vec!["  mode: AlwaysAllow\n".into()];
        }),
        ("one edit more", |plan| {
            let mut edit = plan.edits[0].clone();
            edit.path = "/etc/cron.d/job".into();
            edit.target = edit.path.clone();
            edit.kind = EditKind::Create;
            edit.before = None;
            edit.hunks = vec![Hunk {
                line: 1,
                above: Vec::new(),
                old: Vec::new(),
                new: vec!["* * * * * root true\n".into()],
                below: Vec::new(),
            }];
            plan.edits.push(edit);
        }),
        ("no edit", |plan| plan.edits.clear()),
        ("another unit", |plan| {
            plan.restarts[0].unit = "sshd.service".into();
        }),
        ("another node", |plan| plan.node.id = "0".repeat(32)),
    ];
    for (name, tamper) in tampers {
        let host = host();
        let before = host.files();
        let mut plan = planned(&host);
        tamper(&mut plan);
        let refused = applied(&host, &plan);
        assert!(
            matches!(refused, Err(ApplyError::Differs(_))),
            "{name}: {refused:?}"
        );
        assert_eq!(host.files(), before, "{name}");
        assert_eq!(host.starts(), 0, "{name}");
    }
}

#[test]
fn what_somebody_changed_since_is_not_overwritten() {
    let unit = "/etc/systemd/system/kubelet.service.d/30-theirs.conf";
    let edits = [
        (CONFIG, format!("{}# theirs\n", config("AlwaysAllow"))),
        (
            unit,
            "[Service]\nEnvironment=KUBELET_EXTRA_ARGS=--authorization-mode=AlwaysAllow\n"
                .to_owned(),
        ),
    ];
    for (path, text) in edits {
        let host = host();
        let plan = planned(&host);
        host.write(path, &text);
        let refused = applied(&host, &plan);
        assert!(
            matches!(refused, Err(ApplyError::Differs(_))),
            "{path}: {refused:?}"
        );
        assert_eq!(host.read(path).unwrap(), text);
        assert_eq!(host.starts(), 0);
    }
}

#[test]
fn what_could_not_be_told_holds_it_back_until_it_is_accepted() {
    let host = host();
    let plan = planned(&host);
    let refused = ordered(&host, &[], |order| apply(&plan, order));
    let Err(ApplyError::Blocked(checks)) = refused else {
        panic!("{refused:?}")
    };
    assert!(
        checks.iter().any(|check| check.id == "client-ca"),
        "{checks:?}"
    );
    assert_eq!(host.read(CONFIG).unwrap(), config("AlwaysAllow"));
}

#[test]
fn a_transaction_is_undone_when_asked_and_once() {
    let host = host();
    let before = host.files();
    let fixed = done(&host, &planned(&host));
    let undone = ordered(&host, &[], |order| rollback(None, order)).unwrap();
    assert_eq!(
        (undone.outcome, &undone.id),
        (Outcome::RolledBack, &fixed.id),
        "{undone:?}"
    );
    assert_eq!(host.files(), before);
    assert!(host.runs_what_is_there());
    let again = ordered(&host, &[], |order| rollback(None, order));
    assert!(matches!(again, Err(ApplyError::NothingToUndo)), "{again:?}");
    let again = ordered(&host, &[], |order| rollback(Some(&fixed.id), order));
    assert!(matches!(again, Err(ApplyError::Store(_))), "{again:?}");
}

#[test]
fn what_somebody_wrote_after_a_fix_is_left_to_a_person() {
    let host = host();
    drop(done(&host, &planned(&host)));
    let theirs = format!("{}# theirs\n", config("Webhook"));
    host.write(CONFIG, &theirs);
    let undone = ordered(&host, &[], |order| rollback(None, order)).unwrap();
    assert_eq!(undone.outcome, Outcome::NeedsHands, "{undone:?}");
    assert!(!undone.hands.is_empty());
    assert_eq!(host.read(CONFIG).unwrap(), theirs);
}
