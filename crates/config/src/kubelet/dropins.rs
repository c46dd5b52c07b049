//! `--config-dir`: which drop-ins are read, and how each generation of kubelets merges them.

use std::rc::Rc;
use std::sync::Arc;

use kubeassay_core::facts::FileKind;
use kubeassay_core::{Bytes, Cause, Origin, OriginKind};

use super::{DROP_IN_VARIABLE, Layer, Note, Purpose, Resolver, check_kind};
use crate::merge::merge_patch;
use crate::node::{Content, Entry, Node};
use crate::path;
use crate::refusal::Refusal;
use crate::setting::{State, Unknown};
use crate::settings::{Defaults, Names, Settings};
use crate::sources::{Document, Listed, Loaded};
use crate::tables::Minor;
use crate::tables::kubelet::KUBELET;

/// Deeper folders are not walked: no configuration directory is nested like that.
const MAX_DEPTH: usize = 32;

/// More drop-ins are not merged: each costs a merge in every version, and a tenant can make them for a kubelet of
/// its own.
const MOST_DROP_INS: usize = 256;

/// A drop-in in the order of the walk.
enum DropIn {
    File(Bytes),
    /// A part of the tree that could not be listed, or not as it was.
    Unknown(Bytes, Unknown),
}

impl Resolver<'_> {
    /// Layer 3: the drop-ins.
    pub(super) fn drop_ins(&mut self) -> Result<(), Refusal> {
        let Some((given, origin)) = self.line.path("config-dir") else {
            return Ok(());
        };
        let (given, origin) = (given.clone(), origin.clone());
        self.check_variable(&given, &origin)?;
        let Some(root) = self.files.absolute(&given) else {
            let unknown = self.unknown_directory(&given);
            self.forget_all(&given, &unknown, &origin);
            return Ok(());
        };
        if let Some(unknown) = self.moved_folder(&path::clean(&root)) {
            let origin = Arc::new(Origin {
                path: Some(Arc::new(root.clone())),
                ..Origin::new(OriginKind::DropIn)
            });
            self.forget_all(&root, &unknown, &origin);
            return Ok(());
        }
        let mut found = Vec::new();
        self.walk(&root, None, 0, &mut found)
            .map_err(|refusal| Refusal {
                reason: format!(
                    "failed to walk through kubelet dropin directory \"{given}\": {}",
                    refusal.reason
                ),
                ..refusal
            })?;
        if found.len() > MOST_DROP_INS {
            let unknown = Unknown {
                cause: Cause::TooLarge,
                reason: format!("{root} holds more than {MOST_DROP_INS} drop-ins"),
                path: Some(root.clone()),
            };
            self.forget_all(&root, &unknown, &origin);
            return Ok(());
        }
        self.layers.push(Layer {
            name: "--config-dir".to_owned(),
            kind: OriginKind::DropIn,
            path: Some(root.clone()),
            unknown: None,
            note: found
                .is_empty()
                .then(|| "no drop-in is read from it".to_owned()),
        });
        if self.purpose != Purpose::Judging {
            for drop_in in &found {
                if let DropIn::File(path) = drop_in {
                    self.files.ask(path);
                }
            }
            if self.purpose == Purpose::Naming || self.waits() {
                self.settings = Settings::new(&KUBELET, self.minor);
                return Ok(());
            }
        }
        match self.minor.0 {
            ..=28 => self.merge_structs(found),
            29..=31 => self.merge_documents(found, Names::Internal),
            32.. => self.merge_documents(found, Names::Folded),
        }
    }

    /// 1.28 and 1.29 read no drop-ins unless a variable exists, and do not start without it.
    fn check_variable(&mut self, given: &Bytes, origin: &Arc<Origin>) -> Result<(), Refusal> {
        if self.minor >= Minor(30) {
            return Ok(());
        }
        match &self.process.environment {
            Some(environment) if environment.contains_key(DROP_IN_VARIABLE) => Ok(()),
            Some(_) => Err(Refusal::new(
                format!(
                    "flag {given} specified but environment variable {DROP_IN_VARIABLE} not set, cannot start kubelet"
                ),
                Some(origin.clone()),
            )),
            None => {
                self.notes.push(Note {
                    cause: Cause::Denied,
                    path: None,
                    reason: format!("the environment could not be read; {DROP_IN_VARIABLE} is taken to be set, because this version would not run without it"),
                });
                Ok(())
            }
        }
    }

    /// Walks as Go's `filepath.WalkDir`: entries in byte order of their names, a folder entered at its
    /// place, symbolic links not followed.
    fn walk(
        &mut self,
        path: &Bytes,
        kind: Option<FileKind>,
        depth: usize,
        found: &mut Vec<DropIn>,
    ) -> Result<(), Refusal> {
        if kind.is_some_and(|kind| kind != FileKind::Directory) {
            if path::name(path).ends_with(b".conf") {
                found.push(DropIn::File(path::clean(path)));
            }
            return Ok(());
        }
        if depth > MAX_DEPTH {
            let reason = format!("{path} lies more than {MAX_DEPTH} folders deep");
            let unknown = Unknown {
                cause: Cause::TooLarge,
                reason,
                path: Some(path.clone()),
            };
            found.push(DropIn::Unknown(path.clone(), unknown));
            return Ok(());
        }
        match self.files.list(path) {
            Listed::Entries(entries) => {
                for (name, kind) in entries {
                    self.walk(&path::join(path, &name), Some(kind), depth + 1, found)?;
                }
            }
            // Only the root can be something else than a folder: a file, or a symbolic link, which Go
            // does not follow here. Its name decides whether it is a drop-in.
            Listed::Other if path::name(path).ends_with(b".conf") => found.push(DropIn::File(path::clean(path))),
            Listed::Other => self.notes.push(Note {
                cause: Cause::NotRegular,
                path: Some(path.clone()),
                reason: format!("{path} is not a folder but a symbolic link or a file: the kubelet reads no drop-ins from it, without a word; a slash at its end would follow the link"),
            }),
            Listed::Missing => {
                return Err(Refusal::missing(format!("lstat {path}: no such file or directory"), None));
            }
            Listed::Unknown(unknown) => found.push(DropIn::Unknown(path.clone(), unknown)),
        }
        Ok(())
    }

    fn forget_all(&mut self, path: &Bytes, unknown: &Unknown, origin: &Arc<Origin>) {
        self.settings.forget(unknown, origin);
        self.push_layer(path, Some(unknown.clone()));
    }

    fn push_layer(&mut self, path: &Bytes, unknown: Option<Unknown>) {
        self.layers.push(Layer {
            name: "drop-in".to_owned(),
            kind: OriginKind::DropIn,
            path: Some(path.clone()),
            unknown,
            note: None,
        });
    }

    /// Reads one drop-in; `None` where it is not known what it said (all settings are then forgotten).
    fn read(&mut self, drop_in: DropIn) -> Result<Option<(Rc<Document>, Bytes)>, Refusal> {
        let (path, loaded) = match drop_in {
            DropIn::File(path) => {
                let loaded = self.files.load(&path, OriginKind::DropIn);
                (path, loaded)
            }
            DropIn::Unknown(path, unknown) => (path, Loaded::Unknown(unknown)),
        };
        match loaded {
            Loaded::Read(document) => {
                self.push_layer(&path, None);
                Ok(Some((document, path)))
            }
            Loaded::Unknown(unknown) => {
                let origin = Arc::new(Origin {
                    path: Some(Arc::new(path.clone())),
                    ..Origin::new(OriginKind::DropIn)
                });
                self.forget_all(&path, &unknown, &origin);
                Ok(None)
            }
            Loaded::Refused(refusal) => Err(refused(&path, refusal)),
        }
    }

    /// 1.29 and later: a JSON merge patch on what the kubelet marshals, decoded without regard to case.
    ///
    /// Up to 1.31 the base is the internal type, whose keys are Go's field names, so a drop-in's own keys
    /// lie beside them, and what a `null` removes keeps its old value; from 1.32 it is the API type, and
    /// what is removed gets its default back.
    fn merge_documents(&mut self, found: Vec<DropIn>, names: Names) -> Result<(), Refusal> {
        let mut base = self.settings.marshal(names);
        for drop_in in found {
            let Some((read, path)) = self.read(drop_in)? else {
                base = self.settings.marshal(names);
                in_any_spelling(&mut base);
                continue;
            };
            check_drop_in(&read.root, names).map_err(|refusal| refused(&path, refusal))?;
            if read.duplicate.is_some() {
                let refusal = Refusal::new(
                    "strict decoding error: key already set in map",
                    Some(read.root.origin.clone()),
                );
                return Err(refused(&path, refusal));
            }
            let mut document = read.root.clone();
            document
                .untype()
                .map_err(|refusal| refused(&path, refusal))?;
            base = merge_patch(base, document);
        }
        let mut merged = Settings::new(&KUBELET, self.minor);
        merged.decode(&base, names)?;
        let before = std::mem::replace(&mut self.settings, merged);
        if names == Names::Internal {
            self.settings.restore(before);
        } else {
            self.settings.apply_defaults(Defaults::Again);
        }
        Ok(())
    }

    /// 1.28: each drop-in is a whole configuration with defaults of its own, and what is not zero in it
    /// overrides (`mergo.Merge(…, mergo.WithOverride)`).
    fn merge_structs(&mut self, found: Vec<DropIn>) -> Result<(), Refusal> {
        for drop_in in found {
            let Some((document, path)) = self.read(drop_in)? else {
                continue;
            };
            let overriding = self
                .decode_file(&document.root, &path)
                .map_err(|refusal| refused(&path, refusal))?;
            for (field, setting) in overriding.iter().filter(|(_, setting)| !setting.is_zero()) {
                let mut setting = setting.clone();
                if setting.origin.kind == OriginKind::Default {
                    Arc::make_mut(&mut setting.origin).path = Some(Arc::new(path.clone()));
                }
                let target = self.settings.entry(field);
                match (&mut target.state, setting.state) {
                    (State::Entries(entries), State::Entries(added)) => {
                        entries.extend(added);
                        target.origin = setting.origin;
                    }
                    (State::Part(entries, _), State::Entries(added)) => entries.extend(added),
                    (State::Unknown(unknown), State::Entries(added)) => {
                        target.state = State::Part(added, unknown.clone());
                    }
                    (_, state) => {
                        setting.state = state;
                        target.replace(setting);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Adds to each key of an unread document the spelling of it that is decoded last.
///
/// Keys are decoded without regard to case and in byte order, so what an unread drop-in says under another
/// spelling survives a later drop-in, unless that spells the key so that nothing can come after it.
fn in_any_spelling(node: &mut Node) {
    let Content::Map(entries) = &mut node.content else {
        return;
    };
    for entry in entries.iter_mut() {
        in_any_spelling(&mut entry.node);
    }
    let added: Vec<Entry> = entries
        .iter()
        .map(|entry| Entry {
            key: last_spelling(&entry.key),
            ..entry.clone()
        })
        .filter(|added| entries.iter().all(|entry| entry.key != added.key))
        .collect();
    entries.extend(added);
    entries.sort_by(|a, b| a.key.as_bytes().cmp(b.key.as_bytes()));
}

/// Returns the spelling of a key that comes last in byte order among those that Go takes for the same.
fn last_spelling(key: &str) -> String {
    let last = |character: char| match character.to_ascii_lowercase() {
        's' => '\u{17f}',
        'k' => '\u{212a}',
        other => other,
    };
    key.chars().map(last).collect()
}

fn refused(path: &Bytes, refusal: Refusal) -> Refusal {
    let reason = format!(
        "failed to load kubelet dropin file, path: {path}, error: {}",
        refusal.reason
    );
    Refusal { reason, ..refusal }
}

/// From 1.32 a drop-in must be of the main file's kind and version; before, any kind will do.
fn check_drop_in(document: &Node, names: Names) -> Result<(), Refusal> {
    if names == Names::Folded {
        return check_kind(document);
    }
    match document.folded("kind").map(|node| &node.content) {
        Some(Content::String(kind)) if !kind.is_empty() => Ok(()),
        _ => Err(Refusal::new(
            "Object 'Kind' is missing",
            Some(document.origin.clone()),
        )),
    }
}
