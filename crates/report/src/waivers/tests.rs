//! What waivers cover and what is said of them.

use kubeassay_core::rule::Code;
use kubeassay_core::{Bytes, Horizon, Value, Verdict};
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::fixtures::{covered, evidence, file, finding, node, read, rules, started, waiving};
use super::{AddError, Document, Draft, Scope, add, lint};

const FAIL: Verdict = Verdict::Fail;

fn failing() -> kubeassay_core::report::Finding {
    finding(Some("worker-1"), FAIL, "AlwaysAllow")
}

#[test]
fn everything_that_a_scope_names_has_to_match() {
    for (scope, covers) in [
        ("", true),
        ("scope: {nodes: [worker-1]}", true),
        ("scope: {nodes: worker-1}", true),
        ("scope: {nodes: [id-worker-1]}", true),
        ("scope: {nodes: [worker-2, 'work*']}", true),
        ("scope: {nodes: [worker-2]}", false),
        ("scope: {nodes: [Worker-1]}", false),
        ("scope: {cluster: uid-1}", true),
        ("scope: {cluster: 'https://10.0.0.1:6443'}", true),
        ("scope: {cluster: uid-2}", false),
        ("scope: {subject: /var/lib/kubelet}", true),
        ("scope: {subject: '/var/*'}", true),
        ("scope: {subject: /var/lib}", false),
        ("scope: {horizon: running}", true),
        ("scope: {horizon: restart}", false),
        ("scope: {nodes: [worker-1], horizon: restart}", false),
        ("scope: {nodes: [worker-1], subject: 'x*'}", false),
    ] {
        let (waived, _) = covered(&[scope], Some("worker-1"), failing());
        assert_eq!(waived.is_some(), covers, "{scope}");
    }
}

#[test]
fn objects_of_the_cluster_are_covered_by_name_and_never_by_a_scope_of_nodes() {
    let mut of_cluster = finding(None, FAIL, "AlwaysAllow");
    of_cluster.subject.object = Some("Namespace shop".to_owned());
    for (scope, covers) in [
        ("scope: {subject: Namespace shop}", true),
        ("scope: {subject: 'Namespace *'}", true),
        ("scope: {subject: Namespace prod}", false),
        ("scope: {nodes: ['*']}", false),
    ] {
        let (waived, _) = covered(&[scope], None, of_cluster.clone());
        assert_eq!(waived.is_some(), covers, "{scope}");
    }
}

#[test]
fn a_file_is_named_by_its_path() {
    let path = "/etc/kubernetes/admin.conf";
    let mut of_file = failing();
    of_file.subject.key = format!("file:{path}");
    of_file.evidence = vec![evidence(None, Some(path), Value::string("0644"))];
    for (observed, covers) in [
        ("observed: {/etc/kubernetes/admin.conf: '0644'}", true),
        ("observed: {/etc/kubernetes/admin.conf: 0644}", true),
        ("observed: {/etc/kubernetes/admin.conf: '0600'}", false),
    ] {
        let entry = format!("{observed}, scope: {{subject: {path}}}");
        let (waived, _) = covered(&[&entry], Some("worker-1"), of_file.clone());
        assert_eq!(waived.is_some(), covers, "{observed}");
    }
}

#[test]
fn only_what_fails_or_is_unknown_is_waived_and_unknown_only_where_it_is_said() {
    let values = "observed: {kubelet.authorization.mode: AlwaysAllow}";
    for (observed, verdict, covers) in [
        (values, FAIL, true),
        (values, Verdict::Unknown, false),
        (values, Verdict::Pass, false),
        (values, Verdict::Manual, false),
        (values, Verdict::NotApplicable, false),
        ("observed: unknown", Verdict::Unknown, true),
        ("observed: unknown, cause: denied", Verdict::Unknown, true),
        ("observed: unknown, cause: missing", Verdict::Unknown, false),
        ("observed: unknown", FAIL, false),
        ("observed: unknown", Verdict::Pass, false),
        ("observed: unknown", Verdict::Manual, false),
    ] {
        let found = finding(Some("worker-1"), verdict, "AlwaysAllow");
        let (waived, _) = covered(&[observed], Some("worker-1"), found);
        assert_eq!(waived.is_some(), covers, "{observed} {verdict}");
    }
}

