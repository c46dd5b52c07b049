//! A table of mounts and what they hide, with a walk through the tree of mounts for a second opinion.

use std::collections::BTreeSet;

use kubeassay_host::proc::mountinfo::{Mount, hidden, hidden_in, parse};

use crate::input::{Choices, Parts};

/// The most mounts with which what is hidden is asked for: the work grows with their square.
const MOST: usize = 200;

/// Reads the first part as `mountinfo` and asks for the path in the second; grows a table from the third.
pub(crate) fn run(data: &[u8]) {
    let mut parts = Parts::new(data);
    let table = parts.next();
    let path = parts.next();
    let mounts = parse(table);
    assert!(
        mounts.len() <= table.split(|byte| *byte == b'\n').count(),
        "more mounts than lines"
    );
    escapes_come_back(path, table);
    for mount in &mounts {
        reads_the_same_written_anew(mount);
    }
    if mounts.len() > MOST {
        return;
    }
    for visible in [None]
        .into_iter()
        .chain(mounts.iter().take(4).map(|mount| Some(mount.id)))
    {
        if let Some(found) = hidden(&mounts, path, visible) {
            assert!(mounts.contains(found), "a mount that is not in the table");
            assert!(
                is_above(&found.point, path),
                "{found:?} is not above {path:?}"
            );
        }
    }
    if let Some(found) = hidden_in(&mounts, path) {
        assert!(
            is_above(path, &found.point) || found.point == path || is_above(&found.point, path),
            "{found:?}"
        );
    }
    if is_tree(&mounts) && is_plain(path) {
        walks_agree(&mounts, path);
    }
    let grown = parse(grown(&mut Choices::new(parts.next())).as_bytes());
    if is_tree(&grown) {
        for path in PATHS {
            walks_agree(&grown, path.as_bytes());
        }
    }
}

/// Where mounts are made in tables that are grown, and what is asked for.
const PATHS: [&str; 6] = ["/", "/a", "/a/b", "/a/b/c", "/ab", "/d"];

/// Returns a table of mounts, each at or below the one that it lies on.
fn grown(choices: &mut Choices<'_>) -> String {
    let mut table = "20 1 8:0 / / rw - ext4 x rw\n".to_owned();
    let mut points = vec!["/"];
    for id in 21..21 + choices.below(9) {
        let parent = choices.below(points.len());
        let below: Vec<&str> = PATHS
            .into_iter()
            .filter(|path| is_above(points[parent].as_bytes(), path.as_bytes()))
            .collect();
        let point = below[choices.below(below.len())];
        let root = ["/", "/a", "/a/b", point][choices.below(4)];
        let device = choices.below(3);
        let line = format!(
            "{id} {} 8:{device} {root} {point} rw - ext4 x rw\n",
            20 + parent
        );
        table.push_str(&line);
        points.push(point);
    }
    table
}

fn walks_agree(mounts: &[Mount], path: &[u8]) {
    let ours = hidden(mounts, path, None).is_some();
    let walked = hides(mounts, path);
    let shown = || String::from_utf8_lossy(path).into_owned();
    assert_eq!(
        ours,
        walked.1,
        "walking says otherwise of {:?} in {mounts:?}",
        shown()
    );
    // The kernel says which mount it reaches; the table alone has to come to the same.
    let told = hidden(mounts, path, Some(walked.0)).is_some();
    assert_eq!(
        told,
        walked.1,
        "told by the kernel otherwise of {:?} in {mounts:?}",
        shown()
    );
}

/// Asserts that a name comes back as it was before the kernel wrote it (`seq_path` with `" \t\n\\#"`).
fn escapes_come_back(name: &[u8], root: &[u8]) {
    let line = [
        b"1 2 3:4 ",
        &*escaped(root),
        b" ",
        &*escaped(name),
        b" rw - ext4 x rw",
    ]
    .concat();
    let mounts = parse(&line);
    assert_eq!(mounts.len(), 1, "a line is a mount: {line:?}");
    assert_eq!(
        (mounts[0].root.as_slice(), mounts[0].point.as_slice()),
        (root, name)
    );
}

fn escaped(name: &[u8]) -> Vec<u8> {
    let write = |byte: &u8| match byte {
        b' ' | b'\t' | b'\n' | b'\\' | b'#' => format!("\\{byte:03o}").into_bytes(),
        byte => vec![*byte],
    };
    name.iter().flat_map(write).collect()
}

