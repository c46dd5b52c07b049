//! The first certificate of a PEM file, and nothing behind it.
//!
//! Kubelets keep their certificate and its key in one file, the certificate first
//! (`kubelet-server-current.pem`; `pairNamesFromFile` and `Update` of client-go's
//! `util/certificate/certificate_store.go`). So the file is read in steps that cannot go past the end of the
//! certificate: while none of its end line was seen, at least all of that line is still to come.

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
/// The most that is read of such a file. A certificate is a few kilobytes.
const MOST: usize = 64 << 10;

/// A certificate and what its file was like before it was read.
pub(crate) struct Certificate {
    pub(crate) der: Vec<u8>,
    pub(crate) status: Status,
}

/// Reads the first block of a regular file, which has to be a certificate. `name` is how the file is spoken of.
pub(crate) fn first(node: &dyn Node, name: &str) -> Result<Certificate, Trouble> {
    let (der, status) = steady(node, name, |opened, _| Reader::new(opened, name).run())?;
    Ok(Certificate { der, status })
}

/// Reads a file from its start in small steps.
pub(crate) struct Reader<'a> {
    opened: &'a dyn Opened,
    name: &'a str,
    offset: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(opened: &'a dyn Opened, name: &'a str) -> Self {
        Self {
            opened,
            name,
            offset: 0,
        }
    }

    pub(crate) fn run(&mut self) -> Result<Vec<u8>, Trouble> {
        self.up_to(BEGIN)?;
        // Byte by byte: what another block holds begins where its label ends.
        for wanted in LABEL {
            if self.step(1)? != [*wanted] {
                return Err(self.not_understood(
                    "does not begin with a certificate, and nothing more of it is read",
                ));
            }
        }
        let mut text = self.up_to(END)?;
        text.retain(|byte| !byte.is_ascii_whitespace());
        match STANDARD.decode(&text) {
            Ok(der) if !der.is_empty() => Ok(der),
            _ => Err(self.not_understood("has a certificate that is no base64")),
        }
    }

    /// Reads up to the end of `mark`, and returns what stands before it.
    ///
    /// A step is what is missing of the mark, should it have begun already.
    fn up_to(&mut self, mark: &[u8]) -> Result<Vec<u8>, Trouble> {
        let mut text = Vec::new();
        loop {
            let seen = begun(&text, mark);
            if seen == mark.len() {
                text.truncate(text.len() - seen);
                return Ok(text);
            }
            text.extend(self.step(mark.len() - seen)?);
        }
    }

    /// Reads at most `most` more bytes, and at least one.
    fn step(&mut self, most: usize) -> Result<Vec<u8>, Trouble> {
        if self.offset.saturating_add(most) > MOST {
            return Err(Trouble {
                cause: Cause::TooLarge,
                reason: format!(
                    "{} has no certificate that ends within its first {MOST} bytes",
                    self.name
                ),
            });
        }
        let mut buffer = vec![0; most];
        loop {
            let offset = u64::try_from(self.offset).unwrap_or(u64::MAX);
            match self.opened.read_at(&mut buffer, offset) {
                Ok(0) => return Err(self.not_understood("ends before a certificate does")),
                Ok(read) => {
                    self.offset = self.offset.saturating_add(read);
                    buffer.truncate(read);
                    return Ok(buffer);
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(trouble(errno, self.name)),
            }
        }
    }

    fn not_understood(&self, what: &str) -> Trouble {
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
            let rest = &self.bytes[usize::try_from(offset).unwrap()..];
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
        let read = Reader::new(&file, "f.pem").run();
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
