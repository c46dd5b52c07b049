//! containerd and CRI-O: where they look for the configuration of CNI. Nothing else of them is read.

use std::collections::VecDeque;
use std::sync::Arc;

use kubeassay_core::rule::SettingType;
use kubeassay_core::{Bytes, Cause, Component, Origin, OriginKind, Value};

use super::builder::Builder;
use crate::flags::CommandLine;
use crate::node::{Content, Node};
use crate::path;
use crate::refusal::Refusal;
use crate::resolution::Resolution;
use crate::setting::{Setting, Unknown};
use crate::sources::{Documents, Listed, Loaded, When};
use crate::tables::{Minor, Tables};

const NAME: &str = "derived.name";
const CNI: &str = "derived.cniConfDirs";

/// No flag of theirs is a setting here.
pub(super) static TABLES: Tables = Tables {
    flags: &[],
    fields: &[],
    by_internal_path: &[],
    locked_gates: &[],
};

/// The most files that one configuration is made of here.
const MOST_FILES: usize = 64;

/// Where containerd's plugins keep their configuration of CNI, by the version of the file that uses the name
/// (`internal/cri/config/config.go`, `cmd/containerd/server/config/config.go`).
const PLUGINS: [(&str, i64, i64); 3] = [
    ("cri", 0, 1),
    ("io.containerd.grpc.v1.cri", 2, 2),
    ("io.containerd.cri.v1.runtime", 3, i64::MAX),
];

/// Resolves it. Kubernetes' `minor` says nothing of a runtime.
pub(super) fn resolve(documents: &Documents<'_>, minor: Minor, when: When) -> Resolution {
    let line = Ok(CommandLine::default());
    let (builder, _) = Builder::with(
        Component::ContainerRuntime,
        &TABLES,
        documents,
        (minor, when),
        line,
    );
    let mut reader = Reader {
        builder,
        refusal: None,
    };
    let process = documents.process;
    let program = process.exe.as_ref().or(process.argv.first());
    let name = match program.map(path::name) {
        Some(b"crio" | b"cri-o") => "cri-o",
        Some(name) if name.starts_with(b"containerd") => "containerd",
        _ => "",
    };
    let folders = match name {
        "cri-o" => reader.crio(),
        "containerd" => reader.containerd(),
        _ => Err(Unknown {
            cause: Cause::Unsupported,
            reason: "the program is neither containerd nor CRI-O".to_owned(),
            path: program.cloned(),
        }),
    };
    let origin = Arc::new(Origin::new(OriginKind::Default));
    let folders = folders.unwrap_or_else(|unknown| Builder::unknown(unknown, Arc::clone(&origin)));
    let Reader {
        mut builder,
        refusal,
    } = reader;
    builder
        .named
        .insert(NAME, Setting::known(Value::string(name), origin));
    builder.named.insert(CNI, folders);
    builder.finish(refusal)
}

struct Reader<'a> {
    builder: Builder<'a>,
    refusal: Option<Refusal>,
}

