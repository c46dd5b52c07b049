//! Applying a plan: made again, checked, written, started, verified, or undone.
//!
//! A plan is a request, not an authority. It says what is wanted; what is done is what would be planned now, from fresh
//! facts, and nothing is done where the two differ.

mod same;
mod scope;

use std::path::Path;
use std::time::Duration;

use kubeassay_config::tree;
use kubeassay_core::Bytes;
use kubeassay_core::plan::{Edit, EditKind, Plan, Preflight, Readiness};
use kubeassay_core::transaction::{Outcome, Transaction, Verification};
use thiserror::Error;

use crate::hunks;
use crate::planner::{self, Asked, Planned};
use crate::preflight::{self, Root, Unread};
use crate::transaction::{
    Event, FileWrite, Header, Lock, NeedsHands, Running, Store, TransactionError,
};
use crate::verify::{self, Judging, Limits};
use crate::world::World;

/// How long what was written is left alone before a process is started that reads it.
const SETTLE: Duration = Duration::from_millis(200);

/// What applying and undoing want to know.
#[derive(Clone, Copy)]
pub struct Order<'a> {
    /// What is asked for, by the same rules as the plan.
    pub asked: &'a Asked<'a>,
    /// The folder below which the host lies: `/`, or where it is mounted.
    pub root: &'a Path,
    /// How long a restarted kubelet may take.
    pub limits: Limits,
    /// The world around.
    pub world: &'a dyn World,
}

/// What became of a plan.
#[derive(Clone, Debug, PartialEq)]
pub enum Applied {
    /// There was nothing to do.
    Nothing,
    /// A transaction was carried out; its outcome says how it came out.
    Done(Box<Transaction>),
}

/// Why a plan was not applied; but for [`ApplyError::CutShort`] and [`ApplyError::Unclosed`] nothing was written.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// The node could not be read.
    #[error("the node could not be read: {0}")]
    Unread(String),
    /// What would be planned now differs.
    #[error("the node is not as it was when the plan was made: {0}; plan again")]
    Differs(String),
    /// A check of the preflight holds it back.
    #[error("{}", blocked(.0))]
    Blocked(Vec<Preflight>),
    /// It would write a file that is none of the component's.
    #[error(
        "{0} is no file that the service reads, and no drop-in of its unit; nothing was written"
    )]
    OutOfScope(Bytes),
    /// A transaction that was cut short could not be undone.
    #[error("transaction {} was cut short and could not be undone: {}", .0.id, .0.reason)]
    CutShort(Box<Transaction>),
    /// A transaction was carried out or undone, as it says, and its end could not be written down.
    #[error("transaction {}: {}; but its end could not be written down: {cause}", .transaction.id, .transaction.reason)]
    Unclosed {
        /// The transaction, unfinished.
        transaction: Box<Transaction>,
        /// Why not.
        cause: TransactionError,
    },
    /// There is no transaction that could be undone.
    #[error("there is no transaction to undo: kubeassay transactions lists them")]
    NothingToUndo,
    /// The journal could not be kept.
    #[error(transparent)]
    Store(#[from] TransactionError),
}

fn blocked(checks: &[Preflight]) -> String {
    let said = |check: &Preflight| {
        let readiness = check.readiness.as_str();
        format!("{} ({readiness}): {}", check.id, check.reason)
    };
    let checks: Vec<String> = checks.iter().map(said).collect();
    format!(
        "nothing was written, because of what has to hold first: {}",
        checks.join("; ")
    )
}

/// Applies a plan: makes it again from fresh facts, refuses unless both do the same, looks at the preflight, writes,
/// starts again, verifies, and undoes everything where it does not hold.
///
/// A transaction that was cut short is completed or undone first.
///
/// # Errors
///
/// Why nothing was written. Once something was, the transaction says how it came out.
pub fn apply(plan: &Plan, order: Order<'_>) -> Result<Applied, ApplyError> {
    let store = Store::open(order.root)?;
    let lock = store.lock()?;
    recover(&store, &lock, order)?;
    let facts = order.world.facts().map_err(ApplyError::Unread)?;
    let mut planned = planner::plan(&facts, order.asked);
    if let Some(difference) = same::difference(plan, &planned.plan) {
        return Err(ApplyError::Differs(difference));
    }
    if !planned.plan.has_changes() {
        return Ok(Applied::Nothing);
    }
    if let Some(path) = scope::outside(&planned) {
        return Err(ApplyError::OutOfScope(path));
    }
    let mut seen = preflight::observe(order.root, &planned, &facts, order.world);
    // It is ours, and what was cut short is undone.
    seen.lock = preflight::Lock::Free;
    planned.name_systemd(&seen, order.world.services());
    planned.plan.preflight = preflight::checks(&planned, &facts, &seen, &order.asked.accepted);
    let blocked: Vec<Preflight> = planned.plan.blocked_by().cloned().collect();
    if !blocked.is_empty() {
        return Err(ApplyError::Blocked(blocked));
    }
    let files = files(order.root, &planned.plan)?;
    let mut running = store.begin(&lock, header(&planned.plan, order)?)?;
    let transaction = match carry_out(&mut running, &files, &planned, order) {
        Ok(()) => match close_fixed(running, order) {
            // A file is not as it was written any more, or the disk does not take the end.
            Err(ApplyError::Unclosed { cause, .. }) if cause.is_as_before() => {
                let again = store.recover(&lock, order.world.now())?;
                let running = again.ok_or(ApplyError::Store(cause.clone()))?;
                undo(running, &cause.to_string(), Outcome::Refused, order)?
            }
            closed => closed?,
        },
        Err(reason) => undo(running, &reason, Outcome::Refused, order)?,
    };
    Ok(Applied::Done(Box::new(transaction)))
}