/// Asserts that a mount, written as the kernel does, is the same mount.
fn reads_the_same_written_anew(mount: &Mount) {
    let ids = format!("{} {} ", mount.id, mount.parent);
    let (options, of_file_system) = match mount.options.iter().rposition(|byte| *byte == b',') {
        Some(at) => (&mount.options[..at], &mount.options[at + 1..]),
        // A line that ends with the type of its file system.
        None => return,
    };
    let parts = [
        ids.as_bytes(),
        &mount.device,
        b" ",
        &escaped(&mount.root),
        b" ",
        &escaped(&mount.point),
        b" ",
        options,
        b" shared:1 master:2 - ",
        &mount.file_system,
        b" source ",
        of_file_system,
    ];
    assert_eq!(parse(&parts.concat()), std::slice::from_ref(mount));
}

fn is_above(point: &[u8], path: &[u8]) -> bool {
    let point = point.strip_suffix(b"/").unwrap_or(point);
    path.strip_prefix(point)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// Whether a path is one that the kernel could have resolved: absolute, without empty parts.
fn is_plain(path: &[u8]) -> bool {
    path == b"/"
        || path.strip_prefix(b"/").is_some_and(|rest| {
            rest.split(|byte| *byte == b'/')
                .all(|part| !part.is_empty())
        })
}

/// Whether a table is one that a kernel may show to a process that was not put into a chroot: one root, each other
/// mount at or below the one that it lies on, each id and each place once. Of other tables the two opinions may differ:
/// nothing tells what such a kernel would show.
fn is_tree(mounts: &[Mount]) -> bool {
    let ids: BTreeSet<u64> = mounts.iter().map(|mount| mount.id).collect();
    let places: BTreeSet<(u64, &[u8])> = mounts
        .iter()
        .map(|mount| (mount.parent, mount.point.as_slice()))
        .collect();
    let roots: Vec<&Mount> = mounts
        .iter()
        .filter(|mount| !ids.contains(&mount.parent))
        .collect();
    let reaches_root = |mount: &Mount| {
        let mut at = mount;
        for _ in 0..=mounts.len() {
            match mounts.iter().find(|parent| parent.id == at.parent) {
                None => return true,
                Some(parent) if is_above(&parent.point, &at.point) => at = parent,
                Some(_) => return false,
            }
        }
        false
    };
    ids.len() == mounts.len()
        && places.len() == mounts.len()
        && roots.len() == 1
        && roots[0].point == b"/"
        && mounts.iter().all(|mount| {
            is_plain(&mount.point)
                && is_plain(&mount.root)
                && mount.file_system != b"autofs"
                && reaches_root(mount)
        })
}

/// Returns the mount that is reached at `path`, and whether another at or above it is covered and would show another file
/// there: walked part by part, as the kernel resolves a path, from the root mount.
fn hides(mounts: &[Mount], path: &[u8]) -> (u64, bool) {
    let is_root = |mount: &&Mount| mounts.iter().all(|parent| parent.id != mount.parent);
    let mut here = mounts.iter().find(is_root).expect("a tree has a root");
    let mut crossed = BTreeSet::from([here.id]);
    let mut prefixes: Vec<&[u8]> = vec![b"/"];
    if path != b"/" {
        let slashes = path
            .iter()
            .enumerate()
            .skip(1)
            .filter(|(_, byte)| **byte == b'/');
        prefixes.extend(slashes.map(|(at, _)| &path[..at]));
        prefixes.push(path);
    }
    for prefix in prefixes {
        while let Some(next) = mounts
            .iter()
            .find(|mount| mount.parent == here.id && mount.point == prefix)
        {
            // What was mounted over at its own root cannot be reached any more.
            if here.point == prefix {
                crossed.remove(&here.id);
            }
            here = next;
            crossed.insert(here.id);
        }
    }
    let file = |mount: &Mount| {
        let point = mount.point.strip_suffix(b"/").unwrap_or(&mount.point);
        let root = mount.root.strip_suffix(b"/").unwrap_or(&mount.root);
        (mount.device.clone(), [root, &path[point.len()..]].concat())
    };
    let shown = file(here);
    let hides = mounts.iter().any(|mount| {
        mount.point != b"/"
            && is_above(&mount.point, path)
            && !crossed.contains(&mount.id)
            && file(mount) != shown
    });
    (here.id, hides)
}
