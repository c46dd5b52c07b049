//! The configuration of `MicroShift`: its file, and the drop-ins, each a JSON merge patch on what came before
//! (`pkg/config/files.go`). A value that is empty there is as good as none (`incorporateUserSettings`).

use std::fmt::Write as _;
use std::sync::Arc;

use kubeassay_core::facts::{FileKind, ProcessFacts};
use kubeassay_core::{Bytes, Cause, Origin, OriginKind};

use super::super::content;
use super::{KUBELET, changed_after_writing, refused};
use crate::merge::merge_patch;
use crate::node::{Content, Node};
use crate::path;
use crate::setting::Unknown;
use crate::sources::{Files, Listed, Loaded};

const FILE: &str = "/etc/microshift/config.yaml";
const DROP_INS: &str = "/etc/microshift/config.d";
/// Folders of drop-ins lie no deeper than this, or it is not looked at what they hold.
const DEEPEST: usize = 8;

/// What `apiServer.tls` may be, without a word the first (`pkg/config/apiserver.go`).
const VERSIONS: [&str; 2] = ["VersionTLS12", "VersionTLS13"];
/// The suites of TLS 1.3, which are the same whatever is configured.
const MODERN: [&str; 3] = [
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
];
/// What the profile Intermediate has beside them (`config/v1/types_tlssecurityprofile.go` of openshift/api).
const INTERMEDIATE: [&str; 6] = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
];
/// Of these two one has to be there for TLS 1.2.
const REQUIRED: [&str; 2] = [
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
];

/// What the user configured.
pub(super) struct Config {
    root: Option<Node>,
    /// Where it may stand.
    paths: Vec<Bytes>,
    /// Where it stands.
    pub(super) read: Vec<Bytes>,
}

/// Reads the configuration.
pub(super) fn read<'a>(
    files: &mut Files<'a>,
    process: &'a ProcessFacts,
) -> Result<Config, Unknown> {
    let mut paths = vec![Bytes::from(FILE)];
    if let Err(unknown) = drop_ins(files, &DROP_INS.into(), 0, &mut paths) {
        // What is missing from the main file is asked for in the same round.
        drop(content(files, process, &FILE.into()));
        return Err(unknown);
    }
    let mut root: Option<Node> = None;
    let mut read = Vec::new();
    for path in &paths {
        let Some(file) = content(files, process, path)? else {
            continue;
        };
        read.push(path.clone());
        let is_blank = |text: &Bytes| text.as_slice().trim_ascii().is_empty();
        if file.content.as_ref().is_none_or(is_blank) {
            continue;
        }
        let document = match files.load(path, OriginKind::File) {
            Loaded::Read(document) => document.root.clone(),
            Loaded::Unknown(unknown) => return Err(unknown),
            Loaded::Refused(refusal) => {
                let reason = format!("{path}: {}", refusal.reason);
                return Err(refused(reason, Some(path.clone())));
            }
        };
        root = Some(match root {
            Some(before) => merge_patch(before, document),
            None => document,
        });
    }
    let config = Config { root, paths, read };
    config.check()?;
    Ok(config)
}

/// Adds the drop-ins of a folder and those below it, in the order of their names (`filepath.WalkDir`).
fn drop_ins(
    files: &mut Files<'_>,
    folder: &Bytes,
    depth: usize,
    paths: &mut Vec<Bytes>,
) -> Result<(), Unknown> {
    let unsupported = |reason: String| Unknown {
        cause: Cause::Unsupported,
        reason,
        path: Some(folder.clone()),
    };
    if depth > DEEPEST {
        return Err(unsupported(format!("{folder} lies deeper than is looked")));
    }
    match files.list(folder) {
        Listed::Missing => Ok(()),
        Listed::Other => Err(unsupported(format!("{folder} is no folder"))),
        Listed::Unknown(unknown) => Err(unknown),
        Listed::Entries(entries) => {
            for (name, kind) in entries {
                let path = path::join(folder, &name);
                if kind == FileKind::Directory {
                    drop_ins(files, &path, depth + 1, paths)?;
                } else if name.as_slice().ends_with(b".yaml") {
                    paths.push(path);
                }
            }
            Ok(())
        }
    }
}

impl Config {
    /// Returns what stands at a path of keys, which Go finds without regard to case.
    fn at(&self, path: &[&str]) -> Option<&Node> {
        let mut node = self.root.as_ref()?;
        for key in path {
            node = node.folded(key)?;
        }
        Some(node)
    }

    /// Returns a text or a number that is not empty, with its place.
    pub(super) fn text(&self, path: &[&str]) -> Option<(String, Arc<Origin>)> {
        let node = self.at(path)?;
        let text = match &node.content {
            Content::String(text) => text.to_string_lossy(),
            Content::Number(number) => number.literal().to_string(),
            _ => return None,
        };
        let is_nothing = text.is_empty() || text == "0";
        (!is_nothing).then(|| (text, Arc::clone(&node.origin)))
    }

    /// Returns a list of texts that is not empty, with its place.
    pub(super) fn list(&self, path: &[&str]) -> Option<(Vec<String>, Arc<Origin>)> {
        let node = self.at(path)?;
        let Content::List(nodes) = &node.content else {
            return None;
        };
        let texts = nodes.iter().filter_map(|node| match &node.content {
            Content::String(text) => Some(text.to_string_lossy()),
            _ => None,
        });
        let texts: Vec<String> = texts.collect();
        (!texts.is_empty()).then(|| (texts, Arc::clone(&node.origin)))
    }

