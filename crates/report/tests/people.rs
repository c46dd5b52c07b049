//! What people see: table and wide, at 80 and 40 columns, with and without colour.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes helpers of tests for no tests"
)]

mod common;

use common::{
    compliant, denied, empty, evidence, failing, fleet, in_pod, node, one_node, passing, problem,
    report, shown,
};
use insta::assert_snapshot;
use kubeassay_core::report::{
    Cluster, Distribution, Evidence, Finding, Source, Subject, WitnessFinding,
};
use kubeassay_core::{Cause, Horizon, Origin, OriginKind, Value, Verdict, Witness};
use kubeassay_report::table::{self, Extent};
use kubeassay_report::{Format, Style};

#[test]
fn table_of_one_node() {
    assert_snapshot!("table_80", shown(&one_node(), Format::Table, 80, false));
    assert_snapshot!("table_40", shown(&one_node(), Format::Table, 40, false));
    assert_snapshot!("table_120", shown(&one_node(), Format::Table, 120, false));
}

#[test]
fn table_of_a_fleet() {
    assert_snapshot!("table_fleet_80", shown(&fleet(), Format::Table, 80, false));
    assert_snapshot!("table_fleet_40", shown(&fleet(), Format::Table, 40, false));
}

#[test]
fn wide_shows_every_finding() {
    assert_snapshot!("wide_80", shown(&one_node(), Format::Wide, 80, false));
    assert_snapshot!("wide_40", shown(&one_node(), Format::Wide, 40, false));
    assert_snapshot!("wide_fleet_120", shown(&fleet(), Format::Wide, 120, false));
}

#[test]
fn wide_says_what_the_platform_was_told_by() {
    let mut told = one_node();
    told.scanned.nodes[0].distribution = Some(Distribution {
        id: "k3s".to_owned(),
        name: "k3s".to_owned(),
        evidence: vec!["process 900 (k3s)".into(), "version v1.34.1+k3s1".into()],
        also: vec!["minikube: /var/lib/minikube".into()],
        documented: true,
    });
    told.findings[0].fix.how = Some("`kubelet-arg` in the file".to_owned());
    let wide = shown(&told, Format::Wide, 200, false);
    let by = "is told to be k3s by process 900 (k3s), version v1.34.1+k3s1; there are signs of others too: minikube: /var/lib/minikube\n";
    assert!(wide.contains(by), "{wide}");
    assert!(
        wide.contains("  mend   `kubelet-arg` in the file\n"),
        "{wide}"
    );
    let table = shown(&told, Format::Table, 200, false);
    assert!(
        !table.contains("is told to be") && !table.contains("  mend  "),
        "{table}"
    );
}

#[test]
fn colour_adds_nothing_to_the_words() {
    for report in [one_node(), fleet(), compliant(), empty()] {
        for format in [Format::Table, Format::Wide] {
            let coloured = shown(&report, format, 80, true);
            assert_eq!(without_colour(&coloured), shown(&report, format, 80, false));
        }
    }
    let escaped = shown(&one_node(), Format::Table, 80, true).replace('\x1b', "^[");
    assert_snapshot!("table_80_colour", escaped);
}

#[test]
fn a_compliant_node_says_so() {
    assert_snapshot!(
        "table_compliant",
        shown(&compliant(), Format::Table, 80, false)
    );
}

/// The table keeps numbers of what it does not show: its page is that of the whole report.
#[test]
fn what_is_settled_is_counted_as_if_it_were_kept() {
    let style = Style {
        width: 80,
        colour: true,
    };
    let with_pods = {
        let mut report = report(
            vec![node("worker-1")],
            vec![passing("worker-1"), in_pod(passing("worker-1"))],
        );
        report.summary.pass += 1;
        report
    };
    let mut of_pods = with_pods.clone();
    of_pods.findings.remove(0);
    of_pods.summary.pass = 0;
    let mut at_the_next_start = with_pods.clone();
    at_the_next_start.findings[0].horizon = Horizon::Restart;
    let mut with_problem = fleet();
    with_problem.problems = vec![problem("worker-1")];
    let rules = with_problem.findings.iter().map(|one| one.rule.clone());
    with_problem.problems[0].affects = rules.collect();
    let mut two_kubelets = compliant();
    let mut other = failing("worker-1");
    other.subject.key = "/var/lib/other".to_owned();
    two_kubelets.findings.push(other);
    for (index, mut report) in [
        one_node(),
        fleet(),
        compliant(),
        empty(),
        with_pods,
        of_pods,
        at_the_next_start,
        with_problem,
        two_kubelets,
    ]
    .into_iter()
    .enumerate()
    {
        report.findings.sort_by_key(|one| {
            let subject = one.subject.key.clone();
            (one.node.clone(), one.rule.clone(), subject, one.horizon)
        });
        let mut whole = Vec::new();
        table::write(&report, Extent::Open, style, &mut whole).unwrap();
        let whole = String::from_utf8(whole).unwrap();
        assert_eq!(shown(&report, Format::Table, 80, true), whole, "{index}");
    }
}

