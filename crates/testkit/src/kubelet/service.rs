//! A stand-in kubelet as a service: a process with the arguments of one, which reads its files as one does.
//!
//! It makes facts of its own arguments and of the files that `kubeassay_config` asks for, and is then what that makes of
//! them: it ends with 1 and the reason where a kubelet would refuse to start, else serves `/healthz`, `/configz` and
//! the answers to probes as configured. A program that installs itself as a kubelet, such as a test with
//! `harness = false`, calls [`become_one_if_called`] before it does anything else.
//!
//! It asks no API and no container runtime, and nothing in it tells its version: give `--kubernetes-version` to whoever
//! looks at it. In a unit of `Type=notify` it is a kubelet whose start never ends, since it notifies nobody.

#![expect(clippy::print_stderr, clippy::exit, reason = "it is a program")]

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::process::exit;
use std::time::Duration;

use kubeassay_config::kubelet::{DROP_IN_VARIABLE, Documents, When, default_value, resolve};
use kubeassay_config::resolution::Resolution;
use kubeassay_config::setting::State;
use kubeassay_config::tables::Minor;
use kubeassay_config::tables::kubelet::KUBELET;
use kubeassay_core::facts::{Entry, FileFacts, FileKind, Need, NeedKind, ProcessFacts};
use kubeassay_core::{Bytes, Cause, Value};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Map, Value as Json};
use tokio::signal::unix::{SignalKind, signal};

use super::{Fault, Kubelet, Mode, StandIn};
use crate::certificates::{Certified, self_signed};

/// The file in which it reads, at its start, what goes wrong with it; it need not be there. A line each:
///
/// - `version 1.31`: it is a kubelet of that version; else of 1.34
/// - `refuse`: it does not start
/// - `crash SECONDS`: it ends with 2 after so long
/// - `deaf`: it does not end by SIGTERM, so that a restart hangs until `TimeoutStopSec=`
/// - `no-healthz`: it never serves `/healthz`
/// - `slow-healthz SECONDS`: it serves `/healthz` after so long
/// - `unhealthy`: `/healthz` says 500
/// - `no-server`: it serves nothing with TLS
/// - `token TOKEN`: who has that may see everything, where tokens are asked about (`authentication.webhook.enabled`)
pub const KNOBS: &str = "/run/stand-in-kubelet";

/// The environment variable that names another file than [`KNOBS`].
pub const KNOBS_VARIABLE: &str = "STAND_IN_KUBELET";

/// The version that it is.
const MINOR: Minor = Minor(34);

/// Its port, where none is configured.
const PORT: u16 = 10_250;

/// Who has the token of [`KNOBS`].
const ADMIN: &str = "admin";

/// Whom the certificate names that it makes.
const NAMES: [&str; 2] = ["node-1", "127.0.0.1"];

/// Becomes a stand-in kubelet, and never returns, where this process was started as one: by the name `kubelet`.
///
/// # Panics
///
/// Where it cannot go on.
pub fn become_one_if_called() {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let name = arguments.first().map(Path::new).and_then(Path::file_name);
    if name == Some(OsStr::new("kubelet")) {
        serve(arguments)
    }
}

/// What goes wrong.
struct Knobs(String);

impl Knobs {
    fn read() -> Self {
        let path = std::env::var_os(KNOBS_VARIABLE).map_or_else(|| KNOBS.into(), PathBuf::from);
        match fs::read_to_string(&path) {
            Ok(text) => Self(text),
            Err(error) if error.kind() == ErrorKind::NotFound => Self(String::new()),
            Err(error) => panic!("{}: {error}", path.display()),
        }
    }

    /// Returns what stands behind a word, if the word is there.
    fn of(&self, word: &str) -> Option<&str> {
        let lines = self.0.lines();
        let mut found = lines.filter_map(|line| line.trim().strip_prefix(word).map(str::trim));
        found.next()
    }

    fn has(&self, word: &str) -> bool {
        self.0.lines().any(|line| line.trim() == word)
    }

    fn seconds(&self, word: &str) -> Option<Duration> {
        let text = self.of(word)?;
        let seconds = text.parse().ok().map(Duration::from_secs_f64);
        Some(seconds.unwrap_or_else(|| panic!("{word} {text}: how many seconds?")))
    }

