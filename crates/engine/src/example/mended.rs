//! What the pages say mends a failure does: every failing example with the values of its `fix.set`, in every version.

use jiff::Timestamp;
use kubeassay_config::flags;
use kubeassay_config::tables::kubelet::KUBELET;
use kubeassay_config::tables::{Flag, Minor, Target};
use kubeassay_config::tree::{self, Tree};
use kubeassay_core::rule::{Catalogue, Example, ExampleFile, ExampleHost, Fix, Rule};
use kubeassay_core::{Bytes, Horizon, Value, Verdict};
use serde_json::{Map, Value as Json, json};

use crate::finding::{self, Context};
use crate::node::NodeView;
use crate::{BUNDLED_RULES, kubelets};

/// Where the values may not mend it: the rule, the first and the last minor, and a word of the reason.
const EXCEPTIONS: &[(&str, u8, u8, &str)] = &[
    // Without a kubeconfig there is nobody to ask. The planner's preflight says so.
    ("kubelet-authorization-mode", 20, 36, "no client provided"),
    // There is no such field before 1.22: the plan is proven not to mend it. Until 1.24 the gate is off.
    ("kubelet-seccomp-default", 20, 21, "seccompDefault is false"),
    (
        "kubelet-seccomp-default",
        22,
        24,
        "feature gate must be enabled",
    ),
];

fn json(node: &tree::Node) -> Json {
    match &node.tree {
        Tree::Null => Json::Null,
        Tree::Bool(value) => json!(value),
        Tree::Number(number) => serde_json::from_str(number.literal()).unwrap(),
        Tree::String(text) => json!(text),
        Tree::List(nodes) => nodes.iter().map(json).collect(),
        Tree::Map(entries) => entries
            .iter()
            .map(|entry| (entry.key.clone(), json(&entry.value)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

fn set(document: &mut Json, path: &str, value: &Value) {
    let mut at = document;
    for key in path.split('.') {
        if !at.is_object() {
            *at = json!({});
        }
        let map = at.as_object_mut().unwrap();
        // A drop-in's decoder takes these for the same key.
        let fold = |key: &str| key.replace('\u{17f}', "s").to_lowercase();
        map.retain(|other, _| other == key || fold(other) != fold(key));
        at = map.entry(key).or_insert(Json::Null);
    }
    *at = serde_json::to_value(value).unwrap();
}

/// Returns the flag that sets `path`.
fn flag(path: &str) -> Option<&'static Flag> {
    let field = if KUBELET.field(path).is_some() {
        path
    } else {
        path.split('.').next().unwrap()
    };
    let sets = |target| matches!(target, Target::Field(of) if of == field);
    let mut flags = KUBELET.flags.iter();
    flags.find(|flag| sets(flag.target(Minor::NEWEST)))
}

/// Returns the first argument that gives a flag, and how many arguments that takes.
fn given(argv: &[String], flag: &Flag) -> Option<(usize, usize)> {
    let bytes: Vec<Bytes> = argv.iter().map(|one| Bytes::from(one.as_str())).collect();
    let line = flags::parse(&bytes, &KUBELET, Minor::NEWEST).unwrap();
    let at = line.given.get(flag.name)?.first()?.origin.index? as usize;
    let alone = argv[at].contains('=') || flag.bare.is_some();
    Some((at, if alone { 1 } else { 2 }))
}

/// Returns the host with every value set where it counts: in its files, and no flag that says otherwise; without a
/// file, as a flag.
fn mended(host: &ExampleHost, values: &[(String, Value)]) -> ExampleHost {
    let mut host = host.clone();
    host.configz = None;
    let has_file = host.argv.iter().any(|one| one.starts_with("--config"));
    for (path, value) in values {
        if let Some(flag) = flag(path) {
            while let Some((at, count)) = given(&host.argv, flag) {
                host.argv.drain(at..at + count);
            }
            if !has_file {
                let value = match value {
                    Value::List(values) => {
                        let values: Vec<String> = values.iter().map(Value::to_string).collect();
                        values.join(",")
                    }
                    value if path.starts_with("featureGates.") => {
                        format!("{}={value}", path.split('.').next_back().unwrap())
                    }
                    value => value.to_string(),
                };
                host.argv.push(format!("--{}={value}", flag.name));
            }
        }
        for file in host.files.values_mut().filter(|_| has_file) {
            if let ExampleFile::Text(text) = file
                && let Ok(read) = tree::read(text.as_bytes())
            {
                let mut document = json(&read.root);
                set(&mut document, path, value);
                *text = document.to_string();
            }
        }
    }
    host
}

fn verdict(rule: &Rule, host: &ExampleHost, minor: Minor) -> (Verdict, String) {
    let facts = super::facts(host);
    let kubelets = kubelets::find(&facts, Some(minor));
    let view = NodeView::default();
    let benchmark = kubeassay_core::rule::Benchmark::for_node(None, None);
    let context = Context {
        benchmark: &benchmark,
        platform: None,
        node: Some("example"),
        observed_at: Timestamp::UNIX_EPOCH,
        view: &view,
        chosen: &kubeassay_core::rule::SiteChoices::default(),
    };
    let Some(kubelet) = kubelets.found.first() else {
        return (Verdict::Unknown, kubelets.problems[0].reason.clone());
    };
    let findings = finding::of(rule, kubelet, &context);
    let finding = findings.iter().find(|one| one.horizon == Horizon::Running);
    let finding = finding.unwrap();
    (finding.verdict, finding.reason.clone())
}

fn versions(example: &Example) -> Vec<Minor> {
    match &example.host.version {
        Some(version) => vec![crate::parse_version(version).unwrap()],
        None => Minor::all().collect(),
    }
}

#[test]
fn a_failing_example_passes_with_what_its_page_sets() {
    let catalogue = Catalogue::prepared(&BUNDLED_RULES);
    let mut wrong = Vec::new();
    let mut used = vec![false; EXCEPTIONS.len()];
    for rule in catalogue.rules() {
        let Some(Fix { set: values, .. }) = rule.fix() else {
            panic!("{} says nothing of a fix", rule.id());
        };
        let examples = rule.examples();
        let failing = examples.iter().filter(|one| one.verdict == Verdict::Fail);
        let mut tried = 0;
        for example in failing.filter(|_| !values.is_empty()) {
            for minor in versions(example) {
                if verdict(rule, &example.host, minor).0 != Verdict::Fail {
                    continue;
                }
                tried += 1;
                let host = mended(&example.host, values);
                let (found, reason) = verdict(rule, &host, minor);
                let exception = EXCEPTIONS.iter().position(|(id, from, to, word)| {
                    *id == rule.id() && (*from..=*to).contains(&minor.0) && reason.contains(word)
                });
                match (found, exception) {
                    (Verdict::Pass, _) => {}
                    (_, Some(exception)) => used[exception] = true,
                    (_, None) => {
                        let (id, line) = (rule.id(), example.line);
                        wrong.push(format!("{id}:{line} in {minor}: {found} ({reason})"));
                    }
                }
            }
        }
        assert!(tried > 0 || values.is_empty(), "{}", rule.id());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(used.iter().all(|used| *used), "an exception that is none");
}
