//! `kubeassay report publish`: writes reports through a cluster's API, an object for each node.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use kubeassay_cluster::credentials::{self, Given};
use kubeassay_cluster::publish::{OfNode, Options, Published, Publisher, Resource, Wanted};
use kubeassay_core::report::{FailOn, GateOptions, Source, Tally};
use kubeassay_core::text;
use kubeassay_report::join::Join;
use kubeassay_report::openreports::{self, Dialect, Made, Objects, SCANNED_AT, Scan};
use kubeassay_report::read::{Piece, Survey};
use kubeassay_report::stream::Closing;
use serde_json::Value as Json;

use crate::args::{Accept, DryRun, Publish};
use crate::asking::{access, environment, now};
use crate::exit::Exit;
use crate::messages::Messages;
use crate::output;
use crate::saved::{self, Saved};
use crate::tool::tool;

pub(crate) fn run(arguments: &Publish, messages: Messages) -> anyhow::Result<Exit> {
    let mut reports = Vec::new();
    for path in &arguments.reports {
        reports.push(saved::open(path)?);
    }
    for report in &reports {
        check(report.name(), report.survey(), arguments)?;
    }
    let surveys: Vec<(&str, &Survey)> = reports
        .iter()
        .map(|report| (report.name(), report.survey()))
        .collect();
    let join = Join::new(&surveys, &tool()).map_err(anyhow::Error::msg)?;
    if arguments.node.is_some() {
        check_one_node(&surveys)?;
    }
    for warning in &join.warnings {
        messages.warning(warning);
    }
    let mut target = match arguments.dry_run {
        DryRun::Client => Target::Print,
        DryRun::None | DryRun::Server => {
            let publisher = open(arguments, messages)?;
            check_cluster(&publisher, &surveys)?;
            Target::Cluster(Sending::new(publisher, arguments.dry_run, messages))
        }
    };
    // What belongs to no node is of the latest report.
    let latest = surveys
        .iter()
        .map(|(_, survey)| survey.header.clone())
        .max_by_key(|header| header.scanned.started);
    send(
        &mut reports,
        join,
        latest.as_ref().map(Scan::of),
        arguments,
        &mut target,
    )?;
    match target {
        Target::Print => Ok(Exit::Success),
        Target::Cluster(sending) => sending.finish(),
    }
}

/// Refuses what says nothing of anybody's nodes, or not all of it.
fn check(name: &str, survey: &Survey, arguments: &Publish) -> anyhow::Result<()> {
    let scanned = &survey.header.scanned;
    let mut sources = vec![scanned.source];
    sources.extend(scanned.joined.iter().map(|joined| joined.source));
    if sources.contains(&Source::Demo) && arguments.dry_run != DryRun::Client {
        bail!(
            "{name} is of the demonstration, which is nobody's node: it is not published; --dry-run=client prints what it would look like"
        );
    }
    if sources.contains(&Source::Captured) && !arguments.accepts(Accept::Captured) {
        bail!(
            "{name} is of a captured host, not of a node as it runs: it is not published, unless --accept captured says so"
        );
    }
    if survey.closing.is_none() {
        bail!(
            "{name} was cut off: what is missing would look as if nothing were wrong there; scan again"
        );
    }
    Ok(())
}

/// Refuses a name for several nodes.
fn check_one_node(surveys: &[(&str, &Survey)]) -> anyhow::Result<()> {
    let mut nodes = surveys.iter().flat_map(|(_, survey)| &survey.nodes);
    let first = nodes.next().map(|node| &node.id);
    if first.is_none() || nodes.any(|node| Some(&node.id) != first) {
        bail!("--node is for the report of one node");
    }
    Ok(())
}

/// Refuses the report of another cluster.
fn check_cluster(publisher: &Publisher, surveys: &[(&str, &Survey)]) -> anyhow::Result<()> {
    let mut own = None;
    for (name, survey) in surveys {
        let scanned = &survey.header.scanned;
        let joined = scanned.joined.iter().filter_map(|one| one.cluster.as_ref());
        let clusters = scanned.cluster.iter().chain(joined);
        for uid in clusters.filter_map(|cluster| cluster.uid.as_deref()) {
            let own = match &own {
                Some(own) => own,
                None => own.insert(publisher.cluster_uid()?),
            };
            if own.as_deref() != Some(uid) {
                bail!(
                    "{name} is of another cluster (kube-system has the UID {uid} there, here {}); choose its context with --context",
                    own.as_deref().unwrap_or("that is not told")
                );
            }
        }
    }
    Ok(())
}

fn open(arguments: &Publish, messages: Messages) -> anyhow::Result<Publisher> {
    let given = Given {
        kubeconfig: arguments.kubeconfig.clone(),
        context: arguments.context.clone(),
        token_file: arguments.token_file.clone(),
        ..Given::default()
    };
    let connection = credentials::find(&given, &environment(), now())?.context(
        "there is no cluster to publish to: give --kubeconfig, set KUBECONFIG, or have ~/.kube/config",
    )?;
    messages.note(&format!("credentials from {}", connection.source));
    for warning in &connection.warnings {
        messages.warning(warning);
    }
    let options = Options {
        scanned_at: SCANNED_AT,
        dry_run: arguments.dry_run == DryRun::Server,
        any_node: arguments.accepts(Accept::Node),
        over_newer: arguments.accepts(Accept::Older),
    };
    Ok(Publisher::open(connection, &access(), options)?)
}

/// Where objects go.
enum Target {
    /// To stdout.
    Print,
    /// Into the cluster.
    Cluster(Sending),
}

