//! `kubeassay apply`: does what a plan says, and nothing else.

use kubeassay_core::rule::RenderStyle;
use kubeassay_fix::apply;

use crate::args::{Apply, Global};
use crate::exit::Exit;
use crate::messages::Messages;
use crate::world::Node;
use crate::{catalogue, fixing, plan_file};

pub(crate) fn run(arguments: &Apply, global: &Global, messages: Messages) -> anyhow::Result<Exit> {
    fixing::refuse_recordings(&arguments.node.host, "apply")?;
    fixing::refused_or(apply(arguments, global, messages), messages)
}

fn apply(arguments: &Apply, global: &Global, messages: Messages) -> anyhow::Result<Exit> {
    fixing::refuse_unless_root("apply")?;
    let plan = plan_file::read_trusted(&arguments.plan)?;
    let (catalogue, _) = catalogue::load(&arguments.node.catalogue, RenderStyle::Plain, messages)?;
    let rules = fixing::rules_of(&plan, &catalogue)?;
    let said = plan.request.kubernetes_version.as_deref();
    let said = said.map(kubeassay_engine::parse_version).transpose()?;
    let mut accepted = plan.request.accepted.clone();
    accepted.extend(arguments.accept.iter().cloned());
    let choices = plan.request.choices.clone();
    let asked = fixing::asked(&rules, &catalogue, said, accepted, choices);
    let node = Node::new(&arguments.node.host, &arguments.node.live, said, messages)?;
    fixing::hold_off_interrupts(messages)?;
    let order = fixing::order(&asked, &node);
    let applied = apply::apply(&plan, order);
    let root = arguments.node.host.root.as_deref();
    fixing::applied(applied, root, arguments.output, global, messages)
}
