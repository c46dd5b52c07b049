//! The next start of a service: program, arguments, environment, and where each of them stands.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kubeassay_core::facts::{FileKind, NeedKind};
use kubeassay_core::{Bytes, Cause, Origin, OriginKind};

use super::environment_file;
use super::expansion;
use super::files::{Files, Found, Stop};
use super::lines::Place;
use super::search;
use super::service::{EnvironmentFile, Placed, Service, Spot, Variable, is_variable};
use super::specifiers::Specifiers;
use super::{Argument, NextStart};
use crate::kubelet::DROP_IN_VARIABLE;
use crate::path;

/// Where systemd looks for a program that is named without a path.
const PROGRAM_FOLDERS: [&str; 6] = [
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
];
/// Variables that systemd itself may set for a service (systemd.exec(5), "Environment variables set or propagated").
const SET_BY_SYSTEMD: [&str; 32] = [
    "PATH",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "USER",
    "LOGNAME",
    "HOME",
    "SHELL",
    "INVOCATION_ID",
    "XDG_RUNTIME_DIR",
    "RUNTIME_DIRECTORY",
    "STATE_DIRECTORY",
    "CACHE_DIRECTORY",
    "LOGS_DIRECTORY",
    "CONFIGURATION_DIRECTORY",
    "CREDENTIALS_DIRECTORY",
    "MAINPID",
    "MANAGERPID",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "SYSTEMD_EXEC_PID",
    "TERM",
    "JOURNAL_STREAM",
    "LOG_NAMESPACE",
    "PIDFILE",
    "MEMORY_PRESSURE_WATCH",
    "MEMORY_PRESSURE_WRITE",
];
/// The most environment files.
const MOST_FILES: usize = 64;
/// The most arguments, and the most bytes of them (the kernel's own limit is near).
const MOST_ARGUMENTS: usize = 1 << 14;
const MOST_BYTES: usize = 1 << 21;

/// The next start, and what it is made of.
pub(super) struct Resolved {
    pub(super) next: NextStart,
    /// The command.
    pub(super) command: Placed,
    /// Of each argument the word that it comes from.
    pub(super) words: Vec<usize>,
    /// The variables that the command expands, with the place of the assignment that counts.
    pub(super) expanded: BTreeMap<Vec<u8>, Spot>,
    /// Which word of the command expands which of them.
    pub(super) uses: BTreeSet<(usize, Vec<u8>)>,
    /// The files that are units, and those that are environment files.
    pub(super) units: Vec<Bytes>,
    pub(super) environment_files: Vec<Bytes>,
    /// The specifiers of the unit.
    pub(super) specifiers: Specifiers,
}

/// Resolves the service called `name` from its files.
pub(super) fn resolve(files: &mut Files<'_>, name: &Bytes) -> Result<Resolved, Stop> {
    let unit = search::find(files, name)?;
    let specifiers = Specifiers {
        name: (!unit.has_aliases).then(|| unit.name.clone()),
    };
    let mut service = Service::default();
    for (path, content) in &unit.parts {
        service.add(path, content, &specifiers)?;
    }
    let (fragment, _) = unit.parts.first().ok_or(Stop::Wanted)?;
    let command = command_of(&service, name, fragment)?.clone();
    service.check_sight()?;
    let mut environment = service.environment.clone();
    let environment_files = load(files, &service.environment_files, &mut environment)?;
    for name in &service.unset {
        environment.remove(name);
    }
    let cwd = folder(files, &service)?;
    let executable = executable(files, &command)?;
    let mut expansion = Expansion {
        service: &service,
        environment: &environment,
        expanded: BTreeMap::new(),
        uses: BTreeSet::new(),
        unset: BTreeSet::new(),
    };
    let (arguments, words) = expansion.arguments(&command)?;
    if let Some(spot) = service.passed.get(DROP_IN_VARIABLE.as_bytes())
        && !environment.contains_key(DROP_IN_VARIABLE.as_bytes())
    {
        return Err(spot.stop(Cause::Unsupported, format!("PassEnvironment= passes {DROP_IN_VARIABLE}, which the files do not tell; set it with Environment=")));
    }
    let mut assumes = service.assumes();
    for name in &expansion.unset {
        assumes.push(format!(
            "systemd's own environment does not hold {name}, which {} expands and no file sets",
            command.spot
        ));
    }
    let (expanded, uses) = (expansion.expanded, expansion.uses);
    let mut values = BTreeMap::new();
    let mut variables = BTreeMap::new();
    for (name, Variable { value, spot }) in environment {
        if let Ok(name) = String::from_utf8(name) {
            let place = origin(OriginKind::Environment, &spot.path, spot.place);
            let origin = Origin {
                variable: Some(Arc::from(name.as_str())),
                ..place
            };
            variables.insert(name.clone(), Arc::new(origin));
            values.insert(name, Bytes::from(value));
        }
    }
    Ok(Resolved {
        next: NextStart {
            arguments,
            executable,
            variables,
            environment: values,
            cwd,
            assumes,
        },
        command,
        words,
        expanded,
        uses,
        units: unit.parts.into_iter().map(|(path, _)| path).collect(),
        environment_files,
        specifiers,
    })
}