impl Target {
    fn put(&mut self, made: &Made) -> anyhow::Result<()> {
        match self {
            Self::Print => {
                let mut document = b"---\n".to_vec();
                let object = made.object(Dialect::OpenReports);
                kubeassay_report::yaml::write(&object, &mut document)?;
                output::print(&document)
            }
            Self::Cluster(sending) => sending.put(made),
        }
    }

    /// Returns whether nothing more can be written.
    const fn is_closed(&self) -> bool {
        match self {
            Self::Print => false,
            Self::Cluster(sending) => sending.closed,
        }
    }
}

/// Makes objects of the reports, and sends each on its way.
fn send(
    reports: &mut [Saved],
    mut join: Join,
    latest: Option<Scan>,
    arguments: &Publish,
    target: &mut Target,
) -> anyhow::Result<()> {
    let mut objects = Objects::default();
    let asked = join.gate.unwrap_or(GateOptions::new(FailOn::UNKNOWN));
    let mut tally = Tally::new(asked);
    for (index, report) in reports.iter_mut().enumerate() {
        objects.scan(Scan::of(&report.survey().header));
        report.each(|piece| {
            if target.is_closed() {
                return Ok(());
            }
            match piece {
                Piece::Node(mut node) => {
                    if join.takes_node(index, &node) {
                        join.count(&node);
                        if let Some(name) = &arguments.node {
                            node.name.clone_from(name);
                        }
                        if let Some(made) = objects.node(&node) {
                            target.put(&made)?;
                        }
                    }
                }
                Piece::Finding(finding) => {
                    if let Some(finding) = join.finding(index, *finding) {
                        tally.count(&finding);
                        objects.finding(&finding);
                    }
                }
            }
            Ok::<(), anyhow::Error>(())
        })?;
    }
    if let Some(latest) = latest {
        objects.scan(latest);
    }
    let ending = tally.end(join.conclude());
    let closing = Closing {
        finished: join.finished,
        coverage: ending.coverage,
        problems: Vec::new(),
        summary: ending.summary,
        gate: ending.gate,
        complete: ending.complete,
    };
    for made in objects.end(&closing) {
        if !target.is_closed() {
            target.put(&made)?;
        }
    }
    Ok(())
}

/// Objects on their way into the cluster.
struct Sending {
    publisher: Publisher,
    dry_run: DryRun,
    messages: Messages,
    /// What is said of those on their way.
    waiting: BTreeMap<String, String>,
    written: usize,
    refused: usize,
    /// The next object would fare no better.
    closed: bool,
}

impl Sending {
    const fn new(publisher: Publisher, dry_run: DryRun, messages: Messages) -> Self {
        Self {
            publisher,
            dry_run,
            messages,
            waiting: BTreeMap::new(),
            written: 0,
            refused: 0,
            closed: false,
        }
    }

    fn put(&mut self, made: &Made) -> anyhow::Result<()> {
        let dialect = match self.publisher.resource() {
            Resource::OpenReports => Dialect::OpenReports,
            Resource::PolicyReports => Dialect::PolicyReport,
        };
        let Json::Object(object) = serde_json::to_value(made.object(dialect))? else {
            bail!("an object has no form in JSON");
        };
        let wanted = Wanted {
            name: made.name.clone(),
            object,
            scanned: made.started,
            node: made.node.as_ref().map(|node| OfNode {
                name: node.name.clone(),
                id: node.id.clone(),
                uid: node.uid.clone(),
            }),
        };
        let summary = openreports::words(&made.summary);
        self.waiting.insert(made.name.clone(), summary);
        let ended = self.publisher.put(wanted);
        self.tell(ended)
    }

    fn tell(&mut self, ended: Vec<Published>) -> anyhow::Result<()> {
        let kind = kind(self.publisher.resource());
        let dry = match self.dry_run {
            DryRun::Server => " (server dry run)",
            DryRun::None | DryRun::Client => "",
        };
        for Published { name, outcome } in ended {
            let summary = self.waiting.remove(&name).unwrap_or_default();
            match outcome {
                Ok(written) => {
                    self.written += 1;
                    let word = written.as_str();
                    output::print(format!("{kind}/{name} {word}{dry}: {summary}\n").as_bytes())?;
                }
                Err(refused) => {
                    self.refused += 1;
                    self.closed |= refused.for_all;
                    let said = text::escape(&refused.reason);
                    self.messages
                        .error(&anyhow::anyhow!("{kind}/{name} is not written: {said}"));
                }
            }
        }
        Ok(())
    }

    fn finish(mut self) -> anyhow::Result<Exit> {
        let ended = self.publisher.wait();
        self.tell(ended)?;
        // What has no answer ended early.
        for name in std::mem::take(&mut self.waiting).into_keys() {
            self.refused += 1;
            let fault = anyhow::anyhow!("{name} is not written: a fault of kubeassay");
            self.messages.error(&fault);
        }
        let Self {
            written, refused, ..
        } = self;
        let more = if self.closed {
            "; what comes behind was not tried"
        } else {
            ""
        };
        let done = match self.dry_run {
            DryRun::Server => "would be written",
            DryRun::None | DryRun::Client => "written",
        };
        self.messages
            .progress(&format!("{written} {done}, {refused} not{more}"));
        Ok(if refused == 0 {
            Exit::Success
        } else {
            Exit::Unpublished
        })
    }
}

/// Returns what kubectl calls an object of it.
const fn kind(resource: Resource) -> &'static str {
    match resource {
        Resource::OpenReports => "clusterreport.openreports.io",
        Resource::PolicyReports => "clusterpolicyreport.wgpolicyk8s.io",
    }
}
