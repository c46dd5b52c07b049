//! Messages of D-Bus, as bytes (D-Bus specification, "Message Protocol").
//!
//! Pure. Only what is asked here can be written: calls whose arguments are strings. Only what systemd answers with can
//! be read: strings, numbers, and a variant of one. Anything else is malformed, and so is whatever the specification
//! does not allow; both are fuzzed.

use thiserror::Error;

/// The largest message that is read. The specification allows 128 MiB; what is asked for here has some hundred bytes,
/// and what systemd tells everybody about a unit some thousand.
pub(crate) const LARGEST: usize = 1 << 20;
/// The bytes from which the length of a message is known.
pub(crate) const PREFIX: usize = 16;

/// Little-endian, in which all of it is written and, on the systems that kubeassay is built for, answered.
const LITTLE: u8 = b'l';
const VERSION: u8 = 1;

const METHOD_CALL: u8 = 1;
const METHOD_RETURN: u8 = 2;
const ERROR: u8 = 3;
const SIGNAL: u8 = 4;

const PATH: u8 = 1;
const INTERFACE: u8 = 2;
const MEMBER: u8 = 3;
const ERROR_NAME: u8 = 4;
const REPLY_SERIAL: u8 = 5;
const DESTINATION: u8 = 6;
const SIGNATURE: u8 = 8;

/// Bytes that are no message that is understood here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub(crate) struct Malformed(pub(crate) &'static str);

/// A call of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Call<'a> {
    /// The name on the bus of whoever is called; `None` where there is no bus between.
    pub(crate) destination: Option<&'a str>,
    /// The object.
    pub(crate) path: &'a str,
    /// The interface.
    pub(crate) interface: &'a str,
    /// The method.
    pub(crate) member: &'a str,
    /// The arguments, all of them strings.
    pub(crate) arguments: &'a [&'a str],
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Somebody calls a method.
    Call,
    /// A method returned.
    Return,
    /// A method failed.
    Error,
    /// Something happened.
    Signal,
}

/// A message that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    /// What it is.
    pub(crate) kind: Kind,
    /// The number of the call that it answers.
    pub(crate) reply_to: Option<u32>,
    /// The name of an error.
    pub(crate) error: Option<&'a str>,
    /// The object that a signal is about, or that is called.
    pub(crate) path: Option<&'a str>,
    /// The interface.
    pub(crate) interface: Option<&'a str>,
    /// The name of a signal or method.
    pub(crate) member: Option<&'a str>,
    signature: &'a str,
    body: &'a [u8],
}

/// A value of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// A string, the path of an object, or a signature.
    Text(&'a str),
    /// A number without a sign, or a truth.
    Number(u64),
}

impl<'a> Value<'a> {
    /// Returns the text, if it is one.
    pub(crate) const fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) => None,
        }
    }

    /// Returns the number, if it is one.
    pub(crate) const fn number(self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(number),
            Self::Text(_) => None,
        }
    }
}

/// Returns a call as bytes; `serial` is its number, not 0.
///
/// # Errors
///
/// Where a string holds what none may hold, or all of them are larger than a message may be.
pub(crate) fn write(call: &Call<'_>, serial: u32) -> Result<Vec<u8>, Malformed> {
    let mut body = Writer::default();
    for argument in call.arguments {
        body.string(argument)?;
    }
    let mut fields = Writer::default();
    fields.field(PATH, "o", call.path)?;
    fields.field(INTERFACE, "s", call.interface)?;
    fields.field(MEMBER, "s", call.member)?;
    if let Some(destination) = call.destination {
        fields.field(DESTINATION, "s", destination)?;
    }
    if !call.arguments.is_empty() {
        fields.signature_field(&"s".repeat(call.arguments.len()))?;
    }
    let mut message = Writer(vec![LITTLE, METHOD_CALL, 0, VERSION]);
    message.length(body.0.len())?;
    message.0.extend_from_slice(&serial.to_le_bytes());
    message.length(fields.0.len())?;
    message.0.extend_from_slice(&fields.0);
    message.pad(8);
    message.0.extend_from_slice(&body.0);
    if message.0.len() > LARGEST {
        return Err(TOO_LARGE);
    }
    Ok(message.0)
}

