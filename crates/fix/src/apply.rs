//! Applying a plan: made again, checked, written, started, verified, or undone.
