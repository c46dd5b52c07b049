//! What the files of a unit say together: assignments in order, later ones on top (systemd.service(5), systemd.exec(5)).

use std::collections::BTreeMap;
use std::sync::Arc;

use kubeassay_core::{Bytes, Cause};

use super::command::{self, Command, Refused};
use super::files::Stop;
use super::lines::{self, Assignment, Place};
use super::specifiers::Specifiers;
use super::words::{self, Grammar};

/// Settings of `[Service]` with which a process sees other files, or is another user with another environment. Their
/// value is a list or a path; an empty one takes it back.
const HIDING: [&str; 16] = [
    "RootDirectory",
    "RootImage",
    "RootImageOptions",
    "MountImages",
    "ExtensionImages",
    "ExtensionDirectories",
    "BindPaths",
    "BindReadOnlyPaths",
    "TemporaryFileSystem",
    "InaccessiblePaths",
    "InaccessibleDirectories",
    "NoExecPaths",
    "ExecSearchPath",
    "PAMName",
    "User",
    "Group",
];
/// Those that leave the files where they are, and may only keep the process from reading them.
const IDENTITY: [&str; 2] = ["User", "Group"];
/// The like, whose value may be a boolean that takes it back.
const SWITCHES: [&str; 4] = ["DynamicUser", "PrivateTmp", "ProtectHome", "PrivateUsers"];

/// Where an assignment stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    /// The file.
    pub(super) path: Arc<Bytes>,
    /// Where in it.
    pub(super) place: Place,
}

impl std::fmt::Display for Spot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.path, self.place.line)
    }
}

impl Spot {
    /// Returns that the next start cannot be told, because of what stands here.
    pub(super) fn stop(&self, cause: Cause, what: impl std::fmt::Display) -> Stop {
        Stop::because(cause, &self.path, format!("{self}: {what}"))
    }
}

/// A variable that was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variable {
    /// Its value.
    pub(super) value: Vec<u8>,
    /// Where.
    pub(super) spot: Spot,
}

/// An environment file that is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EnvironmentFile {
    /// Its path, or a pattern of paths.
    pub(super) path: Vec<u8>,
    /// It need not be there.
    pub(super) optional: bool,
    /// Where it is named.
    pub(super) spot: Spot,
}

/// A command, and where it and its words stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    /// The command.
    pub(super) command: Command,
    /// Where it stands.
    pub(super) spot: Spot,
    /// Where its value begins: byte of the file.
    pub(super) begins: usize,
    /// Where each of its words stands, and from which byte to which of the file.
    pub(super) places: Vec<(Place, (usize, usize))>,
}

/// A service as its files describe it.
#[derive(Debug, Default)]
pub(super) struct Service {
    pub(super) commands: Vec<Placed>,
    pub(super) environment: BTreeMap<Vec<u8>, Variable>,
    pub(super) environment_files: Vec<EnvironmentFile>,
    pub(super) unset: Vec<Vec<u8>>,
    pub(super) passed: BTreeMap<Vec<u8>, Spot>,
    pub(super) one_shot: bool,
    /// The folder, whether it need not be there, and where that is said.
    pub(super) folder: Option<(Vec<u8>, bool, Spot)>,
    hiding: BTreeMap<&'static str, Spot>,
    before: BTreeMap<Vec<u8>, Vec<Spot>>,
}

impl Service {
    /// Adds what one file says.
    pub(super) fn add(
        &mut self,
        path: &Bytes,
        content: &[u8],
        specifiers: &Specifiers,
    ) -> Result<(), Stop> {
        let shared = Arc::new(path.clone());
        let fault = |fault| Stop::fault(path, &fault);
        let lines = lines::join(content).map_err(fault)?;
        let (assignments, _) = lines::assignments(&lines).map_err(fault)?;
        for assignment in &assignments {
            let spot = Spot {
                path: Arc::clone(&shared),
                place: assignment.line.place(assignment.at),
            };
            match assignment.section {
                Some(b"Service") => self.set(assignment, spot, specifiers)?,
                Some(b"Unit") if is_condition(assignment.key) => self.precede(assignment, spot),
                _ => {}
            }
        }
        Ok(())
    }

