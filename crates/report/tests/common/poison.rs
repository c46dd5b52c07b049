//! Reports in which whatever a host, a cluster or a file can name is one foreign text.

use std::sync::Arc;

use kubeassay_core::report::{Cluster, Finding, Overridden, Report, User, Waiver};
use kubeassay_core::{Bytes, Cause, Origin, OriginKind, Place, Value, Verdict};

use crate::common::{evidence, failing, in_pod, node, passing, problem, report, stale_pair};

/// Every text of a finding, replaced.
pub(crate) fn poisoned(mut finding: Finding, text: &str) -> Finding {
    let bytes = || Arc::new(Bytes::from(text));
    let origin = |kind| Origin {
        path: Some(bytes()),
        name: Some(text.into()),
        version: Some(text.into()),
        url: Some(text.into()),
        text: Some(bytes()),
        via: vec![Place { line: 1, column: 2 }],
        ..Origin::new(kind)
    };
    let kinds = [
        OriginKind::Default,
        OriginKind::File,
        OriginKind::DropIn,
        OriginKind::Flag,
        OriginKind::Environment,
        OriginKind::Unit,
        OriginKind::Live,
        OriginKind::Api,
    ];
    let poison = || {
        let entry = [(text.to_owned(), Value::string(text))];
        Value::List(vec![Value::string(text), Value::Map(entry.into())])
    };
    finding.evidence = kinds
        .map(|kind| evidence(text, poison(), origin(kind)))
        .to_vec();
    finding.evidence[0].overrode = vec![Overridden {
        value: poison(),
        origin: origin(OriginKind::File),
    }];
    finding.evidence[1].setting = None;
    finding.evidence[1].file = Some(Bytes::from(text));
    for control in &mut finding.controls {
        text.clone_into(&mut control.framework);
        text.clone_into(&mut control.control);
    }
    let texts = [
        &mut finding.rule,
        &mut finding.title,
        &mut finding.reason,
        &mut finding.expected,
        &mut finding.remediation,
        &mut finding.subject.key,
        &mut finding.subject.component,
    ];
    for field in texts {
        text.clone_into(field);
    }
    finding.assumes = vec![text.to_owned()];
    finding.fix.why_not = Some(text.to_owned());
    finding.fix.how = Some(text.to_owned());
    finding.subject.exe = Some(Bytes::from(text));
    finding.subject.object = Some(text.to_owned());
    finding.subject.unit = Some(Bytes::from(text));
    finding.subject.user = Some(User {
        id: 0,
        name: Some(Bytes::from(text)),
    });
    finding
}

/// Every text of a report, replaced; every verdict and a waiver are in it.
pub(crate) fn poisoned_report(text: &str) -> Report {
    let [running, restart] = stale_pair("worker-1");
    let waiver = Waiver {
        reason: text.to_owned(),
        owner: text.to_owned(),
        ticket: Some(text.to_owned()),
        created: Some(text.to_owned()),
        expires: Some(text.to_owned()),
        origin: Some(text.to_owned()),
    };
    let findings = [
        failing("worker-1"),
        Finding {
            cause: Some(Cause::Missing),
            ..running
        },
        restart,
        in_pod(failing("worker-1")),
        passing("worker-1"),
        Finding {
            verdict: Verdict::Manual,
            ..passing("worker-2")
        },
        Finding {
            waiver: Some(waiver),
            ..failing("worker-2")
        },
    ];
    let findings = findings.map(|finding| poisoned(finding, text)).to_vec();
    let mut report = report(vec![node("worker-1"), node("worker-2")], findings);
    for node in &mut report.scanned.nodes {
        text.clone_into(&mut node.name);
        node.root = Some(Bytes::from(text));
        node.platform.id = Some(text.to_owned());
        text.clone_into(&mut node.kubernetes_version.as_mut().unwrap().value);
        node.status = kubeassay_core::report::NodeStatus::Partial;
    }
    report.scanned.cluster = Some(Cluster {
        uid: Some(text.to_owned()),
        server: text.to_owned(),
        version: Some(text.to_owned()),
    });
    report.problems = vec![problem("worker-1")];
    text.clone_into(&mut report.problems[0].reason);
    report.problems[0].path = Some(Bytes::from(text));
    report.problems[0].affects = vec![text.to_owned()];
    report.rules.benchmark = Some(text.to_owned());
    report.rules.added = vec![text.to_owned()];
    report.rules.replaced = vec![text.to_owned()];
    text.clone_into(&mut report.rules.digest);
    text.clone_into(&mut report.tool.version);
    text.clone_into(&mut report.gate.reason);
    report
}
