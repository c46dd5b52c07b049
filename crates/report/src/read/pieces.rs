//! The pieces of a JSON text, cut out without understanding them: what a value holds is for serde to say.

use std::io::{BufRead as _, Read, Seek, SeekFrom};
use std::slice;

use serde::de::DeserializeOwned;

use super::{ReadError, ReadErrorKind};

/// How deep a report may be nested; ours are at most a dozen levels deep.
const MAX_DEPTH: usize = 64;

/// How much is read at once.
const CHUNK: usize = 128 << 10;

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Bytes before it.
    offset: u64,
    /// Line, from 1.
    line: usize,
    /// Bytes before its line.
    line_at: u64,
}

impl Mark {
    const START: Self = Self {
        offset: 0,
        line: 1,
        line_at: 0,
    };

    fn pass(&mut self, byte: u8) {
        if byte == b'\n' {
            self.line += 1;
            self.line_at = self.offset + 1;
        }
        self.offset += 1;
    }

    /// Returns the column in bytes, from 1.
    fn column(self) -> usize {
        usize::try_from(self.offset - self.line_at).unwrap_or(usize::MAX - 1) + 1
    }
}

/// A text that is read from its beginning to its end, chunk by chunk.
pub(super) struct Pieces<'a, R> {
    name: &'a str,
    source: &'a mut R,
    chunk: Vec<u8>,
    /// How much of the chunk is behind us.
    used: usize,
    at: Mark,
}

impl<'a, R: Read + Seek> Pieces<'a, R> {
    pub(super) const fn new(name: &'a str, source: &'a mut R) -> Self {
        Self {
            name,
            source,
            chunk: Vec::new(),
            used: 0,
            at: Mark::START,
        }
    }

    /// Goes to a place that was told before.
    pub(super) fn go_to(&mut self, mark: Mark) -> Result<(), ReadError> {
        let gone = self.source.seek(SeekFrom::Start(mark.offset));
        gone.map_err(|error| self.of_file(ReadErrorKind::Io, &format!("cannot read it: {error}")))?;
        self.chunk.clear();
        self.used = 0;
        self.at = mark;
        Ok(())
    }

    /// Goes back to the beginning, behind the mark that some editors put there.
    pub(super) fn rewind(&mut self) -> Result<(), ReadError> {
        self.go_to(Mark::START)?;
        self.fill()?;
        if self.chunk.starts_with(b"\xef\xbb\xbf") {
            self.used = 3;
            self.at.offset = 3;
            self.at.line_at = 3;
        }
        Ok(())
    }

    /// Returns the first few bytes, and stands at the beginning.
    pub(super) fn start(&mut self) -> Result<Vec<u8>, ReadError> {
        self.go_to(Mark::START)?;
        self.fill()?;
        let start = self.chunk.clone();
        self.rewind()?;
        Ok(start)
    }

    /// Reads the next chunk; it is empty at the end.
    fn fill(&mut self) -> Result<(), ReadError> {
        self.chunk.clear();
        self.used = 0;
        let limit = CHUNK as u64;
        let read = self
            .source
            .by_ref()
            .take(limit)
            .read_to_end(&mut self.chunk);
        match read {
            Ok(_) => Ok(()),
            Err(error) => Err(self.of_file(ReadErrorKind::Io, &format!("cannot read it: {error}"))),
        }
    }

    pub(super) const fn mark(&self) -> Mark {
        self.at
    }

    fn peek(&mut self) -> Result<Option<u8>, ReadError> {
        if self.used >= self.chunk.len() {
            self.fill()?;
        }
        Ok(self.chunk.get(self.used).copied())
    }

    fn pass(&mut self, byte: u8) {
        self.used += 1;
        self.at.pass(byte);
    }

