//! The examples of a rule's page, run as tests: each describes a host or a cluster, and its verdict.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kubeassay_config::tables::Minor;
use kubeassay_core::facts::{
    ClusterFacts, EndpointFacts, Entry, Facts, FileFacts, FileKind, Identity, Moment, Need,
    NeedKind, Platform, ProcessFacts, Request, Response, Source, Tool, Via, objects,
};
use kubeassay_core::report::{FailOn, GateOptions, Rules};
use kubeassay_core::rule::{Example, ExampleFile, ExampleHost, ExampleStatus, Rule, SiteChoices};
use kubeassay_core::{Bytes, Cause, Component, Verdict};

use crate::judgement::{Judge, JudgedNode, Options};
use crate::kubelets;
use crate::node::needs_of_node;
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
    let mut options = options(said);
    for (name, value) in &example.host.choices {
        let mut declared = rule.choices().iter();
        let choice = declared.find(|choice| choice.name == *name);
        let choice = choice.ok_or_else(|| fault(format!("the rule has no choice `{name}`")))?;
        let value = choice.kind.fit(value.clone()).map_err(fault)?;
        options.choices.decide(rule.id(), name, value);
    }
    let rules = [rule];
    let mut judge = Judge::new(&rules, &options);
    let mut judged = match &example.host.objects {
        Some(objects) => {
            let inventory =
                objects::documents(objects).map_err(|error| fault(error.to_string()))?;
            let facts = ClusterFacts {
                inventory: Some(inventory),
                ..ClusterFacts::default()
            };
            let mut whole = JudgedNode {
                node: None,
                findings: Vec::new(),
                problems: Vec::new(),
            };
            judge.cluster(&facts, &mut |judged| whole.findings.extend(judged.findings));
            whole
        }
        None => judge.node(&facts(&example.host)),
    };
    judged
        .findings
        .sort_by_key(|finding| weight(finding.verdict));
    match judged.findings.first() {
        Some(finding) if finding.verdict == example.verdict => Ok(()),
        Some(finding) => Err(fault(format!("{} ({})", finding.verdict, finding.reason))),
        None => {
            let problem = judged.problems.first();
            let reason = problem.map_or("no finding", |problem| problem.reason.as_str());
            Err(fault(reason.to_owned()))
        }
    }
}

/// Returns what rules find on the host of an example.
#[cfg(test)]
pub(crate) fn judge(rules: &[&Rule], facts: &Facts) -> Vec<kubeassay_core::report::Finding> {
    judged(rules, facts).findings
}

/// The same, with what could not be read.
#[cfg(test)]
pub(crate) fn judged(rules: &[&Rule], facts: &Facts) -> crate::judgement::JudgedNode {
    let options = options(None);
    Judge::new(rules, &options).node(facts)
}

/// Returns what an example with several subjects is called by: the worst.
const fn weight(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Fail => 0,
        Verdict::Unknown => 1,
        Verdict::Manual => 2,
        Verdict::Pass => 3,
        Verdict::NotApplicable => 4,
    }
}

fn options(said: Option<Minor>) -> Options {
    Options {
        tool: tool(),
        source: Source::Captured,
        cluster: None,
        started: Timestamp::UNIX_EPOCH,
        kubernetes_version: said,
        gate: GateOptions::new(FailOn::NEVER),
        rules: Rules {
            count: 1,
            digest: String::new(),
            benchmark: None,
            added: Vec::new(),
            replaced: Vec::new(),
        },
        problems: Vec::new(),
        benchmark: None,
        choices: SiteChoices::default(),
    }
}

fn tool() -> Tool {
    Tool {
        name: "kubeassay".to_owned(),
        version: String::new(),
        commit: None,
    }
}

