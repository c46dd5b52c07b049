//! Facts of a service as if a file had been written already.

use kubeassay_core::Bytes;
use kubeassay_core::facts::{Entry, FileFacts, FileKind, Need, NeedKind, ServiceFacts};
use kubeassay_core::text::hexadecimal;
use sha2::{Digest as _, Sha256};

/// Returns the facts of `service` as they will be once `path` holds `content`: a file that is there has the new
/// content and digest, one that is not is there, and the listings of its folders name it.
///
/// The same file under another name is the one that symbolic links lead to from there.
pub fn with_file(service: &ServiceFacts, path: &Bytes, content: &[u8]) -> ServiceFacts {
    let mut service = service.clone();
    let target = end(&service, path);
    let mut is_known = false;
    for file in &mut service.files {
        let is_it = file.need.path == *path || leads_to(file, &target);
        if !is_it || file.need.what == NeedKind::Listing {
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
        let mut file = blank(need);
        hold(&mut file, content);
        service.files.push(file);
    }
    enter(&mut service, path, FileKind::Regular);
    service
}

/// Returns facts of something that is there and of which nothing is known yet.
fn blank(need: Need) -> FileFacts {
    FileFacts {
        need,
        kind: None,
        mode: None,
        uid: None,
        gid: None,
        size: None,
        modified: None,
        changed: None,
        links: Vec::new(),
        sha256: None,
        content: None,
        entries: None,
        problem: None,
    }
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

/// Returns the file at the end of the links that were followed from `path`.
fn end(service: &ServiceFacts, path: &Bytes) -> Bytes {
    let mut files = service.files.iter();
    let last = files
        .find(|file| file.need.path == *path && file.need.what == NeedKind::Content)
        .and_then(|file| file.links.last());
    last.map_or_else(|| path.clone(), |link| absolute(&link.path, &link.target))
}

/// Returns whether the last link that was followed leads to `target`.
fn leads_to(file: &FileFacts, target: &Bytes) -> bool {
    let last = file.links.last();
    last.is_some_and(|link| absolute(&link.path, &link.target) == *target)
}

fn absolute(link: &Bytes, target: &Bytes) -> Bytes {
    let (folder, _) = split(link);
    kubeassay_config::absolute(target, Some(&folder)).unwrap_or_else(|| target.clone())
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
        is_new |= file.problem.is_some();
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
        let mut file = blank(need);
        file.kind = Some(FileKind::Directory);
        file.entries = Some(vec![Entry { name, kind }]);
        service.files.push(file);
        is_new = true;
    }
    if is_new && !folder.is_empty() {
        enter(service, &folder, FileKind::Directory);
    }
}
