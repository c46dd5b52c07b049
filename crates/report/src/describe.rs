//! Origins, subjects, controls and nodes in words: the same words in every text for people.

use kubeassay_core::report::{
    Control, Evidence, Finding, Node, NodeStatus, Overridden, Source, Subject, User, Waiver,
};
use kubeassay_core::{Origin, OriginKind, Value, Verdict, text};

/// The framework whose bare numbers people mean.
const HOME: &str = "cis-kubernetes";

/// What findings about the objects of a cluster are about: all of it, or one of them.
const OF_CLUSTER: [&str; 4] = ["cluster", "namespace", "role", "holder"];

/// Returns whether a finding is about the objects of a cluster, and no node's.
pub(crate) fn is_of_cluster(finding: &Finding) -> bool {
    finding.node.is_none() && OF_CLUSTER.contains(&finding.subject.component.as_str())
}

/// Returns the place in words: `/var/lib/kubelet/config.yaml:10:9`, `argument 3: --v=2`, `default of 1.34`.
///
/// Foreign text in it is escaped.
pub fn describe_origin(origin: &Origin) -> String {
    let name = origin.name.as_deref().map(text::escape);
    let place = place_in_file(origin);
    let words = match origin.kind {
        OriginKind::Default => {
            let version = origin.version.as_deref().map(text::escape);
            let words = join("default", " of ", version);
            // What made this default apply: `no --config`, or the drop-in that brought it.
            let why = name.or_else(|| origin.path.as_ref().map(ToString::to_string));
            why.map_or_else(|| words.clone(), |why| format!("{words} ({why})"))
        }
        OriginKind::File => place.unwrap_or_else(|| "configuration file".to_owned()),
        OriginKind::DropIn => {
            place.map_or_else(|| "drop-in".to_owned(), |place| format!("drop-in {place}"))
        }
        OriginKind::Flag => {
            let flag = match (&origin.text, name) {
                (Some(text), _) => text.to_string(),
                (None, Some(name)) => format!("--{name}"),
                (None, None) => "a flag".to_owned(),
            };
            match origin.index {
                Some(index) => format!("argument {index}: {flag}"),
                None => flag,
            }
        }
        OriginKind::Environment => {
            let variable = origin.variable.as_deref().map(text::escape);
            let words = join("environment variable", " ", variable);
            said(join(&words, ", set by ", place), origin)
        }
        OriginKind::Unit => said(join("unit file", " ", place), origin),
        OriginKind::Manifest => said(join("manifest", " ", place), origin),
        OriginKind::Live => {
            let url = origin.url.as_deref().map(text::escape);
            join("live configuration", " at ", url)
        }
        OriginKind::Api => {
            let place = origin.line.zip(origin.column);
            let place = place.map(|(line, column)| format!("{line}:{column}"));
            let object = name.map_or_else(
                || "the cluster's API".to_owned(),
                |name| format!("API object {name}"),
            );
            join(&object, ":", place)
        }
    };
    let via = origin
        .via
        .iter()
        .map(|place| format!("line {}:{}", place.line, place.column));
    let via: Vec<_> = via.collect();
    if via.is_empty() {
        words
    } else {
        format!("{words} (by way of {})", via.join(", "))
    }
}

/// Adds the line of a unit or environment file that gives an argument.
fn said(words: String, origin: &Origin) -> String {
    match &origin.text {
        Some(text) => format!("{words}: {text}"),
        None => words,
    }
}

fn place_in_file(origin: &Origin) -> Option<String> {
    let path = origin.path.as_ref()?;
    Some(match (origin.line, origin.column) {
        (Some(line), Some(column)) => format!("{path}:{line}:{column}"),
        (Some(line), None) => format!("{path}:{line}"),
        (None, _) => path.to_string(),
    })
}

fn join(words: &str, separator: &str, rest: Option<String>) -> String {
    match rest {
        Some(rest) if !rest.is_empty() => format!("{words}{separator}{rest}"),
        _ => words.trim_end().to_owned(),
    }
}

/// Returns the number a rule is best known by, as the command line takes it; `rule` where it has none.
///
/// A bare number is one of `cis-kubernetes`; others carry their framework.
pub fn control_label(controls: &[Control], rule: &str) -> String {
    let label = match controls.first() {
        Some(control) if control.framework == HOME => control.control.clone(),
        Some(control) => format!("{}:{}", control.framework, control.control),
        None => rule.to_owned(),
    };
    text::escape(&label)
}

/// Returns what to sort a control label by, so that 4.2.9 comes before 4.2.10 as people count.
pub fn control_order(label: &str) -> Vec<(u64, String)> {
    let part = |part: &str| (part.parse::<u64>().unwrap_or(u64::MAX), part.to_owned());
    label.split('.').map(part).collect()
}

/// Returns who was judged, in parts: `kubelet`, `pid 812`, `kubelet.service`; and its key, if wanted.
pub(crate) fn subject_parts(subject: &Subject, with_key: bool) -> Vec<String> {
    if let Some(path) = subject.key.strip_prefix("file:") {
        return vec![format!("file {}", text::escape(path))];
    }
    // The words of an object say what it is, and those of the cluster stand above it.
    let mut parts = if OF_CLUSTER.contains(&subject.component.as_str()) {
        Vec::new()
    } else {
        vec![subject.component.clone()]
    };
    match &subject.object {
        Some(object) => parts.push(object.clone()),
        None if parts.is_empty() => {}
        // A component that there is one of on a node is called by its own name.
        None if with_key && subject.key != subject.component => parts.push(subject.key.clone()),
        None => {}
    }
    if let Some(pid) = subject.pid {
        parts.push(format!("pid {pid}"));
    }
    if let Some(unit) = &subject.unit {
        parts.push(unit.to_string());
    }
    parts
}