impl Reader<'_> {
    /// Returns what the last argument of these names says, with a value behind `=` or in the next argument.
    fn argument(&self, names: &[&str]) -> Option<Bytes> {
        let mut arguments = self.builder.documents.process.argv.iter().skip(1);
        let mut last = None;
        while let Some(argument) = arguments.next() {
            let text = argument.as_slice();
            let Some(flag) = text.strip_prefix(b"--").or_else(|| text.strip_prefix(b"-")) else {
                continue;
            };
            let (name, value) = match flag.iter().position(|byte| *byte == b'=') {
                Some(at) => (flag.get(..at).unwrap_or_default(), flag.get(at + 1..)),
                None => (flag, None),
            };
            if names.iter().any(|known| known.as_bytes() == name) {
                last = match value {
                    Some(value) => Some(Bytes::from(value)),
                    None => arguments.next().cloned(),
                };
            }
        }
        last.filter(|value| !value.is_empty())
    }

    /// Reads a file; nothing where it is not there and need not be.
    fn file(&mut self, file: &Bytes, must: bool) -> Result<Option<(Bytes, Node)>, Unknown> {
        let (file, loaded) = self.builder.file_at(file, &file.to_string());
        match loaded {
            Loaded::Read(document) => Ok(Some((file, document.root.clone()))),
            Loaded::Unknown(unknown) => Err(unknown),
            Loaded::Refused(refusal) if refusal.cause == Cause::Missing && !must => Ok(None),
            Loaded::Refused(refusal) => {
                self.refusal.get_or_insert(refusal);
                Ok(None)
            }
        }
    }

    /// containerd: one file, and those that it imports, which come after it.
    fn containerd(&mut self) -> Result<Setting, Unknown> {
        let given = self.argument(&["config", "c"]);
        let must = given.is_some();
        let first = given.unwrap_or_else(|| Bytes::from("/etc/containerd/config.toml"));
        let mut pending = VecDeque::from([(first, must)]);
        let mut read: Vec<Bytes> = Vec::new();
        let mut sections: Vec<Option<Setting>> = Vec::new();
        let mut main_version = None;
        while let Some((file, must)) = pending.pop_front() {
            if read.contains(&file) {
                continue;
            }
            if read.len() == MOST_FILES {
                return Err(unsupported(
                    "containerd imports more files than are read",
                    &file,
                ));
            }
            read.push(file.clone());
            let Some((at, root)) = self.file(&file, must)? else {
                continue;
            };
            let own = member(&root, "version").and_then(|node| match &node.content {
                Content::Number(number) => number.as_i64(),
                _ => None,
            });
            let version = own.or(main_version).unwrap_or(1);
            main_version = main_version.or(Some(version));
            if let Some(section) = section(&root, version) {
                sections.push(section);
            }
            for import in texts(member(&root, "imports")) {
                for file in self.imported(&at, &import)? {
                    pending.push_back((file, true));
                }
            }
        }
        // containerd 1 takes the last section of a name whole, 2 takes of each key the last that says something.
        let whole = sections.last().cloned().flatten();
        let merged = sections.iter().rev().flatten().next().cloned();
        if whole != merged {
            let file = read.pop().unwrap_or_default();
            return Err(Unknown {
                cause: Cause::VersionUnknown,
                ..unsupported(
                    "an imported file has the section of CNI without conf_dir, and releases of containerd differ in what that means",
                    &file,
                )
            });
        }
        Ok(folders(merged, "/etc/cni/net.d"))
    }

    /// Returns the files that one entry of `imports` names: relative to the file that has it, with `*` in the last part.
    fn imported(&mut self, from: &Bytes, import: &Bytes) -> Result<Vec<Bytes>, Unknown> {
        let import = path::clean(import);
        let file = if import.as_slice().starts_with(b"/") {
            import
        } else {
            path::join(&path::parent(from), &import)
        };
        if !file
            .as_slice()
            .iter()
            .any(|byte| matches!(byte, b'*' | b'?' | b'[' | b'\\'))
        {
            return Ok(vec![file]);
        }
        let folder = path::parent(&file);
        let pattern = path::name(&file);
        let odd = |bytes: &[u8]| bytes.iter().any(|byte| matches!(byte, b'?' | b'[' | b'\\'));
        let parts: Vec<&[u8]> = pattern.split(|byte| *byte == b'*').collect();
        let (Some(head), Some(tail), 2) = (parts.first(), parts.last(), parts.len()) else {
            return Err(unsupported(
                "this pattern of files is not worked out",
                &file,
            ));
        };
        if odd(file.as_slice()) || folder.as_slice().contains(&b'*') {
            return Err(unsupported(
                "this pattern of files is not worked out",
                &file,
            ));
        }
        match self.builder.files.list(&folder) {
            Listed::Entries(entries) => Ok(entries
                .iter()
                .map(|(name, _)| name)
                .filter(|name| {
                    let name = name.as_slice();
                    name.len() >= head.len() + tail.len()
                        && name.starts_with(head)
                        && name.ends_with(tail)
                })
                .map(|name| path::join(&folder, name))
                .collect()),
            Listed::Missing => Ok(Vec::new()),
            Listed::Other => Err(unsupported(
                "the folder of the imports is a link, or no folder",
                &folder,
            )),
            Listed::Unknown(unknown) => Err(unknown),
        }
    }

    /// CRI-O: one file, drop-ins over it in the order of their names, and a flag or variable over all.
    fn crio(&mut self) -> Result<Setting, Unknown> {
        let process = self.builder.documents.process;
        let variable = |name: &str| {
            let value = process.environment.as_ref()?.get(name)?;
            (!value.is_empty()).then(|| value.clone())
        };
        let by_flag = self.argument(&["cni-config-dir"]);
        if by_flag.is_none() && process.environment.is_none() {
            return Err(Unknown {
                cause: Cause::Denied,
                reason: format!(
                    "the environment of process {} could not be read, and a variable may name the folder",
                    process.pid
                ),
                path: None,
            });
        }
        let folder = by_flag.or_else(|| variable("CONTAINER_CNI_CONFIG_DIR"));
        if let Some(folder) = folder {
            let folder = Setting::known(Value::String(folder), Origin::new(OriginKind::Flag));
            return Ok(folders(Some(folder), ""));
        }
        let given = self
            .argument(&["config", "c"])
            .or_else(|| variable("CONTAINER_CONFIG"));
        let must = given.is_some();
        let main = given.unwrap_or_else(|| Bytes::from("/etc/crio/crio.conf"));
        let mut said = None;
        if let Some((_, root)) = self.file(&main, must)? {
            said = network_dir(&root).or(said);
        }
        let drop_ins = self
            .argument(&["config-dir", "d"])
            .or_else(|| variable("CONTAINER_CONFIG_DIR"))
            .unwrap_or_else(|| Bytes::from("/etc/crio/crio.conf.d"));
        let drop_ins = self.builder.files.absolute(&drop_ins).unwrap_or(drop_ins);
        match self.builder.files.list(&drop_ins) {
            Listed::Missing => {}
            Listed::Other => {
                return Err(unsupported(
                    "the folder of drop-ins is a link, or no folder",
                    &drop_ins,
                ));
            }
            Listed::Unknown(unknown) => return Err(unknown),
            Listed::Entries(entries) if entries.len() > MOST_FILES => {
                return Err(unsupported(
                    "there are more drop-ins than are read",
                    &drop_ins,
                ));
            }
            Listed::Entries(entries) => {
                for (name, kind) in entries {
                    if kind == kubeassay_core::facts::FileKind::Directory {
                        return Err(unsupported(
                            "folders among the drop-ins are not worked out",
                            &drop_ins,
                        ));
                    }
                    if let Some((_, root)) = self.file(&path::join(&drop_ins, &name), true)? {
                        said = network_dir(&root).or(said);
                    }
                }
            }
        }
        Ok(folders(said, "/etc/cni/net.d/"))
    }
}

