//! What a real API server of 1.36 did (`truth/README.md`), case by case: whether it started, who was let in, which
//! admission plugins it loaded, what its audit log held, how secrets lay in etcd; and the defaults of all flags of the
//! control plane.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a case that is not well-formed fails the test"
)]

use std::collections::{BTreeMap, BTreeSet};

use kubeassay_config::components::{resolve, tables};
use kubeassay_config::kubelet::{Documents, When};
use kubeassay_config::resolution::Resolution;
use kubeassay_config::tables::Minor;
use kubeassay_core::facts::{FileFacts, FileKind, Need, NeedKind, ProcessFacts};
use kubeassay_core::{Bytes, Cause, Component, Value};
use serde_json::Value as Json;

const API_SERVER: &str = include_str!("truth/apiserver-1.36.json");
const OTHERS: &str = include_str!("truth/control-plane-1.36.json");
const FLAGS: &str = include_str!("truth/control-plane-flags-1.36.json");
const MINOR: Minor = Minor(36);

/// What is not predicted, and why.
const BEYOND: [(&str, &str); 14] = [
    (
        "no-etcd",
        "parts of command lines are asked about too: nothing that is missing is refused",
    ),
    ("no-issuer", "as above"),
    ("no-signing-key", "as above"),
    ("no-sa-key", "as above"),
    (
        "plugins-always-deny",
        "it does not start on an empty etcd, and does on one that has been used",
    ),
    ("client-ca-empty-file", "certificates are not looked into"),
    ("token-file-short", "files of tokens are not read"),
    ("mode-abac-bad-file", "policies of ABAC are not read"),
    ("signing-key-is-public", "keys are not read"),
    ("authn-jwt-bad-expression", "expressions are not compiled"),
    (
        "runtime-config-unknown",
        "names of API groups are not known here",
    ),
    (
        "gate-unknown",
        "the laboratory's build only warns where upstream refuses",
    ),
    ("gate-twice", "as above"),
    ("gate-structured-off", "as above"),
];

/// The same of the others.
const OTHERS_BEYOND: [(&str, &str); 7] = [
    ("cm-node-mask", "it is of no matter to any rule"),
    (
        "cm-controllers-unknown",
        "names of controllers are not known here",
    ),
    ("cm-controllers-disabled", "as above"),
    (
        "sch-file-unknown-plugin",
        "names of plugins are not known here",
    ),
    ("px-nodeport-bad", "it is of no matter to any rule"),
    ("px-sync-zero", "as above"),
    ("px-file-gate", "gates in the file are not read"),
];

struct Truth {
    base: Vec<String>,
    cases: Vec<Json>,
}

fn truth() -> Truth {
    let mut truth: Json = serde_json::from_str(API_SERVER).unwrap();
    Truth {
        base: texts(&truth["base"]),
        cases: truth["cases"].as_array_mut().unwrap().drain(..).collect(),
    }
}

