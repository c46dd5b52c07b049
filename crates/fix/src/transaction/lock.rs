//! The lock of a host.

/// Nobody else changes this host while it lives.
#[derive(Debug)]
pub struct Lock {}