    fn set(
        &mut self,
        assignment: &Assignment<'_>,
        spot: Spot,
        specifiers: &Specifiers,
    ) -> Result<(), Stop> {
        let value = assignment.value;
        match assignment.key {
            b"ExecStart" if value.is_empty() => self.commands.clear(),
            b"ExecStart" => self.start(assignment, &spot, specifiers)?,
            b"Environment" if value.is_empty() => self.environment.clear(),
            b"Environment" => self.set_variables(assignment, &spot, specifiers)?,
            b"EnvironmentFile" if value.is_empty() => self.environment_files.clear(),
            b"EnvironmentFile" => self.name_file(value, spot, specifiers)?,
            b"UnsetEnvironment" if value.is_empty() => self.unset.clear(),
            b"UnsetEnvironment" => {
                for name in names(assignment, &spot, specifiers)? {
                    if name.contains(&b'=') {
                        return Err(spot.stop(Cause::Unsupported, "UnsetEnvironment= takes one value of a variable away; take the variable away"));
                    }
                    self.unset.push(name);
                }
            }
            b"PassEnvironment" if value.is_empty() => self.passed.clear(),
            b"PassEnvironment" => {
                for name in names(assignment, &spot, specifiers)? {
                    self.passed.insert(name, spot.clone());
                }
            }
            b"Type" => {
                self.one_shot = match value {
                    b"oneshot" => true,
                    b"simple" | b"exec" | b"forking" | b"dbus" | b"notify" | b"notify-reload"
                    | b"idle" => false,
                    _ => {
                        return Err(spot.stop(
                            Cause::Unsupported,
                            "Type= is none that is known here; use `notify` or `simple`",
                        ));
                    }
                };
            }
            b"WorkingDirectory" => self.set_folder(value, spot, specifiers)?,
            b"ExecStartPre" | b"ExecCondition" => self.precede(assignment, spot),
            key => self.hide(key, value, spot),
        }
        Ok(())
    }

    fn start(
        &mut self,
        assignment: &Assignment<'_>,
        spot: &Spot,
        specifiers: &Specifiers,
    ) -> Result<(), Stop> {
        let commands =
            command::read(assignment.value, specifiers).map_err(|refused| match refused {
                Refused::By(what) => spot.stop(Cause::WouldRefuse, format!("ExecStart= {what}")),
                Refused::Unsupported(what) => {
                    spot.stop(Cause::Unsupported, format!("ExecStart= {what}"))
                }
                Refused::Specifier(letter) => untold(spot, "ExecStart", letter),
            })?;
        for command in commands {
            let line = assignment.line;
            let places = command.words.iter().map(|word| {
                let (start, end) = (assignment.at + word.start, assignment.at + word.end);
                // The end lies where the last byte of the word does, so that a line that follows does not count.
                (
                    line.place(start),
                    (line.source(start), line.source(end - 1) + 1),
                )
            });
            self.commands.push(Placed {
                places: places.collect(),
                spot: spot.clone(),
                begins: line.source(assignment.at),
                command,
            });
        }
        Ok(())
    }

    fn set_variables(
        &mut self,
        assignment: &Assignment<'_>,
        spot: &Spot,
        specifiers: &Specifiers,
    ) -> Result<(), Stop> {
        let words = words::split(assignment.value, Grammar::Strict).map_err(|_| {
            // systemd keeps the words before the fault and goes on.
            spot.stop(Cause::Unsupported, "Environment= has a quote that does not end or an unknown escape; systemd ignores the rest of the line, so mend it")
        })?;
        for word in words {
            let text = specifiers
                .expand(&word.text)
                .map_err(|letter| untold(spot, "Environment", letter.0))?;
            let Some((name, value)) = split_assignment(&text) else {
                continue;
            };
            let place = assignment.line.place(assignment.at + word.start);
            self.environment.insert(
                name.to_vec(),
                Variable {
                    value: value.to_vec(),
                    spot: Spot {
                        place,
                        ..spot.clone()
                    },
                },
            );
        }
        Ok(())
    }

    fn name_file(&mut self, value: &[u8], spot: Spot, specifiers: &Specifiers) -> Result<(), Stop> {
        let named = specifiers
            .expand(value)
            .map_err(|letter| untold(&spot, "EnvironmentFile", letter.0))?;
        let path = named.strip_prefix(b"-").unwrap_or(&named);
        if !path.starts_with(b"/") {
            return Err(spot.stop(Cause::Unsupported, "EnvironmentFile= has a relative path, which systemd ignores; make it absolute or remove the line"));
        }
        let mut parts = path.split(|byte| *byte == b'/');
        if parts.any(|part| part == b"..") {
            return Err(spot.stop(Cause::Unsupported, "EnvironmentFile= has `..` in its path, which systemd ignores; write the path without"));
        }
        let path = crate::path::clean(&Bytes::from(path)).into_vec();
        self.environment_files.push(EnvironmentFile {
            optional: named.starts_with(b"-"),
            path,
            spot,
        });
        Ok(())
    }