#[test]
fn nothing_judged_is_not_zero_failures() {
    let mut on_a_laptop = empty();
    on_a_laptop.gate.reason = "no Kubernetes component was found on this host".to_owned();
    let text = shown(&on_a_laptop, Format::Table, 80, false);
    assert!(!text.contains("0 fail"), "{text}");
    assert_snapshot!("table_empty", text);

    let in_pod_only = report(vec![node("worker-1")], vec![in_pod(failing("worker-1"))]);
    let text = shown(&in_pod_only, Format::Table, 80, false);
    assert!(!text.contains("0 fail"), "{text}");
    assert_snapshot!("table_in_pod_only", text);
}

#[test]
fn the_next_command_reads_the_same_node_again() {
    let mut demo = one_node();
    demo.scanned.source = Source::Demo;
    let text = shown(&demo, Format::Table, 200, false);
    assert!(text.contains("kubeassay explain 4.2.2 --demo\n"), "{text}");

    let mut rooted = one_node();
    rooted.scanned.source = Source::Root;
    rooted.scanned.nodes[0].root = Some("/mnt/the host".into());
    let text = shown(&rooted, Format::Table, 200, false);
    assert!(
        text.contains("kubeassay explain 4.2.2 --root '/mnt/the host'\n"),
        "{text}"
    );
}

