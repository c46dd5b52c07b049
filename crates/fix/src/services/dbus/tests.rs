//! Against a bus that does what a script says, in a folder of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kubeassay_core::Bytes;
use tempfile::TempDir;

use super::{DBus, message};
use crate::services::{ServiceError, Services as _, UnitState};

/// What the bus does with a call.
enum Does {
    /// Returns these strings.
    Text(&'static str),
    /// Returns a variant with this.
    Is(Value),
    /// Fails with this name and text.
    Error(&'static str, &'static str),
    /// Says that a job ended, and then nothing more.
    JobRemoved(&'static str, &'static str),
    /// Sends these bytes.
    Raw(Vec<u8>),
    /// Says nothing.
    Nothing,
    /// Closes the connection.
    Close,
}

#[derive(Clone, Copy)]
enum Value {
    Text(&'static str),
    U32(u32),
    U64(u64),
}

/// Bytes with values at multiples of their sizes.
#[derive(Default)]
struct Bus(Vec<u8>);

impl Bus {
    fn pad(&mut self, to: usize) -> &mut Self {
        self.0.resize(self.0.len().next_multiple_of(to), 0);
        self
    }

    fn u32(&mut self, value: u32) -> &mut Self {
        self.pad(4).0.extend(value.to_le_bytes());
        self
    }

    fn u64(&mut self, value: u64) -> &mut Self {
        self.pad(8).0.extend(value.to_le_bytes());
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.u32(u32::try_from(text.len()).unwrap());
        self.0.extend(text.as_bytes());
        self.0.push(0);
        self
    }

    fn signature(&mut self, text: &str) -> &mut Self {
        self.0.push(u8::try_from(text.len()).unwrap());
        self.0.extend(text.as_bytes());
        self.0.push(0);
        self
    }

    fn field(&mut self, code: u8, kind: &str) -> &mut Self {
        self.pad(8).0.push(code);
        self.signature(kind)
    }

    /// Returns a message of these fields and this body.
    fn message(kind: u8, fields: &Self, body: &Self) -> Vec<u8> {
        let mut message = Self(vec![b'l', kind, 1, 1]);
        message.u32(u32::try_from(body.0.len()).unwrap()).u32(77);
        message.u32(u32::try_from(fields.0.len()).unwrap());
        message.0.extend(&fields.0);
        message.pad(8).0.extend(&body.0);
        message.0
    }

    fn signal(member: &str, signature: &str, body: &Self) -> Vec<u8> {
        let mut fields = Self::default();
        fields.field(1, "o").text("/org/freedesktop/systemd1");
        fields
            .field(2, "s")
            .text("org.freedesktop.systemd1.Manager");
        fields.field(3, "s").text(member);
        fields.field(8, "g").signature(signature);
        Self::message(4, &fields, body)
    }

