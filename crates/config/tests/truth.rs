//! What real kubelets of ten minors did (`truth/README.md`), case by case: every effective value equal to
//! `/configz`, every refusal predicted, nothing unknown that a file system can tell.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a case that is not well-formed fails the test"
)]

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use kubeassay_config::kubelet::{Documents, When, live, resolve};
use kubeassay_config::resolution::Resolution;
use kubeassay_config::setting::{Setting, State};
use kubeassay_config::tables::Minor;
use kubeassay_core::facts::{Entry, FileFacts, FileKind, Moment, Need, NeedKind, ProcessFacts};
use kubeassay_core::{Bytes, Cause, Value};
use serde_json::{Map, Value as Json};

const GROUPS: [(&str, &str); 9] = [
    ("config-path", include_str!("truth/config-path.json")),
    ("config-text", include_str!("truth/config-text.json")),
    ("defaults", include_str!("truth/defaults.json")),
    ("drop-ins", include_str!("truth/drop-ins.json")),
    ("flag-forms", include_str!("truth/flag-forms.json")),
    ("flag-vs-config", include_str!("truth/flag-vs-config.json")),
    ("process", include_str!("truth/process.json")),
    ("siblings", include_str!("truth/siblings.json")),
    ("versions", include_str!("truth/versions.json")),
];

/// Files of the laboratory that cases name and do not describe.
const LABORATORY: [&str; 5] = [
    "/etc/kubernetes/dead.conf",
    "/etc/kubernetes/kubelet.conf",
    "/etc/kubernetes/lab/other-ca.crt",
    "/etc/kubernetes/pki/ca.crt",
    "/var/lib/kubelet/pki/lab-ca.crt",
];

/// A file of a case.
enum File {
    Content(Vec<u8>),
    Link(String),
    Directory,
    /// Bound over by another mount after the process read it.
    Hidden,
}

struct Files {
    files: BTreeMap<String, File>,
    absent: BTreeSet<String>,
}

impl Files {
    fn of(case: &Json) -> Self {
        let mut files = BTreeMap::new();
        let mut links = Vec::new();
        for (path, file) in case["files"].as_object().unwrap_or(&Map::new()) {
            let file = match file {
                Json::String(text) => File::Content(text.clone().into_bytes()),
                Json::Object(map) if map.contains_key("base64") => {
                    let encoded = serde_json::json!({"base64": map["base64"]});
                    File::Content(serde_json::from_value::<Bytes>(encoded).unwrap().into_vec())
                }
                Json::Object(map) if map.contains_key("symlink") => {
                    File::Link(map["symlink"].as_str().unwrap().to_owned())
                }
                Json::Object(map) if map.contains_key("hardlink") => {
                    links.push((path.clone(), map["hardlink"].as_str().unwrap().to_owned()));
                    continue;
                }
                Json::Object(map) if map.contains_key("dir") => File::Directory,
                Json::Object(map) if map.contains_key("text") => {
                    File::Content(map["text"].as_str().unwrap().as_bytes().to_vec())
                }
                other => panic!("{path}: {other}"),
            };
            files.insert(path.clone(), file);
        }
        for (path, target) in links {
            if let Some(File::Content(content)) = files.get(&target) {
                let content = content.clone();
                files.insert(path, File::Content(content));
            }
        }
        let absent = case["absent"].as_array().into_iter().flatten();
        let absent = absent
            .map(|path| path.as_str().unwrap().to_owned())
            .collect();
        let mut files = Self { files, absent };
        files.bind_mounts(case["shell"].as_str().unwrap_or_default());
        files
    }

    /// What a `mount --bind A B` in the case's shell makes of B.
    fn bind_mounts(&mut self, shell: &str) {
        for command in shell.split("mount --bind ").skip(1) {
            let mut words = command.split([' ', ';']);
            let (from, to) = (words.next().unwrap(), words.next().unwrap());
            let to = to.strip_prefix("/srv/kroot").unwrap_or(to);
            // The kubelet binds its own folder over itself, which hides what was bound below it.
            let bound = match self.files.get(from) {
                Some(File::Content(_)) if to.starts_with("/var/lib/kubelet/") => File::Hidden,
                Some(File::Content(content)) => File::Content(content.clone()),
                _ => continue,
            };
            self.files.insert(to.to_owned(), bound);
        }
    }

