//! Components of a node that are judged, each with what its configuration resolves to.

use std::borrow::Cow;
use std::collections::BTreeMap;

use kubeassay_config::resolution::Resolution;
use kubeassay_config::setting::Unknown;
use kubeassay_core::Component;
use kubeassay_core::facts::{FileFacts, ProcessFacts};
use kubeassay_core::report::Subject;

use crate::agreement::Agreement;
use crate::version::Candidates;
use crate::witnesses::{Live, Probe};

/// One component of a node: a process, or what a service or a manifest would start.
pub(crate) struct Instance<'a> {
    /// Which component it is.
    pub(crate) component: Component,
    /// The process; `None` for one that was only asked over the network, or that does not run.
    pub(crate) process: Option<&'a ProcessFacts>,
    pub(crate) subject: Subject,
    pub(crate) version: Candidates,
    /// What the process made of its files at its start, for each version it may be.
    pub(crate) running: Vec<Resolution>,
    /// What the next start will make of the files as they are now.
    pub(crate) restart: Restart<'a>,
    /// What it says of itself; `None` where it was not asked.
    pub(crate) live: Option<Live>,
    /// What others got from it; `None` where nobody asked.
    pub(crate) probe: Option<Probe>,
    /// Whether those who were asked agree.
    pub(crate) agreement: Agreement,
}

/// What is known of the next start.
pub(crate) enum Restart<'a> {
    /// Nothing changed since the process started.
    Same,
    /// No service is known, so the arguments are taken to be those of now; a file changed since.
    Arguments(Vec<Resolution>),
    /// A service or a manifest starts it.
    Service {
        /// In every version that the executable on disk may be.
        resolutions: Vec<Resolution>,
        /// The files of the service and of what it starts.
        files: Cow<'a, [FileFacts]>,
        /// What was taken for granted.
        assumes: Vec<String>,
        /// The version of what will be started is none that is known here.
        unsupported: Option<String>,
    },
    /// It cannot be told.
    Unknown(Unknown),
}

impl Instance<'_> {
    /// Returns whether nothing of it runs, as far as anybody saw: a service would start it.
    pub(crate) const fn is_idle(&self) -> bool {
        self.process.is_none() && self.live.is_none() && self.probe.is_none()
    }

    /// Forgets what it resolves to, but for what it made of its files in the newest version.
    pub(crate) fn forget(&mut self) {
        self.restart = Restart::Same;
        self.running.drain(..self.running.len().saturating_sub(1));
    }
}

/// The keys of a node's subjects.
#[derive(Default)]
pub(crate) struct Keys {
    seen: BTreeMap<String, usize>,
}

impl Keys {
    /// Numbers subjects that share a key, in the order in which they come, so that every key is its own.
    pub(crate) fn tell_apart(&mut self, subject: &mut Subject) {
        let count = self.seen.entry(subject.key.clone()).or_insert(0);
        *count += 1;
        if *count > 1 {
            subject.key = format!("{}#{count}", subject.key);
        }
    }
}