/// Everything is scanned on 2026-11-26, a second before its end.
#[test]
fn the_last_day_is_the_last_on_which_it_holds() {
    for (expires, covers) in [
        ("2026-11-25", false),
        ("2026-11-26", true),
        ("2026-11-27", true),
        ("1970-01-01", false),
        ("9999-12-31", true),
    ] {
        let entry = format!("expires: {expires}");
        let (waived, said) = covered(&[&entry], Some("worker-1"), failing());
        assert_eq!(waived.is_some(), covers, "{expires}");
        let expired = said.contains(&"w.yaml:2 waiver-expired".to_owned());
        assert_eq!(expired, !covers, "{expires}: {said:?}");
    }
}

#[test]
fn findings_say_what_is_wrong_with_waivers() {
    let broad = "w.yaml:2 waiver-too-broad";
    let unused = "w.yaml:2 waiver-unused";
    let expired = "w.yaml:2 waiver-expired";
    let changed = "w.yaml:2 waiver-changed";
    let pass = || finding(Some("worker-1"), Verdict::Pass, "Webhook");
    let other = || finding(Some("worker-1"), FAIL, "AlwaysDeny");
    let unknown = || finding(Some("worker-1"), Verdict::Unknown, "");
    for (entries, found, said) in [
        (&[""][..], failing(), &[][..]),
        // It would have covered this.
        (&["expires: 2026-11-25"], failing(), &[expired]),
        // Over, and of no use: to be removed.
        (&["expires: 2026-11-25"], pass(), &[unused]),
        // Renewed below, the old one left in place.
        (&["expires: 2026-11-25", ""], failing(), &[unused]),
        (&[""], other(), &[changed]),
        (&["observed: unknown"], failing(), &[changed]),
        (&[""], pass(), &[unused]),
        // Nobody can say whether it is needed.
        (&[""], unknown(), &[]),
        (&["scope: {subject: /gone}"], pass(), &[unused]),
        (&["scope: {subject: /gone}"], unknown(), &[]),
        // Its node was not scanned.
        (&["scope: {nodes: [worker-2]}"], pass(), &[]),
        (&["scope: {nodes: [worker-1, worker-2]}"], pass(), &[]),
        (&["scope: {nodes: [worker-1]}"], pass(), &[unused]),
        // There may be others of its kind, on a scan of one node.
        (&["scope: {nodes: ['w*']}"], pass(), &[]),
        (&["scope: {cluster: uid-2}"], pass(), &[]),
        (&["scope: {nodes: ['*']}"], failing(), &[broad]),
        (&["scope: {subject: '*'}"], failing(), &[broad]),
        (&["expires: 2027-12-31"], failing(), &[]),
        (&["expires: 2028-01-01"], failing(), &[broad]),
        (
            &["expires: 2027-12-31, created: 2026-11-25"],
            failing(),
            &[broad],
        ),
    ] {
        let (_, found) = covered(entries, Some("worker-1"), found);
        assert_eq!(found, said, "{entries:?}");
    }
}

#[test]
fn a_waiver_without_a_scope_is_too_broad_for_several_nodes() {
    let mut waiving = waiving(&["", "scope: {subject: /var/lib/kubelet}"]);
    for name in ["worker-1", "worker-2"] {
        let mut found = [finding(Some(name), FAIL, "AlwaysAllow")];
        waiving.apply(Some(&node(name)), &mut found);
    }
    let said = waiving.findings();
    let broad = said.iter().filter(|one| one.rule == "waiver-too-broad");
    let broad: Vec<_> = broad.map(|one| one.subject.key.as_str()).collect();
    assert_eq!(broad, ["w.yaml:4.2.2"]);
}

