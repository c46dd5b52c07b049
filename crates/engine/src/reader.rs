//! What was refused to whoever took the facts, and what would have let them see it: said once for a node,
//! and only where something was in fact not seen.

use kubeassay_core::Cause;
use kubeassay_core::facts::{Facts, Problem, ProcessFacts, Reader, Source, View};

/// Returns what there is to say of the reader's privileges.
pub(crate) fn problem(facts: &Facts) -> Option<Problem> {
    let reader = facts.reader?;
    let refused = Refused::of(facts);
    // Everything of a process is behind one capability, every file behind the other.
    let parts = [
        (
            refused.processes,
            reader.sys_ptrace,
            "CAP_SYS_PTRACE",
            "processes of other users could not be examined",
        ),
        (
            refused.files,
            reader.dac_read_search,
            "CAP_DAC_READ_SEARCH",
            "files of other users could not be read",
        ),
    ];
    let of = |held: bool| parts.iter().filter(move |part| part.0 && part.1 == held);
    let join = |words: Vec<&str>| words.join(" and ");
    let said = |held| {
        let names = join(of(held).map(|part| part.2).collect());
        let what = join(of(held).map(|part| part.3).collect());
        (!names.is_empty()).then_some((names, what))
    };
    let reason = match (said(false), said(true)) {
        (Some((names, what)), _) => {
            format!(
                "kubeassay ran without {names}: {what}; {}",
                mend(reader, facts.source, &names)
            )
        }
        (None, Some((names, what))) => format!(
            "although kubeassay had {names}, {what}: a security module (AppArmor, SELinux), a user namespace or the file system forbids it"
        ),
        (None, None) => return None,
    };
    Some(Problem {
        cause: Cause::Denied,
        path: None,
        reason,
    })
}

/// Returns what to do about the capabilities called `names`.
fn mend(reader: Reader, source: Source, names: &str) -> String {
    match (reader.uid, source) {
        // Root without them: somebody took them away, as container runtimes do.
        (0, _) => format!("give it {names} (in a pod: securityContext.capabilities.add)"),
        (_, Source::Root) => format!("run it as root, or give it {names}"),
        _ => format!("run it as root (sudo kubeassay), or give it {names}"),
    }
}

/// Which kinds of things were refused.
#[derive(Default)]
struct Refused {
    processes: bool,
    files: bool,
}

impl Refused {
    fn of(facts: &Facts) -> Self {
        let table = &facts.node.process_table;
        let denied = |cause| cause == Cause::Denied;
        let mut refused = Self {
            processes: table.hides_others
                || table.unreadable.iter().any(|one| denied(one.cause))
                || facts.problems.iter().any(|one| denied(one.cause)),
            files: false,
        };
        for process in &facts.processes {
            refused.add(process);
        }
        refused
    }

    fn add(&mut self, process: &ProcessFacts) {
        let denied = |cause| cause == Cause::Denied;
        self.processes |= process.problems.iter().any(|one| denied(one.cause));
        let files = process.files.iter().any(|file| {
            let problem = file.problem.as_ref();
            problem.is_some_and(|problem| denied(problem.cause))
        });
        // Where its root could not be opened, no file of it was asked for.
        if process.view == View::Denied {
            self.processes |= files;
        } else {
            self.files |= files;
        }
    }
}

#[cfg(test)]
mod tests {
    use kubeassay_core::facts::{FileFacts, Need, NeedKind, ProcessTable, Unreadable};
    use kubeassay_core::report::Tool;

    use super::*;

    const ROOT: Reader = Reader {
        uid: 0,
        dac_read_search: true,
        sys_ptrace: true,
    };
    const NOBODY: Reader = Reader {
        uid: 65_534,
        dac_read_search: false,
        sys_ptrace: false,
    };

    fn facts(reader: Option<Reader>) -> Facts {
        let at = jiff::Timestamp::UNIX_EPOCH;
        Facts {
            reader,
            complete: true,
            ..Facts::new(
                Tool {
                    name: String::new(),
                    version: String::new(),
                    commit: None,
                },
                Source::Live,
                at,
            )
        }
    }

    fn with_file(cause: Cause, view: View) -> ProcessFacts {
        let need = Need {
            what: NeedKind::Content,
            path: "/c.yaml".into(),
        };
        ProcessFacts {
            view,
            files: vec![FileFacts::unread(need, cause, "x")],
            ..ProcessFacts::new(7, Vec::new())
        }
    }

    fn reason(facts: &Facts) -> String {
        problem(facts).map_or_else(String::new, |problem| problem.reason)
    }

    #[test]
    fn who_saw_all_there_was_lacked_nothing() {
        assert_eq!(problem(&facts(Some(NOBODY))), None);
        assert_eq!(problem(&facts(Some(ROOT))), None);
        let mut facts = facts(Some(NOBODY));
        facts.processes = vec![with_file(Cause::Missing, View::Own)];
        assert_eq!(problem(&facts), None);
    }

    #[test]
    fn where_the_reader_is_not_known_nothing_is_said_of_it() {
        let mut facts = facts(None);
        facts.processes = vec![with_file(Cause::Denied, View::Own)];
        assert_eq!(problem(&facts), None);
    }

    #[test]
    fn what_was_refused_names_the_capability_that_was_missing() {
        let mut facts = facts(Some(NOBODY));
        facts.processes = vec![with_file(Cause::Denied, View::Own)];
        assert_eq!(
            reason(&facts),
            "kubeassay ran without CAP_DAC_READ_SEARCH: files of other users could not be read; run it as root (sudo kubeassay), or give it CAP_DAC_READ_SEARCH"
        );
        facts.processes = vec![with_file(Cause::Denied, View::Denied)];
        assert!(reason(&facts).starts_with("kubeassay ran without CAP_SYS_PTRACE: processes"));
        facts.processes.push(with_file(Cause::Denied, View::Own));
        assert_eq!(
            reason(&facts),
            "kubeassay ran without CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH: processes of other users could not be examined and files of other users could not be read; run it as root (sudo kubeassay), or give it CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH"
        );
        facts.reader = Some(Reader {
            sys_ptrace: false,
            ..ROOT
        });
        facts.source = Source::Root;
        assert_eq!(
            reason(&facts),
            "kubeassay ran without CAP_SYS_PTRACE: processes of other users could not be examined; give it CAP_SYS_PTRACE (in a pod: securityContext.capabilities.add)"
        );
    }

    #[test]
    fn processes_that_are_hidden_or_unreadable_count() {
        let mut hidden = facts(Some(NOBODY));
        hidden.node.process_table.hides_others = true;
        let mut unreadable = facts(Some(NOBODY));
        unreadable.node.process_table = ProcessTable {
            unreadable: vec![Unreadable {
                pid: 7,
                cause: Cause::Denied,
                reason: String::new(),
            }],
            ..ProcessTable::default()
        };
        for facts in [hidden, unreadable] {
            assert!(reason(&facts).contains("CAP_SYS_PTRACE"));
        }
    }

    #[test]
    fn a_refusal_in_spite_of_it_is_somebody_elses() {
        let mut facts = facts(Some(ROOT));
        facts.processes = vec![with_file(Cause::Denied, View::Own)];
        assert!(
            reason(&facts)
                .starts_with("although kubeassay had CAP_DAC_READ_SEARCH, files of other users")
        );
    }
}
