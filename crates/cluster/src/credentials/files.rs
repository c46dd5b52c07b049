//! The user's own files of credentials: read within bounds, with a warning where others may read or replace them.

use std::fs::Metadata;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use kubeassay_core::text::escape;

use super::CredentialError;
use crate::identity::ClientIdentity;
use crate::kubeconfig::Material;

/// The largest token, certificate or key file.
pub(super) const LARGEST_FILE: u64 = 4 << 20;

/// Returns PEM text and what it is for messages.
pub(super) fn material(
    material: &Material,
    place: impl Fn() -> String,
) -> Result<(Vec<u8>, String), CredentialError> {
    match material {
        Material::Data(data) => Ok((data.expose().as_bytes().to_vec(), place())),
        Material::File(path) => Ok((read(path, LARGEST_FILE)?, shown(path))),
    }
}

pub(super) fn read_token(
    path: &Path,
    warnings: &mut Vec<String>,
) -> Result<ClientIdentity, CredentialError> {
    let token = read(path, LARGEST_FILE)?;
    warn_if_open(path, warnings);
    ClientIdentity::token(&token).map_err(|error| CredentialError::Identity {
        what: shown(path),
        error,
    })
}

pub(super) fn shown(path: &Path) -> String {
    escape(&path.to_string_lossy())
}

/// Reads a file of the user's own.
#[expect(
    clippy::disallowed_methods,
    reason = "credentials are the user's own files, never a scanned host's"
)]
pub(super) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, CredentialError> {
    let mut content = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(limit + 1).read_to_end(&mut content))
        .map_err(|error| CredentialError::Read {
            path: path.to_owned(),
            error,
        })?;
    if content.len() as u64 > limit {
        return Err(CredentialError::TooLarge {
            path: path.to_owned(),
            limit,
        });
    }
    Ok(content)
}

/// Returns what is known of a file of the user's own.
#[expect(
    clippy::disallowed_methods,
    reason = "credentials are the user's own files, never a scanned host's"
)]
pub(super) fn status(path: &Path) -> Option<Metadata> {
    std::fs::metadata(path).ok()
}

/// Warns of a file with secrets that everybody on the machine may read or replace.
pub(super) fn warn_if_open(path: &Path, warnings: &mut Vec<String>) {
    let may_read = status(path).is_some_and(|file| file.is_file() && file.mode() & READ != 0);
    let named = shown(path);
    if let Some(open) = replaceable(path) {
        let open = shown(&open);
        warnings.push(format!(
            "everybody on this machine may replace {named}, and with it the server that credentials are sent to; chmod o-w {open}"
        ));
    } else if may_read {
        warnings.push(format!(
            "everybody on this machine may read {named}, which holds credentials; chmod 600 {named}"
        ));
    }
}

/// What everybody may do, of a mode.
const READ: u32 = 0o004;
const WRITE: u32 = 0o002;
/// Only owners replace files in such a folder.
const STICKY: u32 = 0o1000;

/// Returns the file, or the folder it lies in, if everybody on the machine may write it and so replace the file.
pub(super) fn replaceable(path: &Path) -> Option<PathBuf> {
    let file = status(path)?;
    if file.is_file() && file.mode() & WRITE != 0 {
        return Some(path.to_owned());
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let open = |folder: Metadata| folder.mode() & (WRITE | STICKY) == WRITE;
    status(folder).is_some_and(open).then(|| folder.to_owned())
}