/// Ends a transaction whose plan was seen to hold.
fn close_fixed(running: Running, order: Order<'_>) -> Result<Transaction, ApplyError> {
    let reason = "every planned verdict was seen to hold";
    close(running, Outcome::Fixed, reason, Vec::new(), order)
}

/// Ends a transaction.
fn close(
    running: Running,
    outcome: Outcome,
    reason: &str,
    hands: Vec<String>,
    order: Order<'_>,
) -> Result<Transaction, ApplyError> {
    let so_far = running.transaction();
    let closed = running.finish(outcome, reason, hands, order.world.now());
    closed.map_err(|cause| ApplyError::Unclosed {
        transaction: Box::new(Transaction {
            reason: reason.to_owned(),
            ..so_far
        }),
        cause,
    })
}

/// Undoes a transaction: the one that is named, else the one that was cut short, else the last one that was carried out.
///
/// # Errors
///
/// Why nothing was done. Once something was, the transaction says how it came out.
pub fn rollback(id: Option<&str>, order: Order<'_>) -> Result<Transaction, ApplyError> {
    let store = Store::open(order.root)?;
    let lock = store.lock()?;
    let recovered = recover(&store, &lock, order)?;
    let id = match (id, recovered) {
        (Some(id), Some(recovered)) if recovered.id == id => return Ok(recovered),
        (Some(id), _) => id.to_owned(),
        (None, Some(recovered)) => return Ok(recovered),
        (None, None) => {
            let all = store.list()?;
            let last = all.into_iter().find(|one| one.outcome == Outcome::Fixed);
            last.map(|one| one.id).ok_or(ApplyError::NothingToUndo)?
        }
    };
    let running = store.reopen(&lock, &id)?;
    undo(running, "it was asked for", Outcome::RolledBack, order)
}

/// Completes or undoes the transaction that was cut short, if there is one; returns what became of it.
fn recover(
    store: &Store,
    lock: &Lock,
    order: Order<'_>,
) -> Result<Option<Transaction>, ApplyError> {
    let Some(running) = store.recover(lock, order.world.now())? else {
        return Ok(None);
    };
    let said = format!("transaction {} was cut short: undoing it", running.id());
    order.world.say(&said);
    let undone = undo(running, "it was cut short", Outcome::RolledBack, order)?;
    if undone.outcome == Outcome::NeedsHands {
        return Err(ApplyError::CutShort(Box::new(undone)));
    }
    Ok(Some(undone))
}

/// Returns the files of a plan with the contents that they will have on this host.
fn files(root: &Path, plan: &Plan) -> Result<Vec<FileWrite>, ApplyError> {
    let root = Root::open(root).map_err(ApplyError::Unread)?;
    let write = |edit: &Edit| {
        let before = match edit.kind {
            EditKind::Change => root.read(&edit.target, tree::MAX_BYTES).map_err(|unread| {
                let why = match unread {
                    Unread::Missing => "is not there".to_owned(),
                    Unread::Because(why) => why,
                };
                ApplyError::Unread(format!("{} {why}", edit.target))
            })?,
            EditKind::Create => Vec::new(),
        };
        let content = hunks::apply(&before, &edit.hunks)
            .map_err(|mismatch| ApplyError::Differs(format!("{}: {mismatch}", edit.path)))?;
        Ok(FileWrite {
            path: edit.path.clone(),
            target: edit.target.clone(),
            kind: edit.kind,
            before: edit.before.clone(),
            content,
        })
    };
    plan.edits.iter().map(write).collect()
}

fn header(plan: &Plan, order: Order<'_>) -> Result<Header, ApplyError> {
    let rules = plan.fixes.iter().map(|fix| fix.rule.clone());
    Ok(Header {
        tool: order.asked.tool.clone(),
        node: plan.node.clone(),
        rules: rules.collect(),
        plan: serde_json::to_vec(plan).map_err(|error| ApplyError::Unread(error.to_string()))?,
        started: order.world.now(),
    })
}

