//! The lines of a unit file as systemd joins them: continuation, comments, sections, assignments (systemd.syntax(7)).

/// The longest line, and the longest that lines may become when they are joined.
const LONGEST: usize = 1 << 20;
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Why a file is not understood, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The line, from 1.
    pub(super) line: u32,
    /// What is wrong, and what would mend it.
    pub(super) what: &'static str,
    /// Whether systemd refuses it, too.
    pub(super) refused: bool,
}

/// A line of a unit file, those that continue it included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Its text, a blank in place of each backslash that continued it.
    pub(super) text: Vec<u8>,
    pieces: Vec<Piece>,
}

/// A part of a line that stands on a line of its own in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    /// Where it begins in the joined text.
    start: usize,
    /// The line it stands on, from 1.
    line: u32,
    /// Where it begins in the file, in bytes.
    source: usize,
}

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Line, from 1.
    pub(super) line: u32,
    /// Column in code points, from 1.
    pub(super) column: u32,
}

impl Line {
    fn piece(&self, offset: usize) -> Piece {
        let before = self.pieces.iter().rfind(|piece| piece.start <= offset);
        before.copied().unwrap_or(Piece {
            start: 0,
            line: 1,
            source: 0,
        })
    }

    /// Returns where in the file the byte at `offset` stands.
    pub(super) fn place(&self, offset: usize) -> Place {
        let piece = self.piece(offset);
        let before = self.text.get(piece.start..offset).unwrap_or_default();
        let starts = before.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        Place {
            line: piece.line,
            column: u32::try_from(starts).unwrap_or(u32::MAX).saturating_add(1),
        }
    }

    /// Returns how many bytes of the file stand before the byte at `offset`.
    pub(super) fn source(&self, offset: usize) -> usize {
        let piece = self.piece(offset);
        piece.source + (offset - piece.start)
    }

    /// Returns the lines of the file that it is joined from: where each begins in the file, and in its text.
    pub(super) fn starts(&self) -> impl Iterator<Item = (usize, usize)> {
        self.pieces.iter().map(|piece| (piece.source, piece.start))
    }
}

/// What one line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assignment<'a> {
    /// The section it stands in; nothing where it stands before the first.
    pub(super) section: Option<&'a [u8]>,
    /// Its key.
    pub(super) key: &'a [u8],
    /// Its value, without blanks around it.
    pub(super) value: &'a [u8],
    /// Where the value begins in the line's text.
    pub(super) at: usize,
    /// The line.
    pub(super) line: &'a Line,
}

/// Joins the lines of a file; comments and empty lines are left out.
pub(super) fn join(content: &[u8]) -> Result<Vec<Line>, Fault> {
    let mut lines = Vec::new();
    let mut joined: Option<Line> = None;
    let mut source = 0;
    for (number, raw) in (1..).zip(content.split_inclusive(|byte| *byte == b'\n')) {
        let mut start = source;
        source += raw.len();
        let mut text = raw.strip_suffix(b"\n").unwrap_or(raw);
        text = text.strip_suffix(b"\r").unwrap_or(text);
        if let Some(rest) = text.strip_prefix(MARK) {
            if number > 1 {
                return Err(fault(
                    number,
                    "has a byte order mark, which belongs to the first line; remove it",
                ));
            }
            text = rest;
            start += MARK.len();
        }
        if text.iter().any(|byte| matches!(byte, 0 | b'\r')) {
            return Err(fault(number, "holds a NUL or a carriage return; remove it"));
        }
        if text.len() >= LONGEST {
            return Err(refusal(
                number,
                "is too long for systemd; make several of it",
            ));
        }
        if std::str::from_utf8(text).is_err() {
            return Err(refusal(number, "is not UTF-8; write it anew"));
        }
        if matches!(text.trim_ascii_start(), [b'#' | b';', ..]) {
            continue;
        }
        let line = joined.get_or_insert_with(|| Line {
            text: Vec::new(),
            pieces: Vec::new(),
        });
        line.pieces.push(Piece {
            start: line.text.len(),
            line: number,
            source: start,
        });
        line.text.extend_from_slice(text);
        if line.text.len() >= LONGEST {
            return Err(refusal(
                number,
                "makes a line that is too long for systemd; make several of it",
            ));
        }
        if continues(&line.text) {
            line.text.pop();
            line.text.push(b' ');
        } else {
            lines.extend(joined.take());
        }
    }
    lines.extend(joined);
    lines.retain(|line| !line.text.trim_ascii().is_empty());
    Ok(lines)
}

/// Returns whether a text ends in a backslash that is not escaped itself.
fn continues(text: &[u8]) -> bool {
    let backslashes = text.iter().rev().take_while(|byte| **byte == b'\\');
    backslashes.count() % 2 == 1
}