    /// Passes over blanks, and returns what follows.
    pub(super) fn next_sign(&mut self) -> Result<Option<u8>, ReadError> {
        while let Some(byte) = self.peek()? {
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                return Ok(Some(byte));
            }
            self.pass(byte);
        }
        Ok(None)
    }

    /// Passes over blanks and `sign`, if it follows; returns whether it did.
    pub(super) fn take_sign(&mut self, sign: u8) -> Result<bool, ReadError> {
        let there = self.next_sign()? == Some(sign);
        if there {
            self.pass(sign);
        }
        Ok(there)
    }

    /// Passes over `sign`, which has to follow; `what` is what it would be.
    pub(super) fn expect_sign(&mut self, sign: u8, what: &str) -> Result<(), ReadError> {
        if self.take_sign(sign)? {
            return Ok(());
        }
        if self.peek()?.is_none() {
            return Err(self.cut_off());
        }
        let sign = char::from(sign);
        Err(self.broken(format!("expected `{sign}` ({what}); it is no JSON")))
    }

    /// Copies the value that follows into `into`, and returns where it began.
    pub(super) fn value(&mut self, into: &mut Vec<u8>, limit: usize) -> Result<Mark, ReadError> {
        into.clear();
        self.next_sign()?;
        let began = self.at;
        self.walk(|bytes| {
            into.extend_from_slice(bytes);
            into.len() <= limit
        })
        .and_then(|whole| {
            if whole {
                return Ok(began);
            }
            let most = limit >> 20;
            Err(self.wrong(
                began,
                ReadErrorKind::TooLarge,
                format!("this value is larger than {most} MiB, and no report has such"),
            ))
        })
    }

    /// Passes over the value that follows.
    pub(super) fn skip(&mut self) -> Result<(), ReadError> {
        self.next_sign()?;
        self.walk(|_| true).map(|_| ())
    }

    /// Passes over a value, handing on its bytes; ends early, and returns `false`, where they are not wanted.
    fn walk(&mut self, mut take: impl FnMut(&[u8]) -> bool) -> Result<bool, ReadError> {
        let mut value = Walk::default();
        let mut begun = false;
        loop {
            if self.peek()?.is_none() {
                // A number at the very end is a value too, but none of ours stands there.
                return Err(self.cut_off());
            }
            let rest = self.chunk.get(self.used..).unwrap_or_default();
            let from = self.at.offset;
            let step = value.go_on(rest, &mut self.at);
            let length = usize::try_from(self.at.offset - from).unwrap_or(usize::MAX);
            let part = rest.get(..length).unwrap_or_default();
            begun |= !part.is_empty();
            let wanted = take(part);
            self.used += length;
            if step == Step::TooDeep {
                let said = format!("it is nested deeper than {MAX_DEPTH} levels, and no report is");
                return Err(self.wrong(self.at, ReadErrorKind::TooLarge, said));
            }
            if !begun {
                return Err(self.broken("a value is missing here; it is no JSON".to_owned()));
            }
            if !wanted || step == Step::Ends {
                return Ok(wanted);
            }
        }
    }

    /// Copies the line that follows, without its end, into `into`; returns where it began and whether it has an end,
    /// `None` behind the last.
    pub(super) fn line(
        &mut self,
        into: &mut Vec<u8>,
        limit: usize,
    ) -> Result<Option<(Mark, bool)>, ReadError> {
        into.clear();
        let began = self.at;
        loop {
            if self.peek()?.is_none() {
                return Ok((!into.is_empty()).then_some((began, false)));
            }
            let mut rest = self.chunk.get(self.used..).unwrap_or_default();
            // What is in memory cannot fail to be read.
            let length = rest.read_until(b'\n', into).unwrap_or_default();
            let ended = into.pop_if(|last| *last == b'\n').is_some();
            self.used += length;
            self.at.offset += length as u64;
            if ended {
                self.at.line += 1;
                self.at.line_at = self.at.offset;
            }
            if into.len() > limit {
                let most = limit >> 20;
                let said = format!("this line is longer than {most} MiB, and no report has such");
                return Err(self.wrong(began, ReadErrorKind::TooLarge, said));
            }
            if ended {
                return Ok(Some((began, true)));
            }
        }
    }

    /// Reads everything that is left, up to a limit.
    pub(super) fn all(&mut self, limit: usize) -> Result<Vec<u8>, ReadError> {
        let mut all = Vec::new();
        while self.peek()?.is_some() {
            all.extend_from_slice(self.chunk.get(self.used..).unwrap_or_default());
            self.used = self.chunk.len();
            if all.len() > limit {
                let most = limit >> 20;
                let said = format!(
                    "it is larger than {most} MiB, as no YAML report is read; use JSON or JSON lines"
                );
                return Err(self.of_file(ReadErrorKind::TooLarge, &said));
            }
        }
        Ok(all)
    }

    /// Makes of a value that began at `began` what it is.
    pub(super) fn parse<T: DeserializeOwned>(
        &self,
        value: &[u8],
        began: Mark,
    ) -> Result<T, ReadError> {
        // Checked once, and not string by string; what is no UTF-8 is refused with its place.
        let read = match std::str::from_utf8(value) {
            Ok(text) => serde_json::from_str(text),
            Err(_) => serde_json::from_slice(value),
        };
        read.map_err(|error| {
            let (line, column) = (error.line().max(1), error.column());
            let column = if line == 1 {
                began.column() + column.saturating_sub(1)
            } else {
                column
            };
            // serde repeats its own place, which counts from the value's beginning.
            let said = error.to_string();
            let said = said.split(" at line ").next().unwrap_or_default();
            ReadError {
                file: self.name.to_owned(),
                at: Some((began.line + line - 1, column)),
                message: format!("{said}; it is no report as kubeassay writes it"),
                kind: ReadErrorKind::Broken,
            }
        })
    }

    /// Returns an error at a place.
    pub(super) fn wrong(&self, at: Mark, kind: ReadErrorKind, message: String) -> ReadError {
        ReadError {
            file: self.name.to_owned(),
            at: Some((at.line, at.column())),
            message,
            kind,
        }
    }

    /// Returns that something is wrong where we stand.
    pub(super) fn broken(&self, message: String) -> ReadError {
        self.wrong(self.at, ReadErrorKind::Broken, message)
    }

    fn cut_off(&self) -> ReadError {
        self.broken(
            "it ends in the middle: it was cut off; make it again, or use JSON lines, of which what there is can be read"
                .to_owned(),
        )
    }

    /// Returns an error about the file as a whole.
    pub(super) fn of_file(&self, kind: ReadErrorKind, message: &str) -> ReadError {
        ReadError {
            file: self.name.to_owned(),
            at: None,
            message: message.to_owned(),
            kind,
        }
    }
}

