//! The examples of a rule's page, run as tests: each describes a host with one kubelet and its verdict.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kubeassay_config::tables::Minor;
use kubeassay_core::facts::{
    EndpointFacts, Entry, Facts, FileFacts, FileKind, Identity, Moment, Need, NeedKind,
    ProcessFacts, Request, Response, Source, Tool, Via,
};
use kubeassay_core::rule::{Example, ExampleFile, ExampleHost, Rule};
use kubeassay_core::{Bytes, Cause, Verdict};

use crate::finding::{self, Context};
use crate::kubelets;
use crate::version::parse_version;

/// Files are asked for in rounds, each of which may name further ones.
const ROUNDS: usize = 64;

/// An example that does not come out as its page says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExampleFault {
    /// The line of the block's opening fence.
    pub line: usize,
    /// What the page says of it.
    pub about: String,
    /// What the page promises.
    pub expected: Verdict,
    /// What came out, and why.
    pub found: String,
}

/// Runs the examples of a page and returns those that come out differently.
///
/// A rule without a check has nothing to run.
pub fn run_examples(rule: &Rule) -> Vec<ExampleFault> {
    if rule.check().is_none() {
        return Vec::new();
    }
    rule.examples()
        .iter()
        .filter_map(|example| run(rule, example).err())
        .collect()
}

fn run(rule: &Rule, example: &Example) -> Result<(), ExampleFault> {
    let fault = |found: String| ExampleFault {
        line: example.line,
        about: example.about.clone(),
        expected: example.verdict,
        found,
    };
    let said: Option<Minor> = example
        .host
        .version
        .as_deref()
        .map(parse_version)
        .transpose()
        .map_err(|error| fault(error.to_string()))?;
    let facts = facts(&example.host);
    let kubelets = kubelets::find(&facts, said);
    let Some(kubelet) = kubelets.found.first() else {
        let reason = kubelets
            .problems
            .first()
            .map_or("no kubelet", |problem| problem.reason.as_str());
        return Err(fault(reason.to_owned()));
    };
    let context = Context {
        node: Some("example"),
        observed_at: Timestamp::UNIX_EPOCH,
        chosen: &BTreeMap::new(),
    };
    let finding = finding::of(rule, kubelet, &context).into_iter().next();
    match finding {
        Some(finding) if finding.verdict == example.verdict => Ok(()),
        Some(finding) => Err(fault(format!("{} ({})", finding.verdict, finding.reason))),
        None => Err(fault("no finding".to_owned())),
    }
}

/// Returns the facts of the host that an example describes.
pub(crate) fn facts(host: &ExampleHost) -> Facts {
    let argv = host
        .argv
        .iter()
        .map(|argument| Bytes::from(argument.as_str()))
        .collect();
    let environment = host.environment.iter();
    let mut process = ProcessFacts {
        exe: host.argv.first().map(|path| Bytes::from(path.as_str())),
        cwd: Some(Bytes::from("/")),
        environment: Some(
            environment
                .map(|(name, value)| (name.clone(), Bytes::from(value.as_str())))
                .collect(),
        ),
        started: Some(Moment {
            at: Timestamp::UNIX_EPOCH,
            error_ms: 0,
        }),
        uid: Some(0),
        ..ProcessFacts::new(1_000, argv)
    };
    for _ in 0..ROUNDS {
        let needs = kubelets::needs(&process);
        if needs.is_empty() {
            break;
        }
        process
            .files
            .extend(needs.iter().map(|need| answer(&host.files, need)));
    }
    let url = "https://127.0.0.1:10250/configz";
    let endpoint = host.configz.as_ref().map(|body| EndpointFacts {
        pid: None,
        address: "127.0.0.1:10250".to_owned(),
        via: Via::Direct,
        certificate: None,
        trusted: None,
        responses: vec![Response {
            request: Request::Configz,
            identity: Identity::Certificate,
            url: url.to_owned(),
            asked: Timestamp::UNIX_EPOCH,
            status: Some(200),
            granted: None,
            content: Some(Bytes::from(body.as_str())),
            problem: None,
        }],
    });
    Facts {
        complete: true,
        processes: vec![process],
        endpoints: endpoint.into_iter().collect(),
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

/// Answers from the files of an example. What it does not name is not configuration (a certificate, a
/// kubeconfig) and there, or configuration and missing.
fn answer(files: &BTreeMap<String, ExampleFile>, need: &Need) -> FileFacts {
    let path = need.path.to_string_lossy();
    let path = path.trim_end_matches('/');
    let found = |kind| FileFacts {
        kind: Some(kind),
        problem: None,
        ..FileFacts::unread(need.clone(), Cause::Missing, String::new())
    };
    match (files.get(path), need.what) {
        (Some(ExampleFile::Denied), _) => FileFacts::unread(
            need.clone(),
            Cause::Denied,
            format!("{path}: permission denied"),
        ),
        (Some(ExampleFile::Text(text)), NeedKind::Content) => FileFacts {
            content: Some(Bytes::from(text.as_str())),
            ..found(FileKind::Regular)
        },
        (Some(ExampleFile::Text(_)), _) | (None, NeedKind::Presence) => found(FileKind::Regular),
        (None, NeedKind::Listing) => match entries(files, path) {
            Some(entries) => FileFacts {
                entries: Some(entries),
                ..found(FileKind::Directory)
            },
            None => FileFacts::unread(
                need.clone(),
                Cause::Missing,
                format!("{path}: no such file or directory"),
            ),
        },
        (None | Some(ExampleFile::Missing), _) => FileFacts::unread(
            need.clone(),
            Cause::Missing,
            format!("{path}: no such file or directory"),
        ),
    }
}

/// Returns the entries of the folder `path`, if any file lies below it.
fn entries(files: &BTreeMap<String, ExampleFile>, path: &str) -> Option<Vec<Entry>> {
    let mut entries: BTreeMap<&str, FileKind> = BTreeMap::new();
    let mut exists = false;
    for (file, state) in files {
        let Some(rest) = file
            .strip_prefix(path)
            .and_then(|rest| rest.strip_prefix('/'))
        else {
            continue;
        };
        exists = true;
        if *state == ExampleFile::Missing {
            continue;
        }
        match rest.split_once('/') {
            Some((folder, _)) => entries.insert(folder, FileKind::Directory),
            None => entries.insert(rest, FileKind::Regular),
        };
    }
    exists.then(|| {
        entries
            .into_iter()
            .map(|(name, kind)| Entry {
                name: Bytes::from(name),
                kind,
            })
            .collect()
    })
}

#[cfg(test)]
mod mended;
