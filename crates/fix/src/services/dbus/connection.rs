//! A connection to a bus, or to systemd itself: made, greeted, asked, each within a time.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use kubeassay_core::text::{escape, escape_bytes};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use super::message::{self, Call, Kind, LARGEST, Malformed, PREFIX};
use crate::services::{Deadline, ServiceError};

/// How long is waited before a socket whose queue is full is tried again.
const PAUSE: Duration = Duration::from_millis(20);
/// The longest line of a greeting.
const LONGEST_LINE: usize = 512;
/// How many signals are kept that came before the answer to a call.
const MOST_SIGNALS: usize = 256;

/// What the bus answers in the place of a systemd that is not there, or went away.
const NOT_SYSTEMD: [&str; 4] = [
    "org.freedesktop.DBus.Error.Disconnected",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.NoReply",
    "org.freedesktop.DBus.Error.ServiceUnknown",
];

/// What was said no to, or came to nothing.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Whoever was called returned an error: its name and what it says, escaped.
    Refused { name: String, says: String },
    /// Nobody could be asked.
    Unreachable(String),
    /// There was no answer in time.
    TimedOut,
}

impl Trouble {
    fn io(error: &std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Self::TimedOut,
            _ => Self::Unreachable(error.to_string()),
        }
    }

    /// Returns the error of a sentence that says what was wanted, such as `restart kubelet.service`.
    pub(super) fn of(self, wanted: &str) -> ServiceError {
        match self {
            Self::Refused { name, says } if NOT_SYSTEMD.contains(&name.as_str()) => {
                ServiceError::Unreachable(format!(
                    "it was to {wanted}, and the bus says: {says} ({name})"
                ))
            }
            Self::Refused { name, says } => {
                ServiceError::Failed(format!("systemd refused to {wanted}: {says} ({name})"))
            }
            Self::Unreachable(reason) => {
                ServiceError::Unreachable(format!("it was to {wanted}, and {reason}"))
            }
            Self::TimedOut => {
                ServiceError::TimedOut(format!("systemd did not {wanted} in time: no answer came"))
            }
        }
    }
}

impl From<Malformed> for Trouble {
    fn from(Malformed(why): Malformed) -> Self {
        Self::Unreachable(format!("what it answers is no D-Bus message: {why}"))
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self::io(&error)
    }
}

/// The values of a body.
pub(super) type Body = Vec<Value>;

/// A value, kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Number(u64),
}

/// A signal that came in.
#[derive(Debug)]
pub(super) struct Signal {
    pub(super) interface: String,
    pub(super) member: String,
    /// Nothing where its body is of a kind that is not read.
    pub(super) body: Option<Body>,
}

/// A connection that is ready for calls.
pub(super) struct Connection {
    stream: UnixStream,
    serial: u32,
    signals: Vec<Signal>,
}

impl Connection {
    /// Connects to a socket and says who is there: the user of this process, whom the kernel vouches for.
    pub(super) fn open(path: &Path, deadline: &Deadline) -> Result<Self, Trouble> {
        let mut connection = Self {
            stream: reach(path, deadline)?,
            serial: 0,
            signals: Vec::new(),
        };
        let user = rustix::process::geteuid().as_raw().to_string();
        let user = kubeassay_core::text::hexadecimal(user.as_bytes());
        // All of the greeting at once, as systemd's own programs send it: of a message that comes together with `BEGIN`
        // alone, systemd takes no notice before there is more to read.
        let greeting = format!("\0AUTH EXTERNAL {user}\r\nBEGIN\r\n");
        connection.send(greeting.as_bytes(), deadline)?;
        let answer = connection.line(deadline)?;
        if !answer.starts_with(b"OK ") {
            return Err(Trouble::Unreachable(format!(
                "it does not let this user in: {}",
                escape_bytes(&answer)
            )));
        }
        Ok(connection)
    }