/// Returns the facts of the host that an example describes.
pub(crate) fn facts(host: &ExampleHost) -> Facts {
    let own = (!host.argv.is_empty()).then_some(&host.argv);
    let mut owners = Owners::default();
    let mut processes = Vec::new();
    for (argv, pid) in own.into_iter().chain(&host.processes).zip(1_000..) {
        processes.push(process(pid, argv, host, &mut owners));
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
    let mut facts = Facts {
        complete: true,
        processes,
        endpoints: endpoint.into_iter().collect(),
        ..Facts::new(tool(), Source::Captured, Timestamp::UNIX_EPOCH)
    };
    facts.node.platform = Platform {
        id: host.os.clone(),
        ..Platform::default()
    };
    let mut needs_of_node = needs_of_node(&facts);
    for _ in 0..ROUNDS {
        let needs = needs_of_node(&facts);
        if needs.is_empty() {
            break;
        }
        for need in needs {
            // What a node has is what the example says it has.
            let file = match (need.what, host.files.get(&need.path.to_string_lossy())) {
                (NeedKind::Presence, None) => missing(&need),
                _ => owners.answer(&host.files, &need),
            };
            facts.files.push(file);
        }
    }
    facts.node.users = owners.users;
    facts.node.groups = owners.groups;
    facts
}

/// Returns a process of an example, with the files that it reads.
fn process(pid: u32, argv: &[String], host: &ExampleHost, owners: &mut Owners) -> ProcessFacts {
    let arguments = argv.iter().map(|argument| Bytes::from(argument.as_str()));
    let environment = host.environment.iter();
    let environment = environment.map(|(name, value)| (name.clone(), Bytes::from(value.as_str())));
    let program = argv.first().map_or("", String::as_str);
    let name = program.rsplit('/').next().unwrap_or(program);
    let component = match name {
        "containerd" | "crio" => Component::ContainerRuntime,
        "k3s" | "kubelite" | "microshift" => Component::Distribution,
        name => Component::parse(name).unwrap_or(Component::Kubelet),
    };
    let mut process = ProcessFacts {
        component,
        exe: Some(Bytes::from(program)),
        cwd: Some(Bytes::from("/")),
        environment: Some(environment.collect()),
        started: Some(Moment {
            at: Timestamp::UNIX_EPOCH,
            error_ms: 0,
        }),
        uid: Some(0),
        ..ProcessFacts::new(pid, arguments.collect())
    };
    for _ in 0..ROUNDS {
        let needs = kubelets::needs(&process);
        if needs.is_empty() {
            break;
        }
        let answers = needs.iter().map(|need| owners.answer(&host.files, need));
        process.files.extend(answers);
    }
    process
}

/// The users and groups of an example, numbered as they come.
#[derive(Default)]
struct Owners {
    users: BTreeMap<u32, Bytes>,
    groups: BTreeMap<u32, Bytes>,
}

impl Owners {
    /// Answers from the files of an example. What it does not name is not configuration (a certificate, a kubeconfig)
    /// and there, or configuration and missing.
    fn answer(&mut self, files: &BTreeMap<String, ExampleFile>, need: &Need) -> FileFacts {
        let path = need.path.to_string_lossy();
        let path = path.trim_end_matches('/');
        let found = |kind| FileFacts {
            kind: Some(kind),
            ..FileFacts::new(need.clone())
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
            (Some(ExampleFile::Text(_)), NeedKind::Metadata) => {
                self.described(&ExampleStatus::default(), files, path, need)
            }
            (Some(ExampleFile::Text(_)), _) | (None, NeedKind::Presence) => {
                found(FileKind::Regular)
            }
            (Some(ExampleFile::Described(status)), _) => self.described(status, files, path, need),
            (None, NeedKind::Listing) => match entries(files, path) {
                Some(entries) => FileFacts {
                    entries: Some(entries),
                    ..found(FileKind::Directory)
                },
                None => missing(need),
            },
            (None, NeedKind::Metadata) if entries(files, path).is_some() => {
                let status = ExampleStatus {
                    directory: true,
                    mode: 0o755,
                    ..ExampleStatus::default()
                };
                self.described(&status, files, path, need)
            }
            (None | Some(ExampleFile::Missing), _) => missing(need),
        }
    }

    fn described(
        &mut self,
        status: &ExampleStatus,
        files: &BTreeMap<String, ExampleFile>,
        path: &str,
        need: &Need,
    ) -> FileFacts {
        let (user, group) = &status.owner;
        let kind = if status.directory {
            FileKind::Directory
        } else {
            FileKind::Regular
        };
        let listed = matches!(need.what, NeedKind::Listing | NeedKind::Metadata);
        FileFacts {
            kind: Some(kind),
            mode: Some(status.mode),
            uid: Some(numbered(&mut self.users, user)),
            gid: Some(numbered(&mut self.groups, group)),
            entries: (listed && status.directory).then(|| entries(files, path).unwrap_or_default()),
            content: (need.what == NeedKind::Content).then(|| Bytes::from(status.text.as_str())),
            public_keys: (need.what == NeedKind::PublicKeys).then(|| status.public_keys.clone()),
            ..FileFacts::new(need.clone())
        }
    }
}

/// Returns the number of a name; root's is 0.
fn numbered(known: &mut BTreeMap<u32, Bytes>, name: &str) -> u32 {
    known.entry(0).or_insert_with(|| Bytes::from("root"));
    let found = known.iter().find(|(_, known)| **known == *name);
    if let Some((number, _)) = found {
        return *number;
    }
    let number = known.keys().next_back().map_or(0, |last| last + 1);
    known.insert(number, Bytes::from(name));
    number
}

fn missing(need: &Need) -> FileFacts {
    FileFacts::unread(
        need.clone(),
        Cause::Missing,
        format!("{}: no such file or directory", need.path),
    )
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
#[cfg(test)]
mod walk;
