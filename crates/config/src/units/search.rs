//! Where a service's unit files lie: the search path, aliases, templates, masks, folders of drop-ins (systemd.unit(5)).
//!
//! Where `/usr` is not merged, Debian's systemd before 255 was built to search `/lib/systemd/system` before
//! `/usr/lib/systemd/system`. Here the order is that of systemd's own `path-lookup.c`: it differs only where both folders
//! are there, are not one folder, and hold the same name.

use std::collections::{BTreeMap, BTreeSet};

use kubeassay_core::facts::{Entry, FileKind, NeedKind};
use kubeassay_core::{Bytes, Cause};

use super::files::{Files, Found, Stop};
use super::name::UnitName;
use crate::path;

/// The folders of units of the system's own manager, the one that wins first.
pub(super) const FOLDERS: [&str; 13] = [
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

/// How the name of a folder of drop-ins ends.
const DROP_INS: &[u8] = b".d";

/// How many aliases are followed (`FOLLOW_MAX` of systemd).
const MOST_HOPS: usize = 8;
/// The most other names of a unit.
const MOST_ALIASES: usize = 32;
/// The most drop-ins of a unit.
const MOST_DROP_INS: usize = 256;

/// A unit that was found.
#[derive(Debug)]
pub(super) struct Unit<'a> {
    /// The name it goes by.
    pub(super) name: UnitName,
    /// Whether it has other names.
    pub(super) has_aliases: bool,
    /// Its fragment, then its drop-ins in the order in which they count: path and content.
    pub(super) parts: Vec<(Bytes, &'a [u8])>,
}

/// What is at a name in the search path.
enum Target {
    /// A file, or a link to one outside of the search path.
    Fragment(Bytes),
    /// Another name.
    Alias(UnitName),
    /// Nothing.
    Nothing,
}

/// The listed folders of the search path.
struct Search<'a, 'f> {
    files: &'f mut Files<'a>,
    folders: Vec<Folder<'a>>,
}

/// A folder of the search path. A handful of names is looked for among hundreds, so that no order of them is worth making.
struct Folder<'a> {
    path: &'static str,
    entries: &'a [Entry],
}

impl<'a> Folder<'a> {
    /// Returns what is there under a name.
    fn entry(&self, name: &[u8]) -> Option<&'a Entry> {
        let mut entries = self.entries.iter();
        entries.find(|entry| entry.name.as_slice() == name)
    }
}

/// Finds the fragment and the drop-ins of the unit called `name`.
pub(super) fn find<'a>(files: &mut Files<'a>, name: &Bytes) -> Result<Unit<'a>, Stop> {
    let Some(asked) = UnitName::parse(name.as_slice()).filter(|parsed| !parsed.is_template())
    else {
        return Err(Stop::because(
            Cause::Unsupported,
            name,
            format!("{name} is not the name of a service that can be started"),
        ));
    };
    let mut search = Search::new(files)?;
    let (id, fragment, mut names) = search.fragment(name, &asked)?;
    search.add_aliases(&id, &mut names)?;
    let content = match search.files.read(&fragment)? {
        Found::Content(content) if !content.is_empty() => content,
        Found::Content(_) => return Err(masked(name, &fragment, "which is empty")),
        Found::Device => return Err(masked(name, &fragment, "a link to a device")),
        Found::Missing => {
            return Err(Stop::because(
                Cause::Missing,
                &fragment,
                format!(
                    "{fragment} is a link to a file that is not there; restore it or remove the link"
                ),
            ));
        }
    };
    let mut parts = vec![(fragment, content)];
    parts.extend(search.drop_ins(&id, &names)?);
    Ok(Unit {
        has_aliases: !names.is_empty(),
        name: id,
        parts,
    })
}

