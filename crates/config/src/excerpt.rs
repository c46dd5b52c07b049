//! One line of a file, as the reader that gave its number counts lines.

use crate::{text, tree};

/// Returns line `number` (from 1) of a configuration file, without its end.
///
/// A carriage return ends a line as a line feed does, and in YAML U+0085, U+2028 and U+2029 do too.
pub fn line(content: &[u8], number: u32) -> Option<String> {
    let number = usize::try_from(number).ok()?.checked_sub(1)?;
    // In most files there is nothing to decode, and a line feed is the only break.
    let plain = |byte: &u8| matches!(byte, b'\n' | b'\t' | b' '..=b'~');
    if content.iter().all(plain) {
        let line = content.split(|byte| *byte == b'\n').nth(number)?;
        return Some(String::from_utf8_lossy(line).into_owned());
    }
    let (text, breaks): (String, &[char]) = if tree::is_json(content) {
        // Go's JSON mends what is no character, and takes those that YAML forbids.
        (String::from_utf8_lossy(content).into_owned(), &['\n', '\r'])
    } else {
        let text = text::decode(content).characters.into_iter().collect();
        (text, &['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'])
    };
    let text = text.replace("\r\n", "\n");
    text.split(breaks).nth(number).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn lines_are_counted_as_the_readers_count_them() {
        for (content, number, wanted) in [
            (&b"a\nb\r\nc"[..], 2, Some("b")),
            (b"a\rb", 2, Some("b")),
            ("# x\u{2028}mode: y".as_bytes(), 2, Some("mode: y")),
            ("{\"a\":\u{2028}1}".as_bytes(), 2, None),
            (b"{\"a\":\r1}", 2, Some("1}")),
            (b"{\"a\":\"\x7f\xff\"}", 1, Some("{\"a\":\"\x7f\u{fffd}\"}")),
            (b"\xef\xbb\xbfa\nb", 1, Some("a")),
            (b"\xff\xfea\x00\n\x00b\x00", 2, Some("b")),
            (b"a", 2, None),
            (b"a\n", 2, Some("")),
            (b"a\n\tb ~", 2, Some("\tb ~")),
            (b"a\x00\nb", 2, None),
            (b"a", 0, None),
        ] {
            assert_eq!(
                line(content, number).as_deref(),
                wanted,
                "{content:?} {number}"
            );
        }
    }
}