fn texts(list: &Json) -> Vec<String> {
    let all = list.as_array().into_iter().flatten();
    all.map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn process(component: Component, arguments: impl IntoIterator<Item = String>) -> ProcessFacts {
    let argv = std::iter::once(component.as_str().to_owned()).chain(arguments);
    ProcessFacts {
        component,
        cwd: Some(Bytes::from("/")),
        ..ProcessFacts::new(1, argv.map(|one| Bytes::from(one.as_str())).collect())
    }
}

fn arguments(truth: &Truth, case: &Json) -> Vec<String> {
    let without = texts(&case["without"]);
    let stays = |argument: &&String| {
        let name = argument.trim_start_matches('-').split('=').next();
        !without.iter().any(|gone| Some(gone.as_str()) == name)
    };
    let mut arguments: Vec<String> = truth.base.iter().filter(stays).cloned().collect();
    arguments.extend(texts(&case["args"]));
    arguments
}

fn settle(mut process: ProcessFacts, case: &Json) -> Resolution {
    for _ in 0..8 {
        let documents = Documents::new(&process);
        let resolution = resolve(process.component, &documents, MINOR, When::Now);
        if resolution.needs.is_empty() {
            return resolution;
        }
        let answers = resolution.needs.into_iter().map(|need| answer(need, case));
        process.files.extend(answers);
    }
    panic!("asks for ever more files");
}

/// The laboratory's certificates and keys are there, and are not part of the cases.
fn answer(need: Need, case: &Json) -> FileFacts {
    let path = need.path.to_string();
    let found = FileFacts {
        kind: Some(FileKind::Regular),
        ..FileFacts::new(need.clone())
    };
    match (case["files"][&path].as_str(), need.what) {
        (Some(text), NeedKind::Content) => FileFacts {
            content: Some(Bytes::from(text)),
            ..found
        },
        (None, NeedKind::PublicKeys) if path.starts_with("/lab/pki/") => FileFacts {
            public_keys: Some(vec!["aa".to_owned()]),
            ..found
        },
        (None, _) if path.starts_with("/lab/pki/") => found,
        (Some(_), _) => found,
        (None, _) => FileFacts::unread(need, Cause::Missing, "no such file or directory"),
    }
}

fn list(resolution: &Resolution, path: &str) -> Vec<String> {
    match resolution.setting(path).unwrap().value() {
        Some(Value::List(items)) => items.iter().map(ToString::to_string).collect(),
        other => panic!("{path}: {other:?}"),
    }
}

fn text(resolution: &Resolution, path: &str) -> String {
    plain(&resolution.setting(path).unwrap().value().unwrap())
}

/// Returns a value without quotes.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string_lossy(),
        other => other.to_string(),
    }
}

/// What ends it in other words than ours, which say more, or come from another place of its.
const OTHER_WORDS: [&str; 10] = [
    "help",
    "version",
    "authz-empty",
    "authz-other-kind",
    "authn-empty-file",
    "encryption-empty-file",
    "audit-empty-file",
    "gate-no-value",
    "emulated-bad",
    "request-timeout-zero",
];

/// Returns whether a refusal is about what the server said: most of its words are the server's.
fn is_about(reason: &str, error: &str) -> bool {
    let words = |text: &str| -> BTreeSet<String> {
        text.split(|character: char| !character.is_alphanumeric())
            .filter(|word| word.len() > 3)
            .map(str::to_lowercase)
            .collect()
    };
    let (reason, error) = (words(reason), words(error));
    let shared = reason.intersection(&error).count();
    shared * 2 >= reason.len().min(error.len()) && shared > 0
}

#[test]
fn the_api_server_starts_with_what_it_was_predicted_to_start_with() {
    let truth = truth();
    let beyond: BTreeMap<&str, &str> = BEYOND.into();
    let (mut faults, mut refused) = (Vec::new(), 0);
    for case in &truth.cases {
        let id = case["id"].as_str().unwrap();
        let started = case["outcome"]["started"] == Json::Bool(true);
        let process = process(Component::ApiServer, arguments(&truth, case));
        let found = settle(process, case).refusal;
        let fault = match (&found, started) {
            (None, true) => None,
            (None, false) => Some(format!("not refused, but: {}", case["outcome"]["error"])),
            (Some(refusal), true) => Some(format!("refused ({}), yet it ran", refusal.reason)),
            (Some(refusal), false) => {
                refused += 1;
                let error = case["outcome"]["error"].as_str().unwrap();
                (!OTHER_WORDS.contains(&id) && !is_about(&refusal.reason, error))
                    .then(|| format!("refused for {}, but: {error}", refusal.reason))
            }
        };
        match (fault, beyond.get(id)) {
            (Some(fault), None) => faults.push(format!("{id}: {fault}")),
            (None, Some(why)) => faults.push(format!("{id} is predicted, although {why}")),
            _ => {}
        }
    }
    assert!(
        faults.is_empty(),
        "{} faults\n{}",
        faults.len(),
        faults.join("\n")
    );
    assert_eq!((truth.cases.len(), refused), (379, 242));
}

