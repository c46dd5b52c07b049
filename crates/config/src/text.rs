//! From the bytes of a YAML file to characters, as the kubelet's YAML library decodes them.
//!
//! UTF-8, or UTF-16 after a byte order mark; there is no UTF-32. Go's reader decodes 512 bytes at a time and only
//! when it needs more: trouble behind the first document is an error when it shares a chunk with what was needed, and
//! is never seen otherwise. [`Fault::seen_at`] is kept for that.

/// How a text's bytes stand for characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without byte order mark.
    Utf8,
    /// UTF-16 after the bytes `FF FE`.
    Utf16Le,
    /// UTF-16 after the bytes `FE FF`.
    Utf16Be,
}

impl Encoding {
    /// Returns the encoding and the length of the byte order mark that says so.
    pub const fn of(content: &[u8]) -> (Self, usize) {
        match content {
            [0xff, 0xfe, ..] => (Self::Utf16Le, 2),
            [0xfe, 0xff, ..] => (Self::Utf16Be, 2),
            [0xef, 0xbb, 0xbf, ..] => (Self::Utf8, 3),
            _ => (Self::Utf8, 0),
        }
    }

    /// Returns how many bytes of the file stand for `character`.
    pub const fn width(self, character: char) -> usize {
        match self {
            Self::Utf8 => character.len_utf8(),
            Self::Utf16Le | Self::Utf16Be => 2 * character.len_utf16(),
        }
    }
}

/// A decoded text: all characters up to the end or to the first fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The characters, without the byte order mark that the file begins with.
    pub characters: Vec<char>,
    /// How they are encoded in the file.
    pub encoding: Encoding,
    /// Where the first character lies: the length of the byte order mark.
    pub start: usize,
    /// What ended the text before the end of the file.
    pub fault: Option<Fault>,
}

/// Bytes that are no character, or a character that YAML forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What Go's reader says about it.
    pub problem: &'static str,
    /// How many bytes of the file must have been read for it to be noticed; nothing where only the end of the file
    /// shows it.
    pub seen_at: Option<usize>,
}

/// Decodes a whole file.
pub fn decode(content: &[u8]) -> Text {
    let (encoding, start) = Encoding::of(content);
    let mut text = Text {
        characters: Vec::with_capacity(content.len()),
        encoding,
        start,
        fault: None,
    };
    let mut offset = start;
    while let Some(rest) = content.get(offset..).filter(|rest| !rest.is_empty()) {
        let decoded = match encoding {
            Encoding::Utf8 => utf8(rest),
            Encoding::Utf16Le => utf16(rest, u16::from_le_bytes),
            Encoding::Utf16Be => utf16(rest, u16::from_be_bytes),
        };
        let decoded = decoded.and_then(|character| {
            let width = encoding.width(character);
            if is_allowed(character) {
                Ok((character, width))
            } else {
                Err((CONTROL, Some(width)))
            }
        });
        match decoded {
            Ok((character, width)) => {
                text.characters.push(character);
                offset += width;
            }
            Err((problem, length)) => {
                let seen_at = length.map(|length| offset + length);
                text.fault = Some(Fault { problem, seen_at });
                break;
            }
        }
    }
    text
}

const CONTROL: &str = "control characters are not allowed";

