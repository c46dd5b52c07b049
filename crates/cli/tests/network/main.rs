//! The program beside kubelets and API servers that stand in for real ones on loopback: what it says of them, with
//! which exit code, and what it never shows.

#![expect(
    clippy::disallowed_methods,
    reason = "tests start the program, write files and wait"
)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what is not as it should be fails the test"
)]

mod canaries;
mod clusters;
mod ends;
mod kubelets;
mod lab;
mod objects;
mod publish;
mod real;
mod recipes;
mod usage;
mod verdicts;
