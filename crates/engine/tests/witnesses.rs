//! Who said what of a kubelet: its files, itself, and requests that had to be refused.

#![expect(
    clippy::unwrap_used,
    reason = "a case that is not well-formed fails the test"
)]

use std::collections::BTreeMap;

use jiff::Timestamp;
use kubeassay_core::facts::{
    ClusterFacts, EndpointFacts, Entry, Facts, FileFacts, FileKind, Identity, Moment, Need,
    NeedKind, NodeObject, ObjectFacts, ProcessFacts, Request, Response, ServiceFacts, Source, Tool,
    Trouble, Via,
};
use kubeassay_core::report::{FailOn, Finding, GateOptions, Report, Rules};
use kubeassay_core::rule::{Catalogue, Rule};
use kubeassay_core::{Bytes, Cause, Horizon, OriginKind, Verdict, Witness};
use kubeassay_engine::{
    BUNDLED_RULES, Judge, Options, judge, needs, needs_for_live, needs_of_service, targets,
};
use serde_json::Value as Json;

const MODE: &str = "kubelet-authorization-mode";
const ANONYMOUS: &str = "kubelet-anonymous-auth";
const PORT: &str = "kubelet-read-only-port";

fn tool() -> Tool {
    Tool {
        name: "kubeassay".to_owned(),
        version: "0".to_owned(),
        commit: None,
    }
}

fn options() -> Options {
    Options {
        tool: tool(),
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
        choices: kubeassay_core::rule::SiteChoices::default(),
    }
}

fn report(facts: Facts) -> Report {
    let catalogue = Catalogue::prepared(&BUNDLED_RULES);
    let rules: Vec<&Rule> = catalogue.rules().collect();
    judge(&[facts], &rules, &options())
}

fn found<'a>(report: &'a Report, rule: &str, horizon: Horizon) -> Option<&'a Finding> {
    let mut findings = report.findings.iter();
    findings.find(|one| one.rule == rule && one.horizon == horizon)
}

fn running<'a>(report: &'a Report, rule: &str) -> &'a Finding {
    found(report, rule, Horizon::Running).unwrap()
}

/// Returns a node of which nothing was asked yet.
fn node(source: Source) -> Facts {
    let mut facts = Facts::new(tool(), source, Timestamp::UNIX_EPOCH);
    facts.complete = true;
    facts.node.object = Some(NodeObject {
        name: "node-1".to_owned(),
        kubelet_version: Some("v1.34.2".to_owned()),
        ..NodeObject::default()
    });
    facts
}

fn response(request: Request, identity: Identity, status: Option<u16>) -> Response {
    let path = match request {
        Request::Configz => "https://10.0.0.7:10250/configz",
        Request::Pods => "https://10.0.0.7:10250/pods",
        Request::ReadOnlyPods => "http://10.0.0.7:10255/pods",
    };
    Response {
        request,
        identity,
        url: path.to_owned(),
        asked: Timestamp::UNIX_EPOCH,
        status,
        granted: None,
        content: None,
        problem: status.is_none().then(|| Trouble {
            cause: Cause::Unreachable,
            reason: "connection refused".to_owned(),
        }),
    }
}

