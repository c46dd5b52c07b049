//! What people see of plans and transactions: at 80 and 40 columns, with and without colour, and of hostile bytes.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy takes helpers of tests for no tests"
)]

use std::sync::Arc;

use insta::assert_snapshot;
use kubeassay_core::facts::{Source, Tool};
use kubeassay_core::plan::{
    Edit, EditKind, Elsewhere, Hunk, Paste, Plan, PlannedFix, PlannedNode, Preflight, Readiness,
    Request, Restart, SCHEMA, SettingChange, Unfixed,
};
use kubeassay_core::transaction::{
    self, Outcome, Step, Transaction, TransactionFile, Verification,
};
use kubeassay_core::{Bytes, Origin, OriginKind, Verdict};
use kubeassay_report::plan::summary;
use kubeassay_report::{Style, plan, transaction as shown};
use serde_json::json;

const CONFIG: &str = "/var/lib/kubelet/config.yaml";
const DROP_IN: &str = "/etc/systemd/system/kubelet.service.d/90-kubeassay.conf";
const APPLY: &str = "sudo kubeassay apply node.plan";

fn lines(text: &str) -> Vec<Bytes> {
    text.split_inclusive('\n').map(Bytes::from).collect()
}

fn hunk(line: u32, above: &str, old: &str, new: &str, below: &str) -> Hunk {
    Hunk {
        line,
        above: lines(above),
        old: lines(old),
        new: lines(new),
        below: lines(below),
    }
}

fn nothing() -> Plan {
    Plan {
        schema: SCHEMA.to_owned(),
        tool: Tool {
            name: "kubeassay".to_owned(),
            version: "0.1.0".to_owned(),
            commit: None,
        },
        taken: "2026-11-26T01:30:00.5Z".parse().unwrap(),
        source: Source::Live,
        node: PlannedNode {
            id: "id-worker-1".to_owned(),
            name: "worker-1".to_owned(),
        },
        request: Request {
            rules: vec!["kubelet-authorization-mode".to_owned()],
            digest: "sha256:9f86d081".to_owned(),
            kubernetes_version: None,
            accepted: Vec::new(),
            choices: kubeassay_core::rule::SiteChoices::default(),
        },
        fixes: Vec::new(),
        edits: Vec::new(),
        restarts: Vec::new(),
        preflight: Vec::new(),
        unfixed: Vec::new(),
        elsewhere: Vec::new(),
    }
}

fn at(kind: OriginKind, path: &str, line: u32) -> Origin {
    Origin::file(kind, Arc::new(Bytes::from(path)), line, 9)
}

fn authorization() -> PlannedFix {
    PlannedFix {
        rule: "kubelet-authorization-mode".to_owned(),
        title: "Ensure that the kubelet asks the API server who may do what".to_owned(),
        control: Some("4.2.2".to_owned()),
        subject: "kubelet.service".to_owned(),
        running: Verdict::Fail,
        restart: Verdict::Fail,
        planned: Verdict::Pass,
        settings: vec![SettingChange {
            setting: "authorization.mode".to_owned(),
            from: json!("AlwaysAllow"),
            from_origin: at(OriginKind::File, CONFIG, 10),
            to: json!("Webhook"),
            to_origin: at(OriginKind::File, CONFIG, 10),
        }],
    }
}

fn timeout() -> PlannedFix {
    PlannedFix {
        rule: "kubelet-streaming-connections-time-out".to_owned(),
        title: "Ensure that connections do not stay for ever".to_owned(),
        control: Some("4.2.5".to_owned()),
        running: Verdict::Pass,
        settings: vec![
            SettingChange {
                setting: "streamingConnectionIdleTimeout".to_owned(),
                from: json!("0s"),
                from_origin: Origin::flag("streaming-connection-idle-timeout", 3),
                to: json!("4h0m0s"),
                to_origin: at(OriginKind::DropIn, DROP_IN, 4),
            },
            SettingChange {
                setting: "tlsCipherSuites".to_owned(),
                from: json!([]),
                from_origin: Origin::default_of("1.34"),
                to: json!([
                    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
                ]),
                to_origin: at(OriginKind::File, CONFIG, 12),
            },
        ],
        ..authorization()
    }
}

fn change() -> Edit {
    Edit {
        path: CONFIG.into(),
        target: CONFIG.into(),
        kind: EditKind::Change,
        before: Some("ab".repeat(32)),
        hunks: vec![
            hunk(
                10,
                "  webhook:\n    cacheTTL: 0s\nauthorization:\n",
                "  mode: AlwaysAllow  # for now\n",
                "  mode: Webhook  # for now\n",
                "cgroupDriver: systemd\nclusterDNS:\n- 10.96.0.10\n",
            ),
            // Its lines above are the first one's below.
            hunk(
                13,
                "  mode: AlwaysAllow  # for now\ncgroupDriver: systemd\nclusterDNS:\n",
                "- 10.96.0.10\n",
                "",
                "",
            ),
            hunk(40, "a\nb\nc\n", "", "d: 1\n", "e\nf"),
        ],
    }
}

