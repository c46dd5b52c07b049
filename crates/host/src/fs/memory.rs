//! The files of a captured host, in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use kubeassay_core::facts::{Entry, FileKind};
use rustix::io::Errno;

use super::{Handle, Identity, Links, Node, Opened, Status};
use crate::captured::{CapturedFile, CapturedHost, ReadError, What};

/// A file tree in memory.
struct Tree {
    files: Vec<File>,
}

struct File {
    kind: FileKind,
    /// The content of a regular file, the target of a link.
    bytes: Vec<u8>,
    children: BTreeMap<Vec<u8>, usize>,
    mode: u32,
    uid: u32,
    gid: u32,
    modified: Option<Timestamp>,
    changed: Option<Timestamp>,
    error: Option<ReadError>,
}

impl File {
    const fn directory() -> Self {
        Self {
            kind: FileKind::Directory,
            bytes: Vec::new(),
            children: BTreeMap::new(),
            mode: 0o755,
            uid: 0,
            gid: 0,
            modified: None,
            changed: None,
            error: None,
        }
    }

    fn captured(file: &CapturedFile) -> Self {
        let (kind, bytes) = match &file.what {
            What::Regular(content) => (FileKind::Regular, content.clone()),
            What::Symlink(target) => (FileKind::Symlink, target.clone()),
            What::HardLink(_) => (FileKind::Regular, Vec::new()),
            What::Other(kind) => (*kind, Vec::new()),
        };
        Self {
            kind,
            bytes,
            children: BTreeMap::new(),
            mode: file.mode,
            uid: file.uid,
            gid: file.gid,
            modified: file.modified,
            changed: file.changed,
            error: file.error,
        }
    }

    /// Gives what reading gives.
    fn answer(&self) -> Result<(), Errno> {
        match self.error {
            None => Ok(()),
            Some(ReadError::Denied) => Err(Errno::ACCESS),
            Some(ReadError::Vanished) => Err(Errno::SRCH),
            Some(ReadError::Io) => Err(Errno::IO),
            // Who may wait waits for ever, and the others are told at once that there was no answer.
            Some(ReadError::Blocks) if crate::aside::is_here() => loop {
                std::thread::park();
            },
            Some(ReadError::Blocks) => Err(Errno::TIMEDOUT),
        }
    }
}

impl Tree {
    /// Returns the place of the file at `path`, made a directory if there is none.
    fn make(&mut self, path: &str) -> usize {
        let mut here = 0;
        for part in path.split('/').filter(|part| !part.is_empty()) {
            let next = self.files.len();
            let known = self.files.get_mut(here).map(|file| {
                let known = file.children.entry(part.as_bytes().to_vec());
                *known.or_insert(next)
            });
            here = known.unwrap_or(0);
            if here == next {
                self.files.push(File::directory());
            }
        }
        here
    }
}

/// Returns the root of the captured host's files.
pub(crate) fn root(host: &CapturedHost) -> Handle {
    let mut tree = Tree {
        files: vec![File::directory()],
    };
    for (path, captured) in &host.files {
        let place = tree.make(path);
        if let Some(file) = tree.files.get_mut(place) {
            // What lies below it may have been named before it.
            let children = std::mem::take(&mut file.children);
            *file = File::captured(captured);
            file.children = children;
        }
    }
    for (path, captured) in &host.files {
        let What::HardLink(target) = &captured.what else {
            continue;
        };
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let (parent, target) = (tree.make(parent), tree.make(target));
        if let Some(directory) = tree.files.get_mut(parent) {
            directory.children.insert(name.as_bytes().to_vec(), target);
        }
    }
    Arc::new(MemoryNode {
        tree: Arc::new(tree),
        place: 0,
    })
}

#[derive(Clone)]
struct MemoryNode {
    tree: Arc<Tree>,
    place: usize,
}

impl MemoryNode {
    fn file(&self) -> Result<&File, Errno> {
        self.tree.files.get(self.place).ok_or(Errno::NOENT)
    }
}

impl Node for MemoryNode {
    fn child(&self, name: &[u8]) -> Result<Handle, Errno> {
        let file = self.file()?;
        if file.kind != FileKind::Directory {
            return Err(Errno::NOTDIR);
        }
        file.answer()?;
        let place = *file.children.get(name).ok_or(Errno::NOENT)?;
        Ok(Arc::new(Self {
            tree: Arc::clone(&self.tree),
            place,
        }))
    }

    fn status(&self) -> Result<Status, Errno> {
        let file = self.file()?;
        Ok(Status {
            kind: file.kind,
            mode: file.mode,
            uid: file.uid,
            gid: file.gid,
            size: u64::try_from(file.bytes.len()).unwrap_or(u64::MAX),
            identity: Identity {
                device: 0,
                inode: u64::try_from(self.place).unwrap_or(u64::MAX),
                mount: None,
            },
            names: 0,
            raw_times: ((0, 0), (0, 0)),
            modified: file.modified,
            changed: file.changed,
        })
    }

    fn mount(&self) -> Result<Option<u64>, Errno> {
        Ok(None)
    }

    fn target(&self) -> Result<Vec<u8>, Errno> {
        let file = self.file()?;
        if file.kind != FileKind::Symlink {
            return Err(Errno::INVAL);
        }
        file.answer()?;
        Ok(file.bytes.clone())
    }

    fn kernel_file_system(&self) -> Result<Option<&'static str>, Errno> {
        Ok(None)
    }

    fn entries(&self, limit: usize) -> Result<Option<Vec<Entry>>, Errno> {
        let file = self.file()?;
        if file.kind != FileKind::Directory {
            return Err(Errno::NOTDIR);
        }
        file.answer()?;
        if file.children.len() > limit {
            return Ok(None);
        }
        let entries = file.children.iter().filter_map(|(name, place)| {
            let kind = self.tree.files.get(*place)?.kind;
            Some(Entry {
                name: name.as_slice().into(),
                kind,
            })
        });
        Ok(Some(entries.collect()))
    }

    fn open(&self) -> Result<Box<dyn Opened>, Errno> {
        self.file()?.answer()?;
        Ok(Box::new(self.clone()))
    }

    fn resolve(&self, _: &[u8], _: Links) -> Option<Result<Identity, Errno>> {
        None
    }

    fn link_at(&self, path: &str) -> Result<Vec<u8>, Errno> {
        let mut parts = path.split('/');
        let Some(first) = parts.next() else {
            return Err(Errno::NOENT);
        };
        let mut node = self.child(first.as_bytes())?;
        for part in parts {
            node = node.child(part.as_bytes())?;
        }
        node.target()
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

impl Opened for MemoryNode {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
        let file = self.file()?;
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = file.bytes.get(offset..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        if let (Some(into), Some(from)) = (buffer.get_mut(..length), rest.get(..length)) {
            into.copy_from_slice(from);
        }
        Ok(length)
    }

    fn status(&self) -> Result<Status, Errno> {
        Node::status(self)
    }
}