    /// Resolves the links in all components of a path but, if `keep_last`, the last.
    fn resolve(&self, path: &str, keep_last: bool) -> Option<String> {
        let mut path = path.to_owned();
        'again: for _ in 0..40 {
            let ends: Vec<usize> = path
                .match_indices('/')
                .map(|(at, _)| at)
                .skip(1)
                .chain([path.len()])
                .collect();
            for end in ends {
                let (head, rest) = path.split_at(end);
                if keep_last && rest.is_empty() {
                    continue;
                }
                if let Some(File::Link(target)) = self.files.get(head) {
                    let folder = &head[..head.rfind('/').unwrap()];
                    let target = if target.starts_with('/') {
                        target.clone()
                    } else {
                        format!("{folder}/{target}")
                    };
                    path = format!("{target}{rest}");
                    continue 'again;
                }
            }
            let mut parts: Vec<&str> = Vec::new();
            for part in path
                .split('/')
                .filter(|part| !part.is_empty() && *part != ".")
            {
                if part == ".." {
                    parts.pop();
                } else {
                    parts.push(part);
                }
            }
            return Some(format!("/{}", parts.join("/")));
        }
        None
    }

    fn is_directory(&self, path: &str) -> bool {
        let below = format!("{}/", path.trim_end_matches('/'));
        matches!(self.files.get(path), Some(File::Directory))
            || self.files.keys().any(|file| file.starts_with(&below))
    }

    fn answer(&self, need: &Need) -> FileFacts {
        let asked = need.path.to_string_lossy();
        let keep_last = need.what == NeedKind::Listing && !asked.ends_with('/');
        let blank = FileFacts {
            problem: None,
            ..FileFacts::unread(need.clone(), Cause::Missing, "")
        };
        let missing =
            || FileFacts::unread(need.clone(), Cause::Missing, "no such file or directory");
        if asked == "/dev/stdin" || asked.starts_with("/proc/") {
            return FileFacts::unread(need.clone(), Cause::NotRegular, "not a regular file");
        }
        let Some(path) = self.resolve(&asked, keep_last) else {
            return missing();
        };
        if self.absent.contains(&path) {
            return missing();
        }
        if self.is_directory(&path) {
            let below = format!("{}/", path.trim_end_matches('/'));
            let mut entries: BTreeMap<&str, FileKind> = BTreeMap::new();
            for (file, what) in &self.files {
                let Some(rest) = file.strip_prefix(&below) else {
                    continue;
                };
                let (name, kind) = match (rest.split_once('/'), what) {
                    (Some((name, _)), _) => (name, FileKind::Directory),
                    (None, File::Link(_)) => (rest, FileKind::Symlink),
                    (None, File::Directory) => (rest, FileKind::Directory),
                    (None, _) => (rest, FileKind::Regular),
                };
                entries.insert(name, kind);
            }
            let entries = entries
                .into_iter()
                .map(|(name, kind)| Entry {
                    name: Bytes::from(name),
                    kind,
                })
                .collect();
            let facts = FileFacts {
                kind: Some(FileKind::Directory),
                ..blank
            };
            return match need.what {
                NeedKind::Content => FileFacts {
                    kind: Some(FileKind::Directory),
                    ..FileFacts::unread(need.clone(), Cause::NotRegular, "a directory")
                },
                _ => FileFacts {
                    entries: Some(entries),
                    ..facts
                },
            };
        }
        match (self.files.get(&path), need.what) {
            (Some(File::Content(content)), NeedKind::Content) => FileFacts {
                kind: Some(FileKind::Regular),
                content: Some(Bytes::from(content.clone())),
                ..blank
            },
            (Some(File::Content(_)), _) => FileFacts {
                kind: Some(FileKind::Regular),
                ..blank
            },
            (Some(File::Link(_)), _) => FileFacts {
                kind: Some(FileKind::Symlink),
                ..blank
            },
            (Some(File::Hidden), _) => {
                FileFacts::unread(need.clone(), Cause::HiddenByMount, "hidden")
            }
            // The laboratory's certificates and kubeconfigs are not part of the cases.
            (None, NeedKind::Presence) if LABORATORY.contains(&path.as_str()) => FileFacts {
                kind: Some(FileKind::Regular),
                ..blank
            },
            (Some(File::Directory) | None, _) => missing(),
        }
    }
}

fn process(argv: Vec<Bytes>, cwd: &str, environment: BTreeMap<String, Bytes>) -> ProcessFacts {
    ProcessFacts {
        cwd: Some(Bytes::from(cwd)),
        environment: Some(environment),
        started: Some(Moment {
            at: "2026-11-23T08:00:00Z".parse().unwrap(),
            error_ms: 20,
        }),
        ..ProcessFacts::new(1, argv)
    }
}

