//! `/proc/PID/stat` and the boot time in `/proc/stat`.

/// A kernel thread's flag (`PF_KTHREAD` of the kernel's `include/linux/sched.h`); no program can set it.
const KERNEL_THREAD: u64 = 0x0020_0000;

/// What is used of `/proc/PID/stat`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Whether it is a kernel thread.
    pub kernel_thread: bool,
    /// Whether it has ended and only waits for its parent to notice.
    pub ended: bool,
    /// Its start, in clock ticks since the kernel started.
    pub start_ticks: u64,
}

/// Reads `/proc/PID/stat`. The second field may hold anything, parentheses and spaces included.
pub fn parse(content: &[u8]) -> Option<Stat> {
    let close = content.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(content.get(close + 1..)?).ok()?;
    // The first of these is field 3 of proc(5).
    let mut fields = rest.split_ascii_whitespace();
    let ended = matches!(fields.next()?, "Z" | "X" | "x");
    let flags: u64 = fields.nth(9 - 4)?.parse().ok()?;
    let start_ticks = fields.nth(22 - 10)?.parse().ok()?;
    Some(Stat {
        kernel_thread: flags & KERNEL_THREAD != 0,
        ended,
        start_ticks,
    })
}

/// Returns the second at which the kernel started, from `/proc/stat`.
pub fn boot_second(content: &[u8]) -> Option<i64> {
    let text = String::from_utf8_lossy(content);
    let line = text.lines().find_map(|line| line.strip_prefix("btime "))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{boot_second, parse};

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let line = b"7 (a) 9 (b)) S 1 7 7 0 -1 4194560 1 0 0 0 5 6 0 0 20 0 11 0 8639200 1 2 3\n";
        let stat = parse(line).unwrap();
        assert_eq!(stat.start_ticks, 8_639_200);
        assert!(!stat.kernel_thread);
        let thread = b"2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 12 0 0\n";
        assert!(parse(thread).unwrap().kernel_thread);
        let zombie = b"9 (kubelet) Z 0 0 0 0 -1 4228108 0 0 0 0 0 0 0 0 20 0 1 0 12 0 0\n";
        assert!(parse(zombie).unwrap().ended);
        assert_eq!(parse(b"7 (cut) S 1 7"), None);
    }

    #[test]
    fn the_boot_time_is_one_line_of_many() {
        assert_eq!(
            boot_second(b"cpu 1 2 3\nbtime 1700000000\nprocesses 5\n"),
            Some(1_700_000_000)
        );
        assert_eq!(boot_second(b"cpu 1\n"), None);
    }

    proptest! {
        #[test]
        fn no_content_panics(content: Vec<u8>) {
            let _ = parse(&content);
            let _ = boot_second(&content);
        }
    }
}
