//! What could not be read or understood on a node.

use kubeassay_core::Cause;
use kubeassay_core::facts::{Facts, Problem as FactsProblem, Unreadable};
use kubeassay_core::report::{Problem, Subject};
use kubeassay_core::rule::Rule;

use crate::kubelets::Kubelets;
use crate::manifests::Manifests;
use crate::platforms::Detected;
use crate::reader;

/// Returns what there is to say of what cannot be told of a node.
pub(super) fn untold(detected: &Detected, manifests: &Manifests, node: &str) -> Vec<Problem> {
    let platform = contradiction(detected, node).into_iter();
    platform.chain(unclear(manifests, node)).collect()
}

/// Returns what there is to say where it cannot be told which platform a node is.
fn contradiction(detected: &Detected, node: &str) -> Option<Problem> {
    let problem = detected.problem()?;
    Some(Problem {
        node: Some(node.to_owned()),
        subject: None,
        cause: problem.cause,
        path: problem.path,
        reason: problem.reason,
        affects: Vec::new(),
    })
}

/// Returns what there is to say of manifests of static pods of which nobody knows whose they are.
fn unclear(manifests: &Manifests, node: &str) -> impl Iterator<Item = Problem> {
    let all = manifests.unclear.iter();
    all.map(|unknown| Problem {
        node: Some(node.to_owned()),
        subject: None,
        cause: unknown.cause,
        path: unknown.path.clone(),
        reason: format!(
            "it cannot be told what static pod this starts: {}",
            unknown.reason
        ),
        affects: Vec::new(),
    })
}

/// Returns everything that could not be read or understood on a node.
pub(super) fn problems(
    facts: &Facts,
    kubelets: &Kubelets<'_>,
    node: &str,
    rules: &[&Rule],
) -> Vec<Problem> {
    let mut problems: Vec<Problem> = Vec::new();
    let problem = |subject: Option<&Subject>, problem: &FactsProblem| Problem {
        node: Some(node.to_owned()),
        subject: subject.map(|subject| subject.key.clone()),
        cause: problem.cause,
        path: problem.path.clone(),
        reason: problem.reason.clone(),
        affects: Vec::new(),
    };
    problems.extend(
        facts
            .problems
            .iter()
            .chain(&kubelets.problems)
            .map(|one| problem(None, one)),
    );
    for unreadable in &facts.node.process_table.unreadable {
        // What a known reader lacked is said once, below.
        let reason = match facts.reader {
            Some(_) => unreadable.reason.clone(),
            None => advised(
                unreadable,
                "run as root, or with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH",
            ),
        };
        let one = FactsProblem {
            cause: unreadable.cause,
            path: None,
            reason,
        };
        problems.push(problem(None, &one));
    }
    let reader = reader::problem(facts);
    problems.extend(reader.iter().map(|one| problem(None, one)));
    for kubelet in &kubelets.found {
        let subject = Some(&kubelet.subject);
        let of_process = kubelet.process.iter().flat_map(|process| &process.problems);
        problems.extend(of_process.map(|one| problem(subject, one)));
        let Some(resolution) = kubelet.running.last() else {
            continue;
        };
        for layer in &resolution.layers {
            let Some(unknown) = &layer.unknown else {
                continue;
            };
            let one = FactsProblem {
                cause: unknown.cause,
                path: layer.path.clone(),
                reason: format!("{}: {}", layer.name, unknown.reason),
            };
            problems.push(Problem {
                affects: rules.iter().map(|rule| rule.id().to_owned()).collect(),
                ..problem(subject, &one)
            });
        }
        for note in &resolution.notes {
            let one = FactsProblem {
                cause: note.cause,
                path: note.path.clone(),
                reason: note.reason.clone(),
            };
            problems.push(problem(subject, &one));
        }
    }
    problems
}

/// Returns why a process could not be read, with what to do about it where more rights would help.
pub(super) fn advised(unreadable: &Unreadable, advice: &str) -> String {
    match unreadable.cause {
        Cause::Denied => format!("{}; {advice}", unreadable.reason),
        _ => unreadable.reason.clone(),
    }
}
