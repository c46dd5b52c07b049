//! The words of kubeassay as types, and its rules: documents, checks, verdicts.
//!
//! No I/O, no clock, no environment: everything here is a pure function of what it is given.
//!
//! - [`bytes`], [`text`]: what came from a host, kept as it is and shown safely
//! - [`value`], [`origin`], [`verdict`]: a setting's value, where it came from, what was found
//! - [`Component`]: what is judged
//! - [`facts`]: what was read about a node (`kubeassay.facts/v1`)
//! - [`report`]: the findings of a scan (`kubeassay.report/v1`)
//! - [`plan`], [`transaction`]: the edits of a fix (`kubeassay.plan/v1`), and how applying them came out
//! - [`configuration`]: what a site configures in place of flags
//! - [`rule`]: rule documents: read, lint, select, evaluate
//! - [`explanation`]: how a component comes to the value of one setting

pub mod bytes;
pub mod changes;
mod component;
pub mod configuration;
pub mod duration;
pub mod explanation;
pub mod facts;
mod finding_id;
mod node_id;
pub mod origin;
pub mod plan;
pub mod report;
pub mod rule;
pub mod text;
pub mod transaction;
pub mod value;
pub mod verdict;

pub use bytes::Bytes;
pub use component::Component;
pub use finding_id::finding_id;
pub use node_id::node_id;
pub use origin::{Origin, OriginKind, Place};
pub use value::Value;
pub use verdict::{Cause, Horizon, Severity, Verdict, Witness};