/// How far a value goes, chunk by chunk.
#[derive(Default)]
struct Walk {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

/// What a chunk of a text says of the value in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It ends there.
    Ends,
    /// It is not at its end.
    GoesOn,
    /// There it is nested too deep.
    TooDeep,
}

impl Walk {
    /// Goes on through a chunk that begins at `at`, to the end of the value or of the chunk.
    ///
    /// Lines are counted outside of strings: serde refuses one that has an end of a line in it.
    fn go_on(&mut self, chunk: &[u8], at: &mut Mark) -> Step {
        let start = at.offset;
        let mut rest = chunk.iter();
        let step = self.look(&mut rest, |left| {
            at.line += 1;
            at.line_at = start + (chunk.len() - left) as u64;
        });
        at.offset = start + (chunk.len() - rest.len()) as u64;
        step
    }

    fn look(&mut self, rest: &mut slice::Iter<'_, u8>, mut line: impl FnMut(usize)) -> Step {
        if self.escaped && rest.next().is_some() {
            self.escaped = false;
        }
        loop {
            // Most of a report is within strings.
            while self.in_string {
                match rest.next() {
                    None => return Step::GoesOn,
                    Some(b'"') => {
                        self.in_string = false;
                        if self.depth == 0 {
                            return Step::Ends;
                        }
                    }
                    Some(b'\\') => self.escaped = rest.next().is_none(),
                    Some(_) => {}
                }
            }
            let before = rest.clone();
            let Some(byte) = rest.next() else {
                return Step::GoesOn;
            };
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' if self.depth == MAX_DEPTH => {
                    *rest = before;
                    return Step::TooDeep;
                }
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth > 0 => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Step::Ends;
                    }
                }
                // Behind a value that has no end of its own.
                b',' | b'}' | b']' | b':' | b' ' | b'\n' | b'\r' | b'\t' if self.depth == 0 => {
                    *rest = before;
                    return Step::Ends;
                }
                b'\n' => line(rest.len()),
                _ => {}
            }
        }
    }
}