    fn answer(serial: u32, signature: &str, error: Option<&str>, body: &Self) -> Vec<u8> {
        let mut fields = Self::default();
        fields.field(5, "u").u32(serial);
        if let Some(error) = error {
            fields.field(4, "s").text(error);
        }
        fields.field(8, "g").signature(signature);
        Self::message(if error.is_some() { 3 } else { 2 }, &fields, body)
    }
}

/// A call as the bus sees it: its method, and its last argument.
type Asked = (String, String);

/// Serves one connection to its end; `false` where it was closed at once.
fn serve(stream: UnixStream, does: &mut impl FnMut(&Asked) -> Vec<Does>) -> bool {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut greeting = Vec::new();
    reader.read_until(b'\n', &mut greeting).unwrap();
    if greeting.is_empty() {
        return false;
    }
    assert!(greeting.starts_with(b"\0AUTH EXTERNAL "), "{greeting:?}");
    talk(reader, stream, does).ok();
    true
}

fn talk(
    mut reader: BufReader<UnixStream>,
    mut stream: UnixStream,
    does: &mut impl FnMut(&Asked) -> Vec<Does>,
) -> std::io::Result<()> {
    let mut begin = Vec::new();
    reader.read_until(b'\n', &mut begin)?;
    assert_eq!(begin, b"BEGIN\r\n");
    // Nothing else comes before this was said.
    assert_eq!(reader.buffer(), b"");
    stream.write_all(b"OK 0123456789abcdef0123456789abcdef\r\n")?;
    loop {
        let mut data = vec![0; message::PREFIX];
        reader.read_exact(&mut data)?;
        data.resize(message::length(&data).unwrap(), 0);
        reader.read_exact(&mut data[message::PREFIX..])?;
        let serial = u32::from_le_bytes(data[8..12].try_into().unwrap());
        let call = message::read(&data).unwrap();
        let arguments = call.values().unwrap();
        let last = arguments.last().and_then(|value| value.text());
        let asked = (
            call.member.unwrap().to_owned(),
            last.unwrap_or_default().to_owned(),
        );
        for does in does(&asked) {
            if matches!(does, Does::Close) {
                return Ok(());
            }
            // A byte at a time: nothing says that a message comes at once.
            for byte in answer(does, serial) {
                stream.write_all(&[byte])?;
            }
        }
    }
}

fn answer(does: Does, serial: u32) -> Vec<u8> {
    let mut body = Bus::default();
    match does {
        Does::Text(text) => {
            body.text(text);
            Bus::answer(serial, "s", None, &body)
        }
        Does::Is(value) => {
            match value {
                Value::Text(text) => body.signature("s").text(text),
                Value::U32(number) => body.signature("u").u32(number),
                Value::U64(number) => body.signature("t").u64(number),
            };
            Bus::answer(serial, "v", None, &body)
        }
        Does::Error(name, text) => {
            body.text(text);
            Bus::answer(serial, "s", Some(name), &body)
        }
        Does::JobRemoved(object, result) => {
            body.u32(9)
                .text(object)
                .text("kubelet.service")
                .text(result);
            Bus::signal("JobRemoved", "uoss", &body)
        }
        Does::Raw(bytes) => bytes,
        Does::Nothing | Does::Close => Vec::new(),
    }
}

/// Returns what a sound bus with a sound systemd does with a call.
fn sound((member, last): &Asked) -> Vec<Does> {
    let is = |value| vec![Does::Is(value)];
    match (member.as_str(), last.as_str()) {
        ("Hello", _) => vec![Does::Text(":1.7")],
        ("AddMatch" | "Reload", _) => vec![Does::Text("")],
        ("LoadUnit", _) => vec![Does::Text(UNIT)],
        ("RestartUnit", _) => vec![
            Does::JobRemoved("/org/freedesktop/systemd1/job/4", "failed"),
            Does::Text(JOB),
            Does::JobRemoved(JOB, "done"),
        ],
        ("Get", "Version") => is(Value::Text("252")),
        ("Get", "StateChangeTimestampMonotonic") => is(Value::U64(1 << 40)),
        ("Get", "LoadState") => is(Value::Text("loaded")),
        ("Get", "ActiveState") => is(Value::Text("active")),
        ("Get", "SubState") => is(Value::Text("running")),
        ("Get", "Result") => is(Value::Text("success")),
        ("Get", "MainPID") => is(Value::U32(4711)),
        ("Get", "NRestarts") => is(Value::U32(2)),
        other => panic!("nobody asks for {other:?}"),
    }
}

const UNIT: &str = "/org/freedesktop/systemd1/unit/kubelet_2eservice";
const JOB: &str = "/org/freedesktop/systemd1/job/5";

/// A bus in a folder.
struct StandIn {
    root: TempDir,
    thread: Option<JoinHandle<()>>,
}

impl StandIn {
    /// Starts a bus that does with a call what `does` says; where that is nothing, what a sound one does.
    fn start(mut does: impl FnMut(&Asked) -> Vec<Does> + Send + 'static) -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("run/dbus")).unwrap();
        let listener = UnixListener::bind(root.path().join(super::BUS)).unwrap();
        let mut does = move |asked: &Asked| {
            let own = does(asked);
            if own.is_empty() { sound(asked) } else { own }
        };
        let thread = std::thread::spawn(
            move || {
                while serve(listener.accept().unwrap().0, &mut does) {}
            },
        );
        Self {
            root,
            thread: Some(thread),
        }
    }

