//! The lines of a file that change, as a unified diff.
//!
//! Lines are shown as they are, escaped and never broken, so that what is read is what will be written. Carriage returns
//! are visible (`\r`); a last line without an end is said to be one.

use std::cmp::min;

use kubeassay_core::Bytes;
use kubeassay_core::plan::{Edit, EditKind, Hunk};

use crate::ink::Ink;
use crate::page::Page;

/// A longer line is shown around its first difference only: a document of JSON may be one line.
const LONG: usize = 400;

/// So much of a long line is shown before its first difference.
const BEFORE: usize = 80;

/// A line of the diff.
struct Line<'a> {
    mark: char,
    bytes: &'a [u8],
    /// Where the interesting part of it begins.
    at: usize,
}

/// Lines that stand together, below one `@@`.
#[derive(Default)]
struct Group<'a> {
    /// The first line of the old content, from 1.
    old: u32,
    /// The first line of the new content, from 1.
    new: u32,
    /// How many lines of the old content are shown.
    old_count: u32,
    /// How many lines of the new content are shown.
    new_count: u32,
    lines: Vec<Line<'a>>,
}

impl<'a> Group<'a> {
    fn push(&mut self, mark: char, bytes: &'a Bytes, at: usize) {
        let bytes = bytes.as_slice();
        self.old_count += u32::from(mark != '+');
        self.new_count += u32::from(mark != '-');
        self.lines.push(Line { mark, bytes, at });
    }

    /// Returns the number of the old content's line behind the group.
    const fn end(&self) -> u32 {
        self.old.saturating_add(self.old_count)
    }
}

/// Writes how a file changes.
pub(crate) fn write(edit: &Edit, page: &mut Page) {
    let before = match edit.kind {
        EditKind::Change => edit.target.to_string(),
        EditKind::Create => "/dev/null".to_owned(),
    };
    page.code(0, Ink::Bad, &format!("--- {before}"));
    page.code(0, Ink::Good, &format!("+++ {}", edit.target));
    for group in groups(&edit.hunks) {
        let old = range(group.old, group.old_count);
        let new = range(group.new, group.new_count);
        page.code(0, Ink::Dim, &format!("@@ -{old} +{new} @@"));
        for line in &group.lines {
            let ink = match line.mark {
                '-' => Ink::Bad,
                '+' => Ink::Good,
                _ => Ink::Plain,
            };
            let (text, has_end) = match line.bytes.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (line.bytes, false),
            };
            page.code(0, ink, &format!("{}{}", line.mark, excerpt(text, line.at)));
            if !has_end {
                page.code(0, Ink::Dim, "\\ No newline at end of file");
            }
        }
    }
}

/// Returns a range as `diff -u` writes it: of no lines, the line before.
fn range(start: u32, count: u32) -> String {
    match count {
        0 => format!("{},0", start.saturating_sub(1)),
        1 => start.to_string(),
        _ => format!("{start},{count}"),
    }
}

/// Returns the hunks with the lines around them, each line once; those that touch are one group.
fn groups(hunks: &[Hunk]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    // How many lines the new content has more than the old, and how many fewer.
    let (mut more, mut fewer) = (0_u32, 0_u32);
    for (index, hunk) in hunks.iter().enumerate() {
        let shown = groups.last().map_or(0, Group::end);
        let room = hunk.line.saturating_sub(shown.max(1));
        let above = min(count(&hunk.above), room);
        let skipped = hunk.above.len() - usize::try_from(above).unwrap_or(usize::MAX);
        let start = hunk.line.saturating_sub(above);
        if groups.is_empty() || start != shown {
            groups.push(Group {
                old: start,
                new: start.saturating_add(more).saturating_sub(fewer),
                ..Group::default()
            });
        }
        let Some(group) = groups.last_mut() else {
            continue;
        };
        for line in hunk.above.iter().skip(skipped) {
            group.push(' ', line, 0);
        }
        for (at, line) in hunk.old.iter().enumerate() {
            group.push('-', line, differs(line, hunk.new.get(at)));
        }
        for (at, line) in hunk.new.iter().enumerate() {
            group.push('+', line, differs(line, hunk.old.get(at)));
        }
        let behind = hunk.line.saturating_add(count(&hunk.old));
        let next = hunks.get(index + 1).map_or(u32::MAX, |next| next.line);
        let room = usize::try_from(next.saturating_sub(behind)).unwrap_or(usize::MAX);
        for line in hunk.below.iter().take(room) {
            group.push(' ', line, 0);
        }
        more = more.saturating_add(count(&hunk.new));
        fewer = fewer.saturating_add(count(&hunk.old));
    }
    groups
}

fn count(lines: &[Bytes]) -> u32 {
    u32::try_from(lines.len()).unwrap_or(u32::MAX)
}

/// Returns at which byte a line differs from the one that it takes the place of.
fn differs(line: &Bytes, other: Option<&Bytes>) -> usize {
    let other = other.map(Bytes::as_slice).unwrap_or_default();
    let same = line.as_slice().iter().zip(other);
    same.take_while(|(one, other)| one == other).count()
}

/// Returns a line, of a long one only what is around byte `at`; escaped.
fn excerpt(line: &[u8], at: usize) -> String {
    if line.len() <= LONG {
        return Bytes::from(line).to_string();
    }
    let start = at.saturating_sub(BEFORE).min(line.len() - LONG);
    let end = start + LONG;
    let shown = Bytes::from(line.get(start..end).unwrap_or_default());
    let before = match start {
        0 => String::new(),
        hidden => format!("[{hidden} bytes before]… "),
    };
    let after = match line.len() - end {
        0 => String::new(),
        hidden => format!(" …[{hidden} bytes more]"),
    };
    format!("{before}{shown}{after}")
}