const fn fault(line: u32, what: &'static str) -> Fault {
    Fault {
        line,
        what,
        refused: false,
    }
}

const fn refusal(line: u32, what: &'static str) -> Fault {
    Fault {
        line,
        what,
        refused: true,
    }
}

/// Returns the assignments among lines, and the lines that are neither that nor the head of a section.
pub(super) fn assignments(lines: &[Line]) -> Result<(Vec<Assignment<'_>>, Vec<&Line>), Fault> {
    let mut section = None;
    let mut assignments = Vec::new();
    let mut strays = Vec::new();
    for line in lines {
        let text = line.text.trim_ascii();
        let start = line.text.len() - line.text.trim_ascii_start().len();
        if let Some(head) = text.strip_prefix(b"[") {
            let number = line.place(start).line;
            let Some(name) = head.strip_suffix(b"]") else {
                return Err(refusal(
                    number,
                    "begins a section without ending its name; add `]`",
                ));
            };
            section = Some(name);
        } else if text.starts_with(b".include ") {
            let number = line.place(start).line;
            return Err(fault(
                number,
                "includes another file, which newer systemd ignores; use a drop-in",
            ));
        } else if let Some(equals) = text
            .iter()
            .position(|byte| *byte == b'=')
            .filter(|at| *at > 0)
        {
            let key = text.get(..equals).unwrap_or_default().trim_ascii_end();
            let rest = text.get(equals + 1..).unwrap_or_default();
            let value = rest.trim_ascii_start();
            assignments.push(Assignment {
                section,
                key,
                value,
                at: start + equals + 1 + (rest.len() - value.len()),
                line,
            });
        } else {
            strays.push(line);
        }
    }
    Ok((assignments, strays))
}

#[cfg(test)]
mod tests {
    use super::{assignments, join};

    /// Returns section, key, value and place of every assignment.
    fn read(content: &str) -> Vec<String> {
        let lines = join(content.as_bytes()).unwrap();
        let (found, _) = assignments(&lines).unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        found
            .iter()
            .map(|each| {
                let place = each.line.place(each.at);
                format!(
                    "{}.{}={} @{}:{}",
                    text(each.section.unwrap_or(b"-")),
                    text(each.key),
                    text(each.value),
                    place.line,
                    place.column
                )
            })
            .collect()
    }

    #[test]
    fn lines_are_joined_as_systemd_joins_them() {
        for (content, expected) in [
            ("[Service]\nA=b\n", &["Service.A=b @2:3"][..]),
            ("\u{feff}[S]\r\n A = b c \r\n", &["S.A=b c @2:6"]),
            ("# x\n;y\nA=b", &["-.A=b @3:3"]),
            ("[S]\nA=b \\\n  c\n", &["S.A=b    c @2:3"]),
            (
                "[S]\nA=b\\\n# between\n ; too\nc\nD=e\n",
                &["S.A=b c @2:3", "S.D=e @6:3"],
            ),
            ("[S]\nA=b\\\\\nC=d", &["S.A=b\\\\ @2:3", "S.C=d @3:3"]),
            ("[S]\nA=b\\\n\nC=d", &["S.A=b @2:3", "S.C=d @4:3"]),
            ("[S]\nA=\\\n  b", &["S.A=b @3:3"]),
            (
                "[S]\nstray\n=x\nA=b=c\n[T]\nB=",
                &["S.A=b=c @4:3", "T.B= @6:3"],
            ),
            ("[S]\nä=é \\\nü", &["S.ä=é  ü @2:3"]),
            ("[S]\nA=b\\", &["S.A=b @2:3"]),
        ] {
            assert_eq!(read(content), expected, "{content:?}");
        }
    }

    #[test]
    fn what_systemd_refuses_is_a_fault_with_its_line() {
        for (content, line, refused) in [
            ("[S]\nA=\0\n", 2, false),
            ("[S]\nA=a\rb\n", 2, false),
            ("A=b\n\n[S\n", 3, true),
            ("[S]\n.include /x\n", 2, false),
        ] {
            let fault = join(content.as_bytes())
                .and_then(|lines| assignments(&lines).map(|_| ()))
                .unwrap_err();
            assert_eq!((fault.line, fault.refused), (line, refused), "{content:?}");
        }
        let fault = join(b"[S]\nA=\xff\n").unwrap_err();
        assert_eq!((fault.line, fault.refused), (2, true));
        let long = format!("[S]\nA={}\\\n{}", "x".repeat(600_000), "x".repeat(600_000));
        assert_eq!(join(long.as_bytes()).unwrap_err().line, 3);
    }
}
