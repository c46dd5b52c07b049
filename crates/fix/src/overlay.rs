//! Facts of a service as if a file had been written already.

use kubeassay_core::facts::{Entry, FileFacts, FileKind, Link, Need, NeedKind, ServiceFacts};
use kubeassay_core::text::hexadecimal;
use kubeassay_core::{Bytes, Cause};
use sha2::{Digest as _, Sha256};

/// Returns the facts of `service` as they will be once `path` holds `content`: a file that is there has the new
/// content and digest, one that is not is there, and the listings of its folders name it.
///
/// The same file under another name is the one that lies where the symbolic links from there lead. A listing that could
/// not be taken, or is that of a link, stays what it is.
pub fn with_file(service: &ServiceFacts, path: &Bytes, content: &[u8]) -> ServiceFacts {
    let mut service = service.clone();
    let target = place_of(&service, path);
    let mut is_known = false;
    for file in &mut service.files {
        let is_content = matches!(file.need.what, NeedKind::Content | NeedKind::Presence);
        let is_it = file.need.path == *path || lies_at(&file.need.path, &file.links) == target;
        if !is_it || !is_content {
            continue;
        }
        is_known |= file.need.what == NeedKind::Content && file.need.path == *path;
        hold(file, content);
    }
    if !is_known {
        let need = Need {
            what: NeedKind::Content,
            path: path.clone(),
        };
        let mut file = FileFacts::new(need);
        hold(&mut file, content);
        service.files.push(file);
    }
    enter(&mut service, path, FileKind::Regular);
    service
}

/// Returns where the file at `path` lies once `links` are followed, which were followed on the way to it.
pub(crate) fn lies_at(path: &Bytes, links: &[Link]) -> Bytes {
    let mut current = path.clone();
    for link in links {
        let rest = current.as_slice().strip_prefix(link.path.as_slice());
        let Some(rest) = rest.filter(|rest| matches!(rest, [] | [b'/', ..])) else {
            continue;
        };
        let (folder, _) = split(&link.path);
        let base = kubeassay_config::absolute(&link.target, Some(&folder)).unwrap_or_default();
        current = clean(&[base.as_slice(), rest].concat());
    }
    current
}

/// Returns where the file at `path` lies, as far as it was looked at under that name.
fn place_of(service: &ServiceFacts, path: &Bytes) -> Bytes {
    let mut files = service.files.iter();
    let found = files.find(|file| {
        let is_followed = matches!(file.need.what, NeedKind::Content | NeedKind::Presence);
        is_followed && file.need.path == *path
    });
    found.map_or_else(|| path.clone(), |file| lies_at(path, &file.links))
}

/// Makes a file hold `content`.
fn hold(file: &mut FileFacts, content: &[u8]) {
    file.problem = None;
    file.kind = Some(FileKind::Regular);
    file.size = u64::try_from(content.len()).ok();
    if file.need.what == NeedKind::Content {
        file.sha256 = Some(hexadecimal(&Sha256::digest(content)));
        file.content = Some(Bytes::from(content));
    }
}

/// Returns an absolute path without `.`, `..` and doubled slashes.
fn clean(path: &[u8]) -> Bytes {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    Bytes::from([b"/".as_slice(), &parts.join(&b'/')].concat())
}

/// Returns the folder of a path and the name in it.
fn split(path: &Bytes) -> (Bytes, Bytes) {
    let path = path.as_slice();
    let at = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    let (folder, name) = path.split_at(at);
    (
        Bytes::from(folder),
        Bytes::from(name.get(1..).unwrap_or_default()),
    )
}

/// Puts the name of `path` into the listing of its folder; a folder that is not there is made, and put into that of its
/// own. A folder of which no listing was asked for has nobody who would miss the name.
fn enter(service: &mut ServiceFacts, path: &Bytes, kind: FileKind) {
    let (folder, name) = split(path);
    let listing = Bytes::from([folder.as_slice(), b"/"].concat());
    let is_listed = |file: &&mut FileFacts| {
        let named = &file.need.path;
        file.need.what == NeedKind::Listing && (*named == listing || *named == folder)
    };
    let mut is_new = false;
    let mut is_known = false;
    for file in service.files.iter_mut().filter(|file| is_listed(file)) {
        is_known = true;
        // A link that leads nowhere is no place for a folder.
        let is_missing = file.links.is_empty()
            && matches!(&file.problem, Some(trouble) if trouble.cause == Cause::Missing);
        let is_folder = file.problem.is_none() && file.kind == Some(FileKind::Directory);
        if !is_missing && !is_folder {
            continue;
        }
        is_new |= is_missing;
        file.problem = None;
        file.kind = Some(FileKind::Directory);
        let entries = file.entries.get_or_insert_default();
        if entries.iter().all(|entry| entry.name != name) {
            let name = name.clone();
            entries.push(Entry { name, kind });
            entries.sort_by(|one, other| one.name.cmp(&other.name));
        }
    }
    let is_in_search_path = folder.as_slice().starts_with(b"/etc/systemd/system/");
    if !is_known && is_in_search_path {
        let need = Need {
            what: NeedKind::Listing,
            path: listing,
        };
        let mut file = FileFacts::new(need);
        file.kind = Some(FileKind::Directory);
        file.entries = Some(vec![Entry { name, kind }]);
        service.files.push(file);
        is_new = true;
    }
    if is_new && !folder.is_empty() {
        enter(service, &folder, FileKind::Directory);
    }
}