fn texts(list: &Json) -> Vec<Bytes> {
    list.as_array()
        .into_iter()
        .flatten()
        .map(|text| serde_json::from_value(text.clone()).unwrap())
        .collect()
}

fn process_of(case: &Json, outcome: &Json) -> ProcessFacts {
    // A shell or a script may have made other arguments of those it was given.
    let mut argv = texts(&outcome["proc"]["cmdline"]);
    if argv.is_empty() {
        argv = texts(&case["argv"]);
    }
    let environment = case["env"].as_object().into_iter().flatten();
    let environment = environment
        .map(|(name, value)| (name.clone(), Bytes::from(value.as_str().unwrap())))
        .collect();
    process(argv, case["cwd"].as_str().unwrap_or("/"), environment)
}

/// Resolves, answering what is asked for until nothing new is.
fn settle(
    mut process: ProcessFacts,
    minor: Minor,
    answer: impl Fn(&Need) -> FileFacts,
) -> Resolution {
    for _ in 0..20 {
        let resolution = resolve(&Documents::new(&process), minor, When::Started);
        if resolution.needs.is_empty() {
            return resolution;
        }
        process.files.extend(resolution.needs.iter().map(&answer));
    }
    panic!("asks for ever more files");
}

fn minor(version: &str) -> Minor {
    Minor(version.split('.').nth(1).unwrap().parse().unwrap())
}

/// Compares what was resolved with what the kubelet said; `/configz` leaves out what is zero.
fn differs(resolution: &Resolution, path: &str, wanted: &Json) -> Option<String> {
    let found = match resolution.setting(path) {
        Some(setting) => match (&setting.state, setting.value()) {
            (State::OneOf(values), _) => return Some(format!("{path}: one of {values:?}")),
            (_, Some(value)) => serde_json::to_value(value).unwrap(),
            (state, None) => return Some(format!("{path}: {state:?}")),
        },
        // An object: compare what is below.
        None if wanted.is_object() => {
            return wanted
                .as_object()
                .unwrap()
                .iter()
                .find_map(|(key, wanted)| differs(resolution, &format!("{path}.{key}"), wanted));
        }
        None => Json::Null,
    };
    let zero = |json: &Json| match json {
        Json::Null => true,
        Json::Bool(value) => !value,
        Json::Number(number) => number.as_f64() == Some(0.0),
        Json::String(text) => text.is_empty() || text == "0s",
        Json::Array(list) => list.is_empty(),
        Json::Object(map) => map.is_empty(),
    };
    let same =
        found == *wanted || (wanted.is_null() && zero(&found)) || (zero(wanted) && zero(&found));
    (!same).then(|| format!("{path}: resolved {found}, the kubelet says {wanted}"))
}

/// Cases whose truth no file system holds: what was read from a pipe, or is hidden by a later mount.
fn is_beyond_files(resolution: &Resolution) -> bool {
    resolution.layers.iter().any(|layer| {
        layer.unknown.as_ref().is_some_and(|unknown| {
            matches!(unknown.cause, Cause::HiddenByMount | Cause::NotRegular)
        })
    })
}

#[test]
fn every_measured_kubelet_is_understood() {
    let (mut runs, mut unknown, mut faults) = (0, 0, Vec::new());
    for (group, text) in GROUPS {
        let cases: Vec<Json> = serde_json::from_str(text).unwrap();
        for case in &cases {
            let files = Files::of(case);
            for outcome in case["outcomes"].as_array().unwrap() {
                for version in outcome["versions"].as_array().unwrap() {
                    runs += 1;
                    let version = version.as_str().unwrap();
                    let id = format!("{group}/{} {version}", case["id"].as_str().unwrap());
                    let resolution = settle(process_of(case, outcome), minor(version), |need| {
                        files.answer(need)
                    });
                    if is_beyond_files(&resolution) {
                        unknown += 1;
                        continue;
                    }
                    faults.extend(
                        judge(&resolution, case, outcome)
                            .into_iter()
                            .map(|fault| format!("{id}: {fault}")),
                    );
                }
            }
        }
    }
    assert!(
        faults.is_empty(),
        "{} faults in {runs} runs\n{}",
        faults.len(),
        faults.join("\n")
    );
    assert_eq!(runs, 1516);
    // Two kubelets hid by a bind mount of their own the file that they had read.
    assert_eq!(unknown, 2, "runs whose truth no file holds");
}

