//! Kubelets are asked over loopback: what each answer becomes in facts, whom we trust, and what is never sent or shown.

#![expect(
    clippy::disallowed_methods,
    reason = "tests tell the time, and how long something took"
)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]
#![expect(clippy::too_many_lines, reason = "tables of cases are long")]

mod answers;
mod secrets;
mod targets;
mod trust;
mod world;
