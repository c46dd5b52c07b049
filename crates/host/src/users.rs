//! Names of users and groups, from the host's own passwd(5) and group(5).
//!
//! The system library is never asked: it would answer for the machine that kubeassay runs on, which need not
//! be the host, and from wherever that machine's `nsswitch.conf` sends it. What is read here is what the
//! library's `files` source reads, line by line, in the same way.
//!
//! Pure; takes any bytes, in time and memory that grow with them alone.

use std::collections::{BTreeMap, BTreeSet};

use kubeassay_core::Bytes;
use kubeassay_core::facts::Facts;

/// A line of passwd(5) or group(5) that gives a number a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The number.
    pub id: u32,
    /// The name.
    pub name: &'a [u8],
    /// The line, from 1.
    pub line: usize,
}

/// Returns the users of a passwd(5) text, in its order.
pub fn users(passwd: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    // name:password:uid:gid:…; without a group the line is none.
    entries(passwd, |fields| {
        number(fields.next()?)?;
        Some(())
    })
}

/// Returns the groups of a group(5) text, in its order.
pub fn groups(group: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    entries(group, |_| Some(()))
}

/// Returns the names of `ids`. Where several lines give the same number, the first counts, as it does for
/// getpwuid(3) and getgrgid(3).
///
/// glibc 2.36 names the same for 6,000 random texts of valid and odd lines, but for a last line without a
/// line break that begins with a blank and ends with its number.
pub fn named<'a>(
    entries: impl Iterator<Item = Entry<'a>>,
    ids: &BTreeSet<u32>,
) -> BTreeMap<u32, Bytes> {
    let mut names = BTreeMap::new();
    for entry in entries.filter(|entry| ids.contains(&entry.id)) {
        names
            .entry(entry.id)
            .or_insert_with(|| Bytes::from(entry.name));
    }
    names
}

/// Fills in the names of the users and groups that occur in `facts`; no others of the host's.
pub fn name(facts: &mut Facts, passwd: &[u8], group: &[u8]) {
    let processes = facts.processes.iter();
    let of_processes = processes.clone().flat_map(|process| &process.files);
    let of_services = facts.services.iter().flat_map(|service| &service.files);
    let files = of_processes.chain(of_services).chain(&facts.files);
    let owners = files.clone().filter_map(|file| file.uid);
    let user_ids = processes.filter_map(|process| process.uid).chain(owners);
    let user_ids: BTreeSet<u32> = user_ids.collect();
    let group_ids: BTreeSet<u32> = files.filter_map(|file| file.gid).collect();
    facts.node.users = named(users(passwd), &user_ids);
    facts.node.groups = named(groups(group), &group_ids);
}

/// Reads name, password and number of each line; `rest` says whether what follows them is as it must be.
fn entries<'a>(
    text: &'a [u8],
    rest: impl Fn(&mut dyn Iterator<Item = &'a [u8]>) -> Option<()>,
) -> impl Iterator<Item = Entry<'a>> {
    let lines = text.split(|byte| *byte == b'\n').zip(1..);
    lines.filter_map(move |(content, line)| {
        // The library's lines are C strings.
        let content = content.split(|byte| *byte == 0).next()?;
        let content = without_blanks(content);
        // `+` and `-` stand for what NIS has or has not: no names of numbers.
        if matches!(content.first(), None | Some(b'#' | b'+' | b'-')) {
            return None;
        }
        let mut fields = content.split(|byte| *byte == b':');
        let name = fields.next()?;
        let _password = fields.next()?;
        let id = number(fields.next()?)?;
        rest(&mut fields)?;
        Some(Entry { id, name, line })
    })
}

