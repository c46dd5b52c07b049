//! Variables in the words of a command (systemd.service(5), "Command lines").

use super::words::{self, Grammar};

/// A part of a command line after expansion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Its text.
    pub(super) text: Vec<u8>,
    /// The variable whose value it is, if that stood as a word of its own.
    pub(super) variable: Option<Vec<u8>>,
}

/// Returns the arguments that a word becomes; `value` says what a variable is.
///
/// `$NAME` as a word of its own becomes the words of its value, none if it is not set; `${NAME}` within a word becomes
/// the value as it is; `$$` is a dollar.
pub(super) fn expand<E>(
    word: &[u8],
    mut value: impl FnMut(&[u8]) -> Result<Option<Vec<u8>>, E>,
) -> Result<Vec<Part>, E> {
    if let [b'$', name @ ..] = word
        && !matches!(name, [b'{' | b'$', ..])
    {
        let text = value(name)?.unwrap_or_default();
        // This grammar knows no error.
        let words = words::split(&text, Grammar::Value).unwrap_or_default();
        let part = |text| Part {
            text,
            variable: Some(name.to_vec()),
        };
        return Ok(words.into_iter().map(|word| part(word.text)).collect());
    }
    Ok(vec![Part {
        text: within(word, value)?,
        variable: None,
    }])
}

fn within<E>(
    word: &[u8],
    mut value: impl FnMut(&[u8]) -> Result<Option<Vec<u8>>, E>,
) -> Result<Vec<u8>, E> {
    let mut text = Vec::with_capacity(word.len());
    let mut rest = word;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'$', [b'$', after @ ..]) => {
                text.push(b'$');
                rest = after;
            }
            (b'$', [b'{', after @ ..]) => match after
                .iter()
                .position(|byte| matches!(byte, b'}' | b':'))
            {
                Some(end) if after.get(end) == Some(&b'}') => {
                    text.extend(value(after.get(..end).unwrap_or_default())?.unwrap_or_default());
                    rest = after.get(end + 1..).unwrap_or_default();
                }
                // systemd does not look at a dollar in what it took for a name.
                Some(end) => {
                    text.extend_from_slice(b"${");
                    text.extend_from_slice(after.get(..=end).unwrap_or_default());
                    rest = after.get(end + 1..).unwrap_or_default();
                }
                None => {
                    text.extend_from_slice(b"${");
                    text.extend_from_slice(after);
                    rest = &[];
                }
            },
            // Whatever follows a dollar is not looked at again.
            (b'$', [after, more @ ..]) => {
                text.extend_from_slice(&[b'$', *after]);
                rest = more;
            }
            _ => text.push(*first),
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::expand;

    #[test]
    fn variables_are_expanded_as_systemd_expands_them() {
        for (word, expected) in [
            ("$A", &["x y", "z"][..]),
            ("${A}", &["'x y' z"]),
            ("--a=${A}b", &["--a='x y' zb"]),
            ("--a=$A", &["--a=$A"]),
            ("$$A", &["$A"]),
            ("$$$A", &["$$A"]),
            ("a$${A}", &["a${A}"]),
            ("$NONE", &[]),
            ("${NONE}", &[""]),
            ("$", &[]),
            ("a$", &["a$"]),
            ("$A.b", &[]),
            ("${A:-x}", &["${A:-x}"]),
            ("${A", &["${A"]),
            ("$EMPTY", &[]),
        ] {
            let value = |name: &[u8]| {
                Ok::<_, Infallible>(match name {
                    b"A" => Some(b"'x y' z".to_vec()),
                    b"EMPTY" => Some(b"  ".to_vec()),
                    _ => None,
                })
            };
            let Ok(parts) = expand(word.as_bytes(), value);
            let texts: Vec<_> = parts
                .iter()
                .map(|part| String::from_utf8_lossy(&part.text).into_owned())
                .collect();
            assert_eq!(texts, expected, "{word}");
        }
    }
}
