//! What `fix`, `apply` and `rollback` have in common: what is asked for, who may, how it is shown.

use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use kubeassay_cluster::interrupt;
use kubeassay_config::tables::Minor;
use kubeassay_core::facts::{Facts, Source};
use kubeassay_core::plan::Plan;
use kubeassay_core::rule::{Catalogue, Rule, SiteChoices};
use kubeassay_core::transaction::{Outcome, Transaction};
use kubeassay_fix::World as _;
use kubeassay_fix::apply::{Applied, ApplyError, Order};
use kubeassay_fix::planner::{self, Asked};
use kubeassay_fix::preflight::{self, Lock, Observations};
use kubeassay_fix::transaction::{Store, TransactionError};
use kubeassay_fix::verify::Limits;
use kubeassay_report::describe::shell_word;
use kubeassay_report::{Style, plan, transaction};

use crate::args::{Global, HostArgs, TextFormat};
use crate::exit::Exit;
use crate::messages::Messages;
use crate::tool::tool;
use crate::world::Node;
use crate::{commands, hosts, output, privileges};

/// Returns what a plan is asked for.
pub(crate) fn asked<'a>(
    rules: &'a [&'a Rule],
    catalogue: &Catalogue,
    said: Option<Minor>,
    accepted: Vec<String>,
    choices: SiteChoices,
) -> Asked<'a> {
    Asked {
        rules,
        digest: catalogue.digest(),
        tool: tool(),
        said,
        accepted,
        choices,
    }
}

/// Returns a plan with its preflight. Only a node that is there can be looked at; of recorded facts, what would have been
/// looked at stays unknown.
pub(crate) fn plan(facts: &Facts, asked: &Asked<'_>, node: Option<&Node<'_>>) -> Plan {
    let mut planned = planner::plan(facts, asked);
    let seen = match node {
        Some(node) => Observations {
            lock: lock(node.root()),
            ..preflight::observe(node.root(), &planned, facts, node)
        },
        None => Observations::default(),
    };
    if let Some(node) = node {
        planned.name_systemd(&seen, node.services());
    }
    planned.plan.preflight = preflight::checks(&planned, facts, &seen, &asked.accepted);
    planned.plan
}

/// Looks whether somebody else is in the middle of a change.
fn lock(root: &Path) -> Lock {
    let look = || -> Result<Lock, TransactionError> {
        let store = Store::open(root)?;
        if store.is_locked()? {
            let why = "another kubeassay is changing this node: wait until it is done";
            return Ok(Lock::Held(why.to_owned()));
        }
        Ok(match store.unfinished()? {
            Some(transaction) => Lock::Held(format!(
                "transaction {} did not come to its end: kubeassay rollback undoes it",
                transaction.id
            )),
            None => Lock::Free,
        })
    };
    // Whoever may not look is not told that nobody is there.
    look().unwrap_or(Lock::NotLookedAt)
}

/// Warns of what was accepted and is no check of this plan: a slip of the pen should not look like consent.
pub(crate) fn warn_of_unknown_checks(plan: &Plan, messages: Messages) {
    if !plan.has_changes() {
        return;
    }
    for accepted in &plan.request.accepted {
        if !plan.preflight.iter().any(|check| check.id == *accepted) {
            let ids: Vec<&str> = plan.preflight.iter().map(|check| &*check.id).collect();
            messages.warning(&format_args!(
                "--accept {accepted}: there is no such check here; there are {}",
                ids.join(", ")
            ));
        }
    }
}

/// Refuses what is only a recording of a host.
///
/// # Errors
///
/// Where there is no host that runs.
pub(crate) fn refuse_recordings(host: &HostArgs, command: &str) -> anyhow::Result<()> {
    if hosts::source(host)? == Source::Captured {
        let root = host.root.as_deref().unwrap_or(Path::new("/"));
        bail!(
            "{} is a recording of a host, and {command} writes to one that runs; kubeassay fix without --apply prints its plan",
            root.display()
        );
    }
    Ok(())
}

/// Refuses whoever is not root.
///
/// # Errors
///
/// Where the program does not run as root.
pub(crate) fn refuse_unless_root(command: &str) -> anyhow::Result<()> {
    if privileges::is_root() {
        return Ok(());
    }
    bail!(
        "{command} replaces files of root's and restarts services: run it as root (sudo kubeassay {command} …); nothing was written"
    )
}

/// Returns how a command ended; an error says that nothing was done, and everything is as before.
///
/// # Errors
///
/// None any more.
pub(crate) fn refused_or(
    outcome: anyhow::Result<Exit>,
    messages: Messages,
) -> anyhow::Result<Exit> {
    outcome.or_else(|error| {
        messages.error(&error);
        Ok(Exit::Refused)
    })
}

/// Returns how the node is applied to, or put back.
pub(crate) fn order<'a>(asked: &'a Asked<'a>, node: &'a Node<'_>) -> Order<'a> {
    Order {
        asked,
        root: node.root(),
        limits: Limits::default(),
        world: node,
    }
}