/// Writes the files, starts the services again and verifies; returns why it did not come to its end.
fn carry_out(
    running: &mut Running,
    files: &[FileWrite],
    planned: &Planned,
    order: Order<'_>,
) -> Result<(), String> {
    let world = order.world;
    for file in files {
        world.say(&format!("writing {}", file.target));
        let written = running.write(file, world.now());
        written.map_err(|error| error.to_string())?;
    }
    let restarts = planned.plan.restarts.iter();
    let units: Vec<Bytes> = restarts.map(|restart| restart.unit.clone()).collect();
    let restarted = world.now();
    start_again(running, true, &units, order)?;
    let options = planner::options(planned.plan.source, planned.plan.taken, order.asked);
    let judging = Judging {
        rules: order.asked.rules,
        options: &options,
    };
    let checks = verify::verify(planned, judging, restarted, order.limits, world);
    look(running, checks, order)
}

/// Makes systemd read its units again, and starts `units` again.
fn start_again(
    running: &mut Running,
    reload: bool,
    units: &[Bytes],
    order: Order<'_>,
) -> Result<(), String> {
    let world = order.world;
    if reload {
        world.say("systemd reads its units again");
        note(running, Event::Reloading, order)?;
        let reloaded = world.services().reload();
        reloaded.map_err(|error| error.to_string())?;
        note(running, Event::Reloaded, order)?;
    }
    for unit in units {
        // What is written within the error of a process's start counts as written after it.
        world.wait(SETTLE);
        world.say(&format!("starting {unit} again"));
        note(running, Event::Restarting { unit: unit.clone() }, order)?;
        let restarted = world.services().restart(unit, order.limits.active);
        restarted.map_err(|error| format!("{unit} did not start again: {error}"))?;
        note(running, Event::Restarted { unit: unit.clone() }, order)?;
    }
    Ok(())
}

/// Writes down what was looked at, and returns the first thing that does not hold.
fn look(running: &mut Running, checks: Vec<Verification>, order: Order<'_>) -> Result<(), String> {
    let mut failed = checks
        .iter()
        .filter(|check| check.readiness == Readiness::Fail);
    let failed = failed
        .next()
        .map(|check| format!("{}: {}", check.id, check.reason));
    note(running, Event::Verified { checks }, order)?;
    failed.map_or(Ok(()), Err)
}

fn note(running: &mut Running, event: Event, order: Order<'_>) -> Result<(), String> {
    let noted = running.note(event, order.world.now());
    noted.map_err(|error| error.to_string())
}

/// Puts every file back, starts again what was started, and looks whether it runs; `at_rest` is the outcome where
/// nothing had been started.
fn undo(
    mut running: Running,
    reason: &str,
    at_rest: Outcome,
    order: Order<'_>,
) -> Result<Transaction, ApplyError> {
    let world = order.world;
    world.say(&format!("undoing: {reason}"));
    let rolling_back = Event::RollingBack {
        reason: reason.to_owned(),
    };
    // On a full disk not even this can be written down, and the files are put back all the same.
    if let Err(error) = note(&mut running, rolling_back, order) {
        world.say(&error);
    }
    let (undone, mut hands) = match running.undo(world.now()) {
        Ok(undone) => (undone, Vec::new()),
        Err(NeedsHands { hands, undone }) => (undone, hands),
    };
    let restarted = world.now();
    let started = start_again(&mut running, undone.reload, &undone.units, order);
    let runs = started.and_then(|()| {
        if undone.units.is_empty() {
            return Ok(());
        }
        let facts = world.facts()?;
        let planned = planner::as_it_is(&facts, &undone.units, order.asked)?;
        let checks = verify::verify_undone(&planned, restarted, order.limits, world);
        look(&mut running, checks, order)
    });
    let (outcome, how) = match (&runs, hands.is_empty()) {
        (Ok(()), true) if undone.units.is_empty() => {
            (at_rest, "every file is as before".to_owned())
        }
        (Ok(()), true) => (
            Outcome::RolledBack,
            "every file is as before, and the service runs with them".to_owned(),
        ),
        (Ok(()), false) => (
            Outcome::NeedsHands,
            "not every file could be put back".to_owned(),
        ),
        (Err(why), files) => {
            hands.extend(undone.units.iter().map(how_to_look));
            if hands.is_empty() {
                hands.push("make systemd read its units again: systemctl daemon-reload".to_owned());
            }
            let files = if files { "every" } else { "not every" };
            let what = if undone.units.is_empty() {
                "systemd did not read its units again"
            } else {
                "the service does not run"
            };
            let how = format!("{files} file is as before, and {what}: {why}");
            (Outcome::NeedsHands, how)
        }
    };
    let reason = format!("{reason}; {how}");
    close(running, outcome, &reason, hands, order)
}

/// Returns what a person does about a service that does not run with the files that it ran with before.
fn how_to_look(unit: &Bytes) -> String {
    format!("see why it does not run: systemctl status {unit}; journalctl -u {unit} -n 50")
}