fn judge(resolution: &Resolution, case: &Json, outcome: &Json) -> Vec<String> {
    // It runs, with nothing listening.
    let runs = outcome["started"] == Json::Bool(true) || case["id"] == "webhook-server-disabled";
    match (&resolution.refusal, runs) {
        (Some(refusal), true) => vec![format!("refused ({}), yet it ran", refusal.reason)],
        (None, false) => vec![format!("not refused, but it said: {}", outcome["error"])],
        (Some(_), false) => Vec::new(),
        (None, true) => {
            let effective = outcome["effective"]
                .as_object()
                .cloned()
                .unwrap_or_default();
            effective
                .iter()
                .filter_map(|(path, wanted)| differs(resolution, path, wanted))
                .collect()
        }
    }
}

#[test]
fn every_observed_start_is_understood() {
    let observed: Json = serde_json::from_str(include_str!("truth/observed-1.36.json")).unwrap();
    let mut faults = Vec::new();
    let cases = observed["cases"].as_array().unwrap();
    for case in cases {
        let argv = [Bytes::from("kubelet")]
            .into_iter()
            .chain(texts(&observed["base_args"]))
            .chain(texts(&case["args"]))
            .collect();
        let mut rooted = case.clone();
        let prefixed = |map: &Map<String, Json>| {
            map.iter()
                .map(|(path, file)| (format!("/cwd/{path}"), file.clone()))
                .collect::<Map<_, _>>()
        };
        rooted["files"] = Json::Object(case["files"].as_object().map(prefixed).unwrap_or_default());
        let files = Files::of(&rooted);
        let name = case["name"].as_str().unwrap();
        let resolution = settle(process(argv, "/cwd", BTreeMap::new()), Minor(36), |need| {
            files.answer(need)
        });
        let accepted = case["accepted"] == Json::Bool(true);
        match &resolution.refusal {
            // The runs ended before they would have served, which is when HTTP/2 looks at the ciphers.
            Some(refusal) if refusal.reason.starts_with("http2:") => {}
            Some(refusal) if case["reached_runtime"] == Json::Bool(true) => {
                faults.push(format!(
                    "{name}: refused ({}), yet it started",
                    refusal.reason
                ));
            }
            None if !accepted => faults.push(format!(
                "{name}: not refused, but it said: {}",
                case["error"]
            )),
            _ => {}
        }
        if accepted {
            let effective = case["effective"].to_string().replace("<cwd>", "/cwd");
            let effective: Json = serde_json::from_str(&effective).unwrap();
            faults.extend(
                effective
                    .as_object()
                    .into_iter()
                    .flatten()
                    .filter_map(|(path, wanted)| differs(&resolution, path, wanted))
                    .map(|fault| format!("{name}: {fault}")),
            );
        }
    }
    assert!(
        faults.is_empty(),
        "{} faults in {} cases\n{}",
        faults.len(),
        cases.len(),
        faults.join("\n")
    );
}

/// Returns the body of `/configz` that shows these settings; what is null is left out, as a kubelet does.
fn body(effective: &Map<String, Json>) -> String {
    let mut object = Json::Object(Map::new());
    for (path, value) in effective.iter().filter(|(_, value)| !value.is_null()) {
        let mut place = &mut object;
        for part in path.split('.') {
            place = &mut place[part];
        }
        *place = value.clone();
    }
    serde_json::json!({ "kubeletconfig": object }).to_string()
}

#[test]
fn what_a_kubelet_says_of_itself_is_what_its_files_come_to() {
    let (mut runs, mut faults) = (0, Vec::new());
    for (group, text) in GROUPS {
        let cases: Vec<Json> = serde_json::from_str(text).unwrap();
        for case in &cases {
            let files = Files::of(case);
            for outcome in case["outcomes"].as_array().unwrap() {
                let Some(effective) = outcome["effective"].as_object() else {
                    continue;
                };
                if !effective.contains_key("authorization.mode") {
                    continue;
                }
                for version in outcome["versions"].as_array().unwrap() {
                    let version = version.as_str().unwrap();
                    let process = process_of(case, outcome);
                    let body = body(effective);
                    let url = "https://127.0.0.1:10250/configz";
                    let said = live(body.as_bytes(), url, minor(version), Some(&process));
                    let disk = settle(process, minor(version), |need| files.answer(need));
                    if is_beyond_files(&disk) {
                        continue;
                    }
                    runs += 1;
                    let id = format!("{group}/{} {version}", case["id"].as_str().unwrap());
                    let said = match said {
                        Ok(said) => said,
                        Err(unknown) => {
                            faults.push(format!("{id}: {}", unknown.reason));
                            continue;
                        }
                    };
                    // The truth has these settings of each run; of others it says nothing.
                    for path in effective.keys() {
                        let of =
                            |resolution: &Resolution| resolution.setting(path).map(Cow::into_owned);
                        let (disk, said) = (of(&disk), of(&said));
                        let same = match (&disk, &said) {
                            (Some(disk), Some(said)) => {
                                disk.value() == said.value() || (disk.is_zero() && said.is_zero())
                            }
                            // Nobody said anything: that is nothing.
                            (None, Some(only)) | (Some(only), None) => only.is_zero(),
                            (None, None) => true,
                        };
                        if !same {
                            faults.push(format!(
                                "{id}: {path}: files {:?}, live {:?}",
                                disk.map(|it| it.state),
                                said.map(|it| it.state)
                            ));
                        }
                    }
                }
            }
        }
    }
    assert!(
        faults.is_empty(),
        "{} faults in {runs} runs\n{}",
        faults.len(),
        faults.join("\n")
    );
    assert!(runs > 1000, "{runs} runs");
}

