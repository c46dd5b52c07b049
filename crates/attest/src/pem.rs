//! PEM (RFC 7468): the one block of a text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A block of a PEM text.
pub(crate) struct Block {
    /// What it says to be, such as `PRIVATE KEY`.
    pub(crate) label: String,
    /// Its bytes.
    pub(crate) der: Vec<u8>,
}

/// What a block begins with.
const BEGIN: &str = "-----BEGIN ";

/// Returns how many blocks begin in a text.
pub(crate) fn count(text: &[u8]) -> usize {
    String::from_utf8_lossy(text).matches(BEGIN).count()
}

/// Returns the first block, or nothing where there is none that could be read whole.
pub(crate) fn first(text: &[u8]) -> Option<Block> {
    let text = std::str::from_utf8(text).ok()?;
    let mut lines = text.lines().map(str::trim);
    let label = lines.find_map(|line| {
        let label = line.strip_prefix(BEGIN)?;
        label.strip_suffix("-----")
    })?;
    let end = format!("-----END {label}-----");
    let mut base64 = String::new();
    for line in lines {
        if line == end {
            return Some(Block {
                label: label.to_owned(),
                der: STANDARD.decode(base64).ok()?,
            });
        }
        // Older tools write headers above the key; a key that has them is no PKCS#8.
        if !line.contains(':') {
            base64.push_str(line);
        }
    }
    None
}