#[test]
fn the_next_step_fits_the_cause() {
    let next = |findings: Vec<Finding>| {
        let text = shown(
            &report(vec![node("n")], findings),
            Format::Table,
            200,
            false,
        );
        let line = text.lines().find_map(|line| line.strip_prefix("  next   "));
        line.unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    let unknown = |cause| Finding {
        cause: Some(cause),
        ..denied("n")
    };
    for cause in Cause::ALL {
        assert!(!next(vec![unknown(*cause)]).is_empty());
    }
    assert_eq!(
        next(vec![unknown(Cause::VersionUnknown)]),
        "name the version: kubeassay scan 4.2.1 --kubernetes-version VERSION"
    );
    // A file is not started, and what runs inside a program is not started alone.
    let of = |component: &str, unit: Option<&str>, cause| {
        let mut finding = unknown(cause);
        finding.subject.component = component.to_owned();
        finding.subject.unit = unit.map(Into::into);
        next(vec![finding])
    };
    assert_eq!(
        of("file", None, Cause::Missing),
        "find out where it lies or why it is not there, then: kubeassay scan 4.2.1"
    );
    assert_eq!(of("file", None, Cause::Stale), "kubeassay scan 4.2.1");
    assert_eq!(
        of("kubelet", Some("k3s.service"), Cause::Stale),
        "once k3s.service has been restarted: kubeassay scan 4.2.1"
    );
    assert_eq!(
        of("kubelet", Some("kubelet.service"), Cause::Stale),
        "once the kubelet has been restarted: kubeassay scan 4.2.1"
    );
    let provided = Finding {
        expected: "--profiling is false".to_owned(),
        ..unknown(Cause::ProviderSide)
    };
    assert_eq!(
        next(vec![provided]),
        "ask the provider, who alone can see it, whether this holds: --profiling is false"
    );
    let restart = |verdict| Finding {
        verdict,
        horizon: Horizon::Restart,
        ..failing("n")
    };
    assert_eq!(
        next(vec![failing("n"), restart(Verdict::Pass)]),
        "restart the kubelet: what is on disk now is as the rule wants it (kubeassay explain 4.2.2)"
    );
    let running = Finding {
        verdict: Verdict::Pass,
        ..failing("n")
    };
    assert_eq!(
        next(vec![running, restart(Verdict::Fail)]),
        "mend it before the kubelet restarts: kubeassay fix 4.2.2, or to see why: kubeassay explain 4.2.2"
    );
    assert_eq!(
        next(vec![failing("n"), restart(Verdict::Fail)]),
        "kubeassay fix 4.2.2, or to see why: kubeassay explain 4.2.2"
    );
    let by_hand = |horizon| {
        let mut finding = Finding {
            horizon,
            ..failing("n")
        };
        finding.fix.possible = false;
        finding
    };
    assert_eq!(
        next(vec![by_hand(Horizon::Running), by_hand(Horizon::Restart)]),
        "kubeassay explain 4.2.2"
    );
}

#[test]
fn no_line_is_wider_than_asked_for() {
    use unicode_width::UnicodeWidthStr as _;
    for report in [one_node(), fleet(), compliant(), empty()] {
        for width in [24, 33, 40, 80, 132] {
            for format in [Format::Table, Format::Wide] {
                let text = shown(&report, format, width, false);
                let over = text
                    .lines()
                    .find(|line| line.width() > width || line.ends_with(' '));
                assert_eq!(over, None, "at {width}");
            }
        }
    }
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

/// A finding with what each witness said, and what the kubelet answered.
fn witnessed(node: &str) -> Finding {
    let url = "https://10.0.0.7:10250/pods";
    let live = Origin {
        url: Some("https://10.0.0.7:10250/configz".into()),
        ..Origin::new(OriginKind::Live)
    };
    let mode = evidence(
        "kubelet.authorization.mode",
        Value::string("AlwaysAllow"),
        live.clone(),
    );
    let response = Evidence {
        setting: None,
        response: Some(format!("GET {url} as nobody: 200")),
        witness: Witness::Probe,
        ..evidence("", Value::string("AlwaysAllow"), live)
    };
    let said = |witness, verdict| WitnessFinding {
        witness,
        verdict,
        cause: None,
        observed_at: "2026-11-02T10:00:00Z".parse().unwrap(),
        reason: String::new(),
    };
    Finding {
        evidence: vec![mode, response],
        witnesses: vec![
            said(Witness::Disk, Verdict::Pass),
            said(Witness::Live, Verdict::Fail),
            said(Witness::Probe, Verdict::Fail),
        ],
        ..failing(node)
    }
}

/// What a new node will get, by an object of the cluster.
fn rebuilt() -> Finding {
    let mut finding = failing("any");
    finding.node = None;
    finding.horizon = Horizon::Rebuild;
    finding.subject = Subject {
        key: "kube-system/kubelet-config".to_owned(),
        object: Some("ConfigMap kube-system/kubelet-config".to_owned()),
        unit: None,
        pid: None,
        exe: None,
        cgroup: None,
        user: None,
        ..finding.subject
    };
    finding.assumes = vec!["no flag on the new node overrides it".to_owned()];
    finding
}

#[test]
fn witnesses_stand_beside_each_other() {
    let live = report(vec![node("worker-1")], vec![witnessed("worker-1")]);
    assert_snapshot!("table_witnesses", shown(&live, Format::Table, 80, false));
}

#[test]
fn a_cluster_is_its_nodes_and_what_new_ones_will_get() {
    let findings = vec![rebuilt(), witnessed("worker-1")];
    let mut cluster = report(vec![node("worker-1")], findings);
    cluster.scanned.source = Source::Cluster;
    cluster.scanned.cluster = Some(Cluster {
        uid: None,
        server: "https://10.0.0.1:6443".to_owned(),
        version: Some("v1.34.2".to_owned()),
    });
    assert_snapshot!("table_cluster", shown(&cluster, Format::Table, 80, false));
}

/// A finding about an object of the cluster; an empty name: about the cluster as a whole.
fn of_cluster(component: &str, name: &str, control: &str, verdict: Verdict, why: &str) -> Finding {
    let object = match component {
        "namespace" => Some(format!("Namespace {name}")),
        _ => Some(name.to_owned()).filter(|name| !name.is_empty()),
    };
    let mut finding = failing("any");
    finding.node = None;
    finding.rule = format!("rule-of-{component}-{control}");
    if let Some(first) = finding.controls.first_mut() {
        control.clone_into(&mut first.control);
    }
    finding.title = format!("what {control} asks for holds");
    finding.subject = Subject {
        key: format!("{component}/{name}"),
        component: component.to_owned(),
        object,
        ..rebuilt().subject
    };
    finding.horizon = Horizon::Running;
    finding.verdict = verdict;
    finding.cause = (verdict == Verdict::Unknown).then_some(Cause::NotPermitted);
    why.clone_into(&mut finding.reason);
    finding.evidence.clear();
    finding.witnesses.clear();
    finding.assumes = vec!["the API tells all of it".to_owned()];
    finding
}

/// A thousand namespaces that fail alike are a few lines.
#[test]
fn what_many_objects_have_in_common_is_said_once() {
    let mut findings = vec![
        of_cluster(
            "cluster",
            "",
            "5.1.7",
            Verdict::Fail,
            "mastersBindings is [one]",
        ),
        of_cluster(
            "cluster",
            "",
            "5.1.1",
            Verdict::Unknown,
            "these credentials may not list roles",
        ),
        of_cluster(
            "holder",
            "Group deployers",
            "5.1.2",
            Verdict::Fail,
            "readSecrets is [a path]",
        ),
    ];
    for number in 0..1000 {
        let name = format!("team-{number}");
        findings.push(of_cluster(
            "namespace",
            &name,
            "5.3.2",
            Verdict::Fail,
            "networkPolicies is []",
        ));
        let own = format!("rootPods is [Deployment of-{name}]");
        findings.push(of_cluster("namespace", &name, "5.2.7", Verdict::Fail, &own));
        findings.push(of_cluster(
            "namespace",
            &name,
            "5.2.8",
            Verdict::Pass,
            "netRawPods is []",
        ));
    }
    let mut cluster = report(vec![node("worker-1")], findings);
    cluster.scanned.source = Source::Cluster;
    for width in [80, 40] {
        let text = shown(&cluster, Format::Table, width, false);
        assert_snapshot!(format!("table_objects_{width}"), text);
    }
    // With everything, each stands by itself.
    let wide = shown(&cluster, Format::Wide, 80, false);
    assert!(wide.contains("the cluster · Namespace team-999"), "{wide}");
}