/// Returns whether the unit called `name` is masked: nothing starts it.
pub(super) fn is_masked(files: &mut Files<'_>, name: &Bytes) -> bool {
    let Some(asked) = UnitName::parse(name.as_slice()) else {
        return false;
    };
    let fragment = Search::new(files).and_then(|mut search| search.fragment(name, &asked));
    let found = fragment.and_then(|(_, fragment, _)| files.read(&fragment));
    match found {
        Ok(Found::Device) => true,
        Ok(Found::Content(content)) => content.is_empty(),
        Ok(Found::Missing) | Err(_) => false,
    }
}

fn masked(name: &Bytes, fragment: &Bytes, how: &str) -> Stop {
    Stop::because(
        Cause::Missing,
        fragment,
        format!(
            "{name} is masked by {fragment}, {how}: systemd does not start it; `systemctl unmask {name}` takes the mask away"
        ),
    )
}

/// Returns whether a listing is that of a folder of the search path.
pub(super) fn is_folder(listing: &Bytes) -> bool {
    FOLDERS.iter().any(|folder| listed(folder) == *listing)
}

fn listed(folder: &str) -> Bytes {
    Bytes::from([folder.as_bytes(), b"/"].concat())
}

fn within(folder: &str, name: &[u8]) -> Bytes {
    Bytes::from([folder.as_bytes(), b"/", name].concat())
}

impl<'a, 'f> Search<'a, 'f> {
    fn new(files: &'f mut Files<'a>) -> Result<Self, Stop> {
        files.ask(NeedKind::Listing, &FOLDERS.map(listed))?;
        let mut folders = Vec::with_capacity(FOLDERS.len());
        for path in FOLDERS {
            let entries = files.list(&listed(path))?;
            folders.push(Folder { path, entries });
        }
        Ok(Self { files, folders })
    }

    /// Returns the name that a unit goes by, its fragment, and the other names on the way to it.
    fn fragment(
        &mut self,
        shown: &Bytes,
        asked: &UnitName,
    ) -> Result<(UnitName, Bytes, BTreeSet<UnitName>), Stop> {
        let mut names = BTreeSet::new();
        let mut current = asked.clone();
        for hop in 0..MOST_HOPS {
            let mut target = self.target(&current)?;
            if let (Target::Nothing, Some(template)) = (&target, current.template()) {
                target = self.target(&template)?;
            }
            match target {
                Target::Fragment(path) => return Ok((current, path, names)),
                Target::Alias(next) => {
                    names.insert(current.clone());
                    current = match (&next, &current.instance) {
                        (next, Some(instance)) if next.is_template() => UnitName {
                            prefix: next.prefix.clone(),
                            instance: Some(instance.clone()),
                        },
                        _ => next,
                    };
                }
                Target::Nothing if hop == 0 => {
                    return Err(Stop::because(
                        Cause::Missing,
                        shown,
                        format!(
                            "no unit file of {shown} is in systemd's search path, from {} to {}",
                            FOLDERS[0], FOLDERS[12]
                        ),
                    ));
                }
                Target::Nothing => {
                    let missing = Bytes::from(current.text());
                    return Err(Stop::because(
                        Cause::Missing,
                        shown,
                        format!(
                            "{shown} is a link to {missing}, which has no unit file; restore it or remove the link"
                        ),
                    ));
                }
            }
        }
        Err(Stop::because(
            Cause::WouldRefuse,
            shown,
            format!(
                "{shown} is a link to a link, more than {MOST_HOPS} times; link it to its unit file"
            ),
        ))
    }

    /// Returns what is at a name.
    fn target(&mut self, name: &UnitName) -> Result<Target, Stop> {
        let text = name.text();
        self.files.names.insert(text.clone());
        for at in 0..self.folders.len() {
            let Some(folder) = self.folders.get(at) else {
                break;
            };
            let Some(entry) = folder.entry(&text) else {
                continue;
            };
            let path = within(folder.path, &text);
            match entry.kind {
                FileKind::Symlink => {
                    if let Some(target) = self.linked(name, path)? {
                        return Ok(target);
                    }
                }
                _ => return Ok(Target::Fragment(path)),
            }
        }
        Ok(Target::Nothing)
    }