#[test]
fn the_api_server_does_what_it_was_predicted_to_do() {
    let truth = truth();
    let mut faults = Vec::new();
    let mut compared = BTreeMap::<&str, usize>::new();
    let default_plugins: BTreeSet<String> = texts(&truth.cases[0]["outcome"]["plugins"])
        .into_iter()
        .collect();
    for case in truth
        .cases
        .iter()
        .filter(|case| case["outcome"]["started"] == Json::Bool(true))
    {
        let (id, outcome) = (case["id"].as_str().unwrap(), &case["outcome"]);
        let resolution = settle(process(Component::ApiServer, arguments(&truth, case)), case);
        if resolution.refusal.is_some() {
            continue;
        }
        let mut compare = |what: &'static str, found: String, wanted: String| {
            *compared.entry(what).or_default() += 1;
            if found != wanted {
                faults.push(format!("{id}: {what}: {found}, the server: {wanted}"));
            }
        };
        let modes = list(&resolution, "derived.authorizationModes");
        if let Some(answers) = outcome["anonymous"].as_object() {
            let lets_in = text(&resolution, "derived.anonymousAuth") == "true";
            let paths = list(&resolution, "derived.anonymousPaths");
            for (path, status) in answers {
                let anonymous = lets_in && (paths.is_empty() || paths.contains(path));
                // Whoever is nobody to the server gets 401; 403 and the rest are authorization's.
                compare(
                    "anonymous",
                    (!anonymous).to_string(),
                    (*status == 401).to_string(),
                );
            }
            // Who has no rights may do everything with one authorizer alone; policies and webhooks decide for themselves.
            if !modes.iter().any(|mode| mode == "Webhook" || mode == "ABAC") {
                let allowed = modes.iter().any(|mode| mode == "AlwaysAllow");
                let wanted = outcome["somebody"] == 200;
                compare("somebody", allowed.to_string(), wanted.to_string());
            }
        }
        let plugins: BTreeSet<String> = match &outcome["plugins"] {
            Json::Object(differences) => {
                let on = differences.get("on").map(texts).unwrap_or_default();
                let off = differences.get("off").map(texts).unwrap_or_default();
                let kept = default_plugins.iter().filter(|name| !off.contains(name));
                kept.cloned().chain(on).collect()
            }
            Json::Array(_) => texts(&outcome["plugins"]).into_iter().collect(),
            _ => default_plugins.clone(),
        };
        let found: BTreeSet<String> = list(&resolution, "derived.admissionPlugins")
            .into_iter()
            .collect();
        compare("plugins", format!("{found:?}"), format!("{plugins:?}"));
        if let Some(provider) = outcome["secret"].as_str() {
            let found = text(&resolution, "derived.secretsProvider");
            let found = if found.is_empty() {
                "identity".to_owned()
            } else {
                found
            };
            compare("secret", found, provider.to_owned());
        }
        for (name, level) in outcome["audit"].as_object().into_iter().flatten() {
            let path = format!("derived.auditLevels.{name}");
            let found = resolution
                .setting(&path)
                .and_then(|setting| setting.value());
            let found = found.map_or_else(|| "None".to_owned(), |level| level.to_string());
            compare(
                "audit",
                format!("{name} {found}"),
                format!("{name} {}", level.as_str().unwrap()),
            );
        }
        for (name, value) in case["flags"].as_object().into_iter().flatten() {
            let found = flag(&resolution, name);
            // Of a gate the server tells the component too, which it is itself.
            let wanted = value
                .as_str()
                .unwrap()
                .trim_start_matches("kube")
                .trim_start_matches(':');
            compare(
                "flag",
                format!("{name} {found}"),
                format!("{name} {wanted}"),
            );
        }
    }
    assert!(
        faults.is_empty(),
        "{} faults\n{}",
        faults.len(),
        faults.join("\n")
    );
    assert!(compared.values().all(|count| *count > 8), "{compared:?}");
}

