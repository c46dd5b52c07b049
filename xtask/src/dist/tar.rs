//! Writes tar archives (ustar) that depend on nothing but what is put in: fixed owner, time and order.

use anyhow::{Context as _, Result};

/// Bytes of a block, the unit of the format.
const BLOCK: usize = 512;

/// A tar archive that is being written.
pub(super) struct Tar {
    /// What was written.
    bytes: Vec<u8>,
    /// The time of every entry, in seconds since 1970.
    time: u64,
}

impl Tar {
    /// Starts an archive; every entry gets this time.
    pub(super) fn new(time: u64) -> Self {
        Self {
            bytes: Vec::new(),
            time,
        }
    }

    /// Adds a folder.
    pub(super) fn folder(&mut self, name: &str) -> Result<()> {
        self.entry(&format!("{name}/"), b'5', 0o755, &[])
    }

    /// Adds a file.
    pub(super) fn file(&mut self, name: &str, mode: u32, contents: &[u8]) -> Result<()> {
        self.entry(name, b'0', mode, contents)
    }

    /// Returns the archive.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.bytes.resize(self.bytes.len() + 2 * BLOCK, 0);
        self.bytes
    }

    /// Adds an entry.
    fn entry(&mut self, name: &str, kind: u8, mode: u32, contents: &[u8]) -> Result<()> {
        let mut header = Vec::with_capacity(BLOCK);
        field(&mut header, 100, name)?;
        octal(&mut header, 8, u64::from(mode))?;
        octal(&mut header, 8, 0)?; // user: root
        octal(&mut header, 8, 0)?; // group: root
        octal(&mut header, 12, u64::try_from(contents.len())?)?;
        octal(&mut header, 12, self.time)?;
        header.extend(b"        "); // the checksum counts as blanks
        header.push(kind);
        field(&mut header, 100, "")?; // no link
        header.extend(b"ustar\x0000");
        header.resize(BLOCK, 0);
        let sum: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
        header
            .get_mut(148..156)
            .context("a header is cut short")?
            .copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.bytes.extend(header);
        self.bytes.extend(contents);
        self.bytes
            .resize(self.bytes.len().next_multiple_of(BLOCK), 0);
        Ok(())
    }
}

/// Adds a text field of fixed length, filled with zero bytes.
fn field(header: &mut Vec<u8>, length: usize, text: &str) -> Result<()> {
    let rest = length
        .checked_sub(text.len())
        .with_context(|| format!("too long for a tar archive: {text}"))?;
    header.extend(text.as_bytes());
    header.resize(header.len() + rest, 0);
    Ok(())
}

/// Adds a number in octal digits, with a zero byte at the end.
fn octal(header: &mut Vec<u8>, length: usize, number: u64) -> Result<()> {
    let width = length - 1;
    field(header, length, &format!("{number:0width$o}"))
        .with_context(|| format!("too large for a tar archive: {number}"))
}

#[cfg(test)]
mod tests {
    use super::Tar;
    use crate::dist::testing::entries;

    #[test]
    fn archive_has_what_was_put_in_with_fixed_owner_and_time() {
        let mut tar = Tar::new(1_700_000_000);
        tar.folder("blobs").unwrap();
        tar.file("blobs/a", 0o644, b"text").unwrap();
        tar.file("empty", 0o755, b"").unwrap();
        let bytes = tar.finish();
        assert_eq!(bytes.len(), 512 * 6);
        assert!(bytes.iter().rev().take(1024).all(|byte| *byte == 0));
        let entries = entries(&bytes);
        let seen: Vec<_> = entries
            .iter()
            .map(|entry| {
                (
                    entry.name.as_str(),
                    entry.mode,
                    entry.owner,
                    entry.time,
                    entry.contents,
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("blobs/", 0o755, (0, 0), 1_700_000_000, &b""[..]),
                ("blobs/a", 0o644, (0, 0), 1_700_000_000, b"text"),
                ("empty", 0o755, (0, 0), 1_700_000_000, b""),
            ]
        );
    }

    #[test]
    fn what_does_not_fit_a_header_is_an_error() {
        let mut tar = Tar::new(0);
        assert!(tar.file(&"n".repeat(101), 0o644, b"").is_err());
        assert!(Tar::new(u64::MAX).file("a", 0o644, b"").is_err());
    }
}