/// What is wrong, and how many bytes show it; nothing where more bytes could still mend it.
type Bad = (&'static str, Option<usize>);

fn utf8(bytes: &[u8]) -> Result<char, Bad> {
    let (&first, rest) = bytes
        .split_first()
        .ok_or(("incomplete UTF-8 octet sequence", None))?;
    let (width, mut value) = match first {
        0x00..=0x7f => (1, u32::from(first)),
        0xc0..=0xdf => (2, u32::from(first & 0x1f)),
        0xe0..=0xef => (3, u32::from(first & 0x0f)),
        0xf0..=0xf7 => (4, u32::from(first & 0x07)),
        0x80..=0xbf | 0xf8..=0xff => return Err(("invalid leading UTF-8 octet", Some(1))),
    };
    let trailing = rest
        .get(..width - 1)
        .ok_or(("incomplete UTF-8 octet sequence", None))?;
    for octet in trailing {
        if octet & 0xc0 != 0x80 {
            return Err(("invalid trailing UTF-8 octet", Some(width)));
        }
        value = (value << 6) | u32::from(octet & 0x3f);
    }
    let least = [0, 0, 0x80, 0x800, 0x1_0000]
        .get(width)
        .copied()
        .unwrap_or_default();
    if value < least {
        return Err(("invalid length of a UTF-8 sequence", Some(width)));
    }
    char::from_u32(value).ok_or(("invalid Unicode character", Some(width)))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<char, Bad> {
    let (first, rest) = bytes
        .split_first_chunk()
        .ok_or(("incomplete UTF-16 character", None))?;
    let first = u32::from(unit(*first));
    let value = match first & 0xfc00 {
        0xdc00 => return Err(("unexpected low surrogate area", Some(2))),
        0xd800 => {
            let second = rest
                .first_chunk()
                .ok_or(("incomplete UTF-16 surrogate pair", None))?;
            let second = u32::from(unit(*second));
            if second & 0xfc00 != 0xdc00 {
                return Err(("expected low surrogate area", Some(4)));
            }
            0x1_0000 + ((first & 0x3ff) << 10) + (second & 0x3ff)
        }
        _ => first,
    };
    char::from_u32(value).ok_or(("invalid Unicode character", Some(2)))
}

/// Returns whether YAML 1.1 allows the character in a file.
const fn is_allowed(character: char) -> bool {
    matches!(
        character,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..
    )
}

#[cfg(test)]
mod tests {
    use super::{Encoding, decode};

    /// The characters and what is wrong behind them.
    fn decoded(bytes: &[u8]) -> (String, Option<(&'static str, Option<usize>)>) {
        let text = decode(bytes);
        (
            text.characters.iter().collect(),
            text.fault.map(|fault| (fault.problem, fault.seen_at)),
        )
    }

    #[test]
    fn text_is_utf8_or_utf16_with_a_mark() {
        for (bytes, expected) in [
            (&b"a: \xc3\xa9\n"[..], "a: é\n"),
            (b"\xef\xbb\xbfa\r\n", "a\r\n"),
            (b"\xff\xfea\x00\x3d\xd8\x00\xde", "a😀"),
            (b"\xfe\xff\x00a\x20\x28", "a\u{2028}"),
            (b"\xef\xbb\xbf\xef\xbb\xbfa", "\u{feff}a"),
            (
                b"\t\xc2\x85\xc2\xa0\xee\x80\x80\xef\xbf\xbd",
                "\t\u{85}\u{a0}\u{e000}\u{fffd}",
            ),
            (b"\xef\xbb", ""),
            (b"", ""),
        ] {
            assert_eq!(decoded(bytes).0, expected, "{bytes:?}");
        }
        assert_eq!(decode(b"\xff\xfea\x00").encoding, Encoding::Utf16Le);
        assert_eq!(decode(b"\xef\xbb\xbfa").start, 3);
    }

    #[test]
    fn what_is_no_character_is_told_as_go_does() {
        for (bytes, before, problem, seen_at) in [
            (&b"a\xe9b"[..], "a", "incomplete UTF-8 octet sequence", None),
            (b"a\xe9bc", "a", "invalid trailing UTF-8 octet", Some(4)),
            (b"\xff", "", "invalid leading UTF-8 octet", Some(1)),
            (b"\x80", "", "invalid leading UTF-8 octet", Some(1)),
            (
                b"\xc0\x80",
                "",
                "invalid length of a UTF-8 sequence",
                Some(2),
            ),
            (b"\xed\xa0\x80", "", "invalid Unicode character", Some(3)),
            (
                b"\xf7\xbf\xbf\xbf",
                "",
                "invalid Unicode character",
                Some(4),
            ),
            (b"a\x00", "a", "control characters are not allowed", Some(2)),
            (b"\x0c", "", "control characters are not allowed", Some(1)),
            (b"\x7f", "", "control characters are not allowed", Some(1)),
            (
                b"\xc2\x80",
                "",
                "control characters are not allowed",
                Some(2),
            ),
            (
                b"\xef\xbf\xbe",
                "",
                "control characters are not allowed",
                Some(3),
            ),
            (
                b"\xff\xfe\x00\x00",
                "",
                "control characters are not allowed",
                Some(4),
            ),
            (b"\xff\xfea", "", "incomplete UTF-16 character", None),
            (
                b"\xff\xfe\x00\xdc",
                "",
                "unexpected low surrogate area",
                Some(4),
            ),
            (
                b"\xff\xfe\x00\xd8a\x00",
                "",
                "expected low surrogate area",
                Some(6),
            ),
            (
                b"\xff\xfe\x00\xd8",
                "",
                "incomplete UTF-16 surrogate pair",
                None,
            ),
        ] {
            assert_eq!(
                decoded(bytes),
                (before.to_owned(), Some((problem, seen_at))),
                "{bytes:?}"
            );
        }
    }
}