    /// Calls a method and returns what it returns.
    pub(super) fn call(&mut self, call: &Call<'_>, deadline: &Deadline) -> Result<Body, Trouble> {
        self.serial += 1;
        let bytes = message::write(call, self.serial)?;
        self.send(&bytes, deadline)?;
        loop {
            let data = self.receive(deadline)?;
            let message = message::read(&data)?;
            if message.kind == Kind::Signal {
                self.keep(&message);
            } else if message.reply_to == Some(self.serial) {
                if message.kind == Kind::Return {
                    return Ok(kept(&message.values()?));
                }
                let says = message.values().ok().and_then(|values| {
                    let text = values.first()?.text()?;
                    Some(escape(text))
                });
                return Err(Trouble::Refused {
                    name: escape(message.error.unwrap_or_default()),
                    says: says.unwrap_or_else(|| "it gives no reason".to_owned()),
                });
            }
        }
    }

    /// Returns the next signal, those first that came while an answer was waited for.
    pub(super) fn signal(&mut self, deadline: &Deadline) -> Result<Signal, Trouble> {
        while self.signals.is_empty() {
            let data = self.receive(deadline)?;
            let message = message::read(&data)?;
            if message.kind == Kind::Signal {
                self.keep(&message);
            }
        }
        Ok(self.signals.remove(0))
    }

    fn keep(&mut self, message: &message::Message<'_>) {
        if self.signals.len() == MOST_SIGNALS {
            self.signals.remove(0);
        }
        self.signals.push(Signal {
            interface: message.interface.unwrap_or_default().to_owned(),
            member: message.member.unwrap_or_default().to_owned(),
            body: message.values().ok().map(|values| kept(&values)),
        });
    }

    fn send(&mut self, bytes: &[u8], deadline: &Deadline) -> Result<(), Trouble> {
        self.stream
            .set_write_timeout(Some(deadline.left().ok_or(Trouble::TimedOut)?))?;
        Ok(self.stream.write_all(bytes)?)
    }

    /// Fills `to`, however few bytes come at a time.
    fn fill(&mut self, to: &mut [u8], deadline: &Deadline) -> Result<(), Trouble> {
        let mut rest = to;
        while !rest.is_empty() {
            self.stream
                .set_read_timeout(Some(deadline.left().ok_or(Trouble::TimedOut)?))?;
            match self.stream.read(rest) {
                Ok(0) => {
                    return Err(Trouble::Unreachable("it closed the connection".to_owned()));
                }
                Ok(count) => rest = rest.get_mut(count..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Reads a line of the greeting, without its end.
    fn line(&mut self, deadline: &Deadline) -> Result<Vec<u8>, Trouble> {
        let mut line = Vec::new();
        while line.len() < LONGEST_LINE {
            let mut byte = [0];
            self.fill(&mut byte, deadline)?;
            line.extend(byte);
            if let Some(line) = line.strip_suffix(b"\r\n") {
                return Ok(line.to_vec());
            }
        }
        Err(Trouble::Unreachable(
            "it does not greet as D-Bus does".to_owned(),
        ))
    }

    fn receive(&mut self, deadline: &Deadline) -> Result<Vec<u8>, Trouble> {
        let mut data = vec![0; PREFIX];
        self.fill(&mut data, deadline)?;
        let length = message::length(&data)?.min(LARGEST);
        data.resize(length.max(PREFIX), 0);
        if let Some(rest) = data.get_mut(PREFIX..) {
            self.fill(rest, deadline)?;
        }
        Ok(data)
    }
}

fn kept(values: &[message::Value<'_>]) -> Body {
    values
        .iter()
        .map(|value| match value {
            message::Value::Text(text) => Value::Text((*text).to_owned()),
            message::Value::Number(number) => Value::Number(*number),
        })
        .collect()
}

/// Connects to a socket. What listens there and takes no connections does not hold us up.
fn reach(path: &Path, deadline: &Deadline) -> Result<UnixStream, Trouble> {
    let shown = || escape(&path.to_string_lossy());
    let failed =
        |error: Errno| Trouble::Unreachable(format!("{} cannot be reached: {error}", shown()));
    let address = SocketAddrUnix::new(path).map_err(failed)?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None);
    let socket = socket.map_err(failed)?;
    loop {
        match connect(&socket, &address) {
            Ok(()) => break,
            // Its queue is full (connect(2)).
            Err(Errno::AGAIN) if deadline.left().is_some() => std::thread::sleep(PAUSE),
            Err(Errno::AGAIN) => return Err(Trouble::TimedOut),
            Err(error) => return Err(failed(error)),
        }
    }
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    Ok(stream)
}
