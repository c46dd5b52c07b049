//! What is wrong with a waiver, told apart by its kind.

use kubeassay_core::rule::Code;
use kubeassay_core::{Severity, Verdict};

/// What is wrong with a waiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Expired,
    Changed,
    Unused,
    TooBroad,
    Contradicting,
}

/// Something that is wrong with one waiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Notice {
    /// What.
    pub(super) kind: Kind,
    /// The waiver, by its place in the list.
    pub(super) entry: usize,
    /// The other waiver, where there is one.
    pub(super) other: Option<usize>,
    /// One sentence for a person.
    pub(super) reason: String,
}

impl Kind {
    pub(super) const fn code(self) -> Code {
        match self {
            Self::Expired => Code::WaiverExpired,
            Self::Changed => Code::WaiverChanged,
            Self::Unused => Code::WaiverUnused,
            Self::TooBroad => Code::WaiverTooBroad,
            Self::Contradicting => Code::WaiverContradicting,
        }
    }

    /// Returns the id of the rule that findings about it carry.
    pub(super) const fn rule(self) -> &'static str {
        self.code().as_str()
    }

    pub(super) const fn verdict(self) -> Verdict {
        match self {
            Self::Expired | Self::Changed => Verdict::Fail,
            Self::Unused | Self::TooBroad | Self::Contradicting => Verdict::Manual,
        }
    }

    pub(super) const fn severity(self) -> Severity {
        match self {
            // What it no longer covers counts with its own severity.
            Self::Expired | Self::Changed => Severity::Medium,
            Self::Unused | Self::TooBroad | Self::Contradicting => Severity::Low,
        }
    }

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Expired => "no waiver is needed after its last day",
            Self::Changed => "what a waiver accepts is what is there",
            Self::Unused => "every waiver is needed",
            Self::TooBroad => "a waiver covers what somebody looked at, and not for ever",
            Self::Contradicting => "waivers of the same finding agree",
        }
    }

    pub(super) const fn expected(self) -> &'static str {
        match self {
            Self::Expired => {
                "the deviation is mended by the last day of its waiver, or accepted anew"
            }
            Self::Changed => "the values are those that were accepted",
            Self::Unused => "something fails that the waiver covers",
            Self::TooBroad => "the waiver names nodes or a subject, and ends within 400 days",
            Self::Contradicting => "owner, last day and values are the same",
        }
    }

    pub(super) const fn remediation(self) -> &'static str {
        match self {
            Self::Expired => {
                "Mend what it covers; or let its owner decide again and write a new last day. Remove the waiver once nothing needs it."
            }
            Self::Changed => {
                "Find out who changed the value. Put it back or mend it; where the new value is accepted as well, write it into `observed` with the reason for it."
            }
            Self::Unused => "Remove the waiver: what it accepts would come back unseen.",
            Self::TooBroad => {
                "Name the nodes, the cluster or the subject that were looked at, and a last day within 400 days."
            }
            Self::Contradicting => {
                "Keep one of the two, or let them say the same. Until then the narrower one holds; of two that are as narrow, the one that ends first, else the one that stands first."
            }
        }
    }

    /// Returns what to do, in a few words, for a diagnostic.
    pub(super) const fn help(self) -> &'static str {
        match self {
            Self::Expired => "mend what it covers, or let its owner decide again",
            Self::Changed => "find out who changed the value; mend it, or accept the new one",
            Self::Unused => "remove the waiver",
            Self::TooBroad => "name nodes or a subject, and a last day within 400 days",
            Self::Contradicting => "keep one of the two, or let them say the same",
        }
    }
}
