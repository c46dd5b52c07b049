//! What collecting asks of the code that understands components.

use kubeassay_core::Bytes;
use kubeassay_core::facts::{Facts, Need, ProcessFacts, ServiceFacts};

/// Tells the files of a node that facts do not hold yet.
pub type NodeNeeds = Box<dyn FnMut(&Facts) -> Vec<Need>>;

/// Says which files a process reads, and what of it is secret.
///
/// Pure: it is asked on facts and answers without touching the host.
pub trait Guide {
    /// Returns the files that `process` reads as far as its facts show.
    ///
    /// Asked again with the files that were read until nothing new is named.
    fn needs(&self, process: &ProcessFacts) -> Vec<Need>;

    /// Returns the files that say what `service` will start, and that what it starts will read, as far as its facts
    /// show.
    ///
    /// Asked again with the files that were read until nothing new is named.
    fn needs_of_service(&self, service: &ServiceFacts) -> Vec<Need>;

    /// Returns what tells the files of the node that are no single process's and that judging needs, as far as facts
    /// show: asked for once all processes and services were read. It is asked again with the files that were read until
    /// nothing new is named.
    fn needs_of_node(&self, facts: &Facts) -> NodeNeeds;

    /// Returns the folders in which systemd looks for units, those that win first.
    fn unit_folders(&self) -> &'static [&'static str];

    /// Returns the program that the main file of a unit starts, if it says so.
    fn program_of_unit(&self, fragment: &[u8]) -> Option<Bytes>;

    /// Returns the executable that `service` will start, as far as its facts show.
    fn executable_of_service(&self, service: &ServiceFacts) -> Option<Bytes>;

    /// Replaces what is secret in the arguments.
    fn redact_arguments(&self, argv: Vec<Bytes>) -> Vec<Bytes>;

    /// Replaces what is secret in the content of a configuration file.
    fn redact_content(&self, content: Vec<u8>) -> Vec<u8>;

    /// Replaces what is secret in all files of a service, once all of them were read. Until then they are as they are
    /// on the host.
    fn redact_service(&self, service: &mut ServiceFacts);
}
