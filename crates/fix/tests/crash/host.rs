//! A host in a folder, with a service, and what is on its disk.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use kubeassay_core::plan::EditKind;
use kubeassay_fix::transaction::FileWrite;
use rustix::fs::XattrFlags;
use sha2::{Digest as _, Sha256};

/// A file of the transaction: its name, the file that is written, its content before and after.
pub(crate) struct Written {
    pub(crate) name: &'static str,
    pub(crate) target: &'static str,
    pub(crate) before: Option<&'static str>,
    pub(crate) after: &'static str,
}

/// One that changes, one that changes and is called by a link, one that is made in a folder that is made.
pub(crate) const FILES: [Written; 3] = [
    Written {
        name: "/var/lib/kubelet/config.yaml",
        target: "/var/lib/kubelet/config.yaml",
        before: Some("kind: KubeletConfiguration\n"),
        after: "kind: KubeletConfiguration\nauthorization:\n  mode: Webhook\n",
    },
    Written {
        name: "/etc/default/kubelet",
        target: "/etc/sysconfig/kubelet",
        before: Some("ARGS=--read-only-port=10255\n"),
        after: "ARGS=\n",
    },
    Written {
        name: "/etc/systemd/system/kubelet.service.d/99-kubeassay.conf",
        target: "/etc/systemd/system/kubelet.service.d/99-kubeassay.conf",
        before: None,
        after: "[Service]\nExecStart=\n",
    },
];

/// What somebody else writes meanwhile.
pub(crate) const FOREIGN: &str = "somebody else was here\n";

/// Where the service says what it runs with.
const SERVICE: &str = "run/service";

fn below(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

/// An ACL that lets user 7 read.
fn acl() -> Vec<u8> {
    let entry = |tag: u16, allowed: u16, id: u32| {
        [
            &tag.to_le_bytes()[..],
            &allowed.to_le_bytes(),
            &id.to_le_bytes(),
        ]
        .concat()
    };
    let none = u32::MAX;
    [
        2_u32.to_le_bytes().to_vec(),
        entry(1, 6, none),
        entry(2, 4, 7),
        entry(4, 4, none),
        entry(0x10, 4, none),
        entry(0x20, 0, none),
    ]
    .concat()
}

/// Makes the host; returns whether its file system keeps everything that the files have.
pub(crate) fn make(root: &Path) -> bool {
    for folder in [
        "var/lib/kubelet",
        "etc/default",
        "etc/sysconfig",
        "etc/systemd/system",
        "run",
    ] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    for file in &FILES {
        if let Some(before) = file.before {
            fs::write(below(root, file.target), before).unwrap();
        }
    }
    symlink("../sysconfig/kubelet", root.join("etc/default/kubelet")).unwrap();
    let config = below(root, FILES[0].target);
    let mut whole = rustix::process::geteuid().is_root();
    if whole {
        std::os::unix::fs::chown(&config, Some(3), Some(5)).unwrap();
        std::os::unix::fs::chown(below(root, FILES[1].target), Some(0), Some(7)).unwrap();
    }
    fs::set_permissions(
        below(root, FILES[1].target),
        fs::Permissions::from_mode(0o600),
    )
    .unwrap();
    fs::set_permissions(&config, fs::Permissions::from_mode(0o640)).unwrap();
    let mut set = |path: &Path, name: &str, value: &[u8]| {
        whole &= rustix::fs::setxattr(path, name, value, XattrFlags::empty()).is_ok();
    };
    set(&config, "user.note", b"ours");
    set(&config, "system.posix_acl_access", &acl());
    // What a new file inherits, and this one never had.
    let folder = below(root, "/etc/sysconfig");
    set(&folder, "system.posix_acl_default", &acl());
    start_service(root);
    whole
}

/// Returns what is to be written.
pub(crate) fn write(file: &Written) -> FileWrite {
    let digest = |content: &str| {
        let digest = Sha256::digest(content);
        digest
            .iter()
            .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    };
    FileWrite {
        path: file.name.into(),
        target: file.target.into(),
        kind: if file.before.is_some() {
            EditKind::Change
        } else {
            EditKind::Create
        },
        before: file.before.map(digest),
        content: file.after.as_bytes().to_vec(),
    }
}

/// Starts the service again: it reads its files by their names.
pub(crate) fn start_service(root: &Path) {
    let read = |file: &Written| {
        fs::read_to_string(below(root, file.name)).unwrap_or_else(|_| "absent\n".to_owned())
    };
    let runs: String = FILES.iter().map(read).collect();
    // In place and always of one size: it needs no room on a full disk.
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(root.join(SERVICE))
        .unwrap();
    file.write_all(format!("{runs:<512}").as_bytes()).unwrap();
}

/// Writes a file as an editor does: another one in its place.
pub(crate) fn write_foreign(root: &Path, file: &Written) {
    let target = below(root, file.target);
    let new = root.join("run/.foreign");
    fs::write(&new, FOREIGN).unwrap();
    fs::rename(new, target).unwrap();
}

/// What is at a path: mode, owner, content, attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Thing {
    mode: u32,
    owner: (u32, u32),
    content: Vec<u8>,
    attributes: BTreeMap<String, Vec<u8>>,
}

