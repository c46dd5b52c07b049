//! Transactions on a host in a folder. What is left when a process is ended is tested in `tests/crash.rs`.

#![expect(clippy::disallowed_methods, reason = "reads what was written")]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use kubeassay_core::facts::Tool;
use kubeassay_core::plan::{EditKind, PlannedNode};
use kubeassay_core::transaction::Outcome;
use rustix::fs::XattrFlags;
use tempfile::TempDir;

use super::failpoint::interfere;
use super::{Event, FileWrite, Header, Lock, Running, Store, TransactionError, id};

const TARGET: &str = "/etc/kubernetes/kubelet.yaml";
const OLD: &str = "old: 1\n";
const NEW: &str = "new: 1\n";

/// What somebody does to a file.
type Act = fn(&Path);

struct Host {
    folder: TempDir,
    store: Store,
}

impl Host {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["var/lib", "etc/kubernetes", "etc/systemd/system"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let store = Store::open(folder.path()).unwrap();
        let host = Self { folder, store };
        fs::write(host.path(TARGET), OLD).unwrap();
        host
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path.trim_start_matches('/'))
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|_| "none".to_owned())
    }

    fn begin(&self, second: i64) -> (Lock, Running) {
        let lock = self.store.lock().unwrap();
        let running = self.store.begin(&lock, header(second)).unwrap();
        (lock, running)
    }

    /// Writes a file in a transaction of its own.
    fn fix(&self, second: i64, file: &FileWrite) -> String {
        let (_lock, mut running) = self.begin(second);
        running.write(file, now()).unwrap();
        running
            .finish(Outcome::Fixed, "as planned", Vec::new(), now())
            .unwrap()
            .id
    }

    /// Returns the names in the folder of a path, hidden ones too.
    fn beside(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(path).parent().unwrap()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn now() -> Timestamp {
    "2026-11-26T01:30:30Z".parse().unwrap()
}

fn header(second: i64) -> Header {
    Header {
        tool: Tool {
            name: "kubeassay".to_owned(),
            version: "0.1.0".to_owned(),
            commit: None,
        },
        node: PlannedNode {
            id: "id".to_owned(),
            name: "node".to_owned(),
        },
        rules: vec!["KA-1".to_owned()],
        plan: b"{}".to_vec(),
        started: Timestamp::from_second(1_700_000_000 + second).unwrap(),
    }
}

fn change(target: &str, before: &str, after: &str) -> FileWrite {
    FileWrite {
        path: target.into(),
        target: target.into(),
        kind: EditKind::Change,
        before: Some(id::digest(before.as_bytes())),
        content: after.into(),
    }
}

fn create(target: &str, content: &str) -> FileWrite {
    FileWrite {
        kind: EditKind::Create,
        before: None,
        ..change(target, "", content)
    }
}

/// Lets somebody else do something just before a point.
fn just_before(point: &'static str, act: impl Fn() + 'static) {
    let mut is_done = false;
    interfere(Some(Box::new(move |name| {
        if name == point && !is_done {
            is_done = true;
            act();
        }
        Ok(())
    })));
}

#[test]
fn reading_a_host_that_has_no_store_writes_nothing() {
    let host = Host::new();
    assert_eq!(host.store.list(), Ok(Vec::new()));
    assert_eq!(host.store.unfinished(), Ok(None));
    assert_eq!(host.store.is_locked(), Ok(false));
    for id in [
        "20261126T013000Z-abcdef",
        "../../etc",
        "",
        "/etc",
        "a\u{202e}b",
    ] {
        let error = host.store.show(id).unwrap_err();
        assert!(
            matches!(error, TransactionError::NotFound { .. }),
            "{error}"
        );
        assert!(!error.to_string().contains('\u{202e}'), "{error}");
    }
    assert_eq!(host.beside("/var/lib/x"), Vec::<String>::new());
}

#[test]
fn the_store_is_for_its_owner_alone() {
    let host = Host::new();
    fs::create_dir(host.path("/var/lib/kubeassay")).unwrap();
    fs::set_permissions(
        host.path("/var/lib/kubeassay"),
        fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    let id = host.fix(1, &change(TARGET, OLD, NEW));
    let mode = |path: &str| fs::metadata(host.path(path)).unwrap().mode() & 0o7777;
    assert_eq!(mode("/var/lib/kubeassay"), 0o700);
    assert_eq!(mode("/var/lib/kubeassay/transactions"), 0o700);
    assert_eq!(
        mode(&format!("/var/lib/kubeassay/transactions/{id}")),
        0o700
    );
    for name in ["plan.json", "journal", "before-0"] {
        assert_eq!(
            mode(&format!("/var/lib/kubeassay/transactions/{id}/{name}")),
            0o600,
            "{name}"
        );
    }
    assert_eq!(
        host.read(&format!("/var/lib/kubeassay/transactions/{id}/before-0")),
        OLD
    );
    assert_eq!(host.store.plan(&id), Ok(b"{}".to_vec()));
}

#[test]
fn one_at_a_time() {
    let host = Host::new();
    let (lock, running) = host.begin(1);
    assert_eq!(host.store.is_locked(), Ok(true));
    let other = Store::open(host.folder.path()).unwrap();
    let holder = Some(std::process::id());
    assert_eq!(
        other.lock().unwrap_err(),
        TransactionError::Locked { holder }
    );
    // The transaction keeps it too.
    drop(lock);
    assert_eq!(other.is_locked(), Ok(true));
    let id = running.id().to_owned();
    drop(running);
    assert_eq!(other.is_locked(), Ok(false));
    let lock = other.lock().unwrap();
    let refused = other.begin(&lock, header(2)).unwrap_err();
    assert_eq!(refused, TransactionError::Unfinished { id });
    let running = other.recover(&lock, now()).unwrap().unwrap();
    running
        .finish(Outcome::Refused, "nothing was written", Vec::new(), now())
        .unwrap();
    assert!(other.begin(&lock, header(3)).is_ok());
}

#[test]
fn a_file_keeps_what_it_has_and_a_link_stays_one() {
    let host = Host::new();
    symlink("/etc/kubernetes/kubelet.yaml", host.path("/etc/link.yaml")).unwrap();
    let path = host.path(TARGET);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).unwrap();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&path, Some(3), Some(5)).unwrap();
    } else {
        eprintln!("skipped: another owner needs root");
    }
    if rustix::fs::setxattr(&path, "user.note", b"ours", XattrFlags::empty()).is_err() {
        eprintln!("skipped: needs a file system with attributes");
    }
    let status = |path: &Path| {
        let status = fs::metadata(path).unwrap();
        let mut note = [0; 16];
        let note = rustix::fs::getxattr(path, "user.note", &mut note)
            .map(|length| note[..length].to_vec());
        (status.mode(), status.uid(), status.gid(), note)
    };
    let before = status(&path);
    let file = FileWrite {
        path: "/etc/link.yaml".into(),
        ..change(TARGET, OLD, NEW)
    };
    let id = host.fix(1, &file);
    assert_eq!(
        (host.read(TARGET), status(&path)),
        (NEW.to_owned(), before.clone())
    );
    assert_eq!(
        host.read(&format!("/var/lib/kubeassay/transactions/{id}/before-0")),
        OLD
    );
    assert!(
        fs::symlink_metadata(host.path("/etc/link.yaml"))
            .unwrap()
            .is_symlink()
    );
    assert_eq!(host.beside(TARGET), ["kubelet.yaml"]);
    // What was made stricter since stays so when the bytes go back.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let lock = host.store.lock().unwrap();
    let mut running = host.store.reopen(&lock, &id).unwrap();
    assert_eq!(running.undo(now()).unwrap().files, [TARGET]);
    running
        .finish(Outcome::RolledBack, "asked for", Vec::new(), now())
        .unwrap();
    assert_eq!(host.read(TARGET), OLD);
    assert_eq!(status(&path), (0o100_600, before.1, before.2, before.3));
}

