//! Where tests end the process, or let a system call fail: every system call that changes something has a name.
//!
//! Without the feature `failpoints` a [`Step`] is nothing but the name of what is called.

#[cfg(not(feature = "failpoints"))]
use rustix::io::Errno;

macro_rules! steps {
    ($($step:ident $name:literal,)*) => {
        /// A system call that changes something.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(
            not(feature = "failpoints"),
            expect(unreachable_pub, reason = "only tests name them from outside")
        )]
        pub enum Step {
            $(#[doc = concat!("`", $name, "`")] $step,)*
        }

        #[cfg(feature = "failpoints")]
        impl Step {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$step,)*];

            /// Returns its name. The point before the call is called like it, the one after it has `.done` behind it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$step => $name,)*
                }
            }
        }
    };
}

steps! {
    StoreFolder "store.folder",
    StoreMode "store.mode",
    StoreSync "store.sync",
    LockFile "lock.file",
    LockClear "lock.clear",
    LockProcess "lock.process",
    BeginStale "begin.stale",
    BeginFolder "begin.folder",
    BeginMode "begin.mode",
    PlanCreate "plan.create",
    PlanWrite "plan.write",
    PlanSync "plan.sync",
    JournalCreate "journal.create",
    JournalReserve "journal.reserve",
    JournalWrite "journal.write",
    JournalRest "journal.rest",
    JournalSync "journal.sync",
    JournalCut "journal.cut",
    BeginFolderSync "begin.folder-sync",
    BeginPlace "begin.place",
    BeginSync "begin.sync",
    BackupCreate "backup.create",
    BackupWrite "backup.write",
    BackupSync "backup.sync",
    BackupFolderSync "backup.folder-sync",
    FolderMake "folder.make",
    FolderMode "folder.mode",
    FolderSync "folder.sync",
    StageCreate "stage.create",
    StageWrite "stage.write",
    StageOwner "stage.owner",
    StageMode "stage.mode",
    StageAttribute "stage.attribute",
    StageStrip "stage.strip",
    StageSync "stage.sync",
    ReplaceExchange "replace.exchange",
    ReplaceBack "replace.back",
    ReplacePlace "replace.place",
    ReplaceSync "replace.sync",
    UndoExchange "undo.exchange",
    UndoBack "undo.back",
    UndoWithdraw "undo.withdraw",
    UndoReturn "undo.return",
    UndoFolder "undo.folder",
    LeftoverRemove "leftover.remove",
    LeftoverSync "leftover.sync",
}

/// Calls the system.
#[cfg(not(feature = "failpoints"))]
pub(crate) fn call<T>(_: Step, act: impl FnOnce() -> Result<T, Errno>) -> Result<T, Errno> {
    act()
}

#[cfg(feature = "failpoints")]
pub use armed::{call, interfere};

/// The points, for tests.
#[cfg(feature = "failpoints")]
mod armed {
    use std::cell::RefCell;
    use std::io::Write as _;
    use std::sync::Mutex;

    use rustix::io::Errno;
    use rustix::process::{Signal, getpid, kill_process};

    use super::Step;

    /// What is to happen at a point: `NAME[#COUNT][=ERROR[!]]`.
    struct Armed {
        name: String,
        /// At which of its visits.
        count: u32,
        /// The error to be returned; the process is ended where there is none.
        error: Option<Errno>,
        /// Whether every later call fails too.
        stays: bool,
        visits: u32,
    }

    /// What the environment says: `KUBEASSAY_FAILPOINT`, and a file that the visited points are added to,
    /// `KUBEASSAY_FAILPOINT_TRACE`.
    struct Points {
        armed: Option<Armed>,
        trace: Option<std::fs::File>,
    }

    static POINTS: Mutex<Option<Points>> = Mutex::new(None);

    type Hook = Box<dyn FnMut(&str) -> Result<(), Errno>>;

    thread_local! {
        static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
    }

    /// Calls `hook` at every point that this thread comes to, with its name; what it returns is what the call returns.
    pub fn interfere(hook: Option<Hook>) {
        HOOK.with(|slot| *slot.borrow_mut() = hook);
    }

    /// Calls the system, unless that is to fail.
    ///
    /// # Errors
    ///
    /// As the system says, or as the point is armed.
    pub fn call<T>(step: Step, act: impl FnOnce() -> Result<T, Errno>) -> Result<T, Errno> {
        visit(step.name())?;
        let done = act()?;
        visit(&format!("{}.done", step.name()))?;
        Ok(done)
    }

    fn visit(name: &str) -> Result<(), Errno> {
        // Taken out while it runs: it may come to points itself.
        if let Some(mut hook) = HOOK.with(|slot| slot.borrow_mut().take()) {
            let said = hook(name);
            HOOK.with(|slot| {
                slot.borrow_mut().get_or_insert(hook);
            });
            said?;
        }
        let Ok(mut points) = POINTS.lock() else {
            return Ok(());
        };
        let points = points.get_or_insert_with(from_environment);
        if let Some(trace) = &mut points.trace {
            // A trace that lacks something fails the test that reads it.
            drop(trace.write_all(format!("{name}\n").as_bytes()));
        }
        let Some(armed) = &mut points.armed else {
            return Ok(());
        };
        if armed.visits >= armed.count {
            return match armed.error {
                Some(error) if armed.stays => Err(error),
                _ => Ok(()),
            };
        }
        if armed.name != name {
            return Ok(());
        }
        armed.visits += 1;
        if armed.visits < armed.count {
            return Ok(());
        }
        match armed.error {
            Some(error) => Err(error),
            None => loop {
                let _ = kill_process(getpid(), Signal::KILL);
            },
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "only tests have this feature, and they arm their children by the environment"
    )]
    fn from_environment() -> Points {
        let armed = std::env::var("KUBEASSAY_FAILPOINT").ok();
        let trace = std::env::var_os("KUBEASSAY_FAILPOINT_TRACE");
        let open = |path| {
            std::fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(path)
        };
        Points {
            armed: armed.map(|text| parse(&text)),
            trace: trace.and_then(|path| open(path).ok()),
        }
    }

    fn parse(text: &str) -> Armed {
        let (point, error) = text.split_once('=').unwrap_or((text, ""));
        let (name, count) = point.split_once('#').unwrap_or((point, "1"));
        let known = Step::ALL
            .iter()
            .any(|step| name.strip_suffix(".done").unwrap_or(name) == step.name());
        Armed {
            // A name that is none would let a test pass that ends nothing.
            name: if known {
                name.to_owned()
            } else {
                "store.folder".to_owned()
            },
            count: count.parse().unwrap_or(1),
            error: match error.trim_end_matches('!') {
                "enospc" => Some(Errno::NOSPC),
                "eio" => Some(Errno::IO),
                "erofs" => Some(Errno::ROFS),
                _ => None,
            },
            stays: error.ends_with('!'),
            visits: 0,
        }
    }
}
