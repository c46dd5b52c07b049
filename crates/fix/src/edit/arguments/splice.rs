//! The ways to write arguments into a text that holds others already, or to take them out of it.

use std::ops::Range;

use kubeassay_core::Bytes;

/// How many places of one line are tried.
const MOST_PLACES: usize = 64;

/// What kind of text arguments stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Text {
    /// The command of a unit: `ExecStart=`.
    Command,
    /// The value of a variable, in a unit or in an environment file.
    Value,
}

/// Where arguments stand, or the command that they are to be added to.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Line, from 1.
    pub(super) line: u32,
    /// What they stand in.
    pub(super) text: Text,
    /// From byte to byte, where that is known; empty where something is to be added.
    pub(super) range: Option<Range<usize>>,
}

/// Returns the contents in which `new` may stand in the place of `old`, the likeliest first; where nothing is old, `new`
/// is added at the place. Which of them means that is for the caller to find out.
pub(super) fn ways(
    content: &[u8],
    place: &Place,
    old: &[Bytes],
    new: &[Bytes],
) -> impl Iterator<Item = Vec<u8>> {
    let places = match &place.range {
        // A comment between two words belongs to one of them: which is not known.
        Some(range) if holds_comment(content, range) => Vec::new(),
        Some(range) => vec![range.clone()],
        None => occurrences(content, region(content, place.line), old),
    };
    let texts = written(new, place.text);
    // One place after the other: each way is a copy of the whole.
    places.into_iter().flat_map(move |found| {
        if found.is_empty() {
            let added = |text: &String| spliced(content, &found, format!(" {text}").as_bytes());
            texts.iter().map(added).collect()
        } else if texts.is_empty() {
            removed(content, &found)
        } else {
            let written = |text: &String| spliced(content, &found, text.as_bytes());
            texts.iter().map(written).collect::<Vec<_>>()
        }
    })
}

/// Returns the bytes of a line, of those that it continues, and of those that continue it; comments may stand between.
pub(super) fn region(content: &[u8], line: u32) -> Range<usize> {
    let mut start = 0;
    let mut at = 0;
    let mut number = 0;
    for raw in content.split_inclusive(|byte| *byte == b'\n') {
        number += 1;
        at += raw.len();
        let text = raw.trim_ascii_end();
        let is_within = start < at - raw.len();
        let is_comment = is_within && matches!(text.trim_ascii_start(), [b'#' | b';', ..]);
        if is_comment || text.ends_with(b"\\") {
            continue;
        }
        if number >= line {
            return start..at;
        }
        start = at;
    }
    start..at
}

/// Returns whether a line within `range` is a comment.
fn holds_comment(content: &[u8], range: &Range<usize>) -> bool {
    let text = content.get(range.clone()).unwrap_or_default();
    let mut lines = text.split(|byte| *byte == b'\n').skip(1);
    lines.any(|line| matches!(line.trim_ascii_start(), [b'#' | b';', ..]))
}

/// Returns where the words stand one behind the other, each in one of the ways in which it may be written.
fn occurrences(content: &[u8], within: Range<usize>, words: &[Bytes]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let words: Vec<Vec<Vec<u8>>> = words.iter().map(spellings).collect();
    let Some((first, rest)) = words.split_first() else {
        return found;
    };
    for start in within.clone() {
        if found.len() >= MOST_PLACES {
            break;
        }
        for end in ends(content, start, within.end, first) {
            let mut ends_at = vec![end];
            for word in rest {
                let next = ends_at.iter().flat_map(|end| {
                    let start = blank_from(content, *end, within.end);
                    ends(content, start, within.end, word)
                });
                ends_at = next.collect();
            }
            let ranges = ends_at.into_iter().map(|end| start..end);
            found.extend(ranges.filter(|range| is_bounded(content, range)));
        }
    }
    found
}

/// Returns the ways in which a word may be written.
fn spellings(word: &Bytes) -> Vec<Vec<u8>> {
    let plain = word.as_slice().to_vec();
    let specifiers = doubled(&plain, b'%');
    let dollars = doubled(&specifiers, b'$');
    let mut spellings = vec![plain, specifiers, dollars];
    spellings.dedup();
    let quoted: Vec<Vec<u8>> = spellings
        .iter()
        .flat_map(|text| [b'"', b'\''].map(|quote| [&[quote], text.as_slice(), &[quote]].concat()))
        .collect();
    quoted.into_iter().chain(spellings).collect()
}

/// Returns where a word may end that begins at `start`.
fn ends(content: &[u8], start: usize, limit: usize, spellings: &[Vec<u8>]) -> Vec<usize> {
    let text = content.get(start..limit).unwrap_or_default();
    let found = spellings
        .iter()
        .filter(|spelling| text.starts_with(spelling));
    found.map(|spelling| start + spelling.len()).collect()
}

