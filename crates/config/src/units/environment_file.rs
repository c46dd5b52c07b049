//! Environment files, in a grammar of their own (systemd.exec(5), `EnvironmentFile=`).

use super::lines::Fault;
use super::service::is_variable;

/// An assignment of an environment file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// What stands before the `=`; it need not be the name of a variable.
    pub(super) name: Vec<u8>,
    /// The value without quotes and escapes.
    pub(super) value: Vec<u8>,
    /// The line that the name stands on, from 1.
    pub(super) line: u32,
    /// What the value is written as: from byte to byte of the file.
    pub(super) span: (usize, usize),
    /// Where the name begins: byte of the file.
    pub(super) begins: usize,
}

/// What an environment file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    /// Its assignments, in order.
    pub(super) settings: Vec<Setting>,
    /// Comments, and lines without `=`: from byte to byte of the file.
    pub(super) others: Vec<(usize, usize)>,
}

/// What comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    BeforeName,
    Name,
    BeforeValue,
    Value,
    ValueEscape,
    SingleQuoted,
    DoubleQuoted,
    DoubleQuotedEscape,
    Comment,
    CommentEscape,
}

/// Text without the blanks at its end, which are told only when it ends.
#[derive(Default)]
struct Trimmed {
    text: Vec<u8>,
    blanks_from: Option<usize>,
}

impl Trimmed {
    fn push(&mut self, byte: u8) {
        if is_blank(byte) {
            self.blanks_from.get_or_insert(self.text.len());
        } else {
            self.blanks_from = None;
        }
        self.text.push(byte);
    }

    /// Adds what stays even where it is blank.
    fn keep(&mut self, byte: u8) {
        self.text.push(byte);
    }

    fn end(&mut self, trim: bool) -> Vec<u8> {
        if let Some(from) = self.blanks_from.take().filter(|_| trim) {
            self.text.truncate(from);
        }
        std::mem::take(&mut self.text)
    }
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Reads an environment file.
pub(super) fn read(content: &[u8]) -> Result<Settings, Fault> {
    let mut reader = Reader {
        state: State::BeforeName,
        name: Trimmed::default(),
        value: Trimmed::default(),
        line: 1,
        named_on: 1,
        named_at: 0,
        start: 0,
        found: Settings::default(),
    };
    for (at, byte) in content.iter().copied().enumerate() {
        if byte == 0 {
            return Err(Fault {
                line: reader.line,
                what: "holds a NUL; remove it",
                refused: true,
            });
        }
        reader.take(at, byte);
        if byte == b'\n' {
            reader.line = reader.line.saturating_add(1);
        }
    }
    reader.finish(content.len());
    check_comments(content, &reader.found)?;
    check_keys(content, &reader.found)?;
    check_text(&reader.found)?;
    Ok(reader.found)
}

struct Reader {
    state: State,
    name: Trimmed,
    value: Trimmed,
    line: u32,
    named_on: u32,
    named_at: usize,
    start: usize,
    found: Settings,
}

impl Reader {
    fn take(&mut self, at: usize, byte: u8) {
        let newline = matches!(byte, b'\n' | b'\r');
        match self.state {
            State::BeforeName if matches!(byte, b'#' | b';') => {
                self.start = at;
                self.state = State::Comment;
            }
            State::BeforeName if !is_blank(byte) => {
                self.start = at;
                self.named_on = self.line;
                self.named_at = at;
                self.state = State::Name;
                self.name.push(byte);
            }
            State::Name if newline => {
                self.name.end(true);
                self.other(at);
            }
            State::Name if byte == b'=' => {
                self.state = State::BeforeValue;
                self.start = at + 1;
                self.value.blanks_from = None;
            }
            State::Name => self.name.push(byte),
            State::BeforeValue if newline => self.assign(at, false),
            State::BeforeValue => match byte {
                b'\'' => self.state = State::SingleQuoted,
                b'"' => self.state = State::DoubleQuoted,
                b'\\' => self.state = State::ValueEscape,
                _ if is_blank(byte) => {}
                _ => {
                    self.state = State::Value;
                    self.value.keep(byte);
                }
            },
            State::Value if newline => self.assign(at, true),
            State::Value if byte == b'\\' => {
                self.state = State::ValueEscape;
                self.value.blanks_from = None;
            }
            State::Value => self.value.push(byte),
            State::ValueEscape => {
                self.state = State::Value;
                if !newline {
                    self.value.keep(byte);
                }
            }
            State::SingleQuoted if byte == b'\'' => self.state = State::BeforeValue,
            State::DoubleQuoted if byte == b'"' => self.state = State::BeforeValue,
            State::DoubleQuoted if byte == b'\\' => self.state = State::DoubleQuotedEscape,
            State::SingleQuoted | State::DoubleQuoted => self.value.keep(byte),
            State::DoubleQuotedEscape => {
                self.state = State::DoubleQuoted;
                if matches!(byte, b'"' | b'\\' | b'`' | b'$') {
                    self.value.keep(byte);
                } else if byte != b'\n' {
                    self.value.keep(b'\\');
                    self.value.keep(byte);
                }
            }
            State::Comment if byte == b'\\' => self.state = State::CommentEscape,
            State::Comment | State::CommentEscape if newline => self.other(at),
            State::BeforeName | State::Comment => {}
            State::CommentEscape => self.state = State::Comment,
        }
    }