    fn version(&self) -> Minor {
        let minor = self.of("version").and_then(|text| text.strip_prefix("1."));
        minor.map_or(MINOR, |minor| {
            let minor = minor.parse();
            Minor(minor.unwrap_or_else(|error| panic!("version: {error}")))
        })
    }
}

fn serve(arguments: Vec<OsString>) -> ! {
    let knobs = Knobs::read();
    if knobs.has("refuse") {
        refuse("it was told to");
    }
    let resolution = resolution(arguments, knobs.version());
    if let Some(refusal) = &resolution.refusal {
        refuse(&refusal.reason);
    }
    if let Some(time) = knobs.seconds("crash") {
        std::thread::spawn(move || {
            std::thread::sleep(time);
            exit(2);
        });
    }
    let _server = (!knobs.has("no-server")).then(|| server(&resolution, knobs.of("token")));
    if !knobs.has("no-healthz") {
        let after = knobs.seconds("slow-healthz").unwrap_or_default();
        let status = if knobs.has("unhealthy") {
            "500 Internal Server Error"
        } else {
            "200 OK"
        };
        healthz(&resolution, after, status);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap_or_else(|error| panic!("no runtime: {error}"));
    let _context = runtime.enter();
    // Whoever waits for it no longer ends by it.
    let mut ends = knobs.has("deaf").then(|| {
        signal(SignalKind::terminate()).unwrap_or_else(|error| panic!("SIGTERM: {error}"))
    });
    loop {
        match &mut ends {
            Some(ends) => {
                runtime.block_on(ends.recv());
                eprintln!("kubelet: deaf");
            }
            None => std::thread::park(),
        }
    }
}

/// Ends as a kubelet does that does not like what it was given.
fn refuse(reason: &str) -> ! {
    eprintln!("E1126 kubelet: \"command failed\" err=\"failed to run Kubelet: {reason}\"");
    exit(1)
}

/// Returns what these arguments and the files make of it.
fn resolution(arguments: Vec<OsString>, minor: Minor) -> Resolution {
    let arguments = arguments.into_iter().map(OsString::into_vec);
    let mut process = ProcessFacts::new(std::process::id(), arguments.map(Bytes::from).collect());
    let cwd = std::env::current_dir().unwrap_or_else(|error| panic!("where am I: {error}"));
    process.cwd = Some(Bytes::from(cwd.into_os_string().into_vec()));
    let variable = std::env::var_os(DROP_IN_VARIABLE);
    let variable = variable.map(|value| (DROP_IN_VARIABLE.to_owned(), value.into_vec().into()));
    process.environment = Some(variable.into_iter().collect());
    loop {
        let resolution = resolve(&Documents::new(&process), minor, When::Now);
        if resolution.needs.is_empty() {
            return resolution;
        }
        process.files.extend(resolution.needs.into_iter().map(look));
    }
}

/// Returns the facts of a file.
fn look(need: Need) -> FileFacts {
    let path = path_of(&need.path);
    let follows = need.what != NeedKind::Listing || need.path.as_slice().ends_with(b"/");
    let found = if follows {
        fs::metadata(&path)
    } else {
        fs::symlink_metadata(&path)
    };
    let kind = match found {
        Ok(found) => kind(found.file_type()),
        Err(error) => return unread(need, &error),
    };
    let mut facts = FileFacts {
        kind: Some(kind),
        problem: None,
        ..FileFacts::unread(need, Cause::Missing, "")
    };
    match (facts.need.what, kind) {
        (NeedKind::Content, FileKind::Regular) => match fs::read(&path) {
            Ok(content) => facts.content = Some(Bytes::from(content)),
            Err(error) => return unread(facts.need, &error),
        },
        (NeedKind::Content, _) => {
            return FileFacts {
                kind: Some(kind),
                ..FileFacts::unread(facts.need, Cause::NotRegular, "not a regular file")
            };
        }
        (NeedKind::Listing, FileKind::Directory) => match entries(&path) {
            Ok(entries) => facts.entries = Some(entries),
            Err(error) => return unread(facts.need, &error),
        },
        _ => {}
    }
    facts
}

fn unread(need: Need, error: &std::io::Error) -> FileFacts {
    let cause = match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Cause::Missing,
        _ => Cause::Denied,
    };
    FileFacts::unread(need, cause, error.to_string())
}