fn unsupported(reason: &str, path: &Bytes) -> Unknown {
    Unknown {
        cause: Cause::Unsupported,
        reason: format!("{path}: {reason}"),
        path: Some(path.clone()),
    }
}

/// Returns the member of a map.
fn member<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    match &node.content {
        Content::Map(entries) => entries
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.node),
        _ => None,
    }
}

/// Returns the texts of a list.
fn texts(node: Option<&Node>) -> Vec<Bytes> {
    let Some(Content::List(nodes)) = node.map(|node| &node.content) else {
        return Vec::new();
    };
    let text = |node: &Node| match &node.content {
        Content::String(text) => Some(text.clone()),
        _ => None,
    };
    nodes.iter().filter_map(text).collect()
}

/// Returns the section that a file of this version has for CRI, if it has one, with the folder of CNI that it names.
#[expect(
    clippy::option_option,
    reason = "no section, one that names none, one that does: each is a case of its own"
)]
fn section(root: &Node, version: i64) -> Option<Option<Setting>> {
    let (plugin, _, _) = PLUGINS
        .iter()
        .find(|(_, first, last)| (*first..=*last).contains(&version))?;
    let section = member(member(root, "plugins")?, plugin)?;
    Some(member(section, "cni").and_then(|cni| text(member(cni, "conf_dir")?)))
}