fn configz(mode: &str) -> Response {
    let body =
        format!(r#"{{"kubeletconfig":{{"authorization":{{"mode":"{mode}"}},"port":10250}}}}"#);
    Response {
        content: Some(Bytes::from(body)),
        ..response(Request::Configz, Identity::Certificate, Some(200))
    }
}

fn answered(mut facts: Facts, responses: Vec<Response>) -> Facts {
    facts.endpoints.push(EndpointFacts {
        pid: None,
        address: "10.0.0.7:10250".to_owned(),
        via: Via::Direct,
        certificate: None,
        trusted: None,
        responses,
    });
    facts
}

/// Answers what is asked for from a few texts; all else but configuration is there.
fn read(needs: Vec<Need>, texts: &[(&str, &str)]) -> Vec<FileFacts> {
    let answer = |need: Need| {
        let text = texts.iter().find(|(path, _)| need.path == *path);
        let there = FileFacts {
            kind: Some(FileKind::Regular),
            problem: None,
            ..FileFacts::unread(need.clone(), Cause::Missing, "")
        };
        match (text, need.what) {
            (Some((_, text)), NeedKind::Content) => FileFacts {
                content: Some(Bytes::from(*text)),
                ..there
            },
            (Some(_), _) | (None, NeedKind::Presence) => there,
            (None, NeedKind::Certificate) => FileFacts {
                sha256: Some("ab".to_owned()),
                ..there
            },
            (None, NeedKind::Listing) if folder(&need, texts).next().is_some() => FileFacts {
                kind: Some(FileKind::Directory),
                entries: Some(folder(&need, texts).collect()),
                ..there
            },
            (None, _) => FileFacts::unread(need, Cause::Missing, "no such file or directory"),
        }
    };
    needs.into_iter().map(answer).collect()
}

/// Returns what lies in a folder that is asked for.
fn folder<'a>(need: &Need, texts: &'a [(&str, &str)]) -> impl Iterator<Item = Entry> + 'a {
    let path = need.path.to_string();
    let below = format!("{}/", path.trim_end_matches('/'));
    texts.iter().filter_map(move |(path, _)| {
        let name = path
            .strip_prefix(&below)
            .filter(|name| !name.contains('/'))?;
        Some(Entry {
            name: Bytes::from(name),
            kind: FileKind::Regular,
        })
    })
}

fn config(mode: &str) -> String {
    format!(
        "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nauthorization:\n  mode: {mode}\n"
    )
}

/// Returns a node with one kubelet whose file says `mode`.
fn with_process(mode: &str) -> Facts {
    let mut facts = node(Source::Live);
    let argv = [
        "/usr/bin/kubelet",
        "--kubeconfig=/etc/kubernetes/kubelet.conf",
        "--config=/var/lib/kubelet/config.yaml",
    ];
    let mut process = ProcessFacts {
        cwd: Some(Bytes::from("/")),
        environment: Some(BTreeMap::new()),
        uid: Some(0),
        started: Some(Moment {
            at: Timestamp::UNIX_EPOCH,
            error_ms: 0,
        }),
        ..ProcessFacts::new(812, argv.map(Bytes::from).to_vec())
    };
    let text = config(mode);
    loop {
        let wanted = needs(&process);
        if wanted.is_empty() {
            break;
        }
        process
            .files
            .extend(read(wanted, &[("/var/lib/kubelet/config.yaml", &text)]));
    }
    facts.processes.push(process);
    facts
}

fn nobody(status: u16) -> Response {
    response(Request::Pods, Identity::Nobody, Some(status))
}

/// A node that was only asked over the network has the platform that its object tells, and that one's numbers.
#[test]
fn a_node_of_the_api_has_its_platform_and_the_numbers_of_its_benchmark() {
    let mut facts = answered(node(Source::Cluster), vec![configz("AlwaysAllow")]);
    let object = facts.node.object.as_mut().unwrap();
    object.kubelet_version = Some("v1.34.2-eks-1a2b3c4".to_owned());
    let mark = ("eks.amazonaws.com/nodegroup", "workers");
    object.marks.insert(mark.0.to_owned(), mark.1.to_owned());
    let report = report(facts);
    let node = &report.scanned.nodes[0];
    let distribution = node.distribution.as_ref().unwrap();
    assert_eq!(
        (distribution.id.as_str(), distribution.documented),
        ("eks", true)
    );
    assert_eq!(
        distribution.evidence,
        [
            "version v1.34.2-eks-1a2b3c4",
            "Node eks.amazonaws.com/nodegroup=workers"
        ]
        .map(Bytes::from)
    );
    assert_eq!(node.benchmark.as_deref(), Some("cis-eks@1.8"));
    let finding = running(&report, "kubelet-authorization-mode");
    assert_eq!(finding.verdict, Verdict::Fail);
    assert_eq!(finding.controls[0].framework, "cis-eks");
}

