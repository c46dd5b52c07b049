//! Files by their role, on hosts that examples describe.

use std::fmt::Write as _;

use kubeassay_core::facts::{FileFacts, FileKind, Link, Need, NeedKind};
use kubeassay_core::rule::{Catalogue, ExampleFile, ExampleHost, ExampleStatus};
use kubeassay_core::{Bytes, Cause, Verdict};

use super::look::{Host, best, matches, real};
use super::role::Role;
use crate::BUNDLED_RULES;
use crate::example;

#[test]
fn every_role_has_one_word_and_a_rule() {
    let catalogue = Catalogue::prepared(&BUNDLED_RULES);
    for (role, word) in Role::ALL.into_iter().zip(Role::WORDS) {
        assert_eq!(role.as_str(), *word);
        assert_eq!(Role::parse(word), Some(role));
        let mut rules = catalogue.rules();
        assert!(rules.any(|rule| rule.files() == Some(word)), "{word}");
    }
    assert_eq!(Role::parse("pkis"), None);
}

#[test]
fn stars_stand_for_anything_in_a_name() {
    for (pattern, name, fits) in [
        ("*", "a", true),
        ("*.conf", "a.conf", true),
        ("*.conf", "a.conf.bak", false),
        ("kube-*-pod-*", "kube-apiserver-pod-12", true),
        ("kube-*-pod-*", "kube-pod", false),
        ("a", "a", true),
        ("a", "ab", false),
        ("a*a", "a", false),
    ] {
        assert_eq!(
            matches(pattern.as_bytes(), name.as_bytes()),
            fits,
            "{pattern} {name}"
        );
    }
}

fn link(path: &str, target: &str) -> Link {
    Link {
        path: path.into(),
        target: target.into(),
        modified: None,
        changed: None,
    }
}

#[test]
fn a_file_really_lies_where_its_links_lead() {
    for (path, links, lies) in [
        ("/a/b", vec![], "/a/b"),
        ("/a/b", vec![link("/a", "/c")], "/c/b"),
        ("/a/b", vec![link("/a", "c"), link("/c/b", "../d")], "/d"),
        (
            "/a/b/c",
            vec![link("/a/b", "x"), link("/a/x", "y/z")],
            "/a/y/z/c",
        ),
    ] {
        assert_eq!(real(&path.into(), &links), lies, "{path}");
    }
}

fn file(path: &str, what: NeedKind, mode: Option<u32>) -> FileFacts {
    FileFacts {
        kind: Some(FileKind::Regular),
        mode,
        ..FileFacts::new(Need {
            what,
            path: path.into(),
        })
    }
}

#[test]
fn what_was_read_for_another_reason_tells_the_mode_as_well() {
    let listing = file("/a", NeedKind::Listing, Some(0o777));
    let content = file("/a", NeedKind::Content, Some(0o600));
    let presence = file("/a", NeedKind::Presence, None);
    assert_eq!(best([&listing, &presence].into_iter()), None);
    let found = best([&listing, &content, &presence].into_iter());
    assert_eq!(found, Some(&content));
    let metadata = file("/a", NeedKind::Metadata, Some(0o640));
    assert_eq!(best([&content, &metadata].into_iter()), Some(&metadata));
}

