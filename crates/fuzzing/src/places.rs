//! Where lines and columns lie in a text, counted by somebody else than the readers.

use std::collections::BTreeMap;

use kubeassay_config::excerpt;
use kubeassay_config::tree::{Mark, Node, ReadError};

use crate::show;

/// How many parts of a tree have their lines quoted.
const EXCERPTS: usize = 8;

/// What ends a line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lines {
    /// LF, CR and CR LF, as in JSON.
    Json,
    /// LF, CR, CR LF, U+0085, U+2028 and U+2029, as in YAML 1.1.
    Yaml,
}

/// The line and the column of every character of a text and of its end, by their offset in the bytes.
pub(crate) struct Places {
    by_offset: BTreeMap<usize, (u32, u32)>,
    /// Whether all of the bytes are characters.
    whole: bool,
}

impl Places {
    /// Counts through the characters of `content`, up to the first byte that is none.
    pub(crate) fn of(content: &[u8], lines: Lines) -> Self {
        let (characters, whole) = match content {
            [0xff, 0xfe, rest @ ..] if lines == Lines::Yaml => wide(rest, u16::from_le_bytes),
            [0xfe, 0xff, rest @ ..] if lines == Lines::Yaml => wide(rest, u16::from_be_bytes),
            _ => {
                let start = if lines == Lines::Yaml && content.starts_with("\u{feff}".as_bytes()) {
                    3
                } else {
                    0
                };
                let valid = content[start..]
                    .utf8_chunks()
                    .next()
                    .map_or("", |chunk| chunk.valid());
                let characters = valid
                    .char_indices()
                    .map(|(at, character)| (start + at, character));
                let mut characters: Vec<(usize, char)> = characters.collect();
                // The end, where a mark may point too.
                characters.push((start + valid.len(), '\0'));
                (characters, start + valid.len() == content.len())
            }
        };
        let mut by_offset = BTreeMap::new();
        let (mut line, mut column) = (1, 1);
        for (index, (offset, character)) in characters.iter().enumerate() {
            by_offset.insert(*offset, (line, column));
            let next = characters.get(index + 1).map(|(_, next)| *next);
            let ends_line = match (lines, character) {
                (_, '\r') => next != Some('\n'),
                (_, '\n') | (Lines::Yaml, '\u{85}' | '\u{2028}' | '\u{2029}') => true,
                _ => false,
            };
            if ends_line {
                (line, column) = (line + 1, 1);
            } else {
                column += 1;
            }
        }
        Self { by_offset, whole }
    }

    /// Asserts that every mark of a tree is a place of the text, the same one by line and column and by bytes.
    pub(crate) fn hold(&self, root: &Node) {
        show::walk(root, &mut |node| self.holds(&node.at));
    }

    fn holds(&self, mark: &Mark) {
        let (start, end) = mark.span;
        assert!(start <= end, "a span that ends before it starts: {mark:?}");
        if !self.whole {
            return;
        }
        let at = self.by_offset.get(&start).copied();
        assert_eq!(
            at,
            Some((mark.line, mark.column)),
            "another place by its bytes: {mark:?}"
        );
        assert!(
            self.by_offset.contains_key(&end),
            "the end lies within a character or outside: {mark:?}"
        );
        for place in &mark.via {
            let there = self
                .by_offset
                .values()
                .any(|at| *at == (place.line, place.column));
            assert!(there, "came by way of a place that is none: {mark:?}");
        }
    }

    /// Asserts that the line which is quoted as evidence is the one that the reader means.
    pub(crate) fn hold_excerpts(&self, content: &[u8], root: &Node) {
        let mut left = EXCERPTS;
        show::walk(root, &mut |node| {
            if left > 0 && self.whole {
                left -= 1;
                let line = excerpt::line(content, node.at.line);
                let line = line.unwrap_or_else(|| panic!("a line that cannot be quoted: {node:?}"));
                let offset = node.at.span.0;
                let columns = self
                    .by_offset
                    .values()
                    .filter(|at| at.0 == node.at.line)
                    .count();
                let length = line.chars().count();
                // A line's end is a place too; that of CR LF is two, and the end of the text is one.
                assert!(
                    (length..=length + 2).contains(&columns),
                    "another line is quoted, {line:?}: {node:?} at {offset}"
                );
            }
        });
    }

    /// Asserts that an error names a place of the text.
    pub(crate) fn holds_error(&self, error: &ReadError) {
        assert!(!error.message.is_empty(), "no reason: {error:?}");
        if self.whole {
            let there = self
                .by_offset
                .values()
                .any(|at| *at == (error.line, error.column));
            assert!(there, "an error at a place that is none: {error:?}");
        }
    }
}

/// Decodes UTF-16 after its byte order mark.
fn wide(bytes: &[u8], order: fn([u8; 2]) -> u16) -> (Vec<(usize, char)>, bool) {
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| order([pair[0], pair[1]]))
        .collect();
    let mut characters = Vec::new();
    let mut offset = 2;
    let mut whole = bytes.len().is_multiple_of(2);
    for decoded in char::decode_utf16(units) {
        let Ok(character) = decoded else {
            whole = false;
            break;
        };
        characters.push((offset, character));
        offset += 2 * character.len_utf16();
    }
    characters.push((offset, '\0'));
    (characters, whole)
}
