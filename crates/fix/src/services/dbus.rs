//! systemd over D-Bus (org.freedesktop.systemd1(5)): through the system's bus, or through systemd's own socket, on which
//! it speaks the same without a bus, as it does to `systemctl`.
//!
//! The client is our own, some hundred lines: six methods whose arguments are strings, and answers of strings and
//! numbers. Of the crates that speak D-Bus, zbus (6.2, twelve crates more and 0.8 MiB) reaches TCP, other programs and
//! the table of users through a table of functions that no linker can prune, so that `getaddrinfo` and `getpwuid_r` come
//! into the program, which `cargo xtask dist` rightly refuses in a static one; rustbus stands on versions of nix,
//! bitflags and syn that the rest of the tree left long ago; and dbus needs a library in C.
//!
//! A connection lives for one question, so that it does not matter whether bus or systemd were started again meanwhile.

mod connection;
pub(crate) mod message;

use std::path::{Path, PathBuf};
use std::time::Duration;

use kubeassay_core::Bytes;

use self::connection::{Body, Connection, Trouble, Value};
use self::message::Call;
use super::{Deadline, JobEnd, ServiceError, Services, UnitState, service_name};

/// The socket of the system's bus, below the root (D-Bus specification, "Well-known Message Bus Instances").
const BUS: &str = "run/dbus/system_bus_socket";
/// systemd's own, which only root may use.
const PRIVATE: &str = "run/systemd/private";

const SYSTEMD: &str = "org.freedesktop.systemd1";
const MANAGER_PATH: &str = "/org/freedesktop/systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const UNIT: &str = "org.freedesktop.systemd1.Unit";
const SERVICE: &str = "org.freedesktop.systemd1.Service";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const BUS_PATH: &str = "/org/freedesktop/DBus";
const BUS_ITSELF: &str = "org.freedesktop.DBus";

/// Says that a job ended.
const JOB_REMOVED: &str = "JobRemoved";
/// Picks it from what the bus could tell.
const JOBS: &str = "type='signal',sender='org.freedesktop.systemd1',path='/org/freedesktop/systemd1',\
    interface='org.freedesktop.systemd1.Manager',member='JobRemoved'";

/// How long an answer may take that systemd has at hand.
const ANSWER: Duration = Duration::from_secs(25);
/// How long it may take to find out whether somebody answers at all.
const GREETING: Duration = Duration::from_secs(5);
/// How long reading all units may take: systemd runs its generators first, and gives them 90 seconds
/// (systemd.generator(7)).
const RELOAD: Duration = Duration::from_mins(3);
/// How often a unit that changes while it is looked at is looked at again.
const LOOKS: usize = 4;

/// systemd, behind a socket.
#[derive(Debug)]
pub struct DBus {
    socket: PathBuf,
    /// Whether a bus is between, with its own greeting, names and subscriptions.
    has_bus: bool,
    way: &'static str,
}

impl DBus {
    /// Returns the systemd that answers on the bus below `root`.
    ///
    /// # Errors
    ///
    /// Where none does.
    pub fn on_bus(root: &Path) -> Result<Self, ServiceError> {
        Self::at(root.join(BUS), true, "D-Bus")
    }

    /// Returns the systemd that answers on its own socket below `root`.
    ///
    /// # Errors
    ///
    /// Where none does.
    pub fn on_own_socket(root: &Path) -> Result<Self, ServiceError> {
        Self::at(
            root.join(PRIVATE),
            false,
            "D-Bus, on systemd's own socket (/run/systemd/private)",
        )
    }

    fn at(socket: PathBuf, has_bus: bool, way: &'static str) -> Result<Self, ServiceError> {
        let systemd = Self {
            socket,
            has_bus,
            way,
        };
        let deadline = Deadline::within(GREETING);
        let asked = systemd.open(&deadline).and_then(|mut connection| {
            let version = [MANAGER, "Version"];
            let call = systemd.to(MANAGER_PATH, PROPERTIES, "Get", &version);
            connection.call(&call, &deadline)
        });
        match asked {
            Ok(_) => Ok(systemd),
            Err(trouble) => Err(ServiceError::Unreachable(match trouble {
                Trouble::Refused { name, says } => format!("{says} ({name})"),
                Trouble::Unreachable(reason) => reason,
                Trouble::TimedOut => format!("no answer came within {} s", GREETING.as_secs()),
            })),
        }
    }

    fn open(&self, deadline: &Deadline) -> Result<Connection, Trouble> {
        let mut connection = Connection::open(&self.socket, deadline)?;
        if self.has_bus {
            connection.call(&bus("Hello", &[]), deadline)?;
        }
        Ok(connection)
    }

