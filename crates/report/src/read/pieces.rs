//! The pieces of a JSON text, cut out without understanding them: what a value holds is for serde to say.

use std::io::{Read, Seek, SeekFrom};

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
    pub(super) offset: u64,
    /// Line, from 1.
    pub(super) line: usize,
    /// Column in bytes, from 1.
    pub(super) column: usize,
}

impl Mark {
    const START: Self = Self {
        offset: 0,
        line: 1,
        column: 1,
    };

    fn pass(&mut self, byte: u8) {
        self.offset += 1;
        if byte == b'\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
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
        let mut depth = 0_usize;
        let mut in_string = false;
        let mut escaped = false;
        let mut begun = false;
        loop {
            if self.peek()?.is_none() {
                // A number at the very end is a value too, but none of ours stands there.
                return Err(self.cut_off());
            }
            let mut at = self.at;
            let rest = self.chunk.get(self.used..).unwrap_or_default();
            let mut end = None;
            let mut length = 0;
            for byte in rest.iter().copied() {
                if in_string {
                    if escaped {
                        escaped = false;
                    } else if byte == b'\\' {
                        escaped = true;
                    } else if byte == b'"' {
                        in_string = false;
                        if depth == 0 {
                            end = Some(length + 1);
                        }
                    }
                } else {
                    match byte {
                        b'"' => in_string = true,
                        b'{' | b'[' => depth += 1,
                        b'}' | b']' if depth > 0 => {
                            depth -= 1;
                            if depth == 0 {
                                end = Some(length + 1);
                            }
                        }
                        // Behind a value that has no end of its own.
                        b',' | b'}' | b']' | b':' | b' ' | b'\n' | b'\r' | b'\t' if depth == 0 => {
                            end = Some(length);
                        }
                        _ => {}
                    }
                    if depth > MAX_DEPTH {
                        let said = format!(
                            "it is nested deeper than {MAX_DEPTH} levels, and no report is"
                        );
                        return Err(self.wrong(at, ReadErrorKind::TooLarge, said));
                    }
                }
                if let Some(end) = end
                    && end == length
                {
                    break;
                }
                begun = true;
                length += 1;
                at.pass(byte);
                if end.is_some() {
                    break;
                }
            }
            let wanted = take(rest.get(..length).unwrap_or_default());
            self.used += length;
            self.at = at;
            if !begun {
                return Err(self.broken("a value is missing here; it is no JSON".to_owned()));
            }
            if !wanted || end.is_some() {
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
            let rest = self.chunk.get(self.used..).unwrap_or_default();
            let end = rest.iter().position(|byte| *byte == b'\n');
            let part = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            into.extend_from_slice(part);
            let length = part.len();
            self.used += length;
            self.at.offset += length as u64;
            self.at.column += length;
            if into.len() > limit {
                let most = limit >> 20;
                let said = format!("this line is longer than {most} MiB, and no report has such");
                return Err(self.wrong(began, ReadErrorKind::TooLarge, said));
            }
            if end.is_some() {
                self.pass(b'\n');
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
        serde_json::from_slice(value).map_err(|error| {
            let (line, column) = (error.line().max(1), error.column());
            let column = if line == 1 {
                began.column + column.saturating_sub(1)
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
            at: Some((at.line, at.column)),
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
