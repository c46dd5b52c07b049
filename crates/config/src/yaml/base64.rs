//! Base64 as Go's `StdEncoding` reads it: line breaks are passed over, padding must be there, and the bits that the
//! last digit has too many may be anything.

/// Returns the bytes, if the text is base64.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| !matches!(byte, b'\r' | b'\n'))
        .collect();
    let (groups, rest) = digits.as_chunks::<4>();
    if !rest.is_empty() {
        return None;
    }
    let mut bytes = Vec::with_capacity(groups.len() * 3);
    for (place, group) in groups.iter().enumerate() {
        let is_last = place + 1 == groups.len();
        let padding = match group {
            [.., b'=', b'='] if is_last => 2,
            [.., b'='] if is_last => 1,
            _ => 0,
        };
        let bits = group
            .iter()
            .take(4 - padding)
            .try_fold(0, |bits, digit| Some(bits << 6 | value(*digit)?))?;
        let [_, decoded @ ..] = (bits << (6 * padding)).to_be_bytes();
        bytes.extend(decoded.iter().take(3 - padding));
    }
    Some(bytes)
}

fn value(digit: u8) -> Option<u32> {
    let value = match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}