    /// Returns the named certificates, each as a flag of the API server.
    pub(super) fn certificates(&self) -> Vec<(String, Arc<Origin>)> {
        let Some(Node {
            content: Content::List(nodes),
            ..
        }) = self.at(&["apiServer", "namedCertificates"])
        else {
            return Vec::new();
        };
        let pairs = nodes.iter().filter_map(|node| {
            let text = |key| match &node.folded(key)?.content {
                Content::String(text) if !text.is_empty() => Some(text.to_string_lossy()),
                _ => None,
            };
            let pair = format!("{},{}", text("certPath")?, text("keyPath")?);
            let names = match node.folded("names").map(|names| &names.content) {
                Some(Content::List(names)) => names.as_slice(),
                _ => &[],
            };
            let names = names.iter().filter_map(|name| match &name.content {
                Content::String(name) => Some(name.to_string_lossy()),
                _ => None,
            });
            let names: Vec<String> = names.collect();
            let pair = if names.is_empty() {
                pair
            } else {
                format!("{pair}:{}", names.join(","))
            };
            Some((pair, Arc::clone(&node.origin)))
        });
        pairs.collect()
    }

    /// Returns the lowest version of TLS, with its place where the user says it.
    pub(super) fn tls_minimum(&self) -> (String, Option<Arc<Origin>>) {
        let [usual, _] = VERSIONS;
        match self.text(&["apiServer", "tls", "minVersion"]) {
            Some((text, origin)) => (text, Some(origin)),
            None => (usual.to_owned(), None),
        }
    }

    /// Returns the cipher suites, with their place where the user says them (`UpdateValues`).
    pub(super) fn suites(&self) -> (Vec<String>, Option<Arc<Origin>>) {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let (minimum, origin) = self.tls_minimum();
        if minimum == "VersionTLS13" {
            return (own(&MODERN), origin);
        }
        match self.list(&["apiServer", "tls", "cipherSuites"]) {
            Some((mut suites, origin)) => {
                let [first, _] = REQUIRED;
                if !suites
                    .iter()
                    .any(|suite| REQUIRED.contains(&suite.as_str()))
                {
                    suites.push(first.to_owned());
                }
                (suites, Some(origin))
            }
            None => (own(&[&MODERN[..], &INTERMEDIATE[..]].concat()), None),
        }
    }

    /// Returns what the user says of the kubelet: keys, and values as YAML.
    pub(super) fn kubelet(&self) -> Vec<(String, String)> {
        let Some(Node {
            content: Content::Map(entries),
            ..
        }) = self.at(&["kubelet"])
        else {
            return Vec::new();
        };
        let kept = entries
            .iter()
            .filter(|entry| !matches!(entry.node.content, Content::Removed));
        kept.map(|entry| (quoted(&entry.key), flow(&entry.node)))
            .collect()
    }

    /// Returns why `MicroShift` does not start with this (`validate`), as far as it matters here.
    fn check(&self) -> Result<(), Unknown> {
        let path = |node: &Node| node.origin.path.as_deref().cloned();
        if let Some(root) = &self.root
            && !matches!(root.content, Content::Map(_) | Content::Null)
        {
            return Err(refused(
                "its configuration is no map".to_owned(),
                path(root),
            ));
        }
        let (minimum, _) = self.tls_minimum();
        if !VERSIONS.contains(&minimum.as_str()) {
            let reason = format!("unsupported value {minimum} for tls.MinVersion");
            return Err(refused(reason, Some(FILE.into())));
        }
        let (suites, _) = self.suites();
        let known = |suite: &String| {
            MODERN.contains(&suite.as_str()) || INTERMEDIATE.contains(&suite.as_str())
        };
        match suites.iter().find(|suite| !known(suite)) {
            Some(suite) => Err(refused(
                format!("unsupported cipher suite {suite} for TLS version {minimum}"),
                Some(FILE.into()),
            )),
            None => Ok(()),
        }
    }

    /// Returns the file by which the next start will write other files than lie there now.
    pub(super) fn changed_since(&self, process: &ProcessFacts) -> Option<Bytes> {
        let mut files = process.files.iter();
        let changed = files.find(|file| {
            let path = &file.need.path;
            let is_own = *path == KUBELET;
            let is_configuration = self.paths.contains(path) || *path == DROP_INS;
            (is_own || is_configuration) && changed_after_writing(file, process, is_own)
        });
        changed.map(|file| file.need.path.clone())
    }
}

/// Writes a part of the configuration as YAML in one line.
fn flow(node: &Node) -> String {
    match &node.content {
        Content::Null | Content::Removed | Content::Unknown(_) => "null".to_owned(),
        Content::Bool(value) => value.to_string(),
        Content::Number(number) => number.literal().to_string(),
        Content::String(text) => quoted(&text.to_string_lossy()),
        Content::List(nodes) => {
            let nodes: Vec<String> = nodes.iter().map(flow).collect();
            format!("[{}]", nodes.join(", "))
        }
        Content::Map(entries) => {
            let entries = entries.iter();
            let kept = entries.filter(|entry| !matches!(entry.node.content, Content::Removed));
            let entries =
                kept.map(|entry| format!("{}: {}", quoted(&entry.key), flow(&entry.node)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Writes a text between double quotes.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            // Control characters end below U+00A0.
            _ if character.is_control() => {
                // Writing to a String cannot fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(character));
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}