#[test]
fn what_is_not_as_planned_is_refused_and_left_alone() {
    let host = Host::new();
    fs::write(host.path("/etc/linked"), OLD).unwrap();
    fs::hard_link(host.path("/etc/linked"), host.path("/etc/other")).unwrap();
    symlink("kubernetes/kubelet.yaml", host.path("/etc/symlink")).unwrap();
    fs::create_dir(host.path("/etc/folder")).unwrap();
    let contradiction = FileWrite {
        before: None,
        ..change(TARGET, OLD, NEW)
    };
    let cases = [
        (change(TARGET, "other\n", NEW), "somebody else changed it"),
        (change(TARGET, OLD, OLD), "its new content is the old one"),
        (change("/etc/linked", OLD, NEW), "more than one name"),
        (change("/etc/symlink", OLD, NEW), "it is a symbolic link"),
        (change("/etc/folder", OLD, NEW), "it is a folder"),
        (change("/etc/none", OLD, NEW), "it is gone"),
        (change("/none/none", OLD, NEW), "make the plan again"),
        (change("etc/kubernetes/kubelet.yaml", OLD, NEW), "its path"),
        (
            change("/etc/kubernetes/../kubernetes/kubelet.yaml", OLD, NEW),
            "its path",
        ),
        (create(TARGET, NEW), "it was not there"),
        (create("/etc/symlink", NEW), "it was not there"),
        (contradiction, "contradicts itself"),
    ];
    let (_lock, mut running) = host.begin(1);
    for (file, expected) in cases {
        let target = file.target.to_string();
        let error = running.write(&file, now()).unwrap_err();
        assert!(error.to_string().contains(expected), "{target}: {error}");
        assert!(
            error.is_as_before() && error.to_string().ends_with("It is as before"),
            "{error}"
        );
    }
    assert_eq!(
        (host.read(TARGET), host.read("/etc/linked")),
        (OLD.to_owned(), OLD.to_owned())
    );
    assert_eq!(host.beside(TARGET), ["kubelet.yaml"]);
    assert_eq!(
        host.beside("/etc/x"),
        [
            "folder",
            "kubernetes",
            "linked",
            "other",
            "symlink",
            "systemd"
        ]
    );
    assert_eq!(running.transaction().files, []);
    // None of that is in the way of what is as planned.
    running.write(&change(TARGET, OLD, NEW), now()).unwrap();
    let again = running.write(&change(TARGET, NEW, OLD), now()).unwrap_err();
    assert!(again.to_string().contains("wrote it already"), "{again}");
    assert_eq!(host.read(TARGET), NEW);
}