#[test]
fn the_live_witness_is_taken_and_a_probe_only_makes_worse() {
    use Verdict::{Fail, Pass, Unknown};
    let unprivileged = |granted| Response {
        granted,
        ..response(Request::Pods, Identity::Unprivileged, Some(200))
    };
    let refused = || response(Request::Configz, Identity::Certificate, Some(403));
    for (disk, responses, verdict, witnesses) in [
        ("Webhook", vec![], Pass, vec![(Witness::Disk, Pass)]),
        (
            "Webhook",
            vec![configz("AlwaysAllow")],
            Fail,
            vec![(Witness::Disk, Pass), (Witness::Live, Fail)],
        ),
        (
            "AlwaysAllow",
            vec![configz("Webhook")],
            Pass,
            vec![(Witness::Disk, Fail), (Witness::Live, Pass)],
        ),
        (
            "Webhook",
            vec![refused()],
            Pass,
            vec![(Witness::Disk, Pass), (Witness::Live, Unknown)],
        ),
        (
            "Webhook",
            vec![nobody(200)],
            Fail,
            vec![(Witness::Disk, Pass), (Witness::Probe, Fail)],
        ),
        (
            "Webhook",
            vec![configz("Webhook"), nobody(200)],
            Fail,
            vec![
                (Witness::Disk, Pass),
                (Witness::Live, Pass),
                (Witness::Probe, Fail),
            ],
        ),
        (
            "AlwaysAllow",
            vec![nobody(403)],
            Fail,
            vec![(Witness::Disk, Fail), (Witness::Probe, Pass)],
        ),
        (
            "AlwaysAllow",
            vec![configz("AlwaysAllow"), nobody(403)],
            Fail,
            vec![
                (Witness::Disk, Fail),
                (Witness::Live, Fail),
                (Witness::Probe, Pass),
            ],
        ),
        (
            "Webhook",
            vec![nobody(401)],
            Pass,
            vec![(Witness::Disk, Pass), (Witness::Probe, Unknown)],
        ),
        (
            "Webhook",
            vec![nobody(401), unprivileged(Some(false))],
            Fail,
            vec![(Witness::Disk, Pass), (Witness::Probe, Fail)],
        ),
        (
            "Webhook",
            vec![nobody(401), unprivileged(Some(true))],
            Pass,
            vec![(Witness::Disk, Pass), (Witness::Probe, Unknown)],
        ),
        (
            "Webhook",
            vec![nobody(401), unprivileged(None)],
            Pass,
            vec![(Witness::Disk, Pass), (Witness::Probe, Unknown)],
        ),
    ] {
        let shown = format!("{disk} {responses:?}");
        let report = report(answered(with_process(disk), responses));
        let finding = running(&report, MODE);
        let said: Vec<_> = finding
            .witnesses
            .iter()
            .map(|one| (one.witness, one.verdict))
            .collect();
        assert_eq!(
            (finding.verdict, said),
            (verdict, witnesses),
            "{shown}: {}",
            finding.reason
        );
        // What the kubelet says of itself stands beside what its file will make of it, which did not change.
        assert!(found(&report, MODE, Horizon::Restart).is_none());
    }
}

#[test]
fn without_files_a_probe_is_read_by_itself() {
    for (responses, mode, cause) in [
        (vec![nobody(200)], Verdict::Fail, None),
        (vec![nobody(403)], Verdict::Pass, None),
        (
            vec![nobody(401)],
            Verdict::Unknown,
            Some(Cause::Unsupported),
        ),
        (
            vec![nobody(500)],
            Verdict::Unknown,
            Some(Cause::Unreachable),
        ),
        (
            vec![nobody(404)],
            Verdict::Unknown,
            Some(Cause::Unsupported),
        ),
        (
            vec![nobody(302)],
            Verdict::Unknown,
            Some(Cause::Unsupported),
        ),
        (
            vec![response(Request::Pods, Identity::Nobody, None)],
            Verdict::Unknown,
            Some(Cause::Unreachable),
        ),
        (vec![configz("Webhook")], Verdict::Pass, None),
        (
            vec![response(Request::Configz, Identity::Token, Some(404))],
            Verdict::Unknown,
            Some(Cause::Unsupported),
        ),
    ] {
        let shown = format!("{responses:?}");
        let report = report(answered(node(Source::Cluster), responses));
        let finding = running(&report, MODE);
        assert_eq!(
            (finding.verdict, finding.cause),
            (mode, cause),
            "{shown}: {}",
            finding.reason
        );
        assert_eq!(finding.subject.pid, None);
        assert!(
            finding
                .witnesses
                .iter()
                .all(|one| one.witness != Witness::Disk)
        );
        assert_eq!(
            report.scanned.nodes[0]
                .kubernetes_version
                .as_ref()
                .unwrap()
                .origin,
            "api"
        );
    }
}

