//! Exit codes: the same for every command and format.

use std::process::ExitCode;

use kubeassay_core::transaction::Outcome;

/// What the program says to the one who started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The verdict of a report: 0, 1 or 2.
    Gate(u8),
    /// Done.
    Success,
    /// Something that was checked is wrong: a page or a waiver that is linted, a report that is not the one that was signed.
    Findings,
    /// A plan has changes, and the user wants to be told by the exit code.
    Changes,
    /// What was asked for is not done, and everything is as before.
    Refused,
    /// Some of what was to be published is not: `report publish`.
    Unpublished,
    /// How a transaction came out: 0, 1, 3 or 4.
    Transaction(Outcome),
    /// The command line, a rule or a file named on it cannot be used (`EX_USAGE` of sysexits.h).
    Usage,
    /// A fault of this program (`EX_SOFTWARE` of sysexits.h).
    Internal,
}

impl Exit {
    /// Returns the number.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Gate(code) => code,
            Self::Success => 0,
            Self::Findings | Self::Refused | Self::Unpublished => 1,
            Self::Changes => 2,
            Self::Transaction(outcome) => outcome.exit_code(),
            Self::Usage => 64,
            Self::Internal => 70,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