#[test]
fn links_that_go_round_or_elsewhere_are_not_followed() {
    let folder = |path: &str, entries: &[(&str, FileKind)], links: Vec<Link>| FileFacts {
        kind: Some(FileKind::Directory),
        links,
        entries: Some(
            entries
                .iter()
                .map(|(name, kind)| kubeassay_core::facts::Entry {
                    name: Bytes::from(*name),
                    kind: *kind,
                })
                .collect(),
        ),
        ..file(path, NeedKind::Metadata, Some(0o755))
    };
    let all = [
        ("round", FileKind::Symlink),
        ("out", FileKind::Symlink),
        ("gone", FileKind::Symlink),
    ];
    let files = [
        folder("/pki", &all, vec![]),
        folder("/pki/round", &all, vec![link("/pki/round", ".")]),
        folder(
            "/pki/out",
            &[("x", FileKind::Regular)],
            vec![link("/pki/out", "/home")],
        ),
        FileFacts::unread(
            Need {
                what: NeedKind::Metadata,
                path: "/pki/gone".into(),
            },
            Cause::Missing,
            "no such file",
        ),
    ];
    let mut host = Host::new(&files);
    let (found, unlisted) = host.below(&"/pki".into());
    let found: Vec<String> = found.iter().map(Bytes::to_string).collect();
    assert_eq!(found, ["/pki", "/pki/round", "/pki/out", "/pki/gone"]);
    assert_eq!(unlisted.len(), 1);
    assert!(unlisted[0].trouble.reason.contains("/home"));
    assert!(host.needs.is_empty());
}

/// Returns what a rule finds, each finding in a line.
fn found(rule: &str, host: &ExampleHost) -> String {
    let catalogue = Catalogue::prepared(&BUNDLED_RULES);
    let rules: Vec<_> = catalogue.rules().filter(|one| one.id() == rule).collect();
    let facts = example::facts(host);
    let judged = example::judge(&rules, &facts);
    let mut said = String::new();
    for finding in judged {
        let _ = writeln!(
            said,
            "{} {}: {}",
            finding.verdict, finding.subject.key, finding.reason
        );
    }
    said
}

fn status(mode: u32, user: &str) -> ExampleFile {
    ExampleFile::Described(ExampleStatus {
        mode,
        owner: (user.to_owned(), "root".to_owned()),
        ..ExampleStatus::default()
    })
}

fn control_plane(files: Vec<(String, ExampleFile)>) -> ExampleHost {
    ExampleHost {
        argv: vec!["kube-apiserver".to_owned(), "--secure-port=6443".to_owned()],
        files: files.into_iter().collect(),
        ..ExampleHost::kubeadm("")
    }
}

#[test]
fn of_sixty_files_exactly_the_bad_one_is_named() {
    let files = (0..60).map(|number| {
        let path = format!("/etc/kubernetes/pki/d{}/{number}.key", number % 5);
        (
            path,
            status(if number == 37 { 0o640 } else { 0o600 }, "root"),
        )
    });
    let said = found("pki-key-mode", &control_plane(files.collect()));
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 60);
    let bad: Vec<&&str> = lines
        .iter()
        .filter(|line| !line.starts_with("pass"))
        .collect();
    assert_eq!(
        bad,
        [&"fail file:/etc/kubernetes/pki/d2/37.key: /etc/kubernetes/pki/d2/37.key has mode 0640"]
    );
}

#[test]
fn one_of_two_files_that_cannot_be_looked_at_is_unknown_by_itself() {
    let host = control_plane(vec![
        (
            "/etc/kubernetes/admin.conf".to_owned(),
            status(0o600, "root"),
        ),
        (
            "/etc/kubernetes/super-admin.conf".to_owned(),
            ExampleFile::Denied,
        ),
    ]);
    let said = found("admin-kubeconfig-mode", &host);
    insta::assert_snapshot!(said, @r"
    pass file:/etc/kubernetes/admin.conf: /etc/kubernetes/admin.conf has mode 0600
    unknown file:/etc/kubernetes/super-admin.conf: mode is not known: /etc/kubernetes/super-admin.conf: permission denied
    ");
}

#[test]
fn where_no_file_is_found_it_is_said_where_it_was_looked_for() {
    let said = found("admin-kubeconfig-mode", &control_plane(vec![]));
    insta::assert_snapshot!(said, @"unknown file:admin-kubeconfig: no administrator's kubeconfig was found; looked for: /etc/kubernetes/admin.conf, /etc/kubernetes/super-admin.conf");
    let worker = ExampleHost::kubeadm("readOnlyPort: 0\n");
    let said = found("scheduler-manifest-mode", &worker);
    assert!(said.starts_with(Verdict::NotApplicable.as_str()), "{said}");
}