/// Every measured kubelet: a probe never says what is not so, and says it where somebody got in.
#[test]
fn a_probe_never_contradicts_the_kubelet_that_it_asked() {
    let rows: Vec<Json> = serde_json::from_str(include_str!("probe/kubelets.json")).unwrap();
    for row in &rows {
        let status = |json: &Json| json.as_u64().and_then(|status| u16::try_from(status).ok());
        let ask = |request, identity, json: &Json| Response {
            granted: Some(false),
            ..response(request, identity, status(json))
        };
        let pods = &row["pods"];
        let all = vec![
            ask(Request::Pods, Identity::Nobody, &pods["nobody"]),
            ask(Request::Pods, Identity::Unprivileged, &pods["token"]),
            ask(Request::Pods, Identity::Unprivileged, &pods["certificate"]),
            ask(
                Request::ReadOnlyPods,
                Identity::Nobody,
                &row["readOnlyPods"],
            ),
        ];
        // Each alone, and all together.
        let sets = all.iter().map(|one| vec![one.clone()]).chain([all.clone()]);
        for set in sets {
            let report = report(answered(node(Source::Endpoint), set.clone()));
            for (rule, open) in [
                (MODE, row["mode"] == "AlwaysAllow"),
                (ANONYMOUS, row["anonymous"] == true),
                (PORT, row["readOnlyPort"] != 0),
            ] {
                let finding = running(&report, rule);
                let wrong = match finding.verdict {
                    Verdict::Pass => open,
                    Verdict::Fail => !open,
                    _ => false,
                };
                assert!(!wrong, "{rule} {} of {row} by {set:?}", finding.verdict);
                let got_in = |request, identity| {
                    set.iter().any(|one| {
                        one.request == request
                            && one.identity == identity
                            && one.status == Some(200)
                    })
                };
                let entered = match rule {
                    PORT => got_in(Request::ReadOnlyPods, Identity::Nobody),
                    _ => got_in(Request::Pods, Identity::Nobody),
                };
                assert!(!entered || finding.verdict == Verdict::Fail, "{rule} {row}");
            }
        }
    }
    assert!(rows.len() >= 20);
}

/// Returns a service whose unit starts a kubelet with one flag from an environment file.
fn service(started: &[u32], exec: &str) -> ServiceFacts {
    let unit = format!("[Service]\nEnvironmentFile=/etc/default/kubelet\nExecStart={exec}\n");
    let mut service = ServiceFacts::new(Bytes::from("kubelet.service"));
    service.started = started.to_vec();
    let text = config("Webhook");
    let texts = [
        ("/etc/systemd/system/kubelet.service", unit.as_str()),
        (
            "/etc/default/kubelet",
            "ARGS=--authorization-mode=AlwaysAllow\n",
        ),
        ("/var/lib/kubelet/config.yaml", text.as_str()),
    ];
    for _ in 0..50 {
        let wanted = needs_of_service(&service);
        if wanted.is_empty() {
            break;
        }
        service.files.extend(read(wanted, &texts));
    }
    service
}

const EXEC: &str = "/usr/bin/kubelet --kubeconfig=/etc/kubernetes/kubelet.conf --config=/var/lib/kubelet/config.yaml $ARGS";

#[test]
fn the_next_start_is_what_the_service_will_start() {
    let mut facts = with_process("Webhook");
    facts.services.push(service(&[812], EXEC));
    let report = report(facts);
    assert_eq!(running(&report, MODE).verdict, Verdict::Pass);
    let restart = found(&report, MODE, Horizon::Restart).unwrap();
    assert_eq!(restart.verdict, Verdict::Fail, "{}", restart.reason);
    assert!(
        !restart
            .assumes
            .iter()
            .any(|one| one == "same arguments as now")
    );
    let origin = &restart.evidence[0].origin;
    assert_eq!(origin.kind, OriginKind::Environment);
    assert_eq!(
        origin.path.as_deref().unwrap().to_string(),
        "/etc/default/kubelet"
    );
    assert_eq!(origin.line, Some(1));
    // What stays as it is is not said twice.
    assert!(found(&report, ANONYMOUS, Horizon::Restart).is_none());
}