/// All of a host but the store.
pub(crate) type Disk = BTreeMap<PathBuf, Thing>;

/// Returns what is on the disk, but for the store.
pub(crate) fn disk(root: &Path) -> Disk {
    let mut things = Disk::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_owned();
            if name == Path::new("var/lib/kubeassay") || name == Path::new("fill") {
                continue;
            }
            let status = fs::symlink_metadata(&path).unwrap();
            let content = if status.is_symlink() {
                fs::read_link(&path)
                    .unwrap()
                    .as_os_str()
                    .as_bytes()
                    .to_vec()
            } else if status.is_dir() {
                folders.push(path.clone());
                Vec::new()
            } else {
                fs::read(&path).unwrap()
            };
            let thing = Thing {
                mode: status.mode(),
                owner: (status.uid(), status.gid()),
                content,
                attributes: attributes(&path),
            };
            things.insert(name, thing);
        }
    }
    things
}

fn attributes(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut names = vec![0; 4096];
    let length = rustix::fs::llistxattr(path, names.as_mut_slice()).unwrap_or(0);
    let names = names[..length]
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty());
    let with_value = |name: &[u8]| {
        let mut value = vec![0; 4096];
        let length = rustix::fs::lgetxattr(path, name, value.as_mut_slice()).unwrap();
        value.truncate(length);
        (String::from_utf8(name.to_vec()).unwrap(), value)
    };
    names.map(with_value).collect()
}

/// Returns a disk on which somebody else wrote a file.
pub(crate) fn with_foreign(disk: &Disk, file: &Written) -> Disk {
    let mut disk = disk.clone();
    let path = PathBuf::from(file.target.trim_start_matches('/'));
    let thing = Thing {
        mode: 0o100_644,
        owner: (
            rustix::process::geteuid().as_raw(),
            rustix::process::getegid().as_raw(),
        ),
        content: FOREIGN.as_bytes().to_vec(),
        attributes: BTreeMap::new(),
    };
    disk.insert(path, thing);
    disk
}

/// Says, in a few words, what is on the disk.
pub(crate) fn describe(root: &Path) -> String {
    let file = |file: &Written| {
        let content = fs::read_to_string(below(root, file.target)).ok();
        if content.as_deref() == Some(file.after) {
            "new"
        } else if content.as_deref() == file.before {
            if file.before.is_some() { "old" } else { "none" }
        } else {
            "foreign"
        }
    };
    let mut said = format!("files {}", FILES.each_ref().map(file).join(", "));
    let mut beside = Vec::new();
    for file in &FILES {
        let target = below(root, file.target);
        let entries = fs::read_dir(target.parent().unwrap()).into_iter().flatten();
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path
                .file_name()
                .unwrap()
                .as_bytes()
                .starts_with(b".kubeassay-")
            {
                let content = fs::read_to_string(&path).unwrap();
                beside.push(if content == file.after {
                    "a new one"
                } else if Some(content.as_str()) == file.before {
                    "an old one"
                } else if content == FOREIGN {
                    "a foreign one"
                } else {
                    "an incomplete one"
                });
            }
        }
    }
    if !beside.is_empty() {
        said = format!("{said}; beside them {}", beside.join(", "));
    }
    if FILES[2].before.is_none()
        && below(root, FILES[2].target).parent().unwrap().exists()
        && !below(root, FILES[2].target).exists()
    {
        said += "; an empty folder";
    }
    let runs = fs::read_to_string(root.join(SERVICE)).unwrap();
    let after: String = FILES.iter().map(|file| file.after).collect();
    if runs.trim_end_matches(' ') == after {
        said += "; the service runs with the new ones";
    }
    said
}
