//! A kubelet of any arguments and files: resolved, judged, shown. The text of each file is the fuzzer's.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kubeassay_config::kubelet::{Documents, When, resolve};
use kubeassay_config::secrets::{redact_arguments, redact_content};
use kubeassay_config::tables::Minor;
use kubeassay_config::tables::kubelet::KUBELET;
use kubeassay_core::facts::{
    Entry, Facts, FileFacts, FileKind, Moment, Need, NeedKind, NodeFacts, ProcessFacts, Source,
    Tool,
};
use kubeassay_core::{Bytes, Cause};
use kubeassay_engine::{explain, needs};
use kubeassay_host::proc::cmdline;
use kubeassay_report::Style;

use crate::input::{Choices, Parts};
use crate::judging::{judged, knows_no_better, shown};

/// Files are asked for in rounds, each of which may name further ones.
const ROUNDS: usize = 64;

/// Reads the parts of an input as choices, arguments, configuration, names, and up to three drop-ins.
pub(crate) fn run(data: &[u8]) {
    let mut parts = Parts::new(data);
    let mut choices = Choices::new(parts.next());
    let mut argv = cmdline::arguments(parts.next());
    if argv.len() < 2 {
        argv = ["kubelet", "--config=/c", "--config-dir=/d"]
            .map(Bytes::from)
            .to_vec();
    }
    let configuration = parts.next();
    let name = parts.next();
    let drop_ins: Vec<&[u8]> = std::iter::from_fn(|| parts.next_if_any()).take(3).collect();
    // All versions at once are seldom tried: they take 17 times as long.
    let version = Minor(20 + u8::try_from(choices.below(17)).unwrap_or(0));
    let version = (choices.below(32) != 31).then_some(version);
    let width = [0, 1, 7, 40, 80, 200, 100_000][choices.below(7)];
    let started = (!choices.one_in(8)).then_some(Moment {
        at: Timestamp::UNIX_EPOCH,
        error_ms: 10,
    });
    let environment = match choices.below(3) {
        0 => None,
        1 => Some(BTreeMap::new()),
        _ => Some(cmdline::environment(
            b"KUBELET_CONFIG_DROPIN_DIR_ALPHA=1",
            kubeassay_core::Component::Kubelet,
        )),
    };
    let mut process = ProcessFacts {
        exe: Some(Bytes::from(name)),
        comm: Some(Bytes::from(name)),
        cwd: choices.one_in(2).then(|| Bytes::from("/")),
        environment,
        started,
        uid: Some(0),
        cgroup: Some(Bytes::from(name)),
        ..ProcessFacts::new(7, redact_arguments(argv))
    };
    let mut rounds = 0;
    loop {
        let needed = needed(&process, version);
        if needed.is_empty() {
            break;
        }
        rounds += 1;
        assert!(rounds < ROUNDS, "no end of files: {needed:?}");
        for need in needed {
            assert_eq!(process.file(&need), None, "asked for twice");
            process
                .files
                .push(answer(&need, configuration, &drop_ins, &mut choices));
        }
    }
    let facts = facts(process, name);
    let report = judged(std::slice::from_ref(&facts), version, true);
    shown(&report, width, choices.below(6));
    explained(&facts, version, width, &mut choices);

    // The same node, with one file that could not be read.
    let mut less = facts.clone();
    let files = &mut less.processes[0].files;
    if !files.is_empty() {
        let at = choices.below(files.len());
        files[at] = FileFacts::unread(files[at].need.clone(), Cause::Denied, "permission denied");
        knows_no_better(&report, &judged(&[less], version, true));
    }
}

/// Returns the files that the process reads in the version that is said, or in any.
fn needed(process: &ProcessFacts, version: Option<Minor>) -> Vec<Need> {
    let Some(minor) = version else {
        return needs(process);
    };
    let mut needed: Vec<Need> = Vec::new();
    let documents = Documents::new(process);
    for when in [When::Started, When::Now] {
        for need in resolve(&documents, minor, when).needs {
            if !needed.contains(&need) {
                needed.push(need);
            }
        }
    }
    needed
}

/// Answers a need: from the texts of the input, the rest being there and not read.
fn answer(
    need: &Need,
    configuration: &[u8],
    drop_ins: &[&[u8]],
    choices: &mut Choices<'_>,
) -> FileFacts {
    // Before the start, at the same time, after it, and unknown.
    let modified = [Some(-1), None, Some(0), Some(1), Some(-1)][choices.below(5)];
    let modified = modified.and_then(|second| Timestamp::from_second(second).ok());
    let found = |kind| FileFacts {
        kind: Some(kind),
        modified,
        changed: modified,
        problem: None,
        ..FileFacts::unread(need.clone(), Cause::Missing, "")
    };
    match need.what {
        NeedKind::Presence | NeedKind::Certificate | NeedKind::PublicKeys | NeedKind::Metadata => {
            found(FileKind::Regular)
        }
        NeedKind::Listing => FileFacts {
            entries: Some(
                (0..drop_ins.len())
                    .map(|index| Entry {
                        name: Bytes::from(format!("{index}.conf")),
                        kind: FileKind::Regular,
                    })
                    .collect(),
            ),
            ..found(FileKind::Directory)
        },
        NeedKind::Content => {
            let path = need.path.as_slice();
            let drop_in = drop_ins
                .iter()
                .enumerate()
                .find(|(index, _)| path.ends_with(format!("/{index}.conf").as_bytes()));
            let text = drop_in.map_or(configuration, |(_, text)| text);
            FileFacts {
                content: Some(Bytes::from(redact_content(text.to_vec()))),
                ..found(FileKind::Regular)
            }
        }
    }
}

fn facts(process: ProcessFacts, name: &[u8]) -> Facts {
    Facts {
        complete: true,
        node: NodeFacts {
            hostname: Some(Bytes::from(name)),
            ..NodeFacts::default()
        },
        processes: vec![process],
        ..Facts::new(
            Tool {
                name: "kubeassay".to_owned(),
                version: String::new(),
                commit: None,
            },
            Source::Captured,
            Timestamp::UNIX_EPOCH,
        )
    }
}

/// Explains a setting, and asserts that nothing raw is shown.
fn explained(facts: &Facts, version: Option<Minor>, width: usize, choices: &mut Choices<'_>) {
    let field = &KUBELET.fields[choices.below(KUBELET.fields.len())];
    for explanation in explain(&format!("kubelet.{}", field.path), facts, version) {
        let mut out = Vec::new();
        kubeassay_report::explain::write(
            &explanation,
            Style {
                width,
                colour: false,
            },
            &mut out,
        )
        .expect("a vector takes everything");
        let page = String::from_utf8(out).expect("everything is text");
        for line in page.lines() {
            assert_eq!(
                kubeassay_core::text::escape(line),
                line,
                "raw in an explanation"
            );
        }
    }
}
