//! A node with one kubelet that a service starts, and a plan for it, made of a few texts; for tests.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kubeassay_core::facts::{
    Entry, Facts, FileFacts, FileKind, Moment, Need, NeedKind, NodeObject, ProcessFacts,
    ServiceFacts, Source, Tool,
};
use kubeassay_core::plan::{
    Edit, EditKind, Hunk, Plan, PlannedFix, PlannedNode, Request, Restart, SCHEMA,
};
use kubeassay_core::report::{FailOn, GateOptions, Rules};
use kubeassay_core::rule::SiteChoices;
use kubeassay_core::{Bytes, Cause, Verdict};
use kubeassay_engine::{Options, needs, needs_of_service, successor};
use sha2::{Digest as _, Sha256};

use crate::planner::{Planned, PlannedKubelet};

pub(crate) const UNIT: &str = "kubelet.service";
pub(crate) const CONFIG: &str = "/var/lib/kubelet/config.yaml";
pub(crate) const RULE: &str = "kubelet-authorization-mode";
/// The arguments of a kubelet with a kubeconfig.
pub(crate) const ARGUMENTS: &str =
    "--kubeconfig=/etc/kubernetes/kubelet.conf --config=/var/lib/kubelet/config.yaml";
/// The kubelet before the restart, and after it.
pub(crate) const OLD: u32 = 812;
pub(crate) const NEW: u32 = 4711;

/// The time at which the restart was asked for.
pub(crate) fn restarted() -> Timestamp {
    "2026-11-26T02:00:00Z".parse().unwrap()
}

/// A kubelet as its files make it.
#[derive(Clone)]
pub(crate) struct Node {
    /// The arguments in its unit.
    pub(crate) arguments: String,
    /// What its configuration says beside kind and version.
    pub(crate) config: String,
    /// Files that are not there.
    pub(crate) missing: Vec<&'static str>,
    /// Files that may not be looked for.
    pub(crate) denied: Vec<&'static str>,
}

impl Node {
    /// A kubelet with a kubeconfig whose configuration says this.
    pub(crate) fn new(config: &str) -> Self {
        Self {
            arguments: ARGUMENTS.to_owned(),
            config: config.to_owned(),
            missing: Vec::new(),
            denied: Vec::new(),
        }
    }

    fn texts(&self) -> Vec<(&'static str, String)> {
        let config = format!(
            "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n{}\n",
            self.config
        );
        let unit = format!("[Service]\nExecStart=/usr/bin/kubelet {}\n", self.arguments);
        vec![
            ("/etc/systemd/system/kubelet.service", unit),
            (CONFIG, config),
        ]
    }

    /// Answers what is asked for; what only has to be there is.
    fn read(&self, needs: Vec<Need>) -> Vec<FileFacts> {
        let texts = self.texts();
        let answer = |need: Need| {
            let path = need.path.to_string();
            let text = texts.iter().find(|(known, _)| *known == path);
            if self.denied.contains(&path.as_str()) {
                return FileFacts::unread(need, Cause::Denied, "permission denied");
            }
            let there = FileFacts {
                kind: Some(FileKind::Regular),
                problem: None,
                ..FileFacts::unread(need.clone(), Cause::Missing, "")
            };
            let below = format!("{}/", path.trim_end_matches('/'));
            let entries: Vec<Entry> = texts
                .iter()
                .filter_map(|(known, _)| known.strip_prefix(&below))
                .filter(|name| !name.contains('/'))
                .map(|name| Entry {
                    name: Bytes::from(name),
                    kind: FileKind::Regular,
                })
                .collect();
            match (text, need.what) {
                (_, NeedKind::Presence) if !self.missing.contains(&path.as_str()) => there,
                (Some((_, text)), NeedKind::Content) => FileFacts {
                    content: Some(Bytes::from(text.as_str())),
                    sha256: Some(kubeassay_core::text::hexadecimal(&Sha256::digest(text))),
                    ..there
                },
                (None, NeedKind::Listing) if !entries.is_empty() => FileFacts {
                    kind: Some(FileKind::Directory),
                    entries: Some(entries),
                    ..there
                },
                _ => FileFacts::unread(need, Cause::Missing, "no such file or directory"),
            }
        };
        needs.into_iter().map(answer).collect()
    }

    /// Returns the service, as facts have it.
    pub(crate) fn service(&self, started: &[u32]) -> ServiceFacts {
        let mut service = ServiceFacts::new(Bytes::from(UNIT));
        service.started = started.to_vec();
        for _ in 0..50 {
            let wanted = needs_of_service(&service);
            if wanted.is_empty() {
                break;
            }
            service.files.extend(self.read(wanted));
        }
        service
    }

