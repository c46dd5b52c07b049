//! What a check sees of a file.

use std::collections::BTreeMap;

use kubeassay_core::facts::{Facts, FileKind};
use kubeassay_core::rule::{Reading, SettingType, Settings};
use kubeassay_core::{Bytes, Cause, Value};

use super::ROOT;
use super::gather::RoleFile;
use crate::node::{self, NodeView};
use crate::view::{below, reading};

/// Returns the settings of a file, with their types.
pub(crate) fn named() -> Vec<(&'static str, SettingType)> {
    vec![
        ("path", SettingType::String),
        ("type", SettingType::String),
        ("mode", SettingType::Int),
        ("owner", SettingType::String),
        ("uid", SettingType::Int),
        ("gid", SettingType::Int),
    ]
}

/// A file's settings under their names in checks (`file.…`), and those of its node (`node.…`).
pub(super) struct FileView<'a> {
    pub(super) file: &'a RoleFile,
    pub(super) facts: &'a Facts,
    pub(super) node: &'a NodeView,
}

impl FileView<'_> {
    /// Returns a setting of the file for people: a mode in octal digits.
    pub(super) fn shown(&self, name: &str) -> Option<Value> {
        match name {
            "mode" => self.mode().map(|mode| Value::string(mode_text(mode))),
            _ => self.value(name),
        }
    }

    fn mode(&self) -> Option<u32> {
        self.file.status.mode.map(|mode| mode & 0o7777)
    }

    fn value(&self, name: &str) -> Option<Value> {
        let status = &self.file.status;
        let number = |number: u32| Value::Int(number.into());
        match name {
            "path" => Some(Value::String(self.file.path.clone())),
            "type" => status.kind.map(|kind| Value::string(kind_text(kind))),
            "mode" => self.mode().map(number),
            "uid" => status.uid.map(number),
            "gid" => status.gid.map(number),
            "owner" => {
                let (uid, gid) = (status.uid?, status.gid?);
                let user = name_of(&self.facts.node.users, uid);
                let group = name_of(&self.facts.node.groups, gid);
                Some(Value::String(Bytes::from(
                    [&user[..], b":", &group].concat(),
                )))
            }
            _ => None,
        }
    }
}

/// Returns the name of a user or group, by the host's own files; its number where it has none. To the kernel 0 is root,
/// whatever the host's files call it, if there are any.
fn name_of(names: &BTreeMap<u32, Bytes>, number: u32) -> Vec<u8> {
    if number == 0 {
        return b"root".to_vec();
    }
    names.get(&number).map_or_else(
        || number.to_string().into_bytes(),
        |name| name.as_slice().to_vec(),
    )
}

fn mode_text(mode: u32) -> String {
    format!("{mode:04o}")
}

const fn kind_text(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Regular => "regular",
        FileKind::Directory => "directory",
        FileKind::Symlink => "symlink",
        FileKind::Fifo => "fifo",
        FileKind::Socket => "socket",
        FileKind::CharacterDevice => "character-device",
        FileKind::BlockDevice => "block-device",
    }
}

impl Settings for FileView<'_> {
    fn read(&self, setting: &str) -> Reading {
        if let Some(path) = below(setting, node::ROOT) {
            let setting = self.node.setting(path);
            return setting.map_or(Reading::NoSuchSetting, |setting| reading(&setting));
        }
        let known = |name: &&str| named().iter().any(|(known, _)| known == name);
        let Some(name) = below(setting, ROOT).filter(known) else {
            return Reading::NoSuchSetting;
        };
        if let Some(value) = self.value(name) {
            return Reading::Value(value);
        }
        let trouble = self.file.status.trouble.as_ref();
        Reading::Unknown {
            cause: trouble.map_or(Cause::Missing, |trouble| trouble.cause),
            reason: trouble.map_or_else(
                || format!("the facts do not say it of {}", self.file.path),
                |trouble| trouble.reason.clone(),
            ),
        }
    }
}