#[test]
fn what_somebody_else_writes_at_the_last_moment_stays() {
    // In its place, into it, and a file that was not there.
    let cases: [(FileWrite, &str, Act); 3] = [
        (change(TARGET, OLD, NEW), "replace.exchange", |path| {
            fs::write(path.with_extension("other"), "other\n").unwrap();
            fs::rename(path.with_extension("other"), path).unwrap();
        }),
        (change(TARGET, OLD, NEW), "replace.exchange", |path| {
            fs::write(path, "other\n").unwrap();
        }),
        (
            create("/etc/kubernetes/new.conf", NEW),
            "replace.place",
            |path| fs::write(path, "other\n").unwrap(),
        ),
    ];
    for (file, point, act) in cases {
        let host = Host::new();
        let target = file.target.to_string();
        let path = host.path(&target);
        let (_lock, mut running) = host.begin(1);
        just_before(point, move || act(&path));
        let error = running.write(&file, now()).unwrap_err();
        interfere(None);
        assert!(error.is_as_before(), "{error}");
        assert_eq!(host.read(&target), "other\n");
        assert!(
            host.beside(&target)
                .iter()
                .all(|name| !name.starts_with('.')),
            "{:?}",
            host.beside(&target)
        );
        assert_eq!(
            running.undo(now()).map(|undone| undone.files),
            Ok(Vec::new())
        );
        assert_eq!(host.read(&target), "other\n");
    }
}