#[test]
fn the_others_start_with_what_they_were_predicted_to_start_with() {
    let cases: Vec<Json> = serde_json::from_str(OTHERS).unwrap();
    let beyond: BTreeMap<&str, &str> = OTHERS_BEYOND.into();
    let (mut faults, mut refused) = (Vec::new(), 0);
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        let component = Component::ALL
            .iter()
            .copied()
            .find(|component| component.as_str() == case["component"]);
        let resolution = settle(process(component.unwrap(), texts(&case["argv"])), case);
        let started = case["outcome"]["started"] == Json::Bool(true);
        let fault = match (&resolution.refusal, started) {
            (None, true) => {
                let written = case["outcome"]["written"].as_object().into_iter().flatten();
                let mut differences = written.filter_map(|(name, wanted)| {
                    let found = resolution.setting(name).unwrap().value().unwrap();
                    let wanted = match wanted {
                        Json::String(text) => text.clone(),
                        other => other.to_string(),
                    };
                    (plain(&found) != wanted)
                        .then(|| format!("{name}: {found}, it wrote: {wanted}"))
                });
                differences.next()
            }
            (None, false) => Some(format!("not refused, but: {}", case["outcome"]["error"])),
            (Some(refusal), true) => Some(format!("refused ({}), yet it ran", refusal.reason)),
            (Some(refusal), false) => {
                refused += 1;
                let error = case["outcome"]["error"].as_str().unwrap();
                let about = is_about(&refusal.reason, error) || id.ends_with("gate-bad");
                (!about).then(|| format!("refused for {}, but: {error}", refusal.reason))
            }
        };
        match (fault, beyond.get(id)) {
            (Some(fault), None) => faults.push(format!("{id}: {fault}")),
            (None, Some(why)) => faults.push(format!("{id} is predicted, although {why}")),
            _ => {}
        }
    }
    assert!(
        faults.is_empty(),
        "{} faults\n{}",
        faults.len(),
        faults.join("\n")
    );
    assert_eq!((cases.len(), refused), (119, 77));
}

/// Returns the value of a flag as Go prints it.
fn flag(resolution: &Resolution, name: &str) -> String {
    let flag = tables(resolution.component).flag(name).unwrap();
    let value = resolution
        .setting(&format!("flags.{}", flag.setting))
        .unwrap()
        .value()
        .unwrap();
    match &value {
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(plain).collect();
            format!("[{}]", items.join(","))
        }
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{key}={value}"));
            entries.collect::<Vec<_>>().join(",")
        }
        Value::Float(number) => number.to_string(),
        other => plain(other),
    }
}

#[test]
fn every_default_of_the_control_plane_is_that_of_the_real_one() {
    let all: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(FLAGS).unwrap();
    let (mut faults, mut compared) = (Vec::new(), 0);
    for component in [
        Component::ApiServer,
        Component::ControllerManager,
        Component::Scheduler,
        Component::KubeProxy,
    ] {
        let real = &all[component.as_str()];
        let tables = tables(component);
        let known: BTreeSet<&str> = tables
            .flags
            .iter()
            .filter(|flag| flag.presence.possibly(MINOR))
            .map(|flag| flag.name)
            .collect();
        assert_eq!(
            known,
            real.keys().map(String::as_str).collect(),
            "{component}"
        );
        let resolution = settle(process(component, Vec::new()), &Json::Null);
        for (name, wanted) in real {
            // Verbosity was asked for, or nothing would have been printed; the two of kube-proxy are printed after its
            // configuration was completed, and nothing as a flag.
            let other = name == "v"
                || (component == Component::KubeProxy
                    && matches!(name.as_str(), "proxy-mode" | "detect-local-mode"));
            let found = flag(&resolution, name);
            let nothing = |text: &str| matches!(text, "" | "[]" | "<nil>");
            if !other && found != *wanted && !(nothing(&found) && nothing(wanted)) {
                faults.push(format!(
                    "{component} --{name}: {found}, the real one: {wanted}"
                ));
            }
            compared += 1;
        }
    }
    assert!(
        faults.is_empty(),
        "{} faults\n{}",
        faults.len(),
        faults.join("\n")
    );
    assert_eq!(compared, 449);
}
