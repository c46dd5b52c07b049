//! The readers: a text becomes the tree that a kubelet would decode, or the error that it would give.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::format_collect,
    reason = "a test that fails may panic, and need not be fast"
)]

#[path = "readers/golden.rs"]
mod golden;
#[path = "readers/limits.rs"]
mod limits;
#[path = "readers/places.rs"]
mod places;
#[path = "readers/properties.rs"]
mod properties;
#[path = "readers/show.rs"]
mod show;