fn kind(found: fs::FileType) -> FileKind {
    if found.is_dir() {
        FileKind::Directory
    } else if found.is_symlink() {
        FileKind::Symlink
    } else if found.is_fifo() {
        FileKind::Fifo
    } else if found.is_socket() {
        FileKind::Socket
    } else if found.is_char_device() {
        FileKind::CharacterDevice
    } else if found.is_block_device() {
        FileKind::BlockDevice
    } else {
        FileKind::Regular
    }
}

/// Returns the entries of a folder in the order of their names.
fn entries(folder: &Path) -> std::io::Result<Vec<Entry>> {
    let mut entries = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        entries.insert(entry.file_name().into_vec(), kind(entry.file_type()?));
    }
    let entry = |(name, kind)| Entry {
        name: Bytes::from(name),
        kind,
    };
    Ok(entries.into_iter().map(entry).collect())
}

fn path_of(path: &Bytes) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(path.as_slice()))
}

/// Returns a setting's value, as far as arguments and files tell it: of a default that nobody is sure of, the first; of
/// what the container runtime would say, such as the cgroup driver, the kubelet's own default.
fn told(resolution: &Resolution, path: &str) -> Option<Value> {
    let setting = resolution.setting(path)?;
    let told = match &setting.state {
        State::OneOf(values) => values.first().cloned(),
        _ => setting.value(),
    };
    told.or_else(|| default_value(path, resolution.minor, false))
}

fn value(resolution: &Resolution, path: &str) -> Value {
    told(resolution, path).unwrap_or_else(|| panic!("{path} cannot be told"))
}

fn is_true(resolution: &Resolution, path: &str) -> bool {
    value(resolution, path) == Value::Bool(true)
}

fn text(resolution: &Resolution, path: &str) -> String {
    match value(resolution, path) {
        Value::String(text) => text.to_string_lossy(),
        _ => String::new(),
    }
}

fn port(resolution: &Resolution, path: &str) -> u16 {
    match value(resolution, path) {
        Value::Int(port) => {
            u16::try_from(port).unwrap_or_else(|error| panic!("{path}: {port}: {error}"))
        }
        _ => 0,
    }
}

fn address(resolution: &Resolution, path: &str) -> IpAddr {
    let text = text(resolution, path);
    text.parse()
        .unwrap_or_else(|error| panic!("{path}: {text}: {error}"))
}

/// Starts what is served with TLS, and the read-only port.
fn server(resolution: &Resolution, token: Option<&str>) -> StandIn {
    let certificate = certificate(resolution);
    let has = |path| !text(resolution, path).is_empty();
    let tokens = token
        .into_iter()
        .map(|token| (token.to_owned(), ADMIN.to_owned()));
    let read_only = port(resolution, "readOnlyPort");
    let mode = match text(resolution, "authorization.mode").as_str() {
        "Webhook" => Mode::Webhook,
        _ => Mode::AlwaysAllow,
    };
    let kubelet = Kubelet {
        bind: address(resolution, "address"),
        fault: certificate.is_none().then_some(Fault::NoCertificate),
        server: certificate.unwrap_or_else(|| self_signed(&NAMES)),
        tls_1_2: false,
        anonymous: is_true(resolution, "authentication.anonymous.enabled"),
        mode,
        clients: has("authentication.x509.clientCAFile").then(BTreeMap::new),
        tokens: is_true(resolution, "authentication.webhook.enabled").then(|| tokens.collect()),
        granted: ["/configz", "/pods"]
            .map(|path| (ADMIN.to_owned(), path))
            .into(),
        api_server: true,
        debugging_handlers: is_true(resolution, "enableDebuggingHandlers"),
        configz: configz(resolution),
        delay: Duration::ZERO,
        read_only: read_only != 0,
        configz_fault: None,
        read_only_fault: None,
    };
    let own = match port(resolution, "port") {
        0 => PORT,
        port => port,
    };
    kubelet.start_on(own, read_only)
}

