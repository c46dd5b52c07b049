//! Specifiers: `%n` and its like (systemd.unit(5), "Specifiers").

use super::name::UnitName;

/// What specifiers stand for in one unit.
#[derive(Clone, Debug)]
pub(super) struct Specifiers {
    /// The unit's name; nothing where it has several, since which one counts depends on who loaded it.
    pub(super) name: Option<UnitName>,
}

/// A specifier that the files do not tell the meaning of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Untold(pub(super) u8);

impl Specifiers {
    /// Returns `text` with its specifiers expanded.
    pub(super) fn expand(&self, text: &[u8]) -> Result<Vec<u8>, Untold> {
        let mut expanded = Vec::with_capacity(text.len());
        let mut bytes = text.iter().copied();
        while let Some(byte) = bytes.next() {
            if byte != b'%' {
                expanded.push(byte);
                continue;
            }
            match bytes.next() {
                // One at the end stands for itself.
                None | Some(b'%') => expanded.push(b'%'),
                Some(letter) => expanded.extend(self.value(letter).ok_or(Untold(letter))?),
            }
        }
        Ok(expanded)
    }

    /// Returns what a specifier stands for, in a unit of the system's own manager.
    fn value(&self, letter: u8) -> Option<Vec<u8>> {
        let fixed: &[u8] = match letter {
            b'C' => b"/var/cache",
            b'E' => b"/etc",
            b'L' => b"/var/log",
            b'S' => b"/var/lib",
            b't' => b"/run",
            b'T' => b"/tmp",
            b'V' => b"/var/tmp",
            b'h' => b"/root",
            b'u' | b'g' => b"root",
            b'U' | b'G' => b"0",
            _ => return self.of_name(letter),
        };
        Some(fixed.to_vec())
    }

    fn of_name(&self, letter: u8) -> Option<Vec<u8>> {
        let name = self.name.as_ref()?;
        let instance = name.instance.clone().unwrap_or_default();
        let last = name.prefix.rsplit(|byte| *byte == b'-').next();
        let last = last.unwrap_or_default();
        match letter {
            b'n' => Some(name.text()),
            b'N' => Some(name.stem()),
            b'p' => Some(name.prefix.clone()),
            b'P' => unescape(&name.prefix),
            b'i' => Some(instance),
            b'I' => unescape(&instance),
            b'j' => Some(last.to_vec()),
            b'J' => unescape(last),
            _ => None,
        }
    }
}

/// Takes back what systemd-escape(1) did.
fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'-' => plain.push(b'/'),
            b'\\' => {
                let digits = std::str::from_utf8(tail.strip_prefix(b"x")?.get(..2)?).ok()?;
                let is_number = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
                plain.push(u8::from_str_radix(digits, 16).ok().filter(|_| is_number)?);
                rest = tail.get(3..)?;
            }
            _ => plain.push(*first),
        }
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::{Specifiers, Untold};
    use crate::units::name::UnitName;

    #[test]
    fn specifiers_are_expanded_where_the_files_tell_them() {
        let of = |name: &str| Specifiers {
            name: UnitName::parse(name.as_bytes()),
        };
        for (name, text, expected) in [
            (
                "a-b.service",
                "%n %N %p %j %i.",
                Ok("a-b.service a-b a-b b ."),
            ),
            (
                "a-b@c-d.service",
                "%n %p %P %i %I %J",
                Ok("a-b@c-d.service a-b a/b c-d c/d b"),
            ),
            (r"a@x\x2dy.service", "%i %I", Ok(r"x\x2dy x-y")),
            (
                "a.service",
                "100%% %C %E %L %S %t %T %V %h %u %U %",
                Ok("100% /var/cache /etc /var/log /var/lib /run /tmp /var/tmp /root root 0 %"),
            ),
            ("a.service", "a %H", Err(b'H')),
            ("a.service", "%m", Err(b'm')),
            ("a.service", "%k", Err(b'k')),
            (r"a@\xzz.service", "%I", Err(b'I')),
        ] {
            let expanded = of(name).expand(text.as_bytes());
            let expected = expected
                .map(|text| text.as_bytes().to_vec())
                .map_err(Untold);
            assert_eq!(expanded, expected, "{name} {text}");
        }
        assert_eq!(Specifiers { name: None }.expand(b"%n"), Err(Untold(b'n')));
    }
}
