//! What the facts say of a file and of who is at home on its node.
//!
//! Processes in pods say nothing here: whoever may start a pod could otherwise keep a fix away, or lead it astray.

use kubeassay_core::Bytes;
use kubeassay_core::facts::{Facts, FileFacts, ProcessFacts, ServiceFacts};

/// A file, its service and its node.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) facts: &'a Facts,
    pub(super) service: &'a ServiceFacts,
    pub(super) path: &'a Bytes,
}

impl<'a> Seen<'a> {
    /// Returns whether the node's operating system is `id` (`ID` of os-release).
    pub(super) fn os_is(&self, id: &str) -> bool {
        self.facts.node.platform.id.as_deref() == Some(id)
    }

    /// Returns whether the file is this one.
    pub(super) fn is(&self, path: &str) -> bool {
        *self.path == path
    }

    /// Returns whether the file lies below a folder, which is given with a slash at its end.
    pub(super) fn is_below(&self, folder: &str) -> bool {
        self.path.as_slice().starts_with(folder.as_bytes())
    }

    /// Returns whether the service is one of these units.
    pub(super) fn unit_is(&self, units: &[&str]) -> bool {
        units.iter().any(|unit| self.service.unit == *unit)
    }

    /// Returns the file's facts, where it was read for its content.
    pub(super) fn file(&self) -> Option<&'a FileFacts> {
        let mut files = self.service.files.iter();
        files.find(|file| file.need.path == *self.path && file.content.is_some())
    }

    /// Returns whether the service has a file whose path ends like this, and it was read.
    pub(super) fn has_file(&self, end: &str) -> Option<&'a Bytes> {
        let mut files = self.service.files.iter();
        let found = files.find(|file| {
            file.content.is_some() && file.need.path.as_slice().ends_with(end.as_bytes())
        });
        found.map(|file| &file.need.path)
    }

    /// Returns the processes that the service started.
    fn processes(&self) -> impl Iterator<Item = &'a ProcessFacts> {
        let service = self.service;
        let processes = self.facts.kubelets();
        processes.filter(move |process| {
            !process.in_pod()
                && (service.started.contains(&process.pid)
                    || process.unit.as_ref() == Some(&service.unit))
        })
    }

    /// Returns whether an argument of the running kubelet, or a file of its service, says `text`.
    pub(super) fn says(&self, text: &str) -> bool {
        self.texts()
            .any(|said| find(said, text.as_bytes()).is_some())
    }

    /// Returns a label that a provider gives its nodes, by the start of its name: `NAME=VALUE`.
    pub(super) fn label(&self, start: &str) -> Option<String> {
        self.texts().find_map(|said| {
            let at = find(said, start.as_bytes())?;
            let is_label = |byte: &&u8| byte.is_ascii_alphanumeric() || b"-_./=".contains(*byte);
            let label = said.get(at..)?.iter().take_while(is_label).take(256);
            let label: Vec<u8> = label.copied().collect();
            let label = String::from_utf8(label).ok()?;
            label.contains('=').then_some(label)
        })
    }

    /// Returns whether a process of the service runs an executable below a folder.
    pub(super) fn runs_below(&self, folder: &str) -> bool {
        let below = |path: &Bytes| path.as_slice().starts_with(folder.as_bytes());
        self.processes()
            .any(|process| process.exe.as_ref().is_some_and(below))
    }

    /// Returns the minor version of the kubelet, such as 34, where the service's executable or a package says one.
    pub(super) fn minor(&self) -> Option<u32> {
        let executable = self.service.executable.iter();
        let versions = executable.flat_map(|executable| executable.versions.iter());
        let packages = self.facts.node.packages.iter();
        let packages = packages.map(|package| &package.upstream);
        versions.chain(packages).find_map(|version| {
            let mut numbers = version.trim_start_matches('v').split('.');
            (numbers.next() == Some("1"))
                .then(|| numbers.next()?.parse().ok())
                .flatten()
        })
    }

    /// Returns the arguments of the running kubelet and the contents of its service's files.
    fn texts(&self) -> impl Iterator<Item = &'a [u8]> {
        let arguments = self.processes().flat_map(|process| process.argv.iter());
        let contents = self.service.files.iter();
        let contents = contents.filter_map(|file| file.content.as_ref());
        arguments.chain(contents).map(Bytes::as_slice)
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