/// Returns the certificate that it serves: what it is told to, else the one that was issued to it, else one that it makes
/// and keeps. None where it waits for one that is still to be issued.
fn certificate(resolution: &Resolution) -> Option<Certified> {
    let paths = resolution.serving_certificate_paths();
    let found = paths.iter().find_map(|path| {
        let path = path_of(path);
        Some((fs::read_to_string(&path).ok()?, path))
    });
    let key = PathBuf::from(text(resolution, "tlsPrivateKeyFile"));
    let Some((pem, path)) = found else {
        if is_true(resolution, "serverTLSBootstrap") {
            return None;
        }
        let own = self_signed(&NAMES);
        let to = PathBuf::from(text(resolution, "tlsCertFile"));
        let folder = to.parent().unwrap_or(Path::new("/"));
        let written = fs::create_dir_all(folder)
            .and_then(|()| fs::write(&to, &own.pem))
            .and_then(|()| fs::write(&key, &own.key_pem));
        if let Err(error) = written {
            refuse(&format!("{}: {error}", to.display()));
        }
        return Some(own);
    };
    // One that was issued has its key behind it.
    let key_pem = if pem.contains("PRIVATE KEY") {
        pem.clone()
    } else {
        fs::read_to_string(&key)
            .unwrap_or_else(|error| refuse(&format!("{}: {error}", key.display())))
    };
    let der = CertificateDer::from_pem_slice(pem.as_bytes());
    let der = der.unwrap_or_else(|error| refuse(&format!("{}: {error}", path.display())));
    Some(Certified {
        pem,
        key_pem,
        der: der.to_vec(),
    })
}

/// Returns what `/configz` says: every field, but for those that Go leaves out when they are zero.
fn configz(resolution: &Resolution) -> Vec<u8> {
    let mut all = Map::new();
    for (name, value) in [
        ("kind", "KubeletConfiguration"),
        ("apiVersion", "kubelet.config.k8s.io/v1beta1"),
    ] {
        all.insert(name.to_owned(), Json::from(value));
    }
    for path in kubeassay_config::kubelet::fields(resolution.minor) {
        let is_left_out = KUBELET.field(path).is_some_and(|field| field.omitempty)
            && resolution
                .setting(path)
                .is_none_or(|setting| setting.is_zero());
        let Some(value) = told(resolution, path).filter(|_| !is_left_out) else {
            continue;
        };
        let value = serde_json::to_value(value);
        let value = value.unwrap_or_else(|error| panic!("{path}: {error}"));
        insert(&mut all, path, value);
    }
    let all = BTreeMap::from([("kubeletconfig", all)]);
    serde_json::to_vec(&all).unwrap_or_else(|error| panic!("configz: {error}"))
}

/// Puts a value where its path says.
fn insert(into: &mut Map<String, Json>, path: &str, value: Json) {
    match path.split_once('.') {
        None => {
            into.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = into.entry(first).or_insert_with(|| Map::new().into());
            let inner = inner.as_object_mut();
            insert(
                inner.unwrap_or_else(|| panic!("{path} is below a value")),
                rest,
                value,
            );
        }
    }
}

/// Serves `/healthz` on its own port, if it has one.
fn healthz(resolution: &Resolution, after: Duration, status: &'static str) {
    let port = port(resolution, "healthzPort");
    if port == 0 {
        return;
    }
    let at = SocketAddr::new(address(resolution, "healthzBindAddress"), port);
    std::thread::spawn(move || {
        std::thread::sleep(after);
        let listener = TcpListener::bind(at);
        let listener = listener.unwrap_or_else(|error| refuse(&format!("{at}: {error}")));
        for stream in listener.incoming() {
            // Whoever goes away again is not answered.
            stream.and_then(|stream| say_how_it_is(stream, status)).ok();
        }
    });
}

fn say_how_it_is(mut stream: TcpStream, status: &str) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    while lines
        .next()
        .transpose()?
        .is_some_and(|line| !line.is_empty())
    {}
    let (status, body) = match request.split(' ').nth(1) {
        Some("/healthz") if status.starts_with("200") => (status, "ok"),
        Some("/healthz") => (status, "[-]syncloop failed: reason withheld"),
        _ => ("404 Not Found", "404 page not found"),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
