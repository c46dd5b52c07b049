//! Facts as if a file had been written: every name of that file says so, and nothing else does.

#![expect(
    clippy::unwrap_used,
    reason = "tests fail where something is not as it should be"
)]

#[path = "../../config/tests/systemd/host.rs"]
mod host;

use kubeassay_config::units::{needs, next_start};
use kubeassay_core::facts::{FileFacts, FileKind, Link, Need, NeedKind, ServiceFacts, Trouble};
use kubeassay_core::{Bytes, Cause};
use kubeassay_fix::overlay::with_file;

const UNIT: &str = "kubelet.service";
const ETC: &str = "/etc/systemd/system/kubelet.service";
const DROP_INS: &str = "/etc/systemd/system/kubelet.service.d";

fn file<'a>(service: &'a ServiceFacts, what: NeedKind, path: &str) -> &'a FileFacts {
    let path = Bytes::from(path);
    service.file(&Need { what, path }).unwrap()
}

fn content(service: &ServiceFacts, path: &str) -> String {
    let file = file(service, NeedKind::Content, path);
    file.content.as_ref().unwrap().as_str().unwrap().to_owned()
}

fn link(path: &str, target: &str) -> Link {
    Link {
        path: Bytes::from(path),
        target: Bytes::from(target),
        modified: None,
        changed: None,
    }
}

/// Returns the arguments behind the program, or why they cannot be told.
fn arguments(service: &ServiceFacts) -> Result<Vec<String>, String> {
    assert_eq!(needs(service), [], "something is wanted");
    let next = next_start(service).map_err(|unknown| unknown.reason)?;
    let texts = next.arguments.iter().skip(1);
    Ok(texts.map(|argument| argument.text.to_string()).collect())
}

/// A unit that reads two environment files, below `folder`.
fn reads(folder: &str) -> ServiceFacts {
    let unit = format!(
        "[Service]\nEnvironmentFile={folder}/a.env\nEnvironmentFile={folder}/b.env\nExecStart=/k $A $B\n"
    );
    let (a, b) = (format!("{folder}/a.env"), format!("{folder}/b.env"));
    host::facts(
        UNIT,
        &[(ETC, &unit), (&a, "A=--a\n"), (&b, "B=--b\n")],
        needs,
    )
}

#[test]
fn a_link_among_the_folders_on_the_way_makes_no_two_files_one() {
    for (at, target) in [
        ("/var/lib/kubelet", "/data/kubelet"),
        ("/var", "mnt/var"),
        ("/var/lib", "../data"),
    ] {
        let mut service = reads("/var/lib/kubelet");
        for each in &mut service.files {
            if each.need.path.as_slice().starts_with(b"/var/") {
                each.links.push(link(at, target));
            }
        }
        let path = Bytes::from("/var/lib/kubelet/a.env");
        let after = with_file(&service, &path, b"A=--new\n");
        assert_eq!(content(&after, "/var/lib/kubelet/b.env"), "B=--b\n", "{at}");
        assert_eq!(arguments(&after).unwrap(), ["--new", "--b"], "{at}");
    }
}

#[test]
fn a_file_is_changed_under_each_of_its_names() {
    let unit = "[Service]\nEnvironmentFile=/etc/real\nEnvironmentFile=/etc/link\nEnvironmentFile=/opt/other\nExecStart=/k $A\n";
    let files = [
        (ETC, unit),
        ("/etc/real", "A=--a\n"),
        ("/etc/link", "-> real"),
        ("/opt/other", "-> ../etc/link"),
    ];
    let service = host::facts(UNIT, &files, needs);
    for path in ["/etc/real", "/etc/link", "/opt/other"] {
        let after = with_file(&service, &Bytes::from(path), b"A=--new\n");
        for name in ["/etc/real", "/etc/link", "/opt/other"] {
            assert_eq!(content(&after, name), "A=--new\n", "{name} by {path}");
            let digest = file(&after, NeedKind::Content, name).sha256.clone();
            assert_eq!(
                digest.unwrap(),
                "6c4f36c0e88568cf821ee501154594022e8c82b37180790a535323581a681a71"
            );
        }
    }
}

#[test]
fn a_new_drop_in_is_found_by_the_search_and_needs_nothing_more() {
    let unit = "[Service]\nExecStart=/k --a\n";
    let new = b"[Service]\nExecStart=\nExecStart=/k --new\n";
    let path = Bytes::from(format!("{DROP_INS}/90-kubeassay.conf"));
    let other = format!("{DROP_INS}/10-other.conf");
    let others: [&[(&str, &str)]; 2] = [&[(ETC, unit)], &[(ETC, unit), (&other, "[Service]\n")]];
    for files in others {
        let service = host::facts(UNIT, files, needs);
        let after = with_file(&service, &path, new);
        assert_eq!(arguments(&after).unwrap(), ["--new"]);
        let folder = file(&after, NeedKind::Listing, &format!("{DROP_INS}/"));
        assert_eq!(folder.kind, Some(FileKind::Directory));
        let above = file(&after, NeedKind::Listing, "/etc/systemd/system/");
        let mut entries = above.entries.iter().flatten();
        let entry = entries.find(|entry| entry.name == "kubelet.service.d");
        assert_eq!(entry.unwrap().kind, FileKind::Directory);
    }
}

#[test]
fn a_folder_that_could_not_be_listed_stays_unknown() {
    let unit = "[Service]\nExecStart=/k --a\n";
    let other = format!("{DROP_INS}/10-other.conf");
    let path = Bytes::from(format!("{DROP_INS}/90-kubeassay.conf"));
    let mut service = host::facts(UNIT, &[(ETC, unit), (&other, "[Service]\n")], needs);
    let listing = format!("{DROP_INS}/");
    for each in &mut service.files {
        if each.need.path == listing.as_str() {
            each.entries = None;
            each.problem = Some(Trouble {
                cause: Cause::Blocked,
                reason: "no".to_owned(),
            });
        }
    }
    let after = with_file(&service, &path, b"[Service]\n");
    assert!(arguments(&after).is_err());
}

#[test]
fn a_folder_behind_a_link_that_is_not_followed_stays_a_link() {
    let mut service = host::facts(UNIT, &[(ETC, "[Service]\nExecStart=/k\n")], needs);
    let need = Need {
        what: NeedKind::Listing,
        path: Bytes::from("/etc/kubernetes"),
    };
    let mut folder = FileFacts::unread(need, Cause::Missing, "");
    folder.problem = None;
    folder.kind = Some(FileKind::Symlink);
    service.files.push(folder);
    let after = with_file(
        &service,
        &Bytes::from("/etc/kubernetes/kubelet.yaml"),
        b"x: 1\n",
    );
    let folder = file(&after, NeedKind::Listing, "/etc/kubernetes");
    assert_eq!(folder.kind, Some(FileKind::Symlink));
    assert_eq!(folder.entries, None);
}
