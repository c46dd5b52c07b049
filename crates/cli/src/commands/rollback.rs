//! `kubeassay rollback`: undoes a transaction.

use kubeassay_config::tables::Minor;
use kubeassay_core::rule::{RenderStyle, Rule, SiteChoices};
use kubeassay_core::transaction::Outcome;
use kubeassay_fix::apply;

use crate::args::{Global, Rollback};
use crate::exit::Exit;
use crate::messages::Messages;
use crate::world::Node;
use crate::{catalogue, fixing, hosts};

pub(crate) fn run(
    arguments: &Rollback,
    global: &Global,
    messages: Messages,
) -> anyhow::Result<Exit> {
    fixing::refuse_recordings(&arguments.node.host, "rollback")?;
    let said = hosts::version(arguments.kubernetes_version.as_deref())?;
    fixing::refused_or(rollback(arguments, said, global, messages), messages)
}

fn rollback(
    arguments: &Rollback,
    said: Option<Minor>,
    global: &Global,
    messages: Messages,
) -> anyhow::Result<Exit> {
    fixing::refuse_unless_root("rollback")?;
    let (catalogue, _) = catalogue::load(&arguments.node.catalogue, RenderStyle::Plain, messages)?;
    let node = Node::new(&arguments.node.host, &arguments.node.live, said, messages)?;
    let rules: Vec<&Rule> = catalogue.rules().collect();
    let asked = fixing::asked(&rules, &catalogue, said, Vec::new(), SiteChoices::default());
    fixing::hold_off_interrupts(messages)?;
    let order = fixing::order(&asked, &node);
    let root = arguments.node.host.root.as_deref();
    let transaction = match apply::rollback(arguments.id.as_deref(), order) {
        Ok(transaction) => transaction,
        Err(error) => return fixing::not_done(error, root, arguments.output, global, messages),
    };
    fixing::print(&transaction, root, arguments.output, global)?;
    Ok(match transaction.outcome {
        // Here that is what was asked for.
        Outcome::RolledBack => Exit::Success,
        outcome => Exit::Transaction(outcome),
    })
}