    fn open(&self) -> DBus {
        DBus::on_bus(self.root.path()).unwrap()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        drop(UnixStream::connect(self.root.path().join(super::BUS)));
        let ended = self.thread.take().unwrap().join();
        assert!(
            ended.is_ok() || std::thread::panicking(),
            "the bus panicked"
        );
    }
}

fn kubelet() -> Bytes {
    Bytes::from("kubelet.service")
}

const LIMIT: Duration = Duration::from_secs(9);
const SHORT: Duration = Duration::from_millis(300);

#[test]
fn a_sound_systemd_does_what_it_is_asked() {
    let bus = StandIn::start(|_| Vec::new());
    let systemd = bus.open();
    assert_eq!(systemd.way(), "D-Bus");
    systemd.reload().unwrap();
    // Another job's end is not this one's.
    systemd.restart(&kubelet(), LIMIT).unwrap();
    let state = UnitState {
        load: "loaded".to_owned(),
        active: "active".to_owned(),
        sub: "running".to_owned(),
        result: "success".to_owned(),
        main_pid: 4711,
        restarts: 2,
    };
    assert_eq!(systemd.state(&kubelet()), Ok(state));
}

#[test]
fn a_job_that_ended_before_its_number_was_told_is_known() {
    let bus = StandIn::start(|(member, _)| match member.as_str() {
        "RestartUnit" => vec![Does::JobRemoved(JOB, "done"), Does::Text(JOB)],
        _ => Vec::new(),
    });
    bus.open().restart(&kubelet(), LIMIT).unwrap();
}

#[test]
fn a_unit_that_changes_while_it_is_looked_at_is_looked_at_again() {
    let mut moments = 0;
    let mut looks = 0;
    let bus = StandIn::start(move |(_, last)| match last.as_str() {
        "StateChangeTimestampMonotonic" => {
            moments += 1;
            // It changes during the first look.
            vec![Does::Is(Value::U64(if moments == 1 { 1 } else { 2 }))]
        }
        "ActiveState" => {
            looks += 1;
            vec![Does::Is(Value::Text(if looks == 1 {
                "activating"
            } else {
                "active"
            }))]
        }
        _ => Vec::new(),
    });
    assert_eq!(bus.open().state(&kubelet()).unwrap().active, "active");
}

/// What is done with the call that a case is about, and what is told of it.
type Case = (fn() -> Vec<Does>, fn(&ServiceError) -> bool, &'static str);

fn is_failed(error: &ServiceError) -> bool {
    matches!(error, ServiceError::Failed(_))
}

fn is_unreachable(error: &ServiceError) -> bool {
    matches!(error, ServiceError::Unreachable(_))
}

fn is_timed_out(error: &ServiceError) -> bool {
    matches!(error, ServiceError::TimedOut(_))
}

#[test]
fn a_restart_that_is_not_done_says_so_and_why() {
    let cases: [Case; 10] = [
        (
            || {
                let name = "org.freedesktop.systemd1.UnitMasked";
                vec![Does::Error(name, "Unit kubelet.service is masked.")]
            },
            is_failed,
            "systemd refused to restart kubelet.service: Unit kubelet.service is masked. \
             (org.freedesktop.systemd1.UnitMasked)",
        ),
        (
            || vec![Does::Error("a.b", "\u{1b}[31mred")],
            is_failed,
            "systemd refused to restart kubelet.service: \\x1b[31mred (a.b)",
        ),
        (
            || {
                let name = "org.freedesktop.DBus.Error.NoReply";
                vec![Does::Error(name, "Recipient disconnected")]
            },
            is_unreachable,
            "systemd cannot be asked: it was to restart kubelet.service, and the bus says: Recipient disconnected \
             (org.freedesktop.DBus.Error.NoReply)",
        ),
        (
            || vec![Does::Text(JOB), Does::JobRemoved(JOB, "timeout")],
            is_failed,
            "systemd did not restart kubelet.service: the job ended as timeout; it is active (running), with the \
             result success; `journalctl -u kubelet.service` says why",
        ),
        (
            || vec![Does::Text(JOB), Does::JobRemoved("/another", "done")],
            is_timed_out,
            "systemd did not restart kubelet.service within 0 s; it is active (running), with the result success; the \
             job is still queued: see `systemctl list-jobs`",
        ),
        (
            || vec![Does::Nothing],
            is_timed_out,
            "systemd did not restart kubelet.service in time: no answer came",
        ),
        (
            || vec![Does::Close],
            is_unreachable,
            "systemd cannot be asked: it was to restart kubelet.service, and it closed the connection",
        ),
        (
            || vec![Does::Raw(vec![b'x'; 16])],
            is_unreachable,
            "systemd cannot be asked: it was to restart kubelet.service, and what it answers is no D-Bus message: it \
             does not begin as a message does",
        ),
        (
            || {
                vec![Does::Raw(vec![
                    b'l', 2, 0, 1, 255, 255, 255, 255, 1, 0, 0, 0, 0, 0, 0, 0,
                ])]
            },
            is_unreachable,
            "systemd cannot be asked: it was to restart kubelet.service, and what it answers is no D-Bus message: the \
             message is larger than any that is expected",
        ),
        (
            || vec![Does::Is(Value::U32(4))],
            is_unreachable,
            "systemd cannot be asked: it was to restart kubelet.service, and it answers something else than one text",
        ),
    ];
    for (does, kind, told) in cases {
        let bus = StandIn::start(move |(member, _)| {
            if member == "RestartUnit" {
                does()
            } else {
                Vec::new()
            }
        });
        let error = bus.open().restart(&kubelet(), SHORT).unwrap_err();
        assert_eq!(error.to_string(), told);
        assert!(kind(&error), "{error:?}");
    }
}

/// Listens where the bus does, and does `does` with every connection.
fn listen(does: impl FnOnce(UnixListener) + Send + 'static) -> (TempDir, JoinHandle<()>) {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("run/dbus")).unwrap();
    let listener = UnixListener::bind(root.path().join(super::BUS)).unwrap();
    (root, std::thread::spawn(move || does(listener)))
}

#[test]
fn who_does_not_let_us_in_is_named() {
    for (says, told) in [
        (
            "REJECTED EXTERNAL\r\n",
            "it does not let this user in: REJECTED EXTERNAL",
        ),
        ("\u{1b}[31m\r\n", "it does not let this user in: \\x1b[31m"),
        ("", "it closed the connection"),
        (&"x".repeat(600), "it does not greet as D-Bus does"),
    ] {
        let says = says.to_owned();
        let (root, thread) = listen(move |listener| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut greeting = Vec::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            reader.read_until(b'\n', &mut greeting).unwrap();
            // It may have heard enough.
            stream.write_all(says.as_bytes()).ok();
        });
        let error = DBus::on_bus(root.path()).unwrap_err().to_string();
        assert_eq!(error, format!("systemd cannot be asked: {told}"));
        thread.join().unwrap();
    }
}

#[test]
fn a_bus_that_takes_no_connections_holds_nobody_up() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("socket");
    let socket = rustix::net::socket(
        rustix::net::AddressFamily::UNIX,
        rustix::net::SocketType::STREAM,
        None,
    );
    let socket = socket.unwrap();
    let address = rustix::net::SocketAddrUnix::new(&path).unwrap();
    rustix::net::bind(&socket, &address).unwrap();
    rustix::net::listen(&socket, 0).unwrap();
    // One waits in the queue, which is full then.
    let _waiting = UnixStream::connect(&path).unwrap();
    let began = Instant::now();
    let deadline = crate::services::Deadline::within(SHORT);
    let open = super::connection::Connection::open(&path, &deadline);
    assert!(matches!(open, Err(super::connection::Trouble::TimedOut)));
    assert!(began.elapsed() >= SHORT && began.elapsed() < 10 * SHORT);
}
