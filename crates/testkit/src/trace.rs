//! What a program opens and reads, and what it starts, as strace(1) sees it.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// What one run did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// Of every file and directory that it read from: how many descriptors it read it through. A file that was opened
    /// and looked at without being read is not there.
    pub reads: BTreeMap<String, usize>,
    /// How many processes it started; threads are none.
    pub processes: usize,
    /// How many programs it executed, itself left out.
    pub programs: usize,
    /// What it wrote to its output.
    pub output: String,
}

impl Trace {
    /// Runs a program with what it may read and start traced; `None` where strace is missing or may not trace.
    ///
    /// # Panics
    ///
    /// If there is no temporary folder, or strace wrote nothing there.
    pub fn of(program: &std::path::Path, arguments: &[&str]) -> Option<Self> {
        let folder = TempDir::new().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        let log = folder.path().join("trace");
        let output = Command::new("strace")
            .args(["-f", "-qq", "-y", "-s", "0", "-e"])
            .arg("trace=open,openat,openat2,close,read,pread64,readv,preadv,getdents64,mmap,execve,execveat,clone,clone3,fork,vfork")
            .arg("-o")
            .args([&log, program])
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .ok()?;
        // What it says of itself stands in front of what the program says.
        if String::from_utf8_lossy(&output.stderr).contains("strace: ") && output.stdout.is_empty()
        {
            return None;
        }
        let said = std::fs::read(&log).unwrap_or_else(|error| panic!("strace: {error}"));
        let mut trace = Self::parse(&String::from_utf8_lossy(&said));
        trace.output = String::from_utf8_lossy(&output.stdout).into_owned();
        Some(trace)
    }

    /// Reads what strace wrote with `-f -y`. Threads share descriptors, so that they are counted by number.
    fn parse(said: &str) -> Self {
        let mut trace = Self::default();
        // The descriptors that are open, each with whether it was read already.
        let mut read: BTreeMap<&str, bool> = BTreeMap::new();
        let mut programs = 0_usize;
        for line in said.lines() {
            let call = line
                .trim_start_matches(|c: char| c.is_ascii_digit())
                .trim_start();
            let Some((name, rest)) = call.split_once('(') else {
                // A call that another thread's interrupted goes on: it was counted where it began.
                continue;
            };
            match name {
                "clone" | "clone3" | "fork" | "vfork" => {
                    trace.processes += usize::from(!rest.contains("CLONE_THREAD"));
                }
                "execve" | "execveat" => programs += 1,
                "close" => {
                    if let Some((descriptor, _)) = descriptor(rest) {
                        read.remove(descriptor);
                    }
                }
                "open" | "openat" | "openat2" => {}
                _ => {
                    let place = if name == "mmap" {
                        rest.split(", ").nth(4).unwrap_or_default()
                    } else {
                        rest
                    };
                    let Some((number, path)) = descriptor(place) else {
                        continue;
                    };
                    let before = read.entry(number).or_default();
                    if !std::mem::replace(before, true) {
                        *trace.reads.entry(path.to_owned()).or_default() += 1;
                    }
                }
            }
        }
        trace.programs = programs.saturating_sub(1);
        trace
    }

    /// Returns the files and directories outside `/proc` that were read.
    pub fn files(&self) -> impl Iterator<Item = (&str, usize)> {
        self.reads
            .iter()
            .map(|(path, times)| (path.as_str(), *times))
            .filter(|(path, _)| {
                path.starts_with('/') && !path.starts_with("/proc/") && *path != "/proc"
            })
    }
}

/// Returns the number and the path of a descriptor as `-y` writes it: `5</etc/passwd>`.
fn descriptor(text: &str) -> Option<(&str, &str)> {
    let (number, rest) = text.split_once('<')?;
    let path = rest.split('>').next()?;
    number
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then_some((number, path))
}

#[cfg(test)]
mod tests {
    use super::Trace;

    #[test]
    fn a_file_is_counted_once_for_each_descriptor_that_it_is_read_through() {
        let said = "\
7 execve(\"/a\", [...], 0x7) = 0
7 openat(AT_FDCWD</x>, \"b\", O_RDONLY) = 3</x/b>
7 read(3</x/b>, \"\"..., 9) = 9
7 read(3</x/b>, \"\", 9) = 0
7 close(3</x/b>) = 0
7 openat2(AT_FDCWD</x>, \"c\", {flags=O_PATH}, 24) = 3</x/c>
7 clone3({flags=CLONE_VM|CLONE_THREAD}, 88) = 8
7 clone3({flags=CLONE_VM}, 88) = 9
7 openat(AT_FDCWD</x>, \"b\", O_RDONLY) = 4</x/b>
8 pread64(4</x/b>,  <unfinished ...>
7 getdents64(5</proc/7/fd>, 0x7 /* 3 entries */, 32768) = 72
8 <... pread64 resumed>\"\"..., 9, 0) = 9
8 mmap(NULL, 9, PROT_READ, MAP_PRIVATE, 3</x/c>, 0) = 0x7
8 execve(\"/d\", [...], 0x7) = 0
";
        let trace = Trace::parse(said);
        let read: Vec<_> = trace.files().collect();
        assert_eq!(read, [("/x/b", 2), ("/x/c", 1)]);
        assert_eq!((trace.processes, trace.programs), (1, 1));
    }
}
