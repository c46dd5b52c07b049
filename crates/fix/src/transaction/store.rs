//! The folder of all transactions.

use std::path::Path;
use std::rc::Rc;

use jiff::Timestamp;
use kubeassay_core::Bytes;
use kubeassay_core::transaction::{Outcome, Transaction};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::failpoint::Step;
use super::folder::{self, Folder, Root, Seen};
use super::journal::{self, Contents, Entry, Journal, Record};
use super::lock::{self, Unlocked};
use super::progress::Progress;
use super::{Header, Lock, Running, TransactionError, id};

/// Where the store is, and what is in it.
const STORE: &[u8] = b"/var/lib/kubeassay";
const TRANSACTIONS: &[u8] = b"transactions";
const PLAN: &[u8] = b"plan.json";
pub(super) const JOURNAL: &[u8] = b"journal";

/// How the folder of a transaction is called until it is complete.
const INCOMPLETE: &[u8] = b".new-";

/// How many transactions are listed; as many as one could make every minute for a week.
const MOST: usize = 10_000;

/// The largest plan that is kept.
const LARGEST_PLAN: usize = 16 << 20;

/// How often another name is tried.
const NAMES: u32 = 16;

/// The transactions of a host.
#[derive(Debug)]
pub struct Store {
    root: Rc<Root>,
}

/// A transaction that was read.
struct Read {
    /// The path of its folder: thousands are not kept open.
    path: Bytes,
    contents: Contents,
    progress: Progress,
    /// What is wrong with its journal.
    damage: Option<String>,
}

impl Read {
    fn transaction(&self) -> Transaction {
        match &self.damage {
            Some(reason) => self.progress.damaged(reason, &self.path),
            None => self.progress.transaction(),
        }
    }
}

impl Store {
    /// Opens the store of the host below `root`; writes nothing, and need not find one.
    ///
    /// # Errors
    ///
    /// Where `root` cannot be opened.
    pub fn open(root: &Path) -> Result<Self, TransactionError> {
        let opened = Root::open(root);
        let root =
            opened.map_err(|said| TransactionError::system("open", folder::shown(root), said))?;
        Ok(Self {
            root: Rc::new(root),
        })
    }

    /// Returns whether a process works on this host; writes nothing.
    ///
    /// # Errors
    ///
    /// Where it cannot be told.
    pub fn is_locked(&self) -> Result<bool, TransactionError> {
        let Some(store) = self.find(STORE)? else {
            return Ok(false);
        };
        lock::is_taken(&store).map_err(system("open"))
    }

    /// Keeps all others from working on this host until the guard is dropped; makes the store where there is none.
    ///
    /// # Errors
    ///
    /// [`TransactionError::Locked`] where another process does; where the store cannot be made.
    pub fn lock(&self) -> Result<Lock, TransactionError> {
        let store = self.make()?;
        lock::take(&store).map_err(|unlocked| match unlocked {
            Unlocked::Taken(holder) => TransactionError::Locked { holder },
            Unlocked::System(said) => TransactionError::system("lock", STORE, said),
        })
    }

    /// Returns all transactions, the newest first; one whose journal is damaged needs hands. Writes nothing.
    ///
    /// # Errors
    ///
    /// Where the store is there and cannot be read.
    pub fn list(&self) -> Result<Vec<Transaction>, TransactionError> {
        Ok(self.read_all()?.iter().map(Read::transaction).collect())
    }

    /// Returns one transaction; writes nothing.
    ///
    /// # Errors
    ///
    /// [`TransactionError::NotFound`]; where the store cannot be read.
    pub fn show(&self, id: &str) -> Result<Transaction, TransactionError> {
        Ok(self.read(id)?.transaction())
    }

    /// Returns the plan of a transaction, as it was handed over.
    ///
    /// # Errors
    ///
    /// [`TransactionError::NotFound`]; where the plan is gone, or cannot be read.
    pub fn plan(&self, id: &str) -> Result<Vec<u8>, TransactionError> {
        let path = self.read(id)?.path;
        let system = |said| TransactionError::system("read the plan in", path.clone(), said);
        let folder = self.root.folder(path.as_slice()).map_err(system)?;
        match folder.look_within(PLAN, LARGEST_PLAN) {
            Ok(Seen::File(file)) => Ok(file.content),
            Ok(Seen::Absent | Seen::Other(_)) => Err(system(Errno::NOENT)),
            Err(said) => Err(system(said)),
        }
    }

