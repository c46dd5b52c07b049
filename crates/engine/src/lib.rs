//! The pure path from facts to a report: resolve, evaluate, assemble.
//!
//! `facts ──resolve──▶ effective configuration ──evaluate(rules)──▶ findings ──▶ report`, without I/O or a
//! clock: a report can be made on another machine, a year after the facts were taken.
//!
//! - [`needs`], [`needs_of_service`]: which files a process reads, or a service and what it will start, asked by
//!   whoever collects facts
//! - [`targets`], [`needs_for_live`]: where the kubelets of this node answer, and the certificates that they serve
//! - [`judge`]: facts and rules to a [`Report`](kubeassay_core::report::Report); [`Judge`]: the same, node by node
//! - [`successor`]: the kubelet that the next start of a service will be
//! - [`explain`]: how a node comes to the value of a setting
//! - [`run_examples`]: the examples of a rule's page, as tests
//! - [`platforms`]: the platforms that are known
//! - [`schema`]: which settings rules may read

mod absent;
mod agreement;
mod bundled;
mod components;
mod embedded;
mod evidence;
mod example;
mod explanation;
mod files;
mod finding;
mod fixes;
mod instances;
mod judgement;
mod kubelets;
mod live;
mod manifests;
mod node;
mod objects;
mod platforms;
mod reader;
mod rebuild;
mod services;
mod successor;
mod version;
mod view;
mod witnesses;

pub mod schema;

pub use bundled::BUNDLED_RULES;
pub use example::{ExampleFault, run_examples};
pub use explanation::explain;
pub use judgement::{Judge, Judged, JudgedNode, Options, judge};
pub use kubelets::needs;
pub use live::{LiveCertificate, LiveTarget, needs_for_live, targets};
pub use node::needs_of_node;
pub use objects::is_about_objects;
pub use platforms::{KnownHost, PlatformDescription, ProviderDescription, Source, platforms};
pub use services::needs_of_service;
pub use successor::{Successor, successor};
pub use version::{ParseVersionError, parse_version};
