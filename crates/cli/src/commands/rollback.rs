//! `kubeassay rollback`: undoes a transaction.

use kubeassay_core::rule::{RenderStyle, Rule};
use kubeassay_core::transaction::{Outcome, Transaction};
use kubeassay_fix::apply;

use crate::args::{Global, Rollback};
use crate::exit::Exit;
use crate::messages::Messages;
use crate::world::{LIMITS, Node};
use crate::{catalogue, fixing};

pub(crate) fn run(
    arguments: &Rollback,
    global: &Global,
    messages: Messages,
) -> anyhow::Result<Exit> {
    fixing::refuse_recordings(&arguments.node.host, "rollback")?;
    fixing::refused_or(rollback(arguments, global, messages), messages)
}

fn rollback(arguments: &Rollback, global: &Global, messages: Messages) -> anyhow::Result<Exit> {
    fixing::refuse_unless_root("rollback")?;
    let (catalogue, _) = catalogue::load(&arguments.node.catalogue, RenderStyle::Plain, messages)?;
    let node = Node::new(&arguments.node.host, &arguments.node.live, None, messages)?;
    let all = super::transactions::newest_first(node.root());
    let id = arguments.id.as_deref();
    let Some(transaction) = (match id {
        Some(id) => Some(super::transactions::find(&all, id)?),
        None => all.first(),
    }) else {
        messages.progress(&"there is no transaction: there is nothing to do");
        return Ok(Exit::Success);
    };
    let rules = rules_of(transaction, &catalogue);
    let asked = fixing::asked(&rules, &catalogue, None, Vec::new());
    fixing::hold_off_interrupts(messages)?;
    let done = apply::rollback(node.root(), id, &asked, LIMITS, &node)?;
    fixing::print(&done, arguments.output, global)?;
    Ok(match done.outcome {
        // Here that is what was asked for.
        Outcome::RolledBack => Exit::Success,
        outcome => Exit::Transaction(outcome),
    })
}

/// Returns the rules of a transaction, as far as they are known: undoing needs none of them.
fn rules_of<'a>(
    transaction: &Transaction,
    catalogue: &'a kubeassay_core::rule::Catalogue,
) -> Vec<&'a Rule> {
    let known = catalogue.rules();
    known
        .filter(|rule| transaction.rules.iter().any(|id| id == rule.id()))
        .collect()
}
