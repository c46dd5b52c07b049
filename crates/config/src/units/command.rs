//! A command of `ExecStart=`: prefixes, the program, its words (systemd.service(5), "Command lines").

use super::specifiers::{Specifiers, Untold};
use super::words::{self, Grammar};

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    /// The program, as it is named.
    pub(super) program: Vec<u8>,
    /// The words that become its arguments, the name it is given first.
    pub(super) words: Vec<Token>,
    /// Whether variables are expanded in its words.
    pub(super) expands: bool,
}

/// A word, specifiers expanded, and where it stands in the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// Its text.
    pub(super) text: Vec<u8>,
    /// Where it begins.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
}

/// Why a command is not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// systemd refuses it, for this reason.
    By(&'static str),
    /// It holds a specifier that the files do not tell.
    Specifier(u8),
    /// It asks for something that is not decided here.
    Unsupported(&'static str),
}

impl From<Untold> for Refused {
    fn from(untold: Untold) -> Self {
        Self::Specifier(untold.0)
    }
}

/// What is said of a quote that does not end.
const UNBALANCED: Refused = Refused::By("has a quote that does not end; end it");

/// Reads the commands in a value that is not empty.
pub(super) fn read(value: &[u8], specifiers: &Specifiers) -> Result<Vec<Command>, Refused> {
    let mut commands = Vec::new();
    let mut at = 0;
    while let Some(first) = words::next(value, at, Grammar::Command).map_err(|_| UNBALANCED)? {
        at = words::skip_blanks(value, first.end);
        if first.text == b";" {
            continue;
        }
        let prefixes = Prefixes::of(&first.text)?;
        let name = first.text.get(prefixes.length..).unwrap_or_default();
        let program = specifiers.expand(name)?;
        check_program(&program)?;
        let mut command = Command {
            words: Vec::new(),
            expands: !prefixes.literal,
            program,
        };
        if !prefixes.names_itself {
            command.words.push(Token {
                text: command.program.clone(),
                start: first.start,
                end: first.end,
            });
        }
        at = read_words(value, at, specifiers, &mut command)?;
        if command
            .words
            .first()
            .is_none_or(|word| word.text.is_empty())
        {
            return Err(Refused::By(
                "has no name for the program; put one behind the path, or remove the `@`",
            ));
        }
        commands.push(command);
    }
    Ok(commands)
}

/// Reads the words of a command from `at` on; returns where the next command begins.
fn read_words(
    value: &[u8],
    mut at: usize,
    specifiers: &Specifiers,
    command: &mut Command,
) -> Result<usize, Refused> {
    let ends_at = |at: usize| value.get(at).is_none_or(|byte| b" \t\n\r".contains(byte));
    while at < value.len() {
        let rest = value.get(at..).unwrap_or_default();
        if rest.starts_with(b";") && ends_at(at + 1) {
            return Ok(words::skip_blanks(value, at + 1));
        }
        if rest.starts_with(b"\\;") && ends_at(at + 2) {
            command.words.push(Token {
                text: b";".to_vec(),
                start: at,
                end: at + 2,
            });
            at = words::skip_blanks(value, at + 2);
            continue;
        }
        let Some(word) = words::next(value, at, Grammar::Command).map_err(|_| UNBALANCED)? else {
            break;
        };
        command.words.push(Token {
            text: specifiers.expand(&word.text)?,
            start: word.start,
            end: word.end,
        });
        at = words::skip_blanks(value, word.end);
    }
    Ok(value.len())
}

/// What stands before the program.
#[derive(Clone, Copy, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a prefix that may stand once"
)]
struct Prefixes {
    length: usize,
    ignores: bool,
    names_itself: bool,
    literal: bool,
    privileged: bool,
    exclamations: u8,
}

impl Prefixes {
    fn of(word: &[u8]) -> Result<Self, Refused> {
        let mut found = Self::default();
        for byte in word {
            match byte {
                b'-' if !found.ignores => found.ignores = true,
                b'@' if !found.names_itself => found.names_itself = true,
                b':' if !found.literal => found.literal = true,
                b'+' if !found.privileged && found.exclamations == 0 => found.privileged = true,
                b'!' if !found.privileged && found.exclamations < 2 => found.exclamations += 1,
                b'|' => {
                    return Err(Refused::Unsupported(
                        "starts its command through a shell; name the program itself",
                    ));
                }
                _ => break,
            }
            found.length += 1;
        }
        Ok(found)
    }
}

/// Checks what systemd checks of a program's name.
fn check_program(program: &[u8]) -> Result<(), Refused> {
    let special = |byte: &u8| *byte < b' ' || *byte == 0x7f || b"\"'\\".contains(byte);
    let absolute = program.starts_with(b"/");
    if program.is_empty() || program.ends_with(b"/") {
        Err(Refused::By("names no program; write its path"))
    } else if program.iter().any(special) {
        Err(Refused::By(
            "has special characters in its path; start the program by another path",
        ))
    } else if !absolute && (program.contains(&b'/') || matches!(program, b"." | b"..")) {
        Err(Refused::By(
            "names its program by a relative path; make it absolute",
        ))
    } else if program.len() > 4095 || (!absolute && program.len() > 255) {
        Err(Refused::By(
            "has a path that is too long; start the program by another path",
        ))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Refused, read};
    use crate::units::name::UnitName;
    use crate::units::specifiers::Specifiers;

    /// Returns the programs with their words.
    fn commands(value: &str) -> Result<Vec<String>, Refused> {
        let specifiers = Specifiers {
            name: UnitName::parse(b"k.service"),
        };
        let show = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(read(value.as_bytes(), &specifiers)?
            .iter()
            .map(|command| {
                let words: Vec<_> = command.words.iter().map(|word| show(&word.text)).collect();
                let literal = if command.expands { "" } else { "literally " };
                format!("{literal}{} <{}>", show(&command.program), words.join("|"))
            })
            .collect())
    }

    #[test]
    fn commands_are_read_as_systemd_reads_them() {
        for (value, expected) in [
            ("/bin/k --a 'b c'", &["/bin/k </bin/k|--a|b c>"][..]),
            ("@/bin/k name --a", &["/bin/k <name|--a>"]),
            ("-:/bin/k $A", &["literally /bin/k </bin/k|$A>"]),
            ("!!/bin/k", &["/bin/k </bin/k>"]),
            ("\"-/bin/k\" %p%%", &["/bin/k </bin/k|k%>"]),
            ("k a\\;b \\; ';' x;", &["k <k|a\\;b|;|;|x;>"]),
            (
                "/bin/a b ; /bin/c",
                &["/bin/a </bin/a|b>", "/bin/c </bin/c>"],
            ),
            ("; /bin/a ;", &["/bin/a </bin/a>"]),
        ] {
            let found = commands(value).unwrap();
            assert_eq!(found, expected, "{value}");
        }
    }

    #[test]
    fn what_systemd_refuses_is_refused() {
        for value in [
            "bin/k",
            "/bin/",
            "-",
            "@/bin/k",
            "/bin/k \"a",
            "/bin/a\\nb",
            "..",
            "--/bin/k",
        ] {
            assert!(matches!(commands(value), Err(Refused::By(_))), "{value}");
        }
        assert_eq!(commands("/bin/k %H"), Err(Refused::Specifier(b'H')));
        assert!(matches!(commands("|k"), Err(Refused::Unsupported(_))));
    }
}
