//! Kubelets whose files are partly unread, resolved: nothing is known that an unread part could change.

use std::collections::{BTreeMap, HashSet};

use kubeassay_core::facts::{
    Entry, FileFacts, FileKind, Link, Moment, Need, NeedKind, ProcessFacts,
};
use kubeassay_core::{Bytes, Cause, Value};

use super::{DROP_IN_VARIABLE, Documents, Resolution, When, ask, resolve};
use crate::tables::Minor;

const HEAD: &str = "kind: KubeletConfiguration\napiVersion: kubelet.config.k8s.io/v1beta1\n";

/// Resolves a kubelet whose files say `files`; an empty text is a file that may not be read. What is not
/// named is there.
fn resolved(minor: u8, arguments: &[&str], files: &[(&str, &str)]) -> Resolution {
    let argv = std::iter::once("kubelet").chain(arguments.iter().copied());
    let mut process = ProcessFacts {
        cwd: Some(Bytes::from("/")),
        environment: Some(BTreeMap::from([(
            DROP_IN_VARIABLE.to_owned(),
            Bytes::from(""),
        )])),
        started: Some(Moment {
            at: "1970-01-01T00:00:00Z".parse().unwrap(),
            error_ms: 0,
        }),
        ..ProcessFacts::new(1, argv.map(Bytes::from).collect())
    };
    loop {
        let resolution = resolve(&Documents::new(&process), Minor(minor), When::Started);
        if resolution.needs.is_empty() {
            assert_eq!(asked(&process, minor, files), paths(&process));
            return resolution;
        }
        process
            .files
            .extend(resolution.needs.into_iter().map(|need| answer(need, files)));
    }
}

/// Returns the files that asking collects for the same kubelet: they must be those that resolving reads.
fn asked(process: &ProcessFacts, minor: u8, files: &[(&str, &str)]) -> HashSet<Need> {
    let mut process = ProcessFacts {
        files: Vec::new(),
        ..process.clone()
    };
    loop {
        let asked = ask(&Documents::new(&process), Minor(minor), When::Started);
        if asked.needs.is_empty() {
            return paths(&process);
        }
        let answers = asked.needs.into_iter().map(|need| answer(need, files));
        process.files.extend(answers);
    }
}

fn paths(process: &ProcessFacts) -> HashSet<Need> {
    process.files.iter().map(|file| file.need.clone()).collect()
}

fn answer(need: Need, files: &[(&str, &str)]) -> FileFacts {
    let path = need.path.to_string_lossy();
    let text = files
        .iter()
        .find(|(name, _)| *name == path)
        .map(|(_, text)| *text);
    let entries = files.iter().filter_map(|(name, _)| {
        let name = name.strip_prefix(path.as_str())?.strip_prefix('/')?;
        Some(Entry {
            name: Bytes::from(name),
            kind: FileKind::Regular,
        })
    });
    let found = FileFacts {
        problem: None,
        ..FileFacts::unread(need.clone(), Cause::Missing, "")
    };
    match (need.what, text) {
        (NeedKind::Content, Some("")) => {
            FileFacts::unread(need, Cause::Denied, "permission denied")
        }
        (NeedKind::Content, Some(text)) => {
            let content = Some(Bytes::from(format!("{HEAD}{text}\n").as_str()));
            FileFacts {
                kind: Some(FileKind::Regular),
                content,
                ..found
            }
        }
        (NeedKind::Listing, _) => FileFacts {
            kind: Some(FileKind::Directory),
            entries: Some(entries.collect()),
            ..found
        },
        _ => found,
    }
}

fn value(resolution: &Resolution, setting: &str) -> Option<Value> {
    assert_eq!(resolution.refusal, None);
    resolution.setting(setting).unwrap().value()
}

