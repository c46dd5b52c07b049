//! Whether a plan is still what would be planned now.

use kubeassay_core::plan::{Edit, Plan};

/// Returns the first thing in which the plan that was made again differs from the one that was asked for, in a sentence;
/// nothing where they do the same.
pub(super) fn difference(asked: &Plan, fresh: &Plan) -> Option<String> {
    if asked.node.id != fresh.node.id {
        return Some(format!(
            "the plan is for the node {} ({}), and this is {} ({})",
            asked.node.name, asked.node.id, fresh.node.name, fresh.node.id
        ));
    }
    for edit in &asked.edits {
        let mut candidates = fresh.edits.iter();
        let Some(now) = candidates.find(|now| now.path == edit.path) else {
            return Some(format!("{} would not be edited any more", edit.path));
        };
        if let Some(difference) = of_edits(edit, now) {
            return Some(difference);
        }
    }
    let mut new = fresh.edits.iter();
    if let Some(new) = new.find(|new| asked.edits.iter().all(|edit| edit.path != new.path)) {
        return Some(format!("{} would have to be edited as well", new.path));
    }
    let restarts = |plan: &Plan| -> Vec<String> {
        let restarts = plan.restarts.iter();
        restarts
            .map(|restart| format!("{} ({})", restart.unit, restart.subject))
            .collect()
    };
    let (before, now) = (restarts(asked), restarts(fresh));
    if before != now {
        return Some(format!(
            "the plan starts {} again, and now it would be {}",
            listed(&before),
            listed(&now)
        ));
    }
    let fixes = |plan: &Plan| -> Vec<String> {
        let fixes = plan.fixes.iter();
        fixes
            .map(|fix| format!("{} of {} ({})", fix.rule, fix.subject, fix.planned))
            .collect()
    };
    let (before, now) = (fixes(asked), fixes(fresh));
    (before != now).then(|| {
        format!(
            "the plan mends {}, and now it would be {}",
            listed(&before),
            listed(&now)
        )
    })
}

fn of_edits(asked: &Edit, now: &Edit) -> Option<String> {
    let path = &asked.path;
    if asked.kind != now.kind {
        return Some(format!("{path} was made or removed since"));
    }
    if asked.target != now.target {
        return Some(format!(
            "{path} leads to {} now, and led to {}",
            now.target, asked.target
        ));
    }
    if asked.before != now.before {
        return Some(format!("{path} was changed since the plan was made"));
    }
    (asked.hunks != now.hunks).then(|| format!("the lines of {path} that would change are others"))
}

fn listed(words: &[String]) -> String {
    if words.is_empty() {
        "nothing".to_owned()
    } else {
        words.join(", ")
    }
}
