//! The rules of reading, on real files, in every way in which they can be kept: with and without `openat2`,
//! with and without a procfs of our own.

#![expect(
    clippy::disallowed_methods,
    reason = "tests make the files that they read"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use kubeassay_core::Cause;
use kubeassay_core::facts::{Entry, FileKind};
use proptest::prelude::*;
use rustix::fs::{CWD, Mode};
use rustix::io::Errno;

use super::bounds::{Bounds, Care};
use super::disk::{DiskNode, Times, Ways};
use super::walk::{self, Found, Last, Lost};
use super::{Handle, Identity, Links, Node, Opened, Status, read};
use crate::proc::mountinfo::Answering;

/// Every way to read below `path`.
fn roots(path: &Path) -> Vec<(&'static str, Handle)> {
    let ways = |openat2: bool, descriptors: bool| {
        let here = Ways::of_this_kernel(Times::Trusted);
        let ways = Ways {
            times: Times::Trusted,
            openat2: openat2 && here.openat2,
            descriptors: here.descriptors.filter(|_| descriptors),
        };
        let root: Handle = Arc::new(DiskNode::root(path, ways).unwrap());
        root
    };
    vec![
        ("openat2", ways(true, true)),
        ("openat2, no procfs", ways(true, false)),
        ("components", ways(false, true)),
        ("components, no procfs", ways(false, false)),
    ]
}

fn find(root: &Handle, path: &str) -> Result<Found, Lost> {
    find_with(root, path, Last::Follow)
}

fn find_with(root: &Handle, path: &str, last: Last) -> Result<Found, Lost> {
    let care = Care {
        bounds: &Bounds::default(),
        allowed: Answering::Kernel,
    };
    walk::find(root, path.as_bytes(), last, care)
}

fn content(root: &Handle, path: &str) -> Result<Vec<u8>, Cause> {
    let found = find(root, path).map_err(|lost| lost.trouble.cause)?;
    match read::regular(found.node.as_ref(), path, 1 << 20) {
        Ok(content) => Ok(content.bytes),
        Err(trouble) => Err(trouble.cause),
    }
}

#[test]
fn links_are_followed_inside_the_root_and_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    fs::create_dir_all(at("etc/k/real")).unwrap();
    fs::write(at("etc/k/real/c.yaml"), "mode: Webhook").unwrap();
    symlink("/etc/k/real", at("etc/k/current")).unwrap();
    symlink("current/../current/c.yaml", at("etc/k/c.yaml")).unwrap();
    symlink("../../../../../../etc/k/real/c.yaml", at("out")).unwrap();
    for (way, root) in roots(folder.path()) {
        let found = find(&root, "/etc/k/c.yaml").ok().unwrap();
        assert_eq!(found.path, b"/etc/k/real/c.yaml", "{way}");
        let links: Vec<String> = found
            .links
            .iter()
            .map(|link| link.path.to_string())
            .collect();
        assert_eq!(
            links,
            ["/etc/k/c.yaml", "/etc/k/current", "/etc/k/current"],
            "{way}"
        );
        assert!(found.links.iter().all(|link| link.changed.is_some()));
        // Nothing above the root can be reached.
        for path in ["/out", "/../../etc/k/c.yaml", "//etc/./k/current/c.yaml"] {
            assert_eq!(
                content(&root, path).unwrap(),
                b"mode: Webhook",
                "{way}: {path}"
            );
        }
        assert_eq!(
            content(&root, "/proc/1/environ"),
            Err(Cause::Missing),
            "{way}"
        );
    }
}

#[test]
fn what_cannot_be_there_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    fs::write(at("file"), "x").unwrap();
    symlink("loop", at("loop")).unwrap();
    symlink("b", at("a")).unwrap();
    symlink("a", at("b")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    let long = format!("/{}", "x".repeat(300));
    let longer = "/x".repeat(3000);
    for (way, root) in roots(folder.path()) {
        for path in [
            "/none",
            "/loop",
            "/a",
            "/dangling",
            "/file/",
            "/file/x",
            "/file/..",
            "relative",
            "",
            "/nul\0",
            &long,
            &longer,
        ] {
            assert_eq!(content(&root, path), Err(Cause::Missing), "{way}: {path}");
        }
    }
}

#[test]
fn only_regular_files_are_opened_and_only_small_ones() {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    rustix::fs::mkfifoat(CWD, at("fifo"), Mode::RUSR).unwrap();
    let _socket = UnixListener::bind(at("socket")).unwrap();
    fs::create_dir(at("dir")).unwrap();
    let large = fs::File::create(at("large")).unwrap();
    large.set_len(3 << 30).unwrap();
    fs::write(at("empty"), "").unwrap();
    symlink("fifo", at("to-fifo")).unwrap();
    for (way, root) in roots(folder.path()) {
        for (path, cause) in [
            ("/fifo", Cause::NotRegular),
            ("/to-fifo", Cause::NotRegular),
            ("/socket", Cause::NotRegular),
            ("/dir", Cause::NotRegular),
            ("/large", Cause::TooLarge),
        ] {
            assert_eq!(content(&root, path), Err(cause), "{way}: {path}");
        }
        assert_eq!(content(&root, "/empty").unwrap(), b"", "{way}");
        let kind = find(&root, "/fifo").ok().unwrap().status.kind;
        assert_eq!(kind, FileKind::Fifo);
    }
}