/// A flag adds to the gates of the file; what an unread file says of other gates stays unknown.
#[test]
fn a_gate_on_the_command_line_does_not_tell_of_others_in_an_unread_file() {
    let gates = |flags: &[&str]| {
        let arguments = [&["--config=/c", "--kubeconfig=/k"], flags].concat();
        let resolution = resolved(34, &arguments, &[("/c", "")]);
        value(&resolution, "gates.RotateKubeletServerCertificate")
    };
    assert_eq!(gates(&["--feature-gates=Other=true"]), None);
    assert_eq!(
        gates(&["--feature-gates=AllBeta=true", "--feature-gates=Other=true"]),
        None
    );
    assert_eq!(
        gates(&[
            "--feature-gates=Other=true",
            "--feature-gates=RotateKubeletServerCertificate=true"
        ]),
        Some(Value::Bool(true))
    );
}

#[test]
fn a_map_of_an_unread_file_is_never_known_whole() {
    for minor in [28, 29, 31, 32, 36] {
        let later = "featureGates: {Other: true}";
        let resolution = resolved(
            minor,
            &["--config=/c", "--config-dir=/d", "--kubeconfig=/k"],
            &[
                ("/c", "authorization: {mode: Webhook}"),
                ("/d/10.conf", ""),
                ("/d/20.conf", later),
            ],
        );
        assert_eq!(
            value(&resolution, "gates.RotateKubeletServerCertificate"),
            None,
            "1.{minor}"
        );
        assert_eq!(value(&resolution, "featureGates"), None, "1.{minor}");
    }
}

/// Whatever the unread drop-in spells so that it is decoded after the later one wins over it.
#[test]
fn a_later_drop_in_decides_only_what_no_spelling_comes_after() {
    let mode = |minor, later: &str| {
        let files = [
            ("/c", "maxPods: 5"),
            ("/d/10.conf", ""),
            ("/d/20.conf", later),
        ];
        let resolution = resolved(
            minor,
            &["--config=/c", "--config-dir=/d", "--kubeconfig=/k"],
            &files,
        );
        let enabled = value(&resolution, "authentication.anonymous.enabled");
        (
            value(&resolution, "authorization.mode"),
            value(&resolution, "readOnlyPort"),
            enabled,
        )
    };
    for minor in [29, 31, 32, 36] {
        let usual = "authorization: {mode: Webhook}\nreadOnlyPort: 0\nauthentication: {anonymous: {enabled: false}}";
        assert_eq!(
            mode(minor, usual),
            (Some(Value::string("Webhook")), None, None),
            "1.{minor}"
        );
        let unusual = "Authorization: {Mode: Webhook}";
        assert_eq!(mode(minor, unusual).0, None, "1.{minor}");
    }
}

#[test]
fn the_cluster_may_have_replaced_the_file() {
    let arguments = [
        "--config=/c",
        "--kubeconfig=/k",
        "--dynamic-config-dir=/d",
        "--anonymous-auth=false",
    ];
    for minor in 20..=23 {
        let resolution = resolved(
            minor,
            &arguments,
            &[("/c", "authorization: {mode: Webhook}")],
        );
        assert_eq!(value(&resolution, "authorization.mode"), None);
        assert_eq!(
            value(&resolution, "authentication.anonymous.enabled"),
            Some(Value::Bool(false))
        );
    }
}

#[test]
fn a_certificate_without_a_known_key_is_not_known_to_be_configured() {
    let arguments = [
        "--config=/c",
        "--kubeconfig=/k",
        "--rotate-server-certificates=false",
        "--tls-cert-file=",
    ];
    let resolution = resolved(36, &arguments, &[("/c", "")]);
    assert_eq!(value(&resolution, "derived.servingCertificate"), None);
}

/// Go finds `kind` without regard to case, the last one in its own order.
#[test]
fn the_kind_is_found_as_go_finds_it() {
    let arguments = ["--config=/c", "--kubeconfig=/k"];
    let refused = |text| resolved(36, &arguments, &[("/c", text)]).refusal.is_some();
    assert!(!refused("Kind: Nonsense"));
    assert!(!refused("KIND: Nonsense\nApiVersion: x"));
    assert!(refused("kind: Nonsense"));
}