/// Returns the one command of a service.
fn command_of<'s>(
    service: &'s Service,
    name: &Bytes,
    fragment: &Bytes,
) -> Result<&'s Placed, Stop> {
    match service.commands.as_slice() {
        [command] => Ok(command),
        [] => Err(Stop::because(
            Cause::Missing,
            fragment,
            format!("{name} has no ExecStart= in {fragment} or its drop-ins, so systemd starts nothing; add one"),
        )),
        [_, second, ..] if service.one_shot => Err(second.spot.stop(
            Cause::Unsupported,
            "ExecStart= is the second command of a Type=oneshot service; which of them is the component is not decided",
        )),
        [_, second, ..] => Err(second.spot.stop(
            Cause::WouldRefuse,
            "ExecStart= is the second command, which systemd refuses unless Type=oneshot; put an empty ExecStart= before it",
        )),
    }
}

/// Reads the environment files onto `environment`; returns their paths.
fn load(
    files: &mut Files<'_>,
    named: &[EnvironmentFile],
    environment: &mut BTreeMap<Vec<u8>, Variable>,
) -> Result<Vec<Bytes>, Stop> {
    if let Some(last) = named.get(MOST_FILES) {
        return Err(last.spot.stop(
            Cause::TooLarge,
            format!("EnvironmentFile= names more than {MOST_FILES} files; join some"),
        ));
    }
    let mut paths = Vec::new();
    for file in named {
        for path in matches(files, file)? {
            if paths.len() >= MOST_FILES {
                return Err(file.spot.stop(
                    Cause::TooLarge,
                    format!("EnvironmentFile= names more than {MOST_FILES} files; join some"),
                ));
            }
            paths.push((path, file));
        }
    }
    files.ask(NeedKind::Content, paths.iter().map(|(path, _)| path))?;
    for (path, file) in &paths {
        let settings = match files.read(path)? {
            Found::Content(content) => environment_file::read(content),
            Found::Device => continue,
            Found::Missing if file.optional => continue,
            Found::Missing => {
                return Err(file.spot.stop(Cause::Missing, format!("EnvironmentFile={path} is not there, so the service does not start; restore it, or put a `-` before its path")));
            }
        };
        let settings = match settings {
            Ok(settings) => settings,
            // systemd takes the file for missing.
            Err(fault) if fault.refused && file.optional => continue,
            Err(fault) => return Err(Stop::fault(path, &fault)),
        };
        let shared = Arc::new(path.clone());
        for setting in settings.settings {
            if !is_variable(&setting.name) {
                continue;
            }
            let place = Place {
                line: setting.line,
                column: 1,
            };
            let spot = Spot {
                path: Arc::clone(&shared),
                place,
            };
            environment.insert(
                setting.name,
                Variable {
                    value: setting.value,
                    spot,
                },
            );
        }
    }
    Ok(paths.into_iter().map(|(path, _)| path).collect())
}

/// Returns the paths that an environment file's pattern matches, in order.
fn matches(files: &mut Files<'_>, file: &EnvironmentFile) -> Result<Vec<Bytes>, Stop> {
    let path = Bytes::from(file.path.as_slice());
    let is_magic = |bytes: &[u8]| bytes.iter().any(|byte| b"*?[\\".contains(byte));
    if !is_magic(path.as_slice()) {
        return Ok(vec![path]);
    }
    let pattern = path::name(&path);
    let folder = path::parent(&path);
    if is_magic(folder.as_slice()) || pattern.iter().any(|byte| b"[\\".contains(byte)) {
        return Err(file.spot.stop(Cause::Unsupported, "EnvironmentFile= has a pattern other than `*` and `?` in the file's name; write out the paths"));
    }
    let listing = Bytes::from([folder.as_slice(), b"/"].concat());
    let mut names: Vec<&[u8]> = files
        .list(&listing)?
        .iter()
        .map(|entry| entry.name.as_slice())
        .filter(|name| {
            is_match(pattern, name) && (!name.starts_with(b".") || pattern.starts_with(b"."))
        })
        .collect();
    names.sort_unstable();
    if names.is_empty() && !file.optional {
        return Err(file.spot.stop(Cause::Missing, format!("EnvironmentFile={path} matches no file, so the service does not start; restore one, or put a `-` before its path")));
    }
    Ok(names
        .into_iter()
        .map(|name| path::join(&folder, &Bytes::from(name)))
        .collect())
}

/// Returns whether a name matches a pattern of `*` and `?`.
fn is_match(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(byte) if *byte == b'?' || Some(byte) == name.get(n) => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, from)) = star else { return false };
                star = Some((at, from + 1));
                p = at + 1;
                n = from + 1;
            }
        }
    }
    pattern
        .get(p..)
        .unwrap_or_default()
        .iter()
        .all(|byte| *byte == b'*')
}