/// Returns the text with every `byte` doubled.
fn doubled(text: &[u8], byte: u8) -> Vec<u8> {
    let mut doubled = Vec::with_capacity(text.len());
    for each in text {
        doubled.push(*each);
        if *each == byte {
            doubled.push(byte);
        }
    }
    doubled
}

/// Returns where the blanks end that begin at `at`: those of continued lines too.
fn blank_from(content: &[u8], at: usize, limit: usize) -> usize {
    let rest = content.get(at..limit).unwrap_or_default();
    let blank = rest
        .iter()
        .position(|byte| !matches!(byte, b' ' | b'\t' | b'\\' | b'\r' | b'\n'));
    at + blank.unwrap_or(rest.len())
}

/// Returns whether what stands at `range` is no part of a longer word.
fn is_bounded(content: &[u8], range: &Range<usize>) -> bool {
    let before = range.start.checked_sub(1).and_then(|at| content.get(at));
    let after = content.get(range.end);
    let opens = before.is_none_or(|byte| byte.is_ascii_whitespace() || b"\"'=".contains(byte));
    let closes = after.is_none_or(|byte| byte.is_ascii_whitespace() || b"\"'\\".contains(byte));
    opens && closes
}

fn spliced(content: &[u8], range: &Range<usize>, text: &[u8]) -> Vec<u8> {
    let before = content.get(..range.start).unwrap_or_default();
    let after = content.get(range.end..).unwrap_or_default();
    [before, text, after].concat()
}

/// Returns the contents without what stands at `range`: with the lines that it leaves empty, with the blanks before it,
/// with those behind it, or as it is.
fn removed(content: &[u8], range: &Range<usize>) -> Vec<Vec<u8>> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let head = content.get(..range.start).unwrap_or_default();
    let tail = content.get(range.end..).unwrap_or_default();
    let before = head.iter().rev().take_while(|byte| is_blank(byte)).count();
    let after = tail.iter().take_while(|byte| is_blank(byte)).count();
    let begins_line = head
        .get(..head.len() - before)
        .is_some_and(|head| head.ends_with(b"\n"));
    let rest = tail.get(after..).unwrap_or_default();
    let mut ways = Vec::new();
    if begins_line {
        let line_start = range.start - before;
        let end = |at: &[u8]| {
            at.iter()
                .position(|byte| *byte == b'\n')
                .map_or(at.len(), |end| end + 1)
        };
        let line_end = range.end + after + end(rest);
        let text = rest.get(..end(rest)).unwrap_or_default().trim_ascii();
        if text == b"\\" {
            ways.push(spliced(content, &(line_start..line_end), b""));
        } else if text.is_empty() {
            // The last of several lines: the one before continues no more.
            let above = content.get(..line_start).unwrap_or_default();
            let kept = above.trim_ascii_end();
            let kept = kept.strip_suffix(b"\\").map(<[u8]>::trim_ascii_end);
            if let Some(kept) = kept {
                let end_of_line = above
                    .iter()
                    .rposition(|byte| *byte == b'\\')
                    .map_or(0, |at| at + 1);
                let line_end_bytes = above.get(end_of_line..).unwrap_or_default();
                let rest = content.get(line_end..).unwrap_or_default();
                ways.push([kept, line_end_bytes, rest].concat());
            }
        }
    }
    if before > 0 && !begins_line {
        ways.push(spliced(content, &(range.start - before..range.end), b""));
    }
    ways.push(spliced(content, &(range.start..range.end + after), b""));
    ways.push(spliced(content, range, b""));
    ways
}

/// Returns the ways to write arguments into a text; none where there are no arguments.
fn written(arguments: &[Bytes], text: Text) -> Vec<String> {
    if arguments.is_empty() {
        return Vec::new();
    }
    let each = |argument: &Bytes, quote: bool| -> Option<String> {
        let plain = argument.as_str()?;
        let escaped = match text {
            Text::Command => plain.replace('%', "%%").replace('$', "$$"),
            Text::Value => plain.replace('%', "%%"),
        };
        if !quote {
            return Some(escaped);
        }
        let escaped = escaped.replace('\\', "\\\\").replace('"', "\\\"");
        Some(format!("\"{escaped}\""))
    };
    let all = |quote: bool| -> Option<String> {
        let words: Option<Vec<String>> = arguments.iter().map(|one| each(one, quote)).collect();
        Some(words?.join(" "))
    };
    let plain = || -> Option<String> {
        let words: Option<Vec<&str>> = arguments.iter().map(Bytes::as_str).collect();
        Some(words?.join(" "))
    };
    [all(false), plain(), all(true)]
        .into_iter()
        .flatten()
        .collect()
}
