//! `kubeassay fix`: facts and rules to a plan, and with `--apply` the plan to the node.

use std::path::Path;

use anyhow::bail;
use kubeassay_core::facts::{Facts, Source};
use kubeassay_core::plan::Plan;
use kubeassay_core::rule::RenderStyle;
use kubeassay_fix::apply;
use kubeassay_fix::planner::Asked;
use kubeassay_report::describe::shell_word;
use kubeassay_report::{Style, plan};

use crate::args::{Fix, Global, LiveArg, TextFormat};
use crate::exit::Exit;
use crate::messages::Messages;
use crate::output::Destination;
use crate::world::Node;
use crate::{catalogue, fixing, hosts, output, privileges};

pub(crate) fn run(arguments: &Fix, global: &Global, messages: Messages) -> anyhow::Result<Exit> {
    if arguments.rules.is_empty() && !arguments.all {
        bail!(
            "name the rules whose failures are to be mended (kubeassay fix 4.2.2), or mend all that can be: kubeassay fix --all"
        );
    }
    let to_file = arguments.output_file.is_some();
    if to_file && arguments.output == TextFormat::Yaml {
        bail!("a plan that is kept for kubeassay apply is JSON: leave -o yaml out");
    }
    if arguments.apply {
        fixing::refuse_recordings(&arguments.subject.host, "fix --apply")?;
    }
    let said = hosts::version(arguments.subject.kubernetes_version.as_deref())?;
    let destination = Destination::new(arguments.output_file.as_deref(), "kubeassay fix -o json")?;
    let style = if output::layout_of_stderr(global).colour {
        RenderStyle::Colour
    } else {
        RenderStyle::Plain
    };
    let (catalogue, _) = catalogue::load(&arguments.catalogue, style, messages)?;
    let rules = catalogue::select(&catalogue, &arguments.rules)?;
    let choices = catalogue::site(&arguments.site, global, &catalogue, style, messages)?;
    let asked = fixing::asked(&rules, &catalogue, said, arguments.accept.clone(), choices);
    let subject = &arguments.subject;
    let node = Node::new(&subject.host, &subject.live, said, messages)?;
    if arguments.apply {
        return fixing::refused_or(
            apply_now(arguments, &asked, &node, global, messages),
            messages,
        );
    }
    let reads_a_host = subject.reads_a_host();
    let facts = if reads_a_host {
        node.read()?
    } else {
        one(hosts::facts(subject, None, messages)?.0)?
    };
    let is_there = reads_a_host && facts.source != Source::Captured;
    let plan = fixing::plan(&facts, &asked, is_there.then_some(&node));
    fixing::warn_of_unknown_checks(&plan, messages);
    for problem in facts.problems.iter().filter(|_| !facts.complete) {
        messages.note(&problem.reason);
    }
    let next = next(arguments, global, facts.source, is_there);
    show(
        arguments,
        &plan,
        next.as_deref(),
        &destination,
        global,
        messages,
    )?;
    Ok(if arguments.detailed_exitcode && plan.has_changes() {
        Exit::Changes
    } else {
        Exit::Success
    })
}

/// Returns the facts of the one node that a plan is for.
fn one(facts: Vec<Facts>) -> anyhow::Result<Facts> {
    match <[Facts; 1]>::try_from(facts) {
        Ok([facts]) => Ok(facts),
        Err(facts) => bail!(
            "a plan is for one node, and these are the facts of {}: name one document",
            facts.len()
        ),
    }
}

/// Plans, shows the plan, asks, and applies it.
fn apply_now(
    arguments: &Fix,
    asked: &Asked<'_>,
    node: &Node<'_>,
    global: &Global,
    messages: Messages,
) -> anyhow::Result<Exit> {
    fixing::refuse_unless_root("fix --apply")?;
    let plan = fixing::plan(&node.read()?, asked, Some(node));
    fixing::warn_of_unknown_checks(&plan, messages);
    if !plan.has_changes() {
        show(
            arguments,
            &plan,
            None,
            &Destination::Stdout,
            global,
            messages,
        )?;
        return Ok(Exit::Success);
    }
    let again =
        next(arguments, global, plan.source, true).filter(|_| plan.blocked_by().next().is_some());
    if !arguments.auto_approve || !global.quiet {
        let page = fixing::page(&plan, again.as_deref(), global)?;
        messages.verbatim(page.trim_end());
    }
    if plan.blocked_by().next().is_some() {
        let ids: Vec<&str> = plan.blocked_by().map(|check| &*check.id).collect();
        bail!("blocked by {}: nothing was written", ids.join(", "));
    }
    if !arguments.auto_approve {
        fixing::approve()?;
    }
    fixing::hold_off_interrupts(messages)?;
    let order = fixing::order(asked, node);
    let applied = apply::apply(&plan, order);
    let root = arguments.subject.host.root.as_deref();
    fixing::applied(applied, root, arguments.output, global, messages)
}

