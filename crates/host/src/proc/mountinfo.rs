//! `/proc/PID/mountinfo`, and what a mount hides.
//!
//! A process may have read a file through a mount that can be reached no more: the kubelet binds its root
//! directory over itself when it starts, and whatever had been mounted below that directory is covered.
//! The table still lists it.

/// A line of `mountinfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Its id.
    pub id: u64,
    /// The id of the mount that it lies on.
    pub parent: u64,
    /// `major:minor`.
    pub device: Vec<u8>,
    /// The folder of the file system that is mounted.
    pub root: Vec<u8>,
    /// Where it is mounted, in the view of the process.
    pub point: Vec<u8>,
    /// The type of the file system.
    pub file_system: Vec<u8>,
    /// The options of the mount and of the file system, with commas.
    pub options: Vec<u8>,
}

impl Mount {
    /// Returns the file that this mount shows at `path`, as device and path on it.
    fn file_at(&self, path: &[u8]) -> Option<(&[u8], Vec<u8>)> {
        let rest = below(path, &self.point)?;
        let root = self.root.strip_suffix(b"/").unwrap_or(&self.root);
        Some((&self.device, [root, rest].concat()))
    }

    /// Returns the value of one of its options; a mere word has an empty one.
    pub fn option(&self, name: &[u8]) -> Option<&[u8]> {
        self.options.split(|byte| *byte == b',').find_map(|option| {
            let rest = option.strip_prefix(name)?;
            if rest.is_empty() {
                return Some(rest);
            }
            rest.strip_prefix(b"=")
        })
    }

    /// Returns who has to answer for its files.
    ///
    /// A file system that is not known to be the kernel's own counts as a server's.
    pub fn answering(&self) -> Answering {
        let kind = self.file_system.as_slice();
        if kind.starts_with(b"fuse.") || PROGRAMS.contains(&kind) {
            Answering::Program
        } else if LOCAL.contains(&kind) {
            Answering::Kernel
        } else {
            Answering::Server
        }
    }

    /// Returns the folders of which an overlay is made, as far as its options name them from the root.
    pub fn layers(&self) -> impl Iterator<Item = &[u8]> {
        let options = self.options.split(|byte| *byte == b',');
        let folders = options
            .filter(|_| self.file_system == b"overlay")
            .filter_map(|option| {
                let mut parts = option.splitn(2, |byte| *byte == b'=');
                let (name, value) = (parts.next()?, parts.next()?);
                // `lowerdir+=` names one more.
                let name = name.strip_suffix(b"+").unwrap_or(name);
                matches!(name, b"lowerdir" | b"upperdir" | b"datadir").then_some(value)
            });
        folders
            .flat_map(|folders| folders.split(|byte| *byte == b':'))
            .filter(|folder| folder.starts_with(b"/"))
    }
}

/// Who has to answer before a file system gives what it is asked for; the worst comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answering {
    /// The kernel itself, or a disk.
    Kernel,
    /// A server that may never answer; whoever waits for it can be ended.
    Server,
    /// A program that may be a tenant's. Once it has taken a request the kernel lets nobody who waits for
    /// it go, not even by SIGKILL (`request_wait_answer` of the kernel's `fs/fuse/dev.c`, `p9_client_rpc` of
    /// `net/9p/client.c`), so that our own end would wait for it.
    Program,
}

/// File systems whose requests a program takes (virtiofs is FUSE to the kernel).
const PROGRAMS: &[&[u8]] = &[b"fuse", b"fuseblk", b"virtiofs", b"9p"];

/// File systems for which nobody but the kernel and its disks answers.
const LOCAL: &[&[u8]] = &[
    b"bcachefs",
    b"binfmt_misc",
    b"bpf",
    b"btrfs",
    b"cgroup",
    b"cgroup2",
    b"configfs",
    b"cramfs",
    b"debugfs",
    b"devpts",
    b"devtmpfs",
    b"efivarfs",
    b"erofs",
    b"exfat",
    b"ext2",
    b"ext3",
    b"ext4",
    b"f2fs",
    b"fusectl",
    b"hugetlbfs",
    b"iso9660",
    b"jfs",
    b"mqueue",
    b"nsfs",
    b"ntfs3",
    b"overlay",
    b"proc",
    b"pstore",
    b"ramfs",
    b"rootfs",
    b"securityfs",
    b"selinuxfs",
    b"squashfs",
    b"sysfs",
    b"tmpfs",
    b"tracefs",
    b"udf",
    b"vfat",
    b"xfs",
    b"zfs",
];