fn made() -> Edit {
    Edit {
        path: DROP_IN.into(),
        target: DROP_IN.into(),
        kind: EditKind::Create,
        before: None,
        hunks: vec![hunk(
            1,
            "",
            "",
            "# Written by kubeassay.\n[Service]\nExecStart=\nExecStart=/usr/bin/kubelet --config=/var/lib/kubelet/config.yaml\n",
            "",
        )],
    }
}

fn check(id: &str, readiness: Readiness, reason: &str) -> Preflight {
    Preflight {
        id: id.to_owned(),
        readiness,
        reason: reason.to_owned(),
        accepted: false,
    }
}

fn left() -> Unfixed {
    Unfixed {
        rule: "kubelet-serving-certificate".to_owned(),
        title: "Ensure that the kubelet serves a certificate of its own".to_owned(),
        control: Some("4.2.9".to_owned()),
        subject: "kubelet.service".to_owned(),
        verdict: Verdict::Fail,
        reason: "which certificate it serves is for a person to decide".to_owned(),
        instead: Some(Paste {
            into: "/var/lib/kubelet/config.yaml, with your own files".to_owned(),
            text: "tlsCertFile: /etc/kubernetes/pki/kubelet.crt\ntlsPrivateKeyFile: /etc/kubernetes/pki/kubelet.key\n".to_owned(),
        }),
    }
}

fn everything() -> Plan {
    let mut accepted = check("conntrack", Readiness::Unknown, "the sysctl cannot be read");
    accepted.accepted = true;
    Plan {
        fixes: vec![authorization(), timeout()],
        edits: vec![made(), change()],
        restarts: vec![Restart {
            unit: "kubelet.service".into(),
            subject: "kubelet.service".to_owned(),
            by: Some("D-Bus".to_owned()),
        }],
        preflight: vec![
            check(
                "starts",
                Readiness::Pass,
                "kubelet 1.34.2 would start with it",
            ),
            accepted,
        ],
        unfixed: vec![left()],
        elsewhere: vec![Elsewhere {
            manager: "kubeadm".to_owned(),
            reason: "the next upgrade writes the file from the ConfigMap kubelet-config".to_owned(),
            paste: Paste {
                into: "the ConfigMap (kubectl -n kube-system edit configmap kubelet-config)"
                    .to_owned(),
                text: "authorization:\n  mode: Webhook\n".to_owned(),
            },
        }],
        ..nothing()
    }
}

fn blocked() -> Plan {
    Plan {
        preflight: vec![
            check(
                "starts",
                Readiness::Pass,
                "kubelet 1.34.2 would start with it",
            ),
            check(
                "client-ca",
                Readiness::Fail,
                "no clientCAFile is set: kubectl logs and exec would break. Set authentication.x509.clientCAFile first",
            ),
            check(
                "nodes-proxy",
                Readiness::Unknown,
                "the API was not asked; --live asks it",
            ),
        ],
        ..everything()
    }
}

fn hostile() -> Plan {
    let evil = || "\u{1b}]0;pwned\u{7}\u{202e}\r".to_owned();
    let mut plan = everything();
    plan.node.name = evil();
    plan.request.rules = vec![evil()];
    plan.fixes[0].title = evil();
    plan.fixes[0].subject = evil();
    plan.fixes[0].settings[0].from = json!(evil());
    plan.fixes[0].settings[0].setting = evil();
    plan.fixes[0].control = Some(evil());
    plan.restarts[0].unit = evil().as_str().into();
    plan.restarts[0].by = Some(evil());
    plan.preflight[0] = check(&evil(), Readiness::Unknown, &evil());
    plan.unfixed[0].instead = Some(Paste {
        into: evil(),
        text: evil(),
    });
    plan.elsewhere[0].manager = evil();
    plan.elsewhere[0].paste.text = evil();
    let mut long = b"{\"pad\": \"".to_vec();
    long.extend(vec![b'x'; 3000]);
    let with = |tail: &[u8]| Bytes::from([&long, tail].concat());
    plan.edits = vec![Edit {
        path: evil().as_str().into(),
        target: Bytes::from(&b"/etc/\xff\n"[..]),
        kind: EditKind::Change,
        before: None,
        hunks: vec![
            Hunk {
                line: 1,
                above: Vec::new(),
                old: vec![with(b"\", \"mode\": \"AlwaysAllow\"}")],
                new: vec![with(b"\", \"mode\": \"Webhook\"}")],
                below: Vec::new(),
            },
            Hunk {
                line: u32::MAX,
                above: vec![evil().as_str().into()],
                old: vec![Bytes::from(&b"caf\xe9: 1\r\n"[..])],
                new: vec![Bytes::from(&b"caf\xe9: 2\r\n"[..])],
                below: vec![Bytes::from(&b"\x9b31m\n"[..])],
            },
        ],
    }];
    plan
}

