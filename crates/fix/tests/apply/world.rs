//! A host in a folder, and a world around it whose systemd starts a kubelet from the files that are there.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kubeassay_config::units;
use kubeassay_core::Bytes;
use kubeassay_core::facts::Facts;
use kubeassay_engine::needs_of_service;
use kubeassay_fix::services::{ServiceError, Services, UnitState};
use kubeassay_fix::world::{Api, ClientName, NodeKubeconfig, Reach, Vouching, World};
use tempfile::TempDir;

use crate::node::{Node, UNIT};

/// What goes wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    /// How many starts fail from now on.
    pub(crate) starts: u32,
    /// How many starts do not come to their end.
    pub(crate) hangs: u32,
    /// How many times `/healthz` says 500.
    pub(crate) sick: u32,
    /// systemd cannot be asked to read its units again.
    pub(crate) no_reload: bool,
}

/// A host in a folder.
pub(crate) struct Host {
    folder: TempDir,
    clock: Cell<i64>,
    starts: Cell<u32>,
    /// The files that the kubelet read at its last start, and when that was; none while it does not run.
    running: RefCell<Option<(BTreeMap<String, String>, Timestamp)>>,
    pub(crate) faults: Cell<Faults>,
    pub(crate) said: RefCell<Vec<String>>,
}

impl Host {
    /// Lays out a host whose kubelet runs.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let host = Self {
            folder: TempDir::new().unwrap(),
            clock: Cell::new(1_795_000_000),
            starts: Cell::new(0),
            running: RefCell::new(None),
            faults: Cell::new(Faults::default()),
            said: RefCell::new(Vec::new()),
        };
        for (path, text) in files {
            host.write(path, text);
        }
        let files = host.files();
        *host.running.borrow_mut() = Some((files, host.time()));
        host
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    fn place(&self, path: &str) -> PathBuf {
        self.root().join(path.trim_start_matches('/'))
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let place = self.place(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.place(path)).ok()
    }

    /// Returns every file of the host but those of transactions.
    pub(crate) fn files(&self) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        self.add(self.root(), &mut files);
        files.retain(|path, _| !path.starts_with("/var/lib/kubeassay/"));
        files
    }

    fn add(&self, folder: &Path, files: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.add(&path, files);
                continue;
            }
            let below = path.strip_prefix(self.root()).unwrap();
            let text = String::from_utf8(fs::read(&path).unwrap()).unwrap();
            files.insert(format!("/{}", below.display()), text);
        }
    }

    fn time(&self) -> Timestamp {
        Timestamp::from_second(self.clock.get()).unwrap()
    }

    /// Returns whether the kubelet runs with the files as they are now.
    pub(crate) fn runs_what_is_there(&self) -> bool {
        let running = self.running.borrow();
        running
            .as_ref()
            .is_some_and(|(files, _)| *files == self.files())
    }

    pub(crate) fn starts(&self) -> u32 {
        self.starts.get()
    }

    fn pid(&self) -> u32 {
        7 + self.starts.get()
    }

    /// Takes one off a count of faults, if any is left.
    fn fault(&self, of: impl Fn(&mut Faults) -> &mut u32) -> bool {
        let mut faults = self.faults.get();
        let count = of(&mut faults);
        let is_left = *count > 0;
        *count = count.saturating_sub(1);
        self.faults.set(faults);
        is_left
    }
}

impl Services for Host {
    fn way(&self) -> &'static str {
        "a stand-in"
    }

    fn reload(&self) -> Result<(), ServiceError> {
        if self.faults.get().no_reload {
            return Err(ServiceError::Unreachable("nobody is there".to_owned()));
        }
        Ok(())
    }

    fn restart(&self, unit: &Bytes, _: Duration) -> Result<(), ServiceError> {
        assert_eq!(*unit, UNIT);
        self.starts.set(self.starts.get() + 1);
        self.clock.set(self.clock.get() + 1);
        *self.running.borrow_mut() = None;
        if self.fault(|faults| &mut faults.hangs) {
            return Err(ServiceError::TimedOut("the job did not end".to_owned()));
        }
        if self.fault(|faults| &mut faults.starts) {
            return Err(ServiceError::Failed("the job failed: exit-code".to_owned()));
        }
        let mut files = self.files();
        // What an unfinished transaction keeps beside the files that it wrote; no component reads it.
        files.retain(|path, _| !path.contains("/.kubeassay-"));
        *self.running.borrow_mut() = Some((files, self.time()));
        Ok(())
    }

    fn state(&self, _: &Bytes) -> Result<UnitState, ServiceError> {
        let is_running = self.running.borrow().is_some();
        let (active, sub) = if is_running {
            ("active", "running")
        } else {
            ("failed", "failed")
        };
        Ok(UnitState {
            load: "loaded".to_owned(),
            active: active.to_owned(),
            sub: sub.to_owned(),
            result: "success".to_owned(),
            main_pid: if is_running { self.pid() } else { 0 },
            restarts: 0,
        })
    }
}

impl World for Host {
    fn facts(&self) -> Result<Facts, String> {
        let now = self.files();
        let running = self.running.borrow();
        let mut facts = Node::of(now).stopped().facts();
        facts.started = self.time();
        facts.finished = self.time();
        if let Some((files, started)) = running.as_ref() {
            let mut before = Node::of(files.clone()).facts();
            let mut process = before.processes.remove(0);
            process.pid = self.pid();
            if let Some(moment) = &mut process.started {
                moment.at = *started;
            }
            facts.services[0].started.push(process.pid);
            facts.processes.push(process);
        }
        Ok(facts)
    }

    fn services(&self) -> &dyn Services {
        self
    }

    fn healthz(&self, _: SocketAddr) -> Result<u16, String> {
        let sick = self.fault(|faults| &mut faults.sick);
        Ok(if sick { 500 } else { 200 })
    }

    fn reach(&self, _: &NodeKubeconfig<'_>) -> Option<Reach> {
        None
    }

    fn client_name(&self, _: &[u8]) -> Result<ClientName, String> {
        Err("is of a stand-in".to_owned())
    }

    fn vouching(&self, _: &[u8], _: &[Vec<u8>]) -> Vouching {
        Vouching::Unknown("nobody was asked".to_owned())
    }

    fn api(&self) -> Option<&dyn Api> {
        None
    }

    fn now(&self) -> Timestamp {
        self.time()
    }

    fn wait(&self, time: Duration) {
        let time = SignedDuration::try_from(time).unwrap();
        self.clock.set(self.clock.get() + time.as_secs().max(1));
    }

    fn say(&self, what: &str) {
        self.said.borrow_mut().push(what.to_owned());
    }
}

/// Returns whether the units of a host name no file that is not there.
pub(crate) fn is_whole(host: &Host) -> bool {
    let facts = host.facts().unwrap();
    facts
        .services
        .iter()
        .all(|service| needs_of_service(service).is_empty() && units::next_start(service).is_ok())
}