/// Prints what became of a plan.
///
/// # Errors
///
/// Where stdout does not take it.
pub(crate) fn applied(
    applied: Result<Applied, ApplyError>,
    root: Option<&Path>,
    format: TextFormat,
    global: &Global,
    messages: Messages,
) -> anyhow::Result<Exit> {
    match applied {
        Ok(Applied::Nothing) => {
            messages.progress(&"the plan changes nothing: there is nothing to do");
            Ok(Exit::Success)
        }
        Ok(Applied::Done(transaction)) => {
            print(&transaction, root, format, global)?;
            Ok(Exit::Transaction(transaction.outcome))
        }
        Err(error) => not_done(error, root, format, global, messages),
    }
}

/// Says why a plan was not applied, or a transaction not undone. That is no more than an error where everything is as
/// before, and where there was nothing to do not even that.
///
/// # Errors
///
/// Where stdout does not take it.
pub(crate) fn not_done(
    error: ApplyError,
    root: Option<&Path>,
    format: TextFormat,
    global: &Global,
    messages: Messages,
) -> anyhow::Result<Exit> {
    let exit = match &error {
        ApplyError::NothingToUndo | ApplyError::Store(TransactionError::NothingToUndo { .. }) => {
            messages.progress(&error);
            return Ok(Exit::Success);
        }
        ApplyError::CutShort(transaction) | ApplyError::Unclosed { transaction, .. } => {
            print(transaction, root, format, global)?;
            Exit::Transaction(transaction.outcome)
        }
        ApplyError::Store(cause) if !cause.is_as_before() => Exit::Transaction(Outcome::NeedsHands),
        _ => Exit::Refused,
    };
    messages.error(&error.into());
    Ok(exit)
}

/// Returns a plan as people read it, for stderr.
///
/// # Errors
///
/// Where it cannot be written down.
pub(crate) fn page(plan: &Plan, next: Option<&str>, global: &Global) -> anyhow::Result<String> {
    let layout = output::layout_of_stderr(global);
    let style = Style {
        width: layout.width,
        colour: layout.colour,
    };
    let mut text = Vec::new();
    plan::write(plan, next, style, &mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Asks the user; returns only where the answer is yes.
///
/// # Errors
///
/// Where there is nobody to ask, or the answer is another.
pub(crate) fn approve() -> anyhow::Result<()> {
    /// As much of an answer as matters.
    const LONGEST: u64 = 64;
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        bail!(
            "nobody can be asked here, since there is no terminal: nothing was written; --auto-approve applies without asking, or keep the plan with --output-file and apply it later"
        );
    }
    let mut stderr = io::stderr().lock();
    stderr
        .write_all(b"\nApply these changes? Only \"yes\" is accepted: ")
        .and_then(|()| stderr.flush())
        .context("cannot ask")?;
    drop(stderr);
    let mut answer = Vec::new();
    let mut stdin = io::stdin().lock().take(LONGEST);
    let read = io::BufRead::read_until(&mut stdin, b'\n', &mut answer);
    read.context("cannot read the answer")?;
    if answer.strip_suffix(b"\n").unwrap_or(&answer) == b"yes" {
        return Ok(());
    }
    bail!("not approved: nothing was written")
}

/// Lets no interrupt end the program any more.
///
/// # Errors
///
/// Where interrupts cannot be held off.
pub(crate) fn hold_off_interrupts(messages: Messages) -> anyhow::Result<()> {
    let heard = move || {
        messages.warning(
            &"interrupted, and not ended: what has begun comes to its end, done or undone, within its time limits; if it is killed, kubeassay rollback undoes it",
        );
    };
    interrupt::hold_off(heard).context("interrupts cannot be held off")
}

/// Prints how a transaction came out, on the host below `root`.
///
/// # Errors
///
/// Where stdout does not take it.
pub(crate) fn print(
    transaction: &Transaction,
    root: Option<&Path>,
    format: TextFormat,
    global: &Global,
) -> anyhow::Result<()> {
    let data = match format {
        TextFormat::Table => {
            let layout = output::layout(global, false);
            let style = Style {
                width: layout.width,
                colour: layout.colour,
            };
            let mut text = Vec::new();
            let mut undo = "kubeassay rollback".to_owned();
            if let Some(root) = root {
                undo.push_str(" --root ");
                undo.push_str(&shell_word(&root.display().to_string()));
            }
            transaction::write(transaction, &undo, style, &mut text)?;
            text
        }
        format => commands::safe_document(transaction, format)?,
    };
    output::print(&data)
}

/// Returns the rules that a plan names.
///
/// # Errors
///
/// Where these are not the rules that it was made with.
pub(crate) fn rules_of<'a>(plan: &Plan, catalogue: &'a Catalogue) -> anyhow::Result<Vec<&'a Rule>> {
    if plan.request.digest != catalogue.digest() {
        bail!(
            "the plan was made with other rules than these: use the kubeassay that made it ({} {}) and the same --rules, or make the plan again",
            plan.tool.name,
            plan.tool.version
        );
    }
    let rules = catalogue.select(&plan.request.rules);
    rules.map_err(|unknown| anyhow!("the plan names a rule that is not known: {unknown}"))
}