/// Reads a number as the library does with strtoul(3): blanks and a sign before it, nothing behind it. One
/// that is negative or has more than 32 bits is none.
fn number(field: &[u8]) -> Option<u32> {
    let (negative, digits) = match without_blanks(field) {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits.iter().fold(0_u64, |value, digit| {
        value
            .saturating_mul(10)
            .saturating_add(u64::from(digit - b'0'))
    });
    u32::try_from(value)
        .ok()
        .filter(|value| !negative || *value == 0)
}

/// Returns `text` without what isspace(3) takes for blanks at its beginning: the vertical tab too, which is
/// none of Rust's.
fn without_blanks(text: &[u8]) -> &[u8] {
    let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0b;
    let start = text.iter().position(|byte| !blank(byte));
    text.get(start.unwrap_or(text.len())..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use kubeassay_core::facts::{FileFacts, Need, NeedKind, ProcessFacts, Source, Tool};
    use proptest::prelude::*;

    use super::*;

    const PASSWD: &[u8] = b"# made by hand\n\
        root:x:0:0:root:/root:/bin/bash\n\
        toor:x:0:0::/root:/bin/sh\n\
        \n\
        \tindented:x:7:7:::\n\
        +nis:x:8:8:::\n\
        -nis:x:9:9:::\n\
        +\n\
        kubelet:x:  +990:990::/var/lib/kubelet:/sbin/nologin\n\
        no-group:x:11\n\
        no-number:x:x:5\n\
        behind:x:12x:5\n\
        \xff\xfe:x:13:13:::\n\
        large:x:4294967296:1:::\n\
        large-group:x:15:99999999999:::\n\
        negative:x:-1:1:::\n\
        minus-nothing:x:-0:-0:::\n\
        \x0btab:x:\x0b16:16:::\n\
        largest:x:4294967295:1:::\n\
        last:x:14:14";

    fn all<'a>(entries: impl Iterator<Item = Entry<'a>>) -> Vec<(u32, &'a [u8], usize)> {
        entries
            .map(|entry| (entry.id, entry.name, entry.line))
            .collect()
    }

    #[test]
    fn users_are_what_the_library_reads() {
        assert_eq!(
            all(users(PASSWD)),
            [
                (0, &b"root"[..], 2),
                (0, b"toor", 3),
                (7, b"indented", 5),
                (990, b"kubelet", 9),
                (13, b"\xff\xfe", 13),
                (0, b"minus-nothing", 17),
                (16, b"tab", 18),
                (u32::MAX, b"largest", 19),
                (14, b"last", 20),
            ]
        );
    }

    #[test]
    fn groups_need_no_members() {
        let group = b"root:x:0:\nadm:x:4:syslog,u\nshort:x:5\n+:::\nnone:x::\nmade\0up:x:6:\n";
        assert_eq!(
            all(groups(group)),
            [(0, &b"root"[..], 1), (4, b"adm", 2), (5, b"short", 3)]
        );
    }

    #[test]
    fn the_first_name_of_a_number_counts() {
        let names = named(users(PASSWD), &BTreeSet::from([0, 13, 65_534]));
        let wanted = [
            (0, Bytes::from("root")),
            (13, Bytes::from(&b"\xff\xfe"[..])),
        ];
        assert_eq!(names, BTreeMap::from(wanted));
    }

    #[test]
    fn only_those_that_occur_are_named() {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let need = Need {
            what: NeedKind::Content,
            path: "/c.yaml".into(),
        };
        let file = FileFacts {
            uid: Some(7),
            gid: Some(4),
            ..FileFacts::unread(need, kubeassay_core::Cause::Missing, "")
        };
        let process = ProcessFacts {
            uid: Some(0),
            files: vec![file],
            ..ProcessFacts::new(1, Vec::new())
        };
        let mut facts = Facts {
            complete: true,
            processes: vec![process],
            ..Facts::new(
                Tool {
                    name: String::new(),
                    version: String::new(),
                    commit: None,
                },
                Source::Live,
                at,
            )
        };
        name(&mut facts, PASSWD, b"adm:x:4:\nother:x:5:\n");
        let users = [(0, "root".into()), (7, "indented".into())];
        assert_eq!(facts.node.users, BTreeMap::from(users));
        assert_eq!(facts.node.groups, BTreeMap::from([(4, "adm".into())]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(text in proptest::collection::vec(prop_oneof![
            Just(b':'), Just(b'\n'), Just(b'0'), Just(b'+'), Just(b'a'), any::<u8>()
        ], 0..200)) {
            let lines = text.split(|byte| *byte == b'\n').count();
            for entry in users(&text).chain(groups(&text)) {
                prop_assert!(entry.line >= 1 && entry.line <= lines);
                prop_assert!(!entry.name.contains(&b':'));
            }
        }
    }
}
