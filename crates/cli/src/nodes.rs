//! The nodes that a scan is about: those of a host or of facts, or those of a cluster, as they answer.

use anyhow::Context as _;
use jiff::Timestamp;
use kubeassay_cluster::fleet;
use kubeassay_cluster::kubelet::Questions;
use kubeassay_core::facts::{ClusterFacts, Facts, Problem, Source};

use crate::args::{Global, LiveArg, Scan};
use crate::asking::{Asking, now, warn_of_the_proxy};
use crate::messages::Messages;
use crate::progress::Progress;
use crate::tool::tool;
use crate::{evidence, hosts};

/// The facts of one node after the other; an error says that not all nodes are known.
pub(crate) struct Nodes {
    /// Where they are taken.
    pub(crate) source: Source,
    /// When that began.
    pub(crate) started: Timestamp,
    /// The cluster, if it was asked.
    pub(crate) cluster: Option<ClusterFacts>,
    /// How many nodes there are, where that is known.
    pub(crate) expected: Option<usize>,
    /// Where one of the facts documents was taken that tells of no machine.
    pub(crate) recorded: Option<Source>,
    facts: Stream,
}

enum Stream {
    Taken(std::vec::IntoIter<Facts>),
    Coming(fleet::Nodes),
}

impl Iterator for Nodes {
    type Item = Result<Facts, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.facts {
            Stream::Taken(facts) => facts.next().map(Ok),
            Stream::Coming(nodes) => nodes.next(),
        }
    }
}

impl Nodes {
    /// Opens what the user wants to be scanned; of a cluster its objects as well, if they are wanted.
    ///
    /// # Errors
    ///
    /// Where there is nothing that could be scanned.
    pub(crate) fn open(
        arguments: &Scan,
        objects: bool,
        global: &Global,
        messages: Messages,
    ) -> anyhow::Result<Self> {
        if arguments.cluster.cluster {
            return Self::of_cluster(arguments, objects, global, messages);
        }
        let (facts, source) = hosts::facts(
            &arguments.subject,
            arguments.endpoint.node_address.as_deref(),
            messages,
        )?;
        let mut sources = facts.iter().map(|facts| facts.source);
        let recorded = sources.find(|source| evidence::is_recorded(*source));
        let starts = facts.iter().map(|facts| facts.started);
        Ok(Self {
            source,
            started: starts.min().unwrap_or(Timestamp::UNIX_EPOCH),
            cluster: None,
            expected: Some(facts.len()),
            recorded,
            facts: Stream::Taken(facts.into_iter()),
        })
    }

    fn of_cluster(
        arguments: &Scan,
        objects: bool,
        global: &Global,
        messages: Messages,
    ) -> anyhow::Result<Self> {
        let live = &arguments.subject.live;
        // Through the API server nothing can be asked as nobody.
        let usual = if live.via_proxy {
            LiveArg::Configz
        } else {
            LiveArg::All
        };
        let questions: Questions = live.live.unwrap_or(usual).into();
        warn_of_the_proxy(live, messages);
        let started = now();
        let asking = Asking::new(live, questions, true, messages)?;
        let connection = asking.connection.context(
            "there is no cluster to ask: give --kubeconfig, set KUBECONFIG, or have ~/.kube/config",
        )?;
        let and = if objects { " and its objects" } else { "" };
        messages.note(&format!("listing the nodes of {}{and}", connection.server));
        let options = fleet::Options {
            tool: tool(),
            selector: arguments.cluster.selector.clone(),
            questions,
            via_proxy: live.via_proxy,
            access: asking.access,
            in_flight: usize::from(arguments.cluster.concurrency),
            per_second: fleet::PER_SECOND,
            objects,
        };
        let mut progress = Progress::new(global);
        let heard = |listed: fleet::Progress| progress.list(&listed, now());
        let scan = fleet::scan(connection, options, fleet::Stop::default(), heard)?;
        drop(progress);
        Ok(Self {
            source: Source::Cluster,
            started,
            cluster: Some(scan.cluster),
            expected: scan.expected,
            recorded: None,
            facts: Stream::Coming(scan.nodes),
        })
    }
}