/// Returns the folder of CNI that a file of CRI-O names.
fn network_dir(root: &Node) -> Option<Setting> {
    text(member(
        member(member(root, "crio")?, "network")?,
        "network_dir",
    )?)
}

/// Returns a text that is not empty.
fn text(node: &Node) -> Option<Setting> {
    match &node.content {
        Content::String(text) if !text.is_empty() => Some(Setting::known(
            Value::String(text.clone()),
            Arc::clone(&node.origin),
        )),
        _ => None,
    }
}

/// Returns the one folder as a list.
fn folders(folder: Option<Setting>, default: &str) -> Setting {
    let folder = folder.unwrap_or_else(|| {
        Setting::known(Value::string(default), Origin::new(OriginKind::Default))
    });
    let value = folder.value().unwrap_or(Value::Null);
    Setting::known(Value::List(vec![value]), folder.origin)
}

/// Returns the settings that are no flags.
pub(super) fn named() -> Vec<(&'static str, SettingType)> {
    vec![
        (NAME, SettingType::String),
        (CNI, SettingType::List(Box::new(SettingType::String))),
    ]
}

#[cfg(test)]
mod tests {
    use kubeassay_core::Component;

    use super::CNI;
    use crate::components::fixture::{DENIED, Process, shown};
    use crate::secrets::redact_content;

