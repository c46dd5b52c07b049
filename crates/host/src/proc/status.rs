//! `/proc/PID/status` and `/proc/self/uid_map`.

/// What is used of `/proc/PID/status`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The effective user id, in the user namespace of whoever opened the file.
    pub effective_uid: Option<u32>,
    /// The effective capabilities.
    pub capabilities: Option<u64>,
    /// The effective group and the further ones.
    pub groups: Vec<u32>,
}

/// `CAP_SYS_PTRACE`: with it, `/proc` hides no process.
pub const CAP_SYS_PTRACE: u64 = 1 << 19;

/// Reads `/proc/PID/status`.
pub fn parse(content: &[u8]) -> Status {
    let mut status = Status::default();
    for line in String::from_utf8_lossy(content).lines() {
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let mut numbers = value.split_ascii_whitespace();
        match key {
            // real, effective, saved, file system
            "Uid" => status.effective_uid = numbers.nth(1).and_then(|uid| uid.parse().ok()),
            "Gid" => status
                .groups
                .extend(numbers.nth(1).and_then(|gid| gid.parse::<u32>().ok())),
            "Groups" => status
                .groups
                .extend(numbers.filter_map(|gid| gid.parse::<u32>().ok())),
            "CapEff" => {
                status.capabilities = numbers
                    .next()
                    .and_then(|set| u64::from_str_radix(set, 16).ok());
            }
            _ => {}
        }
    }
    status
}

/// Returns what `uid` of the user namespace that `map` describes is in the one above it, or `None` if it is
/// nothing there.
pub fn map_uid(map: &[u8], uid: u32) -> Option<u32> {
    String::from_utf8_lossy(map).lines().find_map(|line| {
        let mut numbers = line.split_ascii_whitespace().map(str::parse::<u32>);
        let inside = numbers.next()?.ok()?;
        let outside = numbers.next()?.ok()?;
        let length = numbers.next()?.ok()?;
        let offset = uid.checked_sub(inside).filter(|offset| *offset < length)?;
        outside.checked_add(offset)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{map_uid, parse};

    #[test]
    fn the_effective_user_is_the_second_number() {
        let status = parse(b"Name:\tUid:\nUid:\t1000\t7\t1000\t1000\nGid:\t1\t2\t3\t4\nGroups:\t5 6 \nCapEff:\t0000000000080000\n");
        assert_eq!(status.effective_uid, Some(7));
        assert_eq!(status.groups, [2, 5, 6]);
        assert_eq!(status.capabilities, Some(super::CAP_SYS_PTRACE));
    }

    #[test]
    fn a_user_is_mapped_to_the_namespace_above() {
        let map = b"         0     100000      65536\n     70000       1000          1\n";
        assert_eq!(map_uid(map, 0), Some(100_000));
        assert_eq!(map_uid(map, 70_000), Some(1000));
        assert_eq!(map_uid(map, 65_536), None);
        assert_eq!(map_uid(b"0 0 4294967295\n", 0), Some(0));
    }

    proptest! {
        #[test]
        fn no_content_panics(content: Vec<u8>, uid: u32) {
            drop(parse(&content));
            let _ = map_uid(&content, uid);
        }
    }
}