const TOO_LARGE: Malformed = Malformed("the message is larger than any that is expected");

/// Bytes that are written, each value at a multiple of its own size from the beginning.
#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn pad(&mut self, to: usize) {
        self.0.resize(self.0.len().next_multiple_of(to), 0);
    }

    fn length(&mut self, length: usize) -> Result<(), Malformed> {
        let length = u32::try_from(length).map_err(|_| TOO_LARGE)?;
        self.0.extend_from_slice(&length.to_le_bytes());
        Ok(())
    }

    fn string(&mut self, text: &str) -> Result<(), Malformed> {
        if text.contains('\0') {
            return Err(Malformed("a string with a zero byte in it"));
        }
        self.pad(4);
        self.length(text.len())?;
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(0);
        Ok(())
    }

    fn signature(&mut self, text: &str) -> Result<(), Malformed> {
        self.0
            .push(u8::try_from(text.len()).map_err(|_| TOO_LARGE)?);
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(0);
        Ok(())
    }

    /// Writes a field of the header that holds a string of the type `kind`.
    fn field(&mut self, code: u8, kind: &str, text: &str) -> Result<(), Malformed> {
        self.pad(8);
        self.0.push(code);
        self.signature(kind)?;
        self.string(text)
    }

    fn signature_field(&mut self, text: &str) -> Result<(), Malformed> {
        self.pad(8);
        self.0.push(SIGNATURE);
        self.signature("g")?;
        self.signature(text)
    }
}

/// Returns the length of a whole message of which `prefix` has the first [`PREFIX`] bytes.
///
/// # Errors
///
/// Where it is no message, or a larger one than is read.
pub(crate) fn length(prefix: &[u8]) -> Result<usize, Malformed> {
    let mut reader = Reader {
        data: prefix,
        at: 0,
    };
    Ok(lengths(&mut reader)?.whole)
}

/// What the first bytes say.
struct Lengths {
    kind: u8,
    /// Where the fields of the header end.
    fields_end: usize,
    /// Where the body begins.
    body: usize,
    whole: usize,
}

fn lengths(reader: &mut Reader<'_>) -> Result<Lengths, Malformed> {
    match reader.byte()? {
        LITTLE => {}
        b'B' => return Err(Malformed("it is big-endian")),
        _ => return Err(Malformed("it does not begin as a message does")),
    }
    let kind = reader.byte()?;
    let _flags = reader.byte()?;
    if reader.byte()? != VERSION {
        return Err(Malformed("it is of another version of the protocol"));
    }
    let body_length = reader.u32()?;
    if reader.u32()? == 0 {
        return Err(Malformed("it has the number 0"));
    }
    let fields_length = reader.u32()?;
    // Both are below 2³², so that nothing overflows in 64 bits.
    let fields_end = PREFIX as u64 + u64::from(fields_length);
    let body = fields_end.next_multiple_of(8);
    let whole = body + u64::from(body_length);
    let size = |length: u64| usize::try_from(length).ok().filter(|size| *size <= LARGEST);
    Ok(Lengths {
        kind,
        fields_end: size(fields_end).ok_or(TOO_LARGE)?,
        body: size(body).ok_or(TOO_LARGE)?,
        whole: size(whole).ok_or(TOO_LARGE)?,
    })
}