/// Returns the working directory.
fn folder(files: &mut Files<'_>, service: &Service) -> Result<Bytes, Stop> {
    let Some((folder, optional, spot)) = &service.folder else {
        return Ok(Bytes::from("/"));
    };
    let folder = path::clean(&Bytes::from(folder.as_slice()));
    match files.presence(&folder)? {
        Some(_) => Ok(folder),
        None if *optional => Ok(Bytes::from("/")),
        None => Err(spot.stop(
            Cause::Missing,
            format!(
                "WorkingDirectory={folder} is not there, so the service does not start; make it"
            ),
        )),
    }
}

/// Returns the file that is executed.
fn executable(files: &mut Files<'_>, command: &Placed) -> Result<Bytes, Stop> {
    let program = Bytes::from(command.command.program.as_slice());
    if program.as_slice().starts_with(b"/") {
        return Ok(path::clean(&program));
    }
    let paths = PROGRAM_FOLDERS.map(|folder| path::join(&Bytes::from(folder), &program));
    files.ask(NeedKind::Presence, &paths)?;
    for path in &paths {
        let Some(facts) = files.presence(path)? else {
            continue;
        };
        let may_run = facts.mode.is_none_or(|mode| mode & 0o111 != 0);
        if facts.kind.is_none_or(|kind| kind == FileKind::Regular) && may_run {
            return Ok(path.clone());
        }
    }
    Err(command.spot.stop(Cause::Missing, format!("ExecStart= names {program}, which is in none of systemd's folders of programs; write its path")))
}

struct Expansion<'s> {
    service: &'s Service,
    environment: &'s BTreeMap<Vec<u8>, Variable>,
    expanded: BTreeMap<Vec<u8>, Spot>,
    uses: BTreeSet<(usize, Vec<u8>)>,
    unset: BTreeSet<Bytes>,
}

impl Expansion<'_> {
    fn arguments(&mut self, placed: &Placed) -> Result<(Vec<Argument>, Vec<usize>), Stop> {
        let mut arguments = Vec::new();
        let mut words = Vec::new();
        let mut bytes = 0;
        for (index, (word, (place, _))) in
            placed.command.words.iter().zip(&placed.places).enumerate()
        {
            let parts = if placed.command.expands {
                expansion::expand(&word.text, |name| self.value(index, name, &placed.spot))?
            } else {
                vec![expansion::Part {
                    text: word.text.clone(),
                    variable: None,
                }]
            };
            for part in parts {
                bytes += part.text.len();
                if arguments.len() >= MOST_ARGUMENTS || bytes > MOST_BYTES {
                    return Err(placed.spot.stop(
                        Cause::TooLarge,
                        "ExecStart= has more arguments than the kernel takes; shorten it",
                    ));
                }
                let spot = part
                    .variable
                    .as_ref()
                    .and_then(|name| self.expanded.get(name));
                let origin = match (spot, &part.variable) {
                    (Some(spot), Some(name)) => Origin {
                        variable: Some(Arc::from(String::from_utf8_lossy(name).as_ref())),
                        ..origin(OriginKind::Environment, &spot.path, spot.place)
                    },
                    _ => origin(OriginKind::Unit, &placed.spot.path, *place),
                };
                words.push(index);
                arguments.push(Argument {
                    text: Bytes::from(part.text),
                    origin: Arc::new(origin),
                });
            }
        }
        if arguments.is_empty() {
            return Err(placed.spot.stop(Cause::WouldRefuse, "ExecStart= is left without any argument when its variables are expanded; name the program"));
        }
        Ok((arguments, words))
    }

    fn value(&mut self, word: usize, name: &[u8], command: &Spot) -> Result<Option<Vec<u8>>, Stop> {
        if let Some(variable) = self.environment.get(name) {
            self.uses.insert((word, name.to_vec()));
            self.expanded.insert(name.to_vec(), variable.spot.clone());
            return Ok(Some(variable.value.clone()));
        }
        if !is_variable(name) || self.service.unset.iter().any(|unset| unset == name) {
            return Ok(None);
        }
        let shown = Bytes::from(name);
        if let Some(spot) = self.service.passed.get(name) {
            return Err(spot.stop(Cause::Unsupported, format!("PassEnvironment= passes {shown}, which ExecStart= expands and the files do not tell; set it with Environment=")));
        }
        if SET_BY_SYSTEMD.iter().any(|set| set.as_bytes() == name) {
            return Err(command.stop(Cause::Unsupported, format!("ExecStart= expands {shown}, which systemd sets itself; set it with Environment=")));
        }
        self.unset.insert(shown);
        Ok(None)
    }
}

fn origin(kind: OriginKind, path: &Arc<Bytes>, place: Place) -> Origin {
    Origin::file(kind, Arc::clone(path), place.line, place.column)
}