/// Returns where the facts came from, in words.
pub(crate) const fn describe_source(source: Source) -> &'static str {
    match source {
        Source::Live => "read live",
        Source::Root => "read from a mounted root",
        Source::Captured => "read from a captured host",
        Source::Facts => "judged from recorded facts",
        Source::Cluster => "read through the cluster's API",
        Source::Endpoint => "asked over the network; no host was read",
        Source::Demo => "DEMONSTRATION on a recorded node, not this machine",
    }
}

/// Returns whom it runs as: `runs as root (0)`, or the number alone where the host has no name for it.
pub(crate) fn describe_user(user: &User) -> String {
    match &user.name {
        Some(name) if !name.is_empty() => format!("runs as {name} ({})", user.id),
        _ => format!("runs as user {}", user.id),
    }
}

/// Returns the verdict's word as it stands at the head of a line.
pub(crate) const fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "PASS",
        Verdict::Fail => "FAIL",
        Verdict::Unknown => "UNKNOWN",
        Verdict::Manual => "MANUAL",
        Verdict::NotApplicable => "N/A",
    }
}

/// Returns what was read and found, and where: `authorization.mode = Webhook`, `from argument 3: …`.
pub(crate) fn describe_evidence(evidence: &Evidence, verdict: Verdict) -> (String, String) {
    if let Some(response) = &evidence.response {
        let setting = match &evidence.value {
            Value::Null => String::new(),
            value => format!("which means {value}"),
        };
        return (text::escape(response), setting);
    }
    let place = describe_origin(&evidence.origin);
    let file = evidence.file.as_ref().map(ToString::to_string);
    let what = evidence
        .setting
        .clone()
        .or(file)
        .or_else(|| evidence.object.clone())
        .unwrap_or_default();
    match &evidence.value {
        Value::Null if verdict == Verdict::Unknown => {
            (format!("{what}: not known,"), format!("see {place}"))
        }
        value => (format!("{what} = {value}"), format!("from {place}")),
    }
}

/// Returns who accepted a finding: `waived by platform until 2027-03-31: the old agent needs it (OPS-1183)`.
pub fn describe_waiver(waiver: &Waiver) -> String {
    let until = waiver.expires.as_ref().map(|day| format!(" until {day}"));
    let ticket = waiver.ticket.as_ref().map(|ticket| format!(" ({ticket})"));
    let Waiver { owner, reason, .. } = waiver;
    let [until, ticket] = [until, ticket].map(Option::unwrap_or_default);
    format!("waived by {owner}{until}: {reason}{ticket}")
}

/// Returns what each witness said, where several were asked: `disk pass · live fail · probe unknown`.
pub(crate) fn describe_witnesses(finding: &Finding) -> Option<String> {
    let said = finding.witnesses.iter();
    let said: Vec<String> = said
        .map(|one| format!("{} {}", one.witness, one.verdict))
        .collect();
    (said.len() > 1).then(|| said.join(" \u{b7} "))
}

/// Returns what was overridden: `overrode Webhook from default of 1.34`, `removed by …`.
pub(crate) fn describe_overridden(overridden: &Overridden) -> String {
    let place = describe_origin(&overridden.origin);
    match &overridden.value {
        Value::Null => format!("removed by {place}"),
        value => format!("overrode {value} from {place}"),
    }
}

/// Returns the node's name and what runs on it, in parts: `worker-1`, `Kubernetes 1.34.2`, `debian 12`.
pub(crate) fn node_parts(node: &Node) -> Vec<String> {
    let mut parts = vec![node.name.clone()];
    if let Some(version) = &node.kubernetes_version {
        parts.push(format!("Kubernetes {}", version.value));
    }
    if let Some(distribution) = &node.distribution {
        let known = if distribution.documented {
            " (as documented)"
        } else {
            ""
        };
        parts.push(format!("{}{known}", distribution.name));
    }
    if let Some(id) = &node.platform.id {
        let version = node.platform.version.as_deref().unwrap_or_default();
        parts.push(format!("{id} {version}").trim_end().to_owned());
    }
    if let Some(root) = &node.root {
        parts.push(format!("read below {root}"));
    }
    parts
}

/// Returns how far a node was scanned.
pub(crate) const fn status_words(status: NodeStatus) -> &'static str {
    match status {
        NodeStatus::Scanned => "scanned",
        NodeStatus::Partial => "scanned in part",
        NodeStatus::Unreachable => "not reached",
        NodeStatus::Unsupported => "not supported",
    }
}

/// Returns `word` quoted if a shell would read something else than a word in it.
pub fn shell_word(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:/@=+,".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Returns how a finding is mended, with the words of the node's platform for where.
pub(crate) fn describe_mending(finding: &Finding) -> String {
    let remediation = finding.remediation.as_str();
    match &finding.fix.how {
        Some(how) if remediation.is_empty() => format!("On this platform: {how}"),
        Some(how) => format!("{remediation} On this platform: {how}"),
        None => remediation.to_owned(),
    }
}
