//! What tests run against: captured hosts, as they are and laid out as folders; certificates; stand-ins for kubelets,
//! API servers, container runtimes and systemd; a real cluster.
//!
//! Everything here panics with a message when something is faulty: it is only for tests.

#![expect(
    clippy::disallowed_methods,
    reason = "writes the folders that tests read"
)]

pub mod api_server;
pub mod certificates;
pub mod clusters;
pub mod control_plane;
mod cri;
pub mod crowd;
pub mod https;
pub mod kubelet;
pub mod machine;
pub mod namespaces;
pub mod real_cluster;
pub mod systemd;
pub mod trace;

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use kubeassay_core::facts::FileKind;
use kubeassay_host::captured::{CapturedFile, What};
use kubeassay_host::{CapturedHost, Host};
use tempfile::TempDir;

/// Returns the path of the captured host called `name` in `tests/hosts`.
pub fn host_path(name: &str) -> PathBuf {
    let hosts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/hosts");
    hosts.join(format!("{name}.yaml"))
}

/// Returns the names of all captured hosts, in order.
///
/// # Panics
///
/// If the folder cannot be read.
pub fn host_names() -> Vec<String> {
    let folder = host_path("any");
    let folder = folder.parent().unwrap_or(Path::new("."));
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            Some(name.strip_suffix(".yaml")?.to_owned())
        })
        .collect();
    names.sort_unstable();
    names
}

/// Returns the captured host called `name`, to take facts from.
///
/// # Panics
///
/// If there is no such host or it is faulty.
pub fn captured(name: &str) -> Host {
    let path = host_path(name);
    Host::open(Some(&path)).unwrap_or_else(|error| panic!("{}", chain(&error)))
}

/// Writes the captured host called `name` as a folder with a `proc`, for `--root`.
///
/// Owners are left out: only root can give files away. So are times of directories and links, and of
/// inodes, which no copy keeps.
///
/// # Panics
///
/// If there is no such host, it is faulty, or it has something that no folder can hold: a file with an
/// `error`, a device, a FIFO, a socket. All of them are named.
pub fn lay_out(name: &str) -> TempDir {
    let path = host_path(name);
    let host = CapturedHost::load(&path).unwrap_or_else(|error| panic!("{}", chain(&error)));
    let impossible: Vec<&str> = host
        .files
        .iter()
        .filter(|(_, file)| !fits_in_a_folder(file))
        .map(|(path, _)| path.as_str())
        .collect();
    assert!(
        impossible.is_empty(),
        "{name} cannot be laid out as a folder: {}",
        impossible.join(", ")
    );
    let folder = TempDir::new().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
    // A hard link needs the file it is a name of.
    let (links, files): (Vec<_>, Vec<_>) = host
        .files
        .iter()
        .partition(|(_, file)| matches!(file.what, What::HardLink(_)));
    for (path, file) in files.into_iter().chain(links) {
        write(folder.path(), path, file).unwrap_or_else(|error| panic!("{name}: {path}: {error}"));
    }
    // Last, because they may forbid writing.
    for (path, file) in &host.files {
        if !matches!(file.what, What::Symlink(_)) {
            let mode = fs::Permissions::from_mode(file.mode);
            let set = fs::set_permissions(below(folder.path(), path), mode);
            set.unwrap_or_else(|error| panic!("{name}: {path}: {error}"));
        }
    }
    folder
}

fn fits_in_a_folder(file: &CapturedFile) -> bool {
    let possible = match file.what {
        What::Regular(_) | What::Symlink(_) | What::HardLink(_) => true,
        What::Other(kind) => kind == FileKind::Directory,
    };
    possible && file.error.is_none()
}

fn write(folder: &Path, path: &str, file: &CapturedFile) -> std::io::Result<()> {
    let place = below(folder, path);
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent)?;
    }
    match &file.what {
        What::Regular(content) => {
            fs::write(&place, content)?;
            if let Some(modified) = file.modified {
                let opened = fs::File::options().write(true).open(&place)?;
                opened.set_modified(SystemTime::from(modified))?;
            }
            Ok(())
        }
        What::Symlink(target) => symlink(std::ffi::OsStr::from_bytes(target), place),
        What::HardLink(target) => fs::hard_link(below(folder, target), place),
        What::Other(_) => fs::create_dir_all(place),
    }
}

fn below(folder: &Path, path: &str) -> PathBuf {
    folder.join(path.trim_start_matches('/'))
}

/// Returns an error with everything that caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
