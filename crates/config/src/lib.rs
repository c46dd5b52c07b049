//! How Kubernetes components read their configuration: readers, flags, defaults, layers, provenance.
//!
//! Pure: facts in, effective configuration out, and the files that are still needed for it.
//!
//! - [`tree`], [`yaml`], [`json`], [`toml`], [`text`]: what a file says, with positions
//! - [`tables`]: every flag and field of a component by version
//! - [`flags`]: the command line
//! - [`setting`]: a value with its provenance
//! - [`node`], [`merge`]: what a file says with origins, and how drop-ins are merged onto it
//! - [`kubelet`]: the layers of the kubelet, resolved
//! - [`resolution`]: what a component makes of them all
//! - [`components`], [`embedded`]: the other components, and programs that several of them run inside of
//! - [`manifests`]: static pods, and what they start
//! - [`units`]: the services of systemd, and what their next start will be
//! - [`secrets`]: what must not reach facts or reports

mod ciphers;
mod recent;
mod settings;
mod sources;

pub mod components;
pub mod embedded;
pub mod excerpt;
pub mod flags;
pub mod json;
pub mod kubelet;
pub mod manifests;
pub mod merge;
pub mod node;
pub mod path;
pub mod refusal;
pub mod resolution;
pub mod secrets;
pub mod setting;
pub mod tables;
pub mod text;
pub mod toml;
pub mod tree;
pub mod units;
pub mod yaml;

pub use path::absolute;
