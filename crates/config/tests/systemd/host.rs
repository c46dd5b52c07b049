//! A host made of a handful of files, asked as the host layer is asked.

use std::collections::BTreeMap;

use kubeassay_core::facts::{Entry, FileFacts, FileKind, Link, Need, NeedKind, ServiceFacts};
use kubeassay_core::{Bytes, Cause};

/// Returns the facts of a service on a host with these files, asked for until `needs` names no more; what begins with
/// `-> ` is a link.
pub(crate) fn facts(
    unit: &str,
    files: &[(&str, &str)],
    needs: fn(&ServiceFacts) -> Vec<Need>,
) -> ServiceFacts {
    let files: BTreeMap<&str, &str> = files.iter().copied().collect();
    let mut service = ServiceFacts::new(Bytes::from(unit));
    for _ in 0..20 {
        let wanted = needs(&service);
        if wanted.is_empty() {
            return service;
        }
        for need in wanted {
            assert!(service.file(&need).is_none(), "asked twice: {need:?}");
            service.files.push(look(&files, need));
        }
    }
    panic!("the needs of {unit} do not end");
}

/// Returns what is at a path; what begins with `-> ` is a link.
pub(crate) fn look(files: &BTreeMap<&str, &str>, need: Need) -> FileFacts {
    let path = need.path.as_str().unwrap().to_owned();
    let what = need.what;
    let mut facts = FileFacts::unread(need, Cause::Missing, format!("{path} is not there"));
    if what == NeedKind::Listing {
        list(files, &path, &mut facts);
        return facts;
    }
    let mut at = path;
    for _ in 0..10 {
        if at == "/dev/null" {
            facts.kind = Some(FileKind::CharacterDevice);
            facts.problem = facts.problem.filter(|_| what == NeedKind::Content);
            if let Some(trouble) = &mut facts.problem {
                trouble.cause = Cause::NotRegular;
            }
            break;
        }
        let Some(content) = files.get(at.as_str()) else {
            let folder = format!("{at}/");
            if what == NeedKind::Presence && files.keys().any(|file| file.starts_with(&folder)) {
                facts.problem = None;
                facts.kind = Some(FileKind::Directory);
            }
            break;
        };
        let Some(target) = content.strip_prefix("-> ") else {
            facts.problem = None;
            facts.kind = Some(FileKind::Regular);
            facts.content = (what == NeedKind::Content).then(|| Bytes::from(*content));
            break;
        };
        facts.links.push(Link {
            path: Bytes::from(at.as_str()),
            target: Bytes::from(target),
            modified: None,
            changed: None,
        });
        at = resolve(&at, target);
    }
    facts
}

fn list(files: &BTreeMap<&str, &str>, folder: &str, facts: &mut FileFacts) {
    let folder = format!("{}/", folder.trim_end_matches('/'));
    let mut entries: BTreeMap<String, FileKind> = BTreeMap::new();
    for (file, content) in files {
        let Some(rest) = file.strip_prefix(&folder) else {
            continue;
        };
        let (name, kind) = match rest.split_once('/') {
            Some((name, _)) => (name, FileKind::Directory),
            None if content.starts_with("-> ") => (rest, FileKind::Symlink),
            None => (rest, FileKind::Regular),
        };
        entries.insert(name.to_owned(), kind);
    }
    if !entries.is_empty() {
        facts.problem = None;
        facts.kind = Some(FileKind::Directory);
        let entry = |(name, kind)| Entry {
            name: Bytes::from(name),
            kind,
        };
        facts.entries = Some(entries.into_iter().map(entry).collect());
    }
}

/// Returns where a link leads.
fn resolve(link: &str, target: &str) -> String {
    let (folder, _) = link.rsplit_once('/').unwrap();
    let path = if target.starts_with('/') {
        target.to_owned()
    } else {
        format!("{folder}/{target}")
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}
