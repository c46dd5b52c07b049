//! An input that is taken for several things.
//!
//! Parts are separated by one byte that is in no sensible text, so that inputs stay legible, seeds can be
//! written by hand, and what libFuzzer learns about one part serves it in another.

/// Ends a part.
const SEPARATOR: u8 = 0x1e;

/// The parts of an input; those that it lacks are empty.
pub(crate) struct Parts<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Parts<'a> {
    /// Takes an input apart.
    pub(crate) const fn new(data: &'a [u8]) -> Self {
        Self { rest: Some(data) }
    }

    /// Returns the next part.
    pub(crate) fn next(&mut self) -> &'a [u8] {
        let Some(rest) = self.rest else { return &[] };
        if let Some(at) = rest.iter().position(|byte| *byte == SEPARATOR) {
            self.rest = Some(&rest[at + 1..]);
            &rest[..at]
        } else {
            self.rest = None;
            rest
        }
    }

    /// Returns the next part, if there is one.
    pub(crate) fn next_if_any(&mut self) -> Option<&'a [u8]> {
        self.rest.is_some().then(|| self.next())
    }

    /// Returns the next part as text, with U+FFFD in place of what is not UTF-8.
    pub(crate) fn next_text(&mut self) -> String {
        String::from_utf8_lossy(self.next()).into_owned()
    }
}

/// Endless choices drawn from a part; all of them zero where it is empty.
pub(crate) struct Choices<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Choices<'a> {
    /// Draws from `bytes`, over and over.
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Returns the next byte.
    pub(crate) fn byte(&mut self) -> u8 {
        if self.bytes.is_empty() {
            return 0;
        }
        let byte = self.bytes[self.at % self.bytes.len()];
        // Each round is another one, so that a short part does not decide everything alike.
        let round = u8::try_from(self.at / self.bytes.len() % 251).unwrap_or(0);
        self.at += 1;
        byte.rotate_left(u32::from(round % 8)) ^ round
    }

    /// Returns a number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end.max(1)
    }

    /// Returns whether one in `of` came up.
    pub(crate) fn one_in(&mut self, of: u8) -> bool {
        self.byte().is_multiple_of(of)
    }
}
