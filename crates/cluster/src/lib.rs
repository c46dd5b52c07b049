//! Asks the Kubernetes API and the endpoints of kubelets, and hands back facts; writes reports there, where that is asked
//! for ([`publish`]).
//!
//! The only crate that asks over the network, and the only one with async in it: its functions block on a
//! current-thread runtime that starts when one of them is called.

mod api;
pub mod certificate;
pub mod credentials;
pub mod exec_plugin;
pub mod fleet;
#[doc(hidden)]
pub mod fuzzing;
mod http;
pub mod identity;
pub mod interrupt;
pub mod kubeconfig;
pub mod kubelet;
pub mod names;
pub mod one_node;
pub mod publish;
pub mod rbac;
mod runtime;
pub mod tls;

pub use http::Timeouts;
