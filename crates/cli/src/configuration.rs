//! `kubeassay.yaml` and the variables of the same meaning: what they say is put where the user's own flags would stand.
//!
//! A flag wins over a variable, a variable over the file, the file over the default. Since a configured value becomes the
//! flag it stands for, no command knows where a value came from, and none can treat two of them differently.

use std::ffi::OsString;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use anyhow::{Context as _, anyhow, bail};
use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use kubeassay_core::configuration::{Given, KEYS, Key, KeyKind, MAX_CONFIGURATION, read};
use kubeassay_core::report::{FailOn, MaxUnknown, Percent};
use kubeassay_core::rule::{Benchmark, RenderStyle};
use serde::Serialize;

use crate::args::Wanted;
use crate::evidence::{limited, open};
use crate::messages::Messages;

/// Names the file.
const VARIABLE: &str = "KUBEASSAY_CONFIG";

/// Where a machine's administrator puts it.
const OF_THE_MACHINE: &str = "/etc/kubeassay/kubeassay.yaml";

/// Where a project has it.
const OF_THE_FOLDER: &str = "kubeassay.yaml";

/// The bits with which others write a file.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// The bit with which a folder that others write keeps files from being replaced by them.
const STICKY: u32 = 0o1000;

/// The commands that a configuration is for.
const COMMANDS: &[&str] = &[
    "scan", "explain", "fix", "rules", "render", "diff", "waivers",
];

/// The only one whose `--output` is configured: what others write, somebody asks for on the spot.
const WITH_OUTPUTS: &str = "scan";

/// What there is beside the command line.
#[derive(Debug, Default)]
pub(crate) struct Configuration {
    file: Option<(PathBuf, Vec<Given>)>,
}

/// A value and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Layer {
    /// The texts; none for choices that stand in the file itself.
    pub(crate) value: Vec<String>,
    /// A flag, a variable, `FILE:LINE`, or `default`.
    pub(crate) origin: String,
}

/// What is configured, as words of a command line.
struct Spliced {
    words: Vec<OsString>,
    /// Each key with the place of its value.
    places: Vec<String>,
    choices_are_configured: bool,
}

impl Configuration {
    /// Finds and reads the file that counts: the one named, else that of `$KUBEASSAY_CONFIG`, else the machine's, else the
    /// working folder's, if nobody else could have put it there.
    ///
    /// # Errors
    ///
    /// Where a file that counts cannot be read or used.
    pub(crate) fn find(
        named: Option<&Path>,
        style: RenderStyle,
        messages: Messages,
    ) -> anyhow::Result<Self> {
        let named = named
            .map(Path::to_owned)
            .or_else(|| variable(VARIABLE).map(PathBuf::from));
        let (path, content) = if let Some(path) = named {
            let (file, _) = open(&path).context("the configuration")?;
            let content = limited(file, &path, MAX_CONFIGURATION, "a configuration")?;
            (path, content)
        } else if let Some(content) = of_the_machine()? {
            (PathBuf::from(OF_THE_MACHINE), content)
        } else if let Some(content) = of_the_folder(messages)? {
            (PathBuf::from(OF_THE_FOLDER), content)
        } else {
            return Ok(Self::default());
        };
        let given = read(&path.to_string_lossy(), &content, &check).map_err(|faults| {
            for fault in &faults {
                messages.verbatim(&fault.render(style));
            }
            anyhow!("{} was not used; mend it and run again", path.display())
        })?;
        Ok(Self {
            file: Some((path, given)),
        })
    }

    /// Returns what is said of a key beside the command line, what counts first.
    ///
    /// # Errors
    ///
    /// Where a variable has a value that its key does not take.
    pub(crate) fn layers(&self, key: &Key) -> anyhow::Result<Vec<Layer>> {
        let mut layers = Vec::new();
        if let Some(text) = variable(key.variable) {
            let value: Vec<String> = match key.kind {
                KeyKind::Paths | KeyKind::Texts => {
                    text.split(',').map(|text| text.trim().to_owned()).collect()
                }
                _ => vec![text],
            };
            for text in &value {
                check(key, text).map_err(|error| anyhow!("${}: {error}", key.variable))?;
            }
            let origin = format!("${}", key.variable);
            layers.push(Layer { value, origin });
        }
        if let Some((path, given)) = &self.file
            && let Some(given) = given.iter().find(|given| given.key == key)
        {
            let value = given.values.clone().unwrap_or_default();
            let value = match key.kind {
                KeyKind::Path | KeyKind::Paths | KeyKind::Choices => {
                    value.iter().map(|text| beside(path, text)).collect()
                }
                _ => value,
            };
            layers.push(Layer {
                value,
                origin: format!("{}:{}", path.display(), given.line),
            });
        }
        Ok(layers)
    }