    /// Returns the transaction that is under way or was cut short, or whose journal is damaged; writes nothing.
    ///
    /// # Errors
    ///
    /// Where the store is there and cannot be read.
    pub fn unfinished(&self) -> Result<Option<Transaction>, TransactionError> {
        Ok(self.find_unfinished()?.map(|read| read.transaction()))
    }

    /// Completes the transaction whose outcome was decided before it was cut short, and returns one that was cut short
    /// earlier: it is to be undone.
    ///
    /// # Errors
    ///
    /// [`TransactionError::Damaged`]; where the store cannot be read or written.
    pub fn recover(
        &self,
        lock: &Lock,
        now: Timestamp,
    ) -> Result<Option<Running>, TransactionError> {
        self.clear_incomplete()?;
        let Some(read) = self.find_unfinished()? else {
            return Ok(None);
        };
        let mut running = self.resume(read, lock)?;
        if running.progress.closing.is_some() {
            running.complete(now)?;
            return Ok(None);
        }
        Ok(Some(running))
    }

    /// Begins a transaction.
    ///
    /// # Errors
    ///
    /// [`TransactionError::Unfinished`] where another is not finished; where the store cannot be written.
    pub fn begin(&self, lock: &Lock, header: Header) -> Result<Running, TransactionError> {
        self.clear_incomplete()?;
        if let Some(read) = self.find_unfinished()? {
            return Err(not_finished(&read));
        }
        let transactions = self.find(&path(TRANSACTIONS))?;
        let transactions = transactions.ok_or_else(|| system("open")(Errno::NOENT))?;
        let id = new_id(&transactions, &header).map_err(system("write"))?;
        let begun = begin(&transactions, &id, header);
        let (folder, journal, entry) = begun.map_err(|said| {
            // Where this fails too, the next transaction does it.
            let _ = clear(&transactions, &[INCOMPLETE, id.as_bytes()].concat());
            TransactionError::system("begin a transaction in", path(TRANSACTIONS), said)
        })?;
        let progress = Progress::of(&id, &[entry]);
        let progress =
            progress.map_err(|(_, reason)| damaged(&id, reason, &folder.path_of(b"")))?;
        Ok(Running {
            root: Rc::clone(&self.root),
            folder,
            journal,
            progress,
            _lock: lock.clone(),
        })
    }

    /// Opens a transaction to undo it: one that is unfinished, or the last that wrote its files.
    ///
    /// # Errors
    ///
    /// [`TransactionError::Superseded`] where a later one wrote one of its files, [`TransactionError::NothingToUndo`]
    /// where it is undone, [`TransactionError::Unfinished`] where another is not finished,
    /// [`TransactionError::NotFound`], [`TransactionError::Damaged`].
    pub fn reopen(&self, lock: &Lock, id: &str) -> Result<Running, TransactionError> {
        let read = self.read(id)?;
        if let Some(damage) = read.damage {
            return Err(damaged(id, damage, &read.path));
        }
        let target_of = |other: &Read| {
            let written = read.progress.files.iter().filter(|file| !file.abandoned);
            written
                .map(|file| &file.target)
                .find(|target| other.progress.wrote(target))
                .cloned()
        };
        for other in self
            .read_all()?
            .iter()
            .filter(|other| other.progress.id != id)
        {
            if other.damage.is_some() || other.progress.is_unfinished() {
                return Err(not_finished(other));
            }
            let order = |progress: &Progress| (progress.started, progress.id.clone());
            if order(&other.progress) > order(&read.progress)
                && let Some(target) = target_of(other)
            {
                let by = other.progress.id.clone();
                return Err(TransactionError::Superseded {
                    id: id.to_owned(),
                    by,
                    target,
                });
            }
        }
        let reason = match read.progress.finished {
            Some((_, Outcome::RolledBack, ..)) => "was rolled back already",
            Some((_, Outcome::Refused, ..)) => "wrote nothing",
            _ => return self.resume(read, lock),
        };
        Err(TransactionError::NothingToUndo {
            id: id.to_owned(),
            reason,
        })
    }