fn text(plan: &Plan, width: usize, colour: bool) -> String {
    let mut out = Vec::new();
    plan::write(plan, Some(APPLY), Style { width, colour }, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_plan_says_everything() {
    assert_snapshot!("plan_80", text(&everything(), 80, false));
    assert_snapshot!("plan_40", text(&everything(), 40, false));
    let coloured = text(&everything(), 80, true);
    assert_snapshot!("plan_80_colour", coloured.replace('\x1b', "^["));
    assert_eq!(without_colour(&coloured), text(&everything(), 80, false));
}

#[test]
fn a_plan_that_is_blocked_says_by_what() {
    assert_snapshot!("plan_blocked", text(&blocked(), 80, false));
    let mut unknown = blocked();
    unknown.preflight.remove(1);
    let said = text(&unknown, 200, false);
    assert!(
        said.ends_with(&format!("{APPLY} --accept nodes-proxy\n")),
        "{said}"
    );
}

#[test]
fn a_plan_without_changes_says_whether_that_is_good() {
    assert_snapshot!("plan_nothing", text(&nothing(), 80, false));
    let unfixed = Plan {
        unfixed: vec![left()],
        ..nothing()
    };
    assert_snapshot!("plan_unfixed", text(&unfixed, 80, false));
    let restart = Plan {
        fixes: vec![PlannedFix {
            restart: Verdict::Pass,
            settings: Vec::new(),
            ..authorization()
        }],
        restarts: everything().restarts,
        ..nothing()
    };
    assert_snapshot!("plan_restart", text(&restart, 80, false));
}

#[test]
fn what_does_not_run_is_not_restarted_and_what_cannot_be_applied_is_not_accepted() {
    let mut plan = blocked();
    plan.restarts.clear();
    let said = text(&plan, 200, false);
    assert!(said.contains("\nNothing is restarted: "), "{said}");
    assert!(said.contains("--accept nodes-proxy"), "{said}");
    let mut out = Vec::new();
    let style = Style {
        width: 200,
        colour: false,
    };
    plan::write(&plan, None, style, &mut out).unwrap();
    let said = String::from_utf8(out).unwrap();
    assert!(said.contains("; --live asks it\n"), "{said}");
    assert!(!said.contains("--accept"), "{said}");
    assert!(
        said.ends_with("blocked by: client-ca, nodes-proxy\n"),
        "{said}"
    );
}

#[test]
fn a_symbolic_link_is_named_beside_the_file_that_is_written() {
    let mut plan = everything();
    plan.edits = vec![Edit {
        path: "/etc/kubelet.yaml".into(),
        ..change()
    }];
    let said = text(&plan, 80, false);
    assert!(
        said.contains(&format!(
            "{CONFIG} changes\n  named /etc/kubelet.yaml, which leads there by symbolic links\n--- {CONFIG}\n"
        )),
        "{said}"
    );
}

#[test]
fn nothing_of_a_host_reaches_the_terminal_as_it_is() {
    let said = text(&hostile(), 80, false);
    assert_snapshot!("plan_hostile", said);
    let transactions = [hostile_transaction()];
    let (list, one) = (list(&transactions, 80), show(&transactions[0], 80, false));
    for said in [said, list, one] {
        let raw = |one: &char| one.is_control() && *one != '\n' || *one == '\u{202e}';
        assert_eq!(said.chars().find(raw), None, "{said:?}");
    }
}

#[test]
fn the_summary_counts() {
    for (plan, said) in [
        (
            everything(),
            "Plan: 2 to mend, 1 file to change, 1 file to make, 1 service to restart, 1 not fixable",
        ),
        (
            blocked(),
            "Plan: 2 to mend, 1 file to change, 1 file to make, 1 service to restart, 1 not fixable; blocked by: client-ca, nodes-proxy",
        ),
    ] {
        assert_eq!(summary(&plan), said);
    }
}

/// What is said is wrapped; what is quoted of a file, or to be pasted, is not.
#[test]
fn no_sentence_is_wider_than_asked_for() {
    use unicode_width::UnicodeWidthStr as _;
    for width in [24, 40, 80] {
        for plan in [everything(), blocked(), nothing()] {
            let said = text(&plan, width, false);
            let over = said.lines().find(|line| {
                let quoted = [" ", "+", "-", "@@", "\\"];
                line.width() > width && !quoted.iter().any(|mark| line.starts_with(mark))
            });
            assert_eq!(over, None, "at {width}");
        }
        for said in [
            show(&transaction(Outcome::NeedsHands), width, false),
            list(&[transaction(Outcome::Fixed)], width),
        ] {
            let over = said.lines().find(|line| line.width() > width);
            assert_eq!(over, None, "at {width}");
        }
    }
}

fn transaction(outcome: Outcome) -> Transaction {
    let check = |id: &str, readiness, reason: &str| Verification {
        id: id.to_owned(),
        readiness,
        reason: reason.to_owned(),
    };
    let step = |at: &str, what: &str| Step {
        at: at.parse().unwrap(),
        what: what.to_owned(),
    };
    let needs_hands = outcome == Outcome::NeedsHands;
    Transaction {
        schema: transaction::SCHEMA.to_owned(),
        id: "20261126T013000Z-4f2a9c".to_owned(),
        tool: nothing().tool,
        started: "2026-11-26T01:30:00Z".parse().unwrap(),
        finished: (outcome != Outcome::Unfinished).then(|| "2026-11-26T01:30:12Z".parse().unwrap()),
        node: nothing().node,
        rules: nothing().request.rules,
        outcome,
        reason: "the service did not become active within 90 s".to_owned(),
        hands: if needs_hands {
            vec![
                "Look why it does not start: journalctl -u kubelet.service".to_owned(),
                "Start it: systemctl start kubelet.service".to_owned(),
            ]
        } else {
            Vec::new()
        },
        files: vec![
            TransactionFile {
                target: CONFIG.into(),
                kind: EditKind::Change,
                before: Some("ab".repeat(32)),
                after: "cd".repeat(32),
            },
            TransactionFile {
                target: DROP_IN.into(),
                kind: EditKind::Create,
                before: None,
                after: "ef".repeat(32),
            },
        ],
        units: vec!["kubelet.service".into()],
        steps: vec![
            step("2026-11-26T01:30:01Z", "wrote /var/lib/kubelet/config.yaml"),
            step("2026-11-26T01:30:02Z", "restarted kubelet.service"),
        ],
        checks: vec![
            check("active", Readiness::Pass, "active for 10 s"),
            check("healthz", Readiness::Fail, "no answer within 60 s"),
            check("ready", Readiness::Unknown, "the API was not asked"),
        ],
    }
}

fn hostile_transaction() -> Transaction {
    let evil = || "\u{1b}]0;pwned\u{7}\u{202e}\r".to_owned();
    let mut one = transaction(Outcome::NeedsHands);
    one.id = evil();
    one.node.name = evil();
    one.rules = vec![evil()];
    one.reason = evil();
    one.hands = vec![evil()];
    one.files[0].target = evil().as_str().into();
    one.files[0].before = Some(evil());
    one.units = vec![evil().as_str().into()];
    one.steps[0].what = evil();
    one.checks[0].id = evil();
    one.checks[0].reason = evil();
    one
}

fn list(transactions: &[Transaction], width: usize) -> String {
    let mut out = Vec::new();
    let style = Style {
        width,
        colour: false,
    };
    shown::write_list(transactions, style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn show(transaction: &Transaction, width: usize, colour: bool) -> String {
    let mut out = Vec::new();
    shown::write(
        transaction,
        "kubeassay rollback",
        Style { width, colour },
        &mut out,
    )
    .unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn transactions_are_listed_and_shown() {
    let all: Vec<Transaction> = [
        Outcome::Fixed,
        Outcome::RolledBack,
        Outcome::Refused,
        Outcome::NeedsHands,
        Outcome::Unfinished,
    ]
    .map(transaction)
    .to_vec();
    assert_snapshot!("transactions_80", list(&all, 80));
    assert_snapshot!("transactions_40", list(&all[..1], 40));
    assert_eq!(
        list(&[], 80),
        "No transaction: kubeassay changed nothing here.\n"
    );
    let hands = transaction(Outcome::NeedsHands);
    assert_snapshot!("transaction_hands_80", show(&hands, 80, false));
    assert_snapshot!("transaction_hands_40", show(&hands, 40, false));
    let coloured = show(&hands, 80, true);
    assert_eq!(without_colour(&coloured), show(&hands, 80, false));
    let unfinished = show(&transaction(Outcome::Unfinished), 80, false);
    assert!(
        unfinished.contains("has not ended") && unfinished.contains("kubeassay rollback 2026"),
        "{unfinished}"
    );
    let back = show(&transaction(Outcome::RolledBack), 80, false);
    assert!(!back.contains("kubeassay rollback"), "{back}");
}

fn without_colour(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\x1b') {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    plain + rest
}
