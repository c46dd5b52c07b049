//! The certificates of a PEM file, and nothing of a key beside them.
//!
//! Kubelets keep their certificate and its key in one file, the certificate first
//! (`kubelet-server-current.pem`; `pairNamesFromFile` and `Update` of client-go's
//! `util/certificate/certificate_store.go`). So files are read in steps that cannot go past the end of a
//! certificate: while none of its end line was seen, at least all of that line is still to come. Behind a certificate
//! they are read no further than to the label of the next block.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kubeassay_core::Cause;
use kubeassay_core::facts::Trouble;
use rustix::io::Errno;

use super::read::steady;
use super::{Node, Opened, Status, trouble};

/// Where any block begins.
const BEGIN: &[u8] = b"-----BEGIN ";
/// What follows where the block is a certificate.
const LABEL: &[u8] = b"CERTIFICATE-----";
/// Where the certificate ends.
const END: &[u8] = b"-----END CERTIFICATE-----";
/// The most that is read for the first certificate. One is a few kilobytes.
pub(crate) const MOST: usize = 64 << 10;

/// A certificate and what its file was like before it was read.
pub(crate) struct Certificate {
    pub(crate) der: Vec<u8>,
    pub(crate) status: Status,
}

/// Reads the first block of a regular file, which has to be a certificate. `name` is how the file is spoken of.
pub(crate) fn first(node: &dyn Node, name: &str) -> Result<Certificate, Trouble> {
    let (der, status) = steady(node, name, |opened, _| {
        Reader::new(opened, name, MOST).first()
    })?;
    Ok(Certificate { der, status })
}

/// Reads a file from its start in small steps.
pub(crate) struct Reader<'a> {
    opened: &'a dyn Opened,
    name: &'a str,
    offset: usize,
    most: usize,
}

/// What comes next in a file.
pub(crate) enum Next {
    /// A block that is a certificate.
    Block {
        /// What stands before it, behind the block before.
        before: Vec<u8>,
        /// What it holds, as it stands there.
        body: Vec<u8>,
    },
    /// No further block.
    End {
        /// What stands behind the last one.
        rest: Vec<u8>,
    },
}

impl<'a> Reader<'a> {
    /// Returns a reader of at most `most` bytes.
    pub(crate) fn new(opened: &'a dyn Opened, name: &'a str, most: usize) -> Self {
        Self {
            opened,
            name,
            offset: 0,
            most,
        }
    }

    /// Returns the first certificate in DER.
    pub(crate) fn first(&mut self) -> Result<Vec<u8>, Trouble> {
        match self.next()? {
            Next::Block { body, .. } => self.decode(&body),
            Next::End { .. } => Err(self.ends_early()),
        }
    }

    /// Reads the next block, which has to be a certificate.
    pub(crate) fn next(&mut self) -> Result<Next, Trouble> {
        let before = match self.up_to(BEGIN)? {
            Ok(before) => before,
            Err(rest) => return Ok(Next::End { rest }),
        };
        // Byte by byte: what another block holds begins where its label ends.
        for wanted in LABEL {
            match self.step(1)? {
                Some(byte) if byte == [*wanted] => {}
                Some(_) => {
                    return Err(self.not_understood(
                        "has a block that is no certificate, and nothing more of it is read",
                    ));
                }
                None => return Err(self.ends_early()),
            }
        }
        let body = self.up_to(END)?.map_err(|_| self.ends_early())?;
        Ok(Next::Block { before, body })
    }

    /// Returns in DER what stands between the lines of a certificate.
    pub(crate) fn decode(&self, body: &[u8]) -> Result<Vec<u8>, Trouble> {
        let mut text = body.to_vec();
        text.retain(|byte| !byte.is_ascii_whitespace());
        match STANDARD.decode(&text) {
            Ok(der) if !der.is_empty() => Ok(der),
            _ => Err(self.not_understood("has a certificate that is no base64")),
        }
    }

    /// Reads up to the end of `mark`, and returns what stands before it; as an error all that is left, where there is
    /// no mark.
    ///
    /// A step is what is missing of the mark, should it have begun already.
    fn up_to(&mut self, mark: &[u8]) -> Result<Result<Vec<u8>, Vec<u8>>, Trouble> {
        let mut text = Vec::new();
        loop {
            let seen = begun(&text, mark);
            if seen == mark.len() {
                text.truncate(text.len() - seen);
                return Ok(Ok(text));
            }
            match self.step(mark.len() - seen)? {
                Some(more) => text.extend(more),
                None => return Ok(Err(text)),
            }
        }
    }