    fn resume(&self, read: Read, lock: &Lock) -> Result<Running, TransactionError> {
        let Read {
            path,
            contents,
            progress,
            damage,
        } = read;
        if let Some(damage) = damage {
            return Err(damaged(&progress.id, damage, &path));
        }
        let system = |said| TransactionError::system("open the journal in", path.clone(), said);
        let folder = self.root.folder(path.as_slice()).map_err(system)?;
        let file = folder.open(JOURNAL, OFlags::RDWR).map_err(system)?;
        let journal = Journal::resume(file, &contents);
        Ok(Running {
            root: Rc::clone(&self.root),
            folder,
            journal,
            progress,
            _lock: lock.clone(),
        })
    }

    /// Opens a folder; `None` where it is not there.
    fn find(&self, path: &[u8]) -> Result<Option<Folder>, TransactionError> {
        match self.root.folder(path) {
            Ok(folder) => Ok(Some(folder)),
            Err(Errno::NOENT) => Ok(None),
            Err(said) => Err(TransactionError::system("open", path, said)),
        }
    }

    /// Opens the store to write into it, and makes what is missing.
    fn make(&self) -> Result<Folder, TransactionError> {
        let (above, name) = folder::split(STORE).unwrap_or((b"/", STORE));
        let above = self
            .root
            .folder(above)
            .map_err(|said| TransactionError::system("open", above, said))?;
        let made = make_private(&above, name, || self.root.folder(STORE)).and_then(|store| {
            make_private(&store, TRANSACTIONS, || store.folder(TRANSACTIONS))?;
            Ok(store)
        });
        let store = made.map_err(|said| TransactionError::system("make", STORE, said))?;
        let status = store.own_status().map_err(system("open"))?;
        if status.st_uid != rustix::process::geteuid().as_raw() {
            return Err(TransactionError::Refused {
                target: Bytes::from(STORE),
                reason: "it belongs to another user: whoever that is could write what is undone"
                    .to_owned(),
            });
        }
        if status.st_mode & 0o7777 != 0o700 {
            store
                .set_mode(Mode::RWXU, Step::StoreMode)
                .map_err(system("set the mode of"))?;
        }
        Ok(store)
    }

    fn ids(&self) -> Result<Vec<String>, TransactionError> {
        let Some(transactions) = self.find(&path(TRANSACTIONS))? else {
            return Ok(Vec::new());
        };
        let names = transactions.names(MOST).map_err(system("list"))?;
        let names = names
            .into_iter()
            .filter_map(|name| String::from_utf8(name).ok());
        Ok(names.filter(|name| id::is_valid(name)).collect())
    }

    /// Reads all transactions, the newest first.
    fn read_all(&self) -> Result<Vec<Read>, TransactionError> {
        let ids = self.ids()?;
        let mut all = ids
            .iter()
            .map(|id| self.read(id))
            .collect::<Result<Vec<Read>, _>>()?;
        all.sort_by(|one, other| {
            let (one, other) = (&one.progress, &other.progress);
            (other.started, &other.id).cmp(&(one.started, &one.id))
        });
        Ok(all)
    }

    fn find_unfinished(&self) -> Result<Option<Read>, TransactionError> {
        let mut all = self.read_all()?.into_iter();
        Ok(all.find(|read| read.damage.is_some() || read.progress.is_unfinished()))
    }

    fn read(&self, id: &str) -> Result<Read, TransactionError> {
        let not_found = || TransactionError::NotFound {
            id: kubeassay_core::text::escape(id),
        };
        if !id::is_valid(id) {
            return Err(not_found());
        }
        let path = Bytes::from(path(&[TRANSACTIONS, b"/", id.as_bytes()].concat()));
        let folder = self.find(path.as_slice())?.ok_or_else(not_found)?;
        let (mut contents, mut damage) = match folder.look_within(JOURNAL, journal::LARGEST) {
            Ok(Seen::File(file)) => (journal::read(&file.content), None),
            Ok(Seen::Absent) => (Contents::default(), Some("it is gone".to_owned())),
            Ok(Seen::Other(reason)) => (Contents::default(), Some(reason.to_owned())),
            Err(said) => {
                return Err(TransactionError::system(
                    "read",
                    folder.path_of(JOURNAL),
                    said,
                ));
            }
        };
        let progress = Progress::of(id, &contents.entries).unwrap_or_else(|(progress, reason)| {
            damage.get_or_insert(reason);
            progress.map_or_else(|| Progress::unknown(id), |progress| *progress)
        });
        let damage = contents.damage.take().or(damage);
        contents.entries = Vec::new();
        Ok(Read {
            path,
            contents,
            progress,
            damage,
        })
    }