#[test]
fn what_somebody_else_wrote_since_is_never_undone() {
    let host = Host::new();
    let made = "/etc/systemd/system/kubelet.service.d/x.conf";
    let other = "/etc/kubernetes/other";
    fs::write(host.path(other), OLD).unwrap();
    let (lock, mut running) = host.begin(1);
    for file in [
        change(TARGET, OLD, NEW),
        change(other, OLD, NEW),
        create(made, NEW),
    ] {
        running.write(&file, now()).unwrap();
    }
    running.note(Event::Reloading, now()).unwrap();
    running
        .note(
            Event::Restarting {
                unit: "kubelet.service".into(),
            },
            now(),
        )
        .unwrap();
    fs::write(host.path(TARGET), "theirs\n").unwrap();
    fs::write(host.path(made), "theirs\n").unwrap();
    let stuck = running.undo(now()).unwrap_err();
    assert_eq!(
        (host.read(TARGET), host.read(made), host.read(other)),
        ("theirs\n".into(), "theirs\n".into(), OLD.into())
    );
    assert_eq!(stuck.undone.files, [other]);
    assert!(
        stuck.undone.reload && stuck.undone.units == ["kubelet.service"],
        "{stuck:?}"
    );
    let backup = format!("/var/lib/kubeassay/transactions/{}/before-0", running.id());
    assert!(
        stuck
            .hands
            .iter()
            .any(|hands| hands.contains(TARGET) && hands.contains(&backup)),
        "{stuck}"
    );
    assert!(
        stuck.hands.iter().any(|hands| hands.contains(made)),
        "{stuck}"
    );
    assert_eq!(host.beside(TARGET), ["kubelet.yaml", "other"]);
    let ended = running
        .finish(Outcome::NeedsHands, "see there", stuck.hands.clone(), now())
        .unwrap();
    assert_eq!(
        (ended.outcome, &ended.hands),
        (Outcome::NeedsHands, &stuck.hands)
    );
    assert_eq!(host.store.unfinished(), Ok(None));
    // Once the person has put it back, it can be asked for again.
    fs::write(host.path(TARGET), OLD).unwrap();
    fs::remove_file(host.path(made)).unwrap();
    drop(lock);
    let lock = host.store.lock().unwrap();
    let mut running = host.store.reopen(&lock, &ended.id).unwrap();
    assert_eq!(
        running.undo(now()).map(|undone| undone.files),
        Ok(Vec::new())
    );
    assert!(!host.path(made).parent().unwrap().exists());
}

#[test]
fn it_is_not_fixed_where_somebody_else_wrote() {
    // The new file; and the old one, through a descriptor that was open.
    for writes_old in [false, true] {
        let host = Host::new();
        let (lock, mut running) = host.begin(1);
        running.write(&change(TARGET, OLD, NEW), now()).unwrap();
        let staged = host
            .beside(TARGET)
            .into_iter()
            .find(|name| name.starts_with('.'))
            .unwrap();
        let written = if writes_old {
            host.path(TARGET).with_file_name(staged)
        } else {
            host.path(TARGET)
        };
        fs::write(written, "theirs\n").unwrap();
        let error = running
            .finish(Outcome::Fixed, "as planned", Vec::new(), now())
            .unwrap_err();
        assert!(
            error.to_string().contains("somebody else wrote it"),
            "{error}"
        );
        let mut running = host.store.recover(&lock, now()).unwrap().unwrap();
        assert_eq!(running.undo(now()).is_ok(), writes_old);
        assert_eq!(
            host.read(TARGET),
            "theirs\n",
            "what they wrote is in its place"
        );
    }
}

#[test]
fn only_the_last_that_wrote_a_file_is_undone() {
    let host = Host::new();
    let other = "/etc/kubernetes/other";
    let first = host.fix(1, &change(TARGET, OLD, NEW));
    let second = host.fix(2, &create(other, NEW));
    let third = host.fix(3, &change(TARGET, NEW, "third\n"));
    let ids: Vec<_> = host
        .store
        .list()
        .unwrap()
        .into_iter()
        .map(|transaction| transaction.id)
        .collect();
    assert_eq!(ids, [third.clone(), second.clone(), first.clone()]);
    let lock = host.store.lock().unwrap();
    let by = third.clone();
    let refused = host.store.reopen(&lock, &first).unwrap_err();
    assert_eq!(
        refused,
        TransactionError::Superseded {
            id: first.clone(),
            by,
            target: TARGET.into()
        }
    );
    for id in [&second, &third, &first] {
        let mut running = host.store.reopen(&lock, id).unwrap();
        running.undo(now()).unwrap();
        running
            .finish(Outcome::RolledBack, "asked for", Vec::new(), now())
            .unwrap();
        let again = host.store.reopen(&lock, id).unwrap_err();
        assert!(
            matches!(again, TransactionError::NothingToUndo { .. }),
            "{again}"
        );
    }
    assert_eq!(
        (host.read(TARGET), host.read(other)),
        (OLD.to_owned(), "none".to_owned())
    );
}

