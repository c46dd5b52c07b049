//! Findings to a plan, and a plan to a changed host: the only crate that writes to one.
//!
//! `findings ──plan──▶ plan ──apply──▶ collect again (verify, or roll back)`
//!
//! Planning is pure: [`plan`](planner::plan) makes of facts and findings the edits that mend them, and proves each by
//! resolving the facts as they will be. Applying is not: [`apply`](apply::apply) makes the plan again from fresh facts,
//! writes through a [`transaction`], starts the [`services`] again, looks whether it holds ([`verify`]), and undoes
//! everything where it does not.
//!
//! - [`planner`]: facts, findings and rules to a plan
//! - [`edit`]: new contents of files: configuration documents, unit files, environment files
//! - [`overlay`]: facts as if a file had been written already
//! - [`hunks`]: two contents to the lines that change, and back
//! - [`managers`]: who else writes a file, and what to give them instead
//! - [`preflight`]: what has to hold before anything is written
//! - [`transaction`]: the journal, replacing files so that a crash leaves no mixture, undoing
//! - [`services`]: systemd, asked over D-Bus or through systemctl
//! - [`verify`]: whether the restarted component is what was planned
//! - [`apply`]: all of it in order

pub mod apply;
pub mod edit;
#[doc(hidden)]
pub mod fuzzing;
pub mod hunks;
pub mod managers;
pub mod overlay;
pub mod planner;
pub mod preflight;
pub mod services;
pub mod transaction;
pub mod verify;
pub mod world;

pub use world::{Api, ClientName, NodeKubeconfig, Reach, Vouching, World};
