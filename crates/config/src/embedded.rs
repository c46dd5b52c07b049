//! Programs that run components inside themselves (k3s, `MicroK8s`' kubelite, `MicroShift`): what each component inside
//! is given, worked out from the program's own files.
//!
//! A component inside has no process and no command line of its own. It is given one here: the arguments that the
//! program makes of its configuration, each with the place it comes from, so that everything else is resolved as
//! if it were a process.

mod k3s;
mod kubelite;
mod microshift;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use kubeassay_core::facts::{FileFacts, Need, NeedKind, ProcessFacts};
use kubeassay_core::{Bytes, Cause, Component, Origin, OriginKind};

use crate::secrets;
use crate::setting::Unknown;
use crate::sources::{Documents, Files, Loaded, When};
use crate::tables::Minor;

/// A component that runs inside another program.
#[derive(Clone, Debug)]
pub struct Inside {
    /// Which one.
    pub component: Component,
    /// Its arguments, a name first, as the program gives them to it.
    pub argv: Vec<Bytes>,
    /// Where each of them comes from.
    pub origins: Vec<Arc<Origin>>,
    /// The program's own files that say what it is given, in the order in which they are read.
    pub read: Vec<Bytes>,
    /// Files that the program makes for it as it starts, with what will stand in them: they take the place of what was
    /// read there.
    pub files: Vec<FileFacts>,
}

/// What runs inside a program.
#[derive(Clone, Debug, Default)]
pub struct Embedded {
    /// The components, in the order of [`Component::ALL`].
    pub inside: Vec<Inside>,
    /// Why what runs inside, or what it is given, cannot be told.
    pub unknown: Option<Unknown>,
    /// What stands in `inside` may not be all that is given, and is only good for asking which files are read.
    pub for_asking: bool,
    /// Files that the facts do not hold yet.
    pub needs: Vec<Need>,
    /// What was taken for granted.
    pub assumes: Vec<String>,
}

impl Embedded {
    fn unknown(unknown: Unknown, needs: Vec<Need>) -> Self {
        Self {
            unknown: Some(unknown),
            needs,
            ..Self::default()
        }
    }
}

/// The release of a distribution's program, which decides what it gives to what runs inside.
#[derive(Clone, Copy, Debug)]
pub struct Release {
    /// The minor of Kubernetes in it.
    pub minor: Minor,
    /// The patch, where it is known.
    pub patch: Option<u16>,
}

/// Returns whether an origin is a distribution's: what its program gives to a component where nobody says otherwise.
pub fn is_given(origin: &Origin) -> bool {
    let programs = ["k3s ", "MicroShift "];
    let of_program = |version: &str| programs.iter().any(|name| version.starts_with(name));
    origin.kind == OriginKind::Default && origin.version.as_deref().is_some_and(of_program)
}

/// Returns what runs inside `process`, a distribution's own program of `release`, by what its arguments and files say.
///
/// `origins` says where each argument of the process comes from; empty where the process itself has them.
pub fn components(
    process: &ProcessFacts,
    origins: &[Arc<Origin>],
    release: Release,
    when: When,
) -> Embedded {
    match program(process) {
        Some("k3s" | "k3s-server" | "k3s-agent") => {
            k3s::components(process, origins, release, when)
        }
        Some("kubelite") => kubelite::components(process, when),
        Some("microshift") => microshift::components(process, release, when),
        name => Embedded::unknown(
            Unknown {
                cause: Cause::Unsupported,
                reason: format!(
                    "what runs inside {} cannot be worked out; ask the kubelet itself: kubectl get --raw /api/v1/nodes/NODE/proxy/configz",
                    name.unwrap_or("this program")
                ),
                path: process.exe.clone(),
            },
            Vec::new(),
        ),
    }
}

/// Returns the name of a program.
fn program(process: &ProcessFacts) -> Option<&str> {
    let path = process.exe.as_ref().or(process.argv.first())?;
    // k3s writes `k3s server` in the place of its name.
    let name = path.as_str()?.rsplit('/').next()?;
    name.split(' ').next()
}

/// Returns where an argument at `index` comes from.
fn origin_of(argv: &[Bytes], origins: &[Arc<Origin>], index: usize) -> Arc<Origin> {
    origins.get(index).cloned().unwrap_or_else(|| {
        Arc::new(Origin {
            index: u32::try_from(index).ok(),
            text: argv.get(index).cloned().map(Arc::new),
            ..Origin::new(OriginKind::Flag)
        })
    })
}

/// Returns the content of the file at `path`, which must have been read as it was; `None` where it is not there.
fn content<'a>(
    files: &mut Files<'a>,
    process: &'a ProcessFacts,
    path: &Bytes,
) -> Result<Option<&'a FileFacts>, Unknown> {
    let need = Need {
        what: NeedKind::Content,
        path: path.clone(),
    };
    // Loading notes what is missing, and what changed since.
    let loaded = files.load(path, OriginKind::File);
    let Some(file) = process.file(&need) else {
        return Err(unread(path));
    };
    match (&file.problem, loaded) {
        (Some(trouble), _) if trouble.cause == Cause::Missing => Ok(None),
        (Some(trouble), _) => Err(Unknown::unread(path, trouble)),
        (None, Loaded::Unknown(unknown)) => Err(unknown),
        (None, _) if file.content.as_ref().is_some_and(secrets::is_withheld) => Err(Unknown {
            cause: Cause::ParseError,
            reason: format!("{path} is not understood, and may hold secrets: it was not kept"),
            path: Some(path.clone()),
        }),
        (None, _) => Ok(Some(file)),
    }
}

fn unread(path: &Bytes) -> Unknown {
    Unknown {
        cause: Cause::Missing,
        reason: format!("{path} is not in the facts"),
        path: Some(path.clone()),
    }
}

/// Returns the files of a process, to be read as they were.
fn files<'a>(documents: &'a Documents<'a>, when: When) -> Files<'a> {
    Files::new(documents, when)
}