/// Reads a whole message.
///
/// # Errors
///
/// Where `data` is not exactly one message.
pub(crate) fn read(data: &[u8]) -> Result<Message<'_>, Malformed> {
    let mut reader = Reader { data, at: 0 };
    let lengths = lengths(&mut reader)?;
    if lengths.whole != data.len() {
        return Err(Malformed("its length is not the one that it says"));
    }
    let mut message = Message {
        kind: match lengths.kind {
            METHOD_CALL => Kind::Call,
            METHOD_RETURN => Kind::Return,
            ERROR => Kind::Error,
            SIGNAL => Kind::Signal,
            _ => return Err(Malformed("it is of an unknown kind")),
        },
        reply_to: None,
        error: None,
        path: None,
        interface: None,
        member: None,
        signature: "",
        body: data.get(lengths.body..).unwrap_or_default(),
    };
    while reader.at < lengths.fields_end {
        reader.align(8)?;
        let code = reader.byte()?;
        let kind = reader.signature()?;
        let value = reader.value(kind)?;
        if reader.at > lengths.fields_end {
            return Err(Malformed("a field of its header reaches into its body"));
        }
        let text = |wanted: &str| match value {
            Value::Text(text) if kind == wanted => Ok(Some(text)),
            _ => Err(Malformed("a field of its header has another type")),
        };
        match code {
            PATH => message.path = text("o")?,
            INTERFACE => message.interface = text("s")?,
            MEMBER => message.member = text("s")?,
            ERROR_NAME => message.error = text("s")?,
            SIGNATURE => message.signature = text("g")?.unwrap_or_default(),
            REPLY_SERIAL => {
                let number = value.number().filter(|_| kind == "u");
                let number = number.and_then(|number| u32::try_from(number).ok());
                message.reply_to = Some(number.ok_or(Malformed("it answers no number"))?);
            }
            // The specification says that fields which are not known are to be passed over.
            _ => {}
        }
    }
    reader.align(8)?;
    let complete = match message.kind {
        Kind::Call => message.path.is_some() && message.member.is_some(),
        Kind::Return => message.reply_to.is_some(),
        Kind::Error => message.reply_to.is_some() && message.error.is_some(),
        Kind::Signal => {
            message.path.is_some() && message.interface.is_some() && message.member.is_some()
        }
    };
    if complete {
        Ok(message)
    } else {
        Err(Malformed("a field of its header is missing"))
    }
}

impl<'a> Message<'a> {
    /// Returns the values of its body; a variant is what it holds.
    ///
    /// # Errors
    ///
    /// Where there is anything in it that is not read here, or not what its signature says.
    pub(crate) fn values(&self) -> Result<Vec<Value<'a>>, Malformed> {
        let mut reader = Reader {
            data: self.body,
            at: 0,
        };
        let mut values = Vec::new();
        for at in 0..self.signature.len() {
            let kind = self.signature.get(at..=at);
            values.push(match kind.ok_or(NOT_READ)? {
                "v" => {
                    let kind = reader.signature()?;
                    reader.value(kind)?
                }
                kind => reader.value(kind)?,
            });
        }
        if reader.at == self.body.len() {
            Ok(values)
        } else {
            Err(Malformed("its body is longer than its signature says"))
        }
    }
}

const NOT_READ: Malformed = Malformed("it has a value of a type that is not expected");
const CUT_OFF: Malformed = Malformed("it ends within a value");

