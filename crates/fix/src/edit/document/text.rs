//! Lines of a file, and what stands between the parts of a document.

/// Returns the length of the line break at `at`; 0 where there is none. The Unicode breaks are YAML's; in JSON they
/// stand in strings only, where nobody looks.
pub(super) fn break_at(content: &[u8], at: usize) -> usize {
    match content.get(at..).unwrap_or_default() {
        [b'\r', b'\n', ..] | [0xc2, 0x85, ..] => 2,
        [b'\n' | b'\r', ..] => 1,
        [0xe2, 0x80, 0xa8 | 0xa9, ..] => 3,
        _ => 0,
    }
}

/// Returns where the line that `at` is in ends, before its break.
pub(super) fn line_end(content: &[u8], at: usize) -> usize {
    (at..content.len())
        .find(|at| break_at(content, *at) > 0)
        .unwrap_or(content.len())
}

/// Returns where the line that `at` is in begins.
pub(super) fn line_start(content: &[u8], at: usize) -> usize {
    let first = if content.starts_with(b"\xef\xbb\xbf") {
        3.min(at)
    } else {
        0
    };
    (first + 1..=at)
        .rev()
        .find(|at| break_before(content, *at) > 0)
        .unwrap_or(first)
}

/// Returns the length of the line break that ends at `at`; 0 where there is none.
pub(super) fn break_before(content: &[u8], at: usize) -> usize {
    match content.get(..at).unwrap_or_default() {
        [.., b'\r', b'\n'] | [.., 0xc2, 0x85] => 2,
        [.., b'\n' | b'\r'] => 1,
        [.., 0xe2, 0x80, 0xa8 | 0xa9] => 3,
        _ => 0,
    }
}

/// Returns the end of the line if nothing but a comment stands between `at` and there.
pub(super) fn bare_line_end(content: &[u8], at: usize) -> Option<usize> {
    let end = line_end(content, at);
    let rest = content.get(at..end)?.trim_ascii_start();
    (rest.is_empty() || rest.starts_with(b"#")).then_some(end)
}

/// Returns the line break to write at `at`: the one that stands there, else the first of the file.
pub(super) fn eol(content: &[u8], at: usize) -> &'static str {
    let first = line_end(content, 0);
    let here = break_at(content, at);
    let (at, length) = if here > 0 {
        (at, here)
    } else {
        (first, break_at(content, first))
    };
    match content.get(at..at + length) {
        Some(b"\r\n") => "\r\n",
        Some(b"\r") => "\r",
        _ => "\n",
    }
}

/// Returns a part of the file, where it is text.
pub(super) fn slice(content: &[u8], start: usize, end: usize) -> Option<&str> {
    std::str::from_utf8(content.get(start..end)?).ok()
}

/// Returns the line breaks and blanks that begin at `start`.
pub(super) fn blank_run(content: &[u8], start: usize) -> &str {
    let mut end = start;
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = content.get(end) {
        end += 1;
    }
    slice(content, start, end).unwrap_or_default()
}

/// Returns the line breaks and blanks that end at `end`.
pub(super) fn blank_run_before(content: &[u8], end: usize) -> &str {
    let before = content.get(..end).unwrap_or_default();
    let start = before
        .iter()
        .rposition(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
        .map_or(0, |at| at + 1);
    slice(content, start, end).unwrap_or_default()
}

/// Returns the blanks that a text's last line begins with; nothing where it has no line break.
pub(super) fn indentation(text: &str) -> Option<&str> {
    let (_, line) = text.rsplit_once(['\n', '\r'])?;
    let blanks = line
        .find(|character| character != ' ' && character != '\t')
        .unwrap_or(line.len());
    line.get(..blanks)
}

/// What may stand before a value and is no part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Property {
    /// `&name`
    Anchor,
    /// `!tag`
    Tag,
}

/// What stands between two parts of a document.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gap {
    /// Behind its colon.
    pub(super) colon: Option<usize>,
    /// Behind its comma.
    pub(super) comma: Option<usize>,
    /// Start and end of its first comment.
    pub(super) comment: Option<(usize, usize)>,
    /// Its first line break.
    pub(super) line_break: Option<usize>,
    /// Its first anchor or tag.
    pub(super) property: Option<Property>,
    /// Whether there is nothing else in it, and no sign twice.
    pub(super) is_clear: bool,
}

impl Gap {
    /// Reads what stands from `start` to `end`.
    pub(super) fn scan(content: &[u8], start: usize, end: usize) -> Self {
        let mut gap = Self {
            is_clear: start <= end && end <= content.len(),
            ..Self::default()
        };
        let content = content.get(..end).unwrap_or_default();
        let mut at = start;
        while let Some(byte) = content.get(at) {
            let length = break_at(content, at);
            if length > 0 {
                gap.line_break.get_or_insert(at);
                at += length;
                continue;
            }
            match byte {
                b' ' | b'\t' => at += 1,
                b'#' => {
                    let end = line_end(content, at);
                    gap.comment.get_or_insert((at, end));
                    at = end;
                }
                b':' if gap.colon.is_none() => {
                    at += 1;
                    gap.colon = Some(at);
                }
                b',' if gap.comma.is_none() => {
                    at += 1;
                    gap.comma = Some(at);
                }
                b'&' | b'!' => {
                    gap.property.get_or_insert(if *byte == b'&' {
                        Property::Anchor
                    } else {
                        Property::Tag
                    });
                    at += 1;
                    while content
                        .get(at)
                        .is_some_and(|byte| !byte.is_ascii_whitespace())
                    {
                        at += 1;
                    }
                }
                _ => {
                    gap.is_clear = false;
                    break;
                }
            }
        }
        gap
    }

    /// Returns whether it is blank but for one comma.
    pub(super) const fn is_separator(&self) -> bool {
        self.is_clear
            && self.comma.is_some()
            && self.colon.is_none()
            && self.comment.is_none()
            && self.property.is_none()
    }
}