    /// Returns what stands for what is configured and was not said on the command line.
    ///
    /// # Errors
    ///
    /// Where a variable cannot be used, or something is configured that this version does not have.
    fn words(&self, command: &Command, matches: &ArgMatches) -> anyhow::Result<Spliced> {
        let (mut words, mut places) = (Vec::new(), Vec::new());
        let mut choices_are_configured = false;
        for key in KEYS {
            let Some(layer) = self.layers(key)?.into_iter().next() else {
                continue;
            };
            let Some(id) = flag_of(command, key) else {
                if command.get_name() == WITH_OUTPUTS {
                    bail!(
                        "{} ({}) is nothing that this version does",
                        key.path,
                        layer.origin
                    );
                }
                continue;
            };
            if is_said(matches, &id) || !is_of_use(key, matches) {
                continue;
            }
            places.push(format!("{} ({})", key.path, layer.origin));
            match (key.kind, layer.value.as_slice()) {
                (KeyKind::Switch, [value]) if value == "true" => {
                    words.push(format!("--{}", key.flag).into());
                }
                (KeyKind::Switch, _) => {}
                (KeyKind::Choices, []) => {
                    // They stand in the configuration itself, which is read for them.
                    if let Some((path, _)) = &self.file {
                        words.push(format!("--{}={}", key.flag, path.display()).into());
                        choices_are_configured = true;
                    }
                }
                (_, values) => {
                    let of_key = values.iter().map(|value| format!("--{}={value}", key.flag));
                    words.extend(of_key.map(OsString::from));
                }
            }
        }
        Ok(Spliced {
            words,
            places,
            choices_are_configured,
        })
    }
}

/// A command line with what is configured in it.
pub(crate) struct Applied {
    /// The words.
    pub(crate) words: Vec<OsString>,
    /// Whether `--choices` among them names the configuration itself.
    pub(crate) choices_are_configured: bool,
}

/// Returns the command line with what is configured in it; none where nothing is, or the command takes none of it.
///
/// # Errors
///
/// Where the configuration cannot be used.
pub(crate) fn applied(
    command: &Command,
    matches: &ArgMatches,
    named: Option<&Path>,
    mut words: Vec<OsString>,
    style: RenderStyle,
    messages: Messages,
) -> anyhow::Result<Option<Applied>> {
    let Some((name, mut matches)) = matches.subcommand() else {
        return Ok(None);
    };
    if !COMMANDS.contains(&name) {
        if named.is_some() && name != "config" {
            messages.warning(&format!(
                "kubeassay {name} reads no configuration: --config does nothing"
            ));
        }
        return Ok(None);
    }
    let Some(mut command) = command.find_subcommand(name) else {
        return Ok(None);
    };
    while let Some((name, below)) = matches.subcommand()
        && let Some(subcommand) = command.find_subcommand(name)
    {
        (matches, command) = (below, subcommand);
    }
    let Spliced {
        words: configured,
        places,
        choices_are_configured,
    } = Configuration::find(named, style, messages)?.words(command, matches)?;
    // What moves an exit code from elsewhere than the command line is not to be guessed at.
    if places.is_empty() {
        return Ok(None);
    }
    messages.progress(&format!("configured: {}", places.join(", ")));
    // What follows `--` is no flag.
    let end = words.iter().position(|word| word == "--");
    let end = end.unwrap_or(words.len());
    words.splice(end..end, configured);
    Ok(Some(Applied {
        words,
        choices_are_configured,
    }))
}

/// Returns the argument of a command that is a key's flag.
fn flag_of(command: &Command, key: &Key) -> Option<String> {
    let mut arguments = command.get_arguments();
    let argument = arguments.find(|argument| argument.get_long() == Some(key.flag))?;
    (key.flag != "output" || command.get_name() == WITH_OUTPUTS)
        .then(|| argument.get_id().to_string())
}