/// Shows a plan on stdout, or keeps it in a file and shows it on stderr.
fn show(
    arguments: &Fix,
    plan: &Plan,
    next: Option<&str>,
    destination: &Destination,
    global: &Global,
    messages: Messages,
) -> anyhow::Result<()> {
    if arguments.output_file.is_some() {
        destination.write(&super::safe_document(plan, TextFormat::Json)?)?;
        if !global.quiet {
            messages.verbatim(fixing::page(plan, next, global)?.trim_end());
        }
        if destination.is_file() && !privileges::is_root() {
            messages.warning(
                &"this plan is a file of yours, and kubeassay apply takes one that is root's: make it as root",
            );
        }
        return Ok(());
    }
    let data = match arguments.output {
        TextFormat::Table => {
            let layout = output::layout(global, false);
            let style = Style {
                width: layout.width,
                colour: layout.colour,
            };
            let mut text = Vec::new();
            plan::write(plan, next, style, &mut text)?;
            text
        }
        format => super::safe_document(plan, format)?,
    };
    output::print(&data)
}

/// Returns the command that applies the plan; none where it is one of a recording.
fn next(arguments: &Fix, global: &Global, source: Source, is_there: bool) -> Option<String> {
    let saved = arguments.output_file.as_deref();
    let saved = saved.filter(|file| *file != Path::new("-"));
    if matches!(source, Source::Captured | Source::Demo) || (!is_there && saved.is_none()) {
        return None;
    }
    let mut words: Vec<String> = Vec::new();
    if is_there && !privileges::is_root() {
        words.push("sudo".to_owned());
    }
    words.push("kubeassay".to_owned());
    let mut option = |name: &str, value: &str| words.extend([name.to_owned(), shell_word(value)]);
    let subject = &arguments.subject;
    if let Some(file) = saved {
        option("apply", &file.display().to_string());
    } else {
        words.push("fix".to_owned());
        words.extend(arguments.rules.iter().map(|rule| shell_word(rule)));
        words.extend(arguments.all.then(|| "--all".to_owned()));
        words.push("--apply".to_owned());
        let mut option =
            |name: &str, value: &str| words.extend([name.to_owned(), shell_word(value)]);
        for id in &arguments.accept {
            option("--accept", id);
        }
        if let Some(version) = &subject.kubernetes_version {
            option("--kubernetes-version", version);
        }
        // What stands in the configuration itself is found there again.
        if let Some(choices) = &arguments.site.choices
            && !global.choices_are_configured
        {
            option("--choices", &choices.display().to_string());
        }
    }
    let mut option = |name: &str, value: &str| words.extend([name.to_owned(), shell_word(value)]);
    for path in &arguments.catalogue.rule_paths {
        option("--rules", &path.display().to_string());
    }
    if let Some(root) = &subject.host.root {
        option("--root", &root.display().to_string());
    }
    words.extend(
        arguments
            .catalogue
            .replace_rules
            .then(|| "--replace-rules".to_owned()),
    );
    words.extend(subject.live.live.map(|what| {
        let what = match what {
            LiveArg::All => "",
            LiveArg::Configz => "=configz",
            LiveArg::Probe => "=probe",
        };
        format!("--live{what}")
    }));
    let command = words.join(" ");
    Some(if is_there {
        command
    } else {
        format!("on the node, as root: {command}")
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use kubeassay_core::facts::Source;

    use super::next;
    use crate::args::{Arguments, Command};

    /// Returns the next command of a command line, without `sudo`.
    fn after(line: &str, source: Source, is_there: bool) -> Option<String> {
        let words = ["kubeassay", "fix"].into_iter().chain(line.split(' '));
        let arguments = Arguments::try_parse_from(words).unwrap();
        let Command::Fix(fix) = arguments.command else {
            panic!("{line}");
        };
        let next = next(&fix, &arguments.global, source, is_there)?;
        Some(next.strip_prefix("sudo ").unwrap_or(&next).to_owned())
    }

    #[test]
    fn the_next_command_applies_this_very_plan() {
        for (line, next) in [
            ("4.2.2", "kubeassay fix 4.2.2 --apply"),
            ("--all --accept a", "kubeassay fix --all --apply --accept a"),
            (
                "4.2.13 --choices s.yaml",
                "kubeassay fix 4.2.13 --apply --choices s.yaml",
            ),
            (
                "4.2.2 --output-file a'b.plan --accept a",
                r"kubeassay apply 'a'\''b.plan'",
            ),
            (
                "4.2.2 --output-file p --root /h --live=configz --rules r --replace-rules --kubernetes-version 1.34",
                "kubeassay apply p --rules r --root /h --replace-rules --live=configz",
            ),
            (
                "4.2.2 --output-file - --kubernetes-version 1.34",
                "kubeassay fix 4.2.2 --apply --kubernetes-version 1.34",
            ),
        ] {
            let found = after(line, Source::Live, true);
            assert_eq!(found.as_deref(), Some(next), "{line}");
        }
        assert_eq!(after("4.2.2 --facts f", Source::Live, false), None);
        assert_eq!(
            after("4.2.2 --output-file p --facts f", Source::Live, false).as_deref(),
            Some("on the node, as root: kubeassay apply p")
        );
        for line in ["4.2.2 --root h.yaml", "4.2.2 --output-file p --root h.yaml"] {
            assert_eq!(after(line, Source::Captured, false), None);
        }
    }
}