#[test]
fn a_kubelet_that_does_not_run_is_judged_for_its_next_start() {
    for (exec, verdict) in [(EXEC, Verdict::Fail), ("", Verdict::Unknown)] {
        let mut facts = node(Source::Live);
        facts.services.push(service(&[], exec));
        let report = report(facts);
        assert!(
            report
                .findings
                .iter()
                .filter(|one| one.subject.component == "kubelet")
                .all(|one| one.horizon == Horizon::Restart)
        );
        let restart = found(&report, MODE, Horizon::Restart).unwrap();
        assert_eq!(restart.verdict, verdict, "{}", restart.reason);
        assert_eq!(restart.subject.pid, None);
        assert_eq!(restart.subject.unit, Some(Bytes::from("kubelet.service")));
        assert!(!report.gate.reason.contains("nothing was judged"));
    }
}

#[test]
fn what_a_new_node_gets_is_judged_from_the_object() {
    let catalogue = Catalogue::prepared(&BUNDLED_RULES);
    let rules: Vec<&Rule> = catalogue.rules().collect();
    let options = options();
    let text = config("AlwaysAllow");
    for (content, problem, verdict, cause) in [
        (Some(text.as_str()), None, Verdict::Fail, None),
        (
            Some("a: ["),
            None,
            Verdict::Unknown,
            Some(Cause::WouldRefuse),
        ),
        (
            None,
            Some(Cause::NotPermitted),
            Verdict::Unknown,
            Some(Cause::NotPermitted),
        ),
        (None, None, Verdict::Unknown, Some(Cause::Missing)),
    ] {
        let facts = ClusterFacts {
            version: Some("v1.34.2".to_owned()),
            objects: vec![ObjectFacts {
                kind: "ConfigMap".to_owned(),
                namespace: "kube-system".to_owned(),
                name: "kubelet-config".to_owned(),
                key: "kubelet".to_owned(),
                content: content.map(Bytes::from),
                problem: problem.map(|cause| Trouble {
                    cause,
                    reason: "no".to_owned(),
                }),
            }],
            ..ClusterFacts::default()
        };
        let mut findings = Vec::new();
        Judge::new(&rules, &options)
            .cluster(&facts, &mut |judged| findings.extend(judged.findings));
        let of_kubelets = rules
            .iter()
            .filter(|rule| rule.subject() == Some("kubelet"));
        assert_eq!(findings.len(), of_kubelets.count());
        let finding = findings.iter().find(|one| one.rule == MODE).unwrap();
        assert_eq!(
            (finding.verdict, finding.cause),
            (verdict, cause),
            "{}",
            finding.reason
        );
        assert_eq!((&finding.node, finding.horizon), (&None, Horizon::Rebuild));
        assert_eq!(finding.subject.key, "kube-system/kubelet-config");
        assert_eq!(finding.assumes[0], "no flag on the new node overrides it");
        if let Some(evidence) = finding.evidence.first() {
            assert_eq!(evidence.origin.kind, OriginKind::Api);
            assert_eq!(
                evidence.origin.name,
                finding.subject.object.as_deref().map(Into::into)
            );
            assert_eq!(
                (evidence.origin.line, &evidence.origin.path),
                (Some(4), &None)
            );
        }
    }
}

#[test]
fn a_kubelet_is_asked_where_its_files_say_and_known_by_its_certificate() {
    let mut facts = with_process("Webhook");
    let process = &mut facts.processes[0];
    let wanted = needs_for_live(process);
    let paths: Vec<String> = wanted.iter().map(|need| need.path.to_string()).collect();
    assert_eq!(paths, ["/var/lib/kubelet/pki/kubelet.crt"]);
    process.files.extend(read(wanted, &[]));
    assert!(needs_for_live(process).is_empty());
    let target = targets(&facts, None).pop().unwrap();
    assert_eq!((target.pid, target.address.as_str()), (812, "127.0.0.1"));
    assert_eq!((target.port, target.read_only_port), (10_250, Some(10_255)));
    let certificate = target.certificate.as_ref().map(|one| one.sha256.as_str());
    assert_eq!(certificate, Some("ab"));
}