#[test]
fn of_several_the_narrowest_decides_and_disagreement_is_said() {
    let here = "scope: {nodes: [worker-1]}";
    let pattern = "scope: {nodes: ['w*']}";
    let other = "observed: {kubelet.authorization.mode: AlwaysDeny}";
    let narrow_other = format!("{here}, {other}");
    let narrow_owner = format!("{here}, owner: p");
    for (entries, waived, said) in [
        // They agree: nothing to say but that one of them is not needed.
        (&["", here][..], Some(3), &["w.yaml:2 waiver-unused"][..]),
        (&[here, pattern], Some(2), &[]),
        (
            &["", &narrow_owner],
            Some(3),
            &["w.yaml:3 waiver-contradicting", "w.yaml:2 waiver-unused"],
        ),
        // The narrower one accepts another value: the broader one does not help.
        (
            &["", &narrow_other],
            None,
            &[
                "w.yaml:3 waiver-changed",
                "w.yaml:3 waiver-contradicting",
                "w.yaml:2 waiver-unused",
            ],
        ),
        // As narrow as each other: either value is accepted.
        (&["", other], Some(2), &["w.yaml:3 waiver-unused"]),
        (
            &["", "expires: 2027-01-31"],
            Some(3),
            &["w.yaml:3 waiver-contradicting", "w.yaml:2 waiver-unused"],
        ),
        // The narrower one is over: the broader one holds.
        (
            &["", "scope: {nodes: [worker-1]}, expires: 2026-01-31"],
            Some(2),
            &["w.yaml:3 waiver-unused"],
        ),
    ] {
        let (by, found) = covered(entries, Some("worker-1"), failing());
        let line = waived.map(|line: u32| format!("w.yaml:{line}"));
        assert_eq!(
            (by, found),
            (line, said.iter().map(|one| (*one).to_owned()).collect()),
            "{entries:?}"
        );
    }
}

#[test]
fn every_value_that_is_named_has_to_be_there() {
    let mut two = failing();
    two.evidence
        .push(evidence(Some("kubelet.b"), None, Value::Null));
    for (values, covers) in [
        (
            "kubelet.authorization.mode: AlwaysAllow, kubelet.b: null",
            true,
        ),
        ("kubelet.b: null", true),
        (
            "kubelet.authorization.mode: AlwaysAllow, kubelet.b: x",
            false,
        ),
        (
            "kubelet.authorization.mode: AlwaysAllow, kubelet.c: null",
            false,
        ),
        ("authorization.mode: AlwaysAllow", false),
    ] {
        let entry = format!("observed: {{{values}}}");
        let (waived, _) = covered(&[&entry], Some("worker-1"), two.clone());
        assert_eq!(waived.is_some(), covers, "{values}");
    }
}