    /// Returns facts of the node on which it runs as `pid` since `started`.
    pub(crate) fn facts(&self, pid: u32, started: Timestamp) -> Facts {
        let tool = Tool {
            name: "kubeassay".to_owned(),
            version: "0".to_owned(),
            commit: None,
        };
        let mut facts = Facts::new(tool, Source::Live, started);
        facts.complete = true;
        facts.node.object = Some(NodeObject {
            name: "node-1".to_owned(),
            kubelet_version: Some("v1.34.2".to_owned()),
            ..NodeObject::default()
        });
        let mut argv = vec![Bytes::from("/usr/bin/kubelet")];
        argv.extend(self.arguments.split_whitespace().map(Bytes::from));
        let mut process = ProcessFacts::new(pid, argv);
        process.exe = Some(Bytes::from("/usr/bin/kubelet"));
        process.cwd = Some(Bytes::from("/"));
        process.environment = Some(BTreeMap::new());
        process.unit = Some(Bytes::from(UNIT));
        process.uid = Some(0);
        process.started = Some(Moment {
            at: started,
            error_ms: 10,
        });
        for _ in 0..50 {
            let wanted = needs(&process);
            if wanted.is_empty() {
                break;
            }
            process.files.extend(self.read(wanted));
        }
        facts.processes.push(process);
        facts.services.push(self.service(&[pid]));
        facts
    }
}

/// Returns a plan that makes `after` of `before`, which runs, with the facts that it was made from.
pub(crate) fn planned(before: &Node, after: &Node, settings: &[&str]) -> (Planned, Facts) {
    let facts = before.facts(OLD, "2026-11-20T00:00:00Z".parse().unwrap());
    let service = after.service(&[OLD]);
    let kubelet = PlannedKubelet {
        subject: "/var/lib/kubelet".to_owned(),
        unit: Bytes::from(UNIT),
        pid: Some(OLD),
        is_restarted: true,
        before: successor(&facts.services[0], &facts, None).unwrap(),
        after: successor(&service, &facts, None).unwrap(),
        service,
        settings: settings.iter().map(ToString::to_string).collect(),
    };
    let plan = Plan {
        schema: SCHEMA.to_owned(),
        tool: facts.tool.clone(),
        taken: facts.finished,
        source: facts.source,
        node: PlannedNode {
            id: "n".to_owned(),
            name: "node-1".to_owned(),
        },
        request: Request {
            rules: vec![RULE.to_owned()],
            digest: String::new(),
            kubernetes_version: None,
            accepted: Vec::new(),
            choices: SiteChoices::default(),
        },
        fixes: vec![PlannedFix {
            rule: RULE.to_owned(),
            title: String::new(),
            control: Some("4.2.2".to_owned()),
            subject: "/var/lib/kubelet".to_owned(),
            running: Verdict::Fail,
            restart: Verdict::Fail,
            planned: Verdict::Pass,
            settings: Vec::new(),
        }],
        edits: vec![Edit {
            path: Bytes::from(CONFIG),
            target: Bytes::from(CONFIG),
            kind: EditKind::Change,
            before: None,
            hunks: vec![Hunk {
                line: 3,
                above: Vec::new(),
                old: vec![Bytes::from("  mode: AlwaysAllow\n")],
                new: vec![Bytes::from("  mode: Webhook\n")],
                below: Vec::new(),
            }],
        }],
        restarts: vec![Restart {
            unit: Bytes::from(UNIT),
            subject: "/var/lib/kubelet".to_owned(),
            by: None,
        }],
        preflight: Vec::new(),
        unfixed: Vec::new(),
        elsewhere: Vec::new(),
    };
    let kubelets = vec![kubelet];
    (Planned { plan, kubelets }, facts)
}

pub(crate) fn options() -> Options {
    Options {
        tool: Tool {
            name: "kubeassay".to_owned(),
            version: "0".to_owned(),
            commit: None,
        },
        source: Source::Live,
        cluster: None,
        started: Timestamp::UNIX_EPOCH,
        kubernetes_version: None,
        gate: GateOptions::new(FailOn::UNKNOWN),
        rules: Rules {
            count: 0,
            digest: String::new(),
            benchmark: None,
            added: Vec::new(),
            replaced: Vec::new(),
        },
        problems: Vec::new(),
        benchmark: None,
        choices: SiteChoices::default(),
    }
}
