//! Two contents to the lines that change, and back.

use std::ops::Range;

use kubeassay_core::Bytes;
use kubeassay_core::plan::Hunk;
use similar::{Algorithm, DiffOp};
use thiserror::Error;

/// How many unchanged lines are shown on either side.
const CONTEXT: usize = 3;

/// A file is not the one that the lines were taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("line {line} is not what the plan was made from")]
pub struct Mismatch {
    /// The first line that differs, from 1.
    pub line: u32,
}

/// Returns the lines of a content, each with its line end.
fn lines(content: &[u8]) -> Vec<&[u8]> {
    content.split_inclusive(|byte| *byte == b'\n').collect()
}

/// Returns the lines that change from `before` to `after`, from the top.
pub fn diff(before: &[u8], after: &[u8]) -> Vec<Hunk> {
    let (old, new) = (lines(before), lines(after));
    let own = |lines: &[&[u8]], from: usize, to: usize| -> Vec<Bytes> {
        let part = lines.get(from..to.min(lines.len())).unwrap_or_default();
        part.iter().map(|line| Bytes::from(*line)).collect()
    };
    // What lies between two parts that are the same is what changes.
    let mut same: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    for op in similar::capture_diff_slices(Algorithm::Myers, &old, &new) {
        if let DiffOp::Equal { .. } = op {
            same.push((op.old_range(), op.new_range()));
        }
    }
    let end = (old.len()..old.len(), new.len()..new.len());
    let mut hunks = Vec::new();
    let mut at = (0, 0);
    for (kept, taken) in same.into_iter().chain([end]) {
        if (kept.start, taken.start) != at {
            hunks.push(Hunk {
                line: number(at.0),
                above: own(&old, at.0.saturating_sub(CONTEXT), at.0),
                below: own(&old, kept.start, kept.start + CONTEXT),
                old: own(&old, at.0, kept.start),
                new: own(&new, at.1, taken.start),
            });
        }
        at = (kept.end, taken.end);
    }
    hunks
}

/// Returns the number, from 1, of the line at `index`.
fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1)
}

/// Returns `content` with the lines of `hunks` changed, which come from the top.
///
/// # Errors
///
/// Where a line that goes is not there.
pub fn apply(content: &[u8], hunks: &[Hunk]) -> Result<Vec<u8>, Mismatch> {
    let lines = lines(content);
    let mut changed = Vec::with_capacity(content.len());
    let mut at = 0;
    for hunk in hunks {
        let start = usize::try_from(hunk.line)
            .unwrap_or(usize::MAX)
            .saturating_sub(1);
        let kept = lines.get(at..start).ok_or(Mismatch { line: hunk.line })?;
        changed.extend(kept.iter().copied().flatten());
        let gone = lines.get(start..start.saturating_add(hunk.old.len()));
        let gone = gone.ok_or(Mismatch { line: hunk.line })?;
        let differs = gone
            .iter()
            .zip(&hunk.old)
            .position(|(line, old)| *line != old.as_slice());
        if let Some(differs) = differs {
            return Err(Mismatch {
                line: number(start + differs),
            });
        }
        for line in &hunk.new {
            changed.extend_from_slice(line.as_slice());
        }
        at = start + hunk.old.len();
    }
    changed.extend(
        lines
            .get(at..)
            .unwrap_or_default()
            .iter()
            .copied()
            .flatten(),
    );
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Mismatch, apply, diff};

    proptest! {
        #[test]
        fn the_lines_that_change_make_the_one_content_of_the_other(
            before in "([ab]?\r?\n){0,8}[ab]?", after in "([abc]?\r?\n){0,8}[ab]?"
        ) {
            let hunks = diff(before.as_bytes(), after.as_bytes());
            prop_assert_eq!(apply(before.as_bytes(), &hunks), Ok(after.into_bytes()));
        }
    }

    #[test]
    fn a_line_that_is_another_now_is_named() {
        let hunks = diff(b"a\nb\nc\n", b"a\nx\nc\n");
        assert_eq!(apply(b"a\nB\nc\n", &hunks), Err(Mismatch { line: 2 }));
        assert_eq!(apply(b"a\n", &hunks), Err(Mismatch { line: 2 }));
        assert_eq!(apply(b"a\nb\n", &hunks), Ok(b"a\nx\n".to_vec()));
    }

    #[test]
    fn a_final_line_without_an_end_is_a_line_of_its_own_kind() {
        let hunks = diff(b"a\nb", b"a\nb\n");
        assert_eq!((hunks[0].line, hunks.len()), (2, 1));
        assert_eq!(apply(b"a\nb", &hunks), Ok(b"a\nb\n".to_vec()));
        assert!(diff(b"same\n", b"same\n").is_empty());
    }
}
