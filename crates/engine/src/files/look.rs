//! What the facts say of a file, whatever it was needed for, and which files there are below a folder.

use std::collections::{BTreeSet, HashMap, VecDeque};

use kubeassay_config::path;
use kubeassay_core::facts::{FileFacts, FileKind, Link, Need, NeedKind, Trouble};
use kubeassay_core::{Bytes, Cause};

/// Deeper folders are not looked into: no installer nests keys and certificates like that.
const MAX_DEPTH: usize = 16;

/// The most files below one folder that are looked at.
const MOST_FILES: usize = 2_000;

/// What is known of a file beyond its content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) kind: Option<FileKind>,
    /// Permission bits, with those for set-user-ID, set-group-ID and sticky.
    pub(super) mode: Option<u32>,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
    /// Symbolic links on the way, as whoever sees it sees them.
    pub(super) links: Vec<Link>,
    /// Why it could not be looked at; it counts where there is no mode.
    pub(super) trouble: Option<Trouble>,
}

impl Status {
    pub(super) fn of(file: &FileFacts) -> Self {
        Self {
            kind: file.kind,
            mode: file.mode,
            uid: file.uid,
            gid: file.gid,
            links: file.links.clone(),
            trouble: file.problem.clone().filter(|_| file.mode.is_none()),
        }
    }

    /// Returns whether it was looked for and is not there.
    pub(super) fn is_missing(&self) -> bool {
        let trouble = self.trouble.as_ref();
        trouble.is_some_and(|trouble| trouble.cause == Cause::Missing)
    }
}

/// Returns of several facts of one file those that say what it is like, if any do: what was read for its content, or
/// only to see whether it is there, says it as well.
pub(super) fn best<'a>(files: impl Iterator<Item = &'a FileFacts>) -> Option<&'a FileFacts> {
    let rank = |file: &FileFacts| {
        let missing = file
            .problem
            .as_ref()
            .is_some_and(|trouble| trouble.cause == Cause::Missing);
        match file.need.what {
            NeedKind::Metadata => Some(0),
            // A link in the last place was not followed.
            NeedKind::Listing => None,
            _ if file.mode.is_some() => Some(1),
            _ => missing.then_some(2),
        }
    };
    let ranked = files.filter_map(|file| Some((rank(file)?, file)));
    ranked.min_by_key(|(rank, _)| *rank).map(|(_, file)| file)
}

/// Returns where a file really lies that was reached at `path` through `links`.
pub(super) fn real(path: &Bytes, links: &[Link]) -> Bytes {
    let mut at = path::clean(path);
    for link in links {
        let link_path = path::clean(&link.path);
        let Some(rest) = at
            .as_slice()
            .strip_prefix(link_path.as_slice())
            .filter(|rest| rest.is_empty() || rest.starts_with(b"/"))
        else {
            continue;
        };
        let rest = Bytes::from(rest);
        let target = path::absolute(&link.target, Some(&path::parent(&link_path)));
        let target = target.unwrap_or_else(|| link.target.clone());
        at = path::join(&target, &rest);
    }
    at
}

/// Returns what a process or a service sees at `path`.
pub(super) fn in_view(files: &[FileFacts], path: &Bytes) -> Option<Status> {
    let found = files.iter().filter(|file| file.need.path == *path);
    best(found).map(Status::of)
}

/// The files of the node as the host sees them, and what of them is not in the facts yet.
pub(super) struct Host<'a> {
    files: HashMap<&'a [u8], Vec<&'a FileFacts>>,
    pub(super) needs: Vec<Need>,
}

/// A folder whose entries are not all known.
#[derive(Clone, Debug)]
pub(super) struct Unlisted {
    pub(super) path: Bytes,
    pub(super) trouble: Trouble,
}

impl<'a> Host<'a> {
    pub(super) fn new(files: &'a [FileFacts]) -> Self {
        let mut by_path: HashMap<&[u8], Vec<&FileFacts>> = HashMap::new();
        for file in files {
            by_path
                .entry(file.need.path.as_slice())
                .or_default()
                .push(file);
        }
        Self {
            files: by_path,
            needs: Vec::new(),
        }
    }