#[test]
fn the_reasons_are_for_people() {
    let mut waiving = waiving(&[
        "expires: 2026-10-31, scope: {horizon: restart}",
        "scope: {nodes: ['*']}",
        "owner: p",
    ]);
    for name in ["worker-1", "worker-2", "worker-3", "worker-4", "worker-5"] {
        let restart = kubeassay_core::report::Finding {
            horizon: Horizon::Restart,
            ..finding(Some(name), FAIL, "AlwaysDeny")
        };
        let running = finding(Some(name), FAIL, "AlwaysAllow");
        waiving.apply(Some(&node(name)), &mut [running, restart]);
    }
    let said = waiving.findings();
    let shown: Vec<String> = said
        .iter()
        .map(|one| {
            format!(
                "{} {} {}: {}",
                one.verdict, one.rule, one.severity, one.reason
            )
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn mistakes_are_said_with_place_and_mend() {
    let good = "rule: 4.2.2, observed: unknown, reason: r, owner: o, expires: 2027-01-31";
    let with = |more: &str| format!("waivers:\n- {{{good}, {more}}}\n");
    let without =
        |key: &str, value: &str| format!("waivers:\n- {{{}}}\n", good.replace(key, value));
    let cases = [
        "waver: []\n".to_owned(),
        "- rule: 4.2.2\n".to_owned(),
        "waivers: {}\n".to_owned(),
        "waivers: [x]\n".to_owned(),
        "waivers:\n- {}\n".to_owned(),
        with("onwer: x"),
        with("scope: {node: x}"),
        with("scope: {horizon: later}"),
        with("scope: {nodes: []}"),
        with("scope: {nodes: [{}]}"),
        with("scope: [x]"),
        with("created: 2027-02-01"),
        with("created: yesterday"),
        with("cause: denid"),
        with("owner: x"),
        without("rule: 4.2.2", "rule: 4.2.3"),
        without("rule: 4.2.2", "rule: mod"),
        without("reason: r", "reason: ''"),
        without("owner: o", "owner: [o]"),
        without("observed: unknown", "observed: {}"),
        without("observed: unknown", "observed: AlwaysAllow"),
        without("observed: unknown", "cause: denied, observed: {a: b}"),
        without("2027-01-31", "2027-02-30"),
        without("2027-01-31", "20270131"),
        without("2027-01-31", "2027-01-31T00:00:00"),
        "waivers:\n- {rule: 4.2.2\n".to_owned(),
        "\u{202e}: \u{1b}[31m\n".to_owned(),
    ];
    let mut shown = Vec::new();
    for text in cases {
        let faults = Document::read("w.yaml", text.as_bytes(), &rules()).unwrap_err();
        for fault in faults {
            let help = fault.help.clone().unwrap_or_default();
            shown.push(format!("{fault} [{}] {help}\n", fault.code));
        }
    }
    insta::assert_snapshot!(shown.concat());
}

#[test]
fn hostile_files_are_refused_at_once() {
    let mut bomb = vec!["a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned()];
    for letter in b'b'..=b'k' {
        let (this, last) = (char::from(letter), char::from(letter - 1));
        let nine = vec![format!("*{last}"); 9].join(",");
        bomb.push(format!("{this}: &{this} [{nine}]\n"));
    }
    let bomb = bomb.concat();
    for (bytes, code) in [
        (vec![b' '; super::MAX_FILE + 1], Code::TooLarge),
        (b"waivers: \xff\xfe".to_vec(), Code::NotUtf8),
        (bomb.into_bytes(), Code::YamlSyntax),
        ("[".repeat(500_000).into_bytes(), Code::YamlSyntax),
        ("- ".repeat(500_000).into_bytes(), Code::YamlSyntax),
        ("waivers: &a [*a]".into(), Code::YamlSyntax),
        (
            format!("waivers: [{}]", "a,".repeat(90_000)).into_bytes(),
            Code::TooLarge,
        ),
        (
            format!("waivers:\n- {{reason: {}}}", "x".repeat(3_000)).into_bytes(),
            Code::MissingKey,
        ),
        (
            format!("waivers:\n{}", "- {}\n".repeat(2_000)).into_bytes(),
            Code::MissingKey,
        ),
    ] {
        let faults = Document::read("w.yaml", &bytes, &rules()).unwrap_err();
        assert_eq!(faults[0].code, code, "{}", faults[0]);
        assert!(faults.len() <= 100);
    }
}

#[test]
fn lint_says_what_is_over_broad_written_twice_or_contradicting() {
    for (entries, codes) in [
        (&[""][..], &[][..]),
        (&["expires: 2026-11-25"], &[Code::WaiverExpired]),
        (&["expires: 2028-11-25"], &[Code::WaiverTooBroad]),
        (&["scope: {nodes: ['*']}"], &[Code::WaiverTooBroad]),
        (&["", "owner: p"], &[Code::WaiverContradicting]),
        (&["", "expires: 2027-01-31"], &[Code::WaiverContradicting]),
        (&["", ""], &[Code::WaiverUnused]),
        (&["", "observed: {kubelet.authorization.mode: x}"], &[]),
        (&["", "scope: {horizon: restart}, owner: p"], &[]),
    ] {
        let found = lint(&[file(entries)], started(), None);
        let found: Vec<Code> = found.iter().map(|one| one.code).collect();
        assert_eq!(found, codes, "{entries:?}");
    }
}

fn draft() -> Draft {
    Draft {
        rule: "4.2.2".to_owned(),
        title: "a title".to_owned(),
        scope: Scope {
            nodes: vec![
                super::Pattern::new("worker-1"),
                super::Pattern::new("gpu-*"),
            ],
            cluster: Some("https://10.0.0.1:6443".to_owned()),
            subject: Some(super::Pattern::new("Namespace shop")),
            horizon: Some(Horizon::Restart),
        },
        observed: Some(
            [
                (
                    "kubelet.authorization.mode".to_owned(),
                    Value::string("AlwaysAllow"),
                ),
                ("/etc/a b: c".to_owned(), Value::string("0644")),
                (
                    "kubelet.x".to_owned(),
                    Value::List(vec![Value::string("a, b"), Value::Int(3)]),
                ),
                ("kubelet.y".to_owned(), Value::Null),
            ]
            .into(),
        ),
        cause: None,
        reason: "the old agent: it needs this\nuntil #1183 \u{202e}is done".to_owned(),
        owner: "platform".to_owned(),
        ticket: Some("OPS-1183".to_owned()),
        created: Some("2026-11-26".parse().unwrap()),
        expires: "2027-03-31".parse().unwrap(),
    }
}

#[test]
fn a_new_file_explains_itself_and_is_read_as_it_was_meant() {
    let text = add("w.yaml", None, &draft(), &rules()).unwrap();
    let document = read(&text);
    let [entry] = document.entries.as_slice() else {
        panic!("one waiver")
    };
    assert_eq!(entry.reason, draft().reason);
    assert_eq!(entry.scope, draft().scope);
    assert_eq!(entry.line, 6);
    insta::assert_snapshot!(text);
}

#[test]
fn what_is_there_stays_as_it_is_to_the_byte() {
    let item = "rule: 4.2.4\n  reason: r\n  owner: o\n  expires: 2027-01-31\n  observed: unknown";
    let flow = "{rule: 4.2.4, reason: r, owner: o, expires: 2027-01-31, observed: unknown}";
    let deep = item.replace("\n  ", "\n       ");
    for there in [
        String::new(),
        "# ours\n".to_owned(),
        "waivers:\n".to_owned(),
        "waivers:".to_owned(),
        format!("waivers:\n- {item}\n"),
        format!("waivers:\n- {item}"),
        format!("waivers:\n     - {deep}\n\n# the end\n"),
        format!("---\nwaivers:\n  - {flow}\n"),
        format!("waivers:\r\n  - {flow}\r\n"),
    ] {
        let text = add("w.yaml", Some(there.as_bytes()), &draft(), &rules()).unwrap();
        assert!(text.starts_with(&there), "{there:?}: {text}");
        let twice = add("w.yaml", Some(text.as_bytes()), &draft(), &rules()).unwrap();
        assert!(twice.starts_with(&text), "{there:?}");
        assert_eq!(read(&twice).entries.len(), read(&text).entries.len() + 1);
    }
    for there in [
        "waivers: []\n".to_owned(),
        format!(
            "waivers:\n   - # odd\n     {}\n",
            item.replace("\n  ", "\n     ")
        ),
        format!("waivers: [{flow}]\n"),
        format!("waivers:\n- {item}\n...\n"),
    ] {
        let refused = add("w.yaml", Some(there.as_bytes()), &draft(), &rules());
        assert!(
            matches!(refused, Err(AddError::Form(_))),
            "{there}: {refused:?}"
        );
    }
    for (there, draft) in [
        ("waivers: {}\n", draft()),
        (
            "waivers:\n",
            Draft {
                reason: " ".to_owned(),
                ..draft()
            },
        ),
        (
            "waivers:\n",
            Draft {
                observed: Some([].into()),
                ..draft()
            },
        ),
    ] {
        let refused = add("w.yaml", Some(there.as_bytes()), &draft, &rules());
        assert!(
            matches!(refused, Err(AddError::Faulty(_))),
            "{there}: {refused:?}"
        );
    }
}

#[test]
fn what_a_report_says_is_what_is_accepted() {
    let rule = ["mode".to_owned()];
    let mut report = report(vec![
        finding(Some("worker-1"), FAIL, "AlwaysAllow"),
        finding(Some("worker-2"), FAIL, "AlwaysDeny"),
        finding(Some("worker-3"), Verdict::Unknown, ""),
        finding(Some("worker-4"), Verdict::Pass, "Webhook"),
    ]);
    report.scanned.nodes = ["worker-1", "worker-2", "worker-3", "worker-4"]
        .map(node)
        .to_vec();
    let at = |name: &str| Scope {
        nodes: vec![super::Pattern::new(name)],
        ..Scope::default()
    };
    let accepted = super::accept(&report, &rule, &at("worker-1")).unwrap();
    assert_eq!(
        accepted.values["kubelet.authorization.mode"],
        Value::string("AlwaysAllow")
    );
    for (name, said) in [
        (
            "worker-*",
            "1 findings are unknown in the report: /var/lib/kubelet on worker-3 (running)",
        ),
        ("worker-4", "nothing fails there"),
        ("worker-5", "the report has no finding"),
    ] {
        let refused = super::accept(&report, &rule, &at(name)).unwrap_err();
        assert!(refused.starts_with(said), "{refused}");
    }
    report.findings.truncate(2);
    let refused = super::accept(&report, &rule, &at("worker-*")).unwrap_err();
    assert!(refused.starts_with("the values differ"), "{refused}");
}

/// A report of these findings, for what reads reports.
fn report(findings: Vec<kubeassay_core::report::Finding>) -> kubeassay_core::report::Report {
    let text = include_str!("fixtures/report.json");
    let mut report: kubeassay_core::report::Report = serde_json::from_str(text).unwrap();
    report.findings = findings;
    report
}

fn entries() -> impl Strategy<Value = String> {
    let scope = prop_oneof![
        Just(""),
        Just("scope: {nodes: [worker-1]}"),
        Just("scope: {nodes: ['w*']}"),
        Just("scope: {horizon: restart}"),
        Just("scope: {subject: /var/lib/kubelet, cluster: uid-1}"),
    ];
    let observed = prop_oneof![
        Just("observed: unknown"),
        Just("observed: unknown, cause: denied"),
        Just("observed: {kubelet.authorization.mode: AlwaysAllow}"),
        Just("observed: {kubelet.authorization.mode: Webhook}"),
        Just("observed: {kubelet.authorization.mode: null}"),
    ];
    let expires = prop_oneof![Just("2026-11-25"), Just("2026-11-26"), Just("2027-06-30")];
    (scope, observed, expires, any::<bool>()).prop_map(|(scope, observed, expires, other)| {
        let owner = if other { "owner: p" } else { "owner: q" };
        let scope = if scope.is_empty() {
            String::new()
        } else {
            format!("{scope}, ")
        };
        format!("{scope}{observed}, expires: {expires}, {owner}")
    })
}

proptest! {
    /// A waiver never changes a verdict, never makes an unknown compliant, and applying twice is the same.
    #[test]
    fn a_waiver_changes_nothing_but_whether_a_finding_is_waived(
        entries in proptest::collection::vec(entries(), 0..5),
        verdicts in proptest::collection::vec(
            prop_oneof![
                Just(FAIL), Just(Verdict::Pass), Just(Verdict::Unknown), Just(Verdict::Manual),
                Just(Verdict::NotApplicable)
            ],
            1..5,
        ),
        allowed in any::<bool>(),
    ) {
        let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
        let value = if allowed { "AlwaysAllow" } else { "Webhook" };
        let before: Vec<_> = verdicts.iter().map(|one| finding(Some("worker-1"), *one, value)).collect();
        let mut waived = before.clone();
        let node = node("worker-1");
        waiving(&entries).apply(Some(&node), &mut waived);
        let mut twice = waived.clone();
        waiving(&entries).apply(Some(&node), &mut twice);
        prop_assert_eq!(&twice, &waived);
        let says_unknown = entries.iter().any(|one| one.contains("observed: unknown"));
        for (before, mut after) in before.into_iter().zip(waived) {
            let covered = after.waiver.take().is_some();
            prop_assert_eq!(&before, &after);
            match before.verdict {
                Verdict::Fail => {}
                Verdict::Unknown => prop_assert!(!covered || says_unknown),
                Verdict::Pass | Verdict::Manual | Verdict::NotApplicable => prop_assert!(!covered),
            }
        }
    }
}

#[test]
fn what_is_said_of_waivers_cannot_be_waived_and_has_ids_of_its_own() {
    let mut one = waiving(&["expires: 2026-11-25"]);
    one.apply(Some(&node("worker-1")), &mut [failing()]);
    let mut said = one.findings();
    let ids: Vec<String> = said.iter().map(|one| one.id.clone()).collect();
    one.apply(None, &mut said);
    assert!(said.iter().all(|one| one.waiver.is_none()));
    // Lines above it change nothing.
    let moved = read(&format!(
        "# a comment\n\n{}",
        file(&["expires: 2026-11-25"]).text
    ));
    let mut two = super::Waiving::new(vec![moved], started(), None);
    two.apply(Some(&node("worker-1")), &mut [failing()]);
    let moved: Vec<String> = two.findings().iter().map(|one| one.id.clone()).collect();
    assert_eq!(ids, moved);
    assert_eq!(said[0].evidence[0].file, Some(Bytes::from("w.yaml")));
}
