//! What a process does that is ended: the order in which `apply` and `rollback` use a transaction.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use jiff::Timestamp;
use kubeassay_core::facts::Tool;
use kubeassay_core::plan::{PlannedNode, Readiness};
use kubeassay_core::transaction::{Outcome, Verification};
use kubeassay_fix::transaction::{Event, Header, Running, Store, TransactionError, failpoint};

use crate::host::{self, FILES};

/// The service.
const UNIT: &str = "kubelet.service";

/// Does what `act` says to the host below `root`; returns what came of it.
pub(crate) fn run(root: &Path, act: &str) -> String {
    // What somebody else does just before that point.
    let (act, interference) = act
        .split_once('@')
        .map_or((act, None), |(act, at)| (act, Some(at)));
    match interference {
        Some("greedy") => take_what_is_freed(root),
        Some(at) => write_before(root, at),
        None => {}
    }
    let done = match act {
        "apply" => apply(root, interference == Some("greedy")),
        "recover" => recover(root),
        "rollback" => roll_back(root),
        _ => panic!("{act}"),
    };
    done.unwrap_or_else(|error| {
        assert!(!error.to_string().is_empty());
        if error.is_as_before() {
            format!("error: {error}")
        } else {
            format!("unsure: {error}")
        }
    })
}

/// Lets somebody else write a file just before a point: `POINT:FILE`.
fn write_before(root: &Path, at: &str) {
    let (point, file) = at.split_once(':').unwrap();
    let (point, file) = (point.to_owned(), file.parse::<usize>().unwrap());
    let at_root = root.to_owned();
    let mut is_done = false;
    failpoint::interfere(Some(Box::new(move |name| {
        if name == point && !is_done {
            is_done = true;
            host::write_foreign(&at_root, &FILES[file]);
        }
        Ok(())
    })));
}

/// Lets somebody else take what removing a file gives back of a full disk.
fn take_what_is_freed(root: &Path) {
    let path = root.join("fill");
    let mut is_freeing = false;
    failpoint::interfere(Some(Box::new(move |name| {
        // A file that is open still gives its room back a little later.
        is_freeing |= name == "leftover.remove.done";
        if is_freeing {
            let mut fill = OpenOptions::new().append(true).open(&path).unwrap();
            while fill.write_all(&[1; 4096]).is_ok() {}
        }
        Ok(())
    })));
}

fn apply(root: &Path, talks: bool) -> Result<String, TransactionError> {
    let store = Store::open(root)?;
    let lock = store.lock()?;
    let header = Header {
        tool: Tool {
            name: "kubeassay".to_owned(),
            version: "0.1.0".to_owned(),
            commit: None,
        },
        node: PlannedNode {
            id: "node".to_owned(),
            name: "node".to_owned(),
        },
        rules: vec!["KA-KUBELET-0002".to_owned()],
        plan: b"{}\n".to_vec(),
        started: Timestamp::now(),
    };
    let mut running = store.begin(&lock, header)?;
    if let Err(error) = change(root, &mut running, talks) {
        return put_back(root, running, &error.to_string());
    }
    let done = running.finish(
        Outcome::Fixed,
        "it is as planned",
        Vec::new(),
        Timestamp::now(),
    );
    match done {
        Ok(transaction) => {
            assert_eq!(transaction.files.len(), FILES.len());
            Ok("fixed".to_owned())
        }
        // Where the end was not decided, it is still to be undone.
        Err(error) if error.is_as_before() => match store.recover(&lock, Timestamp::now())? {
            Some(running) => put_back(root, running, &error.to_string()),
            None => Ok("fixed".to_owned()),
        },
        Err(error) => Err(error),
    }
}

fn change(root: &Path, running: &mut Running, talks: bool) -> Result<(), TransactionError> {
    let now = Timestamp::now();
    for file in &FILES {
        running.write(&host::write(file), now)?;
    }
    if talks {
        // The journal needs more than one page.
        for _ in 0..60 {
            let what = "waiting".to_owned();
            running.note(Event::Said { what }, now)?;
        }
    }
    running.note(Event::Reloading, now)?;
    running.note(Event::Reloaded, now)?;
    running.note(Event::Restarting { unit: UNIT.into() }, now)?;
    host::start_service(root);
    running.note(Event::Restarted { unit: UNIT.into() }, now)?;
    let check = Verification {
        id: "healthz".to_owned(),
        readiness: Readiness::Pass,
        reason: "it says ok".to_owned(),
    };
    running.note(
        Event::Verified {
            checks: vec![check],
        },
        now,
    )
}

fn put_back(root: &Path, mut running: Running, reason: &str) -> Result<String, TransactionError> {
    let now = Timestamp::now();
    // The files matter more than the note.
    drop(running.note(
        Event::RollingBack {
            reason: reason.to_owned(),
        },
        now,
    ));
    let (undone, hands) = match running.undo(now) {
        Ok(undone) => (undone, Vec::new()),
        Err(stuck) => (stuck.undone, stuck.hands),
    };
    let mut said = match undone.files.len() {
        0 => "finds every file as before".to_owned(),
        1 => "puts 1 file back".to_owned(),
        count => format!("puts {count} files back"),
    };
    if !undone.units.is_empty() {
        assert!(
            undone.units.iter().all(|unit| *unit == UNIT),
            "{:?}",
            undone.units
        );
        host::start_service(root);
        said += ", starts the service again";
    }
    if hands.is_empty() {
        running.finish(Outcome::RolledBack, reason, hands, now)?;
        Ok(format!("rolled back: {said}"))
    } else {
        // Whoever has to look is told, whether that can be written down or not.
        drop(running.finish(Outcome::NeedsHands, reason, hands.clone(), now));
        Ok(format!("needs hands: {said}: {}", hands.join("; ")))
    }
}

fn recover(root: &Path) -> Result<String, TransactionError> {
    let store = Store::open(root)?;
    let was = store.unfinished()?;
    let lock = store.lock()?;
    match store.recover(&lock, Timestamp::now())? {
        Some(running) => put_back(root, running, "it was cut short"),
        None if was.is_some() => Ok("completes it".to_owned()),
        None => Ok("nothing".to_owned()),
    }
}

fn roll_back(root: &Path) -> Result<String, TransactionError> {
    let store = Store::open(root)?;
    let lock = store.lock()?;
    let all = store.list()?;
    let running = store.reopen(&lock, &all[0].id)?;
    put_back(root, running, "asked for")
}