/// Reads a table; lines that are none are left out.
pub fn parse(content: &[u8]) -> Vec<Mount> {
    content
        .split(|byte| *byte == b'\n')
        .filter_map(parse_line)
        .collect()
}

/// `36 35 98:0 /root /point rw,noatime master:1 - ext3 /dev/root rw,errors=continue`
fn parse_line(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ');
    let id = number(fields.next()?)?;
    let parent = number(fields.next()?)?;
    let device = fields.next()?.to_vec();
    let root = unescape(fields.next()?);
    let point = unescape(fields.next()?);
    let mut options = fields.next()?.to_vec();
    // Any number of optional fields, then a hyphen.
    let mut fields = fields.skip_while(|field| *field != b"-").skip(1);
    let file_system = fields.next()?.to_vec();
    let _source = fields.next();
    if let Some(of_file_system) = fields.next() {
        options.push(b',');
        options.extend_from_slice(of_file_system);
    }
    Some(Mount {
        id,
        parent,
        device,
        root,
        point,
        file_system,
        options,
    })
}

/// Returns the mount that hides from us what the process may have read at `path`, if one does, as the mount
/// that is hidden.
///
/// `path` has no links left in it. `visible` is the mount that we reach there, where the kernel says; the
/// way that leads there is worked out from the table otherwise. A mount is hidden if its point lies above
/// `path` (or is it), it is not on that way, and it would show another file. That leaves out what is
/// covered by itself (the kubelet's root directory without anything below it) and the copies that mount
/// propagation makes. A mount under a second one at the same point is hidden as well.
pub fn hidden<'a>(mounts: &'a [Mount], path: &[u8], visible: Option<u64>) -> Option<&'a Mount> {
    let way = visible
        .and_then(|id| way_up(mounts, id))
        .unwrap_or_else(|| way_down(mounts, path));
    // Without any mount on the way the file lies on a root that the table does not list: that of a chroot.
    let shown = way.last().and_then(|mount| mount.file_at(path));
    mounts.iter().find(|mount| {
        if mount.point == b"/" || mount.file_system == b"autofs" {
            return false;
        }
        let Some(file) = mount.file_at(path) else {
            return false;
        };
        let covered = match way.iter().position(|on| on.id == mount.id) {
            None => true,
            Some(place) => way
                .get(place + 1)
                .is_some_and(|next| next.point == mount.point),
        };
        covered && shown.as_ref() != Some(&file)
    })
}

/// Returns a mount on an entry of `directory` that is hidden, so that the directory does not show what it
/// showed.
pub fn hidden_in<'a>(mounts: &'a [Mount], directory: &[u8]) -> Option<&'a Mount> {
    let is_entry = |point: &[u8]| {
        below(point, directory)
            .and_then(|rest| rest.strip_prefix(b"/"))
            .is_some_and(|rest| !rest.is_empty() && !rest.contains(&b'/'))
    };
    mounts
        .iter()
        .filter(|mount| is_entry(&mount.point))
        .find_map(|mount| hidden(mounts, &mount.point, None))
}

/// The mounts from the root to the one with this id, following what the table says lies on what.
fn way_up(mounts: &[Mount], id: u64) -> Option<Vec<&Mount>> {
    let mut way = vec![mounts.iter().find(|mount| mount.id == id)?];
    while let Some(parent) = way
        .last()
        .and_then(|last| mounts.iter().find(|mount| mount.id == last.parent))
    {
        if way.iter().any(|mount| mount.id == parent.id) {
            break;
        }
        way.push(parent);
    }
    way.reverse();
    Some(way)
}

/// The mounts that are crossed by walking down to `path`.
fn way_down<'a>(mounts: &'a [Mount], path: &[u8]) -> Vec<&'a Mount> {
    let is_listed = |id: u64| mounts.iter().any(|mount| mount.id == id);
    let mut way: Vec<&Mount> = Vec::new();
    loop {
        let next = mounts.iter().rev().find(|mount| {
            let here = match way.last() {
                // The first one lies on a mount that this process does not see.
                None => !is_listed(mount.parent) || mount.parent == mount.id,
                Some(last) => mount.parent == last.id,
            };
            let new = way.iter().all(|on| on.id != mount.id);
            here && new && below(path, &mount.point).is_some()
        });
        // Of several at different points the highest is met first.
        let Some(next) = next else {
            return way;
        };
        let first = mounts
            .iter()
            .rev()
            .filter(|mount| {
                mount.parent == next.parent
                    && way.iter().all(|on| on.id != mount.id)
                    && below(path, &mount.point).is_some()
            })
            .min_by_key(|mount| mount.point.len())
            .unwrap_or(next);
        way.push(first);
    }
}