/// Returns whether the user said it.
pub(crate) fn is_said(matches: &ArgMatches, id: &str) -> bool {
    let known = matches.ids().any(|known| known.as_str() == id);
    known && matches.value_source(id) == Some(ValueSource::CommandLine)
}

/// Returns whether a configured value means something beside the flags of this run.
fn is_of_use(key: &Key, matches: &ArgMatches) -> bool {
    match key.path.split_once('.') {
        Some(("cluster", "kubeconfig" | "context")) => {
            is_said(matches, "cluster") || is_said(matches, "live")
        }
        Some(("cluster", _)) => is_said(matches, "cluster"),
        _ => key.flag != "output" || !is_said(matches, "output_file"),
    }
}

/// Says what is wrong with a text as the value of a key.
fn check(key: &Key, text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("there is nothing in it; leave the key out".to_owned());
    }
    match key.flag {
        "fail-on" => FailOn::from_str(text).map(drop),
        "min-coverage" => Percent::from_str(text).map(drop),
        "max-unknown" => MaxUnknown::from_str(text).map(drop),
        "benchmark" => Benchmark::from_str(text).map(drop),
        "output" => Wanted::from_str(text).map(drop),
        "concurrency" => match text.parse::<u16>() {
            Ok(1..=1024) => Ok(()),
            _ => Err(format!("{text:?} is no number from 1 to 1024")),
        },
        _ if key.kind == KeyKind::Switch && !["true", "false"].contains(&text) => {
            Err(format!("{text:?} is neither true nor false"))
        }
        _ => Ok(()),
    }
}

/// Returns a path of the configuration: below its folder, where it is relative.
fn beside(configuration: &Path, path: &str) -> String {
    let folder = configuration.parent().unwrap_or(Path::new(""));
    folder.join(path).to_string_lossy().into_owned()
}

/// Returns a variable that is set to something.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the environment is read"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the configuration is kubeassay's own file, not one of the host that is judged"
)]
fn of_the_machine() -> anyhow::Result<Option<Vec<u8>>> {
    let path = Path::new(OF_THE_MACHINE);
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        _ => {
            let (file, _) = open(path).context("the configuration")?;
            limited(file, path, MAX_CONFIGURATION, "a configuration").map(Some)
        }
    }
}

/// Reads the file of the working folder, which may be anyone's: it counts only where it is the user's own or root's, and
/// for root only where it is root's.
#[expect(
    clippy::disallowed_methods,
    reason = "the configuration is kubeassay's own file, not one of the host that is judged"
)]
fn of_the_folder(messages: Messages) -> anyhow::Result<Option<Vec<u8>>> {
    use rustix::fs::OFlags;
    let path = Path::new(OF_THE_FOLDER);
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW;
    let opened = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(i32::try_from(flags.bits()).unwrap_or(0))
        .open(path);
    let us = rustix::process::geteuid().as_raw();
    let not_used = |why: &str| {
        messages.warning(&format!(
            "./{OF_THE_FOLDER} is not used: {why}; to use it all the same: --config {OF_THE_FOLDER}"
        ));
        Ok(None)
    };
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return not_used(&error.to_string()),
    };
    let found = file.metadata().context("cannot read kubeassay.yaml")?;
    if !found.is_file() {
        return not_used("it is not a regular file");
    }
    if found.uid() != us && found.uid() != 0 {
        return not_used(&format!("it belongs to user {}", found.uid()));
    }
    if found.mode() & WRITABLE_BY_OTHERS != 0 {
        let mode = found.mode() & 0o7777;
        return not_used(&format!("others may write it (mode {mode:04o})"));
    }
    // Who may write the folder and is not held by its sticky bit can put another file in its place while we read.
    let folder = std::fs::metadata(".").context("cannot read the working folder")?;
    if folder.mode() & WRITABLE_BY_OTHERS != 0 && folder.mode() & STICKY == 0 {
        let mode = folder.mode() & 0o7777;
        return not_used(&format!("others may write its folder (mode {mode:04o})"));
    }
    limited(file, path, MAX_CONFIGURATION, "a configuration").map(Some)
}