    const V2: &str =
        "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".cni]\nconf_dir = \"/two\"\n";

    fn without_secrets(text: &str) -> String {
        String::from_utf8(redact_content(text.as_bytes().to_vec())).unwrap()
    }

    #[test]
    fn the_folder_of_cni_is_what_the_runtime_looks_in() {
        let main = "/etc/containerd/config.toml";
        for (argv, files, expected) in [
            (&["containerd"][..], &[][..], "[/etc/cni/net.d]"),
            (&["/usr/bin/containerd"], &[(main, V2)], "[/two]"),
            (
                &["containerd", "-c", "/c.toml"],
                &[("/c.toml", V2), (main, "")],
                "[/two]",
            ),
            (
                &["containerd", "--config=/c.toml"],
                &[("/c.toml", V2)],
                "[/two]",
            ),
            (
                &["containerd"],
                &[(main, "[plugins.cri.cni]\nconf_dir = \"/one\"")],
                "[/one]",
            ),
            (
                &["containerd"],
                &[(main, "version = 2\n[plugins.cri.cni]\nconf_dir = \"/one\"")],
                "[/etc/cni/net.d]",
            ),
            (
                &["containerd"],
                &[(
                    main,
                    "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.cni]\nconf_dir = '/three'",
                )],
                "[/three]",
            ),
            (
                &["containerd"],
                &[
                    (main, "version = 2\nimports = [\"conf.d/*.toml\"]"),
                    ("/etc/containerd/conf.d/a.toml", V2),
                    ("/etc/containerd/conf.d/b.conf", "x"),
                ],
                "[/two]",
            ),
            (
                &["containerd"],
                &[
                    (main, "version = 2\nimports = [\"/a.toml\", \"/b.toml\"]"),
                    ("/a.toml", V2),
                    ("/b.toml", "imports = [\"/a.toml\"]"),
                ],
                "[/two]",
            ),
            // Releases differ in what the second section does to the first.
            (
                &["containerd"],
                &[
                    (main, "version = 2\nimports = [\"/a.toml\", \"/b.toml\"]"),
                    ("/a.toml", V2),
                    (
                        "/b.toml",
                        "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\"]\nx = 1",
                    ),
                ],
                "?version-unknown",
            ),
            (
                &["containerd"],
                &[(main, "imports = [\"/?.toml\"]")],
                "?unsupported",
            ),
            (&["containerd"], &[(main, DENIED)], "?denied"),
            (
                &["containerd"],
                &[(main, "imports = [\"/a.toml\"]"), ("/a.toml", DENIED)],
                "?denied",
            ),
            (&["crio"], &[], "[/etc/cni/net.d/]"),
            (
                &["crio"],
                &[(
                    "/etc/crio/crio.conf",
                    "[crio.network]\nnetwork_dir = \"/n\"",
                )],
                "[/n]",
            ),
            (
                &["crio"],
                &[
                    (
                        "/etc/crio/crio.conf",
                        "[crio.network]\nnetwork_dir = \"/n\"",
                    ),
                    (
                        "/etc/crio/crio.conf.d/10",
                        "[crio.network]\nnetwork_dir = \"/m\"",
                    ),
                    ("/etc/crio/crio.conf.d/20", "[crio]\nlog_dir = \"/x\""),
                ],
                "[/m]",
            ),
            (
                &["crio", "--cni-config-dir", "/flag"],
                &[(
                    "/etc/crio/crio.conf",
                    "[crio.network]\nnetwork_dir = \"/n\"",
                )],
                "[/flag]",
            ),
            (
                &["crio"],
                &[("/etc/crio/crio.conf.d/10", DENIED)],
                "?denied",
            ),
            (&["dockerd"], &[], "?unsupported"),
        ] {
            let resolution = Process::new(Component::ContainerRuntime, argv)
                .files(files)
                .resolve();
            assert_eq!(resolution.refusal, None, "{argv:?} {files:?}");
            assert_eq!(shown(&resolution, CNI), expected, "{argv:?} {files:?}");
            // Secrets that go take nothing else with them.
            let secret = "\n[plugins.x.registry.configs.r.auth]\npassword = \"hunter2\"\n";
            let hidden: Vec<(&str, String)> = files
                .iter()
                .map(|(path, text)| match *text {
                    DENIED => (*path, DENIED.to_owned()),
                    text => (*path, without_secrets(&format!("{text}{secret}"))),
                })
                .collect();
            let files: Vec<(&str, &str)> = hidden
                .iter()
                .map(|(path, text)| (*path, text.as_str()))
                .collect();
            let resolution = Process::new(Component::ContainerRuntime, argv)
                .files(&files)
                .resolve();
            assert_eq!(shown(&resolution, CNI), expected, "{argv:?} {files:?}");
            assert!(!format!("{files:?}").contains("hunter2"), "{files:?}");
        }
        let files = [(main, "a = ")];
        let mut hidden = Process::new(Component::ContainerRuntime, &["crio"]);
        hidden.environment = None;
        assert_eq!(shown(&hidden.resolve(), CNI), "?denied");
        let variable = Process::new(Component::ContainerRuntime, &["crio"])
            .environment(&[("CONTAINER_CNI_CONFIG_DIR", "/v")]);
        assert_eq!(shown(&variable.resolve(), CNI), "[/v]");
        let wrong = Process::new(Component::ContainerRuntime, &["containerd"]).files(&files);
        let refusal = wrong.resolve().refusal.unwrap();
        assert!(refusal.reason.contains("toml"), "{}", refusal.reason);
        let missing =
            Process::new(Component::ContainerRuntime, &["containerd", "-c", "/c"]).resolve();
        assert!(missing.refusal.is_some());
    }
}