    /// Returns what a link in the search path means; nothing where systemd leaves it out.
    fn linked(&mut self, name: &UnitName, path: Bytes) -> Result<Option<Target>, Stop> {
        let (links, _) = self.files.links(&path)?;
        let text = name.text();
        let Some(at) = links.iter().position(|link| path::name(&link.path) == text) else {
            return Err(Stop::because(
                Cause::Unsupported,
                &path,
                format!("where the link {path} leads is not in the facts; collect them again"),
            ));
        };
        let (Some(link), rest) = (links.get(at), links.get(at + 1..).unwrap_or_default()) else {
            return Ok(None);
        };
        let mut target = path::join(&path::parent(&link.path), &link.target);
        if link.target.as_slice().starts_with(b"/") {
            target = path::clean(&link.target);
        }
        for link in rest {
            // Links among the folders on the way; not the last, whose name counts.
            if path::is_below(&target, &link.path) && target != link.path {
                let tail = target
                    .as_slice()
                    .get(link.path.len() + 1..)
                    .unwrap_or_default();
                let base = path::absolute(&link.target, Some(&path::parent(&link.path)));
                let base = base.unwrap_or_default();
                target = path::join(&base, &Bytes::from(tail));
            }
        }
        let below = |folder: &&str| path::is_below(&target, &Bytes::from(*folder));
        let Some(folder) = FOLDERS.iter().find(|folder| below(folder)) else {
            return Ok(Some(Target::Fragment(path)));
        };
        if path::parent(&target) != **folder {
            return Err(Stop::because(
                Cause::Unsupported,
                &path,
                format!(
                    "{path} links to {target}, below a folder of units; link it to a unit file"
                ),
            ));
        }
        let Some(alias) = UnitName::parse(path::name(&target)) else {
            return Ok(None);
        };
        if alias == *name || !may_be_alias(name, &alias) {
            return Ok(None);
        }
        Ok(Some(Target::Alias(alias)))
    }

    /// Adds the other names of the unit `id` that have drop-ins of their own.
    fn add_aliases(&mut self, id: &UnitName, names: &mut BTreeSet<UnitName>) -> Result<(), Stop> {
        let mut known: BTreeSet<Vec<u8>> = id.drop_in_folders().into_iter().collect();
        for name in names.iter() {
            known.extend(name.drop_in_folders());
        }
        let entries = || self.folders.iter().flat_map(|folder| folder.entries);
        let of_others: BTreeSet<&[u8]> = entries()
            .map(|entry| entry.name.as_slice())
            .filter(|name| name.ends_with(DROP_INS) && !known.contains(*name))
            .collect();
        let mut candidates = BTreeSet::new();
        let links = entries().filter(|entry| entry.kind == FileKind::Symlink);
        // Few others have drop-ins, and a folder of them begins as the name does that it is of.
        let begins = |name: &[u8]| {
            of_others
                .iter()
                .any(|folder| folder.first() == name.first())
        };
        let links = links.filter(|entry| begins(entry.name.as_slice()));
        for name in links.filter_map(|entry| UnitName::parse(entry.name.as_slice())) {
            let mut folders = name.drop_in_folders().into_iter();
            let has_some = folders.any(|folder| of_others.contains(folder.as_slice()));
            if has_some && !names.contains(&name) && name != *id {
                candidates.insert(name);
            }
        }
        for name in &candidates {
            self.files.names.insert(name.text());
            self.files.names.extend(name.drop_in_folders());
        }
        let mut added = true;
        while added {
            added = false;
            for name in &candidates {
                let Target::Alias(target) = self.target(name)? else {
                    continue;
                };
                let ours = target == *id || names.contains(&target);
                let of_template = id.template().is_some_and(|template| target == template);
                if of_template || (ours && names.len() >= MOST_ALIASES) {
                    let shown = Bytes::from(name.text());
                    return Err(Stop::because(
                        Cause::Unsupported,
                        &shown,
                        format!(
                            "{shown} is another name of the unit and has drop-ins of its own; move them to the unit"
                        ),
                    ));
                }
                added |= ours && names.insert(name.clone());
            }
        }
        Ok(())
    }