#[test]
fn a_damaged_journal_is_shown_and_nothing_is_begun() {
    let journal =
        |host: &Host, id: &str| host.path(&format!("/var/lib/kubeassay/transactions/{id}/journal"));
    let cases: [(Act, &str); 5] = [
        (|path| fs::write(path, "").unwrap(), "it has no record"),
        (|path| fs::remove_file(path).unwrap(), "it is gone"),
        (
            |path| fs::write(path, vec![b'x'; 5 << 20]).unwrap(),
            "it is larger",
        ),
        (
            |path| {
                let mut bytes = fs::read(path).unwrap();
                let at = bytes.len() / 2;
                bytes[at] ^= 1;
                fs::write(path, bytes).unwrap();
            },
            "its sum is another",
        ),
        (
            |path| {
                fs::remove_file(path).unwrap();
                rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::RUSR).unwrap();
            },
            "it is no regular file",
        ),
    ];
    for (damage, reason) in cases {
        let host = Host::new();
        let id = host.fix(1, &change(TARGET, OLD, NEW));
        damage(&journal(&host, &id));
        let shown = host.store.show(&id).unwrap();
        assert_eq!(shown.outcome, Outcome::NeedsHands);
        assert!(shown.reason.contains(reason), "{}", shown.reason);
        assert!(shown.hands[0].contains(&id), "{:?}", shown.hands);
        assert_eq!(host.store.list(), Ok(vec![shown.clone()]));
        assert_eq!(host.store.unfinished(), Ok(Some(shown)));
        let lock = host.store.lock().unwrap();
        for refused in [
            host.store.begin(&lock, header(2)).map(drop),
            host.store.recover(&lock, now()).map(drop),
            host.store.reopen(&lock, &id).map(drop),
        ] {
            let refused = refused.unwrap_err();
            assert!(
                matches!(refused, TransactionError::Damaged { .. }),
                "{refused}"
            );
        }
        assert_eq!(host.read(TARGET), NEW);
    }
}

#[test]
fn a_backup_that_was_changed_is_not_put_back() {
    let host = Host::new();
    let id = host.fix(1, &change(TARGET, OLD, NEW));
    fs::write(
        host.path(&format!("/var/lib/kubeassay/transactions/{id}/before-0")),
        "bad\n",
    )
    .unwrap();
    let lock = host.store.lock().unwrap();
    let mut running = host.store.reopen(&lock, &id).unwrap();
    let stuck = running.undo(now()).unwrap_err();
    assert!(
        stuck.to_string().contains("its backup is damaged"),
        "{stuck}"
    );
    assert_eq!(host.read(TARGET), NEW);
}

#[test]
fn a_file_system_that_cannot_exchange_refuses() {
    let host = Host::new();
    let (_lock, mut running) = host.begin(1);
    interfere(Some(Box::new(|name| {
        if name == "replace.exchange" {
            Err(rustix::io::Errno::INVAL)
        } else {
            Ok(())
        }
    })));
    let error = running.write(&change(TARGET, OLD, NEW), now()).unwrap_err();
    interfere(None);
    assert!(
        error.to_string().contains("cannot exchange two files"),
        "{error}"
    );
    assert_eq!(
        (host.read(TARGET), host.beside(TARGET)),
        (OLD.to_owned(), vec!["kubelet.yaml".to_owned()])
    );
}

#[test]
fn it_is_told_what_was_done() {
    let host = Host::new();
    let (_lock, mut running) = host.begin(1);
    running.write(&change(TARGET, OLD, NEW), now()).unwrap();
    let unit = || "kubelet.service".into();
    for event in [
        Event::Reloading,
        Event::Reloaded,
        Event::Restarting { unit: unit() },
        Event::Restarted { unit: unit() },
    ] {
        running.note(event, now()).unwrap();
    }
    let at_once = running.transaction();
    assert_eq!(
        (at_once.outcome, at_once.finished),
        (Outcome::Unfinished, None)
    );
    assert_eq!(host.store.show(running.id()), Ok(at_once));
    let id = running.id().to_owned();
    let ended = running
        .finish(Outcome::Fixed, "as planned", Vec::new(), now())
        .unwrap();
    assert_eq!(host.store.show(&id), Ok(ended.clone()));
    assert_eq!(
        (ended.outcome, ended.reason.as_str(), ended.finished),
        (Outcome::Fixed, "as planned", Some(now()))
    );
    assert_eq!(ended.units, [unit()]);
    assert_eq!(ended.files[0].after, id::digest(NEW.as_bytes()));
    let said: Vec<_> = ended.steps.iter().map(|step| step.what.as_str()).collect();
    assert_eq!(
        said,
        [
            "the transaction began",
            "/etc/kubernetes/kubelet.yaml is about to be written",
            "/etc/kubernetes/kubelet.yaml is written",
            "systemd is about to read its units again",
            "systemd read its units again",
            "kubelet.service is about to be started again",
            "kubelet.service was started again",
            "the transaction ended: fixed",
        ]
    );
}