#[test]
fn nothing_of_the_kernel_or_of_ourselves_is_opened() {
    let own = format!("/proc/{}", std::process::id());
    let environ = format!("{own}/environ");
    let through_root = format!("{own}/root/etc/passwd");
    let through_descriptor = format!("{own}/fd/0");
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("innocent.yaml");
    symlink("/dev/stdin", &link).unwrap();
    let link = link.to_str().unwrap().to_owned();
    for (way, root) in roots(Path::new("/")) {
        for path in [
            "/proc/self/environ",
            "/proc/thread-self/comm",
            "/dev/stdin",
            "/dev/fd/0",
            "/dev/null",
            "/dev/zero",
            &environ,
            &through_root,
            &through_descriptor,
            "/sys/kernel/uevent_seqnum",
            &link,
        ] {
            assert_eq!(
                content(&root, path),
                Err(Cause::NotRegular),
                "{way}: {path}"
            );
        }
    }
}

#[test]
fn the_last_link_is_kept_unless_a_slash_follows() {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    fs::create_dir(at("d")).unwrap();
    fs::write(at("d/10.conf"), "").unwrap();
    symlink("d", at("l")).unwrap();
    for (way, root) in roots(folder.path()) {
        let kept = find_with(&root, "/l", Last::Keep).ok().unwrap();
        assert_eq!(
            (kept.status.kind, kept.links.len()),
            (FileKind::Symlink, 0),
            "{way}"
        );
        let followed = find_with(&root, "/l/", Last::Keep).ok().unwrap();
        assert_eq!(
            (followed.status.kind, followed.links.len()),
            (FileKind::Directory, 1),
            "{way}"
        );
        let entries = followed.node.entries(10).unwrap().unwrap();
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].kind, FileKind::Regular);
        assert_eq!(followed.node.entries(0).unwrap(), None);
    }
}

#[test]
fn a_file_that_is_exchanged_while_it_is_read_is_one_or_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    fs::create_dir(at("a")).unwrap();
    fs::create_dir(at("b")).unwrap();
    fs::write(at("a/c"), vec![b'a'; 20_000]).unwrap();
    fs::write(at("b/c"), vec![b'b'; 20_000]).unwrap();
    symlink("a", at("current")).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for target in ["b", "a"] {
                    symlink(target, at("next")).unwrap();
                    fs::rename(at("next"), at("current")).unwrap();
                }
            }
        });
        for (way, root) in roots(folder.path()) {
            for _ in 0..300 {
                match content(&root, "/current/c") {
                    Ok(bytes) => {
                        let first = bytes[0];
                        assert!(
                            bytes.len() == 20_000 && bytes.iter().all(|byte| *byte == first),
                            "{way}"
                        );
                    }
                    Err(cause) => assert_eq!(cause, Cause::Conflict, "{way}"),
                }
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_file_that_turns_into_a_fifo_never_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    fs::write(at("file"), "x").unwrap();
    rustix::fs::mkfifoat(CWD, at("fifo"), Mode::RUSR).unwrap();
    fs::write(at("c"), "x").unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for source in ["fifo", "file"] {
                    fs::hard_link(at(source), at("next")).unwrap();
                    fs::rename(at("next"), at("c")).unwrap();
                    // Renaming over another name of the same file does nothing.
                    drop(fs::remove_file(at("next")));
                }
            }
        });
        for (way, root) in roots(folder.path()) {
            for _ in 0..300 {
                match content(&root, "/c") {
                    Ok(bytes) => assert_eq!(bytes, b"x", "{way}"),
                    Err(cause) => {
                        let known = [Cause::NotRegular, Cause::Conflict, Cause::Vanished];
                        assert!(known.contains(&cause), "{way}: {cause}");
                    }
                }
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}

/// A file whose time changes as often as it is looked at, until it has changed often enough.
#[derive(Clone)]
struct Restless {
    calm_after: i64,
    looks: Arc<AtomicI64>,
}

impl Restless {
    fn new(calm_after: i64) -> Self {
        Self {
            calm_after,
            looks: Arc::new(AtomicI64::new(0)),
        }
    }

    fn now(&self) -> Status {
        let changes = self
            .looks
            .fetch_add(1, Ordering::Relaxed)
            .min(self.calm_after);
        Status {
            kind: FileKind::Regular,
            mode: 0o644,
            uid: 0,
            gid: 0,
            size: 1,
            identity: Identity {
                device: 0,
                inode: 0,
                mount: None,
            },
            names: 0,
            raw_times: ((changes, 0), (changes, 0)),
            modified: None,
            changed: None,
        }
    }
}

impl Node for Restless {
    fn child(&self, _: &[u8]) -> Result<Handle, Errno> {
        Err(Errno::NOTDIR)
    }

    fn status(&self) -> Result<Status, Errno> {
        Ok(self.now())
    }

    fn mount(&self) -> Result<Option<u64>, Errno> {
        Ok(None)
    }

    fn target(&self) -> Result<Vec<u8>, Errno> {
        Err(Errno::INVAL)
    }

    fn kernel_file_system(&self) -> Result<Option<&'static str>, Errno> {
        Ok(None)
    }

    fn entries(&self, _: usize) -> Result<Option<Vec<Entry>>, Errno> {
        Err(Errno::NOTDIR)
    }

    fn open(&self) -> Result<Box<dyn Opened>, Errno> {
        Ok(Box::new(self.clone()))
    }

    fn resolve(&self, _: &[u8], _: Links) -> Option<Result<Identity, Errno>> {
        None
    }

    fn link_at(&self, _: &str) -> Result<Vec<u8>, Errno> {
        Err(Errno::INVAL)
    }

    fn follow(&self, _: &str) -> Result<Handle, Errno> {
        Err(Errno::NOENT)
    }

    fn status_behind(&self, _: &str) -> Result<Status, Errno> {
        Err(Errno::NOENT)
    }

    fn read_kernel(&self, _: &str, _: usize) -> Result<Vec<u8>, Errno> {
        Err(Errno::NOENT)
    }

    fn read_kernel_start(&self, _: &str, _: usize) -> Result<Vec<u8>, Errno> {
        Err(Errno::NOENT)
    }
}