    fn set_folder(
        &mut self,
        value: &[u8],
        spot: Spot,
        specifiers: &Specifiers,
    ) -> Result<(), Stop> {
        if value.is_empty() {
            self.folder = None;
            return Ok(());
        }
        let named = specifiers
            .expand(value)
            .map_err(|letter| untold(&spot, "WorkingDirectory", letter.0))?;
        let path = named.strip_prefix(b"-").unwrap_or(&named);
        let mut parts = path.split(|byte| *byte == b'/');
        if !path.starts_with(b"/") || parts.any(|part| part == b"..") {
            return Err(spot.stop(
                Cause::Unsupported,
                "WorkingDirectory= is not a plain absolute path; write one",
            ));
        }
        self.folder = Some((path.to_vec(), named.starts_with(b"-"), spot));
        Ok(())
    }

    /// Notes what runs or is checked before the start.
    fn precede(&mut self, assignment: &Assignment<'_>, spot: Spot) {
        let spots = self.before.entry(assignment.key.to_vec()).or_default();
        if assignment.value.is_empty() {
            spots.clear();
        } else {
            spots.push(spot);
        }
    }

    fn hide(&mut self, key: &[u8], value: &[u8], spot: Spot) {
        let is_root = matches!(key, b"User" | b"Group") && matches!(value, b"root" | b"0");
        let find =
            |names: &[&'static str]| names.iter().copied().find(|name| name.as_bytes() == key);
        let (name, taken_back) = match (find(&HIDING), find(&SWITCHES)) {
            (Some(name), _) => (name, value.is_empty() || is_root),
            (_, Some(name)) => (name, value.is_empty() || is_false(value)),
            _ => return,
        };
        if taken_back {
            self.hiding.remove(name);
        } else {
            self.hiding.insert(name, spot);
        }
    }

    /// Returns why the process would see other files than the host, if it would.
    pub(super) fn check_sight(&self) -> Result<(), Stop> {
        let mut hiding = self
            .hiding
            .iter()
            .filter(|(name, _)| !IDENTITY.contains(name));
        hiding.next().map_or(Ok(()), |(name, spot)| {
            Err(spot.stop(
                Cause::Unsupported,
                format!("{name}= changes which files the service sees; what its next start reads is not decided then"),
            ))
        })
    }

    /// Returns what has to be taken for granted, a sentence each.
    pub(super) fn assumes(&self) -> Vec<String> {
        let identity = IDENTITY
            .iter()
            .filter_map(|name| self.hiding.get_key_value(name));
        let mut assumes: Vec<String> = identity
            .map(|(name, spot)| {
                format!("{name}= ({spot}) may read what the service is told to read")
            })
            .collect();
        for (key, spots) in &self.before {
            let key = Bytes::from(key.as_slice());
            for spot in spots {
                assumes.push(if is_condition(key.as_slice()) || key == "ExecCondition" {
                    format!("{key}= ({spot}) lets the service start")
                } else {
                    format!("{key}= ({spot}) does not change the configuration")
                });
            }
        }
        assumes
    }
}

fn is_condition(key: &[u8]) -> bool {
    key.starts_with(b"Condition") || key.starts_with(b"Assert")
}

fn is_false(value: &[u8]) -> bool {
    let value = value.to_ascii_lowercase();
    matches!(
        value.as_slice(),
        b"0" | b"no" | b"n" | b"false" | b"f" | b"off"
    )
}

fn untold(spot: &Spot, key: &str, letter: u8) -> Stop {
    let letter = Bytes::from(vec![letter]);
    spot.stop(
        Cause::Unsupported,
        format!("{key}= holds the specifier %{letter}, which the files do not tell; write what it stands for"),
    )
}

fn names(
    assignment: &Assignment<'_>,
    spot: &Spot,
    specifiers: &Specifiers,
) -> Result<Vec<Vec<u8>>, Stop> {
    let key = Bytes::from(assignment.key);
    let words = words::split(assignment.value, Grammar::Strict).map_err(|_| {
        spot.stop(
            Cause::Unsupported,
            format!("{key}= has a quote that does not end or an unknown escape; mend it"),
        )
    })?;
    words
        .into_iter()
        .map(|word| {
            specifiers
                .expand(&word.text)
                .map_err(|letter| untold(spot, &key.to_string(), letter.0))
        })
        .collect()
}

/// Returns name and value of an assignment whose name is one of a variable.
pub(super) fn split_assignment(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|byte| *byte == b'=')?;
    let (name, value) = (text.get(..at)?, text.get(at + 1..)?);
    let valid = is_variable(name) && std::str::from_utf8(value).is_ok();
    valid.then_some((name, value))
}

/// Returns whether a variable may be called so.
pub(super) fn is_variable(name: &[u8]) -> bool {
    !name.is_empty()
        && !name.first().is_some_and(u8::is_ascii_digit)
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}