/// Pairs of what a kubelet answered and what it was started with (`tests/captures/README.md`).
macro_rules! captures {
    ($($name:literal),+ $(,)?) => {
        [$((
            $name,
            &include_bytes!(concat!("../../../tests/captures/configz-", $name, ".json"))[..],
            &include_bytes!(concat!("../../../tests/captures/cmdline-", $name, ".bin"))[..],
        )),+]
    };
}

#[test]
fn real_answers_are_understood_and_flags_without_a_field_stay_with_the_process() {
    let captures = captures![
        "bare-no-flags-cgroup-v2",
        "cis-hardened",
        "config-alwaysallow-anonymous",
        "config-alwaysallow-anonymous-off",
        "dropin-alwaysallow",
        "flag-alwaysallow-over-config-webhook",
        "flags-only-hardened",
        "kubeadm-webhook",
        "no-config-defaults",
        "standalone-defaults",
    ];
    for (name, body, arguments) in captures {
        let argv = arguments
            .split(|byte| *byte == 0)
            .filter(|text| !text.is_empty());
        let mut process = ProcessFacts::new(1, argv.map(Bytes::from).collect());
        process.cwd = Some("/".into());
        let url = "https://127.0.0.1:10250/configz";
        let said = live(body, url, Minor(36), Some(&process)).unwrap();
        let body: Json = serde_json::from_slice(body).unwrap();
        let wanted = &body["kubeletconfig"];
        let value = |path: &str| said.setting(path).and_then(|it| it.value());
        let mode = wanted["authorization"]["mode"].as_str().unwrap();
        assert_eq!(
            value("authorization.mode"),
            Some(Value::string(mode)),
            "{name}"
        );
        let port = wanted["readOnlyPort"].as_i64().unwrap_or(0);
        assert_eq!(value("readOnlyPort"), Some(Value::Int(port)), "{name}");
        let named = process.argv.iter().any(|argument| {
            argument
                .as_str()
                .is_some_and(|text| text.starts_with("--hostname-override"))
        });
        let name_of_node = value("flags.hostnameOverride");
        assert_eq!(name_of_node != Some(Value::string("")), named, "{name}");
        let alone = live(body.to_string().as_bytes(), "u", Minor(36), None).unwrap();
        let unsaid = alone.setting("flags.hostnameOverride").unwrap();
        assert!(unsaid.unknown().is_some(), "{name}");
        // Where no file plays a part, the arguments alone give what the kubelet says of itself, to the last field that
        // can be known without asking the container runtime.
        let files = process.argv.iter().any(|argument| {
            argument
                .as_str()
                .is_some_and(|text| text.starts_with("--config"))
        });
        if !files {
            let disk = resolve(&Documents::new(&process), Minor(36), When::Now);
            for path in kubeassay_config::kubelet::fields(disk.minor) {
                let of = |resolution: &Resolution| resolution.setting(path).map(Cow::into_owned);
                let (disk, said) = (of(&disk), of(&said));
                if disk.as_ref().is_some_and(|disk| disk.unknown().is_some()) {
                    continue;
                }
                let zero = |it: &Option<Setting>| it.as_ref().is_none_or(Setting::is_zero);
                let same = disk.as_ref().map(Setting::value) == said.as_ref().map(Setting::value);
                assert!(
                    same || (zero(&disk) && zero(&said)),
                    "{name}: {path}: {disk:?} {said:?}"
                );
            }
        }
    }
}