    /// Returns the drop-ins of a unit in the order in which they count.
    fn drop_ins(
        &mut self,
        id: &UnitName,
        names: &BTreeSet<UnitName>,
    ) -> Result<Vec<(Bytes, &'a [u8])>, Stop> {
        let mut folders: Vec<(Bytes, bool)> = Vec::new();
        let all = std::iter::once((id, false)).chain(names.iter().map(|name| (name, true)));
        for (name, of_alias) in all {
            let of_name = name.drop_in_folders();
            self.files.names.extend(of_name.iter().cloned());
            for folder in &self.folders {
                for name in &of_name {
                    add_folder(&mut folders, folder, name, of_alias);
                }
            }
        }
        self.files.names.insert(b"service.d".to_vec());
        for folder in &self.folders {
            add_folder(&mut folders, folder, b"service.d", false);
        }
        let listings: Vec<Bytes> = folders.iter().map(|(folder, _)| slashed(folder)).collect();
        self.files.ask(NeedKind::Listing, &listings)?;
        // The first of one name wins.
        let mut found: BTreeMap<&[u8], (Bytes, bool)> = BTreeMap::new();
        for (folder, of_alias) in &folders {
            for entry in self.files.list(&slashed(folder))? {
                let name = entry.name.as_slice();
                let is_file = matches!(entry.kind, FileKind::Regular | FileKind::Symlink);
                if !is_file || name.starts_with(b".") || !name.ends_with(b".conf") {
                    continue;
                }
                let path = Bytes::from([folder.as_slice(), b"/", name].concat());
                if let Some((first, true)) = found.get(name)
                    && *of_alias
                {
                    return Err(Stop::because(
                        Cause::Unsupported,
                        &path,
                        format!(
                            "{first} and {path} have one name and belong to two aliases: which counts is not settled; rename one"
                        ),
                    ));
                }
                found.entry(name).or_insert((path, *of_alias));
            }
        }
        if found.len() > MOST_DROP_INS {
            let shown = Bytes::from(id.text());
            return Err(Stop::because(
                Cause::TooLarge,
                &shown,
                format!("{shown} has more than {MOST_DROP_INS} drop-ins; join some"),
            ));
        }
        self.files
            .ask(NeedKind::Content, found.values().map(|(path, _)| path))?;
        let mut parts = Vec::new();
        for (path, _) in found.into_values() {
            match self.files.read(&path)? {
                Found::Content(content) => parts.push((path, content)),
                Found::Device => {}
                Found::Missing => {
                    return Err(Stop::because(
                        Cause::Missing,
                        &path,
                        format!(
                            "{path} is a link to a file that is not there; restore it or remove the link"
                        ),
                    ));
                }
            }
        }
        Ok(parts)
    }
}

fn slashed(folder: &Bytes) -> Bytes {
    Bytes::from([folder.as_slice(), b"/"].concat())
}

fn add_folder(folders: &mut Vec<(Bytes, bool)>, folder: &Folder<'_>, name: &[u8], of_alias: bool) {
    let kind = folder.entry(name).map(|entry| entry.kind);
    if !matches!(kind, Some(FileKind::Directory | FileKind::Symlink)) {
        return;
    }
    let path = within(folder.path, name);
    if folders.iter().all(|(known, _)| *known != path) {
        folders.push((path, of_alias));
    }
}

/// Returns whether systemd takes a link called `name` to `target` for another name of it.
fn may_be_alias(name: &UnitName, target: &UnitName) -> bool {
    match (&name.instance, &target.instance) {
        (None, None) => true,
        (Some(_), Some(_)) if name.is_instance() && target.is_instance() => {
            name.instance == target.instance
        }
        (Some(_), Some(_)) => target.is_template(),
        _ => false,
    }
}