impl Opened for Restless {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
        let rest = b"x"
            .get(usize::try_from(offset).unwrap()..)
            .unwrap_or_default();
        buffer[..rest.len()].copy_from_slice(rest);
        Ok(rest.len())
    }

    fn status(&self) -> Result<Status, Errno> {
        Ok(self.now())
    }
}

#[test]
fn a_file_that_changes_is_read_once_more_and_then_given_up() {
    // Looked at when it is found, before and after reading.
    for (changes, wanted) in [
        (0, Ok(())),
        (1, Ok(())),
        (3, Ok(())),
        (100, Err(Cause::Conflict)),
    ] {
        let content = read::regular(&Restless::new(changes), "c", 10);
        assert_eq!(
            content.map(|_| ()).map_err(|trouble| trouble.cause),
            wanted,
            "{changes}"
        );
    }
}

#[test]
fn a_copy_has_no_times_but_those_of_contents() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("d")).unwrap();
    fs::write(folder.path().join("d/c"), "x").unwrap();
    symlink("d/c", folder.path().join("l")).unwrap();
    let ways = Ways::of_this_kernel(Times::ModifiedOfFiles);
    let root: Handle = Arc::new(DiskNode::root(folder.path(), ways).unwrap());
    let found = find(&root, "/l").ok().unwrap();
    assert!(found.status.modified.is_some());
    assert_eq!(found.status.changed, None);
    assert_eq!(
        (found.links[0].modified, found.links[0].changed),
        (None, None)
    );
    assert_eq!(find(&root, "/d").ok().unwrap().status.modified, None);
}

/// A name of a small world, so that links meet.
fn part() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "c", "..", ".", "d"])
}

fn path() -> impl Strategy<Value = String> {
    let parts = prop::collection::vec(part(), 1..6);
    (any::<bool>(), parts, any::<bool>()).prop_map(|(absolute, parts, slash)| {
        let mut path = parts.join("/");
        if absolute {
            path.insert(0, '/');
        }
        if slash {
            path.push('/');
        }
        path
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Our own resolution finds what the kernel's finds, in a world of tangled links.
    #[test]
    fn we_resolve_as_the_kernel_does(
        links in prop::collection::vec((prop::sample::select(vec!["a", "b", "d/a", "d/b", "c/a"]), path()), 0..5),
        asked in prop::collection::vec(path(), 16),
    ) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("d")).unwrap();
        fs::create_dir(folder.path().join("c")).unwrap();
        fs::write(folder.path().join("d/c"), "x").unwrap();
        for (name, target) in links {
            drop(symlink(target, folder.path().join(name)));
        }
        let ways = roots(folder.path());
        let (kernel, own) = (&ways[0].1, &ways[3].1);
        for path in asked {
            let path = format!("/{path}");
            for last in [Last::Follow, Last::Keep] {
                // While other tests rename files the kernel does not decide about `..`.
                let opinion = (0..1000)
                    .map(|_| kernel.resolve(path.as_bytes(), last.into()))
                    .find(|opinion| *opinion != Some(Err(Errno::AGAIN)));
                let Some(Some(opinion)) = opinion else {
                    return Ok(());
                };
                let found = find_with(own, &path, last).ok();
                // What is found, or said to be missing, before anything is walked is.
                let of = |found: &Found| (found.status.identity, found.path.clone(), found.links.len());
                if let Some(at_once) = walk::find_plain(kernel, path.as_bytes()) {
                    prop_assert_eq!(at_once.ok().as_ref().map(of), found.as_ref().map(of), "{}", path);
                }
                prop_assert_eq!(found.map(|found| found.status.identity), opinion.ok(), "{}", path);
            }
        }
    }
}
