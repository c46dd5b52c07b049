//! Rules, nodes and findings for tests of waivers.

use std::sync::Arc;

use jiff::Timestamp;
use kubeassay_core::facts::Platform;
use kubeassay_core::report::{Cluster, Evidence, Finding, Fix, Node, NodeStatus, Subject};
use kubeassay_core::rule::Catalogue;
use kubeassay_core::{Cause, Horizon, Origin, OriginKind, Severity, Value, Verdict, Witness};

use super::{Document, Waiving};

const PAGE: &str = "---\nid: ID\ntitle: a title\nframework: cis-kubernetes\ncontrol: NUMBER\nsubject: kubelet\ncheck: kubelet.authorization.mode == 'Webhook'\nexpected: e\nseverity: high\ncontrols: []\n---\n";

/// Rules `mode` (4.2.2) and `port` (4.2.4).
pub(super) fn rules() -> Catalogue {
    let page = |id: &str, number: &str| PAGE.replace("ID", id).replace("NUMBER", number);
    Catalogue::bundled(&[
        ("x/mode.md", page("mode", "4.2.2").leak()),
        ("x/port.md", page("port", "4.2.4").leak()),
    ])
    .unwrap()
}

/// The day on which everything is scanned: 2026-11-26.
pub(super) fn started() -> Timestamp {
    "2026-11-26T23:59:59Z".parse().unwrap()
}

pub(super) fn read(text: &str) -> Document {
    Document::read("w.yaml", text.as_bytes(), &rules()).unwrap()
}

/// A file of waivers of 4.2.2, each of these entries with what every waiver needs.
pub(super) fn file(entries: &[&str]) -> Document {
    let entries = entries.iter().map(|entry| {
        let mut fields = vec!["rule: 4.2.2".to_owned(), "reason: r".to_owned()];
        if !entry.contains("owner:") {
            fields.push("owner: o".to_owned());
        }
        if !entry.contains("expires:") {
            fields.push("expires: 2027-03-31".to_owned());
        }
        if !entry.contains("observed:") {
            fields.push("observed: {kubelet.authorization.mode: AlwaysAllow}".to_owned());
        }
        if !entry.is_empty() {
            fields.push((*entry).to_owned());
        }
        format!("- {{{}}}\n", fields.join(", "))
    });
    read(&format!("waivers:\n{}", entries.collect::<String>()))
}

pub(super) fn cluster() -> Cluster {
    Cluster {
        uid: Some("uid-1".to_owned()),
        server: "https://10.0.0.1:6443".to_owned(),
        version: None,
    }
}

pub(super) fn waiving(entries: &[&str]) -> Waiving {
    Waiving::new(vec![file(entries)], started(), Some(cluster()))
}

pub(super) fn node(name: &str) -> Node {
    Node {
        id: format!("id-{name}"),
        name: name.to_owned(),
        uid: None,
        hostname: None,
        root: None,
        platform: Platform {
            id: None,
            version: None,
            evidence: Vec::new(),
        },
        distribution: None,
        kubernetes_version: None,
        benchmark: None,
        status: NodeStatus::Scanned,
        cause: None,
        boot_time: None,
    }
}

pub(super) fn evidence(setting: Option<&str>, file: Option<&str>, value: Value) -> Evidence {
    Evidence {
        setting: setting.map(str::to_owned),
        file: file.map(Into::into),
        object: None,
        response: None,
        value,
        witness: Witness::Disk,
        observed_at: started(),
        origin: Origin::file(OriginKind::File, Arc::new("/c".into()), 1, 1),
        overrode: Vec::new(),
    }
}

/// A finding of the rule `mode` on a node's kubelet.
pub(super) fn finding(node: Option<&str>, verdict: Verdict, value: &str) -> Finding {
    Finding {
        id: String::new(),
        rule: "mode".to_owned(),
        title: "a title".to_owned(),
        severity: Severity::High,
        controls: Vec::new(),
        node: node.map(|name| format!("id-{name}")),
        subject: Subject {
            key: "/var/lib/kubelet".to_owned(),
            component: "kubelet".to_owned(),
            unit: None,
            pid: None,
            exe: None,
            cgroup: None,
            object: None,
            user: None,
            in_pod: false,
            recognised_by: Vec::new(),
        },
        horizon: Horizon::Running,
        verdict,
        cause: (verdict == Verdict::Unknown).then_some(Cause::Denied),
        reason: "because".to_owned(),
        expected: String::new(),
        assumes: Vec::new(),
        witnesses: Vec::new(),
        evidence: vec![evidence(
            Some("kubelet.authorization.mode"),
            None,
            Value::string(value),
        )],
        waiver: None,
        baseline_state: None,
        fix: Fix {
            possible: false,
            why_not: None,
            how: None,
        },
        remediation: String::new(),
    }
}

/// Covers one finding of a node and returns by which lines it is waived, and what is said of waivers.
pub(super) fn covered(
    entries: &[&str],
    name: Option<&str>,
    finding: Finding,
) -> (Option<String>, Vec<String>) {
    let mut waiving = waiving(entries);
    let node = name.map(node);
    let mut findings = [finding];
    waiving.apply(node.as_ref(), &mut findings);
    let said = waiving.findings();
    let said = said.iter().map(|one| {
        let place = one.subject.object.clone().unwrap();
        format!("{place} {}", one.rule)
    });
    let [finding] = findings;
    (
        finding.waiver.and_then(|waiver| waiver.origin),
        said.collect(),
    )
}