/// Bytes that are read, each value at a multiple of its own size from the beginning.
struct Reader<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let end = self.at.checked_add(count).ok_or(CUT_OFF)?;
        let part = self.data.get(self.at..end).ok_or(CUT_OFF)?;
        self.at = end;
        Ok(part)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.align(N)?;
        self.take(N)?.try_into().map_err(|_| CUT_OFF)
    }

    fn align(&mut self, to: usize) -> Result<(), Malformed> {
        let padding = self.take(self.at.next_multiple_of(to) - self.at)?;
        if padding.iter().all(|byte| *byte == 0) {
            Ok(())
        } else {
            Err(Malformed("what is between two values is not zero"))
        }
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        self.array().map(u8::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_le_bytes)
    }

    /// Reads text of `length` bytes and the zero byte behind it.
    fn text(&mut self, length: usize) -> Result<&'a str, Malformed> {
        let text = self.take(length)?;
        if self.byte()? != 0 || text.contains(&0) {
            return Err(Malformed("a string does not end where it says"));
        }
        std::str::from_utf8(text).map_err(|_| Malformed("a string is not UTF-8"))
    }

    fn signature(&mut self) -> Result<&'a str, Malformed> {
        let length = self.byte()?;
        self.text(usize::from(length))
    }

    /// Reads a value of the type `kind`.
    fn value(&mut self, kind: &str) -> Result<Value<'a>, Malformed> {
        Ok(match kind {
            "s" | "o" => {
                let length = self.u32()?;
                Value::Text(self.text(usize::try_from(length).map_err(|_| TOO_LARGE)?)?)
            }
            "g" => Value::Text(self.signature()?),
            "y" => Value::Number(self.byte()?.into()),
            "b" | "u" | "h" => Value::Number(self.u32()?.into()),
            "t" => Value::Number(u64::from_le_bytes(self.array()?)),
            _ => return Err(NOT_READ),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Call, Kind, LARGEST, Malformed, PREFIX, Value, length, read, write};

    fn restart() -> Vec<u8> {
        let call = Call {
            destination: Some("org.freedesktop.systemd1"),
            path: "/org/freedesktop/systemd1",
            interface: "org.freedesktop.systemd1.Manager",
            member: "RestartUnit",
            arguments: &["kubelet.service", "replace"],
        };
        write(&call, 7).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            destination in proptest::option::of("[a-z.]{1,20}"), path in "(/[a-z]{1,9}){1,4}",
            member in "[A-Za-z]{1,12}", arguments in proptest::collection::vec("[^\0]{0,12}", 0..6),
            serial in 1..u32::MAX,
        ) {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let call = Call {
                destination: destination.as_deref(),
                path: &path,
                interface: "a.b",
                member: &member,
                arguments: &arguments,
            };
            let bytes = write(&call, serial).unwrap();
            prop_assert_eq!(length(&bytes[..PREFIX]), Ok(bytes.len()));
            let message = read(&bytes).unwrap();
            prop_assert_eq!(message.kind, Kind::Call);
            prop_assert_eq!(message.path, Some(path.as_str()));
            prop_assert_eq!(message.interface, Some("a.b"));
            prop_assert_eq!(message.member, Some(member.as_str()));
            let values = arguments.iter().map(|argument| Value::Text(argument));
            prop_assert_eq!(message.values(), Ok(values.collect()));
        }

        #[test]
        fn a_byte_that_is_another_is_no_panic(at in 0..200_usize, byte: u8) {
            let mut bytes = restart();
            let at = at % bytes.len();
            bytes[at] = byte;
            length(&bytes).ok();
            if let Ok(message) = read(&bytes) {
                message.values().ok();
            }
        }
    }

    #[test]
    fn a_message_that_is_cut_off_or_longer_is_refused() {
        let whole = restart();
        for end in 0..whole.len() {
            assert!(read(&whole[..end]).is_err(), "{end}");
        }
        let mut longer = whole;
        longer.push(0);
        let told = Malformed("its length is not the one that it says");
        assert_eq!(read(&longer), Err(told));
    }

    #[test]
    fn a_length_beyond_every_bound_is_refused_before_anything_is_read() {
        for (at, value) in [(4, u32::MAX), (12, u32::MAX), (4, 1 << 20), (12, 1 << 20)] {
            let mut bytes = restart();
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
            assert!(length(&bytes[..PREFIX]).is_err(), "{at} {value}");
        }
        assert!(length(&restart()[..PREFIX]).unwrap() < LARGEST);
    }

    #[test]
    fn what_the_specification_forbids_is_refused() {
        // The path of the object is the first field, from byte 16: its code, its type, its length, its text.
        let cases: [(&str, usize, u8); 7] = [
            ("big-endian", 0, b'B'),
            ("an unknown kind", 1, 9),
            ("another version", 3, 2),
            ("the number 0", 8, 0),
            ("another type", 18, b's'),
            ("not UTF-8", 28, 0xff),
            ("padding", 50, 1),
        ];
        for (what, at, byte) in cases {
            let mut bytes = restart();
            bytes[at] = byte;
            let whole = read(&bytes).and_then(|message| message.values());
            assert!(whole.is_err(), "{what}: {whole:?}");
        }
        let mut bytes = restart();
        let replace = bytes.len() - "replace\0".len();
        bytes[replace] = 0;
        let told = Malformed("a string does not end where it says");
        assert_eq!(read(&bytes).unwrap().values(), Err(told));
    }

    #[test]
    fn no_call_is_made_of_a_string_with_a_zero_byte() {
        let call = Call {
            destination: None,
            path: "/",
            interface: "a.b",
            member: "C",
            arguments: &["kubelet\0.service"],
        };
        assert!(write(&call, 1).is_err());
    }
}