    /// Reads at most `most` more bytes, and at least one; nothing at the end.
    fn step(&mut self, most: usize) -> Result<Option<Vec<u8>>, Trouble> {
        if self.offset.saturating_add(most) > self.most {
            return Err(self.too_large());
        }
        let mut buffer = vec![0; most];
        loop {
            let offset = u64::try_from(self.offset).unwrap_or(u64::MAX);
            match self.opened.read_at(&mut buffer, offset) {
                Ok(0) => return Ok(None),
                Ok(read) => {
                    self.offset = self.offset.saturating_add(read);
                    buffer.truncate(read);
                    return Ok(Some(buffer));
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(trouble(errno, self.name)),
            }
        }
    }

    fn too_large(&self) -> Trouble {
        Trouble {
            cause: Cause::TooLarge,
            reason: format!(
                "{} goes on behind its first {} bytes, and no more of it is read",
                self.name, self.most
            ),
        }
    }

    fn ends_early(&self) -> Trouble {
        self.not_understood("ends before a certificate does")
    }

    /// Returns that the file is not what it has to be; `what` follows its name.
    pub(crate) fn not_understood(&self, what: &str) -> Trouble {
        Trouble {
            cause: Cause::ParseError,
            reason: format!("{} {what}", self.name),
        }
    }
}

/// Returns how much of `mark` stands at the end of `text`.
fn begun(text: &[u8], mark: &[u8]) -> usize {
    let most = mark.len().min(text.len());
    let stands = |length: &usize| {
        mark.get(..*length)
            .is_some_and(|start| text.ends_with(start))
    };
    (1..=most).rev().find(stands).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use kubeassay_core::Cause;
    use kubeassay_core::facts::Trouble;
    use rustix::io::Errno;

    use super::{MOST, Opened, Reader, Status};

    const KEY: &str = "-----BEGIN EC PRIVATE KEY-----\nQ0FOQVJZ\n-----END EC PRIVATE KEY-----\n";

    /// A file that remembers how far it was read.
    struct Watched {
        bytes: Vec<u8>,
        furthest: Cell<usize>,
        /// The most that one read gives, as a file system may.
        most: usize,
    }

    impl Opened for Watched {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
            let offset_in = usize::try_from(offset).unwrap().min(self.bytes.len());
            let rest = &self.bytes[offset_in..];
            let length = rest.len().min(buffer.len()).min(self.most);
            buffer[..length].copy_from_slice(&rest[..length]);
            let end = usize::try_from(offset).unwrap() + buffer.len();
            self.furthest.set(self.furthest.get().max(end));
            Ok(length)
        }

        fn status(&self) -> Result<Status, Errno> {
            Err(Errno::NOSYS)
        }
    }

    /// Returns what is read of `text`, and how far it was asked for.
    fn read(text: &str, most: usize) -> (Result<Vec<u8>, Trouble>, usize) {
        let file = Watched {
            bytes: text.as_bytes().to_vec(),
            furthest: Cell::new(0),
            most,
        };
        let read = Reader::new(&file, "f.pem", MOST).first();
        (read, file.furthest.get())
    }

    fn certificate(der: &[u8], line: &str) -> String {
        let text = STANDARD.encode(der);
        let lines: Vec<&str> = text
            .as_bytes()
            .chunks(64)
            .map(|line| std::str::from_utf8(line).unwrap())
            .collect();
        format!(
            "-----BEGIN CERTIFICATE-----{line}{}{line}-----END CERTIFICATE-----",
            lines.join(line)
        )
    }

    #[test]
    fn not_a_byte_behind_the_certificate_is_asked_for() {
        for length in 1..200_u8 {
            let der: Vec<u8> = (0..length).collect();
            for before in ["", "\n", "subject=node-1\n-----\n", "- -----BEGI\n"] {
                for line in ["\n", "\r\n"] {
                    let block = format!("{before}{}", certificate(&der, line));
                    for behind in ["", "\n", KEY] {
                        for most in [1, 7, 4096] {
                            let (found, furthest) = read(&format!("{block}{behind}"), most);
                            assert_eq!(found, Ok(der.clone()), "{block}");
                            assert_eq!(furthest, block.len(), "{block}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn where_something_else_comes_first_nothing_of_it_is_asked_for() {
        let block = certificate(b"der", "\n");
        for (text, at_most) in [
            (format!("{KEY}{block}"), "-----BEGIN E".len()),
            (format!("x\n{KEY}{block}"), "x\n-----BEGIN E".len()),
            (
                format!("-----BEGIN CERTIFICATE REQUEST-----\n{KEY}"),
                "-----BEGIN CERTIFICATE ".len(),
            ),
        ] {
            let (found, furthest) = read(&text, 4096);
            assert_eq!(found.unwrap_err().cause, Cause::ParseError, "{text}");
            assert!(furthest <= at_most, "{text}: {furthest}");
        }
    }

    #[test]
    fn what_is_no_certificate_has_its_cause() {
        let long = "A".repeat(MOST);
        for (text, cause) in [
            (String::new(), Cause::ParseError),
            ("no block at all\n".to_owned(), Cause::ParseError),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n".to_owned(),
                Cause::ParseError,
            ),
            (
                "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----".to_owned(),
                Cause::ParseError,
            ),
            (
                "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----".to_owned(),
                Cause::ParseError,
            ),
            (
                format!("-----BEGIN CERTIFICATE-----\nAAAA\n{KEY}-----END CERTIFICATE-----"),
                Cause::ParseError,
            ),
            (long.clone(), Cause::TooLarge),
            (
                format!("-----BEGIN CERTIFICATE-----\n{long}"),
                Cause::TooLarge,
            ),
        ] {
            let (found, furthest) = read(&text, 4096);
            let trouble = found.unwrap_err();
            assert_eq!(trouble.cause, cause, "{}", trouble.reason);
            assert!(!trouble.reason.contains("AAAA") && furthest <= MOST + 32);
        }
    }
}
