//! Many numbers in few characters: `1–12, 14`.

use super::escape::put;

/// Returns sorted numbers as ranges, up to about `room` bytes, and whether all are there.
pub(super) fn ranges(numbers: &[u32], room: usize) -> (String, bool) {
    let mut written = String::new();
    for run in numbers.chunk_by(|one, next| one.checked_add(1) == Some(*next)) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else {
            continue;
        };
        if written.len() >= room {
            return (written, false);
        }
        if !written.is_empty() {
            written.push_str(", ");
        }
        match run.len() {
            1 => put(&mut written, format_args!("{first}")),
            2 => put(&mut written, format_args!("{first}, {last}")),
            _ => put(&mut written, format_args!("{first}\u{2013}{last}")),
        }
    }
    (written, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_range() {
        for (numbers, written) in [
            (&[][..], ""),
            (&[7], "7"),
            (&[1, 2, 4, 5, 6, u32::MAX], "1, 2, 4\u{2013}6, 4294967295"),
        ] {
            assert_eq!(ranges(numbers, 100), (written.to_owned(), true));
        }
        assert_eq!(ranges(&[1, 3, 5], 3), ("1, 3".to_owned(), false));
    }
}
