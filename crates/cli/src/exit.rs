//! Exit codes: the same for every command and format.

use std::process::ExitCode;

/// What the program says to the one who started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The verdict of a report: 0, 1 or 2.
    Gate(u8),
    /// Done.
    Success,
    /// Something that was checked is wrong: `rules lint` found errors.
    Findings,
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
            Self::Findings => 1,
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