    /// Returns a call of systemd.
    fn to<'a>(
        &self,
        path: &'a str,
        interface: &'a str,
        member: &'a str,
        arguments: &'a [&'a str],
    ) -> Call<'a> {
        Call {
            destination: self.has_bus.then_some(SYSTEMD),
            path,
            interface,
            member,
            arguments,
        }
    }

    fn property(
        &self,
        connection: &mut Connection,
        unit: &str,
        (interface, name): (&str, &str),
        deadline: &Deadline,
    ) -> Result<Value, Trouble> {
        let arguments = [interface, name];
        let call = self.to(unit, PROPERTIES, "Get", &arguments);
        let mut body = connection.call(&call, deadline)?;
        match (body.pop(), body.pop()) {
            (Some(value), None) => Ok(value),
            _ => Err(unexpected("one value")),
        }
    }

    /// Reads how a unit is; systemd may do something between two questions.
    fn look(
        &self,
        connection: &mut Connection,
        unit: &str,
        deadline: &Deadline,
    ) -> Result<UnitState, Trouble> {
        let mut text =
            |interface, name| match self.property(connection, unit, (interface, name), deadline)? {
                Value::Text(text) => Ok(kubeassay_core::text::escape(&text)),
                Value::Number(_) => Err(unexpected("a text")),
            };
        let mut state = UnitState {
            load: text(UNIT, "LoadState")?,
            active: text(UNIT, "ActiveState")?,
            sub: text(UNIT, "SubState")?,
            result: text(SERVICE, "Result")?,
            ..UnitState::default()
        };
        let mut number = |name| {
            let value = self.property(connection, unit, (SERVICE, name), deadline)?;
            match value {
                Value::Number(number) => {
                    u32::try_from(number).map_err(|_| unexpected("a small number"))
                }
                Value::Text(_) => Err(unexpected("a number")),
            }
        };
        state.main_pid = number("MainPID")?;
        state.restarts = number("NRestarts")?;
        Ok(state)
    }

    fn state_within(&self, unit: &str, deadline: &Deadline) -> Result<UnitState, Trouble> {
        let mut connection = self.open(deadline)?;
        let name = [unit];
        let call = self.to(MANAGER_PATH, MANAGER, "LoadUnit", &name);
        let path = only_text(connection.call(&call, deadline)?)?;
        let moment = |connection: &mut Connection| {
            let of = (UNIT, "StateChangeTimestampMonotonic");
            self.property(connection, &path, of, deadline)
        };
        let mut before = moment(&mut connection)?;
        let mut state = self.look(&mut connection, &path, deadline)?;
        for _ in 1..LOOKS {
            let after = moment(&mut connection)?;
            if after == before {
                break;
            }
            before = after;
            state = self.look(&mut connection, &path, deadline)?;
        }
        Ok(state)
    }

    fn restart_within(&self, unit: &str, deadline: &Deadline) -> Result<JobEnd, Trouble> {
        let mut connection = self.open(deadline)?;
        if self.has_bus {
            connection.call(&bus("AddMatch", &[JOBS]), deadline)?;
        }
        // `replace`: a job that is queued already, such as a start that hangs, gives way.
        let arguments = [unit, "replace"];
        let call = self.to(MANAGER_PATH, MANAGER, "RestartUnit", &arguments);
        let job = only_text(connection.call(&call, deadline)?)?;
        loop {
            let signal = match connection.signal(deadline) {
                Err(Trouble::TimedOut) => return Ok(JobEnd::Pending),
                signal => signal?,
            };
            if signal.interface != MANAGER || signal.member != JOB_REMOVED {
                continue;
            }
            // Its number, its object, its unit, its result.
            if let Some([_, Value::Text(object), _, Value::Text(result)]) = signal.body.as_deref()
                && *object == job
            {
                return Ok(JobEnd::of(result));
            }
        }
    }
}

/// Returns a call of the bus itself.
const fn bus<'a>(member: &'a str, arguments: &'a [&'a str]) -> Call<'a> {
    Call {
        destination: Some(BUS_ITSELF),
        path: BUS_PATH,
        interface: BUS_ITSELF,
        member,
        arguments,
    }
}

fn only_text(mut body: Body) -> Result<String, Trouble> {
    match (body.pop(), body.pop()) {
        (Some(Value::Text(text)), None) => Ok(text),
        _ => Err(unexpected("one text")),
    }
}

fn unexpected(wanted: &str) -> Trouble {
    Trouble::Unreachable(format!("it answers something else than {wanted}"))
}

impl Services for DBus {
    fn way(&self) -> &str {
        self.way
    }

    fn reload(&self) -> Result<(), ServiceError> {
        let deadline = Deadline::within(RELOAD);
        let reloaded = self.open(&deadline).and_then(|mut connection| {
            connection.call(&self.to(MANAGER_PATH, MANAGER, "Reload", &[]), &deadline)
        });
        match reloaded {
            Ok(_) => Ok(()),
            Err(trouble) => Err(trouble.of("read its units again")),
        }
    }

    fn restart(&self, unit: &Bytes, limit: Duration) -> Result<(), ServiceError> {
        let unit = service_name(unit)?;
        let deadline = Deadline::within(limit);
        let ended = self.restart_within(unit, &deadline);
        let ended = ended.map_err(|trouble| trouble.of(&format!("restart {unit}")))?;
        ended.outcome(unit, limit, || {
            self.state_within(unit, &Deadline::within(GREETING)).ok()
        })
    }

    fn state(&self, unit: &Bytes) -> Result<UnitState, ServiceError> {
        let unit = service_name(unit)?;
        let state = self.state_within(unit, &Deadline::within(ANSWER));
        state.map_err(|trouble| trouble.of(&format!("say how {unit} is")))
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "looks how long a test waited")]
mod tests;
