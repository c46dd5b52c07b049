//! What a release says of where it comes from: the commit, and the time that everything in it has.

use std::process::Command;

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use crate::crates::output;
use crate::generate::root;

/// Commit and time of a release. The clock is not asked: a release made tomorrow has the same bytes.
pub(super) struct Stamp {
    /// The commit; none where the folder has changes that no commit has.
    pub(super) commit: Option<String>,
    /// Seconds since 1970: `SOURCE_DATE_EPOCH`, else the time of the commit.
    pub(super) time: u64,
    /// The same as RFC 3339 has it.
    pub(super) created: String,
}

impl Stamp {
    /// Asks git and the environment.
    pub(super) fn ask() -> Result<Self> {
        let commit = git(&["rev-parse", "HEAD"])?;
        let changes = git(&["status", "--porcelain"])?;
        let time = match std::env::var("SOURCE_DATE_EPOCH") {
            Ok(time) => time,
            Err(_) => git(&["log", "-1", "--format=%ct"])?,
        };
        Self::new(changes.is_empty().then_some(commit), &time)
    }

    /// Returns the stamp of a commit and a time in seconds since 1970.
    fn new(commit: Option<String>, time: &str) -> Result<Self> {
        let time: u64 = time
            .parse()
            .with_context(|| format!("SOURCE_DATE_EPOCH is not a number of seconds: {time}"))?;
        let created = Timestamp::from_second(i64::try_from(time)?)?.to_string();
        Ok(Self {
            commit,
            time,
            created,
        })
    }
}

/// Returns the files that belong to the workspace, from its root: those that git has or would add.
pub(super) fn files() -> Result<Vec<String>> {
    let list = git(&[
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ])?;
    Ok(list.split_terminator('\0').map(str::to_owned).collect())
}

/// Returns what git prints, without the end of line.
fn git(arguments: &[&str]) -> Result<String> {
    let text = output(Command::new("git").current_dir(root()).args(arguments))?;
    Ok(text.trim_end_matches('\n').to_owned())
}

#[cfg(test)]
mod tests {
    use super::Stamp;

    #[test]
    fn time_is_written_as_rfc_3339_has_it() {
        let stamp = Stamp::new(None, "1700000000").unwrap();
        assert_eq!(stamp.created, "2023-11-14T22:13:20Z");
        assert_eq!(stamp.time, 1_700_000_000);
        for time in ["", "-1", "1.5", "soon", "99999999999999"] {
            assert!(Stamp::new(None, time).is_err(), "{time}");
        }
    }
}