#[test]
fn of_several_kubelets_none_is_asked_in_the_place_of_another() {
    let mut facts = with_process("Webhook");
    let wanted = needs_for_live(&facts.processes[0]);
    facts.processes[0].files.extend(read(wanted, &[]));
    let mut other = facts.processes[0].clone();
    other.pid = 913;
    facts.processes.push(other);
    let causes = |facts: &Facts| -> Vec<Option<Cause>> {
        let targets = targets(facts, None).into_iter();
        targets
            .map(|target| target.not_asked.map(|trouble| trouble.cause))
            .collect()
    };
    // Both name the same port, and only one of them can have it.
    assert_eq!(causes(&facts), [Some(Cause::Conflict); 2]);
    assert!(
        targets(&facts, None)
            .iter()
            .all(|target| target.read_only_port.is_none())
    );
    facts.processes[1].argv.push("--port=10260".into());
    assert_eq!(causes(&facts), [None; 2]);
    // Without the certificate an authority's signature is that of any kubelet of the node.
    facts.processes[1]
        .files
        .retain(|file| file.need.what != NeedKind::Certificate);
    assert_eq!(causes(&facts), [None, Some(Cause::Conflict)]);
    facts.processes.truncate(1);
    facts.processes[0].namespaces.network = Some(false);
    assert_eq!(causes(&facts), [Some(Cause::Unsupported)]);
}

#[test]
fn witnesses_that_differ_are_named_with_both_values_and_origins() {
    const AGREE: &str = "kubelet-witnesses-agree";
    let full = |mode: &str| {
        let body = format!(
            r#"{{"kubeletconfig":{{"authorization":{{"mode":"{mode}"}},"address":"0.0.0.0","port":10250}}}}"#
        );
        Response {
            content: Some(Bytes::from(body)),
            ..configz(mode)
        }
    };
    let named = |finding: &Finding, path: &str| {
        let evidence = finding.evidence.iter();
        let said = evidence.filter(|one| one.setting.as_deref() == Some(path));
        said.map(|one| (one.witness, one.value.to_string(), one.origin.kind))
            .collect::<Vec<_>>()
    };
    let mode = "kubelet.authorization.mode";
    let disk = |value: &str| (Witness::Disk, value.to_owned(), OriginKind::File);
    let live = |witness, value: &str| (witness, value.to_owned(), OriginKind::Live);
    for (responses, verdict, pairs) in [
        (vec![], Verdict::NotApplicable, vec![]),
        (
            vec![full("AlwaysAllow")],
            Verdict::Fail,
            vec![disk("Webhook"), live(Witness::Live, "AlwaysAllow")],
        ),
        (
            vec![nobody(200)],
            Verdict::Fail,
            vec![disk("Webhook"), live(Witness::Probe, "AlwaysAllow")],
        ),
        (
            vec![full("Webhook"), nobody(200)],
            Verdict::Fail,
            vec![
                live(Witness::Live, "Webhook"),
                live(Witness::Probe, "AlwaysAllow"),
            ],
        ),
        (
            vec![response(Request::Configz, Identity::Token, Some(403))],
            Verdict::Unknown,
            vec![],
        ),
    ] {
        let shown = format!("{responses:?}");
        let mut facts = with_process("Webhook");
        for file in &mut facts.processes[0].files {
            file.modified = Some("2026-11-25T08:00:00Z".parse().unwrap());
        }
        let report = report(answered(facts, responses));
        let finding = running(&report, AGREE);
        assert_eq!(finding.verdict, verdict, "{shown}: {}", finding.reason);
        assert_eq!(named(finding, mode), pairs, "{shown}");
        if verdict == Verdict::Fail && pairs.iter().any(|pair| pair.0 == Witness::Disk) {
            let changed = "/var/lib/kubelet/config.yaml last changed at 2026-11-25T08:00:00Z";
            assert!(finding.reason.contains(changed), "{}", finding.reason);
        }
        assert!(found(&report, AGREE, Horizon::Restart).is_none());
    }
}
