//! One list while it is read: what to ask next, and what an answer comes to.

use std::collections::VecDeque;

use kubeassay_core::facts::Trouble;
use kubeassay_core::facts::objects::{
    Builder, Counted, DecodeError, InDefault, Kind, Listing, Page as Read,
};
use kubeassay_core::verdict::Cause;

use super::super::Progress;
use crate::api::{ApiError, List, Page};

/// How many objects a page holds, and how many after one was larger than may be.
const LIMITS: [usize; 3] = [500, 50, 5];
/// How often a list that expired is begun again.
const MOST_RESTARTS: u32 = 3;
/// How many pages in a row may be empty and promise more.
const MOST_EMPTY: u32 = 20;

/// What a list is for.
#[derive(Clone, Debug)]
enum Target {
    /// Records of its objects.
    List(&'static Listing),
    /// The number of its objects by namespace; its name (`plural.group`).
    Counted(String),
    /// The names of its objects in the namespace `default`.
    InDefault(&'static InDefault),
}

/// A list.
#[derive(Debug)]
pub(super) struct Task {
    target: Target,
    /// Where it may be: what is served in no version of the first is asked for in the next.
    places: VecDeque<List>,
    /// An API server may not know it.
    optional: bool,
    /// What the next page continues with.
    from: Option<String>,
    /// The place in [`LIMITS`].
    limit: usize,
    restarts: u32,
    empty: u32,
    read: usize,
    remaining: Option<u64>,
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Turn {
    /// Another page.
    More,
    /// Nothing: it was read whole, or why not.
    Done(Result<(), Trouble>),
}

impl Task {
    /// Reads the records of a list.
    pub(super) fn list(listing: &'static Listing) -> Self {
        let place = List {
            what: format!("list {}", full_name(listing.resource, listing.group)),
            path: listing.path.to_owned(),
            metadata: listing.metadata_only,
        };
        Self::new(Target::List(listing), [place], listing.optional)
    }

    /// Counts the objects of a resource that is served in this version.
    pub(super) fn counted(counted: &Counted, version: &str) -> Self {
        let name = counted.name();
        let place = List {
            what: format!("list {name}"),
            path: format!("/apis/{}/{version}/{}", counted.group, counted.resource),
            metadata: true,
        };
        // What was served a moment ago and is gone has no objects.
        Self::new(Target::Counted(name), [place], true)
    }

    /// Reads the names of a kind's objects in the namespace `default`: in the version that is served, or in one that may
    /// be, where that is not known.
    pub(super) fn in_default(one: &'static InDefault, version: Option<&str>) -> Self {
        let place = |version: &str| List {
            what: format!(
                "list {} in the namespace default",
                full_name(one.resource, one.group)
            ),
            path: one.path(version),
            metadata: true,
        };
        let target = Target::InDefault(one);
        let versions = version.as_slice();
        let versions = if versions.is_empty() {
            one.versions
        } else {
            versions
        };
        let places = versions.iter().map(|version| place(version));
        Self::new(target, places, one.optional)
    }

    fn new(target: Target, places: impl IntoIterator<Item = List>, optional: bool) -> Self {
        Self {
            target,
            places: places.into_iter().collect(),
            optional,
            from: None,
            limit: 0,
            restarts: 0,
            empty: 0,
            read: 0,
            remaining: None,
        }
    }

    /// Returns the kind of list, if it is no counted one.
    pub(super) const fn kind(&self) -> Option<Kind> {
        match &self.target {
            Target::List(listing) => Some(listing.kind),
            Target::InDefault(_) => Some(Kind::InDefault),
            Target::Counted(_) => None,
        }
    }

    /// Returns the name of a resource that is only counted.
    pub(super) fn counted_name(&self) -> Option<&str> {
        match &self.target {
            Target::Counted(name) => Some(name),
            Target::List(_) | Target::InDefault(_) => None,
        }
    }

    /// Returns what its objects are called.
    pub(super) fn said(&self) -> String {
        match &self.target {
            Target::List(listing) => listing.resource.to_owned(),
            Target::Counted(name) => name.clone(),
            Target::InDefault(one) => format!("{} in the namespace default", one.resource),
        }
    }

    /// Returns how far it is.
    pub(super) fn progress(&self) -> Progress {
        Progress {
            what: self.said(),
            read: self.read,
            remaining: self.remaining,
        }
    }

    /// Returns the list that is asked for.
    pub(super) fn wanted(&self) -> List {
        self.places.front().cloned().unwrap_or_default()
    }

    /// Returns the page of it that is next.
    pub(super) fn page(&self) -> Page {
        Page {
            limit: LIMITS.get(self.limit).copied().unwrap_or(1),
            from: self.from.clone(),
        }
    }

    /// Takes an answer.
    pub(super) fn turn(
        &mut self,
        builder: &mut Builder,
        answer: Result<Vec<u8>, ApiError>,
    ) -> Turn {
        match answer {
            Ok(body) => match self.add(builder, &body) {
                Ok(page) => self.took(page),
                Err(DecodeError(trouble)) => Turn::Done(Err(self.misread(trouble))),
            },
            // The server has forgotten that state of the list: what is there now is another one.
            Err(error) if error.status() == Some(410) && self.restarts < MOST_RESTARTS => {
                self.forget(builder);
                self.restarts += 1;
                self.from = None;
                self.read = 0;
                self.remaining = None;
                Turn::More
            }
            // What to continue with says nothing of how many come.
            Err(error) if error.is_too_large() && self.limit + 1 < LIMITS.len() => {
                self.limit += 1;
                Turn::More
            }
            Err(error) if error.status() == Some(404) && self.from.is_none() => {
                if self.places.len() > 1 {
                    self.places.pop_front();
                    return Turn::More;
                }
                let missing = || Err(error.trouble());
                Turn::Done(if self.optional { Ok(()) } else { missing() })
            }
            Err(error) => Turn::Done(Err(self.broke_off(error.trouble()))),
        }
    }

    fn took(&mut self, page: Read) -> Turn {
        self.read = self.read.saturating_add(page.items);
        self.remaining = page.remaining;
        self.from = page.next;
        self.empty = if page.items == 0 { self.empty + 1 } else { 0 };
        if self.from.is_none() {
            return Turn::Done(Ok(()));
        }
        if self.empty > MOST_EMPTY {
            return Turn::Done(Err(Trouble {
                cause: Cause::TooLarge,
                reason: format!(
                    "the list of {} does not end: {} pages in a row were empty",
                    self.said(),
                    self.empty
                ),
            }));
        }
        Turn::More
    }

    fn add(&self, builder: &mut Builder, body: &[u8]) -> Result<Read, DecodeError> {
        match &self.target {
            Target::List(listing) => builder.page(listing.kind, body),
            Target::Counted(name) => builder.counted(name, body),
            Target::InDefault(one) => builder.default_page(one.kind, body),
        }
    }

    fn forget(&self, builder: &mut Builder) {
        match &self.target {
            Target::List(listing) => builder.forget(listing.kind),
            Target::Counted(name) => builder.forget_counted(name),
            Target::InDefault(one) => builder.forget_default(one.kind),
        }
    }

    /// Says of what was not understood which list it is.
    fn misread(&self, trouble: Trouble) -> Trouble {
        let Trouble { cause, reason } = trouble;
        let said = self.said();
        let reason = match cause {
            Cause::TooLarge => format!("not all {said} are read: {reason}"),
            _ => {
                format!("what the API server sent as a list of {said} is not understood: {reason}")
            }
        };
        self.broke_off(Trouble { cause, reason })
    }

    fn broke_off(&self, trouble: Trouble) -> Trouble {
        if self.read == 0 {
            return trouble;
        }
        let reason = format!(
            "the list of {} broke off after {}: {}",
            self.said(),
            self.read,
            trouble.reason
        );
        Trouble { reason, ..trouble }
    }
}

/// Returns a resource with its group, as kubectl writes it: `deployments.apps`.
fn full_name(resource: &str, group: &str) -> String {
    match group {
        "" => resource.to_owned(),
        group => format!("{resource}.{group}"),
    }
}