    fn assign(&mut self, end: usize, trim: bool) {
        let name = self.name.end(true);
        let value = self.value.end(trim);
        self.value.blanks_from = None;
        self.found.settings.push(Setting {
            name,
            value,
            line: self.named_on,
            span: (self.start, end),
            begins: self.named_at,
        });
        self.state = State::BeforeName;
    }

    fn other(&mut self, end: usize) {
        self.found.others.push((self.start, end));
        self.state = State::BeforeName;
    }

    fn finish(&mut self, end: usize) {
        match self.state {
            State::BeforeName => {}
            State::Name | State::Comment | State::CommentEscape => self.other(end),
            state => self.assign(end, state == State::Value),
        }
    }
}

/// Before systemd 254 a comment that ends in a backslash went on in the next line.
fn check_comments(content: &[u8], found: &Settings) -> Result<(), Fault> {
    for (start, end) in &found.others {
        let comment = content.get(*start..*end).unwrap_or_default();
        let rest = content.get(end + 1..).unwrap_or_default();
        let next = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let says_something = !matches!(next.trim_ascii(), [] | [b'#' | b';', ..]);
        if matches!(comment, [b'#' | b';', ..]) && comment.ends_with(b"\\") && says_something {
            let before = content.get(..*start).unwrap_or_default();
            let line = before.split(|byte| *byte == b'\n').count();
            return Err(Fault {
                line: u32::try_from(line).unwrap_or(u32::MAX),
                what: "is a comment that ends in a backslash, which systemd reads in two ways; remove the backslash",
                refused: false,
            });
        }
    }
    Ok(())
}

/// The last line of a key may be a variable to systemd, whose name would be a part of the key.
fn check_keys(content: &[u8], found: &Settings) -> Result<(), Fault> {
    let is_begin = |(start, end): &&(usize, usize)| {
        let text = content.get(*start..*end).unwrap_or_default();
        text.starts_with(b"-----BEGIN ")
    };
    let Some((begin, _)) = found.others.iter().find(is_begin) else {
        return Ok(());
    };
    let mut settings = found.settings.iter();
    let inside = settings.find(|each| {
        each.begins > *begin
            && is_variable(&each.name)
            && matches!(each.value.as_slice(), b"" | b"=")
    });
    inside.map_or(Ok(()), |setting| {
        Err(Fault {
            line: setting.line,
            what: "follows the beginning of a key; keep keys in files of their own",
            refused: false,
        })
    })
}

fn check_text(found: &Settings) -> Result<(), Fault> {
    let is_text = |bytes: &[u8]| std::str::from_utf8(bytes).is_ok();
    let mut settings = found.settings.iter();
    let bad = settings.find(|each| !is_text(&each.name) || !is_text(&each.value));
    bad.map_or(Ok(()), |setting| {
        Err(Fault {
            line: setting.line,
            what: "is not UTF-8; write it anew",
            refused: true,
        })
    })
}

/// Returns a value in double quotes, as an environment file has it.
pub(super) fn quote(value: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'"'];
    for byte in value {
        if matches!(byte, b'"' | b'\\' | b'`' | b'$') {
            quoted.push(b'\\');
        }
        quoted.push(*byte);
    }
    quoted.push(b'"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, prop_assert_eq, proptest};

    use super::{quote, read};

    #[test]
    fn values_are_read_as_systemd_reads_them() {
        for (content, expected) in [
            ("A=b\n", &[("A", "b", 1)][..]),
            (
                "\n # c\n;d\n A = b c \t\nB=",
                &[("A", "b c", 4), ("B", "", 5)],
            ),
            ("A=\"b c\" 'd' e\n", &[("A", "b cde", 1)]),
            ("A=b \"c\"\n", &[("A", "b \"c\"", 1)]),
            ("A=x \\\n  y\nB=z", &[("A", "x   y", 1), ("B", "z", 3)]),
            (
                "A=\"x\\\ny\"\nB='a\nb'\n",
                &[("A", "xy", 1), ("B", "a\nb", 3)],
            ),
            (r#"A="\$x \"q\" \n""#, &[("A", "$x \"q\" \\n", 1)]),
            (r"A=\$x\n\ ", &[("A", "$xn ", 1)]),
            (
                "stray\nA=b\nexport C=d",
                &[("A", "b", 2), ("export C", "d", 3)],
            ),
            ("A=\"open\nB=c\n", &[("A", "open\nB=c\n", 1)]),
            (
                "A=a\rB=b\r\nC=c",
                &[("A", "a", 1), ("B", "b", 1), ("C", "c", 2)],
            ),
            ("A=b # no comment", &[("A", "b # no comment", 1)]),
            ("A=b\\", &[("A", "b", 1)]),
            ("# x \\\n# y \\\n\nA=b", &[("A", "b", 4)]),
        ] {
            let found = read(content.as_bytes()).unwrap();
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            let found: Vec<_> = found
                .settings
                .iter()
                .map(|each| (text(&each.name), text(&each.value), each.line))
                .collect();
            let expected: Vec<_> = expected
                .iter()
                .map(|(name, value, line)| ((*name).to_owned(), (*value).to_owned(), *line))
                .collect();
            assert_eq!(found, expected, "{content:?}");
        }
    }

    #[test]
    fn what_systemd_does_not_read_in_one_way_is_a_fault() {
        for (content, line, refused) in [
            (&b"A=b\n# c \\\nB=c\n"[..], 2, false),
            (b"A=b\nB=\xff\n", 2, true),
            (b"A=b\0", 1, true),
            (
                b"-----BEGIN PRIVATE KEY-----\nQUJD\nREVG==\n-----END PRIVATE KEY-----\n",
                3,
                false,
            ),
        ] {
            let fault = read(content).unwrap_err();
            assert_eq!((fault.line, fault.refused), (line, refused), "{content:?}");
        }
    }

    proptest! {
        #[test]
        fn a_quoted_value_comes_back(value in "[^\0]*") {
            let content = [b"A=", quote(value.as_bytes()).as_slice(), b"\nB=c\n"].concat();
            let found = read(&content).unwrap();
            prop_assert_eq!(&found.settings[0].value, value.as_bytes());
            prop_assert_eq!(found.settings.len(), 2);
        }

        #[test]
        fn any_content_ends_in_values_that_lie_within_it(content in prop::collection::vec(any::<u8>(), 0..80)) {
            for setting in read(&content).unwrap_or_default().settings {
                assert!(setting.span.0 <= setting.span.1 && setting.span.1 <= content.len());
            }
        }
    }
}