/// Returns what remains of `path` below `directory`, with its slash, or nothing if it is the same.
pub(crate) fn below<'a>(path: &'a [u8], directory: &[u8]) -> Option<&'a [u8]> {
    let directory = directory.strip_suffix(b"/").unwrap_or(directory);
    let rest = path.strip_prefix(directory)?;
    (rest.is_empty() || rest.starts_with(b"/")).then_some(rest)
}

fn number(field: &[u8]) -> Option<u64> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

/// Space, tab, newline and backslash are written `\ooo`.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let octal = match after {
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] if *first == b'\\' => {
                Some((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'))
            }
            _ => None,
        };
        plain.push(octal.unwrap_or(*first));
        rest = if octal.is_some() {
            after.get(3..).unwrap_or_default()
        } else {
            after
        };
    }
    plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Answering, hidden, hidden_in, parse};

    const CONFIG: &[u8] = b"/var/lib/kubelet/config.yaml";

    fn hidden_point(table: &str, path: &[u8]) -> Option<String> {
        let mounts = parse(table.as_bytes());
        let found = hidden(&mounts, path, None)?;
        Some(String::from_utf8(found.point.clone()).unwrap())
    }

    #[test]
    fn a_line_is_read_with_and_without_optional_fields() {
        let table = b"36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue\n22 27 0:21 / /proc rw - proc proc rw,gid=7,hidepid=invisible\nrubbish\n";
        let mounts = parse(table);
        assert_eq!(mounts.len(), 2);
        assert_eq!(mounts[0].point, b"/mnt 2");
        assert_eq!(mounts[1].option(b"hidepid"), Some(&b"invisible"[..]));
        assert_eq!(mounts[1].option(b"gid"), Some(&b"7"[..]));
        assert_eq!(mounts[1].option(b"hide"), None);
    }

    #[test]
    fn the_root_directory_bound_over_itself_hides_nothing() {
        // Plain, and with the directory on a disk of its own.
        for table in [
            "27 1 8:1 / / rw - ext4 /dev/sda1 rw\n90 27 8:1 /var/lib/kubelet /var/lib/kubelet rw shared:1 - ext4 /dev/sda1 rw\n",
            "27 1 8:1 / / rw - ext4 /dev/sda1 rw\n60 27 8:2 / /var/lib/kubelet rw - ext4 /dev/sdb rw\n90 60 8:2 / /var/lib/kubelet rw - ext4 /dev/sdb rw\n",
        ] {
            assert_eq!(hidden_point(table, CONFIG), None);
        }
    }

    #[test]
    fn a_file_bound_below_it_before_is_hidden() {
        let table = "27 1 0:40 / / rw - overlay overlay rw\n60 27 8:1 /srv/other.yaml /var/lib/kubelet/config.yaml rw - ext4 /dev/sda1 rw\n90 27 0:40 /var/lib/kubelet /var/lib/kubelet rw - overlay overlay rw\n";
        assert_eq!(
            hidden_point(table, CONFIG).as_deref(),
            Some("/var/lib/kubelet/config.yaml")
        );
        assert_eq!(hidden_point(table, b"/etc/kubernetes/kubelet.conf"), None);
        assert_eq!(hidden_point(table, b"/var/lib/kubelet/config.yaml2"), None);
        let mounts = parse(table.as_bytes());
        assert!(hidden(&mounts, CONFIG, Some(90)).is_some());
        assert!(hidden_in(&mounts, b"/var/lib/kubelet").is_some());
        assert!(hidden_in(&mounts, b"/etc").is_none());
    }

    #[test]
    fn a_file_bound_afterwards_is_what_we_see() {
        let table = "27 1 0:40 / / rw - overlay overlay rw\n90 27 0:40 /var/lib/kubelet /var/lib/kubelet rw - overlay overlay rw\n95 90 8:1 /srv/other.yaml /var/lib/kubelet/config.yaml rw - ext4 /dev/sda1 rw\n";
        assert_eq!(hidden_point(table, CONFIG), None);
    }

    #[test]
    fn the_copy_that_propagation_makes_is_not_hidden() {
        // Below both the root and the directory bound over itself, the same thing.
        let table = "27 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n90 27 8:1 /var/lib/kubelet /var/lib/kubelet rw shared:1 - ext4 /dev/sda1 rw\n95 90 0:50 / /var/lib/kubelet/pods/1/volumes/t rw shared:9 - tmpfs tmpfs rw\n96 27 0:50 / /var/lib/kubelet/pods/1/volumes/t rw shared:9 - tmpfs tmpfs rw\n";
        assert_eq!(
            hidden_point(table, b"/var/lib/kubelet/pods/1/volumes/t/x"),
            None
        );
        assert_eq!(hidden_point(table, CONFIG), None);
    }

    #[test]
    fn of_two_at_the_same_point_the_lower_is_hidden() {
        let table = "27 1 8:1 / / rw - ext4 /dev/sda1 rw\n60 27 0:50 / /etc/kubernetes rw - tmpfs a rw\n61 60 0:51 / /etc/kubernetes rw - tmpfs b rw\n";
        assert_eq!(
            hidden_point(table, b"/etc/kubernetes/k").as_deref(),
            Some("/etc/kubernetes")
        );
        // An automount point and what was mounted there on demand are one thing.
        let table = "27 1 8:1 / / rw - ext4 /dev/sda1 rw\n60 27 0:50 / /boot rw - autofs systemd-1 rw\n61 60 0:51 / /boot rw - vfat b rw\n";
        assert_eq!(hidden_point(table, b"/boot/k"), None);
    }

    #[test]
    fn the_first_root_of_the_boot_does_not_matter() {
        let table = "1 1 0:2 / / rw - rootfs rootfs rw\n27 1 8:1 / / rw - ext4 /dev/sda1 rw\n";
        assert_eq!(hidden_point(table, CONFIG), None);
    }

    #[test]
    fn a_chroot_lists_no_root_of_its_own() {
        let table = "60 27 8:1 /o.yaml /var/lib/kubelet/config.yaml rw - ext4 /dev/sda1 rw\n90 27 8:1 /c/var/lib/kubelet /var/lib/kubelet rw - ext4 /dev/sda1 rw\n";
        assert_eq!(
            hidden_point(table, CONFIG).as_deref(),
            Some("/var/lib/kubelet/config.yaml")
        );
        assert_eq!(hidden_point(table, b"/etc/k"), None);
    }

    #[test]
    fn file_systems_are_known_by_who_answers() {
        let mounts = parse(b"1 0 0:1 / /a rw - fuse.sshfs x rw\n2 0 0:2 / /b rw - nfs4 x rw\n3 0 0:3 / /c rw - ext4 x rw\n4 0 0:4 / /d rw - newfs x rw\n");
        assert_eq!(
            mounts
                .iter()
                .map(super::Mount::answering)
                .collect::<Vec<_>>(),
            [
                Answering::Program,
                Answering::Server,
                Answering::Kernel,
                Answering::Server
            ]
        );
    }

    #[test]
    fn the_layers_of_an_overlay_are_its_folders() {
        let mounts = parse(b"1 0 0:1 / / rw - overlay overlay rw,lowerdir=/l/1:/l/2:rel,upperdir=/u,workdir=/w\n2 0 0:2 / /b rw - overlay o rw,lowerdir+=/n,datadir+=/d\n3 0 0:3 / /c rw - ext4 x rw,upperdir=/u\n");
        let layers = |at: usize| {
            mounts[at]
                .layers()
                .map(|layer| String::from_utf8_lossy(layer))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(
            [layers(0), layers(1), layers(2)],
            ["/l/1 /l/2 /u", "/n /d", ""]
        );
    }

    proptest! {
        #[test]
        fn no_content_panics(content: Vec<u8>, path: Vec<u8>, id: Option<u64>) {
            let mounts = parse(&content);
            let _ = hidden(&mounts, &path, id);
        }

        #[test]
        fn no_table_loops(
            lines in prop::collection::vec((0_u64..6, 0_u64..6, prop::sample::select(vec!["/", "/a", "/a/b", "/a/b/c", "/d"])), 0..8),
            id in prop::option::of(0_u64..6),
        ) {
            let mut table = String::new();
            for (id, parent, point) in lines {
                let line = format!("{id} {parent} 8:{id} / {point} rw - ext4 x rw\n");
                table.push_str(&line);
            }
            let mounts = parse(table.as_bytes());
            let _ = hidden(&mounts, b"/a/b/c", id);
            let _ = hidden_in(&mounts, b"/a");
        }
    }
}
