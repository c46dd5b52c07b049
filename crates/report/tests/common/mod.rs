//! Reports to render: a builder, and the cases that the snapshots show.

#![allow(dead_code, reason = "each test binary uses a part of it")]
#![expect(
    clippy::unwrap_used,
    reason = "clippy takes helpers of tests for no tests"
)]

use std::sync::Arc;

use kubeassay_core::facts::Platform;
use kubeassay_core::report::{
    Control, Coverage, Evidence, FailOn, Finding, Fix, Gate, KubernetesVersion, Node, NodeStatus,
    Overridden, Problem, Report, Rules, SCHEMA, Scanned, Source, Subject, Summary, Tool, User,
    Waiver,
};
use kubeassay_core::{Cause, Horizon, Origin, OriginKind, Severity, Value, Verdict, Witness};
use kubeassay_report::{Format, Prose, RuleProse, Style, render};

pub(crate) const CONFIG: &str = "/var/lib/kubelet/config.yaml";

pub(crate) fn shown(report: &Report, format: Format, width: usize, colour: bool) -> String {
    let mut out = Vec::new();
    let style = Style { width, colour };
    render(report, format, style, &Prose::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// As [`shown`], with what the page of one rule says.
pub(crate) fn with_prose(report: &Report, format: Format) -> String {
    let prose = RuleProse {
        description: "Requests are to be authorized\nby the API server.\n\nMore of it.".to_owned(),
        rationale: "Whoever reaches the port runs `exec` in every container.".to_owned(),
        remediation: "Set `authorization.mode: Webhook`.".to_owned(),
        impact: "None is known.".to_owned(),
        references: vec!["https://kubernetes.io/docs/reference/access-authn-authz/".to_owned()],
    };
    let prose = Prose::from_iter([("kubelet-authorization-mode".to_owned(), prose)]);
    let mut out = Vec::new();
    let style = Style {
        width: 80,
        colour: false,
    };
    render(report, format, style, &prose, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// A report of no nodes and no findings.
pub(crate) fn empty() -> Report {
    Report {
        schema: SCHEMA.to_owned(),
        tool: Tool {
            name: "kubeassay".to_owned(),
            version: "0.1.0".to_owned(),
            commit: None,
        },
        scanned: Scanned {
            started: "2026-11-02T10:00:00Z".parse().unwrap(),
            finished: "2026-11-02T10:00:01.5Z".parse().unwrap(),
            source: Source::Live,
            cluster: None,
            joined: Vec::new(),
            nodes: Vec::new(),
            coverage: Coverage::default(),
        },
        rules: Rules {
            count: 14,
            digest: "sha256:9f86d081".to_owned(),
            benchmark: Some("cis-kubernetes@1.12".to_owned()),
            added: Vec::new(),
            replaced: Vec::new(),
        },
        findings: Vec::new(),
        problems: Vec::new(),
        summary: Summary::default(),
        gate: Gate {
            fail_on: FailOn::UNKNOWN,
            min_coverage: None,
            max_unknown: None,
            only_new: false,
            include_pods: false,
            exit_code: 2,
            reason: "nothing was judged".to_owned(),
        },
        complete: true,
    }
}

pub(crate) fn node(name: &str) -> Node {
    Node {
        id: format!("id-{name}"),
        name: name.to_owned(),
        uid: None,
        hostname: Some(name.into()),
        root: None,
        distribution: None,
        platform: Platform {
            id: Some("debian".to_owned()),
            version: Some("12".to_owned()),
            evidence: vec!["/etc/os-release".into()],
        },
        kubernetes_version: Some(KubernetesVersion {
            value: "1.34.2".to_owned(),
            origin: "build-information".to_owned(),
        }),
        benchmark: None,
        status: NodeStatus::Scanned,
        cause: None,
        boot_time: None,
    }
}

/// A report of these nodes, with coverage, summary and gate counted from what is in it.
pub(crate) fn report(nodes: Vec<Node>, findings: Vec<Finding>) -> Report {
    let with = |status| nodes.iter().filter(|node| node.status == status).count();
    let coverage = Coverage {
        nodes: nodes.len(),
        scanned: with(NodeStatus::Scanned),
        partial: with(NodeStatus::Partial),
        unreachable: with(NodeStatus::Unreachable),
        unsupported: with(NodeStatus::Unsupported),
    };
    let mut summary = Summary::default();
    for finding in findings.iter().filter(|finding| !finding.subject.in_pod) {
        *match (&finding.waiver, finding.verdict) {
            (Some(_), _) => &mut summary.waived,
            (None, Verdict::Pass) => &mut summary.pass,
            (None, Verdict::Fail) => &mut summary.fail,
            (None, Verdict::Unknown) => &mut summary.unknown,
            (None, Verdict::Manual) => &mut summary.manual,
            (None, Verdict::NotApplicable) => &mut summary.not_applicable,
        } += 1;
    }
    let (exit_code, reason) = match (summary.fail, summary.unknown, summary.pass) {
        (0, 0, 0) => (2, "nothing was judged".to_owned()),
        (0, 0, _) => (0, "nothing fails and nothing is unknown".to_owned()),
        (0, unknown, _) => (2, format!("{unknown} could not be decided")),
        (fail, _, _) => (1, format!("{fail} failing")),
    };
    let mut report = empty();
    report.scanned.nodes = nodes;
    report.scanned.coverage = coverage;
    report.findings = findings;
    report.summary = summary;
    report.gate = Gate {
        exit_code,
        reason,
        ..report.gate
    };
    report
}

pub(crate) fn subject() -> Subject {
    Subject {
        key: "/var/lib/kubelet".to_owned(),
        component: "kubelet".to_owned(),
        unit: Some("kubelet.service".into()),
        pid: Some(812),
        exe: Some("/usr/bin/kubelet".into()),
        cgroup: Some("/system.slice/kubelet.service".into()),
        object: None,
        user: Some(User {
            id: 0,
            name: Some("root".into()),
        }),
        in_pod: false,
        recognised_by: Vec::new(),
    }
}

pub(crate) fn finding(
    node: &str,
    control: &str,
    rule: &str,
    title: &str,
    verdict: Verdict,
) -> Finding {
    Finding {
        id: format!("{node}-{rule}"),
        rule: rule.to_owned(),
        title: title.to_owned(),
        severity: Severity::High,
        controls: vec![
            Control {
                framework: "cis-kubernetes".to_owned(),
                version: Some(">=1.5".to_owned()),
                control: control.to_owned(),
            },
            Control {
                framework: "cis-eks".to_owned(),
                version: Some(">=1.5".to_owned()),
                control: "3.2.2".to_owned(),
            },
        ],
        node: Some(format!("id-{node}")),
        subject: subject(),
        horizon: Horizon::Running,
        verdict,
        cause: None,
        reason: String::new(),
        expected: String::new(),
        assumes: Vec::new(),
        witnesses: Vec::new(),
        evidence: Vec::new(),
        waiver: None,
        baseline_state: None,
        fix: Fix {
            possible: verdict == Verdict::Fail,
            why_not: None,
            how: None,
        },
        remediation: "Set authorization.mode to Webhook.".to_owned(),
    }
}

pub(crate) fn evidence(setting: &str, value: Value, origin: Origin) -> Evidence {
    Evidence {
        setting: Some(setting.to_owned()),
        file: None,
        object: None,
        response: None,
        value,
        witness: Witness::Disk,
        observed_at: "2026-11-02T10:00:00Z".parse().unwrap(),
        origin,
        overrode: Vec::new(),
    }
}

pub(crate) fn file(kind: OriginKind, path: &str, line: u32, column: u32) -> Origin {
    Origin::file(kind, Arc::new(path.into()), line, column)
}

pub(crate) fn default(value: Value) -> Overridden {
    Overridden {
        value,
        origin: Origin::default_of("1.34"),
    }
}

pub(crate) fn authorization(node: &str, verdict: Verdict) -> Finding {
    let title = "the kubelet asks the API server to authorize requests";
    finding(node, "4.2.2", "kubelet-authorization-mode", title, verdict)
}

pub(crate) fn anonymous(node: &str, verdict: Verdict) -> Finding {
    let title = "the kubelet refuses anonymous requests";
    finding(node, "4.2.1", "kubelet-anonymous-auth", title, verdict)
}

/// Fails because of a line in the configuration file.
pub(crate) fn failing(node: &str) -> Finding {
    let origin = file(OriginKind::File, CONFIG, 10, 9);
    let mut evidence = evidence(
        "kubelet.authorization.mode",
        Value::string("AlwaysAllow"),
        origin,
    );
    evidence.overrode.push(default(Value::string("Webhook")));
    Finding {
        reason: "authorization.mode is AlwaysAllow: every authenticated request may do everything"
            .to_owned(),
        expected: "authorization.mode is Webhook".to_owned(),
        evidence: vec![evidence],
        fix: Fix {
            possible: true,
            why_not: None,
            how: Some("change it in the ConfigMap kubelet-config too, or kubeadm upgrade node brings it back".to_owned()),
        },
        ..authorization(node, Verdict::Fail)
    }
}

/// Not decided: the file may not be read.
pub(crate) fn denied(node: &str) -> Finding {
    Finding {
        cause: Some(Cause::Denied),
        reason: format!("{CONFIG} could not be read: permission denied"),
        evidence: vec![evidence(
            "kubelet.authentication.anonymous.enabled",
            Value::Null,
            Origin {
                path: Some(Arc::new(CONFIG.into())),
                ..Origin::new(OriginKind::File)
            },
        )],
        ..anonymous(node, Verdict::Unknown)
    }
}

pub(crate) fn passing(node: &str) -> Finding {
    let origin = Origin {
        text: Some(Arc::new("--read-only-port=0".into())),
        ..Origin::flag("read-only-port", 3)
    };
    let mut evidence = evidence("kubelet.readOnlyPort", Value::Int(0), origin);
    evidence.overrode.push(Overridden {
        value: Value::Int(10255),
        origin: file(
            OriginKind::DropIn,
            "/etc/kubernetes/kubelet.conf.d/20-ports.conf",
            4,
            15,
        ),
    });
    evidence.overrode.push(default(Value::Int(0)));
    let title = "the read-only port is closed";
    Finding {
        evidence: vec![evidence],
        ..finding(
            node,
            "4.2.4",
            "kubelet-read-only-port",
            title,
            Verdict::Pass,
        )
    }
}

pub(crate) fn manual(node: &str) -> Finding {
    let title = "the kubelet limits how many events it sends";
    Finding {
        cause: Some(Cause::NeedsChoice),
        reason: "how many events are enough is for the site to say".to_owned(),
        evidence: vec![evidence(
            "kubelet.eventRecordQPS",
            Value::Int(50),
            Origin::default_of("1.34"),
        )],
        ..finding(
            node,
            "4.2.8",
            "kubelet-event-record-qps",
            title,
            Verdict::Manual,
        )
    }
}

pub(crate) fn not_applicable(node: &str) -> Finding {
    let title = "the kubelet rotates its server certificate";
    Finding {
        cause: Some(Cause::Unsupported),
        reason: "the certificate comes from files, so there is nothing to rotate".to_owned(),
        ..finding(
            node,
            "4.2.11",
            "kubelet-rotate-server",
            title,
            Verdict::NotApplicable,
        )
    }
}

pub(crate) fn waived(node: &str) -> Finding {
    let title = "connections that idle are closed";
    let origin = file(OriginKind::File, CONFIG, 31, 32);
    Finding {
        evidence: vec![evidence(
            "kubelet.streamingConnectionIdleTimeout",
            Value::Duration(0),
            origin,
        )],
        waiver: Some(Waiver {
            reason: "long exec sessions of the batch team, see OPS-1183".to_owned(),
            owner: "platform-security".to_owned(),
            ticket: None,
            created: None,
            expires: Some("2027-03-31".to_owned()),
            origin: None,
        }),
        ..finding(
            node,
            "4.2.5",
            "kubelet-streaming-idle-timeout",
            title,
            Verdict::Fail,
        )
    }
}

/// The file was edited since the start: unknown now, and failing at the next start.
pub(crate) fn stale_pair(node: &str) -> [Finding; 2] {
    let running = Finding {
        cause: Some(Cause::Stale),
        reason: format!(
            "{CONFIG} changed 2 h 11 min after the process started, so the process may hold another value"
        ),
        evidence: vec![evidence(
            "kubelet.authorization.mode",
            Value::Null,
            Origin {
                path: Some(Arc::new(CONFIG.into())),
                ..Origin::new(OriginKind::File)
            },
        )],
        ..authorization(node, Verdict::Unknown)
    };
    let restart = Finding {
        horizon: Horizon::Restart,
        assumes: vec!["same arguments as now".to_owned()],
        ..failing(node)
    };
    [running, restart]
}

pub(crate) fn in_pod(mut finding: Finding) -> Finding {
    finding.fix = Fix {
        possible: false,
        why_not: Some("it lives in a pod".to_owned()),
        how: None,
    };
    finding.subject = Subject {
        key: "/var/lib/kubelet-in-kind".to_owned(),
        unit: None,
        pid: Some(4711),
        user: Some(User {
            id: 165_536,
            name: None,
        }),
        in_pod: true,
        ..subject()
    };
    finding
}

pub(crate) fn problem(node: &str) -> Problem {
    Problem {
        node: Some(format!("id-{node}")),
        subject: Some("/var/lib/kubelet".to_owned()),
        cause: Cause::Denied,
        path: Some(CONFIG.into()),
        reason: "permission denied; run as root".to_owned(),
        affects: vec![
            "kubelet-authorization-mode".to_owned(),
            "kubelet-anonymous-auth".to_owned(),
        ],
    }
}

/// One node on which everything occurs.
pub(crate) fn one_node() -> Report {
    let node_name = "worker-1";
    let mut report = report(
        vec![node(node_name)],
        vec![
            failing(node_name),
            denied(node_name),
            passing(node_name),
            manual(node_name),
            not_applicable(node_name),
            waived(node_name),
        ],
    );
    report.problems.push(problem(node_name));
    report
}

/// Several nodes: an edited file, a kubelet in a pod, one not reached, one in part; cut short.
pub(crate) fn fleet() -> Report {
    let [running, restart] = stale_pair("worker-1");
    let unreachable = Node {
        status: NodeStatus::Unreachable,
        cause: Some(Cause::Unreachable),
        kubernetes_version: None,
        ..node("worker-9")
    };
    let partial = Node {
        status: NodeStatus::Partial,
        cause: Some(Cause::Denied),
        ..node("worker-2")
    };
    let mut report = report(
        vec![node("worker-1"), partial, unreachable, node("worker-10")],
        vec![
            running,
            restart,
            passing("worker-1"),
            in_pod(failing("worker-1")),
            denied("worker-2"),
            failing("worker-2"),
            passing("worker-10"),
        ],
    );
    report.problems.push(problem("worker-2"));
    report.scanned.source = Source::Facts;
    report.rules.added.push("acme-kubelet-banner".to_owned());
    report
        .rules
        .replaced
        .push("kubelet-read-only-port".to_owned());
    report.complete = false;
    report
}

pub(crate) fn compliant() -> Report {
    report(
        vec![node("worker-1")],
        vec![passing("worker-1"), anonymous("worker-1", Verdict::Pass)],
    )
}