    /// Returns what is known of the file at `path`; where that is nothing yet, it is needed.
    pub(super) fn at(&mut self, path: &Bytes) -> Option<&'a FileFacts> {
        let known = self.files.get(path.as_slice()).into_iter().flatten();
        let found = best(known.copied());
        if found.is_none() {
            self.need(path);
        }
        found
    }

    fn need(&mut self, path: &Bytes) {
        self.needs.push(Need {
            what: NeedKind::Metadata,
            path: path.clone(),
        });
    }

    /// Returns the folder at `path` with its entries, if it is one.
    fn folder(&mut self, path: &Bytes) -> Option<&'a FileFacts> {
        let found = self.at(path)?;
        if found.kind == Some(FileKind::Directory) && found.need.what != NeedKind::Metadata {
            self.need(path);
            return None;
        }
        Some(found)
    }

    /// Returns the files that `pattern` stands for, in which `*` is anything within one name but a leading point, and
    /// what could not be listed on the way. A pattern without a star stands for itself.
    pub(super) fn matching(&mut self, pattern: &str) -> (Vec<Bytes>, Vec<Unlisted>) {
        let mut found = vec![Bytes::from("/")];
        let mut unlisted = Vec::new();
        let parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty()).collect();
        for (index, part) in parts.iter().enumerate() {
            let last = index + 1 == parts.len();
            let mut next = Vec::new();
            for folder in found {
                if !part.contains('*') {
                    next.push(path::join(&folder, &Bytes::from(*part)));
                    continue;
                }
                let Some(file) = self.folder(&folder) else {
                    continue;
                };
                if let Some(trouble) = &file.problem {
                    if trouble.cause != Cause::Missing {
                        unlisted.push(Unlisted {
                            path: folder.clone(),
                            trouble: trouble.clone(),
                        });
                    }
                    continue;
                }
                for entry in file.entries.iter().flatten() {
                    let name = entry.name.as_slice();
                    let is_folder = entry.kind == FileKind::Directory;
                    let wanted = if last {
                        !is_folder
                    } else {
                        is_folder || entry.kind == FileKind::Symlink
                    };
                    if wanted && !name.starts_with(b".") && matches(part.as_bytes(), name) {
                        next.push(path::join(&folder, &entry.name));
                    }
                }
            }
            next.truncate(MOST_FILES);
            found = next;
        }
        (found, unlisted)
    }

    /// Returns the folder at `root` and everything below it, folders before what is in them, and what could not be
    /// looked into. Behind links to folders elsewhere nobody looks.
    pub(super) fn below(&mut self, root: &Bytes) -> (Vec<Bytes>, Vec<Unlisted>) {
        let mut found = Vec::new();
        let mut unlisted = Vec::new();
        let mut entered: BTreeSet<Bytes> = BTreeSet::new();
        let mut top: Option<Bytes> = None;
        let mut open = VecDeque::from([(root.clone(), 0)]);
        let mut seen = 0;
        while let Some((path, depth)) = open.pop_front() {
            seen += 1;
            if seen > MOST_FILES {
                unlisted.push(limit(
                    root,
                    format!("more than {MOST_FILES} files lie below {root}"),
                ));
                break;
            }
            let Some(file) = self.folder(&path) else {
                continue;
            };
            found.push(path.clone());
            if file.kind != Some(FileKind::Directory) {
                continue;
            }
            let real = real(&path, &file.links);
            let top = top.get_or_insert_with(|| real.clone());
            if !path::is_below(&real, top) {
                unlisted.push(limit(
                    &path,
                    format!("{path} is a link to the folder {real}, and what lies there is not looked at"),
                ));
                continue;
            }
            // A link to a folder of the same tree comes to what is looked at anyway.
            if depth > 0 && entry_is_link(&path, &file.links) || !entered.insert(real) {
                continue;
            }
            if let Some(trouble) = &file.problem {
                unlisted.push(Unlisted {
                    path: path.clone(),
                    trouble: trouble.clone(),
                });
                continue;
            }
            if depth == MAX_DEPTH {
                unlisted.push(limit(
                    &path,
                    format!("{path} lies {MAX_DEPTH} folders deep, and is not looked into"),
                ));
                continue;
            }
            for entry in file.entries.iter().flatten() {
                open.push_back((path::join(&path, &entry.name), depth + 1));
            }
        }
        (found, unlisted)
    }
}

/// Returns whether what is at `path` is itself a link.
fn entry_is_link(path: &Bytes, links: &[Link]) -> bool {
    links.iter().any(|link| link.path == *path)
}

fn limit(path: &Bytes, reason: String) -> Unlisted {
    Unlisted {
        path: path.clone(),
        trouble: Trouble {
            cause: Cause::TooLarge,
            reason,
        },
    }
}

/// Returns whether a name matches a pattern in which `*` stands for anything.
pub(super) fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let mut parts = pattern.split(|byte| *byte == b'*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let middle: Vec<&[u8]> = parts.collect();
    let Some((last, middle)) = middle.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        let at = rest
            .windows(part.len().max(1))
            .position(|window| window == *part || part.is_empty());
        let Some(at) = at.or_else(|| part.is_empty().then_some(0)) else {
            return false;
        };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}