    /// Removes the folders of transactions that never began.
    fn clear_incomplete(&self) -> Result<(), TransactionError> {
        let Some(transactions) = self.find(&path(TRANSACTIONS))? else {
            return Ok(());
        };
        let names = transactions.names(MOST).map_err(system("list"))?;
        for name in names.iter().filter(|name| name.starts_with(INCOMPLETE)) {
            clear(&transactions, name).map_err(system("clear"))?;
        }
        Ok(())
    }
}

/// Returns the path of something in the store.
fn path(name: &[u8]) -> Vec<u8> {
    [STORE, b"/", name].concat()
}

fn system(action: &'static str) -> impl Fn(Errno) -> TransactionError {
    move |said| TransactionError::system(action, STORE, said)
}

fn damaged(id: &str, reason: String, folder: &Bytes) -> TransactionError {
    TransactionError::Damaged {
        id: id.to_owned(),
        reason,
        folder: folder.clone(),
    }
}

fn not_finished(read: &Read) -> TransactionError {
    let id = &read.progress.id;
    match &read.damage {
        Some(reason) => damaged(id, reason.clone(), &read.path),
        None => TransactionError::Unfinished { id: id.clone() },
    }
}

/// Opens a folder of the store, and makes it where it is missing.
fn make_private(
    above: &Folder,
    name: &[u8],
    open: impl Fn() -> Result<Folder, Errno>,
) -> Result<Folder, Errno> {
    match open() {
        Err(Errno::NOENT) => {
            let made = above.make_folder(name, Mode::RWXU, [Step::StoreFolder, Step::StoreMode])?;
            above.sync(Step::StoreSync)?;
            Ok(made)
        }
        opened => opened,
    }
}

/// Returns a name that no transaction has.
fn new_id(transactions: &Folder, header: &Header) -> Result<String, Errno> {
    let process = rustix::process::getpid()
        .as_raw_nonzero()
        .get()
        .to_le_bytes();
    for count in 0..NAMES {
        let id = id::new(
            header.started,
            &[&process[..], &count.to_le_bytes()].concat(),
        );
        if transactions.status(id.as_bytes())?.is_none() {
            return Ok(id);
        }
    }
    Err(Errno::EXIST)
}

/// Makes the folder of a transaction: complete under another name, then in its place.
fn begin(
    transactions: &Folder,
    id: &str,
    header: Header,
) -> Result<(Folder, Journal, Entry), Errno> {
    let incomplete = [INCOMPLETE, id.as_bytes()].concat();
    let folder = transactions.make_folder(
        &incomplete,
        Mode::RWXU,
        [Step::BeginFolder, Step::BeginMode],
    )?;
    let steps = [Step::PlanCreate, Step::PlanWrite, Step::PlanSync];
    folder.write_new(PLAN, &header.plan, steps)?;
    let mut journal = Journal::begin(folder.create(JOURNAL, Step::JournalCreate)?)?;
    let record = Record::Begun {
        id: id.to_owned(),
        tool: header.tool,
        node: header.node,
        rules: header.rules,
        plan: id::digest(&header.plan),
    };
    let entry = Entry {
        at: header.started,
        record,
    };
    journal.append(&entry)?;
    folder.sync(Step::BeginFolderSync)?;
    transactions.place(&incomplete, id.as_bytes(), Step::BeginPlace)?;
    transactions.sync(Step::BeginSync)?;
    Ok((transactions.folder(id.as_bytes())?, journal, entry))
}

/// Removes the folder of a transaction that never began.
fn clear(transactions: &Folder, name: &[u8]) -> Result<(), Errno> {
    let folder = match transactions.folder(name) {
        Err(Errno::NOENT) => return Ok(()),
        folder => folder?,
    };
    for file in [PLAN, JOURNAL] {
        folder.remove(file, Step::BeginStale)?;
    }
    transactions.remove_folder(name, Step::BeginStale)?;
    transactions.sync(Step::StoreSync)
}