/// A folder that was renamed into place brings along files older than the process.
#[test]
fn a_folder_renamed_since_the_start_leaves_its_files_unknown() {
    let mode_by = |path: &str, changed: &str, linked: Option<&str>| {
        let argv = ["kubelet", "--kubeconfig=/k", &format!("--config={path}")].map(Bytes::from);
        let moment = |text: &str| Some(text.parse().unwrap());
        let mut process = ProcessFacts {
            cwd: Some(Bytes::from("/")),
            started: Some(Moment {
                at: "2026-01-02T00:00:00Z".parse().unwrap(),
                error_ms: 20,
            }),
            ..ProcessFacts::new(1, argv.to_vec())
        };
        loop {
            let resolution = resolve(&Documents::new(&process), Minor(36), When::Started);
            if resolution.needs.is_empty() {
                return value(&resolution, "authorization.mode");
            }
            process
                .files
                .extend(resolution.needs.into_iter().map(|need| {
                    let folder = ["/etc/k", "/var/lib/kubelet"]
                        .contains(&need.path.to_string_lossy().as_str());
                    if folder && changed == "gone" {
                        return FileFacts::unread(need, Cause::Missing, "gone");
                    }
                    let facts = answer(need, &[(path, "authorization: {mode: Webhook}")]);
                    let (modified, changed) = if folder {
                        (moment("2026-01-01T00:00:00Z"), moment(changed))
                    } else {
                        (None, None)
                    };
                    let link = linked.filter(|_| folder).map(|changed| Link {
                        path: "/etc/k".into(),
                        target: "other".into(),
                        modified: moment("2026-01-01T00:00:00Z"),
                        changed: moment(changed),
                    });
                    FileFacts {
                        modified,
                        changed,
                        links: link.into_iter().collect(),
                        ..facts
                    }
                }));
        }
    };
    let mode = |path: &str, changed: &str| mode_by(path, changed, None);
    let webhook = Some(Value::string("Webhook"));
    assert_eq!(mode("/etc/k/c.yaml", "2026-01-01T00:00:00Z"), webhook);
    assert_eq!(mode("/etc/k/c.yaml", "2026-01-03T00:00:00Z"), None);
    // The folder was a link when it was looked at, and itself when the file was read.
    let linked = |changed| mode_by("/etc/k/c.yaml", "2026-01-01T00:00:00Z", Some(changed));
    assert_eq!(linked("2026-01-01T00:00:00Z"), webhook);
    assert_eq!(linked("2026-01-03T00:00:00Z"), None);
    // It could not be looked at, although the file in it was read: it comes and goes.
    assert_eq!(mode("/etc/k/c.yaml", "gone"), None);
    // The kubelet's own root directory is a mount: it cannot be renamed, and its mode is the kubelet's.
    assert_eq!(
        mode("/var/lib/kubelet/c.yaml", "2026-01-03T00:00:00Z"),
        webhook
    );
}

/// Only a tenant makes hundreds of drop-ins, and none of its files is even asked for then.
#[test]
fn more_drop_ins_than_are_merged_leave_everything_unknown() {
    let mode = |count: usize| {
        let names: Vec<String> = (0..count)
            .map(|index| format!("/d/{index:04}.conf"))
            .collect();
        let texts: Vec<(&str, &str)> = names
            .iter()
            .map(|name| (name.as_str(), "authorization: {mode: Webhook}"))
            .collect();
        let arguments = ["--config-dir=/d", "--kubeconfig=/k"];
        let resolution = resolved(34, &arguments, &texts);
        (
            resolution.layers.len(),
            value(&resolution, "authorization.mode"),
        )
    };
    assert_eq!(mode(256).1, Some(Value::string("Webhook")));
    let (layers, mode) = mode(257);
    assert_eq!(mode, None);
    assert!(layers < 10);
}
